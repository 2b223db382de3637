//! OIDC Core §8, §17.3 — what could show two clients that their people are the same: `sid`, an ID-JAG's `sub`

use crate::support::{claims, furnish, text};
use serde_json::{Value, json};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::Client;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::ClientId;
use valetkey_core::job::logout;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Reply, Site, TestApp};

const JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const ID: &str = "urn:ietf:params:oauth:token-type:id_token";

async fn client(app: &TestApp, id: &str, members: Value) {
    app.client(NewClient {
        id: Some(id.to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        profile: serde_json::from_value(members).unwrap(),
        ..NewClient::default()
    })
    .await;
}

async fn edit(app: &TestApp, id: &str, change: impl Fn(&mut Client) + Send + Sync) {
    let id = ClientId::from(id);
    manage::client::update(&app.cx(), &Actor::Operator, &id, Event::ClientUpdated, change).await.unwrap();
}

fn sid(id_token: &str) -> String {
    text(&claims(id_token), "sid").to_owned()
}

#[tokio::test]
async fn oidc_core_section_8_no_two_pairwise_clients_know_a_session_by_the_same_sid() {
    let app = furnish(TestApp::builder()).await;
    for id in ["one", "two"] {
        client(&app, id, json!({"subject_type": "pairwise"})).await;
    }
    let mut browser = app.browser();
    let mut sids = Vec::new();
    for id in ["one", "two", "app", "other"] {
        let first = browser.tokens(id, "openid", "alice").await;
        let again = browser.tokens(id, "openid", "alice").await;
        let own = sid(text(&first, "id_token"));
        assert_eq!(sid(text(&again, "id_token")), own, "{id}: the same for one client");
        let refreshed = crate::support::refresh(&app, id, text(&again, "refresh_token")).await.json();
        assert_eq!(sid(text(&refreshed, "id_token")), own, "{id}");
        sids.push(own);
    }
    assert!(sids[0] != sids[1] && !sids[..2].contains(&sids[2]), "{sids:?}");
    assert_eq!(sids[2], sids[3], "who knows the person by the public sub can tell anyway");
    let tenant = claims(text(&browser.tokens("app", "openid", "alice").await, "id_token"));
    assert!(tenant.get("tenant").is_none(), "the usual directory has no name: {tenant}");
}

#[tokio::test]
async fn oidc_back_and_front_channel_logout_name_a_session_as_the_client_knows_it() {
    let site = Site::start().await;
    let app = furnish(TestApp::builder().calling_loopback()).await;
    site.answer("/out", 200, &[], "");
    let members = json!({
        "subject_type": "pairwise",
        "backchannel_logout_uri": site.url("/out"),
        "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://app.example/bye",
        "frontchannel_logout_session_required": true,
    });
    client(&app, "pair", members).await;
    let mut browser = app.browser();
    let id_token = text(&browser.tokens("pair", "openid", "alice").await, "id_token").to_owned();
    let account = browser.get("/account").await;
    let page: Reply = browser.press(&account, "/account/sign-out", "Sign out").await;
    let own = sid(&id_token);
    assert!(page.body.contains(&own), "the frame's address has it");
    for one in logout::claim(&app.cx()).await.unwrap() {
        logout::tell(&app.cx(), &one).await.unwrap();
    }
    let asked = site.asked();
    let told = asked.iter().find_map(|asked| asked.body.strip_prefix("logout_token=")).unwrap();
    let told = claims(told);
    assert_eq!((&told["sid"], &told["sub"]), (&json!(own), &claims(&id_token)["sub"]));
}

#[tokio::test]
async fn oidc_rp_initiated_logout_section_2_a_hint_with_such_a_sid_spares_the_question() {
    let app = furnish(TestApp::builder()).await;
    client(&app, "pair", json!({"subject_type": "pairwise"})).await;
    for (user, spared) in [("alice", true), ("bob", false)] {
        let mut browser = app.browser();
        let id_token = text(&browser.tokens("pair", "openid", "alice").await, "id_token").to_owned();
        let mut other = app.browser();
        other.tokens("pair", "openid", user).await;
        let asking = if spared { &mut browser } else { &mut other };
        let page = asking.get(&format!("/oauth/logout?id_token_hint={id_token}")).await;
        let page = asking.follow(page).await;
        let account = asking.get("/account").await;
        assert_eq!(account.status == 200, !spared, "{user}: {}", page.words());
    }
}

#[tokio::test]
async fn id_jag_section_3_1_its_sub_is_what_the_application_there_knows_and_never_more_than_is_known_here() {
    let app = furnish(TestApp::builder()).await;
    let there = "https://chat.example";
    let elsewhere = |of: Option<&str>| {
        let mut own = json!({"audience": there, "client_id": "we-there", "scope": "chat.read"});
        if let Some(of) = of {
            own["subject_client"] = of.into();
        }
        json!([own])
    };
    client(&app, "pair", json!({"subject_type": "pairwise"})).await;
    client(&app, "twin", json!({"subject_type": "pairwise", "sector_identifier_uri": null})).await;
    app.client(NewClient {
        id: Some("chat".to_owned()),
        redirect_uris: vec!["https://chat.example/cb".to_owned()],
        profile: serde_json::from_value(json!({"subject_type": "pairwise"})).unwrap(),
        ..NewClient::default()
    })
    .await;
    let jag = async |id: &str, of: Option<&str>| {
        let value = elsewhere(of);
        edit(&app, id, |client| {
            if !client.grant_types.contains(&GrantType::TokenExchange) {
                client.grant_types.push(GrantType::TokenExchange);
            }
            client.profile = client.profile.with("id_jag", &value).unwrap();
        })
        .await;
        let tokens = app.browser().tokens(id, "openid", "alice").await;
        let id_token = text(&tokens, "id_token");
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", id_token),
            ("subject_token_type", ID),
            ("requested_token_type", JAG),
            ("audience", there),
        ];
        (app.token(id, &fields).await, claims(id_token)["sub"].clone())
    };
    let sub = |reply: &Reply| claims(text(&reply.json(), "access_token"))["sub"].clone();
    let alice = json!(crate::support::user_id(&app, "alice").await.to_string());
    let (own, known) = jag("pair", None).await;
    assert_eq!(own.status, 200, "{}", own.body);
    assert!(sub(&own) != alice && sub(&own) != known, "neither the person's id nor what is known here");
    let (twin, _) = jag("twin", None).await;
    assert_eq!(sub(&twin), sub(&own), "there it is the same person, whoever carries it");
    assert_eq!(sub(&jag("app", None).await.0), alice, "public as ever");
    // The application there signs people in here as `chat`: what it knows is what it is told.
    let server = &app.server;
    let chat = server.registered("chat").await.unwrap().unwrap();
    let user = crate::support::user_id(&app, "alice").await;
    let chats_name = json!(valetkey_core::client::subject::of(server, &chat, &user).unwrap());
    for id in ["pair", "app"] {
        assert_eq!(sub(&jag(id, Some("chat")).await.0), chats_name, "{id}");
    }
    let (gone, _) = jag("pair", Some("nobody")).await;
    crate::support::assert_refused(&gone, 400, "invalid_target", "a client that there is not");
}
