//! Fetch Metadata — browser mode: who is at an API in a browser, and what no other page may do in their name

use crate::challenge::Refusal;
use crate::judging::{Judged, Question, Who};
use crate::{Caller, Inner, headers, policy};
use http::header::{ACCEPT, COOKIE, HeaderMap, HeaderValue, ORIGIN};
use valetkey_core::context::{self, Context, RequestName};
use valetkey_core::error::Fault;
use valetkey_core::login::acr;
use valetkey_core::login::browser_mode::{self, Person, SIGN_OUT};
use valetkey_core::login::same_origin::{self, Came};
use valetkey_core::route::Method;
use valetkey_core::settings::Settings;
use valetkey_core::store::Api;

const FORGED: Refusal<'static> =
    Refusal::Forgery("a page of another origin may not do this with the session of this browser");

/// Judges a request that came without a token.
pub(crate) async fn judge<'a>(gateway: &Inner, question: Question<'a, '_>, caller: Caller<'_>) -> Judged<'a> {
    let Question { api, method, rest, headers, .. } = question;
    let changes = !matches!(method, Method::Get | Method::Head);
    // RFC 6455 §10.2: a handshake reads and writes, and browsers let any page begin one.
    // A proxy that asks leaves `Upgrade` out; these it hands on, and no script can set them.
    let handshake = headers::asks_for_websocket(headers) || headers.contains_key("sec-websocket-version");
    let proof_needed = changes || handshake;
    let proven = || came(&gateway.server.settings, headers) == Came::SameOrigin;
    if rest == SIGN_OUT {
        return match method {
            Method::Post if proven() => Judged::SignsOut,
            Method::Post => Judged::Refused(FORGED),
            _ => Judged::Refused(Refusal::SignOut),
        };
    }
    let context = context(gateway, caller);
    match person(&context, api, headers).await {
        Ok(Some(_)) if proof_needed && !proven() => Judged::Refused(FORGED),
        Ok(Some(person)) => match decide(&context, &person, question) {
            Ok(()) => Judged::Passes(Who::Browser(Box::new(person))),
            // RFC 9470 §4: who opens a page proves it once more.
            Err(Refusal::Authentication(_)) if is_navigation(method, headers) => Judged::SignsIn,
            Err(refusal) => Judged::Refused(refusal),
        },
        Ok(None) if is_navigation(method, headers) => Judged::SignsIn,
        Ok(None) => Judged::Refused(Refusal::Missing),
        Err(fault) => {
            tracing::warn!(target: "valetkey::gateway", %fault, request = caller.request_id, "no session could be read");
            let away = fault.kind.is_outage();
            Judged::Refused(if away { Refusal::Away } else { Refusal::Failed })
        }
    }
}

fn decide<'a>(cx: &Context, person: &Person, question: Question<'a, '_>) -> Result<(), Refusal<'a>> {
    let held = |wanted: &[String]| acr::fulfils(cx, &person.session, wanted);
    policy::decide(question.ruling, &person.token(question.api), question.now, held)
}

pub(crate) fn context(gateway: &Inner, caller: Caller<'_>) -> Context {
    let request = Some(RequestName::new(caller.request_id));
    let caller = context::Caller { address: Some(caller.address), request, ..context::Caller::default() };
    Context::new(&gateway.server, caller)
}

/// The person whose cookies came with a request.
pub(crate) async fn person(cx: &Context, api: &Api, headers: &HeaderMap) -> Result<Option<Person>, Fault> {
    let lines: Vec<&str> = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()).collect();
    browser_mode::person(cx, api, &lines).await
}

fn came(settings: &Settings, headers: &HeaderMap) -> Came {
    match (one(headers, "sec-fetch-site"), one(headers, ORIGIN.as_str())) {
        (Ok(site), Ok(origin)) => same_origin::came(settings, site, origin),
        _ => Came::Cross,
    }
}

/// A header that stands there once at most.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h [u8]>, ()> {
    let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

/// Whether a browser opens a page: a script, an image or a frame could do nothing with a sign-in.
fn is_navigation(method: Method, headers: &HeaderMap) -> bool {
    let said = |name: &str| one(headers, name).unwrap_or(Some(b""));
    let document = match said("sec-fetch-mode") {
        Some(mode) => mode == b"navigate" && matches!(said("sec-fetch-dest"), None | Some(b"document")),
        None => accepts_pages(headers) && said("x-requested-with").is_none(),
    };
    method == Method::Get && document && !headers::asks_for_websocket(headers)
}

/// RFC 9110 §12.5.1: pages are asked for by name, not only by `*/*`.
fn accepts_pages(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let kinds = lines.flat_map(|line| line.split(','));
    kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim()).any(|kind| {
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    #[test]
    fn only_a_browser_that_opens_a_page_is_sent_to_sign_in() {
        let page = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        for (method, pairs, want) in [
            (Method::Get, &[page][..], true),
            (Method::Get, &[page, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], true),
            (Method::Get, &[("accept", "*/*"), ("sec-fetch-mode", "navigate")], true),
            (Method::Get, &[page, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")], false),
            (Method::Get, &[page, ("sec-fetch-mode", "cors")], false),
            (Method::Get, &[page, ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], false),
            (Method::Get, &[page, ("x-requested-with", "XMLHttpRequest")], false),
            (Method::Get, &[("accept", "application/json")], false),
            (Method::Get, &[("accept", "*/*")], false),
            (Method::Get, &[], false),
            (Method::Head, &[page], false),
            (Method::Post, &[page, ("sec-fetch-mode", "navigate")], false),
            (Method::Get, &[page, ("connection", "upgrade"), ("upgrade", "websocket")], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_navigation(method, &headers), want, "{method:?} {pairs:?}");
        }
    }
}
