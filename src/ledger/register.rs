//! The register of a commit: exports, rows set aside, and the dictionary of listings, each a
//! Parquet file named in the commit.

use std::collections::HashSet;
use std::path::Path;

use polars::prelude::*;

use super::named;
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::Listing;
use crate::frame::{Column, Frame};

/// What the ledger knows of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportEntry {
    /// Path relative to its root; `<path>@<hash>` once a corrected file has replaced it.
    pub name: String,
    /// Where the file was read: two files of one name are told apart by it.
    pub path: String,
    /// BLAKE3 of the file, in hexadecimal.
    pub hash: String,
    /// Bytes of the file.
    pub size: u64,
    /// When the file was last changed, in nanoseconds since 1970: newer exports prevail.
    pub modified: u64,
    /// The dialect.
    pub dialect: String,
    /// Its charts, sorted.
    pub charts: Vec<String>,
    /// Its regions, sorted.
    pub regions: Vec<String>,
    /// First and last day of its good rows.
    pub days: Option<(Day, Day)>,
    /// Where its rows went.
    pub rows: RowAccount,
    /// Whether a corrected file of the same name has replaced it.
    pub replaced: bool,
    /// Whether it was taken out on purpose: it then has no rows and stands in no table, and keeps
    /// its place for the sake of the codes behind it.
    pub forgotten: bool,
    /// How many of its superseded rows are withheld, because it would lose too much with them.
    pub withheld: u64,
    /// Whether it counts however much it loses, since a run allowed it.
    pub loss_allowed: bool,
}

/// Where the rows of an export went: read is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowAccount {
    /// All rows.
    pub read: u64,
    /// Rows that count.
    pub used: u64,
    /// Rows that repeat one that counts.
    pub duplicate: u64,
    /// Rows that a newer export contradicts.
    pub superseded: u64,
    /// Rows set aside.
    pub quarantined: u64,
}

impl std::iter::Sum for RowAccount {
    fn sum<I: Iterator<Item = Self>>(accounts: I) -> Self {
        accounts.fold(Self::default(), |sum, next| Self {
            read: sum.read + next.read,
            used: sum.used + next.used,
            duplicate: sum.duplicate + next.duplicate,
            superseded: sum.superseded + next.superseded,
            quarantined: sum.quarantined + next.quarantined,
        })
    }
}

/// A row set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Code of the export.
    pub export: u32,
    /// Line or row, from 1.
    pub line: u32,
    /// Why.
    pub reason: String,
    /// The row as it stands in the file.
    pub raw: String,
}

const LIST: &str = ",";

/// Exports as a frame, in the order of their codes.
pub fn exports_frame(entries: &[ExportEntry]) -> Result<Frame> {
    let text = |name, value: fn(&ExportEntry) -> &String| {
        Column::text(name, entries.iter().map(|of| value(of).as_str()))
    };
    let list = |name, value: fn(&ExportEntry) -> &Vec<String>| {
        let lists: Vec<String> = entries.iter().map(|entry| value(entry).join(LIST)).collect();
        Column::text(name, lists.iter().map(String::as_str))
    };
    let number = |name, value: fn(&ExportEntry) -> u64| {
        Column::numbers(name, entries.iter().map(|entry| value(entry) as i64))
    };
    let day = |name, value: fn((Day, Day)) -> Day| {
        let days = entries.iter().map(|entry| entry.days.map(|days| i32::from(value(days).0)));
        Column::optional_small_numbers(name, days)
    };
    let columns = vec![
        text("name", |entry| &entry.name),
        text("path", |entry| &entry.path),
        text("hash", |entry| &entry.hash),
        number("size", |entry| entry.size),
        number("modified", |entry| entry.modified),
        text("dialect", |entry| &entry.dialect),
        list("charts", |entry| &entry.charts),
        list("regions", |entry| &entry.regions),
        day("first_on", |days| days.0),
        day("last_on", |days| days.1),
        number("rows_read", |entry| entry.rows.read),
        number("rows_used", |entry| entry.rows.used),
        number("rows_duplicate", |entry| entry.rows.duplicate),
        number("rows_superseded", |entry| entry.rows.superseded),
        number("rows_quarantined", |entry| entry.rows.quarantined),
        number("replaced", |entry| u64::from(entry.replaced)),
        number("forgotten", |entry| u64::from(entry.forgotten)),
        number("withheld", |entry| entry.withheld),
        number("loss_allowed", |entry| u64::from(entry.loss_allowed)),
    ];
    Frame::new(entries.len(), columns)
}

/// Gives replaced exports names of their own. A file that goes back and forth between two contents has
/// been replaced as the same one twice, and those behind the first get a number.
pub fn tell_apart(entries: &mut [ExportEntry]) {
    let standing = entries.iter().filter(|entry| !entry.replaced);
    let mut names: HashSet<String> = standing.map(|entry| entry.name.clone()).collect();
    for entry in entries.iter_mut().filter(|entry| entry.replaced) {
        let numbered = (2..).map(|number: u32| format!("{}.{number}", entry.name));
        let name = std::iter::once(entry.name.clone()).chain(numbered).find(|name| !names.contains(name));
        entry.name = name.unwrap_or_default();
        names.insert(entry.name.clone());
    }
}

