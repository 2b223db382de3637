//! `/developer/new`: registers an application.

use super::super::respond::{drawn, failed, person, plain_error};
use super::super::view::ErrorKind;
use super::super::view::developer::{AppForm, Done, Flaws, Fresh, KindChoice, NewApplication};
use super::{csrf, go, home, posted, visitor, words};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use axum::response::Response;
use http::StatusCode;
use valetkey_core::client::listing::Kind;
use valetkey_core::client::metadata::{Field, Flaw};
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::login::draft;
use valetkey_core::manage::ManageError;
use valetkey_core::manage::portal::{self, Declined, Form};
use valetkey_core::params::Params;

const PATH: &str = "/developer/new";

pub(crate) async fn get(call: Call) -> Response {
    let user = match visitor(&call, PATH).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    match blank(&call) {
        Ok(form) => draw(&call, &user, StatusCode::OK, form).await,
        Err(fault) => failed(&call, &fault),
    }
}

/// The form as it is drawn first.
pub(super) fn blank(call: &Call) -> Result<AppForm, Fault> {
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    Ok(AppForm {
        kinds: choices(call, None),
        draft: Some(draft::make(&call.cx, cookie)?),
        review: call.cx.settings.reviews_applications(),
        ..AppForm::default()
    })
}

fn choices(call: &Call, chosen: Option<Kind>) -> Vec<KindChoice> {
    let kinds = portal::kinds(&call.cx);
    let chosen = chosen.filter(|kind| kinds.contains(kind)).or(kinds.first().copied());
    let choice = |kind: Kind| {
        let (words, detail) = words::of_kind(kind);
        KindChoice { value: kind.name(), words, detail, checked: Some(kind) == chosen }
    };
    kinds.into_iter().map(choice).collect()
}

async fn draw(call: &Call, user: &User, status: StatusCode, form: AppForm) -> Response {
    drawn(call, status, view(call, user, form).await)
}

async fn view(call: &Call, user: &User, form: AppForm) -> Result<NewApplication, Fault> {
    let most = call.cx.settings.portal.max_applications;
    let has = call.cx.store.applications(&user.id).await?.len();
    let full = (has >= usize::try_from(most).unwrap_or(usize::MAX)).then_some(most);
    Ok(NewApplication { csrf: csrf(call)?, person: person(user), console: call.app.console, form, full })
}

/// What was typed, as it is judged: without the space around it, and one address a line.
pub(super) fn typed(params: &Params<'_>) -> Form {
    let text = |name| params.one(name).unwrap_or_default().trim().to_owned();
    let mut uris: Vec<String> = Vec::new();
    for line in params.all("redirect_uris").flat_map(str::lines).map(str::trim) {
        if !line.is_empty() && !uris.iter().any(|own| own == line) {
            uris.push(line.to_owned());
        }
    }
    Form {
        name: text("name"),
        website: text("website"),
        description: text("description").replace("\r\n", "\n"),
        redirect_uris: uris,
    }
}

/// The same form again, with nothing lost and what is wrong beside each field.
pub(super) fn again(typed: &Form, flaws: Flaws) -> AppForm {
    AppForm {
        name: typed.name.clone(),
        website: typed.website.clone(),
        description: typed.description.clone(),
        redirect_uris: typed.redirect_uris.join("\n"),
        flaws,
        ..AppForm::default()
    }
}

pub(super) fn by_field(found: &[Flaw]) -> Flaws {
    let of = |field| {
        let own = found.iter().filter(move |flaw| flaw.field == field);
        own.map(|flaw| words::sentence(&flaw.words)).collect()
    };
    Flaws {
        name: of(Field::Name),
        website: of(Field::Website),
        description: of(Field::Description),
        redirect_uris: of(Field::RedirectUris),
        other: Vec::new(),
    }
}

pub(crate) async fn post(form: PageForm) -> Response {
    let (user, params) = match posted(&form, PATH).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let call = &form.call;
    let asked = params.one("kind");
    let Some(kind) = asked.map_or(Some(Kind::default()), Kind::parse) else {
        return plain_error(call, ErrorKind::BadRequest);
    };
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    let id = params.one("draft").and_then(|text| draft::read(&call.cx, text, cookie));
    let typed = typed(&params);
    match portal::register(&call.cx, &user, id, kind, typed.clone()).await {
        Ok(created) => {
            let secret = created.secret.as_ref().map(|secret| secret.expose().to_owned());
            let name = created.client.secrets.first().map(|own| own.name.clone()).unwrap_or_default();
            let fresh = Fresh { registered: true, secret, name };
            super::application::show_fresh(call, &user, &created.client, fresh).await
        }
        Err(why) => {
            let sent = Sent { kind, id: id.map(|id| format!("app_{id}")), typed: &typed };
            not_registered(call, &user, sent, why).await
        }
    }
}

/// What was sent.
struct Sent<'a> {
    kind: Kind,
    /// The id that the form was drawn with.
    id: Option<String>,
    typed: &'a Form,
}

async fn not_registered(call: &Call, user: &User, sent: Sent<'_>, why: Declined) -> Response {
    let Sent { kind, id, typed } = sent;
    let flaws = match why {
        Declined::Flaws(found) => by_field(&found),
        // The form was sent before: what it made is there, and its secret was shown.
        Declined::Again => return go(call, &home(&id.unwrap_or_default()), Done::Registered),
        Declined::Full(most) => Flaws { other: vec![words::full(most)], ..Flaws::default() },
        Declined::Other(ManageError::Refused(text)) => {
            Flaws { other: vec![words::sentence(&text)], ..Flaws::default() }
        }
        other => match super::not_done(call, other) {
            Ok(text) => Flaws { other: vec![text], ..Flaws::default() },
            Err(response) => return response,
        },
    };
    let form = again(typed, flaws);
    match blank(call) {
        Ok(blank) => {
            let form = AppForm {
                kinds: choices(call, Some(kind)),
                draft: blank.draft,
                review: blank.review,
                ..form
            };
            draw(call, user, StatusCode::BAD_REQUEST, form).await
        }
        Err(fault) => failed(call, &fault),
    }
}
