//! Where and how a run was made: without it a figure means nothing.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::Serialize;

use crate::options::Plan;
use crate::process::Pins;
use crate::procfs;

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    /// Of the store and the commit probe.
    file_system: String,
    server_core: Option<usize>,
    generator_core: Option<usize>,
    binary: String,
    /// Seconds since the epoch.
    binary_built: Option<u64>,
    command: String,
    runs: usize,
    run_seconds: f64,
}

impl Machine {
    pub(crate) fn describe(binary: &Path, dir: &Path, pins: Pins, plan: &Plan) -> Self {
        let modified = fs::metadata(binary).and_then(|data| data.modified()).ok();
        let built = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            processor: procfs::processor(),
            cores: pins.available,
            kernel: procfs::kernel(),
            file_system: procfs::file_system(dir),
            server_core: pins.cores.map(|(server, _)| server),
            generator_core: pins.cores.map(|(_, generator)| generator),
            binary: binary.display().to_string(),
            binary_built: built.map(|time| time.as_secs()),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            runs: plan.runs,
            run_seconds: plan.run.as_secs_f64(),
        }
    }

    pub(super) fn line(&self) -> String {
        let pinned = match (self.server_core, self.generator_core) {
            (Some(server), Some(generator)) => format!("server on core {server}, load from core {generator}"),
            _ => "NOTHING PINNED".to_owned(),
        };
        let Self { processor, cores, kernel, file_system, runs, run_seconds, .. } = self;
        format!(
            "{processor}, {cores} cores, Linux {kernel}, store on {file_system}; {pinned}; \
             median of {runs} runs of {run_seconds} s"
        )
    }
}
