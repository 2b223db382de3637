//! RFC 6749 §3.1, §4.1.1–4.1.2.1, RFC 9207 — what the authorization endpoint makes of a request

use crate::support::{ISSUER, assert_error_page, disable_client, with, world};
use valetkey_core::grant::GrantType;
use valetkey_core::manage::client::NewClient;
use valetkey_core::scope::Scope;
use valetkey_testkit::{Browser, CHALLENGE, Reply, TestApp};

type Fields<'a> = Vec<(&'a str, &'a str)>;

async fn world_with_more_clients() -> TestApp {
    let app = world().await;
    let two = vec!["https://two.example/a".to_owned(), "https://two.example/b".to_owned()];
    app.client(NewClient { id: Some("two".to_owned()), redirect_uris: two, ..NewClient::default() }).await;
    app.client(NewClient {
        id: Some("machine".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        grant_types: vec![GrantType::ClientCredentials],
        ..NewClient::default()
    })
    .await;
    app.client(NewClient {
        id: Some("narrow".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        scope: Some(Scope::parse("read").unwrap()),
        ..NewClient::default()
    })
    .await;
    app.web_client("off").await;
    disable_client(&app, "off").await;
    app
}

/// The same request by GET and by POST.
async fn both(app: &TestApp, fields: &[(&str, &str)]) -> [Reply; 2] {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    [app.get(&format!("/oauth/authorize?{query}")).await, app.post("/oauth/authorize", None, fields).await]
}

fn plus<'a>(name: &'a str, value: &'a str) -> Fields<'a> {
    let mut fields = Browser::request("app", "read");
    fields.push((name, value));
    fields
}

#[tokio::test]
async fn rfc6749_section_4_1_2_1_a_doubtful_client_or_address_gets_a_page_and_never_a_redirect() {
    let app = world_with_more_clients().await;
    let before = app.rows().await;
    let request = Browser::request("app", "read");
    let to = |uri| with(&request, "redirect_uri", Some(uri));
    let unknown = "We do not know the app";
    let never_named = "send you to a place it never named";
    let unclear = "in a way that we do not understand";
    for (case, fields, words) in [
        ("no client", with(&request, "client_id", None), unclear),
        ("an empty client", with(&request, "client_id", Some("")), unclear),
        ("an unknown client", with(&request, "client_id", Some("nobody")), unknown),
        ("a client switched off", with(&request, "client_id", Some("off")), unknown),
        ("two clients", plus("client_id", "app"), unclear),
        ("another client's address", with(&request, "client_id", Some("two")), never_named),
        ("none of two", vec![("client_id", "two"), ("response_type", "code")], unclear),
        ("two addresses", plus("redirect_uri", "https://app.example/cb"), unclear),
        ("a stranger's", to("https://evil.example/cb"), never_named),
        ("a slash more", to("https://app.example/cb/"), never_named),
        ("a slash less", to("https://app.example/c"), never_named),
        ("a query more", to("https://app.example/cb?x=1"), never_named),
        ("a fragment more", to("https://app.example/cb#x"), never_named),
        ("another case", to("https://app.example/CB"), never_named),
        ("another scheme", to("http://app.example/cb"), never_named),
        ("a port", to("https://app.example:443/cb"), never_named),
        ("a user", to("https://app.example@evil.example/cb"), never_named),
        ("a subdomain", to("https://app.example.evil.example/cb"), never_named),
        ("a path upward", to("https://app.example/x/../cb"), never_named),
        ("an encoded letter", to("https://app.example/%63b"), never_named),
        ("a script", to("javascript:alert(1)"), never_named),
    ] {
        for reply in both(&app, &fields).await {
            assert_error_page(&reply, 400, words, case);
            assert!(reply.cookies().is_empty(), "{case}");
            assert!(!reply.body.contains("evil.example"), "{case}: {}", reply.body);
        }
    }
    for broken in ["client_id=app&state=%00", "client_id=app&state=%ff", "%fe=1"] {
        let reply = app.get(&format!("/oauth/authorize?{broken}")).await;
        assert_error_page(&reply, 400, "in a way that we do not understand", broken);
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn rfc6749_section_4_1_2_1_every_other_fault_is_told_to_the_application_with_state_and_iss() {
    let app = world_with_more_clients().await;
    let before = app.rows().await;
    let request = Browser::request("app", "read");
    let set = |name, value| with(&request, name, value);
    let long = "x".repeat(2049);
    for (case, fields, error) in [
        ("an unknown response_mode", plus("response_mode", "web_message"), "invalid_request"),
        (
            "response_mode twice",
            [plus("response_mode", "query"), vec![("response_mode", "query")]].concat(),
            "invalid_request",
        ),
        ("scope twice", plus("scope", "read"), "invalid_request"),
        ("code_challenge twice", plus("code_challenge", CHALLENGE), "invalid_request"),
        ("nonce twice", [plus("nonce", "a"), vec![("nonce", "")]].concat(), "invalid_request"),
        ("a request object", plus("request", "eyJhbGciOiJub25lIn0.e30."), "invalid_request_object"),
        ("a request by reference", plus("request_uri", "https://app.example/r"), "request_uri_not_supported"),
        ("no response_type", set("response_type", None), "invalid_request"),
        ("response_type token", set("response_type", Some("token")), "unsupported_response_type"),
        ("response_type id_token", set("response_type", Some("id_token")), "unsupported_response_type"),
        ("a hybrid", set("response_type", Some("code id_token")), "unsupported_response_type"),
        ("not for this client", set("client_id", Some("machine")), "unauthorized_client"),
        ("a long nonce", plus("nonce", &long), "invalid_request"),
        ("a long hint", plus("login_hint", &long), "invalid_request"),
        ("no challenge", set("code_challenge", None), "invalid_request"),
        ("an empty challenge", set("code_challenge", Some("")), "invalid_request"),
        ("a short challenge", set("code_challenge", Some(&CHALLENGE[1..])), "invalid_request"),
        (
            "a challenge in another alphabet",
            set("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")),
            "invalid_request",
        ),
        ("no method", set("code_challenge_method", None), "invalid_request"),
        ("the plain method", set("code_challenge_method", Some("plain")), "invalid_request"),
        ("an unknown method", set("code_challenge_method", Some("s256")), "invalid_request"),
        ("an unknown scope", set("scope", Some("read admin")), "invalid_scope"),
        ("no scope at all", set("scope", Some("re\"ad")), "invalid_scope"),
        ("an unknown resource", plus("resource", "https://api.example/x"), "invalid_target"),
        ("an unknown prompt", plus("prompt", "create"), "invalid_request"),
        ("none and more", plus("prompt", "none login"), "invalid_request"),
        ("a negative age", plus("max_age", "-1"), "invalid_request"),
        ("a broken age", plus("max_age", "1.5"), "invalid_request"),
        ("nobody signed in", plus("prompt", "none"), "login_required"),
    ] {
        for reply in both(&app, &fields).await {
            let reply = app.browser().follow(reply).await;
            let answer = reply.redirected();
            assert!(
                reply.location().starts_with("https://app.example/cb?error="),
                "{case}: {}",
                reply.location()
            );
            assert_eq!(answer["error"], error, "{case}");
            assert_eq!((&*answer["state"], &*answer["iss"]), ("the-state", ISSUER), "{case}");
            assert!(answer["error_description"].len() > 10, "{case}");
            assert_eq!(answer.len(), 4, "{case}: {answer:?}");
        }
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn rfc6749_section_3_3_a_client_asks_only_for_what_it_was_registered_for() {
    let app = world_with_more_clients().await;
    let request = Browser::request("narrow", "read write");
    assert_eq!(app.browser().authorize(&request).await.redirected()["error"], "invalid_scope");
    let page = app.browser().authorize(&Browser::request("narrow", "read")).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

#[tokio::test]
async fn rfc6749_section_3_1_a_repeated_or_overlong_state_is_refused_and_the_former_not_given_back() {
    let app = world().await;
    let twice = app.browser().authorize(&plus("state", "other")).await.redirected();
    assert_eq!((twice["error"].as_str(), twice.get("state")), ("invalid_request", None));
    let long = "x".repeat(2049);
    let reply = app.browser().authorize(&with(&Browser::request("app", "read"), "state", Some(&long))).await;
    assert_eq!(reply.redirected()["error"], "invalid_request");
}

#[tokio::test]
async fn rfc6749_section_3_1_unknown_parameters_are_ignored_however_often_and_empty_ones_are_absent() {
    let app = world().await;
    let mut fields = Browser::request("app", "read");
    fields.extend((0..33).map(|_| ("display", "page")));
    fields.extend([("audience", "x"), ("prompt", ""), ("max_age", ""), ("resource", ""), ("", "")]);
    fields.extend([
        ("request", ""),
        ("request_uri", ""),
        ("nonce", ""),
        ("claims", ""),
        ("id_token_hint", ""),
    ]);
    let page = app.browser().authorize(&fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.words().contains("Sign in"));
}

#[tokio::test]
async fn rfc6749_section_3_1_post_is_as_good_as_get() {
    let app = world().await;
    let mut browser = app.browser();
    let mut request = Browser::request("app", "read");
    request.push(("login_hint", "zoë & co=+%"));
    let reply = browser.post_from("cross-site", "/oauth/authorize", &request).await;
    assert_eq!(reply.status, 303);
    let (path, query) = reply.location().split_once('?').unwrap();
    assert_eq!(path, "https://id.example/oauth/authorize", "OIDC Core §3.1.2.1: once more, with cookies");
    let again: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let sent: Vec<_> =
        request.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(again, sent);
    let page = browser.follow(reply).await;
    assert_eq!(page.field("username").as_deref(), Some("zoë & co=+%"));

    let raw = "client_id=app&response_type=code&state=a b\r\nset-cookie: x";
    let kind = "application/x-www-form-urlencoded";
    let reply = app.call("POST", "/oauth/authorize").body(kind, raw).send().await;
    assert!(reply.status == 303 && reply.cookies().is_empty(), "{}", reply.status);
    let reply = app.call("POST", "/oauth/authorize").body("application/json", "{}").send().await;
    assert_error_page(&reply, 415, "in a way that we do not understand", "json");
    let reply = app.call("POST", "/oauth/authorize").body(kind, "x".repeat(70_000)).send().await;
    assert_error_page(&reply, 413, "in a way that we do not understand", "too large");
}
