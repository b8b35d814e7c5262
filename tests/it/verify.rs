//! `verify`: each kind of damage by itself, done to a whole desk, is named with a way out.

use std::fs;
use std::path::PathBuf;

use polars::prelude::*;
use serde_json::Value;

use crate::cli::{APRIL, MARCH, march};
use crate::support::{Desk, merged_daily, tree};

/// Two versions of the ledger, a correction among them, and two runs.
fn desk() -> Desk {
    let desk = march();
    desk.run("--quiet");
    desk.put("exports/april.csv", merged_daily(APRIL));
    desk.put("exports/march-corrected.csv", merged_daily(&MARCH.replace("1200", "1300")));
    desk.date("exports/march-corrected.csv", 60);
    desk.run("--quiet");
    desk
}

/// What `verify` lists; it must end with `code`.
fn verify(desk: &Desk, code: i32) -> String {
    let ran = desk.call("verify t.toml");
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran.stdout
}

/// Faults must be found, and a line of them must hold all of `parts`.
fn names(desk: &Desk, parts: &[&str]) {
    let said = verify(desk, 4);
    let faults: Vec<&str> = said.lines().filter(|line| line.starts_with("fault ")).collect();
    let named = faults.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(named, "{parts:?} in\n{said}");
}

/// The files in a folder of the desk, sorted.
fn files(desk: &Desk, folder: &str) -> Vec<PathBuf> {
    tree(&desk.path(folder)).into_keys().map(|name| desk.path(folder).join(name)).collect()
}

/// The month of a chart that the newest commit names.
fn newest_month(desk: &Desk, month: &str) -> PathBuf {
    let commits = files(desk, "ledger/t/_delta_log").into_iter().rev();
    let lines = commits.flat_map(|path| {
        let text = fs::read_to_string(path).expect("a commit");
        text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).collect::<Vec<_>>()
    });
    let added = lines.filter(|line| line["add"]["partitionValues"]["month"] == month);
    let path = added.map(|line| line["add"]["path"].as_str().expect("a path").to_owned()).next();
    desk.path("ledger/t").join(path.expect("a month"))
}

fn flip(path: &PathBuf, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("damage");
}

