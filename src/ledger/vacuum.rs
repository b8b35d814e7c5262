//! Vacuum: files of the ledger that nobody needs any more.
//!
//! Which versions stay readable is decided by whoever calls; log files always stay, as Delta's own
//! vacuum leaves them, so the history stays complete and an old version says what it lacks. Only
//! files that the newest version does not need go: in Delta's words tombstones, and files that no
//! commit names, which are left-overs of a run that ended before its commit.

use std::path::Path;

use super::history::needed_since;
use super::{Ledger, log, month};
use crate::error::{Error, Result};
use crate::files;

/// The kinds of our own files; what is called otherwise is not ours to remove.
const KINDS: [&str; 4] = ["exports-", "quarantine-", "listings-", "lost-"];

/// What vacuum removed, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// The newest version.
    pub newest: u64,
    /// The oldest version that is still readable.
    pub oldest: u64,
    /// Paths relative to the ledger, with their bytes.
    pub files: Vec<(String, u64)>,
}

impl Vacuumed {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| *bytes).sum()
    }
}

/// Removes the files that no version from `oldest` on needs; with `dry_run` only says which. The
/// newest version keeps all of its files, whatever `oldest` is.
///
/// # Errors
/// [`Error::Usage`] if there is no ledger, [`Error::Locked`], [`Error::Read`], [`Error::Damaged`],
/// [`Error::Write`]; some files may be gone then.
pub fn vacuum(root: &Path, oldest: u64, dry_run: bool) -> Result<Vacuumed> {
    if !root.join(log::LOG).is_dir() {
        return Err(Error::Usage(format!(
            "{} is no ledger; name one with --ledger, or fill it with `chartledger run`",
            root.display()
        )));
    }
    let left_over = temporaries(root)?;
    // Nobody writes while the lock is held, so every temporary file that was there is a left-over;
    // taking the lock removes them.
    let _lock = if dry_run { None } else { Some(Ledger::lock(root)?) };
    let (newest, needed) = needed_since(root, oldest)?;
    let newest = newest.unwrap_or_default();
    let mut files: Vec<(String, u64)> =
        left_over.into_iter().filter(|(path, _)| dry_run || !root.join(path).exists()).collect();
    let mut unneeded = Vec::new();
    for (folder, is_ours) in [
        (month::MONTHS, (|name| name.ends_with(".parquet")) as fn(&str) -> bool),
        (log::OWN, |name| name.ends_with(".parquet") && KINDS.iter().any(|kind| name.starts_with(kind))),
    ] {
        // Months stand in a folder for each chart and month.
        unneeded.extend(files::below(root, folder)?.into_iter().filter(|(path, _)| {
            let name = path.rsplit('/').next().unwrap_or_default();
            is_ours(name) && !needed.contains(path)
        }));
    }
    if !dry_run {
        for (path, _) in &unneeded {
            let path = root.join(path);
            std::fs::remove_file(&path).map_err(Error::write(&path))?;
        }
        for folder in [month::MONTHS, log::OWN] {
            files::sync_directory(&root.join(folder))?;
        }
    }
    files.extend(unneeded);
    files.sort();
    Ok(Vacuumed { newest, oldest: oldest.min(newest), files })
}

/// The files that a writer had not finished.
fn temporaries(root: &Path) -> Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for folder in ["", log::LOG, log::OWN, month::MONTHS] {
        files.extend(listed(root, folder)?);
    }
    let is_temporary = |path: &str| path.rsplit('/').next().is_some_and(files::is_temporary);
    files.retain(|(path, _)| is_temporary(path));
    Ok(files)
}

/// The files of a folder of the ledger, with their bytes.
fn listed(root: &Path, folder: &str) -> Result<Vec<(String, u64)>> {
    let path = root.join(folder);
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::read(&path)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::read(&path))?;
        let metadata = entry.metadata().map_err(Error::read(&path))?;
        if metadata.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            files.push((name, metadata.len()));
        }
    }
    Ok(files)
}
