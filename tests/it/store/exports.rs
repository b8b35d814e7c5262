//! Exports at a store.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::server::{Act, Bucket, Proxy};
use super::{call, command, day, tables};
use crate::support::{Desk, HERE, pick, sum, tree};

/// Which exports were fetched through a proxy, by the ends of their names.
fn fetched(proxy: &Proxy) -> Vec<String> {
    let seen = proxy.seen();
    let gets = seen.iter().filter(|request| request.method == "GET" && request.target.ends_with(".csv"));
    let mut names: Vec<String> =
        gets.map(|request| request.target.rsplit('/').next().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn the_sample_gives_the_same_tables_from_objects_as_from_files() {
    let bucket = Bucket::new("sample");
    let exports = Path::new(HERE).join("data/exports");
    for (name, bytes) in tree(&exports) {
        bucket.put(&format!("charts/{name}"), bytes);
    }
    // None of these is an export.
    for name in ["charts/_temporary/x.csv", "charts/.hidden/x.csv", "charts/notes.txt", "chartsx/y.csv"] {
        bucket.put(name, "x");
    }
    let desk = Desk::new();
    let pipeline = format!("{HERE}/pipelines/k-soloists.toml");
    let local = format!("run {pipeline} --exports {} --ledger files --out files-out -q", exports.display());
    call(&desk, &bucket.server, &local).succeeds();
    let remote =
        format!("run {pipeline} --exports {} --ledger objects --out objects-out", bucket.at("charts/"));
    let ran = call(&desk, &bucket.server, &remote).succeeds();
    assert!(
        ran.stderr.contains("read       138 new exports of 138 found, 90,550 rows in 3.35 MB"),
        "{}",
        ran.stderr
    );
    let latest = |out: &str| tables(&desk.path(out).join("k-soloists/latest"));
    assert!(latest("objects-out") == latest("files-out"));
    let left: Vec<_> = fs::read_dir(desk.path("objects/.objects")).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "only what is known of objects is kept: {left:?}");

    // A proof names the object, and the ledger is whole.
    let proof = format!("explain {pipeline} --ledger objects --out objects-out --entity seven");
    let proof = call(&desk, &bucket.server, &proof).succeeds().stdout;
    assert!(proof.contains("read from s3://sample/charts/"), "{proof}");
    call(&desk, &bucket.server, &format!("verify {pipeline} --ledger objects --out objects-out")).succeeds();
    let seen = call(&desk, &bucket.server, &format!("inspect {}", bucket.at("charts/kaggle-2023-autumn")));
    assert!(seen.succeeds().stdout.contains("dialect  merged-daily"));
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn a_night_fetches_what_is_new_or_changed_and_nothing_else() {
    let bucket = Bucket::new("nights");
    let proxy = Proxy::new(&bucket.server, |_, _| Act::Forward);
    let desk = Desk::new();
    let run = |more: &str| {
        call(&desk, &proxy.address, &format!("run t.toml --exports {} {more}", bucket.at("in"))).succeeds()
    };
    let streams = || sum(&desk.show("totals"), "streams");
    bucket.put("in/a.csv", day("2024-01-01", [500, 400]));
    bucket.put("in/sub/b.csv", day("2024-01-02", [50, 40]));
    run("");
    assert_eq!(fetched(&proxy), ["a.csv", "b.csv"]);
    let before = streams();
    assert_eq!(pick(&desk.show("exports"), "export"), ["a.csv", "sub/b.csv"]);

    let ran = run("");
    assert!(ran.stderr.contains("nothing new in 2 exports"), "{}", ran.stderr);
    assert!(fetched(&proxy).is_empty());
    let ran = run("--full");
    assert!(ran.stderr.contains("published  "), "{}", ran.stderr);
    assert!(fetched(&proxy).is_empty(), "a full run counts the ledger again");

    bucket.put("in/c.csv", day("2024-01-03", [5, 4]));
    run("");
    assert_eq!(fetched(&proxy), ["c.csv"]);

    // As large as before, and written within the second that the store tells.
    bucket.put("in/c.csv", day("2024-01-03", [7, 4]));
    run("");
    assert_eq!(fetched(&proxy), ["c.csv"]);
    let after = streams();
    assert_ne!(before, after);

    // The same content under a new time is the same to the store, and so here.
    thread::sleep(std::time::Duration::from_millis(1100));
    bucket.put("in/a.csv", day("2024-01-01", [500, 400]));
    let ran = run("");
    assert!(ran.stderr.contains("nothing new in 3 exports"), "{}", ran.stderr);
    assert!(fetched(&proxy).is_empty());

    // Without what is kept of objects, size and time decide, as for files.
    fs::remove_file(desk.path("ledger/t/.objects/known.json")).expect("it is kept");
    run("");
    assert_eq!(fetched(&proxy), ["a.csv"]);

    // What was taken in stays when the object goes; when all go, that is no silent night.
    bucket.remove("in/c.csv");
    let ran = run("");
    assert!(ran.stderr.contains("nothing new in 2 exports"), "{}", ran.stderr);
    assert_eq!(streams(), after);
    bucket.remove("in/a.csv");
    bucket.remove("in/sub/b.csv");
    let said = call(&desk, &proxy.address, &format!("run t.toml --exports {}", bucket.at("in"))).fails(3);
    assert!(
        said.contains("no export under s3://nights/in, and the ledger knows 3: is the address"),
        "{said}"
    );
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn more_objects_than_a_page_are_all_found() {
    const COUNT: usize = 1_050;
    let bucket = Bucket::new("pages");
    let parts: Vec<usize> = (0..COUNT).collect();
    thread::scope(|scope| {
        for part in parts.chunks(COUNT.div_ceil(4)) {
            let bucket = &bucket;
            scope.spawn(move || {
                for at in part {
                    let date = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).expect("a date");
                    let date = date + chrono::Days::new(*at as u64);
                    bucket.put(&format!("in/{at:04}.csv"), day(&date.to_string(), [2, 1]));
                }
            });
        }
    });
    let proxy = Proxy::new(&bucket.server, |_, _| Act::Forward);
    let desk = Desk::new();
    let ran = call(&desk, &proxy.address, &format!("run t.toml --exports {}", bucket.at("in"))).succeeds();
    assert!(ran.stderr.contains("read       1,050 new exports of 1,050 found, 2,100 rows"), "{}", ran.stderr);
    let lists = proxy.seen().into_iter().filter(|request| request.target.contains("list-type=2"));
    let pages: Vec<bool> = lists.map(|request| request.target.contains("continuation-token=")).collect();
    assert_eq!(pages, [false, true]);
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn a_server_that_stumbles_is_asked_again() {
    let bucket = Bucket::new("stumbles");
    bucket.put("in/a.csv", day("2024-01-01", [500, 400]));
    bucket.put("in/b.csv", day("2024-01-02", [50, 40]));
    // Everything fails twice, and then an export breaks off in its middle.
    let proxy = Proxy::new(&bucket.server, |request, before| match before {
        0 => Act::Answer(503),
        1 => Act::Drop,
        2 if request.gets("a.csv") => Act::Cut(100),
        _ => Act::Forward,
    });
    let desk = Desk::new();
    let args = format!("run t.toml --exports {} --out {}", bucket.at("in"), bucket.at("out"));
    let ran = call(&desk, &proxy.address, &args).succeeds();
    assert!(ran.stderr.contains("2 new exports of 2 found, 4 rows"), "{}", ran.stderr);
    assert!(proxy.seen().iter().filter(|request| request.gets("a.csv")).count() >= 4);
    let shown =
        call(&desk, &bucket.server, &format!("show exports t.toml --out {}", bucket.at("out"))).succeeds();
    assert_eq!(shown.stdout.lines().count(), 3, "{}", shown.stdout);
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn an_object_that_changes_or_goes_under_the_reader_is_left_for_the_next_run() {
    let bucket = Bucket::new("moving");
    for (name, date) in [("a", "2024-01-01"), ("b", "2024-01-02"), ("c", "2024-01-03")] {
        bucket.put(&format!("in/{name}.csv"), day(date, [50, 40]));
    }
    let (own, done) = (bucket.clone(), AtomicBool::new(false));
    let proxy = Proxy::new(&bucket.server, move |request, _| {
        if request.method == "GET" && request.target.ends_with(".csv") && !done.swap(true, Ordering::SeqCst) {
            own.put("in/b.csv", day("2024-01-02", [70, 40]));
            own.remove("in/c.csv");
        } else if request.method == "GET" && request.target.ends_with(".csv") {
            thread::sleep(std::time::Duration::from_millis(300));
        }
        Act::Forward
    });
    let desk = Desk::new();
    let run = |endpoint: &str| {
        call(&desk, endpoint, &format!("run t.toml --exports {}", bucket.at("in"))).succeeds()
    };
    let ran = run(&proxy.address);
    assert!(ran.stderr.contains("1 new export of 3 found"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("b.csv: it changed while it was read; left for the next run"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("c.csv: it was removed before it was read to its end"), "{}", ran.stderr);
    let ran = run(&bucket.server);
    assert!(ran.stderr.contains("1 new export of 2 found"), "{}", ran.stderr);
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn bad_rows_bad_files_and_odd_names_are_what_they_are_in_files() {
    let bucket = Bucket::new("bad-days");
    let desk = Desk::new();
    let exports = [
        ("good.csv", day("2024-01-01", [500, 400])),
        ("bad row.csv", day("2024-01-02", [500, 400]).replace("400", "many")),
        ("no/chart.csv", "a,b\n1,2\n".to_owned()),
        ("no end.csv", day("2024-01-03", [500, 400]).trim_end().to_owned()),
        ("정국.csv", day("2024-01-04", [500, 400])),
        ("100%25+1.csv", day("2024-01-05", [500, 400])),
    ];
    for (name, text) in &exports {
        desk.put(&format!("exports/{name}"), text);
        let escaped: String = name
            .bytes()
            .map(|byte| match byte {
                b'/' | b'.' => char::from(byte).to_string(),
                byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        bucket.put(&format!("in/{escaped}"), text);
    }
    let ran = |exports: &str, out: &str| {
        let args = format!("run t.toml --exports {exports} --ledger {out}-ledger --out {out}");
        call(&desk, &bucket.server, &args).succeeds().stderr
    };
    let said = |text: String| -> Vec<String> {
        let lines =
            text.lines().filter(|line| ["read", "refused", "rows"].iter().any(|word| line.starts_with(word)));
        lines.map(str::to_owned).collect()
    };
    let (files, objects) = (said(ran("exports", "files")), said(ran(&bucket.at("in"), "objects")));
    assert_eq!(files, objects);
    assert!(files.iter().any(|line| line.contains("no/chart.csv")), "{files:?}");
    assert!(tables(&desk.path("files/t/latest")) == tables(&desk.path("objects/t/latest")));
    let strict = format!("run t.toml --strict --exports {} --ledger x --out x", bucket.at("in"));
    assert!(call(&desk, &bucket.server, &strict).fails(3).contains("--strict, and a row was quarantined"));
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn what_a_killed_run_fetched_is_swept_and_fetched_again() {
    let bucket = Bucket::new("killed");
    for at in 1..=3 {
        bucket.put(&format!("in/{at}.csv"), day(&format!("2024-01-0{at}"), [50, 40]));
    }
    let proxy = Proxy::new(&bucket.server, |request, _| {
        if request.gets("3.csv") {
            thread::sleep(std::time::Duration::from_secs(5));
        }
        Act::Forward
    });
    let desk = Desk::new();
    let args = format!("run t.toml --exports {}", bucket.at("in"));
    let mut child = command(&desk, &proxy.address, &args).spawn().expect("it starts");
    let spooled = || {
        let folders = fs::read_dir(desk.path("ledger/t/.objects")).into_iter().flatten().flatten();
        folders.filter(|entry| entry.file_name().to_string_lossy().starts_with("chartledger-spool-")).count()
    };
    for _ in 0..400 {
        if spooled() == 1 {
            break;
        }
        thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().and_then(|()| child.wait()).expect("it is killed");
    assert_eq!(spooled(), 1);
    let ran = call(&desk, &bucket.server, &args).succeeds();
    assert!(ran.stderr.contains("3 new exports of 3 found"), "{}", ran.stderr);
    assert_eq!(spooled(), 0);
    call(&desk, &bucket.server, "verify t.toml").succeeds();
}
