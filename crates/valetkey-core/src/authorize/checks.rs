//! RFC 6749 §4.1.1 — the one table of checks on an authorization request: rows are checks, in order; columns are the ways in
//!
//! To enter by a new way: take a column of [`Entry`], say in each row of [`CHECKS`] whether it means something there (what
//! does not is ignored, never judged), and call [`judge`] with the client that has proven itself. Device and CIBA requests
//! come without a redirect URI: `judge(cx, Entry::Device, &Addressee::nowhere(client), &params)`. What is of one way alone
//! (`login_hint_token`, `user_code`, …) its own module reads. To add a check: one function, one row; a black-box test
//! (`checks_table.rs`) walks the table cell by cell and fails until it knows the row.

mod answer;
mod demands;
mod person;
mod values;

pub(super) use answer::{in_front, mode};

use super::Addressee;
use crate::catalog::Catalog;
use crate::context::Context;
use crate::error::{Code, Denial};
use crate::grant::GrantType;
use crate::ids::TenantId;
use crate::interaction::{AuthorizationRequest, ResponseMode, ResponseType};
use crate::params::Params;
use crate::scope::Scope;
use crate::token::details::Details;

/// Every parameter that means something here; each may come once (`resource` as often as wanted).
pub const KNOWN: [&str; 22] = [
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
    "authorization_details",
    "request",
    "request_uri",
    "ui_locales",
    "acr_values",
    "claims",
    "id_token_hint",
    "tenant_id",
];

/// Where a request comes in: a column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The authorization endpoint, with plain parameters.
    Plain,
    /// The same with a signed request object (RFC 9101), whose claims are the parameters.
    Signed,
    /// RFC 9126.
    Pushed,
    /// RFC 9126 §3, a request object pushed.
    PushedSigned,
    /// RFC 8628 §3.1.
    Device,
    /// OpenID Connect CIBA Core §7.1.
    Backchannel,
}

impl Entry {
    pub const ALL: [Self; 6] =
        [Self::Plain, Self::Signed, Self::Pushed, Self::PushedSigned, Self::Device, Self::Backchannel];

    /// Whether the request's parameters are the claims of something that the client signed.
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Signed | Self::PushedSigned)
    }

    /// Whether the client left its request where it proved itself.
    pub const fn is_pushed(self) -> bool {
        matches!(self, Self::Pushed | Self::PushedSigned)
    }
}

/// What the checks look at and fill in.
#[derive(Debug)]
struct Draft<'a> {
    cx: &'a Context,
    entry: Entry,
    addressee: &'a Addressee,
    params: &'a Params<'a>,
    catalog: &'a Catalog,
    request: AuthorizationRequest,
}

/// One row: its name, what it does, and in which columns.
struct Check(&'static str, fn(&mut Draft<'_>) -> Result<(), Denial>, Columns);

/// In the order of [`Entry::ALL`].
type Columns = [bool; Entry::ALL.len()];

const X: bool = true;
const O: bool = false;

/// The table. The client and its redirect URI, where there is one, hold before the first row runs.
#[rustfmt::skip]
const CHECKS: [Check; 22] = [
    //                                                       plain JAR PAR both device CIBA
    Check("response_mode",    answer::response_mode,           [X,  X,  X,  X,  O,  O]),
    Check("repeats",          repeats,                         [X,  X,  X,  X,  X,  X]),
    Check("request objects",  request_objects,                 [X,  X,  X,  X,  X,  X]),
    Check("pushed",           demands::pushed,                 [X,  X,  O,  O,  O,  O]),
    Check("signed",           demands::signed,                 [X,  O,  X,  O,  O,  O]),
    Check("fapi2",            demands::fapi2,                  [X,  X,  X,  X,  O,  O]),
    Check("response_type",    answer::response_type,           [X,  X,  X,  X,  O,  O]),
    Check("client may",       answer::client_may,              [X,  X,  X,  X,  O,  O]),
    Check("client may ask",   elsewhere,                       [O,  O,  O,  O,  X,  X]),
    Check("tenant",           values::tenant,                  [X,  X,  X,  X,  X,  X]),
    Check("carried values",   values::carried,                 [X,  X,  X,  X,  O,  O]),
    Check("pkce",             values::code_challenge,          [X,  X,  X,  X,  O,  O]),
    Check("dpop",             values::dpop,                    [X,  X,  X,  X,  X,  X]),
    Check("scope",            values::scope,                   [X,  X,  X,  X,  X,  X]),
    Check("resource",         values::resource,                [X,  X,  X,  X,  X,  X]),
    Check("details",          values::details,                 [X,  X,  X,  X,  X,  X]),
    Check("prompt",           values::prompt,                  [X,  X,  X,  X,  O,  O]),
    Check("max_age",          values::max_age,                 [X,  X,  X,  X,  O,  O]),
    Check("acr_values",       person::acr_values,              [X,  X,  X,  X,  O,  X]),
    Check("claims",           person::claims,                  [X,  X,  X,  X,  O,  O]),
    Check("id_token_hint",    person::id_token_hint,           [X,  X,  X,  X,  O,  O]),
    Check("id token",         answer::id_token,                [X,  X,  X,  X,  O,  O]),
];

/// The table to look at: each row's name, and in which columns it is asked.
pub fn table() -> impl Iterator<Item = (&'static str, Columns)> {
    CHECKS.iter().map(|Check(name, _, columns)| (*name, *columns))
}

/// Judges a request: the first row that refuses is the answer.
pub fn judge(
    cx: &Context,
    entry: Entry,
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
    let mut draft = Draft { cx, entry, addressee, params, catalog: &catalog, request };
    for Check(_, check, columns) in &CHECKS {
        if columns[entry as usize] {
            check(&mut draft)?;
        }
    }
    Ok(draft.request)
}

// RFC 6749 §3.1.
fn repeats(draft: &mut Draft<'_>) -> Result<(), Denial> {
    draft.params.refuse_repeats(&KNOWN)
}

// OIDC Core §3.1.2.6. By value they were unfolded before the first row; by reference they are had by pushing alone.
fn request_objects(draft: &mut Draft<'_>) -> Result<(), Denial> {
    if draft.params.one("request").is_some() {
        return Err(
            Code::RequestNotSupported.because("send plain parameters: no request object is read here")
        );
    }
    if draft.params.one("request_uri").is_some() {
        return Err(
            Code::RequestUriNotSupported.because("push the request (RFC 9126): no other request_uri is read")
        );
    }
    Ok(())
}

// RFC 8628 §3.1, CIBA Core §7.1: whoever is not registered for it asks nobody from afar (RFC 10027 §6).
fn elsewhere(draft: &mut Draft<'_>) -> Result<(), Denial> {
    draft.request.response_mode = ResponseMode::Elsewhere;
    let backchannel = draft.entry == Entry::Backchannel;
    let grant = if backchannel { GrantType::Ciba } else { GrantType::DeviceCode };
    if draft.addressee.client.allows(grant) {
        return Ok(());
    }
    Err(Code::UnauthorizedClient
        .because("this client is not registered for the grant that such a request begins"))
}
