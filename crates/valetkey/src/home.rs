//! The data directory: where its files are, the master key in it, and the name of the server it belongs to.

use crate::config::Config;
use crate::config::check::database_path;
use crate::config::permissions::check_private;
use crate::config::values::DatabaseUrl;
use anyhow::{Context as _, Result, bail};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use valetkey_core::outbound::Entropy;
use valetkey_core::secret::Secret;

/// Bytes of a master key (AES-256).
const KEY_LENGTH: usize = 32;

/// A data directory's files. None of them need be there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    pub(crate) database: PathBuf,
    /// The database server that is used instead of a file.
    pub(crate) postgres: Option<DatabaseUrl>,
    /// Only where no other master key is configured.
    key_file: PathBuf,
    /// Written after the database was made, where the master key comes from elsewhere.
    marker: PathBuf,
    issuer_file: PathBuf,
    own_key: bool,
}

impl Home {
    pub(crate) fn new(config: &Config) -> Self {
        let dir = config.data_dir.clone();
        let given = config.database_url.as_ref().and_then(|url| database_path(url).ok());
        let postgres = config.database_url.clone().filter(DatabaseUrl::is_postgres);
        Self {
            database: itself(given.map_or_else(|| dir.join("valetkey.db"), PathBuf::from)),
            postgres,
            key_file: dir.join("master.key"),
            marker: dir.join("initialized"),
            issuer_file: dir.join("issuer"),
            own_key: config.master_key.is_none(),
            dir,
        }
    }

    /// The directory of the database.
    pub(crate) fn database_directory(&self) -> &Path {
        self.database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Makes the data directory, for its owner alone, unless it is there.
    pub(crate) fn make_directory(&self) -> Result<()> {
        if self.dir.is_dir() {
            return Ok(());
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.dir);
        made.with_context(|| format!("cannot make the data directory {}", self.dir.display()))
    }

    /// The file that shows that there was a database here: while it stands, a missing database is a loss, not a start.
    pub(crate) fn marker(&self) -> &Path {
        if self.own_key { &self.key_file } else { &self.marker }
    }

    /// The master key that is there: the configured one, or the file's.
    pub(crate) fn master_key(&self, config: &Config) -> Result<Option<MasterKey>> {
        if let Some(configured) = &config.master_key {
            return MasterKey::parse(&configured.0).context("the configured master key").map(Some);
        }
        match std::fs::read_to_string(&self.key_file) {
            Ok(text) => {
                check_private(&self.key_file).map_err(anyhow::Error::msg)?;
                let text = Secret::new(text);
                MasterKey::parse(&text).with_context(|| self.key_file.display().to_string()).map(Some)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.key_file.display())),
        }
    }

    /// Makes a master key and its file. It is on the disk when this returns, and it never replaces one.
    pub(crate) fn make_master_key(&self, entropy: &dyn Entropy) -> Result<MasterKey> {
        let mut bytes = [0; KEY_LENGTH];
        entropy.fill(&mut bytes);
        let key = MasterKey(bytes);
        let text = Secret::new(format!("{}\n", BASE64.encode(&key.0)));
        create(&self.key_file, text.expose())
            .with_context(|| format!("cannot make {}", self.key_file.display()))?;
        Ok(key)
    }

    /// Says that the database was made. Nothing to do where the master key's file says it.
    pub(crate) fn mark(&self) -> Result<()> {
        let text =
            "While this file stands, a missing database is reported as a loss instead of being made anew.\n";
        match create(self.marker(), text) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("cannot make {}", self.marker().display()))
            }
            _ => Ok(()),
        }
    }

    /// The issuer of the server that ran here last.
    pub(crate) fn issuer(&self) -> Option<String> {
        std::fs::read_to_string(&self.issuer_file)
            .ok()
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    /// Remembers the issuer, so that management commands know it without a configuration. Returns the one before, if it
    /// was another.
    pub(crate) fn remember_issuer(&self, issuer: &str) -> Result<Option<String>> {
        let before = self.issuer();
        if before.as_deref() == Some(issuer) {
            return Ok(None);
        }
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&self.issuer_file);
        opened
            .and_then(|mut file| writeln!(file, "{issuer}"))
            .with_context(|| format!("cannot write {}", self.issuer_file.display()))?;
        Ok(before)
    }
}

/// The file that a link means: whoever comes by the link must meet the lock that stands beside the file.
fn itself(path: PathBuf) -> PathBuf {
    if path.is_symlink() { path.canonicalize().unwrap_or(path) } else { path }
}

