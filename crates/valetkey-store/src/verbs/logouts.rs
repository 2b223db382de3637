//! OIDC Back-Channel Logout §2 — who is told that somebody signed out, and what of theirs ends with it.
//!
//! An application takes part in a session by a grant with `openid` in it: the sweep keeps one such grant for as long as
//! the session lives. Which applications want to be told stands in their documents.

use super::audits::audit;
use super::revocations::write_mark;
use super::{FromRow, all};
use crate::Store;
use crate::engine::{Row, Tx, Value, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, Id, SessionId, TenantId, UserId};
use valetkey_core::store::{Logout, Logouts, Mark, MarkKind};
use valetkey_core::time::Timestamp;

/// `session_id` where every session is meant.
const EVERY: Value<'static> = Value::Blob(&[]);

/// Whether a grant came with an ID token.
macro_rules! openid {
    ($grant:literal) => {
        concat!("(' ' || ", $grant, ".scope || ' ') LIKE '% openid %'")
    };
}
pub(super) use openid;

/// In a client's document, where a quote within a text never stands without a backslash.
macro_rules! back_channel {
    () => {
        "c.disabled = 0 AND c.document LIKE '%\"backchannel_logout_uri\":\"h%'"
    };
}

macro_rules! by_session {
    () => {
        "c.document LIKE '%\"backchannel_logout_session_required\":true%'"
    };
}

macro_rules! not_by_session {
    () => {
        concat!("NOT ", by_session!())
    };
}

/// Whether a client takes part in signing out at all: by back channel or by front channel.
macro_rules! told {
    () => {
        "c.document LIKE '%channel_logout_uri\":\"h%'"
    };
}
pub(super) use told;

macro_rules! queue {
    ($session:literal, $at:literal, $from:literal, $($which:expr),+) => {
        concat!(
            "INSERT INTO logouts (client_id, user_id, session_id, tries, due_at)
             SELECT DISTINCT g.client_id, g.user_id, ", $session, ", 0, ", $at, " FROM ", $from,
            " JOIN clients c ON c.id = g.client_id WHERE ", back_channel!(), " AND ", openid!("g"),
            $(" AND ", $which,)+
            " ON CONFLICT (user_id, client_id, session_id) DO UPDATE SET tries = 0, due_at = excluded.due_at"
        )
    };
}

/// A session has just ended: its applications are to be told, and what they hold without `offline_access` ends (§2.7).
pub(super) async fn session_ended<T: Tx>(
    tx: &mut T,
    user: &UserId,
    session: &SessionId,
    at: Timestamp,
) -> Result<(), Fault> {
    let sql = queue!("g.session_id", "$1", "grants g", "g.user_id = $2 AND g.session_id = $3");
    tx.execute(sql, params![at, user, session]).await?;
    let sql = concat!(
        "UPDATE grants SET revoked_at = $1 WHERE user_id = $2 AND session_id = $3 AND revoked_at IS NULL AND ",
        openid!("grants"),
        " AND (' ' || scope || ' ') NOT LIKE '% offline_access %'
          AND EXISTS (SELECT 1 FROM clients c WHERE c.id = grants.client_id AND ",
        told!(),
        ") RETURNING id, access_until"
    );
    for row in &tx.query(sql, params![at, user, session]).await? {
        let mark = Mark {
            kind: MarkKind::Grant,
            key: row.id(0)?.as_bytes().to_vec(),
            not_after_ms: i64::MAX,
            expires_at: row.time(1)?,
        };
        write_mark(tx, &mark, at).await?;
    }
    Ok(())
}

/// Every session of a directory is about to end, and all its tokens with them.
pub(super) async fn tenant_ends<T: Tx>(tx: &mut T, tenant: &TenantId, at: Timestamp) -> Result<(), Fault> {
    let sql = queue!(
        "g.session_id",
        "$1",
        "sessions s JOIN grants g ON g.user_id = s.user_id AND g.session_id = s.id",
        "s.tenant_id = $2"
    );
    tx.execute(sql, params![at, tenant]).await.map(drop)
}

/// A person is shut out: whoever ever let them in is to be told, whatever became of the sessions.
pub(super) async fn user_ended<T: Tx>(tx: &mut T, user: &UserId, at: Timestamp) -> Result<(), Fault> {
    let sql = queue!("$1", "$2", "grants g", "g.user_id = $3", not_by_session!());
    tx.execute(sql, params![EVERY, at, user]).await?;
    // Who is told of every session need not be told of each.
    let sql = "DELETE FROM logouts WHERE user_id = $1 AND session_id <> $2 AND client_id IN (
                 SELECT l.client_id FROM logouts l WHERE l.user_id = $1 AND l.session_id = $2)";
    tx.execute(sql, params![user, EVERY]).await?;
    let sql = queue!(
        "g.session_id",
        "$1",
        "grants g",
        "g.user_id = $2 AND g.session_id IS NOT NULL",
        by_session!()
    );
    tx.execute(sql, params![at, user]).await.map(drop)
}

