//! `rankings`: orders of entities, by milestone or by total, with the rank of the day before, and
//! how far the order can be relied on.

use std::collections::HashMap;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::identity::{
    ARTISTS, BASIS, CHART, CLOCK, CREDIT, CREDIT_SOURCE, ENTITY, ID, KIND, REGION, SONG_RULE, Subject,
    WINDOW, identity_columns,
};
use super::order::{Interval, certain, descending, ranks};
use super::sensitivity::{self, Notes};
use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable, side_by_side};
use crate::catalog::{Credit, EntityKind};
use crate::dates::Day;
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::pipeline::{Per, RankingKind, RankingSpec};
use crate::tally::{CreditSource, Milestone, Window};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "rankings",
    about: "orders of entities by milestone or by total, with the change since the date before",
    columns: &[
        field("ranking", Kind::String, "the pipeline's name for this order"),
        field("kind", Kind::String, "fastest, first, most_streamed, club or reach"),
        CHART,
        REGION,
        BASIS,
        KIND,
        ID,
        ENTITY,
        ARTISTS,
        CREDIT,
        SONG_RULE,
        CLOCK,
        WINDOW,
        field("threshold", Kind::Int64, "streams to reach; 0 for most_streamed and reach"),
        field("rank", Kind::Int64, "competition rank: 1, 2, 2, 4"),
        field("dense_rank", Kind::Int64, "dense rank: 1, 2, 2, 3"),
        field("value", Kind::Int64, "what is compared"),
        field("unit", Kind::String, "days, date (20240320), streams, songs or regions"),
        nullable("reached_on", Kind::Date, "the date of the milestone or of the value"),
        nullable("days_elapsed", Kind::Int64, "days from the start of the count to it"),
        nullable("day_number", Kind::Int64, "days_elapsed + 1"),
        field("contributing_songs", Kind::Int64, "different songs behind the value; 0 for club, reach"),
        CREDIT_SOURCE,
        nullable("order", Kind::String, "certain, or possibly tied: the bounds leave the rank open"),
        nullable("sensitivity", Kind::String, "none, or the conventions that give another rank, and which"),
        nullable("previous_rank", Kind::Int64, "rank as of the date before the scope's last one"),
        nullable("rank_change", Kind::Int64, "previous_rank − rank: positive is a climb"),
        nullable("note", Kind::String, "new: not ranked as of the date before"),
    ],
    grain: &["ranking", "chart", "region", "window", "threshold", "entity_id"],
    build,
    holds: holds_always,
};

/// One who competes.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Place of the total or milestone that it is of; [`NOWHERE`] where it is of several.
    pub place: u32,
    /// Index of the scope.
    pub scope: u32,
    /// Which turn of the clock.
    pub window: Window,
    /// Code of the entity.
    pub entity: u32,
    /// What is compared.
    pub value: i64,
    /// The same so that smaller is better, and the best it can be.
    pub key: Interval,
    /// The date of the value, and the days from the start to it; −1 without a start.
    pub reached: Option<(Day, i32)>,
    /// Different songs behind it.
    pub songs: u32,
    /// What the credits rest on.
    pub credits: CreditSource,
}

/// Who competes, and where everybody stands. Entries stay where they are; what is sorted is small.
pub struct Standings {
    /// Who competes.
    pub entries: Vec<Entry>,
    /// For each of them the place.
    places: Vec<Place>,
    /// All of them by their number: one group of competitors after the other, the best first.
    order: Vec<u32>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    /// Competition rank.
    rank: u32,
    dense: u32,
    certain: bool,
}

/// A ranking with all that its rows say.
struct Ranked {
    standings: Standings,
    /// The rank of each entry as of the date before; 0 for none.
    previous: Vec<u32>,
    notes: Notes,
    /// The entries by their number, in the order of the rows.
    rows: Vec<u32>,
}

