//! The past of a ledger: its commits, and which files its versions need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::{log, month};
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
    /// Months written.
    pub months: u64,
    /// Observations more than before, fewer if negative.
    pub rows: i64,
    /// Bytes of the months written.
    pub bytes: u64,
}

impl Commit {
    /// The exports that came in, by name.
    pub fn came_in(&self) -> String {
        let more = self.exports.unwrap_or_default().saturating_sub(self.names.len() as u64);
        match (self.names.is_empty(), more) {
            (false, 1..) => format!("{} and {more} more", self.names.join(", ")),
            _ => self.names.join(", "),
        }
    }
}

/// A commit as it was read: its actions.
struct Actions {
    version: u64,
    added: Vec<(String, u64, i64)>,
    removed: Vec<String>,
    info: Value,
}

/// The commits, the oldest first; none of a ledger that does not exist.
///
/// # Errors
/// [`Error::Read`], [`Error::Damaged`].
pub fn commits(root: &Path) -> Result<Vec<Commit>> {
    let mut commits = Vec::new();
    let mut rows: BTreeMap<String, i64> = BTreeMap::new();
    for Actions { version, added, removed, info } in read(root)? {
        let mut commit = Commit { version, months: added.len() as u64, ..Commit::default() };
        commit.timestamp = info["timestamp"].as_i64().unwrap_or_default();
        let came_in = &info["chartledger"]["came_in"];
        commit.exports = came_in["exports"].as_u64();
        let names = came_in["names"].as_array().into_iter().flatten();
        commit.names = names.filter_map(Value::as_str).map(str::to_owned).collect();
        for path in removed {
            commit.rows -= rows.remove(&path).unwrap_or_default();
        }
        for (path, bytes, count) in added {
            commit.bytes = commit.bytes.saturating_add(bytes);
            commit.rows += count;
            rows.insert(path, count);
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
    for Actions { version, added, removed, info } in read(root)? {
        // A month that this commit replaces was part of the version before it.
        if version > oldest {
            needed.extend(present.iter().filter(|path| removed.contains(path)).cloned());
        }
        removed.iter().for_each(|path| {
            present.remove(path);
        });
        present.extend(added.into_iter().map(|(path, _, _)| path));
        if info["chartledger"].is_object() {
            own.clear();
            named(&info["chartledger"], &mut own);
        }
        if version >= oldest {
            needed.append(&mut own.clone());
        }
        newest = Some(version);
    }
    needed.append(&mut present);
    needed.append(&mut own);
    Ok((newest, needed))
}

/// Every file of the ledger that a value names, however it is nested: whatever a commit comes to name
/// later, vacuum leaves in peace.
fn named(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let (own, months) = (format!("{}/", log::OWN), format!("{}/", month::MONTHS));
            if text.starts_with(&own) || text.starts_with(&months) {
                into.insert(text.clone());
            }
        }
        Value::Array(values) => values.iter().for_each(|value| named(value, into)),
        Value::Object(values) => values.values().for_each(|value| named(value, into)),
        _ => {}
    }
}

fn read(root: &Path) -> Result<Vec<Actions>> {
    let mut commits = Vec::new();
    for version in 0.. {
        let path = root.join(log::LOG).join(log::file_name(version));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let mut actions = Actions { version, added: Vec::new(), removed: Vec::new(), info: Value::Null };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let action: Value = serde_json::from_str(line).map_err(|error| Error::damaged(&path, error))?;
            let file = |action: &Value| action["path"].as_str().map(log::from_uri);
            if let Some(name) = file(&action["add"]) {
                let add = &action["add"];
                let stats = add["stats"].as_str().and_then(|stats| serde_json::from_str::<Value>(stats).ok());
                let rows = stats.and_then(|stats| stats["numRecords"].as_i64()).unwrap_or_default();
                actions.added.push((name, add["size"].as_u64().unwrap_or_default(), rows));
            }
            actions.removed.extend(file(&action["remove"]));
            if action["commitInfo"].is_object() {
                actions.info = action["commitInfo"].clone();
            }
        }
        commits.push(actions);
    }
    Ok(commits)
}
