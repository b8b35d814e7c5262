//! What is added up: what each row adds, since when, and what a chart may have hidden.

use std::collections::BTreeMap;

use serde_json::json;

use super::book::Book;
use super::days::{Day, calendar, window};
use super::ledger::{Scope, Seen};
use super::{Row, row};
use crate::world::Tally;

/// A row and what it adds to a window.
#[derive(Clone, Copy)]
pub struct Added<'s> {
    pub seen: &'s Seen,
    pub streams: i128,
    /// What a counter had before the first sighting of the track.
    pub opening: i128,
}

/// All that counts for an entity in one window of a scope.
#[derive(Clone)]
pub struct Count<'s> {
    pub id: String,
    pub window: String,
    pub start: Day,
    pub start_basis: &'static str,
    /// In the order of their dates.
    pub rows: Vec<Added<'s>>,
}

impl Count<'_> {
    pub fn first(&self) -> Day {
        self.rows[0].seen.date
    }

    /// What a counter had before the entity's first sighting.
    pub fn opening(&self) -> i128 {
        let first = self.rows.iter().filter(|added| added.seen.date == self.first());
        first.map(|added| added.opening).sum()
    }

    /// What a row adds on its date. A track that opens later than the entity adds its opening.
    pub fn adds(&self, added: &Added) -> i128 {
        added.streams + if added.seen.date == self.first() { 0 } else { added.opening }
    }

    pub fn by_date(&self) -> BTreeMap<Day, i128> {
        let mut by_date = BTreeMap::new();
        for added in &self.rows {
            *by_date.entry(added.seen.date).or_default() += self.adds(added);
        }
        by_date
    }

    /// The running sum.
    pub fn sum(&self, to: Day) -> i128 {
        let added = self.rows.iter().filter(|added| added.seen.date <= to);
        self.opening() + added.map(|added| self.adds(added)).sum::<i128>()
    }

    /// The first date with a sum at or over a threshold; none if the opening was there already.
    pub fn reached(&self, threshold: i128) -> Option<Day> {
        let mut dates = self.rows.iter().map(|added| added.seen.date);
        dates.find(|date| self.opening() < threshold && self.sum(*date) >= threshold)
    }

    /// The same of one of its tracks.
    pub fn only(&self, track: &str) -> Self {
        let rows = self.rows.iter().copied().filter(|added| added.seen.track == track).collect();
        Self { rows, ..self.clone() }
    }
}

pub fn basis(scope: &Scope) -> &'static str {
    if scope.0.starts_with("kworb:") { "counter" } else { "chart" }
}

/// Days of a chart period.
pub fn period(chart: &str) -> i64 {
    if chart.ends_with(":weekly") { 7 } else { 1 }
}

/// The dates on which a chart of this scope is due.
pub fn due(scope: &Scope, from: Day, to: Day) -> impl Iterator<Item = Day> + use<> {
    let weekly = period(&scope.0) == 7;
    (from..=to).filter(move |date| !weekly || date.rem_euclid(7) == 0)
}

/// Whether a tally, record or the like is about a scope.
pub fn about(charts: &[String], regions: &[String], scope: &Scope) -> bool {
    let has = |only: &[String], name: &String| only.is_empty() || only.contains(name);
    has(charts, &scope.0) && has(regions, &scope.1)
}

