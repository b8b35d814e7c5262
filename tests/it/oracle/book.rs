//! Who is who: tracks, songs, works and artists, and who is credited where.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::days::{Day, parse_day};
use super::ledger::{Ledger, Scope, Seen, Slices};
use crate::world::{Dated, Song, Tally, Work, World};

/// An artist whom a row credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credited {
    pub id: String,
    pub name: String,
    pub leads: bool,
}

/// The ledger, with the answers to who is who.
pub struct Book<'a> {
    pub world: &'a World,
    pub scopes: BTreeMap<Scope, Slices>,
    pub conflicts: BTreeSet<(Scope, Day)>,
    /// Track to song, and song to work.
    song_of: BTreeMap<String, String>,
    work_of: BTreeMap<String, String>,
    /// The songs of which the catalog says who leads.
    led: BTreeMap<String, &'a Song>,
    /// Whom a track credits under an artist cell on a date.
    credits: BTreeMap<(String, String, Day), Vec<Credited>>,
    /// Whom a listing (URI, title and artist cell) credits from its first day to its last.
    ever: BTreeMap<(String, String, String), Vec<Vec<Credited>>>,
}

impl<'a> Book<'a> {
    pub fn open(world: &'a World, ledger: Ledger) -> Self {
        let Ledger { scopes, conflicts, .. } = ledger;
        let (song_of, work_of) = (BTreeMap::new(), BTreeMap::new());
        let (led, credits, ever) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut book = Book { world, scopes, conflicts, song_of, work_of, led, credits, ever };
        book.song_of = book.songs();
        book.work_of = book.works();
        book.led = book.leaders();
        let credits = book.rows().map(|seen| {
            ((seen.track.clone(), seen.artists.clone(), seen.date), book.read_credits(seen, seen.date))
        });
        book.credits = credits.collect();
        book.ever = book.listings();
        book
    }

    /// All rows in the ledger, those of stale slices too.
    pub fn rows(&self) -> impl Iterator<Item = &Seen> {
        self.scopes.values().flat_map(BTreeMap::values).flatten()
    }

    /// The first and the last date of a scope.
    pub fn first_and_last(&self, scope: &Scope) -> (Day, Day) {
        let slices = &self.scopes[scope];
        (*slices.keys().next().expect("not empty"), *slices.keys().next_back().expect("not empty"))
    }

