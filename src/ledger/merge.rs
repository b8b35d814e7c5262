//! What newly decoded exports change in the ledger.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use rayon::prelude::*;

use super::losses::Losing;
use super::month::Observation;
use super::policy::{OnConflict, OnLoss, Policy};
use super::register::{self, ExportEntry, Quarantined, RowAccount};
use super::settle::{self, Loss, Settled};
use super::{MonthFile, State};
use crate::dates::Month;
use crate::error::{Error, Result};
use crate::exports::{Decoded, Found, Listing, Piece, Stretch};

/// A chart and a month: what one file of the ledger holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthKey {
    /// The chart.
    pub chart: String,
    /// The month.
    pub month: Month,
}

/// How a file stands to the ledger, as far as its name, size and time tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// No export of this name is in the ledger.
    New,
    /// One is, but size or time differ; its hash will tell.
    Changed,
    /// It is in the ledger.
    Unchanged,
    /// It was taken out of the ledger on purpose, and is not taken in again.
    Forgotten,
}

/// How a file stands to the ledger.
pub fn classify(state: &State, found: &[Found]) -> Vec<Change> {
    let known: HashMap<&str, &ExportEntry> =
        state.listed().map(|(_, entry)| (entry.name.as_str(), entry)).collect();
    let change = |found: &Found| match known.get(found.name.as_str()) {
        None if state.forgotten.iter().any(|forgotten| forgotten.looks_like(found)) => Change::Forgotten,
        None => Change::New,
        Some(entry) if entry.size == found.size && entry.modified == found.modified => Change::Unchanged,
        Some(_) => Change::Changed,
    };
    found.iter().map(change).collect()
}

/// The files of a month: `None` where there is nothing to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonthFiles {
    /// The rows that count.
    pub kept: Option<MonthFile>,
    /// The path of those that do not.
    pub lost: Option<String>,
}

/// The ledger after a merge, before it is committed.
pub struct Merged {
    /// Exports by code.
    pub exports: Vec<ExportEntry>,
    /// All rows set aside.
    pub quarantine: Vec<Quarantined>,
    /// Listings by code.
    pub listings: Vec<Listing>,
    /// Regions by code.
    pub regions: Vec<String>,
    /// Months that were rewritten.
    pub months: Vec<(MonthKey, MonthFiles)>,
    /// The exports that lose much, by the month in which they do.
    pub losing: BTreeMap<MonthKey, Vec<Losing>>,
    /// How many exports are new or replace one.
    pub new_exports: usize,
}

