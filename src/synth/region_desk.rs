//! Draws up the charts of one region of the invented world.

use super::calendar::Period;
use super::ladder::{Entry, Ladder, Plays};
use super::press::Desk;
use super::regions::Region;
use super::world::{Place, Song};

/// One region's charts as they come out.
pub struct RegionDesk<'w> {
    place: Place<'w>,
    ladder: Ladder,
    depth: usize,
    totals: Option<Totals>,
}

/// How often each song has been played here since it came out.
struct Totals {
    plays: Vec<u64>,
    next_day: i32,
}

impl<'w> RegionDesk<'w> {
    pub fn new(place: Place<'w>, depth: usize, tells_plays: bool) -> Self {
        Self {
            ladder: Ladder::new(place.songs().len()),
            depth,
            totals: tells_plays.then(|| Totals::before_first_day(&place)),
            place,
        }
    }
}

impl Desk for RegionDesk<'_> {
    fn region(&self) -> &'static Region {
        self.place.region
    }

    fn songs(&self) -> &[Song] {
        self.place.songs()
    }

    fn charts(&mut self, periods: &[Period]) -> Vec<Vec<Entry>> {
        let (Some(first), Some(last)) = (periods.first(), periods.last()) else {
            return Vec::new();
        };
        let contenders = self.place.contenders(first.days.start, last.last_day(), self.depth);
        let Self { place, ladder, depth, totals } = self;
        periods
            .iter()
            .map(|period| {
                let field = contenders
                    .iter()
                    .map(|&song| {
                        let days = period.days.clone();
                        (song, days.map(|day| place.plays(song, day)).sum())
                    })
                    .collect();
                let mut entries = ladder.climb(period.number, field, *depth);
                if let Some(totals) = totals {
                    let today = period.last_day();
                    totals.count_up_to(today, place);
                    for entry in &mut entries {
                        entry.plays = Plays::around(today, |day| place.plays(entry.song, day));
                        entry.plays.total = totals.of(entry.song);
                    }
                }
                entries
            })
            .collect()
    }
}

impl Totals {
    /// What happened before the first day is told from that day alone: as many
    /// plays a day, for as long as the song is out. Only a beginning is needed.
    fn before_first_day(place: &Place<'_>) -> Self {
        let plays = (0..place.songs().len()).map(|song| place.plays(song, -1) * place.age(song, 0)).collect();
        Self { plays, next_day: 0 }
    }

    fn count_up_to(&mut self, today: i32, place: &Place<'_>) {
        for day in self.next_day..=today {
            for (song, total) in self.plays.iter_mut().enumerate() {
                *total += place.plays(song, day);
            }
        }
        self.next_day = self.next_day.max(today + 1);
    }

    fn of(&self, song: usize) -> u64 {
        self.plays.get(song).copied().unwrap_or_default()
    }
}
