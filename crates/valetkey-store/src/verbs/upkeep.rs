//! Housekeeping: health, sweeping, counting.

mod horizon;

use super::first;
use super::logins::FORGOTTEN;
use super::logouts::{openid, told};
use super::notes::forget_client;
use super::revocations::announce;
use crate::Store;
use crate::engine::{Tx, Verb, params};
use async_trait::async_trait;
use horizon::MoveHorizon;
use valetkey_core::error::Fault;
use valetkey_core::store::{ChangeKind, StoredSettings, Upkeep};
use valetkey_core::time::{Seconds, Timestamp};

/// How long a row is kept after it can last have mattered: room for clocks that disagree, and for people who ask.
const KEPT: Seconds = Seconds::hours(1);
/// How long an ended grant can still be listed.
const KEPT_GRANTS: Seconds = Seconds::days(1);
/// How long an application's owners can read what it was refused.
const KEPT_FAILURES: Seconds = Seconds::days(30);
/// How long the change feed reaches back. A node away for longer reads everything anew.
const FEED: Seconds = Seconds::days(1);
/// How long a client that registered itself may go unused, where the settings do not say it.
const UNUSED_CLIENT: Seconds = Seconds::days(7);
/// How many rows a sweep looks at for each that it may delete.
const LOOKED_AT: u32 = 10;

/// Asks for the right to write.
struct Ask;

impl Verb for Ask {
    type Out = ();
    async fn run<T: Tx>(&self, _tx: &mut T) -> Result<(), Fault> {
        Ok(())
    }
}

/// Writes one row, to the same place each time.
struct Try;

impl Verb for Try {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        let sql = "INSERT INTO upkeep (task, cursor) VALUES ('ping', $1)
                   ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor";
        tx.execute(sql, params![&[0_u8; 1]]).await?;
        Ok(())
    }
}

struct Sweep {
    now: Timestamp,
    limit: u32,
}

impl Verb for Sweep {
    type Out = u64;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<u64, Fault> {
        let (now, limit) = (self.now, self.limit);
        let mut gone = 0;
        // Two nodes that sweep at once would only wait for each other.
        if !tx.is_alone("sweep").await? {
            return Ok(gone);
        }
        let sql = "DELETE FROM sessions WHERE id IN (
                     SELECT id FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
        gone += tx.execute(sql, params![now - KEPT, limit]).await?;
        let sql = "DELETE FROM revocations WHERE (kind, key) IN (
                     SELECT kind, key FROM revocations WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
        gone += tx.execute(sql, params![now - KEPT, limit]).await?;
        let sql = "DELETE FROM approvals WHERE id IN (
                     SELECT id FROM approvals WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
        gone += tx.execute(sql, params![now - KEPT, limit]).await?;
        let sql = "DELETE FROM spent WHERE key IN (
                     SELECT key FROM spent WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
        gone += tx.execute(sql, params![now - KEPT, limit]).await?;
        // Oldest first and looking at no more than may go; the newest stays, since it carries the numbering.
        let sql = "DELETE FROM changes WHERE seq IN (
                     SELECT seq FROM (SELECT seq, at FROM changes ORDER BY seq LIMIT $1) f
                     WHERE at < $2 AND seq < (SELECT max(seq) FROM changes))";
        gone += tx.execute(sql, params![limit, now - FEED]).await?;
        let sql = "DELETE FROM offers WHERE id IN (
                     SELECT id FROM offers WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
        gone += tx.execute(sql, params![now - KEPT, limit]).await?;
        let sql = "DELETE FROM failures WHERE (client_id, endpoint, code, detail) IN (
                     SELECT client_id, endpoint, code, detail FROM failures WHERE last_at < $1
                     ORDER BY last_at LIMIT $2)";
        gone += tx.execute(sql, params![now - KEPT_FAILURES, limit]).await?;
        gone += sweep_clients(tx, now, limit).await?;
        gone += walk(tx, &ATTEMPTS, now - FORGOTTEN, limit).await?;
        gone += walk(tx, &GRANTS, now - KEPT_GRANTS, limit).await?;
        Ok(gone)
    }

    fn is_long(&self) -> bool {
        true
    }
}

/// Clients that registered themselves and that nobody uses: without consent and grant, so without a live token.
async fn sweep_clients<T: Tx>(tx: &mut T, now: Timestamp, limit: u32) -> Result<u64, Fault> {
    let sql = "SELECT version, document FROM settings WHERE id = 1";
    let stored: StoredSettings = first(tx, sql, &[]).await?.unwrap_or_default();
    let unused = now - stored.applied.registration.unused_after.unwrap_or(UNUSED_CLIENT);
    let sql = "DELETE FROM clients WHERE id IN (
                 SELECT c.id FROM clients c WHERE c.swept_from < $1
                   AND NOT EXISTS (SELECT 1 FROM consents o WHERE o.client_id = c.id)
                   AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.client_id = c.id)
                 ORDER BY c.swept_from LIMIT $2)
               RETURNING id";
    // Held first, so that whoever begins to use one at this moment is done or has to wait; then judged anew.
    let hold = "SELECT c.id FROM clients c WHERE c.swept_from < $1
                  AND NOT EXISTS (SELECT 1 FROM consents o WHERE o.client_id = c.id)
                  AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.client_id = c.id)
                ORDER BY c.swept_from LIMIT $2 FOR UPDATE OF c";
    tx.hold(hold, params![unused, limit]).await?;
    let rows = tx.query(sql, params![unused, limit]).await?;
    for row in &rows {
        forget_client(tx, &row.text(0)?.into()).await?;
        announce(tx, now, ChangeKind::Client, row.text(0)?.as_bytes()).await?;
    }
    Ok(rows.len() as u64)
}

