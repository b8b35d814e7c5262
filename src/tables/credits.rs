//! `credits`: how every artist cell was read, so that what could not be resolved is listed.

use polars::prelude::*;

use super::{Contract, Kind, Orders, Sources, field, frame, holds_always, number, text};
use crate::error::Result;

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "credits",
    about: "how every artist cell was read: each name, whom it stands for, and how that is known",
    columns: &[
        field("artists", Kind::String, "the artist cell as the exports have it"),
        field("position", Kind::Int64, "place of the name in the cell, from 1"),
        field("name", Kind::String, "the name as it stands in the cell"),
        field("artist_id", Kind::String, "the catalog's id, or name:<name>"),
        field("artist", Kind::String, "the display name"),
        field("source", Kind::String, "catalog, or name: an unknown name, an artist of its own"),
    ],
    grain: &["artists", "position"],
    build,
    holds: holds_always,
};

fn build(sources: &Sources<'_>, _: &Orders) -> Result<DataFrame> {
    let rows: Vec<_> = sources
        .entities
        .cells
        .iter()
        .flat_map(|(cell, credited)| {
            credited.iter().enumerate().map(move |(place, credited)| (cell.as_str(), place, credited))
        })
        .collect();
    let columns = vec![
        text("artists", rows.iter().map(|(cell, ..)| *cell)),
        number("position", rows.iter().map(|(_, place, _)| *place as i64 + 1)),
        text("name", rows.iter().map(|(.., credited)| credited.written.as_str())),
        text("artist_id", rows.iter().map(|(.., credited)| credited.id.as_str())),
        text("artist", rows.iter().map(|(.., credited)| credited.name.as_str())),
        text("source", rows.iter().map(|(.., credited)| if credited.known { "catalog" } else { "name" })),
    ];
    frame(rows.len(), columns)
}
