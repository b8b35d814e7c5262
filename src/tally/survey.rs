//! The first pass: what must be known of the whole history before anything is added up.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::calendar::{Calendar, Seen};
use super::stray::Stray;
use crate::catalog::Sightings;
use crate::dates::Day;
use crate::exports::{Listing, NO_STREAMS, NO_TOTAL, Reported};
use crate::ledger::{Observation, track_codes};

/// A chart of fewer rows may repeat itself by chance.
const STALE_ROWS: usize = 10;

/// What the streams of a scope are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// `source:period`.
    pub chart: String,
    /// The region.
    pub region: String,
    /// What its streams are.
    pub basis: Basis,
    /// Whether it has streams at all.
    pub has_streams: bool,
    /// Whether its exports report ranks or appearances of the past.
    pub has_reports: bool,
    /// Days of one chart: 1 or 7.
    pub period: u16,
}

impl Scope {
    /// `spotify` of `spotify:daily`.
    pub fn source(&self) -> &str {
        self.chart.split(':').next().unwrap_or_default()
    }

    /// Whether it is one of these charts and regions, and has streams to count at all.
    pub fn is_among(&self, charts: &Option<Vec<String>>, regions: &Option<Vec<String>>) -> bool {
        let among =
            |names: &Option<Vec<String>>, name| names.as_ref().is_none_or(|names| names.contains(name));
        self.has_streams && among(charts, &self.chart) && among(regions, &self.region)
    }
}

/// Days from one chart to the next.
pub fn period(chart: &str) -> u16 {
    if chart.ends_with(":weekly") { 7 } else { 1 }
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
    /// The sources of charts.
    pub sources: Vec<String>,
    /// For each listing on which sources' charts it is, a bit for each; more than 32 share the last.
    pub listed_by: Vec<u32>,
    codes: HashMap<String, HashMap<u16, usize>>,
}

/// What was seen of a chart in a region.
#[derive(Clone, Debug, Default)]
pub struct ScopeSeen {
    /// `source:period`.
    pub chart: String,
    /// The region.
    pub region: String,
    /// Whether a row has a running total.
    pub counter: bool,
    /// Whether a row has streams.
    pub has_streams: bool,
    /// Whether a row reports ranks or appearances of the past.
    pub has_reports: bool,
    /// Its exported dates, in order.
    pub dates: Vec<Seen>,
}

impl Surveyed {
    /// A survey of scopes sorted by chart and region. `listed_by` has the bits of the sources, in
    /// their order.
    pub fn of(seen: Vec<ScopeSeen>, sightings: Sightings, sources: Vec<String>, listed_by: Vec<u32>) -> Self {
        let mut surveyed = Self { sightings, sources, listed_by, ..Self::default() };
        for ScopeSeen { chart, region, counter, has_streams, has_reports, dates } in seen {
            let period = period(&chart);
            let basis = if counter { Basis::Counter } else { Basis::Chart };
            surveyed.calendars.push(Calendar::new(&dates, period));
            surveyed.scopes.push(Scope { chart, region, basis, has_streams, has_reports, period });
        }
        surveyed
    }

    /// The index of a scope by its chart and the ledger's code of the region.
    pub fn scope_of(&self, chart: &str, region: u16) -> Option<usize> {
        self.codes.get(chart)?.get(&region).copied()
    }

    /// The bit of a scope's source in `listed_by`.
    pub fn source_bit(&self, scope: usize) -> u32 {
        let source = self.scopes.get(scope).map_or("", Scope::source);
        self.sources.iter().position(|known| known == source).map_or(0, source_bit)
    }
}

/// The bit of a source by its place.
pub fn source_bit(place: usize) -> u32 {
    1 << place.min(31)
}

/// The survey under way.
pub struct Survey {
    tracks: Vec<u32>,
    state: SurveyState,
}

/// All of a survey that the next month needs.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct SurveyState {
    sightings: Sightings,
    sources: Vec<String>,
    listed_by: Vec<u32>,
    scopes: BTreeMap<(String, u16), ScopeSurvey>,
}

