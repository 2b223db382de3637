//! What can be asked for: scopes with their words, and registered APIs. Small, and held in memory by every node.

use super::Write;
use crate::audit::Record;
use crate::error::Fault;
use crate::ids::{ApiId, EndpointId};
use crate::jose::SigningAlgorithm;
use crate::route::Method;
use crate::scope::Scope;
use crate::time::{Seconds, Timestamp};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A scope and what it means to the person who is asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeWords {
    pub name: String,
    /// What it lets an application do, as the end of "It would be able to …".
    pub description: String,
    #[serde(default)]
    pub detail: String,
    /// Given when a request asks for no scope at all.
    #[serde(default)]
    pub default: bool,
    /// Standard scopes are built in and cannot be deleted.
    #[serde(default)]
    pub standard: bool,
}

/// The form of an API's access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    #[default]
    Sealed,
    Jwt,
}

/// Who may do what at an API: a method and a path, and what a token needs there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRule {
    pub id: EndpointId,
    pub method: Method,
    /// A template below the API's prefix: `/things/{id}`, `/files/{*rest}`.
    pub path: String,
    /// All of them are needed.
    #[serde(default)]
    pub scopes: Scope,
    /// A user must stand behind the token: an application's own is refused.
    #[serde(default)]
    pub user: bool,
    /// RFC 9470 §3: how long ago the person may have proven who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Seconds>,
    /// RFC 9470 §3: one of these ways in which they did; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr: Vec<String>,
}

/// A resource server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    pub id: ApiId,
    pub name: String,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub upstream: String,
    /// Its resource indicator (RFC 8707 §2) and the audience of its tokens.
    pub resource: String,
    /// The scopes that mean something to it; empty: any.
    #[serde(default)]
    pub scopes: Scope,
    #[serde(default)]
    pub token_format: TokenFormat,
    #[serde(default)]
    pub signing_alg: SigningAlgorithm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<Seconds>,
    /// Empty: every request below the prefix needs a token for this API, and nothing more.
    #[serde(default)]
    pub endpoints: Vec<EndpointRule>,
    /// RFC 6750 §2.2 and §2.3: the token may come in the query or a form body. Off by default, for it ends up in logs.
    #[serde(default)]
    pub query_access_token: bool,
    /// The token itself goes to the upstream too.
    #[serde(default)]
    pub pass_token: bool,
    /// Browser mode: people sign in here and come back with a session; no token ever reaches the browser.
    #[serde(default)]
    pub browser: bool,
    /// What such a session may do; `None`: all scopes of the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_scope: Option<Scope>,
    /// The origins whose scripts may call it (Fetch Standard §3.3); `*` alone: any.
    #[serde(default)]
    pub cors_origins: Vec<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip)]
    pub version: i64,
}

impl Api {
    /// An API of that id for tokens with that audience; not behind the gateway, sealed tokens, any scope.
    pub fn new(id: impl Into<ApiId>, resource: impl Into<String>, now: Timestamp) -> Self {
        let id = id.into();
        Self {
            name: id.as_str().to_owned(),
            id,
            prefix: String::new(),
            upstream: String::new(),
            resource: resource.into(),
            scopes: Scope::default(),
            token_format: TokenFormat::default(),
            signing_alg: SigningAlgorithm::default(),
            access_token_lifetime: None,
            endpoints: Vec::new(),
            query_access_token: false,
            pass_token: false,
            browser: false,
            browser_scope: None,
            cors_origins: Vec::new(),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}

impl Api {
    /// What a session in a browser may do here; `None`: it serves no browsers.
    pub fn session_scope(&self) -> Option<&Scope> {
        let serves = self.browser && !self.prefix.is_empty();
        serves.then_some(self.browser_scope.as_ref().unwrap_or(&self.scopes))
    }
}

#[async_trait]
pub trait Catalog: Send + Sync {
    async fn scopes(&self) -> Result<Vec<ScopeWords>, Fault>;
    async fn create_scope(&self, scope: &ScopeWords, record: &Record) -> Result<Write, Fault>;
    async fn update_scope(&self, scope: &ScopeWords, record: &Record) -> Result<Write, Fault>;
    async fn delete_scope(&self, name: &str, record: &Record) -> Result<Write, Fault>;

    async fn apis(&self) -> Result<Vec<Api>, Fault>;
    /// `Conflict` where the id or the resource is taken.
    async fn create_api(&self, api: &Api, record: &Record) -> Result<Write, Fault>;
    /// Guarded by `api.version`.
    async fn update_api(&self, api: &Api, record: &Record) -> Result<Write, Fault>;
    async fn delete_api(&self, id: &ApiId, record: &Record) -> Result<Write, Fault>;
}
