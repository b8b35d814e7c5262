//! Data, styles and scripts into one page.
//!
//! Data stands in the page as JSON in a script element that is not run, with every character that could
//! end that element or mean something to an HTML parser written as an escape. The scripts put it into
//! the page as text only. The page's policy lets nothing else run and nothing be fetched: scripts and
//! styles are named by their hash.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page/page.html");

const STYLE: &str =
    concat!(include_str!("page/vendor/uplot/uPlot.min.css"), "\n", include_str!("page/style.css"));

const LIBRARY: &str = include_str!("page/vendor/uplot/uPlot.iife.min.js");

/// The page's own scripts: functions only, but for the last.
const SCRIPT: &str = concat!(
    include_str!("page/elements.js"),
    include_str!("page/values.js"),
    include_str!("page/grid.js"),
    include_str!("page/plot.js"),
    include_str!("page/story.js"),
    include_str!("page/race.js"),
    include_str!("page/pace.js"),
    include_str!("page/tables.js"),
    include_str!("page/coverage.js"),
    include_str!("page/account.js"),
    include_str!("page/main.js"),
);

/// The page of this title with this data.
pub fn page(title: &str, data: &Value) -> String {
    let script = format!("(() => {{\n\"use strict\";\n{SCRIPT}}})();\n");
    let policy = format!(
        "default-src 'none'; script-src {} {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(LIBRARY),
        hash(&script),
        hash(STYLE)
    );
    let data = script_safe(&data.to_string());
    let title = html_safe(title);
    let parts = [
        ("policy", policy.as_str()),
        ("title", &title),
        ("style", STYLE),
        ("data", &data),
        ("library", LIBRARY),
        ("script", &script),
    ];
    let mut page =
        String::with_capacity(PAGE.len() + data.len() + LIBRARY.len() + script.len() + STYLE.len());
    // Cut up before anything is put in, so that no data is taken for a place.
    for piece in PAGE.split("{{") {
        match piece.split_once("}}") {
            Some((name, rest)) => {
                let part = parts.iter().find(|(of, _)| *of == name);
                page.push_str(part.map_or("", |(_, part)| part));
                page.push_str(rest);
            }
            None => page.push_str(piece),
        }
    }
    page
}

/// How a policy names a script or a style.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// JSON that can stand in a script element.
fn script_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len() + json.len() / 64);
    for c in json.chars() {
        match c {
            // These stand in JSON only within strings.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

/// Text that can stand in an element or an attribute.
fn html_safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
