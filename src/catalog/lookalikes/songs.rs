//! Songs that look like one, or like versions of one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::super::sound::{folded, set_aside};
use super::super::{Catalog, Entities, EntityKind, Sightings};
use super::{Kind, Pair, Side, pair_up, quoted};
use crate::exports::Listing;

/// Every song of the ledger under every name that it has.
pub struct SongBook<'a> {
    entities: &'a Entities,
    entries: Vec<Entry<'a>>,
    rows: Vec<u64>,
}

/// A song under one of its names.
struct Entry<'a> {
    song: u32,
    title: &'a str,
    cell: &'a str,
    /// Codes of the credited artists, ascending.
    artists: Vec<u32>,
    /// Those who lead, ascending.
    leads: Vec<u32>,
}

impl<'a> SongBook<'a> {
    pub fn new(entities: &'a Entities, listings: &'a [Listing], seen: &Sightings, rows: &[u64]) -> Self {
        let mut book = Self { entities, entries: Vec::new(), rows: vec![0; entities.work_of_song.len()] };
        for (listing, names) in listings.iter().enumerate() {
            let Some((_, last)) = seen.get(listing).copied().flatten() else { continue };
            let song = entities.song_of[listing];
            book.rows[song as usize] += rows.get(listing).copied().unwrap_or(0);
            let credits = entities.artists_of(listing, last);
            let mut artists: Vec<u32> = credits.iter().map(|credit| credit.artist).collect();
            let leads = credits.iter().filter(|credit| credit.role.lead());
            let mut leads: Vec<u32> = leads.map(|credit| credit.artist).collect();
            artists.sort_unstable();
            leads.sort_unstable();
            book.entries.push(Entry { song, title: &names.title, cell: &names.artists, artists, leads });
        }
        book
    }

    pub fn side(&self, song: u32) -> Side {
        let entity = &self.entities.of(EntityKind::Song)[song as usize];
        let name = format!("{} - {}", entity.artists, entity.name);
        Side { id: entity.id.clone(), name, rows: self.rows[song as usize] }
    }

    /// Songs of the same artists, or of the same leads where one names more guests, whose titles
    /// are equal once spelling is set aside.
    pub fn same_titles(&self, catalog: &Catalog) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for group in self.groups(catalog, |entry| (&entry.artists, folded(entry.title))) {
            for (a, b) in self.pair_up(catalog, &group, |_, _| true) {
                let (one, other) = (quoted(a.title), quoted(b.title));
                let evidence = if a.title != b.title {
                    format!(
                        "same artists; {one} and {other} are equal without {}",
                        set_aside(a.title, b.title)
                    )
                } else {
                    let (one, other) = (quoted(a.cell), quoted(b.cell));
                    format!("same title; {one} and {other} are the same artists")
                };
                pairs.push(Pair { kind: Kind::Song, a: a.song, b: b.song, evidence });
            }
        }
        let within = |a: &Entry<'_>, b: &Entry<'_>| a.artists.iter().all(|artist| b.artists.contains(artist));
        for group in self.groups(catalog, |entry| (&entry.leads, folded(entry.title))) {
            for (a, b) in self.pair_up(catalog, &group, |a, b| within(a, b) || within(b, a)) {
                let evidence = format!(
                    "same title and lead; {} and {} differ in guests only, whom some exports leave out",
                    quoted(a.cell),
                    quoted(b.cell)
                );
                pairs.push(Pair { kind: Kind::Song, a: a.song, b: b.song, evidence });
            }
        }
        pairs
    }

    /// Songs of the same leads whose titles are equal without additions.
    pub fn versions(&self, catalog: &Catalog) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for group in self.groups(catalog, |entry| (&entry.leads, folded(&base_title(entry.title)))) {
            for (a, b) in self.pair_up(catalog, &group, |_, _| true) {
                let evidence = format!(
                    "same lead; {} and {} are equal without additions",
                    quoted(a.title),
                    quoted(b.title)
                );
                pairs.push(Pair { kind: Kind::Version, a: a.song, b: b.song, evidence });
            }
        }
        pairs
    }

    /// The entries that share a key, the better known song first. A key without a title or an artist
    /// is none.
    fn groups<'k>(
        &'k self,
        catalog: &Catalog,
        key: impl Fn(&'k Entry<'a>) -> (&'k Vec<u32>, String),
    ) -> Vec<Vec<&'k Entry<'a>>> {
        let mut groups: BTreeMap<(&Vec<u32>, String), Vec<&Entry<'a>>> = BTreeMap::new();
        for entry in &self.entries {
            let key = key(entry);
            if !key.0.is_empty() && !key.1.is_empty() {
                groups.entry(key).or_default().push(entry);
            }
        }
        let several = |group: &&mut Vec<&Entry<'a>>| {
            group.iter().map(|entry| entry.song).collect::<BTreeSet<_>>().len() > 1
        };
        let mut kept: Vec<Vec<&Entry<'a>>> = Vec::new();
        for group in groups.values_mut().filter(several) {
            let id = |entry: &Entry<'_>| &self.entities.of(EntityKind::Song)[entry.song as usize].id;
            group.sort_by_key(|entry| {
                let unknown = !catalog.has_song(id(entry));
                (unknown, Reverse(self.rows[entry.song as usize]), id(entry), entry.title, entry.cell)
            });
            kept.push(std::mem::take(group));
        }
        kept
    }

    /// Pairs of songs that are not one work and that nobody has judged to be different.
    fn pair_up<'g, 'k>(
        &'g self,
        catalog: &'g Catalog,
        group: &'g [&'k Entry<'a>],
        alike: impl Fn(&Entry<'a>, &Entry<'a>) -> bool,
    ) -> impl Iterator<Item = (&'g Entry<'a>, &'g Entry<'a>)>
    where
        'k: 'g,
    {
        let id = |entry: &Entry<'_>| self.entities.of(EntityKind::Song)[entry.song as usize].id.as_str();
        let work = |entry: &Entry<'_>| self.entities.work_of_song[entry.song as usize];
        let goes_with = move |a: &&'k Entry<'a>, b: &&'k Entry<'a>| {
            work(a) != work(b) && alike(a, b) && !catalog.are_distinct(id(a), id(b))
        };
        pair_up(group, goes_with).map(|(a, b)| (*a, *b))
    }
}

