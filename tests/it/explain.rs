//! `explain`: proofs of published figures, on the sample, on worlds by hand and on made-up ones, and
//! what it says where there is nothing to prove.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chartledger::explain::{Proofs, published};
use chartledger::pipeline::{Overrides, Plan};
use chartledger::publish;
use chartledger::tables::{milestones, totals};
use polars::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;

use crate::cli::{APRIL, march};
use crate::support::{Desk, HERE, Ran, Row, id, merged_daily, pick, program, rows_of, sum};
use crate::world::{World, worlds};

// ------------------------------------------------------------------------------ every figure

/// Proves every milestone and every total of the latest run; how many there were, and the first few
/// that were refused.
fn prove_all(pipeline: &Path, overrides: Overrides, every: usize) -> (usize, Vec<String>) {
    let plan = Plan::load(pipeline, overrides).expect("a plan");
    let proofs = Proofs::open(&plan).expect("a run and its ledger");
    let (mut proven, mut refused) = (0, Vec::new());
    for contract in [&milestones::CONTRACT, &totals::CONTRACT] {
        let frame = publish::read(&plan.out, contract).expect("a table");
        for row in (0..frame.height()).step_by(every) {
            let row = published(contract, &frame, row).expect("a row");
            let columns: Vec<&str> = contract.columns.iter().map(|field| field.name).collect();
            match proofs.explain(&row) {
                Ok(proof) => {
                    proven += 1;
                    let derived: Vec<&str> = proof.derived.iter().map(|(name, _)| *name).collect();
                    assert_eq!(derived, columns, "a column of {} that is not derived", contract.name);
                    let counted: i64 = proof.rows.iter().map(|row| row.counted).sum();
                    assert_eq!(counted, proof.sum.after, "{}", proof.entity);
                    let shares: i64 = proof.tracks.iter().map(|track| track.streams).sum();
                    assert_eq!(shares, proof.sum.after, "{}", proof.entity);
                }
                Err(error) => refused.push(error.to_string()),
            }
        }
    }
    (proven, refused)
}

fn prove_all_of(desk: &Desk) -> usize {
    let root = desk.path("");
    let overrides = Overrides {
        out: Some(root.join("out")),
        ledger: Some(root.join("ledger/t")),
        ..Overrides::default()
    };
    let (proven, refused) = prove_all(&desk.path("t.toml"), overrides, 1);
    assert!(refused.is_empty(), "{} refused: {}", refused.len(), refused[..refused.len().min(5)].join("\n"));
    proven
}

/// A pipeline of the repository, run once on the sample.
fn ran(pipeline: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = program(Path::new(HERE));
    command.args(["run", "--quiet", pipeline, "--ledger"]).arg(folder.path().join("ledger"));
    Ran::of(command.arg("--out").arg(folder.path())).succeeds();
    folder
}

static SAMPLE: LazyLock<tempfile::TempDir> = LazyLock::new(|| ran("pipelines/k-soloists.toml"));

fn of_sample(folder: &tempfile::TempDir) -> Overrides {
    let (out, ledger) = (folder.path().to_owned(), folder.path().join("ledger"));
    Overrides { out: Some(out), ledger: Some(ledger), ..Overrides::default() }
}

#[test]
fn every_figure_of_the_sample_is_proven() {
    let pipeline = Path::new(HERE).join("pipelines/k-soloists.toml");
    let (proven, refused) = prove_all(&pipeline, of_sample(&SAMPLE), 1);
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(proven > 150, "{proven}");
}

