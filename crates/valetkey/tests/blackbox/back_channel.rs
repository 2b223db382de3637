//! OIDC Back-Channel Logout 1.0 — an application hears from the server itself that somebody signed out

use crate::support::{claims, furnish, opens_userinfo, refresh, text, user_id, with};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::profile::{Logout, Profile};
use valetkey_core::ids::TenantId;
use valetkey_core::job::logout;
use valetkey_core::jose::jwk;
use valetkey_core::jose::jws::Jws;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::secret::Secret;
use valetkey_testkit::{Browser, Reply, Site, TestApp};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The world, and an application `rp` that is told at `site`.
async fn told(site: &Site, session_required: bool) -> TestApp {
    let app = furnish(TestApp::builder().calling_loopback()).await;
    app.client(listener("rp", &site.url("/out"), session_required)).await;
    site.answer("/out", 200, &[], "");
    app
}

fn listener(id: &str, uri: &str, session_required: bool) -> NewClient {
    let logout = Logout {
        backchannel_logout_uri: Some(uri.to_owned()),
        backchannel_logout_session_required: session_required,
        ..Logout::default()
    };
    NewClient {
        id: Some(id.to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        profile: Profile { logout, ..Profile::default() },
        ..NewClient::default()
    }
}

/// What the job of a server does, until nothing is due.
async fn deliver(app: &TestApp) {
    loop {
        let claimed = logout::claim(&app.cx()).await.unwrap();
        if claimed.is_empty() {
            return;
        }
        for one in claimed {
            logout::tell(&app.cx(), &one).await.unwrap();
        }
    }
}

/// The logout tokens that came to a path.
fn tokens(site: &Site, path: &str) -> Vec<String> {
    let asked = site.asked().into_iter().filter(|asked| asked.line == format!("POST {path}"));
    asked.map(|asked| asked.body.strip_prefix("logout_token=").unwrap().to_owned()).collect()
}

async fn sign_out(browser: &mut Browser<'_>) -> Reply {
    let account = browser.get("/account").await;
    browser.press(&account, "/account/sign-out", "Sign out").await
}

#[tokio::test]
async fn section_2_4_a_logout_token_says_who_signed_out_of_which_session_and_passes_for_nothing_else() {
    let site = Site::start().await;
    let app = told(&site, false).await;
    let mut browser = app.browser();
    let signed_in = browser.tokens("rp", "openid", "alice").await;
    let id_token = claims(text(&signed_in, "id_token"));
    assert_eq!(sign_out(&mut browser).await.status, 200);
    assert_eq!(site.asked().len(), 0, "nobody waits for an application");
    deliver(&app).await;
    let [token] = tokens(&site, "/out").try_into().unwrap();
    let said = claims(&token);
    for name in ["iss", "sub", "aud", "sid"] {
        assert_eq!(said[name], id_token[name], "{name}");
    }
    assert_eq!(said["events"], json!({ EVENT: {} }));
    assert!(said["jti"].as_str().unwrap().len() >= 16);
    let life = said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap();
    assert!((1..=120).contains(&life), "{life}");
    assert!(said.get("nonce").is_none());
    let header: Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap())
            .unwrap();
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
    let keys = jwk::read_set(&app.get("/oauth/jwks").await.json()).unwrap();
    assert!(Jws::read(&token).unwrap().is_signed_by_one_of(&keys));
    // §2.4: no ID token, no hint, no access token.
    let hint = format!("/oauth/logout?id_token_hint={token}&client_id=rp");
    assert_eq!(browser.get(&hint).await.status, 400);
    assert_eq!(app.get_with_token("/oauth/userinfo", &token).await.status, 401);
    deliver(&app).await;
    assert_eq!(tokens(&site, "/out").len(), 1, "told once");
}

