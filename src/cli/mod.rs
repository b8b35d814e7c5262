//! The command line: flags to plans, results to text. One file for each command.

mod catalog;
mod claims;
mod diff;
mod engine;
mod examples;
mod explain;
mod filter;
mod fit;
mod history;
mod init;
mod inspect;
mod ledger;
mod log;
mod metrics;
mod nearest;
mod output;
mod pager;
mod plan;
mod progress;
mod report;
mod run;
mod schema;
mod shell;
mod show;
mod signals;
mod synth;
mod text;
mod timings;
mod verify;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chartledger::dates::Day;
use chartledger::error::{EXIT_CODES, Error};
use chartledger::pipeline::{Overrides, Plan};
use chartledger::publish::Place;
use chartledger::starter;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

/// From music-streaming chart exports to milestone and ranking tables.
#[derive(Parser)]
#[command(name = "chartledger", version, about, after_help = after_help(), max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Args)]
struct Global {
    /// How many threads to use; all cores by default
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// How to write the log on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Only warnings and errors on standard error, no summary
    #[arg(long, short, global = true)]
    quiet: bool,
    /// More in the log on standard error; twice for still more
    #[arg(long, short, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run a pipeline: read new exports, add up, publish the tables
    #[command(after_help = examples::RUN)]
    Run(run::RunArgs),
    /// Say what a run would do, and write nothing
    #[command(after_help = examples::PLAN)]
    Plan(plan::PlanArgs),
    /// Say what files are: dialect, chart, region, dates, rows, problems
    #[command(after_help = examples::INSPECT)]
    Inspect(inspect::InspectArgs),
    /// Show a published table
    #[command(after_help = examples::SHOW)]
    Show(show::ShowArgs),
    /// Tell what a run changed against the one before, or any run against another
    #[command(after_help = examples::DIFF)]
    Diff(diff::DiffArgs),
    /// List the commits of the ledger and the runs
    #[command(after_help = examples::HISTORY)]
    History(history::HistoryArgs),
    /// Prove a published milestone or total from the rows of the ledger
    #[command(after_help = examples::EXPLAIN)]
    Explain(explain::ExplainArgs),
    /// Write a run as one HTML file, to look at and to send
    #[command(after_help = examples::REPORT)]
    Report(report::ReportArgs),
    /// Show the contract of the published tables
    #[command(after_help = examples::SCHEMA)]
    Schema(schema::SchemaArgs),
    /// Look after the catalog
    #[command(after_help = examples::CATALOG)]
    Catalog(catalog::CatalogArgs),
    /// Check that ledger and runs are as they were written, and that the tables follow
    #[command(after_help = examples::VERIFY)]
    Verify(verify::VerifyArgs),
    /// Look after the ledger
    #[command(after_help = examples::LEDGER)]
    Ledger(ledger::LedgerArgs),
    /// Judge statements by what the ledger holds
    #[command(after_help = examples::CLAIMS)]
    Claims(claims::ClaimsArgs),
    /// Make synthetic exports, the same ones for the same seed
    #[command(after_help = examples::SYNTH)]
    Synth(synth::SynthArgs),
    /// Begin: a commented pipeline, a catalog to fill, a folder for exports; overwrites nothing
    #[command(after_help = examples::INIT)]
    Init(init::InitArgs),
    /// Write completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(shell::CompletionsArgs),
    /// Write the manual
    #[command(after_help = examples::MAN)]
    Man(shell::ManArgs),
}

/// Which pipeline, and what to change about it.
#[derive(Args)]
struct PipelineArgs {
    /// The pipeline file; chartledger.toml here without it, or else pipelines/k-soloists.toml
    #[arg(value_name = "PIPELINE", default_value = "", hide_default_value = true, value_parser = pipeline_file())]
    pipeline: PathBuf,
    /// Files or folders of exports, instead of the pipeline's
    #[arg(long, value_name = "PATH", num_args = 1..)]
    exports: Vec<PathBuf>,
    /// The ledger, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// The output folder, instead of the pipeline's; tables go to DIR/<pipeline>/latest
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Ignore data days after DATE
    #[arg(long, value_name = "DATE")]
    as_of: Option<Day>,
    /// Exit with 3 if a row is quarantined or a file refused
    #[arg(long)]
    strict: bool,
}

impl PipelineArgs {
    /// The plan; `more` has what the arguments of a command say beyond these.
    fn load(self, more: Overrides) -> anyhow::Result<Plan> {
        let Self { pipeline, exports, ledger, out, as_of, strict } = self;
        Ok(Plan::load(&pipeline, Overrides { exports, ledger, out, as_of, strict, ..more })?)
    }
}

