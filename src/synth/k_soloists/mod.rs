//! The sample that ships with the project: fifteen months of the world's
//! daily top 200 around a cast of K-soloists, as eight downloads by different
//! people, and a month of South Korea.
//!
//! Names, titles and release dates are known from the news; every figure is
//! made up. The cast's curves are drawn by hand in [`cast`] and then scaled in
//! [`calibration`] until the sums of the story come out on its dates; all
//! other songs on the charts are those of an invented [`World`].

mod calibration;
mod cast;

use std::cmp::Reverse;
use std::path::Path;

use chrono::NaiveDate;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use self::calibration::Performances;
use self::cast::{CAST, on};
use super::calendar::{Calendar, Period, Rhythm};
use super::error::SynthError;
use super::ladder::{Entry, Ladder, Plays};
use super::options::{Compression, Dialect, Layout};
use super::press::{Desk, Edition};
use super::regions::{REGIONS, Region};
use super::world::{Place, Song, WHOLE, World};
use super::{Report, names};

/// Of the seeds tried, one whose invented hits take longer than the story's
/// song to their first billion.
const SEED: u64 = 4;
/// From 2023-01-01 to 2024-03-20.
const DAYS: usize = on(2024, 3, 20) as usize + 1;
/// Invented songs around the cast.
const TRACKS: usize = 6_000;

/// One download: who kept the charts of those days, and in what shape.
struct Collection {
    folder: &'static str,
    region: &'static str,
    depth: usize,
    /// First and last day.
    days: (i32, i32),
    dialect: Dialect,
    layout: Layout,
    compression: Compression,
    /// How this source spells some names: (usual, here).
    spellings: &'static [(&'static str, &'static str)],
}

impl Collection {
    const fn global(folder: &'static str, dialect: Dialect, days: (i32, i32)) -> Self {
        Self {
            folder,
            region: "global",
            depth: 200,
            days,
            dialect,
            layout: Layout::PerDay,
            compression: Compression::None,
            spellings: &[],
        }
    }

    const fn packed(self, layout: Layout, compression: Compression) -> Self {
        Self { layout, compression, ..self }
    }

    const fn spelling(self, spellings: &'static [(&'static str, &'static str)]) -> Self {
        Self { spellings, ..self }
    }
}

/// The two dialects that drop featured artists come after the last date of
/// 2023 that counts them, and before 2024 starts to.
const COLLECTIONS: &[Collection] = &[
    Collection::global("kaggle-2023-first-half", Dialect::Kaggle, (on(2023, 1, 1), on(2023, 6, 30)))
        .packed(Layout::OneFile, Compression::Gzip)
        .spelling(&[("Lisa", "LISA")]),
    Collection::global("official-2023-07", Dialect::OfficialDaily, (on(2023, 7, 1), on(2023, 7, 31))),
    Collection::global("official-2023-08", Dialect::OfficialDaily, (on(2023, 8, 1), on(2023, 8, 31)))
        .packed(Layout::PerDay, Compression::Gzip)
        .spelling(&[("Lisa", "LISA")]),
    Collection::global("kaggle-2023-autumn", Dialect::Kaggle, (on(2023, 9, 1), on(2023, 11, 19)))
        .packed(Layout::OneFile, Compression::Zstd)
        .spelling(&[("Jung Kook", "Jungkook")]),
    Collection::global("official-old-2023-11", Dialect::OfficialOld, (on(2023, 11, 20), on(2023, 12, 10)))
        .spelling(&[("Lisa", "LISA")]),
    Collection::global("fycharts-2023-12", Dialect::Fycharts, (on(2023, 12, 11), on(2023, 12, 31)))
        .packed(Layout::OneFile, Compression::Zstd)
        .spelling(&[("Jung Kook", "정국")]),
    Collection::global("kaggle-2024", Dialect::Kaggle, (on(2024, 1, 1), on(2024, 2, 29)))
        .packed(Layout::OneFile, Compression::Gzip),
    Collection::global("official-2024-03", Dialect::OfficialDaily, (on(2024, 3, 1), on(2024, 3, 20)))
        .spelling(&[("Lisa", "LISA")]),
    Collection {
        region: "kr",
        depth: 50,
        ..Collection::global("kworb-kr-2023-12", Dialect::Kworb, (on(2023, 12, 1), on(2023, 12, 31)))
    },
];

