//! Everything that a fold goes by, looked up once: who counts where, and who can have had streams
//! below the chart.

use super::bounds::Spread;
use super::{PaceSpec, RecordSpec, Surveyed, TallySpec, Variant};
use crate::catalog::{Entities, EntityKind, SongRule};
use crate::dates::Day;

/// What a fold goes by.
pub struct Setup<'a> {
    /// What is counted: the pipeline's tallies, then those derived from them.
    pub tallies: &'a [TallySpec],
    /// Whose records are followed.
    pub records: &'a [RecordSpec],
    /// Scopes and calendars.
    pub surveyed: &'a Surveyed,
    /// Tracks, songs, works, artists.
    pub entities: &'a Entities,
    /// The place of each export in the order of their names.
    pub export_order: &'a [u32],
    /// The tallies whose entities are counted by regions.
    pub reach: &'a [usize],
    /// By what part of the larger figure scopes that should agree may differ; `None` to compare none.
    pub tolerance: Option<f64>,
    pub(super) members: Vec<Option<Vec<bool>>>,
    pub(super) record_members: Vec<Option<Vec<bool>>>,
    pub(super) traced: Vec<Option<Vec<bool>>>,
    /// For each track the sources that list it, and when it was first and last seen.
    sources: Vec<u32>,
    seen: Vec<Option<(Day, Day)>>,
    /// For each scope the bit of its source.
    source_bits: Vec<u32>,
    /// For each listing whether the catalog dates its track; empty where it dates none.
    pub(super) dated: Vec<bool>,
}

/// What a pipeline asks of a fold.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What is counted.
    pub tallies: &'a [TallySpec],
    /// Whose records are followed.
    pub records: &'a [RecordSpec],
    /// Who is set side by side.
    pub paces: &'a [PaceSpec],
    /// The tallies whose entities are counted by regions.
    pub reach: &'a [usize],
    /// By what part of the larger figure scopes that should agree may differ; `None` to compare none.
    pub tolerance: Option<f64>,
}

impl<'a> Setup<'a> {
    /// Looks up what the fold needs.
    pub fn new(
        asked: Asked<'a>,
        surveyed: &'a Surveyed,
        entities: &'a Entities,
        export_order: &'a [u32],
    ) -> Self {
        let Asked { tallies, records, paces, reach, tolerance } = asked;
        let mut members: Vec<Option<Vec<bool>>> = Vec::with_capacity(tallies.len());
        for spec in tallies {
            let own = match spec.derived {
                Some((of, Variant::Rule(rule))) => {
                    let base = members.get(of).and_then(Option::as_deref);
                    Some(merged(entities, tallies.get(of).map_or(spec.entity, |of| of.entity), base, rule))
                }
                _ => named(entities, spec.entity, spec.cohort.as_deref(), &spec.only),
            };
            members.push(own);
        }
        let traced = (0..tallies.len()).map(|tally| {
            let mut traced: Option<Vec<bool>> = None;
            for pace in paces.iter().filter(|pace| pace.tally == tally) {
                let kind = tallies[tally].entity;
                let chosen = named(entities, kind, None, &pace.entities)
                    .or_else(|| members[tally].clone())
                    .unwrap_or_else(|| vec![true; entities.of(kind).len()]);
                traced = Some(match traced {
                    Some(traced) => traced.iter().zip(&chosen).map(|(a, b)| *a || *b).collect(),
                    None => chosen,
                });
            }
            traced
        });
        let traced = traced.collect();
        let record_members =
            records.iter().map(|record| named(entities, record.entity, record.cohort.as_deref(), &[]));
        let record_members = record_members.collect();
        let tracks = entities.of(EntityKind::Track).len();
        let (mut sources, mut seen) = (vec![0; tracks], vec![None::<(Day, Day)>; tracks]);
        for (listing, sighting) in surveyed.sightings.iter().enumerate() {
            let (Some((first, last)), Some(&track)) = (*sighting, entities.track_of.get(listing)) else {
                continue;
            };
            let track = track as usize;
            sources[track] |= surveyed.listed_by.get(listing).copied().unwrap_or_default();
            let (from, until) = seen[track].unwrap_or((first, last));
            seen[track] = Some((from.min(first), until.max(last)));
        }
        let is_dated = |&track: &u32| entities.track_dates(track) != (None, None);
        let dated = match entities.has_dated_tracks() {
            true => entities.track_of.iter().map(is_dated).collect(),
            false => Vec::new(),
        };
        let source_bits = (0..surveyed.scopes.len()).map(|scope| surveyed.source_bit(scope)).collect();
        Self {
            tallies,
            records,
            surveyed,
            entities,
            export_order,
            reach,
            tolerance,
            members,
            record_members,
            traced,
            sources,
            seen,
            source_bits,
            dated,
        }
    }

