//! `totals`: what every entity has in every window so far.

use super::identity::{
    ARTISTS, BASIS, CHART, CLOCK, CREDIT, CREDIT_SOURCE, ENTITY, ID, KIND, REGION, SONG_RULE, Subject,
    WINDOW, identity_columns, tally_column,
};
use super::{Contract, Kind, Orders, Sources, field, holds_always, in_order, nullable};
use crate::error::Result;
use crate::frame::{Column, Field, Frame};
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
    let own = sources.folded.totals.iter().filter(|row| sources.is_own(row.tally));
    let rows: Vec<&Total> = in_order(own, |row| {
        let kind = sources.tallies[row.tally as usize].entity;
        (orders.tallies[row.tally as usize], row.scope, orders.entity(kind, row.entity), row.window)
    });
    let subject = |row: &&Total| Subject::new(sources, row.tally, row.scope, row.entity, row.window);
    let subjects: Vec<Subject> = rows.iter().map(subject).collect();
    let credits = rows.iter().zip(&subjects).map(|(row, of)| row.credits.word(of.credit));
    let mut columns = vec![tally_column(sources, &subjects)];
    columns.extend(identity_columns(sources, &subjects));
    columns.extend(Column::of_rows(
        &rows,
        vec![
            ("streams", Field::Number(|row| row.streams)),
            ("at_most", Field::OptionalNumber(|row| row.at_most)),
            ("first_on", Field::Date(|row| row.first_on)),
            ("last_on", Field::Date(|row| row.last_on)),
            ("dates_observed", Field::Number(|row| i64::from(row.dates))),
            ("contributing_songs", Field::Number(|row| i64::from(row.songs))),
        ],
    ));
    columns.push(Column::text("credit_source", credits));
    columns.extend(Column::of_rows(
        &rows,
        vec![
            ("peak_streams", Field::Number(|row| row.peak)),
            ("peak_on", Field::Date(|row| row.peak_on)),
            ("next_threshold", Field::OptionalNumber(|row| row.next_threshold)),
            ("remaining", Field::OptionalNumber(|row| row.next_threshold.map(|next| next - row.streams))),
            ("start_on", Field::Date(|row| row.start_on)),
        ],
    ));
    columns.push(Column::text("start_basis", rows.iter().map(|row| row.start_basis.word())));
    Frame::new(subjects.len(), columns)
}
