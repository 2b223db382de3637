//! RFC 9449 §5, §7, §8 — the proof of possession in a request, and the nonce for the next one

use super::{cors, error};
use crate::extract::{Call, FormCall};
use axum::response::Response;
use http::HeaderValue;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use valetkey_core::error::{Code, Denial, Error};
use valetkey_core::jose::jwk::Algorithm;
use valetkey_core::proof::dpop::{self, Proven, Shown};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

const ONE: Denial = Code::InvalidDpopProof.because("send one DPoP header with one proof in it");

/// RFC 9449 §4.3: none, or one.
fn header(call: &Call) -> Result<Option<&str>, Denial> {
    let mut all = call.headers.get_all(DPOP).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| ONE),
        (Some(_), Some(_)) => Err(ONE),
    }
}

/// Checks the proof, where there is one, and notes its key: tokens made in this request are bound to it, and bound ones
/// used in it must be its own.
fn prove(call: &mut Call, access_token: Option<&str>) -> Result<(), Denial> {
    let Some(proof) = header(call)? else { return Ok(()) };
    let path = call.asked.as_ref().map_or(call.uri.path(), |asked| &asked.0);
    let shown = Shown { method: call.method.as_str(), path, access_token };
    let Proven { key, algorithm } = dpop::check(&call.cx, proof, &shown)?;
    (call.cx.caller.key, call.cx.caller.key_algorithm) = (Some(key), Some(algorithm));
    Ok(())
}

/// The answer to a proof that does not hold. Nothing of anybody's is in it, and a page of another origin needs the nonce
/// beside it.
pub(crate) fn refused(call: &mut Call) -> Option<Response> {
    let denial = prove(call, None).err()?;
    Some(cors::public(error::denied(denial, call.authorization().is_some())))
}

/// The access token of a protected resource's caller. One that comes by the scheme `DPoP` comes with its proof (RFC 9449
/// §7.1); `Bearer` proves nothing, so that a bound token opens nothing by it (§7.2).
pub(crate) fn access_token(call: &mut Call) -> Result<Option<String>, Denial> {
    let Some((scheme, token)) = call.authorization().and_then(|value| value.split_once(' ')) else {
        return Ok(None);
    };
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    let (bound, bearer, token) = (is("dpop"), is("bearer"), token.trim().to_owned());
    if bound {
        header(call)?.ok_or(ONE)?;
        prove(call, Some(&token))?;
    }
    Ok((bound || bearer).then_some(token))
}

/// An endpoint whose answer may be bound to a key: the proof first, then the answer, and the nonce for the next one.
pub(super) async fn through(
    mut form: FormCall,
    answer: impl AsyncFnOnce(&FormCall) -> Result<Response, Error>,
) -> Response {
    let response = match refused(&mut form.call) {
        Some(refused) => refused,
        None => {
            answer(&form).await.unwrap_or_else(|refused| error::respond(&refused, form.wants_challenge()))
        }
    };
    answered(&form.call, response)
}

/// RFC 9449 §8.2: whoever comes with a proof is told the nonce for the next one; §7.1: who comes with one, or by its scheme,
/// gets the challenge of that scheme.
pub(crate) fn answered(call: &Call, mut response: Response) -> Response {
    let proves = call.headers.contains_key(DPOP);
    if let Some(nonce) = proves.then(|| dpop::nonce(&call.cx).ok()).flatten()
        && let Ok(nonce) = HeaderValue::try_from(nonce)
    {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    let scheme = call.authorization().and_then(|value| value.split_once(' ')).map(|(scheme, _)| scheme);
    if proves || scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("dpop")) {
        rechallenge(&mut response);
    }
    response
}

/// §7.1: the challenge of the scheme `DPoP` in the place of that for bearer tokens.
pub(super) fn rechallenge(response: &mut Response) {
    if let Some(bearer) = response.headers_mut().get_mut(WWW_AUTHENTICATE)
        && let Some(value) = bearer.to_str().ok().and_then(of_this_scheme)
    {
        *bearer = value;
    }
}

/// §7.1: and beside it, where nobody knows yet by which of the two the caller will come.
pub(super) fn challenge_too(response: &mut Response) {
    let own = response.headers().get(WWW_AUTHENTICATE).and_then(|bearer| bearer.to_str().ok());
    if let Some(value) = own.and_then(of_this_scheme) {
        response.headers_mut().append(WWW_AUTHENTICATE, value);
    }
}

fn of_this_scheme(bearer: &str) -> Option<HeaderValue> {
    let rest = bearer.strip_prefix("Bearer ")?;
    let algorithms = Algorithm::ALL.map(|(name, _)| name).join(" ");
    HeaderValue::try_from(format!("DPoP {rest}, algs=\"{algorithms}\"")).ok()
}
