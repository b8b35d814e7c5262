//! `quarantine`: every row that was set aside, as it stands in its export.

use super::{Contract, Kind, Orders, Sources, field, holds_always};
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::ledger::Quarantined;

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "quarantine",
    about: "every row that was set aside, with the reason",
    columns: &[
        field("export", Kind::String, "the export"),
        field("line", Kind::Int64, "line of a text export (a header is line 1), row of a Parquet export"),
        field("reason", Kind::String, "why it does not count"),
        field("raw", Kind::String, "the row as it stands in the export, at most 4,096 bytes of it"),
    ],
    grain: &["export", "line"],
    build,
    holds: holds_always,
};

fn build(sources: &Sources<'_>, _: &Orders) -> Result<Frame> {
    let export = |row: &Quarantined| sources.state.exports.get(row.export as usize);
    let name = |row: &Quarantined| export(row).map_or("", |export| export.name.as_str());
    let rows = sources.state.quarantine.iter();
    let mut rows: Vec<&Quarantined> =
        rows.filter(|row| export(row).is_some_and(|export| sources.is_listed(export))).collect();
    rows.sort_by_key(|row| (name(row), row.line));
    let columns = vec![
        Column::text("export", rows.iter().map(|row| name(row))),
        Column::numbers("line", rows.iter().map(|row| i64::from(row.line))),
        Column::text("reason", rows.iter().map(|row| row.reason.as_str())),
        Column::text("raw", rows.iter().map(|row| row.raw.as_str())),
    ];
    Frame::new(rows.len(), columns)
}
