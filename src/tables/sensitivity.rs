//! Whether the order of a ranking survives other conventions.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::Sources;
use super::order::{Interval, ranks};
use super::rankings::{Entry, Standings, entries, identity};
use crate::catalog::{Credit, EntityKind, SongRule};
use crate::pipeline::{RankingKind, RankingSpec};
use crate::tally::{Clock, Scope, Variant, Window};

/// Scope, window (all of them where they are ranked together), entity.
type Who = (u32, Window, u32);

/// The ranking by another convention.
struct Other {
    /// How the convention is called.
    name: String,
    /// The keys of those who are ranked under it; smaller is better.
    keys: FxHashMap<Who, i64>,
    /// Whether it says something of those who are not ranked under it.
    complete: bool,
    /// The scopes that it speaks of; `None` for all.
    scopes: Option<Vec<u32>>,
}

/// What the rank of each entry depends on: few different words, and for each entry which of them.
pub struct Notes {
    /// The words. The first are those of an order that nothing moves.
    pub words: Vec<String>,
    /// For each entry its words; [`Notes::UNTRIED`] where nothing was tried.
    pub codes: Vec<u32>,
    /// What more makes of words: those before, the convention, the rank by it.
    known: FxHashMap<(u32, usize, Option<i64>), u32>,
}

impl Notes {
    /// The code where nothing was tried.
    const UNTRIED: u32 = u32::MAX;
    const NONE: u32 = 0;

    fn new(entries: usize) -> Self {
        let known = FxHashMap::default();
        Self { words: vec!["none".to_owned()], codes: vec![Self::UNTRIED; entries], known }
    }

    /// Notes that a convention has been tried on an entry.
    fn tried(&mut self, entry: usize) {
        if self.codes[entry] == Self::UNTRIED {
            self.codes[entry] = Self::NONE;
        }
    }

    /// Notes that an entry has another rank by a convention, or none.
    fn add(&mut self, entry: usize, convention: (usize, &str), rank: Option<i64>) {
        let (number, name) = convention;
        let before = self.codes[entry];
        self.codes[entry] = *self.known.entry((before, number, rank)).or_insert_with(|| {
            let more = match rank {
                Some(rank) => format!("{name}: {rank}"),
                None => format!("{name}: not reached"),
            };
            let words = match before {
                Self::NONE => more,
                before => format!("{}, {more}", self.words[before as usize]),
            };
            self.words.push(words);
            self.words.len() as u32 - 1
        });
    }
}

/// What everybody's rank depends on.
pub fn notes(sources: &Sources<'_>, spec: &RankingSpec, standings: &Standings) -> Notes {
    let mut notes = Notes::new(standings.entries.len());
    if !spec.sensitivity || matches!(spec.kind, RankingKind::Club | RankingKind::Reach) {
        return notes;
    }
    let entry = |number: u32| &standings.entries[number as usize];
    for (convention, other) in others(sources, spec, standings.entries.len()).iter().enumerate() {
        for group in standings.groups(spec.per) {
            let is_of =
                |scopes: &Vec<u32>| group.first().is_some_and(|&first| scopes.contains(&entry(first).scope));
            if !other.scopes.as_ref().is_none_or(is_of) {
                continue;
            }
            let both = group.iter().filter_map(|&number| {
                let entry = entry(number);
                Some((number, entry.key.worst, *other.keys.get(&identity(entry, spec.per))?))
            });
            let both: Vec<(u32, i64, i64)> = both.collect();
            let ours = ranked(both.iter().map(|(_, key, _)| *key));
            let theirs = ranked(both.iter().map(|(.., key)| *key));
            let mut compared = both.iter().zip(ours.into_iter().zip(theirs)).peekable();
            for &number in group {
                let place = number as usize;
                notes.tried(place);
                match compared.next_if(|((compared, ..), _)| *compared == number) {
                    Some((_, (ours, theirs))) if ours != theirs => {
                        notes.add(place, (convention, &other.name), Some(theirs));
                    }
                    None if other.complete => notes.add(place, (convention, &other.name), None),
                    _ => {}
                }
            }
        }
    }
    notes
}

/// The competition rank of each key.
fn ranked(keys: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut keys: Vec<(i64, usize)> = keys.enumerate().map(|(place, key)| (key, place)).collect();
    keys.sort_unstable();
    let sorted: Vec<i64> = keys.iter().map(|(key, _)| *key).collect();
    let mut ranked = vec![0; keys.len()];
    for ((_, place), (rank, _)) in keys.into_iter().zip(ranks(&sorted)) {
        ranked[place] = rank;
    }
    ranked
}

