//! Folds put aside at the ends of months, so that a night counts its own month alone.
//!
//! ```text
//! out/<pipeline>/.state/<month>.fold     what the months before <month> add up to
//! ```
//!
//! They are a convenience: without them every month is counted again, to the same tables. One is
//! used only if everything that it was made of is the same: the program, the bytes of every month
//! before it, and the names that their codes stand for. That the pipeline and the catalog read them
//! in the same way is for [`crate::tally::FoldState`] to say.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tracing::{debug, warn};

use crate::dates::Month;
use crate::error::Result;
use crate::files;
use crate::ledger::Ledger;
use crate::pipeline::Plan;
use crate::tally::{FoldState, SurveyState};

const FOLDER: &str = ".state";
const EXTENSION: &str = "fold";

/// The folds that are kept for a pipeline.
pub struct Checkpoints {
    /// Where; `None` to keep none and to use none.
    folder: Option<PathBuf>,
    /// Whether those that are there may be used.
    usable: bool,
}

/// What the months before `month` add up to, as it was read.
pub struct Kept {
    /// The first month that is not in it.
    pub month: Month,
    bytes: Vec<u8>,
    /// Where the header ends.
    from: usize,
}

impl Kept {
    /// What the first pass and the second go on from; `None` if it cannot be read.
    pub fn states(&self) -> Option<(SurveyState, FoldState<'_>)> {
        postcard::from_bytes(self.bytes.get(self.from..)?).ok()
    }
}

/// What a kept fold was made of.
#[derive(Serialize, Deserialize)]
struct Header {
    inputs: [u8; 32],
    listings: usize,
    exports: usize,
    regions: usize,
}

/// A writer that knows the hash of what was written, and why it could not be.
struct Hashed<W> {
    digest: blake3::Hasher,
    inner: W,
    failed: Option<io::Error>,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.inner.write(bytes) {
            Ok(written) => {
                self.digest.update(&bytes[..written]);
                Ok(written)
            }
            // Whoever serializes only says that its buffer is full.
            Err(error) => Err(self.failed.insert(error).kind().into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Checkpoints {
    /// None at all.
    pub const NONE: Self = Self { folder: None, usable: false };

    /// Those of a plan: not for a past date, and none of the present ones if every month is to be
    /// counted again.
    pub fn of(plan: &Plan) -> Self {
        let folder = plan.as_of.is_none().then(|| plan.out.join(FOLDER));
        Self { folder, usable: !plan.full }
    }

    /// The newest one that is of the same past as the ledger.
    pub fn newest(&self, ledger: &Ledger) -> Option<Kept> {
        let folder = self.folder.as_ref().filter(|_| self.usable)?;
        let mut months = self.months();
        months.sort_unstable();
        months.into_iter().rev().find_map(|month| {
            let mut bytes = std::fs::read(folder.join(file_name(month))).ok()?;
            let (content, sum) = bytes.split_last_chunk::<{ blake3::OUT_LEN }>()?;
            if blake3::hash(content).as_bytes() != sum {
                warn!(%month, "the kept fold is damaged; counting without it");
                return None;
            }
            let (header, rest) = postcard::take_from_bytes::<Header>(content).ok()?;
            if inputs(ledger, month, &header)? != header.inputs {
                debug!(%month, "the kept fold is of another past");
                return None;
            }
            let from = content.len() - rest.len();
            bytes.truncate(bytes.len() - blake3::OUT_LEN);
            Some(Kept { month, bytes, from })
        })
    }

    /// The months at whose beginning a fold is worth keeping, in order: the newest, for tonight, the
    /// one before, for exports that come late, and January, for those that come later still.
    pub fn boundaries(&self, ledger: &Ledger) -> Vec<Month> {
        let months = || ledger.state.months.keys().map(|key| key.month);
        let (Some(first), Some(newest)) = (months().min(), months().max()) else { return Vec::new() };
        if self.folder.is_none() {
            return Vec::new();
        }
        let january = Month(newest.0 - newest.0 % 12);
        let mut boundaries = vec![january, Month(newest.0.saturating_sub(1)), newest];
        boundaries.sort_unstable();
        boundaries.dedup();
        boundaries.retain(|month| *month > first);
        boundaries
    }

    /// Keeps what the months before `month` add up to. That it cannot be kept is no reason to stop.
    pub fn keep(&self, ledger: &Ledger, month: Month, survey: &SurveyState, fold: &FoldState<'_>) {
        let Some(folder) = &self.folder else { return };
        let state = &ledger.state;
        let mut header = Header {
            inputs: [0; 32],
            listings: state.listings.len(),
            exports: state.exports.len(),
            regions: state.regions.len(),
        };
        header.inputs = inputs(ledger, month, &header).unwrap_or_default();
        let write = || -> Result<()> {
            files::create_directory(folder)?;
            files::sweep(folder);
            files::put_aside(&folder.join(file_name(month)), |file| {
                let hashed = Hashed { digest: blake3::Hasher::new(), inner: file, failed: None };
                let mut buffer = BufWriter::with_capacity(1 << 16, hashed);
                if let Err(error) = postcard::to_io(&(&header, survey, fold), &mut buffer) {
                    return Err(buffer.get_mut().failed.take().unwrap_or_else(|| io::Error::other(error)));
                }
                let Hashed { digest, inner, .. } = buffer.into_inner()?;
                inner.write_all(digest.finalize().as_bytes())
            })
        };
        if let Err(error) = write() {
            warn!(%error, "the fold could not be kept; the next run counts more months again");
        }
    }

    /// Removes those that are not at one of the months.
    pub fn sweep(&self, boundaries: &[Month]) {
        let Some(folder) = &self.folder else { return };
        for month in self.months().into_iter().filter(|month| !boundaries.contains(month)) {
            // One that stays is only in the way of disk space.
            let _ = std::fs::remove_file(folder.join(file_name(month)));
        }
    }

    fn months(&self) -> Vec<Month> {
        let entries = self.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok());
        let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        let month = |name: std::ffi::OsString| {
            Month::parse(name.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?)
        };
        names.filter_map(month).collect()
    }
}

fn file_name(month: Month) -> String {
    format!("{month}.{EXTENSION}")
}

/// A digest of everything before a month; `None` if the ledger knows fewer names than the header.
fn inputs(ledger: &Ledger, month: Month, header: &Header) -> Option<[u8; 32]> {
    let state = &ledger.state;
    let mut digest = blake3::Hasher::new();
    let mut text = |text: &str| {
        digest.update(&(text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    text(crate::PROGRAM);
    text(&month.to_string());
    for (key, file) in state.months.iter().filter(|(key, _)| key.month < month) {
        [&key.chart, &key.month.to_string(), &file.path].into_iter().for_each(|part| text(part));
    }
    text("lost");
    for (key, path) in state.lost.iter().filter(|(key, _)| key.month < month) {
        [&key.chart, &key.month.to_string(), path].into_iter().for_each(|part| text(part));
    }
    for listing in state.listings.get(..header.listings)? {
        [&listing.uri, &listing.title, &listing.artists].into_iter().for_each(|part| text(part));
    }
    for export in state.exports.get(..header.exports)? {
        // A name is followed by its hash once a corrected file has replaced it; its months tell.
        text(if export.replaced {
            export.name.rsplit_once('@').map_or("", |name| name.0)
        } else {
            &export.name
        });
    }
    for region in state.regions.get(..header.regions)? {
        text(region);
    }
    Some(*digest.finalize().as_bytes())
}
