//! Verdicts: what the figures say of each claim, under the conventions worth trying.

use std::collections::HashMap;

use super::dates::{Claimed, reached};
use super::orders::{first_to, most_streamed, ranked};
use super::sums::{contributing_songs, total};
use super::words;
use super::{About, Claim, Convention, Key, Statement, who};
use crate::catalog::{Entities, EntityKind};
use crate::dates::Day;
use crate::tally::{
    Basis, Calendar, Clock, Folded, Milestone, Scope, StartBasis, Surveyed, TallySpec, Total,
};

/// What claims are judged by.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The tallies of [`super::tallies`], as they were folded.
    pub tallies: &'a [TallySpec],
    /// Scopes and calendars.
    pub surveyed: &'a Surveyed,
    /// Tracks, songs, artists.
    pub entities: &'a Entities,
    /// What the fold of the tallies gave.
    pub folded: &'a Folded,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// As stated.
    Holds,
    /// Under another convention.
    HoldsOtherwise,
    /// Under none, and shown to be wrong.
    Contradicted,
    /// The data cannot tell.
    NotDecidable,
}

impl Verdict {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HoldsOtherwise => "holds_otherwise",
            Self::Contradicted => "contradicted",
            Self::NotDecidable => "not_decidable",
        }
    }
}

/// A claim, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The chart it was checked on.
    pub chart: String,
    /// The id of its entity; `None` where the ledger knows nobody of its name.
    pub entity_id: Option<String>,
    /// The name of its entity, or what the claim calls it.
    pub entity: String,
    /// What became of it.
    pub verdict: Verdict,
    /// Under which convention: the one under which it holds, or else its own.
    pub convention: Option<String>,
    /// What it says, in a few words.
    pub expected: String,
    /// What the data says instead or as well, in the same words.
    pub found: Option<String>,
    /// The reason, as a sentence.
    pub why: String,
    /// What is to be said of checking it on these data.
    pub basis_note: Option<String>,
    /// How certain the figure is.
    pub certainty: Option<&'static str>,
    /// Code of the export and the row that show it.
    pub evidence: Option<(u32, u32)>,
}

/// Judges claims; the answers stand in their order.
pub fn judge(claims: &[Claim], facts: &Facts<'_>) -> Vec<Judged> {
    let mut index = Index::default();
    for (tally, spec) in facts.tallies.iter().enumerate() {
        index.tallies.insert(&spec.name, tally as u32);
    }
    for milestone in &facts.folded.milestones {
        index.figures.entry((milestone.tally, milestone.scope)).or_default().milestones.push(milestone);
    }
    for total in &facts.folded.totals {
        index.figures.entry((total.tally, total.scope)).or_default().totals.push(total);
    }
    claims.iter().map(|claim| judge_one(claim, facts, &index)).collect()
}

#[derive(Default)]
struct Index<'a> {
    /// By name.
    tallies: HashMap<&'a str, u32>,
    /// By tally and scope.
    figures: HashMap<(u32, u32), Figures<'a>>,
    /// Of a tally that counts nothing in a scope.
    none: Figures<'a>,
}

/// The figures of one tally in one scope.
#[derive(Default)]
pub struct Figures<'a> {
    pub milestones: Vec<&'a Milestone>,
    pub totals: Vec<&'a Total>,
}

/// How the figures compare with what the claim speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lens {
    /// They are the same thing.
    Same,
    /// Chart streams, which are never more than the public counters of the claim.
    Fewer,
    /// Public counters, which are never less than the chart streams of the claim.
    More,
}

/// What a convention makes of a claim.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is so.
    Met,
    /// It is not.
    Refuted,
    /// The data leaves it open.
    Open,
}

/// The outcome and what it rests on.
pub struct Finding {
    pub outcome: Outcome,
    pub found: Option<String>,
    pub why: String,
    pub certainty: Option<&'static str>,
    pub evidence: Option<(u32, u32)>,
}

impl Finding {
    /// A finding that rests on no milestone.
    pub fn new(outcome: Outcome, found: Option<String>, why: String) -> Self {
        Self { outcome, found, why, certainty: None, evidence: None }
    }

