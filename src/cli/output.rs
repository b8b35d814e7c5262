//! How frames are written: for people, for spreadsheets, for programs.

use std::io::{self, BufWriter, IsTerminal, Write};

use clap::{Args, ValueEnum};
use csv::{QuoteStyle, Terminator, WriterBuilder};
use polars::prelude::*;
use serde_json::Value;

use super::{fit, pager, text};

/// How a frame is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: aligned, fitted to the screen
    Table,
    /// For programs: RFC 4180, every name as it is
    Csv,
    /// For Excel, LibreOffice and the like: CSV in which no cell is taken for a formula
    Spreadsheet,
    /// An array of objects
    Json,
    /// An object a line
    Ndjson,
    /// For documents
    Markdown,
}

impl Format {
    /// The format that was asked for, or else a table on a terminal and CSV elsewhere.
    pub fn or_usual(asked: Option<Self>) -> Self {
        asked.unwrap_or(if io::stdout().is_terminal() { Self::Table } else { Self::Csv })
    }
}

/// What every command takes that writes a frame.
#[derive(Args)]
pub struct OutputArgs {
    /// How to write it; a table on a terminal, CSV elsewhere
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<Format>,
    /// Fit a table to so many columns of the screen; those of the terminal without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(20..), help_heading = "Output")]
    width: Option<u16>,
    /// Start no pager for a table that is longer than the screen
    #[arg(long, help_heading = "Output")]
    no_pager: bool,
}

impl OutputArgs {
    /// The format to write.
    pub fn format(&self) -> Format {
        Format::or_usual(self.format)
    }

    /// Writes a frame to standard output; `chosen` are columns that were asked for by name.
    pub fn write(&self, frame: &DataFrame, chosen: bool) -> anyhow::Result<()> {
        if self.format() == Format::Table {
            let table = fit::table(frame, self.width.or_else(pager::width), chosen)?;
            return Ok(pager::write(&table, !self.no_pager)?);
        }
        let mut out = BufWriter::new(io::stdout().lock());
        rows(&mut out, frame, self.format())?;
        out.flush()?;
        Ok(())
    }
}

/// Writes a frame in one of the formats that are the same everywhere.
pub fn rows(out: &mut impl Write, frame: &DataFrame, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => write!(out, "{}", fit::table(frame, None, true)?)?,
        Format::Csv => csv(out, frame)?,
        Format::Spreadsheet => spreadsheet(out, frame)?,
        Format::Json => json(out, frame)?,
        Format::Ndjson => objects(out, frame, ["", "", "\n"])?,
        Format::Markdown => markdown(out, frame)?,
    }
    Ok(())
}

fn names(frame: &DataFrame) -> impl Iterator<Item = &str> {
    frame.columns().iter().map(|column| column.name().as_str())
}

fn csv(out: &mut impl Write, frame: &DataFrame) -> anyhow::Result<()> {
    // Nobody parses what stands on a screen, and a name could steer it.
    let on_screen = io::stdout().is_terminal();
    let mut formulas = 0_usize;
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(names(frame)).map_err(io_error)?;
    for row in 0..frame.height() {
        let mut record = Vec::with_capacity(frame.width());
        for column in frame.columns() {
            let cell = text::plain(&column.get(row)?).unwrap_or_default();
            formulas += usize::from(*column.dtype() == DataType::String && is_formula(&cell));
            record.push(if on_screen { text::printable(&cell).into_owned() } else { cell });
        }
        writer.write_record(record).map_err(io_error)?;
    }
    writer.flush()?;
    if formulas > 0 {
        let cells = if formulas == 1 { "1 cell begins" } else { &format!("{formulas} cells begin") };
        tracing::warn!("{cells} like a formula; for a spreadsheet take --format spreadsheet");
    }
    Ok(())
}

