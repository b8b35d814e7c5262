//! What `run.json` says of a run, as far as anybody behind the run wants to know it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{MANIFEST, latest};
use crate::dates::Day;
use crate::error::{Error, Result};

/// Under what conditions a run was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its name.
    pub run: String,
    /// The day as of which its tables are; `None` for all there was.
    pub as_of: Option<Day>,
    /// The program that made it.
    pub program: String,
    /// The ledger's identifier.
    pub ledger_id: Option<String>,
    /// The commit of the ledger that it counted.
    pub ledger: Option<u64>,
    /// BLAKE3 of the pipeline file.
    pub pipeline: String,
    /// BLAKE3 of the catalog.
    pub catalog: String,
    /// BLAKE3 of the claims.
    pub claims: String,
    /// The tables and the BLAKE3 of their files.
    pub tables: Vec<(String, String)>,
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
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self {
            run: file.run,
            as_of: file.as_of.map(|date| date.parse()).transpose()?,
            program: file.program,
            ledger_id: file.ledger.id,
            ledger: file.ledger.version,
            pipeline: file.pipeline.hash,
            catalog: file.catalog.hash,
            claims: file.claims.hash,
            scopes: file.scopes,
            tables: file.tables.into_iter().map(|table| (table.name, table.hash)).collect(),
        })
    }

    /// The BLAKE3 of a table's file, as the run wrote it.
    pub fn hash_of(&self, table: &str) -> Option<&str> {
        self.tables.iter().find(|(name, _)| name == table).map(|(_, hash)| hash.as_str())
    }
}

#[derive(Deserialize)]
struct File {
    run: String,
    #[serde(default)]
    program: String,
    as_of: Option<String>,
    ledger: Version,
    pipeline: Hash,
    catalog: Hash,
    #[serde(default)]
    claims: Hash,
    tables: Vec<Published>,
    #[serde(default)]
    scopes: Vec<ScopeDates>,
}

#[derive(Deserialize)]
struct Version {
    id: Option<String>,
    version: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Hash {
    hash: String,
}

#[derive(Deserialize)]
struct Published {
    name: String,
    hash: String,
}

/// Reads the manifest of the latest run.
///
/// # Errors
/// [`Error::Usage`] if nothing has been published yet, [`Error::Damaged`].
pub fn manifest(out: &Path) -> Result<Manifest> {
    let path = latest(out).join(MANIFEST);
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