/// A row: number of the ranking and of the entry.
#[derive(Clone, Copy)]
struct Row {
    ranking: u32,
    entry: u32,
}

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let specs = &sources.plan.rankings;
    let of_each = specs.par_iter().map(|spec| ranked(sources, orders, spec));
    let of_each: Vec<Ranked> = of_each.collect();
    let names = super::places(&specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>());
    let mut in_order: Vec<(u32, &Ranked)> = (0..).zip(&of_each).collect();
    in_order.sort_by_key(|(ranking, _)| names[*ranking as usize]);
    let mut rows: Vec<Row> = Vec::with_capacity(of_each.iter().map(|of| of.rows.len()).sum());
    for (ranking, of) in in_order {
        rows.extend(of.rows.iter().map(|&entry| Row { ranking, entry }));
    }
    let spec = |row: &Row| &specs[row.ranking as usize];
    let entry_of = |row: &Row| &of_each[row.ranking as usize].standings.entries[row.entry as usize];
    let place = |row: &Row| of_each[row.ranking as usize].standings.places[row.entry as usize];
    let previous = |row: &Row| {
        let rank = of_each[row.ranking as usize].previous[row.entry as usize];
        (rank > 0).then_some(i64::from(rank))
    };
    let subject = |row: &Row| {
        let spec = spec(row);
        let Entry { scope, entity, window, .. } = *entry_of(row);
        let subject = Subject::new(sources, spec.tally as u32, scope, entity, window);
        match spec.kind {
            RankingKind::Club => Subject { kind: EntityKind::Artist, credit: spec.credit, ..subject },
            RankingKind::Reach => Subject { all_regions: true, ..subject },
            _ => subject,
        }
    };
    let subjects: Vec<Subject> = rows.iter().map(subject).collect();
    let unit = |row: &Row| match spec(row).kind {
        RankingKind::Fastest => "days",
        RankingKind::First => "date",
        RankingKind::MostStreamed => "streams",
        RankingKind::Club => "songs",
        RankingKind::Reach => "regions",
    };
    let order = |row: &Row| match (spec(row).kind, place(row).certain) {
        (RankingKind::Club | RankingKind::Reach, _) => None,
        (_, true) => Some("certain"),
        (_, false) => Some("possibly tied"),
    };
    let note = |row: &Row| (previous(row).is_none() && spec(row).kind != RankingKind::Reach).then_some("new");
    let all = || rows.iter();
    let entry = || rows.iter().map(entry_of);
    let ranking = || rows.iter().map(|row| row.ranking);
    // The words of each ranking's notes stand one after the other.
    let mut words = 0;
    let notes_from: Vec<u32> = of_each
        .iter()
        .map(|of| {
            words += of.notes.words.len() as u32;
            words - of.notes.words.len() as u32
        })
        .collect();
    let note_of = |row: &Row| {
        let code = of_each[row.ranking as usize].notes.codes[row.entry as usize];
        code.saturating_add(notes_from[row.ranking as usize])
    };
    let notes: Vec<&str> = of_each.iter().flat_map(|of| of.notes.words.iter().map(String::as_str)).collect();
    let coded = |name, words: Vec<&str>| Column::coded(name, words.into_iter(), ranking());
    let change = |row: &Row| previous(row).map(|past| past - i64::from(place(row).rank));
    let mut columns = vec![
        coded("ranking", specs.iter().map(|spec| spec.name.as_str()).collect()),
        coded("kind", specs.iter().map(|spec| spec.kind.word()).collect()),
    ];
    columns.extend(identity_columns(sources, &subjects));
    columns.extend(side_by_side(&[
        &|| Column::numbers("threshold", all().map(|row| spec(row).threshold)),
        &|| Column::numbers("rank", all().map(|row| i64::from(place(row).rank))),
        &|| Column::numbers("dense_rank", all().map(|row| i64::from(place(row).dense))),
        &|| Column::numbers("value", entry().map(|entry| entry.value)),
        &|| Column::text("unit", all().map(unit)),
        &|| {
            let reached = entry().map(|entry| entry.reached.map(|reached| reached.0));
            Column::optional_dates("reached_on", reached)
        },
        &|| Column::optional_numbers("days_elapsed", entry().map(elapsed)),
        &|| Column::optional_numbers("day_number", entry().map(|entry| elapsed(entry).map(|days| days + 1))),
        &|| Column::numbers("contributing_songs", entry().map(|entry| i64::from(entry.songs))),
        &|| {
            let words = entry().zip(&subjects).map(|(entry, of)| entry.credits.word(of.credit));
            Column::text("credit_source", words)
        },
        &|| Column::optional_text("order", all().map(order)),
        &|| Column::coded("sensitivity", notes.iter().copied(), all().map(note_of)),
        &|| Column::optional_numbers("previous_rank", all().map(previous)),
        &|| Column::optional_numbers("rank_change", all().map(change)),
        &|| Column::optional_text("note", all().map(note)),
    ]));
    Frame::new(subjects.len(), columns)
}

