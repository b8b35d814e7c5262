//! Which row of one run is which of the other.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;

use super::{Figure, Subject};
use crate::dates::Day;
use crate::frame::{Frame, Text, Values};

/// The columns by which the rows of a table are called, and those that are its figures.
pub struct Called {
    /// The tally, ranking, record or claim.
    pub name: &'static str,
    /// The turn of the clock.
    pub window: Window,
    /// The date of the figure.
    pub on: Option<&'static str>,
    /// The figure.
    pub value: Option<&'static str>,
    /// What is said of it in a word.
    pub state: Option<&'static str>,
    /// What the values count.
    pub unit: Unit,
}

/// The window of a row.
#[derive(Clone, Copy)]
pub enum Window {
    /// It is in a column.
    Column,
    /// It is the date of the figure.
    Date,
    /// There is none.
    All,
}

/// The unit of a row.
#[derive(Clone, Copy)]
pub enum Unit {
    /// It is in a column.
    Column,
    /// It is the same in all rows.
    Always(&'static str),
}

/// A column of dates.
#[derive(Clone)]
pub struct Days(PrimitiveArray<i32>);

impl Days {
    /// The column of this name.
    pub fn of(frame: &Frame, name: &str) -> PolarsResult<Self> {
        match &frame.column(name)?.values {
            Values::Date(days) => Ok(Self(days.clone())),
            _ => Err(PolarsError::SchemaMismatch(format!("{name} holds no dates").into())),
        }
    }

    /// The date of a row.
    pub fn get(&self, row: usize) -> Option<Day> {
        self.0.get(row).and_then(|day| u16::try_from(day).ok()).map(Day)
    }
}

/// Text by which rows of two runs are put together: words are compared as numbers.
pub struct Words {
    /// The text.
    pub text: Text,
    /// For each word its place in the order of all words of both runs, and behind them that of
    /// nothing.
    places: Vec<u32>,
}

impl Words {
    fn of(text: Text) -> Self {
        Self { text, places: Vec::new() }
    }

    /// Finds the places of the words of a column in two runs.
    fn order(before: &mut Self, after: &mut Self) {
        let mut words: Vec<&str> = before.text.words().chain(after.text.words()).chain([""]).collect();
        words.sort_unstable();
        words.dedup();
        let place = |word: &str| words.partition_point(|other| *other < word) as u32;
        let places = |side: &Self| side.text.words().chain([""]).map(place).collect();
        (before.places, after.places) = (places(before), places(after));
    }

    fn get(&self, row: usize) -> &str {
        self.text.get(row).unwrap_or_default()
    }

    fn place(&self, row: usize) -> u32 {
        let place = self.text.code(row).and_then(|code| self.places.get(code as usize));
        place.or(self.places.last()).copied().unwrap_or_default()
    }
}

/// The rows of a table in a run: who and what they are of, and their figures.
pub struct Side {
    /// Rows.
    pub height: usize,
    name: Words,
    chart: Words,
    region: Words,
    id: Words,
    window: Words,
    kind: Text,
    entity: Text,
    artists: Text,
    threshold: Option<PrimitiveArray<i64>>,
    on: Option<Days>,
    value: Option<PrimitiveArray<i64>>,
    state: Option<Text>,
    unit: Text,
}

/// The columns of [`Side`] but for those that [`Called`] names.
macro_rules! subject_columns {
    ($($more:literal),+ $(,)?) => {
        &["chart", "region", "entity_kind", "entity_id", "entity", "artists", $($more),+]
    };
}
pub(super) use subject_columns;

impl Side {
    /// The rows of a table in two runs.
    pub fn of_both(frames: [&Frame; 2], called: &Called) -> PolarsResult<[Self; 2]> {
        let [mut before, mut after] = [Self::of(frames[0], called)?, Self::of(frames[1], called)?];
        before.words().into_iter().zip(after.words()).for_each(|(before, after)| Words::order(before, after));
        Ok([before, after])
    }

