//! The store contract on real SQLite files.
#![expect(clippy::expect_used, reason = "a test that cannot begin must fail")]

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
