//! RFC 6749 §2.3, §3.2.1 — who is calling: the same rules at every endpoint that clients call

use crate::support::{assert_refused, disable_client, world};
use data_encoding::BASE64;
use valetkey_core::audit::Actor;
use valetkey_core::client::AuthMethod;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::ClientId;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::secret::Secret;
use valetkey_core::time::Seconds;
use valetkey_testkit::{CLIENT_SECRET, Reply, TestApp};

/// Each endpoint with a request that is good but for who sends it.
const ENDPOINTS: [(&str, (&str, &str)); 3] = [
    ("/oauth/token", ("grant_type", "client_credentials")),
    ("/oauth/revoke", ("token", "x")),
    ("/oauth/introspect", ("token", "x")),
];

async fn machine(app: &TestApp, id: &str, method: AuthMethod) {
    app.client(NewClient {
        id: Some(id.to_owned()),
        auth_method: Some(method),
        grant_types: vec![GrantType::ClientCredentials],
        ..NewClient::default()
    })
    .await;
}

/// By header, by body, or both; `header` is the whole value of Authorization.
async fn call(
    app: &TestApp,
    endpoint: (&str, (&str, &str)),
    header: Option<&str>,
    body: &[(&str, &str)],
) -> Reply {
    let (path, own) = endpoint;
    let call = app.call("POST", path).form(&[&[own], body].concat());
    match header {
        Some(value) => call.header("authorization", value).send().await,
        None => call.send().await,
    }
}

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64.encode(pair.as_bytes()))
}

