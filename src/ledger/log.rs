//! The commit log, in the format of the Delta Lake transaction protocol: reader version 1, writer
//! version 2 (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md>).
//!
//! What the protocol has no action for (exports, quarantine, dictionaries) is named in
//! `commitInfo`, whose content the protocol leaves to the writer.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chain::AddedMonth;
use super::forget::Forgotten;
use super::merge::MonthKey;
use super::named::{self, WAY_OUT};
use super::{MonthFile, State, month, register};
use crate::dates::Month;
use crate::error::{Error, Result};
use crate::seal;

/// The folder of the log.
pub const LOG: &str = "_delta_log";
/// The folder of our own files, which Delta readers pass over.
pub const OWN: &str = "_chartledger";
/// The layout of the ledger; a newer one is refused.
const FORMAT: u32 = 1;

/// The files that explain the codes of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dictionaries {
    format: u32,
    /// Parquet file of the exports, relative to the ledger.
    pub exports: String,
    /// Parquet file of the rows set aside.
    pub quarantine: String,
    /// Parquet file of the listings.
    pub listings: String,
    /// Regions by code.
    pub regions: Vec<String>,
    /// Parquet files of rows that do not count.
    lost: Vec<LostRows>,
    /// Exports that were taken out on purpose. Older readers pass over it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<Forgotten>,
    /// What came in, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_in: Option<CameIn>,
}

/// The exports that a commit took in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameIn {
    /// How many.
    pub exports: usize,
    /// The names of the first few.
    pub names: Vec<String>,
    /// What else was decided about exports, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LostRows {
    chart: String,
    month: String,
    path: String,
}

