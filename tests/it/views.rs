//! What people see: help texts, tables on the screen, names that mean harm, progress.
//!
//! `tests/golden/help` and `tests/golden/screen` hold every help text and some tables, letter by
//! letter; `CHARTLEDGER_BLESS=1 cargo test --release --test it views` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use unicode_width::UnicodeWidthStr;

use crate::cli::march;
use crate::support::{Desk, HERE, Ran, merged_daily, pick, program, rows_of};

/// Holds a text against the golden one, or writes it.
fn holds(file: &str, text: &str) {
    let path = Path::new(HERE).join("tests/golden").join(file);
    if std::env::var_os("CHARTLEDGER_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("its folder");
        fs::write(&path, text).expect("a blessed text");
    } else {
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert!(golden == text, "{file} is otherwise:\n{text}");
    }
}

// --------------------------------------------------------------------------------------- help

/// The help of a command, as it is where there is no terminal to fit.
fn help(words: &[String]) -> String {
    let mut command = program(Path::new(HERE));
    command.args(words).arg("--help").env_remove("COLUMNS");
    Ran::of(&mut command).succeeds().stdout
}

/// Every command by its words, the program itself first.
fn commands() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut place = 0;
    while let Some(words) = all.get(place).cloned() {
        let text = help(&words);
        let listed = text.split_once("\nCommands:\n").map_or("", |(_, after)| after);
        for line in listed.lines().take_while(|line| !line.is_empty()) {
            // Deeper lines go on with what the one above says.
            let Some(name) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) else { continue };
            let name = name.split_whitespace().next().expect("a name").to_owned();
            if name != "help" {
                all.push(words.iter().cloned().chain([name]).collect());
            }
        }
        place += 1;
    }
    all
}

#[test]
fn the_help_of_every_command_is_as_agreed() {
    let commands = commands();
    assert!(commands.contains(&vec!["ledger".to_owned(), "forget".to_owned()]), "{commands:?}");
    let mut pages = BTreeSet::new();
    for words in &commands {
        let page = format!("{}.txt", [&["chartledger".to_owned()], words.as_slice()].concat().join("-"));
        holds(&format!("help/{page}"), &help(words));
        pages.insert(page);
    }
    let there = fs::read_dir(Path::new(HERE).join("tests/golden/help")).expect("the golden help texts");
    let there = there.map(|entry| entry.expect("a text").file_name().to_string_lossy().into_owned());
    assert_eq!(there.collect::<BTreeSet<_>>(), pages, "a help text of a command that is gone, or none");
}

/// An example as a shell takes it apart, up to its redirection or its remark.
fn arguments(example: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let example = example.split("   ").next().unwrap_or_default();
    for c in example.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '>') => break,
            (None, ' ') if !word.is_empty() => words.push(std::mem::take(&mut word)),
            (None, ' ') => {}
            (_, c) => word.push(c),
        }
    }
    words
}

#[test]
fn every_command_has_examples_and_every_example_is_taken() {
    for words in commands() {
        let text = help(&words);
        let (_, examples) = text.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{words:?} has none"));
        let examples: Vec<&str> = examples.lines().take_while(|line| line.starts_with("  ")).collect();
        assert!(!examples.is_empty(), "{words:?}");
        for example in examples {
            let taken = arguments(example.trim());
            let (name, args) = taken.split_first().expect("a command");
            assert_eq!(name, "chartledger", "{example}");
            assert!(args.starts_with(&words) || words.is_empty(), "{example} is none of {words:?}");
            // Help is given only where all that stands before it is understood.
            let mut command = program(Path::new(HERE));
            let asked =
                if args[0] == "help" { args.to_vec() } else { [args, &["--help".to_owned()]].concat() };
            Ran::of(command.args(asked)).succeeds();
        }
    }
}

