//! RFC 6749 §4.1, ASVS 10.7 — consent: what the page says, what can be given, what is remembered

use crate::support::{ISSUER, api, assert_page, text, user_id, with, world};
use valetkey_core::audit::Actor;
use valetkey_core::ids::ClientId;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Api, TokenFormat};
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp, redemption};

const WANTS: &str = "Photo Printer wants a key to your account";
const WANTS_MORE: &str = "Photo Printer wants its key to your account to do more";

async fn asked(browser: &mut Browser<'_>, scope: &str) -> Reply {
    let page = browser.authorize(&Browser::request("app", scope)).await;
    if page.body.contains("name=\"password\"") {
        browser.log_in(&page, "alice", PASSWORD).await
    } else {
        page
    }
}

/// The scope that the application's token has after an answer.
async fn granted(app: &TestApp, answer: &Reply) -> String {
    let reply = app.token("app", &redemption(&answer.redirected()["code"])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    text(&reply.json(), "scope").to_owned()
}

#[tokio::test]
async fn asvs_10_7_2_the_page_says_who_asks_for_what_where_to_and_for_how_long() {
    let app = world().await;
    let photos = api("photos", "read", TokenFormat::Sealed, SigningAlgorithm::EdDsa);
    app.api(Api { name: "Photo API <b>".to_owned(), ..photos }).await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let mut request = Browser::request("app", "openid profile read offline_access");
    request.push(("resource", "https://photos.example"));
    let page = browser.authorize(&request).await;
    assert_page(&page, 200, WANTS, "the asking app");
    let words = page.words();
    for said in [
        "alice",
        "alice@example.org",
        "See your things",
        "See your name",
        "Know who you are",
        "Keep working when you are away",
        "Photo API <b>",
        "app.example",
        "30 days unused",
        "Checked by those who run id.example",
        "https://app.example/cb",
        "openid profile read offline_access",
        "Deny",
        "Allow selected",
        "Not you?",
    ] {
        assert!(words.contains(said), "{said:?} is not in {words}");
    }
    assert!(!page.body.contains("<b>") && !page.body.contains("<script"), "{}", page.body);
    assert_eq!(page.checkboxes("scope"), ["profile", "read", "offline_access"], "openid is no choice");
    assert!(["profile", "read", "offline_access"].iter().all(|scope| page.is_ticked(scope)));
    let csp = page.header("content-security-policy");
    assert!(csp.contains("frame-ancestors 'none'") && !csp.contains("script-src"), "{csp}");
}

#[tokio::test]
async fn a_name_or_scope_from_outside_is_shown_as_text_and_without_what_turns_it_around() {
    let app = world().await;
    app.scope("x", "<img src=x onerror=alert(1)>").await;
    app.client(NewClient {
        id: Some("odd".to_owned()),
        name: "\u{202e}knaB \"Bank\" <b>".to_owned(),
        website: "https://odd.example/\"><script>".to_owned(),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        scope: Some(Scope::parse("x y'z").unwrap()),
        ..NewClient::default()
    })
    .await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let page = browser.authorize(&Browser::request("odd", "x y'z")).await;
    let words = page.words();
    assert!(words.contains("knaB \"Bank\" <b> wants a key") && !words.contains('\u{202e}'), "{words}");
    assert!(words.contains("<img src=x onerror=alert(1)>"), "{words}");
    assert!(words.contains("Use “y'z” . The app's operator gave no words for this."), "{words}");
    assert!(!page.body.contains("<img") && !page.body.contains("<script") && !page.body.contains("<b>"));
    let done = browser.decide(&page, "allow", &["y'z"]).await.redirected();
    assert_eq!(text(&app.token("odd", &redemption(&done["code"])).await.json(), "scope"), "y'z");
}

#[tokio::test]
async fn rfc6749_section_3_3_each_scope_can_be_denied_and_only_what_was_ticked_is_given() {
    for (asked_for, ticked, given) in [
        ("openid read write", vec!["read", "write"], "openid read write"),
        ("openid read write", vec!["write"], "openid write"),
        ("openid read write", vec![], "openid"),
        ("write read", vec!["read"], "read"),
        ("read", vec!["read", "write", "admin", "openid", "read"], "read"),
        ("openid", vec![], "openid"),
        ("", vec![], ""),
    ] {
        let app = world().await;
        let mut browser = app.browser();
        let page = asked(&mut browser, asked_for).await;
        let answer = browser.decide(&page, "allow", &ticked).await;
        assert_eq!(granted(&app, &answer).await, given, "{asked_for}: {ticked:?}");
    }
}

#[tokio::test]
async fn oidc_core_section_11_declining_offline_access_means_no_refresh_token() {
    let app = world().await;
    let mut browser = app.browser();
    for (ticked, refreshes) in [(vec!["read"], false), (vec!["offline_access", "read"], true)] {
        let page = asked(&mut browser, "read offline_access").await;
        let answer = browser.decide(&page, "allow", &ticked).await;
        let tokens = app.token("app", &redemption(&answer.redirected()["code"])).await.json();
        assert_eq!(tokens.get("refresh_token").is_some(), refreshes, "{ticked:?}");
        assert_eq!(text(&tokens, "scope").contains("offline_access"), refreshes);
    }
}

#[tokio::test]
async fn an_answer_is_remembered_and_only_what_is_new_is_asked_and_marked() {
    let app = world().await;
    let mut browser = app.browser();
    let page = asked(&mut browser, "openid read").await;
    assert!(!page.body.contains("class=\"tag new\""), "the first time, nothing is new");
    browser.decide(&page, "allow", &["read"]).await;
    for held in ["openid read", "read", "openid", "read openid"] {
        assert_eq!(granted(&app, &asked(&mut browser, held).await).await, held, "asked again for {held}");
    }

    let page = asked(&mut browser, "openid read write email").await;
    assert_page(&page, 200, WANTS_MORE, "more than it has");
    assert_eq!(page.checkboxes("scope"), ["write", "email"]);
    assert_eq!(page.body.matches("class=\"tag new\"").count(), 2);
    assert!(page.words().contains("It already can See your things"), "{}", page.words());
    let answer = browser.decide(&page, "allow", &["write"]).await;
    assert_eq!(granted(&app, &answer).await, "openid read write", "what it had stays, without a tick");
    let page = asked(&mut browser, "openid read write email").await;
    assert_eq!(page.checkboxes("scope"), ["email"], "denied, and so asked again");
    assert_eq!(granted(&app, &browser.decide(&page, "allow", &[]).await).await, "openid read write");

    // Another app, and the same app of another person, begin from nothing.
    let page = browser.authorize(&Browser::request("other", "openid read")).await;
    assert_page(&page, 200, WANTS, "another app");
    let mut bob = app.browser();
    bob.sign_in("bob").await;
    assert_page(&asked(&mut bob, "openid read").await, 200, WANTS, "another person");
}

#[tokio::test]
async fn nothing_ticked_is_no_answer_and_the_page_says_so() {
    let app = world().await;
    let mut browser = app.browser();
    let page = asked(&mut browser, "read write").await;
    let before = app.rows().await;
    for ticked in [vec![], vec!["admin"], vec!["openid"], vec![""]] {
        let again = browser.decide(&page, "allow", &ticked).await;
        assert_page(&again, 400, "Nothing was selected.", &format!("{ticked:?}"));
        assert_eq!(again.checkboxes("scope"), ["read", "write"]);
        assert_eq!(app.rows().await, before);
    }
    let again = browser.decide(&page, "allow", &[]).await;
    assert_eq!(granted(&app, &browser.decide(&again, "allow", &["read"]).await).await, "read");
}

#[tokio::test]
async fn rfc6749_section_4_1_2_1_a_denial_is_told_and_not_remembered() {
    let app = world().await;
    let mut browser = app.browser();
    let page = asked(&mut browser, "openid read").await;
    let before = app.rows().await;
    for decision in ["deny", "", "ALLOW", "yes"] {
        let answer = browser.decide(&page, decision, &["read"]).await.redirected();
        assert_eq!(answer["error"], "access_denied", "{decision:?}");
        assert_eq!((&*answer["state"], &*answer["iss"]), ("the-state", ISSUER));
        assert!(!answer.contains_key("code"));
    }
    assert_eq!(app.rows().await, before);
    assert_page(&asked(&mut browser, "openid read").await, 200, WANTS, "asked again");

    browser.decide(&page, "allow", &["read"]).await;
    let page = asked(&mut browser, "openid read write").await;
    assert_eq!(browser.decide(&page, "deny", &[]).await.redirected()["error"], "access_denied");
    assert_eq!(granted(&app, &asked(&mut browser, "read").await).await, "read", "what it had, it keeps");
}

#[tokio::test]
async fn a_withdrawn_consent_is_asked_for_again() {
    let app = world().await;
    let mut browser = app.browser();
    let page = asked(&mut browser, "openid read").await;
    browser.decide(&page, "allow", &["read"]).await;
    let alice = user_id(&app, "alice").await;
    manage::consent::withdraw(&app.cx(), Actor::Operator, &alice, &ClientId::from("app")).await.unwrap();
    let quiet = with(&Browser::request("app", "openid read"), "prompt", Some("none"));
    assert_eq!(browser.authorize(&quiet).await.redirected()["error"], "consent_required");
    app.clock.advance(1);
    let page = asked(&mut browser, "openid read").await;
    assert_page(&page, 200, WANTS, "from the beginning");
    assert_eq!(granted(&app, &browser.decide(&page, "allow", &["read"]).await).await, "openid read");
}
