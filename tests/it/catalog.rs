//! The catalog from outside: roles, dated names, songs, works, and what looks alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chartledger::catalog::{Catalog, Credit, Entities, EntityKind, Personas, SongRule};
use chartledger::dates::Day;
use chartledger::exports::Listing;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::support::{Desk, Row, id, merged_daily, pick, rows_of};

/// Tallies of every kind of entity and every credit over all time.
const TALLIES: &str = r#"
[catalog]
path = "catalog"

[[tally]]
name = "work"
entity = "work"
clock = "release"
thresholds = [100, 1_000]

[[tally]]
name = "all"
entity = "artist"
clock = "all_time"
thresholds = [100]

[[tally]]
name = "lead"
entity = "artist"
credit = "lead"
clock = "all_time"
thresholds = [100]

[[tally]]
name = "feature"
entity = "artist"
credit = "feature"
clock = "all_time"
thresholds = [100]

[[tally]]
name = "solo"
entity = "artist"
credit = "solo"
clock = "all_time"
thresholds = [100]
"#;

const ARTISTS: &str = r#"
[[artist]]
id = "tae"
name = "Taeyang"
aliases = ["태양"]

[[artist]]
id = "jim"
name = "Jimin"
reason = "of two of that name the singer"

[[artist]]
id = "lat"
name = "Latto"
"#;

/// A desk with these rows, this catalog and every tally.
fn desk(rows: &str, catalog: &[(&str, &str)]) -> Desk {
    let desk = Desk::with([("rows.csv", merged_daily(rows))]).and_pipeline(TALLIES);
    desk.put("catalog/artists.toml", ARTISTS);
    for (file, text) in catalog {
        desk.put(&format!("catalog/{file}.toml"), text);
    }
    desk
}

/// The totals of a tally: `entity_id streams`.
fn totals(desk: &Desk, tally: &str) -> Vec<String> {
    let rows = desk.call(&format!("show totals t.toml --format json --tally {tally}")).succeeds();
    pick(&rows_of(&rows.stdout), "entity_id streams")
}

fn check(desk: &Desk) -> Vec<Row> {
    rows_of(&desk.call("catalog check t.toml --format json").succeeds().stdout)
}

// ----------------------------------------------------------------------------------------- roles

const VIBE: &str = "
    2023-01-13|Global|1|A|VIBE|Taeyang, Jimin|100
    2023-01-14|Global|1|A|VIBE|태양|10
    2023-01-14|Global|2|B|Alone|Jimin|7
";

#[test]
fn without_the_catalog_the_first_name_leads() {
    let desk = desk(VIBE, &[]);
    desk.run("");
    assert_eq!(totals(&desk, "all"), ["jim | 107", "tae | 110"]);
    assert_eq!(totals(&desk, "lead"), ["jim | 7", "tae | 110"]);
    assert_eq!(totals(&desk, "feature"), ["jim | 100"]);
    assert_eq!(totals(&desk, "solo"), ["jim | 7", "tae | 10"]);
    assert_eq!(
        pick(&desk.show("credits"), "title artists position name artist_id role role_source reason"),
        [
            "VIBE | Taeyang, Jimin | 1 | Taeyang | tae | lead | first_name | ",
            "VIBE | Taeyang, Jimin | 2 | Jimin | jim | feature | first_name | of two of that name the singer",
            "VIBE | 태양 | 1 | 태양 | tae | solo | only_name | ",
            "Alone | Jimin | 1 | Jimin | jim | solo | only_name | of two of that name the singer",
        ]
    );
}

#[test]
fn the_catalog_credits_who_is_missing_from_a_cell() {
    let song = format!(
        "[[song]]\nid = \"vibe\"\nuris = [\"spotify:track:{}\"]\nlead = [\"tae\"]\nfeatures = [\"jim\"]\n\
         reason = \"the label says so\"\n",
        id("A")
    );
    let desk = desk(VIBE, &[("songs", &song)]);
    desk.run("");
    assert_eq!(totals(&desk, "all"), ["jim | 117", "tae | 110"]);
    assert_eq!(totals(&desk, "lead"), ["jim | 7", "tae | 110"]);
    assert_eq!(totals(&desk, "feature"), ["jim | 110"]);
    assert_eq!(totals(&desk, "solo"), ["jim | 7"]);
    let credits = desk.show("credits");
    let of_vibe: Vec<Row> = credits.into_iter().filter(|row| row["song_id"] == "vibe").collect();
    assert_eq!(
        pick(&of_vibe, "artists position name artist_id source role role_source reason"),
        [
            "Taeyang, Jimin | 1 | Taeyang | tae | catalog | lead | catalog | the label says so",
            "Taeyang, Jimin | 2 | Jimin | jim | catalog | feature | catalog | of two of that name the singer",
            "태양 | 1 | 태양 | tae | catalog | lead | catalog | the label says so",
            "태양 | 2 |  | jim | catalog | feature | catalog | of two of that name the singer",
        ]
    );
}

