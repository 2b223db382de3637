//! `/developer`: the portal, where a person registers applications and looks after them.

pub(crate) mod application;
pub(crate) mod danger;
pub(crate) mod multipart;
pub(crate) mod new;
pub(crate) mod owners;
pub(crate) mod picture;
pub(crate) mod secrets;
pub(crate) mod settings;
mod snippets;
mod words;

use super::flow::current_session;
use super::paging::Asked;
use super::respond::{app, drawn, failed, person, plain_error};
use super::view::developer::{AppForm, AppRow, Developer, Done, OfferedToMe, State};
use super::view::{ErrorKind, ErrorPage, Href, When};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;
use valetkey_core::client::Client;
use valetkey_core::client::listing::Review;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::login::form_proof;
use valetkey_core::manage::ManageError;
use valetkey_core::manage::portal::{self, Declined};
use valetkey_core::params::Params;
use valetkey_core::store::Offer;

pub(crate) const PATH: &str = "/developer";

/// Who is signed in, where there is a portal. Everybody else goes to the login page and comes back to `back`.
async fn visitor(call: &Call, back: &str) -> Result<User, Response> {
    if !call.cx.settings.portal.open {
        return Err(plain_error(call, ErrorKind::NotFound));
    }
    let away = || see_other(&call.cx.settings.url(&super::login::and_back(back)));
    let session = current_session(call).await.map_err(|fault| failed(call, &fault))?;
    let session = session.ok_or_else(away)?;
    let user = call.cx.store.user(&session.user).await.map_err(|fault| failed(call, &fault))?;
    let user = user.ok_or_else(away)?;
    // An application speaks in the name of somebody who can be reached.
    if user.lacks_verified_email(&call.cx.settings.accounts) {
        return Err(super::unconfirmed::shut(call, &user));
    }
    Ok(user)
}

/// The form's fields, and who sent it: signed in, drawn for this very session, each field once.
async fn posted<'a>(form: &'a PageForm, back: &str) -> Result<(User, Params<'a>), Response> {
    let call = &form.call;
    let params = Params::parse(&form.body).map_err(|_| plain_error(call, ErrorKind::BadRequest))?;
    let user = visitor(call, back).await?;
    let known = ["csrf", "draft", "name", "website", "description", "kind", "secret", "username", "offer"];
    if params.refuse_repeats(&known).is_err() || !is_own(call, params.one("csrf")) {
        return Err(plain_error(call, ErrorKind::Forgery));
    }
    Ok((user, params))
}

/// Whether a form was drawn for this very session.
fn is_own(call: &Call, proof: Option<&str>) -> bool {
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    !call.is_cross_site() && form_proof::holds(&call.cx, proof, cookie)
}

fn csrf(call: &Call) -> Result<String, Fault> {
    form_proof::make(&call.cx, call.cookie(Cookie::Session).unwrap_or_default())
}

/// The page of an application, and those below it.
fn home(id: &str) -> String {
    format!("{PATH}/apps/{id}")
}

/// Where its owners change it.
fn edit(id: &str) -> String {
    format!("{}/edit", home(id))
}

/// One's own application. Anybody else's is as if it did not exist.
async fn owned(call: &Call, user: &User, id: &str) -> Result<Client, Response> {
    match portal::own(&call.cx, user, id).await {
        Ok(client) => Ok(client),
        Err(error) => Err(not_managed(call, error)),
    }
}

/// Both: a form about an application, sent by one of its owners.
async fn posted_for<'a>(
    form: &'a PageForm,
    id: &str,
    back: &str,
) -> Result<(User, Params<'a>, Client), Response> {
    let (user, params) = posted(form, back).await?;
    let client = owned(&form.call, &user, id).await?;
    Ok((user, params, client))
}

fn not_managed(call: &Call, error: ManageError) -> Response {
    match error {
        ManageError::Failed(fault) => failed(call, &fault),
        ManageError::Unknown(_) | ManageError::Exists(_) => plain_error(call, ErrorKind::NotFound),
        ManageError::Refused(words) => {
            let mut view = ErrorPage::new(ErrorKind::BadRequest, call.id.as_str());
            view.detail = Some(words);
            super::respond::error(call, &view)
        }
    }
}

