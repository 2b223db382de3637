//! ASVS 3.4, 4.1.4 — what every answer carries, whatever the route and the method

use crate::routes::{address, app, methods};
use crate::support::{assert_error_page, assert_refused, furnish};
use valetkey_testkit::{Browser, Reply, TestApp};
use valetkey_web::layer::routes::Form;
use valetkey_web::router::ROUTES;

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

#[tokio::test]
async fn asvs_4_1_4_only_the_methods_of_a_route_are_answered_and_the_405_names_them() {
    let app = app().await;
    for route in &ROUTES {
        let path = address(&app, route).await;
        let own = methods(&app, &path).await;
        assert!(own.contains("GET") || own.contains("POST"), "{path}: {own:?}");
        assert_eq!(own.contains("GET"), own.contains("HEAD"), "{path}: {own:?}");
        for method in METHODS {
            let reply = app.call(method, &path).send().await;
            assert_eq!(reply.status != 405, own.contains(method), "{method} {path}: {}", reply.status);
            if reply.status == 405 && method != "HEAD" {
                match route.form {
                    Form::Page => assert_error_page(&reply, 405, "does not work that way", &path),
                    Form::Protocol => assert_refused(&reply, 405, "invalid_request", &path),
                    // RFC 9457 §3.
                    Form::Rest => {
                        assert_eq!(reply.header("content-type"), "application/problem+json", "{path}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn rfc9110_section_9_3_2_head_is_get_without_its_body() {
    let app = app().await;
    for route in &ROUTES {
        let path = address(&app, route).await;
        if !methods(&app, &path).await.contains("GET") {
            continue;
        }
        let (get, head) = (app.call("GET", &path).send().await, app.call("HEAD", &path).send().await);
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        for name in
            ["content-type", "cache-control", "content-security-policy", "location", "www-authenticate"]
        {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

#[track_caller]
fn assert_headers(reply: &Reply, case: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(reply.header(name), value, "{case}");
    }
    assert_eq!(reply.header("x-request-id").len(), 16, "{case}");
    assert!(!reply.header("permissions-policy").is_empty(), "{case}");
    let csp = reply.header("content-security-policy");
    for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(csp.contains(directive), "{case}: {csp}");
    }
    assert!(!csp.contains("unsafe") && !csp.contains('*') && !csp.contains("data:"), "{case}: {csp}");
    for name in ["server", "x-powered-by", "via", "access-control-allow-credentials"] {
        assert!(reply.headers.get(name).is_none(), "{case}: {name}");
    }
    for name in reply.headers.keys() {
        let times = reply.headers.get_all(name).iter().count();
        // RFC 9110 §11.6.1: a challenge for each scheme.
        let several = name == "set-cookie" || name == "www-authenticate";
        assert!(times == 1 || several, "{case}: {name} stands there {times} times");
    }
}

#[tokio::test]
async fn asvs_3_4_every_answer_carries_the_security_headers_and_only_public_files_are_kept() {
    let app = app().await;
    let mut paths =
        vec!["/nowhere".to_owned(), "/account/".to_owned(), "//".to_owned(), "/login/x".to_owned()];
    for route in &ROUTES {
        paths.push(address(&app, route).await);
    }
    for path in paths {
        for method in METHODS {
            let reply = app.call(method, &path).send().await;
            let case = format!("{method} {path}");
            // The one page that applications must be able to frame: session_management.rs.
            let framed = path == "/oauth/session" && reply.status == 200;
            if !framed {
                assert_headers(&reply, &case);
            }
            let kept = [
                ("/.well-known/", "public, max-age=300"),
                ("/oauth/jwks", "public, max-age=300"),
                ("/oauth/session", "public, max-age=300"),
                ("/assets/", "public, max-age=31536000, immutable"),
                ("/favicon.ico", "public, max-age=86400"),
            ];
            let kept = kept.iter().find(|(start, _)| reply.status == 200 && path.starts_with(start));
            assert_eq!(reply.header("cache-control"), kept.map_or("no-store", |(_, value)| value), "{case}");
        }
    }
}

#[tokio::test]
async fn a_signed_in_persons_pages_and_a_clients_tokens_are_not_kept_either() {
    let app = app().await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    for reply in [
        browser.get("/account").await,
        browser.get("/").await,
        browser.authorize(&Browser::request("app", "read")).await,
        app.token("service", &[("grant_type", "client_credentials")]).await,
    ] {
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"));
        assert_headers(&reply, &reply.body);
    }
    let plain = furnish(TestApp::builder().issuer("http://localhost:8080")).await;
    assert_eq!(
        plain.get("/login").await.header("strict-transport-security"),
        "",
        "http has nothing to keep to"
    );
}
