//! A `valetkey dev` of one's own, an upstream that answers with what it received, and requests as bytes.

use crate::wire::{PATIENCE, Reply, connect, exchange, header};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tempfile::TempDir;

/// Where its log goes, in the data directory.
const LOG: &str = "stderr";

/// A running server, its data, and the upstream of its API `things`.
pub(crate) struct World {
    child: Child,
    data: TempDir,
    pub(crate) address: String,
    pub(crate) issuer: String,
    /// What `dev --json` said of itself.
    pub(crate) greeting: Value,
    pub(crate) upstream: Upstream,
}

impl World {
    /// The API `things` at `/things`, with the rules given as `METHOD path scope`.
    pub(crate) fn start(rules: &[&str]) -> Self {
        Self::start_with(rules, &[], &[])
    }

    pub(crate) fn start_with(rules: &[&str], environment: &[(&str, &str)], flags: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_valetkey"))
            .args(["--json", "--data-dir"])
            .arg(data.path())
            .args(["dev", "--listen", "127.0.0.1:0"])
            .env("VALETKEY__MANAGEMENT__LISTEN", "127.0.0.1:0")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(data.path().join(LOG)).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let greeting: Value = serde_json::from_str(&line).unwrap();
        let issuer = greeting["issuer"].as_str().unwrap().to_owned();
        let address = issuer.replace("http://localhost", "127.0.0.1");
        let world = Self { child, data, address, issuer, greeting, upstream: Upstream::start() };
        let upstream = world.upstream.url.clone();
        let mut create = vec!["api", "create", "--id", "things", "--name", "Things", "--prefix", "/things"];
        create.extend(["--upstream", &upstream, "--scope", "read write"]);
        create.extend(flags);
        world.cli(&create).unwrap();
        for rule in rules {
            let [method, path, scope] = rule.split(' ').collect::<Vec<_>>()[..] else { panic!("{rule}") };
            world
                .cli(&[
                    "endpoint", "create", "--api", "things", "--method", method, "--path", path, "--scope",
                    scope,
                ])
                .unwrap();
        }
        world.settle(rules.len());
        world
    }

    /// Waits until the server has heard of the API and all its rules.
    fn settle(&self, rules: usize) {
        let api = self.cli(&["api", "show", "things"]).unwrap();
        assert_eq!(api["endpoints"].as_array().unwrap().len(), rules);
        self.follow("marker");
    }

    /// What the server logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join(LOG)).unwrap()
    }

    /// The first line of the log with these words in it, once it is there.
    #[track_caller]
    pub(crate) fn logged(&self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(words)) {
                return line.to_owned();
            }
            assert!(Instant::now() < deadline, "{words:?} is not in the log: {log}");
        }
    }

    pub(crate) fn data_dir(&self) -> &std::path::Path {
        self.data.path()
    }

    /// Waits until the server acts on every change so far: changes are followed in their order, so a scope of that name
    /// is made after them and looked for.
    pub(crate) fn follow(&self, marker: &str) {
        let deadline = Instant::now() + PATIENCE;
        self.cli(&["scope", "create", marker, "--description", "A marker"]).unwrap();
        while !self.get("/.well-known/oauth-authorization-server", "").body.contains(&format!("\"{marker}\""))
        {
            assert!(Instant::now() < deadline, "the server did not hear of the changes");
        }
    }

    /// A management command beside the running server: its answer, or what it complains of.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = Command::new(env!("CARGO_BIN_EXE_valetkey"))
            .args(["--json", "--data-dir"])
            .arg(self.data.path())
            .args(arguments)
            .output()
            .unwrap();
        if !output.status.success() {
            return Err(String::from_utf8(output.stderr).unwrap());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// A token of `demo-service` for `scope` at the API.
    pub(crate) fn token(&self, scope: &str) -> String {
        let scope = scope.replace(' ', "+");
        let resource = format!("{}/things", self.issuer).replace(':', "%3A").replace('/', "%2F");
        let form = format!("grant_type=client_credentials&scope={scope}&resource={resource}");
        let reply = self.post_token(&form);
        reply["access_token"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
    }

    /// The token endpoint as `demo-service`.
    pub(crate) fn post_token(&self, form: &str) -> Value {
        let basic = "ZGVtby1zZXJ2aWNlOmRlbW8tc2VydmljZS1zZWNyZXQtZm9yLWRldmVsb3BtZW50LW9ubHk=";
        let raw = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        self.send(raw.as_bytes()).json()
    }

    pub(crate) fn get(&self, target: &str, headers: &str) -> Reply {
        self.send(
            format!("GET {target} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n").as_bytes(),
        )
    }

    /// GET with a bearer token.
    pub(crate) fn get_with(&self, target: &str, token: &str) -> Reply {
        self.get(target, &format!("Authorization: Bearer {token}\r\n"))
    }

    /// GET at another server, such as a proxy in front.
    pub(crate) fn send_to(address: &str, target: &str, headers: &str) -> Reply {
        let raw = format!("GET {target} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n");
        exchange(connect(address), raw.as_bytes())
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) fn send(&self, raw: &[u8]) -> Reply {
        exchange(connect(&self.address), raw)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(&self.address)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Knows nothing of OAuth: its body is the request head it received, byte for byte, and the body after it.
pub(crate) struct Upstream {
    pub(crate) url: String,
    received: Arc<AtomicUsize>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || serve(stream.unwrap(), &counter));
            }
        });
        Self { url, received }
    }

    /// How many requests arrived so far.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, counter: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        counter.fetch_add(1, Ordering::SeqCst);
        if header(&head, "upgrade").is_some() {
            return websocket(reader, writer);
        }
        if head.starts_with("GET /events") {
            return events(writer, reader);
        }
        let body = read_body(&head, &mut reader);
        let said = format!("{head}{body}");
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Upstream: yes\r\nSet-Cookie: theme=dark\r\nSet-Cookie: \
             vk_session=forged\r\nContent-Length: {}\r\n\r\n{said}",
            said.len()
        );
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_body(head: &str, reader: &mut impl BufRead) -> String {
    if let Some(length) = header(head, "content-length") {
        let mut body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        return String::from_utf8(body).unwrap();
    }
    let mut body = String::new();
    while header(head, "transfer-encoding").is_some() {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).unwrap();
        if size == 0 {
            break;
        }
        body.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
    }
    body
}

/// Switches, and sends back each byte it gets in capitals.
fn websocket(mut reader: impl Read, mut writer: TcpStream) {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";
    writer.write_all(answer.as_bytes()).unwrap();
    let mut byte = [0];
    while reader.read(&mut byte).unwrap_or(0) == 1 {
        writer.write_all(&[byte[0].to_ascii_uppercase()]).unwrap();
    }
}

/// Sends one event, waits until its connection is closed, and never ends by itself.
fn events(mut writer: TcpStream, mut reader: impl Read) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nf\r\ndata: first one\r\n";
    writer.write_all(head.as_bytes()).unwrap();
    let _ = reader.read(&mut [0]);
}
