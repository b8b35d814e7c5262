//! The program against the oracle, on worlds that proptest makes up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::oracle::{self, Row, TABLES, iso, parse_day};
use crate::support::program;
use crate::world::{Catalog, Coverage, Dated, Dialect, Export, Line, Song, Tally, World, histories, worlds};

/// Calls the program; what it says on standard error, with its exit code, if it fails.
fn chartledger(dir: &Path, args: &str) -> Result<String, (Option<i32>, String)> {
    let output = program(dir).args(args.split(' ')).output().expect("the program starts");
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout).expect("UTF-8"));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err((output.status.code(), format!("chartledger {args}: {}\n{said}", output.status)))
}

const RUN: &str = "run t.toml --exports exports --threads 2 --quiet";

/// Runs with a ledger and an output of that name.
pub fn run_as(dir: &Path, name: &str, flags: &str) -> Result<(), String> {
    let args = format!("{RUN} --ledger {name}-ledger --out {name}{flags}");
    chartledger(dir, &args).map(drop).map_err(|(_, message)| message)
}

/// A table of the latest run.
pub fn show(dir: &Path, out: &str, table: &str) -> Result<Vec<Row>, String> {
    let json = chartledger(dir, &format!("show {table} t.toml --out {out} --format json"));
    let json = json.map_err(|(_, message)| message)?;
    serde_json::from_str(&json).map_err(|error| format!("show {table}: {error}\n{json}"))
}

/// Publishes a world in one run, or in two with the late exports missing from the first, and holds
/// every table against the oracle.
pub fn check(world: &World, nightly: bool) -> Result<(), String> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let dir = dir.path();
    world.write(dir);
    world.deliver(dir, false);
    let mut before = None;
    if nightly && world.exports.iter().any(|export| !export.late) {
        match chartledger(dir, &format!("{RUN} --ledger one-ledger --out one")) {
            Ok(_) => before = Some(compared(dir)?),
            // Too little may be known as yet.
            Err((Some(4), _)) => {}
            Err((_, message)) => return Err(message),
        }
    }
    world.deliver(dir, true);
    let too_little = oracle::too_little(world);
    match chartledger(dir, &format!("{RUN} --ledger one-ledger --out one")) {
        Err((Some(4), message)) if !too_little.is_empty() => {
            let named = too_little.iter().any(|scope| message.contains(scope));
            return if named { Ok(()) } else { Err(format!("{too_little:?} not named: {message}")) };
        }
        Err((_, message)) => return Err(message),
        Ok(_) if !too_little.is_empty() => return Err(format!("published with {too_little:?}")),
        Ok(_) => {}
    }
    let expected = oracle::tables(world);
    for (table, grain) in TABLES {
        compare(table, grain, &expected[table], &show(dir, "one", table)?)?;
    }
    let changes = match before {
        Some(before) => oracle::changes::changes(&before, &compared(dir)?),
        None => Vec::new(),
    };
    compare("changes", &oracle::changes::GRAIN, &changes, &show(dir, "one", "changes")?)
}

/// The tables of the latest run that the next one is compared with.
fn compared(dir: &Path) -> Result<oracle::changes::Run, String> {
    oracle::changes::COMPARED.iter().map(|table| Ok((*table, show(dir, "one", table)?))).collect()
}

/// The first row, in the order of the grain, in which a table is not what it should be.
fn compare(table: &str, grain: &[&str], expected: &[Row], got: &[Row]) -> Result<(), String> {
    diffs(table, grain, expected, got).into_iter().next().map_or(Ok(()), |(_, message)| Err(message))
}

