//! What `run.json` says of a run, beside its tables.

use serde_json::{Value, json};

use super::Refused;
use crate::dates::Month;
use crate::ledger::Ledger;
use crate::pipeline::Plan;
use crate::publish::{self, PublishedTable, ScopeDates};
use crate::seal;
use crate::tally::Surveyed;

/// From when to when each scope has data.
pub(crate) fn scope_dates(surveyed: &Surveyed) -> Vec<ScopeDates> {
    let scopes = surveyed.scopes.iter().zip(&surveyed.calendars);
    let dates = scopes.filter_map(|(scope, calendar)| {
        let first = calendar.due.first()?.day;
        let last = calendar.due.iter().rev().find(|due| due.state.is_live()).map_or(first, |due| due.day);
        Some(ScopeDates { chart: scope.chart.clone(), region: scope.region.clone(), first, last })
    });
    dates.collect()
}

/// What a run was made of, with its seal still open.
pub(crate) fn manifest(
    plan: &Plan,
    ledger: &Ledger,
    run: &str,
    tables: &[PublishedTable],
    (refused, scopes): (&[Refused], &[ScopeDates]),
    since: Option<Month>,
) -> Value {
    let inputs = ledger.state.listed().map(|(_, export)| {
        json!({
            "export": export.name,
            "hash": export.hash,
            "dialect": export.dialect,
            "charts": export.charts,
            "regions": export.regions,
            "first_on": export.days.map(|days| days.0),
            "last_on": export.days.map(|days| days.1),
            "replaced": export.replaced,
            "rows_read": export.rows.read,
            "rows_used": export.rows.used,
            "rows_duplicate": export.rows.duplicate,
            "rows_superseded": export.rows.superseded,
            "rows_quarantined": export.rows.quarantined,
        })
    });
    json!({
        "seal": seal::OPEN,
        "run": run,
        "chartledger": env!("CARGO_PKG_VERSION"),
        "program": crate::PROGRAM,
        "pipeline": { "name": plan.name, "hash": plan.hash },
        "catalog": { "hash": plan.catalog.hash },
        "claims": { "hash": plan.claims.hash },
        "as_of": plan.as_of.map(|day| day.to_string()),
        "ledger": {
            "id": ledger.state.id,
            "version": ledger.version,
            "at": publish::place_of(ledger.root()),
        },
        "counted_since": since.map(|month| month.to_string()),
        "scopes": scopes,
        "tables": tables,
        "refused": refused.iter().map(|refused| json!({ "export": refused.export, "problem": refused.problem })).collect::<Vec<_>>(),
        "inputs": inputs.collect::<Vec<_>>(),
    })
}

/// The high-water mark of resident memory, as Linux counts it.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