#[test]
fn a_whole_desk_has_no_fault() {
    let said = verify(&desk(), 0);
    for line in [
        "log        2 commits, versions 0 to 1",
        "months     2 months, 9 rows; 3 exports accounted for",
        "runs       2 published, 34 tables hashed",
        "tables     16 of run ",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    assert!(!said.contains("fault"), "{said}");
}

#[test]
fn verify_writes_nothing() {
    let desk = desk();
    let before = tree(&desk.path(""));
    verify(&desk, 0);
    assert_eq!(tree(&desk.path("")), before);
}

#[test]
fn a_flipped_bit_of_a_month_is_found_wherever_it_is() {
    let desk = desk();
    let month = newest_month(&desk, "2024-03");
    let whole = fs::read(&month).expect("a month");
    let name = month.file_name().expect("a name").to_string_lossy().into_owned();
    for at in [0, 4, whole.len() / 3, whole.len() / 2, whole.len() - 20, whole.len() - 6, whole.len() - 1] {
        flip(&month, at);
        names(&desk, &["file:", &name, "spotify:daily 2024-03", "delete it and run again"]);
        // What reads the ledger does not take it for good either.
        let refused = desk.call("run t.toml --full --quiet").fails(4);
        assert!(refused.contains(&name) && refused.contains("backup"), "{refused}");
        fs::write(&month, &whole).expect("repair");
    }
    verify(&desk, 0);
}

#[test]
fn every_flipped_bit_of_any_file_of_the_ledger_is_found() {
    let desk = desk();
    let commits = files(&desk, "ledger/t/_delta_log").into_iter();
    for path in files(&desk, "ledger/t/_chartledger").into_iter().chain(commits) {
        let whole = fs::read(&path).expect("a file");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        for at in [1, whole.len() / 2, whole.len() - 3] {
            flip(&path, at);
            names(&desk, &[&name, "backup"]);
            fs::write(&path, &whole).expect("repair");
        }
    }
    verify(&desk, 0);
}

#[test]
fn a_truncated_month_is_found() {
    let desk = desk();
    let month = newest_month(&desk, "2024-04");
    let whole = fs::read(&month).expect("a month");
    for length in [0, 3, whole.len() / 2, whole.len() - 1] {
        fs::write(&month, &whole[..length]).expect("damage");
        let size = format!("it has {length} bytes instead of {}", whole.len());
        names(&desk, &["file:", "spotify:daily 2024-04", &size]);
    }
}

#[test]
fn a_missing_month_is_found_and_one_of_an_old_version_is_not_missed() {
    let desk = desk();
    let live = [newest_month(&desk, "2024-03"), newest_month(&desk, "2024-04")];
    let old: Vec<PathBuf> =
        files(&desk, "ledger/t/months").into_iter().filter(|path| !live.contains(path)).collect();
    let [old] = &old[..] else { panic!("March was rewritten once: {old:?}") };
    fs::remove_file(old).expect("a vacuum");
    let said = verify(&desk, 0);
    assert!(said.contains("1 that only old commits name are gone"), "{said}");
    fs::remove_file(&live[0]).expect("damage");
    names(&desk, &["file:", "spotify:daily 2024-03", "it is missing", "delete it and run again"]);
    let said = verify(&desk, 4);
    assert!(said.contains("months     not checked: the ledger is damaged"), "{said}");
}

#[test]
fn a_missing_commit_in_the_middle_is_found_and_nothing_is_written_on_top() {
    let desk = desk();
    desk.put("exports/may.csv", merged_daily(&APRIL.replace("2024-04", "2024-05")));
    desk.run("--quiet");
    let gap = desk.path("ledger/t/_delta_log/00000000000000000001.json");
    fs::remove_file(&gap).expect("damage");
    names(&desk, &["log:", "00000000000000000001.json", "version 1 is missing, and version 2 is there"]);
    let ledger = tree(&desk.path("ledger/t/_delta_log"));
    let refused = desk.call("run t.toml --quiet").fails(4);
    assert!(refused.contains("00000000000000000001.json") && refused.contains("backup"), "{refused}");
    assert_eq!(tree(&desk.path("ledger/t/_delta_log")), ledger);
}

#[test]
fn without_any_commit_the_months_are_not_taken_for_an_empty_ledger() {
    let desk = desk();
    fs::remove_dir_all(desk.path("ledger/t/_delta_log")).expect("damage");
    names(&desk, &["log:", "_delta_log", "no commit is there"]);
}

#[test]
fn a_damaged_file_is_made_whole_when_its_content_comes_again() {
    let desk = march();
    desk.run("--quiet");
    let month = newest_month(&desk, "2024-03");
    let whole = fs::read(&month).expect("a month");
    fs::write(&month, "damage").expect("damage");
    fs::remove_dir_all(desk.path("ledger/t/_delta_log")).expect("as if it had not been committed");
    desk.run("--quiet --full");
    assert_eq!(fs::read(&month).expect("a month"), whole);
    verify(&desk, 0);
}

#[test]
fn an_edited_commit_is_found() {
    let desk = desk();
    let commit = desk.path("ledger/t/_delta_log/00000000000000000001.json");
    let text = fs::read_to_string(&commit).expect("a commit");
    let at = text.find("\"timestamp\":").expect("a time") + 12;
    let mut edited = text.clone();
    edited.replace_range(at..at + 1, "9");
    assert_ne!(edited, text);
    fs::write(&commit, edited).expect("an edit");
    names(&desk, &["log:", "00000000000000000001.json", "its text has changed since it was written"]);
}

#[test]
fn a_ledger_of_a_newer_program_is_named_as_such() {
    let desk = desk();
    let commit = desk.path("ledger/t/_delta_log/00000000000000000001.json");
    let text = fs::read_to_string(&commit).expect("a commit");
    // The newer program may also write what this one does not understand.
    for text in [
        text.replace("\"format\":1", "\"format\":2"),
        text.replace("\"format\":1", "\"format\":2").replace("\"regions\":", "\"territories\":"),
    ] {
        fs::write(&commit, text).expect("a newer commit");
        for command in ["verify", "run", "plan", "ledger forget april.csv"] {
            let message = desk.call(&format!("{command} t.toml")).fails(4);
            let named = message.contains("has format 2, this program knows 1; use the newer chartledger");
            assert!(named, "{command}: {message}");
        }
    }
}

/// The frame of a published table, rewritten by hand.
fn edit(desk: &Desk, table: &str, edit: impl Fn(DataFrame) -> DataFrame) {
    let path = desk.path(&format!("out/t/latest/{table}.parquet"));
    let frame = chartledger::parquet::read(&path, None).expect("a table");
    let file = fs::File::create(&path).expect("a file");
    ParquetWriter::new(file).finish(&mut edit(frame)).expect("a table");
}

#[test]
fn a_hand_edited_cell_is_named_with_row_column_and_both_values() {
    let desk = desk();
    edit(&desk, "totals", |mut frame| {
        let streams = frame.column("streams").and_then(Column::i64).expect("numbers").clone();
        let row = streams.iter().position(|value| value == Some(170)).expect("Like Crazy");
        let edited: Int64Chunked =
            streams.iter().enumerate().map(|(at, value)| if at == row { Some(171) } else { value }).collect();
        frame.with_column(edited.with_name("streams".into()).into_column()).expect("a column");
        frame
    });
    names(&desk, &["run:", "totals.parquet", "its hash is not the one in run.json"]);
    names(
        &desk,
        &[
            "table: totals, row tally=",
            "entity_id=",
            "streams is 171 in the table and 170 by the ledger",
            "run --full",
        ],
    );
}

#[test]
fn rows_added_and_taken_away_by_hand_are_named() {
    let desk = desk();
    edit(&desk, "exports", |frame| frame.slice(1, frame.height()));
    edit(&desk, "coverage", |frame| frame.vstack(&frame.head(Some(1))).expect("one more"));
    edit(&desk, "chart_runs", |mut frame| {
        frame.rename("peak_on", "peaked".into()).expect("a name");
        frame
    });
    names(
        &desk,
        &["table: exports, row export=`april.csv`", "follows from the ledger and is not in the table"],
    );
    names(&desk, &["table: coverage, row chart=`spotify:daily`", "stands in the table twice"]);
    names(&desk, &["table: chart_runs", "columns are not those of the contract: peak_on"]);
}

#[test]
fn many_faults_of_a_kind_are_counted_and_not_listed() {
    let desk = desk();
    edit(&desk, "totals", |frame| frame.head(Some(0)));
    let listed = |limit: &str| {
        let said = desk.call(&format!("verify t.toml {limit}"));
        assert_eq!(said.code, Some(4));
        let of_tables = said.stdout.lines().filter(|line| line.starts_with("fault      table: totals"));
        (of_tables.count(), said.stdout.contains("table: and "))
    };
    let (all, more) = listed("--limit 1000");
    assert!(all > 3 && !more, "{all}");
    assert_eq!(listed("--limit 2"), (2, true));
}

#[test]
fn damaged_bytes_of_a_table_are_a_fault_and_no_panic() {
    let desk = desk();
    let path = desk.path("out/t/latest/totals.parquet");
    let whole = fs::read(&path).expect("a table");
    for at in (0..whole.len()).step_by(whole.len() / 23) {
        flip(&path, at);
        names(&desk, &["run:", "totals.parquet"]);
        fs::write(&path, &whole).expect("repair");
    }
    for length in [0, 5, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).expect("damage");
        names(&desk, &["run:", "totals.parquet", "run --full"]);
    }
    fs::remove_file(&path).expect("damage");
    names(&desk, &["run:", "totals.parquet", "cannot read"]);
}

