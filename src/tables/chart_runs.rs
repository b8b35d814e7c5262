//! `chart_runs`: how every song has done on every chart, and whether the export agrees.

use super::{Contract, Kind, Orders, Sources, field, holds_always, in_order, nullable};
use crate::catalog::EntityKind;
use crate::error::Result;
use crate::frame::{Column, Field, Frame};
use crate::tally::ChartRun;

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "chart_runs",
    about: "how every song has done on every chart by rank, beside what the export itself reports",
    columns: &[
        field("chart", Kind::String, "source:period, such as spotify:daily"),
        field("region", Kind::String, "global or an ISO 3166-1 alpha-2 code in lower case"),
        field("song_id", Kind::String, "the catalog's id or the URI of the song's first track"),
        field("entity", Kind::String, "the title"),
        field("artists", Kind::String, "the artist cell"),
        field("first_on", Kind::Date, "first date on the chart"),
        field("last_on", Kind::Date, "last date on the chart"),
        field("appearances", Kind::Int64, "dates on the chart"),
        field("peak_rank", Kind::Int64, "best rank"),
        field("peak_on", Kind::Date, "first date at the best rank"),
        field("times_at_peak", Kind::Int64, "dates at the best rank"),
        field("top10", Kind::Int64, "dates at rank 10 or better"),
        field("at_one", Kind::Int64, "dates at rank 1"),
        field("spells_at_one", Kind::Int64, "how many times it came to rank 1"),
        field("longest_spell_at_one", Kind::Int64, "most exported dates in a row at rank 1"),
        field("longest_streak", Kind::Int64, "most exported dates in a row"),
        field("current_streak", Kind::Int64, "exported dates in a row up to the last one; 0 when off"),
        nullable("streams", Kind::Int64, "all streams; empty on a chart without"),
        nullable("peak_streams", Kind::Int64, "streams of the best date"),
        nullable("peak_streams_on", Kind::Date, "the best date, the earlier on a tie"),
        nullable("reported_peak", Kind::Int64, "best rank that the export reports on last_on"),
        nullable("reported_appearances", Kind::Int64, "dates on the chart that it reports on last_on"),
        nullable("agrees", Kind::Boolean, "whether both equal ours; empty where either is not reported"),
    ],
    grain: &["chart", "region", "song_id"],
    build,
    holds: holds_always,
};

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let rows: Vec<&ChartRun> =
        in_order(sources.folded.runs.iter(), |row| (row.scope, orders.entity(EntityKind::Song, row.song)));
    let songs = sources.entities.of(EntityKind::Song);
    let scopes = &sources.surveyed.scopes;
    let scope = || rows.iter().map(|row| row.scope);
    let song = || rows.iter().map(|row| row.song);
    let mut columns = vec![
        Column::coded("chart", scopes.iter().map(|scope| scope.chart.as_str()), scope()),
        Column::coded("region", scopes.iter().map(|scope| scope.region.as_str()), scope()),
        Column::coded("song_id", songs.iter().map(|song| song.id.as_str()), song()),
        Column::coded("entity", songs.iter().map(|song| song.name.as_str()), song()),
        Column::coded("artists", songs.iter().map(|song| song.artists.as_str()), song()),
    ];
    columns.extend(Column::of_rows(
        &rows,
        vec![
            ("first_on", Field::Date(|row| row.first_on)),
            ("last_on", Field::Date(|row| row.last_on)),
            ("appearances", Field::Number(|row| i64::from(row.appearances))),
            ("peak_rank", Field::Number(|row| i64::from(row.peak_rank))),
            ("peak_on", Field::Date(|row| row.peak_on)),
            ("times_at_peak", Field::Number(|row| i64::from(row.times_at_peak))),
            ("top10", Field::Number(|row| i64::from(row.top10))),
            ("at_one", Field::Number(|row| i64::from(row.at_one))),
            ("spells_at_one", Field::Number(|row| i64::from(row.spells_at_one))),
            ("longest_spell_at_one", Field::Number(|row| i64::from(row.longest_spell))),
            ("longest_streak", Field::Number(|row| i64::from(row.longest_streak))),
            ("current_streak", Field::Number(|row| i64::from(row.streak))),
            ("streams", Field::OptionalNumber(|row| row.streams)),
            ("peak_streams", Field::OptionalNumber(|row| row.peak_streams)),
            ("peak_streams_on", Field::OptionalDate(|row| row.peak_streams_on)),
            ("reported_peak", Field::OptionalNumber(|row| row.reported_peak.map(i64::from))),
            ("reported_appearances", Field::OptionalNumber(|row| row.reported_appearances.map(i64::from))),
        ],
    ));
    columns.push(Column::optional_flags("agrees", rows.iter().map(|row| row.agrees())));
    Frame::new(rows.len(), columns)
}
