//! `/console`: a shell that is the same for everybody, what it offers to whom, and that it tells nobody of other people's tokens

use crate::support::{ISSUER, assert_error_page, furnish, text, with, world};
use serde_json::Value;
use std::collections::BTreeSet;
use valetkey_core::client::listing::Kind;
use valetkey_core::ids::ClientId;
use valetkey_core::manage::portal::{self, Form};
use valetkey_core::store::Api;
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, TestApp};

const ADDRESS: &str = "https://id.example/console";

async fn data(browser: &mut Browser<'_>) -> Value {
    let reply = browser.get("/console/data").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("access-control-allow-origin"), "", "no other origin may read it");
    reply.json()
}

fn names(list: &Value, member: &str) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|one| text(one, member).to_owned()).collect()
}

/// An application that `username` registered in the portal.
async fn application_of(app: &TestApp, username: &str, name: &str) -> ClientId {
    let user = app.user(username).await;
    let form = Form {
        name: name.to_owned(),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..Form::default()
    };
    portal::register(&app.cx(), &user, None, Kind::Web, form).await.unwrap().client.id
}

#[tokio::test]
async fn the_shell_is_the_same_whatever_stands_in_the_address_and_redirects_nowhere() {
    let app = world().await;
    let plain = app.get("/console").await;
    assert_eq!(plain.status, 200);
    for query in [
        "code=vk_ac_x&state=s&iss=https%3A%2F%2Fid.example",
        "error=%3Cscript%3Ealert(1)%3C%2Fscript%3E&error_description=%3Cimg%20src%3Dx%3E",
        "client=%22%3E%3Cscript%3E&grant=x",
        "code=a&code=b",
        "%ff%fe=%00",
        "access_token=vk_at_in-a-query",
    ] {
        let reply = app.get(&format!("/console?{query}")).await;
        assert_eq!((reply.status, &reply.body), (plain.status, &plain.body), "{query}");
        assert_eq!(reply.location(), "", "a redirect would carry the fragment along: {query}");
    }
}

