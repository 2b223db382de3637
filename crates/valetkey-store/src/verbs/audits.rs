//! The audit trail.

use super::{FromRow, all, from_json};
use crate::Store;
use crate::engine::{Row, Tx, Value, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, Id, TenantId, UserId};
use valetkey_core::store::{AuditFilter, Audits, Page};

/// The columns of the trail, in the order of [`Columns::params`].
macro_rules! audit_columns {
    () => {
        "id, at, event, actor, client_id, user_id, tenant_id, address, request, object, browser"
    };
}
pub(super) use audit_columns;

/// A record's columns.
pub(super) struct Columns<'r> {
    record: &'r Record,
    event: String,
    actor: String,
    address: Option<String>,
}

impl<'r> Columns<'r> {
    pub(super) fn of(record: &'r Record) -> Self {
        let (event, actor) = (record.event.as_str().clone(), actor_text(&record.actor));
        Self { record, event, actor, address: record.address.map(|address| address.to_string()) }
    }

    pub(super) fn params(&self) -> [Value<'_>; 11] {
        let record = self.record;
        [
            (&record.id).into(),
            record.at.into(),
            (&self.event).into(),
            (&self.actor).into(),
            record.client.as_ref().into(),
            record.user.as_ref().into(),
            record.tenant.as_ref().into(),
            self.address.as_deref().into(),
            record.request.as_deref().into(),
            record.object.as_deref().into(),
            record.browser.as_deref().into(),
        ]
    }
}

/// Writes a record: the last step of every verb that changes something.
pub(super) async fn audit<T: Tx>(tx: &mut T, record: &Record) -> Result<(), Fault> {
    let sql = concat!(
        "INSERT INTO audit (",
        audit_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    tx.post(sql, &Columns::of(record).params()).await
}

fn actor_text(actor: &Actor) -> String {
    match actor {
        Actor::Operator => "operator".to_owned(),
        Actor::User(id) => format!("user:{id}"),
        Actor::Client(id) => format!("client:{id}"),
        Actor::Anonymous => "anonymous".to_owned(),
        Actor::System => "system".to_owned(),
    }
}

fn actor_from(text: &str) -> Actor {
    match text.split_once(':') {
        None if text == "operator" => Actor::Operator,
        None if text == "anonymous" => Actor::Anonymous,
        None if text == "system" => Actor::System,
        Some(("user", id)) => Actor::User(id.into()),
        Some(("client", id)) => Actor::Client(id.into()),
        _ => Actor::Anonymous,
    }
}

impl FromRow for Record {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let address = row.opt_text(7)?.map(str::parse).transpose();
        Ok(Self {
            id: row.id(0)?,
            at: row.time(1)?,
            // What a newer version told is told as far as it goes.
            event: from_json(&format!("\"{}\"", row.text(2)?)).unwrap_or(Event::Unknown),
            actor: actor_from(row.text(3)?),
            client: row.opt_text(4)?.map(ClientId::from),
            user: row.opt_text(5)?.map(UserId::from),
            tenant: row.opt_text(6)?.map(TenantId::from),
            address: address.map_err(|error| Fault::corrupt("an audit record has a wrong address", error))?,
            request: row.opt_text(8)?.map(str::to_owned),
            object: row.opt_text(9)?.map(str::to_owned),
            browser: row.opt_text(10)?.map(str::to_owned),
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, at, event, actor, client_id, user_id, tenant_id, address, request, object, browser FROM audit ", $rest)
    };
}

struct Write {
    record: Record,
}

impl Verb for Write {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        audit(tx, &self.record).await
    }

    async fn quick<T: Tx>(&self, tx: &mut T) -> Result<Option<()>, Fault> {
        self.run(tx).await.map(Some)
    }
}

struct Newest<'a> {
    filter: &'a AuditFilter,
    before: Id,
    limit: u32,
}

impl Verb for Newest<'_> {
    type Out = Vec<Record>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Record>, Fault> {
        let (before, limit) = (&self.before, self.limit);
        match (&self.filter.user, &self.filter.client) {
            (None, None) => {
                all(tx, select!("WHERE id < $1 ORDER BY id DESC LIMIT $2"), params![before, limit]).await
            }
            (Some(user), None) => {
                let sql = select!("WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
                all(tx, sql, params![user, before, limit]).await
            }
            (None, Some(client)) => {
                let sql = select!("WHERE client_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
                all(tx, sql, params![client, before, limit]).await
            }
            (Some(user), Some(client)) => {
                let sql =
                    select!("WHERE user_id = $1 AND client_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4");
                all(tx, sql, params![user, client, before, limit]).await
            }
        }
    }
}

struct Since {
    after: Id,
    limit: u32,
}

impl Verb for Since {
    type Out = Vec<Record>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Record>, Fault> {
        all(tx, select!("WHERE id > $1 ORDER BY id LIMIT $2"), params![&self.after, self.limit]).await
    }
}

#[async_trait]
impl Audits for Store {
    async fn record(&self, record: &Record) -> Result<(), Fault> {
        self.engine.write(Write { record: record.clone() }).await
    }

    async fn records(&self, filter: &AuditFilter, page: &Page) -> Result<Vec<Record>, Fault> {
        let Some(before) = super::before(page) else { return Ok(Vec::new()) };
        self.engine.read(Newest { filter, before, limit: page.limit }).await
    }

    async fn records_since(&self, id: Option<Id>, limit: u32) -> Result<Vec<Record>, Fault> {
        self.engine.read(Since { after: id.unwrap_or_default(), limit }).await
    }
}