/// Every row in which a table is not what it should be: what is wrong with it, and where. Columns the
/// oracle does not know are not looked at.
pub fn diffs(table: &str, grain: &[&str], expected: &[Row], got: &[Row]) -> Vec<(String, String)> {
    let by_key = |rows: &[Row]| -> BTreeMap<Vec<String>, Row> {
        rows.iter().map(|row| (oracle::key(row, grain), row.clone())).collect()
    };
    let (wanted, found) = (by_key(expected), by_key(got));
    let mut diffs = Vec::new();
    if found.len() < got.len() {
        let message = format!("{table}: {} rows share their grain {grain:?}", got.len() - found.len());
        diffs.push(("grain".to_owned(), message));
    }
    for key in wanted.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        let place = format!("{table} {}", key.iter().map(|part| part.trim()).collect::<Vec<_>>().join(" · "));
        let (wanted, found) = match (wanted.get(key), found.get(key)) {
            (Some(wanted), Some(found)) => (wanted, found),
            (Some(wanted), None) => {
                diffs.push(("missing".to_owned(), format!("{place}: missing\nexpected {}", compact(wanted))));
                continue;
            }
            (_, found) => {
                let found = compact(found.expect("one of them"));
                diffs.push(("unexpected".to_owned(), format!("{place}: unexpected\ngot {found}")));
                continue;
            }
        };
        let cell =
            |row: &Row, column: &str| row.get(column).map_or("no such column".into(), Value::to_string);
        let differ: Vec<&String> =
            wanted.keys().filter(|column| wanted.get(*column) != found.get(*column)).collect();
        let told = |column: &&String| {
            format!("{column}: expected {}, got {}", cell(wanted, column), cell(found, column))
        };
        if !differ.is_empty() {
            let columns = differ.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(" ");
            let differ = differ.iter().map(told).collect::<Vec<_>>().join("\n  ");
            diffs.push((columns, format!("{place}\n  {differ}\nexpected {}", compact(wanted))));
        }
    }
    diffs
}

fn compact(row: &Row) -> String {
    serde_json::to_string(row).expect("JSON")
}

