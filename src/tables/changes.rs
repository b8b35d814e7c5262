//! `changes`: what this run says otherwise than the run before it.
//!
//! The one table that does not depend on the data alone: it is of two runs.

use super::identity::REGION;
use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::changes::{Change, Figure};
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
    rows(&[])
}

/// Changes as a frame; they come sorted.
///
/// # Errors
/// [`crate::error::Error::Frame`].
pub fn rows(changes: &[Change]) -> Result<Frame> {
    let all = || changes.iter();
    let of = |name: &'static str, value: fn(&Change) -> &str| Column::text(name, all().map(value));
    let state = |figure: fn(&Change) -> Option<&Figure>| {
        move |change| figure(change).and_then(|figure: &Figure| figure.state.as_deref())
    };
    let before: fn(&Change) -> Option<&Figure> = |change| change.before.as_ref();
    let after: fn(&Change) -> Option<&Figure> = |change| change.after.as_ref();
    let says: Vec<String> = all().map(Change::says).collect();
    let columns = vec![
        of("change", |change| change.kind.word()),
        of("name", |change| &change.subject.name),
        of("chart", |change| &change.subject.chart),
        of("region", |change| &change.subject.region),
        of("entity_kind", |change| &change.subject.entity_kind),
        of("entity_id", |change| &change.subject.entity_id),
        of("entity", |change| &change.subject.entity),
        of("artists", |change| &change.subject.artists),
        of("window", |change| &change.subject.window),
        Column::numbers("threshold", all().map(|change| change.subject.threshold)),
        Column::optional_dates("before_on", all().map(|change| before(change)?.on)),
        Column::optional_dates("after_on", all().map(|change| after(change)?.on)),
        Column::optional_numbers("before_value", all().map(|change| before(change)?.value)),
        Column::optional_numbers("after_value", all().map(|change| after(change)?.value)),
        of("unit", |change| &change.unit),
        Column::optional_text("before_state", all().map(state(before))),
        Column::optional_text("after_state", all().map(state(after))),
        of("cause", |change| &change.cause),
        Column::text("says", says.iter().map(String::as_str)),
    ];
    Frame::new(changes.len(), columns)
}
