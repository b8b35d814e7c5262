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
    /// The table `exports`.
    pub accounts: Vec<Row>,
}

/// Exports are taken newest first; what contradicts the rows taken is superseded.
pub fn ledger(exports: &[Export]) -> Ledger {
    let (mut scopes, mut conflicts) = (BTreeMap::<Scope, Slices>::new(), BTreeSet::new());
    let mut accounts = Vec::new();
    let mut newest_first: Vec<&Export> = exports.iter().collect();
    newest_first.sort_by_key(|export| Reverse((export.modified, &export.path)));
    for export in newest_first {
        let (mut used, mut duplicate, mut superseded, mut quarantined) = (0, 0, 0, 0);
        let mut slices: BTreeMap<(Scope, Day), Vec<Seen>> = BTreeMap::new();
        let mut number = export.dialect.header() + 1;
        for line in &export.lines {
            if let Some((scope, seen)) = read(export, line, number) {
                let slice = slices.entry((scope, seen.date)).or_default();
                if slice.iter().any(|other| other.same_row(&seen)) {
                    duplicate += 1;
                } else {
                    slice.push(seen);
                }
            } else {
                quarantined += 1;
            }
            // A quoted title can hold a line break, and the next row is then a line further down.
            number += 1 + line.title.matches('\n').count() as i64;
        }
        for ((scope, date), slice) in slices {
            let held = scopes.entry(scope.clone()).or_default().entry(date).or_default();
            let known = |seen: &Seen| held.iter().any(|other| other.figures() == seen.figures());
            let (again, rest): (Vec<_>, Vec<_>) = slice.into_iter().partition(known);
            duplicate += again.len();
            let contradicts =
                |seen: &Seen| held.iter().any(|other| other.rank == seen.rank || other.track == seen.track);
            if rest.iter().any(contradicts) {
                superseded += rest.len();
                conflicts.insert((scope, date));
            } else {
                used += rest.len();
                held.extend(rest);
            }
        }
        accounts.push(row(json!({
            "export": export.path, "rows_read": export.lines.len(), "rows_used": used,
            "rows_duplicate": duplicate, "rows_superseded": superseded,
            "rows_quarantined": quarantined,
        })));
    }
    Ledger { scopes, conflicts, accounts }
}
