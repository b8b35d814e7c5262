//! Trust but check: whether the ledger and the published runs are what was written, and whether the
//! tables follow from the ledger.
//!
//! | file | checks |
//! |---|---|
//! | `log.rs` | the commits: none missing, none changed, each readable |
//! | `files.rs` | every file of the ledger against the hash in its name |
//! | `months.rs` | rows of each month: sorted, settled, explained; and the account of every export |
//! | `runs.rs` | every published run against its `run.json` |
//! | `refold.rs` | the tables of the latest run against a rebuild from the ledger, cell by cell |
//!
//! Reads only. A file whose hash is wrong is not decoded, unless it is to name the rows in which a
//! table was changed.

mod files;
mod log;
mod months;
mod refold;
mod runs;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::ledger::{self, Ledger};
use crate::pipeline::Plan;
use crate::publish;

/// What to do about files without a commit, which a first run leaves behind that was killed.
const NO_COMMIT: &str = "if nothing was ever published from it, run again; else restore it from a backup";

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The commits of the ledger.
    Log,
    /// A file of the ledger.
    File,
    /// The rows of a month.
    Month,
    /// The account of an export's rows.
    Account,
    /// A published run.
    Run,
    /// A table of the latest run.
    Table,
}

impl Part {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::File => "file",
            Self::Month => "month",
            Self::Account => "account",
            Self::Run => "run",
            Self::Table => "table",
        }
    }
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of thing.
    pub part: Part,
    /// Which: a file, a month, an export, a row.
    pub place: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub way_out: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names come from exports and from damaged files, and this is read on a terminal.
        write!(out, "{}: {}; {}", clean(&self.place), clean(&self.problem), self.way_out)
    }
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// `1 file`, `2,000 files`.
fn plural(count: u64, one: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let ending = if count == 1 { "" } else { "s" };
    format!("{text} {one}{ending}")
}

/// The faults found, at most so many of each kind.
#[derive(Clone, Debug)]
pub struct Faults {
    most: usize,
    /// Those to show.
    pub shown: Vec<Fault>,
    /// How many there are of each kind.
    pub counts: BTreeMap<Part, usize>,
}

impl Faults {
    fn new(most: usize) -> Self {
        Self { most, shown: Vec::new(), counts: BTreeMap::new() }
    }

    fn add(&mut self, part: Part, place: impl ToString, problem: impl ToString, way_out: &'static str) {
        let count = self.counts.entry(part).or_default();
        *count += 1;
        if *count <= self.most {
            let (place, problem) = (place.to_string(), problem.to_string());
            self.shown.push(Fault { part, place, problem, way_out });
        }
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many of a kind are not shown.
    pub fn more(&self, part: Part) -> usize {
        self.counts.get(&part).map_or(0, |count| count.saturating_sub(self.most))
    }
}

/// What `verify` found.
pub struct Report {
    /// What is wrong.
    pub faults: Faults,
    /// What was looked at, a word and a sentence each.
    pub checked: Vec<(&'static str, String)>,
}

/// Checks the ledger and the runs of a pipeline; of each kind of fault `most` are kept.
///
/// # Errors
/// [`Error::Usage`] if there is no ledger, [`Error::Damaged`] for the ledger of a newer program,
/// [`Error::Read`] for folders that cannot be listed, [`Error::Locked`] where runs are at work all the
/// while. Damage is no error but a fault.
pub fn verify(plan: &Plan, most: usize) -> Result<Report> {
    // What a run changes meanwhile looks like damage: then everything is looked at once more.
    const OFTEN: usize = 3;
    for _ in 0..OFTEN {
        let before = Standing::of(plan);
        let found = verify_once(plan, most);
        let is_sound = found.as_ref().is_ok_and(|report| report.faults.total() == 0);
        let is_begun = before.newest.is_some();
        if is_sound || is_begun && before == Standing::of(plan) || !is_begun && !Ledger::is_held(&plan.ledger)
        {
            return found;
        }
    }
    Err(Error::Locked { path: plan.ledger.clone(), holder: String::new() })
}

/// What a run changes: the newest commit, and the latest run.
#[derive(PartialEq, Eq)]
struct Standing {
    newest: Option<u64>,
    latest: Option<PathBuf>,
}

impl Standing {
    fn of(plan: &Plan) -> Self {
        let commits = ledger::logged(&plan.ledger).unwrap_or_default();
        let latest = std::fs::read_link(publish::latest(&plan.out)).ok();
        Self { newest: commits.last().map(|commit| commit.version), latest }
    }
}

fn verify_once(plan: &Plan, most: usize) -> Result<Report> {
    let root = &plan.ledger;
    let mut faults = Faults::new(most);
    let mut checked = Vec::new();
    let commits = ledger::logged(root)?;
    let files = files::check(root, &commits, &mut faults)?;
    if commits.is_empty() {
        if files.count == 0 {
            let problem =
                format!("the ledger {} holds nothing; name the one to check with --ledger", root.display());
            return Err(Error::Usage(problem));
        }
        let place = root.join("_delta_log").display().to_string();
        let problem = format!("no commit is there, but {} files are", files.count);
        faults.add(Part::Log, place, problem, NO_COMMIT);
    }
    checked.push(("log", log::check(&commits, &mut faults)));
    checked.push(("files", files.to_string()));

    // Whatever is wrong with a commit or a file that the ledger needs has been said by now.
    let is_whole = faults.total() == 0 || files.live_whole && !faults.counts.contains_key(&Part::Log);
    let ledger = match Ledger::open(root) {
        Ok(ledger) if is_whole => Some(ledger),
        Err(error) if is_whole => return Err(error),
        _ => None,
    };
    match &ledger {
        Some(ledger) => checked.push(("months", months::check(ledger, &mut faults)?)),
        None => checked.push(("months", "not checked: the ledger is damaged".to_owned())),
    }
    if let Some(place) = &plan.place {
        checked.push(("objects", runs::check_objects(place, &plan.out, &mut faults)?));
    }
    checked.push(("runs", runs::check(&plan.out, &mut faults)?));
    let refolded = match &ledger {
        Some(ledger) => refold::check(plan, ledger, &mut faults)?,
        None => "not compared with the ledger, which is damaged".to_owned(),
    };
    checked.push(("tables", refolded));
    Ok(Report { faults, checked })
}
