//! Three servers on one database

use crate::support::{World, until};
use std::sync::Arc;

#[test]
fn a_revocation_anywhere_holds_everywhere() {
    let world = World::new();
    let nodes = [world.node(), world.node(), world.node()];
    let service = world.service();
    until("the client is known", || {
        nodes[1].post("/oauth/token", &service, "grant_type=client_credentials").status == 200
    });
    for round in 0..5 {
        let token = nodes[round % 3].token(&service);
        assert!(nodes.iter().all(|node| node.is_active(&service, &token)));
        let reply = nodes[(round + 1) % 3].post("/oauth/revoke", &service, &format!("token={token}"));
        assert_eq!(reply.status, 200);
        for node in &nodes {
            until("the token is dead", || !node.is_active(&service, &token));
        }
    }
    // From the command line, too.
    let token = nodes[0].token(&service);
    world.cli_with(&["token", "revoke"], &token, &[]).unwrap();
    for node in &nodes {
        until("the token is dead", || !node.is_active(&service, &token));
    }
}

#[test]
fn what_the_command_line_changes_every_server_acts_on() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let service = world.service();
    for node in &nodes {
        assert_eq!(node.post("/oauth/token", &service, "grant_type=client_credentials").status, 200);
    }
    world.cli(&["client", "disable", "service"]).unwrap();
    for node in &nodes {
        until("the client is refused", || {
            node.post("/oauth/token", &service, "grant_type=client_credentials").status == 401
        });
    }
    world.cli(&["scope", "create", "fresh", "--description", "See what is fresh"]).unwrap();
    for node in &nodes {
        until("the scope is known", || {
            node.get("/.well-known/oauth-authorization-server").body.contains("\"fresh\"")
        });
    }
    let keys = world.cli(&["key", "list"]).unwrap().as_array().unwrap().len();
    world.cli(&["key", "rotate"]).unwrap();
    assert!(world.cli(&["key", "list"]).unwrap().as_array().unwrap().len() > keys);
    until("both publish the same keys", || {
        nodes[0].get("/oauth/jwks").body == nodes[1].get("/oauth/jwks").body
    });
}

#[test]
fn rfc9700_section_4_14_2_racers_at_two_servers_get_one_successor() {
    let world = World::new();
    let nodes = [Arc::new(world.node()), Arc::new(world.node())];
    world
        .cli_with(
            &["user", "create", "--username", "alice", "--password-stdin"],
            "seven unrelated garden tools",
            &[],
        )
        .unwrap();
    let create =
        ["client", "create", "--name", "App", "--id", "app", "--compat", "password", "--secret-stdin"];
    let grants = ["--grant", "password", "--grant", "refresh_token"];
    world.cli_with(&[&create[..], &grants].concat(), "a-secret-of-24-characters", &[]).unwrap();
    // app:a-secret-of-24-characters
    let app = "Basic YXBwOmEtc2VjcmV0LW9mLTI0LWNoYXJhY3RlcnM=";
    let login =
        "grant_type=password&username=alice&password=seven+unrelated+garden+tools&scope=offline_access";
    until("the grant is known", || {
        nodes
            .iter()
            .all(|node| node.get("/.well-known/oauth-authorization-server").body.contains("\"password\""))
    });
    let mut reply = nodes[0].post("/oauth/token", app, login);
    for round in 0..10 {
        let token = reply.json()["refresh_token"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned();
        let racers: Vec<_> = (0..8)
            .map(|n| {
                let (node, token) = (Arc::clone(&nodes[n % 2]), token.clone());
                let form = format!("grant_type=refresh_token&refresh_token={token}");
                std::thread::spawn(move || node.post("/oauth/token", app, &form))
            })
            .collect();
        let mut replies: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        let successor = |reply: &crate::wire::Reply| reply.json()["refresh_token"].clone();
        let first = successor(&replies[0]);
        assert!(
            replies.iter().all(|reply| reply.status == 200 && successor(reply) == first),
            "round {round}"
        );
        reply = replies.swap_remove(0);
    }
}

#[test]
fn who_guesses_secrets_at_two_servers_has_no_more_tries_than_at_one() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let service = world.service();
    let ask = "grant_type=client_credentials";
    until("the client is known", || {
        nodes.iter().all(|node| node.post("/oauth/token", &service, ask).status == 200)
    });
    // service:wrong
    let wrong = "Basic c2VydmljZTp3cm9uZw==";
    for round in 0..30 {
        assert_eq!(nodes[round % 2].post("/oauth/token", wrong, ask).status, 401);
    }
    for node in &nodes {
        until("the right secret has to wait as well", || {
            node.post("/oauth/token", &service, ask).status == 401
        });
    }
}
