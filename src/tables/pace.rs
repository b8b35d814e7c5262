//! `pace`: chosen entities side by side, day by day since the start of the count.

use std::collections::HashMap;

use rayon::prelude::*;

use super::identity::{
    ARTISTS, BASIS, CHART, CLOCK, CREDIT, ENTITY, ID, KIND, REGION, SONG_RULE, Subject, WINDOW,
    identity_columns, tally_column,
};
use super::order::ranks;
use super::{Contract, Kind, Orders, Sources, field, holds_always, nullable};
use crate::dates::Day;
use crate::error::Result;
use crate::frame::{Column, Frame};
use crate::tally::{PaceSpec, Point, Window, named};

/// The contract.
pub const CONTRACT: Contract = Contract {
    name: "pace",
    about: "chosen entities side by side: the running sum on every day since the start, and who leads",
    columns: &[
        field("pace", Kind::String, "the pipeline's name for this comparison"),
        field("tally", Kind::String, "the pipeline's name for this way of counting"),
        CHART,
        REGION,
        BASIS,
        KIND,
        ID,
        ENTITY,
        ARTISTS,
        CREDIT,
        SONG_RULE,
        CLOCK,
        WINDOW,
        field("day_number", Kind::Int64, "day since the start of the count, which is day 1"),
        field("date", Kind::Date, "that day"),
        field("cumulative", Kind::Int64, "streams up to and including it"),
        field("place", Kind::Int64, "competition rank among the chosen on the same day number"),
        field("lead_change", Kind::Boolean, "whether it is alone first and was not so a day number before"),
        nullable("threshold", Kind::Int64, "streams to reach"),
        nullable("record_days", Kind::Int64, "fewest days_elapsed in which anybody else reached it"),
        nullable("record_holder", Kind::String, "who did"),
        nullable("needed_per_day", Kind::Int64, "streams a day from the next day on that would beat it"),
    ],
    grain: &["pace", "chart", "region", "entity_id", "window", "day_number"],
    build,
    holds: holds_always,
};

/// Scope, entity, window.
type Line = (u32, u32, Window);

struct Row {
    pace: usize,
    subject: Subject,
    number: i64,
    day: Day,
    streams: i64,
    place: i64,
    lead_change: bool,
    record: Option<(i64, u32)>,
    needed: Option<i64>,
}

fn build(sources: &Sources<'_>, orders: &Orders) -> Result<Frame> {
    let paces = &sources.plan.paces;
    let mut rows: Vec<Row> = Vec::new();
    for (pace, spec) in paces.iter().enumerate() {
        rows.extend(side_by_side(sources, pace, spec));
    }
    let names = super::places(&paces.iter().map(|pace| pace.name.as_str()).collect::<Vec<_>>());
    rows.par_sort_unstable_by_key(|row| {
        let Subject { scope, kind, entity, window, .. } = row.subject;
        (names[row.pace], scope, orders.entity(kind, entity), window, row.number)
    });
    let subjects: Vec<Subject> = rows.iter().map(|row| row.subject).collect();
    let holder = |row: &Row| {
        let (_, entity) = row.record?;
        Some(sources.entities.of(row.subject.kind).get(entity as usize)?.name.as_str())
    };
    let of_pace = rows.iter().map(|row| row.pace as u32);
    let mut columns = vec![Column::coded("pace", paces.iter().map(|pace| pace.name.as_str()), of_pace)];
    columns.push(tally_column(sources, &subjects));
    columns.extend(identity_columns(sources, &subjects));
    columns.extend([
        Column::numbers("day_number", rows.iter().map(|row| row.number)),
        Column::dates("date", rows.iter().map(|row| row.day)),
        Column::numbers("cumulative", rows.iter().map(|row| row.streams)),
        Column::numbers("place", rows.iter().map(|row| row.place)),
        Column::flags("lead_change", rows.iter().map(|row| row.lead_change)),
        Column::optional_numbers("threshold", rows.iter().map(|row| paces[row.pace].threshold)),
        Column::optional_numbers("record_days", rows.iter().map(|row| row.record.map(|record| record.0))),
        Column::optional_text("record_holder", rows.iter().map(holder)),
        Column::optional_numbers("needed_per_day", rows.iter().map(|row| row.needed)),
    ]);
    Frame::new(rows.len(), columns)
}

