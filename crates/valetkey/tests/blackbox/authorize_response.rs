//! RFC 6749 §4.1.2, OAuth 2.0 Form Post Response Mode — how the answer reaches the application

use crate::support::{ISSUER, with, world};
use std::collections::BTreeMap;
use valetkey_core::client::AuthMethod;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::Browser;

fn form_post() -> Vec<(&'static str, &'static str)> {
    let mut fields = Browser::request("app", "read");
    fields.push(("response_mode", "form_post"));
    fields
}

#[tokio::test]
async fn rfc6749_section_4_1_2_state_comes_back_byte_for_byte() {
    let app = world().await;
    let mut browser = app.browser();
    browser.code("app", "read", "alice").await;
    for state in [
        "a b",
        "a+b",
        "a%20b",
        "%",
        "&=;#?/",
        "\"'<>\\`",
        "<script>alert(1)</script>",
        "é漢字🔑",
        "\u{202e}rtl",
        "\u{200b}invisible",
        " both ends ",
        "a\tb",
        "line\r\nbreak",
        "{\"json\":[1]}",
        "a&error=x",
        "&amp;",
    ] {
        let request = with(&Browser::request("app", "read"), "state", Some(state));
        assert_eq!(browser.authorize(&request).await.redirected()["state"], state, "in the query");
        let mut request = with(&request, "response_mode", Some("form_post"));
        let page = browser.authorize(&request).await;
        assert_eq!(page.hidden("state").as_deref(), Some(state), "in a form");
        request.push(("prompt", "wrong"));
        assert_eq!(
            browser.authorize(&request).await.hidden("state").as_deref(),
            Some(state),
            "in an error form"
        );
    }
}

#[tokio::test]
async fn form_post_section_2_the_answer_travels_in_a_form_that_submits_itself_or_by_a_button() {
    let app = world().await;
    let mut browser = app.browser();
    browser.code("app", "read", "alice").await;
    let good = form_post();
    let bad = with(&good, "prompt", Some("wrong"));
    for (request, wanted) in
        [(good, vec!["code", "state", "iss"]), (bad, vec!["error", "error_description", "state", "iss"])]
    {
        let page = browser.authorize(&request).await;
        assert_eq!((page.status.as_u16(), page.location()), (200, ""));
        assert_eq!(page.header("cache-control"), "no-store");
        let csp = page.header("content-security-policy");
        assert!(csp.contains("script-src 'self'") && csp.contains("frame-ancestors 'none'"), "{csp}");
        assert!(
            page.body.contains("<form method=\"post\" action=\"https:&#x2f;&#x2f;app.example&#x2f;cb\">"),
            "{}",
            page.body
        );
        assert_eq!(page.hidden_names(), wanted);
        assert_eq!(page.hidden("iss").as_deref(), Some(ISSUER));
    }
}

#[tokio::test]
async fn form_post_section_2_an_app_without_a_web_address_is_told_by_redirect() {
    let app = world().await;
    app.client(NewClient {
        id: Some("native".to_owned()),
        auth_method: Some(AuthMethod::None),
        redirect_uris: vec!["com.example.app:/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    let mut request = with(&Browser::request("native", "read"), "redirect_uri", Some("com.example.app:/cb"));
    request.push(("response_mode", "form_post"));
    let reply = app.browser().authorize(&request).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    assert!(
        reply.location().starts_with("com.example.app:/cb?error=invalid_request&"),
        "{}",
        reply.location()
    );
}

#[tokio::test]
async fn rfc6749_section_3_1_2_a_redirect_uri_keeps_its_own_query() {
    let app = world().await;
    let uri = "https://app.example/cb?tenant=a%20b&x=%2F";
    app.client(NewClient {
        id: Some("query".to_owned()),
        redirect_uris: vec![uri.to_owned()],
        ..NewClient::default()
    })
    .await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let request = with(&Browser::request("query", "read"), "redirect_uri", Some(uri));
    let consent = browser.authorize(&request).await;
    let reply = browser.decide(&consent, "allow", &["read"]).await;
    assert!(reply.location().starts_with(&format!("{uri}&code=vk_ac_")), "{}", reply.location());
    let wrong = browser.authorize(&with(&request, "prompt", Some("x"))).await;
    assert!(wrong.location().starts_with(&format!("{uri}&error=invalid_request&")), "{}", wrong.location());
}

#[tokio::test]
async fn rfc9700_section_2_6_the_authorization_endpoint_speaks_no_cors() {
    let app = world().await;
    let request: BTreeMap<_, _> = Browser::request("app", "read").into_iter().collect();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(request).finish();
    for query in [query.as_str(), "client_id=nobody"] {
        let call =
            app.call("GET", &format!("/oauth/authorize?{query}")).header("origin", "https://app.example");
        let reply = call.send().await;
        let cors = reply.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(cors.count(), 0, "{query}");
    }
    let call = app.call("OPTIONS", "/oauth/authorize").header("origin", "https://app.example");
    let reply = call.header("access-control-request-method", "GET").send().await;
    assert_eq!(reply.status, 405);
}
