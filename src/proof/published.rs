//! A row as it was published, and how it is held against what follows from the ledger.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Proof;
use crate::dates::Day;

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Empty,
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A date.
    Day(Day),
    /// True or false.
    Flag(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("empty"),
            // Names come from exports, and this is read on a terminal.
            Self::Text(text) => write!(out, "`{}`", text.escape_debug()),
            Self::Number(number) => write!(out, "{number}"),
            Self::Day(day) => write!(out, "{day}"),
            Self::Flag(flag) => write!(out, "{flag}"),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => to.serialize_none(),
            Self::Text(text) => to.serialize_str(text),
            Self::Number(number) => to.serialize_i64(*number),
            Self::Day(day) => day.serialize(to),
            Self::Flag(flag) => to.serialize_bool(*flag),
        }
    }
}

/// What is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Figure {
    /// A row of `milestones`.
    Milestone {
        /// The threshold.
        threshold: i64,
    },
    /// A row of `totals`.
    Total,
}

impl Figure {
    /// The table that publishes it.
    pub fn table(self) -> &'static str {
        match self {
            Self::Milestone { .. } => "milestones",
            Self::Total => "totals",
        }
    }
}

/// A published row: the cells of `milestones` or `totals` by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What it says.
    pub figure: Figure,
    /// Its cells.
    pub cells: Vec<(String, Value)>,
}

impl Published {
    /// The text of a column; empty where there is none.
    pub fn text(&self, column: &str) -> &str {
        match self.cell(column) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    fn cell(&self, column: &str) -> Option<&Value> {
        self.cells.iter().find(|(name, _)| name == column).map(|(_, value)| value)
    }

    /// In which columns the published row is not the derived one.
    pub fn differences(&self, proof: &Proof) -> Vec<Difference> {
        let differs = |(column, derived): &(&'static str, Value)| match self.cell(column) {
            Some(published) if published == derived => None,
            published => Some(Difference {
                column,
                published: published.cloned().unwrap_or(Value::Empty),
                derived: derived.clone(),
            }),
        };
        proof.derived.iter().filter_map(differs).collect()
    }
}

/// A column in which the published row and the derived one differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The column.
    pub column: &'static str,
    /// What the table says.
    pub published: Value,
    /// What follows from the rows of the ledger.
    pub derived: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, published, derived } = self;
        write!(out, "{column} is {published} in the table and {derived} by the rows of the ledger")
    }
}
