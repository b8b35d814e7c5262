//! Exports and tables at object stores. `tests/store/run` starts the servers and runs the tests that
//! need them; without it they are ignored, and say so.
//!
//! | file | tests |
//! |---|---|
//! | `refusals.rs` | what is refused, and in which words |
//! | `exports.rs` | exports at a store: the same tables, nights, pages, servers that misbehave |
//! | `tables.rs` | runs published at a store: the pointer, races, kills, retention, readers |
//! | `azure.rs` | both, in small, on Azure's emulator |
//! | `google.rs` | both, in Google's words |
//! | `server.rs` | the server from the other side, and a proxy that misbehaves |

mod azure;
mod exports;
mod google;
mod refusals;
mod server;
mod tables;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::support::{Desk, Ran, merged_daily, program, tree};

/// A call of the program that finds its store at `endpoint`, and nothing else of any cloud.
fn command(desk: &Desk, endpoint: &str, args: &str) -> Command {
    let mut command = program(&desk.path(""));
    for (name, _) in std::env::vars() {
        if ["AWS_", "GOOGLE_", "AZURE_", "STORAGE_"].iter().any(|cloud| name.starts_with(cloud)) {
            command.env_remove(name);
        }
    }
    command
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .envs([("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", endpoint)])
        // No test may ask the machine of a cloud who it is.
        .envs([("CHARTLEDGER_NO_METADATA", "1"), ("AWS_EC2_METADATA_DISABLED", "true")])
        .env("HOME", desk.path("home"))
        .env("XDG_CACHE_HOME", desk.path("cache"))
        .args(args.split_whitespace());
    command
}

fn call(desk: &Desk, endpoint: &str, args: &str) -> Ran {
    Ran::of(&mut command(desk, endpoint, args))
}

/// An export of one day: two songs, with so many streams each.
fn day(date: &str, streams: [u32; 2]) -> String {
    let [one, two] = streams;
    merged_daily(&format!("{date}|Global|1|a|One|A|{one}\n{date}|Global|2|b|Two|B, C|{two}"))
}

/// The tables of a folder that depend on the data alone.
fn tables(latest: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = tree(latest);
    files.retain(|name, _| name.ends_with(".parquet") && name != "changes.parquet");
    assert!(files.len() > 10, "{}", latest.display());
    files
}
