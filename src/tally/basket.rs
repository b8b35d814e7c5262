//! The rows of a scope's month by entity, and what an entity had on one of its dates.
//!
//! Rows come by date; everything that is counted is counted for one entity at a time. So a month's
//! rows are put in the order of their entities once, and each entity's dates are then gone through
//! while its sums are at hand.

use super::calendar::Due;
use super::counter::Gain;
use super::{Clock, Setup, Window};
use crate::catalog::{Credit, EntityKind};
use crate::dates::Day;
use crate::exports::{NO_STREAMS, Reported};
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

/// A live date of a scope's month, and where its rows are.
#[derive(Clone, Copy)]
pub struct Date {
    /// Which of the scope's dates.
    pub at: usize,
    /// The date.
    pub due: Due,
    /// The first of its rows, and the one after the last.
    pub rows: (usize, usize),
    year: Window,
    month: Window,
}

impl Date {
    /// A date at a place of the calendar.
    pub fn new(at: usize, due: Due, rows: (usize, usize)) -> Self {
        let (year, month) = (Clock::CalendarYear.window(due.day), Clock::CalendarMonth.window(due.day));
        Self { at, due, rows, year, month }
    }

    /// The turn of a clock in which it lies.
    pub fn window(&self, clock: Clock) -> Window {
        match clock {
            Clock::CalendarYear => self.year,
            Clock::CalendarMonth => self.month,
            Clock::AllTime | Clock::Release | Clock::FirstCharted => Window::ALL,
        }
    }
}

/// The rows of a scope's month.
#[derive(Clone, Copy)]
pub struct MonthOf<'a> {
    /// Its live dates.
    pub dates: &'a [Date],
    /// All rows, sorted by date and rank.
    pub rows: &'a [Observation],
    /// For each row what it adds to a counter; `None` for a chart.
    pub gains: Option<&'a [Gain]>,
}

impl MonthOf<'_> {
    /// Its last live date.
    pub fn last(&self) -> Day {
        self.dates.last().map_or(Day(0), |date| date.due.day)
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

/// A row as far as it is of one entity. All that is added up stands here, so that going through an
/// entity's entries does not jump through the month.
#[derive(Clone, Copy, Default)]
pub struct Entry {
    streams: i64,
    short: u32,
    /// By what the entity has the row: the place of an artist's credit, otherwise the track.
    by: u32,
    export: u32,
    line: u32,
    /// Place among all entries as they came, which is that of its gain.
    place: u32,
    rank: u16,
    /// Place of the date in the month.
    date: u8,
    /// Whether the row reports that its track was listed before.
    returns: bool,
}

/// What an entity had on one date of the month.
#[derive(Clone, Copy)]
pub struct OnDate<'a> {
    /// The date.
    pub date: &'a Date,
    /// What it had.
    pub sum: DateSum,
    entries: &'a [Entry],
}

impl OnDate<'_> {
    /// The place of its first entry among all of the month as they came.
    pub fn place(&self) -> u32 {
        self.entries.first().map_or(0, |entry| entry.place)
    }

    /// By what the entity had its rows: the places of an artist's credits, otherwise the tracks.
    pub fn by(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|entry| entry.by)
    }

    /// Which of the month's dates it is.
    pub fn number(&self) -> usize {
        self.entries.first().map_or(0, |entry| usize::from(entry.date))
    }
}

/// What an entity had in a month.
#[derive(Default)]
pub struct InMonth<'a> {
    /// On each of its dates.
    pub dates: Vec<OnDate<'a>>,
    /// The same of a counter; empty for a chart.
    counted: Vec<CounterSum>,
}

/// The rows of a month by entity of one kind.
#[derive(Default)]
pub struct Basket {
    entries: Vec<Entry>,
    /// By [`Entry::place`]; empty for a chart.
    gains: Vec<(Gain, Day)>,
    sorted: Vec<Entry>,
    /// For each short code the first of its entries; one more at the end.
    from: Vec<u32>,
}

