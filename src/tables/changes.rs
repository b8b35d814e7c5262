//! `changes`: what this run says otherwise than the run before it.
//!
//! The one table that does not depend on the data alone: it is of two runs.

use rayon::prelude::*;

use super::identity::REGION;
use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::changes::{Cause, Changes, Kind as What, Part};
use crate::error::Result;
use crate::frame::{Column, Frame};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "changes",
    about: "what this run says otherwise than the run before it, and why; empty on a first run",
    columns: &[
        field(
            "change",
            Kind::String,
            "milestone_crossed, _moved, _revoked; rank_gained, _lost; record_set, _broken, _equalled, \
             _changed; total_corrected; claim_changed",
        ),
        field("name", Kind::String, "the tally, ranking, record or claim"),
        field("chart", Kind::String, "source:period, such as spotify:daily"),
        REGION,
        field("entity_kind", Kind::String, "track, song, work or artist; nothing for claims"),
        field("entity_id", Kind::String, "the catalog's id, a URI, or name:<name>"),
        field("entity", Kind::String, "title or display name"),
        field("artists", Kind::String, "the artist cell; nothing for artists and claims"),
        field("window", Kind::String, "the turn of the clock; of a record its date, of a claim all"),
        field("threshold", Kind::Int64, "streams to reach; 0 where there is no threshold"),
        nullable("before_on", Kind::Date, "the date of the figure before; of a total its last date"),
        nullable("after_on", Kind::Date, "the date of the figure now"),
        nullable("before_value", Kind::Int64, "the figure before; empty if there was none"),
        nullable("after_value", Kind::Int64, "the figure now; empty if there is none"),
        field("unit", Kind::String, "of the values: streams, rank, dates or days; verdict for claims"),
        nullable("before_state", Kind::String, "certainty, verdict, or who held the record, before"),
        nullable("after_state", Kind::String, "the same now"),
        field(
            "cause",
            Kind::String,
            "what may have brought it about: new_data, correction, catalog, pipeline, claims, program, as_of",
        ),
        field("says", Kind::String, "the change as a sentence"),
    ],
    grain: &["change", "name", "chart", "region", "entity_id", "window", "threshold"],
    build,
    holds: holds_always,
};

/// The table of a first run; a later one has the rows of [`rows`] in it.
fn build(_: &Sources<'_>, _: &Orders) -> Result<Frame> {
    rows(&Changes::default())
}

/// Changes as a frame; they come sorted.
///
/// # Errors
/// [`crate::error::Error::Frame`].
pub fn rows(changes: &Changes) -> Result<Frame> {
    let (before, after) = (|| changes.before(), || changes.after());
    let says: Vec<String> = changes.par_iter().map(|change| change.says()).collect();
    let causes: Vec<String> = Cause::all().map(|cause| cause.to_string()).collect();
    let kinds = What::ALL.map(What::word);
    let columns = vec![
        Column::coded("change", kinds.into_iter(), changes.kinds().map(|(kind, _)| kind as u32)),
        changes.column("name", Part::Name),
        changes.column("chart", Part::Chart),
        changes.column("region", Part::Region),
        changes.column("entity_kind", Part::Kind),
        changes.column("entity_id", Part::Id),
        changes.column("entity", Part::Entity),
        changes.column("artists", Part::Artists),
        changes.column("window", Part::Window),
        Column::numbers("threshold", changes.thresholds()),
        Column::optional_dates("before_on", before().map(|figure| figure?.on)),
        Column::optional_dates("after_on", after().map(|figure| figure?.on)),
        Column::optional_numbers("before_value", before().map(|figure| figure?.value)),
        Column::optional_numbers("after_value", after().map(|figure| figure?.value)),
        changes.column("unit", Part::Unit),
        Column::optional_text("before_state", before().map(|figure| figure?.state)),
        Column::optional_text("after_state", after().map(|figure| figure?.state)),
        Column::coded(
            "cause",
            causes.iter().map(String::as_str),
            changes.kinds().map(|(_, cause)| cause.code()),
        ),
        Column::spelled("says", says.iter().map(String::as_str)),
    ];
    Frame::new(changes.len(), columns)
}
