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
use std::cell::RefCell;
use std::path::Path;

use polars::prelude::{BooleanChunked, PolarsResult};
use polars_arrow::array::PrimitiveArray;

use super::merge::MonthKey;
use super::named;
use super::settle::Loss;
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::{NO_STREAMS, NO_TOTAL, Reported};
use crate::frame::{Column, Frame, Values};
use crate::parquet::{self, Group, Memory};

/// The folder of the months.
pub const MONTHS: &str = "months";

/// Rows that are put into columns at once.
const AT_ONCE: usize = 1 << 10;

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

impl Observation {
    /// One of which nothing is said.
    pub const NONE: Self = Self {
        streams: NO_STREAMS,
        total: NO_TOTAL,
        listing: 0,
        export: 0,
        line: 0,
        region: 0,
        day: Day(0),
        rank: 0,
        reported: Reported { peak: 0, previous: 0, appearances: 0 },
    };
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

/// The columns of what an export reports.
const REPORTED: [&str; 3] = ["peak_rank", "previous_rank", "appearances"];

/// The observations as a frame with the columns above.
///
/// # Errors
/// [`Error::Frame`].
pub fn to_frame(rows: &[Observation]) -> Result<Frame> {
    let [mut region, mut date, mut rank, mut listing, mut export, mut line] =
        [const { Vec::<i32>::new() }; 6].map(|_| Vec::with_capacity(rows.len()));
    let mut streams: Vec<i64> = Vec::with_capacity(rows.len());
    let (mut has_total, mut has_reports) = (false, false);
    // A few rows at a time: they come from memory once, and not once for each column.
    for rows in rows.chunks(AT_ONCE) {
        region.extend(rows.iter().map(|row| i32::from(row.region)));
        date.extend(rows.iter().map(|row| i32::from(row.day.0)));
        rank.extend(rows.iter().map(|row| i32::from(row.rank)));
        listing.extend(rows.iter().map(|row| row.listing as i32));
        streams.extend(rows.iter().map(|row| row.streams));
        export.extend(rows.iter().map(|row| row.export as i32));
        line.extend(rows.iter().map(|row| row.line as i32));
        has_total |= rows.iter().any(|row| row.total != NO_TOTAL);
        has_reports |= rows.iter().any(|row| row.reported != Reported::default());
    }
    let column = |name, values| Column { name, values, steady: false };
    let whole = |name, values| column(name, Values::Int32(PrimitiveArray::from_vec(values)));
    let long = |name, values: Vec<i64>, none: i64| match values.contains(&none) {
        false => column(name, Values::Int64(PrimitiveArray::from_vec(values))),
        true => {
            let values = values.into_iter().map(|value| Some(value).filter(|&value| value != none));
            Column::optional_numbers(name, values)
        }
    };
    let mut columns = vec![
        whole("region", region),
        column("date", Values::Date(PrimitiveArray::from_vec(date))),
        whole("rank", rank).steady(),
        whole("listing", listing),
        long("streams", streams, NO_STREAMS),
        whole("export", export),
        whole("line", line).steady(),
    ];
    if has_total {
        columns.push(long("total", rows.iter().map(|row| row.total).collect(), NO_TOTAL));
    }
    let said = |value: i32| (value != 0).then_some(value);
    type Reads = fn(&Observation) -> i32;
    let reported: [Reads; 3] = [
        |row| i32::from(row.reported.peak),
        |row| row.reported.previous,
        |row| row.reported.appearances as i32,
    ];
    if has_reports {
        for (name, value) in REPORTED.into_iter().zip(reported) {
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
    let bytes = named::bytes(path)?;
    let mut rows = Vec::new();
    unpack(path, bytes.clone(), &mut rows)?;
    let frame = parquet::decode(path, bytes, None)?;
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
    let most = unpack(path, named::bytes(path)?, rows)?;
    match most.iter().zip(known).all(|(most, known)| most.is_none_or(|most| (most as usize) < known)) {
        true => Ok(()),
        false => Err(Error::damaged(path, "it holds codes that its commit does not explain")),
    }
}

/// The columns of some rows of a file, in memory that is used again: fresh memory is slow.
#[derive(Default)]
struct Columns {
    memory: Memory,
    region: Vec<i32>,
    date: Vec<i32>,
    rank: Vec<i32>,
    listing: Vec<i32>,
    streams: Vec<i64>,
    export: Vec<i32>,
    line: Vec<i32>,
    total: Vec<i64>,
    reported: [Vec<i32>; 3],
}

thread_local! {
    /// What the thread last read, for its memory.
    static READING: RefCell<Columns> = RefCell::default();
}

/// Reads a file's rows in place of what is in `rows`; the greatest codes of a listing, an export and
/// a region.
fn unpack(path: &Path, bytes: Vec<u8>, rows: &mut Vec<Observation>) -> Result<[Option<u32>; 3]> {
    rows.clear();
    let mut most = [None; 3];
    let unpack = |columns: &mut Columns| {
        let mut memory = std::mem::take(&mut columns.memory);
        let unpacked = parquet::contained(|| {
            parquet::each_group(bytes, &mut memory, |group| {
                columns.read(group)?;
                rows.reserve(group.of.saturating_sub(rows.len()));
                columns.append_to(rows);
                for (most, codes) in most.iter_mut().zip([&columns.listing, &columns.export, &columns.region])
                {
                    // A code below zero is a great one as it is used.
                    *most = codes.iter().map(|code| *code as u32).max().max(*most);
                }
                Ok(())
            })
        });
        columns.memory = memory;
        unpacked
    };
    let unpacked = READING.with_borrow_mut(unpack);
    unpacked.map_err(|error| Error::damaged(path, error)).map(|()| most)
}

impl Columns {
    /// Reads the columns of a group of rows; those that are not there become empty.
    fn read(&mut self, group: &mut Group<'_>) -> PolarsResult<()> {
        let Self { region, date, rank, listing, streams, export, line, total, reported, .. } = self;
        let whole = [
            ("region", region),
            ("date", date),
            ("rank", rank),
            ("listing", listing),
            ("export", export),
            ("line", line),
        ];
        for (name, into) in whole {
            group.read(name, 0, into)?;
        }
        group.read("streams", NO_STREAMS, streams)?;
        total.clear();
        if group.has("total") {
            group.read("total", NO_TOTAL, total)?;
        }
        for (name, into) in REPORTED.into_iter().zip(reported) {
            into.clear();
            if group.has(name) {
                group.read(name, 0, into)?;
            }
        }
        Ok(())
    }

    /// Appends the rows that the columns make.
    fn append_to(&self, rows: &mut Vec<Observation>) {
        let Self { region, date, rank, listing, streams, export, line, total, reported, .. } = self;
        let from = rows.len();
        let codes = region.iter().zip(listing).zip(export);
        let places = date.iter().zip(rank).zip(line);
        let values = codes.zip(places).zip(streams);
        rows.extend(values.map(|((((region, listing), export), ((date, rank), line)), streams)| {
            Observation {
                streams: *streams,
                listing: *listing as u32,
                export: *export as u32,
                line: *line as u32,
                region: *region as u16,
                day: Day(*date as u16),
                rank: *rank as u16,
                ..Observation::NONE
            }
        }));
        let rows = &mut rows[from..];
        rows.iter_mut().zip(total).for_each(|(row, total)| row.total = *total);
        let [peak, previous, appearances] = reported;
        rows.iter_mut().zip(peak).for_each(|(row, peak)| row.reported.peak = *peak as u16);
        rows.iter_mut().zip(previous).for_each(|(row, previous)| row.reported.previous = *previous);
        rows.iter_mut().zip(appearances).for_each(|(row, count)| row.reported.appearances = *count as u32);
    }
}
