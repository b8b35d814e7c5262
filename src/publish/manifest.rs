//! What `run.json` says of a run, as far as anybody behind the run wants to know it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{MANIFEST, latest};
use crate::changes::{Conditions, Input};
use crate::dates::Day;
use crate::error::{Error, Result};

/// Under what conditions a run was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its name.
    pub run: String,
    /// The run before it, which its `changes` compare with.
    pub before: Option<String>,
    /// The day as of which its tables are; `None` for all there was.
    pub as_of: Option<Day>,
    /// The program that made it.
    pub program: String,
    /// The ledger's identifier.
    pub ledger_id: Option<String>,
    /// The commit of the ledger that it counted.
    pub ledger: Option<u64>,
    /// Where that ledger was, see [`place_of`].
    pub ledger_at: Option<String>,
    /// BLAKE3 of the pipeline file.
    pub pipeline: String,
    /// BLAKE3 of the catalog.
    pub catalog: String,
    /// BLAKE3 of the claims.
    pub claims: String,
    /// The tables and the BLAKE3 of their files.
    pub tables: Vec<(String, String)>,
    /// The BLAKE3 of the report, where there is one.
    pub report: Option<String>,
    /// The tables and their rows.
    pub rows: Vec<(String, u64)>,
    /// Rows of the exports that were counted.
    pub rows_used: u64,
    /// The exports that were counted, but for those that a corrected file has replaced.
    pub inputs: Vec<Input>,
    /// How long its stages took.
    pub duration: Duration,
    /// What the tables are made from.
    pub scopes: Vec<ScopeDates>,
}

/// From when to when there is data of a chart in a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeDates {
    /// The chart.
    pub chart: String,
    /// The region.
    pub region: String,
    /// The first date.
    #[serde(with = "iso")]
    pub first: Day,
    /// The newest date whose rows count: a copy of the date before is not new.
    #[serde(with = "iso")]
    pub last: Day,
}

/// Days as `2024-03-20`.
mod iso {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::dates::Day;

    pub fn serialize<S: Serializer>(day: &Day, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Day, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Manifest {
    /// Reads the text of a manifest.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::of(&serde_json::from_str(text).map_err(|error| error.to_string())?)
    }

    /// The BLAKE3 of a table's file, as the run wrote it.
    pub fn hash_of(&self, table: &str) -> Option<&str> {
        self.tables.iter().find(|(name, _)| name == table).map(|(_, hash)| hash.as_str())
    }

    /// What a comparison with another run looks at.
    pub fn conditions(self) -> Conditions {
        let Self { pipeline, catalog, claims, program, as_of, inputs, .. } = self;
        Conditions { pipeline, catalog, claims, program, as_of, inputs }
    }

    /// Reads what the program wrote as `run.json`.
    ///
    /// # Errors
    /// A sentence on what is missing.
    pub fn of(value: &Value) -> Result<Self, String> {
        let file = File::deserialize(value).map_err(|error| error.to_string())?;
        let as_of = file.as_of.map(|date| date.parse()).transpose()?;
        let seconds: f64 = file.seconds.values().filter(|seconds| seconds.is_finite()).sum();
        Ok(Self {
            run: file.run,
            before: file.before,
            as_of,
            program: file.program,
            ledger_id: file.ledger.id,
            ledger: file.ledger.version,
            ledger_at: file.ledger.at,
            pipeline: file.pipeline.hash,
            catalog: file.catalog.hash,
            claims: file.claims.hash,
            scopes: file.scopes,
            rows: file.tables.iter().map(|table| (table.name.clone(), table.rows)).collect(),
            tables: file.tables.into_iter().map(|table| (table.name, table.hash)).collect(),
            report: file.report.map(|report| report.hash),
            rows_used: file.inputs.iter().map(|input| input.rows_used).sum(),
            inputs: file.inputs.into_iter().filter(|input| !input.replaced).map(Counted::input).collect(),
            duration: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
struct File {
    run: String,
    before: Option<String>,
    #[serde(default)]
    program: String,
    as_of: Option<String>,
    ledger: Version,
    pipeline: Hash,
    catalog: Hash,
    #[serde(default)]
    claims: Hash,
    tables: Vec<Published>,
    report: Option<Hash>,
    #[serde(default)]
    scopes: Vec<ScopeDates>,
    #[serde(default)]
    inputs: Vec<Counted>,
    #[serde(default)]
    seconds: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Version {
    id: Option<String>,
    version: Option<u64>,
    at: Option<String>,
}

/// A digest of a folder's path: enough to know it again, and nothing that tells of a machine.
pub fn place_of(folder: &Path) -> String {
    let path = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex()[..16].to_owned()
}

#[derive(Default, Deserialize)]
struct Hash {
    hash: String,
}

#[derive(Deserialize)]
struct Published {
    name: String,
    #[serde(default)]
    rows: u64,
    hash: String,
}

#[derive(Deserialize)]
struct Counted {
    export: String,
    hash: String,
    #[serde(default)]
    charts: Vec<String>,
    #[serde(default)]
    regions: Vec<String>,
    first_on: Option<String>,
    last_on: Option<String>,
    #[serde(default)]
    rows_used: u64,
    #[serde(default)]
    rows_superseded: u64,
    #[serde(default)]
    replaced: bool,
}

impl Counted {
    fn input(self) -> Input {
        let day = |date: Option<String>| date.and_then(|date| date.parse().ok());
        Input {
            name: self.export,
            hash: self.hash,
            charts: self.charts,
            regions: self.regions,
            days: day(self.first_on).zip(day(self.last_on)),
            superseded: self.rows_superseded,
        }
    }
}

/// Reads the manifest of the latest run.
///
/// # Errors
/// [`Error::Usage`] if nothing has been published yet, [`Error::Damaged`].
pub fn manifest(out: &Path) -> Result<Manifest> {
    manifest_in(&latest(out))
}

/// Reads the manifest in the folder of a run.
///
/// # Errors
/// [`Error::Usage`] if there is none, [`Error::Damaged`].
pub fn manifest_in(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::Usage(format!(
                "{} does not exist; publish a run with `chartledger run`, or name the output with --out",
                path.display()
            )));
        }
        Err(error) => return Err(Error::read(&path)(error)),
    };
    Manifest::parse(&text)
        .map_err(|problem| Error::damaged(&path, format!("{problem}; run the pipeline again")))
}
