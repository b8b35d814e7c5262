//! From an export to an observation.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::days::{Day, parse_day};
use super::{Row, row};
use crate::world::{Dialect, Export, Line};

/// Chart and region.
pub type Scope = (String, String);

/// The rows in use of a scope, by date.
pub type Slices = BTreeMap<Day, Vec<Seen>>;

/// One observation, and the line of the export it was read from.
#[derive(Clone)]
pub struct Seen {
    pub date: Day,
    pub rank: i64,
    pub track: String,
    pub title: String,
    pub artists: String,
    pub streams: i128,
    pub export: String,
    pub line: i64,
    /// The running total of a counter.
    pub total: Option<i128>,
    /// What the export itself says of the past. A previous rank of -1 is not listed.
    pub peak: Option<i64>,
    pub appearances: Option<i64>,
    pub previous: Option<i64>,
}

impl Seen {
    fn figures(&self) -> (i64, &str, i128) {
        (self.rank, &self.track, self.streams)
    }

    fn same_row(&self, other: &Seen) -> bool {
        self.figures() == other.figures() && self.spelling() == other.spelling()
    }

    /// Artist cell and title.
    pub fn spelling(&self) -> (&str, &str) {
        (&self.artists, &self.title)
    }
}

/// A line as an observation, or nothing if it has to be quarantined.
fn read(export: &Export, line: &Line, number: i64) -> Option<(Scope, Seen)> {
    let chart = export.dialect.chart();
    let region = match line.region.trim() {
        "South Korea" => "kr".to_owned(),
        "United States" => "us".to_owned(),
        other => other.to_lowercase(),
    };
    let mut date = parse_day(line.date.trim())?;
    if export.dialect.weekly() {
        match date.rem_euclid(7) {
            0 => {}
            1 => date -= 1,
            _ => return None,
        }
    }
    let counter = export.dialect == Dialect::Kworb;
    let whole = |text: &str| -> Option<i64> {
        let text = text.trim();
        if counter { text.replace(',', "").parse().ok() } else { text.parse().ok() }
    };
    let between = |text: &str, from: i64, to: i64| whole(text).filter(|number| (from..=to).contains(number));
    let (title, artists) = (line.title.trim(), line.artists.trim());
    let id = line.track.trim();
    let id = ["https://open.spotify.com/track/", "spotify:track:"]
        .iter()
        .find_map(|prefix| id.strip_prefix(prefix))
        .unwrap_or(id);
    let track = if counter { format!("name:{artists} - {title}") } else { format!("spotify:track:{id}") };
    // Merged daily exports say nothing of the past, and no counter of yesterday's rank.
    let told = |text: &str| whole(text).filter(|_| export.dialect != Dialect::Merged);
    let seen = Seen {
        date,
        rank: between(&line.rank, 1, 65_535)?,
        track,
        title: title.to_owned(),
        artists: artists.to_owned(),
        streams: between(&line.streams, 0, 1 << 53)?.into(),
        export: export.path.clone(),
        line: number,
        total: whole(&line.total).filter(|_| counter).map(i128::from),
        peak: told(&line.peak).filter(|&peak| peak > 0),
        appearances: told(&line.appearances).filter(|&number| number > 0),
        previous: told(&line.previous).filter(|&rank| export.dialect.tells_previous() && rank != 0),
    };
    Some(((chart.to_owned(), region), seen))
}

/// What came of the exports.
pub struct Ledger {
    pub scopes: BTreeMap<Scope, Slices>,
    /// The slices of which an export contradicted a newer one.
    pub conflicts: BTreeSet<(Scope, Day)>,
    /// In how many slices an export was withheld.
    pub withheld: usize,
    /// The table `exports`.
    pub accounts: Vec<Row>,
}

/// The part of the rows of a slice that a newer export may lose.
const MAX_LOSS: f64 = 0.2;

/// Rows of one export and slice that are not repeated in it.
struct Said<'a> {
    export: &'a str,
    rows: Vec<Seen>,
}

/// What comes of a slice when exports are taken in this order: the rows that count, and for each
/// export how many of its rows repeat one that counts and how many are superseded.
fn take<'a>(exports: &[&'a Said<'a>]) -> (Vec<Seen>, BTreeMap<&'a str, (usize, usize)>) {
    let (mut held, mut lost) = (Vec::<Seen>::new(), BTreeMap::new());
    for said in exports {
        let known = |seen: &&Seen| held.iter().any(|other| other.figures() == seen.figures());
        let (again, rest): (Vec<&Seen>, Vec<&Seen>) = said.rows.iter().partition(known);
        let contradicts =
            |seen: &&Seen| held.iter().any(|other| other.rank == seen.rank || other.track == seen.track);
        if rest.iter().any(contradicts) {
            lost.insert(said.export, (again.len(), rest.len()));
        } else {
            lost.insert(said.export, (again.len(), 0));
            let rest: Vec<Seen> = rest.into_iter().cloned().collect();
            held.extend(rest);
        }
    }
    (held, lost)
}

