//! RFC 9396 — rich authorization requests: types of the operator's, words at consent, details in every token

use crate::signer::{CALLBACK, Signer, profile};
use crate::support::{api, apply_settings, assert_refused, claims, introspected, text, with, world};
use serde_json::{Value, json};
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage::client::NewClient;
use valetkey_core::store::TokenFormat;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, redemption};

const PAYMENT: &str = r#"[{"type":"payment","amount":{"value":"12.50","currency":"EUR"},"creditor":"Ada & Co","reference":"No. 7"}]"#;
const FILES: &str = r#"[{"type":"files","actions":["read","write"],"identifier":"report"}]"#;

async fn types() -> TestApp {
    let app = world().await;
    app.api(api("pay", "", TokenFormat::Jwt, SigningAlgorithm::Es256)).await;
    app.client(NewClient {
        id: Some("narrow".to_owned()),
        redirect_uris: vec![CALLBACK.to_owned()],
        profile: profile(&json!({"authorization_details_types": ["files"]})),
        ..NewClient::default()
    })
    .await;
    app.client(NewClient { id: Some("asker".to_owned()), introspect: true, ..with_callback() }).await;
    apply_settings(
        &app,
        json!({"authorization_details_types": [
            {
                "type": "payment",
                "description": "Pay {amount.value} {amount.currency} to {creditor}",
                "api": "pay",
                "fields": ["creditor", "reference", "locations"],
                "required": ["amount"],
            },
            {"type": "files", "description": "Use the file {identifier}"},
        ]}),
    )
    .await;
    app
}

fn with_callback() -> NewClient {
    NewClient { redirect_uris: vec![CALLBACK.to_owned()], ..NewClient::default() }
}

fn request<'a>(client: &'a str, details: &'a str) -> Vec<(&'a str, &'a str)> {
    with(&Browser::request(client, "read"), "authorization_details", Some(details))
}

async fn consent(app: &TestApp, client: &str, details: &str) -> Reply {
    let mut browser = app.browser();
    let page = browser.authorize(&request(client, details)).await;
    browser.log_in(&page, "alice", PASSWORD).await
}

async fn code(app: &TestApp, browser: &mut Browser<'_>, details: &str) -> String {
    let mut page = browser.authorize(&request("app", details)).await;
    if page.body.contains("name=\"password\"") {
        page = browser.log_in(&page, "alice", PASSWORD).await;
    }
    let done = browser.decide(&page, "allow", &["read"]).await;
    assert!(app.rows().await.contains_key("grants"));
    done.redirected().remove("code").unwrap_or_else(|| panic!("{} {}", done.location(), done.words()))
}

async fn seen(app: &TestApp, token: &str) -> Value {
    app.post("/oauth/introspect", Some(("asker", CLIENT_SECRET)), &[("token", token)]).await.json()
}

#[tokio::test]
async fn rfc9396_section_4_what_is_asked_stands_in_words_on_the_consent_page_and_nothing_goes_unsaid() {
    let app = types().await;
    let page = consent(&app, "app", PAYMENT).await;
    assert_eq!(page.status, 200);
    let words = page.words();
    assert!(words.contains("Pay 12.50 EUR to Ada & Co"), "{words}");
    assert!(words.contains("reference") && words.contains("No. 7"), "{words}");
    let hostile = r#"[{"type":"payment","amount":{"value":"<b>1</b>","currency":"EUR"},"creditor":"<script>x</script>"}]"#;
    let page = consent(&app, "app", hostile).await;
    assert!(!page.body.contains("<script>x") && !page.body.contains("<b>1</b>"), "{}", page.body);
}

