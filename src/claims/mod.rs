//! Claims: statements that somebody made, judged by what the ledger holds.
//!
//! A claims file says what each sentence means ([`ClaimsFile::load`]). [`tallies`] are the ways of
//! counting that judging needs, which a run folds beside the pipeline's own, and [`judge`] compares.
//! What a verdict means is written in `docs/definitions.md`, section Claims.

mod convention;
mod dates;
mod file;
mod judge;
mod orders;
mod sums;
mod who;
pub(crate) mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

pub use convention::{Convention, Counted};
pub use file::{ClaimsFile, Known};
pub use judge::{Facts, Judged, Verdict, judge};

use crate::catalog::{Credit, Entities, EntityKind, SongRule};
use crate::dates::Day;
use crate::pipeline::RankingSpec;
use crate::tally::{Clock, Scope, Surveyed, TallySpec, Window};

/// What a statement speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// Streams as charts give them, filtered.
    #[default]
    Chart,
    /// Public play counts.
    Counter,
}

impl About {
    /// The word for it in tables and claims files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chart => "chart",
            Self::Counter => "counter",
        }
    }
}

/// The kinds of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// So many days from the start of the clock to a threshold.
    DaysTo,
    /// The date of a threshold.
    ReachedOn,
    /// The day of the year of a threshold.
    DayOfYear,
    /// The first of a cohort at a threshold.
    FirstTo,
    /// Nobody has more streams.
    MostStreamed,
    /// How many songs made a threshold.
    ContributingSongs,
    /// The sum.
    Total,
    /// The rank in one of the pipeline's rankings.
    Rank,
}

impl Kind {
    /// The word for it in tables and claims files.
    pub fn word(self) -> &'static str {
        match self {
            Self::DaysTo => "days_to",
            Self::ReachedOn => "reached_on",
            Self::DayOfYear => "day_of_year",
            Self::FirstTo => "first_to",
            Self::MostStreamed => "most_streamed",
            Self::ContributingSongs => "contributing_songs",
            Self::Total => "total",
            Self::Rank => "rank",
        }
    }
}

/// A statement and what it means, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its name in the table.
    pub id: String,
    /// The sentence as it was printed.
    pub says: String,
    /// Who says so.
    pub source: Option<String>,
    /// What it speaks of.
    pub about: About,
    /// Its kind.
    pub kind: Kind,
    /// The chart it is checked on.
    pub chart: String,
    /// Whether the claim names that chart itself. If not, a claim about counters is checked on
    /// counters where there are any.
    pub chart_is_named: bool,
    /// The region it is checked in.
    pub region: String,
    /// Of whom: an id or a name.
    pub entity: String,
    /// Whether that is a track, a song or an artist.
    pub entity_kind: EntityKind,
    /// Among whom.
    pub cohort: Option<String>,
    /// In which turn of the clock.
    pub window: Window,
    /// How it counts, as far as it says so, and the default otherwise.
    pub convention: Convention,
    /// What is said.
    pub statement: Statement,
}

/// What a claim says of its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// So many days from the start of the clock to the threshold.
    DaysTo {
        /// Streams to reach.
        threshold: i64,
        /// The days.
        days: i64,
    },
    /// The date of the threshold.
    ReachedOn {
        /// Streams to reach.
        threshold: i64,
        /// The date.
        on: Day,
    },
    /// The day of the year on which the threshold was reached.
    DayOfYear {
        /// Streams to reach.
        threshold: i64,
        /// 1 is 1 January.
        day: i64,
    },
    /// The first of its cohort at the threshold.
    FirstTo {
        /// Streams to reach.
        threshold: i64,
        /// On this date.
        on: Option<Day>,
    },
    /// Nobody has more streams.
    MostStreamed,
    /// So many songs had streams when the threshold was reached.
    ContributingSongs {
        /// Streams to reach.
        threshold: i64,
        /// How many.
        songs: i64,
    },
    /// The sum.
    Total {
        /// How much.
        amount: Amount,
        /// Up to and including this date; up to the last one without it.
        on: Option<Day>,
    },
    /// The rank in one of the pipeline's rankings.
    Rank {
        /// The ranking.
        ranking: RankingSpec,
        /// The rank.
        rank: i64,
    },
}

/// A sum as claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So much or more.
    AtLeast(i64),
    /// So much to the stream.
    Exactly(i64),
}