/// A number from the environment, for longer runs by hand.
fn asked(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

#[test]
fn figures_of_all_charts_of_the_sample_are_proven() {
    let folder = ran("pipelines/charts.toml");
    let every = asked("CHARTLEDGER_EVERY", 307);
    let pipeline = Path::new(HERE).join("pipelines/charts.toml");
    let (proven, refused) = prove_all(&pipeline, of_sample(&folder), every);
    assert!(refused.is_empty(), "{} refused: {:#?}", refused.len(), &refused[..refused.len().min(5)]);
    assert!(proven > 50_000 / every, "{proven}");
}

const CLOCKS: [&str; 5] = ["all_time", "release", "first_charted", "calendar_year", "calendar_month"];

/// Tallies of every kind of entity on a clock.
fn tallies(clock: &str) -> String {
    let tally = |name: &str, entity: &str, more: &str| {
        format!(
            "[[tally]]\nname = \"{name}-{clock}\"\nentity = \"{entity}\"\nclock = \"{clock}\"\n{more}\n\
             thresholds = [1, 100, 250, 400, 600, 900, 1400, 2200, 4000]\n"
        )
    };
    [
        tally("track", "track", ""),
        tally("song", "song", ""),
        tally("work", "work", ""),
        tally("artist", "artist", "song_rule = \"work\""),
        tally("lead", "artist", "credit = \"lead\""),
        tally("feature", "artist", "credit = \"feature\"\nsong_rule = \"uri\""),
        tally("solo", "artist", "credit = \"solo\""),
    ]
    .concat()
}

/// Who is on the charts of the small world: id, title, artist cell.
const CAST: [(&str, &str, &str); 14] = [
    ("A", "Seven", "Jung Kook, Latto"),
    ("B", "Seven", "Jung Kook, Latto"),
    ("C", "Seven (Band Version)", "Jung Kook"),
    ("D", "Who", "Jimin"),
    ("E", "Haegeum", "Agust D"),
    ("F", "People", "Agust D, IU"),
    ("G", "People Pt. 2", "Agust D, IU"),
    ("H", "Like Crazy", "Jimin, SUGA"),
    ("I", "Dreamers", "Jung Kook, FIFA Sound"),
    ("J", "Dreamers", "FIFA Sound, Jung Kook"),
    ("K", "Love wins all", "IU"),
    ("L", "Slow Dancing", "V"),
    ("M", "Wind", "Earth, Wind & Fire, V"),
    ("N", "Wind", "Earth, Wind & Fire"),
];

const ARTISTS: &str = r#"
artist = [
    { id = "suga", name = "SUGA", aliases = [{ name = "Agust D", from = 2024-01-02 }] },
    { id = "ewf", name = "Earth, Wind & Fire" },
]
"#;

fn songs() -> String {
    let uri = |name: &str| format!("spotify:track:{}", id(name));
    format!(
        r#"
[[song]]
id = "seven"
released = 2023-12-10
uris = ["{}", {{ uri = "{}", from = 2023-12-28, until = 2024-01-03 }}]

[[song]]
id = "band"
released = 2023-12-24
uris = ["{}"]

[[song]]
id = "people"
released = 2024-03-01
uris = ["{}", "{}"]
lead = ["suga"]

[[song]]
id = "dreamers"
uris = ["{}", "{}"]

[[song]]
id = "who"
uris = ["name:Jimin - Who", "name:Jimin - Who (Live)"]

[[song]]
id = "wind"
uris = ["{}", {{ uri = "{}", until = {LAST_OF_WIND} }}]
"#,
        uri("A"),
        uri("B"),
        uri("C"),
        uri("F"),
        uri("G"),
        uri("I"),
        uri("J"),
        uri("M"),
        uri("N"),
    )
}

/// The last day of the URI `N`, a Monday.
const LAST_OF_WIND: &str = "2024-01-01";

const WORKS: &str = "[[work]]\nid = \"seven\"\nsongs = [\"seven\", \"band\"]\n";

/// Numbers that are the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// Streams and track of a chart without one of so many tracks, the most first.
    fn chart(&mut self, on: &str, without: u64, most: u64) -> Vec<(u64, usize)> {
        let mut rows = Vec::new();
        for (track, (uri, ..)) in CAST.iter().enumerate() {
            if self.below(without) > 0 && (*uri != "N" || on <= LAST_OF_WIND) {
                rows.push((self.below(most) + 1, track));
            }
        }
        // Some charts list a track twice.
        if self.below(4) == 0 && !rows.is_empty() {
            rows.push((self.below(most) + 1, rows[0].1));
        }
        rows.sort_by_key(|&(streams, track)| (std::cmp::Reverse(streams), track));
        rows
    }
}

