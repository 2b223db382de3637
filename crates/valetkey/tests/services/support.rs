//! A `valetkey dev` with one preset, requests as bytes, and a person with a browser.

use crate::wire::{PATIENCE, Reply, connect, exchange};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_valetkey");

pub(crate) const ALICE: (&str, &str) = ("alice", "alice-in-wonderland-1865");
/// The pair printed in RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str =
    "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

/// A running service.
pub(crate) struct Service {
    child: Child,
    data: TempDir,
    address: String,
    pub(crate) issuer: String,
}

/// A registered application.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Reply {
    /// The JSON of a good answer.
    #[track_caller]
    pub(crate) fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json()["error"], error, "{self:?}");
    }
}

pub(crate) fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}"))
}

impl Service {
    pub(crate) fn start(preset: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(BINARY)
            .args(["--json", "--data-dir"])
            .arg(data.path())
            .args(["dev", "--listen", "127.0.0.1:0", "--preset", preset])
            .env("VALETKEY__MANAGEMENT__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let greeting: Value = serde_json::from_str(&line).unwrap();
        let issuer = text(&greeting, "issuer").to_owned();
        let address = issuer.replace("http://localhost", "127.0.0.1");
        Self { child, data, address, issuer }
    }

    /// A management command beside the running server.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new(BINARY);
        command.args(["--json", "--data-dir"]).arg(self.data.path()).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// An application with what the preset gives to every one, and these flags.
    pub(crate) fn app(&self, flags: &[&str]) -> App {
        let json = self.cli(&[&["client", "create", "--name", "Reader"], flags].concat());
        let secret = json["client_secret"].as_str().unwrap_or_default().to_owned();
        App { id: text(&json, "client_id").to_owned(), secret }
    }

    pub(crate) fn send(&self, raw: &str) -> Reply {
        exchange(connect(&self.address), raw.as_bytes())
    }

    pub(crate) fn get(&self, target: &str, headers: &str) -> Reply {
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n"))
    }

    /// With `Authorization: Bearer`.
    pub(crate) fn call(&self, method: &str, target: &str, token: &str) -> Reply {
        self.send(&format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\nConnection: \
             close\r\n\r\n"
        ))
    }

    /// A form, byte for byte; without a body there is no content type either, as curl has it.
    pub(crate) fn post(&self, target: &str, body: &str) -> Reply {
        self.post_as(target, if body.is_empty() { "" } else { FORM }, "", body)
    }

    pub(crate) fn post_as(&self, target: &str, kind: &str, headers: &str, body: &str) -> Reply {
        let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        self.send(&format!(
            "POST {target} HTTP/1.1\r\nHost: x\r\n{kind}{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Waits until the server has acted on a change made beside it.
    #[expect(clippy::unused_self, reason = "it is the service that is waited for")]
    pub(crate) fn until(&self, mut seen: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !seen() {
            assert!(Instant::now() < deadline, "the server did not hear of the change");
        }
    }
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser, and the person before it.
#[derive(Default)]
pub(crate) struct Person {
    pub(crate) cookies: BTreeMap<String, String>,
    /// Boxes to untick on the consent page.
    pub(crate) declines: Vec<&'static str>,
    pub(crate) denies: bool,
}

impl Person {
    fn send(&mut self, service: &Service, method: &str, target: &str, body: &str) -> Reply {
        let target = target.strip_prefix(&service.issuer).unwrap_or(target);
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = format!("Cookie: {}\r\nSec-Fetch-Site: same-origin\r\n", cookies.join("; "));
        let reply = if method == "GET" {
            service.get(target, &headers)
        } else {
            service.post_as(target, FORM, &headers, body)
        };
        for line in reply.head.lines() {
            let Some((name, cookie)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("set-cookie") {
                let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    /// Opens an address, signs in, answers, and ends at the application's address or at a page without a form of ours.
    pub(crate) fn open(&mut self, service: &Service, address: &str) -> Reply {
        let mut reply = self.send(service, "GET", address, "");
        for _ in 0..12 {
            let location = reply.header("location").unwrap_or_default().to_owned();
            let ours = location.starts_with('/') || location.starts_with(&format!("{}/", service.issuer));
            if reply.status == 303 && !ours {
                return reply;
            }
            reply = if reply.status == 303 {
                self.send(service, "GET", &location, "")
            } else if reply.body.contains("name=\"password\"") {
                let body = form(&reply.body, &[("username", ALICE.0), ("password", ALICE.1)], &[]);
                self.send(service, "POST", "/login", &body)
            } else if reply.body.contains("name=\"decision\"") {
                let decision = if self.denies { "deny" } else { "allow" };
                let body = form(&reply.body, &[("decision", decision)], &self.declines);
                self.send(service, "POST", "/consent", &body)
            } else {
                return reply;
            };
        }
        panic!("no end: {reply:?}");
    }

    /// What comes back to the application at `callback`, in the query or the fragment.
    #[track_caller]
    pub(crate) fn comes_back(
        &mut self,
        service: &Service,
        address: &str,
        callback: &str,
        joint: char,
    ) -> BTreeMap<String, String> {
        let reply = self.open(service, address);
        let location = reply.header("location").unwrap_or_default();
        let rest = location.strip_prefix(callback).and_then(|rest| rest.strip_prefix(joint));
        let rest = rest.unwrap_or_else(|| panic!("{location} is not {callback}{joint}…: {}", reply.body));
        form_urlencoded::parse(rest.as_bytes()).into_owned().collect()
    }
}

/// The page's hidden fields and its boxes, ticked but for the declined ones, with what is typed.
fn form(page: &str, typed: &[(&str, &str)], declined: &[&str]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for tag in page.split('<').filter(|tag| tag.starts_with("input ")) {
        let attribute = |name: &str| {
            let value = tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?;
            Some(value.replace("&amp;", "&").replace("&#x2f;", "/").replace("&#x3d;", "="))
        };
        let (Some(name), Some(value)) = (attribute("name"), attribute("value")) else { continue };
        let kept =
            tag.contains("type=\"hidden\"") || (name == "scope" && !declined.contains(&value.as_str()));
        if kept {
            form.append_pair(&name, &value);
        }
    }
    for (name, value) in typed {
        form.append_pair(name, value);
    }
    form.finish()
}
