//! `totals`: what every entity has in every window so far.

use rayon::prelude::*;

use super::identity::{
    ARTISTS, BASIS, CHART, CLOCK, CREDIT, CREDIT_SOURCE, ENTITY, ID, KIND, REGION, SONG_RULE, Subject,
    WINDOW, identity_columns, tally_column,
};
use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::Total;

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "totals",
    about: "the sum of every entity in every window, up to the last date of the scope",
    columns: &[
        field("tally", Kind::String, "the pipeline's name for this way of counting"),
        CHART,
        REGION,
        BASIS,
        KIND,
        ID,
        ENTITY,
        ARTISTS,
        CREDIT,
        SONG_RULE,
        CLOCK,
        WINDOW,
        field("streams", Kind::Int64, "the sum"),
        nullable("at_most", Kind::Int64, "the sum with absences filled to the cut-offs; empty if unknown"),
        field("first_on", Kind::Date, "first date with streams in the window"),
        field("last_on", Kind::Date, "last date with streams in the window"),
        field("dates_observed", Kind::Int64, "dates with streams"),
        field("contributing_songs", Kind::Int64, "different songs with streams"),
        CREDIT_SOURCE,
        field("peak_streams", Kind::Int64, "streams of the best date"),
        field("peak_on", Kind::Date, "the best date, the earlier on a tie"),
        nullable("next_threshold", Kind::Int64, "the tally's first threshold that is not reached"),
        nullable("remaining", Kind::Int64, "streams missing to it"),
        field("start_on", Kind::Date, "when the count began"),
        field("start_basis", Kind::String, "first_export, first_charted, release, conflict or calendar"),
    ],
    grain: &["tally", "chart", "region", "entity_id", "window"],
    build,
    holds: holds_always,
};

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let all = sources.folded.totals.iter();
    let mut rows: Vec<&Total> = all.filter(|row| sources.is_own(row.tally)).collect();
    rows.par_sort_by_cached_key(|row| {
        let kind = sources.tallies[row.tally as usize].entity;
        (orders.tallies[row.tally as usize], row.scope, orders.entity(kind, row.entity), row.window)
    });
    let subject = |row: &&Total| Subject::new(sources, row.tally, row.scope, row.entity, row.window);
    let subjects: Vec<Subject> = rows.iter().map(subject).collect();
    let mut columns = vec![tally_column(sources, &subjects)];
    columns.extend(identity_columns(sources, &subjects));
    let rows = || rows.iter();
    columns.extend([
        Column::numbers("streams", rows().map(|row| row.streams)),
        Column::optional_numbers("at_most", rows().map(|row| row.at_most)),
        Column::dates("first_on", rows().map(|row| row.first_on)),
        Column::dates("last_on", rows().map(|row| row.last_on)),
        Column::numbers("dates_observed", rows().map(|row| i64::from(row.dates))),
        Column::numbers("contributing_songs", rows().map(|row| i64::from(row.songs))),
        Column::text("credit_source", rows().zip(&subjects).map(|(row, of)| row.credits.word(of.credit))),
        Column::numbers("peak_streams", rows().map(|row| row.peak)),
        Column::dates("peak_on", rows().map(|row| row.peak_on)),
        Column::optional_numbers("next_threshold", rows().map(|row| row.next_threshold)),
        Column::optional_numbers(
            "remaining",
            rows().map(|row| row.next_threshold.map(|next| next - row.streams)),
        ),
        Column::dates("start_on", rows().map(|row| row.start_on)),
        Column::text("start_basis", rows().map(|row| row.start_basis.word())),
    ]);
    Frame::new(subjects.len(), columns)
}
