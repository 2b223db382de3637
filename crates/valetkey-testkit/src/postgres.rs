//! A real PostgreSQL for tests: one server for a test process, a schema of its own for each test.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Where Debian keeps the server's programs, newest first, and where others do.
const PLACES: [&str; 6] = [
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
    "/usr/pgsql-15/bin",
    "/usr/local/pgsql/bin",
    "/usr/bin",
];

/// Runs a server until its standard input ends: with the test process, however that ends.
const KEEP: &str = r#"
set -eu
"$1/initdb" -D "$2/data" -U valetkey -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
  -c max_connections=400 -c shared_buffers=64MB -c max_wal_size=512MB -c deadlock_timeout=200ms >>"$2/log" 2>&1 &
server=$!
until "$1/pg_isready" -q -h "$2" -d postgres -U valetkey || ! kill -0 $server; do sleep 0.05; done
echo ready
cat >/dev/null
kill -QUIT $server
wait $server || true
rm -rf "$2"
"#;

/// The same for a pooler in transaction mode before it.
const POOL: &str = r#"
set -eu
pgbouncer "$1/pgbouncer.ini" >"$1/log" 2>&1 &
pooler=$!
until [ -S "$1/.s.PGSQL.6432" ] || ! kill -0 $pooler; do sleep 0.05; done
echo ready
cat >/dev/null
kill $pooler
wait $pooler || true
"#;

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    /// Without a query: `postgres://valetkey@%2Ftmp%2F…/postgres`.
    url: String,
    keeper: Option<(Child, ChildStdin, TempDir)>,
}

/// A schema of its own in the shared server: an empty database, as far as a store can see.
#[derive(Debug, Clone)]
pub struct Database {
    pub url: String,
    pub schema: String,
}

impl Cluster {
    /// The one of this process: that of `VALETKEY_TEST_POSTGRES`, or one that is started now.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match variable("VALETKEY_TEST_POSTGRES") {
            Some(url) => Self { url, keeper: None },
            None => Self::start(),
        })
    }

    /// A server that nobody else uses and that ends with this value, or with the process.
    pub fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("valetkey-pg-").tempdir().expect("a directory");
        let path = directory.path();
        let (child, stdin) = kept(KEEP, path, &[programs()]);
        let url = format!("postgres://valetkey@{}/postgres", path.display().to_string().replace('/', "%2F"));
        Self { url, keeper: Some((child, stdin, directory)) }
    }

    /// A new, empty schema.
    pub async fn database(&self) -> Database {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let schema = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE SCHEMA {schema}")).await;
        let url =
            format!("{}?pool_size=5&statement_timeout=15000&options=-csearch_path%3D{schema}", self.url);
        Database { url, schema }
    }

    pub async fn execute(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.expect("statements");
    }

    pub async fn client(&self) -> Client {
        let (client, driver) = tokio_postgres::connect(&self.url, NoTls).await.expect("a connection");
        tokio::spawn(driver);
        client
    }

    /// Where the server's socket is.
    pub fn directory(&self) -> Option<&Path> {
        self.keeper.as_ref().map(|(_, _, directory)| directory.path())
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some((mut child, mut stdin, directory)) = self.keeper.take() {
            stdin.flush().ok();
            drop(stdin);
            child.wait().ok();
            drop(directory);
        }
    }
}

/// A PgBouncer in transaction mode before a cluster. It ends with this value, or with the process.
#[derive(Debug)]
pub struct Pooler {
    directory: TempDir,
    keeper: Option<(Child, ChildStdin)>,
}

impl Pooler {
    /// Before `cluster`, with no settings but the mode, for connections as `role`.
    pub fn start(cluster: &Cluster, role: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("valetkey-pool-").tempdir().expect("a directory");
        let path = directory.path();
        let (own, server) = (path.display(), cluster.directory().expect("a server of our own").display());
        let settings = format!(
            "[databases]\n* = host={server}\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {own}\n\
             auth_type = trust\nauth_file = {own}/users\npool_mode = transaction\n\
             default_pool_size = 4\n"
        );
        std::fs::write(path.join("pgbouncer.ini"), settings).expect("a file");
        std::fs::write(path.join("users"), format!("\"{role}\" \"\"\n")).expect("a file");
        let keeper = Some(kept(POOL, path, &[]));
        Self { directory, keeper }
    }

    /// Where it listens, as the host and port of an address.
    pub fn place(&self) -> String {
        format!("{}:6432", self.directory.path().display().to_string().replace('/', "%2F"))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        if let Some((mut child, stdin)) = self.keeper.take() {
            drop(stdin);
            child.wait().ok();
        }
    }
}

/// Starts a script that says when it is ready and ends with its standard input.
fn kept(script: &str, directory: &Path, before: &[PathBuf]) -> (Child, ChildStdin) {
    let mut command = as_postgres(directory);
    command.args(["-c", script, "sh"]).args(before).arg(directory);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
    let stdin = child.stdin.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let log = || std::fs::read_to_string(directory.join("log")).unwrap_or_default();
    assert_eq!(line, "ready\n", "it did not start: {}", log());
    (child, stdin)
}

/// A shell, as a user that PostgreSQL does not refuse: never root.
fn as_postgres(directory: &Path) -> Command {
    let root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !root {
        return Command::new("sh");
    }
    let given = Command::new("chown").args(["-R", "postgres"]).arg(directory).status().expect("chown");
    assert!(given.success(), "there is no user `postgres`: install postgresql");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "sh"]);
    command
}

/// The directory of `initdb`. A machine without it cannot show what it should, and must not seem to.
pub fn programs() -> PathBuf {
    let found = PLACES.iter().map(PathBuf::from).find(|place| place.join("initdb").exists());
    found.expect("PostgreSQL's server is not installed: `apt-get install postgresql` (scripts/test does)")
}

/// Whether the whole application is to be tried on PostgreSQL.
pub fn is_wanted() -> bool {
    match variable("VALETKEY_TEST_DATABASE").as_deref() {
        None | Some("" | "sqlite") => false,
        Some("postgres") => true,
        Some(other) => panic!("VALETKEY_TEST_DATABASE is sqlite or postgres, not {other}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "how tests are run is said by their environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
