//! The same exports give the same bytes, and every row is accounted for.

use std::collections::BTreeMap;
use std::fs;

use crate::cli::{APRIL, MARCH};
use crate::support::{Desk, Row, id, merged_daily, pick, sum, tree};

/// Exports of several dialects, regions and months that overlap.
fn world() -> Desk {
    let desk = Desk::new();
    let common = "--rows-per-chart 20 --tracks 60 --from 2023-12-20 --days 20";
    for dialect in ["kaggle --regions 3", "official-daily", "fycharts --regions 2", "scraper", "kworb"] {
        let folder = dialect.split(' ').next().expect("a name");
        desk.call(&format!("synth --output exports/{folder} --dialect {dialect} {common}")).succeeds();
    }
    for name in tree(&desk.path("exports")).into_keys() {
        desk.date(&format!("exports/{name}"), 0);
    }
    desk
}

#[test]
fn any_number_of_threads_publishes_the_same_bytes() {
    let desk = world();
    let published = ["1", "2", "7"].map(|threads| {
        desk.run(&format!("--threads {threads} --ledger ledger-{threads}"));
        desk.published()
    });
    assert!(published.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(published[0].values().all(|bytes| bytes.starts_with(b"PAR1")));
}

#[test]
fn any_order_of_roots_publishes_the_same_bytes() {
    let desk = world();
    let folders =
        ["kaggle", "official-daily", "fycharts", "scraper", "kworb"].map(|name| format!("exports/{name}"));
    let publish = |folders: Vec<&str>, ledger: &str| {
        desk.run(&format!("--ledger {ledger} --exports {}", folders.join(" ")));
        desk.published()
    };
    let forward = publish(folders.iter().map(String::as_str).collect(), "forward");
    assert_eq!(forward, publish(folders.iter().rev().map(String::as_str).collect(), "backward"));
}

#[test]
fn any_order_of_arrival_publishes_the_same_bytes() {
    let desk = world();
    desk.run("--ledger at-once");
    let at_once = desk.published();
    for (place, shift) in [0, 2, 3].into_iter().enumerate() {
        let mut folders = ["kaggle", "official-daily", "fycharts", "scraper", "kworb"];
        folders.rotate_left(shift);
        let waiting = desk.path("waiting");
        fs::rename(desk.path("exports"), &waiting).expect("a move");
        fs::create_dir(desk.path("exports")).expect("a folder");
        for folder in folders {
            fs::rename(waiting.join(folder), desk.path("exports").join(folder)).expect("a move");
            desk.run(&format!("--ledger bit-by-bit-{place}"));
        }
        fs::remove_dir(waiting).expect("empty");
        assert_eq!(desk.published(), at_once, "arriving as {folders:?}");
    }
}

#[test]
fn a_run_with_nothing_new_leaves_the_ledger_as_it_is() {
    let desk = world();
    desk.run("");
    let (version, ledger, out) =
        (desk.ledger_version(), tree(&desk.path("ledger/t")), tree(&desk.path("out")));
    assert_eq!(version, Some(0));
    let ran = desk.run("");
    assert!(ran.stderr.contains("read       nothing new in 43 exports"), "{}", ran.stderr);
    assert!(ran.stderr.contains("published  nothing, "), "{}", ran.stderr);
    assert_eq!(desk.ledger_version(), version);
    assert_eq!(tree(&desk.path("out")), out);
    let ours = |tree: &BTreeMap<String, Vec<u8>>| {
        // The lock names its last holder.
        tree.iter()
            .filter(|(name, _)| *name != ".lock")
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(ours(&tree(&desk.path("ledger/t"))), ours(&ledger));

    // Files that are merely newer hold nothing new either.
    for name in tree(&desk.path("exports")).into_keys() {
        desk.date(&format!("exports/{name}"), 600);
    }
    desk.run("");
    assert_eq!(tree(&desk.path("out")), out);
}

#[test]
fn as_of_shows_what_was_known_on_that_date() {
    let known = merged_daily(MARCH);
    let later = merged_daily(
        "2024-03-03|Global|1|B|Seven (Explicit Ver.)|정국, Latto|5000
         2024-03-03|Global|2|C|Love wins all|IU|400
         2024-04-01|South Korea|1|C|Love wins all|IU|500",
    );
    let then = Desk::with([("march.csv", &known)]);
    let now = Desk::with([("march.csv", &known), ("later.csv", &later)]);
    then.run("");
    now.run("--as-of 2024-03-02");
    for table in ["milestones", "totals", "rankings", "chart_runs", "coverage"] {
        assert_eq!(now.show(table), then.show(table), "{table}");
    }
    now.run("");
    assert_ne!(now.show("milestones"), then.show("milestones"));
}

// ------------------------------------------------------------------------------------- quarantine

/// One of each kind of bad row, with good ones between them; one of these is two lines long.
pub fn bad_rows() -> Vec<u8> {
    let track = id("A");
    let mut text = b"title,rank,date,artist,url,region,chart,trend,streams\n".to_vec();
    let mut row =
        |title: &str, rank: &str, date: &str, url: &str, region: &str, chart: &str, streams: &str| {
            let line = format!("{title},{rank},{date},Jimin,{url},{region},{chart},NEW_ENTRY,{streams}\n");
            text.extend(line.as_bytes());
        };
    row("Good", "1", "2024-03-01", &track, "Global", "top200", "9007199254740992"); // line 2: 2^53
    row("\"Two\nlines\"", "2", "2024-03-01", &id("B"), "Global", "top200", "0"); // lines 3 and 4
    row("a", "3", "2024-03-01", &track, "Global", "top200", "many"); // line 5
    row("a", "3", "2024-03-01", &track, "Global", "top200", "12.5");
    row("a", "3", "2024-03-01", &track, "Global", "top200", "");
    row("a", "3", "2024-03-01", &track, "Global", "top200", "-1");
    row("a", "3", "2024-03-01", &track, "Global", "top200", "9007199254740993");
    row("a", "3", "2024-03-01", &track, "Global", "top200", "99999999999999999999");
    row("a", "3", "2024-03-01", "", "Global", "top200", "5"); // line 11
    row("a", "0", "2024-03-01", &track, "Global", "top200", "5");
    row("a", "65536", "2024-03-01", &track, "Global", "top200", "5");
    row("a", "3", "2024-02-30", &track, "Global", "top200", "5"); // line 14
    row("a", "3", "soon", &track, "Global", "top200", "5");
    row("a", "3", "2024-03-01", &track, "", "top200", "5");
    row("a", "3", "2024-03-01", &track, "Global", "top500", "5");
    row("a,b", "3", "2024-03-01", &track, "Global", "top200", "5"); // line 18
    text.extend(b"too,few\n");
    text.extend(
        [b"\xC3\x28", format!(",3,2024-03-01,Jimin,{},Global,top200,,5\n", id("C")).as_bytes()].concat(),
    );
    text.extend(format!("Last,65535,2024-03-01,Jimin,{},Global,top200,,5", id("D")).bytes()); // line 21
    text
}

const REASONS: [(i64, &str); 16] = [
    (5, "streams are not a whole number"),
    (6, "streams are not a whole number"),
    (7, "streams are not a whole number"),
    (8, "streams are negative"),
    (9, "streams are over 2^53"),
    (10, "streams are over 2^53"),
    (11, "no track"),
    (12, "rank is not a whole number from 1 to 65535"),
    (13, "rank is not a whole number from 1 to 65535"),
    (14, "date does not parse"),
    (15, "date does not parse"),
    (16, "no region"),
    (17, "unknown chart"),
    (18, "wrong field count"),
    (19, "wrong field count"),
    (20, "invalid utf-8"),
];

#[test]
fn every_bad_row_is_set_aside_with_its_line_and_reason() {
    let desk = Desk::with([("bad.csv", bad_rows())]);
    let ran = desk.run("");
    let expected: Vec<String> =
        REASONS.iter().map(|(line, reason)| format!("bad.csv | {line} | {reason}")).collect();
    assert_eq!(pick(&desk.show("quarantine"), "export line reason"), expected);
    assert!(
        ran.stderr.contains("19 read = 3 used + 0 duplicate + 0 superseded + 16 quarantined"),
        "{}",
        ran.stderr
    );
    assert_eq!(pick(&desk.show("chart_runs"), "entity peak_rank streams").len(), 3);

    // The raw text is the line as it stands, with what is not UTF-8 replaced.
    let bytes = bad_rows();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let raw = REASONS.map(|(line, _)| lines[line as usize - 1].to_owned());
    assert_eq!(pick(&desk.show("quarantine"), "raw"), raw);
}

#[test]
fn crlf_and_a_byte_order_mark_do_not_move_the_lines() {
    let text = bad_rows();
    let crlf: Vec<u8> = text
        .iter()
        .flat_map(|byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) })
        .copied()
        .collect();
    let desk = Desk::with([("bad.csv", [b"\xEF\xBB\xBF", &crlf[..]].concat())]);
    desk.run("--quiet");
    let lines: Vec<i64> =
        desk.show("quarantine").iter().map(|row| row["line"].as_i64().expect("a line")).collect();
    assert_eq!(lines, REASONS.map(|(line, _)| line));
}

