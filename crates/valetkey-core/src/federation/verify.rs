//! RFC 7523 §3, RFC 8725 §3 — whether the word of another issuer holds, for what it is used for here

use super::{Trust, TrustedIssuer};
use crate::client::keys::{Keys, NoKeys, is_readable};
use crate::context::Server;
use crate::error::{Fault, FaultKind};
use crate::jose::jws::Jws;
use crate::settings::path;
use crate::time::{Seconds, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Clocks that disagree.
const SKEW: Seconds = Seconds(60);
/// The furthest end of a statement about a person.
const LONGEST: Seconds = Seconds::hours(24);
/// Bytes of an issuer's metadata.
const LARGEST: usize = 256 * 1024;
/// OIDC Core §2: a subject has at most 255 characters.
const LONGEST_SUBJECT: usize = 255;

/// Why a statement is not believed.
#[derive(Debug)]
pub enum Distrust {
    /// No issuer of that name is trusted for this.
    Unknown,
    /// What it says does not hold.
    Untrue(&'static str),
    Failed(Fault),
}

/// What a trusted issuer says.
#[derive(Debug, Clone)]
pub struct Statement {
    pub issuer: Arc<TrustedIssuer>,
    pub subject: String,
    pub claims: Map<String, Value>,
    pub expires_at: Timestamp,
}

impl Statement {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: Option<String>,
    aud: Option<Value>,
    exp: Option<i64>,
    iat: Option<i64>,
    nbf: Option<i64>,
}

/// `typ` of each use: what was signed for one is no good for another (RFC 8725 §3.11).
fn is_of_its_type(jws: &Jws<'_>, trust: Trust) -> bool {
    match trust {
        Trust::IdJag => jws.is_of_type("oauth-id-jag+jwt"),
        Trust::Users | Trust::Workloads => !jws.has_type() || jws.is_of_type("JWT"),
        Trust::SoftwareStatements => {
            !jws.has_type() || jws.is_of_type("JWT") || jws.is_of_type("software-statement+jwt")
        }
    }
}

/// The statement in `text`, if an issuer that is trusted for this made it, for us, and now.
pub async fn verify(server: &Server, text: &str, trust: Trust) -> Result<Statement, Distrust> {
    let untrue = Distrust::Untrue;
    let jws = Jws::read(text).ok_or(untrue("it is no signed JWT of an algorithm that is taken here"))?;
    let claims: Claims = jws.claims().ok_or(untrue("its claims are not those of a JWT"))?;
    let issuer = trusted(server, &claims.iss, trust).ok_or(Distrust::Unknown)?;
    if !is_of_its_type(&jws, trust) {
        return Err(untrue("its typ is that of another kind of token"));
    }
    if !issuer.takes(jws.algorithm) {
        return Err(untrue("it is signed by an algorithm that this issuer may not use"));
    }
    let expires_at = holds(server, &issuer, &claims, trust).map_err(untrue)?;
    if !is_signed(server, &issuer, &jws).await? {
        return Err(untrue("it is not signed by a key of its issuer"));
    }
    let subject = claims.sub.unwrap_or_default();
    let claims: Map<String, Value> = jws.claims().ok_or(untrue("its claims are no object"))?;
    // A security event tells of what happened, and proves nobody.
    if matches!(trust, Trust::Users | Trust::Workloads) && claims.contains_key("events") {
        return Err(untrue("it is a security event (events), no statement about who somebody is"));
    }
    Ok(Statement { issuer, subject, claims, expires_at })
}

/// The issuer of that very name, where it is believed about this now. Where people sign in at it, switching that off
/// switches this off too.
fn trusted(server: &Server, iss: &str, trust: Trust) -> Option<Arc<TrustedIssuer>> {
    let catalog = server.catalog();
    let found = catalog.issuers().iter().find(|own| own.issuer == iss)?;
    let mut doors = catalog.upstreams().iter().filter(|own| own.issuer() == iss).peekable();
    let shut = doors.peek().is_some() && doors.all(|own| own.disabled);
    let good = !found.disabled && found.trusted_for.contains(&trust) && !shut;
    (good && !catalog.shuts(found.tenant.as_str())).then(|| Arc::clone(found))
}

/// When it ends, where its claims hold.
fn holds(
    server: &Server,
    issuer: &TrustedIssuer,
    claims: &Claims,
    trust: Trust,
) -> Result<Timestamp, &'static str> {
    let now = server.now();
    if [claims.iat, claims.nbf].into_iter().flatten().any(|at| Timestamp(at) > now + SKEW) {
        return Err("it is from the future");
    }
    if claims.exp.is_some_and(|at| Timestamp(at) <= now) {
        return Err("it has expired");
    }
    // RFC 7591 §2.3: it says what software is, for whomever, and mostly has neither end nor audience.
    if trust == Trust::SoftwareStatements {
        return Ok(claims.exp.map_or(Timestamp::NEVER, Timestamp));
    }
    let ends = claims.exp.map(Timestamp).ok_or("it has no exp")?;
    if trust != Trust::Workloads && ends > now + LONGEST {
        return Err("its exp is too far away");
    }
    if !is_for(server, issuer, claims.aud.as_ref(), trust) {
        return Err("its aud is not this server");
    }
    let named =
        claims.sub.as_deref().is_some_and(|sub| !sub.trim().is_empty() && sub.len() <= LONGEST_SUBJECT);
    if named { Ok(ends) } else { Err("its sub is missing, empty or too long") }
}

/// RFC 7523 §3 (3): our issuer, or for the word about a person our token endpoint (RFC 10070 keeps that for grants). What goes
/// beyond naming somebody is for us alone.
fn is_for(server: &Server, issuer: &TrustedIssuer, aud: Option<&Value>, trust: Trust) -> bool {
    let own = server.settings.issuer();
    let all: Vec<&str> = match aud {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if trust == Trust::IdJag {
        return all == [own];
    }
    let endpoint = (trust == Trust::Users).then(|| server.settings.url(path::TOKEN));
    let named = |one: &str| issuer.audiences.iter().any(|other| other == one);
    all.iter().any(|one| *one == own || endpoint.as_deref() == Some(*one) || named(one))
}

async fn is_signed(server: &Server, issuer: &TrustedIssuer, jws: &Jws<'_>) -> Result<bool, Distrust> {
    let found;
    let keys = if let Some(keys) = issuer.keys() {
        keys
    } else {
        found = discovered(server, &issuer.issuer).await?;
        Keys::At(&found)
    };
    keys.signed(server, jws).await.map_err(unread)
}

fn unread(why: NoKeys) -> Distrust {
    match why {
        NoKeys::Away => Distrust::Failed(Fault::bare(
            FaultKind::Unavailable,
            "the keys of a trusted issuer cannot be read",
        )),
        NoKeys::Unread => Distrust::Untrue("the keys of its issuer cannot be read"),
    }
}

/// OIDC Discovery §4 — where an issuer's metadata say that its keys are.
async fn discovered(server: &Server, issuer: &str) -> Result<String, Distrust> {
    #[derive(Deserialize)]
    struct Metadata {
        issuer: String,
        jwks_uri: String,
    }
    let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let read = server.fetcher.document(&at, LARGEST).await;
    let bytes = read.map_err(|why| unread(if why.is_passing() { NoKeys::Away } else { NoKeys::Unread }))?;
    let metadata: Option<Metadata> = serde_json::from_slice(&bytes).ok();
    // §4.3: exactly.
    let own = metadata.filter(|own| own.issuer == issuer && is_readable(&own.jwks_uri));
    own.map(|own| own.jwks_uri).ok_or_else(|| unread(NoKeys::Unread))
}
