//! The milestones, the latest first.

use std::cmp::Reverse;

use serde_json::Value;

use super::Sources;
use super::columns::{days, section as table, whole};
use crate::error::Result;
use crate::tables::milestones::CONTRACT;

/// How many milestones a page holds: those reached last.
const MOST: usize = 25_000;

/// The section.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&CONTRACT)?;
    let (reached, thresholds) = (days(frame, "reached_on")?, whole(frame, "threshold")?);
    let mut places: Vec<usize> = (0..frame.height()).collect();
    places.sort_by_key(|&row| (Reverse(reached.get(row)), Reverse(thresholds.get(row)), row));
    let names = [
        "reached_on",
        "entity",
        "artists",
        "threshold",
        "window",
        "days_elapsed",
        "day_number",
        "certainty",
        "earliest_on",
        "cumulative",
        "streams_on_date",
        "contributing_songs",
        "tally",
        "chart",
        "region",
        "clock",
        "start_on",
        "start_basis",
        "credit",
        "song_rule",
        "evidence_export",
        "evidence_row",
    ];
    table(&CONTRACT, frame, &names, places, MOST)
}
