//! Days and chart weeks of a request.

use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate};

use super::error::SynthError;

/// Where new chart weeks start, Monday being zero.
const FRIDAY: i32 = 4;

/// How often a chart comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    Daily,
    /// Friday to Thursday, dated by the Thursday.
    Weekly,
}

/// One issue of a chart.
#[derive(Debug, Clone)]
pub struct Period {
    /// Counts the issues from zero; neighbours differ by one.
    pub number: u32,
    /// The days it covers.
    pub days: Range<i32>,
    /// The date it carries, as ISO text.
    pub date: String,
}

impl Period {
    /// The day whose date the issue carries.
    pub fn last_day(&self) -> i32 {
        self.days.end - 1
    }
}

/// The days of a request, counted from zero.
#[derive(Debug, Clone)]
pub struct Calendar {
    from: NaiveDate,
    days: i32,
}

impl Calendar {
    pub fn new(from: NaiveDate, days: usize) -> Result<Self, SynthError> {
        let out_of_range = || SynthError::Calendar { from, days };
        let count = i32::try_from(days).map_err(|_| out_of_range())?;
        let end = from.checked_add_days(Days::new(days as u64)).ok_or_else(out_of_range)?;
        // Outside of four-digit years the ISO text grows a sign.
        if from.year() < 1 || end.year() > 9999 {
            return Err(out_of_range());
        }
        Ok(Self { from, days: count })
    }

    /// A day's usual listening in 1024ths of the mean: people listen most on
    /// Fridays, when new music comes out, and least on Sundays.
    pub fn lift(&self, day: i32) -> u64 {
        const LIFTS: [u64; 7] = [984, 1004, 1014, 1034, 1106, 1058, 968];
        LIFTS[(self.first_weekday() + day).rem_euclid(7) as usize]
    }

    /// The weekday of the first day, Monday being zero.
    fn first_weekday(&self) -> i32 {
        self.from.weekday().num_days_from_monday() as i32
    }

    /// Every issue whose days lie wholly inside the request.
    pub fn periods(&self, rhythm: Rhythm) -> Result<Vec<Period>, SynthError> {
        let length = match rhythm {
            Rhythm::Daily => 1,
            Rhythm::Weekly => 7,
        };
        let first = match rhythm {
            Rhythm::Daily => 0,
            Rhythm::Weekly => (FRIDAY - self.first_weekday()).rem_euclid(7),
        };
        let periods: Vec<Period> = (0..)
            .map(|number: u32| (number, first + number as i32 * length))
            .take_while(|(_, start)| start + length <= self.days)
            .map_while(|(number, start)| {
                let last = Days::new((start + length - 1) as u64);
                Some(Period {
                    number,
                    days: start..start + length,
                    date: self.from.checked_add_days(last)?.to_string(),
                })
            })
            .collect();
        if periods.is_empty() {
            return Err(SynthError::NoWholeWeek { from: self.from, days: self.days as usize });
        }
        Ok(periods)
    }
}
