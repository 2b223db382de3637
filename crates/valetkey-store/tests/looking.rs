//! What discovery promises is looked up among few clients, however many there are.

use rusqlite::Connection;
use valetkey_core::client::Client;
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::store::{Clients as _, Write};
use valetkey_store::{Options, Store};
use valetkey_testkit::contract::{sample_client, sample_record};

#[tokio::test]
async fn no_more_clients_are_read_than_it_takes_to_know_what_is_in_use() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("valetkey.db");
    let store = Store::open(&Options { path: path.clone(), create: true, marker: None }).expect("a store");
    let grants = [GrantType::AuthorizationCode, GrantType::Implicit];
    let client =
        |id: &str, compat: Vec<Compat>| Client { grant_types: grants.to_vec(), compat, ..sample_client(id) };
    let add = async |client: Client| {
        let written = store.create_client(&client, &sample_record()).await.expect("the store answers");
        assert_eq!(written, Write::Done);
    };
    for at in 0..99 {
        add(client(&format!("c{at:02}"), Vec::new())).await;
    }
    add(client("d", vec![Compat::Implicit])).await;
    add(client("e", vec![Compat::Implicit])).await;
    // Whoever reads this one stumbles.
    let raw = Connection::open(path).expect("the same file");
    let spoilt = "UPDATE clients SET document = '\"authorization_code\" \"implicit\"' WHERE id = 'e'";
    assert_eq!(raw.execute(spoilt, []).expect("a statement"), 1);
    let found = store.grants_in_use(&grants).await.expect("the unreadable one is not read");
    assert_eq!(found, grants);
    let found = store.front_answers_in_use().await.expect("the unreadable one is not read");
    assert_eq!(found.len(), 6, "{found:?}");
    raw.execute("DELETE FROM clients WHERE id = 'd'", []).expect("a statement");
    assert!(store.front_answers_in_use().await.is_err(), "it is read where more is to be found");
}
