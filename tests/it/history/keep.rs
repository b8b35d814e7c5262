//! Which runs are kept, and which files of the ledger.

use std::collections::BTreeSet;
use std::fs::{self, File};

use chartledger::publish::{Retention, time_of};
use serde_json::Value;

use super::{again, first, runs, second};
use crate::support::{Desk, merged_daily, pick, rows_of, tree};

// -------------------------------------------------------------------------------------- retention

fn retention(runs: Option<u32>, days: Option<u32>) -> Retention {
    Retention { runs, days }
}

#[test]
fn a_run_is_kept_if_the_number_or_the_days_keep_it() {
    let runs =
        ["20240101T000000Z", "20240102T000000Z", "20240102T000000Z-2", "20240110T000000Z"].map(str::to_owned);
    let now = time_of("20240111T000000Z").expect("a time");
    let expired = |of: Retention, latest: usize| {
        let latest = runs[latest].as_str();
        let gone: Vec<&str> = of.expired(&runs, Some(latest), now).into_iter().map(|run| &run[6..]).collect();
        gone.join(" ")
    };
    assert_eq!(expired(retention(Some(2), None), 3), "01T000000Z 02T000000Z");
    assert_eq!(expired(retention(None, Some(9)), 3), "01T000000Z 02T000000Z 02T000000Z-2");
    assert_eq!(expired(retention(None, Some(10)), 3), "01T000000Z");
    assert_eq!(expired(retention(Some(3), Some(1)), 3), "01T000000Z");
    assert_eq!(expired(retention(Some(1), Some(30)), 3), "");
    // Whatever `latest` points at stays, also when it is the oldest.
    assert_eq!(expired(retention(Some(1), None), 0), "02T000000Z 02T000000Z-2");
    assert_eq!(expired(retention(None, Some(1)), 3), "01T000000Z 02T000000Z 02T000000Z-2");
    // A folder of another name is nobody's run.
    let odd = ["mine".to_owned(), runs[3].clone()];
    assert!(retention(Some(1), None).expired(&odd, None, now).is_empty());
}

#[test]
fn a_run_retires_those_that_are_not_kept_and_says_so() {
    let desk = Desk::with([("a.csv", first())]).and_pipeline("[retention]\nruns = 2\n");
    for _ in 0..2 {
        assert!(!again(&desk, "").stderr.contains("retired"));
    }
    let before = runs(&desk);
    let ran = again(&desk, "");
    assert!(ran.stderr.contains(&format!("retired    {}\n", before[0])), "{}", ran.stderr);
    let kept = runs(&desk);
    assert_eq!((kept.len(), &kept[0]), (2, &before[1]));
    assert_eq!(tree(&desk.path("out/t/.runs")).len(), 2 * tree(&desk.path("out/t/latest")).len());
    // The first name of a second is free again, and not taken again.
    let logged = again(&desk, "--log-format json");
    assert!(logged.stderr.contains("removed by retention") && logged.stderr.contains(&kept[0]));
    // The run before is compared with before it goes.
    desk.put("t.toml", fs::read_to_string(desk.path("t.toml")).expect("it").replace("runs = 2", "runs = 1"));
    desk.put("exports/b.csv", second());
    desk.run("");
    assert_eq!((runs(&desk).len(), desk.show("changes").len()), (1, 7));
}

#[test]
fn a_retention_that_keeps_nothing_is_refused() {
    for keys in ["", "runs = 0", "days = 0", "runs = -1", "weeks = 2"] {
        let desk = Desk::with([("a.csv", first())]).and_pipeline(&format!("[retention]\n{keys}\n"));
        let message = desk.call("run t.toml").fails(2);
        assert!(message.contains("t.toml"), "{message}");
    }
}

// ----------------------------------------------------------------------------------------- vacuum

/// A desk whose ledger has two versions: the second replaces the month of the first.
fn two_versions(pipeline: &str) -> Desk {
    let desk = Desk::with([("a.csv", first())]).and_pipeline(pipeline);
    desk.run("");
    desk.put("exports/b.csv", second());
    desk.run("");
    assert_eq!(desk.ledger_version(), Some(1));
    desk
}

/// The files of the ledger that are not its log or lock.
fn files(desk: &Desk) -> BTreeSet<String> {
    let files = tree(&desk.path("ledger/t")).into_keys();
    files.filter(|name| !name.starts_with("_delta_log/") && name != ".lock").collect()
}

/// The files that a version of the ledger names, read from the log by another hand.
fn needed(desk: &Desk, version: u64) -> BTreeSet<String> {
    let mut months = BTreeSet::new();
    let mut own = BTreeSet::new();
    for version in 0..=version {
        let path = desk.path(&format!("ledger/t/_delta_log/{version:020}.json"));
        for line in fs::read_to_string(path).expect("a commit").lines() {
            let action: Value = serde_json::from_str(line).expect("an action");
            let path = |of: &Value| of["path"].as_str().map(str::to_owned);
            months.extend(path(&action["add"]));
            path(&action["remove"]).map(|path| months.remove(&path));
            let named = &action["commitInfo"]["chartledger"];
            if named.is_object() {
                let kinds = ["exports", "listings", "quarantine"];
                own = kinds.iter().map(|kind| named[kind].as_str().expect("a path").to_owned()).collect();
                own.extend(named["lost"].as_array().expect("rows that lost").iter().filter_map(path));
            }
        }
    }
    months.into_iter().chain(own).collect()
}

