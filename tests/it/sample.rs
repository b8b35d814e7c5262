//! The sample that ships: made again byte by byte, and the story that the default run tells.

use std::path::Path;
use std::sync::LazyLock;

use crate::support::{HERE, Ran, pick, program, rows_of, tree};

/// The default pipeline, run once from the repository's folder for all tests of this file.
static RUN: LazyLock<(tempfile::TempDir, Ran)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = program(Path::new(HERE));
    command.arg("run").arg("--strict").arg("--ledger").arg(folder.path().join("ledger"));
    let ran = Ran::of(command.arg("--out").arg(folder.path())).succeeds();
    (folder, ran)
});

/// Columns of the rows that a filter leaves.
fn show(filter: &[&str], columns: &str) -> Vec<String> {
    let mut command = program(Path::new(HERE));
    command.arg("show").args(filter).args(["--format", "json", "--out"]).arg(RUN.0.path());
    pick(&rows_of(&Ran::of(&mut command).succeeds().stdout), columns)
}

#[test]
fn the_generator_writes_the_sample_again_byte_by_byte() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = program(Path::new(HERE));
    Ran::of(command.args(["synth", "--scenario", "k-soloists", "--output"]).arg(folder.path())).succeeds();
    let (again, shipped) = (tree(folder.path()), tree(&Path::new(HERE).join("data/exports")));
    assert_eq!(again.keys().collect::<Vec<_>>(), shipped.keys().collect::<Vec<_>>());
    let differ: Vec<&String> = again.keys().filter(|name| again[*name] != shipped[*name]).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

#[test]
fn the_sample_is_small() {
    let bytes: usize = tree(&Path::new(HERE).join("data")).values().map(Vec::len).sum();
    assert!(bytes <= 5_000_000, "{bytes} bytes");
}

#[test]
fn the_sample_runs_from_2023_to_20_march_2024_without_a_hole() {
    let states = show(&["coverage", "--region", "global"], "date state");
    assert_eq!(states.first().map(String::as_str), Some("2023-01-01 | observed"));
    assert_eq!(states.last().map(String::as_str), Some("2024-03-20 | observed"));
    assert_eq!(states.len(), 445);
    assert!(states.iter().all(|state| state.ends_with("observed")));
    let mut dialects = show(&["exports"], "dialect");
    dialects.sort();
    dialects.dedup();
    assert!(dialects.len() >= 4, "{dialects:?}");
}

#[test]
fn the_run_prints_its_summary_and_the_soloists() {
    let Ran { stdout, stderr, .. } = &RUN.1;
    assert!(stderr.contains("0 quarantined") && stderr.contains("published"), "{stderr}");
    let places: Vec<Option<usize>> =
        ["Jung Kook", "Jimin", "Agust D", "V ", "Lisa"].map(|name| stdout.find(name)).to_vec();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{stdout}");
}

#[test]
fn five_soloists_reached_a_billion_within_2023() {
    let reached = show(
        &["milestones", "--tally", "artist-year", "--window", "2023", "--threshold", "1000000000"],
        "reached_on day_number entity",
    );
    let mut reached: Vec<&str> = reached.iter().map(String::as_str).collect();
    reached.sort_unstable();
    assert_eq!(
        reached,
        [
            "2023-06-18 | 169 | Jimin",
            "2023-08-05 | 217 | Jung Kook",
            "2023-09-27 | 270 | Agust D",
            "2023-11-08 | 312 | V",
            "2023-11-19 | 323 | Lisa",
        ]
    );
}

#[test]
fn six_songs_made_jung_kooks_billion_of_2023() {
    let filter = ["milestones", "--tally", "artist-year", "--entity", "Jung Kook", "--window", "2023"];
    let songs = show(&[&filter[..], &["--threshold", "1000000000"]].concat(), "contributing_songs start_on");
    assert_eq!(songs, ["6 | 2023-01-01"]);
}

#[test]
fn jung_kook_is_the_first_of_2024_on_day_80() {
    let first = show(
        &["rankings", "--ranking", "first-to-1b-in-year", "--window", "2024"],
        "rank entity reached_on day_number note",
    );
    assert_eq!(first, ["1 | Jung Kook | 2024-03-20 | 80 | new"]);
}

#[test]
fn jung_kooks_best_year_moves_jimin_to_second() {
    let mut ranks = show(
        &["rankings", "--ranking", "best-year-to-1b"],
        "rank previous_rank rank_change day_number window entity",
    );
    ranks.sort();
    assert_eq!(
        ranks,
        [
            "1 | 2 | 1 | 80 | 2024 | Jung Kook",
            "2 | 1 | -1 | 169 | 2023 | Jimin",
            "3 | 3 | 0 | 270 | 2023 | Agust D",
            "4 | 4 | 0 | 312 | 2023 | V",
            "5 | 5 | 0 | 323 | 2023 | Lisa",
        ]
    );
}

#[test]
fn seven_took_108_days_to_a_billion() {
    let filter = ["milestones", "--tally", "song-release", "--entity", "seven", "--threshold", "1000000000"];
    let columns = "entity start_on start_basis reached_on days_elapsed day_number";
    assert_eq!(
        show(&filter, columns),
        ["Seven (feat. Latto) | 2023-07-14 | release | 2023-10-30 | 108 | 109"]
    );
}

#[test]
fn seven_stands_at_1_4_billion_the_most_of_any_song_in_the_cohort() {
    let songs = show(&["rankings", "--ranking", "most-streamed-song"], "rank entity");
    let first: Vec<&String> = songs.iter().filter(|song| song.starts_with("1 | ")).collect();
    assert_eq!(first, ["1 | Seven (feat. Latto)"]);
    assert!(songs.len() > 50, "{songs:?}");
    let total = show(&["totals", "--tally", "song-release", "--entity", "seven"], "last_on streams");
    let [total] = &total[..] else { panic!("one total in {total:?}") };
    let streams: i64 =
        total.strip_prefix("2024-03-20 | ").and_then(|text| text.parse().ok()).expect("streams");
    assert_eq!(streams / 10_000_000, 140, "{streams}");
    let filter = ["milestones", "--tally", "song-release", "--threshold", "1400000000"];
    assert_eq!(show(&filter, "entity_id"), ["seven"]);
}

#[test]
fn nothing_is_left_of_the_makers_of_the_sample_in_the_tables_code() {
    let folders = ["tables", "tally", "catalog", "ledger", "publish", "pipeline", "exports"];
    let sources = folders.iter().flat_map(|folder| tree(&Path::new(HERE).join("src").join(folder)));
    for (name, bytes) in sources {
        let text = String::from_utf8_lossy(&bytes);
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code = code.take_while(|line| !line.contains("#[cfg(test)]")).collect::<String>();
        for word in ["soloist", "Jimin", "Jung Kook", "Agust"] {
            assert!(!code.contains(word), "{word} in {name}");
        }
    }
}
