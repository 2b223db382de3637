//! One keep-alive connection of the load generator.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::exchange::{Exchange, Step};
use crate::http::Answer;

const BUFFER: usize = 8 * 1024;
const LARGEST_ANSWER: usize = 1024 * 1024;

#[derive(Debug, PartialEq, Eq)]
enum State {
    Idle,
    Busy,
    /// The server closed it between two answers: opened anew when it is next needed.
    Closed,
    /// An answer was not the expected one: the run is void, and this connection says no more.
    Failed,
}

pub(super) enum Progress {
    Waiting,
    Done { answer_bytes: usize },
    Failed(String),
}

pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    token: Token,
    exchange: Box<dyn Exchange>,
    pub(super) party: usize,
    buffer: Vec<u8>,
    filled: usize,
    sent: usize,
    started: Instant,
    state: State,
}

impl Connection {
    pub(super) fn open(
        address: SocketAddr,
        exchange: Box<dyn Exchange>,
        party: usize,
        token: Token,
        registry: &Registry,
    ) -> io::Result<Self> {
        let stream = dial(address, token, registry)?;
        let (buffer, started) = (vec![0; BUFFER], Instant::now());
        Ok(Self {
            address,
            stream,
            token,
            exchange,
            party,
            buffer,
            filled: 0,
            sent: 0,
            started,
            state: State::Idle,
        })
    }

    pub(super) fn is_usable(&self) -> bool {
        matches!(self.state, State::Idle | State::Closed)
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Begins a unit: its latency counts from `now`.
    pub(super) fn start(&mut self, now: Instant, registry: &Registry) -> Result<(), String> {
        let begun = match self.state {
            State::Closed => dial(self.address, self.token, registry).map(|stream| self.stream = stream),
            _ => Ok(()),
        };
        self.started = now;
        self.state = State::Busy;
        self.sent = 0;
        begun.and_then(|()| self.send()).map_err(|error| {
            self.state = State::Failed;
            format!("cannot send: {error}")
        })
    }

    /// Sends and reads what it can; a unit of several requests goes on within.
    pub(super) fn ready(&mut self) -> Progress {
        match self.state {
            State::Busy => {}
            State::Idle => {
                self.notice_close();
                return Progress::Waiting;
            }
            State::Closed | State::Failed => return Progress::Waiting,
        }
        let progress = self.advance().unwrap_or_else(Progress::Failed);
        match progress {
            Progress::Failed(_) => self.state = State::Failed,
            Progress::Done { .. } if self.state == State::Busy => self.state = State::Idle,
            _ => {}
        }
        progress
    }

    /// Ends the wait for an answer; whether there was one to wait for.
    pub(super) fn give_up(&mut self) -> bool {
        let waited = self.state == State::Busy;
        if waited {
            self.state = State::Failed;
        }
        waited
    }

    fn advance(&mut self) -> Result<Progress, String> {
        self.send().map_err(|error| format!("cannot send: {error}"))?;
        loop {
            if self.filled == self.buffer.len() {
                self.grow()?;
            }
            let room = self.buffer.len() - self.filled;
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err("the server closed the connection instead of answering".into()),
                Ok(read) => {
                    self.filled += read;
                    if let Some(progress) = self.judge()? {
                        return Ok(progress);
                    }
                    // A short read has emptied the socket: the next bytes make epoll report it again.
                    if read < room {
                        return Ok(Progress::Waiting);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Progress::Waiting),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("cannot read: {error}")),
            }
        }
    }

    /// Hands a complete answer to the exchange; `None` while the unit goes on.
    fn judge(&mut self) -> Result<Option<Progress>, String> {
        let Some((answer, used)) = Answer::read(&self.buffer[..self.filled])? else { return Ok(None) };
        if used != self.filled {
            return Err("the server sent more than was asked for".into());
        }
        let (answer_bytes, closes) = (answer.body.len(), answer.closes);
        let step = self.exchange.answer(&answer)?;
        self.filled = 0;
        self.sent = 0;
        match step {
            Step::Done => {
                self.state = if closes { State::Closed } else { State::Idle };
                Ok(Some(Progress::Done { answer_bytes }))
            }
            Step::Continue if closes => {
                Err("the server closed the connection in the middle of a flow".into())
            }
            Step::Continue => self.send().map(|()| None).map_err(|error| format!("cannot send: {error}")),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let request = self.exchange.request();
        while self.sent < request.len() {
            match self.stream.write(&request[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn notice_close(&mut self) {
        if !matches!(self.stream.read(&mut self.buffer), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        {
            self.state = State::Closed;
        }
    }

    fn grow(&mut self) -> Result<(), String> {
        if self.buffer.len() >= LARGEST_ANSWER {
            return Err("an answer of more than 1 MiB".into());
        }
        self.buffer.resize(self.buffer.len() * 2, 0);
        Ok(())
    }
}

fn dial(address: SocketAddr, token: Token, registry: &Registry) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}
