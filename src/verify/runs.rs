//! Every published run against its `run.json`.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Faults, Part, plural};
use crate::error::{Error, Result};
use crate::publish::{self, MANIFEST, Manifest, Place, REPORT};
use crate::seal;
use crate::store::Address;

/// What to do about a run that is damaged.
const ANEW: &str =
    "`chartledger run --full` publishes a whole one; delete the damaged one, or restore it from a backup";

/// A place and a problem.
type Found = (PathBuf, String);

/// Checks the runs, and says what was checked.
///
/// # Errors
/// [`Error::Read`] if the output cannot be listed.
pub fn check(out: &Path, faults: &mut Faults) -> Result<String> {
    let runs: Vec<PathBuf> = publish::runs(out)?.iter().map(|run| publish::folder(out, run)).collect();
    let mut tables = 0;
    for run in &runs {
        let (count, found) = check_run(run);
        tables += count;
        for (path, problem) in found {
            faults.add(Part::Run, path.display(), problem, ANEW);
        }
    }
    let mut none = "";
    let latest = publish::latest(out);
    match std::fs::read_link(&latest) {
        Ok(target) if !runs.contains(&out.join(&target)) => {
            let problem = format!("it points to {}, which is not there", target.display());
            faults.add(Part::Run, latest.display(), problem, ANEW);
        }
        Ok(_) => {}
        // As a first run that was interrupted before the switch leaves it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => none = "; none is the latest",
        Err(_) => {
            let way_out = "move it away and run again; `chartledger run --full` publishes what is missing";
            faults.add(Part::Run, latest.display(), "it is not the link to a run that a run makes", way_out)
        }
    }
    Ok(format!("{} published, {} hashed{none}", runs.len(), plural(tables as u64, "table")))
}

/// Checks the latest run where it is published as objects, and has all of them here for [`check`].
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Damaged`] if the copy here lacks what cannot be had.
pub fn check_objects(at: &Address, out: &Path, faults: &mut Faults) -> Result<String> {
    let mut place = Place::to_read(at);
    place.copy_all(out)?;
    let Some(latest) = place.latest().map(str::to_owned) else {
        return Ok(format!("nothing is published at {at}"));
    };
    if let Some((object, problem)) = place.check(out)? {
        faults.add(Part::Run, object.display(), problem, "`chartledger run --full` publishes a whole one");
    }
    Ok(format!("{} points to {latest}, whose objects were fetched and hashed", place.pointer()))
}

/// How many tables a run has, and what is wrong with it.
fn check_run(run: &Path) -> (usize, Vec<Found>) {
    let path = run.join(MANIFEST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return (0, vec![(path, format!("it cannot be read: {error}"))]),
    };
    let manifest = match Manifest::parse(&text) {
        Ok(manifest) => manifest,
        Err(problem) => return (0, vec![(path, format!("it cannot be read: {problem}"))]),
    };
    let mut found = Vec::new();
    if !seal::holds(&text) {
        found.push((path, "its text has changed since the run wrote it".to_owned()));
    }
    if run.file_name().is_some_and(|name| name.to_string_lossy() != manifest.run) {
        found.push((run.to_owned(), format!("its {MANIFEST} is the one of run {}", manifest.run)));
    }
    let tables = manifest.tables.iter().map(|(table, due)| (format!("{table}.parquet"), due));
    let files: Vec<_> = tables.chain(manifest.report.iter().map(|due| (REPORT.to_owned(), due))).collect();
    let of_files = files.into_par_iter().filter_map(|(file, due)| {
        // The name comes from a text that may have been edited.
        let path = run.join(Path::new(&file).file_name()?);
        let problem = match std::fs::read(&path).map_err(Error::read(&path)) {
            Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == due => return None,
            Ok(_) => format!("it is not the file that the run wrote: its hash is not the one in {MANIFEST}"),
            Err(error) => error.to_string(),
        };
        Some((path, problem))
    });
    let of_files: Vec<Found> = of_files.collect();
    found.extend(of_files);
    (manifest.tables.len(), found)
}
