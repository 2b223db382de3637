//! RFC 9101 — authorization requests that the client signed

use crate::signer::{CALLBACK, Signer, key, set};
use crate::support::{ISSUER, assert_error_page, assert_refused, text, world};
use serde_json::{Value, json};
use valetkey_core::jose::SigningAlgorithm;
use valetkey_testkit::{Browser, Reply, TestApp};

async fn signer(app: &TestApp, members: Value) -> Signer {
    Signer::register(app, SigningAlgorithm::Es256, &members).await
}

/// What the application is told.
#[track_caller]
fn error(reply: &Reply) -> String {
    reply.redirected().remove("error").unwrap_or_else(|| panic!("{} {}", reply.location(), reply.words()))
}

async fn ask(app: &TestApp, object: &str) -> Reply {
    let fields =
        [("client_id", "signer"), ("redirect_uri", CALLBACK), ("state", "outside"), ("request", object)];
    app.browser().authorize(&fields).await
}

#[tokio::test]
async fn rfc9101_section_5_the_claims_are_the_request_and_what_stands_outside_counts_for_nothing() {
    for algorithm in SigningAlgorithm::ALL {
        let app = world().await;
        let own = Signer::register(&app, algorithm, &json!({})).await;
        let object = own.object(&own.claims(&app, "read"));
        let outside = [
            ("request", object.as_str()),
            ("scope", "write"),
            ("state", "other"),
            ("redirect_uri", "https://evil.example/cb"),
            ("code_challenge", "x"),
            ("prompt", "none"),
        ];
        let reply = own.allow(&mut app.browser(), &outside).await;
        let answer = reply.redirected();
        assert!(reply.location().starts_with(CALLBACK), "{}", reply.location());
        assert_eq!(answer["state"], "the-state", "{algorithm:?}");
        let reply = own.redeem(&app, &answer["code"], None).await;
        assert_eq!((reply.status.as_u16(), text(&reply.json(), "scope")), (200, "read"), "{}", reply.body);
    }
}

#[tokio::test]
async fn rfc9101_section_6_an_object_that_does_not_hold_is_refused() {
    let app = world().await;
    let own = signer(&app, json!({})).await;
    let claims = own.claims(&app, "read");
    let now = app.cx().now.0;
    assert_eq!(ask(&app, &own.object(&claims)).await.status, 200);
    for (case, words, altered) in [
        ("another issuer", "iss of", set(&claims, "iss", json!("app"))),
        ("no issuer", "iss of", set(&claims, "iss", Value::Null)),
        ("for another server", "aud of", set(&claims, "aud", json!("https://other.example"))),
        ("for others", "aud of", set(&claims, "aud", json!(["https://other.example"]))),
        ("for nobody", "aud of", set(&claims, "aud", Value::Null)),
        ("another client", "client_id in", set(&claims, "client_id", json!("app"))),
        ("no client", "client_id in", set(&claims, "client_id", Value::Null)),
        ("the client as subject", "sub of", set(&claims, "sub", json!("signer"))),
        ("no end", "by exp, a number", set(&claims, "exp", Value::Null)),
        ("a text as its end", "by exp, a number", set(&claims, "exp", json!((now + 300).to_string()))),
        ("over", "has expired (exp)", set(&claims, "exp", json!(now))),
        (
            "too far an end",
            "exp of a request object lies",
            set(&set(&claims, "nbf", Value::Null), "exp", json!(now + 3700)),
        ),
        ("not begun", "not good yet (nbf)", set(&claims, "nbf", json!(now + 60))),
        ("begun long ago", "nbf of a request object lies", set(&claims, "nbf", json!(now - 3601))),
        ("made tomorrow", "iat of the request object", set(&claims, "iat", json!(now + 86_400))),
        ("a request in it", "neither request nor", set(&claims, "request", json!("x"))),
        (
            "a request_uri in it",
            "neither request nor",
            set(&claims, "request_uri", json!("https://app.example/r")),
        ),
        ("a list as scope", "wrong kind", set(&claims, "scope", json!(["read"]))),
        ("an object as state", "wrong kind", set(&claims, "state", json!({"a": 1}))),
        ("a number as resource", "wrong kind", set(&claims, "resource", json!([1]))),
    ] {
        let reply = ask(&app, &own.object(&altered)).await;
        assert_eq!((error(&reply).as_str(), case), ("invalid_request_object", case));
        let told = reply.redirected()["error_description"].clone();
        assert!(told.contains(words), "{case}: {told}");
        // Of what the client's own key did not sign, no claim is spoken of.
        let stranger = Signer { id: "signer", key: key(SigningAlgorithm::Es256) };
        let told = ask(&app, &stranger.object(&altered)).await.redirected()["error_description"].clone();
        assert!(told.contains("no registered key"), "{case}: {told}");
        let answer = reply.redirected();
        assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("outside", ISSUER), "{case}");
    }
    for (case, fine) in [
        ("several audiences", set(&claims, "aud", json!([ISSUER, "https://other.example"]))),
        ("no beginning", set(&claims, "nbf", Value::Null)),
        ("begun in a moment", set(&claims, "nbf", json!(now + 8))),
        ("a fraction", set(&claims, "exp", serde_json::from_str(&format!("{}.5", now + 60)).unwrap())),
        ("another subject", set(&claims, "sub", json!("usr_x"))),
        ("what means nothing", set(&claims, "weather", json!({"sun": true}))),
        ("a null", set(&claims, "nonce", Value::Null)),
        ("a number", set(&claims, "max_age", json!(600))),
    ] {
        assert_eq!(ask(&app, &own.object(&fine)).await.status, 200, "{case}");
    }
}

