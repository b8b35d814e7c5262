//! Writing: months as soon as they are whole, then one commit that names them.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::forget::Forgotten;
use super::log::Operation;
use super::losses::{self, Withheld};
use super::merge::{Merged, MonthFiles, MonthKey, merge};
use super::month::{self, MONTHS};
use super::policy::{OnLoss, Policy};
use super::settle::Settled;
use super::{ExportEntry, Ledger, MonthFile, State, WriteLock, log, register};
use crate::error::{Error, Result};
use crate::exports::Decoded;
use crate::frame::Frame;
use crate::underway::{self, Stage};
use crate::{files, parquet};

/// What an update did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Exports that are new or replace one.
    pub new_exports: usize,
    /// Months that were rewritten.
    pub months: Vec<MonthKey>,
    /// Bytes of the files written.
    pub bytes: u64,
    /// The exports that do not count on some dates, because they would lose too much there.
    pub withheld: Vec<Withheld>,
}

impl Ledger {
    /// Merges decoded exports into the ledger and commits them, all or nothing. With nothing new
    /// nothing is written. Each month that is written is shown to `look` before, with a code of its
    /// track for each listing.
    ///
    /// # Errors
    /// [`Error::Input`] if an export loses too much and the policy says to stop;
    /// [`Error::Write`] and those of reading months; the ledger is then as it was.
    pub fn update(
        &mut self,
        _lock: &WriteLock,
        decoded: Decoded,
        policy: &Policy,
        look: impl Fn(&MonthKey, &Settled, &[u32]) + Sync,
    ) -> Result<Update> {
        let write = |key: &MonthKey, settled: &Settled, tracks: &[u32]| {
            look(key, settled, tracks);
            write_month(&self.root, key, settled)
        };
        let merged = merge(&self.state, decoded, policy, |key| self.read_settled(key), write)?;
        let withheld = losses::withheld(&merged.exports, &merged.regions, &merged.losing);
        if let (OnLoss::Stop, Some(Withheld { export, problem })) = (policy.on_loss, withheld.first()) {
            return Err(Error::Input(format!("--strict, and an export was withheld: {export}: {problem}")));
        }
        if merged.new_exports == 0 && merged.months.is_empty() {
            return Ok(Update { withheld, ..Update::default() });
        }
        let update = self.commit(merged, Operation::Write, self.state.forgotten.clone())?;
        Ok(Update { withheld, ..update })
    }

    /// Commits what was merged; `forgotten` is what the commit remembers as taken out.
    pub(super) fn commit(
        &mut self,
        merged: Merged,
        operation: Operation<'_>,
        forgotten: Vec<Forgotten>,
    ) -> Result<Update> {
        let root = self.root.clone();
        let mut written = 0;
        let mut side = |kind: &str, frame: Result<Frame>| {
            let bytes = parquet::to_bytes(&frame?, Vec::new())?;
            written += bytes.len() as u64;
            write_named(&root, log::OWN, &format!("{kind}-"), &bytes)
        };
        let mut months = self.state.months.clone();
        let mut lost = self.state.lost.clone();
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for (key, MonthFiles { kept: file, lost: lost_file }) in &merged.months {
            lost.remove(key);
            lost.extend(lost_file.clone().map(|file| (key.clone(), file)));
            let old = months.remove(key);
            if let Some(file) = file {
                months.insert(key.clone(), file.clone());
            }
            // Content decides a file's name: a month that comes out as it was is no change.
            if old.as_ref() != file.as_ref() {
                removed.extend(old.map(|old| (key.clone(), old)));
                added.extend(file.clone().map(|file| (key.clone(), file)));
            }
        }
        let mut dictionaries = log::Dictionaries::new(
            side("exports", register::exports_frame(&merged.exports))?,
            side("quarantine", register::quarantine_frame(&merged.quarantine))?,
            side("listings", register::listings_frame(&merged.listings))?,
            merged.regions.clone(),
            &lost,
            forgotten.clone(),
        );
        let note = note(operation, &self.state.exports, &merged.exports);
        dictionaries.came_in = Some(log::CameIn { note, ..came_in(&merged) });
        let version = self.version.map_or(0, |version| version + 1);
        let timestamp =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
        // Where the clock was set back, times still rise with the versions.
        let timestamp = match self.version {
            Some(_) => timestamp.max(self.state.committed.saturating_add(1)),
            None => timestamp,
        };
        let id = self.state.id.clone().unwrap_or_else(|| log::table_id(timestamp));
        let first = (version == 0).then_some(id.as_str());
        let text = log::commit(operation, first, timestamp, &added, &removed, &dictionaries);
        files::sync_directory(&root.join(log::OWN))?;
        let log = root.join(log::LOG);
        underway::reach(Stage::Committed, || {
            files::write_new(&log.join(log::file_name(version)), text.as_bytes())?;
            files::sync_directory(&log)
        })?;
        written += text.len() as u64 + added.iter().map(|(_, file)| file.size).sum::<u64>();

        let update = Update {
            new_exports: merged.new_exports,
            months: merged.months.into_iter().map(|(key, _)| key).collect(),
            bytes: written,
            withheld: Vec::new(),
        };
        self.version = Some(version);
        self.state = State {
            id: Some(id),
            committed: timestamp,
            months,
            lost,
            exports: merged.exports,
            quarantine: merged.quarantine,
            listings: merged.listings,
            regions: merged.regions,
            forgotten,
        };
        Ok(update)
    }
}

