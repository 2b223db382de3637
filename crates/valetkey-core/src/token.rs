//! Tokens. `issue` is the only place where an access token is made.

pub mod access;
pub mod authorization_details;
pub mod code;
pub mod details;
pub mod granted;
mod id_token;
pub mod identity;
pub mod keys;
pub mod logout_token;
pub mod refresh;
pub mod revocation;

pub use id_token::{About, Beside, encrypted, id_token};

use crate::client::compat::Compat;
use crate::client::{Client, subject};
use crate::context::Context;
use crate::directory::home;
use crate::error::{Code, Denial, Error, Fault};
use crate::ids::{Id, TokenId};
use crate::jose::jwk::Algorithm;
use crate::json::Object;
use crate::login::acr;
use crate::proof::holder::Holder;
use crate::scope::Scope;
use crate::settings::{LONGEST_ACCESS_TOKEN, LONGEST_OPTED_ACCESS_TOKEN};
use crate::store::{Grant, TokenFormat};
use crate::time::{Seconds, Timestamp};
use access::AccessToken;
use details::{Details, ForAccessToken};
use serde_json::{Value, json};

/// For whom, and what it may do.
#[derive(Debug)]
pub struct Issue<'a> {
    pub client: &'a Client,
    /// The user's grant; `None` for an application's own token.
    pub grant: Option<&'a Grant>,
    pub scope: &'a Scope,
    /// RFC 8707: the resources asked for in this very request, or allowed by the grant.
    pub resources: &'a [&'a str],
}

/// A fresh access token.
#[derive(Debug)]
pub struct Issued {
    pub access_token: String,
    pub expires_in: Seconds,
    pub expires_at: Timestamp,
    pub scope: Scope,
    scope_text: String,
    pub token_type: &'static str,
    /// RFC 9396 §7: what of the agreed details it carries.
    pub authorization_details: Vec<Value>,
}

/// RFC 6749 §5.1 — the successful answer.
#[derive(Debug)]
pub struct TokenResponse {
    pub access_token: String,
    pub token_type: &'static str,
    pub expires_in: i64,
    pub refresh_token: Option<String>,
    pub scope: String,
    pub id_token: Option<String>,
    /// RFC 9396 §7.
    pub authorization_details: Vec<Value>,
    /// RFC 8693 §2.2.1.
    pub issued_token_type: Option<&'static str>,
}

impl Issued {
    pub fn into_response(self) -> TokenResponse {
        TokenResponse {
            access_token: self.access_token,
            token_type: self.token_type,
            expires_in: self.expires_in.0,
            refresh_token: None,
            scope: self.scope_text,
            id_token: None,
            authorization_details: self.authorization_details,
            issued_token_type: None,
        }
    }
}

impl TokenResponse {
    /// As JSON, written into a buffer that need not grow. An access token of ours holds nothing that JSON escapes, so it
    /// is copied whole and not looked at character by character.
    pub fn to_json(&self) -> Vec<u8> {
        const AROUND: usize = 192;
        let further = [&self.refresh_token, &self.id_token].into_iter().flatten().map(String::len);
        let tokens = self.access_token.len() + self.scope.len() + further.sum::<usize>();
        let mut json = Object::with_capacity(tokens + AROUND);
        json.token("access_token", self.access_token.as_bytes());
        json.text("token_type", self.token_type);
        json.number("expires_in", self.expires_in);
        if let Some(token) = &self.refresh_token {
            json.text("refresh_token", token);
        }
        json.text("scope", &self.scope);
        if let Some(token) = &self.id_token {
            json.text("id_token", token);
        }
        if !self.authorization_details.is_empty() {
            json.value("authorization_details", &json!(self.authorization_details));
        }
        if let Some(kind) = self.issued_token_type {
            json.text("issued_token_type", kind);
        }
        json.end()
    }
}

/// What a token is held to beside its client's and its API's rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// It ends by then.
    pub until: Option<Timestamp>,
    /// In this form, whatever the API's.
    pub format: Option<TokenFormat>,
}

/// Makes an access token.
pub fn issue(cx: &Context, issue: &Issue<'_>) -> Result<Issued, Error> {
    issue_within(cx, issue, Bounds::default())
}

