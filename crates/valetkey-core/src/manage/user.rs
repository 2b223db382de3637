//! Accounts.

mod change;
pub mod profile;
pub mod sign_up;

pub use profile::update_profile;

pub use change::{NotChanged, change_password, require_password_change, set_password, set_password_with};

use super::{ManageError, TRIES, changed, created, mark_now, refused, tenant};
use crate::audit::{Actor, Event, Record};
use crate::claims::PersonClaims;
use crate::context::Context;
use crate::directory::User;
use crate::ids::{TenantId, UserId};
use crate::login::password::{self, PasswordFlaw};
use crate::login::reserve;
use crate::secret::Secret;
use crate::store::{MarkKind, Write};
use serde_json::{Map, Value};

const KIND: &str = "user";

/// An account to make.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub username: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub tenant: TenantId,
    pub password: Option<Secret>,
    pub admin: bool,
}

/// What is wrong with one field of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserFlaw {
    #[error("a user name has 1 to 100 characters on one line")]
    Username,
    #[error("a name has at most 200 characters on one line")]
    Name,
    #[error("this does not look like an e-mail address")]
    Email,
    #[error("{0}")]
    Password(PasswordFlaw),
}

/// Every flaw of a new account, in the order of a form's fields.
pub fn flaws(cx: &Context, new: &NewUser) -> Vec<UserFlaw> {
    let mut flaws = Vec::new();
    let one_line = |text: &str, limit| text.chars().count() <= limit && !text.chars().any(char::is_control);
    if new.username.trim().is_empty() || !one_line(&new.username, 100) {
        flaws.push(UserFlaw::Username);
    }
    if new.name.as_ref().is_some_and(|name| !one_line(name, 200)) {
        flaws.push(UserFlaw::Name);
    }
    if new.email.as_deref().map(str::trim).is_some_and(|email| !email.is_empty() && !is_email(email)) {
        flaws.push(UserFlaw::Email);
    }
    if let Some(password) = &new.password
        && let Err(flaw) = check_password(cx, password, &new.username, new.email.as_deref())
    {
        flaws.push(UserFlaw::Password(flaw));
    }
    flaws
}

/// Shaped like an address; whether it works only a mail can tell.
fn is_email(text: &str) -> bool {
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// Whether this may be the password of that person.
pub fn check_password(
    cx: &Context,
    password: &Secret,
    username: &str,
    email: Option<&str>,
) -> Result<(), PasswordFlaw> {
    let host = cx.settings.host().split(':').next().unwrap_or_default();
    let mailbox = email.and_then(|email| email.split('@').next()).unwrap_or_default();
    password::check(password, &[username, mailbox, host, "Valetkey"])
}

/// Checks a user and hashes the password. Shared by `create` and the set-up of the first administrator.
pub(super) async fn build(cx: &Context, new: NewUser) -> Result<User, ManageError> {
    if let Some(flaw) = flaws(cx, &new).first() {
        return Err(refused(flaw));
    }
    let password = match &new.password {
        Some(password) => Some(reserve(cx).await?.hash(password).await?),
        None => None,
    };
    Ok(account(cx, new, password))
}

/// An account as it begins, with the hash of its password.
fn account(cx: &Context, new: NewUser, password: Option<String>) -> User {
    let filled =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    User {
        id: UserId::from_id(cx.new_id()),
        tenant: new.tenant,
        username: new.username.trim().to_owned(),
        name: filled(new.name),
        email: filled(new.email),
        email_verified: false,
        claims: PersonClaims::default(),
        admin: new.admin,
        password,
        must_change_password: false,
        disabled: false,
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    }
}

/// Makes an account.
pub async fn create(cx: &Context, actor: Actor, new: NewUser) -> Result<User, ManageError> {
    create_with(cx, actor, new, false).await
}

/// The same; with `must_change`, the password is for the first sign-in only.
pub async fn create_with(
    cx: &Context,
    actor: Actor,
    new: NewUser,
    must_change: bool,
) -> Result<User, ManageError> {
    tenant::known(cx, &new.tenant)?;
    let user = User { must_change_password: must_change, ..build(cx, new).await? };
    let record = cx.record(Event::UserCreated, actor).user(&user.id, &user.tenant);
    created(cx.store.create_user(&user, &record).await?, KIND)?;
    Ok(user)
}

/// Finds a user by id, or by name within a tenant: what an operator types.
pub async fn find(cx: &Context, tenant: &TenantId, text: &str) -> Result<User, ManageError> {
    if text.starts_with(UserId::PREFIX)
        && let Some(user) = cx.store.user(&text.into()).await?
    {
        return Ok(user);
    }
    let found = cx.store.user_by_login(tenant, &User::lookup_key(text)).await?;
    found.ok_or(ManageError::Unknown(KIND))
}

/// What the trail says of a change.
struct Told {
    event: Event,
    object: Option<String>,
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        Self { event, object: None }
    }
}

