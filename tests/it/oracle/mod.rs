//! The oracle: what the tables must say, worked out slowly from `docs/definitions.md` alone.
//!
//! It keeps no running state and shares no code with `src/`: every question is answered by going
//! through the rows once more. Start at [`tables`].
//!
//! | file | answers |
//! |---|---|
//! | `days.rs` | the calendar |
//! | `ledger.rs` | which rows of the exports count |
//! | `book.rs` | who is who |
//! | `count.rs` | what each row adds, and what a chart may have hidden |
//! | `milestones.rs` | `milestones`, `totals`, `merges` |
//! | `rankings.rs` | `rankings`, `reach` |
//! | `records.rs` | `records`, `pace` |
//! | `runs.rs` | `chart_runs`, `coverage` |
//! | `checks.rs` | `checks`, `reconciliation` |
//! | `changes.rs` | `changes`, from what two runs published |
//! | `examples.rs` | cases worked by hand |

mod book;
pub mod changes;
mod checks;
mod count;
mod days;
mod examples;
mod ledger;
mod milestones;
mod rankings;
mod records;
mod runs;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::World;
use book::Book;
pub use days::{Day, iso, parse_day};

/// One row of a published table: column name to value.
pub type Row = serde_json::Map<String, Value>;

/// The tables compared and their grain, those that others depend on first.
pub const TABLES: [(&str, &[&str]); 12] = [
    ("exports", &["export"]),
    ("coverage", &["chart", "region", "date"]),
    ("totals", &["tally", "chart", "region", "entity_id", "window"]),
    ("milestones", &["tally", "chart", "region", "entity_id", "window", "threshold"]),
    ("merges", &["tally", "chart", "region", "entity_id", "window", "uri"]),
    ("rankings", &["ranking", "chart", "region", "window", "threshold", "entity_id"]),
    ("records", &["record", "chart", "region", "entity_kind", "entity_id", "reached_on"]),
    ("reach", &["tally", "chart", "entity_id", "date"]),
    ("pace", &["pace", "chart", "region", "entity_id", "window", "day_number"]),
    ("chart_runs", &["chart", "region", "song_id"]),
    ("reconciliation", &["check", "chart", "region", "date", "entity_id"]),
    ("checks", &["check", "chart", "region"]),
];

/// Every row of every table that `world` must publish, each table in the order of its grain.
pub fn tables(world: &World) -> BTreeMap<&'static str, Vec<Row>> {
    let ledger = ledger::ledger(&world.exports);
    let exports = ledger.accounts.clone();
    let book = Book::open(world, ledger);
    let mut tables: BTreeMap<&'static str, Vec<Row>> = TABLES.map(|(table, _)| (table, Vec::new())).into();
    let mut add = |table, rows| tables.get_mut(table).expect("one of them").extend::<Vec<Row>>(rows);
    add("exports", exports);
    for scope in book.scopes.keys() {
        add("coverage", book.coverage(scope));
        add("chart_runs", book.chart_runs(scope));
        for tally in &world.tallies {
            add("totals", book.totals(tally, scope, Day::MAX).into_iter().map(|(_, row)| row).collect());
            let milestones = book.milestones(tally, scope, Day::MAX);
            add("milestones", milestones.iter().map(|m| book.milestone_row(tally, scope, m)).collect());
            add("merges", book.merges(tally, scope));
        }
        for ranking in world.rankings.iter().filter(|ranking| ranking.kind != "reach") {
            add("rankings", book.rankings(ranking, book.tally(&ranking.tally), scope));
        }
        world.records.iter().for_each(|record| add("records", book.records(record, scope)));
        world.paces.iter().for_each(|pace| add("pace", book.pace(pace, scope)));
    }
    let reaches = || world.rankings.iter().filter(|ranking| ranking.kind == "reach");
    for tally in &world.tallies {
        if reaches().any(|ranking| ranking.tally == tally.name) {
            add("reach", book.reach(tally));
        }
    }
    reaches().for_each(|ranking| add("rankings", book.reach_rankings(ranking, book.tally(&ranking.tally))));
    let (checks, reconciliation) = book.checks();
    add("checks", checks);
    add("reconciliation", reconciliation);
    for (table, grain) in TABLES {
        tables.get_mut(table).expect("all of them").sort_by_key(|row| key(row, grain));
    }
    tables
}

/// In how many slices of a world an export would lose too much.
pub fn withheld(world: &World) -> usize {
    ledger::ledger(&world.exports).withheld
}

/// The scopes of which too little is known for anything to be published.
pub fn too_little(world: &World) -> Vec<String> {
    let book = Book::open(world, ledger::ledger(&world.exports));
    let scopes = book.scopes.keys().filter(|scope| book.too_little(scope));
    scopes.map(|(chart, region)| format!("{chart} {region}")).collect()
}

/// A row's grain as text that sorts.
pub fn key(row: &Row, grain: &[&str]) -> Vec<String> {
    let text = |column: &&str| match row.get(*column) {
        Some(Value::String(text)) => text.clone(),
        number => format!("{:>20}", number.unwrap_or(&Value::Null).to_string()),
    };
    grain.iter().map(text).collect()
}

fn row(object: Value) -> Row {
    match object {
        Value::Object(row) => row,
        other => unreachable!("{other} is no object"),
    }
}

fn int(sum: i128) -> i64 {
    i64::try_from(sum).expect("a sum within Int64")
}
