//! Every dialect, from a small file in exactly its shape to the observations it holds.

use std::fs;
use std::io::Write;
use std::path::Path;

use polars::prelude::*;

use crate::support::{Desk, HERE, id, pick};

/// A file, its dialect, and `chart | region | date | rank | track | title | artists | streams` of
/// each of its rows.
#[derive(Clone)]
struct Sample {
    file: &'static str,
    text: String,
    dialect: &'static str,
    observations: Vec<String>,
}

impl Sample {
    fn new(file: &'static str, dialect: &'static str, text: &str, observations: &[&str]) -> Self {
        let owned = |text: &str| text.replace("{A}", &id("A")).replace("{B}", &id("B"));
        let observations = observations.iter().map(|line| owned(line)).collect();
        Self { file, text: owned(text), dialect, observations }
    }

    fn check(&self) {
        self.check_as(self.file, &self.text);
    }

    /// The same observations must come from other bytes.
    fn check_as(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let desk = Desk::with([(file, bytes)]);
        desk.run("--strict");
        self.check_on(&desk, file);
    }

    fn check_on(&self, desk: &Desk, file: &str) {
        assert_eq!(observations(desk), self.observations, "{file}");
        assert_eq!(pick(&desk.show("exports"), "export dialect"), [format!("{file} | {}", self.dialect)]);
    }
}

/// What a ledger of one date holds: then every chart run is one observation.
fn observations(desk: &Desk) -> Vec<String> {
    let mut runs = desk.show("chart_runs");
    runs.sort_by_key(|row| ["chart", "region", "peak_rank"].map(|column| row[column].to_string()));
    pick(&runs, "chart region last_on peak_rank song_id entity artists streams")
}

fn official_daily() -> Sample {
    Sample::new(
        "regional-global-daily-2024-03-20.csv",
        "spotify-official",
        "\u{FEFF}rank,uri,artist_names,track_name,source,peak_rank,previous_rank,days_on_chart,streams\r\n\
         1,\"spotify:track:{A}\",\"Jung Kook, Latto\",\"Seven (feat. Latto)\",\"BIGHIT MUSIC\",1,-1,251,\"4321098\"\r\n\
         2,\"spotify:track:{B}\",\"J. Cole\",\"\"\"4 Your Eyez Only\"\"\",\"Roc\",2,1,3,\"1234567\"\r\n",
        &[
            "spotify:daily | global | 2024-03-20 | 1 | spotify:track:{A} | Seven (feat. Latto) | Jung Kook, Latto | 4321098",
            "spotify:daily | global | 2024-03-20 | 2 | spotify:track:{B} | \"4 Your Eyez Only\" | J. Cole | 1234567",
        ],
    )
}

fn official_weekly() -> Sample {
    Sample::new(
        "regional-kr-weekly-2024-03-21.csv",
        "spotify-official",
        "\u{FEFF}rank,uri,artist_names,track_name,source,peak_rank,previous_rank,weeks_on_chart,streams\r\n\
         1,\"spotify:track:{A}\",\"IU\",\"Love wins all\",\"EDAM\",1,2,9,\"2000000\"\r\n",
        &["spotify:weekly | kr | 2024-03-21 | 1 | spotify:track:{A} | Love wins all | IU | 2000000"],
    )
}

fn official_old() -> Sample {
    Sample::new(
        "regional-us-daily-2020-01-01.csv",
        "spotify-official-old",
        ",,,\"Note that these figures are generated using a formula that protects against any artificial inflation of chart positions.\",\n\
         Position,\"Track Name\",Artist,Streams,URL\n\
         1,\"Dance Monkey\",\"Tones And I\",6155025,https://open.spotify.com/track/{A}\n\
         2,ROXANNE,\"Arizona Zervas\",4133489,https://open.spotify.com/track/{B}\n",
        &[
            "spotify:daily | us | 2020-01-01 | 1 | spotify:track:{A} | Dance Monkey | Tones And I | 6155025",
            "spotify:daily | us | 2020-01-01 | 2 | spotify:track:{B} | ROXANNE | Arizona Zervas | 4133489",
        ],
    )
}

