//! A running server with handlers that misbehave on request, and a client that speaks raw HTTP/1.1.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use valetkey_web::layer::body::{BodyLimits, read_body};
use valetkey_web::layer::client_addr::ClientAddr;
use valetkey_web::layer::request_id::RequestId;
use valetkey_web::layer::routes::Form;
use valetkey_web::layer::{Edge, EdgeSettings};
use valetkey_web::serve::{self, Drain, Drained, Limits};

/// Longer than any test takes; a limit that must not be the one that strikes.
pub(crate) const NEVER: Duration = Duration::from_mins(10);
/// A limit that must strike.
pub(crate) const SOON: Duration = Duration::from_millis(60);

pub(crate) fn limits() -> Limits {
    Limits {
        header_timeout: NEVER,
        idle_timeout: NEVER,
        // At once: all that these tests do is done by connections that rested.
        rest_after: Duration::ZERO,
        request_timeout: NEVER,
        linger_timeout: SOON,
        drain_idle: SOON,
        drain_timeout: NEVER,
        max_connections: 100,
        max_header_bytes: 8192,
    }
}

/// What the handlers wait for and tell.
#[derive(Debug)]
pub(crate) struct Gates {
    /// `/hold` adds a permit when it runs.
    pub(crate) held: Semaphore,
    /// `/hold` takes a permit to end.
    pub(crate) release: Semaphore,
    /// `/endless` adds a permit when its body is dropped.
    pub(crate) dropped: Arc<Semaphore>,
}

const ROUTES: [(&str, Form); 6] = [
    ("/", Form::Page),
    ("/echo", Form::Protocol),
    ("/hold", Form::Rest),
    ("/panic", Form::Protocol),
    ("/who", Form::Rest),
    ("/things/{id}", Form::Rest),
];

pub(crate) fn edge(settings: EdgeSettings) -> (Edge, Arc<Gates>) {
    let gates =
        Gates { held: Semaphore::new(0), release: Semaphore::new(0), dropped: Arc::new(Semaphore::new(0)) };
    let gates = Arc::new(gates);
    let router = Router::new()
        .route("/", get(|| async { Html("<!doctype html><title>Hello</title>") }))
        .route("/echo", post(echo))
        .route("/hold", get(hold))
        .route("/endless", get(endless))
        .route("/panic", post(panic))
        .route("/upgrade", get(upgrade))
        .route("/who", get(|address: ClientAddr, id: RequestId| async move { format!("{address} {id}") }))
        .route("/things/{id}", get(|| async { "a thing" }))
        .with_state(Arc::clone(&gates));
    (Edge::new(router, ROUTES, settings), gates)
}

async fn echo(body: Body) -> Response {
    match read_body(body, BodyLimits { max_bytes: 1024, timeout: SOON }).await {
        Ok(bytes) => bytes.into_response(),
        Err(error) => error.status().into_response(),
    }
}

async fn hold(State(gates): State<Arc<Gates>>) -> &'static str {
    gates.held.add_permits(1);
    gates.release.acquire().await.unwrap().forget();
    "released"
}

/// Bytes without end, as a download the client does not read.
async fn endless(State(gates): State<Arc<Gates>>) -> Body {
    struct Told(Arc<Semaphore>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.add_permits(1);
        }
    }
    let told = Told(Arc::clone(&gates.dropped));
    Body::from_stream(futures_util::stream::repeat_with(move || {
        let _kept = &told;
        Ok::<_, std::convert::Infallible>(bytes::Bytes::from_static(&[0; 16384]))
    }))
}

/// Becomes a protocol that says everything twice.
async fn upgrade(request: Request) -> Response {
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.unwrap());
        let mut said = [0; 4];
        stream.read_exact(&mut said).await.unwrap();
        stream.write_all(&[said, said].concat()).await.unwrap();
    });
    let upgraded = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "twice")];
    (StatusCode::SWITCHING_PROTOCOLS, upgraded).into_response()
}

async fn panic() -> &'static str {
    panic!("a literal");
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) drain: Drain,
    pub(crate) gates: Arc<Gates>,
    pub(crate) ended: JoinHandle<Drained>,
}

pub(crate) async fn start(limits: Limits) -> Running {
    start_with(limits, EdgeSettings::new([1; 16]))
}

pub(crate) fn start_with(limits: Limits, settings: EdgeSettings) -> Running {
    let (edge, gates) = edge(settings);
    let listener = serve::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let drain = Drain::new();
    let ended = tokio::spawn(serve::serve("test", vec![listener], edge, limits, drain.clone()));
    Running { address, drain, gates, ended }
}

impl Running {
    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends one request on a new connection.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut client = self.connect().await;
        client.send(request).await;
        client.answer().await
    }
}

pub(crate) struct Client(pub(crate) TcpStream);

pub(crate) const GET_WHO: &str = "GET /who HTTP/1.1\r\nhost: x\r\n\r\n";

impl Client {
    pub(crate) async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Reads one response; its body by `content-length`.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("a response, not the end of the connection"));
        }
        let head = String::from_utf8(head).unwrap();
        let mut answer = Answer { head, body: String::new() };
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    /// Waits until the server closes, and answers what came before that.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = self.0.read_to_end(&mut rest).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Lets every other ready task of this thread run, a few times over.
pub(crate) async fn settle() {
    for _ in 0..100 {
        let mut yielded = false;
        poll_fn(|cx| {
            if yielded {
                return std::task::Poll::Ready(());
            }
            yielded = true;
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
}
