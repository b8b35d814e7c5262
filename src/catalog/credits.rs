//! Who is credited in an artist cell, and as what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::Personas;
use super::files::{Artist, Period};
use crate::dates::Day;

/// Which credits count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Credit {
    /// Every credited artist.
    #[default]
    All,
    /// Those who lead.
    Lead,
    /// The only credited artist.
    Solo,
    /// Those who do not lead.
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

    /// Whether an artist in this role counts. Everyone leads or is a feature, so that lead and
    /// feature add up to all.
    pub fn counts(self, role: Role) -> bool {
        match self {
            Self::All => true,
            Self::Lead => role.lead(),
            Self::Solo => role.solo(),
            Self::Feature => !role.lead(),
        }
    }
}

/// As what an artist is credited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(u8);

impl Role {
    const LEAD: u8 = 1;
    const SOLO: u8 = 2;
    const CATALOG: u8 = 4;

    fn new(lead: bool, alone: bool, from_catalog: bool) -> Self {
        // Whom the catalog calls a feature is none the less one for being the only name.
        let solo = lead && alone;
        Self(
            u8::from(lead) * Self::LEAD
                + u8::from(solo) * Self::SOLO
                + u8::from(from_catalog) * Self::CATALOG,
        )
    }

    /// A number for it.
    pub fn code(self) -> u32 {
        u32::from(self.0)
    }

    /// Whether the artist leads; everyone else is a feature.
    pub fn lead(self) -> bool {
        self.0 & Self::LEAD != 0
    }

    /// Whether the artist leads and nobody else is credited.
    pub fn solo(self) -> bool {
        self.0 & Self::SOLO != 0
    }

    /// Whether the catalog says so, and not the place in the cell.
    pub fn from_catalog(self) -> bool {
        self.0 & Self::CATALOG != 0
    }

    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match (self.solo(), self.lead()) {
            (true, _) => "solo",
            (false, true) => "lead",
            (false, false) => "feature",
        }
    }
}

/// A credited artist: a name of a cell, resolved, or whom the catalog adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credited {
    /// The catalog's id, or `name:<name>`.
    pub id: String,
    /// The display name.
    pub name: String,
    /// As it stands in the cell; empty if only the catalog credits the artist.
    pub written: String,
    /// Whether the catalog knows it.
    pub known: bool,
    /// As what.
    pub role: Role,
    /// Why, in the words of the catalog.
    pub reason: Option<String>,
    /// First day of the alias.
    pub from: Option<Day>,
    /// Last day of the alias.
    pub until: Option<Day>,
}

/// Who leads and who is a feature, as the catalog has it: ids of artists.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    pub lead: Vec<String>,
    pub features: Vec<String>,
    pub reason: Option<String>,
}

/// How a cell is read on the days from `first` to `last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Era {
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
    /// The artists, each once: those of the cell in its order, then those only the catalog credits.
    pub credited: Vec<Credited>,
}

/// The names of the catalog's artists.
#[derive(Clone, Debug, Default)]
pub struct Names {
    artists: Vec<Known>,
    by_id: HashMap<String, usize>,
    by_name: HashMap<String, Vec<Naming>>,
    /// The most parts that a known name has between commas.
    longest: usize,
    dated: bool,
}

#[derive(Clone, Debug)]
struct Known {
    id: String,
    name: String,
    reason: Option<String>,
}

/// That a name is an artist's.
#[derive(Clone, Debug)]
struct Naming {
    artist: usize,
    period: Period,
    reason: Option<String>,
}

impl Names {
    pub fn new(artists: &[Artist], personas: Personas) -> Self {
        let known = |entry: &Artist| Known {
            id: entry.id.clone(),
            name: entry.name.clone(),
            reason: entry.reason.clone(),
        };
        let places: HashMap<&str, usize> =
            artists.iter().enumerate().map(|(place, entry)| (entry.id.as_str(), place)).collect();
        let mut names = Self { artists: artists.iter().map(known).collect(), longest: 1, ..Self::default() };
        for (place, entry) in artists.iter().enumerate() {
            let persona = entry.persona_of.as_ref().filter(|_| personas == Personas::Together);
            let artist = persona.and_then(|of| places.get(of.id.as_str())).copied().unwrap_or(place);
            names.by_id.insert(entry.id.clone(), artist);
            for alias in entry.names() {
                names.longest = names.longest.max(alias.name.split(", ").count());
                names.dated |= !alias.period.is_always();
                let reason = alias.reason.or_else(|| persona?.reason.clone());
                let naming = Naming { artist, period: alias.period, reason };
                names.by_name.entry(alias.name).or_default().push(naming);
            }
        }
        names
    }

    /// Every artist by id, with the display name and all names.
    pub fn known(&self) -> impl Iterator<Item = (&str, &str, Vec<&str>)> {
        let mut names: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for (name, namings) in &self.by_name {
            for naming in namings {
                names.entry(naming.artist).or_default().insert(name);
            }
        }
        let artists = names.into_iter().map(|(artist, names)| (&self.artists[artist], names));
        artists
            .map(|(Known { id, name, .. }, names)| (id.as_str(), name.as_str(), names.into_iter().collect()))
    }

