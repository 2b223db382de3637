//! One measurement: its baseline and the runs by turns, so that a machine that slows down slows both; the medians count.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
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

pub(crate) type Exchanges = Vec<Box<dyn Exchange>>;

/// A running server and those who take part.
pub(crate) struct World {
    pub(crate) install: Install,
    pub(crate) running: Running,
    pub(crate) actors: Actors,
}

impl World {
    pub(crate) fn load(&self, parties: Vec<Party>) -> Result<Load> {
        Load::connect(self.install.public, parties)
    }

    /// So many connections that sign in, each with a user of its own as far as there are users.
    pub(crate) fn logins(&self, count: usize) -> Exchanges {
        let login = |user: &Credentials| {
            let code_request: CodeRequest = self.actors.code_request.clone();
            Login::boxed(&self.install.host(), code_request, user.clone())
        };
        self.actors.users.iter().cycle().take(count).map(login).collect()
    }
}

/// Where the rows play.
pub(crate) struct Stage {
    pub(crate) plan: Plan,
    pub(crate) pins: Pins,
    pub(crate) binary: PathBuf,
    /// Where stores are made.
    pub(crate) parent: PathBuf,
    /// With a store that holds nobody but those who take part.
    pub(crate) empty: World,
    /// With a store full of others; made when it is first wanted.
    pub(crate) full: OnceCell<World>,
    /// Access tokens issued so far by `empty`.
    pub(crate) tokens: Cell<u64>,
}

/// What a row is held against, measured before, between and after its runs.
pub(crate) enum Basis<'a> {
    /// The bare echo with answers of the same size.
    Bare,
    /// What a bare answer and so many seconds of work, one after the other, cannot exceed.
    Bound(&'a dyn Fn() -> Result<f64>),
    /// Another rate, and what it is.
    Rate(String, &'a mut dyn FnMut() -> Result<f64>),
}

impl Stage {
    /// Measures exchanges at full speed, one connection each.
    pub(crate) fn measure(&self, world: &World, exchanges: Exchanges, basis: Basis<'_>) -> Result<Figures> {
        let connections = exchanges.len();
        let mut load = world.load(vec![Party { exchanges, rate: None }])?;
        let warm = load.run(self.plan.warm_up)?.remove(0);
        let mut beside = Beside::new(self, connections, warm.answer_bytes, basis)?;
        let mut runs = Runs::default();
        beside.take()?;
        for _ in 0..self.plan.runs {
            let watch = Watch::start(world.running.id())?;
            let sample = load.run(self.plan.run)?.remove(0);
            let (server_time, server_busy) = watch.stop()?;
            runs.server_time += server_time;
            runs.server_busy.push(server_busy);
            runs.generator_busy.push(sample.generator_busy());
            runs.add(&sample);
            beside.take()?;
        }
        self.tokens.set(self.tokens.get() + runs.units + warm.units());
        runs.errors += warm.errors;
        runs.first_error = warm.first_error.or(runs.first_error);
        let mut figures = runs.figures(connections);
        figures.resident_bytes = resident_bytes(world.running.id())?;
        figures.answer_bytes = warm.answer_bytes;
        beside.compare(&mut figures);
        Ok(figures)
    }

    /// The rate of exchanges on a world, again and again: a basis for others.
    pub(crate) fn rate_of(&self, world: &World, exchanges: Exchanges) -> Result<impl FnMut() -> Result<f64>> {
        let mut load = world.load(vec![Party { exchanges, rate: None }])?;
        load.run(self.plan.warm_up)?;
        let length = self.plan.baseline;
        Ok(move || {
            let sample = load.run(length)?.remove(0);
            match &sample.first_error {
                Some(error) => anyhow::bail!("what it is compared with failed: {error}"),
                None => Ok(sample.rate()),
            }
        })
    }
}

/// The baselines of one row, and what they were each time.
struct Beside<'a> {
    echo: Option<(Echo, Load)>,
    basis: Basis<'a>,
    length: Duration,
    bare: Vec<Bare>,
    other: Vec<f64>,
}

impl<'a> Beside<'a> {
    fn new(stage: &Stage, connections: usize, answer_bytes: usize, basis: Basis<'a>) -> Result<Self> {
        let echo = match basis {
            Basis::Rate(..) => None,
            Basis::Bare | Basis::Bound(_) => {
                let echo = Echo::start(stage.pins, answer_bytes)?;
                let load = echo.connect(connections)?;
                Some((echo, load))
            }
        };
        Ok(Self { echo, basis, length: stage.plan.baseline, bare: Vec::new(), other: Vec::new() })
    }

    fn take(&mut self) -> Result<()> {
        if let Some((echo, load)) = &mut self.echo {
            self.bare.push(echo.measure(load, self.length)?);
        }
        match &mut self.basis {
            Basis::Bare => {}
            Basis::Bound(cost) => self.other.push(cost()?),
            Basis::Rate(_, rate) => self.other.push(rate()?),
        }
        Ok(())
    }

    /// Each run is held against the mean of what was measured before and after it.
    fn compare(self, figures: &mut Figures) {
        let bare: Vec<f64> = self.bare.iter().map(|bare| bare.per_second).collect();
        figures.set_bare(self.bare);
        match self.basis {
            Basis::Bare => {}
            Basis::Bound(_) => {
                let bound = |(bare, sign): (&f64, &f64)| 1.0 / (1.0 / bare + sign);
                let bounds: Vec<f64> = bare.iter().zip(&self.other).map(bound).collect();
                let sign = median(&self.other).unwrap_or_default() * 1e6;
                figures.compare(format!("1/(1/bare + sign), sign {sign:.1} µs"), &bounds);
            }
            Basis::Rate(what, _) => figures.compare(what, &self.other),
        }
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
        self.add_together(std::slice::from_ref(sample));
    }

    /// Samples of one moment, of several servers.
    pub(crate) fn add_together(&mut self, samples: &[Sample]) {
        let largest = |share: f64| {
            let all = samples.iter().map(|sample| micros(sample.latency.quantile(share)));
            all.max_by(f64::total_cmp).unwrap_or_default()
        };
        self.rates.push(samples.iter().map(Sample::rate).sum());
        self.p50.push(largest(0.50));
        self.p99.push(largest(0.99));
        for sample in samples {
            self.units += sample.units() + sample.late;
            self.errors += sample.errors;
            self.first_error = self.first_error.take().or_else(|| sample.first_error.clone());
        }
    }

    /// The 99th percentile of each run.
    pub(crate) fn p99s(&self) -> &[f64] {
        &self.p99
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
            p99_us: median(&self.p99).unwrap_or_default(),
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
