//! What to write into the catalog.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Catalog, Entities, EntityKind};
use super::songs::base_title;
use super::{Found, Kind, LookAlike};

/// What was proposed so far, so that what follows builds on it instead of repeating it.
pub struct Pasted<'a> {
    catalog: &'a Catalog,
    artists: Entries,
    songs: Entries,
    works: Entries,
    /// The works of the catalog.
    listed: BTreeSet<&'a str>,
    /// Artists of the catalog with a list of aliases.
    aliased: BTreeSet<String>,
}

/// The entries of a file, those there are and those proposed.
#[derive(Default)]
struct Entries {
    /// From an artist or song to the id of the entry that has it.
    of: BTreeMap<String, String>,
    ids: BTreeSet<String>,
}

impl Entries {
    /// An id made of a name that no entry has.
    fn new_id(&mut self, name: &str) -> String {
        let words: Vec<String> = name
            .split(|c: char| !c.is_alphanumeric())
            .map(super::super::sound::transliterated)
            .filter(|word| !word.is_empty())
            .collect();
        let base = if words.is_empty() { "unnamed".to_owned() } else { words.join("-") };
        let mut id = base.clone();
        let mut number = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{base}-{number}");
            number += 1;
        }
        id
    }
}

impl<'a> Pasted<'a> {
    pub fn new(catalog: &'a Catalog) -> Self {
        let known = |ids: Vec<&str>| Entries {
            of: ids.iter().map(|id| ((*id).to_owned(), (*id).to_owned())).collect(),
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let artists: Vec<(&str, &str, Vec<&str>)> = catalog.names.known().collect();
        let aliased = artists.iter().filter(|(.., names)| names.len() > 1).map(|(id, ..)| (*id).to_owned());
        let song_ids: Vec<&str> = catalog.songs.iter().map(|song| song.id.as_str()).collect();
        let mut works = Entries::default();
        // A song in no work is a work under its own id.
        works.ids.extend(song_ids.iter().map(|id| (*id).to_owned()));
        works.ids.extend(catalog.works.iter().map(|work| work.id.clone()));
        Self {
            aliased: aliased.collect(),
            artists: known(artists.iter().map(|(id, ..)| *id).collect()),
            songs: known(song_ids),
            works,
            listed: catalog.works.iter().map(|work| work.id.as_str()).collect(),
            catalog,
        }
    }

    /// A pair with what to write; `None` if what was proposed for others puts it together, too.
    pub fn write(&mut self, found: Found, entities: &Entities) -> Option<LookAlike> {
        let (file, paste) = match found.kind {
            Kind::SameTrack | Kind::Artist => ("artists.toml", self.artist(&found)),
            Kind::Song => ("songs.toml", self.song(&found, entities)),
            Kind::Version => ("works.toml", self.work(&found, entities)),
        };
        let Found { kind, a, b, evidence, .. } = found;
        Some(LookAlike { kind, a, b, evidence, file, paste: paste? })
    }

    fn artist(&mut self, found: &Found) -> Option<String> {
        let Found { a, b, .. } = found;
        let (entry, new) = match (self.artists.of.get(&a.id), self.artists.of.get(&b.id)) {
            (Some(one), Some(other)) => return both(one, other, &a.id, &b.id),
            (Some(entry), None) => (entry.clone(), b),
            (None, Some(entry)) => (entry.clone(), a),
            (None, None) => {
                let id = self.artists.new_id(&a.name);
                self.artists.of.insert(a.id.clone(), id.clone());
                self.artists.of.insert(b.id.clone(), id.clone());
                self.aliased.insert(id.clone());
                let [name, alias] = [text(&a.name), text(&b.name)];
                return Some(format!("[[artist]]\nid = {}\nname = {name}\naliases = [{alias}]", text(&id)));
            }
        };
        self.artists.of.insert(new.id.clone(), entry.clone());
        let (name, entry_text) = (text(&new.name), text(&entry));
        Some(match self.aliased.insert(entry) {
            true => format!("aliases = [{name}] # into [[artist]] id = {entry_text}"),
            false => format!("{name}, # into the aliases of {entry_text}"),
        })
    }

    fn song(&mut self, found: &Found, entities: &Entities) -> Option<String> {
        let Found { a, b, places, .. } = found;
        let (entry, new) = match (self.songs.of.get(&a.id), self.songs.of.get(&b.id)) {
            (Some(one), Some(other)) => return both(one, other, &a.id, &b.id),
            (Some(entry), None) => (entry.clone(), b),
            (None, Some(entry)) => (entry.clone(), a),
            (None, None) => {
                let title = &entities.of(EntityKind::Song)[places[0] as usize].name;
                let id = self.songs.new_id(title);
                self.songs.of.insert(a.id.clone(), id.clone());
                self.songs.of.insert(b.id.clone(), id.clone());
                return Some(format!(
                    "[[song]]\nid = {}\nuris = [\n    {},\n    {},\n]",
                    text(&id),
                    text(&a.id),
                    text(&b.id)
                ));
            }
        };
        self.songs.of.insert(new.id.clone(), entry.clone());
        Some(format!("{}, # into the uris of [[song]] id = {}", text(&new.id), text(&entry)))
    }

    fn work(&mut self, found: &Found, entities: &Entities) -> Option<String> {
        let Found { a, b, places, .. } = found;
        let work_of = |place: u32, id: &str| {
            let work = entities.work_of_song.get(place as usize);
            let work = work.and_then(|&work| entities.of(EntityKind::Work).get(work as usize));
            let listed = work.filter(|work| self.listed.contains(work.id.as_str()));
            listed.map(|work| work.id.clone()).or_else(|| self.works.of.get(id).cloned())
        };
        let (entry, new) = match (work_of(places[0], &a.id), work_of(places[1], &b.id)) {
            (Some(one), Some(other)) => return both(&one, &other, &a.id, &b.id),
            (Some(entry), None) => (entry, b),
            (None, Some(entry)) => (entry, a),
            (None, None) => {
                let title = base_title(&entities.of(EntityKind::Song)[places[0] as usize].name);
                let sides = [&a.id, &b.id];
                let (songs, uris): (Vec<&String>, Vec<&String>) =
                    sides.into_iter().partition(|id| self.catalog.has_song(id));
                // A work may have the id of a song in it, and of no other.
                let own = |id: &&&String| songs.contains(id);
                let taken: Vec<&String> = sides.iter().filter(own).copied().collect();
                self.works.ids.retain(|id| !taken.contains(&id));
                let id = self.works.new_id(&title);
                self.works.ids.extend(taken.into_iter().cloned());
                self.works.of.insert(a.id.clone(), id.clone());
                self.works.of.insert(b.id.clone(), id.clone());
                let mut paste = format!("[[work]]\nid = {}\ntitle = {}", text(&id), text(&title));
                for (key, ids) in [("songs", songs), ("uris", uris)].iter().filter(|(_, ids)| !ids.is_empty())
                {
                    let ids: Vec<String> = ids.iter().map(|id| text(id)).collect();
                    paste.push_str(&format!("\n{key} = [{}]", ids.join(", ")));
                }
                return Some(paste);
            }
        };
        self.works.of.insert(new.id.clone(), entry.clone());
        let list = if self.catalog.has_song(&new.id) { "songs" } else { "uris" };
        Some(format!("{}, # into the {list} of [[work]] id = {}", text(&new.id), text(&entry)))
    }
}

/// For two that both have an entry; nothing if it is the same.
fn both(one: &str, other: &str, a: &str, b: &str) -> Option<String> {
    let [a, b] = [text(a), text(b)];
    let comment = format!("if they are one, move what {} has to {}", text(other), text(one));
    let distinct = format!("[[distinct]]\nids = [{a}, {b}]\nreason = \"\"");
    (one != other).then(|| format!("# {comment}; if not, into artists.toml:\n{distinct}"))
}

/// A string as TOML has it.
fn text(value: &str) -> String {
    toml::Value::from(value).to_string()
}
