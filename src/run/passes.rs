//! The two passes over the ledger's months, from the last month whose end is kept.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::sync::Mutex;

use rayon::prelude::*;

use super::Timings;
use super::checkpoints::Checkpoints;
use crate::catalog::Entities;
use crate::claims::{self, Facts, Judged};
use crate::dates::{Day, Month};
use crate::error::{Error, Result};
use crate::ledger::{Correction, Ledger, MonthKey, Observation, Settled, State};
use crate::pipeline::Plan;
use crate::tables::{self, Sources};
use crate::tally::{self, Fold, Folded, MonthSurvey, Setup, Stray, Survey, SurveyState, Surveyed, TallySpec};
use crate::underway;

/// What the ledger's months add up to.
pub struct Counted {
    /// What was counted: the pipeline's tallies, then those derived from them.
    pub tallies: Vec<TallySpec>,
    /// Scopes and calendars.
    pub surveyed: Surveyed,
    /// Tracks, songs, works, artists.
    pub entities: Entities,
    /// Milestones, totals and all else.
    pub folded: Folded,
    /// What later exports changed in what earlier ones said.
    pub corrections: Vec<Correction>,
    /// The verdicts on the plan's claims, in their order.
    pub judged: Vec<Judged>,
    /// The first month that was counted again; `None` if every month was.
    pub since: Option<Month>,
    /// How many songs and works were counted from the beginning all the same.
    pub again: usize,
}

impl Counted {
    /// What tables are built from.
    pub fn sources<'a>(&'a self, plan: &'a Plan, state: &'a State) -> Sources<'a> {
        let Self { tallies, surveyed, entities, folded, corrections, judged, .. } = self;
        Sources { plan, state, tallies, surveyed, entities, folded, corrections, judged }
    }
}

/// What months say by themselves, from when they were written: they need not be read for that.
#[derive(Default)]
pub struct Seen(Mutex<BTreeMap<MonthKey, MonthSurvey>>);

impl Seen {
    /// Keeps what a month says. `tracks` has a code of its track for each listing.
    pub fn look(&self, key: &MonthKey, month: &Settled, tracks: &[u32]) {
        let found = MonthSurvey::of(&month.kept, &month.conflicts(), tracks);
        if let Ok(mut seen) = self.0.lock() {
            seen.insert(key.clone(), found);
        }
    }

    /// What a month says, if it was seen whole.
    fn take(&self, plan: &Plan, key: &MonthKey) -> Option<MonthSurvey> {
        let is_whole = plan.as_of.is_none_or(|as_of| key.month < as_of.month());
        self.0.lock().ok().filter(|_| is_whole)?.remove(key)
    }
}

/// Which listings are on which charts, and the dates of each scope: the first pass over the months.
///
/// # Errors
/// [`crate::error::Error::Read`], [`crate::error::Error::Damaged`].
pub fn survey(plan: &Plan, ledger: &Ledger) -> Result<Surveyed> {
    let mut survey = Survey::new(&ledger.state.listings, SurveyState::default());
    survey_months(plan, ledger, FIRST.., &Seen::default(), &mut survey, |_, _| ())?;
    finish(survey, ledger)
}

/// What the first pass found, unless dates make no sense.
fn finish(survey: Survey, ledger: &Ledger) -> Result<Surveyed> {
    let state = &ledger.state;
    match survey.stray(&state.regions) {
        Some(stray) => Err(Error::Audit(format!(
            "{stray} in {}, and take such an export out with `chartledger ledger forget`",
            suspects(&stray, state).join(", ")
        ))),
        None => Ok(survey.finish(&state.regions)),
    }
}

/// Which exports such dates may come from: those that reach farthest from where most charts are.
fn suspects<'a>(stray: &Stray, state: &'a State) -> Vec<&'a str> {
    const NAMED: usize = 3;
    let middle = stray.middle;
    let reach = |(first, last): (Day, Day)| middle.since(first).abs().max(last.since(middle).abs());
    let reaching = state.listed().filter_map(|(_, export)| Some((reach(export.days?), &export.name[..])));
    let mut reaching: Vec<(i64, &str)> = reaching.collect();
    reaching.sort_by_key(|(reach, _)| Reverse(*reach));
    let farthest = reaching.first().map_or(0, |(reach, _)| *reach);
    let far = reaching.into_iter().take(NAMED).filter(|(reach, _)| reach * 10 >= farthest * 9);
    far.map(|(_, name)| name).collect()
}

