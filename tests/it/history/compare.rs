//! The comparison itself: which differences of two tables are changes, and what their cause may be.

use chartledger::changes::{Cause, Causes, Change, Conditions, Input, Kind, compare};
use chartledger::dates::Day;
use chartledger::frame::{Column, Frame};

/// A table from its header and rows; a column is a date, a number or text by its name.
fn table(columns: &'static str, rows: &[&str]) -> Frame {
    let names: Vec<&'static str> = columns.split_whitespace().collect();
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.split('|').map(str::trim).collect()).collect();
    let column = |(place, name): (usize, &&'static str)| {
        let cells = rows.iter().map(|row| Some(row[place]).filter(|cell| !cell.is_empty()));
        let day = |cell: &str| Day::parse(cell.as_bytes()).expect("a date");
        match *name {
            name if name.ends_with("_on") || name == "held_until" => {
                Column::optional_dates(name, cells.map(|cell| cell.map(day)))
            }
            "threshold" | "cumulative" | "rank" | "streams" | "dates_observed" | "peak_streams" | "value"
            | "margin" => {
                let number = |cell: &str| cell.parse::<i64>().expect("a number");
                Column::optional_numbers(name, cells.map(|cell| cell.map(number)))
            }
            name => Column::text(name, cells.map(|cell| cell.unwrap_or_default())),
        }
    };
    let columns = names.iter().enumerate().map(column).collect();
    Frame::new(rows.len(), columns).expect("a table")
}

/// What changed between two tables: kind, window and values of each.
fn changed(name: &str, columns: &'static str, before: &[&str], after: &[&str]) -> Vec<String> {
    let (before, after) = (table(columns, before), table(columns, after));
    let (before, after) = (Some(&before), Some(&after));
    let named = |wanted: &str| wanted == name;
    let changes = compare(
        |wanted| before.filter(|_| named(wanted)),
        |wanted| after.filter(|_| named(wanted)),
        &Causes::default(),
    );
    let changes = changes.expect("a comparison");
    let value = |figure: &Option<chartledger::changes::Figure<'_>>| match figure {
        Some(figure) => figure.value.map_or("-".to_owned(), |value| value.to_string()),
        None => "nothing".to_owned(),
    };
    let short = |change: Change<'_>| {
        assert!(!change.says().is_empty() && change.cause != Cause::default());
        let (kind, window) = (change.kind.word(), change.subject.window);
        format!("{kind} {window} {} > {}", value(&change.before), value(&change.after))
    };
    changes.iter().map(short).collect()
}

// ----------------------------------------------------------------------------------------- totals

fn totals(before: &str, after: &str) -> bool {
    let columns = "tally chart region entity_kind entity_id entity artists window streams first_on last_on \
                   dates_observed peak_streams peak_on";
    let row = |figures: &str| format!("t|c|r|song|s|S|A|all|{figures}");
    let changes = changed("totals", columns, &[&row(before)], &[&row(after)]);
    assert!(changes.len() <= 1);
    !changes.is_empty()
}

#[test]
fn growth_by_new_dates_is_no_correction() {
    let before = "100|2024-03-01|2024-03-03|3|50|2024-03-02";
    for after in [
        "100|2024-03-01|2024-03-03|3|50|2024-03-02",
        "110|2024-03-01|2024-03-04|4|50|2024-03-02",
        "190|2024-03-01|2024-03-04|4|90|2024-03-04",
        "100|2024-03-01|2024-03-04|4|50|2024-03-02",
    ] {
        assert!(!totals(before, after), "{after}");
    }
}

#[test]
fn a_total_whose_past_is_another_one_is_corrected() {
    let before = "100|2024-03-01|2024-03-03|3|50|2024-03-02";
    for after in [
        "90|2024-03-01|2024-03-03|3|50|2024-03-02",  // less
        "90|2024-03-01|2024-03-04|4|50|2024-03-02",  // less, although there is a new date
        "110|2024-03-01|2024-03-03|3|60|2024-03-02", // more without a new date
        "110|2024-03-01|2024-03-03|4|50|2024-03-02", // a late date between
        "110|2024-02-28|2024-03-03|4|50|2024-03-02", // a late date before
        "110|2024-02-28|2024-03-04|5|50|2024-03-02", // the same, and a new one
        "110|2024-03-01|2024-03-04|4|40|2024-03-02", // the best date was not as good
        "160|2024-03-01|2024-03-04|4|60|2024-03-02", // or better
        "110|2024-03-01|2024-03-04|4|50|2024-03-01", // or another one
        "110|2024-03-01|2024-03-04|3|50|2024-03-02", // a date is gone for the new one
        "100|2024-03-01|2024-03-02|2|50|2024-03-02", // the last date is gone
    ] {
        assert!(totals(before, after), "{after}");
    }
}

