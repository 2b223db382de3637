//! A small HTTP client for the commands that speak to a server: bounded in time and size, and it follows no redirect.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use url::Url;

const LARGEST: usize = 1 << 20;
/// From the first byte of the connection to the last of the answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

pub(crate) async fn get(url: &Url, patience: Duration) -> Result<Reply> {
    let request = Request::get(url.as_str()).header(ACCEPT, "application/json").body(Full::default())?;
    send(url, request, patience).await
}

/// Posts a form, with an `Authorization` header where there is one.
pub(crate) async fn post(url: &Url, form: String, authorization: Option<HeaderValue>) -> Result<Reply> {
    let mut request = Request::post(url.as_str())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::from(form))?;
    if let Some(value) = authorization {
        request.headers_mut().insert(http::header::AUTHORIZATION, value);
    }
    send(url, request, PATIENCE).await
}

async fn send(url: &Url, request: Request<Full<Bytes>>, patience: Duration) -> Result<Reply> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let exchange = async {
        let response = if url.scheme() == "https" {
            let connector = HttpsConnectorBuilder::new()
                .with_native_roots()
                .context("this system has no root certificates: install ca-certificates")?
                .https_only()
                .enable_http1()
                .build();
            Client::builder(TokioExecutor::new()).build(connector).request(request).await
        } else {
            Client::builder(TokioExecutor::new()).build_http().request(request).await
        };
        let response = response.map_err(|error| anyhow::anyhow!("{}", innermost(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
        anyhow::Ok(Reply { status, body })
    };
    match tokio::time::timeout(patience, exchange).await {
        Ok(reply) => reply.with_context(|| format!("cannot reach {host}")),
        Err(_) => bail!("{host} did not answer within {} s", patience.as_secs()),
    }
}

/// "connection refused" instead of "client error (Connect)".
fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a dyn std::error::Error {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner
}
