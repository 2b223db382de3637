//! CIBA Core §7.1 — an application asks somebody behind the browser's back, in poll mode

use crate::support::{ISSUER, assert_error_page, assert_page, assert_refused, text, user_id, with, world};
use serde_json::{Value, json};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::Client;
use valetkey_core::grant::GrantType;
use valetkey_core::manage;
use valetkey_core::manage::approval::Yes;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, CLIENT_SECRET, Reply, TestApp};

pub(crate) const GRANT: &str = "urn:openid:params:grant-type:ciba";
pub(crate) const ENDPOINT: &str = "/oauth/bc-authorize";

/// The world with a confidential client `bank`.
pub(crate) async fn ciba_world() -> TestApp {
    let app = world().await;
    bank(&app).await;
    app
}

pub(crate) async fn bank(app: &TestApp) {
    app.client(NewClient {
        id: Some("bank".to_owned()),
        name: "Wonderland Bank".to_owned(),
        grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
        ..NewClient::default()
    })
    .await;
}

pub(crate) const REQUEST: [(&str, &str); 3] =
    [("scope", "openid read"), ("login_hint", "alice"), ("binding_message", "W4SCT")];

pub(crate) async fn ask(app: &TestApp, fields: &[(&str, &str)]) -> Reply {
    app.post(ENDPOINT, Some(("bank", CLIENT_SECRET)), fields).await
}

pub(crate) async fn begun(app: &TestApp) -> String {
    let reply = ask(app, &REQUEST).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    text(&reply.json(), "auth_req_id").to_owned()
}

pub(crate) async fn poll(app: &TestApp, auth_req_id: &str) -> Reply {
    let fields = [("grant_type", GRANT), ("auth_req_id", auth_req_id)];
    app.post("/oauth/token", Some(("bank", CLIENT_SECRET)), &fields).await
}

/// Where the one request that waits is decided.
fn link(account: &Reply) -> Option<String> {
    let body = account.body.replace("&#x2f;", "/");
    let link = body.split("href=\"").find(|part| part.starts_with("/account/requests/"))?;
    Some(link.split('"').next()?.to_owned())
}

/// The consent page of the one request that waits for who is signed in.
pub(crate) async fn look(browser: &mut Browser<'_>) -> Reply {
    let page = browser.get("/account").await;
    let reply = browser.get(&link(&page).unwrap()).await;
    browser.follow(reply).await
}

#[tokio::test]
async fn ciba_section_7_3_the_answer_names_the_request_and_discovery_promises_the_endpoint() {
    let app = ciba_world().await;
    let reply = ask(&app, &REQUEST).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"));
    let json = reply.json();
    let id = text(&json, "auth_req_id");
    assert!(id.len() > 22 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{id}");
    assert_eq!((json["expires_in"].as_i64(), json["interval"].as_i64()), (Some(600), Some(5)));
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["backchannel_authentication_endpoint"], format!("{ISSUER}{ENDPOINT}"));
    assert_eq!(metadata["backchannel_token_delivery_modes_supported"], json!(["poll", "ping"]));
    assert_eq!(metadata["backchannel_user_code_parameter_supported"], false);
    assert!(metadata["grant_types_supported"].as_array().unwrap().iter().any(|own| own == GRANT));
}