impl Book<'_> {
    /// What every row of a scope adds on a clock, up to a date. The rows of a chart add their
    /// streams; those of a counter what its total has grown since the last sighting in the window.
    fn added(&self, scope: &Scope, clock: &str, until: Day) -> Vec<Added<'_>> {
        let live = self.live(scope);
        let rows: Vec<&Seen> = live.into_values().flatten().filter(|seen| seen.date <= until).collect();
        let added = rows.iter().map(|seen| {
            let bare = Added { seen, streams: seen.streams, opening: 0 };
            if basis(scope) == "chart" {
                return bare;
            }
            let same_window = |other: &&&Seen| window(clock, other.date) == window(clock, seen.date);
            let before = rows.iter().filter(|other| other.track == seen.track && other.date < seen.date);
            match (before.filter(same_window).max_by_key(|other| other.date), seen.total) {
                (Some(before), Some(total)) => {
                    let streams = before.total.map_or(seen.streams, |before| total - before);
                    Added { streams, ..bare }
                }
                (None, Some(total)) if matches!(clock, "all_time" | "release") => {
                    Added { opening: (total - seen.streams).max(0), ..bare }
                }
                _ => bare,
            }
        });
        added.collect()
    }

    /// What a tally counts in a scope up to a date, for each entity and window.
    pub fn counts(&self, tally: &Tally, scope: &Scope, until: Day) -> Vec<Count<'_>> {
        if !about(&tally.charts, &tally.regions, scope) {
            return Vec::new();
        }
        let mut sighted: BTreeMap<String, Day> = BTreeMap::new();
        let mut rows: BTreeMap<(String, String), Vec<Added>> = BTreeMap::new();
        for added in self.added(scope, tally.clock, until) {
            for id in self.entities(tally.kind(), tally.credit, added.seen) {
                sighted.entry(id.clone()).or_insert(added.seen.date);
                rows.entry((id, window(tally.clock, added.seen.date))).or_default().push(added);
            }
        }
        rows.retain(|(id, _), _| self.in_cohort(tally.cohort.as_ref(), tally.kind(), id));
        let counts = rows.into_iter().map(|((id, window), rows)| {
            let (start, start_basis) = self.start(tally, scope, &id, &window, sighted[&id]);
            Count { id, window, start, start_basis, rows }
        });
        counts.collect()
    }

    /// `start_on` and `start_basis`; `sighted` is when the entity first charted in the scope.
    fn start(
        &self,
        tally: &Tally,
        scope: &Scope,
        id: &str,
        window: &str,
        sighted: Day,
    ) -> (Day, &'static str) {
        match tally.clock {
            "all_time" => (self.first_and_last(scope).0, "first_export"),
            "first_charted" => (sighted, "first_charted"),
            "release" => match self.released(tally.kind(), id) {
                None => (sighted, "first_charted"),
                Some(day) if day > sighted => (sighted, "conflict"),
                Some(day) => (day, "release"),
            },
            _ => (calendar(window).0, "calendar"),
        }
    }

    /// The most that an entity can have had on a date without being listed for it: the streams of the
    /// last row, for each of its tracks that is not listed. `None` if nothing is known of the date.
    pub fn hidden(&self, kind: &str, id: &str, scope: &Scope, date: Day) -> Option<i128> {
        let slice = *self.live(scope).get(&date)?;
        let tracks = self.tracks_in_source(kind, id, scope);
        let days = (date - period(&scope.0) + 1, date);
        let absent = tracks
            .into_iter()
            .filter(|track| !slice.iter().any(|seen| seen.track == **track) && self.could_play(track, days));
        Some(cut_off(slice) * absent.count() as i128)
    }

    /// The columns that say what is counted.
    pub fn identity(&self, tally: &Tally, scope: &Scope, id: &str, window: &str) -> Row {
        let (entity, artists) = self.names(tally.kind(), id);
        row(json!({
            "tally": tally.name, "chart": scope.0, "region": scope.1, "basis": basis(scope),
            "entity_kind": tally.kind(), "entity_id": id, "entity": entity, "artists": artists,
            "credit": if tally.entity == "artist" { tally.credit } else { "all" },
            "song_rule": tally.rule(), "clock": tally.clock, "window": window,
        }))
    }
}

/// The streams of the last listed row.
pub fn cut_off(slice: &[Seen]) -> i128 {
    let last = slice.iter().min_by_key(|seen| (std::cmp::Reverse(seen.rank), seen.streams));
    last.expect("a row").streams
}
