//! Columns of whole numbers: packed by our own hand as polars packs them, and read back.

use std::path::Path;

use chartledger::frame::{Column, Frame};
use chartledger::parquet::{self, Memory, each_group};
use polars::prelude::PolarsResult;
use polars_arrow::array::{Array, PrimitiveArray};
use polars_arrow::datatypes::{ArrowSchema, Field};
use polars_parquet::parquet::error::ParquetError;
use polars_parquet::parquet::fallible_streaming_iterator;
use polars_parquet::write::{
    CompressedPage, CompressionOptions, Compressor, DynIter, DynStreamingIterator, Encoding, FileWriter,
    StatisticsOptions, Version, WriteOptions, ZstdLevel, array_to_columns, to_parquet_schema,
};
use proptest::collection::vec;
use proptest::prelude::*;

const NAME: &str = "numbers";

/// The file that polars makes of a column.
fn by_polars(array: &dyn Array, encoding: Encoding) -> Vec<u8> {
    let options = WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: CompressionOptions::Zstd(ZstdLevel::try_new(1).ok()),
        data_page_size: None,
    };
    let field = Field::new(NAME.into(), array.dtype().clone(), true);
    let schema = ArrowSchema::from_iter([(field.name.clone(), field)]);
    let types = to_parquet_schema(&schema).expect("a schema");
    let columns = array_to_columns(array.to_boxed(), types.fields()[0].clone(), options, &[encoding]);
    let pages = columns.expect("a column").into_iter().flatten();
    let pages = pages.map(|page| page.map_err(|error| ParquetError::OutOfSpec(error.to_string())));
    let pages: Vec<CompressedPage> = Compressor::new(pages, options.compression, Vec::new())
        .map(|page| page.map_err(polars::prelude::PolarsError::from))
        .collect::<PolarsResult<_>>()
        .expect("pages");
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new(&mut bytes, schema, options).expect("a writer");
    let pages = pages.iter().map(PolarsResult::Ok);
    let column = DynStreamingIterator::new(fallible_streaming_iterator::convert(pages));
    writer.write(array.len() as u64, DynIter::new(std::iter::once(Ok(column)))).expect("a group");
    writer.end(Some(Vec::new())).expect("an end");
    drop(writer);
    bytes
}

fn by_us(column: Column) -> Vec<u8> {
    let frame = Frame::new(column.len(), vec![column]).expect("a frame");
    parquet::to_bytes(&frame, Vec::new()).expect("bytes")
}

/// What is read back, with −1 where there is nothing.
fn read_back(bytes: Vec<u8>, whole: bool) -> Vec<i64> {
    let (mut all, mut memory) = (Vec::new(), Memory::default());
    each_group(bytes, &mut memory, |group| {
        if whole {
            let mut values: Vec<i32> = Vec::new();
            group.read(NAME, -1, &mut values)?;
            all.extend(values.into_iter().map(i64::from));
        } else {
            let mut values: Vec<i64> = Vec::new();
            group.read(NAME, -1, &mut values)?;
            all.extend(values);
        }
        Ok(())
    })
    .expect("a file of ours");
    all
}

/// Numbers as charts have them: some that repeat for long, some that grow, some from anywhere.
fn numbers(most: i64) -> impl Strategy<Value = Vec<i64>> {
    let run = (0..most, 1..40usize).prop_map(|(value, count)| vec![value; count]);
    let long = (0..most, 1..9000usize).prop_map(|(value, count)| vec![value; count]);
    let steps = (0..most, 1..600usize).prop_map(move |(from, count)| (from..most).take(count).collect());
    let any = vec(0..most, 1..700);
    vec(prop_oneof![8 => run, 1 => long, 3 => steps, 3 => any], 1..12).prop_map(|parts| parts.concat())
}

/// As many different ones as matter: none, few, more than a dictionary has, more than a type of 16 bits.
fn columns() -> impl Strategy<Value = Vec<i64>> {
    let most = [1, 2, 3, 300, 5000, 60_000, 70_000, i64::from(i32::MAX)];
    (0..most.len()).prop_flat_map(move |place| numbers(most[place]))
}

/// How a column is packed, as the pages of tables were before we packed them.
fn encoding(values: &[i64], steady: bool) -> Encoding {
    let width = values.iter().max().zip(values.iter().min()).map_or(0, |(most, least)| most - least);
    match width <= i64::from(u16::MAX) && !steady {
        true => Encoding::RleDictionary,
        false => Encoding::DeltaBinaryPacked,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_packed_as_polars_packs_them(values in columns(), steady: bool) {
        let encoding = encoding(&values, steady);
        let column = Column::numbers(NAME, values.iter().copied());
        let bytes = by_us(if steady { column.steady() } else { column });
        prop_assert!(bytes == by_polars(&PrimitiveArray::from_vec(values.clone()), encoding));
        prop_assert!(read_back(bytes, false) == values);

        let small: Vec<i32> = values.iter().map(|&value| value as i32).collect();
        let column = Column::small_numbers(NAME, small.iter().copied());
        let bytes = by_us(if steady { column.steady() } else { column });
        prop_assert!(bytes == by_polars(&PrimitiveArray::from_vec(small), encoding));
        prop_assert!(read_back(bytes, true) == values);
    }

    #[test]
    fn numbers_with_gaps_come_back(values in vec(proptest::option::of(0..90_000i64), 1..3000), steady: bool) {
        let column = Column::optional_numbers(NAME, values.iter().copied());
        let bytes = by_us(if steady { column.steady() } else { column });
        let expected: Vec<i64> = values.iter().map(|value| value.unwrap_or(-1)).collect();
        prop_assert!(read_back(bytes, false) == expected);
    }
}

/// Numbers over several pages and groups, whose distances take all 64 bits.
#[test]
fn many_numbers_come_back() {
    let far = |row: i64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64);
    let values: Vec<i64> = (0..700_000).map(|row| if row % 1000 < 500 { row } else { far(row) }).collect();
    assert!(read_back(by_us(Column::numbers(NAME, values.iter().copied())), false) == values);
    let listings: Vec<i32> = (0..700_000).map(|row| (far(row) & 0xFFF) as i32).collect();
    let bytes = by_us(Column::small_numbers(NAME, listings.iter().copied()));
    assert!(
        read_back(bytes.clone(), true) == listings.iter().map(|&code| i64::from(code)).collect::<Vec<_>>()
    );
    // Other readers see the same.
    let frame = parquet::decode(Path::new("listings.parquet"), bytes, None).expect("a frame");
    let read = frame.column(NAME).and_then(|column| column.i32().cloned()).expect("a column");
    assert!(read.iter().map(Option::unwrap_or_default).eq(listings));
}
