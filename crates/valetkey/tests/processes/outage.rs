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
