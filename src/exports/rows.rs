//! Rows to observations: the generic decoder that follows a layout.

pub mod apart;

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

use super::cells::{self, Reason};
use super::dialect::{ChartIn, DayIn, Layout, RegionIn, ReportedIn, TrackIn};
use super::listings::{self, Listing, Listings, Numbered};
use super::records::{Fields, Place, TOGETHER, Visit};
use super::regions;
use crate::dates::{Day, Month};

/// Streams of a chart that has none.
pub const NO_STREAMS: i64 = -1;
/// A running total that the export does not give.
pub const NO_TOTAL: i64 = -1;

/// Observations, column by column; codes are local to one decoding. Charts are sorted, so what a chart
/// says once for all of its rows is kept once.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Where the rows stand, in their order.
    pub stretches: Vec<Stretch>,
    /// Rank, from 1.
    pub rank: Vec<u16>,
    /// Listing, in the worker's dictionary.
    pub listing: Vec<u32>,
    /// Streams, or [`NO_STREAMS`].
    pub streams: Vec<i64>,
    /// Running totals or [`NO_TOTAL`]; empty where the dialect has none.
    pub total: Vec<i64>,
    /// What the export reports; empty where the dialect reports nothing.
    pub reported: Vec<Reported>,
}

/// Rows of one chart, region and day on lines that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Chart and region.
    pub scope: u16,
    /// Data day.
    pub day: Day,
    /// Line of the first row in a text file, its row in a Parquet file, both from 1.
    pub line: u32,
    /// How many rows.
    pub rows: u32,
}

impl Stretch {
    /// The lines of its rows.
    pub fn lines(self) -> impl Iterator<Item = u32> {
        (0..self.rows).map(move |row| self.line.saturating_add(row))
    }

    /// Whether a row there is the next one.
    fn goes_on_with(&self, scope: u16, day: Day, line: u32) -> bool {
        self.scope == scope && self.day == day && self.line.checked_add(self.rows) == Some(line)
    }
}

/// What an export itself says of a track's past; 0 where a cell is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Best rank so far.
    pub peak: u16,
    /// Rank in the chart before; −1 for new and re-entry.
    pub previous: i32,
    /// Charts so far.
    pub appearances: u32,
}

impl Rows {
    /// How many observations.
    pub fn len(&self) -> usize {
        self.rank.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rank.is_empty()
    }

    /// Scope, day and line of each row.
    pub fn places(&self) -> impl Iterator<Item = (u16, Day, u32)> {
        let of = |stretch: &Stretch| {
            let Stretch { scope, day, .. } = *stretch;
            stretch.lines().map(move |line| (scope, day, line))
        };
        self.stretches.iter().flat_map(of)
    }

    /// Memory for `count` rows with the optional columns of `like`.
    pub fn with_capacity(count: usize, like: &Self) -> Self {
        let optional = |has: bool| if has { count } else { 0 };
        Self {
            stretches: Vec::new(),
            rank: Vec::with_capacity(count),
            listing: Vec::with_capacity(count),
            streams: Vec::with_capacity(count),
            total: Vec::with_capacity(optional(!like.total.is_empty())),
            reported: Vec::with_capacity(optional(!like.reported.is_empty())),
        }
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        let Self { stretches, rank, listing, streams, total, reported } = self;
        stretches.clear();
        rank.clear();
        listing.clear();
        streams.clear();
        total.clear();
        reported.clear();
    }

    /// Appends the rows of `other` in `range`, which are those of its `stretches`. Optional columns are
    /// filled up where only one of the two has them.
    pub fn extend_from(&mut self, other: &Self, stretches: Range<usize>, range: Range<usize>) {
        let before = self.len();
        self.stretches.extend_from_slice(&other.stretches[stretches]);
        self.rank.extend_from_slice(&other.rank[range.clone()]);
        self.listing.extend_from_slice(&other.listing[range.clone()]);
        self.streams.extend_from_slice(&other.streams[range.clone()]);
        extend_optional(&mut self.total, before, &other.total, range.clone(), NO_TOTAL);
        extend_optional(&mut self.reported, before, &other.reported, range, Reported::default());
    }
}

