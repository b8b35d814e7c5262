//! Bad days: each ends with a sentence, the right exit code, and the last good state as it was.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::Value;

use crate::cli::{APRIL, march};
use crate::support::{Desk, Ran, merged_daily, pick, program, tree};

/// What must survive a bad day: the published tables and the ledger's commits.
#[derive(Debug, PartialEq)]
pub struct Good {
    tables: BTreeMap<String, Vec<u8>>,
    run: PathBuf,
    commits: BTreeMap<String, Vec<u8>>,
}

pub fn good(desk: &Desk) -> Good {
    Good {
        tables: desk.published(),
        run: fs::read_link(desk.path("out/t/latest")).expect("a published run"),
        commits: tree(&desk.path("ledger/t/_delta_log")),
    }
}

/// A desk on which March is published and April waits.
fn april_waits() -> (Desk, Good) {
    let desk = march();
    desk.run("");
    desk.put("exports/april.csv", merged_daily(APRIL));
    let good = good(&desk);
    (desk, good)
}

/// What `run` says on a day as bad as this; all is as it was.
fn fails(desk: &Desk, code: i32, args: &str, good: &Good) -> String {
    let message = desk.call(&format!("run t.toml --quiet {args}")).fails(code);
    assert!(self::good(desk) == *good, "{message}");
    message
}

fn contains(message: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(message.contains(part), "{part} in {message}"));
}

// ------------------------------------------------------------------------ what cannot be written

/// A desk that the program uses without the rights of root, which may write everywhere.
struct Unprivileged<'a> {
    desk: &'a Desk,
    program: PathBuf,
    is_root: bool,
}

impl<'a> Unprivileged<'a> {
    fn new(desk: &'a Desk) -> Self {
        let is_root = fs::metadata(desk.path("t.toml")).expect("the pipeline").uid() == 0;
        // Wherever cargo has built it, nobody must be able to start it.
        let program = desk.path("program");
        fs::copy(env!("CARGO_BIN_EXE_chartledger"), &program).expect("a copy");
        chmod(&desk.path(""), |mode| mode | 0o777);
        Self { desk, program, is_root }
    }

    fn call(&self, args: &str) -> Ran {
        let mut command = Command::new(&self.program);
        command.current_dir(self.desk.path("")).args(args.split_whitespace());
        if self.is_root {
            command.uid(65534).gid(65534);
        }
        Ran::of(&mut command)
    }

    /// Calls while nothing at or below `path` can be written.
    fn call_locked(&self, path: &str, args: &str) -> Ran {
        let path = self.desk.path(path);
        chmod(&path, |mode| mode & !0o222);
        let ran = self.call(args);
        chmod(&path, |mode| mode | 0o777);
        ran
    }
}

fn chmod(path: &Path, change: fn(u32) -> u32) {
    for entry in walkdir::WalkDir::new(path).into_iter().map(|entry| entry.expect("a file")) {
        if !entry.path_is_symlink() {
            let mode = entry.metadata().expect("its mode").permissions().mode();
            fs::set_permissions(entry.path(), Permissions::from_mode(change(mode))).expect("a new mode");
        }
    }
}

#[test]
fn an_output_that_cannot_be_written_stops_the_run_before_the_ledger_changes() {
    let (desk, good) = april_waits();
    let nobody = Unprivileged::new(&desk);
    for place in ["out", "out/t/.runs"] {
        let message = nobody.call_locked(place, "run t.toml --quiet").fails(5);
        contains(&message, &["cannot write", "out", "Permission denied"]);
        assert_eq!(self::good(&desk), good);
    }
    nobody.call("run t.toml").succeeds();
    assert_eq!(desk.show("exports").len(), 2);
}

#[test]
fn a_ledger_that_can_only_be_read_is_read_and_not_written() {
    let (desk, good) = april_waits();
    let nobody = Unprivileged::new(&desk);
    let message = nobody.call_locked("ledger", "run t.toml --quiet").fails(5);
    contains(&message, &["cannot write", "ledger/t", "Permission denied"]);
    assert_eq!(self::good(&desk), good);
    for reading in ["plan t.toml", "show totals t.toml", "explain t.toml --entity Seven"] {
        nobody.call_locked("ledger", reading).succeeds();
    }
    nobody.call("run t.toml").succeeds();
}

