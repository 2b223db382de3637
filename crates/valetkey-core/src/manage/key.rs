//! Signing, sealing and encryption keys: made at the first start, rotated by publishing before use (OIDC Core §10.1.1).

use super::{ManageError, refused};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::error::Fault;
use crate::ids::KeyId;
use crate::jose::jwe::decrypt::KeyKind;
use crate::jose::{self, SigningAlgorithm};
use crate::settings::{JWKS_MAX_AGE, SEALING_KEY_HEAD_START};
use crate::store::{KeyPurpose, StoredKey};
use crate::time::{Seconds, Timestamp};
use crate::token::keys::{SEALING_ALGORITHM, wrap};

/// Which keys to rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotate {
    Sealing,
    Signing(SigningAlgorithm),
    Encryption(KeyKind),
}

impl Rotate {
    pub const ALL: [Self; 6] = [
        Self::Sealing,
        Self::Signing(SigningAlgorithm::EdDsa),
        Self::Signing(SigningAlgorithm::Es256),
        Self::Signing(SigningAlgorithm::Rs256),
        Self::Encryption(KeyKind::Rsa),
        Self::Encryption(KeyKind::P256),
    ];

    const fn purpose(self) -> KeyPurpose {
        match self {
            Self::Sealing => KeyPurpose::Sealing,
            Self::Signing(_) => KeyPurpose::Signing,
            Self::Encryption(_) => KeyPurpose::Encryption,
        }
    }

    const fn algorithm(self) -> &'static str {
        match self {
            Self::Sealing => SEALING_ALGORITHM,
            Self::Signing(algorithm) => algorithm.name(),
            Self::Encryption(kind) => kind.name(),
        }
    }

    const fn head_start(self) -> Seconds {
        match self {
            // An encryption key is published once every node can read what comes for it.
            Self::Sealing | Self::Encryption(_) => SEALING_KEY_HEAD_START,
            // Who read the keys at the last moment may have read them at a node that had not heard yet.
            Self::Signing(_) => Seconds(JWKS_MAX_AGE.0 + SEALING_KEY_HEAD_START.0),
        }
    }
}

fn make(cx: &Context, what: Rotate, active_at: Timestamp) -> Result<StoredKey, Fault> {
    let id = KeyId::from(cx.new_id().to_string());
    let bytes = match what {
        Rotate::Sealing => cx.random::<32>().to_vec(),
        Rotate::Signing(algorithm) => jose::generate(algorithm)?,
        Rotate::Encryption(kind) => kind.generate()?,
    };
    let wrapped = wrap(&cx.master, &id, &bytes, cx.nonce())?;
    Ok(StoredKey {
        id,
        purpose: what.purpose(),
        algorithm: what.algorithm().to_owned(),
        wrapped,
        created_at: cx.now,
        active_at,
        retired_at: None,
    })
}

/// Makes the keys that are missing, active at once: nobody can hold anything older.
pub async fn ensure(cx: &Context) -> Result<(), Fault> {
    for what in Rotate::ALL {
        let have = |key: &StoredKey| key.purpose == what.purpose() && key.algorithm == what.algorithm();
        if cx.keys().stored().iter().any(have) {
            continue;
        }
        let key = make(cx, what, cx.now)?;
        let record = cx.record(Event::KeyCreated, Actor::System).object(&key.id);
        // Lost the race to another node: its key is as good.
        cx.store.add_keys(&[key], &[], None, &record).await?;
    }
    cx.reload_keys().await
}

/// Adds a key that takes over once everybody has heard of it, or at once in an emergency. Returns the new key.
pub async fn rotate(
    cx: &Context,
    actor: Actor,
    what: Rotate,
    at_once: bool,
) -> Result<StoredKey, ManageError> {
    let active_at = if at_once { cx.now } else { cx.now + what.head_start() };
    let key = make(cx, what, active_at)?;
    let stored = cx.store.keys().await?;
    let own: Vec<_> =
        stored.iter().filter(|k| k.purpose == what.purpose() && k.algorithm == what.algorithm()).collect();
    let retire: Vec<_> =
        own.iter().filter(|k| k.retired_at.is_none()).map(|k| (k.id.clone(), active_at)).collect();
    let record = cx.record(Event::KeyRotated, actor).object(&key.id);
    if !cx.store.add_keys(std::slice::from_ref(&key), &retire, own.last().map(|k| &k.id), &record).await? {
        return Err(refused("another rotation of the same key happened just now"));
    }
    cx.reload_keys().await?;
    Ok(key)
}