/// Makes an access token within bounds.
pub fn issue_within(cx: &Context, issue: &Issue<'_>, bounds: Bounds) -> Result<Issued, Error> {
    let catalog = cx.catalog();
    let tenant = issue.grant.map_or_else(|| home(cx, issue.client), |grant| grant.tenant.clone());
    let bound = issue.client.tenant.as_ref();
    if catalog.shuts(tenant.as_str())
        || bound.is_some_and(|own| *own != tenant || catalog.shuts(own.as_str()))
    {
        return Err(Code::UnauthorizedClient
            .because("the user directory is switched off, or this application no longer belongs to it")
            .into());
    }
    let holder = holder(cx, issue.client)?;
    let confirmation = holder.map(Holder::to_bytes);
    let agreed = issue.grant.map_or(&[][..], |grant| &grant.details.authorization_details);
    let meant = authorization_details::resources(cx, agreed);
    let target = catalog.target(issue.resources, &meant, issue.scope, issue.grant.is_some())?;
    let format = bounds.format.unwrap_or(target.format);
    let own = lifetime(cx, issue.client, target.lifetime, format);
    let lifetime = bounds.until.map_or(own, |until| own.min(until - cx.now));
    let scope_text = target.scope.to_text();
    let authorization_details = authorization_details::for_audience(cx, agreed, &target.audience);
    let subject = match issue.grant {
        Some(grant) => subject::pairwise(cx, issue.client, &grant.user)?,
        None => None,
    };
    let beside = ForAccessToken {
        authorization_details: &authorization_details,
        subject,
        acr: issue.grant.and_then(|grant| acr::said_still(cx, &grant.details, grant.proven_at())),
        with_acr: catalog.asks_acr(),
        elsewhere: !issue.resources.is_empty(),
    };
    let details = Details::for_access_token(issue.grant, issue.client, beside);
    // Drawn at once: a draw costs the same for an id and a nonce as for either.
    let random: [u8; 22] = cx.random();
    let token = AccessToken {
        id: TokenId(Id::new(cx.now_ms, std::array::from_fn(|at| random[at]))),
        client: issue.client.id.as_str(),
        user: issue.grant.map(|grant| grant.user.as_str()),
        tenant: tenant.as_str(),
        grant: issue.grant.map(|grant| grant.id),
        scope: &scope_text,
        audience: target.audience,
        issued_at: cx.now,
        expires_at: cx.now + lifetime,
        auth_time: issue.grant.and_then(Grant::proven_at),
        confirmation: confirmation.as_deref(),
        details: &details,
    };
    let access_token = match format {
        TokenFormat::Sealed => access::seal(cx, &token, std::array::from_fn(|at| random[10 + at]), cx.now)?,
        TokenFormat::Jwt => access::sign(cx, &token, target.algorithm, cx.now)?,
    };
    let expires_at = token.expires_at;
    let (scope, token_type) = (target.scope.into_owned(), holder.map_or("Bearer", Holder::token_type));
    let expires_in = lifetime;
    Ok(Issued { access_token, expires_in, expires_at, scope, scope_text, token_type, authorization_details })
}

/// What an access token of this request is bound to: the key that the caller showed, else its certificate where the client
/// asked for that. A client that must have bound tokens gets no others (RFC 9449 §5.2, RFC 8705 §3.4, FAPI 2.0 §5.3.2.1).
pub fn holder(cx: &Context, client: &Client) -> Result<Option<Holder>, Denial> {
    let binding = &client.profile.binding;
    let by_certificate = binding.tls_client_certificate_bound_access_tokens;
    may_prove(client, cx.caller.key_algorithm)?;
    match (cx.caller.key, cx.caller.certificate) {
        (Some(key), _) => Ok(Some(Holder::Key(key))),
        // RFC 9449 §5: `invalid_dpop_proof` is about a proof that came.
        (None, _) if binding.dpop_bound_access_tokens => {
            Err(Code::InvalidRequest
                .because("send a DPoP proof: this client gets tokens bound to a key alone"))
        }
        (None, Some(own)) if by_certificate || client.is_fapi2() => Ok(Some(Holder::Certificate(own))),
        (None, _) if by_certificate => Err(Code::InvalidRequest
            .because("come with a certificate: this client gets tokens bound to its certificate alone")),
        (None, _) if client.is_fapi2() => Err(Code::InvalidRequest
            .because("send a DPoP proof or come with a certificate: this client has bound tokens alone")),
        (None, _) => Ok(None),
    }
}

/// FAPI 2.0 §5.4.1: whether a client may show its key by this algorithm.
pub fn may_prove(client: &Client, by: Option<Algorithm>) -> Result<(), Denial> {
    if by.is_none_or(|by| client.profile.security.takes(by)) {
        return Ok(());
    }
    Err(Code::InvalidDpopProof.because("sign the DPoP proof by PS256, ES256 or EdDSA"))
}

/// The same at a protected resource, of the client of a token; looked up where it matters alone.
pub async fn may_prove_by(cx: &Context, client: &str, by: Algorithm) -> Result<Result<(), Denial>, Fault> {
    if by != Algorithm::Rs256 {
        return Ok(Ok(()));
    }
    Ok(cx.client(client).await?.map_or(Ok(()), |client| may_prove(&client, Some(by))))
}

/// What the client, else the API, else the server says, within the bounds. A JWT cannot be called back from those who
/// verify it alone, so it never lives longer than a day.
fn lifetime(cx: &Context, client: &Client, api: Option<Seconds>, format: TokenFormat) -> Seconds {
    let opted = client.has(Compat::LongLivedAccessToken) && format == TokenFormat::Sealed;
    let longest = if opted { LONGEST_OPTED_ACCESS_TOKEN } else { LONGEST_ACCESS_TOKEN };
    client.access_token_lifetime.or(api).unwrap_or(cx.lifetimes().access_token).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_section_5_1_the_answer_is_one_object_with_the_access_token_in_it() {
        let response = TokenResponse {
            access_token: "vk_at_x-Y_z.0".to_owned(),
            token_type: "Bearer",
            expires_in: 300,
            refresh_token: Some("vk_rt_a".to_owned()),
            scope: "read".to_owned(),
            id_token: None,
            issued_token_type: None,
            authorization_details: Vec::new(),
        };
        let json: serde_json::Value = serde_json::from_slice(&response.to_json()).expect("JSON");
        let want = serde_json::json!({
            "access_token": "vk_at_x-Y_z.0", "token_type": "Bearer", "expires_in": 300, "refresh_token": "vk_rt_a",
            "scope": "read",
        });
        assert_eq!(json, want);
    }
}
