//! Published tables: one file each, with its contract and how it is built.
//!
//! A contract is the schema, the grain (the unique key, by which rows are sorted) and what else
//! must hold. [`audit`] checks a frame against it before anything is published. Frames are built
//! sorted; nothing here reads or writes files.

pub mod changes;
pub mod chart_runs;
pub mod checks;
pub mod claims;
pub mod corrections;
pub mod coverage;
pub mod credits;
pub mod describe;
pub mod exports;
mod identity;
pub mod merges;
pub mod milestones;
mod order;
pub mod pace;
pub mod quarantine;
pub mod rankings;
pub mod reach;
pub mod reconciliation;
pub mod records;
mod sensitivity;
pub mod totals;

use std::cmp::Ordering;

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;
use rayon::prelude::*;

use crate::catalog::{Entities, EntityKind};
use crate::claims::Judged;
use crate::error::{Error, Result};
use crate::frame::{Column, Frame, Text, Values};
use crate::ledger::{Correction, ExportEntry, State};
use crate::pipeline::Plan;
use crate::tally::{Folded, Surveyed, TallySpec, Variant};

/// Every published table, in the order in which they are listed.
pub const ALL: [&Contract; 17] = [
    &milestones::CONTRACT,
    &totals::CONTRACT,
    &rankings::CONTRACT,
    &chart_runs::CONTRACT,
    &records::CONTRACT,
    &reach::CONTRACT,
    &pace::CONTRACT,
    &merges::CONTRACT,
    &coverage::CONTRACT,
    &checks::CONTRACT,
    &reconciliation::CONTRACT,
    &exports::CONTRACT,
    &quarantine::CONTRACT,
    &corrections::CONTRACT,
    &credits::CONTRACT,
    &claims::CONTRACT,
    &changes::CONTRACT,
];

/// What a table promises.
pub struct Contract {
    /// Its name: `<name>.parquet`.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Its columns in order.
    pub columns: &'static [Field],
    /// The unique key; rows are sorted by it, ascending.
    pub grain: &'static [&'static str],
    /// Makes the rows, sorted.
    pub build: fn(&Sources<'_>, &Orders) -> Result<Frame>,
    /// What else must hold of every frame; a sentence on what does not.
    pub holds: fn(&Frame) -> PolarsResult<Option<String>>,
}

/// A column of a contract.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether it may be empty.
    pub nullable: bool,
    /// One line on what it holds, with the unit.
    pub about: &'static str,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    String,
    /// 64-bit integer.
    Int64,
    /// Calendar date.
    Date,
    /// True or false.
    Boolean,
}

impl Kind {
    /// The polars type.
    pub fn dtype(self) -> DataType {
        match self {
            Self::String => DataType::String,
            Self::Int64 => DataType::Int64,
            Self::Date => DataType::Date,
            Self::Boolean => DataType::Boolean,
        }
    }

    /// The type's name in `schema`.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Int64 => "Int64",
            Self::Date => "Date",
            Self::Boolean => "Boolean",
        }
    }
}

/// A column that is never empty.
const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, nullable: false, about }
}

/// A column that may be empty.
const fn nullable(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, nullable: true, about }
}

/// For contracts without a rule of their own.
fn holds_always(_: &Frame) -> PolarsResult<Option<String>> {
    Ok(None)
}

/// A table, ready to publish.
pub struct Table {
    /// What it promises.
    pub contract: &'static Contract,
    /// Its rows.
    pub frame: Frame,
}

/// Everything that tables are built from.
pub struct Sources<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The ledger's state.
    pub state: &'a State,
    /// What was counted: the pipeline's tallies, then those derived from them.
    pub tallies: &'a [TallySpec],
    /// Scopes and calendars.
    pub surveyed: &'a Surveyed,
    /// Tracks, songs, artists.
    pub entities: &'a Entities,
    /// Milestones, totals, chart runs.
    pub folded: &'a Folded,
    /// What later exports changed in what earlier ones said.
    pub corrections: &'a [Correction],
    /// The verdicts on the plan's claims, in their order.
    pub judged: &'a [Judged],
}

impl Sources<'_> {
    /// Whether a tally is the pipeline's own, so that its figures are published.
    fn is_own(&self, tally: u32) -> bool {
        self.tallies.get(tally as usize).is_some_and(|tally| tally.derived.is_none())
    }

    /// Whether an export was there on the date as of which the tables are.
    fn is_listed(&self, export: &ExportEntry) -> bool {
        let first = export.days.map(|days| days.0);
        !export.forgotten && self.plan.as_of.is_none_or(|as_of| first.is_none_or(|first| first <= as_of))
    }

    /// The tally that counts otherwise for another one.
    fn derived(&self, of: usize, variant: Variant) -> Option<u32> {
        let place = self.tallies.iter().position(|tally| tally.derived == Some((of, variant)));
        place.map(|place| place as u32)
    }
}

/// Builds every table.
///
/// # Errors
/// [`Error::Frame`].
pub fn build(sources: &Sources<'_>) -> Result<Vec<Table>> {
    let orders = Orders::new(sources);
    // Each by itself: the large ones stand next to each other.
    ALL.into_par_iter()
        .with_max_len(1)
        .map(|contract| Ok(Table { contract, frame: (contract.build)(sources, &orders)? }))
        .collect()
}

