//! `/`: what this server is.

use super::flow::current_session;
use super::respond::{drawn, person};
use super::view::{Home, Href, Link};
use crate::extract::Call;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::endpoint::discovery::path;
use valetkey_core::error::Fault;

pub(crate) async fn get(call: Call) -> Response {
    drawn(&call, StatusCode::OK, view(&call).await)
}

async fn view(call: &Call) -> Result<Home, Fault> {
    let user = match current_session(call).await? {
        Some(session) => call.cx.store.user(&session.user).await?,
        None => None,
    };
    let account = if user.is_some() { "Your account" } else { "Sign in" };
    let console =
        (path::CONSOLE, "Console", "Go through a grant step by step, and call the APIs, in the browser");
    let links = [
        Some(("/account", account, "The apps that hold a key to your account, and where you are signed in")),
        call.cx.settings.portal.open.then_some((
            "/developer",
            "Your applications",
            "Register a program that asks people for a key, or calls an API for itself",
        )),
        call.app.console.then_some(console),
        Some((
            path::METADATA,
            "Metadata for applications",
            "Endpoints and abilities, as RFC 8414 describes them",
        )),
        Some((path::JWKS, "Public keys", "For checking tokens that are JWTs")),
    ];
    let link = |(path, words, detail): (&str, &str, &str)| {
        Some(Link { detail: Some(detail.to_owned()), ..Link::new(Href::local(path)?, words) })
    };
    Ok(Home {
        issuer: call.cx.settings.issuer().to_owned(),
        person: user.as_ref().map(person),
        links: links.into_iter().flatten().filter_map(link).collect(),
    })
}
