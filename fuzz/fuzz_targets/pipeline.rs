//! The text of a pipeline file: refused as wrong usage, or a plan.
#![no_main]

use chartledger::pipeline::{Overrides, Plan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = std::env::temp_dir().join(format!("chartledger-fuzz-{}.toml", std::process::id()));
    std::fs::write(&path, text).expect("a file");
    if let Err(error) = Plan::load(&path, Overrides::default()) {
        assert_eq!(error.exit_code(), 2);
    }
});
