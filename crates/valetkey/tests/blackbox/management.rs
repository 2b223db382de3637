//! What a management command does in a process of its own, as a running server acts on it
//!
//! `apart` is that process. `follow` is what the server's poll of the change feed does every 250 ms.

use crate::support::{
    api, assert_refused, introspected, opens_userinfo, refresh, service_token, text, user_id, with, world,
};
use std::sync::Arc;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::Client;
use valetkey_core::context::{Caller, Context, Server};
use valetkey_core::ids::ClientId;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage::{self, key::Rotate};
use valetkey_core::scope::Scope;
use valetkey_core::secret::Secret;
use valetkey_core::store::{GrantFilter, Grants, Page, ScopeWords, TokenFormat, Upkeep};
use valetkey_core::time::Seconds;
use valetkey_testkit::{Browser, CLIENT_SECRET, TestApp};

async fn apart(app: &TestApp) -> Context {
    let (server, _): (Arc<Server>, _) = app.beside().await;
    Context::new(&server, Caller::default())
}

async fn follow(app: &TestApp) {
    app.server.follow_changes().await.unwrap();
}

const OPERATOR: Actor = Actor::Operator;

#[tokio::test]
async fn a_client_switched_off_on_again_or_deleted_elsewhere_is_so_here() {
    let app = world().await;
    let id = ClientId::from("service");
    let old = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    app.clock.advance(1);
    let cx = apart(&app).await;
    manage::client::disable(&cx, &OPERATOR, &id).await.unwrap();
    follow(&app).await;
    assert_refused(&service_token(&app, &[]).await, 401, "invalid_client", "disabled");
    manage::client::enable(&cx, &OPERATOR, &id).await.unwrap();
    follow(&app).await;
    app.clock.advance(1);
    let new = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    assert_eq!(introspected(&app, &old).await["active"], false);
    assert_eq!(introspected(&app, &new).await["active"], true);
    manage::client::delete(&apart(&app).await, OPERATOR, &id).await.unwrap();
    follow(&app).await;
    assert_refused(&service_token(&app, &[]).await, 401, "invalid_client", "deleted");
}

#[tokio::test]
async fn a_clients_new_address_scope_and_secret_count_at_once() {
    let app = world().await;
    let (cx, id) = (apart(&app).await, ClientId::from("app"));
    let mut browser = app.browser();
    browser.code("app", "read write", "alice").await;
    let edit = |client: &mut Client| {
        client.redirect_uris = vec!["https://new.example/cb".to_owned()];
        client.scope = Some(Scope::parse("read").unwrap());
    };
    manage::client::update(&cx, &OPERATOR, &id, Event::ClientUpdated, edit).await.unwrap();
    let secret = Some(Secret::new("second-secret-0123456789abcdef-0123"));
    manage::client::rotate_secret(&cx, &OPERATOR, &id, secret, Seconds(0)).await.unwrap();
    follow(&app).await;
    assert_eq!(browser.authorize(&Browser::request("app", "read")).await.status, 400, "the old address");
    let to_new =
        |scope| with(&Browser::request("app", scope), "redirect_uri", Some("https://new.example/cb"));
    assert!(browser.authorize(&to_new("read")).await.redirected().contains_key("code"));
    assert_eq!(browser.authorize(&to_new("write")).await.redirected()["error"], "invalid_scope");
    let reply = app.post("/oauth/introspect", Some(("app", CLIENT_SECRET)), &[("token", "x")]).await;
    assert_refused(&reply, 401, "invalid_client", "the old secret");
}

