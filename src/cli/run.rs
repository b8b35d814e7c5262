//! `chartledger run`

use std::collections::BTreeSet;
use std::io::{self, Write};

use std::path::PathBuf;
use std::time::Duration;

use chartledger::dates::Day;
use chartledger::freshness;
use chartledger::hook::{Hook, Told};
use chartledger::ledger::OnLoss;
use chartledger::pipeline::{Overrides, Plan};
use chartledger::publish;
use chartledger::run::{Published, Report};
use chartledger::store;
use chartledger::underway;
use clap::Args;
use polars::prelude::*;

use super::metrics::MetricsFile;
use super::progress::Watcher;
use super::{PipelineArgs, claims, engine, fit, pager, plan, signals, text};

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
    /// Let corrections count however many rows they lose
    #[arg(long)]
    allow_loss: bool,
    /// Say what each stage took: time, rows and bytes a second, and how many threads it kept busy
    #[arg(long, conflicts_with = "dry_run")]
    timings: bool,
    /// Write metrics of the run to FILE, for Prometheus
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Today's date, for max_staleness and metrics; by default that of the clock, in UTC
    #[arg(long, value_name = "DATE")]
    today: Option<Day>,
    /// Start this command with the changes as JSON on its standard input, if there are any that matter
    #[arg(long, value_name = "CMD")]
    on_change: Option<String>,
    /// How often a log says how far the run is; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    progress_every: f64,
    #[command(flatten)]
    engine: engine::EngineArgs,
}

/// Runs; `log_only` keeps the summary, which is for people, off standard error, and `logs` says that
/// the log tells more than warnings.
pub fn main(args: RunArgs, quiet: bool, log_only: bool, logs: bool) -> anyhow::Result<()> {
    let today = args.today.unwrap_or_else(freshness::today);
    let every = Duration::try_from_secs_f64(args.progress_every).unwrap_or_default();
    let of_the_ledger = args.dry_run || args.full || args.allow_loss;
    let of_a_night = args.on_change.is_some() || args.metrics.is_some();
    if let Some(options) = args.engine.options(&args.pipeline, of_the_ledger || of_a_night)? {
        let watched = engine::Watched { today, every, quiet, log_only, logs };
        return engine::main(args.pipeline, &options, watched);
    }
    if args.dry_run {
        return plan::main(plan::PlanArgs { pipeline: args.pipeline }, quiet, logs);
    }
    args.metrics.as_deref().map_or(Ok(()), |path| store::refuse("metrics are written", path))?;
    let mut metrics = MetricsFile::new(&args.pipeline.pipeline, args.metrics, today);
    let (full, allow_loss, timings) = (args.full, args.allow_loss, args.timings);
    let more = Overrides { on_change: args.on_change, ..Overrides::default() };
    let result = args.pipeline.load(more).and_then(|mut plan| {
        plan.full = full;
        plan.policy.on_loss = match (allow_loss, plan.strict) {
            (true, _) => OnLoss::Allow,
            (false, true) => OnLoss::Stop,
            (false, false) => OnLoss::Withhold,
        };
        metrics.of_plan(&plan);
        metrics.check()?;
        let stopped = metrics.clone();
        signals::watch(
            move |sentence| super::say(log_only, sentence),
            move |code| {
                // The exit code says that the run was stopped, and that comes first.
                let _ = stopped.write(code, None);
            },
        )?;
        let watcher = Watcher::of(logs, every, quiet);
        let report = watcher.watch(|progress| chartledger::run::run(&plan, progress))?;
        Ok((plan, report))
    });
    let (report, result) = match result {
        Ok((plan, report)) => {
            // A reader that has seen enough does not keep the gate from being looked at.
            let shown = show(&report, quiet, log_only)
                .and_then(|()| if timings { super::timings::show(&report, log_only) } else { Ok(()) })
                .or_else(|error| if super::is_broken_pipe(&error) { Ok(()) } else { Err(error) });
            // Whoever wants to know of changes is told even where nobody reads along.
            tell(&plan.on_change, &report, quiet, log_only);
            (Some(report), shown.and_then(|()| check_freshness(&plan, today)))
        }
        Err(error) => (None, Err(error)),
    };
    let code = result.as_ref().err().map_or(0, super::exit_code);
    let written = {
        // A signal now would write them at the same time.
        let _undisturbed = underway::stop();
        metrics.write(code, report.as_ref())
    };
    match (result, written) {
        (Ok(()), written) => Ok(written?),
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(unwritten)) => {
            tracing::warn!(problem = unwritten.to_string(), "no metrics");
            Err(error)
        }
    }
}

/// Refuses published scopes that are too old. As of a day of the past, all of them would be.
pub(super) fn check_freshness(plan: &Plan, today: Day) -> anyhow::Result<()> {
    if plan.as_of.is_some() || plan.freshness == Default::default() {
        return Ok(());
    }
    Ok(plan.freshness.check(&publish::manifest(&plan.out)?.scopes, today)?)
}

/// Rows of the headline's ranking that are shown after a run.
const HEADLINE: usize = 50;

fn show(report: &Report, quiet: bool, log_only: bool) -> anyhow::Result<()> {
    if !quiet && !log_only {
        let mut err = io::stderr().lock();
        match &report.published {
            Some(published) => summary(&mut err, report, published)?,
            None => nothing_new(&mut err, report)?,
        }
    }
    if let Some((name, frame)) = report.headline.as_ref().filter(|_| !quiet) {
        headline(&mut io::stdout().lock(), name, frame)?;
    }
    if let Some(verdicts) = report.claims.as_ref().filter(|_| !quiet) {
        let verdicts = fit::table(&claims::short(verdicts)?, pager::width(), true)?;
        write!(io::stdout().lock(), "\nclaims\n{verdicts}")?;
    }
    Ok(())
}

