//! RFC 6749 §2.3 — client authentication: Basic, body, assertion, or none for public clients

mod guard;

pub use guard::{Guard, Pauses};

use super::assertion::{self, Assertion};
use super::compat::Compat;
use super::keys::Keys;
use super::noted::{Endpoint, Refused};
use super::{AuthMethod, Client, document};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::ids::Id;
use crate::params::Params;
use crate::secret::SecretHash;
use crate::time::Timestamp;
use data_encoding::BASE64;
use std::borrow::Cow;
use std::sync::Arc;

/// What the request said of itself.
#[derive(Debug)]
struct Credentials<'a> {
    id: Cow<'a, str>,
    proof: Proof<'a>,
}

#[derive(Debug)]
enum Proof<'a> {
    None,
    Secret { text: Cow<'a, str>, basic: bool },
    Assertion(Box<Assertion<'a>>),
}

const UNKNOWN: Denial =
    Code::InvalidClient.because("unknown client, wrong secret, or a method this client may not use");

/// RFC 6749 §2.3.
const TWICE: Denial = Code::InvalidRequest
    .because("prove yourself once: in the Authorization header, in the body, or by a client_assertion");

/// Finds out who is calling and whether it may call. Those of a user directory that is switched off may not.
pub async fn authenticate(
    cx: &Context,
    authorization: Option<&str>,
    params: &Params<'_>,
) -> Result<Arc<Client>, Error> {
    let client = prove(cx, authorization, params).await?;
    if client.tenant.as_ref().is_some_and(|own| cx.catalog().shuts(own.as_str())) {
        return Err(UNKNOWN.into());
    }
    Ok(client)
}

/// Finds out who is calling and whether it holds. Unknown clients, wrong secrets and disabled clients are answered alike.
/// For the token endpoint, where whoever belongs to a directory that is switched off is told so.
pub async fn prove(
    cx: &Context,
    authorization: Option<&str>,
    params: &Params<'_>,
) -> Result<Arc<Client>, Error> {
    let credentials = credentials(authorization, params)?;
    let address = cx.caller.address;
    if cx.wrong_secrets.is_paused(&credentials.id, address, cx.now) {
        return Err(Code::InvalidClient
            .because("too many wrong secrets from this address: wait a minute")
            .into());
    }
    let found = found(cx, &credentials.id).await?;
    let proven = match (&found, &credentials.proof) {
        (Some(client), Proof::Secret { text, basic }) if fits(client, *basic) => {
            let secret = proves(client, text, cx.now);
            if let Some(id) = secret.filter(|_| !client.disabled) {
                cx.noted.used(&client.id, id, cx.now);
            }
            secret.is_some()
        }
        (Some(client), Proof::Assertion(assertion)) => Box::pin(assertion.proves(cx, client)).await?,
        (Some(client), Proof::None) if client.auth_method.is_by_certificate() => {
            Box::pin(by_certificate(cx, client)).await?
        }
        (Some(client), Proof::None) => client.is_public() && !client.is_fapi2(),
        (None, Proof::Secret { text, .. }) => {
            // The same work as for a client that exists: no telling them apart by time.
            SecretHash([0; 32]).matches(text);
            false
        }
        (Some(_), Proof::Secret { .. }) | (None, _) => false,
    };
    match &found {
        Some(client) if proven && !client.disabled => Ok(Arc::clone(client)),
        _ => {
            cx.wrong_secrets.count_one(&credentials.id, address, cx.now);
            if let Some(client) = &found {
                let why = why(client, &credentials.proof, cx.now);
                cx.noted.refused(&client.id, Refused::at(Endpoint::Token, why), cx.now);
            }
            Err(UNKNOWN.into())
        }
    }
}

/// RFC 8705 §2: by the certificate of the connection, and by nothing in the request.
async fn by_certificate(cx: &Context, client: &Client) -> Result<bool, Error> {
    let Some(certificate) = &cx.certificate else { return Ok(false) };
    Ok(match client.auth_method {
        AuthMethod::TlsClientAuth => {
            if let Some(why) = certificate.unvouched {
                tracing::warn!(target: "valetkey::certificates", client = client.id.as_str(), why,
                    "a client's certificate is not vouched for");
            }
            certificate.unvouched.is_none() && client.profile.binding.names(certificate)
        }
        AuthMethod::SelfSignedTlsClientAuth => match Keys::of(client) {
            Some(keys) => keys.have(cx, certificate).await?,
            None => false,
        },
        _ => false,
    })
}

/// RFC 6749 §2.3.1: parameters must not come in the URL, where logs and histories keep them — but for a client with the
/// opt-in `query_credentials`. Judged before any secret is looked at.
pub async fn may_use_query(
    cx: &Context,
    authorization: Option<&str>,
    params: &Params<'_>,
) -> Result<(), Error> {
    const IN_THE_URL: Denial =
        Code::InvalidRequest.because("send the parameters in the form body, never in the URL");
    let credentials = credentials(authorization, params).map_err(|_| IN_THE_URL)?;
    match cx.registered(&credentials.id).await? {
        Some(client) if client.has(Compat::QueryCredentials) => Ok(()),
        _ => Err(IN_THE_URL.into()),
    }
}

/// Like `authenticate`, for endpoints that only confidential clients may use.
pub async fn authenticate_confidential(
    cx: &Context,
    authorization: Option<&str>,
    params: &Params<'_>,
) -> Result<Arc<Client>, Error> {
    let client = authenticate(cx, authorization, params).await?;
    if client.is_public() {
        return Err(Code::InvalidClient
            .because("this endpoint is for clients that can prove themselves")
            .into());
    }
    Ok(client)
}

/// Whom an id names. Where it is the address of a description, what is wrong with that one is said.
async fn found(cx: &Context, id: &str) -> Result<Option<Arc<Client>>, Error> {
    if document::is_address(id) {
        Box::pin(document::client_for(cx, id)).await.map(Some).map_err(document::away)
    } else {
        Ok(cx.registered(id).await?)
    }
}

fn fits(client: &Client, basic: bool) -> bool {
    match client.auth_method {
        // FAPI 2.0 §5.3.2.1, however it came to be registered.
        _ if client.is_fapi2() => false,
        AuthMethod::ClientSecret => true,
        AuthMethod::ClientSecretBasic => basic,
        AuthMethod::ClientSecretPost => !basic,
        AuthMethod::PrivateKeyJwt
        | AuthMethod::TlsClientAuth
        | AuthMethod::SelfSignedTlsClientAuth
        | AuthMethod::None => false,
    }
}

/// Which of the client's live secrets it is.
fn proves(client: &Client, secret: &str, now: Timestamp) -> Option<Id> {
    let hash = SecretHash::of(secret);
    let live = client.secrets.iter().filter(|own| own.is_live(now));
    // No early exit: every live secret is compared.
    live.fold(None, |found, own| if own.hash.equals(&hash) { Some(own.id) } else { found })
}

/// What was wrong, for the client's owners alone: the caller is not told.
fn why(client: &Client, proof: &Proof<'_>, now: Timestamp) -> Denial {
    let expired = |text: &str| {
        let hash = SecretHash::of(text);
        client.secrets.iter().any(|own| !own.is_live(now) && own.hash.equals(&hash))
    };
    Code::InvalidClient.because(match proof {
        _ if client.disabled => "the application is switched off",
        Proof::None if client.auth_method.is_by_certificate() => {
            "no certificate came with the connection, or it is not the one that this application is registered with"
        }
        Proof::None => "no client secret was sent",
        Proof::Assertion(_) => "the client assertion does not hold",
        Proof::Secret { .. } if client.is_public() => {
            "a client secret was sent, but a public application has none"
        }
        Proof::Secret { basic, .. } if !fits(client, *basic) => {
            "the client secret came in a way that this application is not registered for"
        }
        Proof::Secret { text, .. } if expired(text) => "the client secret has expired",
        Proof::Secret { .. } => "the client secret is none of this application's",
    })
}

fn credentials<'a>(
    authorization: Option<&'a str>,
    params: &'a Params<'_>,
) -> Result<Credentials<'a>, Denial> {
    let id = params.one("client_id");
    let secret = params.one("client_secret");
    let basic = authorization.and_then(basic_value);
    if let Some(assertion) = assertion::read(params)? {
        if secret.is_some() || basic.is_some() {
            return Err(TWICE);
        }
        return Ok(Credentials {
            id: assertion.client_id.clone().into(),
            proof: Proof::Assertion(Box::new(assertion)),
        });
    }
    let Some(basic) = basic else {
        // A stale Bearer header beside body credentials is tolerated: some clients send one.
        let Some(id) = id else {
            return Err(Code::InvalidClient
                .because("say who is calling: client_id and client_secret, by Basic or in the body"));
        };
        let proof = secret.map_or(Proof::None, |text| Proof::Secret { text: text.into(), basic: false });
        return Ok(Credentials { id: id.into(), proof });
    };
    // RFC 6749 §2.3: one method in a request.
    if secret.is_some() {
        return Err(TWICE);
    }
    let malformed =
        Code::InvalidClient.because("the Basic credentials are not base64 of client_id:client_secret");
    let decoded = BASE64
        .decode(basic.as_bytes())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(malformed)?;
    let (own_id, own_secret) = decoded.split_once(':').ok_or(malformed)?;
    let (own_id, own_secret) =
        (form_decode(own_id).ok_or(malformed)?, form_decode(own_secret).ok_or(malformed)?);
    if id.is_some_and(|id| id != own_id) {
        return Err(Code::InvalidRequest
            .because("client_id in the body differs from the one in the Authorization header"));
    }
    let proof = if own_secret.is_empty() {
        Proof::None
    } else {
        Proof::Secret { text: own_secret.into(), basic: true }
    };
    Ok(Credentials { id: own_id.into(), proof })
}

