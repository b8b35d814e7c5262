//! The catalog: who is who, in files that a person edits.
//!
//! | file | holds |
//! |---|---|
//! | `artists.toml` | `[[artist]]` id, name, aliases, whose persona it is; `[[distinct]]` ids |
//! | `cohorts.toml` | `[[cohort]]` id, members |
//! | `songs.toml` | `[[song]]` id, title, artists, uris, released, lead, features |
//! | `works.toml` | `[[work]]` id, title, songs, uris |
//!
//! Every file may be missing. Nothing is guessed: a name that is not here is an artist of its own,
//! and the `credits` table lists how every artist cell was read.

mod classes;
mod credits;
mod files;
mod identity;
pub mod lookalikes;
mod sound;

pub use credits::{Credit, Credited, Era, Role};
pub use identity::{ArtistCredit, CreditedCell, Entities, Entity, EntityKind, Sightings, SongRule};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use credits::Names;
use files::{Artists, Cohorts, Song, Songs, Work, Works};

/// Who is who.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    names: Names,
    cohorts: BTreeMap<String, HashSet<String>>,
    songs: Vec<Song>,
    works: Vec<Work>,
    song_ids: HashSet<String>,
    /// For each id the groups of ids that a person has judged to be different.
    distinct: HashMap<String, Vec<usize>>,
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
        let (path, artists): (_, Artists) = files::read(directory, "artists.toml", &mut hasher)?;
        artists.check().map_err(|problem| Error::config(&path, problem))?;
        let names = Names::new(&artists.artist, personas);

        let (path, file): (_, Cohorts) = files::read(directory, "cohorts.toml", &mut hasher)?;
        let mut cohorts = BTreeMap::new();
        for cohort in file.cohort {
            let member = |member: &String| {
                names.counted_as(member).map(str::to_owned).ok_or_else(|| {
                    let problem = format!("cohort `{}`: no artist has the id `{member}`", cohort.id);
                    Error::config(&path, problem)
                })
            };
            let members = cohort.members.iter().map(member).collect::<Result<_>>()?;
            if cohorts.insert(cohort.id.clone(), members).is_some() {
                return Err(Error::config(&path, format!("cohort `{}` stands twice", cohort.id)));
            }
        }

        let (path, mut songs): (_, Songs) = files::read(directory, "songs.toml", &mut hasher)?;
        let mut distinct: HashMap<String, Vec<usize>> = HashMap::new();
        for (group, entry) in artists.distinct.into_iter().enumerate() {
            entry.ids.into_iter().for_each(|id| distinct.entry(id).or_default().push(group));
        }
        let ids: HashSet<String> = artists.artist.into_iter().map(|artist| artist.id).collect();
        songs.check(&ids).map_err(|problem| Error::config(&path, problem))?;
        let (path, works): (_, Works) = files::read(directory, "works.toml", &mut hasher)?;
        works.check(&songs).map_err(|problem| Error::config(&path, problem))?;
        for id in songs.song.iter_mut().flat_map(|song| song.lead.iter_mut().chain(&mut song.features)) {
            if let Some(counted) = names.counted_as(id) {
                *id = counted.to_owned();
            }
        }
        let hash = hasher.finalize().to_hex().to_string();
        let (songs, works) = (songs.song, works.work);
        let song_ids = songs.iter().map(|song| song.id.clone()).collect();
        Ok(Self { names, cohorts, songs, works, song_ids, distinct, hash })
    }

    /// Whether there is a cohort of this id.
    pub fn has_cohort(&self, id: &str) -> bool {
        self.cohorts.contains_key(id)
    }

    /// Whether `songs.toml` has an entry of this id.
    fn has_song(&self, id: &str) -> bool {
        self.song_ids.contains(id)
    }

    /// Whether a person has judged two artists or songs to be different.
    fn are_distinct(&self, a: &str, b: &str) -> bool {
        let groups = |id: &str| self.distinct.get(id).into_iter().flatten();
        groups(a).any(|group| groups(b).any(|other| other == group))
    }

    /// The ids of the artists who go by a name at any time and in any case, and all their names.
    pub fn also_called(&self, name: &str) -> Vec<&str> {
        let name = name.to_lowercase();
        let is_called = |names: &[&str]| names.iter().any(|known| known.to_lowercase() == name);
        let called = self.names.known().filter(|(_, _, names)| is_called(names));
        called.flat_map(|(id, _, names)| names.into_iter().chain([id])).collect()
    }

    /// The ids of the cohorts.
    pub fn cohort_ids(&self) -> Vec<&str> {
        self.cohorts.keys().map(String::as_str).collect()
    }
}
