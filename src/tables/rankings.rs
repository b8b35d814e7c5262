//! `rankings`: orders of entities, by milestone or by total, with the rank of the day before, and
//! how far the order can be relied on.

use std::borrow::Cow;
use std::collections::HashMap;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::identity::{
    ARTISTS, BASIS, CHART, CLOCK, CREDIT, CREDIT_SOURCE, ENTITY, ID, KIND, REGION, SONG_RULE, Subject,
    WINDOW, identity_columns,
};
use super::order::{Interval, certain, descending, ranks};
use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable, sensitivity};
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
    pub reached: Option<(Day, i64)>,
    /// Different songs behind it.
    pub songs: u32,
    /// What the credits rest on.
    pub credits: CreditSource,
}

/// An entry in its place.
pub struct Placed {
    /// Who.
    pub entry: Entry,
    /// Competition rank.
    pub rank: i64,
    dense: i64,
    certain: bool,
}

struct Row {
    ranking: usize,
    placed: Placed,
    previous: Option<i64>,
    sensitivity: Option<Cow<'static, str>>,
}

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let specs = &sources.plan.rankings;
    let of_each = specs.par_iter().enumerate().map(|(ranking, spec)| ranked(sources, ranking, spec));
    let of_each: Vec<Vec<Row>> = of_each.collect();
    let mut rows: Vec<Row> = Vec::with_capacity(of_each.iter().map(Vec::len).sum());
    of_each.into_iter().for_each(|of_one| rows.extend(of_one));
    let names = super::places(&specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>());
    rows.par_sort_by_cached_key(|row| {
        let Entry { scope, window, entity, .. } = row.placed.entry;
        let spec = &specs[row.ranking];
        let entity = orders.entity(competitor(sources, spec), entity);
        (names[row.ranking], scope, window, spec.threshold, entity)
    });
    let subject = |row: &Row| {
        let spec = &specs[row.ranking];
        let Entry { scope, entity, window, .. } = row.placed.entry;
        let subject = Subject::new(sources, spec.tally as u32, scope, entity, window);
        match spec.kind {
            RankingKind::Club => Subject { kind: EntityKind::Artist, credit: spec.credit, ..subject },
            RankingKind::Reach => Subject { all_regions: true, ..subject },
            _ => subject,
        }
    };
    let subjects: Vec<Subject> = rows.iter().map(subject).collect();
    let spec = |row: &Row| &specs[row.ranking];
    let unit = |row: &Row| match spec(row).kind {
        RankingKind::Fastest => "days",
        RankingKind::First => "date",
        RankingKind::MostStreamed => "streams",
        RankingKind::Club => "songs",
        RankingKind::Reach => "regions",
    };
    let order = |row: &Row| match (spec(row).kind, row.placed.certain) {
        (RankingKind::Club | RankingKind::Reach, _) => None,
        (_, true) => Some("certain"),
        (_, false) => Some("possibly tied"),
    };
    let note = |row: &Row| (row.previous.is_none() && spec(row).kind != RankingKind::Reach).then_some("new");
    let all = || rows.iter();
    let entry = || rows.iter().map(|row| &row.placed.entry);
    let ranking = || rows.iter().map(|row| row.ranking as u32);
    let mut columns = vec![
        Column::coded("ranking", specs.iter().map(|spec| spec.name.as_str()), ranking()),
        Column::coded("kind", specs.iter().map(|spec| spec.kind.word()), ranking()),
    ];
    columns.extend(identity_columns(sources, &subjects));
    columns.extend([
        Column::numbers("threshold", all().map(|row| spec(row).threshold)),
        Column::numbers("rank", all().map(|row| row.placed.rank)),
        Column::numbers("dense_rank", all().map(|row| row.placed.dense)),
        Column::numbers("value", entry().map(|entry| entry.value)),
        Column::text("unit", all().map(unit)),
        Column::optional_dates("reached_on", entry().map(|entry| entry.reached.map(|reached| reached.0))),
        Column::optional_numbers("days_elapsed", entry().map(elapsed)),
        Column::optional_numbers("day_number", entry().map(|entry| elapsed(entry).map(|days| days + 1))),
        Column::numbers("contributing_songs", entry().map(|entry| i64::from(entry.songs))),
        Column::text(
            "credit_source",
            entry().zip(&subjects).map(|(entry, of)| entry.credits.word(of.credit)),
        ),
        Column::optional_text("order", all().map(order)),
        Column::optional_text("sensitivity", all().map(|row| row.sensitivity.as_deref())),
        Column::optional_numbers("previous_rank", all().map(|row| row.previous)),
        Column::optional_numbers(
            "rank_change",
            all().map(|row| row.previous.map(|past| past - row.placed.rank)),
        ),
        Column::optional_text("note", all().map(note)),
    ]);
    Frame::new(subjects.len(), columns)
}

/// The rows of one ranking, each with its rank as of the date before.
fn ranked(sources: &Sources<'_>, ranking: usize, spec: &RankingSpec) -> Vec<Row> {
    let past = || {
        let past = match spec.kind {
            RankingKind::Reach => Vec::new(),
            _ => placed(sources, entries(sources, spec, spec.tally, true), spec),
        };
        Past::new(sources, spec, &past)
    };
    let present = || {
        let present = placed(sources, entries(sources, spec, spec.tally, false), spec);
        (sensitivity::notes(sources, spec, &present), present)
    };
    let (before, (notes, present)) = rayon::join(past, present);
    let row = |(placed, sensitivity): (Placed, Option<Cow<'static, str>>)| Row {
        ranking,
        previous: before.rank(&placed.entry, spec.per),
        placed,
        sensitivity,
    };
    present.into_iter().zip(notes).map(row).collect()
}

