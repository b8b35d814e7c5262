//! Who is told of changes, and what becomes of the run if that goes wrong.

use std::fs;
use std::time::{Duration, Instant};

use super::{first, second};
use crate::support::{Desk, Ran, Row, merged_daily, pick, program, rows_of};

/// A desk after one night, with another one to come.
fn before_the_second_night(pipeline: &str) -> Desk {
    let desk = Desk::with([("a.csv", first())]).and_pipeline(pipeline);
    desk.run("");
    desk.put("exports/b.csv", second());
    desk
}

fn run_with(desk: &Desk, command: &str) -> Ran {
    Ran::of(program(&desk.path("")).args(["run", "t.toml", "--quiet", "--on-change", command])).succeeds()
}

fn told(desk: &Desk) -> Vec<Row> {
    rows_of(&fs::read_to_string(desk.path("told.json")).expect("what was told"))
}

#[test]
fn the_hook_gets_exactly_the_changes() {
    let desk = before_the_second_night("");
    let ran =
        run_with(&desk, "cat > told.json; echo $CHARTLEDGER_RUN; cat $CHARTLEDGER_PUBLISHED/run.json >&2");
    let rows = desk.show("changes");
    assert_eq!(rows.len(), 7);
    assert_eq!(told(&desk), rows);
    // Standard output is for data of the program's own.
    assert_eq!(ran.stdout, "");
    let run = ran.stderr.lines().next().expect("the run");
    assert!(ran.stderr.contains(&format!("\"run\": \"{run}\"")), "{}", ran.stderr);
    // With nothing to tell, nobody is told.
    fs::remove_file(desk.path("told.json")).expect("the file");
    run_with(&desk, "cat > told.json");
    assert!(!desk.path("told.json").exists());
}

#[test]
fn the_hook_is_told_where_nobody_reads_along() {
    let desk = before_the_second_night("");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = program(&desk.path(""));
    command.args(["run", "t.toml", "--on-change", "cat > told.json"]).stdout(writer);
    assert_eq!(command.status().expect("an end").code(), Some(0));
    assert_eq!(told(&desk).len(), 7);
}

#[test]
fn a_first_run_tells_nobody() {
    let desk = Desk::with([("a.csv", first())]);
    run_with(&desk, "cat > told.json");
    assert!(!desk.path("told.json").exists());
}

#[test]
fn the_pipeline_says_what_matters() {
    let told_of = |keys: &str| {
        let desk = before_the_second_night(&format!("[on_change]\ncommand = \"cat > told.json\"\n{keys}"));
        let ran = desk.run("");
        let rows = if desk.path("told.json").exists() { told(&desk) } else { Vec::new() };
        let counted = format!("told       of {} change", rows.len());
        assert_eq!(ran.stderr.contains(&counted), !rows.is_empty(), "{}", ran.stderr);
        pick(&rows, "change name entity threshold")
    };
    assert_eq!(told_of("").len(), 7);
    assert_eq!(
        told_of("kinds = [\"milestone\"]\nnames = [\"song\"]"),
        ["milestone_crossed | song | Seven | 100", "milestone_crossed | song | Seven | 1000"]
    );
    assert_eq!(
        told_of("kinds = [\"rank_gained\", \"rank_lost\"]\nentities = [\"LIKE CRAZY\"]"),
        ["rank_lost | most-streamed | Like Crazy | 0"]
    );
    assert_eq!(
        told_of("kinds = [\"rank\"]\ntop = 1"),
        [
            "rank_gained | fastest | Seven | 100",
            "rank_gained | most-streamed | Seven | 0",
            "rank_lost | most-streamed | Like Crazy | 0"
        ]
    );
    assert!(told_of("kinds = [\"record\"]").is_empty());
    assert!(told_of("causes = [\"correction\", \"catalog\"]").is_empty());
    assert_eq!(told_of("causes = [\"new_data\"]\nentities = [\"nobody\", \"jung kook\"]").len(), 2);
}

