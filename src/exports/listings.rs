//! The dictionary of listings: under which URI, title and artist cell a chart names a track.
//!
//! Twenty-five million rows name some tens of thousands of tracks. Each worker keeps a dictionary
//! of its own, so that no row waits for a lock; the ledger merges them once.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::cells::Reason;

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

/// A dictionary from the raw cells of a row to a code.
#[derive(Default)]
pub struct Listings {
    index: HashTable<Entry>,
    raw: Vec<u8>,
    names: Vec<Listing>,
}

struct Entry {
    hash: u64,
    /// Where the raw cells stand in `raw`.
    start: usize,
    lengths: [u32; 3],
    code: u32,
}

/// An identifier differs in its last characters, and hashing these alone is much faster than all
/// three cells. Equality looks at all of them.
fn hash(cells: [&[u8]; 3]) -> u64 {
    let mut hasher = FxHasher::default();
    match cells[0].last_chunk::<16>() {
        Some(tail) => hasher.write_u128(u128::from_le_bytes(*tail)),
        None => cells.iter().for_each(|cell| hasher.write(cell)),
    }
    hasher.finish()
}

impl Listings {
    /// The code of the listing that these raw cells name. `name` turns them into a listing the
    /// first time they are seen.
    ///
    /// # Errors
    /// The reason that `name` gives; nothing is kept then.
    pub fn code(
        &mut self,
        cells: [&[u8]; 3],
        name: impl FnOnce() -> Result<Listing, Reason>,
    ) -> Result<u32, Reason> {
        let hash = hash(cells);
        let raw = &self.raw;
        let same = |entry: &Entry| {
            let mut at = entry.start;
            entry.hash == hash
                && cells.iter().zip(entry.lengths).all(|(cell, length)| {
                    let length = length as usize;
                    at += length;
                    cell.len() == length && raw[at - length..at] == **cell
                })
        };
        if let Some(entry) = self.index.find(hash, same) {
            return Ok(entry.code);
        }
        let listing = name()?;
        let code = self.names.len() as u32;
        let start = self.raw.len();
        cells.iter().for_each(|cell| self.raw.extend_from_slice(cell));
        let lengths = cells.map(|cell| cell.len() as u32);
        self.index.insert_unique(hash, Entry { hash, start, lengths, code }, |entry| entry.hash);
        self.names.push(listing);
        Ok(code)
    }

    /// The listings in the order of their codes.
    pub fn into_names(self) -> Vec<Listing> {
        self.names
    }
}