/// Merges decoded exports into `state`. Months are fetched with `read` and handed to `write` as
/// soon as they are whole, with a code of its track for each listing, in parallel, so that never
/// more than a few of them are in memory twice.
///
/// # Errors
/// Those of `read` and `write`.
pub fn merge(
    state: &State,
    decoded: Decoded,
    policy: &Policy,
    read: impl Fn(&MonthKey) -> Result<Settled> + Sync,
    write: impl Fn(&MonthKey, &Settled, &[u32]) -> Result<MonthFiles> + Sync,
) -> Result<Merged> {
    let register = Register::new(state, &decoded);
    let Decoded { charts, scopes, dictionaries, pieces, .. } = decoded;
    let pieces: Vec<Piece> =
        pieces.into_iter().filter(|piece| register.codes[piece.export as usize].is_some()).collect();
    let Register { codes, mut exports, quarantine, replaced, new_exports } = register;

    let names = Names::new(state, &scopes, &dictionaries, &pieces);
    note_scopes(&mut exports, &codes, &scopes, &pieces);
    let tracks = track_codes(&names.listings);
    let precedence = policy.precedence(&exports);

    let mut groups: BTreeMap<MonthKey, Vec<Piece>> = BTreeMap::new();
    for key in months_of(&exports, &replaced, state) {
        groups.insert(key, Vec::new());
    }
    if policy.on_loss == OnLoss::Allow {
        let withheld = state.listed().filter(|(_, entry)| entry.withheld > 0).map(|(code, _)| code);
        for key in months_of(&exports, &withheld.collect(), state) {
            groups.insert(key, Vec::new());
        }
    }
    for piece in pieces {
        let key = MonthKey { chart: charts[piece.chart as usize].clone(), month: piece.month };
        groups.entry(key).or_default().push(piece);
    }
    // Memory for the rows of a month, used again and again: fresh memory is slow.
    let spare: Mutex<Vec<Vec<Observation>>> = Mutex::default();
    let rewritten: Vec<(MonthKey, MonthFiles, Accounts, Vec<Losing>)> = groups
        .into_iter()
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(key, pieces)| {
            let mut accounts = Accounts::default();
            let before = read(&key)?;
            accounts.add(&before, -1);
            let superseded = |(row, loss): &(Observation, Loss)| {
                matches!(loss, Loss::Superseded | Loss::Withheld).then_some((row.export, row.line))
            };
            let known: HashSet<(u32, u32)> = before.lost.iter().filter_map(superseded).collect();
            let all = before.kept.into_iter().map(|row| (row, Loss::Duplicate)).chain(before.lost);
            // What a corrected file said stays on record and takes no part.
            let (gone, rows): (Vec<_>, Vec<_>) =
                all.partition(|(row, loss)| *loss == Loss::Replaced || replaced.contains(&row.export));
            let known_rows = rows.into_iter().map(|(row, _)| row).collect();
            let pieces = pieces.into_iter().filter_map(|piece| Some((codes[piece.export as usize]?, piece)));
            let mut rows = spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
            names.by_region(known_rows, pieces.collect(), &mut rows);
            let (mut settled, losing) = settle::settle_by_region(rows, &tracks, &precedence);
            if policy.on_conflict == OnConflict::Fail
                && let Some((row, _)) = settled
                    .lost
                    .iter()
                    .find(|lost| superseded(lost).is_some_and(|place| !known.contains(&place)))
            {
                let slice = |of: &&Observation| (of.region, of.day) == (row.region, row.day);
                let by = settled.kept.iter().filter(slice).find(|of| of.export != row.export);
                return Err(contradiction(&exports, &names, &key, (row, by)));
            }
            settled.lost.extend(gone.into_iter().map(|(row, _)| (row, Loss::Replaced)));
            accounts.add(&settled, 1);
            let files = write(&key, &settled, &tracks)?;
            if let Ok(mut spare) = spare.lock() {
                spare.push(settled.kept);
            }
            Ok((key, files, accounts, losing))
        })
        .collect::<Result<_>>()?;

    let mut months = Vec::with_capacity(rewritten.len());
    let mut losing_in = BTreeMap::new();
    for (key, files, accounts, losing) in rewritten {
        accounts.apply(&mut exports);
        for loss in losing.iter().filter(|loss| loss.allowed) {
            if let Some(entry) = exports.get_mut(loss.export as usize) {
                entry.loss_allowed = true;
            }
        }
        losing_in.insert(key.clone(), losing);
        months.push((key, files));
    }
    let Names { listings, regions, .. } = names;
    Ok(Merged { exports, quarantine, listings, regions, months, losing: losing_in, new_exports })
}

/// That an export contradicts a newer one, where that stops a run.
fn contradiction(
    exports: &[ExportEntry],
    names: &Names,
    key: &MonthKey,
    (row, by): (&Observation, Option<&Observation>),
) -> Error {
    let name = |row: &Observation| exports.get(row.export as usize).map(|export| export.name.as_str());
    Error::Input(format!(
        "{} contradicts {} on {} {} {}, and on_conflict = \"fail\"; remove the one that is wrong, or set \
         on_conflict to \"latest\" or \"keep\"",
        by.and_then(name).unwrap_or("another export"),
        name(row).unwrap_or("an export"),
        key.chart,
        names.regions.get(usize::from(row.region)).map_or("", String::as_str),
        row.day,
    ))
}

/// Which exports come in, and under which code.
struct Register {
    /// For each decoded export its code, or `None` if it brings nothing.
    codes: Vec<Option<u32>>,
    exports: Vec<ExportEntry>,
    quarantine: Vec<Quarantined>,
    replaced: BTreeSet<u32>,
    new_exports: usize,
}

impl Register {
    fn new(state: &State, decoded: &Decoded) -> Self {
        let mut exports = state.exports.clone();
        let mut quarantine = state.quarantine.clone();
        let mut replaced = BTreeSet::new();
        let mut live: HashMap<String, u32> =
            state.listed().map(|(code, entry)| (entry.name.clone(), code)).collect();
        let mut new_exports = 0;
        let mut codes = Vec::with_capacity(decoded.exports.len());
        for export in &decoded.exports {
            let (Some(hash), Ok(content)) = (export.hash, &export.content) else {
                codes.push(None);
                continue;
            };
            let hash = hash.to_hex().to_string();
            let old = live.get(&export.found.name).and_then(|&code| exports.get_mut(code as usize));
            let is_known = old.as_ref().is_some_and(|old| old.hash == hash);
            if is_known || state.is_forgotten(&export.found.name, &hash) {
                codes.push(None);
                continue;
            }
            if let Some(old) = old {
                old.name = format!("{}@{}", old.name, &old.hash[..old.hash.len().min(8)]);
                old.replaced = true;
                replaced.extend(live.get(&export.found.name));
            }
            let code = exports.len() as u32;
            live.insert(export.found.name.clone(), code);
            exports.push(ExportEntry {
                name: export.found.name.clone(),
                path: export.found.path.to_string_lossy().into_owned(),
                hash,
                size: export.found.size,
                modified: export.found.modified,
                dialect: content.dialect.clone(),
                charts: Vec::new(),
                regions: Vec::new(),
                days: content.days,
                rows: RowAccount {
                    read: content.rows_read,
                    quarantined: content.set_aside.len() as u64,
                    ..RowAccount::default()
                },
                replaced: false,
                forgotten: false,
                withheld: 0,
                loss_allowed: false,
            });
            quarantine.extend(content.set_aside.iter().map(|row| Quarantined {
                export: code,
                line: row.line,
                reason: row.reason.to_string(),
                raw: row.raw.clone(),
            }));
            codes.push(Some(code));
            new_exports += 1;
        }
        register::tell_apart(&mut exports);
        Self { codes, exports, quarantine, replaced, new_exports }
    }
}

