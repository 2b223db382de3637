//! RFC 6749 §4.1 — the authorization code grant, from the link to the tokens

use crate::support::{claims, spa_redeem, spa_request, text, with, world};
use valetkey_core::audit::Actor;
use valetkey_core::grant::GrantType;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, redemption};

#[tokio::test]
async fn rfc6749_section_4_1_a_person_signs_in_allows_and_the_app_holds_tokens() {
    let app = world().await;
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request("app", "openid read write")).await;
    assert_eq!(login.status, 200, "{}", login.body);
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    assert_eq!(consent.checkboxes("scope"), ["read", "write"]);
    let done = browser.decide(&consent, "allow", &["read"]).await.redirected();
    assert_eq!((done["state"].as_str(), done["iss"].as_str()), ("the-state", "https://id.example"));

    let reply = app.token("app", &redemption(&done["code"])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("content-type"), "application/json");
    let tokens = reply.json();
    assert_eq!((tokens["token_type"].as_str(), tokens["expires_in"].as_i64()), (Some("Bearer"), Some(600)));
    assert_eq!(tokens["scope"], "openid read", "RFC 6749 §3.3: what was given differs from what was asked");
    assert!(text(&tokens, "id_token").starts_with("eyJ"));
    assert!(text(&tokens, "access_token").starts_with("vk_at_"));

    let userinfo = app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await.json();
    assert!(text(&userinfo, "sub").starts_with("usr_"));
    assert!(userinfo.get("email").is_none(), "only what the scope allows");

    let refresh = text(&tokens, "refresh_token");
    let again = app.token("app", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_ne!(text(&again.json(), "refresh_token"), refresh);
}

#[tokio::test]
async fn rfc6749_section_4_1_2_the_answer_is_a_303_with_code_state_and_iss_and_no_more() {
    let app = world().await;
    let mut browser = app.browser();
    browser.code("app", "read", "alice").await;
    let reply = browser.authorize(&Browser::request("app", "read")).await;
    let names: Vec<_> = reply.redirected().into_keys().collect();
    assert_eq!(names, ["code", "iss", "state"]);
    assert!(reply.location().starts_with("https://app.example/cb?code=vk_ac_"), "{}", reply.location());
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.body, "");
    let without = with(&Browser::request("app", "read"), "state", None);
    let names: Vec<_> = browser.authorize(&without).await.redirected().into_keys().collect();
    assert_eq!(names, ["code", "iss"], "no state asked, none given");
}

#[tokio::test]
async fn rfc6749_section_2_1_a_public_client_redeems_by_its_id_and_proof() {
    let app = world().await;
    let mut browser = app.browser();
    let login = browser.authorize(&spa_request("openid read")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let mut done = browser.decide(&consent, "allow", &["read"]).await.redirected();
    let code = done.remove("code").unwrap();

    // A public client that shows a secret is somebody else.
    for basic in [None, Some(("spa", CLIENT_SECRET))] {
        let mut fields = with(&redemption(&code), "redirect_uri", Some("https://spa.example/cb"));
        if basic.is_none() {
            fields.extend([("client_id", "spa"), ("client_secret", CLIENT_SECRET)]);
        }
        let reply = app.post("/oauth/token", basic, &fields).await;
        assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()), "{basic:?}");
        assert_eq!(reply.header("www-authenticate").is_empty(), basic.is_none());
    }
    let unproven = [("grant_type", "authorization_code"), ("code", &*code), ("client_id", "spa")];
    let reply = app.post("/oauth/token", None, &unproven).await;
    assert_eq!(reply.refusal(), (400, "invalid_grant".to_owned()), "without its verifier");

    let tokens = spa_redeem(&app, &code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let first = text(&tokens.json(), "refresh_token").to_owned();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*first), ("client_id", "spa")];
    let again = app.post("/oauth/token", None, &fields).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_ne!(text(&again.json(), "refresh_token"), first, "RFC 9700 §2.2.2: it rotates");
}