#[test]
fn a_hand_edited_manifest_is_found_in_any_run() {
    let desk = desk();
    let runs = files(&desk, "out/t/.runs").into_iter().filter(|path| path.ends_with("run.json"));
    for manifest in runs {
        let text = fs::read_to_string(&manifest).expect("a manifest");
        for (from, to) in [("\"rows_read\": 4", "\"rows_read\": 5"), ("\"seal\"", "\"seel\"")] {
            assert!(text.contains(from), "{from} in {text}");
            fs::write(&manifest, text.replacen(from, to, 1)).expect("an edit");
            names(&desk, &["run:", "run.json", "its text has changed since the run wrote it"]);
        }
        fs::write(&manifest, "{").expect("damage");
        names(&desk, &["run:", "run.json", "it cannot be read"]);
        fs::write(&manifest, text).expect("repair");
    }
    verify(&desk, 0);
}

#[test]
fn a_table_edited_together_with_its_hash_is_found_by_the_refold() {
    let desk = desk();
    let path = desk.path("out/t/latest/totals.parquet");
    let before = blake3::hash(&fs::read(&path).expect("a table")).to_hex().to_string();
    edit(&desk, "totals", |frame| frame.head(Some(1)));
    let after = blake3::hash(&fs::read(&path).expect("a table")).to_hex().to_string();
    let manifest = desk.path("out/t/latest/run.json");
    let text = fs::read_to_string(&manifest).expect("a manifest").replace(&before, &after);
    let at = text.find("\"seal\": \"").expect("a seal") + 9;
    let open = format!("{}{}{}", &text[..at], chartledger::seal::OPEN, &text[at + 64..]);
    fs::write(&manifest, chartledger::seal::close(open)).expect("a forgery");
    let said = verify(&desk, 4);
    assert!(!said.contains("fault      run"), "{said}");
    names(&desk, &["table: totals, row", "it follows from the ledger and is not in the table"]);
}