#[tokio::test]
async fn section_2_5_every_end_of_a_session_is_told() {
    for way in
        ["rp", "account", "session", "others", "password", "disabled", "deleted", "tenant", "key", "another"]
    {
        let site = Site::start().await;
        let app = told(&site, false).await;
        let mut browser = app.browser();
        let signed_in = browser.tokens("rp", "openid", "alice").await;
        let id_token = text(&signed_in, "id_token").to_owned();
        let (cx, operator) = (app.cx(), Actor::Operator);
        let alice = user_id(&app, "alice").await;
        match way {
            "rp" => drop(browser.get(&format!("/oauth/logout?id_token_hint={id_token}")).await),
            "account" => drop(sign_out(&mut browser).await),
            "session" => {
                let own = app.server.store.sessions(&alice, cx.now).await.unwrap().remove(0);
                manage::session::end(&cx, operator, own.id).await.unwrap();
            }
            "others" => {
                let mut elsewhere = app.browser();
                elsewhere.sign_in("alice").await;
                let account = elsewhere.get("/account").await;
                elsewhere.submit("/account/sessions/end", &account, &[("session", "others")]).await;
            }
            "password" => {
                let password = Secret::new("nine other kitchen spoons");
                manage::user::set_password(&cx, &operator, &alice, &password).await.unwrap();
            }
            "disabled" => drop(manage::user::disable(&cx, &operator, &alice).await.unwrap()),
            "deleted" => manage::user::delete(&cx, operator, &alice).await.unwrap(),
            "tenant" => {
                drop(manage::tenant::disable(&cx, &operator, &TenantId::default()).await.unwrap());
            }
            "key" => {
                let account = browser.get("/account").await;
                browser.submit("/account/apps/revoke", &account, &[("client", "rp")]).await;
            }
            _ => {
                let request = with(&Browser::request("app", "openid"), "prompt", Some("login"));
                let page = browser.authorize(&request).await;
                browser.log_in(&page, "bob", valetkey_testkit::PASSWORD).await;
            }
        }
        deliver(&app).await;
        let said: Vec<_> = tokens(&site, "/out").iter().map(|token| claims(token)).collect();
        assert_eq!(said.len(), 1, "{way}: {said:?}");
        assert_eq!(said[0]["sub"], alice.as_str(), "{way}");
        // Shut out, or the key taken back: wherever the application has them.
        let whole = matches!(way, "disabled" | "deleted" | "key");
        let session = claims(&id_token)["sid"].clone();
        assert_eq!(said[0].get("sid"), (!whole).then_some(&session), "{way}");
    }
}

#[tokio::test]
async fn section_2_2_where_a_session_is_required_every_token_names_one() {
    let site = Site::start().await;
    let app = told(&site, true).await;
    let mut sids = Vec::new();
    for _ in 0..2 {
        let mut browser = app.browser();
        let tokens = browser.tokens("rp", "openid", "alice").await;
        sids.push(claims(text(&tokens, "id_token"))["sid"].as_str().unwrap().to_owned());
    }
    manage::user::disable(&app.cx(), &Actor::Operator, &user_id(&app, "alice").await).await.unwrap();
    deliver(&app).await;
    let mut named: Vec<_> =
        tokens(&site, "/out").iter().map(|token| claims(token)["sid"].as_str().unwrap().to_owned()).collect();
    sids.sort();
    named.sort();
    assert_eq!(named, sids);
}

#[tokio::test]
async fn section_2_only_who_got_an_id_token_in_that_session_is_told() {
    let site = Site::start().await;
    let app = told(&site, false).await;
    for id in ["unused", "keys-only", "elsewhere"] {
        app.client(listener(id, &site.url(&format!("/{id}")), false)).await;
        site.answer(&format!("/{id}"), 200, &[], "");
    }
    let mut browser = app.browser();
    browser.tokens("rp", "openid", "alice").await;
    browser.tokens("keys-only", "read", "alice").await;
    let mut elsewhere = app.browser();
    elsewhere.tokens("elsewhere", "openid", "alice").await;
    sign_out(&mut browser).await;
    deliver(&app).await;
    assert_eq!(site.asked().len(), 1);
    assert_eq!(tokens(&site, "/out").len(), 1);
    assert_eq!(elsewhere.get("/account").await.status, 200);
}

