//! `/sign-up`: people make accounts for themselves, where the operator lets them.

use super::flow;
use super::login::{self, tenant_view};
use super::respond::{app, failed, page, person, plain_error};
use super::view::words::span;
use super::view::{Destination, ErrorKind, Href, KnownAccount, SetupError, SignUp, SignUpTrouble};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use std::sync::Arc;
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::TenantId;
use valetkey_core::interaction::Interaction;
use valetkey_core::login::password::SHORTEST;
use valetkey_core::login::{form_proof, sign_in_as};
use valetkey_core::manage::user::sign_up::{NotSignedUp, SignUp as Asked, SignUpFlaw, sign_up};
use valetkey_core::params::Params;
use valetkey_core::secret::Secret;
use valetkey_core::store::Session;

pub(crate) const PATH: &str = "/sign-up";

/// For whom and for what an account is made.
struct Place<'a> {
    tenant: TenantId,
    /// Whether the link named the tenant.
    named: bool,
    interaction: Option<(Interaction, &'a str)>,
}

/// What the page is drawn from beside its place.
#[derive(Default)]
struct Said {
    username: String,
    name: String,
    email: String,
    errors: Vec<SetupError>,
    trouble: Option<SignUpTrouble>,
}

impl Said {
    fn typed(params: &Params<'_>) -> Self {
        let typed = |name| params.one(name).unwrap_or_default().to_owned();
        Self { username: typed("username"), name: typed("name"), email: typed("email"), ..Self::default() }
    }

    /// What the application knows of the person.
    fn hinted(place: &Place<'_>) -> Self {
        let hint = place.interaction.as_ref().and_then(|(own, _)| own.request.login_hint.clone());
        match hint {
            Some(hint) if hint.contains('@') => Self { email: hint, ..Self::default() },
            hint => Self { username: hint.unwrap_or_default(), ..Self::default() },
        }
    }
}

/// The way here from the sign-in page of a directory, where there is one; `named`: by the link alone.
pub(crate) fn link(
    call: &Call,
    sealed: Option<&str>,
    tenant: &TenantId,
    named: Option<&str>,
) -> Option<Href> {
    call.cx.takes_sign_ups(tenant).then(|| to(PATH, call, sealed, named))
}

fn to(path: &str, call: &Call, sealed: Option<&str>, tenant: Option<&str>) -> Href {
    let next = login::next(call);
    let fields = [("i", sealed), ("tenant_id", tenant), ("next", next.as_ref().map(Href::as_str))];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    Href::local(&path).unwrap_or_else(Href::root)
}

fn place<'a>(call: &Call, params: &'a Params<'_>) -> Result<Place<'a>, Response> {
    let absent = || plain_error(call, ErrorKind::NotFound);
    if call.cx.settings.accounts.sign_up.is_empty() {
        return Err(absent());
    }
    let place = match params.one("i") {
        None => {
            let tenant = login::plain_tenant(call, params)?;
            Place { tenant, named: params.contains("tenant_id"), interaction: None }
        }
        Some(sealed) => {
            let interaction = flow::open(call, sealed)?;
            let tenant = interaction.request.tenant.clone();
            Place { tenant, named: false, interaction: Some((interaction, sealed)) }
        }
    };
    if call.cx.takes_sign_ups(&place.tenant) { Ok(place) } else { Err(absent()) }
}

pub(crate) async fn get(call: Call) -> Response {
    let Ok(params) = Params::parse(call.query()) else { return plain_error(&call, ErrorKind::BadRequest) };
    let place = match place(&call, &params) {
        Ok(place) => place,
        Err(response) => return response,
    };
    let said = Said::hinted(&place);
    draw(&call, StatusCode::OK, &place, said).await
}

async fn draw(call: &Call, status: StatusCode, place: &Place<'_>, said: Said) -> Response {
    let (client, session) = match both(call, place).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    // Who just signed in or up in this very interaction has nothing to do here.
    if let (Some((own, _)), Some(session)) = (&place.interaction, &session)
        && own.signed_in == Some(session.id)
    {
        return flow::resume(call, own.clone()).await;
    }
    let (browser, fresh) = flow::browser(call);
    match view(call, place, said, (client.as_deref(), session.as_ref()), &browser).await {
        Ok(view) => {
            let mut response = page(call, status, &view);
            if fresh {
                flow::keep_browser(call, &mut response, &browser);
            }
            response
        }
        Err(fault) => failed(call, &fault),
    }
}

async fn both(call: &Call, place: &Place<'_>) -> Result<(Option<Arc<Client>>, Option<Session>), Response> {
    match &place.interaction {
        Some((interaction, _)) => {
            let (client, session) = flow::both(call, interaction).await?;
            Ok((Some(client), session))
        }
        None => Ok((None, flow::current_session(call).await.map_err(|fault| failed(call, &fault))?)),
    }
}

