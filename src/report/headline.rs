//! What the run has otherwise than the one before: first of all, what was crossed.

use serde_json::{Value, json};

use super::Sources;
use super::columns::{section as table, text};
use crate::error::Result;
use crate::tables::changes::CONTRACT;

/// How many changes a page lists.
const MOST: usize = 500;

/// The changes, those that people ask for first: milestones, then records, ranks, verdicts, the rest.
const ORDER: [&str; 11] = [
    "milestone_crossed",
    "milestone_moved",
    "milestone_revoked",
    "record_broken",
    "record_set",
    "record_equalled",
    "record_changed",
    "rank_gained",
    "rank_lost",
    "claim_changed",
    "total_corrected",
];

/// The section.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&CONTRACT)?;
    let kinds = text(frame, "change")?;
    let place = |row: usize| ORDER.iter().position(|kind| Some(*kind) == kinds.get(row));
    let mut rows: Vec<usize> = (0..frame.height()).collect();
    rows.sort_by_key(|&row| (place(row).unwrap_or(ORDER.len()), row));
    let counts: Vec<Value> = ORDER
        .iter()
        .map(|kind| (kind, kinds.iter().filter(|of| *of == Some(*kind)).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| json!([kind, count]))
        .collect();
    let names =
        ["change", "says", "entity", "name", "chart", "region", "window", "threshold", "after_on", "cause"];
    Ok(json!({
        "before": sources.manifest["before"],
        "counts": counts,
        "changes": table(&CONTRACT, frame, &names, rows, MOST)?,
    }))
}
