//! Claims: what turns each verdict into another, what a claims file must say, and the command.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Desk, HERE, Ran, Row, merged_daily, pick, program, rows_of, tree};

/// Track, title, artist cell, streams of a row.
type Cells = (&'static str, &'static str, &'static str, i64);

const ONE: Cells = ("A1", "One", "Alpha", 60);
const TWO: Cells = ("T1", "Two", "Alpha, Beta", 30);
const THREE: Cells = ("B1", "Three", "Beta", 45);
const LAST: Cells = ("C1", "Last", "Gamma", 10);

const ARTISTS: &str = r#"
[[artist]]
id = "alpha"
name = "Alpha"
aliases = ["알파"]
[[artist]]
id = "beta"
name = "Beta"
[[artist]]
id = "gamma"
name = "Gamma"
"#;

const SONGS: &str = r#"
[[song]]
id = "one"
title = "One"
artists = "Alpha"
released = 2024-03-01
[[song]]
id = "three"
title = "Three"
artists = "Beta"
released = 2024-03-01
"#;

const MORE: &str = r#"
[catalog]
path = "catalog"

[[ranking]]
name = "first-artist"
kind = "first"
tally = "artist"
threshold = 100
[[ranking]]
name = "best-year"
kind = "fastest"
tally = "artist"
threshold = 100
per = "entity"
[[ranking]]
name = "first-song"
kind = "first"
tally = "song"
threshold = 100
[[ranking]]
name = "songs-at-100"
kind = "club"
tally = "song"
threshold = 100
"#;

/// Five days from 2024-03-01 on: *One* and *Three* on all of them, *Two* from the third on.
fn days() -> Vec<Vec<Cells>> {
    (1..=5).map(|day| if day < 3 { vec![ONE, THREE, LAST] } else { vec![ONE, THREE, TWO, LAST] }).collect()
}

/// A desk with these days, a catalog and a ledger.
fn desk(days: &[Vec<Cells>]) -> Desk {
    let lines = days.iter().enumerate().flat_map(|(day, rows)| {
        rows.iter().enumerate().map(move |(place, (track, title, artists, streams))| {
            let (day, rank) = (day + 1, place + 1);
            format!("2024-03-{day:02}|Global|{rank}|{track}|{title}|{artists}|{streams}")
        })
    });
    let export = merged_daily(&lines.collect::<Vec<_>>().join("\n"));
    with_catalog(Desk::with([("charts.csv", export)]))
}

fn with_catalog(desk: Desk) -> Desk {
    let desk = desk.and_pipeline(MORE);
    desk.put("catalog/artists.toml", ARTISTS);
    desk.put("catalog/songs.toml", SONGS);
    desk.put("catalog/cohorts.toml", "[[cohort]]\nid = \"greek\"\nmembers = [\"alpha\", \"beta\"]\n");
    desk.run("");
    desk
}

/// The world as it is.
static WORLD: LazyLock<Desk> = LazyLock::new(|| desk(&days()));

/// The same, with *One* and *Three* as one work.
static ONE_WORK: LazyLock<Desk> = LazyLock::new(|| {
    let desk = desk(&days());
    let works = "[[work]]\nid = \"both\"\ntitle = \"Both\"\nsongs = [\"one\", \"three\"]\n";
    desk.put("catalog/works.toml", works);
    desk
});

/// A claim in a file: its keys parted by `; `, with `'` for quotes.
fn claim(id: &str, keys: &str) -> String {
    let keys = keys.replace("; ", "\n").replace('\'', "\"");
    format!("[[claim]]\nid = \"{id}\"\nsays = \"{id}\"\nkind = {keys}\n\n")
}

/// A claims file with these claims, called `c000`, `c001` and so on.
fn file(claims: &[&str]) -> String {
    claims.iter().enumerate().map(|(place, keys)| claim(&format!("c{place:03}"), keys)).collect()
}

fn check(desk: &Desk, claims: &[&str], flags: &str) -> Ran {
    // Tests share a desk, and run at once.
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let name = format!("claims-{}.toml", FILES.fetch_add(1, Ordering::Relaxed));
    desk.put(&name, file(claims));
    desk.call(&format!("claims check {name} t.toml {flags}"))
}

fn verdicts(desk: &Desk, claims: &[&str]) -> Vec<Row> {
    rows_of(&check(desk, claims, "--format json").succeeds().stdout)
}

/// Holds the verdicts of claims against those expected: `holds`, `otherwise by CONVENTION`,
/// `contradicted: FOUND` or `open: FOUND`.
fn assert_verdicts(desk: &Desk, cases: &[(&str, &str)]) {
    let claims: Vec<&str> = cases.iter().map(|(claim, _)| *claim).collect();
    let rows = verdicts(desk, &claims);
    let cell = |row: &Row, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let said = rows.iter().map(|row| match row["verdict"].as_str() {
        Some("holds") => "holds".to_owned(),
        Some("holds_otherwise") => format!("otherwise by {}", cell(row, "convention")),
        Some("contradicted") => format!("contradicted: {}", cell(row, "found")),
        _ => format!("open: {}", cell(row, "found")),
    });
    let said: Vec<String> =
        claims.iter().zip(said).map(|(claim, said)| format!("{claim} => {said}")).collect();
    let expected: Vec<String> = cases.iter().map(|(claim, said)| format!("{claim} => {said}")).collect();
    assert_eq!(said, expected);
}

/// The only claim's reason.
fn why(desk: &Desk, claim: &str) -> String {
    pick(&verdicts(desk, &[claim]), "why").remove(0)
}

// ------------------------------------------------------------------------------- verdicts by kind

#[test]
fn days_to_a_threshold() {
    const BY: &str = "'days_to'; entity = 'One'; threshold = 200; days =";
    let song = "song_rule=song";
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{BY} 3"), "holds"),
            (&format!("{BY} 3; clock = 'release'; counted = 'elapsed'; song_rule = 'song'"), "holds"),
            (&format!("{BY} 4; counted = 'inclusive'"), "holds"),
            (&format!("{BY} 4"), &format!("otherwise by clock=release, counted=inclusive, {song}")),
            (
                &format!("{BY} 3; counted = 'inclusive'"),
                &format!("otherwise by clock=release, counted=elapsed, {song}"),
            ),
            (&format!("{BY} 1"), "contradicted: 3 days"),
            (&format!("{BY} 5"), "contradicted: 3 days"),
            (&format!("{BY} 0"), "contradicted: 3 days"),
        ],
    );
    assert_verdicts(
        &ONE_WORK,
        &[
            (&format!("{BY} 1"), "otherwise by clock=release, counted=elapsed, song_rule=work"),
            (&format!("{BY} 2"), "otherwise by clock=release, counted=inclusive, song_rule=work"),
            (&format!("{BY} 1; song_rule = 'work'"), "holds"),
            (&format!("{BY} 0"), "contradicted: 3 days"),
        ],
    );
    // No release date: the default clock cannot start, another one can.
    const TWO: &str = "'days_to'; entity = 'Two'; threshold = 60; days =";
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{TWO} 1"), &format!("otherwise by clock=first_charted, counted=elapsed, {song}")),
            (&format!("{TWO} 3"), &format!("otherwise by clock=all_time, counted=elapsed, {song}")),
            (&format!("{TWO} 9"), "open: 1 day"),
            (&format!("{TWO} 9; clock = 'first_charted'"), "contradicted: 1 day"),
        ],
    );
}