#[tokio::test]
async fn ciba_section_10_1_the_person_approves_on_the_account_page_and_the_application_fetches_tokens() {
    let app = ciba_world().await;
    let id = begun(&app).await;
    assert_refused(&poll(&app, &id).await, 400, "authorization_pending", "not yet");
    assert_refused(&poll(&app, &id).await, 400, "slow_down", "too soon");
    let mut browser = app.browser();
    let account = browser.sign_in("alice").await;
    assert!(account.words().contains("Waiting for your answer"), "{}", account.words());
    let page = look(&mut browser).await;
    for seen in
        ["Wonderland Bank", "W4SCT", "just now", "Go on only if you began this yourself", "See your things"]
    {
        assert!(page.words().contains(seen), "{seen} is not in {}", page.words());
    }
    let done = browser.decide(&page, "allow", &["read"]).await;
    assert_page(&done, 200, "Go back to where you began", "approved");
    let reply = poll(&app, &id).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let tokens = reply.json();
    let claims = crate::support::claims(text(&tokens, "id_token"));
    assert_eq!(
        (claims["aud"].as_str(), claims["sub"].as_str()),
        (Some("bank"), Some(user_id(&app, "alice").await.as_str()))
    );
    assert!(claims.get("urn:openid:params:jwt:claim:auth_req_id").is_none(), "that one is of push mode");
    assert!(crate::support::opens_userinfo(&app, text(&tokens, "access_token")).await);
    assert_refused(&poll(&app, &id).await, 400, "invalid_grant", "once");
    assert!(!browser.get("/account").await.words().contains("Waiting for your answer"));
}

#[tokio::test]
async fn ciba_section_11_a_no_and_a_request_out_of_time_are_told_apart() {
    let app = ciba_world().await;
    let id = begun(&app).await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let page = look(&mut browser).await;
    assert_page(&browser.decide(&page, "deny", &[]).await, 200, "You said no to", "denied");
    assert_refused(&poll(&app, &id).await, 400, "access_denied", "denied");
    let short = ask(&app, &with(&REQUEST, "requested_expiry", Some("30"))).await.json();
    assert_eq!(short["expires_in"], 30);
    app.clock.advance(31);
    assert_refused(&poll(&app, text(&short, "auth_req_id")).await, 400, "expired_token", "expired");
    let long = ask(&app, &with(&REQUEST, "requested_expiry", Some("99999999"))).await.json();
    assert_eq!(long["expires_in"], 3600, "no longer than an hour");
}

