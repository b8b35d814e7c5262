//! Which rows count where several speak of the same chart, region and date.

use std::collections::HashSet;

use super::losses::{self, Losing};
use super::month::Observation;
use super::policy::Precedence;
use crate::dates::Day;

/// The rows of a month, told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The rows that count, sorted by region, date, rank, listing.
    pub kept: Vec<Observation>,
    /// The rows that do not. They stay in the ledger, so that what counts never depends on the
    /// order in which exports arrived.
    pub lost: Vec<(Observation, Loss)>,
}

impl Settled {
    /// The dates of which exports contradict each other, by the code of the region.
    pub fn conflicts(&self) -> HashSet<(u16, Day)> {
        conflicts(&self.lost)
    }
}

/// The dates of which exports contradict each other, from the rows that do not count.
pub(super) fn conflicts(lost: &[(Observation, Loss)]) -> HashSet<(u16, Day)> {
    let superseded = lost.iter().filter(|(_, loss)| matches!(loss, Loss::Superseded | Loss::Withheld));
    superseded.map(|(row, _)| (row.region, row.day)).collect()
}

/// Why a row does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It repeats a row that counts.
    Duplicate,
    /// An export that prevails contradicts it.
    Superseded,
    /// Its file has been corrected; it never counts again.
    Replaced,
    /// Its export would leave too few rows of the slice, and takes no part in it.
    Withheld,
}

/// Decides between the rows of each slice (region and day) and sorts what stays by region, date,
/// rank, listing.
///
/// The rule is stated in docs/definitions.md: rows that repeat one are duplicates; exports are
/// taken in the order of their places, and what a later one adds counts unless it contradicts; an
/// export that would lose too much is withheld. Says which exports lose much, withheld or allowed.
pub(super) fn settle(
    rows: Vec<Observation>,
    tracks: &[u32],
    precedence: &Precedence,
) -> (Settled, Vec<Losing>) {
    settle_by_region(by_region(rows), tracks, precedence)
}

/// The same for rows that come by region.
pub(super) fn settle_by_region(
    mut rows: Vec<Observation>,
    tracks: &[u32],
    precedence: &Precedence,
) -> (Settled, Vec<Losing>) {
    let order = |row: &Observation| (row.day, row.rank, row.listing, row.streams, row.line);
    let is_disputed =
        |a: &Observation, b: &Observation| a.day == b.day && (a.export != b.export || is_repeated(a, b));
    let mut disputed = false;
    // One region after the other: its rows stay in the cache for both looks at them.
    for region in rows.chunk_by_mut(|a, b| a.region == b.region) {
        // Exports are sorted as they come, so most regions are in order already.
        if !region.is_sorted_by_key(order) {
            region.sort_by_key(order);
        }
        disputed |= region.array_windows().any(|[a, b]| is_disputed(a, b));
    }
    if !disputed {
        return (Settled { kept: rows, lost: Vec::new() }, Vec::new());
    }
    let mut settled = Settled { kept: Vec::with_capacity(rows.len()), lost: Vec::new() };
    let mut losing = Vec::new();
    for slice in rows.chunk_by(|a, b| (a.region, a.day) == (b.region, b.day)) {
        let export = slice[0].export;
        if slice.iter().all(|row| row.export == export) {
            keep_distinct(slice, &mut settled.kept, &mut settled.lost);
        } else {
            let from = settled.kept.len();
            losing.extend(settle_slice(slice, tracks, precedence, &mut settled));
            settled.kept[from..].sort_by_key(order);
        }
    }
    (settled, losing)
}

/// The rows by region, otherwise in the order they had.
fn by_region(rows: Vec<Observation>) -> Vec<Observation> {
    if rows.is_sorted_by_key(|row| row.region) {
        return rows;
    }
    let mut counts = Vec::new();
    for same in rows.chunk_by(|a, b| a.region == b.region) {
        count(&mut counts, same[0].region, same.len());
    }
    let mut next = starts(&counts);
    let mut sorted = rows.clone();
    for row in rows {
        let place = &mut next[usize::from(row.region)];
        sorted[*place] = row;
        *place += 1;
    }
    sorted
}

