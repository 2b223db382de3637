//! One patient client beside the load: does the server read, does it write, and how soon does it say so?

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use valetkey_person::{Connection, Request, Response};

use crate::load::wire::{App, Reply, Wire, access};
use crate::world::node::{Node, Place};

/// What one question found.
#[derive(Debug)]
pub struct Look {
    pub reply: Reply,
    pub took: Duration,
}

impl Look {
    pub fn is_done(&self) -> bool {
        matches!(self.reply, Reply::Done(_))
    }

    /// Refused as a server should that cannot just now.
    pub fn is_busy(&self) -> bool {
        matches!(self.reply, Reply::Busy)
    }
}

/// A client of its own for a question that reads and one that writes.
#[derive(Debug, Clone)]
pub struct Probe {
    service: App,
    observer: App,
    issuer: String,
    door: SocketAddr,
    /// A token that lives long enough for the whole fault.
    token: String,
    /// Many tokens to revoke, since each revocation is a write.
    spare: Vec<String>,
}

impl Probe {
    /// Makes what it needs while all is well.
    pub fn new(place: &Place, door: SocketAddr, writes: usize) -> io::Result<Self> {
        let service = place.register("Probe service", &["--grant", "client_credentials"])?;
        let observer =
            place.register("Probe observer", &["--introspect", "--grant", "client_credentials"])?;
        let mut wire = Wire::new(door, &place.issuer);
        let mut tokens = Vec::new();
        let until = Instant::now() + Duration::from_secs(10);
        while tokens.len() <= writes && Instant::now() < until {
            match wire.call("/oauth/token", &service, &[("grant_type", "client_credentials")]) {
                Reply::Done(body) => tokens.extend(access(&body).map(|access| access.token)),
                // A command's client is known to every node within a second.
                _ => thread::sleep(Duration::from_millis(50)),
            }
        }
        let token = tokens.pop().ok_or_else(|| io::Error::other("the probe got no token"))?;
        Ok(Self { service, observer, issuer: place.issuer.clone(), door, token, spare: tokens })
    }

    fn call(&self, path: &str, app: &App, fields: &[(&str, &str)]) -> Look {
        let began = Instant::now();
        let reply = Wire::new(self.door, &self.issuer).call(path, app, fields);
        Look { reply, took: began.elapsed() }
    }

    /// A write that is answered only when the store has it: the revocation of a token.
    pub fn write(&mut self) -> Look {
        // One that is revoked already is answered without a write.
        let Some(token) = self.spare.pop() else {
            let reply = Reply::Lost(io::Error::other("the probe has no token left to revoke"));
            return Look { reply, took: Duration::ZERO };
        };
        self.call("/oauth/revoke", &self.service, &[("token", &token)])
    }

    /// The client whose tokens `write` revokes; nobody else's are.
    pub fn client(&self) -> &str {
        &self.service.id
    }

    /// A read that is answered from memory.
    pub fn introspect(&self) -> Look {
        self.call("/oauth/introspect", &self.observer, &[("token", &self.token)])
    }

    /// The keys and the metadata: whether both are served.
    pub fn documents(&self) -> bool {
        ["/oauth/jwks", "/.well-known/openid-configuration"].iter().all(|path| {
            let reply: io::Result<Response> =
                Connection::new(self.door).send(&Request::get(path).header("Connection", "close"));
            reply.is_ok_and(|reply| reply.status == 200)
        })
    }

    /// Asks until the node is ready and a write succeeds; says how long that took.
    pub fn until_well(&mut self, node: &Node, patience: Duration) -> io::Result<Duration> {
        let began = Instant::now();
        while !(node.is_ready() && self.write().is_done()) {
            if began.elapsed() > patience {
                let why = format!("not well after {} s: {:?}", patience.as_secs(), self.write().reply);
                return Err(io::Error::other(why));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(began.elapsed())
    }
}
