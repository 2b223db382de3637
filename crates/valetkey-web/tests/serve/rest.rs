//! Fault R14: a connection that idles gives its buffers back, and loses nothing by that.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use valetkey_web::serve::{Drained, Limits};

use crate::support::{GET_WHO, SOON, limits, start};

/// As long as a server takes to close a connection that says nothing: an idle one rests by then.
async fn a_while() {
    let other = start(Limits { header_timeout: SOON, ..limits() }).await;
    assert_eq!(other.connect().await.rest().await, "");
}

#[tokio::test]
async fn a_connection_that_rested_is_answered_as_before() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send(GET_WHO).await;
        assert_eq!(client.answer().await.status(), 200);
        a_while().await;
        client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello").await;
        assert_eq!(client.answer().await.body, "hello");
        a_while().await;
    }
}

#[tokio::test]
async fn half_a_request_that_came_with_the_one_before_is_not_lost() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    let (half, other) = GET_WHO.split_at(9);
    client.send(&format!("{GET_WHO}{half}")).await;
    assert_eq!(client.answer().await.status(), 200);
    a_while().await;
    client.send(other).await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn half_a_request_that_came_with_the_one_before_has_the_time_of_a_header() {
    let server = start(Limits { header_timeout: SOON, ..limits() }).await;
    let mut client = server.connect().await;
    client.send(&format!("{GET_WHO}GET /wh")).await;
    assert_eq!(client.answer().await.status(), 200);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn the_rest_of_a_body_that_nobody_read_is_never_taken_for_a_request() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    let unread = format!("{GET_WHO}{GET_WHO}");
    let length = unread.len() + 4;
    client.send(&format!("POST /who HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\nhalf")).await;
    assert_eq!(client.answer().await.status(), 405);
    a_while().await;
    client.send(&unread).await;
    assert_eq!(client.rest().await, "", "an answer to what was a body");
}

#[tokio::test]
async fn a_connection_that_rested_is_closed_at_the_idle_timeout() {
    let server = start(Limits { idle_timeout: SOON * 3, ..limits() }).await;
    let mut client = server.connect().await;
    client.send(GET_WHO).await;
    assert_eq!(client.answer().await.status(), 200);
    assert_eq!(client.rest().await, "");
    server.drain.begin();
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_connection_that_rested_is_closed_by_a_drain() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    client.send(GET_WHO).await;
    assert_eq!(client.answer().await.status(), 200);
    a_while().await;
    server.drain.begin();
    assert_eq!(client.rest().await, "");
    assert_eq!(server.ended.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_connection_that_rested_can_become_another_protocol() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    for rests in [true, false] {
        client.send(GET_WHO).await;
        assert_eq!(client.answer().await.status(), 200);
        if rests {
            a_while().await;
        }
    }
    let asked = "GET /upgrade HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: twice\r\n\r\nwell";
    client.send(asked).await;
    assert_eq!(client.answer().await.status(), 101);
    let mut said = [0; 8];
    client.0.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"wellwell");
}

#[tokio::test]
async fn an_upgrade_that_is_not_taken_up_changes_nothing() {
    let server = start(limits()).await;
    let mut client = server.connect().await;
    for _ in 0..2 {
        client
            .send(
                "GET /who HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n",
            )
            .await;
        assert_eq!(client.answer().await.status(), 200);
        a_while().await;
    }
    client.0.shutdown().await.unwrap();
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn the_first_request_may_come_byte_by_byte() {
    let server = start(limits()).await;
    for request in [GET_WHO, "PRI /who HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut client = server.connect().await;
        for byte in request.chars() {
            client.send(&byte.to_string()).await;
        }
        assert!([200, 405].contains(&client.answer().await.status()), "{request}");
    }
}
