//! `/dev/callback`, in development only: it plays the demo application and shows how a code is redeemed

use crate::support::{ISSUER, assert_error_page, assert_page, text, world};
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, CLIENT_SECRET, TestApp, VERIFIER};

async fn demo() -> TestApp {
    let app = TestApp::builder().demo().start().await;
    app.scope("read", "See your things").await;
    app.user("alice").await;
    app.client(NewClient {
        id: Some("demo".to_owned()),
        redirect_uris: vec![format!("{ISSUER}/dev/callback")],
        ..NewClient::default()
    })
    .await;
    app
}

#[tokio::test]
async fn the_line_on_the_page_redeems_the_code() {
    let app = demo().await;
    let mut browser = app.browser();
    let callback = format!("{ISSUER}/dev/callback");
    let request =
        crate::support::with(&Browser::request("demo", "openid read"), "redirect_uri", Some(&callback));
    let login = browser.authorize(&request).await;
    let consent = browser.log_in(&login, "alice", valetkey_testkit::PASSWORD).await;
    let answer = browser.decide(&consent, "allow", &["read"]).await;
    let page = browser.get(answer.location()).await;
    assert_page(&page, 200, "A code came back", "the callback");
    let words = page.words();
    for said in ["the-state", ISSUER, "curl -u demo:", VERIFIER, &answer.redirected()["code"]] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let part = |name: &str| {
        let rest = words.split_once(&format!("-d {name}=")).unwrap().1;
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let names = ["grant_type", "code", "redirect_uri", "code_verifier"];
    let values = names.map(part);
    let fields: Vec<_> = names.iter().copied().zip(values.iter().map(String::as_str)).collect();
    let tokens = app.post("/oauth/token", Some(("demo", CLIENT_SECRET)), &fields).await;
    assert!(text(&tokens.json(), "access_token").starts_with("vk_at_"), "{}", tokens.body);
}

#[tokio::test]
async fn what_comes_in_the_address_is_shown_as_text_and_never_in_a_line_to_paste() {
    let app = demo().await;
    for (query, status, said) in [
        ("error=access_denied&error_description=no", 200, "The person said no."),
        ("error=%3Cscript%3E&error_description=%3Cimg%3E", 200, "<script>"),
        ("code=%3Cscript%3E", 200, "Nothing came back"),
        ("code=x%3B+rm+-rf+~", 200, "Nothing came back"),
        ("code=%24(id)", 200, "Nothing came back"),
        ("code=x%22%0Aid", 200, "Nothing came back"),
        ("state=x", 200, "Nothing came back"),
        ("", 200, "Nothing came back"),
    ] {
        let page = app.get(&format!("/dev/callback?{query}")).await;
        assert_page(&page, status, said, query);
        assert!(!page.body.contains("<script>") && !page.body.contains("<img"), "{query}: {}", page.body);
        assert!(!page.words().contains("curl"), "{query}: {}", page.words());
    }
}

#[tokio::test]
async fn outside_development_there_is_no_such_page() {
    let app = world().await;
    let call = app.call("GET", "/dev/callback?code=x").header("accept", "text/html");
    assert_error_page(&call.send().await, 404, "There is no page here", "served");
}
