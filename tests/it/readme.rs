//! What the README shows is what the program prints, and what docs/exports.md maps is read.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Desk, HERE, Ran, pick, program};

/// The fenced blocks of a page of a kind.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(HERE).join(page)).expect("the page");
    let fence = format!("```{kind}\n");
    let after = text.split(fence.as_str()).skip(1);
    after.map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned()).collect()
}

/// Words as a shell takes them apart.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("a word").push(c),
        }
    }
    words
}

/// A text without what is another one in every run: names of runs, and how large `run.json` is.
fn steady(text: &str) -> String {
    let is_run = |word: &str| word.len() == 16 && word.ends_with('Z') && word.as_bytes()[8] == b'T';
    let line = |line: &str| {
        let line =
            line.split_once(" hashed, ").filter(|_| line.ends_with(" bytes")).map_or(line, |(said, _)| said);
        let words = line.split(' ').map(|word| if is_run(word) { "RUN" } else { word });
        words.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A copy of what a clone has, and the first run there.
fn clone() -> (TempDir, Ran) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for part in ["pipelines", "data"] {
        let copied = Command::new("cp").arg("-r").arg(Path::new(HERE).join(part)).arg(folder.path()).status();
        assert!(copied.expect("cp").success());
    }
    let ran = Ran::of(program(folder.path()).arg("run")).succeeds();
    (folder, ran)
}

#[test]
fn what_the_readme_shows_is_printed() {
    let (folder, first) = clone();
    let shown = blocks("README.md", "text");
    let (screen, rest) = shown.split_first().expect("the first screen");
    let summary = screen.lines().take_while(|line| !line.is_empty());
    for line in
        summary.filter(|line| !["ledger", "time", "stages", "publis"].iter().any(|of| line.starts_with(of)))
    {
        assert!(first.stderr.lines().any(|said| said == line), "{line} in {}", first.stderr);
    }
    let mut compared = 0;
    for block in rest.iter().filter(|block| block.starts_with("$ chartledger ")) {
        for part in block.split("$ chartledger ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            let mut args = words(command.trim());
            if ["show", "diff"].contains(&args[0].as_str()) {
                // As on a terminal that has room for it.
                args.extend(["--format".to_owned(), "table".to_owned()]);
            }
            let ran = Ran::of(program(folder.path()).args(args)).succeeds();
            if !expected.trim().is_empty() {
                let root = fs::canonicalize(folder.path()).expect("the folder");
                let said = ran.stdout.replace(&root.display().to_string(), "/home/you/chartledger");
                assert_eq!(steady(&said), steady(expected), "chartledger {command} prints\n{said}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 4, "{compared} commands");
}

#[test]
fn what_the_page_on_exports_maps_is_read() {
    let desk = Desk::with([("report.csv", blocks("docs/exports.md", "text").remove(0) + "\n")]);
    let desk = desk.and_pipeline(&blocks("docs/exports.md", "toml").remove(0));
    desk.run("--strict");
    assert_eq!(pick(&desk.show("chart_runs"), "chart entity streams"), ["label:daily | Some Song | 1204"]);
}
