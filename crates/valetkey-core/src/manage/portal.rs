//! The developer portal: people register applications and look after them.
//!
//! An owner may change what an application says of itself, where its users come back, its secrets and its owners.
//! Grants, scopes, opt-ins and lifetimes are the operator's: `manage::client::registered_now` gives them.

mod owners;
mod review;
mod secrets;

pub use owners::{decline, offer, offers_to, remove_owner, take, withdraw};
pub use review::{approve, ask_again, reject};
pub use secrets::{Added, MOST_SECRETS, NewSecret, add_secret, delete_secret};

use super::ManageError;
use super::client::{self, Change, Created, Logo, NewClient};
use crate::applied::Registration;
use crate::audit::{Actor, Event};
use crate::client::listing::{Kind, Listing, Review};
use crate::client::metadata::{self, Flaw};
use crate::client::noted::Failure;
use crate::client::{AuthMethod, Client, Origin};
use crate::context::Context;
use crate::directory::User;
use crate::error::{Fault, becomes};
use crate::grant::GrantType;
use crate::ids::{ClientId, Id};
use crate::image::{Image, ImageFlaw};
use crate::scope::Scope;
use crate::store::{Audience, MarkKind, Offer, Owner, Registered};
use crate::time::Timestamp;

/// Why something was not done for an owner.
#[derive(Debug)]
pub enum Declined {
    /// Fields that break a rule.
    Flaws(Vec<Flaw>),
    /// The person owns as many applications as anybody may.
    Full(u32),
    /// This form was sent before, and what it asks for is done.
    Again,
    /// It would leave a confidential application without a secret that works.
    LastSecret,
    /// It would leave an application without an owner.
    LastOwner,
    Picture(ImageFlaw),
    Other(ManageError),
}

impl From<ManageError> for Declined {
    fn from(error: ManageError) -> Self {
        Self::Other(error)
    }
}

becomes!(Fault => Declined::Other);

/// What a person fills in.
#[derive(Debug, Clone, Default)]
pub struct Form {
    pub name: String,
    pub website: String,
    pub description: String,
    pub redirect_uris: Vec<String>,
}

/// What the operator gives to applications of the portal, as far as the person has a choice.
pub fn kinds(cx: &Context) -> Vec<Kind> {
    let in_force = cx.in_force();
    let given = &in_force.applied.registration;
    let fits = |kind: &Kind| {
        let needed = kind.grants();
        let redirected = [GrantType::AuthorizationCode, GrantType::Implicit];
        let has = |grant: &GrantType| given.grant_types.contains(grant);
        let is_met = if kind.has_callback() { redirected.iter().any(has) } else { needed.iter().any(has) };
        let all_public = given.auth_method == Some(AuthMethod::None);
        let provable = *kind != Kind::Machine || !all_public;
        (given.grant_types.is_empty() || is_met) && provable
    };
    Kind::ALL.into_iter().map(|(_, kind)| kind).filter(fits).collect()
}

/// What an application that is registered now may ask for: never more than the operator offers.
pub fn offered_scope(cx: &Context, given: &Registration) -> Scope {
    let catalog = cx.catalog();
    given.scope.clone().unwrap_or_else(|| catalog.scopes().map(|words| words.name.as_str()).collect())
}

/// Registers an application of `user`. `id`: the one that the form was drawn with, so that a form sent twice makes one.
pub async fn register(
    cx: &Context,
    user: &User,
    id: Option<Id>,
    kind: Kind,
    form: Form,
) -> Result<Created, Declined> {
    if !kinds(cx).contains(&kind) {
        return Err(super::refused("this server takes no applications of this kind").into());
    }
    let in_force = cx.in_force();
    let given = &in_force.applied.registration;
    let new = new_client(cx, given, user, kind, form);
    let new = NewClient { id: id.map(|id| format!("app_{id}")), ..new };
    let mut created = client::assemble(cx, given, new)?;
    let flaws = metadata::flaws(&created.client);
    if !flaws.is_empty() {
        return Err(Declined::Flaws(flaws));
    }
    client::check(cx, &created.client)?;
    for secret in &mut created.client.secrets {
        "first secret".clone_into(&mut secret.name);
    }
    let most = cx.settings.portal.max_applications;
    let record = cx.record(Event::ClientCreated, Actor::User(user.id.clone()));
    let record = record.client(&created.client.id).user(&user.id, &user.tenant);
    match cx.store.register_application(&created.client, &user.id, most, &record).await? {
        Registered::Done => {}
        Registered::Exists => return Err(Declined::Again),
        Registered::Full => return Err(Declined::Full(most)),
    }
    cx.follow_changes().await?;
    Ok(created)
}