#[test]
fn lead_alone_and_features_alone_decide_for_everyone_in_the_cell() {
    let rows = "
        2023-01-13|Global|1|A|One|Jimin, Taeyang, Nobody|100
        2023-01-13|Global|2|B|Two|Jimin, Taeyang, Nobody|10
    ";
    let songs = format!(
        "[[song]]\nid = \"one\"\nuris = [\"spotify:track:{}\"]\nlead = [\"tae\"]\n\
         [[song]]\nid = \"two\"\nuris = [\"spotify:track:{}\"]\nfeatures = [\"tae\"]\n",
        id("A"),
        id("B")
    );
    let desk = desk(rows, &[("songs", &songs)]);
    desk.run("");
    assert_eq!(totals(&desk, "lead"), ["jim | 10", "name:Nobody | 10", "tae | 100"]);
    assert_eq!(totals(&desk, "feature"), ["jim | 100", "name:Nobody | 100", "tae | 10"]);
}

#[test]
fn a_feature_who_is_the_only_name_is_a_feature() {
    let songs =
        format!("[[song]]\nid = \"s\"\nuris = [\"spotify:track:{}\"]\nfeatures = [\"jim\"]\n", id("A"));
    let desk = desk("2023-01-13|Global|1|A|One|Jimin|100", &[("songs", &songs)]);
    desk.run("");
    assert_eq!(totals(&desk, "lead"), Vec::<String>::new());
    assert_eq!(totals(&desk, "solo"), Vec::<String>::new());
    assert_eq!(totals(&desk, "feature"), ["jim | 100"]);
}

#[test]
fn of_two_entries_for_one_song_the_smaller_id_says_who_leads() {
    let entry = |id: &str, track: &str, lead: &str| {
        let uri = crate::support::id(track);
        format!("[[song]]\nid = \"{id}\"\nuris = [\"spotify:track:{uri}\"]\nlead = [\"{lead}\"]\n")
    };
    let rows = "
        2023-01-13|Global|1|A|One|Jimin, Taeyang|100
        2023-01-13|Global|2|B|One|Jimin, Taeyang|10
    ";
    let songs = [entry("z", "A", "jim"), entry("y", "B", "tae")].concat();
    let desk = desk(rows, &[("songs", &songs)]);
    desk.run("");
    assert_eq!(totals(&desk, "lead"), ["tae | 110"]);
    assert!(pick(&desk.show("credits"), "song_id").iter().all(|song| song == "y"));
}

#[test]
fn a_persona_that_is_counted_together_leads_for_the_artist() {
    let artists = format!(
        "{ARTISTS}[[artist]]\nid = \"sol\"\nname = \"SOL\"\n\
         persona_of = {{ id = \"tae\", reason = \"his name in Japan\" }}\n"
    );
    let songs = format!("[[song]]\nid = \"s\"\nuris = [\"spotify:track:{}\"]\nlead = [\"sol\"]\n", id("A"));
    let cohorts = "[[cohort]]\nid = \"c\"\nmembers = [\"sol\"]\n";
    let desk = desk(
        "2023-01-13|Global|1|A|One|Jimin, SOL|100",
        &[("artists", &artists), ("songs", &songs), ("cohorts", cohorts)],
    );
    desk.run("");
    assert_eq!(totals(&desk, "lead"), ["sol | 100"]);
    let pipeline = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", pipeline.replace("path = \"catalog\"", "path = \"catalog\"\npersonas = \"together\""));
    desk.run("");
    assert_eq!(totals(&desk, "lead"), ["tae | 100"]);
    assert_eq!(
        pick(&desk.show("credits"), "name artist_id artist role reason"),
        [
            "Jimin | jim | Jimin | feature | of two of that name the singer",
            "SOL | tae | Taeyang | lead | his name in Japan",
        ]
    );
}

// ----------------------------------------------------------------------------------------- dates

const LISAS: &str = r#"
[[artist]]
id = "lisa-jp"
name = "LiSA"
aliases = [{ name = "Lisa", until = 2020-12-31, reason = "the only one then" }]

[[artist]]
id = "lisa-kr"
name = "LISA"
aliases = [{ name = "Lisa", from = 2021-06-01 }, "리사"]
"#;

#[test]
fn a_name_belongs_to_whoever_had_it_on_the_day() {
    let rows = "
        2020-12-31|Global|1|A|One|Lisa, IU|1000
        2021-01-01|Global|1|A|One|Lisa, IU|100
        2021-05-31|Global|1|A|One|Lisa, IU|10
        2021-06-01|Global|1|A|One|Lisa, IU|1
        2021-06-01|Global|2|B|Two|LiSA|5
    ";
    let desk = desk(rows, &[("artists", LISAS)]);
    desk.run("");
    assert_eq!(totals(&desk, "all"), ["lisa-jp | 1005", "lisa-kr | 1", "name:IU | 1111", "name:Lisa | 110"]);
    let credits = desk.show("credits");
    assert_eq!(
        pick(&credits[..4], "artists position name artist_id role reason from until"),
        [
            "Lisa, IU | 1 | Lisa | lisa-jp | lead | the only one then |  | 2020-12-31",
            "Lisa, IU | 2 | Lisa | name:Lisa | lead |  |  | ",
            "Lisa, IU | 3 | Lisa | lisa-kr | lead |  | 2021-06-01 | ",
            "Lisa, IU | 4 | IU | name:IU | feature |  |  | ",
        ]
    );
}

