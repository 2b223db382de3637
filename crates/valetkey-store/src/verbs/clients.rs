//! Registered applications: a document, beside the columns that other statements ask about.

use super::audits::audit;
use super::owners::forget_client;
use super::revocations::{announce, last_dead, mark, take_back};
use super::{FromRow, all, exists, first, from_json, stored, to_json, to_json_over};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::client::{Client, Origin};
use valetkey_core::error::Fault;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::{ClientId, Id};
use valetkey_core::interaction::ResponseType;
use valetkey_core::store::{ChangeKind, Clients, Mark, MarkKind, Page, Write};

/// How many of a client's grants go with one transaction while it is being deleted.
const PRUNE: u32 = 2000;
/// How many clients are looked into at a time, for what any of them has.
const LOOK: u32 = 100;

impl FromRow for Client {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let mut client: Self = from_json(row.text(1)?)?;
        client.version = row.int(0)?;
        Ok(client)
    }
}

struct ById<'a> {
    id: &'a ClientId,
}

impl Verb for ById<'_> {
    type Out = Option<Client>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Client>, Fault> {
        first(tx, "SELECT version, document FROM clients WHERE id = $1", params![self.id]).await
    }
}

struct List<'a> {
    page: &'a Page,
}

impl Verb for List<'_> {
    type Out = Vec<Client>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Client>, Fault> {
        let sql = "SELECT version, document FROM clients WHERE id > $1 ORDER BY id LIMIT $2";
        all(tx, sql, params![self.page.after.as_deref().unwrap_or(""), self.page.limit]).await
    }
}

/// Clients that are on and whose document names a grant, by id: anywhere, so each is looked into.
struct Naming {
    grant: GrantType,
    after: Option<ClientId>,
}

impl Verb for Naming {
    type Out = Vec<Client>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Client>, Fault> {
        let sql = "SELECT version, document FROM clients
                   WHERE id > $1 AND disabled = 0 AND document LIKE $2 ORDER BY id LIMIT $3";
        let name = format!("%\"{}\"%", self.grant.name());
        let after = self.after.as_ref().map_or("", ClientId::as_str);
        all(tx, sql, params![after, name.as_str(), LOOK]).await
    }
}

impl Store {
    /// Looks into those that name a grant, until there was enough: there may be very many, and anybody may ask.
    async fn look(
        &self,
        grant: GrantType,
        mut enough: impl FnMut(&Client) -> bool + Send,
    ) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let mut some = self.engine.read(Naming { grant, after }).await?;
            let done = some.iter().any(&mut enough) || some.len() < LOOK as usize;
            match some.pop().filter(|_| !done) {
                Some(last) => after = Some(last.id),
                None => return Ok(()),
            }
        }
    }
}

pub(super) struct Create {
    pub(super) client: Client,
    pub(super) record: Record,
}

impl Verb for Create {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let (client, record) = (&self.client, &self.record);
        let document = to_json(client)?;
        let swept = matches!(client.origin, Origin::Dynamic | Origin::Document);
        let swept_from = swept.then_some(client.created_at);
        let sql = "INSERT INTO clients (id, tenant_id, disabled, dead_before, version, document, swept_from)
                   VALUES ($1, $2, $3, $4, 1, $5, $6) ON CONFLICT DO NOTHING";
        let (id, tenant) = (&client.id, client.tenant.as_ref());
        let values = params![id, tenant, client.disabled, &Id([0; 16]), &document, swept_from];
        if tx.execute(sql, values).await? == 0 {
            return Ok(Write::Conflict);
        }
        // A client of this id may have been deleted: nothing that was given to it comes back to life. Asked after the
        // insert, which waits for whoever is deleting it at this moment.
        if let Some(before) = mark(tx, MarkKind::Client, id.as_str().as_bytes()).await? {
            let sql = "UPDATE clients SET dead_before = $1 WHERE id = $2";
            tx.post(sql, params![&last_dead(before.not_after_ms), id]).await?;
        }
        announce(tx, record.at, ChangeKind::Client, client.id.as_str().as_bytes()).await?;
        audit(tx, record).await?;
        Ok(Write::Done)
    }
}

pub(super) struct Update {
    pub(super) client: Client,
    pub(super) mark: Option<Mark>,
    pub(super) record: Record,
}