fn merged_daily() -> Sample {
    Sample::new(
        "charts.csv",
        "merged-daily",
        "title,rank,date,artist,url,region,chart,trend,streams\n\
         Like Crazy,1,2023-03-25,Jimin,https://open.spotify.com/track/{A},Global,top200,NEW_ENTRY,7654321\n\
         Like Crazy,3,2023-03-25,Jimin,https://open.spotify.com/track/{A},South Korea,top200,MOVE_UP,543210.0\n\
         \"Chan Chan, Remastered\",2,2023-03-25,\"Compay Segundo, Ibrahim Ferrer\",https://open.spotify.com/track/{B},South Korea,viral50,MOVE_DOWN,\n\
         Like Crazy,1,2023-03-25,Jimin,https://open.spotify.com/track/{A},Atlantis,top200,NEW_ENTRY,0\n",
        &[
            "spotify-viral:daily | kr | 2023-03-25 | 2 | spotify:track:{B} | Chan Chan, Remastered | Compay Segundo, Ibrahim Ferrer | ",
            "spotify:daily | atlantis | 2023-03-25 | 1 | spotify:track:{A} | Like Crazy | Jimin | 0",
            "spotify:daily | global | 2023-03-25 | 1 | spotify:track:{A} | Like Crazy | Jimin | 7654321",
            "spotify:daily | kr | 2023-03-25 | 3 | spotify:track:{A} | Like Crazy | Jimin | 543210",
        ],
    )
}

/// Of two rows one is dated by the Friday after its week.
fn merged_weekly() -> Sample {
    Sample::new(
        "weekly_kr_merged.csv",
        "merged-weekly",
        "chart_position,chart_date,song,performer,streams,spotify_uri,song_id,region,time_on_chart,instance,consecutive_weeks,previous_week,peak_position,worst_position,chart_url\n\
         7,2021-12-09,\"+82 (Prod. Dynamicduo, THAMA)\",\"Paloalto, GIRIBOY\",12980,{A},x,kr,4,1.0,,,5,140,https://charts.spotify.com\n\
         1,2021-12-10,Butter,BTS,900000,{B},x,us,29,1.0,28.0,2.0,1,3,https://charts.spotify.com\n",
        &[
            "spotify:weekly | kr | 2021-12-09 | 7 | spotify:track:{A} | +82 (Prod. Dynamicduo, THAMA) | Paloalto, GIRIBOY | 12980",
            "spotify:weekly | us | 2021-12-09 | 1 | spotify:track:{B} | Butter | BTS | 900000",
        ],
    )
}

fn fycharts() -> Sample {
    Sample::new(
        "top_200_daily.csv",
        "fycharts",
        "Position,Track Name,Artist,Streams,date,region,spotify_id\n\
         1,Tusa,KAROL G,446086,2020-03-14,es,{A}\n\
         2,La Difícil,Bad Bunny,399788,2020-03-14,es,{B}\n",
        &[
            "spotify:daily | es | 2020-03-14 | 1 | spotify:track:{A} | Tusa | KAROL G | 446086",
            "spotify:daily | es | 2020-03-14 | 2 | spotify:track:{B} | La Difícil | Bad Bunny | 399788",
        ],
    )
}

fn fycharts_weekly() -> Sample {
    Sample::new(
        "top_200_weekly.csv",
        "fycharts",
        "Position,Track Name,Artist,Streams,date,region,spotify_id\n\
         1,Tusa,KAROL G,3446086,2020-03-06--2020-03-13,es,{A}\n",
        &["spotify:weekly | es | 2020-03-12 | 1 | spotify:track:{A} | Tusa | KAROL G | 3446086"],
    )
}

fn scraper() -> Sample {
    Sample::new(
        "spotify_charts.csv",
        "scraper-weekly",
        "\u{FEFF}date,track,artist,feats,current_pos,peak_pos,prev_pos,streak,streams,country,country_short,track_uri,artist_uri\n\
         2023-12-28,Last Christmas,Wham!,[],1,1,1,8,75826005,Global,global,{A},x\n\
         2023-12-28,Seven,Jung Kook,\"['Latto', \"\"D'Angelo\"\"]\",9,2,10,20,30000000,South Korea,kr,{B},x\n",
        &[
            "spotify:weekly | global | 2023-12-28 | 1 | spotify:track:{A} | Last Christmas | Wham! | 75826005",
            "spotify:weekly | kr | 2023-12-28 | 9 | spotify:track:{B} | Seven | Jung Kook, Latto, D'Angelo | 30000000",
        ],
    )
}