#[tokio::test]
async fn rfc9396_section_7_the_details_go_to_token_response_tokens_and_introspection() {
    let app = types().await;
    let mut browser = app.browser();
    let tokens = app.token("app", &redemption(&code(&app, &mut browser, PAYMENT).await)).await.json();
    let want: Value = serde_json::from_str(PAYMENT).unwrap();
    assert_eq!(tokens["authorization_details"], want);
    // The API of the type is the token's audience, and its form the token's.
    let token = text(&tokens, "access_token");
    let own = claims(token);
    assert_eq!((&own["authorization_details"], &own["aud"]), (&want, &"https://pay.example".into()));
    assert_eq!(seen(&app, token).await["authorization_details"], want);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let again = app.token("app", &refresh).await.json();
    assert_eq!(again["authorization_details"], want, "the grant keeps them");
    // Sealed, where no API is named.
    let tokens = app.token("app", &redemption(&code(&app, &mut browser, FILES).await)).await.json();
    let want: Value = serde_json::from_str(FILES).unwrap();
    assert_eq!(seen(&app, text(&tokens, "access_token")).await["authorization_details"], want);
    // Who asked for none has none.
    let plain = app.browser().tokens("app", "read", "bob").await;
    assert!(plain.get("authorization_details").is_none());
    let plain = introspected(&app, text(&plain, "access_token")).await;
    assert!(plain.get("authorization_details").is_none());
}

