//! What a reverse proxy asks before each request: nginx `auth_request`, Traefik and Caddy forward-auth, Envoy `ext_authz`.
//!
//! The decision is the gateway's. Only a proxy that is known is answered, and only if it says what it asks about.

use crate::challenge::Refusal;
use crate::identity::Absent;
use crate::proxy::{judge, needs};
use crate::{Caller, Inner, credential, route};
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use std::sync::Arc;
use valetkey_core::path::Path;

const AT: &str = "/forward-auth/";

pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with(AT)
}

const STRANGER: Refusal<'static> =
    Refusal::Stranger("only a reverse proxy listed in http.trusted_proxies may ask here");
const UNSAID: Refusal<'static> =
    Refusal::Stranger("the proxy must say, once each, which method and which path the request has");
const NOWHERE: Refusal<'static> = Refusal::Stranger("no API has this path");

/// What is asked about.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

pub(crate) fn answer(gateway: &Inner, request: &Request<Body>, caller: Caller<'_>) -> Response<Body> {
    let proxy = request.uri().path().strip_prefix(AT).unwrap_or_default();
    let mut response = if caller.trusted_peer {
        match asked(request, proxy) {
            Ok(asked) => decide(gateway, &asked, request.headers()),
            Err(refusal) => refusal.answer(None, None),
        }
    } else {
        STRANGER.answer(None, None)
    };
    // nginx takes every other status for a failure of ours.
    let understood = matches!(response.status(), StatusCode::OK | StatusCode::UNAUTHORIZED);
    if proxy == "nginx" && !understood {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}

/// What the proxy says of the request; each says it in its own way.
fn asked<'a>(request: &'a Request<Body>, proxy: &str) -> Result<Asked<'a>, Refusal<'static>> {
    let headers = request.headers();
    let (method, target) = match proxy {
        "nginx" => (header(headers, "x-original-method")?, header(headers, "x-original-uri")?),
        "traefik" | "caddy" => (header(headers, "x-forwarded-method")?, header(headers, "x-forwarded-uri")?),
        _ => {
            let path = request.uri().path().strip_prefix(AT).and_then(|rest| rest.strip_prefix("envoy"));
            let path = path.filter(|path| path.starts_with('/')).ok_or(UNSAID)?;
            return Ok(Asked { method: request.method().as_str(), path, query: request.uri().query() });
        }
    };
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    Ok(Asked { method, path, query })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal<'static>> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    value.filter(|_| values.next().is_none()).ok_or(UNSAID)
}

fn decide(gateway: &Inner, asked: &Asked<'_>, headers: &HeaderMap) -> Response<Body> {
    let server = &gateway.server;
    let path = match Path::normalise(asked.path) {
        Ok(path) => path,
        Err(ambiguous) => return Refusal::Target(ambiguous.0).answer(None, None),
    };
    let catalog = Arc::clone(&server.catalog());
    let Some((api, rules, rest)) = catalog.api_at(&path) else { return NOWHERE.answer(None, None) };
    let method = match route::method(asked.method) {
        Ok(method) => method,
        Err(refusal) => return refusal.answer(None, None),
    };
    let ruling = rules.find(api, method, rest);
    let refused = |refusal: Refusal<'_>| refusal.answer(Some((&server.settings, api)), needs(ruling));
    let now = server.now();
    // Here nobody could take a token out of the query before the request goes on, whatever the API opted into.
    let judged = credential::find(false, headers, asked.query)
        .and_then(|found| judge(server, api, ruling, found.token.as_deref(), now));
    let verified = match judged {
        Ok(verified) => verified,
        Err(refusal) => return refused(refusal),
    };
    let mut response = Response::new(Body::empty());
    let to = (response.headers_mut(), Absent::Empty);
    let identified =
        verified.token().map(|token| gateway.identities.identify((server, api), &token, now, to));
    if matches!(identified, Some(Ok(()))) { response } else { refused(Refusal::Failed) }
}
