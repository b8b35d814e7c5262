//! Pipeline files: what to read, what to count, what to rank.
//!
//! A pipeline file is TOML. Unknown keys are refused, and paths in it are relative to the file, so
//! that a scheduled job does not depend on the directory it starts in. [`Plan::load`] lowers the
//! file and the flags into one validated plan; nothing behind it looks at either again.

mod after;
mod file;
mod lower;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::catalog::{Catalog, Credit};
use crate::claims::{ClaimsFile, Known};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::Intake;
use crate::exports::dialect::Mapped;
use crate::freshness::Freshness;
use crate::hook::Hook;
use crate::ledger::Policy;
use crate::publish::Retention;
use crate::store::{self, Address};
use crate::tally::{Asked, Calendar, DateState, Due, PaceSpec, RecordSpec, Sensitive, TallySpec};
use file::File;

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
    /// Where the runs of that folder are published, if they are objects: the folder is then a copy.
    pub place: Option<Address>,
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
    /// Whether a run publishes its report beside its tables.
    pub report: bool,
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

impl Plan {
    /// Reads a pipeline file and its catalog.
    ///
    /// # Errors
    /// [`Error::Config`] that names the file, and the line or the key.
    pub fn load(path: &Path, overrides: Overrides) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let way_out = "name one, as in `chartledger run FILE.toml`, or begin with `chartledger init DIR`";
            let problem = format!("cannot read the pipeline file: {error}; {way_out}");
            Error::config(path, problem)
        })?;
        let file: File = toml::from_str(&text).map_err(|error| Error::config(path, error))?;
        let problem = |problem: String| Error::config(path, located(&text, problem));
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
        let local = [
            ("the catalog stays", file.catalog.as_ref().map(|catalog| &catalog.path)),
            ("claims stay", file.claims.as_ref()),
            ("metrics are written", file.metrics.as_ref()),
        ];
        for (what, path) in local {
            path.map_or(Ok(()), |path| store::refuse(what, path))?;
        }
        let catalog = match &file.catalog {
            Some(catalog) => Catalog::load(&base.join(&catalog.path), catalog.personas)?,
            None => Catalog::default(),
        };
        let tallies = lower::tallies(file.tally, &catalog).map_err(problem)?;
        let rankings = lower::rankings(file.ranking, &tallies, &catalog).map_err(problem)?;
        let records = lower::records(file.record, &tallies, &catalog).map_err(problem)?;
        let paces = lower::paces(file.pace, &tallies).map_err(problem)?;
        let coverage = lower::coverage(file.coverage).map_err(problem)?;
        let tolerance = file.reconcile.tolerance;
        if !(0.0..=1.0).contains(&tolerance) {
            return Err(problem(format!("tolerance = {tolerance} is not between 0 and 1")));
        }
        if let Some(headline) = &file.headline
            && !rankings.iter().any(|ranking| ranking.name == *headline)
        {
            return Err(problem(format!("headline = \"{headline}\": no ranking has this name")));
        }
        let policy = file.exports.policy().map_err(problem)?;
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
            _ => file.exports.paths.iter().map(|path| below(base, path)).collect(),
        };
        let ledger = ledger.unwrap_or_else(|| below(base, &file.ledger).join(&file.name));
        store::refuse("the ledger stays", &ledger)?;
        let out = out.unwrap_or_else(|| below(base, &file.out)).join(&file.name);
        let place = Address::of(&out)?;
        let out = match &place {
            Some(place) => store::folder(&ledger).join(place.folder_name()),
            None => out,
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
            ledger,
            out,
            place,
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
            report: file.report.publish,
            hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
        })
    }
}

/// A path of a pipeline file, which is relative to it unless it is an address.
fn below(base: &Path, path: &Path) -> PathBuf {
    if Address::is(path) { path.to_owned() } else { base.join(path) }
}

/// What is wrong with the sense of a file, with the line that it is about: the one with the rarest of
/// the names in it, the last such name, and the last line if that name stands twice.
fn located(text: &str, problem: String) -> String {
    let lines = |name: &str| -> Vec<usize> {
        let quoted = format!("\"{name}\"");
        let says = |line: &str| !line.trim_start().starts_with('#') && line.contains(&quoted);
        text.lines().zip(1..).filter(|(line, _)| says(line)).map(|(_, number)| number).collect()
    };
    let names = problem.split(['`', '"']).skip(1).step_by(2).map(lines).filter(|lines| !lines.is_empty());
    match names.max_by_key(|lines| std::cmp::Reverse(lines.len())).and_then(|lines| lines.last().copied()) {
        Some(line) => format!("line {line}: {problem}"),
        None => problem,
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
