//! Synthetic chart exports: an invented world of artists and songs, written
//! out in every dialect the program reads.
//!
//! They serve to try and to measure the program without anyone's data. A
//! [`Request`] gives the same bytes on every machine and with any number of
//! threads: all figures are integers, every random draw comes from the seed,
//! and nothing is read from a clock or from the order of a hash map.
//!
//! The data goes one way: [`world`] says how much each song is played where
//! and when, [`ladder`] ranks that and remembers peaks and runs, [`dialects`]
//! turns charts into rows, [`press`] spreads the work and puts the pages in
//! order, [`sink`] brings them to disk. [`k_soloists`] sets a calibrated cast
//! into that world: the sample that ships with the project.

mod calendar;
mod dialects;
mod error;
mod k_soloists;
mod ladder;
mod names;
mod options;
mod press;
mod region_desk;
mod regions;
mod sink;
mod world;

use std::ops::Add;
use std::path::Path;

use chrono::NaiveDate;

pub use error::SynthError;
pub use k_soloists::write_k_soloists;
pub use options::{Compression, Dialect, Layout};

use calendar::Calendar;
use dialects::Shape;
use press::Edition;
use region_desk::RegionDesk;
use regions::REGIONS;
use world::World;

/// Identifiers and sort keys stay small, and so does the memory per region.
const MOST_TRACKS: usize = 1_000_000;

/// A century, which no chart has lasted.
const MOST_DAYS: usize = 36_525;

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Another seed is another world.
    pub seed: u64,
    /// The shape of the files.
    pub dialect: Dialect,
    /// How many files.
    pub layout: Layout,
    /// How they are compressed.
    pub compression: Compression,
    /// How many regions, the world first and then from large to small.
    pub regions: usize,
    /// The first day.
    pub from: NaiveDate,
    /// The number of days. Weekly dialects write the whole weeks among them.
    pub days: usize,
    /// The depth of the charts.
    pub rows_per_chart: usize,
    /// How many songs compete over the whole time. Charts are full from the
    /// first day if it is at least three halves of the depth.
    pub tracks: usize,
}

impl Default for Request {
    /// January 2023, the world's top 200 among 4,000 songs.
    fn default() -> Self {
        Self {
            seed: 1,
            dialect: Dialect::Kaggle,
            layout: Layout::OneFile,
            compression: Compression::None,
            regions: 1,
            from: NaiveDate::from_ymd_opt(2023, 1, 1).unwrap_or_default(),
            days: 31,
            rows_per_chart: 200,
            tracks: 4_000,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Files made or replaced.
    pub files: u64,
    /// Chart rows in them, headers not counted.
    pub rows: u64,
    /// Their size on disk, compressed where they are.
    pub bytes: u64,
}

impl Add for Report {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            files: self.files + other.files,
            rows: self.rows + other.rows,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Writes the exports asked for into the folder `out`, which is made if need
/// be. Files of the same names are replaced, others left alone.
pub fn write(request: &Request, out: &Path) -> Result<Report, SynthError> {
    let &Request { days, tracks, .. } = request;
    let depth = request.rows_per_chart;
    within("regions", request.regions, REGIONS.len())?;
    within("days", days, MOST_DAYS)?;
    within("tracks", tracks, MOST_TRACKS)?;
    within("rows per chart", depth, MOST_TRACKS)?;

    let shape = Shape::of(request.dialect);
    let calendar = Calendar::new(request.from, days)?;
    let periods = calendar.periods(shape.rhythm)?;
    let world = World::new(request.seed, tracks, depth, days, calendar);
    let mut desks: Vec<RegionDesk<'_>> = (0..request.regions)
        .filter_map(|number| world.heard_from(number))
        .map(|place| RegionDesk::new(place, depth, shape.tells_plays))
        .collect();
    Edition {
        dialect: request.dialect,
        layout: request.layout,
        compression: request.compression,
        folder: out,
    }
    .print(&mut desks, &periods)
}

fn within(what: &'static str, asked: usize, limit: usize) -> Result<(), SynthError> {
    if (1..=limit).contains(&asked) { Ok(()) } else { Err(SynthError::Count { what, asked, limit }) }
}
