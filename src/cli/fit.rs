//! A frame as a table for people, fitted to a width.
//!
//! What does not fit is tried in this order: what is the same in all rows goes above the table; heads
//! break at their underscores; texts are shortened, sentences go on in the next line; and columns are
//! left out, which is said below. A single row that is too wide stands upright, a line a column.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement};
use polars::prelude::*;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::text;

/// Columns that hold sentences, which may go on in the next line.
const SENTENCES: [&str; 6] = ["says", "because", "why", "raw", "reason", "sensitivity"];
/// What is left out first where there is no room.
const LESSER: [&str; 22] = [
    "entity_id",
    "song_id",
    "hash",
    "credited",
    "artists",
    "basis",
    "credit_source",
    "evidence_row",
    "evidence_export",
    "entity_kind",
    "song_rule",
    "credit",
    "clock",
    "reached_from",
    "estimated_on",
    "streams_on_date",
    "cumulative_before",
    "dense_rank",
    "previous_rank",
    "start_basis",
    "start_on",
    "dialect",
];
/// What is left out last, the last of them first: what is said, who it is, when, how much.
const DEARER: [&str; 28] = [
    "says",
    "why",
    "found",
    "claim",
    "certainty",
    "entity",
    "rank",
    "window",
    "threshold",
    "reached_on",
    "streams",
    "value",
    "rank_change",
    "verdict",
    "export",
    "rows_read",
    "rows_used",
    "change",
    "date",
    "state",
    "appearances",
    "peak_rank",
    "streams_uri",
    "streams_song",
    "streams_work",
    "remaining",
    "next_threshold",
    "held_until",
];
/// The least that is left of a text and of a sentence.
const SHORTEST: [usize; 2] = [14, 24];

/// The most characters of a cell.
const LONGEST: usize = 1000;

/// A column on its way to the screen.
struct Shown {
    name: String,
    head: String,
    cells: Vec<String>,
    right: bool,
    /// What it may shrink to; as wide as it is where it may not.
    least: usize,
    width: usize,
}

impl Shown {
    fn of(frame: &DataFrame, column: &Column) -> PolarsResult<Self> {
        let name = column.name().to_string();
        let cells = (0..frame.height()).map(|row| cell(frame, column, row)).collect::<PolarsResult<_>>()?;
        let right = column.dtype().is_integer();
        let mut shown = Self { head: name.clone(), name, cells, right, least: 0, width: 0 };
        shown.width = shown.natural();
        shown.least = match column.dtype() {
            DataType::String => shown.width.min(SHORTEST[usize::from(shown.is_sentence())]),
            _ => shown.width,
        };
        Ok(shown)
    }

    fn is_sentence(&self) -> bool {
        SENTENCES.contains(&self.name.as_str())
    }

    fn widest(text: &str) -> usize {
        text.lines().map(UnicodeWidthStr::width).max().unwrap_or_default()
    }

    fn content(&self) -> usize {
        self.cells.iter().map(|cell| cell.width()).max().unwrap_or_default()
    }

    fn natural(&self) -> usize {
        self.content().max(Self::widest(&self.head))
    }

    /// Breaks the head at underscores where it is wider than what is below.
    fn break_head(&mut self) {
        let room = self.content().min(self.least.max(SHORTEST[0]));
        let mut head = String::new();
        let mut line = 0;
        for part in self.name.split_inclusive('_') {
            if line > 0 && line + part.width() > room {
                head.push('\n');
                line = 0;
            }
            head.push_str(part);
            line += part.width();
        }
        let rigid = self.least == self.width;
        self.head = head;
        self.width = self.natural();
        self.least =
            if rigid { self.width } else { self.least.min(self.width).max(Self::widest(&self.head)) };
    }

    /// The one value of all rows.
    fn constant(&self) -> Option<&str> {
        let (first, rest) = self.cells.split_first()?;
        (!rest.is_empty() && rest.iter().all(|cell| cell == first)).then_some(first)
    }

    fn fitted(&self, cell: &str) -> String {
        if cell.width() <= self.width {
            cell.to_owned()
        } else if self.is_sentence() {
            wrapped(cell, self.width).join("\n")
        } else {
            shortened(cell, self.width)
        }
    }
}

/// A frame as a table, with a line end; `width` is that of the screen, and whole columns go above or
/// are left out only where they were not `chosen`.
pub fn table(frame: &DataFrame, width: Option<u16>, chosen: bool) -> PolarsResult<String> {
    let mut columns: Vec<Shown> =
        frame.columns().iter().map(|column| Shown::of(frame, column)).collect::<PolarsResult<_>>()?;
    if frame.height() == 0 && width.is_some() {
        return Ok("no rows\n".to_owned());
    }
    let (mut above, mut below) = (String::new(), String::new());
    if let Some(width) = width.map(usize::from).filter(|width| total(&columns) > *width) {
        if frame.height() == 1 && !chosen {
            return Ok(upright(&columns, width));
        }
        if !chosen {
            above = set_apart(&mut columns, width);
        }
        if total(&columns) > width {
            columns.iter_mut().for_each(Shown::break_head);
        }
        let left_out = leave_out(&mut columns, width);
        if !left_out.is_empty() {
            let way_out = "`show` with --columns chooses, with --width N or --format csv it has room for all";
            let note = format!("left out for want of room: {}; {way_out}", left_out.join(", "));
            below = wrapped(&note, width).join("\n") + "\n";
        }
        shrink(&mut columns, width);
    }
    Ok(format!("{above}{}\n{below}", drawn(&columns, frame.height())))
}