    /// A finding that rests on a milestone.
    pub fn of(outcome: Outcome, found: String, why: String, milestone: &Milestone) -> Self {
        Self {
            outcome,
            found: Some(found),
            why,
            certainty: Some(milestone.certainty.word()),
            evidence: Some((milestone.export, milestone.line)),
        }
    }
}

fn judge_one<'a>(claim: &'a Claim, facts: &'a Facts<'a>, index: &'a Index<'a>) -> Judged {
    let scope = who::scope(claim, facts.surveyed);
    let code = who::seek(claim, facts.entities);
    let of_scope = scope.as_ref().ok().map(|&scope| &facts.surveyed.scopes[scope]);
    let entity = code.as_ref().ok().and_then(|&code| facts.entities.of(claim.entity_kind).get(code as usize));
    let lens = of_scope.map_or(Lens::Same, |scope| lens(claim, scope));
    let base = Judged {
        chart: of_scope.map_or(&claim.chart, |scope| &scope.chart).clone(),
        entity_id: entity.map(|entity| entity.id.clone()),
        entity: entity.map_or(&claim.entity, |entity| &entity.name).clone(),
        verdict: Verdict::NotDecidable,
        convention: None,
        expected: expected(claim),
        found: None,
        why: String::new(),
        basis_note: of_scope.and_then(|scope| basis_note(lens, scope)),
        certainty: None,
        evidence: None,
    };
    let (scope, code) = match (scope, code) {
        (Ok(scope), Ok(code)) => (scope, code),
        (Err(why), _) | (_, Err(why)) => return Judged { why, ..base },
    };

    let mut own = None;
    let mut open_elsewhere = None;
    for convention in claim.conventions() {
        let view = View::new(claim, convention, scope, code, lens, facts, index);
        let finding = view.map(|view| view.finding());
        match (finding, &own) {
            (Some(finding), _) if finding.outcome == Outcome::Met => {
                return met(claim, &convention, finding, own.as_ref(), base);
            }
            (None, None) => {
                let why = format!("Nothing stands for {} by {}", base.entity, claim.spoken(&convention));
                own = Some(Finding::new(Outcome::Open, None, why));
            }
            (Some(finding), None) => own = Some(finding),
            // On another clock nearly any day is open, which says nothing of the claim.
            (Some(finding), Some(_))
                if finding.outcome == Outcome::Open
                    && finding.evidence.is_some()
                    && convention.clock == claim.convention.clock =>
            {
                open_elsewhere = open_elsewhere.or(Some(claim.changes(&convention)));
            }
            _ => {}
        }
    }
    let Some(Finding { outcome, found, mut why, certainty, evidence }) = own else { return base };
    let verdict = match outcome {
        Outcome::Refuted => Verdict::Contradicted,
        _ => Verdict::NotDecidable,
    };
    if let Some(changes) = open_elsewhere.filter(|_| verdict == Verdict::Contradicted) {
        why = format!("{why}; only by {changes} it is left open");
    }
    let convention = Some(claim.spoken(&claim.convention));
    Judged { verdict, convention, found, why, certainty, evidence, ..base }
}

/// The claim holds under this convention, which is its own if nothing was found by that one before.
fn met(
    claim: &Claim,
    convention: &Convention,
    finding: Finding,
    own: Option<&Finding>,
    base: Judged,
) -> Judged {
    let Finding { found, why, certainty, evidence, .. } = finding;
    let (verdict, why) = match own {
        None => (Verdict::Holds, why),
        Some(own) => {
            let said = own.found.as_ref().map_or("is not so".to_owned(), |found| format!("is {found}"));
            let (changes, instead) = (claim.changes(convention), claim.instead_of(convention));
            (Verdict::HoldsOtherwise, format!("By {changes}: {why}; by {instead} it {said}"))
        }
    };
    Judged { verdict, convention: Some(claim.spoken(convention)), found, why, certainty, evidence, ..base }
}

fn lens(claim: &Claim, scope: &Scope) -> Lens {
    match (claim.about, scope.basis) {
        (About::Counter, Basis::Chart) => Lens::Fewer,
        (About::Chart, Basis::Counter) => Lens::More,
        _ => Lens::Same,
    }
}

