//! What a run changed against the one before, and what is kept of the past.
//!
//! `compare.rs` holds the comparison itself to account, on frames; here the program is run.

mod compare;
mod hook;
mod keep;

use std::fs;

use crate::cli::march;
use crate::support::{Desk, Ran, Row, id, merged_daily, pick, rows_of};

const SHORT: &str = "change name entity threshold before_on after_on before_value after_value cause";

fn first() -> String {
    merged_daily("2024-03-01|Global|1|A|Like Crazy|Jimin|90\n2024-03-01|Global|2|B|Seven|Jung Kook|60")
}

fn second() -> String {
    merged_daily("2024-03-02|Global|1|B|Seven|Jung Kook|1200\n2024-03-02|Global|2|A|Like Crazy|Jimin|5")
}

/// A desk after two nights, the second of which brought a date.
fn two_nights() -> Desk {
    let desk = Desk::with([("a.csv", first())]);
    desk.run("");
    desk.put("exports/b.csv", second());
    desk.run("");
    desk
}

/// Runs once more on the same exports, by a pipeline that asks the same in other words.
fn again(desk: &Desk, flags: &str) -> Ran {
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", format!("{toml}\n# and again\n"));
    desk.run(flags)
}

fn of(rows: &[Row], names: &[&str]) -> Vec<Row> {
    rows.iter().filter(|row| names.contains(&row["name"].as_str().expect("a name"))).cloned().collect()
}

#[test]
fn a_first_run_has_no_changes() {
    let desk = march();
    desk.run("");
    assert!(desk.show("changes").is_empty());
}

#[test]
fn a_new_date_crosses_thresholds_and_moves_ranks_and_corrects_nothing() {
    let rows = two_nights().show("changes");
    assert_eq!(
        pick(&of(&rows, &["song", "fastest", "most-streamed"]), SHORT),
        [
            "milestone_crossed | song | Seven | 100 |  | 2024-03-02 |  | 1260 | new_data",
            "milestone_crossed | song | Seven | 1000 |  | 2024-03-02 |  | 1260 | new_data",
            "rank_gained | fastest | Seven | 100 |  | 2024-03-02 |  | 1 | new_data",
            "rank_gained | most-streamed | Seven | 0 |  |  | 2 | 1 | new_data",
            "rank_lost | most-streamed | Like Crazy | 0 |  |  | 1 | 2 | new_data",
        ]
    );
    // The artist's year, and nothing else.
    assert_eq!(rows.len(), 7);
    let says: Vec<&str> = rows.iter().filter_map(|row| row["says"].as_str()).collect();
    assert!(
        says.contains(&"Seven by Jung Kook reached 1,000 streams on 2024-03-02 (song, spotify:daily global)"),
        "{says:?}"
    );
}

#[test]
fn a_corrected_export_moves_a_milestone_and_corrects_the_total() {
    let day = |day: u8, streams: u16| {
        let row = format!("2024-03-0{day}|Global|1|B|Seven|Jung Kook|{streams}");
        (format!("{day}.csv"), merged_daily(&row))
    };
    let desk = Desk::with([day(1, 60), day(2, 60), day(3, 10)]);
    desk.run("");
    desk.put("exports/2.csv", day(2, 35).1);
    desk.date("exports/2.csv", 60);
    desk.run("");
    assert_eq!(
        pick(&of(&desk.show("changes"), &["song"]), SHORT),
        [
            "milestone_moved | song | Seven | 100 | 2024-03-02 | 2024-03-03 | 120 | 105 | correction",
            "total_corrected | song | Seven | 0 | 2024-03-03 | 2024-03-03 | 130 | 105 | correction",
        ]
    );
    // With less still, it is not reached at all; and a date that comes in the same night is no cause.
    desk.put("exports/2.csv", day(2, 5).1);
    desk.date("exports/2.csv", 120);
    desk.put("exports/9.csv", merged_daily("2024-03-09|Global|1|C|Love wins all|IU|7"));
    desk.run("");
    assert_eq!(
        pick(&of(&desk.show("changes"), &["song"]), SHORT),
        [
            "milestone_revoked | song | Seven | 100 | 2024-03-03 |  | 105 |  | correction",
            "total_corrected | song | Seven | 0 | 2024-03-03 | 2024-03-03 | 105 | 75 | correction",
        ]
    );
}

