//! `ledger forget`: the ledger afterwards is one that never saw the export.

use std::fs;

use crate::accounts::bad_rows;
use crate::cli::{APRIL, MARCH, march};
use crate::support::{Desk, merged_daily, pick};

/// The exports by name, text and time: two contradict a third, one completes it, one is bad.
fn exports() -> Vec<(&'static str, Vec<u8>, u64)> {
    let more = "2024-03-01|Global|3|D|Love wins all|IU|50\n2024-03-02|Global|3|D|Love wins all|IU|40";
    vec![
        ("march.csv", merged_daily(MARCH).into_bytes(), 0),
        ("march-corrected.csv", merged_daily(&MARCH.replace("1200", "1300")).into_bytes(), 60),
        ("march-again.csv", merged_daily(&format!("{MARCH}{APRIL}")).into_bytes(), 120),
        ("more.csv", merged_daily(more).into_bytes(), 180),
        ("april.csv", merged_daily(APRIL).into_bytes(), 30),
        ("bad.csv", bad_rows(), 240),
    ]
}

fn desk_of(exports: &[(&str, Vec<u8>, u64)]) -> Desk {
    let desk = Desk::new();
    for (name, bytes, time) in exports {
        desk.put(&format!("exports/{name}"), bytes);
        desk.date(&format!("exports/{name}"), *time);
    }
    desk
}

#[test]
fn the_tables_are_those_of_a_ledger_that_never_saw_it() {
    for out in 0..exports().len() {
        let all = exports();
        let name = all[out].0;
        let desk = desk_of(&all);
        desk.run("--quiet");
        let with = desk.published();
        let said = desk.call(&format!("ledger forget {name} t.toml")).succeeds();
        assert!(said.stderr.contains(&format!("forgotten  {name}, ")), "{}", said.stderr);

        let mut others = exports();
        others.remove(out);
        let never = desk_of(&others);
        never.run("--quiet");
        let ran = desk.run("");
        assert!(desk.published() == never.published(), "without {name}");
        assert!(ran.stderr.contains(&format!("left out   {name}: forgotten")), "{}", ran.stderr);
        desk.call("verify t.toml").succeeds();

        // A newer time does not bring it back, nor does another folder.
        desk.date(&format!("exports/{name}"), 1000);
        desk.run("--quiet");
        assert!(desk.published() == never.published(), "a newer {name}");
        fs::create_dir(desk.path("exports/elsewhere")).expect("a folder");
        let moved = format!("exports/elsewhere/{name}");
        fs::rename(desk.path(&format!("exports/{name}")), desk.path(&moved)).expect("a move");
        let ran = desk.run("");
        assert!(desk.published() == never.published(), "{name} in another folder");
        assert!(ran.stderr.contains(&format!("left out   elsewhere/{name}")), "{}", ran.stderr);

        fs::rename(desk.path(&moved), desk.path(&format!("exports/{name}"))).expect("a move");
        desk.date(&format!("exports/{name}"), all[out].2);
        desk.call(&format!("ledger forget --undo {name} t.toml")).succeeds();
        desk.run("--quiet");
        assert!(desk.published() == with, "{name} is back");
        desk.call("verify t.toml").succeeds();
    }
}

#[test]
fn exports_can_be_forgotten_one_after_the_other_down_to_none() {
    let desk = desk_of(&exports());
    desk.run("--quiet");
    let mut left = exports();
    while left.len() > 1 {
        let (name, ..) = left.remove(0);
        desk.call(&format!("ledger forget {name} t.toml --quiet")).succeeds();
        desk.run("--quiet");
        let never = desk_of(&left);
        never.run("--quiet");
        assert!(desk.published() == never.published(), "after {name}");
        desk.call("verify t.toml").succeeds();
    }
    let last = left[0].0;
    desk.call(&format!("ledger forget {last} t.toml")).succeeds();
    desk.call("verify t.toml").succeeds();
    let message = desk.call("run t.toml --quiet").fails(3);
    assert!(message.contains("no usable export"), "{message}");
    assert!(message.contains("forgotten; `chartledger ledger forget --undo"), "{message}");
}

