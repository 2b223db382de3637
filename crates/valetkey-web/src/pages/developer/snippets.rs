//! Code that runs as it stands, with the application's own id, addresses and scopes. A secret never stands in it: it is
//! read from the environment.

mod browser;
mod machine;
mod person;

use super::super::view::Href;
use super::super::view::developer::{Line, Sample, Snippet};
use valetkey_core::client::listing::Kind;
use valetkey_core::client::{AuthMethod, Client, redirect_uri};
use valetkey_core::context::Context;
use valetkey_core::grant::GrantType;
use valetkey_core::proof::pkce;
use valetkey_core::settings::path;

/// What the samples are written with.
struct Facts {
    id: String,
    issuer: String,
    authorize: String,
    token: String,
    redirect_uri: String,
    scope: String,
    /// How its secret travels; `None`: it has none.
    secret: Option<Way>,
    /// Plain http, on this very machine.
    plain: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Basic,
    Post,
}

impl Facts {
    fn of(cx: &Context, client: &Client) -> Self {
        let url = |path| cx.settings.url(path);
        Self {
            id: client.id.to_string(),
            issuer: cx.settings.issuer().to_owned(),
            authorize: url(path::AUTHORIZE),
            token: url(path::TOKEN),
            redirect_uri: callback(client).unwrap_or_default().to_owned(),
            scope: scope(cx, client),
            secret: match client.auth_method {
                AuthMethod::ClientSecretPost => Some(Way::Post),
                method if method.is_by_secret() => Some(Way::Basic),
                _ => None,
            },
            plain: !cx.settings.is_https(),
        }
    }

    /// A line for each scope.
    fn rust_scopes(&self) -> String {
        let mut lines = String::new();
        for name in self.scope.split(' ').filter(|name| !name.is_empty()) {
            lines.push_str("\n        .add_scope(Scope::new(");
            lines.push_str(&quoted(name));
            lines.push_str(".into()))");
        }
        lines
    }
}

/// The callback that the samples use: one that a browser can come back to.
fn callback(client: &Client) -> Option<&str> {
    client.redirect_uris.iter().map(String::as_str).find(|uri| !redirect_uri::is_oob(uri))
}

/// A few scopes that say what the application is about; `openid` where it has none of its own.
fn scope(cx: &Context, client: &Client) -> String {
    let catalog = cx.catalog();
    let person = client.allows(GrantType::AuthorizationCode);
    let own: Vec<&str> = catalog
        .scopes()
        .filter(|words| !words.standard && client.may_ask_for(&words.name))
        .map(|words| words.name.as_str())
        .take(8)
        .collect();
    match (own.is_empty(), person && client.may_ask_for("openid")) {
        (true, true) => "openid".to_owned(),
        _ => own.join(" "),
    }
}

/// A link that starts the flow, with a verifier of its own.
pub(super) fn sample(cx: &Context, client: &Client) -> Option<Sample> {
    if !client.allows(GrantType::AuthorizationCode) {
        return None;
    }
    let facts = Facts::of(cx, client);
    let redirect_uri = callback(client)?.to_owned();
    let verifier = cx.new_secret().expose().to_owned();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("response_type", "code").append_pair("client_id", &facts.id);
    query.append_pair("redirect_uri", &redirect_uri);
    if !facts.scope.is_empty() {
        query.append_pair("scope", &facts.scope);
    }
    query.append_pair("state", &cx.new_id().to_string());
    query.append_pair("code_challenge", &pkce::s256(&verifier)).append_pair("code_challenge_method", "S256");
    let link = format!("{}?{}", facts.authorize, query.finish());
    Some(Sample { href: Href::web(&link)?, verifier, redirect_uri })
}

/// The samples for an application of this sort.
pub(super) fn of(cx: &Context, client: &Client) -> Vec<Snippet> {
    let facts = Facts::of(cx, client);
    let with_person = client.allows(GrantType::AuthorizationCode) && callback(client).is_some();
    let samples = if with_person && client.listing.kind == Some(Kind::Browser) {
        browser::all(&facts)
    } else if with_person {
        person::all(&facts)
    } else if client.allows(GrantType::ClientCredentials) {
        machine::all(&facts)
    } else {
        Vec::new()
    };
    samples.into_iter().map(|(language, code)| snippet(language, &code)).collect()
}

fn snippet(language: &'static str, code: &str) -> Snippet {
    let comment = |text: &str| {
        let start = text.trim_start();
        start.starts_with("//") || (start.starts_with('#') && !start.starts_with("#["))
    };
    let line = |text: &str| Line { comment: comment(text), text: text.to_owned() };
    Snippet { language, lines: code.trim_matches('\n').lines().map(line).collect() }
}

/// A text as a string of Python, JavaScript and Rust alike: what is registered is printable ASCII, or a name of ours.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A text as one word of a shell.
fn word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~-/:=,@%+".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_cannot_break_out_of_a_sample() {
        for (text, shell, string) in [
            ("https://app.example/cb", "https://app.example/cb", "\"https://app.example/cb\""),
            ("https://a/$(rm -rf)", "'https://a/$(rm -rf)'", "\"https://a/$(rm -rf)\""),
            ("https://a/';id;'", "'https://a/'\\'';id;'\\'''", "\"https://a/';id;'\""),
            ("https://a/\"+x+\"", "'https://a/\"+x+\"'", "\"https://a/\\\"+x+\\\"\""),
            ("read write", "'read write'", "\"read write\""),
        ] {
            assert_eq!((word(text).as_str(), quoted(text).as_str()), (shell, string));
        }
    }
}
