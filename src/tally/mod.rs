//! The fold: from months of observations to milestones, totals and chart runs.
//!
//! For each scope, months in date order, one running sum for each entity and clock is kept in
//! arrays indexed by code. After each date every entity that was listed compares its sum before
//! and after with the thresholds. No sort over the history, no hash for a row; memory is the
//! entities and one month.
//!
//! Two passes go over the months. [`Survey`] finds what must be known before: which listings are
//! on a chart and since when (identity depends on it), and each scope's [`Calendar`]. [`Fold`]
//! adds up. Both are parallel over scopes.

mod again;
mod bounds;
mod by_listing;
mod calendar;
mod compare;
mod count;
mod counter;
mod course;
mod in_month;
mod month;
mod reach;
mod records;
mod replay;
mod reports;
mod runs;
mod scope;
mod setup;
mod state;
mod stray;
mod survey;
mod variants;

pub use bounds::first_unknown;
pub use calendar::{Calendar, DateState, Due, Seen};
use compare::Comparison;
pub use reach::Reached;
pub use records::{RecordKind, RecordSpec, Reign, Set, step};
pub use replay::{Absences, Event, absences, replay};
pub use reports::{Check, Finding, Score};
pub use runs::ChartRun;
pub use setup::{Asked, Setup, named};
pub use state::FoldState;
pub use stray::Stray;
pub use survey::{Basis, MonthSurvey, Scope, ScopeSeen, Survey, SurveyState, Surveyed, source_bit};
pub use variants::{Sensitive, Variant, derive};

use std::sync::Mutex;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::catalog::{Credit, EntityKind, Role, SongRule};
use crate::dates::{Day, Month};
use crate::error::Result;
use crate::ledger::Observation;
use by_listing::ByListing;
use reach::Reach;
use scope::ScopeFold;

/// What starts the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The first date of the scope.
    AllTime,
    /// The catalog's release date.
    Release,
    /// The entity's first date in the scope.
    FirstCharted,
    /// 1 January of each year.
    CalendarYear,
    /// The first of each month.
    CalendarMonth,
}

impl Clock {
    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::AllTime => "all_time",
            Self::Release => "release",
            Self::FirstCharted => "first_charted",
            Self::CalendarYear => "calendar_year",
            Self::CalendarMonth => "calendar_month",
        }
    }

    /// The turn of this clock in which a day lies.
    pub fn window(self, day: Day) -> Window {
        match self {
            Self::CalendarYear => Window(1 + day.month().0 / 12),
            Self::CalendarMonth => Window(Window::MONTHS + day.month().0),
            _ => Window::ALL,
        }
    }
}

/// One turn of a clock: everything, a year or a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window(u16);

impl Window {
    /// The only window of the clocks that do not turn.
    pub const ALL: Self = Self(u16::MAX);
    /// No window yet.
    const NONE: Self = Self(0);
    const MONTHS: u16 = 1 << 12;

    /// Reads `all`, `2023` or `2023-07`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.len() {
            3 => (text == "all").then_some(Self::ALL),
            4 => Month::parse(&format!("{text}-01")).map(|month| Clock::CalendarYear.window(month.first())),
            _ => Month::parse(text).map(|month| Clock::CalendarMonth.window(month.first())),
        }
    }

    /// The day after its last; `None` for [`Window::ALL`].
    pub fn end(self) -> Option<Day> {
        match self {
            Self::ALL => None,
            Self(year) if year < Self::MONTHS => Some(Month(year * 12).first()),
            Self(month) => Some(Month(month - Self::MONTHS + 1).first()),
        }
    }

    /// Its first day; `None` for [`Window::ALL`].
    pub fn first(self) -> Option<Day> {
        match self {
            Self::ALL => None,
            Self(year) if year < Self::MONTHS => Some(Month((year - 1) * 12).first()),
            Self(month) => Some(Month(month - Self::MONTHS).first()),
        }
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::ALL => out.write_str("all"),
            Self(year) if year < Self::MONTHS => write!(out, "{}", 1969 + year),
            Self(month) => write!(out, "{}", Month(month - Self::MONTHS)),
        }
    }
}

