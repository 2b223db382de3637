//! The one way to other people's servers: guarded against our own network, bounded in time and size, and it follows no
//! redirect.

use crate::secret::Secret;
use async_trait::async_trait;
use std::fmt::Debug;
use std::sync::Arc;

/// Why there is no answer. The words hold nothing of what was asked or answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfetched {
    #[error("it is no https address that may be asked")]
    BadAddress,
    #[error("its host leads to a private or special-use network address, which this server does not call")]
    Forbidden,
    #[error("its host has no network address")]
    Unresolved,
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it did not answer in time")]
    Late,
    #[error("its answer is too large")]
    TooLarge,
    #[error("it answered with a redirect, and none is followed")]
    Redirected,
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its answer is not JSON")]
    NotJson,
    #[error("too many questions are on their way: try again in a moment")]
    Busy,
}

/// One exchange that is never kept.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    pub url: &'a str,
    /// A form to post; `None`: a GET.
    pub form: Option<&'a [(&'a str, &'a str)]>,
    /// The whole value of the `Authorization` header.
    pub authorization: Option<&'a Secret>,
    /// The largest answer taken, in bytes.
    pub limit: usize,
}

/// A file of somebody nobody here vouches for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub url: &'a str,
    /// What is hoped for, as the `Accept` header says it.
    pub accept: &'static str,
    /// The most bytes.
    pub limit: usize,
    /// Whether one that was read before will do while it is fresh.
    pub kept: bool,
}

/// What was answered, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The media type without its parameters, in lower case.
    pub media_type: String,
    pub body: Vec<u8>,
}

/// Asks servers elsewhere. All that Valetkey asks on its own account goes through here.
#[async_trait]
pub trait Fetcher: Send + Sync + Debug {
    /// A public JSON document of at most `limit` bytes, answered with 200: from memory while it is fresh. Who asks the
    /// same at once shares one answer.
    async fn document(&self, url: &str, limit: usize) -> Result<Arc<[u8]>, Unfetched>;

    /// The same at an address that nobody here vouches for: however slow strangers' servers are, those that were
    /// registered are asked meanwhile.
    async fn strangers_document(&self, url: &str, limit: usize) -> Result<Arc<[u8]>, Unfetched>;

    /// Whatever a stranger's server answers with 200, of any media type: a picture, a signed request.
    async fn strangers_file(&self, wanted: &Wanted<'_>) -> Result<Arc<[u8]>, Unfetched>;

    /// Lets go of a document that has grown too old for its reader, unless it was fetched a moment ago: what strangers
    /// can bring about must not become a stream of questions. Where its server is away then, it goes on being used for as
    /// long as it was good.
    fn forget(&self, url: &str);

    /// Asks once, and keeps nothing.
    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<Answer, Unfetched>;

    /// Posts a JSON document, under the whole value of an `Authorization` header. Answers the status alone.
    async fn tell(&self, url: &str, authorization: &Secret, json: &[u8]) -> Result<u16, Unfetched>;
}

/// A fetcher that reaches nobody: for what has no business outside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

#[async_trait]
impl Fetcher for Nowhere {
    async fn document(&self, _: &str, _: usize) -> Result<Arc<[u8]>, Unfetched> {
        Err(Unfetched::Forbidden)
    }

    async fn strangers_document(&self, _: &str, _: usize) -> Result<Arc<[u8]>, Unfetched> {
        Err(Unfetched::Forbidden)
    }

    async fn strangers_file(&self, _: &Wanted<'_>) -> Result<Arc<[u8]>, Unfetched> {
        Err(Unfetched::Forbidden)
    }

    fn forget(&self, _: &str) {}

    async fn exchange(&self, _: &Exchange<'_>) -> Result<Answer, Unfetched> {
        Err(Unfetched::Forbidden)
    }

    async fn tell(&self, _: &str, _: &Secret, _: &[u8]) -> Result<u16, Unfetched> {
        Err(Unfetched::Forbidden)
    }
}
