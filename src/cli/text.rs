//! Frames and figures as text.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use chartledger::dates::Day;
use chartledger::run::Refused;
use chartledger::store::Address;
use comfy_table::{ContentArrangement, Table};
use polars::prelude::*;

/// A whole number with its thousands apart: `1,400,393,033`.
pub fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes, as `3.4 GB`.
pub fn bytes(count: u64) -> String {
    indicatif::DecimalBytes(count).to_string()
}

/// A time, as `3.61 s`.
pub fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// `1 file`, `2 files`.
pub fn plural(count: impl TryInto<i64>, one: &str) -> String {
    let count = count.try_into().unwrap_or(i64::MAX);
    format!("{} {one}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// A path without `..` where a folder before it takes that back.
pub fn path(path: &Path) -> String {
    if Address::is(path) {
        return path.display().to_string();
    }
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            Component::CurDir => {}
            part => tidy.push(part),
        }
    }
    tidy.display().to_string()
}

/// Whether a character steers a terminal instead of being shown: control characters, line ends, and
/// those that turn the direction of what follows.
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Text without characters that could steer a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(steers) {
        Cow::Owned(text.chars().map(|c| if steers(c) { '\u{FFFD}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// JSON with every character escaped that could steer a terminal: the same to whoever parses it.
pub fn json_escaped(json: &str) -> Cow<'_, str> {
    let steers = |c: char| steers(c) && c != '\n';
    if !json.chars().any(steers) {
        return Cow::Borrowed(json);
    }
    let escaped = |c: char| if steers(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(json.chars().map(escaped).collect())
}

/// The value of a cell as plain text; `None` where it is empty.
pub fn plain(value: &AnyValue<'_>) -> Option<String> {
    match value {
        AnyValue::Null => None,
        AnyValue::String(text) => Some((*text).to_owned()),
        AnyValue::StringOwned(text) => Some(text.to_string()),
        AnyValue::Date(days) => {
            Some(u16::try_from(*days).map_or_else(|_| days.to_string(), |day| Day(day).to_string()))
        }
        other => Some(other.to_string()),
    }
}

/// The first few of the files that could not be used, a line each.
pub fn refused(out: &mut impl Write, refused: &[Refused]) -> io::Result<()> {
    first_few(out, "refused", refused)
}

/// The first few of the exports that would not count on some dates, a line each.
pub fn withheld(out: &mut impl Write, withheld: &[Refused]) -> io::Result<()> {
    first_few(out, "withheld", withheld)
}

fn first_few(out: &mut impl Write, word: &str, all: &[Refused]) -> io::Result<()> {
    const SHOWN: usize = 5;
    for Refused { export, problem } in all.iter().take(SHOWN) {
        writeln!(out, "{word:<10} {}: {}", printable(export), printable(problem))?;
    }
    match all.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "{word:<10} and {more} more"),
    }
}

/// The first few of the files that were taken out of the ledger on purpose, a line each.
pub fn left_out(out: &mut impl Write, names: &[String]) -> io::Result<()> {
    const SHOWN: usize = 5;
    for name in names.iter().take(SHOWN) {
        let name = printable(name);
        writeln!(out, "left out   {name}: forgotten; `ledger forget --undo {name}` takes that back")?;
    }
    match names.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "left out   and {more} more"),
    }
}

/// An empty table in the house style: no lines but one below the head.
pub fn table(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_preset("     ──            ").set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    table
}
