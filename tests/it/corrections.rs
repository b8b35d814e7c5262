//! Late and corrected exports: which one counts, what stays on record, and what is refused.

use crate::support::{Desk, merged_daily, pick, rows_of};

const CHART: &str = "
    2024-03-01|Global|1|A|Like Crazy|Jimin|90
    2024-03-01|Global|2|B|Seven|Jung Kook, Latto|60
    2024-03-01|Global|3|C|Rush Hour|Crush, j-hope|50
    2024-03-01|Global|4|D|Slow Dancing|V|40
    2024-03-01|Global|5|E|LALISA|LISA|30
";

fn desk(policy: &str) -> Desk {
    desk_of("charts.csv", merged_daily(CHART), policy)
}

fn desk_of(name: &str, bytes: String, policy: &str) -> Desk {
    let desk = Desk::with([(name, bytes)]);
    if !policy.is_empty() {
        let pipeline = std::fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
        desk.put("t.toml", pipeline.replace("[exports]\n", &format!("[exports]\n{policy}\n")));
    }
    desk.run("");
    desk
}

/// The chart with Seven at 65 and without LALISA.
fn corrected() -> String {
    merged_daily(&CHART.replace("|60", "|65").replace("2024-03-01|Global|5|E|LALISA|LISA|30", ""))
}

fn put(desk: &Desk, name: &str, bytes: &str, seconds: u64) {
    desk.put(&format!("exports/{name}"), bytes);
    desk.date(&format!("exports/{name}"), seconds);
}

fn seven(desk: &Desk) -> i64 {
    let totals = desk.show("totals");
    let seven = totals.iter().find(|row| row["entity"] == "Seven" && row["tally"] == "song");
    seven.expect("Seven")["streams"].as_i64().expect("a sum")
}

const SHOWN: &str = "date title change was_export was_rank was_streams export rank streams";

#[test]
fn a_corrected_file_counts_and_what_it_said_before_stays_on_record() {
    let desk = desk("");
    assert_eq!((seven(&desk), desk.show("corrections").len()), (60, 0));
    put(&desk, "charts.csv", &corrected(), 60);
    desk.run("");
    assert_eq!(seven(&desk), 65);
    let rows = desk.show("corrections");
    let was = rows[0]["was_export"].as_str().expect("a name").to_owned();
    assert!(was.starts_with("charts.csv@") && was.len() == "charts.csv@".len() + 8, "{was}");
    assert_eq!(
        pick(&rows, SHOWN),
        [
            format!("2024-03-01 | Seven | changed | {was} | 2 | 60 | charts.csv | 2 | 65"),
            format!("2024-03-01 | LALISA | removed | {was} | 5 | 30 |  |  | "),
        ]
    );
    let accounts = "export rows_read rows_used rows_superseded";
    assert_eq!(
        pick(&desk.show("exports"), accounts),
        ["charts.csv | 4 | 4 | 0", &format!("{was} | 5 | 0 | 5")]
    );
    // And again: each of them is held against what counts in the end.
    put(&desk, "charts.csv", &merged_daily(CHART), 120);
    desk.run("");
    assert_eq!(seven(&desk), 60);
    assert_eq!(
        pick(&desk.show("corrections"), "title change was_streams streams"),
        ["Seven | changed | 65 | 60", "LALISA | added |  | 30",]
    );
}

#[test]
fn a_newer_file_prevails_and_its_name_can_tell_the_time() {
    let desk = desk("");
    put(&desk, "later.csv", &corrected(), 60);
    desk.run("");
    assert_eq!(seven(&desk), 65);
    assert_eq!(
        pick(&desk.show("corrections"), "title change was_export export"),
        ["Seven | changed | charts.csv | later.csv", "LALISA | removed | charts.csv | ",]
    );
    // Downloaded last, and of an earlier time by its name.
    put(&desk, "charts-20230101T060000Z.csv", &merged_daily(&CHART.replace("|60", "|55")), 600);
    desk.run("");
    assert_eq!(seven(&desk), 65);
    put(&desk, "charts-20240321T060000Z.csv", &merged_daily(&CHART.replace("|60", "|66")), 0);
    desk.run("");
    assert_eq!(seven(&desk), 66);
}

#[test]
fn keep_keeps_what_came_first() {
    let desk = desk("on_conflict = \"keep\"");
    put(&desk, "later.csv", &corrected(), 60);
    desk.run("");
    assert_eq!(seven(&desk), 60);
    put(&desk, "charts.csv", &corrected(), 120);
    let ran = desk.run("");
    assert!(
        ran.stderr
            .contains("charts.csv: it has changed since the ledger took it in, and on_conflict = \"keep\""),
        "{}",
        ran.stderr
    );
    assert_eq!(seven(&desk), 60);
}

