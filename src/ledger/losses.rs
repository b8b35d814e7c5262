//! Exports that would leave much less of a slice than older ones give.
//!
//! Nothing here asks what was in the ledger before: which exports lose is decided by all exports of
//! the slice, so it is the same in whatever order, and in however many runs, they arrived.

use std::collections::BTreeMap;

use super::month::Observation;
use super::policy::Precedence;
use super::settle::{is_repeated, take};
use super::{ExportEntry, MonthKey};
use crate::dates::Day;

/// An export that leaves too few rows of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Losing {
    /// Code of the region.
    pub region: u16,
    /// The date.
    pub day: Day,
    /// Code of the export.
    pub export: u32,
    /// Code of the export that has the most rows without it.
    pub instead: u32,
    /// How many rows count without it.
    pub before: usize,
    /// How many would count with it.
    pub rows: usize,
    /// Whether it counts all the same.
    pub allowed: bool,
}

/// The exports of one slice that lose much; `exports` are in the order in which they prevail, each
/// with its rows in the order of the ledger.
///
/// From the oldest on, each stands if with it enough of the rows count that counted before. One that
/// loses too much is put aside and tried again with each newer one: halves of a correction lose much
/// one by one and nothing together.
pub(super) fn losing(exports: &[&[Observation]], tracks: &[u32], precedence: &Precedence) -> Vec<Losing> {
    let mut losing: Vec<Losing> = Vec::new();
    let mut seen: Vec<&[Observation]> = Vec::with_capacity(exports.len());
    let mut before = 0;
    let mut last_withheld = false;
    for &export in exports.iter().rev() {
        let Some(first) = export.first() else { continue };
        let is_withheld = |of: &[Observation], losing: &[Losing]| {
            of.first().is_some_and(|row| losing.iter().any(|loss| !loss.allowed && loss.export == row.export))
        };
        // Many downloads of one chart mostly say the same; what holds for one holds for the next.
        let again = seen.last().is_some_and(|last| {
            let may = |of: &[Observation]| of.first().is_some_and(|row| precedence.may_lose(row.export));
            same_rows(last, export) && may(last) == may(export)
        });
        if again && last_withheld {
            let of_last = losing.last().copied();
            losing.extend(of_last.map(|loss| Losing { export: first.export, ..loss }));
            seen.push(export);
            continue;
        }
        if again && losing.iter().all(|loss| loss.allowed) {
            seen.push(export);
            continue;
        }
        seen.push(export);
        last_withheld = false;
        let with_all = take(seen.iter().rev().copied(), tracks).kept.len();
        if precedence.is_enough(with_all, before) {
            losing.retain(|loss| loss.allowed);
            before = with_all;
            continue;
        }
        let standing = || seen.iter().rev().copied().filter(|of| !is_withheld(of, &losing));
        let rows = take(standing(), tracks).kept.len();
        if precedence.is_enough(rows, before) || precedence.may_lose(first.export) {
            before = rows;
            continue;
        }
        let without = take(standing().skip(1), tracks).kept;
        let loss = Losing {
            region: first.region,
            day: first.day,
            export: first.export,
            instead: most(&without),
            before,
            rows,
            allowed: precedence.allows_loss(),
        };
        losing.push(loss);
        if loss.allowed {
            before = rows;
        } else {
            last_withheld = true;
        }
    }
    losing
}

/// Whether two exports have the same rows; equal rows of one export count once.
fn same_rows(a: &[Observation], b: &[Observation]) -> bool {
    let distinct = |rows: &[Observation]| -> Vec<Observation> {
        rows.chunk_by(is_repeated).filter_map(|equal| equal.first().copied()).collect()
    };
    let (a, b) = (distinct(a), distinct(b));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| is_repeated(a, b))
}

/// The export that has the most of these rows, of several the smallest code.
fn most(rows: &[Observation]) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.export).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|&(export, rows)| (rows, std::cmp::Reverse(export)));
    most.map_or(0, |(export, _)| export)
}

/// An export that is in the ledger and does not count on some dates, because it would lose much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Its name.
    pub export: String,
    /// What is wrong with it, and the way out.
    pub problem: String,
}

const WAY_OUT: &str = "look at it, and run with --allow-loss if it is right, or take it out with \
                       `chartledger ledger forget` if it is not";

fn rows(number: u64) -> String {
    format!("{number} row{}", if number == 1 { "" } else { "s" })
}

/// What is to be said of exports that are withheld. Of those in months that a run has settled
/// (`losing`) it is said where; of the others, that they still are.
pub(super) fn withheld(
    exports: &[ExportEntry],
    regions: &[String],
    losing: &BTreeMap<MonthKey, Vec<Losing>>,
) -> Vec<Withheld> {
    let mut slices: BTreeMap<u32, Vec<(&str, Losing)>> = BTreeMap::new();
    for (key, losing) in losing {
        for &loss in losing.iter().filter(|loss| !loss.allowed) {
            slices.entry(loss.export).or_default().push((&key.chart, loss));
        }
    }
    let name = |code: u32| exports.get(code as usize).map_or("?", |export| export.name.as_str());
    let region = |code: u16| regions.get(usize::from(code)).map_or("?", String::as_str);
    let said = |(code, entry): (usize, &ExportEntry)| {
        let found = slices.get(&(code as u32)).map_or(&[][..], Vec::as_slice);
        let problem = match found.iter().min_by_key(|(chart, of)| (*chart, of.day, region(of.region))) {
            Some((chart, loss)) => {
                let more = match found.len() - 1 {
                    0 => String::new(),
                    1 => " (and on one more chart, region or date)".to_owned(),
                    more => format!(" (and on {more} more charts, regions or dates)"),
                };
                format!(
                    "on {chart} {} {} it would leave {} where {} count, most of them of {}{more}: it \
                     loses too much to replace them, and they go on counting; {WAY_OUT}",
                    region(loss.region),
                    loss.day,
                    rows(loss.rows as u64),
                    loss.before,
                    name(loss.instead),
                )
            }
            None => format!(
                "still withheld: {} that would lose too much of what they replace \
                 (they are in `show corrections`); {WAY_OUT}",
                rows(entry.withheld)
            ),
        };
        Withheld { export: entry.name.clone(), problem }
    };
    exports
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.withheld > 0 && !entry.replaced && !entry.forgotten)
        .map(said)
        .collect()
}
