//! Fault R16: the end of the process cuts nobody off who was accepted.

use std::io::{ErrorKind, Read, Write};

use tokio::net::TcpStream;
use valetkey_web::serve::{Drained, Limits};

use crate::support::{GET_WHO, NEVER, SOON, limits, settle, start};

const GET_HOLD: &str = "GET /hold HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn a_drain_finishes_what_runs_and_refuses_what_is_new() {
    let server = start(Limits { drain_idle: SOON, ..limits() }).await;
    let mut client = server.connect().await;
    client.send(GET_HOLD).await;
    server.gates.held.acquire().await.unwrap().forget();
    server.drain.begin();
    settle().await;
    let refused = TcpStream::connect(server.address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    server.gates.release.add_permits(1);
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.header("connection")), (200, Some("close")));
    assert_eq!(client.rest().await, "");
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_request_in_flight_outlives_the_idle_time_of_the_drain() {
    let server = start(Limits { drain_idle: SOON, ..limits() }).await;
    let (mut working, mut idle) = (server.connect().await, server.connect().await);
    idle.send(GET_WHO).await;
    idle.answer().await;
    working.send(GET_HOLD).await;
    server.gates.held.acquire().await.unwrap().forget();
    server.drain.begin();
    assert_eq!(idle.rest().await, "", "an idle connection is closed");
    server.gates.release.add_permits(1);
    assert_eq!(working.answer().await.status(), 200);
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn an_idle_connection_may_speak_once_more_while_draining() {
    let server = start(Limits { drain_idle: NEVER, ..limits() }).await;
    let mut client = server.connect().await;
    client.send(GET_WHO).await;
    assert_eq!(client.answer().await.header("connection"), None);
    server.drain.begin();
    settle().await;
    client.send(GET_WHO).await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.header("connection")), (200, Some("close")));
    assert_eq!(client.rest().await, "");
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn connections_still_in_the_backlog_are_served_before_the_listener_closes() {
    let server = start(limits()).await;
    settle().await;
    // This thread runs the server too, so nothing is accepted between these lines.
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let mut client = std::net::TcpStream::connect(server.address).unwrap();
            client.write_all(GET_WHO.as_bytes()).unwrap();
            client
        })
        .collect();
    server.drain.begin();
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 0 });
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn what_does_not_end_is_cut_at_the_drain_timeout() {
    let server = start(Limits { drain_timeout: SOON, ..limits() }).await;
    let mut client = server.connect().await;
    client.send(GET_HOLD).await;
    server.gates.held.acquire().await.unwrap().forget();
    server.drain.begin();
    assert_eq!(client.rest().await, "");
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 1 });
}

#[tokio::test]
async fn an_abort_cuts_at_once() {
    let server = start(Limits { drain_idle: NEVER, ..limits() }).await;
    let mut client = server.connect().await;
    client.send(GET_HOLD).await;
    server.gates.held.acquire().await.unwrap().forget();
    server.drain.begin();
    settle().await;
    server.drain.abort();
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 1 });
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_drain_without_connections_ends_at_once() {
    let server = start(Limits { drain_idle: NEVER, ..limits() }).await;
    server.drain.begin();
    server.drain.begin();
    assert!(server.drain.is_draining());
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 0 });
}
