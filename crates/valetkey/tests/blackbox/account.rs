//! ASVS 7.4.5, 10.7.3 — the account page: which apps hold a key, where one is signed in, and taking either back

use crate::support::{assert_error_page, assert_page, assert_refused, opens_userinfo, refresh, text, world};
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, TestApp};

const KEY: &str = "/account/apps/revoke";
const END: &str = "/account/sessions/end";

async fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.clone().get("/account").await.status == 200
}

async fn account(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    browser
}

#[tokio::test]
async fn asvs_10_7_3_the_page_lists_every_key_with_what_it_opens() {
    let app = world().await;
    app.client(NewClient {
        id: Some("diary".to_owned()),
        name: "Diary & \"Co\" <i>".to_owned(),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    let mut browser = account(&app).await;
    let page = browser.get("/account").await;
    assert_page(&page, 200, "No app has a key.", "at first");
    browser.tokens("app", "openid read write", "alice").await;
    browser.code("diary", "read", "alice").await;
    app.clock.advance(3600);
    let page = browser.get("/account").await;
    let words = page.words();
    for said in
        ["Photo Printer", "See your things", "Change your things", "Know who you are", "Diary & \"Co\" <i>"]
    {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(words.contains("since 1 hour ago · last used 1 hour ago"), "{words}");
    assert!(words.contains("since 1 hour ago · never used"), "the diary redeemed nothing: {words}");
    assert!(!page.body.contains("<i>"));
    let mut bob = app.browser();
    bob.sign_in("bob").await;
    let bobs = bob.get("/account").await;
    assert!(
        bobs.words().contains("No app has a key.") && !bobs.words().contains("alice"),
        "{}",
        bobs.words()
    );
}

#[tokio::test]
async fn a_key_taken_back_opens_nothing_any_more_and_the_app_must_ask_again() {
    let app = world().await;
    let mut browser = account(&app).await;
    let old = browser.tokens("app", "openid read", "alice").await;
    let newer = refresh(&app, "app", text(&old, "refresh_token")).await.json();
    let unspent = browser.code("app", "openid read", "alice").await;
    let other = browser.tokens("other", "openid read", "alice").await;
    let bobs = app.browser().tokens("app", "openid read", "bob").await;
    let page = browser.get("/account").await;
    assert_eq!(page.body.matches(&format!("action=\"{KEY}\"")).count(), 2);
    app.clock.advance(1);
    let done = browser.press(&page, KEY, "value=\"app\"").await;
    assert_page(&done, 200, "no longer has a key to your account", "pressed");
    assert_eq!(done.body.matches(&format!("action=\"{KEY}\"")).count(), 1, "the other app's is left");

    for tokens in [&old, &newer] {
        assert!(!opens_userinfo(&app, text(tokens, "access_token")).await);
        let reply = refresh(&app, "app", text(tokens, "refresh_token")).await;
        assert_refused(&reply, 400, "invalid_grant", "refresh");
    }
    let reply = app.token("app", &valetkey_testkit::redemption(&unspent)).await;
    assert_refused(&reply, 400, "invalid_grant", "a code on its way");
    for tokens in [&other, &bobs] {
        assert!(opens_userinfo(&app, text(tokens, "access_token")).await, "others keep theirs");
    }
    app.clock.advance(1);
    let page = browser.authorize(&Browser::request("app", "openid read")).await;
    assert_page(&page, 200, "wants a key to your account", "asked again");
    let again = browser.tokens("app", "openid read", "alice").await;
    assert!(opens_userinfo(&app, text(&again, "access_token")).await, "a new key is new");
}

#[tokio::test]
async fn asvs_7_4_5_other_browsers_can_be_signed_out_one_by_one_or_all() {
    let app = world().await;
    let mut here = account(&app).await;
    let phone = {
        let mut browser = app.browser().at("198.51.100.7");
        browser.sign_in("alice").await;
        browser
    };
    let (laptop, library) = (account(&app).await, account(&app).await);
    let mut bob = app.browser();
    bob.sign_in("bob").await;
    let page = here.get("/account").await;
    let words = page.words();
    assert!(words.contains("Firefox on Linux this browser") && words.contains("198.51.100.7"), "{words}");
    assert_eq!(
        words.matches("Firefox on Linux").count(),
        4 + 3,
        "each, and the names of three buttons: {words}"
    );

    let done = here.press(&page, END, "198.51.100.7").await;
    assert_page(&done, 200, "That browser is signed out.", "one");
    assert!(!is_signed_in(&phone).await);
    assert!(is_signed_in(&here).await && is_signed_in(&laptop).await && is_signed_in(&library).await);

    let done = here.press(&done, END, "Sign out everywhere else").await;
    assert_page(&done, 200, "All your other browsers are signed out.", "all");
    assert!(done.words().contains("You are signed in nowhere else."), "{}", done.words());
    assert!(!is_signed_in(&laptop).await && !is_signed_in(&library).await);
    assert!(is_signed_in(&here).await && is_signed_in(&bob).await);
}

#[tokio::test]
async fn nobody_takes_back_what_is_anothers() {
    let app = world().await;
    let mut alice = account(&app).await;
    alice.tokens("app", "openid read", "alice").await;
    let other_alice = account(&app).await;
    let mut bob = app.browser();
    let bobs = bob.tokens("other", "openid read", "bob").await;
    let hers = alice.get("/account").await.form(END, "value").hidden("session").unwrap();
    let page = bob.get("/account").await;
    let before = app.rows().await;
    for (path, name, value) in [
        (END, "session", &*hers),
        (END, "session", "00000000000000000000000000"),
        (END, "session", ""),
        (KEY, "client", "app"),
        (KEY, "client", "nobody"),
        (KEY, "client", ""),
    ] {
        let reply = bob.submit(path, &page, &[(name, value)]).await;
        assert_eq!(
            (reply.status.as_u16(), reply.location()),
            (303, "https://id.example/account"),
            "{name}={value}"
        );
    }
    assert_eq!(app.rows().await, before);
    assert!(is_signed_in(&alice).await && is_signed_in(&other_alice).await);
    assert!(opens_userinfo(&app, text(&bobs, "access_token")).await);
}

#[tokio::test]
async fn asvs_3_5_1_each_form_of_the_page_wants_the_proof_of_this_session() {
    let app = world().await;
    let mut browser = account(&app).await;
    browser.tokens("app", "openid read", "alice").await;
    account(&app).await;
    let own = browser.get("/account").await.hidden("csrf").unwrap();
    let foreign = {
        let mut bob = app.browser();
        bob.sign_in("bob").await;
        bob.get("/account").await.hidden("csrf").unwrap()
    };
    let of_other_session = account(&app).await.get("/account").await.hidden("csrf").unwrap();
    let before = app.rows().await;
    let refused = "We cannot tell that this came from you";
    for (path, field) in
        [(KEY, ("client", "app")), (END, ("session", "others")), ("/account/sign-out", ("x", "y"))]
    {
        for proof in ["", "x", &*foreign, &*of_other_session, &*crate::support::altered(&own)] {
            let reply = browser.post(path, &[field, ("csrf", proof)]).await;
            assert_error_page(&reply, 403, refused, &format!("{path} {proof}"));
        }
        assert_error_page(&browser.post(path, &[field]).await, 403, refused, path);
        for site in ["cross-site", "same-site"] {
            let reply = browser.post_from(site, path, &[field, ("csrf", &*own)]).await;
            assert_error_page(&reply, 403, refused, &format!("{path} {site}"));
        }
        let json = app.call("POST", path).body("application/json", "{}").send().await;
        assert_error_page(&json, 415, "in a way that we do not understand", path);
    }
    app.clock.advance(12 * 3600);
    let late = browser.post(END, &[("session", "others"), ("csrf", &*own)]).await;
    assert_error_page(&late, 403, refused, "half a day later");
    assert_eq!(app.rows().await, before);
}
