//! Claims whose verdict changed.

use polars::prelude::*;

use super::rows::{Called, Side, Unit, Window, paired};
use super::{Comparison, Found, Kind};
use crate::frame::Frame;

pub const COMPARISON: Comparison = Comparison {
    table: "claims",
    columns: &["claim", "chart", "region", "entity_id", "entity", "verdict"],
    called: Called {
        name: "claim",
        window: Window::All,
        on: None,
        value: None,
        state: Some("verdict"),
        unit: Unit::Always("verdict"),
    },
    compare,
};

fn compare([before, after]: [&Side; 2], _: [&Frame; 2]) -> PolarsResult<Vec<Found>> {
    let name = |side: &Side, row| side.place(row)[0];
    let rows = paired((before.height, |row| name(before, row)), (after.height, |row| name(after, row)));
    let changed = rows.both.iter().filter(|&&(old, new)| before.figure(old) != after.figure(new));
    Ok(changed.map(|&(old, new)| Found::of_both(Kind::ClaimChanged, old, new)).collect())
}
