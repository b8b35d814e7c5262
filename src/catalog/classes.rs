//! Which listings are one track, which tracks one song, which songs one work.
//!
//! Each step makes classes of what the step before found: tracks that share a listing's artist cell
//! and title, or a catalog entry, are one song; songs that the catalog puts together are one work.
//! Classes can only grow by another listing, so a song never splits its streams.

use std::collections::{BTreeSet, HashMap};

use rustc_hash::FxHashMap;

use super::Catalog;
use super::credits::Roles;
use super::files::Song;
use super::identity::Entity;
use crate::dates::Day;
use crate::exports::Listing;

/// The tracks of a dictionary of listings.
pub(super) struct Tracks<'a> {
    pub uris: Vec<&'a str>,
    /// For each listing its track; 0 for one that is on no chart.
    pub of: Vec<u32>,
    /// For each track its latest listing.
    pub latest: Vec<u32>,
    /// For each track its first day.
    first: Vec<Day>,
}

impl<'a> Tracks<'a> {
    pub fn new(listings: &'a [Listing], seen: &impl Fn(usize) -> Option<(Day, Day)>) -> Self {
        let mut codes: FxHashMap<&str, u32> = FxHashMap::default();
        let mut tracks =
            Self { uris: Vec::new(), of: vec![0; listings.len()], latest: Vec::new(), first: Vec::new() };
        for (listing, names) in listings.iter().enumerate() {
            let Some((first, _)) = seen(listing) else { continue };
            let track = *codes.entry(&names.uri).or_insert_with(|| {
                tracks.uris.push(&names.uri);
                tracks.latest.push(listing as u32);
                tracks.first.push(first);
                tracks.uris.len() as u32 - 1
            });
            tracks.of[listing] = track;
            let place = track as usize;
            tracks.first[place] = tracks.first[place].min(first);
            tracks.latest[place] = later(listings, seen, tracks.latest[place], listing as u32);
        }
        tracks
    }
}

/// The later of two listings; on one day the one with the smaller artist cell, then title.
fn later(listings: &[Listing], seen: &impl Fn(usize) -> Option<(Day, Day)>, a: u32, b: u32) -> u32 {
    let key = |listing: u32| {
        let names = &listings[listing as usize];
        let last = seen(listing as usize).map(|days| days.1);
        (std::cmp::Reverse(last), &names.artists, &names.title)
    };
    if key(b) < key(a) { b } else { a }
}

/// Songs: the classes of tracks that share a listing's artist cell and title, or a catalog entry.
pub(super) struct Songs<'a> {
    pub ids: Vec<String>,
    /// For each track its song.
    pub of: Vec<u32>,
    pub latest: Vec<u32>,
    pub released: Vec<Option<Day>>,
    /// Who leads which song, where the catalog says so.
    pub roles: FxHashMap<u32, Roles>,
    /// For each song of the catalog that is on a chart its code.
    by_entry: HashMap<&'a str, u32>,
    /// For each URI its track.
    by_uri: FxHashMap<&'a str, u32>,
}

