//! A contract in words that programs read: for `schema --format json`, and for the head of every
//! published file, so that whoever opens a table elsewhere knows what its columns are.

use serde_json::{Value, json};

use super::{Contract, Field, Kind};

/// The version of the published tables. It goes up when a column is taken away or renamed, or means
/// something else than before; a column more does not raise it.
pub const SCHEMA_VERSION: u32 = 1;

/// What a table promises, as JSON.
pub fn describe(contract: &Contract) -> Value {
    json!({
        "table": contract.name,
        "about": contract.about,
        "grain": contract.grain,
        "columns": contract.columns.iter().map(|field| column(contract, field)).collect::<Vec<_>>(),
    })
}

/// The same as pairs for the head of a Parquet file.
pub fn metadata(contract: &Contract) -> Vec<(String, String)> {
    let columns: Vec<Value> = contract.columns.iter().map(|field| column(contract, field)).collect();
    let pairs = [
        ("table", contract.name.to_owned()),
        ("schema_version", SCHEMA_VERSION.to_string()),
        ("about", contract.about.to_owned()),
        ("grain", json!(contract.grain).to_string()),
        ("columns", Value::from(columns).to_string()),
    ];
    pairs.map(|(key, value)| (format!("chartledger.{key}"), value)).into()
}

fn column(contract: &Contract, field: &Field) -> Value {
    json!({
        "name": field.name,
        "type": field.kind.word(),
        "nullable": field.nullable,
        "unit": unit(contract, field),
        "about": field.about,
    })
}

/// What the numbers of a column count. A name has one unit in all tables; where figures of several
/// kinds share a column, another column of the table says which.
pub fn unit(contract: &Contract, field: &Field) -> Option<&'static str> {
    if field.kind != Kind::Int64 {
        return None;
    }
    Some(match field.name {
        "at_most" | "cumulative" | "cumulative_before" | "cutoff" | "highest_made" | "next_threshold"
        | "peak_streams" | "remaining" | "streams" | "streams_on_date" | "streams_song" | "streams_uri"
        | "streams_work" | "threshold" | "was_streams" => "streams",
        "needed_per_day" => "streams per day",
        "days_elapsed" | "days_held" | "record_days" => "days",
        "day_number" => "day, from 1",
        "appearances"
        | "at_one"
        | "current_streak"
        | "dates_observed"
        | "longest_spell_at_one"
        | "longest_streak"
        | "reported_appearances"
        | "times_at_peak"
        | "top10" => "dates",
        "spells_at_one" => "spells",
        "dense_rank" | "peak_rank" | "place" | "previous_rank" | "rank" | "reported_peak" | "was_rank" => {
            "rank, from 1"
        }
        "rank_change" => "ranks",
        "contributing_songs" => "songs",
        "milestones_made" => "milestones",
        "regions" | "topped" => "regions",
        "rows" | "rows_duplicate" | "rows_quarantined" | "rows_read" | "rows_superseded" | "rows_used" => {
            "rows"
        }
        "evidence_row" | "line" => "line or row, from 1",
        "position" => "place, from 1",
        "agreed" | "compared" | "differed" | "undecided" => "comparisons",
        _ if contract.columns.iter().any(|field| field.name == "unit") => "as the column unit says",
        "computed" | "difference" | "reported" => "as the column check says",
        _ => return None,
    })
}
