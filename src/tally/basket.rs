//! What each entity had on one date of a scope.

use super::counter::Gain;
use super::{Clock, Setup};
use crate::catalog::{Credit, EntityKind, Role, SongRule};
use crate::dates::Day;
use crate::exports::NO_STREAMS;
use crate::ledger::Observation;

/// Short codes for the entities of one scope.
#[derive(Default)]
pub struct Met {
    short: Vec<u32>,
    /// The entities by short code.
    pub codes: Vec<u32>,
}

impl Met {
    /// The short code of an entity, a new one for an entity that was not met before.
    pub fn short(&mut self, code: u32) -> usize {
        let at = code as usize;
        if at >= self.short.len() {
            self.short.resize(at + 1, u32::MAX);
        }
        if self.short[at] == u32::MAX {
            self.short[at] = self.codes.len() as u32;
            self.codes.push(code);
        }
        self.short[at] as usize
    }
}

/// What an entity had on one date.
#[derive(Clone, Copy, Default)]
pub struct DateSum {
    /// Streams of the date.
    pub streams: i64,
    /// Rows.
    pub rows: u32,
    /// Tracks; left at 0 for artists, who have no bounds.
    pub tracks: u32,
    /// Best rank.
    pub top: u16,
    /// Whether a row reports that it was listed before.
    pub returns: bool,
    most: Most,
}

/// The row that added most on a date.
#[derive(Clone, Copy, Default)]
pub struct Most {
    added: i64,
    rank: u16,
    /// Code of its export.
    pub export: u32,
    /// Its line.
    pub line: u32,
}

/// What a date adds to a counter, by the window that it is counted in.
#[derive(Clone, Copy, Default)]
struct CounterSum {
    opening: i64,
    since: i64,
    in_year: i64,
    in_month: i64,
    /// The rows that added most: with openings, since the last sighting, in the year, in the month.
    most: [Most; 4],
}

/// What a date adds to a sum.
#[derive(Clone, Copy, Default)]
pub struct Added {
    /// Streams.
    pub amount: i64,
    /// What a counter had before its track was first seen.
    pub opening: i64,
}

/// An artist and one of their songs, or a work and one of its songs, on a date.
#[derive(Clone, Copy)]
pub struct SongOf {
    /// The short code of the artist or work.
    pub short: u32,
    /// Codes of the pair, by [`SongRule`].
    pub pairs: [u32; 3],
    /// What the artist's part is, and how that is known.
    pub role: Role,
}

/// The rows of one date, added up for each entity of a kind.
#[derive(Default)]
pub struct Basket {
    /// The short codes of the entities of the date.
    pub touched: Vec<u32>,
    /// Whose songs were listed.
    pub songs: Vec<SongOf>,
    dates: Vec<DateSum>,
    counted: Vec<CounterSum>,
}