/// CSV that a spreadsheet opens by a double click: it says that it is UTF-8, and what would be taken
/// for a formula is text.
fn spreadsheet(out: &mut impl Write, frame: &DataFrame) -> anyhow::Result<()> {
    out.write_all("\u{FEFF}".as_bytes())?;
    let mut writer = WriterBuilder::new()
        .quote_style(QuoteStyle::NonNumeric)
        .terminator(Terminator::CRLF)
        .from_writer(out);
    writer.write_record(names(frame)).map_err(io_error)?;
    for row in 0..frame.height() {
        let mut record = Vec::with_capacity(frame.width());
        for column in frame.columns() {
            let cell = text::plain(&column.get(row)?).unwrap_or_default();
            record.push(match column.dtype() {
                DataType::String => harmless(&cell),
                _ => cell,
            });
        }
        writer.write_record(record).map_err(io_error)?;
    }
    writer.flush()?;
    Ok(())
}

/// Whether a spreadsheet may take a text for a formula.
fn is_formula(cell: &str) -> bool {
    let begins = |c: char| "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".contains(c);
    cell.starts_with(begins) || cell.trim_start().starts_with(begins)
}

/// A text as a cell that is nothing but text.
fn harmless(cell: &str) -> String {
    let cell_printable = text::printable(cell);
    if is_formula(cell) { format!("'{cell_printable}") } else { cell_printable.into_owned() }
}

/// The error below an error of the CSV writer: a closed pipe must be known as one.
pub fn io_error(error: ::csv::Error) -> anyhow::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error.into(),
        other => anyhow::anyhow!("cannot write CSV: {other:?}"),
    }
}

fn json(out: &mut impl Write, frame: &DataFrame) -> anyhow::Result<()> {
    out.write_all(b"[")?;
    objects(out, frame, ["\n", ",\n", ""])?;
    out.write_all(b"\n]\n")?;
    Ok(())
}

/// An object for each row; `[before the first, before another, after each]`.
fn objects(out: &mut impl Write, frame: &DataFrame, apart: [&str; 3]) -> anyhow::Result<()> {
    let [first, other, after] = apart;
    // Written by hand so that the keys stand in the order of the columns.
    let names: Vec<String> = names(frame).map(serde_json::to_string).collect::<Result<_, _>>()?;
    for row in 0..frame.height() {
        write!(out, "{}{{", if row == 0 { first } else { other })?;
        for (place, (column, name)) in frame.columns().iter().zip(&names).enumerate() {
            let value = match column.get(row)? {
                AnyValue::Int64(value) => Value::from(value),
                AnyValue::Boolean(value) => Value::from(value),
                value => text::plain(&value).map_or(Value::Null, Value::from),
            };
            let (comma, value) = (if place > 0 { "," } else { "" }, value.to_string());
            write!(out, "{comma}{name}:{}", text::json_escaped(&value))?;
        }
        write!(out, "}}{after}")?;
    }
    Ok(())
}

/// Text for a cell of a Markdown table: nothing in it is markup.
pub fn escaped(cell: &str) -> String {
    let cell = text::printable(cell);
    let mut escaped = String::with_capacity(cell.len());
    let mut before = ' ';
    let mut rest = cell.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '[' | ']' | '~' => escaped.extend(['\\', c]),
            // Within a word it is no markup: at_latest.
            '_' if !(before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric())) => {
                escaped.push_str("\\_");
            }
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

fn markdown(out: &mut impl Write, frame: &DataFrame) -> anyhow::Result<()> {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.write_all(line(names(frame).map(str::to_owned).collect()).as_bytes())?;
    let rule = |column: &Column| if column.dtype().is_integer() { "---:" } else { "---" }.to_owned();
    out.write_all(line(frame.columns().iter().map(rule).collect()).as_bytes())?;
    for row in 0..frame.height() {
        let cells = frame.columns().iter().map(|column| Ok(escaped(&fit::cell(frame, column, row)?)));
        out.write_all(line(cells.collect::<PolarsResult<_>>()?).as_bytes())?;
    }
    Ok(())
}
