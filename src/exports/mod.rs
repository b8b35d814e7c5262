//! Exports: from files to observations.
//!
//! [`discover`] finds the files, [`decode`] recognises the dialect of each and turns its rows into
//! coded columns, in parallel over files and, in a large file, over blocks. Rows that cannot be
//! used are set aside with their reason; nothing else is lost.
//!
//! | file | job |
//! |---|---|
//! | `discover.rs` | which files |
//! | `intake.rs` | limits, and files that are still being written |
//! | `objects.rs`, `known.rs` | exports at object stores: fetched in batches; what was in them |
//! | `open.rs` | packing and head of a file |
//! | `propose.rs` | a guess at the columns of an unknown file |
//! | `dialect/` | one file for each shape: head to layout |
//! | `effort.rs` | what the threads spend their time on |
//! | `records.rs` | bytes to records, as the `csv` crate would |
//! | `blocks.rs` | one large file in parallel |
//! | `typed.rs` | Parquet |
//! | `rows.rs` | records to observations, following a layout |
//! | `cells.rs`, `regions.rs` | the text of a cell to a value |
//! | `listings.rs` | the dictionary of tracks as charts name them |

mod blocks;
pub mod cells;
pub mod dialect;
mod discover;
mod effort;
mod intake;
mod known;
mod listings;
mod objects;
mod open;
pub mod propose;
pub mod records;
mod regions;
mod rows;
mod typed;

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

pub use discover::{Discovered, ENDINGS, Found, LeftOut, discover, discover_all, discover_with};
pub use intake::{Intake, MaxUnpacked};
pub use known::{Content as ObjectContent, Known, Writing};
pub use listings::Listing;
pub use objects::{Copies, Objects, sweep};
pub use rows::apart;
pub use rows::{NO_STREAMS, NO_TOTAL, Reported, Rows, SetAside, Stretch};

use crate::dates::{Day, Month};
use dialect::{Layout, Mapped};
use effort::{Effort, Part as Work};
use intake::Limited;
use listings::Listings;
use open::{Packing, read_full};
use rows::{RowDecoder, Run, Scopes};

/// Everything that a set of exports says.
pub struct Decoded {
    /// One for each file, in the order given.
    pub exports: Vec<Export>,
    /// The charts, by code.
    pub charts: Vec<String>,
    /// Chart and region of each scope, by code.
    pub scopes: Vec<(String, String)>,
    /// One dictionary of listings for each worker.
    pub dictionaries: Vec<Vec<Listing>>,
    /// The observations, in the order of the exports and of their rows.
    pub pieces: Vec<Piece>,
}

/// One file, and what was found in it.
pub struct Export {
    /// The file.
    pub found: Found,
    /// BLAKE3 of its bytes; `None` if it could not be read.
    pub hash: Option<blake3::Hash>,
    /// Its rows, or why it cannot be used.
    pub content: Result<Content, String>,
}

/// The account of an export's rows.
#[derive(Default)]
pub struct Content {
    /// The name of its dialect.
    pub dialect: String,
    /// All rows below the header.
    pub rows_read: u64,
    /// The rows that were set aside, in the order of their lines.
    pub set_aside: Vec<SetAside>,
    /// First and last day.
    pub days: Option<(Day, Day)>,
}

/// Observations of one export, one chart and one month.
pub struct Piece {
    /// Index of the export.
    pub export: u32,
    /// Index of the dictionary that codes the listings.
    pub dictionary: u32,
    /// Code of the chart.
    pub chart: u16,
    /// The month.
    pub month: Month,
    /// The observations.
    pub rows: Rows,
}

/// How far a decoding is; read by whoever draws a progress bar.
#[derive(Default)]
pub struct Progress {
    expected: AtomicU64,
    bytes: AtomicU64,
    rows: AtomicU64,
    seen: AtomicU64,
    effort: Effort,
}

