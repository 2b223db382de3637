//! `/login`: who are you?

mod attempt;

pub(crate) use attempt::{go_on, go_on_to, set_cookies};

use super::flow::{self, both, current_session};
use super::respond::{app, failed, page, person, plain_error};
use super::view::{Destination, ErrorKind, Href, KnownAccount, Login, LoginError, LoginMode, Tenant};
use super::{sign_up, upstream};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::oauth::respond::see_other;
use attempt::{Place, attempt};
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use valetkey_core::authorize::{self, Progress};
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::TenantId;
use valetkey_core::interaction::{Interaction, LoginReason, Step};
use valetkey_core::login::form_proof;
use valetkey_core::params::Params;
use valetkey_core::store::Session;

pub(crate) const PATH: &str = "/login";
/// Where a plain sign-in leads.
const HOME: &str = "/account";
/// Where else it may lead, whoever wrote the link: pages of ours that need somebody signed in.
const FURTHER: [&str; 3] = ["/account", "/developer", "/console"];

/// The address of a plain sign-in that comes back to where the person was.
pub(crate) fn and_back(path: &str) -> String {
    format!("{PATH}?{}", query(path))
}

pub(crate) fn query(path: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("next", path).finish()
}

/// For who is signed in and goes on as somebody else.
pub(crate) fn switch(sealed: &str) -> Option<Href> {
    Href::local(&format!("{PATH}?i={sealed}&switch=1"))
}

/// Where a plain sign-in leads: the page of ours that sent the person here, if one did.
pub(crate) fn next(call: &Call) -> Option<Href> {
    let params = Params::parse(call.query()).ok()?;
    let wanted = params.one("next").and_then(Href::local)?;
    let path = wanted.as_str().split(['?', '#']).next().unwrap_or_default();
    let below =
        |own: &str| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // What a browser would read as another path than the one judged here.
    let plain = !path.contains("..") && !path.contains('%');
    (plain && FURTHER.into_iter().any(below)).then_some(wanted)
}

pub(crate) fn home(call: &Call) -> String {
    next(call).map_or_else(|| HOME.to_owned(), |next| next.as_str().to_owned())
}

/// What the page is drawn from.
struct Asking<'a> {
    interaction: Option<(&'a Interaction, &'a str, &'a Client)>,
    session: Option<&'a Session>,
    reason: LoginReason,
    username: String,
    error: Option<LoginError>,
    tenant: TenantId,
}

/// The name and the picture of a directory, where it has a name.
pub(crate) fn tenant_view(call: &Call, id: &TenantId) -> Option<Tenant> {
    let tenant = call.cx.tenant(id).filter(|tenant| !tenant.name.is_empty())?;
    let logo = tenant.logo.as_ref().and_then(|logo| Href::local(&super::logo::path(logo)));
    Some(Tenant::new(&tenant.name, logo))
}

pub(crate) async fn get(call: Call) -> Response {
    let Ok(params) = Params::parse(call.query()) else { return plain_error(&call, ErrorKind::BadRequest) };
    let Some(sealed) = params.one("i") else {
        return match plain_tenant(&call, &params) {
            Ok(tenant) => plain(&call, tenant, params.contains("tenant_id")).await,
            Err(response) => response,
        };
    };
    let interaction = match flow::open(&call, sealed) {
        Ok(interaction) => interaction,
        Err(response) => return response,
    };
    let (client, session) = match both(&call, &interaction).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let reason = if params.one("switch").is_some() {
        LoginReason::SignedOut
    } else {
        match authorize::resume(&call.cx, &client, &interaction, session.as_ref()).await {
            Ok(Progress::Ask(Step::Login(reason))) => reason,
            Ok(_) => return flow::resume(&call, interaction).await,
            Err(fault) => return failed(&call, &fault),
        }
    };
    let username = interaction.request.login_hint.clone().unwrap_or_default();
    let asking = Asking {
        interaction: Some((&interaction, sealed, &client)),
        session: session.as_ref(),
        reason,
        username,
        error: None,
        tenant: interaction.request.tenant.clone(),
    };
    draw(&call, StatusCode::OK, asking).await
}

/// Whose users a sign-in is for that no application asked for: the directory of the link, or the one for who names none.
pub(crate) fn plain_tenant(call: &Call, params: &Params<'_>) -> Result<TenantId, Response> {
    let repeated = params.refuse_repeats(&["tenant_id"]).is_err();
    let default = || call.cx.in_force().applied.default_tenant.clone().unwrap_or_default();
    let id = params.one("tenant_id").map_or_else(default, TenantId::from);
    let open = call.cx.tenant(&id).is_some_and(|tenant| !tenant.disabled);
    if repeated || !open { Err(plain_error(call, ErrorKind::UnknownTenant)) } else { Ok(id) }
}

