//! Rows to and from the words of the wire.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{
    DataType as Arrow, Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use serde_json::Value;

use crate::problem::{Kind, Problem};
use crate::wire::{Sent, Values};

/// The batches of an answer, which is a stream in Arrow's format.
pub fn batches(data: &[u8]) -> Result<Vec<RecordBatch>, Problem> {
    let broken = |error| Problem::new(Kind::Failed, format!("the server answered with broken rows: {error}"));
    if data.is_empty() {
        return Ok(Vec::new());
    }
    let reader = StreamReader::try_new(Cursor::new(data), None).map_err(broken)?;
    reader.map(|batch| batch.map_err(broken)).collect()
}

/// The columns of a batch.
pub fn columns(batch: &RecordBatch) -> Result<Vec<Vec<Value>>, Problem> {
    batch.columns().iter().map(column).collect()
}

fn column(array: &ArrayRef) -> Result<Vec<Value>, Problem> {
    macro_rules! numbers {
        ($kind:ty) => {
            array.as_primitive::<$kind>().iter().map(|value| value.map(i64::from).into()).collect()
        };
    }
    macro_rules! texts {
        ($array:expr) => {
            $array.iter().map(Value::from).collect()
        };
    }
    Ok(match array.data_type() {
        Arrow::Null => vec![Value::Null; array.len()],
        Arrow::Boolean => array.as_boolean().iter().map(Value::from).collect(),
        Arrow::Int8 => numbers!(Int8Type),
        Arrow::Int16 => numbers!(Int16Type),
        Arrow::Int32 => numbers!(Int32Type),
        Arrow::Int64 => numbers!(Int64Type),
        Arrow::Date32 => numbers!(Date32Type),
        Arrow::Decimal128(_, 0) => {
            let narrow = |value: i128| {
                i64::try_from(value)
                    .map_err(|_| Problem::new(Kind::Overflow, format!("{value} leaves 64 bits")))
            };
            let values = array.as_primitive::<Decimal128Type>().iter();
            values.map(|value| Ok(value.map(narrow).transpose()?.into())).collect::<Result<_, Problem>>()?
        }
        Arrow::Utf8 => texts!(array.as_string::<i32>()),
        Arrow::LargeUtf8 => texts!(array.as_string::<i64>()),
        Arrow::Utf8View => texts!(array.as_string_view()),
        other => {
            return Err(Problem::new(Kind::Failed, format!("the server answered with a column of {other}")));
        }
    })
}

/// Rows that were sent along, as a stream in Arrow's format and a schema in Spark's words.
pub fn relation(sent: Vec<Sent>) -> Result<(Vec<u8>, String), Problem> {
    let mut words = Vec::with_capacity(sent.len());
    let mut columns: Vec<(String, ArrayRef)> = Vec::with_capacity(sent.len());
    for Sent { name, values } in sent {
        let (word, array): (_, ArrayRef) = match values {
            Values::Long(values) => ("BIGINT", Arc::new(Int64Array::from(values))),
            Values::Text(values) => ("STRING", Arc::new(StringArray::from(values))),
        };
        words.push(format!("`{name}` {word}"));
        columns.push((name, array));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .map_err(Problem::protocol)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(Problem::protocol)?;
    writer.write(&batch).map_err(Problem::protocol)?;
    Ok((writer.into_inner().map_err(Problem::protocol)?, words.join(", ")))
}
