//! RFC 8414, OIDC Discovery — the metadata promises what works, all of it, and nothing else

use crate::support::{ISSUER, assert_refused, claims, text, with, world};
use serde_json::Value;
use std::collections::BTreeSet;
use valetkey_core::audit::Actor;
use valetkey_core::client::AuthMethod;
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, CLIENT_SECRET, TestApp, redemption};

const DOCUMENTS: [&str; 2] = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

async fn metadata(app: &TestApp) -> Value {
    app.get(DOCUMENTS[0]).await.json()
}

fn list(metadata: &Value, name: &str) -> Vec<String> {
    let values = metadata[name].as_array().unwrap_or_else(|| panic!("no {name}"));
    values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn rfc8414_section_3_both_documents_are_the_same_and_may_be_kept_for_a_while() {
    let app = world().await;
    let [one, two] = [app.get(DOCUMENTS[0]).await, app.get(DOCUMENTS[1]).await];
    for reply in [&one, &two] {
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
        assert_eq!(reply.header("cache-control"), "public, max-age=300");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
    }
    assert_eq!(one.body, two.body);
    for path in DOCUMENTS {
        assert_eq!(
            app.get(&format!("{path}/")).await.status,
            404,
            "an issuer without a path has one address"
        );
    }
}

#[tokio::test]
async fn every_endpoint_promised_answers_and_none_is_kept_secret() {
    let app = world().await;
    let metadata = metadata(&app).await;
    for (name, method, paths) in [
        ("authorization_endpoint", "GET", vec!["/oauth/authorize"]),
        ("token_endpoint", "POST", vec!["/oauth/token"]),
        ("jwks_uri", "GET", vec!["/oauth/jwks"]),
        ("userinfo_endpoint", "GET", vec!["/oauth/userinfo"]),
        ("revocation_endpoint", "POST", vec!["/oauth/revoke"]),
        ("introspection_endpoint", "POST", vec!["/oauth/introspect"]),
        // What other servers have and this one, so far, has not.
        ("registration_endpoint", "POST", vec!["/oauth/register"]),
        ("pushed_authorization_request_endpoint", "POST", vec!["/oauth/par"]),
        ("device_authorization_endpoint", "POST", vec!["/oauth/device_authorization"]),
        ("backchannel_authentication_endpoint", "POST", vec!["/oauth/bc-authorize"]),
        ("end_session_endpoint", "GET", vec!["/oauth/logout"]),
    ] {
        let promised = metadata.get(name).map(|url| url.as_str().unwrap().strip_prefix(ISSUER).unwrap());
        match promised {
            Some(path) => {
                assert!(paths.contains(&path), "{name}: {path}");
                let status = app.call(method, path).send().await.status;
                assert!(!matches!(status.as_u16(), 404 | 405 | 500..), "{name}: {status}");
            }
            None => {
                for path in paths {
                    assert_eq!(app.call(method, path).send().await.status, 404, "{name} is not promised");
                }
            }
        }
    }
    let known: BTreeSet<_> =
        metadata.as_object().unwrap().keys().filter(|name| name.ends_with("_endpoint")).collect();
    assert!(known.len() == 7, "an endpoint that this test does not know: {known:?}");
}

#[tokio::test]
async fn every_grant_promised_is_accepted_and_no_other() {
    let app = world().await;
    app.client(NewClient {
        id: Some("all".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        grant_types: GrantType::ALL.to_vec(),
        compat: Compat::ALL.map(|(_, compat, _)| compat).to_vec(),
        ..NewClient::default()
    })
    .await;
    let promised = list(&metadata(&app).await, "grant_types_supported");
    for grant in [
        "authorization_code",
        "client_credentials",
        "refresh_token",
        "password",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:openid:params:grant-type:ciba",
    ] {
        let fields = [("grant_type", grant), ("code", "x"), ("refresh_token", "x")];
        let reply = app.token("all", &fields).await;
        match grant {
            "client_credentials" => assert_eq!(reply.status, 200, "{}", reply.body),
            "authorization_code" | "refresh_token" => assert_refused(&reply, 400, "invalid_grant", grant),
            "password"
            | "urn:ietf:params:oauth:grant-type:device_code"
            | "urn:ietf:params:oauth:grant-type:jwt-bearer"
            | "urn:ietf:params:oauth:grant-type:token-exchange"
            | "urn:openid:params:grant-type:ciba" => assert_refused(&reply, 400, "invalid_request", grant),
            _ => assert_refused(&reply, 400, "unsupported_grant_type", grant),
        }
        let accepted = !matches!(reply.json()["error"].as_str(), Some("unsupported_grant_type"));
        assert_eq!(promised.iter().any(|own| own == grant), accepted, "{grant}");
    }
    // RFC 6749 §4.2: that one is had at the authorization endpoint.
    assert!(promised.iter().any(|own| own == "implicit"));
    assert_eq!(promised.len(), GrantType::ALL.len(), "{promised:?}");
}

/// What the application is told when a parameter has a value: nothing (a page, or a code), or an error.
async fn error_of(app: &TestApp, name: &str, value: &str) -> String {
    let mut browser = app.browser();
    browser.code("app", "openid read", "alice").await;
    let request = with(&Browser::request("app", "openid read"), name, Some(value));
    let reply = browser.authorize(&request).await;
    if reply.status == 303 {
        return reply.redirected().remove("error").unwrap_or_default();
    }
    reply.hidden("error").unwrap_or_default()
}

#[tokio::test]
async fn every_value_promised_for_a_request_is_accepted_and_no_other() {
    let app = world().await;
    let metadata = metadata(&app).await;
    for (list_name, parameter, others) in [
        ("response_types_supported", "response_type", vec!["token", "id_token", "code token", "none"]),
        ("response_modes_supported", "response_mode", vec!["web_message", "query.JWT"]),
        ("prompt_values_supported", "prompt", vec!["create", "all"]),
        ("code_challenge_methods_supported", "code_challenge_method", vec!["plain", "S512"]),
        ("scopes_supported", "scope", vec!["photos", "admin"]),
    ] {
        let promised = list(&metadata, list_name);
        assert!(!promised.is_empty(), "{list_name}");
        for value in &promised {
            assert_eq!(
                error_of(&app, parameter, value).await.replace("consent_required", ""),
                "",
                "{parameter}={value}"
            );
        }
        for value in others {
            assert!(!promised.iter().any(|own| own == value), "{value} is promised");
            assert_ne!(error_of(&app, parameter, value).await, "", "{parameter}={value}");
        }
    }
    assert_eq!(metadata["request_uri_parameter_supported"], false);
    assert_eq!(error_of(&app, "request_uri", "x").await, "request_uri_not_supported");
    // `request_object.rs` shows that signed ones are read.
    assert_eq!(metadata["request_parameter_supported"], true);
    assert_eq!(error_of(&app, "request", "x").await, "invalid_request_object");
    let algorithms = ["EdDSA", "ES256", "PS256", "RS256", "Ed25519"];
    assert_eq!(list(&metadata, "request_object_signing_alg_values_supported"), algorithms);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
}

#[tokio::test]
async fn the_scopes_promised_follow_what_is_registered() {
    let app = world().await;
    let scopes = || async { list(&metadata(&app).await, "scopes_supported") };
    assert_eq!(
        scopes().await,
        ["address", "email", "offline_access", "openid", "phone", "profile", "read", "write"]
    );
    app.scope("photos.share", "Share your photos").await;
    assert!(scopes().await.contains(&"photos.share".to_owned()));
    manage::scope::delete(&app.cx(), Actor::Operator, "photos.share").await.unwrap();
    assert!(!scopes().await.contains(&"photos.share".to_owned()));
    assert_eq!(error_of(&app, "scope", "photos.share").await, "invalid_scope");
}

#[tokio::test]
async fn every_authentication_method_promised_works_where_it_is_promised() {
    let app = world().await;
    let metadata = metadata(&app).await;
    for (method, own) in [
        ("client_secret_basic", AuthMethod::ClientSecretBasic),
        ("client_secret_post", AuthMethod::ClientSecretPost),
        ("none", AuthMethod::None),
    ] {
        app.client(NewClient {
            id: Some(method.to_owned()),
            auth_method: Some(own),
            redirect_uris: vec!["https://app.example/cb".to_owned()],
            ..NewClient::default()
        })
        .await;
    }
    for (prefix, path, fields) in [
        ("token", "/oauth/token", vec![("grant_type", "refresh_token"), ("refresh_token", "x")]),
        ("revocation", "/oauth/revoke", vec![("token", "x")]),
        ("introspection", "/oauth/introspect", vec![("token", "x")]),
    ] {
        let mut promised = list(&metadata, &format!("{prefix}_endpoint_auth_methods_supported"));
        // `client_assertion.rs` shows that it works; RFC 8414 §2 wants its algorithms beside it.
        let before = promised.len();
        promised.retain(|name| name != "private_key_jwt");
        assert_eq!(promised.len(), before - 1, "{prefix}");
        let algorithms = format!("{prefix}_endpoint_auth_signing_alg_values_supported");
        assert_eq!(list(&metadata, &algorithms), ["EdDSA", "ES256", "PS256", "RS256", "Ed25519"]);
        let mut working = Vec::new();
        for method in ["client_secret_basic", "client_secret_post", "none"] {
            let call = app.call("POST", path);
            let reply = match method {
                "client_secret_basic" => call.basic(method, CLIENT_SECRET).form(&fields),
                "client_secret_post" => call.form(
                    &[&fields[..], &[("client_id", method), ("client_secret", CLIENT_SECRET)]].concat(),
                ),
                _ => call.form(&[&fields[..], &[("client_id", method)]].concat()),
            };
            if reply.send().await.status != 401 {
                working.push(method);
            }
        }
        assert_eq!(promised, working, "{prefix}");
    }
}

#[tokio::test]
async fn oidc_discovery_section_3_the_claims_promised_are_those_that_come() {
    let app = world().await;
    let metadata = metadata(&app).await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    crate::support::describe(&app, "alice").await;
    let all = "openid profile email address phone";
    let request = with(&Browser::request("app", all), "nonce", Some("n"));
    let consent = browser.authorize(&request).await;
    let done =
        browser.decide(&consent, "allow", &["profile", "email", "address", "phone"]).await.redirected();
    let tokens = app.token("app", &redemption(&done["code"])).await.json();
    let id_token = claims(text(&tokens, "id_token"));
    let userinfo = app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await.json();
    let seen: BTreeSet<String> =
        [id_token, userinfo].iter().flat_map(|claims| claims.as_object().unwrap().keys().cloned()).collect();
    let mut promised: BTreeSet<String> = list(&metadata, "claims_supported").into_iter().collect();
    // `response_types.rs` shows them.
    assert!(promised.remove("c_hash") && promised.remove("s_hash"));
    // Of people of another directory than the usual one: `tenants.rs`.
    assert!(promised.remove("tenant"));
    assert_eq!(seen, promised);
}
