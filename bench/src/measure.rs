//! One measurement: warm-up, bare echo, runs, bare echo; the medians of the runs.

use std::time::Duration;

use anyhow::Result;

use crate::browser::{CodeRequest, Credentials};
use crate::echo::Echo;
use crate::exchange::{Exchange, Login};
use crate::load::{Load, Party, Sample};
use crate::options::Plan;
use crate::process::Pins;
use crate::procfs::{Watch, resident_bytes};
use crate::report::{Bare, Figures};
use crate::server::{Install, Running};
use crate::setup::Actors;
use crate::stats::{median, micros, real};

/// Where the rows play: the running server, those who take part, and what rows tell later rows.
pub(crate) struct Stage {
    pub(crate) plan: Plan,
    pub(crate) pins: Pins,
    pub(crate) install: Install,
    pub(crate) running: Running,
    pub(crate) actors: Actors,
    pub(crate) sign: Option<crate::baseline::SignCosts>,
    /// Of the row `refresh`, for those that are compared with it.
    pub(crate) refresh_per_second: Option<f64>,
    /// Access tokens issued so far.
    pub(crate) tokens: u64,
}

impl Stage {
    pub(crate) fn load(&self, parties: Vec<Party>) -> Result<Load> {
        Load::connect(self.install.public, parties)
    }

    /// Measures exchanges at full speed, one connection each.
    pub(crate) fn measure(&mut self, exchanges: Vec<Box<dyn Exchange>>) -> Result<Figures> {
        let connections = exchanges.len();
        let mut load = self.load(vec![Party { exchanges, rate: None }])?;
        let warm = load.run(self.plan.warm_up)?.remove(0);
        let before = self.bare(connections, warm.answer_bytes)?;
        let mut runs = Runs::default();
        for _ in 0..self.plan.runs {
            let watch = Watch::start(self.running.id())?;
            let sample = load.run(self.plan.run)?.remove(0);
            let (server_time, server_busy) = watch.stop()?;
            runs.server_time += server_time;
            runs.server_busy.push(server_busy);
            runs.generator_busy.push(sample.generator_busy());
            runs.add(&sample);
        }
        let after = self.bare(connections, warm.answer_bytes)?;
        self.tokens += runs.units + warm.units();
        runs.errors += warm.errors;
        runs.first_error = warm.first_error.or(runs.first_error);
        let mut figures = runs.figures(connections);
        figures.resident_bytes = resident_bytes(self.running.id())?;
        figures.answer_bytes = warm.answer_bytes;
        figures.set_bare([before, after]);
        Ok(figures)
    }

    /// The bare echo with answers of this size.
    fn bare(&self, connections: usize, answer_bytes: usize) -> Result<Bare> {
        Echo::start(self.pins, answer_bytes)?.measure(connections, self.plan.baseline)
    }

    /// So many connections that sign in, each with a user of its own as far as there are users.
    pub(crate) fn logins(&self, count: usize) -> Vec<Box<dyn Exchange>> {
        let login = |user: &Credentials| {
            let code_request: CodeRequest = self.actors.code_request.clone();
            Login::boxed(&self.install.host(), code_request, user.clone())
        };
        self.actors.users.iter().cycle().take(count).map(login).collect()
    }
}

/// What several runs add up to.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    rates: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    server_busy: Vec<f64>,
    generator_busy: Vec<f64>,
    server_time: Duration,
    units: u64,
    errors: u64,
    first_error: Option<String>,
}

impl Runs {
    pub(crate) fn add(&mut self, sample: &Sample) {
        self.rates.push(sample.rate());
        self.p50.push(micros(sample.latency.quantile(0.50)));
        self.p99.push(micros(sample.latency.quantile(0.99)));
        self.units += sample.units() + sample.late;
        self.errors += sample.errors;
        if self.first_error.is_none() {
            self.first_error.clone_from(&sample.first_error);
        }
    }

    pub(crate) fn p99_us(&self) -> f64 {
        median(&self.p99).unwrap_or_default()
    }

    pub(crate) fn per_second(&self) -> f64 {
        median(&self.rates).unwrap_or_default()
    }

    pub(crate) fn first_error(&self) -> Option<&str> {
        self.first_error.as_deref()
    }

    pub(crate) fn figures(self, connections: usize) -> Figures {
        let server_us = (self.units > 0).then(|| micros(self.server_time) / real(self.units));
        Figures {
            connections,
            per_second: self.per_second(),
            p50_us: median(&self.p50).unwrap_or_default(),
            p99_us: self.p99_us(),
            units: self.units,
            errors: self.errors,
            first_error: self.first_error,
            server_cpu_us: server_us.filter(|_| !self.server_time.is_zero()),
            server_busy: median(&self.server_busy),
            generator_busy: median(&self.generator_busy),
            runs: self.rates,
            ..Figures::default()
        }
    }
}