fn basis_note(lens: Lens, scope: &Scope) -> Option<String> {
    let chart = &scope.chart;
    match lens {
        Lens::Same => None,
        Lens::Fewer => Some(format!(
            "said of public counters, checked on the filtered chart streams of {chart}: a lower bound of \
             plays, so its dates are the latest possible"
        )),
        Lens::More => Some(format!(
            "said of chart streams, checked on the public counters of {chart}: an upper bound of chart \
             streams, so its dates are the earliest possible"
        )),
    }
}

/// What the claim says, in a few words.
fn expected(claim: &Claim) -> String {
    match &claim.statement {
        Statement::DaysTo { days, .. } => words::counted(*days, "day"),
        Statement::ReachedOn { on, .. } => on.to_string(),
        Statement::DayOfYear { day, .. } => format!("day {day}"),
        Statement::FirstTo { on: None, .. } => "first".to_owned(),
        Statement::FirstTo { on: Some(on), .. } => format!("first, on {on}"),
        Statement::MostStreamed => "rank 1".to_owned(),
        Statement::ContributingSongs { songs, .. } => words::counted(*songs, "song"),
        Statement::Total { amount, .. } => amount.to_string(),
        Statement::Rank { rank, .. } => format!("rank {rank}"),
    }
}

/// A claim and the figures of one convention.
pub struct View<'a> {
    pub claim: &'a Claim,
    pub convention: Convention,
    pub scope: usize,
    /// What the convention counts for.
    pub entity: EntityKind,
    /// The entities that stand for the claim's one.
    pub subjects: Vec<u32>,
    pub lens: Lens,
    pub facts: &'a Facts<'a>,
    pub figures: &'a Figures<'a>,
}

impl<'a> View<'a> {
    fn new(
        claim: &'a Claim,
        convention: Convention,
        scope: usize,
        code: u32,
        lens: Lens,
        facts: &'a Facts<'a>,
        index: &'a Index<'a>,
    ) -> Option<Self> {
        let key = Key::new(claim, &convention, &facts.surveyed.scopes[scope]);
        let tally = *index.tallies.get(key.name().as_str())?;
        let subjects = who::family(facts.entities, claim.entity_kind, code, key.entity);
        let figures = index.figures.get(&(tally, scope as u32)).unwrap_or(&index.none);
        Some(Self { claim, convention, scope, entity: key.entity, subjects, lens, facts, figures })
    }

    fn finding(&self) -> Finding {
        match &self.claim.statement {
            Statement::DaysTo { threshold, days } => reached(self, *threshold, Claimed::Days(*days)),
            Statement::DayOfYear { threshold, day } => reached(self, *threshold, Claimed::Days(*day)),
            Statement::ReachedOn { threshold, on } => reached(self, *threshold, Claimed::On(*on)),
            Statement::FirstTo { threshold, on } => first_to(self, *threshold, *on),
            Statement::MostStreamed => most_streamed(self),
            Statement::ContributingSongs { threshold, songs } => contributing_songs(self, *threshold, *songs),
            Statement::Total { amount, on } => total(self, *amount, *on),
            Statement::Rank { ranking, rank } => ranked(self, ranking, *rank),
        }
    }