#[test]
fn weekly_dates_and_lists_of_features_have_reasons_of_their_own() {
    let header = "date,track,artist,feats,current_pos,peak_pos,prev_pos,streak,streams,country,country_short,track_uri,artist_uri";
    let row = |date: &str, features: &str, rank: u8| {
        format!(
            "{date},Seven,Jung Kook,{features},{rank},1,1,8,100,Global,global,{},x",
            id(&rank.to_string())
        )
    };
    let rows = [
        row("2023-12-28", "[]", 1),
        row("2023-12-27", "[]", 2),
        row("2023-12-28", "Latto", 3),
        row("2023-12-29", "['Latto']", 4),
        row("2023-12-28", "['Latto", 5),
    ];
    let desk = Desk::with([("charts.csv", format!("{header}\n{}\n", rows.join("\n")))]);
    desk.run("--quiet");
    assert_eq!(
        pick(&desk.show("quarantine"), "line reason"),
        [
            "3 | weekly date is not a Thursday",
            "4 | featured artists are not a list",
            "6 | featured artists are not a list",
        ]
    );
    assert_eq!(pick(&desk.show("coverage"), "date rows"), ["2023-12-28 | 2"]);
}

#[test]
fn what_cannot_be_unpacked_is_one_bad_row_after_the_good_ones() {
    let days = |day: usize| {
        format!("{}|Global|1|A|Like Crazy|Jimin|{day}", chartledger::dates::Day(19_000 + day as u16))
    };
    let rows = (0..20_000).map(days).collect::<Vec<_>>().join("\n");
    let packed = zstd::encode_all(merged_daily(&rows).as_bytes(), 0).expect("memory");
    let desk = Desk::with([("cut.csv.zst", &packed[..packed.len() / 2])]);
    desk.run("--quiet");
    let quarantine = desk.show("quarantine");
    assert_eq!(pick(&quarantine, "reason"), ["the rest of the file cannot be read"]);
    let [export] = &desk.show("exports")[..] else { panic!("one export") };
    let (read, used) = (export["rows_read"].as_i64(), export["rows_used"].as_i64().expect("rows"));
    assert!(used > 0 && read == Some(used + 1), "{export:?}");
    assert_eq!(quarantine[0]["line"].as_i64(), Some(used + 2), "the line after the last good one");
}

