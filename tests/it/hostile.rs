//! Exports made to harm: each is refused or quarantined with a sentence, in bounded memory and time,
//! and the good export beside it is taken.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chartledger::exports::{self, Progress};
use polars::prelude::*;

use crate::cli::march;
use crate::support::{Desk, Ran, merged_daily, pick, program};

const HEADER: &str = "title,rank,date,artist,url,region,chart,trend,streams\n";
const ROW: &str = "Like Crazy,1,2024-05-01,Jimin,https://open.spotify.com/track/\
                   0000000000000000000000,Global,top200,NEW,90\n";

/// A run that may take a while, but not for ever; what it said and the most memory it held.
fn run(desk: &Desk, args: &str) -> (Ran, f64) {
    let begin = Instant::now();
    let mut command = program(&desk.path(""));
    command.args(["run", "t.toml", "--metrics", "m.prom"]).args(args.split_whitespace());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    while child.try_wait().expect("a state").is_none() {
        if begin.elapsed() > Duration::from_secs(300) {
            child.kill().expect("an end");
            panic!("run t.toml {args} does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("an end");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let metrics = fs::read_to_string(desk.path("m.prom")).expect("metrics");
    let peak = metrics.lines().find_map(|line| line.strip_prefix("chartledger_last_run_peak_memory_bytes"));
    let peak = peak.and_then(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).expect("the peak memory");
    (Ran { code: output.status.code(), stdout: String::new(), stderr }, peak / 1e6)
}

/// Runs with an export beside the good one, which must be refused for `problem`.
fn refused(desk: &Desk, name: &str, problem: &str, most_megabytes: f64) {
    let (ran, peak) = run(desk, "");
    let ran = ran.succeeds();
    let line = format!("refused    {name}: {problem}");
    assert!(ran.stderr.contains(&line), "{line} in {}", ran.stderr);
    assert!(peak < most_megabytes, "{peak} MB for {name}");
    assert_eq!(pick(&desk.show("exports"), "export rows_used"), ["march.csv | 4"]);
}

/// Writes an export of `count` times `part` between `before` and `after`.
fn repeat(path: &Path, before: &str, part: &[u8], count: usize, after: &str) {
    let mut out = std::io::BufWriter::new(File::create(path).expect("a file"));
    out.write_all(before.as_bytes()).expect("bytes");
    (0..count).for_each(|_| out.write_all(part).expect("bytes"));
    out.write_all(after.as_bytes()).expect("bytes");
    out.into_inner().expect("bytes").set_modified(std::time::UNIX_EPOCH).expect("a file time");
}

fn gzip(from: &Path, to: &Path) {
    let mut encoder =
        flate2::write::GzEncoder::new(File::create(to).expect("a file"), flate2::Compression::best());
    std::io::copy(&mut File::open(from).expect("a file"), &mut encoder).expect("bytes");
    encoder.finish().expect("bytes").set_modified(std::time::UNIX_EPOCH).expect("a file time");
    fs::remove_file(from).expect("a file");
}

const ENDLESS: &str = "is longer than 16 MiB: no line end, or a quote that is never closed";

#[test]
fn a_field_of_100_megabytes_is_refused() {
    let x = [b'x'; 1 << 16];
    let tail = ROW.split_once(',').expect("cells").1;
    for (quote, packed) in [("", false), ("\"", false), ("", true)] {
        let desk = march();
        let path = desk.path("exports/field.csv");
        repeat(
            &path,
            &format!("{HEADER}{ROW}{quote}"),
            &x,
            100_000_000 / x.len(),
            &format!("{quote},{tail}{ROW}"),
        );
        let name = if packed { "field.csv.gz" } else { "field.csv" };
        if packed {
            gzip(&path, &desk.path("exports/field.csv.gz"));
        }
        // Packed as well as this, the limit for packed files comes first.
        let at = HEADER.len() + ROW.len();
        let problem = match packed {
            true => "it unpacks to more than 64000000 bytes".to_owned(),
            false => format!("the row at byte {at} {ENDLESS}"),
        };
        let desk = if packed { desk.and_pipeline("") } else { desk };
        let (ran, peak) = run(&desk, "");
        let problem =
            if packed { vec![problem, format!("the row at byte {at} {ENDLESS}")] } else { vec![problem] };
        let ran = ran.succeeds();
        let said =
            problem.iter().any(|problem| ran.stderr.contains(&format!("refused    {name}: {problem}")));
        assert!(said, "{problem:?} in {}", ran.stderr);
        assert!(peak < 400.0, "{peak} MB");
        assert_eq!(pick(&desk.show("exports"), "export rows_used"), ["march.csv | 4"]);
    }
}

/// One row as Parquet, with this title.
fn parquet_row(title: &str) -> Vec<u8> {
    let cell = |name: &str, value: &str| Column::new(name.into(), [value]);
    let columns = vec![
        cell("title", title),
        Column::new("rank".into(), [1i64]),
        cell("date", "2024-05-01"),
        cell("artist", "Jimin"),
        cell("url", "https://open.spotify.com/track/0000000000000000000000"),
        cell("region", "Global"),
        cell("chart", "top200"),
        cell("trend", "NEW"),
        Column::new("streams".into(), [1i64]),
    ];
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut DataFrame::new(1, columns).expect("a frame"))
        .expect("a Parquet file");
    bytes
}

#[test]
fn a_cell_of_megabytes_in_a_parquet_file_is_refused() {
    for (bytes, problem) in [
        (100_000_000, "it unpacks to more than 64000000 bytes"),
        (20_000_000, "a text in its column title has 20000000 bytes, and a row may have 16 MiB"),
    ] {
        let desk = march();
        desk.put("exports/field.parquet", parquet_row(&"x".repeat(bytes)));
        refused(&desk, "field.parquet", problem, 400.0);
    }
}

#[test]
fn a_title_of_megabytes_is_shown_by_its_beginning() {
    let desk = march();
    desk.put("exports/title.parquet", parquet_row(&"x".repeat(10_000_000)));
    for shown in ["run t.toml", "show totals t.toml --where streams=1 --format table"] {
        let ran = desk.call(shown).succeeds();
        let (lines, most) = (ran.stdout.lines(), 20_000);
        assert!(ran.stdout.contains("xxx") && ran.stdout.len() < most, "{shown}: {} lines", lines.count());
    }
}

#[test]
fn a_quote_that_is_never_closed_is_named_by_its_place() {
    let desk = march();
    let before = format!("{HEADER}{ROW}\"Like");
    repeat(&desk.path("exports/quote.csv"), &before, ROW.as_bytes(), 400_000, "");
    refused(&desk, "quote.csv", &format!("the row at byte {} {ENDLESS}", HEADER.len() + ROW.len()), 700.0);
}

#[test]
fn a_quote_in_the_wrong_place_of_every_block_costs_no_more_than_the_file() {
    // From the middle of this file every guess is wrong, and sees rows that do not end.
    let desk = march();
    let line = format!("a,b,c\n{ROW}");
    let before = format!("{HEADER}\"open\n");
    let after = format!("close\"{}{ROW}", ROW.split_once(',').map_or("", |(_, rest)| rest).trim_end());
    repeat(&desk.path("exports/inside.csv"), &before, line.as_bytes(), 12_000_000 / line.len(), &after);
    let whole = fs::metadata(desk.path("exports/inside.csv")).expect("a file").len();
    assert!(whole < 16 << 20, "below the limit of a row");
    let (ran, peak) = run(&desk, "");
    ran.succeeds();
    assert!(peak < 400.0, "{peak} MB");
    assert_eq!(pick(&desk.show("exports"), "export"), ["inside.csv", "march.csv"]);
}

#[test]
fn a_line_without_end_is_refused() {
    let desk = march();
    repeat(&desk.path("exports/line.csv"), HEADER, &[b'a'; 1 << 16], 640, "");
    refused(&desk, "line.csv", &format!("the row at byte {} {ENDLESS}", HEADER.len()), 300.0);
    // Without a header before it, too.
    repeat(&desk.path("exports/line.csv"), "", &[0; 1 << 16], 640, "");
    let problem = "its first line does not end within 64 KiB: this is no header of an export";
    refused(&desk, "line.csv", problem, 300.0);
}

#[test]
fn a_million_columns_are_refused_in_a_header_and_quarantined_in_a_row() {
    let desk = march();
    repeat(&desk.path("exports/wide.csv"), "", b"streams,", 1_000_000, "rank\n1\n");
    refused(&desk, "wide.csv", "its first line does not end within 64 KiB", 300.0);
    repeat(&desk.path("exports/wide.csv"), &format!("{HEADER}{ROW}"), b"1,", 1_000_000, &format!("1\n{ROW}"));
    let (ran, peak) = run(&desk, "");
    ran.succeeds();
    assert!(peak < 300.0, "{peak} MB");
    let exports = pick(&desk.show("exports"), "export rows_read rows_quarantined");
    assert_eq!(exports, ["march.csv | 4 | 0", "wide.csv | 3 | 1"]);
    let quarantine = desk.show("quarantine");
    assert_eq!(pick(&quarantine, "line reason"), ["3 | wrong field count"]);
    assert!(quarantine[0]["raw"].as_str().expect("text").len() < 5000, "the raw row is shortened");
}

#[test]
fn millions_of_bad_rows_are_no_chart_export() {
    let desk = march();
    repeat(&desk.path("exports/bad.csv"), HEADER, b"x\ny\nz\n", 5_000_000, "");
    let problem = "more than 256 MiB of its rows cannot be used: this is no chart export";
    refused(&desk, "bad.csv", problem, 3000.0);
}

#[test]
fn a_file_that_unpacks_to_far_more_than_its_size_is_refused() {
    let desk = march();
    let plain = desk.path("plain");
    repeat(&plain, &format!("{HEADER}{ROW}"), &[b'\n'; 1 << 16], 200_000_000 >> 16, ROW);
    let mut encoder =
        zstd::Encoder::new(File::create(desk.path("exports/bomb.csv.zst")).expect("a file"), 19)
            .expect("an encoder");
    std::io::copy(&mut File::open(&plain).expect("a file"), &mut encoder).expect("bytes");
    let zst = encoder.finish().expect("bytes");
    zst.set_modified(std::time::UNIX_EPOCH).expect("a file time");
    let size = zst.metadata().expect("its size").len();
    assert!(size < 100_000, "{size}");
    let problem = format!(
        "it unpacks to more than 64000000 bytes, too much for a file of {size}; if that is right, raise \
         max_unpacked under [exports] in the pipeline"
    );
    refused(&desk, "bomb.csv.zst", &problem, 400.0);
    fs::remove_file(desk.path("exports/bomb.csv.zst")).expect("a file");
    gzip(&plain, &desk.path("exports/bomb.csv.gz"));
    refused(&desk, "bomb.csv.gz", "it unpacks to more than 64000000 bytes", 400.0);

    // Whoever knows the file may allow it: it is mostly empty lines.
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", toml.replace("[exports]", "[exports]\nmax_unpacked = { ratio = 100_000 }"));
    let (ran, peak) = run(&desk, "");
    ran.succeeds();
    assert!(peak < 500.0, "{peak} MB");
    let exports = pick(&desk.show("exports"), "export rows_read");
    assert_eq!(exports, ["bomb.csv.gz | 2", "march.csv | 4"]);
}

#[test]
fn a_limit_in_bytes_holds_for_every_packing() {
    let rows = 50_000;
    let text = format!("{HEADER}{}", ROW.repeat(rows));
    let column = |name: &str, value: &str| Column::new(name.into(), vec![value; rows]);
    let number = |name: &str| Column::new(name.into(), vec![1i64; rows]);
    let columns = vec![
        column("title", "Like Crazy"),
        number("rank"),
        column("date", "2024-05-01"),
        column("artist", "Jimin"),
        column("url", "https://open.spotify.com/track/0000000000000000000000"),
        column("region", "Global"),
        column("chart", "top200"),
        column("trend", "NEW"),
        number("streams"),
    ];
    let mut frame = DataFrame::new(rows, columns).expect("a frame");
    let mut parquet = Vec::new();
    ParquetWriter::new(&mut parquet).finish(&mut frame).expect("a Parquet file");
    let zst = zstd::encode_all(text.as_bytes(), 3).expect("memory");
    for (name, bytes) in [("a.csv.zst", zst), ("a.parquet", parquet)] {
        let desk = march();
        desk.put(&format!("exports/{name}"), &bytes);
        let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
        let limited =
            |bytes: u64| toml.replace("[exports]", &format!("[exports]\nmax_unpacked.bytes = {bytes}"));
        desk.put("t.toml", limited(1_000_000));
        refused(&desk, name, "it unpacks to more than 1000000 bytes", 300.0);
        desk.put("t.toml", limited(10_000_000));
        run(&desk, "").0.succeeds();
        let exports = pick(&desk.show("exports"), "export rows_read");
        assert_eq!(exports, [format!("{name} | {rows}"), "march.csv | 4".to_owned()]);
    }
}

#[test]
fn names_that_no_table_should_hold_are_left_out() {
    let desk = march();
    let bytes = merged_daily("2024-04-01|Global|1|C|Love wins all|IU|500");
    for name in [&b"caf\xe9.csv"[..], b"two\nlines.csv", b"red\x1b[31m.csv"] {
        let name = std::ffi::OsString::from_vec(name.to_vec());
        fs::write(desk.path("exports").join(name), &bytes).expect("a file");
    }
    fs::write(desk.path("exports/..%2f..%2fetc.csv"), &bytes).expect("a file");
    let (ran, _) = run(&desk, "");
    let ran = ran.succeeds();
    for line in [
        "refused    caf\u{FFFD}.csv: its name is not UTF-8; rename it",
        "refused    two\u{FFFD}lines.csv: its name holds control characters; rename it",
        "refused    red\u{FFFD}[31m.csv: its name holds control characters; rename it",
    ] {
        assert!(ran.stderr.contains(line), "{line} in {}", ran.stderr);
    }
    assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
    // Two points and no separator are a name like any other.
    assert_eq!(pick(&desk.show("exports"), "export"), ["march.csv"]);
    fs::rename(desk.path("exports/..%2f..%2fetc.csv"), desk.path("exports/a%2f..%2fetc.csv"))
        .expect("a file");
    run(&desk, "").0.succeeds();
    assert_eq!(pick(&desk.show("exports"), "export"), ["a%2f..%2fetc.csv", "march.csv"]);
}

#[test]
fn cells_that_look_like_paths_stay_cells() {
    let desk = march();
    desk.put("exports/paths.csv", merged_daily("2024-04-01|../../etc/passwd|1|C|../../x|/dev/null|500"));
    run(&desk, "").0.succeeds();
    assert_eq!(desk.show("exports").len(), 2);
    let mut above: Vec<String> = fs::read_dir(desk.path(""))
        .expect("the desk")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
        .collect();
    above.sort();
    assert_eq!(above, ["exports", "ledger", "m.prom", "out", "t.toml"]);
    for name in ["../t", "a/b", "", ".hidden", "two\\nlines"] {
        let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
        desk.put("bad.toml", toml.replacen("name = \"t\"", &format!("name = \"{name}\""), 1));
        let message = desk.call("run bad.toml --quiet").fails(2);
        assert!(message.contains("cannot be the name of a folder"), "{message}");
    }
}

#[test]
fn links_out_of_the_exports_are_left_out_unless_the_pipeline_allows_them() {
    let desk = march();
    desk.put("elsewhere/april.csv", merged_daily("2024-04-01|Global|1|C|Love wins all|IU|500"));
    desk.put("elsewhere/more/may.csv", merged_daily("2024-05-01|Global|1|C|Love wins all|IU|500"));
    symlink("../elsewhere/april.csv", desk.path("exports/april.csv")).expect("a link");
    symlink("../elsewhere/more", desk.path("exports/more")).expect("a link");
    symlink("march.csv", desk.path("exports/within.csv")).expect("a link");
    let (ran, _) = run(&desk, "");
    let ran = ran.succeeds();
    for (name, target) in [("april.csv", "elsewhere/april.csv"), ("more", "elsewhere/more")] {
        let target = desk.path(target).canonicalize().expect("a path");
        let line = format!(
            "refused    {name}: a link out of the exports, to {}; links_out = true under [exports] allows it",
            target.display()
        );
        assert!(ran.stderr.contains(&line), "{line} in {}", ran.stderr);
    }
    // Two names of one file are one export.
    assert_eq!(desk.show("exports").len(), 1);
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", toml.replace("[exports]", "[exports]\nlinks_out = true"));
    run(&desk, "").0.succeeds();
    assert_eq!(pick(&desk.show("exports"), "export"), ["april.csv", "march.csv", "more/may.csv"]);
    // A root that is itself a link is what the user named.
    symlink("exports", desk.path("linked")).expect("a link");
    run(&desk, "--exports linked").0.succeeds();
}

#[test]
fn pipes_and_devices_are_no_exports() {
    let desk = march();
    let pipe = |name: &str| {
        let made = Command::new("mkfifo").arg(desk.path(name)).status().expect("mkfifo");
        assert!(made.success());
    };
    pipe("exports/pipe.csv");
    symlink("/dev/zero", desk.path("exports/zero.csv")).expect("a link");
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", toml.replace("[exports]", "[exports]\nlinks_out = true"));
    for name in ["pipe.csv", "zero.csv"] {
        refused(&desk, name, "a pipe, socket or device, not a file", 300.0);
    }
    for root in ["/dev/zero", "/dev/null", "exports/pipe.csv"] {
        let fresh = Desk::new();
        if root.starts_with("exports") {
            let made = Command::new("mkfifo").arg(fresh.path(root)).status().expect("mkfifo");
            assert!(made.success());
        }
        let (ran, _) = run(&fresh, &format!("--exports {root}"));
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(ran.stderr.contains("a pipe, socket or device, not a file"), "{}", ran.stderr);
    }
}

#[test]
fn a_file_that_becomes_a_pipe_before_it_is_read_does_not_stop_the_run() {
    let desk = march();
    let found = exports::discover(&[desk.path("exports")]).expect("one export");
    fs::remove_file(desk.path("exports/march.csv")).expect("a file");
    let made = Command::new("mkfifo").arg(desk.path("exports/march.csv")).status().expect("mkfifo");
    assert!(made.success());
    let decoded = exports::decode(found, &[], &Progress::default());
    assert!(decoded.exports[0].content.is_err());
    assert!(decoded.pieces.is_empty());
}