#[test]
fn months_that_cannot_be_written_leave_the_last_commit() {
    let (desk, good) = april_waits();
    let nobody = Unprivileged::new(&desk);
    for place in ["ledger/t/months", "ledger/t/_chartledger", "ledger/t/_delta_log"] {
        let message = nobody.call_locked(place, "run t.toml --quiet").fails(5);
        contains(&message, &["cannot write", place]);
        assert_eq!(self::good(&desk), good, "{place}");
    }
    nobody.call("run t.toml").succeeds();
    assert_eq!(desk.show("exports").len(), 2);
}

#[test]
fn a_file_or_a_folder_in_the_way_of_the_output_is_named() {
    let (desk, good) = april_waits();
    desk.put("elsewhere/t", "a file");
    let message = fails(&desk, 5, "--out elsewhere", &good);
    contains(&message, &["elsewhere/t", "not a directory"]);
    // As a copy that follows links makes it.
    fs::create_dir_all(desk.path("copy/t/latest")).expect("a folder");
    let message = fails(&desk, 5, "--out copy", &good);
    contains(&message, &["copy/t/latest", "not the link that a run makes", "move it away"]);
    desk.put("file", "a file");
    contains(&fails(&desk, 5, "--ledger file", &good), &["file"]);
    fs::create_dir_all(desk.path("other/.lock")).expect("a folder");
    contains(&fails(&desk, 5, "--ledger other", &good), &["other/.lock"]);
}

// ---------------------------------------------------------------------------------- lost exports

#[test]
fn a_root_that_is_gone_or_empty_is_taken_for_a_lost_mount() {
    let (desk, good) = april_waits();
    fs::remove_file(desk.path("exports/april.csv")).expect("a file");
    fs::rename(desk.path("exports"), desk.path("unmounted")).expect("a folder");
    contains(&fails(&desk, 3, "", &good), &["exports", "is its disk mounted?"]);
    fs::create_dir(desk.path("exports")).expect("a mount point");
    let said = ["exports", "the ledger knows 1", "is its disk mounted?", "may_be_empty"];
    contains(&fails(&desk, 3, "", &good), &said);
    contains(&desk.call("plan t.toml").fails(3), &said);
    // Links that lead nowhere are no exports.
    symlink("/nowhere/march.csv", desk.path("exports/march.csv")).expect("a link");
    contains(&fails(&desk, 3, "", &good), &["march.csv", "does not exist"]);
}

#[test]
fn one_lost_root_of_two_is_noticed() {
    let desk = march();
    desk.put("more/april.csv", merged_daily(APRIL));
    desk.run("--exports exports more");
    let good = good(&desk);
    fs::remove_file(desk.path("more/april.csv")).expect("a file");
    contains(&fails(&desk, 3, "--exports exports more", &good), &["more", "the ledger knows 1"]);
    // A root that never had any is no loss.
    fs::create_dir(desk.path("fresh")).expect("a folder");
    desk.run("--exports exports fresh");
}

#[test]
fn a_pipeline_may_allow_an_empty_root() {
    let (desk, _) = april_waits();
    desk.run("");
    let before = desk.published();
    fs::remove_dir_all(desk.path("exports")).expect("a folder");
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", toml.replace("[exports]", "[exports]\nmay_be_empty = true"));
    desk.run("");
    assert_eq!(desk.published(), before);
    fs::create_dir(desk.path("exports")).expect("a folder");
    desk.run("");
    assert_eq!(desk.published(), before);
}

// ------------------------------------------------------------------------- files that are no files

#[test]
fn what_is_no_file_is_left_out_with_a_sentence() {
    let (desk, _) = april_waits();
    fs::create_dir(desk.path("exports/folder.csv")).expect("a folder");
    symlink("/nowhere/at-all.csv", desk.path("exports/broken.csv")).expect("a link");
    symlink("nowhere", desk.path("exports/2023")).expect("a link");
    symlink(".", desk.path("exports/circle")).expect("a link");
    let ran = desk.run("--log-format json");
    let lines: Vec<Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    for (export, problem) in [
        ("folder.csv", "it is a folder, not a file"),
        ("broken.csv", "a link to /nowhere/at-all.csv, which does not exist"),
        ("2023", "a link to nowhere, which does not exist"),
        ("circle", "symbolic links that lead in a circle"),
    ] {
        let said = lines.iter().find(|line| line["export"] == export).expect("a line");
        assert_eq!((said["level"].as_str(), said["problem"].as_str()), (Some("WARN"), Some(problem)));
    }
    assert_eq!(pick(&desk.show("exports"), "export"), ["april.csv", "march.csv"]);
    let strict = desk.call("run t.toml --quiet --strict").fails(3);
    contains(&strict, &["--strict", "a file was refused"]);
}

