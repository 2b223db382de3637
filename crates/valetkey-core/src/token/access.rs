//! RFC 6749 §1.4, RFC 9068 §2.2 — access tokens: sealed, or JWTs for the APIs that ask for them

use crate::client::subject;
use crate::context::Server;
use crate::error::{Denial, Fault};
use crate::ids::{GrantId, TokenId, UserId};
use crate::jose::{SigningAlgorithm, jwt};
use crate::json::Object;
use crate::proof::holder::{Holder, Shown};
use crate::proof::{certificate, dpop};
use crate::seal::{self, Kind, Opened, SealNonce};
use crate::time::Timestamp;
use crate::token::details::Details;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// What an access token says. The sealed form is this record, encrypted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessToken<'a> {
    pub id: TokenId,
    pub client: &'a str,
    /// `None`: the application's own.
    pub user: Option<&'a str>,
    pub tenant: &'a str,
    pub grant: Option<GrantId>,
    pub scope: &'a str,
    #[serde(borrow)]
    pub audience: Vec<&'a str>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub auth_time: Option<Timestamp>,
    /// `cnf`: the key a caller must prove to hold (RFC 7800); such a token is no bearer token.
    pub confirmation: Option<&'a [u8]>,
    /// The text of [`Details`]; mostly empty.
    pub details: &'a str,
}

impl AccessToken<'_> {
    /// Whether this caller may use it: anybody a bearer token, who shows its key or certificate one that is bound (RFC 9449
    /// §7, RFC 8705 §3).
    pub fn is_held_by(&self, shown: &Shown) -> bool {
        self.must_be_held_by(shown).is_ok()
    }

    /// The same, with what is wrong for who asks.
    pub fn must_be_held_by(&self, shown: &Shown) -> Result<(), Denial> {
        shown.holds(self.confirmation)
    }

    /// `sub`: the user, or the application itself (RFC 9068 §2.2).
    pub fn subject(&self) -> &str {
        self.user.unwrap_or(self.client)
    }
}

/// The claims of RFC 9068 §2.2 and two of our own: `tenant`, and `gid`, the grant, by which a whole grant is revoked.
#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    aud: Audience<'a>,
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
    iat: i64,
    exp: i64,
    #[serde(borrow)]
    jti: Cow<'a, str>,
    #[serde(default)]
    auth_time: Option<i64>,
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    #[serde(borrow, default)]
    gid: Option<Cow<'a, str>>,
    #[serde(default)]
    cnf: Option<Confirmation>,
    /// RFC 9396 §9.1.
    #[serde(default)]
    authorization_details: Option<Value>,
    /// RFC 9470 §5.
    #[serde(default)]
    acr: Option<Value>,
    /// RFC 8693 §4.1.
    #[serde(default)]
    act: Option<Value>,
    /// RFC 8693 §4.4.
    #[serde(default)]
    may_act: Option<Value>,
    /// `Details::exchanged`.
    #[serde(default)]
    exchanged: Option<Value>,
}

impl Claims<'_> {
    /// The members that are a token's details. Which claims were asked for by name, its grant says.
    fn details(&self) -> String {
        let members = [
            ("authorization_details", &self.authorization_details),
            ("acr", &self.acr),
            ("act", &self.act),
            ("may_act", &self.may_act),
            ("exchanged", &self.exchanged),
        ];
        let mut set: Map<String, Value> =
            members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect();
        if self.sub.starts_with(Kind::PairwiseSubject.prefix()) {
            set.insert("subject".to_owned(), self.sub.as_ref().into());
        }
        if self.gid.is_some() {
            set.insert("asks_claims".to_owned(), true.into());
        }
        if set.is_empty() { String::new() } else { Value::Object(set).to_string() }
    }
}

/// RFC 7800 §3.1, with the members of RFC 9449 §6.1 and RFC 8705 §3.1. One that is not understood confirms nothing, and is kept.
#[derive(Deserialize)]
struct Confirmation {
    #[serde(default)]
    jkt: Option<String>,
    #[serde(rename = "x5t#S256", default)]
    certificate: Option<String>,
}

impl Confirmation {
    /// `None`: nothing that anybody could show here, or two things.
    fn bytes(&self) -> Option<Vec<u8>> {
        let holder = match (&self.jkt, &self.certificate) {
            (Some(key), None) => Holder::Key(dpop::parse(key)?),
            (None, Some(own)) => Holder::Certificate(certificate::parse(own)?),
            _ => return None,
        };
        Some(holder.to_bytes())
    }
}

/// `aud`: one string, or several (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Many(#[serde(borrow)] Vec<Cow<'a, str>>),
}

impl Audience<'_> {
    fn names(&self) -> Vec<&str> {
        match self {
            Self::One(name) => vec![name],
            Self::Many(names) => names.iter().map(|name| &**name).collect(),
        }
    }
}

