//! RFC 6749 §4.1 — signing in at a plain OAuth 2 service with a userinfo of its own, as GitHub has one

use crate::support::{user_id, with};
use crate::upstream::press;
use serde_json::json;
use valetkey_core::audit::Actor;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::upstream::NewUpstream;
use valetkey_core::secret::Secret;
use valetkey_core::upstream::{ClaimNames, Provider};
use valetkey_testkit::{Browser, CLIENT_SECRET, Site, TestApp};

/// The sealed cookie of a browser that went to a provider.
pub(crate) async fn departed(app: &TestApp, browser: &mut Browser<'_>) -> String {
    if app.server.catalog().upstream("hub").is_none() {
        hub(app, "https://hub.example").await;
    }
    let login = browser.get("/login").await;
    let cookies = press(browser, &login, "hub").await.cookies();
    cookies.into_iter().find(|(name, value)| name.contains("vk_up_") && !value.is_empty()).unwrap().1
}

async fn world() -> (TestApp, Site) {
    let app = TestApp::builder().calling_loopback().start().await;
    app.scope("read", "See your things").await;
    app.web_client("app").await;
    let site = Site::start().await;
    hub(&app, &site.origin).await;
    site.serve("/login/oauth/access_token", &json!({"access_token": "gho_x", "token_type": "bearer"}));
    site.serve("/user", &json!({"login": "octocat", "id": 583_231, "name": "The Octocat", "email": null}));
    (app, site)
}

async fn hub(app: &TestApp, origin: &str) {
    let url = |path: &str| format!("{origin}{path}");
    let new = NewUpstream {
        id: "hub".to_owned(),
        name: "Hub".to_owned(),
        tenant: TenantId::default(),
        provider: Provider::OAuth {
            authorize_url: url("/login/oauth/authorize?allow_signup=false"),
            token_url: url("/login/oauth/access_token"),
            userinfo_url: url("/user"),
        },
        client_id: "us".to_owned(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        auth_method: None,
        scope: Some("read:user".to_owned()),
        claims: ClaimNames {
            subject: "id".to_owned(),
            username: "login".to_owned(),
            ..ClaimNames::default()
        },
        sign_up: true,
    };
    manage::upstream::create(&app.cx(), Actor::Operator, new).await.unwrap();
}

#[tokio::test]
async fn a_person_is_known_by_the_number_that_the_service_gave_them() {
    let (app, site) = world().await;
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request("app", "read")).await;
    let way = press(&mut browser, &login, "hub").await;
    let asked = way.redirected();
    assert_eq!((asked["allow_signup"].as_str(), asked["scope"].as_str()), ("false", "read:user"));
    assert!(!asked.contains_key("nonce"));
    let back = browser.get(&format!("/login/upstream/hub/callback?code=c0&state={}", asked["state"])).await;
    let consent = browser.follow(back).await;
    assert!(
        consent.words().contains("octocat") && consent.body.contains("name=\"decision\""),
        "{}",
        consent.words()
    );
    let requests = site.asked();
    assert!(
        requests[0].body.contains("client_secret=") && requests[0].body.contains("code=c0"),
        "{requests:?}"
    );
    assert_eq!(
        (requests[1].line.as_str(), requests[1].authorization.as_str()),
        ("GET /user", "Bearer gho_x")
    );

    // Renamed there, it is the same person here; somebody new with the old name is somebody else.
    site.serve("/user", &json!({"login": "renamed", "id": 583_231}));
    let octocat = user_id(&app, "octocat").await;
    for (id, login_name, want) in [(583_231, "renamed", "octocat"), (99, "octocat", "octocat-2")] {
        site.serve("/user", &json!({"login": login_name, "id": id}));
        let mut browser = app.browser();
        let login = browser.get("/login").await;
        let state = press(&mut browser, &login, "hub").await.redirected()["state"].clone();
        let back = browser.get(&format!("/login/upstream/hub/callback?code=c&state={state}")).await;
        let account = browser.follow(back).await;
        assert!(account.words().contains(want), "{want}: {}", account.words());
    }
    assert_ne!(user_id(&app, "octocat-2").await, octocat);
}

#[tokio::test]
async fn userinfo_that_names_nobody_signs_nobody_in() {
    let (app, site) = world().await;
    for (status, user) in [
        (200, json!({"login": "octocat"})),
        (200, json!({"id": null})),
        (200, json!({"id": ""})),
        (200, json!([{"id": 1}])),
        (401, json!({"id": 1})),
    ] {
        site.answer("/user", status, &[("content-type", "application/json")], &user.to_string());
        let mut browser = app.browser();
        let login = browser.get("/login").await;
        let state = press(&mut browser, &login, "hub").await.redirected()["state"].clone();
        let reply = browser.get(&format!("/login/upstream/hub/callback?code=c&state={state}")).await;
        assert_eq!(reply.status, 502, "{user}: {}", reply.words());
    }
    assert_eq!(app.rows().await["users"], 0);
}

#[tokio::test]
async fn a_service_that_cannot_say_when_is_not_asked_where_freshness_is() {
    let (app, _site) = world().await;
    for (name, value) in [("prompt", "login"), ("max_age", "60")] {
        let mut browser = app.browser();
        let fresh = with(&Browser::request("app", "read"), name, Some(value));
        let login = browser.authorize(&fresh).await;
        assert!(!login.words().contains("Continue with Hub"), "{name}");
        assert_eq!(press(&mut browser, &login, "hub").await.status, 400, "{name}");
    }
}
