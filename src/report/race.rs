//! Which sums are plotted day by day, and what holds them against the published tables.
//!
//! The tables hold no sums by date but for a `pace`. So the totals of those that lead in each window are
//! chosen here, their courses are derived from the ledger elsewhere, and [`check`] holds every course
//! against the milestones; its end was held against its total when it was derived.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::ReadTable;
use super::columns::{EXACT, days, text, whole};
use super::{Sources, frame_of};
use crate::dates::Day;
use crate::error::Result;
use crate::explain::{self, Contradiction};
use crate::pipeline::Plan;
use crate::proof::{Course, Published, Span};
use crate::publish::ScopeDates;
use crate::tables::{milestones, totals::CONTRACT};

/// How many lines a window has at most: those with the most streams.
const LINES: usize = 12;
/// How many windows of a scope are plotted: the newest.
const WINDOWS: usize = 12;
/// How many scopes of a tally are plotted: `global`, then those with the most streams.
const SCOPES: usize = 6;
/// How many dates all lines together may have.
const DATES: i64 = 100_000;

/// The totals whose sums are plotted.
#[derive(Default)]
pub struct Chosen {
    /// Their rows in `totals`, race by race, window by window, the most streams first.
    pub rows: Vec<usize>,
    /// The rows as published, in the same order.
    pub published: Vec<Published>,
    /// How many totals of the races shown are not plotted.
    pub left_out: usize,
}

/// A scope of a tally, and within it a window.
type Race = (usize, (bool, Reverse<i64>, String, String));

/// Chooses whose sums are plotted: of every tally, the headline's first, the leaders of the newest
/// windows of the greatest scopes, as far as a page can hold their dates.
///
/// # Errors
/// [`crate::error::Error::Frame`], [`crate::error::Error::Usage`] if `totals` is not among the tables.
pub fn choose(plan: &Plan, tables: &[ReadTable]) -> Result<Chosen> {
    let frame = frame_of(tables, &CONTRACT)?;
    let (tallies, charts, regions) = (text(frame, "tally")?, text(frame, "chart")?, text(frame, "region")?);
    let (windows, ids) = (text(frame, "window")?, text(frame, "entity_id")?);
    let (streams, dates) = (whole(frame, "streams")?, whole(frame, "dates_observed")?);
    let headline = plan.rankings.iter().find(|of| Some(&of.name) == plan.headline.as_ref());
    let order: HashMap<&str, usize> = plan
        .tallies
        .iter()
        .enumerate()
        .map(|(place, tally)| {
            let first = headline.is_some_and(|of| of.tally == place);
            (tally.name.as_str(), if first { 0 } else { place + 1 })
        })
        .collect();

    let mut most: BTreeMap<(&str, &str, &str), i64> = BTreeMap::new();
    let scope = |row: usize| -> Option<(&str, &str, &str)> {
        Some((tallies.get(row)?, charts.get(row)?, regions.get(row)?))
    };
    for row in 0..frame.height() {
        if let (Some(scope), Some(streams)) = (scope(row), streams.get(row)) {
            let most = most.entry(scope).or_insert(streams);
            *most = streams.max(*most);
        }
    }
    // Races in the order in which they are shown; in each, the windows, the newest first.
    let mut races: BTreeMap<Race, BTreeMap<Reverse<&str>, Vec<usize>>> = BTreeMap::new();
    for row in 0..frame.height() {
        let (Some((tally, chart, region)), Some(window)) = (scope(row), windows.get(row)) else { continue };
        let Some(&place) = order.get(tally) else { continue };
        let greatest = most.get(&(tally, chart, region)).copied().unwrap_or_default();
        let race = (place, (region != "global", Reverse(greatest), chart.to_owned(), region.to_owned()));
        races.entry(race).or_default().entry(Reverse(window)).or_default().push(row);
    }

    let mut chosen = Chosen::default();
    let (mut left, mut scopes) = (DATES, BTreeMap::<usize, usize>::new());
    for ((tally, _), windows) in &mut races {
        let shown = scopes.entry(*tally).or_default();
        *shown += 1;
        let is_shown = *shown <= SCOPES;
        for (place, rows) in windows.values_mut().enumerate() {
            rows.sort_by_key(|&row| (Reverse(streams.get(row)), ids.get(row)));
            let most = if is_shown && place < WINDOWS { LINES } else { 0 };
            for (place, &row) in rows.iter().enumerate() {
                let dates = dates.get(row).unwrap_or_default();
                let exact = streams.get(row).is_some_and(|streams| (0..=EXACT).contains(&streams));
                if place < most && exact && dates <= left {
                    left -= dates;
                    chosen.rows.push(row);
                } else {
                    chosen.left_out += 1;
                }
            }
        }
    }
    for &row in &chosen.rows {
        chosen.published.push(explain::published(&CONTRACT, frame, row)?);
    }
    Ok(chosen)
}

