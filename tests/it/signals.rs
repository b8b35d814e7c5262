//! SIGINT and SIGTERM at any moment of a run: it ends at once, says in which state, and that is the
//! state; the next run completes it.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::Value;

use crate::cli::{APRIL, march};
use crate::support::{Desk, merged_daily, program, tree};

/// Rounds; each is a run that is stopped and one that completes it.
fn rounds() -> usize {
    std::env::var("CHARTLEDGER_SIGNALS").ok().and_then(|count| count.parse().ok()).unwrap_or(16)
}

fn desk() -> Desk {
    let desk = Desk::new();
    let synth = "synth --output exports --dialect kaggle --regions 6 --days 90 --layout per-day";
    desk.call(synth).succeeds();
    desk
}

fn wipe(desk: &Desk) {
    for folder in ["ledger", "out"] {
        let _ = fs::remove_dir_all(desk.path(folder));
    }
}

#[test]
fn a_signal_at_any_moment_leaves_a_state_that_the_next_run_completes() {
    let desk = desk();
    let begin = Instant::now();
    desk.run("");
    let mut usual = begin.elapsed();
    let undisturbed = desk.published();
    let mut random = Pcg64::seed_from_u64(4);
    let (mut stopped, mut stages) = (0, [0; 3]);
    for round in 0..rounds() {
        wipe(&desk);
        let (signal, code, name) = [("-INT", 130, "SIGINT"), ("-TERM", 143, "SIGTERM")][round % 2];
        let mut command = program(&desk.path(""));
        command.args(["run", "t.toml", "--metrics", "m.prom", "--log-format", "json"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        // The first moments belong to the system, which has not started the program yet.
        let wait = usual.mul_f64(random.random_range(0.0..0.9)).max(Duration::from_millis(30));
        std::thread::sleep(wait);
        let sent = Instant::now();
        Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
        let output = child.wait_with_output().expect("an end");
        assert!(sent.elapsed() < Duration::from_secs(5), "round {round}: {:?} to stop", sent.elapsed());
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        let metrics = fs::read_to_string(desk.path("m.prom")).unwrap_or_default();
        let committed = desk.ledger_version() == Some(0);
        let published = desk.path("out/t/latest/run.json").exists();
        if output.status.code() == Some(0) {
            assert!(committed && published, "round {round}");
            // The machine was busier when it was measured.
            usual = usual.mul_f64(0.7);
            continue;
        }
        assert_eq!(output.status.code(), Some(code), "round {round}: {stderr}");
        // The run itself may say one thing more before the process ends.
        let mut lines = stderr.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let says = lines.by_ref().rev().find_map(|line| Some(line["error"].as_str()?.to_owned()));
        let says = says.unwrap_or_else(|| panic!("round {round}: no sentence in {stderr}"));
        let state = match (committed, published) {
            (false, false) => 0,
            (true, false) => 1,
            (true, true) => 2,
            (false, true) => panic!("round {round}: tables without a commit"),
        };
        let sentence = [
            "nothing was committed; the ledger and the published tables are as they were",
            "the ledger has taken the new exports in, the published tables are as they were; the next run \
             publishes them",
            "the run was over: ledger and tables are in place",
        ][state];
        assert_eq!(says, format!("stopped by {name}: {sentence}"), "round {round}");
        assert!(metrics.contains(&format!("last_run_exit_code{{pipeline=\"t\"}} {code}\n")), "{metrics}");
        (stopped, stages[state]) = (stopped + 1, stages[state] + 1);

        desk.run("");
        assert_eq!(desk.published(), undisturbed, "round {round}");
        let left: Vec<String> = ["ledger", "out"]
            .into_iter()
            .flat_map(|folder| tree(&desk.path(folder)).into_keys())
            .filter(|name| name.contains(".tmp-"))
            .collect();
        assert!(left.is_empty(), "round {round}: {left:?}");
    }
    println!("{stopped} of {} runs stopped: before, committed, published: {stages:?}", rounds());
    assert!(stopped * 4 >= rounds(), "{stopped} of {} runs were stopped", rounds());
}

#[test]
fn a_signal_leaves_the_last_good_state() {
    let desk = desk();
    let moved = desk.path("exports/later");
    let _ = fs::create_dir(&moved);
    let all: Vec<String> = tree(&desk.path("exports")).into_keys().collect();
    let later: Vec<&String> = all.iter().skip(10).collect();
    let waiting = desk.path("waiting");
    fs::create_dir(&waiting).expect("a folder");
    for name in &later {
        fs::rename(desk.path("exports").join(name), waiting.join(name)).expect("a file");
    }
    desk.run("");
    let good = crate::bad_days::good(&desk);
    for name in &later {
        fs::rename(waiting.join(name), desk.path("exports").join(name)).expect("a file");
    }
    let mut command = program(&desk.path(""));
    let command = command.args(["run", "t.toml", "--threads", "1"]).stdout(Stdio::null());
    let child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    std::thread::sleep(Duration::from_millis(40));
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    let output = child.wait_with_output().expect("an end");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{stderr}");
    if stderr.contains("error: stopped by SIGTERM: nothing was committed") {
        assert_eq!(crate::bad_days::good(&desk), good);
    }
    // Nobody holds the ledger.
    desk.run("");
    assert_ne!(crate::bad_days::good(&desk), good);
}

#[test]
fn a_command_that_is_told_of_changes_ends_with_the_program() {
    let desk = march();
    desk.run("");
    desk.put("exports/april.csv", merged_daily(APRIL));
    let mut command = program(&desk.path(""));
    command.args(["run", "t.toml", "--quiet", "--on-change", "echo $$ > leader; sleep 61 & sleep 61"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let begun = Instant::now();
    let leader = loop {
        let leader = fs::read_to_string(desk.path("leader")).unwrap_or_default();
        if leader.ends_with('\n') {
            break leader.trim().to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the command was not started");
        std::thread::sleep(Duration::from_millis(5));
    };
    Command::new("kill").arg(child.id().to_string()).status().expect("kill");
    assert_eq!(child.wait().expect("an end").code(), Some(143));
    let is_there = || {
        let script = format!("kill -0 -- -{leader}");
        let asked = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
        asked.expect("an answer").success()
    };
    let begun = Instant::now();
    while is_there() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it goes on without the program");
        std::thread::sleep(Duration::from_millis(10));
    }
}
