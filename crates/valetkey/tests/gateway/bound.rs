//! RFC 7800 §3.1 — a token that is bound to a key is no bearer token, sealed or a JWT.

use crate::support::World;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::time::Timestamp;

/// RFC 9449 §4.2: a proof for the token endpoint.
fn proof(world: &World, now: &Value) -> String {
    let pkcs8 = generate(SigningAlgorithm::Es256).unwrap();
    let key = SigningKey::parse("k".into(), SigningAlgorithm::Es256, Timestamp(0), None, &pkcs8).unwrap();
    let id = hash(&pkcs8);
    let htu = format!("{}/oauth/token", world.issuer);
    proof_of(&key, &json!({"jti": id, "htm": "POST", "htu": htu, "iat": now}))
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(digest(&SHA256, bytes).as_ref())
}

/// A proof of this key that says this.
pub(crate) fn proof_of(key: &SigningKey, claims: &Value) -> String {
    let mut jwk = key.public_jwk();
    for name in ["kid", "use", "alg"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    let header = json!({"typ": "dpop+jwt", "alg": key.algorithm.name(), "jwk": jwk});
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let mut text = format!("{}.{}", part(&header), part(claims));
    key.sign_onto(&mut text).unwrap();
    text
}

#[test]
fn rfc7800_section_3_1_a_bound_token_is_refused_without_its_proof() {
    for format in ["sealed", "jwt"] {
        let world = World::start_with(&["GET /open/{*rest} read"], &[], &["--token-format", format]);
        let free = world.token("read");
        assert_eq!(world.get_with("/things/open/x", &free).status, 200, "{format}");
        let resource = format!("{}/things", world.issuer).replace(':', "%3A").replace('/', "%2F");
        let form = format!("grant_type=client_credentials&scope=read&resource={resource}");
        let inspected = world.cli(&["token", "inspect", &free]).unwrap();
        let now = ["iat", "issued_at"].into_iter().find_map(|name| inspected.get(name)).unwrap();
        let raw = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \
             ZGVtby1zZXJ2aWNlOmRlbW8tc2VydmljZS1zZWNyZXQtZm9yLWRldmVsb3BtZW50LW9ubHk=\r\nDPoP: {}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            proof(&world, now),
            form.len()
        );
        let reply = world.send(raw.as_bytes()).json();
        assert_eq!(reply["token_type"], "DPoP", "{format}: {reply}");
        let bound = reply["access_token"].as_str().unwrap();
        let before = world.upstream.received();
        let refused = world.get_with("/things/open/x", bound);
        assert_eq!(refused.status, 401, "{format}: {refused:?}");
        assert!(
            refused
                .header("www-authenticate")
                .is_some_and(|said| said.starts_with("DPoP ") && said.contains("invalid_token")),
            "RFC 9449 §7.1: {refused:?}"
        );
        assert_eq!(world.upstream.received(), before, "{format}");
    }
}
