//! Which row of one run is which of the other.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;

use polars::prelude::*;

use super::Subject;
use crate::dates::Day;
use crate::frame::{Frame, Text};

/// A table of a run: read from its file, or about to be published.
#[derive(Clone, Copy)]
pub enum TableOf<'f> {
    /// Read.
    Read(&'f DataFrame),
    /// Built.
    Built(&'f Frame),
}

impl<'f> TableOf<'f> {
    /// How many rows.
    pub fn height(self) -> usize {
        match self {
            Self::Read(frame) => frame.height(),
            Self::Built(frame) => frame.height(),
        }
    }

    /// Whether it has a column of this name.
    pub fn has(self, name: &str) -> bool {
        match self {
            Self::Read(frame) => frame.column(name).is_ok(),
            Self::Built(frame) => frame.column(name).is_ok(),
        }
    }
}

/// A column of text.
pub enum TextOf<'f> {
    /// Read.
    Read(&'f StringChunked),
    /// Built.
    Built(&'f Text),
}

impl<'f> TextOf<'f> {
    /// The text of a row.
    pub fn get(&self, row: usize) -> Option<&'f str> {
        match self {
            Self::Read(column) => column.get(row),
            Self::Built(column) => column.get(row),
        }
    }
}

/// A column of text.
pub fn text<'f>(side: TableOf<'f>, name: &str) -> PolarsResult<TextOf<'f>> {
    Ok(match side {
        TableOf::Read(frame) => TextOf::Read(frame.column(name)?.str()?),
        TableOf::Built(frame) => TextOf::Built(frame.text(name)?),
    })
}

/// A column of whole numbers.
pub fn number(side: TableOf<'_>, name: &str) -> PolarsResult<Int64Chunked> {
    match side {
        TableOf::Read(frame) => Ok(frame.column(name)?.i64()?.clone()),
        TableOf::Built(frame) => Ok(frame.column(name)?.to_polars().i64()?.clone()),
    }
}

/// A column of dates.
pub struct Days(Int32Chunked);

impl Days {
    /// The column of this name.
    pub fn of(side: TableOf<'_>, name: &str) -> PolarsResult<Self> {
        let days = |column: &Column| Ok(Self(column.date()?.physical().clone()));
        match side {
            TableOf::Read(frame) => days(frame.column(name)?),
            TableOf::Built(frame) => days(&frame.column(name)?.to_polars()),
        }
    }

    /// The date of a row.
    pub fn get(&self, row: usize) -> Option<Day> {
        self.0.get(row).and_then(|day| u16::try_from(day).ok()).map(Day)
    }
}

/// Who and what the rows of a table are of.
pub struct Subjects<'f> {
    name: TextOf<'f>,
    chart: TextOf<'f>,
    region: TextOf<'f>,
    kind: TextOf<'f>,
    id: TextOf<'f>,
    entity: TextOf<'f>,
    artists: TextOf<'f>,
    window: Option<TextOf<'f>>,
    threshold: Option<Int64Chunked>,
    /// Rows.
    pub height: usize,
}

/// The columns of [`Subjects`] besides the name, window and threshold.
macro_rules! subject_columns {
    ($($more:literal),+ $(,)?) => {
        &["chart", "region", "entity_kind", "entity_id", "entity", "artists", $($more),+]
    };
}
pub(super) use subject_columns;

impl<'f> Subjects<'f> {
    /// Those of a table whose rows are called by the column `name`.
    pub fn of(frame: TableOf<'f>, name: &str) -> PolarsResult<Self> {
        let optional = |name: &str| frame.has(name);
        Ok(Self {
            name: text(frame, name)?,
            chart: text(frame, "chart")?,
            region: text(frame, "region")?,
            kind: text(frame, "entity_kind")?,
            id: text(frame, "entity_id")?,
            entity: text(frame, "entity")?,
            artists: text(frame, "artists")?,
            window: optional("window").then(|| text(frame, "window")).transpose()?,
            threshold: optional("threshold").then(|| number(frame, "threshold")).transpose()?,
            height: frame.height(),
        })
    }

