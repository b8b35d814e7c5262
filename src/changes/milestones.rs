//! Milestones that were crossed, moved or revoked.

use polars::prelude::*;

use super::rows::{Called, Side, Unit, Window, paired, subject_columns};
use super::{Comparison, Found, Kind};
use crate::frame::Frame;

pub const COMPARISON: Comparison = Comparison {
    table: "milestones",
    columns: subject_columns!["tally", "window", "threshold", "reached_on", "certainty", "cumulative"],
    called: Called {
        name: "tally",
        window: Window::Column,
        on: Some("reached_on"),
        value: Some("cumulative"),
        state: Some("certainty"),
        unit: Unit::Always("streams"),
    },
    compare,
};

fn key(side: &Side, row: usize) -> ([u32; 3], u32, u32, i64) {
    (side.place(row), side.id(row), side.window(row), side.threshold(row))
}

fn called(side: &Side, row: usize) -> ([u32; 3], [&str; 3], u32, i64) {
    (side.place(row), side.called(row), side.window(row), side.threshold(row))
}

fn compare([before, after]: [&Side; 2], _: [&Frame; 2]) -> PolarsResult<Vec<Found>> {
    let rows = paired((before.height, |row| key(before, row)), (after.height, |row| key(after, row)))
        .and_by(|row| called(before, row), |row| called(after, row));
    let moved = rows.both.iter().filter(|&&(old, new)| before.figure(old) != after.figure(new));
    let moved = moved.map(|&(old, new)| Found::of_both(Kind::MilestoneMoved, old, new));
    let crossed = rows.new.iter().map(|&row| Found::new(Kind::MilestoneCrossed, row));
    let revoked = rows.gone.iter().map(|&row| Found::gone(Kind::MilestoneRevoked, row));
    Ok(crossed.chain(moved).chain(revoked).collect())
}