/// The ranks as of the date before.
enum Past {
    /// By the place of the total or milestone, which is the same one then as now; 0 for none.
    ByPlace(Vec<i64>),
    /// By [`identity`].
    ByWho(FxHashMap<(u32, Window, u32), i64>),
}

impl Past {
    fn new(sources: &Sources<'_>, spec: &RankingSpec, past: &[Placed]) -> Self {
        let places = match (spec.per, spec.kind) {
            (Per::Window, RankingKind::MostStreamed) => sources.folded.totals.len(),
            (Per::Window, RankingKind::Fastest | RankingKind::First) => sources.folded.milestones.len(),
            _ => {
                let ranks = past.iter().map(|placed| (identity(&placed.entry, spec.per), placed.rank));
                return Self::ByWho(ranks.collect());
            }
        };
        let mut ranks = vec![0; places];
        for placed in past {
            if let Some(rank) = ranks.get_mut(placed.entry.place as usize) {
                *rank = placed.rank;
            }
        }
        Self::ByPlace(ranks)
    }

    fn rank(&self, entry: &Entry, per: Per) -> Option<i64> {
        match self {
            Self::ByPlace(ranks) => ranks.get(entry.place as usize).copied().filter(|&rank| rank > 0),
            Self::ByWho(ranks) => ranks.get(&identity(entry, per)).copied(),
        }
    }
}

/// The days from the start of the count, where there is one.
fn elapsed(entry: &Entry) -> Option<i64> {
    entry.reached.map(|reached| reached.1).filter(|&days| days >= 0)
}

/// What competes in a ranking.
fn competitor(sources: &Sources<'_>, spec: &RankingSpec) -> EntityKind {
    match spec.kind {
        RankingKind::Club => EntityKind::Artist,
        _ => sources.tallies.get(spec.tally).map_or(EntityKind::Track, |tally| tally.entity),
    }
}

/// What makes an entry the same one as of the date before.
fn identity(entry: &Entry, per: Per) -> (u32, Window, u32) {
    match per {
        Per::Window => (entry.scope, entry.window, entry.entity),
        Per::Entity => (entry.scope, Window::ALL, entry.entity),
    }
}

/// All who compete in a ranking by a tally, its own or one that counts otherwise; with `before`, as
/// of the date before the scope's last one.
pub fn entries(sources: &Sources<'_>, spec: &RankingSpec, tally: usize, before: bool) -> Vec<Entry> {
    match spec.kind {
        RankingKind::MostStreamed => totals(sources, tally, before),
        RankingKind::Fastest | RankingKind::First => milestones(sources, spec, tally, before)
            .map(|(place, row)| {
                let elapsed = row.reached_on.since(row.start_on);
                let earliest = row.earliest_on.unwrap_or(row.start_on).max(row.start_on);
                let (value, key) = match spec.kind {
                    RankingKind::First => {
                        let worst = i64::from(row.reached_on.0);
                        (row.reached_on.number(), Interval { best: i64::from(earliest.0), worst })
                    }
                    _ => (elapsed, Interval { best: earliest.since(row.start_on), worst: elapsed }),
                };
                let reached = Some((row.reached_on, elapsed));
                let Milestone { scope, window, entity, songs, credits, .. } = *row;
                Entry { place, scope, window, entity, value, key, reached, songs, credits }
            })
            .collect(),
        RankingKind::Club => {
            club(sources, spec, milestones(sources, spec, tally, before).map(|(_, row)| row))
        }
        RankingKind::Reach => reach(sources, spec, tally),
    }
}

fn last(sources: &Sources<'_>, scope: u32) -> Option<Day> {
    sources.surveyed.calendars.get(scope as usize).and_then(|calendar| calendar.last())
}

fn totals(sources: &Sources<'_>, tally: usize, before: bool) -> Vec<Entry> {
    let totals = (0..).zip(&sources.folded.totals).filter(|(_, total)| total.tally as usize == tally);
    totals
        .filter(|(_, total)| !before || last(sources, total.scope) != Some(total.first_on))
        .map(|(place, total)| {
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
        })
        .collect()
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

/// Everybody's place, within each window or over each entity's best one.
pub fn placed(sources: &Sources<'_>, mut entries: Vec<Entry>, spec: &RankingSpec) -> Vec<Placed> {
    let per = spec.per;
    if per == Per::Entity {
        entries.sort_unstable_by_key(|entry| (entry.scope, entry.entity, entry.key.worst, entry.window));
        entries.dedup_by_key(|entry| (entry.scope, entry.entity));
    }
    let group = |entry: &Entry| (entry.scope, identity(entry, per).1);
    entries.par_sort_by_cached_key(|entry| (group(entry), entry.key.worst, entry.window, entry.entity));
    let mut all = Vec::with_capacity(entries.len());
    for group in entries.chunk_by(|a, b| group(a) == group(b)) {
        let keys: Vec<Interval> = group.iter().map(|entry| entry.key).collect();
        let worst: Vec<i64> = keys.iter().map(|key| key.worst).collect();
        // A week hides the order of its days, but not that of sums.
        let period = sources.surveyed.scopes.get(group[0].scope as usize).map_or(1, |scope| scope.period);
        let certain = certain(&keys, period == 1 || spec.kind == RankingKind::MostStreamed);
        let places = ranks(&worst).into_iter().zip(certain).zip(group);
        all.extend(places.map(|(((rank, dense), certain), &entry)| Placed { entry, rank, dense, certain }));
    }
    all
}
