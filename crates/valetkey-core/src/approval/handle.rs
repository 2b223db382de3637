//! RFC 8628 §3.2, CIBA Core §7.3 — by what a client asks for the answer: `device_code`, `auth_req_id`

use crate::context::Context;
use crate::error::Fault;
use crate::ids::Id;
use crate::proof::dpop::Thumbprint;
use crate::seal::{self, Kind};
use crate::store::Approval;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandleKind {
    DeviceCode,
    AuthReqId,
}

impl HandleKind {
    const fn kind(self) -> Kind {
        match self {
            Self::DeviceCode => Kind::DeviceCode,
            Self::AuthReqId => Kind::AuthReqId,
        }
    }
}

/// Names the row that waits; its text is sealed and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handle {
    pub id: Id,
    pub client: String,
    /// RFC 9449: the key that must fetch the answer, where one was shown.
    pub key: Option<Thumbprint>,
    pub expires_at: Timestamp,
}

impl Handle {
    pub fn of(approval: &Approval, key: Option<Thumbprint>) -> Self {
        let client = approval.client.to_string();
        Self { id: approval.id, client, key, expires_at: approval.expires_at }
    }

    /// The same text each time, so that a client in ping mode knows it again (CIBA Core §10.2).
    pub fn seal(&self, cx: &Context, kind: HandleKind, asked_at: Timestamp) -> Result<String, Fault> {
        let nonce = seal::derived_nonce(kind.kind(), &[self.id.as_bytes()]);
        cx.keys().sealing_at(asked_at)?.seal(kind.kind(), nonce, self)
    }

    /// `None`: forged, damaged, or of the other kind.
    pub fn open(cx: &Context, kind: HandleKind, text: &str) -> Option<Self> {
        seal::open(cx.keys().sealing(), kind.kind(), text)?.record()
    }
}
