//! Which changes somebody wants to hear of.

use std::collections::{BTreeMap, HashSet};

use super::Change;

/// A choice of changes; an empty list leaves that part open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Words of [`super::Kind`], or their first part: `milestone` stands for its three.
    pub kinds: Vec<String>,
    /// Tallies, rankings, records, claims.
    pub names: Vec<String>,
    /// Ids or names, in any case.
    pub entities: Vec<String>,
    /// Any of these words among the causes.
    pub causes: Vec<String>,
    /// Artists of this cohort, and what credits one of them.
    pub cohort: Option<String>,
    /// Of ranks only those that are, or were, no worse than this.
    pub top: Option<i64>,
}

/// Who belongs to a cohort: for every id that is known by kind of entity, whether it does.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// The ids of those who do, and of those who do not.
    known: BTreeMap<&'static str, [HashSet<String>; 2]>,
}

impl Members {
    /// Notes an entity.
    pub fn note(&mut self, kind: &'static str, id: &str, belongs: bool) {
        self.known.entry(kind).or_default()[usize::from(!belongs)].insert(id.to_owned());
    }

    /// Whether an entity belongs. Somebody who is not known any more may have belonged, and a claim
    /// does not say of which kind its entity is.
    fn may_hold(&self, kind: &str, id: &str) -> bool {
        let sets =
            || self.known.iter().filter(|(of, _)| kind.is_empty() || **of == kind).map(|(_, sets)| sets);
        sets().any(|[belong, _]| belong.contains(id)) || !sets().any(|[_, other]| other.contains(id))
    }
}

impl Subscription {
    /// Whether a change is wanted.
    pub fn wants(&self, change: &Change<'_>, members: &Members) -> bool {
        let any = |list: &[String], is: &dyn Fn(&str) -> bool| {
            list.is_empty() || list.iter().any(|wanted| is(wanted))
        };
        let (word, subject) = (change.kind.word(), &change.subject);
        any(&self.kinds, &|kind| is_kind(kind, word))
            && any(&self.names, &|name| name == subject.name)
            && any(&self.causes, &|cause| change.cause.words().any(|named| named == cause))
            && any(&self.entities, &|entity| {
                let lower = entity.to_lowercase();
                [subject.entity_id, subject.entity].iter().any(|name| name.to_lowercase() == lower)
            })
            && self.top.is_none_or(|top| is_among(change, top))
            && (self.cohort.is_none() || members.may_hold(subject.entity_kind, subject.entity_id))
    }
}

/// Whether a change is of none of the ranks, or of one of the first.
fn is_among(change: &Change<'_>, top: i64) -> bool {
    let figures = [change.before, change.after];
    let mut ranks = figures.into_iter().flatten().filter_map(|figure| figure.value);
    !is_kind("rank", change.kind.word()) || ranks.any(|rank| rank <= top)
}

/// Whether `wanted` names the kind called `word`, alone or with its family.
pub fn is_kind(wanted: &str, word: &str) -> bool {
    wanted == word || word.split_once('_').is_some_and(|(family, _)| family == wanted)
}
