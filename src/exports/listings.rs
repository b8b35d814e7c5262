//! The dictionary of listings: under which URI, title and artist cell a chart names a track.
//!
//! Twenty-five million rows name some tens of thousands of tracks. Each worker keeps a dictionary
//! of its own, so that no row waits for a lock; the ledger merges them once.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::cells::Reason;
use super::rows::is_same;

/// How a chart names a track. One URI can have several listings: titles and credits change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listing {
    /// The track: a URI, or `name:<artists> - <title>` where the export has none.
    pub uri: String,
    /// The title as displayed; may be empty.
    pub title: String,
    /// The artist cell: names joined by `, `; may be empty.
    pub artists: String,
}

/// A dictionary from the keys of a row's cells to a code.
///
/// What a look takes is waiting for memory, so as little of it as possible is touched: a place of
/// eight bytes, and behind it everything else in one piece.
#[derive(Default)]
pub struct Listings {
    index: HashTable<Entry>,
    /// For each listing the lengths of its keys, its code, and the keys.
    kept: Vec<u8>,
    names: Vec<Listing>,
}

/// Where a listing may stand.
#[derive(Clone, Copy)]
pub struct Place(u32);

#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    /// Where in `kept` it stands, in units of [`UNIT`] bytes.
    place: u32,
}

/// Bytes of a line of the processor's cache, in which each listing begins a new one.
const UNIT: usize = 64;
/// Bytes before the keys: three lengths and the code.
const HEAD: usize = 16;

/// An identifier differs in its last characters, and hashing these alone is much faster than all
/// three keys. Equality looks at all of them.
fn hash(keys: [&[u8]; 3]) -> u32 {
    if let Some(tail) = keys[0].last_chunk() {
        return hash_of_tail(tail);
    }
    let mut hasher = FxHasher::default();
    keys.iter().for_each(|key| hasher.write(key));
    folded(hasher.finish())
}

#[inline(always)]
fn hash_of_tail(tail: &[u8; 16]) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write_u128(u128::from_le_bytes(*tail));
    folded(hasher.finish())
}

fn folded(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

/// A hash of half the bits, for an index that looks at both ends of a whole one.
fn widened(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Listings {
    /// Where a listing whose first key is this may stand.
    #[inline(always)]
    pub fn look_up(&self, key: &[u8]) -> Option<Place> {
        let hash = hash_of_tail(key.last_chunk()?);
        let entry = self.index.find(widened(hash), |entry| entry.hash == hash)?;
        Some(Place(entry.place))
    }

    /// Asks for what stands at some places. They lie far apart, and asked for together they come from
    /// memory at once, not each when its turn comes.
    pub fn fetch(&self, places: &[Option<Place>]) {
        let byte = |at: usize| self.kept.get(at).copied().unwrap_or_default();
        let starts = places.iter().flatten().map(|Place(place)| *place as usize * UNIT);
        std::hint::black_box(starts.fold(0, |all, start| all ^ byte(start) ^ byte(start + UNIT)));
    }

    /// The code of the listing that these keys name, which may stand at `place`. `name` turns them into a
    /// listing the first time they are seen.
    ///
    /// # Errors
    /// The reason that `name` gives; nothing is kept then.
    #[inline(always)]
    pub fn code(
        &mut self,
        keys: [&[u8]; 3],
        place: Option<Place>,
        name: impl FnOnce() -> Result<Listing, Reason>,
    ) -> Result<u32, Reason> {
        match place.and_then(|Place(place)| self.code_at(place, keys)) {
            Some(code) => Ok(code),
            None => self.code_of_another(keys, name),
        }
    }

    /// The same where nothing was found, or another one.
    fn code_of_another(
        &mut self,
        keys: [&[u8]; 3],
        name: impl FnOnce() -> Result<Listing, Reason>,
    ) -> Result<u32, Reason> {
        let hash = hash(keys);
        let mut found = None;
        self.index.find(widened(hash), |entry| {
            found = (entry.hash == hash).then(|| self.code_at(entry.place, keys)).flatten();
            found.is_some()
        });
        match found {
            Some(code) => Ok(code),
            None => self.add(hash, keys, name()?),
        }
    }

    /// The code of the listing at a place, if it has these keys.
    #[inline(always)]
    fn code_at(&self, place: u32, keys: [&[u8]; 3]) -> Option<u32> {
        let kept = self.kept.get(place as usize * UNIT..)?;
        let (head, mut kept) = kept.split_first_chunk::<HEAD>()?;
        let (numbers, _) = head.as_chunks::<4>();
        let number = |at: usize| numbers.get(at).map_or(0, |number| u32::from_le_bytes(*number));
        if [0, 1, 2].map(|at| number(at) as usize) != keys.map(<[u8]>::len) {
            return None;
        }
        for key in keys {
            let (same, rest) = kept.split_at_checked(key.len())?;
            if !is_same(same, key) {
                return None;
            }
            kept = rest;
        }
        Some(number(3))
    }

    #[cold]
    fn add(&mut self, hash: u32, keys: [&[u8]; 3], listing: Listing) -> Result<u32, Reason> {
        let code = self.names.len() as u32;
        let place = (self.kept.len() / UNIT) as u32;
        let lengths = keys.map(|key| key.len() as u32);
        for number in lengths.into_iter().chain([code]) {
            self.kept.extend_from_slice(&number.to_le_bytes());
        }
        keys.iter().for_each(|key| self.kept.extend_from_slice(key));
        self.kept.resize(self.kept.len().next_multiple_of(UNIT), 0);
        self.index.insert_unique(widened(hash), Entry { hash, place }, |entry| widened(entry.hash));
        self.names.push(listing);
        Ok(code)
    }

    /// The listings in the order of their codes.
    pub fn into_names(self) -> Vec<Listing> {
        self.names
    }
}

/// The codes of listings by the numbers that their cells have in a source which numbers its text: three
/// comparisons, and no look at a letter. Of listings whose first cells are the same the last one is known.
#[derive(Default)]
pub struct Numbered {
    by_first: Vec<Known>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    others: [u32; 2],
    /// The listing's code, and one more; 0 where nothing is known.
    code: u32,
}

impl Numbered {
    /// The code of the listing whose cells have these numbers, if it was kept.
    #[inline(always)]
    pub fn code(&self, [first, second, third]: [u32; 3]) -> Option<u32> {
        let known = self.by_first.get(first as usize)?;
        if known.others != [second, third] {
            return None;
        }
        known.code.checked_sub(1)
    }

    /// Keeps the code of a listing.
    pub fn keep(&mut self, [first, second, third]: [u32; 3], code: u32) {
        let first = first as usize;
        if self.by_first.len() <= first {
            self.by_first.resize(first + 1, Known::default());
        }
        if let Some(known) = self.by_first.get_mut(first) {
            *known = Known { others: [second, third], code: code.saturating_add(1) };
        }
    }
}
