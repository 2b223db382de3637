//! RFC 6749 §4.4 — the client credentials grant: an application's own token

use crate::support::{
    api, assert_refused, claims, disable_client, enable_client, introspected, service_token, text, world,
};
use valetkey_core::audit::Actor;
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Api, ScopeWords, TokenFormat};
use valetkey_core::time::Seconds;
use valetkey_testkit::TestApp;

async fn machine(app: &TestApp, id: &str, change: impl FnOnce(&mut NewClient)) {
    let mut new = NewClient {
        id: Some(id.to_owned()),
        grant_types: vec![GrantType::ClientCredentials],
        ..NewClient::default()
    };
    change(&mut new);
    app.client(new).await;
}

#[tokio::test]
async fn rfc6749_section_4_4_3_the_answer_is_a_bearer_token_and_nothing_to_refresh_it_with() {
    let app = world().await;
    let before = app.rows().await;
    let reply = service_token(&app, &[("scope", "read")]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(
        (reply.header("cache-control"), reply.header("content-type")),
        ("no-store", "application/json")
    );
    let json = reply.json();
    let names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token", "expires_in", "scope", "token_type"]);
    assert_eq!((text(&json, "token_type"), text(&json, "scope")), ("Bearer", "read"));
    assert_eq!(json["expires_in"], 600);
    assert_eq!(app.rows().await, before, "nothing is stored");

    let access = text(&json, "access_token");
    let seen = introspected(&app, access).await;
    assert_eq!((text(&seen, "sub"), text(&seen, "client_id")), ("service", "service"), "RFC 9068 §2.2");
    let reply = app.get_with_token("/oauth/userinfo", access).await;
    assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()), "it is nobody's");
    app.clock.advance(599);
    assert_eq!(introspected(&app, access).await["active"], true);
    app.clock.advance(1);
    assert_eq!(introspected(&app, access).await, serde_json::json!({"active": false}));
}

#[tokio::test]
async fn rfc6749_section_3_3_the_scope_is_what_was_asked_registered_and_about_no_user() {
    let app = world().await;
    machine(&app, "any", |_| {}).await;
    machine(&app, "broad", |new| new.scope = Some(Scope::parse("openid read email special").unwrap())).await;
    for (client, asked, want) in [
        ("service", None, Ok("read write")),
        ("service", Some(""), Ok("read write")),
        ("service", Some("write"), Ok("write")),
        ("service", Some("write  read write"), Ok("write read")),
        ("service", Some("read admin"), Err("invalid_scope")),
        ("service", Some("READ"), Err("invalid_scope")),
        ("service", Some("openid"), Err("invalid_scope")),
        ("service", Some("offline_access"), Err("invalid_scope")),
        ("any", None, Ok("")),
        ("any", Some("read write"), Ok("read write")),
        ("any", Some("unknown"), Err("invalid_scope")),
        ("any", Some("read profile"), Err("invalid_scope")),
        ("broad", None, Ok("read special")),
        ("broad", Some("special"), Ok("special")),
        ("broad", Some("openid read"), Err("invalid_scope")),
        ("broad", Some("write"), Err("invalid_scope")),
    ] {
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(asked.map(|scope| ("scope", scope)));
        let reply = app.token(client, &fields).await;
        match want {
            Ok(scope) => assert_eq!(text(&reply.json(), "scope"), scope, "{client} {asked:?}"),
            Err(error) => assert_refused(&reply, 400, error, &format!("{client} {asked:?}")),
        }
    }
    let default = ScopeWords {
        name: "basic".to_owned(),
        description: "See what everybody may".to_owned(),
        detail: String::new(),
        default: true,
        standard: false,
    };
    manage::scope::create(&app.cx(), Actor::Operator, default).await.unwrap();
    let reply = app.token("any", &[("grant_type", "client_credentials")]).await;
    assert_eq!(text(&reply.json(), "scope"), "basic", "the default, where none is asked");
    let reply = service_token(&app, &[]).await;
    assert_eq!(text(&reply.json(), "scope"), "read write", "a default that is not for this client is none");
}

#[tokio::test]
async fn rfc6749_section_4_4_only_a_client_registered_for_it_gets_one() {
    let app = world().await;
    let fields = [("grant_type", "client_credentials")];
    assert_refused(&app.token("app", &fields).await, 400, "unauthorized_client", "a web client");
    let reply = app.post("/oauth/token", None, &[fields[0], ("client_id", "spa")]).await;
    assert_refused(&reply, 400, "unauthorized_client", "a public client");
}

