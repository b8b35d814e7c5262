//! Changes: what one published run says otherwise than the run before it.
//!
//! Two runs are compared as their tables are, by their frames, in the terms of the domain: a
//! milestone is crossed, moved or revoked, a rank gained or lost, a record set, a total corrected,
//! a verdict turned. A change is kept as the rows that it is of, for a night has hundreds of
//! thousands of them, and put into words only where it is told. [`cause`] says what may have brought
//! it about, by what differs between the conditions of the two runs. Nothing here reads or writes
//! files.
//!
//! | file | compares |
//! |---|---|
//! | `milestones.rs`, `rankings.rs`, `records.rs`, `totals.rs`, `claims.rs` | one table each |
//! | `rows.rs` | which row of one run is which of the other |
//! | `cause.rs` | the conditions of the two runs |
//! | `subscription.rs` | which changes somebody wants to hear of |
//! | `words.rs` | a change as a sentence |

pub mod cause;
mod claims;
mod milestones;
mod rankings;
mod records;
mod rows;
mod subscription;
mod totals;
mod words;

pub use cause::{Cause, Causes, Conditions, Input};
pub use rows::Part;
pub use subscription::{Members, Subscription, is_kind};

use polars::prelude::*;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::dates::Day;
use crate::error::Result;
use crate::frame::{Column, Frame};
use rows::{Called, Side};

/// What happened to a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A claim's verdict is another one.
    ClaimChanged,
    /// A threshold is reached.
    MilestoneCrossed,
    /// A threshold is reached on another date, with another certainty, or with another sum.
    MilestoneMoved,
    /// A threshold is not reached after all.
    MilestoneRevoked,
    /// A better rank, or a first one.
    RankGained,
    /// A worse rank, or none any more.
    RankLost,
    /// A record is taken by another, or raised by who held it.
    RecordBroken,
    /// The past of a record is another one.
    RecordChanged,
    /// A record is equalled.
    RecordEqualled,
    /// A record is set for the first time.
    RecordSet,
    /// A sum went down, or is another one without new dates.
    TotalCorrected,
}

impl Kind {
    /// Every kind, in the order of their words.
    pub const ALL: [Self; 11] = [
        Self::ClaimChanged,
        Self::MilestoneCrossed,
        Self::MilestoneMoved,
        Self::MilestoneRevoked,
        Self::RankGained,
        Self::RankLost,
        Self::RecordBroken,
        Self::RecordChanged,
        Self::RecordEqualled,
        Self::RecordSet,
        Self::TotalCorrected,
    ];

    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::ClaimChanged => "claim_changed",
            Self::MilestoneCrossed => "milestone_crossed",
            Self::MilestoneMoved => "milestone_moved",
            Self::MilestoneRevoked => "milestone_revoked",
            Self::RankGained => "rank_gained",
            Self::RankLost => "rank_lost",
            Self::RecordBroken => "record_broken",
            Self::RecordChanged => "record_changed",
            Self::RecordEqualled => "record_equalled",
            Self::RecordSet => "record_set",
            Self::TotalCorrected => "total_corrected",
        }
    }
}

/// Of what a figure is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The tally, ranking, record or claim.
    pub name: &'a str,
    /// The chart.
    pub chart: &'a str,
    /// The region.
    pub region: &'a str,
    /// Track, song, work or artist; empty for claims.
    pub entity_kind: &'a str,
    /// The id; empty where a claim names nobody known.
    pub entity_id: &'a str,
    /// Title or display name.
    pub entity: &'a str,
    /// The artist cell; empty for artists.
    pub artists: &'a str,
    /// The window; of a record the date on which it was set, of a claim `all`.
    pub window: &'a str,
    /// The threshold; 0 where there is none.
    pub threshold: i64,
}

/// What a run says of a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figure<'a> {
    /// The date of the milestone, value or record; the last date of a total.
    pub on: Option<Day>,
    /// The sum, rank or record.
    pub value: Option<i64>,
    /// The certainty, the verdict, or who held a record before.
    pub state: Option<&'a str>,
}