#[tokio::test]
async fn ciba_section_7_2_a_bad_request_is_refused_and_nobody_is_asked() {
    let app = ciba_world().await;
    let before = app.rows().await;
    let long = "x".repeat(101);
    for (name, value, error) in [
        ("scope", None, "invalid_request"),
        ("scope", Some("read"), "invalid_scope"),
        ("scope", Some("openid nonsense"), "invalid_scope"),
        ("login_hint", None, "invalid_request"),
        ("login_hint", Some("nobody"), "unknown_user_id"),
        ("id_token_hint", Some("x"), "invalid_request"),
        ("login_hint_token", Some("x"), "invalid_request"),
        ("binding_message", Some(long.as_str()), "invalid_binding_message"),
        ("binding_message", Some("two\nlines"), "invalid_binding_message"),
        ("requested_expiry", Some("0"), "invalid_request"),
        ("requested_expiry", Some("-5"), "invalid_request"),
        ("requested_expiry", Some("soon"), "invalid_request"),
        ("resource", Some("https://nowhere.example"), "invalid_target"),
        ("request", Some("x"), "invalid_request"),
    ] {
        let reply = ask(&app, &with(&REQUEST, name, value)).await;
        assert_refused(&reply, 400, error, &format!("{name} {value:?}"));
    }
    let twice = [&REQUEST[..], &[("binding_message", "again")]].concat();
    assert_refused(&ask(&app, &twice).await, 400, "invalid_request", "twice");
    assert_refused(
        &app.post(ENDPOINT, None, &with(&REQUEST, "client_id", Some("spa"))).await,
        401,
        "invalid_client",
        "public",
    );
    let other = app.post(ENDPOINT, Some(("app", CLIENT_SECRET)), &REQUEST).await;
    assert_refused(&other, 400, "unauthorized_client", "not registered for it");
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn ciba_section_13_asking_in_vain_who_is_here_is_paused() {
    let app = ciba_world().await;
    let probe = with(&REQUEST, "login_hint", Some("nobody"));
    for _ in 0..120 {
        assert_refused(&ask(&app, &probe).await, 400, "unknown_user_id", "not yet");
    }
    assert_eq!(ask(&app, &probe).await.json()["error"], "temporarily_unavailable");
}

#[tokio::test]
async fn ciba_section_7_1_an_id_token_of_ours_for_the_same_client_names_the_person() {
    let app = ciba_world().await;
    let id = begun(&app).await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let page = look(&mut browser).await;
    browser.decide(&page, "allow", &["read"]).await;
    let own = text(&poll(&app, &id).await.json(), "id_token").to_owned();
    let foreign = app.browser().tokens("app", "openid read", "alice").await;
    let fields = [("scope", "openid"), ("id_token_hint", own.as_str())];
    assert_eq!(ask(&app, &fields).await.status, 200);
    let fields = [("scope", "openid"), ("id_token_hint", text(&foreign, "id_token"))];
    assert_refused(&ask(&app, &fields).await, 400, "invalid_request", "another client's");
    let both = [&fields[..1], &[("id_token_hint", own.as_str()), ("login_hint", "alice")]].concat();
    assert_refused(&ask(&app, &both).await, 400, "invalid_request", "two hints");
}

#[tokio::test]
async fn oidc_core_section_8_a_hint_names_its_person_by_the_pairwise_name() {
    let app = ciba_world().await;
    let edit = |client: &mut Client| {
        client.redirect_uris.push("https://bank.example/cb".to_owned());
        client.profile = client.profile.with("subject_type", &json!("pairwise")).unwrap();
    };
    let (cx, bank) = (app.cx(), "bank".into());
    manage::client::update(&cx, &Actor::Operator, &bank, Event::ClientUpdated, edit).await.unwrap();
    let id = begun(&app).await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let page = look(&mut browser).await;
    browser.decide(&page, "allow", &["read"]).await;
    let own = text(&poll(&app, &id).await.json(), "id_token").to_owned();
    let fields = [("scope", "openid"), ("id_token_hint", own.as_str())];
    let reply = ask(&app, &fields).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn a_request_is_seen_and_decided_by_whom_it_is_for_alone() {
    let app = ciba_world().await;
    let id = begun(&app).await;
    let (mut alice, mut bob) = (app.browser(), app.browser());
    alice.sign_in("alice").await;
    assert!(!bob.sign_in("bob").await.words().contains("Waiting for your answer"));
    let link = link(&alice.get("/account").await).unwrap();
    let link = link.as_str();
    assert_error_page(&bob.get(link).await, 404, "There is no page here", "bob");
    let stranger = app.browser().get(link).await;
    assert!(stranger.location().starts_with("https://id.example/login?next="), "{}", stranger.location());
    assert_error_page(&alice.get("/account/requests/x").await, 404, "There is no page here", "no id");
    assert_refused(&poll(&app, &id).await, 400, "authorization_pending", "nothing came of it");
}

#[tokio::test]
async fn no_more_than_ten_requests_of_one_client_wait_for_one_person_and_the_others_may_still_ask() {
    let app = ciba_world().await;
    for _ in 0..10 {
        begun(&app).await;
    }
    assert_eq!(ask(&app, &REQUEST).await.status, 429);
    assert_eq!(ask(&app, &with(&REQUEST, "login_hint", Some("bob"))).await.status, 200);
    app.client(NewClient {
        id: Some("insurer".to_owned()),
        grant_types: vec![GrantType::Ciba],
        ..NewClient::default()
    })
    .await;
    let other = app.post(ENDPOINT, Some(("insurer", CLIENT_SECRET)), &REQUEST).await;
    assert_eq!(other.status, 200, "{}", other.body);
}

#[tokio::test]
async fn what_holds_no_more_between_approval_and_redemption_gives_nothing() {
    for case in ["user disabled", "consent withdrawn"] {
        let app = ciba_world().await;
        let id = begun(&app).await;
        let mut browser = app.browser();
        browser.sign_in("alice").await;
        let page = look(&mut browser).await;
        browser.decide(&page, "allow", &["read"]).await;
        app.clock.advance(1);
        let (cx, alice) = (app.cx(), user_id(&app, "alice").await);
        if case == "user disabled" {
            manage::user::disable(&cx, &Actor::Operator, &alice).await.unwrap();
        } else {
            manage::consent::withdraw(&cx, Actor::Operator, &alice, &"bank".into()).await.unwrap();
        }
        assert_refused(&poll(&app, &id).await, 400, "invalid_grant", case);
    }
}

#[tokio::test]
async fn an_operator_answers_in_a_persons_name_and_the_trail_says_so() {
    let app = ciba_world().await;
    let (yes, no) = (begun(&app).await, begun(&app).await);
    let cx = app.cx();
    let alice = cx.store.user(&user_id(&app, "alice").await).await.unwrap().unwrap();
    let bob = cx.store.user(&user_id(&app, "bob").await).await.unwrap().unwrap();
    let waiting = manage::approval::find(&cx, &yes).await.unwrap();
    let scope = waiting.pending.request.scope.clone();
    let said = Yes { scope: &scope, acr: None };
    assert!(manage::approval::decide(&cx, &waiting, &bob, Some(said)).await.is_err(), "it is alice's");
    let unknown = Yes { acr: Some("urn:nothing"), ..said };
    assert!(manage::approval::decide(&cx, &waiting, &alice, Some(unknown)).await.is_err(), "no such acr");
    manage::approval::decide(&cx, &waiting, &alice, Some(said)).await.unwrap();
    assert!(manage::approval::decide(&cx, &waiting, &alice, None).await.is_err(), "once");
    let waiting = manage::approval::find(&cx, &no).await.unwrap();
    manage::approval::decide(&cx, &waiting, &alice, None).await.unwrap();
    let tokens: Value = poll(&app, &yes).await.json();
    assert_eq!(text(&tokens, "scope"), "openid read");
    assert_refused(&poll(&app, &no).await, 400, "access_denied", "denied");
}

#[tokio::test]
async fn an_operators_answer_says_nothing_of_when_and_how_the_person_signed_in_unless_the_operator_saw_it() {
    let app = ciba_world().await;
    let alice = app.cx().store.user(&user_id(&app, "alice").await).await.unwrap().unwrap();
    let acr = app.cx().settings.acr.signed_in[0].clone();
    for seen in [None, Some(acr.as_str())] {
        let id = begun(&app).await;
        let cx = app.cx();
        let waiting = manage::approval::find(&cx, &id).await.unwrap();
        let yes = Yes { scope: &waiting.pending.request.scope, acr: seen };
        manage::approval::decide(&cx, &waiting, &alice, Some(yes)).await.unwrap();
        let tokens = poll(&app, &id).await.json();
        let claims = crate::support::claims(text(&tokens, "id_token"));
        assert_eq!(claims["acr"].as_str(), seen);
        assert_eq!(claims["auth_time"].as_i64(), seen.map(|_| cx.now.0));
        let introspected = app
            .post(
                "/oauth/introspect",
                Some(("bank", CLIENT_SECRET)),
                &[("token", text(&tokens, "access_token"))],
            )
            .await
            .json();
        assert_eq!(introspected["auth_time"].as_i64(), seen.map(|_| cx.now.0), "{introspected}");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
        let again = app.post("/oauth/token", Some(("bank", CLIENT_SECRET)), &refresh).await.json();
        let claims = crate::support::claims(text(&again, "id_token"));
        assert_eq!(claims["auth_time"].as_i64(), seen.map(|_| cx.now.0), "the same when it is refreshed");
    }
}

#[tokio::test]
async fn without_a_client_that_is_registered_for_it_there_is_no_such_endpoint_and_grant() {
    let app = world().await;
    assert_refused(
        &app.post(ENDPOINT, Some(("app", CLIENT_SECRET)), &REQUEST).await,
        404,
        "invalid_request",
        "off",
    );
    let fields = [("grant_type", GRANT), ("auth_req_id", "x")];
    let reply = app.post("/oauth/token", Some(("app", CLIENT_SECRET)), &fields).await;
    assert_refused(&reply, 400, "unsupported_grant_type", "off");
}
