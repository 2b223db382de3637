//! Registered applications.

use super::{Mark, Page, Write};
use crate::audit::Record;
use crate::client::Client;
use crate::error::Fault;
use crate::grant::GrantType;
use crate::ids::ClientId;
use crate::interaction::ResponseType;
use async_trait::async_trait;

#[async_trait]
pub trait Clients: Send + Sync {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, Fault>;
    /// By id.
    async fn clients(&self, page: &Page) -> Result<Vec<Client>, Fault>;
    /// Those of these grants that at least one client which is not disabled is registered for.
    async fn grants_in_use(&self, grants: &[GrantType]) -> Result<Vec<GrantType>, Fault>;
    /// Those of the response types through the browser that at least one client which is not disabled may have.
    async fn front_answers_in_use(&self) -> Result<Vec<ResponseType>, Fault>;
    async fn create_client(&self, client: &Client, record: &Record) -> Result<Write, Fault>;
    /// Guarded by `client.version`. `mark` takes back what was issued before, in the same transaction.
    async fn update_client(
        &self,
        client: &Client,
        mark: Option<&Mark>,
        record: &Record,
    ) -> Result<Write, Fault>;
    /// Its consents and grants go too; `mark` takes back its access tokens.
    async fn delete_client(&self, id: &ClientId, mark: &Mark, record: &Record) -> Result<Write, Fault>;
}