/// One way of counting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallySpec {
    /// Its name in the tables.
    pub name: String,
    /// What is counted for.
    pub entity: EntityKind,
    /// What starts the count.
    pub clock: Clock,
    /// Which credits count; for artists.
    pub credit: Credit,
    /// What counts as one song.
    pub rule: SongRule,
    /// Only these artists, or tracks and songs that credit one of them.
    pub cohort: Option<String>,
    /// Only these entities, by id or name in any case; empty for all.
    pub only: Vec<String>,
    /// Only these charts.
    pub charts: Option<Vec<String>>,
    /// Only these regions.
    pub regions: Option<Vec<String>>,
    /// Ascending, each once.
    pub thresholds: Vec<i64>,
    /// Another way of counting for a tally of the pipeline, and for which; not published by itself.
    pub derived: Option<(usize, Variant)>,
}

impl TallySpec {
    /// Whether the tally counts in a scope at all: a chart without streams has nothing to count.
    fn counts_in(&self, scope: &Scope) -> bool {
        scope.is_among(&self.charts, &self.regions)
    }
}

/// How certain the date of a milestone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Certainty {
    /// No absence could have brought it forward.
    Certain,
    /// Between the earliest possible date and this one.
    Bounded,
    /// On this date or before.
    AtLatest,
}

impl Certainty {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Bounded => "bounded",
            Self::AtLatest => "at_latest",
        }
    }
}

/// What the start of a count rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartBasis {
    /// The first date of the scope.
    FirstExport,
    /// The first date of the entity.
    FirstCharted,
    /// The catalog.
    Release,
    /// The first date of the entity, because the catalog's is later.
    Conflict,
    /// The calendar.
    Calendar,
}

impl StartBasis {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::FirstExport => "first_export",
            Self::FirstCharted => "first_charted",
            Self::Release => "release",
            Self::Conflict => "conflict",
            Self::Calendar => "calendar",
        }
    }
}

/// On what the credits behind a figure rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditSource(u8);

impl CreditSource {
    /// No credit yet.
    pub const NONE: Self = Self(0);
    const CATALOG: u8 = 1;
    const FIRST_NAME: u8 = 2;

    /// These and one more. An only name leads without anybody's decision.
    pub fn and(self, role: Role) -> Self {
        match (role.solo(), role.from_catalog()) {
            (true, _) => self,
            (false, true) => Self(self.0 | Self::CATALOG),
            (false, false) => Self(self.0 | Self::FIRST_NAME),
        }
    }

    /// These and others.
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The word for it in tables.
    pub fn word(self, credit: Credit) -> &'static str {
        match (credit, self.0) {
            (Credit::All, _) | (_, 0) => "displayed",
            (_, Self::CATALOG) => "catalog",
            (_, Self::FIRST_NAME) => "first_name",
            _ => "mixed",
        }
    }
}

/// A line of a pace: the sum of an entity after one date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Index of the tally.
    pub tally: u32,
    /// Index of the scope.
    pub scope: u32,
    /// Code of the entity.
    pub entity: u32,
    /// Which turn of the clock.
    pub window: Window,
    /// When the count began.
    pub start_on: Day,
    /// What the count began with: a counter's total before its first date.
    pub opening: i64,
    /// The date.
    pub day: Day,
    /// The sum.
    pub streams: i64,
}

/// Entities to set side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaceSpec {
    /// Its name in the tables.
    pub name: String,
    /// Index of the tally.
    pub tally: usize,
    /// Ids or names in any case; empty for all that the tally counts.
    pub entities: Vec<String>,
    /// The threshold to reach faster than anybody.
    pub threshold: Option<i64>,
}

