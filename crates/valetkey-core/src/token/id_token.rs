//! OIDC Core §2 — the ID token: who signed in, when and how, for one client alone

use super::details::Details;
use crate::claims::{self, Requested};
use crate::client::keys::Keys;
use crate::client::profile::Encrypted;
use crate::client::{Client, subject};
use crate::context::Context;
use crate::error::{Code, Denial, Error, Fault};
use crate::ids::{SessionId, TenantId, UserId};
use crate::jose::jwe::Recipient;
use crate::jose::{SigningAlgorithm, jwt};
use crate::login::acr;
use crate::scope::Scope;
use crate::settings::LONGEST_ACCESS_TOKEN;
use crate::store::Grant;
use crate::time::{Seconds, Timestamp};
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::{Map, Value};

/// How long an ID token may be used to begin a session at the client.
const LIFETIME: Seconds = Seconds::minutes(10);
const _: () =
    assert!(LIFETIME.0 < LONGEST_ACCESS_TOKEN.0, "keys stay published for the longest access token");

/// What an ID token is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub client: &'a Client,
    pub user: &'a UserId,
    pub tenant: &'a TenantId,
    pub session: Option<SessionId>,
    /// What was granted.
    pub scope: &'a Scope,
    /// `None`: nobody can say.
    pub auth_time: Option<Timestamp>,
    pub nonce: Option<&'a str>,
    pub details: &'a Details,
}

impl<'a> About<'a> {
    /// `scope`: of the tokens that it goes with.
    pub fn grant(client: &'a Client, grant: &'a Grant, scope: &'a Scope) -> Self {
        Self {
            client,
            user: &grant.user,
            tenant: &grant.tenant,
            session: grant.session,
            scope,
            auth_time: grant.proven_at(),
            nonce: grant.nonce.as_deref(),
            details: &grant.details,
        }
    }
}

/// What comes along with an ID token, and is bound to it by its hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// `at_hash` (OIDC Core §3.1.3.6).
    pub access_token: Option<&'a str>,
    /// `c_hash` (OIDC Core §3.3.2.11).
    pub code: Option<&'a str>,
    /// `s_hash` (FAPI 1.0 Advanced §5.1.1).
    pub state: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    azp: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    /// As at userinfo: the usual directory needs no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    at_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// Of the person (OIDC Core §5.4, §5.5).
    #[serde(flatten)]
    person: Map<String, Value>,
}

/// OIDC Core §3.1.3.6: the left half of the hash of the algorithm. RFC 8032 §5.1 hashes with SHA-512 inside Ed25519, and so
/// do the libraries that check this.
fn half_hash(algorithm: SigningAlgorithm, text: &str) -> String {
    let by = if algorithm == SigningAlgorithm::EdDsa { &SHA512 } else { &SHA256 };
    let digest = digest(by, text.as_bytes());
    let bytes = digest.as_ref();
    BASE64URL_NOPAD.encode(&bytes[..bytes.len() / 2])
}

/// Makes an ID token, where the scope asks for one (OIDC Core §3.1.2.1): at the token endpoint and at the authorization
/// endpoint alike.
pub async fn id_token(cx: &Context, about: &About<'_>, beside: Beside<'_>) -> Result<Option<String>, Error> {
    if !about.scope.contains("openid") {
        return Ok(None);
    }
    let person = person(cx, about, beside).await?;
    let signed = sign(cx, about, beside, person)?;
    let encryption = about.client.profile.openid.id_token_encryption();
    Ok(Some(encrypted(cx, about.client, encryption, signed).await?))
}

/// OIDC Core §5.4: what scopes open is said here only where no token leads to userinfo; §5.5: what was asked for by name
/// for the ID token is always.
async fn person(cx: &Context, about: &About<'_>, beside: Beside<'_>) -> Result<Map<String, Value>, Fault> {
    let alone = beside.access_token.is_none() && beside.code.is_none();
    let wished = |name: &str| {
        let asked = about.details.claims.as_ref();
        asked.is_some_and(|asked: &Requested| asked.id_token.contains_key(name))
    };
    let by_scope = |name: &str| alone && about.scope.contains(name);
    let mut said = Map::new();
    if claims::ALL.iter().any(|claim| wished(claim.name) || by_scope(claim.scope))
        && let Some(user) = cx.store.user(about.user).await?
    {
        claims::write(&user, by_scope, wished, &mut said);
    }
    Ok(said)
}

fn sign(
    cx: &Context,
    about: &About<'_>,
    beside: Beside<'_>,
    person: Map<String, Value>,
) -> Result<String, Fault> {
    let algorithm = about.client.id_token_algorithm();
    let hash = |text: &str| half_hash(algorithm, text);
    let claims = Claims {
        iss: cx.settings.issuer(),
        sub: &subject::of(cx, about.client, about.user)?,
        aud: about.client.id.as_str(),
        azp: about.client.id.as_str(),
        iat: cx.now.0,
        exp: (cx.now + LIFETIME).0,
        auth_time: about.auth_time.map(|at| at.0),
        tenant: Some(about.tenant.as_str()).filter(|own| *own != TenantId::DEFAULT),
        nonce: about.nonce,
        acr: acr::said_still(cx, about.details, about.auth_time),
        amr: &about.details.amr,
        at_hash: beside.access_token.map(hash),
        c_hash: beside.code.map(hash),
        s_hash: beside.state.map(hash),
        sid: about.session.map(|own| subject::session(cx, about.client, own)).transpose()?,
        person,
    };
    jwt::sign(cx.keys().signing_at(algorithm, cx.now)?, jwt::Type::IdToken, &claims)
}

const NO_KEY: Denial = Code::InvalidRequest.because(
    "the client asks for encrypted answers, and none of its keys takes them: mend its jwks or jwks_uri",
);

/// A signed text as the client asked to get it: as it is, or nested in an encrypted one (OIDC Core §16.14).
pub async fn encrypted(
    cx: &Context,
    client: &Client,
    how: Encrypted,
    signed: String,
) -> Result<String, Error> {
    let Some((algorithm, encryption)) = how else { return Ok(signed) };
    let keys = Keys::of(client).ok_or(NO_KEY)?;
    let recipient = Recipient::of_set(&*keys.set(cx).await?, algorithm).ok_or(NO_KEY)?;
    Ok(recipient.encrypt(encryption, Some("JWT"), signed.as_bytes(), cx.random())?)
}
