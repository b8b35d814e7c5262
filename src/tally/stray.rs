//! Dates that lie so far from all others that they are more likely mistakes.
//!
//! A chart is due on every date from its first to its last. One row of 1970 and one of 2149, in every
//! region there is, would have millions of dates due, each of them missing.

use std::fmt;

use super::calendar::Seen;
use super::survey::period;
use crate::dates::Day;

/// So many dates may be due whatever was exported: a daily chart of three hundred regions for 36 years.
const MANY: u64 = 4_000_000;

/// Dates that may be due for each with a chart, where they are many.
const FOR_EACH: u64 = 20;

/// Charts that are due on far more dates than there are any of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// `source:period` of the scope with the most due dates.
    pub chart: String,
    /// Its region.
    pub region: String,
    /// Its first date and its last.
    pub days: (Day, Day),
    /// Half of its charts are dated before this day.
    pub middle: Day,
    /// On how many dates the charts of all scopes are due.
    pub due: u64,
    /// On how many of them there is one.
    pub seen: u64,
}

impl Stray {
    /// What is wrong with the dates of these charts, regions and dates, if anything.
    pub fn of<'a>(scopes: impl Iterator<Item = (&'a str, &'a str, &'a [Seen])>) -> Option<Self> {
        let (mut due, mut seen) = (0, 0);
        let mut widest = (0, "", "", (Day::default(), Day::default()), Day::default());
        for (chart, region, dates) in scopes {
            let (Some(first), Some(last)) = (dates.first(), dates.last()) else { continue };
            let of_scope =
                u64::try_from(last.day.since(first.day)).unwrap_or(0) / u64::from(period(chart)) + 1;
            due += of_scope;
            seen += dates.len() as u64;
            if of_scope > widest.0 {
                let middle = dates.get(dates.len() / 2).map_or(first.day, |date| date.day);
                widest = (of_scope, chart, region, (first.day, last.day), middle);
            }
        }
        let (_, chart, region, days, middle) = widest;
        (due > MANY && due / FOR_EACH > seen).then(|| Self {
            chart: chart.to_owned(),
            region: region.to_owned(),
            days,
            middle,
            due,
            seen,
        })
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chart, region, days: (first, last), due, seen, .. } = self;
        write!(
            out,
            "{chart} {region} has charts from {first} to {last}, and all charts together would be due on {due} \
             dates, on {seen} of which there is one: look for absurd dates"
        )
    }
}
