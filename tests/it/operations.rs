//! What a job that nobody watches says of itself: logs, metrics, and the alarm that nothing comes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::cli::{APRIL, march};
use crate::support::{Desk, HERE, merged_daily};

// -------------------------------------------------------------------------------------------- logs

#[test]
fn every_line_of_a_log_names_the_run() {
    let desk = march();
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let names = |args: &str, code: i32| -> BTreeSet<String> {
        let ran = desk.call(&format!("run t.toml --log-format json {args}"));
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        let lines = ran.stderr.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
        let lines: Vec<Value> = lines.collect();
        assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
        lines.iter().map(|line| line["run"].as_str().expect("the run's name").to_owned()).collect()
    };
    let published = |names: BTreeSet<String>| {
        let run = fs::read_link(desk.path("out/t/latest")).expect("a link");
        let run = run.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        assert_eq!(names, [run].into());
    };
    published(names("", 0));
    desk.put("exports/april.csv", merged_daily(APRIL));
    published(names("-vv", 0));
    // A run that fails has a name of its own.
    let failed = names("--strict", 3);
    assert_eq!(failed.len(), 1);
    published(BTreeSet::from([desk_run(&desk)]));
    assert!(!failed.contains(&desk_run(&desk)));
}

fn desk_run(desk: &Desk) -> String {
    let text = fs::read_to_string(desk.path("out/t/latest/run.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    manifest["run"].as_str().expect("a name").to_owned()
}

#[test]
fn verbose_adds_lines_to_the_text_log_and_quiet_takes_all_but_warnings() {
    let desk = march();
    desk.put("exports/notes.csv", "lorem,ipsum\n1,2\n");
    let [usual, verbose] = ["", "--verbose"].map(|flags| desk.run(flags).stderr);
    for (text, has) in [(&usual, false), (&verbose, true)] {
        assert_eq!(text.contains(" INFO run begins pipeline=\"t\" run="), has, "{text}");
        assert!(text.contains(" WARN export refused export=\"notes.csv\""), "{text}");
    }
    let quiet = desk.run("--quiet").stderr;
    assert!(quiet.lines().all(|line| line.starts_with(" WARN ") && line.contains(" run=")), "{quiet}");
    desk.call("run t.toml --quiet --verbose").fails(2);
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let desk = march();
    let message = desk.call("run \u{1b}[31mred.toml").fails(2);
    assert!(message.contains("\u{FFFD}[31mred.toml") && !message.contains('\u{1b}'), "{message:?}");
}

#[test]
fn the_sample_units_are_as_systemd_wants_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let units = ["service", "timer"].map(|kind| {
        let text = fs::read_to_string(format!("{HERE}/docs/systemd/chartledger@.{kind}")).expect("a unit");
        let unit = folder.path().join(format!("chartledger@charts.{kind}"));
        fs::write(&unit, text.replace("/usr/local/bin/chartledger", env!("CARGO_BIN_EXE_chartledger")))
            .expect("a unit");
        unit
    });
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output() {
        Err(_) => println!("skipped: there is no systemd-analyze here"),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !said.contains("chartledger@"), "{said}");
        }
    }
    // And the command in it is one that the program knows.
    let desk = march();
    let service = fs::read_to_string(format!("{HERE}/docs/systemd/chartledger@.service")).expect("a unit");
    let start = service.split_once("ExecStart=/usr/local/bin/chartledger ").expect("a command").1;
    let command = start.split("\n#").next().expect("its lines").replace("\\\n", " ");
    let command = command
        .replace("/etc/chartledger/pipelines/%i.toml", "t.toml")
        .replace("/srv/charts", "exports")
        .replace("/var/lib/chartledger/", "")
        .replace("/var/lib/prometheus/node-exporter/chartledger-%i.prom", "m.prom")
        .replace("%i", "t");
    desk.call(command.trim()).succeeds();
    assert_eq!(value(&metrics(&desk), "last_run_success", &[]), Some(1.0));
}

// ----------------------------------------------------------------------------------------- metrics

