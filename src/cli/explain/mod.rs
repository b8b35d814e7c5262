//! `chartledger explain`
//!
//! `choose.rs` finds the published row that the flags mean, `text.rs` writes its proof for people.

mod choose;
mod text;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use chartledger::explain::{self, Proofs};
use chartledger::pipeline::{Overrides, Plan};
use chartledger::proof::{Proof, Row};
use chartledger::publish;
use chartledger::tables::{milestones, totals};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::output::io_error;
use super::text::json_escaped;
use super::{Runs, pager};

/// What `explain` takes.
#[derive(Args)]
pub struct ExplainArgs {
    /// The pipeline file; chartledger.toml here without it, or else pipelines/k-soloists.toml
    #[arg(value_name = "PIPELINE", default_value = "", hide_default_value = true, value_parser = crate::cli::pipeline_file())]
    pipeline: PathBuf,
    /// Whose milestone or total: an id or a name, in any case
    #[arg(long, value_name = "NAME")]
    entity: String,
    /// Which threshold; the highest reached without it
    #[arg(long, value_name = "STREAMS", conflicts_with = "total")]
    threshold: Option<i64>,
    /// The total up to the last date of the window, instead of a milestone
    #[arg(long)]
    total: bool,
    /// By which tally
    #[arg(long)]
    tally: Option<String>,
    /// In which window: all, 2023, 2023-07
    #[arg(long)]
    window: Option<String>,
    /// On which chart, such as spotify:daily
    #[arg(long)]
    chart: Option<String>,
    /// In which region
    #[arg(long)]
    region: Option<String>,
    /// The output folder, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The ledger, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// List every observation that counts
    #[arg(long)]
    rows: bool,
    /// How to write it; csv is the rows alone
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Start no pager for a proof that is longer than the screen
    #[arg(long)]
    no_pager: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
}

/// A proof as JSON.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    proof: &'a Proof,
    notes: &'a [String],
    /// Last, because there may be thousands.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<&'a [Row]>,
}

pub fn main(args: ExplainArgs) -> anyhow::Result<()> {
    let overrides = Overrides { out: args.out.clone(), ledger: args.ledger.clone(), ..Overrides::default() };
    let mut plan = Plan::load(&args.pipeline, overrides)?;
    let contract = if args.total { &totals::CONTRACT } else { &milestones::CONTRACT };
    crate::cli::at_hand(&mut plan, Runs::Latest)?;
    let frame = publish::read(&plan.out, contract)?;
    let chosen = choose::choose(&args, &plan, contract, &frame)?;
    let published = explain::published(contract, &frame, chosen.row)?;
    let proofs = Proofs::open(&plan)?;
    let proof = proofs.explain(&published)?;
    let mut notes = proofs.notes(proof.figure)?;
    notes.extend(chosen.note);

    if matches!(args.format, Format::Table) {
        let mut text = Vec::new();
        text::write(&mut text, &proof, &notes, args.rows)?;
        return Ok(pager::write(&String::from_utf8_lossy(&text), !args.no_pager)?);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match args.format {
        Format::Table => {}
        Format::Json => {
            let rows = args.rows.then_some(proof.rows.as_slice());
            let text = serde_json::to_string_pretty(&Explained { proof: &proof, notes: &notes, rows })?;
            writeln!(out, "{}", json_escaped(&text))?;
        }
        Format::Csv => csv(&mut out, &proof)?,
    }
    out.flush()?;
    Ok(())
}

fn csv(out: &mut impl Write, proof: &Proof) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(text::ROW_COLUMNS).map_err(io_error)?;
    for row in &proof.rows {
        writer
            .write_record([
                &row.date.to_string(),
                &row.rank.to_string(),
                &row.uri,
                &row.title,
                &row.artists,
                &row.streams.to_string(),
                &row.counted.to_string(),
                &row.sum.to_string(),
                &row.export,
                &row.row.to_string(),
            ])
            .map_err(io_error)?;
    }
    writer.flush()?;
    Ok(())
}
