//! The server under test, from outside: its binary, a store of its own, its command line and its ports.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::browser::{Browser, read_whole};
use crate::http;
use crate::process::{Guarded, Pins};
use crate::stop;

const LONGEST_START: Duration = Duration::from_secs(30);

/// The binary to measure: the one named, or `valetkey` beside this program, which is built if it is missing.
pub(crate) fn locate(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return path.canonicalize().with_context(|| format!("no server at {}", path.display()));
    }
    locate_beside(&std::env::current_exe()?, &["valetkey"])
}

/// The server whose gateway checks nothing, and what cargo needs to build it.
pub(crate) const UNCHECKED: [&str; 5] =
    ["valetkey-unchecked", "--bin", "valetkey-unchecked", "--features", "unchecked"];

/// A program of the package beside another; built if it is missing. Further words are for cargo.
pub(crate) fn locate_beside(program: &Path, words: &[&str]) -> Result<PathBuf> {
    let (name, further) = words.split_first().context("a name")?;
    let beside = program.with_file_name(name);
    if !beside.exists() {
        eprintln!("Building {name}…");
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "-p", "valetkey", "--manifest-path", manifest]).args(further);
        if !cargo.status()?.success() || !beside.exists() {
            bail!("no server at {}: build it, or name one with --server", beside.display());
        }
    }
    Ok(beside)
}

/// A configured server with an empty store, in a directory that goes when this goes.
#[derive(Debug)]
pub(crate) struct Install {
    pub(crate) binary: PathBuf,
    dir: TempDir,
    config: PathBuf,
    pub(crate) public: SocketAddr,
    management: SocketAddr,
    pins: Pins,
}

impl Install {
    pub(crate) fn prepare(binary: PathBuf, parent: &Path, pins: Pins) -> Result<Self> {
        Self::prepare_with(binary, parent, pins, &[])
    }

    /// The same with further settings, which go before the others.
    pub(crate) fn prepare_with(
        binary: PathBuf,
        parent: &Path,
        pins: Pins,
        further: &[(&str, &str)],
    ) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("valetkey-bench-").tempdir_in(parent);
        let dir = dir.with_context(|| format!("cannot write in {}", parent.display()))?;
        let (public, management) = free_ports()?;
        let config = dir.path().join("valetkey.toml");
        let (issuer, data_dir) = (format!("http://{public}"), dir.path().join("data").display().to_string());
        let setting = |(name, own): (&str, &str)| {
            let value = further.iter().find(|(other, _)| *other == name).map_or(own, |(_, value)| value);
            // A JSON string is a TOML basic string too.
            (!value.is_empty()).then(|| format!("{name} = {}\n", Value::from(value)))
        };
        let settings = [("issuer", issuer.as_str()), ("data_dir", &data_dir), ("database_url", "")];
        let settings: String = settings.into_iter().filter_map(setting).collect();
        let text = format!(
            "{settings}\n[http]\nlisten = \"{public}\"\ntrusted_proxies = \"127.0.0.1\"\n\n[management]\n\
             listen = \"{management}\"\n"
        );
        fs::write(&config, text)?;
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600))?;
        Ok(Self { binary, dir, config, public, management, pins })
    }

    /// The file that holds its store, once there is one.
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("data/valetkey.db")
    }

    /// Gives this one the master key of another, before its first start.
    pub(crate) fn take_key_of(&self, other: &Self) -> Result<()> {
        let [own, key] = [self, other].map(|install| install.dir.path().join("data/master.key"));
        let data = own.parent().context("a directory")?;
        fs::create_dir_all(data)?;
        fs::set_permissions(data, fs::Permissions::from_mode(0o700))?;
        // The permissions go along.
        fs::copy(key, own)?;
        Ok(())
    }

    /// A directory on the store's file system, for the commit probe; emptied each time.
    pub(crate) fn scratch(&self) -> Result<PathBuf> {
        let scratch = self.dir.path().join("probe");
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir(&scratch)?;
        Ok(scratch)
    }

    pub(crate) fn host(&self) -> String {
        self.public.to_string()
    }

    /// Runs a management command with `--json` and returns the object it prints.
    pub(crate) fn manage(&self, arguments: &[&str], input: Option<&str>) -> Result<Value> {
        stop::check()?;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(&self.config).arg("--json").args(arguments).current_dir(self.dir.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("piped")?;
        stdin.write_all(input.unwrap_or_default().as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let named = || format!("`valetkey {}`", arguments.join(" "));
        if !output.status.success() {
            bail!("{} failed: {}", named(), String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("{} printed no JSON", named()))
    }

    /// Starts `serve` on its core and waits until `/health/ready` answers 200.
    pub(crate) fn start(&self) -> Result<Running> {
        self.start_under(&[])
    }

    /// The same under a program that watches it.
    pub(crate) fn start_under(&self, watcher: &[String]) -> Result<Running> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = self.pins.under(watcher, &self.binary);
        command.arg("--config").arg(&self.config).arg("serve").current_dir(self.dir.path());
        command.stdout(log.try_clone()?).stderr(log);
        let begin = Instant::now();
        let mut child = Guarded::spawn(&mut command)?;
        while begin.elapsed() < LONGEST_START {
            stop::check()?;
            if is_ready(self.management) {
                return Ok(Running { child, ready_after: begin.elapsed() });
            }
            if child.has_ended() {
                bail!("the server did not start: {}", self.end_of_log());
            }
            stop::pause(Duration::from_micros(500));
        }
        bail!("the server was not ready within {} s: {}", LONGEST_START.as_secs(), self.end_of_log())
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }

    /// The server's last words, for a report of failure.
    pub(crate) fn end_of_log(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

/// A server that has said it is ready; it ends with this guard.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Guarded,
    /// From exec (of `taskset` and `setpriv` before it, about 2 ms) to the first 200 of `/health/ready`.
    pub(crate) ready_after: Duration,
}

impl Running {
    /// Asks it to end, and waits until it has.
    pub(crate) fn end(&mut self, install: &Install) -> Result<()> {
        if self.child.end(Duration::from_secs(10)) {
            return Ok(());
        }
        bail!("the server did not end within 10 s of SIGTERM: {}", install.end_of_log())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

fn is_ready(management: SocketAddr) -> bool {
    let host = management.to_string();
    let asked = Browser::open(management, &host).and_then(|mut browser| {
        let bytes = browser.send(&http::get(&host, "/health/ready", ""))?;
        Ok(read_whole(&bytes)?.status == 200)
    });
    asked.unwrap_or(false)
}

/// Two ports nobody listens on; held together, so that they differ.
fn free_ports() -> Result<(SocketAddr, SocketAddr)> {
    let (first, second) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((first.local_addr()?, second.local_addr()?))
}
