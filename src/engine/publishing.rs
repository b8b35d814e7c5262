//! The tables of a job: those that follow from what the cluster counted, through the same audits and
//! the same switch as every run's. What is left out is named, in the report and in `run.json`.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use polars::prelude::DataFrame;
use serde::Serialize;
use serde_json::{Value, json};

use super::input::Input;
use super::totals::Written;
use crate::catalog::{Entities, SongRule};
use crate::error::Result;
use crate::frame::{Column, Frame, Values};
use crate::ledger::{ExportEntry, Ledger, RowAccount, State};
use crate::pipeline::{Plan, RankingKind};
use crate::publish::{self, PublishedTable, ScopeDates};
use crate::seal;
use crate::tables::{self, Contract, Field, Sources, Table};
use crate::tally::{self, Folded, Surveyed, TallySpec, Variant};

/// The tables that this engine publishes.
pub const TABLES: [&Contract; 6] = [
    &tables::milestones::CONTRACT,
    &tables::totals::CONTRACT,
    &tables::rankings::CONTRACT,
    &tables::merges::CONTRACT,
    &tables::coverage::CONTRACT,
    &tables::credits::CONTRACT,
];

/// Columns that only an engine with the files at hand can fill.
const EVIDENCE: [&str; 2] = ["evidence_export", "evidence_row"];

/// Milestones without evidence, and otherwise the same.
static MILESTONES: LazyLock<Contract> = LazyLock::new(|| {
    let contract = &tables::milestones::CONTRACT;
    let column =
        |field: &Field| Field { nullable: field.nullable || EVIDENCE.contains(&field.name), ..*field };
    let columns: Vec<Field> = contract.columns.iter().map(column).collect();
    Contract { columns: columns.leak(), ..*contract }
});

/// Something that the pipeline asks for and this engine does not give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Everything that is published.
pub struct Published {
    /// The tables.
    pub tables: Vec<PublishedTable>,
    /// What is not among them.
    pub left: Vec<Left>,
    /// The headline ranking's rows.
    pub headline: Option<(String, DataFrame)>,
}

/// What tables are made of.
pub struct Job<'a> {
    pub plan: &'a Plan,
    pub run: &'a str,
    pub server: &'a str,
    pub ledger: &'a Ledger,
    pub input: &'a Input,
    pub tallies: &'a [TallySpec],
    pub surveyed: &'a Surveyed,
    pub entities: &'a Entities,
    pub folded: &'a Folded,
    pub kept: Kept,
    /// Totals that the cluster has written.
    pub written: Option<Written>,
}

/// What of a plan is counted.
pub struct Kept {
    /// The plan, without the rankings that are left out.
    plan: Plan,
    /// What is left out.
    left: Vec<Left>,
    /// The tallies derived for what is kept: of which tally, and how they count otherwise.
    derived: Vec<(usize, Variant)>,
    /// Whether the cluster writes the totals itself.
    pub totals_stay: bool,
}

impl Kept {
    /// Whether the totals of a tally must come here; `None` if nothing of it is wanted.
    pub fn needs(&self, spec: &TallySpec, tally: usize) -> Option<bool> {
        let ranked = |tally: usize| {
            let mut rankings = self.plan.rankings.iter();
            rankings.any(|ranking| ranking.kind == RankingKind::MostStreamed && ranking.tally == tally)
        };
        match spec.derived {
            None => Some(!self.totals_stay || ranked(tally)),
            // What merges are read off.
            Some((_, Variant::Rule(SongRule::Uri))) => Some(true),
            Some(derived) => self.derived.contains(&derived).then(|| ranked(derived.0)),
        }
    }
}

/// What of a plan is counted, where its tallies have so many totals and no more than `limit` of them
/// come here.
pub fn keep(plan: &Plan, surveyed: &Surveyed, heights: &[u64], limit: u64) -> Kept {
    let totals_stay = heights.iter().copied().fold(0, u64::saturating_add) > limit;
    let (mut kept, mut left) = (plan.clone(), left(plan));
    kept.rankings.retain(|ranking| {
        let rows = heights.get(ranking.tally).copied().unwrap_or_default();
        let why = match ranking.kind {
            RankingKind::Reach => "rankings of kind reach are not counted by --engine spark".to_owned(),
            RankingKind::MostStreamed if rows > limit => format!(
                "its {rows} rows are more than --collect-up-to; `totals`, which the cluster has written, has its figures"
            ),
            _ => return true,
        };
        left.push(Left { what: format!("ranking {}", ranking.name), why });
        false
    });
    let derived = tally::derive(&kept.tallies, &kept.sensitive(), surveyed);
    let derived = derived.into_iter().filter_map(|spec| spec.derived).collect();
    Kept { plan: kept, left, derived, totals_stay }
}