#[test]
fn days_on_which_a_cell_is_not_listed_are_not_in_the_credits() {
    let rows = "2021-06-01|Global|1|A|One|Lisa|1\n2021-06-02|Global|1|A|One|Lisa|1";
    let desk = desk(rows, &[("artists", LISAS)]);
    desk.run("");
    assert_eq!(pick(&desk.show("credits"), "artist_id from until"), ["lisa-kr | 2021-06-01 | "]);
    assert_eq!(totals(&desk, "all"), ["lisa-kr | 2"]);
}

#[test]
fn an_alias_can_date_the_display_name_and_hold_a_comma() {
    let artists = r#"
        [[artist]]
        id = "old"
        name = "Me, Myself"
        aliases = [{ name = "Me, Myself", until = 2023-01-01 }]
    "#;
    let rows = "
        2023-01-01|Global|1|A|One|You, Me, Myself|10
        2023-01-02|Global|1|A|One|You, Me, Myself|1
    ";
    let desk = desk(rows, &[("artists", artists)]);
    desk.run("");
    assert_eq!(totals(&desk, "all"), ["name:Me | 1", "name:Myself | 1", "name:You | 11", "old | 10"]);
    assert_eq!(
        pick(&desk.show("credits"), "position name"),
        ["1 | You", "2 | Me, Myself", "3 | Me", "4 | Myself"]
    );
}

#[test]
fn a_cohort_counts_what_a_member_led_in_any_year() {
    let rows = "
        2020-12-31|Global|1|A|One|Lisa|1000
        2021-06-01|Global|1|A|One|Lisa|1
        2021-06-01|Global|2|B|Two|IU|1
    ";
    let cohorts = "[[cohort]]\nid = \"kr\"\nmembers = [\"lisa-kr\"]\n";
    let desk = desk(rows, &[("artists", LISAS), ("cohorts", cohorts)]);
    let pipeline = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    let tally = "[[tally]]\nname = \"kr\"\nentity = \"work\"\ncohort = \"kr\"\nclock = \"all_time\"\n\
                 thresholds = [1]\n";
    desk.put("t.toml", format!("{pipeline}{tally}"));
    desk.run("");
    assert_eq!(totals(&desk, "kr"), [format!("spotify:track:{} | 1001", id("A"))]);
}

// ----------------------------------------------------------------------------------------- works

#[test]
fn works_put_songs_together() {
    let rows = "
        2023-03-24|Global|1|A|Like Crazy|Jimin|100
        2023-03-24|Global|2|B|Like Crazy (English Version)|Jimin|50
        2023-03-25|Global|1|C|Like Crazy (Remix)|Jimin, Taeyang|20
        2023-03-25|Global|2|D|Alone|Jimin|7
    ";
    let uri = |track: &str| format!("spotify:track:{}", id(track));
    let songs = format!(
        "[[song]]\nid = \"korean\"\nuris = [\"{}\"]\nreleased = 2023-03-24\n\
         [[song]]\nid = \"english\"\nuris = [\"{}\"]\nreleased = 2023-03-20\n",
        uri("A"),
        uri("B")
    );
    let works = |title: &str| {
        format!(
            "[[work]]\nid = \"like-crazy\"\n{title}songs = [\"korean\", \"english\"]\n\
             uris = [\"{}\"]\nreason = \"one composition\"\n",
            uri("C")
        )
    };
    let desk = desk(rows, &[("songs", &songs), ("works", &works("title = \"Crazy\"\n"))]);
    desk.run("");
    let shown = |desk: &Desk| {
        let rows = desk.call("show totals t.toml --format json --tally work").succeeds();
        pick(&rows_of(&rows.stdout), "entity_kind entity_id entity artists streams")
    };
    let alone = format!("work | {} | Alone | Jimin | 7", uri("D"));
    assert_eq!(shown(&desk), ["work | like-crazy | Crazy | Jimin, Taeyang | 170", &alone]);
    let milestones = desk.call("show milestones t.toml --format json --tally work").succeeds();
    assert_eq!(
        pick(&rows_of(&milestones.stdout), "entity_id threshold reached_on start_on start_basis"),
        ["like-crazy | 100 | 2023-03-24 | 2023-03-20 | release"]
    );
    desk.put("catalog/works.toml", works(""));
    desk.run("");
    assert_eq!(
        shown(&desk),
        ["work | like-crazy | Like Crazy (Remix) | Jimin, Taeyang | 170", &alone],
        "the latest listing names a work without a title"
    );
}

#[test]
fn works_join_through_the_songs_they_share() {
    // Both URIs are one song, because they share cell and title.
    let rows = "
        2023-03-24|Global|1|A|One|Jimin|100
        2023-03-24|Global|2|B|One|Jimin|10
        2023-03-24|Global|3|C|Two|Jimin|1
        2023-03-24|Global|4|D|Three|Jimin|1000
    ";
    let uri = |track: &str| format!("\"spotify:track:{}\"", id(track));
    let works = format!(
        "[[work]]\nid = \"z\"\ntitle = \"Zed\"\nuris = [{}, {}]\n[[work]]\nid = \"y\"\nuris = [{}, {}]\n",
        uri("A"),
        uri("C"),
        uri("B"),
        uri("D")
    );
    let desk = desk(rows, &[("works", &works)]);
    desk.run("");
    let rows = desk.call("show totals t.toml --format json --tally work").succeeds();
    assert_eq!(pick(&rows_of(&rows.stdout), "entity_id entity streams"), ["y | Zed | 1111"]);
}

