//! A person's browser: keeps cookies, fills in forms, follows redirects that stay with us.

use crate::app::{PASSWORD, TestApp, encode, request};
use crate::reply::Reply;
use axum::body::Body;
use http::Method;
use http::header::{CONTENT_TYPE, COOKIE, USER_AGENT};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The pair printed in RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// One browser of one person.
#[derive(Debug, Clone)]
pub struct Browser<'a> {
    app: &'a TestApp,
    address: IpAddr,
    pub cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp, address: IpAddr) -> Self {
        Self { app, address, cookies: BTreeMap::new() }
    }

    /// The same browser at another address.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.address = address.parse().expect("an address");
        self
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<String>) -> Reply {
        let path = path.strip_prefix(self.app.server.settings.issuer()).unwrap_or(path);
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request =
            request(method, path).header(USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0");
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            request = request.header("sec-fetch-site", "same-origin");
        }
        let body = body.map_or_else(Body::empty, Body::from);
        let reply = self.app.send(request.body(body).expect("a request"), self.address).await;
        for (name, value) in reply.cookies() {
            if value.is_empty() {
                self.cookies.remove(&name)
            } else {
                self.cookies.insert(name, value)
            };
        }
        reply
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(Method::POST, path, Some(encode(fields))).await
    }

    /// Follows redirects as long as they stay on the server.
    pub async fn follow(&mut self, mut reply: Reply) -> Reply {
        let issuer = self.app.server.settings.issuer().to_owned();
        for _ in 0..10 {
            let location = reply.location().to_owned();
            let ours = location.strip_prefix(&issuer).is_some_and(|rest| rest.starts_with('/'));
            if reply.status != 303 || !ours || location.contains("/dev/callback") {
                return reply;
            }
            reply = self.get(&location).await;
        }
        panic!("redirects without end, last to {}", reply.location());
    }

    /// Sends an authorization request; follows to the first page, or to the redirect that leaves.
    pub async fn authorize(&mut self, params: &[(&str, &str)]) -> Reply {
        let reply = self.get(&format!("/oauth/authorize?{}", encode(params))).await;
        self.follow(reply).await
    }

    /// Fills in the login page that is shown.
    pub async fn log_in(&mut self, page: &Reply, username: &str, password: &str) -> Reply {
        let fields = self.hidden(page);
        let mut fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("username", username), ("password", password)]);
        let reply = self.post("/login", &fields).await;
        self.follow(reply).await
    }

    /// Answers the consent page that is shown, with these boxes ticked.
    pub async fn decide(&mut self, page: &Reply, decision: &str, scopes: &[&str]) -> Reply {
        let fields = self.hidden(page);
        let mut fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
        fields.push(("decision", decision));
        let reply = self.post("/consent", &fields).await;
        self.follow(reply).await
    }

    #[expect(clippy::unused_self, reason = "it is the browser that reads the page")]
    fn hidden(&self, page: &Reply) -> Vec<(&'static str, String)> {
        ["i", "csrf"].into_iter().filter_map(|name| Some((name, page.hidden(name)?))).collect()
    }

    /// The usual parameters of a request by `client` for `scope`.
    pub fn request<'p>(client: &'p str, scope: &'p str) -> Vec<(&'p str, &'p str)> {
        vec![
            ("client_id", client),
            ("redirect_uri", "https://app.example/cb"),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "the-state"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
    }

    /// Signs `username` in, allows everything and returns the code.
    pub async fn code(&mut self, client: &str, scope: &str, username: &str) -> String {
        let mut reply = self.authorize(&Self::request(client, scope)).await;
        if reply.body.contains("name=\"password\"") {
            reply = self.log_in(&reply, username, PASSWORD).await;
        }
        if reply.body.contains("name=\"decision\"") {
            let scopes: Vec<_> = scope.split(' ').collect();
            reply = self.decide(&reply, "allow", &scopes).await;
        }
        reply.redirected().remove("code").unwrap_or_else(|| panic!("no code in {}", reply.location()))
    }

    /// `code`, redeemed: the token response.
    pub async fn tokens(&mut self, client: &str, scope: &str, username: &str) -> serde_json::Value {
        let code = self.code(client, scope, username).await;
        let reply = self.app.token(client, &redemption(&code)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }
}

/// The fields that redeem a code.
pub fn redemption(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", "https://app.example/cb"),
        ("code_verifier", VERIFIER),
    ]
}
