//! Night after night: only what is new is counted, and the tables are those of counting everything.

use std::fs;

use crate::support::{Desk, Ran, merged_daily, tree};
use crate::truth::page;

const ASKED: &str = r#"
[catalog]
path = "catalog"
[[record]]
name = "best-day"
kind = "best_date"
entity = "song"

[[record]]
name = "spell"
kind = "spell_at_one"
entity = "artist"

[[pace]]
name = "race"
tally = "song"
entities = ["Song 0", "Song 1"]
threshold = 1000
"#;

/// A chart of six songs on each day of a month up to `last`, the ranks turning from day to day.
fn month(name: &str, last: u32) -> String {
    let lines = (1..=last).flat_map(|day| {
        (0..6).map(move |rank| {
            let song = (day + rank) % 7;
            let streams = 100 - 10 * rank + day % 5;
            format!("{name}-{day:02}|Global|{}|{song}|Song {song}|Artist {song}, Guest|{streams}\n", rank + 1)
        })
    });
    merged_daily(&lines.collect::<String>())
}

/// Three months, up to 20 March.
fn history() -> Desk {
    let desk = Desk::with([
        ("january.csv", month("2024-01", 31)),
        ("february.csv", month("2024-02", 29)),
        ("march.csv", month("2024-03", 20)),
    ]);
    let desk = desk.and_pipeline(ASKED);
    desk.put("catalog/artists.toml", "[[artist]]\nid = \"nobody\"\nname = \"Nobody\"\n");
    desk.run("");
    desk
}

/// Runs, and counts everything again for another output.
fn night(desk: &Desk) -> Ran {
    let ran = desk.run("");
    let full = desk.run("--full --out full");
    assert!(!full.stderr.contains("counted "), "{}", full.stderr);
    let mut expected = tree(&desk.path("full/t/latest"));
    expected.remove("run.json");
    for (table, bytes) in desk.published() {
        assert!(expected[&table] == bytes, "{table} after\n{}", ran.stderr);
    }
    ran
}

#[test]
fn a_new_day_counts_its_month() {
    let desk = history();
    desk.put("exports/day.csv", merged_daily("2024-03-21|Global|1|0|Song 0|Artist 0, Guest|500"));
    let ran = night(&desk);
    assert!(
        ran.stderr.contains("counted    from 2024-03 on; what was before is as it was"),
        "{}",
        ran.stderr
    );
    // The next month begins: what March came to is kept now.
    desk.put("exports/april.csv", month("2024-04", 1));
    assert!(night(&desk).stderr.contains("counted    from 2024-03 on"));
    desk.put("exports/april-2.csv", merged_daily("2024-04-02|Global|1|0|Song 0|Artist 0, Guest|500"));
    assert!(night(&desk).stderr.contains("counted    from 2024-04 on"));
    let kept = tree(&desk.path("out/t/.state")).into_keys().collect::<Vec<_>>();
    assert_eq!(kept, ["2024-03.fold", "2024-04.fold"]);
}

#[test]
fn a_correction_counts_from_its_month() {
    let desk = history();
    desk.put("exports/february.csv", month("2024-02", 29).replace(",93", ",95"));
    desk.date("exports/february.csv", 60);
    assert!(night(&desk).stderr.contains("counted    from 2024-02 on"));
    desk.put("exports/january.csv", month("2024-01", 31).replace(",93", ",95"));
    desk.date("exports/january.csv", 60);
    let ran = night(&desk);
    assert!(!ran.stderr.contains("counted "), "{}", ran.stderr);
    assert!(ran.stderr.contains("published  "));
}

#[test]
fn a_region_or_a_chart_that_is_new_counts_its_month() {
    let desk = history();
    desk.put("exports/kr.csv", month("2024-03", 3).replace("Global", "South Korea"));
    assert!(night(&desk).stderr.contains("counted    from 2024-03 on"));
    let weekly = "chart_position,chart_date,song,performer,streams,spotify_uri,region,time_on_chart,\
                  previous_week,peak_position\n1,2024-03-15,Song 0,\"Artist 0, Guest\",700,\
                  0000000000000000000000,global,1,,1\n";
    desk.put("exports/weekly.csv", weekly);
    // It is held against days of February, which were kept without it.
    assert!(!night(&desk).stderr.contains("counted "));
    desk.put("exports/weekly-2.csv", weekly.replace("2024-03-15", "2024-03-22"));
    assert!(night(&desk).stderr.contains("counted    from 2024-03 on"));
}

