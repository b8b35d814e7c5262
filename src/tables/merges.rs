//! `merges`: what each track of a song or work has under its own URI, and which milestones only
//! their merge made.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::identity::{
    ARTISTS, BASIS, CHART, CLOCK, CREDIT, ENTITY, ID, KIND, REGION, SONG_RULE, Subject, WINDOW,
    entity_column, identity_columns, tally_column,
};
use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::catalog::{EntityKind, SongRule};
use crate::dates::Day;
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::{Milestone, Variant, Window, named};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "merges",
    about: "every track of a song or work of several: its streams under its own URI, as a song, as a work",
    columns: &[
        field("tally", Kind::String, "the pipeline's name for this way of counting"),
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
        field("uri", Kind::String, "the track"),
        field("title", Kind::String, "the track's title"),
        field("credited", Kind::String, "the track's artist cell"),
        field("song_id", Kind::String, "the song of the track"),
        field("streams_uri", Kind::Int64, "streams under this URI"),
        field("streams_song", Kind::Int64, "streams of all tracks of the song"),
        field("streams_work", Kind::Int64, "streams of all tracks of the work"),
        field("joined_by", Kind::String, "name (same artist cell and title) or catalog"),
        field(
            "milestones_made",
            Kind::Int64,
            "milestones of the entity on whose date no track was over the threshold alone",
        ),
        nullable("highest_made", Kind::Int64, "the highest of them"),
    ],
    grain: &["tally", "chart", "region", "entity_id", "window", "uri"],
    build,
    holds: holds_always,
};

/// Tally, scope, entity, window.
type Figure = (u32, u32, u32, Window);

/// The milestones that single tracks reached by themselves.
pub struct Merges {
    /// By entity of a tally of songs or works and by threshold, the first date.
    alone: HashMap<(Figure, i64), Day>,
}

impl Merges {
    /// Reads them off the derived tallies.
    pub fn new(sources: &Sources<'_>) -> Self {
        let mut alone: HashMap<(Figure, i64), Day> = HashMap::new();
        for row in &sources.folded.milestones {
            if let Some(of) = parent(sources, row.tally) {
                let figure = (of, row.scope, owner(sources, of, row.entity), row.window);
                let first = alone.entry((figure, row.threshold)).or_insert(row.reached_on);
                *first = (*first).min(row.reached_on);
            }
        }
        // What a counter had passed before the data is no milestone, and reached all the same.
        for row in sources.folded.totals.iter().filter(|row| row.opening > 0) {
            let Some(of) = parent(sources, row.tally) else { continue };
            let figure = (of, row.scope, owner(sources, of, row.entity), row.window);
            let thresholds = sources.tallies.get(of as usize).map_or(&[][..], |spec| &spec.thresholds);
            for &threshold in thresholds.iter().filter(|&&threshold| threshold <= row.opening) {
                let first = alone.entry((figure, threshold)).or_insert(row.first_on);
                *first = (*first).min(row.first_on);
            }
        }
        Self { alone }
    }

    /// Whether no single track had reached the threshold when the entity did; `None` for tracks and
    /// artists.
    pub fn made(&self, sources: &Sources<'_>, row: &Milestone) -> Option<bool> {
        let spec = sources.tallies.get(row.tally as usize)?;
        if !matches!(spec.entity, EntityKind::Song | EntityKind::Work) {
            return None;
        }
        // A song of one track is not derived: the track is the song.
        if sources.entities.tracks_of(spec.entity, row.entity).len() < 2 {
            return Some(false);
        }
        let figure = (row.tally, row.scope, row.entity, row.window);
        Some(self.alone.get(&(figure, row.threshold)).is_none_or(|&alone| alone > row.reached_on))
    }
}

/// The tally of songs or works for which a tally counts tracks.
fn parent(sources: &Sources<'_>, tally: u32) -> Option<u32> {
    match sources.tallies.get(tally as usize)?.derived? {
        (of, Variant::Rule(SongRule::Uri)) => Some(of as u32),
        _ => None,
    }
}

/// The song or work of a track, as a tally counts it.
fn owner(sources: &Sources<'_>, tally: u32, track: u32) -> u32 {
    let entities = sources.entities;
    let song = entities.song_of_track.get(track as usize).copied().unwrap_or_default();
    match sources.tallies.get(tally as usize).map(|spec| spec.entity) {
        Some(EntityKind::Work) => entities.work_of_song.get(song as usize).copied().unwrap_or_default(),
        _ => song,
    }
}

/// A row.
struct Row {
    subject: Subject,
    track: u32,
    song: u32,
    streams: [i64; 3],
    by_catalog: bool,
    made: i64,
    highest: Option<i64>,
}