// --------------------------------------------------------------------------------------- rankings

const RANKINGS: &str =
    "ranking chart region entity_kind entity_id entity artists window threshold rank reached_on";

fn rank(window: &str, id: &str, rank: u8) -> String {
    format!("r|c|g|artist|{id}|{id}||{window}|0|{rank}|2024-03-01")
}

fn ranks(before: &[String], after: &[String]) -> Vec<String> {
    let borrowed = |rows: &[String]| rows.to_vec();
    let (before, after) = (borrowed(before), borrowed(after));
    let texts = |rows: &'static [String]| rows.iter().map(String::as_str).collect::<Vec<_>>();
    let (before, after) = (texts(before.leak()), texts(after.leak()));
    changed("rankings", RANKINGS, &before, &after)
}

#[test]
fn who_stands_with_another_window_has_another_rank_and_not_two() {
    let before = [rank("2022", "b", 2), rank("2023", "a", 1)];
    let after = [rank("2022", "b", 1), rank("2024", "a", 2)];
    assert_eq!(ranks(&before, &after), ["rank_gained 2022 2 > 1", "rank_lost 2024 1 > 2"]);
    // The same rank in a better window is no other rank.
    assert!(ranks(&[rank("2023", "a", 1)], &[rank("2024", "a", 1)]).is_empty());
    // Who stands in every window is ranked anew in each.
    let every = [rank("2022", "a", 1), rank("2023", "a", 1)];
    let later = [rank("2022", "a", 1), rank("2024", "a", 1)];
    assert_eq!(ranks(&every, &later), ["rank_gained 2024 nothing > 1", "rank_lost 2023 1 > nothing"]);
}

#[test]
fn another_id_of_the_same_name_keeps_its_rank() {
    let named = |id: &str, rank: u8| format!("r|c|g|song|{id}|Seven|Jung Kook|all|0|{rank}|2024-03-01");
    assert!(ranks(&[named("uri", 1)], &[named("seven", 1)]).is_empty());
    assert_eq!(ranks(&[named("uri", 1)], &[named("seven", 2)]), ["rank_lost all 1 > 2"]);
    // Two of one name are told apart by their ids, or not at all.
    let two = ranks(&[named("a", 1), named("b", 2)], &[named("x", 1), named("y", 2)]);
    assert_eq!(two.len(), 4, "{two:?}");
}

// ---------------------------------------------------------------------------------------- records

fn records(before: &[&str], after: &[&str]) -> Vec<String> {
    let columns = "record kind chart region entity_kind entity_id entity artists reached_on value unit \
                   previous_holder margin held_until";
    let mut changes = changed("records", columns, before, after);
    changes.sort();
    changes
}

#[test]
fn a_record_is_set_broken_equalled_or_rewritten() {
    let reign = |kind: &str, who: &str, rest: &str| format!("r|{kind}|c|g|song|{who}|{who}|A|{rest}");
    let a = reign("best_date", "a", "2024-03-01|50|streams|||");
    let a_until = reign("best_date", "a", "2024-03-01|50|streams|||2024-03-05");
    let b = reign("best_date", "b", "2024-03-05|60|streams|a|10|");
    let equal = reign("best_date", "b", "2024-03-05|50|streams|a|0|");
    assert_eq!(records(&[], &[&a]), ["record_set 2024-03-01 nothing > 50"]);
    assert_eq!(records(&[&a], &[&a_until, &b]), ["record_broken 2024-03-05 nothing > 60"]);
    assert_eq!(records(&[&a], &[&a, &equal]), ["record_equalled 2024-03-05 nothing > 50"]);
    // What comes to light later is no news but another past.
    let early = reign("best_date", "c", "2024-02-20|40|streams|||2024-03-01");
    let after_c = reign("best_date", "a", "2024-03-01|50|streams|c|10|");
    assert_eq!(
        records(&[&a], &[&after_c, &early]),
        ["record_changed 2024-02-20 nothing > 40", "record_changed 2024-03-01 50 > 50"]
    );
    assert_eq!(records(&[&a_until, &b], &[&a]), ["record_changed 2024-03-05 60 > nothing"]);
    // A reign that goes on is none, and one that gets shorter is.
    let long = |value: u8| reign("days_at_one", "a", &format!("2024-03-01|{value}|dates|||"));
    assert!(records(&[&long(5)], &[&long(6)]).is_empty());
    assert_eq!(records(&[&long(5)], &[&long(4)]), ["record_changed 2024-03-01 5 > 4"]);
}

