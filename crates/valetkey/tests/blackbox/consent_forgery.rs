//! ASVS 3.5, RFC 6749 §10.12 — an answer counts only from the person whom the page was drawn for

use crate::support::{altered, assert_error_page, disable_client, enable_client, user_id, world};
use valetkey_core::audit::Actor;
use valetkey_core::ids::ClientId;
use valetkey_core::manage;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp, redemption};

async fn asked(app: &TestApp) -> (Browser<'_>, Reply) {
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let page = browser.authorize(&Browser::request("app", "read")).await;
    assert_eq!(page.checkboxes("scope"), ["read"], "{}", page.body);
    (browser, page)
}

#[tokio::test]
async fn a_form_without_the_proof_of_its_page_leads_to_the_page_and_changes_nothing() {
    let app = world().await;
    let (mut browser, page) = asked(&app).await;
    let (i, csrf) = (page.hidden("i").unwrap(), page.hidden("csrf").unwrap());
    let mut bob = app.browser();
    bob.sign_in("bob").await;
    let of_bob = bob.get("/account").await.hidden("csrf").unwrap();
    let of_browser = app.browser().get("/login").await.hidden("csrf").unwrap();
    let before = app.rows().await;
    for (case, proof) in [
        ("none", ""),
        ("garbage", "x"),
        ("altered", &*altered(&csrf)),
        ("of another session", &*of_bob),
        ("of a browser, not of a session", &*of_browser),
        ("another artefact", &*i),
    ] {
        let fields = [("i", &*i), ("csrf", proof), ("scope", "read"), ("decision", "allow")];
        let reply = browser.post("/consent", &fields).await;
        assert_eq!(reply.status, 303, "{case}: {}", reply.body);
        assert!(
            reply.location().starts_with("https://id.example/consent?i=vk_in_"),
            "{case}: {}",
            reply.location()
        );
        let reply = browser.post("/consent", &[("i", &*i), ("csrf", proof), ("decision", "deny")]).await;
        assert!(reply.location().starts_with("https://id.example/"), "nor is a denial believed: {case}");
    }
    assert_eq!(app.rows().await, before);
    assert!(
        browser.decide(&page, "allow", &["read"]).await.redirected().contains_key("code"),
        "its own counts"
    );
}

#[tokio::test]
async fn a_form_that_the_browser_says_came_from_elsewhere_is_refused() {
    let app = world().await;
    let (mut browser, page) = asked(&app).await;
    let (i, csrf) = (page.hidden("i").unwrap(), page.hidden("csrf").unwrap());
    let fields = [("i", &*i), ("csrf", &*csrf), ("scope", "read"), ("decision", "allow")];
    let before = app.rows().await;
    let refused = "We cannot tell that this came from you";
    for site in ["cross-site", "same-site", "surprise"] {
        assert_error_page(&browser.post_from(site, "/consent", &fields).await, 403, refused, site);
    }
    let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    for origin in
        ["https://evil.example", "https://id.example.evil.example", "http://id.example", "https://id.exampl"]
    {
        let call = app.call("POST", "/consent").header("cookie", &cookies).header("origin", origin);
        assert_error_page(&call.form(&fields).send().await, 403, refused, origin);
    }
    for (twice, value) in [("decision", "deny"), ("csrf", "x"), ("i", "x")] {
        let fields = [&fields[..], &[(twice, value)]].concat();
        assert_error_page(&browser.post("/consent", &fields).await, 403, refused, twice);
    }
    assert_eq!(app.rows().await, before);
    let call = app.call("POST", "/consent").header("cookie", &cookies).header("origin", "https://id.example");
    assert!(call.form(&fields).send().await.redirected().contains_key("code"), "an older browser's own form");
}

#[tokio::test]
async fn somebody_who_signed_in_meanwhile_does_not_answer_for_the_one_before() {
    let app = world().await;
    let (mut browser, page) = asked(&app).await;
    let other_tab = browser.get(&format!("/login?i={}&switch=1", page.hidden("i").unwrap())).await;
    assert_eq!(other_tab.status, 200, "{}", other_tab.body);
    let bobs = browser.log_in(&other_tab, "bob", PASSWORD).await;
    assert!(bobs.words().contains("bob@example.org"), "{}", bobs.words());
    let reply = browser.decide(&page, "allow", &["read"]).await;
    assert!(reply.words().contains("bob@example.org"), "bob is asked himself: {}", reply.words());
    assert_eq!(app.rows().await["consents"], 0);
    let code = browser.decide(&bobs, "allow", &["read"]).await.redirected().remove("code").unwrap();
    assert_eq!(app.token("app", &redemption(&code)).await.status, 200);
    let alice = user_id(&app, "alice").await;
    assert!(app.cx().store.consents(&alice).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_persons_browser_cannot_answer_even_with_the_whole_page_in_hand() {
    let app = world().await;
    let (_, page) = asked(&app).await;
    let (mut bob, bobs) = {
        let mut bob = app.browser();
        bob.sign_in("bob").await;
        let page = bob.authorize(&Browser::request("app", "read")).await;
        (bob, page)
    };
    let before = app.rows().await;
    let reply = bob.decide(&page, "allow", &["read"]).await;
    assert_error_page(&reply, 400, "Your browser came without our cookie", "alice's page");
    // His own interaction with her proof, and her interaction with his.
    let (own_i, own_csrf) = (bobs.hidden("i").unwrap(), bobs.hidden("csrf").unwrap());
    let (her_i, her_csrf) = (page.hidden("i").unwrap(), page.hidden("csrf").unwrap());
    for (i, csrf) in [(&own_i, &her_csrf), (&her_i, &own_csrf)] {
        let fields = [("i", i.as_str()), ("csrf", csrf.as_str()), ("scope", "read"), ("decision", "allow")];
        let reply = bob.post("/consent", &fields).await;
        assert!(!reply.location().starts_with("https://app.example"), "{}", reply.location());
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn a_client_switched_off_or_deleted_on_the_way_gets_nothing() {
    let app = world().await;
    let (mut browser, page) = asked(&app).await;
    let unknown = "We do not know the app";
    disable_client(&app, "app").await;
    let before = app.rows().await;
    assert_error_page(&browser.decide(&page, "allow", &["read"]).await, 400, unknown, "disabled");
    let reloaded = browser.get(&format!("/consent?i={}", page.hidden("i").unwrap())).await;
    assert_error_page(&reloaded, 400, unknown, "disabled, reloaded");
    assert_eq!(app.rows().await, before);
    enable_client(&app, "app").await;
    assert!(browser.decide(&page, "allow", &["read"]).await.redirected().contains_key("code"));

    manage::client::delete(&app.cx(), Actor::Operator, &ClientId::from("app")).await.unwrap();
    assert_error_page(&browser.decide(&page, "allow", &["read"]).await, 400, unknown, "deleted");
    assert_eq!(app.rows().await["consents"], 0);
}

#[tokio::test]
async fn an_account_switched_off_on_the_way_answers_nothing() {
    let app = world().await;
    let (mut browser, page) = asked(&app).await;
    let alice = user_id(&app, "alice").await;
    manage::user::disable(&app.cx(), &Actor::Operator, &alice).await.unwrap();
    let before = app.rows().await;
    let reply = browser.decide(&page, "allow", &["read"]).await;
    assert!(reply.status == 200 && reply.words().contains("Sign in"), "{}", reply.words());
    assert_eq!(app.rows().await, before);
    assert_eq!(before["consents"], 0);
}
