//! The tables `checks` and `reconciliation`: what the exports say, beside what we count.

use std::collections::BTreeMap;

use serde_json::json;

use super::book::Book;
use super::count::{basis, due, period};
use super::days::{Day, iso, number};
use super::ledger::{Scope, Seen};
use super::{Row, int, row};

/// One comparison.
struct Comparison {
    check: &'static str,
    scope: Scope,
    date: Day,
    entity_kind: &'static str,
    entity_id: String,
    reported: i128,
    computed: i128,
    verdict: Verdict,
}

/// What is known of a track or a song in a scope before a date.
#[derive(Clone, Default)]
struct Past {
    /// The best rank: ours, or that of a report that we could not decide.
    best: Option<i64>,
    sightings: BTreeMap<Day, Sighting>,
}

/// Its best rank and the largest number of appearances that was reported.
#[derive(Clone, Copy)]
struct Sighting {
    rank: i64,
    number: Option<i64>,
}

impl Past {
    fn learn(&mut self, rank: i64) {
        self.best = Some(self.best.map_or(rank, |best| best.min(rank)));
    }

    fn see(&mut self, seen: &Seen) {
        self.learn(seen.rank);
        let sighting = Sighting { rank: seen.rank, number: None };
        let sighting = self.sightings.entry(seen.date).or_insert(sighting);
        sighting.rank = sighting.rank.min(seen.rank);
        sighting.number = sighting.number.max(seen.appearances);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Agrees,
    Differs,
    Undecided,
}

fn same(agrees: bool) -> Verdict {
    if agrees { Verdict::Agrees } else { Verdict::Differs }
}

impl Book<'_> {
    /// Both tables.
    pub fn checks(&self) -> (Vec<Row>, Vec<Row>) {
        let mut comparisons = Vec::new();
        for scope in self.scopes.keys() {
            comparisons.extend(self.reports(scope));
            comparisons.extend(self.sums(scope));
            comparisons.extend(self.releases(scope));
            comparisons.extend(self.uri_dates(scope));
        }
        let mut counts: BTreeMap<(&str, &Scope), [i64; 4]> = BTreeMap::new();
        for comparison in &comparisons {
            let count = counts.entry((comparison.check, &comparison.scope)).or_default();
            count[0] += 1;
            count[1 + comparison.verdict as usize] += 1;
        }
        let checks = counts.into_iter().map(|((check, scope), [compared, agreed, differed, undecided])| {
            row(json!({
                "check": check, "chart": scope.0, "region": scope.1, "compared": compared,
                "agreed": agreed, "differed": differed, "undecided": undecided,
            }))
        });
        let differing = comparisons.iter().filter(|comparison| comparison.verdict == Verdict::Differs);
        let differing = differing.map(|comparison| {
            let Comparison { check, scope, date, entity_kind, entity_id, reported, computed, .. } =
                comparison;
            let (entity, artists) = self.names(entity_kind, entity_id);
            row(json!({
                "check": check, "chart": scope.0, "region": scope.1, "date": iso(*date),
                "entity_kind": entity_kind, "entity_id": entity_id, "entity": entity, "artists": artists,
                "reported": int(*reported), "computed": int(*computed),
                "difference": int(reported - computed),
            }))
        });
        (checks.collect(), differing.collect())
    }

