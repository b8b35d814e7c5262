//! Pipeline files: what to read, what to count, what to rank.
//!
//! A pipeline file is TOML. Unknown keys are refused, and paths in it are relative to the file, so
//! that a scheduled job does not depend on the directory it starts in. [`Plan::load`] lowers the
//! file and the flags into one validated plan; nothing behind it looks at either again.

mod after;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::catalog::{Catalog, Credit, EntityKind, Personas, SongRule};
use crate::claims::{ClaimsFile, Known};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::dialect::Mapped;
use crate::exports::{Intake, MaxUnpacked};
use crate::freshness::Freshness;
use crate::hook::Hook;
use crate::ledger::{OnConflict, Policy};
use crate::publish::Retention;
use crate::tally::{
    Asked, Calendar, Clock, DateState, Due, PaceSpec, RecordKind, RecordSpec, Sensitive, TallySpec,
};

/// Everything a run needs to know, checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The pipeline's name: the folder of its tables.
    pub name: String,
    /// One sentence on what it is for.
    pub description: String,
    /// Where exports are looked for.
    pub roots: Vec<PathBuf>,
    /// How exports may correct others.
    pub policy: Policy,
    /// What is allowed of the exports there.
    pub intake: Intake,
    /// How old the newest date of a scope may be.
    pub freshness: Freshness,
    /// Where metrics are written.
    pub metrics: Option<PathBuf>,
    /// The ledger.
    pub ledger: PathBuf,
    /// The folder under which `<name>/latest` is published.
    pub out: PathBuf,
    /// Who is who.
    pub catalog: Catalog,
    /// What is counted.
    pub tallies: Vec<TallySpec>,
    /// What is ranked.
    pub rankings: Vec<RankingSpec>,
    /// What others say, to be judged.
    pub claims: ClaimsFile,
    /// Whose records are followed.
    pub records: Vec<RecordSpec>,
    /// Who is set side by side.
    pub paces: Vec<PaceSpec>,
    /// Which dates are due, and how many of them must be there.
    pub coverage: Coverage,
    /// The part of the larger figure by which two that should agree may differ.
    pub tolerance: f64,
    /// Dialects of the pipeline's own.
    pub mapped: Vec<Mapped>,
    /// The ranking that a run prints.
    pub headline: Option<String>,
    /// Later data days are ignored.
    pub as_of: Option<Day>,
    /// Whether a quarantined row or an unusable file fails the run.
    pub strict: bool,
    /// Whether every month is counted again, and published even if nothing is new.
    pub full: bool,
    /// How long runs are kept; for ever without it.
    pub retention: Option<Retention>,
    /// Whom to tell of changes.
    pub on_change: Hook,
    /// BLAKE3 of the pipeline file, in hexadecimal.
    pub hash: String,
}

/// What the command line says against the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Instead of the pipeline's exports.
    pub exports: Vec<PathBuf>,
    /// Instead of the pipeline's ledger.
    pub ledger: Option<PathBuf>,
    /// Instead of the pipeline's output folder.
    pub out: Option<PathBuf>,
    /// Instead of the pipeline's claims.
    pub claims: Option<PathBuf>,
    /// Ignore later data days.
    pub as_of: Option<Day>,
    /// Fail on anything quarantined.
    pub strict: bool,
    /// Instead of the pipeline's command that is told of changes.
    pub on_change: Option<String>,
}

/// One order of entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankingSpec {
    /// Its name in the tables.
    pub name: String,
    /// What is compared.
    pub kind: RankingKind,
    /// Index of the tally.
    pub tally: usize,
    /// The threshold; 0 for rankings of totals.
    pub threshold: i64,
    /// What competes.
    pub per: Per,
    /// For clubs: only these artists.
    pub cohort: Option<String>,
    /// For clubs: which credits count.
    pub credit: Credit,
    /// For reach: regions at rank 1 instead of regions listed.
    pub topped: bool,
    /// Whether to tell how the order depends on conventions.
    pub sensitivity: bool,
}

/// Which dates are due, and how many of them must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Due from here on, where that is before a scope's first date.
    pub from: Option<Day>,
    /// Due up to here, where that is after a scope's last date.
    pub until: Option<Day>,
    /// The least share of a scope's due dates whose rows count, from 0 to 1.
    pub min_coverage: Option<f64>,
}

