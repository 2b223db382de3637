//! Child processes: pinned by `taskset`, ended with us by `setpriv --pdeathsig` and by a guard on drop.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;

use crate::procfs;

/// Which cores the measured server and the load generator get, and what the machine offers to see to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pins {
    /// Server's and generator's core; `None` where there are not two, or no `taskset`.
    pub(crate) cores: Option<(usize, usize)>,
    /// Cores there are, before anything is pinned.
    pub(crate) available: usize,
    guarded: bool,
}

impl Pins {
    /// The first two cores this process may use.
    pub(crate) fn detect() -> Self {
        let allowed = procfs::allowed_cores();
        let cores = match allowed.as_slice() {
            [server, load, ..] if works("taskset", &["--version"]) => Some((*server, *load)),
            _ => None,
        };
        if cores.is_none() {
            eprintln!("Nothing is pinned: that needs two cores and `taskset`. Ratios will say little.");
        }
        Self { cores, available: allowed.len(), guarded: works("setpriv", &["--pdeathsig", "KILL", "true"]) }
    }

    /// These cores; without them nothing is pinned, as where no time is measured.
    pub(crate) fn on(cores: Option<(usize, usize)>) -> Self {
        let guarded = works("setpriv", &["--pdeathsig", "KILL", "true"]);
        Self { cores, available: procfs::allowed_cores().len(), guarded }
    }

    /// The other way round: what runs on the server's core here runs on the generator's there.
    pub(crate) fn exchanged(self) -> Self {
        Self { cores: self.cores.map(|(server, load)| (load, server)), ..self }
    }

    /// Lets a process run on both cores.
    pub(crate) fn release(self, process: u32) {
        if let Some((server, load)) = self.cores {
            let (cores, id) = (format!("{server},{load}"), process.to_string());
            if !works("taskset", &["-a", "-c", "-p", &cores, &id]) {
                eprintln!("A process could not be released to both cores.");
            }
        }
    }

    /// Pins this process, the load generator, with all its threads.
    pub(crate) fn pin_this_process(self) {
        if let Some((_, load)) = self.cores {
            let id = std::process::id().to_string();
            if !works("taskset", &["-a", "-c", "-p", &load.to_string(), &id]) {
                eprintln!("The load generator could not be pinned to core {load}.");
            }
        }
    }

    /// Moves the calling thread alone to the server's core.
    pub(crate) fn pin_this_thread_as_server(self) {
        let Some((server, _)) = self.cores else { return };
        // "PID/task/TID"
        let link = std::fs::read_link("/proc/thread-self").ok();
        let thread = link.as_deref().and_then(Path::file_name).and_then(OsStr::to_str).map(str::to_owned);
        if !thread.is_some_and(|id| works("taskset", &["-c", "-p", &server.to_string(), &id])) {
            eprintln!("A thread could not be pinned to core {server}.");
        }
    }

    /// A command on the server's core.
    pub(crate) fn on_server_core(self, program: &Path) -> Command {
        self.under(&[], program)
    }

    /// The same, started by another program, of which these are the words.
    pub(crate) fn under(self, starter: &[String], program: &Path) -> Command {
        let mut words: Vec<&OsStr> = Vec::new();
        let core = self.cores.map(|(server, _)| server.to_string());
        if self.guarded {
            words.extend(["setpriv", "--pdeathsig", "KILL"].map(OsStr::new));
        }
        if let Some(core) = &core {
            words.extend(["taskset", "-c", core].map(OsStr::new));
        }
        words.extend(starter.iter().map(OsStr::new));
        words.push(program.as_os_str());
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        command
    }

    /// This program again, as a baseline on the server's core; its standard output can be read.
    pub(crate) fn helper(self, arguments: &[&str]) -> Result<(Guarded, ChildStdout)> {
        let program = std::env::current_exe().context("own path")?;
        let mut command = self.on_server_core(&program);
        let mut child = Guarded::spawn(command.args(arguments).stdout(Stdio::piped()))?;
        let output = child.0.stdout.take().context("piped")?;
        Ok((child, output))
    }

    /// Runs this program as a baseline and reads the figures it prints as JSON.
    pub(crate) fn figures<T: DeserializeOwned>(self, arguments: &[&str]) -> Result<T> {
        let (mut child, mut output) = self.helper(arguments)?;
        let mut text = String::new();
        output.read_to_string(&mut text)?;
        let status = child.0.wait()?;
        crate::stop::check()?;
        if !status.success() {
            bail!("the baseline `{}` failed: {status}", arguments.join(" "));
        }
        serde_json::from_str(&text)
            .with_context(|| format!("the baseline `{}` printed {text:?}", arguments[0]))
    }
}

fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let quiet = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// A child that does not outlive this guard.
#[derive(Debug)]
pub(crate) struct Guarded(Child);

impl Guarded {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child =
            command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self(child))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Asks it to end by SIGTERM and waits; whether it ended within `patience`. Dropping it kills it in any case.
    pub(crate) fn end(&mut self, patience: Duration) -> bool {
        let asked = works("sh", &["-c", "kill -TERM \"$0\"", &self.id().to_string()]);
        let latest = Instant::now() + patience;
        while asked && Instant::now() < latest {
            if self.has_ended() {
                return true;
            }
            crate::stop::pause(Duration::from_millis(2));
        }
        false
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Both fail only when the child has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_does_not_outlive_its_guard() {
        let child = Guarded::spawn(Command::new("sleep").arg("600")).expect("starts");
        let id = child.id();
        assert!(procfs::resident_bytes(id).is_ok());
        drop(child);
        assert!(procfs::resident_bytes(id).is_err());
    }

    #[test]
    fn a_child_that_heeds_sigterm_ends_when_asked() {
        let mut child = Guarded::spawn(Command::new("sleep").arg("600")).expect("starts");
        assert!(child.end(Duration::from_secs(5)));
    }
}
