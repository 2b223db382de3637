//! FAPI-CIBA §5.2, CIBA Core §7.1 — what FAPI-CIBA's conformance tests ask of clients with certificates and signed requests

use crate::ciba::{ENDPOINT, GRANT};
use crate::signer::{Signer, key, profile, set};
use crate::support::{ISSUER, assert_refused, furnish, text};
use data_encoding::BASE64;
use serde_json::{Value, json};
use valetkey_core::client::AuthMethod;
use valetkey_core::grant::GrantType;
use valetkey_core::jose::{SigningAlgorithm, SigningKey};
use valetkey_core::manage;
use valetkey_core::manage::approval::Yes;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Reply, TestApp};

const ALIAS: &str = "https://mtls.id.example";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn app() -> TestApp {
    furnish(TestApp::builder().seeing_certificates().aliased(ALIAS)).await
}

async fn bank(app: &TestApp, members: &Value, grants: &[GrantType]) -> Signer {
    bank_with(app, members, grants, key(SigningAlgorithm::Ps256)).await
}

async fn bank_with(app: &TestApp, members: &Value, grants: &[GrantType], key: SigningKey) -> Signer {
    let mut all = json!({"tls_client_certificate_bound_access_tokens": true,
        "backchannel_authentication_request_signing_alg": "PS256"});
    all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    app.client(NewClient {
        id: Some("bank".to_owned()),
        grant_types: grants.to_vec(),
        redirect_uris: vec![crate::signer::CALLBACK.to_owned()],
        auth_method: Some(AuthMethod::PrivateKeyJwt),
        jwks: Some(json!({"keys": [set(&key.public_jwk(), "alg", Value::Null)]})),
        profile: profile(&all),
        ..NewClient::default()
    })
    .await;
    Signer { id: "bank", key }
}

fn claims(app: &TestApp) -> Value {
    let (cx, jti) = (app.cx(), app.cx().new_secret());
    let now = cx.now.0;
    json!({"iss": "bank", "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 300, "jti": jti.expose(),
        "scope": "openid", "login_hint": "alice", "binding_message": "1234"})
}

