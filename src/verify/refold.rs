//! The tables of the latest run against a rebuild from the ledger that it counted, cell by cell.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::*;

use super::{Faults, Part, plural};
use crate::error::{Error, Result};
use crate::explain::value;
use crate::ledger::Ledger;
use crate::pipeline::Plan;
use crate::proof::Value;
use crate::publish::{self, Manifest};
use crate::tables::{self, Contract, Table};
use crate::{parquet, run};

/// What to do about a table that does not follow from the ledger.
const ANEW: &str = "`chartledger run --full` counts and publishes it anew";

/// Compares, and says what was compared or why it was not.
///
/// # Errors
/// Those of counting, but for damage.
pub fn check(plan: &Plan, ledger: &Ledger, faults: &mut Faults) -> Result<String> {
    let manifest = match publish::manifest(&plan.out) {
        Ok(manifest) => manifest,
        Err(Error::Usage(_)) => return Ok("nothing is published".to_owned()),
        // Said of the run already.
        Err(_) => return Ok("not compared with the ledger: the latest run.json cannot be read".to_owned()),
    };
    let changes = changes(plan, &manifest);
    if !changes.is_empty() {
        return Ok(format!(
            "not compared with the ledger: {} since run {}; `chartledger run` publishes by what there is now",
            changes.join(" and "),
            manifest.run
        ));
    }
    // A run may have gone on since the ledger was opened, so what it counted is opened by its version.
    let version = manifest.ledger.unwrap_or_default();
    let then = match Ledger::open_at(&plan.ledger, version) {
        Err(Error::Damaged { path, problem }) if Some(version) < ledger.version => {
            return Ok(gone(version, &path, &problem));
        }
        opened => opened?,
    };
    if then.version != manifest.ledger {
        let path = publish::latest(&plan.out).join(publish::MANIFEST);
        let told = |version: Option<u64>| version.map_or("none".to_owned(), |version| version.to_string());
        let problem = format!(
            "the run counted version {} of the ledger, whose newest version is {}",
            told(manifest.ledger),
            told(ledger.version)
        );
        faults.add(
            Part::Table,
            path.display(),
            problem,
            "name the ledger of the run with --ledger, or run again",
        );
        return Ok("not compared with the ledger, which is not the run's".to_owned());
    }
    let plan = Plan { as_of: manifest.as_of, ..plan.clone() };
    let rebuilt = match run::rebuild(&plan, &then) {
        Err(Error::Damaged { path, problem }) if Some(version) < ledger.version => {
            return Ok(gone(version, &path, &problem));
        }
        rebuilt => rebuilt?,
    };
    let before = faults.counts.get(&Part::Table).copied().unwrap_or_default();
    // What changed against the run before does not follow from the ledger alone.
    let follows = |table: &Table| table.contract.name != tables::changes::CONTRACT.name;
    let rebuilt: Vec<Table> = rebuilt.into_iter().filter(follows).collect();
    let count = rebuilt.len();
    for table in rebuilt {
        compare(&publish::latest(&plan.out), table, &manifest, faults)?;
    }
    let after = faults.counts.get(&Part::Table).copied().unwrap_or_default();
    let verdict = match after - before {
        0 => "follow from".to_owned(),
        differences => format!("compared, {} from", plural(differences as u64, "difference")),
    };
    Ok(format!("{count} of run {} {verdict} version {version} of the ledger", manifest.run))
}

/// That a vacuum has taken what an old version needs.
fn gone(version: u64, path: &Path, problem: &str) -> String {
    format!(
        "not compared with version {version} of the ledger, which the run counted: {}: {problem}",
        path.display()
    )
}

/// What a rebuild would do otherwise than the run did.
fn changes(plan: &Plan, manifest: &Manifest) -> Vec<&'static str> {
    [
        (manifest.pipeline != plan.hash, "the pipeline file has changed"),
        (manifest.catalog != plan.catalog.hash, "the catalog has changed"),
        (manifest.claims != plan.claims.hash, "the claims file has changed"),
        (manifest.program != crate::PROGRAM, "the program has changed"),
    ]
    .into_iter()
    .filter_map(|(changed, what)| changed.then_some(what))
    .collect()
}

