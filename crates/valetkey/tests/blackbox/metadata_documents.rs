//! draft-ietf-oauth-client-id-metadata-document — clients whose id is the address at which they describe themselves

use crate::support::{assert_error_page, with};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use url::Url;
use valetkey_core::audit::Actor;
use valetkey_core::ids::ClientId;
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::settings::MetadataDocuments;
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, PASSWORD, Reply, Site, TestApp, VERIFIER};

async fn app(mode: MetadataDocuments) -> TestApp {
    let app = TestApp::builder().metadata_documents(mode).calling_loopback().start().await;
    app.scope("read", "See your things").await;
    app.user("alice").await;
    app
}

/// A good description at `/client.json`, and its address.
async fn site() -> (Site, String) {
    let site = Site::start().await;
    let id = site.url("/client.json");
    site.serve("/client.json", &document(&id));
    (site, id)
}

fn document(id: &str) -> Value {
    json!({
        "client_id": id,
        "client_name": "Helpful Agent",
        "redirect_uris": ["https://app.example/cb"],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials", "password"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "introspect": true,
        "compat": ["no_pkce"],
        "access_token_lifetime": 99_999_999,
    })
}

async fn code(app: &TestApp, id: &str) -> (Reply, String) {
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request(id, "read")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let done = browser.decide(&consent, "allow", &["read"]).await.redirected();
    (consent, done["code"].clone())
}

fn redemption<'a>(id: &'a str, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", "https://app.example/cb"),
        ("client_id", id),
        ("code_verifier", VERIFIER),
    ]
}

#[tokio::test]
async fn section_4_a_client_nobody_registered_finishes_the_flow_and_is_called_unverified() {
    let (app, (site, id)) = (app(MetadataDocuments::Open).await, site().await);
    let metadata = app.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    let before = app.rows().await;
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request(&id, "read")).await;
    assert!(login.words().contains("Helpful Agent"), "{}", login.words());
    assert_eq!(app.rows().await, before, "nothing is stored before somebody allows something");

    let (consent, code) = code(&app, &id).await;
    let host = site.origin.strip_prefix("http://").unwrap();
    for words in ["Helpful Agent", "Nobody here has checked this app", host, "unverified"] {
        assert!(consent.words().contains(words), "{words}: {}", consent.words());
    }
    let tokens = app.post("/oauth/token", None, &redemption(&id, &code)).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let refresh = tokens.json()["refresh_token"].as_str().unwrap().to_owned();
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("client_id", id.as_str())];
    assert_eq!(app.post("/oauth/token", None, &fields).await.status, 200);
    assert_eq!(site.count("/client.json"), 1, "read once, and kept while it is fresh");

    let stored = app.server.registered(&id).await.unwrap().unwrap();
    assert!(!stored.introspect && stored.compat.is_empty() && stored.access_token_lifetime.is_none());
    let grants: Vec<_> = stored.grant_types.iter().map(|grant| grant.name()).collect();
    assert_eq!(grants, ["authorization_code", "refresh_token"]);
    // RFC 8252 §8.6: the same person is asked again, since nothing proves that it is the same program.
    let again = browser.authorize(&Browser::request(&id, "read")).await;
    let again = browser.log_in(&again, "alice", PASSWORD).await;
    assert!(again.body.contains("name=\"decision\""), "{}", again.words());
}

#[tokio::test]
async fn the_mode_decides_whose_documents_are_read() {
    let (site, id) = site().await;
    let listed = |text: &str| MetadataDocuments::AllowList(vec![Url::parse(text).unwrap()]);
    for (mode, read) in [
        (MetadataDocuments::Off, false),
        (MetadataDocuments::Open, true),
        (listed(&site.origin), true),
        (listed(&site.url("/client.json")), true),
        (listed(&site.url("/other/")), false),
        (listed("https://app.example/"), false),
        (listed("http://127.0.0.1:1/"), false),
    ] {
        let app = app(mode.clone()).await;
        let metadata = app.get("/.well-known/openid-configuration").await.json();
        assert_eq!(metadata["client_id_metadata_document_supported"], mode != MetadataDocuments::Off);
        let before = site.count("/client.json");
        let page = app.browser().authorize(&Browser::request(&id, "read")).await;
        assert_eq!(page.status, if read { 200 } else { 400 }, "{mode:?}: {}", page.words());
        assert_eq!(site.count("/client.json"), before + usize::from(read), "{mode:?}");
        let token = app.post("/oauth/token", None, &redemption(&id, "x")).await.refusal();
        let want = if read { (400, "invalid_grant") } else { (401, "invalid_client") };
        assert_eq!(token, (want.0, want.1.to_owned()), "{mode:?}");
    }
}

