//! The same tables from a Spark cluster.
//!
//! The cluster goes through the rows: it surveys them, keeps every entity's running sum, and sends
//! the dates on which something happens. What these mean is decided here, by the code that decides
//! it on one machine: who is who ([`Entities`]), which dates count ([`crate::tally::Calendar`]), how
//! certain a milestone is, what is ranked and what is sensitive ([`crate::tables`]).
//!
//! | file | does |
//! |---|---|
//! | `cluster` | speaks to the program that speaks to the cluster |
//! | `input` | what there is to count, and the months of a ledger as one view |
//! | `files` | exports as the same view |
//! | `survey` | scopes, dates, sightings |
//! | `relations` | what travels with the job |
//! | `sql` | a tally as a statement |
//! | `totals` | the table of totals where it is too large to come here |
//! | `publishing` | tables and manifest |

mod cluster;
mod files;
mod input;
mod publishing;
mod relations;
mod sql;
mod survey;
mod totals;

pub use cluster::Pace;
pub use publishing::{Left, TABLES};

use std::time::{Duration, Instant};

use crate::catalog::{Entities, EntityKind};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::ledger::Ledger;
use crate::pipeline::Plan;
use crate::publish::{self, PublishedTable};
use crate::tally::{self, Asked, Basis, CreditSource, Event, Folded, Setup, TallySpec, Window, replay};
use crate::underway;
use cluster::{Cluster, Columns};
use relations::Absent;
use survey::Surveying;

/// Where a job runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server: `sc://HOST:PORT`, with parameters behind it.
    pub remote: String,
    /// Whether the ledger is counted, and not the exports.
    pub from_ledger: bool,
    /// A table of totals with more rows than this is written by the cluster.
    pub collect_up_to: u64,
}

/// What a job is doing.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// In a few words.
    pub what: &'a str,
    /// How far the cluster is with it.
    pub pace: Pace,
}

