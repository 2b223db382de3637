//! A person's browser: keeps cookies, fills in forms, follows redirects that stay with us.

use crate::app::{PASSWORD, TestApp, encode};
use crate::reply::Reply;
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

    /// Sends a request with the browser's cookies and keeps those that come back.
    async fn send(&mut self, method: &str, path: &str, form: Option<&[(&str, &str)]>, site: &str) -> Reply {
        let path = path.strip_prefix(self.app.server.settings.issuer()).unwrap_or(path);
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut call = self.app.call(method, path).from(self.address);
        call = call.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0");
        call = call.header("sec-fetch-site", site);
        if !cookies.is_empty() {
            call = call.header("cookie", &cookies.join("; "));
        }
        if let Some(fields) = form {
            call = call.form(fields);
        }
        let reply = call.send().await;
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
        self.send("GET", path, None, "none").await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send("POST", path, Some(fields), "same-origin").await
    }

    /// Posts a form of another site's page, with all cookies, as if SameSite did not exist.
    pub async fn post_from(&mut self, site: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send("POST", path, Some(fields), site).await
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
        let reply = self.submit("/login", page, &[("username", username), ("password", password)]).await;
        self.follow(reply).await
    }

    /// Answers the consent page that is shown, with these boxes ticked.
    pub async fn decide(&mut self, page: &Reply, decision: &str, scopes: &[&str]) -> Reply {
        let mut fields: Vec<_> = scopes.iter().map(|scope| ("scope", *scope)).collect();
        fields.push(("decision", decision));
        let reply = self.submit("/consent", page, &fields).await;
        self.follow(reply).await
    }

    /// Posts a form of the page that is shown: its hidden `i` and `csrf`, and `fields`.
    pub async fn submit(&mut self, path: &str, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let hidden = [("i", page.hidden("i")), ("csrf", page.hidden("csrf"))];
        let hidden = hidden.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let all: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        self.post(path, &all).await
    }

    /// Presses the button of the page's form that goes to `action` and holds these words.
    pub async fn press(&mut self, page: &Reply, action: &str, words: &str) -> Reply {
        let form = page.form(action, words);
        assert!(!form.body.is_empty(), "no form to {action} with {words:?} in {}", page.words());
        let fields = form.hidden_fields();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = self.post(action, &fields).await;
        self.follow(reply).await
    }

    /// Signs in where no application asked.
    pub async fn sign_in(&mut self, username: &str) -> Reply {
        let page = self.get("/login").await;
        let reply = self.log_in(&page, username, PASSWORD).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
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
        let reply = self.signed_in_at(client, scope, username).await;
        reply.redirected().remove("code").unwrap_or_else(|| panic!("no code in {}", reply.location()))
    }

    /// The same: the redirect to the application.
    pub async fn signed_in_at(&mut self, client: &str, scope: &str, username: &str) -> Reply {
        let mut reply = self.authorize(&Self::request(client, scope)).await;
        if reply.body.contains("name=\"password\"") {
            reply = self.log_in(&reply, username, PASSWORD).await;
        }
        if reply.body.contains("name=\"decision\"") {
            let scopes: Vec<_> = scope.split(' ').collect();
            reply = self.decide(&reply, "allow", &scopes).await;
        }
        reply
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
