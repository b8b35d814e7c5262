//! The tables `chart_runs` and `coverage`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::book::Book;
use super::count::{cut_off, due};
use super::days::{Day, iso, parse_day};
use super::ledger::{Scope, Seen};
use super::{Row, int, row};

impl Book<'_> {
    pub fn chart_runs(&self, scope: &Scope) -> Vec<Row> {
        let live = self.live(scope);
        let rows = || live.values().copied().flatten();
        let mut runs = Vec::new();
        for song in rows().map(|seen| self.song(seen)).collect::<BTreeSet<_>>() {
            let own: Vec<&Seen> = rows().filter(|seen| self.song(seen) == song).collect();
            let (mut ranks, mut streams) = (BTreeMap::<Day, i64>::new(), BTreeMap::<Day, i128>::new());
            for seen in &own {
                let rank = ranks.entry(seen.date).or_insert(seen.rank);
                *rank = seen.rank.min(*rank);
                *streams.entry(seen.date).or_default() += seen.streams;
            }
            let peak = *ranks.values().min().expect("a row");
            let at_peak = || ranks.iter().filter(|(_, rank)| **rank == peak);
            // From one date that counts to the next: what is missing between them breaks nothing.
            let (mut streak, mut longest) = (0, 0);
            for date in live.keys() {
                streak = if ranks.contains_key(date) { streak + 1 } else { 0 };
                longest = longest.max(streak);
            }
            let (mut spell, mut spells, mut longest_spell) = (0, 0, 0);
            for date in live.keys() {
                spell = if ranks.get(date) == Some(&1) { spell + 1 } else { 0 };
                spells += i64::from(spell == 1);
                longest_spell = longest_spell.max(spell);
            }
            let last_on = *ranks.keys().next_back().expect("a row");
            let last = || own.iter().filter(|seen| seen.date == last_on);
            let reported_peak = last().filter_map(|seen| seen.peak).min();
            let reported_appearances = last().filter_map(|seen| seen.appearances).max();
            let reported = reported_peak.zip(reported_appearances);
            let best = streams.iter().min_by_key(|(day, streams)| (Reverse(**streams), **day));
            let (best_on, best) = best.expect("a row");
            let (entity, artists) = self.names("song", song);
            runs.push(row(json!({
                "chart": scope.0, "region": scope.1, "song_id": song, "entity": entity,
                "artists": artists, "first_on": ranks.keys().next().map(|day| iso(*day)),
                "last_on": iso(last_on), "appearances": ranks.len(), "peak_rank": peak,
                "peak_on": at_peak().next().map(|(day, _)| iso(*day)),
                "times_at_peak": at_peak().count(),
                "top10": ranks.values().filter(|rank| **rank <= 10).count(),
                "at_one": ranks.values().filter(|rank| **rank == 1).count(),
                "spells_at_one": spells, "longest_spell_at_one": longest_spell,
                "longest_streak": longest, "current_streak": streak,
                "streams": int(streams.values().sum()), "peak_streams": int(*best),
                "peak_streams_on": iso(*best_on), "reported_peak": reported_peak,
                "reported_appearances": reported_appearances,
                "agrees": reported.map(|reported| reported == (peak, ranks.len() as i64)),
            })));
        }
        runs
    }

    pub fn coverage(&self, scope: &Scope) -> Vec<Row> {
        let slices = &self.scopes[scope];
        let sizes: Vec<usize> = self.live(scope).values().map(|slice| slice.len()).collect();
        let usual =
            sizes.iter().max_by_key(|size| (sizes.iter().filter(|other| other == size).count(), **size));
        let usual = *usual.expect("the first slice is never stale");
        let state = |date: Day| {
            let Some(slice) = slices.get(&date) else { return "missing" };
            let ranks: BTreeSet<i64> = slice.iter().map(|seen| seen.rank).collect();
            if self.is_stale(scope, date) {
                "stale"
            } else if self.conflicts.contains(&(scope.clone(), date)) {
                "conflict"
            } else if ranks.last() != Some(&(ranks.len() as i64)) {
                "rank_gap"
            } else if slice.len() < usual {
                "short"
            } else {
                "observed"
            }
        };
        let (mut first, mut last) = self.first_and_last(scope);
        let day = |date: &Option<String>| date.as_ref().map(|date| parse_day(date).expect("a date"));
        first = day(&self.world.coverage.from).map_or(first, |from| from.min(first));
        last = day(&self.world.coverage.until).map_or(last, |until| until.max(last));
        let coverage = due(scope, first, last).map(|date| {
            let known = slices.get(&date).filter(|_| !self.is_stale(scope, date));
            row(json!({
                "chart": scope.0, "region": scope.1, "date": iso(date), "state": state(date),
                "rows": slices.get(&date).map_or(0, Vec::len),
                "cutoff": known.map(|slice| int(cut_off(slice))),
            }))
        });
        coverage.collect()
    }

    /// Whether the share of a scope's dates that count is below `min_coverage`.
    pub fn too_little(&self, scope: &Scope) -> bool {
        let coverage = self.coverage(scope);
        let counts = |row: &&Row| !matches!(row["state"].as_str(), Some("missing" | "stale"));
        let known = coverage.iter().filter(counts).count();
        self.world.coverage.least.is_some_and(|least| known as i64 * 100 < least * coverage.len() as i64)
    }
}
