//! The demo API: it knows nothing of OAuth and answers with what it received.

use anyhow::Result;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use serde_json::{Map, Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use valetkey_web::layer::{Edge, EdgeSettings};
use valetkey_web::serve::{Drain, Limits, bind, serve};

const MAX_BODY: usize = 1024 * 1024;

/// Begins to listen on a free port of this machine; ends with the process. Returns its address.
pub(crate) fn start(seed: [u8; 16]) -> Result<String> {
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.local_addr()?;
    let edge = Edge::new(Router::new().fallback(echo), [] as [(&str, _); 0], EdgeSettings::new(seed));
    let few = Limits { max_connections: 256, ..Limits::default() };
    tokio::spawn(serve("demo", vec![listener], edge, few, Drain::new()));
    Ok(format!("http://{address}"))
}

async fn echo(request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut headers = Map::new();
    for name in parts.headers.keys() {
        let values =
            parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        headers.insert(name.to_string(), values.collect::<Vec<_>>().join(", ").into());
    }
    let received: Value = json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    let mut response = Response::new(Body::from(format!("{received:#}\n")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