async fn send(
    app: &TestApp,
    own: &Signer,
    path: &str,
    fields: &[(&str, &str)],
    (aud, shown): (&str, Option<&str>),
) -> Reply {
    let assertion = own.assertion_for(app, &aud.into());
    let proof = [("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())];
    let call = app.call("POST", path).form(&[fields, &proof].concat());
    match shown {
        Some(der) => call.header("client-cert", der).send().await,
        None => call.send().await,
    }
}

async fn ask(app: &TestApp, own: &Signer, claims: &Value, aud: &str) -> Reply {
    send(app, own, ENDPOINT, &[("request", &own.object(claims))], (aud, None)).await
}

async fn begun(app: &TestApp, own: &Signer) -> String {
    let reply = ask(app, own, &claims(app), ISSUER).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    text(&reply.json(), "auth_req_id").to_owned()
}

#[tokio::test]
async fn ciba_section_7_1_the_audience_may_be_an_endpoint_at_either_address_but_under_fapi2_with_codes() {
    let ciba = [GrantType::Ciba, GrantType::RefreshToken];
    let codes = [GrantType::Ciba, GrantType::AuthorizationCode];
    for (members, grants, endpoints) in [
        (json!({}), &ciba, 200),
        (json!({}), &codes, 200),
        (json!({"profile": "fapi2"}), &ciba, 200),
        (json!({"profile": "fapi2"}), &codes, 401),
    ] {
        let app = app().await;
        let own = bank(&app, &members, grants).await;
        assert_eq!(ask(&app, &own, &claims(&app), ISSUER).await.status, 200);
        for aud in [
            format!("{ISSUER}/oauth/token"),
            format!("{ISSUER}{ENDPOINT}"),
            format!("{ALIAS}/oauth/token"),
            format!("{ALIAS}{ENDPOINT}"),
        ] {
            let reply = ask(&app, &own, &claims(&app), &aud).await;
            assert_eq!(reply.status, endpoints, "{members} {grants:?} {aud}: {}", reply.body);
        }
        for aud in [ALIAS, "https://id.example/oauth/par", "https://evil.example/oauth/token"] {
            assert_refused(&ask(&app, &own, &claims(&app), aud).await, 401, "invalid_client", aud);
        }
    }
}

#[tokio::test]
async fn oidc_registration_section_2_an_assertion_is_signed_by_the_algorithm_that_was_registered() {
    for (named, good) in [("PS256", true), ("ES256", false), ("RS256", false)] {
        let app = app().await;
        let [pss, pkcs1] = crate::signer::pss_and_pkcs1();
        let members = json!({"token_endpoint_auth_signing_alg": named});
        let own = bank_with(&app, &members, &[GrantType::Ciba], pss).await;
        let reply = ask(&app, &own, &claims(&app), ISSUER).await;
        if good {
            assert_eq!(reply.status, 200, "{}", reply.body);
            let pkcs1 = Signer { id: "bank", key: pkcs1 };
            let object = own.object(&claims(&app));
            let weak = send(&app, &pkcs1, ENDPOINT, &[("request", &object)], (ISSUER, None)).await;
            assert_refused(&weak, 401, "invalid_client", "the same key by RS256");
        } else {
            assert_refused(&reply, 401, "invalid_client", named);
        }
    }
    let cx = app().await.cx();
    let unknown = manage::client::create(
        &cx,
        valetkey_core::audit::Actor::Operator,
        NewClient {
            name: "Bank".to_owned(),
            grant_types: vec![GrantType::ClientCredentials],
            profile: profile(&json!({"token_endpoint_auth_signing_alg": "HS256"})),
            ..NewClient::default()
        },
    );
    assert!(unknown.await.is_err(), "an algorithm that is none of ours");
}

#[tokio::test]
async fn ciba_section_7_1_two_hints_are_refused_as_such_whatever_else_is_missing() {
    let app = app().await;
    let own = bank(&app, &json!({"profile": "fapi2"}), &[GrantType::Ciba]).await;
    let twice = set(&set(&claims(&app), "id_token_hint", "x".into()), "binding_message", Value::Null);
    assert_refused(&ask(&app, &own, &twice, ISSUER).await, 400, "invalid_request", "two hints");
    let none = set(&claims(&app), "login_hint", Value::Null);
    assert_refused(&ask(&app, &own, &none, ISSUER).await, 400, "invalid_request", "none");
    let mute = set(&claims(&app), "binding_message", Value::Null);
    assert_refused(
        &ask(&app, &own, &mute, ISSUER).await,
        400,
        "invalid_binding_message",
        "one hint, no message",
    );
}

#[tokio::test]
async fn fapi_ciba_section_5_2_2_who_cannot_get_a_token_so_is_told_before_anybody_has_decided() {
    let app = app().await;
    let own = bank(&app, &json!({}), &[GrantType::Ciba, GrantType::RefreshToken]).await;
    let der = BASE64.encode(&crate::mutual_tls::certificate("bank"));
    let id = begun(&app, &own).await;
    let fields = [("grant_type", GRANT), ("auth_req_id", id.as_str())];
    let aud = format!("{ALIAS}/oauth/token");
    let poll = async |shown: Option<&str>| send(&app, &own, "/oauth/token", &fields, (&aud, shown)).await;
    assert_refused(&poll(None).await, 400, "invalid_request", "no certificate");
    assert_refused(&poll(Some(&der)).await, 400, "authorization_pending", "with one");
    let (cx, waiting) = (app.cx(), manage::approval::find(&app.cx(), &id).await.unwrap());
    let alice = cx.store.user(&crate::support::user_id(&app, "alice").await).await.unwrap().unwrap();
    let yes = Yes { scope: &waiting.pending.request.scope, acr: None };
    manage::approval::decide(&cx, &waiting, &alice, Some(yes)).await.unwrap();
    assert_refused(&poll(None).await, 400, "invalid_request", "no certificate, decided");
    let tokens = poll(Some(&der)).await;
    assert_eq!(
        (tokens.status.as_u16(), tokens.json()["token_type"].as_str()),
        (200, Some("Bearer")),
        "{}",
        tokens.body
    );
}
