//! What exports say of themselves, held against what was seen.

use super::calendar::Calendar;
use super::counter::Sighting;
use crate::catalog::EntityKind;
use crate::dates::Day;
use crate::exports::{NO_STREAMS, NO_TOTAL};
use crate::ledger::Observation;

/// One comparison between a report and a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The streams of a counter's day and of the chart's.
    Basis,
    /// A counter's total and the one before.
    CounterFall,
    /// A counter's total less the one before, and the day's streams.
    CounterStep,
    /// Number of appearances.
    Appearances,
    /// Best rank.
    PeakRank,
    /// Rank of the date before.
    PreviousRank,
    /// The catalog's date and the first sighting.
    ReleaseDate,
    /// A week and its seven days.
    WeeklySum,
}

impl Check {
    /// Every check.
    pub const ALL: [Self; 8] = [
        Self::Basis,
        Self::CounterFall,
        Self::CounterStep,
        Self::Appearances,
        Self::PeakRank,
        Self::PreviousRank,
        Self::ReleaseDate,
        Self::WeeklySum,
    ];

    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Basis => "basis",
            Self::CounterFall => "counter_fall",
            Self::CounterStep => "counter_step",
            Self::Appearances => "appearances",
            Self::PeakRank => "peak_rank",
            Self::PreviousRank => "previous_rank",
            Self::ReleaseDate => "release_date",
            Self::WeeklySum => "weekly_sum",
        }
    }
}

/// How the comparisons of one check went in one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Both say the same.
    pub agreed: u64,
    /// They do not.
    pub differed: u64,
    /// The history before the first export would decide.
    pub undecided: u64,
}

/// A comparison that did not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which one.
    pub check: Check,
    /// Index of the scope.
    pub scope: u32,
    /// The date.
    pub day: Day,
    /// Whom it is about.
    pub kind: EntityKind,
    /// Code of the entity.
    pub entity: u32,
    /// What is reported.
    pub reported: i64,
    /// What we have.
    pub computed: i64,
}

/// The comparisons of one scope.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// By [`Check`].
    pub scores: [Score; Check::ALL.len()],
    /// Those that did not agree.
    pub differences: Vec<Finding>,
}

impl Findings {
    /// Counts a comparison.
    pub fn compare(&mut self, finding: Finding, agrees: bool) {
        let score = &mut self.scores[finding.check as usize];
        match agrees {
            true => score.agreed += 1,
            false => {
                score.differed += 1;
                self.differences.push(finding);
            }
        }
    }

    /// Counts a comparison that cannot be made.
    pub fn undecided(&mut self, check: Check) {
        self.scores[check as usize].undecided += 1;
    }
}

/// The reports of the tracks of one scope.
#[derive(Default)]
pub struct Reports {
    past: Vec<Past>,
}

#[derive(Clone, Copy, Default)]
struct Past {
    /// Place of the last sighting in the calendar, from 1; 0 before the first.
    seen: u32,
    rank: u16,
    /// The best rank so far, our own and what the first report says.
    best: u16,
    appearances: u32,
}

/// A row of a date, with its track.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Index of the scope.
    pub scope: u32,
    /// Code of the track.
    pub track: u32,
    /// Its short code.
    pub short: usize,
    /// The row.
    pub row: &'a Observation,
}

impl Reports {
    /// Holds what a row reports against what was seen before.
    pub fn row(&mut self, of: Row<'_>, at: usize, calendar: &Calendar, findings: &mut Findings) {
        let Row { scope, track, short, row } = of;
        if short >= self.past.len() {
            self.past.resize(short + 1, Past::default());
        }
        let past = &mut self.past[short];
        let reported = row.reported;
        let finding = |check, reported: i64, computed: i64| Finding {
            check,
            scope,
            day: row.day,
            kind: EntityKind::Track,
            entity: track,
            reported,
            computed,
        };
        let first = past.seen == 0;
        let live = |from: usize, until: usize| calendar.live_before(until) - calendar.live_before(from);
        if first {
            past.best = row.rank;
        }
        past.best = past.best.min(row.rank);
        if reported.peak > 0 {
            match first && reported.peak < past.best {
                true => {
                    findings.undecided(Check::PeakRank);
                    past.best = reported.peak;
                }
                false => {
                    let (peak, best) = (i64::from(reported.peak), i64::from(past.best));
                    findings.compare(finding(Check::PeakRank, peak, best), peak == best);
                }
            }
        }
        if reported.appearances > 0 {
            let computed = past.appearances + 1;
            // Between two sightings every date must be known, or the report may have counted one.
            let gap = !first && {
                let from = past.seen as usize;
                live(from, at) as usize != at.saturating_sub(from)
            };
            let agrees = reported.appearances == computed;
            match !agrees && (gap || (first && reported.appearances > 1)) {
                true => findings.undecided(Check::Appearances),
                false if first || past.appearances > 0 => {
                    let (said, ours) = (i64::from(reported.appearances), i64::from(computed));
                    findings.compare(finding(Check::Appearances, said, ours), agrees);
                }
                false => findings.undecided(Check::Appearances),
            }
        }
        past.appearances = reported.appearances;
        if reported.previous != 0 {
            let before = at.checked_sub(1).and_then(|at| calendar.due.get(at));
            match before.is_some_and(|due| due.state.is_live()) {
                false => findings.undecided(Check::PreviousRank),
                true => {
                    let ours = if past.seen as usize == at { i64::from(past.rank) } else { 0 };
                    let said = i64::from(reported.previous.max(0));
                    findings.compare(finding(Check::PreviousRank, said, ours), said == ours);
                }
            }
        }
        past.seen = at as u32 + 1;
        past.rank = row.rank;
    }
}

/// Holds a counter's row against the sighting before.
pub fn counter(of: Row<'_>, before: Option<Sighting>, at: usize, findings: &mut Findings) {
    let Row { scope, track, row, .. } = of;
    let Some(before) = before.filter(|before| before.total != NO_TOTAL && row.total != NO_TOTAL) else {
        return;
    };
    let finding = |check, reported: i64, computed: i64| Finding {
        check,
        scope,
        day: row.day,
        kind: EntityKind::Track,
        entity: track,
        reported,
        computed,
    };
    findings.compare(finding(Check::CounterFall, row.total, before.total), row.total >= before.total);
    if before.at + 1 == at && row.streams != NO_STREAMS {
        let step = row.total.saturating_sub(before.total);
        findings.compare(finding(Check::CounterStep, step, row.streams), step == row.streams);
    }
}
