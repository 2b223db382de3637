//! RFC 9449 §7, RFC 8705 §3, FAPI 2.0 §5.3.4 — bound tokens at userinfo, and the words of a refusal there

use crate::signer::Signer;
use crate::support::{ISSUER, assert_refused, furnish, text, with, world};
use data_encoding::BASE64;
use serde_json::json;
use valetkey_core::grant::GrantType;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, CLIENT_SECRET, Reply, TestApp};

const USERINFO: &str = "https://id.example/oauth/userinfo";
const ALIAS: &str = "https://mtls.id.example";

async fn userinfo(app: &TestApp, authorization: &str, proof: Option<&str>) -> Reply {
    let call = app.call("GET", "/oauth/userinfo").header("authorization", authorization);
    match proof {
        Some(proof) => call.header("dpop", proof).send().await,
        None => call.send().await,
    }
}

/// A token of `own` for alice, bound to the key of `holder`.
async fn bound(app: &TestApp, own: &Signer, holder: &Signer) -> String {
    let request = with(&Browser::request(own.id, "openid"), "client_id", Some(own.id));
    let code = own.code(app, &request).await;
    let reply = own.redeem(app, &code, Some(holder)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    text(&reply.json(), "access_token").to_owned()
}

#[tokio::test]
async fn fapi2_section_5_4_1_a_key_that_is_shown_by_rs256_opens_nothing_for_a_client_of_the_profile() {
    let app = world().await;
    let [rsa, pkcs1] = crate::signer::pss_and_pkcs1().map(|key| Signer { id: "holder", key });
    for (id, members, status) in [("bank", json!({"profile": "fapi2"}), 401), ("plain", json!({}), 200)] {
        let own = Signer::named(&app, id, SigningAlgorithm::Es256, &members).await;
        let token = bound(&app, &own, &rsa).await;
        let by = |holder: &Signer| holder.proof_at(&app, ("GET", USERINFO), Some(&token));
        let authorization = format!("DPoP {token}");
        assert_eq!(userinfo(&app, &authorization, Some(&by(&rsa))).await.status, 200, "{id}: PS256");
        let reply = userinfo(&app, &authorization, Some(&by(&pkcs1))).await;
        assert_eq!(reply.status, status, "{id}: RS256 {}", reply.body);
        if status == 401 {
            assert_refused(&reply, 401, "invalid_dpop_proof", id);
        }
    }
}

#[tokio::test]
async fn rfc9449_section_7_1_a_refusal_names_the_scheme_that_the_token_takes() {
    let app = world().await;
    let own = Signer::named(&app, "bank", SigningAlgorithm::Es256, &json!({"profile": "fapi2"})).await;
    let token = bound(&app, &own, &own).await;
    let reply = userinfo(&app, &format!("Bearer {token}"), None).await;
    assert_refused(&reply, 401, "invalid_token", "bound to a key");
    let challenge = reply.header("www-authenticate");
    assert!(
        challenge.starts_with("DPoP ")
            && challenge.contains("algs=\"")
            && challenge.contains("bound to a key"),
        "{challenge}"
    );
    let unproven = userinfo(&app, &format!("DPoP {token}"), None).await;
    assert_refused(&unproven, 401, "invalid_dpop_proof", "no proof");
    assert!(
        unproven.header("www-authenticate").starts_with("DPoP "),
        "{}",
        unproven.header("www-authenticate")
    );
    let bare = app.get("/oauth/userinfo").await;
    let all: Vec<_> =
        bare.headers.get_all("www-authenticate").iter().map(|one| one.to_str().unwrap()).collect();
    assert!(all.len() == 2 && all[0].starts_with("Bearer ") && all[1].starts_with("DPoP "), "{all:?}");
    assert!(all.iter().all(|one| !one.contains("error")), "RFC 6750 §3.1: nothing was tried: {all:?}");
    // One that is bound to nothing comes by the other scheme.
    let plain = app.browser().tokens("app", "openid", "alice").await;
    let free = text(&plain, "access_token");
    let proof = own.proof_at(&app, ("GET", USERINFO), Some(free));
    let reply = userinfo(&app, &format!("DPoP {free}"), Some(&proof)).await;
    assert_refused(&reply, 401, "invalid_token", "bound to nothing");
    assert!(reply.body.contains("by the scheme Bearer"), "{}", reply.body);
}

#[tokio::test]
async fn rfc9449_section_5_2_who_must_show_a_key_and_shows_none_sent_no_bad_proof_but_too_little() {
    let app = world().await;
    let members = json!({"profile": "fapi2", "dpop_bound_access_tokens": true});
    let own = Signer::named(&app, "bank", SigningAlgorithm::Es256, &members).await;
    let request = with(&Browser::request("bank", "openid"), "client_id", Some("bank"));
    let code = own.code(&app, &request).await;
    assert_refused(&own.redeem(&app, &code, None).await, 400, "invalid_request", "a code");
    let tokens = own.redeem(&app, &code, Some(&own)).await.json();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_refused(
        &own.post(&app, "/oauth/token", &fields, None).await,
        400,
        "invalid_request",
        "a refresh token",
    );
    assert_eq!(own.post(&app, "/oauth/token", &fields, Some(&own)).await.status, 200);
}

#[tokio::test]
async fn rfc8705_section_5_a_proof_may_name_the_address_where_clients_come_with_certificates() {
    for (alias, wants) in [(Some(ALIAS), [200, 200]), (None, [200, 401])] {
        let builder = TestApp::builder().seeing_certificates();
        let app = furnish(if let Some(alias) = alias { builder.aliased(alias) } else { builder }).await;
        let own = Signer::named(&app, "bank", SigningAlgorithm::Es256, &json!({"profile": "fapi2"})).await;
        let token = bound(&app, &own, &own).await;
        for (base, want) in [ISSUER, ALIAS].into_iter().zip(wants) {
            let proof = own.proof_at(&app, ("GET", &format!("{base}/oauth/userinfo")), Some(&token));
            let reply = userinfo(&app, &format!("DPoP {token}"), Some(&proof)).await;
            assert_eq!(reply.status, want, "{base} {}", reply.body);
        }
        let other = own.proof_at(&app, ("GET", &format!("{ALIAS}/oauth/token")), Some(&token));
        assert_eq!(userinfo(&app, &format!("DPoP {token}"), Some(&other)).await.status, 401, "another path");
    }
}

#[tokio::test]
async fn rfc8705_section_3_a_token_without_its_certificate_is_told_so() {
    let app = furnish(TestApp::builder().seeing_certificates()).await;
    let mut client = NewClient {
        id: Some("shop".to_owned()),
        redirect_uris: vec![crate::signer::CALLBACK.to_owned()],
        grant_types: vec![GrantType::AuthorizationCode],
        ..NewClient::default()
    };
    client.profile.binding.tls_client_certificate_bound_access_tokens = true;
    app.client(client).await;
    let code = app.browser().code("shop", "openid", "alice").await;
    let own = BASE64.encode(&crate::mutual_tls::certificate("shop"));
    let call = app.call("POST", "/oauth/token").basic("shop", CLIENT_SECRET).header("client-cert", &own);
    let tokens = call.form(&valetkey_testkit::redemption(&code)).send().await.json();
    let authorization = format!("Bearer {}", text(&tokens, "access_token"));
    let reply = userinfo(&app, &authorization, None).await;
    assert_refused(&reply, 401, "invalid_token", "no certificate");
    assert!(reply.body.contains("bound to a certificate"), "{}", reply.body);
    assert!(reply.header("www-authenticate").starts_with("Bearer "), "{}", reply.header("www-authenticate"));
}

#[tokio::test]
async fn fapi1_section_6_2_1_userinfo_names_the_exchange_as_its_caller_does_or_by_itself() {
    const OWN: &str = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a";
    let app = world().await;
    let tokens = app.browser().tokens("app", "openid", "alice").await;
    let authorization = format!("Bearer {}", text(&tokens, "access_token"));
    let call = || app.call("GET", "/oauth/userinfo").header("authorization", &authorization);
    let reply = call().header("x-fapi-interaction-id", OWN).send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-fapi-interaction-id")), (200, OWN));
    let shape = |text: &str| text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let ours = [call().send().await, call().send().await]
        .map(|reply| reply.header("x-fapi-interaction-id").to_owned());
    assert!(
        ours.iter().all(|own| shape(own) && own.as_bytes()[14] == b'4') && ours[0] != ours[1],
        "{ours:?}"
    );
    let hostile = call().header("x-fapi-interaction-id", "<script>alert(1)</script>").send().await;
    assert_eq!(
        (hostile.status.as_u16(), hostile.header("x-fapi-interaction-id")),
        (200, ""),
        "nothing is echoed"
    );
}
