//! Data days and months.
//!
//! A data day is 00:00 to 23:59 UTC. It is kept as the number of days since 1970-01-01 in 16 bits,
//! which reaches from 1970 to 2149 and keeps an observation small.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};

const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(1970, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// The time by the system's clock; the beginning of 1970 for one that is set to before it.
pub fn now() -> DateTime<Utc> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    DateTime::from_timestamp(seconds, since.subsec_nanos()).unwrap_or_default()
}

/// A data day: days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u16);

/// A calendar month: months since January 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month(pub u16);

impl Day {
    /// The day of a calendar date; `None` outside 1970-01-01 to 2149-06-06.
    pub fn from_date(date: NaiveDate) -> Option<Self> {
        u16::try_from(date.signed_duration_since(EPOCH).num_days()).ok().map(Self)
    }

    /// The calendar date of this day.
    pub fn date(self) -> NaiveDate {
        EPOCH.checked_add_days(chrono::Days::new(u64::from(self.0))).unwrap_or(EPOCH)
    }

    /// Reads `2024-03-20`, also with a time of day behind it (`2024-03-20 00:00:00`).
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        if !matches!(rest.first(), None | Some(b' ' | b'T')) {
            return None;
        }
        let digits = |range: std::ops::Range<usize>| {
            date[range].iter().try_fold(0u32, |value, byte| match byte {
                b'0'..=b'9' => Some(value * 10 + u32::from(byte - b'0')),
                _ => None,
            })
        };
        if date[4] != b'-' || date[7] != b'-' {
            return None;
        }
        let year = i32::try_from(digits(0..4)?).ok()?;
        Self::from_date(NaiveDate::from_ymd_opt(year, digits(5..7)?, digits(8..10)?)?)
    }

    /// The month this day lies in.
    pub fn month(self) -> Month {
        let date = self.date();
        let months = (date.year() - 1970) * 12 + date.month0() as i32;
        Month(u16::try_from(months).unwrap_or_default())
    }

    /// The date as a number: 20240320.
    pub fn number(self) -> i64 {
        let date = self.date();
        i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day())
    }

    /// The calendar year.
    pub fn year(self) -> i32 {
        self.date().year()
    }

    /// The first of January of this day's year.
    pub fn year_start(self) -> Self {
        Month((self.month().0 / 12) * 12).first()
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        self.date().weekday()
    }

    /// The day that is `days` later (earlier when negative), held inside the range of days.
    pub fn plus(self, days: i64) -> Self {
        let moved = i64::from(self.0).saturating_add(days).clamp(0, i64::from(u16::MAX));
        Self(moved as u16)
    }

    /// Days from `earlier` to this day.
    pub fn since(self, earlier: Self) -> i64 {
        i64::from(self.0) - i64::from(earlier.0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.date().format("%Y-%m-%d"))
    }
}

/// For people as a date, in files of our own as a number.
impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match out.is_human_readable() {
            true => out.collect_str(self),
            false => out.serialize_u16(self.0),
        }
    }
}

/// From files of our own.
impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u16::deserialize(from).map(Self)
    }
}

impl std::str::FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Self::parse(text.as_bytes()) {
            Some(day) if text.len() == 10 => Ok(day),
            _ => Err(format!("`{text}` is not a date such as 2024-03-20")),
        }
    }
}

impl Month {
    /// The first day of the month.
    pub fn first(self) -> Day {
        let (year, month) = (1970 + i32::from(self.0 / 12), u32::from(self.0 % 12) + 1);
        NaiveDate::from_ymd_opt(year, month, 1).and_then(Day::from_date).unwrap_or_default()
    }

    /// Reads `2024-03`.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 7).then(|| Day::parse(format!("{text}-01").as_bytes())).flatten().map(Day::month)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", 1970 + self.0 / 12, self.0 % 12 + 1)
    }
}