#[test]
fn a_cohort_is_its_members_and_what_credits_them() {
    let keys = "[catalog]\npath = \"catalog\"\n[on_change]\ncohort = \"us\"\n";
    let desk = Desk::with([("a.csv", first())]).and_pipeline(keys);
    desk.put("catalog/artists.toml", "[[artist]]\nid = \"jk\"\nname = \"Jung Kook\"\n");
    desk.put("catalog/cohorts.toml", "[[cohort]]\nid = \"us\"\nmembers = [\"jk\"]\n");
    desk.run("");
    desk.put("exports/b.csv", second());
    run_with(&desk, "cat > told.json");
    assert_eq!(told(&desk).len(), 6);
    assert!(pick(&told(&desk), "entity").iter().all(|name| name == "Seven" || name == "Jung Kook"));
    assert_eq!(desk.show("changes").len(), 7, "the table has them all");
}

#[test]
fn what_cannot_be_chosen_is_refused() {
    for (keys, named) in [
        ("kinds = [\"crossed\"]", "`crossed` is no kind"),
        ("names = [\"songs\"]", "called `songs`"),
        ("causes = [\"weather\"]", "`weather` is no cause"),
        ("cohort = \"us\"", "no cohort `us`"),
        ("timeout = 0", "timeout = 0"),
        ("top = 0", "top = 0"),
        ("topic = \"x\"", "topic"),
    ] {
        let desk = Desk::with([("a.csv", first())]).and_pipeline(&format!("[on_change]\n{keys}\n"));
        let message = desk.call("run t.toml").fails(2);
        assert!(message.contains("t.toml") && message.contains(named), "{message}");
    }
}

#[test]
fn a_hook_that_fails_is_a_warning() {
    let desk = before_the_second_night("");
    let ran = run_with(&desk, "exit 3");
    assert!(ran.stderr.contains("WARN") && ran.stderr.contains("ended with exit code 3"), "{}", ran.stderr);
    assert_eq!(desk.show("changes").len(), 7);
    let desk = before_the_second_night("");
    assert!(run_with(&desk, "kill -9 $$").stderr.contains("ended by signal 9"));
    let desk = before_the_second_night("");
    assert!(run_with(&desk, "no-such-command-here").stderr.contains("exit code 127"));
}

#[test]
fn a_hook_that_does_not_read_stops_nothing() {
    let desk = Desk::with([("a.csv", first())]);
    desk.run("");
    // More than a pipe holds.
    let rows = (0..400).map(|at| format!("2024-03-02|Global|{}|T{at}|Song {at}|Someone {at}|2000", at + 1));
    desk.put("exports/b.csv", merged_daily(&rows.collect::<Vec<_>>().join("\n")));
    let ran = run_with(&desk, "exec <&-; true");
    assert_eq!(ran.stderr, "");
    assert!(desk.show("changes").len() > 800);
}

#[test]
fn a_hook_has_a_time_limit_and_ends_with_all_that_it_started() {
    let desk = before_the_second_night("[on_change]\ntimeout = 1\n");
    let start = Instant::now();
    // Were the second command not ended, this would wait for it: it holds standard error open.
    let ran = run_with(&desk, "sleep 60 & sleep 60; echo late > late");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert!(ran.stderr.contains("ended after 1 s, its time limit"), "{}", ran.stderr);
    assert!(!desk.path("late").exists());
}

#[test]
fn a_log_in_json_stays_one_and_has_what_the_hook_said() {
    let desk = before_the_second_night("");
    let args =
        ["run", "t.toml", "--log-format", "json", "--on-change", "echo no mail; echo today >&2; exit 1"];
    let ran = Ran::of(program(&desk.path("")).args(args)).succeeds();
    let lines: Vec<Row> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let told = lines.iter().find(|line| line["level"] == "WARN").expect("a warning");
    assert_eq!((&told["output"], &told["changes"]), (&"no mail\ntoday".into(), &7.into()));
}

#[test]
fn the_pipelines_command_starts_beside_its_file() {
    let desk = before_the_second_night("[on_change]\ncommand = \"cat > told.json\"\n");
    fs::create_dir(desk.path("elsewhere")).expect("a folder");
    Ran::of(program(&desk.path("elsewhere")).args(["run", "../t.toml", "--quiet"])).succeeds();
    assert_eq!(told(&desk).len(), 7);
    let left = fs::read_dir(desk.path("out/t")).expect("the output").map(|entry| entry.expect("a file"));
    let names: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".tmp")), "{names:?}");
}
