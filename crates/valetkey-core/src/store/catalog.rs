//! What can be asked for: scopes with their words, and registered APIs. Small, and held in memory by every node.

use super::Write;
use crate::audit::Record;
use crate::error::Fault;
use crate::ids::ApiId;
use crate::jose::SigningAlgorithm;
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
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip)]
    pub version: i64,
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
