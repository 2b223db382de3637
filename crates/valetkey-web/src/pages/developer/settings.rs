//! `/developer/apps/{id}/edit`: what an application says of itself, its callbacks, its picture, its owners.

use super::super::respond::{app, drawn, person};
use super::super::view::developer::{AppForm, Done, Flaws, OpenOffer, OwnerForm, OwnerRow, Settings, State};
use super::super::view::{Href, When};
use super::{csrf, done, edit, go, home, new, owned, posted_for, state, visitor, words};
use crate::extract::{Call, PageForm};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::grant::GrantType;
use valetkey_core::manage::portal::{self, Declined, Form};
use valetkey_core::store::{Offer, Owner};

/// What was typed and what was wrong with it, on this page.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) form: Option<(Form, Flaws)>,
    pub(super) logo: Option<String>,
    pub(super) owner: Option<OwnerForm>,
    pub(super) problem: Option<String>,
}

pub(crate) async fn get(Path(id): Path<String>, call: Call) -> Response {
    let user = match visitor(&call, &edit(&id)).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    match owned(&call, &user, &id).await {
        Ok(client) => draw(&call, &user, &client, StatusCode::OK, Beside::default()).await,
        Err(response) => response,
    }
}

pub(super) async fn draw(
    call: &Call,
    user: &User,
    client: &Client,
    status: StatusCode,
    beside: Beside,
) -> Response {
    drawn(call, status, view(call, user, client, beside).await)
}

async fn view(call: &Call, user: &User, client: &Client, beside: Beside) -> Result<Settings, Fault> {
    let cx = &call.cx;
    let (typed, flaws) = beside.form.unwrap_or_else(|| (as_registered(client), Flaws::default()));
    let redirected = [GrantType::AuthorizationCode, GrantType::Implicit];
    let form = AppForm {
        review: cx.settings.reviews_applications() && state(client) == State::Active,
        machine: !redirected.iter().any(|grant| client.allows(*grant)) && client.redirect_uris.is_empty(),
        ..new::again(&typed, flaws)
    };
    let owner = |own: Owner| OwnerRow {
        you: own.user == user.id,
        user: own.user.to_string(),
        username: own.username,
        name: own.name,
        since: When::new(own.since, cx.now),
    };
    let offer = |own: Offer| OpenOffer {
        id: own.id.to_string(),
        username: own.username,
        transfer: words::is_transfer(own.kind),
        until: When::new(own.expires_at, cx.now),
    };
    Ok(Settings {
        csrf: csrf(call)?,
        person: person(user),
        console: call.app.console,
        home: Href::local(&home(client.id.as_str())).unwrap_or_else(Href::root),
        id: client.id.to_string(),
        app: app(client),
        kind: words::kind(client).0,
        state: state(client),
        done: done(call),
        form,
        logo_error: beside.logo,
        owners: cx.store.owners(&client.id).await?.into_iter().map(owner).collect(),
        offers: cx.store.offers_of(&client.id, cx.now).await?.into_iter().map(offer).collect(),
        owner_form: beside.owner.unwrap_or_default(),
        problem: beside.problem,
    })
}

fn as_registered(client: &Client) -> Form {
    Form {
        name: client.name.clone(),
        website: client.website.clone(),
        description: client.description.clone(),
        redirect_uris: client.redirect_uris.clone(),
    }
}

pub(crate) async fn post(Path(id): Path<String>, form: PageForm) -> Response {
    let (user, params, client) = match posted_for(&form, &id, &edit(&id)).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &form.call;
    let typed = new::typed(&params);
    match portal::edit(&call.cx, &user, &client.id, &typed).await {
        Ok(_) => go(call, &home(&id), Done::Changed),
        Err(Declined::Flaws(found)) => {
            let beside = Beside { form: Some((typed, new::by_field(&found))), ..Beside::default() };
            draw(call, &user, &client, StatusCode::BAD_REQUEST, beside).await
        }
        Err(why) => match super::not_done(call, why) {
            Ok(words) => {
                let flaws = Flaws { other: vec![words], ..Flaws::default() };
                let beside = Beside { form: Some((typed, flaws)), ..Beside::default() };
                draw(call, &user, &client, StatusCode::BAD_REQUEST, beside).await
            }
            Err(response) => response,
        },
    }
}
