//! RFC 8705 — over real TLS: our own listener proves clients by their certificates and binds their tokens to them

use crate::authority::{Authority, Identity, SERVER, get, post};
use crate::bound::{hash, proof_of};
use crate::support::World;
use crate::wire::Reply;
use data_encoding::BASE64;
use serde_json::{Value, json};
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::proof::certificate::{fingerprint, to_text};
use valetkey_core::time::Timestamp;

const PREFIX: &str = "VALETKEY__HTTP__CLIENT_CERTIFICATES__";

/// Clients that come with certificates, as every test of them has them.
pub(crate) fn furnish(world: &World, own: &Identity) {
    let create = |id: &str, method: &str, further: &[&str]| {
        let base =
            ["client", "create", "--id", id, "--name", id, "--auth-method", method, "--scope", "openid read"];
        let bound = ["--set", "tls_client_certificate_bound_access_tokens=true"];
        world.cli(&[&base[..], &bound, further].concat()).unwrap();
    };
    let service = ["--grant", "client_credentials"];
    create(
        "billing",
        "tls_client_auth",
        &[&service[..], &["--set", "tls_client_auth_subject_dn=CN=billing"]].concat(),
    );
    create("shop", "tls_client_auth", &[&service[..], &["--set", "tls_client_auth_san_dns=shop"]].concat());
    let keys = json!({"keys": [{"kty": "EC", "x5c": [BASE64.encode(&own.certificate)]}]});
    let file = world.data_dir().join("jwks.json");
    std::fs::write(&file, keys.to_string()).unwrap();
    create(
        "alone",
        "self_signed_tls_client_auth",
        &[&service[..], &["--jwks", file.to_str().unwrap()]].concat(),
    );
    let person =
        ["--grant", "ciba", "--grant", "refresh_token", "--set", "tls_client_auth_subject_dn=CN=bank"];
    create("bank", "tls_client_auth", &person);
    world.follow("furnished");
}

/// The form that asks for a token for the API.
pub(crate) fn asking(world: &World, client: &str) -> String {
    let resource = format!("{}/things", world.issuer).replace(':', "%3A").replace('/', "%2F");
    format!("grant_type=client_credentials&scope=read&resource={resource}&client_id={client}")
}

#[track_caller]
pub(crate) fn assert_refused(reply: &Reply, status: u16, error: &str, case: &str) {
    assert_eq!((reply.status, reply.json()["error"].as_str()), (status, Some(error)), "{case}: {reply:?}");
}

pub(crate) fn world(authority: &Authority) -> World {
    let files = ["server.pem", "server.key", "authority.pem"].map(|name| authority.text(name));
    let url = format!("https://{SERVER}");
    let names =
        ["LISTEN", "CERTIFICATE_FILE", "KEY_FILE", "CA_FILE", "URL"].map(|name| format!("{PREFIX}{name}"));
    let values = ["127.0.0.1:0", &files[0], &files[1], &files[2], &url];
    let environment: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
    World::start_with(&["GET /open/{*rest} read"], &environment, &[])
}

pub(crate) fn listener(world: &World) -> String {
    world.greeting["certificates"][0].as_str().unwrap_or_else(|| panic!("{}", world.greeting)).to_owned()
}

#[test]
fn rfc8705_section_2_a_certificate_in_the_handshake_proves_its_client_and_no_other() {
    let (authority, alone) = (Authority::new(), Identity::alone("alone"));
    let world = world(&authority);
    furnish(&world, &alone);
    let at = listener(&world);
    let (billing, shop) = (authority.vouches_for("billing"), authority.vouches_for("shop"));
    let impostor = Identity::alone("billing");
    let other = Authority::new().vouches_for("billing");
    let ask = |client: &str, shown: Option<&Identity>| {
        authority.send(&at, shown, &post("/oauth/token", "", &asking(&world, client)))
    };
    for (client, own) in [("billing", &billing), ("shop", &shop), ("alone", &alone)] {
        let reply = ask(client, Some(own));
        assert_eq!(
            (reply.status, reply.json()["token_type"].as_str()),
            (200, Some("Bearer")),
            "{client}: {reply:?}"
        );
    }
    for (client, shown, case) in [
        ("billing", None, "no certificate"),
        ("billing", Some(&shop), "another client's"),
        ("billing", Some(&impostor), "of that name, and nobody vouches for it"),
        ("billing", Some(&other), "of that name, and an unknown authority vouches for it"),
        ("shop", Some(&billing), "another name"),
        ("alone", Some(&billing), "vouched for, and none of its keys"),
        ("alone", None, "no certificate among the keys"),
    ] {
        assert_refused(&ask(client, shown), 401, "invalid_client", case);
    }
    // At the usual address nobody shows anything, and a header is the caller's own word.
    let header = format!("Client-Cert: :{}:\r\n", BASE64.encode(&billing.certificate));
    let plain = world.send(post("/oauth/token", &header, &asking(&world, "billing")).as_bytes());
    assert_refused(&plain, 401, "invalid_client", "a header");
}

#[test]
fn rfc8705_section_5_discovery_names_the_endpoints_of_the_listener_and_they_answer() {
    let authority = Authority::new();
    let world = world(&authority);
    furnish(&world, &Identity::alone("alone"));
    let metadata = world.get("/.well-known/openid-configuration", "").json();
    let aliases = metadata["mtls_endpoint_aliases"].as_object().unwrap();
    for name in [
        "token",
        "revocation",
        "introspection",
        "userinfo",
        "pushed_authorization_request",
        "backchannel_authentication",
    ] {
        let (own, alias) = (&metadata[format!("{name}_endpoint")], &aliases[&format!("{name}_endpoint")]);
        let path = own.as_str().unwrap().strip_prefix(&world.issuer).unwrap();
        assert_eq!(alias, &Value::from(format!("https://{SERVER}{path}")), "{name}");
        let reply = authority.send(&listener(&world), None, &post(path, "", "x=1"));
        assert!((400..=401).contains(&reply.status), "{name}: {reply:?}");
    }
    assert!(
        !aliases.contains_key("authorization_endpoint")
            && metadata["tls_client_certificate_bound_access_tokens"] == true
    );
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
        assert!(methods.iter().any(|own| own == method), "{method}");
    }
}

