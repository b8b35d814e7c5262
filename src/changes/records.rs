//! Records that were set, broken or equalled, and those whose past is another one.

use std::collections::HashMap;

use polars::prelude::*;

use super::rows::{Days, Subjects, TableOf, TextOf, number, paired, subject_columns, text};
use super::{Change, Comparison, Figure, Kind, Subject, found};
use crate::dates::Day;

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
    compare,
};

struct Side<'f> {
    of: Subjects<'f>,
    kind: TextOf<'f>,
    on: Days,
    value: Int64Chunked,
    unit: TextOf<'f>,
    previous: TextOf<'f>,
    margin: Int64Chunked,
    until: Days,
}

impl<'f> Side<'f> {
    fn new(frame: TableOf<'f>) -> PolarsResult<Self> {
        Ok(Self {
            of: Subjects::of(frame, "record")?,
            kind: text(frame, "kind")?,
            on: Days::of(frame, "reached_on")?,
            value: number(frame, "value")?,
            unit: text(frame, "unit")?,
            previous: text(frame, "previous_holder")?,
            margin: number(frame, "margin")?,
            until: Days::of(frame, "held_until")?,
        })
    }

    fn key(&self, row: usize) -> ([&str; 3], &str, &str, Option<Day>) {
        (self.of.place(row), self.of.called(row)[0], self.of.id(row), self.on.get(row))
    }

    fn called(&self, row: usize) -> ([&str; 3], [&str; 3], Option<Day>) {
        (self.of.place(row), self.of.called(row), self.on.get(row))
    }

    fn subject(&self, row: usize) -> Subject {
        let window = self.on.get(row).map(|day| day.to_string()).unwrap_or_default();
        Subject { window, ..self.of.get(row) }
    }

    fn figure(&self, row: usize) -> Figure {
        Figure {
            on: self.on.get(row),
            value: self.value.get(row),
            state: self.previous.get(row).map(str::to_owned),
        }
    }

    fn unit(&self, row: usize) -> &str {
        self.unit.get(row).unwrap_or_default()
    }

    /// Whether a holder lengthens the reign from date to date.
    fn grows(&self, row: usize) -> bool {
        matches!(self.kind.get(row), Some("days_at_one" | "spell_at_one"))
    }
}

fn compare(before: TableOf<'_>, after: TableOf<'_>) -> PolarsResult<Vec<Change>> {
    let (before, after) = (Side::new(before)?, Side::new(after)?);
    let rows = paired((before.of.height, |row| before.key(row)), (after.of.height, |row| after.key(row)))
        .and_by(|row| before.called(row), |row| after.called(row));
    let mut latest: HashMap<[&str; 3], Option<Day>> = HashMap::new();
    for row in 0..before.of.height {
        let known = latest.entry(before.of.place(row)).or_default();
        *known = (*known).max(before.on.get(row));
    }
    // A reign that goes on is no news: it has been one since it began.
    let goes_on = |old: usize, new: usize| {
        after.grows(new) && before.until.get(old).is_none() && after.value.get(new) > before.value.get(old)
    };
    let differs = |old: usize, new: usize| {
        before.value.get(old) != after.value.get(new) || before.previous.get(old) != after.previous.get(new)
    };
    let changed =
        rows.both.iter().filter(|&&(old, new)| differs(old, new) && !goes_on(old, new)).map(|&(old, new)| {
            let figures = (Some(before.figure(old)), Some(after.figure(new)));
            found(Kind::RecordChanged, after.subject(new), figures.0, figures.1, after.unit(new))
        });
    let news = rows.new.iter().map(|&row| {
        let in_the_past = after.on.get(row) < latest.get(&after.of.place(row)).copied().flatten();
        let kind = match after.margin.get(row) {
            _ if in_the_past => Kind::RecordChanged,
            None => Kind::RecordSet,
            Some(0) => Kind::RecordEqualled,
            Some(_) => Kind::RecordBroken,
        };
        found(kind, after.subject(row), None, Some(after.figure(row)), after.unit(row))
    });
    let gone = rows.gone.iter().map(|&row| {
        found(Kind::RecordChanged, before.subject(row), Some(before.figure(row)), None, before.unit(row))
    });
    Ok(changed.chain(news).chain(gone).collect())
}
