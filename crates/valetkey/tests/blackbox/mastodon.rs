//! Mastodon's API: applications register themselves, and ask who they are; nothing of it is there unless switched on

use crate::support::{apply_settings, text, with, world};
use serde_json::{Value, json};
use valetkey_core::audit::Actor;
use valetkey_testkit::{CHALLENGE, PASSWORD, Reply, TestApp, VERIFIER};

const OOB: &str = "urn:ietf:wg:oauth:2.0:oob";

/// A world with settings as the preset has them.
async fn instance() -> TestApp {
    let app = world().await;
    app.scope("follow", "Follow people").await;
    apply_settings(
        &app,
        json!({
            "services": { "mastodon": true },
            "registration": {
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
                "scope": "read write follow",
                "compat": ["oob", "no_pkce"],
            },
        }),
    )
    .await;
    app
}

async fn create(app: &TestApp, fields: &[(&str, &str)]) -> Reply {
    app.post("/api/v1/apps", None, fields).await
}

async fn created(app: &TestApp, fields: &[(&str, &str)]) -> Value {
    let reply = create(app, fields).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (200, "application/json"),
        "{}",
        reply.body
    );
    reply.json()
}

/// Mastodon's form of an error.
#[track_caller]
fn refused(reply: &Reply, status: u16, words: &str, case: &str) {
    assert_eq!(reply.status, status, "{case}: {}", reply.body);
    let json = reply.json();
    assert!(text(&json, "error").contains(words), "{case}: {json}");
}

#[tokio::test]
async fn an_application_registers_itself_by_form_or_json_and_gets_id_and_secret() {
    let app = instance().await;
    let form = created(
        &app,
        &[
            ("client_name", "Tusky"),
            ("redirect_uris", "urn:ietf:wg:oauth:2.0:oob\nhttps://app.example/cb"),
            ("scopes", "read write follow"),
            ("website", "https://tusky.example"),
        ],
    )
    .await;
    assert_eq!((text(&form, "name"), text(&form, "website")), ("Tusky", "https://tusky.example"));
    assert_eq!(form["redirect_uris"], json!([OOB, "https://app.example/cb"]));
    assert_eq!(form["redirect_uri"], json!(format!("{OOB}\nhttps://app.example/cb")));
    assert_eq!(form["scopes"], json!(["read", "write", "follow"]));
    assert_eq!((text(&form, "id"), &form["client_secret_expires_at"]), (text(&form, "client_id"), &json!(0)));
    assert!(text(&form, "client_secret").len() >= 32);

    for body in [
        json!({"client_name": "J", "redirect_uris": OOB, "scopes": "read"}),
        json!({"client_name": "J", "redirect_uris": [OOB], "scopes": "read push", "website": null}),
    ] {
        let call = app.call("POST", "/api/v1/apps").body("application/json; charset=utf-8", body.to_string());
        let reply = call.send().await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.json()["scopes"], json!(["read"]), "what the server knows of it");
        assert_eq!(reply.json()["website"], Value::Null);
    }
    let told = app.records().await;
    assert!(told.iter().any(|record| record.actor == Actor::Anonymous && record.client.is_some()), "audited");
}

#[tokio::test]
async fn rfc7578_section_4_an_application_registers_itself_by_a_form_in_parts_too() {
    let app = instance().await;
    let part = |name: &str, value: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [part("client_name", "P & Q"), part("redirect_uris", OOB), part("scopes", "read")].concat()
        + "--b--\r\n";
    let send = async |body: String| {
        app.call("POST", "/api/v1/apps").body("multipart/form-data; boundary=b", body).send().await
    };
    let reply = send(body.clone()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!((text(&reply.json(), "name"), text(&reply.json(), "redirect_uri")), ("P & Q", OOB));
    assert_eq!(send(body.replace("--b--", "")).await.status, 422, "cut off");
}

#[tokio::test]
async fn what_cannot_be_registered_is_refused_in_mastodons_form() {
    let app = instance().await;
    let good = [("client_name", "X"), ("redirect_uris", OOB), ("scopes", "read")];
    for (name, value, words) in [
        ("client_name", None, "Name can't be blank"),
        ("client_name", Some("  "), "Name can't be blank"),
        ("redirect_uris", None, "Redirect URI"),
        ("redirect_uris", Some("http://evil.example/cb"), "redirect URI"),
        ("redirect_uris", Some("javascript:alert(1)"), "redirect URI"),
        ("redirect_uris", Some("https://ok.example/cb https://user:pw@x.example/"), "redirect URI"),
        ("website", Some("javascript:alert(1)"), "website"),
        ("scopes", Some("admin:everything"), "Scopes"),
    ] {
        let reply = create(&app, &with(&good, name, value)).await;
        refused(&reply, 422, words, &format!("{name} {value:?}"));
        assert!(!reply.body.contains("javascript"), "{}", reply.body);
    }
    let twice = [&good[..], &[("client_name", "Y")]].concat();
    refused(&create(&app, &twice).await, 422, "", "a name twice");
    for body in ["[]", "{\"client_name\":1}", "{", "null"] {
        let reply = app.call("POST", "/api/v1/apps").body("application/json", body).send().await;
        assert_eq!(reply.status, 422, "{body}: {}", reply.body);
    }
}

#[tokio::test]
async fn a_request_takes_no_opt_in_and_an_address_registers_so_many_and_no_more() {
    let app = instance().await;
    let good = [("client_name", "X"), ("redirect_uris", OOB), ("scopes", "read")];
    let asking = [&good[..], &[("compat", "password"), ("grant_types", "password")]].concat();
    let made = created(&app, &asking).await;
    let client = app.server.client(text(&made, "client_id")).await.unwrap().unwrap();
    let names: Vec<_> = client.compat.iter().map(|own| own.name()).collect();
    assert_eq!(names, ["oob", "no_pkce"], "the operator's");
    for n in 1..60 {
        assert_eq!(create(&app, &good).await.status, 200, "{n}");
    }
    let often = create(&app, &good).await;
    refused(&often, 429, "Too many requests", "as many as RFC 7591 allows");
    let wait: u64 = often.header("retry-after").parse().unwrap();
    app.clock.advance(wait - 1);
    assert_eq!(create(&app, &good).await.status, 429, "told to wait {wait} s");
    app.clock.advance(1);
    assert_eq!(create(&app, &good).await.status, 200, "{wait} s later");
}

#[tokio::test]
async fn nothing_of_it_is_there_unless_it_is_switched_on() {
    let app = world().await;
    let gone = async |app: &TestApp| {
        for (method, path) in [
            ("POST", "/api/v1/apps"),
            ("GET", "/api/v1/apps/verify_credentials"),
            ("GET", "/api/v1/accounts/verify_credentials"),
            ("GET", "/api/v1/instance"),
            ("GET", "/api/v2/instance/"),
            ("POST", "/oauth/mastodon/apps"),
        ] {
            assert_eq!(app.call(method, path).send().await.status, 404, "{method} {path}");
        }
    };
    gone(&app).await;
    let app = instance().await;
    let made = created(&app, &[("client_name", "Tusky"), ("redirect_uris", OOB)]).await;
    apply_settings(&app, json!({ "services": { "mastodon": false } })).await;
    gone(&app).await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", text(&made, "client_id")),
        ("client_secret", text(&made, "client_secret")),
    ];
    assert_eq!(app.post("/oauth/token", None, &fields).await.status, 200, "the applications stay");
}