// ---------------------------------------------------------------------------------------- errors

#[test]
fn what_the_catalog_must_not_say_is_refused_with_file_and_way_out() {
    let dated = |a: &str, b: &str| {
        format!(
            "[[artist]]\nid = \"a\"\nname = \"A\"\naliases = [{{ name = \"X\", {a} }}]\n\
             [[artist]]\nid = \"b\"\nname = \"B\"\naliases = [{{ name = \"X\", {b} }}]\n"
        )
    };
    let song = |more: &str| format!("[[song]]\nid = \"s\"\n{more}\n");
    let work = |more: &str| format!("[[work]]\nid = \"w\"\n{more}\n");
    let cases: Vec<(&str, String, &str)> = vec![
        ("artists", dated("until = 2020-01-01", "from = 2020-01-01"), "overlapping periods"),
        ("artists", dated("reason = \"no dates\"", "from = 2020-01-01"), "`X` is a name of both `a` and `b`"),
        ("artists", dated("from = 2021-01-01, until = 2020-01-01", "from = 2022-01-01"), "is before from"),
        ("artists", "[[artist]]\nid = \"a\"\nname = \"A\"\naliases = [{ nam = \"B\" }]\n".into(), "line 4"),
        ("artists", "[[artist]]\nid = \"a\"\nname = \"A\"\naliases = [7]\n".into(), "a string or a table"),
        (
            "artists",
            "[[artist]]\nid = \"a\"\nname = \"A\"\naliases = [{ name = \"B\", from = 12:00:00 }]\n".into(),
            "not a date such as 2023-07-14",
        ),
        (
            "artists",
            "[[artist]]\nid = \"a\"\nname = \"A\"\npersona_of = { id = \"nobody\" }\n".into(),
            "no artist has this id",
        ),
        ("artists", "[[distinct]]\nids = [\"a\"]\n".into(), "it takes two"),
        (
            "cohorts",
            "[[cohort]]\nid = \"c\"\nmembers = [\"nobody\"]\n".into(),
            "no artist has the id `nobody`",
        ),
        ("songs", song("lead = [\"nobody\"]"), "add it to artists.toml"),
        ("songs", song("features = [\"nobody\"]"), "no artist has the id `nobody`"),
        ("songs", song("lead = [\"tae\"]\nfeatures = [\"tae\"]"), "`tae` is in both lead and features"),
        ("songs", song("uris = [{ uri = \"u\", from = 2020-01-02, until = 2020-01-01 }]"), "is before from"),
        ("songs", song("uris = [\"u\", \"u\"]"), "belongs to both"),
        ("songs", song("released = 2023-07-14\nrelease = 1"), "release"),
        ("works", work("songs = [\"nothing\"]"), "no song has the id `nothing`"),
        ("works", work("uris = [\"u\"]\n[[work]]\nid = \"w\""), "work `w` stands twice"),
        (
            "works",
            work("uris = [\"u\"]\n[[work]]\nid = \"v\"\nuris = [\"u\"]"),
            "belongs to both `w` and `v`",
        ),
    ];
    for (file, text, part) in cases {
        let desk = desk(VIBE, &[(file, &text)]);
        let message = desk.call("run t.toml").fails(2);
        assert!(message.contains(&format!("{file}.toml")) && message.contains(part), "{part} in {message}");
        assert_eq!(desk.ledger_version(), None);
    }
}

#[test]
fn works_are_checked_against_the_songs() {
    let songs = "[[song]]\nid = \"s\"\nuris = [{ uri = \"u\", until = 2020-01-01 }]\n[[song]]\nid = \"r\"\n";
    let cases = [
        ("[[work]]\nid = \"r\"\nsongs = [\"s\"]\n", "song `r` is not in it"),
        (
            "[[work]]\nid = \"w\"\nuris = [{ uri = \"u\", until = 2020-01-02 }]\n",
            "has other dates in songs.toml",
        ),
        (
            "[[work]]\nid = \"w\"\nsongs = [\"s\"]\n[[work]]\nid = \"v\"\nsongs = [\"s\"]\n",
            "song `s` belongs to both `w` and `v`",
        ),
    ];
    for (works, part) in cases {
        let message = desk(VIBE, &[("songs", songs), ("works", works)]).call("run t.toml").fails(2);
        assert!(message.contains("works.toml") && message.contains(part), "{part} in {message}");
    }
    let works = "[[work]]\nid = \"s\"\nsongs = [\"s\", \"r\"]\nuris = [\"u\"]\n";
    desk(VIBE, &[("songs", songs), ("works", works)]).run("");
}

#[test]
fn names_may_change_hands_from_one_day_to_the_next() {
    let artists = LISAS.replace("2021-06-01", "2021-01-01");
    desk(VIBE, &[("artists", &artists)]).run("");
}

// ------------------------------------------------------------------------------------ look-alikes

/// Rows of one day, ranked in their order: `id|title|artists`.
fn ranked(lines: &str) -> String {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let row = |(rank, line)| format!("2024-01-{:02}|Global|{}|{line}|1\n", rank / 50 + 1, rank % 50 + 1);
    lines.enumerate().map(row).collect()
}