#[test]
fn an_absence_opens_the_days_between_the_bounds() {
    // One is not listed on the second day, on which the chart ends at 45.
    let mut absent = days();
    absent[1] = vec![THREE];
    const BY: &str = "'days_to'; entity = 'One'; threshold = 200; counted = 'elapsed'; days =";
    let desk = desk(&absent);
    assert_verdicts(
        &desk,
        &[
            (&format!("{BY} 4"), "holds"),
            (&format!("{BY} 3"), "open: 4 days"),
            (&format!("{BY} 0"), "contradicted: 4 days"),
            (&format!("{BY} 6"), "contradicted: 4 days"),
            ("'reached_on'; entity = 'One'; threshold = 200; on = 2024-03-04", "open: 2024-03-05"),
            ("'total'; entity = 'One'; streams = 240", "holds"),
            ("'total'; entity = 'One'; streams = 285", "open: 240 streams"),
            ("'total'; entity = 'One'; streams = 286", "contradicted: 240 streams"),
            ("'total'; entity = 'One'; streams = 239", "contradicted: 240 streams"),
        ],
    );
    let rows = verdicts(&desk, &[&format!("{BY} 4"), &format!("{BY} 3")]);
    assert_eq!(pick(&rows, "certainty"), ["bounded", "bounded"]);
    let why = why(&desk, &format!("{BY} 3"));
    assert!(why.contains("every day from 2024-03-04 on open"), "{why}");
}

#[test]
fn a_missing_export_opens_every_earlier_day() {
    let mut missing = days();
    missing[1] = Vec::new();
    let desk = desk(&missing);
    assert_verdicts(
        &desk,
        &[
            ("'reached_on'; entity = 'One'; threshold = 200; on = 2024-03-05", "holds"),
            ("'reached_on'; entity = 'One'; threshold = 200; on = 2024-03-02", "open: 2024-03-05"),
            ("'reached_on'; entity = 'One'; threshold = 200; on = 2024-03-01", "contradicted: 2024-03-05"),
            ("'total'; entity = 'One'; streams = 60; on = 2024-03-02", "open: "),
            ("'total'; entity = 'One'; streams = 60; on = 2024-03-01", "holds"),
            ("'total'; entity = 'One'; at_least = 9_000", "open: 240 streams"),
        ],
    );
    let why = why(&desk, "'total'; entity = 'One'; streams = 60; on = 2024-03-02");
    assert!(why.contains("No usable export of 2024-03-02"), "{why}");
}

#[test]
fn the_date_of_a_threshold() {
    const BY: &str = "'reached_on'; entity = 'One'; threshold = 200; on =";
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{BY} 2024-03-04"), "holds"),
            (&format!("{BY} 2024-03-04; window = '2024'"), "holds"),
            (&format!("{BY} 2024-03-04; window = '2024-03'"), "holds"),
            (&format!("{BY} 2024-03-05"), "contradicted: 2024-03-04"),
            (&format!("{BY} 2024-03-03"), "contradicted: 2024-03-04"),
            ("'reached_on'; entity = 'One'; threshold = 301; on = 2024-03-05", "contradicted: 300 streams"),
            ("'reached_on'; entity = 'One'; threshold = 301; on = 2024-04-01", "open: 300 streams"),
        ],
    );
    let by_work = "otherwise by clock=release, song_rule=work";
    assert_verdicts(&ONE_WORK, &[(&format!("{BY} 2024-03-02"), by_work)]);
}

