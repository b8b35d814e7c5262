//! What came in, held against what the ledger knows.

use std::collections::HashMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::exports::{Discovered, Found, Intake, ObjectContent};
use crate::ledger::{Change, State};
use crate::store::Address;

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
        let address = Address::of(root)?;
        let place = match &address {
            Some(address) => address.to_path(),
            None => root.canonicalize().unwrap_or_else(|_| root.clone()),
        };
        let from_there = known().filter(|export| Path::new(&export.path).starts_with(&place)).count();
        if from_there > 0 || discovered.found.is_empty() {
            let count = if from_there > 0 { from_there } else { known().count() };
            let left_out = discovered.left_out.first();
            let left_out = left_out.map_or(String::new(), |of| format!(" ({}: {})", of.name, of.problem));
            let question =
                if address.is_some() { "is the address still right?" } else { "is its disk mounted?" };
            return Err(Error::Input(format!(
                "there is no export under {}{left_out}, and the ledger knows {count}: {question} \
                 Nothing was changed; if they were taken away on purpose, say may_be_empty = true under \
                 [exports] in the pipeline",
                root.display()
            )));
        }
    }
    Ok(())
}

/// Corrects how exports stand to the ledger, where they are objects of which more is known than size
/// and time.
pub fn of_objects<'k>(
    found: &[Found],
    changes: &mut [Change],
    content: impl Fn(&Found) -> Option<ObjectContent<'k>>,
    state: &State,
) {
    let known: HashMap<&str, &str> =
        state.listed().map(|(_, entry)| (entry.name.as_str(), entry.hash.as_str())).collect();
    for (found, change) in found.iter().zip(changes) {
        match content(found) {
            Some(ObjectContent::Written) if *change == Change::Unchanged => *change = Change::Changed,
            Some(ObjectContent::Is(hash)) if known.get(found.name.as_str()) == Some(&hash) => {
                *change = Change::Unchanged;
            }
            Some(ObjectContent::Is(hash)) if state.is_forgotten(&found.name, hash) => {
                *change = Change::Forgotten;
            }
            _ => {}
        }
    }
}