#[test]
fn rfc8705_section_3_a_token_of_the_listener_opens_nothing_in_another_connection() {
    let authority = Authority::new();
    let world = world(&authority);
    furnish(&world, &Identity::alone("alone"));
    let at = listener(&world);
    let (own, thief) = (authority.vouches_for("billing"), authority.vouches_for("shop"));
    let token = authority.send(&at, Some(&own), &post("/oauth/token", "", &asking(&world, "billing"))).json();
    let token = token["access_token"].as_str().unwrap();
    let told = authority.send(
        &at,
        Some(&own),
        &post("/oauth/introspect", "", &format!("client_id=billing&token={token}")),
    );
    assert_eq!(told.json()["cnf"]["x5t#S256"], to_text(&fingerprint(&own.certificate)), "{told:?}");
    let call = get("/things/open/x", &format!("Authorization: Bearer {token}\r\n"));
    let before = world.upstream.received();
    for (shown, case) in [(Some(&thief), "another certificate"), (None, "none")] {
        let reply = authority.send(&at, shown, &call);
        let challenge = reply.header("www-authenticate").unwrap_or_default();
        assert!(reply.status == 401 && challenge.contains("invalid_token"), "{case}: {reply:?}");
    }
    assert_eq!(world.get_with("/things/open/x", token).status, 401, "without TLS");
    assert_eq!(world.upstream.received(), before);
    assert_eq!(authority.send(&at, Some(&own), &call).status, 200);
    assert_eq!(world.upstream.received(), before + 1);
}

#[test]
fn fapi_ciba_section_5_2_2_a_bank_asks_by_certificate_and_its_token_is_bound_to_it() {
    let authority = Authority::new();
    let world = world(&authority);
    furnish(&world, &Identity::alone("alone"));
    let at = listener(&world);
    let (own, thief) = (authority.vouches_for("bank"), authority.vouches_for("billing"));
    let ask = "scope=openid&login_hint=alice&binding_message=W4SCT&client_id=bank";
    assert_refused(
        &authority.send(&at, Some(&thief), &post("/oauth/bc-authorize", "", ask)),
        401,
        "invalid_client",
        "who asks",
    );
    let asked = authority.send(&at, Some(&own), &post("/oauth/bc-authorize", "", ask)).json();
    let id = asked["auth_req_id"].as_str().unwrap_or_else(|| panic!("{asked}"));
    world.cli(&["approval", "approve", id]).unwrap();
    let form =
        format!("grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&client_id=bank&auth_req_id={id}");
    let tokens = authority.send(&at, Some(&own), &post("/oauth/token", "", &form)).json();
    let token = tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    let call = get("/oauth/userinfo", &format!("Authorization: Bearer {token}\r\n"));
    let said = authority.send(&at, Some(&own), &call);
    assert_eq!(said.status, 200, "{said:?}");
    for shown in [Some(&thief), None] {
        let reply = authority.send(&at, shown, &call);
        assert_refused(&reply, 401, "invalid_token", "another connection");
        assert!(reply.body.contains("bound to a certificate"), "{reply:?}");
    }
}

#[test]
fn fapi2_section_5_4_1_at_the_gateway_a_key_is_shown_by_ps256_at_either_address_and_never_by_rs256() {
    let authority = Authority::new();
    let world = world(&authority);
    furnish(&world, &Identity::alone("alone"));
    let at = listener(&world);
    let own = authority.vouches_for("billing");
    world.cli(&["client", "update", "billing", "--set", "profile=fapi2"]).unwrap();
    world.follow("fapi2");
    let free = world.cli(&["token", "inspect", &world.token("read")]).unwrap();
    let now = ["iat", "issued_at"].into_iter().find_map(|name| free.get(name)).unwrap();
    let pkcs8 = generate(SigningAlgorithm::Ps256).unwrap();
    let [pss, pkcs1] = [SigningAlgorithm::Ps256, SigningAlgorithm::Rs256]
        .map(|by| SigningKey::parse("k".into(), by, Timestamp(0), None, &pkcs8).unwrap());
    let proof = proof_of(
        &pss,
        &json!({"jti": "1", "htm": "POST", "htu": format!("https://{SERVER}/oauth/token"), "iat": now}),
    );
    let asked = post("/oauth/token", &format!("DPoP: {proof}\r\n"), &asking(&world, "billing"));
    let tokens = authority.send(&at, Some(&own), &asked).json();
    assert_eq!(tokens["token_type"], "DPoP", "{tokens}");
    let token = tokens["access_token"].as_str().unwrap();
    for (nth, (key, base, want)) in [
        (&pss, world.issuer.clone(), 200),
        (&pss, format!("https://{SERVER}"), 200),
        (&pkcs1, world.issuer.clone(), 401),
        (&pss, "https://elsewhere.example".to_owned(), 401),
    ]
    .into_iter()
    .enumerate()
    {
        let claims = json!({"jti": format!("at the gateway {nth}"), "htm": "GET", "htu": format!("{base}/things/open/x"),
            "iat": now, "ath": hash(token.as_bytes())});
        let proof = proof_of(key, &claims);
        let reply = world.get("/things/open/x", &format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n"));
        assert_eq!(reply.status, want, "{base} {}: {reply:?}", key.algorithm.name());
    }
}
