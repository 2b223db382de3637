//! RFC 6749 §1.3.1 — authorization codes: the validated request and its answer, sealed; single use is the grant's primary key

use crate::context::Server;
use crate::error::Fault;
use crate::ids::{GrantId, SessionId};
use crate::proof::dpop::Thumbprint;
use crate::seal::{self, Kind, Opened, SealNonce};
use crate::time::Timestamp;
use crate::token::details::{self, Details};
use serde::{Deserialize, Serialize};

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code<'a> {
    /// The id of the grant that redeeming it will write.
    pub id: GrantId,
    pub client: &'a str,
    pub user: &'a str,
    pub tenant: &'a str,
    pub session: SessionId,
    pub redirect_uri: &'a str,
    pub scope: &'a str,
    #[serde(borrow)]
    pub resources: Vec<&'a str>,
    /// RFC 7636 §4.2, S256.
    pub challenge: &'a str,
    pub nonce: Option<&'a str>,
    /// RFC 9449 §10: the key that must redeem it.
    pub key: Option<Thumbprint>,
    /// Whether a refresh token may come of it: not where the person declined `offline_access`.
    pub lasting: bool,
    pub auth_time: Timestamp,
    pub expires_at: Timestamp,
    #[serde(with = "details::text")]
    pub details: Details,
}

impl Code<'_> {
    pub fn seal(&self, server: &Server, nonce: SealNonce, now: Timestamp) -> Result<String, Fault> {
        server.keys().sealing_at(now)?.seal(Kind::Code, nonce, self)
    }

    /// The same for an answer that waits in the store until its client fetches it: nothing that could be handed in as a
    /// code.
    pub fn seal_agreed(&self, server: &Server, nonce: SealNonce, now: Timestamp) -> Result<String, Fault> {
        server.keys().sealing_at(now)?.seal(Kind::Agreed, nonce, self)
    }
}

/// Opens a code; decode it by `Opened::record`.
pub fn open(server: &Server, text: &str) -> Option<Opened> {
    seal::open(server.keys().sealing(), Kind::Code, text)
}

/// Opens what waited in the store.
pub fn open_agreed(server: &Server, text: &str) -> Option<Opened> {
    seal::open(server.keys().sealing(), Kind::Agreed, text)
}