/// What the plan asks for and this engine does not give, whatever there is to count.
fn left(plan: &Plan) -> Vec<Left> {
    let mut left = Vec::new();
    let mut leave = |what: &str, why: &str| left.push(Left { what: what.to_owned(), why: why.to_owned() });
    leave(
        &format!("milestones: {}", EVIDENCE.join(", ")),
        "empty: the cluster adds up rows and keeps no line numbers",
    );
    let others =
        [("records", plan.records.len()), ("pace", plan.paces.len()), ("claims", plan.claims.claims.len())];
    for (what, _) in others.into_iter().filter(|(_, count)| *count > 0) {
        leave(&format!("table {what}"), "not counted by --engine spark");
    }
    leave(
        "tables chart_runs, checks, reconciliation, exports, quarantine, corrections, changes",
        "they tell of files and rows, which only an engine with the ledger at hand knows",
    );
    if plan.report {
        leave("report.html", "it shows the ledger's rows");
    }
    if plan.on_change.command.is_some() {
        leave("the command of [on_change]", "there is no table of changes to tell it");
    }
    left
}

/// Builds, audits and publishes the tables.
///
/// # Errors
/// [`crate::error::Error::Audit`] before anything is written, [`crate::error::Error::Write`].
pub fn publish(job: Job<'_>, timings: &[(&'static str, Duration)]) -> Result<Published> {
    let Job { plan, tallies, surveyed, entities, folded, .. } = job;
    crate::run::check_coverage(plan, surveyed)?;
    // Evidence is looked up by the code of an export: one without a name stands in for all of them.
    let nobody = ExportEntry {
        name: String::new(),
        path: String::new(),
        hash: String::new(),
        size: 0,
        modified: 0,
        dialect: String::new(),
        charts: Vec::new(),
        regions: Vec::new(),
        days: None,
        rows: RowAccount::default(),
        replaced: false,
        forgotten: false,
        withheld: 0,
        loss_allowed: false,
    };
    let state = State { exports: vec![nobody], listings: job.input.listings.clone(), ..State::default() };
    let sources = Sources {
        plan: &job.kept.plan,
        state: &state,
        tallies,
        surveyed,
        entities,
        folded,
        corrections: &[],
        judged: &[],
    };
    let mut made = Vec::with_capacity(TABLES.len());
    let is_written =
        |contract: &Contract| job.written.as_ref().is_some_and(|written| written.table.name == contract.name);
    for contract in TABLES.into_iter().filter(|contract| !is_written(contract)) {
        let mut table = tables::build_unchecked(contract, &sources)?;
        if contract.name == MILESTONES.name {
            table = without_evidence(table)?;
        }
        made.push(table);
    }
    let rankings = made.iter().find(|table| table.contract.name == tables::rankings::CONTRACT.name);
    let headline = plan.headline.clone().and_then(|name| {
        let rows = crate::run::headline(&rankings?.frame.to_polars().ok()?, &name)?;
        Some((name, rows))
    });
    // The table that the cluster has written stands where it does in every run.
    let with_written = |tables: &[PublishedTable]| {
        let mut all = tables.to_vec();
        all.extend(job.written.as_ref().map(|written| written.table.clone()));
        all.sort_by_key(|table| TABLES.iter().position(|contract| contract.name == table.name));
        all
    };
    let manifest = |folder: &Path, tables: &[PublishedTable]| {
        if let Some(written) = &job.written {
            written.move_into(folder)?;
        }
        Ok(seal::close(format!("{:#}\n", manifest(&job, &with_written(tables), timings))))
    };
    let tables = with_written(&publish::publish(&plan.out, job.run, made, manifest)?);
    if let Some(Err(error)) = plan.retention.map(|retention| publish::retire(&plan.out, retention)) {
        tracing::warn!("some runs could not be removed: {error}");
    }
    Ok(Published { tables, left: job.kept.left, headline })
}

fn without_evidence(table: Table) -> Result<Table> {
    let height = table.frame.height();
    let empty = |column: Column| match column.values {
        _ if !EVIDENCE.contains(&column.name) => column,
        Values::Text(_) | Values::Spelled(_) => Column::optional_text(column.name, (0..height).map(|_| None)),
        _ => Column::optional_numbers(column.name, (0..height).map(|_| None)),
    };
    let columns = table.frame.into_columns().into_iter().map(empty).collect();
    Ok(Table { contract: &MILESTONES, frame: Frame::new(height, columns)? })
}

fn manifest(job: &Job<'_>, tables: &[PublishedTable], timings: &[(&'static str, Duration)]) -> Value {
    let Job { plan, ledger, surveyed, .. } = *job;
    let scopes: Vec<ScopeDates> = crate::run::scope_dates(surveyed);
    let seconds: serde_json::Map<String, Value> =
        timings.iter().map(|(stage, time)| ((*stage).to_owned(), json!(time.as_secs_f64()))).collect();
    json!({
        "seal": seal::OPEN,
        "run": job.run,
        "chartledger": env!("CARGO_PKG_VERSION"),
        // Another program, so that nobody takes these tables for those of the fold.
        "program": format!("{}+spark", crate::PROGRAM),
        "engine": { "name": "spark", "server": job.server, "input": job.input.what, "left_out": job.kept.left },
        "pipeline": { "name": plan.name, "hash": plan.hash },
        "catalog": { "hash": plan.catalog.hash },
        "claims": { "hash": plan.claims.hash },
        "as_of": plan.as_of.map(|day| day.to_string()),
        "ledger": { "id": ledger.state.id, "version": ledger.version },
        "counted_since": Value::Null,
        "scopes": scopes,
        "tables": tables,
        "refused": [],
        "seconds": seconds,
        "peak_memory_bytes": crate::run::peak_memory(),
        "inputs": [],
    })
}
