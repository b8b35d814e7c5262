//! The metrics file: how a run ended, for those who were not there.

use std::path::{Path, PathBuf};
use std::time::Instant;

use chartledger::dates::Day;
use chartledger::metrics::{self, Ended};
use chartledger::pipeline::Plan;
use chartledger::run::{Report, peak_memory};
use chartledger::{error, publish, underway};

/// What the metrics of a run need to be written, once it has ended.
#[derive(Clone)]
pub struct MetricsFile {
    began: Instant,
    file: Option<PathBuf>,
    pipeline: String,
    out: Option<PathBuf>,
    as_of: bool,
    today: Day,
}

impl MetricsFile {
    /// Of a run whose pipeline file is not read yet; `file` is the one that the command line names.
    pub fn new(pipeline: &Path, file: Option<PathBuf>, today: Day) -> Self {
        let pipeline = pipeline.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { began: Instant::now(), file, pipeline, out: None, as_of: false, today }
    }

    /// What the pipeline file adds.
    pub fn of_plan(&mut self, plan: &Plan) {
        self.pipeline.clone_from(&plan.name);
        self.out = Some(plan.out.clone());
        self.as_of = plan.as_of.is_some();
        self.file = self.file.take().or_else(|| plan.metrics.clone());
    }

    /// Refuses a place where no metrics can be written.
    pub fn check(&self) -> error::Result<()> {
        self.file.as_deref().map_or(Ok(()), metrics::check)
    }

    /// Writes the metrics, if a file was named.
    pub fn write(&self, exit_code: u8, report: Option<&Report>) -> error::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        metrics::check(file)?;
        // The run as of a day of the past says nothing of how fresh the data is.
        let manifest = self.out.as_ref().filter(|_| !self.as_of).and_then(|out| publish::manifest(out).ok());
        let scopes = manifest.filter(|manifest| manifest.as_of.is_none()).map(|manifest| manifest.scopes);
        let before = std::fs::read_to_string(file).unwrap_or_default();
        let run = underway::run();
        metrics::write(
            file,
            &Ended {
                pipeline: &self.pipeline,
                run: run.as_deref(),
                exit_code,
                at: metrics::now(),
                seconds: self.began.elapsed().as_secs_f64(),
                peak_memory: peak_memory(),
                report,
                scopes: &scopes.unwrap_or_default(),
                today: self.today,
                last_success: metrics::last_success(&before, &self.pipeline),
            },
        )
    }
}
