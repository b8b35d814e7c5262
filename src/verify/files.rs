//! Every file of the ledger against the hash in its name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use rayon::prelude::*;

use super::{Faults, Part, plural};
use crate::error::Result;
use crate::files;
use crate::ledger::{self, Logged, WAY_OUT};

/// What was looked at.
pub struct Files {
    /// How many.
    pub count: usize,
    bytes: u64,
    /// Files that no commit names.
    stray: usize,
    /// Files that only old commits name, and that are gone.
    gone: usize,
    /// Whether all is well with what the newest commit names.
    pub live_whole: bool,
}

impl fmt::Display for Files {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} hashed, {}", plural(self.count as u64, "file"), plural(self.bytes, "byte"))?;
        if self.gone > 0 {
            write!(out, "; {} that only old commits name are gone", self.gone)?;
        }
        if self.stray > 0 {
            write!(out, "; {} that no commit names, left by interrupted runs", self.stray)?;
        }
        Ok(())
    }
}

/// What commits say of a file.
#[derive(Default)]
struct Said {
    /// What it holds.
    what: String,
    /// Bytes, where a commit says so.
    size: Option<u64>,
    live: bool,
}

/// Hashes every file of the ledger, and misses those that the newest commit names.
///
/// # Errors
/// [`crate::error::Error::Read`] if a folder cannot be listed.
pub fn check(root: &Path, commits: &[Logged], faults: &mut Faults) -> Result<Files> {
    let said = said(commits);
    let mut present = Vec::new();
    for folder in ["months", "_chartledger"] {
        present.extend(files::below(root, folder)?.into_iter().map(|(path, _)| path));
    }
    present.retain(|path| !path.contains("/."));
    present.sort_unstable();
    let hashed: Vec<(&String, std::io::Result<(u64, bool)>)> =
        present.par_iter().map(|path| (path, hash(&root.join(path), path))).collect();
    let mut found = Files { count: present.len(), bytes: 0, stray: 0, gone: 0, live_whole: true };
    for (path, outcome) in hashed {
        let known = said.get(path.as_str());
        found.stray += usize::from(known.is_none());
        if known.is_none() && ledger::hash_in(path).is_none() {
            continue;
        }
        let problem = match outcome {
            Err(error) => format!("it cannot be read: {error}"),
            Ok((size, same)) => {
                found.bytes += size;
                let due = known.and_then(|known| known.size);
                match (same, due.filter(|due| *due != size)) {
                    (true, None) => continue,
                    (_, Some(due)) => format!("it has {size} bytes instead of {due}"),
                    (false, None) => "its content is not the one that its name is the hash of".to_owned(),
                }
            }
        };
        found.live_whole &= !known.is_some_and(|known| known.live);
        let what = known.map_or("named by no commit", |known| known.what.as_str());
        let way_out = match known {
            Some(_) => WAY_OUT,
            None => "nothing needs it: delete the file",
        };
        faults.add(Part::File, root.join(path).display(), format!("({what}) {problem}"), way_out);
    }
    for (path, said) in said {
        if present.binary_search(&path.to_owned()).is_err() {
            match said.live {
                true => {
                    found.live_whole = false;
                    faults.add(
                        Part::File,
                        root.join(path).display(),
                        format!("({}) it is missing", said.what),
                        WAY_OUT,
                    );
                }
                false => found.gone += 1,
            }
        }
    }
    Ok(found)
}

/// What the commits say of each file that they name.
fn said(commits: &[Logged]) -> BTreeMap<&str, Said> {
    let mut said: BTreeMap<&str, Said> = BTreeMap::new();
    let newest = commits.last().map(|commit| commit.version);
    for commit in commits {
        let Ok(named) = &commit.named else { continue };
        for month in &named.added {
            let what = format!("{} {}", month.key.chart, month.key.month);
            said.insert(&month.path, Said { what, size: Some(month.size), live: false });
        }
        for path in &named.own {
            let kind = path.rsplit('/').next().and_then(|name| name.split('-').next()).unwrap_or_default();
            let known = said.entry(path).or_default();
            known.what = format!("{kind} of version {}", commit.version);
            known.live |= Some(commit.version) == newest;
        }
    }
    for month in ledger::live(commits) {
        if let Some(said) = said.get_mut(month.path.as_str()) {
            said.live = true;
        }
    }
    said
}

/// The size of a file, and whether its content is what its name says.
fn hash(path: &Path, name: &str) -> std::io::Result<(u64, bool)> {
    let mut hasher = blake3::Hasher::new();
    let size = std::io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
    Ok((size, ledger::hash_in(name).is_some_and(|hash| hash == hasher.finalize().to_hex().as_str())))
}
