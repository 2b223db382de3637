//! RFC 8705 — certificates prove clients, and tokens are bound to them

use crate::support::{assert_refused, furnish, text};
use data_encoding::BASE64;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::json;
use valetkey_core::client::AuthMethod;
use valetkey_core::client::profile::{Binding, Profile};
use valetkey_core::grant::GrantType;
use valetkey_core::manage::client::NewClient;
use valetkey_core::proof::certificate::{fingerprint, to_text};
use valetkey_core::scope::Scope;
use valetkey_testkit::{CLIENT_SECRET, Reply, TestApp};

/// A certificate, as the proxy of the test says it: vouched for, or not.
pub(crate) fn certificate(name: &str) -> Vec<u8> {
    let mut params = CertificateParams::new(vec![format!("{name}.example")]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Acme, Inc.");
    params.distinguished_name.push(DnType::CommonName, name);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn by(id: &str, auth_method: AuthMethod, binding: Binding) -> NewClient {
    NewClient {
        id: Some(id.to_owned()),
        auth_method: Some(auth_method),
        grant_types: vec![GrantType::ClientCredentials],
        scope: Some(Scope::parse("read").unwrap()),
        profile: Profile { binding, ..Profile::default() },
        ..NewClient::default()
    }
}

async fn app() -> TestApp {
    furnish(TestApp::builder().seeing_certificates()).await
}

async fn token(app: &TestApp, client: &str, certificate: Option<(&[u8], bool)>) -> Reply {
    let fields = [("grant_type", "client_credentials"), ("scope", "read"), ("client_id", client)];
    let call = app.call("POST", "/oauth/token").form(&fields);
    let Some((der, vouched)) = certificate else { return call.send().await };
    let name = if vouched { "client-cert" } else { "client-cert-unvouched" };
    call.header(name, &BASE64.encode(der)).send().await
}

#[tokio::test]
async fn rfc8705_section_2_1_a_vouched_certificate_of_the_registered_name_proves_the_client_and_no_other() {
    let app = app().await;
    let dn = Some("CN=billing,O=Acme\\, Inc.".to_owned());
    app.client(by(
        "dn",
        AuthMethod::TlsClientAuth,
        Binding { tls_client_auth_subject_dn: dn, ..Binding::default() },
    ))
    .await;
    let dns = Some("billing.example".to_owned());
    app.client(by(
        "dns",
        AuthMethod::TlsClientAuth,
        Binding { tls_client_auth_san_dns: dns, ..Binding::default() },
    ))
    .await;
    let (own, other) = (certificate("billing"), certificate("mallory"));
    for client in ["dn", "dns"] {
        let reply = token(&app, client, Some((&own, true))).await;
        assert_eq!(reply.status, 200, "{client}: {}", reply.body);
        assert_eq!(reply.json()["token_type"], "Bearer");
        for shown in [None, Some((&*own, false)), Some((&*other, true))] {
            assert_refused(&token(&app, client, shown).await, 401, "invalid_client", client);
        }
    }
    let secret = [("grant_type", "client_credentials")];
    let reply = app.post("/oauth/token", Some(("dn", CLIENT_SECRET)), &secret).await;
    assert_eq!(reply.status, 401, "a secret is no certificate");
}

#[tokio::test]
async fn rfc8705_section_2_2_a_certificate_among_the_clients_keys_proves_it_whoever_signed_it() {
    let app = app().await;
    let (own, other) = (certificate("billing"), certificate("billing"));
    for (id, key) in [
        ("chain", json!({"kty": "EC", "x5c": [BASE64.encode(&own)]})),
        ("digest", json!({"kty": "EC", "x5t#S256": to_text(&fingerprint(&own))})),
    ] {
        let mut client = by(id, AuthMethod::SelfSignedTlsClientAuth, Binding::default());
        client.jwks = Some(json!({ "keys": [key] }));
        app.client(client).await;
        assert_eq!(token(&app, id, Some((&own, false))).await.status, 200, "{id}");
        for shown in [None, Some((&*other, true))] {
            assert_refused(&token(&app, id, shown).await, 401, "invalid_client", id);
        }
    }
}

#[tokio::test]
async fn rfc8705_section_3_a_bound_token_opens_nothing_in_another_connection() {
    let app = app().await;
    let binding = Binding { tls_client_certificate_bound_access_tokens: true, ..Binding::default() };
    app.client(NewClient {
        id: Some("spa2".to_owned()),
        auth_method: Some(AuthMethod::None),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        profile: Profile { binding, ..Profile::default() },
        ..NewClient::default()
    })
    .await;
    let (own, other) = (certificate("phone"), certificate("thief"));
    let mut browser = app.browser();
    let code = browser.code("spa2", "openid", "alice").await;
    let mut fields = valetkey_testkit::redemption(&code).to_vec();
    fields.push(("client_id", "spa2"));
    let redeem = |der: Option<&[u8]>| {
        let call = app.call("POST", "/oauth/token").form(&fields);
        let value = der.map(|der| BASE64.encode(der));
        async move {
            match value {
                Some(value) => call.header("client-cert", &value).send().await,
                None => call.send().await,
            }
        }
    };
    assert_refused(&redeem(None).await, 400, "invalid_request", "no certificate");
    let tokens = redeem(Some(&own)).await.json();
    let access = text(&tokens, "access_token");
    for (der, status) in [(Some(&own), 200), (Some(&other), 401), (None, 401)] {
        let call = app.call("GET", "/oauth/userinfo").bearer(access);
        let reply = match der {
            Some(der) => call.header("client-cert", &BASE64.encode(der)).send().await,
            None => call.send().await,
        };
        assert_eq!(reply.status, status, "{}", reply.body);
    }
    // §4: the refresh token of a public client is bound too.
    let refresh_token = text(&tokens, "refresh_token");
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", "spa2")];
    for (der, status) in [(&other, 400), (&own, 200)] {
        let call = app.call("POST", "/oauth/token").form(&again).header("client-cert", &BASE64.encode(der));
        let reply = call.send().await;
        assert_eq!(reply.status, status, "{}", reply.body);
    }
}

#[tokio::test]
async fn rfc8705_section_6_5_a_stranger_says_no_certificate() {
    let app = furnish(TestApp::builder()).await;
    let own = certificate("billing");
    let mut client = by("own", AuthMethod::SelfSignedTlsClientAuth, Binding::default());
    client.jwks = Some(json!({"keys": [{"kty": "EC", "x5c": [BASE64.encode(&own)]}]}));
    app.client(client).await;
    assert_eq!(token(&app, "own", Some((&own, true))).await.status, 401);
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], false);
    assert!(!metadata["token_endpoint_auth_methods_supported"].to_string().contains("tls_client_auth"));
}
