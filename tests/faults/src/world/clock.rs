//! A clock of a node's own that can be moved while it runs: libfaketime before the real binary.

use std::io::{self, Error};
use std::path::{Path, PathBuf};

use crate::world::node::Place;

/// The clock of one node. The machine's own is never touched.
#[derive(Debug)]
pub struct Clock {
    file: PathBuf,
}

impl Clock {
    /// Gives a place a clock of its own, for its server and its commands.
    pub fn wind(place: &mut Place, home: &Path, name: &str) -> io::Result<Self> {
        let library = library()?;
        let clock = Self { file: home.join(format!("{name}.clock")) };
        clock.set("+0")?;
        place.set("LD_PRELOAD", &library.display().to_string());
        place.set("FAKETIME_TIMESTAMP_FILE", &clock.file.display().to_string());
        place.set("FAKETIME_NO_CACHE", "1");
        // What measures durations goes on as it must: a machine's clock jumps, its uptime does not.
        place.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Ok(clock)
    }

    /// Such as `+0`, `-1d`, `+10y`, `+0 x1.05`.
    pub fn set(&self, text: &str) -> io::Result<()> {
        // In one step, so that nobody reads half of it.
        let draft = self.file.with_extension("draft");
        std::fs::write(&draft, format!("{text}\n"))?;
        std::fs::rename(draft, &self.file)
    }
}

fn library() -> io::Result<PathBuf> {
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let found = places
        .iter()
        .map(|place| Path::new(place).join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists());
    found.ok_or_else(|| Error::other("libfaketime is not installed: apt-get install faketime"))
}
