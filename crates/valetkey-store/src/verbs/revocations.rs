//! What was taken back, and the feed that tells of it.

use super::audits::audit;
use super::{FromRow, all, first};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::Id;
use valetkey_core::store::{Change, ChangeKind, Changes, Mark, MarkKind, Revocations};
use valetkey_core::time::Timestamp;

/// Adds an entry to the change feed.
pub(super) async fn announce<T: Tx>(
    tx: &mut T,
    at: Timestamp,
    kind: ChangeKind,
    key: &[u8],
) -> Result<(), Fault> {
    tx.announce(at.0, kind as i64, key).await
}

/// Writes a mark and tells of it. What the mark means for stored grants is up to the caller, or to [`take_back`].
pub(super) async fn write_mark<T: Tx>(tx: &mut T, mark: &Mark, at: Timestamp) -> Result<(), Fault> {
    write_mark_as(tx, mark, at, ChangeKind::Revocation).await
}

async fn write_mark_as<T: Tx>(tx: &mut T, mark: &Mark, at: Timestamp, kind: ChangeKind) -> Result<(), Fault> {
    tx.post(
        "INSERT INTO revocations (kind, key, not_after_ms, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, key) DO UPDATE SET
           not_after_ms = CASE WHEN excluded.not_after_ms > revocations.not_after_ms
                          THEN excluded.not_after_ms ELSE revocations.not_after_ms END,
           expires_at = CASE WHEN excluded.expires_at > revocations.expires_at
                        THEN excluded.expires_at ELSE revocations.expires_at END",
        params![mark.kind as i64, &mark.key, mark.not_after_ms, mark.expires_at],
    )
    .await?;
    let key = [&[mark.kind as u8], mark.key.as_slice()].concat();
    announce(tx, at, kind, &key).await
}

/// Writes a mark, and ends what could give new tokens from before it: a mark on a user or a client reaches their codes
/// and grants by `dead_before`, in one row however many they are.
pub(super) async fn take_back<T: Tx>(tx: &mut T, mark: &Mark, at: Timestamp) -> Result<(), Fault> {
    end_before(tx, mark, at).await?;
    write_mark(tx, mark, at).await
}

async fn end_before<T: Tx>(tx: &mut T, mark: &Mark, at: Timestamp) -> Result<(), Fault> {
    let last = last_dead(mark.not_after_ms);
    match mark.kind {
        MarkKind::Token | MarkKind::Everything => {}
        MarkKind::Grant => {
            let sql = "UPDATE grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
            tx.execute(sql, params![at, &mark.key]).await?;
        }
        MarkKind::Client => {
            let sql = "UPDATE clients SET dead_before = $1 WHERE id = $2 AND dead_before < $1";
            tx.execute(sql, params![&last, text(&mark.key)?]).await?;
        }
        MarkKind::User => {
            let sql = "UPDATE users SET dead_before = $1 WHERE id = $2 AND dead_before < $1";
            tx.execute(sql, params![&last, text(&mark.key)?]).await?;
        }
        MarkKind::Tenant => {
            let sql = "UPDATE users SET dead_before = $1 WHERE tenant_id = $2 AND dead_before < $1";
            tx.execute(sql, params![&last, text(&mark.key)?]).await?;
        }
        MarkKind::Consent => {
            let (user, client) = text(&mark.key)?.split_once('\0').unwrap_or_default();
            // Whoever redeems a code holds this row: the grant is there to be revoked, or the code is refused.
            let sql = "SELECT 1 FROM consents WHERE user_id = $1 AND client_id = $2 FOR UPDATE";
            tx.hold(sql, params![user, client]).await?;
            let sql = "UPDATE grants SET revoked_at = $1
                       WHERE user_id = $2 AND client_id = $3 AND id <= $4 AND revoked_at IS NULL";
            tx.execute(sql, params![at, user, client, &last]).await?;
        }
    }
    Ok(())
}

/// The greatest id that a mark kills: everything made in its millisecond or before.
pub(super) fn last_dead(not_after_ms: i64) -> Id {
    const TIMES: i64 = 1 << 48;
    match u64::try_from(not_after_ms) {
        Err(_) => Id([0; 16]),
        Ok(_) if not_after_ms >= TIMES => Id([0xff; 16]),
        Ok(ms) => Id::new(ms, [0xff; 10]),
    }
}

fn text(key: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(key).map_err(|error| Fault::internal("a revocation names no text id", error))
}

/// A mark, unless it is of a kind that only a newer version knows.
struct Known(Option<Mark>);

impl FromRow for Known {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let Some(kind) = MarkKind::from_number(row.int(0)?) else { return Ok(Self(None)) };
        let (not_after_ms, expires_at) = (row.int(2)?, row.time(3)?);
        Ok(Self(Some(Mark { kind, key: row.blob(1)?.to_vec(), not_after_ms, expires_at })))
    }
}

