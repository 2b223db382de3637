//! `valetkey user`: accounts.

use super::input;
use super::manage::Managed;
use super::output::{Answer, Column};
use super::values;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::Value;
use valetkey_core::claims::PersonClaims;
use valetkey_core::directory::User;
use valetkey_core::ids::TenantId;
use valetkey_core::manage::tenant;
use valetkey_core::manage::user::{self as commands, Edit, NewUser};
use valetkey_core::store::Page;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account
    Create(Create),
    /// Show all
    List(List),
    /// Show one
    Show(One),
    /// Change name, e-mail address and what is said of the person (OIDC Core 5.1)
    Update(Update),
    /// Switch off: its sessions end and its tokens die at once
    Disable(One),
    /// Switch on again
    Enable(One),
    /// Set a password; every session ends
    SetPassword(SetPassword),
    /// Let the person in only to choose a new password; every session ends
    RequirePasswordChange(One),
    /// Delete, with sessions and grants
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    #[arg(long)]
    username: String,
    #[arg(long)]
    email: Option<String>,
    /// The person's name
    #[arg(long)]
    name: Option<String>,
    #[arg(long, default_value = TenantId::DEFAULT)]
    tenant: String,
    /// The e-mail address is the person's: nothing is sent there
    #[arg(long, requires = "email")]
    email_verified: bool,
    /// A standard claim of OIDC Core 5.1, such as given_name=Alice or address={"country":"NL"}; repeat for several
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::claim)]
    claim: Vec<(String, Value)>,
    /// Administrates this server
    #[arg(long)]
    admin: bool,
    /// The password is for the first sign-in only: the person then chooses another
    #[arg(long, requires = "password_stdin")]
    must_change: bool,
    #[command(flatten)]
    credential: Credential,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Credential {
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Send a link by which the person chooses a password
    #[arg(long)]
    invite: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Id or user name
    user: String,
    #[arg(long, default_value = TenantId::DEFAULT)]
    tenant: String,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    #[command(flatten)]
    one: One,
    /// Empty: none
    #[arg(long)]
    name: Option<String>,
    /// Empty: none; a new one is unproven
    #[arg(long)]
    email: Option<String>,
    /// Whether the e-mail address is the person's
    #[arg(long)]
    email_verified: Option<bool>,
    /// As for `create`; an empty value or null takes the claim away
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::claim)]
    claim: Vec<(String, Value)>,
}

#[derive(Debug, Args)]
pub(crate) struct SetPassword {
    #[command(flatten)]
    one: One,
    /// Read the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
    /// It is for the next sign-in only: the person then chooses another
    #[arg(long)]
    must_change: bool,
}

const FIELDS: &[Column] = &[
    ("Id", "id"),
    ("User name", "username"),
    ("Name", "name"),
    ("E-mail", "email"),
    ("E-mail confirmed", "email_verified"),
    ("Claims", "claims"),
    ("Tenant", "tenant"),
    ("Administrator", "admin"),
    ("Disabled", "disabled"),
    ("Must change the password", "must_change_password"),
    ("Created", "created_at"),
    ("Changed", "updated_at"),
];
const COLUMNS: &[Column] =
    &[("id", "id"), ("username", "username"), ("name", "name"), ("email", "email"), ("disabled", "disabled")];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    let user = match command {
        Command::Create(create) => self::create(managed, create).await?,
        Command::List(list) => return self::list(managed, list.tenant.as_deref()).await,
        Command::Show(one) => find(managed, &one).await?,
        Command::Update(update) => {
            let user = find(managed, &update.one).await?;
            let Update { name, email, email_verified, claim, .. } = update;
            let edit = Edit { name, email, email_verified, claims: claim.into_iter().collect() };
            commands::edit(cx, &actor, &user.id, &edit).await?
        }
        Command::Disable(one) => commands::disable(cx, &actor, &find(managed, &one).await?.id).await?,
        Command::Enable(one) => commands::enable(cx, &actor, &find(managed, &one).await?.id).await?,
        Command::SetPassword(set) => {
            let user = find(managed, &set.one).await?;
            let password = input::secret("Password")?;
            commands::set_password_with(cx, &actor, &user.id, &password, set.must_change).await?
        }
        Command::RequirePasswordChange(one) => {
            let user = find(managed, &one).await?;
            commands::require_password_change(cx, &actor, &user.id).await?
        }
        Command::Delete(one) => {
            let user = find(managed, &one).await?;
            commands::delete(cx, actor, &user.id).await?;
            return Ok(Answer::done(user.id.as_str(), "Deleted"));
        }
    };
    Ok(Answer::one(serde_json::to_value(user)?, FIELDS))
}

async fn find(managed: &Managed, one: &One) -> Result<User> {
    known_tenant(managed, &one.tenant)?;
    Ok(commands::find(&managed.cx, &one.tenant.as_str().into(), &one.user).await?)
}

/// A slip in a tenant's name is no missing user.
fn known_tenant(managed: &Managed, tenant: &str) -> Result<()> {
    Ok(tenant::known(&managed.cx, &tenant.into())?)
}

async fn create(managed: &Managed, create: Create) -> Result<User> {
    if create.credential.invite {
        bail!("this version sends no mail, so it cannot invite: use --password-stdin");
    }
    let new = NewUser {
        username: create.username,
        name: create.name,
        email: create.email,
        tenant: create.tenant.into(),
        password: Some(input::secret("Password")?),
        admin: create.admin,
    };
    let claims = create.claim.into_iter().collect();
    // Whoever cannot be described as wished is not made.
    PersonClaims::read(&claims).map_err(|flaw| anyhow::anyhow!("{flaw}"))?;
    let cx = &managed.cx;
    let user = commands::create_with(cx, Managed::actor(), new, create.must_change).await?;
    let email_verified = create.email_verified.then_some(true);
    if claims.is_empty() && email_verified.is_none() {
        return Ok(user);
    }
    let edit = Edit { email_verified, claims, ..Edit::default() };
    Ok(commands::edit(cx, &Managed::actor(), &user.id, &edit).await?)
}

async fn list(managed: &Managed, tenant: Option<&str>) -> Result<Answer> {
    tenant.map_or(Ok(()), |tenant| known_tenant(managed, tenant))?;
    let tenant = tenant.map(TenantId::from);
    let (mut json, mut page) = (Vec::new(), Page::first(500));
    loop {
        let some = managed.cx.store.users(tenant.as_ref(), &page).await?;
        for user in &some {
            json.push(serde_json::to_value(user)?);
        }
        match some.last() {
            Some(last) if some.len() == 500 => page.after = Some(last.id.to_string()),
            _ => return Ok(Answer::Many { json, columns: COLUMNS, none: "There are no users." }),
        }
    }
}
