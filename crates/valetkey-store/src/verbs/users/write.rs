//! Accounts: what is written of them.

use crate::engine::{Tx, Value, Verb, params};
use crate::verbs::audits::audit;
use crate::verbs::exists;
use crate::verbs::identities::forget_identities;
use crate::verbs::logouts::user_ended;
use crate::verbs::owners::forget_user;
use crate::verbs::revocations::{announce, take_back};
use crate::verbs::sessions::end_all;
use valetkey_core::audit::Record;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::UserId;
use valetkey_core::store::{ChangeKind, Mark, SetupOutcome, Write};

macro_rules! insert {
    ($rest:literal) => {
        concat!(
            "INSERT INTO users (id, tenant_id, username, username_key, name, email, email_key, email_verified, admin,
                                password, must_change_password, disabled, created_at, updated_at, dead_before, claims, version)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1 WHERE ",
            $rest,
            " ON CONFLICT DO NOTHING"
        )
    };
}

async fn insert<T: Tx>(tx: &mut T, sql: &'static str, user: &User) -> Result<bool, Fault> {
    let username_key = User::lookup_key(&user.username);
    let email_key = user.email.as_deref().map(User::lookup_key);
    let claims = user.claims.to_text();
    let values = params![
        &user.id,
        &user.tenant,
        &user.username,
        &username_key,
        user.name.as_deref(),
        user.email.as_deref(),
        email_key.as_deref(),
        user.email_verified,
        user.admin,
        user.password.as_deref(),
        user.must_change_password,
        user.disabled,
        user.created_at,
        user.updated_at,
        Value::Blob(&[0; 16]),
        &claims,
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

async fn told<T: Tx>(tx: &mut T, id: &UserId, record: &Record) -> Result<(), Fault> {
    announce(tx, record.at, ChangeKind::User, id.as_str().as_bytes()).await?;
    audit(tx, record).await
}

pub(in crate::verbs) struct Create {
    pub(in crate::verbs) user: User,
    pub(in crate::verbs) record: Record,
}

impl Verb for Create {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        if !insert(tx, insert!("1 = 1"), &self.user).await? {
            return Ok(Write::Conflict);
        }
        told(tx, &self.user.id, &self.record).await?;
        Ok(Write::Done)
    }
}

pub(super) struct CreateFirstAdmin {
    pub(super) user: User,
    pub(super) record: Record,
}

impl Verb for CreateFirstAdmin {
    type Out = SetupOutcome;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<SetupOutcome, Fault> {
        tx.alone("first administrator").await?;
        if insert(tx, insert!("NOT EXISTS (SELECT 1 FROM users WHERE admin = 1)"), &self.user).await? {
            told(tx, &self.user.id, &self.record).await?;
            return Ok(SetupOutcome::Created);
        }
        let done = exists(tx, "SELECT 1 FROM users WHERE admin = 1 LIMIT 1", &[]).await?;
        Ok(if done { SetupOutcome::AlreadyDone } else { SetupOutcome::NameTaken })
    }
}

pub(super) struct Update {
    pub(super) user: User,
    pub(super) mark: Option<Mark>,
    pub(super) end_sessions: bool,
    pub(super) record: Record,
}

const UPDATE: &str = "
    UPDATE users SET username = $1, username_key = $2, name = $3, email = $4, email_key = $5, email_verified = $6,
           admin = $7, password = $8, must_change_password = $9, disabled = $10, updated_at = $11, claims = $12,
           version = version + 1
    WHERE id = $13 AND tenant_id = $14 AND version = $15
      AND NOT EXISTS (SELECT 1 FROM users o WHERE o.tenant_id = $14 AND o.username_key = $2 AND o.id <> $13)";

impl Verb for Update {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let user = &self.user;
        let username_key = User::lookup_key(&user.username);
        let email_key = user.email.as_deref().map(User::lookup_key);
        let claims = user.claims.to_text();
        let values = params![
            &user.username,
            &username_key,
            user.name.as_deref(),
            user.email.as_deref(),
            email_key.as_deref(),
            user.email_verified,
            user.admin,
            user.password.as_deref(),
            user.must_change_password,
            user.disabled,
            user.updated_at,
            &claims,
            &user.id,
            &user.tenant,
            user.version,
        ];
        if tx.execute(UPDATE, values).await? == 0 {
            let sql = "SELECT 1 FROM users WHERE id = $1 AND tenant_id = $2";
            let there = exists(tx, sql, params![&user.id, &user.tenant]).await?;
            return Ok(if there { Write::Conflict } else { Write::Unknown });
        }
        if let Some(mark) = &self.mark {
            take_back(tx, mark, self.record.at).await?;
        }
        if self.end_sessions {
            end_all(tx, &user.id, None, self.record.at).await?;
        }
        if user.disabled && self.end_sessions {
            user_ended(tx, &user.id, self.record.at).await?;
        }
        told(tx, &user.id, &self.record).await?;
        Ok(Write::Done)
    }
}

pub(super) struct Delete {
    pub(super) id: UserId,
    pub(super) mark: Mark,
    pub(super) record: Record,
}

impl Verb for Delete {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let id = &self.id;
        tx.hold("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", params![id]).await?;
        end_all(tx, id, None, self.record.at).await?;
        user_ended(tx, id, self.record.at).await?;
        tx.execute("DELETE FROM grants WHERE user_id = $1", params![id]).await?;
        tx.execute("DELETE FROM consents WHERE user_id = $1", params![id]).await?;
        forget_user(tx, id).await?;
        forget_identities(tx, id).await?;
        if tx.execute("DELETE FROM users WHERE id = $1", params![id]).await? == 0 {
            return Ok(Write::Unknown);
        }
        take_back(tx, &self.mark, self.record.at).await?;
        told(tx, id, &self.record).await?;
        Ok(Write::Done)
    }

    fn is_long(&self) -> bool {
        true
    }
}