/// Holds courses against the published milestones: where a line crosses a threshold, on that date and
/// with these sums there is a milestone, and nowhere else. The problem says of which of the chosen rows
/// that is not so.
///
/// # Errors
/// Those of [`choose`].
pub fn check(
    plan: &Plan,
    tables: &[ReadTable],
    chosen: &Chosen,
    courses: &[Course],
) -> Result<std::result::Result<(), Contradiction>> {
    let milestones = Milestones::of(tables)?;
    for (place, (published, course)) in chosen.published.iter().zip(courses).enumerate() {
        let known = milestones.of.get(&key(published));
        let thresholds = plan.tallies.iter().find(|tally| tally.name == published.text("tally"));
        for &threshold in thresholds.map_or(&[][..], |tally| &tally.thresholds) {
            let due = known.and_then(|of| of.iter().find(|of| of.threshold == threshold));
            let due = due.map(|of| (of.day, of.before, of.after));
            let found =
                course.reached(threshold).map(|(day, before, after)| (i32::from(day.0), before, after));
            if due != found {
                let told = |at: Option<(i32, i64, i64)>| {
                    at.map_or("not reached".to_owned(), |(day, before, after)| {
                        let day = u16::try_from(day).map(Day).unwrap_or_default();
                        format!("reached on {day} with {before} before and {after} after")
                    })
                };
                let problem = format!(
                    "its line and `milestones` differ: {threshold} is {} by the rows of the ledger and {} in the table",
                    told(found),
                    told(due)
                );
                return Ok(Err(Contradiction { of: place, problem }));
            }
        }
    }
    Ok(Ok(()))
}

/// A milestone of a line.
struct Milestone {
    threshold: i64,
    day: i32,
    before: i64,
    after: i64,
    number: i64,
    certainty: String,
}

/// What a line is known by: tally, chart, region, entity, window.
type Key = [String; 5];

const KEY: [&str; 5] = ["tally", "chart", "region", "entity_id", "window"];

fn key(published: &Published) -> Key {
    KEY.map(|name| published.text(name).to_owned())
}

/// The milestones of every line.
struct Milestones {
    of: HashMap<Key, Vec<Milestone>>,
}

impl Milestones {
    fn of(tables: &[ReadTable]) -> Result<Self> {
        let frame = frame_of(tables, &milestones::CONTRACT)?;
        let mut keys = Vec::with_capacity(KEY.len());
        for name in KEY {
            keys.push(text(frame, name)?);
        }
        let (thresholds, certainty) = (whole(frame, "threshold")?, text(frame, "certainty")?);
        let (before, after) = (whole(frame, "cumulative_before")?, whole(frame, "cumulative")?);
        let (numbers, reached) = (whole(frame, "day_number")?, days(frame, "reached_on")?);
        let mut of: HashMap<Key, Vec<Milestone>> = HashMap::new();
        for row in 0..frame.height() {
            let key = std::array::from_fn(|at| {
                keys.get(at).and_then(|key| key.get(row)).unwrap_or_default().to_owned()
            });
            of.entry(key).or_default().push(Milestone {
                threshold: thresholds.get(row).unwrap_or_default(),
                day: reached.get(row).unwrap_or_default(),
                before: before.get(row).unwrap_or_default(),
                after: after.get(row).unwrap_or_default(),
                number: numbers.get(row).unwrap_or_default(),
                certainty: certainty.get(row).unwrap_or_default().to_owned(),
            });
        }
        Ok(Self { of })
    }
}

