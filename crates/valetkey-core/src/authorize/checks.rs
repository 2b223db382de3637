//! RFC 6749 §4.1.1 — the one table of checks on an authorization request: rows are checks, in order

use super::Addressee;
use crate::catalog::Catalog;
use crate::client::compat::Compat;
use crate::client::{Client, redirect_uri};
use crate::context::Context;
use crate::directory;
use crate::error::{Code, Denial};
use crate::grant::GrantType;
use crate::ids::TenantId;
use crate::interaction::{AuthorizationRequest, Prompt, ResponseMode, ResponseType};
use crate::params::Params;
use crate::proof::{dpop, pkce};
use crate::scope::Scope;
use crate::time::Seconds;
use crate::token::details::Details;

/// Every parameter that means something here; each may come once (`resource` as often as wanted).
pub const KNOWN: [&str; 19] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "dpop_jkt",
    "prompt",
    "max_age",
    "login_hint",
    "resource",
    "request",
    "request_uri",
    "ui_locales",
    "acr_values",
    "tenant_id",
];

/// Longest `state` and `nonce` that are carried along, in bytes.
const CARRIED_LIMIT: usize = 2048;

/// What the checks look at and fill in.
#[derive(Debug)]
struct Draft<'a> {
    cx: &'a Context,
    addressee: &'a Addressee,
    params: &'a Params<'a>,
    catalog: &'a Catalog,
    request: AuthorizationRequest,
}

/// One row: its name and what it does.
type Check = (&'static str, fn(&mut Draft<'_>) -> Result<(), Denial>);

/// The table. The client and its redirect URI hold before the first row runs.
const CHECKS: [Check; 13] = [
    ("response_mode", response_mode),
    ("repeats", repeats),
    ("request objects", request_objects),
    ("response_type", response_type),
    ("client may", client_may),
    ("tenant", tenant),
    ("carried values", carried),
    ("pkce", code_challenge),
    ("dpop", dpop),
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
        response_type: ResponseType::Code,
        response_mode: ResponseMode::Query,
        state: None,
        scope: Scope::default(),
        resources: Vec::new(),
        challenge: String::new(),
        nonce: None,
        key: None,
        prompts: Vec::new(),
        max_age: None,
        login_hint: None,
        tenant: TenantId::default(),
        details: Details::default(),
    };
    let catalog = cx.catalog();
    let mut draft = Draft { cx, addressee, params, catalog: &catalog, request };
    for (_, check) in CHECKS {
        check(&mut draft)?;
    }
    Ok(draft.request)
}

/// Whether this is a request for a token in the fragment by a client that may have it so (opt-in `implicit`).
pub(super) fn is_implicit(client: &Client, params: &Params<'_>) -> bool {
    params.one("response_type") == Some("token")
        && client.allows(GrantType::Implicit)
        && client.has(Compat::Implicit)
}

/// How the answer to a request travels, good or bad.
pub(super) fn mode(addressee: &Addressee, params: &Params<'_>) -> ResponseMode {
    if redirect_uri::is_oob(&addressee.redirect_uri) {
        return ResponseMode::Page;
    }
    // RFC 6749 §4.2.2.1: errors too.
    if is_implicit(&addressee.client, params) {
        return ResponseMode::Fragment;
    }
    let asked = params.one("response_mode").and_then(ResponseMode::parse);
    // An address that takes no form is told by redirect, also that it takes none.
    asked.filter(|mode| mode.reaches(&addressee.redirect_uri)).unwrap_or(ResponseMode::Query)
}

fn response_mode(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let mode = mode(draft.addressee, draft.params);
    draft.request.response_mode = mode;
    let Some(asked) = draft.params.one("response_mode") else { return Ok(()) };
    if mode == ResponseMode::Fragment {
        // OAuth 2.0 Multiple Response Types §5: a token never travels in a query.
        return if asked == "fragment" {
            Ok(())
        } else {
            Err(Code::InvalidRequest.because("a token comes in the fragment: leave response_mode out"))
        };
    }
    let asked = ResponseMode::parse(asked)
        .ok_or(Code::InvalidRequest.because("response_mode must be query or form_post"))?;
    if !asked.reaches(&draft.request.redirect_uri) {
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
    draft.request.response_type = match draft.params.one("response_type") {
        Some("code") => ResponseType::Code,
        Some("token") if is_implicit(&draft.addressee.client, draft.params) => ResponseType::Token,
        Some(_) => return Err(Code::UnsupportedResponseType.because("send response_type=code")),
        None => {
            return Err(Code::InvalidRequest.because("response_type is missing: send response_type=code"));
        }
    };
    Ok(())
}

fn client_may(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let Draft { addressee, request, .. } = draft;
    if request.response_type == ResponseType::Token && redirect_uri::is_oob(&request.redirect_uri) {
        return Err(Code::InvalidRequest.because("a token is never shown on a page: send response_type=code"));
    }
    // The opt-in may have been taken back and the address left behind.
    if redirect_uri::is_oob(&request.redirect_uri) && !addressee.client.has(Compat::Oob) {
        return Err(Code::UnauthorizedClient.because("this client lacks the opt-in oob"));
    }
    if addressee.client.allows(request.response_type.grant()) {
        return Ok(());
    }
    Err(Code::UnauthorizedClient.because("this client is not registered for the authorization_code grant"))
}

/// Whose users may sign in.
fn tenant(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let asked = draft.params.one("tenant_id");
    draft.request.tenant = directory::asked(draft.cx, &draft.addressee.client, asked)?.id.clone();
    Ok(())
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

// RFC 9700 §2.1.1: required of every client, but for those with the opt-in `no_pkce`.
fn code_challenge(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let (challenge, method) = (draft.params.one("code_challenge"), draft.params.one("code_challenge_method"));
    if draft.request.response_type == ResponseType::Token {
        return Ok(());
    }
    if challenge.is_none() && method.is_none() && pkce::may_be_left_out(&draft.addressee.client) {
        return Ok(());
    }
    draft.request.challenge = pkce::challenge(challenge, method)?.to_owned();
    Ok(())
}

// RFC 9449 §10, §10.1: named by the parameter, or shown where the request was pushed.
fn dpop(draft: &mut Draft<'_>) -> Result<(), Denial> {
    const BAD: Denial = Code::InvalidRequest
        .because("dpop_jkt must be the SHA-256 thumbprint of the key in the DPoP proof (RFC 7638)");
    let named = draft.params.one("dpop_jkt").map(|text| dpop::parse(text).ok_or(BAD)).transpose()?;
    let shown = draft.cx.caller.key;
    if named.is_some() && shown.is_some() && named != shown {
        return Err(BAD);
    }
    draft.request.key = named.or(shown);
    if draft.request.key.is_some() && draft.request.response_type == ResponseType::Token {
        let detail = "a token in the fragment cannot be bound to a key: send response_type=code";
        return Err(Code::InvalidRequest.because(detail));
    }
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
