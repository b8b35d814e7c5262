//! Runs published at a store.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::server::{Act, Bucket, Proxy};
use super::{call, command, day};
use crate::support::{Desk, Ran, rows_of, tree};

/// A desk with one export.
fn desk() -> Desk {
    Desk::with([("a.csv", day("2024-01-01", [500, 400]))])
}

fn run(desk: &Desk, endpoint: &str, bucket: &Bucket, more: &str) -> Ran {
    call(desk, endpoint, &format!("run t.toml --out {} {more}", bucket.at("tables")))
}

/// The run that the pointer names.
fn latest(bucket: &Bucket) -> String {
    let pointer = bucket.get("tables/t/latest").expect("a pointer");
    assert_eq!(pointer.iter().filter(|byte| **byte == b'\n').count(), 1, "one line of JSON");
    let pointer: Value = serde_json::from_slice(&pointer).expect("JSON");
    let run = pointer["run"].as_str().expect("a run").to_owned();
    assert_eq!(pointer["path"], format!(".runs/{run}"));
    let manifest = bucket.get(&format!("tables/t/.runs/{run}/run.json")).expect("a manifest");
    assert_eq!(pointer["manifest"], blake3::hash(&manifest).to_hex().as_str());
    run
}

fn streams(desk: &Desk, bucket: &Bucket, more: &str) -> i64 {
    let args = format!("show totals t.toml --out {} --format json {more}", bucket.at("tables"));
    let rows = rows_of(&call(desk, &bucket.server, &args).succeeds().stdout);
    rows.iter().map(|row| row["streams"].as_i64().expect("a number")).sum()
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn runs_are_published_behind_a_pointer_and_read_through_it() {
    let bucket = Bucket::new("published");
    let (desk, out) = (desk(), bucket.at("tables"));
    let ran = run(&desk, &bucket.server, &bucket, "").succeeds();
    assert!(ran.stderr.contains("published  s3://published/tables/t/latest"), "{}", ran.stderr);
    let first = latest(&bucket);
    // The same bytes as in a folder.
    call(&desk, &bucket.server, "run t.toml --out files --full").succeeds();
    let mut files = tree(&desk.path("files/t/latest"));
    files.remove("run.json");
    for (name, bytes) in &files {
        assert!(bucket.get(&format!("tables/t/.runs/{first}/{name}")).as_ref() == Some(bytes), "{name}");
    }
    assert_eq!(bucket.keys("tables/t/.runs/").len(), files.len() + 1);

    let ran = run(&desk, &bucket.server, &bucket, "").succeeds();
    assert!(
        ran.stderr.contains(&format!("s3://published/tables/t/latest is of run {first}")),
        "{}",
        ran.stderr
    );
    assert_eq!(latest(&bucket), first);
    let planned = call(&desk, &bucket.server, &format!("plan t.toml --out {out}")).succeeds();
    assert!(planned.stdout.contains("publish    s3://published/tables/t/latest"), "{}", planned.stdout);

    desk.put("exports/b.csv", day("2024-01-02", [700, 300]));
    run(&desk, &bucket.server, &bucket, "").succeeds();
    let second = latest(&bucket);
    assert!(second > first);
    let ask = |desk: &Desk, args: &str| {
        call(desk, &bucket.server, &format!("{args} --out {out}")).succeeds().stdout
    };
    assert_eq!(
        (streams(&desk, &bucket, ""), streams(&desk, &bucket, &format!("--as-of-run {first}"))),
        (4500, 2200)
    );
    assert!(ask(&desk, "explain t.toml --entity one --tally song").contains("1,200"));
    assert!(ask(&desk, "diff --pipeline t.toml --columns change").contains("milestone_crossed"));
    assert!(ask(&desk, "history t.toml").contains(&second));
    let verified = ask(&desk, "verify t.toml");
    assert!(verified.contains("whose objects were fetched and hashed"), "{verified}");
    assert!(ask(&desk, "ledger vacuum t.toml").lines().count() == 0, "both runs are kept");
    ask(&desk, "report t.toml -o page.html");
    assert!(fs::read_to_string(desk.path("page.html")).expect("a page").contains("<html"));

    // Another machine has neither ledger nor copy.
    let other = Desk::new();
    assert_eq!(streams(&other, &bucket, ""), 4500);
    assert!(ask(&other, "diff --pipeline t.toml --columns change").contains("milestone_crossed"));
    assert!(!other.path("ledger").exists(), "reading makes no ledger");

    // Whoever edits an object is found out.
    let key = format!("tables/t/.runs/{second}/totals.parquet");
    let mut bytes = bucket.get(&key).expect("a table");
    bytes[40] ^= 1;
    bucket.put(&key, bytes);
    let ran = call(&desk, &bucket.server, &format!("verify t.toml --out {out}"));
    assert_eq!(ran.code, Some(4));
    assert!(ran.stdout.contains(&format!("{key}: it is not what was published")), "{}", ran.stdout);
    let third = Desk::new();
    let refused = call(&third, &bucket.server, &format!("show totals t.toml --out {out}")).fails(4);
    assert!(refused.contains("it is not what was published"), "{refused}");
    run(&desk, &bucket.server, &bucket, "--full").succeeds();
    assert_eq!(streams(&third, &bucket, ""), 4500);
}

/// Two runs that began with the same pointer: the second writer is held back until the first is done.
fn race(bucket: &Bucket, published_before: bool) {
    let (slow, quick) = (desk(), Desk::with([("q.csv", day("2024-01-01", [90, 80]))]));
    if published_before {
        run(&slow, &bucket.server, bucket, "").succeeds();
        slow.put("exports/b.csv", day("2024-01-02", [700, 300]));
    }
    let (quick, other) = (Arc::new(quick), bucket.clone());
    let winner = quick.clone();
    let proxy = Proxy::new(&bucket.server, move |request, before| {
        if request.puts("/latest") && before == 0 {
            run(&winner, &other.server, &other, "").succeeds();
        }
        Act::Forward
    });
    let said = run(&slow, &proxy.address, bucket, "").fails(5);
    let won = latest(bucket);
    let wanted = format!(
        "{} was written by another run meanwhile ({won}); nothing of this run was published there",
        bucket.at("tables/t/latest")
    );
    assert!(said.contains(&wanted), "{said}");
    assert_eq!(streams(&quick, bucket, ""), 420);
    assert_eq!(streams(&slow, bucket, ""), 420, "the loser sees what is published, too");
    // The next run of the loser goes on from what is there now.
    run(&slow, &bucket.server, bucket, "").succeeds();
    assert_ne!(latest(bucket), won);
    assert_eq!(streams(&slow, bucket, ""), if published_before { 4500 } else { 2200 });
    let manifest = bucket.get(&format!("tables/t/.runs/{}/run.json", latest(bucket))).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(manifest["before"], won.as_str());
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn of_two_first_runs_one_wins() {
    race(&Bucket::new("race-first"), false);
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn of_two_later_runs_one_wins() {
    race(&Bucket::new("race-later"), true);
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn a_pointer_that_was_written_without_an_answer_is_ours() {
    let bucket = Bucket::new("no-answer");
    let desk = desk();
    // The store has taken the pointer when the connection breaks: the second try meets the first.
    let proxy = Proxy::new(&bucket.server, |request, before| match request.puts("/latest") && before == 0 {
        true => Act::Lose,
        false => Act::Forward,
    });
    run(&desk, &proxy.address, &bucket, "").succeeds();
    assert_eq!(proxy.seen().iter().filter(|request| request.puts("/latest")).count(), 2);
    assert_eq!(streams(&desk, &bucket, ""), 2200);
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn a_run_that_is_killed_before_the_pointer_leaves_the_old_one() {
    let bucket = Bucket::new("killed-late");
    let desk = desk();
    run(&desk, &bucket.server, &bucket, "").succeeds();
    let old = latest(&bucket);
    desk.put("exports/b.csv", day("2024-01-02", [700, 300]));
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let victim = child.clone();
    let proxy = Proxy::new(&bucket.server, move |request, _| {
        if request.puts("/latest") {
            // The program has not been stored yet only if it was quicker than the one who starts it.
            loop {
                if let Some(child) = victim.lock().expect("a child").as_mut() {
                    child.kill().expect("it is killed");
                    return Act::Drop;
                }
            }
        }
        Act::Forward
    });
    let mut command = command(&desk, &proxy.address, &format!("run t.toml --out {}", bucket.at("tables")));
    *child.lock().expect("a child") =
        Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    let status = loop {
        if let Some(status) =
            child.lock().expect("a child").as_mut().expect("a child").try_wait().expect("a status")
        {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert_eq!(status.signal(), Some(9));
    assert_eq!(latest(&bucket), old);
    assert_eq!(streams(&desk, &bucket, ""), 2200);
    // All its objects are there, and nobody looks at them.
    assert_eq!(
        bucket.keys("tables/t/.runs/").len(),
        2 * bucket.keys(&format!("tables/t/.runs/{old}/")).len()
    );
    run(&desk, &bucket.server, &bucket, "").succeeds();
    assert!(latest(&bucket) > old);
    assert_eq!(streams(&desk, &bucket, ""), 4500);
    call(&desk, &bucket.server, &format!("verify t.toml --out {}", bucket.at("tables"))).succeeds();
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn retention_lets_old_runs_go_and_never_the_one_that_is_read() {
    let bucket = Bucket::new("retention");
    let desk = desk().and_pipeline("[retention]\nruns = 2\n");
    let mut runs = Vec::new();
    for night in 1..=4 {
        desk.put(&format!("exports/{night}.csv"), day(&format!("2024-02-0{night}"), [10, 5]));
        let ran = run(&desk, &bucket.server, &bucket, "").succeeds();
        runs.push(latest(&bucket));
        assert_eq!(ran.stderr.contains("retired    "), night > 2, "{}", ran.stderr);
    }
    let mut kept: Vec<String> = bucket
        .keys("tables/t/.runs/")
        .iter()
        .filter_map(|key| key.split('/').nth(3).map(str::to_owned))
        .collect();
    kept.dedup();
    assert_eq!(kept, runs[2..]);
    assert_eq!(streams(&Desk::new(), &bucket, ""), 2340);
    let refused = format!("show totals t.toml --out {} --as-of-run {}", bucket.at("tables"), runs[0]);
    assert!(call(&desk, &bucket.server, &refused).fails(2).contains("no run is called"));
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn a_signal_during_the_upload_says_what_is_there() {
    let bucket = Bucket::new("signal");
    let desk = desk();
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let victim = child.clone();
    let proxy = Proxy::new(&bucket.server, move |request, before| {
        if request.puts("/totals.parquet") && before == 0 {
            while victim.lock().expect("a child").is_none() {}
            let id = victim.lock().expect("a child").as_ref().expect("a child").id();
            let killed = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status();
            assert!(killed.expect("it is told").success());
            std::thread::sleep(std::time::Duration::from_secs(2));
        }
        Act::Forward
    });
    let mut command = command(&desk, &proxy.address, &format!("run t.toml --out {}", bucket.at("tables")));
    let started = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut errors = {
        let mut slot = child.lock().expect("a child");
        slot.insert(started).stderr.take().expect("a pipe")
    };
    let mut said = String::new();
    std::io::Read::read_to_string(&mut errors, &mut said).expect("UTF-8");
    let mut child = child.lock().expect("a child").take().expect("a child");
    let status = child.wait().expect("a status");
    assert_eq!(status.code(), Some(143), "{said}");
    assert!(said.contains("the published tables are as they were; the next run publishes them"), "{said}");
    assert!(bucket.get("tables/t/latest").is_none());
    run(&desk, &bucket.server, &bucket, "").succeeds();
    assert_eq!(streams(&desk, &bucket, ""), 2200);
}