#[tokio::test]
async fn rfc7617_section_2_an_empty_secret_by_basic_is_a_public_client() {
    let app = world().await;
    let mut browser = app.browser();
    let login = browser.authorize(&spa_request("read")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let mut done = browser.decide(&consent, "allow", &["read"]).await.redirected();
    let code = done.remove("code").unwrap();
    let fields = with(&redemption(&code), "redirect_uri", Some("https://spa.example/cb"));
    let reply = app.post("/oauth/token", Some(("spa", "")), &fields).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn rfc8252_section_7_3_a_loopback_port_may_differ_from_the_registered_one() {
    let app = world().await;
    app.client(NewClient {
        id: Some("cli".to_owned()),
        auth_method: Some(valetkey_core::client::AuthMethod::None),
        redirect_uris: vec!["http://127.0.0.1/cb".to_owned(), "http://[::1]/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    for uri in ["http://127.0.0.1:49152/cb", "http://[::1]:8123/cb", "http://127.0.0.1/cb"] {
        let request = with(&Browser::request("cli", "read"), "redirect_uri", Some(uri));
        let consent = browser.authorize(&request).await;
        let reply = browser.decide(&consent, "allow", &["read"]).await;
        assert!(reply.location().starts_with(&format!("{uri}?code=")), "{}", reply.location());
        let code = &reply.redirected()["code"];
        let fields = with(&redemption(code), "client_id", Some("cli"));
        // RFC 6749 §4.1.3: the very URI of the authorization request, port and all.
        for other in ["http://127.0.0.1:50000/cb", "http://localhost:49152/cb"] {
            let reply = app.post("/oauth/token", None, &with(&fields, "redirect_uri", Some(other))).await;
            assert_eq!(reply.refusal(), (400, "invalid_grant".to_owned()), "{uri} redeemed with {other}");
        }
        let reply = app.post("/oauth/token", None, &with(&fields, "redirect_uri", Some(uri))).await;
        assert_eq!(reply.status, 200, "{uri}: {}", reply.body);
    }
}

#[tokio::test]
async fn oauth21_section_4_1_3_redirect_uri_may_be_left_out_when_redeeming() {
    let app = world().await;
    let code = app.browser().code("app", "read", "alice").await;
    let reply = app.token("app", &with(&redemption(&code), "redirect_uri", None)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn rfc6749_section_3_1_2_3_redirect_uri_may_be_left_out_of_the_request_where_one_is_registered() {
    let app = world().await;
    let mut browser = app.browser();
    let request = with(&Browser::request("app", "read"), "redirect_uri", None);
    let login = browser.authorize(&request).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let reply = browser.decide(&consent, "allow", &["read"]).await;
    assert!(reply.location().starts_with("https://app.example/cb?code="), "{}", reply.location());
    let code = &reply.redirected()["code"];
    let reply = app.token("app", &redemption(code)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn rfc9700_section_4_14_2_a_client_without_the_refresh_grant_gets_no_refresh_token() {
    let app = world().await;
    app.client(NewClient {
        id: Some("once".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        grant_types: vec![GrantType::AuthorizationCode],
        ..NewClient::default()
    })
    .await;
    let tokens = app.browser().tokens("once", "openid read offline_access", "alice").await;
    assert!(tokens.get("refresh_token").is_none(), "{tokens}");
    assert!(app.is_active("once", text(&tokens, "access_token")).await);
}

#[tokio::test]
async fn oidc_core_section_2_the_id_token_names_the_user_the_client_and_the_login() {
    let app = world().await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let logged_in = app.cx().now.0;
    app.clock.advance(90);
    let mut request = Browser::request("app", "openid read");
    request.push(("nonce", "n-0S6_WzA2Mj é"));
    let consent = browser.authorize(&request).await;
    let done = browser.decide(&consent, "allow", &["read"]).await.redirected();
    let tokens = app.token("app", &redemption(&done["code"])).await.json();
    let id = claims(text(&tokens, "id_token"));
    let now = app.cx().now.0;
    assert_eq!((text(&id, "iss"), text(&id, "aud")), ("https://id.example", "app"));
    assert_eq!((id["iat"].as_i64(), id["auth_time"].as_i64()), (Some(now), Some(logged_in)));
    assert_eq!(id["exp"].as_i64(), Some(now + 600));
    assert_eq!(text(&id, "nonce"), "n-0S6_WzA2Mj é");
    let hash = crate::support::challenge_of(text(&tokens, "access_token"));
    let half = data_encoding::BASE64URL_NOPAD.decode(hash.as_bytes()).unwrap();
    assert_eq!(text(&id, "at_hash"), data_encoding::BASE64URL_NOPAD.encode(&half[..16]), "§3.1.3.6");
    let userinfo = app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await.json();
    assert_eq!(id["sub"], userinfo["sub"]);

    // §12.2: a refreshed one is about the same login.
    app.clock.advance(100);
    let again = crate::support::refresh(&app, "app", text(&tokens, "refresh_token")).await.json();
    let later = claims(text(&again, "id_token"));
    for same in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(later[same], id[same], "{same}");
    }
    assert_eq!(later["iat"].as_i64(), Some(now + 100));
}

#[tokio::test]
async fn rfc6749_section_3_3_no_id_token_without_openid() {
    let app = world().await;
    let tokens = app.browser().tokens("app", "read", "alice").await;
    assert!(tokens.get("id_token").is_none(), "{tokens}");
    let reply = app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await;
    assert_eq!(reply.refusal(), (403, "insufficient_scope".to_owned()));
}

#[tokio::test]
async fn a_deleted_user_takes_name_and_grants_along_and_the_name_begins_anew() {
    let app = world().await;
    let tokens = app.browser().tokens("app", "openid read", "alice").await;
    let before = claims(text(&tokens, "id_token"))["sub"].clone();
    let alice = crate::support::user_id(&app, "alice").await;
    manage::user::delete(&app.cx(), Actor::Operator, &alice).await.unwrap();
    app.clock.advance(1);
    app.user("alice").await;
    let tokens = app.browser().tokens("app", "openid read", "alice").await;
    assert_ne!(claims(text(&tokens, "id_token"))["sub"], before, "OIDC Core §2: sub is never reassigned");
}