impl Statement {
    /// The thresholds whose milestones tell whether it is so.
    fn thresholds(&self) -> Vec<i64> {
        match self {
            Self::DaysTo { threshold, .. }
            | Self::ReachedOn { threshold, .. }
            | Self::DayOfYear { threshold, .. }
            | Self::FirstTo { threshold, .. }
            | Self::ContributingSongs { threshold, .. } => vec![*threshold],
            Self::MostStreamed => Vec::new(),
            Self::Total { amount: Amount::AtLeast(streams), .. } => vec![*streams],
            // Exactly so much: this was reached, and one more was not.
            Self::Total { amount: Amount::Exactly(streams), .. } => {
                vec![*streams, streams.saturating_add(1)]
            }
            Self::Rank { ranking, .. } if ranking.threshold > 0 => vec![ranking.threshold],
            Self::Rank { .. } => Vec::new(),
        }
    }

    /// Whether one entity is compared with all others, and not looked at alone.
    fn is_race(&self) -> bool {
        matches!(self, Self::FirstTo { .. } | Self::MostStreamed | Self::Rank { .. })
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(least) => write!(out, "{} or more", words::counted(*least, "stream")),
            Self::Exactly(sum) => write!(out, "{}", words::counted(*sum, "stream")),
        }
    }
}

/// The tallies that judging the claims needs: every convention worth trying, and nothing beyond the
/// entities and thresholds that the claims name.
pub fn tallies(claims: &[Claim], surveyed: &Surveyed, entities: &Entities) -> Vec<TallySpec> {
    let mut needs: BTreeMap<Key, (BTreeSet<i64>, BTreeSet<String>)> = BTreeMap::new();
    for claim in claims {
        let (Ok(scope), Ok(code)) = (who::scope(claim, surveyed), who::seek(claim, entities)) else {
            continue;
        };
        for convention in claim.conventions() {
            let key = Key::new(claim, &convention, &surveyed.scopes[scope]);
            let all = entities.of(key.entity);
            let subjects = who::family(entities, claim.entity_kind, code, key.entity);
            if subjects.is_empty() {
                continue;
            }
            let ids =
                subjects.iter().filter_map(|&code| all.get(code as usize)).map(|entity| entity.id.clone());
            let (thresholds, only) = needs.entry(key.clone()).or_default();
            thresholds.extend(claim.statement.thresholds());
            only.extend(ids.filter(|_| !key.all));
        }
    }
    let tally = |(key, (thresholds, only)): (Key, (BTreeSet<i64>, BTreeSet<String>))| {
        key.tally(thresholds.into_iter().collect(), only.into_iter().collect())
    };
    needs.into_iter().map(tally).collect()
}

/// What tells one tally of claims from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    entity: EntityKind,
    clock: Clock,
    credit: Credit,
    rule: SongRule,
    cohort: Option<String>,
    /// Whether all of the kind and the cohort are counted, and not only those of whom claims are.
    all: bool,
    chart: String,
    region: String,
}

impl Key {
    fn new(claim: &Claim, convention: &Convention, scope: &Scope) -> Self {
        Self {
            entity: convention.entity(claim.entity_kind),
            clock: convention.clock,
            credit: convention.credit,
            rule: convention.rule,
            cohort: claim.cohort.clone(),
            all: claim.statement.is_race(),
            chart: scope.chart.clone(),
            region: scope.region.clone(),
        }
    }

    /// The name of its tally, by which judging finds it again.
    fn name(&self) -> String {
        let Self { entity, clock, credit, rule, cohort, all, chart, region } = self;
        let among = if *all { cohort.as_deref().unwrap_or("all") } else { "" };
        let words = [entity.word(), clock.word(), credit.word(), rule.word(), among, chart, region];
        format!("claims/{}", words.join("/"))
    }

    fn tally(&self, thresholds: Vec<i64>, only: Vec<String>) -> TallySpec {
        TallySpec {
            name: self.name(),
            entity: self.entity,
            clock: self.clock,
            credit: self.credit,
            rule: self.rule,
            cohort: self.cohort.clone(),
            only,
            charts: Some(vec![self.chart.clone()]),
            regions: Some(vec![self.region.clone()]),
            thresholds,
            derived: None,
        }
    }
}
