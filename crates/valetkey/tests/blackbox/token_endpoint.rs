//! RFC 6749 §3.2, §5.2 — the token endpoint: what it reads, and how it says no

use crate::support::{assert_refused, world};
use valetkey_testkit::{CLIENT_SECRET, Reply, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";

async fn raw(app: &TestApp, kind: &str, body: impl Into<Vec<u8>>) -> Reply {
    app.call("POST", "/oauth/token").basic("service", CLIENT_SECRET).body(kind, body).send().await
}

#[tokio::test]
async fn rfc6749_section_3_2_the_form_is_read_strictly_and_refusals_say_what_to_change() {
    let app = world().await;
    let good = "grant_type=client_credentials&scope=read";
    let before = app.rows().await;
    for (body, status, error) in [
        ("", 400, "invalid_request"),
        ("grant_type=", 400, "invalid_request"),
        ("scope=read", 400, "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        ("grant_type=client_credentials&grant_type=", 400, "invalid_request"),
        ("grant_type=client_credentials&scope=read&scope=write", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=service&client_id=service", 400, "invalid_request"),
        ("grant_type=client_credentials&client_secret=a&client_secret=b", 400, "invalid_request"),
        ("grant_type=password&username=alice&password=x", 400, "unsupported_grant_type"),
        ("grant_type=implicit", 400, "unsupported_grant_type"),
        ("grant_type=urn:ietf:params:oauth:grant-type:device_code", 400, "unsupported_grant_type"),
        ("grant_type=Client_Credentials", 400, "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", 400, "unauthorized_client"),
        ("grant_type=refresh_token&refresh_token=x", 400, "unauthorized_client"),
        ("grant_type=client_credentials&client_id=other", 400, "invalid_request"),
        ("grant_type=client_credentials&scope=%00", 400, "invalid_request"),
        ("grant_type=client_credentials&scope=%ff", 400, "invalid_request"),
        ("grant_type=client_credentials&%ff=x", 400, "invalid_request"),
        ("grant_type=client_credentials&scope=read%22", 400, "invalid_scope"),
    ] {
        assert_refused(&raw(&app, FORM, body).await, status, error, body);
    }
    assert_eq!(app.rows().await, before);
    for body in [
        good,
        "grant_type=client_credentials&scope=",
        "grant_type=client_credentials&audience=x&audience=y&foo[]=1",
        "grant_type=client_credentials&client_id=service",
        "&&grant_type=client_credentials&=&x",
    ] {
        let reply = raw(&app, FORM, body).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.body);
    }
}

#[tokio::test]
async fn rfc6749_section_3_2_only_a_form_is_read() {
    let app = world().await;
    let json = r#"{"grant_type":"client_credentials"}"#;
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        assert_refused(&raw(&app, kind, json).await, 400, "invalid_request", kind);
        let reply = raw(&app, kind, "grant_type=client_credentials").await;
        assert_refused(&reply, 400, "invalid_request", kind);
    }
    for kind in
        [FORM, "application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded"]
    {
        let reply = raw(&app, kind, "grant_type=client_credentials").await;
        assert_eq!(reply.status, 200, "{kind}: {}", reply.body);
    }
}

#[tokio::test]
async fn rfc6749_section_2_3_1_parameters_in_the_url_are_refused() {
    let app = world().await;
    let fields = [("grant_type", "client_credentials")];
    for query in [
        "grant_type=client_credentials",
        "client_id=service&client_secret=x",
        "client_secret=x",
        "scope=read",
        "code=x",
        "refresh_token=x",
        "code_verifier=x",
        "resource=x",
        "token=x",
        "client%5Fsecret=x",
    ] {
        let path = format!("/oauth/token?{query}");
        assert_refused(
            &app.post(&path, Some(("service", CLIENT_SECRET)), &fields).await,
            400,
            "invalid_request",
            query,
        );
    }
    let reply = app.post("/oauth/token?utm=x", Some(("service", CLIENT_SECRET)), &fields).await;
    assert_eq!(reply.status, 200, "what means nothing may stand anywhere: {}", reply.body);
}

#[tokio::test]
async fn rfc6749_section_3_2_only_post_gives_tokens() {
    let app = world().await;
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
        let call = app.call(method, "/oauth/token?grant_type=client_credentials");
        let reply = call.basic("service", CLIENT_SECRET).send().await;
        assert_eq!(reply.status, 405, "{method}");
        let mut allow: Vec<_> = reply.header("allow").split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow, ["OPTIONS", "POST"], "{method}");
        if method != "HEAD" {
            assert_refused(&reply, 405, "invalid_request", method);
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read() {
    let app = world().await;
    let body = format!("grant_type=client_credentials&x={}", "a".repeat(64 * 1024));
    assert_refused(&raw(&app, FORM, body).await, 413, "invalid_request", "64 KiB and some");
    let body = format!("grant_type=client_credentials&x={}", "a".repeat(60 * 1024));
    assert_eq!(raw(&app, FORM, body).await.status, 200, "60 KiB");
}

#[tokio::test]
async fn rfc6749_section_5_2_no_refusal_repeats_what_was_sent() {
    let app = world().await;
    let marker = "marker-of-this-test";
    for body in [
        format!("grant_type={marker}"),
        format!("grant_type=client_credentials&scope={marker}"),
        format!("grant_type=client_credentials&resource=https://{marker}"),
        format!("grant_type=client_credentials&client_id={marker}"),
        format!("grant_type=client_credentials&client_secret={marker}"),
    ] {
        let reply = raw(&app, FORM, body.clone()).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(!reply.body.contains(marker), "{body}: {}", reply.body);
        assert!(reply.headers.values().all(|value| !value.to_str().unwrap().contains(marker)), "{body}");
    }
    let reply = app.get(&format!("/{marker}?{marker}")).await;
    assert_eq!(reply.status, 404);
    assert!(!reply.body.contains(marker), "{}", reply.body);
}