/// Counts everything in the ledger, from the newest month of `kept` whose past is as it was then;
/// `seen` are the months that were written just now.
///
/// # Errors
/// [`crate::error::Error::Read`], [`crate::error::Error::Damaged`]; [`crate::error::Error::Audit`]
/// if a sum leaves the range of 64 bits.
pub fn count(
    plan: &Plan,
    ledger: &Ledger,
    kept: &Checkpoints,
    seen: &Seen,
    timings: &mut Timings,
) -> Result<Counted> {
    let state = &ledger.state;
    let begin = timings.time("resume", || kept.newest(ledger));
    let states = begin.as_ref().and_then(|kept| Some((kept.month, kept.states()?)));
    let (mut from, fold_state, survey_state) = match states {
        Some((month, (survey, fold))) => (Some(month), Some(fold), survey),
        None => (None, None, SurveyState::default()),
    };
    let boundaries: Vec<Month> = kept.boundaries(ledger);
    let mut surveys: BTreeMap<Month, SurveyState> = BTreeMap::new();
    let surveyed = timings.time("survey", || {
        let mut survey = Survey::new(&state.listings, survey_state);
        let mut open =
            boundaries.iter().copied().filter(|month| from.is_none_or(|from| *month >= from)).peekable();
        survey_months(plan, ledger, from.unwrap_or(FIRST).., seen, &mut survey, |next, survey| {
            while let Some(month) = open.next_if(|month| *month <= next) {
                surveys.insert(month, survey.state().clone());
            }
        })?;
        finish(survey, ledger)
    })?;
    let entities =
        timings.time("identify", || Entities::resolve(&plan.catalog, &state.listings, &surveyed.sightings));
    let export_order = export_order(ledger);
    let mut tallies = plan.tallies.clone();
    tallies.extend(tally::derive(&plan.tallies, &plan.sensitive(), &surveyed));
    let own = tallies.len();
    let claims = &plan.claims.claims;
    tallies.extend(claims::tallies(claims, &surveyed, &entities));
    let reach = plan.reach();
    let mut again = 0;
    let mut folded = timings.time("fold", || {
        let setup = Setup::new(plan.asked(&tallies, &reach), &surveyed, &entities, &export_order);
        let resumed = fold_state.and_then(|state| Fold::resume(&setup, state));
        let mut fold = resumed.unwrap_or_else(|| {
            from = None;
            Fold::new(&setup)
        });
        // What a fold goes on from is kept already, unless some of it is counted again.
        again = fold.behind();
        let is_new = |month: Month| from.is_none_or(|from| month > from || (again > 0 && month == from));
        if again > 0 {
            each_month(plan, ledger, ..from.unwrap_or(FIRST), |key, rows| fold.again(&key.chart, rows))?;
            fold.caught_up();
        }
        let mut open = boundaries.iter().copied().filter(|month| is_new(*month)).peekable();
        each_month(plan, ledger, from.unwrap_or(FIRST).., |key, rows| {
            let mut keeping = Vec::new();
            while let Some(month) = open.next_if(|month| *month <= key.month) {
                keeping.extend(surveys.remove(&month).zip(fold.state()).map(|state| (month, state)));
            }
            let keep = || {
                for (month, (survey, fold)) in keeping {
                    kept.keep(ledger, month, &survey, &fold);
                }
            };
            // What is kept is written by one thread; the others go on.
            rayon::join(keep, || fold.month(&key.chart, key.month, rows)).1
        })?;
        Ok::<_, crate::error::Error>(fold.finish())
    })?;
    kept.sweep(&boundaries);
    let of_claims = tallies.split_off(own);
    let folded_for_claims = match of_claims.is_empty() {
        true => Folded::default(),
        false => folded.split_off(own),
    };
    let judged = timings.time("claims", || {
        let (tallies, folded) = (&of_claims, &folded_for_claims);
        claims::judge(claims, &Facts { tallies, surveyed: &surveyed, entities: &entities, folded })
    });
    let corrections = timings.time("corrections", || ledger.corrections(plan.as_of))?;
    Ok(Counted { tallies, surveyed, entities, folded, corrections, judged, since: from, again })
}

