//! RFC 9111 — what is kept, for how long, and that many who ask at once are one

use crate::server::{Hand, Server, answer, document, local};
use std::sync::Arc;
use valetkey_core::outbound::{Fetcher, Unfetched};

#[tokio::test]
async fn a_document_is_kept_while_it_is_fresh_and_asked_for_again_after() {
    let clock = Arc::new(Hand::default());
    let server = Server::start(vec![
        document("cache-control: max-age=60\r\n", "{\"a\":1}"),
        document("", "{\"a\":2}"),
    ])
    .await;
    let fetcher = local(&clock);
    for _ in 0..3 {
        assert_eq!(&*fetcher.document(&server.url(), 100).await.unwrap(), b"{\"a\":1}");
        clock.advance(19);
    }
    assert_eq!(server.asked().len(), 1);
    clock.advance(3);
    assert_eq!(&*fetcher.document(&server.url(), 100).await.unwrap(), b"{\"a\":2}");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn fifty_who_ask_at_once_are_one_question() {
    let clock = Arc::new(Hand::default());
    let server = Server::start(vec![document("cache-control: no-store\r\n", "{}")]).await;
    let fetcher = local(&clock);
    let url = server.url();
    let all = futures_util::future::join_all((0..50).map(|_| fetcher.document(&url, 100))).await;
    assert!(all.into_iter().all(|one| one.as_deref() == Ok(b"{}".as_slice())));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_error_answer_is_never_kept_and_an_absent_server_only_for_a_moment() {
    let clock = Arc::new(Hand::default());
    let server = Server::start(vec![
        answer("500 Oops", "content-type: application/json\r\n", "{}"),
        document("", "{}"),
    ])
    .await;
    let fetcher = local(&clock);
    assert_eq!(fetcher.document(&server.url(), 100).await, Err(Unfetched::Status(500)));
    assert!(fetcher.document(&server.url(), 100).await.is_ok());

    let late = Server::start(vec!["…".to_owned()]).await;
    for _ in 0..3 {
        assert_eq!(fetcher.document(&late.url(), 100).await, Err(Unfetched::Late));
    }
    assert_eq!(late.asked().len(), 1);
    clock.advance(6);
    assert_eq!(fetcher.document(&late.url(), 100).await, Err(Unfetched::Late));
    assert_eq!(late.asked().len(), 2);
}

#[tokio::test]
async fn a_document_is_let_go_of_on_wish_but_not_in_a_stream() {
    let clock = Arc::new(Hand::default());
    let server = Server::start(vec![document("", "{}")]).await;
    let fetcher = local(&clock);
    for _ in 0..5 {
        fetcher.document(&server.url(), 100).await.unwrap();
        fetcher.forget(&server.url());
    }
    assert_eq!(server.asked().len(), 1);
    clock.advance(11);
    fetcher.forget(&server.url());
    fetcher.document(&server.url(), 100).await.unwrap();
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_document_that_is_kept_is_still_too_large_for_who_takes_less() {
    let clock = Arc::new(Hand::default());
    let server = Server::start(vec![document("", "{\"long\":1}")]).await;
    let fetcher = local(&clock);
    assert!(fetcher.document(&server.url(), 100).await.is_ok());
    assert_eq!(fetcher.document(&server.url(), 5).await, Err(Unfetched::TooLarge));
}

#[tokio::test]
async fn a_document_that_was_let_go_of_stands_in_while_its_server_is_away() {
    let clock = Arc::new(Hand::default());
    let answers = vec![document("cache-control: max-age=60\r\n", "{}"), answer("503 Away", "", "")];
    let server = Server::start(answers).await;
    let fetcher = local(&clock);
    fetcher.document(&server.url(), 100).await.unwrap();
    clock.advance(11);
    fetcher.forget(&server.url());
    for _ in 0..3 {
        assert!(fetcher.document(&server.url(), 100).await.is_ok());
    }
    assert_eq!(server.asked().len(), 2);
    // Not for longer than it was good.
    clock.advance(50);
    assert_eq!(fetcher.document(&server.url(), 100).await, Err(Unfetched::Status(503)));
}

#[tokio::test]
async fn strangers_servers_hold_up_nobody_who_is_registered() {
    let clock = Arc::new(Hand::default());
    let slow = Server::start(vec!["…".to_owned()]).await;
    let quick = Server::start(vec![document("", "{}")]).await;
    let fetcher = Arc::new(local(&clock));
    let strangers: Vec<_> = (0..200)
        .map(|nth| {
            let (fetcher, url) = (Arc::clone(&fetcher), format!("{}?{nth}", slow.url()));
            tokio::spawn(async move { fetcher.strangers_document(&url, 100).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert!(fetcher.document(&quick.url(), 100).await.is_ok());
    for stranger in strangers {
        stranger.abort();
    }
}
