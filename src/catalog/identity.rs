//! Which track, song, work and artists each listing stands for.

use std::collections::HashMap;
use std::ops::Range;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::classes::{Songs, Tracks, Works};
use super::credits::{Era, Role, Roles};
use super::files::Period;
use super::{Catalog, Credited};
use crate::dates::Day;
use crate::exports::Listing;

/// What streams are added up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// One URI.
    Track,
    /// The tracks that are one recording to a listener.
    Song,
    /// The songs that are versions of one composition, as far as the catalog says so.
    Work,
    /// A credited artist.
    Artist,
}

impl EntityKind {
    /// Every kind, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Track, Self::Song, Self::Work, Self::Artist];

    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Song => "song",
            Self::Work => "work",
            Self::Artist => "artist",
        }
    }
}

/// What counts as one song where an artist's songs are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SongRule {
    /// Each URI.
    Uri,
    /// The tracks that are one recording.
    #[default]
    Song,
    /// The versions of one composition.
    Work,
}

impl SongRule {
    /// Every rule, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::Uri, Self::Song, Self::Work];

    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Uri => "uri",
            Self::Song => "song",
            Self::Work => "work",
        }
    }
}

/// A track, song, work or artist.
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
    pub all: [Vec<Entity>; 4],
    /// For each listing its track.
    pub track_of: Vec<u32>,
    /// For each listing its song.
    pub song_of: Vec<u32>,
    /// For each listing its work.
    pub work_of: Vec<u32>,
    /// For each track its song.
    pub song_of_track: Vec<u32>,
    /// For each song its work.
    pub work_of_song: Vec<u32>,
    /// The tracks of each track, song and work.
    tracks: [Groups; 3],
    /// The tracks that had streams of their own in a part of the time only.
    periods: FxHashMap<u32, Period>,
    /// The artists of all listings' cells, listing after listing.
    credits: Vec<ArtistCredit>,
    /// For each listing where its artists begin in `credits`, and one more at the end.
    credits_from: Vec<u32>,
    /// The listings whose cell is read otherwise on some days: until when, and where in `credits`.
    dated: FxHashMap<u32, Vec<(Day, u32, u32)>>,
    /// How cells were read: a cell once for all songs without roles in the catalog.
    readings: Vec<(String, Vec<Era>)>,
    cells: Vec<Cell>,
    members: HashMap<String, [Vec<bool>; 4]>,
}

/// An artist in the cell of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArtistCredit {
    /// Code of the artist.
    pub artist: u32,
    /// By [`SongRule`], codes of the pairs of artist and track, artist and song, artist and work.
    pub pairs: [u32; 3],
    /// As what the artist is credited.
    pub role: Role,
}

/// An artist cell of a song on the days on which the song has it.
#[derive(Clone, Debug)]
struct Cell {
    song: u32,
    reading: u32,
    seen: (Day, Day),
}

/// An artist cell of a song with how it was read.
#[derive(Clone, Copy, Debug)]
pub struct CreditedCell<'a> {
    /// Code of the song.
    pub song: u32,
    /// The cell.
    pub artists: &'a str,
    /// How it was read on the days on which the song has it; more than one era only where the
    /// catalog dates an alias.
    pub eras: &'a [Era],
}

/// Members of groups, group after group.
#[derive(Clone, Debug, Default)]
struct Groups {
    members: Vec<u32>,
    from: Vec<u32>,
}

impl Groups {
    /// Groups the places of `of` by their value, of which there are `count`.
    fn new(of: &[u32], count: usize) -> Self {
        let mut from = vec![0; count + 1];
        for &group in of {
            from[group as usize + 1] += 1;
        }
        for group in 0..count {
            from[group + 1] += from[group];
        }
        let mut next = from.clone();
        let mut members = vec![0; of.len()];
        for (member, &group) in of.iter().enumerate() {
            let place = &mut next[group as usize];
            members[*place as usize] = member as u32;
            *place += 1;
        }
        Self { members, from }
    }

    fn of(&self, group: u32) -> &[u32] {
        let group = group as usize;
        match self.from.get(group..group + 2) {
            Some(&[from, until]) => &self.members[from as usize..until as usize],
            _ => &[],
        }
    }
}