#[tokio::test]
async fn section_4_1_a_document_that_breaks_a_rule_makes_no_client() {
    let app = app(MetadataDocuments::Open).await;
    let site = Site::start().await;
    for (nth, (name, value)) in [
        ("client_id", json!("https://other.example/client.json")),
        ("client_id", json!(site.url("/1?"))),
        ("client_id", Value::Null),
        ("client_secret", json!("s")),
        ("client_secret_expires_at", json!(0)),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!(["http://app.example/cb"])),
        ("redirect_uris", json!(["javascript:alert(1)"])),
        ("redirect_uris", json!(["https://app.example/cb", "https://app.example/*"])),
        ("redirect_uris", json!("https://app.example/cb")),
        ("redirect_uris", json!(vec!["https://app.example/cb"; 11])),
        ("grant_types", json!(["client_credentials"])),
        ("grant_types", json!(["implicit"])),
        ("response_types", json!(["token"])),
        ("client_name", json!("x".repeat(300))),
        ("client_name", json!("two\nlines")),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/{nth}");
        let id = site.url(&path);
        let mut document = document(&id);
        document[name] = value.clone();
        site.serve(&path, &document);
        let page = app.browser().authorize(&Browser::request(&id, "read")).await;
        assert_error_page(&page, 400, "", &format!("{name}: {value}"));
    }
    assert_eq!(app.rows().await["clients"], 0);
}

#[tokio::test]
async fn section_6_an_answer_that_is_no_document_is_said_so_and_never_kept() {
    let app = app(MetadataDocuments::Open).await;
    let (site, id) = site().await;
    let json = [("content-type", "application/json")];
    let good = document(&id).to_string();
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(6000));
    for (status, headers, body, words) in [
        (404, json.as_slice(), good.as_str(), "does not answer with status 200"),
        (500, json.as_slice(), good.as_str(), "does not answer with status 200"),
        (302, [("location", "/elsewhere")].as_slice(), "", "redirect"),
        (200, [("content-type", "text/html")].as_slice(), good.as_str(), "application/json"),
        (200, json.as_slice(), large.as_str(), "too large"),
        (200, json.as_slice(), "[]", "no JSON object"),
        (200, json.as_slice(), "{", "no JSON object"),
    ] {
        let path = format!("/{words}{status}").replace([' ', '/'], "-");
        let path = format!("/{path}");
        site.answer(&path, status, headers, body);
        let page = app.browser().authorize(&Browser::request(&site.url(&path), "read")).await;
        assert_error_page(&page, 400, words, words);
        assert_eq!(page.location(), "", "never a redirect to an address that nobody vouched for");
    }
    assert_eq!(site.count("/elsewhere"), 0);
    site.answer("/client.json", 503, &json, "");
    assert_eq!(app.browser().authorize(&Browser::request(&id, "read")).await.status, 400);
    site.serve("/client.json", &document(&id));
    assert_eq!(app.browser().authorize(&Browser::request(&id, "read")).await.status, 200);
}

