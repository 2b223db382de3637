//! A request to a protected API: judged, told who calls, passed on. Whatever is missing on the way, it ends here.

use crate::challenge::Refusal;
use crate::credential::Credential;
use crate::identity::Absent;
use crate::{Answer, Caller, Inner, credential, headers, policy, route, tunnel, verify};
use axum::body::Body;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use std::sync::Arc;
use valetkey_core::context::Server;
use valetkey_core::route::Ruling;
use valetkey_core::scope::Scope;
use valetkey_core::settings::Settings;
use valetkey_core::store::Api;
use valetkey_core::time::Timestamp;
use valetkey_core::token::access::Verified;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) async fn answer(gateway: &Inner, request: Request<Body>, caller: Caller<'_>) -> Answer {
    let server = &gateway.server;
    let catalog = Arc::clone(&server.catalog());
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
    let ruling = rules.find(api, method, rest);
    let refused =
        |refusal: Refusal<'_>| Answer::Own(refusal.answer(Some((&server.settings, api)), needs(ruling)));
    if gateway.upstream.is_too_large(&parts) {
        return refused(Refusal::TooLarge);
    }
    let credential = match credential::take(api, &parts, body).await {
        Ok(credential) => credential,
        Err(refusal) => return refused(refusal),
    };
    let now = server.now();
    let verified = match judge(server, api, ruling, credential.token.as_deref(), now) {
        Ok(verified) => verified,
        Err(refusal) => return refused(refusal),
    };
    let passing = Passing { api, rest, credential, upgrade, now };
    match pass(gateway, &parts, passing, &verified, caller).await {
        Ok(response) => Answer::Passed(response),
        Err(refusal) => {
            if matches!(refusal, Refusal::Upstream | Refusal::UpstreamLate | Refusal::Failed) {
                tracing::warn!(target: "valetkey::gateway", api = api.id.as_str(), ?refusal, request = caller.request_id);
            }
            refused(refusal)
        }
    }
}

/// The scopes an endpoint needs, where it has a rule.
pub(crate) fn needs(ruling: Ruling<'_>) -> Option<&Scope> {
    if let Ruling::Rule(rule) = ruling { Some(&rule.scopes) } else { None }
}

/// The decision, the same for the gateway and for every proxy that asks.
pub(crate) fn judge<'a>(
    server: &Server,
    api: &Api,
    ruling: Ruling<'a>,
    token: Option<&str>,
    now: Timestamp,
) -> Result<Verified, Refusal<'a>> {
    let verified = verify::verify(server, api, token.ok_or(Refusal::Missing)?, now)?;
    let token = verified.token().ok_or(Refusal::Failed)?;
    policy::decide(ruling, &token)?;
    Ok(verified)
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
    gateway: &Inner,
    parts: &Parts,
    passing: Passing<'_>,
    verified: &Verified,
    caller: Caller<'_>,
) -> Result<Response<Body>, Refusal<'static>> {
    let Passing { api, rest, credential, upgrade, now } = passing;
    let Credential { token: text, query, body } = credential;
    let uri = route::upstream(&api.upstream, rest, query.as_deref()).ok_or(Refusal::Failed)?;
    let upgrade =
        upgrade.filter(|_| parts.version == Version::HTTP_11 && headers::asks_for_websocket(&parts.headers));

    let mut own = parts.headers.clone();
    headers::strip(&mut own);
    let token = verified.token().ok_or(Refusal::Failed)?;
    let to = (&mut own, Absent::Omitted);
    let identified = gateway.identities.identify((&gateway.server, api), &token, now, to);
    identified.map_err(|_| Refusal::Failed)?;
    forward(&mut own, &gateway.server.settings, caller)?;
    if let Some(text) = text.filter(|_| api.pass_token) {
        own.insert(
            AUTHORIZATION,
            HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| Refusal::Failed)?,
        );
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
    if switched {
        // RFC 9110 §15.2.2: only who was asked may switch.
        let caller = upgrade.ok_or(Refusal::Upstream)?;
        tunnel::join(caller, hyper::upgrade::on(&mut response));
        headers::upgrade(response.headers_mut());
        return Ok(response.map(|_| Body::empty()));
    }
    Ok(response.map(Body::new))
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