/// The credentials of `Authorization: Basic …` (RFC 7617 §2; the scheme's case does not matter).
fn basic_value(authorization: &str) -> Option<&str> {
    let (scheme, value) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| value.trim())
}

/// RFC 6749 §2.3.1: both halves are form-encoded first. Ours hold nothing that encoding changes, so clients
/// that forget it are understood as well.
fn form_decode(text: &str) -> Option<String> {
    if text.bytes().all(|b| b != b'%' && b != b'+') {
        return Some(text.to_owned());
    }
    let encoded = format!("v={}", text.replace('&', "%26"));
    form_urlencoded::parse(encoded.as_bytes()).next().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(authorization: Option<&str>, body: &str) -> Result<(String, Option<String>, bool), Code> {
        let params = Params::parse(body.as_bytes()).expect("valid text");
        credentials(authorization, &params)
            .map(|c| match c.proof {
                Proof::Secret { text, basic } => (c.id.into_owned(), Some(text.into_owned()), basic),
                _ => (c.id.into_owned(), None, false),
            })
            .map_err(|denial| denial.code)
    }

    #[test]
    fn rfc6749_section_2_3_one_method_and_one_client_id_in_a_request() {
        let basic = format!("Basic {}", BASE64.encode(b"app:s%2Bcret"));
        let app = |secret: Option<&str>, basic| Ok(("app".to_owned(), secret.map(str::to_owned), basic));
        for (header, body, want) in [
            (Some(basic.as_str()), "", app(Some("s+cret"), true)),
            (Some(basic.as_str()), "client_id=app", app(Some("s+cret"), true)),
            (Some(basic.as_str()), "client_id=other", Err(Code::InvalidRequest)),
            (Some(basic.as_str()), "client_secret=x", Err(Code::InvalidRequest)),
            (Some("Bearer stale"), "client_id=app&client_secret=x", app(Some("x"), false)),
            (None, "client_id=app", app(None, false)),
            (None, "", Err(Code::InvalidClient)),
            (Some("Basic !!!"), "", Err(Code::InvalidClient)),
            (Some("basic YXBwOg=="), "", app(None, false)),
            (None, "client_id=app&client_assertion=x", Err(Code::InvalidRequest)),
            (None, "client_assertion_type=x&client_assertion=x", Err(Code::InvalidClient)),
        ] {
            assert_eq!(read(header, body), want, "{header:?} {body}");
        }
    }
}
