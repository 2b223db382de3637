//! CIBA Core §7.1.1, FAPI-CIBA §5.2.2 — a signed authentication request, whose claims are the parameters

use crate::client::{Client, keys};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::jose::jwk::Algorithm;
use crate::jose::jws::Jws;
use crate::params::Params;
use crate::secret::digest_of;
use crate::time::{Seconds, Timestamp};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// FAPI-CIBA §5.2.2: from `nbf` to `exp`.
const LONGEST: Seconds = Seconds::minutes(60);
/// How far ahead of ours a client's clock may run (FAPI 2.0 §5.3.2.1).
const AHEAD: Seconds = Seconds(60);

/// What may stand beside the signed request: how the client proves itself.
const BESIDE: [&str; 5] =
    ["request", "client_id", "client_secret", "client_assertion", "client_assertion_type"];
/// Claims about the statement itself.
const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

const fn bad(detail: &'static str) -> Denial {
    Code::InvalidRequest.because(detail)
}

const UNREAD: Denial = bad("the signed request is no compact JWS by EdDSA, ES256, PS256 or RS256");
const OTHER_TYPE: Denial = bad("typ of a signed request is oauth-authz-req+jwt, or left out");
const OTHER_ALGORITHM: Denial =
    bad("the signed request is not signed by the algorithm that this client registered for it");
const UNSIGNED: Denial = bad("no registered key of this client signed the request");
const NESTED: Denial = bad("a signed request holds neither request nor request_uri");
const SPENT: Denial = bad("a signed request with this jti came before: make another with a jti of its own");
const PLAIN: Denial =
    bad("this client registered to sign its requests: send one signed request and nothing beside it");

/// The parameters of a signed request; `None` where it came plain and may.
pub(super) async fn unfold(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<Option<Params<'static>>, Error> {
    params.refuse_repeats(&BESIDE)?;
    let wanted = client.profile.cross_device.backchannel_authentication_request_signing_alg.as_deref();
    let Some(text) = params.one("request") else {
        return if wanted.is_some() || client.is_fapi2() { Err(PLAIN.into()) } else { Ok(None) };
    };
    if params.names().any(|name| !BESIDE.contains(&name)) {
        return Err(bad("a signed request holds every parameter: send none beside it").into());
    }
    let jws = Jws::read(text).ok_or(UNREAD)?;
    if jws.has_type() && !["oauth-authz-req+jwt", "JWT"].iter().any(|name| jws.is_of_type(name)) {
        return Err(OTHER_TYPE.into());
    }
    let algorithm = wanted.map_or(Some(jws.algorithm), Algorithm::parse);
    if algorithm != Some(jws.algorithm) || !client.profile.security.takes(jws.algorithm) {
        return Err(OTHER_ALGORITHM.into());
    }
    if !keys::signed(cx, client, &jws).await? {
        return Err(UNSIGNED.into());
    }
    let claims = jws.claims::<Map<String, Value>>().ok_or(UNREAD)?;
    hold(cx, client, &claims)?;
    let params = Params::of(pairs(&claims)?)?;
    let (jti, exp) = (text_of(&claims, "jti"), claims["exp"].as_i64().unwrap_or_default());
    let key = digest_of(&[b"backchannel request", client.id.as_str().as_bytes(), jti.as_bytes()]);
    if !cx.store.spend(&key, Timestamp(exp), cx.now).await? {
        return Err(SPENT.into());
    }
    Ok(Some(params))
}

fn text_of<'a>(claims: &'a Map<String, Value>, name: &str) -> &'a str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What does not hold of a request that the client's own key signed is said claim by claim.
fn hold(cx: &Context, client: &Client, claims: &Map<String, Value>) -> Result<(), Denial> {
    let time = |name: &str| claims.get(name).and_then(Value::as_i64).map(Timestamp);
    let (Some(exp), Some(nbf), Some(iat)) = (time("exp"), time("nbf"), time("iat")) else {
        return Err(bad("a signed request has exp, nbf and iat, whole numbers"));
    };
    let ours = |value: &Value| value.as_str() == Some(cx.settings.issuer());
    let aud = claims
        .get("aud")
        .is_some_and(|aud| ours(aud) || aud.as_array().is_some_and(|all| all.iter().any(ours)));
    let id = client.id.as_str();
    let named = claims.get("client_id").is_none_or(|own| own.as_str() == Some(id));
    let rules = [
        (text_of(claims, "iss") == id, "iss of a signed request is the client_id"),
        (named, "client_id in a signed request is the client that sends it, or left out"),
        (aud, "aud of a signed request is our issuer, as our metadata name it"),
        (exp > cx.now, "the signed request has expired (exp): make another"),
        (exp - nbf <= LONGEST, "a signed request is good for at most sixty minutes, from nbf to exp"),
        (nbf <= cx.now + AHEAD, "the signed request is not good yet (nbf)"),
        (iat <= cx.now + AHEAD, "iat of the signed request lies ahead of our clock"),
        (
            cx.revoked.is_since(Some(iat), exp),
            "the signed request was made before this server was restored (iat): make another",
        ),
        (!text_of(claims, "jti").is_empty(), "a signed request has a jti, which is new each time"),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(bad(why)))
}

type Pair = (Cow<'static, str>, Cow<'static, str>);

/// Numbers as they are written; what is no text, number or list of texts has no meaning in a parameter.
fn pairs(claims: &Map<String, Value>) -> Result<Vec<Pair>, Denial> {
    let mut pairs = Vec::new();
    let own = claims.iter().filter(|(name, _)| !REGISTERED.contains(&name.as_str()));
    for (name, value) in own {
        let mut add = |text: String| pairs.push((Cow::Owned(name.clone()), Cow::Owned(text)));
        match value {
            Value::String(text) => add(text.clone()),
            Value::Number(number) => add(number.to_string()),
            // RFC 8707 §2.
            Value::Array(all) if name == "resource" => {
                all.iter().filter_map(Value::as_str).for_each(|text| add(text.to_owned()));
            }
            // RFC 9396 §3.
            Value::Array(_) if name == "authorization_details" => add(value.to_string()),
            // A request within a request, or a flag: nothing that is read here.
            _ => {}
        }
    }
    if pairs.iter().any(|(name, _)| name == "request" || name == "request_uri") {
        return Err(NESTED);
    }
    Ok(pairs)
}
