//! The columns by which every figure says what it is of, shared by the tables of figures.

use polars::prelude::Column;

use super::{Field, Kind, Sources, field, text};
use crate::catalog::{Credit, Entity, EntityKind};
use crate::tally::{Scope, TallySpec, Window};

pub const CHART: Field = field("chart", Kind::String, "source:period, such as spotify:daily");
pub const REGION: Field =
    field("region", Kind::String, "global or an ISO 3166-1 alpha-2 code in lower case");
pub const BASIS: Field =
    field("basis", Kind::String, "chart (filtered chart streams) or counter (public play counts)");
pub const KIND: Field = field("entity_kind", Kind::String, "track, song or artist");
pub const ID: Field = field("entity_id", Kind::String, "the catalog's id, a URI, or name:<name>");
pub const ENTITY: Field = field("entity", Kind::String, "title or display name");
pub const ARTISTS: Field = field("artists", Kind::String, "the artist cell; empty for artists");
pub const CREDIT: Field =
    field("credit", Kind::String, "which credits count: all, lead, solo, feature");
pub const CLOCK: Field = field("clock", Kind::String, "what starts the count");
pub const WINDOW: Field = field("window", Kind::String, "one turn of the clock: all, 2023, 2023-07");

/// What a row of figures is of.
pub struct Subject<'a> {
    pub tally: &'a TallySpec,
    pub scope: &'a Scope,
    entity: &'a Entity,
    window: String,
}

impl<'a> Sources<'a> {
    /// What a row with these codes is of.
    pub fn subject(&self, tally: u32, scope: u32, entity: u32, window: Window) -> Subject<'a> {
        let spec = &self.plan.tallies[tally as usize];
        Subject {
            tally: spec,
            scope: &self.surveyed.scopes[scope as usize],
            entity: &self.entities.of(spec.entity)[entity as usize],
            window: window.to_string(),
        }
    }
}

/// The columns above.
pub fn identity_columns(subjects: &[Subject<'_>]) -> Vec<Column> {
    let credit = |subject: &Subject<'_>| match subject.tally.entity {
        EntityKind::Artist => subject.tally.credit.word(),
        _ => Credit::All.word(),
    };
    vec![
        text("chart", subjects.iter().map(|subject| subject.scope.chart.as_str())),
        text("region", subjects.iter().map(|subject| subject.scope.region.as_str())),
        text("basis", subjects.iter().map(|subject| subject.scope.basis.word())),
        text("entity_kind", subjects.iter().map(|subject| subject.tally.entity.word())),
        text("entity_id", subjects.iter().map(|subject| subject.entity.id.as_str())),
        text("entity", subjects.iter().map(|subject| subject.entity.name.as_str())),
        text("artists", subjects.iter().map(|subject| subject.entity.artists.as_str())),
        text("credit", subjects.iter().map(credit)),
        text("clock", subjects.iter().map(|subject| subject.tally.clock.word())),
        text("window", subjects.iter().map(|subject| subject.window.as_str())),
    ]
}
