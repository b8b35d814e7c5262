//! The catalog: who is who, in files that a person edits.
//!
//! | file | holds |
//! |---|---|
//! | `artists.toml` | `[[artist]]` id, name, aliases, and whose persona it is |
//! | `cohorts.toml` | `[[cohort]]` id, members |
//! | `songs.toml` | `[[song]]` id, title, artists, uris, released |
//!
//! Every file may be missing. Nothing is guessed: a name that is not here is an artist of its own,
//! and the `credits` table lists how every artist cell was read.

mod identity;

pub use identity::{Credit, Entities, Entity, EntityKind, Sightings};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use crate::dates::Day;
use crate::error::{Error, Result};

/// Who is who.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    artists: Vec<Artist>,
    /// From a name or an alias to the artist.
    names: HashMap<String, usize>,
    cohorts: BTreeMap<String, HashSet<String>>,
    songs: Vec<Song>,
    /// BLAKE3 of the files, in hexadecimal; empty without a catalog.
    pub hash: String,
}

/// Whether an artist's personas are counted apart or together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Personas {
    /// Agust D and SUGA are two artists.
    #[default]
    Apart,
    /// What Agust D streams counts for SUGA, and is shown under that name.
    Together,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Artist {
    id: String,
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    /// The id of the artist who also goes by this one's name.
    persona_of: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cohort {
    id: String,
    members: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Song {
    id: String,
    title: Option<String>,
    artists: Option<String>,
    #[serde(default)]
    uris: Vec<String>,
    released: Option<toml::value::Datetime>,
}

impl Song {
    fn released(&self) -> Option<Day> {
        Day::parse(self.released?.to_string().as_bytes())
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Artists {
    artist: Vec<Artist>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Cohorts {
    cohort: Vec<Cohort>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Songs {
    song: Vec<Song>,
}

impl Catalog {
    /// Reads the catalog in `directory`.
    ///
    /// # Errors
    /// [`Error::Config`] with the file, and the line where it does not parse, or the id that is
    /// used twice or not known.
    pub fn load(directory: &Path, personas: Personas) -> Result<Self> {
        if !directory.is_dir() {
            return Err(Error::config(directory, "no such catalog directory; name it under [catalog]"));
        }
        let mut hasher = blake3::Hasher::new();
        let (path, artists): (_, Artists) = read(directory, "artists.toml", &mut hasher)?;
        let mut artists = artists.artist;
        check_artists(&artists).map_err(|problem| Error::config(&path, problem))?;
        if personas == Personas::Together {
            let base: HashMap<String, Artist> =
                artists.iter().map(|artist| (artist.id.clone(), artist.clone())).collect();
            for artist in &mut artists {
                if let Some(of) = artist.persona_of.as_ref().and_then(|id| base.get(id)) {
                    artist.aliases.push(std::mem::replace(&mut artist.name, of.name.clone()));
                    artist.id.clone_from(&of.id);
                }
            }
        }
        let mut names = HashMap::new();
        for (index, artist) in artists.iter().enumerate() {
            for name in artist.aliases.iter().chain([&artist.name]) {
                names.entry(name.clone()).or_insert(index);
            }
        }

        let (path, cohorts): (_, Cohorts) = read(directory, "cohorts.toml", &mut hasher)?;
        let ids: HashSet<&str> = artists.iter().map(|artist| artist.id.as_str()).collect();
        let mut by_id = BTreeMap::new();
        for cohort in cohorts.cohort {
            // A persona that is counted together is no longer an id of its own.
            let known = |member: &&String| !ids.contains(member.as_str()) && personas == Personas::Apart;
            if let Some(unknown) = cohort.members.iter().find(known) {
                let problem = format!("cohort `{}`: no artist has the id `{unknown}`", cohort.id);
                return Err(Error::config(&path, problem));
            }
            if by_id.insert(cohort.id.clone(), cohort.members.into_iter().collect()).is_some() {
                return Err(Error::config(&path, format!("cohort `{}` stands twice", cohort.id)));
            }
        }

        let (path, songs): (_, Songs) = read(directory, "songs.toml", &mut hasher)?;
        check_songs(&songs.song).map_err(|problem| Error::config(&path, problem))?;
        let hash = hasher.finalize().to_hex().to_string();
        Ok(Self { artists, names, cohorts: by_id, songs: songs.song, hash })
    }

    /// Whether there is a cohort of this id.
    pub fn has_cohort(&self, id: &str) -> bool {
        self.cohorts.contains_key(id)
    }

    /// The ids of the cohorts.
    pub fn cohort_ids(&self) -> Vec<&str> {
        self.cohorts.keys().map(String::as_str).collect()
    }

    /// The artists of a cell, in its order, each once: longest known name first, from left to
    /// right, and otherwise one name for each `, `.
    fn credited(&self, cell: &str) -> Vec<Credited> {
        let parts: Vec<&str> = cell.split(", ").collect();
        let mut credited: Vec<Credited> = Vec::new();
        let mut at = 0;
        while at < parts.len() {
            let known = (at + 1..=parts.len()).rev().find_map(|end| {
                let name = parts[at..end].join(", ");
                self.names.get(name.trim()).map(|&artist| (end, artist))
            });
            let name = parts[at].trim();
            let (end, artist) = match known {
                Some((end, artist)) => (end, Some(&self.artists[artist])),
                None => (at + 1, None),
            };
            let written = parts[at..end].join(", ").trim().to_owned();
            let next = match artist {
                Some(artist) => {
                    Credited { id: artist.id.clone(), name: artist.name.clone(), written, known: true }
                }
                None => Credited { id: format!("name:{name}"), name: name.to_owned(), written, known: false },
            };
            at = end;
            if !next.name.is_empty() && credited.iter().all(|other| other.id != next.id) {
                credited.push(next);
            }
        }
        credited
    }
}

/// A name in an artist cell, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credited {
    /// The catalog's id, or `name:<name>`.
    pub id: String,
    /// The display name.
    pub name: String,
    /// As it stands in the cell.
    pub written: String,
    /// Whether the catalog knows it.
    pub known: bool,
}

fn read<T: Default + for<'de> Deserialize<'de>>(
    directory: &Path,
    file: &str,
    hasher: &mut blake3::Hasher,
) -> Result<(std::path::PathBuf, T)> {
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

fn check_artists(artists: &[Artist]) -> Result<(), String> {
    let mut ids = HashSet::new();
    let mut names: HashMap<&str, &str> = HashMap::new();
    for artist in artists {
        if !ids.insert(artist.id.as_str()) {
            return Err(format!("artist `{}` stands twice", artist.id));
        }
        for name in artist.aliases.iter().chain([&artist.name]) {
            match names.insert(name, &artist.id) {
                Some(other) if other != artist.id => {
                    return Err(format!("`{name}` is a name of both `{other}` and `{}`", artist.id));
                }
                _ => {}
            }
        }
    }
    let unknown =
        artists.iter().find_map(|artist| artist.persona_of.as_ref().filter(|of| !ids.contains(of.as_str())));
    unknown.map_or(Ok(()), |of| Err(format!("persona_of = \"{of}\": no artist has this id")))
}

fn check_songs(songs: &[Song]) -> Result<(), String> {
    let (mut ids, mut uris) = (HashSet::new(), HashMap::new());
    for song in songs {
        if !ids.insert(&song.id) {
            return Err(format!("song `{}` stands twice", song.id));
        }
        if song.title.is_some() != song.artists.is_some() {
            return Err(format!("song `{}`: give title and artists together", song.id));
        }
        if song.released.is_some() && song.released().is_none() {
            return Err(format!("song `{}`: released must be a date such as 2023-07-14", song.id));
        }
        for uri in &song.uris {
            if let Some(other) = uris.insert(uri, &song.id) {
                return Err(format!("`{uri}` belongs to both `{other}` and `{}`", song.id));
            }
        }
    }
    Ok(())
}