/// Creates a file for its owner alone and writes it through to the disk, name and all.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// The key that wraps the keys in the database.
pub(crate) struct MasterKey([u8; KEY_LENGTH]);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl MasterKey {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads 32 bytes as base64 or hex. Text that is short by accident (a pass phrase) is refused, not stretched.
    fn parse(text: &Secret) -> Result<Self> {
        let text = text.expose().trim().as_bytes();
        let decoders = [&HEXLOWER_PERMISSIVE, &BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD];
        let decoded = decoders.into_iter().filter_map(|decoder| decoder.decode(text).ok());
        let Some(bytes) = decoded.into_iter().find_map(|bytes| bytes.try_into().ok()) else {
            bail!(
                "a master key is 32 random bytes as base64 or hex: make one with `openssl rand -base64 32`"
            );
        };
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::OsEntropy;
    use crate::config::values::SecretText;
    use std::os::unix::fs::PermissionsExt;

    fn home() -> (tempfile::TempDir, Config, Home) {
        let dir = tempfile::tempdir().expect("a directory");
        let config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        let home = Home::new(&config);
        (dir, config, home)
    }

    #[test]
    fn a_master_key_is_made_once_private_and_read_again() {
        let (_dir, config, home) = home();
        assert!(home.master_key(&config).expect("readable").is_none());
        let made = home.make_master_key(&OsEntropy).expect("made");
        assert!(home.make_master_key(&OsEntropy).is_err(), "it is never replaced");
        let read = home.master_key(&config).expect("readable").expect("there");
        assert_eq!(made.bytes(), read.bytes());
        let permissions = std::fs::metadata(home.marker()).expect("there").permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
        assert_eq!(format!("{made:?}"), "***");
    }

    #[test]
    fn a_master_key_that_everybody_can_read_is_refused() {
        let (_dir, config, home) = home();
        home.make_master_key(&OsEntropy).expect("made");
        std::fs::set_permissions(home.marker(), std::fs::Permissions::from_mode(0o644)).expect("mode");
        let refusal = home.master_key(&config).expect_err("open to all").to_string();
        assert!(refusal.contains("run `chmod 600"), "{refusal}");
    }

    #[test]
    fn a_master_key_has_32_bytes_however_it_is_written() {
        let bytes = [0xfb; KEY_LENGTH];
        for text in
            [BASE64.encode(&bytes), BASE64URL_NOPAD.encode(&bytes), HEXLOWER_PERMISSIVE.encode(&bytes)]
        {
            assert_eq!(MasterKey::parse(&Secret::new(format!("{text}\n"))).expect(&text).bytes(), bytes);
        }
        for text in ["", "swordfish", "this pass phrase has 32 letters!", &BASE64.encode(&bytes[1..])] {
            let refusal = MasterKey::parse(&Secret::new(text)).expect_err(text).to_string();
            assert!(refusal.contains("openssl rand") && (text.is_empty() || !refusal.contains(text)));
        }
    }

    #[test]
    fn a_configured_master_key_leaves_another_marker() {
        let (_dir, mut config, _) = home();
        config.master_key = Some(SecretText(Secret::new(BASE64.encode(&[1; KEY_LENGTH]))));
        let home = Home::new(&config);
        assert!(home.master_key(&config).expect("good").is_some() && !home.marker().exists());
        home.mark().expect("marked");
        home.mark().expect("again");
        assert!(home.marker().ends_with("initialized"));
    }

    #[test]
    fn a_link_to_a_database_means_the_file_and_the_lock_beside_it() {
        let (dir, mut config, home) = home();
        let elsewhere = tempfile::tempdir().expect("a directory");
        let link = elsewhere.path().join("link.db");
        std::os::unix::fs::symlink(&home.database, &link).expect("a link");
        config.database_url = Some(DatabaseUrl(format!("sqlite:{}", link.display())));
        assert_eq!(Home::new(&config).database, link, "to nothing yet");
        std::fs::write(&home.database, "x").expect("written");
        let real = dir.path().canonicalize().expect("there");
        assert_eq!(Home::new(&config).database_directory(), real);
    }

    #[test]
    fn a_changed_issuer_is_noticed() {
        let (_dir, _, home) = home();
        assert_eq!(home.remember_issuer("https://a.example").expect("written"), None);
        assert_eq!(home.remember_issuer("https://a.example").expect("written"), None);
        assert_eq!(
            home.remember_issuer("https://b.example").expect("written").as_deref(),
            Some("https://a.example")
        );
    }
}