#[test]
fn fail_stops_and_leaves_everything_as_it_was() {
    let desk = desk("on_conflict = \"fail\"");
    put(&desk, "later.csv", &corrected(), 60);
    let message = desk.call("run t.toml").fails(3);
    let expected = "later.csv contradicts charts.csv on spotify:daily global 2024-03-01";
    assert!(message.contains(expected), "{message}");
    assert_eq!((desk.ledger_version(), seven(&desk)), (Some(0), 60));
    std::fs::remove_file(desk.path("exports/later.csv")).expect("gone");

    put(&desk, "charts.csv", &corrected(), 120);
    let message = desk.call("run t.toml").fails(3);
    assert!(message.contains("charts.csv has changed since the ledger took it in"), "{message}");
    assert_eq!((desk.ledger_version(), seven(&desk)), (Some(0), 60));

    // What repeats or completes contradicts nothing.
    put(&desk, "charts.csv", &merged_daily(CHART), 180);
    put(&desk, "more.csv", &merged_daily("2024-03-01|Global|6|F|Haegeum|Agust D|20"), 180);
    desk.run("");
    assert_eq!(desk.ledger_version(), Some(1));
}

#[test]
fn a_correction_that_loses_much_is_refused_unless_it_is_allowed() {
    let desk = desk("");
    let short = merged_daily(CHART.split_inclusive('\n').take(4).collect::<String>().as_str());
    put(&desk, "charts.csv", &short, 60);
    let ran = desk.run("");
    let refused = "it has 3 good rows now and had 5: a correction that loses more than 20 % is refused";
    assert!(ran.stderr.contains(refused), "{}", ran.stderr);
    assert_eq!(desk.show("chart_runs").len(), 5);
    desk.call("run t.toml --strict").fails(3);
    desk.run("--allow-loss");
    assert_eq!(desk.show("chart_runs").len(), 3);
    assert_eq!(
        pick(&desk.show("corrections"), "title change"),
        ["Slow Dancing | removed", "LALISA | removed"]
    );
}

#[test]
fn a_loss_that_the_pipeline_allows_is_taken_in() {
    let desk = desk("max_loss = 0.5");
    let short = merged_daily(CHART.split_inclusive('\n').take(4).collect::<String>().as_str());
    put(&desk, "charts.csv", &short, 60);
    desk.run("");
    assert_eq!(desk.show("chart_runs").len(), 3);
    let pipeline = std::fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", pipeline.replace("0.5", "1.5"));
    assert!(desk.call("run t.toml").fails(2).contains("max_loss = 1.5 is not between 0 and 1"));
}

/// Rows of a chart: so many streams more than the usual ones.
fn lines(date: &str, ranks: std::ops::RangeInclusive<u32>, more: u32) -> String {
    let line = |rank| format!("{date}|Global|{rank}|{rank}|Song {rank}|Artist|{}\n", 1000 - 10 * rank + more);
    ranks.map(line).collect()
}

fn chart(ranks: std::ops::RangeInclusive<u32>, more: u32) -> String {
    merged_daily(&lines("2024-03-01", ranks, more))
}

/// A chart of ten rows in `whole.csv`, in the ledger.
fn ten(policy: &str) -> Desk {
    desk_of("whole.csv", chart(1..=10, 0), policy)
}

/// What became of the rows of each export.
fn accounts(desk: &Desk) -> Vec<String> {
    pick(&desk.show("exports"), "export rows_used rows_duplicate rows_superseded")
}

