//! What came of a run.

use std::time::Duration;

use crate::stats::{Histogram, real};

/// What one party did in one run.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    /// Latency of each unit (request, or whole flow) that ended within the run.
    pub(crate) latency: Histogram,
    /// Units that ended while the run was being wound up: not counted in the rate.
    pub(crate) late: u64,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    /// Length of the last unit's last answer body.
    pub(crate) answer_bytes: usize,
    pub(crate) length: Duration,
    /// How much of it the load generator, with all its parties, waited for answers.
    pub(crate) idle: Duration,
}

impl Sample {
    pub(crate) fn units(&self) -> u64 {
        self.latency.total()
    }

    pub(crate) fn rate(&self) -> f64 {
        real(self.units()) / self.length.as_secs_f64()
    }

    /// The share of the run in which the load generator had something to do.
    pub(crate) fn generator_busy(&self) -> f64 {
        1.0 - self.idle.div_duration_f64(self.length)
    }

    pub(super) fn fail(&mut self, error: String) {
        self.errors += 1;
        self.first_error.get_or_insert(error);
    }
}
