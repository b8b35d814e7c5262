//! How long a whole run takes from nothing, ledger and all tables included, and how much memory.
//!
//! ```text
//! cargo bench --bench load             # 25.6 million rows in one CSV; 29,200 daily files
//! cargo bench --bench load -- --quick  # a twentieth of it
//! ```
//!
//! The data is made by `chartledger synth` and kept under `target/bench`. Every load is run three
//! times, the loads taking turns. Beside the seconds stands the time of counting the newlines of
//! the same files in cache: machines differ and are noisy, ratios less so.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const PROGRAM: &str = env!("CARGO_BIN_EXE_chartledger");
const ROUNDS: usize = 3;

struct Load {
    name: &'static str,
    exports: PathBuf,
    rounds: Vec<Round>,
}

struct Round {
    seconds: f64,
    newlines: f64,
    stages: BTreeMap<String, f64>,
    memory: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/bench").join(if quick { "quick" } else { "full" });
    let (days, two_years) = if quick { ("92", "37") } else { ("1826", "730") };
    let one = folder.join("one-csv");
    let many = folder.join("daily-files");
    synth(&one, &["--regions", "70", "--from", "2019-01-01", "--days", days, "--tracks", "20000"])?;
    let official = ["--dialect", "official-daily", "--regions", "40", "--from", "2022-01-01"];
    synth(&many, &[&official[..], &["--days", two_years, "--tracks", "8000"]].concat())?;

    let mut loads = [
        Load { name: "one merged CSV", exports: one, rounds: Vec::new() },
        Load { name: "daily files", exports: many, rounds: Vec::new() },
    ];
    for _ in 0..ROUNDS {
        for load in &mut loads {
            let round = measure(&root.join("benches/four-tables.toml"), &folder, &load.exports)?;
            load.rounds.push(round);
        }
    }
    for load in &mut loads {
        report(load);
    }
    Ok(())
}

/// Makes exports unless they are there already.
fn synth(exports: &Path, options: &[&str]) -> Result<(), Box<dyn Error>> {
    let done = exports.with_extension("done");
    if done.exists() {
        return Ok(());
    }
    let status = Command::new(PROGRAM).args(["synth", "--output"]).arg(exports).args(options).status()?;
    if !status.success() {
        return Err(format!("synth: {status}").into());
    }
    Ok(fs::write(done, "")?)
}

/// One run from nothing.
fn measure(pipeline: &Path, folder: &Path, exports: &Path) -> Result<Round, Box<dyn Error>> {
    let (ledger, out) = (folder.join("ledger"), folder.join("out"));
    for old in [&ledger, &out] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    let newlines = count_newlines(exports)?;
    let start = Instant::now();
    let status = Command::new(PROGRAM)
        .arg("run")
        .arg(pipeline)
        .arg("--exports")
        .arg(exports)
        .arg("--ledger")
        .arg(&ledger)
        .arg("--out")
        .arg(&out)
        .arg("--quiet")
        .status()?;
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("run: {status}").into());
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("four-tables/latest/run.json"))?)?;
    let stages = serde_json::from_value(manifest["seconds"].clone())?;
    let memory = manifest["peak_memory_bytes"].as_u64().unwrap_or(0);
    Ok(Round { seconds, newlines, stages, memory })
}

/// Seconds to count the newlines of every file, which also brings the files into the cache.
fn count_newlines(folder: &Path) -> Result<f64, Box<dyn Error>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let mut buffer = vec![0; 1 << 20];
    let mut count = || -> std::io::Result<f64> {
        let start = Instant::now();
        let mut newlines = 0usize;
        for file in &files {
            let mut file = fs::File::open(file)?;
            loop {
                match std::io::Read::read(&mut file, &mut buffer)? {
                    0 => break,
                    read => newlines += memchr::memchr_iter(b'\n', &buffer[..read]).count(),
                }
            }
        }
        std::hint::black_box(newlines);
        Ok(start.elapsed().as_secs_f64())
    };
    count()?;
    Ok(count()?)
}

fn report(load: &mut Load) {
    load.rounds.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let [best, .., worst] = &load.rounds[..] else { return };
    let median = &load.rounds[load.rounds.len() / 2];
    println!(
        "\n{}: {:.2} s (from {:.2} to {:.2}), {:.1} times a newline count of {:.2} s, {:.2} GB",
        load.name,
        median.seconds,
        best.seconds,
        worst.seconds,
        median.seconds / median.newlines,
        median.newlines,
        median.memory as f64 / 1e9,
    );
    let mut stages: Vec<_> = median.stages.iter().collect();
    stages.sort_by(|a, b| b.1.total_cmp(a.1));
    for (stage, seconds) in stages {
        println!("  {stage:<12} {seconds:>6.2} s {:>5.1} %", 100.0 * seconds / median.seconds);
    }
}
