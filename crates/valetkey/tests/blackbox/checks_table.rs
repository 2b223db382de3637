//! The table of checks on authorization requests, walked cell by cell: each row refuses in its columns and in no other

use crate::signer::{CALLBACK, profile};
use crate::support::{with, world};
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeSet;
use valetkey_core::authorize::{Addressee, Entry, judge, table};
use valetkey_core::client::AuthMethod;
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::manage::client::NewClient;
use valetkey_core::params::Params;
use valetkey_testkit::{Browser, TestApp};

/// A request that one row alone has something against: the client that asks, what is changed of the usual request, and the
/// error. The row's name stands first.
type Case = (&'static str, &'static str, &'static [(&'static str, Option<&'static str>)], &'static str);

const CASES: [Case; 22] = [
    ("response_mode", "far", &[("response_mode", Some("web_message"))], "invalid_request"),
    ("repeats", "far", &[("twice", None)], "invalid_request"),
    ("request objects", "far", &[("request", Some("x"))], "request_not_supported"),
    ("pushed", "pushing", &[], "invalid_request"),
    ("signed", "signing", &[], "invalid_request"),
    ("fapi2", "bank", &[("redirect_uri", None)], "invalid_request"),
    ("response_type", "far", &[("response_type", Some("token"))], "unsupported_response_type"),
    ("client may", "machine", &[], "unauthorized_client"),
    ("client may ask", "app", &[], "unauthorized_client"),
    ("tenant", "far", &[("tenant_id", Some("nowhere"))], "invalid_request"),
    ("carried values", "far", &[("state", Some("long"))], "invalid_request"),
    ("pkce", "far", &[("code_challenge", None)], "invalid_request"),
    ("dpop", "far", &[("dpop_jkt", Some("x"))], "invalid_request"),
    ("scope", "far", &[("scope", Some("nothing"))], "invalid_scope"),
    ("resource", "far", &[("resource", Some("https://nowhere.example"))], "invalid_target"),
    ("details", "far", &[("authorization_details", Some("[]"))], "invalid_authorization_details"),
    ("prompt", "far", &[("prompt", Some("none login"))], "invalid_request"),
    ("max_age", "far", &[("max_age", Some("-1"))], "invalid_request"),
    ("acr_values", "far", &[("acr_values", Some("long"))], "invalid_request"),
    ("claims", "far", &[("claims", Some("[]"))], "invalid_request"),
    ("id_token_hint", "far", &[("id_token_hint", Some("x"))], "invalid_request"),
    ("id token", "front", &[("response_type", Some("id_token"))], "invalid_request"),
];

async fn furnished() -> TestApp {
    let app = world().await;
    let jwks =
        json!({"keys": [crate::signer::key(valetkey_core::jose::SigningAlgorithm::Es256).public_jwk()]});
    // What decides on another device needs a grant of its own.
    let from_afar = ["urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"];
    let from_afar = from_afar.iter().filter_map(|name| GrantType::parse(name));
    let grants: Vec<_> =
        [GrantType::AuthorizationCode, GrantType::Implicit].into_iter().chain(from_afar).collect();
    for (id, members, compat) in [
        ("far", json!({}), vec![]),
        ("pushing", json!({"require_pushed_authorization_requests": true}), vec![]),
        ("signing", json!({"require_signed_request_object": true}), vec![]),
        ("bank", json!({"profile": "fapi2"}), vec![]),
        ("front", json!({}), vec![Compat::Implicit]),
    ] {
        app.client(NewClient {
            id: Some(id.to_owned()),
            redirect_uris: vec![CALLBACK.to_owned()],
            auth_method: Some(AuthMethod::PrivateKeyJwt),
            jwks: Some(jwks.clone()),
            profile: profile(&members),
            grant_types: grants
                .iter()
                .copied()
                .filter(|g| *g != GrantType::Implicit || !compat.is_empty())
                .collect(),
            compat,
            ..NewClient::default()
        })
        .await;
    }
    app.client(NewClient {
        id: Some("machine".to_owned()),
        redirect_uris: vec![CALLBACK.to_owned()],
        grant_types: [&grants[2..], &[GrantType::ClientCredentials]].concat(),
        ..NewClient::default()
    })
    .await;
    app
}

/// What a way in says to a request.
async fn told(app: &TestApp, entry: Entry, client: &str, fields: &[(&str, &str)]) -> Option<&'static str> {
    let cx = app.cx();
    let client = cx.registered(client).await.unwrap().unwrap();
    let addressee = match entry {
        Entry::Device | Entry::Backchannel => Addressee::nowhere(client),
        _ => Addressee { client, redirect_uri: CALLBACK.to_owned() },
    };
    let pairs = fields.iter().map(|(name, value)| (Cow::from(*name), Cow::from(*value))).collect();
    judge(&cx, entry, &addressee, &Params::of(pairs).unwrap()).err().map(|denial| denial.code.as_str())
}

#[tokio::test]
async fn every_check_is_asked_in_its_columns_and_in_no_other() {
    let app = furnished().await;
    let rows: Vec<_> = table().collect();
    let named: BTreeSet<_> = rows.iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<_> = CASES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(named, known, "each row has its case here");
    let long = "x".repeat(2049);
    for (row, client, changes, error) in CASES {
        let (_, columns) = rows.iter().find(|(name, _)| *name == row).unwrap();
        let mut fields = Browser::request(client, "read");
        for (name, value) in changes {
            fields =
                with(&fields, name, value.map(|value| if value == "long" { long.as_str() } else { value }));
        }
        if row == "repeats" {
            fields.push(("scope", "read"));
        }
        if row == "id token" {
            fields = with(&fields, "scope", Some("openid"));
        }
        for (entry, asked) in Entry::ALL.into_iter().zip(columns) {
            if !open(&app, entry).await {
                continue;
            }
            let want = asked.then_some(error);
            assert_eq!(told(&app, entry, client, &fields).await, want, "{row} at {entry:?}");
        }
    }
}

/// Whether anything passes there at all: a way in that no grant leads to yet is closed by one row.
async fn open(app: &TestApp, entry: Entry) -> bool {
    told(app, entry, "far", &Browser::request("far", "read")).await.is_none()
}

#[tokio::test]
async fn a_request_with_nothing_wrong_passes_at_every_way_in() {
    let app = furnished().await;
    let fields = [&Browser::request("far", "openid read")[..], &[("nonce", "n"), ("max_age", "60")]].concat();
    for entry in Entry::ALL.into_iter().filter(|entry| *entry != Entry::Backchannel) {
        assert_eq!(told(&app, entry, "far", &fields).await, None, "{entry:?}");
    }
}

#[tokio::test]
async fn of_two_wrong_things_the_earlier_row_speaks() {
    let app = furnished().await;
    let wrong = with(&Browser::request("far", "nothing"), "response_type", Some("token"));
    assert_eq!(told(&app, Entry::Plain, "far", &wrong).await, Some("unsupported_response_type"));
    assert_eq!(told(&app, Entry::Device, "far", &wrong).await, Some("invalid_scope"), "only rows of its own");
}
