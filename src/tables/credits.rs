//! `credits`: how every artist cell was read, so that what could not be resolved is listed.

use rayon::prelude::*;

use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::catalog::{Credited, CreditedCell, EntityKind};
use crate::error::Result;
use crate::frame::{Column, Frame};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "credits",
    about: "how every artist cell was read: each name, whom it stands for, as what, and how that is known",
    columns: &[
        field("song_id", Kind::String, "the catalog's id, or a URI"),
        field("title", Kind::String, "the song's title"),
        field("artists", Kind::String, "the artist cell as the exports have it"),
        field("position", Kind::Int64, "from 1: the cell's names in order, then those the catalog adds"),
        field(
            "name",
            Kind::String,
            "the name as it stands in the cell; empty if only the catalog credits it",
        ),
        field("artist_id", Kind::String, "the catalog's id, or name:<name>"),
        field("artist", Kind::String, "the display name"),
        field("source", Kind::String, "catalog, or name: an unknown name, an artist of its own"),
        field("role", Kind::String, "solo, lead or feature"),
        field("role_source", Kind::String, "catalog, first_name or only_name: what the role rests on"),
        nullable("reason", Kind::String, "the catalog's words on the alias, the artist or the song"),
        nullable("from", Kind::Date, "first day of a dated alias"),
        nullable("until", Kind::Date, "last day of a dated alias"),
    ],
    grain: &["song_id", "artists", "position"],
    build,
    holds: holds_always,
};

/// One row.
struct Row<'a> {
    song: u32,
    artists: &'a str,
    position: i64,
    credited: &'a Credited,
}

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let songs = sources.entities.of(EntityKind::Song);
    let mut cells: Vec<CreditedCell<'_>> = sources.entities.credited_cells().collect();
    cells.par_sort_unstable_by_key(|cell| (orders.entity(EntityKind::Song, cell.song), cell.artists));
    let rows: Vec<Row<'_>> = cells.iter().flat_map(rows_of).collect();
    let of_song = |name: &'static str, value: fn(&crate::catalog::Entity) -> &str| {
        Column::coded(name, songs.iter().map(value), rows.iter().map(|row| row.song))
    };
    let credited = || rows.iter().map(|row| row.credited);
    let columns = vec![
        of_song("song_id", |song| &song.id),
        of_song("title", |song| &song.name),
        Column::text("artists", rows.iter().map(|row| row.artists)),
        Column::numbers("position", rows.iter().map(|row| row.position)),
        Column::text("name", credited().map(|credited| credited.written.as_str())),
        Column::text("artist_id", credited().map(|credited| credited.id.as_str())),
        Column::text("artist", credited().map(|credited| credited.name.as_str())),
        Column::text("source", credited().map(|credited| if credited.known { "catalog" } else { "name" })),
        Column::text("role", credited().map(|credited| credited.role.word())),
        Column::text("role_source", credited().map(role_source)),
        Column::optional_text("reason", credited().map(|credited| credited.reason.as_deref())),
        Column::optional_dates("from", credited().map(|credited| credited.from)),
        Column::optional_dates("until", credited().map(|credited| credited.until)),
    ];
    Frame::new(rows.len(), columns)
}

fn role_source(credited: &Credited) -> &'static str {
    match (credited.role.from_catalog(), credited.role.solo()) {
        (true, _) => "catalog",
        (false, true) => "only_name",
        (false, false) => "first_name",
    }
}

/// The rows of a cell: place by place, and at each place whoever stood there, the earlier first.
fn rows_of<'a>(cell: &CreditedCell<'a>) -> Vec<Row<'a>> {
    let places = cell.eras.iter().map(|era| era.credited.len()).max().unwrap_or(0);
    let mut rows: Vec<Row<'a>> = Vec::with_capacity(places);
    for place in 0..places {
        let from = rows.len();
        for credited in cell.eras.iter().filter_map(|era| era.credited.get(place)) {
            if rows[from..].iter().all(|row| row.credited != credited) {
                let position = rows.len() as i64 + 1;
                rows.push(Row { song: cell.song, artists: cell.artists, position, credited });
            }
        }
    }
    rows
}
