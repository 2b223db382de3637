//! RFC 7515, RFC 7517, RFC 9068 — JWTs and the keys to check them, by a verifier of the test's own

use crate::support::{api, claims, introspected, service_token, text, world};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use valetkey_core::audit::Actor;
use valetkey_core::jose::{self, SigningAlgorithm};
use valetkey_core::manage::{self, key::Rotate};
use valetkey_core::store::TokenFormat;
use valetkey_testkit::TestApp;

async fn jwks(app: &TestApp) -> Vec<Value> {
    let reply = app.get("/oauth/jwks").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.header("cache-control"), "public, max-age=300");
    reply.json()["keys"].as_array().unwrap().clone()
}

fn decode(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
}

fn header(jwt: &str) -> Value {
    serde_json::from_slice(&decode(jwt.split('.').next().unwrap())).unwrap()
}

/// Whether one of the published keys made this signature, found and used as RFC 7515 §5.2 says.
fn verifies(keys: &[Value], jwt: &str) -> bool {
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let header = header(jwt);
    let Some(key) = keys.iter().find(|key| key["kid"] == header["kid"] && key["alg"] == header["alg"]) else {
        return false;
    };
    let part = |name| decode(text(key, name));
    let (message, signature) = (message.as_bytes(), decode(signature));
    let plain = |algorithm: &'static dyn signature::VerificationAlgorithm, public: Vec<u8>| {
        UnparsedPublicKey::new(algorithm, public).verify(message, &signature).is_ok()
    };
    match (text(key, "kty"), text(key, "alg")) {
        ("OKP", "EdDSA") => plain(&ED25519, part("x")),
        ("EC", "ES256") => plain(&ECDSA_P256_SHA256_FIXED, [vec![4], part("x"), part("y")].concat()),
        ("RSA", "PS256") => RsaPublicKeyComponents { n: part("n"), e: part("e") }
            .verify(&signature::RSA_PSS_2048_8192_SHA256, message, &signature)
            .is_ok(),
        ("RSA", "RS256") => RsaPublicKeyComponents { n: part("n"), e: part("e") }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, &signature)
            .is_ok(),
        other => panic!("{other:?}"),
    }
}

const ALGORITHMS: [(&str, SigningAlgorithm); 4] = [
    ("eddsa", SigningAlgorithm::EdDsa),
    ("es256", SigningAlgorithm::Es256),
    ("rs256", SigningAlgorithm::Rs256),
    ("ps256", SigningAlgorithm::Ps256),
];

async fn world_with_apis() -> TestApp {
    let app = world().await;
    for (id, algorithm) in ALGORITHMS {
        app.api(api(id, "read", TokenFormat::Jwt, algorithm)).await;
    }
    app
}