/// What an addition to a title is known by.
const ADDITIONS: [&str; 41] = [
    "acoustic",
    "album",
    "anniversary",
    "bonus",
    "clean",
    "club",
    "cover",
    "deluxe",
    "demo",
    "dub",
    "edit",
    "explicit",
    "extended",
    "feat",
    "featuring",
    "from",
    "ft",
    "instrumental",
    "karaoke",
    "live",
    "mix",
    "mono",
    "original",
    "prod",
    "radio",
    "recorded",
    "remaster",
    "remastered",
    "remix",
    "rework",
    "session",
    "sessions",
    "single",
    "slowed",
    "soundtrack",
    "sped",
    "stereo",
    "unplugged",
    "ver",
    "version",
    "with",
];

/// What makes a bracket a part of the title: another part is another composition.
const PARTS: [&str; 14] = [
    "act",
    "chapter",
    "ep",
    "episode",
    "interlude",
    "intro",
    "no",
    "outro",
    "part",
    "parte",
    "pt",
    "skit",
    "vol",
    "volume",
];

/// A title without bracketed additions, and without what stands behind a dash or a `feat.` if it is
/// one.
pub fn base_title(title: &str) -> String {
    let mut base = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(open) = rest.find(['(', '[', '（', '【']) {
        let (before, bracket) = rest.split_at(open);
        base.push_str(before);
        let Some(close) = closing(bracket) else {
            rest = bracket;
            break;
        };
        let (bracket, after) = bracket.split_at(close);
        if is_part(bracket) {
            base.push_str(bracket);
        }
        rest = after;
    }
    base.push_str(rest);
    for dash in [" - ", " – ", " — "] {
        while let Some((before, after)) = base.rsplit_once(dash) {
            if !words(after).any(|word| ADDITIONS.contains(&word.as_str())) {
                break;
            }
            base.truncate(before.len());
        }
    }
    // ASCII alone, so that places in both are the same.
    let lower = base.to_ascii_lowercase();
    if let Some(at) = [" feat. ", " ft. ", " featuring "].iter().find_map(|feat| lower.find(feat)) {
        base.truncate(at);
    }
    match base.trim() {
        "" => title.to_owned(),
        base => base.to_owned(),
    }
}

/// Where the bracket that `text` begins with ends.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '[' | '（' | '【' => depth += 1,
            ')' | ']' | '）' | '】' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + letter.len_utf8());
        }
    }
    None
}

fn is_part(bracket: &str) -> bool {
    let number = |word: &str| {
        word.chars().all(|c| c.is_ascii_digit()) || word.chars().all(|c| matches!(c, 'i' | 'v' | 'x'))
    };
    let words: Vec<String> = words(bracket).collect();
    words.first().is_some_and(|word| PARTS.contains(&word.as_str())) || words.iter().all(|word| number(word))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}
