//! Real `PostgreSQL` clusters: one, or a primary with a standby that confirms each commit.

use std::io::{self, Error};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::world::chores::{free_port, is_root, run, until};
use crate::world::process;

/// Where Debian keeps the server's programs, newest first, and where others do.
const PLACES: [&str; 6] = [
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
    "/usr/pgsql-15/bin",
    "/usr/local/pgsql/bin",
    "/usr/bin",
];
/// The role, and the database's name.
const ROLE: &str = "valetkey";
const PATIENCE: Duration = Duration::from_secs(30);

/// One cluster. Its process ends with this value.
#[derive(Debug)]
pub struct Postgres {
    directory: PathBuf,
    pub port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// A new cluster, running, with an empty database.
    pub fn new(home: &Path, name: &str) -> io::Result<Self> {
        let mut own = Self::placed(home, name)?;
        let data = own.data();
        own.program(
            "initdb",
            &["-D", &data, "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        )?;
        let settings = "listen_addresses = '127.0.0.1'\nshared_buffers = 64MB\nmax_connections = 200\n\
                        wal_level = replica\nhot_standby = on\nmax_wal_size = 512MB\n";
        own.configure(settings)?;
        own.start()?;
        own.sql(&format!("CREATE DATABASE {ROLE}"), "postgres")?;
        Ok(own)
    }

    /// A standby of this cluster that takes its place in the line of those who confirm.
    pub fn standby(&self, home: &Path, name: &str) -> io::Result<Self> {
        let mut other = Self::placed(home, name)?;
        let (data, port) = (other.data(), self.port.to_string());
        let from = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            ROLE,
            "-D",
            &data,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        ];
        other.program("pg_basebackup", &from)?;
        other.start()?;
        Ok(other)
    }

    fn placed(home: &Path, name: &str) -> io::Result<Self> {
        let directory = home.join(name);
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        if is_root() {
            // PostgreSQL refuses to be root; its user must reach the directory.
            run("chmod", &["a+rx", &home.display().to_string()])?;
            run("chown", &["postgres", &directory.display().to_string()])?;
        }
        Ok(Self { directory, port: free_port()?, child: None })
    }

    fn data(&self) -> String {
        self.directory.join("data").display().to_string()
    }

    /// Adds lines to its configuration; they hold from the next start or reload.
    pub fn configure(&self, settings: &str) -> io::Result<()> {
        use std::io::Write;
        let path = self.directory.join("data/postgresql.auto.conf");
        std::fs::OpenOptions::new().append(true).open(path)?.write_all(settings.as_bytes())
    }

    /// Makes each commit wait for a standby.
    pub fn confirm_commits(&self, by: &str) -> io::Result<()> {
        self.configure(&format!("synchronous_standby_names = '{by}'\n"))?;
        self.sql("SELECT pg_reload_conf()", "postgres").map(|_| ())
    }

    pub fn start(&mut self) -> io::Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.directory.join("log"))?;
        let (data, port, socket) = (self.data(), self.port.to_string(), self.directory.display().to_string());
        let mut command = as_postgres(&programs()?.join("postgres"));
        command.args(["-D", &data, "-k", &socket, "-p", &port]).current_dir(&self.directory);
        self.child = Some(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
        let ready = programs()?.join("pg_isready");
        let asks = ["-q", "-h", "127.0.0.1", "-p", &port, "-d", "postgres", "-U", ROLE];
        until("PostgreSQL is ready", PATIENCE, || run(&ready.display().to_string(), &asks).is_ok())
            .map_err(|error| Error::other(format!("{error}: {}", self.last_words())))?;
        Ok(())
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        log.lines().rev().take(4).collect::<Vec<_>>().join(" | ")
    }

    /// A fast shutdown, and waits for it.
    pub fn stop(&mut self) -> io::Result<()> {
        self.end("INT")
    }

    /// SIGKILL to the server and all its processes.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        let postmaster = child.id();
        let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"))?;
        process::signal(postmaster, "KILL")?;
        for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
            // It may have seen the end of the first and gone already.
            let _ = process::signal(child, "KILL");
        }
        self.wait()
    }

    fn end(&mut self, signal: &str) -> io::Result<()> {
        if let Some(child) = &self.child {
            process::signal(child.id(), signal)?;
        }
        self.wait()
    }

    fn wait(&mut self) -> io::Result<()> {
        self.child.take().map_or(Ok(()), |mut child| child.wait().map(|_| ()))
    }

    /// Becomes the primary.
    pub fn promote(&self) -> io::Result<()> {
        self.sql("SELECT pg_promote(true, 30)", "postgres").map(|_| ())
    }

    /// What a statement answers, as text without decoration.
    pub fn sql(&self, sql: &str, database: &str) -> io::Result<String> {
        let port = self.port.to_string();
        let said = self
            .program("psql", &["-h", "127.0.0.1", "-p", &port, "-U", ROLE, "-d", database, "-XAtqc", sql])?;
        Ok(said.trim().to_owned())
    }

    /// What a statement on the application's database answers.
    pub fn query(&self, sql: &str) -> io::Result<String> {
        self.sql(sql, ROLE)
    }

    /// Makes another database; its address.
    pub fn database(&self, name: &str) -> io::Result<String> {
        self.sql(&format!("CREATE DATABASE {name}"), "postgres")?;
        Ok(format!("postgres://{ROLE}@127.0.0.1:{}/{name}", self.port))
    }

    fn program(&self, name: &str, arguments: &[&str]) -> io::Result<String> {
        let output =
            as_postgres(&programs()?.join(name)).args(arguments).current_dir(&self.directory).output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::other(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }

    /// The address of the application's database.
    pub fn url(&self) -> String {
        url(&[self.port])
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An end without ceremony: nobody needs the data any more.
        let _ = self.end("QUIT");
    }
}

/// The address of the database behind any of these ports.
pub fn url(ports: &[u16]) -> String {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("postgres://{ROLE}@{}/{ROLE}", hosts.join(","))
}

/// The directory of `initdb`.
pub fn programs() -> io::Result<PathBuf> {
    let found = PLACES.iter().map(PathBuf::from).find(|place| place.join("initdb").exists());
    found.ok_or_else(|| Error::other("PostgreSQL's server is not installed: apt-get install postgresql"))
}

/// A program as a user that `PostgreSQL` does not refuse: never root. It is killed if we are.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}
