//! The columns by which every figure says what it is of, shared by the tables of figures.

use polars::prelude::Column;

use super::{Field, Kind, Sources, field, gathered};
use crate::catalog::{Credit, Entity, EntityKind};
use crate::error::Result;
use crate::tally::{Scope, TallySpec, Window};

pub const CHART: Field = field("chart", Kind::String, "source:period, such as spotify:daily");
pub const REGION: Field = field("region", Kind::String, "global or an ISO 3166-1 alpha-2 code in lower case");
pub const BASIS: Field =
    field("basis", Kind::String, "chart (filtered chart streams) or counter (public play counts)");
pub const KIND: Field = field("entity_kind", Kind::String, "track, song, work or artist");
pub const ID: Field = field("entity_id", Kind::String, "the catalog's id, a URI, or name:<name>");
pub const ENTITY: Field = field("entity", Kind::String, "title or display name");
pub const ARTISTS: Field = field("artists", Kind::String, "the artist cell; empty for artists");
pub const CREDIT: Field = field("credit", Kind::String, "which credits count: all, lead, solo, feature");
pub const CLOCK: Field = field("clock", Kind::String, "what starts the count");
pub const WINDOW: Field = field("window", Kind::String, "one turn of the clock: all, 2023, 2023-07");

/// What a row of figures is of, in codes.
#[derive(Clone, Copy)]
pub struct Subject {
    /// Index of the tally.
    pub tally: u32,
    /// Index of the scope.
    pub scope: u32,
    /// Code of the entity, of the tally's kind.
    pub entity: u32,
    /// Which turn of the clock.
    pub window: Window,
}

/// The names of the tallies.
pub fn tally_column(sources: &Sources<'_>, subjects: &[Subject]) -> Result<Column> {
    let names = sources.plan.tallies.iter().map(|tally| tally.name.as_str());
    gathered("tally", names, subjects.iter().map(|subject| subject.tally))
}

/// The columns above.
pub fn identity_columns(sources: &Sources<'_>, subjects: &[Subject]) -> Result<Vec<Column>> {
    let scopes = &sources.surveyed.scopes;
    let tallies = &sources.plan.tallies;
    let of_scope = |name: &str, value: fn(&Scope) -> &str| {
        gathered(name, scopes.iter().map(value), subjects.iter().map(|subject| subject.scope))
    };
    let of_tally = |name: &str, value: fn(&TallySpec) -> &'static str| {
        gathered(name, tallies.iter().map(value), subjects.iter().map(|subject| subject.tally))
    };
    // The kinds of entities stand one after the other.
    let all = || sources.entities.all.iter().flatten();
    let mut offsets = [0; 4];
    for kind in 1..offsets.len() {
        offsets[kind] = offsets[kind - 1] + sources.entities.all[kind - 1].len() as u32;
    }
    let entity =
        |subject: &Subject| offsets[tallies[subject.tally as usize].entity as usize] + subject.entity;
    let of_entity = |name: &str, value: fn(&Entity) -> &str| {
        gathered(name, all().map(value), subjects.iter().map(entity))
    };
    let mut windows: Vec<Window> = subjects.iter().map(|subject| subject.window).collect();
    windows.dedup();
    windows.sort_unstable();
    windows.dedup();
    let words: Vec<String> = windows.iter().map(Window::to_string).collect();
    let window = |subject: &Subject| windows.partition_point(|window| *window < subject.window) as u32;
    Ok(vec![
        of_scope("chart", |scope| &scope.chart)?,
        of_scope("region", |scope| &scope.region)?,
        of_scope("basis", |scope| scope.basis.word())?,
        of_tally("entity_kind", |tally| tally.entity.word())?,
        of_entity("entity_id", |entity| &entity.id)?,
        of_entity("entity", |entity| &entity.name)?,
        of_entity("artists", |entity| &entity.artists)?,
        of_tally("credit", |tally| match tally.entity {
            EntityKind::Artist => tally.credit.word(),
            _ => Credit::All.word(),
        })?,
        of_tally("clock", |tally| tally.clock.word())?,
        gathered("window", words.iter().map(String::as_str), subjects.iter().map(window))?,
    ])
}