async fn view(
    call: &Call,
    place: &Place<'_>,
    said: Said,
    (client, session): (Option<&Client>, Option<&Session>),
    browser: &str,
) -> Result<SignUp, Fault> {
    let accounts = &call.cx.settings.accounts;
    // Somebody of another directory goes on with nothing here.
    let own = session.filter(|session| session.tenant == place.tenant);
    let signed_in = match own {
        Some(session) => {
            let user = call.cx.store.user(&session.user).await?;
            user.map(|user| KnownAccount { session: session.id.to_string(), person: person(&user) })
        }
        None => None,
    };
    let interaction = place.interaction.as_ref();
    let tenant_id = Some(place.tenant.to_string()).filter(|_| place.named && interaction.is_none());
    let sealed = interaction.map(|(_, sealed)| *sealed);
    Ok(SignUp {
        i: sealed.map(str::to_owned),
        csrf: form_proof::make(&call.cx, browser)?,
        app: client.map(app),
        tenant: tenant_view(call, &place.tenant),
        destination: interaction.and_then(|(own, _)| Destination::of(&own.request.redirect_uri)),
        next: login::next(call).map(|next| login::query(next.as_str())),
        sign_in: to(login::PATH, call, sealed, tenant_id.as_deref()),
        tenant_id,
        switch: sealed.filter(|_| signed_in.is_some()).and_then(login::switch),
        signed_in,
        username: said.username,
        name: said.name,
        email: said.email,
        email_needed: accounts.require_verified_email,
        password_min: SHORTEST,
        errors: said.errors,
        trouble: said.trouble,
    })
}

pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    let known = ["i", "csrf", "tenant_id", "username", "name", "email", "password"];
    if call.is_cross_site() || params.refuse_repeats(&known).is_err() {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let place = match place(&call, &params) {
        Ok(place) => place,
        Err(response) => return response,
    };
    let proof = params.one("csrf");
    if !call.cookie(Cookie::Browser).is_some_and(|cookie| form_proof::holds(&call.cx, proof, cookie)) {
        let said = Said { trouble: Some(SignUpTrouble::Expired), ..Said::typed(&params) };
        return draw(&call, StatusCode::BAD_REQUEST, &place, said).await;
    }
    let typed = |name| params.one(name).unwrap_or_default();
    let asked = Asked {
        username: typed("username"),
        name: typed("name"),
        email: typed("email"),
        password: &Secret::new(typed("password")),
        tenant: &place.tenant,
    };
    match sign_up(&call.cx, &asked).await {
        Ok(user) => welcome(&call, &user, place).await,
        Err(why) => again(&call, &params, &place, why).await,
    }
}

/// Signs the new person in and goes on.
async fn welcome(call: &Call, user: &User, place: Place<'_>) -> Response {
    let replaces = match flow::current_session(call).await {
        Ok(session) => session.map(|session| session.id),
        Err(fault) => return failed(call, &fault),
    };
    match sign_in_as(&call.cx, user, call.user_agent(), replaces).await {
        Ok(Some(signed_in)) => login::go_on(call, &signed_in, place.interaction),
        Ok(None) => see_other(&call.cx.settings.url(login::PATH)),
        Err(fault) => failed(call, &fault),
    }
}

/// The same page with what went wrong; what was typed is kept, but for the password.
async fn again(call: &Call, params: &Params<'_>, place: &Place<'_>, why: NotSignedUp) -> Response {
    let said = Said::typed(params);
    let (status, said, wait) = match why {
        NotSignedUp::Off => return plain_error(call, ErrorKind::NotFound),
        NotSignedUp::Failed(fault) => return failed(call, &fault),
        NotSignedUp::Flaws(flaws) => {
            let errors = flaws.into_iter().map(error).collect();
            (StatusCode::BAD_REQUEST, Said { errors, ..said }, None)
        }
        NotSignedUp::Throttled(wait) => {
            let trouble = Some(SignUpTrouble::Throttled { wait: span(wait) });
            (StatusCode::TOO_MANY_REQUESTS, Said { trouble, ..said }, Some(wait.0))
        }
        NotSignedUp::Busy => {
            let trouble = Some(SignUpTrouble::Busy);
            (StatusCode::SERVICE_UNAVAILABLE, Said { trouble, ..said }, Some(2))
        }
    };
    let mut response = draw(call, status, place, said).await;
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn error(flaw: SignUpFlaw) -> SetupError {
    match flaw {
        SignUpFlaw::UsernameMissing => SetupError::UsernameMissing,
        SignUpFlaw::UsernameInvalid => SetupError::UsernameInvalid,
        SignUpFlaw::UsernameReserved => SetupError::UsernameReserved,
        SignUpFlaw::UsernameTaken => SetupError::UsernameTaken,
        SignUpFlaw::EmailMissing => SetupError::EmailMissing,
        SignUpFlaw::PasswordMissing => SetupError::PasswordMissing,
        SignUpFlaw::Other(flaw) => flaw.into(),
    }
}
