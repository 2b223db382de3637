//! RFC 9101 §4, §5, §6, §10 — an authorization request as a JWT that the client signed: its claims are the parameters

use super::request_uri;
use crate::client::{Client, keys};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::jose::jwe::decrypt;
use crate::jose::jwk::Algorithm;
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
    if !security.takes(jws.algorithm)
        || named.is_some_and(|name| Algorithm::parse(name) != Some(jws.algorithm))
    {
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

/// What does not hold of a request that the client's own key signed is said claim by claim.
fn hold(cx: &Context, client: &Client, claims: &Map<String, Value>, may_last: bool) -> Result<(), Denial> {
    let is_client = |name: &str| claims.get(name).and_then(Value::as_str) == Some(client.id.as_str());
    let issuer = Value::from(cx.settings.issuer());
    let to_us = match claims.get("aud") {
        Some(Value::Array(names)) => names.contains(&issuer),
        one => one == Some(&issuer),
    };
    let parties = [
        (is_client("iss"), "iss of a request object is the client_id"),
        (is_client("client_id"), "client_id in a request object is there, and is the client that sends it"),
        // RFC 9101 §10.8: with the client as `sub` it would prove the client itself.
        (!is_client("sub"), "sub of a request object is left out: it is not the client_id"),
        (to_us, "aud of a request object is our issuer, as our metadata name it"),
    ];
    if let Some((_, why)) = parties.into_iter().find(|(holds, _)| !holds) {
        return Err(bad(why));
    }
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err(NESTED);
    }
    let at = |name: &str| match claims.get(name).map(Value::as_f64) {
        None => Said::Nothing,
        Some(None) => Said::NoNumber,
        Some(Some(number)) => Said::At(seconds(number)),
    };
    let ends = ends(at("exp"), cx.now, may_last).map_err(bad)?;
    begins(at("nbf"), ends, cx.now, client.is_fapi2()).map_err(bad)?;
    match at("iat") {
        Said::NoNumber => Err(bad("iat of a request object is a number")),
        Said::At(made) if made > cx.now + AHEAD => {
            Err(bad("iat of the request object lies ahead of our clock"))
        }
        Said::Nothing | Said::At(_) => Ok(()),
    }
}

/// What a claim says of a time.
#[derive(Clone, Copy)]
enum Said {
    Nothing,
    NoNumber,
    At(Timestamp),
}

fn ends(exp: Said, now: Timestamp, may_last: bool) -> Result<Option<Timestamp>, &'static str> {
    match exp {
        Said::At(ends) if ends <= now => Err("the request object has expired (exp): make another"),
        Said::At(ends) if ends - now > LONGEST + AHEAD => {
            Err("exp of a request object lies at most sixty minutes ahead")
        }
        Said::At(ends) => Ok(Some(ends)),
        Said::Nothing if may_last => Ok(None),
        Said::Nothing | Said::NoNumber => Err("a request object says by exp, a number, when it ends"),
    }
}

/// FAPI 2.0 Message Signing §5.3.1.
fn begins(nbf: Said, ends: Option<Timestamp>, now: Timestamp, is_fapi2: bool) -> Result<(), &'static str> {
    match nbf {
        Said::Nothing if is_fapi2 => {
            Err("a request object of this client says by nbf, a number, when it begins")
        }
        Said::NoNumber => Err("nbf of a request object is a number"),
        Said::At(begins) if begins > now + AHEAD => Err("the request object is not good yet (nbf)"),
        Said::At(begins) if now - begins > LONGEST => {
            Err("nbf of a request object lies at most sixty minutes back")
        }
        Said::At(begins) if ends.is_some_and(|ends| ends - begins > LONGEST) => {
            Err("a request object is good for at most sixty minutes, from nbf to exp")
        }
        Said::Nothing | Said::At(_) => Ok(()),
    }
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