fn extend_optional<T: Copy>(into: &mut Vec<T>, before: usize, from: &[T], range: Range<usize>, none: T) {
    if from.is_empty() && into.is_empty() {
        return;
    }
    into.resize(before, none);
    match from.get(range.clone()) {
        Some(values) => into.extend_from_slice(values),
        None => into.resize(before + range.len(), none),
    }
}

/// A row that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Line of a text file, row of a Parquet file, both from 1.
    pub line: u32,
    /// Why.
    pub reason: Reason,
    /// The row as it stands in the file, shortened when very long.
    pub raw: String,
}

/// The charts and regions met so far, shared by all workers.
#[derive(Default)]
pub struct Scopes {
    known: Mutex<ScopeTable>,
}

#[derive(Default)]
struct ScopeTable {
    codes: HashMap<(String, String), u16>,
    charts: Vec<String>,
}

/// A code for a chart and region, and one for the chart.
#[derive(Clone, Copy, Debug)]
struct Scope {
    code: u16,
    chart: u16,
}

impl Scopes {
    fn code(&self, chart: &str, region: &str) -> Option<Scope> {
        let mut table = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let chart_code = match table.charts.iter().position(|known| known == chart) {
            Some(code) => code,
            None => {
                table.charts.push(chart.to_owned());
                table.charts.len() - 1
            }
        };
        let next = u16::try_from(table.codes.len()).ok()?;
        let code = *table.codes.entry((chart.to_owned(), region.to_owned())).or_insert(next);
        Some(Scope { code, chart: u16::try_from(chart_code).ok()? })
    }

    /// The charts, and the chart and region of each scope, in the order of their codes.
    pub fn into_names(self) -> (Vec<String>, Vec<(String, String)>) {
        let table = self.known.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut names: Vec<_> = table.codes.into_iter().collect();
        names.sort_by_key(|(_, code)| *code);
        (table.charts, names.into_iter().map(|(name, _)| name).collect())
    }
}

/// Where rows of one chart and month begin; they end where the next run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Code of the chart.
    pub chart: u16,
    /// The month.
    pub month: Month,
    /// The first row.
    pub start: usize,
    /// The first stretch.
    pub stretch: usize,
}

/// Decodes the rows of one block.
pub struct RowDecoder<'a> {
    layout: &'a Layout,
    scopes: &'a Scopes,
    listings: &'a mut Listings,
    /// The good rows.
    pub rows: Rows,
    /// Where chart or month change.
    pub runs: Vec<Run>,
    /// The bad rows.
    pub set_aside: Vec<SetAside>,
    /// All rows.
    pub read: u64,
    /// The line of the block's first byte, from 1.
    pub first_line: u32,
    neighbour: Neighbour,
    /// Listings whose cells the source has numbered.
    numbered: Numbered,
}

/// What the row before said: charts are sorted, so most rows repeat its region and date.
#[derive(Default)]
struct Neighbour {
    chart: Vec<u8>,
    region: Vec<u8>,
    scope: Option<(Scope, bool)>,
    date: Vec<u8>,
    day: Option<(Day, Month)>,
    /// A day of a typed column, and how it is dated.
    typed_day: Option<(Day, (Day, Month))>,
}

impl<'a> RowDecoder<'a> {
    /// A decoder for a block whose first byte is in line `first_line`; `rows` is empty memory.
    pub fn new(
        layout: &'a Layout,
        scopes: &'a Scopes,
        listings: &'a mut Listings,
        rows: Rows,
        first_line: u32,
    ) -> Self {
        Self {
            layout,
            scopes,
            listings,
            rows,
            runs: Vec::new(),
            set_aside: Vec::new(),
            read: 0,
            first_line,
            neighbour: Neighbour::default(),
            numbered: Numbered::default(),
        }
    }

