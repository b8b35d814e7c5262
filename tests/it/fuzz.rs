//! Real-shaped exports, pipelines and catalogs, mutated at random: never a panic, never a hang,
//! every row accounted for, and an exit code of the list.
//!
//! `tests/corpus` holds what the mutations start from, and what once failed; it is replayed as it
//! is, too. `CHARTLEDGER_FUZZ` is how many mutants there are of each kind and
//! `CHARTLEDGER_FUZZ_SEED` which ones; a mutant that fails is named and kept. `fuzz/` has targets
//! for cargo-fuzz, which is guided by coverage and needs nightly.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chartledger::error::{EXIT_CODES, Error};
use chartledger::exports::dialect::Mapped;
use chartledger::exports::{self, Decoded, Found, Progress};
use chartledger::pipeline::{Overrides, Plan};
use polars::prelude::*;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use crate::support::{Desk, HERE, Ran, program, tree};

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn random(kind: u64) -> Pcg64 {
    Pcg64::seed_from_u64(setting("CHARTLEDGER_FUZZ_SEED", 1) * 1000 + kind)
}

fn corpus(part: &str) -> PathBuf {
    Path::new(HERE).join("tests/corpus").join(part)
}

/// Exports by their file name.
fn export_seeds() -> Vec<(String, Vec<u8>)> {
    let name = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut seeds: Vec<_> =
        tree(&corpus("exports")).into_iter().map(|(path, bytes)| (name(path), bytes)).collect();
    let kaggle = corpus("exports/kaggle/charts.csv");
    seeds.push(("charts.parquet".to_owned(), parquet(&fs::read_to_string(kaggle).expect("a seed"))));
    assert!(seeds.len() > 15, "the corpus is there");
    seeds
}

/// The same columns as a Parquet file.
fn parquet(text: &str) -> Vec<u8> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let records: Vec<csv::StringRecord> = reader.records().map(|record| record.expect("a record")).collect();
    let column = |(place, name): (usize, &String)| {
        let cells: Vec<&str> = records.iter().map(|record| &record[place]).collect();
        match name.as_str() {
            "rank" | "streams" => {
                let numbers: Vec<Option<i64>> = cells.iter().map(|cell| cell.parse().ok()).collect();
                Column::new(name.as_str().into(), numbers)
            }
            _ => Column::new(name.as_str().into(), cells),
        }
    };
    let columns = names.iter().enumerate().map(column).collect();
    let mut frame = DataFrame::new(records.len(), columns).expect("a frame");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).expect("a Parquet file");
    bytes
}

fn mapped() -> Vec<Mapped> {
    Plan::load(&corpus("pipelines/charts/pipeline.toml"), Overrides::default()).expect("a pipeline").mapped
}

// ---------------------------------------------------------------------------------------- mutations

/// What cells, lines and files are made worse with.
const TOKENS: [&[u8]; 44] = [
    b"",
    b" ",
    b",",
    b";",
    b"\"",
    b"\"\"",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xFF",
    b"\xEF\xBB\xBF",
    b"\t",
    b"0",
    b"-1",
    b"1",
    b"65535",
    b"65536",
    b"9007199254740992",
    b"9007199254740993",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"1e99",
    b"NaN",
    b"1.0",
    b"1,204",
    b"0000-00-00",
    b"1970-01-01",
    b"1969-12-31",
    b"2024-02-30",
    b"2149-06-06",
    b"2149-06-07",
    b"9999-12-31",
    b"2024-01-01--2024-01-08",
    b"[",
    b"['a', \"b'",
    b"]",
    b"Global",
    b"United States",
    b"top200",
    b"viral50",
    b"\xE2\x80\xAE",
    b"https://open.spotify.com/track/",
];

fn token(random: &mut Pcg64) -> &'static [u8] {
    TOKENS[random.random_range(0..TOKENS.len())]
}

/// A place in something of `length`, its end included.
fn place(random: &mut Pcg64, length: usize) -> usize {
    random.random_range(0..=length)
}

