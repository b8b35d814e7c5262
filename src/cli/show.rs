//! `chartledger show`

use std::path::PathBuf;

use chartledger::pipeline::{Overrides, Per, Plan};
use chartledger::publish;
use clap::Args;
use polars::prelude::*;

use super::filter::{self, RowsArgs};
use super::output::OutputArgs;
use super::{Runs, schema};

/// What `show` takes.
#[derive(Args)]
pub struct ShowArgs {
    /// The table
    #[arg(value_name = "TABLE", value_parser = schema::TableName)]
    table: String,
    /// The pipeline file; chartledger.toml here without it, or else pipelines/k-soloists.toml
    #[arg(value_name = "PIPELINE", default_value = "", hide_default_value = true, value_parser = crate::cli::pipeline_file())]
    pipeline: PathBuf,
    /// The output folder, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// As this run published it, by its name or the beginning of it; the latest without it
    #[arg(long, value_name = "RUN")]
    as_of_run: Option<String>,
    #[command(flatten)]
    rows: RowsArgs,
    /// Only these columns
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Output")]
    columns: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn main(args: ShowArgs) -> anyhow::Result<()> {
    let contract = schema::contract(&args.table)?;
    let mut plan = Plan::load(&args.pipeline, Overrides { out: args.out.clone(), ..Overrides::default() })?;
    super::at_hand(&mut plan, if args.as_of_run.is_some() { Runs::All } else { Runs::Latest })?;
    let frame = match &args.as_of_run {
        Some(run) => {
            let run = publish::find_run(&plan.out, run)?;
            publish::read_in(&publish::folder(&plan.out, &run), contract)?
        }
        None => publish::read(&plan.out, contract)?,
    };
    let frame = best_first(&plan, contract.name, frame)?;
    let mut frame = args.rows.choose(contract.name, &plan, frame)?;
    if !args.columns.is_empty() {
        for name in &args.columns {
            filter::column(contract.name, &frame, name)?;
        }
        frame = frame.select(&args.columns)?;
    }
    args.output.write(&frame, !args.columns.is_empty())
}

/// Rankings by rank, as people read them; a published file is sorted by its grain.
fn best_first(plan: &Plan, table: &str, frame: DataFrame) -> anyhow::Result<DataFrame> {
    if table != "rankings" {
        return Ok(frame);
    }
    let text = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.str()?.clone());
    let [names, charts, regions] = [text("ranking")?, text("chart")?, text("region")?];
    let [windows, ids] = [text("window")?, text("entity_id")?];
    let ranks = frame.column("rank")?.i64()?.clone();
    // Where each entity stands with its best window, the windows are ranked together.
    let apart = |name: Option<&str>| {
        plan.rankings.iter().any(|ranking| Some(ranking.name.as_str()) == name && ranking.per == Per::Window)
    };
    let mut order: Vec<IdxSize> = (0..frame.height() as IdxSize).collect();
    order.sort_by_key(|&row| {
        let row = row as usize;
        let window = windows.get(row).filter(|_| apart(names.get(row)));
        (names.get(row), charts.get(row), regions.get(row), window, ranks.get(row), ids.get(row))
    });
    Ok(frame.take(&IdxCa::from_vec("".into(), order))?)
}
