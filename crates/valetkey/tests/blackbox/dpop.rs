//! RFC 9449 — DPoP: tokens bound to a key, and proofs that it is held

use crate::support::{ISSUER, api, apply_settings, assert_refused, claims, text, with, world};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::manage::client::NewClient;
use valetkey_core::store::TokenFormat;
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, VERIFIER, redemption};

struct Holder {
    key: SigningKey,
}

impl Holder {
    fn new(algorithm: SigningAlgorithm) -> Self {
        let pkcs8 = generate(algorithm).unwrap();
        Self { key: SigningKey::parse("k".into(), algorithm, Timestamp(0), None, &pkcs8).unwrap() }
    }

    fn header(&self) -> Value {
        let mut jwk = self.key.public_jwk();
        for name in ["kid", "use", "alg"] {
            jwk.as_object_mut().unwrap().remove(name);
        }
        json!({"typ": "dpop+jwt", "alg": self.key.algorithm.name(), "jwk": jwk})
    }

    /// RFC 7638 §3: the members by name, without spaces, as `Value` writes them.
    fn thumbprint(&self) -> String {
        hash(&self.header()["jwk"].to_string())
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        let mut text = format!("{}.{}", part(header), part(claims));
        self.key.sign_onto(&mut text).unwrap();
        text
    }

    fn proof(&self, app: &TestApp, method: &str, path: &str, token: Option<&str>) -> String {
        let mut claims = claims_of(app, method, path);
        if let Some(token) = token {
            claims["ath"] = hash(token).into();
        }
        self.sign(&self.header(), &claims)
    }
}

fn hash(text: &str) -> String {
    BASE64URL_NOPAD.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

fn claims_of(app: &TestApp, method: &str, path: &str) -> Value {
    let cx = app.cx();
    let jti = cx.new_secret();
    json!({"jti": jti.expose(), "htm": method, "htu": format!("{ISSUER}{path}"), "iat": cx.now.0})
}

const CREDENTIALS: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "read")];

async fn token_with(app: &TestApp, client: &str, fields: &[(&str, &str)], proof: &str) -> Reply {
    app.call("POST", "/oauth/token")
        .basic(client, CLIENT_SECRET)
        .header("dpop", proof)
        .form(fields)
        .send()
        .await
}

async fn userinfo(app: &TestApp, scheme: &str, token: &str, proof: Option<&str>) -> Reply {
    let mut call = app.call("GET", "/oauth/userinfo").header("authorization", &format!("{scheme} {token}"));
    if let Some(proof) = proof {
        call = call.header("dpop", proof);
    }
    call.send().await
}

#[tokio::test]
async fn rfc9449_section_5_and_6_a_token_asked_for_with_a_proof_is_bound_to_its_key() {
    let app = world().await;
    for algorithm in SigningAlgorithm::KEYS {
        let holder = Holder::new(algorithm);
        let proof = holder.proof(&app, "POST", "/oauth/token", None);
        let reply = token_with(&app, "service", &CREDENTIALS, &proof).await;
        let json = reply.json();
        assert_eq!((reply.status.as_u16(), &json["token_type"]), (200, &json!("DPoP")), "{}", reply.body);
        assert!(reply.header("dpop-nonce").starts_with("vk_dn_"));
        let fields = [("token", text(&json, "access_token"))];
        let seen = app.post("/oauth/introspect", Some(("service", CLIENT_SECRET)), &fields).await.json();
        assert_eq!((&seen["token_type"], &seen["cnf"]["jkt"]), (&json!("DPoP"), &json!(holder.thumbprint())));
    }
    let plain = app.token("service", &CREDENTIALS).await;
    assert_eq!((plain.json()["token_type"].clone(), plain.header("dpop-nonce")), (json!("Bearer"), ""));
}

#[tokio::test]
async fn rfc9449_section_6_1_a_jwt_access_token_names_its_key() {
    let app = world().await;
    app.api(api("things", "read", TokenFormat::Jwt, SigningAlgorithm::EdDsa)).await;
    let holder = Holder::new(SigningAlgorithm::Es256);
    let proof = holder.proof(&app, "POST", "/oauth/token", None);
    let fields = [&CREDENTIALS[..], &[("resource", "https://things.example")]].concat();
    let reply = token_with(&app, "service", &fields, &proof).await;
    let json = reply.json();
    let token = text(&json, "access_token");
    assert_eq!(claims(token)["cnf"]["jkt"], holder.thumbprint());
    let seen =
        app.post("/oauth/introspect", Some(("service", CLIENT_SECRET)), &[("token", token)]).await.json();
    assert_eq!((&seen["active"], &seen["cnf"]["jkt"]), (&json!(true), &json!(holder.thumbprint())));
}

