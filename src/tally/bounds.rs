//! How much can have been streamed below the chart, and how certain a date therefore is.

use super::calendar::Calendar;
use super::{Certainty, Window};
use crate::dates::Day;
use serde::{Deserialize, Serialize};

/// On how many tracks of an entity streams below the chart can have come, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Tracks without dates of their own.
    pub always: u16,
    /// Tracks with dates: from which day on, and before which. Not places in the calendar: it grows from
    /// night to night, and a spread that was kept must stay the same.
    pub dated: Vec<(Day, Day)>,
}

impl Spread {
    /// One track, at any time.
    pub const ONE: &'static Self = &Self { always: 1, dated: Vec::new() };

    /// How many tracks there are.
    pub fn tracks(&self) -> usize {
        usize::from(self.always) + self.dated.len()
    }

    /// The places in the calendar from which and before which each track with dates could have streams.
    pub fn places<'a>(&'a self, calendar: &'a Calendar) -> impl Iterator<Item = (usize, usize)> + 'a {
        self.dated.iter().map(|&(from, until)| (calendar.index(from), calendar.index(until)))
    }

    /// What absences on the dates from place `from` to before place `until` could add if no track
    /// were listed on any of them.
    pub fn filled(&self, calendar: &Calendar, from: usize, until: usize) -> i64 {
        let between = |from: usize, until: usize| match from < until {
            true => calendar.filled(until).saturating_sub(calendar.filled(from)),
            false => 0,
        };
        let always = between(from, until).saturating_mul(i64::from(self.always));
        self.places(calendar)
            .fold(always, |sum, (first, end)| sum.saturating_add(between(from.max(first), until.min(end))))
    }

    /// The first place from `from` on, before `until`, after which the absences since `start` reach
    /// `sum`.
    pub fn first_filled(
        &self,
        calendar: &Calendar,
        start: usize,
        from: usize,
        until: usize,
        sum: i64,
    ) -> Option<usize> {
        let (mut low, mut high) = (from, until);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.filled(calendar, start, middle + 1) < sum {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        (low < until).then_some(low)
    }
}

/// The first date of a count, up to place `at`, of which nothing is known; it may lie before the
/// scope's first export.
pub fn first_unknown(calendar: &Calendar, start_on: Day, at: usize) -> Option<Day> {
    let first_due = calendar.first_due(start_on);
    match calendar.due.first() {
        Some(first) if first_due < first.day => Some(first_due),
        _ => calendar.first_unknown(calendar.index(start_on), at),
    }
}

/// How certain it is that a threshold was reached on the date at place `at` and not before, where
/// `earliest` is the first date on which absences could have brought it about.
pub fn certainty(calendar: &Calendar, start_on: Day, at: usize, earliest: Day) -> (Day, Certainty) {
    match first_unknown(calendar, start_on, at) {
        Some(unknown) => (earliest.min(unknown), Certainty::AtLatest),
        None if calendar.due.get(at).is_some_and(|due| due.day == earliest) => (earliest, Certainty::Certain),
        None => (earliest, Certainty::Bounded),
    }
}

/// The day on which a sum that lacked `missing` reached its threshold if the `streams` of the days
/// from `from` to `to` were spread evenly over them. `None` for a single day: nothing to estimate.
pub fn estimated(from: Day, to: Day, missing: i64, streams: i64) -> Option<Day> {
    let days = i128::from(to.since(from)) + 1;
    if days < 2 || streams < 1 {
        return None;
    }
    let streams = i128::from(streams);
    let needed = (i128::from(missing) * days + streams - 1).div_euclid(streams);
    Some(from.plus((needed - 1).clamp(0, days - 1) as i64))
}

/// The place in the calendar at which a window ends.
pub fn window_end(calendar: &Calendar, window: Window) -> usize {
    window.end().map_or(calendar.due.len(), |end| calendar.index(end))
}
