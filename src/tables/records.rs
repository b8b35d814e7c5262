//! `records`: who held which record, from when to when, and by how much it was broken.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::identity::{ARTISTS, BASIS, CHART, ENTITY, ID, KIND, REGION, entity_columns, scope_columns};
use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::{RecordKind, Reign, Set, step};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "records",
    about: "the progression of each record: who set, broke or equalled it, by how much, and until when",
    columns: &[
        field("record", Kind::String, "the pipeline's name for this record"),
        field("kind", Kind::String, "best_date, debut, days_at_one, spell_at_one or fastest"),
        CHART,
        REGION,
        BASIS,
        KIND,
        ID,
        ENTITY,
        ARTISTS,
        field("reached_on", Kind::Date, "when it was set, broken or equalled"),
        field("value", Kind::Int64, "the record"),
        field("unit", Kind::String, "streams, dates or days"),
        nullable("previous_holder", Kind::String, "who held it before"),
        nullable("margin", Kind::Int64, "by how much it changed; 0 when equalled"),
        nullable("held_until", Kind::Date, "when it was broken; empty while it stands"),
        field("days_held", Kind::Int64, "days to held_until, or to the scope's last date"),
        field("joint", Kind::Boolean, "whether it was equalled, or set by several at once"),
    ],
    grain: &["record", "chart", "region", "entity_kind", "entity_id", "reached_on"],
    build,
    holds: holds_always,
};

/// The progressions of days to a threshold, read off the milestones.
fn fastest(sources: &Sources<'_>) -> Vec<Reign> {
    let mut all = Vec::new();
    for (record, spec) in sources.plan.records.iter().enumerate() {
        let Some((tally, threshold)) = spec.milestone.filter(|_| spec.kind == RecordKind::Fastest) else {
            continue;
        };
        let members = spec.cohort.as_deref().and_then(|cohort| sources.entities.members(cohort, spec.entity));
        let counts = |entity: u32| members.is_none_or(|members| members.get(entity as usize) == Some(&true));
        let is_among = |scope: u32| {
            let scope = sources.surveyed.scopes.get(scope as usize);
            scope.is_some_and(|scope| scope.is_among(&spec.charts, &spec.regions))
        };
        // By scope and date, who took how many days.
        let mut dates: BTreeMap<(u32, crate::dates::Day), Vec<(u32, i64)>> = BTreeMap::new();
        for row in &sources.folded.milestones {
            let competes = row.tally as usize == tally && row.threshold == threshold;
            if competes && counts(row.entity) && is_among(row.scope) {
                let took = (row.entity, row.reached_on.since(row.start_on));
                dates.entry((row.scope, row.reached_on)).or_default().push(took);
            }
        }
        let dates: Vec<_> = dates.into_iter().collect();
        for scope in dates.chunk_by(|a, b| a.0.0 == b.0.0) {
            let (mut reigns, mut holders, mut best) = (Vec::new(), Vec::new(), None);
            for ((scope, day), took) in scope {
                let Some(most) = took.iter().map(|(_, days)| *days).min() else { continue };
                let mut winners: Vec<u32> =
                    took.iter().filter(|(_, days)| *days == most).map(|(entity, _)| *entity).collect();
                winners.sort_unstable();
                winners.dedup();
                let set = Set { most, day: *day, grows: false, lowest: true };
                step(&mut reigns, &mut holders, &mut best, &winners, set, |reign| Reign {
                    record: record as u32,
                    scope: *scope,
                    ..reign
                });
            }
            all.extend(reigns);
        }
    }
    all
}

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let fastest = fastest(sources);
    let specs = &sources.plan.records;
    let names = super::places(&specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>());
    let mut rows: Vec<&Reign> = sources.folded.reigns.iter().chain(&fastest).collect();
    let kind = |row: &Reign| specs[row.record as usize].entity;
    let place = |row: &Reign, entity: u32| orders.entity(kind(row), entity);
    rows.par_sort_unstable_by_key(|row| {
        (names[row.record as usize], row.scope, place(row, row.entity), row.reached_on)
    });
    let spec = || rows.iter().map(|row| row.record);
    let scopes = &sources.surveyed.scopes;
    let scope = || rows.iter().map(|row| row.scope);
    let previous = |row: &&&Reign| {
        let first = row.previous.iter().copied().min_by_key(|&entity| place(row, entity))?;
        Some(sources.entities.of(kind(row)).get(first as usize)?.name.as_str())
    };
    let last = |row: &Reign| sources.surveyed.calendars[row.scope as usize].last().unwrap_or(row.reached_on);
    let mut columns = vec![
        Column::coded("record", specs.iter().map(|spec| spec.name.as_str()), spec()),
        Column::coded("kind", specs.iter().map(|spec| spec.kind.word()), spec()),
    ];
    columns.extend(scope_columns(sources, scope()));
    columns.push(Column::coded("basis", scopes.iter().map(|scope| scope.basis.word()), scope()));
    columns.extend(entity_columns(sources, rows.iter().map(|row| (kind(row), row.entity))));
    columns.extend([
        Column::dates("reached_on", rows.iter().map(|row| row.reached_on)),
        Column::numbers("value", rows.iter().map(|row| row.value)),
        Column::text("unit", rows.iter().map(|row| specs[row.record as usize].kind.unit())),
        Column::optional_text("previous_holder", rows.iter().map(|row| previous(&row))),
        Column::optional_numbers("margin", rows.iter().map(|row| row.margin)),
        Column::optional_dates("held_until", rows.iter().map(|row| row.held_until)),
        Column::numbers(
            "days_held",
            rows.iter().map(|row| row.held_until.unwrap_or(last(row)).since(row.reached_on)),
        ),
        Column::flags("joint", rows.iter().map(|row| row.joint)),
    ]);
    Frame::new(rows.len(), columns)
}
