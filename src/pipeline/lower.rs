//! From what a pipeline file says to what is counted, ranked and followed: names become places, and
//! what cannot be meant is refused.

use std::collections::HashSet;

use super::file::{CoverageAt, Pace, Ranking, Record, Tally};
use super::{Coverage, Per, RankingKind, RankingSpec};
use crate::catalog::{Catalog, Credit, EntityKind, SongRule};
use crate::dates::Day;
use crate::tally::{PaceSpec, RecordKind, RecordSpec, TallySpec};

/// Refuses a cohort that the catalog does not have.
pub fn known_cohort(what: &str, cohort: Option<&String>, catalog: &Catalog) -> Result<(), String> {
    match cohort.filter(|cohort| !catalog.has_cohort(cohort)) {
        None => Ok(()),
        Some(cohort) => {
            let known = catalog.cohort_ids().join(", ");
            Err(format!("{what}: the catalog has no cohort `{cohort}`; it has: {known}"))
        }
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("{what} `{name}` stands twice"));
        }
    }
    Ok(())
}

fn tally_called(what: &str, name: &str, tallies: &[TallySpec]) -> Result<usize, String> {
    let found = tallies.iter().position(|tally| tally.name == name);
    found.ok_or_else(|| {
        let likeness = |tally: &&TallySpec| (strsim::jaro_winkler(&tally.name, name) * 1e6) as u32;
        let nearest = tallies.iter().max_by_key(likeness).filter(|tally| likeness(tally) > 700_000);
        let meant = nearest.map_or(String::new(), |tally| format!("; did you mean {}?", tally.name));
        format!("{what}: no tally is called `{name}`{meant}")
    })
}

/// The rule that goes with a kind, and the kind that adds up by a rule: a song by URI is a track.
fn lowered(entity: EntityKind, rule: Option<SongRule>) -> Result<(EntityKind, SongRule), &'static str> {
    match (entity, rule) {
        (EntityKind::Song, Some(SongRule::Uri)) => Ok((EntityKind::Track, SongRule::Uri)),
        (EntityKind::Song, Some(SongRule::Work)) => Ok((EntityKind::Work, SongRule::Work)),
        (EntityKind::Song, _) => Ok((EntityKind::Song, SongRule::Song)),
        (EntityKind::Track, None | Some(SongRule::Uri)) => Ok((EntityKind::Track, SongRule::Uri)),
        (EntityKind::Work, None | Some(SongRule::Work)) => Ok((EntityKind::Work, SongRule::Work)),
        (EntityKind::Artist, rule) => Ok((EntityKind::Artist, rule.unwrap_or_default())),
        (EntityKind::Track | EntityKind::Work, Some(_)) => {
            Err("song_rule is for songs, and for the contributing songs of artists")
        }
    }
}

/// What is counted.
pub fn tallies(tallies: Vec<Tally>, catalog: &Catalog) -> Result<Vec<TallySpec>, String> {
    unique("tally", tallies.iter().map(|tally| &tally.name))?;
    let mut specs = Vec::with_capacity(tallies.len());
    for tally in tallies {
        let what = format!("tally `{}`", tally.name);
        if tally.credit != Credit::All && tally.entity != EntityKind::Artist {
            return Err(format!("{what}: only artists have a credit"));
        }
        known_cohort(&what, tally.cohort.as_ref(), catalog)?;
        if let Some(bad) = tally.thresholds.iter().find(|&&threshold| threshold < 1) {
            return Err(format!("{what}: a threshold of {bad} is not above 0"));
        }
        let (entity, rule) =
            lowered(tally.entity, tally.song_rule).map_err(|problem| format!("{what}: {problem}"))?;
        let mut thresholds = tally.thresholds;
        thresholds.sort_unstable();
        thresholds.dedup();
        if thresholds.len() >= usize::from(u16::MAX) {
            return Err(format!("{what}: {} thresholds are too many", thresholds.len()));
        }
        specs.push(TallySpec {
            name: tally.name,
            entity,
            clock: tally.clock,
            credit: tally.credit,
            rule,
            cohort: tally.cohort,
            only: Vec::new(),
            charts: tally.charts,
            regions: tally.regions,
            thresholds,
            derived: None,
        });
    }
    Ok(specs)
}

