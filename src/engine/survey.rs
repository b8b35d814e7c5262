//! The survey on a cluster: scopes, dates, and when each listing was seen. One row for each chart,
//! region and date comes back, and one for each listing and source.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::cluster::{Cluster, Columns, Pace, Relation};
use super::input::Input;
use super::{relations, sql};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::tally::{ScopeSeen, Seen, Stray, Surveyed};

/// A chart of fewer rows may repeat itself by chance; the same as in the fold's survey.
const STALE_ROWS: u32 = 10;
/// Ten to the nineteenth: more than streams can be.
const RANKS_APART: i128 = 10_000_000_000_000_000_000;

/// What the survey found.
pub struct Surveying {
    /// Scopes, calendars, sightings.
    pub surveyed: Surveyed,
    /// The number of each scope in the rows on the cluster.
    pub numbers: Vec<i64>,
    /// How many rows there are.
    pub rows: u64,
}

/// A chart and a region on one date.
struct Slice {
    scope: i64,
    rows: u32,
    streams: String,
    seen: Seen,
    counter: bool,
    has_streams: bool,
}

/// Surveys the view `cl_rows`.
///
/// # Errors
/// [`Error::Input`] if there is nothing, and those of the cluster.
pub fn survey(cluster: &mut Cluster, input: &Input, pace: &mut dyn FnMut(Pace)) -> Result<Surveying> {
    let answer = cluster.collect("looking through the dates", &sql::slices(), pace)?;
    let mut slices = (0..answer.height())
        .map(|row| slice(&answer, row, input).ok_or_else(|| broken("a date of a chart")))
        .collect::<Result<Vec<Slice>>>()?;
    slices.sort_by_key(|slice| (slice.scope, slice.seen.day));
    if slices.is_empty() {
        return Err(Error::Input(format!("no rows in {}", input.what)));
    }
    let rows = slices.iter().map(|slice| u64::from(slice.rows)).sum();
    cluster.send("cl_tracks", &relations::tracks(&input.listings))?;
    mark_copies(cluster, &mut slices, pace)?;

    let mut scopes: BTreeMap<(String, String), (i64, ScopeSeen)> = BTreeMap::new();
    for slice in slices {
        let (chart, region) =
            input.scopes.get(&slice.scope).ok_or_else(|| broken("an unknown scope"))?.clone();
        let (_, seen) = scopes
            .entry((chart.clone(), region.clone()))
            .or_insert_with(|| (slice.scope, ScopeSeen { chart, region, ..ScopeSeen::default() }));
        seen.counter |= slice.counter;
        seen.has_streams |= slice.has_streams;
        seen.dates.push(slice.seen);
    }
    let (numbers, seen): (Vec<i64>, Vec<ScopeSeen>) = scopes.into_values().unzip();
    let of_each = seen.iter().map(|scope| (&scope.chart[..], &scope.region[..], &scope.dates[..]));
    if let Some(stray) = Stray::of(of_each) {
        return Err(Error::Audit(stray.to_string()));
    }
    let mut sources: Vec<String> = Vec::new();
    let of_scope = seen.iter().zip(&numbers).map(|(scope, &number)| {
        let name = scope.chart.split(':').next().unwrap_or_default();
        let source = sources.iter().position(|known| known == name).unwrap_or_else(|| {
            sources.push(name.to_owned());
            sources.len() - 1
        });
        [number, source as i64]
    });
    let of_scope: Vec<[i64; 2]> = of_scope.collect();
    cluster.send("cl_sources", &Relation::of_numbers(["scope", "source"], of_scope.into_iter()))?;
    let answer = cluster.collect("looking through the tracks", &sql::sightings(), pace)?;
    let mut sightings: Vec<Option<(Day, Day)>> = vec![None; input.listings.len()];
    let mut listed_by = vec![0u32; input.listings.len()];
    for row in 0..answer.height() {
        let sighting = || {
            let listing = usize::try_from(answer.number(0, row)?).ok()?;
            let source = usize::try_from(answer.number(1, row)?).ok()?;
            Some((listing, source, day(&answer, 2, row)?, day(&answer, 3, row)?))
        };
        let (listing, source, first, last) = sighting().ok_or_else(|| broken("a listing"))?;
        let (Some(seen), Some(by)) = (sightings.get_mut(listing), listed_by.get_mut(listing)) else {
            return Err(broken("an unknown listing"));
        };
        let (from, until) = seen.unwrap_or((first, last));
        *seen = Some((from.min(first), until.max(last)));
        *by |= crate::tally::source_bit(source);
    }
    Ok(Surveying { surveyed: Surveyed::of(seen, sightings, sources, listed_by), numbers, rows })
}

fn slice(answer: &Columns, row: usize, input: &Input) -> Option<Slice> {
    let scope = answer.number(0, row)?;
    let day = day(answer, 1, row)?;
    let rows = u32::try_from(answer.number(2, row)?).ok()?;
    let (most, ranks) = (answer.number(3, row)?, answer.number(4, row)?);
    let cutoff = answer.text(5, row)?.parse::<i128>().ok()?.rem_euclid(RANKS_APART);
    let seen = Seen {
        day,
        rows,
        cutoff: i64::try_from(cutoff).ok()?,
        rank_gap: ranks < most,
        stale: false,
        conflict: input.conflicts.contains(&(scope, day)),
    };
    let streams = answer.text(6, row)?.to_owned();
    let is = |column: usize| Some(answer.number(column, row)? != 0);
    Some(Slice { scope, rows, streams, seen, counter: is(7)?, has_streams: is(8)? })
}

/// Marks the dates that repeat the one before. Their sums tell nearly all apart; the rows of those
/// that agree are compared on the cluster.
fn mark_copies(cluster: &mut Cluster, slices: &mut [Slice], pace: &mut dyn FnMut(Pace)) -> Result<()> {
    let candidates: Vec<usize> = (1..slices.len())
        .filter(|&at| {
            let (before, this) = (&slices[at - 1], &slices[at]);
            this.scope == before.scope
                && this.rows >= STALE_ROWS
                && (this.rows, &this.streams) == (before.rows, &before.streams)
        })
        .collect();
    if candidates.is_empty() {
        return Ok(());
    }
    let date = |pair: usize, of: usize, sign: i64| {
        [pair as i64, slices[of].scope, i64::from(slices[of].seen.day.0), sign]
    };
    let pairs: Vec<[i64; 4]> =
        candidates.iter().flat_map(|&at| [date(at, at, 1), date(at, at - 1, -1)]).collect();
    cluster.send("cl_pairs", &Relation::of_numbers(["pair", "scope", "day", "sign"], pairs.into_iter()))?;
    let answer = cluster.collect("comparing dates", &sql::different(), pace)?;
    let different: HashSet<i64> = (0..answer.height()).filter_map(|row| answer.number(0, row)).collect();
    for at in candidates {
        if !different.contains(&(at as i64)) {
            slices[at].seen.stale = true;
        }
    }
    Ok(())
}

fn day(answer: &Columns, column: usize, row: usize) -> Option<Day> {
    u16::try_from(answer.number(column, row)?).ok().map(Day)
}

fn broken(what: &str) -> Error {
    Error::Audit(format!("the cluster answered with {what} that makes no sense"))
}

/// The index of each scope by its number on the cluster.
pub fn places(surveying: &Surveying) -> HashMap<i64, u32> {
    surveying.numbers.iter().enumerate().map(|(place, &number)| (number, place as u32)).collect()
}
