//! Which rows of a table are shown, and in which order.

use std::cmp::Ordering;

use chartledger::dates::Day;
use chartledger::error::Error;
use chartledger::pipeline::Plan;
use clap::Args;
use polars::prelude::*;

use super::nearest::did_you_mean;
use super::text;

/// Where the names of entities are.
const NAMES: [&str; 3] = ["entity_id", "song_id", "entity"];
/// The date of a row, whichever of these its table has.
const DATES: [&str; 4] = ["reached_on", "date", "after_on", "last_on"];

/// What rows can be chosen by.
#[derive(Args)]
#[command(next_help_heading = "Rows")]
pub struct RowsArgs {
    /// Only this entity: its id, its name, or another name that the catalog has for an artist
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    /// Only what this artist is credited for
    #[arg(long, value_name = "NAME")]
    artist: Option<String>,
    /// Only this chart, such as spotify:daily
    #[arg(long)]
    chart: Option<String>,
    /// Only this region
    #[arg(long)]
    region: Option<String>,
    /// Only this tally
    #[arg(long)]
    tally: Option<String>,
    /// Only this ranking
    #[arg(long)]
    ranking: Option<String>,
    /// Only this window: all, 2023, 2023-07
    #[arg(long)]
    window: Option<String>,
    /// Only this threshold
    #[arg(long, value_name = "STREAMS")]
    threshold: Option<i64>,
    /// Only from this date on
    #[arg(long, value_name = "DATE")]
    since: Option<Day>,
    /// Only until this date
    #[arg(long, value_name = "DATE")]
    until: Option<Day>,
    /// Only where a column is as stated: COLUMN=VALUE, or with !=, <, <=, >, >=
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<Condition>,
    /// In the order of these columns
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    sort: Vec<String>,
    /// The largest or latest first
    #[arg(long, requires = "sort")]
    desc: bool,
    /// At most this many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// What must be true of a column.
#[derive(Clone, Debug)]
struct Condition {
    column: String,
    operator: &'static str,
    value: String,
}

impl std::str::FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The longer ones first: `<` begins `<=`.
        let operators = ["!=", "<=", ">=", "=", "<", ">"];
        let found = operators.into_iter().filter_map(|operator| Some((text.find(operator)?, operator)));
        let Some((at, operator)) = found.min_by_key(|(at, operator)| (*at, 2 - operator.len())) else {
            return Err("it has none of =, !=, <, <=, >, >=; such as streams>=1000000".to_owned());
        };
        let (column, value) = text.split_at(at);
        let value = value.get(operator.len()..).unwrap_or_default();
        Ok(Self { column: column.trim().to_owned(), operator, value: value.trim().to_owned() })
    }
}

impl Condition {
    /// Whether a cell fulfils it; an empty cell fulfils `COLUMN=` alone.
    fn holds(&self, order: Option<Ordering>) -> bool {
        match (self.operator, order) {
            ("!=", order) => order != Some(Ordering::Equal),
            (_, None) => false,
            ("=", Some(order)) => order.is_eq(),
            ("<", Some(order)) => order.is_lt(),
            ("<=", Some(order)) => order.is_le(),
            (">", Some(order)) => order.is_gt(),
            (_, Some(order)) => order.is_ge(),
        }
    }

    fn mask(&self, table: &str, frame: &DataFrame) -> anyhow::Result<BooleanChunked> {
        let (name, wanted) = (&self.column, self.value.as_str());
        let column = column(table, frame, name)?;
        let refused = |what: &str| {
            Error::Usage(format!(
                "--where {name}: {name} is {what}, and `{}` is not",
                text::printable(wanted)
            ))
        };
        if wanted.is_empty() {
            let equal = |row| if cell(column, row).is_none() { Some(Ordering::Equal) } else { None };
            return Ok((0..frame.height()).map(|row| self.holds(equal(row))).collect());
        }
        Ok(match column.dtype() {
            DataType::Int64 => {
                let number: i64 = wanted.replace(['_', ','], "").parse().map_err(|_| refused("a number"))?;
                column.i64()?.iter().map(|value| self.holds(value.map(|value| value.cmp(&number)))).collect()
            }
            DataType::Date => {
                let day: Day = wanted.parse().map_err(|_| refused("a date such as 2024-03-20"))?;
                let days = column.date()?.physical();
                days.iter().map(|value| self.holds(value.map(|value| value.cmp(&i32::from(day.0))))).collect()
            }
            DataType::Boolean => {
                let wanted: bool = wanted.parse().map_err(|_| refused("true or false"))?;
                column.bool()?.iter().map(|value| self.holds(value.map(|value| value.cmp(&wanted)))).collect()
            }
            _ => {
                let lower = wanted.to_lowercase();
                let order = |value: &str| value.to_lowercase().cmp(&lower);
                let mask: BooleanChunked =
                    column.str()?.iter().map(|value| self.holds(value.map(order))).collect();
                if self.operator == "=" && !mask.any() {
                    unknown(wanted, column.str()?.iter().flatten());
                }
                mask
            }
        })
    }
}