/// Notes which charts and regions each new export speaks of.
fn note_scopes(
    exports: &mut [ExportEntry],
    codes: &[Option<u32>],
    scopes: &[(String, String)],
    pieces: &[Piece],
) {
    let mut seen: HashMap<u32, BTreeSet<u16>> = HashMap::new();
    for piece in pieces {
        if let Some(code) = codes[piece.export as usize] {
            seen.entry(code).or_default().extend(piece.rows.stretches.iter().map(|stretch| stretch.scope));
        }
    }
    for (code, found) in seen {
        let names = |part: fn(&(String, String)) -> &String| {
            let set: BTreeSet<&String> = found.iter().map(|&scope| part(&scopes[scope as usize])).collect();
            set.into_iter().cloned().collect()
        };
        exports[code as usize].charts = names(|scope| &scope.0);
        exports[code as usize].regions = names(|scope| &scope.1);
    }
}

/// The ledger's codes for what a decoding codes in its own way.
struct Names {
    listings: Vec<Listing>,
    regions: Vec<String>,
    /// For each worker's dictionary, its codes in the ledger's.
    listing_codes: Vec<Vec<u32>>,
    region_codes: Vec<u16>,
}

impl Names {
    /// New names are added in their own order, not in that of the workers, so that the same exports
    /// give the same codes.
    fn new(
        state: &State,
        scopes: &[(String, String)],
        dictionaries: &[Vec<Listing>],
        pieces: &[Piece],
    ) -> Self {
        let used = |(dictionary, names): (usize, &Vec<Listing>)| {
            let mut used = vec![false; names.len()];
            for piece in pieces.iter().filter(|piece| piece.dictionary as usize == dictionary) {
                piece.rows.listing.iter().for_each(|&code| used[code as usize] = true);
            }
            used
        };
        let used: Vec<Vec<bool>> = dictionaries.par_iter().enumerate().map(used).collect();
        let mut listings = state.listings.clone();
        let known: HashMap<&Listing, u32> =
            state.listings.iter().enumerate().map(|(code, listing)| (listing, code as u32)).collect();
        let mut fresh: Vec<&Listing> = dictionaries
            .iter()
            .zip(&used)
            .flat_map(|(names, used)| names.iter().zip(used))
            .filter(|(listing, used)| **used && !known.contains_key(listing))
            .map(|(listing, _)| listing)
            .collect();
        fresh.sort_unstable();
        fresh.dedup();
        let code = |listing: &Listing| {
            known.get(listing).copied().or_else(|| {
                fresh.binary_search(&listing).ok().map(|place| (state.listings.len() + place) as u32)
            })
        };
        let listing_codes = dictionaries
            .iter()
            .map(|names| names.iter().map(|listing| code(listing).unwrap_or(u32::MAX)).collect())
            .collect();
        listings.extend(fresh.into_iter().cloned());

        let mut regions = state.regions.clone();
        let present: BTreeSet<&String> = scopes.iter().map(|(_, region)| region).collect();
        let fresh: Vec<String> =
            present.into_iter().filter(|region| !regions.contains(region)).cloned().collect();
        regions.extend(fresh);
        let region_codes = scopes
            .iter()
            .map(|(_, region)| regions.iter().position(|known| known == region).unwrap_or_default() as u16)
            .collect();
        Self { listings, regions, listing_codes, region_codes }
    }

