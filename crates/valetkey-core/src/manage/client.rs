//! Registering and changing clients.

use super::{ManageError, TRIES, changed, created, mark_now, refused, sector, tenant};
use crate::applied::{Applicant, Registration};
use crate::audit::{Actor, Event, Record};
use crate::client::compat::Compat;
use crate::client::listing::{Listing, Review};
use crate::client::profile::Profile;
use crate::client::{AuthMethod, Client, ClientSecret, Origin, metadata};
use crate::context::Context;
use crate::grant::GrantType;
use crate::ids::{ClientId, TenantId};
use crate::image::Image;
use crate::scope::Scope;
use crate::secret::{Secret, SecretHash};
use crate::settings::LONGEST_ACCESS_TOKEN;
use crate::store::{Mark, MarkKind, Write};
use crate::time::Seconds;

const KIND: &str = "client";

/// What to register. What is not said is given by the registration defaults in force, or else strict.
#[derive(Debug, Clone, Default)]
pub struct NewClient {
    /// Generated when absent.
    pub id: Option<String>,
    /// Generated when absent and the client is confidential.
    pub secret: Option<Secret>,
    pub name: String,
    pub description: String,
    pub website: String,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    /// Empty: those of every client registered now, else `authorization_code` and `refresh_token`.
    pub grant_types: Vec<GrantType>,
    pub scope: Option<Scope>,
    /// What a token for the application itself may have of it; `None`: all.
    pub application_scope: Option<Scope>,
    /// `None`: as of every client registered now, else a secret by either method.
    pub auth_method: Option<AuthMethod>,
    /// For `private_key_jwt`.
    pub jwks: Option<serde_json::Value>,
    /// Instead of `jwks`.
    pub jwks_uri: Option<String>,
    pub introspect: bool,
    pub profile: Profile,
    /// Empty: those of every client registered now, else none.
    pub compat: Vec<Compat>,
    /// Nothing is given that was not asked for.
    pub strict: bool,
    pub tenant: Option<TenantId>,
    pub access_token_lifetime: Option<Seconds>,
    pub origin: Origin,
    /// For a client that registers itself.
    pub registration_token: Option<SecretHash>,
    /// For one that comes from the portal.
    pub listing: Listing,
}

/// A client just made, with its secret in clear for the one time that it can be shown.
#[derive(Debug)]
pub struct Created {
    pub client: Client,
    pub secret: Option<Secret>,
}

/// What a client gets that is registered now: what was asked for, and where nothing was, what the operator gives to
/// every client. All ways of registering come through here.
pub fn registered_now(given: &Registration, new: NewClient) -> NewClient {
    let strict = Registration::default();
    // FAPI 2.0 forbids every opt-in, those that others are given too.
    let only_said = new.strict || new.profile.security.is_fapi2();
    let named = given.with_opt_ins(&new.compat);
    let given = match (only_said, new.compat.is_empty()) {
        (true, _) => &strict,
        (false, true) => given,
        (false, false) => &named,
    };
    let auth_method = new.auth_method.or(given.auth_method).unwrap_or(AuthMethod::ClientSecret);
    let public = auth_method == AuthMethod::None;
    let applicant = Applicant { public, redirects: !new.redirect_uris.is_empty() };
    let grant_types = if new.grant_types.is_empty() {
        opened(given.grants_of(applicant), &new.compat)
    } else {
        new.grant_types
    };
    let compat = if new.compat.is_empty() { given.opt_ins_of(public, &grant_types) } else { new.compat };
    // A lifetime that an opt-in of the operator's list allows goes only with that opt-in.
    let long = given.access_token_lifetime.is_some_and(|span| span > LONGEST_ACCESS_TOKEN);
    let fits = !long || compat.contains(&Compat::LongLivedAccessToken);
    NewClient {
        auth_method: Some(auth_method),
        scope: new.scope.or_else(|| given.scope.clone()),
        application_scope: new.application_scope.or_else(|| given.application_scope.clone()),
        access_token_lifetime: new.access_token_lifetime.or(given.access_token_lifetime.filter(|_| fits)),
        grant_types,
        compat,
        ..new
    }
}

/// The grants, and those that the opt-ins open: who asks for an opt-in by name wants the grant that needs it.
fn opened(mut grants: Vec<GrantType>, compat: &[Compat]) -> Vec<GrantType> {
    let missing: Vec<_> =
        compat.iter().filter_map(|compat| compat.opens()).filter(|grant| !grants.contains(grant)).collect();
    grants.extend(missing);
    grants
}

