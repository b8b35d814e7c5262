//! `rankings`: orders of entities, by milestone or by total, with the rank of the day before.

use std::collections::HashMap;

use chrono::Datelike;
use polars::prelude::*;
use rayon::prelude::*;

use super::identity::{
    ARTISTS, BASIS, CHART, CLOCK, CREDIT, ENTITY, ID, KIND, REGION, Subject, WINDOW, identity_columns,
};
use super::{
    Contract, Kind, Orders, Sources, field, frame, gathered, holds_always, nullable, number, optional_date,
    optional_number, optional_text, text,
};
use crate::dates::Day;
use crate::error::Result;
use crate::pipeline::{Per, RankingKind, RankingSpec};
use crate::tally::{Milestone, Window};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "rankings",
    about: "orders of entities by milestone or by total, with the change since the date before",
    columns: &[
        field("ranking", Kind::String, "the pipeline's name for this order"),
        field("kind", Kind::String, "fastest, first or most_streamed"),
        CHART,
        REGION,
        BASIS,
        KIND,
        ID,
        ENTITY,
        ARTISTS,
        CREDIT,
        CLOCK,
        WINDOW,
        field("threshold", Kind::Int64, "streams to reach; 0 for most_streamed"),
        field("rank", Kind::Int64, "competition rank: 1, 2, 2, 4"),
        field("dense_rank", Kind::Int64, "dense rank: 1, 2, 2, 3"),
        field("value", Kind::Int64, "what is compared"),
        field("unit", Kind::String, "days, date (20240320) or streams"),
        nullable("reached_on", Kind::Date, "the date of the milestone"),
        nullable("days_elapsed", Kind::Int64, "days from the start of the count to it"),
        nullable("day_number", Kind::Int64, "days_elapsed + 1"),
        field("contributing_songs", Kind::Int64, "different songs behind the value"),
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
struct Entry {
    scope: u32,
    window: Window,
    entity: u32,
    value: i64,
    /// Smaller is better.
    key: i64,
    reached: Option<(Day, i64)>,
    songs: u32,
}

struct Placed {
    ranking: usize,
    entry: Entry,
    rank: i64,
    dense: i64,
    previous: Option<i64>,
}

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<DataFrame> {
    let specs = &sources.plan.rankings;
    let mut rows: Vec<Placed> = Vec::new();
    for (ranking, spec) in specs.iter().enumerate() {
        let before: HashMap<(u32, Window, u32), i64> = placed(entries(sources, spec, true), spec.per)
            .map(|(entry, rank, _)| (identity(&entry, spec.per), rank))
            .collect();
        rows.extend(placed(entries(sources, spec, false), spec.per).map(|(entry, rank, dense)| {
            let previous = before.get(&identity(&entry, spec.per)).copied();
            Placed { ranking, entry, rank, dense, previous }
        }));
    }
    let names = super::places(&specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>());
    rows.par_sort_by_key(|row| {
        let kind = sources.plan.tallies[specs[row.ranking].tally].entity;
        let entity = orders.entity(kind, row.entry.entity);
        (names[row.ranking], row.entry.scope, row.entry.window, specs[row.ranking].threshold, entity)
    });
    let subject = |row: &Placed| {
        let Entry { scope, entity, window, .. } = row.entry;
        Subject { tally: specs[row.ranking].tally as u32, scope, entity, window }
    };
    let subjects: Vec<Subject> = rows.iter().map(subject).collect();
    let spec = |row: &Placed| &specs[row.ranking];
    let unit = |row: &Placed| match spec(row).kind {
        RankingKind::Fastest => "days",
        RankingKind::First => "date",
        RankingKind::MostStreamed => "streams",
    };
    let all = || rows.iter();
    let ranking = || rows.iter().map(|row| row.ranking as u32);
    let mut columns = vec![
        gathered("ranking", specs.iter().map(|spec| spec.name.as_str()), ranking())?,
        gathered("kind", specs.iter().map(|spec| spec.kind.word()), ranking())?,
    ];
    columns.extend(identity_columns(sources, &subjects)?);
    columns.extend([
        number("threshold", all().map(|row| spec(row).threshold)),
        number("rank", all().map(|row| row.rank)),
        number("dense_rank", all().map(|row| row.dense)),
        number("value", all().map(|row| row.entry.value)),
        text("unit", all().map(unit)),
        optional_date("reached_on", all().map(|row| row.entry.reached.map(|reached| reached.0))),
        optional_number("days_elapsed", all().map(|row| row.entry.reached.map(|reached| reached.1))),
        optional_number("day_number", all().map(|row| row.entry.reached.map(|reached| reached.1 + 1))),
        number("contributing_songs", all().map(|row| i64::from(row.entry.songs))),
        optional_number("previous_rank", all().map(|row| row.previous)),
        optional_number("rank_change", all().map(|row| row.previous.map(|previous| previous - row.rank))),
        optional_text("note", all().map(|row| row.previous.is_none().then_some("new"))),
    ]);
    frame(subjects.len(), columns)
}

/// What makes an entry the same one as of the date before.
fn identity(entry: &Entry, per: Per) -> (u32, Window, u32) {
    match per {
        Per::Window => (entry.scope, entry.window, entry.entity),
        Per::Entity => (entry.scope, Window::ALL, entry.entity),
    }
}

/// All who compete; with `before`, as of the date before the scope's last one.
fn entries(sources: &Sources<'_>, spec: &RankingSpec, before: bool) -> Vec<Entry> {
    let last = |scope: u32| sources.surveyed.calendars[scope as usize].last();
    let of_tally = |tally: u32| tally as usize == spec.tally;
    if spec.kind == RankingKind::MostStreamed {
        let totals = sources.folded.totals.iter().filter(|total| of_tally(total.tally));
        return totals
            .filter(|total| !before || last(total.scope) != Some(total.first_on))
            .map(|total| {
                let value = total.streams - if before { total.on_last_date } else { 0 };
                Entry {
                    scope: total.scope,
                    window: total.window,
                    entity: total.entity,
                    value,
                    key: -value,
                    reached: None,
                    songs: total.songs,
                }
            })
            .collect();
    }
    let milestones = sources.folded.milestones.iter();
    milestones
        .filter(|row| of_tally(row.tally) && row.threshold == spec.threshold)
        .filter(|row| !before || last(row.scope) != Some(row.reached_on))
        .map(|row| {
            let elapsed = row.reached_on.since(row.start_on);
            let (value, key) = match spec.kind {
                RankingKind::First => {
                    let date = row.reached_on.date();
                    let value = date.year() * 10_000 + date.month() as i32 * 100 + date.day() as i32;
                    (i64::from(value), i64::from(row.reached_on.0))
                }
                _ => (elapsed, elapsed),
            };
            let reached = Some((row.reached_on, elapsed));
            let Milestone { scope, window, entity, songs, .. } = *row;
            Entry { scope, window, entity, value, key, reached, songs }
        })
        .collect()
}

/// Competition and dense ranks, within each window or over each entity's best one.
fn placed(mut entries: Vec<Entry>, per: Per) -> impl Iterator<Item = (Entry, i64, i64)> {
    if per == Per::Entity {
        entries.sort_unstable_by_key(|entry| (entry.scope, entry.entity, entry.key, entry.window));
        entries.dedup_by_key(|entry| (entry.scope, entry.entity));
    }
    let group = move |entry: &Entry| (entry.scope, identity(entry, per).1);
    entries.sort_unstable_by_key(|entry| (group(entry), entry.key, entry.window, entry.entity));
    let (mut rank, mut dense, mut place) = (0, 0, 0);
    let mut last: Option<((u32, Window), i64)> = None;
    entries.into_iter().map(move |entry| {
        let this = (group(&entry), entry.key);
        if last.map(|last| last.0) != Some(this.0) {
            (rank, dense, place) = (0, 0, 0);
        }
        place += 1;
        if last != Some(this) {
            (rank, dense) = (place, dense + 1);
        }
        last = Some(this);
        (entry, rank, dense)
    })
}