#[test]
fn another_track_of_a_song_changes_what_was_known_of_it() {
    let desk = history();
    // A counter has the songs, too, on some of the days.
    for (month, day) in (1..=3).flat_map(|month| (1..=20).map(move |day| (month, day))) {
        let (date, song) = (format!("2024-{month:02}-{day:02}"), [0, 1, 9][day % 3]);
        let total = 700 + 300 * (month - 1) + 10 * day;
        let rows = format!("1|\"Artist {song}, Guest - Song {song}\"|{day}|1|9|{total}");
        desk.put(&format!("exports/kr_daily_{date}.csv"), page(&date, &rows));
    }
    night(&desk);
    // A track of its own leaves everybody else alone.
    desk.put("exports/day.csv", merged_daily("2024-03-21|Global|1|N|Another|Somebody|500"));
    assert!(night(&desk).stderr.contains("counted    from 2024-03 on"));
    // Another track of a song can have been below the chart all along: only that song is counted again.
    let bounds = |desk: &Desk| -> Vec<_> {
        let of_song = desk
            .show("totals")
            .into_iter()
            .filter(|row| row["entity"] == "Song 0" && row["basis"] == "chart");
        of_song.map(|row| row["at_most"].clone()).collect()
    };
    let before = bounds(&desk);
    desk.put("exports/day-2.csv", merged_daily("2024-03-22|Global|1|M|Song 0|Artist 0, Guest|500"));
    let ran = night(&desk);
    let says = "counted    from 2024-03 on; what was before is as it was, but for 1 song whose tracks or their \
                dates are others now\n";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
    assert_ne!(bounds(&desk), before);
    // That is kept: the next night knows of it. A month later too, and with another one by then.
    for (name, row, other) in [
        ("day-3.csv", "2024-03-23|Global|1|M|Song 0|Artist 0, Guest|500", ""),
        ("april.csv", "2024-04-01|Global|1|L|Song 1|Artist 1, Guest|400", "but for 1 song"),
        ("may.csv", "2024-05-01|Global|1|M|Song 0|Artist 0, Guest|500", ""),
        ("may-2.csv", "2024-05-02|Global|1|K|Song 0|Artist 0, Guest|500", "but for 1 song"),
        ("may-3.csv", "2024-05-03|Global|1|L|Song 1|Artist 1, Guest|500", ""),
        // Until now only the counter knew it: what another rule of songs tells apart is new.
        ("may-4.csv", "2024-05-04|Global|1|Z|Song 9|Artist 9, Guest|500", "but for 1 song"),
    ] {
        desk.put(&format!("exports/{name}"), merged_daily(row));
        let ran = night(&desk);
        assert!(ran.stderr.contains("counted    from 2024-0"), "{}", ran.stderr);
        assert_eq!(ran.stderr.contains("but for"), !other.is_empty(), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains(other), "{}", ran.stderr);
    }
    // A track that the catalog lets go only later changes nothing from night to night.
    let uri = format!("spotify:track:{}", crate::support::id("0"));
    let song = format!("[[song]]\nid = \"nought\"\nuris = [{{ uri = \"{uri}\", until = 2024-12-31 }}]\n");
    desk.put("catalog/songs.toml", song);
    night(&desk);
    for day in 5..8 {
        let row = format!("2024-05-0{day}|Global|1|0|Song 0|Artist 0, Guest|500");
        desk.put(&format!("exports/may-{day}.csv"), merged_daily(&row));
        let ran = night(&desk);
        assert!(
            ran.stderr.contains("counted    from 2024-05 on; what was before is as it was\n"),
            "{}",
            ran.stderr
        );
    }
    // A correction of an old month goes on from a fold that knew of fewer tracks.
    desk.put("exports/february.csv", month("2024-02", 29).replace(",93", ",95"));
    desk.date("exports/february.csv", 60);
    night(&desk);
}

#[test]
fn another_catalog_pipeline_or_kept_fold_counts_everything_again() {
    let desk = history();
    desk.put(
        "catalog/artists.toml",
        "[[artist]]\nid = \"guest\"\nname = \"The Guest\"\naliases = [\"Guest\"]\n",
    );
    let ran = night(&desk);
    assert!(ran.stderr.contains("published  "), "{}", ran.stderr);
    assert!(desk.show("totals").iter().any(|row| row["entity"] == "The Guest"));

    let pipeline = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", pipeline.replace("[100, 1_000]", "[100, 900, 1_000]"));
    assert!(night(&desk).stderr.contains("table      milestones"));

    // A kept fold that was damaged is no reason to stop, and none to be wrong.
    for name in tree(&desk.path("out/t/.state")).into_keys() {
        let path = desk.path("out/t/.state").join(name);
        let mut bytes = fs::read(&path).expect("a fold");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).expect("written");
    }
    desk.put("exports/day.csv", merged_daily("2024-03-21|Global|1|0|Song 0|Artist 0, Guest|500"));
    let ran = night(&desk);
    assert!(!ran.stderr.contains("counted "), "{}", ran.stderr);
    assert!(ran.stderr.contains("the kept fold is damaged; counting without it"), "{}", ran.stderr);
}

#[test]
fn a_night_with_nothing_new_publishes_nothing_unless_it_is_told_to() {
    let desk = history();
    let before = tree(&desk.path("out"));
    let ran = desk.run("");
    assert!(ran.stderr.contains("read       nothing new in 3 exports"), "{}", ran.stderr);
    assert_eq!(tree(&desk.path("out")), before);
    let published = desk.published();
    let ran = desk.run("--full");
    assert!(ran.stderr.contains("table      milestones"), "{}", ran.stderr);
    assert_eq!(desk.published(), published);
    assert_eq!(fs::read_dir(desk.path("out/t/.runs")).expect("runs").count(), 2);
}