/// The second pass over all months.
pub(super) fn fold(plan: &Plan, ledger: &Ledger, setup: &Setup<'_>) -> Result<Folded> {
    let mut fold = Fold::new(setup);
    each_month(plan, ledger, FIRST.., |key, rows| fold.month(&key.chart, key.month, rows))?;
    Ok(fold.finish())
}

/// The place of each export in the order of their names.
pub(super) fn export_order(ledger: &Ledger) -> Vec<u32> {
    let names: Vec<&str> = ledger.state.exports.iter().map(|export| export.name.as_str()).collect();
    tables::places(&names)
}

/// The first pass over some months; `before` is called before each is added. What a
/// month says does not depend on those before it, so several are read at once.
fn survey_months(
    plan: &Plan,
    ledger: &Ledger,
    months: impl RangeBounds<Month>,
    seen: &Seen,
    survey: &mut Survey,
    mut before: impl FnMut(Month, &Survey),
) -> Result<()> {
    let spare: Mutex<Vec<Vec<Observation>>> = Mutex::default();
    let keys = in_order(ledger, months);
    for keys in keys.chunks(AT_ONCE * rayon::current_num_threads()) {
        let found = keys.par_iter().map(|key| {
            if let Some(found) = seen.take(plan, key) {
                advance(ledger, key);
                return Ok(found);
            }
            let mut rows = spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
            read(plan, ledger, key, &mut rows)?;
            let found = survey.month(&rows, &ledger.conflicts(key)?);
            advance(ledger, key);
            if let Ok(mut spare) = spare.lock() {
                spare.push(rows);
            }
            Ok(found)
        });
        let found = found.collect::<Result<Vec<MonthSurvey>>>()?;
        for (key, month) in keys.iter().zip(found) {
            before(key.month, survey);
            survey.add(&key.chart, month);
        }
    }
    Ok(())
}

/// Months that a thread surveys before the threads wait for each other.
const AT_ONCE: usize = 4;

/// Goes through some months of all charts, the next one being read while the present
/// one is worked on.
fn each_month(
    plan: &Plan,
    ledger: &Ledger,
    months: impl RangeBounds<Month>,
    mut work: impl FnMut(&MonthKey, &[Observation]) -> Result<()> + Send,
) -> Result<()> {
    let keys = in_order(ledger, months);
    // Two months in memory that is used again: fresh memory is slow.
    let (mut rows, mut next) = (Vec::new(), Vec::new());
    if let Some(key) = keys.first() {
        read(plan, ledger, key, &mut rows)?;
    }
    for (place, key) in keys.iter().enumerate() {
        let following = keys.get(place + 1);
        let (worked, fetched) = rayon::join(
            || work(key, &rows),
            || following.map_or(Ok(()), |following| read(plan, ledger, following, &mut next)),
        );
        worked?;
        advance(ledger, key);
        fetched?;
        std::mem::swap(&mut rows, &mut next);
    }
    Ok(())
}

/// The first month there can be.
const FIRST: Month = Month(0);

/// Those of some months that there are, of all charts, in the order of time.
fn in_order(ledger: &Ledger, months: impl RangeBounds<Month>) -> Vec<&MonthKey> {
    let mut keys: Vec<&MonthKey> =
        ledger.state.months.keys().filter(|key| months.contains(&key.month)).collect();
    keys.sort_by_key(|key| (key.month, &key.chart));
    underway::expect(keys.iter().filter_map(|key| ledger.state.months.get(key)).map(|file| file.rows).sum());
    keys
}

/// The rows of a month that the plan does not ignore, in place of what is in `rows`.
fn read(plan: &Plan, ledger: &Ledger, key: &MonthKey, rows: &mut Vec<Observation>) -> Result<()> {
    if plan.as_of.is_some_and(|as_of| key.month > as_of.month()) {
        rows.clear();
        return Ok(());
    }
    ledger.read_month_into(key, rows)?;
    if let Some(as_of) = plan.as_of {
        rows.retain(|row| row.day <= as_of);
    }
    Ok(())
}

/// Says that a month is done.
fn advance(ledger: &Ledger, key: &MonthKey) {
    if let Some(file) = ledger.state.months.get(key) {
        underway::advance(file.rows, file.rows, file.size);
    }
}
