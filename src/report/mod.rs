//! The report: a published run as one HTML page that needs nothing else.
//!
//! Functions from published tables and derived courses to data, and from data to a page. Nothing here
//! reads or writes files; [`crate::reporting`] does. The page adds nothing up: what it shows stands in a
//! table, in `run.json` or in a course that was held against both.
//!
//! | file | job |
//! |---|---|
//! | `columns.rs` | a frame as compact columns |
//! | `embed.rs` | data, styles and scripts into one page, safely |
//! | `headline.rs` | what the run has otherwise than the one before |
//! | `story.rs` | the pipeline's headline ranking, with convention and certainty |
//! | `race.rs` | which sums are plotted day by day, and what holds them against the tables |
//! | `pace.rs` | who stands where on day N |
//! | `milestones.rs`, `rankings.rs`, `records.rs`, `claims.rs` | these tables |
//! | `coverage.rs` | what is known of each date of each scope |
//! | `account.rs` | where every row of every export went, and those in quarantine |
//! | `manifest.rs` | the run itself |
//! | `page/` | the page: HTML, styles, scripts, and the charting library under `vendor/` |

mod account;
mod claims;
mod columns;
mod coverage;
mod embed;
mod headline;
mod manifest;
mod milestones;
mod pace;
mod race;
mod rankings;
mod records;
mod story;

pub use race::{Chosen, check, choose};

use polars::prelude::DataFrame;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::pipeline::Plan;
use crate::proof::Course;
use crate::tables::{self, Contract};

/// The tables that a report is made from.
pub const TABLES: [&Contract; 11] = [
    &tables::milestones::CONTRACT,
    &tables::totals::CONTRACT,
    &tables::rankings::CONTRACT,
    &tables::records::CONTRACT,
    &tables::pace::CONTRACT,
    &tables::coverage::CONTRACT,
    &tables::exports::CONTRACT,
    &tables::quarantine::CONTRACT,
    &tables::claims::CONTRACT,
    &tables::changes::CONTRACT,
    &tables::checks::CONTRACT,
];

/// What a report is made from.
pub struct Sources<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// `run.json`.
    pub manifest: &'a Value,
    /// The tables of the run, at least those of [`TABLES`].
    pub tables: &'a [ReadTable],
    /// The totals whose sums are plotted.
    pub chosen: &'a Chosen,
    /// How these came to be, in the same order; `None` where no race was asked for.
    pub courses: Option<&'a [Course]>,
}

impl Sources<'_> {
    fn frame(&self, contract: &Contract) -> Result<&DataFrame> {
        frame_of(self.tables, contract)
    }
}

/// A table of a published run.
pub struct ReadTable {
    /// What it promises.
    pub contract: &'static Contract,
    /// Its rows.
    pub frame: DataFrame,
}

/// A table among others.
///
/// # Errors
/// [`Error::Usage`] if it is not there.
pub fn frame_of<'t>(tables: &'t [ReadTable], contract: &Contract) -> Result<&'t DataFrame> {
    let found = tables.iter().find(|table| table.contract.name == contract.name);
    found
        .map(|table| &table.frame)
        .ok_or_else(|| Error::Usage(format!("a report needs the table {}", contract.name)))
}

/// The page.
///
/// # Errors
/// [`Error::Frame`], [`Error::Usage`] for a table that is missing.
pub fn page(sources: &Sources<'_>) -> Result<String> {
    let data = json!({
        "about": manifest::about(sources),
        "headline": headline::section(sources)?,
        "story": story::section(sources)?,
        "race": race::section(sources)?,
        "pace": pace::section(sources)?,
        "milestones": milestones::section(sources)?,
        "rankings": rankings::section(sources)?,
        "records": records::section(sources)?,
        "coverage": coverage::section(sources)?,
        "account": account::section(sources)?,
        "claims": claims::section(sources)?,
        "manifest": manifest::section(sources),
    });
    Ok(embed::page(&manifest::title(sources), &data))
}