/// What is ranked.
pub fn rankings(
    rankings: Vec<Ranking>,
    tallies: &[TallySpec],
    catalog: &Catalog,
) -> Result<Vec<RankingSpec>, String> {
    unique("ranking", rankings.iter().map(|ranking| &ranking.name))?;
    let mut specs = Vec::with_capacity(rankings.len());
    for ranking in rankings {
        let Ranking { name, kind, per, cohort, credit, topped, sensitivity, .. } = ranking;
        let what = format!("ranking `{name}`");
        let tally = tally_called(&what, &ranking.tally, tallies)?;
        known_cohort(&what, cohort.as_ref(), catalog)?;
        if kind != RankingKind::Club && (cohort.is_some() || credit.is_some()) {
            return Err(format!("{what}: cohort and credit are for a club; give them to the tally"));
        }
        if kind == RankingKind::Club && tallies[tally].entity == EntityKind::Artist {
            return Err(format!("{what}: a club counts tracks, songs or works, not artists"));
        }
        if kind != RankingKind::Reach && topped.is_some() {
            return Err(format!("{what}: topped is for reach"));
        }
        if matches!(kind, RankingKind::Reach | RankingKind::Club) && per != Per::Window {
            return Err(format!("{what}: a {} has no windows to choose from", kind.word()));
        }
        let threshold = match (kind.has_threshold(), ranking.threshold) {
            (false, None) => 0,
            (false, Some(_)) => return Err(format!("{what}: {} has no threshold", kind.word())),
            (true, Some(threshold)) if tallies[tally].thresholds.contains(&threshold) => threshold,
            (true, Some(threshold)) => {
                return Err(no_threshold(&what, &tallies[tally], threshold));
            }
            (true, None) => return Err(format!("{what}: {} needs a threshold", kind.word())),
        };
        let (credit, topped) = (credit.unwrap_or_default(), topped.unwrap_or_default());
        specs.push(RankingSpec { name, kind, tally, threshold, per, cohort, credit, topped, sensitivity });
    }
    Ok(specs)
}

/// That a tally does not know a threshold, and which ones it does.
fn no_threshold(what: &str, tally: &TallySpec, threshold: i64) -> String {
    let known: Vec<String> = tally.thresholds.iter().map(ToString::to_string).collect();
    format!(
        "{what}: tally `{}` has no threshold {threshold}; add it there, or take one of {}",
        tally.name,
        known.join(", ")
    )
}

/// Whose records are followed.
pub fn records(
    records: Vec<Record>,
    tallies: &[TallySpec],
    catalog: &Catalog,
) -> Result<Vec<RecordSpec>, String> {
    unique("record", records.iter().map(|record| &record.name))?;
    let mut specs = Vec::with_capacity(records.len());
    for record in records {
        let Record { name, kind, entity, cohort, charts, regions, tally, threshold } = record;
        let what = format!("record `{name}`");
        known_cohort(&what, cohort.as_ref(), catalog)?;
        let (entity, milestone) = match (kind, entity, tally, threshold) {
            (RecordKind::Fastest, None, Some(tally), Some(threshold)) => {
                let place = tally_called(&what, &tally, tallies)?;
                if !tallies[place].thresholds.contains(&threshold) {
                    return Err(no_threshold(&what, &tallies[place], threshold));
                }
                (tallies[place].entity, Some((place, threshold)))
            }
            (RecordKind::Fastest, ..) => {
                return Err(format!("{what}: fastest takes a tally and a threshold, and no entity"));
            }
            (_, Some(entity), None, None) => (entity, None),
            _ => return Err(format!("{what}: {} takes an entity, and no tally or threshold", kind.word())),
        };
        specs.push(RecordSpec { name, kind, entity, cohort, charts, regions, milestone });
    }
    Ok(specs)
}

/// Who is set side by side.
pub fn paces(paces: Vec<Pace>, tallies: &[TallySpec]) -> Result<Vec<PaceSpec>, String> {
    unique("pace", paces.iter().map(|pace| &pace.name))?;
    let mut specs = Vec::with_capacity(paces.len());
    for Pace { name, tally, entities, threshold } in paces {
        let what = format!("pace `{name}`");
        let place = tally_called(&what, &tally, tallies)?;
        if entities.is_empty() && tallies[place].cohort.is_none() {
            return Err(format!("{what}: name its entities, or take a tally with a cohort"));
        }
        if let Some(threshold) = threshold.filter(|of| !tallies[place].thresholds.contains(of)) {
            return Err(no_threshold(&what, &tallies[place], threshold));
        }
        specs.push(PaceSpec { name, tally: place, entities, threshold });
    }
    Ok(specs)
}

/// Which dates are due.
pub fn coverage(coverage: CoverageAt) -> Result<Coverage, String> {
    let day = |key: &str, date: Option<toml::value::Datetime>| match date {
        None => Ok(None),
        Some(date) => match Day::parse(date.to_string().as_bytes()) {
            Some(day) if date.time.is_none() => Ok(Some(day)),
            _ => Err(format!("[coverage] {key} = {date} is not a date such as 2023-01-01")),
        },
    };
    let (from, until) = (day("from", coverage.from)?, day("until", coverage.until)?);
    if let (Some(from), Some(until)) = (from, until) {
        // Every scope has all dates between them in a table.
        const FARTHEST: i64 = 60 * 366;
        if !(0..=FARTHEST).contains(&until.since(from)) {
            return Err(format!(
                "[coverage] from = {from} does not lie in the 60 years before until = {until}"
            ));
        }
    }
    if let Some(share) = coverage.min_coverage.filter(|share| !(0.0..=1.0).contains(share)) {
        return Err(format!("[coverage] min_coverage = {share} is not between 0 and 1"));
    }
    Ok(Coverage { from, until, min_coverage: coverage.min_coverage })
}
