//! Whole numbers to pages, straight from a slice.
//!
//! The pages are those that `polars-parquet` makes of the same column, byte for byte. It asks of
//! each value whether it is null and copies the column several times on the way; here a column
//! without nulls is gone through as it lies in memory, and what repeats is looked at once for each
//! run and not once for each row.

use polars::prelude::PolarsResult;
use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::encoding::hybrid_rle::Encoder;
use polars_parquet::parquet::encoding::{bitpacked, uleb128, zigzag_leb128};
use polars_parquet::parquet::metadata::Descriptor;
use polars_parquet::parquet::page::{DataPage, DataPageHeader, DataPageHeaderV1, DictPage, Page};
use polars_parquet::parquet::schema::types::PrimitiveType;
use polars_parquet::parquet::statistics::PrimitiveStatistics;
use polars_parquet::write::Encoding;

use super::Whole;

/// What a page takes in memory before it is packed, about.
const PAGE: usize = 1 << 20;

/// The greatest distance between two values of which a dictionary is made.
const WIDEST: i64 = u16::MAX as i64;

/// Values that are packed by how far they lie apart, at once.
const BLOCK: usize = 256;

/// Values that are packed one by one before a run, at most.
const APART: usize = 1 << 13;

/// The pages of a column without nulls; `None` if it is not one that is packed here. Few different
/// values become places in a dictionary unless they are `steady`, others are packed by how far they
/// lie apart.
pub fn pages<T: Whole>(values: &[T], steady: bool, of: &PrimitiveType) -> Option<PolarsResult<Vec<Page>>> {
    let (least, most) = range(values)?;
    let width = most.into().checked_sub(least.into())?;
    match width <= WIDEST && !steady {
        true => dictionary(values, (least, most), of),
        false => Some(Ok(by_distance(values, of))),
    }
}

fn range<T: Whole>(values: &[T]) -> Option<(T, T)> {
    let first = *values.first()?;
    Some(values.iter().fold((first, first), |(least, most), &value| (value.min(least), value.max(most))))
}

/// How many rows of so many bytes go into a page.
fn rows_of_page(bytes: usize) -> usize {
    PAGE / (bytes + 1)
}

fn by_distance<T: Whole>(values: &[T], of: &PrimitiveType) -> Vec<Page> {
    let pages = values.chunks(rows_of_page(size_of::<T>())).map(|values| {
        let mut bytes = all_given(values.len());
        pack_distances(values, &mut bytes);
        data_page(bytes, values.len(), Encoding::DeltaBinaryPacked, of, range(values))
    });
    pages.collect()
}

/// Packs values by how far each lies from the one before.
fn pack_distances<T: Whole>(values: &[T], bytes: &mut Vec<u8>) {
    let Some((&first, rest)) = values.split_first() else { return };
    for number in [BLOCK, 1, values.len()] {
        put(number as u64, bytes);
    }
    let mut before: i64 = first.into();
    put_signed(before, bytes);
    // A last block that is not full is filled up with what was in it, as polars does.
    let mut distances = [0u64; BLOCK];
    for block in rest.chunks(BLOCK) {
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for (distance, &value) in distances.iter_mut().zip(block) {
            let value: i64 = value.into();
            let apart = value.wrapping_sub(before);
            (least, most) = (apart.min(least), apart.max(most));
            *distance = apart as u64;
            before = value;
        }
        distances.iter_mut().take(block.len()).for_each(|apart| *apart = apart.wrapping_sub(least as u64));
        put_signed(least, bytes);
        let bits = width(most.abs_diff(least));
        bytes.push(bits as u8);
        if bits > 0 {
            let from = bytes.len();
            bytes.resize(from + BLOCK / 8 * bits as usize, 0);
            bitpacked::encode(&distances, bits as usize, &mut bytes[from..]);
        }
    }
}