#[test]
fn another_content_under_the_name_is_a_new_export() {
    let desk = desk_of(&exports());
    desk.run("--quiet");
    desk.call("ledger forget march.csv t.toml").succeeds();
    let other = merged_daily(&MARCH.replace("2024-03", "2024-05"));
    desk.put("exports/march.csv", &other);
    desk.date("exports/march.csv", 60);
    desk.run("--quiet");
    let mut all = exports();
    (all[0].1, all[0].2) = (other.into_bytes(), 60);
    let never = desk_of(&all);
    never.run("--quiet");
    assert!(desk.published() == never.published(), "as if the other had never been there");

    // The content that was taken out is no correction of the one that came in its place.
    desk.put("exports/march.csv", &exports()[0].1);
    desk.date("exports/march.csv", 90);
    let ran = desk.run("");
    assert!(ran.stderr.contains("left out   march.csv: forgotten"), "{}", ran.stderr);
    assert!(desk.published() == never.published(), "the forgotten content stays out");
}

#[test]
fn what_an_export_has_replaced_goes_with_it() {
    let desk = march();
    desk.put("exports/april.csv", merged_daily(APRIL));
    desk.run("--quiet");
    desk.put("exports/march.csv", merged_daily(&MARCH.replace("1200", "1300")));
    desk.date("exports/march.csv", 60);
    desk.run("--quiet");
    assert_eq!(desk.show("exports").len(), 3);
    desk.call("ledger forget march.csv t.toml").succeeds();
    desk.run("--quiet");
    assert_eq!(pick(&desk.show("exports"), "export rows_used"), ["april.csv | 1"]);

    // The earlier content in the place of the forgotten one is welcome.
    desk.put("exports/march.csv", merged_daily(MARCH));
    desk.run("--quiet");
    assert_eq!(pick(&desk.show("exports"), "export rows_used"), ["april.csv | 1", "march.csv | 4"]);
}

#[test]
fn a_commit_names_the_operation() {
    let desk = desk_of(&exports());
    desk.run("--quiet");
    desk.call("ledger forget march.csv t.toml").succeeds();
    desk.call("ledger forget --undo march.csv t.toml").succeeds();
    assert_eq!(desk.ledger_version(), Some(2));
    let commit = |version: u64| {
        fs::read_to_string(desk.path(&format!("ledger/t/_delta_log/{version:020}.json"))).expect("a commit")
    };
    assert!(commit(1).contains("\"operation\":\"DELETE\""), "{}", commit(1));
    assert!(commit(1).contains("\"forgotten\":[{"), "{}", commit(1));
    assert!(!commit(2).contains("\"forgotten\":[{") && !commit(2).contains("\"add\""), "{}", commit(2));
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let desk = desk_of(&exports());
    let message = desk.call("ledger forget march.csv t.toml").fails(2);
    assert!(message.contains("there is none at all"), "{message}");
    assert!(!desk.path("ledger").exists(), "nothing was made");
    desk.run("--quiet");
    let message = desk.call("ledger forget marsh.csv t.toml").fails(2);
    assert!(message.contains("no export is called marsh.csv; did you mean march.csv"), "{message}");
    let message = desk.call("ledger forget --undo march.csv t.toml").fails(2);
    assert!(message.contains("no forgotten export is called march.csv"), "{message}");
    desk.call("ledger forget march.csv t.toml").succeeds();
    let message = desk.call("ledger forget march.csv t.toml").fails(2);
    assert!(message.contains("forgotten already") && message.contains("--undo march.csv"), "{message}");
    let message = desk.call("ledger forget --undo marsh.csv t.toml").fails(2);
    assert!(message.contains("did you mean march.csv?"), "{message}");
    assert_eq!(desk.ledger_version(), Some(1));
}
