//! OIDC Core §3.1.3.7, RFC 9700 §4.4, RFC 9207 — providers that lie, and browsers that are not the one

use crate::support::user_id;
use crate::upstream::{press, provider};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, PASSWORD, Reply, Site, TestApp};

/// A provider whose every word is ours.
struct Liar {
    site: Site,
    key: SigningKey,
}

fn key(algorithm: SigningAlgorithm) -> SigningKey {
    SigningKey::parse("k".into(), algorithm, Timestamp(0), None, &generate(algorithm).unwrap()).unwrap()
}

fn signed(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let mut text = format!("{}.{}", part(header), part(claims));
    key.sign_onto(&mut text).unwrap();
    text
}

impl Liar {
    async fn new() -> Self {
        let (site, key) = (Site::start().await, key(SigningAlgorithm::Es256));
        site.serve(
            "/.well-known/openid-configuration",
            &json!({
                "issuer": site.origin,
                "authorization_endpoint": site.url("/authorize"),
                "token_endpoint": site.url("/token"),
                "jwks_uri": site.url("/jwks"),
                "authorization_response_iss_parameter_supported": true,
            }),
        );
        site.serve("/jwks", &json!({"keys": [key.public_jwk()]}));
        Self { site, key }
    }

    fn claims(&self, app: &TestApp, asked: &BTreeMap<String, String>) -> Value {
        let now = app.cx().now.0;
        json!({
            "iss": self.site.origin, "sub": "octo-1", "aud": "us", "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "preferred_username": "octo", "email": "octo@example.org",
        })
    }

    fn tells(&self, id_token: &str) {
        self.site
            .serve("/token", &json!({"access_token": "at", "token_type": "Bearer", "id_token": id_token}));
    }

    fn tells_claims(&self, claims: &Value) {
        self.tells(&signed(&json!({"alg": "ES256", "kid": "k"}), claims, &self.key));
    }

    fn answer(&self, state: &str) -> String {
        let iss: String = form_urlencoded(&self.site.origin);
        format!("/login/upstream/liar/callback?code=c&state={state}&iss={iss}")
    }
}

fn form_urlencoded(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}

async fn world() -> (TestApp, Liar) {
    let app = TestApp::builder().calling_loopback().start().await;
    app.scope("read", "See your things").await;
    app.web_client("app").await;
    app.user("alice").await;
    let liar = Liar::new().await;
    provider(&app, "liar", &liar.site.origin).await;
    (app, liar)
}

/// The way there: what was asked.
async fn leave(browser: &mut Browser<'_>) -> BTreeMap<String, String> {
    let login = browser.get("/login").await;
    press(browser, &login, "liar").await.redirected()
}

fn is_in(reply: &Reply) -> bool {
    reply.status == 303
        && reply.cookies().iter().any(|(name, value)| name.ends_with("vk_session") && !value.is_empty())
}

#[tokio::test]
async fn a_true_answer_signs_in() {
    let (app, liar) = world().await;
    let mut browser = app.browser();
    let asked = leave(&mut browser).await;
    liar.tells_claims(&liar.claims(&app, &asked));
    let reply = browser.get(&liar.answer(&asked["state"])).await;
    assert!(is_in(&reply), "{} {}", reply.status, reply.words());
    let post = liar.site.asked().into_iter().find(|own| own.line == "POST /token").unwrap();
    assert!(post.authorization.starts_with("Basic ") && post.body.contains("code_verifier="), "{post:?}");
    assert!(
        reply.cookies().iter().any(|(name, value)| name.contains("vk_up_") && value.is_empty()),
        "used up"
    );
}

#[tokio::test]
async fn oidc_core_3_1_3_7_an_id_token_that_does_not_hold_signs_nobody_in() {
    let (app, liar) = world().await;
    let now = app.cx().now.0;
    let before = app.rows().await;
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("iss", json!(format!("{}/", liar.site.origin))),
        ("aud", json!("other")),
        ("aud", json!(["other"])),
        ("aud", json!(["us", "other"])),
        ("aud", json!([])),
        ("azp", json!("other")),
        ("nonce", json!("other")),
        ("nonce", Value::Null),
        ("exp", json!(now - 61)),
        ("exp", Value::Null),
        ("iat", json!(now + 120)),
        ("nbf", json!(now + 120)),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("sub", json!("x".repeat(256))),
        ("sub", json!(7)),
    ] {
        let mut browser = app.browser();
        let asked = leave(&mut browser).await;
        let mut claims = liar.claims(&app, &asked);
        claims[name] = value.clone();
        liar.tells_claims(&claims);
        let reply = browser.get(&liar.answer(&asked["state"])).await;
        assert_eq!(reply.status, 502, "{name} {value}: {}", reply.words());
        assert!(reply.words().contains("could not make sure"), "{name} {value}: {}", reply.words());
    }
    let after = app.rows().await;
    assert_eq!((before["users"], before["sessions"]), (after["users"], after["sessions"]));
}

