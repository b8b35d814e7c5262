//! What is known of the past: two runs compared, and the commits and runs in the order of time.
//!
//! [`crate::changes`] compares; this reads.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use polars::prelude::*;
use rayon::prelude::*;
use serde_json::Value;

use crate::changes::{self, Causes, Changes};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::ledger::{Commit, commits};
use crate::publish::{self, Manifest};
use crate::tables::{self, Table};
use crate::{parquet, pipeline::Plan};

/// The compared tables of a run, by name.
struct Compared(Vec<(&'static str, Frame)>);

impl Compared {
    /// Those of a published run, as far as it has them.
    fn read(folder: &Path) -> Result<Self> {
        let wanted: Vec<_> = changes::compared().collect();
        let read = |(table, columns): (&'static str, &'static [&'static str])| {
            let path = folder.join(format!("{table}.parquet"));
            if !path.exists() {
                return Ok(None);
            }
            Ok(Some((table, parquet::read_frame(&path, columns)?)))
        };
        let read = wanted.into_par_iter().with_max_len(1).map(read).collect::<Result<Vec<_>>>()?;
        Ok(Self(read.into_iter().flatten().collect()))
    }

    fn get(&self, table: &str) -> Option<&Frame> {
        self.0.iter().find(|(name, _)| *name == table).map(|(_, frame)| frame)
    }
}

/// What a run says otherwise than the one before it.
#[derive(Default)]
pub struct Since {
    /// The run before; `None` if there is none that could be compared.
    pub before: Option<String>,
    /// What is said otherwise.
    pub changes: Changes,
}

/// Compares `tables`, about to be published with `manifest` as their `run.json`, with the latest
/// run. One that cannot be read is no reason not to publish: it is told in the log.
///
/// # Errors
/// [`Error::Frame`].
pub fn since_latest(out: &Path, manifest: &Value, tables: &[Table]) -> Result<Since> {
    let Some(before) = publish::latest_run(out) else { return Ok(Since::default()) };
    let folder = publish::folder(out, &before);
    let read = publish::manifest_in(&folder).and_then(|of| Ok((of.conditions(), Compared::read(&folder)?)));
    let (conditions, past) = match read {
        Ok(read) => read,
        Err(error) => {
            tracing::warn!(run = before, "the run before cannot be compared, so `changes` is empty: {error}");
            return Ok(Since::default());
        }
    };
    let damaged = |problem: String| Error::damaged(&publish::latest(out), problem);
    let now = Manifest::of(manifest).map_err(damaged)?.conditions();
    let present =
        |name: &str| tables.iter().find(|table| table.contract.name == name).map(|table| &table.frame);
    let changes = changes::compare(|name| past.get(name), present, &Causes::between(&conditions, &now))?;
    Ok(Since { before: Some(before), changes })
}

/// Compares two published runs.
///
/// # Errors
/// [`Error::Usage`] if a run lacks its manifest, [`Error::Read`], [`Error::Damaged`].
pub fn diff(out: &Path, before: &str, after: &str) -> Result<Changes> {
    let [before, after] = [before, after].map(|run| publish::folder(out, run));
    let conditions = |folder: &Path| publish::manifest_in(folder).map(Manifest::conditions);
    let causes = Causes::between(&conditions(&before)?, &conditions(&after)?);
    let (before, after) = (Compared::read(&before)?, Compared::read(&after)?);
    changes::compare(|name| before.get(name), |name| after.get(name), &causes)
}

/// The run before the latest one: that with which its `changes` compare, or else the one published
/// before it.
///
/// # Errors
/// [`Error::Usage`] if there are not two runs; [`Error::Read`], [`Error::Damaged`].
pub fn run_before(out: &Path, latest: &str) -> Result<String> {
    let runs = publish::runs(out)?;
    let named = publish::manifest_in(&publish::folder(out, latest))?.before;
    let earlier = || runs.iter().take_while(|run| *run != latest).last().cloned();
    named.filter(|run| runs.contains(run)).or_else(earlier).ok_or_else(|| {
        Error::Usage(format!("{} has no run before {latest} to compare it with", out.display()))
    })
}

/// What happened: a commit of the ledger, or a run.
enum Event {
    Commit(Commit),
    Run(Box<Manifest>),
}

/// The commits of a plan's ledger and its runs, in the order of time, as a table.
///
/// # Errors
/// [`Error::Usage`] if there is neither; [`Error::Read`], [`Error::Damaged`].
pub fn timeline(plan: &Plan) -> Result<DataFrame> {
    let mut events: Vec<(Option<DateTime<Utc>>, Event)> = Vec::new();
    for commit in commits(&plan.ledger)? {
        events.push((DateTime::from_timestamp_millis(commit.timestamp), Event::Commit(commit)));
    }
    for run in publish::runs(&plan.out)? {
        match publish::manifest_in(&publish::folder(&plan.out, &run)) {
            Ok(manifest) => {
                events.push((publish::time_of(&run), Event::Run(Box::new(Manifest { run, ..manifest }))))
            }
            Err(error) => tracing::warn!(run, "left out: {error}"),
        }
    }
    if events.is_empty() {
        let (ledger, out) = (plan.ledger.display(), plan.out.display());
        return Err(Error::Usage(format!(
            "neither the ledger {ledger} nor the output {out} has anything yet; `chartledger run` fills both"
        )));
    }
    // A run is named by the second in which it began, and comes behind the commit that it counts.
    let committed: HashMap<u64, DateTime<Utc>> = events
        .iter()
        .filter_map(|(at, event)| match event {
            Event::Commit(of) => Some((of.version, (*at)?)),
            Event::Run(_) => None,
        })
        .collect();
    events.sort_by_key(|(at, event)| {
        let version = match event {
            Event::Commit(of) => Some(of.version),
            Event::Run(of) => of.ledger,
        };
        let counted = version.and_then(|version| committed.get(&version).copied());
        ((*at).max(counted).map(|at| at.timestamp()), version, matches!(event, Event::Run(_)))
    });
    Ok(frame(&events)?)
}

fn frame(events: &[(Option<DateTime<Utc>>, Event)]) -> PolarsResult<DataFrame> {
    let text = |name: &str, value: &dyn Fn(&Event) -> Option<String>| {
        Column::new(name.into(), events.iter().map(|(_, event)| value(event)).collect::<Vec<_>>())
    };
    let number = |name: &str,
                  commit: &dyn Fn(&Commit) -> Option<u64>,
                  run: &dyn Fn(&Manifest) -> Option<u64>| {
        let value = |event: &Event| match event {
            Event::Commit(of) => commit(of),
            Event::Run(of) => run(of),
        };
        let values = events.iter().map(|(_, event)| value(event).and_then(|count| i64::try_from(count).ok()));
        Column::new(name.into(), values.collect::<Vec<_>>())
    };
    let at = events.iter().map(|(at, _)| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    let rows_of =
        |run: &Manifest, table: &str| run.rows.iter().find(|(name, _)| name == table).map(|of| of.1);
    let signed = events.iter().map(|(_, event)| match event {
        Event::Commit(of) => Some(of.rows),
        Event::Run(of) => i64::try_from(of.rows_used).ok(),
    });
    DataFrame::new(
        events.len(),
        vec![
            Column::new("at".into(), at.collect::<Vec<_>>()),
            text("event", &|event| {
                Some(if matches!(event, Event::Commit(_)) { "commit" } else { "run" }.to_owned())
            }),
            text("id", &|event| match event {
                Event::Commit(of) => Some(of.version.to_string()),
                Event::Run(of) => Some(of.run.clone()),
            }),
            number("ledger_version", &|of| Some(of.version), &|of| of.ledger),
            number("exports", &|of| of.exports, &|of| u64::try_from(of.inputs.len()).ok()),
            number("months", &|of| Some(of.months), &|_| None),
            Column::new("rows".into(), signed.collect::<Vec<_>>()),
            number("bytes", &|of| Some(of.bytes), &|_| None),
            number("tables", &|_| None, &|of| u64::try_from(of.tables.len()).ok()),
            number("milliseconds", &|_| None, &|of| u64::try_from(of.duration.as_millis()).ok()),
            number("changes", &|_| None, &|of| rows_of(of, tables::changes::CONTRACT.name)),
            text("what", &|event| match event {
                Event::Commit(of) => Some(of.came_in()).filter(|names| !names.is_empty()),
                Event::Run(of) => of.as_of.map(|day| format!("as of {day}")),
            }),
        ],
    )
}