fn date(day: i64) -> String {
    crate::oracle::iso(crate::oracle::parse_day("2023-12-20").expect("a date") + day)
}

/// A daily chart with gaps and stale copies, its weekly sister, and a counter with days off the page
/// and falling totals: a world in which every rule of counting has something to do.
fn small_world(clock: &str, seed: u64) -> Desk {
    let mut dice = Dice(seed.wrapping_mul(7919) + 17);
    let (mut daily, mut before) = (String::new(), String::new());
    for day in 0..26 {
        let rows = dice.chart(&date(day), 5, 60);
        let lines: String = rows
            .iter()
            .enumerate()
            .map(|(place, &(streams, track))| {
                let (uri, title, artists) = CAST[track];
                format!("DATE|Global|{}|{uri}|{title}|{artists}|{streams}\n", place + 1)
            })
            .collect();
        match dice.below(8) {
            0 => {}
            1 => daily += &before.replace("DATE", &date(day)),
            _ => {
                daily += &lines.replace("DATE", &date(day));
                before = lines;
            }
        }
    }
    let mut weekly = "chart_position,chart_date,song,performer,streams,spotify_uri,region\n".to_owned();
    for week in 0..7 {
        let on = date(1 + 7 * week);
        if dice.below(6) == 0 {
            continue;
        }
        let rows = dice.chart(&on, 3, 400);
        for (place, (streams, track)) in rows.into_iter().enumerate() {
            let (uri, title, artists) = CAST[track];
            weekly += &format!("{},{on},{title},\"{artists}\",{streams},{},global\n", place + 1, id(uri));
        }
    }
    let desk = Desk::with([("daily.csv", merged_daily(&daily)), ("weekly.csv", weekly)]);
    let mut counters: Vec<u64> = CAST.iter().map(|_| dice.below(3) * dice.below(120)).collect();
    for day in 0..26 {
        let mut rows = Vec::new();
        for (track, total) in counters.iter_mut().enumerate() {
            let streams = dice.below(40);
            *total += streams;
            if dice.below(25) == 0 {
                *total = total.saturating_sub(30);
            }
            if dice.below(3) > 0 {
                // Now and then a total is not there.
                let shown = if dice.below(12) == 0 { String::new() } else { total.to_string() };
                rows.push((streams, track, shown));
            }
        }
        if dice.below(7) == 0 || rows.is_empty() {
            continue;
        }
        rows.sort_by_key(|(streams, track, _)| (std::cmp::Reverse(*streams), *track));
        let page: String = rows
            .iter()
            .enumerate()
            .map(|(place, (streams, track, total))| {
                let (_, title, artists) = CAST[*track];
                // A title that changes is a track of its own, with all of the total.
                let title = if title == "Who" && day > 12 { "Who (Live)" } else { title };
                format!(
                    "{},{},=,\"{artists} - {title}\",1,1,,{streams},+1,{streams},+1,{total}\n",
                    date(day),
                    place + 1
                )
            })
            .collect();
        desk.put(&format!("exports/kr_daily_{}.csv", date(day)), page);
    }
    let desk = desk.and_pipeline(&format!("[catalog]\npath = \"catalog\"\n{}", tallies(clock)));
    desk.put("catalog/artists.toml", ARTISTS);
    desk.put("catalog/songs.toml", songs());
    desk.put("catalog/works.toml", WORKS);
    desk.run("--quiet");
    desk
}