fn kworb() -> Sample {
    Sample::new(
        "kr_dailytop50_2026-01-26.csv",
        "kworb-daily",
        "\u{FEFF}2026-01-26,1,=,Jimin - Who,555,1,(x518),\"109,589\",+804,\"780,745\",\"+20,956\",\"91,422,024\"\n\
         2026-01-26,2,NEW,\"Car, the garden - My whole world (w/ IU, Zico)\",22,2,,\"53,698\",-262,\"376,276\",\"+5,271\",\"810,196\"\n\
         2026-01-26,3,-1,IU - Love - Poem,7,2,(x1),999,,999,,999\n",
        &[
            "kworb:daily | kr | 2026-01-26 | 1 | name:Jimin - Who | Who | Jimin | 109589",
            "kworb:daily | kr | 2026-01-26 | 2 | name:Car, the garden, IU, Zico - My whole world | My whole world | Car, the garden, IU, Zico | 53698",
            "kworb:daily | kr | 2026-01-26 | 3 | name:IU - Love - Poem | Love - Poem | IU | 999",
        ],
    )
}

fn samples() -> [Sample; 9] {
    [
        official_daily(),
        official_weekly(),
        official_old(),
        merged_daily(),
        merged_weekly(),
        fycharts(),
        fycharts_weekly(),
        scraper(),
        kworb(),
    ]
}

#[test]
fn the_official_daily_export_is_read() {
    official_daily().check();
}

#[test]
fn the_official_weekly_export_is_read() {
    official_weekly().check();
}

#[test]
fn the_old_official_export_is_read_below_its_banner() {
    official_old().check();
    let without_banner = official_old().text.split_once('\n').expect("two lines").1.to_owned();
    official_old().check_as("regional-us-daily-2020-01-01.csv", without_banner);
}

#[test]
fn the_merged_daily_export_has_two_charts_and_names_of_regions() {
    merged_daily().check();
}

#[test]
fn the_merged_weekly_export_is_read_and_a_friday_is_its_thursday() {
    merged_weekly().check();
}

#[test]
fn fycharts_days_and_ranges_of_weeks_are_read() {
    fycharts().check();
    fycharts_weekly().check();
}

#[test]
fn the_scraper_export_appends_the_featured_artists() {
    scraper().check();
}

#[test]
fn a_kworb_page_is_read_without_a_header() {
    kworb().check();
}

#[test]
fn what_an_export_reports_of_the_past_is_kept() {
    let reported = |sample: Sample| {
        let desk = Desk::with([(sample.file, sample.text)]);
        desk.run("");
        pick(&desk.show("chart_runs"), "entity reported_peak reported_appearances")
    };
    assert_eq!(reported(official_daily()), ["Seven (feat. Latto) | 1 | 251", "\"4 Your Eyez Only\" | 2 | 3"]);
    assert_eq!(reported(official_weekly()), ["Love wins all | 1 | 9"]);
    assert_eq!(reported(merged_weekly()), ["+82 (Prod. Dynamicduo, THAMA) | 5 | 4", "Butter | 1 | 29"]);
    assert_eq!(reported(scraper()), ["Last Christmas | 1 | ", "Seven | 2 | "]);
    assert_eq!(reported(fycharts()), ["Tusa |  | ", "La Difícil |  | "]);
    assert!(reported(kworb()).contains(&"Who | 1 | 555".to_owned()));
}

/// The records of a text, written again in another way.
fn rewritten(text: &str, write: impl Fn(&mut csv::WriterBuilder), reorder: bool) -> Vec<u8> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut builder = csv::WriterBuilder::new();
    write(&mut builder);
    let mut writer = builder.from_writer(Vec::new());
    for record in reader.records() {
        let record = record.expect("a record");
        let mut cells: Vec<&str> = record.iter().collect();
        if reorder {
            cells.reverse();
        }
        writer.write_record(cells).expect("a record");
    }
    writer.into_inner().expect("bytes")
}

