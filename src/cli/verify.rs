//! `chartledger verify`

use std::io::{self, BufWriter, Write};

use chartledger::error::Error;
use chartledger::verify::{self, Faults};
use clap::Args;

use super::{KeptArgs, text};

/// What `verify` takes.
#[derive(Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    kept: KeptArgs,
    /// How many faults of each kind to list
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
}

pub fn main(args: VerifyArgs, quiet: bool) -> anyhow::Result<()> {
    let VerifyArgs { kept, limit } = args;
    let plan = kept.load()?;
    let report = verify::verify(&plan, limit)?;
    let mut out = BufWriter::new(io::stdout().lock());
    if !quiet {
        for (what, said) in &report.checked {
            writeln!(out, "{what:<10} {said}")?;
        }
    }
    faults(&mut out, &report.faults)?;
    out.flush()?;
    match report.faults.total() {
        0 => Ok(()),
        total => Err(Error::Faults(format!("verify found {}", text::plural(total, "fault"))).into()),
    }
}

fn faults(out: &mut impl Write, faults: &Faults) -> io::Result<()> {
    for part in faults.counts.keys() {
        for fault in faults.shown.iter().filter(|fault| fault.part == *part) {
            writeln!(out, "fault      {}: {fault}", part.word())?;
        }
        match faults.more(*part) {
            0 => {}
            more => writeln!(
                out,
                "fault      {}: and {} more, see --limit",
                part.word(),
                text::thousands(more as i64)
            )?,
        }
    }
    Ok(())
}
