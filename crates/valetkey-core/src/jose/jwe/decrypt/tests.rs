//! RFC 7516 §5.2, RFC 8725 §3 — what was encrypted for a key of ours is read, and nothing else.

use super::*;
use crate::jose::jwe::Recipient;

fn key(id: &str, kind: KeyKind) -> DecryptionKey {
    let bytes = kind.generate().expect("a key");
    DecryptionKey::parse(id.into(), kind, Timestamp(0), None, &bytes).expect("parses")
}

fn public(key: &DecryptionKey) -> Value {
    json!({"keys": key.public_jwks().collect::<Vec<_>>()})
}

fn encrypted(key: &DecryptionKey, algorithm: Algorithm, encryption: Encryption) -> String {
    let recipient = Recipient::of_set(&public(key), algorithm).expect("it takes this algorithm");
    recipient.encrypt(encryption, Some("JWT"), b"a.b.c", [7; 48]).expect("encrypted")
}

/// The same text with another header; for what a tag would find out too, the header's own rule must hold alone.
fn with_header(text: &str, change: impl FnOnce(&mut Value)) -> String {
    let (header, rest) = text.split_once('.').expect("parts");
    let mut json: Value = serde_json::from_slice(&decode(header).expect("base64url")).expect("a header");
    change(&mut json);
    format!("{}.{rest}", BASE64URL_NOPAD.encode(json.to_string().as_bytes()))
}

#[test]
fn rfc7516_section_5_2_what_was_encrypted_for_a_key_is_read_by_it_alone() {
    for kind in KeyKind::ALL {
        let (own, other) = (key("own", kind), key("other", kind));
        for jwk in own.public_jwks() {
            assert!(
                jwk.get("d").is_none()
                    && jwk["use"] == "enc"
                    && own.is_named(jwk["kid"].as_str().expect("kid"))
            );
        }
        for (name, algorithm) in Algorithm::ALL {
            assert_eq!(
                Recipient::of_set(&public(&own), algorithm).is_some(),
                kind.takes(algorithm),
                "{name}"
            );
            if !kind.takes(algorithm) {
                continue;
            }
            for (enc, encryption) in Encryption::ALL {
                let text = encrypted(&own, algorithm, encryption);
                let read = |keys: &[&DecryptionKey]| decrypt(keys.iter().copied(), &text, [1; 32]);
                assert_eq!(read(&[&other, &own]).as_deref(), Some(&b"a.b.c"[..]), "{name} {enc}");
                assert_eq!(read(&[&other]), None, "{name} {enc}: its kid names another");
                assert_eq!(read(&[]), None);
                let nameless = with_header(&text, |header| header["kid"] = "other".into());
                assert_eq!(decrypt([&own, &other], &nameless, [1; 32]), None, "the header is authenticated");
            }
        }
    }
}

#[test]
fn rfc8725_section_3_what_nobody_may_send_is_not_read() {
    let own = key("own", KeyKind::P256);
    for (_, encryption) in Encryption::ALL {
        let text = encrypted(&own, Algorithm::EcdhEs, encryption);
        let read = |text: &str| decrypt([&own], text, [1; 32]);
        assert!(read(&text).is_some());
        let parts: Vec<&str> = text.split('.').collect();
        for (nth, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            let mut bytes = decode(part).expect("base64url");
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            let (longer, shorter) = ([part, "AAAA"].concat(), part[..part.len() / 4 * 2].to_owned());
            for other in [BASE64URL_NOPAD.encode(&bytes), longer, shorter, String::new()] {
                let mut changed = parts.clone();
                changed[nth] = &other;
                assert_eq!(read(&changed.join(".")), None, "part {nth} as {other}");
            }
        }
        assert_eq!(read(&format!("{text}.AAAA")), None, "six parts");
        assert_eq!(read(&parts[..4].join(".")), None, "four parts");
        let mut keyed = parts.clone();
        keyed[1] = "AAAA";
        assert_eq!(read(&keyed.join(".")), None, "RFC 7518 §4.6: a key beside direct agreement");
    }
}

