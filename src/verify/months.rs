//! The rows of the months, and the account of every export that follows from them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Faults, Part, plural};
use crate::error::{Error, Result};
use crate::ledger::{
    Ledger, Loss, MonthKey, OnConflict, Policy, RowAccount, Settled, State, WAY_OUT, resettled,
};

/// What a month gives.
#[derive(Default)]
struct Month {
    /// What is wrong with it.
    problems: Vec<String>,
    /// Used, duplicate and superseded rows of each export.
    accounts: BTreeMap<u32, RowAccount>,
}

/// Checks the months and the accounts, and says what was checked.
///
/// # Errors
/// [`Error::Read`].
pub fn check(ledger: &Ledger, faults: &mut Faults) -> Result<String> {
    let state = &ledger.state;
    let mut keys: Vec<&MonthKey> = state.months.keys().chain(state.lost.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let months: Vec<Month> = keys
        .par_iter()
        .map(|key| match ledger.read_settled(key) {
            Ok(settled) => Ok(month(state, key, settled)),
            Err(Error::Damaged { path, problem }) => {
                let problems = vec![format!("{}: {problem}", path.display())];
                Ok(Month { problems, accounts: BTreeMap::new() })
            }
            Err(error) => Err(error),
        })
        .collect::<Result<_>>()?;
    let mut derived: BTreeMap<u32, RowAccount> = BTreeMap::new();
    for (key, month) in keys.iter().zip(months) {
        for problem in month.problems {
            faults.add(Part::Month, format!("{} {}", key.chart, key.month), problem, WAY_OUT);
        }
        for (export, rows) in month.accounts {
            let sum = derived.entry(export).or_default();
            *sum = [*sum, rows].into_iter().sum();
        }
    }
    for (name, problem) in accounts(state, &derived) {
        faults.add(Part::Account, name, problem, WAY_OUT);
    }
    let rows: u64 = derived.values().map(|rows| rows.used + rows.duplicate + rows.superseded).sum();
    Ok(format!(
        "{}, {}; {} accounted for",
        plural(keys.len() as u64, "month"),
        plural(rows, "row"),
        plural(state.listed().count() as u64, "export")
    ))
}

fn month(state: &State, key: &MonthKey, settled: Settled) -> Month {
    let mut month = Month::default();
    let Settled { kept, lost } = &settled;
    if let Some(file) = state.months.get(key).filter(|file| file.rows != kept.len() as u64) {
        month.problems.push(format!("it has {} rows and its commit says {}", kept.len(), file.rows));
    }
    let every = || kept.iter().chain(lost.iter().map(|(row, _)| row));
    if let Some(row) = every().find(|row| row.day.month() != key.month) {
        month.problems.push(format!("it has a row of {}", row.day));
    }
    // A row that lost is looked up nowhere else, and settling looks its codes up.
    let unknown = |row: &crate::ledger::Observation, replaced: bool| {
        let export = state.exports.get(row.export as usize);
        row.listing as usize >= state.listings.len()
            || usize::from(row.region) >= state.regions.len()
            || export.is_none_or(|export| export.forgotten || export.replaced != replaced)
    };
    let of_kept = kept.iter().find(|row| unknown(row, false));
    let of_lost = lost.iter().find(|(row, loss)| unknown(row, *loss == Loss::Replaced));
    if let Some(row) = of_kept.or(of_lost.map(|(row, _)| row)) {
        let named = state.exports.get(row.export as usize);
        let named = named.map_or_else(|| format!("code {}", row.export), |export| export.name.clone());
        month.problems.push(format!(
            "it has a row of {} that no export, listing or region explains ({named})",
            row.day
        ));
        return month;
    }
    for row in kept {
        month.accounts.entry(row.export).or_default().used += 1;
    }
    for (row, loss) in lost {
        let account = month.accounts.entry(row.export).or_default();
        match loss {
            Loss::Duplicate => account.duplicate += 1,
            Loss::Superseded | Loss::Replaced | Loss::Withheld => account.superseded += 1,
        }
    }
    if let Some(problem) = unsettled(state, settled) {
        month.problems.push(problem);
    }
    month
}

/// How the rows that count differ from those that should. Which policy a month was written under is
/// not on record: either may have been.
fn unsettled(state: &State, settled: Settled) -> Option<String> {
    let keep = Policy { on_conflict: OnConflict::Keep, ..Policy::default() };
    let again = resettled(state, &settled, &Policy::default());
    if again.kept != settled.kept && resettled(state, &settled, &keep).kept == settled.kept {
        return None;
    }
    let place = again.kept.iter().zip(&settled.kept).position(|(should, is)| should != is);
    let place = place.or_else(|| {
        (again.kept.len() != settled.kept.len()).then(|| again.kept.len().min(settled.kept.len()))
    })?;
    let told = |rows: &[crate::ledger::Observation]| match rows.get(place) {
        Some(row) => {
            let region = state.regions.get(usize::from(row.region)).map_or("?", String::as_str);
            let export = state.exports.get(row.export as usize).map_or("?", |export| export.name.as_str());
            format!("{region} {} rank {} of {export}, line {}", row.day, row.rank, row.line)
        }
        None => "none".to_owned(),
    };
    Some(format!("row {place} that counts is {} and should be {}", told(&settled.kept), told(&again.kept)))
}

/// The exports whose account is not what the months give.
fn accounts<'a>(state: &'a State, derived: &BTreeMap<u32, RowAccount>) -> Vec<(&'a str, String)> {
    let mut quarantined: BTreeMap<u32, u64> = BTreeMap::new();
    for row in &state.quarantine {
        *quarantined.entry(row.export).or_default() += 1;
    }
    let mut wrong = Vec::new();
    for (code, export) in state.listed() {
        let RowAccount { read, used, duplicate, superseded, quarantined: aside } = export.rows;
        let mut given = derived.get(&code).copied().unwrap_or_default();
        given.quarantined = quarantined.get(&code).copied().unwrap_or_default();
        let columns = [
            ("rows_used", used, given.used),
            ("rows_duplicate", duplicate, given.duplicate),
            ("rows_superseded", superseded, given.superseded),
            ("rows_quarantined", aside, given.quarantined),
            ("rows_read", read, given.used + given.duplicate + given.superseded + given.quarantined),
        ];
        for (column, said, derived) in columns.into_iter().filter(|(_, said, derived)| said != derived) {
            wrong.push((
                export.name.as_str(),
                format!("{column} is {said} in the register and {derived} by the months"),
            ));
        }
    }
    wrong
}
