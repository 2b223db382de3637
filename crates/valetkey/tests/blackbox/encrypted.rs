//! RFC 9101 §6.1, JARM §2.2 — requests that are encrypted for us, and answers that are encrypted for the client

use crate::signer::{CALLBACK, Signer, key};
use crate::support::{claims, text, with, world};
use serde_json::{Value, json};
use valetkey_core::audit::Actor;
use valetkey_core::client::metadata::BadMetadata;
use valetkey_core::client::profile::Profile;
use valetkey_core::jose::jwe::decrypt::{DecryptionKey, KeyKind, decrypt};
use valetkey_core::jose::jwe::{Algorithm, Encryption, Recipient};
use valetkey_core::jose::jws::Jws;
use valetkey_core::jose::{SigningAlgorithm, jwk};
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::key::Rotate;
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, Reply, TestApp, redemption};

async fn jwks(app: &TestApp) -> Value {
    app.get("/oauth/jwks").await.json()
}

async fn promised(app: &TestApp, name: &str) -> Vec<String> {
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    metadata[name].as_array().unwrap().iter().map(|own| own.as_str().unwrap().to_owned()).collect()
}

fn encrypt(set: &Value, algorithm: Algorithm, encryption: Encryption, inside: &str) -> String {
    let recipient = Recipient::of_set(set, algorithm).unwrap();
    recipient.encrypt(encryption, Some("JWT"), inside.as_bytes(), [7; 48]).unwrap()
}

fn usual(set: &Value, inside: &str) -> String {
    encrypt(set, Algorithm::RsaOaep256, Encryption::A256Gcm, inside)
}

async fn ask(app: &TestApp, object: &str) -> Reply {
    let fields =
        [("client_id", "signer"), ("redirect_uri", CALLBACK), ("state", "outside"), ("request", object)];
    app.browser().authorize(&fields).await
}

/// What the application is told.
#[track_caller]
fn refused(reply: &Reply, case: &str) -> String {
    let answer = reply.redirected();
    assert_eq!(answer.get("error").map(String::as_str), Some("invalid_request_object"), "{case}");
    answer["error_description"].clone()
}

#[tokio::test]
async fn rfc9101_section_6_1_a_signed_request_may_be_encrypted_in_every_way_that_is_promised() {
    let app = world().await;
    let own = Signer::register(&app, SigningAlgorithm::Es256, &json!({})).await;
    let (object, set) = (own.object(&own.claims(&app, "read")), jwks(&app).await);
    let algorithms = promised(&app, "request_object_encryption_alg_values_supported").await;
    assert_eq!(algorithms.len(), Algorithm::ALL.len());
    let mut ways = 0;
    for algorithm in &algorithms {
        for encryption in promised(&app, "request_object_encryption_enc_values_supported").await {
            let key_wrap = Algorithm::parse(algorithm).unwrap();
            let content = Encryption::parse(&encryption).unwrap();
            let reply = ask(&app, &encrypt(&set, key_wrap, content, &object)).await;
            assert_eq!(reply.status, 200, "{algorithm} {encryption}: {}", reply.body);
            ways += 1;
        }
    }
    assert_eq!(ways, 12);
    let object = usual(&set, &object);
    let reply = own.allow(&mut app.browser(), &[("request", object.as_str())]).await;
    let tokens = own.redeem(&app, &reply.redirected()["code"], None).await;
    assert_eq!((tokens.status.as_u16(), text(&tokens.json(), "scope")), (200, "read"));
    // RFC 9126 §3.
    let code = own.code(&app, &[("request", object.as_str())]).await;
    assert_eq!(own.redeem(&app, &code, None).await.status, 200);
}

