//! Forms and bearer tokens to a server elsewhere.

use crate::server::{Server, answer, document, local};
use std::sync::Arc;
use valetkey_core::outbound::{Exchange, Fetcher, Unfetched};
use valetkey_core::secret::Secret;

#[tokio::test]
async fn a_form_goes_with_its_credentials_and_any_answer_comes_back() {
    let fetcher = local(&Arc::default());
    let refusal =
        answer("400 Bad Request", "content-type: application/json; charset=utf-8\r\n", "{\"error\":\"x\"}");
    let server = Server::start(vec![refusal, document("", "{}")]).await;
    let url = server.url() + "?keep=1";
    let secret = Secret::new("Basic YTpi");
    let form = [("grant_type", "authorization_code"), ("code", "a b&c")];
    let exchange = Exchange { url: &url, form: Some(&form), authorization: Some(&secret), limit: 100 };
    let got = fetcher.exchange(&exchange).await.unwrap();
    assert_eq!(
        (got.status, got.media_type.as_str(), got.body.as_slice()),
        (400, "application/json", b"{\"error\":\"x\"}".as_slice())
    );
    let asked = &server.asked()[0];
    assert!(asked.starts_with("POST /document?keep=1 HTTP/1.1\r\n"), "{asked}");
    assert!(
        asked.contains("authorization: Basic YTpi\r\n")
            && asked.contains(&format!("host: {}\r\n", server.address)),
        "{asked}"
    );
    assert!(asked.ends_with("\r\n\r\ngrant_type=authorization_code&code=a+b%26c"), "{asked}");
    // Nothing is kept.
    assert_eq!(fetcher.exchange(&exchange).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_redirect_would_carry_the_credentials_elsewhere_and_is_refused() {
    let fetcher = local(&Arc::default());
    let server = Server::start(vec![answer("302 Found", "location: https://evil.example/\r\n", "")]).await;
    let secret = Secret::new("Bearer t");
    let url = server.url();
    let exchange = Exchange { url: &url, form: None, authorization: Some(&secret), limit: 100 };
    assert_eq!(fetcher.exchange(&exchange).await, Err(Unfetched::Redirected));
    let broken = Secret::new("Bearer a\r\nx: y");
    let exchange = Exchange { authorization: Some(&broken), ..exchange };
    assert_eq!(fetcher.exchange(&exchange).await, Err(Unfetched::BadAddress));
    assert_eq!(server.asked().len(), 1);
}