#[test]
fn a_catalog_edit_revokes_a_milestone() {
    let rows = "2024-03-01|Global|1|B|Seven|Jung Kook|60\n2024-03-01|Global|2|D|Seven Explicit|Jung Kook|50";
    let desk = Desk::with([("a.csv", merged_daily(rows))]).and_pipeline("[catalog]\npath = \"catalog\"\n");
    let uris = ["B", "D"].map(|track| format!("\"spotify:track:{}\"", id(track)));
    let song = |uris: &[String]| format!("[[song]]\nid = \"seven\"\nuris = [{}]\n", uris.join(", "));
    desk.put("catalog/songs.toml", song(&uris));
    desk.run("");
    assert_eq!(desk.show("milestones").iter().filter(|row| row["tally"] == "song").count(), 1);
    desk.put("catalog/songs.toml", song(&uris[..1]));
    desk.run("");
    assert_eq!(
        pick(&of(&desk.show("changes"), &["song"]), SHORT),
        [
            "milestone_revoked | song | Seven | 100 | 2024-03-01 |  | 110 |  | catalog",
            "total_corrected | song | Seven | 0 | 2024-03-01 | 2024-03-01 | 110 | 60 | catalog",
        ]
    );
}

#[test]
fn another_id_is_no_change() {
    let desk = two_nights().and_pipeline("[catalog]\npath = \"catalog\"\n");
    desk.put("catalog/songs.toml", "");
    desk.run("");
    let song = format!("[[song]]\nid = \"seven\"\nuris = [\"spotify:track:{}\"]\n", id("B"));
    desk.put("catalog/songs.toml", song);
    desk.run("");
    assert!(desk.show("totals").iter().any(|row| row["entity_id"] == "seven"));
    assert!(desk.show("changes").is_empty(), "{:?}", desk.show("changes"));
}

#[test]
fn a_run_with_nothing_changed_has_no_changes_and_the_same_tables() {
    let desk = two_nights();
    let published = desk.published();
    again(&desk, "");
    assert_eq!(runs(&desk).len(), 3);
    assert!(desk.show("changes").is_empty());
    assert_eq!(desk.published(), published);
}

#[test]
fn as_of_another_day_compares_like_any_other_run() {
    let desk = two_nights();
    desk.run("--as-of 2024-03-01");
    let rows = of(&desk.show("changes"), &["song"]);
    assert_eq!(
        pick(&rows, "change entity threshold cause"),
        [
            "milestone_revoked | Seven | 100 | as_of",
            "milestone_revoked | Seven | 1000 | as_of",
            "total_corrected | Like Crazy | 0 | as_of",
            "total_corrected | Seven | 0 | as_of",
        ]
    );
}

#[test]
fn a_tally_that_is_no_longer_asked_for_corrects_no_total() {
    let desk = two_nights();
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    let (before, after) = toml.split_once("[[tally]]\nname = \"artist\"").expect("the tally");
    let (_, after) = after.split_once("[[ranking]]").expect("a ranking");
    desk.put("t.toml", format!("{before}[[ranking]]{after}"));
    desk.run("");
    let rows = desk.show("changes");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["change"] == "milestone_revoked"), "{rows:?}");
    assert!(rows.iter().all(|row| row["cause"] == "pipeline" && row["name"] == "artist"), "{rows:?}");
}

#[test]
fn a_run_before_that_cannot_be_read_is_told_and_does_not_stop_the_next() {
    let desk = two_nights();
    fs::write(desk.path("out/t/latest/totals.parquet"), "not a table").expect("damage");
    let ran = again(&desk, "--quiet");
    assert!(ran.stderr.contains("cannot be compared"), "{}", ran.stderr);
    assert!(ran.stderr.contains("totals.parquet"), "{}", ran.stderr);
    assert!(desk.show("changes").is_empty());
    assert_eq!(again(&desk, "--quiet").stderr, "");
}

// -------------------------------------------------------------------------------- diff and history