    /// What every row reports of its track's past. Of a track listed twice on a date, the better row.
    ///
    /// Some sources count by URI and some by recording, so a report that is right of the track or of
    /// its song is right.
    fn reports(&self, scope: &Scope) -> Vec<Comparison> {
        let live = self.live(scope);
        let mut dates: BTreeMap<Day, BTreeMap<&String, &Seen>> = BTreeMap::new();
        for seen in self.live_rows(scope) {
            let kept = dates.entry(seen.date).or_default().entry(&seen.track).or_insert(seen);
            if seen.rank < kept.rank {
                *kept = seen;
            }
        }
        let mut comparisons = Vec::new();
        let (mut tracks, mut songs) = (BTreeMap::<&String, Past>::new(), BTreeMap::<&String, Past>::new());
        for (&date, rows) in &dates {
            let (yesterday, mut undecided) = (date - period(&scope.0), Vec::new());
            let seen_all = |past: &Past| {
                let since = past.sightings.keys().next_back().map(|before| *before + 1);
                since.is_some_and(|since| due(scope, since, date).all(|day| live.contains_key(&day)))
            };
            for (track, seen) in rows {
                let song = self.song(seen);
                let both =
                    [tracks.entry(*track).or_default().clone(), songs.entry(song).or_default().clone()];
                // Our best rank includes today's, of a song that of all its tracks.
                let of_song = rows.values().filter(|other| self.song(other) == song).map(|other| other.rank);
                let best_today = [seen.rank, of_song.min().expect("itself")];
                let mut compare = |check, reported: i64, verdicts: [(Verdict, i64); 2]| {
                    let is = |wanted: Verdict| verdicts.iter().any(|(verdict, _)| *verdict == wanted);
                    let verdict = match (is(Verdict::Agrees), is(Verdict::Undecided)) {
                        (true, _) => Verdict::Agrees,
                        (_, true) => Verdict::Undecided,
                        _ => Verdict::Differs,
                    };
                    comparisons.push(Comparison {
                        check,
                        scope: scope.clone(),
                        date,
                        entity_kind: "track",
                        entity_id: (*track).clone(),
                        reported: reported.into(),
                        computed: verdicts[1].1.into(),
                        verdict,
                    });
                    verdict
                };
                if let Some(peak) = seen.peak {
                    let verdicts = [0, 1].map(|i| {
                        let computed = both[i].best.unwrap_or(i64::MAX).min(best_today[i]);
                        let verdict = match peak == computed {
                            false if peak < computed && !seen_all(&both[i]) => Verdict::Undecided,
                            agrees => same(agrees),
                        };
                        (verdict, computed)
                    });
                    if compare("peak_rank", peak, verdicts) == Verdict::Undecided {
                        undecided.push((*track, song, peak));
                    }
                }
                if let Some(appearances) = seen.appearances {
                    let verdicts = both.clone().map(|past| {
                        let number = match past.sightings.values().next_back() {
                            None => Some(1),
                            Some(sighting) => sighting.number.map(|number| number + 1),
                        };
                        let verdict = match number {
                            None => Verdict::Undecided,
                            Some(number) if number != appearances && !seen_all(&past) => Verdict::Undecided,
                            Some(number) => same(number == appearances),
                        };
                        (verdict, number.unwrap_or(0))
                    });
                    compare("appearances", appearances, verdicts);
                }
                if let Some(previous) = seen.previous {
                    let verdicts = both.clone().map(|past| {
                        let rank = past.sightings.get(&yesterday).map_or(0, |sighting| sighting.rank);
                        let known = live.contains_key(&yesterday);
                        (if known { same(previous.max(0) == rank) } else { Verdict::Undecided }, rank)
                    });
                    compare("previous_rank", previous.max(0), verdicts);
                }
            }
            for (track, seen) in rows {
                for past in [tracks.entry(*track), songs.entry(self.song(seen))] {
                    past.or_default().see(seen);
                }
            }
            for (track, song, peak) in undecided {
                for past in [tracks.entry(track), songs.entry(song)] {
                    past.or_default().learn(peak);
                }
            }
        }
        comparisons.extend(self.counters(scope));
        comparisons
    }

    /// The totals of a counter beside its days, and those that fall.
    fn counters(&self, scope: &Scope) -> Vec<Comparison> {
        let mut comparisons = Vec::new();
        let mut before: BTreeMap<&String, &Seen> = BTreeMap::new();
        for seen in self.live_rows(scope) {
            let last = before.insert(&seen.track, seen);
            let Some((day, old, new)) = last.and_then(|last| Some((last.date, last.total?, seen.total?)))
            else {
                continue;
            };
            let mut compare = |check, reported, computed, agrees| {
                comparisons.push(Comparison {
                    check,
                    scope: scope.clone(),
                    date: seen.date,
                    entity_kind: "track",
                    entity_id: seen.track.clone(),
                    reported,
                    computed,
                    verdict: same(agrees),
                });
            };
            if day == seen.date - 1 {
                compare("counter_step", new - old, seen.streams, new - old == seen.streams);
            }
            compare("counter_fall", new, old, new >= old);
        }
        comparisons
    }

