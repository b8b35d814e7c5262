//! The stages of a run, in the order of the way of the data.
//!
//! [`prepare`] finds out what there is to do, [`run`] does it. `plan` and `run --dry-run` stop
//! between the two.
//!
//! | file | holds |
//! |---|---|
//! | `prepare.rs` | what a run begins with: exports found and decoded |
//! | `passes.rs` | survey and fold over the ledger's months |
//! | `checkpoints.rs` | folds put aside for the next nights |
//! | `about.rs` | what `run.json` says |
//! | `timings.rs` | what each stage took |

mod about;
mod checkpoints;
mod passes;
mod prepare;
mod timings;

pub use about::peak_memory;
pub(crate) use about::{manifest, scope_dates};
pub use checkpoints::Checkpoints;
pub use passes::{Counted, Seen, count, survey};
pub use prepare::{Prepared, Refused, prepare};
pub use timings::{Spent, Timings};

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use polars::prelude::DataFrame;
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::catalog::{Entities, EntityKind};
use crate::changes::{Changes, Members};
use crate::claims::{self, Facts};
use crate::dates::{Day, Month};
use crate::error::{Error, Result};
use crate::explain::Ground;
use crate::exports::{self, Progress};
use crate::frame::Frame;
use crate::history::{self, Since};
use crate::ledger::{Ledger, MonthKey, RowAccount, Settled, Update, Withheld, WriteLock};
use crate::pipeline::Plan;
use crate::publish::{self, Place, PublishedTable};
use crate::seal;
use crate::tables::{self, Table};
use crate::tally::{Asked, Folded, Setup, Surveyed};
use crate::{reporting, store, underway};
use passes::{export_order, fold};
use prepare::prepare_in;

