//! `claims`: what others say, and whether the ledger bears it out.

use polars::prelude::*;

use super::identity::REGION;
use super::{Contract, Kind, Orders, Sources, field, nullable};
use crate::claims::Verdict;
use crate::error::Result;
use crate::frame::{Column, Frame};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "claims",
    about: "statements of the pipeline's claims file, each with a verdict, its convention and the reason",
    columns: &[
        field("claim", Kind::String, "the claim's id"),
        field("says", Kind::String, "the sentence as it was printed"),
        nullable("source", Kind::String, "who says so"),
        field(
            "kind",
            Kind::String,
            "days_to, reached_on, day_of_year, first_to, most_streamed, contributing_songs, total or rank",
        ),
        field(
            "about",
            Kind::String,
            "what it speaks of: chart (filtered chart streams) or counter (public play counts)",
        ),
        field("chart", Kind::String, "the chart it was checked on"),
        REGION,
        nullable("entity_id", Kind::String, "of whom; empty where the ledger knows nobody of this name"),
        field("entity", Kind::String, "title or display name, or what the claim calls it"),
        field("verdict", Kind::String, "holds, holds_otherwise, contradicted or not_decidable"),
        nullable("convention", Kind::String, "under which it holds, or else the claim's own"),
        field("expected", Kind::String, "what it says, in a few words"),
        nullable("found", Kind::String, "what the data says, in the same words"),
        field("why", Kind::String, "the reason, as a sentence"),
        nullable("basis_note", Kind::String, "where it speaks of other figures than those it was checked on"),
        nullable(
            "certainty",
            Kind::String,
            "of a date: certain, bounded or at_latest; of a rank: certain or possibly tied",
        ),
        nullable("evidence_export", Kind::String, "the export with the row that shows the date"),
        nullable("evidence_row", Kind::Int64, "that row: line of a text export, row of a Parquet export"),
    ],
    grain: &["claim"],
    build,
    holds,
};

fn holds(frame: &Frame) -> PolarsResult<Option<String>> {
    let verdicts = frame.text("verdict")?;
    let found = frame.text("found")?;
    // Whatever decides a claim is named.
    let decided = |verdict| verdict != Some(Verdict::NotDecidable.word());
    let broken = (0..frame.height()).find(|&row| decided(verdicts.get(row)) && found.get(row).is_none());
    Ok(broken.map(|row| format!("row {row} has a verdict and nothing that was found")))
}

fn build(sources: &Sources<'_>, _: &Orders) -> Result<Frame> {
    let mut rows: Vec<_> = sources.plan.claims.claims.iter().zip(sources.judged).collect();
    rows.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    let rows = || rows.iter().copied();
    let export = |code: u32| sources.state.exports.get(code as usize).map(|export| export.name.as_str());
    let columns = vec![
        Column::text("claim", rows().map(|(claim, _)| claim.id.as_str())),
        Column::text("says", rows().map(|(claim, _)| claim.says.as_str())),
        Column::optional_text("source", rows().map(|(claim, _)| claim.source.as_deref())),
        Column::text("kind", rows().map(|(claim, _)| claim.kind.word())),
        Column::text("about", rows().map(|(claim, _)| claim.about.word())),
        Column::text("chart", rows().map(|(_, judged)| judged.chart.as_str())),
        Column::text("region", rows().map(|(claim, _)| claim.region.as_str())),
        Column::optional_text("entity_id", rows().map(|(_, judged)| judged.entity_id.as_deref())),
        Column::text("entity", rows().map(|(_, judged)| judged.entity.as_str())),
        Column::text("verdict", rows().map(|(_, judged)| judged.verdict.word())),
        Column::optional_text("convention", rows().map(|(_, judged)| judged.convention.as_deref())),
        Column::text("expected", rows().map(|(_, judged)| judged.expected.as_str())),
        Column::optional_text("found", rows().map(|(_, judged)| judged.found.as_deref())),
        Column::text("why", rows().map(|(_, judged)| judged.why.as_str())),
        Column::optional_text("basis_note", rows().map(|(_, judged)| judged.basis_note.as_deref())),
        Column::optional_text("certainty", rows().map(|(_, judged)| judged.certainty)),
        Column::optional_text("evidence_export", rows().map(|(_, judged)| export(judged.evidence?.0))),
        Column::optional_numbers(
            "evidence_row",
            rows().map(|(_, judged)| Some(i64::from(judged.evidence?.1))),
        ),
    ];
    Frame::new(sources.judged.len(), columns)
}