fn found(lines: &str, catalog: &[(&str, &str)]) -> Vec<String> {
    let desk = desk(&ranked(lines), catalog);
    desk.run("");
    pick(&check(&desk), "kind a b")
}

#[test]
fn names_that_differ_in_spelling_look_alike() {
    let rows = "
        a|T1|Sigur Rós
        b|T2|SIGUR ROS
        c|T3|P!nk
        d|T4|Pink
        e|T5|Simon & Garfunkel
        f|T6|Simon and Garfunkel
        g|T7|Lauren Spencer-Smith
        h|T8|Lauren Spencer Smith
        i|T9|A
        j|U1|B
        k|U2|???
        l|U3|!!!
    ";
    assert_eq!(
        found(rows, &[]),
        [
            "artist | Lauren Spencer Smith | Lauren Spencer-Smith",
            "artist | P!nk | Pink",
            "artist | SIGUR ROS | Sigur Rós",
            "artist | Simon & Garfunkel | Simon and Garfunkel",
        ]
    );
}

#[test]
fn names_in_two_scripts_look_alike_by_sound() {
    let rows = "
        a|T1|Jung Kook
        b|T2|정국
        c|T3|Земфира
        d|T4|Zemfira
        e|T5|ヨアソビ
        f|T6|YOASOBI
        g|T7|블랙핑크
        h|T8|BLACKPINK
        i|T9|周杰倫
        j|U1|Jojo Lane
        k|U2|Katy Perry
        l|U3|Кот Балу
        m|U4|Jang Keek
    ";
    assert_eq!(
        found(rows, &[]),
        [
            "artist | BLACKPINK | 블랙핑크",
            "artist | Jung Kook | 정국",
            "artist | YOASOBI | ヨアソビ",
            "artist | Zemfira | Земфира",
        ]
    );
}

#[test]
fn a_name_that_the_catalog_has_in_both_scripts_does_not_look_like_a_third() {
    let rows = "
        a|T1|Jung Kook
        b|T2|정국
        c|T3|Jang Keek
    ";
    let artists = "[[artist]]\nid = \"jk\"\nname = \"Jung Kook\"\naliases = [\"정국\"]\n";
    assert_eq!(found(rows, &[("artists", artists)]), Vec::<String>::new());
}

#[test]
fn one_uri_under_two_artists_in_one_place_is_strong_evidence() {
    let rows = "
        2024-01-01|Global|1|a|One|정국, Latto|10
        2024-01-02|Global|1|a|One|Jungkook, Latto|10
        2024-01-03|Global|1|a|One|Latto, Jungkook|10
        2024-01-04|Global|1|a|One|Jungkook|10
        2024-01-04|Global|2|b|Two|Jungkook|10
        2024-01-05|Global|2|b|Two|정국|10
    ";
    let desk = desk(rows, &[]);
    desk.run("");
    let rows = check(&desk);
    assert_eq!(
        pick(&rows, "kind a_id a_rows b_id b_rows file"),
        ["same_track | name:Jungkook | 4 | name:정국 | 2 | artists.toml"]
    );
    let evidence = rows[0]["evidence"].as_str().expect("a sentence");
    assert!(evidence.contains(&id("a")) && evidence.contains("(and 1 more)"), "{evidence}");
    let paste = "[[artist]]\nid = \"jungkook\"\nname = \"Jungkook\"\naliases = [\"정국\"]";
    assert_eq!(rows[0]["paste"], paste);
}

#[test]
fn titles_that_differ_in_spelling_or_guests_look_alike() {
    let rows = "
        a|Bye|Jimin
        b|BYE|Jimin
        c|BYE|Taeyang
        d|Que Vuelvas|Taeyang, Jimin
        e|QUE VUELVAS|Jimin, Taeyang
        f|Callaita|Jimin
        g|Callaita|Jimin, Tainy
        h|Callaita|Tainy, Jimin
    ";
    assert_eq!(
        found(rows, &[]),
        [
            "song | Jimin - Bye | Jimin - BYE",
            "song | Taeyang, Jimin - Que Vuelvas | Jimin, Taeyang - QUE VUELVAS",
            "song | Jimin - Callaita | Jimin, Tainy - Callaita",
            "song | Jimin, Tainy - Callaita | Tainy, Jimin - Callaita",
        ]
    );
}

