//! `chartledger report`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chartledger::error::Error;
use chartledger::{files, publish, reporting, store};
use clap::Args;

use super::{KeptArgs, Runs, text};

/// What `report` takes.
#[derive(Args)]
pub struct ReportArgs {
    #[command(flatten)]
    kept: KeptArgs,
    /// The HTML file to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Of this run, by its name or the beginning of it; of the latest without it
    #[arg(long, value_name = "RUN")]
    as_of_run: Option<String>,
    /// Leave out the race, for which the ledger is read
    #[arg(long)]
    no_race: bool,
}

pub fn main(args: ReportArgs, quiet: bool) -> anyhow::Result<()> {
    store::refuse("the report is written", &args.output)?;
    let mut plan = args.kept.load()?;
    super::at_hand(&mut plan, if args.as_of_run.is_some() { Runs::All } else { Runs::Latest })?;
    let folder = match &args.as_of_run {
        Some(run) => publish::folder(&plan.out, &publish::find_run(&plan.out, run)?),
        None => publish::latest(&plan.out),
    };
    let page = reporting::of_run(&plan, &folder, !args.no_race)?;
    write(&args.output, page.as_bytes())?;
    if !quiet {
        let size = text::bytes(page.len() as u64);
        let output = args.output.display().to_string();
        writeln!(io::stderr().lock(), "report     {}, {size}", text::printable(&output))?;
    }
    Ok(())
}

/// Writes a file in one step; what is there and is no file, such as a terminal, is written to.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(meta) if !meta.is_file() => std::fs::write(path, bytes).map_err(Error::write(path)),
        // A link stays one.
        Ok(_) => files::replace(&std::fs::canonicalize(path).map_err(Error::write(path))?, bytes),
        Err(_) => files::replace(path, bytes),
    }
}
