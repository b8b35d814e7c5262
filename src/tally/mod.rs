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

mod calendar;
mod runs;
mod scope;
mod survey;

pub use calendar::{Calendar, DateState, Due};
pub use runs::ChartRun;
pub use survey::{Basis, Scope, Survey, Surveyed};

use rayon::prelude::*;
use serde::Deserialize;

use crate::catalog::{Credit, Entities, EntityKind};
use crate::dates::{Day, Month};
use crate::error::Result;
use crate::ledger::Observation;
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

    fn window(self, day: Day) -> Window {
        match self {
            Self::CalendarYear => Window(1 + day.month().0 / 12),
            Self::CalendarMonth => Window(Window::MONTHS + day.month().0),
            _ => Window::ALL,
        }
    }
}

/// One turn of a clock: everything, a year or a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window(u16);

impl Window {
    /// The only window of the clocks that do not turn.
    pub const ALL: Self = Self(u16::MAX);
    /// No window yet.
    const NONE: Self = Self(0);
    const MONTHS: u16 = 1 << 12;

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
    /// Only these artists, or tracks and songs that credit one of them.
    pub cohort: Option<String>,
    /// Only these charts.
    pub charts: Option<Vec<String>>,
    /// Only these regions.
    pub regions: Option<Vec<String>>,
    /// Ascending, each once.
    pub thresholds: Vec<i64>,
}

impl TallySpec {
    /// Whether the tally counts in a scope at all: a chart without streams has nothing to count.
    fn counts_in(&self, scope: &Scope) -> bool {
        let among =
            |names: &Option<Vec<String>>, name| names.as_ref().is_none_or(|names| names.contains(name));
        scope.has_streams && among(&self.charts, &scope.chart) && among(&self.regions, &scope.region)
    }
}

/// How certain the date of a milestone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A threshold that was crossed. Codes are those of the tallies, scopes and entities given to the
/// fold.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The first date on which it could have been, with absences filled; `None` for artists.
    pub earliest_on: Option<Day>,
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
    /// Code of the export with the row that added most on the date.
    pub export: u32,
    /// That row.
    pub line: u32,
}

/// A sum over a window.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Best date, its streams.
    pub peak: i64,
    /// Best date, the earlier on a tie.
    pub peak_on: Day,
    /// The first threshold that is not reached.
    pub next_threshold: Option<i64>,
}

/// What a fold gives.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// In no particular order.
    pub milestones: Vec<Milestone>,
    /// In no particular order.
    pub totals: Vec<Total>,
    /// In no particular order.
    pub runs: Vec<ChartRun>,
}

/// The fold over the months of all scopes.
pub struct Fold<'a> {
    scopes: Vec<ScopeFold<'a>>,
    surveyed: &'a Surveyed,
}

impl<'a> Fold<'a> {
    /// A fold of `tallies` that has seen nothing yet.
    /// `export_order` is the place of each export in the order of their names.
    pub fn new(
        tallies: &'a [TallySpec],
        surveyed: &'a Surveyed,
        entities: &'a Entities,
        export_order: &'a [u32],
    ) -> Self {
        let scopes = surveyed
            .scopes
            .iter()
            .zip(&surveyed.calendars)
            .enumerate()
            .map(|(index, (scope, calendar))| {
                ScopeFold::new(index as u32, scope, calendar, tallies, entities, export_order)
            })
            .collect();
        Self { scopes, surveyed }
    }

    /// Adds a month of one chart, sorted by region, date and rank. Months of a chart come in order.
    ///
    /// # Errors
    /// [`crate::error::Error::Audit`] if a sum leaves the range of 64 bits.
    pub fn month(&mut self, chart: &str, rows: &[Observation]) -> Result<()> {
        let mut slices: Vec<Option<&[Observation]>> = vec![None; self.scopes.len()];
        for slice in rows.chunk_by(|a, b| a.region == b.region) {
            if let Some(scope) = self.surveyed.scope_of(chart, slice[0].region) {
                slices[scope] = Some(slice);
            }
        }
        self.scopes
            .par_iter_mut()
            .zip(slices)
            .try_for_each(|(fold, slice)| slice.map_or(Ok(()), |slice| fold.rows(slice)))
    }

    /// Closes every window.
    pub fn finish(self) -> Folded {
        let parts: Vec<Folded> = self.scopes.into_par_iter().map(ScopeFold::finish).collect();
        let mut folded = Folded::default();
        for part in parts {
            folded.milestones.extend(part.milestones);
            folded.totals.extend(part.totals);
            folded.runs.extend(part.runs);
        }
        folded
    }
}