/// Files that no commit names.
const ORPHANS: [&str; 4] = [
    "months/0000.parquet",
    "_chartledger/exports-0000.parquet",
    "_chartledger/.tmp-1-1",
    "_delta_log/.tmp-1-2",
];

fn litter(desk: &Desk) {
    for orphan in ORPHANS {
        desk.put(&format!("ledger/t/{orphan}"), "0123456789");
    }
    desk.put("ledger/t/_chartledger/notes.txt", "not ours");
}

#[test]
fn vacuum_removes_what_no_commit_names_and_keeps_every_version_that_a_run_counted() {
    let desk = two_versions("");
    litter(&desk);
    let mut expected: Vec<&str> = ORPHANS.to_vec();
    expected.sort_unstable();
    let before = tree(&desk.path("ledger/t"));
    let dry = desk.call("ledger vacuum t.toml --dry-run").succeeds();
    assert!(dry.stderr.contains("to remove  4 files, 40 B"), "{}", dry.stderr);
    assert!(dry.stderr.contains("versions 0 to 1"), "{}", dry.stderr);
    assert_eq!(tree(&desk.path("ledger/t")), before);
    let done = desk.call("ledger vacuum t.toml").succeeds();
    assert_eq!(done.stdout, dry.stdout);
    let removed: Vec<&str> = done.stdout.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(removed, expected);
    assert!(done.stderr.contains("removed    4 files, 40 B"), "{}", done.stderr);
    assert_eq!(files(&desk), left_by([needed(&desk, 0), needed(&desk, 1)]));
    let again = desk.call("ledger vacuum t.toml").succeeds();
    assert_eq!(again.stdout, "");
}

/// What some versions need, and the file that is not the ledger's.
fn left_by(versions: impl IntoIterator<Item = BTreeSet<String>>) -> BTreeSet<String> {
    versions.into_iter().flatten().chain(["_chartledger/notes.txt".to_owned()]).collect()
}

#[test]
fn vacuum_after_retention_keeps_the_newest_version_and_everything_works() {
    let desk = two_versions("[retention]\nruns = 1\n");
    litter(&desk);
    assert!(!needed(&desk, 0).is_subset(&needed(&desk, 1)));
    let done = desk.call("ledger vacuum t.toml").succeeds();
    assert!(done.stderr.contains("versions 1 to 1"), "{}", done.stderr);
    assert_eq!(files(&desk), left_by([needed(&desk, 1)]));
    assert!(desk.path("ledger/t/_delta_log/00000000000000000000.json").exists(), "the log stays");
    assert!(!needed(&desk, 0).is_subset(&files(&desk)), "version 0 is gone");

    for figure in ["--entity seven --tally song --threshold 1000", "--entity jimin --total"] {
        desk.call(&format!("explain t.toml {figure}")).succeeds();
    }
    let history = rows_of(&desk.call("history t.toml --format json").succeeds().stdout);
    assert_eq!(pick(&history, "event ledger_version"), ["commit | 0", "commit | 1", "run | 1"]);
    // The next night goes on as if nothing had been removed.
    let more = merged_daily("2024-03-03|Global|1|B|Seven|Jung Kook|9");
    desk.put("exports/c.csv", &more);
    desk.run("");
    let fresh = Desk::with([("a.csv", first()), ("b.csv", second()), ("c.csv", more)]);
    fresh.run("");
    assert_eq!(desk.published(), fresh.published());
}

#[test]
fn vacuum_needs_the_lock_and_a_ledger() {
    let desk = two_versions("");
    litter(&desk);
    let lock = File::options().write(true).open(desk.path("ledger/t/.lock")).expect("the lock file");
    lock.lock().expect("the lock");
    let message = desk.call("ledger vacuum t.toml").fails(6);
    assert!(message.contains("held by another run"), "{message}");
    assert!(desk.path("ledger/t/months/0000.parquet").exists());
    drop(lock);
    let message = desk.call("ledger vacuum t.toml --ledger nowhere").fails(2);
    assert!(message.contains("nowhere") && message.contains("--ledger"), "{message}");
    assert!(!desk.path("nowhere").exists());
}

#[test]
fn vacuum_removes_no_version_where_it_cannot_know_who_needs_it() {
    let desk = two_versions("");
    let done = desk.call("ledger vacuum t.toml --out nowhere").succeeds();
    assert_eq!(done.stdout, "");
    assert!(
        done.stderr.contains("versions 0 to 1") && done.stderr.contains("has no runs"),
        "{}",
        done.stderr
    );
    fs::write(desk.path("out/t/latest/run.json"), "{}").expect("damage");
    let message = desk.call("ledger vacuum t.toml").fails(4);
    assert!(message.contains("run.json"), "{message}");
}