#[tokio::test]
async fn section_2_7_what_was_given_without_offline_access_ends_with_the_session() {
    let site = Site::start().await;
    let app = told(&site, false).await;
    for (client, scope, lasts) in [
        ("rp", "openid", false),
        ("rp", "openid offline_access", true),
        ("rp", "read", true),
        // An application that does not take part keeps what it was given, until it is taken back.
        ("app", "openid", true),
    ] {
        let mut browser = app.browser();
        let tokens = browser.tokens(client, scope, "alice").await;
        let (access, refreshes) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        sign_out(&mut browser).await;
        let reply = refresh(&app, client, refreshes).await;
        assert_eq!(reply.status == 200, lasts, "{client} {scope}: {}", reply.body);
        if scope.contains("openid") {
            assert_eq!(opens_userinfo(&app, access).await, lasts, "{client} {scope}");
        }
    }
}

#[tokio::test]
async fn section_2_8_an_application_that_does_not_answer_is_tried_again_and_given_up_after_a_day() {
    let site = Site::start().await;
    let app = told(&site, false).await;
    for (path, status) in [("/busy", 503), ("/moved", 302), ("/bad", 400)] {
        app.client(listener(&path[1..], &site.url(path), false)).await;
        site.answer(path, status, &[("location", "/out")], "");
    }
    let mut browser = app.browser();
    for client in ["rp", "busy", "moved", "bad"] {
        browser.tokens(client, "openid", "alice").await;
    }
    sign_out(&mut browser).await;
    deliver(&app).await;
    deliver(&app).await;
    let counts = |site: &Site| ["/out", "/busy", "/moved", "/bad"].map(|path| site.count(path));
    assert_eq!(counts(&site), [1, 1, 1, 1], "not hammered, and no redirect followed");
    app.clock.advance(10);
    site.answer("/bad", 204, &[], "");
    deliver(&app).await;
    assert_eq!(counts(&site), [1, 2, 2, 2]);
    let first = tokens(&site, "/busy");
    assert_ne!(claims(&first[0])["jti"], claims(&first[1])["jti"]);
    for _ in 0..60 {
        app.clock.advance(3600);
        deliver(&app).await;
    }
    assert_eq!(counts(&site), [1, 8, 8, 2]);
    assert_eq!(app.rows().await["logouts"], 0);
    let given_up: Vec<_> =
        app.records().await.into_iter().filter(|one| one.event == Event::LogoutNotDelivered).collect();
    assert_eq!(given_up.len(), 2);
    assert!(given_up.iter().all(|one| one.client.is_some() && one.user.is_some() && one.object.is_some()));
}

#[tokio::test]
async fn a_server_that_stops_loses_nothing_and_two_servers_tell_once() {
    let site = Site::start().await;
    let mut app = told(&site, false).await;
    let mut browser = app.browser();
    browser.tokens("rp", "openid", "alice").await;
    sign_out(&mut browser).await;
    // It claims, and dies before it has told.
    assert_eq!(logout::claim(&app.cx()).await.unwrap().len(), 1);
    app.restart().await;
    deliver(&app).await;
    assert_eq!(site.count("/out"), 0, "somebody may be at it still");
    app.clock.advance(60);
    deliver(&app).await;
    deliver(&app).await;
    assert_eq!(site.count("/out"), 1);
}

#[tokio::test]
async fn an_address_within_our_own_network_is_not_called() {
    let site = Site::start().await;
    let app = furnish(TestApp::builder()).await;
    app.client(listener("rp", &site.url("/out"), false)).await;
    let mut browser = app.browser();
    browser.tokens("rp", "openid", "alice").await;
    sign_out(&mut browser).await;
    deliver(&app).await;
    assert_eq!(site.asked().len(), 0);
    assert_eq!(app.rows().await["logouts"], 1, "it waits, in case the operator lists the address");
}

#[tokio::test]
async fn discovery_says_that_logout_is_told() {
    let app = TestApp::start().await;
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    for name in [
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
    ] {
        assert_eq!(metadata[name], true, "{name}");
    }
}
