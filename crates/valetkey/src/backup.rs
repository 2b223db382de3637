//! Backup and restore of the configured store, with the clock and the entropy of this machine.

use crate::clock::{OsEntropy, SystemClock};
use crate::config::Config;
use crate::home::{Home, MasterKey};
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::backup::{About, BackupKey};
use valetkey_core::ids::Id;
use valetkey_core::outbound::{Clock as _, Entropy as _};
use valetkey_core::seal::SealingKey;
use valetkey_core::time::Timestamp;
use valetkey_store::{Head, Options, Place, PostgresOptions, Report};

/// Writes the configured store into a file.
pub(crate) async fn backup(config: &Config, file: &Path, force: bool) -> Result<Report> {
    let home = Home::new(config);
    let master = master(config, &home)?;
    let (id, now) = this_moment();
    // The schema is found out where it is read.
    let about = About { id, made_at: now, valetkey: env!("CARGO_PKG_VERSION").to_owned(), schema: 0 };
    let head = Head { about, key: BackupKey::new(random()), master: &master, nonce: random() };
    let place = place(&home, Some(home.marker().to_owned()));
    Ok(valetkey_store::backup(&place, file, force, head).await?)
}

/// Puts the configured store back to what a file says, and begins a new epoch.
pub(crate) async fn restore(config: &Config, file: &Path, force: bool) -> Result<Report> {
    let home = Home::new(config);
    let master = master(config, &home)?;
    let (id, at) = this_moment();
    let record = Record {
        id,
        at,
        event: Event::StoreRestored,
        actor: Actor::Operator,
        client: None,
        user: None,
        tenant: None,
        address: None,
        request: None,
        object: None,
        browser: None,
    };
    home.make_directory()?;
    Ok(valetkey_store::restore(file, &place(&home, None), force, &master, record).await?)
}

fn place(home: &Home, marker: Option<std::path::PathBuf>) -> Place {
    match &home.postgres {
        Some(url) => Place::Server(PostgresOptions { url: url.0.clone(), create: false, marker }),
        None => Place::File(Options { path: home.database.clone(), create: false, marker }),
    }
}

/// The key under which backups are made and opened. Never a new one.
fn master(config: &Config, home: &Home) -> Result<SealingKey> {
    let Some(key) = home.master_key(config)? else {
        bail!(
            "there is no master key: put the one of the store at {}, or give it as VALETKEY__MASTER_KEY__FILE",
            home.marker().display()
        );
    };
    sealing(&key)
}

fn sealing(key: &MasterKey) -> Result<SealingKey> {
    SealingKey::new("master".into(), Timestamp(0), key.bytes()).context("the master key")
}

fn this_moment() -> (Id, Timestamp) {
    let now_ms = SystemClock.now_ms();
    let id = Id::new(now_ms, random());
    (id, Timestamp(i64::try_from(now_ms / 1000).unwrap_or(i64::MAX)))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsEntropy.fill(&mut bytes);
    bytes
}
