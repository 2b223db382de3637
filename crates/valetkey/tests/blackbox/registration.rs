//! RFC 7591, RFC 7592 — clients that register themselves: what they get, and all that they do not

use http::{Method, Request};
use serde_json::{Value, json};
use std::net::IpAddr;
use valetkey_core::manage::register::initial_access_token;
use valetkey_core::settings::DynamicRegistration;
use valetkey_core::time::Seconds;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9));

async fn app(mode: DynamicRegistration) -> TestApp {
    let app = TestApp::builder().registration(mode).start().await;
    app.scope("read", "See your things").await;
    app.user("alice").await;
    app
}

async fn call(app: &TestApp, method: Method, path: &str, bearer: Option<&str>, body: &Value) -> Reply {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(token) = bearer {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    app.send(request.body(body.to_string().into()).unwrap(), FROM).await
}

async fn register(app: &TestApp, body: Value) -> Reply {
    call(app, Method::POST, "/oauth/register", None, &body).await
}

fn public() -> Value {
    json!({
        "redirect_uris": ["https://app.example/cb"],
        "client_name": "Helpful Agent",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types": ["code"],
        "introspect": true,
        "compat": ["long_lived_access_token"],
        "access_token_lifetime": 999_999_999,
    })
}

#[tokio::test]
async fn rfc7591_section_3_2_1_a_client_is_registered_and_gets_no_privilege_it_asked_for() {
    let app = app(DynamicRegistration::Open).await;
    let reply = register(&app, public()).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (201, "no-store"), "{}", reply.body);
    let client = reply.json();
    assert_eq!(client["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert!(client.get("client_secret").is_none() && client.get("introspect").is_none());
    assert!(client.get("client_uri").is_none(), "what was not registered is left out: {client}");
    let stored = app.server.client(client["client_id"].as_str().unwrap()).await.unwrap().unwrap();
    assert!(!stored.introspect && stored.compat.is_empty() && stored.access_token_lifetime.is_none());

    let secret = register(&app, json!({"redirect_uris": ["https://app.example/cb"]})).await.json();
    assert_eq!(
        (&secret["token_endpoint_auth_method"], &secret["client_secret_expires_at"]),
        (&json!("client_secret_basic"), &json!(0))
    );
    assert!(secret["client_secret"].as_str().unwrap().len() >= 43);
}

#[tokio::test]
async fn a_self_registered_client_is_called_unchecked_and_can_finish_the_flow() {
    let app = app(DynamicRegistration::Open).await;
    let id = register(&app, public()).await.json()["client_id"].as_str().unwrap().to_owned();
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request(&id, "read")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    assert!(
        consent.body.contains("Helpful Agent") && consent.body.to_lowercase().contains("nobody"),
        "{}",
        consent.body
    );
    let done = browser.decide(&consent, "allow", &["read"]).await.redirected();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", done["code"].as_str()),
        ("client_id", id.as_str()),
        ("code_verifier", valetkey_testkit::VERIFIER),
    ];
    let reply = app.post("/oauth/token", None, &fields).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn rfc7591_section_3_2_2_bad_metadata_is_refused_by_its_name_and_registers_nothing() {
    let app = app(DynamicRegistration::Open).await;
    let before = app.rows().await;
    for (body, error) in [
        (json!([]), "invalid_client_metadata"),
        (json!({}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["http://app.example/cb"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["https://app.example/cb#x"]}), "invalid_redirect_uri"),
        (
            json!({"redirect_uris": ["https://a.example/cb"], "grant_types": ["password"]}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": ["https://a.example/cb"], "response_types": ["token"]}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "magic"}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": ["https://a.example/cb"], "client_uri": "javascript:1"}),
            "invalid_client_metadata",
        ),
    ] {
        assert_eq!(register(&app, body.clone()).await.refusal(), (400, error.to_owned()), "{body}");
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn rfc7591_section_3_the_mode_decides_who_may_register_and_discovery_says_so() {
    let off = app(DynamicRegistration::Off).await;
    assert_eq!(register(&off, public()).await.status, 404);
    assert!(
        off.get("/.well-known/oauth-authorization-server")
            .await
            .json()
            .get("registration_endpoint")
            .is_none()
    );

    let token = app(DynamicRegistration::Token).await;
    let metadata = token.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["registration_endpoint"], "https://id.example/oauth/register");
    let refused = register(&token, public()).await;
    assert_eq!(refused.refusal(), (401, "invalid_token".to_owned()));
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    let good = initial_access_token(&token.cx(), Seconds(60)).unwrap();
    let allowed = call(&token, Method::POST, "/oauth/register", Some(&good), &public()).await;
    assert_eq!(allowed.status, 201, "{}", allowed.body);
    token.clock.advance(60);
    let late = call(&token, Method::POST, "/oauth/register", Some(&good), &public()).await;
    assert_eq!(late.status, 401);
}

#[tokio::test]
async fn rfc7592_section_2_a_client_reads_changes_and_deletes_itself_and_no_other() {
    let app = app(DynamicRegistration::Open).await;
    let (one, two) = (register(&app, public()).await.json(), register(&app, public()).await.json());
    let path = |client: &Value| format!("/oauth/register/{}", client["client_id"].as_str().unwrap());
    let token = |client: &Value| client["registration_access_token"].as_str().unwrap().to_owned();
    assert_eq!(one["registration_client_uri"], format!("https://id.example{}", path(&one)));
    for (bearer, status) in [(None, 401), (Some(token(&two)), 401), (Some(token(&one)), 200)] {
        assert_eq!(call(&app, Method::GET, &path(&one), bearer.as_deref(), &json!({})).await.status, status);
    }
    let mut changed = public();
    changed["client_name"] = "Renamed".into();
    let without = call(&app, Method::PUT, &path(&one), Some(&token(&one)), &changed).await;
    assert_eq!(without.refusal(), (400, "invalid_request".to_owned()), "without its client_id");
    changed["client_id"] = one["client_id"].clone();
    for (name, value) in [
        ("client_id", json!("other")),
        ("client_secret", json!("another-secret-of-nobody")),
        ("registration_access_token", json!(token(&one))),
        ("client_id_issued_at", json!(1)),
    ] {
        let mut wrong = changed.clone();
        wrong[name] = value;
        let reply = call(&app, Method::PUT, &path(&one), Some(&token(&one)), &wrong).await;
        assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()), "{name}");
    }
    let foreign = call(&app, Method::PUT, &path(&one), Some(&token(&two)), &changed).await;
    assert_eq!(foreign.status, 401);
    let reply = call(&app, Method::PUT, &path(&one), Some(&token(&one)), &changed).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["client_name"]),
        (200, &json!("Renamed")),
        "{}",
        reply.body
    );
    changed["token_endpoint_auth_method"] = "client_secret_post".into();
    let reply = call(&app, Method::PUT, &path(&one), Some(&token(&one)), &changed).await;
    assert_eq!(reply.refusal(), (400, "invalid_client_metadata".to_owned()));
    let reply = call(&app, Method::DELETE, &path(&one), Some(&token(&one)), &json!({})).await;
    assert_eq!(reply.status, 204);
    assert_eq!(call(&app, Method::GET, &path(&one), Some(&token(&one)), &json!({})).await.status, 401);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("client_id", one["client_id"].as_str().unwrap()),
    ];
    assert_eq!(app.post("/oauth/token", None, &fields).await.refusal(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn an_unused_self_registered_client_goes_and_a_used_one_stays() {
    let app = app(DynamicRegistration::Open).await;
    app.web_client("kept").await;
    let used = register(&app, public()).await.json()["client_id"].as_str().unwrap().to_owned();
    let unused = register(&app, public()).await.json()["client_id"].as_str().unwrap().to_owned();
    app.browser().code(&used, "read", "alice").await;
    app.clock.advance(8 * 86_400);
    app.server.store.sweep(app.cx().now, 100).await.unwrap();
    app.server.follow_changes().await.unwrap();
    for (id, stays) in [("kept", true), (used.as_str(), true), (unused.as_str(), false)] {
        assert_eq!(app.server.client(id).await.unwrap().is_some(), stays, "{id}");
    }
}

#[tokio::test]
async fn one_address_cannot_register_without_end() {
    let app = app(DynamicRegistration::Open).await;
    for _ in 0..60 {
        assert_eq!(register(&app, public()).await.status, 201);
    }
    assert_eq!(register(&app, public()).await.refusal(), (429, "temporarily_unavailable".to_owned()));
    let elsewhere =
        Request::builder().method("POST").uri("/oauth/register").body(public().to_string().into());
    assert_eq!(app.send(elsewhere.unwrap(), IpAddr::from([192, 0, 2, 10])).await.status, 201);
}

#[tokio::test]
async fn rfc7591_section_2_what_a_client_says_of_itself_is_registered_and_echoed() {
    let app = app(DynamicRegistration::Open).await;
    let mut asked = public();
    for (name, value) in [
        ("contacts", json!(["admin@app.example"])),
        ("logo_uri", json!("https://app.example/logo.png")),
        ("policy_uri", json!("https://app.example/policy")),
        ("tos_uri", json!("https://app.example/tos")),
        ("application_type", json!("web")),
        ("software_id", json!("4NRB1-0XZABZI9E6-5SM3R")),
        ("software_version", json!("2.1")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("jwks_uri", json!("https://app.example/keys")),
    ] {
        asked[name] = value;
    }
    let client = register(&app, asked.clone()).await.json();
    for name in [
        "contacts",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "application_type",
        "software_id",
        "jwks_uri",
        "software_version",
        "token_endpoint_auth_method",
    ] {
        assert_eq!(client[name], asked[name], "{name}: {client}");
    }
    assert!(client.get("client_secret").is_none(), "{client}");
    for (name, value) in [
        ("logo_uri", json!("javascript:alert(1)")),
        ("application_type", json!("toaster")),
        ("contacts", json!("admin@app.example")),
        ("jwks_uri", json!("http://app.example/keys")),
        ("jwks_uri", json!(7)),
        ("jwks", json!({"keys": []})),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("client_secret")),
    ] {
        let mut wrong = asked.clone();
        wrong[name] = value.clone();
        let reply = register(&app, wrong).await;
        assert_eq!(reply.refusal(), (400, "invalid_client_metadata".to_owned()), "{name} = {value}");
    }
    // Nothing of the operator's.
    let mut greedy = asked;
    greedy["token_exchange"] = json!(["impersonation"]);
    greedy["workload"] = json!([{"issuer": "https://idp.example", "subject": "s"}]);
    let client = register(&app, greedy).await.json();
    assert!(client.get("token_exchange").is_none() && client.get("workload").is_none(), "{client}");
}

#[tokio::test]
async fn rfc7591_section_2_3_a_software_statement_of_a_trusted_issuer_counts_before_the_request() {
    let app = app(DynamicRegistration::Open).await;
    let other = crate::trusted::Other::new();
    let statement = other.about(
        &app,
        json!({"client_name": "Certified", "software_id": "s-1", "redirect_uris": ["https://certified.example/cb"],
            "aud": null, "exp": null}),
    );
    let mut asked = public();
    asked["software_statement"] = json!(statement);
    let unknown = register(&app, asked.clone()).await;
    assert_eq!(unknown.refusal(), (400, "unapproved_software_statement".to_owned()));
    let trusts = [valetkey_core::federation::Trust::SoftwareStatements];
    crate::trusted::trust(&app, &other, &trusts, json!({})).await;
    let client = register(&app, asked.clone()).await.json();
    assert_eq!(client["client_name"], "Certified", "{client}");
    assert_eq!(client["redirect_uris"], json!(["https://certified.example/cb"]));
    assert_eq!(client["software_statement"], asked["software_statement"]);
    let stranger = crate::trusted::Other::new().about(&app, json!({"client_name": "Forged"}));
    for (wrong, error) in [
        (json!(stranger), "invalid_software_statement"),
        (json!(7), "invalid_software_statement"),
        (json!("x.y.z"), "invalid_software_statement"),
    ] {
        asked["software_statement"] = wrong;
        assert_eq!(register(&app, asked.clone()).await.refusal(), (400, error.to_owned()));
    }
}