/// A sweep that walks through a table by its key, a stretch at a time. The time of a row's end changes with every use,
/// and an index on it would make each use dearer; walking costs nothing in between.
struct Walk {
    task: &'static str,
    /// `$1` the key to go on after, `$2` how many to look at: the last key of the stretch.
    stretch: &'static str,
    /// `$1` and `$2` the stretch's bounds, `$3` the time, `$4` how many at most.
    delete: &'static str,
}

const ATTEMPTS: Walk = Walk {
    task: "sweep attempts",
    stretch: "SELECT key FROM (SELECT key FROM attempts WHERE key > $1 ORDER BY key LIMIT $2) f
              ORDER BY key DESC LIMIT 1",
    delete: "DELETE FROM attempts WHERE key IN (
               SELECT key FROM attempts WHERE key > $1 AND key <= $2 AND updated_at < $3 ORDER BY key LIMIT $4)",
};

const GRANTS: Walk = Walk {
    task: "sweep grants",
    stretch: "SELECT id FROM (SELECT id FROM grants WHERE id > $1 ORDER BY id LIMIT $2) f
              ORDER BY id DESC LIMIT 1",
    // A grant without a refresh token stays as long as its code could be tried again: longer than any code lives.
    // Of an application that is told when people sign out, the last one in a session stays as long as that does: by it
    // the application is known to have a part in the session.
    delete: concat!(
        "DELETE FROM grants WHERE id IN (
           SELECT g.id FROM grants g WHERE g.id > $1 AND g.id <= $2 AND g.access_until < $3 AND g.created_at < $3
             AND (g.revoked_at < $3 OR g.generation = 0 OR g.idle_until < $3 OR g.expires_at < $3)
             AND NOT EXISTS (
               SELECT 1 FROM sessions s JOIN clients c ON c.id = g.client_id
               WHERE s.id = g.session_id AND ",
        told!(),
        " AND ",
        openid!("g"),
        "      AND NOT EXISTS (
                   SELECT 1 FROM grants n WHERE n.user_id = g.user_id AND n.id > g.id
                     AND n.client_id = g.client_id AND n.session_id = g.session_id AND ",
        openid!("n"),
        "    )) ORDER BY g.id LIMIT $4)"
    ),
};

async fn walk<T: Tx>(tx: &mut T, walk: &Walk, before: Timestamp, limit: u32) -> Result<u64, Fault> {
    let place = tx.one("SELECT cursor FROM upkeep WHERE task = $1", params![walk.task]).await?;
    let from = place.as_ref().map(|row| row.blob(0)).transpose()?.unwrap_or_default();
    let end = tx.one(walk.stretch, params![from, limit.saturating_mul(LOOKED_AT)]).await?;
    let end = end.as_ref().map(|row| row.blob(0)).transpose()?;
    let gone = match end {
        Some(end) => tx.execute(walk.delete, params![from, end, before, limit]).await?,
        None => 0,
    };
    // More than may go at once: the same stretch again. At the table's end: from its beginning.
    let next = if gone == u64::from(limit) { from } else { end.unwrap_or_default() };
    if next != from {
        let sql = "INSERT INTO upkeep (task, cursor) VALUES ($1, $2)
                   ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor";
        tx.execute(sql, params![walk.task, next]).await?;
    }
    Ok(gone)
}

struct Count;

impl Verb for Count {
    type Out = Vec<(String, u64)>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Out, Fault> {
        let sql = "SELECT 'apis', count(*) FROM apis
            UNION ALL SELECT 'approvals', count(*) FROM approvals
            UNION ALL SELECT 'attempts', count(*) FROM attempts
            UNION ALL SELECT 'audit', count(*) FROM audit
            UNION ALL SELECT 'changes', count(*) FROM changes
            UNION ALL SELECT 'clients', count(*) FROM clients
            UNION ALL SELECT 'consents', count(*) FROM consents
            UNION ALL SELECT 'grants', count(*) FROM grants
            UNION ALL SELECT 'identities', count(*) FROM identities
            UNION ALL SELECT 'issuers', count(*) FROM issuers
            UNION ALL SELECT 'keys', count(*) FROM keys
            UNION ALL SELECT 'logouts', count(*) FROM logouts
            UNION ALL SELECT 'revocations', count(*) FROM revocations
            UNION ALL SELECT 'scopes', count(*) FROM scopes
            UNION ALL SELECT 'sessions', count(*) FROM sessions
            UNION ALL SELECT 'upstreams', count(*) FROM upstreams
            UNION ALL SELECT 'users', count(*) FROM users";
        let rows = tx.query(sql, &[]).await?;
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?.unsigned_abs()))).collect()
    }

    fn is_long(&self) -> bool {
        true
    }
}

#[async_trait]
impl Upkeep for Store {
    async fn ping(&self) -> Result<(), Fault> {
        self.engine.ping(Ask, Try).await
    }

    async fn move_horizon(&self, now: Timestamp, ran: Seconds) -> Result<Timestamp, Fault> {
        self.engine.write(MoveHorizon { now, ran }).await
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, Fault> {
        self.engine.write(Sweep { now, limit }).await
    }

    async fn attend(&self) -> Result<(), Fault> {
        self.engine.attend().await
    }

    async fn depart(&self) -> Result<(), Fault> {
        self.engine.depart().await
    }

    async fn row_counts(&self) -> Result<Vec<(String, u64)>, Fault> {
        self.engine.read(Count).await
    }
}
