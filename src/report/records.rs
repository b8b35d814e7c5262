//! The records: who holds each, and who held it before.

use std::cmp::Reverse;

use serde_json::Value;

use super::Sources;
use super::columns::{days, section as table, text};
use crate::error::Result;
use crate::tables::records::CONTRACT;

/// How many reigns a page holds: those that stand, then the latest.
const MOST: usize = 5_000;

/// The section.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&CONTRACT)?;
    let (names, reached, until) =
        (text(frame, "record")?, days(frame, "reached_on")?, days(frame, "held_until")?);
    let (charts, regions) = (text(frame, "chart")?, text(frame, "region")?);
    let mut places: Vec<usize> = (0..frame.height()).collect();
    if places.len() > MOST {
        places.sort_by_key(|&row| (until.get(row).is_some(), Reverse(reached.get(row)), row));
        places.truncate(MOST);
    }
    let spec = |row: usize| {
        let name = names.get(row);
        sources.plan.records.iter().position(|record| Some(record.name.as_str()) == name)
    };
    places.sort_by_key(|&row| {
        (spec(row), names.get(row), charts.get(row), regions.get(row), Reverse(reached.get(row)), row)
    });
    let columns = [
        "record",
        "entity",
        "artists",
        "reached_on",
        "value",
        "unit",
        "margin",
        "previous_holder",
        "held_until",
        "days_held",
        "joint",
        "kind",
        "chart",
        "region",
    ];
    let mut section = table(&CONTRACT, frame, &columns, places, MOST)?;
    section["total"] = frame.height().into();
    Ok(section)
}
