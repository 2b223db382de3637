//! A request to a protected API: judged, told who calls, passed on. Whatever is missing on the way, it ends here.

use crate::challenge::Refusal;
use crate::credential::Credential;
use crate::identity::Absent;
use crate::judging::{Judged, Question, Who, judge, needs};
use crate::{Answer, Caller, Inner, browser, cors, credential, headers, lasting, route, tunnel};
use axum::body::Body;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use std::sync::Arc;
use valetkey_core::proof::dpop;
use valetkey_core::route::{Method, Ruling};
use valetkey_core::settings::Settings;
use valetkey_core::store::Api;
use valetkey_core::time::Timestamp;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) async fn answer(gateway: &Arc<Inner>, request: Request<Body>, caller: Caller<'_>) -> Answer {
    let catalog = Arc::clone(&gateway.server.catalog());
    if !catalog.apis().iter().any(|api| !api.upstream.is_empty()) {
        return Answer::NotOurs;
    }
    let (mut parts, body) = request.into_parts();
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let path = match route::path(&parts) {
        Ok(path) => path,
        Err(refusal) => return Answer::Own(refusal.answer(None, None)),
    };
    let Some((api, rules, rest)) = catalog.api_at(&path).filter(|(api, ..)| !api.upstream.is_empty()) else {
        return Answer::NotOurs;
    };
    let method = match route::method(parts.method.as_str()) {
        Ok(method) => method,
        Err(refusal) => return Answer::Own(refusal.answer(None, None)),
    };
    if let Some(preflight) = cors::preflight(api, &parts) {
        return Answer::Own(preflight);
    }
    let arrived = Arrived { api, ruling: rules.find(api, method, rest), method, rest, upgrade };
    match through(gateway, &parts, arrived, body, caller).await {
        Ok(mut response) => {
            cors::permit(api, &parts.headers, response.headers_mut());
            Answer::Passed(response)
        }
        Err(Not::Refused(refusal)) => {
            refusal.log(api, caller);
            let ruling = rules.find(api, method, rest);
            let mut response = refusal.answer(Some((&gateway.server.settings, api)), needs(ruling));
            next_nonce(gateway, &refusal, caller, &mut response);
            cors::permit(api, &parts.headers, response.headers_mut());
            Answer::Own(response)
        }
        Err(Not::SignsIn) => {
            let target = route::with_query(path.as_str(), parts.uri.query());
            Answer::SignIn { api: Box::new(api.clone()), target, parts: Box::new(parts) }
        }
        Err(Not::SignsOut) => Answer::SignOut { api: Box::new(api.clone()), parts: Box::new(parts) },
    }
}

/// A request that is for an API.
struct Arrived<'a> {
    api: &'a Api,
    ruling: Ruling<'a>,
    method: Method,
    rest: &'a str,
    upgrade: Option<OnUpgrade>,
}

/// Why a request does not go through.
enum Not<'a> {
    Refused(Refusal<'a>),
    SignsIn,
    SignsOut,
}

impl<'a> From<Refusal<'a>> for Not<'a> {
    fn from(refusal: Refusal<'a>) -> Self {
        Self::Refused(refusal)
    }
}

async fn through<'a>(
    gateway: &Arc<Inner>,
    parts: &Parts,
    arrived: Arrived<'a>,
    body: Body,
    caller: Caller<'_>,
) -> Result<Response<Body>, Not<'a>> {
    let Arrived { api, ruling, method, rest, upgrade } = arrived;
    if gateway.upstream.is_too_large(parts) {
        return Err(Refusal::TooLarge.into());
    }
    let credential = credential::take(api, parts, body).await?;
    let now = gateway.server.now();
    let headers = &parts.headers;
    let token = credential.token.as_deref();
    let (dpop, at) = (credential.dpop, (parts.method.as_str(), parts.uri.path()));
    let question = Question { api, ruling, method, rest, headers, token, dpop, at, now };
    let who = match judge(gateway, question, caller).await {
        Judged::Passes(who) => who,
        Judged::Refused(refusal) => return Err(refusal.into()),
        Judged::SignsIn => return Err(Not::SignsIn),
        Judged::SignsOut => return Err(Not::SignsOut),
    };
    let passing = Passing { api, rest, credential, upgrade, now };
    Ok(pass(gateway, parts, passing, &who, caller).await?)
}