#[test]
fn every_row_of_every_export_is_accounted_for() {
    let desk = world();
    desk.put("exports/bad.csv", bad_rows());
    desk.put("exports/march.csv", merged_daily(&format!("{MARCH}\n{APRIL}\n{APRIL}")));
    desk.put("exports/march-corrected.csv", merged_daily(&MARCH.replace("1200", "1300")));
    desk.date("exports/march-corrected.csv", 60);
    // The bad file has more good rows of a date than March has.
    desk.run("--quiet --allow-loss");
    let exports = desk.show("exports");
    for row in &exports {
        let parts = ["rows_used", "rows_duplicate", "rows_superseded", "rows_quarantined"];
        let parts: i64 = parts.map(|part| row[part].as_i64().expect("rows")).iter().sum();
        assert_eq!(row["rows_read"].as_i64(), Some(parts), "{row:?}");
    }
    let account = |name: &str| {
        let rows: Vec<Row> = exports.iter().filter(|row| row["export"] == name).cloned().collect();
        pick(&rows, "rows_read rows_used rows_duplicate rows_superseded rows_quarantined")
    };
    // Three rows of March's older copy are repeated and one is contradicted; of April's one is double.
    assert_eq!(account("march.csv"), ["6 | 1 | 4 | 1 | 0"]);
    assert_eq!(account("march-corrected.csv"), ["4 | 4 | 0 | 0 | 0"]);
    assert_eq!(sum(&exports, "rows_quarantined"), desk.show("quarantine").len() as i64);
    assert_eq!(sum(&exports, "rows_used"), sum(&desk.show("coverage"), "rows"));
}
