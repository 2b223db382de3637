//! The protocol as a client speaks it: the request, and the reply sorted into what it means for the ledger.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use valetkey_person::{Connection, Request, Response, encode};

use crate::load::ledger::Access;

/// RFC 7636 appendix B: one known pair is enough, since nobody here guesses.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A registered client.
#[derive(Debug, Clone)]
pub struct App {
    pub id: String,
    pub secret: Option<String>,
    pub redirect: String,
}

impl App {
    /// What `client create --json` says.
    pub fn read(made: &Value) -> Option<Self> {
        let text = |member: &str| made[member].as_str().map(str::to_owned);
        let redirect = "https://app.example/callback".to_owned();
        Some(Self { id: text("client_id")?, secret: text("client_secret"), redirect })
    }
}

/// What a reply means.
#[derive(Debug)]
pub enum Reply {
    /// 2xx, whole.
    Done(Value),
    /// An error of the protocol: its code.
    Denied(String),
    /// 429 or 503 with Retry-After: nothing was promised.
    Busy,
    /// Anything else that was received.
    Unclean(String),
    /// No whole reply.
    Lost(io::Error),
}

/// One connection to the public listener, with the credentials put into the body.
#[derive(Debug)]
pub struct Wire {
    connection: Connection,
    origin_host: String,
}

impl Wire {
    pub fn new(address: SocketAddr, issuer: &str) -> Self {
        let origin_host = issuer.trim_start_matches("http://").to_owned();
        Self { connection: Connection::new(address), origin_host }
    }

    pub fn call(&mut self, path: &str, app: &App, fields: &[(&str, &str)]) -> Reply {
        match self.begin(path, app, fields) {
            Ok(()) => self.finish(),
            Err(error) => Reply::Lost(error),
        }
    }

    pub fn begin(&mut self, path: &str, app: &App, fields: &[(&str, &str)]) -> io::Result<()> {
        let mut all = fields.to_vec();
        all.push(("client_id", &app.id));
        if let Some(secret) = &app.secret {
            all.push(("client_secret", secret));
        }
        self.connection.begin(&Request::post(path, &all).header("Host", &self.origin_host))
    }

    pub fn finish(&mut self) -> Reply {
        match self.connection.finish() {
            Ok(response) => sort(&response),
            Err(error) => Reply::Lost(error),
        }
    }

    pub fn hang_up(&mut self) {
        self.connection.close();
    }
}

/// What a response means.
pub fn sort(response: &Response) -> Reply {
    let status = response.status;
    if matches!(status, 429 | 503) && response.header("retry-after").is_some() {
        return Reply::Busy;
    }
    let body: Option<Value> = if response.body.is_empty() {
        Some(Value::Null)
    } else {
        serde_json::from_slice(&response.body).ok()
    };
    match (status, body) {
        (200..=299, Some(body)) => Reply::Done(body),
        (400 | 401, Some(body)) if body["error"].is_string() => {
            Reply::Denied(body["error"].as_str().unwrap_or_default().into())
        }
        _ => Reply::Unclean(format!("{status} {}", response.text().chars().take(160).collect::<String>())),
    }
}

/// The authorization request of an application.
pub fn authorization(app: &App, prompt: Option<&str>) -> String {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", app.id.as_str()),
        ("redirect_uri", app.redirect.as_str()),
        ("scope", "read offline_access"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    fields.extend(prompt.map(|prompt| ("prompt", prompt)));
    format!("/oauth/authorize?{}", encode(&fields))
}

/// The access token of a token response.
pub fn access(body: &Value) -> Option<Access> {
    let lives = Duration::from_secs(body["expires_in"].as_u64()?);
    Some(Access { token: body["access_token"].as_str()?.to_owned(), at: Instant::now(), lives })
}

/// The refresh token of a token response.
pub fn refresh(body: &Value) -> Option<String> {
    body["refresh_token"].as_str().map(str::to_owned)
}
