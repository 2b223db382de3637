//! Contract 2.6 — the database away, cut off or silent: 503 and when to try again, and recovery by itself

use crate::support::{Line, Node, Wire, World, until};

/// What needs the database says that it is away; what does not goes on.
#[track_caller]
fn assert_away(node: &Node, service: &str, token: &str) {
    for (target, form) in
        [("/oauth/introspect", format!("token={token}")), ("/oauth/revoke", format!("token={token}"))]
    {
        let reply = node.post(target, service, &form);
        assert_eq!(reply.status, 503, "{target}: {reply:?}");
        assert_eq!(reply.json()["error"], "temporarily_unavailable", "{target}");
        assert_eq!(reply.header("retry-after"), Some("2"), "{target}");
    }
    let readiness = node.readiness();
    assert_eq!(readiness.status, 503, "{readiness:?}");
    assert_eq!(node.manage("/health/live").status, 200);
    assert_eq!(node.get("/oauth/jwks").status, 200);
    assert_eq!(node.get("/.well-known/openid-configuration").status, 200);
}

fn through(wire: Wire) {
    let world = World::new();
    let line = Line::new();
    let (away, home) = (world.node_at(&line.url(&world.url)), world.node());
    let service = world.service();
    let token = away.token(&service);
    let revoked = away.token(&service);
    assert!(away.is_active(&service, &token));
    for _ in 0..2 {
        line.set(wire);
        until("it knows that it is deaf", || {
            away.manage("/metrics").body.lines().any(|line| line == "valetkey_hearing 0")
        });
        assert_away(&away, &service, &token);
        assert_eq!(home.post("/oauth/revoke", &service, &format!("token={revoked}")).status, 200);
        line.set(Wire::Carries);
        until("it is ready again by itself", || away.is_ready());
        assert!(!away.is_active(&service, &revoked), "it has heard what it missed before it answered");
        assert!(away.is_active(&service, &token));
    }
}

#[test]
fn a_server_cut_off_from_its_database_says_so_and_comes_back() {
    through(Wire::Cut);
}

#[test]
fn a_server_whose_database_falls_silent_says_so_and_comes_back() {
    through(Wire::Swallows);
}

/// The database that answers after a failover may be another one: with a feed as long, and other things in it.
fn refilled(cut: impl Fn(&Line, &Node)) {
    let world = World::new();
    let line = Line::new();
    let node = world.node_at(&line.url(&world.url));
    let service = world.service();
    // The feed is in order: whoever has heard of this has heard of the client, and reads it no more.
    world.cli(&["scope", "create", "fresh", "--description", "See what is fresh"]).unwrap();
    until("the scope is known", || {
        node.get("/.well-known/oauth-authorization-server").body.contains("\"fresh\"")
    });
    until("the client is known", || {
        node.post("/oauth/token", &service, "grant_type=client_credentials").status == 200
    });
    world.execute("UPDATE clients SET disabled = 1, document = replace(document, '\"disabled\":false', '\"disabled\":true')");
    assert_eq!(
        node.post("/oauth/token", &service, "grant_type=client_credentials").status,
        200,
        "nobody told it"
    );
    cut(&line, &node);
    until("it has read everything anew", || {
        node.post("/oauth/token", &service, "grant_type=client_credentials").status == 401
    });
}

#[test]
fn after_an_outage_a_server_reads_everything_anew_whatever_the_feed_says() {
    refilled(|line, away| {
        line.set(Wire::Cut);
        until("it knows that it is deaf", || {
            away.manage("/metrics").body.lines().any(|line| line == "valetkey_hearing 0")
        });
        line.set(Wire::Carries);
    });
}

#[test]
fn after_connections_broke_a_server_reads_everything_anew_though_it_was_never_deaf() {
    refilled(|line, _| {
        line.set(Wire::Cut);
        line.set(Wire::Carries);
    });
}
