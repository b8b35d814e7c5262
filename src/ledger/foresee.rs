//! What a run would withhold, found out without writing anything.

use std::collections::{BTreeMap, BTreeSet};

use super::losses::{self, Withheld};
use super::merge::{MonthFiles, merge};
use super::policy::Policy;
use super::{Ledger, State};
use crate::dates::Day;
use crate::error::Result;
use crate::exports::Decoded;

impl Ledger {
    /// The exports that would not count on some dates if a run took these in. Months are settled for
    /// it only where exports speak of the same chart, region and dates.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] where the policy would stop the run; those of reading months.
    pub fn foresee(&self, decoded: Decoded, policy: &Policy) -> Result<Vec<Withheld>> {
        if !may_contradict(&self.state, &decoded) {
            return Ok(losses::withheld(&self.state.exports, &self.state.regions, &BTreeMap::new()));
        }
        let nothing = |_: &_, _: &_, _: &_| Ok(MonthFiles::default());
        let merged = merge(&self.state, decoded, policy, |key| self.read_settled(key), nothing)?;
        Ok(losses::withheld(&merged.exports, &merged.regions, &merged.losing))
    }
}

/// From when to when an export speaks of a scope, and whether it is new.
type Span = (Day, Day, bool);

/// Whether a new export and another one may speak of the same slice.
fn may_contradict(state: &State, decoded: &Decoded) -> bool {
    let mut spans: BTreeMap<(&str, &str), Vec<Span>> = BTreeMap::new();
    let mut named: BTreeMap<u32, BTreeSet<u16>> = BTreeMap::new();
    for piece in &decoded.pieces {
        let scopes = named.entry(piece.export).or_default();
        scopes.extend(piece.rows.stretches.iter().map(|stretch| stretch.scope));
    }
    for (export, scopes) in named {
        let export = decoded.exports.get(export as usize);
        let days = export.and_then(|export| export.content.as_ref().ok()?.days);
        let Some((first, last)) = days else { continue };
        for (chart, region) in scopes.iter().filter_map(|scope| decoded.scopes.get(usize::from(*scope))) {
            spans.entry((chart, region)).or_default().push((first, last, true));
        }
    }
    for (_, entry) in state.listed().filter(|(_, entry)| !entry.replaced) {
        let Some((first, last)) = entry.days else { continue };
        for key in
            entry.charts.iter().flat_map(|chart| entry.regions.iter().map(move |region| (chart, region)))
        {
            if let Some(spans) = spans.get_mut(&(key.0.as_str(), key.1.as_str())) {
                spans.push((first, last, false));
            }
        }
    }
    spans.into_values().any(overlap)
}

/// Whether two spans overlap of which one is new.
fn overlap(mut spans: Vec<Span>) -> bool {
    spans.sort_unstable();
    let (mut of_all, mut of_new) = (None, None);
    spans.into_iter().any(|(first, last, new)| {
        let before = if new { of_all } else { of_new };
        of_all = of_all.max(Some(last));
        if new {
            of_new = of_new.max(Some(last));
        }
        before >= Some(first)
    })
}
