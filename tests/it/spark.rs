//! `--engine spark` against the fold: the same tables from the same rows, row by row.
//!
//! These tests need a Spark Connect server, whose address is in `CHARTLEDGER_SPARK`, and the program
//! `chartledger-spark` in the search path. `tests/spark/run` sees to both.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};

use crate::support::{Desk, HERE, Ran, Row, program, rows_of};
use crate::world::{World, worlds};

/// What both engines publish.
const TABLES: [&str; 6] = ["milestones", "totals", "rankings", "merges", "coverage", "credits"];
/// What a cluster leaves empty.
const LEFT_EMPTY: [&str; 2] = ["evidence_export", "evidence_row"];

fn server() -> String {
    std::env::var("CHARTLEDGER_SPARK")
        .expect("tests/spark/run starts a server and names it in CHARTLEDGER_SPARK")
}

/// Whether a statement costs the server seconds, so that not everything is asked.
fn is_slow() -> bool {
    std::env::var_os("CHARTLEDGER_SPARK_SMALL").is_some()
}

fn call(from: &Path, args: &[&str]) -> Ran {
    Ran::of(program(from).args(args))
}

/// The rows of a table, but for rankings that a cluster does not count.
fn table(from: &Path, pipeline: &str, out: &str, table: &str) -> Vec<Row> {
    let shown = call(from, &["show", table, pipeline, "--out", out, "--format", "json"]).succeeds();
    let mut rows = rows_of(&shown.stdout);
    rows.retain(|row| row.get("kind").is_none_or(|kind| kind != "reach"));
    rows
}

/// What the latest run below a folder says that it leaves out.
fn left_out(from: &Path, out: &str) -> Vec<String> {
    let pipeline =
        std::fs::read_dir(from.join(out)).expect("output").next().expect("a pipeline").expect("one");
    let text = std::fs::read_to_string(pipeline.path().join("latest/run.json")).expect("run.json");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let left = manifest["engine"]["left_out"].as_array().expect("a list");
    left.iter().map(|left| left["what"].as_str().expect("a text").to_owned()).collect()
}

/// Runs a pipeline with both engines, the cluster from these exports or else from the ledger that the
/// fold has filled, and holds the tables against each other.
fn compare(from: &Path, pipeline: &str, exports: Option<&str>) -> Result<(), String> {
    compare_with(from, pipeline, exports, &[])
}

/// The same where the cluster is given more flags. Rankings that it then leaves out are not compared,
/// but must be named.
fn compare_with(from: &Path, pipeline: &str, exports: Option<&str>, flags: &[&str]) -> Result<(), String> {
    let remote = server();
    let args = |out: &'static str| {
        let mut args = vec!["run", pipeline, "--out", out, "--quiet", "--ledger"];
        args.push(if out == "own" || exports.is_none() { "own-ledger" } else { "no-ledger" });
        args.extend(exports.iter().flat_map(|exports| ["--exports", exports]));
        args
    };
    let local = call(from, &args("own"));
    let input = if exports.is_some() { "exports" } else { "ledger" };
    let of_cluster = ["--engine", "spark", "--remote", remote.as_str(), "--input", input];
    let cluster = call(from, &[args("spark"), of_cluster.to_vec(), flags.to_vec()].concat());
    if local.code != Some(0) {
        // What cannot be published by one engine cannot be by the other: both find the same fault.
        return match cluster.code == local.code || cluster.code == Some(2) {
            true => Ok(()),
            false => Err(format!(
                "{:?} {}\nagainst\n{:?} {}",
                local.code, local.stderr, cluster.code, cluster.stderr
            )),
        };
    }
    if cluster.code != Some(0) {
        return Err(format!("the cluster ended with {:?}: {}", cluster.code, cluster.stderr));
    }
    let left = left_out(from, "spark");
    for name in TABLES {
        let (mut own, other) = (table(from, pipeline, "own", name), table(from, pipeline, "spark", name));
        own.retain(|row| match row.get("ranking").and_then(serde_json::Value::as_str) {
            Some(ranking) => !left.contains(&format!("ranking {ranking}")),
            None => true,
        });
        if name == "milestones" {
            for row in &mut own {
                LEFT_EMPTY.iter().for_each(|column| row[*column] = serde_json::Value::Null);
            }
        }
        let of = |rows: &[Row]| rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>();
        let (own, other) = (of(&own), of(&other));
        if let Some(row) = (0..own.len().max(other.len())).find(|&row| own.get(row) != other.get(row)) {
            return Err(format!(
                "{name}: {} rows and {}; the first that differ:\n{:?}\n{:?}",
                own.len(),
                other.len(),
                own.get(row),
                other.get(row)
            ));
        }
    }
    Ok(())
}