/// One ranking, each entry with its rank as of the date before.
fn ranked(sources: &Sources<'_>, orders: &Orders, spec: &RankingSpec) -> Ranked {
    let present = || {
        let standings = Standings::new(sources, entries(sources, spec, spec.tally, false), spec);
        let notes = sensitivity::notes(sources, spec, &standings);
        (notes, standings)
    };
    let (before, (notes, standings)) = rayon::join(|| Past::new(sources, spec), present);
    let previous = standings.entries.iter().map(|entry| before.rank(entry, spec.per)).collect();
    let kind = competitor(sources, spec);
    let key = |(number, entry): (u32, &Entry)| {
        (entry.scope, entry.window, orders.entity(kind, entry.entity), number)
    };
    let mut keys: Vec<(u32, Window, u32, u32)> = (0..).zip(&standings.entries).map(key).collect();
    keys.par_sort_unstable();
    let rows = keys.into_iter().map(|(.., number)| number).collect();
    Ranked { standings, previous, notes, rows }
}

/// The ranks as of the date before; 0 for none.
enum Past {
    /// By the place of the total or milestone, which is the same one then as now.
    ByPlace(Vec<u32>),
    /// By [`identity`].
    ByWho(FxHashMap<(u32, Window, u32), u32>),
}

impl Past {
    fn new(sources: &Sources<'_>, spec: &RankingSpec) -> Self {
        if spec.kind == RankingKind::Reach {
            return Self::ByWho(FxHashMap::default());
        }
        let past = entries(sources, spec, spec.tally, true);
        let places = match (spec.per, spec.kind) {
            (Per::Window, RankingKind::MostStreamed) => sources.folded.totals.len(),
            (Per::Window, RankingKind::Fastest | RankingKind::First) => sources.folded.milestones.len(),
            _ => {
                let Standings { entries, places, .. } = Standings::new(sources, past, spec);
                let of_each = entries.iter().zip(places);
                return Self::ByWho(
                    of_each.map(|(entry, place)| (identity(entry, spec.per), place.rank)).collect(),
                );
            }
        };
        // Only the ranks matter, so only what decides them is sorted.
        let key = |entry: Entry| (entry.scope, entry.window, entry.key.worst, entry.place);
        let mut keys: Vec<(u32, Window, i64, u32)> = past.map(key).collect();
        keys.par_sort_unstable();
        let mut by_place = vec![0; places];
        for group in keys.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let mut behind = 0;
            for tied in group.chunk_by(|a, b| a.2 == b.2) {
                for &(.., place) in tied {
                    by_place[place as usize] = behind + 1;
                }
                behind += tied.len() as u32;
            }
        }
        Self::ByPlace(by_place)
    }

    fn rank(&self, entry: &Entry, per: Per) -> u32 {
        match self {
            Self::ByPlace(ranks) => ranks.get(entry.place as usize).copied().unwrap_or_default(),
            Self::ByWho(ranks) => ranks.get(&identity(entry, per)).copied().unwrap_or_default(),
        }
    }
}

/// The days from the start of the count, where there is one.
fn elapsed(entry: &Entry) -> Option<i64> {
    entry.reached.map(|reached| i64::from(reached.1)).filter(|&days| days >= 0)
}

/// What competes in a ranking.
fn competitor(sources: &Sources<'_>, spec: &RankingSpec) -> EntityKind {
    match spec.kind {
        RankingKind::Club => EntityKind::Artist,
        _ => sources.tallies.get(spec.tally).map_or(EntityKind::Track, |tally| tally.entity),
    }
}

/// What makes an entry the same one as of the date before.
pub fn identity(entry: &Entry, per: Per) -> (u32, Window, u32) {
    match per {
        Per::Window => (entry.scope, entry.window, entry.entity),
        Per::Entity => (entry.scope, Window::ALL, entry.entity),
    }
}

/// All who compete in a ranking by a tally, its own or one that counts otherwise; with `before`, as
/// of the date before the scope's last one.
pub fn entries<'a>(
    sources: &'a Sources<'_>,
    spec: &'a RankingSpec,
    tally: usize,
    before: bool,
) -> Box<dyn Iterator<Item = Entry> + 'a> {
    match spec.kind {
        RankingKind::MostStreamed => Box::new(totals(sources, tally, before)),
        RankingKind::Fastest | RankingKind::First => {
            let entry = |(place, row)| reached(spec.kind, place, row);
            Box::new(milestones(sources, spec, tally, before).map(entry))
        }
        RankingKind::Club => {
            let milestones = milestones(sources, spec, tally, before).map(|(_, row)| row);
            Box::new(club(sources, spec, milestones).into_iter())
        }
        RankingKind::Reach => Box::new(reach(sources, spec, tally).into_iter()),
    }
}

