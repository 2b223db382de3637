//! `/consent`: may this application have a key?

use super::flow::{self, both};
use super::login;
use super::respond::{app, failed, page, person, plain_error, refused};
use super::view::words::{device, span};
use super::view::{
    Access, Asked, Checked, Consent, Destination, Detail, Elsewhere, ErrorKind, Held, Href, Lasts,
    Registered, Technical, When,
};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use valetkey_core::applied::DetailsType;
use valetkey_core::approval::{self, Waiting};
use valetkey_core::authorize::{self, Decision, Progress, is_fixed};
use valetkey_core::catalog::Catalog;
use valetkey_core::claims;
use valetkey_core::client::compat::Compat;
use valetkey_core::client::listing::Review;
use valetkey_core::client::{Client, Origin, document};
use valetkey_core::error::{Error, Fault};
use valetkey_core::grant::GrantType;
use valetkey_core::interaction::{AuthorizationRequest, Interaction, Prompt, Step};
use valetkey_core::login::form_proof;
use valetkey_core::params::Params;
use valetkey_core::scope::Scope;
use valetkey_core::store::Session;

pub(crate) const PATH: &str = "/consent";

/// What a consent page is drawn from and its answer is judged by.
struct Asking<'a> {
    sealed: &'a str,
    interaction: &'a Interaction,
    client: &'a Client,
    session: &'a Session,
    held: &'a Scope,
}

pub(crate) async fn get(call: Call) -> Response {
    let Ok(params) = Params::parse(call.query()) else { return plain_error(&call, ErrorKind::BadRequest) };
    show(&call, params.one("i").unwrap_or_default(), StatusCode::OK, false).await
}

async fn show(call: &Call, sealed: &str, status: StatusCode, nothing_selected: bool) -> Response {
    let interaction = match flow::open(call, sealed) {
        Ok(interaction) => interaction,
        Err(response) => return response,
    };
    let (client, session) = match both(call, &interaction).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    match (authorize::resume(&call.cx, &client, &interaction, session.as_ref()).await, &session) {
        (Ok(Progress::Ask(Step::Consent { held, .. })), Some(session)) => {
            let asking = Asking { sealed, interaction: &interaction, client: &client, session, held: &held };
            match view(call, &asking, nothing_selected).await {
                Ok(view) => page(call, status, &view),
                Err(fault) => failed(call, &fault),
            }
        }
        (Ok(Progress::Done(answer)), _) => {
            flow::done(call, &client, session.as_ref(), &interaction, &answer).await
        }
        (Ok(_), _) => flow::resume(call, interaction).await,
        (Err(fault), _) => failed(call, &fault),
    }
}

async fn view(call: &Call, asking: &Asking<'_>, nothing_selected: bool) -> Result<Consent, Fault> {
    let Asking { sealed, interaction, client, session, held } = asking;
    let request = &interaction.request;
    let catalog = call.cx.catalog();
    let user = call.cx.store.user(&session.user).await?;
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    let known = !held.is_empty();
    let again = asks_again(interaction);
    let wanted = request.asked();
    let boxes = wanted.iter().filter(|name| !is_fixed(name) && (again || !held.contains(name)));
    Ok(Consent {
        i: (*sealed).to_owned(),
        csrf: Some(form_proof::make(&call.cx, cookie)?),
        app: app(client),
        person: user.as_ref().map_or_else(|| super::view::Person::new("", None, None), person),
        tenant: login::tenant_view(call, &session.tenant).map(|tenant| tenant.name),
        not_you: login::switch(sealed).unwrap_or_else(Href::root),
        asked: boxes
            .map(|name| asked(&catalog, name, known && !held.contains(name)))
            // Nothing is lost on an error: who unticked every box finds every box unticked.
            .map(|scope| Asked { checked: scope.checked && !nothing_selected, ..scope })
            .collect(),
        details: details(call, request),
        fixed: request.scope.iter().filter(|name| is_fixed(name)).map(|name| words(&catalog, name)).collect(),
        more: !held.covers(&wanted),
        again,
        held: held.iter().filter(|name| !is_fixed(name)).map(|name| words(&catalog, name)).collect(),
        apis: request
            .resources
            .iter()
            .filter_map(|uri| catalog.api_by_resource(uri))
            .map(|api| api.name.clone())
            .collect(),
        registered: Registered {
            by: document::host(client),
            since: When::new(client.created_at, call.cx.now),
            checked: match client.origin {
                Origin::Operator | Origin::Gateway => Checked::ByOperator,
                Origin::Developer if client.listing.review == Review::Approved => Checked::ByOperator,
                Origin::Developer => Checked::Nobody,
                Origin::Dynamic => Checked::SelfRegistered,
                Origin::Document => Checked::Document,
            },
        },
        destination: Destination::of(&request.redirect_uri).unwrap_or(Destination::Loopback),
        elsewhere: elsewhere(call, interaction).await?,
        lasts: lasts(call, client, request),
        policy: client.profile.about.policy_uri.as_deref().and_then(Href::web),
        terms: client.profile.about.tos_uri.as_deref().and_then(Href::web),
        technical: Technical {
            client_id: client.id.to_string(),
            redirect_uri: request.redirect_uri.clone(),
            scopes: request.scope.iter().map(str::to_owned).collect(),
            resources: request.resources.clone(),
        },
        nothing_selected,
    })
}

