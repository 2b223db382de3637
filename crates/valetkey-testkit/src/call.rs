//! One request, put together by hand.

use crate::app::{TestApp, encode};
use crate::reply::Reply;
use axum::body::Body;
use data_encoding::BASE64;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use std::net::{IpAddr, Ipv4Addr};

/// A request in the making; `send` sends it.
#[derive(Debug)]
pub struct Call<'a> {
    app: &'a TestApp,
    request: http::request::Builder,
    body: Vec<u8>,
    from: IpAddr,
    secrets: Vec<String>,
}

/// Form fields whose values must never be logged. A user name is among them for the day on which somebody types the
/// password into the wrong field.
const SECRET_FIELDS: [&str; 10] = [
    "username",
    "password",
    "client_secret",
    "code",
    "code_verifier",
    "refresh_token",
    "token",
    "csrf",
    "i",
    "state",
];

impl TestApp {
    /// A request without headers, from 127.0.0.1.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(path);
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Call { app: self, request, body: Vec::new(), from, secrets: Vec::new() }
    }
}

impl Call<'_> {
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// RFC 6749 §2.3.1, for credentials that form-encoding does not change.
    #[must_use]
    pub fn basic(self, id: &str, secret: &str) -> Self {
        let credentials = BASE64.encode(format!("{id}:{secret}").as_bytes());
        self.header(AUTHORIZATION.as_str(), &format!("Basic {credentials}"))
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let secret = fields.iter().filter(|(name, _)| SECRET_FIELDS.contains(name));
        self.secrets.extend(secret.map(|(_, value)| (*value).to_owned()));
        self.body("application/x-www-form-urlencoded", encode(fields))
    }

    #[must_use]
    pub fn body(mut self, kind: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into();
        self.header(CONTENT_TYPE.as_str(), kind)
    }

    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = address;
        self
    }

    pub async fn send(self) -> Reply {
        self.app.remember(self.secrets);
        let body = if self.body.is_empty() { Body::empty() } else { Body::from(self.body) };
        self.app.send(self.request.body(body).expect("a request"), self.from).await
    }
}