#[test]
fn the_day_of_the_year() {
    // 4 March 2024 is day 64. Beta leads Three and is a feature of Two.
    const BY: &str = "'day_of_year'; entity = 'Beta'; threshold = 200; year = 2024; day =";
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{BY} 64"), "holds"),
            (&format!("{BY} 63"), "otherwise by clock=calendar_year, counted=elapsed, credit=all"),
            (&format!("{BY} 65"), "otherwise by clock=calendar_year, counted=inclusive, credit=lead"),
            (&format!("{BY} 66"), "contradicted: day 64"),
            (&format!("{BY} 62"), "open: day 64"),
            ("'day_of_year'; entity = 'Beta'; threshold = 200; year = 2023; day = 64", "open: "),
            ("'day_of_year'; entity = 'Beta'; threshold = 200; year = 2025; day = 64", "open: "),
            ("'day_of_year'; entity = 'Beta'; threshold = 999; year = 2024; day = 64", "open: 315 streams"),
            (
                "'day_of_year'; entity = 'one'; entity_kind = 'song'; threshold = 200; year = 2024; day = 64",
                "holds",
            ),
        ],
    );
    let why = why(&WORLD, &format!("{BY} 62"));
    assert!(why.contains("songs below the chart"), "{why}");
    let row = &verdicts(&WORLD, &[&format!("{BY} 65")])[0];
    let why = row["why"].as_str().expect("a reason");
    assert!(why.starts_with("By credit=lead: ") && why.ends_with("by credit=all it is day 64"), "{why}");
}

#[test]
fn a_contradicted_claim_names_a_convention_that_leaves_it_open() {
    // One changes its URI on the third day; the chart ends at 45 before, so that nobody knows
    // whether the second URI was there.
    let changed = ("A2", "One", "Alpha", 60);
    let later = || vec![changed, THREE, TWO, LAST];
    let desk = desk(&[vec![ONE, THREE], vec![ONE, THREE], later(), later(), later()]);
    const BY: &str = "'reached_on'; entity = 'One'; threshold = 180; on =";
    assert_verdicts(
        &desk,
        &[
            (&format!("{BY} 2024-03-03"), "holds"),
            (&format!("{BY} 2024-03-04"), "contradicted: 2024-03-03"),
            (&format!("{BY} 2024-03-05"), "otherwise by clock=release, song_rule=uri"),
        ],
    );
    let reason = why(&desk, &format!("{BY} 2024-03-04"));
    assert!(reason.ends_with("; only by song_rule=uri it is left open"), "{reason}");
}

#[test]
fn the_first_of_a_cohort() {
    const SONG: &str = "'first_to'; entity_kind = 'song'; cohort = 'greek'; threshold = 200; entity =";
    const ARTIST: &str = "'first_to'; cohort = 'greek'; year = 2024; threshold = 200; entity =";
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{SONG} 'One'"), "holds"),
            (&format!("{SONG} 'One'; on = 2024-03-04"), "holds"),
            (&format!("{SONG} 'One'; on = 2024-03-05"), "contradicted: first, on 2024-03-04"),
            (&format!("{SONG} 'Three'"), "contradicted: One, on 2024-03-04"),
            (&format!("{SONG} 'Two'"), "contradicted: One, on 2024-03-04"),
            (&format!("{SONG} 'Last'"), "open: "),
            (&format!("{ARTIST} 'Alpha'"), "holds"),
            (&format!("{ARTIST} 'Alpha'; on = 2024-03-03"), "holds"),
            (&format!("{ARTIST} 'Alpha'; on = 2024-03-05"), "contradicted: first, on 2024-03-03"),
            (&format!("{ARTIST} 'Alpha'; on = 2024-03-02"), "open: first, on 2024-03-03"),
            (&format!("{ARTIST} 'Beta'"), "open: Alpha, on 2024-03-03"),
            (&format!("{ARTIST} 'Alpha'; on = 2024-03-04"), "otherwise by clock=calendar_year, credit=solo"),
        ],
    );
    let outsider = why(&WORLD, &format!("{SONG} 'Last'"));
    assert!(outsider.contains("not one of the songs of greek"), "{outsider}");

    // With 15 streams more on the fourth day Three is there on the same date.
    let mut joint = days();
    joint[3] = vec![ONE, ("B1", "Three", "Beta", 65), TWO, LAST];
    let joint = desk(&joint);
    assert_verdicts(&joint, &[(&format!("{SONG} 'One'"), "open: joint first")]);
    let reason = why(&joint, &format!("{SONG} 'Three'"));
    assert!(reason.contains("as did One; which of them was first"), "{reason}");
}

#[test]
fn who_has_most() {
    const SONG: &str = "'most_streamed'; entity =";
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{SONG} 'One'"), "holds"),
            (&format!("{SONG} 'One'; cohort = 'greek'; window = '2024'"), "holds"),
            (&format!("{SONG} 'Three'"), "contradicted: rank 2"),
            (&format!("{SONG} 'Two'"), "contradicted: rank 3"),
            (&format!("{SONG} 'Last'; cohort = 'greek'"), "open: "),
            (&format!("{SONG} 'Alpha'; entity_kind = 'artist'; window = '2024'"), "holds"),
            (&format!("{SONG} 'Beta'; entity_kind = 'artist'; window = '2024'"), "open: rank 2"),
            (&format!("{SONG} 'One'; window = '2023'"), "open: "),
        ],
    );
    // As much as One: both have most.
    let mut level = days();
    level[4] = vec![("B1", "Three", "Beta", 120), ONE, TWO, LAST];
    let level = desk(&level);
    assert_verdicts(&level, &[(&format!("{SONG} 'One'"), "holds"), (&format!("{SONG} 'Three'"), "holds")]);
    let reason = why(&level, &format!("{SONG} 'One'"));
    assert!(reason.contains("rank 1") && reason.contains("together with Three"), "{reason}");
    // One stream more, and One has not.
    let mut more = days();
    more[4] = vec![("B1", "Three", "Beta", 121), ONE, TWO, LAST];
    assert_verdicts(&desk(&more), &[(&format!("{SONG} 'One'"), "contradicted: rank 2")]);
    // Where One changes its URI, no URI of it has as much as Three.
    let mut changed = days();
    changed.iter_mut().skip(2).for_each(|rows| rows[0].0 = "A2");
    let changed = desk(&changed);
    let by_uri = "otherwise by clock=release, song_rule=uri";
    assert_verdicts(&changed, &[(&format!("{SONG} 'One'"), "holds"), (&format!("{SONG} 'Three'"), by_uri)]);
}

