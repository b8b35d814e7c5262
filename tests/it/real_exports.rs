//! Exports of the real world, with answers that were worked out without this program. They are not
//! part of the repository: without `../shared/real-exports` these tests say so and pass.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::{HERE, Ran, Row, pick, program, rows_of, sum};

const WEEKLY: &str = "spotify-weekly-global-2023";
const KWORB: &str = "kworb-daily-kr-2026";

/// Folder, files, rows.
const FOLDERS: [(&str, usize, i64); 7] = [
    (WEEKLY, 48, 9_586),
    ("spotify-weekly-us-2021-2022", 60, 12_000),
    ("spotify-daily-global-2020-old-format", 10, 2_000),
    ("merged-weekly-kr-2017-2021", 1, 10_800),
    ("fycharts-daily-es-2020", 1, 9_000),
    ("scraper-weekly-72-regions-2023", 1, 14_400),
    (KWORB, 209, 10_450),
];

fn real_exports() -> Option<PathBuf> {
    let folder = Path::new(HERE).join("../shared/real-exports");
    if !folder.is_dir() {
        println!("skipped: there is no {}", folder.display());
        return None;
    }
    Some(folder)
}

/// The general pipeline, run strictly over some of the folders.
struct Published {
    out: tempfile::TempDir,
}

impl Published {
    fn of(root: &Path, folders: &[&str]) -> Self {
        let out = tempfile::tempdir().expect("a temporary folder");
        let mut command = program(Path::new(HERE));
        command.args(["run", "pipelines/charts.toml", "--strict", "--exports"]);
        command.args(folders.iter().map(|folder| root.join(folder)));
        command.arg("--ledger").arg(out.path().join("ledger")).arg("--out").arg(out.path());
        Ran::of(&mut command).succeeds();
        Self { out }
    }

    fn show(&self, filter: &[&str]) -> Vec<Row> {
        let mut command = program(Path::new(HERE));
        command.arg("show").args(&filter[..1]).arg("pipelines/charts.toml").args(&filter[1..]);
        let shown = Ran::of(command.args(["--format", "json", "--out"]).arg(self.out.path()));
        rows_of(&shown.succeeds().stdout)
    }

    fn pick(&self, filter: &[&str], columns: &str) -> Vec<String> {
        pick(&self.show(filter), columns)
    }

    /// Streams of every track in every scope.
    fn tracks(&self) -> BTreeMap<String, Vec<String>> {
        let rows = self.show(&["totals", "--tally", "track-all-time"]);
        let mut scopes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (scope, track) in
            pick(&rows, "chart region").into_iter().zip(pick(&rows, "entity_id streams first_on"))
        {
            scopes.entry(scope).or_default().push(track);
        }
        scopes
    }
}

/// Each folder run by itself, once for all tests.
static APART: LazyLock<BTreeMap<&str, Published>> = LazyLock::new(|| {
    let Some(root) = real_exports() else { return BTreeMap::new() };
    FOLDERS.map(|(folder, ..)| (folder, Published::of(&root, &[folder]))).into()
});

#[test]
fn every_folder_runs_clean_and_loses_no_row() {
    for (folder, files, rows) in FOLDERS {
        let Some(published) = APART.get(folder) else { return };
        let exports = published.show(&["exports"]);
        assert_eq!((exports.len(), sum(&exports, "rows_read")), (files, rows), "{folder}");
        assert_eq!(sum(&exports, "rows_quarantined") + sum(&exports, "rows_superseded"), 0, "{folder}");
        assert_eq!(sum(&exports, "rows_used") + sum(&exports, "rows_duplicate"), rows, "{folder}");
        assert_eq!(sum(&exports, "rows_used"), sum(&published.show(&["coverage"]), "rows"), "{folder}");
    }
}

