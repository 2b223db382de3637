//! Whose applications they are, in the developer portal.

use super::Write;
use crate::audit::Record;
use crate::client::Client;
use crate::error::Fault;
use crate::ids::{ClientId, Id, UserId};
use crate::image::Image;
use crate::time::Timestamp;
use async_trait::async_trait;

/// Somebody who may change an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub user: UserId,
    pub username: String,
    pub name: Option<String>,
    pub since: Timestamp,
}

/// What is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferKind {
    /// To own it too.
    Share,
    /// To own it alone.
    Transfer,
}

/// An ownership that waits for somebody to take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub id: Id,
    pub client: ClientId,
    /// As typed by who offers: shown to the owners whether or not there is such a person.
    pub username: String,
    /// The person of that name; nobody can take an offer to nobody.
    pub user: Option<UserId>,
    pub kind: OfferKind,
    pub offered_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The outcome of registering an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    Done,
    /// The id is taken.
    Exists,
    /// The person has as many as anybody may.
    Full,
}

/// The outcome of taking an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Done,
    /// The person has as many as anybody may.
    Full,
    /// Withdrawn, expired, another's, or who offered owns it no longer.
    Gone,
}

/// The outcome of removing an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    Done,
    /// An application is never left without one.
    Last,
    Unknown,
}

#[async_trait]
pub trait Owners: Send + Sync {
    /// Makes an application with its first owner, who has at most `most` then.
    async fn register_application(
        &self,
        client: &Client,
        owner: &UserId,
        most: u32,
        record: &Record,
    ) -> Result<Registered, Fault>;
    /// A person's, newest first; at most a thousand.
    async fn applications(&self, owner: &UserId) -> Result<Vec<Client>, Fault>;
    /// Oldest first.
    async fn owners(&self, client: &ClientId) -> Result<Vec<Owner>, Fault>;
    async fn is_owner(&self, client: &ClientId, user: &UserId) -> Result<bool, Fault>;
    /// Guarded: never the last one.
    async fn remove_owner(&self, client: &ClientId, user: &UserId, record: &Record)
    -> Result<Removal, Fault>;
    /// False where `offered_by` is no owner, or the application has `most` open offers. One to the same name takes the
    /// place of the one before.
    async fn make_offer(&self, offer: &Offer, most: u32, record: &Record) -> Result<bool, Fault>;
    /// An application's open offers, oldest first.
    async fn offers_of(&self, client: &ClientId, now: Timestamp) -> Result<Vec<Offer>, Fault>;
    /// A person's open offers, oldest first.
    async fn offers_to(&self, user: &UserId, now: Timestamp) -> Result<Vec<Offer>, Fault>;
    /// Guarded: still open, still offered by an owner, and within what a person may have. A transfer takes it from
    /// everybody else. `record.at` is now.
    async fn take_offer(&self, id: Id, user: &UserId, most: u32, record: &Record) -> Result<Taken, Fault>;
    /// Withdraws an offer of `client`, or, with `user`, declines one to them. False where there is none.
    async fn drop_offer(
        &self,
        id: Id,
        client: &ClientId,
        user: Option<&UserId>,
        record: &Record,
    ) -> Result<bool, Fault>;
    /// `update_client` with the picture that goes with it, or none.
    async fn set_logo(&self, client: &Client, logo: Option<&Image>, record: &Record) -> Result<Write, Fault>;
    /// An application's picture by its name.
    async fn logo(&self, name: &str) -> Result<Option<Vec<u8>>, Fault>;
}