#[test]
fn columns_are_read_by_name_in_any_order() {
    for sample in samples().iter().filter(|sample| sample.dialect != "kworb-daily") {
        sample.check_as(sample.file, rewritten(&sample.text, |_| {}, true));
    }
}

#[test]
fn quotes_line_ends_and_a_byte_order_mark_make_no_difference() {
    for sample in samples() {
        let bare = sample.text.trim_start_matches('\u{FEFF}');
        let quoted = rewritten(
            bare,
            |csv| {
                csv.quote_style(csv::QuoteStyle::Always);
            },
            false,
        );
        let crlf = rewritten(
            bare,
            |csv| {
                csv.terminator(csv::Terminator::CRLF);
            },
            false,
        );
        sample.check_as(sample.file, [b"\xEF\xBB\xBF", &quoted[..]].concat());
        sample.check_as(sample.file, &crlf);
        sample.check_as(sample.file, [b"\xEF\xBB\xBF", &crlf[..]].concat());
        sample.check_as(sample.file, bare.trim_end());
    }
}

#[test]
fn packed_exports_are_read_whatever_packed_them() {
    for sample in samples() {
        let gzip = |bytes: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
        };
        let zstandard = |bytes: &[u8]| zstd::encode_all(bytes, 0).expect("memory");
        let (start, end) = sample.text.as_bytes().split_at(sample.text.len() / 2 + 1);
        let whole = sample.text.as_bytes();
        sample.check_as(&format!("{}.gz", sample.file), gzip(whole));
        sample.check_as(&format!("{}.zst", sample.file), zstandard(whole));
        // As `cat` joins them: several members, several frames.
        sample.check_as(&format!("{}.gz", sample.file), [gzip(start), gzip(end)].concat());
        sample.check_as(&format!("{}.zst", sample.file), [zstandard(start), zstandard(end)].concat());
        // Names lie; the first bytes do not.
        sample.check_as(sample.file, gzip(whole));
    }
}

/// The merged daily sample as typed columns.
fn typed(date: Column, rank: Column, streams: Column) -> Vec<u8> {
    let mut reader = csv::Reader::from_reader(merged_daily().text.into_bytes().leak() as &[u8]);
    let header = reader.headers().expect("a header").clone();
    let records: Vec<csv::StringRecord> = reader.records().map(|record| record.expect("a record")).collect();
    let column = |(place, name): (usize, &str)| match name {
        "date" => date.clone(),
        "rank" => rank.clone(),
        "streams" => streams.clone(),
        _ => Column::new(name.into(), records.iter().map(|record| &record[place]).collect::<Vec<_>>()),
    };
    let columns = header.iter().enumerate().map(column).collect();
    let mut frame = DataFrame::new(records.len(), columns).expect("a frame");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).expect("memory");
    bytes
}

const DAY: &str = "2023-03-25";

fn days() -> Int32Chunked {
    let day: chartledger::dates::Day = DAY.parse().expect("a date");
    Int32Chunked::from_vec("date".into(), vec![i32::from(day.0); 4])
}

#[test]
fn a_parquet_export_with_dates_and_integers_is_read() {
    let rank = Column::new("rank".into(), [1i32, 3, 2, 1]);
    let streams = Column::new("streams".into(), [Some(7_654_321i64), Some(543_210), None, Some(0)]);
    merged_daily().check_as("charts.parquet", typed(days().into_date().into_column(), rank, streams));
}

#[test]
fn a_parquet_export_with_texts_floats_and_moments_is_read() {
    let rank = Column::new("rank".into(), ["1", "3", "2", "1"]);
    let streams = Column::new("streams".into(), [Some(7_654_321f64), Some(543_210.0), None, Some(0.0)]);
    merged_daily()
        .check_as("charts.parquet", typed(Column::new("date".into(), [DAY; 4]), rank.clone(), streams));

    let moments =
        days().into_date().cast(&DataType::Datetime(TimeUnit::Microseconds, None)).expect("moments");
    let streams = Column::new("streams".into(), [Some(7_654_321u32), Some(543_210), None, Some(0)]);
    merged_daily().check_as("charts.parquet", typed(moments.into_column(), rank, streams));
}

