//! Claims of order: who was first, who has most, who stands where.
//!
//! Everyone who competes has a value as observed and an interval in which the truth lies. The
//! observed values give the rank, the intervals say which other ranks are possible.

use std::collections::BTreeMap;

use super::dates::{compare, not_there};
use super::judge::{Finding, Lens, Outcome, View};
use super::words::{counted, some, streams};
use crate::dates::Day;
use crate::pipeline::{Per, RankingKind, RankingSpec};
use crate::tally::{Milestone, Window};

/// One who competes. Smaller values are better.
#[derive(Clone, Copy)]
struct Runner<'a> {
    entity: u32,
    /// As observed; `None` for one who has not arrived.
    seen: Option<i64>,
    /// The best and the worst that it can be.
    best: i64,
    worst: i64,
    milestone: Option<&'a Milestone>,
}

impl Runner<'_> {
    /// Whether the truth about both may be the same, or the other way round.
    fn meets(&self, other: &Self) -> bool {
        self.best <= other.worst && other.best <= self.worst
    }

    fn is_exact(&self) -> bool {
        self.best == self.worst
    }
}

/// Where the claim's entity stands.
struct Place<'a> {
    runner: Runner<'a>,
    /// Competition rank; `None` if it has not arrived.
    rank: Option<i64>,
    /// Who is ahead of it, as observed, best first.
    ahead: Vec<Runner<'a>>,
    /// Who is where it is.
    level: Vec<Runner<'a>>,
    /// Who is ahead of it whatever the truth is.
    surely_ahead: Vec<Runner<'a>>,
    /// The ranks that the intervals allow.
    possible: std::ops::RangeInclusive<i64>,
    certainty: &'static str,
}

/// Everyone who competes, in words that name what for.
struct Race<'a> {
    place: Place<'a>,
    runners: Vec<Runner<'a>>,
    of: String,
    unit: RankingKind,
}

/// `None` if the entity does not compete at all.
fn place<'a>(view: &View<'_>, runners: &[Runner<'a>]) -> Option<Place<'a>> {
    let ours = runners.iter().filter(|runner| view.subjects.contains(&runner.entity));
    let runner =
        *ours.min_by_key(|runner| (runner.seen.is_none(), runner.seen, runner.best, runner.entity))?;
    let others = || runners.iter().filter(|other| other.entity != runner.entity);
    let is_ahead = |other: &Runner<'_>| match (other.seen, runner.seen) {
        (Some(other), Some(ours)) => other < ours,
        (other, None) => other.is_some(),
        (None, _) => false,
    };
    let mut ahead: Vec<Runner<'_>> = others().filter(|other| is_ahead(other)).copied().collect();
    ahead.sort_by_key(|other| (other.seen, other.entity));
    let level = others().filter(|other| other.seen.is_some() && other.seen == runner.seen).copied().collect();
    let surely_ahead: Vec<Runner<'_>> = others().filter(|other| other.worst < runner.best).copied().collect();
    let maybe_ahead = others().filter(|other| other.best < runner.worst).count() as i64;
    let possible = 1 + surely_ahead.len() as i64..=1 + maybe_ahead;
    let is_tie = |other: &Runner<'_>| view.hidden_days() == 0 && other.is_exact() && runner.is_exact();
    let is_open = others().any(|other| runner.meets(other) && !is_tie(other));
    let rank = runner.seen.map(|_| 1 + ahead.len() as i64);
    let certainty = if is_open { "possibly tied" } else { "certain" };
    Some(Place { runner, rank, ahead, level, surely_ahead, possible, certainty })
}

/// The values of those who reached a threshold, and of those who still may have.
fn by_milestone<'a>(
    view: &View<'a>,
    kind: RankingKind,
    threshold: i64,
    window: Option<Window>,
) -> Vec<Runner<'a>> {
    let is_in = |of: Window| window.is_none_or(|window| window == of);
    let mut runners: BTreeMap<(u32, Window), Runner<'a>> = BTreeMap::new();
    for total in view.figures.totals.iter().filter(|total| is_in(total.window)) {
        let start = total.window.first().map_or(i64::MIN, |first| i64::from(first.0));
        let best = if kind == RankingKind::First { start } else { 0 };
        // A counter that came in with more than that was there before it was seen.
        let worst = match total.streams >= threshold {
            true if kind == RankingKind::First => i64::from(total.first_on.0) - 1,
            true => total.first_on.since(total.start_on) - 1,
            false => i64::MAX,
        };
        if view.most(total).is_none_or(|most| most >= threshold) {
            let runner = Runner { entity: total.entity, seen: None, best, worst, milestone: None };
            runners.insert((total.entity, total.window), runner);
        }
    }
    let milestones =
        view.figures.milestones.iter().filter(|row| row.threshold == threshold && is_in(row.window));
    for &milestone in milestones {
        let value = |day: Day| match kind {
            RankingKind::First => i64::from(day.0),
            _ => day.since(milestone.start_on),
        };
        let seen = value(milestone.reached_on);
        let best = match view.floor(milestone) {
            Some(floor) => value(floor),
            None if view.lens == Lens::Fewer || view.start_is_open(milestone) => i64::MIN,
            None => value(milestone.start_on),
        };
        let open_end =
            view.lens == Lens::More || view.start_is_open(milestone) && kind == RankingKind::Fastest;
        let runner = Runner {
            entity: milestone.entity,
            seen: Some(seen),
            best,
            worst: if open_end { i64::MAX } else { seen },
            milestone: Some(milestone),
        };
        runners.insert((milestone.entity, milestone.window), runner);
    }
    runners.into_values().collect()
}

