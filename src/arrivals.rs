//! What came in, held against what the ledger knows.

use std::path::Path;

use crate::error::{Error, Result};
use crate::exports::{Discovered, Intake};
use crate::ledger::State;

/// Refuses a root without exports although the ledger has some from there: a disk that is not
/// mounted is likelier than a wish, and a run that finds nothing new would not say a word.
///
/// # Errors
/// [`Error::Input`].
pub fn refuse_vanished(discovered: &Discovered, state: &State, intake: &Intake) -> Result<()> {
    let known = || state.listed().map(|(_, export)| export).filter(|export| !export.replaced);
    if intake.may_be_empty || known().next().is_none() {
        return Ok(());
    }
    for root in &discovered.empty {
        let place = root.canonicalize().unwrap_or_else(|_| root.clone());
        let from_there = known().filter(|export| Path::new(&export.path).starts_with(&place)).count();
        if from_there > 0 || discovered.found.is_empty() {
            let count = if from_there > 0 { from_there } else { known().count() };
            let left_out = discovered.left_out.first();
            let left_out = left_out.map_or(String::new(), |of| format!(" ({}: {})", of.name, of.problem));
            return Err(Error::Input(format!(
                "there is no export under {}{left_out}, and the ledger knows {count}: is its disk mounted? \
                 Nothing was changed; if they were taken away on purpose, say may_be_empty = true under \
                 [exports] in the pipeline",
                root.display()
            )));
        }
    }
    Ok(())
}
