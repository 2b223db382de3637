//! A server under callgrind, told by vgdb when to begin and to write down; and a reader of what it wrote.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::procfs::Watch;
use crate::server::{Install, Running};

/// How often a start is tried again.
const TRIES: u32 = 3;

/// How long a look at the server's processor time is, how many there are, and at what share of a core it rests.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS: u32 = 60;
const AT_REST: f64 = 0.25;

/// The running server; each `dump` writes the counts since the last `zero`.
pub(super) struct Watched {
    running: Running,
    out: PathBuf,
    dumps: u32,
}

impl Watched {
    pub(super) fn start(install: &Install) -> Result<Self> {
        let out = install.scratch()?.join("callgrind.out");
        let words = ["valgrind", "--tool=callgrind", "--callgrind-out-file"];
        let mut words: Vec<String> = words.map(str::to_owned).into();
        let flag = words.pop().context("a flag")?;
        words.push(format!("{flag}={}", out.display()));
        // Callgrind itself dies at the start of a program with several threads now and then.
        let mut tries = 0;
        let running = loop {
            match install.start_under(&words) {
                Ok(running) => break running,
                Err(error) if tries == TRIES => {
                    return Err(error).context("under valgrind (apt-get install valgrind)");
                }
                Err(_) => tries += 1,
            }
        };
        Ok(Self { running, out, dumps: 0 })
    }

    /// Waits until the server has nothing left to do: a password hash to which callgrind gave no time was begun again on another
    /// thread, and the first would go on beside what is counted.
    pub(super) fn settle(&self) -> Result<()> {
        for _ in 0..LOOKS {
            let watch = Watch::start(self.running.id())?;
            crate::stop::pause(LOOK);
            let (_, share) = watch.stop()?;
            if share < AT_REST {
                return Ok(());
            }
        }
        bail!("the server never comes to rest: its counts would mean nothing")
    }

    pub(super) fn zero(&self) -> Result<()> {
        self.tell("zero")
    }

    /// The file with what was counted.
    pub(super) fn dump(&mut self) -> Result<PathBuf> {
        self.tell("dump")?;
        self.dumps += 1;
        let mut name = self.out.clone().into_os_string();
        name.push(format!(".{}", self.dumps));
        Ok(name.into())
    }

    fn tell(&self, order: &str) -> Result<()> {
        let process = format!("--pid={}", self.running.id());
        let told = Command::new("vgdb").args([&process, order]).stdin(Stdio::null()).output();
        let told = told.context("cannot run vgdb, a part of valgrind")?;
        if !told.status.success() {
            bail!("vgdb {order}: {}", String::from_utf8_lossy(&told.stderr).trim());
        }
        Ok(())
    }
}

/// What a dump adds up to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) instructions: u64,
    /// Of these, those inside the crypto library.
    pub(super) crypto: u64,
    /// Calls of the C library's allocator that get memory.
    pub(super) allocations: u64,
}

impl Profile {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("no dump at {}", path.display()))?;
        let mut reader = Reader::default();
        for line in BufReader::new(file).lines() {
            reader.take(&line?);
        }
        Ok(reader.profile)
    }
}

/// What a function is counted as.
#[derive(Debug, Clone, Copy, Default)]
struct Kind {
    crypto: bool,
    allocates: bool,
}

fn kind(name: &str) -> Kind {
    let crypto = name.contains("aws_lc_");
    let allocates = ["malloc", "calloc", "realloc"].contains(&name);
    Kind { crypto, allocates }
}

/// Reads the format line by line (Valgrind manual, "Callgrind Format Specification"): names stand once, with a number.
#[derive(Default)]
struct Reader {
    profile: Profile,
    kinds: HashMap<String, Kind>,
    function: Kind,
    called: Kind,
    /// The next line of costs is the inclusive one of a call.
    after_call: bool,
}

impl Reader {
    fn take(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("fn=") {
            self.function = self.named(name);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            self.called = self.named(name);
        } else if let Some(calls) = line.strip_prefix("calls=") {
            let count = calls.split(' ').next().and_then(|count| count.parse::<u64>().ok());
            // The allocator's calls of itself are no requests for memory.
            if self.called.allocates && !self.function.allocates {
                self.profile.allocations += count.unwrap_or_default();
            }
            self.after_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            && !std::mem::take(&mut self.after_call)
        {
            self.cost(line);
        }
    }

    fn cost(&mut self, line: &str) {
        let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
        self.profile.instructions += cost;
        if self.function.crypto {
            self.profile.crypto += cost;
        }
    }

    /// `(12) name` at first, `(12)` from then on.
    fn named(&mut self, text: &str) -> Kind {
        let (number, name) = text.split_once(' ').unwrap_or((text, ""));
        if name.is_empty() {
            return self.kinds.get(number).copied().unwrap_or_default();
        }
        let kind = kind(name);
        self.kinds.insert(number.to_owned(), kind);
        kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_adds_up_to_its_own_costs_and_not_to_those_of_calls() {
        let dump = "events: Ir\n\nfn=(1) main\n0 100\ncfn=(2) aws_lc_0_1_SHA256\ncalls=3 0\n0 60\n+2 11\n\
                    cfn=(3) malloc\ncalls=2 0\n0 40\n\nfn=(2)\n0 60\n\nfn=(3)\n* 40\ncfn=(3)\ncalls=9 0\n0 1\n\n\
                    totals: 211\n";
        let mut reader = Reader::default();
        dump.lines().for_each(|line| reader.take(line));
        assert_eq!(reader.profile, Profile { instructions: 211, crypto: 60, allocations: 2 });
    }
}