/// Who competes by a milestone: by its date, or by the days to it.
fn reached(kind: RankingKind, place: u32, row: &Milestone) -> Entry {
    let elapsed = row.reached_on.since(row.start_on);
    let earliest = row.earliest_on.unwrap_or(row.start_on).max(row.start_on);
    let (value, key) = match kind {
        RankingKind::First => {
            let worst = i64::from(row.reached_on.0);
            (row.reached_on.number(), Interval { best: i64::from(earliest.0), worst })
        }
        _ => (elapsed, Interval { best: earliest.since(row.start_on), worst: elapsed }),
    };
    let reached = Some((row.reached_on, elapsed as i32));
    let Milestone { scope, window, entity, songs, credits, .. } = *row;
    Entry { place, scope, window, entity, value, key, reached, songs, credits }
}

fn last(sources: &Sources<'_>, scope: u32) -> Option<Day> {
    sources.surveyed.calendars.get(scope as usize).and_then(|calendar| calendar.last())
}

fn totals<'a>(sources: &'a Sources<'_>, tally: usize, before: bool) -> impl Iterator<Item = Entry> + 'a {
    let totals = (0..).zip(&sources.folded.totals).filter(move |(_, total)| total.tally as usize == tally);
    totals.filter(move |(_, total)| !before || last(sources, total.scope) != Some(total.first_on)).map(
        move |(place, total)| {
            let value = total.streams - if before { total.on_last_date } else { 0 };
            Entry {
                place,
                scope: total.scope,
                window: total.window,
                entity: total.entity,
                value,
                key: descending(value, total.at_most),
                reached: None,
                songs: total.songs,
                credits: total.credits,
            }
        },
    )
}

fn milestones<'a>(
    sources: &'a Sources<'_>,
    spec: &'a RankingSpec,
    tally: usize,
    before: bool,
) -> impl Iterator<Item = (u32, &'a Milestone)> {
    let milestones = (0..).zip(&sources.folded.milestones);
    milestones
        .filter(move |(_, row)| row.tally as usize == tally && row.threshold == spec.threshold)
        .filter(move |(_, row)| !before || last(sources, row.scope) != Some(row.reached_on))
}

/// How many of the entities that reached the threshold credit each artist.
fn club<'a>(
    sources: &Sources<'_>,
    spec: &RankingSpec,
    milestones: impl Iterator<Item = &'a Milestone>,
) -> Vec<Entry> {
    let entities = sources.entities;
    let kind = sources.tallies.get(spec.tally).map_or(EntityKind::Song, |tally| tally.entity);
    let members = spec.cohort.as_deref().and_then(|cohort| entities.members(cohort, EntityKind::Artist));
    let credited = credited_on(sources, kind, spec.credit);
    let mut clubs: HashMap<(u32, Window, u32), (i64, CreditSource)> = HashMap::new();
    for row in milestones {
        for &(artist, source) in credited.get(&row.entity).into_iter().flatten() {
            if members.is_none_or(|members| members.get(artist as usize) == Some(&true)) {
                let club = clubs.entry((row.scope, row.window, artist)).or_default();
                *club = (club.0 + 1, club.1.or(source));
            }
        }
    }
    let entry = |((scope, window, entity), (value, credits))| {
        let key = descending(value, Some(value));
        let place = NOWHERE;
        Entry { place, scope, window, entity, value, key, reached: None, songs: 0, credits }
    };
    clubs.into_iter().map(entry).collect()
}

/// For each track, song or work the artists whom it credits, each once.
fn credited_on(
    sources: &Sources<'_>,
    kind: EntityKind,
    credit: Credit,
) -> HashMap<u32, Vec<(u32, CreditSource)>> {
    let entities = sources.entities;
    let mut credited: HashMap<u32, Vec<(u32, CreditSource)>> = HashMap::new();
    for (listing, seen) in sources.surveyed.sightings.iter().enumerate() {
        if seen.is_none() {
            continue;
        }
        let of = match kind {
            EntityKind::Track => entities.track_of.get(listing),
            EntityKind::Work => entities.work_of.get(listing),
            _ => entities.song_of.get(listing),
        };
        let Some(&of) = of else { continue };
        for artist in entities.credited_ever(listing).iter().filter(|artist| credit.counts(artist.role)) {
            let all = credited.entry(of).or_default();
            match all.iter_mut().find(|(known, _)| *known == artist.artist) {
                Some((_, source)) => *source = source.and(artist.role),
                None => all.push((artist.artist, CreditSource::NONE.and(artist.role))),
            }
        }
    }
    credited
}

