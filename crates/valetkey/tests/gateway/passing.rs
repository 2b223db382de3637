//! What passes through: bodies as they come, events, WebSockets, and the upstream's absence.

use crate::support::World;
use std::io::{Read, Write};

fn read_until(stream: &mut impl Read, end: &str) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with(end) {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "it ended before {end:?}: {text:?}");
        text.push(char::from(byte[0]));
    }
    text
}

#[test]
fn bodies_pass_whole_whatever_their_framing() {
    let world = World::start(&[]);
    let token = world.token("read");
    let head = format!(
        "POST /things/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
    );
    let reply = world.send(format!("{head}Content-Length: 5\r\n\r\nhello").as_bytes());
    assert!(reply.status == 200 && reply.body.ends_with("\r\n\r\nhello"), "{reply:?}");
    let reply = world
        .send(format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n").as_bytes());
    assert!(reply.status == 200 && reply.body.ends_with("\r\n\r\nhello"), "{reply:?}");
    let large = "x".repeat(1_000_000);
    let reply = world.send(format!("{head}Content-Length: {}\r\n\r\n{large}", large.len()).as_bytes());
    assert!(reply.status == 200 && reply.body.ends_with(&large), "{} {}", reply.status, reply.body.len());
    let reply = world.send(format!("{head}Content-Length: 99999999999\r\n\r\n").as_bytes());
    assert_eq!(reply.status, 413);
}

#[test]
fn events_arrive_while_the_answer_goes_on() {
    let world = World::start(&["GET /events read"]);
    let token = world.token("read");
    let mut stream = world.connect();
    let raw = format!("GET /things/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(raw.as_bytes()).unwrap();
    let head = read_until(&mut stream, "\r\n\r\n");
    assert!(head.contains("text/event-stream"), "{head}");
    // The upstream never ends its answer, so this could not be read if it were gathered first.
    read_until(&mut stream, "data: first one");
}

#[test]
fn rfc6455_section_4_a_websocket_passes_with_a_token_and_not_without() {
    let world = World::start(&["GET /socket read"]);
    let token = world.token("read");
    let ask = |headers: &str| {
        format!(
            "GET /things/socket HTTP/1.1\r\nHost: x\r\n{headers}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
    };
    let mut stream = world.connect();
    stream.write_all(ask("").as_bytes()).unwrap();
    assert!(read_until(&mut stream, "\r\n\r\n").starts_with("HTTP/1.1 401"));
    assert_eq!(world.upstream.received(), 0);

    let mut stream = world.connect();
    stream.write_all(ask(&format!("Authorization: Bearer {token}\r\n")).as_bytes()).unwrap();
    let head = read_until(&mut stream, "\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 101") && head.to_lowercase().contains("upgrade: websocket"), "{head}");
    for word in ["hello", "again"] {
        stream.write_all(word.as_bytes()).unwrap();
        assert_eq!(read_until(&mut stream, &word.to_uppercase()), word.to_uppercase());
    }
}

#[test]
fn an_upstream_that_is_down_is_a_502_in_words() {
    let world = World::start(&[]);
    let token = world.token("read");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    world.cli(&["api", "update", "things", "--upstream", &format!("http://{free}")]).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let mut reply = world.get_with("/things/x", &token);
    while reply.status == 200 {
        assert!(std::time::Instant::now() < deadline, "the change did not act");
        reply = world.get_with("/things/x", &token);
    }
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (502, Some("application/problem+json")),
        "{reply:?}"
    );
    assert!(!reply.body.contains("127.0.0.1"), "{}", reply.body);
}

#[test]
fn overlapping_rules_and_prefixes_are_refused_and_named() {
    let world = World::start(&["GET /a/{id} read"]);
    let create = |method: &str, path: &str, scope: &str| {
        world.cli(&[
            "endpoint", "create", "--api", "things", "--method", method, "--path", path, "--scope", scope,
        ])
    };
    for (method, path) in [("GET", "/a/b"), ("*", "/a/{x}"), ("HEAD", "/A/{y}"), ("GET", "/{*rest}")] {
        let refusal = create(method, path, "read").unwrap_err();
        assert!(
            refusal.contains("`GET /a/{id}`") && refusal.contains(&format!("`{method} {path}`")),
            "{refusal}"
        );
    }
    assert!(create("GET", "/b/../c", "read").unwrap_err().contains("segments"));
    assert!(
        create("GET", "/b", "unknown").unwrap_err().contains("`unknown` is not a scope of the API things")
    );
    let made = create("POST", "/a/{id}", "write").unwrap();
    let id = made["id"].as_str().unwrap();
    let listed = world.cli(&["endpoint", "list", "--api", "things"]).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    world.cli(&["endpoint", "delete", id]).unwrap();
    for (prefix, why) in [
        ("/things/x", "of the API things"),
        ("/Things", "of the API things"),
        ("/oauth/x", "the server's own"),
        ("/api", "the server's own"),
    ] {
        let refusal =
            world.cli(&["api", "create", "--id", "b", "--name", "B", "--prefix", prefix]).unwrap_err();
        assert!(refusal.contains(why), "{prefix}: {refusal}");
    }
}

/// A prefix below a path of the server would be shadowed by it, or shadow it.
#[test]
fn every_route_of_the_server_is_kept_from_apis() {
    use valetkey_core::manage::api::OWN_PATHS;
    use valetkey_web::router::{FALLBACK, ROUTES};
    let routes = ROUTES.iter().map(|route| route.path).chain(FALLBACK.map(|(path, _)| path));
    for path in routes.filter(|path| *path != "/") {
        let below =
            |own: &&str| path.strip_prefix(*own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        assert!(OWN_PATHS.iter().any(below), "{path} is missing in OWN_PATHS");
    }
}
