//! The first pass: what must be known of the whole history before anything is added up.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::calendar::{Calendar, Seen};
use crate::catalog::Sightings;
use crate::dates::Day;
use crate::exports::{Listing, NO_STREAMS, NO_TOTAL};
use crate::ledger::Observation;

/// A chart of fewer rows may repeat itself by chance.
const STALE_ROWS: usize = 10;

/// What the streams of a scope are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// Filtered chart streams: a lower bound of plays.
    #[default]
    Chart,
    /// Public play counts, with a running total.
    Counter,
}

impl Basis {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chart => "chart",
            Self::Counter => "counter",
        }
    }
}

/// A chart in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `source:period`.
    pub chart: String,
    /// The region.
    pub region: String,
    /// What its streams are.
    pub basis: Basis,
    /// Whether it has streams at all.
    pub has_streams: bool,
    /// Days of one chart: 1 or 7.
    pub period: u16,
}

/// What the survey found.
#[derive(Clone, Debug, Default)]
pub struct Surveyed {
    /// By chart and region.
    pub scopes: Vec<Scope>,
    /// One for each scope.
    pub calendars: Vec<Calendar>,
    /// When each listing was first and last on any chart.
    pub sightings: Sightings,
    codes: HashMap<String, HashMap<u16, usize>>,
}

impl Surveyed {
    /// The index of a scope by its chart and the ledger's code of the region.
    pub fn scope_of(&self, chart: &str, region: u16) -> Option<usize> {
        self.codes.get(chart)?.get(&region).copied()
    }
}

/// The survey under way.
pub struct Survey {
    tracks: Vec<u32>,
    sightings: Sightings,
    scopes: BTreeMap<(String, u16), ScopeSurvey>,
}

#[derive(Default)]
struct ScopeSurvey {
    seen: Vec<Seen>,
    /// Track, rank and streams of the latest date, sorted.
    latest: Vec<(u32, u16, i64)>,
    counter: bool,
    has_streams: bool,
    sightings: HashMap<u32, (Day, Day)>,
}

impl Survey {
    /// A survey of charts that name these listings.
    pub fn new(listings: &[Listing]) -> Self {
        let mut codes: HashMap<&str, u32> = HashMap::new();
        let tracks = listings
            .iter()
            .map(|listing| {
                let next = codes.len() as u32;
                *codes.entry(&listing.uri).or_insert(next)
            })
            .collect();
        Self { tracks, sightings: vec![None; listings.len()], scopes: BTreeMap::new() }
    }

    /// Adds a month of one chart, sorted by region, date and rank. Months of a chart come in order.
    pub fn month(&mut self, chart: &str, rows: &[Observation]) {
        let tracks = &self.tracks;
        let slices: Vec<&[Observation]> = rows.chunk_by(|a, b| a.region == b.region).collect();
        let mut work: Vec<(u16, ScopeSurvey, &[Observation])> = slices
            .into_iter()
            .map(|slice| {
                let region = slice[0].region;
                let scope = self.scopes.remove(&(chart.to_owned(), region)).unwrap_or_default();
                (region, scope, slice)
            })
            .collect();
        work.par_iter_mut().for_each(|(_, scope, slice)| scope.rows(slice, tracks));
        for (region, mut scope, _) in work {
            for (listing, (first, last)) in scope.sightings.drain() {
                if let Some(seen) = self.sightings.get_mut(listing as usize) {
                    let known = seen.unwrap_or((first, last));
                    *seen = Some((known.0.min(first), known.1.max(last)));
                }
            }
            self.scopes.insert((chart.to_owned(), region), scope);
        }
    }

    /// What was found; `regions` are the names of the ledger's codes.
    pub fn finish(self, regions: &[String]) -> Surveyed {
        let mut found: Vec<((String, String), u16, ScopeSurvey)> = self
            .scopes
            .into_iter()
            .map(|((chart, region), scope)| {
                let name = regions.get(region as usize).cloned().unwrap_or_default();
                ((chart, name), region, scope)
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let mut surveyed = Surveyed { sightings: self.sightings, ..Surveyed::default() };
        for ((chart, name), region, scope) in found {
            let period = if chart.ends_with(":weekly") { 7 } else { 1 };
            surveyed.calendars.push(Calendar::new(&scope.seen, period));
            surveyed.codes.entry(chart.clone()).or_default().insert(region, surveyed.scopes.len());
            surveyed.scopes.push(Scope {
                chart,
                region: name,
                basis: if scope.counter { Basis::Counter } else { Basis::Chart },
                has_streams: scope.has_streams,
                period,
            });
        }
        surveyed
    }
}

impl ScopeSurvey {
    fn rows(&mut self, rows: &[Observation], tracks: &[u32]) {
        let mut chart: Vec<(u32, u16, i64)> = Vec::new();
        for date in rows.chunk_by(|a, b| a.day == b.day) {
            chart.clear();
            let (mut cutoff, mut rank_gap, mut before) = ((0, 0), false, 0);
            for row in date {
                chart.push((tracks[row.listing as usize], row.rank, row.streams));
                let seen = self.sightings.entry(row.listing).or_insert((row.day, row.day));
                seen.1 = row.day;
                // Rows come by rank; on tied last ranks the fewest streams are the cut-off.
                cutoff = match cutoff {
                    (rank, streams) if rank == row.rank => (rank, row.streams.min(streams)),
                    _ => (row.rank, row.streams),
                };
                rank_gap |= row.rank > before + 1;
                before = row.rank;
                self.counter |= row.total != NO_TOTAL;
                self.has_streams |= row.streams != NO_STREAMS;
            }
            chart.sort_unstable();
            let stale = chart.len() >= STALE_ROWS && chart == self.latest;
            std::mem::swap(&mut self.latest, &mut chart);
            self.seen.push(Seen {
                day: date[0].day,
                rows: date.len() as u32,
                cutoff: cutoff.1,
                rank_gap,
                stale,
            });
        }
    }
}
