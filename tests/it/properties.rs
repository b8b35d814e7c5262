//! The program against the oracle, on worlds that proptest makes up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::oracle::{self, Row, TABLES};
use crate::world::{World, worlds};

fn chartledger(dir: &Path, args: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_chartledger"))
        .current_dir(dir)
        .args(args)
        .args(["--out", "out"])
        .output()
        .expect("the program starts");
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout).expect("UTF-8"));
    }
    Err(format!("chartledger {args:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

fn run(dir: &Path) -> Result<(), String> {
    let args = "run t.toml --exports exports --ledger ledger --threads 2 --quiet";
    chartledger(dir, &args.split(' ').collect::<Vec<_>>()).map(drop)
}

fn show(dir: &Path, table: &str) -> Result<Vec<Row>, String> {
    let json = chartledger(dir, &["show", table, "t.toml", "--format", "json"])?;
    serde_json::from_str(&json).map_err(|error| format!("show {table}: {error}\n{json}"))
}

/// Publishes a world in one run, or in two with the late exports missing from the first, and holds
/// every table against the oracle.
pub fn check(world: &World, nightly: bool) -> Result<(), String> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let dir = dir.path();
    world.write(dir);
    world.deliver(dir, false);
    if nightly && world.exports.iter().any(|export| !export.late) {
        run(dir)?;
    }
    world.deliver(dir, true);
    run(dir)?;
    let expected = oracle::tables(world);
    for (table, grain) in TABLES {
        compare(table, grain, &expected[table], &show(dir, table)?)?;
    }
    Ok(())
}

/// The first row, in the order of the grain, in which a table is not what it should be. Columns the
/// oracle does not know are not looked at.
fn compare(table: &str, grain: &[&str], expected: &[Row], got: &[Row]) -> Result<(), String> {
    let by_key = |rows: &[Row]| -> BTreeMap<Vec<String>, Row> {
        rows.iter().map(|row| (oracle::key(row, grain), row.clone())).collect()
    };
    let (wanted, found) = (by_key(expected), by_key(got));
    if found.len() < got.len() {
        return Err(format!("{table}: {} rows share their grain {grain:?}", got.len() - found.len()));
    }
    for key in wanted.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        let place = format!("{table} {}", key.iter().map(|part| part.trim()).collect::<Vec<_>>().join(" · "));
        let (wanted, found) = match (wanted.get(key), found.get(key)) {
            (Some(wanted), Some(found)) => (wanted, found),
            (Some(wanted), None) => return Err(format!("{place}: missing\nexpected {}", compact(wanted))),
            (_, found) => {
                return Err(format!("{place}: unexpected\ngot {}", compact(found.expect("one of them"))));
            }
        };
        let cell =
            |row: &Row, column: &str| row.get(column).map_or("no such column".into(), Value::to_string);
        let differ = wanted.keys().filter(|column| wanted.get(*column) != found.get(*column));
        let differ: Vec<String> = differ
            .map(|column| format!("{column}: expected {}, got {}", cell(wanted, column), cell(found, column)))
            .collect();
        if !differ.is_empty() {
            return Err(format!("{place}\n  {}\nexpected {}", differ.join("\n  "), compact(wanted)));
        }
    }
    Ok(())
}

fn compact(row: &Row) -> String {
    serde_json::to_string(row).expect("JSON")
}

/// Every case starts the program a few times, so there are fewer than proptest would make.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = cases.unwrap_or(48);
    ProptestConfig { cases, max_shrink_iters: 1500, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn one_run_publishes_what_the_oracle_expects(world in worlds()) {
        check(&world, false).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_night_later_the_tables_are_those_of_one_run(world in worlds()) {
        check(&world, true).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn a_difference_is_named() {
    let row =
        |streams: i64| serde_json::from_value(json!({"id": "a", "streams": streams, "n": null})).unwrap();
    let compare = |expected: &[Row], got: &[Row]| compare("t", &["id"], expected, got);
    assert_eq!(compare(&[row(1)], &[row(1)]), Ok(()));
    assert!(compare(&[row(1)], &[row(2)]).unwrap_err().starts_with("t a\n  streams: expected 1, got 2\n"));
    assert!(compare(&[row(1)], &[]).unwrap_err().starts_with("t a: missing"));
    assert!(compare(&[], &[row(1)]).unwrap_err().starts_with("t a: unexpected"));
    assert!(compare(&[row(1)], &[row(1), row(1)]).is_err());
}

/// A property is worth what its cases reach: all these must turn up in a few hundred worlds.
#[test]
fn the_worlds_reach_every_rule() {
    let mut reached: BTreeMap<String, usize> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let world = worlds().new_tree(&mut runner).expect("a world").current();
        for (table, rows) in oracle::tables(&world) {
            for row in rows {
                for (column, value) in row {
                    let value = match value {
                        Value::String(text) => text,
                        Value::Number(number) if number.as_i64() == Some(0) => "0".into(),
                        Value::Number(number) => if number.as_i64() < Some(0) { "-" } else { "+" }.into(),
                        other => other.to_string(),
                    };
                    *reached.entry(format!("{table} {column} {value}")).or_default() += 1;
                }
            }
        }
    }
    let silent: Vec<&str> = RULES.into_iter().filter(|rule| !reached.contains_key(*rule)).collect();
    assert!(silent.is_empty(), "never reached: {silent:#?}");
}

/// Table, column, and a value or the sign of a number.
const RULES: [&str; 43] = [
    "exports rows_duplicate +",
    "exports rows_superseded +",
    "exports rows_quarantined +",
    "coverage state missing",
    "coverage state stale",
    "coverage state rank_gap",
    "coverage state short",
    "coverage state observed",
    "coverage date 2024-02-29",
    "coverage date 2024-01-01",
    "coverage region utopia",
    "milestones certainty certain",
    "milestones certainty bounded",
    "milestones certainty at_latest",
    "milestones earliest_on null",
    "milestones start_basis first_export",
    "milestones start_basis first_charted",
    "milestones start_basis release",
    "milestones start_basis conflict",
    "milestones start_basis calendar",
    "milestones window 2023-12",
    "milestones window 2024",
    "milestones entity_id seven",
    "milestones entity_id crazy",
    "milestones credit lead",
    "milestones credit solo",
    "milestones credit feature",
    "totals entity Jung Kook",
    "totals entity Tyler, The Creator",
    "totals entity_id name:Wind & Fire",
    "totals next_threshold null",
    "rankings note new",
    "rankings rank_change +",
    "rankings rank_change -",
    "rankings rank_change 0",
    "rankings kind fastest",
    "rankings kind first",
    "rankings kind most_streamed",
    "chart_runs agrees true",
    "chart_runs agrees false",
    "chart_runs agrees null",
    "chart_runs current_streak 0",
    "chart_runs current_streak +",
];
