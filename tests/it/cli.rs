//! The binary from outside: exit codes, standard output, standard error and files of every command.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use polars::prelude::*;
use serde_json::Value;

use crate::support::{Desk, Ran, Row, id, merged_daily, pick, program, rows_of, sum, tree};

const MARCH: &str = "
    2024-03-01|Global|1|A|Like Crazy|Jimin|90
    2024-03-01|Global|2|B|Seven|Jung Kook, Latto|60
    2024-03-02|Global|1|B|Seven|Jung Kook, Latto|1200
    2024-03-02|Global|2|A|Like Crazy|Jimin|80
";
const APRIL: &str = "2024-04-01|Global|1|C|Love wins all|IU|500";
const BAD: &str = "2024-04-01|Global|1|C|Love wins all|IU|many";

fn march() -> Desk {
    Desk::with([("march.csv", merged_daily(MARCH))])
}

/// Nothing of a run is there.
fn assert_nothing_written(desk: &Desk) {
    assert!(!desk.path("out/t/latest").exists());
    assert_eq!(desk.ledger_version(), None);
}

// ------------------------------------------------------------------------------- exit codes

#[test]
fn help_lists_the_exit_codes_and_every_command() {
    let help = Desk::new().call("--help").succeeds();
    assert_eq!(help.stderr, "");
    for command in ["run", "plan", "inspect", "show", "schema", "synth"] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command} in {}", help.stdout);
    }
    for code in 0..=6 {
        assert!(help.stdout.contains(&format!("\n  {code}  ")), "{code} in {}", help.stdout);
    }
}

