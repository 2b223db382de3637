//! A server that answers with prepared bytes and remembers what it was asked.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use valetkey_core::outbound::Clock;
use valetkey_fetch::{Guarded, Limits, Policy, Resolve};

/// Each answer is given once, the last for ever.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let nth = kept.lock().unwrap().len();
                let answer = answers[nth.min(answers.len() - 1)].clone();
                kept.lock().unwrap().push(String::new());
                tokio::spawn(serve(stream, answer, Arc::clone(&kept), nth));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/document", self.address)
    }

    /// The requests so far, as they came.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    answer: String,
    asked: Arc<Mutex<Vec<String>>>,
    nth: usize,
) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    asked.lock().unwrap()[nth] = String::from_utf8(request).unwrap();
    match answer.strip_suffix("…") {
        // Says the beginning and then nothing, with the connection open.
        Some(beginning) => {
            let _ = stream.write_all(beginning.as_bytes()).await;
            std::future::pending::<()>().await;
        }
        None if answer == "endless" => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b' '; 4096]).await.is_ok() {}
        }
        None => {
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    }
}

/// A JSON document with further header lines.
pub(crate) fn document(headers: &str, body: &str) -> String {
    answer("200 OK", &format!("content-type: application/json\r\n{headers}"), body)
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// A clock that is moved by hand.
#[derive(Debug, Default)]
pub(crate) struct Hand(AtomicU64);

impl Hand {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now_ms(&self) -> u64 {
        1_000_000 + self.0.load(Ordering::SeqCst)
    }
}

/// May ask this machine.
pub(crate) fn local(clock: &Arc<Hand>) -> Guarded {
    let policy = Policy { allowed: Policy::loopback().to_vec() };
    let limits = Limits { total: std::time::Duration::from_millis(500), ..Limits::default() };
    Guarded::new(policy, limits, None, Arc::<Hand>::clone(clock)).unwrap()
}

/// A resolver with answers of its own, the last for ever.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) answers: Vec<Vec<IpAddr>>,
    pub(crate) asked: AtomicUsize,
}

#[async_trait::async_trait]
impl Resolve for Names {
    async fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[nth.min(self.answers.len() - 1)].clone())
    }
}
