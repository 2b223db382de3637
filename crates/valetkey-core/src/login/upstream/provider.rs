//! OIDC Discovery §4, RFC 6749 §4.1.3, OIDC Core §5.3 — what is said between us and a provider

use super::Trouble;
use super::id_token::{self, Person};
use super::transaction::Transaction;
use crate::client::keys::{Keys, NoKeys};
use crate::context::Context;
use crate::jose::jws::Jws;
use crate::outbound::{Answer, Exchange};
use crate::secret::Secret;
use crate::upstream::{OurMethod, Provider, Upstream};
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use url::Url;

/// Bytes of metadata and keys, and of an answer to us.
const LARGEST_DOCUMENT: usize = 256 * 1024;
const LARGEST_ANSWER: usize = 64 * 1024;

/// Where a provider is spoken to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Endpoints {
    #[serde(default)]
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    jwks_uri: String,
    /// RFC 9207 §3.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// A token response, as far as it concerns us.
#[derive(Deserialize)]
pub(super) struct Tokens {
    access_token: String,
    #[serde(default)]
    id_token: Option<String>,
}

pub(super) async fn endpoints(cx: &Context, upstream: &Upstream) -> Result<Endpoints, Trouble> {
    match &upstream.provider {
        Provider::OAuth { authorize_url, token_url, userinfo_url } => Ok(Endpoints {
            issuer: String::new(),
            authorization_endpoint: authorize_url.clone(),
            token_endpoint: token_url.clone(),
            userinfo_endpoint: Some(userinfo_url.clone()),
            jwks_uri: String::new(),
            authorization_response_iss_parameter_supported: false,
        }),
        Provider::OpenId { issuer } => {
            let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            let bytes = cx.fetcher.document(&at, LARGEST_DOCUMENT).await?;
            let unread =
                Trouble::Untrue("the provider's metadata lack what OpenID Connect Discovery asks for");
            let found: Endpoints = serde_json::from_slice(&bytes).map_err(|_| unread)?;
            // OIDC Discovery §4.3: exactly.
            if found.issuer != *issuer {
                return Err(Trouble::Untrue("the provider's metadata are of another issuer"));
            }
            Ok(found)
        }
    }
}

/// OIDC Core §3.1.2.1 — where the browser goes.
pub(super) fn authorization_url(
    cx: &Context,
    upstream: &Upstream,
    endpoints: &Endpoints,
    transaction: &Transaction,
) -> Result<String, Trouble> {
    let wrong = Trouble::Untrue("the provider's authorization endpoint is no https address");
    let Ok(mut url) = Url::parse(&endpoints.authorization_endpoint) else { return Err(wrong) };
    let here = url.scheme() == "http" && upstream.issuer().starts_with("http://");
    if (url.scheme() != "https" && !here) || url.fragment().is_some() {
        return Err(wrong);
    }
    let redirect_uri = upstream.redirect_uri(cx);
    let challenge = transaction.challenge();
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &upstream.client_id)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("state", &transaction.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if !upstream.scope.is_empty() {
            query.append_pair("scope", &upstream.scope);
        }
        if upstream.is_openid() {
            query.append_pair("nonce", &transaction.nonce);
        }
        if transaction.fresh_since.is_some() {
            query.append_pair("prompt", "login").append_pair("max_age", "0");
        }
    }
    Ok(url.into())
}

/// RFC 9207 §2.4 — an answer that says whose it is must say ours; one of a provider that always says so must say it.
pub(super) fn check_iss(
    upstream: &Upstream,
    endpoints: &Endpoints,
    iss: Option<&str>,
) -> Result<(), Trouble> {
    let needed = endpoints.authorization_response_iss_parameter_supported;
    match iss {
        Some(iss) if upstream.is_openid() && iss != upstream.issuer() => {
            Err(Trouble::Untrue("iss of the answer is another issuer"))
        }
        None if needed => Err(Trouble::Untrue("iss is missing in the answer of a provider that sends it")),
        _ => Ok(()),
    }
}

