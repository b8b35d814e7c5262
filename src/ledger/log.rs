//! The commit log, in the format of the Delta Lake transaction protocol: reader version 1, writer
//! version 2 (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md>).
//!
//! What the protocol has no action for (exports, quarantine, dictionaries) is named in
//! `commitInfo`, whose content the protocol leaves to the writer.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::merge::MonthKey;
use super::{MonthFile, State, month, register};
use crate::dates::Month;
use crate::error::{Error, Result};

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
    ) -> Self {
        let lost = lost.iter().map(|(key, path)| LostRows {
            chart: key.chart.clone(),
            month: key.month.to_string(),
            path: path.clone(),
        });
        Self { format: FORMAT, exports, quarantine, listings, regions, lost: lost.collect() }
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

/// The newest version and what it says.
pub fn newest(root: &Path) -> Result<(Option<u64>, State)> {
    let mut months: BTreeMap<String, (MonthKey, MonthFile)> = BTreeMap::new();
    let (mut dictionaries, mut id) = (None, None);
    let mut version = 0;
    loop {
        let path = root.join(LOG).join(file_name(version));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(source) => return Err(Error::Read { path, source }),
        };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let action: Action = serde_json::from_str(line).map_err(|error| Error::damaged(&path, error))?;
            if let Some(add) = action.add {
                let key = key(&add.partition_values)
                    .ok_or_else(|| Error::damaged(&path, "a month without chart or month"))?;
                let stats: Stats =
                    serde_json::from_str(&add.stats).map_err(|error| Error::damaged(&path, error))?;
                let file = MonthFile { path: add.path.clone(), size: add.size, rows: stats.num_records };
                months.insert(add.path, (key, file));
            }
            if let Some(remove) = action.remove {
                months.remove(&remove.path);
            }
            if let Some(table) = action.meta_data {
                id = Some(table.id);
            }
            if let Some(info) = action.commit_info {
                dictionaries = Some(info.chartledger);
            }
        }
        version += 1;
    }
    let Some(dictionaries) = dictionaries else { return Ok((None, State::default())) };
    if dictionaries.format != FORMAT {
        let problem = format!(
            "the ledger has format {}, this program knows {FORMAT}; use the newer chartledger that wrote it",
            dictionaries.format
        );
        return Err(Error::damaged(root, problem));
    }
    let lost_key = |lost: &LostRows| {
        let month = Month::parse(&lost.month)?;
        Some((MonthKey { chart: lost.chart.clone(), month }, lost.path.clone()))
    };
    let state = State {
        id,
        lost: dictionaries.lost.iter().filter_map(lost_key).collect(),
        months: months.into_values().collect(),
        exports: register::read_exports(&root.join(&dictionaries.exports))?,
        quarantine: register::read_quarantine(&root.join(&dictionaries.quarantine))?,
        listings: register::read_listings(&root.join(&dictionaries.listings))?,
        regions: dictionaries.regions,
    };
    Ok((Some(version - 1), state))
}

fn key(values: &BTreeMap<String, String>) -> Option<MonthKey> {
    Some(MonthKey { chart: values.get("chart")?.clone(), month: Month::parse(values.get("month")?)? })
}

/// The text of a commit; the first one says the table's identifier.
pub fn commit(
    first: Option<&String>,
    timestamp: i64,
    added: &[(MonthKey, MonthFile)],
    removed: &[(MonthKey, MonthFile)],
    dictionaries: &Dictionaries,
) -> String {
    let mut actions: Vec<Value> = vec![json!({ "commitInfo": {
        "timestamp": timestamp,
        "operation": "WRITE",
        "operationParameters": { "mode": "Append", "partitionBy": "[\"chart\",\"month\"]" },
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
            "path": file.path,
            "deletionTimestamp": timestamp,
            "dataChange": true,
            "extendedFileMetadata": true,
            "partitionValues": partition(key),
            "size": file.size,
        }}));
    }
    for (key, file) in added {
        actions.push(json!({ "add": {
            "path": file.path,
            "partitionValues": partition(key),
            "size": file.size,
            "modificationTime": timestamp,
            "dataChange": true,
            "stats": json!({ "numRecords": file.rows }).to_string(),
        }}));
    }
    actions.iter().map(|action| format!("{action}\n")).collect()
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
