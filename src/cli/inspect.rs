//! `chartledger inspect`

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;

use chartledger::error::Error;
use chartledger::exports::{self, Discovered, Intake, LeftOut, Progress};
use chartledger::pipeline::{Overrides, Plan};
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
}

pub fn main(args: InspectArgs) -> anyhow::Result<()> {
    let mapped = match &args.pipeline {
        Some(path) => Plan::load(path, Overrides::default())?.mapped,
        None => Vec::new(),
    };
    let Discovered { found, left_out, .. } = exports::discover_all(&args.files, &Intake::default())?;
    if found.is_empty() && left_out.is_empty() {
        let endings = exports::ENDINGS.join(", ");
        return Err(Error::Input(format!("no file there ends like an export: {endings}")).into());
    }
    let mut out = io::stdout().lock();
    let mut refused = left_out.len();
    for LeftOut { name, problem } in left_out {
        writeln!(out, "{}\n  problem  {}", text::printable(&name), text::printable(&problem))?;
    }
    for found in found {
        let decoded = exports::decode(vec![found], &mapped, &Progress::default());
        for export in &decoded.exports {
            writeln!(out, "{}", text::printable(&export.found.name))?;
            let content = match &export.content {
                Ok(content) => content,
                Err(problem) => {
                    refused += 1;
                    writeln!(out, "  problem  {}", text::printable(problem))?;
                    continue;
                }
            };
            let scopes: BTreeSet<&(String, String)> = decoded
                .pieces
                .iter()
                .flat_map(|piece| &piece.rows.scope)
                .map(|&scope| &decoded.scopes[scope as usize])
                .collect();
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
                let days: BTreeSet<_> = decoded.pieces.iter().flat_map(|piece| &piece.rows.day).collect();
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
    match refused {
        0 => Ok(()),
        count => Err(Error::Input(format!("no dialect fits {}", text::plural(count, "file"))).into()),
    }
}
