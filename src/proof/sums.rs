//! What the rows that count add up to, date by date.

use std::collections::{BTreeMap, BTreeSet};

use super::Case;
use super::rows::Counted;
use crate::catalog::{Credit, EntityKind};
use crate::dates::Day;
use crate::tally::Clock;

/// All that counts on one date.
#[derive(Clone, Debug)]
pub struct Date<'r> {
    /// The date.
    pub day: Day,
    /// The sum before it.
    pub before: i128,
    /// What it adds.
    pub adds: i128,
    /// Its rows.
    pub rows: &'r [Counted],
}

impl Date<'_> {
    /// The sum with it.
    pub fn after(&self) -> i128 {
        self.before + self.adds
    }

    /// The streams of its rows: of this day alone, also where a counter adds those of several.
    pub fn streams(&self) -> i128 {
        self.rows.iter().map(|counted| i128::from(counted.row.streams)).sum()
    }
}

/// The sums of an entity in a window.
#[derive(Clone, Debug)]
pub struct Sums<'r> {
    /// What a counter had before the entity's first date.
    pub opening: i128,
    /// Its dates.
    pub dates: Vec<Date<'r>>,
}

impl<'r> Sums<'r> {
    /// Adds rows up in the order of their dates.
    pub fn of(rows: &'r [Counted]) -> Self {
        let first = rows.first().map(|counted| counted.row.day);
        let mut sums = Self { opening: 0, dates: Vec::new() };
        for rows in rows.chunk_by(|a, b| a.row.day == b.row.day) {
            let day = rows[0].row.day;
            let gains: i128 = rows.iter().map(|counted| counted.gain).sum();
            let openings: i128 = rows.iter().map(|counted| counted.opening).sum();
            // What was there before the entity's first date came on no date; what another of its
            // tracks brings later comes on that track's first.
            let adds = match first == Some(day) {
                true => {
                    sums.opening = openings;
                    gains
                }
                false => gains + openings,
            };
            let before = sums.dates.last().map_or(sums.opening, Date::after);
            sums.dates.push(Date { day, before, adds, rows });
        }
        sums
    }

    /// The first date with a sum at or over the threshold, by its place; `None` if there is none, or
    /// if the opening was there already.
    pub fn reached(&self, threshold: i64) -> Option<usize> {
        let threshold = i128::from(threshold);
        self.dates.iter().position(|date| date.after() >= threshold).filter(|_| self.opening < threshold)
    }

    /// The largest sum there has been.
    pub fn highest(&self) -> i128 {
        self.dates.iter().map(Date::after).fold(self.opening, i128::max)
    }

    /// What a row adds on its date: an opening on the entity's first date comes on no date.
    pub fn adds(&self, counted: &Counted) -> i128 {
        match self.dates.first().is_some_and(|first| first.day == counted.row.day) {
            true => counted.gain,
            false => counted.gain + counted.opening,
        }
    }
}

/// When a count began, and what that rests on. `first` is the entity's first date.
pub fn start(case: &Case<'_>, first: Day) -> (Day, &'static str) {
    let all = case.entities.of(case.spec.entity);
    let released = all.get(case.entity as usize).and_then(|entity| entity.released);
    let calendar = &case.surveyed.calendars[case.scope];
    match case.spec.clock {
        Clock::AllTime => (calendar.due.first().map_or(first, |due| due.day), "first_export"),
        Clock::FirstCharted => (first, "first_charted"),
        Clock::Release => match released {
            None => (first, "first_charted"),
            Some(released) if released > first => (first, "conflict"),
            Some(released) => (released, "release"),
        },
        Clock::CalendarYear | Clock::CalendarMonth => (case.span.first.unwrap_or(first), "calendar"),
    }
}

/// How many different songs the rows are of.
pub fn songs(rows: &[Counted]) -> usize {
    rows.iter().map(|counted| counted.song).collect::<BTreeSet<_>>().len()
}

/// Which credits count; what is no artist has all.
pub fn credit(case: &Case<'_>) -> Credit {
    if case.spec.entity == EntityKind::Artist { case.spec.credit } else { Credit::All }
}

/// What the credits of the rows rest on.
pub fn credit_source(case: &Case<'_>, rows: &[Counted]) -> &'static str {
    if credit(case) == Credit::All {
        return "displayed";
    }
    // An only name leads without anybody's decision.
    let decided = || rows.iter().filter_map(|counted| counted.role).filter(|role| !role.solo());
    let by_catalog = decided().any(|role| role.from_catalog());
    let by_place = decided().any(|role| !role.from_catalog());
    match (by_catalog, by_place) {
        (false, false) => "displayed",
        (true, false) => "catalog",
        (false, true) => "first_name",
        (true, true) => "mixed",
    }
}

/// The rows of each track, the tracks in no particular order.
pub fn by_track(rows: &[Counted]) -> BTreeMap<u32, Vec<Counted>> {
    let mut tracks: BTreeMap<u32, Vec<Counted>> = BTreeMap::new();
    for counted in rows {
        tracks.entry(counted.track).or_default().push(*counted);
    }
    tracks
}
