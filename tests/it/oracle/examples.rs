//! Cases worked by hand.

use serde_json::Value;

use super::*;
use crate::world::{Artist, Catalog, Dated, Dialect, Export, Ranking, Song, Tally, World, uri};

/// A table's rows as text, the cells of some columns joined by blanks.
fn cells(world: &World, table: &str, columns: &str) -> Vec<String> {
    let cell = |row: &Row, column: &str| match &row[column] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = |row: &Row| columns.split(' ').map(|column| cell(row, column)).collect::<Vec<_>>().join(" ");
    tables(world)[table].iter().map(line).collect()
}

fn world(tallies: &[Tally], exports: &[&str]) -> World {
    world_of(Dialect::Merged, tallies, exports)
}

/// A world of one dialect, the later of its exports the newer.
fn world_of(dialect: Dialect, tallies: &[Tally], exports: &[&str]) -> World {
    let files = exports.iter().enumerate();
    let export = |(age, text): (usize, &&str)| Export::of(&format!("{age}.csv"), age as u64, dialect, text);
    World { exports: files.map(export).collect(), tallies: tallies.to_vec(), ..World::default() }
}

#[test]
fn days() {
    let day = |text| parse_day(text).unwrap();
    assert_eq!(day("1970-01-01"), 0);
    assert_eq!(day("2024-03-01") - day("2024-02-28"), 2);
    assert_eq!(day("2023-10-30") - day("2023-07-14"), 108);
    assert_eq!(day("2024-03-20") - day("2024-01-01") + 1, 80);
    assert_eq!(day("2024-03-21").rem_euclid(7), 0, "a Thursday");
    assert_eq!(parse_day("2023-02-29"), None);
    assert!((-1000..40_000).all(|n| parse_day(&iso(n)) == Some(n)));
}

#[test]
fn newest_export_first() {
    let old = "global|2024-01-01|1|a|A|X|9
               global|2024-01-01|2|b|B|X|5
               global|2024-01-02|1|a|A|X|9
               global|2024-01-02|2|b|B|X|5
               global|2024-01-02|0|b|B|X|5";
    // The first date is corrected, the second only has its head.
    let new = "Global|2024-01-01|1|a|A|X|8
               Global|2024-01-01|2|b|B|X|4
               Global|2024-01-02|1|a|A|X|9
               Global|2024-01-02|1|a|A|X|9";
    let world = world(&[Tally::of("track", "all_time", &[10])], &[old, new]);
    let rows = "export rows_read rows_used rows_duplicate rows_superseded rows_quarantined";
    assert_eq!(cells(&world, "exports", rows), ["0.csv 5 1 1 2 1", "1.csv 4 3 1 0 0"]);
    let totals = cells(&world, "totals", "entity streams dates_observed next_threshold remaining");
    assert_eq!(totals, ["A 17 2 null null", "B 9 2 10 1"]);
    let evidence = "entity reached_on cumulative_before cumulative evidence_export evidence_row";
    assert_eq!(cells(&world, "milestones", evidence), ["A 2024-01-02 8 17 1.csv 4"]);
}

#[test]
fn a_newer_export_that_loses_much_is_withheld() {
    let whole = "global|2024-01-01|1|a|A|X|9
                 global|2024-01-01|2|b|B|X|5
                 global|2024-01-02|1|a|A|X|9";
    let head = "global|2024-01-01|1|a|A|X|8
                global|2024-01-01|1|a|A|X|8
                global|2024-01-02|1|a|A|X|7";
    let tail = "global|2024-01-01|2|b|B|X|4";
    let tallies = [Tally::of("track", "all_time", &[10])];
    let rows = "export rows_used rows_duplicate rows_superseded";
    let two = world(&tallies, &[whole, head]);
    assert_eq!(cells(&two, "exports", rows), ["0.csv 2 0 1", "1.csv 1 0 2"]);
    assert_eq!(cells(&two, "coverage", "date state"), ["2024-01-01 conflict", "2024-01-02 conflict"]);
    // With what completes it, nothing is lost.
    let three = world(&tallies, &[whole, head, tail]);
    assert_eq!(cells(&three, "exports", rows), ["0.csv 0 0 3", "1.csv 2 1 0", "2.csv 1 0 0"]);
}