/// The sums, the larger being the smaller value.
fn by_total<'a>(view: &View<'a>, window: Option<Window>) -> Vec<Runner<'a>> {
    let is_in = |of: Window| window.is_none_or(|window| window == of);
    let totals = view.figures.totals.iter().filter(|total| is_in(total.window));
    let runner = |total: &&crate::tally::Total| Runner {
        entity: total.entity,
        seen: Some(-total.streams),
        best: view.most(total).map_or(i64::MIN, |most| -most),
        worst: if view.lens == Lens::More { 0 } else { -total.streams },
        milestone: None,
    };
    totals.map(runner).collect()
}

/// Each entity with its best window.
fn best_windows(runners: Vec<Runner<'_>>) -> Vec<Runner<'_>> {
    let mut best: BTreeMap<u32, Runner<'_>> = BTreeMap::new();
    for runner in runners {
        let kept = best.entry(runner.entity).or_insert(runner);
        let is_better = match (runner.seen, kept.seen) {
            (Some(one), Some(other)) => one < other,
            (one, other) => one.is_some() && other.is_none(),
        };
        let (low, high) = (kept.best.min(runner.best), kept.worst.min(runner.worst));
        if is_better {
            *kept = runner;
        }
        (kept.best, kept.worst) = (low, high);
    }
    best.into_values().collect()
}

fn names(view: &View<'_>, runners: &[Runner<'_>]) -> String {
    let names: Vec<String> = runners.iter().map(|runner| view.name(runner.entity)).collect();
    some(names.iter().map(String::as_str).collect())
}

/// A finding on a place, with the milestone behind it where there is one.
fn finding(outcome: Outcome, found: Option<String>, why: String, place: &Place<'_>) -> Finding {
    let evidence = place.runner.milestone.map(|milestone| (milestone.export, milestone.line));
    Finding { outcome, found, why, certainty: Some(place.certainty), evidence }
}

/// Whether another rank than the observed one can be told wrong.
fn other_rank(place: &Place<'_>, rank: i64) -> (Outcome, &'static str) {
    if place.possible.contains(&rank) {
        (Outcome::Open, "; what charts do not show leaves the order open")
    } else {
        (Outcome::Refuted, "")
    }
}

/// Of whom the order is.
fn field(view: &View<'_>) -> String {
    let kind = view.entity.word();
    match &view.claim.cohort {
        Some(cohort) => format!("{kind}s of {cohort}"),
        None => format!("{kind}s"),
    }
}

/// Why the entity does not compete, where it is not of the cohort.
fn outsider(view: &View<'_>) -> Option<Finding> {
    let cohort = view.claim.cohort.as_deref()?;
    let members = view.facts.entities.members(cohort, view.entity)?;
    let is_member = |code: &u32| members.get(*code as usize) == Some(&true);
    if view.subjects.iter().any(is_member) {
        return None;
    }
    let name = view.subjects.first().map_or(String::new(), |code| view.name(*code));
    let why = format!("{name} is not one of the {} in the catalog", field(view));
    Some(Finding::new(Outcome::Open, None, why))
}

/// Whether the entity reached the threshold before all others of its cohort.
pub fn first_to(view: &View<'_>, threshold: i64, on: Option<Day>) -> Finding {
    if let Some(outsider) = outsider(view) {
        return outsider;
    }
    let window = Some(view.claim.window);
    let runners = by_milestone(view, RankingKind::First, threshold, window);
    let told = |runner: &Runner<'_>| {
        let on = runner.milestone.map_or(String::new(), |milestone| format!(", on {}", milestone.reached_on));
        format!("{}{on}", view.name(runner.entity))
    };
    let place = place(view, &runners);
    let arrived = place.as_ref().and_then(|place| Some((place, place.runner.milestone?)));
    let Some((place, milestone)) = arrived else {
        let absent = not_there(view, threshold, on);
        let others = runners.iter().filter(|runner| runner.seen.is_some());
        let Some(first) = others.min_by_key(|runner| (runner.seen, runner.entity)) else { return absent };
        let why = format!("{}; first of the {} is {}", absent.why, field(view), told(first));
        return Finding { found: Some(told(first)), why, ..absent };
    };
    let in_window = match milestone.window {
        Window::ALL => String::new(),
        window => format!(" in {window}"),
    };
    let fact =
        format!("{} reached {} on {}", view.name(milestone.entity), streams(threshold), milestone.reached_on);
    let (by_order, found, why) = if !place.surely_ahead.is_empty() && place.ahead.is_empty() {
        let before = names(view, &place.surely_ahead);
        (Outcome::Refuted, before.clone(), format!("{fact}; {before} had passed it before the data begins"))
    } else if let Some(first) = place.ahead.first() {
        let (outcome, reason) = other_rank(place, 1);
        let why = format!("{fact}, and first of the {}{in_window} is {}{reason}", field(view), told(first));
        (outcome, told(first), why)
    } else {
        let found = on.map_or("first".to_owned(), |_| format!("first, on {}", milestone.reached_on));
        match names(view, &place.level) {
            level if level.is_empty() => {
                (Outcome::Met, found, format!("{fact}, the first of the {}{in_window}", field(view)))
            }
            level => {
                let why = format!(
                    "{fact}, as did {level}; which of them was first on that date, a chart does not tell"
                );
                (Outcome::Open, format!("joint {found}"), why)
            }
        }
    };
    let (by_date, reason) = match on.filter(|on| *on != milestone.reached_on) {
        Some(on) => compare(view, milestone, on, false),
        None => (Outcome::Met, String::new()),
    };
    let outcome = match (by_order, by_date) {
        (Outcome::Refuted, _) | (_, Outcome::Refuted) => Outcome::Refuted,
        (Outcome::Open, _) | (_, Outcome::Open) => Outcome::Open,
        (Outcome::Met, Outcome::Met) => Outcome::Met,
    };
    finding(outcome, Some(found), format!("{why}{reason}"), place)
}