/// Seals a token.
pub(super) fn seal(
    server: &Server,
    token: &AccessToken<'_>,
    nonce: SealNonce,
    now: Timestamp,
) -> Result<String, Fault> {
    server.keys().sealing_at(now)?.seal(Kind::AccessToken, nonce, token)
}

/// Signs a token as RFC 9068 JWT.
pub(super) fn sign(
    server: &Server,
    token: &AccessToken<'_>,
    algorithm: SigningAlgorithm,
    now: Timestamp,
) -> Result<String, Fault> {
    let keys = server.keys();
    jwt::sign_json(keys.signing_at(algorithm, now)?, jwt::Type::AccessToken, &claims(server, token))
}

/// The claims of a token, as JSON. `Claims` reads them again.
fn claims(server: &Server, token: &AccessToken<'_>) -> Vec<u8> {
    let known_as = Details::subject(token.details);
    let mut json = Object::with_capacity(512);
    json.text("iss", server.settings.issuer());
    json.text("sub", known_as.as_deref().unwrap_or(token.subject()));
    // RFC 7519 §4.1.3: one string, or several.
    match token.audience.as_slice() {
        [one] => json.text("aud", one),
        many => json.texts("aud", many.iter().copied()),
    }
    json.text("client_id", token.client);
    json.text("scope", token.scope);
    json.number("iat", token.issued_at.0);
    json.number("exp", token.expires_at.0);
    json.token("jti", &token.id.0.letters());
    if let Some(at) = token.auth_time {
        json.number("auth_time", at.0);
    }
    json.text("tenant", token.tenant);
    if let Some(grant) = token.grant {
        json.token("gid", &grant.0.letters());
    }
    if let Some(holder) = token.confirmation.and_then(Holder::from_bytes) {
        json.value("cnf", &holder.to_json());
    }
    if !token.details.is_empty() {
        add_details(&mut json, token.details);
    }
    json.end()
}

fn add_details(json: &mut Object, details: &str) {
    let members = Details::members(details);
    // RFC 9396 §9.1, RFC 9470 §5, RFC 8693 §4.1 and §4.4.
    for name in ["authorization_details", "acr", "act", "may_act"] {
        if let Some(value) = members.get(name) {
            json.value(name, value);
        }
    }
    let sources = Details::sources(details);
    if !sources.is_empty() {
        json.value("exchanged", &json!(sources));
    }
}

/// A token that is genuine; from `verify`, also live and not taken back.
#[derive(Debug)]
pub struct Verified(Opened);

impl Verified {
    /// The token. Decoding is cheap and cannot fail on what `read` decoded before; `None` is never seen.
    pub fn token(&self) -> Option<AccessToken<'_>> {
        self.0.record()
    }
}

/// Valid = opens ∧ not expired ∧ not in the revocation index. Memory only.
pub fn verify(server: &Server, text: &str, now: Timestamp) -> Option<Verified> {
    read_if(server, text, |token| {
        token.expires_at > now && !server.revoked.kills(token) && !server.catalog().shuts(token.tenant)
    })
}

/// Opens a genuine token, whether or not it still holds.
pub fn read(server: &Server, text: &str) -> Option<Verified> {
    read_if(server, text, |_| true)
}

fn read_if(server: &Server, text: &str, holds: impl FnOnce(&AccessToken<'_>) -> bool) -> Option<Verified> {
    let opened = if text.starts_with(Kind::AccessToken.prefix()) {
        seal::open(server.keys().sealing(), Kind::AccessToken, text)?
    } else {
        open_jwt(server, text)?
    };
    let good = opened.record::<AccessToken<'_>>().is_some_and(|token| holds(&token));
    good.then_some(Verified(opened))
}

fn open_jwt(server: &Server, text: &str) -> Option<Opened> {
    let json = jwt::open(server.keys().signing(), jwt::Type::AccessToken, text)?;
    let claims: Claims<'_> = serde_json::from_slice(&json).ok()?;
    if claims.iss != server.settings.issuer() {
        return None;
    }
    let key = match &claims.cnf {
        Some(cnf) => Some(cnf.bytes()?),
        None => None,
    };
    let person = match &*claims.sub {
        own if own == claims.client_id => None,
        sub if sub.starts_with(Kind::PairwiseSubject.prefix()) => Some(subject::person(server, sub)?),
        sub => Some(UserId::from(sub)),
    };
    Opened::from_record(&AccessToken {
        id: claims.jti.parse().ok()?,
        client: &claims.client_id,
        user: person.as_ref().map(UserId::as_str),
        tenant: &claims.tenant,
        grant: claims.gid.as_deref().map(str::parse).transpose().ok()?,
        scope: &claims.scope,
        audience: claims.aud.names(),
        issued_at: Timestamp(claims.iat),
        expires_at: Timestamp(claims.exp),
        auth_time: claims.auth_time.map(Timestamp),
        confirmation: key.as_deref(),
        details: &claims.details(),
    })
}
