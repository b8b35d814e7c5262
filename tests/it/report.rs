//! The report: one file, the same bytes for the same run, nothing in it that runs but its own scripts,
//! and no line in it that the ledger or the tables do not bear out.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::support::{Desk, HERE, merged_daily, rows_of, tree};

const PACE: &str = r#"
[[pace]]
name = "side-by-side"
tally = "song"
entities = ["A", "B"]
threshold = 100
"#;

const ROWS: &str = "2024-01-01|Global|1|a|A|x|60
    2024-01-01|Global|2|b|B|y|50
    2024-01-02|Global|1|a|A|x|60
    2024-01-02|Global|2|b|B|y|40
    2024-01-04|Global|1|b|B|y|70
    2024-01-04|Global|2|a|A|x|5";

fn desk() -> Desk {
    Desk::with([("a.csv", merged_daily(ROWS))]).and_pipeline(PACE)
}

/// The text of a report.
fn report(desk: &Desk, flags: &str) -> String {
    desk.call(&format!("report t.toml --output report.html {flags}")).succeeds();
    fs::read_to_string(desk.path("report.html")).expect("a report")
}

/// What a report's page is given to show.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once(r#"<script type="application/json" id="data">"#).expect("data");
    let (data, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(data).expect("JSON")
}

/// The values of a column of a section.
fn column(section: &Value, name: &str) -> Vec<Value> {
    let columns = section["columns"].as_array().expect("columns");
    let column = columns.iter().find(|column| column["name"] == name).expect(name);
    match (&column["values"], &column["at"]) {
        (Value::Array(values), _) => values.clone(),
        (_, Value::Array(at)) => at
            .iter()
            .map(|place| place.as_i64().and_then(|place| usize::try_from(place).ok()))
            .map(|place| place.map_or(Value::Null, |place| column["of"][place].clone()))
            .collect(),
        _ => panic!("{column}"),
    }
}

#[test]
fn a_run_has_one_report_byte_for_byte() {
    let desk = desk();
    desk.run("");
    let page = report(&desk, "");
    assert_eq!(report(&desk, "--threads 1"), page);
    let run = data(&page)["manifest"]["run"].as_str().expect("a run").to_owned();
    assert_eq!(report(&desk, &format!("--as-of-run {run}")), page);
    // Another run, of the same exports, differs in no figure.
    desk.run("--full");
    let (mut before, mut after) = (data(&page), data(&report(&desk, "")));
    for data in [&mut before, &mut after] {
        for key in ["about", "headline", "manifest"] {
            data[key].take();
        }
    }
    assert_eq!(before, after);
}

#[test]
fn its_figures_are_those_of_the_tables() {
    let desk = desk();
    desk.run("");
    let data = data(&report(&desk, ""));
    let shown = &data["milestones"];
    assert_eq!(shown["rows"].as_u64(), Some(desk.show("milestones").len() as u64));
    // Song A crosses 100 on its second date, song B on its third, after a date without an export.
    let race = &data["race"]["races"][0];
    assert_eq!(race["tally"], "song");
    let lines = race["lines"].as_array().expect("lines");
    let of = |id: &str| lines.iter().find(|line| line["entity"] == id).expect("a line");
    assert_eq!(of("A")["adds"], serde_json::json!([60, 60, 5]));
    assert_eq!(of("A")["steps"], serde_json::json!([1, 2]));
    assert_eq!((&of("A")["first"], &of("A")["until"]), (&Value::from(1), &Value::from(4)));
    assert_eq!(of("B")["adds"], serde_json::json!([50, 40, 70]));
    let crossed = of("B")["crossed"][0].as_array().expect("a milestone");
    assert_eq!((&crossed[0], &crossed[1]), (&Value::from(100), &Value::from(4)));
    for total in desk.show("totals").iter().filter(|total| total["tally"] == "song") {
        let adds = of(total["entity"].as_str().expect("a name"))["adds"].as_array().expect("sums").clone();
        let sum: i64 = adds.iter().filter_map(Value::as_i64).sum();
        assert_eq!(Some(sum), total["streams"].as_i64());
    }
    assert_eq!(data["pace"]["lines"].as_array().map(Vec::len), Some(2));
    let coverage = &data["coverage"]["scopes"][0];
    // Two dates observed, one missing, one observed.
    let states: Vec<i64> =
        coverage["runs"].as_array().expect("runs").iter().filter_map(|run| run[3].as_i64()).collect();
    assert_eq!(states, [0, 5, 0]);
    assert_eq!(coverage["counts"], serde_json::json!([3, 0, 0, 0, 0, 1]));
    let account = data["account"]["sums"].as_array().expect("sums");
    assert_eq!(account[0], serde_json::json!(["rows_read", 6]));
}