#[tokio::test]
async fn the_shell_carries_the_strictest_policy_that_lets_it_work() {
    let app = world().await;
    let reply = app.get("/console").await;
    assert_eq!(
        reply.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'"
    );
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(reply.cookies().is_empty());
    let scripts: Vec<_> = reply.body.split("<script ").skip(1).collect();
    assert_eq!(scripts.len(), 2);
    for script in scripts {
        let path = script.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert!(path.starts_with("/assets/console-"), "{path}");
        let file = app.get(path).await;
        assert_eq!(file.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!((file.header("vary"), file.header("content-encoding")), ("accept-encoding", ""));
    }
    assert!(reply.body.contains("<noscript>"));
}

#[tokio::test]
async fn who_is_not_signed_in_learns_of_no_application_api_or_scope_of_ours() {
    let app = world().await;
    app.api(Api::new("photos", "https://photos.example", Timestamp(0))).await;
    let answer = data(&mut app.browser()).await;
    assert_eq!(answer["applications"], Value::Array(Vec::new()));
    assert_eq!(answer["apis"], Value::Array(Vec::new()));
    assert_eq!((&answer["person"], &answer["csrf"]), (&Value::Null, &Value::Null));
    assert!(!names(&answer["scopes"], "name").contains("read"), "{answer}");
    assert_eq!(text(&answer, "redirect_uri"), ADDRESS);
}

#[tokio::test]
async fn every_grant_of_the_server_is_offered_and_the_legacy_ones_with_their_risk() {
    let app = world().await;
    let answer = data(&mut app.browser()).await;
    let all = valetkey_core::grant::GrantType::ALL.map(|grant| grant.name().to_owned());
    assert_eq!(names(&answer["grants"], "name"), BTreeSet::from(all));
    for grant in answer["grants"].as_array().unwrap() {
        let legacy = ["implicit", "password"].contains(&text(grant, "name"));
        assert_eq!(grant["risk"].is_string(), legacy, "{grant}");
    }
}

#[tokio::test]
async fn a_person_is_offered_their_own_applications_without_any_secret_and_nobody_elses() {
    let app = world().await;
    app.api(Api::new("photos", "https://photos.example", Timestamp(0))).await;
    let own = application_of(&app, "dora", "Dora’s Desk").await;
    application_of(&app, "emil", "Emil’s Easel").await;
    let mut dora = app.browser();
    dora.sign_in("dora").await;
    let answer = data(&mut dora).await;
    assert_eq!(names(&answer["applications"], "id"), BTreeSet::from([own.to_string()]));
    let application = &answer["applications"][0];
    assert_eq!(
        (&application["own"], &application["allowed"], &application["secret"]),
        (&Value::Bool(true), &Value::Bool(false), &Value::Null)
    );
    assert_eq!(names(&answer["apis"], "id"), BTreeSet::from(["photos".to_owned()]));
    assert!(names(&answer["scopes"], "name").contains("read"));
    assert_eq!(text(&answer, "person"), "dora");
    let raw = answer.to_string();
    assert!(!raw.contains("hash") && !raw.contains("Emil"), "{raw}");
}

#[tokio::test]
async fn in_development_the_demo_applications_are_offered_with_the_secrets_that_everybody_knows() {
    let app = furnish(TestApp::builder().demo()).await;
    app.web_client("demo").await;
    let answer = data(&mut app.browser()).await;
    let list = answer["applications"].as_array().unwrap();
    let secret = |id: &str| list.iter().find(|one| one["id"] == *id).unwrap()["secret"].clone();
    assert_eq!(secret("demo"), CLIENT_SECRET);
    assert_eq!(secret("app"), Value::Null, "the store has only its hash");
    assert_eq!(answer["development"], true);
}

#[tokio::test]
async fn a_person_sees_the_tokens_that_speak_for_them_and_no_others() {
    let app = world().await;
    let (mut alice, mut bob) = (app.browser(), app.browser());
    let of_alice = alice.tokens("app", "openid read offline_access", "alice").await;
    let of_bob = bob.tokens("app", "read offline_access", "bob").await;
    let of_service = app.token("service", &[("grant_type", "client_credentials")]).await.json();
    let csrf = data(&mut alice).await["csrf"].as_str().unwrap().to_owned();
    for (token, active) in [
        (text(&of_alice, "access_token"), true),
        (text(&of_alice, "refresh_token"), true),
        (text(&of_bob, "access_token"), false),
        (text(&of_bob, "refresh_token"), false),
        (text(&of_service, "access_token"), false),
        (text(&of_alice, "id_token"), false),
        ("vk_at_nonsense", false),
    ] {
        let reply = alice.post("/console/look", &[("csrf", &csrf), ("token", token)]).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let said = reply.json();
        assert_eq!(said["active"], active, "{said}");
        if !active {
            assert_eq!(said.as_object().unwrap().len(), 1, "nothing else is said: {said}");
        }
    }
    let token = text(&of_alice, "access_token");
    assert_eq!(
        app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &[("token", token)]).await.status,
        200
    );
    let reply = alice.post("/console/look", &[("csrf", &csrf), ("token", token)]).await;
    assert_eq!(reply.json()["active"], false);
}

#[tokio::test]
async fn what_the_console_posts_needs_a_session_and_its_proof() {
    let app = world().await;
    let own = application_of(&app, "dora", "Dora’s Desk").await;
    let (mut dora, mut bob) = (app.browser(), app.browser());
    dora.sign_in("dora").await;
    bob.sign_in("bob").await;
    let csrf = data(&mut dora).await["csrf"].as_str().unwrap().to_owned();
    let foreign = data(&mut bob).await["csrf"].as_str().unwrap().to_owned();
    for path in ["/console/look", "/console/allow"] {
        let fields = [("token", "x"), ("client", own.as_str()), ("allow", "yes")];
        let stranger = app.browser().post(path, &fields).await;
        assert_eq!(
            (stranger.status.as_u16(), stranger.location()),
            (303, "https://id.example/login"),
            "{path}"
        );
        for proof in [None, Some("forged"), Some(foreign.as_str())] {
            let reply = dora.post(path, &with(&fields, "csrf", proof)).await;
            assert_eq!(reply.status, 403, "{path} {proof:?}");
        }
        let fields = with(&fields, "csrf", Some(&csrf));
        assert_eq!(dora.post_from("cross-site", path, &fields).await.status, 403, "{path}");
        assert_eq!(dora.post_from("same-site", path, &fields).await.status, 403, "{path}");
    }
    let client = app.cx().client(own.as_str()).await.unwrap().unwrap();
    assert_eq!(client.redirect_uris, ["https://app.example/cb"], "nothing was changed");
}

