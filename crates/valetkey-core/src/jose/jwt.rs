//! RFC 7519 §7 — making a JWT, and opening one of our own

use super::{Signer, SigningKey};
use crate::error::Fault;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// `typ` of a JWT: what kind it is, so that none passes for another (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// RFC 9068 §2.1.
    AccessToken,
    IdToken,
    /// OIDC Core §5.3.2; no ID token, though no standard gives it a type of its own.
    UserInfo,
    /// JARM §2.1. It names nobody (`sub`), so that nothing takes it for an ID token.
    Response,
    /// OIDC Back-Channel Logout §2.4.
    LogoutToken,
    /// What the gateway says of a caller to an upstream; no token of ours accepts it as one.
    Identity,
    /// draft-ietf-oauth-identity-assertion-authz-grant §3.
    IdJag,
}

impl Type {
    /// How many there are.
    pub(super) const COUNT: usize = Self::IdJag as usize + 1;

    const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::UserInfo => "userinfo+jwt",
            Self::IdToken | Self::Response => "JWT",
            Self::LogoutToken => "logout+jwt",
            Self::Identity => "vk-identity+jwt",
            Self::IdJag => "oauth-id-jag+jwt",
        }
    }
}

/// Signs claims.
pub fn sign(key: Signer<'_>, typ: Type, claims: &impl Serialize) -> Result<String, Fault> {
    sign_json(key, typ, &encoded(claims)?)
}

/// Signs claims that are written already.
pub fn sign_json(key: Signer<'_>, typ: Type, claims: &[u8]) -> Result<String, Fault> {
    let place = key.head(typ);
    let head = if let Some(head) = place.get() {
        head
    } else {
        let header = Header { alg: key.algorithm.name().into(), typ: typ.name().into(), kid: key.id() };
        let head = BASE64URL_NOPAD.encode(&encoded(&header)?);
        place.get_or_init(|| head)
    };
    let mut text = String::with_capacity(1024);
    text.push_str(head);
    text.push('.');
    BASE64URL_NOPAD.encode_append(claims, &mut text);
    key.sign_onto(&mut text)?;
    Ok(text)
}

fn encoded(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let mut json = Vec::with_capacity(384);
    serde_json::to_writer(&mut json, value).map_err(|e| Fault::internal("encoding claims", e))?;
    Ok(json)
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
}

/// The claims (JSON) of a JWT that one of these keys signed with its own algorithm and that is of this type.
pub fn open<'k>(keys: impl IntoIterator<Item = &'k SigningKey>, typ: Type, text: &str) -> Option<Vec<u8>> {
    let (message, signature) = text.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header = BASE64URL_NOPAD.decode(header.as_bytes()).ok()?;
    let header: Header<'_> = serde_json::from_slice(&header).ok()?;
    let key = keys.into_iter().flat_map(Signer::all).find(|key| key.id() == header.kid)?;
    // RFC 8725 §3.1: the key decides the algorithm, the header must agree.
    if header.alg != key.algorithm.name() || header.typ != typ.name() {
        return None;
    }
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
    if !key.verifies(message.as_bytes(), &signature) {
        return None;
    }
    BASE64URL_NOPAD.decode(claims.as_bytes()).ok()
}
