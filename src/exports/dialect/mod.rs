//! Dialects: the shapes in which chart exports come.
//!
//! A dialect is recognised from the head of a file and its name and answers with a [`Layout`]:
//! which column holds what, and what the file name says instead. One generic decoder follows the
//! layout, so a dialect is one small file here and one line in [`ALL`].

mod fycharts;
mod kworb_daily;
mod mapped;
mod merged_daily;
mod merged_weekly;
mod official;
mod official_old;
mod scraper;

use chrono::Weekday;

pub use mapped::{Mapped, MappedColumns, Thousands};

use super::cells;
use crate::dates::Day;

/// The dialects in the order in which they are tried. Those that a pipeline maps come first.
pub const ALL: [Dialect; 7] = [
    official::DIALECT,
    official_old::DIALECT,
    merged_daily::DIALECT,
    merged_weekly::DIALECT,
    fycharts::DIALECT,
    scraper::DIALECT,
    kworb_daily::DIALECT,
];

/// A shape of exports.
pub struct Dialect {
    /// Its name, as published in `exports`.
    pub name: &'static str,
    /// The columns it cannot do without; empty for a dialect without a header.
    pub columns: &'static [&'static str],
    recognise: fn(&Head) -> Recognition,
}

/// What a dialect says of a file.
pub enum Recognition {
    /// It is mine, and this is where everything stands.
    Mine(Box<Layout>),
    /// It has my columns, but something is missing; a sentence that says what to do.
    Unusable(String),
    /// Not mine.
    Other,
}

/// The beginning of a file: all that a dialect may look at.
pub struct Head {
    /// The file name without folders and without `.gz` or `.zst`.
    pub file_name: String,
    /// How many bytes of byte order mark stand before the first record.
    pub mark: usize,
    /// The first records, unquoted, without a byte order mark.
    pub records: Vec<HeadRecord>,
    /// Whether cells have types of their own (Parquet): then the first record is the column names.
    pub typed: bool,
    /// Whether the record after them does not end within the head.
    pub cut_off: bool,
}

/// One of the first records.
pub struct HeadRecord {
    /// Its cells.
    pub cells: Vec<String>,
    /// Bytes of the file up to the end of this record, a byte order mark included.
    pub end: usize,
    /// Line ends up to the end of this record.
    pub lines: u32,
}

/// Where the values of a row stand.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The dialect's name.
    pub dialect: String,
    /// How many cells a row has.
    pub fields: usize,
    /// Where the first row begins: bytes and line ends before it.
    pub first_row: (usize, u32),
    /// Between the cells.
    pub delimiter: u8,
    /// Which chart.
    pub chart: ChartIn,
    /// Which region.
    pub region: RegionIn,
    /// Which day.
    pub day: DayIn,
    /// Daily or weekly.
    pub period: Period,
    /// The column of the rank.
    pub rank: usize,
    /// The column of the streams.
    pub streams: usize,
    /// What stands between the thousands of a number, if anything.
    pub thousands: Option<u8>,
    /// Where the track's identifier, title and artists stand.
    pub track: TrackIn,
    /// The column of the running total of a counter.
    pub total: Option<usize>,
    /// What the export itself says of the track's past.
    pub reported: Option<ReportedIn>,
}

/// Where the chart is named.
#[derive(Clone, Debug)]
pub enum ChartIn {
    /// In the dialect or the file name.
    Fixed(String),
    /// In a column, with the values it may have, their charts, and whether these have streams.
    Column(usize, &'static [(&'static str, &'static str, bool)]),
}

/// Where the region is named.
#[derive(Clone, Debug)]
pub enum RegionIn {
    /// In the file name.
    Fixed(String),
    /// In a column, as a code or an English name.
    Column(usize),
}

/// Where the day is named.
#[derive(Clone, Debug)]
pub enum DayIn {
    /// In the file name.
    Fixed(Day),
    /// In a column; with a format of `chrono::format::strftime`, or ISO dates without one.
    Column(usize, Option<String>),
}

/// Columns that together name a track.
#[derive(Clone, Copy, Debug)]
pub enum TrackIn {
    /// Identifier (where there is one), title, artist cell.
    Columns {
        /// A URI, a link or a bare identifier.
        uri: Option<usize>,
        /// The title.
        title: usize,
        /// The artist cell, or the lead artist alone.
        artists: usize,
        /// A bracketed list of featured artists.
        features: Option<usize>,
    },
    /// `Artist - Title (w/ X)` in one cell.
    Together(usize),
}

/// Columns in which an export reports on the track's past.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportedIn {
    /// Best rank so far.
    pub peak: Option<usize>,
    /// Rank in the chart before; −1 for new and re-entry.
    pub previous: Option<usize>,
    /// How many charts it has been on so far.
    pub appearances: Option<usize>,
}

/// How long one chart counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// One UTC day.
    Daily,
    /// Friday to Thursday, dated by the Thursday.
    Weekly,
    /// Seven days to any day of the week; for mapped charts of other houses.
    WeeklyAnyDay,
}

impl Period {
    /// The period's word in a chart's name.
    pub fn word(self) -> &'static str {
        if self == Self::Daily { "daily" } else { "weekly" }
    }

    /// The day under which a chart dated `day` by its export is kept. Older merged files date a
    /// week by the Friday after it.
    ///
    /// # Errors
    /// [`cells::Reason::DateNotThursday`].
    pub fn dated(self, day: Day) -> Result<Day, cells::Reason> {
        match (self, day.weekday()) {
            (Self::Daily | Self::WeeklyAnyDay, _) | (Self::Weekly, Weekday::Thu) => Ok(day),
            (Self::Weekly, Weekday::Fri) => Ok(day.plus(-1)),
            _ => Err(cells::Reason::DateNotThursday),
        }
    }
}