    pub fn is_stale(&self, scope: &Scope, date: Day) -> bool {
        let slices = &self.scopes[scope];
        let figures = |slice: &'_ [Seen]| -> BTreeSet<(i64, String, i128)> {
            slice.iter().map(|seen| (seen.rank, seen.track.clone(), seen.streams)).collect()
        };
        let Some((_, before)) = slices.range(..date).next_back() else { return false };
        let slice = &slices[&date];
        slice.len() >= 10 && slice.len() == before.len() && figures(slice) == figures(before)
    }

    /// The slices that count. A stale date is as good as a missing one, but for the names and songs
    /// that its rows go on to witness.
    pub fn live(&self, scope: &Scope) -> BTreeMap<Day, &Vec<Seen>> {
        let slices = self.scopes[scope].iter();
        slices.filter(|(date, _)| !self.is_stale(scope, **date)).map(|(d, s)| (*d, s)).collect()
    }

    // --------------------------------------------------------------------------- songs and works

    /// What the catalog says of a song: the tracks of the ledger that it puts together.
    fn catalogued(&self, song: &Song) -> BTreeSet<String> {
        let listed = |seen: &Seen| {
            song.uris.iter().any(|uri| uri.value == seen.track)
                || song
                    .spelling
                    .as_ref()
                    .is_some_and(|(title, artists)| seen.spelling() == (artists.as_str(), title.as_str()))
        };
        self.rows().filter(|seen| listed(seen)).map(|seen| seen.track.clone()).collect()
    }

    fn songs(&self) -> BTreeMap<String, String> {
        let mut spelled: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
        for seen in self.rows() {
            spelled.entry(seen.spelling()).or_default().insert(seen.track.clone());
        }
        let bonds = self.world.catalog.songs.iter().map(|song| self.catalogued(song));
        let mut song_of = BTreeMap::new();
        for group in joined(spelled.into_values().chain(bonds)) {
            let songs = self.world.catalog.songs.iter();
            let catalogued = songs.filter(|song| !self.catalogued(song).is_disjoint(&group));
            let first = self.rows().filter(|seen| group.contains(&seen.track));
            let first = first.min_by_key(|seen| (seen.date, &seen.track));
            let id = catalogued.map(|song| &song.id).min().or(first.map(|seen| &seen.track));
            for track in &group {
                song_of.insert(track.clone(), id.expect("a group has a row").clone());
            }
        }
        song_of
    }

    fn works(&self) -> BTreeMap<String, String> {
        let songs: BTreeSet<&String> = self.song_of.values().collect();
        let mut work_of: BTreeMap<String, String> =
            songs.into_iter().map(|song| (song.clone(), song.clone())).collect();
        for group in joined(self.groups().into_iter()) {
            let works = self.world.catalog.works.iter().zip(self.groups());
            let id = works.filter(|(_, songs)| !songs.is_disjoint(&group)).map(|(work, _)| &work.id).min();
            for song in group {
                work_of.insert(song, id.expect("a group has a work").clone());
            }
        }
        work_of
    }

    /// The songs of the ledger that each work of the catalog names.
    fn groups(&self) -> Vec<BTreeSet<String>> {
        let songs = |work: &Work| {
            let named = self.world.catalog.songs.iter().filter(|song| work.songs.contains(&song.id));
            let tracks = named.flat_map(|song| self.catalogued(song)).chain(work.uris.iter().cloned());
            tracks.filter_map(|track| self.song_of.get(&track).cloned()).collect()
        };
        self.world.catalog.works.iter().map(songs).collect()
    }

    pub fn song(&self, seen: &Seen) -> &String {
        &self.song_of[&seen.track]
    }

    pub fn work(&self, seen: &Seen) -> &String {
        &self.work_of[self.song(seen)]
    }

    pub fn work_of_song(&self, song: &str) -> &String {
        &self.work_of[song]
    }

    pub fn song_of_track(&self, track: &str) -> &String {
        &self.song_of[track]
    }

    /// The tracks of the ledger that are a track, a song or a work.
    pub fn tracks_of(&self, kind: &str, id: &str) -> BTreeSet<&String> {
        self.rows().filter(|seen| self.is(kind, id, seen)).map(|seen| &seen.track).collect()
    }

    /// Those of them that were seen on a chart of this source.
    pub fn tracks_in_source(&self, kind: &str, id: &str, scope: &Scope) -> BTreeSet<&String> {
        let source = |scope: &Scope| scope.0.split(':').next().unwrap_or_default().to_owned();
        let scopes = self.scopes.iter().filter(|(other, _)| source(other) == source(scope));
        let rows = scopes.flat_map(|(_, slices)| slices.values().flatten());
        rows.filter(|seen| self.is(kind, id, seen)).map(|seen| &seen.track).collect()
    }

    fn is(&self, kind: &str, id: &str, seen: &Seen) -> bool {
        match kind {
            "track" => seen.track == id,
            "song" => self.song(seen) == id,
            _ => self.work(seen) == id,
        }
    }

    /// Whether the catalog's dates of a URI leave a part of the days from `from` to `to`. Sightings
    /// outside these dates widen them.
    pub fn could_play(&self, track: &str, (from, to): (Day, Day)) -> bool {
        let uris = self.world.catalog.songs.iter().flat_map(|song| &song.uris);
        let uris: Vec<&Dated> = uris.filter(|uri| uri.value == track).collect();
        let sightings = || self.rows().filter(|seen| seen.track == track).map(|seen| seen.date);
        let holds = |uri: &&Dated| {
            let (first, last) = uri.days();
            first.is_none_or(|first| sightings().fold(first, Day::min) <= to)
                && last.is_none_or(|last| from <= sightings().fold(last, Day::max))
        };
        uris.is_empty() || uris.iter().any(holds)
    }

    // ---------------------------------------------------------------------------------- artists

    /// The artists of a cell in order, each once: id and display name.
    pub fn read_cell(&self, cell: &str, date: Day) -> Vec<(String, String)> {
        let mut known: Vec<(&str, &str, &str)> = Vec::new();
        for artist in &self.world.catalog.artists {
            let aliases = artist.aliases.iter().filter(|alias| alias.holds_on(date));
            for name in std::iter::once(&artist.name).chain(aliases.map(|alias| &alias.value)) {
                known.push((name, &artist.id, &artist.name));
            }
        }
        known.sort_by_key(|(name, ..)| Reverse(name.len()));
        let (mut artists, mut rest) = (Vec::new(), cell);
        while !rest.is_empty() {
            let ends = |after: &str| after.is_empty() || after.starts_with(", ");
            let hit = known.iter().find(|(name, ..)| rest.strip_prefix(name).is_some_and(ends));
            let (name, artist) = match hit {
                Some((name, id, display)) => (*name, ((*id).to_owned(), (*display).to_owned())),
                None => {
                    let name = rest.split(", ").next().expect("split gives one");
                    (name, (format!("name:{name}"), name.to_owned()))
                }
            };
            if !artists.contains(&artist) {
                artists.push(artist);
            }
            rest = rest[name.len()..].strip_prefix(", ").unwrap_or_default();
        }
        artists
    }

    /// The entries of the catalog that say who leads; of several for a song the one with the smaller
    /// id.
    fn leaders(&self) -> BTreeMap<String, &'a Song> {
        let mut entries: Vec<&Song> = self.world.catalog.songs.iter().collect();
        entries.retain(|entry| !entry.lead.is_empty() || !entry.features.is_empty());
        entries.sort_by_key(|entry| Reverse(&entry.id));
        let track = |entry: &Song| self.catalogued(entry).into_iter().next();
        entries.into_iter().filter_map(|entry| Some((self.song_of[&track(entry)?].clone(), entry))).collect()
    }

    fn listings(&self) -> BTreeMap<(String, String, String), Vec<Vec<Credited>>> {
        let mut listings: BTreeMap<(String, String, String), Vec<&Seen>> = BTreeMap::new();
        for seen in self.rows() {
            let listing = (seen.track.clone(), seen.title.clone(), seen.artists.clone());
            listings.entry(listing).or_default().push(seen);
        }
        // Another artist can be meant from the day on which an alias begins or after its end.
        let aliases = self.world.catalog.artists.iter().flat_map(|artist| &artist.aliases).map(Dated::days);
        let changes = aliases.flat_map(|(from, until)| [from, until.map(|until| until + 1)]);
        let changes: Vec<Day> = changes.flatten().collect();
        let ever = listings.into_iter().map(|(listing, rows)| {
            let days = || rows.iter().map(|seen| seen.date);
            let (first, last) = (days().min().expect("a row"), days().max().expect("a row"));
            let inside = changes.iter().copied().filter(|day| (first..=last).contains(day));
            let credits = inside.chain([first]).map(|day| self.read_credits(rows[0], day));
            (listing, credits.collect())
        });
        ever.collect()
    }

    /// Whom the listing of a row credits on any of its days.
    fn ever_credited(&self, seen: &Seen) -> impl Iterator<Item = &Credited> {
        self.readings(seen).iter().flatten()
    }

    /// How the artist cell of a row's listing is read, from its first day to its last.
    fn readings(&self, seen: &Seen) -> &[Vec<Credited>] {
        &self.ever[&(seen.track.clone(), seen.title.clone(), seen.artists.clone())]
    }

    fn read_credits(&self, seen: &Seen, date: Day) -> Vec<Credited> {
        let mut named = self.read_cell(&seen.artists, date);
        let roles = self.led.get(self.song(seen)).copied();
        if let Some(Song { lead, features, .. }) = roles {
            for id in lead.iter().chain(features) {
                if !named.iter().any(|(other, _)| other == id) {
                    let artist = self.world.catalog.artists.iter().find(|artist| artist.id == *id);
                    named.push((id.clone(), artist.expect("an artist of the catalog").name.clone()));
                }
            }
        }
        let credited = named.into_iter().enumerate().map(|(place, (id, name))| {
            let leads = match roles {
                Some(Song { lead, .. }) if !lead.is_empty() => lead.contains(&id),
                Some(Song { features, .. }) => !features.contains(&id),
                None => place == 0,
            };
            Credited { id, name, leads }
        });
        credited.collect()
    }

    pub fn credited(&self, seen: &Seen) -> &[Credited] {
        &self.credits[&(seen.track.clone(), seen.artists.clone(), seen.date)]
    }

    /// The entities of a kind that a row adds to.
    pub fn entities(&self, kind: &str, credit: &str, seen: &Seen) -> Vec<String> {
        match kind {
            "track" => vec![seen.track.clone()],
            "song" => vec![self.song(seen).clone()],
            "work" => vec![self.work(seen).clone()],
            _ => with_credit(credit, self.credited(seen)),
        }
    }

    /// The artists whom the listing of a row credits on any of its days.
    pub fn artists_ever(&self, credit: &str, seen: &Seen) -> BTreeSet<String> {
        self.readings(seen).iter().flat_map(|credited| with_credit(credit, credited)).collect()
    }

    /// What the figures of an artist rest on, in rows that count for it. Who leads alone leaves
    /// nothing to decide.
    pub fn credit_source<'s>(&self, credit: &str, rows: impl Iterator<Item = &'s Seen>) -> &'static str {
        let leads_alone = |seen: &Seen| matches!(self.credited(seen), [only] if only.leads);
        let decided = rows.filter(|seen| credit != "all" && !leads_alone(seen));
        let by_catalog: BTreeSet<bool> = decided.map(|seen| self.led.contains_key(self.song(seen))).collect();
        match (by_catalog.contains(&true), by_catalog.contains(&false)) {
            (true, true) => "mixed",
            (true, false) => "catalog",
            (false, true) => "first_name",
            (false, false) => "displayed",
        }
    }

    // ----------------------------------------------------------------------- of all four kinds

    /// Whether a cohort has the entity: the artist itself, or a track, song or work that credits a
    /// member anywhere in the ledger.
    pub fn in_cohort(&self, cohort: Option<&String>, kind: &str, id: &str) -> bool {
        let Some(cohort) = cohort else { return true };
        let cohort = self.world.catalog.cohorts.iter().find(|c| c.id == *cohort).expect("known cohort");
        let member = |id: &str| cohort.members.iter().any(|member| member == id);
        if kind == "artist" {
            return member(id);
        }
        let mut own = self.rows().filter(|seen| self.is(kind, id, seen));
        own.any(|seen| self.ever_credited(seen).any(|artist| member(&artist.id)))
    }

    /// The names an entity is shown under: `entity` and `artists`.
    pub fn names(&self, kind: &str, id: &str) -> (String, String) {
        if kind == "artist" {
            let mut credited = self.rows().flat_map(|seen| self.credited(seen));
            return (credited.find(|other| other.id == id).expect("seen").name.clone(), String::new());
        }
        let own = self.rows().filter(|seen| self.is(kind, id, seen));
        let latest = own.min_by_key(|seen| (Reverse(seen.date), seen.spelling())).expect("seen");
        let mut works = self.world.catalog.works.iter().filter(|work| kind == "work" && work.id == id);
        let title = works.find_map(|work| work.title.clone());
        (title.unwrap_or_else(|| latest.title.clone()), latest.artists.clone())
    }

    /// The catalog's release date of an entity: of the first of its songs, or of those that credit
    /// the artist.
    pub fn released(&self, kind: &str, id: &str) -> Option<Day> {
        let dated = self.world.catalog.songs.iter().filter_map(|song| {
            let day = parse_day(song.released.as_ref()?).expect("a release date");
            Some((day, self.song_of.get(self.catalogued(song).first()?)?))
        });
        let concerns = |song: &String| {
            self.rows().filter(|seen| self.song(seen) == song).any(|seen| match kind {
                "artist" => self.ever_credited(seen).any(|artist| artist.id == id),
                _ => self.is(kind, id, seen),
            })
        };
        dated.filter(|(_, song)| concerns(song)).map(|(day, _)| day).min()
    }

    /// The dates that the catalog gives a URI; nothing for one without any.
    pub fn dates_of(&self, track: &str) -> Option<(Option<Day>, Option<Day>)> {
        let uris = self.world.catalog.songs.iter().flat_map(|song| &song.uris);
        let mut of_track = uris.filter(|uri| uri.value == track).map(Dated::days);
        of_track.find(|days| *days != (None, None))
    }

    /// What a tally counts as one of `contributing_songs`.
    pub fn counted_song(&self, tally: &Tally, seen: &Seen) -> String {
        match (tally.entity, tally.rule()) {
            ("artist", "uri") => seen.track.clone(),
            ("artist", "work") => self.work(seen).clone(),
            _ => self.song(seen).clone(),
        }
    }
}