/// A dictionary and places in it; `None` if the values are too many to be worth one.
fn dictionary<T: Whole>(
    values: &[T],
    (least, most): (T, T),
    of: &PrimitiveType,
) -> Option<PolarsResult<Vec<Page>>> {
    let (from, to): (i64, i64) = (least.into(), most.into());
    let place = |value: T| (value.into() - from) as usize;
    const ABSENT: u32 = u32::MAX;
    let mut keys = vec![ABSENT; place(most) + 1];
    for same in values.chunk_by(|a, b| a == b) {
        keys[place(same[0])] = 0;
    }
    let mut words = Vec::new();
    let mut count = 0;
    for (value, key) in (from..=to).zip(&mut keys).filter(|(_, key)| **key != ABSENT) {
        words.extend_from_slice(&value.to_le_bytes()[..size_of::<T>()]);
        *key = count;
        count += 1;
    }
    if count as usize > T::FEW && f64::from(count) / values.len() as f64 >= 0.75 {
        return None;
    }
    let places = values.chunks(rows_of_page(size_of::<u32>())).map(|values| {
        let mut bytes = all_given(values.len());
        let bits = range(values).map_or(0, |(_, most)| width(keys[place(most)].into()));
        bytes.push(bits as u8);
        let mut packing = Packing { bytes, bits, apart: Vec::with_capacity(APART) };
        for same in values.chunk_by(|a, b| a == b) {
            packing.add(keys[place(same[0])], same.len())?;
        }
        let range = Some((least, most));
        Ok(data_page(packing.finish()?, values.len(), Encoding::RleDictionary, of, range))
    });
    let words = Page::Dict(DictPage::new(CowBuffer::Owned(words), count as usize, false));
    Some(std::iter::once(Ok(words)).chain(places).collect())
}

/// Keys being packed: those that repeat by their number, others one by one in so many bits each.
struct Packing {
    bytes: Vec<u8>,
    bits: u32,
    /// Keys that are not part of a run.
    apart: Vec<u32>,
}

impl Packing {
    /// Adds a key that comes `count` times. Keys one by one come in eights, so the first of a run
    /// may have to fill one up.
    fn add(&mut self, key: u32, mut count: usize) -> PolarsResult<()> {
        while count > 0 {
            if self.apart.len() == APART {
                self.pack_apart()?;
            }
            let room = APART - self.apart.len();
            let lacking = self.apart.len().next_multiple_of(8) - self.apart.len();
            if room > lacking && count > lacking + 8 {
                self.apart.extend(std::iter::repeat_n(key, lacking));
                self.pack_apart()?;
                u32::run_length_encode(&mut self.bytes, count - lacking, key, self.bits)?;
                return Ok(());
            }
            let taken = count.min(room);
            self.apart.extend(std::iter::repeat_n(key, taken));
            count -= taken;
        }
        Ok(())
    }

    fn pack_apart(&mut self) -> PolarsResult<()> {
        if !self.apart.is_empty() {
            u32::bitpacked_encode(&mut self.bytes, self.apart.iter().copied(), self.bits as usize)?;
            self.apart.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> PolarsResult<Vec<u8>> {
        self.pack_apart()?;
        Ok(self.bytes)
    }
}

/// The beginning of a page that says of all its rows that they have a value.
fn all_given(rows: usize) -> Vec<u8> {
    let mut run = Vec::new();
    put((rows as u64) << 1, &mut run);
    run.push(1);
    let mut bytes = (run.len() as u32).to_le_bytes().to_vec();
    bytes.append(&mut run);
    bytes
}

fn data_page<T: Whole>(
    bytes: Vec<u8>,
    rows: usize,
    encoding: Encoding,
    of: &PrimitiveType,
    range: Option<(T, T)>,
) -> Page {
    let statistics = PrimitiveStatistics {
        primitive_type: of.clone(),
        null_count: Some(0),
        distinct_count: None,
        min_value: range.map(|(least, _)| least),
        max_value: range.map(|(_, most)| most),
    };
    let header = DataPageHeaderV1 {
        num_values: rows as i32,
        encoding: encoding.into(),
        definition_level_encoding: Encoding::Rle.into(),
        repetition_level_encoding: Encoding::Rle.into(),
        statistics: Some(statistics.serialize()),
    };
    let descriptor = Descriptor { primitive_type: of.clone(), max_def_level: 0, max_rep_level: 0 };
    Page::Data(DataPage::new(DataPageHeader::V1(header), CowBuffer::Owned(bytes), descriptor, rows))
}

/// The bits that a number takes.
fn width(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

fn put(number: u64, bytes: &mut Vec<u8>) {
    let mut coded = [0; 10];
    let length = uleb128::encode(number, &mut coded);
    bytes.extend_from_slice(&coded[..length]);
}

fn put_signed(number: i64, bytes: &mut Vec<u8>) {
    let (coded, length) = zigzag_leb128::encode(number);
    bytes.extend_from_slice(&coded[..length]);
}
