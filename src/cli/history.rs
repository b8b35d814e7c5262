//! `chartledger history`

use std::path::PathBuf;

use chartledger::pipeline::{Overrides, Plan};
use clap::Args;

use super::show;

/// What `history` takes.
#[derive(Args)]
pub struct HistoryArgs {
    /// The pipeline file
    #[arg(value_name = "PIPELINE", default_value = "pipelines/k-soloists.toml")]
    pipeline: PathBuf,
    /// The ledger, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// The output folder, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only the last so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How to write it; a table on a terminal, CSV elsewhere
    #[arg(long, value_enum)]
    format: Option<show::Format>,
}

pub fn main(args: HistoryArgs) -> anyhow::Result<()> {
    let HistoryArgs { pipeline, ledger, out, limit, format } = args;
    let plan = Plan::load(&pipeline, Overrides { ledger, out, ..Overrides::default() })?;
    let frame = chartledger::history::timeline(&plan)?;
    let frame = limit.map_or(frame.clone(), |limit| frame.tail(Some(limit)));
    show::write(&frame, show::Format::or_usual(format))
}