/// Where a pipeline keeps what it has, for commands that read no exports.
#[derive(Args)]
struct KeptArgs {
    /// The pipeline file; chartledger.toml here without it, or else pipelines/k-soloists.toml
    #[arg(value_name = "PIPELINE", default_value = "", hide_default_value = true, value_parser = pipeline_file())]
    pipeline: PathBuf,
    /// The ledger, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// The output folder, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl KeptArgs {
    fn load(self) -> anyhow::Result<Plan> {
        let Self { pipeline, ledger, out } = self;
        Ok(Plan::load(&pipeline, Overrides { ledger, out, ..Overrides::default() })?)
    }
}

/// Which of the runs at an object store a command reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// The latest, which must be there.
    Latest,
    /// All that there are.
    All,
}

/// Has the published runs here, where they are objects.
fn at_hand(plan: &mut Plan, runs: Runs) -> Result<(), Error> {
    let Some(at) = &plan.place else { return Ok(()) };
    // A machine without the ledger keeps its copy where it keeps such things.
    if !plan.ledger.join("_delta_log").exists() {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let cache = cache.unwrap_or_else(std::env::temp_dir);
        plan.out = cache.join("chartledger").join("objects").join(at.folder_name());
    }
    let mut place = Place::to_read(at);
    match runs {
        Runs::All => place.copy_all(&plan.out),
        Runs::Latest => place.copy_latest(&plan.out),
    }?;
    match place.latest() {
        None if runs == Runs::Latest => Err(Error::Usage(format!(
            "nothing has been published at {at} yet; publish a run with `chartledger run`, or name the output \
             with --out"
        ))),
        _ => Ok(()),
    }
}

/// Parses the command line, runs the command, and says how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let Global { log_format, quiet, verbose, .. } = cli.global;
    log::start(log_format == LogFormat::Json, quiet, verbose);
    if let Some(threads) = cli.global.threads {
        // Only a second call can fail, and this is the first.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
    }
    let log_only = log_format == LogFormat::Json;
    let logs = log_only || verbose > 0;
    let result = match cli.command {
        Command::Run(args) => run::main(args, quiet, log_only, logs),
        Command::Plan(args) => plan::main(args, quiet, logs),
        Command::Inspect(args) => inspect::main(args),
        Command::Show(args) => show::main(args),
        Command::Diff(args) => diff::main(args),
        Command::History(args) => history::main(args),
        Command::Explain(args) => explain::main(args),
        Command::Report(args) => report::main(args, quiet || log_only),
        Command::Verify(args) => verify::main(args, quiet),
        Command::Ledger(args) => ledger::main(args, quiet || log_only),
        Command::Schema(args) => schema::main(args),
        Command::Catalog(args) => catalog::main(args),
        Command::Claims(args) => claims::main(args, quiet || log_only),
        Command::Synth(args) => synth::main(args, quiet || log_only),
        Command::Init(args) => init::main(args, quiet || log_only),
        Command::Completions(args) => shell::completions(args, Cli::command()),
        Command::Man(args) => shell::man(args, Cli::command(), quiet || log_only),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough, as `head` has.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let what = if is_output(&error) { "standard output cannot be written: " } else { "" };
            say(log_only, &format!("{what}{}", sentence(&error)));
            ExitCode::from(exit_code(&error))
        }
    }
}

/// An error with its causes, those left out that it has told itself.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The last sentence of a command that did not succeed.
fn say(json: bool, error: &str) {
    if json {
        tracing::error!(error);
    } else {
        // A file's name could steer a terminal.
        let printable: String = error
            .chars()
            .map(|c| if text::steers(c) && c != '\n' && c != '\t' { '\u{FFFD}' } else { c })
            .collect();
        // Standard error may be closed, and then there is nobody to tell.
        let _ = progress::aside(format!("error: {printable}\n").as_bytes());
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let own = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    own.map_or(if is_output(error) { 5 } else { 1 }, Error::exit_code)
}

/// Whether what a command says could not be written: all other files are the library's.
fn is_output(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
}

fn after_help() -> String {
    let lines = EXIT_CODES.map(|(code, meaning)| format!("  {code}  {meaning}"));
    format!("{}\n\nExit codes:\n{}", examples::FIRST, lines.join("\n"))
}

/// The pipeline file as the command line has it: the one that is named, or else the folder's own, or
/// else that of the sample.
fn pipeline_file() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(|named| {
        let (own, sample) = (Path::new(starter::PIPELINE), Path::new("pipelines/k-soloists.toml"));
        match named.is_empty() {
            false => PathBuf::from(named),
            true if sample.exists() && !own.exists() => sample.to_owned(),
            true => own.to_owned(),
        }
    })
}
