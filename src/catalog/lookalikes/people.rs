//! Artists that look like one.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::super::sound::{Script, Sound, folded, set_aside, transliterated};
use super::super::{Catalog, Entities, EntityKind, Sightings};
use super::{Kind, Pair, Side, pair_up, quoted};
use crate::dates::Day;

/// A sound that more artists share says nothing.
const SAME_SOUND: usize = 5;
/// Shorter transliterations are equal by chance.
const SHORTEST: usize = 3;
/// Fewer consonants are the same by chance; with the vowels between them, fewer classes are.
const CONSONANTS: usize = 4;
const CLASSES: usize = 4;

/// Every artist of the ledger and of the catalog.
pub struct People<'a> {
    catalog: &'a Catalog,
    all: Vec<Person>,
    /// For each artist of the entities their place in `all`.
    of_code: Vec<u32>,
}

struct Person {
    id: String,
    name: String,
    /// Every name, with its script.
    names: Vec<(String, Script)>,
    known: bool,
    rows: u64,
}

/// A name of a person.
#[derive(Clone, Copy)]
struct Named<'p> {
    person: u32,
    name: &'p str,
    script: Script,
}

impl<'a> People<'a> {
    pub fn new(catalog: &'a Catalog, entities: &Entities, rows: &[u64]) -> Self {
        let mut all: Vec<Person> = Vec::new();
        let mut places: FxHashMap<String, u32> = FxHashMap::default();
        for (id, name, names) in catalog.names.known() {
            places.insert(id.to_owned(), all.len() as u32);
            let names = names.into_iter().map(|name| (name.to_owned(), Script::of(name))).collect();
            all.push(Person { id: id.to_owned(), name: name.to_owned(), names, known: true, rows: 0 });
        }
        let mut of_code = Vec::new();
        for artist in entities.of(EntityKind::Artist) {
            of_code.push(*places.entry(artist.id.clone()).or_insert_with(|| {
                let names = vec![(artist.name.clone(), Script::of(&artist.name))];
                let (id, name) = (artist.id.clone(), artist.name.clone());
                all.push(Person { id, name, names, known: false, rows: 0 });
                all.len() as u32 - 1
            }));
        }
        for (listing, &rows) in rows.iter().enumerate() {
            let mut artists: Vec<u32> =
                entities.credited_ever(listing).iter().map(|credit| credit.artist).collect();
            artists.sort_unstable();
            artists.dedup();
            for artist in artists {
                all[of_code[artist as usize] as usize].rows += rows;
            }
        }
        Self { catalog, all, of_code }
    }

    pub fn side(&self, place: u32) -> Side {
        let Person { id, name, rows, .. } = &self.all[place as usize];
        Side { id: id.clone(), name: name.clone(), rows: *rows }
    }

