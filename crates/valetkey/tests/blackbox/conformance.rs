//! What the public OpenID conformance plans ask for that no other file here shows

use crate::signer::{CALLBACK, Signer, set};
use crate::support::{ISSUER, apply_settings, assert_error_page, assert_refused, furnish, text, with, world};
use serde_json::{Value, json};
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage::client::NewClient;
use valetkey_core::settings::DynamicRegistration;
use valetkey_testkit::{Browser, Reply, Site, TestApp};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn register(app: &TestApp, body: Value) -> Reply {
    app.call("POST", "/oauth/register").body("application/json", body.to_string()).send().await
}

#[tokio::test]
async fn oidc_core_section_9_the_token_endpoint_is_an_audience_for_those_with_the_opt_in_alone() {
    let app = world().await;
    let token = format!("{ISSUER}/oauth/token");
    for (opted, id) in [(false, "signer"), (true, "older")] {
        let own = Signer::named(&app, id, SigningAlgorithm::Rs256, &json!({})).await;
        let edit = |client: &mut valetkey_core::client::Client| {
            client.compat = if opted { vec![Compat::TokenEndpointAudience] } else { Vec::new() };
            client.grant_types.push(GrantType::ClientCredentials);
        };
        let (actor, event) =
            (valetkey_core::audit::Actor::Operator, valetkey_core::audit::Event::ClientUpdated);
        valetkey_core::manage::client::update(&app.cx(), &actor, &id.into(), event, edit).await.unwrap();
        for (n, (aud, good)) in [
            (json!(ISSUER), true),
            (json!(token), opted),
            (json!([token, ISSUER]), opted),
            (json!([token]), opted),
            (json!([token, "https://other.example"]), false),
            (json!([]), false),
            (json!(format!("{ISSUER}/oauth/introspect")), false),
            (json!("https://other.example"), false),
        ]
        .into_iter()
        .enumerate()
        {
            let claims =
                json!({"iss": id, "sub": id, "aud": aud, "exp": app.cx().now.0 + 60, "jti": format!("{n}")});
            let assertion = own.sign(&own.header("JWT"), &claims);
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", TYPE),
                ("client_assertion", &*assertion),
            ];
            let reply = app.post("/oauth/token", None, &fields).await;
            assert_eq!(reply.status == 200, good, "{opted} {aud}: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_a_sign_in_passes_over_scopes_that_mean_nothing_and_names_its_redirect_uri()
{
    let app = world().await;
    let mut browser = app.browser();
    let tokens = browser.tokens("app", "openid read weather", "alice").await;
    assert_eq!(text(&tokens, "scope"), "openid read");
    // RFC 6749 §3.3: outside of a sign-in it is a mistake.
    let reply = app.browser().authorize(&Browser::request("app", "read weather")).await;
    assert_eq!(reply.redirected()["error"], "invalid_scope");
    for (scope, refused) in [("openid", true), ("read", false)] {
        let request = with(&Browser::request("other", scope), "redirect_uri", None);
        let reply = app.browser().authorize(&request).await;
        if refused {
            assert_error_page(&reply, 400, "invalid_request", scope);
        } else {
            assert_eq!(reply.status, 200, "{scope}: {}", reply.words());
        }
    }
}

#[tokio::test]
async fn rfc7591_section_3_2_2_a_refusal_names_the_rule_and_echoes_nothing() {
    let app = furnish(TestApp::builder().registration(DynamicRegistration::Open)).await;
    let base = json!({"redirect_uris": ["https://app.example/cb"]});
    for (name, value, code, words) in [
        ("redirect_uris", json!(["https://app.example/cb#f"]), "invalid_redirect_uri", "fragment"),
        ("redirect_uris", json!("https://app.example/cb"), "invalid_client_metadata", "redirect_uris"),
        (
            "initiate_login_uri",
            json!("http://evil.example/<x>"),
            "invalid_client_metadata",
            "initiate_login_uri",
        ),
        ("jwks_uri", json!("http://evil.example/<x>"), "invalid_client_metadata", "jwks_uri"),
        (
            "post_logout_redirect_uris",
            json!(["javascript:alert(1)"]),
            "invalid_client_metadata",
            "post_logout_redirect_uris",
        ),
        ("request_uris", json!(["http://evil.example/<x>"]), "invalid_client_metadata", "request_uris"),
        ("logo_uri", json!("javascript:alert(1)"), "invalid_client_metadata", "logo_uri"),
        ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata", "jwks"),
    ] {
        let reply = register(&app, set(&base, name, value)).await;
        let body = reply.json();
        assert_eq!((reply.status.as_u16(), text(&body, "error")), (400, code), "{name}: {}", reply.body);
        let said = text(&body, "error_description");
        assert!(said.contains(words), "{name}: {said}");
        assert!(!said.contains("evil") && !said.contains("alert"), "{name}: {said}");
    }
}

#[tokio::test]
async fn rfc6585_section_4_the_limit_of_registrations_is_a_setting_and_says_when_it_ends() {
    let limited = TestApp::builder().registration(DynamicRegistration::Open).registrations_per_hour(2);
    let app = furnish(limited).await;
    let body = json!({"redirect_uris": ["https://app.example/cb"]});
    for _ in 0..2 {
        assert_eq!(register(&app, body.clone()).await.status, 201);
    }
    app.clock.advance(600);
    let reply = register(&app, body.clone()).await;
    assert_refused(&reply, 429, "temporarily_unavailable", "the third");
    assert_eq!(reply.header("retry-after"), "3000");
    app.clock.advance(3000);
    assert_eq!(register(&app, body).await.status, 201);
}

#[tokio::test]
async fn rfc7591_section_2_who_names_no_response_type_gets_a_code_and_what_the_operator_gives_to_all() {
    let app = furnish(TestApp::builder().registration(DynamicRegistration::Open)).await;
    let given = json!({"registration": {
        "grant_types": ["authorization_code", "refresh_token", "implicit"], "compat": ["implicit"],
    }});
    apply_settings(&app, given).await;
    let base = json!({"redirect_uris": ["https://app.example/cb"]});
    for (grants, kinds) in [
        (Value::Null, json!(["code", "token"])),
        (json!(["authorization_code"]), json!(["code"])),
        (json!(["authorization_code", "implicit"]), json!(["code"])),
    ] {
        let client = register(&app, set(&base, "grant_types", grants.clone())).await.json();
        assert_eq!(client["response_types"], kinds, "{grants}");
    }
}

#[tokio::test]
async fn oidc_discovery_section_3_a_hybrid_is_promised_only_where_one_client_may_have_it() {
    let app = world().await;
    let promised = async |app: &TestApp| {
        let metadata = app.get("/.well-known/openid-configuration").await.json();
        metadata["response_types_supported"].clone()
    };
    let client = |id: &str, grants: &[GrantType]| NewClient {
        id: Some(id.to_owned()),
        redirect_uris: vec![CALLBACK.to_owned()],
        grant_types: grants.to_vec(),
        compat: vec![Compat::Implicit],
        ..NewClient::default()
    };
    assert_eq!(promised(&app).await, json!(["code"]));
    app.client(client("front", &[GrantType::Implicit])).await;
    assert_eq!(promised(&app).await, json!(["code", "token", "id_token", "id_token token"]));
    app.client(client("hybrid", &[GrantType::Implicit, GrantType::AuthorizationCode])).await;
    assert_eq!(promised(&app).await.as_array().map(Vec::len), Some(7));
}

#[tokio::test]
async fn oidc_registration_section_2_the_sign_in_page_shows_what_the_application_says_of_itself() {
    let builder = TestApp::builder().calling_loopback().registration(DynamicRegistration::Open);
    let (app, site) = (furnish(builder).await, Site::start().await);
    let client = register(
        &app,
        json!({
            "redirect_uris": ["https://app.example/cb"],
            "logo_uri": site.url("/logo.png"),
            "policy_uri": "https://app.example/privacy",
            "tos_uri": "https://app.example/terms",
        }),
    )
    .await
    .json();
    let id = text(&client, "client_id");
    let page = app.browser().authorize(&Browser::request(id, "openid")).await;
    let (logo, body) = (format!("/assets/logos/of.{id}"), page.body.replace("&#x2f;", "/"));
    for shown in [logo.as_str(), "https://app.example/privacy", "https://app.example/terms"] {
        assert!(body.contains(shown), "{shown}: {}", page.words());
    }
    assert!(!body.contains(&site.origin), "no page of ours sends a browser there");
    // What is no picture is not served, whatever it says it is.
    site.answer("/logo.png", 200, &[("content-type", "image/png")], "<svg onload='alert(1)'>");
    assert_eq!(app.get(&logo).await.status, 404);
    assert_eq!(app.get("/assets/logos/of.nobody").await.status, 404);
    assert_eq!(app.get("/assets/logos/of.app").await.status, 404, "it registered none");
    assert_eq!(site.count("/logo.png"), 1);
}
