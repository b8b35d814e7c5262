//! Ranks that were gained or lost.

use std::collections::HashMap;

use polars::prelude::*;

use super::rows::{Days, Paired, Subjects, TableOf, number, paired, subject_columns};
use super::{Change, Comparison, Figure, Kind, found};

pub const COMPARISON: Comparison = Comparison {
    table: "rankings",
    columns: subject_columns!["ranking", "window", "threshold", "rank", "reached_on"],
    compare,
};

struct Side<'f> {
    of: Subjects<'f>,
    rank: Int64Chunked,
    on: Days,
}

impl<'f> Side<'f> {
    fn new(frame: TableOf<'f>) -> PolarsResult<Self> {
        Ok(Self {
            of: Subjects::of(frame, "ranking")?,
            rank: number(frame, "rank")?,
            on: Days::of(frame, "reached_on")?,
        })
    }

    fn key(&self, row: usize) -> ([&str; 3], &str, i64, &str) {
        (self.of.place(row), self.of.window(row), self.of.threshold(row), self.of.id(row))
    }

    /// Whose rank it is, in whatever window.
    fn who(&self, row: usize) -> ([&str; 3], i64, &str) {
        (self.of.place(row), self.of.threshold(row), self.of.id(row))
    }

    fn called(&self, row: usize) -> ([&str; 3], &str, i64, [&str; 3]) {
        (self.of.place(row), self.of.window(row), self.of.threshold(row), self.of.called(row))
    }

    /// How many rows each of those has who stand in `rows`.
    fn windows<'a>(&'a self, rows: &[usize]) -> HashMap<([&'a str; 3], i64, &'a str), usize> {
        let mut windows: HashMap<_, usize> = rows.iter().map(|&row| (self.who(row), 0)).collect();
        for row in 0..self.of.height {
            if let Some(count) = windows.get_mut(&self.who(row)) {
                *count += 1;
            }
        }
        windows
    }

    fn figure(&self, row: usize) -> Figure {
        Figure { on: self.on.get(row), value: self.rank.get(row), state: None }
    }
}

/// Puts together the rows of those who stand once in each run, with another window: where everybody
/// stands with their best one, that window can change.
fn in_another_window(before: &Side<'_>, after: &Side<'_>, rows: Paired) -> Paired {
    if rows.gone.is_empty() || rows.new.is_empty() {
        return rows;
    }
    let (old, new) = (before.windows(&rows.gone), after.windows(&rows.new));
    // Who stands several times in a run is put together with nobody.
    let apart = |run: u8, row: usize, windows: Option<&usize>| (windows != Some(&1)).then_some((run, row));
    rows.and_by(
        |row| (before.who(row), apart(0, row, old.get(&before.who(row)))),
        |row| (after.who(row), apart(1, row, new.get(&after.who(row)))),
    )
}

fn compare(before: TableOf<'_>, after: TableOf<'_>) -> PolarsResult<Vec<Change>> {
    let (before, after) = (Side::new(before)?, Side::new(after)?);
    let rows = paired((before.of.height, |row| before.key(row)), (after.of.height, |row| after.key(row)));
    let rows =
        in_another_window(&before, &after, rows).and_by(|row| before.called(row), |row| after.called(row));
    let other = rows.both.iter().filter_map(|&(old, new)| {
        let (was, is) = (before.rank.get(old)?, after.rank.get(new)?);
        let kind = if is < was { Kind::RankGained } else { Kind::RankLost };
        let change =
            || found(kind, after.of.get(new), Some(before.figure(old)), Some(after.figure(new)), "rank");
        (is != was).then(change)
    });
    let gained = rows
        .new
        .iter()
        .map(|&row| found(Kind::RankGained, after.of.get(row), None, Some(after.figure(row)), "rank"));
    let lost = rows
        .gone
        .iter()
        .map(|&row| found(Kind::RankLost, before.of.get(row), Some(before.figure(row)), None, "rank"));
    Ok(other.chain(gained).chain(lost).collect())
}
