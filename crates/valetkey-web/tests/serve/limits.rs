//! Faults R13 and R14: slow, silent, idle, too big and too many.

use std::time::Instant;

use valetkey_web::serve::Limits;

use crate::support::{GET_WHO, NEVER, SOON, limits, start};

#[tokio::test]
async fn a_silent_connection_is_closed_at_the_header_timeout() {
    let server = start(Limits { header_timeout: SOON, ..limits() }).await;
    let begun = Instant::now();
    assert_eq!(server.connect().await.rest().await, "");
    // Pulses count whole milliseconds.
    assert!(begun.elapsed().as_millis() + 1 >= SOON.as_millis(), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn headers_that_never_end_are_closed_at_the_header_timeout() {
    let server = start(Limits { header_timeout: SOON, ..limits() }).await;
    let mut client = server.connect().await;
    client.send("GET /who HTTP/1.1\r\nhost: x\r\n").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_slow_second_request_is_closed_at_the_header_timeout_not_the_idle_one() {
    let server = start(Limits { header_timeout: SOON, idle_timeout: NEVER, ..limits() }).await;
    let mut client = server.connect().await;
    client.send(GET_WHO).await;
    assert_eq!(client.answer().await.status(), 200);
    client.send("G").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn an_idle_keep_alive_connection_is_closed_at_the_idle_timeout() {
    let server = start(Limits { idle_timeout: SOON, ..limits() }).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send(GET_WHO).await;
        assert_eq!(client.answer().await.status(), 200);
    }
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_handler_at_work_is_not_idle() {
    let server = start(Limits { header_timeout: SOON, idle_timeout: SOON, ..limits() }).await;
    let mut working = server.connect().await;
    working.send("GET /hold HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.gates.held.acquire().await.unwrap().forget();
    // Two others come and time out meanwhile.
    assert_eq!(server.connect().await.rest().await, "");
    assert_eq!(server.connect().await.rest().await, "");
    server.gates.release.add_permits(1);
    assert_eq!(working.answer().await.body, "released");
}

#[tokio::test]
async fn a_request_that_never_ends_is_closed_at_the_request_timeout() {
    let server = start(Limits { request_timeout: SOON, ..limits() }).await;
    let mut client = server.connect().await;
    client.send("GET /hold HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_stalled_body_is_answered_408_and_closed() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf").await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 408);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(answer.body.contains(r#""error":"invalid_request""#), "{}", answer.body);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_closed_at_the_idle_timeout() {
    let server = start(Limits { idle_timeout: SOON, ..limits() }).await;
    let mut client = server.connect().await;
    client.send("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.gates.dropped.acquire().await.unwrap().forget();
}

#[tokio::test]
async fn headers_above_the_limit_are_answered_431() {
    let server = start(limits()).await;
    for length in [9_000, 200_000] {
        let cookie = "c".repeat(length);
        let answer = server.ask(&format!("GET /who HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n")).await;
        assert_eq!(answer.status(), 431, "{length}");
    }
    let cookie = "c".repeat(7_000);
    let answer = server.ask(&format!("GET /who HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n")).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_body_above_the_limit_is_answered_413_even_to_a_client_still_sending() {
    let server = start(limits()).await;
    let body = "b".repeat(300_000);
    for request in [
        format!("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
        format!(
            "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}",
            body.len()
        ),
    ] {
        let answer = server.ask(&request).await;
        assert_eq!(answer.status(), 413);
        assert_eq!(answer.header("connection"), Some("close"));
    }
    let fits = "b".repeat(1024);
    let answer =
        server.ask(&format!("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1024\r\n\r\n{fits}")).await;
    assert_eq!((answer.status(), answer.body), (200, fits));
}

#[tokio::test]
async fn a_body_in_many_small_pieces_is_read_whole() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for _ in 0..5 {
        client.send("3\r\nabc\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.answer().await.body, "abcabcabcabcabc");
    client.send(GET_WHO).await;
    assert_eq!(client.answer().await.status(), 200, "the connection lives on");
}

#[tokio::test]
async fn connections_above_the_cap_are_refused_at_once_and_a_place_that_frees_is_given() {
    let server = start(Limits { max_connections: 2, ..limits() }).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for client in [&mut first, &mut second] {
        client.send(GET_WHO).await;
        assert_eq!(client.answer().await.status(), 200);
    }
    let refused = server.connect().await.rest().await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 1"), "{refused}");
    first.send("GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    first.rest().await;
    drop(first);
    // The place frees when the server has seen the other end close; until then the answer is the refusal.
    loop {
        let mut third = server.connect().await;
        third.send(GET_WHO).await;
        if third.answer().await.status() == 200 {
            break;
        }
    }
    let management = start(limits()).await;
    assert_eq!(management.ask(GET_WHO).await.status(), 200, "another listener has places of its own");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    client.send(&format!("{GET_WHO}GET /things/1 HTTP/1.1\r\nhost: x\r\n\r\n{GET_WHO}")).await;
    assert!(client.answer().await.body.starts_with("127.0.0.1 "));
    assert_eq!(client.answer().await.body, "a thing");
    assert!(client.answer().await.body.starts_with("127.0.0.1 "));
}

#[tokio::test]
async fn a_client_may_close_its_sending_side_and_still_be_answered() {
    use tokio::io::AsyncWriteExt;
    let server = start(limits()).await;
    let mut client = server.connect().await;
    client.send("GET /hold HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.0.shutdown().await.unwrap();
    server.gates.held.acquire().await.unwrap().forget();
    server.gates.release.add_permits(1);
    assert_eq!(client.answer().await.body, "released");
}