    /// Whether the catalog says of any track between which dates it had streams.
    pub fn dates_tracks(&self) -> bool {
        !self.dated.is_empty()
    }

    /// Whether the catalog says between which dates a listing's track had streams.
    pub fn is_dated(&self, listing: usize) -> bool {
        self.dated.get(listing) == Some(&true)
    }

    /// Which entities a tally counts; `None` for all.
    pub fn members(&self, tally: usize) -> Option<&[bool]> {
        self.members.get(tally)?.as_deref()
    }

    /// Which entities compete for a record; `None` for all.
    pub fn record_members(&self, record: usize) -> Option<&[bool]> {
        self.record_members.get(record)?.as_deref()
    }

    /// Whose sums a tally keeps date by date; `None` for nobody's.
    pub fn traced(&self, tally: usize) -> Option<&[bool]> {
        self.traced.get(tally)?.as_deref()
    }

    /// On how many tracks of an entity streams below the charts of a scope can have come: those that
    /// the source of the scope lists anywhere, within the dates that the catalog gives them.
    pub(super) fn spread(&self, kind: EntityKind, code: u32, scope: usize) -> Spread {
        let bit = self.source_bits[scope];
        let mut spread = Spread::default();
        for &track in self.entities.tracks_of(kind, code) {
            let track = track as usize;
            if self.sources.get(track).is_none_or(|sources| sources & bit == 0) {
                continue;
            }
            match self.entities.track_dates(track as u32) {
                (None, None) => spread.always += 1,
                (from, until) => {
                    let calendar = &self.surveyed.calendars[scope];
                    let (first, last) = self.seen[track].unwrap_or((Day(u16::MAX), Day(0)));
                    // A track that was listed outside its dates was there all the same.
                    let from = from.map_or(Day(0), |from| from.min(first));
                    // A week has streams of the track if one of its days has.
                    let end = |until: Day| until.max(last).plus(i64::from(calendar.step));
                    spread.dated.push((from, until.map_or(Day(u16::MAX), end)));
                }
            }
        }
        match spread.tracks() {
            0 => Spread::ONE.clone(),
            _ => spread,
        }
    }
}

/// Which entities of a kind are in the cohort and among those named; `None` if neither says.
pub fn named(
    entities: &Entities,
    kind: EntityKind,
    cohort: Option<&str>,
    only: &[String],
) -> Option<Vec<bool>> {
    let members = cohort.and_then(|cohort| entities.members(cohort, kind));
    if only.is_empty() {
        return members.map(<[bool]>::to_vec);
    }
    let wanted: Vec<String> = only.iter().map(|name| name.to_lowercase()).collect();
    let is_named = |text: &str| wanted.contains(&text.to_lowercase());
    let all = entities.of(kind).iter().enumerate();
    let chosen = all.map(|(code, entity)| {
        members.is_none_or(|members| members.get(code) == Some(&true))
            && (is_named(&entity.id) || is_named(&entity.name))
    });
    Some(chosen.collect())
}

/// The tracks or works that another rule of songs tells apart from what a tally counts: those of
/// works with several tracks.
fn merged(entities: &Entities, kind: EntityKind, base: Option<&[bool]>, rule: SongRule) -> Vec<bool> {
    let counts = |code: u32| base.is_none_or(|base| base.get(code as usize) == Some(&true));
    let song_of = |track: u32| entities.song_of_track.get(track as usize).copied().unwrap_or_default();
    let work_of = |song: u32| entities.work_of_song.get(song as usize).copied().unwrap_or_default();
    let counted = |track: u32| match kind {
        EntityKind::Work => counts(work_of(song_of(track))),
        _ => counts(song_of(track)),
    };
    let several = |work: u32| entities.tracks_of(EntityKind::Work, work).len() > 1;
    match rule {
        SongRule::Work => {
            let works = 0..entities.of(EntityKind::Work).len() as u32;
            works
                .map(|work| {
                    let tracks = entities.tracks_of(EntityKind::Work, work);
                    tracks.len() > 1 && tracks.iter().any(|&track| counted(track))
                })
                .collect()
        }
        _ => {
            let tracks = 0..entities.of(EntityKind::Track).len() as u32;
            // All of a work, so that its sum can be shown beside that of a song in the cohort.
            let counted =
                |work: u32| entities.tracks_of(EntityKind::Work, work).iter().any(|&track| counted(track));
            tracks.map(|track| work_of(song_of(track))).map(|work| several(work) && counted(work)).collect()
        }
    }
}
