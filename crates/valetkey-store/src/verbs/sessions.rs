//! Where people are signed in.

use super::audits::audit;
use super::consents::scope;
use super::logins::clear;
use super::logouts::session_ended;
use super::{FromRow, all, first, split};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, SessionId, UserId};
use valetkey_core::secret::SecretHash;
use valetkey_core::store::{AttemptKey, Consent, NewSession, Session, Sessions, Standing};
use valetkey_core::time::Timestamp;

/// Selects whole sessions, and what else is said.
macro_rules! select {
    ($more:literal) => {
        concat!(
            "SELECT s.id, s.user_id, s.tenant_id, s.auth_time, s.amr, s.address, s.user_agent, s.created_at,
                    s.last_seen_at, s.expires_at",
            $more,
            " FROM sessions s "
        )
    };
}

/// The live session of a cookie, whose user may be here.
macro_rules! live {
    ($token:literal, $now:literal, $idle_since:literal) => {
        concat!(
            " JOIN users u ON u.id = s.user_id WHERE s.token = ",
            $token,
            " AND s.expires_at > ",
            $now,
            " AND s.last_seen_at > ",
            $idle_since,
            " AND u.disabled = 0
              AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = s.tenant_id AND t.disabled = 1)"
        )
    };
}

impl FromRow for Session {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: SessionId(row.id(0)?),
            user: row.text(1)?.into(),
            tenant: row.text(2)?.into(),
            auth_time: row.time(3)?,
            amr: split(row.text(4)?),
            address: row.text(5)?.to_owned(),
            user_agent: row.text(6)?.to_owned(),
            created_at: row.time(7)?,
            last_seen_at: row.time(8)?,
            expires_at: row.time(9)?,
        })
    }
}

struct ByToken<'a> {
    token: &'a SecretHash,
    now: Timestamp,
    idle_since: Timestamp,
}

impl Verb for ByToken<'_> {
    type Out = Option<Session>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Session>, Fault> {
        let sql = concat!(select!(""), live!("$1", "$2", "$3"));
        first(tx, sql, params![&self.token.0, self.now, self.idle_since]).await
    }
}

struct Standings<'a> {
    client: &'a ClientId,
    of: ByToken<'a>,
}

impl Verb for Standings<'_> {
    type Out = Option<Standing>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Standing>, Fault> {
        let sql = concat!(
            select!(", o.scope, o.granted_at, o.updated_at, o.implied"),
            "LEFT JOIN consents o ON o.user_id = s.user_id AND o.client_id = $1",
            live!("$2", "$3", "$4")
        );
        let ByToken { token, now, idle_since } = self.of;
        let found = tx.one(sql, params![self.client, &token.0, now, idle_since]).await?;
        let Some(row) = found else { return Ok(None) };
        let session = Session::from_row(&row)?;
        let consent = match row.opt_text(10)? {
            None => None,
            Some(text) => Some(Consent {
                user: session.user.clone(),
                client: self.client.clone(),
                scope: scope(text)?,
                granted_at: row.time(11)?,
                updated_at: row.time(12)?,
                implied: row.int(13)? != 0,
            }),
        };
        Ok(Some(Standing { session, consent }))
    }
}

struct OfUser<'a> {
    user: &'a UserId,
    now: Timestamp,
}

impl Verb for OfUser<'_> {
    type Out = Vec<Session>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Session>, Fault> {
        let sql = concat!(select!(""), "WHERE s.user_id = $1 AND s.expires_at > $2 ORDER BY s.id DESC");
        all(tx, sql, params![self.user, self.now]).await
    }
}

struct Start {
    session: Session,
    token: SecretHash,
    replaces: Option<SessionId>,
    clear: Vec<AttemptKey>,
    record: Record,
}

