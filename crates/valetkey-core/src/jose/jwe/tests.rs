//! RFC 7516 §5.1, RFC 7517 §4.2, RFC 7518 §C — what is encrypted, its reader decrypts, by the primitives and not by the code under test.

use super::*;
use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::KeyPair as _;

enum Private {
    Rsa(OaepPrivateDecryptingKey),
    Curve(PrivateKey),
}

fn part(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url")
}

fn keys() -> Vec<(Private, Value)> {
    let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let public = pair.public_key();
    let (n, e) = (public.modulus(), public.exponent());
    let rsa = json!({"kty": "RSA", "kid": "rsa", "use": "enc",
        "n": text(n.big_endian_without_leading_zero()), "e": text(e.big_endian_without_leading_zero())});
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
    let private = PrivateDecryptingKey::from_pkcs8(der.as_ref()).expect("a key");
    let mut all = vec![(Private::Rsa(OaepPrivateDecryptingKey::new(private).expect("a key")), rsa)];
    for curve in [&ECDH_P256, &X25519] {
        let own = PrivateKey::generate(curve).expect("a key");
        let jwk = ephemeral(own.compute_public_key().expect("public").as_ref());
        all.push((Private::Curve(own), jwk));
    }
    all
}

fn unwrap(key: &Private, header: &Value, encrypted: &[u8], encryption: Encryption) -> Vec<u8> {
    let own = match key {
        Private::Rsa(key) => {
            let mut out = vec![0; key.min_output_size()];
            return key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut out, None).expect("key").to_vec();
        }
        Private::Curve(own) => own,
    };
    let epk = &header["epk"];
    let member = |name: &str| part(epk[name].as_str().expect("a member"));
    let (curve, point) = match epk["crv"].as_str() {
        Some("P-256") => (&ECDH_P256, [&[4], &*member("x"), &*member("y")].concat()),
        _ => (&X25519, member("x")),
    };
    let alg = header["alg"].as_str().expect("alg");
    let (id, length) = match alg {
        "ECDH-ES" => (encryption.name(), encryption.key_length()),
        "ECDH-ES+A128KW" => (alg, 16),
        _ => (alg, 32),
    };
    let peer = UnparsedPublicKey::new(curve, &point);
    let agreed =
        agreement::agree(own, peer, (), |secret| Ok(derive(secret, id, length, [&[], &[]]))).expect("agreed");
    if alg == "ECDH-ES" {
        assert!(encrypted.is_empty());
        return agreed;
    }
    let cipher = if length == 16 { &key_wrap::AES_128 } else { &key_wrap::AES_256 };
    let mut out = vec![0; encrypted.len()];
    AesKek::new(cipher, &agreed).expect("kek").unwrap(encrypted, &mut out).expect("unwrapped").to_vec()
}

fn decrypt(key: &Private, text: &str) -> (Value, Vec<u8>) {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, encrypted, iv, text, tag] = parts[..] else { panic!("five parts: {text}") };
    let json: Value = serde_json::from_slice(&part(header)).expect("a header");
    let encryption = Encryption::parse(json["enc"].as_str().expect("enc")).expect("known");
    let content_key = unwrap(key, &json, &part(encrypted), encryption);
    assert_eq!(content_key.len(), encryption.key_length());
    let (iv, mut text, tag) = (part(iv), part(text), part(tag));
    if encryption == Encryption::A128CbcHs256 {
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &content_key[..16]);
        let bits = u64::try_from(header.len() * 8).expect("short").to_be_bytes();
        let all = [header.as_bytes(), &iv, &text, &bits].concat();
        assert_eq!(hmac::sign(&mac_key, &all).as_ref()[..16], tag, "the tag");
        let key = UnboundCipherKey::new(&AES_128, &content_key[16..]).expect("a key");
        let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(key).expect("a cipher");
        let iv: [u8; 16] = iv.try_into().expect("16 bytes");
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        return (json, cipher.decrypt(&mut text, context).expect("decrypted").to_vec());
    }
    let cipher = if encryption == Encryption::A128Gcm { &AES_128_GCM } else { &AES_256_GCM };
    let key = LessSafeKey::new(UnboundKey::new(cipher, &content_key).expect("a key"));
    let nonce = Nonce::try_assume_unique_for_key(&iv).expect("12 bytes");
    text.extend_from_slice(&tag);
    let plain =
        key.open_in_place(nonce, Aad::from(header.as_bytes()), &mut text).expect("decrypted").to_vec();
    (json, plain)
}

#[test]
fn rfc7516_section_5_1_what_is_encrypted_for_a_key_its_holder_reads() {
    for (private, jwk) in keys() {
        let set = json!({"keys": [jwk.clone()]});
        for (name, algorithm) in Algorithm::ALL {
            let rsa = matches!(private, Private::Rsa(_));
            let recipient = Recipient::of_set(&set, algorithm);
            assert_eq!(recipient.is_some(), rsa == (algorithm == Algorithm::RsaOaep256), "{name} {jwk}");
            let Some(recipient) = recipient else { continue };
            for (enc, encryption) in Encryption::ALL {
                let text = recipient.encrypt(encryption, Some("JWT"), b"a.b.c", [7; 48]).expect("encrypted");
                let (header, plain) = decrypt(&private, &text);
                assert_eq!(plain, b"a.b.c", "{name} {enc}");
                assert_eq!((&header["alg"], &header["enc"]), (&json!(name), &json!(enc)));
                assert_eq!(
                    (&header["cty"], &header["kid"]),
                    (&json!("JWT"), jwk.get("kid").unwrap_or(&Value::Null))
                );
            }
        }
    }
}

/// RFC 7518 appendix C.
#[test]
fn rfc7518_appendix_c_the_derived_key_of_the_example_without_its_parties() {
    let secret = [
        158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218,
        128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
    ];
    // The same concatenation by hand.
    let mut by_hand = vec![0, 0, 0, 1];
    by_hand.extend_from_slice(&secret);
    by_hand.extend_from_slice(&[0, 0, 0, 7]);
    by_hand.extend_from_slice(b"A128GCM");
    by_hand.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128]);
    let want = digest::digest(&SHA256, &by_hand).as_ref()[..16].to_vec();
    assert_eq!(derive(&secret, "A128GCM", 16, [&[], &[]]), want);
    let named = derive(&secret, "A128GCM", 16, [b"Alice", b"Bob"]);
    assert_eq!(BASE64URL_NOPAD.encode(&named), "VqqN6vgjbSBcIijNcacQGg", "as printed");
}

#[test]
fn rfc7517_section_4_2_a_key_for_signatures_or_with_its_private_half_takes_nothing() {
    let (_, jwk) = keys().swap_remove(1);
    for (change, taken) in [
        (json!({}), true),
        (json!({"use": "enc", "alg": "ECDH-ES"}), true),
        (json!({"use": "sig"}), false),
        (json!({"alg": "ES256"}), false),
        (json!({"d": "AAAA"}), false),
        (json!({"x": "AAAA"}), false),
        (json!({"y": jwk["x"].clone()}), false),
        (json!({"crv": "P-384"}), false),
    ] {
        let mut own = jwk.clone();
        for (name, value) in change.as_object().expect("an object") {
            own[name] = value.clone();
        }
        let found = Recipient::of_set(&json!({"keys": [7, own]}), Algorithm::EcdhEs);
        assert_eq!(found.is_some(), taken, "{change}");
    }
}
