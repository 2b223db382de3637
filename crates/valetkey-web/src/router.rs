//! Every route with its access class, in one table. There is no other way to add one.

use crate::app::App;
use crate::developer as rest;
use crate::extract::FormCall;
use crate::layer::express::Express;
use crate::layer::routes::Form;
use crate::mastodon;
use crate::oauth::{
    authorize, backchannel, cors, device_authorization, introspect, jwks, metadata, par, register, revoke,
    token, userinfo,
};
use crate::pages::{
    account, check_session, consent, console, dev, developer, device, files, home, login, logo, logout,
    new_password, setup, sign_out, sign_up, unconfirmed, upstream,
};
use axum::Router;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use valetkey_core::endpoint::discovery::path;

/// Who may call a route, and so what an unauthorised call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: it shows nothing that is not public.
    Public,
    /// Anybody with a good authorization request; everything wrong with it is a page or goes to the client.
    Request,
    /// Anybody: a browser without a session is signed out already.
    SignOut,
    /// A client that proves itself; public ones by their id.
    Client,
    /// A confidential client.
    ConfidentialClient,
    /// A bearer token.
    Bearer,
    /// As the operator chose: nobody, the bearer of an initial access token, or anybody.
    Registration,
    /// A token for an application itself, by which it sees and changes its own registration.
    Application,
    /// As a service asks that the operator switched on; nobody, where it is off.
    Service,
    /// The bearer of one client's registration access token.
    RegistrationToken,
    /// A browser with the interaction that began in it, or the form that was drawn for it.
    Interaction,
    /// Anybody, where people make accounts for themselves; nobody, where it is off.
    SignUp,
    /// Anybody: the form needs the proof that it was drawn for this browser, and a code that a device shows.
    UserCode,
    /// A browser that a provider sends back, with the sign-in that began in it.
    Upstream,
    /// A signed-in person; forms need the proof that they were drawn for this session.
    Session,
    /// The holder of the set-up link.
    SetupLink,
    /// `valetkey dev` only.
    Development,
    /// A token for the API that the path belongs to. No route of ours: the router's fallback judges it.
    Gateway,
    /// A reverse proxy that is known, with a token for the API that it asks about.
    Proxy,
}

/// What the router's fallback answers below paths of ours, where a gateway is wired in.
pub const FALLBACK: [(&str, Access); 3] = [
    ("/.well-known/oauth-protected-resource", Access::Public),
    ("/.well-known/oauth-protected-resource/{*prefix}", Access::Public),
    ("/forward-auth/{*proxy}", Access::Proxy),
];

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub path: &'static str,
    pub access: Access,
    pub form: Form,
    /// What `[http] aliases` calls it, where further paths may lead to it.
    pub endpoint: Option<&'static str>,
    handlers: fn() -> MethodRouter<App>,
}

const fn protocol(
    path: &'static str,
    access: Access,
    endpoint: &'static str,
    handlers: fn() -> MethodRouter<App>,
) -> Route {
    Route { path, access, form: Form::Protocol, endpoint: Some(endpoint), handlers }
}

/// Errors that no handler answered have `error` in them there too.
const fn mastodon(path: &'static str, handlers: fn() -> MethodRouter<App>) -> Route {
    Route { path, access: Access::Service, form: Form::Protocol, endpoint: None, handlers }
}

const fn page(path: &'static str, access: Access, handlers: fn() -> MethodRouter<App>) -> Route {
    Route { path, access, form: Form::Page, endpoint: None, handlers }
}

