//! The rankings, each by rank.

use serde_json::{Value, json};

use super::Sources;
use super::columns::{section as table, text, whole};
use crate::error::Result;
use crate::pipeline::Per;
use crate::tables::rankings::CONTRACT;

/// How many rows of rankings a page holds: those of the best ranks of each.
const MOST: usize = 10_000;

/// The section.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&CONTRACT)?;
    let (names, ids, ranks) = (text(frame, "ranking")?, text(frame, "entity_id")?, whole(frame, "rank")?);
    let (charts, regions, windows) = (text(frame, "chart")?, text(frame, "region")?, text(frame, "window")?);
    let spec = |row: usize| {
        let name = names.get(row);
        sources.plan.rankings.iter().position(|ranking| Some(ranking.name.as_str()) == name)
    };
    // Where each entity stands with its best window, the windows are ranked together; otherwise the
    // newest window comes first.
    let window = |row: usize| {
        let apart =
            spec(row).and_then(|at| sources.plan.rankings.get(at)).map(|of| of.per) == Some(Per::Window);
        std::cmp::Reverse(windows.get(row).filter(|_| apart))
    };
    let mut places: Vec<usize> = (0..frame.height()).collect();
    if places.len() > MOST {
        let mut best = ranks.iter().collect::<Vec<_>>();
        best.sort_unstable();
        // Ties may go a little beyond, and are cut off below.
        let worst = best.get(MOST - 1).copied().flatten();
        places.retain(|&row| ranks.get(row) <= worst);
    }
    let order = |&row: &usize| {
        (
            spec(row),
            names.get(row),
            charts.get(row),
            regions.get(row),
            window(row),
            ranks.get(row),
            ids.get(row),
        )
    };
    places.sort_by_cached_key(order);
    let columns = [
        "ranking",
        "rank",
        "rank_change",
        "note",
        "entity",
        "artists",
        "window",
        "value",
        "unit",
        "reached_on",
        "days_elapsed",
        "day_number",
        "contributing_songs",
        "order",
        "sensitivity",
        "kind",
        "threshold",
        "clock",
        "credit",
        "song_rule",
        "chart",
        "region",
    ];
    let mut section = table(&CONTRACT, frame, &columns, places, MOST)?;
    section["total"] = json!(frame.height());
    let kept = |name: &str| names.iter().any(|of| of == Some(name));
    let order = sources.plan.rankings.iter().map(|ranking| ranking.name.as_str());
    section["order"] = json!(order.filter(|name| kept(name)).collect::<Vec<_>>());
    Ok(section)
}
