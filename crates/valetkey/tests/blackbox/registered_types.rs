//! RFC 7591 §2.1, OIDC Registration §2 — response types of clients that register themselves: what the operator gives

use crate::support::{apply_settings, text, with};
use serde_json::{Value, json};
use valetkey_core::settings::DynamicRegistration;
use valetkey_testkit::{Browser, Reply, TestApp};

async fn open(settings: Value) -> TestApp {
    let app = crate::support::furnish(TestApp::builder().registration(DynamicRegistration::Open)).await;
    apply_settings(&app, settings).await;
    app
}

async fn register(app: &TestApp, response_types: Value, grant_types: Value) -> Reply {
    let body = json!({
        "redirect_uris": ["https://app.example/cb"],
        "response_types": response_types,
        "grant_types": grant_types,
        "scope": "openid",
    });
    app.call("POST", "/oauth/register").body("application/json", body.to_string()).send().await
}

#[tokio::test]
async fn where_the_operator_gives_them_hybrids_and_id_tokens_are_registered_and_no_others() {
    let app = open(json!({"registration": {
        "grant_types": ["authorization_code", "refresh_token", "implicit"], "compat": ["implicit", "no_pkce"],
    }}))
    .await;
    let both = json!(["authorization_code", "implicit"]);
    for (kinds, grants) in [
        (json!(["id_token"]), json!(["implicit"])),
        (json!(["id_token token"]), json!(["implicit"])),
        (json!(["code id_token"]), both.clone()),
        (json!(["code token"]), both.clone()),
        (json!(["code id_token token"]), both.clone()),
        (json!(["code"]), json!(["authorization_code"])),
    ] {
        let reply = register(&app, kinds.clone(), grants).await;
        assert_eq!(reply.status, 201, "{kinds}: {}", reply.body);
        let client = reply.json();
        assert_eq!(client["response_types"], kinds);
        for kind in ["code", "token", "id_token", "id_token token", "code id_token", "code id_token token"] {
            let request = with(&Browser::request(text(&client, "client_id"), "openid"), "nonce", Some("n"));
            let request = with(&request, "response_type", Some(kind));
            // The conformance plans send no challenge.
            let request = with(&with(&request, "code_challenge", None), "code_challenge_method", None);
            let reply = app.browser().authorize(&request).await;
            assert_eq!(reply.status == 200, kinds[0] == kind, "{kinds} {kind}: {}", reply.location());
        }
    }
    // Asked for in another order, it is the same; what does not fit the grants is left out.
    let client = register(&app, json!(["token id_token", "code", "none"]), json!(["implicit"])).await.json();
    assert_eq!(client["response_types"], json!(["id_token token"]));
}

#[tokio::test]
async fn without_the_operator_nobody_registers_for_more_than_a_code() {
    let app = open(json!({})).await;
    let client =
        register(&app, json!(["code", "code id_token"]), json!(["authorization_code", "implicit"])).await;
    assert_eq!(client.status, 201, "{}", client.body);
    assert_eq!(client.json()["response_types"], json!(["code"]));
    for kinds in [json!(["id_token"]), json!(["code id_token"]), json!(["token"])] {
        let reply = register(&app, kinds.clone(), json!(["authorization_code", "implicit"])).await;
        assert_eq!(reply.refusal(), (400, "invalid_client_metadata".to_owned()), "{kinds}");
    }
}
