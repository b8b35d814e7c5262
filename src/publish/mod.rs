//! Publishing: all tables of a run or none of them.
//!
//! ```text
//! out/<pipeline>/latest -> .runs/<run>      switched in one step
//! out/<pipeline>/.runs/<run>/<table>.parquet
//! out/<pipeline>/.runs/<run>/run.json
//! out/<pipeline>/.runs/<run>/report.html    where the pipeline asks for it
//! ```
//!
//! A run is written under a temporary name, synced, renamed, and only then made `latest`. The runs
//! are hidden so that a glob over the output never reads two of them. At an object store (`place.rs`)
//! the same names are objects, and `latest` is a small one that says which run it is.

mod manifest;
mod place;
mod runs;

pub use manifest::{Manifest, ScopeDates, manifest, manifest_in, place_of};
pub use place::Place;
pub use runs::{Retention, find_run, folder, latest_run, retire, runs, time_of};

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use polars::prelude::DataFrame;
use rayon::prelude::*;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::tables::{Contract, Table, audit, describe};
use crate::underway::{self, Stage};
use crate::{files, parquet};

const RUNS: &str = ".runs";
const LATEST: &str = "latest";
/// The manifest of a run.
pub const MANIFEST: &str = "run.json";
/// The report of a run, where the pipeline asks for it.
pub const REPORT: &str = "report.html";

/// A table as published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedTable {
    /// Its name.
    pub name: &'static str,
    /// Rows.
    pub rows: usize,
    /// Bytes of its file.
    pub bytes: usize,
    /// BLAKE3 of its file, in hexadecimal.
    pub hash: String,
}

/// Audits the tables, writes them as run `run` and makes that the latest. `manifest` gives the
/// text of `run.json`, and may add files to the folder, in which the tables stand by then.
///
/// # Errors
/// [`Error::Audit`] before anything is written, [`Error::Write`], those of `manifest`; the latest run
/// is then as it was.
pub fn publish(
    out: &Path,
    run: &str,
    tables: Vec<Table>,
    manifest: impl FnOnce(&Path, &[PublishedTable]) -> Result<String>,
) -> Result<Vec<PublishedTable>> {
    publish_to(None, out, run, tables, manifest)
}

/// The same, where the latest run is that of a place at an object store, and `out` its copy.
///
/// # Errors
/// As [`publish`]; [`Error::Unwritable`], [`Error::Overtaken`].
pub fn publish_to(
    mut place: Option<&mut Place>,
    out: &Path,
    run: &str,
    tables: Vec<Table>,
    manifest: impl FnOnce(&Path, &[PublishedTable]) -> Result<String>,
) -> Result<Vec<PublishedTable>> {
    tables.iter().try_for_each(audit)?;
    let runs = out.join(RUNS);
    files::create_directory(&runs)?;
    files::sweep(&runs);
    files::sweep(out);
    let staging = files::temporary_beside(&runs.join(run));
    files::create_directory(&staging)?;
    underway::expect(tables.len() as u64);
    let published: Vec<PublishedTable> = tables
        .into_par_iter()
        .with_max_len(1)
        .map(|Table { contract, frame }| {
            let bytes = parquet::to_bytes(&frame, describe::metadata(contract))?;
            files::write_new(&staging.join(format!("{}.parquet", contract.name)), &bytes)?;
            underway::advance(1, frame.height() as u64, bytes.len() as u64);
            Ok(PublishedTable {
                name: contract.name,
                rows: frame.height(),
                bytes: bytes.len(),
                hash: blake3::hash(&bytes).to_hex().to_string(),
            })
        })
        .collect::<Result<_>>()?;
    let manifest = manifest(&staging, &published)?;
    files::write_new(&staging.join(MANIFEST), manifest.as_bytes())?;
    files::sync_directory(&staging)?;
    let target = runs.join(run);
    let held = match &mut place {
        Some(place) => {
            place.upload(&staging, run)?;
            Some(Place::hold(out)?)
        }
        None => None,
    };
    underway::reach(Stage::Published, || {
        if let Some(place) = &mut place {
            place.point(run, &manifest)?;
        }
        std::fs::rename(&staging, &target).map_err(Error::write(&target))?;
        files::sync_directory(&runs)?;
        switch(out, &Path::new(RUNS).join(run))
    })?;
    drop(held);
    Ok(published)
}

