//! The beginning of a file as columns, and what their cells look like.

use std::collections::BTreeSet;
use std::io::{BufReader, Read};

use chrono::NaiveDate;

use crate::exports::dialect::Thousands;
use crate::exports::discover::Found;
use crate::exports::open::{Packing, read_full};
use crate::exports::{cells, intake};

/// How much of a file is looked at.
const SAMPLE_BYTES: usize = 1 << 18;
const SAMPLE_ROWS: usize = 1000;

/// How dates are written, the likelier first. The first is what a pipeline takes without being told.
pub const DATE_FORMATS: [&str; 27] = [
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d %b %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M:%S%:z",
    "%b %d %Y",
    "%B %d %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%A, %d %B %Y",
    "%Y년 %m월 %d일",
];

/// A column of the sample.
pub struct Seen<'a> {
    pub name: &'a str,
    pub key: String,
    pub cells: Vec<&'a str>,
    /// What stands between thousands.
    pub separator: Option<u8>,
}

impl<'a> Seen<'a> {
    pub fn new(name: &'a str, cells: Vec<&'a str>) -> Self {
        let key = name.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '#').collect();
        let mut seen = Self { name, key, cells, separator: None };
        seen.separator = seen.thousands().and_then(byte);
        seen
    }
}

fn byte(separator: char) -> Option<u8> {
    u8::try_from(separator).ok()
}

/// Whether a separator stands in a cell before three digits, and after one.
fn is_grouped(cell: &str, separator: char) -> bool {
    let cell = cell.replace(['\u{A0}', '\u{2009}', '\u{202F}'], " ");
    let mut groups = cell.trim().split(separator);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|first| is_digits(first.trim_start_matches(['+', '-'])));
    first && groups.next().and_then(|second| second.get(..3)).is_some_and(is_digits)
}

impl Seen<'_> {
    pub fn filled(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().copied().filter(|cell| !cell.is_empty())
    }

    /// Whether nearly all cells that are not empty, and at least one, are of a shape.
    pub fn mostly(&self, is: impl Fn(&str) -> bool) -> bool {
        let (all, fit) =
            self.filled().fold((0, 0), |(all, fit), cell| (all + 1, fit + usize::from(is(cell))));
        fit > 0 && fit * 10 >= all * 9
    }

    /// What stands between the thousands of its numbers, if anything: the first that makes nearly all
    /// of its cells numbers, and does so where it stands. A point goes before none at all, since
    /// `1.204` is a whole number with it alone, and `1.000` is a thousand sooner than a one.
    pub fn thousands(&self) -> Option<char> {
        let fits = |separator: &char| {
            let is_number = |cell: &str| cells::whole_number(cell.as_bytes(), byte(*separator)).is_some();
            let stands =
                |cell: &str| is_grouped(cell, *separator) || (*separator == '.' && cell.contains(','));
            self.mostly(is_number) && self.filled().any(stands)
        };
        Thousands::KNOWN.into_iter().find(fits)
    }

    pub fn number(&self, cell: &str) -> Option<i64> {
        cells::whole_number(cell.as_bytes(), self.separator)
    }

    pub fn is_numeric(&self) -> bool {
        self.mostly(|cell| self.number(cell).is_some())
    }

    /// The middle one of its numbers.
    pub fn median(&self) -> i64 {
        let mut numbers: Vec<i64> = self.filled().filter_map(|cell| self.number(cell)).collect();
        numbers.sort_unstable();
        numbers.get(numbers.len() / 2).copied().unwrap_or_default()
    }

    pub fn distinct(&self) -> usize {
        self.filled().collect::<BTreeSet<_>>().len()
    }

    /// The format in which its dates are written, and the dates. Where a sample can be read in two
    /// ways, the one in which the dates lie closer together.
    pub fn dates(&self) -> Option<(&'static str, Vec<NaiveDate>)> {
        let read = |format: &'static str| {
            let dates: Vec<NaiveDate> =
                self.filled().filter_map(|cell| NaiveDate::parse_from_str(cell, format).ok()).collect();
            let span = dates.iter().max()?.signed_duration_since(*dates.iter().min()?);
            let plausible = dates.iter().all(|date| (1970..2149).contains(&chrono::Datelike::year(date)));
            (plausible && dates.len() * 10 >= self.filled().count() * 9).then_some((span, format, dates))
        };
        let read = DATE_FORMATS.into_iter().filter_map(read);
        read.min_by_key(|(span, ..)| *span).map(|(_, format, dates)| (format, dates))
    }

    /// Another format in which all of its dates could be read, as other dates.
    pub fn other_dates(&self, format: &str, dates: &[NaiveDate]) -> Option<&'static str> {
        let other = |other: &&'static str| {
            let read = || self.filled().map(|cell| NaiveDate::parse_from_str(cell, other));
            *other != format && read().all(|date| date.is_ok()) && !read().flatten().eq(dates.iter().copied())
        };
        // Years of two digits would be read as those of the first century.
        DATE_FORMATS.iter().take(6).copied().find(|format| other(format))
    }

    pub fn is_track(&self) -> bool {
        let isrc = |cell: &str| {
            let bytes = cell.as_bytes();
            bytes.len() == 12
                && bytes.iter().all(u8::is_ascii_alphanumeric)
                && bytes.iter().take(2).all(u8::is_ascii_uppercase)
                && bytes.iter().skip(5).all(u8::is_ascii_digit)
        };
        self.mostly(|cell| cells::track_uri(cell).starts_with("spotify:track:") || isrc(cell))
    }
}

/// The beginning of a text file, unpacked.
pub fn sample(found: &Found) -> Result<Vec<u8>, String> {
    let unread = |error: std::io::Error| format!("it cannot be read: {error}");
    let mut file = intake::open(&found.path).map_err(unread)?;
    let mut start = [0; 4];
    let (filled, read) = read_full(&mut file, &mut start);
    read.map_err(unread)?;
    let start = start.get(..filled).unwrap_or_default();
    let packing = Packing::of(start);
    if packing == Packing::Parquet {
        return Err("of a Parquet file none is guessed; write the [[mapped]] table by hand".to_owned());
    }
    let mut unpacked = packing.unpack(start.chain(BufReader::new(file))).map_err(unread)?;
    let mut bytes = vec![0; SAMPLE_BYTES];
    let (filled, read) = read_full(&mut unpacked, &mut bytes);
    if filled == 0 {
        read.map_err(unread)?;
    }
    bytes.truncate(filled);
    if filled == SAMPLE_BYTES {
        // The last line is most likely not a whole one.
        let end = bytes.iter().rposition(|byte| *byte == b'\n').ok_or("its first line does not end")?;
        bytes.truncate(end + 1);
    }
    Ok(bytes)
}

/// The records of a text, by the delimiter that makes the most columns of the first line.
pub fn records(text: &str) -> Result<(u8, Vec<Vec<String>>), String> {
    let first = text.lines().next().unwrap_or_default();
    let delimiters = [b',', b';', b'\t', b'|'];
    let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
    let best = delimiters.into_iter().max_by_key(|delimiter| (count(delimiter), *delimiter == b','));
    let delimiter = best
        .filter(|delimiter| count(delimiter) >= 3)
        .ok_or("its first line has fewer than four columns, and it must be the header: delete what stands above that")?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let rows = reader.records().filter_map(Result::ok).take(SAMPLE_ROWS + 1);
    let rows: Vec<Vec<String>> =
        rows.map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect()).collect();
    match rows.len() {
        0 | 1 => Err("it has no row below the header".to_owned()),
        _ => Ok((delimiter, rows)),
    }
}
