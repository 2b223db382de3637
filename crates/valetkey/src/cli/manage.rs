//! What every management command begins with: the configured store, opened beside a server that may be running.

use super::Global;
use crate::config::{DEFAULT_FILE, Loaded, Origin, Sources, variables};
use crate::home::Home;
use crate::wire;
use anyhow::Result;
use std::path::{Path, PathBuf};
use valetkey_core::audit::Actor;
use valetkey_core::context::{Caller, Context};

/// Where `dev` keeps its data unless told otherwise.
pub(crate) const DEV_DIR: &str = "./valetkey-dev";

/// Reads the configuration that the global flags point to.
pub(crate) fn configuration(global: &Global) -> Result<Loaded> {
    Ok(Loaded::read(&sources(global))?)
}

/// Flags, environment and files; without `--config`, `valetkey.toml` of the working directory if it is there.
pub(crate) fn sources(global: &Global) -> Sources {
    let mut files = global.config.clone();
    if files.is_empty() && Path::new(DEFAULT_FILE).exists() {
        files.push(PathBuf::from(DEFAULT_FILE));
    }
    let dir =
        global.data_dir.as_ref().map(|dir| ("data_dir", "--data-dir", dir.to_string_lossy().into_owned()));
    Sources { files, variables: variables(), flags: dir.into_iter().collect() }
}

/// An open store and one moment's view of it, acting for the operator.
#[derive(Debug)]
pub(crate) struct Managed {
    pub(crate) cx: Context,
    opened: wire::Opened,
}

impl Managed {
    pub(crate) async fn open(global: &Global) -> Result<Self> {
        Self::open_configured(&chosen(global)?).await
    }

    pub(crate) async fn open_configured(loaded: &Loaded) -> Result<Self> {
        let home = Home::new(&loaded.config);
        // Only a JWT and a default resource name the issuer here; the server's own last word does.
        let issuer = loaded.config.issuer.clone().or_else(|| home.issuer());
        let issuer = issuer.unwrap_or_else(|| "http://localhost:8080".to_owned());
        let opened = wire::open(&loaded.config, &home, &issuer, wire::Opening::Existing).await?;
        let cx = Context::new(&opened.server, Caller::default());
        Ok(Self { cx, opened })
    }

    pub(crate) fn actor() -> Actor {
        Actor::Operator
    }

    /// Lets the database go in good order.
    pub(crate) async fn close(self) {
        self.opened.store.close().await;
    }
}

/// The configuration of a management command. Where nothing is configured and nothing is in the default place, but `dev`
/// has run here, that is what is meant.
pub(crate) fn chosen(global: &Global) -> Result<Loaded> {
    let mut loaded = configuration(global)?;
    let unsaid = ["data_dir", "database_url"].iter().all(|key| loaded.origin(key).is_none());
    if unsaid && !loaded.config.data_dir.exists() && Path::new(DEV_DIR).exists() {
        eprintln!("valetkey: using {DEV_DIR} (there is no {})", loaded.config.data_dir.display());
        loaded.config.data_dir = DEV_DIR.into();
    }
    Ok(loaded)
}

/// Where a configured value came from, for people.
pub(crate) fn named(origin: Option<&Origin>) -> String {
    origin.map_or_else(|| "default".to_owned(), ToString::to_string)
}