#[test]
fn a_short_file_of_another_name_does_not_replace_a_chart_unless_it_is_allowed() {
    let desk = ten("");
    put(&desk, "short.csv", &chart(1..=2, 1), 60);
    let refused = desk.call("run t.toml --strict").fails(3);
    assert!(
        refused.contains("--strict, and an export was withheld: short.csv: on spotify:daily"),
        "{refused}"
    );
    // A plan says it before anything is written.
    let version = desk.ledger_version();
    let planned = desk.call("plan t.toml").succeeds().stdout;
    assert!(planned.contains("\nwithheld   short.csv: on spotify:daily global 2024-03-01"), "{planned}");
    assert_eq!(desk.ledger_version(), version);
    let ran = desk.run("");
    let said = "refused    short.csv: on spotify:daily global 2024-03-01 it would leave 2 rows where 10 count, \
                most of them of whole.csv: it loses too much to replace them, and they go on counting; look at \
                it, and run with --allow-loss if it is right, or take it out with `chartledger ledger forget`";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!(accounts(&desk), ["short.csv | 0 | 0 | 2", "whole.csv | 10 | 0 | 0"]);
    assert_eq!(pick(&desk.show("coverage"), "date state"), ["2024-03-01 | conflict"]);
    assert_eq!(
        pick(&desk.show("corrections"), "title change was_export was_streams streams")[..2],
        ["Song 1 | changed | short.csv | 991 | 990", "Song 2 | changed | short.csv | 981 | 980"]
    );
    let added = desk.show("corrections").iter().filter(|row| row["change"] == "added").count();
    assert_eq!(added, 8);
    desk.call("verify t.toml").succeeds();

    // It is said as long as it is so.
    let version = desk.ledger_version();
    let again = desk.run("");
    assert!(
        again.stderr.contains("refused    short.csv: still withheld: 2 rows that would lose too much"),
        "{}",
        again.stderr
    );
    assert_eq!(desk.ledger_version(), version);
    desk.call("run t.toml --strict").fails(3);
    let planned = desk.call("plan t.toml").succeeds().stdout;
    assert!(planned.contains("\nwithheld   short.csv: still withheld: 2 rows"), "{planned}");

    desk.run("--allow-loss");
    let planned = desk.call("plan t.toml").succeeds().stdout;
    assert!(!planned.contains("withheld"), "{planned}");
    let history = rows_of(&desk.call("history t.toml --format json").succeeds().stdout);
    let commits: Vec<_> = history.iter().filter(|row| row["event"] == "commit").cloned().collect();
    assert_eq!(pick(&commits, "what"), ["whole.csv", "short.csv", "loss allowed to short.csv"]);
    let allowed = ["short.csv | 2 | 0 | 0", "whole.csv | 0 | 0 | 10"];
    assert_eq!(accounts(&desk), allowed);
    desk.call("verify t.toml").succeeds();
    // And it stays allowed, also when its month is written again.
    put(&desk, "next.csv", &merged_daily(&lines("2024-03-02", 1..=10, 0)), 60);
    let ran = desk.run("--strict");
    assert!(!ran.stderr.contains("refused "), "{}", ran.stderr);
    assert_eq!(accounts(&desk)[1..], allowed);
    // Nobody else is: what counts now may not shrink either.
    put(&desk, "shorter.csv", &chart(1..=1, 2), 120);
    assert!(desk.run("").stderr.contains("it would leave 1 row where 2 count, most of them of short.csv"));
}

#[test]
fn what_is_withheld_can_be_forgotten() {
    let desk = ten("");
    put(&desk, "short.csv", &chart(1..=2, 1), 60);
    desk.run("");
    desk.call("ledger forget short.csv t.toml").succeeds();
    let ran = desk.run("--strict");
    assert!(!ran.stderr.contains("refused "), "{}", ran.stderr);
    assert_eq!(accounts(&desk), ["whole.csv | 10 | 0 | 0"]);
    desk.call("ledger forget short.csv --undo t.toml").succeeds();
    let history = rows_of(&desk.call("history t.toml --format json").succeeds().stdout);
    let commits: Vec<_> = history.iter().filter(|row| row["event"] == "commit").cloned().collect();
    let said = ["whole.csv", "short.csv", "short.csv forgotten", "short.csv may come in again"];
    assert_eq!(pick(&commits, "what"), said);
}

#[test]
fn who_is_withheld_does_not_depend_on_the_order_of_arrival() {
    let files = [
        ("whole.csv", chart(1..=10, 0), 0),
        ("short.csv", chart(1..=2, 1), 60),
        ("short-again.csv", chart(1..=2, 1), 90),
        ("more.csv", chart(11..=12, 0), 120),
    ];
    let expected = [
        "more.csv | 2 | 0 | 0",
        "short-again.csv | 0 | 0 | 2",
        "short.csv | 0 | 0 | 2",
        "whole.csv | 10 | 0 | 0",
    ];
    let orders: [&[&[usize]]; 6] = [
        &[&[0, 1, 2, 3]],
        &[&[0], &[1], &[2], &[3]],
        &[&[3], &[2], &[1], &[0]],
        &[&[2], &[3, 0], &[1]],
        &[&[1, 3], &[0, 2]],
        &[&[2, 3], &[1], &[0]],
    ];
    for nights in orders {
        let desk = Desk::with([("none.txt", "")]);
        std::fs::remove_file(desk.path("exports/none.txt")).expect("gone");
        for night in nights {
            for &file in *night {
                let (name, bytes, seconds) = &files[file];
                put(&desk, name, bytes, *seconds);
            }
            desk.run("");
        }
        assert_eq!(accounts(&desk), expected, "{nights:?}");
        desk.call("verify t.toml").succeeds();
    }
}