#[test]
fn completions_and_manual_know_every_command() {
    let commands = commands();
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = desk.call(&format!("completions {shell}")).succeeds().stdout;
        for words in &commands {
            assert!(words.iter().all(|word| script.contains(word.as_str())), "{words:?} for {shell}");
        }
        assert!(script.contains("as-of-run"), "{shell}");
    }
    desk.call("man pages").succeeds();
    for words in &commands {
        let page = format!("pages/{}.1", [&["chartledger".to_owned()], words.as_slice()].concat().join("-"));
        let text = fs::read_to_string(desk.path(&page)).unwrap_or_else(|_| panic!("no {page}"));
        assert!(text.contains(".SH NAME") && text.contains("Examples:"), "{page}");
    }
    assert!(desk.call("man").succeeds().stdout.contains(".TH chartledger 1"));
}

// -------------------------------------------------------------------------------------- tables

#[test]
fn tables_on_the_screen_are_as_agreed() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let call = |args: &[&str]| {
        let mut command = program(Path::new(HERE));
        Ran::of(command.args(args).args(["--out", &out.path().join("out").to_string_lossy()])).succeeds()
    };
    let ledger = out.path().join("ledger");
    let ran = call(&["run", "--ledger", &ledger.to_string_lossy(), "--as-of", "2024-03-20"]);
    holds("screen/run.txt", &ran.stdout);
    let tables = [
        ("rankings", "rankings --ranking best-year-to-1b --width 100"),
        ("rankings-narrow", "rankings --ranking best-year-to-1b --width 60"),
        ("rankings-whole", "rankings --ranking best-year-to-1b"),
        ("milestones", "milestones --entity seven --width 100"),
        ("one-total", "totals --entity 정국 --window 2024 --width 80"),
        ("chosen", "totals --columns entity,window,streams,remaining --limit 5 --width 80"),
        ("claims", "claims --limit 3 --width 100"),
        ("first", "rankings --ranking first-to-1b-in-year --columns rank,entity,value,unit --width 80"),
    ];
    for (name, args) in tables {
        let args: Vec<&str> =
            ["show", "--format", "table"].into_iter().chain(args.split_whitespace()).collect();
        let shown = call(&args).stdout;
        if let Some(width) = args.iter().position(|arg| *arg == "--width") {
            let width: usize = args[width + 1].parse().expect("a width");
            assert!(shown.lines().all(|line| line.width() <= width), "{name}:\n{shown}");
        }
        holds(&format!("screen/{name}.txt"), &shown);
    }
}

#[test]
fn a_wide_name_takes_its_width_and_a_long_one_is_cut() {
    let long = "Love ".repeat(60);
    let rows = format!(
        "2024-03-01|Global|1|A|사랑해 그리고 기억해|정국|900\n2024-03-01|Global|2|B|{}|IU|800",
        long.trim()
    );
    let desk = Desk::with([("a.csv", merged_daily(&rows))]);
    desk.run("");
    let shown = desk.call("show chart_runs t.toml --columns entity,streams --format table --width 40").stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines.iter().all(|line| line.width() == 40), "{shown}");
    assert!(lines[2].contains("사랑해 그리고 기억해") && lines[3].contains("Love Love Lo"), "{shown}");
    let whole = desk.call("show chart_runs t.toml --columns entity,streams --format table").stdout;
    assert!(whole.contains(long.trim()), "nothing is cut where there is no screen");
}

