//! As much of a browser as the set-up needs: cookies, redirects, and the login and consent forms.

mod form;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;

use crate::http::{self, Answer, find};
pub(crate) use form::Form;

const MOST_REDIRECTS: usize = 12;

/// Cookies by name; a benchmark has one site, so path and domain play no part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jar(Vec<(String, String)>);

impl Jar {
    /// Takes over what the answer sets; an emptied cookie is forgotten.
    pub(crate) fn absorb(&mut self, answer: &Answer<'_>) {
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            self.0.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The header line, ended by CRLF; empty without cookies.
    pub(crate) fn header(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: {}\r\n", pairs.join("; "))
    }
}

/// A user and the password.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Credentials {
    pub(crate) fn fields(&self) -> [(&str, &str); 2] {
        [("username", &self.username), ("password", &self.password)]
    }
}

/// What a client asks the authorization endpoint for, and how it redeems the code.
#[derive(Debug, Clone)]
pub(crate) struct CodeRequest {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
}

/// One PKCE verifier serves every flow: the server cannot tell, and the generator stays lean.
const VERIFIER: &str = "valetkey-bench-verifier-0123456789-0123456789-0123456789";

impl CodeRequest {
    pub(crate) fn path(&self) -> String {
        let challenge = BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()).as_ref());
        let query = http::form(&[
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", "bench"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        format!("/oauth/authorize?{query}")
    }

    /// The code in a redirect to the client, still in its URL encoding.
    pub(crate) fn code_in<'a>(&self, location: &'a str) -> Option<&'a str> {
        let query = location.strip_prefix(self.redirect_uri.as_str())?.strip_prefix('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix("code="))
    }

    /// The client's authentication as form parameters.
    pub(crate) fn client(&self) -> String {
        http::form(&[("client_id", &self.client_id), ("client_secret", &self.client_secret)])
    }

    /// The body that redeems a code, given in its URL encoding.
    pub(crate) fn redemption(&self, code: &str) -> String {
        let rest = http::form(&[("redirect_uri", &self.redirect_uri), ("code_verifier", VERIFIER)]);
        format!("grant_type=authorization_code&{}&{rest}&code={code}", self.client())
    }
}

/// The path and query of a redirect that stays on this host.
pub(crate) fn path_on<'a>(location: &'a str, host: &str) -> Option<&'a str> {
    if location.starts_with('/') && !location.starts_with("//") {
        return Some(location);
    }
    location.strip_prefix("http://")?.strip_prefix(host).filter(|rest| rest.starts_with('/'))
}

/// A browser with one connection and one cookie jar.
pub(crate) struct Browser {
    host: String,
    stream: TcpStream,
    pub(crate) cookies: Jar,
}

impl Browser {
    pub(crate) fn open(address: SocketAddr, host: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { host: host.to_owned(), stream, cookies: Jar::default() })
    }

    /// Goes through login and consent, as far as they are asked for, and returns the code.
    pub(crate) fn code(&mut self, asked: &CodeRequest, credentials: &Credentials) -> Result<String> {
        let mut path = asked.path();
        let mut request = http::get(&self.host, &path, &self.cookies.header());
        for _ in 0..MOST_REDIRECTS {
            let bytes = self.send(&request)?;
            let answer = read_whole(&bytes)?;
            self.cookies.absorb(&answer);
            if let Some(location) = answer.header("location") {
                if let Some(code) = asked.code_in(location) {
                    return Ok(code.to_owned());
                }
                let next = path_on(location, &self.host).ok_or_else(|| anyhow!(answer.describe()))?;
                next.clone_into(&mut path);
                request = http::get(&self.host, &path, &self.cookies.header());
            } else {
                let (target, filled) = fill(&answer, &path, credentials)?;
                request = http::post(&self.host, &target, &self.cookies.header(), &filled);
            }
        }
        bail!("no code after {MOST_REDIRECTS} steps");
    }

    /// Redeems a code and returns the refresh token.
    pub(crate) fn refresh_token(&mut self, asked: &CodeRequest, code: &str) -> Result<String> {
        let bytes = self.send(&http::post(&self.host, "/oauth/token", "", &asked.redemption(code)))?;
        let answer = read_whole(&bytes)?;
        let token = answer.json_text("refresh_token");
        Ok(token.ok_or_else(|| anyhow!("no refresh token: {}", answer.describe()))?.to_owned())
    }

    /// Sends a request and returns the bytes of its whole answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.stream.write_all(request)?;
        let mut bytes = Vec::new();
        let mut part = [0; 8192];
        loop {
            let read = self.stream.read(&mut part).context("no answer")?;
            if read == 0 {
                bail!("the server closed the connection instead of answering");
            }
            bytes.extend_from_slice(&part[..read]);
            if Answer::read(&bytes).map_err(|error| anyhow!(error))?.is_some() {
                return Ok(bytes);
            }
        }
    }
}

pub(crate) fn read_whole(bytes: &[u8]) -> Result<Answer<'_>> {
    let read = Answer::read(bytes).map_err(|error| anyhow!(error))?;
    read.map(|(answer, _)| answer).context("an incomplete answer")
}

/// Where the form of a login or consent page goes, and what it sends.
fn fill(answer: &Answer<'_>, path: &str, credentials: &Credentials) -> Result<(String, String)> {
    let page = std::str::from_utf8(answer.body).context("a page that is not UTF-8")?;
    if answer.status != 200 || find(answer.body, b"<form").is_none() {
        bail!("expected a login or consent page: {}", answer.describe());
    }
    if let Some(form) = Form::with_field(page, "password") {
        return Ok((form.target(path).to_owned(), form.filled(&credentials.fields())));
    }
    let form =
        Form::with_field(page, "decision").context("a page that asks for neither login nor consent")?;
    Ok((form.target(path).to_owned(), form.filled(&[("decision", "allow")])))
}
