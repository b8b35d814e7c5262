//! `chartledger diff`

use std::path::PathBuf;

use chartledger::error::Error;
use chartledger::pipeline::{Overrides, Plan};
use chartledger::{history, publish, tables};
use clap::Args;

use super::show;

/// What `diff` takes.
#[derive(Args)]
pub struct DiffArgs {
    /// The earlier run, by its name or the beginning of it; the one before the latest without it
    #[arg(value_name = "RUN")]
    before: Option<String>,
    /// The later run; the latest without it
    #[arg(value_name = "RUN")]
    after: Option<String>,
    /// The pipeline file
    #[arg(long, value_name = "PIPELINE", default_value = "pipelines/k-soloists.toml")]
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
    /// How to write it; a table on a terminal, CSV elsewhere
    #[arg(long, value_enum)]
    format: Option<show::Format>,
}

pub fn main(args: DiffArgs) -> anyhow::Result<()> {
    let DiffArgs { before, after, pipeline, out, columns, limit, format } = args;
    let plan = Plan::load(&pipeline, Overrides { out, ..Overrides::default() })?;
    let after = publish::find_run(&plan.out, after.as_deref().unwrap_or("latest"))?;
    let before = match before {
        Some(before) => publish::find_run(&plan.out, &before)?,
        None => history::run_before(&plan.out, &after)?,
    };
    let mut frame = tables::changes::rows(&history::diff(&plan.out, &before, &after)?)?.to_polars()?;
    if let Some(unknown) = columns.iter().find(|name| frame.column(name).is_err()) {
        let names: Vec<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
        let names = names.join(", ");
        return Err(Error::Usage(format!("changes have no column `{unknown}`; they have {names}")).into());
    }
    if !columns.is_empty() {
        frame = frame.select(&columns)?;
    }
    let frame = limit.map_or(frame.clone(), |limit| frame.head(Some(limit)));
    show::write(&frame, show::Format::or_usual(format))
}