/// A request that may pass, but for its headers.
struct Passing<'a> {
    api: &'a Api,
    rest: &'a str,
    credential: Credential,
    upgrade: Option<OnUpgrade>,
    now: Timestamp,
}

async fn pass(
    gateway: &Arc<Inner>,
    parts: &Parts,
    passing: Passing<'_>,
    who: &Who,
    caller: Caller<'_>,
) -> Result<Response<Body>, Refusal<'static>> {
    let Passing { api, rest, credential, upgrade, now } = passing;
    let Credential { token: text, dpop, query, body } = credential;
    let uri = route::upstream(&api.upstream, rest, query.as_deref()).ok_or(Refusal::Failed)?;
    let upgrade =
        upgrade.filter(|_| parts.version == Version::HTTP_11 && headers::asks_for_websocket(&parts.headers));

    let mut own = parts.headers.clone();
    headers::strip(&mut own);
    who.introduce(gateway, (api, now), &mut own, Absent::Omitted)?;
    forward(&mut own, &gateway.server.settings, caller)?;
    if let Some(text) = text.as_deref().filter(|_| api.pass_token) {
        let scheme = if dpop { "DPoP" } else { "Bearer" };
        let value = HeaderValue::try_from(format!("{scheme} {text}")).map_err(|_| Refusal::Failed)?;
        own.insert(AUTHORIZATION, value);
        // The proof is for who sees the token.
        if let Some(proof) = parts.headers.get(DPOP).filter(|_| dpop) {
            own.insert(DPOP, proof.clone());
        }
    }
    if upgrade.is_some() {
        headers::upgrade(&mut own);
    }
    let mut request = Request::new(body);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = own;

    let mut response = gateway.upstream.send(request).await?;
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    headers::strip_answer(response.headers_mut());
    let over = || lasting::over(gateway, api, (who, text.as_deref(), &parts.headers), caller);
    if switched {
        // RFC 9110 §15.2.2: only who was asked may switch.
        let caller = upgrade.ok_or(Refusal::Upstream)?;
        tunnel::join(caller, hyper::upgrade::on(&mut response), over());
        headers::upgrade(response.headers_mut());
        return Ok(response.map(|_| Body::empty()));
    }
    Ok(if lasting::lasts(&response) { lasting::body(response, over()) } else { response.map(Body::new) })
}

/// RFC 9449 §9: whoever came with a proof that does not hold is told the nonce for the next one.
pub(crate) fn next_nonce(
    gateway: &Inner,
    refusal: &Refusal<'_>,
    caller: Caller<'_>,
    response: &mut Response<Body>,
) {
    if let Refusal::Proof(_) = refusal
        && let Ok(nonce) = dpop::nonce(&browser::context(gateway, caller))
        && let Ok(nonce) = HeaderValue::try_from(nonce)
    {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
}

/// Where the request came from and which way; all of it our own word.
fn forward(headers: &mut HeaderMap, settings: &Settings, caller: Caller<'_>) -> Result<(), Refusal<'static>> {
    let value = |text: &str| HeaderValue::try_from(text).map_err(|_| Refusal::Failed);
    headers.insert(FORWARDED_FOR, value(&caller.address.to_string())?);
    headers.insert(
        FORWARDED_PROTO,
        HeaderValue::from_static(if settings.is_https() { "https" } else { "http" }),
    );
    headers.insert(FORWARDED_HOST, value(settings.host())?);
    headers.insert(REQUEST_ID, value(caller.request_id)?);
    Ok(())
}