#[test]
fn titles_that_differ_in_additions_look_like_versions() {
    let rows = "
        a|Seven|Jimin
        b|Seven (feat. Latto) [Explicit Ver.]|Jimin, Latto
        c|Seven - Remastered 2011|Jimin
        d|Seven feat. Latto|Jimin
        e|Seven - The Return|Jimin
        f|Seven (Live)|Taeyang
        g|People (Pt. 1)|Jimin
        h|People (Pt. 2)|Jimin
        i|People (II)|Jimin
        j|(Remix)|Jimin
        k|[Live]|Jimin
        l|Open (bracket|Jimin
        m|Open|Jimin
    ";
    assert_eq!(
        found(rows, &[]),
        [
            "version | Jimin - Seven | Jimin, Latto - Seven (feat. Latto) [Explicit Ver.]",
            "version | Jimin - Seven | Jimin - Seven - Remastered 2011",
            "version | Jimin - Seven | Jimin - Seven feat. Latto",
        ]
    );
}

#[test]
fn what_is_mapped_together_or_judged_different_is_not_listed() {
    let rows = "
        2024-01-01|Global|1|a|Bye|Jimin|9
        2024-01-01|Global|2|b|BYE|Jimin|8
        2024-01-01|Global|3|c|Bye (Remix)|Jimin|7
        2024-01-01|Global|4|d|Hello|LiSA|6
        2024-01-01|Global|5|e|World|LISA|5
    ";
    let uri = |track: &str| format!("\"spotify:track:{}\"", id(track));
    let listed = |catalog: &[(&str, &str)]| {
        let desk = desk(rows, catalog);
        desk.run("");
        pick(&check(&desk), "kind b")
    };
    assert_eq!(listed(&[]), ["artist | LiSA", "song | Jimin - BYE", "version | Jimin - Bye (Remix)"]);
    let song = format!("[[song]]\nid = \"bye\"\nuris = [{}, {}]\n", uri("a"), uri("b"));
    let work = format!("[[work]]\nid = \"bye\"\nsongs = [\"bye\"]\nuris = [{}]\n", uri("c"));
    assert_eq!(listed(&[("artists", LISAS), ("songs", &song), ("works", &work)]), Vec::<String>::new());
    let distinct = format!(
        "[[distinct]]\nids = [\"name:LISA\", \"name:LiSA\"]\nreason = \"one is of Japan\"\n\
         [[distinct]]\nids = [{}, {}, {}]\n",
        uri("a"),
        uri("b"),
        uri("c")
    );
    assert_eq!(listed(&[("artists", &distinct)]), Vec::<String>::new());
    // Whatever is a version of one of them is one of the other, too.
    let distinct = format!("[[distinct]]\nids = [{}, {}]\n", uri("a"), uri("c"));
    assert_eq!(
        listed(&[("artists", &distinct)]),
        ["artist | LiSA", "song | Jimin - BYE", "version | Jimin - Bye (Remix)"]
    );
}

#[test]
fn what_is_pasted_takes_the_finding_away() {
    let rows = ranked(
        "
        a|Bye|Jimin
        b|BYE|Jimin
        c|B.Y.E.|Jimin
        d|Bye (Remix)|Jimin
        e|Bye (Live)|Jimin
        f|Hello|LiSA
        g|World|LISA
        h|Word|Lisa
        i|Letto|LATTO
        j|Taya|TAEYANG
        k|Quo\"ted \\ one|Q
        l|QUOTED ONE|Q
        ",
    );
    let desk = desk(&rows, &[("songs", ""), ("works", "")]);
    desk.run("");
    let mut rounds = 0;
    loop {
        let rows = check(&desk);
        let Some(row) = rows.first() else { break };
        let cell = |column: &str| row[column].as_str().expect("text").to_owned();
        let path = format!("catalog/{}", cell("file"));
        let before = fs::read_to_string(desk.path(&path)).expect("the file");
        let paste = cell("paste");
        // A whole entry goes to the end; what says `into` goes into the list of an entry.
        let after = match paste.split_once(" # into ") {
            None => format!("{before}\n{paste}\n"),
            Some((what, place)) => {
                let entry = format!("id = {}", place.rsplit(' ').next().expect("an id"));
                let at = before.find(&entry).expect("the entry") + entry.len();
                let (head, tail) = before.split_at(at);
                match what.strip_suffix(',') {
                    None => format!("{head}\n{what}{tail}"),
                    Some(item) => {
                        let list = place.split(' ').nth(1).expect("a list");
                        let open = format!("{list} = [");
                        match tail.split_once(&open).filter(|(between, _)| !between.contains("[[")) {
                            Some((between, rest)) => format!("{head}{between}{open}{item}, {rest}"),
                            None => format!("{head}\n{open}{item}]{tail}"),
                        }
                    }
                }
            }
        };
        desk.put(&path, after);
        let left = check(&desk);
        assert!(!left.contains(row), "{paste} in {path} changes nothing");
        rounds += 1;
        assert!(rounds < 20, "{left:?}");
    }
    assert!(rounds >= 6, "{rounds}");
}

#[test]
fn findings_are_the_same_in_whatever_order_the_exports_came() {
    let halves = [
        ranked("a|One|LISA\nb|Two|Lisa\nc|Bye|Jimin\nd|Bye (Remix)|Jimin"),
        ranked("e|Three|정국\nf|Four|Jung Kook\ng|BYE|Jimin\nh|Two|LiSA").replace("2024-01", "2024-02"),
    ];
    let shown = [[0, 1], [1, 0]].map(|order| {
        let desk = desk("", &[]);
        for half in order {
            desk.put(&format!("exports/{half}.csv"), merged_daily(&halves[half]));
            desk.run("");
        }
        ["csv", "json", "markdown", "table"]
            .map(|format| desk.call(&format!("catalog check t.toml --format {format}")).succeeds().stdout)
    });
    assert_eq!(shown[0], shown[1]);
    assert_eq!(shown[0][0].matches("\nartist,").count(), 3, "{}", shown[0][0]);
    assert!(shown[0][2].contains("<br>") && shown[0][2].lines().count() == 2 + 5, "{}", shown[0][2]);
}

#[test]
fn check_writes_nothing_and_needs_a_ledger() {
    let desk = desk(VIBE, &[]);
    let message = desk.call("catalog check t.toml").fails(2);
    assert!(message.contains("is empty") && message.contains("chartledger run t.toml"), "{message}");
    desk.run("");
    let before = crate::support::tree(&desk.path(""));
    let nothing = desk.call("catalog check t.toml").succeeds();
    assert_eq!(nothing.stdout, "kind,a_id,a,a_rows,b_id,b,b_rows,evidence,file,paste\n");
    desk.call("catalog check t.toml --ledger nowhere").fails(2);
    desk.call("catalog check t.toml --catalog nowhere").fails(2);
    desk.call("catalog").fails(2);
    assert!(crate::support::tree(&desk.path("")) == before);
}

#[test]
fn check_takes_another_catalog() {
    let desk = desk("2024-01-01|Global|1|a|Bye|태양|9\n2024-01-01|Global|2|b|Hi|Taeyang|8", &[]);
    desk.run("");
    assert_eq!(check(&desk), Vec::<Row>::new());
    desk.put("other/artists.toml", "");
    let rows = desk.call("catalog check t.toml --catalog other --format json").succeeds();
    assert_eq!(pick(&rows_of(&rows.stdout), "a b"), ["Taeyang | 태양"]);
}

// --------------------------------------------------------------------------------------- library

fn listing(uri: &str, title: &str, artists: &str) -> Listing {
    Listing { uri: uri.to_owned(), title: title.to_owned(), artists: artists.to_owned() }
}

fn catalog(folder: &Path, files: &[(&str, &str)]) -> Catalog {
    for (file, text) in files {
        fs::write(folder.join(format!("{file}.toml")), text).expect("a file");
    }
    Catalog::load(folder, Personas::Apart).expect("a catalog")
}

#[test]
fn tracks_know_their_dates_songs_and_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let songs = "[[song]]\nid = \"seven\"\n\
                 uris = [{ uri = \"a\", until = 2023-08-17 }, { uri = \"b\", from = 2023-08-18 }]\n";
    let works = "[[work]]\nid = \"w\"\nsongs = [\"seven\"]\nuris = [\"c\", { uri = \"b\" }]\n";
    let catalog = catalog(folder.path(), &[("songs", songs), ("works", works)]);
    let listings = [
        listing("a", "Seven", "X"),
        listing("b", "Sieben", "X"),
        listing("c", "Sept", "X"),
        listing("d", "8", "X"),
    ];
    let day = |text: &str| Day::parse(text.as_bytes()).expect("a day");
    let seen = vec![Some((day("2023-01-01"), day("2023-12-31"))); 4];
    let entities = Entities::resolve(&catalog, &listings, &seen);
    let dates: Vec<_> = entities.track_of.iter().map(|&track| entities.track_dates(track)).collect();
    assert_eq!(
        dates,
        [(None, Some(day("2023-08-17"))), (Some(day("2023-08-18")), None), (None, None), (None, None)]
    );
    let ids = |kind| entities.of(kind).iter().map(|entity| entity.id.as_str()).collect::<Vec<_>>();
    assert_eq!(ids(EntityKind::Song), ["seven", "c", "d"]);
    assert_eq!(ids(EntityKind::Work), ["w", "d"]);
    assert_eq!(entities.tracks_of(EntityKind::Track, 1), [1]);
    assert_eq!(entities.tracks_of(EntityKind::Song, 0), [0, 1]);
    assert_eq!(entities.tracks_of(EntityKind::Work, 0), [0, 1, 2]);
    assert_eq!(entities.tracks_of(EntityKind::Artist, 0), [0_u32; 0]);
    assert_eq!(entities.tracks_of(EntityKind::Work, 9), [0_u32; 0]);
    assert_eq!((&entities.song_of_track, &entities.work_of_song), (&vec![0, 0, 1, 2], &vec![0, 0, 1]));
}

