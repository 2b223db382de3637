//! RFC 7591 §5, RFC 6749 §10 — what strangers bring us to do for them is counted, bounded, and tells them nothing of our network

use http::StatusCode;
use serde_json::{Value, json};
use std::net::IpAddr;
use valetkey_core::settings::DynamicRegistration;
use valetkey_testkit::{Reply, Site, TestApp};

async fn open(registrations: u32) -> TestApp {
    let builder = TestApp::builder().calling_loopback().registrations_per_hour(registrations);
    builder.registration(DynamicRegistration::Open).start().await
}

fn from(nth: u16) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, nth])
}

fn with_sector(uri: &str) -> Value {
    json!({
        "redirect_uris": ["https://app.example/cb"],
        "token_endpoint_auth_method": "none",
        "subject_type": "pairwise",
        "sector_identifier_uri": uri,
    })
}

async fn register(app: &TestApp, address: IpAddr, body: &Value) -> Reply {
    let call = app.call("POST", "/oauth/register").from(address);
    call.body("application/json", body.to_string()).send().await
}

#[tokio::test]
async fn rfc6749_section_2_3_1_one_ipv6_subscriber_guesses_and_registers_as_one_address() {
    let app = open(3).await;
    app.web_client("app").await;
    let guess = async |address| {
        let call = app.call("POST", "/oauth/token").from(address).basic("app", "wrong");
        call.form(&[("grant_type", "refresh_token"), ("refresh_token", "x")]).send().await
    };
    for nth in 0..30 {
        assert!(!guess(from(nth)).await.body.contains("too many"), "{nth}");
    }
    assert!(guess(from(99)).await.body.contains("too many"));
    let other = IpAddr::from([0x2001, 0xdb8, 0, 8, 0, 0, 0, 1]);
    assert!(!guess(other).await.body.contains("too many"));

    let plain = json!({"redirect_uris": ["https://app.example/cb"]});
    for nth in 0..3 {
        assert_eq!(register(&app, from(nth), &plain).await.status, StatusCode::CREATED);
    }
    assert_eq!(register(&app, from(99), &plain).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(register(&app, other, &plain).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn rfc7591_section_5_a_registration_that_is_refused_counts_as_one_that_is_not() {
    let (app, site) = (open(3).await, Site::start().await);
    let asked = with_sector(&site.url("/nothing"));
    for _ in 0..3 {
        assert_eq!(register(&app, from(1), &asked).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(register(&app, from(1), &asked).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(site.count("/nothing"), 3, "who pauses makes us ask nobody");
}

#[tokio::test]
async fn rfc7592_section_2_2_a_change_that_makes_us_ask_elsewhere_counts_and_no_other_does() {
    let (app, site) = (open(3).await, Site::start().await);
    let plain = json!({"redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none"});
    let client = register(&app, from(1), &plain).await.json();
    let (id, token) = (client["client_id"].clone(), client["registration_access_token"].as_str().unwrap());
    let change = async |mut body: Value| {
        body["client_id"] = id.clone();
        let call = app.call("PUT", &format!("/oauth/register/{}", id.as_str().unwrap())).from(from(1));
        call.bearer(token).body("application/json", body.to_string()).send().await
    };
    for _ in 0..5 {
        assert_eq!(change(plain.clone()).await.status, StatusCode::OK);
    }
    for _ in 0..2 {
        assert_eq!(change(with_sector(&site.url("/nothing"))).await.status, StatusCode::BAD_REQUEST);
    }
    let often = change(with_sector(&site.url("/nothing"))).await;
    assert_eq!(often.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(site.count("/nothing"), 2);
}

#[tokio::test]
async fn rfc7591_section_3_2_2_why_an_address_cannot_be_read_is_not_told_to_strangers() {
    let (app, site) = (open(100).await, Site::start().await);
    site.answer("/page", 200, &[("content-type", "text/html")], "<html>");
    site.answer("/away", 302, &[("location", "/page")], "");
    site.answer("/large", 200, &[("content-type", "application/json")], &" ".repeat(70_000));
    let mut told = Vec::new();
    for uri in [
        site.url("/nothing"),
        site.url("/page"),
        site.url("/away"),
        site.url("/large"),
        "http://127.0.0.1:1/closed".to_owned(),
        "https://10.0.0.1/private".to_owned(),
        "https://[fd00::1]/private".to_owned(),
    ] {
        let reply = register(&app, from(1), &with_sector(&uri)).await;
        assert_eq!(reply.refusal(), (400, "invalid_client_metadata".to_owned()), "{uri}");
        told.push(reply.json()["error_description"].as_str().unwrap().to_owned());
    }
    told.dedup();
    assert_eq!(told, ["the document at sector_identifier_uri cannot be read"]);
}
