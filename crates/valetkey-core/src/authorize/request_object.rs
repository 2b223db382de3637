//! RFC 9101 §4, §5, §6, §10 — an authorization request as a JWT that the client signed: its claims are the parameters

use super::request_uri;
use crate::client::{Client, keys};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::jose::jwe::decrypt;
use crate::jose::jws::Jws;
use crate::params::Params;
use crate::time::{Seconds, Timestamp};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// How far ahead of ours a client's clock may run (FAPI 2.0 Message Signing §5.3.1).
const AHEAD: Seconds = Seconds(10);
/// The longest that one is good, and the oldest that one may be.
const LONGEST: Seconds = Seconds::minutes(60);

/// Claims that say something of the JWT, and not of the request (RFC 7519 §4.1).
const OF_THE_JWT: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
/// Parameters whose value is a JSON text.
const JSON: [&str; 2] = ["claims", "authorization_details"];

const fn bad(detail: &'static str) -> Denial {
    Code::InvalidRequestObject.because(detail)
}

const UNREAD: Denial = bad(
    "the request object is no compact JWS by EdDSA, ES256, PS256 or RS256: one that is encrypted alone, or not signed, is not read",
);
const ENCRYPTED: Denial = bad(
    "the request object cannot be decrypted: encrypt it for a key of our jwks_uri that has use enc, by an alg and enc of our metadata, without zip",
);
const OTHER_ALGORITHM: Denial =
    bad("the request object is not signed by an algorithm that this client may use");
const OTHER_TYPE: Denial = bad("typ of a request object is oauth-authz-req+jwt");
const UNSIGNED: Denial = bad("no registered key of this client signed the request object");
const OTHER_PARTIES: Denial =
    bad("in a request object client_id and iss are the client, aud is our issuer, and sub is left out");
const OTHER_TIME: Denial =
    bad("a request object says by exp when it ends, in sixty minutes at most; nbf lies no further back");
const NESTED: Denial = bad("a request object holds neither request nor request_uri");
const OTHER_VALUE: Denial = bad("a parameter in the request object has a value of the wrong kind");

/// The parameters of a signed request; `None`: they came plainly.
pub async fn unfold(
    cx: &Context,
    client: &Client,
    outside: &Params<'_>,
) -> Result<Option<Params<'static>>, Error> {
    outside.refuse_repeats(&["request", "client_id"])?;
    match (outside.one("request"), outside.one("request_uri")) {
        // RFC 9101 §5.
        (Some(_), Some(_)) => {
            Err(Code::InvalidRequest.because("send request or request_uri, never both").into())
        }
        (Some(text), None) => Ok(Some(opened(cx, client, outside, text).await?)),
        (None, Some(uri)) if request_uri::is_open(cx, client) => {
            outside.refuse_repeats(&["request_uri"])?;
            let text = request_uri::read(cx, client, uri).await?;
            match opened(cx, client, outside, &text).await {
                // RFC 9101 §7: what is there is invalid.
                Err(Error::Denied(denial)) if denial.code == Code::InvalidRequestObject => {
                    Err(Code::InvalidRequestUri.because(denial.detail).into())
                }
                other => other.map(Some),
            }
        }
        (None, _) => Ok(None),
    }
}

async fn opened(
    cx: &Context,
    client: &Client,
    outside: &Params<'_>,
    text: &str,
) -> Result<Params<'static>, Error> {
    let (by_openid, text) = (is_by_openid(client, outside), decrypted(cx, text)?);
    let claims = read(cx, client, &text, by_openid).await?;
    let mut pairs = pairs(&claims)?;
    if by_openid {
        beside(outside, &mut pairs);
    }
    Ok(Params::of(pairs).map_err(|_| OTHER_VALUE)?)
}

/// RFC 9101 §6.1: signed first, and encrypted for a key of ours after that; or signed alone.
fn decrypted<'a>(cx: &Context, text: &'a str) -> Result<Cow<'a, str>, Denial> {
    if !decrypt::is_encrypted(text) {
        return Ok(text.into());
    }
    let keys = cx.keys();
    let inside = decrypt::decrypt(keys.decrypting(cx.now), text, cx.random()).ok_or(ENCRYPTED)?;
    String::from_utf8(inside).map(Cow::from).map_err(|_| ENCRYPTED)
}

