//! What absences can have added: the bounds of a figure.

use std::collections::HashSet;

use super::Case;
use super::rows::{Counted, is_live, tracks_of_source};
use super::sums::{Date, Sums};
use crate::catalog::EntityKind;
use crate::dates::Day;
use crate::tally::{Basis, Clock};

/// A date on which the scope was due.
#[derive(Clone, Copy, Debug)]
pub struct DueDate {
    /// The date.
    pub day: Day,
    /// The state in the words of `coverage`.
    pub state: &'static str,
    /// The streams of the last listed row; `None` if nothing is known of the date.
    pub cutoff: Option<i64>,
}

/// Where a milestone lies.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The first day of the period of the date.
    pub from: Day,
    /// The first date on which it can have been.
    pub earliest: Option<Day>,
    /// `certain`, `bounded` or `at_latest`.
    pub certainty: &'static str,
    /// Why.
    pub because: String,
}

/// Every due date from `start` to `end`, those before the scope's first export included.
pub fn due_dates(case: &Case<'_>, start: Day, end: Day) -> Vec<DueDate> {
    let calendar = &case.surveyed.calendars[case.scope];
    let step = i64::from(calendar.step.max(1));
    let mut due = Vec::new();
    let Some(first) = calendar.due.first() else { return due };
    for steps in (1..=first.day.since(start) / step).rev() {
        due.push(DueDate { day: first.day.plus(-steps * step), state: "missing", cutoff: None });
    }
    due.extend(calendar.due.iter().map(|date| DueDate {
        day: date.day,
        state: date.state.word(),
        cutoff: is_live(date).then_some(date.cutoff),
    }));
    due.retain(|date| start <= date.day && date.day <= end);
    due
}

/// What can have been streamed below a scope's charts, track by track.
pub struct Absences<'c> {
    case: &'c Case<'c>,
    tracks: Vec<(u32, Option<Day>, Option<Day>)>,
    listed: HashSet<(u32, Day)>,
}

impl<'c> Absences<'c> {
    /// Of the entity, whose rows are `rows`.
    pub fn new(case: &'c Case<'c>, rows: &[Counted]) -> Self {
        let listed = rows.iter().map(|counted| (counted.track, counted.row.day)).collect();
        Self { case, tracks: tracks_of_source(case), listed }
    }

    /// The tracks that can have been absent on a date: not listed, and there by the catalog's dates.
    fn on(&self, day: Day) -> impl Iterator<Item = u32> {
        let step = i64::from(self.case.surveyed.calendars[self.case.scope].step.max(1));
        let period = (day.plus(1 - step), day);
        let absent = move |(track, from, until): &(u32, Option<Day>, Option<Day>)| {
            !self.listed.contains(&(*track, day))
                && from.is_none_or(|from| from <= period.1)
                && until.is_none_or(|until| period.0 <= until)
        };
        self.tracks.iter().filter(move |track| absent(track)).map(|(track, ..)| *track)
    }

    /// The most that the date can have had besides its rows; `None` if nothing is known of it.
    fn most(&self, due: &DueDate) -> Option<i128> {
        Some(i128::from(due.cutoff?) * self.on(due.day).count() as i128)
    }
}