#[tokio::test]
async fn rfc9101_section_6_1_what_is_not_signed_within_or_not_for_us_is_refused_alike() {
    let app = world().await;
    let own = Signer::register(&app, SigningAlgorithm::Es256, &json!({})).await;
    let (plain, set) = (own.claims(&app, "read"), jwks(&app).await);
    let object = own.object(&plain);
    let stranger = Signer { id: "signer", key: key(SigningAlgorithm::Es256) };
    let good = usual(&set, &object);
    let elsewhere = DecryptionKey::parse(
        set["keys"].as_array().unwrap().iter().find(|key| key["alg"] == "ECDH-ES").unwrap()["kid"]
            .as_str()
            .unwrap()
            .into(),
        KeyKind::P256,
        Timestamp(0),
        None,
        &KeyKind::P256.generate().unwrap(),
    )
    .unwrap();
    let foreign = json!({"keys": elsewhere.public_jwks().collect::<Vec<_>>()});
    let header = r#"{"alg":"RSA1_5","enc":"A128CBC-HS256"}"#;
    let weak =
        format!("{}.{}", data_encoding::BASE64URL_NOPAD.encode(header.as_bytes()), "AAAA.AAAA.AAAA.AAAA");
    let mut words = std::collections::BTreeSet::new();
    for (case, object, undecrypted) in [
        ("for another's key", encrypt(&foreign, Algorithm::EcdhEs, Encryption::A128Gcm, &object), true),
        ("altered", crate::support::altered(&good), true),
        ("RSA1_5", weak, true),
        ("nothing in it", "....".to_owned(), true),
        ("too long", usual(&set, &"x".repeat(20_000)), true),
        ("unsigned", usual(&set, &plain.to_string()), false),
        ("a stranger's", usual(&set, &stranger.object(&plain)), false),
        ("encrypted twice", usual(&set, &usual(&set, "a.b.c")), false),
        ("no text", usual(&set, "\u{0}"), false),
    ] {
        let said = refused(&ask(&app, &object).await, case);
        if undecrypted {
            words.insert(said);
        }
    }
    assert_eq!(words.len(), 1, "nobody learns why: {words:?}");
    assert_eq!(ask(&app, &good).await.status, 200);
}

