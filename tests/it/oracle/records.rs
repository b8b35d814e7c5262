//! The tables `records` and `pace`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::book::Book;
use super::count::{Count, about, basis, period};
use super::days::{Day, calendar, iso};
use super::ledger::{Scope, Seen};
use super::{Row, int, row};
use crate::world::{Pace, Record, Tally};

/// The time for which an entity has a record.
struct Reign {
    id: String,
    reached: Day,
    value: i128,
    previous: Option<String>,
    margin: Option<i128>,
    until: Option<Day>,
    joint: bool,
}

/// The reigns so far.
struct Progress {
    reigns: Vec<Reign>,
    /// Whether a holder that does better goes on with its reign.
    lengthens: bool,
    fewer_is_better: bool,
}

impl Progress {
    fn holders(&self) -> impl Iterator<Item = &Reign> {
        self.reigns.iter().filter(|reign| reign.until.is_none())
    }

    /// What entities have to show on a date.
    fn on(&mut self, date: Day, values: &BTreeMap<String, i128>) {
        let best = if self.fewer_is_better { values.values().min() } else { values.values().max() };
        let Some(&best) = best else { return };
        let record = self.holders().next().map(|reign| reign.value);
        let beats = |record: i128| if self.fewer_is_better { best < record } else { best > record };
        if !record.is_none_or(|record| beats(record) || best == record) {
            return;
        }
        let held: BTreeSet<String> = self.holders().map(|reign| reign.id.clone()).collect();
        let with_it: Vec<&String> =
            values.iter().filter(|(_, value)| **value == best).map(|(id, _)| id).collect();
        let broken = record.is_some_and(beats);
        if broken {
            for reign in self.reigns.iter_mut().filter(|reign| reign.until.is_none()) {
                if self.lengthens && with_it.contains(&&reign.id) {
                    reign.value = best;
                } else {
                    reign.until = Some(date);
                }
            }
        }
        for id in &with_it {
            if held.contains(*id) && (self.lengthens || !broken) {
                continue;
            }
            self.reigns.push(Reign {
                id: (*id).clone(),
                reached: date,
                value: best,
                previous: held.first().cloned(),
                margin: record.map(|record| (best - record).abs()),
                until: None,
                joint: record == Some(best) || with_it.len() > 1,
            });
        }
    }
}

