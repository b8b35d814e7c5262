//! Totals that were corrected: those whose past is another one. Growth by new dates is none.

use std::collections::HashSet;

use polars::prelude::*;

use super::rows::{Days, Subjects, TableOf, number, paired, subject_columns, text};
use super::{Change, Comparison, Figure, Kind, found};

pub const COMPARISON: Comparison = Comparison {
    table: "totals",
    columns: subject_columns![
        "tally",
        "window",
        "streams",
        "first_on",
        "last_on",
        "dates_observed",
        "peak_streams",
        "peak_on",
    ],
    compare,
};

struct Side<'f> {
    of: Subjects<'f>,
    streams: Int64Chunked,
    first: Days,
    last: Days,
    dates: Int64Chunked,
    peak: Int64Chunked,
    peak_on: Days,
}

impl<'f> Side<'f> {
    fn new(frame: TableOf<'f>) -> PolarsResult<Self> {
        Ok(Self {
            of: Subjects::of(frame, "tally")?,
            streams: number(frame, "streams")?,
            first: Days::of(frame, "first_on")?,
            last: Days::of(frame, "last_on")?,
            dates: number(frame, "dates_observed")?,
            peak: number(frame, "peak_streams")?,
            peak_on: Days::of(frame, "peak_on")?,
        })
    }

    fn key(&self, row: usize) -> ([&str; 3], &str, &str) {
        (self.of.place(row), self.of.id(row), self.of.window(row))
    }

    fn called(&self, row: usize) -> ([&str; 3], [&str; 3], &str) {
        (self.of.place(row), self.of.called(row), self.of.window(row))
    }

    fn figure(&self, row: usize) -> Figure {
        Figure { on: self.last.get(row), value: self.streams.get(row), state: None }
    }
}

/// The tallies that have totals.
pub fn tallies(frame: TableOf<'_>) -> PolarsResult<HashSet<String>> {
    let names = text(frame, "tally")?;
    let mut tallies = HashSet::new();
    for name in (0..frame.height()).filter_map(|row| names.get(row)) {
        if !tallies.contains(name) {
            tallies.insert(name.to_owned());
        }
    }
    Ok(tallies)
}

fn compare(before: TableOf<'_>, after: TableOf<'_>) -> PolarsResult<Vec<Change>> {
    let (before, after) = (Side::new(before)?, Side::new(after)?);
    let rows = paired((before.of.height, |row| before.key(row)), (after.of.height, |row| after.key(row)))
        .and_by(|row| before.called(row), |row| after.called(row));
    let corrected =
        rows.both.iter().filter(|&&(old, new)| is_corrected(&before, old, &after, new)).map(|&(old, new)| {
            let figures = (Some(before.figure(old)), Some(after.figure(new)));
            found(Kind::TotalCorrected, after.of.get(new), figures.0, figures.1, "streams")
        });
    let gone = rows.gone.iter().map(|&row| {
        found(Kind::TotalCorrected, before.of.get(row), Some(before.figure(row)), None, "streams")
    });
    Ok(corrected.chain(gone).collect())
}

/// Whether the past of a total is another one, as far as its own row can tell: later dates only ever
/// add dates after the last one, and leave the first and the best of those before where they were.
fn is_corrected(before: &Side<'_>, old: usize, after: &Side<'_>, new: usize) -> bool {
    let (was, is) = (before.streams.get(old), after.streams.get(new));
    let (last_before, last_after) = (before.last.get(old), after.last.get(new));
    let (dates_before, dates_after) = (before.dates.get(old), after.dates.get(new));
    let other_past = is < was || before.first.get(old) != after.first.get(new);
    if last_after <= last_before {
        return other_past || is != was || dates_before != dates_after || last_after != last_before;
    }
    let other_best = after.peak.get(new) < before.peak.get(old)
        || (after.peak_on.get(new) <= last_before
            && (after.peak_on.get(new), after.peak.get(new))
                != (before.peak_on.get(old), before.peak.get(old)));
    other_past || other_best || dates_after <= dates_before
}
