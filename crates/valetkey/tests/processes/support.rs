//! A server process on a database of its own, management commands beside it, and a wire that can be cut.

use crate::wire::{PATIENCE, Reply, connect, exchange};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tempfile::TempDir;
use valetkey_testkit::postgres::Cluster;

/// 32 bytes, for every node of a test.
pub(crate) const MASTER_KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
pub(crate) const ISSUER: &str = "http://localhost:8080";

/// Waits for something to become true.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

/// A database that servers are started on.
pub(crate) struct World {
    pub(crate) url: String,
    data: TempDir,
}

/// A running server.
pub(crate) struct Node {
    child: Child,
    pub(crate) address: String,
    pub(crate) management: String,
    pub(crate) setup_link: Option<String>,
    _data: TempDir,
}

impl World {
    /// On the way through `place`, as a role of its own whose tables stand in a schema of its own.
    pub(crate) fn behind(pooler: impl FnOnce(&str) -> String) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let schema = runtime.block_on(async {
            let database = Cluster::shared().database().await;
            let role = &database.schema;
            let sql =
                format!("CREATE ROLE {role} SUPERUSER LOGIN; ALTER ROLE {role} SET search_path = {role}");
            Cluster::shared().execute(&sql).await;
            database.schema
        });
        let url = format!("postgres://{schema}@{}/postgres", pooler(&schema));
        Self { url, data: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let database = runtime.block_on(Cluster::shared().database());
        // The limits are those of a real server here: that is what is tried.
        let url = database.url.replace("&statement_timeout=15000", "");
        Self { url, data: tempfile::tempdir().unwrap() }
    }

    /// A server on the database, or on the way to it that `url` describes.
    #[expect(clippy::unused_self, reason = "a node is the world's")]
    pub(crate) fn node_at(&self, url: &str) -> Node {
        let data = tempfile::tempdir().unwrap();
        let mut child = Self::command(url, data.path())
            .args(["--json", "serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let greeting: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no greeting: {line:?}"));
        let text = |name: &str| greeting[name][0].as_str().unwrap().to_owned();
        let setup_link = greeting["setup_link"].as_str().map(str::to_owned);
        Node { child, address: text("listen"), management: text("management"), setup_link, _data: data }
    }

    pub(crate) fn node(&self) -> Node {
        self.node_at(&self.url)
    }

    fn command(url: &str, data: &std::path::Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_valetkey"));
        command
            .arg("--data-dir")
            .arg(data)
            .env("VALETKEY__DATABASE_URL", url)
            .env("VALETKEY__MASTER_KEY", MASTER_KEY)
            .env("VALETKEY__ISSUER", ISSUER)
            .env("VALETKEY__MANAGEMENT__LISTEN", "127.0.0.1:0");
        command
    }

    /// A management command: its answer, or what it complains of.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Result<Value, String> {
        self.cli_with(arguments, "", &[])
    }

    pub(crate) fn cli_with(
        &self,
        arguments: &[&str],
        input: &str,
        environment: &[(&str, &str)],
    ) -> Result<Value, String> {
        let mut child = Self::command(&self.url, self.data.path())
            .arg("--json")
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8(output.stderr).unwrap());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    /// A client that acts for itself and may introspect; its credentials for the `Authorization` header.
    pub(crate) fn service(&self) -> String {
        let arguments = ["client", "create", "--name", "Service", "--id", "service"];
        let more = ["--grant", "client_credentials", "--introspect", "--secret-stdin"];
        self.cli_with(&[&arguments[..], &more].concat(), "a-secret-of-24-characters", &[]).unwrap();
        // service:a-secret-of-24-characters
        "Basic c2VydmljZTphLXNlY3JldC1vZi0yNC1jaGFyYWN0ZXJz".to_owned()
    }
}

impl World {
    /// Statements on the database itself.
    pub(crate) fn execute(&self, sql: &str) {
        let (_, schema) = self.url.rsplit_once("search_path%3D").unwrap();
        let sql = format!("SET search_path = {schema}; {sql}; RESET search_path");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(Cluster::shared().execute(&sql));
    }
}

impl Node {
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn get(&self, target: &str) -> Reply {
        get(&self.address, target)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.readiness().status == 200
    }

    pub(crate) fn readiness(&self) -> Reply {
        self.manage("/health/ready")
    }

    pub(crate) fn manage(&self, target: &str) -> Reply {
        get(&self.management, target)
    }

    pub(crate) fn post(&self, target: &str, authorization: &str, form: &str) -> Reply {
        let raw = format!(
            "POST {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        exchange(connect(&self.address), raw.as_bytes())
    }

    /// A token of a client for itself.
    pub(crate) fn token(&self, authorization: &str) -> String {
        let reply = self.post("/oauth/token", authorization, "grant_type=client_credentials");
        reply.json()["access_token"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
    }

    pub(crate) fn introspect(&self, authorization: &str, token: &str) -> Reply {
        self.post("/oauth/introspect", authorization, &format!("token={token}"))
    }

    pub(crate) fn is_active(&self, authorization: &str, token: &str) -> bool {
        let reply = self.introspect(authorization, token);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["active"].as_bool().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, target: &str) -> Reply {
    let raw = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    exchange(connect(address), raw.as_bytes())
}

/// What a wire does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Wire {
    Carries,
    /// Whoever connects or is connected is cut off.
    Cut,
    /// Whatever is sent is swallowed: nobody says that anything is wrong.
    Swallows,
}

/// A way to the database that can be broken.
pub(crate) struct Line {
    port: u16,
    state: Arc<AtomicU8>,
    open: Arc<Mutex<Vec<(TcpStream, UnixStream)>>>,
}

impl Line {
    pub(crate) fn new() -> Self {
        let socket = Cluster::shared().directory().unwrap().join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, open) = (Arc::new(AtomicU8::new(0)), Arc::<Mutex<Vec<_>>>::default());
        let line = Self { port, state: Arc::clone(&state), open: Arc::clone(&open) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let near = stream.unwrap();
                if state.load(Ordering::SeqCst) == Wire::Cut as u8 {
                    continue;
                }
                let Ok(far) = UnixStream::connect(&socket) else { continue };
                open.lock().unwrap().push((near.try_clone().unwrap(), far.try_clone().unwrap()));
                let (to, from) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                carry(near, to, Arc::clone(&state));
                carry(far, from, Arc::clone(&state));
            }
        });
        line
    }

    /// The database as it is reached over this wire.
    pub(crate) fn url(&self, direct: &str) -> String {
        let (_, path) = direct.split_once("/postgres?").unwrap();
        format!("postgres://valetkey@127.0.0.1:{}/postgres?{path}", self.port)
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.state.store(wire as u8, Ordering::SeqCst);
        if wire != Wire::Swallows {
            // What hung before hangs no longer.
            for (near, far) in self.open.lock().unwrap().drain(..) {
                let _ = near.shutdown(std::net::Shutdown::Both);
                let _ = far.shutdown(std::net::Shutdown::Both);
            }
        }
    }
}

fn carry(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static, state: Arc<AtomicU8>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(read) = from.read(&mut buffer) {
            if read == 0 {
                return;
            }
            let swallows = state.load(Ordering::SeqCst) == Wire::Swallows as u8;
            if !swallows && to.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    });
}
