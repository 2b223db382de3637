//! `/login/unconfirmed`: signed in, but the e-mail address must be confirmed before any application gets anything.

use super::flow::{self, both};
use super::login;
use super::respond::{app, failed, page, person, plain_error, refused};
use super::view::{ErrorKind, Href, Unconfirmed};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use axum::response::Response;
use http::StatusCode;
use valetkey_core::authorize::{self, Decision, Progress};
use valetkey_core::client::{Client, Origin};
use valetkey_core::directory::User;
use valetkey_core::error::{Error, Fault};
use valetkey_core::interaction::{Interaction, Step};
use valetkey_core::login::form_proof;
use valetkey_core::params::Params;
use valetkey_core::store::Session;

pub(crate) const PATH: &str = "/login/unconfirmed";

pub(crate) async fn get(call: Call) -> Response {
    let Ok(params) = Params::parse(call.query()) else { return plain_error(&call, ErrorKind::BadRequest) };
    let sealed = params.one("i").unwrap_or_default();
    match held_up(&call, sealed).await {
        Ok((interaction, client, session)) => {
            show(&call, &session, Some((&interaction, sealed, &client))).await
        }
        Err(response) => response,
    }
}

/// An interaction that waits for just this; whatever else it waits for is elsewhere.
async fn held_up(
    call: &Call,
    sealed: &str,
) -> Result<(Interaction, std::sync::Arc<Client>, Session), Response> {
    let interaction = flow::open(call, sealed)?;
    let (client, session) = both(call, &interaction).await?;
    match (authorize::resume(&call.cx, &client, &interaction, session.as_ref()).await, session) {
        (Ok(Progress::Ask(Step::VerifiedEmail)), Some(session)) => Ok((interaction, client, session)),
        (Ok(Progress::Done(answer)), session) => {
            Err(flow::done(call, &client, session.as_ref(), &interaction, &answer).await)
        }
        (Ok(_), _) => Err(flow::resume(call, interaction).await),
        (Err(fault), _) => Err(failed(call, &fault)),
    }
}

async fn show(
    call: &Call,
    session: &Session,
    interaction: Option<(&Interaction, &str, &Client)>,
) -> Response {
    let user = match call.cx.store.user(&session.user).await {
        Ok(Some(user)) => user,
        Ok(None) => return plain_error(call, ErrorKind::Expired),
        Err(fault) => return failed(call, &fault),
    };
    draw(call, &user, interaction)
}

/// The same where no application asks: at a page of ours that wants a confirmed address.
pub(crate) fn shut(call: &Call, user: &User) -> Response {
    draw(call, user, None)
}

fn draw(call: &Call, user: &User, interaction: Option<(&Interaction, &str, &Client)>) -> Response {
    match view(call, user, interaction) {
        Ok(view) => page(call, StatusCode::FORBIDDEN, &view),
        Err(fault) => failed(call, &fault),
    }
}

fn view(
    call: &Call,
    user: &User,
    interaction: Option<(&Interaction, &str, &Client)>,
) -> Result<Unconfirmed, Fault> {
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    // Nobody waits for an answer at an API in a browser.
    let asking = interaction.filter(|(.., client)| client.origin != Origin::Gateway);
    let here = call.uri.path();
    let again = interaction.map_or_else(|| here.to_owned(), |(_, sealed, _)| format!("{PATH}?i={sealed}"));
    let not_you = interaction.and_then(|(_, sealed, _)| login::switch(sealed));
    let providers = super::upstream::names(call, &user.tenant);
    Ok(Unconfirmed {
        i: asking.map(|(_, sealed, _)| sealed.to_owned()),
        csrf: form_proof::make(&call.cx, cookie)?,
        app: interaction.map(|(.., client)| app(client)),
        person: person(user),
        email: user.email.clone(),
        providers,
        again: Href::local(&again).unwrap_or_else(Href::root),
        not_you,
    })
}

/// Tells the application that nothing comes of it.
pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    if call.is_cross_site() || params.refuse_repeats(&["i", "csrf"]).is_err() {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let (interaction, client, session) = match held_up(&call, params.one("i").unwrap_or_default()).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    if !form_proof::holds(&call.cx, params.one("csrf"), cookie) {
        return flow::resume(&call, interaction).await;
    }
    match authorize::decide(&call.cx, &client, &interaction, &session, Decision::Deny).await {
        Ok(answer) => flow::done(&call, &client, Some(&session), &interaction, &answer).await,
        Err(Error::Denied(denial)) => refused(&call, ErrorKind::Forbidden, denial),
        Err(Error::Failed(fault)) => failed(&call, &fault),
    }
}