impl<'a> Songs<'a> {
    pub fn new(
        catalog: &'a Catalog,
        listings: &[Listing],
        tracks: &Tracks<'a>,
        seen: &impl Fn(usize) -> Option<(Day, Day)>,
    ) -> Self {
        let mut classes = Classes::new(tracks.uris.len());
        let mut by_name: FxHashMap<(&str, &str), u32> = FxHashMap::default();
        for (listing, names) in listings.iter().enumerate() {
            // Two tracks without a title or an artist have nothing in common.
            if seen(listing).is_some() && !names.title.is_empty() && !names.artists.is_empty() {
                let track = tracks.of[listing];
                let first = *by_name.entry((&names.artists, &names.title)).or_insert(track);
                classes.join(first, track);
            }
        }
        let by_uri: FxHashMap<&str, u32> =
            tracks.uris.iter().enumerate().map(|(track, uri)| (*uri, track as u32)).collect();
        let mut entries: Vec<(u32, &Song)> = Vec::new();
        for song in &catalog.songs {
            let named = song.artists.as_deref().zip(song.title.as_deref());
            let members: BTreeSet<u32> = song
                .uris
                .iter()
                .filter_map(|uri| by_uri.get(uri.uri.as_str()))
                .chain(named.and_then(|name| by_name.get(&name)))
                .copied()
                .collect();
            if let Some(&first) = members.first() {
                members.iter().for_each(|&track| classes.join(first, track));
                entries.push((first, song));
            }
        }

        let mut songs = Self {
            ids: Vec::new(),
            of: Vec::new(),
            latest: Vec::new(),
            released: Vec::new(),
            roles: FxHashMap::default(),
            by_entry: HashMap::new(),
            by_uri,
        };
        let mut codes: FxHashMap<u32, u32> = FxHashMap::default();
        let mut first: Vec<(Day, &str)> = Vec::new();
        for (track, &uri) in tracks.uris.iter().enumerate() {
            let began = (tracks.first[track], uri);
            let song = *codes.entry(classes.root(track as u32)).or_insert_with(|| {
                first.push(began);
                songs.latest.push(tracks.latest[track]);
                first.len() as u32 - 1
            });
            let place = song as usize;
            first[place] = first[place].min(began);
            songs.latest[place] = later(listings, seen, songs.latest[place], tracks.latest[track]);
            songs.of.push(song);
        }
        songs.released = vec![None; first.len()];
        let mut named: Vec<Option<&str>> = vec![None; first.len()];
        // By id, so that of two entries that turn out to be one song the smaller id decides.
        entries.sort_unstable_by_key(|(_, entry)| &entry.id);
        for (track, entry) in entries {
            let song = songs.of[track as usize];
            let place = song as usize;
            named[place].get_or_insert(&entry.id);
            let released = &mut songs.released[place];
            *released = [*released, entry.released.map(|date| date.0)].into_iter().flatten().min();
            if !entry.lead.is_empty() || !entry.features.is_empty() {
                songs.roles.entry(song).or_insert_with(|| Roles {
                    lead: entry.lead.clone(),
                    features: entry.features.clone(),
                    reason: entry.reason.clone(),
                });
            }
            songs.by_entry.insert(&entry.id, song);
        }
        songs.ids =
            named.into_iter().zip(first).map(|(named, (_, uri))| named.unwrap_or(uri).to_owned()).collect();
        songs
    }
}

/// Works: the classes of songs that the catalog puts together.
pub(super) struct Works {
    pub all: Vec<Entity>,
    /// For each song its work.
    pub of: Vec<u32>,
}

impl Works {
    pub fn new(
        catalog: &Catalog,
        listings: &[Listing],
        songs: &Songs<'_>,
        seen: &impl Fn(usize) -> Option<(Day, Day)>,
    ) -> Self {
        let mut classes = Classes::new(songs.ids.len());
        let mut entries: Vec<(u32, &super::Work)> = Vec::new();
        for work in &catalog.works {
            let by_uri = |uri: &str| songs.of.get(*songs.by_uri.get(uri)? as usize).copied();
            let mut members = work
                .songs
                .iter()
                .filter_map(|id| songs.by_entry.get(id.as_str()).copied())
                .chain(work.uris.iter().filter_map(|uri| by_uri(&uri.uri)));
            if let Some(first) = members.next() {
                members.for_each(|song| classes.join(first, song));
                entries.push((first, work));
            }
        }
        let mut works = Self { all: Vec::new(), of: Vec::new() };
        let mut codes: FxHashMap<u32, u32> = FxHashMap::default();
        let mut latest: Vec<u32> = Vec::new();
        for (song, id) in songs.ids.iter().enumerate() {
            let work = *codes.entry(classes.root(song as u32)).or_insert_with(|| {
                latest.push(songs.latest[song]);
                works.all.push(Entity {
                    id: id.clone(),
                    name: String::new(),
                    artists: String::new(),
                    released: None,
                });
                latest.len() as u32 - 1
            });
            let place = work as usize;
            latest[place] = later(listings, seen, latest[place], songs.latest[song]);
            let released = &mut works.all[place].released;
            *released = [*released, songs.released[song]].into_iter().flatten().min();
            works.of.push(work);
        }
        for (work, &latest) in works.all.iter_mut().zip(&latest) {
            let latest = &listings[latest as usize];
            (work.name, work.artists) = (latest.title.clone(), latest.artists.clone());
        }
        // By id backwards, so that of several entries the smallest has the last word.
        entries.sort_unstable_by_key(|(_, entry)| std::cmp::Reverse(&entry.id));
        for (song, entry) in entries {
            let work = &mut works.all[works.of[song as usize] as usize];
            work.id.clone_from(&entry.id);
            if let Some(title) = &entry.title {
                work.name.clone_from(title);
            }
        }
        works
    }
}

/// Disjoint classes of tracks or songs; the smallest member stands for its class.
struct Classes(Vec<u32>);

impl Classes {
    fn new(count: usize) -> Self {
        Self((0..count as u32).collect())
    }

    fn root(&mut self, member: u32) -> u32 {
        let mut at = member as usize;
        while self.0[at] as usize != at {
            self.0[at] = self.0[self.0[at] as usize];
            at = self.0[at] as usize;
        }
        at as u32
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}
