//! `chartledger ledger vacuum`

use std::io::{self, Write};

use chartledger::ledger::vacuum;
use chartledger::publish;
use clap::Args;

use crate::cli::{KeptArgs, Runs, text};

/// What `ledger vacuum` takes.
#[derive(Args)]
pub struct VacuumArgs {
    #[command(flatten)]
    kept: KeptArgs,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// Removes; the files go to standard output, one a line, and with `quiet` nothing else is said.
pub fn main(args: VacuumArgs, quiet: bool) -> anyhow::Result<()> {
    let VacuumArgs { kept, dry_run } = args;
    let mut plan = kept.load()?;
    crate::cli::at_hand(&mut plan, Runs::All)?;
    let runs = publish::runs(&plan.out)?;
    // A run that cannot say which version it counted may need any: then nothing is removed.
    let mut named = Vec::with_capacity(runs.len());
    for run in &runs {
        named.extend(publish::manifest_in(&publish::folder(&plan.out, run))?.ledger);
    }
    let oldest = named.iter().copied().min();
    // Without a run nobody has said which versions may go.
    let vacuumed = vacuum(&plan.ledger, oldest.unwrap_or_default(), dry_run)?;
    let mut stdout = io::stdout().lock();
    for (path, bytes) in &vacuumed.files {
        writeln!(stdout, "{}\t{bytes}", text::printable(path))?;
    }
    if !quiet {
        let mut stderr = io::stderr().lock();
        let said = if dry_run { "to remove" } else { "removed" };
        let files = text::plural(vacuumed.files.len(), "file");
        writeln!(stderr, "{said:<10} {files}, {}", text::bytes(vacuumed.bytes()))?;
        let place = plan.place.as_ref().map_or(plan.out.clone(), |place| place.to_path());
        let why = match (oldest, runs.len()) {
            (Some(_), kept) => {
                format!("named by the {} kept in {}", text::plural(kept, "run"), text::path(&place))
            }
            (None, _) => format!("all, since {} has no runs", text::path(&place)),
        };
        let (from, to) = (vacuumed.oldest, vacuumed.newest);
        writeln!(stderr, "readable   versions {from} to {to} of the ledger: {why}")?;
    }
    Ok(())
}
