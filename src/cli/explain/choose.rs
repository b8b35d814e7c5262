//! Which published row the flags mean.

use chartledger::dates::Day;
use chartledger::error::Error;
use chartledger::pipeline::Plan;
use chartledger::publish;
use chartledger::tables::{Contract, totals};
use polars::prelude::*;

use super::super::nearest::did_you_mean;
use super::super::text;
use super::ExplainArgs;

/// How many rows are offered to choose from.
const OFFERED: usize = 20;

/// The columns that tell figures apart, in the order in which the flags are named; with the
/// threshold they are the key of a row.
const KEY: [&str; 5] = ["entity_id", "tally", "chart", "region", "window"];

/// The row to explain.
pub struct Chosen {
    /// Its place in the table.
    pub row: usize,
    /// What else there was to choose.
    pub note: Option<String>,
}

/// The columns of the table that are looked at.
struct Columns {
    key: [StringChunked; 5],
    names: StringChunked,
    /// The threshold of a milestone, the streams of a total.
    number: Int64Chunked,
    /// The date of a milestone, the last date of a total.
    day: Int32Chunked,
}

impl Columns {
    fn new(frame: &DataFrame, total: bool) -> PolarsResult<Self> {
        let text = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.str()?.clone());
        let [id, tally, chart, region, window] = KEY;
        let (number, day) = if total { ("streams", "last_on") } else { ("threshold", "reached_on") };
        Ok(Self {
            key: [text(id)?, text(tally)?, text(chart)?, text(region)?, text(window)?],
            names: text("entity")?,
            number: frame.column(number)?.i64()?.clone(),
            day: frame.column(day)?.date()?.physical().clone(),
        })
    }

    fn key(&self, row: usize) -> [&str; 5] {
        [0, 1, 2, 3, 4].map(|column: usize| self.key[column].get(row).unwrap_or_default())
    }

    fn number(&self, row: usize) -> i64 {
        self.number.get(row).unwrap_or_default()
    }

    fn day(&self, row: usize) -> Day {
        let day = self.day.get(row).and_then(|days| u16::try_from(days).ok());
        day.map(Day).unwrap_or_default()
    }

    /// The rows of an entity: those with this very id, or else with this id or name in any case.
    fn of_entity(&self, wanted: &str) -> Vec<usize> {
        let rows = || 0..self.names.len();
        let exact: Vec<usize> = rows().filter(|&row| self.key[0].get(row) == Some(wanted)).collect();
        if !exact.is_empty() {
            return exact;
        }
        let lower = wanted.to_lowercase();
        let is_wanted = |name: Option<&str>| name.is_some_and(|name| name.to_lowercase() == lower);
        rows().filter(|&row| is_wanted(self.names.get(row)) || is_wanted(self.key[0].get(row))).collect()
    }
}

/// Finds the row.
///
/// # Errors
/// [`Error::Usage`] if no row fits, with those that are there, or if several do and the flags do
/// not say which.
pub fn choose(
    args: &ExplainArgs,
    plan: &Plan,
    contract: &Contract,
    frame: &DataFrame,
) -> Result<Chosen, Error> {
    let columns = Columns::new(frame, args.total)?;
    let mut rows = columns.of_entity(&args.entity);
    if rows.is_empty() {
        return Err(nobody(args, plan, contract)?);
    }
    let name = name_of(&columns, &rows, &args.entity);
    let flags = [(1, "tally", &args.tally), (2, "chart", &args.chart), (3, "region", &args.region)];
    for (column, flag, wanted) in flags.into_iter().chain([(4, "window", &args.window)]) {
        let Some(wanted) = wanted else { continue };
        let there = rows.clone();
        rows.retain(|&row| columns.key(row)[column] == wanted);
        if rows.is_empty() {
            let mut values: Vec<&str> = there.iter().map(|&row| columns.key(row)[column]).collect();
            values.sort_unstable();
            values.dedup();
            let values: Vec<String> =
                values.iter().map(|value| text::printable(value).into_owned()).collect();
            return Err(Error::Usage(format!(
                "{name} has nothing in {} with --{flag} {}; there is {}",
                contract.name,
                text::printable(wanted),
                values.join(", ")
            )));
        }
    }
    if let Some(wanted) = args.threshold {
        let there = rows.clone();
        rows.retain(|&row| columns.number(row) == wanted);
        if rows.is_empty() {
            let mut values: Vec<i64> = there.iter().map(|&row| columns.number(row)).collect();
            values.sort_unstable();
            values.dedup();
            let values: Vec<String> = values.iter().map(i64::to_string).collect();
            return Err(Error::Usage(format!(
                "{name} has no milestone at {wanted}; there is one at {}; --total explains the sum so far",
                values.join(", ")
            )));
        }
    }

    // Rows are sorted by their key, the threshold last.
    let figures: Vec<&[usize]> = rows.chunk_by(|&a, &b| columns.key(a) == columns.key(b)).collect();
    let [figure] = figures[..] else { return Err(ambiguous(args, &columns, &figures)) };
    let Some((&highest, lower)) = figure.split_last() else {
        return Err(nobody(args, plan, contract)?);
    };
    let note = (!lower.is_empty()).then(|| {
        let others: Vec<String> = lower.iter().map(|&row| columns.number(row).to_string()).collect();
        format!("this is the highest threshold reached; --threshold takes another: {}", others.join(", "))
    });
    Ok(Chosen { row: highest, note })
}