#[test]
fn halves_and_repetitions_lose_nothing() {
    let desk = ten("");
    // Fewer rows that contradict nothing.
    put(&desk, "head.csv", &chart(1..=2, 0), 10);
    put(&desk, "more.csv", &chart(11..=20, 0), 20);
    desk.run("--strict");
    assert_eq!(accounts(&desk), ["head.csv | 2 | 0 | 0", "more.csv | 10 | 0 | 0", "whole.csv | 8 | 2 | 0"]);

    // A correction in two halves: the first alone would lose half of the chart.
    let desk = ten("");
    put(&desk, "upper.csv", &chart(1..=5, 1), 60);
    assert!(
        desk.run("").stderr.contains("upper.csv: on spotify:daily global 2024-03-01 it would leave 5 rows")
    );
    put(&desk, "lower.csv", &chart(6..=10, 1), 120);
    desk.run("--strict");
    assert_eq!(accounts(&desk), ["lower.csv | 5 | 0 | 0", "upper.csv | 5 | 0 | 0", "whole.csv | 0 | 0 | 10"]);

    // A whole one after a short one: nothing to look at any more.
    put(&desk, "short.csv", &chart(1..=2, 2), 180);
    desk.call("run t.toml --strict").fails(3);
    put(&desk, "whole-again.csv", &chart(1..=10, 3), 240);
    desk.run("--strict");
    assert_eq!(
        accounts(&desk)[2..],
        ["upper.csv | 0 | 0 | 5", "whole-again.csv | 10 | 0 | 0", "whole.csv | 0 | 0 | 10"]
    );
    desk.call("verify t.toml").succeeds();
}

#[test]
fn only_the_dates_on_which_it_loses_much_are_withheld() {
    let days = |ranks: [std::ops::RangeInclusive<u32>; 3], more| {
        let dates = ["2024-02-28", "2024-03-01", "2024-03-02"];
        merged_daily(
            &dates.into_iter().zip(ranks).map(|(date, ranks)| lines(date, ranks, more)).collect::<String>(),
        )
    };
    let desk = ten("");
    put(&desk, "days.csv", &days([1..=10, 1..=10, 1..=10], 0), 30);
    put(&desk, "new.csv", &days([1..=3, 1..=8, 1..=4], 1), 60);
    let ran = desk.run("");
    let said = "new.csv: on spotify:daily global 2024-02-28 it would leave 3 rows where 10 count, most of them of \
                days.csv (and on one more chart, region or date)";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!(accounts(&desk), ["days.csv | 20 | 0 | 10", "new.csv | 8 | 0 | 7", "whole.csv | 0 | 0 | 10"]);
}

#[test]
fn what_came_first_or_what_the_pipeline_allows_is_never_withheld() {
    let desk = ten("on_conflict = \"keep\"");
    put(&desk, "short.csv", &chart(1..=2, 1), 60);
    desk.run("--strict");
    assert_eq!(accounts(&desk), ["short.csv | 0 | 0 | 2", "whole.csv | 10 | 0 | 0"]);
    let desk = ten("max_loss = 0.8");
    put(&desk, "short.csv", &chart(1..=2, 1), 60);
    desk.run("--strict");
    assert_eq!(accounts(&desk), ["short.csv | 2 | 0 | 0", "whole.csv | 0 | 0 | 10"]);
    desk.call("verify t.toml").succeeds();
}

#[test]
fn a_file_may_go_back_and_forth() {
    let desk = desk("");
    let original = merged_daily(CHART);
    for (turn, bytes) in
        [&corrected(), &original, &corrected(), &original, &corrected()].into_iter().enumerate()
    {
        put(&desk, "charts.csv", bytes, 60 * (turn as u64 + 1));
        desk.run("--allow-loss");
        assert_eq!(seven(&desk), if turn % 2 == 0 { 65 } else { 60 });
    }
    let exports = pick(&desk.show("exports"), "export");
    let distinct: std::collections::BTreeSet<&String> = exports.iter().collect();
    assert_eq!((exports.len(), distinct.len()), (6, 6), "{exports:?}");
    assert!(exports.iter().any(|name| name.ends_with(".3")), "{exports:?}");
    desk.call("verify t.toml").succeeds();
    // Incremental as ever.
    let published = desk.published();
    desk.run("--full");
    assert_eq!(desk.published(), published);
}
