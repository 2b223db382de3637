//! From SQLite to PostgreSQL while the server runs: nothing is lost, and nobody goes on writing where nobody looks

use crate::support::{World, until};

#[test]
fn a_running_installation_moves_and_its_tokens_stay_good() {
    let (world, old) = (World::new(), tempfile::tempdir().unwrap());
    let file = format!("sqlite:{}/valetkey.db", old.path().display());
    let here = [("VALETKEY__DATABASE_URL", file.as_str())];
    let create =
        ["client", "create", "--name", "Service", "--id", "service", "--grant", "client_credentials"];
    let more = ["--introspect", "--secret-stdin"];
    world.cli_with(&[&create[..], &more].concat(), "a-secret-of-24-characters", &here).unwrap();
    let service = "Basic c2VydmljZTphLXNlY3JldC1vZi0yNC1jaGFyYWN0ZXJz";
    let before = world.node_at(&file);
    let (token, revoked) = (before.token(service), before.token(service));
    before.post("/oauth/revoke", service, &format!("token={revoked}"));
    let keys = before.get("/oauth/jwks").body;

    let report = world.cli_with(&["migrate", "--to", "-"], &world.url, &here).unwrap();
    assert_eq!(
        (&report["rows"]["clients"], &report["rows"]["revocations"]),
        (&1.into(), &1.into()),
        "{report}"
    );

    // The old server goes on reading and refuses to write.
    assert!(before.is_active(service, &token));
    let refused = before.post("/oauth/revoke", service, &format!("token={token}"));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")), "{refused:?}");
    let closed = world.cli_with(&["client", "list"], "", &here).unwrap_err();
    assert!(closed.contains("was moved to postgres://") && !closed.contains("swordfish"), "{closed}");

    let after = world.node();
    assert_eq!(after.get("/oauth/jwks").body, keys);
    assert!(after.is_active(service, &token) && !after.is_active(service, &revoked));
    assert_eq!(after.post("/oauth/revoke", service, &format!("token={token}")).status, 200);
    until("the feed goes on where it stood", || !after.is_active(service, &token));

    let again = world.cli_with(&["migrate", "--to", "-"], &world.url, &here).unwrap_err();
    assert!(again.contains("was moved to"), "{again}");
}

#[test]
fn a_database_that_is_not_empty_takes_nothing_and_the_old_one_goes_on() {
    let (world, old) = (World::new(), tempfile::tempdir().unwrap());
    let file = format!("sqlite:{}/valetkey.db", old.path().display());
    let here = [("VALETKEY__DATABASE_URL", file.as_str())];
    let scope = ["scope", "create", "read", "--description", "See things"];
    world.cli_with(&scope, "", &here).unwrap();
    let _node = world.node();
    world.cli(&scope).unwrap();
    let refusal = world.cli_with(&["migrate", "--to", &world.url], "", &here).unwrap_err();
    assert!(refusal.contains("is not empty"), "{refusal}");
    world.cli_with(&["scope", "delete", "read"], "", &here).unwrap();
    let scopes = world.cli(&["scope", "list"]).unwrap();
    assert!(scopes.as_array().unwrap().iter().any(|scope| scope["id"] == "read"), "{scopes}");
}
