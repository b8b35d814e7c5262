//! `chartledger diff`

use std::path::PathBuf;

use chartledger::pipeline::{Overrides, Plan};
use chartledger::{history, publish, tables};
use clap::Args;

use super::output::OutputArgs;
use super::{Runs, filter};

/// What `diff` takes.
#[derive(Args)]
pub struct DiffArgs {
    /// The earlier run, by its name or the beginning of it; the one before the latest without it
    #[arg(value_name = "RUN")]
    before: Option<String>,
    /// The later run; the latest without it
    #[arg(value_name = "RUN")]
    after: Option<String>,
    /// The pipeline file; chartledger.toml here without it, or else pipelines/k-soloists.toml
    #[arg(long, value_name = "PIPELINE", default_value = "", hide_default_value = true, value_parser = crate::cli::pipeline_file())]
    pipeline: PathBuf,
    /// The output folder, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only these columns
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    columns: Vec<String>,
    /// At most this many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn main(args: DiffArgs) -> anyhow::Result<()> {
    let DiffArgs { before, after, pipeline, out, columns, limit, output } = args;
    let mut plan = Plan::load(&pipeline, Overrides { out, ..Overrides::default() })?;
    super::at_hand(&mut plan, Runs::All)?;
    let after = publish::find_run(&plan.out, after.as_deref().unwrap_or("latest"))?;
    let before = match before {
        Some(before) => publish::find_run(&plan.out, &before)?,
        None => history::run_before(&plan.out, &after)?,
    };
    let mut frame = tables::changes::rows(&history::diff(&plan.out, &before, &after)?)?.to_polars()?;
    for name in &columns {
        filter::column("changes", &frame, name)?;
    }
    if !columns.is_empty() {
        frame = frame.select(&columns)?;
    }
    let frame = limit.map_or(frame.clone(), |limit| frame.head(Some(limit)));
    output.write(&frame, !columns.is_empty())
}