#[test]
fn flags_that_do_not_go_together_are_wrong_usage() {
    let desk = Desk::new();
    for (flags, says) in [
        ("--engine spark", "--engine spark needs --remote"),
        ("--remote sc://localhost:1", "--remote is for --engine spark"),
        ("--input ledger", "--input is for --engine spark"),
        ("--engine spark --remote sc://localhost:1 --full", "--full"),
        ("--engine spark --remote sc://localhost:1 --metrics m.prom", "--metrics"),
        ("--engine spark --remote sc://localhost:1 --on-change true", "--on-change"),
        ("--engine spark --remote sc://localhost:1 --strict", "--strict"),
    ] {
        let said = desk.call(&format!("run t.toml {flags}")).fails(2);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn without_its_program_the_engine_says_how_to_build_it() {
    let desk = Desk::new();
    // A copy of this program alone in a folder, and nowhere else to look.
    let alone = desk.path("alone/chartledger");
    std::fs::create_dir(alone.parent().expect("a folder")).expect("an empty folder");
    std::fs::copy(env!("CARGO_BIN_EXE_chartledger"), &alone).expect("a copy");
    let mut command = std::process::Command::new(&alone);
    command.current_dir(desk.path("")).env("PATH", "").args(["run", "t.toml", "--engine", "spark"]);
    let said = Ran::of(command.args(["--remote", "sc://localhost:1"])).fails(2);
    assert!(said.contains("cargo build --release -p chartledger-spark") && said.contains("protoc"), "{said}");
    assert!(!desk.path("out").exists() && !desk.path("ledger").exists());
}

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn a_server_that_is_not_there_is_found_before_anything_starts() {
    let desk = Desk::new();
    let begun = std::time::Instant::now();
    let said = desk.call("run t.toml --engine spark --remote sc://127.0.0.1:9").fails(3);
    assert!(said.contains("no Spark Connect server answers at 127.0.0.1:9"), "{said}");
    assert!(begun.elapsed().as_secs() < 30);
    let said = desk.call("run t.toml --engine spark --remote spark://127.0.0.1:7077").fails(2);
    assert!(said.contains("sc://HOST:PORT"), "{said}");
    // Somebody else listens there.
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = other.accept() {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let said = desk.call(&format!("run t.toml --engine spark --remote sc://127.0.0.1:{port}")).fails(3);
    assert!(said.contains("no Spark Connect server answers"), "{said}");
    assert!(!desk.path("out").exists() && !desk.path("ledger").exists());
}

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn a_server_that_wants_a_token_says_so() {
    // Sail lets everybody in.
    if std::env::var("CHARTLEDGER_SPARK_SERVER").as_deref() != Ok("spark") {
        println!("skipped: only Spark itself asks for one");
        return;
    }
    let desk = Desk::new();
    let run = |remote: String| {
        let mut command = program(&desk.path(""));
        command.env_remove("SPARK_CONNECT_AUTHENTICATE_TOKEN").args(["run", "t.toml", "--engine", "spark"]);
        Ran::of(command.args(["--remote", &remote])).fails(3)
    };
    for remote in [server(), format!("{}/;token=another", server())] {
        let said = run(remote);
        assert!(said.contains("does not let us in") && said.contains("token="), "{said}");
        assert!(!said.contains("another"), "a token is nobody's business: {said}");
    }
    assert!(!desk.path("out").exists() && !desk.path("ledger").exists());
}

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn every_pipeline_of_the_repository_gives_the_same_tables() {
    let folder = Path::new(HERE).join("pipelines");
    let mut pipelines: Vec<_> =
        folder.read_dir().expect("pipelines").map(|entry| entry.expect("one").path()).collect();
    pipelines.sort();
    assert!(pipelines.len() >= 2, "{pipelines:?}");
    if is_slow() {
        println!("skipped: tests/spark/run compares one, while an executor is lost");
        return;
    }
    for pipeline in pipelines {
        let dir = tempfile::tempdir().expect("a temporary folder");
        compare(dir.path(), pipeline.to_str().expect("UTF-8"), None)
            .unwrap_or_else(|problem| panic!("{problem}"));
    }
}

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn exports_of_every_dialect_are_read_alike() {
    let mut dialects =
        vec!["official-daily", "kworb", "official-weekly", "kaggle", "merged-weekly", "fycharts", "scraper"];
    if is_slow() {
        dialects.truncate(1);
    }
    let pipeline =
        Path::new(HERE).join("pipelines").join(if is_slow() { "k-soloists.toml" } else { "charts.toml" });
    for (seed, dialect) in dialects.into_iter().enumerate() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let seed = seed.to_string();
        let packed = if dialect == "kaggle" { "gzip" } else { "none" };
        let synth =
            ["synth", "--dialect", dialect, "--seed", &seed, "--compression", packed, "--output", "exports"];
        let small = ["--days", "15", "--rows-per-chart", "15", "--tracks", "60", "--regions", "2", "--quiet"];
        call(dir.path(), &[&synth[..], &small].concat()).succeeds();
        let compared = compare(dir.path(), pipeline.to_str().expect("UTF-8"), Some("exports"));
        compared.unwrap_or_else(|problem| panic!("{dialect}: {problem}"));
    }
}

/// With no total allowed to come here, so that the cluster writes them all.
const STAY: [&str; 2] = ["--collect-up-to", "0"];

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn totals_that_the_cluster_writes_are_the_same_table() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let pipeline = Path::new(HERE).join("pipelines/k-soloists.toml");
    compare_with(dir.path(), pipeline.to_str().expect("UTF-8"), None, &STAY)
        .unwrap_or_else(|problem| panic!("{problem}"));
    let left = left_out(dir.path(), "spark");
    assert!(left.contains(&"ranking most-streamed-song".to_owned()), "{left:?}");
    let latest = dir.path().join("spark/k-soloists/latest");
    let shown = std::fs::read_to_string(latest.join("run.json")).expect("run.json");
    assert!(shown.contains("\"name\": \"totals\""), "{shown}");
    // Nothing of the way there is left, and the file is the one of which run.json tells.
    assert!(!dir.path().join("spark/k-soloists/.from-cluster").exists());
    let verified = call(
        dir.path(),
        &["verify", pipeline.to_str().expect("UTF-8"), "--ledger", "own-ledger", "--out", "spark"],
    );
    assert!(verified.succeeds().stdout.contains("6 tables hashed"));
}

fn on_exports(exports: &[(&str, &str)]) -> Ran {
    let desk = Desk::with(exports.iter().copied());
    desk.call(&format!("run t.toml --engine spark --remote {}", server()))
}

const HEADER: &str = "title,rank,date,artist,url,region,chart,streams";

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn what_a_cluster_cannot_settle_is_refused_by_name() {
    let row = |rank: u32, title: &str, streams: &str| {
        format!(
            "{HEADER}\n{title},{rank},2023-01-01,A,https://open.spotify.com/track/{title:0>22},Global,top200,{streams}\n"
        )
    };
    let unreadable = on_exports(&[("a.csv", &row(1, "x", "many"))]).fails(3);
    assert!(unreadable.contains("1 rows cannot be read") && unreadable.contains("a.csv"), "{unreadable}");
    let (one, other) = (row(1, "x", "10"), row(1, "y", "20"));
    let contradict = on_exports(&[("a.csv", &one), ("b.csv", &other)]).fails(3);
    assert!(contradict.contains("contradict each other on spotify:daily global, 2023-01-01"), "{contradict}");
    // The same row twice is no contradiction.
    assert_eq!(on_exports(&[("a.csv", &one), ("b.csv", &one)]).code, Some(0));
}

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn a_file_that_the_cluster_does_not_see_is_named() {
    // Sail gives no rows for a path that is not there.
    if std::env::var("CHARTLEDGER_SPARK_SERVER").as_deref() != Ok("spark") {
        println!("skipped: only Spark itself tells");
        return;
    }
    let desk = Desk::with([("a.csv", format!("{HEADER}\nx,1,2023-01-01,A,{:0>22},Global,top200,5\n", 1))]);
    desk.run("");
    let month = crate::support::tree(&desk.path("ledger/t/months")).into_keys().next().expect("a month");
    std::fs::remove_file(desk.path(&format!("ledger/t/months/{month}"))).expect("a file less");
    let said = desk.call(&format!("run t.toml --input ledger --engine spark --remote {}", server())).fails(3);
    assert!(said.contains("every machine of the cluster sees") && said.contains(&month), "{said}");
}

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn a_sum_that_leaves_64_bits_is_an_error_on_every_server() {
    let day = |day: u32| {
        let month = 1 + day / 28;
        format!(
            "x,1,2020-{month:02}-{:02},A,https://open.spotify.com/track/{:0>22},Global,top200,{}\n",
            1 + day % 28,
            "x",
            1_i64 << 53
        )
    };
    // 1,024 of the largest figures leave 64 bits.
    let rows: String = (0..300).map(day).collect();
    let many: String = (2015..2020).map(|year| rows.replace("2020-", &format!("{year}-"))).collect();
    let overflow = on_exports(&[("a.csv", &format!("{HEADER}\n{many}"))]).fails(4);
    assert!(overflow.contains("a sum leaves 64 bits"), "{overflow}");
}

fn world_on_both(world: &World) -> Result<(), String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    world.write(dir.path());
    world.deliver(dir.path(), false);
    world.deliver(dir.path(), true);
    compare(dir.path(), "t.toml", None)?;
    std::fs::remove_dir_all(dir.path().join("spark")).map_err(|error| error.to_string())?;
    compare_with(dir.path(), "t.toml", None, &STAY)
}

#[test]
#[ignore = "needs a Spark Connect server: tests/spark/run starts one"]
fn made_up_worlds_give_the_same_tables() {
    // A statement costs a cluster a second or more, so these are few; PROPTEST_CASES asks for others.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40);
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&worlds(), |world| world_on_both(&world).map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        Err(TestError::Fail(problem, world)) => panic!("{problem}\n{world:?}"),
        Err(TestError::Abort(problem)) => panic!("{problem}"),
    }
}
