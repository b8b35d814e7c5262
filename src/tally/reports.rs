//! What exports say of themselves, held against what was seen.

use super::calendar::Calendar;
use super::counter::Sighting;
use crate::catalog::EntityKind;
use crate::dates::Day;
use crate::exports::{NO_STREAMS, NO_TOTAL};
use crate::ledger::Observation;
use serde::{Deserialize, Serialize};

/// One comparison between a report and a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// The dates that the catalog gives a URI, and a sighting.
    UriDates,
    /// A week and its seven days.
    WeeklySum,
}

impl Check {
    /// Every check.
    pub const ALL: [Self; 9] = [
        Self::Basis,
        Self::CounterFall,
        Self::CounterStep,
        Self::Appearances,
        Self::PeakRank,
        Self::PreviousRank,
        Self::ReleaseDate,
        Self::UriDates,
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
            Self::UriDates => "uri_dates",
            Self::WeeklySum => "weekly_sum",
        }
    }
}

/// How the comparisons of one check went in one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Both say the same.
    pub agreed: u64,
    /// They do not.
    pub differed: u64,
    /// The history before the first export would decide.
    pub undecided: u64,
}

/// A comparison that did not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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

/// The reports of one scope. Some sources count by URI and some by recording, so what a row reports
/// is held against both its track and its song.
#[derive(Default, Serialize, Deserialize)]
pub struct Reports {
    tracks: Vec<Past>,
    songs: Vec<Past>,
}

/// What was seen of a track or song up to now.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Past {
    /// Place of the last sighting in the calendar, from 1; 0 before the first.
    seen: usize,
    rank: u16,
    /// The best rank, our own and what the first report says.
    best: u16,
    appearances: u32,
    /// Place of the present date, from 1, and the best rank on it.
    today: (usize, u16),
    /// Place of the last date on which it reported, from 1.
    reported: usize,
}

/// A row of a date, with its track and song.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Index of the scope.
    pub scope: u32,
    /// Code of the track.
    pub track: u32,
    /// The short codes of track and song.
    pub short: (usize, usize),
    /// The row.
    pub row: &'a Observation,
}

/// How a comparison went: what was computed, and whether it agrees; `None` if dates that were not
/// exported would decide.
type Outcome = Option<(i64, bool)>;

