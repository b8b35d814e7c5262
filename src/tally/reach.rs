//! Reach: in how many regions an entity is listed on a date.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{CreditSource, Setup};
use crate::catalog::{EntityKind, Role};
use crate::dates::Day;
use crate::exports::NO_STREAMS;
use crate::ledger::Observation;

/// An entity on one date of a chart, over all regions but `global`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Index of the tally.
    pub tally: u32,
    /// A scope of the chart.
    pub scope: u32,
    /// Code of the entity.
    pub entity: u32,
    /// The date.
    pub day: Day,
    /// Regions in which it is listed.
    pub regions: u32,
    /// Regions in which it is at rank 1.
    pub topped: u32,
    /// On what the credits rest; for artists.
    pub credits: CreditSource,
}

/// The count under way.
pub struct Reach<'a> {
    setup: &'a Setup<'a>,
    /// What was counted up to now.
    pub rows: Vec<Reached>,
}

/// What has been counted of an entity on a date, and the region counted last.
#[derive(Clone, Copy)]
struct Seen {
    regions: u32,
    topped: u32,
    last: u16,
    last_topped: Option<u16>,
    credits: CreditSource,
}

impl<'a> Reach<'a> {
    pub fn new(setup: &'a Setup<'a>) -> Self {
        Self { setup, rows: Vec::new() }
    }

    /// Adds a month of one chart, sorted by region.
    pub fn month(&mut self, chart: &str, rows: &[Observation]) {
        let Setup { surveyed, entities, tallies, .. } = *self.setup;
        for &tally in self.setup.reach {
            let Some(spec) = tallies.get(tally) else { continue };
            let members = self.setup.members(tally);
            let counts = |code: u32| members.is_none_or(|members| members.get(code as usize) == Some(&true));
            let mut seen: FxHashMap<(Day, u32), Seen> = FxHashMap::default();
            let mut any = None;
            for slice in rows.chunk_by(|a, b| a.region == b.region) {
                let Some(scope) = surveyed.scope_of(chart, slice[0].region) else { continue };
                let (of, calendar) = (&surveyed.scopes[scope], &surveyed.calendars[scope]);
                if of.region == "global" || !spec.counts_in(of) {
                    continue;
                }
                any.get_or_insert(scope);
                for date in slice.chunk_by(|a, b| a.day == b.day) {
                    let day = date[0].day;
                    let due = calendar.due.get(calendar.index(day));
                    if !due.is_some_and(|due| due.day == day && due.state.is_live()) {
                        continue;
                    }
                    for row in date.iter().filter(|row| row.streams != NO_STREAMS) {
                        let mut see = |code: u32, role: Option<Role>| {
                            if counts(code) {
                                seen.entry((day, code)).or_insert(Seen::NOWHERE).row(row, role);
                            }
                        };
                        let listing = row.listing as usize;
                        match spec.entity {
                            EntityKind::Track => see(entities.track_of[listing], None),
                            EntityKind::Song => see(entities.song_of[listing], None),
                            EntityKind::Work => see(entities.work_of[listing], None),
                            EntityKind::Artist => {
                                let artists = entities.artists_of(listing, day).iter();
                                artists
                                    .filter(|artist| spec.credit.counts(artist.role))
                                    .for_each(|artist| see(artist.artist, Some(artist.role)));
                            }
                        }
                    }
                }
            }
            let Some(scope) = any else { continue };
            self.rows.extend(seen.into_iter().map(|((day, entity), seen)| Reached {
                tally: tally as u32,
                scope: scope as u32,
                entity,
                day,
                regions: seen.regions,
                topped: seen.topped,
                credits: seen.credits,
            }));
        }
    }
}

impl Seen {
    const NOWHERE: Self =
        Self { regions: 0, topped: 0, last: u16::MAX, last_topped: None, credits: CreditSource::NONE };

    fn row(&mut self, row: &Observation, role: Option<Role>) {
        if let Some(role) = role {
            self.credits = self.credits.and(role);
        }
        if self.regions == 0 || self.last != row.region {
            self.regions += 1;
            self.last = row.region;
        }
        if row.rank == 1 && self.last_topped != Some(row.region) {
            self.topped += 1;
            self.last_topped = Some(row.region);
        }
    }
}