#[test]
fn a_folder_in_the_place_of_a_known_export_takes_nothing_away() {
    let (desk, _) = april_waits();
    desk.run("");
    let before = good(&desk);
    fs::remove_file(desk.path("exports/april.csv")).expect("a file");
    fs::create_dir(desk.path("exports/april.csv")).expect("a folder");
    let ran = desk.run("");
    contains(&ran.stderr, &["refused    april.csv: it is a folder, not a file"]);
    assert_eq!((desk.published(), tree(&desk.path("ledger/t/_delta_log"))), (before.tables, before.commits));
}

#[test]
fn an_empty_export_is_refused_and_taken_when_it_has_grown() {
    let (desk, _) = april_waits();
    desk.put("exports/april.csv", "");
    let ran = desk.run("");
    contains(&ran.stderr, &["refused    april.csv: the file is empty; it is taken once it has grown"]);
    assert_eq!(pick(&desk.show("exports"), "export"), ["march.csv"]);
    desk.put("exports/april.csv", merged_daily(APRIL));
    desk.run("");
    assert_eq!(pick(&desk.show("exports"), "export rows_used"), ["april.csv | 1", "march.csv | 4"]);
    // What is in stays in, also where the file is emptied.
    let before = good(&desk);
    desk.put("exports/april.csv", "");
    desk.run("");
    assert_eq!((desk.published(), tree(&desk.path("ledger/t/_delta_log"))), (before.tables, before.commits));
}

// --------------------------------------------------------------------------- the downloader at work

fn date_now(path: &Path) {
    let file = File::options().write(true).open(path).expect("a file");
    file.set_modified(SystemTime::now()).expect("a file time");
}

const GROWING: &str = "it breaks off in the middle of a row and was changed less than 10 s ago, so it may still \
                       be growing; left for the next run";

#[test]
fn an_export_that_may_still_grow_is_left_for_the_next_run() {
    let (desk, _) = april_waits();
    let whole = merged_daily(APRIL);
    let packed = zstd::encode_all(whole.as_bytes(), 1).expect("memory");
    let halves = [
        ("april.csv", &whole.as_bytes()[..whole.len() - 3]),
        ("packed.csv.zst", &packed[..packed.len() - 4]),
    ];
    for (name, half) in halves {
        desk.put(&format!("exports/{name}"), half);
        date_now(&desk.path(&format!("exports/{name}")));
    }
    let ran = desk.run("");
    for (name, _) in halves {
        contains(&ran.stderr, &[&format!("refused    {name}: {GROWING}")]);
    }
    assert_eq!(pick(&desk.show("exports"), "export"), ["march.csv"]);

    // It has come to its end: taken, however new it is.
    fs::remove_file(desk.path("exports/packed.csv.zst")).expect("a file");
    desk.put("exports/april.csv", &whole);
    date_now(&desk.path("exports/april.csv"));
    desk.run("");
    assert_eq!(pick(&desk.show("exports"), "export rows_used"), ["april.csv | 1", "march.csv | 4"]);
}

#[test]
fn an_export_without_a_last_newline_is_not_left_for_ever() {
    let whole = merged_daily(APRIL);
    for (days, then) in [(0, "now"), (4000, "in the future"), (-1, "of yesterday")] {
        let (desk, _) = april_waits();
        desk.put("exports/april.csv", whole.trim_end());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("now").as_secs();
        let at = now.checked_add_signed(days * 86_400).expect("a time") - 1_700_000_000;
        desk.date("exports/april.csv", at);
        desk.run("");
        if days == 0 {
            assert_eq!(pick(&desk.show("exports"), "export"), ["march.csv"], "{then}");
            desk.date("exports/april.csv", at - 11);
            desk.run("");
        }
        let exports = pick(&desk.show("exports"), "export rows_used");
        assert_eq!(exports, ["april.csv | 1", "march.csv | 4"], "{then}");
    }
}

