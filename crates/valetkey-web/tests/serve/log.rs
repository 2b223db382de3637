//! What the log and the metrics say of a request: its template, never what the client wrote.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::fmt::MakeWriter;
use valetkey_web::layer::EdgeSettings;

use crate::support::edge;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn secret_request(method: &str, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(format!("http://x{path}?code=s3cret"))
        .header("authorization", "Bearer s3cret")
        .header("cookie", "session=s3cret")
        .header("x-forwarded-for", "s3cret")
        .body(Body::from("password=s3cret"))
        .unwrap()
}

/// Sends requests to the edge, in this thread, and answers the log and the metrics they left.
fn recorded(requests: Vec<Request<Body>>) -> (String, String) {
    valetkey_web::layer::panics::install_hook();
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        metrics::with_local_recorder(&recorder, || {
            let (edge, _gates) = edge(EdgeSettings::new([1; 16]));
            for request in requests {
                runtime.block_on(edge.respond(request, "192.0.2.9".parse().unwrap()));
            }
        });
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    (text, recorder.handle().render())
}

#[test]
fn a_line_names_the_template_and_holds_nothing_the_client_wrote() {
    let (log, metrics) = recorded(vec![
        secret_request("GET", "/things/s3cret"),
        secret_request("POST", "/echo"),
        secret_request("S3CRET", "/s3cret"),
        secret_request("POST", "/panic"),
    ]);
    assert_eq!(log.matches("valetkey::access").count(), 4, "{log}");
    assert!(log.contains(r#"method="GET" route="/things/{id}" status=200"#), "{log}");
    assert!(log.contains(r#"method="OTHER" route="other" status=404"#), "{log}");
    assert!(log.contains("client=192.0.2.9"), "{log}");
    for text in [log, metrics] {
        assert!(!text.to_lowercase().contains("s3cret"), "{text}");
    }
}

#[test]
fn a_panic_is_logged_once_with_its_place_and_its_request() {
    let (log, metrics) = recorded(vec![secret_request("POST", "/panic")]);
    let faults: Vec<&str> = log.lines().filter(|line| line.contains("valetkey::fault")).collect();
    assert_eq!(faults.len(), 1, "{log}");
    for part in ["support.rs:", "a literal", "request_id=", r#"route="/panic""#] {
        assert!(faults[0].contains(part), "{}", faults[0]);
    }
    assert!(metrics.contains("valetkey_http_panics_total 1"), "{metrics}");
}

#[test]
fn requests_are_counted_and_timed_by_template_and_status_class() {
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let (_, metrics) = recorded(vec![get("/things/1"), get("/things/2"), get("/echo"), get("/nowhere")]);
    for line in [
        r#"valetkey_http_requests_total{route="/things/{id}",status="2xx"} 2"#,
        r#"valetkey_http_requests_total{route="/echo",status="4xx"} 1"#,
        r#"valetkey_http_requests_total{route="other",status="4xx"} 1"#,
        r#"valetkey_http_request_duration_seconds_count{route="/things/{id}",status="2xx"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}
