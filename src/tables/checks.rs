//! `checks`: how the comparisons with what exports say of themselves went, counted.

use std::collections::BTreeMap;

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;

use super::identity::{CHART, REGION, scope_columns};
use super::{Contract, Kind, Orders, Sources, field};
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::{Check, Score};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "checks",
    about: "how often what an export says of itself is what was counted; `reconciliation` lists where not",
    columns: &[
        field("check", Kind::String, "what is compared, such as peak_rank or counter_step"),
        CHART,
        REGION,
        field("compared", Kind::Int64, "comparisons"),
        field("agreed", Kind::Int64, "those that agree"),
        field("differed", Kind::Int64, "those that do not"),
        field("undecided", Kind::Int64, "those that dates without an export would decide"),
    ],
    grain: &["check", "chart", "region"],
    build,
    holds,
};

fn holds(frame: &Frame) -> PolarsResult<Option<String>> {
    let [all, agreed, differed, undecided] =
        ["compared", "agreed", "differed", "undecided"].map(|name| frame.i64(name).cloned());
    let (all, agreed, differed, undecided) = (all?, agreed?, differed?, undecided?);
    let broken = (0..frame.height()).find(|&row| {
        let at = |column: &PrimitiveArray<i64>| column.get(row).unwrap_or_default();
        at(&all) != at(&agreed) + at(&differed) + at(&undecided)
    });
    Ok(broken.map(|row| format!("row {row} does not add up")))
}

fn build(sources: &Sources<'_>, _: &Orders) -> Result<Frame> {
    let mut scores: BTreeMap<(&str, u32), Score> = BTreeMap::new();
    for (scope, of_scope) in &sources.folded.scores {
        for check in Check::ALL {
            let new = of_scope[check as usize];
            if new != Score::default() {
                let score = scores.entry((check.word(), *scope)).or_default();
                score.agreed += new.agreed;
                score.differed += new.differed;
                score.undecided += new.undecided;
            }
        }
    }
    let all = || scores.values();
    let mut columns = vec![Column::text("check", scores.keys().map(|(check, _)| *check))];
    columns.extend(scope_columns(sources, scores.keys().map(|(_, scope)| *scope)));
    columns.extend([
        Column::numbers(
            "compared",
            all().map(|score| (score.agreed + score.differed + score.undecided) as i64),
        ),
        Column::numbers("agreed", all().map(|score| score.agreed as i64)),
        Column::numbers("differed", all().map(|score| score.differed as i64)),
        Column::numbers("undecided", all().map(|score| score.undecided as i64)),
    ]);
    Frame::new(scores.len(), columns)
}
