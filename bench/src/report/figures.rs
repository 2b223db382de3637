//! The figures of one row.

use serde::Serialize;

use super::{megabytes, thousands};
use crate::goals::Of;

/// Busier than this, the load generator, and not the server, may be what was measured.
const GENERATOR_LIMIT: f64 = 0.95;

/// Two measurements of the same echo that differ by more say that something else ran on the machine.
const QUIET: f64 = 0.10;

/// The medians of a row's runs, and what they are compared with.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) connections: usize,
    /// Units (requests, or whole flows) per second of each run.
    pub(crate) runs: Vec<f64>,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) units: u64,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) answer_bytes: usize,
    /// Before and after the runs.
    pub(crate) bare: Option<[Bare; 2]>,
    /// Mean of the two.
    pub(crate) bare_per_second: Option<f64>,
    pub(crate) of_bare: Option<f64>,
    pub(crate) baseline: Option<Baseline>,
    /// User and system time of the server for one unit.
    pub(crate) server_cpu_us: Option<f64>,
    pub(crate) resident_bytes: u64,
    /// Shares of a core that the server used, and of the time that the load generator had something to do.
    pub(crate) server_busy: Option<f64>,
    pub(crate) generator_busy: Option<f64>,
    pub(crate) notes: Vec<String>,
}

/// One measurement of the bare echo; shares as in [`Figures`].
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Bare {
    pub(crate) per_second: f64,
    pub(crate) server_busy: f64,
    pub(crate) generator_busy: f64,
}

/// What a row is compared with besides the bare echo.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Baseline {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) ratio: f64,
}

impl Figures {
    pub(crate) fn set_bare(&mut self, bare: [Bare; 2]) {
        let mean = f64::midpoint(bare[0].per_second, bare[1].per_second);
        self.of_bare = Some(self.per_second / mean);
        self.bare_per_second = Some(mean);
        self.bare = Some(bare);
    }

    pub(crate) fn compare_rate(&mut self, what: String, value: f64) {
        self.baseline = Some(Baseline { what, value, ratio: self.per_second / value });
    }

    pub(crate) fn compare_p99(&mut self, what: String, value: f64) {
        self.baseline = Some(Baseline { what, value, ratio: self.p99_us / value });
    }

    pub(crate) fn with_note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// What a goal is judged by.
    pub(crate) fn value(&self, of: Of) -> Option<f64> {
        match of {
            Of::Bare => self.of_bare,
            Of::Basis => self.baseline.as_ref().map(|baseline| baseline.ratio),
            Of::Figure => Some(self.per_second),
        }
    }

    /// The cells between a row's name and its goals.
    pub(super) fn cells(&self) -> Vec<String> {
        let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}"));
        vec![
            self.connections.to_string(),
            thousands(self.per_second),
            format!("{:.2}", self.p50_us / 1e3),
            format!("{:.2}", self.p99_us / 1e3),
            self.errors.to_string(),
            ratio(self.of_bare),
            ratio(self.baseline.as_ref().map(|baseline| baseline.ratio)),
            self.server_cpu_us.map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.1}")),
            megabytes(self.resident_bytes),
        ]
    }

    /// What stands below the table.
    pub(super) fn remarks(&self) -> Vec<String> {
        let bare = self.bare.map(|[before, after]| {
            let (first, last) = (thousands(before.per_second), thousands(after.per_second));
            let apart = (before.per_second / after.per_second).ln().abs();
            let noisy = if apart > QUIET { " — NOISY: repeat it on a quiet machine" } else { "" };
            format!("bare echo of {} bytes {first}/s before, {last}/s after{noisy}", self.answer_bytes)
        });
        let bare_busy = self.bare.map(|bare| bare.map(|bare| bare.generator_busy)).into_iter().flatten();
        let baseline = self
            .baseline
            .as_ref()
            .map(|baseline| format!("baseline {}: {}", baseline.what, thousands(baseline.value)));
        let limited = self.generator_busy.filter(|busy| *busy > GENERATOR_LIMIT).map(|busy| {
            format!("the load generator was {:.0} % busy: the server may be faster", busy * 100.0)
        });
        let bare_limited = bare_busy.filter(|busy| *busy > GENERATOR_LIMIT).reduce(f64::max).map(|busy| {
            format!(
                "the load generator was {:.0} % busy on the bare echo: the ratio may flatter",
                busy * 100.0
            )
        });
        bare.into_iter()
            .chain(baseline)
            .chain(limited)
            .chain(bare_limited)
            .chain(self.notes.iter().cloned())
            .collect()
    }
}
