//! One `valetkey serve`: start, signals, management commands, what it says of itself.

use std::fs::{File, OpenOptions};
use std::io::{self, Error, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use valetkey_person::{Connection, Request, Response};

use crate::world::chores::free_port;
use crate::world::process::{self, Usage};

/// 32 bytes, for those who share a database or its backups.
const MASTER_KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// Where a server lives; the same for every process that is started there.
#[derive(Debug, Clone)]
pub struct Place {
    bin: PathBuf,
    home: PathBuf,
    name: String,
    /// Its data directory.
    pub data: PathBuf,
    pub issuer: String,
    pub public: SocketAddr,
    pub management: SocketAddr,
    /// Put before the command line, such as `nsenter …`.
    pub prefix: Vec<String>,
    pub environment: Vec<(String, String)>,
}

impl Place {
    /// A server with a database file in `home`, with ports that stay the same across restarts because the issuer must.
    pub fn new(bin: &Path, home: &Path, name: &str) -> io::Result<Self> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (public, management) = (at(free_port()?), at(free_port()?));
        let issuer = format!("http://localhost:{}", public.port());
        let environment = vec![("VALETKEY__LOG__LEVEL".to_owned(), "debug".to_owned())];
        Ok(Self {
            bin: bin.into(),
            home: home.into(),
            name: name.into(),
            data: home.join(name),
            issuer,
            public,
            management,
            prefix: Vec::new(),
            environment,
        })
    }

    /// The same with a database on `PostgreSQL`.
    pub fn on_postgres(bin: &Path, home: &Path, name: &str, url: &str) -> io::Result<Self> {
        Ok(Self::new(bin, home, name)?.with("VALETKEY__DATABASE_URL", url).with_master_key())
    }

    /// With a master key that does not lie beside the data.
    #[must_use]
    pub fn with_master_key(self) -> Self {
        self.with("VALETKEY__MASTER_KEY", MASTER_KEY)
    }

    /// The same place with another program in it.
    #[must_use]
    pub fn by(&self, bin: &Path) -> Self {
        Self { bin: bin.into(), ..self.clone() }
    }

    /// Another node of the same installation: other ports, another directory.
    pub fn sibling(&self, name: &str) -> io::Result<Self> {
        let fresh = Self::new(&self.bin, &self.home, name)?;
        Ok(Self {
            data: fresh.data,
            public: fresh.public,
            management: fresh.management,
            name: name.into(),
            ..self.clone()
        })
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a variable of the environment, in place of what it was.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(each, _)| each != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn log(&self) -> PathBuf {
        self.home.join(format!("{}.log", self.name))
    }

    /// What it prints, the set-up link of a first start among it.
    pub fn stdout(&self) -> PathBuf {
        self.home.join(format!("{}.stdout", self.name))
    }

    pub fn database(&self) -> PathBuf {
        self.data.join("valetkey.db")
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(4)..].join(" | ")
    }

    /// The program with everything but its command.
    pub fn command(&self) -> Command {
        let mut command = match self.prefix.split_first() {
            None => Command::new(&self.bin),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.bin);
                command
            }
        };
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VALETKEY")) {
            command.env_remove(name);
        }
        command.current_dir(&self.home).arg("--data-dir").arg(&self.data);
        command.env("VALETKEY__ISSUER", &self.issuer).env("VALETKEY__HTTP__LISTEN", self.public.to_string());
        command.env("VALETKEY__MANAGEMENT__LISTEN", self.management.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A management command with `--json`; an error holds what it said.
    pub fn manage(&self, words: &[&str], stdin: &str) -> Result<Value, String> {
        let mut command = self.command();
        command.arg("--json").args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut run = || -> io::Result<_> {
            let mut child = command.spawn()?;
            // A command that reads no input may have closed it already; that is no fault of ours.
            if let Some(mut pipe) = child.stdin.take() {
                let _ = pipe.write_all(stdin.as_bytes());
            }
            child.wait_with_output()
        };
        let said = |what: &str| format!("{}: {what}", words.join(" "));
        let output = run().map_err(|error| said(&error.to_string()))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            return Err(said(&format!("{}: {}", output.status, complaint.trim())));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| said(&error.to_string()))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// A place and the process that runs there, if one does.
#[derive(Debug)]
pub struct Node {
    pub place: Place,
    child: Option<Child>,
}

impl Node {
    pub fn new(place: Place) -> Self {
        Self { place, child: None }
    }

    /// A node that runs.
    pub fn started(place: Place) -> io::Result<Self> {
        let mut node = Self::new(place);
        node.start()?;
        Ok(node)
    }

    /// Starts the process and waits until it says it is ready; returns how long that took since exec.
    pub fn start(&mut self) -> io::Result<Duration> {
        self.exec()?;
        let began = Instant::now();
        while !self.is_ready() {
            if let Some(status) = self.ended()? {
                return Err(self.gone(&format!("the server ended at start-up: {status}")));
            }
            if began.elapsed() > Duration::from_secs(30) {
                return Err(self.gone("not ready after 30 s"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(began.elapsed())
    }

    /// Starts the process without waiting.
    pub fn exec(&mut self) -> io::Result<()> {
        let mut command = self.place.command();
        // The set-up link of a first start goes to stdout on purpose, so it is not part of the log.
        let (out, log) = (open(&self.place.stdout())?, open(&self.place.log())?);
        command.arg("serve").stdin(Stdio::null()).stdout(out).stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Starts it and waits for it to end or be ready: its exit status if it ended.
    pub fn try_start(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        self.exec()?;
        let began = Instant::now();
        while began.elapsed() < patience {
            if let Some(status) = self.ended()? {
                self.child = None;
                return Ok(Some(status));
            }
            if self.is_ready() {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    }

    /// Its exit status, if it has ended.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.as_mut().map(Child::try_wait).transpose().map(Option::flatten)
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    pub fn usage(&self) -> Usage {
        process::usage(self.pid())
    }

    pub fn signal(&self, name: &str) -> io::Result<()> {
        process::signal(self.pid(), name)
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGTERM, and waits for the end: how, and how long it took.
    pub fn stop(&mut self, patience: Duration) -> io::Result<(Option<ExitStatus>, Duration)> {
        self.signal("TERM")?;
        let began = Instant::now();
        while began.elapsed() < patience {
            if let Some(status) = self.ended()? {
                self.child = None;
                return Ok((Some(status), began.elapsed()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok((None, began.elapsed()))
    }

    pub fn is_ready(&self) -> bool {
        self.health("/health/ready").is_ok_and(|reply| reply.status == 200)
    }

    /// Asks the management listener.
    pub fn health(&self, path: &str) -> io::Result<Response> {
        Connection::new(self.place.management).send(&Request::get(path).header("Connection", "close"))
    }

    /// Asks the public listener, once.
    pub fn get(&self, path: &str) -> io::Result<Response> {
        Connection::new(self.place.public).send(&Request::get(path).header("Connection", "close"))
    }

    fn gone(&self, what: &str) -> Error {
        Error::other(format!("{what}; its last words: {}", self.place.last_words()))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing more can be done about a child that cannot be killed.
        let _ = self.kill();
    }
}