/// Of the exports of a slice, newest first, those that are withheld: from the oldest on, whoever
/// loses too much of what counts without it, unless a newer one makes up for it.
fn withheld<'a>(exports: &[&'a Said<'a>]) -> BTreeSet<&'a str> {
    let superseded = |lost: &BTreeMap<&str, (usize, usize)>| lost.values().any(|(_, rows)| *rows > 0);
    if !superseded(&take(exports).1) {
        return BTreeSet::new();
    }
    let (mut out, mut counted) = (BTreeSet::new(), 0);
    for newest in (0..exports.len()).rev() {
        let enough = |rows: usize| rows as f64 >= counted as f64 * (1.0 - MAX_LOSS);
        let all = take(&exports[newest..]).0.len();
        let others: Vec<&Said> =
            exports[newest..].iter().copied().filter(|said| !out.contains(said.export)).collect();
        let with_it = take(&others).0.len();
        if enough(all) {
            out.clear();
            counted = all;
        } else if enough(with_it) {
            counted = with_it;
        } else {
            out.insert(exports[newest].export);
        }
    }
    out
}

/// Exports are taken newest first; what contradicts the rows taken is superseded, and what would
/// lose too much is withheld.
pub fn ledger(exports: &[Export]) -> Ledger {
    let (mut scopes, mut conflicts) = (BTreeMap::<Scope, Slices>::new(), BTreeSet::new());
    let mut newest_first: Vec<&Export> = exports.iter().collect();
    newest_first.sort_by_key(|export| Reverse((export.modified, &export.path)));
    let mut slices: BTreeMap<(Scope, Day), Vec<Said>> = BTreeMap::new();
    // Read rows that are used, repeated, superseded, quarantined.
    let mut sums: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut repeated: BTreeMap<(Scope, Day, &str), usize> = BTreeMap::new();
    for export in &newest_first {
        let sums = sums.entry(&export.path).or_default();
        let mut number = export.dialect.header() + 1;
        for line in &export.lines {
            if let Some((scope, seen)) = read(export, line, number) {
                let of_slice = slices.entry((scope.clone(), seen.date)).or_default();
                if of_slice.last().is_none_or(|said| said.export != export.path) {
                    of_slice.push(Said { export: &export.path, rows: Vec::new() });
                }
                let rows = &mut of_slice.last_mut().expect("one").rows;
                if rows.iter().any(|other| other.same_row(&seen)) {
                    *repeated.entry((scope, seen.date, &export.path)).or_default() += 1;
                } else {
                    rows.push(seen);
                }
            } else {
                sums[3] += 1;
            }
            // A quoted title can hold a line break, and the next row is then a line further down.
            number += 1 + line.title.matches('\n').count() as i64;
        }
    }
    let mut slices_withheld = 0;
    for ((scope, date), said) in &slices {
        let exports: Vec<&Said> = said.iter().collect();
        let out = withheld(&exports);
        let stand: Vec<&Said> = exports.iter().copied().filter(|said| !out.contains(said.export)).collect();
        let (held, lost) = take(&stand);
        slices_withheld += usize::from(!out.is_empty());
        if !out.is_empty() || lost.values().any(|(_, superseded)| *superseded > 0) {
            conflicts.insert((scope.clone(), *date));
        }
        for said in exports {
            let repeated = repeated.get(&(scope.clone(), *date, said.export)).copied().unwrap_or_default();
            let sums = sums.get_mut(said.export).expect("an export");
            match lost.get(said.export) {
                Some((again, superseded)) => {
                    sums[0] += said.rows.len() - again - superseded;
                    sums[1] += again + repeated;
                    sums[2] += superseded;
                }
                None => sums[2] += said.rows.len() + repeated,
            }
        }
        scopes.entry(scope.clone()).or_default().insert(*date, held);
    }
    let account = |export: &&Export| {
        let [used, duplicate, superseded, quarantined] = sums[export.path.as_str()];
        row(json!({
            "export": export.path, "rows_read": export.lines.len(), "rows_used": used,
            "rows_duplicate": duplicate, "rows_superseded": superseded,
            "rows_quarantined": quarantined,
        }))
    };
    let accounts = newest_first.iter().map(account).collect();
    Ledger { scopes, conflicts, withheld: slices_withheld, accounts }
}