#[tokio::test]
async fn rfc9449_section_4_3_a_proof_that_does_not_hold_gives_nothing() {
    let app = world().await;
    let holder = Holder::new(SigningAlgorithm::Es256);
    let good = claims_of(&app, "POST", "/oauth/token");
    let now = app.cx().now.0;
    let bad = |name: &str, value: Value| {
        let mut claims = claims_of(&app, "POST", "/oauth/token");
        claims[name] = value;
        holder.sign(&holder.header(), &claims)
    };
    let headed = |name: &str, value: Value| {
        let mut header = holder.header();
        header[name] = value;
        holder.sign(&header, &claims_of(&app, "POST", "/oauth/token"))
    };
    let mut private = holder.header();
    private["jwk"]["d"] = "AAAA".into();
    for (case, proof) in [
        ("another method", bad("htm", json!("GET"))),
        ("the method in small letters", bad("htm", json!("post"))),
        ("another path", bad("htu", json!(format!("{ISSUER}/oauth/revoke")))),
        ("another host", bad("htu", json!("https://evil.example/oauth/token"))),
        ("old", bad("iat", json!(now - 61))),
        ("from the future", bad("iat", json!(now + 61))),
        ("no time", bad("iat", Value::Null)),
        ("ended, by its own word (RFC 7519 §4.1.4)", bad("exp", json!(now - 61))),
        ("not begun, by its own word", bad("nbf", json!(now + 61))),
        ("no id", bad("jti", json!(""))),
        ("a token's hash without a token", bad("ath", json!(hash("x")))),
        ("another type", headed("typ", json!("JWT"))),
        ("no algorithm", headed("alg", json!("none"))),
        ("another algorithm", headed("alg", json!("EdDSA"))),
        ("another's key", headed("jwk", Holder::new(SigningAlgorithm::Es256).header()["jwk"].clone())),
        ("no key", headed("jwk", Value::Null)),
        ("a private key", holder.sign(&private, &good)),
        ("no proof at all", "x".to_owned()),
        ("two in one", format!("{0}, {0}", holder.sign(&holder.header(), &good))),
    ] {
        assert_refused(
            &token_with(&app, "service", &CREDENTIALS, &proof).await,
            400,
            "invalid_dpop_proof",
            case,
        );
    }
    for (name, at) in [("exp", now + 300), ("nbf", now)] {
        let proof = bad(name, json!(at));
        assert_eq!(token_with(&app, "service", &CREDENTIALS, &proof).await.status, 200, "{name} holds");
    }
    let proof = holder.sign(&holder.header(), &good);
    assert_eq!(token_with(&app, "service", &CREDENTIALS, &proof).await.status, 200);
    assert_refused(
        &token_with(&app, "service", &CREDENTIALS, &proof).await,
        400,
        "invalid_dpop_proof",
        "again",
    );
}

#[tokio::test]
async fn rfc9449_section_8_a_nonce_of_ours_is_taken_while_it_is_fresh_and_any_other_is_answered_with_one() {
    let app = world().await;
    let holder = Holder::new(SigningAlgorithm::EdDsa);
    let with_nonce = |nonce: &str| {
        let mut claims = claims_of(&app, "POST", "/oauth/token");
        claims["nonce"] = nonce.into();
        holder.sign(&holder.header(), &claims)
    };
    let refused = token_with(&app, "service", &CREDENTIALS, &with_nonce("invented")).await;
    assert_refused(&refused, 400, "use_dpop_nonce", "invented");
    let nonce = refused.header("dpop-nonce").to_owned();
    assert_eq!(token_with(&app, "service", &CREDENTIALS, &with_nonce(&nonce)).await.status, 200);
    app.clock.advance(301);
    let late = token_with(&app, "service", &CREDENTIALS, &with_nonce(&nonce)).await;
    assert_refused(&late, 400, "use_dpop_nonce", "old");
}

async fn code_for(app: &TestApp, client: &str, more: (&str, Option<&str>)) -> Reply {
    let mut browser = app.browser();
    let mut fields = with(&Browser::request(client, "openid read"), more.0, more.1);
    if client == "spa" {
        fields = with(&fields, "redirect_uri", Some("https://spa.example/cb"));
    }
    let page = browser.authorize(&fields).await;
    if page.status != 200 {
        return page;
    }
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    browser.decide(&page, "allow", &["read"]).await
}