/// Writes the sample into the folder `out`, one folder per download.
pub fn write_k_soloists(out: &Path) -> Result<Report, SynthError> {
    let first_day = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap_or_default();
    let calendar = Calendar::new(first_day, DAYS)?;
    let periods = calendar.periods(Rhythm::Daily)?;
    let performances = calibration::rehearse(&calendar, DAYS);
    let world = World::new(SEED, TRACKS, 200, DAYS, calendar);

    let mut report = Report::default();
    for collection in COLLECTIONS {
        let Some(place) = REGIONS
            .iter()
            .position(|region| region.code == collection.region)
            .and_then(|number| world.heard_from(number))
        else {
            continue;
        };
        let (first, last) = collection.days;
        // The charts begin with the sample, whoever kept them later on.
        let mut stage = Stage::new(place, &performances, collection);
        let begin = periods.partition_point(|period| period.last_day() < first);
        let end = periods.partition_point(|period| period.last_day() <= last);
        stage.charts(&periods[..begin]);

        let edition = Edition {
            dialect: collection.dialect,
            layout: collection.layout,
            compression: collection.compression,
            folder: &out.join(collection.folder),
        };
        report = report + edition.print(&mut [stage], &periods[begin..end])?;
    }
    Ok(report)
}

/// The chart of one region with the cast on it.
struct Stage<'a> {
    place: Place<'a>,
    performances: &'a Performances,
    songs: Vec<Song>,
    ladder: Ladder,
    depth: usize,
}

impl<'a> Stage<'a> {
    fn new(place: Place<'a>, performances: &'a Performances, collection: &Collection) -> Self {
        let songs: Vec<Song> =
            place.songs().iter().cloned().chain(cast_songs(collection.spellings)).collect();
        Self { ladder: Ladder::new(songs.len()), depth: collection.depth, place, performances, songs }
    }

    fn plays(&self, song: usize, day: i32) -> u64 {
        match song.checked_sub(self.place.songs().len()) {
            None => self.place.plays(song, day),
            Some(role) => {
                let global = self.performances.plays(role, day);
                match self.place.region {
                    Region { code: "global", .. } => global,
                    // At home they are heard twice as much as elsewhere.
                    region => global * region.share * 2 / WHOLE,
                }
            }
        }
    }

    fn chart(&mut self, period: &Period, contenders: &[usize]) -> Vec<Entry> {
        let day = period.last_day();
        let heard = |song| (song, self.plays(song, day));
        let cast: Vec<(usize, u64)> = (self.place.songs().len()..self.songs.len())
            .map(heard)
            .filter(|&(_, streams)| streams > 0)
            .collect();
        let mut field: Vec<(usize, u64)> = contenders.iter().copied().map(heard).collect();
        // The cast has its places for sure: a song that slipped off the chart
        // for a day would take its streams out of the sums.
        if self.place.region.code == "global" {
            field.sort_unstable_by_key(|&(song, streams)| (Reverse(streams), song));
            field.truncate(self.depth.saturating_sub(cast.len()));
        }
        field.extend(cast);
        let mut entries = self.ladder.climb(period.number, field, self.depth);
        for entry in &mut entries {
            let song = entry.song;
            entry.plays = Plays::around(day, |day| self.plays(song, day));
            entry.plays.total = (0..=day).map(|day| self.plays(song, day)).sum();
        }
        entries
    }
}

impl Desk for Stage<'_> {
    fn region(&self) -> &'static Region {
        self.place.region
    }

    fn songs(&self) -> &[Song] {
        &self.songs
    }

    fn charts(&mut self, periods: &[Period]) -> Vec<Vec<Entry>> {
        periods
            .chunks(7)
            .filter_map(|week| Some((week, week.first()?, week.last()?)))
            .flat_map(|(week, first, last)| {
                let (first, last) = (first.days.start, last.last_day());
                let contenders = self.place.contenders(first, last, self.depth);
                week.iter().map(|period| self.chart(period, &contenders)).collect::<Vec<_>>()
            })
            .collect()
    }
}

/// The cast's songs as a source with those `spellings` shows them.
fn cast_songs(spellings: &[(&str, &str)]) -> Vec<Song> {
    let mut rng = Pcg64::seed_from_u64(SEED);
    CAST.iter()
        .map(|role| {
            let credits: Vec<String> = role
                .credits
                .iter()
                .map(|&name| {
                    spellings
                        .iter()
                        .find(|(usual, _)| *usual == name && role.moves_on.is_none())
                        .map_or(name, |(_, here)| here)
                        .to_owned()
                })
                .collect();
            Song {
                title: role.title.to_owned(),
                artist_cell: credits.join(", "),
                credits,
                lead_id: names::base62(&mut rng),
                label: role.label.to_owned(),
                first_id: names::base62(&mut rng),
                moved: role.moves_on.map(|day| (day, names::base62(&mut rng))),
            }
        })
        .collect()
}