impl Progress {
    /// Says how many bytes there are to read.
    pub fn will_read(&self, bytes: u64) {
        self.expected.store(bytes, Ordering::Relaxed);
    }

    /// Bytes of exports to read in all; 0 until they are found.
    pub fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    /// Bytes of exports read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Rows decoded so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows looked at so far, those that were looked at twice counted twice: for people who wait.
    pub fn rows_seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// What the threads have spent their time on so far, all of them together.
    pub fn efforts(&self) -> [(&'static str, std::time::Duration); 3] {
        self.effort.parts()
    }

    fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What all workers share.
struct Decoder<'a> {
    mapped: &'a [Mapped],
    scopes: Scopes,
    workers: Workers,
    limit: MaxUnpacked,
    progress: &'a Progress,
}

/// Dictionaries that lie ready for the next block: never more than there are threads.
#[derive(Default)]
struct Workers {
    idle: Mutex<(u32, Vec<Worker>)>,
}

struct Worker {
    id: u32,
    /// The thread that had it last: what it knows is in the cache of that processor.
    thread: Option<usize>,
    listings: Listings,
    /// Memory for the bytes of a block and for its rows: fresh pages cost more than decoding.
    bytes: Vec<u8>,
    rows: Rows,
}

impl Workers {
    fn take(&self) -> Worker {
        let thread = rayon::current_thread_index();
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (count, workers) = &mut *idle;
        let own = workers.iter().position(|worker| worker.thread == thread);
        match own.or(workers.len().checked_sub(1)) {
            Some(place) => Worker { thread, ..workers.swap_remove(place) },
            None => {
                *count += 1;
                let (listings, bytes, rows) = Default::default();
                Worker { id: *count - 1, thread, listings, bytes, rows }
            }
        }
    }

    fn give_back(&self, worker: Worker) {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).1.push(worker);
    }

    fn into_dictionaries(self) -> Vec<Vec<Listing>> {
        let (_, mut workers) = self.idle.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        workers.sort_by_key(|worker| worker.id);
        workers.into_iter().map(|worker| worker.listings.into_names()).collect()
    }
}

/// The decoded rows of a part of a file.
#[derive(Default)]
struct Block {
    dictionary: u32,
    parts: Vec<Part>,
    days: Option<(Day, Day)>,
    set_aside: Vec<SetAside>,
    read: u64,
    /// Line ends in the block: the lines of the next one are counted from there.
    lines: u32,
}

impl Block {
    /// What the rows set aside take, about.
    fn weight_set_aside(&self) -> u64 {
        self.set_aside.iter().map(|row| (row.raw.len() + size_of::<SetAside>()) as u64).sum()
    }

    /// Whether the packing of the file breaks off here.
    fn is_cut_off(&self) -> bool {
        self.set_aside.last().is_some_and(|row| row.reason == cells::Reason::Unreadable)
    }
}

/// The rows of a block that fall into one chart and month.
struct Part {
    chart: u16,
    month: Month,
    rows: Rows,
}

