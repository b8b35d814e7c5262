//! What an entity had in a month of a scope.
//!
//! Most entities cross nothing in most months, and for them the month's sums say all. Date by date
//! it is gone through only for those who might cross something, for records, lines and counters.

use std::borrow::Cow;
use std::ops::Range;

use super::by_listing::{ByListing, Entry, Part, Take};
use super::counter::Gain;
use super::month::{Date, MonthOf};
use super::{Clock, Setup};
use crate::catalog::EntityKind;
use crate::dates::Day;

/// What an entity had in a month.
pub struct InMonth<'a> {
    rows: RowsOf<'a>,
    /// Its first date.
    pub first: &'a Date,
    /// Its last date.
    pub last: &'a Date,
    /// The month in one; `None` for a counter, and if a sum leaves the range.
    pub sums: Option<MonthSums>,
    by_date: Option<ByDate<'a>>,
}

/// The rows of an entity in a month.
#[derive(Clone, Copy)]
struct RowsOf<'a> {
    kind: EntityKind,
    parts: &'a [Part],
    listings: &'a ByListing,
    month: MonthOf<'a>,
}

/// What the dates of a chart's month add up to.
#[derive(Clone, Copy, Default)]
pub struct MonthSums {
    /// Streams.
    pub streams: i64,
    /// The cut-offs of the dates, for each track that was listed on them; 0 for artists, who have
    /// no bounds.
    pub listed: i64,
    /// Dates with streams.
    pub dates: u32,
    /// Streams of the best date.
    pub peak: i64,
    /// Place in the month of the best date, the earlier on a tie.
    pub peak_date: u8,
    /// Streams of the last date.
    pub on_last: i64,
    /// Places in the month of the first date and the last.
    first: u8,
    last: u8,
}

/// What an entity had on each of its dates of a month.
pub struct ByDate<'a> {
    /// The dates in order.
    pub dates: Vec<OnDate<'a>>,
    /// The same of a counter; empty for a chart.
    counted: Vec<CounterSum>,
    rows: RowsOf<'a>,
    entries: Cow<'a, [Entry]>,
}

/// What an entity had on one date.
pub struct OnDate<'a> {
    /// The date.
    pub date: &'a Date,
    /// Its place in the month.
    pub number: usize,
    /// What it had.
    pub sum: DateSum,
    entries: Range<usize>,
}

/// The rows of an entity on one date, taken together.
#[derive(Clone, Copy, Default)]
pub struct DateSum {
    /// Streams of the date.
    pub streams: i64,
    /// Tracks; left at 0 for artists, who have no bounds.
    pub tracks: u32,
    /// Best rank.
    pub top: u16,
    /// Whether a row reports that it was listed before.
    pub returns: bool,
}

/// What a date adds to a counter, by the window that it is counted in.
#[derive(Clone, Copy, Default)]
struct CounterSum {
    opening: i64,
    since: i64,
    in_year: i64,
    in_month: i64,
}

/// What a date adds to a sum.
#[derive(Clone, Copy, Default)]
pub struct Added {
    /// Streams.
    pub amount: i64,
    /// What a counter had before its track was first seen.
    pub opening: i64,
}

impl<'a> InMonth<'a> {
    /// The month of an entity of a kind that has rows by these listings; `None` if none of them has
    /// streams.
    pub fn new(
        kind: EntityKind,
        parts: &'a [Part],
        listings: &'a ByListing,
        month: MonthOf<'a>,
    ) -> Option<Self> {
        let rows = RowsOf { kind, parts, listings, month };
        let bounded = kind != EntityKind::Artist;
        let known = match parts {
            [part] => rows.sums(part).map(|sums| if bounded { sums } else { sums.unbounded() }),
            _ if !bounded => rows.added(),
            _ => None,
        };
        if let Some(sums) = known {
            let (first, last) = (month.date(sums.first)?, month.date(sums.last)?);
            return Some(Self { rows, first, last, sums: Some(sums), by_date: None });
        }
        let entries = listings.entries(parts, Take::WithStreams);
        let (first, last) = (month.date(entries.first()?.date)?, month.date(entries.last()?.date)?);
        let is_new_track = |before: &[Entry], entry: &Entry| bounded && rows.is_new_track(before, entry);
        let sums = month.gains.is_none().then(|| MonthSums::of(&entries, month.dates, is_new_track));
        let sums = sums.flatten().map(|sums| if bounded { sums } else { sums.unbounded() });
        Some(Self { rows, first, last, sums, by_date: None })
    }

