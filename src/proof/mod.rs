//! Proofs: a published figure, added up once more from the rows of the ledger.
//!
//! Written from `docs/definitions.md` alone. It shares the inputs of the fold (who an entity is, and
//! which dates of a scope are there) and none of its code: where the fold keeps running state in
//! arrays, this goes through the rows of one entity in the order of their dates. Slow, and easy to
//! follow. A figure on which the two disagree is not handed out.
//!
//! | file | job |
//! |---|---|
//! | `rows.rs` | which rows count, and what each of them adds |
//! | `sums.rs` | sums by date, the start of the count, single tracks |
//! | `bounds.rs` | what absences can have added |
//! | `figure.rs` | the columns of the published row, from the above |
//! | `published.rs` | a published row, and how it is held against the derived one |
//! | `course.rs` | the sum of a proven figure, date by date |
//!
//! Nothing here reads files; [`crate::explain`] does.

mod bounds;
mod course;
mod figure;
mod published;
mod rows;
mod sums;

pub use course::Course;
pub use figure::prove;
pub use published::{Difference, Figure, Published, Value};
pub use rows::Span;

use serde::Serialize;

use crate::catalog::Entities;
use crate::dates::Day;
use crate::exports::Listing;
use crate::ledger::ExportEntry;
use crate::tally::{Surveyed, TallySpec};

/// What a figure is of, and all that a proof goes by besides the rows.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The way of counting.
    pub spec: &'a TallySpec,
    /// Index of the scope.
    pub scope: usize,
    /// Code of the entity.
    pub entity: u32,
    /// The window.
    pub span: &'a Span,
    /// Scopes and calendars.
    pub surveyed: &'a Surveyed,
    /// Who is who.
    pub entities: &'a Entities,
    /// The exports of the ledger.
    pub exports: &'a [ExportEntry],
    /// The listings of the ledger.
    pub listings: &'a [Listing],
}

/// A figure with everything that shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// The figure.
    pub figure: Figure,
    /// The tally.
    pub tally: String,
    /// The chart.
    pub chart: String,
    /// The region.
    pub region: String,
    /// `chart` or `counter`.
    pub basis: &'static str,
    /// `track`, `song`, `work` or `artist`.
    pub entity_kind: &'static str,
    /// The entity's id.
    pub entity_id: String,
    /// Its title or name.
    pub entity: String,
    /// Its artist cell; empty for artists.
    pub artists: String,
    /// The window: `all`, `2023`, `2023-07`.
    pub window: String,
    /// The date of the milestone, or the last one of a total.
    pub on: Day,
    /// Up to where the sum was taken: the date itself, or the end of a total's window.
    pub until: Day,
    /// The sum around that date.
    pub sum: Sum,
    /// The row that added most on that date.
    pub evidence: Evidence,
    /// The rows of that date.
    pub rows_of_date: Vec<Row>,
    /// What each track contributed, the most first.
    pub tracks: Vec<Share>,
    /// Under which convention.
    pub convention: Convention,
    /// How certain it is.
    pub bounds: Bounds,
    /// What is known of the dates around.
    pub coverage: Coverage,
    /// For songs and works of several tracks: how far each gets by itself, the most first.
    pub alone: Vec<Alone>,
    /// How many dates the rows are of.
    pub dates: usize,
    /// The published row as it follows from the rows, by column.
    #[serde(serialize_with = "as_map")]
    pub derived: Vec<(&'static str, Value)>,
    /// Every observation that counts, in the order of dates and ranks. Not among the serialized: there
    /// may be thousands, and not everybody wants them.
    #[serde(skip)]
    pub rows: Vec<Row>,
}

fn as_map<S: serde::Serializer>(columns: &[(&'static str, Value)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(columns.iter().map(|(name, value)| (name, value)))
}

/// A sum around one date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// What a counter had before the entity's first date, as far as the clock counts that.
    pub opening: i64,
    /// Up to the date before, the opening included.
    pub before: i64,
    /// What the date adds.
    pub on_date: i64,
    /// The two together.
    pub after: i64,
}

/// A row of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The export.
    pub export: String,
    /// Where it was read.
    pub path: String,
    /// `line` of a text export, `row` of a Parquet export.
    pub unit: &'static str,
    /// Which one, from 1.
    pub row: u32,
}

/// An observation that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The date.
    pub date: Day,
    /// The rank.
    pub rank: u16,
    /// The track.
    pub uri: String,
    /// The title, as the row has it.
    pub title: String,
    /// The artist cell, as the row has it.
    pub artists: String,
    /// The streams of the row.
    pub streams: i64,
    /// What it adds: its streams, or the growth of a counter with what that had before.
    pub counted: i64,
    /// The sum with this row.
    pub sum: i64,
    /// The export.
    pub export: String,
    /// The line or row in it, from 1.
    pub row: u32,
}

/// What a track contributed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The track.
    pub uri: String,
    /// Its title, as the latest of the rows has it.
    pub title: String,
    /// Its artist cell, likewise.
    pub artists: String,
    /// What it added.
    pub streams: i64,
    /// Its first date among the rows.
    pub first_on: Day,
    /// Its last date among the rows.
    pub last_on: Day,
    /// On how many dates.
    pub dates: usize,
}

/// By which of the conventions a figure was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Convention {
    /// What starts the count.
    pub clock: &'static str,
    /// When it began.
    pub start_on: Day,
    /// What that rests on.
    pub start_basis: &'static str,
    /// Days from then to the date.
    pub days_elapsed: i64,
    /// The same, the first day counted.
    pub day_number: i64,
    /// Which credits count.
    pub credit: &'static str,
    /// What they rest on.
    pub credit_source: &'static str,
    /// What is one song.
    pub song_rule: &'static str,
    /// How many songs contributed.
    pub contributing_songs: usize,
}

/// How certain a figure is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// Of a milestone: `certain`, `bounded` or `at_latest`.
    pub certainty: Option<&'static str>,
    /// Of a milestone: the first date on which it can have been.
    pub earliest_on: Option<Day>,
    /// Of a total: the most that it can be.
    pub at_most: Option<i64>,
    /// Why.
    pub because: String,
}

/// What is known of the dates of a figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The due dates around the date: up to seven before and after.
    pub around: Vec<Around>,
    /// From here the following are counted.
    pub since: Day,
    /// Up to here.
    pub until: Day,
    /// Due dates.
    pub due: usize,
    /// Those of them without an export.
    pub missing: usize,
    /// Those of them that repeat the date before.
    pub stale: usize,
}

/// A due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Around {
    /// The date.
    pub date: Day,
    /// What is known of it, in the words of `coverage`.
    pub state: &'static str,
    /// The streams of the last row of its chart; 0 where nothing is known.
    pub cutoff: i64,
}

/// A track by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alone {
    /// The track.
    pub uri: String,
    /// What it has up to the date.
    pub streams: i64,
    /// When it is over the threshold by itself; `None` for never, and for totals.
    pub reached_on: Option<Day>,
}
