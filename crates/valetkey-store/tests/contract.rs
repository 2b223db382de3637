//! The store contract on real SQLite files, and on a real PostgreSQL server.
#![expect(clippy::expect_used, reason = "a test that cannot begin must fail")]

mod sqlite {
    use std::sync::Arc;
    use tempfile::TempDir;
    use valetkey_store::{Options, Store};
    use valetkey_testkit::contract::Handle;

    /// A fresh store, and the directory that it lives in.
    async fn open() -> (Handle, TempDir) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = Options { path: directory.path().join("valetkey.db"), create: true, marker: None };
        let store = Store::open(&options).expect("a fresh database opens");
        (Arc::new(store), directory)
    }

    valetkey_testkit::store_contract!(open);
}

mod postgres {
    use std::sync::Arc;
    use valetkey_store::{PostgresOptions, Store};
    use valetkey_testkit::contract::Handle;
    use valetkey_testkit::postgres::Cluster;

    /// A fresh store in a schema of its own.
    async fn open() -> (Handle, ()) {
        let database = Cluster::shared().database().await;
        let options = PostgresOptions { url: database.url, create: true, marker: None };
        let store = Store::connect(&options).await.expect("a fresh database opens");
        (Arc::new(store), ())
    }

    valetkey_testkit::store_contract!(open);
}