#[test]
fn a_line_that_does_not_follow_is_refused() {
    let desk = desk();
    desk.run("");
    // The run's own commit is asked, so that a later one does no harm.
    let before = report(&desk, "");
    desk.put("exports/b.csv", merged_daily("2024-01-05|Global|1|a|A|x|9"));
    let run = data(&before)["manifest"]["run"].as_str().expect("a run").to_owned();
    desk.run("");
    assert_eq!(report(&desk, &format!("--as-of-run {run}")), before);
    // A pipeline that counts otherwise since: the lines are not those of the tables.
    let pipeline = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", pipeline.replacen("thresholds = [100, 1_000]", "thresholds = [100, 120, 1_000]", 1));
    let error = desk.call("report t.toml --output report.html").fails(4);
    assert!(
        error.contains("its line and `milestones` differ: 120 is reached on 2024-01-04 with 90 before"),
        "{error}"
    );
    assert!(error.contains("the pipeline file has changed since the run; run the pipeline again"), "{error}");
    // Without the race there is nothing to derive.
    assert!(data(&report(&desk, "--no-race"))["race"].is_null());
    desk.put("t.toml", pipeline);
    // Another ledger is not asked.
    desk.call("run t.toml --ledger other --out elsewhere").succeeds();
    let error = desk.call("report t.toml --output report.html --ledger other").fails(2);
    assert!(error.contains("is not the one that run"), "{error}");
    // An edited table is not shown.
    let path = desk.path("out/t/latest/totals.parquet");
    let mut bytes = fs::read(&path).expect("a table");
    bytes[100] ^= 1;
    fs::write(&path, bytes).expect("written");
    let error = desk.call("report t.toml --output report.html").fails(4);
    assert!(error.contains("totals.parquet: it is not the file that the run wrote"), "{error}");
}

#[test]
fn a_report_says_what_it_lacks() {
    let desk = desk();
    let error = desk.call("report t.toml --output report.html").fails(2);
    assert!(error.contains("publish a run with `chartledger run`"), "{error}");
    desk.run("");
    let error = desk.call("report t.toml --output nowhere/report.html").fails(5);
    assert!(error.contains("cannot write nowhere/report.html"), "{error}");
    let error = desk.call("report t.toml --output exports").fails(5);
    assert!(error.contains("exports"), "{error}");
    desk.call("report t.toml --output report.html --as-of-run 1999").fails(2);
    // What is no file is written to and not replaced.
    let to_nothing = desk.call("report t.toml --output /dev/null").succeeds();
    assert!(to_nothing.stderr.contains("report     /dev/null"), "{}", to_nothing.stderr);
}

