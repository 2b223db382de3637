//! `valetkey healthcheck`: for containers and scripts.

use super::manage::configuration;
use super::output::{self, Answer};
use super::{Global, http};
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use url::Url;

/// The server itself gives up after 1.5 s.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Address and port of the management listener [default: management.listen]
    #[arg(long, value_name = "ADDRESS")]
    address: Option<SocketAddr>,
}

pub(crate) async fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let address = match arguments.address {
        Some(address) => address,
        None => *configuration(global)?
            .config
            .management
            .listen
            .0
            .first()
            .context("management.listen is empty")?,
    };
    let url = Url::parse(&format!("http://{}/health/ready", reachable(address)))?;
    let (ready, reason) = match http::get(&url, PATIENCE).await {
        Ok(reply) if reply.status.is_success() => (true, String::new()),
        Ok(reply) => {
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            let reason = body["reason"].as_str().map_or_else(|| reply.status.to_string(), str::to_owned);
            (false, reason)
        }
        Err(error) => (false, output::said(&error)),
    };
    let text = if ready { "ready\n".to_owned() } else { format!("not ready: {reason}\n") };
    let mut json = json!({"id": url.as_str(), "ready": ready});
    if !ready {
        json["reason"] = reason.into();
    }
    Answer::Text { json, text }.print(global.json)?;
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A listener on every address is asked on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
