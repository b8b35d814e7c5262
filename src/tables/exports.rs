//! `exports`: every file that came in, and where each of its rows went.

use polars::prelude::*;

use super::{Contract, Kind, Orders, Sources, field, nullable};
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::ledger::ExportEntry;

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "exports",
    about: "every export in the ledger, and where each of its rows went",
    columns: &[
        field("export", Kind::String, "path relative to its root; <path>@<hash> once replaced"),
        field("hash", Kind::String, "BLAKE3 of the file, in hexadecimal"),
        field("dialect", Kind::String, "the shape it was read in"),
        field("chart", Kind::String, "its charts, joined by commas"),
        field("region", Kind::String, "its regions, joined by commas"),
        nullable("first_on", Kind::Date, "first date of its good rows"),
        nullable("last_on", Kind::Date, "last date of its good rows"),
        field("rows_read", Kind::Int64, "all rows: the sum of the next four"),
        field("rows_used", Kind::Int64, "rows that count"),
        field("rows_duplicate", Kind::Int64, "rows that repeat one that counts"),
        field("rows_superseded", Kind::Int64, "rows that a newer export contradicts"),
        field("rows_quarantined", Kind::Int64, "rows set aside, listed in quarantine"),
    ],
    grain: &["export"],
    build,
    holds,
};

fn holds(frame: &Frame) -> PolarsResult<Option<String>> {
    let column = |name: &str| Ok::<_, PolarsError>(frame.i64(name)?.clone());
    let read = column("rows_read")?;
    let parts = [
        column("rows_used")?,
        column("rows_duplicate")?,
        column("rows_superseded")?,
        column("rows_quarantined")?,
    ];
    let broken = (0..frame.height()).find(|&row| {
        let sum: i64 = parts.iter().filter_map(|part| part.get(row)).sum();
        read.get(row) != Some(sum)
    });
    Ok(broken.map(|row| format!("row {row}: rows_read is not the sum of its parts")))
}

fn build(sources: &Sources<'_>, _: &Orders) -> Result<Frame> {
    let exports = sources.state.exports.iter();
    let mut rows: Vec<&ExportEntry> = exports.filter(|export| sources.is_listed(export)).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let all = || rows.iter();
    let joined = |names: fn(&ExportEntry) -> &Vec<String>| -> Vec<String> {
        rows.iter().map(|row| names(row).join(",")).collect()
    };
    let (charts, regions) = (joined(|row| &row.charts), joined(|row| &row.regions));
    let columns = vec![
        Column::text("export", all().map(|row| row.name.as_str())),
        Column::text("hash", all().map(|row| row.hash.as_str())),
        Column::text("dialect", all().map(|row| row.dialect.as_str())),
        Column::text("chart", charts.iter().map(String::as_str)),
        Column::text("region", regions.iter().map(String::as_str)),
        Column::optional_dates("first_on", all().map(|row| row.days.map(|days| days.0))),
        Column::optional_dates("last_on", all().map(|row| row.days.map(|days| days.1))),
        Column::numbers("rows_read", all().map(|row| row.rows.read as i64)),
        Column::numbers("rows_used", all().map(|row| row.rows.used as i64)),
        Column::numbers("rows_duplicate", all().map(|row| row.rows.duplicate as i64)),
        Column::numbers("rows_superseded", all().map(|row| row.rows.superseded as i64)),
        Column::numbers("rows_quarantined", all().map(|row| row.rows.quarantined as i64)),
    ];
    Frame::new(rows.len(), columns)
}