#[test]
fn rows_are_chosen_by_any_column_and_sorted() {
    let desk = march();
    desk.put(
        "catalog/artists.toml",
        "[[artist]]\nid = \"jung-kook\"\nname = \"Jung Kook\"\naliases = [\"정국\"]\n",
    );
    let pipeline = fs::read_to_string(desk.path("t.toml")).expect("the pipeline");
    desk.put("t.toml", format!("{pipeline}\n[catalog]\npath = \"catalog\"\n"));
    desk.run("");
    let show = |args: &str, columns: &str| {
        pick(&rows_of(&desk.call(&format!("show {args} --format json")).succeeds().stdout), columns)
    };
    let songs = "totals t.toml --tally song";
    assert_eq!(show(&format!("{songs} --where streams>=1_000"), "entity"), ["Seven"]);
    assert_eq!(
        show(&format!("{songs} --where streams<1000 --where entity!=seven"), "entity"),
        ["Like Crazy"]
    );
    assert_eq!(show(&format!("{songs} --sort streams"), "streams"), ["170", "1260"]);
    assert_eq!(show(&format!("{songs} --sort streams --desc --limit 1"), "streams"), ["1260"]);
    assert_eq!(show(&format!("{songs} --where last_on>2024-03-02"), "entity").len(), 0);
    assert_eq!(show("milestones t.toml --tally song --since 2024-03-02", "entity threshold").len(), 3);
    assert_eq!(show("milestones t.toml --tally song --until 2024-03-01", "entity threshold").len(), 0);
    assert_eq!(show("totals t.toml --entity 정국", "entity"), ["Jung Kook"]);
    assert_eq!(show(&format!("{songs} --artist 정국"), "entity"), ["Seven"]);
    assert_eq!(show("credits t.toml --artist Latto", "name"), ["Jung Kook", "Latto"]);
    for (args, said) in [
        ("--where streams=many", "streams is a number"),
        ("--where peak_on=spring", "a date such as"),
        ("--where steams=1", "did you mean streams"),
        ("--where streams", "has none of ="),
        ("--sort nothing", "has no column `nothing`"),
    ] {
        let message = desk.call(&format!("show totals t.toml {args}")).fails(2);
        assert!(message.contains(said), "{message}");
    }
    for (args, said) in [
        ("--entity jungkok", "did you mean Jung Kook?"),
        ("--artist lato", "did you mean Latto?"),
        ("--window 2023", "did you mean 2024?"),
        ("--where entity=svn", "no row has `svn`"),
    ] {
        let answered = desk.call(&format!("show totals t.toml {args}")).succeeds().stderr;
        assert!(answered.contains(said), "{args}: {answered}");
    }
    let none = desk.call("show milestones t.toml --threshold 7").succeeds();
    assert!(none.stderr.contains("there is 100, 1000"), "{}", none.stderr);
}

#[test]
fn a_single_row_that_is_too_wide_stands_upright() {
    let desk = march();
    desk.run("");
    let shown = desk.call("show totals t.toml --entity seven --format table --width 50").succeeds().stdout;
    assert!(shown.contains("\n streams              1,260\n"), "{shown}");
    let nobody = desk.call("show totals t.toml --entity nobody --format table --width 50").succeeds();
    assert_eq!(nobody.stdout, "no rows\n");
}

// ------------------------------------------------------------------------------- hostile names

/// Titles that want to be something else than text: a script, a formula, a command to the screen.
fn hostile_titles() -> Vec<String> {
    let mut titles: Vec<String> = [
        "<script>alert(1)</script>",
        "=HYPERLINK(\"x\")",
        "＝1+1",
        "@SUM(1)",
        "+44",
        "-",
        "정국 · أغنية",
        "two\nlines\r\nand three",
        "\u{1b}[31mred\u{7}\u{9b}2J\u{90}q\u{9c}",
        "\u{202e}desrever\u{2066}x\u{2028}y",
        "![img](javascript:alert`1`) *b* _i_ ~s~ | \\| &lt;",
    ]
    .map(str::to_owned)
    .into();
    titles.push("ㅋ".repeat(300));
    titles
}

fn hostile() -> Desk {
    let titles = hostile_titles();
    let rows: Vec<String> = titles
        .iter()
        .enumerate()
        .map(|(place, title)| {
            let (title, rank) = (title.replace('\n', "¶").replace('|', "¦"), place + 1);
            format!("2024-03-01|Global|{rank}|T{rank}|{title}|정국|{}", 1000 - place)
        })
        .collect();
    let csv = merged_daily(&rows.join("\n")).replace('¶', "\n").replace('¦', "|");
    let desk = Desk::with([("hostile\u{1b}[2J.csv".replace('\u{1b}', "e"), csv)]);
    desk.run("--strict");
    desk
}

