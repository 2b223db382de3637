//! What every management command begins with: the configured store, opened beside a server that may be running.

use super::Global;
use crate::clock::OsEntropy;
use crate::config::{DEFAULT_FILE, Loaded, Origin, Sources, variables};
use crate::home::Home;
use crate::wire;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;
use valetkey_core::audit::Actor;
use valetkey_core::context::{Caller, Context};
use valetkey_core::outbound::Entropy as _;

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
    /// Where a store that is only imagined stands.
    imagined: Option<PathBuf>,
}

impl Managed {
    pub(crate) async fn open(global: &Global) -> Result<Self> {
        Self::open_configured(&chosen(global)?).await
    }

    /// The same, but the store that is missing is made, so that a server can be furnished before its first start.
    pub(crate) async fn open_or_make(global: &Global) -> Result<Self> {
        let loaded = chosen(global)?;
        let home = Home::new(&loaded.config);
        if home.marker().exists() {
            return Self::open_configured(&loaded).await;
        }
        home.make_directory()?;
        // A server, or another such command, may be making it at this moment.
        let _lock = making_lock(&home).await?;
        Self::open_as(&loaded, wire::Opening::Server).await
    }

    /// The same, but where no store is an empty one is imagined: made elsewhere, and gone when it is closed.
    pub(crate) async fn open_or_imagine(global: &Global) -> Result<Self> {
        let mut loaded = chosen(global)?;
        let home = Home::new(&loaded.config);
        if home.marker().exists() || home.postgres.is_some() || home.database.exists() {
            return Self::open_configured(&loaded).await;
        }
        let mut unique = [0; 8];
        OsEntropy.fill(&mut unique);
        let directory = std::env::temp_dir().join(format!("valetkey-{:016x}", u64::from_be_bytes(unique)));
        loaded.config.data_dir.clone_from(&directory);
        (loaded.config.database_url, loaded.config.master_key) = (None, None);
        Home::new(&loaded.config).make_directory()?;
        match Self::open_as(&loaded, wire::Opening::Server).await {
            Ok(managed) => Ok(Self { imagined: Some(directory), ..managed }),
            Err(error) => {
                std::fs::remove_dir_all(directory).ok();
                Err(error)
            }
        }
    }

    pub(crate) async fn open_configured(loaded: &Loaded) -> Result<Self> {
        Self::open_as(loaded, wire::Opening::Existing).await
    }

    async fn open_as(loaded: &Loaded, opening: wire::Opening) -> Result<Self> {
        let home = Home::new(&loaded.config);
        // Only a JWT and a default resource name the issuer here; the server's own last word does.
        let issuer = loaded.config.issuer.clone().or_else(|| home.issuer());
        let issuer = issuer.unwrap_or_else(|| "http://localhost:8080".to_owned());
        let opened = wire::open(&loaded.config, &home, &issuer, opening).await?;
        let cx = Context::new(&opened.server, Caller::default());
        Ok(Self { cx, opened, imagined: None })
    }

    pub(crate) fn actor() -> Actor {
        Actor::Operator
    }

    /// Lets the database go in good order.
    pub(crate) async fn close(self) {
        self.opened.store.close().await;
        if let Some(directory) = self.imagined {
            std::fs::remove_dir_all(directory).ok();
        }
    }
}

/// Waits for whoever makes the store at this moment; a server that has made it goes on holding the lock.
async fn making_lock(home: &Home) -> Result<Option<wire::ServerLock>> {
    let mut tries = 0;
    loop {
        match wire::ServerLock::acquire(home.database_directory()) {
            Ok(lock) => return Ok(Some(lock)),
            Err(_) if home.marker().exists() => return Ok(None),
            Err(error) if tries >= 40 => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        tries += 1;
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

#[cfg(test)]
mod tests {
    use super::*;
    use valetkey_core::store::Page;

    fn global(dir: &Path) -> Global {
        Global { config: Vec::new(), data_dir: Some(dir.to_owned()), json: true }
    }

    #[tokio::test]
    async fn a_command_that_creates_makes_the_store_and_others_say_that_it_is_missing() {
        let dir = tempfile::tempdir().expect("a directory");
        let global = global(&dir.path().join("data"));
        let missing = Managed::open(&global).await.expect_err("nothing there").to_string();
        assert!(missing.contains("there is no database"), "{missing}");
        assert!(!dir.path().join("data").exists(), "asking leaves nothing behind");
        Managed::open_or_make(&global).await.expect("made").close().await;
        let managed = Managed::open(&global).await.expect("there");
        assert!(managed.cx.store.users(None, &Page::first(1)).await.expect("read").is_empty());
        managed.close().await;
        Managed::open_or_make(&global).await.expect("again").close().await;
    }

    #[tokio::test]
    async fn a_lost_database_is_not_made_anew_by_a_command() {
        let dir = tempfile::tempdir().expect("a directory");
        let global = global(dir.path());
        Managed::open_or_make(&global).await.expect("made").close().await;
        std::fs::remove_file(dir.path().join("valetkey.db")).expect("removed");
        let lost = Managed::open_or_make(&global).await.expect_err("a loss").to_string();
        assert!(lost.contains("missing"), "{lost}");
    }
}
