//! What an upstream is told of the caller: five headers, the last of them signed.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use quick_cache::sync::Cache;
use valetkey_core::context::Server;
use valetkey_core::error::{Fault, FaultKind};
use valetkey_core::ids::{ApiId, TokenId};
use valetkey_core::store::Api;
use valetkey_core::time::{Seconds, Timestamp};
use valetkey_core::token::access::AccessToken;
use valetkey_core::token::identity;

const USER: HeaderName = HeaderName::from_static("remote-user");
const SCOPES: HeaderName = HeaderName::from_static("remote-scopes");
const CLIENT: HeaderName = HeaderName::from_static("remote-client");
const TENANT: HeaderName = HeaderName::from_static("remote-tenant");
const SIGNED: HeaderName = HeaderName::from_static("remote-identity");

/// Statements kept for the next call with the same token.
const KEPT: usize = 10_000;
/// A kept statement has at least this long to live, or it is made anew.
const LEFT: Seconds = Seconds(30);

#[derive(Debug, Clone)]
struct Statement {
    resource: String,
    scope: String,
    expires_at: Timestamp,
    value: HeaderValue,
}

/// Signed statements, each used for a while: a signature costs more than the rest of a request.
#[derive(Debug)]
pub(crate) struct Identities(Cache<(TokenId, ApiId), Statement>);

impl Default for Identities {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

/// What is said of applications without a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Nothing: what a caller said was stripped.
    Omitted,
    /// An empty header, so that a proxy that copies it overwrites what a caller said.
    Empty,
}

impl Identities {
    /// Says in `headers` who calls.
    pub(crate) fn identify(
        &self,
        (server, api): (&Server, &Api),
        token: &AccessToken<'_>,
        now: Timestamp,
        (headers, absent): (&mut HeaderMap, Absent),
    ) -> Result<(), Fault> {
        match token.user {
            Some(user) => headers.insert(USER, value(user)?),
            None if absent == Absent::Empty => headers.insert(USER, HeaderValue::from_static("")),
            None => None,
        };
        headers.insert(SCOPES, value(token.scope)?);
        headers.insert(CLIENT, value(token.client)?);
        headers.insert(TENANT, value(token.tenant)?);
        headers.insert(SIGNED, self.signed(server, api, token, now)?);
        Ok(())
    }

    fn signed(
        &self,
        server: &Server,
        api: &Api,
        token: &AccessToken<'_>,
        now: Timestamp,
    ) -> Result<HeaderValue, Fault> {
        let key = (token.id, api.id.clone());
        let fresh = |kept: &Statement| {
            kept.resource == api.resource
                && kept.scope == token.scope
                && (kept.expires_at >= now + LEFT || kept.expires_at == token.expires_at)
        };
        if let Some(kept) = self.0.get(&key).filter(fresh) {
            return Ok(kept.value);
        }
        let value = value(&identity::sign(server, api, token, now)?)?;
        let expires_at = (now + identity::LIFETIME).min(token.expires_at);
        let (resource, scope) = (api.resource.clone(), token.scope.to_owned());
        self.0.insert(key, Statement { resource, scope, expires_at, value: value.clone() });
        Ok(value)
    }
}

fn value(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text)
        .map_err(|_| Fault::bare(FaultKind::Corrupt, "an identifier cannot stand in a header"))
}