#[tokio::test]
async fn an_owner_lets_the_console_in_and_out_and_nobody_else_does() {
    let app = world().await;
    let own = application_of(&app, "dora", "Dora’s Desk").await;
    let (mut dora, mut bob) = (app.browser(), app.browser());
    dora.sign_in("dora").await;
    bob.sign_in("bob").await;
    let csrf = data(&mut dora).await["csrf"].as_str().unwrap().to_owned();
    let of_bob = data(&mut bob).await["csrf"].as_str().unwrap().to_owned();
    for client in [own.as_str(), "app", "nobody", ""] {
        let reply =
            bob.post("/console/allow", &[("csrf", &of_bob), ("client", client), ("allow", "yes")]).await;
        assert_error_page(&reply, 404, "There is no page here", client);
    }
    let uris = async || app.cx().client(own.as_str()).await.unwrap().unwrap().redirect_uris.clone();
    assert_eq!(uris().await, ["https://app.example/cb"]);
    for _ in 0..2 {
        let fields = [("csrf", csrf.as_str()), ("client", own.as_str()), ("allow", "yes")];
        assert_eq!(dora.post("/console/allow", &fields).await.status, 200);
        assert_eq!(uris().await, ["https://app.example/cb", ADDRESS], "once, and nothing else");
    }
    assert_eq!(data(&mut dora).await["applications"][0]["allowed"], true);
    let fields = [("csrf", csrf.as_str()), ("client", own.as_str()), ("allow", "no")];
    assert_eq!(dora.post("/console/allow", &fields).await.status, 200);
    assert_eq!(uris().await, ["https://app.example/cb"]);
    let records = app.records().await;
    let changes = records.iter().filter(|record| format!("{:?}", record.event) == "ClientUpdated").count();
    assert_eq!(changes, 3, "each is in the audit trail");
}

#[tokio::test]
async fn rfc6749_3_1_2_the_consoles_address_is_good_for_those_applications_alone_that_registered_it() {
    let app = world().await;
    for client in ["app", "spa"] {
        let request = with(&Browser::request(client, "read"), "redirect_uri", Some(ADDRESS));
        let reply = app.browser().authorize(&request).await;
        assert_eq!((reply.status.as_u16(), reply.location()), (400, ""), "{client}");
    }
    let own = application_of(&app, "dora", "Dora’s Desk").await;
    let mut dora = app.browser();
    dora.sign_in("dora").await;
    let csrf = data(&mut dora).await["csrf"].as_str().unwrap().to_owned();
    dora.post("/console/allow", &[("csrf", &csrf), ("client", own.as_str()), ("allow", "yes")]).await;
    let request = with(&Browser::request(own.as_str(), "read"), "redirect_uri", Some(ADDRESS));
    let page = app.browser().authorize(&request).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.words());
    for near in
        ["https://id.example/console/", "https://id.example/console?x=1", "https://id.example/consolex"]
    {
        let request = with(&Browser::request(own.as_str(), "read"), "redirect_uri", Some(near));
        assert_eq!(app.browser().authorize(&request).await.status, 400, "{near}");
    }
}

#[tokio::test]
async fn a_server_without_the_console_has_none_of_its_addresses_and_no_link_to_it() {
    let app = furnish(TestApp::builder().no_console()).await;
    for path in ["/console", "/console?code=x", "/console/data"] {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
    for path in ["/console/look", "/console/allow"] {
        assert_eq!(app.post(path, None, &[("token", "x")]).await.status, 404, "{path}");
    }
    let link = "Go through a grant step by step";
    assert!(!app.get("/").await.words().contains(link));
    let metadata = app.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["service_documentation"], Value::Null);
    let app = world().await;
    assert!(app.get("/").await.words().contains(link));
    let metadata = app.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["service_documentation"], ADDRESS);
}

#[tokio::test]
async fn a_sign_in_from_the_console_comes_back_to_it() {
    let app = world().await;
    let mut browser = app.browser();
    let shell = browser.get("/console").await;
    assert!(shell.body.contains("href=\"/login?next=%2Fconsole\""));
    let login = browser.get("/login?next=%2Fconsole").await;
    let csrf = login.hidden("csrf").unwrap();
    let next = login.hidden("next");
    let mut fields = vec![("csrf", csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
    fields.extend(next.as_deref().map(|next| ("next", next)));
    let reply = browser.post("/login?next=%2Fconsole", &fields).await;
    assert_eq!(reply.location(), format!("{ISSUER}/console"));
}

#[tokio::test]
async fn with_the_database_away_the_shell_still_comes_so_that_a_token_does_not_stay_in_the_address_bar() {
    let app = world().await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    app.store.close().await;
    let shell = browser.get("/console").await;
    assert_eq!(shell.status, 200);
    assert!(shell.body.contains("/take.js"), "{}", shell.body);
    let reply = browser.get("/console/data").await;
    assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()));
    let looked = browser.post("/console/look", &[("token", "x")]).await;
    assert_error_page(&looked, 503, "We are too busy right now", "look");
}