/// The runs by their names, the oldest first.
fn runs(desk: &Desk) -> Vec<String> {
    let history = rows_of(&desk.call("history t.toml --format json").succeeds().stdout);
    let runs = history.iter().filter(|row| row["event"] == "run");
    runs.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn diff_tells_what_any_two_runs_say_otherwise() {
    let desk = two_nights();
    again(&desk, "");
    let runs = runs(&desk);
    assert_eq!(runs.len(), 3);
    let diff = |args: &str| {
        rows_of(&desk.call(&format!("diff --pipeline t.toml --format json {args}")).succeeds().stdout)
    };
    assert!(diff("").is_empty(), "nothing changed in the last run");
    assert!(diff(&format!("{} {}", runs[1], runs[1])).is_empty());
    let second = diff(&format!("{} {}", runs[0], runs[1]));
    let published = desk.call(&format!("show changes t.toml --format json --as-of-run {}", runs[1]));
    assert_eq!(second, rows_of(&published.succeeds().stdout));
    let one = diff(&runs[0]);
    let but_cause = "change name entity_id threshold window before_value after_value says";
    assert_eq!(pick(&one, but_cause), pick(&second, but_cause), "one run against the latest");
    assert!(one.iter().all(|row| row["cause"] == "new_data,pipeline"), "{one:?}");
    let back = pick(&of(&diff(&format!("{} {}", runs[2], runs[0])), &["song"]), "change entity threshold");
    assert_eq!(back[..2], ["milestone_revoked | Seven | 100", "milestone_revoked | Seven | 1000"]);
    let csv = desk.call(&format!("diff {} --pipeline t.toml --columns change,entity --limit 1", runs[0]));
    assert_eq!(csv.succeeds().stdout, "change,entity\nmilestone_crossed,Jung Kook\n");
    let message = desk.call("diff --pipeline t.toml --columns nothing").fails(2);
    assert!(message.contains("no column `nothing`"), "{message}");
}

#[test]
fn diff_needs_two_runs() {
    let desk = march();
    let message = desk.call("diff --pipeline t.toml").fails(2);
    assert!(message.contains("chartledger run"), "{message}");
    desk.run("");
    let message = desk.call("diff --pipeline t.toml").fails(2);
    assert!(message.contains("no run before"), "{message}");
}

#[test]
fn history_lists_commits_and_runs_in_order() {
    let desk = Desk::new();
    let message = desk.call("history t.toml").fails(2);
    assert!(message.contains("chartledger run"), "{message}");
    desk.put("exports/a.csv", first());
    desk.run("");
    desk.put("exports/b.csv", second());
    desk.put("exports/c.csv", merged_daily("2024-04-02|Global|1|B|Seven|Jung Kook|1200"));
    desk.run("");
    desk.run("--as-of 2024-03-01");
    let history = rows_of(&desk.call("history t.toml --format json").succeeds().stdout);
    assert_eq!(
        pick(&history, "event ledger_version exports months rows changes what"),
        [
            "commit | 0 | 1 | 1 | 2 |  | a.csv",
            "run | 0 | 1 |  | 2 | 0 | ",
            "commit | 1 | 2 | 2 | 3 |  | b.csv, c.csv",
            "run | 1 | 3 |  | 5 | 7 | ",
            "run | 1 | 3 |  | 5 | 11 | as of 2024-03-01",
        ]
    );
    for row in &history {
        let is_run = row["event"] == "run";
        assert_eq!(row["tables"].is_number(), is_run && row["milliseconds"].is_number(), "{row:?}");
        assert_eq!(row["bytes"].as_i64().is_some_and(|bytes| bytes > 0), !is_run, "{row:?}");
        let at = row["at"].as_str().expect("a time");
        assert!(at.starts_with("20") && at.ends_with('Z') && at.len() == 20, "{at}");
    }
    let last = desk.call("history t.toml --limit 1 --format csv").succeeds().stdout;
    assert_eq!(last.lines().count(), 2);
    let ledger_alone = desk.call("history t.toml --out nowhere --format json").succeeds().stdout;
    assert_eq!(rows_of(&ledger_alone).len(), 2);
}

#[test]
fn a_table_is_shown_as_it_was_published() {
    let desk = two_nights();
    let runs = runs(&desk);
    let seven = |run: &str| {
        let args = format!("show totals t.toml --tally song --entity seven --format json --as-of-run {run}");
        pick(&rows_of(&desk.call(&args).succeeds().stdout), "streams")
    };
    assert_eq!((seven(&runs[0]), seven(&runs[1])), (vec!["60".to_owned()], vec!["1260".to_owned()]));
    assert_eq!(seven("latest"), ["1260"]);
    // The second run of a second is called like the first one, and more.
    fs::rename(desk.path(&format!("out/t/.runs/{}", runs[0])), desk.path("out/t/.runs/20240101T000000Z"))
        .expect("another name");
    assert_eq!(seven("2024"), ["60"]);
    for (word, said) in [("2023", "no run is called `2023`"), ("20", "`20` is the beginning of 2 runs")] {
        let message = desk.call(&format!("show totals t.toml --as-of-run {word}")).fails(2);
        assert!(message.contains(said) && message.contains("20240101T000000Z"), "{message}");
        assert!(message.contains(&runs[1]), "{message}");
    }
    let message = desk.call("show totals t.toml --as-of-run ../../x").fails(2);
    assert!(message.contains("no run is called"), "{message}");
}
