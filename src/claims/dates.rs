//! Claims of dates: a threshold, and the day or the number of days it took.

use super::judge::{Finding, Lens, Outcome, View};
use super::words::{counted, streams};
use super::{Counted, Kind};
use crate::catalog::EntityKind;
use crate::dates::Day;
use crate::tally::{Certainty, Clock, Milestone, StartBasis};

/// When a threshold is said to have been reached.
#[derive(Clone, Copy)]
pub enum Claimed {
    /// On this date.
    On(Day),
    /// On this day, counted from the start.
    Days(i64),
}

/// Whether the threshold was reached when the claim says.
pub fn reached(view: &View<'_>, threshold: i64, claimed: Claimed) -> Finding {
    match view.milestone(threshold) {
        Some(milestone) => with_milestone(view, milestone, claimed),
        None => without_milestone(view, threshold, claimed),
    }
}

fn with_milestone(view: &View<'_>, milestone: &Milestone, claimed: Claimed) -> Finding {
    let (day, found) = match claimed {
        Claimed::On(day) => (day, milestone.reached_on.to_string()),
        Claimed::Days(days) => {
            let first = view.convention.counted.first();
            let days_found = milestone.reached_on.since(milestone.start_on) + first;
            (milestone.start_on.plus(days - first), in_days(view, days_found))
        }
    };
    let fact = fact(view, milestone, claimed);
    let of = |outcome, why| Finding::of(outcome, found.clone(), why, milestone);
    if let Claimed::Days(_) = claimed
        && view.convention.clock == Clock::Release
        && milestone.start_basis == StartBasis::FirstCharted
    {
        return of(Outcome::Open, format!("{fact}; the catalog has no release date to count from"));
    }
    if day == milestone.reached_on {
        return of(Outcome::Met, fact);
    }
    let (outcome, reason) = compare(view, milestone, day, matches!(claimed, Claimed::Days(_)));
    of(outcome, format!("{fact}{reason}"))
}

/// What a milestone says of another day, and why.
pub fn compare(view: &View<'_>, milestone: &Milestone, day: Day, by_start: bool) -> (Outcome, String) {
    let reached_on = milestone.reached_on;
    if day > reached_on {
        if by_start && view.start_is_open(milestone) {
            let start = milestone.start_on;
            let reason = format!(
                "; but nothing is known of the date before {start}, and the count may have begun there"
            );
            return (Outcome::Open, reason);
        }
        return match view.lens {
            Lens::More => {
                (Outcome::Open, "; chart streams are fewer and may have been there later".to_owned())
            }
            _ => (Outcome::Refuted, ": the sum was there before the claimed day".to_owned()),
        };
    }
    if day >= milestone.reached_from {
        let from = milestone.reached_from;
        let estimate = milestone.estimated_on.map_or(String::new(), |on| format!(" (estimated: {on})"));
        return (Outcome::Open, format!("; on which day since {from}, the data does not tell{estimate}"));
    }
    let floor = view.floor(milestone);
    if let Some(floor) = floor.filter(|floor| day < *floor) {
        let reason = match milestone.certainty {
            Certainty::Certain => ", and no absence from the chart could bring it forward".to_owned(),
            _ => format!(", and not before {floor} if every absence from the chart is filled to its cut-off"),
        };
        return (Outcome::Refuted, reason);
    }
    let reason = if view.lens == Lens::Fewer {
        " by chart streams: public counters, which are higher, may have been there before".to_owned()
    } else if view.entity == EntityKind::Artist {
        " at the latest: an artist's songs below the chart could bring it forward, and have no bound"
            .to_owned()
    } else if view.start_is_open(milestone) {
        let start = milestone.start_on;
        format!(" at the latest: nothing is known of the date before {start}, the first one it charted on")
    } else {
        let since = floor.map_or(String::new(), |floor| format!(" from {floor} on"));
        match milestone.certainty {
            Certainty::AtLatest => {
                format!(" at the latest: dates without a usable export leave every day{since} open")
            }
            _ => format!(" at the latest: absences from the chart leave every day{since} open"),
        }
    };
    (Outcome::Open, reason)
}

fn without_milestone(view: &View<'_>, threshold: i64, claimed: Claimed) -> Finding {
    let start = view.start(view.total());
    let day = match claimed {
        Claimed::On(day) => Some(day),
        Claimed::Days(days) => start.map(|start| start.plus(days - view.convention.counted.first())),
    };
    not_there(view, threshold, day)
}