#[tokio::test]
async fn rfc6749_section_2_3_one_method_a_request_and_the_right_secret() {
    let app = world().await;
    let right = basic(&format!("service:{CLIENT_SECRET}"));
    let wrong = basic("service:wrong-secret-wrong-secret");
    let id = ("client_id", "service");
    let secret = ("client_secret", CLIENT_SECRET);
    let before = app.rows().await;
    for endpoint in ENDPOINTS {
        for (case, header, body, want) in [
            ("Basic", Some(&*right), vec![], 200),
            ("Basic in small letters", Some(&*right.replace("Basic", "basic")), vec![], 200),
            ("Basic, and the id again", Some(&*right), vec![id], 200),
            ("body", None, vec![id, secret], 200),
            ("body beside a stale Bearer", Some("Bearer vk_at_stale"), vec![id, secret], 200),
            (
                "form-encoded Basic",
                Some(&*basic("ser%76ice:test-client-secret-0123456789abcde%66")),
                vec![],
                200,
            ),
            ("both", Some(&*right), vec![id, secret], 400),
            ("both, the header wrong", Some(&*wrong), vec![id, secret], 400),
            ("another id in the body", Some(&*right), vec![("client_id", "app")], 400),
            ("nothing", None, vec![], 401),
            ("an id alone", None, vec![id], 401),
            ("an empty secret in the body", None, vec![id, ("client_secret", "")], 401),
            ("a wrong secret in the body", None, vec![id, ("client_secret", "x")], 401),
            ("an unknown id", None, vec![("client_id", "nobody"), secret], 401),
            ("a wrong secret by Basic", Some(&*wrong), vec![], 401),
            ("an unknown id by Basic", Some(&*basic("nobody:x")), vec![], 401),
            ("an empty secret by Basic", Some(&*basic("service:")), vec![], 401),
            ("no colon", Some(&*basic("service")), vec![], 401),
            ("no base64", Some("Basic !!!"), vec![], 401),
            ("nothing after Basic", Some("Basic "), vec![], 401),
            ("a Bearer alone", Some("Bearer vk_at_stale"), vec![], 401),
            ("a Digest", Some("Digest username=\"service\""), vec![], 401),
            ("another's secret", Some(&*basic("app:wrong")), vec![], 401),
        ] {
            let reply = call(&app, endpoint, header, &body).await;
            let case = format!("{} {case}", endpoint.0);
            match want {
                200 => assert_eq!(reply.status, 200, "{case}: {}", reply.body),
                400 => assert_refused(&reply, 400, "invalid_request", &case),
                _ => assert_refused(&reply, 401, "invalid_client", &case),
            }
            // RFC 6749 §5.2, RFC 9110 §15.5.2: the challenge for those who came with the header, or with nothing at all.
            let challenged = reply.header("www-authenticate").starts_with("Basic realm=");
            let tried = ["client_id", "client_secret", "client_assertion"];
            let nothing = body.iter().all(|(name, _)| !tried.contains(name));
            assert_eq!(challenged, want == 401 && (header.is_some() || nothing), "{case}");
        }
        app.clock.advance(60);
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn unknown_wrong_and_switched_off_clients_are_answered_alike() {
    let app = world().await;
    app.web_client("off").await;
    disable_client(&app, "off").await;
    for endpoint in ENDPOINTS {
        let mut bodies = Vec::new();
        for pair in [
            "nobody:x".to_owned(),
            "service:x".to_owned(),
            format!("off:{CLIENT_SECRET}"),
            "off:x".to_owned(),
        ] {
            let reply = call(&app, endpoint, Some(&basic(&pair)), &[]).await;
            assert_refused(&reply, 401, "invalid_client", &pair);
            bodies.push(reply.body);
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{}", endpoint.0);
    }
}

#[tokio::test]
async fn rfc7591_section_2_a_client_pinned_to_one_method_cannot_use_another() {
    let app = world().await;
    machine(&app, "by-header", AuthMethod::ClientSecretBasic).await;
    machine(&app, "by-body", AuthMethod::ClientSecretPost).await;
    machine(&app, "either", AuthMethod::ClientSecret).await;
    for endpoint in ENDPOINTS {
        for (id, header_ok, body_ok) in
            [("by-header", true, false), ("by-body", false, true), ("either", true, true)]
        {
            let header = basic(&format!("{id}:{CLIENT_SECRET}"));
            let by_header = call(&app, endpoint, Some(&header), &[]).await;
            let body = [("client_id", id), ("client_secret", CLIENT_SECRET)];
            let by_body = call(&app, endpoint, None, &body).await;
            for (reply, ok, way) in [(by_header, header_ok, "header"), (by_body, body_ok, "body")] {
                let want = if ok { 200 } else { 401 };
                assert_eq!(reply.status, want, "{} {id} by {way}: {}", endpoint.0, reply.body);
            }
        }
    }
}

#[tokio::test]
async fn rfc7662_section_2_1_a_public_client_may_revoke_and_not_introspect() {
    let app = world().await;
    let id = [("client_id", "spa")];
    assert_refused(&call(&app, ENDPOINTS[0], None, &id).await, 400, "unauthorized_client", "token");
    assert_eq!(call(&app, ENDPOINTS[1], None, &id).await.status, 200, "RFC 7009 §2.1");
    assert_refused(&call(&app, ENDPOINTS[2], None, &id).await, 401, "invalid_client", "introspect");
}

#[tokio::test]
async fn a_rotated_secret_overlaps_with_the_old_one_for_as_long_as_was_said() {
    let app = world().await;
    let (actor, id) = (Actor::Operator, ClientId::from("service"));
    let secrets =
        [CLIENT_SECRET, "second-secret-0123456789abcdef-0123", "third-secret-0123456789abcdef-01234"];
    let valid = async |now: &str| {
        let mut valid = Vec::new();
        for secret in secrets {
            let reply = call(&app, ENDPOINTS[0], Some(&basic(&format!("service:{secret}"))), &[]).await;
            assert!(matches!(reply.status.as_u16(), 200 | 401), "{now}: {}", reply.body);
            valid.push(reply.status == 200);
        }
        valid
    };
    let rotate = async |secret: &str, overlap| {
        let secret = Some(Secret::new(secret));
        manage::client::rotate_secret(&app.cx(), &actor, &id, secret, Seconds(overlap)).await.unwrap();
    };
    assert_eq!(valid("before").await, [true, false, false]);
    rotate(secrets[1], 3600).await;
    assert_eq!(valid("overlapping").await, [true, true, false]);
    app.clock.advance(3599);
    assert_eq!(valid("still").await, [true, true, false]);
    app.clock.advance(1);
    assert_eq!(valid("over").await, [false, true, false]);
    rotate(secrets[2], 0).await;
    assert_eq!(valid("at once").await, [false, false, true]);
}

#[tokio::test]
async fn rfc6749_section_2_3_1_guessing_a_secret_pauses_the_guesser_and_nobody_else() {
    let app = world().await;
    let wrong = basic("service:guess-guess-guess");
    for n in 0..30 {
        // The count runs over all endpoints: none of them is a way around it.
        let reply = call(&app, ENDPOINTS[n % 3], Some(&wrong), &[]).await;
        assert_refused(&reply, 401, "invalid_client", &format!("guess {n}"));
        assert!(!reply.body.contains("too many"), "{n}");
    }
    let right = basic(&format!("service:{CLIENT_SECRET}"));
    for endpoint in ENDPOINTS {
        let reply = call(&app, endpoint, Some(&right), &[]).await;
        assert_refused(&reply, 401, "invalid_client", endpoint.0);
        assert!(reply.body.contains("too many wrong secrets"), "{}", reply.body);
    }
    let elsewhere = app.call("POST", "/oauth/token").from([192, 0, 2, 9].into());
    let elsewhere = elsewhere.header("authorization", &right).form(&[("grant_type", "client_credentials")]);
    assert_eq!(elsewhere.send().await.status, 200, "the client at its own address");
    let other = call(&app, ENDPOINTS[1], Some(&basic(&format!("app:{CLIENT_SECRET}"))), &[]).await;
    assert_eq!(other.status, 200, "another client at the same address");
    app.clock.advance(60);
    assert_eq!(call(&app, ENDPOINTS[0], Some(&right), &[]).await.status, 200, "a minute later");
}
