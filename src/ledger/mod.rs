//! The ledger: the only durable state.
//!
//! A directory that is also a Delta Lake table (protocol reader 1, writer 2), so that other tools
//! read every version of it without us:
//!
//! ```text
//! ledger/
//!   _delta_log/00000000000000000000.json   one commit: months added and removed, dictionaries named
//!   _chartledger/<kind>-<hash>.parquet     exports, quarantine, listings, lost rows of a commit
//!   months/chart=C/month=M/<hash>.parquet  observations of one chart and month
//!   .lock                                  held by the one writer
//! ```
//!
//! Files never change once they have their name. A run reads the newest commit, [`merge`]s what it
//! decoded into the months that this touches, and commits all of it or nothing.

mod chain;
mod commit;
mod corrections;
mod foresee;
mod forget;
mod history;
mod log;
mod losses;
mod merge;
mod month;
mod named;
mod policy;
mod register;
mod settle;
mod vacuum;

pub use chain::{AddedMonth, Logged, Named, live, logged};
pub use commit::Update;
pub use corrections::Correction;
pub use forget::Forgotten;
pub use history::{Commit, commits};
pub use losses::Withheld;
pub use merge::{Change, MonthKey, classify, track_codes};
pub use month::Observation;
pub use named::{WAY_OUT, hash_in};
pub use policy::{OnConflict, OnLoss, Policy};
pub use register::{ExportEntry, Quarantined, RowAccount};
pub use settle::{Loss, Settled};
pub use vacuum::{Vacuumed, vacuum};

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::Listing;
use crate::files;

/// A ledger as of its newest commit.
pub struct Ledger {
    root: PathBuf,
    /// The newest commit; `None` before the first.
    pub version: Option<u64>,
    /// What it says.
    pub state: State,
}

/// What a commit says.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The table's own identifier; `None` before the first commit.
    pub id: Option<String>,
    /// When the newest commit was made, in milliseconds since 1970.
    pub committed: i64,
    /// The months by chart and month.
    pub months: BTreeMap<MonthKey, MonthFile>,
    /// The files of rows that do not count, by chart and month.
    pub lost: BTreeMap<MonthKey, String>,
    /// Exports by code: a code is the index.
    pub exports: Vec<ExportEntry>,
    /// Rows set aside.
    pub quarantine: Vec<Quarantined>,
    /// Listings by code.
    pub listings: Vec<Listing>,
    /// Regions by code.
    pub regions: Vec<String>,
    /// Exports that were taken out on purpose and are not taken in again.
    pub forgotten: Vec<Forgotten>,
}

impl State {
    /// The exports that were not taken out, with their codes.
    pub fn listed(&self) -> impl Iterator<Item = (u32, &ExportEntry)> {
        let all = self.exports.iter().enumerate().map(|(code, entry)| (code as u32, entry));
        all.filter(|(_, entry)| !entry.forgotten)
    }
}

/// An immutable file of observations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthFile {
    /// Path relative to the ledger.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Observations.
    pub rows: u64,
}

/// The file whose lock is the right to write.
const LOCK: &str = ".lock";

/// The right to write: an operating system's lock, which a dead process cannot hold.
pub struct WriteLock {
    _file: File,
}

impl Ledger {
    /// Opens the ledger at `root` as of its newest commit. A directory that does not exist yet is
    /// an empty ledger.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a commit or a file that it names is not readable.
    pub fn open(root: &Path) -> Result<Self> {
        let (version, state) = log::newest(root, None)?;
        Ok(Self { root: root.to_owned(), version, state })
    }

    /// Opens the ledger as it was at `version`.
    ///
    /// # Errors
    /// Those of [`Ledger::open`]; files that only old commits name may be gone.
    pub fn open_at(root: &Path, version: u64) -> Result<Self> {
        let (version, state) = log::newest(root, Some(version))?;
        Ok(Self { root: root.to_owned(), version, state })
    }

