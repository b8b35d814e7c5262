//! Who stands where on day N, and what the record still asks for.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::Sources;
use super::columns::{days, number, text, whole};
use crate::error::Result;
use crate::tables::pace::CONTRACT;

/// How many days of all lines together a page holds: the newest windows first.
const DAYS: usize = 60_000;

/// The section.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&CONTRACT)?;
    let named = ["pace", "chart", "region", "entity_id", "window", "tally", "entity", "artists", "clock"];
    let mut columns = Vec::with_capacity(named.len());
    for name in named {
        columns.push(text(frame, name)?);
    }
    let said = |row: usize, at: usize| columns.get(at).and_then(|column| column.get(row)).unwrap_or_default();
    // The grain up to the window: rows of one line stand together, by day number.
    let line = |row: usize| [0, 1, 2, 3, 4].map(|at| said(row, at));
    let rows: Vec<usize> = (0..frame.height()).collect();
    let mut lines: Vec<&[usize]> = rows.chunk_by(|&a, &b| line(a) == line(b)).collect();
    let total = lines.len();
    let pace = |name: &str| sources.plan.paces.iter().position(|pace| pace.name == name);
    lines.sort_by_cached_key(|rows| {
        let row = rows.first().copied().unwrap_or_default();
        let [name, chart, region, id, window] = line(row);
        (pace(name), name, region != "global", chart, region, Reverse(window), id)
    });
    let mut left = DAYS;
    lines.retain(|rows| {
        let fits = rows.len() <= left;
        left -= if fits { rows.len() } else { 0 };
        fits
    });

    let (numbers, dates) = (whole(frame, "day_number")?, days(frame, "date")?);
    let (sums, places, needed) =
        (whole(frame, "cumulative")?, whole(frame, "place")?, whole(frame, "needed_per_day")?);
    let (thresholds, records) = (whole(frame, "threshold")?, whole(frame, "record_days")?);
    let holders = text(frame, "record_holder")?;
    let told = lines.iter().filter_map(|rows| {
        let &first = rows.first()?;
        let mut before = 0;
        let adds = rows.iter().map(|&row| {
            let sum = sums.get(row).unwrap_or_default();
            number(sum.saturating_sub(std::mem::replace(&mut before, sum)))
        });
        Some(json!({
            "pace": said(first, 0),
            "chart": said(first, 1),
            "region": said(first, 2),
            "id": said(first, 3),
            "window": said(first, 4),
            "tally": said(first, 5),
            "entity": said(first, 6),
            "artists": said(first, 7),
            "clock": said(first, 8),
            "first": numbers.get(first),
            "start": dates.get(first),
            "threshold": thresholds.get(first).map(number),
            "record_days": records.get(first),
            "record_holder": holders.get(first),
            "adds": adds.collect::<Vec<_>>(),
            "places": rows.iter().map(|&row| places.get(row)).collect::<Vec<_>>(),
            "needed": rows.iter().map(|&row| needed.get(row).map(number)).collect::<Vec<_>>(),
        }))
    });
    Ok(json!({ "lines": told.collect::<Vec<_>>(), "total": total }))
}