/// Switches a client's opt-ins, and the grants that need them along.
pub fn switch_opt_ins(client: &mut Client, compat: Vec<Compat>) {
    let lost = |grant: &GrantType| Compat::needed_for(*grant).is_some_and(|need| !compat.contains(&need));
    client.grant_types.retain(|grant| !lost(grant));
    let fresh: Vec<_> = compat.iter().copied().filter(|own| !client.has(*own)).collect();
    client.grant_types = opened(std::mem::take(&mut client.grant_types), &fresh);
    client.compat = compat;
}

/// Registers a client.
pub async fn create(cx: &Context, actor: Actor, new: NewClient) -> Result<Created, ManageError> {
    let created_now = draft(cx, &cx.in_force().applied.registration, new)?;
    let client = &created_now.client;
    sector::check(cx, client).await?;
    let mut record = cx.record(Event::ClientCreated, actor).client(&client.id);
    record.object = Compat::switched(&[], &client.compat);
    created(cx.store.create_client(client, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(created_now)
}

/// The client as it would be registered; nothing is written.
pub fn draft(cx: &Context, given: &Registration, new: NewClient) -> Result<Created, ManageError> {
    let drafted = assemble(cx, given, new)?;
    check(cx, &drafted.client)?;
    Ok(drafted)
}

/// The same without its rules: the portal says each that is broken.
pub(super) fn assemble(cx: &Context, given: &Registration, new: NewClient) -> Result<Created, ManageError> {
    let new = registered_now(given, new);
    let auth_method = new.auth_method.unwrap_or(AuthMethod::ClientSecret);
    let secret = secret_for(cx, auth_method, new.secret)?;
    let client = Client {
        id: new.id.unwrap_or_else(|| format!("app_{}", cx.new_id())).into(),
        tenant: new.tenant,
        name: new.name,
        description: new.description,
        website: new.website,
        redirect_uris: new.redirect_uris,
        post_logout_redirect_uris: new.post_logout_redirect_uris,
        grant_types: new.grant_types,
        scope: new.scope,
        application_scope: new.application_scope,
        auth_method,
        secrets: secret.iter().map(|secret| client_secret(cx, secret)).collect(),
        jwks: new.jwks,
        jwks_uri: new.jwks_uri,
        introspect: new.introspect,
        profile: new.profile,
        compat: new.compat,
        access_token_lifetime: new.access_token_lifetime,
        origin: new.origin,
        registration_token: new.registration_token,
        listing: new.listing,
        disabled: false,
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    };
    Ok(Created { client, secret })
}

pub(super) fn check(cx: &Context, client: &Client) -> Result<(), ManageError> {
    client.tenant.as_ref().map_or(Ok(()), |own| tenant::known(cx, own))?;
    metadata::check(client).map_err(refused)
}

fn secret_for(
    cx: &Context,
    method: AuthMethod,
    given: Option<Secret>,
) -> Result<Option<Secret>, ManageError> {
    match (method, given) {
        (method, None) if !method.is_by_secret() => Ok(None),
        (method, Some(_)) if !method.is_by_secret() => {
            Err(refused("a client of this authentication method has no secret"))
        }
        (_, None) => Ok(Some(cx.new_secret())),
        (_, Some(secret)) => {
            metadata::check_secret(secret.expose()).map_err(refused)?;
            Ok(Some(secret))
        }
    }
}

pub(super) fn client_secret(cx: &Context, secret: &Secret) -> ClientSecret {
    ClientSecret {
        id: cx.new_id(),
        hash: secret.hash(),
        created_at: cx.now,
        expires_at: None,
        name: String::new(),
    }
}

/// One client, as the store has it now.
pub async fn show(cx: &Context, id: &ClientId) -> Result<Client, ManageError> {
    cx.store.client(id).await?.ok_or(ManageError::Unknown(KIND))
}

/// A change of a client, and what is written with it.
pub(super) struct Change<'a> {
    pub(super) id: &'a ClientId,
    pub(super) record: Record,
    /// Takes back what was issued before.
    pub(super) mark: Option<Mark>,
    pub(super) logo: Logo<'a>,
}

/// What becomes of a client's picture.
#[derive(Clone, Copy)]
pub(super) enum Logo<'a> {
    Stays,
    /// This from now on, or none.
    Becomes(Option<&'a Image>),
}

/// Carries a change out: reads the client, lets `edit` change or refuse it, checks every rule again and writes it unless
/// somebody else did meanwhile, in which case it begins anew.
pub(super) async fn change<E: From<ManageError>>(
    cx: &Context,
    change: Change<'_>,
    edit: impl Fn(&mut Client) -> Result<(), E> + Send,
) -> Result<Client, E> {
    let Change { id, mut record, mark, logo } = change;
    let failed = |fault| E::from(ManageError::Failed(fault));
    let told = record.object.is_some();
    for _ in 0..TRIES {
        let mut client = show(cx, id).await?;
        let before = client.clone();
        edit(&mut client)?;
        if !matches!(record.actor, Actor::Operator | Actor::System) {
            look_again(cx, &before, &mut client);
        }
        client.updated_at = cx.now;
        check(cx, &client)?;
        let moved = client.redirect_uris != before.redirect_uris;
        if moved || client.profile.openid.sector_identifier_uri != before.profile.openid.sector_identifier_uri
        {
            sector::check(cx, &client).await?;
        }
        if !told {
            record.object = Compat::switched(&before.compat, &client.compat);
        }
        let written = match logo {
            Logo::Becomes(logo) => cx.store.set_logo(&client, logo, &record).await,
            Logo::Stays => cx.store.update_client(&client, mark.as_ref(), &record).await,
        };
        match written.map_err(failed)? {
            Write::Conflict => {}
            write => {
                changed(write, KIND)?;
                cx.follow_changes().await.map_err(failed)?;
                client.version += 1;
                return Ok(client);
            }
        }
    }
    Err(refused("others keep changing this client: try again").into())
}

/// Who looked at an application looked at its name, its picture and where it leads: another one is looked at again,
/// whichever way its owners or the application itself changed it.
fn look_again(cx: &Context, before: &Client, client: &mut Client) {
    let reviewed =
        cx.settings.reviews_applications() && client.origin == Origin::Developer && client.listing.is_open();
    let fresh = client.redirect_uris.iter().any(|uri| !before.redirect_uris.contains(uri));
    let pictured = client.listing.logo.is_some() && client.listing.logo != before.listing.logo;
    if reviewed && (fresh || pictured || client.name != before.name) {
        client.listing.review = Review::Pending;
    }
}

/// Changes a client: [`change`], where nothing is refused but by the rules of every client.
pub async fn update(
    cx: &Context,
    actor: &Actor,
    id: &ClientId,
    event: Event,
    edit: impl Fn(&mut Client) + Send,
) -> Result<Client, ManageError> {
    let takes_back = matches!(event, Event::ClientDisabled | Event::ClientRejected);
    let mark = takes_back.then(|| mark_now(cx, MarkKind::Client, id.as_str()));
    let record = cx.record(event, actor.clone()).client(id);
    let edit = move |client: &mut Client| {
        edit(client);
        Ok(())
    };
    change(cx, Change { id, record, mark, logo: Logo::Stays }, edit).await
}

/// Adds a secret. The old ones end after `overlap`, so that the change needs no downtime.
pub async fn rotate_secret(
    cx: &Context,
    actor: &Actor,
    id: &ClientId,
    given: Option<Secret>,
    overlap: Seconds,
) -> Result<Created, ManageError> {
    let method = show(cx, id).await?.auth_method;
    let Some(secret) = secret_for(cx, method, given)? else {
        return Err(refused("a client of this authentication method has no secret to rotate"));
    };
    let fresh = client_secret(cx, &secret);
    let until = cx.now + overlap;
    let client = update(cx, actor, id, Event::ClientSecretRotated, |client| {
        client.secrets.retain(|own| own.expires_at.is_none_or(|at| at > cx.now) && overlap.0 > 0);
        for own in &mut client.secrets {
            own.expires_at = Some(own.expires_at.map_or(until, |at| at.min(until)));
        }
        client.secrets.push(fresh.clone());
    })
    .await?;
    Ok(Created { client, secret: Some(secret) })
}

/// Switches a client off: its tokens die, its users stay.
pub async fn disable(cx: &Context, actor: &Actor, id: &ClientId) -> Result<Client, ManageError> {
    let off = |client: &mut Client| {
        client.disabled = true;
        // An owner cannot undo what an operator did.
        client.listing.paused = false;
    };
    update(cx, actor, id, Event::ClientDisabled, off).await
}

/// Switches it on again; tokens from before stay dead.
pub async fn enable(cx: &Context, actor: &Actor, id: &ClientId) -> Result<Client, ManageError> {
    let on = |client: &mut Client| {
        client.disabled = false;
        client.listing.paused = false;
    };
    update(cx, actor, id, Event::ClientEnabled, on).await
}

/// Deletes a client with its consents and grants.
pub async fn delete(cx: &Context, actor: Actor, id: &ClientId) -> Result<(), ManageError> {
    let mark = mark_now(cx, MarkKind::Client, id.as_str());
    let record = cx.record(Event::ClientDeleted, actor).client(id);
    changed(cx.store.delete_client(id, &mark, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(())
}
