//! Records of one scope: who held the best figure, from when to when.

use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use super::in_month::DateSum;
use super::{Folded, Setup};
use crate::catalog::EntityKind;
use crate::dates::Day;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Streams of one date.
    BestDate,
    /// Streams of an entity's first date.
    Debut,
    /// Dates at rank 1.
    DaysAtOne,
    /// Dates at rank 1 in a row.
    SpellAtOne,
    /// Days to a threshold; read off the milestones.
    Fastest,
}

impl RecordKind {
    /// The word for it in tables and pipeline files.
    pub fn word(self) -> &'static str {
        match self {
            Self::BestDate => "best_date",
            Self::Debut => "debut",
            Self::DaysAtOne => "days_at_one",
            Self::SpellAtOne => "spell_at_one",
            Self::Fastest => "fastest",
        }
    }

    /// What its value counts.
    pub fn unit(self) -> &'static str {
        match self {
            Self::BestDate | Self::Debut => "streams",
            Self::DaysAtOne | Self::SpellAtOne => "dates",
            Self::Fastest => "days",
        }
    }

    /// Whether holders lengthen their reign date by date.
    fn grows(self) -> bool {
        matches!(self, Self::DaysAtOne | Self::SpellAtOne)
    }
}

/// One record to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSpec {
    /// Its name in the tables.
    pub name: String,
    /// What it is about.
    pub kind: RecordKind,
    /// Who competes.
    pub entity: EntityKind,
    /// Only these artists, or what credits one of them.
    pub cohort: Option<String>,
    /// Only these charts.
    pub charts: Option<Vec<String>>,
    /// Only these regions.
    pub regions: Option<Vec<String>>,
    /// For [`RecordKind::Fastest`]: index of the tally, and the threshold.
    pub milestone: Option<(usize, i64)>,
}

/// A holder of a record, from the date on which it was set, broken or equalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reign {
    /// Index of the record.
    pub record: u32,
    /// Index of the scope.
    pub scope: u32,
    /// Code of the entity.
    pub entity: u32,
    /// When it began.
    pub reached_on: Day,
    /// The record.
    pub value: i64,
    /// Who held it before.
    pub previous: Vec<u32>,
    /// By how much it changed; `None` for the first.
    pub margin: Option<i64>,
    /// When it was broken.
    pub held_until: Option<Day>,
    /// Whether it was equalled rather than broken, or set by several at once.
    pub joint: bool,
}

/// One record in one scope.
pub struct Record<'a> {
    index: u32,
    kind: RecordKind,
    members: Option<&'a [bool]>,
    /// What rows have put here.
    pub state: RecordState,
    candidates: Vec<(u32, i64)>,
}

/// All of a record that the next date needs.
#[derive(Default, Serialize, Deserialize)]
pub struct RecordState {
    best: Option<i64>,
    /// The reigns that last, as places in `reigns`.
    holders: Vec<usize>,
    /// Who held it, in which order.
    pub reigns: Vec<Reign>,
    past: Vec<Past>,
}

/// What an entity has done up to now.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Past {
    seen: bool,
    at_one: i64,
    spell: i64,
    /// Number of the live date at which it was at rank 1 last, from 1.
    last_live: u32,
}

impl<'a> Record<'a> {
    /// A record that nobody holds yet.
    pub fn new(index: usize, kind: RecordKind, setup: &'a Setup<'_>) -> Self {
        Self {
            index: index as u32,
            kind,
            members: setup.record_members(index),
            state: RecordState::default(),
            candidates: Vec::new(),
        }
    }

