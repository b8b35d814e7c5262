//! Writing files so that a crash at any instant leaves either the old state or the new one.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
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
    write_new_by(path, bytes, &temporary_beside(path))
}

fn write_new_by(path: &Path, bytes: &[u8], temporary: &Path) -> Result<()> {
    let written = write_synced(temporary, bytes).and_then(|()| {
        std::fs::hard_link(temporary, path).or_else(|error| match std::fs::read(path) {
            Ok(present) if present == bytes => Ok(()),
            _ => Err(error),
        })
    });
    // The temporary name is swept at the next start if this fails.
    let _ = std::fs::remove_file(temporary);
    written.map_err(Error::write(path))
}

/// Writes `bytes` to `path`, whose name is their hash. What stands there already is the same or was
/// damaged since, and is then replaced in one step. The caller syncs the directory.
///
/// # Errors
/// [`Error::Write`].
pub fn write_named(path: &Path, bytes: &[u8], staging: &Path) -> Result<()> {
    let temporary = temporary_beside(&staging.join("_"));
    match write_new_by(path, bytes, &temporary) {
        Err(Error::Write { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
            let replaced = write_synced(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
            if replaced.is_err() {
                let _ = std::fs::remove_file(&temporary);
            }
            replaced.map_err(Error::write(path))
        }
        written => written,
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes `bytes` to `path` in place of what is there: readers see the old file or the new one.
///
/// # Errors
/// [`Error::Write`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = write_synced(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written.map_err(Error::write(path))
}

/// The same without waiting for the disk: for what can be made again.
///
/// # Errors
/// [`Error::Write`].
pub fn put_aside(path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = File::create(&temporary).and_then(|mut file| write(&mut file));
    written.and_then(|()| std::fs::rename(&temporary, path)).map_err(Error::write(path))
}

/// Checks that a directory can be made at `path`, or written to if it is there; writes nothing.
///
/// # Errors
/// [`Error::Write`] that names the folder in the way.
pub fn check_writable(path: &Path) -> Result<()> {
    use rustix::fs::{Access, access};
    let here =
        |above: &Path| if above.as_os_str().is_empty() { PathBuf::from(".") } else { above.to_owned() };
    let blocked =
        |kind: ErrorKind, problem: String| Err(Error::write(path)(std::io::Error::new(kind, problem)));
    for above in path.ancestors().map(here) {
        match std::fs::metadata(&above) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            Err(error) => return Err(Error::write(&above)(error)),
            Ok(meta) if !meta.is_dir() => {
                return blocked(ErrorKind::NotADirectory, format!("{} is not a directory", above.display()));
            }
            Ok(_) => {
                return access(&above, Access::WRITE_OK | Access::EXEC_OK).or_else(|error| {
                    let error = std::io::Error::from(error);
                    blocked(error.kind(), format!("{}: {error}", above.display()))
                });
            }
        }
    }
    Ok(())
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
    let created = std::fs::create_dir_all(path).map_err(|error| match error.kind() {
        // What exists and is no folder.
        ErrorKind::AlreadyExists => ErrorKind::NotADirectory.into(),
        _ => error,
    });
    created.map_err(Error::write(path))
}

/// Creates a directory in one that is there, unless it is there too, and makes its name durable.
///
/// # Errors
/// [`Error::Write`].
pub fn create_durable(path: &Path) -> Result<()> {
    match std::fs::create_dir(path) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => {
            Err(Error::Write { path: path.to_owned(), source })
        }
        // Whoever made it may have been killed before its name was durable.
        _ => path.parent().map_or(Ok(()), sync_directory),
    }
}

/// The files below `root/folder`, in whatever depth, by their path below `root` and with their bytes;
/// none if it does not exist.
///
/// # Errors
/// [`Error::Read`].
pub fn below(root: &Path, folder: &str) -> Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(root.join(folder)) {
        let found = entry.and_then(|entry| Ok((entry.metadata()?.len(), entry)));
        let (bytes, entry) = match found {
            Ok(found) => found,
            Err(error) => {
                let missing = error.io_error().is_some_and(|error| error.kind() == ErrorKind::NotFound);
                if error.depth() == 0 && missing {
                    return Ok(files);
                }
                let path = error.path().unwrap_or(root).to_owned();
                return Err(Error::Read { path, source: error.into() });
            }
        };
        if !entry.file_type().is_dir() {
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
            files.push((path.to_string_lossy().into_owned(), bytes));
        }
    }
    Ok(files)
}

/// A name beside `path` that no other writer uses.
pub fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("{TEMPORARY}{}-{count}", std::process::id()))
}

/// Whether a file of this name is not finished.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// Removes what a crashed run left unfinished in a directory. The caller holds the lock.
pub fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if is_temporary(&entry.file_name().to_string_lossy()) {
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
