//! OIDC Core §5.3, RFC 6750 — userinfo: claims by scope, for a token in the Authorization header or a form

use crate::support::{altered, claims, disable_client, refresh, text, user_id, world};
use serde_json::{Value, json};
use valetkey_core::audit::Actor;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::user::NewUser;
use valetkey_core::secret::Secret;
use valetkey_testkit::{PASSWORD, Reply, TestApp};

async fn userinfo(app: &TestApp, token: &str) -> Reply {
    app.get_with_token("/oauth/userinfo", token).await
}

/// RFC 6750 §3.1.
#[track_caller]
fn assert_challenged(reply: &Reply, error: Option<&str>, case: &str) {
    let challenge = reply.header("www-authenticate");
    match error {
        None => {
            assert_eq!((reply.status.as_u16(), reply.body.as_str()), (401, ""), "{case}");
            assert_eq!(challenge, "Bearer realm=\"valetkey\"", "{case}: no code where nothing was tried");
        }
        Some(error) => {
            let status = if error == "insufficient_scope" { 403 } else { 401 };
            assert_eq!(reply.refusal(), (status, error.to_owned()), "{case}");
            let start = format!("Bearer realm=\"valetkey\", error=\"{error}\", error_description=\"");
            assert!(challenge.starts_with(&start), "{case}: {challenge}");
        }
    }
    assert_eq!(reply.header("cache-control"), "no-store", "{case}");
}

#[tokio::test]
async fn oidc_core_section_5_4_each_scope_opens_its_claims() {
    let app = world().await;
    let alice = user_id(&app, "alice").await.to_string();
    let now = app.cx().now.0;
    let sub = json!({"sub": alice});
    let profile = json!({
        "sub": alice, "name": "alice Example", "preferred_username": "alice", "updated_at": now,
    });
    let email = json!({"sub": alice, "email": "alice@example.org", "email_verified": false});
    let mut all = profile.clone();
    all.as_object_mut().unwrap().extend(email.as_object().unwrap().clone());
    for (scope, want) in [
        ("openid", sub),
        ("openid read", json!({"sub": alice})),
        ("openid profile", profile),
        ("openid email", email),
        ("email profile openid", all),
    ] {
        let tokens = app.browser().tokens("app", scope, "alice").await;
        let reply = userinfo(&app, text(&tokens, "access_token")).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
        assert_eq!(
            (reply.header("cache-control"), reply.header("access-control-allow-origin")),
            ("no-store", "*")
        );
        assert_eq!(reply.json(), want, "{scope}");
        assert_eq!(claims(text(&tokens, "id_token"))["sub"], reply.json()["sub"]);
    }
}

#[tokio::test]
async fn a_claim_that_is_not_known_is_left_out() {
    let app = world().await;
    let new = NewUser {
        username: "carol".to_owned(),
        name: None,
        email: None,
        tenant: TenantId::default(),
        password: Some(Secret::new(PASSWORD)),
        admin: false,
    };
    manage::user::create(&app.cx(), Actor::Operator, new).await.unwrap();
    let tokens = app.browser().tokens("app", "openid profile email", "carol").await;
    let Value::Object(claims) = userinfo(&app, text(&tokens, "access_token")).await.json() else { panic!() };
    let names: Vec<_> = claims.keys().map(String::as_str).collect();
    assert_eq!(names, ["preferred_username", "sub", "updated_at"]);
}