#[tokio::test]
async fn rfc8707_section_2_2_a_resource_names_the_audience_the_form_and_the_scope() {
    let app = world().await;
    app.api(api("photos", "read", TokenFormat::Jwt, SigningAlgorithm::EdDsa)).await;
    app.api(api("mail", "write", TokenFormat::Sealed, SigningAlgorithm::EdDsa)).await;
    app.api(api("logs", "write", TokenFormat::Sealed, SigningAlgorithm::EdDsa)).await;
    let (photos, mail, logs) = ("https://photos.example", "https://mail.example", "https://logs.example");
    for (resources, scope, want) in [
        (vec![photos], "read write", Ok((true, vec![photos], "read"))),
        (vec![mail], "read write", Ok((false, vec![mail], "write"))),
        (vec![mail, logs], "write", Ok((false, vec![mail, logs], "write"))),
        (vec![], "read", Ok((true, vec![photos], "read"))),
        (vec![], "read write", Ok((false, vec![photos, mail, logs], "read write"))),
        (vec![photos, mail], "read", Err("invalid_target")),
        (vec!["https://photos.example/"], "read", Err("invalid_target")),
        (vec![photos, "https://unknown.example"], "read", Err("invalid_target")),
        (vec!["not a uri"], "read", Err("invalid_target")),
    ] {
        let mut fields: Vec<_> = resources.iter().map(|uri| ("resource", *uri)).collect();
        fields.push(("scope", scope));
        let reply = service_token(&app, &fields).await;
        let case = format!("{resources:?} {scope}");
        match want {
            Err(error) => assert_refused(&reply, 400, error, &case),
            Ok((jwt, audience, scope)) => {
                let json = reply.json();
                let access = text(&json, "access_token");
                assert_eq!(access.starts_with("eyJ"), jwt, "{case}");
                assert_eq!(text(&json, "scope"), scope, "{case}");
                let seen = introspected(&app, access).await;
                let mut names: Vec<_> =
                    seen["aud"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
                let mut audience = audience;
                names.sort_unstable();
                audience.sort_unstable();
                assert_eq!(names, audience, "{case}");
                assert_eq!(text(&seen, "scope"), scope, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn rfc9700_section_2_3_a_token_lives_as_long_as_client_or_api_say_and_at_most_a_day() {
    let app = world().await;
    machine(&app, "own", |new| new.access_token_lifetime = Some(Seconds(120))).await;
    machine(&app, "long", |new| {
        new.access_token_lifetime = Some(Seconds::days(30));
        new.compat = vec![Compat::LongLivedAccessToken];
    })
    .await;
    let short = api("short", "read", TokenFormat::Sealed, SigningAlgorithm::EdDsa);
    app.api(Api { access_token_lifetime: Some(Seconds(60)), ..short }).await;
    app.api(api("jwts", "write", TokenFormat::Jwt, SigningAlgorithm::EdDsa)).await;
    let thirty_days = 30 * 86_400;
    for (client, resource, want) in [
        ("service", "https://jwts.example", 600),
        ("service", "https://short.example", 60),
        ("own", "https://short.example", 120),
        ("own", "https://jwts.example", 120),
        ("long", "https://short.example", thirty_days),
        ("long", "https://jwts.example", 86_400),
    ] {
        let fields = [("grant_type", "client_credentials"), ("resource", resource), ("scope", "read write")];
        let json = app.token(client, &fields).await.json();
        assert_eq!(json["expires_in"], want, "{client} {resource}");
        let access = text(&json, "access_token");
        if access.starts_with("eyJ") {
            let claims = claims(access);
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), want, "{client}");
        }
    }
}

#[tokio::test]
async fn a_client_switched_off_loses_its_tokens_for_good() {
    let app = world().await;
    let old = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    app.clock.advance(1);
    disable_client(&app, "service").await;
    assert_refused(&service_token(&app, &[]).await, 401, "invalid_client", "disabled");
    enable_client(&app, "service").await;
    assert_eq!(introspected(&app, &old).await["active"], false, "from before");
    app.clock.advance(1);
    let new = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    assert_eq!(introspected(&app, &new).await["active"], true, "from after");
}