/// A person takes everything back from one application, which is to be told wherever they use it.
pub(super) async fn consent_ended<T: Tx>(
    tx: &mut T,
    user: &UserId,
    client: &ClientId,
    at: Timestamp,
) -> Result<(), Fault> {
    let sql = queue!("$1", "$2", "grants g", "g.user_id = $3 AND g.client_id = $4", not_by_session!());
    tx.execute(sql, params![EVERY, at, user, client]).await?;
    let sql = queue!(
        "g.session_id",
        "$1",
        "grants g",
        "g.user_id = $2 AND g.client_id = $3 AND g.session_id IS NOT NULL",
        by_session!()
    );
    tx.execute(sql, params![at, user, client]).await.map(drop)
}

impl FromRow for Logout {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            client: row.text(0)?.into(),
            user: row.text(1)?.into(),
            session: Id::from_slice(row.blob(2)?).map(SessionId),
            tries: row.int(3)?,
            claimed_until: row.time(4)?,
        })
    }
}

/// The key of a row: its parameters, in the order of the key.
fn key(logout: &Logout) -> [Value<'_>; 3] {
    let session = logout.session.as_ref().map_or(EVERY, Into::into);
    [(&logout.client).into(), (&logout.user).into(), session]
}

struct InSession<'a> {
    user: &'a UserId,
    session: SessionId,
}

impl Verb for InSession<'_> {
    type Out = Vec<ClientId>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<ClientId>, Fault> {
        let sql = concat!(
            "SELECT DISTINCT g.client_id FROM grants g WHERE g.user_id = $1 AND g.session_id = $2 AND ",
            openid!("g"),
            " ORDER BY g.client_id"
        );
        let rows = tx.query(sql, params![self.user, &self.session]).await?;
        rows.iter().map(|row| Ok(row.text(0)?.into())).collect()
    }
}

struct Next;

impl Verb for Next {
    type Out = Option<Timestamp>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Timestamp>, Fault> {
        let row = tx.one("SELECT due_at FROM logouts ORDER BY due_at LIMIT 1", &[]).await?;
        row.as_ref().map(|row| row.time(0)).transpose()
    }
}

struct Claim {
    now: Timestamp,
    until: Timestamp,
    limit: u32,
}

impl Verb for Claim {
    type Out = Vec<Logout>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Logout>, Fault> {
        // What another node is taking at this moment is passed over.
        let sql = "UPDATE logouts SET due_at = $1, tries = tries + 1
                   WHERE due_at <= $2 AND (user_id, client_id, session_id) IN (
                     SELECT l.user_id, l.client_id, l.session_id FROM logouts l WHERE l.due_at <= $2
                     ORDER BY l.due_at LIMIT $3 /*pg FOR UPDATE SKIP LOCKED */)
                   RETURNING client_id, user_id, session_id, tries, due_at";
        all(tx, sql, params![self.until, self.now, self.limit]).await
    }
}

/// What becomes of a row that was claimed, if it is still as it was then.
enum Fate {
    Gone,
    GivenUp(Box<Record>),
    Postponed { due_at: Timestamp, all: bool },
}

struct Settle {
    logout: Logout,
    fate: Fate,
}

impl Verb for Settle {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        let ([client, user, session], until) = (key(&self.logout), self.logout.claimed_until);
        let mine =
            "DELETE FROM logouts WHERE client_id = $1 AND user_id = $2 AND session_id = $3 AND due_at = $4";
        match &self.fate {
            Fate::Gone => tx.execute(mine, &[client, user, session, until.into()]).await.map(drop),
            Fate::GivenUp(record) => {
                if tx.execute(mine, &[client, user, session, until.into()]).await? > 0 {
                    audit(tx, record).await?;
                }
                Ok(())
            }
            Fate::Postponed { due_at, all } => {
                let sql = "UPDATE logouts SET due_at = $1
                           WHERE client_id = $2 AND user_id = $3 AND session_id = $4 AND due_at = $5";
                tx.execute(sql, &[(*due_at).into(), client, user, session, until.into()]).await?;
                if *all {
                    let sql = "UPDATE logouts SET due_at = $1 WHERE client_id = $2 AND due_at < $3";
                    tx.execute(sql, &[(*due_at).into(), client, until.into()]).await?;
                }
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Logouts for Store {
    async fn clients_in_session(&self, user: &UserId, session: SessionId) -> Result<Vec<ClientId>, Fault> {
        self.engine.read(InSession { user, session }).await
    }

    async fn next_logout(&self) -> Result<Option<Timestamp>, Fault> {
        self.engine.read(Next).await
    }

    async fn claim_logouts(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Logout>, Fault> {
        self.engine.write(Claim { now, until, limit }).await
    }

    async fn finish_logout(&self, logout: &Logout) -> Result<(), Fault> {
        self.engine.write(Settle { logout: logout.clone(), fate: Fate::Gone }).await
    }

    async fn postpone_logout(&self, logout: &Logout, due_at: Timestamp, all: bool) -> Result<(), Fault> {
        let fate = Fate::Postponed { due_at, all };
        self.engine.write(Settle { logout: logout.clone(), fate }).await
    }

    async fn give_up_logout(&self, logout: &Logout, record: &Record) -> Result<(), Fault> {
        let fate = Fate::GivenUp(Box::new(record.clone()));
        self.engine.write(Settle { logout: logout.clone(), fate }).await
    }
}