/// Whether nobody has more.
pub fn most_streamed(view: &View<'_>) -> Finding {
    if let Some(outsider) = outsider(view) {
        return outsider;
    }
    let runners = by_total(view, Some(view.claim.window));
    let Some(place) = place(view, &runners) else { return not_there(view, 1, None) };
    let race = Race { place, runners, of: format!("the {}", field(view)), unit: RankingKind::MostStreamed };
    by_rank(view, &race, 1)
}

/// Whether the entity has this rank in a ranking of the pipeline.
pub fn ranked(view: &View<'_>, ranking: &RankingSpec, rank: i64) -> Finding {
    if let Some(outsider) = outsider(view) {
        return outsider;
    }
    let window = (ranking.per == Per::Window).then_some(view.claim.window);
    let mut runners = match ranking.kind {
        RankingKind::MostStreamed => by_total(view, window),
        kind => by_milestone(view, kind, ranking.threshold, window),
    };
    if ranking.per == Per::Entity {
        runners = best_windows(runners);
    }
    let Some(place) = place(view, &runners) else {
        return unranked(view, ranking);
    };
    by_rank(view, &Race { place, runners, of: ranking.name.clone(), unit: ranking.kind }, rank)
}

/// One who does not compete: nothing was seen of it, or it cannot have arrived.
fn unranked(view: &View<'_>, ranking: &RankingSpec) -> Finding {
    if ranking.per == Per::Window {
        return not_there(view, ranking.threshold.max(1), None);
    }
    let name = view.subjects.first().map_or(String::new(), |code| view.name(*code));
    if view.figures.totals.iter().any(|total| view.subjects.contains(&total.entity)) {
        let sum = streams(ranking.threshold);
        let why = format!(
            "{name} cannot have reached {sum} in any window, even if every absence from the chart is filled \
             to its cut-off"
        );
        return Finding::new(Outcome::Refuted, Some("not ranked".to_owned()), why);
    }
    let why = format!("{name} has no streams by which {} could rank it", ranking.name);
    Finding::new(Outcome::Open, None, why)
}

fn by_rank(view: &View<'_>, race: &Race<'_>, rank: i64) -> Finding {
    let Race { place, runners, of, unit } = race;
    let name = view.name(place.runner.entity);
    let Some(seen) = place.rank else {
        let why = format!("{name} is not ranked in {of}; what charts do not show leaves it open");
        return finding(Outcome::Open, Some("not ranked".to_owned()), why, place);
    };
    let told = |runner: &Runner<'_>| {
        let value = match (unit, runner.milestone, runner.seen) {
            (RankingKind::First, Some(milestone), _) => format!(" ({})", milestone.reached_on),
            (RankingKind::Fastest, _, Some(days)) => format!(" ({})", counted(days, "day")),
            (RankingKind::MostStreamed, _, Some(seen)) => format!(" ({})", counted(-seen, "stream")),
            _ => String::new(),
        };
        format!("{}{value}", view.name(runner.entity))
    };
    let level = match names(view, &place.level) {
        level if level.is_empty() => String::new(),
        level => format!(" together with {level}"),
    };
    let behind = runners.iter().filter(|other| other.seen.is_some() && other.seen > place.runner.seen);
    let beside = match (place.ahead.last(), behind.min_by_key(|other| (other.seen, other.entity))) {
        (Some(before), _) => format!(", after {}", told(before)),
        (None, Some(next)) => format!(", before {}", told(next)),
        (None, None) => String::new(),
    };
    let fact = format!("{} is at rank {seen} of {of}{level}{beside}", told(&place.runner));
    let (outcome, reason) = if seen == rank { (Outcome::Met, "") } else { other_rank(place, rank) };
    finding(outcome, Some(format!("rank {seen}")), format!("{fact}{reason}"), place)
}
