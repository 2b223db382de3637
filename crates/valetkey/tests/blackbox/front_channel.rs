//! OIDC Front-Channel Logout 1.0 — the browser itself carries the end of a session to applications

use crate::support::{assert_page, claims, text, world};
use valetkey_core::client::profile::{Logout, Profile};
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, Reply, TestApp};

const AFTER: &str = "https://one.example/bye";

fn rp(id: &str, front: Option<&str>, session_required: bool) -> NewClient {
    let logout = Logout {
        frontchannel_logout_uri: front.map(str::to_owned),
        frontchannel_logout_session_required: session_required,
        ..Logout::default()
    };
    NewClient {
        id: Some(id.to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned(), format!("https://{id}.example/cb")],
        post_logout_redirect_uris: vec![format!("https://{id}.example/bye")],
        profile: Profile { logout, ..Profile::default() },
        ..NewClient::default()
    }
}

async fn furnished() -> TestApp {
    let app = world().await;
    app.client(rp("one", Some("https://one.example/out?a=1"), true)).await;
    app.client(rp("two", Some("https://two.example/out"), false)).await;
    app.client(rp("three", None, false)).await;
    app
}

/// The addresses of the frames of a page.
fn frames(page: &Reply) -> Vec<String> {
    let parts = page.body.split("<iframe src=\"").skip(1);
    let unescaped = |text: &str| text.replace("&#x2f;", "/").replace("&amp;", "&").replace("&#x3d;", "=");
    parts.map(|part| unescaped(part.split('"').next().unwrap())).collect()
}

async fn signed_in(browser: &mut Browser<'_>, clients: &[&str]) -> String {
    let mut id_token = String::new();
    for client in clients {
        text(&browser.tokens(client, "openid", "alice").await, "id_token").clone_into(&mut id_token);
    }
    id_token
}

#[tokio::test]
async fn section_3_signing_out_loads_the_page_of_each_application_in_the_session() {
    let app = furnished().await;
    let mut browser = app.browser();
    let hint = signed_in(&mut browser, &["three", "two", "one"]).await;
    let sid = claims(&hint)["sid"].as_str().unwrap().to_owned();
    let account = browser.get("/account").await;
    let page = browser.press(&account, "/account/sign-out", "Sign out").await;
    assert_page(&page, 200, "You are signed out", "signed out");
    let one = format!("https://one.example/out?a=1&iss=https%3A%2F%2Fid.example&sid={sid}");
    assert_eq!(frames(&page), [one, "https://two.example/out".to_owned()]);
    assert!(page.body.matches("<iframe").count() == page.body.matches(" hidden sandbox=\"").count());
    let policy = page.header("content-security-policy");
    assert!(policy.ends_with("; frame-src https://one.example https://two.example"), "{policy}");
    assert!(!page.body.contains("http-equiv"), "there is nowhere to go on to");
    assert!(!page.body.contains("<script"));
    assert!(
        !browser.cookies.contains_key("__Host-vk_session")
            && !browser.cookies.contains_key("__Host-vk_state")
    );
}

#[tokio::test]
async fn section_3_the_way_back_comes_after_the_frames() {
    let app = furnished().await;
    let mut browser = app.browser();
    let hint = signed_in(&mut browser, &["one"]).await;
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("id_token_hint", &*hint),
            ("post_logout_redirect_uri", AFTER),
            ("state", "a\"><b>&c"),
        ])
        .finish();
    let page = browser.get(&format!("/oauth/logout?{query}")).await;
    assert_page(&page, 200, "You are signed out", "with frames");
    assert_eq!(frames(&page).len(), 1);
    let on = "<meta http-equiv=\"refresh\" content=\"2;url=https:&#x2f;&#x2f;one.example&#x2f;bye?state=a%22%3E%3Cb%3E%26c\">";
    assert!(page.body.contains(on), "{}", page.body);
    assert!(page.words().contains("Continue to"));
    // Signed out already: nothing to load, and straight back.
    let again = browser.get(&format!("/oauth/logout?{query}")).await;
    assert_eq!(again.location(), "https://one.example/bye?state=a%22%3E%3Cb%3E%26c");
}

#[tokio::test]
async fn section_2_without_pages_to_load_the_browser_goes_straight_back_and_nothing_is_framed() {
    let app = furnished().await;
    let mut browser = app.browser();
    let hint = signed_in(&mut browser, &["three"]).await;
    let back = "https://three.example/bye";
    let reply =
        browser.get(&format!("/oauth/logout?id_token_hint={hint}&post_logout_redirect_uri={back}")).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, back));
    signed_in(&mut browser, &["three"]).await;
    let account = browser.get("/account").await;
    let page = browser.press(&account, "/account/sign-out", "Sign out").await;
    assert!(frames(&page).is_empty() && !page.header("content-security-policy").contains("frame-src"));
}

#[tokio::test]
async fn section_2_only_applications_of_this_very_session_are_loaded() {
    let app = furnished().await;
    let mut elsewhere = app.browser();
    signed_in(&mut elsewhere, &["two"]).await;
    let mut browser = app.browser();
    signed_in(&mut browser, &["one"]).await;
    browser.tokens("two", "read", "alice").await;
    let account = browser.get("/account").await;
    let page = browser.press(&account, "/account/sign-out", "Sign out").await;
    let found = frames(&page);
    assert!(found.len() == 1 && found[0].starts_with("https://one.example/"), "{found:?}");
}
