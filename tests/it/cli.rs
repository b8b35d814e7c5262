//! The binary from outside: exit codes, standard output, standard error and files of every command.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::accounts::bad_rows;
use crate::support::{Desk, Ran, merged_daily, pick, program, sum, tree};

pub const MARCH: &str = "
    2024-03-01|Global|1|A|Like Crazy|Jimin|90
    2024-03-01|Global|2|B|Seven|Jung Kook, Latto|60
    2024-03-02|Global|1|B|Seven|Jung Kook, Latto|1200
    2024-03-02|Global|2|A|Like Crazy|Jimin|80
";
pub const APRIL: &str = "2024-04-01|Global|1|C|Love wins all|IU|500";
pub const BAD: &str = "2024-04-01|Global|1|C|Love wins all|IU|many";

pub fn march() -> Desk {
    Desk::with([("march.csv", merged_daily(MARCH))])
}

/// Nothing of a run is there.
pub fn assert_nothing_written(desk: &Desk) {
    assert!(!desk.path("out/t/latest").exists());
    assert_eq!(desk.ledger_version(), None);
}

// ------------------------------------------------------------------------------- exit codes

#[test]
fn help_lists_the_exit_codes_and_every_command() {
    let help = Desk::new().call("--help").succeeds();
    assert_eq!(help.stderr, "");
    for command in
        ["run", "plan", "inspect", "show", "diff", "history", "schema", "ledger", "catalog", "synth"]
    {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command} in {}", help.stdout);
    }
    for code in [0, 1, 2, 3, 4, 5, 6, 130, 143] {
        assert!(help.stdout.contains(&format!("\n  {code}  ")), "{code} in {}", help.stdout);
    }
}

