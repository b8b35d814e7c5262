//! `chartledger ledger forget`

use std::io::{self, Write};
use std::path::PathBuf;

use chartledger::ledger::Ledger;
use chartledger::pipeline::{Overrides, Plan};
use clap::Args;

use crate::cli::text;

/// What `ledger forget` takes.
#[derive(Args)]
pub struct ForgetArgs {
    /// The export, by its name in the table `exports`
    #[arg(value_name = "EXPORT")]
    export: String,
    /// The pipeline file; chartledger.toml here without it, or else pipelines/k-soloists.toml
    #[arg(value_name = "PIPELINE", default_value = "", hide_default_value = true, value_parser = crate::cli::pipeline_file())]
    pipeline: PathBuf,
    /// The ledger, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// Let an export that was taken out come in again with the next run
    #[arg(long)]
    undo: bool,
}

pub fn main(args: ForgetArgs, quiet: bool) -> anyhow::Result<()> {
    let ForgetArgs { export, pipeline, ledger, undo } = args;
    let plan = Plan::load(&pipeline, Overrides { ledger, ..Overrides::default() })?;
    // A name that was mistyped makes no folder.
    Ledger::open(&plan.ledger)?.find(&export, undo)?;
    let lock = Ledger::lock(&plan.ledger)?;
    let mut ledger = Ledger::open(&plan.ledger)?;
    let name = text::printable(&export);
    let mut out = io::stderr().lock();
    if undo {
        ledger.remember(&lock, &export)?;
        if !quiet {
            writeln!(
                out,
                "remembered {name}: the next `chartledger run` takes it in again if it is still there"
            )?;
        }
        return Ok(());
    }
    let rows =
        ledger.state.listed().find(|(_, entry)| entry.name == export).map_or(0, |(_, entry)| entry.rows.read);
    let update = ledger.forget(&lock, &export, &plan.policy)?;
    if !quiet {
        writeln!(out, "forgotten  {name}, {}", text::plural(rows as i64, "row"))?;
        writeln!(
            out,
            "ledger     {} written, {}",
            text::plural(update.months.len(), "month"),
            text::bytes(update.bytes)
        )?;
        let next = match ledger.state.listed().next() {
            Some(_) => "`chartledger run` publishes the tables without it",
            None => "it was the last export; the tables stay as they are until a run finds another one",
        };
        writeln!(out, "next       {next}")?;
    }
    Ok(())
}
