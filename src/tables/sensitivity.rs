//! Whether the order of a ranking survives other conventions.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use rustc_hash::FxHashMap;

use super::Sources;
use super::order::{Interval, ranks};
use super::rankings::{Entry, Placed, entries};
use crate::catalog::{Credit, EntityKind, SongRule};
use crate::pipeline::{Per, RankingKind, RankingSpec};
use crate::tally::{Clock, Variant, Window};

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

/// For each of the placed what its rank depends on; `None` where nothing was tried.
pub fn notes(sources: &Sources<'_>, spec: &RankingSpec, placed: &[Placed]) -> Vec<Option<Cow<'static, str>>> {
    if !spec.sensitivity || matches!(spec.kind, RankingKind::Club | RankingKind::Reach) {
        return vec![None; placed.len()];
    }
    let others = others(sources, spec);
    let mut notes: Vec<String> = vec![String::new(); placed.len()];
    let mut note = |place: usize, words: std::fmt::Arguments<'_>| {
        let separator = if notes[place].is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(notes[place], "{separator}{words}");
    };
    let mut tried = vec![false; placed.len()];
    for other in &others {
        // Competitors of one window, in the order in which they are placed.
        let mut from = 0;
        for group in placed.chunk_by(|a, b| group(spec, &a.entry) == group(spec, &b.entry)) {
            let places = from..from + group.len();
            from = places.end;
            if other.scopes.as_ref().is_some_and(|scopes| !scopes.contains(&group[0].entry.scope)) {
                continue;
            }
            let both: Vec<(usize, i64, i64)> = places
                .clone()
                .filter_map(|place| {
                    let entry = &placed[place].entry;
                    Some((place, entry.key.worst, *other.keys.get(&who(spec, entry))?))
                })
                .collect();
            let ours = ranked(both.iter().map(|(_, key, _)| *key));
            let theirs = ranked(both.iter().map(|(.., key)| *key));
            let mut compared = both.iter().zip(ours.into_iter().zip(theirs)).peekable();
            for place in places {
                tried[place] = true;
                match compared.next_if(|((compared, ..), _)| *compared == place) {
                    Some((_, (ours, theirs))) if ours != theirs => {
                        note(place, format_args!("{}: {theirs}", other.name));
                    }
                    None if other.complete => note(place, format_args!("{}: not reached", other.name)),
                    _ => {}
                }
            }
        }
    }
    let said = |(note, tried): (String, bool)| match (tried, note.is_empty()) {
        (false, _) => None,
        (true, true) => Some(Cow::Borrowed("none")),
        (true, false) => Some(Cow::Owned(note)),
    };
    notes.into_iter().zip(tried).map(said).collect()
}

fn group(spec: &RankingSpec, entry: &Entry) -> (u32, Window) {
    let (scope, window, _) = who(spec, entry);
    (scope, window)
}