fn range(random: &mut Pcg64, length: usize) -> std::ops::Range<usize> {
    let (a, b) = (place(random, length), place(random, length));
    a.min(b)..a.max(b)
}

/// Changes bytes a few times: bits, stretches, lines, cells.
fn mutate(bytes: &mut Vec<u8>, random: &mut Pcg64, separator: u8) {
    for _ in 0..random.random_range(1..5) {
        match random.random_range(0..10) {
            0 if !bytes.is_empty() => {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
            1 => bytes.truncate(place(random, bytes.len())),
            2 => drop(bytes.drain(range(random, bytes.len()))),
            3 => {
                let part = bytes[range(random, bytes.len())].to_vec();
                let at = place(random, bytes.len());
                bytes.splice(at..at, part);
            }
            4 | 5 => {
                let at = place(random, bytes.len());
                bytes.splice(at..at, token(random).iter().copied());
            }
            // A line twice, gone or elsewhere.
            6 => {
                let mut lines: Vec<Vec<u8>> =
                    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if !lines.is_empty() {
                    let line = lines.remove(random.random_range(0..lines.len()));
                    for _ in 0..random.random_range(0..3) {
                        lines.insert(place(random, lines.len()), line.clone());
                    }
                    *bytes = lines.concat();
                }
            }
            // A cell replaced.
            _ => {
                let ends: Vec<usize> =
                    (0..bytes.len()).filter(|&at| bytes[at] == separator || bytes[at] == b'\n').collect();
                if ends.len() > 1 {
                    let cell = random.random_range(0..ends.len() - 1);
                    bytes.splice(ends[cell] + 1..ends[cell + 1], token(random).iter().copied());
                }
            }
        }
    }
}

// ------------------------------------------------------------------------------------------ exports

fn decode(path: &Path) -> Decoded {
    let found: Vec<Found> = exports::discover(&[path.to_owned()]).expect("a file can be found");
    exports::decode(found, &mapped(), &Progress::default())
}

/// Every observation, with its texts instead of codes, and every row set aside.
fn told(decoded: &Decoded) -> Vec<String> {
    let mut rows = Vec::new();
    for piece in &decoded.pieces {
        let names = &decoded.dictionaries[piece.dictionary as usize];
        let of = &piece.rows;
        assert_eq!(of.places().count(), of.len());
        rows.extend(of.places().enumerate().map(|(row, (scope, day, line))| {
            let listing = &names[of.listing[row] as usize];
            let (total, reported) = (of.total.get(row), of.reported.get(row));
            let (scope, rank, streams) = (&decoded.scopes[usize::from(scope)], of.rank[row], of.streams[row]);
            format!("{line} {scope:?} {day} {rank} {listing:?} {streams} {total:?} {reported:?}")
        }));
    }
    for content in decoded.exports.iter().filter_map(|export| export.content.as_ref().ok()) {
        rows.extend(content.set_aside.iter().map(|row| format!("{} {} {:?}", row.line, row.reason, row.raw)));
    }
    rows.sort();
    rows
}

/// Decodes `bytes` as a file called `name`: every row is counted once, and lies in the file.
fn check_export(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a file");
    crate::support::set_time(&path, 0);
    let begin = Instant::now();
    let decoded = decode(&path);
    assert!(begin.elapsed() < Duration::from_secs(10), "it takes {:?}", begin.elapsed());
    let [export] = &decoded.exports[..] else { panic!("one export") };
    assert_eq!(export.hash, Some(blake3::hash(bytes)).filter(|_| export.hash.is_some()));
    match &export.content {
        Err(problem) => {
            assert!(!problem.is_empty() && decoded.pieces.is_empty());
        }
        Ok(content) => {
            let good: usize = decoded.pieces.iter().map(|piece| piece.rows.len()).sum();
            assert_eq!(content.rows_read, (good + content.set_aside.len()) as u64, "every row once");
            assert_eq!(content.days.is_some(), good > 0);
            // What a packing changes is the way through the decoder, and not the rows.
            if name.ends_with(".csv") {
                let packed = folder.join(format!("{name}.zst"));
                fs::write(&packed, zstd::encode_all(bytes, 1).expect("memory")).expect("a file");
                crate::support::set_time(&packed, 0);
                assert_eq!(told(&decode(&packed)), told(&decoded));
                fs::remove_file(packed).expect("a file");
            }
        }
    }
    fs::remove_file(path).expect("a file");
}

/// Runs a check; where it fails, the mutant is kept and named.
fn keep_if_it_fails(kind: &str, name: &str, bytes: &[u8], check: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(check)).is_err() {
        let hash = blake3::hash(bytes).to_hex();
        let folder = std::env::temp_dir().join("chartledger-fuzz").join(kind).join(&hash[..8]);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(name), bytes).expect("a file");
        panic!("{} fails; move its folder to tests/corpus/{kind}", folder.join(name).display());
    }
}

