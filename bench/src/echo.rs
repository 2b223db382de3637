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
use crate::load::{Load, Party, Sample};
use crate::process::{Guarded, Pins};
use crate::procfs::Watch;
use crate::report::Bare;

pub(crate) const PATH: &str = "/echo";
pub(crate) const REQUEST_BYTES: usize = 120;
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
    child: Guarded,
    _output: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Echo {
    pub(crate) fn start(pins: Pins, answer_bytes: usize) -> Result<Self> {
        let (child, output) = pins.helper(&["echo", &answer_bytes.to_string()])?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().parse().context("the echo did not start")?;
        Ok(Self { child, _output: output, address })
    }

    pub(crate) fn connect(&self, connections: usize) -> Result<Load> {
        connect(self.address, connections)
    }

    /// Loads it at full speed for `length`.
    pub(crate) fn measure(&self, load: &mut Load, length: Duration) -> Result<Bare> {
        let watch = Watch::start(self.child.id())?;
        let sample = measured(load, length)?;
        let (_, server_busy) = watch.stop()?;
        Ok(Bare { per_second: sample.rate(), server_busy, generator_busy: sample.generator_busy() })
    }
}

/// Connects to an echo and warms it up.
fn connect(address: SocketAddr, connections: usize) -> Result<Load> {
    let request = http::post("127.0.0.1", PATH, "", &"x".repeat(REQUEST_BYTES));
    let exchanges = (0..connections).map(|_| Fixed::boxed(&request, r#""echo""#)).collect();
    let mut load = Load::connect(address, vec![Party { exchanges, rate: None }])?;
    measured(&mut load, Duration::from_millis(300))?;
    Ok(load)
}

fn measured(load: &mut Load, length: Duration) -> Result<Sample> {
    let sample = load.run(length)?.remove(0);
    if let Some(error) = &sample.first_error {
        bail!("the bare echo failed: {error}");
    }
    Ok(sample)
}

/// Drives the echo alone and prints what came of it and how busy the load generator was.
pub(crate) fn print_rate(
    pins: Pins,
    running: Option<SocketAddr>,
    load: (usize, Duration),
    bytes: usize,
) -> Result<()> {
    let started = if running.is_none() { Some(Echo::start(pins, bytes)?) } else { None };
    let address = running.or(started.as_ref().map(|echo| echo.address)).context("an echo")?;
    let sample = measured(&mut connect(address, load.0)?, load.1)?;
    let (p50, p99) = (sample.latency.quantile(0.50), sample.latency.quantile(0.99));
    let busy = sample.generator_busy() * 100.0;
    println!("{:.0}/s, p50 {p50:.0?}, p99 {p99:.0?}; the load generator was {busy:.0} % busy", sample.rate());
    Ok(())
}
