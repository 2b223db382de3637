//! RFC 9126 §5, RFC 9101 §10.5, FAPI 2.0 §5.3.2.2 — the rows about how this client must ask

use super::Draft;
use crate::error::{Code, Denial};

/// RFC 9126 §6: whether a client's requests come pushed or not at all.
pub(super) fn pushed(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let client = &draft.addressee.client;
    let demanded = client.profile.security.require_pushed_authorization_requests
        || client.is_fapi2()
        || draft.cx.settings.require_pushed_authorization_requests;
    if demanded && !draft.entry.is_pushed() {
        return Err(Code::InvalidRequest
            .because("push the request first (RFC 9126), and send the browser with its request_uri"));
    }
    Ok(())
}

/// RFC 9101 §10.5.
pub(super) fn signed(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if draft.addressee.client.profile.security.require_signed_request_object && !draft.entry.is_signed() {
        return Err(
            Code::InvalidRequest.because("this client signs its requests: send a request object (RFC 9101)")
        );
    }
    Ok(())
}

/// FAPI 2.0 §5.3.2.2: where the answer goes is said, and is a web address. That only a code comes, with PKCE, follows from
/// there being no opt-in.
pub(super) fn fapi2(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if !draft.addressee.client.is_fapi2() {
        return Ok(());
    }
    let named = draft.params.one("redirect_uri").is_some();
    if !named || !draft.request.redirect_uri.starts_with("https://") {
        return Err(Code::InvalidRequest.because("send the redirect_uri, an https address (FAPI 2.0)"));
    }
    Ok(())
}