fn side_by_side(sources: &Sources<'_>, pace: usize, spec: &PaceSpec) -> Vec<Row> {
    let Some(tally) = sources.tallies.get(spec.tally) else { return Vec::new() };
    let chosen = named(sources.entities, tally.entity, None, &spec.entities);
    let mut lines: HashMap<Line, Vec<&Point>> = HashMap::new();
    for point in sources.folded.points.iter().filter(|point| point.tally as usize == spec.tally) {
        if chosen.as_ref().is_none_or(|chosen| chosen.get(point.entity as usize) == Some(&true)) {
            lines.entry((point.scope, point.entity, point.window)).or_default().push(point);
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for ((scope, entity, window), mut points) in lines {
        points.sort_unstable_by_key(|point| point.day);
        let (Some(first), Some(calendar)) = (points.first(), sources.surveyed.calendars.get(scope as usize))
        else {
            continue;
        };
        let start = first.start_on;
        let last = calendar.last().unwrap_or(first.day);
        let last = window.end().map_or(last, |end| last.min(end.plus(-1)));
        let record = spec.threshold.and_then(|threshold| record(sources, spec, scope, entity, threshold));
        let subject = Subject::new(sources, spec.tally as u32, scope, entity, window);
        let (mut next, mut streams) = (0, first.opening);
        for number in 1..=last.since(start) + 1 {
            let day = start.plus(number - 1);
            while let Some(point) = points.get(next).filter(|point| point.day <= day) {
                streams = point.streams;
                next += 1;
            }
            let needed = spec.threshold.zip(record).and_then(|(threshold, (days, _))| {
                // The record falls if the threshold is reached a day before it was.
                let left = days - 1 - (number - 1);
                let missing = threshold - streams;
                (left > 0 && missing > 0).then(|| (missing + left - 1) / left)
            });
            let (place, lead_change) = (0, false);
            rows.push(Row { pace, subject, number, day, streams, place, lead_change, record, needed });
        }
    }
    place(&mut rows);
    rows
}

/// Ranks the lines of each scope on each day number.
fn place(rows: &mut [Row]) {
    let key = |row: &Row| (row.subject.scope, row.number);
    rows.sort_unstable_by_key(|row| {
        (key(row), std::cmp::Reverse(row.streams), row.subject.entity, row.subject.window)
    });
    // Who was alone first on the day number before.
    let mut leader: Option<(u32, Option<(u32, Window)>)> = None;
    for day in rows.chunk_by_mut(|a, b| key(a) == key(b)) {
        let streams: Vec<i64> = day.iter().map(|row| row.streams).collect();
        for (row, (rank, _)) in day.iter_mut().zip(ranks(&streams)) {
            row.place = rank;
        }
        let alone = day.get(1).is_none_or(|second| second.place > 1);
        let Some(first) = day.first_mut() else { continue };
        let scope = first.subject.scope;
        let present = alone.then_some((first.subject.entity, first.subject.window));
        let before = leader.filter(|(of, _)| *of == scope).map(|(_, line)| line);
        first.lead_change =
            present.is_some() && before.flatten().is_some_and(|before| Some(before) != present);
        // A tie leaves the lead with whoever had it.
        leader = Some((scope, present.or(before.flatten())));
    }
}

/// The fewest days in which anybody else reached the threshold, and who; the smaller id of several.
fn record(
    sources: &Sources<'_>,
    spec: &PaceSpec,
    scope: u32,
    entity: u32,
    threshold: i64,
) -> Option<(i64, u32)> {
    let kind = sources.tallies.get(spec.tally)?.entity;
    let others = sources.folded.milestones.iter().filter(|row| {
        row.tally as usize == spec.tally
            && row.scope == scope
            && row.threshold == threshold
            && row.entity != entity
    });
    let id = |entity: u32| sources.entities.of(kind).get(entity as usize).map(|entity| entity.id.as_str());
    others
        .map(|row| (row.reached_on.since(row.start_on), row.entity))
        .min_by_key(|&(days, of)| (days, id(of)))
}