/// RFC 8628 §5.4, RFC 10027: what the person needs to know whether it was they who asked.
async fn elsewhere(call: &Call, interaction: &Interaction) -> Result<Option<Elsewhere>, Fault> {
    let Some(id) = interaction.approval else { return Ok(None) };
    let Some(Waiting { row, pending }) = approval::of(&call.cx, id).await? else { return Ok(None) };
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let here = call.cx.caller.address.map(|ip| ip.to_string());
    Ok(Some(Elsewhere {
        code: some(pending.user_code),
        binding_message: some(pending.binding_message),
        near: here.as_ref() == Some(&pending.address),
        address: pending.address,
        device: some(pending.device).filter(|name| *name != device(None)),
        asked: When::new(row.created_at, call.cx.now),
    }))
}

/// RFC 9396 §2, in the words of their types; nothing of what is asked stays unsaid.
fn details(call: &Call, request: &AuthorizationRequest) -> Vec<Detail> {
    let in_force = call.cx.in_force();
    let types = &in_force.applied.authorization_details_types;
    let words = |object: &Value| {
        let kind = types.iter().find(|own| object["type"] == own.name.as_str());
        let nameless =
            DetailsType { description: "Use what is listed here".to_owned(), ..DetailsType::default() };
        let kind = kind.unwrap_or(&nameless);
        Detail { words: kind.words(object), members: kind.unsaid(object) }
    };
    request.details.authorization_details.iter().map(words).collect()
}

fn lasts(call: &Call, client: &Client, request: &AuthorizationRequest) -> Lasts {
    let lifetimes = call.cx.lifetimes();
    let once = span(client.access_token_lifetime.unwrap_or(lifetimes.access_token));
    let idle = span(lifetimes.refresh_idle);
    let refreshes = client.allows(GrantType::RefreshToken) && request.response_type.has_code();
    match (refreshes, request.scope.contains("offline_access")) {
        (true, false) if client.has(Compat::ReusableRefreshToken) => Lasts::Forever,
        (false, _) => Lasts::Once { span: once },
        (true, false) => Lasts::Lasting { idle },
        (true, true) => Lasts::Either { span: once, idle },
    }
}

fn words(catalog: &Catalog, name: &str) -> Held {
    if let Some(claim) = claims::of_alone(name) {
        return Held { words: claim.words.to_owned(), detail: Some("This alone".to_owned()) };
    }
    catalog.scope(name).map_or_else(
        || Held {
            words: format!("Use “{name}”"),
            detail: Some("The app's operator gave no words for this.".to_owned()),
        },
        |scope| Held {
            words: scope.description.clone(),
            detail: Some(scope.detail.clone()).filter(|text| !text.is_empty()),
        },
    )
}

fn asked(catalog: &Catalog, name: &str, known: bool) -> Asked {
    let Held { words, detail } = words(catalog, name);
    // Each stands ticked, `offline_access` too: what the app asked for is what it works with (ADR 0007).
    Asked { value: name.to_owned(), words, detail, access: access(name), new: known, checked: true }
}

/// A guess from the name, for the tag only.
fn access(name: &str) -> Access {
    let last = name.rsplit(['.', ':', '/', '_']).next().unwrap_or(name);
    match last {
        _ if name == "offline_access" => Access::Offline,
        _ if claims::of_alone(name).is_some() => Access::Read,
        "read" | "view" | "list" | "profile" | "email" | "readonly" => Access::Read,
        "write" | "edit" | "update" | "delete" | "manage" | "admin" | "create" | "share" | "follow" => {
            Access::Change
        }
        _ => Access::Plain,
    }
}

pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    let repeats = params.refuse_repeats(&["i", "csrf", "decision"]).is_err();
    if call.is_cross_site() || repeats {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let sealed = params.one("i").unwrap_or_default();
    let interaction = match flow::open(&call, sealed) {
        Ok(interaction) => interaction,
        Err(response) => return response,
    };
    let (client, session) = match both(&call, &interaction).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    // The page was drawn for one session: somebody else signed in meanwhile gets a page of their own.
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    let Some(session) = session.filter(|_| form_proof::holds(&call.cx, params.one("csrf"), cookie)) else {
        return flow::resume(&call, interaction).await;
    };
    let progress = authorize::resume(&call.cx, &client, &interaction, Some(&session)).await;
    let held = match progress {
        Ok(Progress::Ask(Step::Consent { held, .. })) => held,
        Ok(Progress::Done(answer)) => {
            return flow::done(&call, &client, Some(&session), &interaction, &answer).await;
        }
        Ok(Progress::Ask(_)) => return flow::resume(&call, interaction).await,
        Err(fault) => return failed(&call, &fault),
    };
    let Some(decision) = decision(&params, &interaction, &held) else {
        return show(&call, sealed, StatusCode::BAD_REQUEST, true).await;
    };
    match authorize::decide(&call.cx, &client, &interaction, &session, decision).await {
        Ok(answer) => flow::done(&call, &client, Some(&session), &interaction, &answer).await,
        Err(Error::Denied(denial)) => refused(&call, ErrorKind::Forbidden, denial),
        Err(Error::Failed(fault)) => failed(&call, &fault),
    }
}

/// OIDC Core §3.1.2.1, `prompt=consent`: the application wants the person to decide once more, over all of it.
fn asks_again(interaction: &Interaction) -> bool {
    interaction.request.prompts.contains(&Prompt::Consent)
}

/// The person's answer; `None` where "allow" came with nothing to allow. What the application holds already stays where
/// it did not ask about it again: it is taken back on the account page.
fn decision(params: &Params<'_>, interaction: &Interaction, held: &Scope) -> Option<Decision> {
    if params.one("decision") != Some("allow") {
        return Some(Decision::Deny);
    }
    let kept = held.iter().filter(|_| !asks_again(interaction));
    let ticked: Scope = params.all("scope").chain(kept).collect();
    let wanted = interaction.request.asked();
    let given = wanted.is_empty() || wanted.iter().any(|name| is_fixed(name) || ticked.contains(name));
    given.then_some(Decision::Allow(ticked))
}