impl Entities {
    /// Resolves listings through the catalog. A listing that is on no chart is nobody.
    pub fn resolve(catalog: &Catalog, listings: &[Listing], seen: &Sightings) -> Self {
        let seen = |listing: usize| seen.get(listing).copied().flatten();
        let tracks = Tracks::new(listings, &seen);
        let songs = Songs::new(catalog, listings, &tracks, &seen);
        let works = Works::new(catalog, listings, &songs, &seen);
        let count = tracks.uris.len();
        // Listings on no chart have track 0, which need not be there.
        let by_listing = |of: &[u32]| -> Vec<u32> {
            tracks.of.iter().map(|&track| of.get(track as usize).copied().unwrap_or(0)).collect()
        };
        let work_of_track: Vec<u32> = songs.of.iter().map(|&song| works.of[song as usize]).collect();
        let own: Vec<u32> = (0..count as u32).collect();
        let mut entities = Self {
            song_of: by_listing(&songs.of),
            work_of: by_listing(&work_of_track),
            tracks: [
                Groups::new(&own, count),
                Groups::new(&songs.of, songs.ids.len()),
                Groups::new(&work_of_track, works.all.len()),
            ],
            periods: periods(catalog, &tracks),
            ..Self::default()
        };
        entities.all[EntityKind::Track as usize] = tracks
            .uris
            .iter()
            .enumerate()
            .map(|(track, uri)| {
                let latest = &listings[tracks.latest[track] as usize];
                Entity {
                    id: (*uri).to_owned(),
                    name: latest.title.clone(),
                    artists: latest.artists.clone(),
                    released: songs.released[songs.of[track] as usize],
                }
            })
            .collect();
        entities.all[EntityKind::Song as usize] = (0..songs.ids.len())
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
        entities.all[EntityKind::Work as usize] = works.all;
        entities.track_of = tracks.of;
        entities.credit_artists(catalog, listings, &seen, &songs.roles);
        entities.song_of_track = songs.of;
        entities.work_of_song = works.of;
        entities.find_members(catalog);
        entities
    }

    /// The entities of a kind.
    pub fn of(&self, kind: EntityKind) -> &[Entity] {
        &self.all[kind as usize]
    }

    /// The artists that the cell of a listing credits on a day, as places for [`Self::credit`].
    pub fn credits_of(&self, listing: usize, day: Day) -> Range<u32> {
        if !self.dated.is_empty()
            && let Some(eras) = self.dated.get(&(listing as u32))
            && let Some(&(_, from, until)) = eras.iter().find(|(last, ..)| day <= *last)
        {
            return from..until;
        }
        match self.credits_from.get(listing..listing + 2) {
            Some(&[from, until]) => from..until,
            _ => 0..0,
        }
    }

    /// Whether whom the cell of a listing credits depends on the day.
    pub fn has_eras(&self, listing: usize) -> bool {
        !self.dated.is_empty() && self.dated.contains_key(&(listing as u32))
    }

    /// A credit by its place.
    pub fn credit(&self, place: u32) -> &ArtistCredit {
        &self.credits[place as usize]
    }

    /// The artists that the cell of a listing credits on a day.
    pub fn artists_of(&self, listing: usize, day: Day) -> &[ArtistCredit] {
        let Range { start, end } = self.credits_of(listing, day);
        &self.credits[start as usize..end as usize]
    }

    /// The artists that the cell of a listing credits, on whatever day: one may come twice.
    pub fn credited_ever(&self, listing: usize) -> &[ArtistCredit] {
        match self.credits_from.get(listing..listing + 2) {
            Some(&[from, until]) => &self.credits[from as usize..until as usize],
            _ => &[],
        }
    }

    /// Tells `words` all that is known of whom the cell of a listing credits: artists, roles and
    /// pairs, and until when.
    pub fn describe_credits(&self, listing: usize, words: &mut impl FnMut(&mut dyn Iterator<Item = u32>)) {
        let credits = self.credited_ever(listing).iter();
        let credit = |credit: &ArtistCredit| {
            let [track, song, work] = credit.pairs;
            [credit.artist, track, song, work, credit.role.code()]
        };
        words(&mut credits.flat_map(credit));
        if let Some(eras) = self.dated.get(&(listing as u32)) {
            words(&mut eras.iter().flat_map(|&(last, from, until)| [u32::from(last.0), until - from]));
        }
    }

    /// The tracks of a track, song or work; none for an artist.
    pub fn tracks_of(&self, kind: EntityKind, code: u32) -> &[u32] {
        self.tracks.get(kind as usize).map_or(&[], |groups| groups.of(code))
    }

    /// Whether the catalog dates any track.
    pub fn has_dated_tracks(&self) -> bool {
        !self.periods.is_empty()
    }

    /// The first and the last day on which a track had streams of its own, as far as the catalog
    /// says so.
    pub fn track_dates(&self, track: u32) -> (Option<Day>, Option<Day>) {
        self.periods.get(&track).map_or((None, None), |period| (period.from, period.until))
    }

    /// For each entity of a kind whether the cohort counts it: the artist itself, or a member among
    /// the credits of a track, song or work. `None` for a cohort that the catalog does not have.
    pub fn members(&self, cohort: &str, kind: EntityKind) -> Option<&[bool]> {
        self.members.get(cohort).map(|members| members[kind as usize].as_slice())
    }

