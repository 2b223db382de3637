//! The console as a place where an application's answers may go: its redirect URI, put on and taken off by an owner.

use super::{ManageError, client};
use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::ids::{ClientId, UserId};
use crate::settings::path::CONSOLE;

/// Adds the console's address to a client's redirect URIs, or removes it, for an owner. It is the one address that the
/// button can add: ours, from the configured issuer.
pub async fn allow(cx: &Context, user: &UserId, id: &ClientId, on: bool) -> Result<(), ManageError> {
    if !cx.store.is_owner(id, user).await? {
        return Err(ManageError::Unknown("client"));
    }
    let address = cx.settings.url(CONSOLE);
    let edit = |client: &mut Client| {
        client.redirect_uris.retain(|uri| *uri != address);
        if on {
            client.redirect_uris.push(address.clone());
        }
    };
    client::update(cx, &Actor::User(user.clone()), id, Event::ClientUpdated, edit).await.map(drop)
}
