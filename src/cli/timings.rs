//! `chartledger run --timings`: what each stage took.

use std::io::{self, Write};
use std::time::Duration;

use chartledger::run::{Report, Spent};
use comfy_table::{Cell, CellAlignment};
use tracing::info;

use super::text;

/// Says it on standard error, where the summary is, or in a log that is for programs.
pub fn show(report: &Report, log_only: bool) -> anyhow::Result<()> {
    if log_only {
        for spent in &report.timings.0 {
            info!(
                stage = spent.stage,
                seconds = spent.time.as_secs_f64(),
                processor_seconds = spent.processor.as_secs_f64(),
                rows = spent.rows,
                bytes = spent.bytes,
                "timing"
            );
        }
        for (part, time) in report.efforts {
            info!(stage = "decode", part, thread_seconds = time.as_secs_f64(), "timing");
        }
        return Ok(());
    }
    let mut out = io::stderr().lock();
    write!(out, "\n{}", table(&report.timings.0))?;
    if let Some(line) = decode(&report.efforts) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "threads: processor time by time; what waits for a disk keeps none busy")?;
    Ok(())
}

/// The stages, a line each, and all of them together.
fn table(stages: &[Spent]) -> String {
    let mut table = text::table(None);
    let head = ["stage", "seconds", "threads", "rows", "rows/s", "bytes", "bytes/s"];
    table.set_header(head.into_iter().enumerate().map(|(place, name)| aligned(place, name.to_owned())));
    let all = Spent {
        stage: "all",
        time: stages.iter().map(|spent| spent.time).sum(),
        processor: stages.iter().map(|spent| spent.processor).sum(),
        // The same rows go through one stage after another.
        rows: 0,
        bytes: 0,
    };
    for spent in stages.iter().chain([&all]) {
        table.add_row(line(spent).into_iter().enumerate().map(|(place, text)| aligned(place, text)));
    }
    format!("{table}\n")
}

fn aligned(place: usize, text: String) -> Cell {
    let side = if place == 0 { CellAlignment::Left } else { CellAlignment::Right };
    Cell::new(text).set_alignment(side)
}

fn line(spent: &Spent) -> [String; 7] {
    let Spent { stage, time, processor, rows, bytes } = *spent;
    // Of a stage that is over at once no rate can be told.
    let told = time >= Duration::from_millis(1);
    let rate = |count: u64| (count as f64 / time.as_secs_f64()) as u64;
    let if_any = |count: u64, text: String| if count > 0 { text } else { String::new() };
    let rated = |count: u64, text: String| if told { if_any(count, text) } else { String::new() };
    let threads = processor.as_secs_f64() / time.as_secs_f64();
    [
        stage.to_owned(),
        format!("{:.3}", time.as_secs_f64()),
        if told { format!("{threads:.1}") } else { String::new() },
        if_any(rows, text::thousands(rows as i64)),
        rated(rows, text::thousands(rate(rows) as i64)),
        if_any(bytes, text::bytes(bytes)),
        rated(bytes, text::bytes(rate(bytes))),
    ]
}

/// What decoding is made of: its parts are at work at once on all threads, so they have shares of
/// the threads' time and no time of their own.
fn decode(efforts: &[(&'static str, Duration)]) -> Option<String> {
    let all: f64 = efforts.iter().map(|(_, time)| time.as_secs_f64()).sum();
    if all <= 0.0 {
        return None;
    }
    let share = |(name, time): &(&str, Duration)| format!("{name} {:.0} %", time.as_secs_f64() * 100.0 / all);
    let shares: Vec<String> = efforts.iter().map(share).collect();
    Some(format!("decode:  {} of the time of its threads", shares.join(", ")))
}