/// The name to speak of: that of the rows if they share one.
fn name_of(columns: &Columns, rows: &[usize], wanted: &str) -> String {
    let first = rows.first().and_then(|&row| columns.names.get(row)).unwrap_or(wanted);
    let one = rows.iter().all(|&row| columns.names.get(row) == Some(first));
    text::printable(if one { first } else { wanted }).into_owned()
}

/// The error for an entity without a row.
fn nobody(args: &ExplainArgs, plan: &Plan, contract: &Contract) -> Result<Error, Error> {
    let frame = publish::read(&plan.out, &totals::CONTRACT)?;
    let columns = Columns::new(&frame, true)?;
    let rows = columns.of_entity(&args.entity);
    if !rows.is_empty() && !args.total {
        let name = name_of(&columns, &rows, &args.entity);
        return Ok(Error::Usage(format!(
            "{name} has reached no threshold yet; --total explains the sum so far"
        )));
    }
    let names = columns.names.iter().flatten().chain(columns.key[0].iter().flatten());
    let meant = did_you_mean(names, &args.entity, "`chartledger show totals` lists everybody");
    let wanted = text::printable(&args.entity);
    Ok(Error::Usage(format!("nobody in {} is called `{wanted}`; {meant}", contract.name)))
}

/// The error for flags that leave several figures, with the flags that choose each.
fn ambiguous(args: &ExplainArgs, columns: &Columns, figures: &[&[usize]]) -> Error {
    let keys: Vec<[&str; 5]> =
        figures.iter().filter_map(|rows| rows.last()).map(|&row| columns.key(row)).collect();
    let differ: Vec<usize> =
        (0..KEY.len()).filter(|&column| keys.iter().any(|key| key[column] != keys[0][column])).collect();
    let flag = |column: usize| if column == 0 { "entity" } else { KEY[column] };
    let flags: Vec<String> = differ.iter().map(|&column| format!("--{}", flag(column))).collect();
    let mut lines = vec![format!(
        "{} {} of {} fit; choose one with {}:",
        keys.len(),
        if args.total { "totals" } else { "series of milestones" },
        text::printable(&args.entity),
        flags.join(", ")
    )];
    for (rows, key) in figures.iter().zip(&keys).take(OFFERED) {
        let chosen: Vec<String> =
            differ.iter().map(|&column| format!("--{} {}", flag(column), quoted(key[column]))).collect();
        let Some(&last) = rows.last() else { continue };
        let (number, on) = (text::thousands(columns.number(last)), columns.day(last));
        let what = match (args.total, rows.len()) {
            (true, _) => format!("{number} up to {on}"),
            (false, 1) => format!("{number} on {on}"),
            (false, count) => format!("{count} thresholds, the highest {number} on {on}"),
        };
        lines.push(format!("  {}   ({what})", chosen.join(" ")));
    }
    if keys.len() > OFFERED {
        lines.push(format!("  and {} more", keys.len() - OFFERED));
    }
    Error::Usage(lines.join("\n"))
}

/// A value as a shell takes it.
fn quoted(value: &str) -> String {
    let value = text::printable(value);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
    if value.chars().all(plain) { value.into_owned() } else { format!("'{}'", value.replace('\'', "'\\''")) }
}
