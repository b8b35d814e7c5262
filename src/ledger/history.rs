//! The past of a ledger: its commits, and which files its versions need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::chain::{Logged, Named, logged};
use super::log::CameIn;
use crate::error::{Error, Result};

/// What a commit brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The version that it made.
    pub version: u64,
    /// When, in milliseconds since 1970, by the commit itself.
    pub timestamp: i64,
    /// How many exports came in; `None` if the commit does not say.
    pub exports: Option<u64>,
    /// The names of the first few of them.
    pub names: Vec<String>,
    /// What else was decided about exports, in words.
    pub note: Option<String>,
    /// Months written.
    pub months: u64,
    /// Observations more than before, fewer if negative.
    pub rows: i64,
    /// Bytes of the months written.
    pub bytes: u64,
}

impl Commit {
    /// The exports that came in, by name, and what else was decided.
    pub fn came_in(&self) -> String {
        let more = self.exports.unwrap_or_default().saturating_sub(self.names.len() as u64);
        let names = match (self.names.is_empty(), more) {
            (false, 1..) => format!("{} and {more} more", self.names.join(", ")),
            _ => self.names.join(", "),
        };
        let said = [Some(names), self.note.clone()];
        let said: Vec<String> = said.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        said.join("; ")
    }
}

/// The commits, the oldest first; none of a ledger that does not exist.
///
/// # Errors
/// [`Error::Read`], [`Error::Damaged`].
pub fn commits(root: &Path) -> Result<Vec<Commit>> {
    let mut commits = Vec::new();
    let mut rows: BTreeMap<String, i64> = BTreeMap::new();
    for (version, Named { added, removed, timestamp, came_in, .. }) in readable(root)? {
        let mut commit = Commit { version, timestamp, months: added.len() as u64, ..Commit::default() };
        if let Some(CameIn { exports, names, note }) = came_in {
            (commit.exports, commit.names, commit.note) = (u64::try_from(exports).ok(), names, note);
        }
        for path in removed {
            commit.rows -= rows.remove(&path).unwrap_or_default();
        }
        for month in added {
            let count = i64::try_from(month.rows).unwrap_or(i64::MAX);
            commit.bytes = commit.bytes.saturating_add(month.size);
            commit.rows = commit.rows.saturating_add(count);
            rows.insert(month.path, count);
        }
        commits.push(commit);
    }
    Ok(commits)
}

/// The newest version, and the files that it and every version from `oldest` on need, by their
/// paths relative to the ledger.
///
/// # Errors
/// [`Error::Read`], [`Error::Damaged`].
pub fn needed_since(root: &Path, oldest: u64) -> Result<(Option<u64>, BTreeSet<String>)> {
    let mut present: BTreeSet<String> = BTreeSet::new();
    let mut own: BTreeSet<String> = BTreeSet::new();
    let mut needed: BTreeSet<String> = BTreeSet::new();
    let mut newest = None;
    for (version, named) in readable(root)? {
        // A month that this commit replaces was part of the version before it.
        if version > oldest {
            needed.extend(present.iter().filter(|path| named.removed.contains(path)).cloned());
        }
        named.removed.iter().for_each(|path| {
            present.remove(path);
        });
        present.extend(named.added.into_iter().map(|month| month.path));
        own = named.own.into_iter().collect();
        if version >= oldest {
            needed.extend(own.iter().cloned());
        }
        newest = Some(version);
    }
    needed.append(&mut present);
    needed.append(&mut own);
    Ok((newest, needed))
}

/// The commits of the log by their versions, all of which must be readable.
fn readable(root: &Path) -> Result<Vec<(u64, Named)>> {
    let named = |Logged { version, path, named }: Logged| match named {
        Ok(named) => Ok((version, named)),
        Err(problem) => Err(Error::damaged(&path, problem)),
    };
    logged(root)?.into_iter().map(named).collect()
}