#[test]
fn how_many_songs_contributed() {
    const BY: &str = "'contributing_songs'; entity = 'Alpha'; threshold = 200; year = 2024; songs =";
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{BY} 2"), "holds"),
            (&format!("{BY} 1; credit = 'solo'"), "holds"),
            (&format!("{BY} 1"), "otherwise by clock=calendar_year, song_rule=song, credit=solo"),
            (&format!("{BY} 3"), "open: 2 songs"),
            (
                "'contributing_songs'; entity = 'Alpha'; threshold = 50; year = 2024; songs = 2",
                "open: 1 song",
            ),
            (
                "'contributing_songs'; entity = 'Beta'; threshold = 200; year = 2024; songs = 5",
                "open: 2 songs",
            ),
            (
                "'contributing_songs'; entity = 'Alpha'; threshold = 999; year = 2024; songs = 2",
                "open: 390 streams",
            ),
        ],
    );
    // A third song of Alpha, two of which are alone: no reading gives one.
    let mut third = days();
    third[1].insert(2, ("A9", "Four", "Alpha", 12));
    assert_verdicts(
        &desk(&third),
        &[(&format!("{BY} 1"), "contradicted: 3 songs"), (&format!("{BY} 3"), "holds")],
    );
    // A change of URI is another track and no other song.
    let mut changed = days();
    changed.iter_mut().skip(2).for_each(|rows| rows[0].0 = "A2");
    let by_uri = "otherwise by clock=calendar_year, song_rule=uri, credit=all";
    assert_verdicts(&desk(&changed), &[(&format!("{BY} 3"), by_uri), (&format!("{BY} 2"), "holds")]);
}

#[test]
fn how_much_there_is() {
    const BY: &str = "'total'; entity = 'One';";
    let work = "otherwise by clock=release, song_rule=work";
    assert_verdicts(
        &ONE_WORK,
        &[
            (&format!("{BY} at_least = 301"), work),
            (&format!("{BY} streams = 525"), work),
            (&format!("{BY} at_least = 241; on = 2024-03-04; window = '2024'; song_rule = 'work'"), "holds"),
        ],
    );
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{BY} at_least = 300"), "holds"),
            (&format!("{BY} at_least = 240; on = 2024-03-04"), "holds"),
            (&format!("{BY} at_least = 240; on = 2024-03-09"), "holds"),
            (&format!("{BY} at_least = 301"), "contradicted: 300 streams"),
            (&format!("{BY} at_least = 526"), "contradicted: 300 streams"),
            (&format!("{BY} at_least = 526; on = 2024-04-09"), "open: 300 streams"),
            (&format!("{BY} streams = 300"), "holds"),
            (&format!("{BY} streams = 240; on = 2024-03-04"), "holds"),
            (&format!("{BY} streams = 525"), "contradicted: 300 streams"),
            (&format!("{BY} streams = 299"), "contradicted: 300 streams"),
            (&format!("{BY} streams = 239; on = 2024-03-04"), "contradicted: 240 streams or more"),
            (&format!("{BY} streams = 241; on = 2024-03-04"), "contradicted: less than 241 streams"),
            (&format!("{BY} streams = 300; on = 2024-03-06"), "open: "),
            ("'total'; entity = 'Alpha'; entity_kind = 'artist'; window = '2024'; at_least = 390", "holds"),
            (
                "'total'; entity = 'Alpha'; entity_kind = 'artist'; window = '2024'; at_least = 391",
                "open: 390 streams",
            ),
            (
                "'total'; entity = 'Alpha'; entity_kind = 'artist'; window = '2024'; streams = 389",
                "contradicted: 390 streams",
            ),
        ],
    );
}

#[test]
fn a_rank() {
    assert_verdicts(
        &WORLD,
        &[
            ("'rank'; ranking = 'most-streamed'; entity = 'One'; rank = 1", "holds"),
            ("'rank'; ranking = 'most-streamed'; entity = 'Three'; rank = 2", "holds"),
            ("'rank'; ranking = 'most-streamed'; entity = 'Three'; rank = 1", "contradicted: rank 2"),
            ("'rank'; ranking = 'first-song'; entity = 'Three'; rank = 2", "holds"),
            ("'rank'; ranking = 'first-song'; entity = 'Three'; rank = 1", "contradicted: rank 2"),
            ("'rank'; ranking = 'first-song'; entity = 'Two'; rank = 3", "open: not ranked"),
            ("'rank'; ranking = 'first-artist'; window = '2024'; entity = 'Beta'; rank = 2", "holds"),
            ("'rank'; ranking = 'first-artist'; window = '2024'; entity = 'Beta'; rank = 1", "open: rank 2"),
            ("'rank'; ranking = 'best-year'; entity = 'Alpha'; rank = 1", "holds"),
            ("'rank'; ranking = 'best-year'; entity = 'Gamma'; rank = 3", "open: not ranked"),
            ("'rank'; ranking = 'first-artist'; window = '2023'; entity = 'Alpha'; rank = 1", "open: "),
        ],
    );
    let rows = verdicts(
        &WORLD,
        &[
            "'rank'; ranking = 'most-streamed'; entity = 'One'; rank = 1",
            "'rank'; ranking = 'best-year'; entity = 'Alpha'; rank = 1",
        ],
    );
    assert_eq!(pick(&rows, "certainty"), ["certain", "possibly tied"]);
    assert!(pick(&rows, "why")[0].contains("One (300 streams) is at rank 1 of most-streamed, before Three"));
    // Where One changes its URI, Three has the better rank by URI.
    let mut changed = days();
    changed.iter_mut().skip(2).for_each(|rows| rows[0].0 = "A2");
    let claim = "'rank'; ranking = 'most-streamed'; entity = 'Three'; rank = 1";
    assert_verdicts(&desk(&changed), &[(claim, "otherwise by clock=all_time, song_rule=uri")]);
}

