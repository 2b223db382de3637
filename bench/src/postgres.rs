//! A real PostgreSQL with the settings it ships with, and what its own benchmark makes of one-row updates on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::process::{Guarded, Pins};
use crate::stop;

const LONGEST_START: Duration = Duration::from_secs(30);
/// In psql's words: a row for each client that there can be, about as wide as a grant's.
const PREPARE: &str = "CREATE TABLE probe (id int PRIMARY KEY, generation bigint NOT NULL, rest text NOT NULL) \
     WITH (fillfactor = 80); INSERT INTO probe SELECT i, 0, repeat('x', 200) FROM generate_series(0, 1023) i";
const UPDATE: &str = "UPDATE probe SET generation = generation + 1 WHERE id = :client_id;\n";

/// A running server; it ends with this.
pub(crate) struct Cluster {
    server: Guarded,
    programs: PathBuf,
    dir: TempDir,
    pins: Pins,
}

impl Cluster {
    /// On the file system of `parent`, on any core.
    pub(crate) fn start(parent: &Path, pins: Pins) -> Result<Self> {
        let programs = programs()?;
        let dir = tempfile::Builder::new().prefix("valetkey-bench-pg-").tempdir_in(parent)?;
        let path = dir.path().to_owned();
        let (data, text) = (path.join("data"), path.display().to_string());
        hand_over(&path)?;
        let mut make = as_owner(&programs.join("initdb"));
        make.arg("-D").arg(&data).args(["-U", "valetkey", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        run(make.current_dir(&path))?;
        let mut serve = as_owner(&programs.join("postgres"));
        let log = std::fs::File::create(path.join("log"))?;
        serve.arg("-D").arg(&data).args([
            "-k",
            &text,
            "-c",
            "listen_addresses=",
            "-c",
            "max_connections=400",
        ]);
        serve.args(["-c", "synchronous_commit=on", "-c", "fsync=on", "-c", "shared_buffers=256MB"]);
        serve.current_dir(&path).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let server = Guarded::spawn(&mut serve)?;
        pins.release(server.id());
        let cluster = Self { server, programs, dir, pins };
        cluster.wait()?;
        cluster.psql("postgres", PREPARE)?;
        std::fs::write(path.join("update.sql"), UPDATE)?;
        Ok(cluster)
    }

    fn wait(&self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < LONGEST_START {
            stop::check()?;
            if self.psql("postgres", "SELECT 1").is_ok() {
                return Ok(());
            }
            stop::pause(Duration::from_millis(50));
        }
        bail!("PostgreSQL did not start: {}", std::fs::read_to_string(self.dir.path().join("log"))?)
    }

    fn psql(&self, database: &str, sql: &str) -> Result<()> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg("-h").arg(self.dir.path()).args(["-U", "valetkey", "-d", database, "-qXc", sql]);
        run(&mut psql)
    }

    /// The address of a new, empty database.
    pub(crate) fn database(&self, name: &str) -> Result<String> {
        self.psql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.address(name))
    }

    pub(crate) fn address(&self, name: &str) -> String {
        let host = self.dir.path().display().to_string().replace('/', "%2F");
        format!("postgres://valetkey@{host}/{name}")
    }

    /// One-row updates a second, by so many clients of `pgbench`, which is where a server would be.
    pub(crate) fn updates(&self, clients: usize, length: Duration) -> Result<f64> {
        // The time counts from before its clients are connected; its rate does not.
        let seconds = (length.as_secs() + 1 + clients as u64 / 64).to_string();
        let mut bench = self.pins.on_server_core(&self.programs.join("pgbench"));
        bench.args(["-n", "-M", "prepared", "-j", "1", "-U", "valetkey", "-c", &clients.to_string()]);
        bench.args(["-T", &seconds, "-f"]).arg(self.dir.path().join("update.sql"));
        let output = bench.arg("-h").arg(self.dir.path()).arg("postgres").output().context("pgbench")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.server.end(Duration::from_secs(10));
    }
}

/// Where Debian keeps the server's programs, newest first, or `PATH`.
fn programs() -> Result<PathBuf> {
    let places = (13..30).rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    let mut places = places.chain(["/usr/pgsql-15/bin", "/usr/bin"].map(PathBuf::from));
    places.find(|place| place.join("initdb").exists()).context("no PostgreSQL: apt-get install postgresql")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// PostgreSQL refuses root.
fn as_owner(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command
}

fn hand_over(path: &Path) -> Result<()> {
    if is_root() { run(Command::new("chown").arg("postgres").arg(path)) } else { Ok(()) }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let program = command.get_program().display();
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