/// Takes the right to publish to `out`, for as long as the folder is held open: a lock on the folder
/// itself, so that nothing is written for it. A file system that knows no locks on folders, as NFS, goes
/// without: there the lock of the ledger has to do.
///
/// # Errors
/// [`Error::Publishing`] if another run has it, [`Error::Write`] if the folder cannot be made.
pub fn lock(out: &Path) -> Result<File> {
    if !out.is_dir() {
        files::create_directory(out)?;
    }
    let folder = File::open(out).map_err(Error::write(out))?;
    match folder.try_lock() {
        Ok(()) | Err(TryLockError::Error(_)) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(Error::Publishing { path: out.to_owned() }),
    }
}

/// Points `latest` at `target`: a rename replaces the old link in one step.
fn switch(out: &Path, target: &Path) -> Result<()> {
    let latest = out.join(LATEST);
    let link = files::temporary_beside(&latest);
    std::os::unix::fs::symlink(target, &link).map_err(Error::write(&link))?;
    std::fs::rename(&link, &latest).map_err(Error::write(&latest))?;
    files::sync_directory(out)
}

/// A name for a run that begins now: its time, or a second after the newest run of `out` where the
/// clock does not say later than that. Names sort as the runs came, also when it was set back.
pub fn new_run(out: &Path) -> String {
    new_run_after(out, &[])
}

/// The same, where there are `others` besides those of `out`.
pub fn new_run_after(out: &Path, others: &[String]) -> String {
    let names = std::fs::read_dir(out.join(RUNS)).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let times = names
        .chain(others.iter().cloned())
        .filter_map(|name| chrono::NaiveDateTime::parse_from_str(&name, runs::NAMED).ok());
    let next = times.max().and_then(|newest| newest.checked_add_signed(chrono::TimeDelta::seconds(1)));
    let now = crate::dates::now().naive_utc();
    next.map_or(now, |next| next.max(now)).format(runs::NAMED).to_string()
}

/// Whether a run of this name is there already.
pub fn is_taken(out: &Path, run: &str) -> bool {
    out.join(RUNS).join(run).exists()
}

/// Checks that a run can be published to `out`, before anything is read for it; writes nothing.
///
/// # Errors
/// [`Error::Write`].
pub fn check_writable(out: &Path) -> Result<()> {
    files::check_writable(&out.join(RUNS))?;
    files::check_writable(out)?;
    let latest = latest(out);
    match latest.symlink_metadata() {
        Ok(meta) if !meta.is_symlink() => {
            let problem = "it is not the link that a run makes; move it away";
            Err(Error::write(&latest)(std::io::Error::other(problem)))
        }
        _ => Ok(()),
    }
}

/// Where the latest run of `out` is.
pub fn latest(out: &Path) -> PathBuf {
    out.join(LATEST)
}

/// Reads a table of the latest run.
///
/// # Errors
/// [`Error::Usage`] if nothing has been published yet, [`Error::Damaged`].
pub fn read(out: &Path, contract: &Contract) -> Result<DataFrame> {
    read_in(&latest(out), contract)
}

/// Reads a table in the folder of a run.
///
/// # Errors
/// [`Error::Usage`] if the run has none, [`Error::Damaged`].
pub fn read_in(folder: &Path, contract: &Contract) -> Result<DataFrame> {
    let path = folder.join(format!("{}.parquet", contract.name));
    if !path.exists() {
        return Err(Error::Usage(format!(
            "{} does not exist; publish it with `chartledger run`, or name the output with --out",
            path.display()
        )));
    }
    parquet::read(&path, None)
}