/// Every case starts the program a few times, so there are fewer than proptest would make.
fn config() -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let cases = number("PROPTEST_CASES").unwrap_or(12);
    let max_shrink_iters = number("PROPTEST_MAX_SHRINK_ITERS").unwrap_or(200);
    ProptestConfig { cases, max_shrink_iters, failure_persistence: None, ..ProptestConfig::default() }
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

    #[test]
    fn any_split_of_the_exports_gives_the_same_tables(world in worlds(), nights in vec(0..4_usize, 64)) {
        split(&world, &nights).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_ledger_that_forgets_is_one_that_never_saw(world in worlds(), gone in vec(any::<Index>(), 1..3)) {
        forgetting(&world, &gone).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn as_of_a_date_the_tables_are_those_of_its_exports(world in histories(), index in any::<Index>()) {
        as_of(&world, &index).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_song_that_takes_in_another_track_has_no_less(world in worlds(), tracks in vec(any::<Index>(), 2)) {
        merging(world, &tracks).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn lead_and_feature_are_all(world in worlds()) {
        lead_and_feature(world).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn one_more_export_moves_no_date_out_of_its_bounds(world in histories(), index in any::<Index>()) {
        one_more(world, &index).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn what_a_chart_hid_lies_within_the_bounds(world in histories(), rows in 1..6_usize) {
        longer_chart(world, rows).map_err(TestCaseError::fail)?;
    }
}

// ------------------------------------------------------------------ the program against itself

/// A world's folder, without exports.
fn laid_out(world: &World) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    world.write(dir.path());
    dir
}

/// The tables of one run on all exports of a world.
fn published(world: &World) -> Result<BTreeMap<&'static str, Vec<Row>>, String> {
    let dir = laid_out(world);
    world.exports.iter().for_each(|export| export.put(dir.path()));
    run_as(dir.path(), "all", "")?;
    TABLES.iter().map(|(table, _)| Ok((*table, show(dir.path(), "all", table)?))).collect()
}

/// Holds the tables of two runs in a folder against each other.
fn same_tables(dir: &Path, expected: &str, got: &str) -> Result<(), String> {
    for (table, grain) in TABLES {
        compare(table, grain, &show(dir, expected, table)?, &show(dir, got, table)?)?;
        compare(table, grain, &show(dir, got, table)?, &show(dir, expected, table)?)?;
    }
    Ok(())
}

/// Delivers the exports over some nights, with a run after each.
fn split(world: &World, nights: &[usize]) -> Result<(), String> {
    let world = World { coverage: Coverage::default(), ..world.clone() };
    let dir = laid_out(&world);
    let dir = dir.path();
    for night in 0..4 {
        let tonight = world.exports.iter().zip(nights.iter().cycle()).filter(|(_, when)| **when == night);
        let tonight: Vec<_> = tonight.map(|(export, _)| export).collect();
        tonight.iter().for_each(|export| export.put(dir));
        if !tonight.is_empty() {
            run_as(dir, "nights", "")?;
            // The same ledger, and nothing that was kept from the nights before.
            let full = format!("{RUN} --ledger nights-ledger --out full-{night} --full");
            chartledger(dir, &full).map_err(|(_, message)| message)?;
            same_tables(dir, "nights", &format!("full-{night}"))?;
        }
    }
    run_as(dir, "once", "")?;
    same_tables(dir, "once", "nights")
}

/// Forgets some exports, and never takes them in.
fn forgetting(world: &World, gone: &[Index]) -> Result<(), String> {
    let world = World { coverage: Coverage::default(), ..world.clone() };
    if world.exports.is_empty() {
        return Ok(());
    }
    let dir = laid_out(&world);
    let dir = dir.path();
    world.exports.iter().for_each(|export| export.put(dir));
    run_as(dir, "nights", "")?;
    let gone: BTreeSet<&str> = gone.iter().map(|index| index.get(&world.exports).path.as_str()).collect();
    for name in &gone {
        let args = format!("ledger forget {name} t.toml --ledger nights-ledger --quiet");
        chartledger(dir, &args).map_err(|(_, message)| message)?;
    }
    // The files are still there.
    let forgot = run_as(dir, "nights", "");
    for name in &gone {
        std::fs::remove_file(dir.join("exports").join(name)).expect("an export");
    }
    match (run_as(dir, "once", ""), forgot) {
        (Ok(()), Ok(())) => {}
        // What is left may be of no use.
        (Err(never), Err(forgot))
            if [&never, &forgot].iter().all(|said| said.contains("no usable export")) =>
        {
            return Ok(());
        }
        (never, forgot) => return Err(format!("never seen: {never:?}\nforgotten: {forgot:?}")),
    }
    same_tables(dir, "once", "nights")?;
    let verified = chartledger(dir, "verify t.toml --ledger nights-ledger --out nights");
    verified.map(drop).map_err(|(_, message)| message)
}

/// The date of an export that has one.
fn date(export: &Export) -> oracle::Day {
    let dates = export.lines.iter().filter_map(|line| parse_day(&line.date));
    // Some weeks are dated by the day after their Thursday.
    let thursday = |date: oracle::Day| Some(date - date.rem_euclid(7)).filter(|_| date.rem_euclid(7) < 2);
    let mut dates =
        dates.filter_map(|date| if export.dialect.weekly() { thursday(date) } else { Some(date) });
    dates.next().expect("a row with a date")
}

/// Runs on all exports as of one of their dates, and on those up to it.
fn as_of(world: &World, index: &Index) -> Result<(), String> {
    let day = date(index.get(&world.exports));
    let dir = laid_out(world);
    world.exports.iter().filter(|export| date(export) <= day).for_each(|export| export.put(dir.path()));
    run_as(dir.path(), "early", "")?;
    world.exports.iter().for_each(|export| export.put(dir.path()));
    run_as(dir.path(), "as-of", &format!(" --as-of {}", iso(day)))?;
    same_tables(dir.path(), "early", "as-of")
}

/// Puts two tracks together that the catalog left apart.
fn merging(mut world: World, tracks: &[Index]) -> Result<(), String> {
    world.catalog.songs.clear();
    world.catalog.works.clear();
    world.coverage = Coverage::default();
    world.rankings.clear();
    let apart = published(&world)?;
    let mut uris: BTreeSet<&str> = BTreeSet::new();
    for line in world.exports.iter().filter(|export| export.dialect != Dialect::Kworb).flat_map(|e| &e.lines)
    {
        uris.insert(&line.track[line.track.len() - 22..]);
    }
    if uris.is_empty() {
        return Ok(());
    }
    let uris: Vec<&str> = uris.into_iter().collect();
    // The same one twice is a song of one track.
    let both: BTreeSet<&str> = tracks.iter().map(|index| *index.get(&uris)).collect();
    let both = both.into_iter().map(|uri| Dated::always(&format!("spotify:track:{uri}"))).collect();
    world.catalog.songs = vec![Song { id: "both".into(), uris: both, ..Song::default() }];
    let together = published(&world)?;
    let key = |row: &Row, id: &str| {
        ["tally", "chart", "region", "window"]
            .map(|c| row[c].clone())
            .into_iter()
            .chain([json!(id)])
            .collect()
    };
    let id = |row: &Row| row["entity_id"].as_str().expect("an id").to_owned();
    let sums: BTreeMap<String, i64> = together["totals"]
        .iter()
        .map(|row| (Value::Array(key(row, &id(row))).to_string(), streams(row)))
        .collect();
    // Corrections of a counter may outweigh what it counted in a window.
    let plain = |row: &&Row| row["basis"] == "chart" || row["clock"] == "all_time";
    let songs = |row: &&Row| row["entity_kind"] == "song" || row["entity_kind"] == "work";
    for row in apart["totals"].iter().filter(plain).filter(songs) {
        let sum = |id: &str| sums.get(&Value::Array(key(row, id)).to_string());
        match sum(&id(row)).or(sum("both")) {
            Some(sum) if *sum >= streams(row) => {}
            sum => return Err(format!("{}\nhas {sum:?} with another track", compact(row))),
        }
    }
    Ok(())
}

fn streams(row: &Row) -> i64 {
    row["streams"].as_i64().expect("a sum")
}

/// Counts the artists of a world on every clock, by each credit.
fn lead_and_feature(mut world: World) -> Result<(), String> {
    (world.coverage, world.rankings, world.records, world.paces) = Default::default();
    world.tallies.clear();
    for clock in ["all_time", "release", "first_charted", "calendar_year", "calendar_month"] {
        for credit in ["all", "lead", "feature"] {
            let name = format!("{clock}-{credit}");
            world.tallies.push(Tally { name, credit, ..Tally::of("artist", clock, &[1]) });
        }
    }
    let tables = published(&world)?;
    let mut sums: BTreeMap<String, [i64; 2]> = BTreeMap::new();
    for row in &tables["totals"] {
        let key = ["clock", "chart", "region", "window", "entity_id"].map(|column| row[column].clone());
        let sum = sums.entry(Value::from(key.to_vec()).to_string()).or_default();
        sum[usize::from(row["credit"] != "all")] += streams(row);
    }
    match sums.iter().find(|(_, [all, parts])| all != parts) {
        Some((key, [all, parts])) => Err(format!("{key}: {all} in all, lead and feature are {parts}")),
        None => Ok(()),
    }
}

/// The milestones of tracks on charts, by their grain. Names do not change what a track is.
fn crossings(tables: &BTreeMap<&'static str, Vec<Row>>) -> BTreeMap<Vec<String>, Row> {
    let grain = ["tally", "chart", "region", "entity_id", "window", "threshold"];
    let of_tracks = tables["milestones"].iter();
    let of_tracks = of_tracks.filter(|row| row["entity_kind"] == "track" && row["basis"] == "chart");
    of_tracks.map(|row| (oracle::key(row, &grain), row.clone())).collect()
}

/// Every crossing must still be there, not later than before and not before it was possible.
fn within_bounds(less: &BTreeMap<Vec<String>, Row>, more: &BTreeMap<Vec<String>, Row>) -> Result<(), String> {
    for (key, before) in less {
        let Some(after) = more.get(key) else { return Err(format!("lost: {}", compact(before))) };
        let day = |row: &Row, column: &str| row[column].as_str().expect("a date").to_owned();
        let reached = day(after, "reached_on");
        if !(day(before, "earliest_on")..=day(before, "reached_on")).contains(&reached) {
            return Err(format!("out of bounds\nbefore {}\nafter  {}", compact(before), compact(after)));
        }
        if before["certainty"] == "certain" && reached != day(before, "reached_on") {
            return Err(format!("moved\nbefore {}\nafter  {}", compact(before), compact(after)));
        }
    }
    Ok(())
}

/// A world that asks about tracks alone, without dates of the catalog: those are promises.
fn of_tracks(mut world: World) -> World {
    (world.coverage, world.rankings, world.records, world.paces) = Default::default();
    world.catalog = Catalog::default();
    let clocks = ["all_time", "calendar_year", "calendar_month"];
    world.tallies =
        clocks.map(|clock| Tally::of("track", clock, &[1, 100, 250, 300, 500, 1000, 1001, 2500])).to_vec();
    world
}

/// The charts of a world that asks about tracks, without copies of the date before: whether a chart is
/// a copy depends on how long it is.
fn charts(world: World) -> World {
    let mut world = of_tracks(world);
    world.exports.retain(|export| export.dialect != Dialect::Kworb);
    loop {
        let stale: BTreeSet<(String, String, String)> = oracle::tables(&world)["coverage"]
            .iter()
            .filter(|row| row["state"] == "stale")
            .map(|row| {
                ["chart", "region", "date"].map(|column| row[column].as_str().expect("text").to_owned())
            })
            .map(|[chart, region, date]| (chart, region, date))
            .collect();
        if stale.is_empty() {
            return world;
        }
        world.exports.retain(|export| {
            let (chart, region) = scope(export);
            !stale.contains(&(chart.to_owned(), region, iso(date(export))))
        });
    }
}

fn scope(export: &Export) -> (&'static str, String) {
    let region = match export.lines[0].region.as_str() {
        "South Korea" => "kr".to_owned(),
        "United States" => "us".to_owned(),
        other => other.to_lowercase(),
    };
    (export.dialect.chart(), region)
}

/// Leaves one date of one scope out, but not its first, and puts it back.
fn one_more(world: World, index: &Index) -> Result<(), String> {
    let mut world = charts(world);
    let later = |i: &usize| world.exports[..*i].iter().any(|other| scope(other) == scope(&world.exports[*i]));
    let later: Vec<usize> = (0..world.exports.len()).filter(later).collect();
    if later.is_empty() {
        return Ok(());
    }
    let all = crossings(&published(&world)?);
    world.exports.remove(*index.get(&later));
    within_bounds(&crossings(&published(&world)?), &all)
}

/// Cuts every chart off below some rows, and puts the rest back.
fn longer_chart(world: World, rows: usize) -> Result<(), String> {
    let mut world = charts(world);
    if world.exports.is_empty() {
        return Ok(());
    }
    for export in &mut world.exports {
        // Of a track that is listed twice the better row. Rows for the quarantine are no part of a
        // chart: one of them alone would be no short chart but a missing one.
        let rank = |line: &Line| line.rank.parse::<usize>().ok().filter(|rank| (1..=999).contains(rank));
        let streams = |line: &Line| line.streams.replace(',', "").parse::<u64>().is_ok_and(|n| n <= 1 << 53);
        let is_usable =
            |line: &Line| rank(line).is_some() && streams(line) && parse_day(&line.date).is_some();
        export.lines.retain(is_usable);
        export.lines.sort_by_key(rank);
        let mut listed = BTreeSet::new();
        export.lines.retain(|line| listed.insert(line.track.clone()));
    }
    let all = published(&world)?;
    for export in &mut world.exports {
        export.lines.truncate(rows);
    }
    let short = published(&world)?;
    within_bounds(&crossings(&short), &crossings(&all))?;
    let totals = |tables: &BTreeMap<&'static str, Vec<Row>>| -> BTreeMap<Vec<String>, Row> {
        let grain = ["tally", "chart", "region", "entity_id", "window"];
        tables["totals"].iter().map(|row| (oracle::key(row, &grain), row.clone())).collect()
    };
    let all = totals(&all);
    for (key, less) in totals(&short) {
        let Some(more) = all.get(&key) else { return Err(format!("lost: {}", compact(&less))) };
        if less["at_most"].as_i64().is_some_and(|most| !(streams(&less)..=most).contains(&streams(more))) {
            return Err(format!("out of bounds\nbefore {}\nafter  {}", compact(&less), compact(more)));
        }
    }
    Ok(())
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
    let mut withheld = 0;
    for _ in 0..200 {
        let world = worlds().new_tree(&mut runner).expect("a world").current();
        withheld += oracle::withheld(&world);
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
    assert!(withheld > 0, "no export is ever withheld");
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
