//! `chartledger inspect`

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;

use chartledger::error::Error;
use chartledger::exports::dialect::Mapped;
use chartledger::exports::propose::{self, propose as guess};
use chartledger::exports::{self, Copies, Discovered, Found, Intake, LeftOut, Objects, Progress};
use chartledger::pipeline::{Overrides, Plan};
use chartledger::store::Address;
use clap::Args;

use super::text;

/// What `inspect` takes.
#[derive(Args)]
pub struct InspectArgs {
    /// Files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A pipeline file whose mapped dialects to try first
    #[arg(long, value_name = "PIPELINE")]
    pipeline: Option<PathBuf>,
    /// Print only the [[mapped]] tables proposed for files that no dialect fits, to paste or append
    #[arg(long)]
    propose: bool,
}

pub fn main(args: InspectArgs) -> anyhow::Result<()> {
    let mapped = match &args.pipeline {
        Some(path) => Plan::load(path, Overrides::default())?.mapped,
        None => Vec::new(),
    };
    let is_missing = |file: &&PathBuf| !Address::is(file) && file.symlink_metadata().is_err();
    if let Some(missing) = args.files.iter().find(is_missing) {
        return Err(Error::Input(format!("{} does not exist", missing.display())).into());
    }
    let mut objects = Objects::default();
    let discovered = exports::discover_with(&args.files, &Intake::default(), &mut objects)?;
    let Discovered { found, left_out, .. } = discovered;
    if found.is_empty() && left_out.is_empty() {
        let endings = exports::ENDINGS.join(", ");
        return Err(Error::Input(format!("no file there ends like an export: {endings}")).into());
    }
    let mut found = objects.copies(found, &std::env::temp_dir());
    if args.propose {
        return propose_only(&mut found, &mapped);
    }
    let mut out = io::stdout().lock();
    let mut proposed = BTreeSet::new();
    let mut refused = left_out.len();
    let say = |out: &mut io::StdoutLock<'_>, LeftOut { name, problem }: &LeftOut| {
        writeln!(out, "{}\n  problem  {}", text::printable(name), text::printable(problem))
    };
    left_out.iter().try_for_each(|left_out| say(&mut out, left_out))?;
    while let Some(found) = found.following()? {
        let decoded = exports::decode(vec![found], &mapped, &Progress::default());
        for export in &decoded.exports {
            writeln!(out, "{}", text::printable(&export.found.name))?;
            let content = match &export.content {
                Ok(content) => content,
                Err(problem) => {
                    refused += 1;
                    writeln!(out, "  problem  {}", text::printable(problem))?;
                    if export.hash.is_some() && export.found.size > 0 {
                        propose(&mut out, &export.found, &mut proposed)?;
                    }
                    continue;
                }
            };
            let stretches = || decoded.pieces.iter().flat_map(|piece| &piece.rows.stretches);
            let scopes: BTreeSet<&(String, String)> =
                stretches().map(|stretch| &decoded.scopes[usize::from(stretch.scope)]).collect();
            let distinct = |names: BTreeSet<&str>| {
                let shown: Vec<_> = names.iter().take(12).copied().collect();
                let more = names.len() - shown.len();
                format!(
                    "{}{}",
                    shown.join(", "),
                    if more > 0 { format!(" and {more} more") } else { String::new() }
                )
            };
            writeln!(out, "  dialect  {}", text::printable(&content.dialect))?;
            let charts = distinct(scopes.iter().map(|scope| scope.0.as_str()).collect());
            writeln!(out, "  chart    {}", text::printable(&charts))?;
            let regions = distinct(scopes.iter().map(|scope| scope.1.as_str()).collect());
            writeln!(out, "  region   {}", text::printable(&regions))?;
            if let Some((first, last)) = content.days {
                let days: BTreeSet<_> = stretches().map(|stretch| stretch.day).collect();
                writeln!(out, "  dates    {first} to {last}, {}", text::plural(days.len(), "date"))?;
            }
            writeln!(out, "  rows     {}", text::thousands(content.rows_read as i64))?;
            let mut reasons: BTreeMap<_, (usize, u32)> = BTreeMap::new();
            for row in &content.set_aside {
                reasons.entry(row.reason).or_insert((0, row.line)).0 += 1;
            }
            for (reason, (count, line)) in reasons {
                writeln!(
                    out,
                    "  problem  {}: {reason}, the first in line {line}",
                    text::plural(count, "row")
                )?;
            }
        }
    }
    found.lost.iter().try_for_each(|lost| say(&mut out, lost))?;
    refused += found.lost.len();
    match refused {
        0 => Ok(()),
        count => Err(Error::Input(format!("no dialect fits {}", text::plural(count, "file"))).into()),
    }
}

/// Proposes a dialect for a file that none fits, and says what comes of it; the same one only once.
fn propose(out: &mut impl Write, found: &Found, proposed: &mut BTreeSet<String>) -> anyhow::Result<()> {
    let table = match guess(found) {
        Ok(table) => table,
        Err(problem) => {
            writeln!(out, "  guess    none: {}", text::printable(&problem))?;
            return Ok(());
        }
    };
    // Files of one shape differ in their names alone.
    let columns = table.split_once("[mapped.columns]").map_or("", |(_, columns)| columns).to_owned();
    if !proposed.insert(columns) {
        writeln!(out, "  guess    as above")?;
        return Ok(());
    }
    let tried = propose::parse(&table).map(|mapped| tried(found, &mapped));
    let tried = tried.unwrap_or_else(|problem| format!("it is of no use: {problem}"));
    writeln!(out, "  guess    with this in the pipeline file, {tried}\n")?;
    for line in table.lines() {
        writeln!(out, "{}", text::printable(line))?;
    }
    writeln!(out)?;
    Ok(())
}

/// What becomes of a file with a dialect.
fn tried(found: &Found, mapped: &[Mapped]) -> String {
    let decoded = exports::decode(vec![found.clone()], mapped, &Progress::default());
    let content = match decoded.exports.first().map(|export| &export.content) {
        Some(Ok(content)) => content,
        Some(Err(problem)) => return format!("it cannot be read all the same: {}", text::printable(problem)),
        None => return "nothing is read".to_owned(),
    };
    let rows = text::plural(content.rows_read as i64, "row");
    let dates = content.days.map_or(String::new(), |(first, last)| format!(", {first} to {last}"));
    let quarantined = match content.set_aside.first() {
        None => String::new(),
        Some(row) => {
            let (count, first) = (content.set_aside.len(), format!("{} in line {}", row.reason, row.line));
            format!("; {} of them to quarantine, the first: {first}", text::thousands(count as i64))
        }
    };
    format!("{rows} are read{dates}{quarantined}")
}

/// The tables alone, each once.
fn propose_only(found: &mut Copies, mapped: &[Mapped]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let mut proposed = BTreeSet::new();
    let mut hopeless = None;
    while let Some(found) = found.following()? {
        let decoded = exports::decode(vec![found.clone()], mapped, &Progress::default());
        if decoded.exports.iter().all(|export| export.content.is_ok()) {
            continue;
        }
        match guess(&found) {
            Ok(table) => {
                let columns = table.split_once("[mapped.columns]").map_or("", |(_, columns)| columns);
                if proposed.insert(columns.to_owned()) {
                    writeln!(out, "\n{}", table.trim_end())?;
                }
            }
            Err(problem) => hopeless = hopeless.or(Some(format!("{}: {problem}", found.name))),
        }
    }
    match hopeless {
        None => Ok(()),
        Some(problem) => {
            Err(Error::Input(format!("no dialect fits, and none can be proposed: {problem}")).into())
        }
    }
}
