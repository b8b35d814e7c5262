//! `chartledger claims`

use std::io::{self, Write};
use std::path::PathBuf;

use chartledger::claims::Verdict;
use chartledger::dates::Day;
use chartledger::error::Error;
use chartledger::pipeline::{Overrides, Plan};
use clap::{Args, Subcommand};
use polars::prelude::*;

use super::output::{Format, OutputArgs};
use super::text;

/// What `claims` takes.
#[derive(Args)]
pub struct ClaimsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Judge the claims of a file by the ledger as it is; reads no export and writes nothing
    #[command(after_help = crate::cli::examples::CLAIMS_CHECK)]
    Check(CheckArgs),
}

#[derive(Args)]
struct CheckArgs {
    /// The claims file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The pipeline file: its ledger, catalog, tallies and rankings; by default the one that is here
    #[arg(value_name = "PIPELINE", default_value = "", hide_default_value = true, value_parser = crate::cli::pipeline_file())]
    pipeline: PathBuf,
    /// The ledger, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// Ignore data days after DATE
    #[arg(long, value_name = "DATE")]
    as_of: Option<Day>,
    #[command(flatten)]
    output: OutputArgs,
    /// Exit with 4 if a claim is contradicted
    #[arg(long)]
    strict: bool,
}

/// Judges; with `quiet`, says no more than the verdicts.
pub fn main(args: ClaimsArgs, quiet: bool) -> anyhow::Result<()> {
    let Command::Check(CheckArgs { file, pipeline, ledger, as_of, output, strict }) = args.command;
    let claims = Some(file.clone());
    let plan = Plan::load(&pipeline, Overrides { ledger, claims, as_of, ..Overrides::default() })?;
    let frame = chartledger::run::check_claims(&plan)?.frame.to_polars()?;
    let shown = if output.format() == Format::Table { short(&frame)? } else { frame.clone() };
    output.write(&shown, true)?;
    let verdicts = frame.column("verdict")?.str()?;
    let count = |verdict: Verdict| verdicts.iter().filter(|word| *word == Some(verdict.word())).count();
    let contradicted = count(Verdict::Contradicted);
    if !quiet {
        writeln!(
            io::stderr(),
            "claims     {}: {} {}, {} otherwise, {contradicted} contradicted, {} not decidable",
            frame.height(),
            count(Verdict::Holds),
            if count(Verdict::Holds) == 1 { "holds" } else { "hold" },
            count(Verdict::HoldsOtherwise),
            count(Verdict::NotDecidable),
        )?;
    }
    if strict && contradicted > 0 {
        let ids = frame.column("claim")?.str()?.iter().zip(verdicts.iter());
        let first =
            ids.filter(|(_, word)| *word == Some(Verdict::Contradicted.word())).find_map(|(id, _)| id);
        let contradicted = text::plural(contradicted, "contradicted claim");
        let first = text::printable(first.unwrap_or_default()).into_owned();
        let problem = format!(
            "--strict, and {contradicted}, `{first}` the first; `why` says what the data has instead"
        );
        return Err(Error::Contradicted { path: file, problem }.into());
    }
    Ok(())
}

/// What a person reads: the verdict, the sentence, and what it rests on. That is the convention
/// under which a claim holds, and the reason of any other verdict.
pub fn short(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let text = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.str()?.clone());
    let [verdicts, conventions] = [text("verdict")?, text("convention")?];
    let [reasons, notes, abouts] = [text("why")?, text("basis_note")?, text("about")?];
    let because = (0..frame.height()).map(|row| {
        let holding = [Verdict::Holds.word(), Verdict::HoldsOtherwise.word()];
        let holds = verdicts.get(row).is_some_and(|verdict| holding.contains(&verdict));
        let convention = conventions.get(row).filter(|_| holds).map(|convention| format!("by {convention}"));
        let because = convention.unwrap_or_else(|| reasons.get(row).unwrap_or_default().to_owned());
        match (notes.get(row), abouts.get(row)) {
            (Some(_), Some("counter")) => format!("{because}; said of counters, checked on chart streams"),
            (Some(_), _) => format!("{because}; said of chart streams, checked on counters"),
            (None, _) => because,
        }
    });
    let because = StringChunked::from_iter_values("because".into(), because);
    let [verdict, says] = [frame.column("verdict")?.clone(), frame.column("says")?.clone()];
    DataFrame::new(frame.height(), vec![verdict, says, because.into_column()])
}