    /// The tally, ranking or record, chart, region.
    pub fn place(&self, row: usize) -> [&str; 3] {
        [&self.name, &self.chart, &self.region].map(|column| column.get(row).unwrap_or_default())
    }

    /// The id.
    pub fn id(&self, row: usize) -> &str {
        self.id.get(row).unwrap_or_default()
    }

    /// Kind, name and artist cell: who it is whatever the id.
    pub fn called(&self, row: usize) -> [&str; 3] {
        [&self.kind, &self.entity, &self.artists].map(|column| column.get(row).unwrap_or_default())
    }

    /// The window.
    pub fn window(&self, row: usize) -> &str {
        self.window.as_ref().and_then(|window| window.get(row)).unwrap_or_default()
    }

    /// The threshold, or 0.
    pub fn threshold(&self, row: usize) -> i64 {
        self.threshold.as_ref().and_then(|threshold| threshold.get(row)).unwrap_or_default()
    }

    /// All of it.
    pub fn get(&self, row: usize) -> Subject {
        let [name, chart, region] = self.place(row).map(str::to_owned);
        let [entity_kind, entity, artists] = self.called(row).map(str::to_owned);
        let (entity_id, window) = (self.id(row).to_owned(), self.window(row).to_owned());
        Subject {
            name,
            chart,
            region,
            entity_kind,
            entity_id,
            entity,
            artists,
            window,
            threshold: self.threshold(row),
        }
    }
}

/// The rows of two runs, put together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// Rows that are in both.
    pub both: Vec<(usize, usize)>,
    /// Rows that only the run before has.
    pub gone: Vec<usize>,
    /// Rows that only the run after has.
    pub new: Vec<usize>,
}

/// Puts together the rows of two tables that are sorted by a key.
pub fn paired<K: Ord>(before: (usize, impl Fn(usize) -> K), after: (usize, impl Fn(usize) -> K)) -> Paired {
    let mut paired = Paired::default();
    let ((before_rows, before_key), (after_rows, after_key)) = (before, after);
    let (mut old, mut new) = (0, 0);
    while old < before_rows && new < after_rows {
        match before_key(old).cmp(&after_key(new)) {
            Ordering::Less => {
                paired.gone.push(old);
                old += 1;
            }
            Ordering::Greater => {
                paired.new.push(new);
                new += 1;
            }
            Ordering::Equal => {
                paired.both.push((old, new));
                old += 1;
                new += 1;
            }
        }
    }
    paired.gone.extend(old..before_rows);
    paired.new.extend(new..after_rows);
    paired
}

impl Paired {
    /// Puts together what is left over by another key, where each side has it exactly once.
    pub fn and_by<K: Eq + Hash>(mut self, before: impl Fn(usize) -> K, after: impl Fn(usize) -> K) -> Self {
        if self.gone.is_empty() || self.new.is_empty() {
            return self;
        }
        let mut left: HashMap<K, [Vec<usize>; 2]> = HashMap::new();
        for &row in &self.gone {
            left.entry(before(row)).or_default()[0].push(row);
        }
        for &row in &self.new {
            // Only what is gone can come back under another name.
            if let Some([_, new]) = left.get_mut(&after(row)) {
                new.push(row);
            }
        }
        let found = left.into_values().filter_map(|[gone, new]| match (&gone[..], &new[..]) {
            ([gone], [new]) => Some((*gone, *new)),
            _ => None,
        });
        let mut found: Vec<(usize, usize)> = found.collect();
        found.sort_unstable();
        self.gone.retain(|row| found.binary_search_by_key(row, |pair| pair.0).is_err());
        let mut taken: Vec<usize> = found.iter().map(|pair| pair.1).collect();
        taken.sort_unstable();
        self.new.retain(|row| taken.binary_search(row).is_err());
        self.both.extend(found);
        self
    }
}