/// The section; null where no race was asked for.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let (plan, chosen) = (sources.plan, sources.chosen);
    let Some(courses) = sources.courses else { return Ok(Value::Null) };
    let frame = sources.frame(&CONTRACT)?;
    let starts = days(frame, "start_on")?;
    let milestones = Milestones::of(sources.tables)?;
    let mut races: Vec<Value> = Vec::new();
    let mut lines: Vec<Value> = Vec::new();
    let all: Vec<_> = chosen.rows.iter().zip(&chosen.published).zip(courses).collect();
    let race =
        |published: &Published| ["tally", "chart", "region"].map(|name| published.text(name).to_owned());
    for ((row, published), course) in &all {
        let start = starts.get(**row).unwrap_or_default();
        let until = until(sources.manifest, published).map(|day| i32::from(day.0));
        lines.push(line(published, (start, until), course, milestones.of.get(&key(published))));
    }
    let mut lines = lines.into_iter();
    for of_race in all.chunk_by(|((_, a), _), ((_, b), _)| race(a) == race(b)) {
        let Some(((_, first), _)) = of_race.first() else { continue };
        let [tally, chart, region] = race(first);
        let spec = plan.tallies.iter().find(|of| of.name == tally);
        races.push(json!({
            "tally": tally,
            "chart": chart,
            "region": region,
            "entity_kind": first.text("entity_kind"),
            "clock": first.text("clock"),
            "credit": first.text("credit"),
            "song_rule": first.text("song_rule"),
            "basis": first.text("basis"),
            "cohort": spec.and_then(|spec| spec.cohort.as_ref()),
            "thresholds": spec.map(|spec| &spec.thresholds),
            "lines": lines.by_ref().take(of_race.len()).collect::<Vec<_>>(),
        }));
    }
    let headline = plan.rankings.iter().find(|of| Some(&of.name) == plan.headline.as_ref());
    let threshold = headline.map(|of| of.threshold).filter(|of| *of > 0);
    Ok(json!({ "races": races, "threshold": threshold, "left_out": chosen.left_out }))
}

/// The last day for which a total speaks: that of its window, or of the scope's newest date.
fn until(manifest: &Value, published: &Published) -> Option<Day> {
    let scopes: Vec<ScopeDates> = serde_json::from_value(manifest["scopes"].clone()).ok()?;
    let is_of = |scope: &&ScopeDates| {
        scope.chart == published.text("chart") && scope.region == published.text("region")
    };
    let last = scopes.iter().find(is_of)?.last;
    let end = Span::parse(published.text("window")).and_then(|span| span.last);
    Some(end.map_or(last, |end| end.min(last)))
}

/// A line: the day number of its first date, the days from each date to the next where they are not all
/// one, what each date added, the day number up to which the sum stands, and the thresholds it crossed.
fn line(
    published: &Published,
    (start, until): (i32, Option<i32>),
    course: &Course,
    milestones: Option<&Vec<Milestone>>,
) -> Value {
    let number = |day: Day| i64::from(day.0) - i64::from(start) + 1;
    let numbers: Vec<i64> = course.sums.iter().map(|(day, _)| number(*day)).collect();
    let steps: Vec<i64> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut before = 0;
    let adds: Vec<i64> =
        course.sums.iter().map(|(_, sum)| sum.saturating_sub(std::mem::replace(&mut before, *sum))).collect();
    let crossed = milestones.into_iter().flatten();
    let crossed: Vec<Value> =
        crossed.map(|of| json!([of.threshold, of.number, of.day, of.certainty])).collect();
    json!({
        "id": published.text("entity_id"),
        "entity": published.text("entity"),
        "artists": published.text("artists"),
        "window": published.text("window"),
        "start": start,
        "first": numbers.first(),
        "steps": steps.iter().any(|step| *step != 1).then_some(steps),
        "adds": adds,
        "until": until.map(|until| i64::from(until) - i64::from(start) + 1),
        "crossed": crossed,
    })
}