/// Holds a table against its file.
fn compare(run: &Path, table: Table, manifest: &Manifest, faults: &mut Faults) -> Result<()> {
    let name = table.contract.name;
    let path = run.join(format!("{name}.parquet"));
    let Ok(bytes) = std::fs::read(&path) else {
        if manifest.hash_of(name).is_none() {
            faults.add(Part::Table, name, "the run has no such table", ANEW);
        }
        // Otherwise it has been missed already.
        return Ok(());
    };
    let about = tables::describe::metadata(table.contract);
    if parquet::to_bytes(&table.frame, about)? == bytes {
        return Ok(());
    }
    let published = match decode(&path, bytes) {
        Ok(published) => published,
        Err(problem) => {
            faults.add(Part::Table, name, format!("its file cannot be read: {problem}"), ANEW);
            return Ok(());
        }
    };
    let before = faults.total();
    differences(table.contract, &table.frame.to_polars()?, &published, faults)?;
    if faults.total() == before {
        faults.add(
            Part::Table,
            name,
            "its cells follow from the ledger, but its file is not the one that a run writes",
            ANEW,
        );
    }
    Ok(())
}

/// Decodes a file that may be damaged.
fn decode(path: &Path, bytes: Vec<u8>) -> std::result::Result<DataFrame, String> {
    // The decoder trusts the file, and gives up in its own way on some that are damaged.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let decoded = catch_unwind(AssertUnwindSafe(|| parquet::decode(path, bytes, None)));
    std::panic::set_hook(hook);
    match decoded {
        Ok(Ok(frame)) => Ok(frame),
        Ok(Err(Error::Damaged { problem, .. })) => Err(problem),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it is no Parquet file any more".to_owned()),
    }
}

/// Every row and every cell in which a published table is not what follows from the ledger.
fn differences(
    contract: &Contract,
    derived: &DataFrame,
    published: &DataFrame,
    faults: &mut Faults,
) -> PolarsResult<()> {
    let name = contract.name;
    let columns = |frame: &DataFrame| -> Vec<(String, DataType)> {
        frame.columns().iter().map(|column| (column.name().to_string(), column.dtype().clone())).collect()
    };
    let (due, found) = (columns(derived), columns(published));
    if due != found {
        let odd = due
            .iter()
            .find(|column| !found.contains(column))
            .or_else(|| found.iter().find(|column| !due.contains(column)));
        let odd = odd.map_or("their order".to_owned(), |(column, dtype)| format!("{column} ({dtype})"));
        faults.add(Part::Table, name, format!("its columns are not those of the contract: {odd}"), ANEW);
        return Ok(());
    }
    let key = |frame: &DataFrame, row: usize| -> PolarsResult<Vec<String>> {
        contract.grain.iter().map(|column| Ok(value(&frame.column(column)?.get(row)?).to_string())).collect()
    };
    let place = |key: &[String]| {
        let parts = contract.grain.iter().zip(key).map(|(column, value)| format!("{column}={value}"));
        format!("{name}, row {}", parts.collect::<Vec<_>>().join(" "))
    };
    let mut rows: HashMap<Vec<String>, usize> = HashMap::with_capacity(published.height());
    for row in 0..published.height() {
        match rows.entry(key(published, row)?) {
            Entry::Occupied(twice) => {
                faults.add(Part::Table, place(twice.key()), "it stands in the table twice", ANEW);
            }
            Entry::Vacant(first) => {
                first.insert(row);
            }
        }
    }
    for row in 0..derived.height() {
        let key = key(derived, row)?;
        let Some(other) = rows.remove(&key) else {
            faults.add(Part::Table, place(&key), "it follows from the ledger and is not in the table", ANEW);
            continue;
        };
        for column in derived.columns() {
            let due: Value = value(&column.get(row)?);
            let found: Value = value(&published.column(column.name())?.get(other)?);
            if due != found {
                let problem = format!("{} is {found} in the table and {due} by the ledger", column.name());
                faults.add(Part::Table, place(&key), problem, ANEW);
            }
        }
    }
    let mut rest: Vec<Vec<String>> = rows.into_keys().collect();
    rest.sort_unstable();
    for key in rest {
        faults.add(Part::Table, place(&key), "it is in the table and does not follow from the ledger", ANEW);
    }
    Ok(())
}
