//! The dates of a scope: which were due, which were exported, and what a chart's end says of those
//! who were not on it.

use crate::dates::Day;
use serde::{Deserialize, Serialize};

/// What is known of a due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateState {
    /// A full chart.
    Observed,
    /// Fewer rows than the scope usually has.
    Short,
    /// Exports contradict each other; a newer one prevailed.
    Conflict,
    /// Ranks with a hole.
    RankGap,
    /// A copy of the date before.
    Stale,
    /// No export.
    Missing,
}

impl DateState {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Short => "short",
            Self::Conflict => "conflict",
            Self::RankGap => "rank_gap",
            Self::Stale => "stale",
            Self::Missing => "missing",
        }
    }

    /// Whether its rows count.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Stale | Self::Missing)
    }
}

/// A date on which a chart was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The date.
    pub day: Day,
    /// What is known of it.
    pub state: DateState,
    /// Rows of its chart.
    pub rows: u32,
    /// Streams of the last row: the most that a track off the chart can have had. 0 where nothing
    /// is known.
    pub cutoff: i64,
}

/// The due dates of a scope in order.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    /// From the first exported date to the last.
    pub due: Vec<Due>,
    /// Days from one chart to the next.
    pub step: u16,
    /// For each date the cut-offs of all dates before it, and one more at the end.
    filled: Vec<i64>,
    /// For each date the next one (itself included) of which nothing is known.
    next_unknown: Vec<u32>,
    /// For each date how many before it were live.
    live_before: Vec<u32>,
}

/// What the survey saw of one exported date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The date.
    pub day: Day,
    /// Rows of its chart.
    pub rows: u32,
    /// Streams of the last row.
    pub cutoff: i64,
    /// Whether its ranks have a hole.
    pub rank_gap: bool,
    /// Whether it is a copy of the date before.
    pub stale: bool,
    /// Whether exports contradict each other.
    pub conflict: bool,
}

impl Calendar {
    /// The calendar of a scope from the dates that were exported, in order.
    pub(super) fn new(seen: &[Seen], step: u16) -> Self {
        let usual = usual_rows(seen);
        let mut due: Vec<Due> = Vec::with_capacity(seen.len());
        for date in seen {
            while let Some(last) = due.last()
                && date.day.since(last.day) > i64::from(step)
            {
                let day = last.day.plus(i64::from(step));
                due.push(Due { day, state: DateState::Missing, rows: 0, cutoff: 0 });
            }
            let state = match date {
                Seen { stale: true, .. } => DateState::Stale,
                Seen { conflict: true, .. } => DateState::Conflict,
                Seen { rank_gap: true, .. } => DateState::RankGap,
                Seen { rows, .. } if *rows < usual => DateState::Short,
                _ => DateState::Observed,
            };
            let cutoff = if state.is_live() { date.cutoff.max(0) } else { 0 };
            due.push(Due { day: date.day, state, rows: date.rows, cutoff });
        }
        let mut calendar = Self { due, step, ..Self::default() };
        let (mut filled, mut live) = (0i64, 0);
        for date in &calendar.due {
            calendar.filled.push(filled);
            calendar.live_before.push(live);
            filled = filled.saturating_add(date.cutoff);
            live += u32::from(date.state.is_live());
        }
        calendar.filled.push(filled);
        calendar.live_before.push(live);
        let mut next = calendar.due.len() as u32;
        calendar.next_unknown = vec![next; calendar.due.len() + 1];
        for (index, date) in calendar.due.iter().enumerate().rev() {
            if !date.state.is_live() {
                next = index as u32;
            }
            calendar.next_unknown[index] = next;
        }
        calendar
    }

    /// The index of a date, or of the first one after it.
    pub fn index(&self, day: Day) -> usize {
        self.due.partition_point(|due| due.day < day)
    }

    /// The cut-offs of the dates before index `at`.
    pub fn filled(&self, at: usize) -> i64 {
        self.filled.get(at).or(self.filled.last()).copied().unwrap_or(0)
    }

    /// The first date in `from..=until` of which nothing is known.
    pub fn first_unknown(&self, from: usize, until: usize) -> Option<Day> {
        let at = *self.next_unknown.get(from)? as usize;
        (at <= until).then(|| self.due.get(at).map(|due| due.day)).flatten()
    }

    /// How many dates before index `at` were live.
    pub fn live_before(&self, at: usize) -> u32 {
        self.live_before.get(at).copied().unwrap_or(0)
    }

    /// Where a count from `start` on begins: the first due date in reach, which may lie before the
    /// scope's first export.
    pub fn first_due(&self, start: Day) -> Day {
        let Some(first) = self.due.first() else { return start };
        let steps = first.day.since(start) / i64::from(self.step.max(1));
        if steps > 0 { first.day.plus(-steps * i64::from(self.step)) } else { start.max(first.day) }
    }

    /// The first day of the period that is dated `day`: the day itself, or the week's Friday.
    pub fn period_from(&self, day: Day) -> Day {
        day.plus(1 - i64::from(self.step.max(1)))
    }

    /// The last date.
    pub fn last(&self) -> Option<Day> {
        self.due.last().map(|due| due.day)
    }
}

/// The most frequent number of rows; the larger of two that are equally frequent.
fn usual_rows(seen: &[Seen]) -> u32 {
    let mut counts: Vec<u32> = seen.iter().filter(|date| !date.stale).map(|date| date.rows).collect();
    counts.sort_unstable();
    counts.chunk_by(|a, b| a == b).map(|group| (group.len(), group[0])).max().map_or(0, |(_, rows)| rows)
}