#[tokio::test]
async fn rfc9101_section_10_8_only_a_signature_of_the_clients_own_key_over_a_request_counts() {
    let app = world().await;
    let own = signer(&app, json!({})).await;
    let claims = own.claims(&app, "read");
    let stranger = Signer { id: "signer", key: key(SigningAlgorithm::Es256) };
    let unsigned = data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
    let payload = data_encoding::BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    let header = own.header("JWT");
    for (case, object) in [
        ("unsigned", format!("{unsigned}.{payload}.")),
        ("a stranger's", stranger.object(&claims)),
        ("of an HMAC", own.sign(&set(&header, "alg", json!("HS256")), &claims)),
        ("of another algorithm", own.sign(&set(&header, "alg", json!("RS256")), &claims)),
        ("of an unknown key", own.sign(&set(&header, "kid", json!("k9")), &claims)),
        ("with crit", own.sign(&set(&header, "crit", json!(["b64"])), &claims)),
        ("a client assertion's type", own.sign(&own.header("client-authentication+jwt"), &claims)),
        ("a proof's type", own.sign(&own.header("dpop+jwt"), &claims)),
        ("an access token's type", own.sign(&own.header("at+jwt"), &claims)),
        ("a client assertion", own.assertion(&app)),
        ("no JWT", "x".to_owned()),
        ("cut off", own.object(&claims).rsplit_once('.').unwrap().0.to_owned()),
        ("altered", crate::support::altered(&own.object(&claims))),
    ] {
        assert_eq!((error(&ask(&app, &object).await).as_str(), case), ("invalid_request_object", case));
    }
    for typ in ["JWT", "jwt", "application/oauth-authz-req+jwt"] {
        assert_eq!(ask(&app, &own.sign(&own.header(typ), &claims)).await.status, 200, "{typ}");
    }
    assert_eq!(ask(&app, &own.sign(&set(&header, "typ", Value::Null), &claims)).await.status, 200);
    // A client without keys signs nothing, and one client's object is none of another's.
    let object = own.object(&set(&set(&claims, "iss", json!("app")), "client_id", json!("app")));
    let fields = [("client_id", "app"), ("redirect_uri", CALLBACK), ("request", object.as_str())];
    assert_eq!(error(&app.browser().authorize(&fields).await), "invalid_request_object");
    // With nowhere registered to say it, it is a page.
    let fields = [("client_id", "signer"), ("redirect_uri", "https://evil.example/"), ("request", "x")];
    assert_error_page(&app.browser().authorize(&fields).await, 400, "", "nowhere to tell");
}

