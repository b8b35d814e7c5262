//! Which rows of a scope count for an entity, and what each of them adds.

use std::collections::HashMap;

use super::Case;
use crate::catalog::{Credit, EntityKind, Role, SongRule};
use crate::dates::{Day, Month};
use crate::exports::{NO_STREAMS, NO_TOTAL};
use crate::ledger::Observation;
use crate::tally::{Basis, Clock, DateState, Due};

/// A window by its days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// As published: `all`, `2023`, `2023-07`.
    pub name: String,
    /// The first day; `None` for `all`.
    pub first: Option<Day>,
    /// The last day; `None` for `all`.
    pub last: Option<Day>,
}

impl Span {
    /// The window of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let between = |first: Day, next: Day| Self {
            name: name.to_owned(),
            first: Some(first),
            last: Some(next.plus(-1)),
        };
        if name == "all" {
            return Some(Self { name: name.to_owned(), first: None, last: None });
        }
        if let Some(month) = Month::parse(name) {
            return Some(between(month.first(), Month(month.0.saturating_add(1)).first()));
        }
        let year: u32 = name.parse().ok().filter(|_| name.len() == 4)?;
        let january = |year: u32| Day::parse(format!("{year}-01-01").as_bytes());
        Some(between(january(year)?, january(year + 1)?))
    }

    /// Whether a day lies in it.
    pub fn has(&self, day: Day) -> bool {
        self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }
}

/// A row that counts.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The row.
    pub row: Observation,
    /// Its track.
    pub track: u32,
    /// What it adds to the sum, apart from the opening.
    pub gain: i128,
    /// What a counter had before the first sighting of the track, as far as the clock counts that.
    pub opening: i128,
    /// Which song it is, by the song rule of the tally.
    pub song: u32,
    /// As what the artist is credited; for artists.
    pub role: Option<Role>,
}

/// The rows of the window that count for the entity, in the order of `rows`: those of the scope by
/// date and rank.
pub fn counted(case: &Case<'_>, rows: &[Observation]) -> Vec<Counted> {
    let calendar = &case.surveyed.calendars[case.scope];
    let states: HashMap<Day, DateState> = calendar.due.iter().map(|due| (due.day, due.state)).collect();
    let counter = case.surveyed.scopes[case.scope].basis == Basis::Counter;
    let from_the_start = matches!(case.spec.clock, Clock::AllTime | Clock::Release);
    // The total at the last sighting of each track in the window.
    let mut totals: HashMap<u32, i64> = HashMap::new();
    let mut counted = Vec::new();
    for row in rows.iter().filter(|row| case.span.has(row.day)) {
        // A stale date repeats the one before; its rows do not count.
        let live = states.get(&row.day).is_some_and(|state| lives(*state));
        if !live || row.streams == NO_STREAMS {
            continue;
        }
        let track = case.entities.track_of[row.listing as usize];
        let (mut gain, mut opening) = (i128::from(row.streams), 0);
        if counter {
            match (totals.insert(track, row.total), row.total) {
                (_, NO_TOTAL) | (Some(NO_TOTAL), _) => {}
                (Some(before), total) => gain = i128::from(total) - i128::from(before),
                (None, total) if from_the_start => {
                    // A total below the day's streams cannot be, and says of the time before nothing.
                    opening = (i128::from(total) - i128::from(row.streams)).max(0);
                }
                (None, _) => {}
            }
        }
        if let Some((song, role)) = part(case, row) {
            counted.push(Counted { row: *row, track, gain, opening, song, role });
        }
    }
    counted
}

/// Whether the rows of a date count.
pub fn lives(state: DateState) -> bool {
    !matches!(state, DateState::Stale | DateState::Missing)
}

/// Whether the rows of a due date count.
pub fn is_live(due: &Due) -> bool {
    lives(due.state)
}

/// If a row is the entity's: which song it is, and as what an artist is credited.
fn part(case: &Case<'_>, row: &Observation) -> Option<(u32, Option<Role>)> {
    let (entities, listing) = (case.entities, row.listing as usize);
    let (track, song, work) =
        (entities.track_of[listing], entities.song_of[listing], entities.work_of[listing]);
    match case.spec.entity {
        EntityKind::Track => (track == case.entity).then_some((track, None)),
        EntityKind::Song => (song == case.entity).then_some((song, None)),
        EntityKind::Work => (work == case.entity).then_some((song, None)),
        EntityKind::Artist => {
            let credits = entities.artists_of(listing, row.day).iter();
            let role = credits.clone().find(|credit| credit.artist == case.entity)?.role;
            let counts = match case.spec.credit {
                Credit::All => true,
                Credit::Lead => role.lead(),
                Credit::Feature => !role.lead(),
                Credit::Solo => role.lead() && credits.len() == 1,
            };
            let one = match case.spec.rule {
                SongRule::Uri => track,
                SongRule::Song => song,
                SongRule::Work => work,
            };
            counts.then_some((one, Some(role)))
        }
    }
}

/// The entity's tracks that the source of the scope lists anywhere, with the days between which
/// they can have had streams.
pub fn tracks_of_source(case: &Case<'_>) -> Vec<(u32, Option<Day>, Option<Day>)> {
    let Case { surveyed, entities, .. } = case;
    let bit = surveyed.source_bit(case.scope);
    let mut tracks = Vec::new();
    for &track in entities.tracks_of(case.spec.entity, case.entity) {
        let (mut listed, mut seen) = (false, None::<(Day, Day)>);
        for (listing, sighting) in surveyed.sightings.iter().enumerate() {
            let Some((first, last)) = *sighting else { continue };
            if entities.track_of.get(listing) == Some(&track) {
                listed |= surveyed.listed_by.get(listing).is_some_and(|by| by & bit != 0);
                let (from, until) = seen.unwrap_or((first, last));
                seen = Some((from.min(first), until.max(last)));
            }
        }
        let (from, until) = entities.track_dates(track);
        // A track that was listed outside the dates of the catalog was there all the same.
        let from = from.map(|from| seen.map_or(from, |(first, _)| from.min(first)));
        let until = until.map(|until| seen.map_or(until, |(_, last)| until.max(last)));
        if listed {
            tracks.push((track, from, until));
        }
    }
    tracks
}