#[test]
fn a_latest_that_leads_nowhere_is_found() {
    let desk = desk();
    let target = fs::canonicalize(desk.path("out/t/latest")).expect("the latest run");
    fs::remove_dir_all(target).expect("damage");
    names(&desk, &["run:", "latest", "which is not there", "run --full"]);
}

#[test]
fn what_has_changed_since_the_run_is_said_and_is_no_fault() {
    let desk = desk().and_pipeline("# another convention\n");
    let said = verify(&desk, 0);
    assert!(
        said.contains("tables     not compared with the ledger: the pipeline file has changed"),
        "{said}"
    );
    desk.run("--quiet");
    let said = verify(&desk, 0);
    assert!(said.contains("follow from version 1 of the ledger"), "{said}");
}

#[test]
fn a_run_is_held_against_the_version_that_it_counted() {
    let desk = desk();
    desk.call("ledger forget march-corrected.csv t.toml").succeeds();
    let said = verify(&desk, 0);
    assert!(said.contains("follow from version 1 of the ledger"), "{said}");
    assert!(said.contains("versions 0 to 2"), "{said}");
}

#[test]
fn a_run_as_of_a_date_is_rebuilt_as_of_that_date() {
    let desk = desk();
    desk.run("--quiet --as-of 2024-03-01");
    let said = verify(&desk, 0);
    assert!(said.contains("follow from version 1 of the ledger"), "{said}");
}

#[test]
fn what_is_not_there_is_no_ledger() {
    let desk = march();
    let message = desk.call("verify t.toml").fails(2);
    assert!(message.contains("holds nothing") && message.contains("--ledger"), "{message}");
    desk.run("--quiet");
    fs::remove_dir_all(desk.path("out")).expect("no output");
    assert!(verify(&desk, 0).contains("tables     nothing is published"));
}

#[test]
fn a_commit_that_was_changed_by_hand_is_not_counted_from() {
    let desk = march();
    desk.run("");
    let commit = desk.path("ledger/t/_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&commit).expect("a commit");
    // One month less, and every line of it well formed.
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("\"add\"")).collect();
    for changed in
        [without.join("\n") + "\n", String::new(), text.replacen("numRecords\\\":4", "numRecords\\\":5", 1)]
    {
        assert_ne!(changed, text);
        fs::write(&commit, changed).expect("a commit");
        let says = desk.call("run t.toml --quiet --full").fails(4);
        assert!(says.contains("its text has changed since it was written"), "{says}");
    }
    fs::write(&commit, text).expect("a commit");
    desk.run("");
}

#[test]
fn beside_a_first_run_there_is_nothing_to_check_yet() {
    let desk = march();
    desk.run("");
    fs::remove_dir_all(desk.path("ledger/t/_delta_log")).expect("no commit yet");
    let held = fs::File::options().write(true).open(desk.path("ledger/t/.lock")).expect("its lock");
    held.lock().expect("a run that is at work");
    let says = desk.call("verify t.toml").fails(6);
    assert!(says.contains("is held by another run"), "{says}");
    drop(held);
    assert_eq!(desk.call("verify t.toml").code, Some(4));
}