#[tokio::test]
async fn rfc8725_section_3_1_a_token_of_another_key_or_none_signs_nobody_in() {
    let (app, liar) = world().await;
    let other = key(SigningAlgorithm::Es256);
    let rsa = key(SigningAlgorithm::Rs256);
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    for case in
        ["other key", "none", "HS256 with the public key", "alg of another kind", "no token", "garbage"]
    {
        let mut browser = app.browser();
        let asked = leave(&mut browser).await;
        let claims = liar.claims(&app, &asked);
        match case {
            "other key" => liar.tells(&signed(&json!({"alg": "ES256", "kid": "k"}), &claims, &other)),
            "none" => liar.tells(&format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims))),
            "HS256 with the public key" => {
                liar.tells(&signed(&json!({"alg": "HS256", "kid": "k"}), &claims, &liar.key));
            }
            "alg of another kind" => liar.tells(&signed(&json!({"alg": "RS256", "kid": "k"}), &claims, &rsa)),
            "no token" => liar.site.serve("/token", &json!({"access_token": "at"})),
            _ => liar.site.answer("/token", 200, &[("content-type", "application/json")], "<html>"),
        }
        let reply = browser.get(&liar.answer(&asked["state"])).await;
        assert_eq!(reply.status, 502, "{case}: {}", reply.words());
    }
    assert_eq!(app.rows().await["users"], 1);
}

#[tokio::test]
async fn a_provider_changes_its_keys_and_is_believed_by_the_new_ones() {
    let (app, mut liar) = world().await;
    for _ in 0..2 {
        let mut browser = app.browser();
        let asked = leave(&mut browser).await;
        liar.tells_claims(&liar.claims(&app, &asked));
        assert!(is_in(&browser.get(&liar.answer(&asked["state"])).await));
        liar.key = key(SigningAlgorithm::EdDsa);
        liar.site.serve("/jwks", &json!({"keys": [liar.key.public_jwk()]}));
        app.clock.advance(11);
        let mut browser = app.browser();
        let asked = leave(&mut browser).await;
        liar.tells(&signed(&json!({"alg": "EdDSA", "kid": "k"}), &liar.claims(&app, &asked), &liar.key));
        assert!(is_in(&browser.get(&liar.answer(&asked["state"])).await));
        liar.key = key(SigningAlgorithm::Es256);
        liar.site.serve("/jwks", &json!({"keys": [liar.key.public_jwk()]}));
        app.clock.advance(11);
    }
}

#[tokio::test]
async fn rfc9700_section_4_7_a_state_is_good_once_in_its_own_browser_for_its_own_provider() {
    let (app, liar) = world().await;
    provider(&app, "second", &liar.site.origin).await;
    let (mut own, mut other) = (app.browser(), app.browser());
    let asked = leave(&mut own).await;
    liar.tells_claims(&liar.claims(&app, &asked));
    let answer = liar.answer(&asked["state"]);
    let stale = |reply: &Reply, case: &str| {
        assert_eq!(reply.status, 400, "{case}: {}", reply.words());
        assert!(reply.words().contains("This sign-in cannot go on"), "{case}: {}", reply.words());
    };
    stale(&other.get(&answer).await, "another browser");
    // Another browser that got hold of the cookie of the try, but is not the one that began it.
    leave(&mut other).await;
    let try_cookie = own.cookies.iter().find(|(name, _)| name.contains("vk_up_")).unwrap();
    other.cookies.insert(try_cookie.0.clone(), try_cookie.1.clone());
    stale(&other.get(&answer).await, "a stolen cookie");
    for bent in ["", "&state=x", "&state=", "&code=c&code=d"] {
        let reply = own.get(&format!("/login/upstream/liar/callback?code=c{bent}")).await;
        stale(&reply, bent);
    }
    let mixed = own.get(&answer.replace("/liar/", "/second/")).await;
    assert_eq!(mixed.status, 502, "an answer at another provider's door: {}", mixed.words());

    let asked = leave(&mut own).await;
    liar.tells_claims(&liar.claims(&app, &asked));
    let kept = own.cookies.clone();
    let answer = liar.answer(&asked["state"]);
    assert!(is_in(&own.get(&answer).await));
    own.cookies = kept;
    stale(&own.get(&answer).await, "replayed, with the old cookies");

    let asked = leave(&mut own).await;
    liar.tells_claims(&liar.claims(&app, &asked));
    app.clock.advance(900);
    stale(&own.get(&liar.answer(&asked["state"])).await, "too late");
}

#[tokio::test]
async fn rfc9207_section_2_4_an_answer_of_another_issuer_is_not_looked_at() {
    let (app, liar) = world().await;
    for iss in [None, Some("https://other.example"), Some("")] {
        let mut browser = app.browser();
        let asked = leave(&mut browser).await;
        liar.tells_claims(&liar.claims(&app, &asked));
        let before = liar.site.count("/token");
        let iss = iss.map(|iss| format!("&iss={}", form_urlencoded(iss))).unwrap_or_default();
        let state = &asked["state"];
        let reply = browser.get(&format!("/login/upstream/liar/callback?code=c&state={state}{iss}")).await;
        assert_eq!(reply.status, 502, "{iss}: {}", reply.words());
        assert_eq!(liar.site.count("/token"), before, "the code goes nowhere");
    }
}

