//! Scopes that should agree, held against each other and never added: a week and its seven days, a
//! counter's day and the chart's.

use rustc_hash::FxHashMap;

use super::reports::{Check, Finding, Findings, Score};
use super::survey::Basis;
use super::{Calendar, Surveyed};
use crate::catalog::{Entities, EntityKind};
use crate::dates::Day;
use crate::exports::NO_STREAMS;
use crate::ledger::Observation;

/// Two scopes of one region.
struct Pair {
    check: Check,
    /// The scope whose figure is checked: the weekly one, or the counter.
    said: usize,
    /// The scope it is checked against: the daily one, or the chart.
    ours: usize,
    said_sums: Sums,
    our_sums: Sums,
}

/// Streams, and on how many dates they were, by song and date of the checked scope.
type Sums = FxHashMap<(u32, Day), (i64, u32)>;

/// The comparison under way.
pub struct Comparison<'a> {
    surveyed: &'a Surveyed,
    entities: &'a Entities,
    pairs: Vec<Pair>,
    /// The part of the larger figure by which the two may differ.
    tolerance: f64,
}

impl<'a> Comparison<'a> {
    /// A comparison of all scopes that should agree; `None` if there are none.
    pub fn new(surveyed: &'a Surveyed, entities: &'a Entities, tolerance: f64) -> Option<Self> {
        let mut pairs = Vec::new();
        for (said, a) in surveyed.scopes.iter().enumerate().filter(|(_, scope)| scope.has_streams) {
            for (ours, b) in surveyed.scopes.iter().enumerate().filter(|(_, scope)| scope.has_streams) {
                let check = if a.region != b.region {
                    continue;
                } else if a.source() == b.source() && a.period == 7 && b.period == 1 {
                    Check::WeeklySum
                } else if a.basis == Basis::Counter && b.basis == Basis::Chart && a.period == b.period {
                    Check::Basis
                } else {
                    continue;
                };
                let (said_sums, our_sums) = Default::default();
                pairs.push(Pair { check, said, ours, said_sums, our_sums });
            }
        }
        (!pairs.is_empty()).then_some(Self { surveyed, entities, pairs, tolerance })
    }

    /// Whether a chart has a scope to compare.
    pub fn wants(&self, chart: &str) -> bool {
        let of = |scope: usize| self.surveyed.scopes[scope].chart == chart;
        self.pairs.iter().any(|pair| of(pair.said) || of(pair.ours))
    }

    /// Adds a month of one chart, sorted by region.
    pub fn month(&mut self, chart: &str, rows: &[Observation]) {
        for slice in rows.chunk_by(|a, b| a.region == b.region) {
            let Some(scope) = self.surveyed.scope_of(chart, slice[0].region) else { continue };
            for pair in self.pairs.iter_mut().filter(|pair| pair.said == scope || pair.ours == scope) {
                let said = &self.surveyed.calendars[pair.said];
                let ours = &self.surveyed.calendars[pair.ours];
                let sums = if pair.said == scope { &mut pair.said_sums } else { &mut pair.our_sums };
                for date in slice.chunk_by(|a, b| a.day == b.day) {
                    let day = date[0].day;
                    let dated = if pair.said == scope { day } else { dated(said, day) };
                    if !is_live(said, dated) || !(dated_from(said, dated).all(|day| is_live(ours, day))) {
                        continue;
                    }
                    let mut songs: Vec<(u32, i64)> = date
                        .iter()
                        .filter(|row| row.streams != NO_STREAMS)
                        .map(|row| (self.entities.song_of[row.listing as usize], row.streams))
                        .collect();
                    songs.sort_unstable();
                    for song in songs.chunk_by(|a, b| a.0 == b.0) {
                        let sum = sums.entry((song[0].0, dated)).or_default();
                        sum.0 = song.iter().fold(sum.0, |sum, (_, streams)| sum.saturating_add(*streams));
                        sum.1 += 1;
                    }
                }
            }
        }
    }

    /// How the comparisons went, and those that did not agree.
    pub fn finish(self) -> (Vec<(u32, [Score; Check::ALL.len()])>, Vec<Finding>) {
        let (mut scores, mut differences) = (Vec::new(), Vec::new());
        for pair in self.pairs {
            let mut findings = Findings::default();
            let days = dated_from(&self.surveyed.calendars[pair.said], Day(u16::MAX)).count() as u32;
            for (&(song, day), &(said, _)) in &pair.said_sums {
                let ours = pair.our_sums.get(&(song, day));
                let Some(&(ours, _)) = ours.filter(|(_, dates)| *dates == days) else {
                    // A week that was on the chart in part says less than the seven days.
                    if pair.check == Check::WeeklySum {
                        findings.undecided(pair.check);
                    }
                    continue;
                };
                let finding = Finding {
                    check: pair.check,
                    scope: pair.said as u32,
                    day,
                    kind: EntityKind::Song,
                    entity: song,
                    reported: said,
                    computed: ours,
                };
                let off = (said as f64 - ours as f64).abs();
                findings.compare(finding, off <= self.tolerance * said.max(ours) as f64);
            }
            scores.push((pair.said as u32, findings.scores));
            differences.extend(findings.differences);
        }
        (scores, differences)
    }
}

/// The date under which the checked scope has a day: itself, or the Thursday of its week.
fn dated(calendar: &Calendar, day: Day) -> Day {
    match calendar.step {
        // 1970-01-01 was a Thursday.
        7 => Day(day.0.div_ceil(7).saturating_mul(7)),
        _ => day,
    }
}

/// The days that the checked scope puts under a date.
fn dated_from(calendar: &Calendar, date: Day) -> impl Iterator<Item = Day> {
    let from = calendar.period_from(date);
    (0..=date.since(from)).map(move |days| from.plus(days))
}

fn is_live(calendar: &Calendar, day: Day) -> bool {
    calendar.due.get(calendar.index(day)).is_some_and(|due| due.day == day && due.state.is_live())
}