/// What a job did.
pub struct Report {
    /// The run.
    pub run: String,
    /// Where its tables are.
    pub latest: std::path::PathBuf,
    /// The server's version.
    pub server: String,
    /// What was read.
    pub input: String,
    /// Charts, regions, first and last date.
    pub scopes: Vec<(crate::tally::Scope, Day, Day)>,
    /// Names in artist cells that the catalog does not know.
    pub unknown_names: usize,
    /// The tables.
    pub tables: Vec<PublishedTable>,
    /// What the pipeline asks for and this engine does not give.
    pub left: Vec<Left>,
    /// The headline ranking's rows, if the pipeline names one.
    pub headline: Option<(String, polars::prelude::DataFrame)>,
    /// How long each stage took.
    pub timings: Vec<(&'static str, Duration)>,
}

/// Counts a pipeline on a cluster and publishes the tables.
///
/// # Errors
/// Any of [`Error`]; nothing is published then.
pub fn run(plan: &Plan, options: &Options, tell: &mut dyn FnMut(&Step<'_>)) -> Result<Report> {
    // The server first: it is what is most likely not there.
    let mut cluster = Cluster::connect(&options.remote)?;
    let mut run = publish::new_run(&plan.out);
    underway::begin(&run);
    // Exports are counted without a ledger; one that is there is left alone, and its lock keeps other
    // runs from publishing at the same time.
    let _lock = match options.from_ledger || plan.ledger.exists() {
        true => Some(Ledger::lock(&plan.ledger)?),
        false => None,
    };
    if publish::is_taken(&plan.out, &run) {
        run = publish::new_run(&plan.out);
        underway::begin(&run);
    }
    publish::check_writable(&plan.out)?;
    let _publishing = publish::lock(&plan.out)?;
    let ledger = Ledger::open(&plan.ledger)?;
    let mut timings = Vec::new();
    let mut begun = Instant::now();
    let mut lap = |stage: &'static str| {
        timings.push((stage, begun.elapsed()));
        begun = Instant::now();
    };

    let input = match options.from_ledger {
        true => input::ledger(&mut cluster, plan, &ledger)?,
        false => files::exports(&mut cluster, plan, &mut |pace| tell(&Step { what: "reading", pace }))?,
    };
    cluster.keep("cl_rows")?;
    lap("open");
    tell(&Step { what: "survey", pace: Pace::default() });
    let surveying = survey::survey(&mut cluster, &input, &mut |pace| tell(&Step { what: "survey", pace }))?;
    lap("survey");
    let surveyed = &surveying.surveyed;
    let entities = Entities::resolve(&plan.catalog, &input.listings, &surveyed.sightings);
    lap("identify");
    let mut tallies = plan.tallies.clone();
    tallies.extend(tally::derive(&plan.tallies, &plan.sensitive(), surveyed));
    let asked = Asked { tallies: &tallies, records: &[], paces: &[], reach: &[], tolerance: None };
    let setup = Setup::new(asked, surveyed, &entities, &[]);
    let prepared = prepare(&mut cluster, &surveying, &setup)?;
    lap("send");
    let counting = Counting { surveying: &surveying, prepared: &prepared, setup: &setup };
    let heights = counting.heights(&mut cluster, plan.tallies.len(), options.collect_up_to, tell)?;
    let kept = publishing::keep(plan, surveyed, &heights, options.collect_up_to);
    let mut folded = Folded::default();
    for (tally, spec) in tallies.iter().enumerate() {
        let Some(with_totals) = kept.needs(spec, tally) else { continue };
        let what = match spec.derived {
            Some((of, _)) => format!("{}, counted otherwise", tallies[of].name),
            None => spec.name.clone(),
        };
        let mut pace = |pace| tell(&Step { what: &what, pace });
        pace(Pace::default());
        let events = counting.events(&mut cluster, tally, with_totals, &what, &mut pace)?;
        let (milestones, totals) = replay(&setup, tally, events)?;
        folded.milestones.extend(milestones);
        folded.totals.extend(totals);
    }
    lap("count");
    let mut written = None;
    if kept.totals_stay {
        totals::send_words(&mut cluster, &surveying, &entities, &relations::kinds(&plan.tallies))?;
        let parts = (0..plan.tallies.len()).flat_map(|tally| counting.parts(tally));
        let parts: Vec<totals::Part<'_>> = parts.collect();
        let due = heights.iter().sum();
        let pace = &mut |pace| tell(&Step { what: "writing totals", pace });
        pace(Pace::default());
        written = Some(totals::write(&mut cluster, (&plan.out, &run), &parts, due, pace)?);
        lap("write");
    }
    drop(setup);
    let job = publishing::Job {
        plan,
        run: &run,
        server: &cluster.server,
        ledger: &ledger,
        input: &input,
        tallies: &tallies,
        surveyed,
        entities: &entities,
        folded: &folded,
        kept,
        written,
    };
    let published = publishing::publish(job, &timings)?;
    timings.push(("publish", begun.elapsed()));
    let scopes = surveyed.scopes.iter().zip(&surveyed.calendars);
    let scopes = scopes
        .filter_map(|(scope, calendar)| Some((scope.clone(), calendar.due.first()?.day, calendar.last()?)))
        .collect();
    Ok(Report {
        latest: publish::latest(&plan.out),
        server: cluster.server.clone(),
        input: input.what.clone(),
        scopes,
        unknown_names: entities.unknown_names(),
        tables: published.tables,
        left: published.left,
        headline: published.headline,
        timings,
        run,
    })
}

/// What all statements share.
struct Prepared {
    members: Vec<Option<String>>,
    absent: [Option<Absent>; 4],
}

/// Sends everything that travels with the job.
fn prepare(cluster: &mut Cluster, surveying: &Surveying, setup: &Setup<'_>) -> Result<Prepared> {
    let kinds = relations::kinds(setup.tallies);
    relations::send_dates(cluster, surveying)?;
    relations::send_identity(cluster, surveying, setup.entities, kinds.contains(&EntityKind::Artist))?;
    let members = relations::send_members(cluster, setup)?;
    let mut absent: [Option<Absent>; 4] = Default::default();
    for kind in kinds.into_iter().filter(|kind| *kind != EntityKind::Artist) {
        absent[kind as usize] = Some(relations::send_absences(cluster, surveying, setup, kind)?);
    }
    let numbers = |basis: Basis| -> Vec<i64> {
        let scopes = surveying.surveyed.scopes.iter().zip(&surveying.numbers);
        scopes
            .filter(|(scope, _)| scope.has_streams && scope.basis == basis)
            .map(|(_, number)| *number)
            .collect()
    };
    cluster.view("cl_added", &sql::added(&numbers(Basis::Chart), &numbers(Basis::Counter)))?;
    Ok(Prepared { members, absent })
}

/// What is counted, and by what.
struct Counting<'a> {
    surveying: &'a Surveying,
    prepared: &'a Prepared,
    setup: &'a Setup<'a>,
}

