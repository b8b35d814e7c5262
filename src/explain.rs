//! The stages of `explain`: a published row, the run that published it, the ledger that the run
//! counted, and the proof that these agree.
//!
//! [`crate::proof`] derives; this reads. Rows are read for one scope and window only; for the courses
//! of many figures, each month once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use polars::prelude::{AnyValue, DataFrame};
use rayon::prelude::*;

use crate::catalog::Entities;
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::ledger::{Ledger, MonthKey, Observation};
use crate::pipeline::Plan;
use crate::proof::{Case, Course, Difference, Figure, Proof, Published, Span, Value, prove};
use crate::publish::{self, Manifest};
use crate::tables::Contract;
use crate::tally::Surveyed;

/// A run and the ledger behind it, open.
pub struct Proofs {
    plan: Plan,
    manifest: Manifest,
    folder: PathBuf,
    ledger: Ledger,
    surveyed: Surveyed,
    entities: Entities,
}

impl Proofs {
    /// Opens the latest run of a pipeline and its ledger, as of the day of the run.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no run or no ledger; [`Error::Read`], [`Error::Damaged`].
    pub fn open(plan: &Plan) -> Result<Self> {
        let folder = publish::latest(&plan.out);
        let manifest = publish::manifest_in(&folder)?;
        Self::over(plan, manifest, &folder, Ledger::open(&plan.ledger)?)
    }

    /// Opens the run in `folder`, whose manifest is `manifest`, and its ledger as the run counted it.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no ledger, or another one than the run's; [`Error::Read`],
    /// [`Error::Damaged`], also where an old version is no longer whole.
    pub fn of_run(plan: &Plan, manifest: Manifest, folder: &Path) -> Result<Self> {
        let ledger = match manifest.ledger {
            Some(version) => Ledger::open_at(&plan.ledger, version)?,
            None => Ledger::open(&plan.ledger)?,
        };
        if ledger.version.is_some() && ledger.state.id != manifest.ledger_id {
            return Err(Error::Usage(format!(
                "the ledger {} is not the one that run {} counted; name that with --ledger",
                plan.ledger.display(),
                manifest.run
            )));
        }
        Self::over(plan, manifest, folder, ledger)
    }

    fn over(plan: &Plan, manifest: Manifest, folder: &Path, ledger: Ledger) -> Result<Self> {
        let plan = Plan { as_of: manifest.as_of, ..plan.clone() };
        if ledger.version.is_none() {
            return Err(Error::Usage(format!(
                "the ledger {} holds nothing; name the one that the run counted with --ledger",
                plan.ledger.display()
            )));
        }
        let surveyed = crate::run::survey(&plan, &ledger)?;
        let entities = Entities::resolve(&plan.catalog, &ledger.state.listings, &surveyed.sightings);
        Ok(Self { plan, manifest, folder: folder.to_owned(), ledger, surveyed, entities })
    }

    /// What figures are derived from.
    fn ground(&self) -> Ground<'_> {
        let Self { plan, ledger, surveyed, entities, .. } = self;
        Ground { plan, ledger, surveyed, entities }
    }

    /// Derives a published row from the ledger and holds the two against each other.
    ///
    /// # Errors
    /// [`Error::Audit`] if they differ in any column, with what may be the reason; [`Error::Read`],
    /// [`Error::Damaged`].
    pub fn explain(&self, published: &Published) -> Result<Proof> {
        let proof = self.ground().derive(published, None)?;
        proof.map_err(|problem| self.contradiction(published, &problem))
    }

    /// How each of several published figures came to be, in their order; each is derived from the ledger
    /// and held against its row.
    ///
    /// # Errors
    /// Those of [`Proofs::explain`].
    pub fn courses(&self, published: &[Published]) -> Result<Vec<Course>> {
        let courses = self.ground().courses(published)?;
        courses.map_err(|Contradiction { of, problem }| match published.get(of) {
            Some(published) => self.contradiction(published, &problem),
            None => Error::Audit(problem),
        })
    }

    /// The error of a published row of which something else does not follow from the ledger.
    ///
    /// # Errors
    /// That error, always.
    pub fn refuse(&self, published: &Published, problem: &str) -> Result<()> {
        Err(self.contradiction(published, problem))
    }

    /// What a reader should know of the run besides the proof, a sentence each.
    pub fn notes(&self, figure: Figure) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        if let Some(as_of) = self.manifest.as_of {
            notes.push(format!("the run is as of {as_of}: later data days are not in it"));
        }
        notes.extend(
            self.changes(figure.table())?
                .into_iter()
                .map(|change| format!("{change}; this figure is still the same")),
        );
        Ok(notes)
    }

    /// The error of a published row that is not what follows from the ledger.
    fn contradiction(&self, published: &Published, problem: &str) -> Error {
        let table = published.figure.table();
        let of = ["tally", "chart", "region", "entity_id", "window"]
            .map(|column| published.text(column).escape_debug().to_string());
        let threshold = match published.figure {
            Figure::Milestone { threshold } => format!(" {threshold}"),
            Figure::Total => String::new(),
        };
        let reasons = match self.changes(table) {
            Ok(reasons) if reasons.is_empty() => {
                "neither table, ledger, pipeline nor catalog has changed since the run: one of the two ways of \
                 counting is wrong, please report this"
                    .to_owned()
            }
            Ok(reasons) => format!("{}; run the pipeline again", reasons.join("; ")),
            Err(error) => error.to_string(),
        };
        Error::Audit(format!("{table} {}{threshold}: {problem}; {reasons}", of.join(" ")))
    }

    /// What has changed since the run, a sentence each.
    fn changes(&self, table: &str) -> Result<Vec<String>> {
        let mut changes = Vec::new();
        let path = self.folder.join(format!("{table}.parquet"));
        let bytes = std::fs::read(&path).map_err(Error::read(&path))?;
        let hash = blake3::hash(&bytes).to_hex();
        if self.manifest.hash_of(table) != Some(hash.as_str()) {
            changes.push(format!(
                "{} is not the file that the run wrote (its hash is not the one in {})",
                path.display(),
                publish::MANIFEST
            ));
        }
        let (counted, now) = (self.manifest.ledger, self.ledger.version);
        let version = |version: Option<u64>| version.map_or("none".to_owned(), |version| version.to_string());
        if counted != now {
            changes.push(format!(
                "the ledger {} {} (version {}, and the run counted version {})",
                self.ledger.root().display(),
                if now > counted { "has gone on since the run" } else { "is another one than the run's" },
                version(now),
                version(counted),
            ));
        }
        if self.manifest.pipeline != self.plan.hash {
            changes.push("the pipeline file has changed since the run".to_owned());
        }
        if self.manifest.catalog != self.plan.catalog.hash {
            changes.push("the catalog has changed since the run".to_owned());
        }
        Ok(changes)
    }
}

