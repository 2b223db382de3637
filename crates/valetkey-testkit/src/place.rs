//! Where an application under test keeps its data: a SQLite file of its own, or a schema in a real PostgreSQL server.

use crate::builder::Builder;
use crate::parts::{TestClock, TestHasher};
use crate::postgres::{Cluster, Database, is_wanted};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use valetkey_core::context::{Caller, Context};
use valetkey_core::manage;
use valetkey_store::{Options, PostgresOptions, Store};

const DATABASE: &str = "valetkey.db";

/// An empty database, or one with keys.
#[derive(Debug)]
pub(crate) enum Place {
    File(TempDir),
    Schema(Database),
}

impl Place {
    /// A database with nothing in it.
    async fn empty() -> Self {
        if is_wanted() {
            return Self::Schema(Cluster::shared().database().await);
        }
        Self::File(tempfile::tempdir().expect("a directory"))
    }

    /// A database of its own, with keys where they need not be its own.
    pub(crate) async fn fresh(own_keys: bool) -> Self {
        let place = Self::empty().await;
        if own_keys {
            return place;
        }
        match &place {
            Self::File(directory) => {
                std::fs::write(directory.path().join(DATABASE), file_with_keys().await)
                    .expect("a copy of the database");
            }
            Self::Schema(database) => {
                place.open().await.close().await;
                let (from, to) = (&schema_with_keys().await.schema, &database.schema);
                let copy = ["keys", "changes", "audit"]
                    .map(|table| format!("INSERT INTO {to}.{table} SELECT * FROM {from}.{table};"))
                    .concat();
                let feed = format!("UPDATE {to}.feed SET seq = (SELECT seq FROM {from}.feed)");
                Cluster::shared().execute(&(copy + &feed)).await;
            }
        }
        place
    }

    pub(crate) async fn open(&self) -> Store {
        match self {
            Self::File(directory) => {
                let path = directory.path().join(DATABASE);
                Store::open(&Options { path, create: true, marker: None }).expect("a store")
            }
            Self::Schema(database) => {
                let options = PostgresOptions { url: database.url.clone(), create: true, marker: None };
                Store::connect(&options).await.expect("a store")
            }
        }
    }
}

/// Keys are made once, since an RSA key takes its time.
async fn furnished(place: &Place) {
    let (clock, hasher) = (Arc::<TestClock>::default(), Arc::<TestHasher>::default());
    let (server, store) = Builder::default().server(place, &clock, &hasher).await;
    manage::key::ensure(&Context::new(&server, Caller::default())).await.expect("keys");
    store.close().await;
}

async fn file_with_keys() -> &'static [u8] {
    static MADE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let make = || async {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(DATABASE);
        let place = Place::File(directory);
        furnished(&place).await;
        std::fs::read(path).expect("the database")
    };
    MADE.get_or_init(make).await
}

async fn schema_with_keys() -> &'static Database {
    static MADE: OnceCell<Database> = OnceCell::const_new();
    let make = || async {
        let database = Cluster::shared().database().await;
        furnished(&Place::Schema(database.clone())).await;
        database
    };
    MADE.get_or_init(make).await
}
