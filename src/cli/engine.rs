//! `chartledger run --engine spark`

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use chartledger::dates::Day;
use chartledger::engine::{self, Options, Pace, Report, Step};
use chartledger::error::Error;
use chartledger::pipeline::{Overrides, Plan};
use chartledger::store::Address;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{PipelineArgs, progress, run, signals, text};

/// Who adds up.
#[derive(Args)]
#[command(next_help_heading = "On a cluster")]
pub struct EngineArgs {
    /// Who adds up: this machine, or a Spark cluster that --remote names
    #[arg(long, value_enum, default_value_t = Engine::Local)]
    engine: Engine,
    /// The cluster's Spark Connect server, as sc://HOST:PORT; for --engine spark
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// What the cluster reads, under paths that it must see: the pipeline's exports (or --exports), or what
    /// the ledger has taken in
    #[arg(long, value_enum, default_value_t = Input::Exports)]
    input: Input,
    /// A table of totals with more rows than this is written by the cluster, and does not come here
    #[arg(long, value_name = "ROWS", default_value_t = 2_000_000)]
    collect_up_to: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Input {
    Exports,
    Ledger,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    Local,
    Spark,
}

impl EngineArgs {
    /// The server, if a cluster is asked for; `of_the_ledger` if flags say something that only the
    /// engine of the ledger can do.
    ///
    /// # Errors
    /// [`Error::Usage`] for flags that do not go together.
    pub fn options(&self, pipeline: &PipelineArgs, of_the_ledger: bool) -> anyhow::Result<Option<Options>> {
        let from_ledger = self.input == Input::Ledger;
        let problem = match (self.engine, &self.remote) {
            (Engine::Local, None) if from_ledger => "--input is for --engine spark",
            (Engine::Local, None) => return Ok(None),
            (Engine::Local, Some(_)) => "--remote is for --engine spark",
            (Engine::Spark, None) => "--engine spark needs --remote sc://HOST:PORT",
            (Engine::Spark, Some(_)) if of_the_ledger => {
                "--engine spark counts everything there is, and knows of no ledger and no run before: --dry-run, \
                 --full, --allow-loss, --on-change and --metrics are not for it"
            }
            (Engine::Spark, Some(_)) if pipeline.strict => {
                "--engine spark refuses whatever it cannot read, without --strict"
            }
            (Engine::Spark, Some(remote)) => {
                return Ok(Some(Options {
                    remote: remote.clone(),
                    from_ledger,
                    collect_up_to: self.collect_up_to,
                }));
            }
        };
        Err(Error::Usage(problem.to_owned()).into())
    }
}

/// How a run is watched.
#[derive(Clone, Copy)]
pub struct Watched {
    /// Today's date, for `max_staleness`.
    pub today: Day,
    /// How often a log says how far the run is.
    pub every: Duration,
    /// Nothing but warnings and errors.
    pub quiet: bool,
    /// No summary on standard error.
    pub log_only: bool,
    /// The log tells more than warnings.
    pub logs: bool,
}

/// Runs the pipeline on a cluster.
pub fn main(pipeline: PipelineArgs, options: &Options, watched: Watched) -> anyhow::Result<()> {
    let Watched { quiet, log_only, .. } = watched;
    let plan = pipeline.load(Overrides::default())?;
    at_no_store(&plan)?;
    signals::watch(move |sentence| super::say(log_only, sentence), |_| {})?;
    let mut bar = Bar::new(watched);
    let report = engine::run(&plan, options, &mut |step| bar.tell(step));
    bar.finish();
    show(&report?, quiet, log_only)?;
    run::check_freshness(&plan, watched.today)
}

/// Refuses addresses of objects, which only the engine of this machine reads and writes.
fn at_no_store(plan: &Plan) -> Result<(), Error> {
    let exports = plan.roots.iter().find(|root| Address::is(root)).cloned();
    match exports.or_else(|| plan.place.as_ref().map(Address::to_path)) {
        None => Ok(()),
        Some(address) => Err(Error::Usage(format!(
            "--engine spark reads and publishes under paths of this machine, which the cluster must see too, \
             and {} is an address of an object store",
            address.display()
        ))),
    }
}

/// A line that says what the cluster is doing: drawn on a terminal, logged elsewhere.
struct Bar {
    bar: ProgressBar,
    log: Option<Duration>,
    said: Option<(String, Instant)>,
}

impl Bar {
    fn new(watched: Watched) -> Self {
        let Watched { every, quiet, logs, .. } = watched;
        let on_screen = !quiet && !logs && io::stderr().is_terminal();
        let target = if on_screen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        if on_screen {
            bar.enable_steady_tick(Duration::from_millis(100));
            progress::put(Some(bar.clone()));
        }
        Self { bar, log: (logs && !every.is_zero()).then_some(every), said: None }
    }

    fn tell(&mut self, step: &Step<'_>) {
        let Pace { done, tasks, bytes } = step.pace;
        let mut message = step.what.to_owned();
        if tasks > 0 {
            message += &format!(": {done} of {tasks} tasks");
        }
        if bytes > 0 {
            message += &format!(", {} read", text::bytes(bytes as u64));
        }
        self.bar.set_message(message);
        let due = |every| match &self.said {
            Some((what, when)) => what != step.what || when.elapsed() > every,
            None => true,
        };
        if self.log.is_some_and(due) {
            tracing::info!(step = step.what, done, tasks, bytes, "on the cluster");
            self.said = Some((step.what.to_owned(), Instant::now()));
        }
    }

    fn finish(&self) {
        progress::put(None);
        self.bar.finish_and_clear();
    }
}

fn show(report: &Report, quiet: bool, log_only: bool) -> anyhow::Result<()> {
    if !quiet && !log_only {
        summary(&mut io::stderr().lock(), report)?;
    }
    if let Some((name, frame)) = report.headline.as_ref().filter(|_| !quiet) {
        run::headline(&mut io::stdout().lock(), name, frame)?;
    }
    Ok(())
}

fn summary(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "engine     Spark {}", text::printable(&report.server))?;
    writeln!(out, "input      {}", text::printable(&report.input))?;
    for (scope, first, last) in report.scopes.iter().take(8) {
        writeln!(out, "scope      {} {}, {first} to {last}", scope.chart, text::printable(&scope.region))?;
    }
    if report.scopes.len() > 8 {
        writeln!(out, "scope      and {} more, see `show coverage`", report.scopes.len() - 8)?;
    }
    let unknown = text::thousands(report.unknown_names as i64);
    writeln!(out, "names      {unknown} not in the catalog, see `show credits`")?;
    for table in &report.tables {
        writeln!(out, "table      {:<12} {}", table.name, text::plural(table.rows as i64, "row"))?;
    }
    for left in &report.left {
        writeln!(out, "left out   {}: {}", text::printable(&left.what), left.why)?;
    }
    let stages: Vec<String> =
        report.timings.iter().map(|(stage, time)| format!("{stage} {}", text::seconds(*time))).collect();
    let total = report.timings.iter().map(|(_, time)| *time).sum();
    writeln!(out, "time       {}", text::seconds(total))?;
    writeln!(out, "stages     {}", stages.join(", "))?;
    writeln!(out, "published  {}", text::path(&report.latest))
}