/// The table.
pub const ROUTES: [Route; 72] = [
    protocol(path::METADATA, Access::Public, "metadata", || get(metadata::get).options(cors::preflight)),
    protocol(path::OPENID_CONFIGURATION, Access::Public, "openid_configuration", || {
        get(metadata::get).options(cors::preflight)
    }),
    protocol(path::JWKS, Access::Public, "jwks", || get(jwks::get).options(cors::preflight)),
    Route {
        path: path::AUTHORIZE,
        access: Access::Request,
        form: Form::Page,
        endpoint: Some("authorize"),
        handlers: || get(authorize::get).post(authorize::post),
    },
    protocol(path::PAR, Access::Client, "par", || post(par::post).options(cors::preflight)),
    protocol(path::DEVICE_AUTHORIZATION, Access::Client, "device_authorization", || {
        post(device_authorization::post).options(cors::preflight)
    }),
    protocol(path::BACKCHANNEL, Access::ConfidentialClient, "backchannel_authentication", || {
        post(backchannel::post)
    }),
    protocol(path::TOKEN, Access::Client, "token", || post(token::post).options(cors::preflight)),
    protocol(path::REVOKE, Access::Client, "revoke", || post(revoke::post).options(cors::preflight)),
    protocol(path::INTROSPECT, Access::ConfidentialClient, "introspect", || post(introspect::post)),
    protocol(path::USERINFO, Access::Bearer, "userinfo", || {
        get(userinfo::any).post(userinfo::any).options(cors::preflight)
    }),
    protocol(path::REGISTER, Access::Registration, "register", || {
        post(register::post).options(cors::preflight)
    }),
    Route {
        path: "/oauth/register/{client_id}",
        access: Access::RegistrationToken,
        form: Form::Protocol,
        endpoint: None,
        handlers: || get(register::get).put(register::put).delete(register::delete),
    },
    mastodon(path::MASTODON_APPS, || post(mastodon::create_app).options(cors::preflight)),
    mastodon(path::MASTODON_APP, || get(mastodon::verify_app).options(cors::preflight)),
    mastodon(path::MASTODON_ACCOUNT, || get(mastodon::verify_account).options(cors::preflight)),
    mastodon(path::MASTODON_INSTANCE, || get(mastodon::instance).options(cors::preflight)),
    mastodon(path::MASTODON_INSTANCE_V2, || get(mastodon::instance_v2).options(cors::preflight)),
    Route {
        path: rest::APPLICATION,
        access: Access::Application,
        form: Form::Rest,
        endpoint: None,
        handlers: || get(rest::get).patch(rest::patch),
    },
    page("/", Access::Public, || get(home::get)),
    Route {
        path: path::LOGOUT,
        access: Access::SignOut,
        form: Form::Page,
        endpoint: Some("logout"),
        handlers: || get(logout::get).post(logout::post),
    },
    protocol(path::CHECK_SESSION, Access::Public, "check_session", || get(check_session::get)),
    page(logout::CONFIRM, Access::Session, || post(logout::confirm)),
    page(login::PATH, Access::Interaction, || get(login::get).post(login::post)),
    page("/login/password", Access::Interaction, || post(new_password::post)),
    page(unconfirmed::PATH, Access::Interaction, || get(unconfirmed::get).post(unconfirmed::post)),
    page(sign_up::PATH, Access::SignUp, || get(sign_up::get).post(sign_up::post)),
    page("/login/upstream/{upstream}", Access::Interaction, || post(upstream::post)),
    page("/login/upstream/{upstream}/callback", Access::Upstream, || get(upstream::callback)),
    page(consent::PATH, Access::Interaction, || get(consent::get).post(consent::post)),
    page(device::PATH, Access::UserCode, || get(device::get).post(device::post)),
    page("/account", Access::Session, || get(account::get)),
    page("/account/apps", Access::Session, || get(account::apps::get)),
    page("/account/profile", Access::Session, || get(account::profile::get).post(account::profile::post)),
    page("/account/details", Access::Session, || get(account::details::get).post(account::details::post)),
    page("/account/password", Access::Session, || get(account::password::get).post(account::password::post)),
    page("/account/methods", Access::Session, || get(account::methods::get)),
    page("/account/methods/link", Access::Session, || post(account::methods::link)),
    page("/account/methods/unlink", Access::Session, || post(account::methods::unlink)),
    page("/account/requests/{id}", Access::Session, || get(account::requests::get)),
    page("/account/log", Access::Session, || get(account::log::get)),
    page("/account/export", Access::Session, || get(account::data::export)),
    page("/account/delete", Access::Session, || get(account::data::get).post(account::data::delete)),
    page("/account/apps/revoke", Access::Session, || post(account::revoke_app)),
    page("/account/sessions/end", Access::Session, || post(account::end_session)),
    page("/account/sign-out", Access::Session, || post(sign_out::post)),
    page(developer::PATH, Access::Session, || get(developer::get)),
    page("/developer/new", Access::Session, || get(developer::new::get).post(developer::new::post)),
    page("/developer/offers", Access::Session, || post(developer::owners::answer)),
    page("/developer/apps/{id}", Access::Session, || get(developer::application::get)),
    page("/developer/apps/{id}/edit", Access::Session, || {
        get(developer::settings::get).post(developer::settings::post)
    }),
    page("/developer/apps/{id}/secrets", Access::Session, || post(developer::secrets::add)),
    page("/developer/apps/{id}/secrets/delete", Access::Session, || post(developer::secrets::delete)),
    page("/developer/apps/{id}/logo", Access::Session, || post(developer::picture::post)),
    page("/developer/apps/{id}/owners", Access::Session, || post(developer::owners::offer)),
    page("/developer/apps/{id}/owners/remove", Access::Session, || post(developer::owners::remove)),
    page("/developer/apps/{id}/offers/withdraw", Access::Session, || post(developer::owners::withdraw)),
    page("/developer/apps/{id}/switch", Access::Session, || post(developer::danger::switch)),
    page("/developer/apps/{id}/review", Access::Session, || post(developer::danger::review)),
    page("/developer/apps/{id}/delete", Access::Session, || {
        get(developer::danger::ask).post(developer::danger::delete)
    }),
    page(path::CONSOLE, Access::Public, || get(console::get)),
    page("/docs", Access::Public, || get(console::docs)),
    page("/console/data", Access::Public, || get(console::data)),
    page("/console/look", Access::Session, || post(console::look)),
    page("/console/allow", Access::Session, || post(console::allow)),
    page("/setup", Access::SetupLink, || get(setup::get).post(setup::post)),
    page("/dev/callback", Access::Development, || get(dev::get)),
    page("/assets/{file}", Access::Public, || get(files::get)),
    page("/assets/{folder}/{file}", Access::Public, || get(files::get)),
    page("/assets/logos/{file}", Access::Public, || get(logo::get)),
    page("/favicon.ico", Access::Public, || get(files::icon)),
    page("/robots.txt", Access::Public, || get(files::robots)),
];