#[test]
fn a_bad_row_of_a_parquet_export_is_named_by_its_row() {
    let rank = Column::new("rank".into(), [1i64, 3, 0, 1]);
    let streams = Column::new("streams".into(), [7_654_321i64, -1, 5, 1 << 54]);
    let desk = Desk::with([("charts.parquet", typed(days().into_date().into_column(), rank, streams))]);
    desk.run("");
    assert_eq!(
        pick(&desk.show("quarantine"), "export line reason"),
        [
            "charts.parquet | 2 | streams are negative",
            "charts.parquet | 3 | rank is not a whole number from 1 to 65535",
            "charts.parquet | 4 | streams are over 2^53",
        ]
    );
}

#[test]
fn a_damaged_parquet_export_is_refused() {
    let rank = Column::new("rank".into(), [1i32, 3, 2, 1]);
    let streams = Column::new("streams".into(), [7i64, 5, 4, 3]);
    let whole = typed(days().into_date().into_column(), rank, streams);
    let mut without_pages = whole.clone();
    without_pages[4..whole.len() / 4].fill(0xFF);
    for damaged in [&b"PAR1"[..], &whole[..whole.len() / 2], &without_pages] {
        let message = Desk::with([("charts.parquet", damaged)]).call("run t.toml --quiet").fails(3);
        assert!(message.contains("charts.parquet"), "{message}");
    }
}

const LABEL_REPORT: &str = r#"
[[mapped]]
name = "label-report"
chart = "label:daily"
region = "South Korea"
date_format = "%d/%m/%Y"
delimiter = ";"
thousands = true
[mapped.columns]
date = "Day"
rank = "Pos"
track = "ISRC"
title = "Song"
artists = "Artist"
features = "With"
streams = "Plays"
peak_rank = "Best"
appearances = "Days"
"#;

fn label_report() -> Sample {
    Sample::new(
        "report.csv",
        "label-report",
        "Pos;Song;Artist;With;ISRC;Plays;Day;Best;Days\n\
         1;Seven;Jung Kook;['Latto'];KRA382300123;1,234,567;20/03/2024;1;250\n\
         2;\"Love; wins all\";IU;;KRA382400001;987;20/03/2024;2;1\n",
        &[
            "label:daily | kr | 2024-03-20 | 1 | KRA382300123 | Seven | Jung Kook, Latto | 1234567",
            "label:daily | kr | 2024-03-20 | 2 | KRA382400001 | Love; wins all | IU | 987",
        ],
    )
}

#[test]
fn a_mapped_dialect_is_read_as_the_pipeline_names_its_columns() {
    let sample = label_report();
    let desk = Desk::with([(sample.file, &sample.text)]).and_pipeline(LABEL_REPORT);
    desk.run("--strict");
    sample.check_on(&desk, sample.file);
    let reported = pick(&desk.show("chart_runs"), "reported_peak reported_appearances");
    assert_eq!(reported, ["1 | 250", "2 | 1"]);
}

#[test]
fn a_mapped_dialect_reads_parquet_and_a_column_of_regions() {
    let text = |name: &str, cells: [&str; 2]| Column::new(name.into(), cells);
    let columns = vec![
        text("Land", ["South Korea", "Global"]),
        text("Song", ["Who", "Who"]),
        text("Artist", ["Jimin", "Jimin"]),
        Column::new("Plays".into(), [12i64, 3456]),
        Column::new("Pos".into(), [2u32, 1]),
    ];
    let mut frame = DataFrame::new(2, columns).expect("a frame");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).expect("memory");
    let desk = Desk::with([("plays.parquet", bytes)]).and_pipeline(
        "[[mapped]]\nname = \"plays\"\nchart = \"label:weekly\"\ndate = 2024-03-20\n\
         [mapped.columns]\nregion = \"Land\"\nrank = \"Pos\"\ntitle = \"Song\"\nartists = \"Artist\"\n\
         streams = \"Plays\"\n",
    );
    desk.run("--strict");
    assert_eq!(
        observations(&desk),
        [
            "label:weekly | global | 2024-03-20 | 1 | name:Jimin - Who | Who | Jimin | 3456",
            "label:weekly | kr | 2024-03-20 | 2 | name:Jimin - Who | Who | Jimin | 12",
        ]
    );
}

