//! draft-ietf-oauth-client-id-metadata-document §8 — hostile servers and names

use crate::server::{Hand, Names, Server, answer, document, local};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use valetkey_core::outbound::{Fetcher, Unfetched};
use valetkey_fetch::{Guarded, Limits, Policy};

#[tokio::test]
async fn hostile_answers_end_in_a_refusal() {
    let fetcher = local(&Arc::default());
    let target = Server::start(vec![document("", "{}")]).await;
    for (server, want) in [
        (answer("302 Found", &format!("location: {}\r\n", target.url()), ""), Unfetched::Redirected),
        (answer("307 Moved", &format!("location: {}\r\n", target.url()), ""), Unfetched::Redirected),
        (answer("304 Not Modified", "", ""), Unfetched::Redirected),
        (answer("201 Created", "content-type: application/json\r\n", "{}"), Unfetched::Status(201)),
        (answer("404 Not Found", "content-type: application/json\r\n", "{}"), Unfetched::Status(404)),
        (answer("200 OK", "content-type: text/html\r\n", "{}"), Unfetched::NotJson),
        (answer("200 OK", "", "{}"), Unfetched::NotJson),
        (document("", &" ".repeat(2000)), Unfetched::TooLarge),
        ("endless".to_owned(), Unfetched::TooLarge),
        ("…".to_owned(), Unfetched::Late),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{…".to_owned(),
            Unfetched::Late,
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_owned(), Unfetched::Unreachable),
        ("nonsense\r\n\r\n".to_owned(), Unfetched::Unreachable),
        (format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000)), Unfetched::Unreachable),
    ] {
        let case = server.chars().take(60).collect::<String>();
        let server = Server::start(vec![server]).await;
        assert_eq!(fetcher.document(&server.url(), 1000).await, Err(want), "{case}");
    }
    assert!(target.asked().is_empty(), "a redirect was followed");
}

#[tokio::test]
async fn a_json_type_of_its_own_is_a_document() {
    let fetcher = local(&Arc::default());
    let own = answer("200 OK", "content-type: Application/OAuth+JSON; charset=utf-8\r\n", "{}");
    let server = Server::start(vec![own]).await;
    assert!(fetcher.document(&server.url(), 100).await.is_ok());
}

fn with_names(answers: Vec<Vec<IpAddr>>) -> (Guarded, Arc<Names>) {
    let names = Arc::new(Names { answers, asked: AtomicUsize::new(0) });
    let limits = Limits { total: std::time::Duration::from_millis(500), ..Limits::default() };
    let fetcher = Guarded::new(Policy::default(), limits, None, Arc::<Hand>::default()).unwrap();
    (fetcher.with_resolver(Arc::<Names>::clone(&names)), names)
}

#[tokio::test]
async fn a_name_that_leads_into_the_own_network_is_refused_before_anybody_is_called() {
    let server = Server::start(vec![document("", "{}")]).await;
    let port = server.address.port();
    let own = IpAddr::from([127, 0, 0, 1]);
    for addresses in [
        vec![own],
        vec![IpAddr::from([93, 184, 216, 34]), own],
        vec!["::ffff:127.0.0.1".parse().unwrap()],
        vec!["::1".parse().unwrap()],
        vec![IpAddr::from([169, 254, 169, 254])],
        vec![IpAddr::from([0, 0, 0, 0])],
    ] {
        let (fetcher, _) = with_names(vec![addresses.clone()]);
        let url = format!("https://rebound.example:{port}/x");
        assert_eq!(fetcher.document(&url, 100).await, Err(Unfetched::Forbidden), "{addresses:?}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_name_is_asked_for_once_so_that_what_was_checked_is_what_is_called() {
    let server = Server::start(vec![document("", "{}")]).await;
    // Public when it is judged, private when it is asked for again. TEST-NET would be refused; nobody answers here.
    let (fetcher, names) =
        with_names(vec![vec![IpAddr::from([240, 0, 0, 1])], vec![IpAddr::from([127, 0, 0, 1])]]);
    let url = format!("https://rebound.example:{}/x", server.address.port());
    assert_eq!(fetcher.document(&url, 100).await, Err(Unfetched::Forbidden));
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert!(server.asked().is_empty());
    let (fetcher, _) = with_names(vec![vec![]]);
    assert_eq!(fetcher.document(&url, 100).await, Err(Unfetched::Unresolved));
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_however_it_is_written() {
    let server = Server::start(vec![document("", "{}")]).await;
    let port = server.address.port();
    let (fetcher, names) = with_names(vec![vec![]]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
    ] {
        let got = fetcher.document(&format!("https://{host}:{port}/x"), 100).await;
        assert_eq!(got, Err(Unfetched::Forbidden), "{host}");
        let got = fetcher.document(&format!("http://{host}:{port}/x"), 100).await;
        assert_eq!(got, Err(Unfetched::BadAddress), "{host}");
    }
    assert_eq!(names.asked.load(Ordering::SeqCst), 0);
    assert!(server.asked().is_empty());
}
