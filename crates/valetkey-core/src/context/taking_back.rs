//! What was handed out between an order and its commit, or at a server that had not heard of it yet

use super::Server;
use crate::error::Fault;
use crate::ids::{ClientId, UserId};
use crate::store::{Mark, MarkKind};
use crate::time::{Seconds, Timestamp};

/// A mark says up to when, by the clock of the server that gave the order, when that began. A token made between then and
/// now, here or by a clock that runs ahead, would outlive it. So whoever hears of one, and finds that what it is on gets
/// nothing any more, moves it up to its own present. Where it is let in again already, nobody's tokens are touched.
pub(super) async fn strengthen(server: &Server, mark: &Mark) -> Result<(), Fault> {
    // Before it is looked at: whoever lets it in again does so later, and gives later tokens.
    let now_ms = i64::try_from(server.now_ms()).unwrap_or(i64::MAX);
    if now_ms <= mark.not_after_ms || !is_shut(server, mark).await? {
        return Ok(());
    }
    let stronger = Mark { not_after_ms: now_ms, ..mark.clone() };
    server.store.strengthen(&stronger, Timestamp(now_ms / 1000)).await?;
    server.revoked.insert(&stronger);
    Ok(())
}

/// How far back a server looks that did not hear for a while: longer than that it was not ready, and clocks differ.
const RECENT: Seconds = Seconds::hours(1);

/// The same for what was missed. Only applications that act for themselves need no write of the store to get a token.
pub(super) async fn strengthen_recent(server: &Server) -> Result<(), Fault> {
    let since = (server.now() - RECENT).0.saturating_mul(1000);
    for mark in server.store.revocations(server.now()).await? {
        if matches!(mark.kind, MarkKind::Client | MarkKind::Tenant) && mark.not_after_ms >= since {
            strengthen(server, &mark).await?;
        }
    }
    Ok(())
}

/// Whether a client, user or tenant is disabled or gone. What else is marked can be had again at once.
async fn is_shut(server: &Server, mark: &Mark) -> Result<bool, Fault> {
    let Ok(id) = std::str::from_utf8(&mark.key) else { return Ok(false) };
    Ok(match mark.kind {
        MarkKind::Client => server.store.client(&ClientId::from(id)).await?.is_none_or(|own| own.disabled),
        MarkKind::User => server.store.user(&UserId::from(id)).await?.is_none_or(|own| own.disabled),
        MarkKind::Tenant => {
            server.store.tenants().await?.iter().any(|own| own.id.as_str() == id && own.disabled)
        }
        MarkKind::Token | MarkKind::Grant | MarkKind::Consent | MarkKind::Everything => false,
    })
}
