//! `/developer/apps/{id}/secrets`: several at a time.

use super::super::respond::{failed, page, person, plain_error};
use super::super::view::developer::{Confirm, Confirmed, Done, Fresh};
use super::super::view::{ErrorKind, Href};
use super::application::{Beside, draw, show_fresh};
use super::{csrf, go, home, posted_for};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::ids::Id;
use valetkey_core::login::draft;
use valetkey_core::manage::portal::{self, Declined, NewSecret};
use valetkey_core::time::Seconds;

/// The longest life of a secret that ends, in days.
const LONGEST: i64 = 3650;

/// Adds one, and shows it this once.
pub(crate) async fn add(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, params, client) = match posted_for(&form, &id, &home(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &form.call;
    // In days; none: it does not expire.
    let days = params.one("lifetime").map(str::parse::<i64>);
    let lifetime = match days {
        None => None,
        Some(Ok(days @ 1..=LONGEST)) => Some(Seconds::days(days)),
        Some(_) => return plain_error(call, ErrorKind::BadRequest),
    };
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    let own = params.one("draft").and_then(|text| draft::read(&call.cx, text, cookie));
    let name = params.one("secret_name").unwrap_or_default().to_owned();
    match portal::add_secret(&call.cx, &user, &client.id, NewSecret { id: own, name: name.clone(), lifetime })
        .await
    {
        Ok(added) => {
            let made = added.client.secrets.iter().find(|own| own.id == added.id);
            let name = made.map(|own| own.name.clone()).unwrap_or_default();
            let fresh = Fresh { registered: false, secret: Some(added.secret.expose().to_owned()), name };
            show_fresh(call, &user, &added.client, fresh).await
        }
        Err(Declined::Again) => go(call, &home(&id), Done::SecretAdded),
        Err(why) => match super::not_done(call, why) {
            Ok(words) => {
                let beside = Beside { secret: Some((name, words)), ..Beside::default() };
                draw(call, &user, &client, StatusCode::BAD_REQUEST, beside).await
            }
            Err(response) => response,
        },
    }
}

/// Deletes one; asks before it is the last.
pub(crate) async fn delete(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, params, client) = match posted_for(&form, &id, &home(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &form.call;
    let Some(secret) = params.one("secret").and_then(|text| text.parse::<Id>().ok()) else {
        return plain_error(call, ErrorKind::BadRequest);
    };
    let confirmed = params.one("confirm") == Some("yes");
    match portal::delete_secret(&call.cx, &user, &client.id, secret, confirmed).await {
        Ok(_) => go(call, &home(&id), Done::SecretDeleted),
        Err(Declined::LastSecret) => ask(call, &user, &client, secret),
        Err(why) => match super::not_done(call, why) {
            Ok(words) => {
                let beside = Beside { problem: Some(words), ..Beside::default() };
                draw(call, &user, &client, StatusCode::BAD_REQUEST, beside).await
            }
            Err(response) => response,
        },
    }
}

fn ask(call: &Call, user: &User, client: &Client, secret: Id) -> Response {
    let csrf = match csrf(call) {
        Ok(csrf) => csrf,
        Err(fault) => return failed(call, &fault),
    };
    let name = client.secrets.iter().find(|own| own.id == secret).map(|own| own.name.clone());
    let view = Confirm {
        csrf,
        person: person(user),
        console: call.app.console,
        home: Href::local(&home(client.id.as_str())).unwrap_or_else(Href::root),
        app: super::super::respond::app(client),
        what: Confirmed::LastSecret { secret: secret.to_string(), name: name.unwrap_or_default() },
    };
    page(call, StatusCode::CONFLICT, &view)
}
