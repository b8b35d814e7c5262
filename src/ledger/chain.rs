//! The commits one by one, as they stand in the log, readable or not: what `verify`, the history and
//! vacuum go by.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::log::CameIn;
use super::{MonthKey, log};
use crate::error::Result;
use crate::seal;

/// A commit of the log.
pub struct Logged {
    /// Its version.
    pub version: u64,
    /// Its file.
    pub path: PathBuf,
    /// What it names, or why it cannot be read.
    pub named: Result<Named, String>,
}

/// What a commit names.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The months that it adds.
    pub added: Vec<AddedMonth>,
    /// The paths of the months that it removes.
    pub removed: Vec<String>,
    /// The paths of our own files: dictionaries, register, rows that lost.
    pub own: Vec<String>,
    /// Whether its text is as it was written.
    pub sealed: bool,
    /// When it was made, in milliseconds since 1970.
    pub timestamp: i64,
    /// The exports that came in, as far as it says so.
    pub came_in: Option<CameIn>,
}

/// A month that a commit adds.
#[derive(Clone, Debug)]
pub struct AddedMonth {
    /// Chart and month.
    pub key: MonthKey,
    /// Its file, relative to the ledger.
    pub path: String,
    /// Bytes, as the commit has them.
    pub size: u64,
    /// Rows, as the commit has them.
    pub rows: u64,
}

/// Every commit that has a file in the log, in the order of the versions.
///
/// # Errors
/// [`crate::error::Error::Read`] if the folder of the log cannot be listed;
/// [`crate::error::Error::Damaged`] for a ledger that a newer program wrote.
pub fn logged(root: &Path) -> Result<Vec<Logged>> {
    let read = |version: u64| {
        let path = root.join(log::LOG).join(log::file_name(version));
        let text = std::fs::read(&path).map_err(|error| error.to_string());
        let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
        let named = match text {
            Ok(text) => match log::refuse_newer(root, &text) {
                Err(newer) => return Err(newer),
                Ok(()) => named(&text),
            },
            Err(problem) => Err(problem),
        };
        Ok(Logged { version, path, named })
    };
    log::versions(root)?.into_iter().map(read).collect()
}

fn named(text: &str) -> Result<Named, String> {
    let mut named = Named { sealed: seal::holds(text), ..Named::default() };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let action: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if let Some(month) = log::added(line).map_err(|error| error.to_string())? {
            named.added.push(month);
        }
        if let Some(path) = action.pointer("/remove/path").and_then(Value::as_str) {
            named.removed.push(log::from_uri(path));
        }
        if let Some(info) = action.get("commitInfo") {
            named.timestamp = info.get("timestamp").and_then(Value::as_i64).unwrap_or_default();
            let came_in = info.pointer("/chartledger/came_in");
            named.came_in = came_in.and_then(|came_in| CameIn::deserialize(came_in).ok());
            info.get("chartledger").into_iter().for_each(|own| paths(own, &mut named.own));
        }
    }
    match named.own.is_empty() {
        true => Err("it names no dictionaries".to_owned()),
        false => Ok(named),
    }
}

/// Every text that is the path of a file of our own, wherever it stands.
fn paths(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) if text.strip_prefix(log::OWN).is_some_and(|rest| rest.starts_with('/')) => {
            into.push(text.clone());
        }
        Value::Array(values) => values.iter().for_each(|value| paths(value, into)),
        Value::Object(values) => values.values().for_each(|value| paths(value, into)),
        _ => {}
    }
}

/// The months that the newest of these commits names.
pub fn live(commits: &[Logged]) -> Vec<&AddedMonth> {
    let mut live: BTreeMap<&str, &AddedMonth> = BTreeMap::new();
    for named in commits.iter().filter_map(|commit| commit.named.as_ref().ok()) {
        for path in &named.removed {
            live.remove(path.as_str());
        }
        live.extend(named.added.iter().map(|month| (month.path.as_str(), month)));
    }
    live.into_values().collect()
}