/// RFC 6749 §4.1.3.
pub(super) async fn redeem(
    cx: &Context,
    upstream: &Upstream,
    endpoints: &Endpoints,
    transaction: &Transaction,
    code: &str,
) -> Result<Tokens, Trouble> {
    let redirect_uri = upstream.redirect_uri(cx);
    let secret = upstream.secret(cx)?;
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", transaction.verifier.as_str()),
    ];
    let own = secret.as_ref().filter(|_| upstream.auth_method != OurMethod::None);
    let authorization = match (upstream.auth_method, own) {
        (OurMethod::ClientSecretBasic, Some(secret)) => Some(basic(&upstream.client_id, secret)),
        (_, secret) => {
            form.push(("client_id", upstream.client_id.as_str()));
            form.extend(secret.map(|secret| ("client_secret", secret.expose())));
            None
        }
    };
    let exchange = Exchange {
        url: &endpoints.token_endpoint,
        form: Some(&form),
        authorization: authorization.as_ref(),
        limit: LARGEST_ANSWER,
    };
    let answer = cx.fetcher.exchange(&exchange).await?;
    json(&answer, "the provider did not redeem the code")
}

/// RFC 6749 §2.3.1: both halves are form-encoded first.
fn basic(id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| -> Cow<'_, str> {
        form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().into()
    };
    let pair = Secret::new(format!("{}:{}", encode(id), encode(secret.expose())));
    Secret::new(format!("Basic {}", BASE64.encode(pair.expose().as_bytes())))
}

fn json<T: serde::de::DeserializeOwned>(answer: &Answer, refused: &'static str) -> Result<T, Trouble> {
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|_| Trouble::Untrue(refused)),
        500.. | 429 => Err(Trouble::Away),
        _ => Err(Trouble::Untrue(refused)),
    }
}

/// Who it is: by the ID token, or by what a plain service says to the token's bearer.
pub(super) async fn person(
    cx: &Context,
    upstream: &Upstream,
    endpoints: &Endpoints,
    transaction: &Transaction,
    tokens: &Tokens,
) -> Result<Person, Trouble> {
    if !upstream.is_openid() {
        let claims = userinfo(cx, endpoints, tokens).await?;
        return id_token::person(&claims, &upstream.claims, None);
    }
    let text = tokens.id_token.as_deref().ok_or(Trouble::Untrue("the provider gave no ID token"))?;
    if !is_signed(cx, &endpoints.jwks_uri, text).await? {
        return Err(Trouble::Untrue("the ID token is not signed by a key of the provider"));
    }
    let (mut claims, auth_time) = id_token::read(text, upstream, transaction, cx.now)?;
    let wanted = [&upstream.claims.username, &upstream.claims.email];
    let asks = upstream.scope.split(' ').any(|name| name == "profile" || name == "email");
    if asks
        && wanted.iter().any(|name| !claims.contains_key(name.as_str()))
        && endpoints.userinfo_endpoint.is_some()
    {
        // What is nice to know; without it the person is known all the same.
        if let Ok(more) = userinfo(cx, endpoints, tokens).await {
            // OIDC Core §5.3.2: of somebody else, it must not be used.
            if more.get("sub") != claims.get("sub") {
                return Err(Trouble::Untrue("userinfo speaks of somebody else than the ID token"));
            }
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
    }
    id_token::person(&claims, &upstream.claims, auth_time)
}

/// Whether a key of the provider signed it.
async fn is_signed(cx: &Context, jwks_uri: &str, text: &str) -> Result<bool, Trouble> {
    let Some(jws) = Jws::read(text) else { return Ok(false) };
    Keys::At(jwks_uri).signed(cx, &jws).await.map_err(|why| match why {
        NoKeys::Away => Trouble::Away,
        NoKeys::Unread => Trouble::Untrue("the provider's keys cannot be read"),
    })
}

async fn userinfo(
    cx: &Context,
    endpoints: &Endpoints,
    tokens: &Tokens,
) -> Result<Map<String, Value>, Trouble> {
    let url =
        endpoints.userinfo_endpoint.as_deref().ok_or(Trouble::Untrue("the provider has no userinfo"))?;
    let bearer = Secret::new(format!("Bearer {}", tokens.access_token));
    let exchange = Exchange { url, form: None, authorization: Some(&bearer), limit: LARGEST_ANSWER };
    json(&cx.fetcher.exchange(&exchange).await?, "the provider's userinfo did not answer with an object")
}
