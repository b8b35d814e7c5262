//! Claims of sums: how much, and of how many songs.

use std::cmp::Ordering;

use super::Amount;
use super::dates::{Claimed, compare, fact, not_there};
use super::judge::{Finding, Lens, Outcome, View};
use super::words::counted;
use crate::dates::Day;

/// Whether the sum is as claimed, up to and including a date or the last one.
pub fn total(view: &View<'_>, amount: Amount, on: Option<Day>) -> Finding {
    match amount {
        Amount::AtLeast(least) => at_least(view, least, on),
        Amount::Exactly(sum) => exactly(view, sum, on),
    }
}

/// The sum of the last date, where the claim is of that one.
fn last_sum(view: &View<'_>, on: Option<Day>) -> Option<i64> {
    let is_last = on.is_none_or(|on| on >= view.end());
    view.total().filter(|_| is_last).map(|total| total.streams)
}

fn at_least(view: &View<'_>, least: i64, on: Option<Day>) -> Finding {
    let Some(milestone) = view.milestone(least) else {
        // A counter may have come in with more.
        return match last_sum(view, on).filter(|sum| *sum >= least) {
            Some(sum) => Finding::new(Outcome::Met, Some(amount(Amount::Exactly(sum))), standing(view, sum)),
            None => not_there(view, least, on),
        };
    };
    let fact = fact(view, milestone, Claimed::On(milestone.reached_on));
    if let Some(on) = on.filter(|on| *on < milestone.reached_on) {
        let (outcome, reason) = compare(view, milestone, on, false);
        let found = format!("less than {}", counted(least, "stream"));
        return Finding::of(outcome, found, format!("{fact}{reason}"), milestone);
    }
    match last_sum(view, on) {
        // A counter that was corrected downwards.
        Some(sum) if sum < least => {
            Finding::new(Outcome::Refuted, Some(amount(Amount::Exactly(sum))), standing(view, sum))
        }
        Some(sum) => Finding::of(Outcome::Met, amount(Amount::Exactly(sum)), fact, milestone),
        None => Finding::of(Outcome::Met, amount(Amount::AtLeast(least)), fact, milestone),
    }
}

fn amount(amount: Amount) -> String {
    amount.to_string()
}

fn standing(view: &View<'_>, sum: i64) -> String {
    let name = view.total().map_or(String::new(), |total| view.name(total.entity));
    format!("{name} has {} by {}", counted(sum, "stream"), view.end())
}

fn exactly(view: &View<'_>, sum: i64, on: Option<Day>) -> Finding {
    if let Some(on) = on.filter(|on| *on > view.last()) {
        let why = format!("The data ends on {}, and the claim is of {on}", view.last());
        return Finding::new(Outcome::Open, None, why);
    }
    if let Some(on) = on.filter(|on| !view.is_live(*on)) {
        let why = format!("No usable export of {on} is in the ledger, so the sum of that date is not known");
        return Finding::new(Outcome::Open, None, why);
    }
    if let Some(last) = last_sum(view, on) {
        let found = Some(amount(Amount::Exactly(last)));
        let fact = standing(view, last);
        return match last.cmp(&sum) {
            Ordering::Equal => Finding::new(Outcome::Met, found, fact),
            Ordering::Greater if view.lens == Lens::More => {
                let why = format!("{fact} by public counters; chart streams are fewer");
                Finding::new(Outcome::Open, found, why)
            }
            Ordering::Greater => Finding::new(Outcome::Refuted, found, fact),
            Ordering::Less => not_there(view, sum, on),
        };
    }
    // Between two milestones one stream apart.
    let by = on.unwrap_or(view.end());
    let [reached, over] = [sum, sum.saturating_add(1)].map(|sum| view.milestone(sum));
    if let Some(over) = over.filter(|over| over.reached_on <= by) {
        let found = amount(Amount::AtLeast(sum.saturating_add(1)));
        let (outcome, reason) = match view.lens {
            Lens::More => (Outcome::Open, " by public counters; chart streams are fewer"),
            _ => (Outcome::Refuted, ""),
        };
        return Finding::of(outcome, found, format!("{}{reason}", fact(view, over, Claimed::On(by))), over);
    }
    let Some(reached) = reached else { return not_there(view, sum, on) };
    let fact = fact(view, reached, Claimed::On(by));
    if reached.reached_on <= by {
        let why = format!("{fact}, and not one stream more by {by}");
        return Finding::of(Outcome::Met, amount(Amount::Exactly(sum)), why, reached);
    }
    let (outcome, reason) = compare(view, reached, by, false);
    Finding::of(outcome, format!("less than {}", counted(sum, "stream")), format!("{fact}{reason}"), reached)
}

/// Whether so many songs had streams when the threshold was reached.
pub fn contributing_songs(view: &View<'_>, threshold: i64, songs: i64) -> Finding {
    let Some(milestone) = view.milestone(threshold) else {
        return not_there(view, threshold, None);
    };
    let seen = i64::from(milestone.songs);
    let found = counted(seen, "song");
    let fact =
        format!("{}, with {found} on the chart", fact(view, milestone, Claimed::On(milestone.reached_on)));
    if songs == seen {
        return Finding::of(Outcome::Met, found, fact, milestone);
    }
    if songs < seen && view.lens == Lens::Same {
        let why = format!("{fact} by then");
        return Finding::of(Outcome::Refuted, found, why, milestone);
    }
    let why = match songs < seen {
        true => format!("{fact}; by public counters it may have been there before the last of them"),
        false => format!("{fact}; songs below the chart leave no trace"),
    };
    Finding::of(Outcome::Open, found, why, milestone)
}
