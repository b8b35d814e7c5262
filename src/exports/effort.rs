//! What the threads of the decoder spend their time on: a look at the clock for each block of a
//! file, never for a row. Tokenising and encoding are one part, since they take turns at every cell.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A part of decoding.
#[derive(Clone, Copy)]
pub enum Part {
    /// Bytes from the disk, unpacked where they are packed.
    Read,
    /// The hash of a file.
    Hash,
    /// From bytes to records, and from records to coded rows.
    Rows,
}

/// The time of all threads together, by part.
#[derive(Default)]
pub struct Effort([AtomicU64; 3]);

impl Effort {
    /// Does a part of the work.
    pub fn spend<T>(&self, part: Part, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        let [read, hash, rows] = &self.0;
        let spent = match part {
            Part::Read => read,
            Part::Hash => hash,
            Part::Rows => rows,
        };
        spent.fetch_add(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        result
    }

    /// The parts by name.
    pub fn parts(&self) -> [(&'static str, Duration); 3] {
        let [read, hash, rows] = self.0.each_ref().map(|spent| spent.load(Ordering::Relaxed));
        [("read", read), ("hash", hash), ("tokenise and encode", rows)]
            .map(|(name, spent)| (name, Duration::from_nanos(spent)))
    }
}