/// What one month of a chart says, apart from what was before it.
pub struct MonthSurvey {
    /// By region.
    scopes: Vec<(u16, ScopeSurvey)>,
    /// Listings with their first and last day in the month.
    sightings: Vec<(u32, Day, Day)>,
}

/// No day at all, as first and last of none.
const NEVER: (Day, Day) = (Day(u16::MAX), Day(0));

#[derive(Clone, Default, Serialize, Deserialize)]
struct ScopeSurvey {
    seen: Vec<Seen>,
    /// The first date, until it is known whether it is a copy of the date before.
    #[serde(skip)]
    first: Option<Print>,
    /// The latest date.
    latest: Option<Print>,
    counter: bool,
    has_streams: bool,
    has_reports: bool,
}

/// By what a date can be told from others: a hash of its tracks, ranks and streams. `None` for one of
/// too few rows.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Print([u8; blake3::OUT_LEN]);

impl Print {
    fn of(date: &[Observation], tracks: &[u32]) -> Option<Self> {
        if date.len() < STALE_ROWS {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        let mut bytes = Vec::with_capacity(date.len() * 14);
        for (rank, track, streams) in in_order(date, tracks) {
            bytes.extend_from_slice(&rank.to_le_bytes());
            bytes.extend_from_slice(&track.to_le_bytes());
            bytes.extend_from_slice(&streams.to_le_bytes());
        }
        Some(Self(*hasher.update(&bytes).finalize().as_bytes()))
    }
}

impl MonthSurvey {
    /// What a month of a chart says, apart from what was before it: sorted by region, date and rank,
    /// with the dates of which exports contradict each other and a code of its track for each listing.
    pub fn of(rows: &[Observation], conflicts: &HashSet<(u16, Day)>, tracks: &[u32]) -> Self {
        let scopes = rows.chunk_by(|a, b| a.region == b.region);
        let mut days = vec![NEVER; tracks.len()];
        // One region after the other: its rows stay in the cache for both looks at them.
        let scopes = scopes.map(|slice| {
            for row in slice {
                let (first, last) = &mut days[row.listing as usize];
                (*first, *last) = (row.day.min(*first), row.day.max(*last));
            }
            (slice[0].region, ScopeSurvey::of(slice, tracks, conflicts))
        });
        let scopes = scopes.collect();
        let seen = days.into_iter().enumerate().filter(|(_, days)| *days != NEVER);
        let sightings = seen.map(|(listing, (first, last))| (listing as u32, first, last)).collect();
        Self { scopes, sightings }
    }
}

impl Survey {
    /// A survey of charts that name these listings, which goes on from `state`.
    pub fn new(listings: &[Listing], mut state: SurveyState) -> Self {
        state.sightings.resize(listings.len(), None);
        state.listed_by.resize(listings.len(), 0);
        Self { tracks: track_codes(listings), state }
    }

    /// What the next month would go on from.
    pub fn state(&self) -> &SurveyState {
        &self.state
    }

    /// What a month of a chart says, apart from what was before it: sorted by region, date and rank,
    /// with the dates of which exports contradict each other.
    pub fn month(&self, rows: &[Observation], conflicts: &HashSet<(u16, Day)>) -> MonthSurvey {
        MonthSurvey::of(rows, conflicts, &self.tracks)
    }

    /// Adds a month of one chart. Months of a chart come in order.
    pub fn add(&mut self, chart: &str, month: MonthSurvey) {
        let state = &mut self.state;
        let source = chart.split(':').next().unwrap_or_default();
        let source = state.sources.iter().position(|known| known == source).unwrap_or_else(|| {
            state.sources.push(source.to_owned());
            state.sources.len() - 1
        });
        for (listing, first, last) in month.sightings {
            state.listed_by[listing as usize] |= source_bit(source);
            let seen = &mut state.sightings[listing as usize];
            let (first_before, last_before) = seen.unwrap_or((first, last));
            *seen = Some((first.min(first_before), last.max(last_before)));
        }
        for (region, scope) in month.scopes {
            state.scopes.entry((chart.to_owned(), region)).or_default().add(scope);
        }
    }