    /// Every artist cell of every song with how it was read, in no particular order.
    pub fn credited_cells(&self) -> impl Iterator<Item = CreditedCell<'_>> {
        self.cells.iter().map(|Cell { song, reading, seen }| {
            let (artists, eras) = &self.readings[*reading as usize];
            let from = eras.partition_point(|era| era.last < seen.0);
            let until = eras.partition_point(|era| era.first <= seen.1);
            CreditedCell { song: *song, artists, eras: eras.get(from..until).unwrap_or_default() }
        })
    }

    /// How many artists are credited under a name that the catalog does not know.
    pub fn unknown_names(&self) -> usize {
        let ids = self.of(EntityKind::Artist).iter().map(|artist| artist.id.as_str());
        ids.filter(|id| id.starts_with("name:")).count()
    }

    fn credit_artists(
        &mut self,
        catalog: &Catalog,
        listings: &[Listing],
        seen: &impl Fn(usize) -> Option<(Day, Day)>,
        roles: &FxHashMap<u32, Roles>,
    ) {
        /// A cell as one song reads it: its place in `readings`, and the codes of its artists by era.
        struct Read {
            reading: u32,
            codes: Vec<Vec<(u32, Role)>>,
        }
        let mut read: FxHashMap<(&str, Option<u32>), Read> = FxHashMap::default();
        let mut cells: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        let mut codes: FxHashMap<String, u32> = FxHashMap::default();
        let mut pairs: [FxHashMap<(u32, u32), u32>; 3] = Default::default();
        let mut artists: Vec<Entity> = Vec::new();
        self.credits_from.push(0);
        for (listing, names) in listings.iter().enumerate() {
            let Some(days) = seen(listing) else {
                self.credits_from.push(self.credits.len() as u32);
                continue;
            };
            let song = self.song_of[listing];
            let own_roles = roles.get(&song);
            let Read { reading, codes } =
                read.entry((&names.artists, own_roles.map(|_| song))).or_insert_with(|| {
                    let eras = catalog.names.eras(&names.artists, own_roles);
                    let mut code = |credited: &Credited| {
                        let code = *codes.entry(credited.id.clone()).or_insert_with(|| {
                            artists.push(Entity {
                                id: credited.id.clone(),
                                name: credited.name.clone(),
                                artists: String::new(),
                                released: None,
                            });
                            artists.len() as u32 - 1
                        });
                        (code, credited.role)
                    };
                    let codes = eras.iter().map(|era| era.credited.iter().map(&mut code).collect()).collect();
                    self.readings.push((names.artists.clone(), eras));
                    Read { reading: self.readings.len() as u32 - 1, codes }
                });
            let cell = *cells.entry((song, *reading)).or_insert_with(|| {
                self.cells.push(Cell { song, reading: *reading, seen: days });
                self.cells.len() as u32 - 1
            });
            let spanned = &mut self.cells[cell as usize].seen;
            *spanned = (spanned.0.min(days.0), spanned.1.max(days.1));

            let of_rule = [self.track_of[listing], song, self.work_of[listing]];
            let mut eras = Vec::new();
            for (era, credited) in self.readings[*reading as usize].1.iter().zip(codes.iter()) {
                if era.last < days.0 || days.1 < era.first {
                    continue;
                }
                let from = self.credits.len() as u32;
                self.credits.extend(credited.iter().map(|&(artist, role)| {
                    let mut of = [0; 3];
                    for ((of, pairs), other) in of.iter_mut().zip(&mut pairs).zip(of_rule) {
                        let next = pairs.len() as u32;
                        *of = *pairs.entry((artist, other)).or_insert(next);
                    }
                    ArtistCredit { artist, pairs: of, role }
                }));
                eras.push((era.last, from, self.credits.len() as u32));
            }
            if eras.len() > 1 {
                self.dated.insert(listing as u32, eras);
            }
            self.credits_from.push(self.credits.len() as u32);
        }
        // An artist's release clock starts with the earliest release that credits them.
        for &(artist, song) in pairs[SongRule::Song as usize].keys() {
            let released = self.all[EntityKind::Song as usize][song as usize].released;
            let own = &mut artists[artist as usize].released;
            *own = [*own, released].into_iter().flatten().min();
        }
        self.all[EntityKind::Artist as usize] = artists;
    }

    fn find_members(&mut self, catalog: &Catalog) {
        for (cohort, ids) in &catalog.cohorts {
            let mut members = EntityKind::ALL.map(|kind| vec![false; self.of(kind).len()]);
            let [tracks, songs, works, artists] = &mut members;
            for (member, artist) in artists.iter_mut().zip(self.of(EntityKind::Artist)) {
                *member = ids.contains(&artist.id);
            }
            for listing in 0..self.track_of.len() {
                if self.credited_ever(listing).iter().any(|credit| artists[credit.artist as usize]) {
                    tracks[self.track_of[listing] as usize] = true;
                    songs[self.song_of[listing] as usize] = true;
                    works[self.work_of[listing] as usize] = true;
                }
            }
            self.members.insert(cohort.clone(), members);
        }
    }
}

/// The tracks with dates in the catalog.
fn periods(catalog: &Catalog, tracks: &Tracks<'_>) -> FxHashMap<u32, Period> {
    let of_songs = catalog.songs.iter().flat_map(|song| &song.uris);
    let of_works = catalog.works.iter().flat_map(|work| &work.uris);
    let dated = of_songs.chain(of_works).filter(|uri| !uri.period.is_always());
    let dated: FxHashMap<&str, Period> = dated.map(|uri| (uri.uri.as_str(), uri.period)).collect();
    if dated.is_empty() {
        return FxHashMap::default();
    }
    let uris = tracks.uris.iter().enumerate();
    uris.filter_map(|(track, uri)| Some((track as u32, *dated.get(uri)?))).collect()
}
