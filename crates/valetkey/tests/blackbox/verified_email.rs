//! OIDC Core §5.1 — where the operator wants e-mail addresses proven, an account gets nothing before; and how it is proven
//!
//! `gate_matrix.rs` tries every grant. Here: the pages, what comes through the browser, and the ways to prove an address.

use crate::support::{
    assert_page, assert_refused, claims, furnish, opens_userinfo, outcome, refresh, text, user_id, with,
};
use crate::upstream::{at_provider, press, trust};
use tokio::net::TcpListener;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::user::Edit;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, TestApp};

const HELD_UP: &str = "Your e-mail address is not confirmed yet";

/// Alice's address is not proven, Bob's is.
async fn strict() -> TestApp {
    let app = furnish(TestApp::builder().accounts(|own| own.require_verified_email = true)).await;
    prove(&app, "bob", true).await;
    app
}

/// As `valetkey user update --email-verified` does.
async fn prove(app: &TestApp, username: &str, proven: bool) {
    let edit = Edit { email_verified: Some(proven), ..Edit::default() };
    let id = user_id(app, username).await;
    manage::user::edit(&app.cx(), &Actor::Operator, &id, &edit).await.unwrap();
}

#[tokio::test]
async fn who_is_not_confirmed_signs_in_and_is_told_what_to_do_and_goes_on_once_they_are() {
    let app = strict().await;
    let mut browser = app.browser();
    let request = Browser::request("app", "openid read");
    let login = browser.authorize(&request).await;
    let wrong = browser.log_in(&login, "alice", "wrong wrong wrong").await;
    assert!(!wrong.words().contains("confirmed"), "only who knows the password is told");
    let page = browser.log_in(&login, "alice", PASSWORD).await;
    assert_page(&page, 403, HELD_UP, "alice");
    for words in ["Photo Printer", "alice@example.org", "No mail was sent"] {
        assert!(page.words().contains(words), "{words}: {}", page.words());
    }
    // Round the page leads back to it, and a forged yes gives nothing.
    let i = page.hidden("i").unwrap();
    for path in ["/consent", "/login", "/login/unconfirmed"] {
        let round = browser.get(&format!("{path}?i={i}")).await;
        assert!(browser.follow(round).await.words().contains(HELD_UP), "{path}");
    }
    let forged = browser.submit("/consent", &page, &[("decision", "allow"), ("scope", "read")]).await;
    assert!(browser.follow(forged).await.words().contains(HELD_UP));
    let quiet = browser.authorize(&with(&request, "prompt", Some("none"))).await;
    assert_eq!(
        outcome(&quiet),
        "interaction_required",
        "nothing was allowed before either: the account comes first"
    );
    let late = with(&with(&request, "prompt", Some("none")), "max_age", Some("0"));
    assert_eq!(outcome(&browser.authorize(&late).await), "login_required", "who it is comes before that");
    let account = browser.get("/account").await;
    assert_page(&account, 200, "Until it is confirmed, no app lets you in", "the account page");
    assert_page(&browser.get("/developer").await, 403, HELD_UP, "the portal");

    prove(&app, "alice", true).await;
    let next = browser.get(&format!("/login/unconfirmed?i={i}")).await;
    let consent = browser.follow(next).await;
    let done = browser.decide(&consent, "allow", &["read"]).await;
    assert!(done.redirected().contains_key("code"), "{}", done.words());
    assert!(!browser.get("/account").await.words().contains("no app lets you in"));
    assert_eq!(browser.get("/developer").await.status, 200);
    let quiet = browser.authorize(&with(&request, "prompt", Some("none"))).await;
    assert_eq!(outcome(&quiet), "code");
}

#[tokio::test]
async fn who_does_not_want_to_wait_goes_back_and_the_application_is_told() {
    let app = strict().await;
    let mut browser = app.browser();
    let page = browser.authorize(&Browser::request("app", "openid read")).await;
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    let fields = [("i", page.hidden("i").unwrap()), ("csrf", page.hidden("csrf").unwrap())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let forged = browser.post("/login/unconfirmed", &with(&fields, "csrf", Some("x"))).await;
    assert!(browser.follow(forged).await.words().contains(HELD_UP), "a forged form");
    assert_eq!(browser.post_from("cross-site", "/login/unconfirmed", &fields).await.status, 403);
    let answer = browser.post("/login/unconfirmed", &fields).await.redirected();
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("access_denied", "the-state"));
}