    pub fn calendar(&self) -> &'a Calendar {
        &self.facts.surveyed.calendars[self.scope]
    }

    /// Days of a chart's period but one: on a weekly chart, how far a date may be off.
    pub fn hidden_days(&self) -> i64 {
        i64::from(self.facts.surveyed.scopes[self.scope].period) - 1
    }

    /// The last date of the scope.
    pub fn last(&self) -> Day {
        self.calendar().last().unwrap_or_default()
    }

    /// The last date of the scope in the claim's window.
    pub fn end(&self) -> Day {
        let last = self.last();
        self.claim.window.end().map_or(last, |after| last.min(after.plus(-1)))
    }

    /// The name of an entity; a track of the claim's song with its URI.
    pub fn name(&self, code: u32) -> String {
        let Some(entity) = self.facts.entities.of(self.entity).get(code as usize) else {
            return String::new();
        };
        if self.entity == EntityKind::Track && self.claim.entity_kind != EntityKind::Track {
            format!("{} ({})", entity.name, entity.id)
        } else {
            entity.name.clone()
        }
    }

    /// The milestone of the subject that reached the threshold first.
    pub fn milestone(&self, threshold: i64) -> Option<&'a Milestone> {
        let milestones = self.figures.milestones.iter().copied();
        let ours = milestones.filter(|milestone| {
            milestone.threshold == threshold
                && milestone.window == self.claim.window
                && self.subjects.contains(&milestone.entity)
        });
        ours.min_by_key(|milestone| (milestone.reached_on, milestone.entity))
    }

    /// The total of the subject that has most.
    pub fn total(&self) -> Option<&'a Total> {
        let totals = self.figures.totals.iter().copied();
        let ours =
            totals.filter(|total| total.window == self.claim.window && self.subjects.contains(&total.entity));
        ours.max_by_key(|total| (total.streams, std::cmp::Reverse(total.entity)))
    }

    /// Whether the count may have begun earlier than it seems: it begins with a first sighting, and
    /// what was before that is not known.
    pub fn start_is_open(&self, milestone: &Milestone) -> bool {
        let by_sighting = matches!(milestone.start_basis, StartBasis::FirstCharted | StartBasis::Conflict);
        by_sighting && self.is_unknown_before(milestone.start_on)
    }

    /// Whether a date was exported and counts.
    pub fn is_live(&self, day: Day) -> bool {
        let calendar = self.calendar();
        calendar.due.get(calendar.index(day)).is_some_and(|due| due.day == day && due.state.is_live())
    }

    fn is_unknown_before(&self, day: Day) -> bool {
        let due = &self.calendar().due;
        let before = self.calendar().index(day).checked_sub(1).and_then(|at| due.get(at));
        before.is_none_or(|due| !due.state.is_live())
    }

    /// The first day on which the milestone can have been; `None` where nothing says.
    pub fn floor(&self, milestone: &Milestone) -> Option<Day> {
        let has_none =
            self.entity == EntityKind::Artist || self.lens == Lens::Fewer || self.start_is_open(milestone);
        milestone.earliest_on.filter(|_| !has_none).map(|earliest| earliest.plus(-self.hidden_days()))
    }

    /// The most that the claim's entity can have had by the end of the data; `None` where nothing
    /// says.
    pub fn ceiling(&self, total: Option<&Total>) -> Option<i64> {
        if self.entity == EntityKind::Artist || self.lens == Lens::Fewer {
            return None;
        }
        total.and_then(|total| self.most(total)).or_else(|| self.ceiling_by_cutoffs(total))
    }

    /// The most that an entity with this total can have had; `None` where nothing says.
    pub fn most(&self, total: &Total) -> Option<i64> {
        total.at_most.filter(|_| self.lens != Lens::Fewer)
    }

    /// When the count of one who has not arrived began; `None` where nothing says.
    pub fn start(&self, total: Option<&Total>) -> Option<Day> {
        let subject = total.map(|total| total.entity).or(self.subjects.first().copied())?;
        match self.convention.clock {
            Clock::AllTime => self.calendar().due.first().map(|due| due.day),
            Clock::Release => self.facts.entities.of(self.entity).get(subject as usize)?.released,
            Clock::FirstCharted => {
                total.map(|total| total.first_on).filter(|day| !self.is_unknown_before(*day))
            }
            Clock::CalendarYear | Clock::CalendarMonth => self.claim.window.first(),
        }
    }

    /// What all dates of the window would add at the cut-off, for each track: no close bound, but
    /// one that also those have who were never listed.
    fn ceiling_by_cutoffs(&self, total: Option<&Total>) -> Option<i64> {
        if self.facts.surveyed.scopes[self.scope].basis == Basis::Counter {
            // Who was never listed may have had anything before.
            return None;
        }
        let subject = total.map(|total| total.entity).or(self.subjects.first().copied())?;
        let (calendar, start) = (self.calendar(), self.start(total)?);
        let (from, until) = (calendar.index(start), calendar.index(self.end().plus(1)).checked_sub(1)?);
        let begins_before = calendar.due.first().is_none_or(|first| calendar.first_due(start) < first.day);
        if begins_before || from > until || calendar.first_unknown(from, until).is_some() {
            return None;
        }
        let cutoffs = calendar.filled(until + 1).saturating_sub(calendar.filled(from));
        let tracks = self.facts.entities.tracks_of(self.entity, subject).len() as i64;
        Some(total.map_or(0, |total| total.streams).saturating_add(cutoffs.saturating_mul(tracks)))
    }
}
