//! What people may do about accounts of their own, and what an account must have.

use crate::time::Seconds;

/// How long an address pauses from which too many accounts were made.
pub const SIGN_UP_PAUSE: Seconds = Seconds::hours(1);

/// What the operator says of people's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// Whether people make accounts for themselves.
    pub sign_up: bool,
    /// Whether an account may be used for anything but its own pages only once its e-mail address is proven.
    pub require_verified_email: bool,
    /// The claims that people change of themselves; `None`: all that can be.
    pub editable_claims: Option<Vec<String>>,
}

impl Accounts {
    /// Whether people may change this claim of themselves.
    pub fn lets_edit(&self, claim: &str) -> bool {
        self.editable_claims.as_ref().is_none_or(|own| own.iter().any(|name| name == claim))
    }
}
