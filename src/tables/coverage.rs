//! `coverage`: for every date on which a chart was due, what is known of it.

use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::{Due, Scope};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "coverage",
    about: "for every date on which a chart was due, what is known of it",
    columns: &[
        field("chart", Kind::String, "source:period, such as spotify:daily"),
        field("region", Kind::String, "global or an ISO 3166-1 alpha-2 code in lower case"),
        field("date", Kind::Date, "the date on which a chart was due"),
        field("state", Kind::String, "observed, short, rank_gap, conflict, stale or missing"),
        field("rows", Kind::Int64, "rows of the chart"),
        nullable("cutoff", Kind::Int64, "streams of the last row; empty where nothing is known"),
    ],
    grain: &["chart", "region", "date"],
    build,
    holds: holds_always,
};

fn build(sources: &Sources<'_>, _: &Orders) -> Result<Frame> {
    let surveyed = sources.surveyed;
    let scopes = || surveyed.scopes.iter().zip(&surveyed.calendars);
    let due: Vec<Vec<Due>> = scopes().map(|(_, calendar)| sources.plan.coverage.due(calendar)).collect();
    let rows: Vec<(&Scope, &Due)> =
        scopes().zip(&due).flat_map(|((scope, _), due)| due.iter().map(move |due| (scope, due))).collect();
    let known = |scope: &Scope, due: &Due| scope.has_streams && due.state.is_live();
    let columns = vec![
        Column::text("chart", rows.iter().map(|(scope, _)| scope.chart.as_str())),
        Column::text("region", rows.iter().map(|(scope, _)| scope.region.as_str())),
        Column::dates("date", rows.iter().map(|(_, due)| due.day)),
        Column::text("state", rows.iter().map(|(_, due)| due.state.word())),
        Column::numbers("rows", rows.iter().map(|(_, due)| i64::from(due.rows))),
        Column::optional_numbers(
            "cutoff",
            rows.iter().map(|(scope, due)| known(scope, due).then_some(due.cutoff)),
        ),
    ];
    Frame::new(rows.len(), columns)
}