/// A threshold that was crossed. Codes are those of the tallies, scopes and entities given to the
/// fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// Index of the tally.
    pub tally: u32,
    /// Index of the scope.
    pub scope: u32,
    /// Code of the entity.
    pub entity: u32,
    /// Which turn of the clock.
    pub window: Window,
    /// The threshold.
    pub threshold: i64,
    /// The first date at or over it.
    pub reached_on: Day,
    /// The first day of the period in which it was: of the week, or after a counter's last sighting.
    pub reached_from: Day,
    /// The first date on which it could have been, with absences filled; `None` for artists.
    pub earliest_on: Option<Day>,
    /// The day on which it was if the streams of the period came evenly; `None` for one day.
    pub estimated_on: Option<Day>,
    /// How certain the date is.
    pub certainty: Certainty,
    /// When the count began.
    pub start_on: Day,
    /// What that rests on.
    pub start_basis: StartBasis,
    /// The sum before the date.
    pub before: i64,
    /// The streams of the date.
    pub on_date: i64,
    /// How many songs had streams so far.
    pub songs: u32,
    /// What the credits rest on.
    pub credits: CreditSource,
    /// Code of the export with the row that added most on the date.
    pub export: u32,
    /// That row.
    pub line: u32,
}

/// A sum over a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// Index of the tally.
    pub tally: u32,
    /// Index of the scope.
    pub scope: u32,
    /// Code of the entity.
    pub entity: u32,
    /// Which turn of the clock.
    pub window: Window,
    /// The sum.
    pub streams: i64,
    /// The part of it that a counter had before the entity's first date.
    pub opening: i64,
    /// What it can be at most; `None` where nobody can tell.
    pub at_most: Option<i64>,
    /// The part of it that came on the scope's last date.
    pub on_last_date: i64,
    /// First date with streams.
    pub first_on: Day,
    /// Last date with streams.
    pub last_on: Day,
    /// Dates with streams.
    pub dates: u32,
    /// How many songs had streams.
    pub songs: u32,
    /// What the credits rest on.
    pub credits: CreditSource,
    /// Best date, its streams.
    pub peak: i64,
    /// Best date, the earlier on a tie.
    pub peak_on: Day,
    /// The first threshold that is not reached.
    pub next_threshold: Option<i64>,
    /// When the count began.
    pub start_on: Day,
    /// What that rests on.
    pub start_basis: StartBasis,
}

/// What a fold gives, in no particular order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Folded {
    /// Thresholds crossed.
    pub milestones: Vec<Milestone>,
    /// Sums over windows.
    pub totals: Vec<Total>,
    /// Songs by rank.
    pub runs: Vec<ChartRun>,
    /// Holders of records.
    pub reigns: Vec<Reign>,
    /// Lines of paces.
    pub points: Vec<Point>,
    /// Regions by date.
    pub reached: Vec<Reached>,
    /// How the checks of a scope went.
    pub scores: Vec<(u32, [Score; Check::ALL.len()])>,
    /// Checks that did not agree.
    pub findings: Vec<Finding>,
}

impl Folded {
    /// Gives all rows to the scope of that index.
    fn rename_scope(&mut self, index: u32) {
        self.milestones.iter_mut().for_each(|row| row.scope = index);
        self.totals.iter_mut().for_each(|row| row.scope = index);
        self.runs.iter_mut().for_each(|row| row.scope = index);
        self.points.iter_mut().for_each(|row| row.scope = index);
    }

    fn extend(&mut self, other: Self) {
        let Self { milestones, totals, runs, reigns, points, reached, scores, findings } = other;
        self.milestones.extend(milestones);
        self.totals.extend(totals);
        self.runs.extend(runs);
        self.reigns.extend(reigns);
        self.points.extend(points);
        self.reached.extend(reached);
        self.scores.extend(scores);
        self.findings.extend(findings);
    }