/// The most regions of each entity on one date.
fn reach(sources: &Sources<'_>, spec: &RankingSpec, tally: usize) -> Vec<Entry> {
    let chart = |scope: u32| sources.surveyed.scopes.get(scope as usize).map_or("", |scope| &scope.chart);
    // One scope stands for all of its chart.
    let mut first: HashMap<&str, u32> = HashMap::new();
    let mut best: HashMap<(&str, u32), (i64, Day)> = HashMap::new();
    let mut credits: HashMap<(&str, u32), CreditSource> = HashMap::new();
    for row in sources.folded.reached.iter().filter(|row| row.tally as usize == tally) {
        let scope = first.entry(chart(row.scope)).or_insert(row.scope);
        *scope = row.scope.min(*scope);
        let source = credits.entry((chart(row.scope), row.entity)).or_default();
        *source = source.or(row.credits);
        let value = i64::from(if spec.topped { row.topped } else { row.regions });
        if value > 0 {
            let best = best.entry((chart(row.scope), row.entity)).or_insert((value, row.day));
            if value > best.0 || (value == best.0 && row.day < best.1) {
                *best = (value, row.day);
            }
        }
    }
    let entry = |((chart, entity), (value, day))| Entry {
        place: NOWHERE,
        scope: first.get(chart).copied().unwrap_or_default(),
        window: Window::ALL,
        entity,
        value,
        key: descending(value, Some(value)),
        reached: Some((day, -1)),
        songs: 0,
        credits: credits.get(&(chart, entity)).copied().unwrap_or_default(),
    };
    best.into_iter().map(entry).collect()
}

/// The [`Entry::place`] of what is made of several milestones.
const NOWHERE: u32 = u32::MAX;

impl Standings {
    /// Everybody's place, within each window or over each entity's best one.
    fn new(sources: &Sources<'_>, entries: impl Iterator<Item = Entry>, spec: &RankingSpec) -> Self {
        let mut entries: Vec<Entry> = entries.collect();
        if spec.per == Per::Entity {
            entries.sort_unstable_by_key(|entry| (entry.scope, entry.entity, entry.key.worst, entry.window));
            entries.dedup_by_key(|entry| (entry.scope, entry.entity));
        }
        let key = |(number, entry): (u32, &Entry)| {
            let (scope, window) = group(entry, spec.per);
            (scope, window, entry.key.worst, entry.window, entry.entity, number)
        };
        let mut keys: Vec<(u32, Window, i64, Window, u32, u32)> = (0..).zip(&entries).map(key).collect();
        keys.par_sort_unstable();
        let order: Vec<u32> = keys.iter().map(|(.., number)| *number).collect();
        drop(keys);
        let mut standings = Self { places: vec![Place::default(); entries.len()], entries, order };
        let mut places = std::mem::take(&mut standings.places);
        for group in standings.groups(spec.per) {
            let entries = || group.iter().map(|&number| &standings.entries[number as usize]);
            let keys: Vec<Interval> = entries().map(|entry| entry.key).collect();
            let worst: Vec<i64> = keys.iter().map(|key| key.worst).collect();
            // A week hides the order of its days, but not that of sums.
            let scope = entries().next().map_or(0, |entry| entry.scope as usize);
            let period = sources.surveyed.scopes.get(scope).map_or(1, |scope| scope.period);
            let certain = certain(&keys, period == 1 || spec.kind == RankingKind::MostStreamed);
            for ((&number, (rank, dense)), certain) in group.iter().zip(ranks(&worst)).zip(certain) {
                places[number as usize] = Place { rank: rank as u32, dense: dense as u32, certain };
            }
        }
        Self { places, ..standings }
    }

    /// Those who compete with each other, by their number, the best first.
    pub fn groups(&self, per: Per) -> impl Iterator<Item = &[u32]> {
        let of = move |number: &u32| group(&self.entries[*number as usize], per);
        self.order.chunk_by(move |a, b| of(a) == of(b))
    }
}

/// The scope and window within which an entry competes.
fn group(entry: &Entry, per: Per) -> (u32, Window) {
    let (scope, window, _) = identity(entry, per);
    (scope, window)
}