    /// Moves on by a date, on which entities had what `on_date` says, by short code.
    pub fn date(
        &mut self,
        on_date: &[(u32, DateSum)],
        codes: &[u32],
        calendar: &Calendar,
        at: usize,
        scope: u32,
    ) {
        if self.state.past.len() < codes.len() {
            self.state.past.resize(codes.len(), Past::default());
        }
        let Some(day) = calendar.due.get(at).map(|due| due.day) else { return };
        let live = calendar.live_before(at) + 1;
        // Without the date before, nobody knows who is new.
        let debuts =
            at.checked_sub(1).and_then(|at| calendar.due.get(at)).is_some_and(|due| due.state.is_live());
        self.candidates.clear();
        for &(short, date) in on_date {
            let code = codes.get(short as usize).copied().unwrap_or_default();
            if self.members.is_some_and(|members| members.get(code as usize) != Some(&true)) {
                continue;
            }
            let past = &mut self.state.past[short as usize];
            let first = !std::mem::replace(&mut past.seen, true);
            let at_one = date.top == 1;
            if at_one {
                past.at_one += 1;
                past.spell = if past.last_live + 1 == live { past.spell + 1 } else { 1 };
                past.last_live = live;
            }
            let value = match self.kind {
                RecordKind::BestDate => Some(date.streams),
                RecordKind::Debut => (first && debuts && !date.returns).then_some(date.streams),
                RecordKind::DaysAtOne => at_one.then_some(past.at_one),
                RecordKind::SpellAtOne => at_one.then_some(past.spell),
                RecordKind::Fastest => None,
            };
            self.candidates.extend(value.map(|value| (code, value)));
        }
        let Some(most) = self.candidates.iter().map(|(_, value)| *value).max() else { return };
        let grows = self.kind.grows();
        let winners: Vec<u32> =
            self.candidates.iter().filter(|(_, value)| *value == most).map(|(code, _)| *code).collect();
        step(
            &mut self.state.reigns,
            &mut self.state.holders,
            &mut self.state.best,
            &winners,
            Set { most, day, grows, lowest: false },
            |reign| Reign { record: self.index, scope, ..reign },
        );
    }

    /// Gives the reigns away.
    pub fn finish(self, folded: &mut Folded) {
        folded.reigns.extend(self.state.reigns);
    }
}

/// A value set on a date.
#[derive(Clone, Copy)]
pub struct Set {
    /// The value.
    pub most: i64,
    /// The date.
    pub day: Day,
    /// Whether holders lengthen their reign instead of beginning a new one.
    pub grows: bool,
    /// Whether the lowest value is the record.
    pub lowest: bool,
}

/// Moves the progression of a record on by the best value of a date and those who set it.
pub fn step(
    reigns: &mut Vec<Reign>,
    holders: &mut Vec<usize>,
    best: &mut Option<i64>,
    winners: &[u32],
    set: Set,
    complete: impl Fn(Reign) -> Reign,
) {
    let Set { most, day, grows, lowest } = set;
    let before = *best;
    let breaks = before.is_none_or(|before| if lowest { most < before } else { most > before });
    if !breaks && before != Some(most) {
        return;
    }
    let holds = |reigns: &[Reign], entity: u32| {
        holders.iter().copied().find(|&at| reigns.get(at).is_some_and(|reign| reign.entity == entity))
    };
    let previous: Vec<u32> =
        holders.iter().filter_map(|&at| reigns.get(at)).map(|reign| reign.entity).collect();
    let mut next: Vec<usize> = Vec::new();
    for &entity in winners {
        match holds(reigns, entity) {
            Some(at) if grows || !breaks => {
                if let Some(reign) = reigns.get_mut(at) {
                    reign.value = most;
                }
                next.push(at);
            }
            _ => {
                next.push(reigns.len());
                reigns.push(complete(Reign {
                    record: 0,
                    scope: 0,
                    entity,
                    reached_on: day,
                    value: most,
                    previous: previous.clone(),
                    margin: before.map(|before| (most - before).abs()),
                    held_until: None,
                    joint: !breaks || winners.len() > 1,
                }));
            }
        }
    }
    if breaks {
        for at in holders.iter().filter(|at| !next.contains(at)) {
            if let Some(reign) = reigns.get_mut(*at) {
                reign.held_until = Some(day);
            }
        }
        *holders = next;
        *best = Some(most);
    } else {
        next.retain(|at| !holders.contains(at));
        holders.extend(next);
    }
}