/// Counts more rows of a region.
pub(super) fn count(counts: &mut Vec<usize>, region: u16, rows: usize) {
    let region = usize::from(region);
    if region >= counts.len() {
        counts.resize(region + 1, 0);
    }
    counts[region] += rows;
}

/// Where the rows of each region begin, if there are so many of each.
pub(super) fn starts(counts: &[usize]) -> Vec<usize> {
    let before = |sum: &mut usize, count: &usize| Some(std::mem::replace(sum, *sum + count));
    counts.iter().scan(0, before).collect()
}

/// Whether two neighbours of one export are the same row.
pub(super) fn is_repeated(a: &Observation, b: &Observation) -> bool {
    (a.rank, a.listing, a.streams) == (b.rank, b.listing, b.streams)
}

/// Keeps one of each set of equal rows of one export.
fn keep_distinct(sorted: &[Observation], kept: &mut Vec<Observation>, lost: &mut Vec<(Observation, Loss)>) {
    for equal in sorted.chunk_by(is_repeated) {
        kept.push(equal[0]);
        lost.extend(equal[1..].iter().map(|row| (*row, Loss::Duplicate)));
    }
}

fn settle_slice(
    slice: &[Observation],
    tracks: &[u32],
    precedence: &Precedence,
    settled: &mut Settled,
) -> Vec<Losing> {
    let mut by_place: Vec<Observation> = slice.to_vec();
    by_place.sort_by_key(|row| precedence.place(row.export));
    let exports: Vec<&[Observation]> = by_place.chunk_by(|a, b| a.export == b.export).collect();
    let mut taken = take(exports.iter().copied(), tracks);
    let mut losing = Vec::new();
    if taken.lost.iter().any(|(_, loss)| *loss == Loss::Superseded) {
        losing = losses::losing(&exports, tracks, precedence);
        let is_withheld = |export: &[Observation]| {
            losing.iter().any(|of| !of.allowed && export.first().is_some_and(|row| row.export == of.export))
        };
        let (withheld, stand): (Vec<_>, Vec<_>) =
            exports.iter().copied().partition(|export| is_withheld(export));
        if !withheld.is_empty() {
            taken = take(stand.into_iter(), tracks);
            let withheld = withheld.into_iter().flatten();
            taken.lost.extend(withheld.map(|row| (*row, Loss::Withheld)));
        }
    }
    settled.kept.append(&mut taken.kept);
    settled.lost.append(&mut taken.lost);
    losing
}

/// Takes the rows of the exports of one slice, the one that prevails first. Those that count are in
/// the order in which they were taken.
pub(super) fn take<'a>(exports: impl Iterator<Item = &'a [Observation]>, tracks: &[u32]) -> Settled {
    let mut settled = Settled::default();
    let track = |row: &Observation| tracks[row.listing as usize];
    let mut taken: HashSet<(u16, u32, i64)> = HashSet::new();
    let mut ranks: HashSet<u16> = HashSet::new();
    let mut listed: HashSet<u32> = HashSet::new();
    for export in exports {
        let mut own = Vec::with_capacity(export.len());
        keep_distinct(export, &mut own, &mut settled.lost);
        let (repeated, own): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|row| taken.contains(&(row.rank, track(row), row.streams)));
        settled.lost.extend(repeated.into_iter().map(|row| (row, Loss::Duplicate)));
        if own.iter().any(|row| ranks.contains(&row.rank) || listed.contains(&track(row))) {
            settled.lost.extend(own.into_iter().map(|row| (row, Loss::Superseded)));
            continue;
        }
        for row in own {
            taken.insert((row.rank, track(&row), row.streams));
            ranks.insert(row.rank);
            listed.insert(track(&row));
            settled.kept.push(row);
        }
    }
    settled
}
