//! Which track, song and artists each listing stands for.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use super::{Catalog, Credited};
use crate::dates::Day;
use crate::exports::Listing;

/// What streams are added up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// One URI.
    Track,
    /// The tracks that are one recording to a listener.
    Song,
    /// A credited artist.
    Artist,
}

impl EntityKind {
    /// Every kind, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::Track, Self::Song, Self::Artist];

    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Song => "song",
            Self::Artist => "artist",
        }
    }
}

/// Which names of an artist cell count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Credit {
    /// Every name.
    #[default]
    All,
    /// The first name.
    Lead,
    /// The only name.
    Solo,
    /// Every name but the first.
    Feature,
}

impl Credit {
    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Lead => "lead",
            Self::Solo => "solo",
            Self::Feature => "feature",
        }
    }

    /// Whether the name at `position` of `count` counts.
    pub fn counts(self, position: usize, count: usize) -> bool {
        match self {
            Self::All => true,
            Self::Lead => position == 0,
            Self::Solo => count == 1,
            Self::Feature => position > 0,
        }
    }
}

/// A track, song or artist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// A stable id.
    pub id: String,
    /// Title or display name.
    pub name: String,
    /// The artist cell; empty for artists.
    pub artists: String,
    /// The catalog's release date.
    pub released: Option<Day>,
}

/// First and last day on which each listing is on any chart; `None` for one that is on none.
pub type Sightings = Vec<Option<(Day, Day)>>;

/// All entities, and which of them each listing stands for.
#[derive(Clone, Debug, Default)]
pub struct Entities {
    /// By [`EntityKind`] and code.
    pub all: [Vec<Entity>; 3],
    /// For each listing its track.
    pub track_of: Vec<u32>,
    /// For each listing its song.
    pub song_of: Vec<u32>,
    /// The artists of all listings' cells, listing after listing.
    credits: Vec<ArtistCredit>,
    /// For each listing where its artists begin in `credits`, and one more at the end.
    credits_from: Vec<u32>,
    /// Every artist cell with the names it was resolved to.
    pub cells: Vec<(String, Vec<Credited>)>,
    members: HashMap<String, [Vec<bool>; 3]>,
}

/// An artist in the cell of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArtistCredit {
    /// Code of the artist.
    pub artist: u32,
    /// Code of the pair of artist and song.
    pub pair: u32,
}

impl Entities {
    /// Resolves listings through the catalog. A listing that is on no chart is nobody.
    pub fn resolve(catalog: &Catalog, listings: &[Listing], seen: &Sightings) -> Self {
        let seen = |listing: usize| seen.get(listing).copied().flatten();
        let tracks = Tracks::new(listings, &seen);
        let songs = Songs::new(catalog, listings, &tracks, &seen);
        let mut entities = Self {
            track_of: tracks.of.clone(),
            song_of: tracks
                .of
                .iter()
                .map(|&track| songs.of.get(track as usize).copied().unwrap_or(0))
                .collect(),
            ..Self::default()
        };
        entities.credit_artists(catalog, listings, &seen, &songs);
        entities.find_members(catalog);
        let track_entities = tracks.uris.iter().enumerate().map(|(track, uri)| {
            let latest = &listings[tracks.latest[track] as usize];
            Entity {
                id: (*uri).to_owned(),
                name: latest.title.clone(),
                artists: latest.artists.clone(),
                released: songs.released[songs.of[track] as usize],
            }
        });
        entities.all[0] = track_entities.collect();
        entities.all[1] = (0..songs.ids.len())
            .map(|song| {
                let latest = &listings[songs.latest[song] as usize];
                Entity {
                    id: songs.ids[song].clone(),
                    name: latest.title.clone(),
                    artists: latest.artists.clone(),
                    released: songs.released[song],
                }
            })
            .collect();
        entities
    }

    /// The entities of a kind.
    pub fn of(&self, kind: EntityKind) -> &[Entity] {
        &self.all[kind as usize]
    }

    /// The artists of a listing's cell, each with the pair of artist and song.
    pub fn artists_of(&self, listing: usize) -> &[ArtistCredit] {
        match self.credits_from.get(listing..listing + 2) {
            Some(&[from, until]) => &self.credits[from as usize..until as usize],
            _ => &[],
        }
    }

    /// For each entity of a kind whether the cohort counts it: the artist itself, or a member among
    /// the credits of a track or song. `None` for a cohort that the catalog does not have.
    pub fn members(&self, cohort: &str, kind: EntityKind) -> Option<&[bool]> {
        self.members.get(cohort).map(|members| members[kind as usize].as_slice())
    }

