//! `chartledger show`

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use chartledger::error::Error;
use chartledger::pipeline::{Overrides, Per, Plan};
use chartledger::publish;
use clap::{Args, ValueEnum};
use polars::prelude::*;
use serde_json::Value;

use super::{schema, text};

/// What `show` takes.
#[derive(Args)]
pub struct ShowArgs {
    /// The table
    #[arg(value_name = "TABLE")]
    table: String,
    /// The pipeline file
    #[arg(value_name = "PIPELINE", default_value = "pipelines/k-soloists.toml")]
    pipeline: PathBuf,
    /// The output folder, instead of the pipeline's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// As this run published it, by its name or the beginning of it; the latest without it
    #[arg(long, value_name = "RUN")]
    as_of_run: Option<String>,
    /// Only this entity: its id or its name
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    /// Only this chart, such as spotify:daily
    #[arg(long)]
    chart: Option<String>,
    /// Only this region
    #[arg(long)]
    region: Option<String>,
    /// Only this tally
    #[arg(long)]
    tally: Option<String>,
    /// Only this ranking
    #[arg(long)]
    ranking: Option<String>,
    /// Only this window: all, 2023, 2023-07
    #[arg(long)]
    window: Option<String>,
    /// Only this threshold
    #[arg(long, value_name = "STREAMS")]
    threshold: Option<i64>,
    /// Only these columns
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    columns: Vec<String>,
    /// At most this many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How to write it; a table on a terminal, CSV elsewhere
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// How a frame is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// With a header.
    Csv,
    /// An array of objects.
    Json,
    /// For documents.
    Markdown,
}

impl Format {
    /// The format that was asked for, or else a table on a terminal and CSV elsewhere.
    pub fn or_usual(asked: Option<Self>) -> Self {
        asked.unwrap_or(if io::stdout().is_terminal() { Self::Table } else { Self::Csv })
    }
}

pub fn main(args: ShowArgs) -> anyhow::Result<()> {
    let contract = schema::contract(&args.table)?;
    let plan = Plan::load(&args.pipeline, Overrides { out: args.out.clone(), ..Overrides::default() })?;
    let frame = match &args.as_of_run {
        Some(run) => {
            let run = publish::find_run(&plan.out, run)?;
            publish::read_in(&publish::folder(&plan.out, &run), contract)?
        }
        None => publish::read(&plan.out, contract)?,
    };
    let frame = best_first(&plan, contract.name, frame)?;
    let frame = args.filter(frame)?;
    write(&frame, Format::or_usual(args.format))
}

/// Writes a frame to standard output.
pub fn write(frame: &DataFrame, format: Format) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        Format::Table => writeln!(out, "{}", text::frame_table(frame, None)?)?,
        Format::Csv => csv(&mut out, frame)?,
        Format::Json => json(&mut out, frame)?,
        Format::Markdown => markdown(&mut out, frame)?,
    }
    out.flush()?;
    Ok(())
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

impl ShowArgs {
    fn filter(&self, mut frame: DataFrame) -> anyhow::Result<DataFrame> {
        let exact = [
            ("chart", &self.chart),
            ("region", &self.region),
            ("tally", &self.tally),
            ("ranking", &self.ranking),
            ("window", &self.window),
        ];
        for (column, wanted) in exact {
            if let Some(wanted) = wanted {
                frame = self.keep(&frame, &[column], wanted, |value| value == wanted)?;
            }
        }
        if let Some(wanted) = &self.entity {
            let lower = wanted.to_lowercase();
            frame = self.keep(&frame, &["entity_id", "song_id", "entity"], wanted, |value| {
                value.to_lowercase() == lower
            })?;
        }
        if let Some(wanted) = self.threshold {
            let column = self.column(&frame, "threshold")?.i64()?.clone();
            let mask: BooleanChunked = column.iter().map(|value| value == Some(wanted)).collect();
            frame = frame.filter(&mask)?;
        }
        if !self.columns.is_empty() {
            for name in &self.columns {
                self.column(&frame, name)?;
            }
            frame = frame.select(&self.columns)?;
        }
        Ok(self.limit.map_or(frame.clone(), |limit| frame.head(Some(limit))))
    }

