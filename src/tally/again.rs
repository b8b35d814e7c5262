//! Entities that are counted from the beginning once more, while all others go on.
//!
//! A new track of a known song can have had streams below the chart on every date that is counted
//! already. What the song had is as before; what the charts may have hidden of it is not, and with it
//! the bounds of its milestones and of its closed windows. Its older tracks may be counted for the
//! first time, too, by a tally of what another rule of songs tells apart. So a kept fold lets go of such
//! entities alone, and their rows of the past are added again.

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::by_listing::{ByListing, Part, Take};
use super::count::Place;
use super::counter::{Counters, Gain};
use super::month::{Date, MonthOf};
use super::scope::{Group, ScopeFold, overflow, with_streams};
use super::survey::Basis;
use super::{Fold, with_listings};
use crate::catalog::EntityKind;
use crate::error::Result;
use crate::ledger::Observation;

/// The entities of a scope that are counted from the beginning.
#[derive(Default)]
pub struct Again {
    /// Their short codes, by kind.
    entities: [FxHashSet<u32>; 4],
    /// The tracks that they are made of.
    tracks: FxHashSet<u32>,
    /// The counters of these, read once more.
    counters: Counters,
}

impl Again {
    fn of(&self, kind: EntityKind) -> &FxHashSet<u32> {
        &self.entities[kind as usize]
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.entities.iter().all(FxHashSet::is_empty)
    }
}

impl ScopeFold<'_> {
    /// Holds the spreads that were kept against those of today, and lets go of what the counts say of
    /// entities that have another one, and of those that are `new` to a tally. Records and chart runs
    /// know no bounds and keep theirs.
    pub(super) fn begin_again(&mut self, new: &[(EntityKind, u32)]) {
        let Self { setup, index, met, spreads, groups, folded, again, .. } = self;
        let mut begin = |kind: EntityKind, short: u32, code: u32| {
            again.entities[kind as usize].insert(short);
            again.tracks.extend(setup.entities.tracks_of(kind, code));
        };
        for (kind, spreads) in EntityKind::ALL.into_iter().zip(spreads) {
            for ((short, &code), kept) in (0..).zip(&met[kind as usize].codes).zip(spreads) {
                let now = setup.spread(kind, code, *index as usize);
                if now != *kept {
                    *kept = now;
                    begin(kind, short, code);
                }
            }
        }
        for &(kind, code) in new {
            if let Some(short) = met[kind as usize].known(code) {
                begin(kind, short, code);
            }
        }
        if again.is_empty() {
            return;
        }
        let is_again = |tally: u32, code: u32| {
            let kind = setup.tallies.get(tally as usize).map_or(EntityKind::Track, |spec| spec.entity);
            met[kind as usize].known(code).is_some_and(|short| again.of(kind).contains(&short))
        };
        folded.milestones.retain(|row| !is_again(row.tally, row.entity));
        folded.totals.retain(|row| !is_again(row.tally, row.entity));
        folded.points.retain(|row| !is_again(row.tally, row.entity));
        for Group { kind, counts, .. } in groups {
            for &short in again.of(*kind) {
                let Some(&code) = met[*kind as usize].codes.get(short as usize) else { continue };
                counts.iter_mut().for_each(|count| count.let_go(short, code, setup));
            }
        }
    }

    /// Adds rows of a month that was counted before, of those entities only; rows of others may be
    /// missing.
    fn rows_again(&mut self, rows: &[Observation], listings: &mut ByListing) -> Result<()> {
        let dates = self.dates(rows);
        let counter = self.scope.basis == Basis::Counter;
        let gains = counter.then(|| self.gains_again(&dates, rows)).transpose()?;
        let has_reports = self.scope.has_reports;
        let month = MonthOf { dates: &dates, rows, gains: gains.as_deref(), has_reports };
        listings.collect(month, self.setup);
        let Self { setup, calendar, scope, index, met, spreads, groups, folded, again, .. } = self;
        let place = Place { scope: *index, calendar, counter };
        let mut parts: Vec<Part> = Vec::new();
        for Group { kind, credit, counts, .. } in groups {
            let (again, met) = (again.of(*kind), &mut met[*kind as usize]);
            if again.is_empty() {
                continue;
            }
            listings.parts((*kind, *credit), Take::WithStreams, setup, met, &mut parts);
            parts.retain(|part| again.contains(&part.short));
            let known = (&*met, &spreads[*kind as usize][..]);
            for (who, mut in_month) in with_streams(*kind, (&parts, &*listings), month, known) {
                for count in counts.iter_mut() {
                    let counted = count.month(who, &mut in_month, place, setup, folded);
                    counted.ok_or_else(|| overflow(scope, month.last()))?;
                }
            }
        }
        Ok(())
    }

    /// What rows of a counter add.
    fn gains_again(&mut self, dates: &[Date], rows: &[Observation]) -> Result<Vec<Gain>> {
        let Self { setup, scope, met, again, .. } = self;
        let mut gains = vec![Gain::default(); rows.len()];
        for date in dates {
            let (from, until) = date.rows;
            for (gain, row) in gains.iter_mut().zip(rows).take(until).skip(from) {
                let track = setup.entities.track_of.get(row.listing as usize).copied().unwrap_or_default();
                let track = met[EntityKind::Track as usize].short(track);
                let read = again.counters.row(track, row, date.at, date.due);
                *gain = read.ok_or_else(|| overflow(scope, date.due.day))?.0;
            }
        }
        Ok(gains)
    }
}

impl Fold<'_> {
    /// How many songs (or works, where there are more of those) are to be counted from the beginning: if
    /// any, all months that were counted before are to be given to [`Self::again`], in order, before
    /// the next one.
    pub fn behind(&self) -> usize {
        let of_kind = |kind: EntityKind| {
            let of_scope = |scope: &ScopeFold<'_>| -> Vec<u32> {
                let codes = &scope.met[kind as usize].codes;
                let again = scope.again.of(kind).iter();
                again.filter_map(|&short| codes.get(short as usize).copied()).collect()
            };
            self.scopes.iter().flat_map(of_scope).collect::<FxHashSet<u32>>().len()
        };
        EntityKind::ALL.into_iter().map(of_kind).max().unwrap_or_default()
    }

    /// Adds a month of one chart, sorted by region, date and rank, that was counted before, for the
    /// entities alone that are to be counted again.
    ///
    /// # Errors
    /// [`crate::error::Error::Audit`] if a sum leaves the range of 64 bits.
    pub fn again(&mut self, chart: &str, rows: &[Observation]) -> Result<()> {
        let slices = self.slices(chart, rows);
        let Self { scopes, spare, .. } = self;
        let spare = &*spare;
        let behind = scopes.par_iter_mut().zip(slices).filter(|(scope, _)| !scope.again.is_empty());
        behind.try_for_each(|(scope, slice)| {
            let tracks = &scope.again.tracks;
            let track_of = &scope.setup.entities.track_of;
            let is_of = |row: &&Observation| {
                track_of.get(row.listing as usize).is_some_and(|track| tracks.contains(track))
            };
            let rows: Vec<Observation> = slice.unwrap_or_default().iter().filter(is_of).copied().collect();
            match rows.is_empty() {
                true => Ok(()),
                false => with_listings(spare, |listings| scope.rows_again(&rows, listings)),
            }
        })
    }

    /// Says that all months that were counted before have been given to [`Self::again`].
    pub fn caught_up(&mut self) {
        self.scopes.iter_mut().for_each(|scope| scope.again = Again::default());
    }
}
