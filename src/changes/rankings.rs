//! Ranks that were gained or lost.

use std::collections::HashMap;

use polars::prelude::*;

use super::rows::{Called, Paired, Side, Unit, Window, paired, subject_columns};
use super::{Comparison, Found, Kind};
use crate::frame::Frame;

pub const COMPARISON: Comparison = Comparison {
    table: "rankings",
    columns: subject_columns!["ranking", "window", "threshold", "rank", "reached_on"],
    called: Called {
        name: "ranking",
        window: Window::Column,
        on: Some("reached_on"),
        value: Some("rank"),
        state: None,
        unit: Unit::Always("rank"),
    },
    compare,
};

fn key(side: &Side, row: usize) -> ([u32; 3], u32, i64, u32) {
    (side.place(row), side.window(row), side.threshold(row), side.id(row))
}

fn called(side: &Side, row: usize) -> ([u32; 3], u32, i64, [&str; 3]) {
    (side.place(row), side.window(row), side.threshold(row), side.called(row))
}

/// Whose rank a row is, in whatever window.
fn who(side: &Side, row: usize) -> ([u32; 3], i64, u32) {
    (side.place(row), side.threshold(row), side.id(row))
}

/// How many rows each of those has who stand in `rows`.
fn windows(side: &Side, rows: &[usize]) -> HashMap<([u32; 3], i64, u32), usize> {
    let mut windows: HashMap<_, usize> = rows.iter().map(|&row| (who(side, row), 0)).collect();
    for row in 0..side.height {
        if let Some(count) = windows.get_mut(&who(side, row)) {
            *count += 1;
        }
    }
    windows
}

/// Puts together the rows of those who stand once in each run, with another window: where everybody
/// stands with their best one, that window can change.
fn in_another_window(before: &Side, after: &Side, rows: Paired) -> Paired {
    if rows.gone.is_empty() || rows.new.is_empty() {
        return rows;
    }
    let (old, new) = (windows(before, &rows.gone), windows(after, &rows.new));
    // Who stands several times in a run is put together with nobody.
    let apart = |run: u8, row: usize, windows: Option<&usize>| (windows != Some(&1)).then_some((run, row));
    rows.and_by(
        |row| (who(before, row), apart(0, row, old.get(&who(before, row)))),
        |row| (who(after, row), apart(1, row, new.get(&who(after, row)))),
    )
}

fn compare([before, after]: [&Side; 2], frames: [&Frame; 2]) -> PolarsResult<Vec<Found>> {
    let rows = paired((before.height, |row| key(before, row)), (after.height, |row| key(after, row)));
    let rows =
        in_another_window(before, after, rows).and_by(|row| called(before, row), |row| called(after, row));
    let (ranks_before, ranks_after) = (frames[0].i64("rank")?, frames[1].i64("rank")?);
    let other = rows.both.iter().filter_map(|&(old, new)| {
        let (was, is) = (ranks_before.get(old)?, ranks_after.get(new)?);
        let kind = if is < was { Kind::RankGained } else { Kind::RankLost };
        (is != was).then(|| Found::of_both(kind, old, new))
    });
    let gained = rows.new.iter().map(|&row| Found::new(Kind::RankGained, row));
    let lost = rows.gone.iter().map(|&row| Found::gone(Kind::RankLost, row));
    Ok(other.chain(gained).chain(lost).collect())
}