/// With a tag of its own each of these would be believed: the header alone gives it away. Direct agreement makes the content
/// key the same whatever else the header says, so that the tag can be made anew.
#[test]
fn rfc7516_section_4_1_a_header_that_must_not_be_is_refused_before_the_content() {
    let own = key("own", KeyKind::P256);
    let sender = PrivateKey::generate(&ECDH_P256).expect("a key");
    let epk = crate::jose::jwe::ephemeral(sender.compute_public_key().expect("public").as_ref());
    let point = serde_json::from_value::<Jwk>(own.public.clone()).expect("a key").p256_point();
    let sealed = |header: Value| {
        let party =
            |name: &str| header.get(name).and_then(Value::as_str).and_then(decode).unwrap_or_default();
        let (apu, apv) = (party("apu"), party("apv"));
        let peer = UnparsedPublicKey::new(&ECDH_P256, point.clone().expect("on the curve"));
        let by = |secret: &[u8]| Ok(derive(secret, "A128GCM", 16, [&apu, &apv]));
        let content_key = agreement::agree(&sender, peer, (), by).expect("agreed");
        let head = BASE64URL_NOPAD.encode(header.to_string().as_bytes());
        let sealed =
            crate::jose::jwe::content(Encryption::A128Gcm, &content_key, &[7; 16], head.as_bytes(), b"a.b.c");
        let sealed = sealed.expect("sealed");
        let part = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        format!("{head}..{}.{}.{}", part(&sealed.iv), part(&sealed.text), part(&sealed.tag))
    };
    let long = BASE64URL_NOPAD.encode(&[7; LONGEST_PARTY + 1]);
    for (change, good) in [
        (json!({}), true),
        (json!({"kid": "own", "cty": "JWT", "typ": "oauth-authz-req+jwt", "unknown": 1}), true),
        (json!({"apu": "QWxpY2U", "apv": "Qm9i"}), true),
        (json!({"apu": long}), false),
        (json!({"apu": "=="}), false),
        (json!({"kid": "own.A256KW"}), true),
        (json!({"kid": "other"}), false),
        (json!({"kid": "ow"}), false),
        (json!({"kid": ""}), false),
        (json!({"zip": "DEF"}), false),
        (json!({"zip": "none"}), false),
        (json!({"crit": ["x"], "x": 1}), false),
        (json!({"alg": "RSA1_5"}), false),
        (json!({"alg": "RSA-OAEP"}), false),
        (json!({"alg": "RSA-OAEP-256"}), false),
        (json!({"alg": "dir"}), false),
        (json!({"alg": "PBES2-HS256+A128KW", "p2c": 2_000_000_000, "p2s": "AA"}), false),
        (json!({"alg": "A128KW"}), false),
        (json!({"alg": "ecdh-es"}), false),
        (json!({"alg": null}), false),
        (json!({"enc": "A256GCM"}), false),
        (json!({"enc": "none"}), false),
        (json!({"epk": null}), false),
        (json!({"epk": {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}}), false),
        (json!({"epk": {"kty": "EC", "crv": "P-384", "x": epk["x"], "y": epk["y"]}}), false),
        (json!({"epk": {"kty": "EC", "crv": "P-256", "x": epk["x"], "y": epk["x"]}}), false),
        (json!({"epk": {"kty": "OKP", "crv": "X25519", "x": epk["x"]}}), false),
    ] {
        let mut header = json!({"alg": "ECDH-ES", "enc": "A128GCM", "epk": epk});
        for (name, value) in change.as_object().expect("an object") {
            header[name] = value.clone();
        }
        assert_eq!(decrypt([&own], &sealed(header), [1; 32]).is_some(), good, "{change}");
    }
    let twice =
        format!("{}....", BASE64URL_NOPAD.encode(br#"{"alg":"ECDH-ES","alg":"ECDH-ES","enc":"A128GCM"}"#));
    assert_eq!(decrypt([&own], &twice, [1; 32]), None);
    let padded = sealed(json!({"alg": "ECDH-ES", "enc": "A128GCM", "epk": epk, "p": "x".repeat(LONGEST)}));
    assert_eq!(decrypt([&own], &padded, [1; 32]), None, "there is a longest");
}
