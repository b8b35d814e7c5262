//! Writing files so that a crash at any instant leaves either the old state or the new one.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Begins the name of every file that is not finished.
const TEMPORARY: &str = ".tmp-";

/// Writes `bytes` to `path`, which must not exist yet unless it holds the same bytes already: to a
/// temporary name, synced, then linked into place. The caller syncs the directory.
///
/// # Errors
/// [`Error::Write`]; of kind `AlreadyExists` if another file stands there.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = write_synced(&temporary, bytes).and_then(|()| {
        std::fs::hard_link(&temporary, path).or_else(|error| match std::fs::read(path) {
            Ok(present) if present == bytes => Ok(()),
            _ => Err(error),
        })
    });
    // The temporary name is swept at the next start if this fails.
    let _ = std::fs::remove_file(&temporary);
    written.map_err(Error::write(path))
}

/// Writes `bytes` to `path` in place of what stands there, in one step.
///
/// # Errors
/// [`Error::Write`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = write_synced(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(Error::write(path))
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a directory durable.
///
/// # Errors
/// [`Error::Write`].
pub fn sync_directory(path: &Path) -> Result<()> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(Error::write(path))
}

/// Creates a directory and those above it.
///
/// # Errors
/// [`Error::Write`].
pub fn create_directory(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::write(path))
}

/// A name beside `path` that no other writer uses.
pub fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("{TEMPORARY}{}-{count}", std::process::id()))
}

/// Removes what a crashed run left unfinished in a directory. The caller holds the lock.
pub fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            // Best effort: a left-over does no harm.
            let path = entry.path();
            let _ = if path.is_dir() && !path.is_symlink() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
        }
    }
}
