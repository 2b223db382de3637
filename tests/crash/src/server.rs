//! One `valetkey serve` on its own data directory: start, kill -9, management commands.

use std::fs::{File, OpenOptions};
use std::io::{self, Error, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use valetkey_person::{Connection, Request};

/// Where a server lives; the same for every process that is started there.
#[derive(Debug, Clone)]
pub struct Place {
    bin: PathBuf,
    home: PathBuf,
    pub issuer: String,
    pub public: SocketAddr,
    management: SocketAddr,
}

impl Place {
    /// Chooses two free ports; they stay the same across restarts because the issuer must.
    pub fn new(bin: &Path, home: &Path) -> io::Result<Self> {
        let (one, two) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        let (public, management) = (one.local_addr()?, two.local_addr()?);
        let issuer = format!("http://localhost:{}", public.port());
        Ok(Self { bin: bin.into(), home: home.into(), issuer, public, management })
    }

    pub fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(self.home.join(name))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.bin);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VALETKEY")) {
            command.env_remove(name);
        }
        command.current_dir(&self.home).arg("--data-dir").arg(self.home.join("data"));
        command.env("VALETKEY__ISSUER", &self.issuer).env("VALETKEY__HTTP__LISTEN", self.public.to_string());
        command.env("VALETKEY__MANAGEMENT__LISTEN", self.management.to_string());
        command.env("VALETKEY__LOG__LEVEL", "debug");
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

#[derive(Debug)]
pub struct Server {
    pub place: Place,
    child: Option<Child>,
}

impl Server {
    pub fn new(place: Place) -> Self {
        Self { place, child: None }
    }

    /// Starts the process and waits until it says it is ready; returns how long that took since exec.
    pub fn start(&mut self) -> io::Result<Duration> {
        self.exec()?;
        let began = Instant::now();
        let mut health = Connection::new(self.place.management);
        let probe = Request::get("/health/ready").header("Connection", "close");
        while !health.send(&probe).is_ok_and(|reply| reply.status == 200) {
            if let Some(status) = self.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                return Err(self.gone(&format!("the server ended at start-up: {status}")));
            }
            if began.elapsed() > Duration::from_secs(20) {
                return Err(self.gone("not ready after 20 s"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(began.elapsed())
    }

    /// Starts the process without waiting.
    pub fn exec(&mut self) -> io::Result<()> {
        let mut command = self.place.command();
        // The set-up link of a first start goes to stdout on purpose, so it is not part of the log.
        let (out, log) = (self.place.open("stdout.log")?, self.place.open("server.log")?);
        command.arg("serve").stdin(Stdio::null()).stdout(out).stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    fn gone(&self, what: &str) -> Error {
        let log = std::fs::read_to_string(self.place.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(4)..].join(" | ");
        Error::other(format!("{what}; its last words: {last}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing more can be done about a child that cannot be killed.
        let _ = self.kill();
    }
}
