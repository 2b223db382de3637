//! Several secrets at a time, so that one takes another's place without downtime.

use super::super::client::{self, Change, Logo};
use super::super::refused;
use super::{Declined, record_of};
use crate::audit::Event;
use crate::client::{AuthMethod, Client};
use crate::context::Context;
use crate::directory::User;
use crate::ids::{ClientId, Id};
use crate::secret::Secret;
use crate::time::Seconds;

/// The most secrets of an application at a time.
pub const MOST_SECRETS: usize = 10;
const NAME_LIMIT: usize = 60;

/// A secret to make.
#[derive(Debug, Clone, Default)]
pub struct NewSecret {
    /// The one that the form was drawn with, so that a form sent twice makes one.
    pub id: Option<Id>,
    /// Empty: named by its day.
    pub name: String,
    /// `None`: it does not expire.
    pub lifetime: Option<Seconds>,
}

/// A secret just made, in clear for the one time that it can be shown.
#[derive(Debug)]
pub struct Added {
    pub client: Client,
    pub id: Id,
    pub secret: Secret,
}

/// Adds a secret; the others stay as they are.
pub async fn add_secret(cx: &Context, user: &User, id: &ClientId, new: NewSecret) -> Result<Added, Declined> {
    let name = new.name.trim();
    if name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control) {
        return Err(refused("a secret's name has at most 60 characters on one line").into());
    }
    let secret = cx.new_secret();
    let mut made = client::client_secret(cx, &secret);
    made.id = new.id.unwrap_or(made.id);
    made.expires_at = new.lifetime.map(|span| cx.now + span);
    name.clone_into(&mut made.name);
    let record = record_of(cx, user, Event::ClientSecretAdded, id).object(made.id);
    let change = Change { id, record, mark: None, logo: Logo::Stays };
    let client = client::change(cx, change, |client| {
        if !client.auth_method.is_by_secret() {
            return Err(refused("this application proves itself without a secret").into());
        }
        if client.secrets.iter().any(|own| own.id == made.id) {
            return Err(Declined::Again);
        }
        client.secrets.retain(|own| own.is_live(cx.now));
        if client.secrets.len() >= MOST_SECRETS {
            return Err(refused("an application has at most 10 secrets: delete one that is not used").into());
        }
        if !made.name.is_empty() && client.secrets.iter().any(|own| own.name == made.name) {
            return Err(refused("there is a secret of this name: give the new one another").into());
        }
        let mut made = made.clone();
        if made.name.is_empty() {
            made.name = free_name(client);
        }
        client.secrets.push(made);
        Ok(())
    })
    .await?;
    Ok(Added { client, id: made.id, secret })
}

fn free_name(client: &Client) -> String {
    let taken = |name: &String| client.secrets.iter().any(|own| own.name == *name);
    let names = (client.secrets.len() + 1..).map(|n| format!("secret {n}"));
    names.take(MOST_SECRETS + 1).find(|name| !taken(name)).unwrap_or_default()
}

/// Deletes a secret: what is proven by it is refused at once. The last one that works goes only if that is meant.
pub async fn delete_secret(
    cx: &Context,
    user: &User,
    id: &ClientId,
    secret: Id,
    confirmed: bool,
) -> Result<Client, Declined> {
    let record = record_of(cx, user, Event::ClientSecretDeleted, id).object(secret);
    client::change(cx, Change { id, record, mark: None, logo: Logo::Stays }, |client| {
        let Some(at) = client.secrets.iter().position(|own| own.id == secret) else {
            return Err(super::ManageError::Unknown("secret").into());
        };
        let gone = client.secrets.remove(at);
        let confidential = client.auth_method != AuthMethod::None;
        let left = client.secrets.iter().any(|own| own.is_live(cx.now));
        if confidential && gone.is_live(cx.now) && !left && !confirmed {
            return Err(Declined::LastSecret);
        }
        Ok(())
    })
    .await
}