/// The claims of a request object that holds. `may_last`: one that does not say when it ends will do.
async fn read(
    cx: &Context,
    client: &Client,
    text: &str,
    may_last: bool,
) -> Result<Map<String, Value>, Error> {
    let jws = Jws::read(text).ok_or(UNREAD)?;
    let security = &client.profile.security;
    let named = security.request_object_signing_alg.as_deref();
    if !security.takes(jws.algorithm) || named.is_some_and(|name| name != jws.algorithm.name()) {
        return Err(OTHER_ALGORITHM.into());
    }
    // RFC 9101 §10.8: no other statement of the client's passes for one.
    if jws.has_type() && !["oauth-authz-req+jwt", "JWT"].iter().any(|name| jws.is_of_type(name)) {
        return Err(OTHER_TYPE.into());
    }
    match keys::signed(cx, client, &jws).await {
        Ok(true) => {}
        Ok(false) | Err(Error::Denied(_)) => return Err(UNSIGNED.into()),
        Err(failed) => return Err(failed),
    }
    let claims: Map<String, Value> = jws.claims().ok_or(UNREAD)?;
    hold(cx, client, &claims, may_last)?;
    Ok(claims)
}

fn hold(cx: &Context, client: &Client, claims: &Map<String, Value>, may_last: bool) -> Result<(), Denial> {
    let is_client = |name: &str| claims.get(name).and_then(Value::as_str) == Some(client.id.as_str());
    let issuer = Value::from(cx.settings.issuer());
    let to_us = match claims.get("aud") {
        Some(Value::Array(names)) => names.contains(&issuer),
        one => one == Some(&issuer),
    };
    // RFC 9101 §10.8: with the client as `sub` it would prove the client itself.
    if !is_client("iss") || !is_client("client_id") || is_client("sub") || !to_us {
        return Err(OTHER_PARTIES);
    }
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err(NESTED);
    }
    if !is_now(cx.now, client, claims, may_last) {
        return Err(OTHER_TIME);
    }
    Ok(())
}

fn is_now(now: Timestamp, client: &Client, claims: &Map<String, Value>, may_last: bool) -> bool {
    let at = |name: &str| claims.get(name).map(|value| value.as_f64().map(seconds));
    let (begins, made) = (at("nbf"), at("iat"));
    let ends = match at("exp") {
        Some(Some(ends)) => Some(ends),
        None if may_last => None,
        Some(None) | None => return false,
    };
    // FAPI 2.0 Message Signing §5.3.1.
    let begun = match begins {
        None => !client.is_fapi2(),
        Some(None) => false,
        Some(Some(begins)) => {
            let short = |ends: Timestamp| now - begins <= LONGEST && ends - begins <= LONGEST;
            begins <= now + AHEAD && ends.is_none_or(short)
        }
    };
    let made = made.is_none_or(|made| made.is_some_and(|made| made <= now + AHEAD));
    begun && made && ends.is_none_or(|ends| ends > now && ends - now <= LONGEST + AHEAD)
}

/// RFC 7519 §2, NumericDate: it may have a fraction.
#[expect(clippy::cast_possible_truncation, reason = "a number out of range is far from now either way")]
fn seconds(number: f64) -> Timestamp {
    Timestamp((number as i64).clamp(0, i64::from(u32::MAX)))
}

type Pairs = Vec<(Cow<'static, str>, Cow<'static, str>)>;

/// RFC 9101 §4: each claim is a parameter of its name.
fn pairs(claims: &Map<String, Value>) -> Result<Pairs, Denial> {
    let mut pairs = Pairs::new();
    let mut add = |name: &str, value: String| pairs.push((name.to_owned().into(), value.into()));
    for (name, value) in claims.iter().filter(|(name, _)| !OF_THE_JWT.contains(&name.as_str())) {
        match value {
            Value::Null => {}
            Value::String(text) => add(name, text.clone()),
            Value::Number(number) => add(name, number.to_string()),
            Value::Bool(flag) => add(name, flag.to_string()),
            value if JSON.contains(&name.as_str()) => add(name, value.to_string()),
            // RFC 8707 §2: the one parameter that may come several times.
            Value::Array(all) if name == "resource" => {
                for one in all {
                    add(name, one.as_str().ok_or(OTHER_VALUE)?.to_owned());
                }
            }
            _ if super::KNOWN.contains(&name.as_str()) => return Err(OTHER_VALUE),
            _ => {}
        }
    }
    Ok(pairs)
}

/// Whether OIDC Core §6 is the law for this request, and not RFC 9101 as it stands: who signs all of its requests means all
/// of it.
fn is_by_openid(client: &Client, outside: &Params<'_>) -> bool {
    super::is_openid(outside) && !client.is_fapi2() && !client.profile.security.require_signed_request_object
}

/// RFC 9101 §5: what stands outside counts for nothing. OIDC Core §6.1 alone wants `response_type` and `scope` there, and so
/// lets them be left out inside.
fn beside(outside: &Params<'_>, pairs: &mut Pairs) {
    for name in ["response_type", "scope"] {
        if let Some(value) = outside.one(name).filter(|_| !pairs.iter().any(|(own, _)| own == name)) {
            pairs.push((name.into(), value.to_owned().into()));
        }
    }
}
