//! Owners: one offers, another takes. Whether there is a person of a name is never told.

use super::super::{ManageError, refused};
use super::{Declined, record_of};
use crate::audit::Event;
use crate::client::Client;
use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::ids::{ClientId, Id, UserId};
use crate::store::{Offer, OfferKind, Removal, Taken};
use crate::time::Seconds;
use std::sync::Arc;

/// How long an offer waits.
const OPEN_FOR: Seconds = Seconds::days(14);
/// The most open offers of an application.
const MOST_OFFERS: u32 = 10;
const NAME_LIMIT: usize = 200;

/// Offers an application to whoever has this user name in the owner's directory. The answer is the same whether or not
/// there is such a person.
pub async fn offer(
    cx: &Context,
    user: &User,
    id: &ClientId,
    username: &str,
    kind: OfferKind,
) -> Result<(), Declined> {
    let username = username.trim();
    let length = username.chars().count();
    if length == 0 || length > NAME_LIMIT || username.chars().any(char::is_control) {
        return Err(refused("type the user name of the person").into());
    }
    let key = User::lookup_key(username);
    if key == User::lookup_key(&user.username) {
        return Err(refused("this is you: you own it already").into());
    }
    // By user name alone: an address could be somebody's who does not know of it.
    let found = cx.store.user_by_login(&user.tenant, &key).await?;
    let found = found.filter(|found| User::lookup_key(&found.username) == key && found.id != user.id);
    let offer = Offer {
        id: cx.new_id(),
        client: id.clone(),
        username: username.to_owned(),
        user: found.map(|found| found.id),
        kind,
        offered_by: user.id.clone(),
        created_at: cx.now,
        expires_at: cx.now + OPEN_FOR,
    };
    let record = record_of(cx, user, Event::ClientOwnershipOffered, id).object(offer.id);
    if cx.store.make_offer(&offer, MOST_OFFERS, &record).await? {
        return Ok(());
    }
    Err(refused("at most 10 offers can be open: withdraw one first").into())
}

/// The offers to a person, each with its application.
pub async fn offers_to(cx: &Context, user: &User) -> Result<Vec<(Offer, Arc<Client>, Option<User>)>, Fault> {
    let mut offers = Vec::new();
    for offer in cx.store.offers_to(&user.id, cx.now).await? {
        let Some(client) = cx.registered(offer.client.as_str()).await? else { continue };
        let by = cx.store.user(&offer.offered_by).await?;
        offers.push((offer, client, by));
    }
    Ok(offers)
}

async fn mine(cx: &Context, user: &User, offer: Id) -> Result<Offer, Declined> {
    let mut open = cx.store.offers_to(&user.id, cx.now).await?.into_iter();
    open.find(|own| own.id == offer).ok_or(GONE.into())
}

const GONE: ManageError = ManageError::Unknown("offer any more");

/// Takes what was offered.
pub async fn take(cx: &Context, user: &User, offer: Id) -> Result<ClientId, Declined> {
    let offer = mine(cx, user, offer).await?;
    let most = cx.settings.portal.max_applications;
    let record = record_of(cx, user, Event::ClientOwnershipTaken, &offer.client).object(offer.id);
    match cx.store.take_offer(offer.id, &user.id, most, &record).await? {
        Taken::Done => Ok(offer.client),
        Taken::Full => Err(Declined::Full(most)),
        Taken::Gone => Err(GONE.into()),
    }
}

/// Declines what was offered.
pub async fn decline(cx: &Context, user: &User, offer: Id) -> Result<(), Declined> {
    let offer = mine(cx, user, offer).await?;
    let record = record_of(cx, user, Event::ClientOwnershipDeclined, &offer.client).object(offer.id);
    cx.store.drop_offer(offer.id, &offer.client, Some(&user.id), &record).await?;
    Ok(())
}

/// Takes back what an owner offered.
pub async fn withdraw(cx: &Context, user: &User, id: &ClientId, offer: Id) -> Result<(), Declined> {
    let record = record_of(cx, user, Event::ClientOwnershipDeclined, id).object(offer);
    cx.store.drop_offer(offer, id, None, &record).await?;
    Ok(())
}

/// Removes an owner, oneself perhaps; never the last.
pub async fn remove_owner(cx: &Context, user: &User, id: &ClientId, who: &UserId) -> Result<(), Declined> {
    let record = record_of(cx, user, Event::ClientOwnerRemoved, id).object(who);
    match cx.store.remove_owner(id, who, &record).await? {
        Removal::Done => Ok(()),
        Removal::Last => Err(Declined::LastOwner),
        Removal::Unknown => Err(ManageError::Unknown("owner").into()),
    }
}