type Samples = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// The text format of Prometheus, as strictly as its definition reads.
fn parse(text: &str) -> Samples {
    assert!(text.ends_with('\n'), "a line end at the end");
    let name_like = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let (mut samples, mut families) = (Samples::new(), BTreeSet::new());
    let mut family = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(name_like(name) && help.ends_with('.'), "{line}");
            assert!(families.insert(name.to_owned()), "the family {name} stands twice");
            assert_eq!(lines.next(), Some(format!("# TYPE {name} gauge").as_str()));
            assert!(
                lines.peek().is_some_and(|line| line.starts_with(&format!("{name}{{"))),
                "no sample of {name}"
            );
            name.clone_into(&mut family);
            continue;
        }
        let (name, rest) = line.split_once('{').expect("labels");
        assert_eq!(name, family, "a sample outside its family");
        let mut labels = BTreeMap::new();
        let mut rest = rest;
        loop {
            let (label, value) = rest.split_once("=\"").expect("a label");
            assert!(name_like(label), "{line}");
            let (mut text, mut chars) = (String::new(), value.char_indices());
            let end = loop {
                match chars.next().expect("the end of a value") {
                    (at, '"') => break at,
                    (_, '\\') => text.push(match chars.next().expect("an escape").1 {
                        'n' => '\n',
                        c @ ('\\' | '"') => c,
                        c => panic!("\\{c} in {line}"),
                    }),
                    (_, c) => text.push(c),
                }
            };
            assert!(labels.insert(label.to_owned(), text).is_none(), "{label} stands twice in {line}");
            match value[end + 1..].split_at(1) {
                (",", more) => rest = more,
                ("}", number) => {
                    let value = number.strip_prefix(' ').expect("one blank").parse().expect("a number");
                    let key = (name.strip_prefix("chartledger_").expect("our name").to_owned(), labels);
                    assert!(samples.insert(key, value).is_none(), "{line} stands twice");
                    break;
                }
                (other, _) => panic!("{other} in {line}"),
            }
        }
    }
    samples
}

fn metrics(desk: &Desk) -> Samples {
    parse(&fs::read_to_string(desk.path("m.prom")).expect("metrics"))
}

fn value(samples: &Samples, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let mut labels: BTreeMap<String, String> =
        labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    labels.insert("pipeline".to_owned(), "t".to_owned());
    samples.get(&(name.to_owned(), labels)).copied()
}

/// March of two regions, one of them with a name that needs care.
fn two_regions() -> Desk {
    let desk = march();
    let odd = "2024-03-01|q\"uo\\te|1|A|Like Crazy|Jimin|90\n2024-03-01|q\"uo\\te|2|B|Seven|Jung Kook|many";
    desk.put("exports/odd.csv", merged_daily(odd));
    desk
}

#[test]
fn metrics_tell_how_a_run_went() {
    let desk = two_regions();
    desk.run("--metrics m.prom --today 2024-03-05");
    let first = metrics(&desk);
    let one = |name: &str| value(&first, name, &[]).unwrap_or_else(|| panic!("{name} in {first:?}"));
    for (name, expected) in [
        ("last_run_success", 1.0),
        ("last_run_exit_code", 0.0),
        ("last_run_exports_found", 2.0),
        ("last_run_exports_new", 2.0),
        ("last_run_exports_refused", 0.0),
        ("last_run_rows_read", 6.0),
        ("last_run_months_written", 1.0),
    ] {
        assert_eq!(one(name), expected, "{name}");
    }
    for (fate, expected) in [("used", 5.0), ("quarantined", 1.0), ("duplicate", 0.0), ("superseded", 0.0)] {
        assert_eq!(value(&first, "ledger_rows", &[("fate", fate)]), Some(expected), "{fate}");
    }
    let age =
        |region| value(&first, "scope_freshness_days", &[("chart", "spotify:daily"), ("region", region)]);
    assert_eq!(age("global"), Some(3.0));
    let odd = desk.show("coverage").into_iter().map(|row| row["region"].as_str().expect("text").to_owned());
    let odd = odd.filter(|region| region != "global").collect::<BTreeSet<_>>();
    assert_eq!(odd.len(), 1);
    assert!(odd.iter().all(|region| region.contains('"') && region.contains('\\')), "{odd:?}");
    assert_eq!(age(odd.first().expect("a region")), Some(4.0));
    assert!(one("last_run_peak_memory_bytes") > 1e6 && one("last_run_duration_seconds") > 0.0);
    assert_eq!(one("last_success_timestamp_seconds"), one("last_run_timestamp_seconds"));
    let version = env!("CARGO_PKG_VERSION");
    let info = [("run", &*desk_run(&desk)), ("version", version)];
    assert_eq!(value(&first, "last_run_info", &info), Some(1.0));

    // A run that fails keeps the time of the last success, and says what it knows.
    let failed = desk.call("run t.toml --strict --metrics m.prom --today 2024-03-06");
    assert_eq!(failed.code, Some(3));
    let second = metrics(&desk);
    assert_eq!(value(&second, "last_run_success", &[]), Some(0.0));
    assert_eq!(value(&second, "last_run_exit_code", &[]), Some(3.0));
    let kept = value(&second, "last_success_timestamp_seconds", &[]);
    assert_eq!(kept, Some(one("last_success_timestamp_seconds")));
    assert!(value(&second, "last_run_timestamp_seconds", &[]) > kept);
    let global = [("chart", "spotify:daily"), ("region", "global")];
    assert_eq!(value(&second, "scope_freshness_days", &global), Some(4.0));
    assert_eq!(value(&second, "last_run_rows_read", &[]), None);
    let left = fs::read_dir(desk.path("")).expect("the desk").map(|entry| entry.expect("a file").file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".tmp-")));
}

