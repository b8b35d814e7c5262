//! The pipeline's headline ranking, each row with the certainty of its milestone.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::Sources;
use super::columns::{days, rows, section as table, text, whole};
use crate::error::Result;
use crate::pipeline::{Per, RankingSpec};
use crate::tables::{milestones, rankings::CONTRACT};

/// How many rows of the headline ranking a page shows.
const MOST: usize = 50;

/// The section; null where the pipeline names no headline.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let plan = sources.plan;
    let spec = plan.headline.as_ref().and_then(|name| plan.rankings.iter().find(|of| of.name == *name));
    let Some(spec) = spec else { return Ok(Value::Null) };
    let frame = sources.frame(&CONTRACT)?;
    let [names, charts, regions, windows, ids] =
        ["ranking", "chart", "region", "window", "entity_id"].map(|name| text(frame, name));
    let (names, charts, regions, windows, ids) = (names?, charts?, regions?, windows?, ids?);
    let (ranks, basis) = (whole(frame, "rank")?, text(frame, "basis")?);
    // Where each entity stands with its best window, the windows are ranked together.
    let apart = |row: usize| windows.get(row).filter(|_| spec.per == Per::Window);
    let mut places: Vec<usize> =
        (0..frame.height()).filter(|&row| names.get(row) == Some(spec.name.as_str())).collect();
    places.sort_by_key(|&row| (charts.get(row), regions.get(row), apart(row), ranks.get(row), ids.get(row)));
    let total = places.len();
    // As many of each scope, so that none hides the others.
    let scope = |row: &usize| (charts.get(*row), regions.get(*row));
    let scopes = places.chunk_by(|a, b| scope(a) == scope(b)).count();
    let of_each = (MOST / scopes.max(1)).max(1);
    let best = places.chunk_by(|a, b| scope(a) == scope(b)).flat_map(|of| of.iter().take(of_each).copied());
    let bases: BTreeSet<Option<&str>> = places.iter().map(|&row| basis.get(row)).collect();
    let places: Vec<usize> = best.take(MOST).collect();
    let columns = [
        "rank",
        "rank_change",
        "entity",
        "artists",
        "chart",
        "region",
        "window",
        "value",
        "unit",
        "reached_on",
        "days_elapsed",
        "day_number",
        "contributing_songs",
        "credit_source",
        "order",
        "sensitivity",
        "note",
    ];
    let shown = rows(frame, &places)?;
    let mut section = table(&CONTRACT, &shown, &columns, (0..places.len()).collect(), MOST)?;
    section["total"] = json!(total);
    section["of_each"] = json!((scopes > 1).then_some(of_each));
    let certainties = certainties(sources, spec)?;
    let certainty = |row: usize| -> Value {
        let key = (charts.get(row), regions.get(row), ids.get(row), windows.get(row));
        certainties.get(&key).cloned().unwrap_or(Value::Null)
    };
    let tally = plan.tallies.get(spec.tally);
    let said = |column: &str| -> Value {
        let Some(&row) = places.first() else { return Value::Null };
        text(frame, column).map_or(Value::Null, |column| json!(column.get(row)))
    };
    Ok(json!({
        "ranking": spec.name,
        "kind": spec.kind.word(),
        "threshold": spec.threshold,
        "per": match spec.per { Per::Window => "window", Per::Entity => "entity" },
        "tally": tally.map(|tally| &tally.name),
        "cohort": tally.and_then(|tally| tally.cohort.as_ref()),
        "convention": { "clock": said("clock"), "credit": said("credit"), "song_rule": said("song_rule"), "basis": if bases.len() > 1 { Value::Null } else { said("basis") } },
        "rows": section,
        "certainty": places.iter().map(|&row| certainty(row)).collect::<Vec<_>>(),
    }))
}

/// What a milestone is known by in the ranking: chart, region, entity, window.
type Key<'f> = (Option<&'f str>, Option<&'f str>, Option<&'f str>, Option<&'f str>);

/// How certain each milestone behind a ranking is, and the row that shows it.
fn certainties<'s>(sources: &'s Sources<'_>, spec: &RankingSpec) -> Result<HashMap<Key<'s>, Value>> {
    let mut found = HashMap::new();
    let Some(tally) = sources.plan.tallies.get(spec.tally) else { return Ok(found) };
    let frame = sources.frame(&milestones::CONTRACT)?;
    let (tallies, thresholds) = (text(frame, "tally")?, whole(frame, "threshold")?);
    let (certainty, exports) = (text(frame, "certainty")?, text(frame, "evidence_export")?);
    let (earliest, lines) = (days(frame, "earliest_on")?, whole(frame, "evidence_row")?);
    let [charts, regions, ids, windows] =
        ["chart", "region", "entity_id", "window"].map(|name| text(frame, name));
    let (charts, regions, ids, windows) = (charts?, regions?, ids?, windows?);
    for row in 0..frame.height() {
        if tallies.get(row) == Some(tally.name.as_str()) && thresholds.get(row) == Some(spec.threshold) {
            let key = (charts.get(row), regions.get(row), ids.get(row), windows.get(row));
            let says = json!({
                "certainty": certainty.get(row),
                "earliest_on": earliest.get(row),
                "export": exports.get(row),
                "row": lines.get(row),
            });
            found.insert(key, says);
        }
    }
    Ok(found)
}