impl Counting<'_> {
    /// The scopes of one basis in which a tally counts, by their numbers.
    fn scopes(&self, tally: usize, basis: Basis) -> Vec<i64> {
        let surveyed = &self.surveying.surveyed;
        let scopes = self.setup.tallies.get(tally).map_or(Vec::new(), |spec| spec.scopes_in(surveyed));
        let of_basis = |scope: &usize| surveyed.scopes.get(*scope).is_some_and(|scope| scope.basis == basis);
        let number = |scope: usize| self.surveying.numbers.get(scope).copied();
        scopes.into_iter().filter(of_basis).filter_map(number).collect()
    }

    fn members(&self, tally: usize) -> Option<&str> {
        self.prepared.members.get(tally).and_then(Option::as_deref)
    }

    fn absent(&self, kind: EntityKind) -> Option<&Absent> {
        self.prepared.absent.get(kind as usize).and_then(Option::as_ref)
    }

    /// How many totals each of the first `own` tallies has. They are counted only if there may be more
    /// than `limit` of them; otherwise the numbers are what there can be at most.
    fn heights(
        &self,
        cluster: &mut Cluster,
        own: usize,
        limit: u64,
        tell: &mut dyn FnMut(&Step<'_>),
    ) -> Result<Vec<u64>> {
        let surveyed = &self.surveying.surveyed;
        let own = || self.setup.tallies.iter().enumerate().take(own);
        let most = |(tally, spec): (usize, &TallySpec)| {
            let entities = match self.setup.members(tally) {
                Some(members) => members.iter().filter(|member| **member).count(),
                None => self.setup.entities.of(spec.entity).len(),
            };
            let calendars = spec.scopes_in(surveyed).into_iter();
            let windows = calendars.filter_map(|scope| surveyed.calendars.get(scope)).map(|calendar| {
                let mut windows: Vec<Window> =
                    calendar.due.iter().map(|due| spec.clock.window(due.day)).collect();
                windows.dedup();
                windows.len()
            });
            (windows.sum::<usize>() as u64).saturating_mul(entities as u64)
        };
        let most: Vec<u64> = own().map(most).collect();
        if most.iter().copied().fold(0, u64::saturating_add) <= limit {
            return Ok(most);
        }
        let mut heights = Vec::with_capacity(most.len());
        for (tally, spec) in own() {
            let mut height = 0;
            for basis in [Basis::Chart, Basis::Counter] {
                let scopes = self.scopes(tally, basis);
                if scopes.is_empty() {
                    continue;
                }
                let rows = self.surveying.rows;
                let around = sql::Around { scopes, rows, members: self.members(tally), absent: None };
                let mut pace = |pace| tell(&Step { what: "counting totals", pace });
                let answer = cluster.collect("counting totals", &sql::heights(spec, &around), &mut pace)?;
                let broken = || Error::Audit("the cluster answered with no number of totals".to_owned());
                let counted = answer.number(0, 0).and_then(|rows| u64::try_from(rows).ok());
                height += counted.ok_or_else(broken)?;
            }
            heights.push(height);
        }
        Ok(heights)
    }

    /// What the statement for the totals of a tally is made of.
    fn parts(&self, tally: usize) -> Vec<totals::Part<'_>> {
        let Some(spec) = self.setup.tallies.get(tally) else { return Vec::new() };
        let part = |basis| totals::Part {
            spec,
            basis,
            around: sql::Around {
                scopes: self.scopes(tally, basis),
                rows: self.surveying.rows,
                members: self.members(tally),
                absent: self.absent(spec.entity),
            },
        };
        [Basis::Chart, Basis::Counter]
            .map(part)
            .into_iter()
            .filter(|part| !part.around.scopes.is_empty())
            .collect()
    }

    /// The dates on which something happens in a tally.
    fn events(
        &self,
        cluster: &mut Cluster,
        tally: usize,
        with_totals: bool,
        what: &str,
        pace: &mut dyn FnMut(Pace),
    ) -> Result<Vec<Event>> {
        let Some(spec) = self.setup.tallies.get(tally) else { return Ok(Vec::new()) };
        let places = survey::places(self.surveying);
        let mut all = Vec::new();
        // A counter has no bounds, and its statement is then a shorter one.
        for basis in [Basis::Chart, Basis::Counter] {
            let scopes = self.scopes(tally, basis);
            if scopes.is_empty() {
                continue;
            }
            let absent = self.absent(spec.entity).filter(|_| basis == Basis::Chart);
            let rows = self.surveying.rows;
            let around = sql::Around { scopes, rows, members: self.members(tally), absent };
            let statement = sql::events(spec, &around, with_totals);
            cluster.each(&format!("counting {what}"), &statement, pace, &mut |answer| {
                for row in 0..answer.height() {
                    let broken = || {
                        Error::Audit(format!(
                            "the cluster answered with a row that makes no sense for {what}"
                        ))
                    };
                    all.push(event(&answer, row, &places).ok_or_else(broken)?);
                }
                Ok(())
            })?;
        }
        Ok(all)
    }
}

fn event(answer: &Columns, row: usize, places: &std::collections::HashMap<i64, u32>) -> Option<Event> {
    let number = |column: usize| answer.number(column, row);
    let day = |column: usize| number(column).and_then(|day| u16::try_from(day).ok()).map(Day);
    let small = |column: usize| number(column).and_then(|value| u32::try_from(value).ok());
    Some(Event {
        scope: *places.get(&number(0)?)?,
        entity: small(1)?,
        window: Window::of_code(u16::try_from(number(2)?).ok()?),
        day: day(3)?,
        last_on: day(4),
        first_on: day(5)?,
        opening: number(6)?,
        before: number(7)?,
        amount: number(8)?,
        listed: (number(9)?, number(10)?),
        dates: small(11)?,
        // Tracks and songs are one song; works and artists have theirs counted.
        songs: small(12)?.max(1),
        credits: CreditSource::from_parts(number(13)? != 0, number(14)? != 0),
        peak: (number(15)?, day(16)?),
        last: number(17)? != 0,
    })
}