    fn row<F: Fields>(
        &mut self,
        fields: &F,
        line: u32,
        place: Option<listings::Place>,
    ) -> Result<(), Reason> {
        let layout = self.layout;
        if fields.len() != layout.fields {
            return Err(Reason::FieldCount);
        }
        let (scope, has_streams) = self.scope(fields)?;
        let (day, month) = self.day(fields)?;
        let rank = cells::rank(integer(fields, layout.rank, None))?;
        let streams = match has_streams {
            true => cells::streams(integer(fields, layout.streams, layout.thousands))?,
            false => NO_STREAMS,
        };
        let listing = self.listing(fields, place)?;

        match self.rows.stretches.last_mut() {
            Some(stretch) if stretch.goes_on_with(scope.code, day, line) => stretch.rows += 1,
            _ => self.begin_stretch(scope, (day, month), line),
        }
        self.rows.rank.push(rank);
        self.rows.streams.push(streams);
        self.rows.listing.push(listing);
        if let Some(column) = layout.total {
            let total = integer(fields, column, layout.thousands).filter(|&total| total >= 0);
            self.rows.total.push(total.unwrap_or(NO_TOTAL));
        }
        if let Some(columns) = layout.reported {
            self.rows.reported.push(reported(fields, columns));
        }
        Ok(())
    }

    fn begin_stretch(&mut self, scope: Scope, (day, month): (Day, Month), line: u32) {
        if self.runs.last().is_none_or(|run| run.month != month || run.chart != scope.chart) {
            let (start, stretch) = (self.rows.len(), self.rows.stretches.len());
            self.runs.push(Run { chart: scope.chart, month, start, stretch });
        }
        self.rows.stretches.push(Stretch { scope: scope.code, day, line, rows: 1 });
    }

    fn scope<F: Fields>(&mut self, fields: &F) -> Result<(Scope, bool), Reason> {
        let chart = match &self.layout.chart {
            ChartIn::Fixed(_) => Cow::Borrowed(&b""[..]),
            ChartIn::Column(column, _) => fields.key(*column).unwrap_or_default(),
        };
        let region = match &self.layout.region {
            RegionIn::Fixed(_) => Cow::Borrowed(&b""[..]),
            RegionIn::Column(column) => fields.key(*column).unwrap_or_default(),
        };
        if let Some(scope) = self.neighbour.scope
            && is_same(&self.neighbour.region, &region)
            && is_same(&self.neighbour.chart, &chart)
        {
            return Ok(scope);
        }
        let scope = self.new_scope(fields)?;
        self.neighbour.chart = chart.into_owned();
        self.neighbour.region = region.into_owned();
        self.neighbour.scope = Some(scope);
        Ok(scope)
    }

    #[cold]
    fn new_scope<F: Fields>(&self, fields: &F) -> Result<(Scope, bool), Reason> {
        let (chart_name, has_streams) = match &self.layout.chart {
            ChartIn::Fixed(name) => (name.as_str(), true),
            ChartIn::Column(column, charts) => {
                let word = fields.text(*column).unwrap_or_default();
                let word = cells::text(&word)?;
                let known = charts.iter().find(|(value, ..)| *value == word);
                known.map(|(_, name, has_streams)| (*name, *has_streams)).ok_or(Reason::ChartUnknown)?
            }
        };
        let region_code = match &self.layout.region {
            RegionIn::Fixed(code) => Cow::Borrowed(code.as_str()),
            RegionIn::Column(column) => {
                let name = fields.text(*column).unwrap_or_default();
                regions::code(cells::text(&name)?)
            }
        };
        if region_code.is_empty() {
            return Err(Reason::NoRegion);
        }
        // More than 65,535 scopes are not charts but a column mistaken for the region.
        let scope = self.scopes.code(chart_name, &region_code).ok_or(Reason::NoRegion)?;
        Ok((scope, has_streams))
    }