impl Dated {
    /// The first and the last day on which it holds.
    fn days(&self) -> (Option<Day>, Option<Day>) {
        let day = |date: &Option<String>| date.as_ref().map(|date| parse_day(date).expect("a date"));
        (day(&self.from), day(&self.until))
    }

    fn holds_on(&self, date: Day) -> bool {
        let (first, last) = self.days();
        first.is_none_or(|first| first <= date) && last.is_none_or(|last| date <= last)
    }
}

/// Sets that share a member become one.
fn joined(bonds: impl Iterator<Item = BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for mut bond in bonds.filter(|bond| !bond.is_empty()) {
        for group in groups.extract_if(.., |group| !group.is_disjoint(&bond)).collect::<Vec<_>>() {
            bond.extend(group);
        }
        groups.push(bond);
    }
    groups
}

/// Those of the credited who have a credit.
fn with_credit(credit: &str, artists: &[Credited]) -> Vec<String> {
    let with = |leads: bool| artists.iter().filter(move |artist| artist.leads == leads);
    let ids = |artist: &Credited| artist.id.clone();
    match credit {
        "all" => artists.iter().map(ids).collect(),
        "lead" => with(true).map(ids).collect(),
        "feature" => with(false).map(ids).collect(),
        "solo" if artists.len() == 1 => with(true).map(ids).collect(),
        _ => Vec::new(),
    }
}
