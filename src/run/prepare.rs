//! What a run would begin with: the exports that there are, those decoded that the ledger does not know.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tracing::info;

use super::Timings;
use crate::error::{Error, Result};
use crate::exports::{self, Decoded, Decoding, Discovered, Found, Known, LeftOut, Objects, Progress};
use crate::ledger::{Change, Ledger, MonthKey, classify};
use crate::pipeline::Plan;
use crate::{arrivals, store};

/// What a run would begin with.
pub struct Prepared {
    /// The ledger as it is.
    pub ledger: Ledger,
    /// Every export under the roots, and how it stands to the ledger.
    pub found: Vec<(Found, Change)>,
    /// Exports that are new or may have changed, decoded.
    pub decoded: Decoded,
    /// What looks like an export and cannot be taken.
    pub left_out: Vec<LeftOut>,
    /// How long finding and decoding took.
    pub timings: Timings,
    /// Exports at object stores, and what is known of them.
    pub(super) objects: (Objects, Known),
}

/// A file that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub export: String,
    /// Why, and what to do.
    pub problem: String,
}

/// Finds the exports and decodes those that are not in the ledger yet.
///
/// # Errors
/// [`Error::Input`] for roots that cannot be read, [`Error::Damaged`] for the ledger.
pub fn prepare(plan: &Plan, progress: &Progress) -> Result<Prepared> {
    prepare_in(plan, progress, &std::env::temp_dir())
}

/// The same, with copies of objects in a folder of `spool` while they are decoded.
pub(super) fn prepare_in(plan: &Plan, progress: &Progress, spool: &Path) -> Result<Prepared> {
    let mut timings = Timings::default();
    let ledger = timings.time("open ledger", || Ledger::open(&plan.ledger))?;
    let mut objects = Objects::default();
    let discovered =
        timings.time("discover", || exports::discover_with(&plan.roots, &plan.intake, &mut objects))?;
    arrivals::refuse_vanished(&discovered, &ledger.state, &plan.intake)?;
    let Discovered { found, mut left_out, .. } = discovered;
    let mut changes = classify(&ledger.state, &found);
    let known = if objects.are_none() { Known::default() } else { Known::read(&store::folder(&plan.ledger)) };
    if !objects.are_none() {
        let content = |found: &Found| Some(known.content(found, objects.writing(found)?));
        arrivals::of_objects(&found, &mut changes, content, &ledger.state);
    }
    let pending: Vec<Found> = found
        .iter()
        .zip(&changes)
        .filter(|(_, change)| matches!(**change, Change::New | Change::Changed))
        .map(|(found, _)| found.clone())
        .collect();
    info!(exports = found.len(), pending = pending.len(), "discovered");
    progress.will_read(pending.iter().map(|found| found.size).sum());
    let mut waited = Duration::ZERO;
    let (unread, mut decoded) = timings.time("decode", || {
        let mut decoding = Decoding::new(&plan.mapped, plan.intake.max_unpacked, progress);
        let unread = objects.decode(pending, &mut decoding, spool, &mut waited)?;
        Ok::<_, Error>((unread, decoding.finish()))
    })?;
    timings.note(progress.rows(), progress.bytes());
    if !objects.are_none() {
        timings.set_apart("fetch", waited);
    }
    left_out.extend(unread);
    plan.policy.refuse(&ledger.state, &mut decoded)?;
    let objects = (objects, known);
    Ok(Prepared {
        ledger,
        found: found.into_iter().zip(changes).collect(),
        decoded,
        left_out,
        timings,
        objects,
    })
}

impl Prepared {
    /// Files that could not be used.
    pub fn refused(&self) -> Vec<Refused> {
        let refused = |export: &exports::Export| {
            let problem = export.content.as_ref().err()?.clone();
            Some(Refused { export: export.found.name.clone(), problem })
        };
        let left_out = self.left_out.iter().cloned();
        let left_out = left_out.map(|LeftOut { name, problem }| Refused { export: name, problem });
        self.decoded.exports.iter().filter_map(refused).chain(left_out).collect()
    }

    /// The files that were taken out of the ledger on purpose: those that look the same, and those
    /// that were read and turned out to be.
    pub fn left_out(&self) -> Vec<String> {
        let state = &self.ledger.state;
        let looks = self.found.iter().filter(|(_, change)| *change == Change::Forgotten);
        let is = |export: &&exports::Export| {
            let Some(hash) = export.hash.map(|hash| hash.to_hex().to_string()) else { return false };
            let name = export.found.name.as_str();
            let is_in = || state.listed().any(|(_, entry)| entry.name == name && entry.hash == hash);
            state.is_forgotten(name, &hash) && !is_in()
        };
        let read = self.decoded.exports.iter().filter(is).map(|export| export.found.name.clone());
        looks.map(|(found, _)| found.name.clone()).chain(read).collect()
    }

    /// The months into which decoded rows fall.
    pub fn months(&self) -> BTreeSet<MonthKey> {
        let key = |piece: &exports::Piece| MonthKey {
            chart: self.decoded.charts[piece.chart as usize].clone(),
            month: piece.month,
        };
        self.decoded.pieces.iter().map(key).collect()
    }

    pub(super) fn check_usable(&self, plan: &Plan) -> Result<()> {
        let refused = self.refused().into_iter().next();
        let refused = refused.map(|refused| format!("{}: {}", refused.export, refused.problem));
        let set_aside = || self.set_aside().into_iter().next();
        let usable =
            |export: &exports::Export| export.content.as_ref().is_ok_and(|content| content.days.is_some());
        let left_out = self.left_out();
        let usable = |export: &exports::Export| usable(export) && !left_out.contains(&export.found.name);
        if !self.decoded.exports.iter().any(usable) && self.ledger.state.listed().next().is_none() {
            let roots: Vec<String> = plan.roots.iter().map(|root| root.display().to_string()).collect();
            let none = || {
                let endings = exports::ENDINGS.join(", ");
                format!(
                    "no file there ends in {endings}; put exports there, `chartledger inspect FILE` says \
                     whether one can be read"
                )
            };
            let out = left_out.first().map(|name| {
                format!("{name}: forgotten; `chartledger ledger forget --undo {name}` takes that back")
            });
            let first = refused.or_else(set_aside).or(out);
            let first = first.or_else(|| self.found.is_empty().then(none));
            let first = first.map_or(String::new(), |first| format!("; {first}"));
            return Err(Error::Input(format!("no usable export under {}{first}", roots.join(", "))));
        }
        if plan.strict {
            if let Some(row) = set_aside() {
                return Err(Error::Input(format!("--strict, and a row was quarantined: {row}")));
            }
            if let Some(file) = refused {
                return Err(Error::Input(format!("--strict, and a file was refused: {file}")));
            }
        }
        Ok(())
    }

    /// The rows in quarantine once the decoded exports are in the ledger.
    fn set_aside(&self) -> Vec<String> {
        let decoded = self.decoded.exports.iter().filter_map(|export| {
            let row = export.content.as_ref().ok()?.set_aside.first()?;
            Some(format!("{}, line {}: {}", export.found.name, row.line, row.reason))
        });
        let again: BTreeSet<&str> =
            self.decoded.exports.iter().map(|export| export.found.name.as_str()).collect();
        let known = self.ledger.state.quarantine.iter().filter_map(|row| {
            let export = self.ledger.state.exports.get(row.export as usize)?;
            let stays = !export.replaced && !again.contains(export.name.as_str());
            stays.then(|| format!("{}, line {}: {}", export.name, row.line, row.reason))
        });
        decoded.chain(known).collect()
    }
}