#[test]
fn the_corpus_of_exports_is_read_without_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in export_seeds() {
        check_export(folder.path(), &name, &bytes);
    }
}

#[test]
fn mutated_exports_lose_no_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let (seeds, mut random) = (export_seeds(), random(1));
    for _ in 0..setting("CHARTLEDGER_FUZZ", 40) {
        for (name, bytes) in &seeds {
            let mut bytes = bytes.clone();
            let separator = if name == "report.csv" { b';' } else { b',' };
            // Packed, most mutants are no more than damaged: mutate what is inside, too.
            let packed = name.ends_with(".gz") || name.ends_with(".zst");
            if packed && random.random() {
                bytes = zstd::decode_all(&bytes[..]).unwrap_or(bytes);
                mutate(&mut bytes, &mut random, separator);
                bytes = zstd::encode_all(&bytes[..], 1).expect("memory");
            } else {
                mutate(&mut bytes, &mut random, separator);
            }
            keep_if_it_fails("exports", name, &bytes, || check_export(folder.path(), name, &bytes));
        }
    }
}

#[test]
fn a_large_mutant_is_read_in_blocks_as_in_sequence() {
    // A file of over 16 MiB is read in blocks of 1 MiB at once, a packed one from its start to its end.
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = random(2);
    let seed = fs::read(corpus("exports/kaggle/charts.csv")).expect("a seed");
    let header = 1 + seed.iter().position(|byte| *byte == b'\n').expect("a header");
    for _ in 0..setting("CHARTLEDGER_FUZZ", 40).div_ceil(20) {
        let mutants: Vec<Vec<u8>> = (0..40)
            .map(|_| {
                let mut rows = seed[header..].to_vec();
                mutate(&mut rows, &mut random, b',');
                rows
            })
            .collect();
        let mut bytes = seed[..header].to_vec();
        while bytes.len() < 17 << 20 {
            bytes.extend(&mutants[random.random_range(0..mutants.len())]);
        }
        keep_if_it_fails("exports", "charts.csv", &bytes, || {
            check_export(folder.path(), "charts.csv", &bytes);
        });
    }
}

