//! Exports and tables at Google Cloud Storage. Its XML interface is that of S3 but for conditions, which
//! the proxy puts into other words: so this tests what the program says to Google, not Google.

use std::process::Command;

use super::server::{Act, Bucket, Proxy};
use super::{call, command, day};
use crate::support::{Desk, Ran};

fn ask(desk: &Desk, server: &str, args: &str) -> Ran {
    let mut command: Command = command(desk, "", args);
    Ran::of(command.envs([("GOOGLE_BASE_URL", server), ("GOOGLE_BEARER_TOKEN", "x")]))
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn exports_are_read_from_google_and_tables_published_there() {
    let bucket = Bucket::new("google");
    bucket.put("in/a.csv", day("2024-01-01", [500, 400]));
    let proxy = Proxy::new(&bucket.server, |_, _| Act::FromGoogle);
    let desk = Desk::new();
    let run = "run t.toml --exports gs://google/in --out gs://google/tables";
    let ran = ask(&desk, &proxy.address, run).succeeds();
    assert!(ran.stderr.contains("1 new export of 1 found"), "{}", ran.stderr);
    assert!(ran.stderr.contains("published  gs://google/tables/t/latest"), "{}", ran.stderr);
    let first = bucket.get("tables/t/latest").expect("a pointer");
    let ran = ask(&desk, &proxy.address, run).succeeds();
    assert!(ran.stderr.contains("nothing new in 1 export"), "{}", ran.stderr);
    bucket.put("in/b.csv", day("2024-01-02", [700, 300]));
    ask(&desk, &proxy.address, run).succeeds();
    assert_ne!(bucket.get("tables/t/latest").expect("a pointer"), first);
    let shown = ask(&Desk::new(), &proxy.address, "show exports t.toml --out gs://google/tables").succeeds();
    assert_eq!(shown.stdout.lines().count(), 3, "{}", shown.stdout);
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn of_two_runs_at_google_one_wins() {
    let bucket = Bucket::new("googlerace");
    let other = bucket.clone();
    let proxy = Proxy::new(&bucket.server, move |request, before| {
        // Somebody else has written the pointer since it was read.
        if request.puts("latest") && before == 0 {
            other.put("tables/t/latest", "{}");
        }
        Act::FromGoogle
    });
    let desk = Desk::with([("a.csv", day("2024-01-01", [500, 400]))]);
    let said = ask(&desk, &proxy.address, "run t.toml --out gs://googlerace/tables").fails(5);
    assert!(said.contains("gs://googlerace/tables/t/latest was written by another run meanwhile;"), "{said}");
}

#[test]
#[ignore = "needs the servers of tests/store/run"]
fn without_credentials_the_other_clouds_say_what_they_take() {
    let desk = Desk::new();
    let refused = |uri: &str| call(&desk, "", &format!("plan t.toml --exports {uri}")).fails(3);
    assert!(refused("gs://google/in").contains("GOOGLE_APPLICATION_CREDENTIALS"));
    assert!(refused("az://azure/in").contains("AZURE_STORAGE_ACCOUNT_NAME"));
}