#[tokio::test]
async fn nothing_comes_through_the_browser_either_and_what_was_given_is_not_renewed() {
    let app = strict().await;
    app.client(NewClient {
        id: Some("front".to_owned()),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Implicit],
        compat: vec![Compat::Implicit],
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    prove(&app, "alice", true).await;
    let mut browser = app.browser();
    let tokens = browser.tokens("front", "openid email offline_access", "alice").await;
    assert!(opens_userinfo(&app, text(&tokens, "access_token")).await);
    let said = app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await.json();
    assert_eq!(said["email_verified"], true);
    let refreshed = refresh(&app, "front", text(&tokens, "refresh_token")).await;
    assert_eq!(refreshed.status, 200);
    let kinds = ["token", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];
    let ask = async |browser: &mut Browser<'_>, kind: &str| {
        let request = with(&Browser::request("front", "openid email"), "response_type", Some(kind));
        let reply = browser.authorize(&with(&request, "nonce", Some("n"))).await;
        (reply.status.as_u16(), reply.location().contains("token=") || reply.location().contains("code="))
    };
    for kind in kinds {
        assert_eq!(ask(&mut browser, kind).await, (303, true), "{kind}");
    }
    // Who changes the address has proven nothing of the new one.
    let page = browser.get("/account/profile").await;
    let fields = [("name", "Alice"), ("email", "new@example.org"), ("password", PASSWORD)];
    assert_eq!(browser.submit("/account/profile", &page, &fields).await.status, 303);
    for kind in kinds {
        assert_eq!(ask(&mut browser, kind).await, (403, false), "{kind}");
    }
    let quiet = with(&Browser::request("front", "openid email"), "prompt", Some("none"));
    assert_eq!(outcome(&browser.authorize(&quiet).await), "interaction_required");
    let access = text(&refreshed.json(), "access_token").to_owned();
    assert!(!opens_userinfo(&app, &access).await);
    let token = text(&refreshed.json(), "refresh_token").to_owned();
    // The application itself is told why; nobody else is told anything.
    let words = async |client: &str, token: &str| {
        let reply = refresh(&app, client, token).await;
        assert_eq!(reply.refusal(), (400, "invalid_grant".to_owned()));
        text(&reply.json(), "error_description").to_owned()
    };
    assert!(words("front", &token).await.contains("e-mail address is not confirmed"));
    assert!(words("app", &token).await.contains("unknown, expired, revoked"), "another client");
    assert!(words("front", "vk_rt_nonsense").await.contains("unknown, expired, revoked"), "no token");
    let asked = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let stranger = app.post("/oauth/token", Some(("front", "wrong")), &asked).await;
    assert_eq!(stranger.refusal(), (401, "invalid_client".to_owned()));
    assert!(!stranger.body.contains("confirmed"), "{}", stranger.body);
    let asked = [("token", token.as_str())];
    let told = app.post("/oauth/introspect", Some(("front", CLIENT_SECRET)), &asked).await.json();
    assert_eq!(told["active"], false);
    // It was not reuse: once proven again, the same token goes on.
    prove(&app, "alice", true).await;
    assert_eq!(refresh(&app, "front", &token).await.status, 200);
}

#[tokio::test]
async fn whoever_signs_up_needs_an_address_there_and_is_told_that_it_must_be_confirmed() {
    let app = furnish(TestApp::builder().accounts(|own| {
        own.sign_up = vec![TenantId::default()];
        own.require_verified_email = true;
    }))
    .await;
    let mut browser = app.browser();
    let page = browser.authorize(&with(&Browser::request("app", "read"), "prompt", Some("create"))).await;
    assert!(page.words().contains("must confirm it before an app can let you in"), "{}", page.words());
    let fields = [("username", "carol"), ("password", "nine wooden boats on a lake")];
    let reply = browser.submit("/sign-up", &page, &fields).await;
    assert_page(&reply, 400, "Enter your e-mail address", "none given");
    let fields = [&fields[..], &[("email", "carol@example.org")]].concat();
    let reply = browser.submit("/sign-up", &page, &fields).await;
    let held_up = browser.follow(reply).await;
    assert_page(&held_up, 403, HELD_UP, "made, and not confirmed");
    prove(&app, "carol", true).await;
    let next = browser.get(&format!("/login/unconfirmed?i={}", held_up.hidden("i").unwrap())).await;
    assert!(browser.follow(next).await.body.contains("name=\"decision\""));
}

/// Two servers on sockets: this one as `accounts` says, the other its provider `corp`.
async fn with_provider(change: fn(&mut valetkey_core::settings::Accounts)) -> (TestApp, TestApp) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let here = TestApp::builder().issuer(&issuer).calling_loopback().accounts(change).start().await;
    here.web_client("app").await;
    here.listen(listener);
    let there = crate::upstream::server().await;
    trust(&here, &there, "corp").await;
    (here, there)
}