#[tokio::test]
async fn rfc9449_section_10_a_code_bound_to_a_key_is_redeemed_by_that_key_alone() {
    let app = world().await;
    let (holder, thief) = (Holder::new(SigningAlgorithm::Es256), Holder::new(SigningAlgorithm::Es256));
    let code =
        code_for(&app, "app", ("dpop_jkt", Some(&holder.thumbprint()))).await.redirected()["code"].clone();
    let plain = app.token("app", &redemption(&code)).await;
    assert_refused(&plain, 400, "invalid_grant", "without a proof");
    let proof = thief.proof(&app, "POST", "/oauth/token", None);
    assert_refused(
        &token_with(&app, "app", &redemption(&code), &proof).await,
        400,
        "invalid_grant",
        "another key",
    );
    let proof = holder.proof(&app, "POST", "/oauth/token", None);
    assert_eq!(token_with(&app, "app", &redemption(&code), &proof).await.status, 200);
    let reply = code_for(&app, "app", ("dpop_jkt", Some("short"))).await;
    assert_eq!(reply.redirected()["error"], "invalid_request");
}

#[tokio::test]
async fn rfc9449_section_10_1_a_request_pushed_with_a_proof_binds_its_code() {
    let app = world().await;
    let holder = Holder::new(SigningAlgorithm::Es256);
    let push = async |fields: &[(&str, &str)]| {
        let proof = holder.proof(&app, "POST", "/oauth/par", None);
        app.call("POST", "/oauth/par")
            .basic("app", CLIENT_SECRET)
            .header("dpop", &proof)
            .form(fields)
            .send()
            .await
    };
    let other = Holder::new(SigningAlgorithm::Es256).thumbprint();
    let request = Browser::request("app", "read");
    let refused = push(&with(&request, "dpop_jkt", Some(&other))).await;
    assert_refused(&refused, 400, "invalid_request", "the parameter names another key");
    let uri = push(&request).await.json()["request_uri"].as_str().unwrap().to_owned();
    let mut browser = app.browser();
    let page = browser.authorize(&[("client_id", "app"), ("request_uri", &uri)]).await;
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    let code = browser.decide(&page, "allow", &["read"]).await.redirected()["code"].clone();
    assert_refused(&app.token("app", &redemption(&code)).await, 400, "invalid_grant", "without a proof");
    let proof = holder.proof(&app, "POST", "/oauth/token", None);
    assert_eq!(token_with(&app, "app", &redemption(&code), &proof).await.status, 200);
}

#[tokio::test]
async fn rfc9449_section_7_userinfo_takes_a_bound_token_with_its_proof_and_not_as_a_bearer_token() {
    let app = world().await;
    let holder = Holder::new(SigningAlgorithm::Es256);
    let code = code_for(&app, "app", ("nonce", None)).await.redirected()["code"].clone();
    let proof = holder.proof(&app, "POST", "/oauth/token", None);
    let tokens = token_with(&app, "app", &redemption(&code), &proof).await.json();
    let token = text(&tokens, "access_token");
    let own = || holder.proof(&app, "GET", "/oauth/userinfo", Some(token));
    assert_eq!(userinfo(&app, "DPoP", token, Some(&own())).await.status, 200);
    let proof = own();
    assert_eq!(userinfo(&app, "dpop", token, Some(&proof)).await.status, 200);
    let plain = app.browser().tokens("other", "openid", "bob").await;
    let unbound = text(&plain, "access_token");
    for (case, reply) in [
        ("as a bearer token", userinfo(&app, "Bearer", token, None).await),
        ("as a bearer token with its proof", userinfo(&app, "Bearer", token, Some(&own())).await),
        ("without proof", userinfo(&app, "DPoP", token, None).await),
        ("the proof again", userinfo(&app, "DPoP", token, Some(&proof)).await),
        ("a proof for no token", {
            let proof = holder.proof(&app, "GET", "/oauth/userinfo", None);
            userinfo(&app, "DPoP", token, Some(&proof)).await
        }),
        ("another's proof", {
            let thief = Holder::new(SigningAlgorithm::Es256);
            let proof = thief.proof(&app, "GET", "/oauth/userinfo", Some(token));
            userinfo(&app, "DPoP", token, Some(&proof)).await
        }),
        ("a token that is not bound", {
            let proof = holder.proof(&app, "GET", "/oauth/userinfo", Some(unbound));
            userinfo(&app, "DPoP", unbound, Some(&proof)).await
        }),
    ] {
        assert_eq!(reply.status, 401, "{case}");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_"), "{case}: {challenge}");
    }
    let refused = userinfo(&app, "DPoP", token, Some(&proof)).await;
    let challenge = refused.header("www-authenticate");
    assert!(challenge.starts_with("DPoP ") && challenge.contains("algs=\""), "{challenge}");
}

