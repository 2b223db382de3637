//! What a person is to decide elsewhere than where it was asked for.

use super::audits::audit;
use super::{FromRow, all, exists, first};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, Id, UserId};
use valetkey_core::store::{Approval, ApprovalState, Approvals, Asking, Decision, Poll, PollRequest};
use valetkey_core::time::{Seconds, Timestamp};

const WAITING: i64 = 0;
const ALLOWED: i64 = 1;
const DENIED: i64 = 2;

/// How much sooner than told a question may come: networks are no clocks.
const TOLERANCE_MS: i64 = 500;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, client_id, user_id, user_code, request, state, outcome, pace, created_at, expires_at
             FROM approvals ",
            $rest
        )
    };
}

impl FromRow for Approval {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let code = row.opt_blob(3)?.map(<[u8; 32]>::try_from).transpose();
        Ok(Self {
            id: row.id(0)?,
            client: row.text(1)?.into(),
            user: row.opt_text(2)?.map(UserId::from),
            user_code: code.map_err(|error| Fault::corrupt("a stored user code is no digest", error))?,
            request: row.text(4)?.to_owned(),
            state: state(row.int(5)?, row.opt_text(6)?)?,
            pace: Seconds(row.int(7)?),
            created_at: row.time(8)?,
            expires_at: row.time(9)?,
        })
    }
}

fn state(number: i64, outcome: Option<&str>) -> Result<ApprovalState, Fault> {
    match (number, outcome) {
        (WAITING, _) => Ok(ApprovalState::Waiting),
        (ALLOWED, Some(outcome)) => Ok(ApprovalState::Allowed(outcome.to_owned())),
        (DENIED, _) => Ok(ApprovalState::Denied),
        _ => Err(Fault::corrupt("a stored approval is in no known state", number.to_string())),
    }
}

struct Ask {
    approval: Approval,
    most: u32,
}

impl Verb for Ask {
    type Out = Asking;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Asking, Fault> {
        let own = &self.approval;
        if let Some(user) = &own.user {
            tx.alone("approvals").await?;
            let sql = "SELECT count(*) FROM approvals
                       WHERE user_id = $1 AND client_id = $2 AND state = 0 AND expires_at > $3";
            let waiting = tx.one(sql, params![user, &own.client, own.created_at]).await?;
            if waiting.map_or(Ok(0), |row| row.int(0))? >= i64::from(self.most) {
                return Ok(Asking::Full);
            }
        }
        let sql = "INSERT INTO approvals (id, client_id, user_id, user_code, request, state, outcome, pace, polled_ms,
                                          ping_at, pings, created_at, expires_at)
                   VALUES ($1, $2, $3, $4, $5, 0, NULL, $6, 0, NULL, 0, $7, $8) ON CONFLICT DO NOTHING";
        let code = own.user_code.as_ref().map(<[u8; 32]>::as_slice);
        let request = own.request.as_str();
        let values = params![
            &own.id,
            &own.client,
            own.user.as_ref(),
            code,
            request,
            own.pace,
            own.created_at,
            own.expires_at
        ];
        Ok(if tx.execute(sql, values).await? == 1 { Asking::Asked } else { Asking::CodeTaken })
    }
}

struct ById {
    id: Id,
}

impl Verb for ById {
    type Out = Option<Approval>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Approval>, Fault> {
        first(tx, select!("WHERE id = $1"), params![&self.id]).await
    }
}

struct ByCode<'a> {
    user_code: &'a [u8; 32],
}

impl Verb for ByCode<'_> {
    type Out = Option<Approval>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Approval>, Fault> {
        first(tx, select!("WHERE user_code = $1"), params![self.user_code]).await
    }
}

struct OfUser<'a> {
    user: &'a UserId,
    now: Timestamp,
}

impl Verb for OfUser<'_> {
    type Out = Vec<Approval>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Approval>, Fault> {
        // What a device asks for is decided by whoever types its code.
        let sql = select!(
            "WHERE user_id = $1 AND state = 0 AND expires_at > $2 AND user_code IS NULL ORDER BY id DESC LIMIT 100"
        );
        all(tx, sql, params![self.user, self.now]).await
    }
}

struct Decide {
    id: Id,
    decided: ApprovalState,
    ping: bool,
    record: Record,
}

impl Verb for Decide {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        let (number, outcome) = match &self.decided {
            ApprovalState::Waiting => return Ok(false),
            ApprovalState::Allowed(outcome) => (ALLOWED, Some(outcome.as_str())),
            ApprovalState::Denied => (DENIED, None),
        };
        let sql = "UPDATE approvals SET state = $1, outcome = $2, user_id = $3, ping_at = $4
                   WHERE id = $5 AND state = 0 AND expires_at > $6 AND (user_id IS NULL OR user_id = $3)";
        let (user, at) = (self.record.user.as_ref(), self.record.at);
        let ping = self.ping.then_some(at);
        if tx.execute(sql, params![number, outcome, user, ping, &self.id, at]).await? == 0 {
            return Ok(false);
        }
        audit(tx, &self.record).await?;
        Ok(true)
    }
}

