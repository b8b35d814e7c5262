//! What is refused, and in which words.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use super::server::{Act, Bucket, Proxy};
use super::{call, command, day};
use crate::support::{Desk, Ran};

fn guarded() -> (String, [String; 2]) {
    let server = std::env::var("CHARTLEDGER_STORE_GUARDED").expect("the server of tests/store/run");
    let reader = std::env::var("CHARTLEDGER_STORE_READER").expect("its user");
    let (id, secret) = reader.split_once(' ').expect("a key and a secret");
    (server, [id.to_owned(), secret.to_owned()])
}

#[test]
fn only_exports_and_tables_may_be_objects() {
    let desk = Desk::with([("a.csv", day("2024-01-01", [5, 4]))]);
    for (args, said) in [
        ("run t.toml --ledger s3://b/l", "the ledger stays on local disk, and s3://b/l is none"),
        ("run t.toml --metrics gs://b/m", "metrics are written on local disk"),
        ("synth -o az://b/x", "synthetic exports are written on local disk"),
        ("init s3://b/x", "a pipeline begins on local disk"),
        ("report t.toml -o s3://b/x.html", "the report is written on local disk"),
        ("plan t.toml --exports s3a://b/x", "s3a:// is not known; exports and tables are at s3://"),
        ("run t.toml --out https://b/x", "https:// is not known"),
        ("plan t.toml --exports s3://", "names no bucket"),
        ("inspect s3://b/a//b", "a part of it is empty or only dots"),
    ] {
        let ran = call(&desk, "http://127.0.0.1:9", args);
        assert!(ran.stderr.contains(said), "{args}: {}", ran.stderr);
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{args}");
    }
    desk.put("c.toml", "name = \"c\"\n[exports]\npaths = []\n[catalog]\npath = \"s3://b/catalog\"\n");
    assert!(call(&desk, "", "plan c.toml").fails(2).contains("the catalog stays on local disk"));
}

#[test]
fn without_the_other_program_it_says_how_to_get_it() {
    let desk = Desk::new();
    // Not beside this one, and not in the search path.
    let alone = desk.path("chartledger");
    fs::copy(env!("CARGO_BIN_EXE_chartledger"), &alone).expect("a copy");
    let ran = Ran::of(Command::new(&alone).current_dir(desk.path("")).env("PATH", desk.path("")).args([
        "plan",
        "t.toml",
        "--exports",
        "s3://b/x",
    ]));
    let said = ran.fails(2);
    assert!(said.contains("`cargo build --release -p chartledger-store`"), "{said}");
    assert_eq!(said.lines().count(), 1);
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn credentials_come_from_environment_or_profile_and_are_told_apart() {
    let (server, [id, secret]) = guarded();
    let desk = Desk::with([("a.csv", day("2024-01-01", [5, 4]))]);
    let ask = |args: &str, keys: Option<[&str; 2]>| {
        let mut command = command(&desk, &server, args);
        match keys {
            Some([id, secret]) => {
                command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
            }
            None => {
                command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
            }
        }
        command
    };
    let plan = "plan t.toml --exports s3://guarded/charts";
    let said = |keys| Ran::of(&mut ask(plan, keys)).fails(3);
    assert!(said(None).contains("no credentials: set AWS_ACCESS_KEY_ID"), "{}", said(None));
    let unknown = said(Some(["AKIANOBODY", "x"]));
    assert!(unknown.contains("does not accept the credentials (InvalidAccessKeyId: "), "{unknown}");
    let wrong = said(Some([&id, "x"]));
    assert!(wrong.contains("does not accept the credentials (SignatureDoesNotMatch: "), "{wrong}");
    Ran::of(&mut ask(plan, Some([&id, &secret]))).succeeds();

    // The same keys from a profile, with the endpoint from there too.
    desk.put(
        "home/.aws/credentials",
        format!("[charts]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    );
    desk.put("home/.aws/config", format!("[profile charts]\nregion = us-east-1\nendpoint_url = {server}\n"));
    let by_profile = |name: &str| {
        let mut command = ask(plan, None);
        Ran::of(command.env_remove("AWS_ENDPOINT_URL").env_remove("AWS_REGION").env("AWS_PROFILE", name))
    };
    by_profile("charts").succeeds();
    let said = by_profile("other").fails(3);
    assert!(said.contains("no credentials: no profile `other` in"), "{said}");

    // This user may read and not write: said when the tables are due, and the ledger has the export.
    let mut run = ask("run t.toml --out s3://guarded/tables", Some([&id, &secret]));
    let said = Ran::of(&mut run).fails(5);
    assert!(said.contains("cannot write s3://guarded/tables/t/.runs/"), "{said}");
    assert!(said.contains("no permission (AccessDenied: Access Denied); "), "{said}");
    assert_eq!(desk.ledger_version(), Some(0));
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn what_is_not_there_is_named() {
    let bucket = Bucket::new("not-there");
    let desk = Desk::with([("a.csv", day("2024-01-01", [5, 4]))]);
    let refused = |args: &str, code| call(&desk, &bucket.server, args).fails(code);
    let said = refused("plan t.toml --exports s3://no-such-bucket/x", 3);
    assert!(said.contains("there is no bucket s3://no-such-bucket (NoSuchBucket: "), "{said}");
    let said = refused("run t.toml --out s3://no-such-bucket/x", 5);
    assert!(said.contains("cannot write s3://no-such-bucket/x/t/latest: there is no bucket"), "{said}");
    assert_eq!(desk.ledger_version(), None, "said before anything was read");
    let at = bucket.at("x.csv");
    let said = refused(&format!("run t.toml --exports {at}"), 3);
    assert!(said.contains("cannot read s3://not-there/x.csv: there is no such object"), "{said}");
    let said = refused(&format!("run t.toml --exports {}", bucket.at("nothing")), 3);
    assert!(said.contains("no usable export under s3://not-there/nothing; no file there ends in"), "{said}");
    let said = refused(&format!("show totals t.toml --out {}", bucket.at("tables")), 2);
    assert!(said.contains("nothing has been published at s3://not-there/tables/t yet"), "{said}");
    bucket.put("tables/t/latest", "hello");
    let said = refused(&format!("run t.toml --out {}", bucket.at("tables")), 4);
    assert!(said.contains("s3://not-there/tables/t/latest: it is no pointer to a run"), "{said}");
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn a_dead_server_is_told_in_seconds() {
    let bucket = Bucket::new("dead-server");
    let desk = Desk::with([("a.csv", day("2024-01-01", [5, 4]))]);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let failing = Proxy::new(&bucket.server, |_, _| Act::Answer(503));
    let dropping = Proxy::new(&bucket.server, |_, _| Act::Drop);
    let nobody = "nobody answers there (http://127.0.0.1";
    for (endpoint, words) in [
        (format!("http://{free}"), nobody),
        (failing.address.clone(), "the store fails again and again ("),
        (dropping.address.clone(), nobody),
    ] {
        for (args, code) in [("plan t.toml --exports s3://b-b/x", 3), ("run t.toml --out s3://b-b/x", 5)] {
            let begun = Instant::now();
            let said = call(&desk, &endpoint, args).fails(code);
            assert!(said.contains(words), "{said}");
            assert!(begun.elapsed() < Duration::from_secs(20), "{args}: {:?}", begun.elapsed());
        }
    }
}
