//! The run itself: when, by what, from what, into what.

use serde_json::{Map, Value, json};

use super::Sources;

/// What the page is called.
pub fn title(sources: &Sources<'_>) -> String {
    let plan = sources.plan;
    if plan.description.is_empty() { plan.name.clone() } else { plan.description.clone() }
}

/// What stands at the top of the page.
pub fn about(sources: &Sources<'_>) -> Value {
    let manifest = sources.manifest;
    json!({
        "title": title(sources),
        "pipeline": sources.plan.name,
        "run": manifest["run"],
        "before": manifest["before"],
        "as_of": manifest["as_of"],
        "scopes": manifest["scopes"],
    })
}

/// What `run.json` says, but for its list of exports, which has a table of its own, and its seal.
pub fn section(sources: &Sources<'_>) -> Value {
    let mut said = Map::new();
    const KEYS: [&str; 14] = [
        "run",
        "before",
        "as_of",
        "counted_since",
        "chartledger",
        "program",
        "pipeline",
        "catalog",
        "claims",
        "ledger",
        "tables",
        "refused",
        "seconds",
        "peak_memory_bytes",
    ];
    for key in KEYS {
        said.insert(key.to_owned(), sources.manifest.get(key).cloned().unwrap_or(Value::Null));
    }
    Value::Object(said)
}