/// A run that has found its files and begins to read them when `meanwhile` happens.
fn while_reading(desk: &Desk, meanwhile: impl FnOnce()) -> Ran {
    let mut command = program(&desk.path(""));
    command.args(["run", "t.toml", "--threads", "1", "-v"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped"));
    let mut stderr = String::new();
    while !stderr.contains("discovered") {
        assert_ne!(lines.read_line(&mut stderr).expect("text"), 0, "{stderr}");
    }
    meanwhile();
    lines.read_to_string(&mut stderr).expect("text");
    Ran { code: child.wait().expect("an end").code(), stdout: String::new(), stderr }
}

/// Adds an export that takes most of a second to read.
fn large(desk: &Desk) -> PathBuf {
    let synth = "synth --output large --dialect kaggle --regions 24 --days 120 --layout one-file";
    desk.call(synth).succeeds();
    let [file] = &tree(&desk.path("large")).into_keys().collect::<Vec<_>>()[..] else { panic!("one file") };
    let path = desk.path("exports/large.csv");
    fs::rename(desk.path("large").join(file), &path).expect("a file");
    assert!(fs::metadata(&path).expect("a file").len() > 32 << 20, "it takes a while to read");
    path
}

#[test]
fn an_export_that_changes_or_goes_while_it_is_read_is_left_out() {
    let (desk, _) = april_waits();
    let path = large(&desk);
    let grow = || {
        let mut file = File::options().append(true).open(&path).expect("a file");
        file.write_all(b"\n").expect("a byte");
    };
    let ran = while_reading(&desk, grow).succeeds();
    let changed = "refused    large.csv: it changed while it was read; left for the next run";
    contains(&ran.stderr, &[changed]);
    assert_eq!(pick(&desk.show("exports"), "export"), ["april.csv", "march.csv"]);
    let good = good(&desk);

    let moved = desk.path("away.csv");
    let ran = while_reading(&desk, || fs::rename(&path, &moved).expect("a file")).succeeds();
    contains(&ran.stderr, &["refused    large.csv: it was removed before it was read to its end"]);
    assert_eq!(desk.published(), good.tables);

    // The next run takes it.
    fs::rename(&moved, &path).expect("a file");
    desk.run("");
    assert_eq!(pick(&desk.show("exports"), "export"), ["april.csv", "large.csv", "march.csv"]);
}

// ------------------------------------------------------------------------------------------ clocks

#[test]
fn runs_and_commits_sort_as_they_came_where_the_clock_was_set_back() {
    let desk = march();
    desk.run("");
    // As if the first run and commit had come from a clock that was years ahead.
    let runs = desk.path("out/t/.runs");
    let first = fs::read_link(desk.path("out/t/latest")).expect("a link");
    fs::rename(desk.path("out/t").join(&first), runs.join("20990101T000000Z")).expect("a run");
    fs::remove_file(desk.path("out/t/latest")).expect("a link");
    symlink(".runs/20990101T000000Z", desk.path("out/t/latest")).expect("a link");
    let log = desk.path("ledger/t/_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&log).expect("a commit");
    let at = text.find("\"timestamp\":").expect("a time") + "\"timestamp\":".len();
    let ahead = 4_070_908_800_000i64;
    let text = format!("{}{ahead}{}", &text[..at], &text[at + 13..]);
    let (seal, open) = (text.find("\"seal\":\"").expect("a seal") + 8, chartledger::seal::OPEN);
    let text = format!("{}{open}{}", &text[..seal], &text[seal + open.len()..]);
    fs::write(&log, chartledger::seal::close(text)).expect("a commit");

    desk.put("exports/april.csv", merged_daily(APRIL));
    desk.run("");
    let latest = fs::read_link(desk.path("out/t/latest")).expect("a link");
    let mut names: Vec<String> = fs::read_dir(&runs)
        .expect("runs")
        .map(|entry| entry.expect("a run").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    assert_eq!(names, ["20990101T000000Z", "20990101T000001Z"]);
    assert_eq!(latest, Path::new(".runs/20990101T000001Z"));
    let second = fs::read_to_string(desk.path("ledger/t/_delta_log/00000000000000000001.json"));
    let info: Value =
        serde_json::from_str(second.expect("a commit").lines().next().expect("a line")).expect("JSON");
    assert_eq!(info["commitInfo"]["timestamp"], ahead + 1);
    assert_eq!(desk.show("exports").len(), 2);
}

#[test]
fn several_runs_in_one_second_sort_as_they_came() {
    let desk = march();
    let mut names = Vec::new();
    for _ in 0..12 {
        desk.run("--quiet");
        names.push(fs::read_link(desk.path("out/t/latest")).expect("a link"));
    }
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    // A night with nothing new need not publish.
    names.dedup();
    assert_eq!(names, sorted);
}

// --------------------------------------------------------------------------------------- two at once

#[test]
fn two_pipelines_on_one_ledger_do_each_other_no_harm() {
    let desk = march();
    desk.put("exports/april.csv", merged_daily(APRIL));
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("u.toml", toml.replace("name = \"t\"\ndesc", "name = \"u\"\ndesc"));
    let tables = |run: &str| {
        let mut files = tree(&desk.path(run));
        files.remove("run.json").expect("a manifest");
        files
    };
    desk.run("");
    desk.call("run u.toml").succeeds();
    let apart = (tables("out/t/latest"), tables("out/u/latest"));
    for round in 0..4 {
        for folder in ["out", "shared"] {
            let _ = fs::remove_dir_all(desk.path(folder));
        }
        let start = |pipeline: &str| {
            let mut command = program(&desk.path(""));
            command.args(["run", pipeline, "--ledger", "shared", "--quiet"]).stderr(Stdio::piped());
            command.spawn().expect("the program starts")
        };
        let ended = [start("t.toml"), start("u.toml")].map(|run| run.wait_with_output().expect("an end"));
        let codes = ended.each_ref().map(|output| output.status.code());
        assert!(codes.contains(&Some(0)), "round {round}: {codes:?}");
        for output in ended.iter().filter(|output| output.status.code() != Some(0)) {
            let message = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(6), "{message}");
            contains(&message, &["shared is held by another run (process "]);
        }
        for pipeline in ["t.toml", "u.toml"] {
            desk.call(&format!("run {pipeline} --ledger shared")).succeeds();
        }
        assert_eq!((tables("out/t/latest"), tables("out/u/latest")), apart, "round {round}");
    }
}

// ------------------------------------------------------------------- what a night must not take for another

#[test]
fn a_ledger_that_is_not_there_any_more_is_no_new_one() {
    let (desk, _) = april_waits();
    desk.run("");
    let (published, run) = (desk.published(), fs::read_link(desk.path("out/t/latest")).expect("a run"));
    fs::rename(desk.path("ledger"), desk.path("unmounted")).expect("a disk that is gone");
    fs::remove_file(desk.path("exports/march.csv")).expect("only the ledger knows it");
    let says = desk.call("run t.toml --quiet").fails(4);
    contains(&says, &["ledger/t", "was counted from version 1", "is its disk mounted?", "--full"]);
    assert!(!desk.path("ledger/t/_delta_log").exists(), "nothing was begun in its place");
    assert_eq!(fs::read_link(desk.path("out/t/latest")).expect("a run"), run);
    fs::rename(desk.path("unmounted"), desk.path("ledger")).expect("the disk");
    desk.run("");
    assert_eq!(desk.published(), published);
    fs::remove_dir_all(desk.path("ledger")).expect("a new beginning");
    desk.run("--full");
    assert_eq!(pick(&desk.show("exports"), "export"), ["april.csv"]);
}

#[test]
fn commits_that_were_deleted_are_no_new_ledger() {
    let (desk, good) = april_waits();
    fs::rename(desk.path("ledger/t/_delta_log"), desk.path("log")).expect("commits");
    contains(&desk.call("run t.toml --quiet").fails(4), &["there is no commit", "version 0"]);
    fs::rename(desk.path("log"), desk.path("ledger/t/_delta_log")).expect("commits");
    assert_eq!(self::good(&desk), good);
}

#[test]
fn a_run_that_publishes_to_the_same_place_is_waited_for() {
    let (desk, good) = april_waits();
    let held = File::open(desk.path("out/t")).expect("the folder");
    held.lock().expect("a run of another ledger");
    let says = fails(&desk, 6, "", &good);
    contains(&says, &["another run publishes to", "out/t", "use another --out"]);
    drop(held);
    desk.run("");
}

#[test]
fn a_file_goes_by_its_own_name_whatever_links_lead_to_it() {
    let desk = march();
    for (link, to) in [("exports/a-latest.csv", "march.csv"), ("exports/z-latest.csv", "march.csv")] {
        symlink(to, desk.path(link)).expect("a link");
    }
    desk.run("--strict");
    assert_eq!(pick(&desk.show("exports"), "export"), ["march.csv"]);
    // The link moves on, and the files stay what they are.
    desk.put("exports/april.csv", merged_daily(APRIL));
    fs::remove_file(desk.path("exports/a-latest.csv")).expect("a link");
    symlink("april.csv", desk.path("exports/a-latest.csv")).expect("a link");
    desk.run("--strict");
    assert_eq!(pick(&desk.show("exports"), "export"), ["april.csv", "march.csv"]);
}

#[test]
fn metrics_go_to_a_file_and_to_nothing_else() {
    let (desk, good) = april_waits();
    let pipe = desk.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    for place in ["pipe", "exports"] {
        let says = fails(&desk, 5, &format!("--metrics {place}"), &good);
        contains(&says, &["cannot write", place, "it is a folder, pipe or device"]);
    }
    assert!(!fs::metadata(&pipe).expect("it is still there").is_file());
}

#[test]
fn what_cannot_be_said_is_no_mistake_of_the_program() {
    let (desk, _) = april_waits();
    for said in ["run t.toml --timings", "show totals t.toml", "history t.toml"] {
        let full = File::options().write(true).open("/dev/full").expect("a full disk");
        let mut command = program(&desk.path(""));
        let output = command.args(said.split_whitespace()).stdout(full).output().expect("the program starts");
        let says = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(5), "{said}: {says}");
        contains(&says, &["standard output cannot be written", "No space left"]);
    }
}

#[test]
fn a_date_that_is_still_to_come_does_not_silence_the_freshness_gate() {
    let desk = march().and_pipeline("[freshness]\nmax_staleness = 2\n");
    desk.put("exports/wrong.csv", merged_daily("2099-01-01|Global|1|C|Love wins all|IU|500"));
    let ran = desk.call("run t.toml --today 2024-05-02");
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    contains(&ran.stderr, &["global ends on 2099-01-01, which is still to come"]);
}

#[test]
fn a_part_of_the_ledger_that_cannot_be_read_is_no_bad_input() {
    let (desk, good) = april_waits();
    // What is no file cannot be read by anybody, root included.
    let months = tree(&desk.path("ledger/t"));
    let month = months.keys().find(|name| name.starts_with("months/")).expect("a month");
    let path = desk.path("ledger/t").join(month);
    fs::remove_file(&path).expect("a month");
    fs::create_dir(&path).expect("a folder");
    let message = desk.call("run t.toml --quiet --full").fails(4);
    assert!(desk.published() == good.tables);
    contains(&message, &[month.as_str(), "it cannot be read", "restore the ledger from a backup"]);
}

#[test]
fn a_file_in_the_place_of_a_folder_of_the_ledger_is_named() {
    let desk = march();
    let is_named = |place: &str| {
        desk.put(place, "");
        let says = [place, "a file is where a folder should be: move it away and run again"];
        contains(&desk.call("run t.toml --quiet").fails(5), &says);
        fs::remove_file(desk.path(place)).expect("a file");
    };
    is_named("ledger/t/_delta_log");
    desk.run("");
    // One that is gone is asked for; here it is not gone.
    for place in ["ledger/t/_delta_log", "ledger/t"] {
        fs::remove_dir_all(desk.path(place)).expect("a folder");
        is_named(place);
    }
}

#[test]
fn dates_that_make_no_sense_do_not_become_millions() {
    let (desk, good) = april_waits();
    let rows = (0..400).flat_map(|region| {
        ["1970-01-01", "2149-06-06"].map(|day| format!("{day}|R{region}|1|A|Like Crazy|Jimin|90\n"))
    });
    desk.put("exports/absurd.csv", merged_daily(&rows.collect::<String>()));
    desk.date("exports/absurd.csv", 60);
    // Nobody else is suspected.
    for region in ["R1", "R2", "R3"] {
        let day = format!("2024-03-05|{region}|1|A|Like Crazy|Jimin|90");
        desk.put(&format!("exports/a-{region}.csv"), merged_daily(&day));
    }
    let message = desk.call("run t.toml --quiet").fails(4);
    assert!(desk.published() == good.tables);
    let says = [
        "spotify:daily r0 has charts from 1970-01-01 to 2149-06-06",
        "look for absurd dates in absurd.csv, and take",
    ];
    contains(&message, &says);
    desk.call("ledger forget absurd.csv t.toml").succeeds();
    desk.run("");
    assert_eq!(desk.show("coverage").last().expect("a date")["region"], "r3");
}