/// A figure that one run has otherwise than the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// What happened.
    pub kind: Kind,
    /// To what.
    pub subject: Subject<'a>,
    /// What was said before; `None` if nothing.
    pub before: Option<Figure<'a>>,
    /// What is said now; `None` if nothing.
    pub after: Option<Figure<'a>>,
    /// What the values count.
    pub unit: &'a str,
    /// What may have brought it about, see [`Causes::of`].
    pub cause: Cause,
}

impl Change<'_> {
    /// The last day whose rows can matter to the change; `None` where any can.
    fn until(&self) -> Option<Day> {
        let on = |figure: &Option<Figure<'_>>| figure.and_then(|figure| figure.on);
        match self.kind {
            Kind::ClaimChanged | Kind::RankGained | Kind::RankLost => None,
            _ => on(&self.before).max(on(&self.after)),
        }
    }

    /// The cells of the published row, by column.
    pub fn to_json(&self) -> Value {
        let Self { kind, subject, before, after, unit, cause } = self;
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        json!({
            "change": kind.word(),
            "name": subject.name,
            "chart": subject.chart,
            "region": subject.region,
            "entity_kind": subject.entity_kind,
            "entity_id": subject.entity_id,
            "entity": subject.entity,
            "artists": subject.artists,
            "window": subject.window,
            "threshold": subject.threshold,
            "before_on": before.on,
            "after_on": after.on,
            "before_value": before.value,
            "after_value": after.value,
            "unit": unit,
            "before_state": before.state,
            "after_state": after.state,
            "cause": cause.to_string(),
            "says": self.says(),
        })
    }
}

/// A change as the rows that it is of; its cause is found later.
#[derive(Clone, Copy)]
struct Found {
    kind: Kind,
    /// Place of the table among those that were compared.
    table: u8,
    cause: Cause,
    old: Option<u32>,
    new: Option<u32>,
}

impl Found {
    fn of(kind: Kind, old: Option<usize>, new: Option<usize>) -> Self {
        let row = |row: usize| row as u32;
        Self { kind, table: 0, cause: Cause::default(), old: old.map(row), new: new.map(row) }
    }

    /// Of a row that both runs have.
    fn of_both(kind: Kind, old: usize, new: usize) -> Self {
        Self::of(kind, Some(old), Some(new))
    }

    /// Of a row that only the run after has.
    fn new(kind: Kind, row: usize) -> Self {
        Self::of(kind, None, Some(row))
    }

    /// Of a row that only the run before has.
    fn gone(kind: Kind, row: usize) -> Self {
        Self::of(kind, Some(row), None)
    }

    /// The side that says of whom it is, and the row there: the newer one, if it has one.
    fn said_by(self) -> (usize, usize) {
        match (self.old, self.new) {
            (_, Some(row)) => (1, row as usize),
            (row, None) => (0, row.unwrap_or_default() as usize),
        }
    }

    /// What the run before says, or the run after.
    fn figure(self, side: usize, sides: &[Side; 2]) -> Option<Figure<'_>> {
        let row = [self.old, self.new][side]?;
        Some(sides[side].figure(row as usize))
    }

    fn change(self, sides: &[Side; 2]) -> Change<'_> {
        let (side, row) = self.said_by();
        Change {
            kind: self.kind,
            subject: sides[side].subject(row),
            before: self.figure(0, sides),
            after: self.figure(1, sides),
            unit: sides[side].unit(row),
            cause: self.cause,
        }
    }
}

/// How a table is compared, and by which columns.
struct Comparison {
    table: &'static str,
    columns: &'static [&'static str],
    called: Called,
    compare: fn([&Side; 2], [&Frame; 2]) -> PolarsResult<Vec<Found>>,
}

/// In the order of the words of their kinds, so that the changes of one table follow those of another.
const COMPARISONS: [Comparison; 5] = [
    claims::COMPARISON,
    milestones::COMPARISON,
    rankings::COMPARISON,
    records::COMPARISON,
    totals::COMPARISON,
];

/// The tables that are compared, and their columns that are.
pub fn compared() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    COMPARISONS.iter().map(|comparison| (comparison.table, comparison.columns))
}

/// What one run says otherwise than another, sorted by the grain of the table `changes`.
#[derive(Default)]
pub struct Changes {
    tables: Vec<[Side; 2]>,
    found: Vec<Found>,
}

