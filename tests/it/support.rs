//! What the tests share: a desk with a pipeline and exports on it, and the program to run there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

/// One row of a table: column to value.
pub type Row = serde_json::Map<String, Value>;

/// The repository.
pub const HERE: &str = env!("CARGO_MANIFEST_DIR");

const PIPELINE: &str = r#"
name = "t"
description = "a test"
headline = "most-streamed"
ledger = "ledger"
out = "out"

[exports]
paths = ["exports"]

[[tally]]
name = "song"
entity = "song"
clock = "all_time"
thresholds = [100, 1_000]

[[tally]]
name = "artist"
entity = "artist"
clock = "calendar_year"
thresholds = [100, 1_000]

[[ranking]]
name = "fastest"
kind = "fastest"
tally = "song"
threshold = 100

[[ranking]]
name = "most-streamed"
kind = "most_streamed"
tally = "song"
"#;

/// The program, to be called from the folder `from`.
pub fn program(from: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chartledger"));
    command.current_dir(from);
    command
}

/// A temporary folder with the pipeline `t.toml` and a folder `exports`.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let desk = Self { folder };
        fs::create_dir(desk.path("exports")).expect("an empty folder");
        desk.put("t.toml", PIPELINE);
        desk
    }

    /// A desk with these exports.
    pub fn with<B: AsRef<[u8]>>(exports: impl IntoIterator<Item = (impl AsRef<str>, B)>) -> Self {
        let desk = Self::new();
        for (name, bytes) in exports {
            desk.put(&format!("exports/{}", name.as_ref()), bytes);
        }
        desk
    }

    /// Adds tables to the pipeline file.
    pub fn and_pipeline(self, toml: &str) -> Self {
        self.put("t.toml", format!("{PIPELINE}{toml}"));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, dated to a fixed moment.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("its folder");
        fs::write(&path, bytes).expect("a file");
        self.date(name, 0);
    }

    /// Dates a file to so many seconds after the fixed moment.
    pub fn date(&self, name: &str, seconds: u64) {
        set_time(&self.path(name), seconds);
    }

    /// Calls the program with arguments that hold no blanks.
    pub fn call(&self, args: &str) -> Ran {
        Ran::of(program(self.folder.path()).args(args.split_whitespace()))
    }

    /// The same from a folder of the desk.
    pub fn call_in(&self, folder: &str, args: &str) -> Ran {
        Ran::of(program(&self.path(folder)).args(args.split_whitespace()))
    }

    /// Runs the pipeline, which must succeed.
    pub fn run(&self, flags: &str) -> Ran {
        self.call(&format!("run t.toml {flags}")).succeeds()
    }

    /// The rows of a published table.
    pub fn show(&self, table: &str) -> Vec<Row> {
        rows_of(&self.call(&format!("show {table} t.toml --format json")).succeeds().stdout)
    }

    /// The files of the latest run that depend on the data alone: not its manifest, which tells the
    /// time, and not `changes`, which depends on the run before.
    pub fn published(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = tree(&self.path("out/t/latest"));
        files.remove("run.json").expect("a manifest");
        files.remove("changes.parquet").expect("changes");
        files
    }

    /// The newest version of the ledger; `None` before the first commit.
    pub fn ledger_version(&self) -> Option<u64> {
        let log = fs::read_dir(self.path("ledger/t/_delta_log")).ok()?;
        let stem = |name: PathBuf| name.file_stem()?.to_str()?.parse().ok();
        log.filter_map(|entry| stem(entry.ok()?.path())).max()
    }
}

/// What became of one call of the program.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// The message of a call that must end with `code` and say nothing on standard output.
    pub fn fails(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{}", self.stderr);
        self.stderr
    }
}

/// The rows that `show --format json` prints.
pub fn rows_of(json: &str) -> Vec<Row> {
    serde_json::from_str(json).expect("rows as JSON")
}

/// Some columns of rows, a line for each row: `a | b | c`, an empty cell for null.
pub fn pick(rows: &[Row], columns: &str) -> Vec<String> {
    let cell = |row: &Row, column: &str| match row.get(column) {
        Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => panic!("no column {column}"),
    };
    let line =
        |row| columns.split_whitespace().map(|column| cell(row, column)).collect::<Vec<_>>().join(" | ");
    rows.iter().map(line).collect()
}

/// The sum of a column.
pub fn sum(rows: &[Row], column: &str) -> i64 {
    rows.iter().map(|row| row[column].as_i64().expect("a number")).sum()
}

/// Every file below `root` by its relative path.
pub fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.expect("a file"));
    let name = |path: &Path| path.strip_prefix(root).expect("below it").to_string_lossy().into_owned();
    files
        .filter(|entry| entry.path().is_file())
        .map(|entry| (name(entry.path()), fs::read(entry.path()).expect("its bytes")))
        .collect()
}

/// Dates a file to so many seconds after a fixed moment.
pub fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
    File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("a file time");
}

/// An identifier of 22 characters.
pub fn id(name: &str) -> String {
    format!("{name:0>22}")
}

/// A merged daily export from lines of `date region rank id title artists streams`, parted by `|`.
pub fn merged_daily(lines: &str) -> String {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record("title,rank,date,artist,url,region,chart,trend,streams".split(',')).expect("a header");
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').collect();
        let [date, region, rank, track, title, artists, streams] = cells[..] else {
            panic!("cells of {line}")
        };
        let url = format!("https://open.spotify.com/track/{}", id(track));
        csv.write_record([title, rank, date, artists, &url, region, "top200", "SAME_POSITION", streams])
            .expect("a row");
    }
    String::from_utf8(csv.into_inner().expect("bytes")).expect("UTF-8")
}