#[test]
fn tracks_become_songs() {
    // b and c share a spelling, a and b another.
    let rows = "kr|2024-01-02|1|b|Two|X|3
                kr|2024-01-02|2|c|Two|X|2
                kr|2024-01-03|4|b|One|X|4
                kr|2024-01-03|6|a|One|X|4
                us|2024-01-01|1|c|Two|X|1";
    let mut world = world(&[Tally::of("song", "first_charted", &[5, 10])], &[rows]);
    let songs = "region entity_id entity threshold reached_on days_elapsed streams_on_date";
    let expected = ["5 2024-01-02 0 5", "10 2024-01-03 1 8"];
    let named = |id: &str| expected.map(|rest| format!("kr {id} One {rest}"));
    assert_eq!(cells(&world, "milestones", songs), named("spotify:track:c"));
    world.catalog.songs =
        vec![Song { id: "s".into(), uris: vec![Dated::always("spotify:track:a")], ..Song::default() }];
    assert_eq!(cells(&world, "milestones", songs), named("s"));
    let runs = "region appearances peak_rank peak_on longest_streak current_streak agrees";
    assert_eq!(
        cells(&world, "chart_runs", runs),
        ["kr 2 1 2024-01-02 2 2 null", "us 1 1 2024-01-01 1 1 null"]
    );
}

#[test]
fn cells_become_artists() {
    let artist =
        |id: &str, name: &str, aliases: Vec<Dated>| Artist { id: id.into(), name: name.into(), aliases };
    let until = Dated { until: Some("2023-12-31".into()), ..Dated::always("Nova") };
    let from = Dated { from: Some("2024-01-01".into()), ..Dated::always("Nova") };
    let artists = vec![
        artist("jk", "Jung Kook", vec![Dated::always("정국")]),
        artist("ttc", "Tyler, The Creator", vec![Dated::always("Tyler")]),
        artist("one", "Nova One", vec![until]),
        artist("two", "Nova Two", vec![from]),
    ];
    let catalog = Catalog { artists, ..Catalog::default() };
    let world = World { catalog, ..World::default() };
    let book = Book::open(&world, ledger::ledger(&[]));
    let on = |cell, date| {
        let read = book.read_cell(cell, parse_day(date).unwrap()).into_iter();
        read.map(|(id, _)| id).collect::<Vec<_>>()
    };
    let ids = |cell| on(cell, "2024-01-01");
    assert_eq!(ids("정국, Tyler, The Creator, Jung Kook"), ["jk", "ttc"]);
    assert_eq!(ids("Tyler, The Creators, Tyler"), ["ttc", "name:The Creators"]);
    assert_eq!(ids("Tylers"), ["name:Tylers"]);
    assert_eq!(ids("Nova"), ["two"]);
    assert_eq!(on("Nova", "2023-12-31"), ["one"]);
}