async fn update(
    cx: &Context,
    actor: &Actor,
    id: &UserId,
    told: impl Into<Told> + Send,
    edit: impl Fn(&mut User) + Send,
) -> Result<User, ManageError> {
    let Told { event, object } = told.into();
    for _ in 0..TRIES {
        let mut user = cx.store.user(id).await?.ok_or(ManageError::Unknown(KIND))?;
        edit(&mut user);
        user.updated_at = cx.now;
        let mark = (event == Event::UserDisabled).then(|| mark_now(cx, MarkKind::User, id.as_str()));
        // ASVS 7.4.2, 7.4.3: switching an account off or changing its password ends what was signed in.
        let end_sessions =
            matches!(event, Event::UserDisabled | Event::PasswordSet | Event::PasswordChangeRequired);
        let record = cx.record(event, actor.clone()).user(id, &user.tenant);
        let record = Record { object: object.clone(), ..record };
        match cx.store.update_user(&user, mark.as_ref(), end_sessions, &record).await? {
            Write::Conflict => {}
            write => {
                changed(write, KIND)?;
                cx.follow_changes().await?;
                user.version += 1;
                return Ok(user);
            }
        }
    }
    Err(refused("others keep changing this user: try again"))
}

/// What an operator changes of an account; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: Option<bool>,
    /// Each written down in turn ([`PersonClaims::set`]).
    pub claims: Map<String, Value>,
}

/// An operator's change of an account.
pub async fn edit(cx: &Context, actor: &Actor, id: &UserId, edit: &Edit) -> Result<User, ManageError> {
    let own = cx.store.user(id).await?.ok_or(ManageError::Unknown(KIND))?;
    let mut claims = own.claims.clone();
    edit.claims.iter().try_for_each(|(name, value)| claims.set(name, value.clone())).map_err(refused)?;
    let trimmed = |text: &Option<String>| text.as_deref().map(str::trim).map(str::to_owned);
    let (name, email) = (trimmed(&edit.name), trimmed(&edit.email));
    let wrong = NewUser {
        username: own.username.clone(),
        name: name.clone(),
        email: email.clone(),
        tenant: own.tenant.clone(),
        password: None,
        admin: own.admin,
    };
    if let Some(flaw) = flaws(cx, &wrong).first() {
        return Err(refused(flaw));
    }
    update(cx, actor, id, Event::UserUpdated, |user| {
        if let Some(name) = &name {
            user.name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        if let Some(email) = &email {
            let email = Some(email.clone()).filter(|email| !email.is_empty());
            user.email_verified = user.email_verified && user.email == email;
            user.email = email;
        }
        user.email_verified = edit.email_verified.unwrap_or(user.email_verified) && user.email.is_some();
        user.claims.clone_from(&claims);
    })
    .await
}

/// Switches an account off: its sessions end and its tokens die.
pub async fn disable(cx: &Context, actor: &Actor, id: &UserId) -> Result<User, ManageError> {
    update(cx, actor, id, Event::UserDisabled, |user| user.disabled = true).await
}

/// Switches it on again; sessions and tokens from before stay dead.
pub async fn enable(cx: &Context, actor: &Actor, id: &UserId) -> Result<User, ManageError> {
    update(cx, actor, id, Event::UserEnabled, |user| user.disabled = false).await
}

/// Deletes an account with its sessions, consents and grants. Its id is never given to anybody else.
pub async fn delete(cx: &Context, actor: Actor, id: &UserId) -> Result<(), ManageError> {
    let user = cx.store.user(id).await?.ok_or(ManageError::Unknown(KIND))?;
    let mark = mark_now(cx, MarkKind::User, id.as_str());
    let record = cx.record(Event::UserDeleted, actor).user(id, &user.tenant);
    changed(cx.store.delete_user(id, &mark, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(())
}