    /// Streams of a scope by song and date.
    fn by_song(&self, scope: &Scope) -> BTreeMap<(&String, Day), i128> {
        let mut sums = BTreeMap::new();
        for seen in self.live_rows(scope) {
            *sums.entry((self.song(seen), seen.date)).or_default() += seen.streams;
        }
        sums
    }

    /// A weekly chart beside its dailies, a counter's days beside those of the chart.
    fn sums(&self, scope: &Scope) -> Vec<Comparison> {
        let mut comparisons = Vec::new();
        let mut compare = |check, song: &String, date, reported, computed, verdict: Option<Verdict>| {
            // Thousandths of the larger figure.
            let tolerance: i128 = self.world.tolerance.unwrap_or(10).into();
            let (reported, computed): (i128, i128) = (reported, computed);
            let close = (reported - computed).abs() * 1000 <= tolerance * reported.max(computed);
            comparisons.push(Comparison {
                check,
                scope: scope.clone(),
                date,
                entity_kind: "song",
                entity_id: song.clone(),
                reported,
                computed,
                verdict: verdict.unwrap_or(same(close)),
            });
        };
        for other in self.scopes.keys().filter(|other| other.1 == scope.1 && period(&other.0) == 1) {
            let source = |scope: &Scope| scope.0.split(':').next().unwrap_or_default().to_owned();
            let days = self.by_song(other);
            if period(&scope.0) == 7 && source(other) == source(scope) {
                let live = self.live(other);
                for ((song, date), streams) in self.by_song(scope) {
                    if !(date - 6..=date).all(|day| live.contains_key(&day)) {
                        continue;
                    }
                    let week: Vec<i128> =
                        (date - 6..=date).filter_map(|day| days.get(&(song, day)).copied()).collect();
                    let undecided = Some(Verdict::Undecided).filter(|_| week.len() < 7);
                    compare("weekly_sum", song, date, streams, week.iter().sum(), undecided);
                }
            }
            if basis(scope) == "counter" && basis(other) == "chart" {
                for ((song, date), streams) in self.by_song(scope) {
                    if let Some(charted) = days.get(&(song, date)) {
                        compare("basis", song, date, streams, *charted, None);
                    }
                }
            }
        }
        comparisons
    }

    /// The catalog's release dates beside the first sightings.
    fn releases(&self, scope: &Scope) -> Vec<Comparison> {
        let mut sighted: BTreeMap<&String, Day> = BTreeMap::new();
        for seen in self.live_rows(scope) {
            sighted.entry(self.song(seen)).or_insert(seen.date);
        }
        let dated = sighted.into_iter().filter_map(|(song, date)| {
            let released = self.released("song", song)?;
            Some(Comparison {
                check: "release_date",
                scope: scope.clone(),
                date,
                entity_kind: "song",
                entity_id: song.clone(),
                reported: number(released).into(),
                computed: number(date).into(),
                verdict: same(released <= date),
            })
        });
        dated.collect()
    }

    /// The days on which tracks are listed beside the dates that the catalog gives their URIs.
    fn uri_dates(&self, scope: &Scope) -> Vec<Comparison> {
        let mut comparisons = Vec::new();
        for seen in self.live_rows(scope) {
            let Some((from, until)) = self.dates_of(&seen.track) else { continue };
            let early = from.filter(|from| seen.date < *from);
            let late = until.filter(|until| seen.date > *until);
            comparisons.push(Comparison {
                check: "uri_dates",
                scope: scope.clone(),
                date: seen.date,
                entity_kind: "track",
                entity_id: seen.track.clone(),
                reported: number(early.or(late).unwrap_or(seen.date)).into(),
                computed: number(seen.date).into(),
                verdict: same(early.or(late).is_none()),
            });
        }
        comparisons
    }
}
