//! `changes`: two published runs, held against each other row by row.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Row;

/// The tables that are compared.
pub const COMPARED: [&str; 4] = ["milestones", "totals", "rankings", "records"];
/// What tells one change from another.
pub const GRAIN: [&str; 7] = ["change", "name", "chart", "region", "entity_id", "window", "threshold"];

/// Published tables by name.
pub type Run = BTreeMap<&'static str, Vec<Row>>;

/// What a run has otherwise than the one before, but for causes and sentences.
pub fn changes(before: &Run, after: &Run) -> Vec<Row> {
    let mut changes = Vec::new();
    let pairs = |table: &str, same: &[Same]| pair(&before[table], &after[table], same);

    let milestone = Figure { name: "tally", on: "reached_on", value: "cumulative", state: Some("certainty") };
    let key = ["tally", "chart", "region", "entity_id", "window", "threshold"];
    let called = ["tally", "chart", "region", "entity_kind", "entity", "artists", "window", "threshold"];
    for pair in pairs("milestones", &[by(&key), by(&called)]) {
        let change = match pair {
            (None, _) => "milestone_crossed",
            (_, None) => "milestone_revoked",
            (Some(old), Some(new)) if differ(old, new, &["reached_on", "certainty", "cumulative"]) => {
                "milestone_moved"
            }
            _ => continue,
        };
        changes.push(milestone.change(change, pair, json!("streams")));
    }

    let total = Figure { name: "tally", on: "last_on", value: "streams", state: None };
    let key = ["tally", "chart", "region", "entity_id", "window"];
    let called = ["tally", "chart", "region", "entity_kind", "entity", "artists", "window"];
    for pair in pairs("totals", &[by(&key), by(&called)]) {
        let corrected = match pair {
            (None, _) => false,
            (_, None) => true,
            (Some(old), Some(new)) => is_corrected(old, new),
        };
        if corrected {
            changes.push(total.change("total_corrected", pair, json!("streams")));
        }
    }

    let rank = Figure { name: "ranking", on: "reached_on", value: "rank", state: None };
    let key = ["ranking", "chart", "region", "window", "threshold", "entity_id"];
    let who = ["ranking", "chart", "region", "threshold", "entity_id"];
    let called = ["ranking", "chart", "region", "window", "threshold", "entity_kind", "entity", "artists"];
    let once = Same { columns: who.to_vec(), in_all_rows: true };
    for pair in pairs("rankings", &[by(&key), once, by(&called)]) {
        let change = match pair {
            (None, _) => "rank_gained",
            (_, None) => "rank_lost",
            (Some(old), Some(new)) if number(new, "rank") < number(old, "rank") => "rank_gained",
            (Some(old), Some(new)) if number(new, "rank") > number(old, "rank") => "rank_lost",
            _ => continue,
        };
        changes.push(rank.change(change, pair, json!("rank")));
    }

    let record = Figure { name: "record", on: "reached_on", value: "value", state: Some("previous_holder") };
    let key = ["record", "chart", "region", "entity_kind", "entity_id", "reached_on"];
    let called = ["record", "chart", "region", "entity_kind", "entity", "artists", "reached_on"];
    for pair in pairs("records", &[by(&key), by(&called)]) {
        let change = match pair {
            (None, Some(new)) if is_past(new, &before["records"]) => "record_changed",
            (None, Some(new)) => match new["margin"].as_i64() {
                None => "record_set",
                Some(0) => "record_equalled",
                Some(_) => "record_broken",
            },
            (Some(old), Some(new)) if !differ(old, new, &["value", "previous_holder"]) => continue,
            (Some(old), Some(new)) if goes_on(old, new) => continue,
            _ => "record_changed",
        };
        let unit = pair.1.or(pair.0).expect("one of them")["unit"].clone();
        let mut row = record.change(change, pair, unit);
        let on = pair.1.or(pair.0).expect("one of them")["reached_on"].clone();
        row.insert("window".to_owned(), on);
        changes.push(row);
    }
    changes
}

/// A row before and a row after, one of them or both.
type Pair<'a> = (Option<&'a Row>, Option<&'a Row>);

/// When two rows that are left over are the same one: if these columns are, and no other row has them,
/// of those left over or of all.
struct Same {
    columns: Vec<&'static str>,
    in_all_rows: bool,
}

