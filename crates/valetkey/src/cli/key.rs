//! `valetkey key`: signing, sealing and encryption keys.

use super::manage::Managed;
use super::output::{Answer, Column};
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::jose::jwe::decrypt::KeyKind;
use valetkey_core::manage::key::{self as commands, Rotate};
use valetkey_core::store::{KeyPurpose, StoredKey};
use valetkey_core::time::Timestamp;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show all; never the private halves
    List,
    /// Make new keys, which take over once everybody has heard of them
    Rotate(Rotation),
}

#[derive(Debug, Args)]
pub(crate) struct Rotation {
    /// sealing, EdDSA, ES256, RS256, RSA-OAEP-256, ECDH-ES or all
    #[arg(value_parser = which, default_value = "all")]
    what: Which,
    /// Use the new key at once: a key is known to others. Tokens are refused wherever it is not known yet
    #[arg(long)]
    now: bool,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    All,
    One(Rotate),
}

fn which(text: &str) -> Result<Which, String> {
    match text {
        "all" => Ok(Which::All),
        "sealing" => Ok(Which::One(Rotate::Sealing)),
        _ => SigningAlgorithm::parse(text)
            .map(|algorithm| Rotate::Signing(algorithm.key()))
            .or_else(|| KeyKind::parse(text).map(Rotate::Encryption))
            .map(Which::One)
            .ok_or_else(|| {
                "expected one of sealing, EdDSA, ES256, RS256, RSA-OAEP-256, ECDH-ES, all".to_owned()
            }),
    }
}

const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("purpose", "purpose"),
    ("algorithm", "algorithm"),
    ("state", "state"),
    ("active from", "active_at"),
    ("retired from", "retired_at"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let cx = &managed.cx;
    match command {
        Command::List => {
            let keys = cx.store.keys().await?;
            let json = keys.iter().map(|key| to_json(key, &keys, cx.now)).collect();
            Ok(Answer::Many {
                json,
                columns: COLUMNS,
                none: "There are no keys yet: `valetkey serve` makes them.",
            })
        }
        Command::Rotate(rotation) => {
            let what = match rotation.what {
                Which::All => Rotate::ALL.to_vec(),
                Which::One(one) => vec![one],
            };
            let mut made = Vec::new();
            for one in what {
                made.push(commands::rotate(cx, Managed::actor(), one, rotation.now).await?);
            }
            let keys = cx.store.keys().await?;
            let shown: Vec<Value> = made.iter().map(|key| to_json(key, &keys, cx.now)).collect();
            let table = Answer::Many { json: shown.clone(), columns: COLUMNS, none: "" }.to_text();
            let json = match shown.as_slice() {
                [one] => one.clone(),
                _ => json!({"id": "all", "keys": shown}),
            };
            Ok(Answer::Text { json, text: table })
        }
    }
}

/// `pending` until it is used, then `active` until the next of its kind is, then `retired`.
fn to_json(key: &StoredKey, all: &[StoredKey], now: Timestamp) -> Value {
    let same = |other: &&StoredKey| other.purpose == key.purpose && other.algorithm == key.algorithm;
    let newest = all.iter().filter(same).rfind(|other| other.active_at <= now);
    let state = match newest {
        _ if key.active_at > now => "pending",
        Some(newest) if newest.id != key.id => "retired",
        _ => "active",
    };
    let purpose = match key.purpose {
        KeyPurpose::Sealing => "sealing",
        KeyPurpose::Signing => "signing",
        KeyPurpose::Encryption => "encryption",
    };
    json!({
        "id": key.id,
        "purpose": purpose,
        "algorithm": key.algorithm,
        "state": state,
        "created_at": key.created_at,
        "active_at": key.active_at,
        "retired_at": key.retired_at,
    })
}
