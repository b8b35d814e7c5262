//! `reach`: in how many regions an entity was listed, date by date.

use rayon::prelude::*;

use super::identity::{ARTISTS, CHART, ENTITY, ID, KIND, entity_columns, scope_columns};
use super::{Contract, Kind, Orders, Sources, field, holds_always};
use crate::catalog::EntityKind;
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::Reached;

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "reach",
    about: "in how many regions an entity was listed and at rank 1, for tallies that a ranking of reach names",
    columns: &[
        field("tally", Kind::String, "the pipeline's name for this way of counting"),
        CHART,
        KIND,
        ID,
        ENTITY,
        ARTISTS,
        field("date", Kind::Date, "the date"),
        field("regions", Kind::Int64, "regions but global in which it was listed"),
        field("topped", Kind::Int64, "those of them in which it was at rank 1"),
    ],
    grain: &["tally", "chart", "entity_id", "date"],
    build,
    holds: holds_always,
};

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let mut rows: Vec<&Reached> = sources.folded.reached.iter().collect();
    let kind = |row: &Reached| {
        sources.tallies.get(row.tally as usize).map_or(EntityKind::Track, |tally| tally.entity)
    };
    let chart =
        |row: &Reached| sources.surveyed.scopes.get(row.scope as usize).map_or("", |scope| &scope.chart);
    rows.par_sort_unstable_by_key(|row| {
        (orders.tallies[row.tally as usize], chart(row), orders.entity(kind(row), row.entity), row.day)
    });
    let names = sources.tallies.iter().map(|tally| tally.name.as_str());
    let mut columns = vec![Column::coded("tally", names, rows.iter().map(|row| row.tally))];
    columns.extend(scope_columns(sources, rows.iter().map(|row| row.scope)).into_iter().take(1));
    columns.extend(entity_columns(sources, rows.iter().map(|row| (kind(row), row.entity))));
    columns.extend([
        Column::dates("date", rows.iter().map(|row| row.day)),
        Column::numbers("regions", rows.iter().map(|row| i64::from(row.regions))),
        Column::numbers("topped", rows.iter().map(|row| i64::from(row.topped))),
    ]);
    Frame::new(rows.len(), columns)
}