#[test]
fn how_certain_a_date_is() {
    // Day 2 is missing; b is absent on day 3, when 6 is the last listed row.
    let rows = "kr|2024-01-01|1|a|A|X|9
                kr|2024-01-01|2|b|B|X|4
                kr|2024-01-03|1|a|A|X|8
                kr|2024-01-03|2|c|C|X|6
                kr|2024-01-04|1|c|C|X|9
                kr|2024-01-04|2|b|B|X|6";
    let thresholds = [4, 10];
    let tallies = [Tally::of("track", "all_time", &thresholds), Tally::of("artist", "all_time", &[4])];
    let rows_of = |text: &str| world(&tallies, &[text]);
    let columns = "entity threshold reached_on earliest_on certainty";
    let expected = [
        "X 4 2024-01-01 null at_latest",
        "A 4 2024-01-01 2024-01-01 certain",
        "A 10 2024-01-03 2024-01-02 at_latest",
        "B 4 2024-01-01 2024-01-01 certain",
        "B 10 2024-01-04 2024-01-02 at_latest",
        "C 4 2024-01-03 2024-01-01 at_latest",
        "C 10 2024-01-04 2024-01-02 at_latest",
    ];
    assert_eq!(cells(&rows_of(rows), "milestones", columns), expected);
    // Without the gap (a weekly chart has no other days) day 3 could have done it.
    let weekly = rows.replace("01-04", "01-18").replace("01-03", "01-11").replace("01-01", "01-04");
    let expected = [
        "X 4 2024-01-04 null at_latest",
        "A 4 2024-01-04 2024-01-04 certain",
        "A 10 2024-01-11 2024-01-11 certain",
        "B 4 2024-01-04 2024-01-04 certain",
        "B 10 2024-01-18 2024-01-11 bounded",
        "C 4 2024-01-11 2024-01-04 bounded",
        "C 10 2024-01-18 2024-01-11 bounded",
    ];
    let weekly = world_of(Dialect::MergedWeekly, &tallies, &[&weekly]);
    assert_eq!(cells(&weekly, "milestones", columns), expected);
}

#[test]
fn ranks_and_what_they_were() {
    let rows = "kr|2023-12-31|1|a|A|X|5
                kr|2024-01-01|1|b|B|X|5
                kr|2024-01-01|2|c|C|X|5
                kr|2024-01-02|1|a|A|X|9
                kr|2024-01-02|2|d|D|X|1";
    let mut world = world(&[Tally::of("track", "calendar_year", &[5])], &[rows]);
    world.rankings = vec![
        Ranking::of("fastest", "track-calendar_year", 5, "entity"),
        Ranking::of("most_streamed", "track-calendar_year", 0, "window"),
    ];
    let columns = "ranking window entity rank dense_rank value previous_rank rank_change note";
    // A reached 5 on day 364 of 2023, too; only the better one counts, and yesterday that was it.
    let expected = [
        "fastest-entity 2024 A 3 2 1 3 0 null",
        "fastest-entity 2024 B 1 1 0 1 0 null",
        "fastest-entity 2024 C 1 1 0 1 0 null",
        "most_streamed-window 2023 A 1 1 5 1 0 null",
        "most_streamed-window 2024 A 1 1 9 null null new",
        "most_streamed-window 2024 B 2 2 5 1 -1 null",
        "most_streamed-window 2024 C 2 2 5 1 -1 null",
        "most_streamed-window 2024 D 4 3 1 null null new",
    ];
    assert_eq!(cells(&world, "rankings", columns), expected);
}

#[test]
fn stale_copies_and_other_holes() {
    let ten = |day: &str, streams: i64| -> String {
        (1..=10).map(|n| format!("kr|{day}|{n}|{}|T{n}|X|{streams}\n", uri(&format!("t{n}")))).collect()
    };
    let old = [ten("2024-02-28", 70), ten("2024-02-29", 70), ten("2024-03-02", 80)].concat();
    let new = "kr|2024-03-03|1|t1|T1|X|9
               kr|2024-03-04|2|t1|T1|X|9";
    let world = world(&[], &[&old, new]);
    let states = ["observed", "stale", "missing", "observed", "short", "rank_gap"];
    assert_eq!(cells(&world, "coverage", "state"), states);
    assert_eq!(cells(&world, "exports", "export rows_used"), ["0.csv 30", "1.csv 2"]);
    // Neither the stale date nor the missing one breaks the streak of T1, which two tracks share.
    let runs = "entity appearances longest_streak current_streak streams peak_on times_at_peak";
    let run = "T1 4 4 4 168 2024-02-28 3";
    assert!(cells(&world, "chart_runs", runs).contains(&run.to_owned()));
}
