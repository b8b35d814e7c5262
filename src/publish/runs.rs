//! The runs of an output folder: which there are, which one a word means, and which may go.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;

use super::{LATEST, RUNS};
use crate::dates;
use crate::error::{Error, Result};
use crate::files;

/// How a run's name tells its time.
pub const NAMED: &str = "%Y%m%dT%H%M%SZ";

/// How long runs are kept: as long as either says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// The last so many runs.
    pub runs: Option<u32>,
    /// The runs of the last so many days.
    pub days: Option<u32>,
}

/// The time in the name of a run.
pub fn time_of(run: &str) -> Option<DateTime<Utc>> {
    let stamp = run.split_once('-').map_or(run, |(stamp, _)| stamp);
    NaiveDateTime::parse_from_str(stamp, NAMED).ok().map(|time| time.and_utc())
}

/// The place of a run among others: by its time, then by its number within the second.
fn place(run: &str) -> (String, u64, String) {
    let (stamp, number) = run.split_once('-').unwrap_or((run, "1"));
    (stamp.to_owned(), number.parse().unwrap_or(u64::MAX), run.to_owned())
}

/// The folder of a run.
pub fn folder(out: &Path, run: &str) -> PathBuf {
    out.join(RUNS).join(run)
}

/// The runs of `out`, the oldest first; none if nothing has been published.
///
/// # Errors
/// [`Error::Read`].
pub fn runs(out: &Path) -> Result<Vec<String>> {
    let path = out.join(RUNS);
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::read(&path)(error)),
    };
    let mut runs = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::read(&path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.path().is_dir() {
            runs.push(name);
        }
    }
    runs.sort_by_cached_key(|run| place(run));
    Ok(runs)
}

/// The run that `latest` points at.
pub fn latest_run(out: &Path) -> Option<String> {
    let target = std::fs::read_link(out.join(LATEST)).ok()?;
    target.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// The run that a word means: its name, the beginning of only one name, or `latest`.
///
/// # Errors
/// [`Error::Usage`] that names the runs there are; [`Error::Read`].
pub fn find_run(out: &Path, word: &str) -> Result<String> {
    const SHOWN: usize = 10;
    if word == LATEST
        && let Some(run) = latest_run(out)
    {
        return Ok(run);
    }
    let runs = runs(out)?;
    let fitting: Vec<&String> = runs.iter().filter(|run| run.starts_with(word)).collect();
    if let Some(run) = runs.iter().find(|run| *run == word) {
        return Ok(run.clone());
    }
    let (problem, offered) = match fitting[..] {
        [run] if !word.is_empty() => return Ok(run.clone()),
        [] => (format!("no run is called `{}`", word.escape_debug()), runs.iter().collect()),
        _ => (format!("`{word}` is the beginning of {} runs", fitting.len()), fitting),
    };
    if offered.is_empty() {
        return Err(Error::Usage(format!(
            "{problem}: {} has no runs; publish one with `chartledger run`, or name the output with --out",
            out.display()
        )));
    }
    let names: Vec<&str> = offered.iter().rev().take(SHOWN).map(|run| run.as_str()).collect();
    let more = match offered.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} older"),
    };
    Err(Error::Usage(format!("{problem}; there are {}{more}", names.join(", "))))
}

impl Retention {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// A sentence on what does not.
    pub fn check(self) -> Result<(), String> {
        match self {
            Self { runs: None, days: None } => Err("[retention] takes runs, days or both".to_owned()),
            Self { runs: Some(0), .. } => Err("[retention] runs = 0 would keep none".to_owned()),
            Self { days: Some(0), .. } => Err("[retention] days = 0 would keep none".to_owned()),
            _ => Ok(()),
        }
    }

    /// Which of `runs`, the oldest first, may go at `now`. Never the `latest` one, and none whose
    /// name tells no time.
    pub fn expired<'r>(
        self,
        runs: &'r [String],
        latest: Option<&str>,
        now: DateTime<Utc>,
    ) -> Vec<&'r String> {
        let last = self.runs.map_or(0, |runs| runs as usize);
        let candidates = runs.len().saturating_sub(last);
        let is_old = |run: &String| match (time_of(run), self.days) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(time), Some(days)) => now.signed_duration_since(time).num_days() >= i64::from(days),
        };
        runs.iter().take(candidates).filter(|run| Some(run.as_str()) != latest && is_old(run)).collect()
    }
}

/// Removes the runs that a retention lets go; their names. A reader sees a run whole or not at all.
///
/// # Errors
/// [`Error::Read`], [`Error::Write`]; some may be gone then.
pub fn retire(out: &Path, retention: Retention) -> Result<Vec<String>> {
    let runs = runs(out)?;
    let latest = latest_run(out);
    // Without knowing which run is read, none can go.
    let Some(latest) = latest else { return Ok(Vec::new()) };
    let mut removed = Vec::new();
    for run in retention.expired(&runs, Some(&latest), dates::now()) {
        let path = folder(out, run);
        let aside = files::temporary_beside(&path);
        std::fs::rename(&path, &aside).map_err(Error::write(&path))?;
        removed.push(run.clone());
        // What is left over is swept by the next run.
        std::fs::remove_dir_all(&aside).map_err(Error::write(&path))?;
    }
    if !removed.is_empty() {
        files::sync_directory(&out.join(RUNS))?;
    }
    Ok(removed)
}