fn steers(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn no_title_steers_a_terminal_in_any_format() {
    let desk = hostile();
    let calls = [
        "show chart_runs t.toml --format table",
        "show chart_runs t.toml --format table --width 60",
        "show chart_runs t.toml --limit 1 --sort entity --format table --width 60",
        "show chart_runs t.toml --format markdown",
        "show chart_runs t.toml --format json",
        "show chart_runs t.toml --format ndjson",
        "show totals t.toml --entity x --format json",
        "history t.toml --format table",
        "explain t.toml --entity - --total",
        "explain t.toml --entity - --total --format json",
        "catalog check t.toml --format table",
        "inspect exports",
        "run t.toml --full",
        "run t.toml --full --log-format json",
    ];
    for call in calls {
        let ran = desk.call(call);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.chars().any(steers), "{call}: {text:?}");
        }
    }
    let tried = desk.call("show totals t.toml --entity \u{1b}[2J\u{202e}").succeeds();
    assert!(!tried.stderr.chars().any(steers), "{:?}", tried.stderr);
    let narrow = desk.call("show chart_runs t.toml --format table --width 60").succeeds().stdout;
    assert!(narrow.lines().all(|line| line.width() <= 60), "{narrow}");
}

#[test]
fn formats_for_programs_keep_every_title_as_it_is() {
    let desk = hostile();
    let titles = sorted(hostile_titles());
    assert_eq!(sorted(pick(&desk.show("chart_runs"), "entity")), titles);
    let lines = desk.call("show chart_runs t.toml --format ndjson").succeeds().stdout;
    assert_eq!(lines.lines().count(), titles.len());
    let names = lines.lines().map(|line| pick(&rows_of(&format!("[{line}]")), "entity").remove(0));
    assert_eq!(sorted(names.collect()), titles);
    let csv = desk.call("show chart_runs t.toml --columns entity").succeeds();
    let mut reader = csv::Reader::from_reader(csv.stdout.as_bytes());
    let names = reader.records().map(|record| record.expect("a row")[0].to_owned());
    assert_eq!(sorted(names.collect()), titles);
    assert!(csv.stderr.contains("5 cells begin like a formula"), "{}", csv.stderr);
}

#[test]
fn no_title_is_a_formula_in_a_spreadsheet() {
    let desk = hostile();
    let text = desk.call("show chart_runs t.toml --columns entity,artists,streams --format spreadsheet");
    let text = text.succeeds().stdout;
    let rows = text.strip_prefix('\u{feff}').expect("the mark of UTF-8");
    let mut reader = csv::Reader::from_reader(rows.as_bytes());
    let mut named = BTreeSet::new();
    for record in reader.records() {
        let record = record.expect("a row");
        let title = record[0].to_owned();
        assert!(
            !title.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']),
            "{title:?}"
        );
        assert!(!title.chars().any(|c| steers(c) || c == '\n'), "{title:?}");
        assert!(record[2].parse::<i64>().is_ok(), "numbers stay numbers");
        named.insert(title);
    }
    for title in [
        "'=HYPERLINK(\"x\")",
        "'＝1+1",
        "'@SUM(1)",
        "'+44",
        "'-",
        "정국 · أغنية",
        "<script>alert(1)</script>",
    ] {
        assert!(named.contains(title), "{title} in {named:?}");
    }
}

#[test]
fn no_title_is_markup_in_markdown() {
    let desk = hostile();
    let shown =
        desk.call("show chart_runs t.toml --columns entity,streams --format markdown").succeeds().stdout;
    assert_eq!(shown.lines().count(), 2 + hostile_titles().len());
    for title in [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "!\\[img\\](javascript:alert\\`1\\`) \\*b\\* \\_i\\_ \\~s\\~ \\| \\\\\\| &amp;lt;",
        "정국 · أغنية",
    ] {
        assert!(shown.contains(&format!("| {title} |")), "{title} in {shown}");
    }
}

// ---------------------------------------------------------------------------- on a real terminal

