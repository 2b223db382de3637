//! Who can sign in: users and the directories (tenants) they belong to.

use crate::claims::PersonClaims;
use crate::client::Client;
use crate::context::Server;
use crate::error::{Code, Denial};
use crate::ids::{TenantId, UserId};
use crate::image::Image;
use crate::settings::Accounts;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A user directory: the same name in two of them is two people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: TenantId,
    /// As people read it on the login page; empty only for `default`, which needs no name.
    pub name: String,
    /// Kept beside the document.
    #[serde(skip)]
    pub logo: Option<Image>,
    /// Nobody signs in, and what its users and clients hold is dead.
    pub disabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip)]
    pub version: i64,
}

impl Tenant {
    /// The directory that exists without anybody making it.
    pub fn unnamed() -> Self {
        Self {
            id: TenantId::default(),
            name: String::new(),
            logo: None,
            disabled: false,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            version: 0,
        }
    }
}

/// The directory of whoever names none: the client's own, else the one that was applied, else `default`.
pub fn home(server: &Server, client: &Client) -> TenantId {
    let applied = || server.in_force().applied.default_tenant.clone();
    client.tenant.clone().or_else(applied).unwrap_or_default()
}

/// The directory that a request means by `tenant_id`, if it is there, open, and this client may use it. Ids are compared
/// as they are: there are no two that differ in case alone.
pub fn asked(server: &Server, client: &Client, tenant_id: Option<&str>) -> Result<Arc<Tenant>, Denial> {
    let id = tenant_id.map_or_else(|| home(server, client), TenantId::from);
    let found = server.catalog().tenant(&id).cloned();
    let tenant = found.ok_or(Code::InvalidRequest.because(
        "tenant_id names no user directory of this server: use one that is registered here, or leave it out",
    ))?;
    if client.tenant.as_ref().is_some_and(|own| *own != id) {
        return Err(Code::UnauthorizedClient.because("this application belongs to another user directory"));
    }
    if tenant.disabled {
        return Err(Code::InvalidRequest.because("this user directory is switched off"));
    }
    Ok(tenant)
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub tenant: TenantId,
    pub username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub email_verified: bool,
    #[serde(default, skip_serializing_if = "PersonClaims::is_empty")]
    pub claims: PersonClaims,
    /// May administer the server.
    pub admin: bool,
    /// A PHC string (argon2id, or an imported scheme); `None`: the password cannot be used.
    #[serde(skip)]
    pub password: Option<String>,
    pub must_change_password: bool,
    pub disabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip)]
    pub version: i64,
}

impl User {
    /// The name under which a user is found: case does not tell two people apart.
    pub fn lookup_key(name: &str) -> String {
        name.trim().to_lowercase()
    }

    /// Whether the account's address is the very one that another vouches for: beside ASCII letters' case, byte for byte.
    pub fn has_address(&self, vouched: &str) -> bool {
        self.email.as_deref().is_some_and(|own| own.trim().eq_ignore_ascii_case(vouched.trim()))
    }

    /// Whether whoever says a name or an address, and proves nothing, means this account: `key` as of
    /// [`Self::lookup_key`]. Where strangers make accounts, an unproven address means nobody.
    pub fn is_meant_by(&self, key: &str, accounts: &Accounts) -> bool {
        Self::lookup_key(&self.username) == key || self.email_verified || !accounts.lets_sign_up(&self.tenant)
    }

    /// Whether somebody may be signed in to the account now: to look after it, if for nothing else.
    pub fn may_sign_in(&self) -> Result<(), Denial> {
        if self.disabled {
            return Err(Code::InvalidGrant.because("the user's account is disabled"));
        }
        if self.must_change_password {
            return Err(Code::InvalidGrant.because("the user must sign in and choose a new password first"));
        }
        Ok(())
    }

    /// Whether the account may hold tokens now. One of the conditions of the one gate: the store's consuming statements
    /// ask the same of the row they write beside.
    pub fn may_act(&self, accounts: &Accounts) -> Result<(), Denial> {
        self.may_sign_in()?;
        if self.lacks_verified_email(accounts) {
            return Err(Code::InvalidGrant.because("the user's e-mail address is not confirmed yet"));
        }
        Ok(())
    }

    /// Whether the operator wants the e-mail address proven, and it is not, or there is none.
    pub fn lacks_verified_email(&self, accounts: &Accounts) -> bool {
        accounts.require_verified_email && !(self.email_verified && self.email.is_some())
    }
}
