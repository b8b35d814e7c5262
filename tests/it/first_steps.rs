//! From an empty folder to the first tables: `init`, proposals of `inspect`, and kind refusals.

use std::fs;

use crate::support::{Desk, merged_daily, pick, rows_of, tree};

#[test]
fn a_begun_folder_runs_as_soon_as_an_export_lies_in_it() {
    let desk = Desk::new();
    let said = desk.call("init my-charts").succeeds();
    assert!(said.stderr.contains("cd my-charts && chartledger run"), "{}", said.stderr);
    assert_eq!(said.stdout, "");
    let begun = tree(&desk.path("my-charts"));
    let names: Vec<&str> = begun.keys().map(String::as_str).collect();
    let catalog = ["artists", "cohorts", "songs", "works"].map(|name| format!("catalog/{name}.toml"));
    let expected: Vec<&str> =
        catalog.iter().map(String::as_str).chain(["chartledger.toml", "exports/README.md"]).collect();
    assert_eq!(names, expected);

    let again = desk.call("init my-charts").fails(2);
    assert!(again.contains("my-charts/chartledger.toml is there already"), "{again}");
    assert_eq!(tree(&desk.path("my-charts")), begun, "nothing is overwritten");

    let inside = |args: &str| desk.call_in("my-charts", args);
    let empty = inside("run").fails(3);
    for part in ["exports", ".csv", "chartledger inspect FILE"] {
        assert!(empty.contains(part), "{part} in {empty}");
    }
    desk.put("my-charts/exports/a.csv", merged_daily("2024-03-01|Global|1|A|Seven|Jung Kook, Latto|2000000"));
    let ran = inside("run").succeeds();
    assert!(ran.stdout.contains("most-streamed-song") && ran.stdout.contains("Seven"), "{}", ran.stdout);
    let milestones = rows_of(&inside("show milestones --format json --tally song").succeeds().stdout);
    assert_eq!(pick(&milestones, "entity threshold"), ["Seven | 1000000"]);
    inside("verify").succeeds();
    inside("explain --entity seven").succeeds();
    assert!(desk.path("my-charts/out/my-charts/latest/totals.parquet").exists());
}

#[test]
fn every_comment_of_a_begun_folder_is_true() {
    let desk = Desk::new();
    desk.call("init here").succeeds();
    desk.put("here/exports/a.csv", merged_daily("2024-03-01|Global|1|A|Seven|Jung Kook, Latto|2000000"));
    // What stands in comments as an example is taken, too.
    for (name, bytes) in tree(&desk.path("here")) {
        if !name.ends_with(".toml") {
            continue;
        }
        let text = String::from_utf8(bytes).expect("UTF-8");
        let is_example = |line: &str| {
            let rest = line.strip_prefix("# ").unwrap_or_default();
            rest.starts_with("[") || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
        };
        let uncommented: Vec<&str> =
            text.lines().map(|line| if is_example(line) { &line[2..] } else { line }).collect();
        assert_ne!(uncommented.join("\n"), text.trim_end(), "{name} has examples");
        desk.put(&format!("here/{name}"), uncommented.join("\n"));
    }
    // The catalog's work speaks of a song that a reader has not entered.
    desk.put("here/catalog/works.toml", "");
    // Taken in the year of the example, no chart is older than three days.
    desk.call_in("here", "run --today 2024-03-02").succeeds();
}

