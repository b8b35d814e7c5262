//! What others say, each with its verdict.

use serde_json::Value;

use super::Sources;
use super::columns::section as table;
use crate::error::Result;
use crate::tables::claims::CONTRACT;

/// How many claims a page holds.
const MOST: usize = 2_000;

/// The section.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&CONTRACT)?;
    let names = [
        "verdict",
        "says",
        "source",
        "why",
        "convention",
        "expected",
        "found",
        "certainty",
        "basis_note",
        "chart",
        "region",
        "entity",
        "evidence_export",
        "evidence_row",
    ];
    table(&CONTRACT, frame, &names, (0..frame.height()).collect(), MOST)
}
