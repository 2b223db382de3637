//! HTTP/2 without TLS, by preface: same limits, same drain.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinHandle;
use valetkey_web::serve::{Drained, Limits};

use crate::support::{Running, SOON, limits, start};

async fn connect(server: &Running) -> (SendRequest<Body>, JoinHandle<hyper::Result<()>>) {
    let stream = server.connect().await.0;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn request(path: &str, body: &'static str) -> Request<Body> {
    let method = if path == "/echo" { "POST" } else { "GET" };
    Request::builder().method(method).uri(format!("http://x{path}")).body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let server = start(limits()).await;
    let (mut sender, _connection) = connect(&server).await;
    let echoed = sender.send_request(request("/echo", "hello")).await.unwrap();
    assert_eq!(echoed.headers()["x-frame-options"], "DENY");
    assert_eq!(echoed.into_body().collect().await.unwrap().to_bytes(), "hello");
    let (a, b) =
        (sender.send_request(request("/who", "")), sender.clone().send_request(request("/things/1", "")));
    let (a, b) = tokio::join!(a, b);
    assert_eq!((a.unwrap().status(), b.unwrap().status()), (StatusCode::OK, StatusCode::OK));
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_at_the_header_timeout() {
    let server = start(Limits { header_timeout: SOON, ..limits() }).await;
    let (_sender, connection) = connect(&server).await;
    let _ = connection.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_is_closed_at_the_idle_timeout() {
    let server = start(Limits { idle_timeout: SOON, ..limits() }).await;
    let (mut sender, connection) = connect(&server).await;
    assert_eq!(sender.send_request(request("/who", "")).await.unwrap().status(), StatusCode::OK);
    connection.await.unwrap().expect("a farewell, not a broken connection");
}

#[tokio::test]
async fn a_stalled_body_is_answered_408() {
    let server = start(limits()).await;
    let (mut sender, _connection) = connect(&server).await;
    let never = Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    let stalled = Request::post("http://x/echo").body(never).unwrap();
    assert_eq!(sender.send_request(stalled).await.unwrap().status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_drain_finishes_the_streams_that_are_open() {
    let server = start(limits()).await;
    let (mut sender, connection) = connect(&server).await;
    let held = sender.send_request(request("/hold", ""));
    let release = async {
        server.gates.held.acquire().await.unwrap().forget();
        server.drain.begin();
        server.gates.release.add_permits(1);
    };
    let (held, ()) = tokio::join!(held, release);
    let body = held.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "released");
    drop(sender);
    let _ = connection.await.unwrap();
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 0 });
}
