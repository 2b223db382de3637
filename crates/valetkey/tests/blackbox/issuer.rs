//! RFC 8414 §2, RFC 9207 — one issuer, from the configuration, byte for byte the same everywhere

use crate::support::{claims, furnish, text, with};
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, TestApp, redemption};

#[tokio::test]
async fn rfc8414_section_2_the_issuer_is_byte_for_byte_the_same_everywhere() {
    for (configured, issuer) in [
        ("https://id.example", "https://id.example"),
        ("https://ID.example:8443/", "https://ID.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ] {
        let app = furnish(TestApp::builder().issuer(configured)).await;
        let call = app.call("GET", "/.well-known/oauth-authorization-server").header("host", "evil.example");
        let document = call.header("x-forwarded-host", "evil.example").send().await;
        assert!(!document.body.contains("evil"), "{}", document.body);
        let metadata = document.json();
        assert_eq!(text(&metadata, "issuer"), issuer);
        for (name, value) in metadata.as_object().unwrap() {
            if name.ends_with("_endpoint") || name.ends_with("_uri") {
                assert!(value.as_str().unwrap().starts_with(&format!("{issuer}/")), "{name}: {value}");
            }
        }
        let mut browser = app.browser();
        let page = browser.authorize(&Browser::request("app", "openid read")).await;
        let consent = browser.log_in(&page, "alice", PASSWORD).await;
        let done = browser.decide(&consent, "allow", &["read"]).await.redirected();
        assert_eq!(done["iss"], issuer, "RFC 9207 §2");
        let wrong =
            browser.authorize(&with(&Browser::request("app", "x"), "prompt", None)).await.redirected();
        assert_eq!(wrong["iss"], issuer);
        let tokens = app.token("app", &redemption(&done["code"])).await.json();
        assert_eq!(text(&claims(text(&tokens, "id_token")), "iss"), issuer);
        let fields = [("token", text(&tokens, "access_token"))];
        let seen = app.post("/oauth/introspect", Some(("app", CLIENT_SECRET)), &fields).await.json();
        assert_eq!(text(&seen, "iss"), issuer);
    }
}
