//! What a pipeline allows of its exports, and whether a file stood still while it was read.
//!
//! A file that a downloader is still writing must not come in by halves, and must not be lost
//! either: it is left out with a sentence, and because it is not in the ledger then, the next run
//! looks at it again. A file is left out if its size or time is not what it was when it was found,
//! or if it was changed within the last [`RECENT`] and ends in the middle of a row. Only the
//! second rule could leave a finished file out, and only for that long.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::discover::Found;
use super::open::Packing;

/// A file changed less than this long ago may still be growing.
pub const RECENT: Duration = Duration::from_secs(10);
/// The longest row. A quote that is never closed makes a row of the rest of the file.
pub const LONGEST_ROW: usize = 16 << 20;
/// What the rows set aside of one file may take in memory and in the ledger.
pub const MOST_SET_ASIDE: u64 = 256 << 20;

/// What a pipeline allows of its exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Intake {
    /// Whether a root may be empty or gone although the ledger knows exports from there.
    pub may_be_empty: bool,
    /// Whether symbolic links may lead out of the roots.
    pub links_out: bool,
    /// How much a packed file may become.
    pub max_unpacked: MaxUnpacked,
}

/// How much a packed file may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxUnpacked {
    /// In bytes, whatever its size.
    pub bytes: u64,
    /// As a multiple of its size.
    pub ratio: u64,
}

impl Default for MaxUnpacked {
    /// Charts become 4 to 10 times as large, as Parquet up to 30; an attack, a thousand times.
    fn default() -> Self {
        Self { bytes: 64_000_000_000, ratio: 200 }
    }
}

impl MaxUnpacked {
    /// What a small file may become in any case: one line a hundred times packs very well.
    const HARMLESS: u64 = 64_000_000;

    /// The most bytes that a file of `packed` bytes may become.
    pub fn of(self, packed: u64) -> u64 {
        packed.saturating_mul(self.ratio).max(Self::HARMLESS).min(self.bytes)
    }

    /// The error of a file that becomes more.
    pub fn exceeded(self, packed: u64) -> io::Error {
        unfit(format!(
            "it unpacks to more than {} bytes, too much for a file of {packed}; if that is right, raise \
             max_unpacked under [exports] in the pipeline",
            self.of(packed)
        ))
    }
}

/// A file that is refused for what it is; the sentence stands for itself.
pub fn unfit(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, problem)
}

/// A row that does not end.
pub fn endless_row(at: u64) -> io::Error {
    unfit(format!(
        "the row at byte {at} is longer than {} MiB: no line end, or a quote that is never closed",
        LONGEST_ROW >> 20
    ))
}

/// A text that is longer than a row may be.
pub fn endless_text(column: &str, bytes: usize) -> io::Error {
    unfit(format!(
        "a text in its column {column} has {bytes} bytes, and a row may have {} MiB",
        LONGEST_ROW >> 20
    ))
}

/// Too many rows that cannot be used.
pub fn too_many_set_aside() -> io::Error {
    unfit(format!(
        "more than {} MiB of its rows cannot be used: this is no chart export",
        MOST_SET_ASIDE >> 20
    ))
}

/// A reader that fails where the limit is passed.
pub struct Limited<R> {
    pub inner: R,
    pub left: u64,
    pub limit: MaxUnpacked,
    pub packed: u64,
}

impl<R: io::Read> io::Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(self.limit.exceeded(self.packed)),
        }
        Ok(count)
    }
}

/// Opens an export. What was a file when it was found may be a pipe by now, which would wait for a
/// writer for ever.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a regular file any more")),
    }
}

/// When a file was last changed, in nanoseconds since 1970.
pub fn modified(meta: &std::fs::Metadata) -> u64 {
    let since = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Why a file that has just been read is left for the next run; `cut_off` says that its packing
/// breaks off.
pub fn unsettled(found: &Found, cut_off: bool) -> Option<String> {
    let meta = match std::fs::metadata(&found.path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some("it was removed before it was read to its end; nothing of it is taken".to_owned());
        }
        // Whatever is wrong, reading it has said so already.
        Err(_) => return None,
    };
    if meta.len() != found.size || modified(&meta) != found.modified {
        return Some("it changed while it was read; left for the next run".to_owned());
    }
    let cut_off =
        || (cut_off && !is_whole_parquet(&found.path, found.size)) || in_mid_row(&found.path, found.size);
    if found.size > 0 && is_recent(found.modified) && cut_off() {
        let seconds = RECENT.as_secs();
        return Some(format!(
            "it breaks off in the middle of a row and was changed less than {seconds} s ago, so it may still be \
             growing; left for the next run"
        ));
    }
    None
}

/// A time in the far future is a wrong clock and not a reason to wait for it.
fn is_recent(modified: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    now.abs_diff(u128::from(modified)) < RECENT.as_nanos()
}

/// Whether a file begins and ends as Parquet does, so that nothing more will be written to it.
fn is_whole_parquet(path: &Path, size: u64) -> bool {
    let mut ends = [[0; 4]; 2];
    let [start, last] = &mut ends;
    let read = open(path).and_then(|file| {
        file.read_exact_at(start, 0)?;
        file.read_exact_at(last, size.saturating_sub(4))
    });
    read.is_ok() && size >= 8 && Packing::of(start) == Packing::Parquet && last == start
}

/// Whether a plain text file ends without a line end. Others say by their packing that they end.
fn in_mid_row(path: &Path, size: u64) -> bool {
    let mut ends = [[0; 4]; 2];
    let [start, last] = &mut ends;
    let read = open(path).and_then(|file| {
        file.read_at(start, 0)?;
        file.read_at(&mut last[..1], size.saturating_sub(1))
    });
    read.is_ok() && Packing::of(start) == Packing::Plain && !matches!(last[0], b'\n' | b'\r')
}
