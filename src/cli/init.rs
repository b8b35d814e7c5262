//! `chartledger init`

use std::io::{self, Write};
use std::path::PathBuf;

use chartledger::{starter, store};
use clap::Args;

use super::text;

/// What `init` takes.
#[derive(Args)]
pub struct InitArgs {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub fn main(args: InitArgs, quiet: bool) -> anyhow::Result<()> {
    store::refuse("a pipeline begins", &args.directory)?;
    let written = starter::init(&args.directory)?;
    if quiet {
        return Ok(());
    }
    let mut out = io::stderr().lock();
    for path in &written {
        writeln!(out, "written    {}", text::printable(&text::path(path)))?;
    }
    let directory = text::path(&args.directory);
    let inside = if directory.is_empty() { String::new() } else { format!("cd {directory} && ") };
    let exports = text::path(&args.directory.join("exports"));
    writeln!(out, "next       put exports into {}, then", text::printable(&exports))?;
    writeln!(out, "           {}chartledger run", text::printable(&inside))?;
    writeln!(out, "unsure     `chartledger inspect FILE` says what a file is, or how to have it read")?;
    Ok(())
}
