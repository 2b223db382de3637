//! The load generator: one thread, one epoll loop, keep-alive connections that each send their next prepared
//! request as soon as the answer to the last one is complete.

mod connection;
mod pace;
mod sample;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mio::{Events, Poll};

use crate::exchange::Exchange;
use crate::stop;
use connection::{Connection, Progress};
use pace::Pace;
pub(crate) use sample::Sample;

/// How long after the end of a run its last answers may take; what is later counts as an error.
const GRACE: Duration = Duration::from_secs(10);

/// Looks at the sockets before the generator sleeps until one has something: some 30 µs.
const LOOKS: usize = 60;

/// Connections that are counted together: all at full speed, or together at a fixed rate.
pub(crate) struct Party {
    pub(crate) exchanges: Vec<Box<dyn Exchange>>,
    /// Units started each second; `None` is as fast as the answers come.
    pub(crate) rate: Option<f64>,
}

/// Open connections and what each says; runs may follow one another, and flows go on where they stood.
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    paces: Vec<Option<Pace>>,
    samples: Vec<Sample>,
    busy: usize,
    idle: Duration,
}

impl Load {
    pub(crate) fn connect(address: SocketAddr, parties: Vec<Party>) -> Result<Self> {
        Self::connect_all(parties.into_iter().map(|party| (address, party)).collect())
    }

    /// Each party to a server of its own.
    pub(crate) fn connect_all(parties: Vec<(SocketAddr, Party)>) -> Result<Self> {
        let poll = Poll::new().context("epoll")?;
        let (mut connections, mut paces) = (Vec::new(), Vec::new());
        for (party, (address, Party { exchanges, rate })) in parties.into_iter().enumerate() {
            paces.push(rate.map(Pace::new));
            for exchange in exchanges {
                let token = mio::Token(connections.len());
                let connection = Connection::open(address, exchange, party, token, poll.registry());
                connections.push(connection.with_context(|| format!("cannot connect to {address}"))?);
            }
        }
        let samples = paces.iter().map(|_| Sample::default()).collect();
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            connections,
            paces,
            samples,
            busy: 0,
            idle: Duration::ZERO,
        })
    }

    /// Loads the server for `length`, waits for the answers still under way, and returns a sample per party.
    pub(crate) fn run(&mut self, length: Duration) -> Result<Vec<Sample>> {
        self.samples.iter_mut().for_each(|sample| sample.length = length);
        self.idle = Duration::ZERO;
        let begin = Instant::now();
        let end = begin + length;
        self.start_all(begin);
        let mut now = begin;
        while now < end {
            self.wait(if self.is_paced() {
                Duration::ZERO
            } else {
                (end - now).min(Duration::from_millis(100))
            })?;
            now = Instant::now();
            self.start_due(now.min(end));
            now = self.answer_events(now, end);
            if self.busy == 0 && !self.is_paced() {
                break;
            }
        }
        let idle = self.idle;
        self.samples.iter_mut().for_each(|sample| sample.idle = idle);
        self.wind_up(end)?;
        let fresh = self.samples.iter().map(|_| Sample::default()).collect();
        Ok(std::mem::replace(&mut self.samples, fresh))
    }

    fn is_paced(&self) -> bool {
        self.paces.iter().any(Option::is_some)
    }

    /// Waits for events: first by looking a few times, because waking a sleeper costs the server that wakes it more
    /// than the looking costs the generator, which has its core to itself.
    fn wait(&mut self, longest: Duration) -> Result<()> {
        stop::check()?;
        self.poll_for(Duration::ZERO)?;
        if !self.events.is_empty() || longest.is_zero() {
            return Ok(());
        }
        let idle_since = Instant::now();
        for _ in 0..LOOKS {
            self.poll_for(Duration::ZERO)?;
            if !self.events.is_empty() {
                break;
            }
        }
        if self.events.is_empty() {
            self.poll_for(longest)?;
        }
        self.idle += idle_since.elapsed();
        Ok(())
    }

    fn poll_for(&mut self, longest: Duration) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(longest)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            waited => waited.context("epoll"),
        }
    }

    fn start_all(&mut self, now: Instant) {
        for pace in self.paces.iter_mut().flatten() {
            pace.begin(now);
        }
        for index in 0..self.connections.len() {
            match &mut self.paces[self.connections[index].party] {
                Some(pace) if self.connections[index].is_usable() => pace.idle.push(index),
                Some(_) => {}
                None => self.start(index, now),
            }
        }
    }

    /// Starts what the paced parties have due.
    fn start_due(&mut self, now: Instant) {
        for party in 0..self.paces.len() {
            while let Some((index, due)) = self.paces[party].as_mut().and_then(|pace| pace.next(now)) {
                self.start(index, due);
            }
        }
    }

    fn start(&mut self, index: usize, now: Instant) {
        let connection = &mut self.connections[index];
        if !connection.is_usable() {
            return;
        }
        let registry = self.poll.registry();
        match connection.start(now, registry) {
            Ok(()) => self.busy += 1,
            Err(error) => self.samples[connection.party].fail(error),
        }
    }

    /// Handles what epoll reported; units that end before `end` count, and the connection goes on.
    fn answer_events(&mut self, mut now: Instant, end: Instant) -> Instant {
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let index = event.token().0;
            let connection = &mut self.connections[index];
            let party = connection.party;
            match connection.ready() {
                Progress::Waiting => {}
                Progress::Done { answer_bytes } => {
                    now = Instant::now();
                    self.busy -= 1;
                    self.count(index, now, end, answer_bytes);
                    if now < end {
                        self.go_on(index, now);
                    }
                }
                Progress::Failed(error) => {
                    self.busy -= 1;
                    self.samples[party].fail(error);
                }
            }
        }
        self.events = events;
        now
    }

    fn count(&mut self, index: usize, now: Instant, end: Instant, answer_bytes: usize) {
        let connection = &self.connections[index];
        let sample = &mut self.samples[connection.party];
        sample.answer_bytes = answer_bytes;
        if now <= end {
            sample.latency.record(now.saturating_duration_since(connection.started()));
        } else {
            sample.late += 1;
        }
    }

    fn go_on(&mut self, index: usize, now: Instant) {
        match &mut self.paces[self.connections[index].party] {
            None => self.start(index, now),
            Some(pace) => {
                if let Some(due) = pace.free(index) {
                    self.start(index, due);
                }
            }
        }
    }

    fn wind_up(&mut self, end: Instant) -> Result<()> {
        let latest = Instant::now().max(end) + GRACE;
        while self.busy > 0 && Instant::now() < latest {
            self.wait(Duration::from_millis(100))?;
            self.answer_events(Instant::now(), end);
        }
        for connection in &mut self.connections {
            if connection.give_up() {
                self.busy -= 1;
                self.samples[connection.party].fail(format!("no answer within {} s", GRACE.as_secs()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