/// How wide the table would be: a blank on both sides of each cell, and one between two.
fn total(columns: &[Shown]) -> usize {
    columns.iter().map(|column| column.width + 3).sum::<usize>().saturating_sub(1)
}

/// Takes the columns away that say the same in all rows, and names them with their values.
fn set_apart(columns: &mut Vec<Shown>, width: usize) -> String {
    let (mut said, mut empty) = (Vec::new(), Vec::new());
    columns.retain(|column| match column.constant() {
        Some("") => {
            empty.push(column.name.clone());
            false
        }
        Some(value) => {
            said.push(format!("{}={}", column.name, shortened(value, SHORTEST[1] * 2)));
            false
        }
        None => true,
    });
    if !empty.is_empty() {
        said.push(format!("and nothing in {}", empty.join(", ")));
    }
    match said.is_empty() {
        true => String::new(),
        false => wrapped(&format!("in all rows {}", said.join(", ")), width).join("\n") + "\n\n",
    }
}

/// Takes columns away until the others can be made to fit, and says which.
fn leave_out(columns: &mut Vec<Shown>, width: usize) -> Vec<String> {
    let least = |columns: &[Shown]| columns.iter().map(|column| column.least + 3).sum::<usize>() - 1;
    let mut left_out = Vec::new();
    while columns.len() > 1 && least(columns) > width {
        let lesser = LESSER.iter().find_map(|name| columns.iter().position(|column| column.name == *name));
        let last = || columns.iter().rposition(|column| !DEARER.contains(&column.name.as_str()));
        let dear = |name: &str| columns.iter().position(|column| column.name == name);
        let place = lesser.or_else(last).or_else(|| DEARER.iter().rev().find_map(|name| dear(name)));
        let place = place.unwrap_or(columns.len() - 1);
        left_out.push(columns.remove(place).name);
    }
    left_out
}

/// Makes the widest texts narrower, as far as they may, until the table fits.
fn shrink(columns: &mut [Shown], width: usize) {
    while total(columns) > width {
        let widest =
            columns.iter_mut().filter(|column| column.width > column.least).max_by_key(|column| column.width);
        let Some(widest) = widest else { break };
        widest.width -= 1;
    }
}

fn drawn(columns: &[Shown], rows: usize) -> String {
    let mut table = text::table(None);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let cell = |text: String, right: bool| {
        Cell::new(text).set_alignment(if right { CellAlignment::Right } else { CellAlignment::Left })
    };
    table.set_header(columns.iter().map(|column| cell(column.head.clone(), column.right)));
    for row in 0..rows {
        table.add_row(columns.iter().map(|column| {
            cell(column.cells.get(row).map(|cell| column.fitted(cell)).unwrap_or_default(), column.right)
        }));
    }
    table.to_string()
}

/// A single row, a line for each column that is not empty.
fn upright(columns: &[Shown], width: usize) -> String {
    let names = columns.iter().map(|column| column.name.width()).max().unwrap_or_default();
    let room = width.saturating_sub(names + 4).max(SHORTEST[0]);
    let mut lines = String::new();
    for column in columns {
        let Some(value) = column.cells.first().filter(|value| !value.is_empty()) else { continue };
        let value = wrapped(value, room).join(&format!("\n{:names$}   ", " "));
        // Writing to a string cannot fail.
        let _ = writeln!(lines, " {:<names$}   {value}", column.name);
    }
    lines
}

/// The first of a text that fits, with a sign that there is more.
fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut room = width.saturating_sub(1);
    for c in text.chars() {
        let Some(left) = room.checked_sub(c.width().unwrap_or_default()) else { break };
        room = left;
        kept.push(c);
    }
    kept + "…"
}

/// A text in lines that fit, broken at blanks, or anywhere in words that are too long.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = width;
    for word in text.split_inclusive(' ') {
        if word.trim_end().width() > room && room < width {
            lines.push(String::new());
            room = width;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or_default();
            if wide > room && c != ' ' {
                lines.push(String::new());
                room = width;
            }
            room = room.saturating_sub(wide);
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A cell for people: thousands apart, ranks that rose or fell with an arrow, dates as dates.
pub fn cell(frame: &DataFrame, column: &Column, row: usize) -> PolarsResult<String> {
    let is_date = || {
        let unit = frame.column("unit").ok().and_then(|unit| unit.get(row).ok());
        unit.is_some_and(|unit| unit == AnyValue::String("date"))
    };
    let text = match (column.name().as_str(), column.get(row)?) {
        ("rank_change", AnyValue::Int64(change)) => match change {
            0 => "=".to_owned(),
            1.. => format!("▲{}", text::thousands(change)),
            _ => format!("▼{}", text::thousands(change.saturating_neg())),
        },
        ("value", AnyValue::Int64(value)) if is_date() => {
            format!("{:04}-{:02}-{:02}", value / 10_000, value / 100 % 100, value % 100)
        }
        (_, AnyValue::Int64(value)) => text::thousands(value),
        (_, value) => text::plain(&value).unwrap_or_default(),
    };
    // Nobody reads more on a screen, and to break millions of characters into lines takes minutes.
    let text = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    Ok(text::printable(&text).into_owned())
}