    /// Whether anything was ever committed to the ledger at `root`.
    ///
    /// # Errors
    /// [`Error::Write`] if a file is in its place, [`Error::Damaged`] if its log cannot be listed.
    pub fn is_begun(root: &Path) -> Result<bool> {
        // Not a ledger that is gone, but one in whose place something else is.
        if let Some(place) = [root.to_owned(), root.join(log::LOG)].into_iter().find(|place| place.is_file())
        {
            return Err(Error::write(&place)(std::io::ErrorKind::NotADirectory.into()));
        }
        Ok(!log::versions(root)?.is_empty())
    }

    /// Whether another process has the right to write.
    pub fn is_held(root: &Path) -> bool {
        let lock = File::open(root.join(LOCK));
        lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Takes the right to write, and removes what a crashed run left behind.
    ///
    /// # Errors
    /// [`Error::Locked`] if another run has it, [`Error::Write`] if the directory cannot be made.
    pub fn lock(root: &Path) -> Result<WriteLock> {
        use std::io::{Seek, Write};
        for directory in [root.to_owned(), root.join(log::LOG), root.join(log::OWN), root.join(month::MONTHS)]
        {
            files::create_directory(&directory)?;
        }
        let path = root.join(LOCK);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::write(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&path).map_or(String::new(), |holder| format!(" ({holder})"));
                return Err(Error::Locked { path: root.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(Error::Write { path, source }),
        }
        let note = format!("process {}", std::process::id());
        let noted =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(note.as_bytes()));
        noted.map_err(Error::write(&path))?;
        for directory in [root.to_owned(), root.join(log::LOG), root.join(log::OWN), root.join(month::MONTHS)]
        {
            files::sweep(&directory);
        }
        Ok(WriteLock { _file: file })
    }

    /// Reads the observations of a month.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Damaged`].
    pub fn read_month(&self, key: &MonthKey) -> Result<Vec<Observation>> {
        let mut rows = Vec::new();
        self.read_month_into(key, &mut rows)?;
        Ok(rows)
    }

    /// The same in place of what is in `rows`.
    ///
    /// # Errors
    /// Those of [`Self::read_month`].
    pub fn read_month_into(&self, key: &MonthKey, rows: &mut Vec<Observation>) -> Result<()> {
        rows.clear();
        let Some(file) = self.state.months.get(key) else { return Ok(()) };
        let State { listings, exports, regions, .. } = &self.state;
        month::read(&self.root.join(&file.path), [listings.len(), exports.len(), regions.len()], rows)
    }

    /// Reads all rows of a month, those that count and those that do not.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Damaged`].
    pub fn read_settled(&self, key: &MonthKey) -> Result<Settled> {
        let lost = self.state.lost.get(key).map(|path| month::read_lost(&self.root.join(path)));
        Ok(Settled { kept: self.read_month(key)?, lost: lost.transpose()?.unwrap_or_default() })
    }

    /// The dates of a month of which exports contradict each other, by the code of the region.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Damaged`].
    pub fn conflicts(&self, key: &MonthKey) -> Result<HashSet<(u16, Day)>> {
        let Some(path) = self.state.lost.get(key) else { return Ok(HashSet::new()) };
        Ok(settle::conflicts(&month::read_lost(&self.root.join(path))?))
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// The note that the holder of a lock left in it, once it is there: it is written after the lock is
/// taken, and what an earlier holder wrote says nothing. A courtesy; the lock itself is the truth.
fn holder(path: &Path) -> Option<String> {
    for _ in 0..20 {
        let note = std::fs::read_to_string(path).ok()?;
        let process = note.trim().strip_prefix("process ").and_then(|id| id.parse::<u32>().ok());
        if process.is_some_and(|id| Path::new("/proc").join(id.to_string()).exists()) {
            return Some(note.trim().to_owned());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    None
}

/// What settling the rows of a month once more gives, under a policy. What is on record as withheld
/// is left out: how much an export could lose when it came in is not known any more.
pub fn resettled(state: &State, month: &Settled, policy: &Policy) -> Settled {
    let lost = month.lost.iter().filter(|(_, loss)| !matches!(loss, Loss::Replaced | Loss::Withheld));
    let rows = month.kept.iter().chain(lost.map(|(row, _)| row)).copied().collect();
    let precedence = policy.without_losses(&state.exports);
    settle::settle(rows, &merge::track_codes(&state.listings), &precedence).0
}