impl RowsArgs {
    /// The rows of a table that are asked for.
    ///
    /// # Errors
    /// [`Error::Usage`] for a column that the table does not have, or a value that it cannot have.
    pub fn choose(&self, table: &str, plan: &Plan, mut frame: DataFrame) -> anyhow::Result<DataFrame> {
        let exact = [
            ("chart", &self.chart),
            ("region", &self.region),
            ("tally", &self.tally),
            ("ranking", &self.ranking),
            ("window", &self.window),
        ];
        for (column, wanted) in exact {
            if let Some(wanted) = wanted {
                frame = keep(table, &frame, &[column], wanted, |value| value == wanted)?;
            }
        }
        let called = |wanted: &str| -> Vec<String> {
            let also = plan.catalog.also_called(wanted);
            also.into_iter().chain([wanted]).map(str::to_lowercase).collect()
        };
        if let Some(wanted) = &self.entity {
            let names = called(wanted);
            frame = keep(table, &frame, &NAMES, wanted, |value| names.contains(&value.to_lowercase()))?;
        }
        if let Some(wanted) = &self.artist {
            let names = called(wanted);
            let mut columns = vec!["artists", "artist_cell", "artist_id", "artist"];
            let kinds = frame.column("entity_kind").and_then(|kinds| Ok(kinds.str()?.clone()));
            if kinds.is_ok_and(|kinds| kinds.iter().flatten().any(|kind| kind == "artist")) {
                columns.extend(["entity_id", "entity"]);
            }
            let credits = |cell: &str| {
                let cell = format!(", {}, ", cell.to_lowercase());
                names.iter().any(|name| cell.contains(&format!(", {name}, ")))
            };
            frame = keep(table, &frame, &columns, wanted, credits)?;
        }
        if let Some(wanted) = self.threshold {
            let thresholds = column(table, &frame, "threshold")?.i64()?.clone();
            let mask: BooleanChunked = thresholds.iter().map(|value| value == Some(wanted)).collect();
            if !mask.any() && frame.height() > 0 {
                let mut there: Vec<i64> = thresholds.iter().flatten().collect();
                there.sort_unstable();
                there.dedup();
                let there: Vec<String> = there.into_iter().take(20).map(|value| value.to_string()).collect();
                tracing::warn!("no row has the threshold {wanted}; there is {}", there.join(", "));
            }
            frame = frame.filter(&mask)?;
        }
        for (day, later) in [(self.since, true), (self.until, false)] {
            let Some(day) = day else { continue };
            let dates = DATES.iter().find_map(|name| frame.column(name).ok()?.date().ok().cloned());
            let dates = dates.ok_or_else(|| Error::Usage(format!("table {table} has no date to go by")))?;
            let is = |value: i32| if later { value >= i32::from(day.0) } else { value <= i32::from(day.0) };
            let mask: BooleanChunked = dates.physical().iter().map(|value| value.is_some_and(is)).collect();
            frame = frame.filter(&mask)?;
        }
        for condition in &self.conditions {
            frame = frame.filter(&condition.mask(table, &frame)?)?;
        }
        if !self.sort.is_empty() {
            for name in &self.sort {
                column(table, &frame, name)?;
            }
            let how = SortMultipleOptions::default().with_order_descending(self.desc);
            frame = frame.sort(&self.sort, how.with_nulls_last(true).with_maintain_order(true))?;
        }
        Ok(self.limit.map_or(frame.clone(), |limit| frame.head(Some(limit))))
    }
}

fn cell(column: &Column, row: usize) -> Option<String> {
    column.get(row).ok().and_then(|value| text::plain(&value))
}

/// The rows in which one of `columns`, as far as the table has them, has a wanted value.
fn keep(
    table: &str,
    frame: &DataFrame,
    columns: &[&str],
    wanted: &str,
    is_wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<DataFrame> {
    let present: Vec<StringChunked> =
        columns.iter().filter_map(|name| Some(frame.column(name).ok()?.str().ok()?.clone())).collect();
    if let (true, Some(first)) = (present.is_empty(), columns.first()) {
        column(table, frame, first)?;
    }
    let mask: BooleanChunked = (0..frame.height())
        .map(|row| present.iter().any(|column| column.get(row).is_some_and(&is_wanted)))
        .collect();
    let kept = frame.filter(&mask)?;
    if kept.height() == 0 && frame.height() > 0 {
        // A name says more than the id that goes with it.
        let named = present.iter().find(|column| column.name() == "entity");
        let named = named.map_or(present.as_slice(), std::slice::from_ref);
        let cells = named.iter().flat_map(|column| column.iter().flatten());
        match columns.contains(&"artists") {
            true => unknown(wanted, cells.flat_map(|cell| cell.split(", "))),
            false => unknown(wanted, cells),
        }
    }
    Ok(kept)
}

/// Answers a name that no row has.
fn unknown<'a>(wanted: &str, there: impl IntoIterator<Item = &'a str>) {
    let meant = did_you_mean(there, wanted, "nothing in the table comes near it");
    tracing::warn!("no row has `{wanted}`; {meant}");
}

/// A column of a table.
///
/// # Errors
/// [`Error::Usage`] with the nearest names and all of them.
pub fn column<'f>(table: &str, frame: &'f DataFrame, name: &str) -> Result<&'f Column, Error> {
    frame.column(name).map_err(|_| {
        let names = || frame.columns().iter().map(|column| column.name().as_str());
        let all = names().collect::<Vec<_>>().join(", ");
        let meant = did_you_mean(names(), name, "");
        let meant = if meant.is_empty() { meant } else { format!("{meant} ") };
        Error::Usage(format!("table {table} has no column `{}`; {meant}it has {all}", text::printable(name)))
    })
}