impl Verb for Start {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        let session = &self.session;
        let amr = session.amr.join(" ");
        let sql = "INSERT INTO sessions (id, token, user_id, tenant_id, auth_time, amr, address, user_agent,
                                         created_at, last_seen_at, expires_at)
                   SELECT $1, $2, u.id, u.tenant_id, $3, $4, $5, $6, $7, $8, $9 FROM users u
                   WHERE u.id = $10 AND u.tenant_id = $11 AND u.disabled = 0 AND u.must_change_password = 0
                     AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = u.tenant_id AND t.disabled = 1)
                   /*pg FOR SHARE OF u */
                   ON CONFLICT (id) DO UPDATE SET token = excluded.token, auth_time = excluded.auth_time,
                     amr = excluded.amr, address = excluded.address, user_agent = excluded.user_agent,
                     last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at
                   WHERE sessions.user_id = excluded.user_id";
        let values = params![
            &session.id,
            &self.token.0,
            session.auth_time,
            &amr,
            &session.address,
            &session.user_agent,
            session.created_at,
            session.last_seen_at,
            session.expires_at,
            &session.user,
            &session.tenant,
        ];
        if tx.execute(sql, values).await? == 0 {
            return Ok(false);
        }
        if let Some(old) = self.replaces.filter(|old| *old != session.id) {
            end(tx, &old, self.record.at).await?;
        }
        clear(tx, &self.clear).await?;
        audit(tx, &self.record).await?;
        Ok(true)
    }
}

struct Touch {
    id: SessionId,
    now: Timestamp,
}

impl Verb for Touch {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        let sql = "UPDATE sessions SET last_seen_at = $1 WHERE id = $2 AND last_seen_at < $1";
        tx.execute(sql, params![self.now, &self.id]).await?;
        Ok(())
    }

    async fn quick<T: Tx>(&self, tx: &mut T) -> Result<Option<()>, Fault> {
        self.run(tx).await.map(Some)
    }
}

struct End {
    id: SessionId,
    record: Record,
}

impl Verb for End {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        if !end(tx, &self.id, self.record.at).await? {
            return Ok(false);
        }
        audit(tx, &self.record).await?;
        Ok(true)
    }
}

struct EndAll {
    user: UserId,
    keep: Option<SessionId>,
    record: Record,
}

impl Verb for EndAll {
    type Out = u64;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<u64, Fault> {
        let ended = end_all(tx, &self.user, self.keep.as_ref(), self.record.at).await?;
        if ended > 0 {
            audit(tx, &self.record).await?;
        }
        Ok(ended)
    }
}

/// Ends one session, and what hangs on it. False where there was none.
async fn end<T: Tx>(tx: &mut T, id: &SessionId, at: Timestamp) -> Result<bool, Fault> {
    let sql = "DELETE FROM sessions WHERE id = $1 RETURNING user_id";
    let Some(row) = tx.one(sql, params![id]).await? else { return Ok(false) };
    session_ended(tx, &row.text(0)?.into(), id, at).await?;
    Ok(true)
}

/// Ends a user's sessions; answers how many.
pub(super) async fn end_all<T: Tx>(
    tx: &mut T,
    user: &UserId,
    keep: Option<&SessionId>,
    at: Timestamp,
) -> Result<u64, Fault> {
    let ended = match keep {
        None => tx.query("DELETE FROM sessions WHERE user_id = $1 RETURNING id", params![user]).await?,
        Some(keep) => {
            let sql = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2 RETURNING id";
            tx.query(sql, params![user, keep]).await?
        }
    };
    for row in &ended {
        session_ended(tx, user, &SessionId(row.id(0)?), at).await?;
    }
    Ok(ended.len() as u64)
}

#[async_trait]
impl Sessions for Store {
    async fn session(
        &self,
        token: &SecretHash,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<Session>, Fault> {
        self.engine.read(ByToken { token, now, idle_since }).await
    }

    async fn standing(
        &self,
        token: &SecretHash,
        client: &ClientId,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<Standing>, Fault> {
        self.engine.read(Standings { client, of: ByToken { token, now, idle_since } }).await
    }

    async fn sessions(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, Fault> {
        self.engine.read(OfUser { user, now }).await
    }

    async fn start_session(&self, new: &NewSession<'_>, record: &Record) -> Result<bool, Fault> {
        let NewSession { session, token, replaces, clear } = *new;
        let (session, clear) = (session.clone(), clear.to_vec());
        self.engine.write(Start { session, token, replaces, clear, record: record.clone() }).await
    }

    async fn touch_session(&self, id: SessionId, now: Timestamp) -> Result<(), Fault> {
        self.engine.write(Touch { id, now }).await
    }

    async fn end_session(&self, id: SessionId, record: &Record) -> Result<bool, Fault> {
        self.engine.write(End { id, record: record.clone() }).await
    }

    async fn end_sessions(
        &self,
        user: &UserId,
        keep: Option<SessionId>,
        record: &Record,
    ) -> Result<u64, Fault> {
        self.engine.write(EndAll { user: user.clone(), keep, record: record.clone() }).await
    }
}
