//! `/login/upstream/{id}`: there and back again.

use super::flow::{self, current_session};
use super::login::{self, go_on_to};
use super::respond::{failed, page, plain_error, refused};
use super::view::{ErrorKind, Href, Link, UpstreamButton, UpstreamTrouble, WhatWentWrong};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::layer::access::Cause;
use crate::oauth::respond::see_other;
use axum::extract::Path;
use axum::response::Response;
use http::header::{COOKIE, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use std::sync::Arc;
use valetkey_core::error::{Code, Denial};
use valetkey_core::ids::{SessionId, TenantId};
use valetkey_core::interaction::{Interaction, Prompt};
use valetkey_core::login::cookie::{self, Cookie as Own};
use valetkey_core::login::form_proof;
use valetkey_core::login::upstream::{
    Arrived, Departure, LIFETIME, Person, Purpose, Return, Transaction, Trouble, arrive, depart, link,
    recognize,
};
use valetkey_core::params::Params;
use valetkey_core::store::Write;
use valetkey_core::time::Seconds;
use valetkey_core::upstream::Upstream;

/// Bytes of a `Set-Cookie` line.
const LONGEST_COOKIE: usize = 4096;
const TOO_LONG: Denial = Code::InvalidRequest.because(
    "what the application sent is too long to be kept while you sign in elsewhere: sign in by password, or tell its developers to send a shorter state",
);

/// Tries that one browser carries along; the older ones go.
const TRIES: usize = 4;

/// The providers that a login page offers. Where the person must prove anew who they are, only those that can be asked so.
pub(crate) fn buttons(
    call: &Call,
    tenant: &TenantId,
    interaction: Option<&Interaction>,
) -> Vec<UpstreamButton> {
    let fresh = interaction.is_some_and(must_be_fresh);
    let next = login::next(call).filter(|_| interaction.is_none());
    let query = next.map(|next| {
        form_urlencoded::Serializer::new("?".to_owned()).append_pair("next", next.as_str()).finish()
    });
    let button = |own: &Arc<Upstream>| {
        let action = format!("/login/upstream/{}{}", own.id, query.as_deref().unwrap_or_default());
        Some(UpstreamButton { name: own.name.clone(), action: Href::local(&action)? })
    };
    let catalog = call.cx.catalog();
    catalog.upstreams_of(tenant).filter(|own| own.is_openid() || !fresh).filter_map(button).collect()
}

/// What people of this directory can link.
pub(crate) fn names(call: &Call, tenant: &TenantId) -> Vec<String> {
    call.cx.catalog().upstreams_of(tenant).map(|own| own.name.clone()).collect()
}

fn must_be_fresh(interaction: &Interaction) -> bool {
    let request = &interaction.request;
    request.prompts.contains(&Prompt::Login) || request.max_age.is_some()
}

fn known(call: &Call, id: &str) -> Result<Arc<Upstream>, Response> {
    let found = call.cx.catalog().upstream(id).cloned();
    found.ok_or_else(|| plain_error(call, ErrorKind::NotFound))
}

pub(crate) async fn post(Path(id): Path<String>, form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    if call.is_cross_site() || params.refuse_repeats(&["i", "csrf"]).is_err() {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let wish = match wish(&call, &params) {
        Ok(wish) => wish,
        Err(response) => return response,
    };
    let upstream = match known(&call, &id) {
        Ok(upstream) => upstream,
        Err(response) => return response,
    };
    let theirs = wish.tenant.is_none_or(|tenant| tenant == upstream.tenant);
    if !theirs || (wish.fresh && !upstream.is_openid()) {
        return plain_error(&call, ErrorKind::BadRequest);
    }
    leave(&call, &upstream, wish.purpose, wish.fresh).await
}

/// What a button's form asks for.
struct Wish {
    purpose: Purpose,
    /// Whose people are meant, where an interaction says it.
    tenant: Option<TenantId>,
    fresh: bool,
}

/// The form of an interaction's own browser, or one that was drawn for this browser.
fn wish(call: &Call, params: &Params<'_>) -> Result<Wish, Response> {
    let Some(sealed) = params.one("i") else {
        let proof = params.one("csrf");
        if !call.cookie(Cookie::Browser).is_some_and(|own| form_proof::holds(&call.cx, proof, own)) {
            return Err(plain_error(call, ErrorKind::Forgery));
        }
        let purpose = Purpose::SignIn { interaction: None, next: login::home(call) };
        return Ok(Wish { purpose, tenant: None, fresh: false });
    };
    let own = flow::open(call, sealed)?;
    let purpose = Purpose::SignIn { interaction: Some(sealed.to_owned()), next: String::new() };
    Ok(Wish { purpose, fresh: must_be_fresh(&own), tenant: Some(own.request.tenant) })
}

/// Sends the browser to the provider.
pub(crate) async fn leave(call: &Call, upstream: &Upstream, purpose: Purpose, fresh: bool) -> Response {
    let back = back(Some(&purpose));
    let Some(browser) = call.cookie(Cookie::Browser) else {
        return plain_error(call, ErrorKind::CookieMissing);
    };
    match depart(&call.cx, upstream, browser, purpose, fresh).await {
        Ok(Departure { location, state, sealed }) => {
            let line = Own::Upstream { state: &state }.set(&sealed, Some(LIFETIME), call.https());
            // RFC 6265 §6.1: browsers drop what is longer, and the person would come back to nothing.
            if line.len() > LONGEST_COOKIE {
                return refused(call, ErrorKind::BadRequest, TOO_LONG);
            }
            let mut response = see_other(&location);
            forget_old_tries(call, &mut response);
            set(&mut response, line);
            response
        }
        Err(trouble) => troubled(call, upstream, trouble, back),
    }
}

fn set(response: &mut Response, line: String) {
    if let Ok(value) = HeaderValue::try_from(line) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

fn cookie_lines(call: &Call) -> impl Iterator<Item = &str> {
    call.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok())
}

fn forget_old_tries(call: &Call, response: &mut Response) {
    let tries = cookie::upstreams(cookie_lines(call), call.https());
    for state in tries.iter().take((tries.len() + 1).saturating_sub(TRIES)) {
        set(response, Own::Upstream { state }.set("", Some(Seconds(0)), call.https()));
    }
}

pub(crate) async fn callback(Path(id): Path<String>, call: Call) -> Response {
    let upstream = match known(&call, &id) {
        Ok(upstream) => upstream,
        Err(response) => return response,
    };
    let Ok(params) = Params::parse(call.query()) else { return plain_error(&call, ErrorKind::BadRequest) };
    let whole = params.refuse_repeats(&["state", "code", "iss", "error"]).is_ok();
    let state = params.one("state").filter(|state| whole && state.len() == 43);
    let Some(state) =
        state.filter(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
    else {
        return troubled(&call, &upstream, Trouble::Stale, back(None));
    };
    let own = Own::Upstream { state };
    let sealed = own.read(cookie_lines(&call), call.https());
    let taken = Transaction::take(&call.cx, &upstream, state, sealed, call.cookie(Cookie::Browser)).await;
    let mut response = match taken {
        Ok(transaction) => {
            let answer =
                Return { code: params.one("code"), error: params.one("error"), iss: params.one("iss") };
            came_back(&call, &upstream, transaction, &answer).await
        }
        Err(trouble) => troubled(&call, &upstream, trouble, back(None)),
    };
    if sealed.is_some() {
        set(&mut response, own.set("", Some(Seconds(0)), call.https()));
    }
    response
}

async fn came_back(
    call: &Call,
    upstream: &Upstream,
    transaction: Transaction,
    answer: &Return<'_>,
) -> Response {
    let person = match recognize(&call.cx, upstream, &transaction, answer).await {
        Ok(person) => person,
        Err(trouble) => return troubled(call, upstream, trouble, back(Some(&transaction.purpose))),
    };
    match transaction.purpose {
        Purpose::SignIn { interaction, next } => {
            sign_in(call, upstream, &person, interaction.as_deref(), &next).await
        }
        Purpose::Link { session } => link_to(call, upstream, &person, session).await,
    }
}

async fn sign_in(
    call: &Call,
    upstream: &Upstream,
    person: &Person,
    sealed: Option<&str>,
    next: &str,
) -> Response {
    let interaction = match sealed.map(|sealed| flow::open(call, sealed)).transpose() {
        Ok(interaction) => interaction,
        Err(response) => return response,
    };
    let replaces = match current_session(call).await {
        Ok(session) => session.map(|session| session.id),
        Err(fault) => return failed(call, &fault),
    };
    let kind = match arrive(&call.cx, upstream, person, call.user_agent(), replaces).await {
        Ok(Arrived::SignedIn(signed_in)) => return go_on_to(call, &signed_in, interaction, next),
        Ok(Arrived::Off) => WhatWentWrong::Off,
        Ok(Arrived::Unknown) => WhatWentWrong::Unknown,
        Ok(Arrived::HasAccount) => WhatWentWrong::HasAccount,
        Err(fault) => return failed(call, &fault),
    };
    trouble(call, upstream, kind, way_to_login(sealed))
}

async fn link_to(call: &Call, upstream: &Upstream, person: &Person, session: SessionId) -> Response {
    let current = match current_session(call).await {
        // Whoever asked for it must sit here still.
        Ok(current) => current.filter(|own| own.id == session),
        Err(fault) => return failed(call, &fault),
    };
    let Some(current) = current else {
        return trouble(call, upstream, WhatWentWrong::Stale, way_to_login(None));
    };
    let to = |done: &str| {
        see_other(&call.cx.settings.url(&format!("{}?done={done}", super::account::methods::PATH)))
    };
    match link(&call.cx, upstream, person, &current).await {
        Ok(Write::Done) => to("linked"),
        Ok(Write::Conflict) => to("taken"),
        Ok(Write::Unknown) => plain_error(call, ErrorKind::Forbidden),
        Err(fault) => failed(call, &fault),
    }
}

/// The way on when it came to nothing.
fn back(purpose: Option<&Purpose>) -> Link {
    match purpose {
        Some(Purpose::SignIn { interaction, .. }) => way_to_login(interaction.as_deref()),
        Some(Purpose::Link { .. }) => {
            let href = Href::local(super::account::methods::PATH).unwrap_or_else(Href::root);
            Link::new(href, "Back to your account")
        }
        None => way_to_login(None),
    }
}

fn way_to_login(sealed: Option<&str>) -> Link {
    let path = sealed.map_or_else(|| login::PATH.to_owned(), |i| format!("{}?i={i}", login::PATH));
    Link::new(Href::local(&path).unwrap_or_else(Href::root), "Back to the sign-in page")
}

fn troubled(call: &Call, upstream: &Upstream, what: Trouble, back: Link) -> Response {
    let kind = match what {
        Trouble::Stale => WhatWentWrong::Stale,
        Trouble::Declined => WhatWentWrong::Declined,
        Trouble::Away => WhatWentWrong::Away,
        Trouble::Untrue(why) => {
            tracing::warn!(target: "valetkey::upstream", upstream = upstream.id, why, "an answer does not hold");
            let mut response = trouble(call, upstream, WhatWentWrong::Untrue, back);
            response.extensions_mut().insert(Cause(why.to_owned()));
            return response;
        }
        Trouble::Failed(fault) => return failed(call, &fault),
    };
    trouble(call, upstream, kind, back)
}

fn trouble(call: &Call, upstream: &Upstream, kind: WhatWentWrong, back: Link) -> Response {
    let view = UpstreamTrouble {
        kind,
        provider: upstream.name.clone(),
        back,
        request_id: call.id.as_str().to_owned(),
    };
    let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = page(call, status, &view);
    if kind == WhatWentWrong::Away {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(5));
    }
    response
}