    /// The day of the date at a place in the month.
    pub fn day(&self, place: u8) -> Day {
        self.rows.month.date(place).unwrap_or(self.last).due.day
    }

    /// By what it had its rows, once for each listing: the places of an artist's credits, otherwise
    /// the tracks.
    pub fn by(&self) -> impl Iterator<Item = u32> {
        self.rows.parts.iter().map(|part| part.by)
    }

    /// Date by date. `None` if a sum leaves the range.
    pub fn by_date(&mut self) -> Option<&ByDate<'a>> {
        if self.by_date.is_none() {
            self.by_date = Some(ByDate::new(self.rows)?);
        }
        self.by_date.as_ref()
    }
}

impl RowsOf<'_> {
    fn sums(&self, part: &Part) -> Option<MonthSums> {
        self.listings.listed.get(part.place as usize)?.sums
    }

    /// The sums of several listings, of which it does not matter whether they are of one track.
    fn added(&self) -> Option<MonthSums> {
        let mut on_dates = [0i64; 32];
        let mut dates: u32 = 0;
        for part in self.parts {
            self.sums(part)?;
            for entry in self.listings.entries(std::slice::from_ref(part), Take::All).iter() {
                let on_date = on_dates.get_mut(usize::from(entry.date))?;
                *on_date = on_date.checked_add(entry.streams)?;
                dates |= 1 << entry.date;
            }
        }
        let mut sums = MonthSums::default();
        while dates != 0 {
            let date = dates.trailing_zeros() as u8;
            sums.add(date, on_dates[usize::from(date)])?;
            dates &= dates - 1;
        }
        Some(sums)
    }

    /// Whether an entry is by another track than those before it on its date.
    fn is_new_track(&self, before: &[Entry], entry: &Entry) -> bool {
        before.iter().all(|before| self.listings.track(before) != self.listings.track(entry))
    }
}

impl MonthSums {
    /// The sums of rows of one date after the other; `is_new_track` says of a row whether it is by
    /// another track than those before it on its date. `None` if a sum leaves the range.
    pub fn of(
        entries: &[Entry],
        dates: &[Date],
        is_new_track: impl Fn(&[Entry], &Entry) -> bool,
    ) -> Option<Self> {
        let mut sums = Self::default();
        let mut from = 0;
        while let Some(first) = entries.get(from) {
            let (mut streams, mut tracks, mut until) = (first.streams, 1, from + 1);
            while let Some(next) = entries.get(until).filter(|next| next.date == first.date) {
                streams = streams.checked_add(next.streams)?;
                tracks += i64::from(is_new_track(&entries[from..until], next));
                until += 1;
            }
            sums.add(first.date, streams)?;
            let cutoff = dates[usize::from(first.date)].due.cutoff;
            sums.listed = sums.listed.saturating_add(cutoff.saturating_mul(tracks));
            from = until;
        }
        Some(sums)
    }

    fn add(&mut self, date: u8, streams: i64) -> Option<()> {
        self.streams = self.streams.checked_add(streams)?;
        if self.dates == 0 {
            self.first = date;
        }
        if streams > self.peak || self.dates == 0 {
            (self.peak, self.peak_date) = (streams, date);
        }
        self.dates += 1;
        self.last = date;
        self.on_last = streams;
        Some(())
    }

    /// The same for an entity that has no bounds.
    fn unbounded(self) -> Self {
        Self { listed: 0, ..self }
    }
}