/// Exit codes of the list, and no panic.
fn check_ran(ran: &Ran) {
    let listed = |code: i32| EXIT_CODES.iter().any(|(known, _)| i32::from(*known) == code);
    assert!(ran.code.is_some_and(|code| listed(code) && code != 1), "{:?}: {}", ran.code, ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

#[test]
fn runs_of_mutants_end_with_a_code_of_the_list() {
    let (seeds, mut random) = (export_seeds(), random(3));
    for round in 0..setting("CHARTLEDGER_FUZZ", 40).div_ceil(10) {
        let desk = Desk::new();
        let mut last = Vec::new();
        for (place, (name, bytes)) in seeds.iter().enumerate() {
            let mut bytes = bytes.clone();
            mutate(&mut bytes, &mut random, b',');
            desk.put(&format!("exports/{place}/{name}"), &bytes);
            last = bytes;
        }
        for args in [
            "plan t.toml",
            "run t.toml --quiet",
            "run t.toml --quiet",
            "inspect exports",
            "show exports t.toml",
        ] {
            let mut command = program(&desk.path(""));
            keep_if_it_fails("exports", "charts.parquet", &last, || {
                check_ran(&Ran::of(command.args(args.split_whitespace())));
            });
        }
        assert!(desk.ledger_version().is_some() || round > 0, "something was usable");
    }
}

// ---------------------------------------------------------------------- pipelines, catalogs, claims

/// Loads the pipeline in `folder`, and runs it if it can be loaded.
fn check_pipeline(folder: &Path) {
    let work = tempfile::tempdir().expect("a folder");
    let here = |name: &str| Some(work.path().join(name));
    let exports = vec![corpus("exports/kaggle"), corpus("exports/kworb"), corpus("exports/mapped")];
    let overrides = Overrides { exports, ledger: here("ledger"), out: here("out"), ..Overrides::default() };
    let problem = |error: Error, codes: &[u8]| {
        let text = error.to_string();
        assert!(codes.contains(&error.exit_code()), "{text}");
        assert!(!text.is_empty());
    };
    match Plan::load(&folder.join("pipeline.toml"), overrides) {
        Err(error) => problem(error, &[2]),
        Ok(plan) => {
            if let Err(error) = chartledger::run::run(&plan, &Progress::default()) {
                problem(error, &[2, 3, 4]);
            }
        }
    }
}

#[test]
fn the_corpus_of_pipelines_runs_without_a_panic() {
    let mut folders = 0;
    for folder in fs::read_dir(corpus("pipelines")).expect("the corpus") {
        check_pipeline(&folder.expect("a folder").path());
        folders += 1;
    }
    assert!(folders >= 2);
}

/// What keys of a TOML file are made worse with.
const VALUES: [&str; 22] = [
    "",
    "0",
    "-1",
    "1",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "nan",
    "inf",
    "true",
    "\"\"",
    "\"x\"",
    "\"../..\"",
    "\"\\u0000\"",
    "[]",
    "[1]",
    "[[]]",
    "{}",
    "1970-01-01",
    "9999-12-31",
    "2024-01-01T00:00:00Z",
    "\"all_time\"",
];

/// Changes a TOML file a few times: bytes, lines, tables, values.
fn mutate_toml(text: &str, random: &mut Pcg64) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..lines.len().max(1));
        let Some(line) = lines.get(at).cloned() else { break };
        match random.random_range(0..8) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(place(random, lines.len()), line),
            2 => {
                let other = random.random_range(0..lines.len());
                lines.swap(at, other);
            }
            3 => {
                let mut bytes = line.into_bytes();
                mutate(&mut bytes, random, b',');
                lines[at] = String::from_utf8_lossy(&bytes).into_owned();
            }
            _ => {
                if let Some((key, _)) = line.split_once('=') {
                    lines[at] = format!("{key}= {}", VALUES[random.random_range(0..VALUES.len())]);
                }
            }
        }
    }
    lines.join("\n")
}

#[test]
fn mutated_pipelines_catalogs_and_claims_are_refused_or_run() {
    let mut random = random(4);
    for case in ["charts", "k-soloists"] {
        let files = tree(&corpus("pipelines").join(case));
        for (name, bytes) in &files {
            let text = String::from_utf8(bytes.clone()).expect("UTF-8");
            for _ in 0..setting("CHARTLEDGER_FUZZ", 40) {
                let folder = tempfile::tempdir().expect("a folder");
                for (name, bytes) in &files {
                    let path = folder.path().join(name);
                    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                    fs::write(path, bytes).expect("a file");
                }
                let mutant = mutate_toml(&text, &mut random);
                fs::write(folder.path().join(name), &mutant).expect("a file");
                let file = name.rsplit('/').next().unwrap_or_default();
                keep_if_it_fails("pipelines", file, mutant.as_bytes(), || check_pipeline(folder.path()));
            }
        }
    }
}
