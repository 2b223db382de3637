//! Paths, targets and methods that mean one thing to the judge and another to the judged: none of them arrives.

use crate::support::World;

/// What a token with `read` may not have is below `/admin`; everything here tries to get there, or elsewhere.
const PATHS: &[&str] = &[
    "/things/admin/x",
    "/things/admin",
    "/things/admin/",
    "/things/Admin/x",
    "/things/ADMIN",
    "/things/%61dmin/x",
    "/things/adm%69n/x",
    "/things/a%64min",
    "/things/%41DMIN/x",
    "/things//admin/x",
    "//things/admin/x",
    "/things/open//admin",
    "/things/open/../admin/x",
    "/things/open/..",
    "/things/open/./x",
    "/things/open/.",
    "/things/./admin/x",
    "/things/../things/admin/x",
    "/things/open/%2e%2e/admin/x",
    "/things/open/%2E%2E/admin/x",
    "/things/open/.%2e/admin/x",
    "/things/open/%2e./admin/x",
    "/things/open/%2e/x",
    "/things/open/..%2fadmin/x",
    "/things/open/..%2Fadmin/x",
    "/things/open%2f..%2fadmin/x",
    "/things/open/%2e%2e%2fadmin",
    "/things/open/..%5cadmin/x",
    "/things/open/..\\admin\\x",
    "/things/open\\..\\admin",
    "/things/open/%5c%2e%2e%5cadmin",
    "/things/open/..;/admin/x",
    "/things/open;/../admin/x",
    "/things/open/x;jsessionid=1",
    "/things/open/x%3b",
    "/things;/admin/x",
    "/things/open/%252e%252e/admin/x",
    "/things/open/%252e%252e%252fadmin",
    "/things/open/%25%32%65%25%32%65/admin",
    "/things/open/%25",
    "/things/open/%",
    "/things/open/%2",
    "/things/open/%zz",
    "/things/open/%u002e%u002e/admin",
    "/things/open/%00",
    "/things/open/x%00.html",
    "/things/open/%0d%0aHost:%20evil",
    "/things/open/%0a",
    "/things/open/%09",
    "/things/open/%7f",
    "/things/open/%c0%ae%c0%ae/admin",
    "/things/open/%c0%af..%c0%afadmin",
    "/things/open/%e0%80%ae%e0%80%ae/admin",
    "/things/open/%ff",
    "/things/open/%80",
    "/things/open/%ef%bc%8e%ef%bc%8e/admin",
    "/things/open/%ef%bc%8fadmin",
    "/things/open/%e2%88%95admin",
    "/things/%ef%bd%81dmin/x",
    "/things/admin%e2%80%8b/x",
    "/things/open/..%20/admin",
    "/things/open/...",
    "/things/admin./x",
    "/things/admin%20/x",
    "/things/%20admin/x",
    "/things/open/x%3f/../admin",
    "/things/open/x%23",
    "/things/open/\"x",
    "/things/open/<x>",
    "/things/open/{x}",
    "/things/open/|",
    "/things/open/^",
    "/things/open/`",
    "/THINGS/open/x",
    "/Things/admin/x",
    "/thingsopen/x",
    "/things.json",
    "/things/unknown",
    "/things",
    "http://x/things/open/x",
    "http://evil.example/things/admin/x",
    "https://x/things/open/x",
    "things/open/x",
    "*",
    "x:80",
];

#[test]
fn a_path_that_could_mean_something_else_reaches_nobody() {
    let world = World::start(&["GET /open/{*rest} read", "* /admin/{*rest} write"]);
    let token = world.token("read");
    assert_eq!(world.get_with("/things/open/x", &token).status, 200, "what is allowed arrives");
    assert!(PATHS.len() >= 60, "{}", PATHS.len());
    let before = world.upstream.received();
    for path in PATHS {
        let reply = world.get_with(path, &token);
        assert!((400..=405).contains(&reply.status), "{path}: {reply:?}");
        assert_eq!(world.upstream.received(), before, "{path} reached the upstream");
    }
    for path in PATHS {
        let reply = world.get(path, "");
        assert!((400..=405).contains(&reply.status), "{path} without a token: {reply:?}");
    }
    assert_eq!(world.upstream.received(), before);
}

#[test]
fn an_odd_method_or_framing_reaches_nobody() {
    let world = World::start(&["GET /open/{*rest} read", "* /admin/{*rest} write"]);
    let token = world.token("read");
    let before = world.upstream.received();
    for method in [
        "get", "Get", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "TRACK", "FOO",
        "PROPFIND", "G\tET", "*",
    ] {
        let raw = format!(
            "{method} /things/open/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        let reply = world.send(raw.as_bytes());
        assert!((400..=405).contains(&reply.status), "{method}: {reply:?}");
        assert_eq!(world.upstream.received(), before, "{method} reached the upstream");
    }
    let head = format!("GET /things/open/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    for framing in [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /things/admin/x HTTP/1.1\r\nHost: x\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "X: a\r\n Authorization: b\r\n\r\n",
        "X: a\0b\r\n\r\n",
    ] {
        let reply = world.send(format!("{head}Connection: close\r\n{framing}").as_bytes());
        let arrived = world.upstream.received() - before;
        let fine = reply.status == 200 && arrived <= 1 && !reply.body.contains("/admin");
        assert!((400..=405).contains(&reply.status) || fine, "{framing:?}: {reply:?}");
    }
}

#[test]
fn a_token_that_is_not_for_this_api_is_refused() {
    let world = World::start(&["GET /open/{*rest} read"]);
    let good = world.token("read");
    let mut forged = good.clone();
    forged.replace_range(20..21, if &good[20..21] == "A" { "B" } else { "A" });
    for (token, want) in [(&*forged, 401), ("vk_at_", 401), ("a.b.c", 401), ("x", 401), (&*good, 200)] {
        let reply = world.get_with("/things/open/x", token);
        assert_eq!(reply.status, want, "{token}: {reply:?}");
        if want == 401 {
            let challenge = reply.header("www-authenticate").unwrap();
            assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        }
    }
    let demo = format!("{}/demo", world.issuer).replace(':', "%3A").replace('/', "%2F");
    let elsewhere = world.post_token(&format!("grant_type=client_credentials&scope=read&resource={demo}"));
    let elsewhere = elsewhere["access_token"].as_str().unwrap();
    assert_eq!(world.get_with("/demo/x", elsewhere).status, 200);
    assert_eq!(world.get_with("/things/open/x", elsewhere).status, 401, "it was issued for another API");
    assert_eq!(world.get_with("/demo/x", &good).status, 401);
    world.cli(&["client", "disable", "demo-service"]).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while world.get_with("/things/open/x", &good).status != 401 {
        assert!(std::time::Instant::now() < deadline, "a revoked token is still good");
    }
}
