//! The management endpoints: alive while it runs, ready while it can serve.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use valetkey_web::layer::{Edge, EdgeSettings};
use valetkey_web::management::Management;
use valetkey_web::serve::Drain;

async fn ask(path: &str, ready: Result<(), String>, drain: &Drain) -> (u16, String) {
    let management = Management::new(
        move || std::future::ready(ready.clone()),
        || "things_total 3\n".to_owned(),
        drain.clone(),
    );
    let edge = Edge::new(management.router(), Management::ROUTES, EdgeSettings::new([1; 16]));
    let response = edge.respond(Request::get(path).body(Body::empty()).unwrap(), [127, 0, 0, 1].into()).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn ready_follows_the_check_and_live_does_not() {
    let (drain, away) = (Drain::new(), Err("the database does not answer".to_owned()));
    assert_eq!(ask("/health/ready", Ok(()), &drain).await, (200, r#"{"status":"ready"}"#.to_owned()));
    let (status, body) = ask("/health/ready", away.clone(), &drain).await;
    assert_eq!(status, 503);
    assert!(body.contains("the database does not answer"), "{body}");
    assert_eq!(ask("/health/live", away, &drain).await.0, 200);
}

#[tokio::test]
async fn a_draining_server_is_live_but_not_ready() {
    let drain = Drain::new();
    drain.begin();
    assert_eq!(ask("/health/ready", Ok(()), &drain).await.0, 503);
    assert_eq!(ask("/health/live", Ok(()), &drain).await.0, 200);
}

#[tokio::test]
async fn whoever_waits_for_a_slow_store_hears_at_once_that_the_server_drains() {
    let drain = Drain::new();
    let management = Management::new(std::future::pending, String::new, drain.clone());
    let edge = Edge::new(management.router(), Management::ROUTES, EdgeSettings::new([1; 16]));
    let asked =
        edge.respond(Request::get("/health/ready").body(Body::empty()).unwrap(), [127, 0, 0, 1].into());
    let (response, ()) = tokio::join!(asked, async { drain.begin() });
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("shutting down"), "{body:?}");
}

#[tokio::test]
async fn metrics_are_what_the_recorder_renders() {
    assert_eq!(ask("/metrics", Ok(()), &Drain::new()).await, (200, "things_total 3\n".to_owned()));
    assert_eq!(ask("/nowhere", Ok(()), &Drain::new()).await.0, 404);
}
