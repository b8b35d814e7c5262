//! The text of a cell to a value, and the reasons for which a row is quarantined.

use std::borrow::Cow;
use std::fmt;

/// The most streams a row may claim: 2^53, up to which every tool that reads the tables keeps
/// whole numbers exact.
pub const MOST_STREAMS: i64 = 1 << 53;

/// Why a row was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// More or fewer cells than the header.
    FieldCount,
    /// Streams that are not a whole number.
    StreamsNotANumber,
    /// Streams below zero.
    StreamsNegative,
    /// Streams over [`MOST_STREAMS`].
    StreamsTooLarge,
    /// No track: neither an identifier nor, in exports without identifiers, an artist and a title.
    NoTrack,
    /// A rank that is not a whole number from 1 to 65,535.
    RankInvalid,
    /// A date that does not parse or lies outside 1970 to 2149.
    DateInvalid,
    /// A weekly date that is neither a Thursday nor the Friday after it.
    DateNotThursday,
    /// No region.
    NoRegion,
    /// A chart that is not known.
    ChartUnknown,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A cell of featured artists that is not a list.
    FeaturesInvalid,
    /// Compressed data that breaks off or is damaged.
    Unreadable,
}

impl Reason {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Self; 13] = [
        Self::FieldCount,
        Self::StreamsNotANumber,
        Self::StreamsNegative,
        Self::StreamsTooLarge,
        Self::NoTrack,
        Self::RankInvalid,
        Self::DateInvalid,
        Self::DateNotThursday,
        Self::NoRegion,
        Self::ChartUnknown,
        Self::InvalidUtf8,
        Self::FeaturesInvalid,
        Self::Unreadable,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::FieldCount => "wrong field count",
            Self::StreamsNotANumber => "streams are not a whole number",
            Self::StreamsNegative => "streams are negative",
            Self::StreamsTooLarge => "streams are over 2^53",
            Self::NoTrack => "no track",
            Self::RankInvalid => "rank is not a whole number from 1 to 65535",
            Self::DateInvalid => "date does not parse",
            Self::DateNotThursday => "weekly date is not a Thursday",
            Self::NoRegion => "no region",
            Self::ChartUnknown => "unknown chart",
            Self::InvalidUtf8 => "invalid utf-8",
            Self::FeaturesInvalid => "featured artists are not a list",
            Self::Unreadable => "the rest of the file cannot be read",
        })
    }
}

/// The text of a cell, without blanks around it.
///
/// # Errors
/// [`Reason::InvalidUtf8`].
pub fn text(cell: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(cell).map(str::trim).map_err(|_| Reason::InvalidUtf8)
}

/// A whole number: `1204`, `12.0` (as frames with gaps write integers), `+804`, and `1,204` where
/// `thousands` stands between groups of three digits. Where that is a point, a comma begins the
/// decimals. `None` where it is something else; the sign is kept, so that "negative" can be told from
/// "not a number".
pub fn whole_number(cell: &[u8], thousands: Option<u8>) -> Option<i64> {
    // Nearly every number is a few bare digits.
    if (1..=18).contains(&cell.len()) {
        let (value, digits) = cell.iter().fold((0, true), |(value, digits), byte| {
            let digit = byte.wrapping_sub(b'0');
            (i64::wrapping_add(i64::wrapping_mul(value, 10), i64::from(digit)), digits & (digit < 10))
        });
        if digits {
            return Some(value);
        }
    }
    let narrowed = (thousands == Some(b' ') && !cell.is_ascii()).then(|| narrow(cell));
    let cell = narrowed.as_deref().unwrap_or(cell).trim_ascii();
    let (negative, digits) = match cell {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let decimals = if thousands == Some(b'.') { b',' } else { b'.' };
    let digits = match digits.iter().position(|&byte| byte == decimals) {
        Some(dot) if digits[dot + 1..].iter().all(|&byte| byte == b'0') => &digits[..dot],
        _ => digits,
    };
    let separator = thousands.filter(|separator| digits.contains(separator));
    if let Some(separator) = separator {
        let mut groups = digits.split(|&byte| byte == separator);
        let first = groups.next().unwrap_or_default();
        if !(1..=3).contains(&first.len()) || groups.any(|group| group.len() != 3) {
            return None;
        }
    }
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
            }
            byte if Some(byte) == separator => {}
            _ => return None,
        }
    }
    Some(if negative { -value } else { value })
}