/// The code that alice is shown.
async fn code(app: &TestApp, client: &str, scope: &str) -> String {
    let mut browser = app.browser();
    let request = [
        ("scope", scope),
        ("response_type", "code"),
        ("redirect_uri", OOB),
        ("client_id", client),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let page = browser.authorize(&request).await;
    let consent = browser.log_in(&page, "alice", PASSWORD).await;
    let shown = browser.decide(&consent, "allow", &scope.split(' ').collect::<Vec<_>>()).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    let code = shown.body.split("vk_ac_").nth(1).unwrap().split('<').next().unwrap();
    format!("vk_ac_{code}")
}

/// A token by the application's credentials and these fields.
async fn token(app: &TestApp, made: &Value, fields: &[(&str, &str)]) -> String {
    let own = [("client_id", text(made, "client_id")), ("client_secret", text(made, "client_secret"))];
    let reply = app.post("/oauth/token", None, &[fields, &own].concat()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    text(&reply.json(), "access_token").to_owned()
}

async fn users_token(app: &TestApp, made: &Value, scope: &str) -> String {
    let code = code(app, text(made, "client_id"), scope).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", OOB),
        ("code_verifier", VERIFIER),
    ];
    token(app, made, &fields).await
}

#[tokio::test]
async fn verify_credentials_tells_an_application_who_it_is_and_for_whom_it_acts() {
    let app = instance().await;
    let made =
        created(&app, &[("client_name", "Tusky"), ("redirect_uris", OOB), ("scopes", "read write")]).await;
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    let own = token(&app, &made, &[("grant_type", "client_credentials")]).await;
    let users = users_token(&app, &made, "read").await;
    for token in [&own, &users] {
        let reply = app.get_with_token("/api/v1/apps/verify_credentials", token).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let json = reply.json();
        assert_eq!((text(&json, "name"), text(&json, "id")), ("Tusky", id));
        assert!(json.get("client_secret").is_none(), "{json}");
    }
    let account = "/api/v1/accounts/verify_credentials";
    let me = app.get_with_token(account, &users).await;
    assert_eq!(me.status, 200, "{}", me.body);
    let me = me.json();
    assert_eq!((text(&me, "username"), text(&me, "acct")), ("alice", "alice"));
    assert_eq!(text(&me, "display_name"), "alice Example");
    assert!(text(&me, "created_at").contains(".000Z") && me["source"].is_object());
    assert!(!me.to_string().contains("@example.org"), "no address: {me}");

    refused(&app.get_with_token(account, &own).await, 422, "authenticated user", "for itself");
    let write = users_token(&app, &made, "write").await;
    refused(&app.get_with_token(account, &write).await, 403, "outside the authorized scopes", "write only");
    for path in [account, "/api/v1/apps/verify_credentials"] {
        for reply in [
            app.get(path).await,
            app.get_with_token(path, "vk_at_x").await,
            app.get_with_token(path, secret).await,
        ] {
            refused(&reply, 401, "access token is invalid", path);
            assert!(reply.header("www-authenticate").starts_with("Bearer"));
        }
    }
    assert_eq!(app.post("/oauth/revoke", Some((id, secret)), &[("token", &users)]).await.status, 200);
    refused(&app.get_with_token(account, &users).await, 401, "invalid", "revoked");
}

#[tokio::test]
async fn the_instance_is_described_with_and_without_a_slash() {
    let app = instance().await;
    for path in ["/api/v1/instance", "/api/v1/instance/"] {
        let json = app.get(path).await.json();
        assert_eq!(text(&json, "uri"), "id.example");
        assert!(text(&json, "version").starts_with("4."));
    }
    for path in ["/api/v2/instance", "/api/v2/instance/"] {
        let reply = app.get(path).await;
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(text(&reply.json(), "domain"), "id.example");
    }
}