#[tokio::test]
async fn rfc9396_section_5_what_is_not_of_a_registered_type_is_refused_everywhere() {
    let app = types().await;
    let own = Signer::register(&app, SigningAlgorithm::Es256, &json!({})).await;
    for (case, client, details) in [
        ("no JSON", "app", "x"),
        ("no list", "app", r#"{"type":"files"}"#),
        ("an empty list", "app", "[]"),
        ("no object", "app", r#"["files"]"#),
        ("no type", "app", r#"[{"actions":["read"]}]"#),
        ("an unknown type", "app", r#"[{"type":"weather"}]"#),
        ("another case", "app", r#"[{"type":"Files"}]"#),
        ("an unknown member", "app", r#"[{"type":"files","colour":"red"}]"#),
        ("a wrong kind", "app", r#"[{"type":"files","actions":"read"}]"#),
        ("a member missing", "app", r#"[{"type":"payment","creditor":"Ada"}]"#),
        ("another place", "app", r#"[{"type":"payment","amount":{},"locations":["https://evil.example"]}]"#),
        ("one of two", "app", r#"[{"type":"files"},{"type":"weather"}]"#),
        ("not for this client", "narrow", PAYMENT),
    ] {
        let answer = app.browser().authorize(&request(client, details)).await.redirected();
        assert_eq!((answer["error"].as_str(), case), ("invalid_authorization_details", case));
        let pushed = app.post("/oauth/par", Some((client, CLIENT_SECRET)), &request(client, details)).await;
        assert_refused(&pushed, 400, "invalid_authorization_details", case);
    }
    assert_eq!(consent(&app, "narrow", FILES).await.status, 200, "its own type");
    // In a request object they are JSON, not a text with JSON in it.
    let mut object = own.claims(&app, "read");
    object["authorization_details"] = serde_json::from_str(PAYMENT).unwrap();
    let code = own.code(&app, &[("request", &own.object(&object))]).await;
    let tokens = own.redeem(&app, &code, None).await.json();
    assert_eq!(tokens["authorization_details"][0]["type"], "payment", "{tokens}");
    for grant in ["client_credentials"] {
        let fields = [("grant_type", grant), ("authorization_details", FILES)];
        let reply = app.token("service", &fields).await;
        assert_refused(&reply, 400, "invalid_authorization_details", grant);
    }
}

#[tokio::test]
async fn rfc9396_section_6_a_token_request_narrows_and_never_widens() {
    let app = types().await;
    let mut browser = app.browser();
    let one = code(&app, &mut browser, FILES).await;
    let redeem =
        |details: &'static str| [&redemption(&one)[..], &[("authorization_details", details)]].concat();
    for wider in [
        r#"[{"type":"files","actions":["read","delete"],"identifier":"report"}]"#,
        r#"[{"type":"files","actions":["read"]}]"#,
        r#"[{"type":"files","actions":["read"],"identifier":"other"}]"#,
        r#"[{"type":"payment","amount":{}}]"#,
        "[]",
        "x",
    ] {
        let reply = app.token("app", &redeem(wider)).await;
        assert_refused(&reply, 400, "invalid_authorization_details", wider);
    }
    let less = r#"[{"type":"files","actions":["read"],"identifier":"report"}]"#;
    let tokens = app.token("app", &redeem(less)).await;
    assert_eq!(tokens.status, 200, "nothing was spent: {}", tokens.body);
    let tokens = tokens.json();
    assert_eq!(tokens["authorization_details"][0]["actions"], json!(["read"]));
    assert_eq!(
        seen(&app, text(&tokens, "access_token")).await["authorization_details"][0]["actions"],
        json!(["read"])
    );
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let wider =
        [&refresh[..], &[("authorization_details", r#"[{"type":"files","actions":["own"]}]"#)]].concat();
    assert_refused(&app.token("app", &wider).await, 400, "invalid_authorization_details", "refreshed");
    let all = app.token("app", &refresh).await.json();
    assert_eq!(all["authorization_details"][0]["actions"], json!(["read", "write"]), "the grant keeps all");
}

#[tokio::test]
async fn what_is_agreed_in_detail_is_agreed_each_time() {
    let app = types().await;
    let mut browser = app.browser();
    code(&app, &mut browser, FILES).await;
    assert!(browser.authorize(&Browser::request("app", "read")).await.redirected().contains_key("code"));
    let page = browser.authorize(&request("app", FILES)).await;
    assert_eq!(page.status, 200, "{}", page.location());
    let quiet = with(&request("app", FILES), "prompt", Some("none"));
    assert_eq!(browser.authorize(&quiet).await.redirected()["error"], "consent_required");
}

#[tokio::test]
async fn rfc9396_section_9_a_token_for_one_api_carries_only_what_is_meant_for_it() {
    let app = types().await;
    app.api(api("store", "read", TokenFormat::Jwt, SigningAlgorithm::Es256)).await;
    let both = format!("[{},{}]", &PAYMENT[1..PAYMENT.len() - 1], &FILES[1..FILES.len() - 1]);
    let mut browser = app.browser();
    let one = code(&app, &mut browser, &both).await;
    let fields = [&redemption(&one)[..], &[("resource", "https://store.example")]].concat();
    let tokens = app.token("app", &fields).await.json();
    let kinds: Vec<_> =
        tokens["authorization_details"].as_array().unwrap().iter().map(|own| text(own, "type")).collect();
    assert_eq!(kinds, ["files"], "{tokens}");
}

#[tokio::test]
async fn rfc9396_section_10_discovery_names_the_types_while_there_are_some() {
    let app = types().await;
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["authorization_details_types_supported"], json!(["payment", "files"]));
    let app = world().await;
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert!(metadata.get("authorization_details_types_supported").is_none());
    let answer = app.browser().authorize(&request("app", FILES)).await.redirected();
    assert_eq!(answer["error"], "invalid_authorization_details");
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_with_prompt_consent_what_is_held_may_be_given_back() {
    let app = world().await;
    let mut browser = app.browser();
    browser.code("app", "openid read write", "alice").await;
    let again = with(&Browser::request("app", "openid read write"), "prompt", Some("consent"));
    let page = browser.authorize(&again).await;
    assert_eq!(page.checkboxes("scope"), ["read", "write"], "{}", page.words());
    let done = browser.decide(&page, "allow", &["read"]).await;
    let tokens = app.token("app", &redemption(&done.redirected()["code"])).await.json();
    assert_eq!(text(&tokens, "scope"), "openid read");
    // It is asked for anew from now on, and shown as new; what stayed is not asked.
    let page = browser.authorize(&Browser::request("app", "openid read write")).await;
    assert_eq!(page.checkboxes("scope"), ["write"]);
    // Without the prompt what is held stays, whatever the form says.
    let done = browser.decide(&page, "allow", &["write"]).await;
    let tokens = app.token("app", &redemption(&done.redirected()["code"])).await.json();
    assert_eq!(text(&tokens, "scope"), "openid read write");
}
