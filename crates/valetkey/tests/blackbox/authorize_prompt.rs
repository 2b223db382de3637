//! OIDC Core §3.1.2.1, §3.1.2.3–3.1.2.4 — what the person is asked: prompt, max_age, login_hint, and who may be waved through

use crate::support::{claims, outcome, text, with, world};
use valetkey_core::client::AuthMethod;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, PASSWORD, redemption};

fn request<'a>(scope: &'a str, name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    with(&Browser::request("app", scope), name, Some(value))
}

const SIGN_IN: &str = "Sign in";
const AGAIN: &str = "Confirm it is you";
const CHOOSE: &str = "Choose an account";
const KEY: &str = "Photo Printer wants a key to your account";

#[tokio::test]
async fn oidc_core_section_3_1_2_1_prompt_and_max_age_decide_what_the_person_is_asked() {
    for (signed_in, scope, name, value, want) in [
        (false, "read", "prompt", "", SIGN_IN),
        (false, "read", "prompt", "none", "login_required"),
        (false, "read", "prompt", "login", SIGN_IN),
        (false, "read", "prompt", "consent", SIGN_IN),
        (false, "read", "prompt", "select_account", SIGN_IN),
        (true, "read", "prompt", "", "code"),
        (true, "read", "prompt", "none", "code"),
        (true, "write", "prompt", "none", "consent_required"),
        (true, "read", "prompt", "login", AGAIN),
        (true, "read", "prompt", "consent", "Photo Printer asks again for its key to your account"),
        (true, "read", "prompt", "select_account", CHOOSE),
        (true, "read", "prompt", "login consent", AGAIN),
        (true, "read", "prompt", "select_account login", AGAIN),
        (true, "read", "max_age", "99", AGAIN),
        (true, "read", "max_age", "100", "code"),
        (true, "read", "max_age", "0", AGAIN),
        (true, "read", "max_age", "4294967295", "code"),
        (false, "read", "max_age", "1000", SIGN_IN),
    ] {
        let app = world().await;
        let mut browser = app.browser();
        if signed_in {
            browser.code("app", "read", "alice").await;
            app.clock.advance(100);
        }
        let reply = browser.authorize(&request(scope, name, value)).await;
        assert_eq!(outcome(&reply), want, "signed in: {signed_in}, {scope}, {name}={value}");
    }
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_prompt_none_with_a_login_too_old_says_login_required() {
    let app = world().await;
    let mut browser = app.browser();
    browser.code("app", "read", "alice").await;
    app.clock.advance(100);
    let old = with(&request("read", "prompt", "none"), "max_age", Some("99"));
    assert_eq!(outcome(&browser.authorize(&old).await), "login_required");
    app.clock.advance(3 * 86_400);
    assert_eq!(outcome(&browser.authorize(&request("read", "prompt", "none")).await), "login_required");
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_prompt_login_is_a_real_login_with_a_new_auth_time() {
    let app = world().await;
    let mut browser = app.browser();
    browser.code("app", "openid read", "alice").await;
    for (name, value) in [("prompt", "login"), ("max_age", "0")] {
        app.clock.advance(500);
        let old = browser.clone();
        let session = |browser: &Browser<'_>| browser.cookies["__Host-vk_session"].clone();
        let page = browser.authorize(&request("openid read", name, value)).await;
        assert_eq!((outcome(&page).as_str(), page.field("username").as_deref()), (AGAIN, Some("alice")));
        // Going round the login by the address of the next page leads back to it.
        let round = browser.get(&format!("/consent?i={}", page.hidden("i").unwrap())).await;
        assert_eq!(outcome(&browser.follow(round).await), AGAIN);
        let wrong = browser.log_in(&page, "alice", "not the password at all").await;
        assert_eq!(wrong.status, 401);
        assert!(wrong.words().contains(AGAIN), "{}", wrong.words());
        assert_eq!(session(&browser), session(&old), "a failed login leaves the session");

        let done = browser.log_in(&page, "alice", PASSWORD).await.redirected();
        assert_ne!(session(&browser), session(&old));
        let tokens = app.token("app", &redemption(&done["code"])).await.json();
        assert_eq!(claims(text(&tokens, "id_token"))["auth_time"].as_i64(), Some(app.cx().now.0), "{name}");
        let account = old.clone().get("/account").await;
        assert_eq!(account.location(), "https://id.example/login", "the session from before is over");
    }
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_select_account_goes_on_with_the_session_or_with_somebody_else() {
    let app = world().await;
    let mut browser = app.browser();
    browser.code("app", "openid read", "alice").await;
    let ask = request("openid read", "prompt", "select_account");

    let page = browser.authorize(&ask).await;
    assert!(page.words().contains("alice@example.org"), "{}", page.words());
    let account = page.body.split("name=\"account\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    for wrong in ["", "x", "00000000000000000000000000"] {
        let reply = browser.submit("/login", &page, &[("account", wrong), ("username", "x")]).await;
        let reply = browser.follow(reply).await;
        assert!(reply.words().contains(CHOOSE) || reply.status == 400, "{wrong}: {}", reply.words());
    }
    let reply = browser.submit("/login", &page, &[("account", account)]).await;
    assert_eq!(outcome(&browser.follow(reply).await), "code");

    let page = browser.authorize(&ask).await;
    let consent = browser.log_in(&page, "bob", PASSWORD).await;
    assert_eq!(outcome(&consent), KEY, "bob has allowed nothing yet");
    assert!(consent.words().contains("bob@example.org"), "{}", consent.words());
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_a_login_hint_is_typed_in_for_the_person_and_nothing_more() {
    let app = world().await;
    let mut browser = app.browser();
    for hint in ["alice", "\"><script>alert(1)</script>", "a&b", "zoë@example.org"] {
        let page = browser.authorize(&request("read", "login_hint", hint)).await;
        assert_eq!(page.field("username").as_deref(), Some(hint));
        assert!(!page.body.contains("<script"), "{}", page.body);
    }
}

#[tokio::test]
async fn rfc8252_section_8_6_an_app_that_cannot_prove_itself_asks_every_time() {
    let app = world().await;
    for (id, uri) in [("cli", "http://127.0.0.1/cb"), ("phone", "com.example.app:/cb")] {
        app.client(NewClient {
            id: Some(id.to_owned()),
            auth_method: Some(AuthMethod::None),
            redirect_uris: vec![uri.to_owned()],
            ..NewClient::default()
        })
        .await;
        let mut browser = app.browser();
        browser.sign_in("alice").await;
        let ask = with(&Browser::request(id, "read"), "redirect_uri", Some(uri));
        for _ in 0..2 {
            let page = browser.authorize(&ask).await;
            assert!(page.words().contains("Deny"), "{id}: {}", page.words());
            assert!(browser.decide(&page, "allow", &["read"]).await.redirected().contains_key("code"));
        }
        let quiet = with(&ask, "prompt", Some("none"));
        assert_eq!(outcome(&browser.authorize(&quiet).await), "consent_required", "{id}");
    }
}
