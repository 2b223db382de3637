//! Upstreams of every kind: slow ones, ones behind TLS, and ones that never end an answer.

use crate::support::World;
use crate::visitor::Browser;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

/// An API that speaks TLS, shows a certificate for `name`, and says hello; its address, and its certificate in `file`.
fn secure(name: &str, file: &Path) -> String {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    std::fs::write(file, cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config =
        Arc::new(config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            hello(StreamOwned::new(connection, stream.unwrap()));
        }
    });
    url
}

fn hello(mut stream: StreamOwned<ServerConnection, TcpStream>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    let _ = stream.write_all(answer).and_then(|()| stream.flush());
}

#[test]
fn an_https_upstream_must_show_a_certificate_that_counts() {
    let directory = tempfile::tempdir().unwrap();
    let (good, wrong, strange) = (
        directory.path().join("good.pem"),
        directory.path().join("wrong.pem"),
        directory.path().join("strange.pem"),
    );
    let (ours, misnamed, stranger) =
        (secure("localhost", &good), secure("other.example", &wrong), secure("localhost", &strange));
    let both = directory.path().join("both.pem");
    let read = |path| std::fs::read_to_string(path).unwrap();
    std::fs::write(&both, format!("{}{}", read(&good), read(&wrong))).unwrap();
    let world = World::start_with(&[], &[("VALETKEY__GATEWAY__CA_FILE", both.to_str().unwrap())], &[]);
    let token = world.token("read");
    for (n, (upstream, want)) in [(ours, 200), (misnamed, 502), (stranger, 502)].into_iter().enumerate() {
        world.cli(&["api", "update", "things", "--upstream", &upstream]).unwrap();
        world.follow(&format!("upstream-{n}"));
        let reply = world.get_with("/things/x", &token);
        assert_eq!(reply.status, want, "{upstream}: {reply:?}");
        assert_eq!(reply.body.contains("hello"), want == 200, "{reply:?}");
    }
}

#[test]
fn an_upstream_that_does_not_answer_in_time_is_a_504_in_words() {
    let world = World::start_with(&[], &[("VALETKEY__GATEWAY__RESPONSE_TIMEOUT", "1s")], &[]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", silent.local_addr().unwrap());
    let token = world.token("read");
    world.cli(&["api", "update", "things", "--upstream", &upstream]).unwrap();
    world.follow("silent");
    let reply = world.get_with("/things/x", &token);
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (504, Some("application/problem+json")),
        "{reply:?}"
    );
    assert!(!reply.body.contains("127.0.0.1"), "{}", reply.body);
}

/// A stream that was let in, as far as the first event.
fn events(world: &World, headers: &str) -> TcpStream {
    let mut stream = world.connect();
    let raw = format!("GET /things/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(raw.as_bytes()).unwrap();
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("data: first one\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{text}");
        text.push(char::from(byte[0]));
    }
    stream
}

#[test]
fn an_answer_without_an_end_ends_with_what_let_it_in() {
    let world = World::start_with(&["GET /events read", "GET /socket read"], &[], &["--browser"]);
    let (dead, live) = (world.token("read"), world.token("read"));
    let mut browser = Browser::default();
    browser.arrive(&world, "/things/socket");
    let mut by_token = events(&world, &format!("Authorization: Bearer {dead}\r\n"));
    let mut by_session = events(&world, &browser.header("/things/events"));
    let socket = |token: &str| {
        let mut stream = world.connect();
        let raw = format!(
            "GET /things/socket HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\nUpgrade: \
             websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(raw.as_bytes()).unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            assert_eq!(stream.read(&mut byte).unwrap(), 1);
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        stream
    };
    let (mut dead_socket, mut live_socket) = (socket(&dead), socket(&live));
    world.cli(&["token", "revoke", &dead]).unwrap();
    browser.send(&world, "POST /things/.valetkey/sign-out", "Sec-Fetch-Site: same-origin\r\n", "");
    let mut rest = String::new();
    by_token.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "an event stream ends in order: {rest:?}");
    by_session.read_to_string(&mut rest).unwrap();
    assert_eq!(dead_socket.read(&mut [0]).unwrap_or(0), 0, "the connection is closed");
    live_socket.write_all(b"a").unwrap();
    let mut echo = [0];
    assert_eq!((live_socket.read(&mut echo).unwrap(), echo), (1, *b"A"), "another token's goes on");
}
