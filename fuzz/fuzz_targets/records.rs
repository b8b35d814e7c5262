//! Any bytes, cut anywhere: the records are those of the `csv` crate.
#![no_main]

use chartledger::exports::records::{Fields, Place, Visit, for_each_record};
use libfuzzer_sys::fuzz_target;

#[derive(Default)]
struct Records(Vec<Vec<Vec<u8>>>);

impl Visit for Records {
    fn record<F: Fields>(&mut self, fields: &F, _: Place<'_>) {
        let cell = |index| fields.text(index).expect("a cell").into_owned();
        self.0.push((0..fields.len()).map(cell).collect());
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else { return };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // A mark that is left is the start of a block to us and the start of a file to the crate.
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return;
    }
    let (mut records, mut begin, mut end) = (Records::default(), 0, 0);
    while begin < bytes.len() && end < bytes.len() {
        end = (end + usize::from(*cut) + 1).min(bytes.len());
        begin += for_each_record(&bytes[begin..end], usize::MAX, b',', end == bytes.len(), &mut records).bytes;
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let expected: Vec<Vec<Vec<u8>>> = reader
        .byte_records()
        .map(|record| record.expect("bytes in memory").iter().map(<[u8]>::to_vec).collect())
        .collect();
    assert_eq!(records.0, expected);
});
