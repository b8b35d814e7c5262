//! Where every row of every export went.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use polars::prelude::*;
use serde_json::{Value, json};

use super::Sources;
use super::columns::{columns, days, rows, section as table, text, whole};
use crate::error::Result;
use crate::tables::{checks, exports::CONTRACT, quarantine};

/// How many exports a page lists: those that lost rows, then the newest.
const EXPORTS: usize = 2_000;

/// How many rows in quarantine a page lists.
const SET_ASIDE: usize = 1_000;

/// How much of a row in quarantine it shows, in characters.
const RAW: usize = 400;

const ROWS: [&str; 5] = ["rows_read", "rows_used", "rows_duplicate", "rows_superseded", "rows_quarantined"];

/// The section.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&CONTRACT)?;
    let mut sums = Vec::with_capacity(ROWS.len());
    for name in ROWS {
        sums.push(whole(frame, name)?.iter().flatten().fold(0_i64, i64::saturating_add));
    }
    let (lost, aside) = (whole(frame, "rows_superseded")?, whole(frame, "rows_quarantined")?);
    let last = days(frame, "last_on")?;
    let mut places: Vec<usize> = (0..frame.height()).collect();
    let lost =
        |row: usize| lost.get(row).unwrap_or_default().saturating_add(aside.get(row).unwrap_or_default());
    places.sort_by_key(|&row| (lost(row) == 0, Reverse(last.get(row)), row));
    let names = [
        "export",
        "dialect",
        "chart",
        "region",
        "first_on",
        "last_on",
        "rows_read",
        "rows_used",
        "rows_duplicate",
        "rows_superseded",
        "rows_quarantined",
        "hash",
    ];
    let checked = sources.frame(&checks::CONTRACT)?;
    let of_checks = ["check", "chart", "region", "compared", "agreed", "differed", "undecided"];
    Ok(json!({
        "sums": ROWS.iter().zip(sums).map(|(name, sum)| json!([name, sum])).collect::<Vec<_>>(),
        "exports": table(&CONTRACT, frame, &names, places, EXPORTS)?,
        "quarantine": set_aside(sources)?,
        "checks": columns(&checks::CONTRACT, checked, &of_checks)?,
    }))
}

/// The rows in quarantine, and how many there are for each reason.
fn set_aside(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&quarantine::CONTRACT)?;
    let reasons = text(frame, "reason")?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons.iter().flatten() {
        // The reasons name the cell that was found behind a colon or in backticks; what is alike is one.
        let alike = reason.split_once('`').map_or(reason, |(before, _)| before);
        *counts.entry(alike.trim_end()).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts.truncate(50);
    let places: Vec<usize> = (0..frame.height().min(SET_ASIDE)).collect();
    let mut shown = rows(frame, &places)?;
    let raw: StringChunked = text(&shown, "raw")?
        .iter()
        .map(|raw| raw.map(|raw| raw.chars().take(RAW).collect::<String>()))
        .collect();
    shown.with_column(raw.with_name("raw".into()).into_column())?;
    let names = ["export", "line", "reason", "raw"];
    let mut section = table(&quarantine::CONTRACT, &shown, &names, places, SET_ASIDE)?;
    section["total"] = json!(frame.height());
    section["reasons"] = json!(counts);
    Ok(section)
}
