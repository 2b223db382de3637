//! Who can sign in: users and the directories (tenants) they belong to.

use crate::error::{Code, Denial};
use crate::ids::{TenantId, UserId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

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

    /// Whether the account may sign in and hold tokens now. One of the conditions of the one gate:
    /// the store's consuming statements ask the same of the row they write beside.
    pub fn may_act(&self) -> Result<(), Denial> {
        if self.disabled {
            return Err(Code::InvalidGrant.because("the user's account is disabled"));
        }
        if self.must_change_password {
            return Err(Code::InvalidGrant.because("the user must sign in and choose a new password first"));
        }
        Ok(())
    }
}
