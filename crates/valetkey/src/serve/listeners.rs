//! The ports of a server, bound before anything else costs time.

use anyhow::Result;
use std::io::ErrorKind;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Bound sockets, with the addresses they got.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    public: Vec<TcpListener>,
    management: Vec<TcpListener>,
    pub(crate) public_addresses: Vec<SocketAddr>,
    pub(crate) management_addresses: Vec<SocketAddr>,
}

impl Listeners {
    /// Binds all of them, or none.
    pub(crate) fn bind(public: &[SocketAddr], management: &[SocketAddr]) -> Result<Self> {
        let mut all = Self::default();
        for address in public {
            all.add_public(bind(*address, "http.listen")?)?;
        }
        for address in management {
            all.add_management(bind(*address, "management.listen")?)?;
        }
        Ok(all)
    }

    pub(crate) fn add_public(&mut self, listener: TcpListener) -> Result<()> {
        self.public_addresses.push(listener.local_addr()?);
        self.public.push(listener);
        Ok(())
    }

    pub(crate) fn add_management(&mut self, listener: TcpListener) -> Result<()> {
        self.management_addresses.push(listener.local_addr()?);
        self.management.push(listener);
        Ok(())
    }

    /// The public and the management sockets; the addresses stay.
    pub(super) fn take(&mut self) -> (Vec<TcpListener>, Vec<TcpListener>) {
        (std::mem::take(&mut self.public), std::mem::take(&mut self.management))
    }
}

/// Binds one address; a refusal names the key to change.
pub(crate) fn bind(address: SocketAddr, key: &str) -> Result<TcpListener> {
    valetkey_web::serve::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is in use by another program: stop it, or change {key}")
        }
        ErrorKind::PermissionDenied => {
            anyhow::anyhow!(
                "{address} needs more rights than this process has: use a port from 1024 up in {key}"
            )
        }
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address} ({key})")),
    })
}