/// What a run did.
pub struct Report {
    /// The run whose tables stand: this one, or the latest where nothing was new.
    pub run: String,
    /// Where they are.
    pub latest: PathBuf,
    /// Exports found under the roots.
    pub found: usize,
    /// What changed in the ledger.
    pub update: Update,
    /// Files that could not be used.
    pub refused: Vec<Refused>,
    /// Files that were taken out of the ledger on purpose, and were not taken in again.
    pub left_out: Vec<String>,
    /// Rows of all exports in the ledger, by what became of them.
    pub rows: RowAccount,
    /// Rows decoded in this run.
    pub rows_decoded: u64,
    /// Bytes of exports read in this run.
    pub bytes_read: u64,
    /// What was published; `None` if nothing was new.
    pub published: Option<Published>,
    /// The headline ranking's rows, if the pipeline names one.
    pub headline: Option<(String, DataFrame)>,
    /// The verdicts on the pipeline's claims, if it has any.
    pub claims: Option<DataFrame>,
    /// How long each stage took.
    pub timings: Timings,
    /// What the threads of the decoder spent their time on, all of them together.
    pub efforts: [(&'static str, Duration); 3],
    /// The most memory the process has held, in bytes, where the system tells.
    pub peak_memory: Option<u64>,
}

/// What a run published.
pub struct Published {
    /// Names in artist cells that the catalog does not know.
    pub unknown_names: usize,
    /// Charts, regions, first and last date.
    pub scopes: Vec<(crate::tally::Scope, Day, Day)>,
    /// The first month that was counted again; `None` if every month was.
    pub since: Option<Month>,
    /// How many months were counted again.
    pub months: usize,
    /// How many songs and works were counted from the beginning beside them, since another track of
    /// theirs is known now.
    pub again: usize,
    /// The tables.
    pub tables: Vec<PublishedTable>,
    /// The size of the report beside them in bytes, if the pipeline wants one.
    pub page: Option<u64>,
    /// What they say otherwise than those of the run before, as far as the pipeline wants to hear: the
    /// rows of `changes` as JSON. None where nobody is told.
    pub changes: Vec<Value>,
    /// Runs that the pipeline's retention let go.
    pub retired: Vec<String>,
}

/// Runs a pipeline: exports into the ledger, the ledger into tables, the tables published.
///
/// # Errors
/// Any of [`Error`]; the ledger and the latest run are then as they were, or the ledger one commit
/// further with every row of it whole.
pub fn run(plan: &Plan, progress: &Progress) -> Result<Report> {
    let mut run = publish::new_run(&plan.out);
    underway::begin(&run);
    info!(pipeline = plan.name, "run begins");
    refuse_lost_ledger(plan)?;
    let lock: WriteLock = Ledger::lock(&plan.ledger)?;
    // Before anything is read, so that a place that cannot be reached is told at once.
    let mut place = plan.place.as_ref().map(Place::to_write);
    if let Some(place) = &mut place {
        place.copy_latest(&plan.out)?;
        run = publish::new_run_after(&plan.out, &place.runs()?);
        underway::begin(&run);
    }
    if publish::is_taken(&plan.out, &run) {
        run = publish::new_run(&plan.out);
        underway::begin(&run);
    }
    publish::check_writable(&plan.out)?;
    // Two runs with ledgers of their own may publish to one place, and would sweep each other's files.
    let _publishing = plan.place.is_none().then(|| publish::lock(&plan.out)).transpose()?;
    let spool = store::folder(&plan.ledger);
    exports::sweep(&spool);
    let prepared = prepare_in(plan, progress, &spool)?;
    prepared.check_usable(plan)?;
    let mut refused = prepared.refused();
    for Refused { export, problem } in &refused {
        warn!(export, problem, "export refused");
    }
    let left_out = prepared.left_out();
    let (rows_decoded, bytes_read) = (progress.rows(), progress.bytes());
    let Prepared { mut ledger, found, decoded, mut timings, objects: (objects, mut known), .. } = prepared;
    objects.remember(&mut known, &decoded);
    let seen = Seen::default();
    let look = |key: &MonthKey, month: &Settled, tracks: &[u32]| seen.look(key, month, tracks);
    let update = timings.time("ledger", || ledger.update(&lock, decoded, &plan.policy, look))?;
    timings.note(rows_decoded, update.bytes);
    info!(exports = update.new_exports, months = update.months.len(), bytes = update.bytes, "ledger updated");
    // Only now: what the ledger has not taken in must be fetched again.
    known.keep(&spool)?;
    for Withheld { export, problem } in &update.withheld {
        warn!(export, problem, "export withheld");
        refused.push(Refused { export: export.clone(), problem: problem.clone() });
    }
    let stands = match update.new_exports {
        0 => timings.time("compare", || unchanged(plan, &ledger)),
        _ => None,
    };
    let rows = ledger.state.exports.iter().map(|export| export.rows).sum();
    let latest = match &place {
        Some(place) => place.pointer().to_path(),
        None => publish::latest(&plan.out),
    };
    let found = found.len();
    let mut report = Report {
        run,
        latest,
        found,
        update,
        refused,
        left_out,
        rows,
        rows_decoded,
        bytes_read,
        published: None,
        headline: None,
        claims: None,
        timings,
        efforts: progress.efforts(),
        peak_memory: None,
    };
    match stands {
        Some(latest) => {
            info!(latest, "nothing new");
            let frame = |contract| publish::read(&plan.out, contract).ok();
            report.show(plan, frame(&tables::rankings::CONTRACT), frame(&tables::claims::CONTRACT));
            report.run = latest;
        }
        None => publish_anew(plan, &ledger, &seen, place, &mut report)?,
    }
    report.peak_memory = peak_memory();
    Ok(report)
}

/// Refuses an empty ledger in place of the one that the latest run was counted from: a disk that is not
/// mounted would pass for a new beginning, and what only it knew would be gone from the tables.
fn refuse_lost_ledger(plan: &Plan) -> Result<()> {
    if plan.full || Ledger::is_begun(&plan.ledger)? {
        return Ok(());
    }
    let Ok(latest) = publish::manifest(&plan.out) else { return Ok(()) };
    let is_here = latest.ledger_at == Some(publish::place_of(&plan.ledger));
    let Some(version) = latest.ledger.filter(|_| is_here) else { return Ok(()) };
    Err(Error::damaged(
        &plan.ledger,
        format!(
            "there is no commit, and the latest run, {}, was counted from version {version} of the ledger; is its \
             disk mounted? To begin a new ledger from the exports that are there, run with --full",
            latest.run
        ),
    ))
}

/// Counts what the ledger holds and publishes it.
fn publish_anew(
    plan: &Plan,
    ledger: &Ledger,
    seen: &Seen,
    mut place: Option<Place>,
    report: &mut Report,
) -> Result<()> {
    let mut counted = count(plan, ledger, &Checkpoints::of(plan), seen, &mut report.timings)?;
    check_coverage(plan, &counted.surveyed)?;
    let mut tables = report.timings.time("tables", || {
        let tables = tables::build(&counted.sources(plan, &ledger.state))?;
        // It is all in the tables, and the run before them can be read into its memory.
        counted.folded = Folded::default();
        Ok::<_, Error>(tables)
    })?;
    report.timings.note(tables.iter().map(|table| table.frame.height() as u64).sum(), 0);
    let frame = |contract: &tables::Contract| {
        tables.iter().find(|table| table.contract.name == contract.name).map(|table| &table.frame)
    };
    let claims = frame(&tables::claims::CONTRACT).map(Frame::to_polars).transpose()?;
    report.show(plan, frame(&tables::rankings::CONTRACT).and_then(|all| of_headline(plan, all)), claims);

    let dates = scope_dates(&counted.surveyed);
    let Report { run, refused, timings, .. } = report;
    let (mut about, before, told) = timings.time("changes", || {
        let about = manifest(plan, ledger, run, &[], (refused, &dates), counted.since);
        let Since { before, changes } = history::since_latest(&plan.out, &about, &tables)?;
        if let Some(table) =
            tables.iter_mut().find(|table| table.contract.name == tables::changes::CONTRACT.name)
        {
            table.frame = tables::changes::rows(&changes)?;
        }
        let told = told(plan, &counted.entities, &changes);
        Ok::<_, Error>((about, before, told))
    })?;
    let ground = Ground { plan, ledger, surveyed: &counted.surveyed, entities: &counted.entities };
    let (mut seconds, publishing) = (report.timings.seconds(), Instant::now());
    let manifest = |folder: &Path, tables: &[PublishedTable]| {
        about["tables"] = json!(tables);
        about["before"] = json!(before);
        // So far as it can be known in here: the report, if there is one, and the switch come after it.
        seconds.insert("publish".to_owned(), json!(publishing.elapsed().as_secs_f64()));
        about["seconds"] = Value::Object(seconds);
        about["peak_memory_bytes"] = json!(peak_memory());
        if plan.report {
            about["report"] = reporting::publish(folder, &about, ground)?;
        }
        Ok(seal::close(format!("{about:#}\n")))
    };
    let run = report.run.clone();
    let tables = report
        .timings
        .time("publish", || publish::publish_to(place.as_mut(), &plan.out, &run, tables, manifest))?;
    info!(run, tables = tables.len(), "published");
    let retired = plan.retention.map_or(Ok::<_, Error>(Vec::new()), |retention| {
        // Here too: those of the place that never were here, and the copies.
        let there = place.as_mut().map(|place| place.retire(retention)).transpose()?;
        let here = publish::retire(&plan.out, retention)?;
        Ok(there.unwrap_or(here))
    });
    let retired = retired.unwrap_or_else(|error| {
        warn!("some runs could not be removed: {error}");
        Vec::new()
    });
    for run in &retired {
        info!(retired = run, "removed by retention");
    }
    let scopes = counted.surveyed.scopes.iter().zip(&counted.surveyed.calendars);
    let scopes = scopes
        .filter_map(|(scope, calendar)| Some((scope.clone(), calendar.due.first()?.day, calendar.last()?)))
        .collect();
    let Counted { since, again, .. } = counted;
    let months: BTreeSet<Month> = ledger.state.months.keys().map(|key| key.month).collect();
    let months = months.into_iter().filter(|month| since.is_none_or(|since| *month >= since)).count();
    let unknown_names = counted.entities.unknown_names();
    let page = about.pointer("/report/bytes").and_then(Value::as_u64);
    report.published =
        Some(Published { unknown_names, scopes, since, months, again, tables, page, changes: told, retired });
    // Nobody waits until millions of names have been given back.
    rayon::spawn(move || drop(counted));
    Ok(())
}

impl Report {
    /// Notes what people want to see of the published tables.
    fn show(&mut self, plan: &Plan, rankings: Option<DataFrame>, claims: Option<DataFrame>) {
        let name = plan.headline.as_ref();
        self.headline =
            name.zip(rankings).and_then(|(name, frame)| Some((name.clone(), headline(&frame, name)?)));
        self.claims = claims.filter(|frame| frame.height() > 0);
    }
}

/// The rows of the headline's ranking; rows are sorted by ranking.
fn of_headline(plan: &Plan, rankings: &Frame) -> Option<DataFrame> {
    let (name, names) = (plan.headline.as_deref()?, rankings.text("ranking").ok()?);
    let is = |row: &usize| names.get(*row) == Some(name);
    let from = (0..rankings.height()).find(is)?;
    let length = (from..rankings.height()).take_while(is).count();
    rankings.slice(from, length).to_polars().ok()
}

/// The latest run, if it is what a run would publish now: from the same commit of the same ledger,
/// by the same pipeline, catalog, claims and program, and with every table as it was written.
fn unchanged(plan: &Plan, ledger: &Ledger) -> Option<String> {
    let manifest = publish::manifest(&plan.out).ok().filter(|_| !plan.full)?;
    let latest = publish::latest(&plan.out);
    // A table that was changed by hand is published again.
    let in_place = |contract: &tables::Contract| {
        let file = std::fs::read(latest.join(format!("{}.parquet", contract.name)));
        file.is_ok_and(|bytes| {
            manifest.hash_of(contract.name) == Some(blake3::hash(&bytes).to_hex().as_str())
        })
    };
    let same = (manifest.ledger, &manifest.ledger_id) == (ledger.version, &ledger.state.id)
        && manifest.pipeline == plan.hash
        && manifest.catalog == plan.catalog.hash
        && manifest.claims == plan.claims.hash
        && manifest.as_of == plan.as_of
        && manifest.program == crate::PROGRAM
        && tables::ALL.iter().all(|contract| in_place(contract))
        && reporting::is_in_place(&latest, &manifest);
    same.then_some(manifest.run)
}

/// The changes that the pipeline's command is told of.
fn told(plan: &Plan, entities: &Entities, changes: &Changes) -> Vec<Value> {
    if plan.on_change.command.is_none() {
        return Vec::new();
    }
    let members = members(plan, entities, changes);
    let wanted = changes.iter().filter(|change| plan.on_change.subscription.wants(change, &members));
    wanted.map(|change| change.to_json()).collect()
}

/// Who belongs to the cohort whose changes the pipeline wants to hear of.
fn members(plan: &Plan, entities: &Entities, changes: &Changes) -> Members {
    let mut members = Members::default();
    let Some(cohort) = &plan.on_change.subscription.cohort else { return members };
    let changed: HashSet<&str> = changes.iter().map(|change| change.subject.entity_id).collect();
    if changed.is_empty() {
        return members;
    }
    for kind in EntityKind::ALL {
        let belong = entities.members(cohort, kind);
        let known = entities.of(kind).iter().enumerate();
        for (code, entity) in known.filter(|(_, entity)| changed.contains(entity.id.as_str())) {
            let belongs = belong.and_then(|belong| belong.get(code)) == Some(&true);
            members.note(kind.word(), &entity.id, belongs);
        }
    }
    members
}

/// The verdicts on the plan's claims by the ledger as it is, as a table; no export is read and
/// nothing is written.
///
/// # Errors
/// [`Error::Usage`] for a ledger without exports, [`Error::Read`], [`Error::Damaged`].
pub fn check_claims(plan: &Plan) -> Result<Table> {
    let ledger = Ledger::open(&plan.ledger)?;
    if ledger.state.listed().next().is_none() {
        let ledger = plan.ledger.display();
        return Err(Error::Usage(format!("the ledger {ledger} is empty; `chartledger run` fills it")));
    }
    let state = &ledger.state;
    let surveyed = survey(plan, &ledger)?;
    let entities = Entities::resolve(&plan.catalog, &state.listings, &surveyed.sightings);
    let claims = &plan.claims.claims;
    // Nothing else is counted: not what the pipeline asks, nor how exports agree.
    let tallies = claims::tallies(claims, &surveyed, &entities);
    let asked = Asked { tallies: &tallies, records: &[], paces: &[], reach: &[], tolerance: None };
    let folded = fold(plan, &ledger, &Setup::new(asked, &surveyed, &entities, &export_order(&ledger)))?;
    let facts = Facts { tallies: &tallies, surveyed: &surveyed, entities: &entities, folded: &folded };
    let judged = claims::judge(claims, &facts);
    let counted = Counted {
        tallies: Vec::new(),
        surveyed,
        entities,
        folded: Folded::default(),
        corrections: Vec::new(),
        judged,
        since: None,
        again: 0,
    };
    tables::build_one(&tables::claims::CONTRACT, &counted.sources(plan, state))
}

/// The tables that the ledger's months give, all of them counted from the first; nothing is read
/// but the ledger, and nothing is written.
///
/// # Errors
/// Those of [`count`] and of the tables' contracts.
pub fn rebuild(plan: &Plan, ledger: &Ledger) -> Result<Vec<Table>> {
    let counted = count(plan, ledger, &Checkpoints::NONE, &Seen::default(), &mut Timings::default())?;
    let tables = tables::build(&counted.sources(plan, &ledger.state))?;
    tables.iter().try_for_each(tables::audit)?;
    Ok(tables)
}

/// Refuses to publish figures from scopes with too many dates of which nothing is known.
pub(crate) fn check_coverage(plan: &Plan, surveyed: &Surveyed) -> Result<()> {
    for (scope, calendar) in surveyed.scopes.iter().zip(&surveyed.calendars) {
        if let Some(share) = plan.coverage.lacking(calendar) {
            return Err(Error::Audit(format!(
                "{} {}: {:.1} % of the due dates are there, less than min_coverage asks for; the ledger has \
                 taken the exports in, so add those that are missing (`coverage` of a run without \
                 min_coverage lists the dates) or lower it",
                scope.chart,
                scope.region,
                share * 100.0
            )));
        }
    }
    Ok(())
}

/// The rows of one ranking, best first.
pub(crate) fn headline(rankings: &DataFrame, name: &str) -> Option<DataFrame> {
    let mask: polars::prelude::BooleanChunked =
        rankings.column("ranking").ok()?.str().ok()?.iter().map(|ranking| ranking == Some(name)).collect();
    let rows = rankings.filter(&mask).ok()?;
    rows.sort(["chart", "region", "rank", "entity_id"], Default::default()).ok()
}