impl<'a> ByDate<'a> {
    fn new(rows: RowsOf<'a>) -> Option<Self> {
        let RowsOf { kind, parts, listings, month } = rows;
        let all = listings.entries(parts, Take::WithStreams);
        let mut dates = Vec::new();
        let mut counted = Vec::new();
        let mut from = 0;
        for entries in all.chunk_by(|a, b| a.date == b.date) {
            let mut sum = DateSum { top: u16::MAX, ..DateSum::default() };
            for (place, entry) in entries.iter().enumerate() {
                sum.streams = sum.streams.checked_add(entry.streams)?;
                sum.top = sum.top.min(entry.rank);
                sum.returns |= month.reported(entry.row).appearances > 1;
                if kind != EntityKind::Artist && rows.is_new_track(&entries[..place], entry) {
                    sum.tracks += 1;
                }
            }
            if let Some(gains) = month.gains {
                let mut all = CounterSum::default();
                for entry in entries {
                    let one = CounterSum::of(entry, month, gains);
                    all.opening = all.opening.checked_add(one.opening)?;
                    all.since = all.since.checked_add(one.since)?;
                    all.in_year = all.in_year.checked_add(one.in_year)?;
                    all.in_month = all.in_month.checked_add(one.in_month)?;
                }
                counted.push(all);
            }
            let number = usize::from(entries[0].date);
            let until = from + entries.len();
            dates.push(OnDate { date: &month.dates[number], number, sum, entries: from..until });
            from = until;
        }
        Some(Self { dates, counted, rows, entries: all })
    }

    fn entries(&self, place: usize) -> &[Entry] {
        self.dates.get(place).map_or(&[], |on| &self.entries[on.entries.clone()])
    }

    /// By what the entity had its rows on the date at a place: the places of an artist's credits,
    /// otherwise the tracks.
    pub fn by(&self, place: usize) -> impl Iterator<Item = u32> {
        self.entries(place).iter().map(|entry| {
            let parts = self.rows.parts;
            let at = parts.partition_point(|part| part.place < entry.place);
            parts.get(at).map_or(0, |part| part.by)
        })
    }

    /// Where its first row on the date at a place stands among all of the month, and which of that
    /// row's credits it is.
    pub fn first_row(&self, place: usize) -> (u32, u32) {
        let row = self.entries(place).first().map_or(0, |entry| entry.row);
        (row, self.by(place).next().unwrap_or(0))
    }

    /// What the date at a place adds to the entity's sum on a clock.
    pub fn added(&self, place: usize, clock: Clock) -> Added {
        match self.counted.get(place) {
            Some(counted) => counted.on(clock),
            None => Added { amount: self.dates[place].sum.streams, opening: 0 },
        }
    }

    /// Export and line of the row that added most to the entity's sum on a clock on the date at a
    /// place; of equals the better rank, the earlier export by name, the earlier line. `opens` if
    /// the entity's count begins on the date, to which openings then add nothing.
    pub fn most(&self, place: usize, clock: Clock, opens: bool, setup: &Setup<'_>) -> Option<(u32, u32)> {
        let month = self.rows.month;
        let order = |export: u32| setup.export_order.get(export as usize).copied().unwrap_or(export);
        let added = |entry: &Entry| {
            let Some(gains) = month.gains else { return entry.streams };
            let Added { amount, opening } = CounterSum::of(entry, month, gains).on(clock);
            if opens { amount } else { amount.saturating_add(opening) }
        };
        let rows = self.entries(place).iter().map(|entry| {
            let row = &month.rows[entry.row as usize];
            ((std::cmp::Reverse(added(entry)), row.rank, order(row.export), row.line), row)
        });
        rows.min_by_key(|(key, _)| *key).map(|(_, row)| (row.export, row.line))
    }
}

impl CounterSum {
    fn of(entry: &Entry, month: MonthOf<'_>, gains: &[Gain]) -> Self {
        let row = entry.row as usize;
        let (gain, day) = (&gains[row], month.rows[row].day);
        // Before its window's first day a counter's track has nothing that counts in it.
        let since = |first: Day| match gain.previous {
            Some(previous) if previous >= first => gain.since,
            _ => entry.streams,
        };
        Self {
            opening: gain.opening,
            since: gain.since,
            in_year: since(day.year_start()),
            in_month: since(day.month().first()),
        }
    }

    fn on(&self, clock: Clock) -> Added {
        let (amount, opening) = match clock {
            Clock::AllTime | Clock::Release => (self.since, self.opening),
            Clock::FirstCharted => (self.since, 0),
            Clock::CalendarYear => (self.in_year, 0),
            Clock::CalendarMonth => (self.in_month, 0),
        };
        Added { amount, opening }
    }
}