impl Layout {
    /// Every column that a row is read from.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = vec![self.rank, self.streams];
        if let ChartIn::Column(column, _) = &self.chart {
            columns.push(*column);
        }
        if let RegionIn::Column(column) = &self.region {
            columns.push(*column);
        }
        if let DayIn::Column(column, _) = &self.day {
            columns.push(*column);
        }
        match self.track {
            TrackIn::Together(column) => columns.push(column),
            TrackIn::Columns { uri, title, artists, features } => {
                columns.extend([Some(title), Some(artists), uri, features].into_iter().flatten());
            }
        }
        columns.extend(self.total);
        if let Some(reported) = self.reported {
            columns.extend([reported.peak, reported.previous, reported.appearances].into_iter().flatten());
        }
        columns
    }
}

/// Finds the dialect of a file.
///
/// # Errors
/// A fragment that says which header was seen and which dialect is nearest.
pub fn recognise(head: &Head, mapped: &[Mapped]) -> Result<Layout, String> {
    let mine = mapped.iter().map(|mapped| mapped.recognise(head));
    for recognition in mine.chain(ALL.iter().map(|dialect| (dialect.recognise)(head))) {
        match recognition {
            Recognition::Mine(layout) => return Ok(*layout),
            Recognition::Unusable(problem) => return Err(problem),
            Recognition::Other => {}
        }
    }
    let Some(first) = head.records.first() else {
        return Err(match head.cut_off {
            true => "its first line does not end within 64 KiB: this is no header of an export".to_owned(),
            false => "the file is empty; it is taken once it has grown".to_owned(),
        });
    };
    let seen = first.cells.join(",");
    let seen: String = seen.chars().filter(|c| !c.is_control()).take(160).collect();
    let nearest = ALL
        .iter()
        .filter(|dialect| !dialect.columns.is_empty())
        .map(|dialect| {
            let has = |column: &&&str| first.cells.iter().any(|cell| same_name(cell, column));
            let missing: Vec<&str> = dialect.columns.iter().filter(|column| !has(column)).copied().collect();
            (dialect.columns.len() - missing.len(), dialect.name, missing)
        })
        .filter(|(found, ..)| *found > 0)
        .max_by_key(|(found, _, missing)| (*found, std::cmp::Reverse(missing.len())));
    let nearest = match nearest {
        Some((_, name, missing)) => {
            format!("the nearest is {name}, which also has {}", missing.join(", "))
        }
        None => "none is near".to_owned(),
    };
    Err(format!(
        "no dialect fits the header `{seen}`; {nearest}; name its columns in a [[mapped]] table, as `chartledger inspect` proposes"
    ))
}

fn same_name(cell: &str, column: &str) -> bool {
    cell.trim().eq_ignore_ascii_case(column)
}

impl Head {
    /// The column of each name in the record at `row`; `None` if one of them is missing.
    fn columns<const N: usize>(&self, row: usize, names: [&str; N]) -> Option<[usize; N]> {
        let mut found = [0; N];
        for (place, name) in found.iter_mut().zip(names) {
            *place = self.column(row, name)?;
        }
        Some(found)
    }

    fn column(&self, row: usize, name: &str) -> Option<usize> {
        self.records.get(row)?.cells.iter().position(|cell| same_name(cell, name))
    }

    /// A layout whose rows begin after the record at `row`, the header.
    fn layout_after(&self, row: usize, dialect: &str, parts: LayoutParts) -> Layout {
        let (fields, first_row) = match self.records.get(row) {
            Some(header) => (header.cells.len(), (header.end, header.lines)),
            None => (0, (0, 0)),
        };
        Layout {
            dialect: dialect.to_owned(),
            fields,
            first_row,
            delimiter: b',',
            chart: parts.chart,
            region: parts.region,
            day: parts.day,
            period: parts.period,
            rank: parts.rank,
            streams: parts.streams,
            thousands: None,
            track: parts.track,
            total: None,
            reported: None,
        }
    }

    /// Region, period and day from `regional-<region>-daily|weekly-<date>`.
    fn regional_name(&self) -> Option<(String, Period, Day)> {
        let rest = self.file_name.strip_prefix("regional-")?;
        let (region, rest) = rest.split_once('-')?;
        let (period, rest) = rest.split_once('-')?;
        let period = match period {
            "daily" => Period::Daily,
            "weekly" => Period::Weekly,
            _ => return None,
        };
        let day = period.dated(Day::parse(rest.as_bytes().get(..10)?)?).ok()?;
        (!region.is_empty()).then(|| (super::regions::code(region).into_owned(), period, day))
    }

    /// Where the rows begin in a file without a header.
    fn start(&self) -> (usize, u32) {
        (self.mark, 0)
    }

    /// Whether the file name says `weekly`.
    fn named_weekly(&self) -> bool {
        self.file_name.to_lowercase().contains("weekly")
    }
}

/// What every dialect must say; the rest of a layout has a default.
struct LayoutParts {
    chart: ChartIn,
    region: RegionIn,
    day: DayIn,
    period: Period,
    rank: usize,
    streams: usize,
    track: TrackIn,
}

const NAME_THE_FILE: &str = "region and date stand only in the file name: call it regional-<region>-daily|weekly-<date>.csv, \
     such as regional-global-daily-2024-03-20.csv (a weekly date is a Thursday)";
