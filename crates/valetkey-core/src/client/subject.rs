//! OIDC Core §8 — the `sub` by which a client knows a person: the same for all, or another in each sector
//!
//! A pairwise `sub` is the person's id and the sector, sealed under the master key with a nonce made of both: the same
//! every time, on every server with that key and after every restore, and nothing to anybody else. Nothing is stored. The
//! `sid` of such a client is made alike: one for all would show which people of two sectors are the same (§17.3).

use super::Client;
use crate::context::Server;
use crate::error::Fault;
use crate::ids::{Id, SessionId, UserId};
use crate::seal::{self, Kind};
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Serialize, Deserialize)]
struct Pairwise<'a> {
    sector: [u8; 16],
    user: &'a str,
}

#[derive(Serialize, Deserialize)]
struct OfClient {
    client: [u8; 16],
    session: Id,
}

/// §8.1 — the host that a client's people are known at. `None`: its redirect URIs have several, or none.
pub fn sector(client: &Client) -> Option<String> {
    let host = |uri: &str| Url::parse(uri).ok()?.host_str().map(str::to_owned);
    if let Some(uri) = &client.profile.openid.sector_identifier_uri {
        return host(uri);
    }
    let mut hosts = client.redirect_uris.iter().map(|uri| host(uri));
    let first = hosts.next()??;
    hosts.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

fn digest_of(sector: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&digest(&SHA256, sector.as_bytes()).as_ref()[..16]);
    short
}

/// What a client knows a person by.
pub fn of(server: &Server, client: &Client, user: &UserId) -> Result<String, Fault> {
    match pairwise(server, client, user)? {
        Some(text) => Ok(text),
        None => Ok(user.to_string()),
    }
}

/// The same; `None` where it is the person's id.
pub fn pairwise(server: &Server, client: &Client, user: &UserId) -> Result<Option<String>, Fault> {
    if !client.profile.openid.is_pairwise() {
        return Ok(None);
    }
    let sector = sector(client).unwrap_or_else(|| client.id.to_string());
    within(server, &sector, user).map(Some)
}

/// What a person is known by in a sector.
pub fn within(server: &Server, sector: &str, user: &UserId) -> Result<String, Fault> {
    let record = Pairwise { sector: digest_of(sector), user: user.as_str() };
    let nonce = seal::derived_nonce(Kind::PairwiseSubject, &[&record.sector, record.user.as_bytes()]);
    server.master.seal(Kind::PairwiseSubject, nonce, &record)
}

/// What a client knows a session by (`sid`).
pub fn session(server: &Server, client: &Client, session: SessionId) -> Result<String, Fault> {
    if !client.profile.openid.is_pairwise() {
        return Ok(session.to_string());
    }
    let record = OfClient { client: digest_of(client.id.as_str()), session: session.0 };
    let nonce = seal::derived_nonce(Kind::PairwiseSession, &[&record.client, record.session.as_bytes()]);
    server.master.seal(Kind::PairwiseSession, nonce, &record)
}

/// Which session a `sid` means, whichever client's it is. Ask only of what we signed.
pub fn session_of(server: &Server, sid: &str) -> Option<SessionId> {
    if !sid.starts_with(Kind::PairwiseSession.prefix()) {
        return sid.parse().ok();
    }
    let opened = seal::open([&server.master], Kind::PairwiseSession, sid)?;
    opened.record::<OfClient>().map(|own| SessionId(own.session))
}

/// Whom a pairwise `sub` means, whichever sector's it is. Ask only of what we signed.
pub fn person(server: &Server, sub: &str) -> Option<UserId> {
    let opened = seal::open([&server.master], Kind::PairwiseSubject, sub)?;
    Some(opened.record::<Pairwise<'_>>()?.user.into())
}

/// Whom a client means by a `sub`; `None`: nobody that it could know.
pub fn user(server: &Server, client: &Client, sub: &str) -> Option<UserId> {
    if !client.profile.openid.is_pairwise() {
        return Some(sub.into());
    }
    let user = person(server, sub)?;
    (of(server, client, &user).ok()? == sub).then_some(user)
}
