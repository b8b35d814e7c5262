//! Cells read apart from their rows: for engines that keep the rows elsewhere and ask only what the
//! distinct cells mean. They are read by the same code as whole rows.

use std::borrow::Cow;

use super::{RowDecoder, Rows, Scopes};
use crate::dates::Day;
use crate::exports::dialect::{self, ChartIn, DayIn, Layout, Mapped, RegionIn, TrackIn};
use crate::exports::listings::{Listing, Listings};
use crate::exports::open::{self, Packing};
use crate::exports::records::Fields;
use crate::exports::{Found, cells};

/// What a file is.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Where everything stands.
    pub layout: Layout,
    /// Lines above its first row; `None` for a Parquet file, whose columns have names.
    pub lines_above: Option<usize>,
    /// The names of its columns; for a text file the words of its first line.
    pub columns: Vec<String>,
    /// Whether it is packed with Zstandard.
    pub is_zstandard: bool,
}

/// Recognises a file by its head.
///
/// # Errors
/// Why it cannot be used.
pub fn shape(found: &Found, mapped: &[Mapped]) -> Result<Shape, String> {
    let (packing, head) = open::head(found).map_err(|error| format!("cannot be read: {error}"))?;
    let layout = dialect::recognise(&head, mapped)?;
    let above = head.records.iter().filter(|record| record.end <= layout.first_row.0).count();
    let lines_above = (packing != Packing::Parquet).then_some(above);
    let columns = head.records.into_iter().next().map(|record| record.cells).unwrap_or_default();
    Ok(Shape { layout, lines_above, columns, is_zstandard: packing == Packing::Zstandard })
}

/// The meanings of cells, over all files.
#[derive(Default)]
pub struct Meanings {
    scopes: Scopes,
    listings: Listings,
}

/// A row of which only some cells are known.
struct Known<'a> {
    cells: [(Option<usize>, &'a str); 4],
    fields: usize,
}

impl Fields for Known<'_> {
    fn len(&self) -> usize {
        self.fields
    }

    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        let cell = self.cells.iter().find(|(column, _)| *column == Some(index));
        cell.map(|(_, text)| Cow::Borrowed(text.as_bytes()))
    }
}

impl Meanings {
    /// The number of the scope that a chart cell and a region cell name, whether it has streams, and
    /// the day of a date cell. What the file's name says needs no cell.
    pub fn head(&mut self, layout: &Layout, [chart, region, date]: [&str; 3]) -> Option<(u16, bool, Day)> {
        let [chart_in, region_in, day_in] = head_columns(layout);
        let known = Known {
            cells: [(chart_in, chart), (region_in, region), (day_in, date), (None, "")],
            fields: layout.fields,
        };
        let mut decoder = RowDecoder::new(layout, &self.scopes, &mut self.listings, Rows::default(), 1);
        let (scope, has_streams) = decoder.scope(&known).ok()?;
        let (day, _) = decoder.day(&known).ok()?;
        Some((scope.code, has_streams, day))
    }

    /// The number of the listing that the cells of [`track_columns`] name.
    pub fn listing(&mut self, layout: &Layout, cells: [&str; 4]) -> Option<u32> {
        let columns = track_columns(layout);
        let mut known = Known { cells: [(None, ""); 4], fields: layout.fields };
        for (place, of) in known.cells.iter_mut().zip(columns.into_iter().zip(cells)) {
            *place = of;
        }
        let mut decoder = RowDecoder::new(layout, &self.scopes, &mut self.listings, Rows::default(), 1);
        let place = decoder.look_up(&known);
        decoder.listing(&known, place).ok()
    }

    /// Chart and region of each scope, and the listings, by their numbers. Cells that differ in blanks
    /// alone have two numbers for one listing.
    pub fn into_names(self) -> (Vec<(String, String)>, Vec<Listing>) {
        (self.scopes.into_names().1, self.listings.into_names())
    }
}

/// The columns of chart, region and date; `None` where the file's name or the dialect says it.
pub fn head_columns(layout: &Layout) -> [Option<usize>; 3] {
    let chart = match layout.chart {
        ChartIn::Fixed(_) => None,
        ChartIn::Column(column, _) => Some(column),
    };
    let region = match layout.region {
        RegionIn::Fixed(_) => None,
        RegionIn::Column(column) => Some(column),
    };
    let day = match layout.day {
        DayIn::Fixed(_) => None,
        DayIn::Column(column, _) => Some(column),
    };
    [chart, region, day]
}

/// The columns that name a track.
pub fn track_columns(layout: &Layout) -> [Option<usize>; 4] {
    match layout.track {
        TrackIn::Together(column) => [Some(column), None, None, None],
        TrackIn::Columns { uri, title, artists, features } => [uri, Some(title), Some(artists), features],
    }
}

/// The most streams that a row may claim.
pub const MOST_STREAMS: i64 = cells::MOST_STREAMS;
