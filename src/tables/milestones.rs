//! `milestones`: who reached which threshold when, how certain that is, and which row shows it.

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;
use rayon::prelude::*;

use super::identity::{
    ARTISTS, BASIS, CHART, CLOCK, CREDIT, CREDIT_SOURCE, ENTITY, ID, KIND, REGION, SONG_RULE, Subject,
    WINDOW, identity_columns, tally_column,
};
use super::merges::Merges;
use super::{Contract, Kind, Orders, Sources, field, nullable};
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::Milestone;

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "milestones",
    about: "the first date on which a running sum is at or over a threshold",
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
        field("threshold", Kind::Int64, "streams to reach"),
        field("reached_on", Kind::Date, "first date at or over the threshold; a week's Thursday"),
        field("reached_from", Kind::Date, "first day of the period in which it was: a week's Friday"),
        nullable("earliest_on", Kind::Date, "earliest possible date, absences filled; empty for artists"),
        nullable("estimated_on", Kind::Date, "an estimate: the day, had the period's streams come evenly"),
        field("certainty", Kind::String, "certain, bounded (earliest_on to reached_on) or at_latest"),
        field("start_on", Kind::Date, "when the count began"),
        field("start_basis", Kind::String, "first_export, first_charted, release, conflict or calendar"),
        field("days_elapsed", Kind::Int64, "days from start_on to reached_on"),
        field("day_number", Kind::Int64, "days_elapsed + 1; the day of the year on the calendar-year clock"),
        field("cumulative_before", Kind::Int64, "streams before the date"),
        field("streams_on_date", Kind::Int64, "streams of the date"),
        field("cumulative", Kind::Int64, "streams up to and including the date"),
        field("contributing_songs", Kind::Int64, "different songs with streams so far"),
        CREDIT_SOURCE,
        nullable(
            "made_by_merge",
            Kind::Boolean,
            "whether no single URI got there; empty but for songs, works",
        ),
        field("evidence_export", Kind::String, "the export with the row that added most on the date"),
        field("evidence_row", Kind::Int64, "that row: line of a text export, row of a Parquet export"),
    ],
    grain: &["tally", "chart", "region", "entity_id", "window", "threshold"],
    build,
    holds,
};

fn holds(frame: &Frame) -> PolarsResult<Option<String>> {
    let column = |name: &str| Ok::<_, PolarsError>(frame.i64(name)?.clone());
    let [threshold, before] = [column("threshold")?, column("cumulative_before")?];
    let [on_date, cumulative] = [column("streams_on_date")?, column("cumulative")?];
    let broken = (0..frame.height()).find(|&row| {
        let at = |column: &PrimitiveArray<i64>| column.get(row).unwrap_or(i64::MIN);
        let (threshold, before, sum) = (at(&threshold), at(&before), at(&cumulative));
        before.checked_add(at(&on_date)) != Some(sum) || before >= threshold || sum < threshold
    });
    Ok(broken.map(|row| format!("row {row} does not cross its threshold on its date")))
}

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let all = sources.folded.milestones.iter();
    let mut rows: Vec<&Milestone> = all.filter(|row| sources.is_own(row.tally)).collect();
    rows.par_sort_unstable_by_key(|row| {
        let kind = sources.tallies[row.tally as usize].entity;
        let entity = orders.entity(kind, row.entity);
        (orders.tallies[row.tally as usize], row.scope, entity, row.window, row.threshold)
    });
    let subject = |row: &&Milestone| Subject::new(sources, row.tally, row.scope, row.entity, row.window);
    let subjects: Vec<Subject> = rows.iter().map(subject).collect();
    let merges = Merges::new(sources);
    let exports = sources.state.exports.iter().map(|export| export.name.as_str());
    let mut columns = vec![tally_column(sources, &subjects)];
    columns.extend(identity_columns(sources, &subjects));
    let rows = || rows.iter();
    columns.extend([
        Column::numbers("threshold", rows().map(|row| row.threshold)),
        Column::dates("reached_on", rows().map(|row| row.reached_on)),
        Column::dates("reached_from", rows().map(|row| row.reached_from)),
        Column::optional_dates("earliest_on", rows().map(|row| row.earliest_on)),
        Column::optional_dates("estimated_on", rows().map(|row| row.estimated_on)),
        Column::text("certainty", rows().map(|row| row.certainty.word())),
        Column::dates("start_on", rows().map(|row| row.start_on)),
        Column::text("start_basis", rows().map(|row| row.start_basis.word())),
        Column::numbers("days_elapsed", rows().map(|row| row.reached_on.since(row.start_on))),
        Column::numbers("day_number", rows().map(|row| row.reached_on.since(row.start_on) + 1)),
        Column::numbers("cumulative_before", rows().map(|row| row.before)),
        Column::numbers("streams_on_date", rows().map(|row| row.on_date)),
        Column::numbers("cumulative", rows().map(|row| row.before.saturating_add(row.on_date))),
        Column::numbers("contributing_songs", rows().map(|row| i64::from(row.songs))),
        Column::text("credit_source", rows().zip(&subjects).map(|(row, of)| row.credits.word(of.credit))),
        Column::optional_flags("made_by_merge", rows().map(|row| merges.made(sources, row))),
        Column::coded("evidence_export", exports, rows().map(|row| row.export)),
        Column::numbers("evidence_row", rows().map(|row| i64::from(row.line))),
    ]);
    Frame::new(subjects.len(), columns)
}
