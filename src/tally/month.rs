//! A month of a scope as the fold sees it: its live dates, its rows, and the entities met.

use super::calendar::Due;
use super::counter::Gain;
use super::{Clock, Window};
use crate::dates::Day;
use crate::exports::Reported;
use crate::ledger::Observation;

/// Short codes for the entities of one scope.
#[derive(Default)]
pub struct Met {
    short: Vec<u32>,
    /// The entities by short code.
    pub codes: Vec<u32>,
}

impl Met {
    /// The short code of an entity, a new one for an entity that was not met before.
    pub fn short(&mut self, code: u32) -> usize {
        let at = code as usize;
        if at >= self.short.len() {
            self.short.resize(at + 1, u32::MAX);
        }
        if self.short[at] == u32::MAX {
            self.short[at] = self.codes.len() as u32;
            self.codes.push(code);
        }
        self.short[at] as usize
    }

    /// The short code of an entity that was met.
    pub fn known(&self, code: u32) -> Option<u32> {
        self.short.get(code as usize).copied().filter(|&short| short != u32::MAX)
    }
}

/// A live date of a scope's month, and where its rows are.
#[derive(Clone, Copy)]
pub struct Date {
    /// Which of the scope's dates.
    pub at: usize,
    /// The date.
    pub due: Due,
    /// The first of its rows, and the one after the last.
    pub rows: (usize, usize),
    year: Window,
    month: Window,
}

impl Date {
    /// A date at a place of the calendar.
    pub fn new(at: usize, due: Due, rows: (usize, usize)) -> Self {
        let (year, month) = (Clock::CalendarYear.window(due.day), Clock::CalendarMonth.window(due.day));
        Self { at, due, rows, year, month }
    }

    /// The turn of a clock in which it lies.
    pub fn window(&self, clock: Clock) -> Window {
        match clock {
            Clock::CalendarYear => self.year,
            Clock::CalendarMonth => self.month,
            Clock::AllTime | Clock::Release | Clock::FirstCharted => Window::ALL,
        }
    }
}

/// The rows of a scope's month.
#[derive(Clone, Copy)]
pub struct MonthOf<'a> {
    /// Its live dates.
    pub dates: &'a [Date],
    /// All rows, sorted by date and rank.
    pub rows: &'a [Observation],
    /// For each row what it adds to a counter; `None` for a chart.
    pub gains: Option<&'a [Gain]>,
    /// Whether any row of the scope reports ranks or appearances of the past.
    pub has_reports: bool,
}

impl<'a> MonthOf<'a> {
    /// The live date at a place.
    pub fn date(&self, place: u8) -> Option<&'a Date> {
        self.dates.get(usize::from(place))
    }

    /// What a row's export reports of the past. Rows are looked up one by one, far apart from each
    /// other: not where there is nothing to find.
    pub fn reported(&self, row: u32) -> Reported {
        match self.has_reports {
            true => self.rows[row as usize].reported,
            false => Reported::default(),
        }
    }

    /// The rows of its live dates, with the place of the date in the month and that of the row.
    pub fn live_rows(self) -> impl Iterator<Item = (u8, usize, &'a Observation)> {
        self.dates.iter().enumerate().flat_map(move |(number, date)| {
            let (from, until) = date.rows;
            (from..until).map(move |row| (number as u8, row, &self.rows[row]))
        })
    }

    /// Its last live date.
    pub fn last(&self) -> Day {
        self.dates.last().map_or(Day(0), |date| date.due.day)
    }
}