    /// What is wrong with the dates of the charts, if anything; `regions` are the names of the ledger's
    /// codes.
    pub fn stray(&self, regions: &[String]) -> Option<Stray> {
        let name = |region: u16| regions.get(usize::from(region)).map_or("", String::as_str);
        let scopes = self.state.scopes.iter();
        Stray::of(scopes.map(|((chart, region), scope)| (chart.as_str(), name(*region), &scope.seen[..])))
    }

    /// What was found; `regions` are the names of the ledger's codes.
    pub fn finish(self, regions: &[String]) -> Surveyed {
        let SurveyState { sightings, sources, listed_by, scopes } = self.state;
        let mut found: Vec<((String, String), u16, ScopeSurvey)> = scopes
            .into_iter()
            .map(|((chart, region), scope)| {
                let name = regions.get(region as usize).cloned().unwrap_or_default();
                ((chart, name), region, scope)
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let mut codes: HashMap<String, HashMap<u16, usize>> = HashMap::new();
        let mut seen = Vec::with_capacity(found.len());
        for ((chart, name), region, scope) in found {
            let ScopeSurvey { seen: dates, counter, has_streams, has_reports, .. } = scope;
            codes.entry(chart.clone()).or_default().insert(region, seen.len());
            seen.push(ScopeSeen { chart, region: name, counter, has_streams, has_reports, dates });
        }
        Surveyed { codes, ..Surveyed::of(seen, sightings, sources, listed_by) }
    }
}

impl ScopeSurvey {
    /// What a month of a scope says; its first date is not taken for a copy.
    fn of(rows: &[Observation], tracks: &[u32], conflicts: &HashSet<(u16, Day)>) -> Self {
        let mut survey = Self::default();
        let mut latest: &[Observation] = &[];
        for date in rows.chunk_by(|a, b| a.day == b.day) {
            let (mut cutoff, mut rank_gap, mut rank) = ((0, 0), false, 0);
            for row in date {
                // Rows come by rank; on tied last ranks the fewest streams are the cut-off.
                cutoff = match cutoff {
                    (rank, streams) if rank == row.rank => (rank, row.streams.min(streams)),
                    _ => (row.rank, row.streams),
                };
                rank_gap |= row.rank > rank + 1;
                rank = row.rank;
                survey.counter |= row.total != NO_TOTAL;
                survey.has_streams |= row.streams != NO_STREAMS;
                survey.has_reports |= row.reported != Reported::default();
            }
            survey.seen.push(Seen {
                day: date[0].day,
                rows: date.len() as u32,
                cutoff: cutoff.1,
                rank_gap,
                stale: is_copy(date, latest, tracks),
                conflict: conflicts.contains(&(date[0].region, date[0].day)),
            });
            if latest.is_empty() {
                survey.first = Print::of(date, tracks);
            }
            latest = date;
        }
        survey.latest = Print::of(latest, tracks);
        survey
    }

    /// Goes on with the next month.
    fn add(&mut self, mut month: Self) {
        if let Some(first) = month.seen.first_mut() {
            first.stale = month.first.is_some() && month.first == self.latest;
        }
        self.seen.append(&mut month.seen);
        self.latest = month.latest;
        self.counter |= month.counter;
        self.has_streams |= month.has_streams;
        self.has_reports |= month.has_reports;
    }
}

/// Whether two dates have the same tracks, ranks and streams.
fn is_copy(a: &[Observation], b: &[Observation], tracks: &[u32]) -> bool {
    if a.len() != b.len() || a.len() < STALE_ROWS {
        return false;
    }
    // The sum tells nearly all charts apart without a sort.
    let sum = |rows: &[Observation]| rows.iter().map(|row| i128::from(row.streams)).sum::<i128>();
    if sum(a) != sum(b) {
        return false;
    }
    in_order(a, tracks) == in_order(b, tracks)
}

/// Ranks, tracks and streams of a date, in the order of all three.
fn in_order(date: &[Observation], tracks: &[u32]) -> Vec<(u16, u32, i64)> {
    let mut rows: Vec<_> =
        date.iter().map(|row| (row.rank, tracks[row.listing as usize], row.streams)).collect();
    rows.sort_unstable();
    rows
}
