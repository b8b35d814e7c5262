//! The tables `milestones`, `totals` and `merges`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::book::Book;
use super::count::{Added, Count, basis, due, period};
use super::days::{Day, calendar, iso};
use super::ledger::Scope;
use super::{Row, int, row};
use crate::world::Tally;

/// A threshold reached.
pub struct Milestone<'s> {
    pub count: Count<'s>,
    pub threshold: i64,
    pub reached: Day,
    pub from: Day,
    pub earliest: Option<Day>,
    pub certainty: &'static str,
    pub by_merge: Option<bool>,
}

impl Milestone<'_> {
    pub fn days(&self) -> i64 {
        self.reached - self.count.start
    }

    fn before(&self) -> i128 {
        self.count.sum(self.reached - 1)
    }

    fn on_date(&self) -> i128 {
        self.count.by_date()[&self.reached]
    }

    /// The first day from `from` on by which enough was there, had every day the same share.
    fn estimated(&self) -> Option<Day> {
        let days = i128::from(self.reached - self.from + 1);
        let enough =
            |n: &i128| (self.before() * days + self.on_date() * n) >= i128::from(self.threshold) * days;
        (1..=days).find(enough).filter(|_| days > 1).map(|n| self.from + int(n) - 1)
    }
}

impl Book<'_> {
    pub fn milestones(&self, tally: &Tally, scope: &Scope, until: Day) -> Vec<Milestone<'_>> {
        let mut milestones = Vec::new();
        for count in self.counts(tally, scope, until) {
            for &threshold in &tally.thresholds {
                let Some(reached) = count.reached(threshold.into()) else { continue };
                let (from, earliest, certainty) = match basis(scope) {
                    "chart" => self.charted(tally, scope, &count, reached, threshold.into()),
                    _ => self.read_off(tally, scope, &count, reached),
                };
                let alone = |track: &str| {
                    let track = count.only(track);
                    let opened = track.first() <= reached && track.opening() >= i128::from(threshold);
                    opened || track.reached(threshold.into()).is_some_and(|date| date <= reached)
                };
                let mergeable = matches!(tally.kind(), "song" | "work");
                let by_merge = mergeable.then(|| !tracks(&count).into_iter().any(alone));
                let count = count.clone();
                milestones.push(Milestone { count, threshold, reached, from, earliest, certainty, by_merge });
            }
        }
        milestones
    }

    /// `reached_from`, `earliest_on` and `certainty` on a chart: an absence is at most the last
    /// listed row's streams, and of a date without an export nothing is known.
    fn charted(
        &self,
        tally: &Tally,
        scope: &Scope,
        count: &Count,
        reached: Day,
        threshold: i128,
    ) -> (Day, Option<Day>, &'static str) {
        let from = reached - period(&scope.0) + 1;
        if tally.kind() == "artist" {
            return (from, None, "at_latest");
        }
        let by_date = count.by_date();
        let (mut sum, mut earliest, mut unknown) = (0, None, false);
        for date in due(scope, count.start, reached) {
            match self.hidden(tally.kind(), &count.id, scope, date) {
                Some(hidden) => sum += hidden + by_date.get(&date).copied().unwrap_or(0),
                None => unknown = true,
            }
            if earliest.is_none() && (unknown || sum >= threshold) {
                earliest = Some(date);
            }
        }
        match (earliest == Some(reached), unknown) {
            (true, _) => (from, earliest, "certain"),
            (false, false) => (from, earliest, "bounded"),
            (false, true) => (from, earliest, "at_latest"),
        }
    }

    /// The same of a counter: since the entity's last sighting. Where the date is only the latest
    /// possible one, there is no interval.
    fn read_off(
        &self,
        tally: &Tally,
        scope: &Scope,
        count: &Count,
        reached: Day,
    ) -> (Day, Option<Day>, &'static str) {
        let sightings = count.rows.iter().map(|added| added.seen.date);
        let last = sightings.filter(|date| *date < reached).max();
        let from = last.map_or(reached, |date| date + 1);
        if tally.kind() == "artist" {
            return (reached, None, "at_latest");
        }
        let unknown = tally.clock.starts_with("calendar") && count.rows[0].seen.date > count.start;
        let several = self.tracks_in_source(tally.kind(), &count.id, scope).len() > 1;
        match (unknown || several, from == reached) {
            (true, _) => (reached, None, "at_latest"),
            (false, true) => (from, Some(from), "certain"),
            (false, false) => (from, Some(from), "bounded"),
        }
    }

    pub fn milestone_row(&self, tally: &Tally, scope: &Scope, milestone: &Milestone) -> Row {
        let Milestone { count, threshold, reached, from, earliest, certainty, by_merge } = milestone;
        let so_far = || count.rows.iter().filter(|added| added.seen.date <= *reached);
        let on_date = so_far().filter(|added| added.seen.date == *reached);
        let evidence = on_date.min_by_key(|added| {
            let Added { seen, .. } = added;
            (Reverse(count.adds(added)), seen.rank, &seen.export, seen.line)
        });
        let evidence = evidence.expect("a row of that date").seen;
        let songs: BTreeSet<String> = so_far().map(|added| self.counted_song(tally, added.seen)).collect();
        let mut row_of = self.identity(tally, scope, &count.id, &count.window);
        row_of.extend(row(json!({
            "threshold": threshold, "reached_on": iso(*reached), "reached_from": iso(*from),
            "earliest_on": earliest.map(iso), "estimated_on": milestone.estimated().map(iso),
            "certainty": certainty, "start_on": iso(count.start), "start_basis": count.start_basis,
            "days_elapsed": milestone.days(), "day_number": milestone.days() + 1,
            "cumulative_before": int(milestone.before()), "streams_on_date": int(milestone.on_date()),
            "cumulative": int(count.sum(*reached)), "contributing_songs": songs.len(),
            "credit_source": self.credit_source(tally.credit, so_far().map(|added| added.seen)),
            "made_by_merge": by_merge,
            "evidence_export": evidence.export, "evidence_row": evidence.line,
        })));
        row_of
    }

    /// `at_most`: the sum with every absence filled, up to the scope's last date or the window's.
    ///
    /// What a counter has grown between two sightings is known, and so is what it had before the
    /// first one on the clocks that count from there.
    pub fn at_most(&self, tally: &Tally, scope: &Scope, count: &Count) -> Option<i128> {
        if tally.kind() == "artist" {
            return None;
        }
        let (_, mut last) = self.first_and_last(scope);
        if tally.clock.starts_with("calendar") {
            last = last.min(calendar(&count.window).1);
        }
        let mut most = count.sum(Day::MAX);
        if basis(scope) == "counter" {
            let sighted = count.rows.iter().map(|added| added.seen.date).max().expect("a sighting");
            if self.read_off(tally, scope, count, Day::MAX).2 == "at_latest" {
                return None;
            }
            // Off the page the counter goes on.
            for date in due(scope, sighted + 1, last) {
                let cut_off = super::count::cut_off(self.live(scope).get(&date)?);
                let tracks = self.tracks_in_source(tally.kind(), &count.id, scope);
                let playing = tracks.iter().filter(|track| self.could_play(track, (date, date)));
                most += cut_off * playing.count() as i128;
            }
            return Some(most);
        }
        for date in due(scope, count.start, last) {
            most += self.hidden(tally.kind(), &count.id, scope, date)?;
        }
        Some(most)
    }

    pub fn totals(&self, tally: &Tally, scope: &Scope, until: Day) -> Vec<(Count<'_>, Row)> {
        let totals = self.counts(tally, scope, until).into_iter().map(|count| {
            let streams = count.sum(Day::MAX);
            // A threshold that was reached once stays so when a total falls.
            let sums = count.rows.iter().map(|added| count.sum(added.seen.date));
            let highest = sums.fold(count.opening(), i128::max);
            let next = tally.thresholds.iter().filter(|t| i128::from(**t) > highest).min();
            let rows = || count.rows.iter().map(|added| added.seen);
            let songs: BTreeSet<String> = rows().map(|seen| self.counted_song(tally, seen)).collect();
            // The streams of the day, also where a counter adds those of several.
            let mut days: BTreeMap<Day, i128> = BTreeMap::new();
            rows().for_each(|seen| *days.entry(seen.date).or_default() += seen.streams);
            let peak = days.iter().min_by_key(|(day, streams)| (Reverse(**streams), **day));
            let (peak_on, peak) = peak.expect("a row");
            let mut total = self.identity(tally, scope, &count.id, &count.window);
            total.extend(row(json!({
                "streams": int(streams), "at_most": self.at_most(tally, scope, &count).map(int),
                "first_on": days.keys().next().map(|day| iso(*day)),
                "last_on": days.keys().next_back().map(|day| iso(*day)),
                "dates_observed": days.len(), "contributing_songs": songs.len(),
                "credit_source": self.credit_source(tally.credit, rows()),
                "peak_streams": int(*peak), "peak_on": iso(*peak_on),
                "next_threshold": next, "remaining": next.map(|t| t - int(streams)),
                "start_on": iso(count.start), "start_basis": count.start_basis,
            })));
            (count, total)
        });
        totals.collect()
    }

    /// A row for every track with streams in a scope and window whose work has several.
    pub fn merges(&self, tally: &Tally, scope: &Scope) -> Vec<Row> {
        if !matches!(tally.kind(), "song" | "work") {
            return Vec::new();
        }
        let tracks_alone = Tally { entity: "track", song_rule: None, cohort: None, ..tally.clone() };
        let mut alone: BTreeMap<(String, String), i128> = BTreeMap::new();
        for count in self.counts(&tracks_alone, scope, Day::MAX) {
            alone.insert((count.window.clone(), count.id.clone()), count.sum(Day::MAX));
        }
        let milestones = self.milestones(tally, scope, Day::MAX);
        let mut rows = Vec::new();
        for count in self.counts(tally, scope, Day::MAX) {
            let here = || alone.iter().filter(|((window, _), _)| *window == count.window);
            let made = milestones.iter().filter(|other| {
                (&other.count.id, &other.count.window) == (&count.id, &count.window)
                    && other.by_merge == Some(true)
            });
            let made: Vec<i64> = made.map(|milestone| milestone.threshold).collect();
            for track in tracks(&count) {
                let song = self.song_of_track(track);
                let work = self.work_of_song(song);
                let of_song = here().filter(|((_, other), _)| self.song_of_track(other) == song);
                let of_work =
                    || here().filter(|((_, other), _)| self.work_of_song(self.song_of_track(other)) == work);
                if of_work().count() < 2 {
                    continue;
                }
                let spellings = |track: &str| -> BTreeSet<(&str, &str)> {
                    self.rows().filter(|seen| seen.track == track).map(|seen| seen.spelling()).collect()
                };
                let named = self
                    .tracks_of("song", song)
                    .into_iter()
                    .any(|other| other != track && !spellings(other).is_disjoint(&spellings(track)));
                let (title, credited) = self.names("track", track);
                let mut merge = self.identity(tally, scope, &count.id, &count.window);
                merge.extend(row(json!({
                    "uri": track, "title": title, "credited": credited, "song_id": song,
                    "streams_uri": int(alone[&(count.window.clone(), track.to_owned())]),
                    "streams_song": int(of_song.map(|(_, streams)| streams).sum()),
                    "streams_work": int(of_work().map(|(_, streams)| streams).sum()),
                    "joined_by": if named { "name" } else { "catalog" },
                    "milestones_made": made.len(), "highest_made": made.iter().max(),
                })));
                rows.push(merge);
            }
        }
        rows
    }
}

/// The tracks with rows in a count.
fn tracks<'c>(count: &'c Count) -> BTreeSet<&'c str> {
    count.rows.iter().map(|added| added.seen.track.as_str()).collect()
}