#[test]
fn a_run_reports_on_standard_error_and_prints_the_headline() {
    let ran = march().run("");
    for line in ["read       1 new export of 1 found, 4 rows", "table      milestones", "published  "] {
        assert!(ran.stderr.contains(line), "{line} in {}", ran.stderr);
    }
    let account = "rows       4 read = 4 used + 0 duplicate + 0 superseded + 0 quarantined";
    assert!(ran.stderr.contains(account), "{}", ran.stderr);
    assert!(ran.stdout.contains("most-streamed") && ran.stdout.contains("Like Crazy"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("published"), "{}", ran.stdout);
}

#[test]
fn a_quiet_run_says_nothing() {
    let ran = march().run("--quiet");
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

#[test]
fn wrong_usage_exits_with_2() {
    let desk = march();
    for args in ["", "frobnicate", "run t.toml --frobnicate", "run t.toml --as-of yesterday", "inspect"] {
        desk.call(args).fails(2);
    }
    let missing = desk.call("run missing.toml").fails(2);
    assert!(missing.contains("missing.toml"), "{missing}");
    let unpublished = desk.call("show totals t.toml").fails(2);
    assert!(unpublished.contains("chartledger run"), "{unpublished}");
}

#[test]
fn an_unknown_key_of_the_pipeline_is_named_with_file_and_line() {
    let desk = march().and_pipeline("[[tally]]\nname = \"x\"\nclok = \"all_time\"\n");
    let text = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    let line = 1 + text.lines().position(|line| line.starts_with("clok")).expect("the line");
    for command in ["run", "plan", "run --dry-run"] {
        let message = desk.call(&format!("{command} t.toml")).fails(2);
        assert!(message.contains("t.toml") && message.contains("clok"), "{message}");
        assert!(message.contains(&format!("line {line}")), "line {line} in {message}");
    }
    assert_nothing_written(&desk);
}

#[test]
fn a_pipeline_that_contradicts_itself_is_refused() {
    let tally = "[[tally]]\nname = \"x\"\nentity = \"artist\"\nclock = \"all_time\"\nthresholds = [1]\n";
    let cases = [
        (format!("{tally}cohort = \"nobody\"\n"), "nobody"),
        (format!("{tally}{tally}"), "`x` stands twice"),
        ("[[ranking]]\nname = \"x\"\nkind = \"first\"\ntally = \"nowhere\"\n".to_owned(), "nowhere"),
        ("[[ranking]]\nname = \"x\"\nkind = \"first\"\ntally = \"song\"\nthreshold = 7\n".to_owned(), "7"),
        ("[[mapped]]\nname = \"x\"\nchart = \"x\"\n[mapped.columns]\nrank = \"r\"\n".to_owned(), "t.toml"),
    ];
    for (toml, named) in cases {
        let message = march().and_pipeline(&toml).call("run t.toml").fails(2);
        assert!(message.contains("t.toml") && message.contains(named), "{message}");
    }
}

#[test]
fn a_broken_catalog_is_named_with_file_and_line() {
    let desk = march().and_pipeline("[catalog]\npath = \"catalog\"\n");
    let absent = desk.call("run t.toml").fails(2);
    assert!(absent.contains("catalog"), "{absent}");
    desk.put("catalog/artists.toml", "[[artist]]\nid = \"iu\"\nname = \"IU\"\ncolour = \"blue\"\n");
    let message = desk.call("run t.toml").fails(2);
    for part in ["artists.toml", "line 4", "colour"] {
        assert!(message.contains(part), "{part} in {message}");
    }
}

#[test]
fn an_unknown_table_is_answered_with_the_nearest() {
    for command in ["show milestone t.toml", "schema milestone"] {
        let message = march().call(command).fails(2);
        assert!(message.contains("did you mean milestones"), "{message}");
    }
}

#[test]
fn without_an_export_a_run_exits_with_3() {
    let desk = Desk::new();
    let empty = desk.call("run t.toml").fails(3);
    assert!(empty.contains("exports"), "{empty}");
    let missing = desk.call("run t.toml --exports nowhere").fails(3);
    assert!(missing.contains("nowhere"), "{missing}");
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let unusable = desk.call("run t.toml").fails(3);
    assert!(unusable.contains("notes.csv"), "{unusable}");
    assert_nothing_written(&desk);
}

#[test]
fn an_export_of_bad_rows_alone_is_nothing_usable() {
    let desk = Desk::with([("bad.csv", merged_daily(BAD))]);
    let message = desk.call("run t.toml --quiet").fails(3);
    assert!(message.contains("bad.csv"), "{message}");
    assert_nothing_written(&desk);
}

#[test]
fn a_refused_file_does_not_stop_the_others() {
    let desk = march();
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let ran = desk.run("");
    assert!(ran.stderr.contains("refused    notes.csv: no dialect fits"), "{}", ran.stderr);
    let quiet = desk.run("--quiet");
    assert!(quiet.stderr.contains("notes.csv"), "{}", quiet.stderr);
    assert_eq!(pick(&desk.show("exports"), "export"), ["march.csv"]);
}

#[test]
fn strict_stops_at_a_quarantined_row_before_anything_is_kept() {
    let desk = march();
    desk.put("exports/april.csv", merged_daily(BAD));
    let message = desk.call("run t.toml --strict").fails(3);
    assert!(message.contains("april.csv, line 2: streams are not a whole number"), "{message}");
    assert_nothing_written(&desk);

    // What an earlier run has quarantined is no better.
    desk.run("");
    let message = desk.call("run t.toml --strict").fails(3);
    assert!(message.contains("april.csv, line 2"), "{message}");
}

#[test]
fn strict_stops_at_a_refused_file_before_anything_is_kept() {
    let desk = march();
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let message = desk.call("run t.toml --strict").fails(3);
    assert!(message.contains("notes.csv"), "{message}");
    assert_nothing_written(&desk);
}

#[test]
fn strict_forgives_a_bad_row_once_its_export_is_corrected() {
    let desk = march();
    for month in ["april", "may"] {
        desk.put(&format!("exports/{month}.csv"), merged_daily(&BAD.replace("2024-04", "2024-05")));
    }
    desk.run("");
    let correct = |month: &str, rows: &str| {
        desk.put(&format!("exports/{month}.csv"), merged_daily(rows));
        desk.date(&format!("exports/{month}.csv"), 60);
    };
    correct("april", APRIL);
    desk.run("");
    let message = desk.call("run t.toml --strict").fails(3);
    assert!(message.contains("may.csv, line 2"), "{message}");
    correct("may", &APRIL.replace("2024-04", "2024-05"));
    desk.run("--strict");
}

#[test]
fn strict_passes_clean_exports() {
    march().run("--strict");
}

#[test]
fn an_output_that_cannot_be_written_exits_with_5() {
    let desk = march();
    desk.put("file", "in the way");
    let message = desk.call("run t.toml --quiet --out file/out").fails(5);
    assert!(message.contains("file/out"), "{message}");
    let message = desk.call("run t.toml --quiet --ledger file/ledger").fails(5);
    assert!(message.contains("file/ledger"), "{message}");
    let message = desk.call("synth --output file/exports").fails(5);
    assert!(message.contains("file/exports"), "{message}");
}

#[test]
fn a_held_ledger_exits_with_6_and_is_free_again_after() {
    let desk = march();
    desk.put("ledger/t/.lock", "");
    let lock = File::options().write(true).open(desk.path("ledger/t/.lock")).expect("the lock file");
    lock.lock().expect("the lock");
    let message = desk.call("run t.toml --quiet").fails(6);
    assert!(message.contains("held by another run"), "{message}");
    assert_nothing_written(&desk);
    desk.call("plan t.toml").succeeds();
    drop(lock);
    desk.run("");
}

#[test]
fn a_damaged_ledger_publishes_nothing_and_names_the_file() {
    let desk = march();
    desk.run("");
    let before = desk.published();
    let months = tree(&desk.path("ledger/t/months"));
    let [month] = &months.keys().collect::<Vec<_>>()[..] else { panic!("one month in {months:?}") };
    fs::write(desk.path("ledger/t/months").join(month), "not a month").expect("damage");
    desk.put("exports/april.csv", merged_daily(APRIL));
    let message = desk.call("run t.toml --quiet").fails(4);
    assert!(message.contains(month.as_str()), "{message}");
    assert_eq!(desk.published(), before);
}

// ---------------------------------------------------------------------------------- logging

#[test]
fn a_log_in_json_is_json_in_every_line() {
    let desk = march();
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let parsed = |ran: &Ran| -> Vec<Value> {
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
    };
    let lines = parsed(&desk.run("--log-format json"));
    assert!(lines.iter().any(|line| line["level"] == "INFO"), "{lines:?}");
    assert!(lines.iter().any(|line| line["level"] == "WARN" && line["export"] == "notes.csv"), "{lines:?}");
    let failed = desk.call("run t.toml --log-format json --strict");
    assert_eq!(failed.code, Some(3));
    assert!(parsed(&failed).iter().any(|line| line["level"] == "ERROR"), "{}", failed.stderr);
}

// ------------------------------------------------------------------------------ plan and dry run

#[test]
fn plan_and_dry_run_write_nothing() {
    let desk = march();
    let plan = desk.call("plan t.toml").succeeds();
    assert_eq!(desk.call("run t.toml --dry-run").succeeds().stdout, plan.stdout);
    assert_eq!(tree(&desk.path("")).into_keys().collect::<Vec<_>>(), ["exports/march.csv", "t.toml"]);
    assert!(!desk.path("ledger").exists() && !desk.path("out").exists());
}

#[test]
fn plan_tells_new_from_changed_from_unchanged() {
    let desk = march();
    let plan = |lines: &[&str]| {
        let plan = desk.call("plan t.toml").succeeds().stdout;
        lines.iter().for_each(|line| assert!(plan.contains(line), "{line} in {plan}"));
        plan
    };
    let first = plan(&[
        "exports    1 found: 1 new, 0 changed, 0 unchanged",
        "rows       4 to read, 0 of them to quarantine",
        "month      spotify:daily 2024-03 (new)",
        "tally      song: songs, all_time, 2 thresholds",
        "table      milestones",
    ]);
    assert!(!first.contains("2024-04"), "{first}");
    desk.run("");
    let nothing = plan(&["exports    1 found: 0 new, 0 changed, 1 unchanged", "rows       0 to read"]);
    assert!(!nothing.contains("month "), "{nothing}");
    desk.put("exports/april.csv", merged_daily(&format!("{APRIL}\n{BAD}")));
    desk.put("exports/march.csv", merged_daily(&MARCH.replace("1200", "1300")));
    desk.date("exports/march.csv", 60);
    plan(&[
        "exports    2 found: 1 new, 1 changed, 0 unchanged",
        "changed    march.csv",
        "rows       6 to read, 1 of them to quarantine",
        "month      spotify:daily 2024-03 (rewrite)",
        "month      spotify:daily 2024-04 (new)",
    ]);
}

// ------------------------------------------------------------------------------------------- show

#[test]
fn show_filters_by_what_a_row_is() {
    let desk = march();
    desk.put("exports/april.csv", merged_daily(&APRIL.replace("Global", "South Korea")));
    desk.run("");
    let show = |args: &str, columns: &str| {
        pick(&rows_of(&desk.call(&format!("show {args} --format json")).succeeds().stdout), columns)
    };
    assert_eq!(show("totals t.toml --tally song --entity seven", "entity streams"), ["Seven | 1260"]);
    let by_id = format!("totals t.toml --tally song --entity spotify:track:{}", id("A"));
    assert_eq!(show(&by_id, "entity streams"), ["Like Crazy | 170"]);
    assert_eq!(show("totals t.toml --region kr --tally artist", "entity window"), ["IU | 2024"]);
    assert_eq!(show("totals t.toml --window 2024 --tally artist --limit 1", "window"), ["2024"]);
    assert_eq!(
        show("milestones t.toml --threshold 1000 --tally song", "entity reached_on"),
        ["Seven | 2024-03-02"]
    );
    assert_eq!(show("rankings t.toml --ranking fastest --region global", "entity rank").len(), 2);
    assert_eq!(show("chart_runs t.toml --chart spotify:daily", "chart").len(), 3);
    assert!(show("chart_runs t.toml --chart kworb:daily", "chart").is_empty());
    let ranks = show("rankings t.toml --ranking most-streamed --region global", "rank entity");
    assert_eq!(ranks, ["1 | Seven", "2 | Like Crazy"]);
    let columns = desk.call("show totals t.toml --columns streams,entity --limit 1 --format json").succeeds();
    assert!(columns.stdout.starts_with("[\n{\"streams\":"), "{}", columns.stdout);
}

#[test]
fn show_answers_a_filter_that_does_not_fit() {
    let desk = march();
    desk.run("");
    let near = desk.call("show totals t.toml --entity sevn --format csv").succeeds();
    assert!(near.stderr.contains("did you mean Seven"), "{}", near.stderr);
    assert_eq!(near.stdout.lines().count(), 1, "the header alone");
    for args in ["coverage t.toml --entity IU", "coverage t.toml --threshold 1", "totals t.toml --columns x"]
    {
        let message = desk.call(&format!("show {args}")).fails(2);
        assert!(message.contains("has no column"), "{message}");
    }
}

/// Names that want to break a terminal, a table, a line or a cell.
const HOSTILE: [&str; 6] = [
    "\u{1b}[31mred\u{7}\u{9b}2J",
    "pipe | pipe \\| <b>",
    "quote \" and \"\" comma, semicolon;",
    "two\nlines\r\nand a tab\t.",
    "정국 · 아이유",
    "=1+1",
];

fn hostile() -> Desk {
    let rows = HOSTILE.iter().enumerate().map(|(place, title)| {
        let (title, rank) = (title.replace('\n', "¶").replace('|', "¦"), place + 1);
        format!("2024-03-01|Global|{rank}|T{rank}|{title}|정국|{}", 1000 - place)
    });
    let rows = rows.collect::<Vec<_>>().join("\n");
    let desk = Desk::with([("hostile.csv", merged_daily(&rows).replace('¶', "\n").replace('¦', "|"))]);
    desk.run("--strict");
    desk
}

#[test]
fn json_and_csv_keep_every_name_as_it_is() {
    let desk = hostile();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let expected = sorted(HOSTILE.map(str::to_owned).to_vec());
    assert_eq!(sorted(pick(&desk.show("chart_runs"), "entity")), expected);

    let shown = desk.call("show chart_runs t.toml --format csv").succeeds().stdout;
    let mut reader = csv::Reader::from_reader(shown.as_bytes());
    let entity =
        reader.headers().expect("a header").iter().position(|name| name == "entity").expect("a column");
    let names = reader.records().map(|record| record.expect("a row")[entity].to_owned());
    assert_eq!(sorted(names.collect()), expected);
}

#[test]
fn csv_and_json_say_the_same_and_csv_is_what_a_pipe_gets() {
    let desk = march();
    desk.run("");
    for table in ["milestones", "totals", "rankings", "chart_runs", "coverage", "exports", "credits"] {
        let text = desk.call(&format!("show {table} t.toml --format csv")).succeeds().stdout;
        assert_eq!(desk.call(&format!("show {table} t.toml")).succeeds().stdout, text);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().expect("a header").iter().collect::<Vec<_>>().join(" ");
        let rows = reader.records().map(|row| row.expect("a row").iter().collect::<Vec<_>>().join(" | "));
        let rows: Vec<String> = rows.collect();
        assert!(!rows.is_empty(), "{table}");
        assert_eq!(rows, pick(&desk.show(table), &columns), "{table}");
    }
}

#[test]
fn tables_for_people_hold_no_control_characters() {
    let desk = hostile();
    for format in ["table", "markdown"] {
        let shown = desk.call(&format!("show chart_runs t.toml --columns entity,streams --format {format}"));
        let shown = shown.succeeds().stdout;
        assert!(shown.lines().all(|line| !line.chars().any(char::is_control)), "{shown:?}");
        assert!(shown.contains("정국 · 아이유") && shown.contains("1,000"), "{shown}");
    }
    let markdown = desk.call("show chart_runs t.toml --columns entity,streams --format markdown").stdout;
    let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
    assert_eq!(markdown.lines().count(), 2 + HOSTILE.len());
    assert!(markdown.lines().all(|line| bars(line) == 3), "{markdown}");
    assert_eq!(markdown.lines().nth(1), Some("| --- | ---: |"));
}

// ----------------------------------------------------------------------------------------- schema

#[test]
fn the_schema_is_that_of_the_published_files() {
    let desk = march();
    desk.put("exports/april.csv", merged_daily(BAD));
    desk.run("");
    let schema = desk.call("schema --format json").succeeds().stdout;
    let contracts: Vec<Value> = serde_json::from_str(&schema).expect("contracts");
    let published: Vec<String> = desk.published().into_keys().collect();
    assert_eq!(published.len(), contracts.len());
    for contract in contracts {
        let table = contract["table"].as_str().expect("a name");
        let frame = parquet(&desk, table);
        let promised: Vec<(String, String)> = columns(&contract)
            .map(|column| (text(&column["name"]), text(&column["type"]).to_lowercase()))
            .collect();
        let found = frame.columns().iter().map(|column| {
            let dtype = match column.dtype() {
                DataType::String => "string",
                DataType::Int64 => "int64",
                DataType::Date => "date",
                DataType::Boolean => "boolean",
                other => panic!("{table}.{}: {other}", column.name()),
            };
            (column.name().to_string(), dtype.to_owned())
        });
        assert_eq!(found.collect::<Vec<_>>(), promised, "{table}");
        for column in columns(&contract).filter(|column| column["nullable"] == false) {
            let name = text(&column["name"]);
            assert_eq!(frame.column(&name).expect("a column").null_count(), 0, "{table}.{name}");
        }
        let one = desk.call(&format!("schema {table} --format json")).succeeds().stdout;
        assert_eq!(serde_json::from_str::<Value>(&one).expect("a contract"), contract);
        let written = desk.call(&format!("schema {table}")).succeeds().stdout;
        assert!(promised.iter().all(|(name, _)| written.contains(&format!("\n  {name} "))), "{written}");
    }
}

fn parquet(desk: &Desk, table: &str) -> DataFrame {
    let file = File::open(desk.path(&format!("out/t/latest/{table}.parquet"))).expect("the table");
    ParquetReader::new(file).finish().expect("a Parquet file")
}

fn columns(contract: &Value) -> impl Iterator<Item = &Value> {
    contract["columns"].as_array().expect("columns").iter()
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

#[test]
fn every_table_is_sorted_by_its_grain() {
    let desk = march();
    desk.put("exports/april.csv", merged_daily(&format!("{APRIL}\n{BAD}\n{BAD}")));
    desk.run("");
    let schema = desk.call("schema --format json").succeeds().stdout;
    for contract in serde_json::from_str::<Vec<Value>>(&schema).expect("contracts") {
        let grain: Vec<String> = contract["grain"].as_array().expect("a grain").iter().map(text).collect();
        let frame = parquet(&desk, contract["table"].as_str().expect("a name"));
        let part = |column: &String, row| match frame.column(column).and_then(|column| column.get(row)) {
            Ok(AnyValue::String(text)) => (0, text.to_owned()),
            Ok(AnyValue::Int64(number)) => (number, String::new()),
            Ok(AnyValue::Date(day)) => (day.into(), String::new()),
            other => panic!("{column} in a key: {other:?}"),
        };
        let key = |row| -> Vec<_> { grain.iter().map(|column| part(column, row)).collect() };
        assert!(frame.height() > 0, "{contract}");
        assert!((1..frame.height()).all(|row| key(row - 1) < key(row)), "{contract}");
    }
}

// ------------------------------------------------------------------------------------ broken pipe

/// Calls the program and closes its standard output after the first line.
fn read_one_line(from: &Path, args: &str) -> (Option<i32>, String) {
    let mut command = program(from);
    command.args(args.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    (child.wait().expect("an end").code(), stderr)
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let desk = Desk::new();
    desk.call("synth --output exports --regions 8 --rows-per-chart 100 --tracks 400").succeeds();
    desk.run("");
    for format in ["csv", "json", "markdown", "table"] {
        let shown = desk.call(&format!("show coverage t.toml --format {format}")).succeeds();
        assert!(!shown.stdout.is_empty());
        let ended = read_one_line(&desk.path(""), &format!("show totals t.toml --format {format}"));
        assert_eq!(ended, (Some(0), String::new()), "{format}");
    }
}

#[test]
fn closed_standard_output_is_no_error() {
    let desk = march();
    for args in ["run t.toml --quiet", "run t.toml", "schema", "plan t.toml", "show totals t.toml", "--help"]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = program(&desk.path(""));
        let status = command.args(args.split_whitespace()).stdout(writer).stderr(Stdio::null()).status();
        assert_eq!(status.expect("the program starts").code(), Some(0), "{args}");
    }
    assert_eq!(desk.show("exports").len(), 1, "the run has published");
}

// --------------------------------------------------------------------------------- same in, same out

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
    let (version, published, ledger) =
        (desk.ledger_version(), desk.published(), tree(&desk.path("ledger/t/months")));
    assert_eq!(version, Some(0));
    let ran = desk.run("");
    assert!(ran.stderr.contains("ledger     nothing new"), "{}", ran.stderr);
    assert_eq!(desk.ledger_version(), version);
    assert_eq!(desk.published(), published);
    assert_eq!(tree(&desk.path("ledger/t/months")), ledger);

    // Files that are merely newer hold nothing new either.
    for name in tree(&desk.path("exports")).into_keys() {
        desk.date(&format!("exports/{name}"), 600);
    }
    desk.run("");
    assert_eq!(desk.published(), published);
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
fn bad_rows() -> Vec<u8> {
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
    desk.run("--quiet");
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

// ---------------------------------------------------------------------------------------- inspect

#[test]
fn inspect_says_what_a_file_is() {
    let desk = Desk::with([("bad.csv", bad_rows())]);
    desk.put("notes.csv", "lorem,ipsum\n1,2\n");
    let shown = desk.call("inspect exports/bad.csv").succeeds();
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!(
        lines[..6],
        [
            "bad.csv",
            "  dialect  merged-daily",
            "  chart    spotify:daily",
            "  region   global",
            "  dates    2024-03-01 to 2024-03-01, 1 date",
            "  rows     19",
        ]
    );
    for problem in
        ["2 rows: wrong field count, the first in line 18", "1 row: no track, the first in line 11"]
    {
        assert!(shown.stdout.contains(&format!("  problem  {problem}")), "{problem} in {}", shown.stdout);
    }
    assert_eq!(shown.stderr, "");
    let refused = desk.call("inspect exports/bad.csv notes.csv");
    assert_eq!(refused.code, Some(3));
    assert!(refused.stdout.contains("merged-daily") && refused.stdout.contains("no dialect fits"));
    assert!(refused.stderr.contains("1 file"), "{}", refused.stderr);
    desk.call("inspect nowhere.csv").fails(3);
}

// ------------------------------------------------------------------------------------------ synth

#[test]
fn every_synthetic_dialect_is_read_back_whole() {
    let dialects = [
        "official-daily",
        "official-weekly",
        "official-old",
        "kaggle",
        "merged-weekly",
        "fycharts",
        "scraper",
        "kworb",
    ];
    for dialect in dialects {
        for packing in ["none", "gzip", "zstd"] {
            let desk = Desk::new();
            let synth = desk.call(&format!(
                "synth --output exports --dialect {dialect} --compression {packing} --regions 2 --days 28 \
                 --rows-per-chart 30 --tracks 90"
            ));
            let synth = synth.succeeds();
            assert_eq!(synth.stdout, "", "{dialect}");
            desk.run("--strict");
            let exports = desk.show("exports");
            let (files, rows) = (exports.len(), sum(&exports, "rows_used"));
            let wrote = if files == 1 { "wrote 1 file,".to_owned() } else { format!("wrote {files} files,") };
            assert!(synth.stderr.contains(&wrote), "{wrote} in {}", synth.stderr);
            let counted = synth.stderr.replace(',', "");
            assert!(counted.contains(&format!(" {rows} rows ")), "{rows} in {}", synth.stderr);
            let states: Vec<String> = pick(&desk.show("coverage"), "state");
            assert!(states.iter().all(|state| state == "observed"), "{dialect}: {states:?}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    let desk = Desk::new();
    for (folder, seed) in [("a", 7), ("b", 7), ("c", 8)] {
        desk.call(&format!("synth --output {folder} --seed {seed} --tracks 300 --regions 2")).succeeds();
    }
    let [a, b, c] = ["a", "b", "c"].map(|folder| tree(&desk.path(folder)));
    assert_eq!(a, b);
    assert_ne!(a, c);
}

#[test]
fn a_synthetic_world_that_cannot_be_is_wrong_usage() {
    for args in ["--dialect cuneiform", "--regions 100000", "--days 0", "--dialect kworb --layout one-file"] {
        let message = Desk::new().call(&format!("synth --output x {args}")).fails(2);
        assert!(!message.is_empty());
    }
}