/// Writes the files of a month.
pub(super) fn write_month(
    root: &Path,
    key: &MonthKey,
    Settled { kept, lost }: &Settled,
) -> Result<MonthFiles> {
    let mut files = MonthFiles::default();
    if !lost.is_empty() {
        let bytes = parquet::to_bytes(&month::lost_to_frame(lost)?, Vec::new())?;
        files.lost = Some(write_named(root, log::OWN, "lost-", &bytes)?);
    }
    if !kept.is_empty() {
        let rows = kept.len() as u64;
        let bytes = parquet::to_bytes(&month::to_frame(kept)?, Vec::new())?;
        let folder = month::folder(key);
        for folder in [folder.rsplit_once('/').map_or(MONTHS, |(chart, _)| chart), &folder] {
            files::create_durable(&root.join(folder))?;
        }
        let path = write_named(root, &folder, "", &bytes)?;
        files::sync_directory(&root.join(folder))?;
        files.kept = Some(MonthFile { path, size: bytes.len() as u64, rows });
    }
    Ok(files)
}

/// What came in: new exports have the last codes.
fn came_in(merged: &Merged) -> log::CameIn {
    const NAMED: usize = 3;
    let fresh = merged.exports.len().saturating_sub(merged.new_exports);
    let names = merged.exports.iter().skip(fresh).take(NAMED).map(|export| export.name.clone());
    log::CameIn { exports: merged.new_exports, names: names.collect(), note: None }
}

/// What a commit decides about exports that are not new: months that are settled otherwise have their
/// reason in it.
fn note(operation: Operation<'_>, before: &[ExportEntry], after: &[ExportEntry]) -> Option<String> {
    let allowed = || {
        let codes =
            before.iter().zip(after).filter(|(before, after)| !before.loss_allowed && after.loss_allowed);
        let names: Vec<&str> = codes.map(|(_, after)| after.name.as_str()).collect();
        let (first, more) = names.split_first()?;
        Some(match more.len() {
            0 => format!("loss allowed to {first}"),
            more => format!("loss allowed to {first} and {more} more"),
        })
    };
    match operation {
        Operation::Forget(export) => Some(format!("{export} forgotten")),
        Operation::Undo(export) => Some(format!("{export} may come in again")),
        Operation::Write => allowed(),
    }
}

/// Writes `bytes` under a name made of their hash; the path relative to the ledger.
fn write_named(root: &Path, directory: &str, prefix: &str, bytes: &[u8]) -> Result<String> {
    let path = format!("{directory}/{prefix}{}.parquet", blake3::hash(bytes).to_hex());
    // Unfinished files stand where the next run looks for left-overs.
    let top = directory.split('/').next().unwrap_or(directory);
    files::write_named(&root.join(&path), bytes, &root.join(top))?;
    Ok(path)
}