impl Basket {
    /// Takes the rows of a month that have streams, for the entities of a kind.
    pub fn collect(
        &mut self,
        (kind, credit): (EntityKind, Credit),
        month: MonthOf<'_>,
        setup: &Setup<'_>,
        met: &mut Met,
    ) {
        let entities = setup.entities;
        let Self { entries, gains, .. } = self;
        entries.clear();
        gains.clear();
        for (number, row, of) in rows(month) {
            if of.streams == NO_STREAMS {
                continue;
            }
            let listing = of.listing as usize;
            let track = entities.track_of[listing];
            let mut enter = |short: usize, by: u32| {
                let place = entries.len() as u32;
                entries.push(Entry {
                    streams: of.streams,
                    short: short as u32,
                    by,
                    export: of.export,
                    line: of.line,
                    place,
                    rank: of.rank,
                    date: number,
                    returns: of.reported.appearances > 1,
                });
                gains.extend(month.gains.and_then(|gains| gains.get(row)).map(|gain| (*gain, of.day)));
            };
            match kind {
                EntityKind::Track => enter(met.short(track), track),
                EntityKind::Song => enter(met.short(entities.song_of[listing]), track),
                EntityKind::Work => enter(met.short(entities.work_of[listing]), track),
                EntityKind::Artist => {
                    for place in entities.credits_of(listing, of.day) {
                        let artist = entities.credit(place);
                        if credit.counts(artist.role) {
                            enter(met.short(artist.artist), place);
                        }
                    }
                }
            }
        }
        self.sort(met.codes.len());
    }

    /// Puts the entries in the order of the entities, those of one as they came.
    fn sort(&mut self, entities: usize) {
        let Self { entries, sorted, from, .. } = self;
        by_entity(entries, entities, |entry| entry.short, sorted, from);
    }

    /// The entities of the month with their entries, by short code.
    pub fn entities(&self) -> impl Iterator<Item = (u32, &[Entry])> {
        grouped(&self.sorted, &self.from)
    }

    /// What an entity had on each of its dates. `None` if a sum leaves the range.
    pub fn dates<'a>(
        &'a self,
        kind: EntityKind,
        entries: &'a [Entry],
        dates: &'a [Date],
        setup: &Setup<'_>,
        into: &mut InMonth<'a>,
    ) -> Option<()> {
        into.dates.clear();
        into.counted.clear();
        for entries in entries.chunk_by(|a, b| a.date == b.date) {
            let mut sum = DateSum::default();
            for (place, entry) in entries.iter().enumerate() {
                sum.add(entry, setup)?;
                let again = || entries[..place].iter().any(|before| before.by == entry.by);
                if kind != EntityKind::Artist && !again() {
                    sum.tracks += 1;
                }
            }
            if !self.gains.is_empty() {
                let mut counted = CounterSum::default();
                for (place, entry) in entries.iter().enumerate() {
                    counted.add(entry, self.gains[entry.place as usize], place == 0, setup)?;
                }
                into.counted.push(counted);
            }
            into.dates.push(OnDate { date: &dates[usize::from(entries[0].date)], sum, entries });
        }
        Some(())
    }
}

impl InMonth<'_> {
    /// What the date at a place adds to the entity's sum on a clock.
    pub fn added(&self, place: usize, clock: Clock) -> Added {
        let Some(counted) = self.counted.get(place) else {
            return Added { amount: self.dates[place].sum.streams, opening: 0 };
        };
        match clock {
            Clock::AllTime | Clock::Release => Added { amount: counted.since, opening: counted.opening },
            Clock::FirstCharted => Added { amount: counted.since, opening: 0 },
            Clock::CalendarYear => Added { amount: counted.in_year, opening: 0 },
            Clock::CalendarMonth => Added { amount: counted.in_month, opening: 0 },
        }
    }

    /// The row that added most to the entity's sum on a clock on the date at a place; `opens` if the
    /// entity's count begins on the date, to which openings then add nothing.
    pub fn most(&self, place: usize, clock: Clock, opens: bool) -> Most {
        let Some(counted) = self.counted.get(place) else { return self.dates[place].sum.most };
        let [opened, since, in_year, in_month] = counted.most;
        match clock {
            Clock::AllTime | Clock::Release if !opens => opened,
            Clock::AllTime | Clock::Release | Clock::FirstCharted => since,
            Clock::CalendarYear => in_year,
            Clock::CalendarMonth => in_month,
        }
    }
}

/// The rows of a month's live dates, with the number of the date and the place of the row.
fn rows(month: MonthOf<'_>) -> impl Iterator<Item = (u8, usize, &Observation)> {
    month.dates.iter().enumerate().flat_map(move |(number, date)| {
        let (from, until) = date.rows;
        (from..until).map(move |row| (number as u8, row, &month.rows[row]))
    })
}