async fn come(here: &TestApp, there: &TestApp, username: &str) -> valetkey_testkit::Reply {
    let mut browser = here.browser();
    let login = browser.get("/login").await;
    let way = press(&mut browser, &login, "corp").await;
    let answer = at_provider(there, &mut there.browser(), &way, username).await;
    let back = browser.get(&answer).await;
    browser.follow(back).await
}

#[tokio::test]
async fn a_provider_that_vouches_for_the_very_address_proves_it_and_no_other() {
    for (email, vouched, proven) in [
        ("frank@example.org", true, true),
        ("Frank@Example.org", true, true),
        ("frank@example.org", false, false),
        ("frank@elsewhere.example", true, false),
        // The Kelvin sign, whose small letter is k.
        ("fran\u{212a}@example.org", true, false),
    ] {
        let (here, there) = with_provider(|own| own.require_verified_email = true).await;
        here.user("frank").await;
        there.user("frank").await;
        let edit = Edit { email: Some(email.to_owned()), email_verified: Some(vouched), ..Edit::default() };
        let id = user_id(&there, "frank").await;
        manage::user::edit(&there.cx(), &Actor::Operator, &id, &edit).await.unwrap();
        let mut browser = here.browser();
        browser.sign_in("frank").await;
        let page = browser.get("/account/methods").await;
        let fields = [("upstream", "corp"), ("password", PASSWORD)];
        let way = browser.submit("/account/methods/link", &page, &fields).await;
        let answer = at_provider(&there, &mut there.browser(), &way, "frank").await;
        browser.get(&answer).await;
        let own = user_id(&here, "frank").await;
        let is_proven = async || here.server.store.user(&own).await.unwrap().unwrap().email_verified;
        assert_eq!(is_proven().await, proven, "{email}, vouched {vouched}");
        let told = here.records().await.iter().filter(|own| own.event == Event::EmailVerified).count();
        assert_eq!(told, usize::from(proven), "{email}, vouched {vouched}");
        // Linked, signing in does the same.
        prove(&here, "frank", false).await;
        come(&here, &there, "frank").await;
        assert_eq!(is_proven().await, proven, "{email}, vouched {vouched}, signing in");
    }
}

#[tokio::test]
async fn whoever_types_a_strangers_address_first_does_not_keep_the_stranger_out() {
    let (here, there) = with_provider(|own| own.sign_up = vec![TenantId::default()]).await;
    there.user("grace").await;
    prove(&there, "grace", true).await;
    let mut thief = here.browser();
    let page = thief.get("/sign-up").await;
    let fields = [
        ("username", "mallory"),
        ("email", "grace@example.org"),
        ("password", "nine wooden boats on a lake"),
    ];
    assert_eq!(thief.submit("/sign-up", &page, &fields).await.status, 303);
    crate::ciba::bank(&here).await;
    let ask = async |hint| crate::ciba::ask(&here, &[("scope", "openid"), ("login_hint", hint)]).await;
    assert_refused(&ask("grace@example.org").await, 400, "unknown_user_id", "she is not here yet");
    assert_eq!(ask("mallory").await.status, 200);
    let page = come(&here, &there, "grace").await;
    assert!(page.words().contains("Your account") && page.words().contains("grace"), "{}", page.words());
    let grace = user_id(&here, "grace").await;
    let grace = here.server.store.user(&grace).await.unwrap().unwrap();
    assert_eq!((grace.email.as_deref(), grace.email_verified), (Some("grace@example.org"), true));
    // Hers is proven: it means her, and the other one's means nobody.
    assert_eq!(ask("grace@example.org").await.status, 200);
    let mut thief = here.browser();
    let page = thief.get("/login").await;
    assert_eq!(thief.log_in(&page, "grace@example.org", "nine wooden boats on a lake").await.status, 401);
    prove(&here, "grace", false).await;
    assert_refused(&ask("grace@example.org").await, 400, "unknown_user_id", "nobody proved it");
}

#[tokio::test]
async fn oidc_core_section_5_1_email_verified_says_what_is_so_in_id_token_and_userinfo() {
    let app = furnish(TestApp::builder()).await;
    for proven in [false, true] {
        prove(&app, "alice", proven).await;
        let mut browser = app.browser();
        let ask = r#"{"id_token":{"email_verified":null}}"#;
        let request = with(&Browser::request("app", "openid email"), "claims", Some(ask));
        let mut page = browser.authorize(&request).await;
        page = browser.log_in(&page, "alice", PASSWORD).await;
        if page.body.contains("name=\"decision\"") {
            page = browser.decide(&page, "allow", &["email"]).await;
        }
        let code = page.redirected()["code"].clone();
        let tokens = app.token("app", &valetkey_testkit::redemption(&code)).await.json();
        assert_eq!(claims(text(&tokens, "id_token"))["email_verified"], proven);
        let said = app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await.json();
        assert_eq!(said["email_verified"], proven);
    }
}
