//! RFC 7591 §5, RFC 6749 §10 — what strangers bring us to do for them is counted, bounded, and tells them nothing of our network

use crate::signer::{CALLBACK, Signer};
use crate::support::{furnish, text};
use http::StatusCode;
use serde_json::{Value, json};
use std::net::IpAddr;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::settings::DynamicRegistration;
use valetkey_testkit::{Browser, Reply, Site, TestApp};

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

#[tokio::test]
async fn oidc_core_section_6_2_one_place_makes_us_read_a_clients_requests_so_often_and_no_more() {
    let (app, site) =
        (furnish(TestApp::builder().calling_loopback().request_uris()).await, Site::start().await);
    let uri = site.url("/request");
    for id in ["one", "two"] {
        Signer::named(&app, id, SigningAlgorithm::Rs256, &json!({"request_uris": [uri]})).await;
    }
    let ask = async |id: &str, address| {
        let fields = [
            ("client_id", id),
            ("request_uri", uri.as_str()),
            ("response_type", "code"),
            ("scope", "openid"),
            ("redirect_uri", CALLBACK),
        ];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let reply = app.call("GET", &format!("/oauth/authorize?{query}")).from(address).send().await;
        reply.redirected().remove("error").unwrap()
    };
    for nth in 0..120 {
        assert_eq!(ask("one", from(nth)).await, "invalid_request_uri", "{nth}");
    }
    assert_eq!(ask("one", from(999)).await, "temporarily_unavailable");
    assert_eq!(site.count("/request"), 120, "who pauses makes us ask nobody");
    assert_eq!(ask("two", from(999)).await, "invalid_request_uri");
    assert_eq!(ask("one", IpAddr::from([192, 0, 2, 1])).await, "invalid_request_uri");
}

#[tokio::test]
async fn a_picture_that_nobody_here_looked_at_stands_at_no_head_of_a_sign_in_page() {
    let (app, site) = (open(100).await, Site::start().await);
    let logo = json!({"redirect_uris": ["https://app.example/cb"], "logo_uri": site.url("/logo.png")});
    let own = register(&app, from(1), &logo).await.json();
    app.client(valetkey_core::manage::client::NewClient {
        id: Some("operators".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        profile: crate::signer::profile(&json!({"logo_uri": site.url("/logo.png")})),
        ..Default::default()
    })
    .await;
    for (id, checked) in [(text(&own, "client_id"), false), ("operators", true)] {
        let page = app.browser().authorize(&Browser::request(id, "")).await;
        let body = page.body.replace("&#x2f;", "/");
        let (head, rest) = body.split_once("</h1>").unwrap();
        let path = format!("/assets/logos/of.{id}");
        assert_eq!((head.contains(&path), rest.contains(&path)), (checked, !checked), "{id}: {body}");
        assert_eq!(body.contains("Nobody here checked that"), !checked, "{id}");
    }
    // Nobody has to be signed in to see it, and so what fails is not asked for again at each look.
    for _ in 0..3 {
        assert_eq!(app.get(&format!("/assets/logos/of.{}", text(&own, "client_id"))).await.status, 404);
    }
    assert_eq!(site.count("/logo.png"), 1);
}
