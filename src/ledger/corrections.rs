//! What later exports changed in what earlier ones said.

use std::collections::{BTreeMap, BTreeSet};

use super::merge::track_codes;
use super::month::Observation;
use super::settle::{Loss, Settled};
use super::{Ledger, MonthKey};
use crate::dates::Day;
use crate::error::Result;

/// A track on one date of a chart of which an export says something else than what counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The chart.
    pub chart: String,
    /// Code of the region.
    pub region: u16,
    /// The date.
    pub day: Day,
    /// Code of the listing: the one that counts, or else the one that does not.
    pub listing: u32,
    /// Code of the export that does not count there.
    pub was_export: u32,
    /// Its row; `None` if the track is new.
    pub was: Option<Observation>,
    /// The row that counts; `None` if the track is gone.
    pub now: Option<Observation>,
}

impl Ledger {
    /// Every difference between the rows that count and those that were superseded, up to a date.
    ///
    /// # Errors
    /// [`crate::error::Error::Read`], [`crate::error::Error::Damaged`].
    pub fn corrections(&self, until: Option<Day>) -> Result<Vec<Correction>> {
        let mut corrections = Vec::new();
        let mut tracks: Option<Vec<u32>> = None;
        for key in self.state.lost.keys() {
            if until.is_some_and(|until| key.month > until.month()) {
                continue;
            }
            let settled = self.read_settled(key)?;
            if settled.lost.iter().any(|(_, loss)| *loss != Loss::Duplicate) {
                let tracks = tracks.get_or_insert_with(|| track_codes(&self.state.listings));
                corrections.extend(differences(key, &settled, tracks));
            }
        }
        corrections.retain(|of| until.is_none_or(|until| of.day <= until));
        Ok(corrections)
    }
}

fn differences(key: &MonthKey, settled: &Settled, tracks: &[u32]) -> Vec<Correction> {
    let track = |row: &Observation| tracks.get(row.listing as usize).copied();
    let slice = |row: &Observation| (row.region, row.day, row.export);
    let superseded = settled.lost.iter().filter(|(_, loss)| *loss != Loss::Duplicate);
    let superseded: BTreeSet<_> = superseded.map(|(row, _)| slice(row)).collect();
    let mut slices: BTreeMap<(u16, Day, u32), BTreeMap<u32, Observation>> = BTreeMap::new();
    // What a superseded export has in common with the one that counts is not lost on it either.
    for (row, _) in settled.lost.iter().filter(|(row, _)| superseded.contains(&slice(row))) {
        if let Some(track) = track(row) {
            note(slices.entry(slice(row)).or_default(), track, row);
        }
    }
    let mut changes = Vec::new();
    for ((region, day, was_export), was) in slices {
        let from = settled.kept.partition_point(|row| (row.region, row.day) < (region, day));
        let slice = settled.kept.iter().skip(from).take_while(|row| (row.region, row.day) == (region, day));
        let mut now = BTreeMap::new();
        for row in slice {
            if let Some(track) = track(row) {
                note(&mut now, track, row);
            }
        }
        let either: BTreeSet<u32> = was.keys().chain(now.keys()).copied().collect();
        for track in either {
            let (was, now) = (was.get(&track).copied(), now.get(&track).copied());
            let said = |row: Observation| (row.rank, row.streams);
            let Some(listing) = now.or(was).map(|row| row.listing) else { continue };
            if was.map(said) != now.map(said) {
                changes.push(Correction {
                    chart: key.chart.clone(),
                    region,
                    day,
                    listing,
                    was_export,
                    was,
                    now,
                });
            }
        }
    }
    changes
}

/// Keeps the better row of a track that is listed twice.
fn note(rows: &mut BTreeMap<u32, Observation>, track: u32, row: &Observation) {
    let kept = rows.entry(track).or_insert(*row);
    if (row.rank, row.line) < (kept.rank, kept.line) {
        *kept = *row;
    }
}
