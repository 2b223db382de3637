//! A mount namespace of its own with one small disk in it, which ends with this value.

use std::io::{self, BufRead, BufReader, Error};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::world::chores::{is_root, run};

/// A namespace in which `disk` is a tmpfs of its own.
#[derive(Debug)]
pub struct Room {
    keeper: Child,
    pub disk: PathBuf,
}

impl Room {
    /// `disk` must exist. An error means that this machine does not let us mount.
    pub fn new(disk: &Path, megabytes: u64) -> io::Result<Self> {
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m,mode=700 tmpfs '{}' && echo ready && exec cat >/dev/null",
            disk.display()
        );
        let mut command = Command::new("unshare");
        command.arg(if is_root() { "-m" } else { "-rm" }).args(["--", "sh", "-c", &script]);
        let mut keeper =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if line.trim() != "ready" {
            let _ = keeper.kill();
            let _ = keeper.wait();
            return Err(Error::other("no disk can be mounted here"));
        }
        Ok(Self { keeper, disk: disk.into() })
    }

    /// What makes a program run in here.
    pub fn prefix(&self) -> Vec<String> {
        let mut words =
            vec!["nsenter".to_owned(), "-t".to_owned(), self.keeper.id().to_string(), "-m".to_owned()];
        if !is_root() {
            words.extend(["-U".to_owned(), "--preserve-credentials".to_owned()]);
        }
        // The working directory is ours, not the namespace's.
        words.push("--".to_owned());
        words
    }

    /// Runs a shell command in here.
    pub fn shell(&self, script: &str) -> io::Result<()> {
        let prefix = self.prefix();
        let mut words: Vec<&str> = prefix[1..].iter().map(String::as_str).collect();
        words.extend(["sh", "-c", script]);
        run(&prefix[0], &words).map(|_| ())
    }

    /// Makes the disk so large that this much of it is free.
    pub fn leave(&self, megabytes: u64) -> io::Result<()> {
        let disk = self.disk.display();
        self.shell(&format!(
            "used=$(df --output=used -m '{disk}' | tail -n 1) && mount -o remount,size=$((used + {megabytes}))m '{disk}'"
        ))
    }

    /// Fills the disk to its last byte.
    pub fn fill(&self) {
        // It ends with "no space left", which is what is wanted.
        let _ = self.shell(&format!("cat /dev/zero > '{}/ballast' 2>/dev/null", self.disk.display()));
    }

    /// Gives the space back.
    pub fn free(&self) -> io::Result<()> {
        self.shell(&format!("rm -f '{}/ballast'", self.disk.display()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Its end of input is the keeper's end.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