/// Why something was not done, where a page of its own has no place for it.
fn not_done(call: &Call, why: Declined) -> Result<String, Response> {
    match why {
        Declined::Other(ManageError::Refused(text)) => Ok(words::sentence(&text)),
        Declined::Other(error) => Err(not_managed(call, error)),
        Declined::Full(most) => Ok(words::full(most)),
        Declined::LastOwner => {
            Ok("You are its only owner: offer it to somebody first, or delete it.".to_owned())
        }
        Declined::LastSecret => Ok("It is the last secret that works.".to_owned()),
        Declined::Picture(flaw) => Ok(words::sentence(&flaw.to_string())),
        Declined::Again => Ok("This form was sent before.".to_owned()),
        Declined::Flaws(flaws) => {
            Ok(flaws.first().map(|flaw| words::sentence(&flaw.words)).unwrap_or_default())
        }
    }
}

/// What the redirect after a form says was done.
fn done(call: &Call) -> Option<Done> {
    call.uri.query()?.split('&').find_map(|pair| pair.strip_prefix("done=")).and_then(Done::parse)
}

fn go(call: &Call, path: &str, done: Done) -> Response {
    see_other(&call.cx.settings.url(&format!("{path}?done={}", done.word())))
}

/// How an application stands.
fn state(client: &Client) -> State {
    match (&client.listing.review, client.disabled, client.listing.paused) {
        (_, true, false) => State::SwitchedOff,
        (_, true, true) => State::Paused,
        (Review::Pending, ..) => State::Pending,
        (Review::Rejected { reason }, ..) => State::Rejected { reason: reason.clone() },
        _ => State::Active,
    }
}

/// `GET /developer`.
pub(crate) async fn get(call: Call) -> Response {
    let back = call.uri.path_and_query().map_or(PATH, http::uri::PathAndQuery::as_str);
    match visitor(&call, back).await {
        Ok(user) => draw(&call, &user, StatusCode::OK, None).await,
        Err(response) => response,
    }
}

async fn draw(call: &Call, user: &User, status: StatusCode, problem: Option<String>) -> Response {
    drawn(call, status, view(call, user, problem).await)
}

async fn view(call: &Call, user: &User, problem: Option<String>) -> Result<Developer, Fault> {
    let asked = Asked::of(call);
    let mut clients = call.cx.store.applications(&user.id).await?;
    let total = clients.len();
    clients.retain(|client| asked.finds(&client.name) || client.id.as_str() == asked.query);
    let (clients, paging) = asked.page(PATH, clients);
    let apps = clients.iter().map(|client| row(call, client)).collect();
    let form: Option<AppForm> = if total == 0 { Some(new::blank(call)?) } else { None };
    Ok(Developer {
        csrf: csrf(call)?,
        person: person(user),
        console: call.app.console,
        paging,
        apps,
        total,
        most: call.cx.settings.portal.max_applications,
        query: asked.query,
        offers: offers(call, user).await?,
        done: done(call),
        problem,
        form,
    })
}

fn row(call: &Call, client: &Client) -> AppRow {
    AppRow {
        href: Href::local(&home(client.id.as_str())).unwrap_or_else(Href::root),
        app: app(client),
        kind: words::kind(client).0,
        state: state(client),
        since: When::new(client.created_at, call.cx.now),
    }
}

async fn offers(call: &Call, user: &User) -> Result<Vec<OfferedToMe>, Fault> {
    let offers = portal::offers_to(&call.cx, user).await?;
    let view = |(offer, client, by): (Offer, Arc<Client>, Option<User>)| OfferedToMe {
        id: offer.id.to_string(),
        app: app(&client),
        by: by.map(|user| user.username),
        transfer: words::is_transfer(offer.kind),
        until: When::new(offer.expires_at, call.cx.now),
    };
    Ok(offers.into_iter().map(view).collect())
}