impl Coverage {
    /// The dates on which a scope was due, those beyond its first and last export included.
    pub fn due(&self, calendar: &Calendar) -> Vec<Due> {
        let (Some(first), Some(last)) = (calendar.due.first(), calendar.last()) else { return Vec::new() };
        let step = i64::from(calendar.step.max(1));
        let missing = |day: Day| Due { day, state: DateState::Missing, rows: 0, cutoff: 0 };
        let before = self.from.map_or(0, |from| first.day.since(from).max(0) / step);
        let after = self.until.map_or(0, |until| until.since(last).max(0) / step);
        let before = (1..=before).rev().map(|steps| missing(first.day.plus(-steps * step)));
        let after = (1..=after).map(|steps| missing(last.plus(steps * step)));
        before.chain(calendar.due.iter().copied()).chain(after).collect()
    }

    /// The share of a scope's due dates whose rows count, if that is less than is asked for.
    pub fn lacking(&self, calendar: &Calendar) -> Option<f64> {
        let due = self.due(calendar);
        let live = due.iter().filter(|due| due.state.is_live()).count();
        let share = live as f64 / due.len().max(1) as f64;
        self.min_coverage.filter(|&least| share < least).map(|_| share)
    }
}

/// What a ranking compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankingKind {
    /// Days from the start of the clock to the threshold: fewer is better.
    Fastest,
    /// The date of the threshold: earlier is better.
    First,
    /// Streams of the window: more is better.
    MostStreamed,
    /// How many of an artist's songs have reached the threshold: more is better.
    Club,
    /// In how many regions at once: more is better.
    Reach,
}

impl RankingKind {
    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fastest => "fastest",
            Self::First => "first",
            Self::MostStreamed => "most_streamed",
            Self::Club => "club",
            Self::Reach => "reach",
        }
    }

    /// Whether milestones of one threshold are compared.
    pub fn has_threshold(self) -> bool {
        matches!(self, Self::Fastest | Self::First | Self::Club)
    }
}