impl FromRow for Change {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let kind = match row.int(1)? {
            1 => ChangeKind::Client,
            2 => ChangeKind::User,
            3 => ChangeKind::Scope,
            4 => ChangeKind::Api,
            5 => ChangeKind::Key,
            6 => ChangeKind::Revocation,
            7 => ChangeKind::Settings,
            8 => ChangeKind::Tenant,
            9 => ChangeKind::Upstream,
            10 => ChangeKind::Stronger,
            11 => ChangeKind::Pause,
            _ => ChangeKind::Other,
        };
        Ok(Self { seq: row.int(0)?, kind, key: row.blob(2)?.to_vec() })
    }
}

struct Live {
    now: Timestamp,
}

impl Verb for Live {
    type Out = Vec<Mark>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Mark>, Fault> {
        let sql = "SELECT kind, key, not_after_ms, expires_at FROM revocations WHERE expires_at > $1";
        let found: Vec<Known> = all(tx, sql, params![self.now]).await?;
        Ok(found.into_iter().filter_map(|known| known.0).collect())
    }
}

struct One<'a> {
    kind: MarkKind,
    key: &'a [u8],
}

impl Verb for One<'_> {
    type Out = Option<Mark>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Mark>, Fault> {
        mark(tx, self.kind, self.key).await
    }
}

/// The mark on one thing.
pub(super) async fn mark<T: Tx>(tx: &mut T, kind: MarkKind, key: &[u8]) -> Result<Option<Mark>, Fault> {
    let sql = "SELECT kind, key, not_after_ms, expires_at FROM revocations WHERE kind = $1 AND key = $2";
    let found: Option<Known> = first(tx, sql, params![kind as i64, key]).await?;
    Ok(found.and_then(|known| known.0))
}

struct Revoke {
    mark: Mark,
    record: Record,
}

impl Verb for Revoke {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        take_back(tx, &self.mark, self.record.at).await?;
        audit(tx, &self.record).await
    }

    fn is_long(&self) -> bool {
        self.mark.kind == MarkKind::Tenant
    }
}

struct Strengthen {
    mark: Mark,
    at: Timestamp,
}

impl Verb for Strengthen {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        end_before(tx, &self.mark, self.at).await?;
        write_mark_as(tx, &self.mark, self.at, ChangeKind::Stronger).await
    }

    fn is_long(&self) -> bool {
        self.mark.kind == MarkKind::Tenant
    }
}

#[async_trait]
impl Revocations for Store {
    async fn revocations(&self, now: Timestamp) -> Result<Vec<Mark>, Fault> {
        self.engine.read(Live { now }).await
    }

    async fn revocation(&self, kind: MarkKind, key: &[u8]) -> Result<Option<Mark>, Fault> {
        self.engine.read(One { kind, key }).await
    }

    async fn strengthen(&self, mark: &Mark, at: Timestamp) -> Result<(), Fault> {
        self.engine.write(Strengthen { mark: mark.clone(), at }).await
    }

    async fn revoke(&self, mark: &Mark, record: &Record) -> Result<(), Fault> {
        self.engine.write(Revoke { mark: mark.clone(), record: record.clone() }).await
    }
}

struct Latest;

impl Verb for Latest {
    type Out = i64;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<i64, Fault> {
        let row = tx.one("SELECT max(seq) FROM changes", &[]).await?;
        Ok(row.map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(0))
    }
}

struct ChangesSince {
    seq: i64,
}

impl Verb for ChangesSince {
    type Out = Option<Vec<Change>>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Out, Fault> {
        // From the last entry seen on: while it is there, nothing after it was swept. It is missing as well where the
        // database was put back to an older state.
        let sql = "SELECT seq, kind, key FROM changes WHERE seq >= $1 ORDER BY seq";
        let mut changes: Vec<Change> = all(tx, sql, params![self.seq]).await?;
        match changes.first().map(|change| change.seq) {
            Some(first) if first == self.seq => {
                changes.remove(0);
                Ok(Some(changes))
            }
            Some(1) | None if self.seq == 0 => Ok(Some(changes)),
            _ => Ok(None),
        }
    }
}

#[async_trait]
impl Changes for Store {
    async fn latest_change(&self) -> Result<i64, Fault> {
        self.engine.read(Latest).await
    }

    async fn changes_since(&self, seq: i64) -> Result<Option<Vec<Change>>, Fault> {
        self.engine.read(ChangesSince { seq }).await
    }

    fn writes(&self) -> u64 {
        self.engine.writes()
    }

    fn was_lost(&self) -> bool {
        self.engine.was_lost()
    }

    async fn news(&self) {
        self.engine.news().await;
    }
}

#[cfg(test)]
mod tests {
    use super::last_dead;
    use valetkey_core::ids::Id;

    #[test]
    fn a_mark_kills_its_own_millisecond_and_spares_the_next() {
        let dead = last_dead(1_700_000_000_000);
        assert!(Id::new(1_700_000_000_000, [0xff; 10]) <= dead);
        assert!(Id::new(1_700_000_000_001, [0; 10]) > dead);
        assert_eq!(last_dead(i64::MAX), Id([0xff; 16]));
        assert_eq!(last_dead(-1), Id([0; 16]));
    }
}