/// What `after` says otherwise than `before`. Both give the frame of a table by its name; a table that
/// either lacks is not compared.
///
/// # Errors
/// [`crate::error::Error::Frame`] for a frame without the columns of [`compared`].
pub fn compare<'f>(
    before: impl Fn(&str) -> Option<&'f Frame>,
    after: impl Fn(&str) -> Option<&'f Frame>,
    causes: &Causes,
) -> Result<Changes> {
    let pairs: Vec<_> =
        COMPARISONS.iter().filter_map(|of| Some((of, [before(of.table)?, after(of.table)?]))).collect();
    let compared = pairs.into_par_iter().with_max_len(1).map(|(of, frames)| of.changes(frames, causes));
    let compared = compared.collect::<PolarsResult<Vec<_>>>()?;
    let mut changes = Changes::default();
    changes.found.reserve_exact(compared.iter().map(|(_, found)| found.len()).sum());
    for (table, (sides, found)) in (0..).zip(compared) {
        changes.tables.push(sides);
        changes.found.extend(found.into_iter().map(|found| Found { table, ..found }));
    }
    Ok(changes)
}

impl Comparison {
    /// The rows of a table in two runs, and what they say otherwise.
    fn changes(&self, frames: [&Frame; 2], causes: &Causes) -> PolarsResult<([Side; 2], Vec<Found>)> {
        let sides = Side::of_both(frames, &self.called)?;
        let mut found = (self.compare)([&sides[0], &sides[1]], frames)?;
        // A tally that is no longer asked for has no totals, and none of them is corrected.
        if causes.pipeline() && self.table == totals::COMPARISON.table {
            let asked =
                |row: Option<u32>| row.is_some_and(|row| sides[1].has_name_of(&sides[0], row as usize));
            found.retain(|found| found.new.is_some() || asked(found.old));
        }
        let order = |found: &Found| {
            let (side, row) = found.said_by();
            (found.kind, sides[side].order(row))
        };
        found.par_sort_by_cached_key(order);
        found.par_iter_mut().for_each(|found| found.cause = causes.of(&found.change(&sides)));
        Ok((sides, found))
    }
}

impl Changes {
    /// How many.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The changes in order.
    pub fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        self.found.iter().map(|found| found.change(self.sides(*found)))
    }

    /// The changes in order, for several threads.
    pub fn par_iter(&self) -> impl IndexedParallelIterator<Item = Change<'_>> {
        self.found.par_iter().map(|found| found.change(self.sides(*found)))
    }

    /// What happened and what may have brought it about, change by change.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, Cause)> {
        self.found.iter().map(|found| (found.kind, found.cause))
    }

    /// The figures before, change by change.
    pub fn before(&self) -> impl Iterator<Item = Option<Figure<'_>>> {
        self.found.iter().map(|found| found.figure(0, self.sides(*found)))
    }

    /// The figures now, change by change.
    pub fn after(&self) -> impl Iterator<Item = Option<Figure<'_>>> {
        self.found.iter().map(|found| found.figure(1, self.sides(*found)))
    }

    /// The thresholds, change by change.
    pub fn thresholds(&self) -> impl Iterator<Item = i64> {
        self.found.iter().map(|found| {
            let (side, row) = found.said_by();
            self.sides(*found)[side].threshold(row)
        })
    }

    fn sides(&self, found: Found) -> &[Side; 2] {
        &self.tables[usize::from(found.table)]
    }

    /// A part of each change as a column: its words are known by their codes already.
    pub fn column(&self, name: &'static str, part: Part) -> Column {
        let texts = || self.tables.iter().flatten().map(|side| side.text(part));
        let mut behind = 0;
        let from: Vec<u32> = texts()
            .map(|text| {
                behind += text.words().count() as u32;
                behind - text.words().count() as u32
            })
            .collect();
        let codes = self.found.iter().map(|found| {
            let (side, row) = found.said_by();
            let table = usize::from(found.table);
            let code = self.tables[table][side].text(part).code(row);
            code.map_or(behind, |code| from[table * 2 + side] + code)
        });
        Column::coded(name, texts().flat_map(|text| text.words()).chain([""]), codes)
    }
}
