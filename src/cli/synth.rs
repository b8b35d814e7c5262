//! `chartledger synth`

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use chartledger::error::Error;
use chartledger::store;
use chartledger::synth::{self, Compression, Dialect, Layout, Request, SynthError};
use chrono::NaiveDate;
use clap::{Args, ValueEnum};

use super::text;

/// What `synth` takes.
#[derive(Args)]
pub struct SynthArgs {
    /// The folder to write to
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// A fixed scenario instead of a random world; the other options do not apply to it
    #[arg(long, value_enum)]
    scenario: Option<Scenario>,
    /// Another seed is another world
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// official-daily, official-weekly, official-old, kaggle, merged-weekly, fycharts, scraper, kworb
    #[arg(long, default_value = "kaggle")]
    dialect: Dialect,
    /// one-file or per-day; official and kworb exports are always per-day
    #[arg(long)]
    layout: Option<Layout>,
    /// none, gzip or zstd
    #[arg(long, default_value = "none")]
    compression: Compression,
    /// How many regions, global first
    #[arg(long, default_value_t = 1)]
    regions: usize,
    /// The first day
    #[arg(long, value_name = "DATE", default_value = "2023-01-01")]
    from: NaiveDate,
    /// How many days
    #[arg(long, default_value_t = 31)]
    days: usize,
    /// How many ranks a chart has
    #[arg(long, default_value_t = 200)]
    rows_per_chart: usize,
    /// How many songs compete
    #[arg(long, default_value_t = 4000)]
    tracks: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scenario {
    /// The sample that ships with the project
    KSoloists,
}

pub fn main(args: SynthArgs, quiet: bool) -> anyhow::Result<()> {
    let start = Instant::now();
    store::refuse("synthetic exports are written", &args.output)?;
    let written = match args.scenario {
        Some(Scenario::KSoloists) => synth::write_k_soloists(&args.output),
        None => synth::write(&request(&args), &args.output),
    };
    let report = written.map_err(|error| match error {
        SynthError::Write { path, source } => Error::Write { path, source },
        other => Error::Usage(other.to_string()),
    })?;
    if !quiet {
        writeln!(
            io::stderr(),
            "wrote {}, {} rows, {} to {} in {}",
            text::plural(report.files as i64, "file"),
            text::thousands(report.rows as i64),
            text::bytes(report.bytes),
            args.output.display(),
            text::seconds(start.elapsed()),
        )?;
    }
    Ok(())
}

fn request(args: &SynthArgs) -> Request {
    let merged = [Dialect::Kaggle, Dialect::MergedWeekly, Dialect::Fycharts, Dialect::Scraper];
    let usual = if merged.contains(&args.dialect) { Layout::OneFile } else { Layout::PerDay };
    Request {
        seed: args.seed,
        dialect: args.dialect,
        layout: args.layout.unwrap_or(usual),
        compression: args.compression,
        regions: args.regions,
        from: args.from,
        days: args.days,
        rows_per_chart: args.rows_per_chart,
        tracks: args.tracks,
    }
}