impl Reports {
    /// Holds what the rows of a date report against what was seen before; of a track that is listed
    /// twice its better row, which comes first.
    pub fn date(&mut self, rows: &[Row<'_>], at: usize, calendar: &Calendar, findings: &mut Findings) {
        for of in rows {
            for (all, short) in [(&mut self.tracks, of.short.0), (&mut self.songs, of.short.1)] {
                if short >= all.len() {
                    all.resize(short + 1, Past::default());
                }
                all[short].today(of.row.rank, at);
            }
        }
        let mut rows: Vec<&Row<'_>> =
            rows.iter().filter(|of| self.tracks[of.short.0].today == (at + 1, of.row.rank)).collect();
        // Also of two rows at one rank, such as another spelling of the artists, one reports.
        rows.retain(|of| self.tracks[of.short.0].reports(at));
        // What a report says of dates that we have not seen counts from the next date on.
        let mut learned: Vec<(usize, usize, u16)> = Vec::new();
        for of in &rows {
            let past = [self.tracks[of.short.0], self.songs[of.short.1]];
            let [track, song] = past.map(|past| past.judge(of.row, at, calendar));
            for ((check, reported, track), (.., song)) in track.into_iter().zip(song) {
                let (Some(track), Some(song)) = (track, song) else { continue };
                let finding = |computed| Finding {
                    check,
                    scope: of.scope,
                    day: of.row.day,
                    kind: EntityKind::Track,
                    entity: of.track,
                    reported,
                    computed,
                };
                match (track, song) {
                    (Some((computed, true)), _) | (_, Some((computed, true))) => {
                        findings.compare(finding(computed), true);
                    }
                    (Some(_), Some((computed, false))) => findings.compare(finding(computed), false),
                    _ => {
                        findings.undecided(check);
                        if check == Check::PeakRank {
                            learned.push((of.short.0, of.short.1, of.row.reported.peak));
                        }
                    }
                }
            }
        }
        for of in rows {
            self.tracks[of.short.0].add(of.row, at);
            self.songs[of.short.1].add(of.row, at);
        }
        for (track, song, peak) in learned {
            for past in [&mut self.tracks[track], &mut self.songs[song]] {
                past.best = past.best.min(peak);
            }
        }
    }
}

impl Past {
    /// What a row's reports are worth: for each check the report, and how it went; `None` if there
    /// is no report.
    fn judge(self, row: &Observation, at: usize, calendar: &Calendar) -> [(Check, i64, Option<Outcome>); 3] {
        let reported = row.reported;
        let first = self.seen == 0;
        let gap = self.gap(at, calendar);
        let best = if first { self.today.1 } else { self.best.min(self.today.1) };
        let peak = (reported.peak > 0).then(|| {
            let agrees = reported.peak == best;
            let decided = agrees || !((first || gap) && reported.peak < best);
            decided.then_some((i64::from(best), agrees))
        });
        let appearances = (reported.appearances > 0).then(|| {
            let computed = self.appearances + 1;
            let agrees = reported.appearances == computed;
            let based = first || self.appearances > 0;
            let decided = based && (agrees || !(first || gap));
            decided.then_some((i64::from(computed), agrees))
        });
        let previous = (reported.previous != 0).then(|| {
            let before = at.checked_sub(1).and_then(|at| calendar.due.get(at));
            before.filter(|due| due.state.is_live()).map(|_| {
                let ours = if self.seen == at { i64::from(self.rank) } else { 0 };
                (ours, ours == i64::from(reported.previous.max(0)))
            })
        });
        [
            (Check::PeakRank, i64::from(reported.peak), peak),
            (Check::Appearances, i64::from(reported.appearances), appearances),
            (Check::PreviousRank, i64::from(reported.previous.max(0)), previous),
        ]
    }

    /// Whether dates since the last sighting are not known: the report may speak of them.
    fn gap(self, at: usize, calendar: &Calendar) -> bool {
        let live = calendar.live_before(at).saturating_sub(calendar.live_before(self.seen));
        self.seen > 0 && (live as usize) < at.saturating_sub(self.seen)
    }

    /// Notes a rank on the present date.
    fn today(&mut self, rank: u16, at: usize) {
        self.today = match self.today {
            (place, best) if place == at + 1 => (place, best.min(rank)),
            _ => (at + 1, rank),
        };
    }

    /// Whether it has not reported on the present date yet.
    fn reports(&mut self, at: usize) -> bool {
        std::mem::replace(&mut self.reported, at + 1) != at + 1
    }

    /// Makes the present date the last sighting.
    fn add(&mut self, row: &Observation, at: usize) {
        let appearances = row.reported.appearances;
        if self.seen == at + 1 {
            // Another track of the song on the same date.
            self.appearances = self.appearances.max(appearances);
            return;
        }
        let rank = self.today.1;
        self.best = if self.seen == 0 { rank } else { self.best.min(rank) };
        self.rank = rank;
        self.appearances = appearances;
        self.seen = at + 1;
    }
}

/// Holds a sighting against the dates between which the catalog says that the track had streams.
pub fn dated(of: Row<'_>, (from, until): (Option<Day>, Option<Day>), findings: &mut Findings) {
    let day = of.row.day;
    let early = from.filter(|&from| day < from);
    let late = until.filter(|&until| day > until);
    let finding = Finding {
        check: Check::UriDates,
        scope: of.scope,
        day,
        kind: EntityKind::Track,
        entity: of.track,
        reported: early.or(late).unwrap_or(day).number(),
        computed: day.number(),
    };
    findings.compare(finding, early.or(late).is_none());
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