    /// Artists that stand in the same place of the cell for the same URI.
    pub fn same_tracks(&self, entities: &Entities, seen: &Sightings) -> Vec<Pair> {
        let mut cells: BTreeMap<u32, Vec<Vec<u32>>> = BTreeMap::new();
        for (listing, &track) in entities.track_of.iter().enumerate() {
            let Some((_, last)) = seen.get(listing).copied().flatten() else { continue };
            cells.entry(track).or_default().push(self.credited(entities, listing, last));
        }
        // For each pair its URIs, with the place in the cell.
        let mut found: BTreeMap<(u32, u32), BTreeMap<&str, usize>> = BTreeMap::new();
        for (track, mut cells) in cells {
            cells.sort_unstable();
            cells.dedup();
            let compared = cells
                .iter()
                .enumerate()
                .flat_map(|(place, b)| cells[..place].iter().take(super::COMPARED).map(move |a| (a, b)));
            for (one, other) in compared {
                // Whoever is in both cells has only moved.
                let only = |own: &[u32], there: &[u32]| own.iter().filter(|id| !there.contains(id)).count();
                if only(one, other) != only(other, one) {
                    continue;
                }
                for (place, (&a, &b)) in one.iter().zip(other).enumerate() {
                    if other.contains(&a) || one.contains(&b) || self.are_judged(a, b) {
                        continue;
                    }
                    let uri = entities.of(EntityKind::Track)[track as usize].id.as_str();
                    let on = found.entry(self.better_first(a, b)).or_default();
                    on.entry(uri).or_insert(place + 1);
                }
            }
        }
        let pair = |((a, b), uris): ((u32, u32), BTreeMap<&str, usize>)| {
            let (uri, place) = uris.first_key_value()?;
            let more = match uris.len() {
                1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            let evidence =
                format!("{}{more} is credited to one and to the other in place {place}", quoted(uri));
            Some(Pair { kind: Kind::SameTrack, a, b, evidence })
        };
        found.into_iter().filter_map(pair).collect()
    }

    fn credited(&self, entities: &Entities, listing: usize, day: Day) -> Vec<u32> {
        entities.artists_of(listing, day).iter().map(|credit| self.of_code[credit.artist as usize]).collect()
    }

    /// Artists with a name in common once spelling is set aside.
    pub fn same_names(&self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let every = || {
            let people = self.all.iter().zip(0..);
            people.flat_map(|(person, place)| {
                person.names.iter().map(move |(name, script)| Named { person: place, name, script: *script })
            })
        };
        let bridged = |a: &Named<'_>, b: &Named<'_>| {
            // Who has a name in the other's script already would have been found by it.
            let has =
                |person: u32, script| self.all[person as usize].names.iter().any(|name| name.1 == script);
            has(a.person, b.script) || has(b.person, a.script)
        };

        let spelled = every().map(|named| (folded(named.name), named));
        for group in self.groups(spelled.filter(|(key, _)| !key.is_empty())) {
            // The same name, letter by letter, is two artists only where the catalog dates it.
            let alike = |a: &Named<'_>, b: &Named<'_>| a.name != b.name;
            for (a, b) in self.pair_up(&group, alike) {
                let (one, other, aside) = (quoted(a.name), quoted(b.name), set_aside(a.name, b.name));
                let evidence = format!("{one} and {other} are equal without {aside}");
                pairs.push(Pair { kind: Kind::Artist, a: a.person, b: b.person, evidence });
            }
        }
        let read = every().map(|named| (transliterated(named.name), named));
        for group in self.groups(read.filter(|(key, _)| key.len() >= SHORTEST)) {
            for (a, b) in self.pair_up(&group, |a, b| a.script != b.script) {
                let (one, other) = (quoted(a.name), quoted(b.name));
                let evidence = format!("{one} and {other} are the same in Latin letters");
                pairs.push(Pair { kind: Kind::Artist, a: a.person, b: b.person, evidence });
            }
        }
        let heard: Vec<(Named<'_>, Sound)> = every()
            .flat_map(|named| Sound::of(named.name).into_iter().map(move |sound| (named, sound)))
            .collect();
        let vowels: FxHashMap<&str, usize> =
            heard.iter().map(|(named, sound)| (named.name, sound.vowels)).collect();
        let keyed = |key: fn(&Sound) -> Option<String>| {
            let keys =
                heard.iter().filter_map(move |(named, sound)| Some(((sound.ear, key(sound)?), *named)));
            self.groups(keys)
        };
        let by_consonants =
            keyed(|sound| (sound.consonants.len() >= CONSONANTS).then(|| sound.consonants.clone()));
        let by_all = keyed(|sound| {
            (sound.full.len() >= CLASSES && sound.consonants.len() >= 2).then(|| sound.full.clone())
        });
        // Who is found with vowels and all is not looked for without.
        let mut settled: BTreeSet<u32> = BTreeSet::new();
        let levels = [(by_all, true), (by_consonants, false)];
        for (group, whole) in
            levels.into_iter().flat_map(|(groups, whole)| groups.into_iter().map(move |group| (group, whole)))
        {
            let vowels = |named: &Named<'_>| vowels.get(named.name).copied().unwrap_or(0);
            let alike = |a: &Named<'_>, b: &Named<'_>| {
                let open = whole || !(settled.contains(&a.person) || settled.contains(&b.person));
                open && a.script != b.script && vowels(a).abs_diff(vowels(b)) <= 1 && !bridged(a, b)
            };
            let found: Vec<_> = self.pair_up(&group, alike).collect();
            if found.len() > SAME_SOUND {
                continue;
            }
            if whole {
                settled.extend(found.iter().flat_map(|(a, b)| [a.person, b.person]));
            }
            for (a, b) in found {
                let (one, other) = (quoted(a.name), quoted(b.name));
                let foreign = if a.script == Script::Latin { b.name } else { a.name };
                let read = quoted(&transliterated(foreign));
                let evidence = format!("{one} and {other} sound alike: {} reads {read}", quoted(foreign));
                pairs.push(Pair { kind: Kind::Artist, a: a.person, b: b.person, evidence });
            }
        }
        pairs
    }

    /// The names that share a key, the better known first.
    fn groups<'p, K: Ord>(&self, names: impl Iterator<Item = (K, Named<'p>)>) -> Vec<Vec<Named<'p>>> {
        let mut groups: BTreeMap<K, Vec<Named<'p>>> = BTreeMap::new();
        for (key, named) in names {
            groups.entry(key).or_default().push(named);
        }
        let mut groups: Vec<Vec<Named<'p>>> = groups.into_values().filter(|group| group.len() > 1).collect();
        for group in &mut groups {
            group.sort_by(|a, b| self.rank(a.person).cmp(&self.rank(b.person)).then(a.name.cmp(b.name)));
        }
        groups
    }

    /// Pairs of different artists that nobody has judged to be different.
    fn pair_up<'g, 'p>(
        &self,
        group: &'g [Named<'p>],
        alike: impl Fn(&Named<'p>, &Named<'p>) -> bool,
    ) -> impl Iterator<Item = (&'g Named<'p>, &'g Named<'p>)> {
        pair_up(group, move |a, b| {
            a.person != b.person && alike(a, b) && !self.are_judged(a.person, b.person)
        })
    }

    /// Whether the catalog says that two are two: in words, or by giving both one name at different
    /// times.
    fn are_judged(&self, a: u32, b: u32) -> bool {
        let [a, b] = [a, b].map(|place| &self.all[place as usize]);
        let shared = |(name, _): &(String, Script)| b.names.iter().any(|(other, _)| other == name);
        self.catalog.are_distinct(&a.id, &b.id) || a.known && b.known && a.names.iter().any(shared)
    }

    fn rank(&self, place: u32) -> (bool, std::cmp::Reverse<u64>, &str) {
        let person = &self.all[place as usize];
        (!person.known, std::cmp::Reverse(person.rows), &person.id)
    }

    fn better_first(&self, a: u32, b: u32) -> (u32, u32) {
        if self.rank(b) < self.rank(a) { (b, a) } else { (a, b) }
    }
}
