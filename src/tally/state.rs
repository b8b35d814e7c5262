//! A fold put aside at the end of a month, and gone on with on another night.
//!
//! What a fold holds is numbers by code, so it may only go on where the codes still mean the same:
//! [`Known`] says how many entities there were, and a digest over everything that the fold took
//! from the [`Setup`] about them. New tracks, songs and artists come behind the known ones and
//! change nothing; a listing that is now another song changes the digest. What a chart may have
//! hidden of a song depends on how many tracks it has, so that is compared for the songs of each
//! scope, and where it differs they are counted from the beginning, see [`super::again`].

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::compare::ComparisonState;
use super::count::CountState;
use super::counter::Counters;
use super::records::RecordState;
use super::reports::{Findings, Reports};
use super::runs::ChartRun;
use super::scope::ScopeFold;
use super::survey::Scope;
use super::{Comparison, Fold, Folded, Reached, Setup, TallySpec, Variant, bounds::Spread};
use crate::catalog::EntityKind;

/// All of a [`Fold`] that the next month needs.
#[derive(Serialize, Deserialize)]
pub struct FoldState<'a> {
    known: Known,
    digest: [u8; 32],
    /// For each tally that counts what another rule of songs tells apart, the entities that it counted.
    apart: Vec<Vec<u32>>,
    #[serde(borrow)]
    scopes: Vec<ScopeState<'a>>,
    reached: Vec<Reached>,
    comparison: ComparisonState,
}

/// How much the fold knew of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    listings: usize,
    /// By [`EntityKind`].
    entities: [usize; 4],
}

/// One scope, and its [`Kept`] as bytes.
#[derive(Serialize, Deserialize)]
struct ScopeState<'a> {
    scope: Scope,
    /// As they are: byte by byte they would take as long as what they stand for.
    #[serde(borrow, with = "serde_bytes")]
    kept: Cow<'a, [u8]>,
}

/// What rows have put into a [`ScopeFold`]: the codes of the entities met, their spreads, each
/// group's counts and records, and all else.
type Kept = (
    [Vec<u32>; 4],
    [Vec<Spread>; 4],
    Vec<(Vec<CountState>, Vec<RecordState>)>,
    (Counters, Reports, Vec<ChartRun>),
    (Findings, Folded),
);

impl<'a> Fold<'a> {
    /// What the next month would go on from; `None` if it cannot be written down.
    pub fn state(&self) -> Option<FoldState<'static>> {
        let scopes = self
            .scopes
            .par_iter()
            .map(|fold| Some(ScopeState { scope: fold.scope.clone(), kept: fold.keep().ok()?.into() }));
        let known = Known::all(self.setup);
        Some(FoldState {
            known,
            digest: self.setup.digest(&known),
            apart: self.setup.told_apart().map(|(_, members)| places(members)).collect(),
            scopes: scopes.collect::<Option<_>>()?,
            reached: self.reach.rows.clone(),
            comparison: self.comparison.state()?,
        })
    }

    /// A fold that goes on from `state` once nobody is [`Fold::behind`]; `None` if what that counted is
    /// not counted in the same way any more, so that everything has to be counted again.
    pub fn resume(setup: &'a Setup<'a>, state: FoldState<'_>) -> Option<Self> {
        let FoldState { known, digest, apart, scopes, reached, comparison } = state;
        if !known.is_within(&Known::all(setup)) || setup.digest(&known) != digest {
            return None;
        }
        let new = setup.newly_apart(&known, &apart)?;
        let place = |of: &Scope| setup.surveyed.scopes.iter().position(|scope| scope == of);
        let places: Vec<usize> = scopes.iter().map(|of| place(&of.scope)).collect::<Option<_>>()?;
        let mut fold = Self::new(setup);
        let mut kept: Vec<Option<Cow<'_, [u8]>>> = vec![None; fold.scopes.len()];
        for (&place, state) in places.iter().zip(scopes) {
            kept[place] = Some(state.kept);
        }
        let resumed = fold.scopes.par_iter_mut().zip(kept).map(|(fold, kept)| match kept {
            Some(kept) => fold.resume(postcard::from_bytes(&kept).ok()?, &new),
            None => Some(()),
        });
        resumed.collect::<Option<Vec<()>>>()?;
        fold.reach.rows = reached;
        for row in &mut fold.reach.rows {
            row.scope = *places.get(row.scope as usize)? as u32;
        }
        fold.comparison =
            Comparison::new(setup.surveyed, setup.entities, setup.tolerance).resume(&comparison)?;
        Some(fold)
    }
}