impl Verb for Update {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let (client, record) = (&self.client, &self.record);
        let before = stored(tx, "SELECT document FROM clients WHERE id = $1", params![&client.id]).await?;
        let document = to_json_over(client, before.as_deref())?;
        let sql = "UPDATE clients SET tenant_id = $1, disabled = $2, document = $3, version = version + 1
                   WHERE id = $4 AND version = $5";
        let values = params![client.tenant.as_ref(), client.disabled, &document, &client.id, client.version];
        if tx.execute(sql, values).await? == 0 {
            let there = exists(tx, "SELECT 1 FROM clients WHERE id = $1", params![&client.id]).await?;
            return Ok(if there { Write::Conflict } else { Write::Unknown });
        }
        if let Some(mark) = &self.mark {
            take_back(tx, mark, record.at).await?;
        }
        announce(tx, record.at, ChangeKind::Client, client.id.as_str().as_bytes()).await?;
        audit(tx, record).await?;
        Ok(Write::Done)
    }
}

/// Deletes some of a client's grants. Answers how many.
struct Prune {
    id: ClientId,
}

impl Verb for Prune {
    type Out = u64;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<u64, Fault> {
        let sql = "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE client_id = $1 LIMIT $2)";
        tx.execute(sql, params![&self.id, PRUNE]).await
    }

    fn is_long(&self) -> bool {
        true
    }
}

pub(super) struct Delete {
    pub(super) id: ClientId,
    pub(super) mark: Mark,
    pub(super) record: Record,
}

impl Verb for Delete {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        // Whoever redeems a code or consents holds this row: what they write is there to be deleted, or is not written.
        tx.hold("SELECT 1 FROM clients WHERE id = $1 FOR UPDATE", params![&self.id]).await?;
        tx.execute("DELETE FROM grants WHERE client_id = $1", params![&self.id]).await?;
        tx.execute("DELETE FROM consents WHERE client_id = $1", params![&self.id]).await?;
        forget_client(tx, &self.id).await?;
        if tx.execute("DELETE FROM clients WHERE id = $1", params![&self.id]).await? == 0 {
            return Ok(Write::Unknown);
        }
        take_back(tx, &self.mark, self.record.at).await?;
        announce(tx, self.record.at, ChangeKind::Client, self.id.as_str().as_bytes()).await?;
        audit(tx, &self.record).await?;
        Ok(Write::Done)
    }

    fn is_long(&self) -> bool {
        true
    }
}

#[async_trait]
impl Clients for Store {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, Fault> {
        self.engine.read(ById { id }).await
    }

    async fn clients(&self, page: &Page) -> Result<Vec<Client>, Fault> {
        self.engine.read(List { page }).await
    }

    async fn grants_in_use(&self, grants: &[GrantType]) -> Result<Vec<GrantType>, Fault> {
        let mut found = Vec::new();
        for grant in grants {
            let mut has = false;
            self.look(*grant, |client| {
                has = client.allows(*grant);
                has
            })
            .await?;
            found.extend(has.then_some(*grant));
        }
        Ok(found)
    }

    async fn front_answers_in_use(&self) -> Result<Vec<ResponseType>, Fault> {
        let kinds = ResponseType::ALL.into_iter().map(|(_, kind)| kind).filter(|kind| kind.is_in_front());
        let mut kinds: Vec<(ResponseType, bool)> = kinds.map(|kind| (kind, false)).collect();
        self.look(GrantType::Implicit, |client| {
            for (kind, has) in &mut kinds {
                *has |= client.may_have(*kind);
            }
            kinds.iter().all(|(_, has)| *has)
        })
        .await?;
        Ok(kinds.into_iter().filter_map(|(kind, has)| has.then_some(kind)).collect())
    }

    async fn create_client(&self, client: &Client, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Create { client: client.clone(), record: record.clone() }).await
    }

    async fn update_client(
        &self,
        client: &Client,
        mark: Option<&Mark>,
        record: &Record,
    ) -> Result<Write, Fault> {
        self.engine
            .write(Update { client: client.clone(), mark: mark.cloned(), record: record.clone() })
            .await
    }

    async fn delete_client(&self, id: &ClientId, mark: &Mark, record: &Record) -> Result<Write, Fault> {
        // A client may have a million grants: most go in steps, so that no other write waits for all of them.
        while self.engine.write(Prune { id: id.clone() }).await? == u64::from(PRUNE) {}
        self.engine.write(Delete { id: id.clone(), mark: mark.clone(), record: record.clone() }).await
    }
}
