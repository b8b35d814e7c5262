//! What `show` and `schema` print, and what the published files are.

use std::fs::File;

use polars::prelude::*;
use serde_json::Value;

use crate::cli::{APRIL, BAD, march};
use crate::support::{Desk, id, merged_daily, pick, rows_of, tree};

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
    let published = tree(&desk.path("out/t/latest"));
    assert_eq!(published.len(), contracts.len() + 1, "the tables and run.json");
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
fn a_published_file_says_what_its_columns_are() {
    let desk = march();
    desk.run("");
    let schema = desk.call("schema --format json").succeeds().stdout;
    for contract in serde_json::from_str::<Vec<Value>>(&schema).expect("contracts") {
        let table = text(&contract["table"]);
        let file = File::open(desk.path(&format!("out/t/latest/{table}.parquet"))).expect("the table");
        let head = ParquetReader::new(file).get_metadata().expect("its head").key_value_metadata().clone();
        let head = head.expect("pairs");
        let said = |key: &str| {
            let pair = head.iter().find(|pair| pair.key == format!("chartledger.{key}"));
            pair.and_then(|pair| pair.value.clone()).unwrap_or_else(|| panic!("{table} has no {key}"))
        };
        assert_eq!((said("table"), said("about")), (table.clone(), text(&contract["about"])));
        assert_eq!(said("schema_version"), "1", "the changelog says what a higher one means");
        let parsed = |key: &str| serde_json::from_str::<Value>(&said(key)).expect("JSON");
        assert_eq!((&parsed("grain"), &parsed("columns")), (&contract["grain"], &contract["columns"]));
        for column in columns(&contract) {
            let counts = column["type"] == "Int64";
            assert_eq!(column["unit"].is_string(), counts, "{table}: {column}");
        }
    }
}

#[test]
fn every_table_is_sorted_by_its_grain() {
    let desk = march().and_pipeline(
        r#"
        [[ranking]]
        name = "reach"
        kind = "reach"
        tally = "song"
        [[record]]
        name = "best-day"
        kind = "best_date"
        entity = "song"
        [[pace]]
        name = "race"
        tally = "song"
        entities = ["seven", "like crazy"]
        "#,
    );
    let pipeline = std::fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", format!("claims = \"claims.toml\"\n{pipeline}"));
    let claim = "says = \"Seven is on top\"\nkind = \"most_streamed\"\nentity = \"seven\"\n";
    let claims = ["a", "b"].map(|id| format!("[[claim]]\nid = \"{id}\"\n{claim}"));
    desk.put("claims.toml", claims.concat());
    // A second URI of a song, another region, and a report that is wrong.
    let more = "2024-04-01|South Korea|1|D|Seven|Jung Kook, Latto|70\n2024-04-02|Global|1|D|Seven|Jung Kook, Latto|7";
    desk.put("exports/april.csv", merged_daily(&format!("{APRIL}\n{BAD}\n{BAD}\n{more}")));
    desk.put(
        "exports/regional-us-daily-2024-04-01.csv",
        format!(
            "rank,uri,artist_names,track_name,source,peak_rank,previous_rank,days_on_chart,streams\n\
             1,spotify:track:{},IU,Love wins all,EDAM,3,-1,1,500\n",
            id("C")
        ),
    );
    desk.put("exports/0-older.csv", merged_daily("2024-03-01|Global|1|A|Like Crazy|Jimin|89"));
    // Changes are of two runs.
    desk.run("--as-of 2024-03-01");
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

#[test]
fn a_narrow_table_keeps_who_and_how_much() {
    let desk = march();
    desk.run("");
    for width in [40, 60, 80] {
        let shown =
            desk.call(&format!("show totals t.toml --format table --width {width}")).succeeds().stdout;
        let (said, table) = shown.split_once("\n\n").unwrap_or(("", &shown));
        for column in ["entity", "streams"] {
            assert!(
                table.lines().next().is_some_and(|head| head.contains(column)) || said.contains(column),
                "{column} at {width}:\n{shown}"
            );
        }
    }
}
