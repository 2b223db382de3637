//! Accounts: what is read of them.

pub(super) mod write;

use super::{FromRow, all, exists, first};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::claims::PersonClaims;
use valetkey_core::directory::User;
use valetkey_core::error::{Fault, FaultKind};
use valetkey_core::ids::{TenantId, UserId};
use valetkey_core::store::{Mark, Page, SetupOutcome, Users, Write};
use write::{Create, CreateFirstAdmin, Delete, Update};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant_id, username, name, email, email_verified, admin, password, must_change_password,
                    disabled, created_at, updated_at, version, claims FROM users ",
            $rest
        )
    };
}

impl FromRow for User {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.text(0)?.into(),
            tenant: row.text(1)?.into(),
            username: row.text(2)?.to_owned(),
            name: row.opt_text(3)?.map(str::to_owned),
            email: row.opt_text(4)?.map(str::to_owned),
            email_verified: row.flag(5)?,
            admin: row.flag(6)?,
            password: row.opt_text(7)?.map(str::to_owned),
            must_change_password: row.flag(8)?,
            disabled: row.flag(9)?,
            created_at: row.time(10)?,
            updated_at: row.time(11)?,
            version: row.int(12)?,
            claims: PersonClaims::of_text(row.text(13)?)
                .ok_or(Fault::bare(FaultKind::Corrupt, "the claims of a user cannot be read"))?,
        })
    }
}

struct ById<'a> {
    id: &'a UserId,
}

impl Verb for ById<'_> {
    type Out = Option<User>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<User>, Fault> {
        first(tx, select!("WHERE id = $1"), params![self.id]).await
    }
}

struct ByLogin<'a> {
    tenant: &'a TenantId,
    key: &'a str,
}

impl Verb for ByLogin<'_> {
    type Out = Option<User>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<User>, Fault> {
        let sql = select!("WHERE tenant_id = $1 AND username_key = $2");
        if let Some(user) = first(tx, sql, params![self.tenant, self.key]).await? {
            return Ok(Some(user));
        }
        let sql = select!("WHERE tenant_id = $1 AND email_key = $2 ORDER BY email_verified DESC LIMIT 2");
        let mut found: Vec<User> = all(tx, sql, params![self.tenant, self.key]).await?;
        // An address that several people gave names the one who proved it, or nobody.
        let ambiguous = found.len() == 2 && found[0].email_verified == found[1].email_verified;
        Ok(if ambiguous || found.is_empty() { None } else { Some(found.swap_remove(0)) })
    }
}

struct List<'a> {
    tenant: Option<&'a TenantId>,
    page: &'a Page,
}

impl Verb for List<'_> {
    type Out = Vec<User>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<User>, Fault> {
        let (after, limit) = (self.page.after.as_deref().unwrap_or(""), self.page.limit);
        match self.tenant {
            None => all(tx, select!("WHERE id > $1 ORDER BY id LIMIT $2"), params![after, limit]).await,
            Some(tenant) => {
                let sql = select!("WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3");
                all(tx, sql, params![tenant, after, limit]).await
            }
        }
    }
}

struct HasAdmin;

impl Verb for HasAdmin {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        exists(tx, "SELECT 1 FROM users WHERE admin = 1 LIMIT 1", &[]).await
    }
}

#[async_trait]
impl Users for Store {
    async fn user(&self, id: &UserId) -> Result<Option<User>, Fault> {
        self.engine.read(ById { id }).await
    }

    async fn user_by_login(&self, tenant: &TenantId, key: &str) -> Result<Option<User>, Fault> {
        self.engine.read(ByLogin { tenant, key }).await
    }

    async fn users(&self, tenant: Option<&TenantId>, page: &Page) -> Result<Vec<User>, Fault> {
        self.engine.read(List { tenant, page }).await
    }

    async fn create_user(&self, user: &User, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Create { user: user.clone(), record: record.clone() }).await
    }

    async fn update_user(
        &self,
        user: &User,
        mark: Option<&Mark>,
        end_sessions: bool,
        record: &Record,
    ) -> Result<Write, Fault> {
        let (user, mark, record) = (user.clone(), mark.cloned(), record.clone());
        self.engine.write(Update { user, mark, end_sessions, record }).await
    }

    async fn delete_user(&self, id: &UserId, mark: &Mark, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Delete { id: id.clone(), mark: mark.clone(), record: record.clone() }).await
    }

    async fn has_admin(&self) -> Result<bool, Fault> {
        self.engine.read(HasAdmin).await
    }

    async fn create_first_admin(&self, user: &User, record: &Record) -> Result<SetupOutcome, Fault> {
        self.engine.write(CreateFirstAdmin { user: user.clone(), record: record.clone() }).await
    }
}