/// A name, whose it is, and in which days of 2024 from 1 January on.
type Naming = (String, usize, (u16, u16));

/// URI and artist cell of a listing, and two days between which it is on a chart.
type Charted = (String, String, u16, u16);

/// A small catalog of dated names over the letters A to D, and listings of these letters.
fn dated_worlds() -> impl Strategy<Value = (Vec<Naming>, Vec<Charted>)> {
    let name = select(vec!["A", "B", "C", "A, B", "D"]).prop_map(str::to_owned);
    let namings = prop::collection::vec((name, 0..3_usize, (0..20_u16, 0..20_u16)), 0..6);
    let cell = subsequence(vec!["A", "B", "C", "D", "E"], 1..4).prop_shuffle();
    let cell = cell.prop_map(|names| names.join(", "));
    let listing = (select(vec!["u", "v", "w"]).prop_map(str::to_owned), cell, 0..20_u16, 0..20_u16);
    (namings, prop::collection::vec(listing, 1..8))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cell_is_read_as_if_every_day_were_read_by_itself((namings, rows) in dated_worlds()) {
        const START: u16 = 19_723;
        // Of names that would overlap, the first stays.
        let mut kept: Vec<Naming> = Vec::new();
        for (name, artist, (a, b)) in namings {
            let (from, until) = (a.min(b), a.max(b));
            if kept.iter().all(|(other, _, (f, u))| *other != name || until < *f || *u < from) {
                kept.push((name, artist, (from, until)));
            }
        }
        let date = |day: u16| Day(START + day).to_string();
        let mut artists = String::new();
        for artist in 0..3 {
            let own = kept.iter().filter(|(_, of, _)| *of == artist);
            let aliases: Vec<String> = own
                .map(|(name, _, (from, until))| {
                    format!("{{ name = \"{name}\", from = {}, until = {} }}", date(*from), date(*until))
                })
                .collect();
            artists += &format!(
                "[[artist]]\nid = \"{artist}\"\nname = \"n{artist}\"\naliases = [{}]\n",
                aliases.join(", ")
            );
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let songs = "[[song]]\nid = \"s\"\nuris = [\"w\"]\nlead = [\"1\"]\nfeatures = [\"2\"]\n";
        let catalog = catalog(folder.path(), &[("artists", &artists), ("songs", songs)]);
        let listings: Vec<Listing> = rows.iter().map(|(uri, cell, ..)| listing(uri, uri, cell)).collect();
        let seen: Vec<_> =
            rows.iter().map(|(.., a, b)| Some((Day(START + a.min(b)), Day(START + a.max(b))))).collect();
        let entities = Entities::resolve(&catalog, &listings, &seen);

        let read = |cell: &str, day: u16| -> Vec<String> {
            let known = |name: &str| {
                let holds = |(_, _, (from, until)): &&Naming| (*from..=*until).contains(&day);
                let own = kept.iter().filter(|(other, ..)| other == name);
                own.clone().find(holds).map(|(_, artist, _)| artist.to_string())
            };
            let parts: Vec<&str> = cell.split(", ").collect();
            let (mut ids, mut at) = (Vec::new(), 0);
            while at < parts.len() {
                let two = parts.get(at..at + 2).and_then(|two| known(&two.join(", ")));
                let (id, length) = match two {
                    Some(id) => (id, 2),
                    None => (known(parts[at]).unwrap_or(format!("name:{}", parts[at])), 1),
                };
                if !ids.contains(&id) {
                    ids.push(id);
                }
                at += length;
            }
            ids
        };
        for (place, (uri, cell, a, b)) in rows.iter().enumerate() {
            for day in *a.min(b)..=*a.max(b) {
                let credits = entities.artists_of(place, Day(START + day));
                let artist = |code: u32| entities.of(EntityKind::Artist)[code as usize].id.clone();
                let ids: Vec<String> = credits.iter().map(|credit| artist(credit.artist)).collect();
                let mut expected = read(cell, day);
                let leads: Vec<String> = if uri == "w" {
                    for id in ["1", "2"] {
                        if !expected.contains(&id.to_owned()) {
                            expected.push(id.to_owned());
                        }
                    }
                    vec!["1".to_owned()]
                } else {
                    expected[..1].to_vec()
                };
                prop_assert_eq!(&ids, &expected);
                for (credit, id) in credits.iter().zip(&ids) {
                    prop_assert_eq!(credit.role.lead(), leads.contains(id));
                    prop_assert_eq!(credit.role.from_catalog(), uri == "w");
                    prop_assert_eq!(credit.role.solo(), ids.len() == 1);
                    let counted = [Credit::Lead, Credit::Feature].iter().filter(|one| one.counts(credit.role));
                    prop_assert_eq!(counted.count(), 1);
                    prop_assert!(Credit::All.counts(credit.role));
                }
            }
        }
        // A pair has one code, and a code one pair.
        for rule in SongRule::ALL {
            let of = [&entities.track_of, &entities.song_of, &entities.work_of][rule as usize];
            let mut pairs: BTreeMap<u32, BTreeSet<(u32, u32)>> = BTreeMap::new();
            let mut codes: BTreeMap<(u32, u32), BTreeSet<u32>> = BTreeMap::new();
            for (place, (_, _, a, b)) in rows.iter().enumerate() {
                for day in *a.min(b)..=*a.max(b) {
                    for credit in entities.artists_of(place, Day(START + day)) {
                        let pair = (credit.artist, of[place]);
                        pairs.entry(credit.pairs[rule as usize]).or_default().insert(pair);
                        codes.entry(pair).or_default().insert(credit.pairs[rule as usize]);
                    }
                }
            }
            prop_assert!(pairs.values().all(|pairs| pairs.len() == 1), "{}", rule.word());
            prop_assert!(codes.values().all(|codes| codes.len() == 1), "{}", rule.word());
        }
        // Every track is in one song and in one work.
        for (kind, of) in [(EntityKind::Song, &entities.song_of), (EntityKind::Work, &entities.work_of)] {
            let mut tracks: Vec<u32> = Vec::new();
            for code in 0..entities.of(kind).len() as u32 {
                let own = entities.tracks_of(kind, code);
                prop_assert!(own.is_sorted());
                for (place, &track) in entities.track_of.iter().enumerate() {
                    prop_assert_eq!(own.contains(&track), of[place] == code);
                }
                tracks.extend(own);
            }
            tracks.sort_unstable();
            prop_assert_eq!(tracks, (0..entities.of(EntityKind::Track).len() as u32).collect::<Vec<_>>());
        }
    }
}