/// The tracks that share an artist cell and a title with another one.
fn joined_by_name(sources: &Sources<'_>) -> HashSet<u32> {
    let mut first: HashMap<(&str, &str), u32> = HashMap::new();
    let mut joined = HashSet::new();
    for (listing, names) in sources.state.listings.iter().enumerate() {
        let seen = sources.surveyed.sightings.get(listing).copied().flatten();
        let Some(&track) = sources.entities.track_of.get(listing).filter(|_| seen.is_some()) else {
            continue;
        };
        if names.title.is_empty() || names.artists.is_empty() {
            continue;
        }
        let other = *first.entry((&names.artists, &names.title)).or_insert(track);
        if other != track {
            joined.extend([other, track]);
        }
    }
    joined
}

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let entities = sources.entities;
    let song_of = |track: u32| entities.song_of_track.get(track as usize).copied().unwrap_or_default();
    let work_of = |song: u32| entities.work_of_song.get(song as usize).copied().unwrap_or_default();
    let parts = || sources.folded.totals.iter().filter_map(|row| Some((parent(sources, row.tally)?, row)));
    let mut songs: HashMap<Figure, i64> = HashMap::new();
    let mut works: HashMap<Figure, (i64, u32)> = HashMap::new();
    for (of, row) in parts() {
        let song = song_of(row.entity);
        let sum = songs.entry((of, row.scope, song, row.window)).or_default();
        *sum = sum.saturating_add(row.streams);
        let (sum, tracks) = works.entry((of, row.scope, work_of(song), row.window)).or_default();
        *sum = sum.saturating_add(row.streams);
        *tracks += 1;
    }
    let merges = Merges::new(sources);
    let mut made: HashMap<Figure, (i64, i64)> = HashMap::new();
    for row in sources.folded.milestones.iter().filter(|row| sources.is_own(row.tally)) {
        if merges.made(sources, row) == Some(true) {
            let (count, highest) = made.entry((row.tally, row.scope, row.entity, row.window)).or_default();
            *count += 1;
            *highest = (*highest).max(row.threshold);
        }
    }
    let by_name = joined_by_name(sources);
    let members: Vec<Option<Vec<bool>>> = sources
        .tallies
        .iter()
        .map(|spec| named(entities, spec.entity, spec.cohort.as_deref(), &spec.only))
        .collect();
    let counts = |of: u32, entity: u32| {
        let members = members.get(of as usize).and_then(Option::as_ref);
        members.is_none_or(|members| members.get(entity as usize) == Some(&true))
    };
    let mut rows: Vec<Row> = parts()
        .filter_map(|(of, row)| {
            let song = song_of(row.entity);
            let (streams_work, tracks) = *works.get(&(of, row.scope, work_of(song), row.window))?;
            let streams_song = *songs.get(&(of, row.scope, song, row.window))?;
            let entity = owner(sources, of, row.entity);
            let made = made.get(&(of, row.scope, entity, row.window));
            (tracks > 1 && counts(of, entity)).then(|| Row {
                subject: Subject::new(sources, of, row.scope, entity, row.window),
                track: row.entity,
                song,
                streams: [row.streams, streams_song, streams_work],
                by_catalog: !by_name.contains(&row.entity),
                made: made.map_or(0, |made| made.0),
                highest: made.map(|made| made.1),
            })
        })
        .collect();
    rows.par_sort_unstable_by_key(|row| {
        let Subject { tally, scope, kind, entity, window, .. } = row.subject;
        let track = orders.entity(EntityKind::Track, row.track);
        (orders.tallies[tally as usize], scope, orders.entity(kind, entity), window, track)
    });
    let subjects: Vec<Subject> = rows.iter().map(|row| row.subject).collect();
    let tracks = || rows.iter().map(|row| (EntityKind::Track, row.track));
    let mut columns = vec![tally_column(sources, &subjects)];
    columns.extend(identity_columns(sources, &subjects));
    columns.extend([
        entity_column(sources, "uri", |track| &track.id, tracks()),
        entity_column(sources, "title", |track| &track.name, tracks()),
        entity_column(sources, "credited", |track| &track.artists, tracks()),
        entity_column(
            sources,
            "song_id",
            |song| &song.id,
            rows.iter().map(|row| (EntityKind::Song, row.song)),
        ),
        Column::numbers("streams_uri", rows.iter().map(|row| row.streams[0])),
        Column::numbers("streams_song", rows.iter().map(|row| row.streams[1])),
        Column::numbers("streams_work", rows.iter().map(|row| row.streams[2])),
        Column::text("joined_by", rows.iter().map(|row| if row.by_catalog { "catalog" } else { "name" })),
        Column::numbers("milestones_made", rows.iter().map(|row| row.made)),
        Column::optional_numbers("highest_made", rows.iter().map(|row| row.highest)),
    ]);
    Frame::new(rows.len(), columns)
}
