//! Of whom and where: a claim's words to entities and scopes of the ledger.

use std::collections::BTreeSet;

use super::{About, Claim};
use crate::catalog::{Entities, EntityKind};
use crate::tally::{Basis, Surveyed};

/// How many names are offered for one that is not known.
const OFFERED: usize = 3;
/// Names less alike than this have nothing in common.
const ALIKE: f64 = 0.85;

/// The scope that a claim is checked in, or why there is none. A claim about counters that names no
/// chart is checked on the counters of its region, where there are any.
pub fn scope(claim: &Claim, surveyed: &Surveyed) -> Result<usize, String> {
    let scopes = || surveyed.scopes.iter().enumerate().filter(|(_, scope)| scope.region == claim.region);
    let counter = scopes().find(|(_, scope)| scope.basis == Basis::Counter && scope.has_streams);
    if let Some((counter, _)) = counter.filter(|_| claim.about == About::Counter && !claim.chart_is_named) {
        return Ok(counter);
    }
    match scopes().find(|(_, scope)| scope.chart == claim.chart) {
        Some((found, scope)) if scope.has_streams => Ok(found),
        Some(_) => Err(format!("{} has ranks and no streams, so nothing can be added up", claim.chart)),
        None => {
            let all = surveyed.scopes.iter().map(|scope| format!("{} {}", scope.chart, scope.region));
            let some: Vec<String> = all.take(OFFERED).collect();
            let has = if some.is_empty() { "nothing".to_owned() } else { some.join(", ") };
            let more = surveyed.scopes.len().saturating_sub(OFFERED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let Claim { chart, region, .. } = claim;
            Err(format!("No export of {chart} {region} is in the ledger, which has {has}{more}"))
        }
    }
}

/// The entity that a claim names, or why there is none: by id, by name or title, by an artist's name
/// as an export spells it, or by the URI of one of a song's tracks.
pub fn seek(claim: &Claim, entities: &Entities) -> Result<u32, String> {
    let (kind, wanted) = (claim.entity_kind, claim.entity.to_lowercase());
    let all = entities.of(kind);
    // Of many names nearly all differ in the first letter.
    let is = |text: &str| text.chars().flat_map(char::to_lowercase).eq(wanted.chars());
    if let Some(code) = all.iter().position(|entity| is(&entity.id)) {
        return Ok(code as u32);
    }
    let named: Vec<u32> = (0..all.len() as u32).filter(|&code| is(&all[code as usize].name)).collect();
    if let [one] = named[..] {
        return Ok(one);
    }
    if named.len() > 1 {
        let mut ids: Vec<String> = named
            .iter()
            .map(|&code| &all[code as usize])
            .map(|entity| format!("{} ({})", entity.id, entity.artists))
            .collect();
        ids.sort();
        ids.truncate(OFFERED);
        let (count, word, ids) = (named.len(), kind.word(), ids.join(", "));
        return Err(format!(
            "{count} {word}s are called {}; name one by its id, such as {ids}",
            claim.entity
        ));
    }
    let other = match kind {
        EntityKind::Artist => entities
            .credited_cells()
            .flat_map(|cell| cell.eras)
            .flat_map(|era| &era.credited)
            .find(|credited| is(&credited.written))
            .and_then(|credited| all.iter().position(|entity| entity.id == credited.id))
            .map(|code| code as u32),
        EntityKind::Track => None,
        EntityKind::Song | EntityKind::Work => entities
            .of(EntityKind::Track)
            .iter()
            .position(|track| is(&track.id))
            .and_then(|track| family(entities, EntityKind::Track, track as u32, kind).pop()),
    };
    other.ok_or_else(|| {
        let nearest = nearest(all.iter().map(|entity| entity.name.as_str()), &wanted);
        let offer = match nearest.is_empty() {
            true => String::new(),
            false => format!("; did you mean {}?", nearest.join(", ")),
        };
        format!("No {} in the ledger is called {}{offer}", kind.word(), claim.entity)
    })
}

fn nearest<'a>(names: impl Iterator<Item = &'a str>, wanted: &str) -> Vec<&'a str> {
    let alike = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), wanted);
    let mut near: Vec<(f64, &str)> =
        names.map(|name| (alike(name), name)).filter(|(alike, _)| *alike >= ALIKE).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.dedup_by_key(|(_, name)| *name);
    near.into_iter().take(OFFERED).map(|(_, name)| name).collect()
}

/// The entities of kind `to` that have a track in common with an entity of kind `from`, ascending:
/// what stands for it under another song rule.
pub fn family(entities: &Entities, from: EntityKind, code: u32, to: EntityKind) -> Vec<u32> {
    if from == to {
        return vec![code];
    }
    let song = |track: u32| entities.song_of_track.get(track as usize).copied();
    let of = |track: u32| match to {
        EntityKind::Track => Some(track),
        EntityKind::Song => song(track),
        EntityKind::Work => entities.work_of_song.get(song(track)? as usize).copied(),
        EntityKind::Artist => None,
    };
    let tracks = entities.tracks_of(from, code).iter();
    tracks.filter_map(|&track| of(track)).collect::<BTreeSet<u32>>().into_iter().collect()
}
