//! The layer and the extractor, as an axum program uses them.

use crate::issuer::{Issuer, START};
use crate::signer::Signer;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use data_encoding::BASE64URL_NOPAD;
use http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::json;
use std::time::Duration;
use tower::ServiceExt;
use valetkey_guard::{BuildError, Caller, Guard, PeerCertificate};

async fn send(app: &Router, path: &str, authorization: &str) -> Response<Body> {
    let mut request = Request::get(path);
    if !authorization.is_empty() {
        request = request.header(AUTHORIZATION, authorization);
    }
    app.clone().oneshot(request.body(Body::empty()).expect("request")).await.expect("an answer")
}

fn challenge(response: &Response<Body>) -> &str {
    response.headers().get(WWW_AUTHENTICATE).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test]
async fn rfc6750_section_3_each_refusal_has_its_status_and_challenge() {
    let issuer = Issuer::start().await;
    let metadata = "https://photos.example/.well-known/oauth-protected-resource";
    let builder = issuer.builder().introspect_as("photos", "s3cret:%").resource_metadata(metadata);
    let guard = builder.build().await.expect("a guard");
    issuer.know("vk_at_1", &json!({}));
    issuer.know("vk_at_2", &json!({"scope": "photos.read photos.write"}));
    let who = |caller: Caller| async move { caller.subject };
    let app = Router::new()
        .route("/me", get(who))
        .route("/albums", get(who).layer(guard.require("photos.read photos.write")))
        .layer(guard.layer());
    let realm = "Bearer realm=\"https://photos.example\"";
    for (path, authorization, want, code, scope) in [
        ("/me", "", 401, None, None),
        ("/me?access_token=vk_at_1", "", 401, None, None),
        ("/me", "Basic YTpi", 401, None, None),
        ("/me", "Bearer", 400, Some("invalid_request"), None),
        ("/me", "Bearer vk_at_wrong", 401, Some("invalid_token"), None),
        ("/albums", "Bearer vk_at_1", 403, Some("insufficient_scope"), Some("photos.read photos.write")),
        ("/me", "Bearer vk_at_1", 200, None, None),
        ("/albums", "bearer vk_at_2", 200, None, None),
    ] {
        let response = send(&app, path, authorization).await;
        assert_eq!(response.status(), want, "{path} {authorization}");
        if want == 200 {
            let body = response.into_body().collect().await.expect("body").to_bytes();
            assert_eq!(body, "usr_alice");
            continue;
        }
        let said = challenge(&response);
        assert!(said.starts_with(realm) && said.contains(metadata), "{said}");
        assert_eq!(said.contains("error="), code.is_some(), "{said}");
        assert!(code.is_none_or(|code| said.contains(&format!("error=\"{code}\""))), "{said}");
        assert!(scope.is_none_or(|scope| said.contains(&format!("scope=\"{scope}\""))), "{said}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert!(!said.contains("vk_at"), "no token in an answer");
    }
    issuer.go_away(true);
    let response = send(&app, "/me", "Bearer vk_at_new").await;
    assert_eq!((response.status().as_u16(), challenge(&response)), (503, ""));
    assert!(response.headers().contains_key(RETRY_AFTER));
}

#[tokio::test]
async fn a_route_that_wants_a_scope_verifies_by_itself_and_nothing_twice() {
    let issuer = Issuer::start().await;
    let builder = issuer.builder().introspect_as("photos", "s3cret:%").cache_for(Duration::ZERO);
    let guard = builder.build().await.expect("a guard");
    issuer.know("vk_at_1", &json!({}));
    let needs = get(|| async {}).layer(guard.require("photos.read"));
    let alone = Router::new().route("/", needs.clone());
    let nested = Router::new().route("/", needs).layer(guard.layer());
    for app in [alone, nested] {
        let before = issuer.introspections();
        assert_eq!(send(&app, "/", "Bearer vk_at_1").await.status(), 200);
        assert_eq!(issuer.introspections() - before, 1);
        assert_eq!(send(&app, "/", "").await.status(), 401);
    }
}

#[tokio::test]
async fn one_guard_does_not_speak_for_another() {
    let issuer = Issuer::start().await;
    issuer.publish(Signer::new("EdDSA", "k1"));
    let photos = issuer.builder().build().await.expect("a guard");
    let mail = Guard::discover(issuer.url()).audience("https://mail.example");
    let mail = mail.clock(issuer.clock.clone()).build().await.expect("a guard");
    let token = format!("Bearer {}", issuer.token(&json!({}), &json!({})));
    let app = Router::new().route("/", get(|| async {}).layer(mail.layer())).layer(photos.layer());
    assert_eq!(send(&app, "/", &token).await.status(), 401);
}

#[tokio::test]
async fn a_handler_without_a_guard_lets_nobody_in() {
    let app = Router::new().route("/", get(|_: Caller| async {}));
    assert_eq!(send(&app, "/", "Bearer vk_at_1").await.status(), 500);
}

#[tokio::test]
async fn a_guard_that_could_not_tell_good_from_bad_is_not_built() {
    let issuer = Issuer::start().await;
    let other = issuer.url().replace("127.0.0.1", "localhost");
    assert!(matches!(Guard::discover(issuer.url()).build().await, Err(BuildError::NoAudience)));
    let named = Guard::discover(other).audience("x").build().await;
    assert!(matches!(named, Err(BuildError::Metadata(_))), "another issuer by another name");
    let plain = Guard::discover("http://as.example").audience("x").build().await;
    assert!(matches!(plain, Err(BuildError::Issuer(_))));
    issuer.go_away(true);
    let builder = issuer.builder().introspect_as("photos", "s3cret:%");
    assert!(!format!("{builder:?}").contains("s3cret"));
    assert!(matches!(builder.build().await, Err(BuildError::Unreachable(_))));
}

#[tokio::test]
async fn rfc9470_section_3_a_sign_in_that_will_not_do_is_challenged_with_what_would() {
    let issuer = Issuer::start().await;
    issuer.publish(Signer::new("EdDSA", "k1"));
    let guard = issuer.builder().introspect_as("photos", "s3cret:%").build().await.expect("a guard");
    let strict = guard.require("photos.read").acr_values("phr silver").max_age(Duration::from_mins(5));
    let app = Router::new().route("/", get(|| async {}).layer(strict)).layer(guard.layer());
    let fresh = START - 299;
    for (claims, want, code) in [
        (json!({"acr": "silver", "auth_time": fresh}), 200, ""),
        (json!({"acr": "phr", "auth_time": fresh}), 200, ""),
        (json!({"acr": "phr", "auth_time": START - 301}), 401, "insufficient_user_authentication"),
        (json!({"acr": "bronze", "auth_time": fresh}), 401, "insufficient_user_authentication"),
        (json!({"auth_time": fresh}), 401, "insufficient_user_authentication"),
        (json!({"acr": "phr"}), 401, "insufficient_user_authentication"),
        (json!({"acr": "phr", "auth_time": fresh, "scope": "other"}), 403, "insufficient_scope"),
    ] {
        issuer.know(&format!("vk_at_{claims}").replace(|c: char| !c.is_ascii_alphanumeric(), "_"), &claims);
        let opaque = format!("vk_at_{claims}").replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        for token in [issuer.token(&json!({}), &claims), opaque] {
            let response = send(&app, "/", &format!("Bearer {token}")).await;
            assert_eq!(response.status(), want, "{claims}");
            let said = challenge(&response);
            assert!(want == 200 || said.contains(&format!("error=\"{code}\"")), "{said}");
            let told = said.contains("acr_values=\"phr silver\", max_age=\"300\", scope=\"photos.read\"");
            assert_eq!(told, want == 401, "{said}");
        }
    }
}

#[tokio::test]
async fn rfc8705_section_3_a_bound_token_needs_its_certificate_at_every_request() {
    let issuer = Issuer::start().await;
    issuer.publish(Signer::new("EdDSA", "k1"));
    let guard = issuer.builder().introspect_as("photos", "s3cret:%").build().await.expect("a guard");
    let app = Router::new()
        .route("/", get(|caller: Caller| async move { caller.subject }).layer(guard.require("photos.read")))
        .layer(guard.layer());
    // SHA-256 of `own`.
    let own = BASE64URL_NOPAD.encode(digest(&SHA256, b"own").as_ref());
    let cnf = json!({"cnf": {"x5t#S256": own}});
    issuer.know("vk_at_bound", &cnf);
    for token in ["vk_at_bound".to_owned(), issuer.token(&json!({}), &cnf)] {
        // The answer about an opaque token is remembered; whose it is is looked at each time.
        for (shown, want) in
            [(Some("own"), 200), (Some("other"), 401), (None, 401), (Some("own"), 200), (Some(""), 401)]
        {
            let mut request = Request::get("/").header(AUTHORIZATION, format!("Bearer {token}"));
            if let Some(shown) = shown {
                request = request.extension(PeerCertificate::of_der(shown.as_bytes()));
            }
            let request = request.body(Body::empty()).expect("request");
            let response = app.clone().oneshot(request).await.expect("an answer");
            assert_eq!(response.status(), want, "{shown:?}");
            assert!(want == 200 || challenge(&response).contains("error=\"invalid_token\""), "{shown:?}");
        }
        assert!(guard.verify_token(&token).await.is_err(), "without a connection nobody can tell");
    }
    assert_eq!(issuer.introspections(), 1);
    // Who is bound to nothing may come with a certificate too.
    let plain = format!("Bearer {}", issuer.token(&json!({}), &json!({})));
    let mut headers = http::HeaderMap::new();
    headers.insert(AUTHORIZATION, plain.parse().expect("a header"));
    let shown = PeerCertificate::of_der(b"own");
    assert!(guard.verify_with_certificate(&headers, Some(&shown)).await.is_ok());
}