#[tokio::test]
async fn rfc9101_section_4_the_redirect_uri_inside_is_the_one_that_must_be_registered() {
    let app = world().await;
    let own = signer(&app, json!({})).await;
    let object =
        own.object(&set(&own.claims(&app, "read"), "redirect_uri", json!("https://evil.example/cb")));
    let reply = ask(&app, &object).await;
    assert_error_page(&reply, 400, "", "inside");
    assert!(!reply.body.contains("evil.example"));
    // Errors after that go there, with what stands inside.
    let object = own.object(&set(&own.claims(&app, "read"), "scope", json!("nothing")));
    let answer = ask(&app, &object).await.redirected();
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("invalid_scope", "the-state"));
}

#[tokio::test]
async fn oidc_core_section_6_1_response_type_and_scope_may_stand_outside_of_an_openid_request_alone() {
    for (members, scope, status) in [
        (json!({}), "openid read", 200),
        (json!({}), "read", 303),
        (json!({"require_signed_request_object": true}), "openid read", 303),
    ] {
        let app = world().await;
        let own = signer(&app, members.clone()).await;
        let bare = set(&own.claims(&app, scope), "response_type", Value::Null);
        let object = own.object(&set(&bare, "scope", Value::Null));
        let fields = [
            ("client_id", "signer"),
            ("response_type", "code"),
            ("scope", scope),
            ("request", object.as_str()),
        ];
        let reply = app.browser().authorize(&fields).await;
        assert_eq!(reply.status, status, "{members} {scope}: {}", reply.location());
        assert!(status == 200 || error(&reply) == "invalid_request");
    }
}

#[tokio::test]
async fn rfc9101_section_10_5_a_client_that_must_sign_is_refused_plainly_and_its_algorithm_is_kept_to() {
    let app = world().await;
    let demands = json!({"require_signed_request_object": true, "request_object_signing_alg": "ES256"});
    let own = signer(&app, demands).await;
    let plain = Browser::request("signer", "read");
    assert_eq!(error(&app.browser().authorize(&plain).await), "invalid_request");
    assert_refused(
        &own.post(&app, "/oauth/par", &plain, None).await,
        400,
        "invalid_request",
        "pushed plainly",
    );
    let object = own.object(&own.claims(&app, "read"));
    assert_eq!(ask(&app, &object).await.status, 200);
    let fields = [("client_id", "signer"), ("request", object.as_str())];
    assert_eq!(own.post(&app, "/oauth/par", &fields, None).await.status, 201);
    let other = Signer::named(
        &app,
        "other-alg",
        SigningAlgorithm::EdDsa,
        &json!({"request_object_signing_alg": "PS256"}),
    )
    .await;
    let object = other.object(&other.claims(&app, "read"));
    let fields = [("client_id", "other-alg"), ("redirect_uri", CALLBACK), ("request", object.as_str())];
    assert_eq!(error(&app.browser().authorize(&fields).await), "invalid_request_object");
}

#[tokio::test]
async fn rfc9126_section_3_a_request_object_may_be_pushed() {
    let app = world().await;
    let own = signer(&app, json!({})).await;
    let claims = own.claims(&app, "read");
    let code = own.code(&app, &[("request", &own.object(&claims)), ("scope", "write")]).await;
    let reply = own.redeem(&app, &code, None).await;
    assert_eq!((reply.status.as_u16(), text(&reply.json(), "scope")), (200, "read"));
    for (case, altered, error) in [
        ("another's", set(&claims, "client_id", json!("app")), "invalid_request_object"),
        ("over", set(&claims, "exp", json!(1)), "invalid_request_object"),
        ("a wrong scope", set(&claims, "scope", json!("nothing")), "invalid_scope"),
        ("a wrong address", set(&claims, "redirect_uri", json!("https://evil.example/")), "invalid_request"),
    ] {
        let object = own.object(&altered);
        assert_refused(&own.post(&app, "/oauth/par", &[("request", &object)], None).await, 400, error, case);
    }
    let object = own.object(&claims);
    let both = [("request", object.as_str()), ("request_uri", "https://app.example/r")];
    assert_refused(&own.post(&app, "/oauth/par", &both, None).await, 400, "invalid_request", "both");
    let fields = [&[("client_id", "signer"), ("redirect_uri", CALLBACK)][..], &both].concat();
    assert_eq!(error(&app.browser().authorize(&fields).await), "invalid_request", "both, by the browser");
}