#[test]
fn all_folders_are_one_ledger_and_no_scope_is_added_to_another() {
    let Some(root) = real_exports() else { return };
    let together = Published::of(&root, &FOLDERS.map(|(folder, ..)| folder));
    let exports = together.show(&["exports"]);
    let (files, rows) =
        FOLDERS.iter().fold((0, 0), |(files, rows), folder| (files + folder.1, rows + folder.2));
    assert_eq!((exports.len(), sum(&exports, "rows_read")), (files, rows));
    assert_eq!(sum(&exports, "rows_quarantined"), 0);

    // The scraper's one week lies beside the weekly exports of three regions, and after them all.
    let mut apart: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for published in APART.values() {
        for (scope, tracks) in published.tracks() {
            apart.entry(scope).or_default().extend(tracks);
        }
    }
    let together = together.tracks();
    assert_eq!(together.keys().collect::<Vec<_>>(), apart.keys().collect::<Vec<_>>());
    let streams = |tracks: &[String]| -> i64 {
        let streams = |track: &String| track.split(" | ").nth(1)?.parse::<i64>().ok();
        tracks.iter().map(|track| streams(track).expect("streams")).sum()
    };
    for (scope, tracks) in &together {
        assert_eq!(streams(tracks), streams(&apart[scope]), "{scope}");
    }
    for scope in ["kworb:daily | kr", "spotify:daily | es", "spotify:daily | global", "spotify:weekly | gb"] {
        assert_eq!(together[scope], apart[scope], "{scope}");
    }
}

#[test]
fn three_songs_and_two_tracks_reach_a_billion_on_the_weekly_chart() {
    let Some(weekly) = APART.get(WEEKLY) else { return };
    let billion = |tally| {
        let filter = ["milestones", "--tally", tally, "--threshold", "1000000000"];
        let mut reached = weekly.pick(&filter, "reached_on cumulative entity artists");
        reached.sort();
        reached
    };
    assert_eq!(
        billion("song-all-time"),
        [
            "2023-05-11 | 1017867183 | Flowers | Miley Cyrus",
            "2023-07-06 | 1012885091 | Kill Bill | SZA",
            "2023-10-05 | 1004258093 | As It Was | Harry Styles",
        ]
    );
    assert_eq!(
        billion("track-all-time"),
        ["2023-07-06 | 1012885091 | Kill Bill | SZA", "2023-10-05 | 1004258093 | As It Was | Harry Styles"]
    );
}

#[test]
fn seven_has_two_uris_on_the_weekly_chart() {
    let Some(weekly) = APART.get(WEEKLY) else { return };
    let explicit = "Seven (feat. Latto) (Explicit Ver.)";
    let streams = |tally| {
        let rows = weekly.show(&["totals", "--tally", tally, "--entity", explicit]);
        let rows: Vec<Row> = rows.into_iter().filter(|row| row["artists"] == "Jung Kook, Latto").collect();
        let mut streams: Vec<i64> = rows.iter().filter_map(|row| row["streams"].as_i64()).collect();
        streams.sort_unstable();
        streams
    };
    assert_eq!(streams("track-all-time"), [93_447_823, 860_248_602]);
    assert_eq!(streams("song-all-time"), [953_696_425]);
}

#[test]
fn jung_kook_has_a_billion_of_2023_in_october() {
    let Some(weekly) = APART.get(WEEKLY) else { return };
    let of_2023 = |table, more: &[&str], columns| {
        let filter = [table, "--tally", "artist-calendar-year", "--entity", "Jung Kook", "--window", "2023"];
        weekly.pick(&[&filter[..], more].concat(), columns)
    };
    // The known answer, 1,009,967,868, is in the middle of that week: the 41,965,382 of 3D alone on
    // top of the weeks before. A milestone has the sums before and after the whole week.
    let columns = "reached_on reached_from cumulative_before cumulative evidence_row";
    let reached = of_2023("milestones", &["--threshold", "1000000000"], columns);
    assert_eq!(reached, ["2023-10-05 | 2023-09-29 | 968002486 | 1065006988 | 3"]);
    assert_eq!(of_2023("totals", &[], "streams last_on"), ["1776303223 | 2023-11-23"]);
}

