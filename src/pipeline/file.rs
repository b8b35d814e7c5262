//! The shape of a pipeline file. Keys that are not here are refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Per, RankingKind, after};
use crate::catalog::{Credit, EntityKind, Personas, SongRule};
use crate::exports::dialect::Mapped;
use crate::exports::{Intake, MaxUnpacked};
use crate::ledger::{OnConflict, Policy};
use crate::publish::Retention;
use crate::tally::{Clock, RecordKind};

/// A pipeline file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub headline: Option<String>,
    pub exports: Exports,
    #[serde(default = "default_ledger")]
    pub ledger: PathBuf,
    #[serde(default = "default_out")]
    pub out: PathBuf,
    pub catalog: Option<CatalogAt>,
    pub claims: Option<PathBuf>,
    #[serde(default)]
    pub tally: Vec<Tally>,
    #[serde(default)]
    pub ranking: Vec<Ranking>,
    #[serde(default)]
    pub record: Vec<Record>,
    #[serde(default)]
    pub pace: Vec<Pace>,
    #[serde(default)]
    pub coverage: CoverageAt,
    #[serde(default)]
    pub reconcile: Reconcile,
    #[serde(default)]
    pub mapped: Vec<Mapped>,
    #[serde(default)]
    pub freshness: FreshnessAt,
    pub metrics: Option<PathBuf>,
    pub retention: Option<Retention>,
    #[serde(default)]
    pub on_change: after::OnChange,
    #[serde(default)]
    pub report: ReportAt,
}

/// `[report]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportAt {
    pub publish: bool,
}

/// `[coverage]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageAt {
    pub from: Option<toml::value::Datetime>,
    pub until: Option<toml::value::Datetime>,
    pub min_coverage: Option<f64>,
}

/// `[reconcile]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    pub tolerance: f64,
}

impl Default for Reconcile {
    fn default() -> Self {
        Self { tolerance: 0.01 }
    }
}

/// A `[[record]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub name: String,
    pub kind: RecordKind,
    pub entity: Option<EntityKind>,
    pub cohort: Option<String>,
    pub charts: Option<Vec<String>>,
    pub regions: Option<Vec<String>>,
    pub tally: Option<String>,
    pub threshold: Option<i64>,
}

/// A `[[pace]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    pub name: String,
    pub tally: String,
    #[serde(default)]
    pub entities: Vec<String>,
    pub threshold: Option<i64>,
}

fn default_ledger() -> PathBuf {
    PathBuf::from("../ledger")
}

fn default_out() -> PathBuf {
    PathBuf::from("../out")
}

/// `[exports]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exports {
    pub paths: Vec<PathBuf>,
    #[serde(default)]
    pub on_conflict: OnConflict,
    pub max_loss: Option<f64>,
    #[serde(default)]
    pub may_be_empty: bool,
    #[serde(default)]
    pub links_out: bool,
    pub max_unpacked: Option<MaxUnpackedAt>,
}

/// `max_unpacked` of `[exports]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxUnpackedAt {
    pub bytes: Option<u64>,
    pub ratio: Option<u64>,
}

impl Exports {
    /// How exports may correct others.
    ///
    /// # Errors
    /// A sentence on what makes no sense.
    pub fn policy(&self) -> Result<Policy, String> {
        let max_loss = self.max_loss.unwrap_or(Policy::default().max_loss);
        match (0.0..=1.0).contains(&max_loss) {
            true => Ok(Policy { on_conflict: self.on_conflict, max_loss, ..Policy::default() }),
            false => Err(format!("max_loss = {max_loss} is not between 0 and 1")),
        }
    }

    /// What is allowed of them.
    pub fn intake(&self) -> Intake {
        let usual = MaxUnpacked::default();
        let max_unpacked = self.max_unpacked.as_ref().map_or(usual, |max| MaxUnpacked {
            bytes: max.bytes.unwrap_or(usual.bytes),
            ratio: max.ratio.unwrap_or(usual.ratio),
        });
        Intake { may_be_empty: self.may_be_empty, links_out: self.links_out, max_unpacked }
    }
}

/// `[freshness]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreshnessAt {
    pub max_staleness: Option<u32>,
    #[serde(default)]
    pub charts: BTreeMap<String, u32>,
}

/// `[catalog]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogAt {
    pub path: PathBuf,
    #[serde(default)]
    pub personas: Personas,
}

/// A `[[tally]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    pub name: String,
    pub entity: EntityKind,
    pub clock: Clock,
    #[serde(default)]
    pub credit: Credit,
    pub song_rule: Option<SongRule>,
    pub cohort: Option<String>,
    pub charts: Option<Vec<String>>,
    pub regions: Option<Vec<String>>,
    pub thresholds: Vec<i64>,
}

/// A `[[ranking]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    pub name: String,
    pub kind: RankingKind,
    pub tally: String,
    pub threshold: Option<i64>,
    #[serde(default)]
    pub per: Per,
    pub cohort: Option<String>,
    pub credit: Option<Credit>,
    pub topped: Option<bool>,
    #[serde(default = "yes")]
    pub sensitivity: bool,
}

fn yes() -> bool {
    true
}