#[test]
fn a_mapped_dialect_without_a_match_leaves_the_file_to_the_others() {
    let sample = fycharts();
    let desk = Desk::with([(sample.file, &sample.text)]).and_pipeline(LABEL_REPORT);
    desk.run("--strict");
    sample.check_on(&desk, sample.file);
}

#[test]
fn all_dialects_together_are_one_ledger() {
    let names = samples().map(|sample| (sample.file, sample.text));
    let desk = Desk::with(names);
    desk.run("--strict");
    let scopes: Vec<String> = pick(&desk.show("coverage"), "chart region");
    for scope in ["kworb:daily | kr", "spotify-viral:daily | kr", "spotify:daily | kr", "spotify:weekly | kr"]
    {
        assert!(scopes.contains(&scope.to_owned()), "{scope} in {scopes:?}");
    }
    assert_eq!(desk.show("exports").len(), samples().len());
}

/// Why a file is refused.
fn refusal(file: &str, text: &str) -> String {
    let message = Desk::with([(file, text)]).call("run t.toml --quiet").fails(3);
    assert!(message.contains(file), "{message}");
    message
}

#[test]
fn a_misnamed_official_export_is_refused_with_the_name_it_needs() {
    for sample in [official_daily(), official_weekly(), official_old()] {
        let message = refusal("download.csv", &sample.text);
        assert!(message.contains("regional-<region>-daily|weekly-<date>.csv"), "{message}");
    }
    let wednesday = refusal("regional-kr-weekly-2024-03-20.csv", &official_weekly().text);
    assert!(wednesday.contains("Thursday"), "{wednesday}");
    let contradiction = refusal("regional-kr-daily-2024-03-21.csv", &official_weekly().text);
    assert!(contradiction.contains("rename the file"), "{contradiction}");
    let no_region = refusal("top50.csv", &kworb().text);
    assert!(no_region.contains("<region>_daily_<date>.csv"), "{no_region}");
}

#[test]
fn an_unknown_header_is_shown_with_the_nearest_dialect() {
    let message = refusal("x.csv", "title,rank,date,artist,plays\na,1,2024-01-01,b,5\n");
    assert!(message.contains("title,rank,date,artist,plays"), "{message}");
    assert!(message.contains("merged-daily, which also has url, region, chart, streams"), "{message}");
    let nothing_alike = refusal("x.csv", "lorem,ipsum\n1,2\n");
    assert!(nothing_alike.contains("lorem,ipsum"), "{nothing_alike}");
    assert!(refusal("x.csv", "").contains("empty"));
}

#[test]
fn parquet_integers_of_any_width_are_read() {
    let desk = Desk::new();
    let narrow = Path::new(HERE).join("tests/corpus/exports/parquet-narrow-integers/charts.parquet");
    let narrow = fs::read(narrow).expect("ranks of 8 bits without sign, streams of 16 with one");
    desk.put("exports/a.parquet", &narrow);
    desk.run("--strict");
    assert_eq!(
        pick(&desk.show("chart_runs"), "entity peak_rank streams"),
        ["A | 1 | 300", "B | 2 | 200", "C | 3 | 100"]
    );

    // One that is whole and damaged is not one that is still being written, however young.
    let mut damaged = narrow.clone();
    damaged[4..200].fill(0xFF);
    fs::write(desk.path("exports/b.parquet"), damaged).expect("a file of this moment");
    let message = desk.call("inspect exports/b.parquet").stdout;
    assert!(message.contains("problem") && !message.contains("still be growing"), "{message}");
    fs::write(desk.path("exports/b.parquet"), &narrow[..400]).expect("the beginning of one");
    let message = desk.call("inspect exports/b.parquet").stdout;
    assert!(message.contains("still be growing"), "{message}");
}