#[test]
fn without_a_pipeline_the_way_to_one_is_said() {
    let desk = Desk::new();
    fs::create_dir(desk.path("empty")).expect("a folder");
    for command in ["run", "plan", "show totals", "verify", "history", "explain --entity x"] {
        let message = desk.call_in("empty", command).fails(2);
        for part in ["chartledger.toml", "chartledger run FILE.toml", "chartledger init DIR"] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}

/// Shapes that no dialect knows: file, content, streams of all rows, the chart, the first date.
const UNKNOWN: [(&str, &str, i64, &str, &str); 12] = [
    (
        "label report 2024.csv",
        "Day;Pos;ISRC;Song;Artist;Plays\n\
         20/03/2024;1;USXX12400001;Some Song;Some Artist;1,204\n\
         20/03/2024;2;USXX12400002;\"Other; Song\";Some Artist;1,003\n\
         21/03/2024;1;USXX12400001;Some Song;Some Artist;1,000\n",
        3207,
        "label-report:daily",
        "2024-03-20",
    ),
    (
        "german.csv",
        "Rang,Titel,Interpret,Abrufe,Datum,Land\n\
         1,Seven,Jung Kook,120,03/20/2024,DE\n2,Like Crazy,Jimin,100,03/20/2024,DE\n\
         1,Seven,Jung Kook,110,03/21/2024,DE\n",
        330,
        "german:daily",
        "2024-03-20",
    ),
    (
        "korean.csv",
        "순위\t곡명\t아티스트\t스트리밍\t날짜\n1\tSeven\t정국\t300\t2024-03-15\n\
         2\tLike Crazy\t지민\t200\t2024-03-15\n1\tSeven\t정국\t100\t2024-03-22\n",
        600,
        "korean:weekly",
        "2024-03-15",
    ),
    (
        "chart_2024-03-20.csv",
        "#,Track Name,Artist Name(s),Spotify URI,Play Count\n\
         1,\"Seven, or eight\",Jung Kook,spotify:track:44IIVSq8gHOnkyVAAFUntG,12\n\
         2,Like Crazy,Jimin,spotify:track:54IIVSq8gHOnkyVAAFUntG,11\n",
        23,
        "spotify:daily",
        "2024-03-20",
    ),
    (
        "nameless.csv",
        "c1,c2,c3,c4,c5\n2024-01-01,1,alpha,Some One,300\n2024-01-01,2,beta,Some One,200\n\
         2024-01-01,3,gamma,Other,100\n",
        600,
        "nameless:daily",
        "2024-01-01",
    ),
    // Both readings of the dates are dates; only one of them is of two days in a row.
    (
        "ambiguous.csv",
        "date,rank,song,artist,streams,peak\n01/02/2024,1,A,X,10,1\n02/02/2024,1,A,X,20,1\n",
        30,
        "ambiguous:daily",
        "2024-02-01",
    ),
    (
        "points.csv",
        "Datum;Platz;Titel;Interpret;Streams\n20.03.2024;1;A;X;1.204.567\n20.03.2024;2;B;Y;999\n",
        1_205_566,
        "points:daily",
        "2024-03-20",
    ),
    (
        "decimals.csv",
        "Datum;Platz;Titel;Interpret;Streams\n20.03.2024;1;A;X;1204567,00\n20.03.2024;2;B;Y;999,0\n",
        1_205_566,
        "decimals:daily",
        "2024-03-20",
    ),
    (
        "blanks.csv",
        "date,rank,title,artist,streams\n2024-03-20,1,A,X,1\u{202f}204\u{a0}567\n2024-03-20,2,B,Y,1 000\n",
        1_205_567,
        "blanks:daily",
        "2024-03-20",
    ),
    (
        "moments.csv",
        "date,rank,title,artist,streams\n2024-03-20T00:00:00Z,1,A,X,10\n2024-03-21T00:00:00Z,1,A,X,10\n",
        20,
        "moments:daily",
        "2024-03-20",
    ),
    (
        "months.csv",
        "date,rank,title,artist,streams\nMar 20 2024,1,A,X,10\nMar 21 2024,1,A,X,10\n",
        20,
        "months:daily",
        "2024-03-20",
    ),
    (
        "words.csv",
        "\u{feff}Chart Date|Position|Track|Performer|Streams|Country|Weeks On Chart\n\
         \"Mar 20, 2024\"|1|A|X|10|South Korea|3\n\"Mar 20, 2024\"|2|B|Y|9|South Korea|1\n",
        19,
        "words:daily",
        "2024-03-20",
    ),
];

#[test]
fn an_unknown_shape_is_read_with_what_inspect_proposes() {
    for (name, text, streams, chart, first_on) in UNKNOWN {
        let desk = Desk::new();
        desk.put(&format!("exports/{name}"), text);
        let said = desk.call("inspect exports");
        assert_eq!(said.code, Some(3), "as it is, no dialect fits");
        let rows = text.trim_end().lines().count() - 1;
        assert!(said.stdout.contains(&format!("{rows} row")), "{name}: {}", said.stdout);
        assert!(!said.stdout.contains("quarantine"), "{name}: {}", said.stdout);
        let (_, pasted) = said.stdout.split_once("\n[[mapped]]").unwrap_or_else(|| panic!("{}", said.stdout));

        let proposed = desk.call("inspect --propose exports").succeeds().stdout;
        assert_eq!(proposed.trim(), format!("[[mapped]]{pasted}").trim(), "both print the same");
        let desk = desk.and_pipeline(&proposed);
        desk.run("--strict");
        let totals = desk.call("show exports t.toml --format json").succeeds().stdout;
        let exports = pick(&rows_of(&totals), "rows_used rows_quarantined first_on");
        assert_eq!(exports, [format!("{rows} | 0 | {first_on}")], "{name}");
        let songs = desk.call("show totals t.toml --tally song --format json").succeeds().stdout;
        let songs = rows_of(&songs);
        assert_eq!(crate::support::sum(&songs, "streams"), streams, "{name}");
        assert!(pick(&songs, "chart").iter().all(|shown| shown == chart), "{name}: {songs:?}");
        desk.call("inspect --pipeline t.toml exports").succeeds();
    }
}

#[test]
fn what_cannot_be_guessed_is_said_and_known_files_are_left_alone() {
    let desk = Desk::new();
    for (text, said) in [
        ("Report\nDay,Pos,Song,Artist,Plays\n", "fewer than four columns"),
        ("date,rank,song,artist\n2024-01-01,1,A,X\n", "looks like streams"),
        ("a,b,c,d,e\nx,y,z,u,v\n", "looks like a rank, or like streams"),
        ("rank,song,artist,streams\n1,A,X,5\n", "looks like dates"),
        ("date,rank,song,artist,streams\n", "no row below the header"),
        (
            "date,rank,song,artist,streams\n2024-03-20,1,A,X,1.2M\n",
            "`streams` is called so, but `1.2M` is not",
        ),
        (
            "date,rank,song,artist,streams\nyesterday,1,A,X,12\n",
            "`date` is called so, but `yesterday` is not",
        ),
        ("d\0a\0t\0e\0,\0r\0a\0n\0k\0,\0a\0,\0b\0,\0\n\0x\0,\0\n", "UTF-16"),
    ] {
        desk.put("exports/x.csv", text);
        let shown = desk.call("inspect exports");
        assert_eq!(shown.code, Some(3));
        assert!(shown.stdout.contains("guess    none") && shown.stdout.contains(said), "{}", shown.stdout);
        let message = desk.call("inspect --propose exports").fails(3);
        assert!(message.contains(said), "{message}");
    }
    // Another code page: names of columns and of artists would come out as something else.
    desk.put("exports/x.csv", b"date,rank,song,artist,streams\n2024-03-20,1,A,Beyonc\xe9,12\n");
    let message = desk.call("inspect --propose exports").fails(3);
    assert!(message.contains("line 2 is not UTF-8") && message.contains("save it as UTF-8"), "{message}");
    // Dates that can be read in two ways say so.
    desk.put("exports/x.csv", UNKNOWN[5].1);
    let proposed = desk.call("inspect --propose exports").succeeds().stdout;
    assert!(proposed.contains("# or \"%m/%d/%Y\": its dates fit both"), "{proposed}");
    desk.put("exports/x.csv", merged_daily("2024-03-01|Global|1|A|Seven|Jung Kook|2"));
    assert_eq!(desk.call("inspect --propose exports").succeeds().stdout, "");
    // Two files of one shape need one table.
    desk.put("exports/a1.csv", UNKNOWN[4].1);
    desk.put("exports/a2.csv", UNKNOWN[4].1);
    let proposed = desk.call("inspect --propose exports").succeeds().stdout;
    assert_eq!(proposed.matches("[[mapped]]").count(), 1, "{proposed}");
    let missing = desk.call("inspect nowhere.csv").fails(3);
    assert!(missing.contains("nowhere.csv does not exist"), "{missing}");
}

#[test]
fn what_makes_no_sense_in_a_pipeline_is_named_with_its_line() {
    let tally = "[[tally]]\nname = \"sung\"\nentity = \"song\"\nclock = \"all_time\"\nthresholds = [1]\n";
    let ranking =
        |of: &str| format!("[[ranking]]\nname = \"r\"\nkind = \"most_streamed\"\ntally = \"{of}\"\n");
    for (toml, at, said) in [
        (ranking("sing"), "tally = \"sing\"", "did you mean song?"),
        (format!("{tally}{tally}"), "name = \"sung\"", "`sung` stands twice"),
        (
            format!("{}threshold = 7\n", ranking("song").replace("most_streamed", "fastest")),
            "name = \"r\"",
            "has no threshold 7; add it there, or take one of 100, 1000",
        ),
        (format!("{tally}cohort = \"nobody\"\n"), "cohort = \"nobody\"", "no cohort `nobody`"),
    ] {
        let desk = Desk::new().and_pipeline(&toml);
        let text = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
        let line = text.lines().count() - text.lines().rev().position(|line| line == at).expect("the line");
        let message = desk.call("run t.toml").fails(2);
        assert!(message.contains(&format!("t.toml: line {line}: ")) && message.contains(said), "{message}");
    }
}

#[test]
fn a_separator_of_thousands_that_is_none_is_refused() {
    let desk = Desk::new().and_pipeline(
        "[[mapped]]\nname = \"m\"\nchart = \"m:daily\"\nregion = \"global\"\nthousands = \"x\"\n[mapped.columns]\n\
         date = \"d\"\nrank = \"r\"\ntitle = \"t\"\nartists = \"a\"\nstreams = \"s\"\n",
    );
    let message = desk.call("run t.toml").fails(2);
    assert!(message.contains("thousands must be true for commas, or one of"), "{message}");
}