impl Basket {
    /// Adds up a date's rows; `gains` of a counter's rows. `None` if a sum leaves the range.
    pub fn collect(
        &mut self,
        (kind, credit): (EntityKind, Credit),
        rows: &[Observation],
        gains: Option<&[Gain]>,
        setup: &Setup<'_>,
        met: &mut Met,
    ) -> Option<()> {
        for &short in &self.touched {
            self.dates[short as usize] = DateSum::default();
            if let Some(counted) = self.counted.get_mut(short as usize) {
                *counted = CounterSum::default();
            }
        }
        self.touched.clear();
        self.songs.clear();
        let entities = setup.entities;
        for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.streams != NO_STREAMS) {
            let listing = row.listing as usize;
            let gain = gains.and_then(|gains| gains.get(place));
            match kind {
                EntityKind::Track => {
                    let short = met.short(entities.track_of[listing]);
                    self.add(short, row, gain, setup)?;
                    self.add_track(short, place, rows, setup);
                }
                EntityKind::Song => {
                    let short = met.short(entities.song_of[listing]);
                    self.add(short, row, gain, setup)?;
                    self.add_track(short, place, rows, setup);
                }
                EntityKind::Work => {
                    let short = met.short(entities.work_of[listing]);
                    let song = entities.song_of[listing];
                    self.songs.push(SongOf { short: short as u32, pairs: [song; 3], role: Role::default() });
                    self.add(short, row, gain, setup)?;
                    self.add_track(short, place, rows, setup);
                }
                EntityKind::Artist => {
                    for artist in entities.artists_of(listing, row.day) {
                        if credit.counts(artist.role) {
                            let short = met.short(artist.artist);
                            let (pairs, role) = (artist.pairs, artist.role);
                            self.songs.push(SongOf { short: short as u32, pairs, role });
                            self.add(short, row, gain, setup)?;
                        }
                    }
                }
            }
        }
        Some(())
    }

    /// What an entity had on the date.
    pub fn date(&self, short: u32) -> DateSum {
        self.dates.get(short as usize).copied().unwrap_or_default()
    }

    /// What the date adds to an entity's sum on a clock.
    pub fn added(&self, short: u32, clock: Clock) -> Added {
        let Some(counted) = self.counted.get(short as usize) else {
            return Added { amount: self.date(short).streams, opening: 0 };
        };
        match clock {
            Clock::AllTime | Clock::Release => Added { amount: counted.since, opening: counted.opening },
            Clock::FirstCharted => Added { amount: counted.since, opening: 0 },
            Clock::CalendarYear => Added { amount: counted.in_year, opening: 0 },
            Clock::CalendarMonth => Added { amount: counted.in_month, opening: 0 },
        }
    }

    /// The row that added most to an entity's sum on a clock; `opens` if the entity's count begins on
    /// the date, to which openings then add nothing.
    pub fn most(&self, short: u32, clock: Clock, opens: bool) -> Most {
        let Some(counted) = self.counted.get(short as usize) else { return self.date(short).most };
        let [opened, since, in_year, in_month] = counted.most;
        match clock {
            Clock::AllTime | Clock::Release if !opens => opened,
            Clock::AllTime | Clock::Release | Clock::FirstCharted => since,
            Clock::CalendarYear => in_year,
            Clock::CalendarMonth => in_month,
        }
    }

    fn add(&mut self, short: usize, row: &Observation, gain: Option<&Gain>, setup: &Setup<'_>) -> Option<()> {
        if short >= self.dates.len() {
            self.dates.resize(short + 1, DateSum::default());
        }
        let date = &mut self.dates[short];
        if date.rows == 0 {
            self.touched.push(short as u32);
            date.top = row.rank;
        }
        date.most.offer(date.rows == 0, row.streams, row, setup);
        date.rows += 1;
        date.top = date.top.min(row.rank);
        date.returns |= row.reported.appearances > 1;
        date.streams = date.streams.checked_add(row.streams)?;
        if let Some(gain) = gain {
            self.count(short, row, gain, setup)?;
        }
        Some(())
    }

    /// Counts the track of the row at `place`, unless a row above it was of the same track.
    fn add_track(&mut self, short: usize, place: usize, rows: &[Observation], setup: &Setup<'_>) {
        let date = &mut self.dates[short];
        let track = |row: &Observation| setup.entities.track_of[row.listing as usize];
        let again = |row: &Observation| row.streams != NO_STREAMS && track(row) == track(&rows[place]);
        // Nearly always there is one row, and nothing to look for.
        if date.rows == 1 || !rows[..place].iter().any(again) {
            date.tracks += 1;
        }
    }

    fn count(&mut self, short: usize, row: &Observation, gain: &Gain, setup: &Setup<'_>) -> Option<()> {
        if short >= self.counted.len() {
            self.counted.resize(short + 1, CounterSum::default());
        }
        // Before its window's first day a counter's track has nothing that counts in it.
        let since = |first: Day| match gain.previous {
            Some(previous) if previous >= first => gain.since,
            _ => row.streams,
        };
        let (in_year, in_month) = (since(row.day.year_start()), since(row.day.month().first()));
        let opened = gain.since.checked_add(gain.opening)?;
        let first = self.dates[short].rows == 1;
        let counted = &mut self.counted[short];
        for (most, added) in counted.most.iter_mut().zip([opened, gain.since, in_year, in_month]) {
            most.offer(first, added, row, setup);
        }
        counted.opening = counted.opening.checked_add(gain.opening)?;
        counted.since = counted.since.checked_add(gain.since)?;
        counted.in_year = counted.in_year.checked_add(in_year)?;
        counted.in_month = counted.in_month.checked_add(in_month)?;
        Some(())
    }
}

impl Most {
    /// Takes a row that added more; of equals the better rank, the earlier export by name, the
    /// earlier line.
    fn offer(&mut self, first: bool, added: i64, row: &Observation, setup: &Setup<'_>) {
        let order = |export: u32| setup.export_order.get(export as usize).copied().unwrap_or(export);
        let key = |most: &Self| (std::cmp::Reverse(most.added), most.rank, order(most.export), most.line);
        let this = Self { added, rank: row.rank, export: row.export, line: row.line };
        if first || key(&this) < key(self) {
            *self = this;
        }
    }
}

/// The pair that a rule of songs counts.
pub fn pair(song: &SongOf, rule: SongRule) -> usize {
    song.pairs[rule as usize] as usize
}
