//! The stages of `report`: a published run, the ledger that it counted, the courses behind its totals,
//! and the page.
//!
//! [`crate::report`] makes the page; this reads, and writes the page of a run that is about to be
//! published.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::explain::{Contradiction, Ground, Proofs};
use crate::pipeline::Plan;
use crate::proof::{Course, Published};
use crate::publish::{self, MANIFEST, Manifest, REPORT};
use crate::report::ReadTable;
use crate::report::{self, Chosen, Sources, TABLES};
use crate::tables::Contract;
use crate::{files, parquet, seal};

/// The report of the run in `folder`, and whether its `race` is plotted, for which the ledger is read.
///
/// # Errors
/// [`Error::Usage`] if there is no such run or no ledger, [`Error::Damaged`] if a table is not as the run
/// wrote it, [`Error::Audit`] if a plotted sum does not follow from the ledger or does not agree with the
/// tables; [`Error::Read`].
pub fn of_run(plan: &Plan, folder: &Path, race: bool) -> Result<String> {
    let manifest = publish::manifest_in(folder)?;
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(Error::read(&path))?;
    if !seal::holds(&text) {
        let problem = "its text has changed since the run wrote it; run the pipeline again";
        return Err(Error::damaged(&path, problem));
    }
    let told: Value = serde_json::from_str(&text).map_err(|error| Error::damaged(&path, error))?;
    let tables = read_all(folder, &manifest)?;
    if !race {
        return page(plan, &told, &tables, &Chosen::default(), None);
    }
    let chosen = report::choose(plan, &tables)?;
    if chosen.rows.is_empty() {
        return page(plan, &told, &tables, &chosen, Some(&[]));
    }
    let proofs = Proofs::of_run(plan, manifest, folder)?;
    let courses = proofs.courses(&chosen.published)?;
    if let Err(Contradiction { of, problem }) = report::check(plan, &tables, &chosen, &courses)?
        && let Some(published) = chosen.published.get(of)
    {
        proofs.refuse(published, &problem)?;
    }
    page(plan, &told, &tables, &chosen, Some(&courses))
}

/// Writes the report of a run into its folder, where its tables stand and nothing else yet; `told` is
/// what `run.json` will say. What that will say of the report.
///
/// # Errors
/// [`Error::Audit`] if a plotted sum does not follow from the ledger or does not agree with the tables;
/// [`Error::Read`], [`Error::Write`].
pub fn publish(folder: &Path, told: &Value, ground: Ground<'_>) -> Result<Value> {
    let problem = |problem: String| Error::damaged(&folder.join(MANIFEST), problem);
    let tables = read_all(folder, &Manifest::of(told).map_err(problem)?)?;
    let chosen = report::choose(ground.plan, &tables)?;
    let checked = match ground.courses(&chosen.published)? {
        Ok(courses) => report::check(ground.plan, &tables, &chosen, &courses)?.map(|()| courses),
        Err(contradiction) => Err(contradiction),
    };
    let courses = checked.map_err(|Contradiction { of, problem }| {
        let of = chosen.published.get(of).map_or(String::new(), words);
        Error::Audit(format!(
            "totals {of}: {problem}; one of the two ways of counting is wrong, please report this"
        ))
    })?;
    let page = page(ground.plan, told, &tables, &chosen, Some(&courses))?;
    files::write_new(&folder.join(REPORT), page.as_bytes())?;
    Ok(json!({ "bytes": page.len(), "hash": blake3::hash(page.as_bytes()).to_hex().as_str() }))
}

/// Whether the report of a run is as the run wrote it, if it wrote one.
pub fn is_in_place(folder: &Path, manifest: &Manifest) -> bool {
    let Some(due) = &manifest.report else { return true };
    let file = std::fs::read(folder.join(REPORT));
    file.is_ok_and(|bytes| blake3::hash(&bytes).to_hex().as_str() == due)
}

/// The key of a published total.
fn words(published: &Published) -> String {
    let of = ["tally", "chart", "region", "entity_id", "window"]
        .map(|column| published.text(column).escape_debug().to_string());
    of.join(" ")
}

fn page(
    plan: &Plan,
    manifest: &Value,
    tables: &[ReadTable],
    chosen: &Chosen,
    courses: Option<&[Course]>,
) -> Result<String> {
    report::page(&Sources { plan, manifest, tables, chosen, courses })
}

/// The tables of a run that a report is made from.
fn read_all(folder: &Path, manifest: &Manifest) -> Result<Vec<ReadTable>> {
    TABLES.into_iter().map(|contract| read(folder, manifest, contract)).collect()
}

/// A table of a run, which must be as the run wrote it.
fn read(folder: &Path, manifest: &Manifest, contract: &'static Contract) -> Result<ReadTable> {
    let path = folder.join(format!("{}.parquet", contract.name));
    let Some(hash) = manifest.hash_of(contract.name) else {
        return Err(Error::Usage(format!(
            "run {} has no table {}, so there is no report of it; run the pipeline again",
            manifest.run, contract.name
        )));
    };
    let bytes = std::fs::read(&path).map_err(Error::read(&path))?;
    if blake3::hash(&bytes).to_hex().as_str() != hash {
        let problem = format!(
            "it is not the file that the run wrote: its hash is not the one in {MANIFEST}; run the pipeline again"
        );
        return Err(Error::damaged(&path, problem));
    }
    Ok(ReadTable { contract, frame: parquet::decode(&path, bytes, None)? })
}