/// The first rows of the ranking that the pipeline is about.
pub(super) fn headline(out: &mut impl Write, name: &str, frame: &DataFrame) -> anyhow::Result<()> {
    if frame.height() == 0 {
        return Ok(writeln!(out, "\n{name}: nobody yet")?);
    }
    let by = convention(frame)?;
    let best = best(frame)?;
    let table = fit::table(&shown(&best)?, pager::width(), true)?;
    write!(out, "\n{name}, by {by}\n{table}")?;
    if let more @ 1.. = frame.height().saturating_sub(best.height()) {
        let more = text::thousands(more as i64);
        writeln!(out, "and {more} more: `chartledger show rankings --ranking {name}`")?;
    }
    Ok(())
}

/// Tells whom the pipeline names of the changes. Nothing that becomes of it fails the run.
fn tell(hook: &Hook, report: &Report, quiet: bool, log_only: bool) {
    let told = Told { run: &report.run, published: &report.latest, keep_output: log_only };
    let Some(Published { changes, .. }) = &report.published else { return };
    let Some(ended) = hook.tell(changes, &told) else { return };
    let (changes, output) = (changes.len(), ended.output);
    match ended.problem {
        None => {
            tracing::info!(run = report.run, changes, output, "told of changes");
            if !quiet && !log_only {
                let _ = writeln!(io::stderr(), "told       of {}", text::plural(changes, "change"));
            }
        }
        Some(problem) if log_only => {
            tracing::warn!(run = report.run, changes, output, "the command of --on-change {problem}");
        }
        Some(problem) => {
            tracing::warn!("the command that is told of changes {problem}; the run is published");
        }
    }
}

/// The best rows of a headline: as many of each scope, so that none hides the others.
fn best(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let (charts, regions) = (frame.column("chart")?.str()?, frame.column("region")?.str()?);
    let scopes: Vec<_> = charts.iter().zip(regions.iter()).collect();
    // The rows of a scope stand together, the best first.
    let count = scopes.chunk_by(|a, b| a == b).count();
    let of_each = (HEADLINE / count.max(1)).max(1);
    let kept = scopes.chunk_by(|a, b| a == b).flat_map(|scope| (0..scope.len()).map(|place| place < of_each));
    Ok(frame.filter(&kept.collect::<BooleanChunked>())?.head(Some(HEADLINE)))
}

/// How a ranking's figures were counted. Only the basis is not the same for all of its rows, where some
/// charts count otherwise than others.
fn convention(frame: &DataFrame) -> PolarsResult<String> {
    let mut said = Vec::new();
    for name in ["clock", "credit", "song_rule", "basis"] {
        let words: BTreeSet<&str> = frame.column(name)?.str()?.iter().flatten().collect();
        if !words.is_empty() {
            let words: Vec<_> = words.into_iter().map(text::printable).collect();
            said.push(format!("{name}={}", words.join(" or ")));
        }
    }
    Ok(said.join(", "))
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

fn nothing_new(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "read       nothing new in {}", text::plural(report.found as i64, "export"))?;
    text::refused(out, &report.refused)?;
    text::left_out(out, &report.left_out)?;
    writeln!(out, "time       {}", text::seconds(report.timings.total()))?;
    writeln!(out, "published  nothing, {} is of run {}", text::path(&report.latest), report.run)
}

fn summary(out: &mut impl Write, report: &Report, published: &Published) -> io::Result<()> {
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
    if let Some(since) = published.since {
        let but = match published.again {
            0 => String::new(),
            again => format!(
                ", but for {} whose tracks or their dates are others now",
                text::plural(again, "song")
            ),
        };
        writeln!(out, "counted    from {since} on; what was before is as it was{but}")?;
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
    let scopes = published.scopes.iter().map(|(scope, first, last)| {
        format!("scope      {} {}, {first} to {last}", scope.chart, text::printable(&scope.region))
    });
    for line in scopes.take(8) {
        writeln!(out, "{line}")?;
    }
    if published.scopes.len() > 8 {
        writeln!(out, "scope      and {} more, see `show coverage`", published.scopes.len() - 8)?;
    }
    writeln!(
        out,
        "names      {} not in the catalog, see `show credits`",
        text::thousands(published.unknown_names as i64)
    )?;
    let (filled, empty): (Vec<_>, Vec<_>) = published.tables.iter().partition(|table| table.rows > 0);
    for table in filled {
        writeln!(out, "table      {:<14} {}", table.name, text::plural(table.rows as i64, "row"))?;
    }
    if !empty.is_empty() {
        let names: Vec<&str> = empty.iter().map(|table| table.name).collect();
        writeln!(out, "no rows    {}", names.join(", "))?;
    }
    if let Some(bytes) = published.page {
        let page = report.latest.join(chartledger::publish::REPORT);
        writeln!(out, "report     {}, {}", text::path(&page), text::bytes(bytes))?;
    }
    for run in &published.retired {
        writeln!(out, "retired    {run}")?;
    }
    let stages: Vec<String> = report
        .timings
        .0
        .iter()
        .filter(|spent| spent.time.as_secs_f64() >= 0.005)
        .map(|spent| format!("{} {}", spent.stage, text::seconds(spent.time)))
        .collect();
    let memory =
        report.peak_memory.map_or(String::new(), |peak| format!(", {} of memory at most", text::bytes(peak)));
    writeln!(out, "time       {}{memory}", text::seconds(report.timings.total()))?;
    if !stages.is_empty() {
        writeln!(out, "stages     {}", stages.join(", "))?;
    }
    writeln!(out, "published  {}", text::path(&report.latest))
}