    /// Takes out what tallies from index `from` on gave, as the figures of tallies from index 0 on.
    pub fn split_off(&mut self, from: usize) -> Self {
        let from = from as u32;
        let mut milestones: Vec<Milestone> =
            self.milestones.extract_if(.., |milestone| milestone.tally >= from).collect();
        let mut totals: Vec<Total> = self.totals.extract_if(.., |total| total.tally >= from).collect();
        milestones.iter_mut().for_each(|milestone| milestone.tally -= from);
        totals.iter_mut().for_each(|total| total.tally -= from);
        Self { milestones, totals, ..Self::default() }
    }
}

/// The fold over the months of all scopes.
pub struct Fold<'a> {
    setup: &'a Setup<'a>,
    scopes: Vec<ScopeFold<'a>>,
    reach: Reach<'a>,
    comparison: Comparison<'a>,
    /// Memory for the rows of a scope's month, used again and again: fresh memory is slow.
    spare: Mutex<Vec<ByListing>>,
}

impl<'a> Fold<'a> {
    /// A fold that has seen nothing yet.
    pub fn new(setup: &'a Setup<'a>) -> Self {
        let scopes = (0..setup.surveyed.scopes.len()).map(|index| ScopeFold::new(index, setup)).collect();
        let comparison = Comparison::new(setup.surveyed, setup.entities, setup.tolerance);
        Self { setup, scopes, reach: Reach::new(setup), comparison, spare: Mutex::default() }
    }

    /// Adds a month of one chart, sorted by region, date and rank. Months come in order.
    ///
    /// # Errors
    /// [`crate::error::Error::Audit`] if a sum leaves the range of 64 bits.
    pub fn month(&mut self, chart: &str, month: Month, rows: &[Observation]) -> Result<()> {
        let slices = self.slices(chart, rows);
        let Self { scopes, reach, comparison, spare, .. } = self;
        let spare = &*spare;
        let add_to = |fold: &mut ScopeFold<'_>, rows: &[Observation]| {
            with_listings(spare, |listings| fold.rows(rows, listings))
        };
        let add = || {
            let scopes = scopes.par_iter_mut().zip(slices);
            scopes.try_for_each(|(fold, slice)| slice.map_or(Ok(()), |slice| add_to(fold, slice)))
        };
        let beside = || {
            reach.month(chart, rows);
            comparison.settle(month.first());
            comparison.month(chart, rows);
        };
        let (added, ()) = rayon::join(add, beside);
        added
    }

    /// The rows of each scope.
    fn slices<'r>(&self, chart: &str, rows: &'r [Observation]) -> Vec<Option<&'r [Observation]>> {
        let mut slices: Vec<Option<&[Observation]>> = vec![None; self.scopes.len()];
        let mut rest = rows;
        while let Some(first) = rest.first() {
            // Looking for the end of a region does not go through its rows, which come from far away.
            let slice;
            (slice, rest) = rest.split_at(rest.partition_point(|row| row.region == first.region));
            if let Some(scope) = self.setup.surveyed.scope_of(chart, first.region) {
                slices[scope] = Some(slice);
            }
        }
        slices
    }

    /// Closes every window.
    pub fn finish(self) -> Folded {
        let Self { scopes, reach, comparison, .. } = self;
        let parts: Vec<Folded> = scopes.into_par_iter().map(ScopeFold::finish).collect();
        let (scores, findings) = comparison.finish();
        let mut folded = Folded { reached: reach.rows, scores, findings, ..Folded::default() };
        // All at once: growing by halves would move the sums again and again.
        folded.totals.reserve_exact(parts.iter().map(|part| part.totals.len()).sum());
        folded.runs.reserve_exact(parts.iter().map(|part| part.runs.len()).sum());
        for part in parts {
            folded.extend(part);
        }
        folded
    }
}

/// Does something with memory that is used again.
fn with_listings(
    spare: &Mutex<Vec<ByListing>>,
    work: impl FnOnce(&mut ByListing) -> Result<()>,
) -> Result<()> {
    let mut listings = spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
    work(&mut listings)?;
    if let Ok(mut spare) = spare.lock() {
        spare.push(listings);
    }
    Ok(())
}
