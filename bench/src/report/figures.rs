//! The figures of one row.

use serde::Serialize;

use super::{megabytes, thousands};
use crate::goals::Of;
use crate::stats::{Ratio, median};

/// Busier than this, the load generator, and not the server, may be what was measured.
const GENERATOR_LIMIT: f64 = 0.95;

/// Measurements of the same echo that differ by more say that something else ran on the machine.
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
    /// Before, between and after the runs.
    pub(crate) bare: Vec<Bare>,
    pub(crate) of_bare: Option<Ratio>,
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
    pub(crate) ratio: Ratio,
}

impl Figures {
    pub(crate) fn set_bare(&mut self, bare: Vec<Bare>) {
        let rates: Vec<f64> = bare.iter().map(|bare| bare.per_second).collect();
        self.of_bare = Ratio::between(&self.runs, &rates);
        self.bare = bare;
    }

    /// Holds the runs against what was measured before, between and after them.
    pub(crate) fn compare(&mut self, what: String, others: &[f64]) {
        let value = median(others).unwrap_or_default();
        self.baseline = Ratio::between(&self.runs, others).map(|ratio| Baseline { what, value, ratio });
    }

    /// Holds figures of the runs against one of each, in the same order.
    pub(crate) fn compare_pairs(&mut self, what: String, values: &[f64], others: &[f64]) {
        let ratios: Vec<f64> = values.iter().zip(others).map(|(value, other)| value / other).collect();
        let value = median(others).unwrap_or_default();
        self.baseline = Ratio::of(&ratios).map(|ratio| Baseline { what, value, ratio });
    }

    pub(crate) fn with_note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// What a goal is judged by.
    pub(crate) fn value(&self, of: Of) -> Option<f64> {
        match of {
            Of::Bare => self.of_bare.map(|ratio| ratio.median),
            Of::Basis => self.baseline.as_ref().map(|baseline| baseline.ratio.median),
            Of::Figure => Some(self.per_second),
        }
    }

    /// The cells between a row's name and its goals.
    pub(super) fn cells(&self) -> Vec<String> {
        let ratio = |ratio: Option<Ratio>| {
            ratio.map_or_else(
                || "–".to_owned(),
                |Ratio { median, least, most }| format!("{median:.3} ({least:.2}–{most:.2})"),
            )
        };
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
        let rates: Vec<f64> = self.bare.iter().map(|bare| bare.per_second).collect();
        let bare = Ratio::of(&rates).map(|Ratio { median, least, most }| {
            let noisy =
                if (most / least).ln() > QUIET { " — NOISY: repeat it on a quiet machine" } else { "" };
            let (median, least, most) = (thousands(median), thousands(least), thousands(most));
            format!("bare echo of {} bytes {median}/s ({least}–{most}){noisy}", self.answer_bytes)
        });
        let bare_busy = self.bare.iter().map(|bare| bare.generator_busy);
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
