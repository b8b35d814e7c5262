//! `reconciliation`: where what an export says of itself is not what was counted.

use rayon::prelude::*;

use super::identity::{ARTISTS, CHART, ENTITY, ID, KIND, REGION, entity_columns, scope_columns};
use super::{Contract, Kind, Orders, Sources, field, holds_always};
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::Finding;

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "reconciliation",
    about: "where what an export says of itself is not what was counted, with both figures",
    columns: &[
        field("check", Kind::String, "what is compared, such as peak_rank or counter_step"),
        CHART,
        REGION,
        field("date", Kind::Date, "the date of the report"),
        KIND,
        ID,
        ENTITY,
        ARTISTS,
        field("reported", Kind::Int64, "what is reported; a date as 20230714"),
        field("computed", Kind::Int64, "what was counted"),
        field("difference", Kind::Int64, "reported − computed"),
    ],
    grain: &["check", "chart", "region", "date", "entity_id"],
    build,
    holds: holds_always,
};

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let mut rows: Vec<&Finding> = sources.folded.findings.iter().collect();
    let key = |row: &&Finding| {
        (row.check.word(), row.scope, row.day, orders.entity(row.kind, row.entity), row.reported)
    };
    rows.par_sort_unstable_by_key(key);
    // Two rows of one track on one date are one comparison that failed.
    rows.dedup_by_key(|row| (row.check, row.scope, row.day, row.kind, row.entity));
    let mut columns = vec![Column::text("check", rows.iter().map(|row| row.check.word()))];
    columns.extend(scope_columns(sources, rows.iter().map(|row| row.scope)));
    columns.push(Column::dates("date", rows.iter().map(|row| row.day)));
    columns.extend(entity_columns(sources, rows.iter().map(|row| (row.kind, row.entity))));
    columns.extend([
        Column::numbers("reported", rows.iter().map(|row| row.reported)),
        Column::numbers("computed", rows.iter().map(|row| row.computed)),
        Column::numbers("difference", rows.iter().map(|row| row.reported.saturating_sub(row.computed))),
    ]);
    Frame::new(rows.len(), columns)
}
