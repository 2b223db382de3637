//! One `valetkey serve` on its own data directory: start, kill -9, management commands.

use std::fs::{File, OpenOptions};
use std::io::{self, Error, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use valetkey_person::{Connection, Request};

#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    home: PathBuf,
    pub issuer: String,
    pub public: SocketAddr,
    management: SocketAddr,
    child: Option<Child>,
}

impl Server {
    /// Chooses two free ports; they stay the same across restarts because the issuer must.
    pub fn new(bin: &Path, home: &Path) -> io::Result<Self> {
        let (one, two) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        let (public, management) = (one.local_addr()?, two.local_addr()?);
        let issuer = format!("http://localhost:{}", public.port());
        Ok(Self { bin: bin.into(), home: home.into(), issuer, public, management, child: None })
    }

    pub fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.bin);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VALETKEY")) {
            command.env_remove(name);
        }
        command.current_dir(&self.home).arg("--data-dir").arg(self.home.join("data"));
        command.env("VALETKEY__ISSUER", &self.issuer).env("VALETKEY__HTTP__LISTEN", self.public.to_string());
        command
            .env("VALETKEY__MANAGEMENT__LISTEN", self.management.to_string())
            .env("VALETKEY__LOG__LEVEL", "debug");
        command
    }

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(self.home.join(name))
    }

    /// Starts the process and waits until it says it is ready; returns how long that took since exec.
    pub fn start(&mut self) -> io::Result<Duration> {
        self.exec()?;
        let began = Instant::now();
        let mut health = Connection::new(self.management);
        loop {
            if health
                .send(&Request::get("/health/ready").header("Connection", "close"))
                .is_ok_and(|reply| reply.status == 200)
            {
                return Ok(began.elapsed());
            }
            if let Some(status) = self.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                return Err(Error::other(format!(
                    "the server ended at start-up: {status}; its last words: {}",
                    self.last_words()
                )));
            }
            if began.elapsed() > Duration::from_secs(20) {
                return Err(Error::other(format!(
                    "not ready after 20 s; its last words: {}",
                    self.last_words()
                )));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts the process without waiting.
    pub fn exec(&mut self) -> io::Result<()> {
        let mut command = self.command();
        // The set-up link of a first start goes to stdout on purpose, so it is not part of the log.
        command
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(self.open("stdout.log")?)
            .stderr(self.open("server.log")?);
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

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(4).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }

    /// A management command with `--json`; an error holds what it said.
    pub fn cli(&self, arguments: &[&str], stdin: &str) -> Result<Value, String> {
        let mut command = self.command();
        command
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut run = || -> io::Result<_> {
            let mut child = command.spawn()?;
            // A command that reads no input may have closed it already; that is no fault of ours.
            if let Some(mut pipe) = child.stdin.take() {
                let _ = pipe.write_all(stdin.as_bytes());
            }
            child.wait_with_output()
        };
        let output = run().map_err(|error| format!("{arguments:?}: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "{}: {}: {}",
                arguments.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            ));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{}: {error}", arguments.join(" ")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing more can be done about a child that cannot be killed.
        let _ = self.kill();
    }
}
