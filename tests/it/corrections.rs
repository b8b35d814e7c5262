//! Late and corrected exports: which one counts, what stays on record, and what is refused.

use crate::support::{Desk, merged_daily, pick};

const CHART: &str = "
    2024-03-01|Global|1|A|Like Crazy|Jimin|90
    2024-03-01|Global|2|B|Seven|Jung Kook, Latto|60
    2024-03-01|Global|3|C|Rush Hour|Crush, j-hope|50
    2024-03-01|Global|4|D|Slow Dancing|V|40
    2024-03-01|Global|5|E|LALISA|LISA|30
";

fn desk(policy: &str) -> Desk {
    let desk = Desk::with([("charts.csv", merged_daily(CHART))]);
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
    let expected = "another export contradicts charts.csv on spotify:daily global 2024-03-01";
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