    /// The rows in which one of `columns`, as far as the table has them, has a wanted value.
    fn keep(
        &self,
        frame: &DataFrame,
        columns: &[&str],
        wanted: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> anyhow::Result<DataFrame> {
        let present: Vec<StringChunked> =
            columns.iter().filter_map(|name| Some(frame.column(name).ok()?.str().ok()?.clone())).collect();
        if present.is_empty() {
            self.column(frame, columns[0])?;
        }
        let mask: BooleanChunked = (0..frame.height())
            .map(|row| present.iter().any(|column| column.get(row).is_some_and(&is_wanted)))
            .collect();
        let kept = frame.filter(&mask)?;
        if kept.height() == 0 && frame.height() > 0 {
            let mut nearest: Vec<(u32, &str)> = present
                .iter()
                .flat_map(|column| column.iter().flatten())
                .map(|value| {
                    (
                        (strsim::jaro_winkler(&value.to_lowercase(), &wanted.to_lowercase()) * 1e6) as u32,
                        value,
                    )
                })
                .collect();
            nearest.sort_unstable();
            nearest.dedup();
            if let Some((_, name)) = nearest.pop() {
                tracing::warn!("no row has `{wanted}`; did you mean {}?", text::printable(name));
            }
        }
        Ok(kept)
    }

    fn column<'f>(&self, frame: &'f DataFrame, name: &str) -> Result<&'f Column, Error> {
        frame.column(name).map_err(|_| {
            let names: Vec<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
            Error::Usage(format!("table {} has no column `{name}`; it has {}", self.table, names.join(", ")))
        })
    }
}

pub fn csv(out: &mut impl Write, frame: &DataFrame) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(frame.columns().iter().map(|column| column.name().as_str())).map_err(io_error)?;
    for row in 0..frame.height() {
        let mut record = Vec::with_capacity(frame.width());
        for column in frame.columns() {
            record.push(text::plain(&column.get(row)?).unwrap_or_default());
        }
        writer.write_record(record).map_err(io_error)?;
    }
    writer.flush()?;
    Ok(())
}

/// The error below an error of the CSV writer: a closed pipe must be known as one.
pub fn io_error(error: csv::Error) -> anyhow::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => anyhow::anyhow!("cannot write CSV: {other:?}"),
    }
}

pub fn json(out: &mut impl Write, frame: &DataFrame) -> anyhow::Result<()> {
    // Written by hand so that the keys stand in the order of the columns.
    let names: Vec<String> = frame
        .columns()
        .iter()
        .map(|column| serde_json::to_string(column.name().as_str()))
        .collect::<Result<_, _>>()?;
    out.write_all(b"[")?;
    for row in 0..frame.height() {
        out.write_all(if row == 0 { b"\n{" } else { b",\n{" })?;
        for (place, (column, name)) in frame.columns().iter().zip(&names).enumerate() {
            let value = match column.get(row)? {
                AnyValue::Int64(value) => Value::from(value),
                AnyValue::Boolean(value) => Value::from(value),
                value => text::plain(&value).map_or(Value::Null, Value::from),
            };
            write!(out, "{}{name}:{value}", if place > 0 { "," } else { "" })?;
        }
        out.write_all(b"}")?;
    }
    out.write_all(b"\n]\n")?;
    Ok(())
}

/// Text for a cell of a Markdown table.
pub fn escaped(text: &str) -> String {
    text::printable(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}

fn markdown(out: &mut impl Write, frame: &DataFrame) -> anyhow::Result<()> {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let names = frame.columns().iter().map(|column| column.name().to_string()).collect();
    out.write_all(line(names).as_bytes())?;
    let rule = |column: &Column| if column.dtype().is_integer() { "---:" } else { "---" }.to_owned();
    out.write_all(line(frame.columns().iter().map(rule).collect()).as_bytes())?;
    for row in 0..frame.height() {
        let mut cells = Vec::with_capacity(frame.width());
        for column in frame.columns() {
            cells.push(escaped(&match column.get(row)? {
                AnyValue::Int64(value) => text::thousands(value),
                value => text::plain(&value).unwrap_or_default(),
            }));
        }
        out.write_all(line(cells).as_bytes())?;
    }
    Ok(())
}
