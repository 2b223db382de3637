//! Names to addresses.

use async_trait::async_trait;
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};
use valetkey_core::outbound::Unfetched;

/// Whoever knows the addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync + Debug {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

#[async_trait]
impl Resolve for System {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        #[expect(clippy::disallowed_methods, reason = "this is the fetcher, which judges what it finds")]
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|found| found.ip()).collect())
    }
}

/// Addresses tried of one name.
const TRIED: usize = 8;

/// Where the URL's host is. An address written in the URL is judged like any other.
pub(crate) async fn addresses(resolver: &dyn Resolve, url: &Url) -> Result<Vec<SocketAddr>, Unfetched> {
    let port = url.port_or_known_default().ok_or(Unfetched::BadAddress)?;
    let found = match url.host() {
        Some(Host::Ipv4(address)) => vec![IpAddr::V4(address)],
        Some(Host::Ipv6(address)) => vec![IpAddr::V6(address)],
        Some(Host::Domain(name)) => resolver.addresses(name).await.map_err(|_| Unfetched::Unresolved)?,
        None => return Err(Unfetched::BadAddress),
    };
    if found.is_empty() {
        return Err(Unfetched::Unresolved);
    }
    Ok(found.into_iter().take(TRIED).map(|address| SocketAddr::new(address, port)).collect())
}
