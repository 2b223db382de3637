//! Ownership that waits for somebody to take it.

use super::super::audits::audit;
use super::super::{FromRow, all, first};
use super::{add, has_room, owns};
use crate::engine::{Row, Tx, Verb, params};
use valetkey_core::audit::Record;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, Id, UserId};
use valetkey_core::store::{Offer, OfferKind, Taken};
use valetkey_core::time::Timestamp;

/// Selects whole offers.
macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT f.id, f.client_id, f.username, f.user_id, f.transfer, f.offered_by, f.created_at, f.expires_at
             FROM offers f ",
            $rest
        )
    };
}

impl FromRow for Offer {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id(0)?,
            client: row.text(1)?.into(),
            username: row.text(2)?.to_owned(),
            user: row.opt_text(3)?.map(Into::into),
            kind: if row.flag(4)? { OfferKind::Transfer } else { OfferKind::Share },
            offered_by: row.text(5)?.into(),
            created_at: row.time(6)?,
            expires_at: row.time(7)?,
        })
    }
}

pub(super) struct Make {
    pub(super) offer: Offer,
    pub(super) most: u32,
    pub(super) record: Record,
}

impl Verb for Make {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        let offer = &self.offer;
        if !owns(tx, &offer.client, &offer.offered_by).await? {
            return Ok(false);
        }
        let key = User::lookup_key(&offer.username);
        let sql = "DELETE FROM offers WHERE client_id = $1 AND (username_key = $2 OR expires_at <= $3)";
        tx.execute(sql, params![&offer.client, &key, offer.created_at]).await?;
        let sql = "INSERT INTO offers (id, client_id, username, username_key, user_id, transfer, offered_by,
                                       created_at, expires_at)
                   SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM clients c
                   WHERE c.id = $2 AND (SELECT count(*) FROM offers f WHERE f.client_id = $2) < $10
                   ON CONFLICT DO NOTHING";
        let values = params![
            &offer.id,
            &offer.client,
            &offer.username,
            &key,
            offer.user.as_ref(),
            offer.kind == OfferKind::Transfer,
            &offer.offered_by,
            offer.created_at,
            offer.expires_at,
            self.most,
        ];
        if tx.execute(sql, values).await? == 0 {
            return Ok(false);
        }
        audit(tx, &self.record).await?;
        Ok(true)
    }
}

pub(super) struct OfClient<'a> {
    pub(super) client: &'a ClientId,
    pub(super) now: Timestamp,
}

impl Verb for OfClient<'_> {
    type Out = Vec<Offer>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Offer>, Fault> {
        let sql = select!("WHERE f.client_id = $1 AND f.expires_at > $2 ORDER BY f.id");
        all(tx, sql, params![self.client, self.now]).await
    }
}

pub(super) struct ToUser<'a> {
    pub(super) user: &'a UserId,
    pub(super) now: Timestamp,
}

impl Verb for ToUser<'_> {
    type Out = Vec<Offer>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Offer>, Fault> {
        let sql = select!("WHERE f.user_id = $1 AND f.expires_at > $2 ORDER BY f.id LIMIT 100");
        all(tx, sql, params![self.user, self.now]).await
    }
}

pub(super) struct Take {
    pub(super) id: Id,
    pub(super) user: UserId,
    pub(super) most: u32,
    pub(super) record: Record,
}

impl Verb for Take {
    type Out = Taken;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Taken, Fault> {
        let (user, now) = (&self.user, self.record.at);
        let sql = select!("WHERE f.id = $1 AND f.user_id = $2 AND f.expires_at > $3");
        let Some(offer) = first::<Offer, T>(tx, sql, params![&self.id, user, now]).await? else {
            return Ok(Taken::Gone);
        };
        let client = &offer.client;
        tx.execute("UPDATE clients SET version = version WHERE id = $1", params![client]).await?;
        if !owns(tx, client, &offer.offered_by).await? {
            return Ok(Taken::Gone);
        }
        if !owns(tx, client, user).await? && !has_room(tx, user, self.most).await? {
            return Ok(Taken::Full);
        }
        if tx.execute("DELETE FROM offers WHERE id = $1", params![&self.id]).await? == 0 {
            return Ok(Taken::Gone);
        }
        add(tx, client, user, now).await?;
        if offer.kind == OfferKind::Transfer {
            let sql = "DELETE FROM owners WHERE client_id = $1 AND user_id <> $2";
            tx.execute(sql, params![client, user]).await?;
            tx.execute("DELETE FROM offers WHERE client_id = $1", params![client]).await?;
        }
        audit(tx, &self.record).await?;
        Ok(Taken::Done)
    }
}

pub(super) struct Drop {
    pub(super) id: Id,
    pub(super) client: ClientId,
    pub(super) user: Option<UserId>,
    pub(super) record: Record,
}

impl Verb for Drop {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        let gone = if let Some(user) = &self.user {
            let sql = "DELETE FROM offers WHERE id = $1 AND client_id = $2 AND user_id = $3";
            tx.execute(sql, params![&self.id, &self.client, user]).await?
        } else {
            let sql = "DELETE FROM offers WHERE id = $1 AND client_id = $2";
            tx.execute(sql, params![&self.id, &self.client]).await?
        };
        if gone == 1 {
            audit(tx, &self.record).await?;
        }
        Ok(gone == 1)
    }
}
