//! `chartledger catalog`

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use chartledger::catalog::lookalikes::{self, LookAlike};
use chartledger::catalog::{Catalog, Entities, Personas, Sightings};
use chartledger::error::Error;
use chartledger::ledger::Ledger;
use chartledger::pipeline::{Overrides, Plan};
use clap::{Args, Subcommand};
use polars::prelude::*;

use super::output::{self, Format};
use super::text;

/// What `catalog` takes.
#[derive(Args)]
pub struct CatalogArgs {
    #[command(subcommand)]
    command: CatalogCommand,
}

#[derive(Subcommand)]
enum CatalogCommand {
    /// List what looks alike in the ledger and is not mapped together; changes nothing
    #[command(after_help = crate::cli::examples::CATALOG_CHECK)]
    Check(CheckArgs),
}

#[derive(Args)]
struct CheckArgs {
    /// The pipeline file; chartledger.toml here without it, or else pipelines/k-soloists.toml
    #[arg(value_name = "PIPELINE", default_value = "", hide_default_value = true, value_parser = crate::cli::pipeline_file())]
    pipeline: PathBuf,
    /// The ledger, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// The catalog, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// How to write it; a table on a terminal, CSV elsewhere
    #[arg(long, value_enum)]
    format: Option<Format>,
}

pub fn main(args: CatalogArgs) -> anyhow::Result<()> {
    match args.command {
        CatalogCommand::Check(args) => check(args),
    }
}

fn check(args: CheckArgs) -> anyhow::Result<()> {
    let overrides = Overrides { ledger: args.ledger, ..Overrides::default() };
    let plan = Plan::load(&args.pipeline, overrides)?;
    let catalog = match &args.catalog {
        Some(directory) => &Catalog::load(directory, Personas::default())?,
        None => &plan.catalog,
    };
    let ledger = Ledger::open(&plan.ledger)?;
    let state = &ledger.state;
    if state.months.is_empty() {
        let (ledger, pipeline) = (plan.ledger.display(), args.pipeline.display());
        let problem = format!("the ledger {ledger} is empty; fill it with `chartledger run {pipeline}`");
        return Err(Error::Usage(problem).into());
    }
    let mut seen: Sightings = vec![None; state.listings.len()];
    let mut rows = vec![0; state.listings.len()];
    for key in state.months.keys() {
        for row in ledger.read_month(key)? {
            let listing = row.listing as usize;
            let (first, last) = seen[listing].unwrap_or((row.day, row.day));
            seen[listing] = Some((first.min(row.day), last.max(row.day)));
            rows[listing] += 1;
        }
    }
    let entities = Entities::resolve(catalog, &state.listings, &seen);
    let found = lookalikes::find(catalog, &entities, &state.listings, &seen, &rows);

    let mut out = BufWriter::new(io::stdout().lock());
    match Format::or_usual(args.format) {
        Format::Table => table(&mut out, &found)?,
        Format::Markdown => markdown(&mut out, &found)?,
        format => output::rows(&mut out, &frame(&found)?, format)?,
    }
    out.flush()?;
    Ok(())
}

const COLUMNS: [&str; 10] =
    ["kind", "a_id", "a", "a_rows", "b_id", "b", "b_rows", "evidence", "file", "paste"];

fn frame(found: &[LookAlike]) -> PolarsResult<DataFrame> {
    let text = |name: &str, value: fn(&LookAlike) -> &str| {
        StringChunked::from_iter_values(name.into(), found.iter().map(value)).into_column()
    };
    let number = |name: &str, value: fn(&LookAlike) -> u64| {
        Int64Chunked::from_iter_values(name.into(), found.iter().map(|found| value(found) as i64))
            .into_column()
    };
    let columns = vec![
        text("kind", |found| found.kind.word()),
        text("a_id", |found| &found.a.id),
        text("a", |found| &found.a.name),
        number("a_rows", |found| found.a.rows),
        text("b_id", |found| &found.b.id),
        text("b", |found| &found.b.name),
        number("b_rows", |found| found.b.rows),
        text("evidence", |found| &found.evidence),
        text("file", |found| found.file),
        text("paste", |found| &found.paste),
    ];
    DataFrame::new(found.len(), columns)
}

/// The cells of a row for people.
fn cells(found: &LookAlike) -> [String; COLUMNS.len()] {
    let LookAlike { kind, a, b, evidence, file, paste } = found;
    let rows = |rows: u64| text::thousands(i64::try_from(rows).unwrap_or(i64::MAX));
    [
        kind.word().to_owned(),
        a.id.clone(),
        a.name.clone(),
        rows(a.rows),
        b.id.clone(),
        b.name.clone(),
        rows(b.rows),
        evidence.clone(),
        (*file).to_owned(),
        paste.clone(),
    ]
}

/// What is to be pasted has several lines, and must keep them.
fn lines(cell: &str, between: &str, line: impl Fn(&str) -> String) -> String {
    cell.split('\n').map(line).collect::<Vec<_>>().join(between)
}

fn table(out: &mut impl Write, found: &[LookAlike]) -> io::Result<()> {
    let mut table = text::table(None);
    table.set_header(COLUMNS);
    for found in found {
        table.add_row(cells(found).map(|cell| lines(&cell, "\n", |line| text::printable(line).into_owned())));
    }
    writeln!(out, "{table}")
}

fn markdown(out: &mut impl Write, found: &[LookAlike]) -> io::Result<()> {
    writeln!(out, "| {} |", COLUMNS.join(" | "))?;
    writeln!(out, "| {} |", COLUMNS.map(|_| "---").join(" | "))?;
    for found in found {
        let cells = cells(found).map(|cell| lines(&cell, "<br>", output::escaped));
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}
