//! What every answer carries, and the answers no handler gave.

use valetkey_web::layer::client_addr::{ForwardingHeader, TrustedProxies};
use valetkey_web::layer::{EdgeSettings, panics};

use crate::support::{GET_WHO, limits, start, start_with};

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    panics::install_hook();
    let settings = EdgeSettings { https: true, ..EdgeSettings::new([1; 16]) };
    let server = start_with(limits(), settings);
    for (request, status) in [
        ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", 200),
        (GET_WHO, 200),
        ("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n", 404),
        ("DELETE /who HTTP/1.1\r\nhost: x\r\n\r\n", 405),
        ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n", 413),
        ("POST /panic HTTP/1.1\r\nhost: x\r\n\r\n", 500),
    ] {
        let answer = server.ask(request).await;
        assert_eq!(answer.status(), status, "{request}");
        for (name, want) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(want), "{name} of {request}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(answer.header("permissions-policy").is_some());
        assert_eq!(answer.header("x-request-id").unwrap().len(), 16);
    }
}

#[tokio::test]
async fn only_supported_methods_are_answered_and_the_rest_is_named() {
    let server = start(limits()).await;
    for (method, path) in [("DELETE", "/who"), ("POST", "/who"), ("TRACE", "/who"), ("BREW", "/who")] {
        let answer = server.ask(&format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(!answer.body.contains(method), "no input comes back: {}", answer.body);
    }
    let answer = server.ask("GET /echo HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!((answer.status(), answer.header("allow")), (405, Some("POST")));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.body.contains(r#""error":"invalid_request""#), "{}", answer.body);
}

#[tokio::test]
async fn an_unknown_path_is_a_page_for_browsers_and_a_problem_for_programs() {
    let server = start(limits()).await;
    let page = server.ask("GET /x%3Cscript%3E HTTP/1.1\r\nhost: x\r\naccept: text/html\r\n\r\n").await;
    assert_eq!((page.status(), page.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert!(page.body.contains(page.header("x-request-id").unwrap()), "{}", page.body);
    assert!(!page.body.contains("script"));
    let problem = server.ask("GET /x HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert!(problem.body.contains(problem.header("x-request-id").unwrap()), "{}", problem.body);
}

#[tokio::test]
async fn a_panic_costs_one_request_a_clean_500() {
    panics::install_hook();
    let server = start(limits()).await;
    let mut client = server.connect().await;
    client.send("POST /panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.header("content-type")), (500, Some("application/json")));
    assert!(answer.body.contains(r#""error":"server_error""#), "{}", answer.body);
    assert!(!answer.body.contains("literal") && !answer.body.contains(".rs"), "{}", answer.body);
    client.send(GET_WHO).await;
    assert_eq!(client.answer().await.status(), 200, "the connection and the process live on");
}

#[tokio::test]
async fn handlers_see_the_request_id_that_the_answer_carries_and_no_two_are_alike() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..10 {
        client.send("GET /who HTTP/1.1\r\nhost: x\r\nx-request-id: chosen-by-the-client\r\n\r\n").await;
        let answer = client.answer().await;
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(answer.body, format!("127.0.0.1 {id}"));
        assert!(seen.insert(id.to_owned()));
    }
}

#[tokio::test]
async fn rfc9700_4_13_forwarding_headers_count_from_trusted_proxies_only() {
    let request = "GET /who HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 1.1.1.1, 198.51.100.7\r\n\r\n";
    let server = start(limits()).await;
    assert!(server.ask(request).await.body.starts_with("127.0.0.1 "));
    let ranges = vec!["127.0.0.0/8".parse().unwrap()];
    let trusted_proxies = TrustedProxies { ranges, header: ForwardingHeader::XForwardedFor };
    let server = start_with(limits(), EdgeSettings { trusted_proxies, ..EdgeSettings::new([1; 16]) });
    assert!(server.ask(request).await.body.starts_with("198.51.100.7 "));
}

#[tokio::test]
async fn asvs_4_2_messages_are_framed_by_one_rule() {
    let server = start(limits()).await;
    for request in [
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: +3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: identity\r\n\r\nabc",
        "POST /echo HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /who HTTP/1.1\r\nhost : x\r\n\r\n",
    ] {
        assert_eq!(server.ask(request).await.status(), 400, "{request}");
    }
}

#[tokio::test]
async fn rfc9112_section_3_2_a_request_without_one_host_is_refused_and_its_connection_closed() {
    let server = start(limits()).await;
    for (head, status) in [
        ("GET /who HTTP/1.1\r\nhost: x\r\n\r\n", 200),
        ("GET /who HTTP/1.1\r\nHost: x:1\r\n\r\n", 200),
        ("GET /who HTTP/1.1\r\n\r\n", 400),
        ("GET /who HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400),
        ("GET /who HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n", 400),
        ("GET /who HTTP/1.1\r\nhost: x, y\r\n\r\n", 400),
        ("GET /who HTTP/1.1\r\nhost: x/y\r\n\r\n", 400),
        ("GET /nowhere HTTP/1.1\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\ncontent-length: 2\r\n\r\nok", 400),
        ("GET /who HTTP/1.0\r\n\r\n", 200),
    ] {
        let answer = server.ask(head).await;
        assert_eq!(answer.status(), status, "{head}");
        assert_eq!(answer.header("x-request-id").map(str::len), Some(16), "{head}");
        if status == 400 {
            assert_eq!(answer.header("connection"), Some("close"), "{head}");
        }
    }
}