#[test]
fn every_figure_of_a_small_world_is_proven_on_every_clock() {
    let seeds: u64 =
        std::env::var("CHARTLEDGER_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2);
    for clock in CLOCKS {
        for seed in 0..seeds {
            let desk = small_world(clock, seed);
            let proven = prove_all_of(&desk);
            assert!(proven > 300, "{clock}, seed {seed}: {proven}");
        }
    }
}

fn prove_world(world: &World) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    world.write(dir.path());
    world.deliver(dir.path(), false);
    world.deliver(dir.path(), true);
    let mut command = program(dir.path());
    let ran = Ran::of(command.args(["run", "t.toml", "--quiet", "--out", "out", "--ledger", "ledger"]));
    if ran.code != Some(0) {
        return Err(TestCaseError::reject(ran.stderr));
    }
    let overrides = Overrides {
        out: Some(dir.path().join("out")),
        ledger: Some(dir.path().join("ledger")),
        ..Overrides::default()
    };
    let (_, refused) = prove_all(&dir.path().join("t.toml"), overrides, 1);
    match refused.first() {
        None => Ok(()),
        Some(first) => Err(TestCaseError::fail(first.clone())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: asked("PROPTEST_CASES", 32) as u32,
        max_shrink_iters: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_figure_of_made_up_worlds_is_proven(world in worlds()) {
        prove_world(&world)?;
    }
}

// -------------------------------------------------------------------------------- one figure

/// Calls `explain` on a desk with arguments that may hold blanks.
fn explain(desk: &Desk, args: &[&str]) -> Ran {
    Ran::of(program(&desk.path("")).args(["explain", "t.toml"]).args(args))
}

fn json(ran: Ran) -> Value {
    serde_json::from_str(&ran.succeeds().stdout).expect("an object")
}

/// Calls `explain` on the sample.
fn sample(args: &[&str]) -> Ran {
    let mut command = program(Path::new(HERE));
    command.args(["explain", "--ledger"]).arg(SAMPLE.path().join("ledger"));
    Ran::of(command.arg("--out").arg(SAMPLE.path()).args(args))
}

fn rows(proof: &Value, columns: &str) -> Vec<String> {
    pick(&list(&proof["rows"]), columns)
}

fn list(value: &Value) -> Vec<Row> {
    rows_of(&value.to_string())
}

#[test]
fn jung_kooks_billion_of_2024_is_shown_down_to_the_line_of_the_export() {
    let args = ["--entity", "jung kook", "--window", "2024", "--threshold", "1000000000"];
    let text = sample(&args).succeeds().stdout;
    let sentence = "Jung Kook (artist) reached 1,000,000,000 streams of 2024 on 2024-03-20, day 80, in \
                    spotify:daily global\n";
    assert!(text.starts_with(sentence), "{text}");
    for part in [
        "evidence    official-2024-03/regional-global-daily-2024-03-20.csv, line ",
        "79 days elapsed; day number 80",
        "credit all, as displayed; song rule song",
        "bounds      at_latest: an artist may have any number of songs below the chart",
        "coverage    2024-03-13 to 2024-03-20 observed",
        "0 missing and 0 stale of 80 dates due from 2024-01-01 to 2024-03-20",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }

    let proof = json(sample(&[&args[..], &["--format", "json", "--rows"]].concat()));
    let number = |value: &Value| value.as_i64().expect("a number");
    let sum_of = &proof["sum"];
    assert!(number(&sum_of["before"]) < 1_000_000_000 && number(&sum_of["after"]) >= 1_000_000_000);
    assert_eq!(number(&sum_of["before"]) + number(&sum_of["on_date"]), number(&sum_of["after"]));
    assert_eq!(sum(&list(&proof["tracks"]), "streams"), number(&sum_of["after"]));
    assert_eq!(list(&proof["tracks"]).len(), 10);
    // The very line of the file: anybody can open it there.
    let evidence = &proof["evidence"];
    let file = fs::read_to_string(evidence["path"].as_str().expect("a path")).expect("the export");
    let line = file.lines().nth(number(&evidence["row"]) as usize - 1).expect("the line");
    let shown = &list(&proof["rows_of_date"])[0];
    let streams = shown["streams"].to_string();
    assert!(line.contains(&streams) && line.contains("Jung Kook"), "{streams} in {line}");
}

#[test]
fn sevens_billion_names_both_uris_and_both_ways_of_counting_days() {
    let text = sample(&["--entity", "seven", "--threshold", "1000000000"]).succeeds().stdout;
    for part in [
        "(song) reached 1,000,000,000 streams on 2023-10-30, day 109, in spotify:daily global",
        "release: counted from 2023-07-14, the catalog's release date",
        "108 days elapsed; day number 109",
        "merges      no single URI was there by then:",
        "checked     30 columns of milestones follow from 109 rows of 109 dates",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // Without a threshold the highest is meant, and the others are named.
    let text = sample(&["--entity", "SEVEN"]).succeeds().stdout;
    assert!(text.contains("reached 1,400,000,000 streams on 2024-03-20"), "{text}");
    assert!(text.contains("note        this is the highest threshold reached"), "{text}");
    assert!(text.contains("100000000, 250000000, 500000000, 1000000000"), "{text}");
}

#[test]
fn a_total_is_explained_up_to_the_last_date_of_its_window() {
    let args = ["--entity", "jung kook", "--total", "--window", "2023"];
    let text = sample(&args).succeeds().stdout;
    assert!(text.starts_with("Jung Kook (artist) has "), "{text}");
    assert!(text.contains(" streams of 2023 up to 2023-12-31, in spotify:daily global"), "{text}");
    assert!(text.contains("bounds      at most unknown: an artist may have"), "{text}");
    let rows = sample(&[&args[..], &["--format", "csv"]].concat()).succeeds().stdout;
    let mut reader = csv::Reader::from_reader(rows.as_bytes());
    let counted: i64 =
        reader.records().map(|row| row.expect("a row")[6].parse::<i64>().expect("a number")).sum();
    let total = json(sample(&[&args[..], &["--format", "json"]].concat()));
    assert_eq!(total["sum"]["after"], Value::from(counted));
    assert!(total.get("rows").is_none(), "rows without --rows");
}

#[test]
fn long_lists_are_cut_and_rows_lists_all() {
    let rows: String =
        (1..=20).map(|n| format!("2024-03-01|Global|{n}|T{n}|Title {n}|Jimin|{}\n", 100 - n)).collect();
    let desk = Desk::with([("march.csv", merged_daily(&rows))]);
    desk.run("");
    let text = explain(&desk, &["--entity", "jimin"]).succeeds().stdout;
    assert!(text.contains("and 5 more, --rows lists all"), "{text}");
    let text = explain(&desk, &["--entity", "jimin", "--rows"]).succeeds().stdout;
    assert!(!text.contains("--rows lists all") && text.matches("Title 20").count() >= 2, "{text}");
    let all = json(explain(&desk, &["--entity", "jimin", "--rows", "--format", "json"]));
    assert_eq!(sum(&list(&all["rows"]), "counted"), all["sum"]["after"].as_i64().expect("a sum"));
    assert_eq!(list(&all["rows"]).len(), 20);
}

#[test]
fn a_week_is_proven_on_its_thursday() {
    let weekly = "chart_position,chart_date,song,performer,streams,spotify_uri,region\n\
                  1,2024-03-07,Seven,Jung Kook,70,spotify:track:0000000000000000000001,global\n\
                  1,2024-03-14,Seven,Jung Kook,140,spotify:track:0000000000000000000001,global\n";
    let desk = Desk::with([("weeks.csv", weekly)]);
    desk.run("");
    let proof = json(explain(&desk, &["--entity", "seven", "--rows", "--format", "json"]));
    assert_eq!(
        rows(&proof, "date rank streams counted sum export row"),
        ["2024-03-07 | 1 | 70 | 70 | 70 | weeks.csv | 2", "2024-03-14 | 1 | 140 | 140 | 210 | weeks.csv | 3",]
    );
    assert_eq!(proof["derived"]["reached_from"], "2024-03-08");
    assert_eq!(proof["derived"]["estimated_on"], "2024-03-09");
    assert_eq!(
        pick(&list(&proof["coverage"]["around"]), "date state"),
        ["2024-03-07 | observed", "2024-03-14 | observed"]
    );
}

#[test]
fn a_counter_shows_what_each_sighting_adds() {
    let page = |date: &str, streams: i64, total: i64| {
        format!("{date},1,=,Jimin - Who,1,1,,{streams},+1,{streams},+1,{total}\n")
    };
    let desk = Desk::with([
        ("kr_daily_2024-03-01.csv", page("2024-03-01", 60, 940)),
        ("kr_daily_2024-03-02.csv", page("2024-03-02", 50, 990)),
        ("kr_daily_2024-03-03.csv", "2024-03-03,1,=,Jin - Moon,1,1,,5,+1,5,+1,5\n".to_owned()),
        ("kr_daily_2024-03-04.csv", page("2024-03-04", 30, 1110)),
    ]);
    desk.run("");
    let proof =
        json(explain(&desk, &["--entity", "who", "--threshold", "1000", "--rows", "--format", "json"]));
    assert_eq!(
        rows(&proof, "date streams counted sum"),
        ["2024-03-01 | 60 | 940 | 940", "2024-03-02 | 50 | 50 | 990", "2024-03-04 | 30 | 120 | 1110",]
    );
    assert_eq!(proof["sum"]["opening"], 880);
    assert_eq!(proof["bounds"]["certainty"], "bounded");
    let text = explain(&desk, &["--entity", "who"]).succeeds().stdout;
    assert!(text.contains("880 of it stood on the counter before the first export"), "{text}");
    assert!(text.contains("the counter was still below it at the sighting before, on 2024-03-02"), "{text}");
}

#[test]
fn only_leads_count_under_lead_credit() {
    let rows = "2024-03-01|Global|1|A|Seven|Jung Kook, Latto|90
                2024-03-01|Global|2|B|Left and Right|Charlie Puth, Jung Kook|70
                2024-03-02|Global|1|A|Seven|Jung Kook, Latto|60
                2024-03-02|Global|2|B|Left and Right|Charlie Puth, Jung Kook|50";
    let lead = "[[tally]]\nname = \"lead\"\nentity = \"artist\"\nclock = \"all_time\"\ncredit = \"lead\"\nthresholds = [100]\n";
    let desk = Desk::with([("march.csv", merged_daily(rows))]).and_pipeline(lead);
    desk.run("");
    let text = explain(&desk, &["--entity", "jung kook", "--tally", "lead"]).succeeds().stdout;
    assert!(text.contains("90 before + 60 on 2024-03-02 = 150"), "{text}");
    assert!(text.contains("credit lead, the first name of a cell leading"), "{text}");
    assert!(!text.contains("Left and Right"), "{text}");
    let message = explain(&desk, &["--entity", "latto", "--tally", "lead"]).fails(2);
    assert!(
        message.contains("Latto has nothing in milestones with --tally lead; there is artist"),
        "{message}"
    );
}

#[test]
fn missing_and_stale_dates_are_counted_and_shown() {
    let day = |day: u32, streams: u32| -> String {
        (1..=10)
            .map(|n| format!("2024-03-{day:02}|Global|{n}|T{n}|T{n}|Jimin{n}|{}\n", streams - n))
            .collect()
    };
    // The 2nd repeats the 1st, and of the 4th there is nothing.
    let rows = [day(1, 40), day(2, 40), day(3, 30), day(5, 50)].concat();
    let desk = Desk::with([("march.csv", merged_daily(&rows))]);
    desk.run("");
    let text = explain(&desk, &["--entity", "t1", "--tally", "song", "--threshold", "100"]).succeeds().stdout;
    let states = "coverage    2024-03-01 observed, 2024-03-02 stale, 2024-03-03 observed, 2024-03-04 missing, \
                  2024-03-05 observed\n";
    assert!(text.contains(states), "{text}");
    assert!(text.contains("1 missing and 1 stale of 5 dates due from 2024-03-01 to 2024-03-05"), "{text}");
    let bounds = "bounds      at_latest, not before 2024-03-02: of 2 of the 5 dates since 2024-03-01 nothing is \
                  known; the first of them is 2024-03-02";
    assert!(text.contains(bounds), "{text}");
}

#[test]
fn a_run_as_of_a_day_is_explained_as_of_that_day() {
    let desk = march();
    desk.put("exports/april.csv", merged_daily(APRIL));
    desk.run("");
    desk.run("--as-of 2024-03-01");
    let args = ["--entity", "like crazy", "--total", "--tally", "song"];
    let text = explain(&desk, &args).succeeds().stdout;
    assert!(text.contains("has 90 streams up to 2024-03-01"), "{text}");
    assert!(text.contains("note        the run is as of 2024-03-01"), "{text}");
    prove_all_of(&desk);
    desk.run("");
    let text = explain(&desk, &args).succeeds().stdout;
    assert!(text.contains("has 170 streams up to 2024-04-01"), "{text}");
}

// ---------------------------------------------------------------------------- what contradicts

/// Changes a column of a published table as somebody with a spreadsheet might.
fn edit(desk: &Desk, table: &str, column: &str, change: impl Fn(i64) -> i64) -> PathBuf {
    let path = desk.path(&format!("out/t/latest/{table}.parquet"));
    let mut frame = ParquetReader::new(File::open(&path).expect("the table")).finish().expect("a frame");
    let changed: Int64Chunked = frame
        .column(column)
        .expect("a column")
        .i64()
        .expect("numbers")
        .iter()
        .map(|of| of.map(&change))
        .collect();
    frame.with_column(changed.with_name(column.into()).into_column()).expect("the column");
    ParquetWriter::new(File::create(&path).expect("the table")).finish(&mut frame).expect("written");
    path
}

#[test]
fn a_table_changed_by_hand_is_found_out() {
    let desk = march();
    desk.run("");
    edit(&desk, "milestones", "cumulative_before", |sum| sum + 1);
    let message = explain(&desk, &["--entity", "seven", "--tally", "song", "--threshold", "100"]).fails(4);
    for part in [
        "audit failed: milestones song spotify:daily global",
        "cumulative_before is 61 in the table and 60 by the rows of the ledger",
        "milestones.parquet is not the file that the run wrote",
        "run the pipeline again",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    edit(&desk, "totals", "streams", |sum| sum - 1);
    let message = explain(&desk, &["--entity", "seven", "--tally", "song", "--total"]).fails(4);
    assert!(message.contains("streams is 1259 in the table and 1260 by the rows"), "{message}");
    // A threshold that was never reached.
    desk.run("");
    edit(&desk, "milestones", "threshold", |threshold| threshold * 2);
    let message = explain(&desk, &["--entity", "seven", "--tally", "song"]).fails(4);
    assert!(message.contains("Seven does not reach 2000: the rows add up to 1260"), "{message}");
    desk.run("");
    explain(&desk, &["--entity", "seven", "--tally", "song"]).succeeds();
}

#[test]
fn a_ledger_that_has_gone_on_is_named() {
    let desk = march();
    desk.run("");
    let published = desk.path("out/t/latest").canonicalize().expect("the run");
    // The next run goes elsewhere, and only the ledger knows of it.
    desk.put("exports/april.csv", merged_daily(APRIL));
    desk.run("--out elsewhere");
    let text = explain(&desk, &["--entity", "seven", "--tally", "song"]).succeeds().stdout;
    assert!(text.contains("has gone on since the run (version 1, and the run counted version 0); this figure is still the same"), "{text}");
    // A correction of what was counted.
    desk.put("exports/march.csv", merged_daily(&crate::cli::MARCH.replace("|60", "|61")));
    desk.date("exports/march.csv", 60);
    desk.run("--out elsewhere");
    assert_eq!(desk.path("out/t/latest").canonicalize().expect("the run"), published);
    let message = explain(&desk, &["--entity", "seven", "--tally", "song"]).fails(4);
    for part in
        ["cumulative_before is 60 in the table and 61 by the rows", "has gone on since the run (version 2"]
    {
        assert!(message.contains(part), "{part} in {message}");
    }
}

#[test]
fn a_pipeline_that_has_changed_is_named() {
    let desk = march();
    desk.run("");
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", toml.replace("clock = \"all_time\"", "clock = \"first_charted\""));
    let message = explain(&desk, &["--entity", "seven", "--tally", "song"]).fails(4);
    assert!(message.contains("clock is `all_time` in the table and `first_charted`"), "{message}");
    assert!(message.contains("the pipeline file has changed since the run"), "{message}");
    desk.put(
        "t.toml",
        toml.replace("name = \"song\"", "name = \"songs\"").replace("tally = \"song\"", "tally = \"songs\""),
    );
    let message = explain(&desk, &["--entity", "seven", "--tally", "song"]).fails(4);
    assert!(message.contains("the pipeline has no tally `song`"), "{message}");
}

// ------------------------------------------------------------------------------ what to explain

#[test]
fn an_unknown_entity_is_answered_with_the_nearest() {
    let desk = march();
    desk.run("");
    let message = explain(&desk, &["--entity", "sevn"]).fails(2);
    assert!(message.contains("nobody in milestones is called `sevn`; did you mean Seven?"), "{message}");
    let message = explain(&desk, &["--entity", "crazy"]).fails(2);
    assert!(message.contains("did you mean Like Crazy?"), "{message}");
    let message = explain(&desk, &["--entity", "\u{1b}[31m"]).fails(2);
    assert!(!message.contains('\u{1b}'), "{message:?}");
    desk.put("exports/april.csv", merged_daily("2024-04-01|Global|1|C|Love wins all|IU|5"));
    desk.run("");
    let message = explain(&desk, &["--entity", "iu"]).fails(2);
    assert!(
        message.contains("IU has reached no threshold yet; --total explains the sum so far"),
        "{message}"
    );
}

#[test]
fn flags_that_leave_several_figures_are_answered_with_those_that_choose() {
    let desk = march();
    desk.put(
        "exports/april.csv",
        merged_daily(&APRIL.replace("Global", "South Korea").replace("IU", "Jung Kook")),
    );
    desk.put("exports/may.csv", merged_daily("2023-05-01|Global|1|B|Seven|Jung Kook, Latto|700"));
    desk.run("");
    let message = explain(&desk, &["--entity", "Jung Kook"]).fails(2);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(
        lines,
        [
            "error: 3 series of milestones of Jung Kook fit; choose one with --region, --window:",
            "  --region global --window 2023   (100 on 2023-05-01)",
            "  --region global --window 2024   (2 thresholds, the highest 1,000 on 2024-03-02)",
            "  --region kr --window 2024   (100 on 2024-04-01)",
        ]
    );
    let text = explain(&desk, &["--entity", "Jung Kook", "--region", "kr"]).succeeds().stdout;
    assert!(text.contains("reached 100 streams of 2024 on 2024-04-01"), "{text}");
    let message = explain(&desk, &["--entity", "Jung Kook", "--window", "2022"]).fails(2);
    assert!(message.contains("nothing in milestones with --window 2022; there is 2023, 2024"), "{message}");
    let message = explain(&desk, &["--entity", "Jung Kook", "--window", "2023", "--threshold", "7"]).fails(2);
    assert!(message.contains("no milestone at 7; there is one at 100"), "{message}");
    explain(&desk, &["--entity", "Jung Kook", "--total", "--threshold", "7"]).fails(2);
}

#[test]
fn names_that_would_steer_a_terminal_do_not() {
    let rows = "2024-03-01|Global|1|A|\u{1b}[31mred\u{7}|Ji\u{9b}2Jmin|500";
    let desk = Desk::with([("march.csv", merged_daily(rows))]);
    desk.run("");
    let uri = format!("spotify:track:{}", id("A"));
    let text = explain(&desk, &["--entity", &uri, "--rows"]).succeeds().stdout;
    assert!(text.lines().all(|line| !line.chars().any(char::is_control)), "{text:?}");
    let proof = json(explain(&desk, &["--entity", &uri, "--rows", "--format", "json"]));
    assert_eq!(proof["entity"], "\u{1b}[31mred\u{7}");
}

#[test]
fn without_a_run_or_a_ledger_there_is_nothing_to_explain() {
    let desk = march();
    let message = explain(&desk, &["--entity", "seven"]).fails(2);
    assert!(message.contains("chartledger run"), "{message}");
    desk.run("");
    let message = explain(&desk, &["--entity", "seven", "--tally", "song", "--ledger", "nowhere"]).fails(2);
    assert!(message.contains("nowhere") && message.contains("--ledger"), "{message}");
    fs::write(desk.path("out/t/latest/run.json"), "{}").expect("damage");
    let message = explain(&desk, &["--entity", "seven", "--tally", "song"]).fails(4);
    assert!(message.contains("run.json"), "{message}");
}
