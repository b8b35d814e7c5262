//! The rows of a scope's month by listing.
//!
//! Rows come by date; everything that is counted is counted for one entity at a time. A track, song
//! or artist is made of listings, and who a listing stands for is the same on all of its rows. So a
//! month's rows are put in the order of their listings once, for whatever is counted of them, and
//! who is who is asked once for each listing and not once for each row.

use std::borrow::Cow;
use std::ops::Range;

use super::Setup;
use super::in_month::MonthSums;
use super::month::{Met, MonthOf};
use crate::catalog::{Credit, EntityKind};
use crate::exports::NO_STREAMS;

/// A row as far as sums need it; all else is looked up by the few who ask for it.
#[derive(Clone, Copy, Default)]
pub struct Entry {
    /// Streams, or [`NO_STREAMS`].
    pub streams: i64,
    /// Place of the row in the month.
    pub row: u32,
    /// Place of its listing in [`ByListing::listed`].
    pub place: u32,
    /// Rank.
    pub rank: u16,
    /// Place of the date in the month.
    pub date: u8,
}

/// A listing in the month; on some of its days only, if the catalog credits it otherwise on others.
pub struct Listed {
    /// Its code.
    pub listing: u32,
    /// Its track.
    pub track: u32,
    /// Whom it credits.
    credits: Range<u32>,
    /// Whether whom it credits depends on the day.
    has_eras: bool,
    /// Where its rows are.
    entries: Range<usize>,
    with_streams: usize,
    /// What its rows add up to; `None` for a counter, if some have no streams, and if a sum leaves
    /// the range.
    pub sums: Option<MonthSums>,
}

/// A listing by which an entity has rows.
#[derive(Clone, Copy)]
pub struct Part {
    /// Short code of the entity.
    pub short: u32,
    /// Place of the listing in [`ByListing::listed`].
    pub place: u32,
    /// By what the entity has it: the place of an artist's credit, otherwise the track.
    pub by: u32,
}

/// Which listings are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// All of them.
    All,
    /// Those that have rows with streams.
    WithStreams,
}

/// The rows of a month by listing.
#[derive(Default)]
pub struct ByListing {
    /// The listings in the order in which they are first listed.
    pub listed: Vec<Listed>,
    /// For each row the place of its listing.
    as_they_came: Vec<u32>,
    entries: Vec<Entry>,
    /// For each listing its place in `listed`.
    places: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl ByListing {
    /// Takes the rows of a month.
    pub fn collect(&mut self, month: MonthOf<'_>, setup: &Setup<'_>) {
        let entities = setup.entities;
        let Self { listed, as_they_came, entries, places } = self;
        for gone in listed.drain(..) {
            places[gone.listing as usize] = NOWHERE;
        }
        places.resize(entities.track_of.len(), NOWHERE);
        as_they_came.clear();
        for (.., of) in month.live_rows() {
            let known = &mut places[of.listing as usize];
            let is_other = |listed: &Listed| {
                listed.has_eras && listed.credits != entities.credits_of(of.listing as usize, of.day)
            };
            if listed.get(*known as usize).is_none_or(is_other) {
                *known = listed.len() as u32;
                listed.push(Listed {
                    listing: of.listing,
                    track: entities.track_of[of.listing as usize],
                    credits: entities.credits_of(of.listing as usize, of.day),
                    has_eras: entities.has_eras(of.listing as usize),
                    entries: 0..0,
                    with_streams: 0,
                    sums: None,
                });
            }
            let listing = &mut listed[*known as usize];
            listing.entries.end += 1;
            listing.with_streams += usize::from(of.streams != NO_STREAMS);
            as_they_came.push(*known);
        }
        let mut from = 0;
        for listing in listed.iter_mut() {
            let count = listing.entries.end;
            listing.entries = from..from;
            from += count;
        }
        entries.resize(as_they_came.len(), Entry::default());
        for ((date, row, of), &place) in month.live_rows().zip(as_they_came.iter()) {
            let end = &mut listed[place as usize].entries.end;
            entries[*end] = Entry { streams: of.streams, row: row as u32, place, rank: of.rank, date };
            *end += 1;
        }
        for listing in listed.iter_mut().filter(|_| month.gains.is_none()) {
            let entries = &entries[listing.entries.clone()];
            if listing.with_streams == entries.len() {
                listing.sums = MonthSums::of(entries, month.dates, |_, _| false);
            }
        }
    }

    /// The listings by which entities of a kind have rows, entity by entity.
    pub fn parts(
        &self,
        (kind, credit): (EntityKind, Credit),
        take: Take,
        setup: &Setup<'_>,
        met: &mut Met,
        parts: &mut Vec<Part>,
    ) {
        let entities = setup.entities;
        parts.clear();
        for (place, listed) in self.listed.iter().enumerate() {
            if take == Take::WithStreams && listed.with_streams == 0 {
                continue;
            }
            let listing = listed.listing as usize;
            let mut part = |code: u32, by: u32| {
                parts.push(Part { short: met.short(code) as u32, place: place as u32, by });
            };
            match kind {
                EntityKind::Track => part(listed.track, listed.track),
                EntityKind::Song => part(entities.song_of[listing], listed.track),
                EntityKind::Work => part(entities.work_of[listing], listed.track),
                EntityKind::Artist => {
                    for by in listed.credits.clone() {
                        let artist = entities.credit(by);
                        if credit.counts(artist.role) {
                            part(artist.artist, by);
                        }
                    }
                }
            }
        }
        parts.sort_unstable_by_key(|part| (part.short, part.place, part.by));
    }

    /// The rows of an entity in their order.
    pub fn entries(&self, parts: &[Part], take: Take) -> Cow<'_, [Entry]> {
        let of = |part: &Part| {
            let listed = self.listed.get(part.place as usize);
            listed.map_or(&[][..], |listed| &self.entries[listed.entries.clone()])
        };
        let has_gaps = |part: &Part| {
            self.listed.get(part.place as usize).is_some_and(|listed| listed.with_streams < of(part).len())
        };
        if let [part] = parts
            && (take == Take::All || !has_gaps(part))
        {
            return Cow::Borrowed(of(part));
        }
        let mut entries: Vec<Entry> = parts.iter().flat_map(of).copied().collect();
        if take == Take::WithStreams {
            entries.retain(|entry| entry.streams != NO_STREAMS);
        }
        entries.sort_unstable_by_key(|entry| entry.row);
        Cow::Owned(entries)
    }

    /// The track of an entry.
    pub fn track(&self, entry: &Entry) -> u32 {
        self.listed.get(entry.place as usize).map_or(0, |listed| listed.track)
    }
}