#[tokio::test]
async fn oidc_core_section_10_2_1_a_rotated_key_is_published_when_known_and_the_old_one_reads_on() {
    let app = world().await;
    let own = Signer::register(&app, SigningAlgorithm::Es256, &json!({})).await;
    let for_us = |set: &Value| -> Vec<String> {
        let keys = set["keys"].as_array().unwrap().iter().filter(|key| key["use"] == "enc");
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let before = jwks(&app).await;
    assert_eq!(for_us(&before).len(), 4);
    let text = before.to_string();
    assert!(!text.contains("\"d\":") && !text.contains("\"p\":"), "public halves alone");
    for kind in KeyKind::ALL {
        manage::key::rotate(&app.cx(), Actor::Operator, Rotate::Encryption(kind), false).await.unwrap();
    }
    assert_eq!(for_us(&jwks(&app).await), for_us(&before), "until every node knows it");
    app.clock.advance(120);
    let after = jwks(&app).await;
    assert!(for_us(&after).len() == 4 && for_us(&after).iter().all(|kid| !for_us(&before).contains(kid)));
    for (set, wait, read) in [(&after, 0, true), (&before, 3_600, true), (&before, 30 * 86_400, false)] {
        app.clock.advance(wait);
        for algorithm in [Algorithm::RsaOaep256, Algorithm::EcdhEsA256Kw] {
            let object = own.object(&own.claims(&app, "read"));
            let reply = ask(&app, &encrypt(set, algorithm, Encryption::A128CbcHs256, &object)).await;
            assert_eq!(reply.status == 200, read, "{algorithm:?} {wait}");
        }
    }
}

/// A client whose answers are encrypted, and the key that reads them.
async fn reader(app: &TestApp, id: &str, kind: KeyKind, members: Value) -> DecryptionKey {
    let bytes = kind.generate().unwrap();
    let key = DecryptionKey::parse("theirs".into(), kind, Timestamp(0), None, &bytes).unwrap();
    app.client(NewClient {
        id: Some(id.to_owned()),
        redirect_uris: vec![CALLBACK.to_owned()],
        jwks: Some(json!({"keys": key.public_jwks().collect::<Vec<_>>()})),
        profile: serde_json::from_value(members).unwrap(),
        ..NewClient::default()
    })
    .await;
    key
}

#[tokio::test]
async fn jarm_section_2_2_an_answer_is_signed_and_then_encrypted_as_the_client_registered() {
    let app = world().await;
    let algorithms = promised(&app, "authorization_encryption_alg_values_supported").await;
    let encryptions = promised(&app, "authorization_encryption_enc_values_supported").await;
    let cases = algorithms.iter().map(|alg| (alg, Some(&encryptions[1])));
    for (nth, (alg, enc)) in cases.chain([(&algorithms[1], None)]).enumerate() {
        let kind = if alg == "RSA-OAEP-256" { KeyKind::Rsa } else { KeyKind::P256 };
        let members =
            json!({"authorization_encrypted_response_alg": alg, "authorization_encrypted_response_enc": enc});
        let id = format!("reader{nth}");
        let key = reader(&app, &id, kind, members).await;
        let request = with(&Browser::request(&id, "openid"), "response_mode", Some("jwt"));
        let request = with(&request, "prompt", Some("none"));
        // The refusal, and the code.
        let mut browser = app.browser();
        for want in ["error", "code"] {
            let reply = browser.authorize(&request).await;
            let (_, response) = reply.location().split_once("?response=").unwrap();
            let header = response.split('.').next().unwrap();
            let header = data_encoding::BASE64URL_NOPAD.decode(header.as_bytes()).unwrap();
            let header: Value = serde_json::from_slice(&header).unwrap();
            let enc = enc.map_or("A128CBC-HS256", String::as_str);
            assert_eq!(
                (text(&header, "alg"), text(&header, "enc"), text(&header, "cty")),
                (alg.as_str(), enc, "JWT")
            );
            let signed = String::from_utf8(decrypt([&key], response, [0; 32]).unwrap()).unwrap();
            let set = jwk::read_set(&jwks(&app).await).unwrap();
            assert!(Jws::read(&signed).unwrap().is_signed_by_one_of(&set));
            let answer = claims(&signed);
            assert_eq!((&answer["aud"], &answer["state"]), (&id.as_str().into(), &"the-state".into()));
            assert!(answer.get(want).is_some(), "{answer}");
            browser.code(&id, "openid", "alice").await;
            if let Some(code) = answer["code"].as_str() {
                assert_eq!(app.token(&id, &redemption(code)).await.status, 200);
            }
        }
        // Who asks for no signed answer gets none that is encrypted.
        assert!(browser.signed_in_at(&id, "openid", "alice").await.redirected().contains_key("code"));
    }
}

#[tokio::test]
async fn jarm_section_3_encryption_needs_a_key_and_nothing_goes_out_without() {
    let app = world().await;
    let set = |name: &str, value: &str| Profile::default().with(name, &value.into());
    for (name, value, good) in [
        ("authorization_encrypted_response_alg", "ECDH-ES", true),
        ("authorization_encrypted_response_alg", "RSA1_5", false),
        ("authorization_encrypted_response_enc", "A128GCM", true),
        ("authorization_encrypted_response_enc", "none", false),
        ("request_object_encryption_alg", "RSA-OAEP-256", true),
        ("request_object_encryption_alg", "dir", false),
        ("request_object_encryption_enc", "A192GCM", false),
    ] {
        assert_eq!(set(name, value).map(drop).map_err(|BadMetadata(_)| ()).is_ok(), good, "{name} {value}");
    }
    // An enc without its alg, and an alg without a key.
    for members in [
        json!({"authorization_encrypted_response_enc": "A128GCM"}),
        json!({"request_object_encryption_enc": "A128GCM"}),
        json!({"authorization_encrypted_response_alg": "ECDH-ES"}),
    ] {
        let profile: Profile = serde_json::from_value(members.clone()).unwrap();
        let new = NewClient { profile, redirect_uris: vec![CALLBACK.to_owned()], ..NewClient::default() };
        assert!(manage::client::create(&app.cx(), Actor::Operator, new).await.is_err(), "{members}");
    }
    // Keys that nobody can read any more: the person is told, and no code leaves.
    let profile: Profile =
        serde_json::from_value(json!({"authorization_encrypted_response_alg": "ECDH-ES"})).unwrap();
    app.client(NewClient {
        id: Some("lost".to_owned()),
        redirect_uris: vec![CALLBACK.to_owned()],
        jwks_uri: Some("https://10.0.0.1/jwks".to_owned()),
        profile,
        ..NewClient::default()
    })
    .await;
    let request = with(&Browser::request("lost", "openid"), "response_mode", Some("jwt"));
    let reply = app.browser().authorize(&with(&request, "prompt", Some("none"))).await;
    assert!(reply.status != 200 && reply.location().is_empty(), "{} {}", reply.status, reply.location());
}