    fn day<F: Fields>(&mut self, fields: &F) -> Result<(Day, Month), Reason> {
        let (column, format) = match &self.layout.day {
            DayIn::Fixed(day) => return Ok((*day, day.month())),
            DayIn::Column(column, format) => (*column, format),
        };
        if format.is_none()
            && let Some(day) = fields.day(column)
        {
            if let Some((known, dated)) = self.neighbour.typed_day
                && known == day
            {
                return Ok(dated);
            }
            let dated = self.layout.period.dated(day)?;
            let dated = (dated, dated.month());
            self.neighbour.typed_day = Some((day, dated));
            return Ok(dated);
        }
        let key = fields.key(column).unwrap_or_default();
        if let Some(day) = self.neighbour.day
            && is_same(&self.neighbour.date, &key)
        {
            return Ok(day);
        }
        let date = fields.text(column).unwrap_or_default();
        let day = match format {
            Some(format) => {
                chrono::NaiveDate::parse_from_str(cells::text(&date)?, format).ok().and_then(Day::from_date)
            }
            None => {
                let date = date.trim_ascii();
                // A week as `from--to`, where the second date is the Friday after it.
                let ends = date.iter().enumerate().find(|(at, _)| date[*at..].starts_with(b"--"));
                Day::parse(ends.map_or(date, |(at, _)| &date[at + 2..]))
            }
        };
        let day = self.layout.period.dated(day.ok_or(Reason::DateInvalid)?)?;
        self.neighbour.date = key.into_owned();
        self.neighbour.day = Some((day, day.month()));
        Ok((day, day.month()))
    }

    /// Where the listing of a row may stand. One whose cells are numbered is found without.
    #[inline(always)]
    fn look_up<F: Fields>(&self, fields: &F) -> Option<listings::Place> {
        let first = match self.layout.track {
            TrackIn::Together(column) => column,
            TrackIn::Columns { uri, .. } => uri?,
        };
        if fields.number(first).is_some() {
            return None;
        }
        self.listings.look_up(&fields.key(first)?)
    }

    /// The numbers of the cells that name a listing, where the source has numbered all of them.
    #[inline(always)]
    fn numbers<F: Fields>(&self, fields: &F) -> Option<[u32; 3]> {
        match self.layout.track {
            TrackIn::Together(column) => Some([fields.number(column)?, 0, 0]),
            TrackIn::Columns { uri: Some(uri), title, artists, features: None } => {
                Some([fields.number(uri)?, fields.number(title)?, fields.number(artists)?])
            }
            TrackIn::Columns { uri: None, title, artists, features: None } => {
                Some([fields.number(title)?, fields.number(artists)?, 0])
            }
            TrackIn::Columns { features: Some(_), .. } => None,
        }
    }

    #[inline(always)]
    fn listing<F: Fields>(&mut self, fields: &F, place: Option<listings::Place>) -> Result<u32, Reason> {
        let Some(numbers) = self.numbers(fields) else { return self.listing_by_keys(fields, place) };
        if let Some(code) = self.numbered.code(numbers) {
            return Ok(code);
        }
        let code = self.listing_by_keys(fields, place)?;
        self.numbered.keep(numbers, code);
        Ok(code)
    }

    #[inline(always)]
    fn listing_by_keys<F: Fields>(
        &mut self,
        fields: &F,
        place: Option<listings::Place>,
    ) -> Result<u32, Reason> {
        let key = |column: usize| fields.key(column).unwrap_or_default();
        match self.layout.track {
            TrackIn::Together(column) => {
                self.listings.code([&key(column), b"", b""], place, || together(fields, column))
            }
            TrackIn::Columns { uri, title, artists, features } => {
                let lead = key(artists);
                let artists_key = match features {
                    // A list that can be told from a name by its bracket, so that the two cells
                    // make one key.
                    Some(column) => Cow::Owned([&*lead, b"\0", &*key(column)].concat()),
                    None => lead,
                };
                let uri_key = uri.map(key);
                let keys = [uri_key.as_deref().unwrap_or_default(), &key(title), &artists_key];
                self.listings.code(keys, place, || in_columns(fields, uri, title, artists, features))
            }
        }
    }
}

/// The listing that the one cell of a column names.
#[cold]
fn together<F: Fields>(fields: &F, column: usize) -> Result<Listing, Reason> {
    let cell = fields.text(column).unwrap_or_default();
    let (artists, title) = cells::artist_and_title(cells::text(&cell)?)?;
    let uri = cells::named_track(&artists, title);
    Ok(Listing { uri, title: title.to_owned(), artists })
}