impl Book<'_> {
    pub fn records(&self, record: &Record, scope: &Scope) -> Vec<Row> {
        if !about(&record.charts, &record.regions, scope) {
            return Vec::new();
        }
        let counts = record.kind.ends_with("at_one");
        let (lengthens, fewer_is_better) = (counts, record.kind == "fastest");
        let mut progress = Progress { reigns: Vec::new(), lengthens, fewer_is_better };
        let (mut kind, mut unit) = (record.entity, if counts { "dates" } else { "streams" });
        if let Some((tally, threshold)) = &record.fastest {
            let tally = self.tally(tally);
            (kind, unit) = (tally.kind(), "days");
            let mut reached: BTreeMap<Day, BTreeMap<String, i128>> = BTreeMap::new();
            for milestone in self.milestones(tally, scope, Day::MAX) {
                let member = self.in_cohort(record.cohort.as_ref(), kind, &milestone.count.id);
                if milestone.threshold == *threshold && member {
                    let on_date = reached.entry(milestone.reached).or_default();
                    on_date.insert(milestone.count.id.clone(), milestone.days().into());
                }
            }
            reached.iter().for_each(|(date, values)| progress.on(*date, values));
        } else {
            let live = self.live(scope);
            let cohort = |id: &String| self.in_cohort(record.cohort.as_ref(), kind, id);
            let mut charted = BTreeSet::new();
            let (mut all, mut spell) = (BTreeMap::<String, i128>::new(), BTreeMap::new());
            for (date, slice) in &live {
                let mut streams: BTreeMap<String, i128> = BTreeMap::new();
                let mut at_one: BTreeSet<String> = BTreeSet::new();
                for seen in *slice {
                    for id in self.entities(kind, "all", seen).into_iter().filter(cohort) {
                        *streams.entry(id.clone()).or_default() += seen.streams;
                        at_one.extend(Some(id).filter(|_| seen.rank == 1));
                    }
                }
                at_one.iter().for_each(|id| *all.entry(id.clone()).or_default() += 1);
                spell = at_one.iter().map(|id| (id.clone(), spell.get(id).unwrap_or(&0) + 1)).collect();
                let known = live.contains_key(&(date - period(&scope.0)));
                let returns = slice.iter().filter(|seen| seen.appearances.is_some_and(|number| number > 1));
                let returns: BTreeSet<String> =
                    returns.flat_map(|seen| self.entities(kind, "all", seen)).collect();
                let mut debuts = streams.clone();
                debuts.retain(|id, _| charted.insert(id.clone()) && known && !returns.contains(id));
                let values = match record.kind {
                    "best_date" => streams,
                    "debut" => debuts,
                    "days_at_one" => all.clone(),
                    _ => spell.clone(),
                };
                progress.on(*date, &values);
            }
        }
        let (_, last) = self.first_and_last(scope);
        let rows = progress.reigns.iter().map(|reign| {
            let (entity, artists) = self.names(kind, &reign.id);
            row(json!({
                "record": record.name, "kind": record.kind, "chart": scope.0, "region": scope.1,
                "basis": basis(scope), "entity_kind": kind, "entity_id": reign.id, "entity": entity,
                "artists": artists, "reached_on": iso(reign.reached), "value": int(reign.value),
                "unit": unit, "previous_holder": reign.previous.as_ref().map(|id| self.names(kind, id).0),
                "margin": reign.margin.map(int), "held_until": reign.until.map(iso),
                "days_held": reign.until.unwrap_or(last) - reign.reached, "joint": reign.joint,
            }))
        });
        rows.collect()
    }

    pub fn tally(&self, name: &str) -> &Tally {
        self.world.tallies.iter().find(|tally| tally.name == name).expect("a tally of the pipeline")
    }

    // -------------------------------------------------------------------------------- pace

    pub fn pace(&self, pace: &Pace, scope: &Scope) -> Vec<Row> {
        let tally = self.tally(&pace.tally);
        let chosen = |count: &Count| {
            let name = self.names(tally.kind(), &count.id).0.to_lowercase();
            let is_it = |who: &String| *who == count.id || who.to_lowercase() == name;
            pace.entities.is_empty() || pace.entities.iter().any(is_it)
        };
        let (_, last) = self.first_and_last(scope);
        let end = |count: &Count| match tally.clock {
            "calendar_year" | "calendar_month" => last.min(calendar(&count.window).1),
            _ => last,
        };
        let counts = self.counts(tally, scope, Day::MAX);
        let lines: Vec<&Count> = counts.iter().filter(|count| chosen(count)).collect();
        // The sum of a line on a day number, as long as the line goes on.
        let sum = |count: &Count, day_number: i64| {
            let date = count.start + day_number - 1;
            (day_number > 0 && date <= end(count)).then(|| count.sum(date))
        };
        let place = |count: &Count, day_number: i64| {
            let own = sum(count, day_number)?;
            let ahead = lines.iter().filter_map(|other| sum(other, day_number)).filter(|sum| *sum > own);
            Some(ahead.count() + 1)
        };
        // Who takes the lead on which day number. A tie leaves it where it was.
        let (mut leads, mut leader) = (BTreeSet::new(), None);
        for day_number in 1..=lines.iter().map(|count| end(count) - count.start + 1).max().unwrap_or(0) {
            let first = (0..lines.len()).filter(|line| place(lines[*line], day_number) == Some(1));
            if let [alone] = first.collect::<Vec<_>>()[..] {
                if leader.is_some_and(|leader| leader != alone) {
                    leads.insert((alone, day_number));
                }
                leader = Some(alone);
            }
        }
        let mut rows = Vec::new();
        for (line, count) in lines.iter().enumerate() {
            let record = pace.threshold.and_then(|threshold| self.record(tally, scope, count, threshold));
            for date in count.start..=end(count) {
                let day_number = date - count.start + 1;
                let needed = pace.threshold.zip(record.as_ref()).and_then(|(threshold, (days, _))| {
                    let reached = count.opening() >= i128::from(threshold)
                        || count.reached(threshold.into()).is_some_and(|reached| reached <= date);
                    let (left, missing) = (days - day_number, i128::from(threshold) - count.sum(date));
                    (!reached && left > 0).then(|| int((missing + i128::from(left) - 1) / i128::from(left)))
                });
                let mut row_of = self.identity(tally, scope, &count.id, &count.window);
                row_of.extend(row(json!({
                    "pace": pace.name, "day_number": day_number, "date": iso(date),
                    "cumulative": int(count.sum(date)), "place": place(count, day_number),
                    "lead_change": leads.contains(&(line, day_number)), "threshold": pace.threshold,
                    "record_days": record.as_ref().map(|(days, _)| days),
                    "record_holder": record.as_ref().map_or(Value::Null, |(_, holder)| json!(holder)),
                    "needed_per_day": needed,
                })));
                rows.push(row_of);
            }
        }
        rows
    }

    /// The fewest days in which anybody else of the tally reached a threshold, and who that was.
    fn record(&self, tally: &Tally, scope: &Scope, count: &Count, threshold: i64) -> Option<(i64, String)> {
        let milestones = self.milestones(tally, scope, Day::MAX).into_iter();
        let others = milestones.filter(|other| other.threshold == threshold && other.count.id != count.id);
        let best = others.min_by_key(|other| (other.days(), other.count.id.clone()))?;
        Some((best.days(), self.names(tally.kind(), &best.count.id).0))
    }

    /// All rows of a scope that count, in the order of their dates.
    pub fn live_rows(&self, scope: &Scope) -> Vec<&Seen> {
        self.live(scope).into_values().flatten().collect()
    }
}
