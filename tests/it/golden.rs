//! Golden cases: each folder of `tests/golden` is a run, and what a person worked out of it.
//!
//! `expected/<table>.csv` holds the columns that its header names. After a change that is meant,
//! `CHARTLEDGER_BLESS=1 cargo test --release --test it golden` writes the rows again below the
//! headers; a new case is begun with headers alone. The later a file stands in the alphabet, the
//! newer it is taken to be, since a checkout keeps no file times.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Desk, HERE, tree};

/// Runs a case and holds every expected table against what was published.
fn check(case: &str) {
    let golden = Path::new(HERE).join("tests/golden").join(case);
    let desk = Desk::new();
    let inputs = tree(&golden).into_iter().filter(|(name, _)| !name.starts_with("expected/"));
    for (seconds, (name, bytes)) in inputs.enumerate() {
        desk.put(&name, bytes);
        desk.date(&name, seconds as u64);
    }
    desk.call("run pipeline.toml --quiet --ledger ledger --out out").succeeds();
    let tables = tree(&golden.join("expected"));
    assert!(!tables.is_empty(), "{case} expects nothing");
    for (file, expected) in tables {
        let expected = String::from_utf8(expected).expect("UTF-8");
        let (table, columns) = (file.trim_end_matches(".csv"), expected.lines().next().expect("a header"));
        let args = format!("show {table} pipeline.toml --out out --format csv --columns {columns}");
        let published = desk.call(&args).succeeds().stdout.replace("\r\n", "\n");
        if std::env::var_os("CHARTLEDGER_BLESS").is_some() {
            fs::write(golden.join("expected").join(&file), published).expect("a blessed table");
        } else {
            assert_eq!(published, expected, "{case}: {file}");
        }
    }
}

macro_rules! cases {
    ($($case:ident)+) => {
        $(#[test] fn $case() { check(stringify!($case)); })+

        #[test]
        fn every_folder_is_a_case() {
            let folders = fs::read_dir(PathBuf::from(HERE).join("tests/golden")).expect("the cases");
            let mut folders: Vec<_> = folders.map(|entry| entry.expect("a case").file_name()).collect();
            folders.retain(|name| !crate::views::FOLDERS.iter().any(|texts| name == texts));
            folders.sort();
            assert_eq!(folders, [$(stringify!($case)),+]);
        }
    };
}

cases! {
    a_correction_by_a_newer_export
    a_counter_with_a_copied_day_and_a_fall
    a_gap_opens_bounds
    a_leap_day_and_a_new_year
    a_record_and_its_holders
    a_song_that_changes_its_uri
    a_tie_in_rankings
    a_week_belongs_to_the_year_of_its_thursday
    a_week_is_dated_by_the_week
}