// ---------------------------------------------------------------------------- whom, where, of what

#[test]
fn an_entity_is_found_by_every_name_it_has() {
    let uri = format!("spotify:track:{}", crate::support::id("A1"));
    for name in ["One", "ONE", "one", &uri] {
        let row = &verdicts(&WORLD, &[&format!("'total'; streams = 300; entity = '{name}'")])[0];
        assert_eq!(
            (row["verdict"].as_str(), row["entity_id"].as_str()),
            (Some("holds"), Some("one")),
            "{name}"
        );
    }
    let track = format!("'total'; streams = 300; entity_kind = 'track'; entity = '{uri}'");
    let work = |entity: &str, streams: i64| {
        format!("'total'; streams = {streams}; entity_kind = 'work'; entity = '{entity}'")
    };
    assert_verdicts(
        &ONE_WORK,
        &[
            (&track, "holds"),
            (&work("both", 525), "holds"),
            (&work("BOTH", 300), "otherwise by clock=release, song_rule=uri"),
            (&work(&uri, 525), "holds"),
            (&work("One", 525), "open: "),
        ],
    );
    // An alias that an export has spelled.
    let mut spelled = days();
    spelled[0][0].2 = "알파";
    let alias = "'total'; at_least = 390; entity_kind = 'artist'; window = '2024'; entity = '알파'";
    assert_verdicts(&desk(&spelled), &[(alias, "holds")]);
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let row = &verdicts(&WORLD, &["'day_of_year'; entity = 'Alpa'; threshold = 1; year = 2024; day = 1"])[0];
    assert_eq!(row["verdict"], "not_decidable");
    assert!(row["entity_id"].is_null() && row["convention"].is_null(), "{row:?}");
    assert_eq!(row["why"], "No artist in the ledger is called Alpa; did you mean Alpha?");
    let far = why(&WORLD, "'total'; entity = 'xyzzy'; at_least = 1");
    assert_eq!(far, "No song in the ledger is called xyzzy");
}

#[test]
fn a_name_of_several_songs_is_not_decided() {
    let mut two = days();
    two[0].insert(1, ("O9", "One", "Gamma", 50));
    let desk = desk(&two);
    let reason = why(&desk, "'total'; entity = 'oNe'; at_least = 1");
    // The catalog's id is one of them all the same.
    assert!(reason.contains("reached 1 on 2024-03-01"), "{reason}");
    desk.put("catalog/songs.toml", "");
    desk.put("catalog/works.toml", "");
    let reason = why(&desk, "'total'; entity = 'One'; at_least = 1");
    assert!(
        reason.starts_with("2 songs are called One; name one by its id, such as spotify:track:"),
        "{reason}"
    );
    assert!(reason.contains("(Alpha)") && reason.contains("(Gamma)"), "{reason}");
}

#[test]
fn a_claim_of_another_place_or_time_is_not_decided() {
    let cases = [
        (
            "'total'; entity = 'One'; at_least = 1; region = 'kr'",
            "No export of spotify:daily kr is in the ledger, which has spotify:daily global",
        ),
        (
            "'total'; entity = 'One'; at_least = 1; chart = 'spotify:weekly'",
            "No export of spotify:weekly global",
        ),
        (
            "'reached_on'; entity = 'One'; threshold = 900; on = 2025-01-01",
            "where the data ends, and the claim is of 2025-01-01",
        ),
        ("'total'; entity = 'One'; at_least = 1; window = '2023'", "The data begins on 2024-03-01, after"),
        ("'total'; entity = 'One'; at_least = 1; window = '2025'", "The data ends on 2024-03-05, before"),
    ];
    for (claim, reason) in cases {
        let row = &verdicts(&WORLD, &[claim])[0];
        assert_eq!(row["verdict"], "not_decidable", "{claim}");
        assert!(row["why"].as_str().is_some_and(|why| why.contains(reason)), "{row:?}");
    }
}

#[test]
fn a_claim_about_counters_says_that_it_was_checked_on_charts() {
    const BY: &str = "'days_to'; about = 'counter'; entity = 'One'; threshold = 200; days =";
    assert_verdicts(
        &WORLD,
        &[
            (&format!("{BY} 3"), "holds"),
            // By charts alone two days are out of the question; counters are higher.
            (&format!("{BY} 0"), "open: 3 days"),
            (&format!("{BY} 5"), "contradicted: 3 days"),
            ("'total'; about = 'counter'; entity = 'One'; at_least = 300", "holds"),
            ("'total'; about = 'counter'; entity = 'One'; at_least = 9_000", "open: 300 streams"),
            ("'total'; about = 'counter'; entity = 'One'; streams = 299", "contradicted: 300 streams"),
            ("'most_streamed'; about = 'counter'; entity = 'One'", "holds"),
            ("'most_streamed'; about = 'counter'; entity = 'Three'", "open: rank 2"),
            (
                "'contributing_songs'; about = 'counter'; entity = 'Alpha'; threshold = 200; year = 2024; songs = 1",
                "otherwise by clock=calendar_year, song_rule=song, credit=solo",
            ),
        ],
    );
    let rows = verdicts(&WORLD, &[&format!("{BY} 3"), "'total'; entity = 'One'; at_least = 300"]);
    let notes = pick(&rows, "basis_note");
    assert!(notes[0].contains("filtered chart streams of spotify:daily: a lower bound"), "{notes:?}");
    assert_eq!(notes[1], "");
    let table = check(&WORLD, &[&format!("{BY} 3")], "--format table").succeeds().stdout;
    assert!(table.contains("said of counters, checked on chart streams"), "{table}");
}

