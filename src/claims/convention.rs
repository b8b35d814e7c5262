//! Conventions: what a claim leaves open about counting, and which readings are tried.

use serde::Deserialize;

use super::{Claim, Statement};
use crate::catalog::{Credit, EntityKind, SongRule};
use crate::pipeline::RankingKind;
use crate::tally::Clock;

/// The clocks that do not follow the calendar.
const CLOCKS: [Clock; 3] = [Clock::Release, Clock::FirstCharted, Clock::AllTime];

/// How days are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// The day of the start is 0.
    Elapsed,
    /// The day of the start is 1.
    Inclusive,
}

impl Counted {
    /// The word for it in tables and claims files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Elapsed => "elapsed",
            Self::Inclusive => "inclusive",
        }
    }

    /// The number of the first day.
    pub fn first(self) -> i64 {
        match self {
            Self::Elapsed => 0,
            Self::Inclusive => 1,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Elapsed => Self::Inclusive,
            Self::Inclusive => Self::Elapsed,
        }
    }
}

/// One way of counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convention {
    /// What starts the count.
    pub clock: Clock,
    /// How days are counted.
    pub counted: Counted,
    /// What counts as one song.
    pub rule: SongRule,
    /// Which credits count; for artists.
    pub credit: Credit,
}

impl Convention {
    /// What is counted for where the claim speaks of `kind`: the song rule decides it for songs.
    pub(super) fn entity(&self, kind: EntityKind) -> EntityKind {
        match (kind, self.rule) {
            (EntityKind::Artist, _) => EntityKind::Artist,
            (_, SongRule::Uri) => EntityKind::Track,
            (_, SongRule::Song) => EntityKind::Song,
            (_, SongRule::Work) => EntityKind::Work,
        }
    }
}

impl Claim {
    fn is_of_artist(&self) -> bool {
        self.entity_kind == EntityKind::Artist
    }

    /// Whether the way of counting days matters.
    fn counts_days(&self) -> bool {
        matches!(self.statement, Statement::DaysTo { .. } | Statement::DayOfYear { .. })
    }

    /// Whether the song rule matters.
    fn counts_songs(&self) -> bool {
        !self.is_of_artist() || matches!(self.statement, Statement::ContributingSongs { .. })
    }

    /// Whether other clocks are worth a try: for a count that does not follow the calendar.
    fn has_other_clocks(&self) -> bool {
        let of_clock = match &self.statement {
            Statement::DaysTo { .. } | Statement::ReachedOn { .. } | Statement::Total { .. } => true,
            Statement::Rank { ranking, .. } => ranking.kind == RankingKind::Fastest,
            _ => false,
        };
        of_clock && CLOCKS.contains(&self.convention.clock)
    }

    /// The conventions in the order in which they are tried: the claim's own, the other way of
    /// counting days, one change of clock, song rule or credit, and each of these with the other
    /// way of counting days. Never two changes besides that one: among enough conventions any
    /// number comes true.
    pub(super) fn conventions(&self) -> Vec<Convention> {
        let own = self.convention;
        let mut changed = Vec::new();
        if self.has_other_clocks() {
            changed.extend(CLOCKS.map(|clock| Convention { clock, ..own }));
        }
        if self.counts_songs() {
            changed.extend(SongRule::ALL.map(|rule| Convention { rule, ..own }));
        }
        if self.is_of_artist() {
            // Nobody means features alone without a word about it.
            let credits = [Credit::All, Credit::Lead, Credit::Solo];
            changed.extend(credits.map(|credit| Convention { credit, ..own }));
        }
        changed.retain(|convention| *convention != own);
        let other = |convention: Convention| Convention { counted: convention.counted.other(), ..convention };
        let mut all = vec![own];
        if self.counts_days() {
            all.push(other(own));
        }
        all.extend(&changed);
        if self.counts_days() {
            all.extend(changed.into_iter().map(other));
        }
        all
    }

    /// The convention as far as it matters to the claim: `clock=release, counted=elapsed`.
    pub(super) fn spoken(&self, convention: &Convention) -> String {
        self.parts(convention).join(", ")
    }

    /// Where a convention is not the claim's own.
    pub(super) fn changes(&self, convention: &Convention) -> String {
        self.differences(convention, &self.convention)
    }

    /// What the claim's own convention has there.
    pub(super) fn instead_of(&self, convention: &Convention) -> String {
        self.differences(&self.convention, convention)
    }

    fn differences(&self, one: &Convention, other: &Convention) -> String {
        let other = self.parts(other);
        let parts = self.parts(one).into_iter().filter(|part| !other.contains(part));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn parts(&self, convention: &Convention) -> Vec<String> {
        let Convention { clock, counted, rule, credit } = convention;
        let mut parts = vec![("clock", clock.word())];
        if self.counts_days() {
            parts.push(("counted", counted.word()));
        }
        if self.counts_songs() {
            parts.push(("song_rule", rule.word()));
        }
        if self.is_of_artist() {
            parts.push(("credit", credit.word()));
        }
        parts.into_iter().map(|(name, word)| format!("{name}={word}")).collect()
    }
}
