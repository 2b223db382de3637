//! The bare baseline: axum that reads a body and answers a fixed JSON text, as plain as axum can be served.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::ChildStdout;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::serve::ListenerExt as _;

use crate::exchange::Fixed;
use crate::http;
use crate::load::{Load, Party};
use crate::process::{Guarded, Pins};

const PATH: &str = "/echo";
const REQUEST_BYTES: usize = 120;
const SMALLEST_ANSWER: usize = r#"{"echo":""}"#.len();

/// Serves until it is killed. Prints the address it listens on.
#[expect(clippy::disallowed_methods, reason = "`axum::serve` is the baseline")]
pub(crate) fn serve(answer_bytes: usize) -> Result<()> {
    let padding = "x".repeat(answer_bytes.saturating_sub(SMALLEST_ANSWER));
    let answer = Bytes::from(format!(r#"{{"echo":"{padding}"}}"#));
    let app = Router::new().route(
        PATH,
        post(move |body: Bytes| {
            let answer = answer.clone();
            async move {
                drop(body);
                ([(CONTENT_TYPE, "application/json")], answer)
            }
        }),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                eprintln!("echo: {error}");
            }
        });
        Ok(axum::serve(listener, app).await?)
    })
}

/// A running echo, on the server's core.
pub(crate) struct Echo {
    _child: Guarded,
    _output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Echo {
    pub(crate) fn start(pins: Pins, answer_bytes: usize) -> Result<Self> {
        let (child, output) = pins.helper(&["echo", &answer_bytes.to_string()])?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().parse().context("the echo did not start")?;
        Ok(Self { _child: child, _output: output, address })
    }

    /// Requests per second over `length`, after a warm-up.
    pub(crate) fn rate(&self, connections: usize, length: Duration) -> Result<f64> {
        let request = http::post("127.0.0.1", PATH, "", &"x".repeat(REQUEST_BYTES));
        let exchanges = (0..connections).map(|_| Fixed::boxed(&request, r#""echo""#)).collect();
        let mut load = Load::connect(self.address, vec![Party { exchanges, rate: None }])?;
        load.run(length.min(Duration::from_millis(300)))?;
        let sample = load.run(length)?.remove(0);
        if let Some(error) = sample.first_error {
            bail!("the bare echo failed: {error}");
        }
        Ok(sample.rate())
    }
}