async fn jwt_for(app: &TestApp, id: &str) -> String {
    let resource = format!("https://{id}.example");
    let reply = service_token(app, &[("resource", &resource), ("scope", "read")]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    text(&reply.json(), "access_token").to_owned()
}

#[tokio::test]
async fn rfc7517_section_4_the_keys_are_public_named_and_meant_for_one_thing_each() {
    let app = world().await;
    let keys = jwks(&app).await;
    let algorithms: BTreeSet<_> = keys.iter().map(|key| text(key, "alg")).collect();
    assert_eq!(
        algorithms,
        BTreeSet::from([
            "ECDH-ES",
            "ECDH-ES+A128KW",
            "ECDH-ES+A256KW",
            "ES256",
            "EdDSA",
            "PS256",
            "RS256",
            "RSA-OAEP-256"
        ])
    );
    let kids: BTreeSet<_> = keys.iter().map(|key| text(key, "kid")).collect();
    assert_eq!(kids.len(), keys.len());
    for key in &keys {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let own: &[&str] = match text(key, "kty") {
            "OKP" => &["alg", "crv", "kid", "kty", "use", "x"],
            "EC" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            _ => &["alg", "e", "kid", "kty", "n", "use"],
        };
        assert_eq!(names, own, "no member but these: d, p, q and k would be the private half");
        let encrypts = text(key, "alg").contains("OAEP") || text(key, "alg").contains("ECDH");
        assert_eq!(text(key, "use"), if encrypts { "enc" } else { "sig" });
    }
    let rsa = keys.iter().find(|key| key["kty"] == "RSA").unwrap();
    assert!(decode(text(rsa, "n")).len() >= 256, "RFC 7518 §3.3: 2048 bits");
}

#[tokio::test]
async fn rfc9068_section_2_a_jwt_access_token_of_each_algorithm_says_what_the_profile_wants() {
    let app = world_with_apis().await;
    let keys = jwks(&app).await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let logged_in = app.cx().now.0;
    app.clock.advance(30);
    for (id, algorithm) in ALGORITHMS {
        let jwt = jwt_for(&app, id).await;
        assert!(verifies(&keys, &jwt), "{id}");
        assert_eq!((text(&header(&jwt), "alg"), text(&header(&jwt), "typ")), (algorithm.name(), "at+jwt"));
        let own = claims(&jwt);
        let now = app.cx().now.0;
        assert_eq!(
            (text(&own, "sub"), text(&own, "client_id")),
            ("service", "service"),
            "§2.2, an app's own"
        );
        assert_eq!(own["aud"], format!("https://{id}.example"));
        assert_eq!((own["iat"].as_i64(), own["exp"].as_i64()), (Some(now), Some(now + 600)));
        assert!(own.get("auth_time").is_none() && text(&own, "jti").len() == 26);

        let mut request = valetkey_testkit::Browser::request("app", "openid read");
        let resource = format!("https://{id}.example");
        request.push(("resource", &resource));
        let page = browser.authorize(&request).await;
        let answer = if page.status == 303 { page } else { browser.decide(&page, "allow", &["read"]).await };
        let code = answer.redirected().remove("code").unwrap();
        let tokens = app.token("app", &valetkey_testkit::redemption(&code)).await.json();
        let (jwt, id_token) = (text(&tokens, "access_token"), text(&tokens, "id_token"));
        assert!(verifies(&keys, jwt) && verifies(&keys, id_token), "{id}");
        assert_eq!(text(&header(id_token), "typ"), "JWT", "RFC 8725 §3.11: never the same type");
        let own = claims(jwt);
        assert!(text(&own, "sub").starts_with("usr_"));
        assert_eq!(own["sub"], claims(id_token)["sub"]);
        assert_eq!((text(&own, "client_id"), text(&own, "scope")), ("app", "openid read"));
        assert_eq!((text(&own, "iss"), own["auth_time"].as_i64()), ("https://id.example", Some(logged_in)));
        let userinfo = app.get_with_token("/oauth/userinfo", jwt).await;
        assert_eq!(
            userinfo.refusal(),
            (401, "invalid_token".to_owned()),
            "RFC 8707 §2: for the resource alone"
        );
    }
}

#[tokio::test]
async fn rfc7519_section_4_1_3_several_audiences_are_a_list() {
    let app = world().await;
    for id in ["one", "two"] {
        app.api(api(id, "read", TokenFormat::Jwt, SigningAlgorithm::EdDsa)).await;
    }
    let reply = service_token(&app, &[("scope", "read")]).await;
    let aud = claims(text(&reply.json(), "access_token"))["aud"].clone();
    assert_eq!(aud, json!(["https://one.example", "https://two.example"]));
}

#[tokio::test]
async fn rfc8725_section_3_1_a_jwt_that_we_did_not_make_so_is_refused() {
    let app = world_with_apis().await;
    let jwt = jwt_for(&app, "rs256").await;
    let other = jwt_for(&app, "eddsa").await;
    let parts: Vec<&str> = jwt.split('.').collect();
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let own = header(&jwt);
    let changed = |name: &str, value: Value| {
        let mut header = own.clone();
        header[name] = value;
        format!("{}.{}.{}", encode(&header), parts[1], parts[2])
    };
    let mut admin = claims(&jwt);
    admin["sub"] = json!("usr_somebody");
    let keys = jwks(&app).await;
    let rsa = keys.iter().find(|key| key["kty"] == "RSA").unwrap();
    let public = decode(text(rsa, "n"));
    // What only the holder of the key could make: the claims of an access token in a token of another type.
    let keys = app.server.keys();
    let key = keys.signing_at(SigningAlgorithm::Rs256, app.cx().now).unwrap();
    let id_typed = jose::jwt::sign(key, jose::jwt::Type::IdToken, &claims(&jwt)).unwrap();
    let re_signed = jose::jwt::sign(key, jose::jwt::Type::AccessToken, &claims(&jwt)).unwrap();
    assert_eq!(introspected(&app, &re_signed).await["active"], true, "else the next proves nothing");
    let mac_header = encode(&json!({"alg": "HS256", "typ": "at+jwt", "kid": own["kid"]}));
    let mac_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &public);
    let message = format!("{mac_header}.{}", parts[1]);
    let mac = BASE64URL_NOPAD.encode(aws_lc_rs::hmac::sign(&mac_key, message.as_bytes()).as_ref());
    for (case, forged) in [
        ("alg none, unsigned", format!("{}.{}.", encode(&json!({"alg": "none", "typ": "at+jwt"})), parts[1])),
        (
            "alg none, our kid",
            format!("{}.{}.", encode(&json!({"alg": "none", "typ": "at+jwt", "kid": own["kid"]})), parts[1]),
        ),
        ("unsigned", format!("{}.{}.", parts[0], parts[1])),
        ("our signature on another type", id_typed.clone()),
        ("another algorithm", changed("alg", json!("RS384"))),
        ("a MAC by the public key", format!("{message}.{mac}")),
        ("another type", changed("typ", json!("JWT"))),
        ("a key that is not ours", changed("kid", json!("x"))),
        ("another of our keys", changed("kid", header(&other)["kid"].clone())),
        ("a key brought along", changed("jwk", rsa.clone())),
        ("other claims", format!("{}.{}.{}", parts[0], encode(&admin), parts[2])),
        ("another's signature", format!("{}.{}.{}", parts[0], parts[1], other.split('.').nth(2).unwrap())),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{jwt}.x")),
        ("padded", format!("{jwt}=")),
    ] {
        let fields = [("token", forged.as_str())];
        let reply =
            app.post("/oauth/introspect", Some(("service", valetkey_testkit::CLIENT_SECRET)), &fields).await;
        assert_eq!(reply.json(), json!({"active": false}), "{case}");
        assert_eq!(app.get_with_token("/oauth/userinfo", &forged).await.status, 401, "{case}");
    }
}

