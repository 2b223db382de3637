//! OAuth 2.0 Multiple Response Types §2, §5, JARM §2.3 — the rows about what the answer brings and how it travels

use super::Draft;
use crate::authorize::Addressee;
use crate::client::compat::Compat;
use crate::client::{Client, redirect_uri};
use crate::error::{Code, Denial};
use crate::grant::GrantType;
use crate::interaction::{ResponseMode, ResponseType};
use crate::params::Params;

/// What a request wants through the browser, if this client may have it so.
pub(in crate::authorize) fn in_front(client: &Client, params: &Params<'_>) -> Option<ResponseType> {
    let kind = params.one("response_type").and_then(ResponseType::parse)?;
    (kind.is_in_front() && client.may_have(kind)).then_some(kind)
}

/// How the answer travels where the request does not say (Multiple Response Types §5).
fn usual(addressee: &Addressee, params: &Params<'_>) -> ResponseMode {
    match in_front(&addressee.client, params) {
        _ if redirect_uri::is_oob(&addressee.redirect_uri) => ResponseMode::Page,
        Some(_) => ResponseMode::Fragment,
        None => ResponseMode::Query,
    }
}

/// How the answer to a request travels, good or bad.
pub(in crate::authorize) fn mode(addressee: &Addressee, params: &Params<'_>) -> ResponseMode {
    let usual = usual(addressee, params);
    let asked = params.one("response_mode").and_then(|text| ResponseMode::parse(text, usual));
    match asked {
        _ if usual == ResponseMode::Page => usual,
        // RFC 6749 §4.2.2.1: errors too. Never a query, where servers and proxies on the way would read it.
        Some(ResponseMode::Query) if usual == ResponseMode::Fragment => usual,
        Some(ResponseMode::QueryJwt) if usual == ResponseMode::Fragment => ResponseMode::FragmentJwt,
        // An address that takes no form is told by redirect, also that it takes none.
        Some(mode) if mode.reaches(&addressee.redirect_uri) => mode,
        _ => usual,
    }
}

pub(super) fn response_mode(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let wrong = |detail| Err(Code::InvalidRequest.because(detail));
    let mode = mode(draft.addressee, draft.params);
    draft.request.response_mode = mode;
    let Some(text) = draft.params.one("response_mode") else { return Ok(()) };
    let Some(asked) = ResponseMode::parse(text, usual(draft.addressee, draft.params)) else {
        return wrong(
            "response_mode must be query, fragment or form_post, or one of them with .jwt behind it, or jwt",
        );
    };
    if !asked.reaches(&draft.request.redirect_uri) {
        return wrong("response_mode=form_post needs an http or https redirect_uri");
    }
    match mode {
        ResponseMode::Page if asked.carrier() == ResponseMode::Query && !asked.is_signed() => Ok(()),
        ResponseMode::Page if asked == ResponseMode::Page => Ok(()),
        ResponseMode::Page => wrong("the code is shown on a page: leave response_mode out"),
        // Multiple Response Types §5, JARM §2.3.1.
        mode if mode != asked => {
            wrong("a token never travels in a query: leave response_mode out, or send fragment or form_post")
        }
        _ => Ok(()),
    }
}

pub(super) fn response_type(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let Some(text) = draft.params.one("response_type") else {
        return Err(Code::InvalidRequest.because("response_type is missing: send response_type=code"));
    };
    let client = &draft.addressee.client;
    let kind = ResponseType::parse(text).filter(|kind| !kind.is_in_front() || client.may_have(*kind));
    draft.request.response_type =
        kind.ok_or(Code::UnsupportedResponseType.because("send response_type=code"))?;
    Ok(())
}

pub(super) fn client_may(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let Draft { addressee, request, .. } = draft;
    if request.response_type.is_in_front() && redirect_uri::is_oob(&request.redirect_uri) {
        return Err(Code::InvalidRequest.because("a token is never shown on a page: send response_type=code"));
    }
    // The opt-in may have been taken back and the address left behind.
    if redirect_uri::is_oob(&request.redirect_uri) && !addressee.client.has(Compat::Oob) {
        return Err(Code::UnauthorizedClient.because("this client lacks the opt-in oob"));
    }
    let registered = addressee.client.allows(GrantType::AuthorizationCode)
        && addressee.client.profile.security.has_response_type(ResponseType::Code);
    if request.response_type != ResponseType::Code || registered {
        return Ok(());
    }
    Err(Code::UnauthorizedClient.because("this client is not registered for the authorization_code grant"))
}

// OIDC Core §3.1.2.1, §3.2.2.1, §3.3.2.11: an ID token in the browser's hands answers this request alone.
pub(super) fn id_token(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if !draft.request.response_type.has_id_token() {
        return Ok(());
    }
    if !draft.request.scope.contains("openid") {
        return Err(Code::InvalidScope.because("an ID token needs the scope openid"));
    }
    if draft.request.nonce.is_none() {
        return Err(
            Code::InvalidRequest.because("nonce is missing: an ID token through the browser needs one")
        );
    }
    Ok(())
}