#[tokio::test]
async fn section_8_private_addresses_are_not_called_unless_the_operator_lists_them() {
    let (site, id) = site().await;
    let strict = TestApp::builder().metadata_documents(MetadataDocuments::Open).start().await;
    let port = site.origin.rsplit(':').next().unwrap();
    for id in [
        id,
        format!("https://127.0.0.1:{port}/client.json"),
        format!("https://localhost:{port}/client.json"),
        format!("https://[::1]:{port}/client.json"),
        format!("https://[::ffff:7f00:1]:{port}/client.json"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://10.0.0.1/client.json".to_owned(),
    ] {
        let page = strict.browser().authorize(&Browser::request(&id, "read")).await;
        assert_error_page(&page, 400, "does not call", &id);
    }
    assert!(site.asked().is_empty());
}

#[tokio::test]
async fn section_3_an_address_in_any_other_form_than_the_normal_one_names_nobody() {
    let (app, (site, id)) = (app(MetadataDocuments::Open).await, site().await);
    for bent in [
        format!("{id}#x"),
        format!("{}/./client.json", site.origin),
        format!("{}/%2e%2e/client.json", site.origin),
        id.replace("http://", "http://u@"),
        id.replace("http://", "HTTP://"),
        id.replace("127.0.0.1", "127.1"),
        site.origin.clone(),
        format!("{}/", site.origin),
    ] {
        let page = app.browser().authorize(&Browser::request(&bent, "read")).await;
        assert_eq!((page.status.as_u16(), page.location()), (400, ""), "{bent}");
    }
    assert!(site.asked().is_empty());
    // And no client that an operator makes can take such a name.
    for id in [id.as_str(), "https://app.example/client.json", "https:x"] {
        let new = NewClient {
            id: Some(id.to_owned()),
            name: "x".to_owned(),
            redirect_uris: vec!["https://app.example/cb".to_owned()],
            ..NewClient::default()
        };
        assert!(manage::client::create(&app.cx(), Actor::Operator, new).await.is_err(), "{id}");
    }
}

#[tokio::test]
async fn a_changed_document_counts_when_the_old_one_is_no_longer_fresh() {
    let (app, (site, id)) = (app(MetadataDocuments::Open).await, site().await);
    let (_, first) = code(&app, &id).await;
    let mut changed = document(&id);
    changed["redirect_uris"] = json!(["https://new.example/cb"]);
    changed["client_name"] = json!("Renamed Agent");
    site.serve("/client.json", &changed);
    assert_eq!(app.browser().authorize(&Browser::request(&id, "read")).await.status, 200);
    app.clock.advance(301);
    let old = app.browser().authorize(&Browser::request(&id, "read")).await;
    assert_error_page(&old, 400, "", "the old redirect URI is gone");
    let mut browser = app.browser();
    let request = with(&Browser::request(&id, "read"), "redirect_uri", Some("https://new.example/cb"));
    let login = browser.authorize(&request).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    assert!(consent.words().contains("Renamed Agent"), "{}", consent.words());
    browser.decide(&consent, "allow", &["read"]).await;
    assert_eq!(app.server.registered(&id).await.unwrap().unwrap().name, "Renamed Agent");
    assert_eq!(app.post("/oauth/token", None, &redemption(&id, &first)).await.status, 400, "long expired");
}

#[tokio::test]
async fn an_operator_can_switch_one_off_and_an_unused_one_goes() {
    let (app, (site, id)) = (app(MetadataDocuments::Open).await, site().await);
    let (_, code) = code(&app, &id).await;
    let tokens = app.post("/oauth/token", None, &redemption(&id, &code)).await.json();
    manage::client::disable(&app.cx(), &Actor::Operator, &ClientId::from(id.as_str())).await.unwrap();
    assert_eq!(app.browser().authorize(&Browser::request(&id, "read")).await.status, 400);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", id.as_str())];
    assert_eq!(app.post("/oauth/token", None, &fields).await.status, 401);

    manage::client::enable(&app.cx(), &Actor::Operator, &ClientId::from(id.as_str())).await.unwrap();
    let alice = crate::support::user_id(&app, "alice").await;
    manage::consent::withdraw(&app.cx(), Actor::Operator, &alice, &ClientId::from(id.as_str()))
        .await
        .unwrap();
    app.clock.advance(400 * 86_400);
    for _ in 0..4 {
        app.server.store.sweep(app.cx().now, 100).await.unwrap();
    }
    app.server.follow_changes().await.unwrap();
    assert!(app.server.registered(&id).await.unwrap().is_none(), "the row goes when nothing refers to it");
    assert_eq!(app.browser().authorize(&Browser::request(&id, "read")).await.status, 200);
    drop(site);
}

#[tokio::test]
async fn section_6_2_a_client_proves_itself_by_the_keys_of_its_document() {
    let app = app(MetadataDocuments::Open).await;
    let (site, id) = site().await;
    let key = |id: &str| {
        let pkcs8 = generate(SigningAlgorithm::Es256).unwrap();
        SigningKey::parse(id.into(), SigningAlgorithm::Es256, Timestamp(0), None, &pkcs8).unwrap()
    };
    let (own, other) = (key("k"), key("k"));
    let mut confidential = document(&id);
    confidential["token_endpoint_auth_method"] = json!("private_key_jwt");
    confidential["jwks_uri"] = json!(site.url("/keys"));
    site.serve("/client.json", &confidential);
    site.serve("/keys", &json!({"keys": [own.public_jwk()]}));
    let (_, code) = code(&app, &id).await;
    let fields = redemption(&id, &code);
    let unproven = app.post("/oauth/token", None, &fields).await;
    assert_eq!(unproven.refusal(), (401, "invalid_client".to_owned()));
    for (key, status) in [(&other, 401), (&own, 200)] {
        let now = app.cx().now.0;
        let part = |json: Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        let claims = json!({"iss": id, "sub": id, "aud": "https://id.example", "exp": now + 60, "jti": status.to_string()});
        let mut text = format!("{}.{}", part(json!({"alg": "ES256", "kid": "k"})), part(claims));
        key.sign_onto(&mut text).unwrap();
        let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let fields = [fields.as_slice(), &[kind, ("client_assertion", &text)]].concat();
        let reply = app.post("/oauth/token", None, &fields).await;
        assert_eq!(reply.status, status, "{}", reply.body);
    }
    assert_eq!(site.count("/keys"), 1);
    // Proven, but it may describe itself otherwise tomorrow: the person is asked each time.
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let again = browser.authorize(&Browser::request(&id, "read")).await;
    assert!(again.body.contains("name=\"decision\""), "{}", again.words());
}

#[tokio::test]
async fn one_address_cannot_make_the_server_ask_around_without_end() {
    let app = app(MetadataDocuments::Open).await;
    let site = Site::start().await;
    for nth in 0..40 {
        let id = site.url(&format!("/{nth}"));
        assert_eq!(app.browser().authorize(&Browser::request(&id, "read")).await.status, 400);
    }
    assert_eq!(site.asked().len(), 30);
    let id = site.url("/good");
    site.serve("/good", &document(&id));
    let elsewhere = app.browser().at("192.0.2.77").authorize(&Browser::request(&id, "read")).await;
    assert_eq!(elsewhere.status, 200, "{}", elsewhere.words());
}