#[tokio::test]
async fn oidc_core_section_10_1_1_a_new_key_is_published_before_it_signs_and_an_old_one_after() {
    let app = world_with_apis().await;
    for (id, algorithm) in ALGORITHMS {
        let before = jwks(&app).await;
        let old = jwt_for(&app, id).await;
        manage::key::rotate(&app.cx(), Actor::Operator, Rotate::Signing(algorithm.key()), false)
            .await
            .unwrap();
        let both = jwks(&app).await;
        // RFC 7517 §4.4: one `alg` a key, so the RSA key stands there twice.
        let added = if algorithm.key() == SigningAlgorithm::Rs256 { 2 } else { 1 };
        assert_eq!(both.len(), before.len() + added, "{id}: published at once");
        assert_eq!(header(&jwt_for(&app, id).await)["kid"], header(&old)["kid"], "{id}: not used yet");
        app.clock.advance(304);
        assert_eq!(header(&jwt_for(&app, id).await)["kid"], header(&old)["kid"], "{id}: caches may be old");
        app.clock.advance(1);
        let new = jwt_for(&app, id).await;
        assert_ne!(header(&new)["kid"], header(&old)["kid"], "{id}");
        assert!(!before.iter().any(|key| key["kid"] == header(&new)["kid"]));
        assert!(
            verifies(&both, &new) && verifies(&both, &old),
            "{id}: whoever fetched in between knows both"
        );
        // The longest token lives a day; a cache may be five minutes behind.
        app.clock.advance(86_400 + 299);
        assert_eq!(jwks(&app).await.len(), both.len(), "{id}");
        app.clock.advance(1);
        let left = jwks(&app).await;
        assert!(!left.iter().any(|key| key["kid"] == header(&old)["kid"]), "{id}: the old one is gone");
        assert!(verifies(&left, &new) && verifies(&left, &jwt_for(&app, id).await), "{id}");
    }
}

#[tokio::test]
async fn an_emergency_rotation_signs_with_the_new_key_at_once() {
    let app = world_with_apis().await;
    for (id, algorithm) in ALGORITHMS {
        let old = jwt_for(&app, id).await;
        app.clock.advance(1);
        manage::key::rotate(&app.cx(), Actor::Operator, Rotate::Signing(algorithm.key()), true)
            .await
            .unwrap();
        let new = jwt_for(&app, id).await;
        assert_ne!(header(&new)["kid"], header(&old)["kid"], "{id}");
        assert!(verifies(&jwks(&app).await, &new), "{id}");
    }
}
