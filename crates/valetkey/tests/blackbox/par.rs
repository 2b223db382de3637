//! RFC 9126 — pushed authorization requests

use crate::support::{ISSUER, assert_error_page, assert_refused, disable_client, text, with, world};
use valetkey_testkit::{Browser, CLIENT_SECRET, Reply, TestApp};

const PAR: &str = "/oauth/par";
const GONE: &str = "good for a short time only";

async fn push(app: &TestApp, client: &str, fields: &[(&str, &str)]) -> Reply {
    app.post(PAR, Some((client, CLIENT_SECRET)), fields).await
}

/// A request of `app` for `read`, pushed.
async fn pushed(app: &TestApp) -> String {
    let reply = push(app, "app", &Browser::request("app", "read")).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    text(&reply.json(), "request_uri").to_owned()
}

#[tokio::test]
async fn rfc9126_section_2_2_a_pushed_request_is_answered_with_a_short_lived_reference_and_stores_nothing() {
    let app = world().await;
    let before = app.rows().await;
    let reply = push(&app, "app", &Browser::request("app", "read")).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (201, "no-store"));
    let json = reply.json();
    assert!(text(&json, "request_uri").starts_with("urn:ietf:params:oauth:request_uri:vk_pr_"), "{json}");
    assert!((5..600).contains(&json["expires_in"].as_i64().unwrap()), "{json}");
    assert_eq!(app.rows().await, before);
    let metadata = app.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["pushed_authorization_request_endpoint"], format!("{ISSUER}{PAR}"));
}

#[tokio::test]
async fn rfc9126_section_4_the_pushed_request_holds_and_what_the_browser_adds_does_not() {
    let app = world().await;
    let uri = pushed(&app).await;
    let mut browser = app.browser();
    let extra = [("client_id", "app"), ("request_uri", uri.as_str()), ("scope", "write"), ("state", "other")];
    let page = browser.authorize(&extra).await;
    let page = browser.log_in(&page, "alice", valetkey_testkit::PASSWORD).await;
    assert_eq!(page.checkboxes("scope"), ["read"]);
    let reply = browser.decide(&page, "allow", &["read"]).await;
    assert_eq!(reply.redirected()["state"], "the-state");
    let code = reply.redirected()["code"].clone();
    let reply = app.token("app", &valetkey_testkit::redemption(&code)).await;
    assert_eq!((reply.status.as_u16(), text(&reply.json(), "scope")), (200, "read"));
}

#[tokio::test]
async fn rfc9126_section_2_1_who_pushes_proves_itself_and_is_the_one_named() {
    let app = world().await;
    let request = Browser::request("app", "read");
    assert_refused(&app.post(PAR, None, &request).await, 401, "invalid_client", "no secret");
    assert_refused(
        &app.post(PAR, Some(("app", "wrong")), &request).await,
        401,
        "invalid_client",
        "wrong secret",
    );
    assert_refused(&push(&app, "other", &request).await, 400, "invalid_request", "another's id");
    let reply =
        app.call("POST", "/oauth/par?client_id=app").basic("app", CLIENT_SECRET).form(&request).send().await;
    assert_refused(&reply, 400, "invalid_request", "in the query");
    // A public client is known by its id alone, as at the token endpoint.
    let own = with(&with(&request, "client_id", Some("spa")), "redirect_uri", Some("https://spa.example/cb"));
    assert_eq!(app.post(PAR, None, &own).await.status, 201);
    // The name in the header is enough.
    assert_eq!(push(&app, "app", &with(&request, "client_id", None)).await.status, 201);
}

#[tokio::test]
async fn rfc9126_section_2_3_a_bad_request_is_refused_when_it_is_pushed() {
    let app = world().await;
    let request = Browser::request("app", "read");
    let uri = pushed(&app).await;
    for (name, value, error) in [
        ("redirect_uri", Some("https://evil.example/cb"), "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", None, "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("scope", Some("nothing-known"), "invalid_scope"),
        ("resource", Some("https://unknown.example"), "invalid_target"),
        ("prompt", Some("none login"), "invalid_request"),
        ("request_uri", Some(uri.as_str()), "invalid_request"),
        ("request", Some("a.b.c"), "invalid_request_object"),
    ] {
        assert_refused(&push(&app, "app", &with(&request, name, value)).await, 400, error, name);
    }
    let twice = [request.as_slice(), &[("state", "again")]].concat();
    assert_refused(&push(&app, "app", &twice).await, 400, "invalid_request", "state twice");
}

#[tokio::test]
async fn a_reference_that_does_not_hold_is_a_page_and_never_a_redirect() {
    let app = world().await;
    let uri = pushed(&app).await;
    let get = async |client: &str, uri: &str| {
        app.browser().authorize(&[("client_id", client), ("request_uri", uri)]).await
    };
    assert_eq!(get("app", &uri).await.status, 200);
    assert_error_page(&get("other", &uri).await, 400, "not understand", "another client");
    assert_error_page(&get("app", &crate::support::altered(&uri)).await, 400, "not understand", "forged");
    let code = app.browser().code("app", "read", "alice").await;
    let wrong_kind = format!("urn:ietf:params:oauth:request_uri:{code}");
    assert_error_page(&get("app", &wrong_kind).await, 400, "not understand", "a code");
    app.clock.advance(91);
    let expired = get("app", &uri).await;
    assert_error_page(&expired, 400, "not understand", "expired");
    assert!(expired.words().contains(GONE), "{}", expired.words());
    let uri = pushed(&app).await;
    disable_client(&app, "app").await;
    assert_error_page(&get("app", &uri).await, 400, "We do not know the app", "switched off");
}

#[tokio::test]
async fn a_request_uri_from_elsewhere_is_still_refused() {
    let app = world().await;
    let fields =
        with(&Browser::request("app", "read"), "request_uri", Some("https://app.example/request.jwt"));
    let reply = app.browser().authorize(&fields).await;
    assert_eq!(reply.redirected()["error"], "request_uri_not_supported");
}
