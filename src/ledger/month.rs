//! A month of observations of one chart: the immutable Parquet file and its columns in memory.
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `region` | Int32 | code, in the `regions` of the commit |
//! | `date` | Date | data day |
//! | `rank` | Int32 | from 1 |
//! | `listing` | Int32 | code, in the listings of the commit |
//! | `streams` | Int64 | null for a chart that has none |
//! | `export` | Int32 | code, in the exports of the commit |
//! | `line` | Int32 | line (text) or row (Parquet) of the export, from 1 |
//! | `total` | Int64 | running total, null where the export has none |
//! | `peak_rank`, `previous_rank`, `appearances` | Int32 | what the export reports, null where nothing |
//!
//! Rows are sorted by region, date, rank, listing. The last four columns are left out of a file in
//! which they would be null throughout. Chart and month are partition values and not in the file.

use serde::{Deserialize, Serialize};
use std::path::Path;

use polars::prelude::*;

use super::merge::MonthKey;
use super::named;
use super::settle::Loss;
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::{NO_STREAMS, NO_TOTAL, Reported};
use crate::frame::{Column, Frame};

/// The folder of the months.
pub const MONTHS: &str = "months";

/// The folder of a month, named as other readers expect it: polars takes the partition values from
/// the path and not from the log.
pub fn folder(key: &MonthKey) -> String {
    let mut chart = String::with_capacity(key.chart.len());
    for byte in key.chart.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b':' => chart.push(byte as char),
            _ => chart.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{MONTHS}/chart={chart}/month={}", key.month)
}

/// One observation, with the codes of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Streams, or [`NO_STREAMS`].
    pub streams: i64,
    /// Running total, or [`NO_TOTAL`].
    pub total: i64,
    /// Code of the listing.
    pub listing: u32,
    /// Code of the export.
    pub export: u32,
    /// Line or row in the export.
    pub line: u32,
    /// Code of the region.
    pub region: u16,
    /// Data day.
    pub day: Day,
    /// Rank, from 1.
    pub rank: u16,
    /// What the export reports.
    pub reported: Reported,
}

/// The names and Delta types of the columns, in the order of the file.
pub const COLUMNS: [(&str, &str); 11] = [
    ("region", "integer"),
    ("date", "date"),
    ("rank", "integer"),
    ("listing", "integer"),
    ("streams", "long"),
    ("export", "integer"),
    ("line", "integer"),
    ("total", "long"),
    ("peak_rank", "integer"),
    ("previous_rank", "integer"),
    ("appearances", "integer"),
];

