//! The shape of the catalog's files, and what they must not say.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::dates::Day;
use crate::error::{Error, Result};

/// `artists.toml`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Artists {
    pub artist: Vec<Artist>,
    pub distinct: Vec<Distinct>,
}

/// `cohorts.toml`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cohorts {
    pub cohort: Vec<Cohort>,
}

/// `songs.toml`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Songs {
    pub song: Vec<Song>,
}

/// `works.toml`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Works {
    pub work: Vec<Work>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artist {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub aliases: Vec<Alias>,
    /// The artist who also goes by this one's name.
    pub persona_of: Option<Persona>,
    pub reason: Option<String>,
}

/// Ids that a person has judged to be different, however alike they look.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distinct {
    pub ids: Vec<String>,
    /// For whoever reads the file; nothing is made of it.
    #[serde(rename = "reason")]
    pub _reason: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    pub id: String,
    pub members: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Song {
    pub id: String,
    pub title: Option<String>,
    pub artists: Option<String>,
    #[serde(default)]
    pub uris: Vec<Uri>,
    pub released: Option<Date>,
    #[serde(default)]
    pub lead: Vec<String>,
    #[serde(default)]
    pub features: Vec<String>,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    pub id: String,
    pub title: Option<String>,
    #[serde(default)]
    pub songs: Vec<String>,
    #[serde(default)]
    pub uris: Vec<Uri>,
    /// For whoever reads the file; nothing is made of it.
    #[serde(rename = "reason")]
    pub _reason: Option<String>,
}

/// A day in a file of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub Day);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = toml::value::Datetime::deserialize(deserializer)?.to_string();
        let day = Day::parse(text.as_bytes());
        day.map(Self).ok_or_else(|| D::Error::custom(format!("`{text}` is not a date such as 2023-07-14")))
    }
}

/// From when until when something holds, both inclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    pub from: Option<Day>,
    pub until: Option<Day>,
}

