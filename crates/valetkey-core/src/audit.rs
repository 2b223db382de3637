//! Every security event, in one enum: what the audit trail can say.

use crate::ids::{ClientId, Id, TenantId, UserId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, Ordering};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    LoginSucceeded,
    LoginFailed,
    SessionEnded,
    LogoutNotDelivered,
    ConsentGiven,
    ConsentWithdrawn,
    ApprovalGiven,
    ApprovalDenied,
    CodeReplayed,
    RefreshTokenReused,
    TokenRevoked,
    GrantRevoked,
    ClientCreated,
    ClientUpdated,
    ClientSecretRotated,
    ClientDisabled,
    ClientEnabled,
    ClientDeleted,
    ClientSecretAdded,
    ClientSecretDeleted,
    ClientOwnershipOffered,
    ClientOwnershipDeclined,
    ClientOwnershipTaken,
    ClientOwnerRemoved,
    ClientReviewAsked,
    ClientApproved,
    ClientRejected,
    UserCreated,
    UserUpdated,
    /// The address was proven; the object is the provider that vouched for it.
    EmailVerified,
    UserDisabled,
    UserEnabled,
    UserDeleted,
    PasswordSet,
    PasswordChangeRequired,
    PasswordRehashed,
    AdminCreated,
    TenantCreated,
    TenantUpdated,
    TenantDisabled,
    TenantEnabled,
    TenantDeleted,
    UpstreamCreated,
    UpstreamUpdated,
    UpstreamDeleted,
    IssuerTrusted,
    IssuerUpdated,
    IssuerDeleted,
    TokenExchanged,
    IdentityLinked,
    IdentityUnlinked,
    ScopeCreated,
    ScopeUpdated,
    ScopeDeleted,
    ApiCreated,
    ApiUpdated,
    ApiDeleted,
    KeyCreated,
    KeyRotated,
    SettingsApplied,
    /// The store was put back to what it was; the object is the backup.
    StoreRestored,
    /// Something that only a newer version has words for.
    Unknown,
}

impl Event {
    /// The name under which the event is stored and printed.
    pub fn as_str(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The command line, on the machine itself.
    Operator,
    User(UserId),
    Client(ClientId),
    /// Nobody that we could name.
    Anonymous,
    /// Valetkey on its own account: sweeping, rotation, reuse detection.
    System,
}

/// One row of the audit trail. Holds ids, never a token, a code, a password or a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: Id,
    pub at: Timestamp,
    pub event: Event,
    pub actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What else identifies the thing: a scope's, API's, key's, grant's or session's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The browser that a person acted in, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
}

/// How many records one request has made: in the milliseconds of its present their ids sort as they came.
#[derive(Debug, Default)]
pub struct Order(AtomicU16);

impl Order {
    /// The id of the next record of a request of this moment.
    pub fn next(&self, now_ms: u64, random: [u8; 8]) -> Id {
        let mut rest = [0; 10];
        rest[..2].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        rest[2..].copy_from_slice(&random);
        Id::new(now_ms, rest)
    }
}

impl Clone for Order {
    fn clone(&self) -> Self {
        Self(AtomicU16::new(self.0.load(Ordering::Relaxed)))
    }
}