/// A threshold that was not seen being reached, claimed for this day or, without one, for any.
pub fn not_there(view: &View<'_>, threshold: i64, day: Option<Day>) -> Finding {
    let total = view.total();
    let Some(subject) = total.map(|total| total.entity).or(view.subjects.first().copied()) else {
        return Finding::new(Outcome::Open, None, "Nobody is counted".to_owned());
    };
    let (name, end) = (view.name(subject), view.end());
    let first = view.calendar().due.first().map(|due| due.day);
    if let Some(first) = first.filter(|first| *first > end) {
        return Finding::new(
            Outcome::Open,
            None,
            format!("The data begins on {first}, after the claim's window"),
        );
    }
    if view.claim.window.first().is_some_and(|first| first > end) {
        return Finding::new(
            Outcome::Open,
            None,
            format!("The data ends on {end}, before the claim's window"),
        );
    }
    if let Some(total) = total.filter(|total| total.streams >= threshold) {
        // A counter that came in with more than that.
        let since = total.first_on;
        let fact = format!("{name} had passed {} before its first sighting on {since}", streams(threshold));
        let found = Some(format!("before {since}"));
        return match day.filter(|day| *day >= since && view.lens != Lens::More) {
            Some(_) => Finding::new(Outcome::Refuted, found, fact),
            None => Finding::new(Outcome::Open, found, format!("{fact}, and the data does not tell when")),
        };
    }
    let sum = total.map_or(0, |total| total.streams);
    let found = Some(counted(sum, "stream"));
    let fact = format!("{name} has {} of {} streams by {end}", streams(sum), streams(threshold));
    if let Some(day) = day.filter(|day| *day > view.last()) {
        let why = format!("{fact}, where the data ends, and the claim is of {day}");
        return Finding::new(Outcome::Open, found, why);
    }
    let (outcome, reason) = match view.ceiling(total) {
        Some(ceiling) if ceiling < threshold => {
            let most = streams(ceiling);
            let reason =
                format!(", and {most} at most if every absence from the chart is filled to its cut-off");
            (Outcome::Refuted, reason)
        }
        Some(ceiling) => {
            (Outcome::Open, format!(" on the chart; absences from it leave up to {} open", streams(ceiling)))
        }
        None if view.lens == Lens::Fewer => {
            (Outcome::Open, " on the chart; public counters are higher and may have been there".to_owned())
        }
        None if view.entity == EntityKind::Artist => {
            (Outcome::Open, " on the chart; an artist's songs below the chart have no bound".to_owned())
        }
        None => (Outcome::Open, " on the chart; dates without a usable export leave more open".to_owned()),
    };
    Finding::new(outcome, found, format!("{fact}{reason}"))
}

/// A number of days in the words of the claim.
fn in_days(view: &View<'_>, days: i64) -> String {
    match view.claim.kind {
        Kind::DayOfYear => format!("day {days}"),
        _ => counted(days, "day"),
    }
}

/// When the milestone was reached, in a sentence.
pub fn fact(view: &View<'_>, milestone: &Milestone, claimed: Claimed) -> String {
    let Milestone { threshold, reached_on, start_on, .. } = milestone;
    let name = view.name(milestone.entity);
    let fact = format!("{name} reached {} on {reached_on}", streams(*threshold));
    let Claimed::Days(_) = claimed else { return fact };
    let elapsed = reached_on.since(*start_on);
    let start = match milestone.start_basis {
        StartBasis::Release => format!("its release ({start_on})"),
        StartBasis::FirstCharted => format!("its first date on the chart ({start_on})"),
        StartBasis::Conflict => {
            format!("its first date on the chart ({start_on}, before the catalog's release date)")
        }
        StartBasis::FirstExport => format!("the first export ({start_on})"),
        StartBasis::Calendar => start_on.to_string(),
    };
    match view.convention.counted {
        Counted::Elapsed => format!("{fact}, {} after {start}", counted(elapsed, "day")),
        Counted::Inclusive if milestone.start_basis == StartBasis::Calendar => {
            format!("{fact}, day {} of {}", elapsed + 1, milestone.window)
        }
        Counted::Inclusive => format!("{fact}, day {} with {start} as day 1", elapsed + 1),
    }
}
