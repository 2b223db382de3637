//! Who calls is said by the gateway and by nobody else.

use crate::support::World;

/// Each line claims to be somebody, or something, that only the gateway may say.
const FORGED: &[&str] = &[
    "Remote-User: forged",
    "remote-user: forged",
    "REMOTE-USER: forged",
    "Remote_User: forged",
    "remote_user: forged",
    "REMOTE_USER: forged",
    "Remote.User: forged",
    "Remote~User: forged",
    "Remote-Groups: forged",
    "Remote-Scopes: forged",
    "Remote_Scopes: forged",
    "Remote-Client: forged",
    "Remote-Tenant: forged",
    "Remote-Identity: forged",
    "Remote_Identity: forged",
    "Remote-Email: forged",
    "Remote: forged",
    "X-Remote-User: forged",
    "X_Remote_User: forged",
    "X-Remote_User: forged",
    "X-Remote-Group: forged",
    "X-Forwarded-For: forged",
    "X_Forwarded_For: forged",
    "X-Forwarded-Host: forged",
    "X-Forwarded-Proto: forged",
    "X-Forwarded-User: forged",
    "X-Forwarded-Prefix: forged",
    "X-Forwarded-Uri: forged",
    "Forwarded: for=forged",
    "X-Real-IP: forged",
    "X-Client-IP: forged",
    "True-Client-IP: forged",
    "X-Original-URL: /forged",
    "X-Original-URI: /forged",
    "X-Rewrite-URL: /forged",
    "X-HTTP-Method-Override: FORGED",
    "X-HTTP-Method: FORGED",
    "X-Method-Override: FORGED",
    "X-Auth-Request-User: forged",
    "X-Request-Id: forged",
    "Cookie: vk_session=forged",
    "Cookie: a=1; vk_browser=forged",
    "Cookie: __Host-vk_session=forged; b=2",
    "Connection: Remote-User\r\nRemote-User: forged",
    "Connection: remote-identity, remote-scopes\r\nRemote-Scopes: forged",
    "Connection: X-Named\r\nX-Named: forged",
    "Keep-Alive: forged",
    "Proxy-Authorization: Basic forged",
    "Proxy-Connection: forged",
    "TE: forged",
    "Trailer: forged",
    "Upgrade: forged",
    "HTTP2-Settings: forged",
];

#[test]
fn nobody_else_says_who_calls_and_connection_headers_end_here() {
    let world = World::start(&["GET /{*rest} read"]);
    let token = world.token("read");
    for line in FORGED {
        let reply = world.get("/things/x", &format!("Authorization: Bearer {token}\r\n{line}\r\n"));
        assert_eq!(reply.status, 200, "{line}: {reply:?}");
        assert!(!reply.body.to_lowercase().contains("forged"), "{line}: {}", reply.body);
        assert!(!reply.body.contains(&token), "the token stays here: {}", reply.body);
        for said in [
            "remote-client: demo-service",
            "remote-scopes: read",
            "remote-tenant: default",
            "remote-identity: ey",
        ] {
            assert!(reply.body.contains(said), "{line}: {said}: {}", reply.body);
        }
        assert!(!reply.body.contains("remote-user"), "an application has no user: {}", reply.body);
        assert!(reply.body.contains("x-forwarded-for: 127.0.0.1\r\n"), "{}", reply.body);
    }
}

#[test]
fn an_answer_is_the_upstreams_but_for_what_is_ours() {
    let world = World::start(&[]);
    let token = world.token("read");
    let reply = world.get_with("/things/a/b%20c/?q=%2F&q=2", &token);
    assert_eq!((reply.status, reply.header("x-upstream")), (200, Some("yes")), "{reply:?}");
    assert!(reply.body.starts_with("GET /a/b%20c/?q=%2F&q=2 HTTP/1.1\r\n"), "{}", reply.body);
    assert!(reply.head.contains("theme=dark") && !reply.head.contains("vk_session"), "{}", reply.head);
    assert!(reply.header("content-security-policy").is_none(), "{}", reply.head);
    assert!(reply.header("x-request-id").is_some());
}

#[test]
fn rfc9728_section_3_and_5_1_a_client_finds_its_way_from_the_challenge() {
    let world = World::start(&["GET /a read", "GET /b write"]);
    let reply = world.get("/things/a", "");
    assert_eq!(reply.status, 401);
    let challenge = reply.header("www-authenticate").unwrap().to_owned();
    assert!(!challenge.contains("error="), "RFC 6750 §3.1: no error where no token was sent: {challenge}");
    let url = challenge.split_once("resource_metadata=\"").unwrap().1.trim_end_matches('"');
    let document = world.get(url.strip_prefix(&world.issuer).unwrap(), "").json();
    assert_eq!(document["resource"], format!("{}/things", world.issuer));
    assert_eq!(document["authorization_servers"][0], world.issuer);
    assert_eq!(document["scopes_supported"], serde_json::json!(["read", "write"]));
    assert_eq!(document["bearer_methods_supported"], serde_json::json!(["header"]));
    let refused = world.get_with("/things/b", &world.token("read"));
    assert_eq!((refused.status, refused.json()["error"].as_str()), (403, Some("insufficient_scope")));
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"write\""),
        "{challenge}"
    );
}

#[test]
fn rfc6750_section_2_3_a_token_in_query_or_form_only_where_opted_in() {
    let world = World::start_with(&[], &[], &["--compat", "query_access_token"]);
    let token = world.token("read");
    let reply = world.get(&format!("/things/x?a=1&access_token={token}&b=2"), "");
    assert!(reply.status == 200 && reply.body.starts_with("GET /x?a=1&b=2 HTTP/1.1\r\n"), "{reply:?}");
    assert!(!reply.body.contains("vk_at_"), "{}", reply.body);
    let form = format!("a=1&access_token={token}&b=2");
    let post = |headers: &str| {
        let raw = format!(
            "POST /things/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}Content-Length: \
             {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        world.send(raw.as_bytes())
    };
    let reply = post("");
    assert!(reply.status == 200 && reply.body.ends_with("\r\n\r\na=1&b=2"), "{reply:?}");
    let twice = post(&format!("Authorization: Bearer {token}\r\n"));
    assert_eq!((twice.status, twice.json()["error"].as_str()), (400, Some("invalid_request")));
    let twice = world.get(&format!("/things/x?access_token={token}&access_token={token}"), "");
    assert_eq!(twice.status, 400);
    let other = World::start(&[]);
    let token = other.token("read");
    assert_eq!(other.get(&format!("/things/x?access_token={token}"), "").status, 401, "not opted in");
    assert_eq!(other.get_with(&format!("/things/x?access_token={token}"), &token).status, 400, "two at once");
    assert_eq!(other.upstream.received(), 0);
}

#[test]
fn the_token_goes_on_only_where_the_api_wants_it() {
    let world = World::start_with(&[], &[], &["--pass-token"]);
    let token = world.token("read");
    let reply = world.get_with("/things/x", &token);
    assert!(reply.body.contains(&format!("authorization: Bearer {token}\r\n")), "{}", reply.body);
}