/// An alias that cannot be: of an endpoint that does not exist, or on a path that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAlias(pub String);

impl std::fmt::Display for BadAlias {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadAlias {}

/// What each further path leads to. Every path of ours is taken, whether or not it is served.
fn check_aliases(aliases: &[(String, String)]) -> Result<Vec<(&'static Route, &str)>, BadAlias> {
    let mut found: Vec<(&'static Route, &str)> = Vec::new();
    for (endpoint, path) in aliases {
        let route = ROUTES.iter().find(|route| route.endpoint == Some(endpoint));
        let route = route.ok_or_else(|| BadAlias(format!("there is no endpoint called {endpoint}")))?;
        let plain =
            path.starts_with('/') && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._~-".contains(&b));
        let taken = ROUTES.iter().any(|route| route.path == path) || found.iter().any(|(_, own)| own == path);
        if !plain || taken {
            return Err(BadAlias(format!(
                "{path} cannot be a further path of {endpoint}: it is taken or not a plain path"
            )));
        }
        found.push((route, path));
    }
    Ok(found)
}

/// The endpoints that are asked the most, as the edge answers them past the router.
pub fn express(app: &App) -> Vec<Express> {
    fn form<F>(app: &App, path: &'static str, handler: fn(FormCall) -> F) -> Express
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let app = app.clone();
        Express::new(path, move |request, arrival| {
            let app = app.clone();
            Box::pin(async move {
                Ok(match FormCall::read(request, &app, arrival).await {
                    Ok(form) => handler(form).await,
                    Err(refused) => refused,
                })
            })
        })
    }
    vec![form(app, path::TOKEN, token::post), form(app, path::INTROSPECT, introspect::post)]
}

/// Whether `router` would take these further paths.
pub fn can_have(aliases: &[(String, String)]) -> Result<(), BadAlias> {
    check_aliases(aliases).map(drop)
}

/// The router, and each path with the form of its errors for the edge.
pub fn router(app: App, aliases: &[(String, String)]) -> Result<(Router, Vec<(String, Form)>), BadAlias> {
    let mut router = Router::new();
    let mut paths = Vec::new();
    let (development, console) = (app.demo.is_some(), app.console);
    let served = |route: &&Route| {
        (route.access != Access::Development || development)
            && (console || !(route.path.starts_with(path::CONSOLE) || route.path == "/docs"))
    };
    for route in ROUTES.iter().filter(served) {
        router = router.route(route.path, (route.handlers)());
        paths.push((route.path.to_owned(), route.form));
    }
    for (route, path) in check_aliases(aliases)? {
        router = router.route(path, (route.handlers)());
        paths.push((path.to_owned(), route.form));
    }
    paths.extend(FALLBACK.map(|(path, _)| (path.to_owned(), Form::Rest)));
    Ok((router.with_state(app), paths))
}
