//! Taking an export out of the ledger on purpose, and taking that back.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::commit::{Update, write_month};
use super::log::Operation;
use super::merge::{Accounts, Merged, months_of, track_codes};
use super::month::Observation;
use super::policy::Policy;
use super::settle::{Loss, settle};
use super::{ExportEntry, Ledger, MonthKey, RowAccount, State, WriteLock};
use crate::error::{Error, Result};
use crate::exports::Found;

/// An export that was taken out: a file of this content is not taken in again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Its name.
    pub name: String,
    /// BLAKE3 of the file, in hexadecimal.
    pub hash: String,
    /// Bytes of the file.
    pub size: u64,
    /// When the file was last changed, in nanoseconds since 1970.
    pub modified: u64,
}

impl Forgotten {
    /// Whether a file is this one, as far as name, size and time tell.
    pub fn looks_like(&self, found: &Found) -> bool {
        (&self.name, self.size, self.modified) == (&found.name, found.size, found.modified)
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl State {
    /// Whether a file was taken out: the same content under the same file name, in whatever folder.
    /// Not by content alone, because of some exports the date stands in nothing but the name.
    pub fn is_forgotten(&self, name: &str, hash: &str) -> bool {
        self.forgotten.iter().any(|out| out.hash == hash && file_name(&out.name) == file_name(name))
    }

    /// The codes that go when an export of this name goes: its own, and those of the files that it
    /// has replaced.
    fn codes_of(&self, name: &str) -> BTreeSet<u32> {
        let Some((own, entry)) = self.listed().find(|(_, entry)| entry.name == name) else {
            return BTreeSet::new();
        };
        let earlier = format!("{name}@");
        let before = |entry: &ExportEntry| {
            entry.replaced && entry.name.starts_with(&earlier) && entry.name.len() == earlier.len() + 8
        };
        let replaced = self.listed().filter(|(_, other)| !entry.replaced && before(other));
        replaced.map(|(code, _)| code).chain([own]).collect()
    }
}

impl Ledger {
    /// Refuses a name that no export has; with `forgotten`, that no export has that was taken out.
    ///
    /// # Errors
    /// [`Error::Usage`] with the nearest names.
    pub fn find(&self, name: &str, forgotten: bool) -> Result<()> {
        let is_out = self.state.forgotten.iter().any(|out| out.name == name);
        let is_in = self.state.listed().any(|(_, entry)| entry.name == name);
        let out = self.state.forgotten.iter().map(|out| out.name.as_str());
        let problem = match (forgotten, is_out, is_in) {
            (true, true, _) | (false, _, true) => return Ok(()),
            (true, false, _) => unknown("forgotten export", name, out),
            (false, true, _) => {
                format!("{name} has been forgotten already; `ledger forget --undo {name}` takes that back")
            }
            (false, false, _) => {
                unknown("export", name, self.state.listed().map(|(_, entry)| entry.name.as_str()))
            }
        };
        Err(Error::Usage(format!("the ledger {}: {problem}", self.root.display())))
    }

    /// Takes an export out, in one commit: its rows leave their months, and rows that had lost
    /// against them count again. A file of the same content is not taken in again.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no such export, with the nearest ones; those of reading and
    /// writing months. The ledger is then as it was.
    pub fn forget(&mut self, _lock: &WriteLock, name: &str, policy: &Policy) -> Result<Update> {
        self.find(name, false)?;
        let codes = self.state.codes_of(name);
        let merged = self.without(&codes, policy)?;
        let gone = codes.iter().filter_map(|&code| self.state.exports.get(code as usize));
        // A file that was replaced may come back in the place of the one that replaced it.
        let gone = gone.filter(|entry| entry.name == name).map(|entry| Forgotten {
            name: entry.name.clone(),
            hash: entry.hash.clone(),
            size: entry.size,
            modified: entry.modified,
        });
        let forgotten = self.state.forgotten.iter().cloned().chain(gone).collect();
        self.commit(merged, Operation::Forget(name), forgotten)
    }

    /// Lets an export that was taken out come in again with the next run.
    ///
    /// # Errors
    /// [`Error::Usage`] if none of this name was taken out; [`Error::Write`].
    pub fn remember(&mut self, _lock: &WriteLock, name: &str) -> Result<Update> {
        self.find(name, true)?;
        let forgotten = self.state.forgotten.iter().filter(|out| out.name != name).cloned().collect();
        let merged = self.without(&BTreeSet::new(), &Policy::default())?;
        self.commit(merged, Operation::Undo(name), forgotten)
    }

    /// The ledger without the rows of some exports.
    fn without(&self, codes: &BTreeSet<u32>, policy: &Policy) -> Result<Merged> {
        let state = &self.state;
        let (tracks, precedence) = (track_codes(&state.listings), policy.precedence(&state.exports));
        let rewritten: Vec<(MonthKey, _, Accounts)> = months_of(&state.exports, codes, state)
            .into_par_iter()
            .map(|key| {
                let mut accounts = Accounts::default();
                let before = self.read_settled(&key)?;
                accounts.add(&before, -1);
                let stays = |row: &Observation| !codes.contains(&row.export);
                let (gone, lost): (Vec<_>, Vec<_>) =
                    before.lost.into_iter().partition(|(_, loss)| *loss == Loss::Replaced);
                let lost = lost.into_iter().map(|(row, _)| row);
                let rows = before.kept.into_iter().chain(lost).filter(stays);
                let (mut settled, _) = settle(rows.collect(), &tracks, &precedence);
                settled.lost.extend(gone.into_iter().filter(|(row, _)| stays(row)));
                accounts.add(&settled, 1);
                let files = write_month(&self.root, &key, &settled)?;
                Ok((key, files, accounts))
            })
            .collect::<Result<_>>()?;
        let mut exports = state.exports.clone();
        let mut months = Vec::with_capacity(rewritten.len());
        for (key, files, accounts) in rewritten {
            accounts.apply(&mut exports);
            months.push((key, files));
        }
        for &code in codes {
            if let Some(entry) = exports.get_mut(code as usize) {
                (entry.forgotten, entry.rows, entry.withheld) = (true, RowAccount::default(), 0);
            }
        }
        Ok(Merged {
            exports,
            quarantine: state.quarantine.iter().filter(|row| !codes.contains(&row.export)).cloned().collect(),
            listings: state.listings.clone(),
            regions: state.regions.clone(),
            months,
            losing: BTreeMap::new(),
            new_exports: 0,
        })
    }
}

/// A sentence on a name that is not known, with those that are nearest to it.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut near: Vec<(f64, &str)> = known.map(|known| (strsim::jaro_winkler(known, name), known)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let near: Vec<&str> = near.into_iter().take(3).map(|(_, known)| known).collect();
    match near.is_empty() {
        true => format!("no {what} is called {name}, and there is none at all"),
        false => format!("no {what} is called {name}; did you mean {}?", near.join(", ")),
    }
}
