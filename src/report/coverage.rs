//! What is known of each date of each scope, as runs of dates in one state.

use serde_json::{Value, json};

use super::Sources;
use super::columns::{days, text};
use crate::error::Result;
use crate::tables::coverage::CONTRACT;

/// The states, in the order in which they are told.
const STATES: [&str; 6] = ["observed", "short", "rank_gap", "conflict", "stale", "missing"];

/// How many scopes a page holds.
const MOST: usize = 500;

/// Dates in one state, evenly apart.
struct Run {
    first: i32,
    step: i32,
    count: i32,
    state: usize,
}

struct Scope<'f> {
    chart: &'f str,
    region: &'f str,
    counts: [usize; STATES.len()],
    runs: Vec<Run>,
}

/// The section.
pub fn section(sources: &Sources<'_>) -> Result<Value> {
    let frame = sources.frame(&CONTRACT)?;
    let (charts, regions, states) = (text(frame, "chart")?, text(frame, "region")?, text(frame, "state")?);
    let dates = days(frame, "date")?;
    let mut scopes: Vec<Scope<'_>> = Vec::new();
    for row in 0..frame.height() {
        let (chart, region) = (charts.get(row).unwrap_or_default(), regions.get(row).unwrap_or_default());
        let state = STATES.iter().position(|state| Some(*state) == states.get(row)).unwrap_or_default();
        let day = dates.get(row).unwrap_or_default();
        if scopes.last().is_none_or(|scope| (scope.chart, scope.region) != (chart, region)) {
            scopes.push(Scope { chart, region, counts: [0; STATES.len()], runs: Vec::new() });
        }
        let Some(scope) = scopes.last_mut() else { continue };
        if let Some(count) = scope.counts.get_mut(state) {
            *count += 1;
        }
        scope.add(day, state);
    }
    let total = scopes.len();
    let scopes = scopes.iter().take(MOST).map(|scope| {
        let runs = scope.runs.iter().map(|run| json!([run.first, run.step, run.count, run.state]));
        json!({
            "chart": scope.chart,
            "region": scope.region,
            "counts": scope.counts,
            "runs": runs.collect::<Vec<_>>(),
        })
    });
    Ok(json!({ "states": STATES, "total": total, "scopes": scopes.collect::<Vec<_>>() }))
}

impl Scope<'_> {
    /// Adds the next date.
    fn add(&mut self, day: i32, state: usize) {
        if let Some(run) = self.runs.last_mut().filter(|run| run.state == state) {
            let last = run.first.saturating_add(run.step.saturating_mul(run.count - 1));
            let step = day.saturating_sub(last);
            // One date alone has no step yet.
            if run.count == 1 || step == run.step {
                run.step = step;
                run.count += 1;
                return;
            }
        }
        self.runs.push(Run { first: day, step: 1, count: 1, state });
    }
}