#[test]
fn titles_made_to_harm_stay_text() {
    let long = "x".repeat(300);
    let titles = [
        "<script>alert(1)</script>",
        "</script><script>alert(2)</script>",
        "=HYPERLINK(\"x\")",
        "정국",
        "محمد عبده",
        long.as_str(),
        "two\nlines",
        "<!--\u{2028}\u{2029}]]>",
        "{{script}}",
    ];
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record("title,rank,date,artist,url,region,chart,trend,streams".split(',')).expect("a header");
    for (rank, title) in titles.iter().enumerate() {
        let url = format!("https://open.spotify.com/track/{rank:0>22}");
        let (rank, streams) = ((rank + 1).to_string(), (1000 - rank).to_string());
        csv.write_record([
            title,
            rank.as_str(),
            "2024-01-01",
            title,
            &url,
            "Global",
            "top200",
            "NEW",
            &streams,
        ])
        .expect("a row");
    }
    let desk = Desk::with([("a.csv", csv.into_inner().expect("bytes"))]);
    let pipeline = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", pipeline.replace("\"a test\"", "\"</title><script>alert(3)</script>\""));
    desk.run("");
    let page = report(&desk, "");
    // Nothing but the three elements of the page itself.
    assert_eq!(page.matches("<script").count(), 3);
    assert_eq!(page.matches("</script>").count(), 3);
    assert_eq!(page.matches("<title>").count(), 1);
    assert!(page.contains("<title>&lt;/title&gt;&lt;script&gt;alert(3)&lt;/script&gt;</title>"));
    assert!(!page.contains('\u{2028}') && !page.contains('\u{2029}'));
    let (_, rest) = page.split_once("id=\"data\">").expect("data");
    let (block, _) = rest.split_once("</script>").expect("its end");
    assert!(!block.contains(['<', '>', '&']));
    // And what was escaped is what came.
    let shown = column(&data(&page)["milestones"], "entity");
    for title in titles {
        assert!(shown.contains(&Value::from(title)), "{title:?}");
    }
}

#[test]
fn nothing_runs_but_what_the_policy_names() {
    let desk = desk();
    desk.run("");
    let page = report(&desk, "");
    let between = |from: &str, to: &str| {
        let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("{from}"));
        rest.split_once(to).unwrap_or_else(|| panic!("{to}")).0
    };
    let policy = between("Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let hash = |text: &str| {
        use base64::Engine;
        let digest = Sha256::digest(text.as_bytes());
        format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(digest))
    };
    let style = hash(between("<style>", "</style>"));
    let library = hash(between("</script>\n<script>", "</script>"));
    let own = page.rsplit_once("<script>").and_then(|(_, rest)| rest.split_once("</script>"));
    let own = hash(own.expect("a script").0);
    assert!(policy.contains(&format!("style-src {style};")), "{policy}");
    assert!(policy.contains(&format!("script-src {library} {own};")), "{policy}");
    // Nothing of another place is named where a browser would go and get it.
    for word in [" src=", "<link", "<img", "<iframe", "@import", "url("] {
        assert!(!page.replace(&data(&page).to_string(), "").contains(word), "{word}");
    }
}

/// Weeks, counters, gaps and ties: every line follows from the ledger and agrees with the milestones.
#[test]
fn every_golden_case_has_a_report() {
    let golden = Path::new(HERE).join("tests/golden");
    let cases = fs::read_dir(&golden).expect("the cases");
    let cases = cases.map(|entry| entry.expect("a case").path());
    for case in cases.filter(|case| case.join("pipeline.toml").exists()) {
        let desk = Desk::new();
        for (seconds, (name, bytes)) in tree(&case).into_iter().enumerate() {
            desk.put(&name, bytes);
            desk.date(&name, seconds as u64);
        }
        desk.call("run pipeline.toml --quiet --ledger ledger --out out").succeeds();
        desk.call("report pipeline.toml --ledger ledger --out out --output report.html").succeeds();
        let page = fs::read_to_string(desk.path("report.html")).expect("a report");
        let races = data(&page)["race"]["races"].as_array().expect("races").len();
        let totals =
            rows_of(&desk.call("show totals pipeline.toml --out out --format json").succeeds().stdout);
        assert_eq!(races == 0, totals.is_empty(), "{}", case.display());
    }
}