fn who(spec: &RankingSpec, entry: &Entry) -> Who {
    match spec.per {
        Per::Window => (entry.scope, entry.window, entry.entity),
        Per::Entity => (entry.scope, Window::ALL, entry.entity),
    }
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

fn others(sources: &Sources<'_>, spec: &RankingSpec) -> Vec<Other> {
    let Some(tally) = sources.tallies.get(spec.tally) else { return Vec::new() };
    let mut others = Vec::new();
    let best = |entries: Vec<Entry>| {
        let mut keys: FxHashMap<Who, i64> = FxHashMap::default();
        keys.reserve(entries.len());
        for entry in entries {
            let key = keys.entry(who(spec, &entry)).or_insert(entry.key.worst);
            *key = (*key).min(entry.key.worst);
        }
        keys
    };
    let of_tally = |tally: u32| entries(sources, spec, tally as usize, false);
    // Another ranking of the tally may have had it derived.
    if spec.kind == RankingKind::Fastest
        && let Some(derived) = sources.derived(spec.tally, Variant::Clock(Clock::FirstCharted))
    {
        let keys = best(of_tally(derived));
        let name = format!("clock={}", Clock::FirstCharted.word());
        others.push(Other { name, keys, complete: true, scopes: None });
    }
    if tally.entity == EntityKind::Artist {
        let credit = if tally.credit == Credit::All { Credit::Lead } else { Credit::All };
        if let Some(derived) = sources.derived(spec.tally, Variant::Credit(credit)) {
            let name = format!("credit={}", credit.word());
            others.push(Other { name, keys: best(of_tally(derived)), complete: true, scopes: None });
        }
    } else if spec.kind != RankingKind::MostStreamed {
        let earliest = |entry: Entry| {
            let Interval { best, .. } = entry.key;
            Entry { key: Interval { best, worst: best }, ..entry }
        };
        let keys = best(of_tally(spec.tally as u32).into_iter().map(earliest).collect());
        others.push(Other { name: "date=earliest".to_owned(), keys, complete: true, scopes: None });
    }
    if tally.entity == EntityKind::Song {
        for rule in [SongRule::Uri, SongRule::Work] {
            if let Some(derived) = sources.derived(spec.tally, Variant::Rule(rule)) {
                let keys = best(by_rule(sources, spec, rule, of_tally(derived)));
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
fn by_rule(sources: &Sources<'_>, spec: &RankingSpec, rule: SongRule, derived: Vec<Entry>) -> Vec<Entry> {
    let entities = sources.entities;
    let work_of = |song: u32| entities.work_of_song.get(song as usize).copied().unwrap_or_default();
    let merged = |song: u32| entities.tracks_of(EntityKind::Work, work_of(song)).len() > 1;
    let own = entries(sources, spec, spec.tally, false);
    let mut by_rule: Vec<Entry> = own.iter().copied().filter(|entry| !merged(entry.entity)).collect();
    match rule {
        // Each song of a work stands with it, also in a window in which only another one charted.
        SongRule::Work => by_rule.extend(derived.into_iter().flat_map(|work| {
            let tracks = entities.tracks_of(EntityKind::Work, work.entity).iter();
            let song = |&track: &u32| entities.song_of_track.get(track as usize).copied();
            let songs: BTreeSet<u32> = tracks.filter_map(song).collect();
            songs.into_iter().map(move |song| Entry { entity: song, ..work })
        })),
        _ => by_rule.extend(derived.into_iter().filter_map(|entry| {
            let song = *entities.song_of_track.get(entry.entity as usize)?;
            Some(Entry { entity: song, ..entry })
        })),
    }
    by_rule
}

/// The ranking on the charts of the other basis in the same regions and periods.
fn other_bases(
    sources: &Sources<'_>,
    spec: &RankingSpec,
    of_tally: &impl Fn(u32) -> Vec<Entry>,
) -> Vec<Other> {
    let scopes = &sources.surveyed.scopes;
    let all_alike = scopes.windows(2).all(|pair| pair[0].basis == pair[1].basis);
    if all_alike {
        return Vec::new();
    }
    let mut entries = of_tally(spec.tally as u32);
    if let Some(derived) = sources.derived(spec.tally, Variant::Basis) {
        entries.extend(of_tally(derived));
    }
    let mut charts: FxHashMap<&str, Other> = FxHashMap::default();
    for entry in &entries {
        let Some(other) = scopes.get(entry.scope as usize) else { continue };
        for (place, own) in scopes.iter().enumerate() {
            if own.region != other.region || own.period != other.period || own.basis == other.basis {
                continue;
            }
            let all = charts.entry(&other.chart).or_insert_with(|| Other {
                name: format!("basis={}", other.chart),
                keys: FxHashMap::default(),
                complete: false,
                scopes: Some(Vec::new()),
            });
            let (_, window, entity) = who(spec, entry);
            let key = all.keys.entry((place as u32, window, entity)).or_insert(entry.key.worst);
            *key = (*key).min(entry.key.worst);
            if let Some(scopes) = &mut all.scopes
                && !scopes.contains(&(place as u32))
            {
                scopes.push(place as u32);
            }
        }
    }
    let mut others: Vec<(&str, Other)> = charts.into_iter().collect();
    others.sort_by_key(|(chart, _)| *chart);
    others.into_iter().map(|(_, other)| other).collect()
}