impl Dictionaries {
    /// Dictionaries of the present format.
    pub fn new(
        exports: String,
        quarantine: String,
        listings: String,
        regions: Vec<String>,
        lost: &BTreeMap<MonthKey, String>,
        forgotten: Vec<Forgotten>,
    ) -> Self {
        let lost = lost.iter().map(|(key, path)| LostRows {
            chart: key.chart.clone(),
            month: key.month.to_string(),
            path: path.clone(),
        });
        Self {
            format: FORMAT,
            exports,
            quarantine,
            listings,
            regions,
            lost: lost.collect(),
            forgotten,
            came_in: None,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    add: Option<Add>,
    remove: Option<Remove>,
    commit_info: Option<CommitInfo>,
    meta_data: Option<MetaData>,
}

#[derive(Deserialize)]
struct MetaData {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Add {
    path: String,
    partition_values: BTreeMap<String, String>,
    size: u64,
    stats: String,
}

#[derive(Deserialize)]
struct Remove {
    path: String,
}

#[derive(Deserialize)]
struct CommitInfo {
    #[serde(default)]
    timestamp: i64,
    chartledger: Dictionaries,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    num_records: u64,
}

/// The name of a commit's file.
pub fn file_name(version: u64) -> String {
    format!("{version:020}.json")
}

/// The newest version and what it says; the newest up to `last`, where that is given.
pub fn newest(root: &Path, last: Option<u64>) -> Result<(Option<u64>, State)> {
    let mut months: BTreeMap<String, (MonthKey, MonthFile)> = BTreeMap::new();
    let (mut dictionaries, mut id, mut committed) = (None, None, 0);
    let mut version = 0;
    while last.is_none_or(|last| version <= last) {
        let path = root.join(LOG).join(file_name(version));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(source) => return Err(named::unreadable(&path, &source)),
        };
        refuse_newer(root, &text)?;
        // A changed character here is another history, whatever the files that it names hold.
        if !seal::holds(&text) {
            return Err(Error::damaged(
                &path,
                format!("its text has changed since it was written; {WAY_OUT}"),
            ));
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let action: Action = serde_json::from_str(line).map_err(|error| match format_of(line) {
                Some(format) if format != FORMAT => newer(root, format),
                _ => Error::damaged(&path, format!("{error}; {WAY_OUT}")),
            })?;
            if let Some(add) = action.add {
                let key = key(&add.partition_values)
                    .ok_or_else(|| Error::damaged(&path, "a month without chart or month"))?;
                let stats: Stats =
                    serde_json::from_str(&add.stats).map_err(|error| Error::damaged(&path, error))?;
                let path = from_uri(&add.path);
                let file = MonthFile { path: path.clone(), size: add.size, rows: stats.num_records };
                months.insert(path, (key, file));
            }
            if let Some(remove) = action.remove {
                months.remove(&from_uri(&remove.path));
            }
            if let Some(table) = action.meta_data {
                id = Some(table.id);
            }
            if let Some(info) = action.commit_info {
                committed = info.timestamp;
                dictionaries = Some(info.chartledger);
            }
        }
        version += 1;
    }
    // Behind a gap there are commits that would be lost if this one were taken for the newest.
    let later = versions(root)?.pop().filter(|&later| later > version && last.is_none());
    if let Some(later) = later {
        let text = std::fs::read_to_string(root.join(LOG).join(file_name(later))).unwrap_or_default();
        refuse_newer(root, &text)?;
        let missing = root.join(LOG).join(file_name(version));
        return Err(Error::damaged(
            &missing,
            format!("it is missing, and version {later} is there; {WAY_OUT}"),
        ));
    }
    let Some(dictionaries) = dictionaries else { return Ok((None, State::default())) };
    if dictionaries.format != FORMAT {
        return Err(newer(root, dictionaries.format));
    }
    let lost_key = |lost: &LostRows| {
        let month = Month::parse(&lost.month)?;
        Some((MonthKey { chart: lost.chart.clone(), month }, lost.path.clone()))
    };
    let state = State {
        id,
        committed,
        lost: dictionaries.lost.iter().filter_map(lost_key).collect(),
        months: months.into_values().collect(),
        exports: register::read_exports(&root.join(&dictionaries.exports))?,
        quarantine: register::read_quarantine(&root.join(&dictionaries.quarantine))?,
        listings: register::read_listings(&root.join(&dictionaries.listings))?,
        regions: dictionaries.regions,
        forgotten: dictionaries.forgotten,
    };
    Ok((Some(version - 1), state))
}

/// The versions that have a file in the log, sorted.
///
/// # Errors
/// [`Error::Damaged`] if the folder cannot be listed; one that does not exist has no versions.
pub fn versions(root: &Path) -> Result<Vec<u64>> {
    let log = root.join(LOG);
    let entries = match std::fs::read_dir(&log) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(source) => return Err(named::unreadable(&log, &source)),
    };
    let version = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name();
        let digits = name.to_str()?.strip_suffix(".json")?;
        (digits.len() == 20).then(|| digits.parse().ok()).flatten()
    };
    let mut versions: Vec<u64> = entries.filter_map(version).collect();
    versions.sort_unstable();
    Ok(versions)
}

/// The format that a line of a commit speaks of, however little else of it is understood.
fn format_of(line: &str) -> Option<u32> {
    let line: Value = serde_json::from_str(line).ok()?;
    line.get("commitInfo")?.get("chartledger")?.get("format")?.as_u64()?.try_into().ok()
}

/// Refuses the text of a commit that a newer program wrote.
///
/// # Errors
/// [`Error::Damaged`].
pub fn refuse_newer(root: &Path, text: &str) -> Result<()> {
    match text.lines().find_map(format_of) {
        Some(format) if format > FORMAT => Err(newer(root, format)),
        _ => Ok(()),
    }
}

/// The month that a line of a commit adds, if it adds one.
///
/// # Errors
/// A sentence on what is wrong with the line.
pub fn added(line: &str) -> Result<Option<AddedMonth>, String> {
    let action: Action = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let Some(add) = action.add else { return Ok(None) };
    let key = key(&add.partition_values).ok_or("a month without chart or month")?;
    let stats: Stats = serde_json::from_str(&add.stats).map_err(|error| error.to_string())?;
    Ok(Some(AddedMonth { key, path: from_uri(&add.path), size: add.size, rows: stats.num_records }))
}

