//! Whose applications they are: owners, offers, pictures.

mod offers;

use super::audits::audit;
use super::clients::{Create, Update};
use super::{FromRow, all, exists};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use offers::{Drop, Make, OfClient, Take, ToUser};
use valetkey_core::audit::Record;
use valetkey_core::client::Client;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, Id, UserId};
use valetkey_core::image::Image;
use valetkey_core::store::{Offer, Owner, Owners, Registered, Removal, Taken, Write};
use valetkey_core::time::Timestamp;

impl FromRow for Owner {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            user: row.text(0)?.into(),
            username: row.text(1)?.to_owned(),
            name: row.opt_text(2)?.map(str::to_owned),
            since: row.time(3)?,
        })
    }
}

/// Forgets all that is kept beside a client. Call before its row goes.
pub(super) async fn forget_client<T: Tx>(tx: &mut T, id: &ClientId) -> Result<(), Fault> {
    tx.execute("DELETE FROM owners WHERE client_id = $1", params![id]).await?;
    tx.execute("DELETE FROM offers WHERE client_id = $1", params![id]).await?;
    tx.execute("DELETE FROM logos WHERE client_id = $1", params![id]).await?;
    tx.execute("DELETE FROM refusals WHERE client_id = $1", params![id]).await?;
    super::notes::forget_client(tx, id).await
}

/// Forgets what a person owns. Call before the user's row goes.
pub(super) async fn forget_user<T: Tx>(tx: &mut T, id: &UserId) -> Result<(), Fault> {
    tx.execute("DELETE FROM owners WHERE user_id = $1", params![id]).await?;
    tx.execute("DELETE FROM offers WHERE user_id = $1 OR offered_by = $1", params![id]).await?;
    tx.execute("DELETE FROM refusals WHERE user_id = $1", params![id]).await?;
    Ok(())
}

/// Whether a person may have one more. Two callers wait for the person's row, and the second counts what the first wrote.
async fn has_room<T: Tx>(tx: &mut T, user: &UserId, most: u32) -> Result<bool, Fault> {
    let sql = "UPDATE users SET version = version WHERE id = $1 AND disabled = 0";
    if tx.execute(sql, params![user]).await? == 0 {
        return Ok(false);
    }
    let row = tx.one("SELECT count(*) FROM owners WHERE user_id = $1", params![user]).await?;
    let count = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
    Ok(count < i64::from(most))
}

async fn add<T: Tx>(tx: &mut T, client: &ClientId, user: &UserId, since: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT INTO owners (client_id, user_id, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, params![client, user, since]).await?;
    Ok(())
}

struct RegisterApplication {
    create: Create,
    owner: UserId,
    most: u32,
}

impl Verb for RegisterApplication {
    type Out = Registered;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Registered, Fault> {
        let id = &self.create.client.id;
        // An id that is taken is somebody's form sent twice: that is said rather than that there is no room.
        if exists(tx, "SELECT 1 FROM clients WHERE id = $1", params![id]).await? {
            return Ok(Registered::Exists);
        }
        if !has_room(tx, &self.owner, self.most).await? {
            return Ok(Registered::Full);
        }
        match self.create.run(tx).await? {
            Write::Done => add(tx, id, &self.owner, self.create.record.at).await.map(|()| Registered::Done),
            Write::Conflict | Write::Unknown => Ok(Registered::Exists),
        }
    }
}

struct OfUser<'a> {
    user: &'a UserId,
}

impl Verb for OfUser<'_> {
    type Out = Vec<Client>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Client>, Fault> {
        let sql = "SELECT c.version, c.document FROM owners o JOIN clients c ON c.id = o.client_id
                   WHERE o.user_id = $1 ORDER BY o.since DESC, c.id DESC LIMIT 1000";
        all(tx, sql, params![self.user]).await
    }
}

struct OfClientOwners<'a> {
    client: &'a ClientId,
}

impl Verb for OfClientOwners<'_> {
    type Out = Vec<Owner>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Owner>, Fault> {
        let sql = "SELECT u.id, u.username, u.name, o.since FROM owners o JOIN users u ON u.id = o.user_id
                   WHERE o.client_id = $1 ORDER BY o.since, u.id";
        all(tx, sql, params![self.client]).await
    }
}

struct IsOwner<'a> {
    client: &'a ClientId,
    user: &'a UserId,
}

impl Verb for IsOwner<'_> {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        owns(tx, self.client, self.user).await
    }
}

async fn owns<T: Tx>(tx: &mut T, client: &ClientId, user: &UserId) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM owners WHERE client_id = $1 AND user_id = $2";
    exists(tx, sql, params![client, user]).await
}

