//! Fetch Standard §3.3 — scripts of other origins: those that are listed, and never with credentials.

use crate::support::World;

const APP: &str = "https://app.example";

fn preflight(world: &World, origin: &str, method: &str) -> crate::wire::Reply {
    let raw = format!(
        "OPTIONS /things/open/x HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: {method}\r\n\
         Access-Control-Request-Headers: authorization,x-trace\r\nConnection: close\r\n\r\n"
    );
    world.send(raw.as_bytes())
}

#[test]
fn a_listed_origin_may_ask_without_a_token_and_read_the_answer() {
    let world = World::start_with(&["GET /open/{*rest} read"], &[], &["--cors-origin", APP]);
    let reply = preflight(&world, APP, "GET");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, Some(APP)), "{reply:?}");
    assert!(
        reply.header("access-control-allow-methods").is_some_and(|said| said.contains("GET")),
        "{reply:?}"
    );
    assert_eq!(reply.header("access-control-allow-headers"), Some("authorization,x-trace"), "{reply:?}");
    assert!(reply.head.to_lowercase().contains("vary: origin"), "{reply:?}");
    assert_eq!(world.upstream.received(), 0, "the API never sees it");
    let token = world.token("read");
    for (authorization, want) in [(format!("Authorization: Bearer {token}\r\n"), 200), (String::new(), 401)] {
        let reply = world.get("/things/open/x", &format!("Origin: {APP}\r\n{authorization}"));
        assert_eq!(
            (reply.status, reply.header("access-control-allow-origin")),
            (want, Some(APP)),
            "{reply:?}"
        );
        let exposed = reply.header("access-control-expose-headers").unwrap_or_default();
        assert!(exposed.contains("WWW-Authenticate"), "{reply:?}");
        assert!(reply.header("access-control-allow-credentials").is_none(), "{reply:?}");
        assert!(reply.head.to_lowercase().contains("vary: origin"), "{reply:?}");
    }
}

#[test]
fn any_other_origin_is_told_nothing() {
    let world = World::start_with(&["GET /open/{*rest} read"], &[], &["--cors-origin", APP]);
    let token = world.token("read");
    for origin in [
        "https://evil.example",
        "https://app.example.evil",
        "http://app.example",
        "null",
        "https://APP.example",
        "",
    ] {
        let reply = preflight(&world, origin, "GET");
        assert!(reply.status >= 400, "{origin}: {reply:?}");
        assert!(!reply.head.to_lowercase().contains("access-control"), "{origin}: {reply:?}");
        let reply =
            world.get("/things/open/x", &format!("Origin: {origin}\r\nAuthorization: Bearer {token}\r\n"));
        assert_eq!(reply.status, 200, "who is no browser is not kept away");
        assert!(!reply.head.to_lowercase().contains("access-control"), "{origin}: {reply:?}");
    }
    let silent = World::start(&["GET /open/{*rest} read"]);
    assert_eq!(preflight(&silent, APP, "GET").status, 401, "no origin is listed: a request like any other");
    let open = World::start_with(&["GET /open/{*rest} read"], &[], &["--cors-origin", "*"]);
    let reply = preflight(&open, "https://anybody.example", "GET");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, Some("*")), "{reply:?}");
    assert!(reply.header("access-control-allow-credentials").is_none(), "{reply:?}");
}

#[test]
fn an_origin_that_no_browser_would_send_is_refused_when_it_is_listed() {
    let world = World::start(&[]);
    for origin in ["https://app.example/", "app.example", "null", "https://*.example"] {
        let refusal = world.cli(&["api", "update", "things", "--cors-origin", origin]).unwrap_err();
        assert!(refusal.contains("an origin is scheme, host and port"), "{origin}: {refusal}");
    }
    assert!(world.cli(&["api", "update", "things", "--cors-origin", "*", "--cors-origin", APP]).is_err());
    let api = world.cli(&["api", "update", "things", "--cors-origin", APP]).unwrap();
    assert_eq!(api["cors_origins"], serde_json::json!([APP]));
    let api = world.cli(&["api", "update", "things", "--cors-origin", "none"]).unwrap();
    assert_eq!(api["cors_origins"], serde_json::json!([]));
}
