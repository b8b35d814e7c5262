//! Records that were set, broken or equalled, and those whose past is another one.

use std::collections::HashMap;

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;

use super::rows::{Called, Days, Side, Unit, Window, paired, subject_columns};
use super::{Comparison, Found, Kind};
use crate::dates::Day;
use crate::frame::{Frame, Text};

pub const COMPARISON: Comparison = Comparison {
    table: "records",
    columns: subject_columns![
        "record",
        "kind",
        "reached_on",
        "value",
        "unit",
        "previous_holder",
        "margin",
        "held_until",
    ],
    called: Called {
        name: "record",
        window: Window::Date,
        on: Some("reached_on"),
        value: Some("value"),
        state: Some("previous_holder"),
        unit: Unit::Column,
    },
    compare,
};

/// What is to be known of records besides.
struct Reigns<'f> {
    of: &'f Side,
    kind: &'f Text,
    value: &'f PrimitiveArray<i64>,
    margin: &'f PrimitiveArray<i64>,
    until: Days,
}

impl<'f> Reigns<'f> {
    fn new(of: &'f Side, frame: &'f Frame) -> PolarsResult<Self> {
        Ok(Self {
            of,
            kind: frame.text("kind")?,
            value: frame.i64("value")?,
            margin: frame.i64("margin")?,
            until: Days::of(frame, "held_until")?,
        })
    }

    fn key(&self, row: usize) -> ([u32; 3], &str, u32, Option<Day>) {
        (self.of.place(row), self.of.called(row)[0], self.of.id(row), self.of.figure(row).on)
    }

    fn called(&self, row: usize) -> ([u32; 3], [&str; 3], Option<Day>) {
        (self.of.place(row), self.of.called(row), self.of.figure(row).on)
    }

    /// Whether a holder lengthens the reign from date to date.
    fn grows(&self, row: usize) -> bool {
        matches!(self.kind.get(row), Some("days_at_one" | "spell_at_one"))
    }
}

fn compare(sides: [&Side; 2], frames: [&Frame; 2]) -> PolarsResult<Vec<Found>> {
    let (before, after) = (Reigns::new(sides[0], frames[0])?, Reigns::new(sides[1], frames[1])?);
    let rows = paired((before.of.height, |row| before.key(row)), (after.of.height, |row| after.key(row)))
        .and_by(|row| before.called(row), |row| after.called(row));
    let mut latest: HashMap<[u32; 3], Option<Day>> = HashMap::new();
    for row in 0..before.of.height {
        let known = latest.entry(before.of.place(row)).or_default();
        *known = (*known).max(before.of.figure(row).on);
    }
    // A reign that goes on is no news: it has been one since it began.
    let goes_on = |old: usize, new: usize| {
        after.grows(new) && before.until.get(old).is_none() && after.value.get(new) > before.value.get(old)
    };
    let differs = |old: usize, new: usize| {
        let (was, is) = (before.of.figure(old), after.of.figure(new));
        (was.value, was.state) != (is.value, is.state)
    };
    let changed = rows.both.iter().filter(|&&(old, new)| differs(old, new) && !goes_on(old, new));
    let changed = changed.map(|&(old, new)| Found::of_both(Kind::RecordChanged, old, new));
    let news = rows.new.iter().map(|&row| {
        let in_the_past = after.of.figure(row).on < latest.get(&after.of.place(row)).copied().flatten();
        let kind = match after.margin.get(row) {
            _ if in_the_past => Kind::RecordChanged,
            None => Kind::RecordSet,
            Some(0) => Kind::RecordEqualled,
            Some(_) => Kind::RecordBroken,
        };
        Found::new(kind, row)
    });
    let gone = rows.gone.iter().map(|&row| Found::gone(Kind::RecordChanged, row));
    Ok(changed.chain(news).chain(gone).collect())
}