fn by(columns: &[&'static str]) -> Same {
    Same { columns: columns.to_vec(), in_all_rows: false }
}

fn pair<'a>(before: &'a [Row], after: &'a [Row], same: &[Same]) -> Vec<Pair<'a>> {
    let (mut old, mut new): (Vec<&Row>, Vec<&Row>) = (before.iter().collect(), after.iter().collect());
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for Same { columns, in_all_rows } in same {
        let alike = |a: &Row, b: &Row| columns.iter().all(|column| a[*column] == b[*column]);
        let count = |rows: &[&Row], row: &Row| rows.iter().filter(|other| alike(other, row)).count();
        let all = |rows: &'a [Row]| rows.iter().collect::<Vec<&Row>>();
        let of =
            |all_rows: Vec<&'a Row>, left: &[&'a Row]| if *in_all_rows { all_rows } else { left.to_vec() };
        let (among_old, among_new) = (of(all(before), &old), of(all(after), &new));
        let found: Vec<(&Row, &Row)> = old
            .iter()
            .filter_map(|was| {
                let is = new.iter().find(|is| alike(was, is))?;
                (count(&among_old, was) == 1 && count(&among_new, was) == 1).then_some((*was, *is))
            })
            .collect();
        old.retain(|row| !found.iter().any(|(was, _)| std::ptr::eq(*was, *row)));
        new.retain(|row| !found.iter().any(|(_, is)| std::ptr::eq(*is, *row)));
        pairs.extend(found.into_iter().map(|(was, is)| (Some(was), Some(is))));
    }
    pairs.extend(old.into_iter().map(|row| (Some(row), None)));
    pairs.extend(new.into_iter().map(|row| (None, Some(row))));
    pairs
}

/// Which columns of a table a change tells.
struct Figure {
    name: &'static str,
    on: &'static str,
    value: &'static str,
    state: Option<&'static str>,
}

impl Figure {
    fn change(&self, change: &str, (before, after): Pair<'_>, unit: Value) -> Row {
        let of = |row: Option<&Row>, column: Option<&str>| {
            row.zip(column).map_or(Value::Null, |(row, column)| row[column].clone())
        };
        let subject = after.or(before).expect("one of them");
        let mut row = Row::new();
        row.insert("change".to_owned(), json!(change));
        row.insert("name".to_owned(), subject[self.name].clone());
        for column in ["chart", "region", "entity_kind", "entity_id", "entity", "artists"] {
            row.insert(column.to_owned(), subject[column].clone());
        }
        for (column, none) in [("window", json!("")), ("threshold", json!(0))] {
            row.insert(column.to_owned(), subject.get(column).cloned().unwrap_or(none));
        }
        for (side, of_side) in [("before", before), ("after", after)] {
            row.insert(format!("{side}_on"), of(of_side, Some(self.on)));
            row.insert(format!("{side}_value"), of(of_side, Some(self.value)));
            row.insert(format!("{side}_state"), of(of_side, self.state));
        }
        row.insert("unit".to_owned(), unit);
        row
    }
}

fn number(row: &Row, column: &str) -> i64 {
    row[column].as_i64().expect("a number")
}

/// ISO dates sort as days do.
fn day<'a>(row: &'a Row, column: &str) -> &'a str {
    row[column].as_str().expect("a date")
}

fn differ(old: &Row, new: &Row, columns: &[&str]) -> bool {
    columns.iter().any(|column| old[*column] != new[*column])
}

fn is_corrected(old: &Row, new: &Row) -> bool {
    let is_later = day(new, "last_on") > day(old, "last_on");
    let best_is_past = day(new, "peak_on") <= day(old, "last_on");
    let other_best = differ(old, new, &["peak_on", "peak_streams"]);
    number(new, "streams") < number(old, "streams")
        || differ(old, new, &["first_on"])
        || !is_later && differ(old, new, &["streams", "dates_observed", "last_on"])
        || is_later && number(new, "dates_observed") <= number(old, "dates_observed")
        // The best date up to the old last one is another one: it is told by the new one, or was better.
        || is_later && best_is_past && other_best
        || is_later && number(new, "peak_streams") < number(old, "peak_streams")
}

/// Whether a reign lies before the last one that was known of its record.
fn is_past(reign: &Row, known: &[Row]) -> bool {
    let of_record = known.iter().filter(|row| !differ(row, reign, &["record", "chart", "region"]));
    of_record.map(|row| day(row, "reached_on")).max().is_some_and(|last| day(reign, "reached_on") < last)
}

/// Whether a reign of days at number one has only gone on.
fn goes_on(old: &Row, new: &Row) -> bool {
    let counts_days = ["days_at_one", "spell_at_one"].iter().any(|kind| new["kind"] == *kind);
    counts_days && old["held_until"].is_null() && number(new, "value") > number(old, "value")
}
