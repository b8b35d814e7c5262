//! Names and titles that look alike and are not mapped together.
//!
//! Nothing is merged here: each finding says what it rests on and what to write into which file of
//! the catalog, and a person decides. Everything is found by grouping on a key, never by comparing
//! all with all.

mod paste;
mod people;
mod songs;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Catalog, Entities, Sightings};
use crate::exports::Listing;
use paste::Pasted;
use people::People;
use songs::SongBook;

/// In a group, each member is held against so many before it.
const COMPARED: usize = 32;

/// What looks alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Two artists credited for one URI, in the same place of the cell.
    SameTrack,
    /// Two artists whose names differ in spelling or script only.
    Artist,
    /// Two songs whose titles differ in spelling only.
    Song,
    /// Two songs whose titles differ only in what stands in brackets.
    Version,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::SameTrack => "same_track",
            Self::Artist => "artist",
            Self::Song => "song",
            Self::Version => "version",
        }
    }
}

/// An artist or a song that looks like another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its id.
    pub id: String,
    /// The artist's name, or the song's artist cell and title.
    pub name: String,
    /// How many rows of the ledger count for it.
    pub rows: u64,
}

/// Two that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookAlike {
    /// In what way.
    pub kind: Kind,
    /// The one that the catalog knows, or else the one with more rows.
    pub a: Side,
    /// The other.
    pub b: Side,
    /// What it rests on, in a sentence.
    pub evidence: String,
    /// The file of the catalog that would put them together.
    pub file: &'static str,
    /// What to write there.
    pub paste: String,
}

/// Finds what looks alike among the names of a ledger; `rows` is the number of rows of each
/// listing. The clearest kind comes first, and of a kind what concerns most rows.
pub fn find(
    catalog: &Catalog,
    entities: &Entities,
    listings: &[Listing],
    seen: &Sightings,
    rows: &[u64],
) -> Vec<LookAlike> {
    let people = People::new(catalog, entities, rows);
    let mut pairs = people.same_tracks(entities, seen);
    pairs.extend(people.same_names());
    let artists = settle(catalog, pairs, |place| people.side(place));

    let songs = SongBook::new(entities, listings, seen, rows);
    let mut pairs = songs.same_titles(catalog);
    pairs.extend(songs.versions(catalog));
    let songs = settle(catalog, pairs, |place| songs.side(place));

    let mut pasted = Pasted::new(catalog);
    artists.into_iter().chain(songs).filter_map(|found| pasted.write(found, entities)).collect()
}

/// Two places in a list of artists or songs, and why they are alike.
struct Pair {
    kind: Kind,
    a: u32,
    b: u32,
    evidence: String,
}

/// A pair with its sides, not yet with what to write.
struct Found {
    kind: Kind,
    a: Side,
    b: Side,
    evidence: String,
    /// Where the list of songs has them; not for artists.
    places: [u32; 2],
}

/// Each pair once, under its clearest kind, without those that a person has judged to be different.
fn settle(catalog: &Catalog, pairs: Vec<Pair>, side: impl Fn(u32) -> Side) -> Vec<Found> {
    let mut once: BTreeMap<(u32, u32), Pair> = BTreeMap::new();
    for pair in pairs {
        let key = (pair.a.min(pair.b), pair.a.max(pair.b));
        let clearer = |other: &Pair| (pair.kind, &pair.evidence) < (other.kind, &other.evidence);
        if once.get(&key).is_none_or(clearer) {
            once.insert(key, pair);
        }
    }
    let mut found: Vec<Found> = once
        .into_values()
        .map(|Pair { kind, a, b, evidence }| Found { kind, a: side(a), b: side(b), evidence, places: [a, b] })
        .filter(|found| !catalog.are_distinct(&found.a.id, &found.b.id))
        .collect();
    let concerns = |found: &Found| Reverse(found.a.rows.min(found.b.rows));
    found.sort_by(|x, y| {
        (x.kind, concerns(x), &x.a.id, &x.b.id).cmp(&(y.kind, concerns(y), &y.a.id, &y.b.id))
    });
    found
}

/// Pairs each member of a group, best first, with the first one before it that it goes with.
fn pair_up<M>(members: &[M], goes_with: impl Fn(&M, &M) -> bool) -> impl Iterator<Item = (&M, &M)> {
    members.iter().enumerate().filter_map(move |(place, b)| {
        members[..place].iter().take(COMPARED).find(|a| goes_with(a, b)).map(|a| (a, b))
    })
}

/// A text in quotes for a sentence, cut where it gets long.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
