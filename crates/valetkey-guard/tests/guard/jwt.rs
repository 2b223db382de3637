//! JWTs, good and bad, and the keys that verify them.

use crate::issuer::{Issuer, START};
use crate::signer::{Signer, b64, message};
use aws_lc_rs::hmac;
use serde_json::json;
use valetkey_guard::{Guard, Refusal};

async fn start(alg: &'static str) -> (Issuer, Guard) {
    let issuer = Issuer::start().await;
    issuer.publish(Signer::new(alg, "k1"));
    let guard = issuer.builder().build().await.expect("a guard");
    (issuer, guard)
}

fn status(result: Result<valetkey_guard::Caller, Refusal>) -> u16 {
    result.map_or_else(|refusal| refusal.status().as_u16(), |_| 200)
}

#[tokio::test]
async fn rfc9068_section_4_a_good_token_of_each_algorithm_says_who_calls() {
    for alg in ["EdDSA", "ES256", "RS256"] {
        let (issuer, guard) = start(alg).await;
        for header in [json!({}), json!({"typ": "application/AT+JWT"}), json!({"kid": null})] {
            let caller = guard.verify_token(&issuer.token(&header, &json!({}))).await.expect(alg);
            assert_eq!((caller.subject.as_str(), caller.client.as_deref()), ("usr_alice", Some("app_1")));
            assert!(caller.scope.contains("photos.read"));
            assert_eq!(caller.claims["exp"], START + 600);
        }
        assert_eq!(issuer.key_calls(), 1, "keys are cached");
    }
}

#[tokio::test]
async fn rfc8725_section_3_no_bad_token_is_let_in() {
    for alg in ["EdDSA", "RS256"] {
        let (issuer, guard) = start(alg).await;
        let other = if alg == "RS256" { "EdDSA" } else { "RS256" };
        let empty = json!({});
        for (what, header, claims) in [
            ("an ID token", json!({"typ": "JWT"}), empty.clone()),
            ("no type", json!({"typ": null}), empty.clone()),
            ("another algorithm than the key's", json!({"alg": other}), empty.clone()),
            ("ES256 with another key", json!({"alg": "ES256"}), empty.clone()),
            ("none", json!({"alg": "none"}), empty.clone()),
            ("HS256", json!({"alg": "HS256"}), empty.clone()),
            ("PS256", json!({"alg": "PS256"}), empty.clone()),
            ("a critical header", json!({"crit": ["b64"], "b64": false}), empty.clone()),
            ("another issuer", empty.clone(), json!({"iss": "https://evil.example"})),
            ("another audience", empty.clone(), json!({"aud": "https://mail.example"})),
            ("no audience", empty.clone(), json!({"aud": null})),
            ("expired", empty.clone(), json!({"exp": START - 10})),
            ("no expiry", empty.clone(), json!({"exp": null})),
            ("not yet valid", empty.clone(), json!({"nbf": START + 11})),
            ("bound to a key", empty.clone(), json!({"cnf": {"jkt": "abc"}})),
            ("nobody", empty.clone(), json!({"sub": ""})),
        ] {
            assert_eq!(
                status(guard.verify_token(&issuer.token(&header, &claims)).await),
                401,
                "{alg}: {what}"
            );
        }
        assert_eq!(issuer.key_calls(), 1, "{alg}: nothing of this is worth a question");
    }
}

