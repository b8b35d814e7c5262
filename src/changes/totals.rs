//! Totals that were corrected: those whose past is another one. Growth by new dates is none.

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;

use super::rows::{Called, Days, Side, Unit, Window, paired, subject_columns};
use super::{Comparison, Found, Kind};
use crate::frame::Frame;

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
    called: Called {
        name: "tally",
        window: Window::Column,
        on: Some("last_on"),
        value: Some("streams"),
        state: None,
        unit: Unit::Always("streams"),
    },
    compare,
};

struct Sums<'f> {
    streams: &'f PrimitiveArray<i64>,
    first: Days,
    last: Days,
    dates: &'f PrimitiveArray<i64>,
    peak: &'f PrimitiveArray<i64>,
    peak_on: Days,
}

impl<'f> Sums<'f> {
    fn new(frame: &'f Frame) -> PolarsResult<Self> {
        Ok(Self {
            streams: frame.i64("streams")?,
            first: Days::of(frame, "first_on")?,
            last: Days::of(frame, "last_on")?,
            dates: frame.i64("dates_observed")?,
            peak: frame.i64("peak_streams")?,
            peak_on: Days::of(frame, "peak_on")?,
        })
    }
}

fn key(side: &Side, row: usize) -> ([u32; 3], u32, u32) {
    (side.place(row), side.id(row), side.window(row))
}

fn called(side: &Side, row: usize) -> ([u32; 3], [&str; 3], u32) {
    (side.place(row), side.called(row), side.window(row))
}

fn compare([before, after]: [&Side; 2], frames: [&Frame; 2]) -> PolarsResult<Vec<Found>> {
    let rows = paired((before.height, |row| key(before, row)), (after.height, |row| key(after, row)))
        .and_by(|row| called(before, row), |row| called(after, row));
    let (was, is) = (Sums::new(frames[0])?, Sums::new(frames[1])?);
    let corrected = rows.both.iter().filter(|&&(old, new)| is_corrected(&was, old, &is, new));
    let corrected = corrected.map(|&(old, new)| Found::of_both(Kind::TotalCorrected, old, new));
    let gone = rows.gone.iter().map(|&row| Found::gone(Kind::TotalCorrected, row));
    Ok(corrected.chain(gone).collect())
}

/// Whether the past of a total is another one, as far as its own row can tell: later dates only ever
/// add dates after the last one, and leave the first and the best of those before where they were.
fn is_corrected(before: &Sums<'_>, old: usize, after: &Sums<'_>, new: usize) -> bool {
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