#[tokio::test]
async fn rfc6750_section_2_the_token_comes_in_the_header_or_a_form_once_and_never_in_the_address() {
    let app = world().await;
    let tokens = app.browser().tokens("app", "openid", "alice").await;
    let access = text(&tokens, "access_token");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        for method in ["GET", "POST", "HEAD"] {
            let call =
                app.call(method, "/oauth/userinfo").header("authorization", &format!("{scheme} {access}"));
            assert_eq!(call.send().await.status, 200, "{method} {scheme}");
        }
    }
    let query = format!("/oauth/userinfo?access_token={access}");
    assert_challenged(&app.get(&query).await, None, "in the URL");
    let form = || app.call("POST", "/oauth/userinfo").form(&[("access_token", access)]);
    assert_eq!(form().send().await.status, 200, "§2.2");
    let both = form().header("authorization", &format!("Bearer {access}")).send().await;
    assert_eq!(both.refusal(), (400, "invalid_request".to_owned()), "§2: one way");
    let twice =
        app.call("POST", "/oauth/userinfo").form(&[("access_token", access), ("access_token", access)]);
    assert_eq!(twice.send().await.refusal(), (400, "invalid_request".to_owned()));
    let got = app.call("GET", "/oauth/userinfo").form(&[("access_token", access)]);
    assert_challenged(&got.send().await, None, "§2.2: a form is posted");
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    assert_challenged(&browser.get("/oauth/userinfo").await, None, "a session is no token");
    for value in ["", "Bearer", access, &*format!("Basic {access}")] {
        let call = app.call("GET", "/oauth/userinfo").header("authorization", value);
        assert_challenged(&call.send().await, None, value);
    }
    for value in [
        format!("Bearer {access} x"),
        format!("DPoP {access}"),
        format!("Bearer {access},{access}"),
        "Bearer ".to_owned() + "  ",
    ] {
        let reply = app.call("GET", "/oauth/userinfo").header("authorization", &value).send().await;
        assert_eq!(reply.status, 401, "{value}");
    }
}

#[tokio::test]
async fn rfc6750_section_3_1_a_bad_token_is_told_so_and_gets_nothing() {
    let app = world().await;
    let mut browser = app.browser();
    let tokens = browser.tokens("app", "openid read", "alice").await;
    let code = browser.code("app", "openid read", "alice").await;
    let access = text(&tokens, "access_token");
    for (case, token) in [
        ("garbage", "x"),
        ("altered", &*altered(access)),
        ("a refresh token", text(&tokens, "refresh_token")),
        ("an ID token", text(&tokens, "id_token")),
        ("a code", &*code),
    ] {
        assert_challenged(&userinfo(&app, token).await, Some("invalid_token"), case);
    }
    let narrow = app.browser().tokens("app", "profile email read", "alice").await;
    let reply = userinfo(&app, text(&narrow, "access_token")).await;
    assert_challenged(&reply, Some("insufficient_scope"), "without openid");
    app.clock.advance(600);
    assert_challenged(&userinfo(&app, access).await, Some("invalid_token"), "expired");
}

#[tokio::test]
async fn a_token_of_an_account_or_client_switched_off_opens_nothing_and_a_later_one_does() {
    let app = world().await;
    let tokens = app.browser().tokens("app", "openid", "alice").await;
    let access = text(&tokens, "access_token").to_owned();
    let others = app.browser().tokens("other", "openid", "alice").await;
    disable_client(&app, "app").await;
    assert_challenged(&userinfo(&app, &access).await, Some("invalid_token"), "client disabled");
    assert_eq!(userinfo(&app, text(&others, "access_token")).await.status, 200, "another client's");

    let alice = user_id(&app, "alice").await;
    manage::user::disable(&app.cx(), &Actor::Operator, &alice).await.unwrap();
    let reply = userinfo(&app, text(&others, "access_token")).await;
    assert_challenged(&reply, Some("invalid_token"), "user disabled");
    manage::user::enable(&app.cx(), &Actor::Operator, &alice).await.unwrap();
    let reply = userinfo(&app, text(&others, "access_token")).await;
    assert_challenged(&reply, Some("invalid_token"), "enabled again: from before stays dead");
    app.clock.advance(1);
    let tokens = app.browser().tokens("other", "openid", "alice").await;
    assert_eq!(userinfo(&app, text(&tokens, "access_token")).await.status, 200);
    let fresh = refresh(&app, "other", text(&tokens, "refresh_token")).await.json();
    assert_eq!(userinfo(&app, text(&fresh, "access_token")).await.status, 200);
}