struct Remove {
    client: ClientId,
    user: UserId,
    record: Record,
}

impl Verb for Remove {
    type Out = Removal;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Removal, Fault> {
        let (client, user) = (&self.client, &self.user);
        // Two who remove each other at once wait for the client's row.
        tx.execute("UPDATE clients SET version = version WHERE id = $1", params![client]).await?;
        if !owns(tx, client, user).await? {
            return Ok(Removal::Unknown);
        }
        let sql = "DELETE FROM owners WHERE client_id = $1 AND user_id = $2
                     AND EXISTS (SELECT 1 FROM owners o WHERE o.client_id = $1 AND o.user_id <> $2)";
        if tx.execute(sql, params![client, user]).await? == 0 {
            return Ok(Removal::Last);
        }
        let sql = "DELETE FROM offers WHERE client_id = $1 AND offered_by = $2";
        tx.execute(sql, params![client, user]).await?;
        audit(tx, &self.record).await?;
        Ok(Removal::Done)
    }
}

struct SetLogo {
    update: Update,
    logo: Option<Image>,
}

impl Verb for SetLogo {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let written = self.update.run(tx).await?;
        if written != Write::Done {
            return Ok(written);
        }
        let id = &self.update.client.id;
        match &self.logo {
            Some(logo) => {
                let sql = "INSERT INTO logos (client_id, name, bytes) VALUES ($1, $2, $3)
                           ON CONFLICT (client_id) DO UPDATE SET name = excluded.name, bytes = excluded.bytes";
                tx.execute(sql, params![id, logo.name(), logo.bytes()]).await?;
            }
            None => {
                tx.execute("DELETE FROM logos WHERE client_id = $1", params![id]).await?;
            }
        }
        Ok(Write::Done)
    }
}

struct Logo<'a> {
    name: &'a str,
}

impl Verb for Logo<'_> {
    type Out = Option<Vec<u8>>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Out, Fault> {
        let row = tx.one("SELECT bytes FROM logos WHERE name = $1 LIMIT 1", params![self.name]).await?;
        row.map(|row| row.blob(0).map(<[u8]>::to_vec)).transpose()
    }
}

#[async_trait]
impl Owners for Store {
    async fn register_application(
        &self,
        client: &Client,
        owner: &UserId,
        most: u32,
        record: &Record,
    ) -> Result<Registered, Fault> {
        let create = Create { client: client.clone(), record: record.clone() };
        self.engine.write(RegisterApplication { create, owner: owner.clone(), most }).await
    }

    async fn applications(&self, owner: &UserId) -> Result<Vec<Client>, Fault> {
        self.engine.read(OfUser { user: owner }).await
    }

    async fn owners(&self, client: &ClientId) -> Result<Vec<Owner>, Fault> {
        self.engine.read(OfClientOwners { client }).await
    }

    async fn is_owner(&self, client: &ClientId, user: &UserId) -> Result<bool, Fault> {
        self.engine.read(IsOwner { client, user }).await
    }

    async fn remove_owner(
        &self,
        client: &ClientId,
        user: &UserId,
        record: &Record,
    ) -> Result<Removal, Fault> {
        let (client, user, record) = (client.clone(), user.clone(), record.clone());
        self.engine.write(Remove { client, user, record }).await
    }

    async fn make_offer(&self, offer: &Offer, most: u32, record: &Record) -> Result<bool, Fault> {
        self.engine.write(Make { offer: offer.clone(), most, record: record.clone() }).await
    }

    async fn offers_of(&self, client: &ClientId, now: Timestamp) -> Result<Vec<Offer>, Fault> {
        self.engine.read(OfClient { client, now }).await
    }

    async fn offers_to(&self, user: &UserId, now: Timestamp) -> Result<Vec<Offer>, Fault> {
        self.engine.read(ToUser { user, now }).await
    }

    async fn take_offer(&self, id: Id, user: &UserId, most: u32, record: &Record) -> Result<Taken, Fault> {
        self.engine.write(Take { id, user: user.clone(), most, record: record.clone() }).await
    }

    async fn drop_offer(
        &self,
        id: Id,
        client: &ClientId,
        user: Option<&UserId>,
        record: &Record,
    ) -> Result<bool, Fault> {
        let (client, user, record) = (client.clone(), user.cloned(), record.clone());
        self.engine.write(Drop { id, client, user, record }).await
    }

    async fn set_logo(&self, client: &Client, logo: Option<&Image>, record: &Record) -> Result<Write, Fault> {
        let update = Update { client: client.clone(), mark: None, record: record.clone() };
        self.engine.write(SetLogo { update, logo: logo.cloned() }).await
    }

    async fn logo(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.engine.read(Logo { name }).await
    }
}
