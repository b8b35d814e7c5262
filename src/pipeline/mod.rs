//! Pipeline files: what to read, what to count, what to rank.
//!
//! A pipeline file is TOML. Unknown keys are refused, and paths in it are relative to the file, so
//! that a scheduled job does not depend on the directory it starts in. [`Plan::load`] lowers the
//! file and the flags into one validated plan; nothing behind it looks at either again.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::catalog::{Catalog, Credit, EntityKind, Personas};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::dialect::Mapped;
use crate::tally::{Clock, TallySpec};

/// Everything a run needs to know, checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The pipeline's name: the folder of its tables.
    pub name: String,
    /// One sentence on what it is for.
    pub description: String,
    /// Where exports are looked for.
    pub roots: Vec<PathBuf>,
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
    /// Dialects of the pipeline's own.
    pub mapped: Vec<Mapped>,
    /// The ranking that a run prints.
    pub headline: Option<String>,
    /// Later data days are ignored.
    pub as_of: Option<Day>,
    /// Whether a quarantined row or an unusable file fails the run.
    pub strict: bool,
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
    /// Ignore later data days.
    pub as_of: Option<Day>,
    /// Fail on anything quarantined.
    pub strict: bool,
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
}

impl RankingKind {
    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fastest => "fastest",
            Self::First => "first",
            Self::MostStreamed => "most_streamed",
        }
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
    #[serde(default)]
    tally: Vec<Tally>,
    #[serde(default)]
    ranking: Vec<Ranking>,
    #[serde(default)]
    mapped: Vec<Mapped>,
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
        if file.name.is_empty() || file.name.starts_with('.') || file.name.contains(['/', '\\', '\0']) {
            return Err(problem(format!("name = \"{}\" cannot be the name of a folder", file.name)));
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
        let rankings = rankings(file.ranking, &tallies).map_err(problem)?;
        if let Some(headline) = &file.headline
            && !rankings.iter().any(|ranking| ranking.name == *headline)
        {
            return Err(problem(format!("headline = \"{headline}\": no ranking has this name")));
        }
        let Overrides { exports, ledger, out, as_of, strict } = overrides;
        let roots = match exports {
            named if !named.is_empty() => named,
            _ => file.exports.paths.iter().map(|path| base.join(path)).collect(),
        };
        Ok(Self {
            roots,
            ledger: ledger.unwrap_or_else(|| base.join(&file.ledger).join(&file.name)),
            out: out.unwrap_or_else(|| base.join(&file.out)).join(&file.name),
            name: file.name,
            description: file.description,
            catalog,
            tallies,
            rankings,
            mapped: file.mapped,
            headline: file.headline,
            as_of,
            strict,
            hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
        })
    }
}

fn tallies(tallies: Vec<Tally>, catalog: &Catalog) -> Result<Vec<TallySpec>, String> {
    let mut names = HashSet::new();
    let mut specs = Vec::with_capacity(tallies.len());
    for tally in tallies {
        let name = &tally.name;
        if !names.insert(name.clone()) {
            return Err(format!("tally `{name}` stands twice"));
        }
        if tally.credit != Credit::All && tally.entity != EntityKind::Artist {
            return Err(format!("tally `{name}`: only artists have a credit"));
        }
        if let Some(cohort) = tally.cohort.as_ref().filter(|cohort| !catalog.has_cohort(cohort)) {
            let known = catalog.cohort_ids().join(", ");
            return Err(format!("tally `{name}`: the catalog has no cohort `{cohort}`; it has: {known}"));
        }
        if let Some(bad) = tally.thresholds.iter().find(|&&threshold| threshold < 1) {
            return Err(format!("tally `{name}`: a threshold of {bad} is not above 0"));
        }
        let mut thresholds = tally.thresholds;
        thresholds.sort_unstable();
        thresholds.dedup();
        if thresholds.len() >= usize::from(u16::MAX) {
            return Err(format!("tally `{name}`: {} thresholds are too many", thresholds.len()));
        }
        specs.push(TallySpec {
            name: tally.name,
            entity: tally.entity,
            clock: tally.clock,
            credit: tally.credit,
            cohort: tally.cohort,
            charts: tally.charts,
            regions: tally.regions,
            thresholds,
        });
    }
    Ok(specs)
}

fn rankings(rankings: Vec<Ranking>, tallies: &[TallySpec]) -> Result<Vec<RankingSpec>, String> {
    let mut names = HashSet::new();
    let mut specs = Vec::with_capacity(rankings.len());
    for ranking in rankings {
        let Ranking { name, kind, per, .. } = ranking;
        let tally = tallies
            .iter()
            .position(|tally| tally.name == ranking.tally)
            .ok_or_else(|| format!("ranking `{name}`: no tally is called `{}`", ranking.tally))?;
        let threshold = match (kind, ranking.threshold) {
            (RankingKind::MostStreamed, None) => 0,
            (RankingKind::MostStreamed, Some(_)) => {
                return Err(format!("ranking `{name}`: most_streamed has no threshold"));
            }
            (_, Some(threshold)) if tallies[tally].thresholds.contains(&threshold) => threshold,
            (_, Some(threshold)) => {
                return Err(format!(
                    "ranking `{name}`: tally `{}` has no threshold {threshold}",
                    ranking.tally
                ));
            }
            (_, None) => return Err(format!("ranking `{name}`: {} needs a threshold", kind.word())),
        };
        if !names.insert(name.clone()) {
            return Err(format!("ranking `{name}` stands twice"));
        }
        specs.push(RankingSpec { name, kind, tally, threshold, per });
    }
    Ok(specs)
}
