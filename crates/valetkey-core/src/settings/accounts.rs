//! What people may do about accounts of their own, and what an account must have.

use crate::ids::TenantId;
use crate::time::Seconds;

/// How long an address pauses from which too many accounts were made.
pub const SIGN_UP_PAUSE: Seconds = Seconds::hours(1);
/// How long a stretch is for which the sign-ups of the whole server are counted: short, or whoever fills it would keep
/// everybody out for long.
pub const SIGN_UP_BREATH: Seconds = Seconds::minutes(10);

/// What the operator says of people's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// The directories in which people make accounts for themselves.
    pub sign_up: Vec<TenantId>,
    /// Whether an account may be used for anything but its own pages only once its e-mail address is proven.
    pub require_verified_email: bool,
    /// The claims that people change of themselves; `None`: all that can be.
    pub editable_claims: Option<Vec<String>>,
    pub sign_up_limits: SignUpLimits,
}

/// How many accounts people may try to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignUpLimits {
    /// From one address, before it pauses for [`SIGN_UP_PAUSE`].
    pub address: u32,
    /// From one network, in each [`SIGN_UP_PAUSE`].
    pub network: u32,
    /// On the whole server, in each [`SIGN_UP_BREATH`].
    pub server: u32,
}

impl Default for SignUpLimits {
    fn default() -> Self {
        Self { address: 60, network: 600, server: 1_000 }
    }
}

impl Accounts {
    /// Whether strangers make accounts in this directory.
    pub fn lets_sign_up(&self, tenant: &TenantId) -> bool {
        self.sign_up.contains(tenant)
    }

    /// Whether people may change this claim of themselves.
    pub fn lets_edit(&self, claim: &str) -> bool {
        self.editable_claims.as_ref().is_none_or(|own| own.iter().any(|name| name == claim))
    }
}