impl ScopeFold<'_> {
    fn keep(&self) -> postcard::Result<Vec<u8>> {
        let groups: Vec<(Vec<&CountState>, Vec<&RecordState>)> = self
            .groups
            .iter()
            .map(|group| {
                let counts = group.counts.iter().map(|count| &count.state).collect();
                (counts, group.records.iter().map(|record| &record.state).collect())
            })
            .collect();
        let met = [0, 1, 2, 3].map(|kind: usize| &self.met[kind].codes);
        postcard::to_stdvec(&(
            met,
            &self.spreads,
            groups,
            (&self.counters, &self.reports, &self.runs),
            (&self.findings, &self.folded),
        ))
    }

    fn resume(&mut self, kept: Kept, new: &[(EntityKind, u32)]) -> Option<()> {
        let (met, spreads, groups, (counters, reports, runs), (findings, folded)) = kept;
        for (met, codes) in self.met.iter_mut().zip(met) {
            codes.iter().for_each(|&code| {
                met.short(code);
            });
        }
        self.spreads = spreads;
        if groups.len() != self.groups.len() {
            return None;
        }
        for (group, (counts, records)) in self.groups.iter_mut().zip(groups) {
            if (counts.len(), records.len()) != (group.counts.len(), group.records.len()) {
                return None;
            }
            group.counts.iter_mut().zip(counts).for_each(|(count, state)| count.state = state);
            for (record, state) in group.records.iter_mut().zip(records) {
                record.state = state;
                record.state.reigns.iter_mut().for_each(|reign| reign.scope = self.index);
            }
        }
        (self.counters, self.reports, self.runs) = (counters, reports, runs);
        (self.findings, self.folded) = (findings, folded);
        self.folded.rename_scope(self.index);
        self.runs.iter_mut().for_each(|run| run.scope = self.index);
        self.findings.differences.iter_mut().for_each(|finding| finding.scope = self.index);
        self.begin_again(new);
        Some(())
    }
}

impl Known {
    fn all(setup: &Setup<'_>) -> Self {
        let entities = EntityKind::ALL.map(|kind| setup.entities.of(kind).len());
        Self { listings: setup.entities.track_of.len(), entities }
    }

    fn is_within(&self, now: &Self) -> bool {
        self.listings <= now.listings
            && self.entities.iter().zip(&now.entities).all(|(before, now)| before <= now)
    }
}

/// The places at which there is a yes.
fn places(members: &[bool]) -> Vec<u32> {
    (0..).zip(members).filter(|(_, member)| **member).map(|(place, _)| place).collect()
}

impl TallySpec {
    /// Whether it counts only what another rule of songs tells apart: with a new track of a song that
    /// can be entities that have long been there.
    fn tells_apart(&self) -> bool {
        matches!(self.derived, Some((_, Variant::Rule(_))))
    }
}

impl Setup<'_> {
    /// The tallies that count what another rule of songs tells apart, and whom they count.
    fn told_apart(&self) -> impl Iterator<Item = (EntityKind, &[bool])> {
        let all = self.tallies.iter().zip(&self.members).filter(|(spec, _)| spec.tells_apart());
        all.map(|(spec, members)| (spec.entity, members.as_deref().unwrap_or_default()))
    }

    /// The entities known then that such tallies count now and did not count then, as `apart` says of
    /// each; `None` if one is not counted any more.
    fn newly_apart(&self, known: &Known, apart: &[Vec<u32>]) -> Option<Vec<(EntityKind, u32)>> {
        let mut new = Vec::new();
        let mut before = apart.iter();
        for (kind, members) in self.told_apart() {
            let before = before.next()?;
            if !before.iter().all(|&code| members.get(code as usize) == Some(&true)) {
                return None;
            }
            let members = places(members.get(..known.entities[kind as usize])?);
            new.extend(
                members.iter().filter(|code| before.binary_search(code).is_err()).map(|&code| (kind, code)),
            );
        }
        before.next().is_none().then_some(new)
    }

    /// A digest of all that a fold took from here about what was known.
    fn digest(&self, known: &Known) -> [u8; 32] {
        let mut digest = blake3::Hasher::new();
        let mut words = |words: &mut dyn Iterator<Item = u32>| {
            let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
            digest.update(&(bytes.len() as u64).to_le_bytes());
            digest.update(&bytes);
        };
        let asked = format!("{:?} {:?} {:?} {:?}", self.tallies, self.records, self.reach, self.tolerance);
        words(&mut asked.bytes().map(u32::from));
        let entities = self.entities;
        for of in [&entities.track_of, &entities.song_of, &entities.work_of] {
            words(&mut of.iter().take(known.listings).copied());
        }
        for listing in 0..known.listings {
            entities.describe_credits(listing, &mut words);
        }
        words(&mut self.dated.iter().take(known.listings).map(|dated| u32::from(*dated)));
        for (kind, count) in EntityKind::ALL.into_iter().zip(known.entities) {
            let released = entities.of(kind).iter().take(count).map(|entity| entity.released);
            words(&mut released.map(|day| day.map_or(u32::MAX, |day| u32::from(day.0))));
        }
        let days = (0..known.entities[EntityKind::Track as usize] as u32).flat_map(|track| {
            let (from, until) = entities.track_dates(track);
            [from, until].map(|day| day.map_or(u32::MAX, |day| u32::from(day.0)))
        });
        words(&mut days.collect::<Vec<u32>>().into_iter());
        let kinds = self.tallies.iter().map(|spec| spec.entity);
        let of_records = self.records.iter().map(|spec| spec.entity);
        let own = self.tallies.iter().zip(&self.members).filter(|(spec, _)| !spec.tells_apart());
        let chosen = own.map(|(spec, members)| (members, spec.entity));
        let chosen = chosen.chain(self.traced.iter().zip(kinds));
        for (members, kind) in chosen.chain(self.record_members.iter().zip(of_records)) {
            match members {
                None => words(&mut [u32::MAX].into_iter()),
                Some(members) => {
                    let count = known.entities[kind as usize];
                    words(&mut members.iter().take(count).map(|member| u32::from(*member)));
                }
            }
        }
        *digest.finalize().as_bytes()
    }
}
