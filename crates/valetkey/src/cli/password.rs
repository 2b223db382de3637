//! `valetkey hash-password`: the hash that would be stored.

use super::input;
use super::output::Answer;
use crate::clock::OsEntropy;
use crate::hasher::Argon2Hasher;
use anyhow::{Result, anyhow};
use serde_json::json;
use std::sync::Arc;
use valetkey_core::outbound::Hasher;

pub(crate) async fn run() -> Result<Answer> {
    let password = input::secret("Password")?;
    let hasher = Argon2Hasher::new(1, Arc::new(OsEntropy));
    let permit = hasher.reserve().await.map_err(|_| anyhow!("no hashing permit"))?;
    let hash = permit.hash(&password).await?;
    Ok(Answer::Text { text: format!("{hash}\n"), json: json!({"id": "argon2id", "hash": hash}) })
}
