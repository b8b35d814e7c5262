//! Scopes that should agree, held against each other and never added: a week and its seven days, a
//! counter's day and the chart's.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

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
    state: PairState,
}

/// All of a pair that the next month needs.
#[derive(Default, Serialize, Deserialize)]
struct PairState {
    said_sums: Sums,
    our_sums: Sums,
    findings: Findings,
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

/// All of a comparison that the next month needs: each pair by its check, chart, chart and region.
#[derive(Serialize, Deserialize)]
pub struct ComparisonState(Vec<(PairName, Vec<u8>)>);

/// The check, the two charts, the region.
type PairName = (Check, String, String, String);

impl<'a> Comparison<'a> {
    /// A comparison of all scopes that should agree; of none without a tolerance.
    pub fn new(surveyed: &'a Surveyed, entities: &'a Entities, tolerance: Option<f64>) -> Self {
        let mut pairs = Vec::new();
        let scopes = || surveyed.scopes.iter().enumerate().filter(|(_, scope)| scope.has_streams);
        for (said, a) in scopes().filter(|_| tolerance.is_some()) {
            for (ours, b) in scopes() {
                let check = if a.region != b.region {
                    continue;
                } else if a.source() == b.source() && a.period == 7 && b.period == 1 {
                    Check::WeeklySum
                } else if a.basis == Basis::Counter && b.basis == Basis::Chart && a.period == b.period {
                    Check::Basis
                } else {
                    continue;
                };
                pairs.push(Pair { check, said, ours, state: PairState::default() });
            }
        }
        Self { surveyed, entities, pairs, tolerance: tolerance.unwrap_or_default() }
    }

    /// What the next month would go on from.
    pub fn state(&self) -> Option<ComparisonState> {
        let pairs = self.pairs.iter();
        let saved = pairs.map(|pair| Some((self.name(pair), postcard::to_stdvec(&pair.state).ok()?)));
        saved.collect::<Option<_>>().map(ComparisonState)
    }

    /// Goes on from `state`; `None` if that was of other scopes.
    pub fn resume(mut self, state: &ComparisonState) -> Option<Self> {
        let names: Vec<_> = self.pairs.iter().map(|pair| self.name(pair)).collect();
        if !names.iter().eq(state.0.iter().map(|(name, _)| name)) {
            return None;
        }
        for (pair, (_, saved)) in self.pairs.iter_mut().zip(&state.0) {
            pair.state = postcard::from_bytes(saved).ok()?;
            pair.state.findings.differences.iter_mut().for_each(|finding| finding.scope = pair.said as u32);
        }
        Some(self)
    }

    fn name(&self, pair: &Pair) -> PairName {
        let [said, ours] = [pair.said, pair.ours].map(|scope| &self.surveyed.scopes[scope]);
        (pair.check, said.chart.clone(), ours.chart.clone(), said.region.clone())
    }

    /// Adds a month of one chart, sorted by region. Months come in order.
    pub fn month(&mut self, chart: &str, rows: &[Observation]) {
        if self.pairs.is_empty() {
            return;
        }
        for slice in rows.chunk_by(|a, b| a.region == b.region) {
            let Some(scope) = self.surveyed.scope_of(chart, slice[0].region) else { continue };
            for pair in self.pairs.iter_mut().filter(|pair| pair.said == scope || pair.ours == scope) {
                let said = &self.surveyed.calendars[pair.said];
                let state = &mut pair.state;
                let sums = if pair.said == scope { &mut state.said_sums } else { &mut state.our_sums };
                for date in slice.chunk_by(|a, b| a.day == b.day) {
                    let day = date[0].day;
                    let dated = if pair.said == scope { day } else { dated(said, day) };
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

    /// Compares the dates before `day`, of which every month has been added.
    pub fn settle(&mut self, day: Day) {
        for Pair { check, said: scope, ours, state } in &mut self.pairs {
            let PairState { said_sums, our_sums, findings } = state;
            let (said, ours) = (&self.surveyed.calendars[*scope], &self.surveyed.calendars[*ours]);
            let days = dated_from(said, Day(u16::MAX)).count() as u32;
            for ((song, date), (said_sum, _)) in said_sums.extract_if(|(_, date), _| *date < day) {
                let our_sum = our_sums.get(&(song, date));
                if !is_live(said, date) || !dated_from(said, date).all(|day| is_live(ours, day)) {
                    continue;
                }
                let Some(&(our_sum, _)) = our_sum.filter(|(_, dates)| *dates == days) else {
                    // A week that was on the chart in part says less than the seven days.
                    if *check == Check::WeeklySum {
                        findings.undecided(*check);
                    }
                    continue;
                };
                let finding = Finding {
                    check: *check,
                    scope: *scope as u32,
                    day: date,
                    kind: EntityKind::Song,
                    entity: song,
                    reported: said_sum,
                    computed: our_sum,
                };
                let off = (said_sum as f64 - our_sum as f64).abs();
                findings.compare(finding, off <= self.tolerance * said_sum.max(our_sum) as f64);
            }
            our_sums.retain(|(_, date), _| *date >= day);
        }
    }

    /// How the comparisons went, and those that did not agree.
    pub fn finish(mut self) -> (Vec<(u32, [Score; Check::ALL.len()])>, Vec<Finding>) {
        self.settle(Day(u16::MAX));
        let (mut scores, mut differences) = (Vec::new(), Vec::new());
        for Pair { said, state, .. } in self.pairs {
            scores.push((said as u32, state.findings.scores));
            differences.extend(state.findings.differences);
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
