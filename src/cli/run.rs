//! `chartledger run`

use std::io::{self, Write};

use chartledger::run::{Outcome, Report, Unchanged};
use clap::Args;
use polars::prelude::*;

use super::{PipelineArgs, claims, plan, progress, text};

/// What `run` takes.
#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Count every month again, and publish even if nothing is new
    #[arg(long)]
    full: bool,
    /// Take in corrected files however many rows they lose
    #[arg(long)]
    allow_loss: bool,
}

/// Runs; `log_only` keeps the summary, which is for people, off standard error.
pub fn main(args: RunArgs, quiet: bool, log_only: bool) -> anyhow::Result<()> {
    if args.dry_run {
        return plan::main(plan::PlanArgs { pipeline: args.pipeline });
    }
    let mut plan = args.pipeline.load()?;
    plan.full = args.full;
    if args.allow_loss {
        plan.policy.max_loss = 1.0;
    }
    let outcome = progress::with_bar(quiet || log_only, |progress| chartledger::run::run(&plan, progress))?;
    let (headline, verdicts) = match &outcome {
        Outcome::Published(report) => {
            if !quiet && !log_only {
                summary(&mut io::stderr().lock(), report)?;
            }
            (&report.headline, &report.claims)
        }
        Outcome::Unchanged(unchanged) => {
            if !quiet && !log_only {
                nothing_new(&mut io::stderr().lock(), unchanged)?;
            }
            (&unchanged.headline, &unchanged.claims)
        }
    };
    if let Some((name, frame)) = headline
        && !quiet
    {
        let mut out = io::stdout().lock();
        match frame.height() {
            0 => writeln!(out, "\n{name}: nobody yet")?,
            _ => {
                let (by, table) = (convention(frame)?, text::frame_table(&shown(frame)?, None)?);
                writeln!(out, "\n{name}, by {by}\n{table}")?;
            }
        }
    }
    if let Some(verdicts) = verdicts.as_ref().filter(|_| !quiet) {
        let verdicts = text::frame_table(&claims::short(verdicts)?, None)?;
        writeln!(io::stdout().lock(), "\nclaims\n{verdicts}")?;
    }
    Ok(())
}

/// How a ranking's figures were counted: the same for all of its rows.
fn convention(frame: &DataFrame) -> PolarsResult<String> {
    let mut words = Vec::new();
    for name in ["clock", "credit", "song_rule", "basis"] {
        if let Some(word) = frame.column(name)?.str()?.get(0) {
            words.push(format!("{name}={}", text::printable(word)));
        }
    }
    Ok(words.join(", "))
}

/// The headline's columns that tell its rows apart.
fn shown(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let wanted = [
        "rank",
        "rank_change",
        "entity",
        "chart",
        "region",
        "window",
        "reached_on",
        "days_elapsed",
        "day_number",
        "value",
        "contributing_songs",
        "order",
        "sensitivity",
        "note",
    ];
    let one_scope = frame.column("chart")?.n_unique()? <= 1 && frame.column("region")?.n_unique()? <= 1;
    let has_notes = frame.column("note")?.null_count() < frame.height();
    let milestones = frame.column("reached_on")?.null_count() == 0;
    frame.select(wanted.into_iter().filter(|name| match *name {
        "chart" | "region" => !one_scope,
        "note" => has_notes,
        "order" | "sensitivity" => {
            frame.column(name).is_ok_and(|column| column.null_count() < frame.height())
        }
        "value" => !milestones,
        "reached_on" | "day_number" | "days_elapsed" => milestones,
        _ => true,
    }))
}

fn nothing_new(out: &mut impl Write, unchanged: &Unchanged) -> io::Result<()> {
    writeln!(out, "read       nothing new in {}", text::plural(unchanged.found as i64, "export"))?;
    text::refused(out, &unchanged.refused)?;
    text::left_out(out, &unchanged.left_out)?;
    writeln!(out, "time       {}", text::seconds(unchanged.timings.total()))?;
    writeln!(out, "published  nothing, {} is of run {}", text::path(&unchanged.latest), unchanged.run)
}

fn summary(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let Report { update, rows, .. } = report;
    writeln!(
        out,
        "read       {} of {} found, {} rows in {}",
        text::plural(update.new_exports, "new export"),
        text::thousands(report.found as i64),
        text::thousands(report.rows_decoded as i64),
        text::bytes(report.bytes_read),
    )?;
    text::refused(out, &report.refused)?;
    text::left_out(out, &report.left_out)?;
    let changed = match update.months.len() {
        0 => "nothing new".to_owned(),
        months => format!("{} written, {}", text::plural(months, "month"), text::bytes(update.bytes)),
    };
    writeln!(out, "ledger     {changed}")?;
    if let Some(since) = report.since {
        writeln!(out, "counted    from {since} on; what was before is as it was")?;
    }
    writeln!(
        out,
        "rows       {} read = {} used + {} duplicate + {} superseded + {} quarantined",
        text::thousands(rows.read as i64),
        text::thousands(rows.used as i64),
        text::thousands(rows.duplicate as i64),
        text::thousands(rows.superseded as i64),
        text::thousands(rows.quarantined as i64),
    )?;
    let scopes = report.scopes.iter().map(|(scope, first, last)| {
        format!("scope      {} {}, {first} to {last}", scope.chart, text::printable(&scope.region))
    });
    for line in scopes.take(8) {
        writeln!(out, "{line}")?;
    }
    if report.scopes.len() > 8 {
        writeln!(out, "scope      and {} more, see `show coverage`", report.scopes.len() - 8)?;
    }
    writeln!(
        out,
        "names      {} not in the catalog, see `show credits`",
        text::thousands(report.unknown_names as i64)
    )?;
    for table in &report.tables {
        writeln!(out, "table      {:<12} {}", table.name, text::plural(table.rows as i64, "row"))?;
    }
    let stages: Vec<String> = report
        .timings
        .0
        .iter()
        .filter(|(_, time)| time.as_secs_f64() >= 0.005)
        .map(|(stage, time)| format!("{stage} {}", text::seconds(*time)))
        .collect();
    let memory =
        report.peak_memory.map_or(String::new(), |peak| format!(", {} of memory at most", text::bytes(peak)));
    writeln!(out, "time       {}{memory}", text::seconds(report.timings.total()))?;
    if !stages.is_empty() {
        writeln!(out, "stages     {}", stages.join(", "))?;
    }
    writeln!(out, "published  {}", text::path(&report.latest))
}
