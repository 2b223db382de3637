//! What cannot be undone, and what stops everything: delete, switch off, ask for another review.

use super::super::respond::{app, drawn, person, plain_error};
use super::super::view::developer::{Confirm, Confirmed, Done};
use super::super::view::{ErrorKind, Href};
use super::application::{Beside, draw};
use super::{PATH, csrf, go, home, owned, posted_for, visitor, words};
use crate::extract::{Call, PageForm};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::manage::portal::{self, Declined};

/// `GET …/delete`: asks.
pub(crate) async fn ask(Path(id): Path<String>, call: Call) -> Response {
    let user = match visitor(&call, &home(&id)).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    match owned(&call, &user, &id).await {
        Ok(client) => confirm(&call, &user, &client, None).await,
        Err(response) => response,
    }
}

async fn confirm(call: &Call, user: &User, client: &Client, typed: Option<&str>) -> Response {
    let status = if typed.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    drawn(call, status, view(call, user, client, typed).await)
}

async fn view(call: &Call, user: &User, client: &Client, typed: Option<&str>) -> Result<Confirm, Fault> {
    let audience = call.cx.store.audience(&client.id, call.cx.now).await?;
    Ok(Confirm {
        csrf: csrf(call)?,
        person: person(user),
        console: call.app.console,
        home: Href::local(&home(client.id.as_str())).unwrap_or_else(Href::root),
        app: app(client),
        what: Confirmed::Delete {
            users: words::number(audience.users),
            grants: words::number(audience.grants),
            typed: typed.unwrap_or_default().to_owned(),
            wrong: typed.is_some(),
        },
    })
}

/// `POST …/delete`, with the name typed.
pub(crate) async fn delete(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, params, client) = match posted_for(&form, &id, &home(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &form.call;
    let typed = params.one("name").unwrap_or_default();
    // The id too: a name may hold characters that nobody can type.
    if typed.trim() != client.name.trim() && typed.trim() != client.id.as_str() {
        return confirm(call, &user, &client, Some(typed)).await;
    }
    match portal::delete(&call.cx, &user, &client.id).await {
        Ok(()) => go(call, PATH, Done::Deleted),
        Err(error) => super::not_managed(call, error),
    }
}

/// `POST …/switch`: off, or on again.
pub(crate) async fn switch(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, params, client) = match posted_for(&form, &id, &home(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &form.call;
    let (switched, done) = match params.one("to") {
        Some("off") => (portal::pause(&call.cx, &user, &client.id).await, Done::Paused),
        Some("on") => (portal::resume(&call.cx, &user, &client.id).await, Done::Resumed),
        _ => return plain_error(call, ErrorKind::BadRequest),
    };
    finish(call, &user, &client, switched, done).await
}

/// `POST …/review`: asks to look again.
pub(crate) async fn review(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, _, client) = match posted_for(&form, &id, &home(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let asked = portal::ask_again(&form.call.cx, &user, &client.id).await;
    finish(&form.call, &user, &client, asked, Done::ReviewAsked).await
}

async fn finish(
    call: &Call,
    user: &User,
    client: &Client,
    changed: Result<Client, Declined>,
    done: Done,
) -> Response {
    match changed {
        Ok(_) => go(call, &home(client.id.as_str()), done),
        Err(why) => match super::not_done(call, why) {
            Ok(words) => {
                let beside = Beside { problem: Some(words), ..Beside::default() };
                draw(call, user, client, StatusCode::CONFLICT, beside).await
            }
            Err(response) => response,
        },
    }
}
