//! What follows from the course of a count, whoever has added it up: the fold here, or a cluster.

use super::bounds::{Spread, certainty, first_unknown, window_end};
use super::calendar::Calendar;
use super::{Certainty, Clock, StartBasis, TallySpec, Window};
use crate::catalog::EntityKind;
use crate::dates::Day;

/// The count of an entity in a window.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    /// How it is counted.
    pub spec: &'a TallySpec,
    /// The scope's dates.
    pub calendar: &'a Calendar,
    /// Whether the scope is a counter.
    pub counter: bool,
    /// On how many tracks there can have been streams below the chart.
    pub spread: &'a Spread,
    /// When the count began.
    pub start_on: Day,
    /// First date with streams.
    pub first_on: Day,
}

impl Clock {
    /// When the count of a window begins in which an entity is first listed on `day`.
    pub fn start(
        self,
        calendar: &Calendar,
        window: Window,
        day: Day,
        released: Option<Day>,
    ) -> (Day, StartBasis) {
        match self {
            Self::AllTime => (calendar.due.first().map_or(day, |due| due.day), StartBasis::FirstExport),
            Self::FirstCharted => (day, StartBasis::FirstCharted),
            Self::Release => match released {
                Some(released) if released <= day => (released, StartBasis::Release),
                Some(_) => (day, StartBasis::Conflict),
                None => (day, StartBasis::FirstCharted),
            },
            Self::CalendarYear | Self::CalendarMonth => (window.first().unwrap_or(day), StartBasis::Calendar),
        }
    }
}

impl TallySpec {
    /// Whether absences are known to add no more than a chart's end: not to an artist, who may have
    /// any number of tracks below it, and not to a counter.
    pub fn is_bounded(&self, counter: bool) -> bool {
        self.entity != EntityKind::Artist && !counter
    }
}

impl Course<'_> {
    /// From when on, when at the earliest and how certainly a threshold was reached on the date at
    /// place `at`. `last_on` is the date with streams before it; `earliest` the first date on which
    /// absences could have brought it about.
    pub fn reached(
        &self,
        at: usize,
        day: Day,
        last_on: Option<Day>,
        earliest: Option<Day>,
    ) -> (Day, Option<Day>, Certainty) {
        let Self { calendar, start_on, .. } = *self;
        if self.counter && self.is_exact() {
            return between_sightings(calendar, last_on, day);
        }
        match earliest.filter(|_| self.spec.is_bounded(self.counter)) {
            Some(earliest) => {
                let (earliest, certain) = certainty(calendar, start_on, at, earliest);
                (calendar.period_from(day), Some(earliest), certain)
            }
            None => (calendar.period_from(day), None, Certainty::AtLatest),
        }
    }

    /// What the sum of a window can be at most; `None` where nobody can tell. `last` is the place of
    /// the last date with streams, `listed` the cut-offs of the dates on which its tracks were listed.
    pub fn at_most(&self, window: Window, last: usize, streams: i64, listed: i64) -> Option<i64> {
        let Self { calendar, spread, start_on, .. } = *self;
        let end = window_end(calendar, window);
        match (self.spec.entity, self.counter) {
            (EntityKind::Artist, _) => None,
            (_, true) => {
                // Off the page a counter goes on, and nobody has read it since.
                let after = last + 1;
                let known = after >= end || calendar.first_unknown(after, end - 1).is_none();
                (known && self.is_exact())
                    .then(|| streams.saturating_add(spread.filled(calendar, after, end)))
            }
            (_, false) => {
                let known = end > 0 && first_unknown(calendar, start_on, end - 1).is_none();
                known.then(|| {
                    let filled = spread.filled(calendar, calendar.index(start_on), end);
                    streams.saturating_add(filled.saturating_sub(listed).max(0))
                })
            }
        }
    }

    /// Whether nothing of a counter's window is missing up to now: one track, and a start of which
    /// the counter itself tells.
    fn is_exact(&self) -> bool {
        let begins = match self.spec.clock {
            Clock::AllTime | Clock::Release | Clock::FirstCharted => true,
            Clock::CalendarYear | Clock::CalendarMonth => {
                self.calendar.first_due(self.start_on) >= self.first_on
            }
        };
        self.spec.entity != EntityKind::Artist && self.spread.tracks() == 1 && begins
    }
}

/// The days in which a counter that was below a threshold at its last sighting reached it.
fn between_sightings(calendar: &Calendar, last: Option<Day>, day: Day) -> (Day, Option<Day>, Certainty) {
    let Some(last) = last else { return (calendar.period_from(day), Some(day), Certainty::Certain) };
    let earliest = last.plus(i64::from(calendar.step)).min(day);
    let certain = if earliest == day { Certainty::Certain } else { Certainty::Bounded };
    (last.plus(1).min(day), Some(earliest), certain)
}