    fn credit_artists(
        &mut self,
        catalog: &Catalog,
        listings: &[Listing],
        seen: &impl Fn(usize) -> Option<(Day, Day)>,
        songs: &Songs,
    ) {
        let mut cells: HashMap<&str, Vec<u32>> = HashMap::new();
        let mut codes: HashMap<String, u32> = HashMap::new();
        let mut pairs: HashMap<(u32, u32), u32> = HashMap::new();
        let mut artists: Vec<Entity> = Vec::new();
        self.credits_from.push(0);
        for (listing, names) in listings.iter().enumerate() {
            if seen(listing).is_none() {
                self.credits_from.push(self.credits.len() as u32);
                continue;
            }
            let credited = cells.entry(&names.artists).or_insert_with(|| {
                let resolved = catalog.credited(&names.artists);
                let codes = resolved
                    .iter()
                    .map(|credited| {
                        *codes.entry(credited.id.clone()).or_insert_with(|| {
                            artists.push(Entity {
                                id: credited.id.clone(),
                                name: credited.name.clone(),
                                artists: String::new(),
                                released: None,
                            });
                            artists.len() as u32 - 1
                        })
                    })
                    .collect();
                self.cells.push((names.artists.clone(), resolved));
                codes
            });
            let song = self.song_of[listing];
            self.credits.extend(credited.iter().map(|&artist| {
                let next = pairs.len() as u32;
                ArtistCredit { artist, pair: *pairs.entry((artist, song)).or_insert(next) }
            }));
            self.credits_from.push(self.credits.len() as u32);
        }
        // An artist's release clock starts with the earliest release that credits them.
        for &(artist, song) in pairs.keys() {
            let own = &mut artists[artist as usize].released;
            *own = [*own, songs.released[song as usize]].into_iter().flatten().min();
        }
        self.cells.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.all[2] = artists;
    }

    fn find_members(&mut self, catalog: &Catalog) {
        let count = |codes: &[u32]| codes.iter().max().map_or(0, |&most| most as usize + 1);
        for (cohort, ids) in &catalog.cohorts {
            let artists: Vec<bool> = self.all[2].iter().map(|artist| ids.contains(&artist.id)).collect();
            let mut tracks = vec![false; count(&self.track_of)];
            let mut songs = vec![false; count(&self.song_of)];
            for listing in 0..self.track_of.len() {
                if self.artists_of(listing).iter().any(|credit| artists[credit.artist as usize]) {
                    tracks[self.track_of[listing] as usize] = true;
                    songs[self.song_of[listing] as usize] = true;
                }
            }
            self.members.insert(cohort.clone(), [tracks, songs, artists]);
        }
    }
}

/// The tracks of a dictionary of listings.
struct Tracks<'a> {
    uris: Vec<&'a str>,
    /// For each listing its track; 0 for one that is on no chart.
    of: Vec<u32>,
    /// For each track its latest listing.
    latest: Vec<u32>,
    /// For each track its first day.
    first: Vec<Day>,
}

impl<'a> Tracks<'a> {
    fn new(listings: &'a [Listing], seen: &impl Fn(usize) -> Option<(Day, Day)>) -> Self {
        let mut codes: HashMap<&str, u32> = HashMap::new();
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
struct Songs {
    ids: Vec<String>,
    /// For each track its song.
    of: Vec<u32>,
    latest: Vec<u32>,
    released: Vec<Option<Day>>,
}

impl Songs {
    fn new(
        catalog: &Catalog,
        listings: &[Listing],
        tracks: &Tracks<'_>,
        seen: &impl Fn(usize) -> Option<(Day, Day)>,
    ) -> Self {
        let mut classes = Classes::new(tracks.uris.len());
        let mut by_name: HashMap<(&str, &str), u32> = HashMap::new();
        for (listing, names) in listings.iter().enumerate() {
            // Two tracks without a title or an artist have nothing in common.
            if seen(listing).is_some() && !names.title.is_empty() && !names.artists.is_empty() {
                let track = tracks.of[listing];
                let first = *by_name.entry((&names.artists, &names.title)).or_insert(track);
                classes.join(first, track);
            }
        }
        let by_uri: HashMap<&str, u32> =
            tracks.uris.iter().enumerate().map(|(track, uri)| (*uri, track as u32)).collect();
        let mut entries = Vec::new();
        for song in &catalog.songs {
            let named = song.artists.as_deref().zip(song.title.as_deref());
            let members: BTreeSet<u32> = song
                .uris
                .iter()
                .filter_map(|uri| by_uri.get(uri.as_str()))
                .chain(named.and_then(|name| by_name.get(&name)))
                .copied()
                .collect();
            if let Some(&first) = members.first() {
                members.iter().for_each(|&track| classes.join(first, track));
                entries.push((first, song));
            }
        }

        let mut songs = Self { ids: Vec::new(), of: Vec::new(), latest: Vec::new(), released: Vec::new() };
        let mut codes: HashMap<u32, u32> = HashMap::new();
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
        for (track, entry) in entries {
            let song = songs.of[track as usize] as usize;
            // Two entries that turn out to be one song: the smaller id, the earlier release.
            named[song] = Some(named[song].map_or(&entry.id, |id| id.min(&entry.id)));
            let released = &mut songs.released[song];
            *released = [*released, entry.released()].into_iter().flatten().min();
        }
        songs.ids =
            named.into_iter().zip(first).map(|(named, (_, uri))| named.unwrap_or(uri).to_owned()).collect();
        songs
    }
}

/// Disjoint classes of tracks; the smallest member stands for its class.
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