impl Period {
    pub fn holds_on(self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    pub fn is_always(self) -> bool {
        self == Self::default()
    }

    fn overlaps(self, other: Self) -> bool {
        let before =
            |until: Option<Day>, from: Option<Day>| until.zip(from).is_some_and(|(until, from)| until < from);
        !before(self.until, other.from) && !before(other.until, self.from)
    }

    fn check(self) -> Result<(), String> {
        match (self.from, self.until) {
            (Some(from), Some(until)) if until < from => {
                Err(format!("until = {until} is before from = {from}; give the earlier day as from"))
            }
            _ => Ok(()),
        }
    }
}

/// Another name of an artist: `"name"`, or a table that says when and why.
#[derive(Clone, Debug)]
pub struct Alias {
    pub name: String,
    pub period: Period,
    pub reason: Option<String>,
}

/// A track of a song: `"uri"`, or a table that says when it had streams of its own.
#[derive(Clone, Debug)]
pub struct Uri {
    pub uri: String,
    pub period: Period,
}

/// Whose persona: `"id"`, or a table that says why.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "TextOr<PersonaTable>")]
pub struct Persona {
    pub id: String,
    pub reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonaTable {
    id: String,
    reason: Option<String>,
}

impl From<TextOr<PersonaTable>> for Persona {
    fn from(written: TextOr<PersonaTable>) -> Self {
        match written {
            TextOr::Text(id) => Self { id, reason: None },
            TextOr::Table(PersonaTable { id, reason }) => Self { id, reason },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AliasTable {
    name: String,
    from: Option<Date>,
    until: Option<Date>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UriTable {
    uri: String,
    from: Option<Date>,
    until: Option<Date>,
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

fn period(from: Option<Date>, until: Option<Date>) -> Period {
    Period { from: from.map(|date| date.0), until: until.map(|date| date.0) }
}

impl<'de> Deserialize<'de> for Alias {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match TextOr::<AliasTable>::deserialize(deserializer)? {
            TextOr::Text(name) => Self { name, period: Period::default(), reason: None },
            TextOr::Table(AliasTable { name, from, until, reason }) => {
                Self { name, period: period(from, until), reason }
            }
        })
    }
}

impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match TextOr::<UriTable>::deserialize(deserializer)? {
            TextOr::Text(uri) => Self { uri, period: Period::default() },
            TextOr::Table(UriTable { uri, from, until, .. }) => Self { uri, period: period(from, until) },
        })
    }
}

/// A string, or a table with more to say.
enum TextOr<T> {
    Text(String),
    Table(T),
}

// By hand, because serde's untagged enums do not say which key of the table is wrong.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOr<T>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a string or a table")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Table)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Reads a file of the catalog; one that is missing says nothing.
pub fn read<T: Default + for<'de> Deserialize<'de>>(
    directory: &Path,
    file: &str,
    hasher: &mut blake3::Hasher,
) -> Result<(PathBuf, T)> {
    let path = directory.join(file);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((path, T::default())),
        Err(error) => return Err(Error::config(&path, error)),
    };
    hasher.update(file.as_bytes()).update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    let value = toml::from_str(&text).map_err(|error| Error::config(&path, error))?;
    Ok((path, value))
}

impl Artist {
    /// Every name with the period in which it is this artist's. The display name is one of them,
    /// and holds always unless an alias dates it.
    pub fn names(&self) -> impl Iterator<Item = Alias> {
        let dated = self.aliases.iter().any(|alias| alias.name == self.name);
        let own = Alias { name: self.name.clone(), period: Period::default(), reason: None };
        self.aliases.iter().cloned().chain((!dated).then_some(own))
    }
}

impl Artists {
    pub fn check(&self) -> Result<(), String> {
        let mut ids = HashSet::new();
        let mut names: HashMap<String, Vec<(Period, &str)>> = HashMap::new();
        for artist in &self.artist {
            if !ids.insert(artist.id.as_str()) {
                return Err(format!("artist `{}` stands twice", artist.id));
            }
            for Alias { name, period, .. } in artist.names() {
                period.check().map_err(|problem| format!("alias `{name}` of `{}`: {problem}", artist.id))?;
                let holders = names.entry(name.clone()).or_default();
                let taken = |(other, id): &&(Period, &str)| *id != artist.id && other.overlaps(period);
                if let Some((other, id)) = holders.iter().find(taken) {
                    let apart = match period.is_always() && other.is_always() {
                        true => "",
                        false => " in overlapping periods",
                    };
                    return Err(format!("`{name}` is a name of both `{id}` and `{}`{apart}", artist.id));
                }
                holders.push((period, &artist.id));
            }
        }
        for artist in &self.artist {
            if let Some(Persona { id, .. }) =
                artist.persona_of.as_ref().filter(|of| !ids.contains(of.id.as_str()))
            {
                return Err(format!("persona_of = \"{id}\": no artist has this id"));
            }
        }
        if let Some(lone) = self.distinct.iter().find(|distinct| distinct.ids.len() < 2) {
            return Err(format!("distinct ids = {:?}: it takes two to be different", lone.ids));
        }
        Ok(())
    }
}

impl Songs {
    /// `artists` are the ids of `artists.toml`.
    pub fn check(&self, artists: &HashSet<String>) -> Result<(), String> {
        let (mut ids, mut uris) = (HashSet::new(), HashMap::new());
        for song in &self.song {
            if !ids.insert(&song.id) {
                return Err(format!("song `{}` stands twice", song.id));
            }
            if song.title.is_some() != song.artists.is_some() {
                return Err(format!("song `{}`: give title and artists together", song.id));
            }
            check_uris(&song.uris, &song.id, &mut uris)?;
            if let Some(id) = song.lead.iter().chain(&song.features).find(|id| !artists.contains(*id)) {
                return Err(format!(
                    "song `{}`: no artist has the id `{id}`; add it to artists.toml",
                    song.id
                ));
            }
            if let Some(id) = song.lead.iter().find(|id| song.features.contains(id)) {
                return Err(format!("song `{}`: `{id}` is in both lead and features; keep one", song.id));
            }
        }
        Ok(())
    }
}

impl Works {
    pub fn check(&self, songs: &Songs) -> Result<(), String> {
        let known: BTreeSet<&str> = songs.song.iter().map(|song| song.id.as_str()).collect();
        let dated: HashMap<&str, Period> = songs
            .song
            .iter()
            .flat_map(|song| &song.uris)
            .filter(|uri| !uri.period.is_always())
            .map(|uri| (uri.uri.as_str(), uri.period))
            .collect();
        let (mut ids, mut uris, mut members) = (HashSet::new(), HashMap::new(), HashMap::new());
        for work in &self.work {
            if !ids.insert(&work.id) {
                return Err(format!("work `{}` stands twice", work.id));
            }
            if let Some(id) = work.songs.iter().find(|id| !known.contains(id.as_str())) {
                let problem = "no song has the id";
                return Err(format!(
                    "work `{}`: {problem} `{id}`; add it to songs.toml or give uris",
                    work.id
                ));
            }
            for song in &work.songs {
                if let Some(other) = members.insert(song, &work.id) {
                    return Err(format!("song `{song}` belongs to both `{other}` and `{}`", work.id));
                }
            }
            // A song in no work is a work under its own id, and ids must not be shared.
            if known.contains(work.id.as_str()) && !work.songs.contains(&work.id) {
                return Err(format!(
                    "work `{0}`: song `{0}` is not in it; list it or rename the work",
                    work.id
                ));
            }
            check_uris(&work.uris, &work.id, &mut uris)?;
            let differs = |uri: &&Uri| {
                !uri.period.is_always()
                    && dated.get(uri.uri.as_str()).is_some_and(|period| *period != uri.period)
            };
            if let Some(uri) = work.uris.iter().find(differs) {
                return Err(format!("`{}` has other dates in songs.toml; give them once", uri.uri));
            }
        }
        Ok(())
    }
}

fn check_uris<'a>(
    uris: &'a [Uri],
    id: &'a str,
    holders: &mut HashMap<&'a str, &'a str>,
) -> Result<(), String> {
    for uri in uris {
        uri.period.check().map_err(|problem| format!("`{}` of `{id}`: {problem}", uri.uri))?;
        if let Some(other) = holders.insert(&uri.uri, id) {
            return Err(format!("`{}` belongs to both `{other}` and `{id}`", uri.uri));
        }
    }
    Ok(())
}