#[tokio::test]
async fn what_is_taken_back_elsewhere_is_dead_here() {
    for what in ["grant", "token", "consent", "user disabled", "user deleted"] {
        let app = world().await;
        let tokens = app.browser().tokens("app", "openid read", "alice").await;
        let bobs = app.browser().tokens("app", "openid read", "bob").await;
        app.clock.advance(1);
        let alice = user_id(&app, "alice").await;
        let cx = apart(&app).await;
        match what {
            "grant" => {
                let filter = GrantFilter { user: Some(alice), ..GrantFilter::default() };
                let grants = app.store.grants(&filter, &Page::first(10), cx.now).await.unwrap();
                manage::grant::revoke(&cx, OPERATOR, grants[0].id).await.unwrap();
            }
            "token" => manage::token::revoke(&cx, OPERATOR, text(&tokens, "access_token")).await.unwrap(),
            "consent" => {
                manage::consent::withdraw(&cx, OPERATOR, &alice, &ClientId::from("app")).await.unwrap();
            }
            "user disabled" => drop(manage::user::disable(&cx, &OPERATOR, &alice).await.unwrap()),
            _ => manage::user::delete(&cx, OPERATOR, &alice).await.unwrap(),
        }
        follow(&app).await;
        assert!(!opens_userinfo(&app, text(&tokens, "access_token")).await, "{what}");
        assert!(!app.is_active("app", text(&tokens, "access_token")).await, "{what}");
        let reply = refresh(&app, "app", text(&tokens, "refresh_token")).await;
        assert_refused(&reply, 400, "invalid_grant", what);
        assert!(opens_userinfo(&app, text(&bobs, "access_token")).await, "{what}");
        assert_eq!(refresh(&app, "app", text(&bobs, "refresh_token")).await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn an_applications_own_token_revoked_elsewhere_is_dead_here_and_its_sister_is_not() {
    let app = world().await;
    let [one, two] = [service_token(&app, &[]).await.json(), service_token(&app, &[]).await.json()];
    manage::token::revoke(&apart(&app).await, OPERATOR, text(&one, "access_token")).await.unwrap();
    follow(&app).await;
    assert_eq!(introspected(&app, text(&one, "access_token")).await["active"], false);
    assert_eq!(introspected(&app, text(&two, "access_token")).await["active"], true);
}

#[tokio::test]
async fn scopes_apis_and_keys_made_elsewhere_are_known_here() {
    let app = world().await;
    let cx = apart(&app).await;
    let words = |description: &str| ScopeWords {
        name: "share".to_owned(),
        description: description.to_owned(),
        detail: String::new(),
        default: false,
        standard: false,
    };
    manage::scope::create(&cx, OPERATOR, words("Share your things")).await.unwrap();
    let photos = api("photos", "share", TokenFormat::Jwt, SigningAlgorithm::EdDsa);
    manage::api::create(&cx, OPERATOR, photos).await.unwrap();
    manage::key::rotate(&cx, OPERATOR, Rotate::Signing(SigningAlgorithm::EdDsa), true).await.unwrap();
    manage::key::rotate(&cx, OPERATOR, Rotate::Sealing, true).await.unwrap();
    follow(&app).await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let consent = browser.authorize(&Browser::request("app", "share")).await;
    assert!(consent.words().contains("Share your things"), "{}", consent.words());
    let tokens = browser.tokens("app", "openid share", "alice").await;
    assert!(text(&tokens, "access_token").starts_with("eyJ"), "the API wants JWTs");
    assert_eq!(app.get("/oauth/jwks").await.json()["keys"].as_array().unwrap().len(), 9);
    let beside = Context::new(&app.beside().await.0, Caller::default());
    let seen = manage::token::inspect(&beside, text(&tokens, "refresh_token")).unwrap();
    assert_eq!(seen["kind"], "refresh_token", "both hold the same sealing keys");

    manage::scope::update(&cx, OPERATOR, words("Show your things around")).await.unwrap();
    follow(&app).await;
    let again = with(&Browser::request("app", "share"), "prompt", Some("consent"));
    assert!(browser.authorize(&again).await.words().contains("Show your things around"));
    manage::scope::delete(&cx, OPERATOR, "share").await.unwrap();
    follow(&app).await;
    assert_eq!(
        browser.authorize(&Browser::request("app", "share")).await.redirected()["error"],
        "invalid_scope"
    );
}

#[tokio::test]
async fn a_server_that_missed_what_was_swept_from_the_feed_reads_everything_anew() {
    let app = world().await;
    let tokens = app.browser().tokens("app", "openid read", "alice").await;
    assert!(opens_userinfo(&app, text(&tokens, "access_token")).await);
    let cx = apart(&app).await;
    manage::client::disable(&cx, &OPERATOR, &ClientId::from("app")).await.unwrap();
    manage::client::disable(&cx, &OPERATOR, &ClientId::from("other")).await.unwrap();
    app.clock.advance(2 * 86_400);
    let service = service_token(&app, &[]).await;
    assert_eq!(service.status, 200);
    manage::client::disable(&apart(&app).await, &OPERATOR, &ClientId::from("spa")).await.unwrap();
    assert!(app.store.sweep(app.cx().now, 1000).await.unwrap() > 0);
    follow(&app).await;
    let reply = app.token("app", &[("grant_type", "refresh_token"), ("refresh_token", "x")]).await;
    assert_refused(&reply, 401, "invalid_client", "disabled while nobody looked");
    assert_eq!(introspected(&app, text(&service.json(), "access_token")).await["active"], true);
}

#[tokio::test]
async fn sweeping_takes_what_is_over_and_nothing_that_lives() {
    let app = world().await;
    let mut browser = app.browser();
    let old = browser.tokens("app", "openid read", "alice").await;
    app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &[("token", text(&old, "access_token"))]).await;
    app.clock.advance(20 * 86_400);
    let mut browser = app.browser();
    let live = browser.tokens("app", "openid read", "alice").await;
    for _ in 0..20 {
        app.store.sweep(app.cx().now, 100).await.unwrap();
    }
    let rows = app.rows().await;
    assert_eq!((rows["sessions"], rows["grants"], rows["revocations"], rows["attempts"]), (1, 1, 0, 0));
    assert_eq!((rows["clients"], rows["users"], rows["consents"]), (4, 2, 1));
    assert_eq!(browser.get("/account").await.status, 200);
    assert!(opens_userinfo(&app, text(&live, "access_token")).await);
    assert_eq!(refresh(&app, "app", text(&live, "refresh_token")).await.status, 200);
    assert_refused(
        &refresh(&app, "app", text(&old, "refresh_token")).await,
        400,
        "invalid_grant",
        "long revoked",
    );
}