/// The listing that several cells name.
#[cold]
fn in_columns<F: Fields>(
    fields: &F,
    uri: Option<usize>,
    title: usize,
    artists: usize,
    features: Option<usize>,
) -> Result<Listing, Reason> {
    let cell = |column: usize| fields.text(column).unwrap_or_default();
    let (title, lead) = (cell(title), cell(artists));
    let (title, lead) = (cells::text(&title)?, cells::text(&lead)?);
    let artists = match features {
        Some(column) => cells::with_features(lead, cells::text(&cell(column))?)?,
        None => lead.to_owned(),
    };
    let uri = match uri {
        Some(column) => cells::track_uri(cells::text(&cell(column))?).into_owned(),
        None if title.is_empty() || artists.is_empty() => String::new(),
        None => cells::named_track(&artists, title),
    };
    if uri.is_empty() {
        return Err(Reason::NoTrack);
    }
    Ok(Listing { uri, title: title.to_owned(), artists })
}

/// Whether two keys are the same. Most are a few bytes long: a call would take longer than to look.
#[inline(always)]
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    fn ends<const N: usize>(cell: &[u8]) -> Option<([u8; N], [u8; N])> {
        Some((*cell.first_chunk()?, *cell.last_chunk()?))
    }
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        8..=16 => {
            let words = |cell| ends::<8>(cell).map(|(a, b)| (u64::from_le_bytes(a), u64::from_le_bytes(b)));
            words(a) == words(b)
        }
        4..=7 => {
            let words = |cell| ends::<4>(cell).map(|(a, b)| (u32::from_le_bytes(a), u32::from_le_bytes(b)));
            words(a) == words(b)
        }
        _ => a == b,
    }
}

impl RowDecoder<'_> {
    #[inline(always)]
    fn take<F: Fields>(&mut self, fields: &F, place: Place<'_>, listing: Option<listings::Place>) {
        self.read += 1;
        let line = self.first_line.saturating_add(place.line);
        if let Err(reason) = self.row(fields, line, listing) {
            self.set_aside.push(SetAside { line, reason, raw: shortened(place.raw) });
        }
    }
}

impl Visit for RowDecoder<'_> {
    fn record<F: Fields>(&mut self, fields: &F, place: Place<'_>) {
        let listing = self.look_up(fields);
        self.take(fields, place, listing);
    }

    fn records<F: Fields>(&mut self, records: &[(F, Place<'_>)]) {
        for records in records.chunks(TOGETHER) {
            let mut listings = [None; TOGETHER];
            for (listing, (fields, _)) in listings.iter_mut().zip(records) {
                *listing = self.look_up(fields);
            }
            self.listings.fetch(&listings);
            for ((fields, place), listing) in records.iter().zip(listings) {
                self.take(fields, *place, listing);
            }
        }
    }
}

/// The raw row for the quarantine, without its line end and at most [`RAW_BYTES`] long.
pub fn shortened(raw: &[u8]) -> String {
    const RAW_BYTES: usize = 4096;
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
    let mut text = String::from_utf8_lossy(&raw[..raw.len().min(RAW_BYTES)]).into_owned();
    if raw.len() > RAW_BYTES {
        text.push('…');
    }
    text
}

fn integer<F: Fields>(fields: &F, column: usize, thousands: Option<u8>) -> Option<i64> {
    fields.integer(column).or_else(|| cells::whole_number(&fields.text(column)?, thousands))
}

fn reported<F: Fields>(fields: &F, columns: ReportedIn) -> Reported {
    let number = |column: Option<usize>| column.and_then(|column| integer(fields, column, Some(b',')));
    let clamp = |value: Option<i64>, most: i64| value.unwrap_or(0).clamp(-1, most);
    Reported {
        peak: clamp(number(columns.peak), i64::from(u16::MAX)).max(0) as u16,
        previous: clamp(number(columns.previous), i64::from(u16::MAX)) as i32,
        appearances: clamp(number(columns.appearances), i64::from(u32::MAX)).max(0) as u32,
    }
}