/// Builds one table and checks it.
///
/// # Errors
/// [`Error::Frame`], [`Error::Audit`].
pub fn build_one(contract: &'static Contract, sources: &Sources<'_>) -> Result<Table> {
    let table = build_unchecked(contract, sources)?;
    audit(&table)?;
    Ok(table)
}

/// Builds one table; it is checked when it is published.
///
/// # Errors
/// [`Error::Frame`].
pub fn build_unchecked(contract: &'static Contract, sources: &Sources<'_>) -> Result<Table> {
    Ok(Table { contract, frame: (contract.build)(sources, &Orders::new(sources))? })
}

/// Checks a table against its contract.
///
/// # Errors
/// [`Error::Audit`] that names the table, the column and the row.
pub fn audit(table: &Table) -> Result<()> {
    let Table { contract, frame } = table;
    let fail = |problem: String| Err(Error::Audit(format!("table {}: {problem}", contract.name)));
    let names: Vec<&str> = frame.columns().iter().map(|column| column.name).collect();
    let promised: Vec<&str> = contract.columns.iter().map(|field| field.name).collect();
    if names != promised {
        return fail(format!("columns are {names:?} instead of {promised:?}"));
    }
    for (column, field) in frame.columns().iter().zip(contract.columns) {
        if column.dtype() != field.kind.dtype() {
            return fail(format!("{} is {} instead of {}", field.name, column.dtype(), field.kind.word()));
        }
        if !field.nullable && column.null_count() > 0 {
            return fail(format!("{} has {} empty cells", field.name, column.null_count()));
        }
    }
    let keys: Vec<Key<'_>> =
        contract.grain.iter().map(|name| Key::of(frame, name)).collect::<PolarsResult<_>>()?;
    let broken = (1..frame.height()).into_par_iter().find_map_first(|row| {
        let order = keys
            .iter()
            .map(|key| key.compare(row - 1, row))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal);
        (order != Ordering::Less).then_some((row, order))
    });
    match broken {
        Some((row, Ordering::Equal)) => {
            return fail(format!("rows {} and {row} have the same key {:?}", row - 1, contract.grain));
        }
        Some((row, _)) => return fail(format!("row {row} is not in the order of {:?}", contract.grain)),
        None => {}
    }
    match (contract.holds)(frame)? {
        Some(problem) => fail(problem),
        None => Ok(()),
    }
}

/// A key column that can be compared row by row.
enum Key<'a> {
    /// The text, and the place of each of its words in their order.
    Text(&'a Text, Vec<u32>),
    Number(&'a PrimitiveArray<i64>),
    Day(&'a PrimitiveArray<i32>),
}

impl<'a> Key<'a> {
    fn of(frame: &'a Frame, name: &str) -> PolarsResult<Self> {
        Ok(match &frame.column(name)?.values {
            Values::Text(text) => Self::Text(text, places(&text.words().collect::<Vec<_>>())),
            Values::Int64(values) => Self::Number(values),
            Values::Int32(values) | Values::Date(values) => Self::Day(values),
            Values::Boolean(_) | Values::Spelled(_) => {
                return Err(PolarsError::SchemaMismatch(format!("{name} is no key").into()));
            }
        })
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Text(text, places) => {
                let (a, b) = (text.code(a), text.code(b));
                let place = |code: Option<u32>| places.get(code? as usize);
                // Rows are sorted, so most have the word of the row above.
                if a == b { Ordering::Equal } else { place(a).cmp(&place(b)) }
            }
            Self::Number(column) => column.get(a).cmp(&column.get(b)),
            Self::Day(column) => column.get(a).cmp(&column.get(b)),
        }
    }
}

/// Places in the order of names, so that rows are sorted by numbers.
pub struct Orders {
    tallies: Vec<u32>,
    entities: [Vec<u32>; 4],
}

impl Orders {
    fn new(sources: &Sources<'_>) -> Self {
        let names = |kind: EntityKind| {
            places(&sources.entities.of(kind).iter().map(|entity| entity.id.as_str()).collect::<Vec<_>>())
        };
        Self {
            tallies: places(&sources.tallies.iter().map(|tally| tally.name.as_str()).collect::<Vec<_>>()),
            entities: EntityKind::ALL.map(names),
        }
    }

    fn entity(&self, kind: EntityKind, code: u32) -> u32 {
        self.entities[kind as usize].get(code as usize).copied().unwrap_or(code)
    }
}

/// Columns, each made by a thread that is free.
fn side_by_side(columns: &[&(dyn Fn() -> Column + Sync)]) -> Vec<Column> {
    columns.par_iter().with_max_len(1).map(|make| make()).collect()
}

/// Rows in the order of their keys, which differ: only keys are moved, and large rows stay.
fn in_order<'a, R: Sync, K: Ord + Copy + Send>(
    rows: impl Iterator<Item = &'a R>,
    key: impl Fn(&R) -> K,
) -> Vec<&'a R> {
    let mut keys: Vec<(K, &R)> = rows.map(|row| (key(row), row)).collect();
    keys.par_sort_unstable_by_key(|(key, _)| *key);
    keys.into_iter().map(|(_, row)| row).collect()
}

/// For each name its place in the sorted order.
pub fn places(names: &[&str]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..names.len() as u32).collect();
    order.par_sort_unstable_by_key(|&at| names[at as usize]);
    let mut places = vec![0; names.len()];
    for (place, at) in order.into_iter().enumerate() {
        places[at as usize] = place as u32;
    }
    places
}
