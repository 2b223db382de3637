//! Owners: one offers, another takes.

use super::super::respond::plain_error;
use super::super::view::ErrorKind;
use super::super::view::developer::{Done, OwnerForm};
use super::settings::{self, Beside};
use super::{PATH, edit, go, home, posted, posted_for};
use crate::extract::{Call, PageForm};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::ids::{Id, UserId};
use valetkey_core::manage::portal::{self, Declined};
use valetkey_core::params::Params;
use valetkey_core::store::OfferKind;

fn named_offer(call: &Call, params: &Params<'_>) -> Result<Id, Response> {
    let offer = params.one("offer").and_then(|text| text.parse().ok());
    offer.ok_or_else(|| plain_error(call, ErrorKind::BadRequest))
}

/// The settings once more, with what went wrong.
async fn again(call: &Call, user: &User, client: &Client, why: Declined) -> Response {
    match super::not_done(call, why) {
        Ok(words) => {
            let beside = Beside { problem: Some(words), ..Beside::default() };
            settings::draw(call, user, client, StatusCode::BAD_REQUEST, beside).await
        }
        Err(response) => response,
    }
}

/// `POST …/owners`: offers the application to somebody.
pub(crate) async fn offer(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, params, client) = match posted_for(&form, &id, &edit(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &form.call;
    let username = params.one("username").unwrap_or_default();
    let transfer = params.one("as") == Some("transfer");
    let kind = if transfer { OfferKind::Transfer } else { OfferKind::Share };
    match portal::offer(&call.cx, &user, &client.id, username, kind).await {
        Ok(()) => go(call, &edit(&id), Done::Offered),
        Err(why) => match super::not_done(call, why) {
            Ok(words) => {
                let owner = OwnerForm { username: username.to_owned(), transfer, error: Some(words) };
                let beside = Beside { owner: Some(owner), ..Beside::default() };
                settings::draw(call, &user, &client, StatusCode::BAD_REQUEST, beside).await
            }
            Err(response) => response,
        },
    }
}

/// `POST …/offers/withdraw`.
pub(crate) async fn withdraw(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, params, client) = match posted_for(&form, &id, &edit(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &form.call;
    let offer = match named_offer(call, &params) {
        Ok(offer) => offer,
        Err(response) => return response,
    };
    match portal::withdraw(&call.cx, &user, &client.id, offer).await {
        Ok(()) => go(call, &edit(&id), Done::Withdrawn),
        Err(why) => again(call, &user, &client, why).await,
    }
}

/// `POST …/owners/remove`.
pub(crate) async fn remove(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, params, client) = match posted_for(&form, &id, &edit(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &form.call;
    let who = UserId::from(params.one("user").unwrap_or_default());
    match portal::remove_owner(&call.cx, &user, &client.id, &who).await {
        Ok(()) if who == user.id => go(call, PATH, Done::Left),
        Ok(()) => go(call, &edit(&id), Done::OwnerRemoved),
        Err(why) => again(call, &user, &client, why).await,
    }
}

/// `POST /developer/offers`: takes or declines what was offered.
pub(crate) async fn answer(form: PageForm) -> Response {
    let (user, params) = match posted(&form, PATH).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let call = &form.call;
    let offer = match named_offer(call, &params) {
        Ok(offer) => offer,
        Err(response) => return response,
    };
    let why = match params.one("decision") {
        Some("accept") => match portal::take(&call.cx, &user, offer).await {
            Ok(client) => return go(call, &home(client.as_str()), Done::Taken),
            Err(why) => why,
        },
        Some("decline") => match portal::decline(&call.cx, &user, offer).await {
            Ok(()) => return go(call, PATH, Done::Declined),
            Err(why) => why,
        },
        _ => return plain_error(call, ErrorKind::BadRequest),
    };
    match super::not_done(call, why) {
        Ok(words) => super::draw(call, &user, StatusCode::BAD_REQUEST, Some(words)).await,
        Err(response) => response,
    }
}