/// Reads what [`exports_frame`] wrote.
pub fn read_exports(path: &Path) -> Result<Vec<ExportEntry>> {
    let frame = named::read(path)?;
    let entries = || -> PolarsResult<Vec<ExportEntry>> {
        let text = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.str()?.clone());
        let number = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.i64()?.clone());
        let day = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.i32()?.clone());
        let [names, paths, hashes] = [text("name")?, text("path")?, text("hash")?];
        let dialects = text("dialect")?;
        let [charts, regions] = [text("charts")?, text("regions")?];
        let [sizes, modified, replaced] = [number("size")?, number("modified")?, number("replaced")?];
        // Ledgers from before there was anything to note here have no such columns.
        let younger = |name: &str| frame.column(name).ok().map(|_| number(name)).transpose();
        let [forgotten, withheld] = [younger("forgotten")?, younger("withheld")?];
        let loss_allowed = younger("loss_allowed")?;
        let [first, last] = [day("first_on")?, day("last_on")?];
        let rows = [
            number("rows_read")?,
            number("rows_used")?,
            number("rows_duplicate")?,
            number("rows_superseded")?,
            number("rows_quarantined")?,
        ];
        let owned = |column: &StringChunked, row| column.get(row).unwrap_or_default().to_owned();
        let count = |column: &Int64Chunked, row| column.get(row).unwrap_or_default() as u64;
        let list = |column: &StringChunked, row| match column.get(row) {
            None | Some("") => Vec::new(),
            Some(names) => names.split(LIST).map(str::to_owned).collect(),
        };
        let day = |column: &Int32Chunked, row| column.get(row).map(|day| Day(day as u16));
        let entry = |row| ExportEntry {
            name: owned(&names, row),
            path: owned(&paths, row),
            hash: owned(&hashes, row),
            size: count(&sizes, row),
            modified: count(&modified, row),
            dialect: owned(&dialects, row),
            charts: list(&charts, row),
            regions: list(&regions, row),
            days: day(&first, row).zip(day(&last, row)),
            rows: RowAccount {
                read: count(&rows[0], row),
                used: count(&rows[1], row),
                duplicate: count(&rows[2], row),
                superseded: count(&rows[3], row),
                quarantined: count(&rows[4], row),
            },
            replaced: count(&replaced, row) != 0,
            forgotten: forgotten.as_ref().is_some_and(|column| count(column, row) != 0),
            withheld: withheld.as_ref().map_or(0, |column| count(column, row)),
            loss_allowed: loss_allowed.as_ref().is_some_and(|column| count(column, row) != 0),
        };
        Ok((0..frame.height()).map(entry).collect())
    };
    let mut entries = entries().map_err(|error| Error::damaged(path, error))?;
    // Earlier programs could give two of them one name.
    tell_apart(&mut entries);
    Ok(entries)
}

/// Rows set aside as a frame.
pub fn quarantine_frame(rows: &[Quarantined]) -> Result<Frame> {
    let text = |name, value: fn(&Quarantined) -> &str| Column::text(name, rows.iter().map(value));
    let number = |name, value: fn(&Quarantined) -> u32| {
        Column::numbers(name, rows.iter().map(|row| i64::from(value(row))))
    };
    let columns = vec![
        number("export", |row| row.export),
        number("line", |row| row.line).steady(),
        text("reason", |row| &row.reason),
        text("raw", |row| &row.raw),
    ];
    Frame::new(rows.len(), columns)
}

/// Reads what [`quarantine_frame`] wrote.
pub fn read_quarantine(path: &Path) -> Result<Vec<Quarantined>> {
    let frame = named::read(path)?;
    let rows = || -> PolarsResult<Vec<Quarantined>> {
        let [export, line] = [frame.column("export")?.i64()?, frame.column("line")?.i64()?];
        let [reason, raw] = [frame.column("reason")?.str()?, frame.column("raw")?.str()?];
        let row = |row| Quarantined {
            export: export.get(row).unwrap_or_default() as u32,
            line: line.get(row).unwrap_or_default() as u32,
            reason: reason.get(row).unwrap_or_default().to_owned(),
            raw: raw.get(row).unwrap_or_default().to_owned(),
        };
        Ok((0..frame.height()).map(row).collect())
    };
    rows().map_err(|error| Error::damaged(path, error))
}

/// Listings as a frame, in the order of their codes.
pub fn listings_frame(listings: &[Listing]) -> Result<Frame> {
    let text = |name, value: fn(&Listing) -> &str| Column::text(name, listings.iter().map(value));
    let columns = vec![
        text("uri", |listing| &listing.uri),
        text("title", |listing| &listing.title),
        text("artists", |listing| &listing.artists),
    ];
    Frame::new(listings.len(), columns)
}

/// Reads what [`listings_frame`] wrote.
pub fn read_listings(path: &Path) -> Result<Vec<Listing>> {
    let frame = named::read(path)?;
    let listings = || -> PolarsResult<Vec<Listing>> {
        let text = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.str()?.clone());
        let [uri, title, artists] = [text("uri")?, text("title")?, text("artists")?];
        let owned = |column: &StringChunked, row| column.get(row).unwrap_or_default().to_owned();
        let listing =
            |row| Listing { uri: owned(&uri, row), title: owned(&title, row), artists: owned(&artists, row) };
        Ok((0..frame.height()).map(listing).collect())
    };
    listings().map_err(|error| Error::damaged(path, error))
}
