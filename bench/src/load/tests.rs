//! The load generator against a small server of blocking threads.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;
use crate::exchange::Fixed;
use crate::http;

/// Answers every request of every connection with `answer`, one read a request.
fn server(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("accepted");
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                    stream.write_all(answer).expect("the generator reads");
                }
            });
        }
    });
    address
}

fn party(connections: usize, rate: Option<f64>) -> Party {
    let request = http::post("localhost", "/", "", "a=1");
    let exchanges = (0..connections).map(|_| Fixed::boxed(&request, "yes")).collect();
    Party { exchanges, rate }
}

const YES: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes";

#[test]
fn runs_follow_one_another_on_the_same_connections() {
    let mut load = Load::connect(server(YES), vec![party(4, None)]).expect("connects");
    for _ in 0..2 {
        let sample = load.run(Duration::from_millis(50)).expect("runs").remove(0);
        assert!(sample.units() > 0);
        assert_eq!((sample.errors, sample.answer_bytes), (0, 3));
        assert!(sample.latency.quantile(0.99) > Duration::ZERO);
    }
}

#[test]
fn an_unexpected_answer_is_an_error_and_ends_its_connection() {
    let refused = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nyes";
    let mut load = Load::connect(server(refused), vec![party(3, None)]).expect("connects");
    let sample = load.run(Duration::from_mins(1)).expect("ends when no connection is left").remove(0);
    assert_eq!((sample.units(), sample.errors), (0, 3));
    assert!(sample.first_error.is_some_and(|error| error.contains("503")));
}

#[test]
fn a_connection_the_server_closes_after_an_answer_is_opened_again() {
    let closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 3\r\n\r\nyes";
    let mut load = Load::connect(server(closing), vec![party(1, None)]).expect("connects");
    let sample = load.run(Duration::from_millis(50)).expect("runs").remove(0);
    assert!(sample.units() > 1);
    assert_eq!(sample.errors, 0);
}

#[test]
fn a_paced_party_keeps_its_rate_beside_one_at_full_speed() {
    let mut load = Load::connect(server(YES), vec![party(2, None), party(4, Some(100.0))]).expect("connects");
    let samples = load.run(Duration::from_millis(200)).expect("runs");
    assert!(samples[0].units() > 0);
    assert!((1..=21).contains(&samples[1].units()), "{} units at 100/s in 0.2 s", samples[1].units());
}
