//! RFC 6749 §4.1.1 — the one table of checks on an authorization request: rows are checks, in order

use super::{Addressee, is_for};
use crate::catalog::Catalog;
use crate::context::Context;
use crate::error::{Code, Denial};
use crate::interaction::{AuthorizationRequest, Prompt, ResponseMode};
use crate::params::Params;
use crate::proof::pkce;
use crate::scope::Scope;
use crate::time::Seconds;

/// Every parameter that means something here; each may come once (`resource` as often as wanted).
pub const KNOWN: [&str; 17] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    "resource",
    "request",
    "request_uri",
    "ui_locales",
    "acr_values",
];

/// Longest `state` and `nonce` that are carried along, in bytes.
const CARRIED_LIMIT: usize = 2048;

/// What the checks look at and fill in.
#[derive(Debug)]
struct Draft<'a> {
    addressee: &'a Addressee,
    params: &'a Params<'a>,
    catalog: &'a Catalog,
    request: AuthorizationRequest,
}

/// One row: its name and what it does.
type Check = (&'static str, fn(&mut Draft<'_>) -> Result<(), Denial>);

/// The table. The client and its redirect URI hold before the first row runs.
const CHECKS: [Check; 11] = [
    ("response_mode", response_mode),
    ("repeats", repeats),
    ("request objects", request_objects),
    ("response_type", response_type),
    ("client may", client_may),
    ("carried values", carried),
    ("pkce", code_challenge),
    ("scope", scope),
    ("resource", resource),
    ("prompt", prompt),
    ("max_age", max_age),
];

pub(super) fn run(
    cx: &Context,
    addressee: &Addressee,
    params: &Params<'_>,
) -> Result<AuthorizationRequest, Denial> {
    let request = AuthorizationRequest {
        client: addressee.client.id.clone(),
        redirect_uri: addressee.redirect_uri.clone(),
        response_mode: ResponseMode::Query,
        state: None,
        scope: Scope::default(),
        resources: Vec::new(),
        challenge: String::new(),
        nonce: None,
        prompts: Vec::new(),
        max_age: None,
        login_hint: None,
    };
    let catalog = cx.catalog();
    let mut draft = Draft { addressee, params, catalog: &catalog, request };
    for (_, check) in CHECKS {
        check(&mut draft)?;
    }
    Ok(draft.request)
}

fn response_mode(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if let Some(mode) = draft.params.one("response_mode") {
        draft.request.response_mode = ResponseMode::parse(mode)
            .ok_or(Code::InvalidRequest.because("response_mode must be query or form_post"))?;
    }
    if !draft.request.response_mode.reaches(&draft.request.redirect_uri) {
        return Err(
            Code::InvalidRequest.because("response_mode=form_post needs an http or https redirect_uri")
        );
    }
    Ok(())
}

// RFC 6749 §3.1.
fn repeats(draft: &mut Draft<'_>) -> Result<(), Denial> {
    draft.params.refuse_repeats(&KNOWN)
}

// OIDC Core §3.1.2.6.
fn request_objects(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if draft.params.one("request").is_some() {
        return Err(
            Code::RequestNotSupported.because("send plain parameters: request objects are not supported")
        );
    }
    if draft.params.one("request_uri").is_some() {
        return Err(
            Code::RequestUriNotSupported.because("send plain parameters: request_uri is not supported")
        );
    }
    Ok(())
}

fn response_type(draft: &mut Draft<'_>) -> Result<(), Denial> {
    match draft.params.one("response_type") {
        Some("code") => Ok(()),
        Some(_) => Err(Code::UnsupportedResponseType.because("send response_type=code")),
        None => Err(Code::InvalidRequest.because("response_type is missing: send response_type=code")),
    }
}

fn client_may(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if is_for(&draft.addressee.client) {
        return Ok(());
    }
    Err(Code::UnauthorizedClient.because("this client is not registered for the authorization_code grant"))
}

fn carried(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let take = |name: &str| {
        let value = draft.params.one(name);
        if value.is_some_and(|value| value.len() > CARRIED_LIMIT) {
            return Err(
                Code::InvalidRequest.because("state, nonce and login_hint may have at most 2048 bytes each")
            );
        }
        Ok(value.map(str::to_owned))
    };
    draft.request.state = take("state")?;
    draft.request.nonce = take("nonce")?;
    draft.request.login_hint = take("login_hint")?;
    Ok(())
}

// RFC 9700 §2.1.1: required of every client.
fn code_challenge(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let (challenge, method) = (draft.params.one("code_challenge"), draft.params.one("code_challenge_method"));
    draft.request.challenge = pkce::challenge(challenge, method)?.to_owned();
    Ok(())
}

// RFC 6749 §3.3.
fn scope(draft: &mut Draft<'_>) -> Result<(), Denial> {
    draft.request.scope = draft.catalog.asked_scope(&draft.addressee.client, draft.params.one("scope"))?;
    Ok(())
}

// RFC 8707 §2.
fn resource(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let resources: Vec<&str> = draft.params.all("resource").collect();
    if !resources.iter().all(|uri| draft.catalog.api_by_resource(uri).is_some()) {
        return Err(
            Code::InvalidTarget.because("ask for a resource that is registered here, by its exact URI")
        );
    }
    draft.request.resources = resources.into_iter().map(str::to_owned).collect();
    Ok(())
}

// OIDC Core §3.1.2.1.
fn prompt(draft: &mut Draft<'_>) -> Result<(), Denial> {
    for word in draft.params.one("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        let prompt = Prompt::parse(word)
            .ok_or(Code::InvalidRequest.because("prompt must be none, login, consent or select_account"))?;
        draft.request.prompts.push(prompt);
    }
    if draft.request.prompts.contains(&Prompt::None) && draft.request.prompts.len() > 1 {
        return Err(Code::InvalidRequest.because("prompt=none cannot be combined with another value"));
    }
    Ok(())
}

fn max_age(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if let Some(text) = draft.params.one("max_age") {
        let seconds =
            text.parse::<u32>().map_err(|_| Code::InvalidRequest.because("max_age must be whole seconds"))?;
        draft.request.max_age = Some(Seconds(seconds.into()));
    }
    Ok(())
}
