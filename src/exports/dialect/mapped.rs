//! Any other export, with its columns named in the pipeline file.
//!
//! ```toml
//! [[mapped]]
//! name = "label-report"
//! chart = "label:daily"
//! region = "global"                      # or a column below
//! date_format = "%d/%m/%Y"               # ISO dates without it
//! [mapped.columns]
//! date = "Day"
//! rank = "Pos"
//! track = "ISRC"                         # optional
//! title = "Song"
//! artists = "Artist"
//! streams = "Plays"
//! ```

use serde::Deserialize;

use super::{
    ChartIn, DayIn, Head, Layout, LayoutParts, Period, Recognition, RegionIn, ReportedIn, TrackIn, same_name,
};
use crate::dates::Day;
use crate::exports::regions;

/// A dialect that a pipeline file describes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// Its name, as published in `exports`.
    pub name: String,
    /// `source:period`; the period is `daily` or `weekly`.
    pub chart: String,
    /// The region, where no column has it.
    pub region: Option<String>,
    /// The date, where no column has it.
    pub date: Option<toml::value::Datetime>,
    /// How dates are written, in the notation of `strftime`.
    pub date_format: Option<String>,
    /// Between the cells; a comma without it.
    pub delimiter: Option<char>,
    /// Whether numbers group their thousands: `true` for commas, or what stands between them.
    #[serde(default)]
    pub thousands: Thousands,
    /// Only files whose name contains this.
    pub file_name: Option<String>,
    /// The export's names of the columns.
    pub columns: MappedColumns,
}

/// How numbers group their thousands.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Thousands {
    /// With commas, or not at all.
    Commas(bool),
    /// With this.
    By(char),
}

impl Default for Thousands {
    fn default() -> Self {
        Self::Commas(false)
    }
}

impl Thousands {
    /// What may stand between thousands.
    pub const KNOWN: [char; 4] = [',', '.', ' ', '\''];

    fn separator(self) -> Option<char> {
        match self {
            Self::Commas(true) => Some(','),
            Self::Commas(false) => None,
            Self::By(separator) => Some(separator),
        }
    }
}

/// The export's own names for what a row holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MappedColumns {
    pub date: Option<String>,
    pub region: Option<String>,
    pub rank: String,
    pub track: Option<String>,
    pub title: String,
    pub artists: String,
    pub features: Option<String>,
    pub streams: String,
    pub total: Option<String>,
    pub peak_rank: Option<String>,
    pub previous_rank: Option<String>,
    pub appearances: Option<String>,
}

impl Mapped {
    /// What is wrong with the table, before any export is read.
    pub fn problem(&self) -> Option<String> {
        let name = &self.name;
        if !matches!(self.chart.split_once(':'), Some((source, "daily" | "weekly")) if !source.is_empty()) {
            return Some(format!("mapped `{name}`: chart must be source:daily or source:weekly"));
        }
        if self.region.is_some() == self.columns.region.is_some() {
            return Some(format!("mapped `{name}`: give either region or columns.region"));
        }
        if self.date.is_some() == self.columns.date.is_some() {
            return Some(format!("mapped `{name}`: give either date or columns.date"));
        }
        if self.date.is_some() && self.fixed_day().is_none() {
            return Some(format!("mapped `{name}`: date must be a plain date such as 2024-03-20"));
        }
        if self.thousands.separator().is_some_and(|separator| !Thousands::KNOWN.contains(&separator)) {
            return Some(format!(
                "mapped `{name}`: thousands must be true for commas, or one of `,` `.` `'` and a blank"
            ));
        }
        if self.delimiter.is_some_and(|delimiter| !delimiter.is_ascii() || delimiter == '"') {
            return Some(format!(
                "mapped `{name}`: delimiter must be one ascii character other than a quote"
            ));
        }
        None
    }

    fn fixed_day(&self) -> Option<Day> {
        Day::parse(self.date?.to_string().as_bytes())
    }

    /// The byte between cells.
    pub fn delimiter(&self) -> u8 {
        self.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()).unwrap_or(b',')
    }

    pub(super) fn recognise(&self, head: &Head) -> Recognition {
        if self.file_name.as_ref().is_some_and(|part| !head.file_name.contains(part.as_str())) {
            return Recognition::Other;
        }
        self.layout(head).map_or(Recognition::Other, |layout| Recognition::Mine(Box::new(layout)))
    }

    fn layout(&self, head: &Head) -> Option<Layout> {
        let header = head.records.first()?;
        // The head was split at commas; a header with another delimiter is split again here.
        let header: Vec<String> = if head.typed || self.delimiter() == b',' {
            header.cells.clone()
        } else {
            let line = header.cells.join(",");
            line.split(char::from(self.delimiter())).map(|cell| cell.trim_matches('"').to_owned()).collect()
        };
        let place = |name: &String| header.iter().position(|cell| same_name(cell, name));
        // `Some(None)` for a column that is not asked for, `None` for one that is missing.
        let optional = |name: &Option<String>| match name {
            Some(name) => place(name).map(Some),
            None => Some(None),
        };
        let columns = &self.columns;
        let (source, word) = self.chart.split_once(':')?;
        let period = match (word, source) {
            ("weekly", "spotify") => Period::Weekly,
            ("weekly", _) => Period::WeeklyAnyDay,
            _ => Period::Daily,
        };
        let layout = head.layout_after(
            0,
            &self.name,
            LayoutParts {
                chart: ChartIn::Fixed(self.chart.clone()),
                region: match (&self.region, optional(&columns.region)?) {
                    (Some(region), _) => RegionIn::Fixed(regions::code(region).into_owned()),
                    (None, column) => RegionIn::Column(column?),
                },
                day: match (self.fixed_day(), optional(&columns.date)?) {
                    (Some(day), _) => DayIn::Fixed(period.dated(day).ok()?),
                    (None, column) => DayIn::Column(column?, self.date_format.clone()),
                },
                period,
                rank: place(&columns.rank)?,
                streams: place(&columns.streams)?,
                track: TrackIn::Columns {
                    uri: optional(&columns.track)?,
                    title: place(&columns.title)?,
                    artists: place(&columns.artists)?,
                    features: optional(&columns.features)?,
                },
            },
        );
        Some(Layout {
            fields: header.len(),
            delimiter: self.delimiter(),
            thousands: self.thousands.separator().and_then(|separator| u8::try_from(separator).ok()),
            total: optional(&columns.total)?,
            reported: Some(ReportedIn {
                peak: optional(&columns.peak_rank)?,
                previous: optional(&columns.previous_rank)?,
                appearances: optional(&columns.appearances)?,
            }),
            ..layout
        })
    }
}
