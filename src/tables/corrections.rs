//! `corrections`: what later exports changed in what earlier ones said.

use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::error::Result;
use crate::exports::NO_STREAMS;
use crate::frame::{Column, Frame};
use crate::ledger::{Correction, Observation};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "corrections",
    about: "every track and date of which an export that was superseded says something else than what counts",
    columns: &[
        field("chart", Kind::String, "source:period"),
        field("region", Kind::String, "the region"),
        field("date", Kind::Date, "the date"),
        field("uri", Kind::String, "the track"),
        field("title", Kind::String, "its title"),
        field("artists", Kind::String, "its artist cell"),
        field("change", Kind::String, "changed, added or removed"),
        field(
            "was_export",
            Kind::String,
            "the export that does not count there; `<name>@<hash>` if its file was corrected",
        ),
        nullable("was_rank", Kind::Int64, "its rank; empty if the track was added"),
        nullable("was_streams", Kind::Int64, "its streams"),
        nullable("export", Kind::String, "the export that counts; empty if the track was removed"),
        nullable("rank", Kind::Int64, "its rank"),
        nullable("streams", Kind::Int64, "its streams"),
    ],
    grain: &["chart", "region", "date", "uri", "was_export"],
    build,
    holds: holds_always,
};

fn build(sources: &Sources<'_>, _: &Orders) -> Result<Frame> {
    let state = sources.state;
    let listing = |of: &Correction| state.listings.get(of.listing as usize);
    let uri = |of: &Correction| listing(of).map_or("", |listing| &listing.uri);
    let region = |of: &Correction| state.regions.get(usize::from(of.region)).map_or("", String::as_str);
    let export = |code: u32| state.exports.get(code as usize).map_or("", |export| export.name.as_str());
    let mut rows: Vec<&Correction> = sources.corrections.iter().collect();
    rows.sort_by_key(|of| (&of.chart, region(of), of.day, uri(of), export(of.was_export)));
    let streams = |row: Observation| Some(row.streams).filter(|streams| *streams != NO_STREAMS);
    let change = |of: &Correction| match (of.was, of.now) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let columns = vec![
        Column::text("chart", rows.iter().map(|of| of.chart.as_str())),
        Column::text("region", rows.iter().map(|of| region(of))),
        Column::dates("date", rows.iter().map(|of| of.day)),
        Column::text("uri", rows.iter().map(|of| uri(of))),
        Column::text("title", rows.iter().map(|of| listing(of).map_or("", |listing| &listing.title))),
        Column::text("artists", rows.iter().map(|of| listing(of).map_or("", |listing| &listing.artists))),
        Column::text("change", rows.iter().map(|of| change(of))),
        Column::text("was_export", rows.iter().map(|of| export(of.was_export))),
        Column::optional_numbers("was_rank", rows.iter().map(|of| of.was.map(|row| i64::from(row.rank)))),
        Column::optional_numbers("was_streams", rows.iter().map(|of| of.was.and_then(streams))),
        Column::optional_text("export", rows.iter().map(|of| of.now.map(|row| export(row.export)))),
        Column::optional_numbers("rank", rows.iter().map(|of| of.now.map(|row| i64::from(row.rank)))),
        Column::optional_numbers("streams", rows.iter().map(|of| of.now.and_then(streams))),
    ];
    Frame::new(rows.len(), columns)
}
