//! Changes: what one published run says otherwise than the run before it.
//!
//! Two runs are compared as their tables are, by their frames, in the terms of the domain: a
//! milestone is crossed, moved or revoked, a rank gained or lost, a record set, a total corrected,
//! a verdict turned. [`cause`] says what may have brought it about, by what differs between the
//! conditions of the two runs. Nothing here reads or writes files.
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

pub use cause::{Causes, Conditions, Input};
pub use rows::TableOf;
pub use subscription::{Members, Subscription, is_kind};

use polars::prelude::*;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::dates::Day;
use crate::error::Result;

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
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The tally, ranking, record or claim.
    pub name: String,
    /// The chart.
    pub chart: String,
    /// The region.
    pub region: String,
    /// Track, song, work or artist; empty for claims.
    pub entity_kind: String,
    /// The id; empty where a claim names nobody known.
    pub entity_id: String,
    /// Title or display name.
    pub entity: String,
    /// The artist cell; empty for artists.
    pub artists: String,
    /// The window; of a record the date on which it was set, of a claim `all`.
    pub window: String,
    /// The threshold; 0 where there is none.
    pub threshold: i64,
}

/// What a run says of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// The date of the milestone, value or record; the last date of a total.
    pub on: Option<Day>,
    /// The sum, rank or record.
    pub value: Option<i64>,
    /// The certainty, the verdict, or who held a record before.
    pub state: Option<String>,
}

/// A figure that one run has otherwise than the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: Kind,
    /// To what.
    pub subject: Subject,
    /// What was said before; `None` if nothing.
    pub before: Option<Figure>,
    /// What is said now; `None` if nothing.
    pub after: Option<Figure>,
    /// What the values count.
    pub unit: String,
    /// What may have brought it about, see [`Causes::of`].
    pub cause: String,
}

impl Change {
    /// The last day whose rows can matter to the change; `None` where any can.
    fn until(&self) -> Option<Day> {
        let on = |figure: &Option<Figure>| figure.as_ref().and_then(|figure| figure.on);
        match self.kind {
            Kind::ClaimChanged | Kind::RankGained | Kind::RankLost => None,
            _ => on(&self.before).max(on(&self.after)),
        }
    }

    /// The cells of the published row, by column.
    pub fn to_json(&self) -> Value {
        let Self { kind, subject, before, after, unit, cause } = self;
        let figure = |figure: &Option<Figure>| figure.clone().unwrap_or_default();
        let (before, after) = (figure(before), figure(after));
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
            "cause": cause,
            "says": self.says(),
        })
    }
}

/// A change before its cause is known.
fn found(kind: Kind, subject: Subject, before: Option<Figure>, after: Option<Figure>, unit: &str) -> Change {
    Change { kind, subject, before, after, unit: unit.to_owned(), cause: String::new() }
}

/// How a table is compared, and by which columns.
struct Comparison {
    table: &'static str,
    columns: &'static [&'static str],
    compare: fn(TableOf<'_>, TableOf<'_>) -> PolarsResult<Vec<Change>>,
}

const COMPARISONS: [Comparison; 5] = [
    milestones::COMPARISON,
    rankings::COMPARISON,
    records::COMPARISON,
    totals::COMPARISON,
    claims::COMPARISON,
];

/// The tables that are compared, and their columns that are.
pub fn compared() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    COMPARISONS.iter().map(|comparison| (comparison.table, comparison.columns))
}

/// What `after` says otherwise than `before`, sorted by the grain of the table `changes`. Both give
/// the frame of a table by its name; a table that either lacks is not compared.
///
/// # Errors
/// [`crate::error::Error::Frame`] for a frame without the columns of [`compared`].
pub fn compare<'f>(
    before: impl Fn(&str) -> Option<TableOf<'f>>,
    after: impl Fn(&str) -> Option<TableOf<'f>>,
    causes: &Causes,
) -> Result<Vec<Change>> {
    let pairs: Vec<_> =
        COMPARISONS.iter().filter_map(|of| Some((of.compare, before(of.table)?, after(of.table)?))).collect();
    let changes = pairs
        .into_par_iter()
        .map(|(compare, before, after)| compare(before, after))
        .collect::<PolarsResult<Vec<_>>>()?;
    let mut changes: Vec<Change> = changes.into_iter().flatten().collect();
    // A tally that is no longer asked for has no totals, and none of them is corrected.
    if causes.pipeline() {
        let counted = after(totals::COMPARISON.table).map(totals::tallies).transpose()?;
        changes.retain(|change| {
            let asked = counted.as_ref().is_none_or(|tallies| tallies.contains(&change.subject.name));
            change.kind != Kind::TotalCorrected || change.after.is_some() || asked
        });
    }
    for change in &mut changes {
        change.cause = causes.of(change);
    }
    changes.sort_by(|a, b| a.key().cmp(&b.key()));
    Ok(changes)
}

impl Change {
    /// The grain of the table `changes`.
    fn key(&self) -> (&str, &str, &str, &str, &str, &str, i64) {
        let Subject { name, chart, region, entity_id, window, threshold, .. } = &self.subject;
        (self.kind.word(), name, chart, region, entity_id, window, *threshold)
    }
}