impl Worker {
    /// Decodes a block: `work` shows its records to the decoder and says how many lines it had.
    fn block(
        &mut self,
        decoder: &Decoder<'_>,
        layout: &Layout,
        first_line: u32,
        work: impl FnOnce(&mut RowDecoder<'_>) -> u32,
    ) -> Block {
        let rows = std::mem::take(&mut self.rows);
        let mut rows = RowDecoder::new(layout, &decoder.scopes, &mut self.listings, rows, first_line);
        let lines = decoder.progress.effort.spend(Work::Rows, || work(&mut rows));
        let RowDecoder { mut rows, runs, set_aside, read, .. } = rows;
        let parts = parts(&rows, &runs);
        let days = || rows.stretches.iter().map(|stretch| stretch.day);
        let days = days().min().zip(days().max());
        rows.clear();
        self.rows = rows;
        decoder.progress.seen.fetch_add(read, Ordering::Relaxed);
        Block { dictionary: self.id, parts, days, set_aside, read, lines }
    }
}

/// Rows apart by chart and month, in memory of just their size.
fn parts(rows: &Rows, runs: &[Run]) -> Vec<Part> {
    let ends = runs.iter().skip(1).map(|run| (run.stretch, run.start));
    let ends = ends.chain([(rows.stretches.len(), rows.len())]);
    let mut runs: Vec<(Run, (usize, usize))> = runs.iter().copied().zip(ends).collect();
    runs.sort_by_key(|(run, _)| (run.chart, run.month));
    runs.chunk_by(|(a, _), (b, _)| (a.chart, a.month) == (b.chart, b.month))
        .map(|same| {
            let count = same.iter().map(|(run, (_, end))| end - run.start).sum();
            let mut part = Rows::with_capacity(count, rows);
            for (run, (last, end)) in same {
                part.extend_from(rows, run.stretch..*last, run.start..*end);
            }
            Part { chart: same[0].0.chart, month: same[0].0.month, rows: part }
        })
        .collect()
}

/// Decodes exports, in parallel on the current rayon pool.
///
/// A file that cannot be used does not stop the others: its [`Export::content`] says why.
pub fn decode(found: Vec<Found>, mapped: &[Mapped], progress: &Progress) -> Decoded {
    decode_within(found, mapped, MaxUnpacked::default(), progress)
}

/// The same, with a limit for packed files.
pub fn decode_within(
    found: Vec<Found>,
    mapped: &[Mapped],
    limit: MaxUnpacked,
    progress: &Progress,
) -> Decoded {
    let mut decoding = Decoding::new(mapped, limit, progress);
    decoding.add(found);
    decoding.finish()
}

/// A decoding of several batches of exports, with the same dictionaries for all of them.
pub struct Decoding<'a> {
    decoder: Decoder<'a>,
    exports: Vec<Export>,
    pieces: Vec<Piece>,
}

impl<'a> Decoding<'a> {
    /// One that has decoded nothing yet.
    pub fn new(mapped: &'a [Mapped], limit: MaxUnpacked, progress: &'a Progress) -> Self {
        let (scopes, workers) = (Scopes::default(), Workers::default());
        let decoder = Decoder { mapped, scopes, workers, limit, progress };
        Self { decoder, exports: Vec::new(), pieces: Vec::new() }
    }

    /// Decodes exports, in parallel on the current rayon pool; what they are, in the order given.
    pub fn add(&mut self, found: Vec<Found>) -> &mut [Export] {
        let (decoder, first) = (&self.decoder, self.exports.len());
        let decoded: Vec<(Export, Vec<Piece>)> = found
            .into_par_iter()
            .enumerate()
            .map(|(index, found)| {
                let (export, blocks) = decoder.export(found);
                let pieces = pieces((first + index) as u32, blocks);
                (export, pieces)
            })
            .collect();
        for (export, pieces) in decoded {
            self.exports.push(export);
            self.pieces.extend(pieces);
        }
        self.exports.get_mut(first..).unwrap_or_default()
    }

    /// Everything that was decoded.
    pub fn finish(self) -> Decoded {
        let (charts, scopes) = self.decoder.scopes.into_names();
        Decoded {
            exports: self.exports,
            charts,
            scopes,
            dictionaries: self.decoder.workers.into_dictionaries(),
            pieces: self.pieces,
        }
    }
}