fn new_client(cx: &Context, given: &Registration, user: &User, kind: Kind, form: Form) -> NewClient {
    let review = if cx.settings.reviews_applications() { Review::Pending } else { Review::NotNeeded };
    let home = cx.in_force().applied.default_tenant.clone().unwrap_or_default();
    // Keys are not taken here: who should prove itself by one gets a secret.
    let by_key = given.auth_method == Some(AuthMethod::PrivateKeyJwt);
    let secret = by_key.then_some(AuthMethod::ClientSecret);
    NewClient {
        name: form.name,
        website: form.website,
        description: form.description,
        redirect_uris: if kind.has_callback() { form.redirect_uris } else { Vec::new() },
        grant_types: if given.grant_types.is_empty() { kind.grants() } else { Vec::new() },
        scope: Some(offered_scope(cx, given)),
        auth_method: kind.auth_method().or(secret),
        // Nobody reaches beyond the directory that he is of, but those of the one for everybody.
        tenant: (user.tenant != home).then(|| user.tenant.clone()),
        origin: Origin::Developer,
        listing: Listing { kind: Some(kind), review, ..Listing::default() },
        ..NewClient::default()
    }
}

/// An application of this person. Anybody else's, and none at all, are the same answer.
pub async fn own(cx: &Context, user: &User, id: &str) -> Result<Client, ManageError> {
    let id = ClientId::from(id);
    if !cx.store.is_owner(&id, &user.id).await? {
        return Err(ManageError::Unknown("application"));
    }
    client::show(cx, &id).await
}

fn record_of(cx: &Context, user: &User, event: Event, id: &ClientId) -> crate::audit::Record {
    cx.record(event, Actor::User(user.id.clone())).client(id).user(&user.id, &user.tenant)
}

/// Changes what an application says of itself and where its users come back.
pub async fn edit(cx: &Context, user: &User, id: &ClientId, form: &Form) -> Result<Client, Declined> {
    let record = record_of(cx, user, Event::ClientUpdated, id);
    let change = Change { id, record, mark: None, logo: Logo::Stays };
    client::change(cx, change, |client| {
        client.name.clone_from(&form.name);
        client.website.clone_from(&form.website);
        client.description.clone_from(&form.description);
        client.redirect_uris.clone_from(&form.redirect_uris);
        let flaws = metadata::flaws(client);
        if flaws.is_empty() { Ok(()) } else { Err(Declined::Flaws(flaws)) }
    })
    .await
}

/// Gives an application a picture, or takes it away.
pub async fn set_logo(
    cx: &Context,
    user: &User,
    id: &ClientId,
    bytes: Option<&[u8]>,
) -> Result<Client, Declined> {
    let image = bytes.map(Image::read).transpose().map_err(Declined::Picture)?;
    let record = record_of(cx, user, Event::ClientUpdated, id).object("logo");
    let change = Change { id, record, mark: None, logo: Logo::Becomes(image.as_ref()) };
    client::change(cx, change, |client| {
        client.listing.logo = image.as_ref().map(|image| image.name().to_owned());
        Ok(())
    })
    .await
}

/// Switches an application off: its tokens die, nobody signs in.
pub async fn pause(cx: &Context, user: &User, id: &ClientId) -> Result<Client, Declined> {
    let record = record_of(cx, user, Event::ClientDisabled, id);
    let mark = Some(super::mark_now(cx, MarkKind::Client, id.as_str()));
    client::change(cx, Change { id, record, mark, logo: Logo::Stays }, |client| {
        // Whoever switched it off first keeps the switch.
        client.listing.paused |= !client.disabled;
        client.disabled = true;
        Ok(())
    })
    .await
}

/// Switches it on again, unless those who run the server switched it off.
pub async fn resume(cx: &Context, user: &User, id: &ClientId) -> Result<Client, Declined> {
    let record = record_of(cx, user, Event::ClientEnabled, id);
    client::change(cx, Change { id, record, mark: None, logo: Logo::Stays }, |client| {
        if client.disabled && !client.listing.paused {
            let words = "those who run this server switched this application off: only they can switch it on";
            return Err(super::refused(words).into());
        }
        client.disabled = false;
        client.listing.paused = false;
        Ok(())
    })
    .await
}

/// Deletes an application with all that users gave it.
pub async fn delete(cx: &Context, user: &User, id: &ClientId) -> Result<(), ManageError> {
    client::delete(cx, Actor::User(user.id.clone()), id).await
}

/// What an owner sees of an application beside the application itself.
#[derive(Debug)]
pub struct Overview {
    pub owners: Vec<Owner>,
    pub offers: Vec<Offer>,
    /// When each secret was last used.
    pub uses: Vec<(Id, Timestamp)>,
    pub failures: Vec<Failure>,
    pub audience: Audience,
}

/// How many sorts of refusals are shown.
const FAILURES: u32 = 20;

/// Reads it; what this node noted a moment ago is among it.
pub async fn overview(cx: &Context, client: &Client) -> Result<Overview, Fault> {
    cx.write_notes().await?;
    Ok(Overview {
        owners: cx.store.owners(&client.id).await?,
        offers: cx.store.offers_of(&client.id, cx.now).await?,
        uses: cx.store.secret_uses(&client.id).await?,
        failures: cx.store.failures(&client.id, FAILURES).await?,
        audience: cx.store.audience(&client.id, cx.now).await?,
    })
}