#[test]
fn a_run_reports_on_standard_error_and_prints_the_headline() {
    let ran = march().run("");
    for line in ["read       1 new export of 1 found, 4 rows", "table      milestones", "published  "] {
        assert!(ran.stderr.contains(line), "{line} in {}", ran.stderr);
    }
    let account = "rows       4 read = 4 used + 0 duplicate + 0 superseded + 0 quarantined";
    assert!(ran.stderr.contains(account), "{}", ran.stderr);
    assert!(ran.stdout.contains("most-streamed") && ran.stdout.contains("Like Crazy"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("published"), "{}", ran.stdout);
}

#[test]
fn a_quiet_run_says_nothing() {
    let ran = march().run("--quiet");
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

#[test]
fn wrong_usage_exits_with_2() {
    let desk = march();
    for args in ["", "frobnicate", "run t.toml --frobnicate", "run t.toml --as-of yesterday", "inspect"] {
        desk.call(args).fails(2);
    }
    let missing = desk.call("run missing.toml").fails(2);
    assert!(missing.contains("missing.toml"), "{missing}");
    let unpublished = desk.call("show totals t.toml").fails(2);
    assert!(unpublished.contains("chartledger run"), "{unpublished}");
}

#[test]
fn an_unknown_key_of_the_pipeline_is_named_with_file_and_line() {
    let desk = march().and_pipeline("[[tally]]\nname = \"x\"\nclok = \"all_time\"\n");
    let text = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    let line = 1 + text.lines().position(|line| line.starts_with("clok")).expect("the line");
    for command in ["run", "plan", "run --dry-run"] {
        let message = desk.call(&format!("{command} t.toml")).fails(2);
        assert!(message.contains("t.toml") && message.contains("clok"), "{message}");
        assert!(message.contains(&format!("line {line}")), "line {line} in {message}");
    }
    assert_nothing_written(&desk);
}

#[test]
fn a_pipeline_that_contradicts_itself_is_refused() {
    let tally = "[[tally]]\nname = \"x\"\nentity = \"artist\"\nclock = \"all_time\"\nthresholds = [1]\n";
    let cases = [
        (format!("{tally}cohort = \"nobody\"\n"), "nobody"),
        (format!("{tally}{tally}"), "`x` stands twice"),
        ("[[ranking]]\nname = \"x\"\nkind = \"first\"\ntally = \"nowhere\"\n".to_owned(), "nowhere"),
        ("[[ranking]]\nname = \"x\"\nkind = \"first\"\ntally = \"song\"\nthreshold = 7\n".to_owned(), "7"),
        ("[[mapped]]\nname = \"x\"\nchart = \"x\"\n[mapped.columns]\nrank = \"r\"\n".to_owned(), "t.toml"),
    ];
    for (toml, named) in cases {
        let message = march().and_pipeline(&toml).call("run t.toml").fails(2);
        assert!(message.contains("t.toml") && message.contains(named), "{message}");
    }
}

#[test]
fn a_broken_catalog_is_named_with_file_and_line() {
    let desk = march().and_pipeline("[catalog]\npath = \"catalog\"\n");
    let absent = desk.call("run t.toml").fails(2);
    assert!(absent.contains("catalog"), "{absent}");
    desk.put("catalog/artists.toml", "[[artist]]\nid = \"iu\"\nname = \"IU\"\ncolour = \"blue\"\n");
    let message = desk.call("run t.toml").fails(2);
    for part in ["artists.toml", "line 4", "colour"] {
        assert!(message.contains(part), "{part} in {message}");
    }
}

#[test]
fn an_unknown_table_is_answered_with_the_nearest() {
    for command in ["show milestone t.toml", "schema milestone"] {
        let message = march().call(command).fails(2);
        assert!(message.contains("did you mean milestones"), "{message}");
    }
}

#[test]
fn without_an_export_a_run_exits_with_3() {
    let desk = Desk::new();
    let empty = desk.call("run t.toml").fails(3);
    assert!(empty.contains("exports"), "{empty}");
    let missing = desk.call("run t.toml --exports nowhere").fails(3);
    assert!(missing.contains("nowhere"), "{missing}");
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let unusable = desk.call("run t.toml").fails(3);
    assert!(unusable.contains("notes.csv"), "{unusable}");
    assert_nothing_written(&desk);
}

#[test]
fn an_export_of_bad_rows_alone_is_nothing_usable() {
    let desk = Desk::with([("bad.csv", merged_daily(BAD))]);
    let message = desk.call("run t.toml --quiet").fails(3);
    assert!(message.contains("bad.csv"), "{message}");
    assert_nothing_written(&desk);
}

#[test]
fn a_refused_file_does_not_stop_the_others() {
    let desk = march();
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let ran = desk.run("");
    assert!(ran.stderr.contains("refused    notes.csv: no dialect fits"), "{}", ran.stderr);
    let quiet = desk.run("--quiet");
    assert!(quiet.stderr.contains("notes.csv"), "{}", quiet.stderr);
    assert_eq!(pick(&desk.show("exports"), "export"), ["march.csv"]);
}

#[test]
fn strict_stops_at_a_quarantined_row_before_anything_is_kept() {
    let desk = march();
    desk.put("exports/april.csv", merged_daily(BAD));
    let message = desk.call("run t.toml --strict").fails(3);
    assert!(message.contains("april.csv, line 2: streams are not a whole number"), "{message}");
    assert_nothing_written(&desk);

    // What an earlier run has quarantined is no better.
    desk.run("");
    let message = desk.call("run t.toml --strict").fails(3);
    assert!(message.contains("april.csv, line 2"), "{message}");
}

#[test]
fn strict_stops_at_a_refused_file_before_anything_is_kept() {
    let desk = march();
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let message = desk.call("run t.toml --strict").fails(3);
    assert!(message.contains("notes.csv"), "{message}");
    assert_nothing_written(&desk);
}

#[test]
fn strict_forgives_a_bad_row_once_its_export_is_corrected() {
    let desk = march();
    for month in ["april", "may"] {
        desk.put(&format!("exports/{month}.csv"), merged_daily(&BAD.replace("2024-04", "2024-05")));
    }
    desk.run("");
    let correct = |month: &str, rows: &str| {
        desk.put(&format!("exports/{month}.csv"), merged_daily(rows));
        desk.date(&format!("exports/{month}.csv"), 60);
    };
    correct("april", APRIL);
    desk.run("");
    let message = desk.call("run t.toml --strict").fails(3);
    assert!(message.contains("may.csv, line 2"), "{message}");
    correct("may", &APRIL.replace("2024-04", "2024-05"));
    desk.run("--strict");
}

#[test]
fn strict_passes_clean_exports() {
    march().run("--strict");
}

#[test]
fn an_output_that_cannot_be_written_exits_with_5() {
    let desk = march();
    desk.put("file", "in the way");
    let message = desk.call("run t.toml --quiet --out file/out").fails(5);
    assert!(message.contains("file/out"), "{message}");
    let message = desk.call("run t.toml --quiet --ledger file/ledger").fails(5);
    assert!(message.contains("file/ledger"), "{message}");
    let message = desk.call("synth --output file/exports").fails(5);
    assert!(message.contains("file/exports"), "{message}");
}

#[test]
fn a_held_ledger_exits_with_6_and_is_free_again_after() {
    let desk = march();
    desk.put("ledger/t/.lock", "");
    let lock = File::options().write(true).open(desk.path("ledger/t/.lock")).expect("the lock file");
    lock.lock().expect("the lock");
    let message = desk.call("run t.toml --quiet").fails(6);
    assert!(message.contains("held by another run"), "{message}");
    assert_nothing_written(&desk);
    desk.call("plan t.toml").succeeds();
    drop(lock);
    desk.run("");
}

#[test]
fn a_damaged_ledger_publishes_nothing_and_names_the_file() {
    let desk = march();
    desk.run("");
    let before = desk.published();
    let months = tree(&desk.path("ledger/t/months"));
    let [month] = &months.keys().collect::<Vec<_>>()[..] else { panic!("one month in {months:?}") };
    fs::write(desk.path("ledger/t/months").join(month), "not a month").expect("damage");
    desk.put("exports/april.csv", merged_daily(APRIL));
    let message = desk.call("run t.toml --quiet").fails(4);
    assert!(message.contains(month.as_str()), "{message}");
    assert_eq!(desk.published(), before);
}

// ---------------------------------------------------------------------------------- logging

#[test]
fn a_log_in_json_is_json_in_every_line() {
    let desk = march();
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let parsed = |ran: &Ran| -> Vec<Value> {
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
    };
    let lines = parsed(&desk.run("--log-format json"));
    assert!(lines.iter().any(|line| line["level"] == "INFO"), "{lines:?}");
    assert!(lines.iter().any(|line| line["level"] == "WARN" && line["export"] == "notes.csv"), "{lines:?}");
    let failed = desk.call("run t.toml --log-format json --strict");
    assert_eq!(failed.code, Some(3));
    assert!(parsed(&failed).iter().any(|line| line["level"] == "ERROR"), "{}", failed.stderr);
}

// ------------------------------------------------------------------------------ plan and dry run

#[test]
fn plan_and_dry_run_write_nothing() {
    let desk = march();
    let plan = desk.call("plan t.toml").succeeds();
    assert_eq!(desk.call("run t.toml --dry-run").succeeds().stdout, plan.stdout);
    assert_eq!(tree(&desk.path("")).into_keys().collect::<Vec<_>>(), ["exports/march.csv", "t.toml"]);
    assert!(!desk.path("ledger").exists() && !desk.path("out").exists());
}

#[test]
fn plan_tells_new_from_changed_from_unchanged() {
    let desk = march();
    let plan = |lines: &[&str]| {
        let plan = desk.call("plan t.toml").succeeds().stdout;
        lines.iter().for_each(|line| assert!(plan.contains(line), "{line} in {plan}"));
        plan
    };
    let first = plan(&[
        "exports    1 found: 1 new, 0 changed, 0 unchanged",
        "rows       4 to read, 0 of them to quarantine",
        "month      spotify:daily 2024-03 (new)",
        "tally      song: songs, all_time, 2 thresholds",
        "table      milestones",
    ]);
    assert!(!first.contains("2024-04"), "{first}");
    desk.run("");
    let nothing = plan(&["exports    1 found: 0 new, 0 changed, 1 unchanged", "rows       0 to read"]);
    assert!(!nothing.contains("month "), "{nothing}");
    desk.put("exports/april.csv", merged_daily(&format!("{APRIL}\n{BAD}")));
    desk.put("exports/march.csv", merged_daily(&MARCH.replace("1200", "1300")));
    desk.date("exports/march.csv", 60);
    plan(&[
        "exports    2 found: 1 new, 1 changed, 0 unchanged",
        "changed    march.csv",
        "rows       6 to read, 1 of them to quarantine",
        "month      spotify:daily 2024-03 (rewrite)",
        "month      spotify:daily 2024-04 (new)",
    ]);
}

// ------------------------------------------------------------------------------------ broken pipe

/// Calls the program and closes its standard output after the first line.
fn read_one_line(from: &Path, args: &str) -> (Option<i32>, String) {
    let mut command = program(from);
    command.args(args.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    (child.wait().expect("an end").code(), stderr)
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let desk = Desk::new();
    desk.call("synth --output exports --regions 8 --rows-per-chart 100 --tracks 400").succeeds();
    desk.run("");
    for format in ["csv", "json", "markdown", "table"] {
        let shown = desk.call(&format!("show coverage t.toml --format {format}")).succeeds();
        assert!(!shown.stdout.is_empty());
        let ended = read_one_line(&desk.path(""), &format!("show totals t.toml --format {format}"));
        assert_eq!(ended, (Some(0), String::new()), "{format}");
    }
}

#[test]
fn closed_standard_output_is_no_error() {
    let desk = march();
    for args in ["run t.toml --quiet", "run t.toml", "schema", "plan t.toml", "show totals t.toml", "--help"]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = program(&desk.path(""));
        let status = command.args(args.split_whitespace()).stdout(writer).stderr(Stdio::null()).status();
        assert_eq!(status.expect("the program starts").code(), Some(0), "{args}");
    }
    assert_eq!(desk.show("exports").len(), 1, "the run has published");
}

#[test]
fn closed_standard_error_stops_no_run() {
    let desk = march();
    for args in ["run t.toml --full", "run t.toml --full --log-format json", "run t.toml --full -vv"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = program(&desk.path(""));
        command.args(args.split_whitespace()).args(["--metrics", "m.prom"]).stdout(Stdio::null());
        assert_eq!(command.stderr(writer).status().expect("the program starts").code(), Some(0), "{args}");
        std::fs::remove_file(desk.path("m.prom")).unwrap_or_else(|_| panic!("{args}: no metrics"));
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = program(&desk.path(""));
    command.args("report t.toml --output r.html".split_whitespace()).stderr(writer);
    assert_eq!(command.status().expect("the program starts").code(), Some(0), "report");
}

// ---------------------------------------------------------------------------------------- inspect

#[test]
fn inspect_says_what_a_file_is() {
    let desk = Desk::with([("bad.csv", bad_rows())]);
    desk.put("notes.csv", "lorem,ipsum\n1,2\n");
    let shown = desk.call("inspect exports/bad.csv").succeeds();
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!(
        lines[..6],
        [
            "bad.csv",
            "  dialect  merged-daily",
            "  chart    spotify:daily",
            "  region   global",
            "  dates    2024-03-01 to 2024-03-01, 1 date",
            "  rows     19",
        ]
    );
    for problem in
        ["2 rows: wrong field count, the first in line 18", "1 row: no track, the first in line 11"]
    {
        assert!(shown.stdout.contains(&format!("  problem  {problem}")), "{problem} in {}", shown.stdout);
    }
    assert_eq!(shown.stderr, "");
    let refused = desk.call("inspect exports/bad.csv notes.csv");
    assert_eq!(refused.code, Some(3));
    assert!(refused.stdout.contains("merged-daily") && refused.stdout.contains("no dialect fits"));
    assert!(refused.stderr.contains("1 file"), "{}", refused.stderr);
    desk.call("inspect nowhere.csv").fails(3);
}

// ------------------------------------------------------------------------------------------ synth

#[test]
fn every_synthetic_dialect_is_read_back_whole() {
    let dialects = [
        "official-daily",
        "official-weekly",
        "official-old",
        "kaggle",
        "merged-weekly",
        "fycharts",
        "scraper",
        "kworb",
    ];
    for dialect in dialects {
        for packing in ["none", "gzip", "zstd"] {
            let desk = Desk::new();
            let synth = desk.call(&format!(
                "synth --output exports --dialect {dialect} --compression {packing} --regions 2 --days 28 \
                 --rows-per-chart 30 --tracks 90"
            ));
            let synth = synth.succeeds();
            assert_eq!(synth.stdout, "", "{dialect}");
            desk.run("--strict");
            let exports = desk.show("exports");
            let (files, rows) = (exports.len(), sum(&exports, "rows_used"));
            let wrote = if files == 1 { "wrote 1 file,".to_owned() } else { format!("wrote {files} files,") };
            assert!(synth.stderr.contains(&wrote), "{wrote} in {}", synth.stderr);
            let counted = synth.stderr.replace(',', "");
            assert!(counted.contains(&format!(" {rows} rows ")), "{rows} in {}", synth.stderr);
            let states: Vec<String> = pick(&desk.show("coverage"), "state");
            assert!(states.iter().all(|state| state == "observed"), "{dialect}: {states:?}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    let desk = Desk::new();
    for (folder, seed) in [("a", 7), ("b", 7), ("c", 8)] {
        desk.call(&format!("synth --output {folder} --seed {seed} --tracks 300 --regions 2")).succeeds();
    }
    let [a, b, c] = ["a", "b", "c"].map(|folder| tree(&desk.path(folder)));
    assert_eq!(a, b);
    assert_ne!(a, c);
}

#[test]
fn a_synthetic_world_that_cannot_be_is_wrong_usage() {
    for args in ["--dialect cuneiform", "--regions 100000", "--days 0", "--dialect kworb --layout one-file"] {
        let message = Desk::new().call(&format!("synth --output x {args}")).fails(2);
        assert!(!message.is_empty());
    }
}
