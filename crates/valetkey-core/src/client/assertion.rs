//! RFC 7523 §2.2, RFC 7521 §4.2, OIDC Core §9 — a client proves itself by a statement signed with its own key

use super::compat::Compat;
use super::{AuthMethod, Client, keys};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::federation::{self, Distrust, Statement, Trust};
use crate::grant::GrantType;
use crate::jose::jws::Jws;
use crate::params::Params;
use crate::secret::digest_of;
use crate::settings::path;
use crate::time::{Seconds, Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// RFC 7523 §2.2, `client_assertion_type`.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far ahead of ours a client's clock may run (FAPI 2.0 §5.3.2.1).
const AHEAD: Seconds = Seconds(10);
/// The furthest end: as long must be remembered that it was used.
const LONGEST: Seconds = Seconds::minutes(65);

const UNTRUE: Denial = Code::InvalidClient.because(
    "the client_assertion does not hold: iss and sub are the client_id, aud is our issuer alone, exp is near, jti is new, and the client's key signed it",
);

/// RFC 7523 §3; `aud` as one string, the issuer and nothing else (RFC 10070, FAPI 2.0 §5.3.2.1).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

/// Who made the statement about whom.
#[derive(Deserialize)]
struct Parties {
    iss: String,
    sub: String,
}

/// A statement in a request, not yet believed.
#[derive(Debug)]
pub(super) struct Assertion<'a> {
    jws: Jws<'a>,
    text: &'a str,
    pub(super) client_id: String,
    /// Of another issuer about a workload, which is a client here.
    of_workload: bool,
}

/// The request's statement; `None` where it has none.
pub(super) fn read<'a>(params: &'a Params<'_>) -> Result<Option<Assertion<'a>>, Denial> {
    let (kind, text) = (params.one("client_assertion_type"), params.one("client_assertion"));
    let (kind, text) = match (kind, text) {
        (None, None) => return Ok(None),
        (Some(kind), Some(text)) => (kind, text),
        _ => {
            let detail = "client_assertion and client_assertion_type come together";
            return Err(Code::InvalidRequest.because(detail));
        }
    };
    if kind != TYPE {
        return Err(Code::InvalidClient.because(
            "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ));
    }
    let jws = Jws::read(text).ok_or(UNTRUE)?;
    let Parties { iss, sub } = jws.claims().ok_or(UNTRUE)?;
    let named = params.one("client_id");
    // RFC 7521 §4.2: client_id is not needed, but must agree. Another issuer knows nothing of it.
    let of_workload = iss != sub && named.is_some();
    match named {
        Some(id) if !of_workload && id != sub => {
            Err(Code::InvalidRequest.because("client_id differs from the one in the client_assertion"))
        }
        Some(id) => Ok(Some(Assertion { client_id: id.to_owned(), jws, text, of_workload })),
        None => Ok(Some(Assertion { client_id: sub, jws, text, of_workload })),
    }
}

impl Assertion<'_> {
    /// Whether it proves this client, now and for the first time.
    pub(super) async fn proves(&self, cx: &Context, client: &Client) -> Result<bool, Error> {
        if self.of_workload {
            return self.is_of_its_workload(cx, client).await;
        }
        let typed = !self.jws.has_type()
            || ["JWT", "client-authentication+jwt"].iter().any(|name| self.jws.is_of_type(name));
        let by = client.profile.security.takes_assertion(self.jws.algorithm);
        let fits = client.auth_method == AuthMethod::PrivateKeyJwt && typed && by;
        let Some(claims) = self.jws.claims::<Claims>().filter(|claims| fits && holds(cx, client, claims))
        else {
            return Ok(false);
        };
        // What cannot hold whoever signed it asks nobody for keys.
        if !keys::signed(cx, client, &self.jws).await? {
            return Ok(false);
        }
        let key = digest_of(&[b"client_assertion", client.id.as_str().as_bytes(), claims.jti.as_bytes()]);
        Ok(cx.store.spend(&key, Timestamp(claims.exp), cx.now).await?)
    }
}

impl Assertion<'_> {
    /// Whether another issuer's token is one of those that the operator said are this client's. It is made for a while, not
    /// for one request, and so it may come again until it ends.
    async fn is_of_its_workload(&self, cx: &Context, client: &Client) -> Result<bool, Error> {
        let own = &client.profile.federation.workload;
        if own.is_empty() || client.auth_method != AuthMethod::PrivateKeyJwt {
            return Ok(false);
        }
        match federation::verify(cx, self.text, Trust::Workloads).await {
            Ok(Statement { issuer, subject, claims, .. }) => {
                Ok(own.iter().any(|workload| workload.fits(&issuer.issuer, &subject, &claims)))
            }
            Err(Distrust::Failed(fault)) => Err(fault.into()),
            Err(Distrust::Unknown | Distrust::Untrue(_)) => Ok(false),
        }
    }
}

/// RFC 10070: the issuer alone. CIBA Core §7.1 says of a client that begins there that two addresses more must do, and such
/// clients come with them, as FAPI-CIBA's conformance tests do. FAPI 2.0 §5.3.2.1 forbids it to those that it speaks of: under
/// `fapi2` they do for a client that has CIBA and no codes. OIDC Core §9 wanted the token endpoint: an opt-in, with which the
/// older libraries' lists do too, where all in them is ours.
fn is_ours(cx: &Context, client: &Client, aud: &Value) -> bool {
    let codes = client.is_fapi2() && client.allows(GrantType::AuthorizationCode);
    let ciba = client.allows(GrantType::Ciba) && !codes;
    let older = client.has(Compat::TokenEndpointAudience);
    let settings = &cx.settings;
    let is_one = |aud: &str| {
        let is_at =
            |path: &str| aud == settings.url(path) || settings.mutual_tls.at(path).as_deref() == Some(aud);
        aud == settings.issuer() || (ciba || older) && is_at(path::TOKEN) || ciba && is_at(path::BACKCHANNEL)
    };
    match aud {
        Value::String(one) => is_one(one),
        Value::Array(all) if older => {
            !all.is_empty() && all.iter().all(|one| one.as_str().is_some_and(is_one))
        }
        // RFC 7519 §4.1.3: a list of one is that one. FAPI 2.0 §5.3.2.1 wants a string.
        Value::Array(all) => {
            matches!(all.as_slice(), [Value::String(one)] if !client.is_fapi2() && one == settings.issuer())
        }
        _ => false,
    }
}

fn holds(cx: &Context, client: &Client, claims: &Claims) -> bool {
    let soon = |at: Option<i64>| at.is_none_or(|at| Timestamp(at) <= cx.now + AHEAD);
    let ends = Timestamp(claims.exp);
    claims.iss == claims.sub
        && is_ours(cx, client, &claims.aud)
        && (ends > cx.now && ends <= cx.now + LONGEST)
        && soon(claims.iat)
        && soon(claims.nbf)
        && !claims.jti.is_empty()
        && cx.revoked.is_since(claims.iat.map(Timestamp), ends)
}