/// A sign-in that no application asked for. Who is signed in somewhere is at home, unless the link names another place.
async fn plain(call: &Call, tenant: TenantId, named: bool) -> Response {
    match current_session(call).await {
        Ok(Some(session)) if session.tenant == tenant || !named => {
            see_other(&call.cx.settings.url(&home(call)))
        }
        Ok(_) => draw_plain(call, StatusCode::OK, String::new(), None, tenant).await,
        Err(fault) => failed(call, &fault),
    }
}

async fn draw_plain(
    call: &Call,
    status: StatusCode,
    username: String,
    error: Option<LoginError>,
    tenant: TenantId,
) -> Response {
    let reason = LoginReason::SignedOut;
    let asking = Asking { interaction: None, session: None, reason, username, error, tenant };
    draw(call, status, asking).await
}

async fn draw(call: &Call, status: StatusCode, asking: Asking<'_>) -> Response {
    let known = call.cookie(Cookie::Browser);
    let browser = known.map_or_else(|| call.cx.new_secret().expose().to_owned(), str::to_owned);
    match view(call, asking, &browser).await {
        Ok(view) => {
            let mut response = page(call, status, &view);
            if known.is_none()
                && let Some(cookie) = Cookie::Browser.set(&browser, None, call.https())
            {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            response
        }
        Err(fault) => failed(call, &fault),
    }
}

async fn view(call: &Call, asking: Asking<'_>, browser: &str) -> Result<Login, Fault> {
    let Asking { interaction, session, reason, mut username, error, tenant } = asking;
    let user = match session {
        Some(session) if reason != LoginReason::SignedOut => call.cx.store.user(&session.user).await?,
        _ => None,
    };
    // Whoever typed another name meant another account.
    let other = |user: &User| error.is_some() && !username.is_empty() && username != user.username;
    let mode = match (reason, session, user) {
        (LoginReason::Again, _, Some(user)) if !other(&user) => {
            username = user.username;
            LoginMode::Again
        }
        (LoginReason::Choose | LoginReason::Create, Some(session), Some(user)) => LoginMode::Choose {
            accounts: vec![KnownAccount { session: session.id.to_string(), person: person(&user) }],
        },
        _ => LoginMode::Fresh,
    };
    let tenant_id = interaction.is_none().then(|| tenant.to_string()).filter(|id| id != TenantId::DEFAULT);
    let about = interaction.map(|(.., client)| &client.profile.about);
    let upstreams = upstream::buttons(call, &tenant, interaction.map(|(own, ..)| own));
    // Where the answer must be about this person, another would only be refused.
    let free = interaction.filter(|(own, ..)| own.request.details.expected.is_none());
    Ok(Login {
        i: interaction.map(|(_, sealed, _)| sealed.to_owned()),
        csrf: Some(form_proof::make(&call.cx, browser)?),
        app: interaction.map(|(.., client)| app(client)),
        policy: about.and_then(|about| about.policy_uri.as_deref()).and_then(Href::web),
        terms: about.and_then(|about| about.tos_uri.as_deref()).and_then(Href::web),
        tenant: tenant_view(call, &tenant),
        register: sign_up::link(
            call,
            interaction.map(|(_, sealed, _)| sealed),
            &tenant,
            tenant_id.as_deref(),
        ),
        tenant_id,
        switch: free.filter(|_| matches!(mode, LoginMode::Again)).and_then(|(_, sealed, _)| switch(sealed)),
        destination: interaction.and_then(|(own, ..)| Destination::of(&own.request.redirect_uri)),
        username,
        mode,
        error,
        next: next(call).map(|next| query(next.as_str())),
        upstreams,
        forgotten: None,
    })
}

pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    if call.is_cross_site()
        || params.refuse_repeats(&["i", "csrf", "username", "password", "account", "tenant_id"]).is_err()
    {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let Some(sealed) = params.one("i") else {
        let proof = params.one("csrf");
        let tenant = match plain_tenant(&call, &params) {
            Ok(tenant) => tenant,
            Err(response) => return response,
        };
        if !call.cookie(Cookie::Browser).is_some_and(|cookie| form_proof::holds(&call.cx, proof, cookie)) {
            let username = params.one("username").unwrap_or_default().to_owned();
            return draw_plain(&call, StatusCode::BAD_REQUEST, username, Some(LoginError::Expired), tenant)
                .await;
        }
        return attempt(&call, &params, Place { tenant, interaction: None }).await;
    };
    let interaction = match flow::open(&call, sealed) {
        Ok(interaction) => interaction,
        Err(response) => return response,
    };
    if let Some(account) = params.one("account") {
        return choose(&call, interaction, account).await;
    }
    let tenant = interaction.request.tenant.clone();
    attempt(&call, &params, Place { tenant, interaction: Some((interaction, sealed)) }).await
}

/// `prompt=select_account`: goes on with the session that is there.
async fn choose(call: &Call, mut interaction: Interaction, account: &str) -> Response {
    match current_session(call).await {
        Ok(Some(session)) if session.id.to_string() == account => {
            interaction.chosen = Some(session.id);
            flow::resume(call, interaction).await
        }
        Ok(_) => flow::resume(call, interaction).await,
        Err(fault) => failed(call, &fault),
    }
}
