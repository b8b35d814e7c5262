//! The bytes of an export, under the file name that the first byte chooses: every row is counted.
#![no_main]

use chartledger::exports::{self, Progress};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 8] = [
    "charts.csv",
    "top_200_daily.csv",
    "top_200_weekly.csv",
    "spotify_charts.csv",
    "weekly_merged.csv",
    "regional-global-daily-2024-03-20.csv",
    "regional-global-weekly-2024-03-21.csv",
    "kr_daily_2023-12-01.csv",
];

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let folder = std::env::temp_dir().join(format!("chartledger-fuzz-{}", std::process::id()));
    let path = folder.join(NAMES[usize::from(*first) % NAMES.len()]);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(&path, bytes).expect("a file");
    let found = exports::discover(&[path]).expect("one export");
    let decoded = exports::decode(found, &[], &Progress::default());
    let good: usize = decoded.pieces.iter().map(|piece| piece.rows.len()).sum();
    if let Ok(content) = &decoded.exports[0].content {
        assert_eq!(content.rows_read, (good + content.set_aside.len()) as u64);
    }
});
