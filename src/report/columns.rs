//! Frames as compact columns: each distinct value once, and for each row which of them it has.

use std::collections::HashMap;
use std::hash::Hash;

use polars::prelude::*;
use serde_json::{Value, json};

use crate::error::Result;
use crate::tables::{Contract, Kind};

/// The largest whole number that a page's script can hold exactly; a larger one goes as text.
pub const EXACT: i64 = (1 << 53) - 1;

/// Some columns of a frame: `rows`, and for each column its name, kind and meaning, and either `values`
/// or `of` and `at`: the distinct values, and for each row the place of its value, −1 for none.
pub fn columns(contract: &Contract, frame: &DataFrame, names: &[&str]) -> Result<Value> {
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let column = frame.column(name)?;
        let field = contract.columns.iter().find(|field| field.name == *name);
        let mut encoded = match column.dtype() {
            DataType::String => shared(column.str()?.iter(), |text| json!(text)),
            DataType::Date => {
                let days = column.date()?.physical();
                json!({ "values": days.iter().collect::<Vec<Option<i32>>>() })
            }
            DataType::Boolean => {
                json!({ "values": column.bool()?.iter().map(|flag| flag.map(u8::from)).collect::<Vec<_>>() })
            }
            _ => numbers(&column.i64()?.iter().collect::<Vec<_>>()),
        };
        encoded["name"] = json!(name);
        encoded["kind"] = json!(field.map_or(Kind::String, |field| field.kind).word());
        encoded["about"] = json!(field.map_or("", |field| field.about));
        columns.push(encoded);
    }
    Ok(json!({ "rows": frame.height(), "columns": columns }))
}

/// Whole numbers, in the shorter of the two ways.
fn numbers(values: &[Option<i64>]) -> Value {
    let distinct: std::collections::HashSet<i64> = values.iter().flatten().copied().collect();
    match distinct.len() * 4 < values.len() {
        true => shared(values.iter().copied(), number),
        false => json!({ "values": values.iter().map(|value| value.map(number)).collect::<Vec<_>>() }),
    }
}

/// A number that a script can hold exactly, or its digits.
pub fn number(value: i64) -> Value {
    if (-EXACT..=EXACT).contains(&value) { json!(value) } else { json!(value.to_string()) }
}

/// Each distinct value once, in the order of first use.
fn shared<T: Copy + Eq + Hash>(
    values: impl Iterator<Item = Option<T>>,
    encode: impl Fn(T) -> Value,
) -> Value {
    let mut places: HashMap<T, i64> = HashMap::new();
    let (mut of, mut at) = (Vec::new(), Vec::new());
    for value in values {
        at.push(value.map_or(-1, |value| {
            *places.entry(value).or_insert_with(|| {
                of.push(encode(value));
                of.len() as i64 - 1
            })
        }));
    }
    json!({ "of": of, "at": at })
}

/// Rows of a frame by their places.
pub fn rows(frame: &DataFrame, places: &[usize]) -> Result<DataFrame> {
    let places = IdxCa::from_iter_values("".into(), places.iter().map(|&place| place as IdxSize));
    Ok(frame.take(&places)?)
}

/// A column of text.
pub fn text<'f>(frame: &'f DataFrame, name: &str) -> Result<&'f StringChunked> {
    Ok(frame.column(name)?.str()?)
}

/// A column of whole numbers.
pub fn whole<'f>(frame: &'f DataFrame, name: &str) -> Result<&'f Int64Chunked> {
    Ok(frame.column(name)?.i64()?)
}

/// A column of dates, as days since 1970.
pub fn days<'f>(frame: &'f DataFrame, name: &str) -> Result<&'f Int32Chunked> {
    Ok(frame.column(name)?.date()?.physical())
}

/// A table in a section: its columns, how many rows the published table has, and which are shown when
/// that is not all of them. `most` rows are shown, in the order of `places`.
pub fn section(
    contract: &Contract,
    frame: &DataFrame,
    names: &[&str],
    mut places: Vec<usize>,
    most: usize,
) -> Result<Value> {
    let total = places.len();
    places.truncate(most);
    let mut section = columns(contract, &rows(frame, &places)?, names)?;
    section["table"] = json!(contract.name);
    section["total"] = json!(total);
    Ok(section)
}
