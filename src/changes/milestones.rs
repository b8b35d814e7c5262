//! Milestones that were crossed, moved or revoked.

use polars::prelude::*;

use super::rows::{Days, Subjects, TableOf, TextOf, number, paired, subject_columns, text};
use super::{Change, Comparison, Figure, Kind, found};

pub const COMPARISON: Comparison = Comparison {
    table: "milestones",
    columns: subject_columns!["tally", "window", "threshold", "reached_on", "certainty", "cumulative"],
    compare,
};

struct Side<'f> {
    of: Subjects<'f>,
    on: Days,
    certainty: TextOf<'f>,
    sum: Int64Chunked,
}

impl<'f> Side<'f> {
    fn new(frame: TableOf<'f>) -> PolarsResult<Self> {
        Ok(Self {
            of: Subjects::of(frame, "tally")?,
            on: Days::of(frame, "reached_on")?,
            certainty: text(frame, "certainty")?,
            sum: number(frame, "cumulative")?,
        })
    }

    fn key(&self, row: usize) -> ([&str; 3], &str, &str, i64) {
        (self.of.place(row), self.of.id(row), self.of.window(row), self.of.threshold(row))
    }

    fn called(&self, row: usize) -> ([&str; 3], [&str; 3], &str, i64) {
        (self.of.place(row), self.of.called(row), self.of.window(row), self.of.threshold(row))
    }

    fn figure(&self, row: usize) -> Figure {
        Figure {
            on: self.on.get(row),
            value: self.sum.get(row),
            state: self.certainty.get(row).map(str::to_owned),
        }
    }
}

fn compare(before: TableOf<'_>, after: TableOf<'_>) -> PolarsResult<Vec<Change>> {
    let (before, after) = (Side::new(before)?, Side::new(after)?);
    let rows = paired((before.of.height, |row| before.key(row)), (after.of.height, |row| after.key(row)))
        .and_by(|row| before.called(row), |row| after.called(row));
    let same = |&(old, new): &(usize, usize)| {
        before.on.get(old) == after.on.get(new)
            && before.certainty.get(old) == after.certainty.get(new)
            && before.sum.get(old) == after.sum.get(new)
    };
    let moved = rows.both.iter().filter(|pair| !same(pair)).map(|&(old, new)| {
        let figures = (Some(before.figure(old)), Some(after.figure(new)));
        found(Kind::MilestoneMoved, after.of.get(new), figures.0, figures.1, "streams")
    });
    let crossed = rows.new.iter().map(|&row| {
        found(Kind::MilestoneCrossed, after.of.get(row), None, Some(after.figure(row)), "streams")
    });
    let revoked = rows.gone.iter().map(|&row| {
        found(Kind::MilestoneRevoked, before.of.get(row), Some(before.figure(row)), None, "streams")
    });
    Ok(crossed.chain(moved).chain(revoked).collect())
}
