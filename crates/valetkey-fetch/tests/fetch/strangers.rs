//! What strangers can make us ask: few questions to one host, and none again while it fails

use crate::server::{Hand, Server, answer, document, local};
use std::sync::Arc;
use std::time::Duration;
use valetkey_core::outbound::{Fetcher, Unfetched, Wanted};
use valetkey_fetch::{Guarded, Limits, Policy};

fn file(url: &str, kept: bool) -> Wanted<'_> {
    Wanted { url, accept: "image/png", limit: 100, kept }
}

#[tokio::test]
async fn one_slow_host_of_a_stranger_takes_a_few_places_and_leaves_the_rest() {
    let slow = Server::start(vec!["…".to_owned()]).await;
    let quick = Server::start(vec![document("", "{}")]).await;
    let policy = Policy { allowed: Policy::loopback().to_vec() };
    let limits = Limits { total: Duration::from_mins(1), ..Limits::default() };
    let fetcher = Arc::new(Guarded::new(policy, limits, None, Arc::<Hand>::default()).unwrap());
    let strangers: Vec<_> = (0..200)
        .map(|nth| {
            let (fetcher, url) = (Arc::clone(&fetcher), format!("{}?{nth}", slow.url()));
            tokio::spawn(async move { fetcher.strangers_file(&file(&url, nth % 2 == 0)).await })
        })
        .collect();
    while slow.asked().len() < 8 {
        tokio::task::yield_now().await;
    }
    let other = quick.url().replace("127.0.0.1", "localhost");
    assert!(fetcher.strangers_document(&other, 100).await.is_ok(), "another host's place is free");
    assert_eq!(slow.asked().len(), 8);
    for stranger in strangers {
        stranger.abort();
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_asked_for_again_after_a_minute() {
    for (bad, why) in [
        (answer("404 Not Found", "", ""), Unfetched::Status(404)),
        (answer("302 Found", "location: /x\r\n", ""), Unfetched::Redirected),
        (answer("200 OK", "content-type: image/png\r\n", &"x".repeat(101)), Unfetched::TooLarge),
    ] {
        let clock = Arc::new(Hand::default());
        let server = Server::start(vec![bad, answer("200 OK", "content-type: image/png\r\n", "x")]).await;
        let (fetcher, url) = (local(&clock), server.url());
        for _ in 0..3 {
            assert_eq!(fetcher.strangers_file(&file(&url, true)).await, Err(why));
            clock.advance(19);
        }
        assert_eq!(server.asked().len(), 1);
        clock.advance(4);
        assert!(fetcher.strangers_file(&file(&url, true)).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_read_anew_each_time_leaves_a_server_that_is_away_alone_for_a_moment() {
    let clock = Arc::new(Hand::default());
    let fetcher = local(&clock);
    let good = Server::start(vec![answer("404 Not Found", "", ""), answer("200 OK", "", "x")]).await;
    assert_eq!(fetcher.strangers_file(&file(&good.url(), false)).await, Err(Unfetched::Status(404)));
    for _ in 0..2 {
        assert!(fetcher.strangers_file(&file(&good.url(), false)).await.is_ok());
    }
    assert_eq!(good.asked().len(), 3);
    let late = Server::start(vec!["…".to_owned()]).await;
    for _ in 0..3 {
        assert_eq!(fetcher.strangers_file(&file(&late.url(), false)).await, Err(Unfetched::Late));
    }
    assert_eq!(late.asked().len(), 1);
    clock.advance(6);
    assert_eq!(fetcher.strangers_file(&file(&late.url(), false)).await, Err(Unfetched::Late));
    assert_eq!(late.asked().len(), 2);
}