#[tokio::test]
async fn what_the_provider_says_instead_of_yes_leads_to_a_calm_page() {
    let (app, liar) = world().await;
    let iss = form_urlencoded(&liar.site.origin);
    for (answer, token, status, words) in [
        ("error=access_denied", None, 400, "You were not signed in"),
        ("error=login_required", None, 400, "You were not signed in"),
        ("error=server_error", None, 503, "does not answer right now"),
        ("error=temporarily_unavailable", None, 503, "does not answer right now"),
        ("x=y", None, 502, "could not make sure"),
        ("code=c", Some((400, "{\"error\":\"invalid_grant\"}")), 502, "could not make sure"),
        ("code=c", Some((500, "")), 503, "does not answer right now"),
        ("code=c", Some((302, "")), 503, "does not answer right now"),
    ] {
        let mut browser = app.browser();
        let asked = leave(&mut browser).await;
        if let Some((status, body)) = token {
            liar.site.answer("/token", status, &[("content-type", "application/json")], body);
        }
        let state = &asked["state"];
        let reply =
            browser.get(&format!("/login/upstream/liar/callback?{answer}&state={state}&iss={iss}")).await;
        assert_eq!(reply.status, status, "{answer} {token:?}: {}", reply.words());
        assert!(reply.words().contains(words), "{answer} {token:?}: {}", reply.words());
        assert!(reply.body.replace("&#x2f;", "/").contains("href=\"/login\""), "a way back");
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_are_not_believed() {
    let (app, liar) = world().await;
    let site = Site::start().await;
    site.serve(
        "/.well-known/openid-configuration",
        &json!({
            "issuer": liar.site.origin, "authorization_endpoint": site.url("/a"),
            "token_endpoint": site.url("/t"), "jwks_uri": site.url("/j"),
        }),
    );
    provider(&app, "mix", &site.origin).await;
    let mut browser = app.browser();
    let login = browser.get("/login").await;
    assert_eq!(press(&mut browser, &login, "mix").await.status, 502);
}

#[tokio::test]
async fn asvs_6_8_1_an_account_with_the_same_address_is_never_linked_by_it() {
    let (app, liar) = world().await;
    let alice = user_id(&app, "alice").await;
    for (verified, status) in [(true, 403), (false, 303)] {
        let mut browser = app.browser();
        let asked = leave(&mut browser).await;
        let mut claims = liar.claims(&app, &asked);
        claims["email"] = "Alice@example.org".into();
        claims["email_verified"] = verified.into();
        claims["preferred_username"] = "alice".into();
        liar.tells_claims(&claims);
        let reply = browser.get(&liar.answer(&asked["state"])).await;
        assert_eq!(reply.status, status, "{verified}: {}", reply.words());
        if verified {
            assert!(reply.words().contains("Nothing was linked"), "{}", reply.words());
        }
        assert!(app.server.store.linked_identities(&alice).await.unwrap().is_empty());
    }
    // Unproven, the address proves nothing to anybody: a new account under another name, without it.
    let new = user_id(&app, "alice-2").await;
    let new = app.server.store.user(&new).await.unwrap().unwrap();
    assert_eq!((new.email, new.email_verified), (None, false));
    assert_ne!(new.id, alice);
    let signed_in = app.browser().sign_in("alice").await;
    assert!(signed_in.words().contains("Your account"));
}

#[tokio::test]
async fn an_account_that_is_switched_off_stays_out_and_a_person_unknown_gets_none_where_none_is_given() {
    let (app, liar) = world().await;
    let come = async || {
        let mut browser = app.browser();
        let asked = leave(&mut browser).await;
        liar.tells_claims(&liar.claims(&app, &asked));
        browser.get(&liar.answer(&asked["state"])).await
    };
    let edit = |own: &mut valetkey_core::upstream::Upstream| own.sign_up = false;
    let operator = valetkey_core::audit::Actor::Operator;
    valetkey_core::manage::upstream::update(&app.cx(), &operator, "liar", None, edit).await.unwrap();
    let reply = come().await;
    assert_eq!(reply.status, 403);
    assert!(reply.words().contains("There is no account for you here yet"), "{}", reply.words());
    let edit = |own: &mut valetkey_core::upstream::Upstream| own.sign_up = true;
    valetkey_core::manage::upstream::update(&app.cx(), &operator, "liar", None, edit).await.unwrap();
    assert!(is_in(&come().await));
    let octo = user_id(&app, "octo").await;
    valetkey_core::manage::user::disable(&app.cx(), &operator, &octo).await.unwrap();
    let reply = come().await;
    assert_eq!(reply.status, 403);
    assert!(reply.words().contains("You cannot sign in with this account"), "{}", reply.words());
    // And no password opens it: it has none.
    let mut browser = app.browser();
    let login = browser.get("/login").await;
    assert_eq!(browser.log_in(&login, "octo", PASSWORD).await.status, 401);
}
