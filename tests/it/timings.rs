//! What a run says of the time its stages took: `--timings`, `run.json`.

use std::fs;

use serde_json::Value;

use crate::cli::march;

/// The lines of the table by stage: its other cells, empty ones left out.
fn stages(stderr: &str) -> Vec<(String, Vec<String>)> {
    let (_, below) = stderr.split_once('─').expect("a head");
    let lines = below.lines().skip(1).take_while(|line| line.starts_with(' '));
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split("   ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect()
    };
    lines.map(cells).map(|mut cells| (cells.remove(0), cells)).collect()
}

#[test]
fn timings_tell_each_stage_with_rows_bytes_and_threads() {
    let desk = march();
    let ran = desk.run("--timings");
    let stages = stages(&ran.stderr);
    let names: Vec<&str> = stages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "open ledger",
            "discover",
            "decode",
            "ledger",
            "resume",
            "survey",
            "identify",
            "fold",
            "claims",
            "corrections",
            "tables",
            "changes",
            "publish",
            "all"
        ],
        "{}",
        ran.stderr
    );
    let cells = |wanted: &str| &stages.iter().find(|(name, _)| name == wanted).expect("it").1;
    let seconds = |name: &str| cells(name)[0].parse::<f64>().expect("seconds");
    let sum: f64 = names.iter().filter(|name| **name != "all").map(|name| seconds(name)).sum();
    assert!((sum - seconds("all")).abs() < 0.02, "{}", ran.stderr);
    let rows = desk.show("exports").iter().map(|row| row["rows_read"].as_i64().expect("rows")).sum::<i64>();
    for stage in ["decode", "ledger"] {
        assert!(cells(stage).contains(&rows.to_string()), "{stage}: {rows} rows in {}", ran.stderr);
        assert!(cells(stage).iter().any(|cell| cell.ends_with('B')), "{stage} in {}", ran.stderr);
    }
    let parts = ran.stderr.lines().find(|line| line.starts_with("decode:")).expect("the parts of decoding");
    for part in ["read ", "hash ", "tokenise and encode "] {
        assert!(parts.contains(part), "{parts}");
    }

    let untold = desk.run("--full").stderr;
    assert!(!untold.contains("threads"), "{untold}");
    let only = desk.run("--full --timings --quiet").stderr;
    assert!(only.starts_with("\n stage") && !only.contains("published"), "{only}");
}

#[test]
fn timings_in_a_log_are_figures() {
    let desk = march();
    let ran = desk.run("--timings --log-format json");
    let events: Vec<Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let timings: Vec<&Value> = events.iter().filter(|event| event["message"] == "timing").collect();
    let fold = timings.iter().find(|event| event["stage"] == "fold").expect("the fold");
    assert!(fold["seconds"].as_f64() > Some(0.0) && fold["processor_seconds"].as_f64() > Some(0.0), "{fold}");
    assert!(fold["rows"].as_u64() > Some(0) && fold["bytes"].as_u64() > Some(0), "{fold}");
    assert!(timings.iter().any(|event| event["part"] == "read"), "{timings:?}");
}

#[test]
fn the_manifest_has_the_seconds_of_every_stage_that_went_before_it() {
    let desk = march();
    desk.run("");
    let manifest = fs::read_to_string(desk.path("out/t/latest/run.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    for stage in ["discover", "decode", "ledger", "survey", "fold", "tables", "changes", "publish"] {
        assert!(manifest["seconds"][stage].as_f64() > Some(0.0), "{stage} in {}", manifest["seconds"]);
    }
    assert!(manifest["peak_memory_bytes"].as_u64() > Some(1_000_000));
}
