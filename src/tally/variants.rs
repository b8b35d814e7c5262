//! Other ways of counting the same, so that a ranking can say whether its order survives them and a
//! merge what it made.

use std::collections::BTreeSet;

use super::{Clock, Surveyed, TallySpec};
use crate::catalog::{Credit, EntityKind, SongRule};

/// What is different in a derived tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// Another rule of songs; counts only what the two rules tell apart.
    Rule(SongRule),
    /// Another credit.
    Credit(Credit),
    /// Another start of the count.
    Clock(Clock),
    /// The scopes of the other basis.
    Basis,
}

/// A tally of which rankings want to know whether their order survives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sensitive {
    /// Index of the tally.
    pub tally: usize,
    /// The thresholds of its rankings.
    pub thresholds: BTreeSet<i64>,
    /// Whether one of them compares days since the start.
    pub fastest: bool,
}

/// The tallies to be folded beside the pipeline's own.
pub fn derive(own: &[TallySpec], sensitive: &[Sensitive], surveyed: &Surveyed) -> Vec<TallySpec> {
    let mut derived = Vec::new();
    for (index, spec) in own.iter().enumerate() {
        let sensitive = sensitive.iter().find(|sensitive| sensitive.tally == index);
        let with = |variant: Variant, thresholds: Vec<i64>| TallySpec {
            thresholds,
            derived: Some((index, variant)),
            ..spec.clone()
        };
        let ranked = || sensitive.map_or(Vec::new(), |of| of.thresholds.iter().copied().collect());
        if matches!(spec.entity, EntityKind::Song | EntityKind::Work) {
            // Also what `merges` and `made_by_merge` are read off, so with every threshold.
            let variant = Variant::Rule(SongRule::Uri);
            let tracks = with(variant, spec.thresholds.clone());
            derived.push(TallySpec { entity: EntityKind::Track, rule: SongRule::Uri, ..tracks });
        }
        let Some(sensitive) = sensitive else { continue };
        match spec.entity {
            EntityKind::Song => {
                let works = with(Variant::Rule(SongRule::Work), ranked());
                derived.push(TallySpec { entity: EntityKind::Work, rule: SongRule::Work, ..works });
            }
            EntityKind::Artist => {
                let credit = if spec.credit == Credit::All { Credit::Lead } else { Credit::All };
                derived.push(TallySpec { credit, ..with(Variant::Credit(credit), ranked()) });
            }
            EntityKind::Track | EntityKind::Work => {}
        }
        if sensitive.fastest && spec.clock == Clock::Release {
            let clock = Clock::FirstCharted;
            derived.push(TallySpec { clock, ..with(Variant::Clock(clock), ranked()) });
        }
        let charts: BTreeSet<String> =
            other_bases(spec, surveyed).filter(|&(_, own)| !own).map(|(chart, _)| chart.to_owned()).collect();
        if !charts.is_empty() {
            let charts = Some(charts.into_iter().collect());
            derived.push(TallySpec { charts, ..with(Variant::Basis, ranked()) });
        }
    }
    derived
}

/// The charts on the other basis in the regions and periods of a tally's scopes, and whether the
/// tally counts there itself.
fn other_bases<'a>(spec: &'a TallySpec, surveyed: &'a Surveyed) -> impl Iterator<Item = (&'a str, bool)> {
    let scopes = || surveyed.scopes.iter();
    scopes().filter(|scope| spec.counts_in(scope)).flat_map(move |own| {
        scopes()
            .filter(|other| {
                other.has_streams
                    && other.region == own.region
                    && other.period == own.period
                    && other.basis != own.basis
            })
            .map(|other| (other.chart.as_str(), spec.counts_in(other)))
    })
}