/// The charting library is the release that its folder names, to the byte.
#[test]
fn the_vendored_library_is_its_release() {
    let folder = format!("{HERE}/src/report/page/vendor/uplot");
    let version = fs::read_to_string(format!("{folder}/VERSION")).expect("a version");
    let version = version.trim().strip_prefix("uplot ").expect("its name");
    let sums = fs::read_to_string(format!("{folder}/SHA256SUMS")).expect("sums");
    let mut checked = 0;
    for (due, file) in sums.lines().filter_map(|line| line.split_once("  ")) {
        let bytes = fs::read(format!("{folder}/{file}")).expect(file);
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, due, "{file}; `src/report/page/vendor/fetch` brings it back");
        checked += 1;
    }
    assert_eq!(checked, 3);
    let library = fs::read_to_string(format!("{folder}/uPlot.iife.min.js")).expect("the library");
    assert!(library.starts_with(&format!("/*! https://github.com/leeoniya/uPlot (v{version}) */")));
    assert!(!library.contains("</script") && !library.contains("setAttribute(\"style\""));
}

#[test]
fn a_run_publishes_its_report_where_the_pipeline_says_so() {
    let desk = desk();
    desk.run("");
    assert!(!desk.path("out/t/latest/report.html").exists());
    let desk = Desk::with([("a.csv", merged_daily(ROWS))])
        .and_pipeline(&format!("{PACE}\n[report]\npublish = true\n"));
    let ran = desk.run("");
    assert!(ran.stderr.contains("\nreport     out/t/latest/report.html, "), "{}", ran.stderr);
    let published = fs::read_to_string(desk.path("out/t/latest/report.html")).expect("a report");
    assert_eq!(report(&desk, ""), published, "the command gives the same bytes");
    assert!(!data(&published)["race"]["races"].as_array().expect("races").is_empty());
    let manifest = fs::read_to_string(desk.path("out/t/latest/run.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["report"]["hash"], blake3::hash(published.as_bytes()).to_hex().as_str());
    desk.call("verify t.toml").succeeds();
    // Nothing new publishes nothing, and an edited report is published anew.
    desk.run("");
    let path = fs::canonicalize(desk.path("out/t/latest")).expect("a run").join("report.html");
    fs::write(&path, published.replace("chartledger", "somebody")).expect("written");
    let said = desk.call("verify t.toml");
    assert_eq!(said.code, Some(4));
    let said = said.stdout + &said.stderr;
    assert!(said.contains("report.html: it is not the file that the run wrote"), "{said}");
    desk.run("");
    assert_ne!(fs::canonicalize(desk.path("out/t/latest")).expect("a run"), path.parent().expect("a folder"));
    let again = fs::read_to_string(desk.path("out/t/latest/report.html")).expect("a report");
    assert_eq!(report(&desk, ""), again);
    let error = desk.and_pipeline("[report]\npublish = true\nwhere = 1\n").call("run t.toml").fails(2);
    assert!(error.contains("unknown field `where`"), "{error}");
}

#[test]
fn a_headline_of_many_scopes_shows_the_best_of_each() {
    let rows: Vec<String> = ["Global", "South Korea", "Japan"]
        .iter()
        .flat_map(|region| {
            (1..=40).map(move |rank| format!("2024-01-01|{region}|{rank}|{rank}|T{rank}|x|{}", 500 - rank))
        })
        .collect();
    let desk = Desk::with([("a.csv", merged_daily(&rows.join("\n")))]);
    let ran = desk.run("");
    let shown = |region: &str| ran.stdout.lines().filter(|line| line.contains(region)).count();
    assert_eq!(
        ["global", "kr", "jp"].map(|region| shown(&format!("   {region}   "))),
        [16; 3],
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("and 72 more:"), "{}", ran.stdout);
    let data = data(&report(&desk, ""));
    let regions = column(&data["story"]["rows"], "region");
    assert_eq!(regions.iter().filter(|region| **region == "jp").count(), 16);
    assert_eq!(
        (&data["story"]["rows"]["total"], &data["story"]["rows"]["of_each"]),
        (&120.into(), &16.into())
    );
}
