//! OIDC Core §6.2, §6.3 — request objects by reference: where the operator allows it, and the client registered the place

use crate::signer::{CALLBACK, Signer, set};
use crate::support::{challenge_of, furnish, text, with, world};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use valetkey_core::jose::SigningAlgorithm;
use valetkey_testkit::{Browser, Reply, Site, TestApp};

const JWT: [(&str, &str); 1] = [("content-type", "application/oauth-authz-req+jwt")];

struct World {
    app: TestApp,
    site: Site,
    own: Signer,
}

impl World {
    async fn with(members: Value) -> Self {
        let (app, site) =
            (furnish(TestApp::builder().calling_loopback().request_uris()).await, Site::start().await);
        let uris = json!([site.url("/one"), site.url("/any")]);
        let own = Signer::register(&app, SigningAlgorithm::Rs256, &set(&members, "request_uris", uris)).await;
        Self { app, site, own }
    }

    fn claims(&self) -> Value {
        set(&self.own.claims(&self.app, "openid read"), "nonce", json!("n"))
    }

    fn serve(&self, path: &str, object: &str) {
        self.site.answer(path, 200, &JWT, object);
    }

    /// What the conformance suite sends beside it.
    async fn ask(&self, uri: &str) -> Reply {
        let fields = [
            ("request_uri", uri),
            ("response_type", "code"),
            ("scope", "openid"),
            ("redirect_uri", CALLBACK),
        ];
        self.own.allow(&mut self.app.browser(), &fields).await
    }
}

#[track_caller]
fn error(reply: &Reply) -> String {
    reply.redirected().remove("error").unwrap_or_else(|| panic!("{} {}", reply.location(), reply.words()))
}

#[tokio::test]
async fn oidc_core_section_6_2_a_request_is_read_anew_where_its_client_registered_it() {
    let world = World::with(json!({})).await;
    let uri = world.site.url("/one");
    // OIDC Core §6.1: a request object need not say when it ends.
    let lasting = ["exp", "nbf"].iter().fold(world.claims(), |own, name| set(&own, name, Value::Null));
    for (n, claims) in [world.claims(), lasting].into_iter().enumerate() {
        world.serve("/one", &world.own.object(&claims));
        let reply = world.ask(&uri).await;
        let answer = reply.redirected();
        assert_eq!(answer["state"], "the-state", "{} {}", reply.location(), reply.words());
        let reply = world.own.redeem(&world.app, &answer["code"], None).await;
        assert_eq!((reply.status.as_u16(), text(&reply.json(), "scope")), (200, "openid read"));
        assert!(world.site.count("/one") > n, "nothing is kept");
    }
}

#[tokio::test]
async fn oidc_core_section_6_2_the_fragment_is_a_hash_of_what_stands_there() {
    let world = World::with(json!({})).await;
    let object = world.own.object(&world.claims());
    world.serve("/any", &object);
    let at = |fragment: &str| format!("{}#{fragment}", world.site.url("/any"));
    assert!(world.ask(&at(&challenge_of(&object))).await.redirected().contains_key("code"));
    assert!(world.ask(&at("v2")).await.redirected().contains_key("code"), "no hash, and so no promise");
    assert_eq!(error(&world.ask(&at(&challenge_of("other"))).await), "invalid_request_uri");
}

#[tokio::test]
async fn oidc_core_section_6_3_what_is_not_there_or_does_not_hold_is_refused_and_nothing_else_is_asked() {
    let world = World::with(json!({})).await;
    let uri = world.site.url("/one");
    for elsewhere in
        ["https://evil.example/r".to_owned(), world.site.url("/two"), format!("{uri}/"), format!("{uri}?x=1")]
    {
        assert_eq!(error(&world.ask(&elsewhere).await), "invalid_request_uri", "{elsewhere}");
    }
    assert!(world.site.asked().is_empty(), "{:?}", world.site.asked());
    let unsigned =
        format!("{}.{}.", BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#), BASE64URL_NOPAD.encode(b"{}"));
    let claims = world.claims();
    for (case, status, body) in [
        ("nothing there", 404, String::new()),
        ("a redirect", 302, String::new()),
        ("a page", 200, "<html>".to_owned()),
        ("too much", 200, "x".repeat(33 * 1024)),
        ("unsigned", 200, unsigned),
        ("another's", 200, world.own.object(&set(&claims, "client_id", json!("app")))),
        ("over", 200, world.own.object(&set(&claims, "exp", json!(1)))),
        ("a reference in it", 200, world.own.object(&set(&claims, "request_uri", json!(uri)))),
    ] {
        world.site.answer("/one", status, &[("location", "/any")], &body);
        assert_eq!(error(&world.ask(&uri).await), "invalid_request_uri", "{case}");
    }
    let both = [("request_uri", uri.as_str()), ("request", "x"), ("redirect_uri", CALLBACK)];
    assert_eq!(error(&world.own.allow(&mut world.app.browser(), &both).await), "invalid_request");
}

#[tokio::test]
async fn oidc_core_section_6_2_without_the_operator_or_under_fapi2_nothing_is_read() {
    let app = world().await;
    let own =
        Signer::register(&app, SigningAlgorithm::Rs256, &json!({"request_uris": ["https://app.example/r"]}))
            .await;
    let fields = [("request_uri", "https://app.example/r"), ("redirect_uri", CALLBACK)];
    let fields = [&fields[..], &with(&Browser::request("signer", "openid"), "redirect_uri", None)].concat();
    assert_eq!(error(&own.allow(&mut app.browser(), &fields).await), "request_uri_not_supported");
    let strict = World::with(json!({"profile": "fapi2", "request_object_signing_alg": "PS256"})).await;
    assert_eq!(error(&strict.ask(&strict.site.url("/one")).await), "request_uri_not_supported");
    assert!(strict.site.asked().is_empty());
    for (app, promised) in [(&app, false), (&strict.app, true)] {
        let metadata = app.get("/.well-known/openid-configuration").await.json();
        for name in ["request_uri_parameter_supported", "require_request_uri_registration"] {
            assert_eq!(metadata[name], promised, "{name}");
        }
    }
}
