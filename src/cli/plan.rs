//! `chartledger plan`

use std::io::{self, Write};
use std::time::Duration;

use chartledger::ledger::{Change, Withheld};
use chartledger::pipeline::Overrides;
use chartledger::run::Refused;
use chartledger::tables;
use clap::Args;

use super::progress::Watcher;
use super::{PipelineArgs, text};

/// What `plan` takes.
#[derive(Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub pipeline: PipelineArgs,
}

/// Plans; `logs` says that the log tells more than warnings.
pub fn main(args: PlanArgs, quiet: bool, logs: bool) -> anyhow::Result<()> {
    let plan = args.pipeline.load(Overrides::default())?;
    let watcher = Watcher::of(logs, Duration::from_secs(5), quiet);
    let prepared = watcher.watch(|progress| chartledger::run::prepare(&plan, progress))?;
    let mut out = io::stdout().lock();
    let count = |wanted: Change| prepared.found.iter().filter(|(_, change)| *change == wanted).count();
    writeln!(out, "pipeline   {} — {}", plan.name, text::printable(&plan.description))?;
    writeln!(
        out,
        "exports    {} found: {} new, {} changed, {} unchanged",
        text::thousands(prepared.found.len() as i64),
        text::thousands(count(Change::New) as i64),
        text::thousands(count(Change::Changed) as i64),
        text::thousands(count(Change::Unchanged) as i64),
    )?;
    for (found, change) in prepared.found.iter().filter(|(_, change)| *change == Change::Changed).take(20) {
        writeln!(out, "{:<10} {}", format!("{change:?}").to_lowercase(), text::printable(&found.name))?;
    }
    text::refused(&mut out, &prepared.refused())?;
    text::left_out(&mut out, &prepared.left_out())?;
    let contents = || prepared.decoded.exports.iter().filter_map(|export| export.content.as_ref().ok());
    let rows: u64 = contents().map(|content| content.rows_read).sum();
    let bad: usize = contents().map(|content| content.set_aside.len()).sum();
    writeln!(
        out,
        "rows       {} to read, {} of them to quarantine",
        text::thousands(rows as i64),
        text::thousands(bad as i64)
    )?;
    let months = prepared.months();
    for key in months.iter().take(24) {
        let state = if prepared.ledger.state.months.contains_key(key) { "rewrite" } else { "new" };
        writeln!(out, "month      {} {} ({state})", key.chart, key.month)?;
    }
    if months.len() > 24 {
        writeln!(out, "month      and {} more", months.len() - 24)?;
    }
    for tally in &plan.tallies {
        writeln!(
            out,
            "tally      {}: {}s, {}, {}",
            tally.name,
            tally.entity.word(),
            tally.clock.word(),
            text::plural(tally.thresholds.len(), "threshold")
        )?;
    }
    for contract in tables::ALL {
        writeln!(out, "table      {}: {}", contract.name, contract.about)?;
    }
    let latest = match &plan.place {
        Some(place) => place.join("latest").to_path(),
        None => chartledger::publish::latest(&plan.out),
    };
    writeln!(out, "publish    {}", text::path(&latest))?;
    let withheld = prepared.ledger.foresee(prepared.decoded, &plan.policy)?.into_iter();
    let withheld = withheld.map(|Withheld { export, problem }| Refused { export, problem });
    text::withheld(&mut out, &withheld.collect::<Vec<_>>())?;
    Ok(())
}
