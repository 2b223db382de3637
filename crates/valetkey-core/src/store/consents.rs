//! What a user lets a client do, remembered.

use super::Mark;
use crate::audit::Record;
use crate::error::Fault;
use crate::ids::{ClientId, UserId};
use crate::scope::Scope;
use crate::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// One user's standing answer to one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub user: UserId,
    pub client: ClientId,
    pub scope: Scope,
    pub granted_at: Timestamp,
    pub updated_at: Timestamp,
    /// A trusted issuer's word stands for it: the person was never asked, and so is asked in the browser.
    #[serde(default)]
    pub implied: bool,
}

impl Consent {
    /// Whether the person gave it.
    pub fn is_answer(&self) -> bool {
        !self.implied
    }
}

#[async_trait]
pub trait Consents: Send + Sync {
    async fn consent(&self, user: &UserId, client: &ClientId) -> Result<Option<Consent>, Fault>;
    async fn consents(&self, user: &UserId) -> Result<Vec<Consent>, Fault>;
    /// Replaces the answer (keeping `granted_at` of the first answer of the person's own), and forgets that they took one
    /// back. False where the user or client is disabled or gone.
    async fn record_consent(&self, consent: &Consent, record: &Record) -> Result<bool, Fault>;
    /// Forgets the answer, revokes every grant of the pair and writes `mark`, in one transaction. Where the record says that
    /// the person did it, no issuer's word implies consent any more until they give it themselves.
    /// False where there was neither consent nor live grant.
    async fn withdraw_consent(
        &self,
        user: &UserId,
        client: &ClientId,
        mark: &Mark,
        record: &Record,
    ) -> Result<bool, Fault>;
}
