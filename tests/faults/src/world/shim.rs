//! Shims before the real binary, built with the system's C compiler: a disk that fails on command, a clock that jumps.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::world::chores::run;
use crate::world::node::Place;

const DISK: &str = include_str!("../disk.c");
const CLOCK: &str = include_str!("../clock.c");

/// The disk under one place's database.
#[derive(Debug)]
pub struct Disk(File);

impl Disk {
    pub fn under(place: &mut Place, home: &Path) -> io::Result<Self> {
        let word = control(home, "disk")?;
        place.set("LD_PRELOAD", &library(home, "disk", DISK)?);
        place.set("FAULT_FILE", &word.display().to_string());
        let disk = Self(OpenOptions::new().write(true).open(word)?);
        disk.say("-")?;
        Ok(disk)
    }

    /// `-` nothing, `r` read-only, `e7` fsync fails from the seventh on.
    pub fn say(&self, word: &str) -> io::Result<()> {
        // In place: the server has the file mapped. The end before the beginning, so that no half of it is read.
        let mut bytes = [0; 16];
        bytes[..word.len()].copy_from_slice(word.as_bytes());
        self.0.write_all_at(&bytes[1..], 1)?;
        self.0.write_all_at(&bytes[..1], 0)
    }
}

/// The clock of one place, for its server and its commands, or of all that share it. The machine's own is never touched.
#[derive(Debug)]
pub struct Clock(File);

impl Clock {
    pub fn wind(place: &mut Place, home: &Path, name: &str) -> io::Result<Self> {
        let offset = control(home, name)?;
        place.set("LD_PRELOAD", &library(home, "clock", CLOCK)?);
        place.set("CLOCK_FILE", &offset.display().to_string());
        Ok(Self(OpenOptions::new().write(true).open(offset)?))
    }

    pub fn ahead(&self, by: Duration) -> io::Result<()> {
        self.0.write_all_at(&i64::try_from(by.as_nanos()).unwrap_or(i64::MAX).to_ne_bytes(), 0)
    }

    pub fn behind(&self, by: Duration) -> io::Result<()> {
        self.0.write_all_at(&i64::try_from(by.as_nanos()).unwrap_or(i64::MAX).wrapping_neg().to_ne_bytes(), 0)
    }

    pub fn right(&self) -> io::Result<()> {
        self.ahead(Duration::ZERO)
    }
}

/// A file of one page that a shim maps.
fn control(home: &Path, name: &str) -> io::Result<PathBuf> {
    let path = home.join(format!("{name}.control"));
    std::fs::write(&path, [0; 4096])?;
    Ok(path)
}

fn library(home: &Path, name: &str, source: &str) -> io::Result<String> {
    let (from, to) = (home.join(format!("{name}.c")), home.join(format!("{name}.so")));
    std::fs::write(&from, source)?;
    let [from, to] = [from, to].map(|path| path.display().to_string());
    run("cc", &["-O1", "-shared", "-fPIC", "-o", &to, &from, "-ldl"])?;
    Ok(to)
}
