//! One writer per dialect: what a file is called, its header, and one row.

mod cells;
mod fycharts;
mod kaggle;
mod kworb;
mod merged_weekly;
mod official;
mod official_old;
mod scraper;

use super::calendar::{Period, Rhythm};
use super::ladder::Entry;
use super::options::{Dialect, Layout};
use super::regions::Region;
use super::world::Song;

/// A dialect laid open.
pub struct Shape {
    pub rhythm: Rhythm,
    pub files: Files,
    /// What stands before the first row, byte order mark included.
    pub header: &'static str,
    pub row: fn(&mut Vec<u8>, &Line<'_>),
    /// Whether rows need `Entry::plays`, which is dear to work out.
    pub tells_plays: bool,
}

/// What one file holds.
pub enum Files {
    /// A region's chart of one date. The rows do not tell both, so such files
    /// cannot be merged: (before the region, between it and the date).
    PerRegion(&'static str, &'static str),
    /// Any number of regions and dates.
    Merged(&'static str),
}

/// One row and where it stands.
pub struct Line<'a> {
    pub region: &'a Region,
    pub date: &'a str,
    pub song: &'a Song,
    /// The song's track identifier on that date.
    pub id: &'a str,
    pub entry: &'a Entry,
}

impl Shape {
    pub fn of(dialect: Dialect) -> &'static Self {
        match dialect {
            Dialect::OfficialDaily => &official::DAILY,
            Dialect::OfficialWeekly => &official::WEEKLY,
            Dialect::OfficialOld => &official_old::SHAPE,
            Dialect::Kaggle => &kaggle::SHAPE,
            Dialect::MergedWeekly => &merged_weekly::SHAPE,
            Dialect::Fycharts => &fycharts::SHAPE,
            Dialect::Scraper => &scraper::SHAPE,
            Dialect::Kworb => &kworb::SHAPE,
        }
    }

    /// Whether files of this shape are found in that layout.
    pub fn comes_in(&self, layout: Layout) -> bool {
        match self.files {
            Files::PerRegion(..) => layout == Layout::PerDay,
            Files::Merged(_) => true,
        }
    }

    /// Appends a whole chart, without the header.
    pub fn chart(
        &self,
        page: &mut Vec<u8>,
        region: &Region,
        period: &Period,
        songs: &[Song],
        entries: &[Entry],
    ) {
        for entry in entries {
            let Some(song) = songs.get(entry.song) else {
                continue;
            };
            let line = Line { region, date: &period.date, song, id: song.id_on(period.last_day()), entry };
            (self.row)(page, &line);
        }
    }
}