#[test]
fn metrics_without_a_success_or_a_pipeline_say_so() {
    let desk = Desk::new();
    assert_eq!(desk.call("run t.toml --metrics m.prom").code, Some(3));
    let none = metrics(&desk);
    assert_eq!(value(&none, "last_run_success", &[]), Some(0.0));
    assert_eq!(value(&none, "last_success_timestamp_seconds", &[]), None);
    desk.put("t.toml", "name = ");
    assert_eq!(desk.call("run t.toml --metrics m.prom").code, Some(2));
    assert_eq!(value(&metrics(&desk), "last_run_exit_code", &[]), Some(2.0));
}

#[test]
fn a_pipeline_names_its_metrics_and_a_run_says_where_they_cannot_be_written() {
    let desk = march();
    let toml = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", format!("metrics = \"m.prom\"\n{toml}"));
    desk.run("");
    assert_eq!(value(&metrics(&desk), "last_run_success", &[]), Some(1.0));
    fs::create_dir(desk.path("folder")).expect("a folder");
    for place in ["folder", "nowhere/m.prom"] {
        let ran = desk.call(&format!("run t.toml --quiet --metrics {place}"));
        assert_eq!(ran.code, Some(5), "{}", ran.stderr);
        assert!(ran.stderr.contains("cannot write") && ran.stderr.contains(place), "{}", ran.stderr);
    }
    // As of a day of the past, how fresh the data is cannot be told.
    desk.run("--as-of 2024-03-01");
    assert!(!metrics(&desk).keys().any(|(name, _)| name == "scope_freshness_days"));
}

// --------------------------------------------------------------------------------------- freshness

#[test]
fn a_scope_that_is_too_old_exits_with_4_after_its_tables_are_published() {
    let desk = two_regions().and_pipeline("[freshness]\nmax_staleness = 3\n");
    desk.run("--today 2024-03-04");
    let message = desk.call("run t.toml --today 2024-03-05").code;
    assert_eq!(message, Some(4));
    desk.put("exports/april.csv", merged_daily(APRIL));
    let ran = desk.call("run t.toml --today 2024-04-06 --metrics m.prom");
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    for part in [
        "error: too old: spotify:daily global ends on 2024-04-01, 5 days ago, at most 3 allowed; ",
        "ends on 2024-03-01, 36 days ago, at most 3 allowed",
        "; the tables are published all the same, with what there is",
    ] {
        assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
    }
    assert!(ran.stdout.contains("most-streamed"), "the run reports as ever: {}", ran.stdout);
    assert_eq!(desk.show("exports").len(), 3);
    assert_eq!(value(&metrics(&desk), "last_run_exit_code", &[]), Some(4.0));
    // A night on which nothing comes is the one that it is for.
    assert_eq!(desk.call("run t.toml --quiet --today 2024-04-07").code, Some(4));
    desk.run("--as-of 2024-03-02 --today 2024-04-07");
}

#[test]
fn a_chart_may_have_a_staleness_of_its_own() {
    let desk = march().and_pipeline("[freshness]\nmax_staleness = 3\ncharts.\"spotify:daily\" = 9\n");
    desk.run("--today 2024-03-11");
    let message = desk.call("run t.toml --quiet --today 2024-03-12");
    assert!(message.stderr.contains("10 days ago, at most 9 allowed"), "{}", message.stderr);
    let only = march().and_pipeline("[freshness]\ncharts.\"kworb:daily\" = 0\n");
    only.run("--today 2030-01-01");
    only.run("--today 1999-01-01");
    march().and_pipeline("[freshness]\nmax_stale = 3\n").call("run t.toml --quiet").fails(2);
}

#[test]
fn a_copy_of_the_day_before_is_not_fresh() {
    let days = |count: u32| -> String {
        let same = |day: u32| if day == 9 { 8 } else { day };
        let line = |day: u32, rank: u32| {
            format!(
                "2024-03-0{day}|Global|{rank}|{rank}|Song {rank}|Jimin|{}\n",
                1000 - 20 * rank + same(day)
            )
        };
        (1..=count).flat_map(|day| (1..=12).map(move |rank| line(day, rank))).collect()
    };
    let desk =
        Desk::with([("a.csv", merged_daily(&days(9)))]).and_pipeline("[freshness]\nmax_staleness = 0\n");
    let ran = desk.call("run t.toml --quiet --today 2024-03-09");
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("ends on 2024-03-08, 1 day ago"), "{}", ran.stderr);
}