struct AnyPing {
    now: Timestamp,
}

impl Verb for AnyPing {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        exists(tx, "SELECT 1 FROM approvals WHERE ping_at <= $1 LIMIT 1", params![self.now]).await
    }
}

struct ClaimPings {
    now: Timestamp,
    until: Timestamp,
    limit: u32,
}

impl Verb for ClaimPings {
    type Out = Vec<(Approval, i64)>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Out, Fault> {
        let sql = "UPDATE approvals SET ping_at = $1, pings = pings + 1
                   WHERE id IN (SELECT id FROM approvals WHERE ping_at <= $2 ORDER BY ping_at LIMIT $3
                                /*pg FOR UPDATE SKIP LOCKED */)
                   RETURNING id, client_id, user_id, user_code, request, state, outcome, pace, created_at, expires_at,
                             pings";
        let rows = tx.query(sql, params![self.until, self.now, self.limit]).await?;
        rows.iter().map(|row| Ok((Approval::from_row(row)?, row.int(10)?))).collect()
    }
}

struct SettlePing {
    id: Id,
    again: Option<Timestamp>,
}

impl Verb for SettlePing {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        tx.execute("UPDATE approvals SET ping_at = $1 WHERE id = $2", params![self.again, &self.id]).await?;
        Ok(())
    }
}

struct Answer {
    id: Id,
    client: ClientId,
    now_ms: i64,
    step: Seconds,
    longest: Seconds,
}

impl Verb for Answer {
    type Out = Poll;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Poll, Fault> {
        let sql = "SELECT state, outcome, pace, polled_ms, expires_at FROM approvals
                   WHERE id = $1 AND client_id = $2 /*pg FOR UPDATE */";
        let Some(row) = tx.one(sql, params![&self.id, &self.client]).await? else { return Ok(Poll::Unknown) };
        if row.time(4)?.0.saturating_mul(1000) <= self.now_ms {
            return Ok(Poll::Expired);
        }
        match state(row.int(0)?, row.opt_text(1)?)? {
            ApprovalState::Allowed(outcome) => return Ok(Poll::Allowed(outcome)),
            ApprovalState::Denied => return Ok(Poll::Denied),
            ApprovalState::Waiting => {}
        }
        let (pace, before) = (Seconds(row.int(2)?), row.int(3)?);
        let since = self.now_ms.saturating_sub(before);
        // A clock that was set back does not make a client too fast.
        let early = since >= 0 && since.saturating_add(TOLERANCE_MS) < pace.0.saturating_mul(1000);
        let next = if early { Seconds(pace.0.saturating_add(self.step.0).min(self.longest.0)) } else { pace };
        let sql = "UPDATE approvals SET polled_ms = $1, pace = $2 WHERE id = $3";
        tx.execute(sql, params![self.now_ms, next, &self.id]).await?;
        Ok(if early { Poll::TooFast(next) } else { Poll::Waiting })
    }
}

#[async_trait]
impl Approvals for Store {
    async fn ask_approval(&self, approval: &Approval, most: u32) -> Result<Asking, Fault> {
        self.engine.write(Ask { approval: approval.clone(), most }).await
    }

    async fn approval(&self, id: Id) -> Result<Option<Approval>, Fault> {
        self.engine.read(ById { id }).await
    }

    async fn approval_by_code(&self, user_code: &[u8; 32]) -> Result<Option<Approval>, Fault> {
        self.engine.read(ByCode { user_code }).await
    }

    async fn approvals_of(&self, user: &UserId, now: Timestamp) -> Result<Vec<Approval>, Fault> {
        self.engine.read(OfUser { user, now }).await
    }

    async fn decide_approval(&self, decision: &Decision<'_>, record: &Record) -> Result<bool, Fault> {
        let Decision { id, decided, ping } = *decision;
        self.engine.write(Decide { id, decided: decided.clone(), ping, record: record.clone() }).await
    }

    async fn claim_pings(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Approval, i64)>, Fault> {
        // Looked at first: a write every second for nothing would wake the disk.
        if !self.engine.read(AnyPing { now }).await? {
            return Ok(Vec::new());
        }
        self.engine.write(ClaimPings { now, until, limit }).await
    }

    async fn settle_ping(&self, id: Id, again: Option<Timestamp>) -> Result<(), Fault> {
        self.engine.write(SettlePing { id, again }).await
    }

    async fn poll_approval(&self, poll: &PollRequest<'_>) -> Result<Poll, Fault> {
        let PollRequest { id, client, now_ms, step, longest } = *poll;
        self.engine.write(Answer { id, client: client.clone(), now_ms, step, longest }).await
    }
}