#[tokio::test]
async fn rfc9449_section_5_a_public_clients_refresh_token_is_bound_and_a_confidential_ones_is_not() {
    let app = world().await;
    let (holder, thief) = (Holder::new(SigningAlgorithm::Es256), Holder::new(SigningAlgorithm::Es256));
    let proof = |holder: &Holder| holder.proof(&app, "POST", "/oauth/token", None);
    let code = code_for(&app, "spa", ("nonce", None)).await.redirected()["code"].clone();
    let send = async |fields: &[(&str, &str)], proof: Option<String>| {
        let mut call = app.call("POST", "/oauth/token").form(&[&[("client_id", "spa")], fields].concat());
        if let Some(proof) = &proof {
            call = call.header("dpop", proof);
        }
        call.send().await
    };
    let first = [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)];
    let tokens = send(&first, Some(proof(&holder))).await.json();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_refused(&send(&refresh, None).await, 400, "invalid_grant", "without a proof");
    assert_refused(&send(&refresh, Some(proof(&thief))).await, 400, "invalid_grant", "another key");
    let next = send(&refresh, Some(proof(&holder))).await;
    assert_eq!(next.json()["token_type"], "DPoP", "{}", next.body);
    // A retry gets the same successor, as without DPoP.
    let again = send(&refresh, Some(proof(&holder))).await;
    assert_eq!(again.json()["refresh_token"], next.json()["refresh_token"]);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&next.json(), "refresh_token"))]
        .map(|(name, value)| (name, value.to_owned()));
    let refresh: Vec<_> = refresh.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_refused(
        &send(&refresh, Some(proof(&thief))).await,
        400,
        "invalid_grant",
        "the successor, another key",
    );

    let code = code_for(&app, "app", ("nonce", None)).await.redirected()["code"].clone();
    let tokens = token_with(&app, "app", &redemption(&code), &proof(&holder)).await.json();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let next = token_with(&app, "app", &refresh, &proof(&thief)).await;
    assert_eq!((next.status.as_u16(), &next.json()["token_type"]), (200, &json!("DPoP")));
}

#[tokio::test]
async fn rfc9449_section_4_3_at_a_further_path_the_proof_is_for_the_path_that_the_caller_knows() {
    let app = world().await;
    apply_settings(&app, json!({ "aliases": { "token": ["/token"] } })).await;
    let holder = Holder::new(SigningAlgorithm::Es256);
    let send = async |proof: String| {
        let call = app.call("POST", "/token").basic("service", CLIENT_SECRET).header("dpop", &proof);
        call.form(&CREDENTIALS).send().await
    };
    assert_eq!(send(holder.proof(&app, "POST", "/token", None)).await.json()["token_type"], "DPoP");
    let other = send(holder.proof(&app, "POST", "/oauth/token", None)).await;
    assert_refused(&other, 400, "invalid_dpop_proof", "another path of the same endpoint");
}

#[tokio::test]
async fn rfc9449_section_8_a_page_of_another_origin_reads_the_nonce_that_it_is_asked_for() {
    let app = world().await;
    let holder = Holder::new(SigningAlgorithm::Es256);
    let mut claims = claims_of(&app, "POST", "/oauth/token");
    claims["nonce"] = "old".into();
    let proof = holder.sign(&holder.header(), &claims);
    let call =
        app.call("POST", "/oauth/token").header("origin", "https://spa.example").header("dpop", &proof);
    let reply = call.form(&[("client_id", "spa"), ("grant_type", "refresh_token")]).send().await;
    assert_refused(&reply, 400, "use_dpop_nonce", "an old nonce");
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert!(reply.header("access-control-expose-headers").contains("dpop-nonce"));
}

#[tokio::test]
async fn a_token_in_the_fragment_is_never_promised_to_a_key() {
    let app = world().await;
    let client = NewClient {
        id: Some("legacy".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        compat: vec![Compat::Implicit],
        grant_types: vec![GrantType::Implicit],
        ..NewClient::default()
    };
    app.client(client).await;
    let jkt = Holder::new(SigningAlgorithm::Es256).thumbprint();
    let fields = with(&Browser::request("legacy", "read"), "response_type", Some("token"));
    let fields: Vec<_> = fields.into_iter().filter(|(name, _)| !name.starts_with("code_")).collect();
    assert_eq!(app.browser().authorize(&fields).await.status, 200);
    let reply = app.browser().authorize(&with(&fields, "dpop_jkt", Some(&jkt))).await;
    assert!(reply.location().contains("error=invalid_request"), "{}", reply.location());
}