/// Titles of a page of counters, each with its streams and its total.
type Page<'a> = &'a [(&'a str, i64, i64)];

/// A desk with such pages of some days.
fn counters(pages: &[(u8, Page<'_>)]) -> Desk {
    let pages = pages.iter().map(|(day, rows)| {
        let line = |(place, (title, streams, total)): (usize, &(&str, i64, i64))| {
            format!("2024-03-{day:02},{},=,{title},1,1,1,{streams},0,0,0,{total}\n", place + 1)
        };
        let page = rows.iter().enumerate().map(line).collect::<String>();
        (format!("global_daily_2024-03-{day:02}.csv"), page)
    });
    with_catalog(Desk::with(pages.collect::<Vec<_>>()))
}

#[test]
fn counters_are_taken_where_there_are_any() {
    let desk = counters(&[
        (1, &[("Alpha - One", 100, 1_000), ("Beta - Three", 50, 500)]),
        (2, &[("Alpha - One", 100, 1_100), ("Beta - Three", 50, 550)]),
        (4, &[("Alpha - One", 100, 1_300), ("Beta - Three", 50, 650)]),
    ]);
    const ONE: &str = "entity = 'One'; about = 'counter'";
    assert_verdicts(
        &desk,
        &[
            (&format!("'reached_on'; {ONE}; threshold = 1_100; on = 2024-03-02"), "holds"),
            // The page of the third is missing: the counter was there on the third or the fourth.
            (&format!("'reached_on'; {ONE}; threshold = 1_200; on = 2024-03-04"), "holds"),
            (&format!("'reached_on'; {ONE}; threshold = 1_200; on = 2024-03-03"), "open: 2024-03-04"),
            (&format!("'reached_on'; {ONE}; threshold = 1_200; on = 2024-03-02"), "contradicted: 2024-03-04"),
            (&format!("'reached_on'; {ONE}; threshold = 1_200; on = 2024-03-05"), "contradicted: 2024-03-04"),
            // 900 were there before the first page.
            (
                &format!("'reached_on'; {ONE}; threshold = 900; on = 2024-03-01"),
                "contradicted: before 2024-03-01",
            ),
            (&format!("'reached_on'; {ONE}; threshold = 900; on = 2024-02-01"), "open: before 2024-03-01"),
            (&format!("'total'; {ONE}; at_least = 900"), "holds"),
            (&format!("'total'; {ONE}; streams = 1_300"), "holds"),
            (&format!("'most_streamed'; {ONE}"), "holds"),
            (
                &format!("'first_to'; {ONE}; entity_kind = 'song'; cohort = 'greek'; threshold = 1_100"),
                "holds",
            ),
            (
                "'first_to'; entity = 'Three'; about = 'counter'; entity_kind = 'song'; cohort = 'greek'; threshold = 550",
                "contradicted: One",
            ),
        ],
    );
    let rows = verdicts(
        &desk,
        &[
            &format!("'reached_on'; {ONE}; threshold = 1_100; on = 2024-03-02"),
            "'reached_on'; entity = 'One'; chart = 'kworb:daily'; threshold = 1_100; on = 2024-03-02",
            "'reached_on'; entity = 'One'; chart = 'kworb:daily'; threshold = 1_100; on = 2024-03-03",
        ],
    );
    assert_eq!(
        pick(&rows, "chart verdict"),
        ["kworb:daily | holds", "kworb:daily | holds", "kworb:daily | not_decidable"]
    );
    // A ranking counts on its own charts, whatever there is besides.
    let rank = "'rank'; ranking = 'most-streamed'; about = 'counter'; entity = 'One'; rank = 1";
    assert_eq!(pick(&verdicts(&desk, &[rank]), "chart verdict"), ["spotify:daily | not_decidable"]);
    assert_eq!(pick(&rows, "basis_note")[0], "");
    assert!(pick(&rows, "basis_note")[1].contains("an upper bound of chart streams"), "{rows:?}");
}

#[test]
fn a_week_hides_its_days() {
    let week = |streams: [i64; 2]| {
        let header =
            "rank,uri,artist_names,track_name,source,peak_rank,previous_rank,weeks_on_chart,streams\n";
        let row = |rank: usize, track: &str, title: &str, artists: &str, streams: i64| {
            let uri = format!("spotify:track:{}", crate::support::id(track));
            format!("{rank},{uri},{artists},{title},x,1,1,1,{streams}\n")
        };
        header.to_owned()
            + &row(1, "A1", "One", "Alpha", streams[0])
            + &row(2, "B1", "Three", "Beta", streams[1])
    };
    let desk = with_catalog(Desk::with([
        ("regional-global-weekly-2024-03-07.csv", week([70, 40])),
        ("regional-global-weekly-2024-03-14.csv", week([70, 40])),
    ]));
    const BY: &str = "'reached_on'; chart = 'spotify:weekly'; entity = 'One'; threshold = 100; on =";
    assert_verdicts(
        &desk,
        &[
            (&format!("{BY} 2024-03-14"), "holds"),
            (&format!("{BY} 2024-03-10"), "open: 2024-03-14"),
            (&format!("{BY} 2024-03-08"), "open: 2024-03-14"),
            (&format!("{BY} 2024-03-07"), "contradicted: 2024-03-14"),
            (&format!("{BY} 2024-03-15"), "contradicted: 2024-03-14"),
        ],
    );
    let reason = why(&desk, &format!("{BY} 2024-03-10"));
    assert!(reason.contains("on which day since 2024-03-08"), "{reason}");
}

// ------------------------------------------------------------------------------------ claims files

/// The message of a file that must be refused.
fn refused(text: &str) -> String {
    let desk = desk(&days());
    desk.put("claims.toml", text);
    let message = desk.call("claims check claims.toml t.toml").fails(2);
    assert!(message.contains("claims.toml"), "{message}");
    message
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = claim("a", "'total'; entity = 'One'; at_least = 1")
        + &claim("b", "'total'; entity = 'One'; atleast = 1");
    let message = refused(&text);
    let line = 1 + text.lines().position(|line| line.starts_with("atleast")).expect("the line");
    assert!(message.contains("atleast") && message.contains(&format!("line {line}")), "{message}");
}

#[test]
fn a_claim_that_does_not_say_what_its_kind_needs_is_named() {
    let cases = [
        ("'days_to'; entity = 'One'; days = 3", "kind = \"days_to\" needs `threshold`"),
        (
            "'days_to'; entity = 'One'; threshold = 3; days = 3; rank = 1",
            "kind = \"days_to\" has no `rank`; it has threshold, days",
        ),
        ("'days_to'; entity = 'One'; threshold = 0; days = 3", "threshold = 0 is not between 1"),
        ("'days_to'; entity = 'One'; threshold = 1; days = 3; clock = 'calendar_year'", "needs a window"),
        ("'days_to'; entity = 'One'; threshold = 1; days = 3; credit = 'lead'", "only artists have a credit"),
        (
            "'days_to'; entity = 'Alpha'; entity_kind = 'artist'; threshold = 1; days = 3; song_rule = 'uri'",
            "song_rule is for songs",
        ),
        (
            "'days_to'; entity = 'x'; entity_kind = 'work'; threshold = 1; days = 3; song_rule = 'uri'",
            "a work is not counted by song_rule = \"uri\"",
        ),
        ("'day_of_year'; entity = 'Alpha'; threshold = 1; day = 3", "needs `year`"),
        ("'day_of_year'; entity = 'Alpha'; threshold = 1; year = 99; day = 3", "`0099` is no window"),
        (
            "'day_of_year'; entity = 'Alpha'; threshold = 1; year = 2024; day = 400",
            "day = 400 is not between 1 and 366",
        ),
        (
            "'reached_on'; entity = 'One'; threshold = 1; on = 2024-03-01; window = '2023'",
            "on = 2024-03-01 does not lie in 2023",
        ),
        (
            "'reached_on'; entity = 'One'; threshold = 1; on = 2024-03-01; window = '2024'; clock = 'release'",
            "the clock release has no window 2024",
        ),
        ("'reached_on'; entity = 'One'; threshold = 1; on = 12:00:00", "must be a date such as 2024-03-20"),
        ("'first_to'; entity = 'Alpha'; threshold = 1", "needs `cohort`"),
        ("'first_to'; entity = 'Alpha'; threshold = 1; cohort = 'roman'", "no cohort `roman`; it has: greek"),
        ("'total'; entity = 'One'", "needs one of `at_least` and `streams`"),
        ("'total'; entity = 'One'; at_least = 1; streams = 1", "needs one of `at_least` and `streams`"),
        (
            "'rank'; entity = 'One'; ranking = 'slowest'; rank = 1",
            "no ranking `slowest`; it has: fastest, most-streamed",
        ),
        ("'rank'; entity = 'Alpha'; ranking = 'first-artist'; rank = 1", "name one in `window`"),
        ("'rank'; entity = 'Alpha'; ranking = 'best-year'; rank = 1; window = '2024'", "has no `window`"),
        ("'rank'; entity = 'Alpha'; ranking = 'songs-at-100'; rank = 1", "is a club"),
    ];
    let desk = desk(&days());
    for (keys, problem) in cases {
        desk.put("claims.toml", format!("# one line\n{}", claim("odd", keys)));
        let message = desk.call("claims check claims.toml t.toml").fails(2);
        for part in ["claims.toml", "line 3, claim `odd`", problem] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}

#[test]
fn an_id_stands_once() {
    let one = claim("a", "'total'; entity = 'One'; at_least = 1");
    let message = refused(&one.repeat(2));
    assert!(message.contains("claim `a`: another claim has the same id"), "{message}");
    let message = refused(&claim("", "'total'; entity = 'One'; at_least = 1"));
    assert!(message.contains("give it an id"), "{message}");
}

#[test]
fn a_pipeline_names_its_claims_file() {
    let desk = desk(&days());
    let text = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", text.replacen("out = \"out\"", "out = \"out\"\nclaims = \"claims.toml\"", 1));
    let message = desk.call("run t.toml").fails(2);
    assert!(message.contains("claims.toml") && message.contains("cannot read the claims file"), "{message}");

    let claims = ["'total'; entity = 'One'; at_least = 300", "'total'; entity = 'One'; at_least = 526"];
    let checked = check(&desk, &claims, "--format json").succeeds().stdout;
    desk.put("claims.toml", file(&claims));
    let ran = desk.run("");
    for line in ["\nclaims\n", " holds ", " contradicted ", "One has 300 of 526 streams by 2024-03-05"] {
        assert!(ran.stdout.contains(line), "{line} in {}", ran.stdout);
    }
    assert_eq!(desk.show("claims"), rows_of(&checked), "the table and the command say the same");
    // A run publishes nothing of the tallies that only claims need.
    let tallies = pick(&desk.show("totals"), "tally");
    assert!(tallies.iter().all(|tally| tally == "song" || tally == "artist"), "{tallies:?}");
    // The claims of a pipeline can be broken while another file is checked.
    desk.put("other.toml", claim("x", claims[0]));
    desk.put("claims.toml", "broken");
    desk.call("claims check other.toml t.toml").succeeds();
}

// ------------------------------------------------------------------------------------- the command

const TWO_CLAIMS: [&str; 2] =
    ["'total'; entity = 'One'; at_least = 300", "'total'; entity = 'Three'; at_least = 526"];

#[test]
fn the_command_prints_verdicts_alone_on_standard_output() {
    let desk = desk(&days());
    let before = tree(&desk.path("ledger"));
    let csv = check(&desk, &TWO_CLAIMS, "").succeeds();
    assert_eq!(csv.stderr, "claims     2: 1 holds, 0 otherwise, 1 contradicted, 0 not decidable\n");
    let mut lines = csv.stdout.lines();
    let header = lines.next().expect("a header");
    assert!(
        header.starts_with("claim,says,source,kind,about,chart,region,entity_id,entity,verdict,convention,")
    );
    assert!(header.ends_with(",expected,found,why,basis_note,certainty,evidence_export,evidence_row"));
    let line = lines.next().expect("a row");
    assert!(line.starts_with("c000,c000,,total,chart,spotify:daily,global,one,One,holds,"), "{line}");
    assert!(line.ends_with(",certain,charts.csv,16"), "{line}");
    assert_eq!(lines.count(), 1);

    let table = check(&desk, &TWO_CLAIMS, "--format table --quiet").succeeds();
    assert_eq!(table.stderr, "");
    assert!(
        table.stdout.contains("Three has 225 of 526 streams by 2024-03-05, and 225 at most"),
        "{}",
        table.stdout
    );
    assert!(table.stdout.contains("by clock=release, song_rule=song"), "{}", table.stdout);
    let markdown = check(&desk, &TWO_CLAIMS, "--format markdown").succeeds();
    assert!(markdown.stdout.starts_with("| claim | says |"), "{}", markdown.stdout);
    assert_eq!(tree(&desk.path("ledger")), before, "the ledger is as it was");
}

#[test]
fn strict_exits_with_4_where_a_claim_is_contradicted() {
    let ran = check(&WORLD, &TWO_CLAIMS, "--strict --format json");
    assert_eq!(ran.code, Some(4));
    assert_eq!(rows_of(&ran.stdout).len(), 2, "the verdicts are printed all the same");
    assert!(
        ran.stderr.contains(".toml: --strict, and 1 contradicted claim, `c001` the first"),
        "{}",
        ran.stderr
    );
    let open = ["'total'; entity = 'nobody'; at_least = 1", TWO_CLAIMS[0]];
    check(&WORLD, &open, "--strict").succeeds();
}

#[test]
fn an_empty_ledger_says_how_to_fill_it() {
    let desk = Desk::new();
    let message = check(&desk, &["'total'; entity = 'One'; at_least = 300"], "").fails(2);
    assert!(message.contains("ledger/t is empty; `chartledger run` fills it"), "{message}");
    let message = desk.call("claims check nowhere.toml t.toml").fails(2);
    assert!(message.contains("nowhere.toml") && message.contains("cannot read the claims file"), "{message}");
}

#[test]
fn a_date_limits_what_is_known() {
    let claims = [
        "'total'; entity = 'One'; at_least = 300",
        "'reached_on'; entity = 'One'; threshold = 200; on = 2024-03-04",
    ];
    let rows = rows_of(&check(&WORLD, &claims, "--format json --as-of 2024-03-03").succeeds().stdout);
    assert_eq!(pick(&rows, "verdict found"), ["contradicted | 180 streams", "not_decidable | 180 streams"]);
}

#[test]
fn the_same_claims_are_the_same_bytes() {
    let claims = [
        "'first_to'; cohort = 'greek'; year = 2024; threshold = 200; entity = 'Alpha'",
        "'rank'; ranking = 'most-streamed'; entity = 'One'; rank = 2",
        "'days_to'; entity = 'One'; threshold = 200; days = 9",
        "'total'; entity = 'Thre'; at_least = 1",
    ];
    let one = check(&WORLD, &claims, "--threads 1").succeeds().stdout;
    let two = check(&desk(&days()), &claims, "--threads 2").succeeds().stdout;
    assert_eq!(one, two);
}

// -------------------------------------------------------------------------------------- the sample

#[test]
fn the_claims_of_the_story_hold_on_the_sample() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ran = |args: &[&str]| {
        let mut command = program(Path::new(HERE));
        Ran::of(command.args(args).arg("--ledger").arg(folder.path().join("ledger"))).succeeds()
    };
    let out = folder.path().join("out").display().to_string();
    let run = ran(&["run", "--out", &out]);
    assert!(run.stdout.contains("holds_otherwise   Seven (feat. Latto) takes 109 days"), "{}", run.stdout);
    let checked = ran(&["claims", "check", "data/claims/k-soloists.toml", "--format", "json"]);
    assert_eq!(checked.stderr, "claims     16: 15 hold, 1 otherwise, 0 contradicted, 0 not decidable\n");
    let rows = rows_of(&checked.stdout);
    assert_eq!(
        pick(&rows, "claim verdict found"),
        [
            "2023-agust-d | holds | day 270",
            "2023-jimin | holds | day 169",
            "2023-jimin-first | holds | first",
            "2023-jung-kook | holds | day 217",
            "2023-jung-kook-songs | holds | 6 songs",
            "2023-lisa | holds | day 323",
            "2023-v | holds | day 312",
            "2024-jung-kook | holds | day 80",
            "2024-jung-kook-first | holds | first, on 2024-03-20",
            "best-year-jimin | holds | rank 2",
            "best-year-jung-kook | holds | rank 1",
            "seven-billion-date | holds | 2023-10-30",
            "seven-billion-days | holds | 108 days",
            "seven-billion-record-book | holds_otherwise | 109 days",
            "seven-most-streamed | holds | rank 1",
            "seven-total | holds | 1,400,393,033 streams",
        ]
    );
    for row in &rows {
        let of_counters = row["about"] == "counter";
        assert_eq!(of_counters, row["basis_note"].is_string(), "{row:?}");
        assert_eq!(of_counters, row["claim"].as_str().is_some_and(|id| id.starts_with("seven")), "{row:?}");
    }
    let book = &rows[13];
    assert_eq!(book["convention"], "clock=release, counted=inclusive, song_rule=song");
    assert!(
        book["why"].as_str().is_some_and(|why| why.ends_with("by counted=elapsed it is 108 days")),
        "{book:?}"
    );
}