fn newer(root: &Path, format: u32) -> Error {
    let problem = format!(
        "the ledger has format {format}, this program knows {FORMAT}; use the newer chartledger that wrote it"
    );
    Error::damaged(root, problem)
}

/// A path as the protocol wants it: a URI. Our paths hold nothing to escape but what is escaped in
/// the names of their folders already.
fn to_uri(path: &str) -> String {
    path.replace('%', "%25")
}

/// The path of a URI that [`to_uri`] gave.
pub fn from_uri(uri: &str) -> String {
    uri.replace("%25", "%")
}

fn key(values: &BTreeMap<String, String>) -> Option<MonthKey> {
    Some(MonthKey { chart: values.get("chart")?.clone(), month: Month::parse(values.get("month")?)? })
}

/// What a commit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Exports came in.
    Write,
    /// An export was taken out.
    Forget(&'a str),
    /// An export that was taken out may come in again.
    Undo(&'a str),
}

impl Operation<'_> {
    /// Its name and parameters, as Delta tools show them.
    fn told(self) -> (&'static str, Value) {
        match self {
            Self::Write => ("WRITE", json!({ "mode": "Append", "partitionBy": "[\"chart\",\"month\"]" })),
            Self::Forget(export) => ("DELETE", json!({ "predicate": format!("export = {export:?}") })),
            Self::Undo(export) => {
                ("UPDATE", json!({ "predicate": format!("forgotten export = {export:?}") }))
            }
        }
    }
}

/// The text of a commit; the first one says the table's identifier.
pub fn commit(
    operation: Operation<'_>,
    first: Option<&str>,
    timestamp: i64,
    added: &[(MonthKey, MonthFile)],
    removed: &[(MonthKey, MonthFile)],
    dictionaries: &Dictionaries,
) -> String {
    let (operation, parameters) = operation.told();
    let mut actions: Vec<Value> = vec![json!({ "commitInfo": {
        "timestamp": timestamp,
        "operation": operation,
        "operationParameters": parameters,
        "seal": seal::OPEN,
        "engineInfo": concat!("chartledger/", env!("CARGO_PKG_VERSION")),
        "chartledger": dictionaries,
    }})];
    if let Some(id) = first {
        actions.push(json!({ "protocol": { "minReaderVersion": 1, "minWriterVersion": 2 } }));
        actions.push(json!({ "metaData": {
            "id": id,
            "name": "observations",
            "format": { "provider": "parquet", "options": {} },
            "schemaString": schema().to_string(),
            "partitionColumns": ["chart", "month"],
            "configuration": {},
            "createdTime": timestamp,
        }}));
    }
    let partition = |key: &MonthKey| json!({ "chart": key.chart, "month": key.month.to_string() });
    for (key, file) in removed {
        actions.push(json!({ "remove": {
            "path": to_uri(&file.path),
            "deletionTimestamp": timestamp,
            "dataChange": true,
            "extendedFileMetadata": true,
            "partitionValues": partition(key),
            "size": file.size,
        }}));
    }
    for (key, file) in added {
        actions.push(json!({ "add": {
            "path": to_uri(&file.path),
            "partitionValues": partition(key),
            "size": file.size,
            "modificationTime": timestamp,
            "dataChange": true,
            "stats": json!({ "numRecords": file.rows }).to_string(),
        }}));
    }
    seal::close(actions.iter().map(|action| format!("{action}\n")).collect())
}

fn schema() -> Value {
    let field =
        |name: &str, kind: &str| json!({ "name": name, "type": kind, "nullable": true, "metadata": {} });
    let partitions = [field("chart", "string"), field("month", "string")];
    let columns = month::COLUMNS.iter().map(|(name, kind)| field(name, kind));
    json!({ "type": "struct", "fields": partitions.into_iter().chain(columns).collect::<Vec<_>>() })
}

/// An identifier for the table in the shape of a UUID, different for every ledger.
pub fn table_id(timestamp: i64) -> String {
    let seed = format!("{timestamp} {}", std::process::id());
    let hex = blake3::hash(seed.as_bytes()).to_hex();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