/// Puts items in the order of the entities, those of one as they came; `from` becomes for each
/// entity the first of its items, and one more at the end.
fn by_entity<T: Copy + Default>(
    items: &[T],
    entities: usize,
    entity: impl Fn(&T) -> u32,
    sorted: &mut Vec<T>,
    from: &mut Vec<u32>,
) {
    from.clear();
    from.resize(entities + 1, 0);
    for item in items {
        from[entity(item) as usize + 1] += 1;
    }
    for entity in 0..entities {
        from[entity + 1] += from[entity];
    }
    sorted.clear();
    sorted.resize(items.len(), T::default());
    for item in items {
        let place = &mut from[entity(item) as usize];
        sorted[*place as usize] = *item;
        *place += 1;
    }
    // Each has moved on to where the next one begins.
    from.rotate_right(1);
    from[0] = 0;
}

/// The entities that have items, with these.
fn grouped<'a, T>(sorted: &'a [T], from: &'a [u32]) -> impl Iterator<Item = (u32, &'a [T])> {
    let bounds = from.array_windows().enumerate().filter(|(_, [from, until])| from < until);
    bounds.map(move |(short, &[from, until])| (short as u32, &sorted[from as usize..until as usize]))
}

/// The rows of a month by song, also those without streams.
#[derive(Default)]
pub struct SongRows {
    rows: Vec<SongRow>,
    sorted: Vec<SongRow>,
    from: Vec<u32>,
}

/// A row as far as it is of a song.
#[derive(Clone, Copy, Default)]
pub struct SongRow {
    /// Streams, or [`NO_STREAMS`].
    pub streams: i64,
    /// What the export reports.
    pub reported: Reported,
    short: u32,
    /// Rank.
    pub rank: u16,
    /// Place of the date in the month.
    pub date: u8,
}

impl SongRows {
    /// Takes the rows of a month.
    pub fn collect(&mut self, month: MonthOf<'_>, setup: &Setup<'_>, met: &mut Met) {
        self.rows.clear();
        for (date, _, row) in rows(month) {
            let short = met.short(setup.entities.song_of[row.listing as usize]) as u32;
            let Observation { streams, reported, rank, .. } = *row;
            self.rows.push(SongRow { streams, reported, short, rank, date });
        }
        let Self { rows, sorted, from } = self;
        by_entity(rows, met.codes.len(), |row| row.short, sorted, from);
    }

    /// The songs of the month with their rows, by short code; those of a date stand together.
    pub fn songs(&self) -> impl Iterator<Item = (u32, &[SongRow])> {
        grouped(&self.sorted, &self.from)
    }
}

impl DateSum {
    fn add(&mut self, entry: &Entry, setup: &Setup<'_>) -> Option<()> {
        let first = self.rows == 0;
        self.most.offer(first, entry.streams, entry, setup);
        self.top = if first { entry.rank } else { self.top.min(entry.rank) };
        self.rows += 1;
        self.returns |= entry.returns;
        self.streams = self.streams.checked_add(entry.streams)?;
        Some(())
    }
}

impl CounterSum {
    fn add(&mut self, entry: &Entry, gain: (Gain, Day), first: bool, setup: &Setup<'_>) -> Option<()> {
        let (gain, day) = gain;
        // Before its window's first day a counter's track has nothing that counts in it.
        let since = |first: Day| match gain.previous {
            Some(previous) if previous >= first => gain.since,
            _ => entry.streams,
        };
        let (in_year, in_month) = (since(day.year_start()), since(day.month().first()));
        let opened = gain.since.checked_add(gain.opening)?;
        for (most, added) in self.most.iter_mut().zip([opened, gain.since, in_year, in_month]) {
            most.offer(first, added, entry, setup);
        }
        self.opening = self.opening.checked_add(gain.opening)?;
        self.since = self.since.checked_add(gain.since)?;
        self.in_year = self.in_year.checked_add(in_year)?;
        self.in_month = self.in_month.checked_add(in_month)?;
        Some(())
    }
}

impl Most {
    /// Takes a row that added more; of equals the better rank, the earlier export by name, the
    /// earlier line.
    fn offer(&mut self, first: bool, added: i64, entry: &Entry, setup: &Setup<'_>) {
        let this = Self { added, rank: entry.rank, export: entry.export, line: entry.line };
        if first || added > self.added {
            *self = this;
        } else if added == self.added {
            let order = |export: u32| setup.export_order.get(export as usize).copied().unwrap_or(export);
            let key = |most: &Self| (most.rank, order(most.export), most.line);
            if key(&this) < key(self) {
                *self = this;
            }
        }
    }
}