/// The observations as a frame with the columns above.
///
/// # Errors
/// [`Error::Frame`].
pub fn to_frame(rows: &[Observation]) -> Result<Frame> {
    let whole = |name, value: fn(&Observation) -> i32| Column::small_numbers(name, rows.iter().map(value));
    let long = |name, value: fn(&Observation) -> i64, none: i64| {
        if rows.iter().all(|row| value(row) != none) {
            return Column::numbers(name, rows.iter().map(value));
        }
        Column::optional_numbers(name, rows.iter().map(|row| Some(value(row)).filter(|&value| value != none)))
    };
    let mut columns = vec![
        whole("region", |row| i32::from(row.region)),
        Column::dates("date", rows.iter().map(|row| row.day)),
        whole("rank", |row| i32::from(row.rank)).steady(),
        whole("listing", |row| row.listing as i32),
        long("streams", |row| row.streams, NO_STREAMS),
        whole("export", |row| row.export as i32),
        whole("line", |row| row.line as i32).steady(),
    ];
    if rows.iter().any(|row| row.total != NO_TOTAL) {
        columns.push(long("total", |row| row.total, NO_TOTAL));
    }
    let said = |value: i32| (value != 0).then_some(value);
    type Reads = fn(&Observation) -> i32;
    let reported: [(&'static str, Reads); 3] = [
        ("peak_rank", |row| i32::from(row.reported.peak)),
        ("previous_rank", |row| row.reported.previous),
        ("appearances", |row| row.reported.appearances as i32),
    ];
    if rows.iter().any(|row| row.reported != Reported::default()) {
        for (name, value) in reported {
            columns.push(Column::optional_small_numbers(name, rows.iter().map(|row| said(value(row)))));
        }
    }
    Frame::new(rows.len(), columns)
}

/// Rows that do not count as a frame: the columns above, `superseded`, false for a duplicate, and
/// where there are such `replaced`, true for the rows of a file that has been corrected, and
/// `withheld`, true for those of an export that would lose too much.
///
/// # Errors
/// [`Error::Frame`].
pub fn lost_to_frame(lost: &[(Observation, Loss)]) -> Result<Frame> {
    let rows: Vec<Observation> = lost.iter().map(|(row, _)| *row).collect();
    let mut columns = to_frame(&rows)?.into_columns();
    let is = |name, wanted: Loss| Column::flags(name, lost.iter().map(|(_, loss)| *loss == wanted));
    columns.push(is("superseded", Loss::Superseded));
    if lost.iter().any(|(_, loss)| *loss == Loss::Replaced) {
        columns.push(is("replaced", Loss::Replaced));
    }
    if lost.iter().any(|(_, loss)| *loss == Loss::Withheld) {
        columns.push(is("withheld", Loss::Withheld));
    }
    Frame::new(rows.len(), columns)
}

/// Reads what [`lost_to_frame`] wrote.
///
/// # Errors
/// [`Error::Read`], [`Error::Damaged`].
pub fn read_lost(path: &Path) -> Result<Vec<(Observation, Loss)>> {
    let frame = named::read(path)?;
    let lost = || -> PolarsResult<Vec<(Observation, Loss)>> {
        let superseded = frame.column("superseded")?.bool()?;
        let [replaced, withheld] = ["replaced", "withheld"].map(|name| frame.column(name).ok());
        let replaced = replaced.map(|column| column.bool()).transpose()?;
        let withheld = withheld.map(|column| column.bool()).transpose()?;
        let is =
            |column: Option<&BooleanChunked>, row| column.and_then(|column| column.get(row)) == Some(true);
        let loss = |row: usize| {
            if is(replaced, row) {
                Loss::Replaced
            } else if is(withheld, row) {
                Loss::Withheld
            } else if is(Some(superseded), row) {
                Loss::Superseded
            } else {
                Loss::Duplicate
            }
        };
        let rows = from_frame(&frame)?;
        Ok(rows.into_iter().enumerate().map(|(place, row)| (row, loss(place))).collect())
    };
    lost().map_err(|error| Error::damaged(path, error))
}

/// Reads a month's file into `rows`. `known` are the listings, exports and regions that its commit
/// explains: everything behind the ledger looks their codes up without asking again.
///
/// # Errors
/// [`Error::Read`], [`Error::Damaged`].
pub fn read(path: &Path, known: [usize; 3], rows: &mut Vec<Observation>) -> Result<()> {
    let frame = named::read(path)?;
    let explained = || -> PolarsResult<bool> {
        let mut explained = true;
        for (name, known) in ["listing", "export", "region"].into_iter().zip(known) {
            let codes = frame.column(name)?.i32()?.clone();
            // A code below zero is a great one as it is used.
            let most = codes.cont_slice()?.iter().map(|code| *code as u32).max();
            explained &= most.is_none_or(|most| (most as usize) < known);
        }
        Ok(explained)
    };
    match explained().map_err(|error| Error::damaged(path, error))? {
        true => into_rows(&frame, rows).map_err(|error| Error::damaged(path, error)),
        false => Err(Error::damaged(path, "it holds codes that its commit does not explain")),
    }
}

fn from_frame(frame: &DataFrame) -> PolarsResult<Vec<Observation>> {
    let mut rows = Vec::new();
    into_rows(frame, &mut rows)?;
    Ok(rows)
}

fn into_rows(frame: &DataFrame, rows: &mut Vec<Observation>) -> PolarsResult<()> {
    let whole = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.i32()?.clone());
    let date = frame.column("date")?.date()?.physical().clone();
    let [region, rank, listing, export, line] =
        [whole("region")?, whole("rank")?, whole("listing")?, whole("export")?, whole("line")?];
    let codes = region.cont_slice()?.iter().zip(listing.cont_slice()?).zip(export.cont_slice()?);
    let places = date.cont_slice()?.iter().zip(rank.cont_slice()?).zip(line.cont_slice()?);
    rows.clear();
    rows.extend(codes.zip(places).map(|(((region, listing), export), ((date, rank), line))| Observation {
        streams: NO_STREAMS,
        total: NO_TOTAL,
        listing: *listing as u32,
        export: *export as u32,
        line: *line as u32,
        region: *region as u16,
        day: Day(*date as u16),
        rank: *rank as u16,
        reported: Reported::default(),
    }));
    fill(rows, frame.column("streams")?.i64()?, |row, value| row.streams = value.unwrap_or(NO_STREAMS));
    if let Ok(total) = frame.column("total") {
        fill(rows, total.i64()?, |row, value| row.total = value.unwrap_or(NO_TOTAL));
    }
    if let Ok(peak) = frame.column("peak_rank") {
        fill(rows, peak.i32()?, |row, value| row.reported.peak = value.unwrap_or(0) as u16);
        let previous = frame.column("previous_rank")?.i32()?;
        fill(rows, previous, |row, value| row.reported.previous = value.unwrap_or(0));
        let appearances = frame.column("appearances")?.i32()?;
        fill(rows, appearances, |row, value| row.reported.appearances = value.unwrap_or(0) as u32);
    }
    Ok(())
}

/// Puts the values of a column into the rows; most columns have no nulls, and are gone through as
/// they lie in memory.
fn fill<T: PolarsNumericType>(
    rows: &mut [Observation],
    values: &ChunkedArray<T>,
    put: impl Fn(&mut Observation, Option<T::Native>),
) {
    match values.cont_slice() {
        Ok(values) => rows.iter_mut().zip(values).for_each(|(row, value)| put(row, Some(*value))),
        Err(_) => rows.iter_mut().zip(values.iter()).for_each(|(row, value)| put(row, value)),
    }
}
