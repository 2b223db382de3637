//! Design rule 6.4 — account state is read again at every refresh, and a refusal for it takes nothing back by itself

use crate::support::{
    api, assert_refused, disable_client, enable_client, refresh, text, user_id, with, world,
};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::grant::GrantType;
use valetkey_core::ids::ClientId;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage;
use valetkey_core::store::TokenFormat;
use valetkey_testkit::{Browser, CLIENT_SECRET, TestApp, redemption};

async fn happen(app: &TestApp, what: &str, token: &str) {
    let (cx, operator, alice) = (app.cx(), Actor::Operator, user_id(app, "alice").await);
    let client = ClientId::from("app");
    match what {
        "client disabled" => disable_client(app, "app").await,
        "client disabled and enabled" => {
            disable_client(app, "app").await;
            enable_client(app, "app").await;
        }
        "client deleted" => manage::client::delete(&cx, operator, &client).await.unwrap(),
        "user disabled" => drop(manage::user::disable(&cx, &operator, &alice).await.unwrap()),
        "user disabled and enabled" => {
            manage::user::disable(&cx, &operator, &alice).await.unwrap();
            manage::user::enable(&cx, &operator, &alice).await.unwrap();
        }
        "user deleted" => manage::user::delete(&cx, operator, &alice).await.unwrap(),
        "consent withdrawn" => manage::consent::withdraw(&cx, operator, &alice, &client).await.unwrap(),
        "token revoked" => manage::token::revoke(&cx, operator, token).await.unwrap(),
        "grant type taken away" => {
            let edit = |client: &mut valetkey_core::client::Client| {
                client.grant_types = vec![GrantType::AuthorizationCode];
            };
            manage::client::update(&cx, &operator, &client, Event::ClientUpdated, edit).await.unwrap();
        }
        "signed out" => drop(manage::session::end_all(&cx, operator, &alice, None).await.unwrap()),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_refresh_token_is_worth_nothing_once_what_stood_behind_it_is_gone() {
    for (what, status, error) in [
        ("client disabled", 401, "invalid_client"),
        ("client disabled and enabled", 400, "invalid_grant"),
        ("client deleted", 401, "invalid_client"),
        ("user disabled", 400, "invalid_grant"),
        ("user disabled and enabled", 400, "invalid_grant"),
        ("user deleted", 400, "invalid_grant"),
        ("consent withdrawn", 400, "invalid_grant"),
        ("token revoked", 400, "invalid_grant"),
        ("grant type taken away", 400, "unauthorized_client"),
    ] {
        let app = world().await;
        let mut browser = app.browser();
        let spent = text(&browser.tokens("app", "openid read", "alice").await, "refresh_token").to_owned();
        let current = text(&refresh(&app, "app", &spent).await.json(), "refresh_token").to_owned();
        let bobs = app.browser().tokens("other", "openid read", "bob").await;
        app.clock.advance(1);
        happen(&app, what, &current).await;
        let before = app.rows().await;
        for token in [&current, &spent] {
            assert_refused(&refresh(&app, "app", token).await, status, error, what);
        }
        assert_eq!(app.rows().await, before, "{what}: no row, and so no reuse either");
        assert_eq!(refresh(&app, "other", text(&bobs, "refresh_token")).await.status, 200, "{what}: bob's");
    }
}

#[tokio::test]
async fn signing_out_leaves_the_keys_of_apps_as_its_page_says() {
    let app = world().await;
    let tokens = app.browser().tokens("app", "openid read", "alice").await;
    happen(&app, "signed out", "").await;
    assert_eq!(refresh(&app, "app", text(&tokens, "refresh_token")).await.status, 200);
}

#[tokio::test]
async fn rfc8707_section_2_2_the_resource_stays_with_the_grant_and_may_be_narrowed() {
    let app = world().await;
    for id in ["photos", "mail", "logs"] {
        app.api(api(id, "read", TokenFormat::Sealed, SigningAlgorithm::EdDsa)).await;
    }
    let (photos, mail, logs) = ("https://photos.example", "https://mail.example", "https://logs.example");
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let mut request = Browser::request("app", "read");
    request.extend([("resource", photos), ("resource", mail)]);
    let consent = browser.authorize(&request).await;
    assert!(consent.words().contains("Key to photos , mail"), "{}", consent.words());
    let code = browser.decide(&consent, "allow", &["read"]).await.redirected().remove("code").unwrap();
    let reply = app.token("app", &with(&redemption(&code), "resource", Some(logs))).await;
    assert_refused(&reply, 400, "invalid_target", "redeemed for more");

    let audience = async |access: &str| {
        let fields = [("token", access)];
        let reply = app.post("/oauth/introspect", Some(("app", CLIENT_SECRET)), &fields).await;
        reply.json()["aud"].clone()
    };
    let mut tokens = app.token("app", &redemption(&code)).await.json();
    assert_eq!(audience(text(&tokens, "access_token")).await, serde_json::json!([photos, mail]));
    for (asked, want) in [
        (vec![photos], Some(vec![photos])),
        (vec![mail], Some(vec![mail])),
        (vec![], Some(vec![photos, mail])),
        (vec![logs], None),
        (vec![photos, logs], None),
        (vec!["https://unknown.example"], None),
    ] {
        let mut fields =
            vec![("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
        fields.extend(asked.iter().map(|uri| ("resource", *uri)));
        let reply = app.token("app", &fields).await;
        match want {
            None => assert_refused(&reply, 400, "invalid_target", &format!("{asked:?}")),
            Some(want) => {
                tokens = reply.json();
                assert_eq!(
                    audience(text(&tokens, "access_token")).await,
                    serde_json::json!(want),
                    "{asked:?}"
                );
            }
        }
    }
    assert_eq!(refresh(&app, "app", text(&tokens, "refresh_token")).await.status, 200);
}