/// What competes in a ranking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each window by itself.
    #[default]
    Window,
    /// Each entity with its best window.
    Entity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    description: String,
    headline: Option<String>,
    exports: Exports,
    #[serde(default = "default_ledger")]
    ledger: PathBuf,
    #[serde(default = "default_out")]
    out: PathBuf,
    catalog: Option<CatalogAt>,
    claims: Option<PathBuf>,
    #[serde(default)]
    tally: Vec<Tally>,
    #[serde(default)]
    ranking: Vec<Ranking>,
    #[serde(default)]
    record: Vec<Record>,
    #[serde(default)]
    pace: Vec<Pace>,
    #[serde(default)]
    coverage: CoverageAt,
    #[serde(default)]
    reconcile: Reconcile,
    #[serde(default)]
    mapped: Vec<Mapped>,
    #[serde(default)]
    freshness: FreshnessAt,
    metrics: Option<PathBuf>,
    retention: Option<Retention>,
    #[serde(default)]
    on_change: after::OnChange,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoverageAt {
    from: Option<toml::value::Datetime>,
    until: Option<toml::value::Datetime>,
    min_coverage: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reconcile {
    tolerance: f64,
}

impl Default for Reconcile {
    fn default() -> Self {
        Self { tolerance: 0.01 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    name: String,
    kind: RecordKind,
    entity: Option<EntityKind>,
    cohort: Option<String>,
    charts: Option<Vec<String>>,
    regions: Option<Vec<String>>,
    tally: Option<String>,
    threshold: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pace {
    name: String,
    tally: String,
    #[serde(default)]
    entities: Vec<String>,
    threshold: Option<i64>,
}

fn default_ledger() -> PathBuf {
    PathBuf::from("../ledger")
}

fn default_out() -> PathBuf {
    PathBuf::from("../out")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exports {
    paths: Vec<PathBuf>,
    #[serde(default)]
    on_conflict: OnConflict,
    max_loss: Option<f64>,
    #[serde(default)]
    may_be_empty: bool,
    #[serde(default)]
    links_out: bool,
    max_unpacked: Option<MaxUnpackedAt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaxUnpackedAt {
    bytes: Option<u64>,
    ratio: Option<u64>,
}

impl Exports {
    fn intake(&self) -> Intake {
        let usual = MaxUnpacked::default();
        let max_unpacked = self.max_unpacked.as_ref().map_or(usual, |max| MaxUnpacked {
            bytes: max.bytes.unwrap_or(usual.bytes),
            ratio: max.ratio.unwrap_or(usual.ratio),
        });
        Intake { may_be_empty: self.may_be_empty, links_out: self.links_out, max_unpacked }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FreshnessAt {
    max_staleness: Option<u32>,
    #[serde(default)]
    charts: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogAt {
    path: PathBuf,
    #[serde(default)]
    personas: Personas,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tally {
    name: String,
    entity: EntityKind,
    clock: Clock,
    #[serde(default)]
    credit: Credit,
    song_rule: Option<SongRule>,
    cohort: Option<String>,
    charts: Option<Vec<String>>,
    regions: Option<Vec<String>>,
    thresholds: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ranking {
    name: String,
    kind: RankingKind,
    tally: String,
    threshold: Option<i64>,
    #[serde(default)]
    per: Per,
    cohort: Option<String>,
    credit: Option<Credit>,
    topped: Option<bool>,
    #[serde(default = "yes")]
    sensitivity: bool,
}

fn yes() -> bool {
    true
}

impl Plan {
    /// Reads a pipeline file and its catalog.
    ///
    /// # Errors
    /// [`Error::Config`] that names the file, and the line or the key.
    pub fn load(path: &Path, overrides: Overrides) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let problem = format!("cannot read the pipeline file: {error}; name one, as in `run FILE.toml`");
            Error::config(path, problem)
        })?;
        let file: File = toml::from_str(&text).map_err(|error| Error::config(path, error))?;
        let problem = |problem: String| Error::config(path, problem);
        if file.name.is_empty()
            || file.name.starts_with('.')
            || file.name.contains(|c: char| matches!(c, '/' | '\\') || c.is_control())
        {
            return Err(problem(format!("name = {:?} cannot be the name of a folder", file.name)));
        }
        if let Some(found) = file.mapped.iter().find_map(Mapped::problem) {
            return Err(problem(found));
        }
        let base = path.parent().unwrap_or(Path::new(""));
        let catalog = match &file.catalog {
            Some(catalog) => Catalog::load(&base.join(&catalog.path), catalog.personas)?,
            None => Catalog::default(),
        };
        let tallies = tallies(file.tally, &catalog).map_err(problem)?;
        let rankings = rankings(file.ranking, &tallies, &catalog).map_err(problem)?;
        let records = records(file.record, &tallies, &catalog).map_err(problem)?;
        let paces = paces(file.pace, &tallies).map_err(problem)?;
        let coverage = coverage(file.coverage).map_err(problem)?;
        let tolerance = file.reconcile.tolerance;
        if !(0.0..=1.0).contains(&tolerance) {
            return Err(problem(format!("tolerance = {tolerance} is not between 0 and 1")));
        }
        if let Some(headline) = &file.headline
            && !rankings.iter().any(|ranking| ranking.name == *headline)
        {
            return Err(problem(format!("headline = \"{headline}\": no ranking has this name")));
        }
        let mut policy = Policy { on_conflict: file.exports.on_conflict, ..Policy::default() };
        if let Some(max_loss) = file.exports.max_loss {
            policy.max_loss = max_loss;
        }
        if !(0.0..=1.0).contains(&policy.max_loss) {
            return Err(problem(format!("max_loss = {} is not between 0 and 1", policy.max_loss)));
        }
        let Overrides { exports, ledger, out, claims, as_of, strict, on_change } = overrides;
        let known = Known { catalog: &catalog, tallies: &tallies, rankings: &rankings };
        let claims = match claims.or(file.claims.map(|path| base.join(path))) {
            Some(path) => ClaimsFile::load(&path, known)?,
            None => ClaimsFile::default(),
        };
        file.retention.map_or(Ok(()), Retention::check).map_err(problem)?;
        let names = tallies.iter().map(|tally| tally.name.as_str());
        let names = names.chain(rankings.iter().map(|ranking| ranking.name.as_str()));
        let names = names.chain(records.iter().map(|record| record.name.as_str()));
        let names: Vec<&str> = names.chain(claims.claims.iter().map(|claim| claim.id.as_str())).collect();
        let on_change = after::hook(file.on_change, on_change, base, &names, &catalog).map_err(problem)?;
        let roots = match exports {
            named if !named.is_empty() => named,
            _ => file.exports.paths.iter().map(|path| base.join(path)).collect(),
        };
        Ok(Self {
            roots,
            policy,
            intake: file.exports.intake(),
            freshness: Freshness {
                max_staleness: file.freshness.max_staleness,
                charts: file.freshness.charts,
            },
            metrics: file.metrics.map(|path| base.join(path)),
            ledger: ledger.unwrap_or_else(|| base.join(&file.ledger).join(&file.name)),
            out: out.unwrap_or_else(|| base.join(&file.out)).join(&file.name),
            name: file.name,
            description: file.description,
            catalog,
            tallies,
            rankings,
            claims,
            records,
            paces,
            coverage,
            tolerance,
            mapped: file.mapped,
            headline: file.headline,
            as_of,
            strict,
            full: false,
            retention: file.retention,
            on_change,
            hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
        })
    }
}

impl Plan {
    /// The tallies whose order rankings want to hold against other conventions.
    pub fn sensitive(&self) -> Vec<Sensitive> {
        let mut sensitive: Vec<Sensitive> = Vec::new();
        for ranking in self.rankings.iter().filter(|ranking| ranking.sensitivity) {
            if matches!(ranking.kind, RankingKind::Club | RankingKind::Reach) {
                continue;
            }
            let place = sensitive.iter().position(|of| of.tally == ranking.tally).unwrap_or_else(|| {
                sensitive.push(Sensitive { tally: ranking.tally, ..Sensitive::default() });
                sensitive.len() - 1
            });
            let of = &mut sensitive[place];
            of.fastest |= ranking.kind == RankingKind::Fastest;
            of.thresholds.extend(ranking.kind.has_threshold().then_some(ranking.threshold));
        }
        sensitive
    }

    /// The tallies whose entities are counted by regions.
    pub fn reach(&self) -> Vec<usize> {
        let rankings = self.rankings.iter().filter(|ranking| ranking.kind == RankingKind::Reach);
        rankings.map(|ranking| ranking.tally).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What the pipeline asks of a fold that counts `tallies`: its own, and then others.
    pub fn asked<'a>(&'a self, tallies: &'a [TallySpec], reach: &'a [usize]) -> Asked<'a> {
        let tolerance = Some(self.tolerance);
        Asked { tallies, records: &self.records, paces: &self.paces, reach, tolerance }
    }
}

fn known_cohort(what: &str, cohort: Option<&String>, catalog: &Catalog) -> Result<(), String> {
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
    found.ok_or_else(|| format!("{what}: no tally is called `{name}`"))
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

fn tallies(tallies: Vec<Tally>, catalog: &Catalog) -> Result<Vec<TallySpec>, String> {
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

fn rankings(
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
                return Err(format!("{what}: tally `{}` has no threshold {threshold}", ranking.tally));
            }
            (true, None) => return Err(format!("{what}: {} needs a threshold", kind.word())),
        };
        let (credit, topped) = (credit.unwrap_or_default(), topped.unwrap_or_default());
        specs.push(RankingSpec { name, kind, tally, threshold, per, cohort, credit, topped, sensitivity });
    }
    Ok(specs)
}

fn records(
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
                    return Err(format!("{what}: tally `{tally}` has no threshold {threshold}"));
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

fn paces(paces: Vec<Pace>, tallies: &[TallySpec]) -> Result<Vec<PaceSpec>, String> {
    unique("pace", paces.iter().map(|pace| &pace.name))?;
    let mut specs = Vec::with_capacity(paces.len());
    for Pace { name, tally, entities, threshold } in paces {
        let what = format!("pace `{name}`");
        let place = tally_called(&what, &tally, tallies)?;
        if entities.is_empty() && tallies[place].cohort.is_none() {
            return Err(format!("{what}: name its entities, or take a tally with a cohort"));
        }
        if let Some(threshold) = threshold.filter(|of| !tallies[place].thresholds.contains(of)) {
            return Err(format!("{what}: tally `{tally}` has no threshold {threshold}"));
        }
        specs.push(PaceSpec { name, tally: place, entities, threshold });
    }
    Ok(specs)
}

fn coverage(coverage: CoverageAt) -> Result<Coverage, String> {
    let day = |key: &str, date: Option<toml::value::Datetime>| match date {
        None => Ok(None),
        Some(date) => match Day::parse(date.to_string().as_bytes()) {
            Some(day) if date.time.is_none() => Ok(Some(day)),
            _ => Err(format!("[coverage] {key} = {date} is not a date such as 2023-01-01")),
        },
    };
    let (from, until) = (day("from", coverage.from)?, day("until", coverage.until)?);
    if let Some(share) = coverage.min_coverage.filter(|share| !(0.0..=1.0).contains(share)) {
        return Err(format!("[coverage] min_coverage = {share} is not between 0 and 1"));
    }
    Ok(Coverage { from, until, min_coverage: coverage.min_coverage })
}