/// The ranking by other conventions; about as many are ranked under each as by its own.
fn others(sources: &Sources<'_>, spec: &RankingSpec, competitors: usize) -> Vec<Other> {
    let Some(tally) = sources.tallies.get(spec.tally) else { return Vec::new() };
    let mut others = Vec::new();
    let best = |entries: &mut dyn Iterator<Item = Entry>| {
        let mut keys: FxHashMap<Who, i64> = FxHashMap::default();
        keys.reserve(competitors);
        for entry in entries {
            let key = keys.entry(identity(&entry, spec.per)).or_insert(entry.key.worst);
            *key = (*key).min(entry.key.worst);
        }
        keys
    };
    let of_tally = |tally: u32| entries(sources, spec, tally as usize, false);
    // Another ranking of the tally may have had it derived.
    if spec.kind == RankingKind::Fastest
        && let Some(derived) = sources.derived(spec.tally, Variant::Clock(Clock::FirstCharted))
    {
        let keys = best(&mut of_tally(derived));
        let name = format!("clock={}", Clock::FirstCharted.word());
        others.push(Other { name, keys, complete: true, scopes: None });
    }
    if tally.entity == EntityKind::Artist {
        let credit = if tally.credit == Credit::All { Credit::Lead } else { Credit::All };
        if let Some(derived) = sources.derived(spec.tally, Variant::Credit(credit)) {
            let name = format!("credit={}", credit.word());
            others.push(Other { name, keys: best(&mut of_tally(derived)), complete: true, scopes: None });
        }
    } else if spec.kind != RankingKind::MostStreamed {
        let earliest = |entry: Entry| {
            let Interval { best, .. } = entry.key;
            Entry { key: Interval { best, worst: best }, ..entry }
        };
        let keys = best(&mut of_tally(spec.tally as u32).map(earliest));
        others.push(Other { name: "date=earliest".to_owned(), keys, complete: true, scopes: None });
    }
    if tally.entity == EntityKind::Song {
        for rule in [SongRule::Uri, SongRule::Work] {
            if let Some(derived) = sources.derived(spec.tally, Variant::Rule(rule)) {
                let keys = best(&mut by_rule(sources, spec, rule, of_tally(derived)).into_iter());
                others.push(Other {
                    name: format!("song_rule={}", rule.word()),
                    keys,
                    complete: true,
                    scopes: None,
                });
            }
        }
    }
    others.extend(other_bases(sources, spec, &of_tally));
    others
}

/// The entries of songs by another rule: what the derived tally tells apart, and all other songs as
/// they are.
fn by_rule(
    sources: &Sources<'_>,
    spec: &RankingSpec,
    rule: SongRule,
    derived: impl Iterator<Item = Entry>,
) -> Vec<Entry> {
    let entities = sources.entities;
    let work_of = |song: u32| entities.work_of_song.get(song as usize).copied().unwrap_or_default();
    let merged = |song: u32| entities.tracks_of(EntityKind::Work, work_of(song)).len() > 1;
    let own = entries(sources, spec, spec.tally, false);
    let mut by_rule: Vec<Entry> = own.filter(|entry| !merged(entry.entity)).collect();
    match rule {
        // Each song of a work stands with it, also in a window in which only another one charted.
        SongRule::Work => by_rule.extend(derived.flat_map(|work| {
            let tracks = entities.tracks_of(EntityKind::Work, work.entity).iter();
            let song = |&track: &u32| entities.song_of_track.get(track as usize).copied();
            let songs: BTreeSet<u32> = tracks.filter_map(song).collect();
            songs.into_iter().map(move |song| Entry { entity: song, ..work })
        })),
        _ => by_rule.extend(derived.filter_map(|entry| {
            let song = *entities.song_of_track.get(entry.entity as usize)?;
            Some(Entry { entity: song, ..entry })
        })),
    }
    by_rule
}

/// The ranking on the charts of the other basis in the same regions and periods.
fn other_bases<'a>(
    sources: &Sources<'_>,
    spec: &RankingSpec,
    of_tally: &impl Fn(u32) -> Box<dyn Iterator<Item = Entry> + 'a>,
) -> Vec<Other> {
    let scopes = &sources.surveyed.scopes;
    let all_alike = scopes.windows(2).all(|pair| pair[0].basis == pair[1].basis);
    if all_alike {
        return Vec::new();
    }
    // Whom each scope of the other basis speaks of, whether anybody is ranked there or not.
    let mut charts: FxHashMap<&str, Other> = FxHashMap::default();
    let mut speaks_of: Vec<Vec<u32>> = vec![Vec::new(); scopes.len()];
    for (other, speaks_of) in scopes.iter().zip(&mut speaks_of) {
        let is_other = |own: &Scope| {
            own.region == other.region && own.period == other.period && own.basis != other.basis
        };
        let own = scopes.iter().zip(0..).filter(|(own, _)| is_other(own)).map(|(_, place)| place);
        speaks_of.extend(own);
        if !speaks_of.is_empty() {
            let chart = charts.entry(&other.chart).or_insert_with(|| Other {
                name: format!("basis={}", other.chart),
                keys: FxHashMap::default(),
                complete: false,
                scopes: Some(Vec::new()),
            });
            chart.scopes.get_or_insert_default().extend(&*speaks_of);
        }
    }
    let derived = sources.derived(spec.tally, Variant::Basis).into_iter().flat_map(of_tally);
    for entry in of_tally(spec.tally as u32).chain(derived) {
        let scope = entry.scope as usize;
        let Some(chart) = scopes.get(scope).and_then(|other| charts.get_mut(other.chart.as_str())) else {
            continue;
        };
        let (_, window, entity) = identity(&entry, spec.per);
        for &own in &speaks_of[scope] {
            let key = chart.keys.entry((own, window, entity)).or_insert(entry.key.worst);
            *key = (*key).min(entry.key.worst);
        }
    }
    let mut others: Vec<(&str, Other)> = charts.into_iter().collect();
    others.sort_by_key(|(chart, _)| *chart);
    others.into_iter().map(|(_, other)| other).collect()
}