    /// Puts the rows known already and those of pieces, with the codes of their exports, in place of
    /// what is in `into`: by region, otherwise in the order that they have.
    fn by_region(&self, known: Vec<Observation>, pieces: Vec<(u32, Piece)>, into: &mut Vec<Observation>) {
        let mut counts = Vec::new();
        known.iter().for_each(|row| settle::count(&mut counts, row.region, 1));
        for (_, piece) in &pieces {
            for stretch in &piece.rows.stretches {
                let region = self.region_codes[usize::from(stretch.scope)];
                settle::count(&mut counts, region, stretch.rows as usize);
            }
        }
        let mut next = settle::starts(&counts);
        // Each row is written over in the end, so what is there is not cleared.
        into.resize(counts.iter().sum(), Observation::NONE);
        for row in known {
            let place = &mut next[usize::from(row.region)];
            into[*place] = row;
            *place += 1;
        }
        for (export, piece) in pieces {
            let mut from = 0;
            for stretch in &piece.rows.stretches {
                let region = self.region_codes[usize::from(stretch.scope)];
                let place = &mut next[usize::from(region)];
                let into = &mut into[*place..*place + stretch.rows as usize];
                self.observations((&piece, export), (*stretch, region), from, into);
                *place += into.len();
                from += into.len();
            }
        }
    }

    /// The observations of a stretch of a piece, which begins at place `from`, in the ledger's codes.
    fn observations(
        &self,
        (piece, export): (&Piece, u32),
        (stretch, region): (Stretch, u16),
        from: usize,
        into: &mut [Observation],
    ) {
        let rows = &piece.rows;
        let listing_codes = &self.listing_codes[piece.dictionary as usize];
        let range = from..from + into.len();
        let (day, ranks) = (stretch.day, &rows.rank[range.clone()]);
        let (listings, streams) = (&rows.listing[range.clone()], &rows.streams[range]);
        let values = ranks.iter().zip(listings).zip(streams).zip(stretch.lines());
        for (into, (((&rank, &listing), &streams), line)) in into.iter_mut().zip(values) {
            let listing = listing_codes[listing as usize];
            *into = Observation { streams, listing, export, line, region, day, rank, ..Observation::NONE };
        }
        for (into, &total) in into.iter_mut().zip(rows.total.iter().skip(from)) {
            into.total = total;
        }
        for (into, &reported) in into.iter_mut().zip(rows.reported.iter().skip(from)) {
            into.reported = reported;
        }
    }
}

/// For each listing a code of its track. A code stays the same when listings are added, so what was
/// told by codes in one run can be held against what the next one says.
pub fn track_codes(listings: &[Listing]) -> Vec<u32> {
    let mut codes: HashMap<&str, u32> = HashMap::new();
    listings
        .iter()
        .map(|listing| {
            let next = codes.len() as u32;
            *codes.entry(&listing.uri).or_insert(next)
        })
        .collect()
}

/// The months in which replaced exports have rows.
pub(super) fn months_of(exports: &[ExportEntry], replaced: &BTreeSet<u32>, state: &State) -> Vec<MonthKey> {
    let touches = |key: &&MonthKey| {
        replaced.iter().filter_map(|&code| exports.get(code as usize)).any(|entry| {
            let spans = |(first, last): (crate::dates::Day, crate::dates::Day)| {
                (first.month()..=last.month()).contains(&key.month)
            };
            entry.days.is_some_and(spans) && entry.charts.contains(&key.chart)
        })
    };
    state.months.keys().filter(touches).cloned().collect()
}

/// Changes of row accounts, by export.
#[derive(Default)]
pub(super) struct Accounts(BTreeMap<u32, AccountChange>);

#[derive(Default)]
struct AccountChange {
    used: i64,
    duplicate: i64,
    superseded: i64,
    withheld: i64,
}

impl Accounts {
    fn of(&mut self, export: u32) -> &mut AccountChange {
        self.0.entry(export).or_default()
    }

    /// Makes the changes in the register.
    pub(super) fn apply(&self, exports: &mut [ExportEntry]) {
        for (code, change) in &self.0 {
            if let Some(entry) = exports.get_mut(*code as usize) {
                change.apply(entry);
            }
        }
    }

    /// Adds the rows of a month, or takes them away.
    pub(super) fn add(&mut self, month: &Settled, sign: i64) {
        for same in month.kept.chunk_by(|a, b| a.export == b.export) {
            self.of(same[0].export).used += sign * same.len() as i64;
        }
        for (row, loss) in &month.lost {
            match loss {
                Loss::Duplicate => self.of(row.export).duplicate += sign,
                Loss::Superseded | Loss::Replaced => self.of(row.export).superseded += sign,
                Loss::Withheld => {
                    let of = self.of(row.export);
                    of.superseded += sign;
                    of.withheld += sign;
                }
            }
        }
    }
}

impl AccountChange {
    fn apply(&self, entry: &mut ExportEntry) {
        let rows = &mut entry.rows;
        let moved = |count: u64, change: i64| count.saturating_add_signed(change);
        rows.used = moved(rows.used, self.used);
        rows.duplicate = moved(rows.duplicate, self.duplicate);
        rows.superseded = moved(rows.superseded, self.superseded);
        entry.withheld = moved(entry.withheld, self.withheld);
    }
}