    /// The id under which an artist is counted: that of whom a persona is counted for.
    pub fn counted_as(&self, id: &str) -> Option<&str> {
        Some(&self.artists[*self.by_id.get(id)?].id)
    }

    fn find(&self, name: &str, day: Day) -> Option<&Naming> {
        self.by_name.get(name)?.iter().find(|naming| naming.period.holds_on(day))
    }

    /// How a cell is read, from the first day to the last; one era if no dated alias is in it.
    pub fn eras(&self, cell: &str, roles: Option<&Roles>) -> Vec<Era> {
        let mut starts = self.breaks(cell);
        starts.insert(0, Day(0));
        starts.dedup();
        let mut eras: Vec<Era> = Vec::with_capacity(starts.len());
        for (place, &first) in starts.iter().enumerate() {
            let last = starts.get(place + 1).map_or(Day(u16::MAX), |next| next.plus(-1));
            let credited = self.with_roles(self.named(cell, first), roles);
            match eras.last_mut() {
                Some(before) if before.credited == credited => before.last = last,
                _ => eras.push(Era { first, last, credited }),
            }
        }
        eras
    }

    /// The days from which the cell may be read otherwise than the day before, ascending.
    fn breaks(&self, cell: &str) -> Vec<Day> {
        let mut breaks = Vec::new();
        if !self.dated {
            return breaks;
        }
        let parts = Parts::new(cell);
        for from in 0..parts.count() {
            for until in from + 1..=parts.count().min(from + self.longest) {
                let namings = self.by_name.get(parts.join(from, until)).into_iter().flatten();
                for Period { from, until } in namings.map(|naming| naming.period) {
                    breaks.extend(from);
                    breaks.extend(until.filter(|until| until.0 < u16::MAX).map(|until| until.plus(1)));
                }
            }
        }
        breaks.sort_unstable();
        breaks.dedup();
        breaks
    }

    /// The artists of a cell on a day, in its order, each once: longest known name first, from left
    /// to right, and otherwise one name for each `, `.
    fn named(&self, cell: &str, day: Day) -> Vec<Credited> {
        let parts = Parts::new(cell);
        let mut credited: Vec<Credited> = Vec::new();
        let mut at = 0;
        while at < parts.count() {
            let ends = at + 1..=parts.count().min(at + self.longest);
            let known = ends.rev().find_map(|end| Some((end, self.find(parts.join(at, end), day)?)));
            let end = known.map_or(at + 1, |(end, _)| end);
            let written = parts.join(at, end);
            at = end;
            let next = match known {
                Some((_, naming)) => self.credit(naming.artist, written, Some(naming)),
                None => Credited {
                    id: format!("name:{written}"),
                    name: written.to_owned(),
                    written: written.to_owned(),
                    known: false,
                    role: Role::default(),
                    reason: None,
                    from: None,
                    until: None,
                },
            };
            if !next.name.is_empty() && credited.iter().all(|other| other.id != next.id) {
                credited.push(next);
            }
        }
        credited
    }

    fn credit(&self, artist: usize, written: &str, naming: Option<&Naming>) -> Credited {
        let Known { id, name, reason } = self.artists[artist].clone();
        let period = naming.map(|naming| naming.period).unwrap_or_default();
        Credited {
            id,
            name,
            written: written.to_owned(),
            known: true,
            role: Role::default(),
            reason: naming.and_then(|naming| naming.reason.clone()).or(reason),
            from: period.from,
            until: period.until,
        }
    }

    fn with_roles(&self, mut credited: Vec<Credited>, roles: Option<&Roles>) -> Vec<Credited> {
        let Some(Roles { lead, features, reason }) = roles else {
            let alone = credited.len() == 1;
            for (place, credited) in credited.iter_mut().enumerate() {
                credited.role = Role::new(place == 0, alone, false);
            }
            return credited;
        };
        for id in lead.iter().chain(features) {
            if credited.iter().all(|credited| credited.id != *id)
                && let Some(&artist) = self.by_id.get(id)
            {
                credited.push(self.credit(artist, "", None));
            }
        }
        let alone = credited.len() == 1;
        for credited in &mut credited {
            let leads = match lead.is_empty() {
                true => !features.contains(&credited.id),
                false => lead.contains(&credited.id),
            };
            credited.role = Role::new(leads, alone, true);
            if credited.reason.is_none() {
                credited.reason.clone_from(reason);
            }
        }
        credited
    }
}

/// The parts of a cell between commas.
struct Parts<'a> {
    cell: &'a str,
    /// Where each part begins and ends.
    bounds: Vec<(usize, usize)>,
}

impl<'a> Parts<'a> {
    fn new(cell: &'a str) -> Self {
        let mut bounds = Vec::new();
        let mut from = 0;
        for part in cell.split(", ") {
            bounds.push((from, from + part.len()));
            from += part.len() + 2;
        }
        Self { cell, bounds }
    }

    fn count(&self) -> usize {
        self.bounds.len()
    }

    /// The parts from `from` to before `until`, as they stand in the cell.
    fn join(&self, from: usize, until: usize) -> &'a str {
        self.cell[self.bounds[from].0..self.bounds[until - 1].1].trim()
    }
}
