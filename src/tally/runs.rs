//! Chart runs: how a song has done in a scope, by rank.

use super::by_listing::Entry;
use super::calendar::Calendar;
use crate::dates::Day;
use crate::exports::{NO_STREAMS, Reported};
use serde::{Deserialize, Serialize};

/// One song in one scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartRun {
    /// Index of the scope.
    pub scope: u32,
    /// Code of the song.
    pub song: u32,
    /// First date on the chart.
    pub first_on: Day,
    /// Last date on the chart.
    pub last_on: Day,
    /// Dates on the chart.
    pub appearances: u32,
    /// Best rank.
    pub peak_rank: u16,
    /// First date at the best rank.
    pub peak_on: Day,
    /// Dates at the best rank.
    pub times_at_peak: u32,
    /// Dates at rank 10 or better.
    pub top10: u32,
    /// Dates at rank 1.
    pub at_one: u32,
    /// How many times it came to rank 1, from below or from off the chart.
    pub spells_at_one: u32,
    /// Most live dates in a row at rank 1.
    pub longest_spell: u32,
    /// Most live dates of the scope in a row.
    pub longest_streak: u32,
    /// Live dates in a row up to now.
    pub streak: u32,
    /// All streams; `None` on a chart without.
    pub streams: Option<i64>,
    /// Streams of the best date.
    pub peak_streams: Option<i64>,
    /// Best date, the earlier on a tie.
    pub peak_streams_on: Option<Day>,
    /// What the export says on the last date: the best rank over the song's tracks.
    pub reported_peak: Option<u16>,
    /// What the export says on the last date: the most appearances over the song's tracks.
    pub reported_appearances: Option<u32>,
    last_live: u32,
    /// Live dates in a row at rank 1 up to `last_live`.
    spell: u32,
}

/// A song's rows of one date, taken together.
#[derive(Clone, Copy, Debug)]
pub struct SongDate {
    rank: u16,
    /// [`NO_STREAMS`] on a chart without.
    streams: i64,
    reported: Reported,
}

impl Default for SongDate {
    fn default() -> Self {
        Self { rank: 0, streams: NO_STREAMS, reported: Reported::default() }
    }
}

impl SongDate {
    /// Takes one more row, and what its export reports.
    pub fn add(&mut self, row: &Entry, reported: Reported) {
        self.rank = if self.rank == 0 { row.rank } else { self.rank.min(row.rank) };
        self.reported.peak = match (self.reported.peak, reported.peak) {
            (0, peak) | (peak, 0) => peak,
            (a, b) => a.min(b),
        };
        self.reported.appearances = self.reported.appearances.max(reported.appearances);
        if row.streams != NO_STREAMS {
            self.streams = self.streams.max(0).saturating_add(row.streams);
        }
    }
}

impl ChartRun {
    /// A song that is on no chart yet.
    pub fn new(scope: u32, song: u32) -> Self {
        Self {
            scope,
            song,
            first_on: Day(0),
            last_on: Day(0),
            appearances: 0,
            peak_rank: u16::MAX,
            peak_on: Day(0),
            times_at_peak: 0,
            top10: 0,
            at_one: 0,
            spells_at_one: 0,
            longest_spell: 0,
            longest_streak: 0,
            streak: 0,
            streams: None,
            peak_streams: None,
            peak_streams_on: None,
            reported_peak: None,
            reported_appearances: None,
            last_live: 0,
            spell: 0,
        }
    }

    /// Adds a date; `live` is its number among the live dates of the scope.
    pub fn date(&mut self, day: Day, live: u32, on: SongDate) {
        if self.appearances == 0 {
            self.first_on = day;
        }
        self.streak = if self.appearances > 0 && live == self.last_live + 1 { self.streak + 1 } else { 1 };
        self.longest_streak = self.longest_streak.max(self.streak);
        if on.rank == 1 {
            self.spell = if self.streak > 1 { self.spell + 1 } else { 1 };
            self.at_one += 1;
            self.spells_at_one += u32::from(self.spell == 1);
            self.longest_spell = self.longest_spell.max(self.spell);
        } else {
            self.spell = 0;
        }
        self.last_live = live;
        self.last_on = day;
        self.appearances += 1;
        self.top10 += u32::from(on.rank <= 10);
        match on.rank.cmp(&self.peak_rank) {
            std::cmp::Ordering::Less => {
                (self.peak_rank, self.peak_on, self.times_at_peak) = (on.rank, day, 1);
            }
            std::cmp::Ordering::Equal => self.times_at_peak += 1,
            std::cmp::Ordering::Greater => {}
        }
        if on.streams != NO_STREAMS {
            self.streams = Some(self.streams.unwrap_or(0).saturating_add(on.streams));
            if self.peak_streams.is_none_or(|peak| on.streams > peak) {
                self.peak_streams = Some(on.streams);
                self.peak_streams_on = Some(day);
            }
        }
        self.reported_peak = Some(on.reported.peak).filter(|&peak| peak > 0);
        self.reported_appearances = Some(on.reported.appearances).filter(|&count| count > 0);
    }

    /// Ends the streak of a song that is not on the last live date.
    pub fn close(mut self, calendar: &Calendar) -> Self {
        if self.last_live + 1 != calendar.live_before(calendar.due.len()) {
            self.streak = 0;
        }
        self
    }

    /// Whether what the export reports is what we count; `None` where it says nothing.
    pub fn agrees(&self) -> Option<bool> {
        let (peak, appearances) = (self.reported_peak?, self.reported_appearances?);
        Some(peak == self.peak_rank && appearances == self.appearances)
    }
}