    fn of(frame: &Frame, called: &Called) -> PolarsResult<Self> {
        let height = frame.height();
        let text = |name: &str| frame.text(name).cloned();
        let words = |name: &str| text(name).map(Words::of);
        let number = |name: &str| frame.i64(name).cloned();
        // Claims are of nobody in particular.
        let or_nothing = |name: &str| match frame.column(name) {
            Ok(_) => text(name),
            Err(_) => Ok(Text::constant("", height)),
        };
        let on = called.on.map(|name| Days::of(frame, name)).transpose()?;
        let window = match called.window {
            Window::Column => text("window")?,
            Window::All => Text::constant("all", height),
            Window::Date => {
                let day = |row| on.as_ref()?.get(row).map(|day| day.to_string());
                let days: Vec<Option<String>> = (0..height).map(day).collect();
                Text::of(days.iter().map(Option::as_deref))
            }
        };
        Ok(Self {
            height,
            name: words(called.name)?,
            chart: words("chart")?,
            region: words("region")?,
            id: words("entity_id")?,
            window: Words::of(window),
            kind: or_nothing("entity_kind")?,
            entity: text("entity")?,
            artists: or_nothing("artists")?,
            threshold: frame.column("threshold").is_ok().then(|| number("threshold")).transpose()?,
            on,
            value: called.value.map(number).transpose()?,
            state: called.state.map(text).transpose()?,
            unit: match called.unit {
                Unit::Column => text("unit")?,
                Unit::Always(unit) => Text::constant(unit, height),
            },
        })
    }

    fn words(&mut self) -> [&mut Words; 5] {
        [&mut self.name, &mut self.chart, &mut self.region, &mut self.id, &mut self.window]
    }

    /// The tally, ranking or record, chart, region; in numbers, as all below.
    pub fn place(&self, row: usize) -> [u32; 3] {
        [&self.name, &self.chart, &self.region].map(|words| words.place(row))
    }

    /// The id.
    pub fn id(&self, row: usize) -> u32 {
        self.id.place(row)
    }

    /// The window.
    pub fn window(&self, row: usize) -> u32 {
        self.window.place(row)
    }

    /// Kind, name and artist cell: who it is whatever the id.
    pub fn called(&self, row: usize) -> [&str; 3] {
        [&self.kind, &self.entity, &self.artists].map(|text| text.get(row).unwrap_or_default())
    }

    /// The threshold, or 0.
    pub fn threshold(&self, row: usize) -> i64 {
        self.threshold.as_ref().and_then(|threshold| threshold.get(row)).unwrap_or_default()
    }

    /// Whether any row is called as one of another side.
    pub fn has_name_of(&self, other: &Self, row: usize) -> bool {
        self.name.places.split_last().is_some_and(|(_, known)| known.contains(&other.name.place(row)))
    }

    /// Where a change of the row stands among those of its kind.
    pub fn order(&self, row: usize) -> ([u32; 3], u32, u32, i64) {
        (self.place(row), self.id(row), self.window(row), self.threshold(row))
    }

    /// Who and what a row is of.
    pub fn subject(&self, row: usize) -> Subject<'_> {
        let [entity_kind, entity, artists] = self.called(row);
        Subject {
            name: self.name.get(row),
            chart: self.chart.get(row),
            region: self.region.get(row),
            entity_kind,
            entity_id: self.id.get(row),
            entity,
            artists,
            window: self.window.get(row),
            threshold: self.threshold(row),
        }
    }

    /// What a row says.
    pub fn figure(&self, row: usize) -> Figure<'_> {
        Figure {
            on: self.on.as_ref().and_then(|on| on.get(row)),
            value: self.value.as_ref().and_then(|value| value.get(row)),
            state: self.state.as_ref().and_then(|state| state.get(row)),
        }
    }

    /// What the values of a row count.
    pub fn unit(&self, row: usize) -> &str {
        self.unit.get(row).unwrap_or_default()
    }

    /// The text of a part of all rows.
    pub fn text(&self, part: Part) -> &Text {
        match part {
            Part::Name => &self.name.text,
            Part::Chart => &self.chart.text,
            Part::Region => &self.region.text,
            Part::Kind => &self.kind,
            Part::Id => &self.id.text,
            Part::Entity => &self.entity,
            Part::Artists => &self.artists,
            Part::Window => &self.window.text,
            Part::Unit => &self.unit,
        }
    }
}

/// What the text of a change is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The tally, ranking, record or claim.
    Name,
    /// The chart.
    Chart,
    /// The region.
    Region,
    /// What the entity is.
    Kind,
    /// The entity's id.
    Id,
    /// Its name.
    Entity,
    /// Its artist cell.
    Artists,
    /// The window.
    Window,
    /// What the values count.
    Unit,
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
