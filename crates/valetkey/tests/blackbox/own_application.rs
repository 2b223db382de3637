//! `/api/developer/v1/application`: an application and its own registration, by a token for itself

use crate::support::{disable_client, service_token, text, world};
use serde_json::{Value, json};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::grant::GrantType;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{CLIENT_SECRET, Reply, TestApp};

const PATH: &str = "/api/developer/v1/application";

/// A client with both a user's flow and one of its own, and a token for itself.
async fn registered() -> (TestApp, String) {
    let app = world().await;
    app.client(NewClient {
        id: Some("shop".to_owned()),
        name: "Shop".to_owned(),
        description: "Sells".to_owned(),
        website: "https://shop.example/".to_owned(),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::ClientCredentials],
        ..NewClient::default()
    })
    .await;
    let reply = app.token("shop", &[("grant_type", "client_credentials")]).await;
    let token = text(&reply.json(), "access_token").to_owned();
    (app, token)
}

async fn patch(app: &TestApp, token: &str, body: &Value) -> Reply {
    app.call("PATCH", PATH).bearer(token).body("application/json", body.to_string()).send().await
}

#[track_caller]
fn problem(reply: &Reply, status: u16, case: &str) {
    let kind = (reply.status.as_u16(), reply.header("content-type"));
    assert_eq!(kind, (status, "application/problem+json"), "{case}: {}", reply.body);
    let json = reply.json();
    assert_eq!(json["status"], status, "{case}");
    assert!(text(&json, "detail").len() > 10 && !text(&json, "request_id").is_empty(), "{case}: {json}");
}

#[tokio::test]
async fn an_application_reads_and_changes_its_description_website_and_redirect_uris() {
    let (app, token) = registered().await;
    let shown = app.get_with_token(PATH, &token).await;
    assert_eq!((shown.status.as_u16(), shown.header("cache-control")), (200, "no-store"), "{}", shown.body);
    let shown = shown.json();
    assert_eq!((text(&shown, "client_id"), text(&shown, "name")), ("shop", "Shop"));
    assert_eq!(shown["redirect_uris"], json!(["https://app.example/cb"]));
    for own in ["client_secret", "secrets", "compat", "introspect", "registration_access_token"] {
        assert!(shown.get(own).is_none(), "{own}");
    }
    let uris = json!(["https://app.example/new", "https://app.example/cb"]);
    let reply = patch(&app, &token, &json!({"description": "Sells more", "redirect_uris": uris})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let after = app.get_with_token(PATH, &token).await.json();
    assert_eq!(after, reply.json());
    assert_eq!(
        (text(&after, "description"), text(&after, "website")),
        ("Sells more", "https://shop.example/")
    );
    assert_eq!(after["redirect_uris"], uris);
    let reply = patch(&app, &token, &json!({"website": null})).await;
    assert_eq!(text(&reply.json(), "website"), "");
    let told = app.records().await;
    let last = told.iter().rfind(|record| record.event == Event::ClientUpdated).unwrap();
    assert_eq!(last.actor, Actor::Client("shop".into()));
    // It holds at once.
    let request =
        [("client_id", "shop"), ("redirect_uri", "https://app.example/new"), ("response_type", "code")];
    let reply = app.browser().authorize(&request).await;
    assert!(reply.location().starts_with("https://app.example/new?error="), "{}", reply.location());
}

#[tokio::test]
async fn nothing_else_can_be_changed_and_every_rule_of_registration_holds() {
    let (app, token) = registered().await;
    let before = app.get_with_token(PATH, &token).await.json();
    for (body, status) in [
        (json!({"name": "Other"}), 400),
        (json!({"description": "x", "grant_types": ["password"]}), 400),
        (json!({"compat": ["implicit"]}), 400),
        (json!({"client_id": "service"}), 400),
        (json!({"scope": "read write admin"}), 400),
        (json!({"disabled": false}), 400),
        (json!({"website": "https://a.example/", "client_uri": "https://b.example/"}), 400),
        (json!([]), 400),
        (json!({"redirect_uris": "https://app.example/cb"}), 400),
        (json!({"description": 1}), 400),
        (json!({"redirect_uris": []}), 422),
        (json!({"redirect_uris": ["http://app.example/cb"]}), 422),
        (json!({"redirect_uris": ["https://app.example/cb#x"]}), 422),
        (json!({"redirect_uris": ["urn:ietf:wg:oauth:2.0:oob"]}), 422),
        (json!({"website": "javascript:alert(1)"}), 422),
        (json!({"description": "x".repeat(2001)}), 422),
    ] {
        problem(&patch(&app, &token, &body).await, status, &body.to_string());
    }
    let call = || app.call("PATCH", PATH).bearer(&token);
    let form = "application/x-www-form-urlencoded";
    problem(&call().body(form, "description=x").send().await, 400, "a form");
    problem(&call().body("application/json", "{").send().await, 400, "no JSON");
    problem(&app.call("PUT", PATH).bearer(&token).send().await, 405, "another method");
    assert_eq!(app.get_with_token(PATH, &token).await.json(), before);
}

#[tokio::test]
async fn only_a_live_token_for_the_application_itself_opens_it_and_only_its_own() {
    let (app, token) = registered().await;
    let other = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    let reply = patch(&app, &other, &json!({"description": "mine"})).await;
    assert_eq!(
        (reply.status.as_u16(), text(&reply.json(), "client_id")),
        (200, "service"),
        "its own, always"
    );
    assert_eq!(text(&app.get_with_token(PATH, &token).await.json(), "description"), "Sells");

    let users = app.browser().tokens("shop", "read", "alice").await;
    for reply in [
        app.get_with_token(PATH, text(&users, "access_token")).await,
        patch(&app, text(&users, "access_token"), &json!({"description": "x"})).await,
    ] {
        problem(&reply, 403, "a user's token");
        assert!(reply.header("www-authenticate").contains("insufficient_scope"));
    }
    for reply in [
        app.get(PATH).await,
        app.get_with_token(PATH, CLIENT_SECRET).await,
        app.call("GET", PATH).basic("shop", CLIENT_SECRET).send().await,
        app.call("PATCH", PATH).body("application/json", "{}").send().await,
    ] {
        problem(&reply, 401, "no token");
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
    let revoked = app.post("/oauth/revoke", Some(("shop", CLIENT_SECRET)), &[("token", &token)]).await;
    assert_eq!(revoked.status, 200);
    problem(&app.get_with_token(PATH, &token).await, 401, "revoked");
    disable_client(&app, "service").await;
    problem(&app.get_with_token(PATH, &other).await, 401, "disabled");
}