#[tokio::test]
async fn rfc8725_section_2_1_an_unsigned_or_forged_token_is_refused() {
    let (issuer, guard) = start("RS256").await;
    let good = issuer.token(&json!({}), &json!({}));
    let claims = issuer.claims(&json!({}));
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let none = message(&json!({"alg": "none", "typ": "at+jwt", "kid": "k1"}), &claims);
    let forged = message(&Signer::new("EdDSA", "k1").header(), &claims);
    // The classic: the public key, which everybody has, used as an HMAC secret.
    let hs256 = message(&json!({"alg": "HS256", "typ": "at+jwt", "kid": "k1"}), &claims);
    let public = issuer.world.keys.lock().expect("keys")[0].jwk()["n"].to_string();
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes()), hs256.as_bytes());
    let richer = message(
        &json!({"alg": "RS256", "typ": "at+jwt", "kid": "k1"}),
        &issuer.claims(&json!({"scope": "all"})),
    );
    let stranger = Signer::new("RS256", "k1");
    for (what, token) in [
        ("none, nothing behind the dot", format!("{none}.")),
        ("none, a signature", format!("{none}.{signature}")),
        ("no signature", format!("{signed}.")),
        ("an HMAC of the public key", format!("{hs256}.{}", b64(mac.as_ref()))),
        ("other claims", format!("{richer}.{signature}")),
        ("another header", format!("{forged}.{signature}")),
        ("a stranger's key of the same name", stranger.sign(&stranger.header(), &claims)),
        ("padding", format!("{good}=")),
        ("a fourth part", format!("{good}.e30")),
        ("half of it", good[..good.len() / 2].to_owned()),
        ("something else", "abc".to_owned()),
        ("too much", "a".repeat(20_000)),
    ] {
        assert_eq!(status(guard.verify_token(&token).await), 401, "{what}");
    }
    assert_eq!(status(guard.verify_token(&good).await), 200);
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_invented_ones_do_not_drive_the_guard() {
    let (issuer, guard) = start("EdDSA").await;
    let new = Signer::new("ES256", "k2");
    let token = new.sign(&new.header(), &issuer.claims(&json!({})));
    issuer.publish(new);
    assert_eq!(status(guard.verify_token(&token).await), 200);
    assert_eq!(issuer.key_calls(), 2);
    for invented in 0..50 {
        let token = issuer.token(&json!({"kid": format!("x{invented}")}), &json!({}));
        assert_eq!(status(guard.verify_token(&token).await), 401);
    }
    assert_eq!(issuer.key_calls(), 2, "within the pause nobody is asked");
    issuer.clock.advance(10);
    let tokens: Vec<String> =
        (0..50).map(|n| issuer.token(&json!({"kid": format!("y{n}")}), &json!({}))).collect();
    futures_util::future::join_all(tokens.iter().map(|token| guard.verify_token(token))).await;
    assert_eq!(issuer.key_calls(), 3, "after it once, by however many");
}

#[tokio::test]
async fn rfc9111_section_5_2_keys_are_kept_as_long_as_the_issuer_says_and_a_while_when_it_is_away() {
    let (issuer, guard) = start("EdDSA").await;
    let token = issuer.token(&json!({}), &json!({"exp": START + 100_000}));
    issuer.clock.advance(599);
    assert_eq!((status(guard.verify_token(&token).await), issuer.key_calls()), (200, 1));
    issuer.clock.advance(1);
    assert_eq!((status(guard.verify_token(&token).await), issuer.key_calls()), (200, 2));
    issuer.go_away(true);
    issuer.clock.advance(600);
    assert_eq!((status(guard.verify_token(&token).await), issuer.key_calls()), (200, 3));
    assert_eq!(
        (status(guard.verify_token(&token).await), issuer.key_calls()),
        (200, 3),
        "it is left in peace"
    );
    let unknown = issuer.token(&json!({"kid": "k2"}), &json!({}));
    assert_eq!(status(guard.verify_token(&unknown).await), 503, "nobody can say whether there is such a key");
    issuer.clock.advance(3600);
    assert_eq!(status(guard.verify_token(&token).await), 503, "the grace is over");
    issuer.go_away(false);
    issuer.clock.advance(10);
    assert_eq!(status(guard.verify_token(&token).await), 200);
    issuer.world.keys.lock().expect("keys").clear();
    issuer.clock.advance(600);
    assert_eq!(status(guard.verify_token(&token).await), 401, "a key that was withdrawn verifies nothing");
}
