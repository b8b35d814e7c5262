//! The columns by which every figure says what it is of, shared by the tables of figures.

use super::{Field, Kind, Sources, field, side_by_side};
use crate::catalog::{Credit, Entity, EntityKind};
use crate::frame::Column;
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
pub const CREDIT_SOURCE: Field = field(
    "credit_source",
    Kind::String,
    "what the credits rest on: displayed, catalog, first_name (a heuristic) or mixed",
);
pub const SONG_RULE: Field = field("song_rule", Kind::String, "what counts as one song: uri, song or work");
pub const CLOCK: Field = field("clock", Kind::String, "what starts the count");
pub const WINDOW: Field = field("window", Kind::String, "one turn of the clock: all, 2023, 2023-07");

/// What a row of figures is of, in codes.
#[derive(Clone, Copy)]
pub struct Subject {
    /// Index of the tally.
    pub tally: u32,
    /// Index of the scope.
    pub scope: u32,
    /// Whether it is of all regions of the scope's chart.
    pub all_regions: bool,
    /// What the entity is.
    pub kind: EntityKind,
    /// Code of the entity.
    pub entity: u32,
    /// Which credits count.
    pub credit: Credit,
    /// Which turn of the clock.
    pub window: Window,
}

impl Subject {
    /// An entity of a tally.
    pub fn new(sources: &Sources<'_>, tally: u32, scope: u32, entity: u32, window: Window) -> Self {
        let spec = sources.tallies.get(tally as usize);
        let kind = spec.map_or(EntityKind::Track, |spec| spec.entity);
        let credit = match spec {
            Some(spec) if kind == EntityKind::Artist => spec.credit,
            _ => Credit::All,
        };
        Self { tally, scope, all_regions: false, kind, entity, credit, window }
    }
}

/// The names of the tallies.
pub fn tally_column(sources: &Sources<'_>, subjects: &[Subject]) -> Column {
    let names = sources.tallies.iter().map(|tally| tally.name.as_str());
    Column::coded("tally", names, subjects.iter().map(|subject| subject.tally))
}

/// Chart and region.
pub fn scope_columns(sources: &Sources<'_>, scopes: impl Iterator<Item = u32> + Clone) -> Vec<Column> {
    let all = || sources.surveyed.scopes.iter();
    vec![
        Column::coded("chart", all().map(|scope| scope.chart.as_str()), scopes.clone()),
        Column::coded("region", all().map(|scope| scope.region.as_str()), scopes),
    ]
}

/// A column of one text for each entity.
pub fn entity_column(
    sources: &Sources<'_>,
    name: &'static str,
    value: fn(&Entity) -> &str,
    entities: impl Iterator<Item = (EntityKind, u32)>,
) -> Column {
    // The kinds of entities stand one after the other.
    let all = &sources.entities.all;
    let mut offsets = [0; 4];
    for kind in 1..offsets.len() {
        offsets[kind] = offsets[kind - 1] + all[kind - 1].len() as u32;
    }
    Column::coded(
        name,
        all.iter().flatten().map(value),
        entities.map(|(kind, entity)| offsets[kind as usize] + entity),
    )
}

/// The columns of [`KIND`], [`ID`], [`ENTITY`] and [`ARTISTS`].
pub fn entity_columns(
    sources: &Sources<'_>,
    entities: impl Iterator<Item = (EntityKind, u32)> + Clone,
) -> Vec<Column> {
    let kinds = EntityKind::ALL.map(EntityKind::word);
    vec![
        Column::coded("entity_kind", kinds.into_iter(), entities.clone().map(|(kind, _)| kind as u32)),
        entity_column(sources, "entity_id", |entity| &entity.id, entities.clone()),
        entity_column(sources, "entity", |entity| &entity.name, entities.clone()),
        entity_column(sources, "artists", |entity| &entity.artists, entities),
    ]
}

/// The columns above, but for [`CREDIT_SOURCE`].
pub fn identity_columns(sources: &Sources<'_>, subjects: &[Subject]) -> Vec<Column> {
    let scopes = &sources.surveyed.scopes;
    let tallies = sources.tallies;
    let of_scope = |name: &'static str, value: fn(&Scope) -> &str| {
        Column::coded(name, scopes.iter().map(value), subjects.iter().map(|subject| subject.scope))
    };
    let of_tally = |name: &'static str, value: fn(&TallySpec) -> &'static str| {
        Column::coded(name, tallies.iter().map(value), subjects.iter().map(|subject| subject.tally))
    };
    let regions = || scopes.iter().map(|scope| scope.region.as_str()).chain(["all"]);
    let region = |subject: &Subject| match subject.all_regions {
        true => scopes.len() as u32,
        false => subject.scope,
    };
    let mut windows: Vec<Window> = subjects.iter().map(|subject| subject.window).collect();
    windows.dedup();
    windows.sort_unstable();
    windows.dedup();
    let words: Vec<String> = windows.iter().map(Window::to_string).collect();
    let window = |subject: &Subject| windows.partition_point(|window| *window < subject.window) as u32;
    let mut columns = side_by_side(&[
        &|| of_scope("chart", |scope| &scope.chart),
        &|| Column::coded("region", regions(), subjects.iter().map(region)),
        &|| of_scope("basis", |scope| scope.basis.word()),
    ]);
    columns.extend(entity_columns(sources, subjects.iter().map(|subject| (subject.kind, subject.entity))));
    let credits = [Credit::All, Credit::Lead, Credit::Solo, Credit::Feature].map(Credit::word);
    let credit = || subjects.iter().map(|subject| subject.credit as u32);
    columns.extend(side_by_side(&[
        &|| Column::coded("credit", credits.into_iter(), credit()),
        &|| of_tally("song_rule", |tally| tally.rule.word()),
        &|| of_tally("clock", |tally| tally.clock.word()),
        &|| Column::coded("window", words.iter().map(String::as_str), subjects.iter().map(window)),
    ]));
    columns
}