impl Decoder<'_> {
    fn export(&self, found: Found) -> (Export, Vec<Block>) {
        let read = self.read(&found);
        let cut_off = match &read {
            Ok((_, Ok((_, blocks)))) => blocks.iter().any(Block::is_cut_off),
            Ok(_) => false,
            // What the unpacking says, not the system.
            Err(error) => error.raw_os_error().is_none() && error.kind() != io::ErrorKind::FileTooLarge,
        };
        if let Some(problem) = intake::unsettled(&found, cut_off) {
            return (Export { found, hash: None, content: Err(problem) }, Vec::new());
        }
        match read {
            Ok((hash, Ok((layout, mut blocks)))) => {
                let mut content = Content { dialect: layout.dialect, ..Content::default() };
                let mut line = layout.first_row.1 + 1;
                for block in &mut blocks {
                    let offset = line;
                    line = line.saturating_add(block.lines);
                    for part in &mut block.parts {
                        for stretch in &mut part.rows.stretches {
                            stretch.line = stretch.line.saturating_add(offset);
                        }
                    }
                    block.set_aside.iter_mut().for_each(|row| row.line = row.line.saturating_add(offset));
                    content.rows_read += block.read;
                    content.set_aside.append(&mut block.set_aside);
                    let days = [content.days, block.days].into_iter().flatten();
                    content.days = days.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
                }
                self.progress.rows.fetch_add(content.rows_read, Ordering::Relaxed);
                (Export { found, hash: Some(hash), content: Ok(content) }, blocks)
            }
            Ok((hash, Err(problem))) => {
                (Export { found, hash: Some(hash), content: Err(problem) }, Vec::new())
            }
            Err(error) => {
                let problem = match error.kind() {
                    io::ErrorKind::FileTooLarge => error.to_string(),
                    _ => format!("cannot be read: {error}"),
                };
                (Export { found, hash: None, content: Err(problem) }, Vec::new())
            }
        }
    }

    /// The hash of a file, and its layout and rows or the reason why no dialect fits.
    #[allow(clippy::type_complexity)]
    fn read(&self, found: &Found) -> io::Result<(blake3::Hash, Result<(Layout, Vec<Block>), String>)> {
        if found.size < blocks::LARGE {
            return self.read_whole(found);
        }
        let (packing, head) = open::head(found)?;
        let layout = match dialect::recognise(&head, self.mapped) {
            Ok(layout) => layout,
            Err(problem) => return Ok((hash_file(found)?, Err(problem))),
        };
        let mut file = intake::open(&found.path)?;
        // Read ahead generously; a file system that does not know the advice reads all the same.
        #[cfg(target_os = "linux")]
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        let (blocks, hash) = match packing {
            Packing::Plain => blocks::decode(self, &layout, &file, found.size)?,
            Packing::Parquet => {
                let blocks = typed::decode(self, &layout, found)?;
                self.progress.add_bytes(found.size);
                (blocks, self.progress.effort.spend(Work::Hash, || hash_file(found))?)
            }
            Packing::Gzip | Packing::Zstandard => {
                let mut hashing = Hashing { inner: &mut file, hasher: blake3::Hasher::new(), decoder: self };
                let blocks = self.stream(&layout, found, packing.unpack(&mut hashing)?)?;
                // The decompressor may stop before the end of the file; the hash must not.
                io::copy(&mut hashing, &mut io::sink())?;
                (blocks, hashing.hasher.finalize())
            }
        };
        Ok((hash, Ok((layout, blocks))))
    }

    /// The same for a file that fits in memory many times over: one read for hash, head and rows.
    #[allow(clippy::type_complexity)]
    fn read_whole(&self, found: &Found) -> io::Result<(blake3::Hash, Result<(Layout, Vec<Block>), String>)> {
        let mut bytes = Vec::with_capacity(usize::try_from(found.size).unwrap_or_default());
        // A file that has grown by now is left for the next run, however much came to it.
        let read = || intake::open(&found.path)?.take(found.size).read_to_end(&mut bytes);
        self.progress.effort.spend(Work::Read, read)?;
        let hash = self.progress.effort.spend(Work::Hash, || blake3::hash(&bytes));
        self.progress.add_bytes(bytes.len() as u64);
        let packing = Packing::of(&bytes);
        let (packing, head) = match packing {
            Packing::Plain => (packing, open::head_of(open::file_name(found), open::head_bytes(&bytes))),
            _ => open::head(found)?,
        };
        let layout = match dialect::recognise(&head, self.mapped) {
            Ok(layout) => layout,
            Err(problem) => return Ok((hash, Err(problem))),
        };
        let blocks = match packing {
            Packing::Plain => {
                let first = layout.first_row.0.min(bytes.len());
                vec![self.last_block(&layout, &bytes[first..])]
            }
            Packing::Parquet => typed::decode(self, &layout, found)?,
            Packing::Gzip | Packing::Zstandard => {
                self.stream(&layout, found, packing.unpack(bytes.as_slice())?)?
            }
        };
        Ok((hash, Ok((layout, blocks))))
    }

    /// All records of `bytes`, the end of a file.
    fn last_block(&self, layout: &Layout, bytes: &[u8]) -> Block {
        let mut worker = self.workers.take();
        let block = worker.block(self, layout, 0, |rows| {
            records::for_each_record(bytes, usize::MAX, layout.delimiter, true, rows).lines
        });
        self.workers.give_back(worker);
        block
    }

    /// Decodes unpacked bytes as they come. Where the packing is damaged, what came before counts
    /// and the rest is one quarantined row.
    fn stream(&self, layout: &Layout, found: &Found, unpacked: impl Read) -> io::Result<Vec<Block>> {
        const CHUNK: usize = 8 << 20;
        let (limit, packed) = (self.limit, found.size);
        let mut reader = Limited { inner: unpacked, left: limit.of(packed), limit, packed };
        let (mut before, mut set_aside) = (0, 0);
        let mut blocks = Vec::new();
        let mut bytes: Vec<u8> = Vec::new();
        let mut skip = layout.first_row.0;
        loop {
            let kept = bytes.len();
            bytes.resize(kept + CHUNK.max(kept), 0);
            let (count, read) =
                self.progress.effort.spend(Work::Read, || read_full(&mut reader, &mut bytes[kept..]));
            let broken = match read {
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Err(error),
                read => read.err(),
            };
            bytes.truncate(kept + count);
            let last = broken.is_some() || count < CHUNK.max(kept);
            let start = skip.min(bytes.len());
            let mut worker = self.workers.take();
            let whole = last && broken.is_none();
            let mut used = start;
            blocks.push(worker.block(self, layout, 0, |rows| {
                let end = usize::MAX;
                let consumed = records::for_each_record(&bytes[start..], end, layout.delimiter, whole, rows);
                if let Some(error) = broken {
                    let (line, reason) = (consumed.lines, cells::Reason::Unreadable);
                    rows.set_aside.push(SetAside { line, reason, raw: error.to_string() });
                    rows.read += 1;
                }
                used += consumed.bytes;
                consumed.lines
            }));
            self.workers.give_back(worker);
            set_aside += blocks.last().map_or(0, Block::weight_set_aside);
            if set_aside > intake::MOST_SET_ASIDE {
                return Err(intake::too_many_set_aside());
            }
            if last {
                return Ok(blocks);
            }
            skip -= start;
            before += used as u64;
            bytes.drain(..used);
            if bytes.len() > intake::LONGEST_ROW {
                return Err(intake::endless_row(before));
            }
        }
    }
}

/// Hashes what is read through it.
struct Hashing<'a, R> {
    inner: R,
    hasher: blake3::Hasher,
    decoder: &'a Decoder<'a>,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.decoder.progress.add_bytes(count as u64);
        Ok(count)
    }
}

fn hash_file(found: &Found) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(intake::open(&found.path)?)?;
    Ok(hasher.finalize())
}

/// The parts of an export's blocks.
fn pieces(export: u32, blocks: Vec<Block>) -> Vec<Piece> {
    let of_block = |Block { dictionary, parts, .. }| {
        parts.into_iter().map(move |Part { chart, month, rows }| Piece {
            export,
            dictionary,
            chart,
            month,
            rows,
        })
    };
    blocks.into_iter().flat_map(of_block).collect()
}