/// A call on a terminal of 80 columns and 12 rows, by `script`; `None` where that is not installed.
fn on_a_terminal(desk: &Desk, before: &str, args: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_chartledger");
    let line = format!("stty cols 80 rows 12; {before} {program} {args}");
    let typescript = desk.path("typescript");
    let mut command = Command::new("script");
    command.current_dir(desk.path("")).args(["-qec", &line]).arg(&typescript);
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            let text = fs::read(typescript).expect("what was on the screen");
            Some(String::from_utf8_lossy(&text).into_owned())
        }
        Err(error) => {
            eprintln!("skipped: no `script` to make a terminal ({error}), so none was looked at");
            None
        }
    }
}

#[test]
fn on_a_terminal_tables_are_fitted_and_long_ones_are_paged() {
    let desk = march();
    desk.run("");
    let body = |text: &str| -> Vec<String> {
        let lines =
            text.lines().filter(|line| !line.starts_with("Script ")).map(|line| line.trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let paged = "PAGER='sed s/^/P:/'";
    let Some(long) = on_a_terminal(&desk, paged, "show credits t.toml") else { return };
    assert!(body(&long).iter().all(|line| line.width() <= 82), "{long}");
    let schema = on_a_terminal(&desk, paged, "show totals t.toml --no-pager").expect("a terminal");
    assert!(body(&schema).iter().all(|line| line.width() <= 80 && !line.starts_with("P:")), "{schema}");
    let upright = "show totals t.toml --entity seven";
    let long = on_a_terminal(&desk, paged, upright).expect("a terminal");
    assert!(body(&long).len() > 12 && body(&long).iter().all(|line| line.starts_with("P:")), "{long}");
    let short = on_a_terminal(&desk, paged, "show totals t.toml --columns entity").expect("a terminal");
    assert!(body(&short).iter().all(|line| !line.starts_with("P:")), "a short one is not: {short}");
    let missing = on_a_terminal(&desk, "PAGER=no-such-pager", upright).expect("a terminal");
    assert!(missing.contains("1,260"), "{missing}");
    let csv = on_a_terminal(&desk, paged, "show totals t.toml --columns entity --format csv").expect("one");
    assert!(body(&csv).contains(&"entity".to_owned()), "{csv}");
}

#[test]
fn progress_is_a_bar_on_a_terminal_lines_in_a_log_and_nothing_in_a_pipe() {
    let desk = Desk::new();
    // Enough for a stage to last longer than a bar takes to be drawn, on one thread.
    desk.call("synth --output exports --days 900 --regions 4 --quiet").succeeds();
    let run = |flags: &str| format!("--threads 1 run t.toml --full {flags}");
    if let Some(screen) = on_a_terminal(&desk, "", &run("")) {
        for part in ["decode", " rows, ", "B/s", "left", "%"] {
            assert!(screen.contains(part), "{part} in {screen:?}");
        }
        let after = screen.rsplit('\r').next().expect("what stands last");
        assert!(!after.contains("left"), "the bar is taken away: {screen:?}");
    }
    let quiet = on_a_terminal(&desk, "", &run("--quiet")).unwrap_or_default();
    // The recording begins with the command, whose path may hold anything.
    assert!(!quiet.contains("B/s"), "{quiet:?}");
    let piped = desk.call(&run("")).succeeds();
    assert!(!piped.stderr.contains("/s") && !piped.stderr.contains('\r'), "{}", piped.stderr);
    for flags in ["--log-format json", "--verbose"] {
        let logged = desk.call(&run(&format!("{flags} --progress-every 0.01"))).succeeds().stderr;
        let lines: Vec<&str> = logged.lines().filter(|line| line.contains("under way")).collect();
        for part in ["fold", "rows_per_second", "bytes_per_second", "percent", "seconds_left"] {
            assert!(lines.iter().any(|line| line.contains(part)), "{part} with {flags} in {logged}");
        }
        let never = desk.call(&run(&format!("{flags} --progress-every 0"))).succeeds().stderr;
        assert!(!never.contains("under way"), "{never}");
    }
}

/// Where the golden texts of this file are.
pub const FOLDERS: [&str; 2] = ["help", "screen"];