/// What figures are derived from: a ledger, surveyed, with its entities.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// What is counted, and up to which day.
    pub plan: &'a Plan,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// Its scopes and calendars.
    pub surveyed: &'a Surveyed,
    /// Its tracks, songs, works and artists.
    pub entities: &'a Entities,
}

/// A published row that does not follow from the ledger.
pub struct Contradiction {
    /// Which of those that were asked for.
    pub of: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl Ground<'_> {
    /// How each of several published figures came to be; the inner error says which of them does not
    /// follow from the ledger. Each month of a chart is read once for all.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Damaged`].
    pub fn courses(self, published: &[Published]) -> Result<Result<Vec<Course>, Contradiction>> {
        let mut charts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, of) in published.iter().enumerate() {
            charts.entry(of.text("chart")).or_default().push(place);
        }
        let mut courses: Vec<Option<Course>> = vec![None; published.len()];
        for (chart, places) in charts {
            let regions: Vec<&str> =
                places.iter().filter_map(|&place| Some(published.get(place)?.text("region"))).collect();
            let rows = self.rows_of_regions(chart, &regions)?;
            for place in places {
                let Some(of) = published.get(place) else { continue };
                match self.derive(of, Some(&rows))? {
                    Ok(proof) => courses[place] = Some(Course::of(&proof)),
                    Err(problem) => return Ok(Err(Contradiction { of: place, problem })),
                }
            }
        }
        Ok(Ok(courses.into_iter().flatten().collect()))
    }

    /// The proof of a published row; the inner error says what the entity lacks, or in which columns the
    /// row is not the derived one. Rows that are not `given` are read.
    fn derive(self, published: &Published, given: Option<&RowsOf>) -> Result<Result<Proof, String>> {
        let of_entity = |problem: String| format!("{} {problem}", published.text("entity").escape_debug());
        let proof = match self.proof(published, given)? {
            Ok(proof) => proof,
            Err(problem) => return Ok(Err(of_entity(problem))),
        };
        let differences = published.differences(&proof);
        if differences.is_empty() {
            return Ok(Ok(proof));
        }
        let differences: Vec<String> = differences.iter().map(Difference::to_string).collect();
        Ok(Err(differences.join("; ")))
    }

    /// The proof; the inner error says what the entity lacks.
    fn proof(self, published: &Published, given: Option<&RowsOf>) -> Result<Result<Proof, String>> {
        let named = |column: &str| published.text(column);
        let Some(span) = Span::parse(named("window")) else {
            return Ok(Err(format!("has a window `{}` that is none", named("window").escape_debug())));
        };
        let Some(spec) = self.plan.tallies.iter().find(|spec| spec.name == named("tally")) else {
            return Ok(Err(format!(
                "is not counted: the pipeline has no tally `{}`",
                named("tally").escape_debug()
            )));
        };
        let (chart, region) = (named("chart"), named("region"));
        let scopes = &self.surveyed.scopes;
        let Some(scope) = scopes.iter().position(|scope| scope.chart == chart && scope.region == region)
        else {
            return Ok(Err("has no row there: the ledger has no such chart and region".to_owned()));
        };
        let of_kind = self.entities.of(spec.entity);
        let Some(entity) = of_kind.iter().position(|entity| entity.id == named("entity_id")) else {
            return Ok(Err(format!(
                "is nobody in the ledger: no {} has the id `{}`",
                spec.entity.word(),
                named("entity_id").escape_debug()
            )));
        };
        let read;
        let rows = match given.map(|given| given.get(region)) {
            Some(rows) => rows.map_or(&[][..], Vec::as_slice),
            None => {
                read = self.rows(scope, &span)?;
                &read
            }
        };
        let case = Case {
            spec,
            scope,
            entity: entity as u32,
            span: &span,
            surveyed: self.surveyed,
            entities: self.entities,
            exports: &self.ledger.state.exports,
            listings: &self.ledger.state.listings,
        };
        Ok(prove(&case, published.figure, rows))
    }

    /// The rows of a scope in a window, by date and rank.
    fn rows(self, scope: usize, span: &Span) -> Result<Vec<Observation>> {
        let scope = &self.surveyed.scopes[scope];
        let state = &self.ledger.state;
        let region = state.regions.iter().position(|region| *region == scope.region);
        let last = [span.last, self.plan.as_of].into_iter().flatten().min();
        let is_asked = |key: &&MonthKey| {
            key.chart == scope.chart
                && span.first.is_none_or(|first| first.month() <= key.month)
                && last.is_none_or(|last| key.month <= last.month())
        };
        let keys: Vec<&MonthKey> = state.months.keys().filter(is_asked).collect();
        let read = |key: &&MonthKey| -> Result<Vec<Observation>> {
            let mut rows = self.ledger.read_month(key)?;
            rows.retain(|row| {
                Some(usize::from(row.region)) == region && last.is_none_or(|last| row.day <= last)
            });
            Ok(rows)
        };
        let months: Vec<Vec<Observation>> = keys.par_iter().map(read).collect::<Result<_>>()?;
        Ok(months.into_iter().flatten().collect())
    }

    /// The rows of a chart in some of its regions, by region, date and rank.
    fn rows_of_regions(self, chart: &str, regions: &[&str]) -> Result<RowsOf> {
        let state = &self.ledger.state;
        let asked: Vec<bool> =
            state.regions.iter().map(|region| regions.contains(&region.as_str())).collect();
        let last = self.plan.as_of;
        let is_asked =
            |key: &&MonthKey| key.chart == chart && last.is_none_or(|last| key.month <= last.month());
        let keys: Vec<&MonthKey> = state.months.keys().filter(is_asked).collect();
        let read = |key: &&MonthKey| -> Result<Vec<Observation>> {
            let mut rows = self.ledger.read_month(key)?;
            rows.retain(|row| {
                asked.get(usize::from(row.region)) == Some(&true) && last.is_none_or(|last| row.day <= last)
            });
            Ok(rows)
        };
        let months: Vec<Vec<Observation>> = keys.par_iter().map(read).collect::<Result<_>>()?;
        let mut of_regions = RowsOf::new();
        for row in months.into_iter().flatten() {
            let Some(region) = state.regions.get(usize::from(row.region)) else { continue };
            match of_regions.get_mut(region) {
                Some(rows) => rows.push(row),
                None => {
                    of_regions.insert(region.clone(), vec![row]);
                }
            }
        }
        Ok(of_regions)
    }
}

