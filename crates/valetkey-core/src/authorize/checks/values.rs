//! RFC 6749 §4.1.1, OIDC Core §3.1.2.1 — the rows about what is asked for, of whom, and what protects it

use super::{Draft, Entry};
use crate::directory;
use crate::error::{Code, Denial};
use crate::interaction::Prompt;
use crate::proof::{dpop, pkce};
use crate::time::Seconds;
use crate::token::authorization_details;

/// Longest `state` and `nonce` that are carried along, in bytes.
const CARRIED_LIMIT: usize = 2048;

/// Whose users may sign in.
pub(super) fn tenant(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let asked = draft.params.one("tenant_id");
    draft.request.tenant = directory::asked(draft.cx, &draft.addressee.client, asked)?.id.clone();
    Ok(())
}

pub(super) fn carried(draft: &mut Draft<'_>) -> Result<(), Denial> {
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
pub(super) fn code_challenge(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let (challenge, method) = (draft.params.one("code_challenge"), draft.params.one("code_challenge_method"));
    if !draft.request.response_type.has_code() {
        return Ok(());
    }
    if challenge.is_none() && method.is_none() && pkce::may_be_left_out(&draft.addressee.client) {
        return Ok(());
    }
    draft.request.challenge = pkce::challenge(challenge, method)?.to_owned();
    Ok(())
}

// RFC 9449 §10, §10.1: named by the parameter, or shown where the request was pushed.
pub(super) fn dpop(draft: &mut Draft<'_>) -> Result<(), Denial> {
    const BAD: Denial = Code::InvalidRequest
        .because("dpop_jkt must be the SHA-256 thumbprint of the key in the DPoP proof (RFC 7638)");
    let named = draft.params.one("dpop_jkt").map(|text| dpop::parse(text).ok_or(BAD)).transpose()?;
    let shown = draft.cx.caller.key;
    if named.is_some() && shown.is_some() && named != shown {
        return Err(BAD);
    }
    draft.request.key = named.or(shown);
    if draft.request.key.is_some() && draft.request.response_type.has_token() {
        let detail =
            "a token that comes through the browser cannot be bound to a key: send response_type=code";
        return Err(Code::InvalidRequest.because(detail));
    }
    Ok(())
}

// RFC 6749 §3.3.
pub(super) fn scope(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let client = &draft.addressee.client;
    // CIBA Core §13 and RFC 8628 know no such leniency.
    let by_browser = !matches!(draft.entry, Entry::Device | Entry::Backchannel);
    let asked = draft
        .params
        .one("scope")
        .map(|text| if by_browser { draft.catalog.understood(client, text) } else { text.into() });
    draft.request.scope = draft.catalog.asked_scope(client, asked.as_deref())?;
    Ok(())
}

// RFC 8707 §2.
pub(super) fn resource(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let resources: Vec<&str> = draft.params.all("resource").collect();
    if !resources.iter().all(|uri| draft.catalog.api_by_resource(uri).is_some()) {
        return Err(
            Code::InvalidTarget.because("ask for a resource that is registered here, by its exact URI")
        );
    }
    draft.request.resources = resources.into_iter().map(str::to_owned).collect();
    Ok(())
}

// RFC 9396 §5.
pub(super) fn details(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if let Some(text) = draft.params.one(authorization_details::PARAMETER) {
        let asked = authorization_details::asked(draft.cx, &draft.addressee.client, text)?;
        draft.request.details.authorization_details = asked;
    }
    Ok(())
}

// OIDC Core §3.1.2.1; OIDC Prompt Create §4.1: a value that is not offered is refused.
pub(super) fn prompt(draft: &mut Draft<'_>) -> Result<(), Denial> {
    const NO_SIGN_UP: Denial = Code::InvalidRequest.because(
        "prompt=create is not offered in this user directory: people do not make accounts for themselves",
    );
    for word in draft.params.one("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        let prompt = Prompt::parse(word).ok_or(
            Code::InvalidRequest.because("prompt must be none, login, consent, select_account or create"),
        )?;
        if prompt == Prompt::Create && !draft.cx.takes_sign_ups(&draft.request.tenant) {
            return Err(NO_SIGN_UP);
        }
        draft.request.prompts.push(prompt);
    }
    if draft.request.prompts.contains(&Prompt::None) && draft.request.prompts.len() > 1 {
        return Err(Code::InvalidRequest.because("prompt=none cannot be combined with another value"));
    }
    Ok(())
}

pub(super) fn max_age(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if let Some(text) = draft.params.one("max_age") {
        let seconds =
            text.parse::<u32>().map_err(|_| Code::InvalidRequest.because("max_age must be whole seconds"))?;
        draft.request.max_age = Some(Seconds(seconds.into()));
    }
    // OIDC Registration §2.
    let default = draft.addressee.client.profile.openid.default_max_age;
    draft.request.max_age = draft.request.max_age.or(default.map(|seconds| Seconds(seconds.into())));
    Ok(())
}
