//! Counters: what a date adds where an export carries a running total.

use super::calendar::Due;
use crate::dates::Day;
use crate::exports::{NO_STREAMS, NO_TOTAL};
use crate::ledger::Observation;
use serde::{Deserialize, Serialize};

/// What one row of a counter adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gain {
    /// Streams since the track's last sighting, or the day's where either total is unknown.
    pub since: i64,
    /// What the counter had before the track's first sighting; 0 on every later one.
    pub opening: i64,
    /// The track's last sighting before this one.
    pub previous: Option<Day>,
}

/// A track on one date of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Index of the date in the calendar.
    pub at: usize,
    /// The date.
    pub day: Day,
    /// The total, or [`NO_TOTAL`].
    pub total: i64,
}

/// The last sightings of the tracks of one scope.
#[derive(Default, Serialize, Deserialize)]
pub struct Counters {
    last: Vec<Option<Sighting>>,
}

impl Counters {
    /// What a row adds, and the sighting before it; the row is then the last sighting. `None` if a
    /// difference leaves the range of 64 bits.
    pub fn row(
        &mut self,
        track: usize,
        row: &Observation,
        at: usize,
        due: Due,
    ) -> Option<(Gain, Option<Sighting>)> {
        if track >= self.last.len() {
            self.last.resize(track + 1, None);
        }
        let last = self.last.get_mut(track)?;
        let before = last.replace(Sighting { at, day: due.day, total: row.total });
        let streams = if row.streams == NO_STREAMS { 0 } else { row.streams };
        let previous = before.map(|before| before.day);
        let known = |total: i64| total != NO_TOTAL;
        let gain = match before {
            None if known(row.total) => {
                Gain { since: streams, opening: row.total.checked_sub(streams)?.max(0), previous }
            }
            Some(before) if known(before.total) && known(row.total) => {
                Gain { since: row.total.checked_sub(before.total)?, opening: 0, previous }
            }
            _ => Gain { since: streams, opening: 0, previous },
        };
        Some((gain, before))
    }
}
