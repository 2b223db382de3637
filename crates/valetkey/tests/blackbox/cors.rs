//! RFC 10017, ASVS 3.4.2 — which answers a script of another origin may read

use crate::support::{service_token, text, world};
use valetkey_core::client::AuthMethod;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{CLIENT_SECRET, TestApp};

/// What the answer to a request from an origin allows.
async fn allowed(
    app: &TestApp,
    path: &str,
    origin: &str,
    id: &str,
    fields: &[(&str, &str)],
) -> (u16, String) {
    let call = app.call("POST", path).header("origin", origin).form(&[&[("client_id", id)], fields].concat());
    let reply = call.send().await;
    assert!(reply.headers.get("access-control-allow-credentials").is_none());
    assert_eq!(reply.header("vary"), "Origin", "{path} {origin}");
    (reply.status.as_u16(), reply.header("access-control-allow-origin").to_owned())
}

#[tokio::test]
async fn token_and_revocation_answers_are_read_by_the_clients_own_origin_only() {
    let app = world().await;
    app.client(NewClient {
        id: Some("many".to_owned()),
        auth_method: Some(AuthMethod::None),
        redirect_uris: vec!["https://a.example:8443/cb".to_owned(), "com.example.app:/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    let token = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    for (id, origin, own) in [
        ("spa", "https://spa.example", true),
        ("spa", "https://spa.example:443", false),
        ("spa", "http://spa.example", false),
        ("spa", "https://sub.spa.example", false),
        ("spa", "https://spa.example.evil.example", false),
        ("spa", "https://app.example", false),
        ("spa", "null", false),
        ("many", "https://a.example:8443", true),
        ("many", "https://a.example", false),
        ("many", "null", false),
    ] {
        let want = if own { origin } else { "" };
        let got = allowed(&app, "/oauth/token", origin, id, &token).await;
        assert_eq!(got, (400, want.to_owned()), "{id} {origin}: refusals are read too");
        let got = allowed(&app, "/oauth/revoke", origin, id, &[("token", "x")]).await;
        assert_eq!(got, (200, want.to_owned()), "{id} {origin}");
    }
    let reply = service_token(&app, &[]).await;
    assert!(
        reply.headers.keys().all(|name| !name.as_str().starts_with("access-control-")),
        "no origin, no word"
    );
}

#[tokio::test]
async fn public_documents_and_userinfo_are_read_by_anyone_and_pages_by_nobody() {
    let app = world().await;
    let tokens = app.browser().tokens("app", "openid", "alice").await;
    let bearer = text(&tokens, "access_token");
    for (method, path, want) in [
        ("GET", "/.well-known/oauth-authorization-server", "*"),
        ("GET", "/.well-known/openid-configuration", "*"),
        ("GET", "/oauth/jwks", "*"),
        ("GET", "/oauth/userinfo", "*"),
        ("GET", "/login", ""),
        ("GET", "/account", ""),
        ("GET", "/", ""),
        ("GET", "/oauth/authorize", ""),
        ("POST", "/oauth/introspect", ""),
        ("GET", "/nowhere", ""),
    ] {
        let call = app.call(method, path).header("origin", "https://evil.example").bearer(bearer);
        let reply = call.send().await;
        assert_eq!(reply.header("access-control-allow-origin"), want, "{path}");
        assert!(reply.headers.get("access-control-allow-credentials").is_none(), "{path}");
    }
    let introspect = app.call("POST", "/oauth/introspect").header("origin", "https://app.example");
    let reply = introspect.basic("app", CLIENT_SECRET).form(&[("token", bearer)]).send().await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn fetch_section_3_3_5_a_preflight_lets_the_protocol_through_and_names_no_client() {
    let app = world().await;
    for (path, want) in [
        ("/oauth/token", 204),
        ("/oauth/revoke", 204),
        ("/oauth/userinfo", 204),
        ("/oauth/jwks", 204),
        ("/.well-known/oauth-authorization-server", 204),
        ("/.well-known/openid-configuration", 204),
        ("/oauth/introspect", 405),
        ("/oauth/authorize", 405),
        ("/login", 405),
        ("/account", 405),
    ] {
        let call = app.call("OPTIONS", path).header("origin", "https://spa.example");
        let call = call.header("access-control-request-method", "POST");
        let reply = call.header("access-control-request-headers", "authorization").send().await;
        assert_eq!(reply.status, want, "{path}");
        if want == 204 {
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
            let allowed = "authorization, content-type, dpop, mcp-protocol-version";
            assert_eq!(reply.header("access-control-allow-headers"), allowed, "{path}");
            assert_eq!(reply.header("access-control-allow-methods"), "GET, POST", "{path}");
            assert_eq!(reply.body, "");
        }
    }
}