// ----------------------------------------------------------------------------------------- causes

fn input(name: &str, region: &str, first: &str, last: &str) -> Input {
    let day = |text: &str| Day::parse(text.as_bytes()).expect("a date");
    Input {
        name: name.into(),
        hash: name.into(),
        charts: vec!["spotify:daily".into()],
        regions: vec![region.into()],
        days: Some((day(first), day(last))),
        superseded: 0,
    }
}

/// The causes of a milestone of a region that is now on a date, and of a claim.
fn causes(before: &Conditions, after: &Conditions, region: &str, on: &str) -> [String; 2] {
    let causes = Causes::between(before, after);
    [Kind::MilestoneMoved, Kind::ClaimChanged].map(|kind| {
        let subject = chartledger::changes::Subject { chart: "spotify:daily", region, ..Default::default() };
        let on = Day::parse(on.as_bytes());
        let after = Some(chartledger::changes::Figure { on, ..Default::default() });
        let change = Change { kind, subject, before: None, after, unit: "", cause: Cause::default() };
        causes.of(&change).to_string()
    })
}

#[test]
fn causes_are_those_of_the_region_and_the_days() {
    let of = |inputs: &[&Input]| {
        let inputs = inputs.iter().copied().cloned().collect();
        Conditions { inputs, ..Conditions::default() }
    };
    let march = input("march", "kr", "2024-03-01", "2024-03-31");
    let april = input("april", "kr", "2024-04-01", "2024-04-30");
    let us = input("us", "us", "2024-03-01", "2024-03-31");
    let corrected = Input { hash: "other".into(), ..march.clone() };
    let milestone = |before: &[&Input], after: &[&Input], region: &str, on: &str| {
        let [milestone, _] = causes(&of(before), &of(after), region, on);
        milestone
    };
    assert_eq!(milestone(&[&march], &[&march, &april], "kr", "2024-04-02"), "new_data");
    assert_eq!(milestone(&[&march, &april], &[&march], "kr", "2024-04-02"), "correction");
    let both = [&corrected, &april];
    assert_eq!(milestone(&[&march], &both, "kr", "2024-04-02"), "new_data,correction");
    // April moves nothing of March, nor the United States Korea.
    assert_eq!(milestone(&[&march], &both, "kr", "2024-03-20"), "correction");
    let far = [&corrected, &us];
    assert_eq!(milestone(&[&march], &far, "kr", "2024-03-20"), "correction");
    assert_eq!(milestone(&[&march], &far, "all", "2024-03-20"), "new_data,correction");
    // Where nothing of its own differs, anything that does may be it: who is who is decided for all.
    assert_eq!(milestone(&[&march], &[&march, &us], "kr", "2024-03-20"), "new_data");
    // A file that has grown corrects what it had and brings what it had not.
    let days = march.days.zip(april.days).map(|(march, april)| (march.0, april.1));
    let longer = Input { days, ..corrected.clone() };
    assert_eq!(milestone(&[&march], &[&longer], "kr", "2024-03-20"), "correction");
    assert_eq!(milestone(&[&march], &[&longer], "kr", "2024-04-02"), "new_data,correction");
    // A newer file contradicts it: both are told.
    let lost = Input { superseded: 3, ..march.clone() };
    let newer = input("newer", "kr", "2024-03-05", "2024-03-06");
    assert_eq!(milestone(&[&march], &[&lost, &newer], "kr", "2024-03-20"), "new_data,correction");
}

#[test]
fn all_that_differs_is_named_in_one_order() {
    let before = Conditions::default();
    let other = || "other".to_owned();
    let after = Conditions {
        pipeline: other(),
        catalog: other(),
        claims: other(),
        program: other(),
        as_of: Some(Day(19_000)),
        inputs: vec![input("a", "kr", "2024-03-01", "2024-03-31")],
    };
    assert_eq!(
        causes(&before, &after, "kr", "2024-03-20"),
        ["new_data,catalog,pipeline,program,as_of", "new_data,catalog,pipeline,claims,program,as_of"]
    );
    let claims = Conditions { claims: other(), ..Conditions::default() };
    // Nothing that is known differs: builds of one version are not told apart.
    assert_eq!(causes(&before, &claims, "kr", "2024-03-20"), ["program", "claims"]);
}
