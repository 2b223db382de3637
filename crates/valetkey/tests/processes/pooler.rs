//! PgBouncer in transaction mode between servers and database

use crate::support::{World, until};
use std::cell::RefCell;
use valetkey_testkit::postgres::{Cluster, Pooler};

#[test]
fn a_pooler_in_transaction_mode_changes_nothing() {
    let pooler = RefCell::new(None);
    let world = World::behind(|role| {
        let started = Pooler::start(Cluster::shared(), role);
        let place = started.place();
        pooler.replace(Some(started));
        place
    });
    let nodes = [world.node(), world.node()];
    let service = world.service();
    until("the client is known", || {
        nodes
            .iter()
            .all(|node| node.post("/oauth/token", &service, "grant_type=client_credentials").status == 200)
    });
    for round in 0..20 {
        let token = nodes[round % 2].token(&service);
        assert!(nodes[(round + 1) % 2].is_active(&service, &token));
        assert_eq!(nodes[round % 2].post("/oauth/revoke", &service, &format!("token={token}")).status, 200);
        // Nobody is notified through it: the feed is read all the same.
        until("the token is dead", || !nodes[(round + 1) % 2].is_active(&service, &token));
    }
    world.cli(&["key", "rotate"]).unwrap();
    assert_eq!(world.cli(&["doctor"]).unwrap()["well"], true);
    assert!(nodes.iter().all(crate::support::Node::is_ready));
}
