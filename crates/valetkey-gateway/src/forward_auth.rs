//! What a reverse proxy asks before each request: nginx `auth_request`, Traefik and Caddy forward-auth, Envoy `ext_authz`.
//!
//! The decision is the gateway's. Only a proxy that is known is answered, and only if it says what it asks about.

use crate::challenge::Refusal;
use crate::headers::others_cookies;
use crate::identity::Absent;
use crate::judging::{Judged, Question, judge, needs};
use crate::proxy::next_nonce;
use crate::{Answer, Caller, Inner, credential, route};
use axum::body::Body;
use http::header::COOKIE;
use http::{HeaderMap, Request, Response, StatusCode};
use std::sync::Arc;
use valetkey_core::path::Path;
use valetkey_core::store::Api;

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

pub(crate) async fn answer(gateway: &Inner, request: Request<Body>, caller: Caller<'_>) -> Answer {
    // A body is not looked at, and a reference to one cannot be held while something is awaited.
    let request = Request::from_parts(request.into_parts().0, ());
    let proxy = request.uri().path().strip_prefix(AT).unwrap_or_default();
    let answer = if caller.trusted_peer {
        match asked(&request, proxy) {
            Ok(asked) => decide(gateway, &asked, request.headers(), caller).await,
            Err(refusal) => Decided::Answer(refusal.answer(None, None)),
        }
    } else {
        Decided::Answer(STRANGER.answer(None, None))
    };
    let is_nginx = proxy == "nginx";
    match answer {
        Decided::Answer(mut response) => {
            // nginx takes every other status for a failure of ours.
            if is_nginx && !matches!(response.status(), StatusCode::OK | StatusCode::UNAUTHORIZED) {
                *response.status_mut() = StatusCode::FORBIDDEN;
            }
            Answer::Own(response)
        }
        // nginx hands no answer on; its configuration asks again by another name for what to tell the browser.
        Decided::SignIn { missing, .. } if is_nginx => Answer::Own(missing),
        Decided::SignIn { api, target, .. } => {
            Answer::SignIn { api, target, parts: Box::new(request.into_parts().0) }
        }
    }
}

enum Decided {
    Answer(Response<Body>),
    SignIn { api: Box<Api>, target: String, missing: Response<Body> },
}

/// What the proxy says of the request; each says it in its own way.
fn asked<'a>(request: &'a Request<()>, proxy: &str) -> Result<Asked<'a>, Refusal<'static>> {
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

async fn decide(gateway: &Inner, asked: &Asked<'_>, headers: &HeaderMap, caller: Caller<'_>) -> Decided {
    let server = &gateway.server;
    let plain = |refusal: Refusal<'_>| Decided::Answer(refusal.answer(None, None));
    let path = match Path::normalise(asked.path) {
        Ok(path) => path,
        Err(ambiguous) => return plain(Refusal::Target(ambiguous.0)),
    };
    let catalog = Arc::clone(&server.catalog());
    let Some((api, rules, rest)) = catalog.api_at(&path) else { return plain(NOWHERE) };
    let method = match route::method(asked.method) {
        Ok(method) => method,
        Err(refusal) => return plain(refusal),
    };
    let ruling = rules.find(api, method, rest);
    let refused = |refusal: Refusal<'_>| {
        let mut response = refusal.answer(Some((&server.settings, api)), needs(ruling));
        next_nonce(gateway, &refusal, caller, &mut response);
        response
    };
    // Here nobody could take a token out of the query before the request goes on, whatever the API opted into.
    let found = match credential::find(false, headers, asked.query) {
        Ok(found) => found,
        Err(refusal) => return Decided::Answer(refused(refusal)),
    };
    let (token, now) = (found.token.as_deref(), server.now());
    let (dpop, at) = (found.dpop, (asked.method, asked.path));
    let question = Question { api, ruling, method, rest, headers, token, dpop, at, now };
    let who = match judge(gateway, question, caller).await {
        Judged::Passes(who) => who,
        Judged::SignsIn => {
            let target = route::with_query(path.as_str(), asked.query);
            return Decided::SignIn {
                api: Box::new(api.clone()),
                target,
                missing: refused(Refusal::Missing),
            };
        }
        // Whatever is answered here with 200 is let through.
        Judged::SignsOut => return Decided::Answer(refused(Refusal::Endpoint)),
        Judged::Refused(refusal) => return Decided::Answer(refused(refusal)),
    };
    let mut response = Response::new(Body::empty());
    // For the proxy to pass on in place of what came: our own cookies are none of the API's business.
    if headers.contains_key(COOKIE) {
        response.headers_mut().insert(COOKIE, others_cookies(headers));
    }
    let introduced = who.introduce(gateway, (api, now), response.headers_mut(), Absent::Empty);
    Decided::Answer(introduced.map_or_else(refused, |()| response))
}