/// Rows by region.
type RowsOf = BTreeMap<String, Vec<Observation>>;

/// A cell of a published table.
pub fn value(cell: &AnyValue<'_>) -> Value {
    match cell {
        AnyValue::Null => Value::Empty,
        AnyValue::String(text) => Value::Text((*text).to_owned()),
        AnyValue::StringOwned(text) => Value::Text(text.to_string()),
        AnyValue::Int64(number) => Value::Number(*number),
        AnyValue::Boolean(flag) => Value::Flag(*flag),
        AnyValue::Date(days) => {
            u16::try_from(*days).map_or(Value::Number((*days).into()), |day| Value::Day(Day(day)))
        }
        other => Value::Text(other.to_string()),
    }
}

/// A row of `milestones` or `totals` by its place.
///
/// # Errors
/// [`Error::Usage`] for another table, [`Error::Frame`].
pub fn published(contract: &Contract, frame: &DataFrame, row: usize) -> Result<Published> {
    let mut cells = Vec::with_capacity(frame.width());
    for column in frame.columns() {
        cells.push((column.name().to_string(), value(&column.get(row)?)));
    }
    let threshold = cells.iter().find_map(|(name, value)| match value {
        Value::Number(number) if name == "threshold" => Some(*number),
        _ => None,
    });
    let figure = match (contract.name, threshold) {
        ("milestones", Some(threshold)) => Figure::Milestone { threshold },
        ("totals", _) => Figure::Total,
        (table, _) => {
            return Err(Error::Usage(format!("{table} is not explained; milestones and totals are")));
        }
    };
    Ok(Published { figure, cells })
}