#[test]
fn the_weekly_chart_has_905_songs_in_985_tracks() {
    let Some(weekly) = APART.get(WEEKLY) else { return };
    let tracks = weekly.show(&["totals", "--tally", "track-all-time"]);
    assert_eq!((tracks.len(), sum(&tracks, "streams")), (985, 117_534_786_955));
    assert_eq!(weekly.show(&["chart_runs"]).len(), 905);
    let songs = weekly.show(&["totals", "--tally", "song-all-time"]);
    assert_eq!((songs.len(), sum(&songs, "streams")), (905, 117_534_786_955));
    let states = weekly.pick(&["coverage"], "state");
    assert_eq!(states.len(), 48);
    assert!(states.iter().any(|state| state == "rank_gap") && !states.contains(&"missing".to_owned()));
}

/// The rows of a kworb page without its date: rank, name and streams.
fn page(path: &Path) -> Vec<[String; 3]> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).expect("a page");
    let records = reader.records().map(|record| record.expect("a row"));
    records.map(|record| [1, 3, 7].map(|column| record[column].to_owned())).collect()
}

#[test]
fn the_stale_days_of_kworb_are_named() {
    let (Some(root), Some(kworb)) = (real_exports(), APART.get(KWORB)) else { return };
    let files = fs::read_dir(root.join(KWORB)).expect("the pages");
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("a page").path()).collect();
    files.sort();
    let date =
        |path: &Path| path.file_stem().and_then(|stem| stem.to_str()?.rsplit('_').next().map(str::to_owned));
    let stale = files.array_windows().filter(|[before, after]| page(before) == page(after));
    let stale: Vec<String> = stale.filter_map(|[_, after]| date(after)).collect();
    assert!(!stale.is_empty());

    let coverage = kworb.show(&["coverage"]);
    let named = coverage.iter().filter(|row| row["state"] == "stale").cloned().collect::<Vec<_>>();
    assert_eq!(pick(&named, "date"), stale);

    // The counters themselves: what each song's running total says on the last live page it is on.
    let mut totals: BTreeMap<String, i64> = BTreeMap::new();
    for file in files.iter().filter(|file| !stale.contains(&date(file).expect("a date"))) {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(file).expect("a page");
        for record in reader.records().map(|record| record.expect("a row")) {
            totals.insert(record[3].to_owned(), record[11].replace(',', "").parse().expect("a total"));
        }
    }
    let all_time = kworb.show(&["totals", "--tally", "track-all-time"]);
    assert_eq!((all_time.len(), sum(&all_time, "streams")), (totals.len(), totals.values().sum()));
    let steps = kworb.show(&["checks"]);
    let steps = steps.iter().filter(|row| row["check"] == "counter_step").cloned().collect::<Vec<_>>();
    assert_eq!(pick(&steps, "compared agreed differed"), ["8682 | 8682 | 0"]);
}

/// Whether sources count by URI or by recording, their figures are the ones that we find.
#[test]
fn what_the_exports_report_is_what_is_counted() {
    for (folder, checked) in [
        (
            "spotify-weekly-global-2023",
            ["appearances | 9256 | 0", "peak_rank | 9296 | 0", "previous_rank | 9383 | 3"],
        ),
        (
            "spotify-weekly-us-2021-2022",
            ["appearances | 11623 | 1", "peak_rank | 11675 | 1", "previous_rank | 11793 | 7"],
        ),
    ] {
        let Some(folder) = APART.get(folder) else { return };
        let checks = folder.show(&["checks"]);
        let checks: Vec<_> = checks.into_iter().filter(|row| row["check"] != "release_date").collect();
        assert_eq!(pick(&checks, "check agreed differed"), checked);
    }
}