/// The blanks that spreadsheets put between thousands, so that no line breaks there, as plain ones.
fn narrow(cell: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(cell).replace(['\u{A0}', '\u{2009}', '\u{202F}'], " ").into_bytes()
}

/// Streams: 0 to 2^53.
///
/// # Errors
/// The reason why it is not that.
pub fn streams(value: Option<i64>) -> Result<i64, Reason> {
    match value {
        None => Err(Reason::StreamsNotANumber),
        Some(value) if value < 0 => Err(Reason::StreamsNegative),
        Some(value) if value > MOST_STREAMS => Err(Reason::StreamsTooLarge),
        Some(value) => Ok(value),
    }
}

/// A rank: 1 to 65,535.
///
/// # Errors
/// [`Reason::RankInvalid`].
pub fn rank(value: Option<i64>) -> Result<u16, Reason> {
    value.and_then(|value| u16::try_from(value).ok()).filter(|&rank| rank > 0).ok_or(Reason::RankInvalid)
}

/// The URI of a track, from a URI, a link or a bare identifier of 22 characters.
///
/// Identifiers of other services pass as they are.
pub fn track_uri(cell: &str) -> Cow<'_, str> {
    const ID: usize = 22;
    let bare = |id: &str| id.len() == ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some((_, path)) = cell.split_once("/track/") {
        let id = path.split(['?', '/', '#']).next().unwrap_or_default();
        if bare(id) {
            return Cow::Owned(format!("spotify:track:{id}"));
        }
    }
    if bare(cell) { Cow::Owned(format!("spotify:track:{cell}")) } else { Cow::Borrowed(cell) }
}

/// The track of an export that has no identifiers.
pub fn named_track(artists: &str, title: &str) -> String {
    format!("name:{artists} - {title}")
}

/// A lead artist and a list such as `['Latto', "D'Angelo"]` to one artist cell.
///
/// # Errors
/// [`Reason::FeaturesInvalid`].
pub fn with_features(lead: &str, list: &str) -> Result<String, Reason> {
    let inner = list.trim();
    if inner.is_empty() {
        return Ok(lead.to_owned());
    }
    let inner =
        inner.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or(Reason::FeaturesInvalid)?;
    let mut cell = lead.to_owned();
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"')).ok_or(Reason::FeaturesInvalid)?;
        let mut name = String::new();
        let mut letters = rest[1..].char_indices();
        let end = loop {
            match letters.next().ok_or(Reason::FeaturesInvalid)? {
                (at, letter) if letter == quote => break at + 2,
                (_, '\\') => name.push(letters.next().ok_or(Reason::FeaturesInvalid)?.1),
                (_, letter) => name.push(letter),
            }
        };
        if !name.trim().is_empty() {
            cell.push_str(", ");
            cell.push_str(name.trim());
        }
        rest = rest[end..].trim_start();
        rest = match rest.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if rest.is_empty() => rest,
            None => return Err(Reason::FeaturesInvalid),
        };
    }
    Ok(cell)
}

/// `Artist - Title (w/ X, Y)` to the artist cell `Artist, X, Y` and the title.
///
/// # Errors
/// [`Reason::NoTrack`] without an artist and a title.
pub fn artist_and_title(cell: &str) -> Result<(String, &str), Reason> {
    let (artist, title) = cell.split_once(" - ").ok_or(Reason::NoTrack)?;
    let (title, with) = match title.strip_suffix(')').and_then(|rest| rest.rsplit_once("(w/ ")) {
        Some((title, with)) => (title, Some(with)),
        None => (title, None),
    };
    let (artist, title) = (artist.trim(), title.trim());
    if artist.is_empty() || title.is_empty() {
        return Err(Reason::NoTrack);
    }
    Ok((with.map_or_else(|| artist.to_owned(), |with| format!("{artist}, {}", with.trim())), title))
}