/// Where the milestone of `threshold` lies that was reached on the date at `place`.
pub fn placed(case: &Case<'_>, sums: &Sums<'_>, start: Day, place: usize, threshold: i64) -> Placed {
    let reached = sums.dates[place].day;
    let calendar = &case.surveyed.calendars[case.scope];
    let step = i64::from(calendar.step.max(1));
    let period_from = reached.plus(1 - step);
    let at_latest = |because: &str| Placed {
        from: period_from,
        earliest: None,
        certainty: "at_latest",
        because: because.to_owned(),
    };
    if case.spec.entity == EntityKind::Artist {
        let because = "an artist may have any number of songs below the chart, so the observed sum gives \
                       the latest date";
        return at_latest(because);
    }
    if case.surveyed.scopes[case.scope].basis == Basis::Counter {
        if let Some(because) = inexact(case, sums, start) {
            return at_latest(because);
        }
        let last = place.checked_sub(1).and_then(|before| sums.dates.get(before)).map(|date| date.day);
        let Some(last) = last else {
            let because = "it was reached on the first date that the counter was seen";
            return Placed {
                from: period_from,
                earliest: Some(reached),
                certainty: "certain",
                because: because.to_owned(),
            };
        };
        let earliest = last.plus(step).min(reached);
        let certainty = if earliest == reached { "certain" } else { "bounded" };
        let because = format!("the counter was still below it at the sighting before, on {last}");
        return Placed { from: last.plus(1).min(reached), earliest: Some(earliest), certainty, because };
    }

    let rows: Vec<Counted> = sums.dates.iter().flat_map(|date| date.rows).copied().collect();
    let absences = Absences::new(case, &rows);
    let (mut sum, mut earliest) = (sums.opening, None);
    let (mut first_unknown, mut unknown) = (None, 0);
    let due = due_dates(case, start, reached);
    for date in &due {
        let listed = sums.dates.iter().find(|of| of.day == date.day);
        sum += listed.map_or(0, |of| of.adds);
        match absences.most(date) {
            Some(most) => sum += most,
            None => {
                first_unknown = first_unknown.or(Some(date.day));
                unknown += 1;
            }
        }
        if earliest.is_none() && sum >= i128::from(threshold) {
            earliest = Some(date.day);
        }
    }
    let earliest = earliest.unwrap_or(reached);
    if let Some(first) = first_unknown {
        let because = format!(
            "of {unknown} of the {} dates since {start} nothing is known; the first of them is {first}",
            due.len()
        );
        return Placed {
            from: period_from,
            earliest: Some(earliest.min(first)),
            certainty: "at_latest",
            because,
        };
    }
    let (certainty, because) = match earliest == reached {
        true => ("certain", format!("no absence from the chart since {start} could have brought it forward")),
        false => (
            "bounded",
            format!("with every absence filled to the streams of the chart's last row it was {earliest}"),
        ),
    };
    Placed { from: period_from, earliest: Some(earliest), certainty, because }
}

/// Why a counter does not tell all that came since the start; `None` if it does.
fn inexact(case: &Case<'_>, sums: &Sums<'_>, start: Day) -> Option<&'static str> {
    let first = sums.dates.first().map(|date| date.day)?;
    let window_first = due_dates(case, start, first).first().map(|due| due.day);
    if matches!(case.spec.clock, Clock::CalendarYear | Clock::CalendarMonth) && Some(first) > window_first {
        return Some("what the counter gained in the window before the first sighting is unknown");
    }
    (tracks_of_source(case).len() > 1)
        .then_some("each of several tracks has a counter of its own, and any may have been off the page")
}

/// The most that a total can be up to `end`, and why, or why nobody can tell.
pub fn at_most(case: &Case<'_>, sums: &Sums<'_>, start: Day, end: Day) -> (Option<i128>, String) {
    if case.spec.entity == EntityKind::Artist {
        let because = "an artist may have any number of songs below the chart, so there is no upper bound";
        return (None, because.to_owned());
    }
    let mut from = start;
    if case.surveyed.scopes[case.scope].basis == Basis::Counter {
        if let Some(because) = inexact(case, sums, start) {
            return (None, because.to_owned());
        }
        // Up to the last sighting all is in the total.
        from = sums.dates.last().map_or(start, |date| date.day.plus(1));
    }
    let rows: Vec<Counted> = sums.dates.iter().flat_map(|date| date.rows).copied().collect();
    let absences = Absences::new(case, &rows);
    let (mut absent, mut hidden) = (0, 0);
    for date in due_dates(case, from, end) {
        let Some(most) = absences.most(&date) else {
            let because = format!("nothing is known of {}, so there is no upper bound", date.day);
            return (None, because);
        };
        absent += absences.on(date.day).count();
        hidden += most;
    }
    let because = match absent {
        0 => format!("nothing from {start} to {end} can be missing"),
        _ => format!("{absent} absences, each filled to the streams of the last row of its date"),
    };
    (Some(sums.dates.last().map_or(sums.opening, Date::after) + hidden), because)
}

/// The day on which the threshold was reached if the streams of the days from `from` to `to` came
/// evenly; `None` for a single day.
pub fn estimated(from: Day, to: Day, before: i128, adds: i128, threshold: i64) -> Option<Day> {
    let days = i128::from(to.since(from)) + 1;
    let over = |day: &i128| before * days + adds * day >= i128::from(threshold) * days;
    let day = (1..=days).find(over).filter(|_| days > 1)?;
    Some(from.plus(day as i64 - 1))
}
