//! `valetkey tenant`: user directories.

use super::manage::Managed;
use super::output::{Answer, Column};
use super::values::One;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;
use valetkey_core::audit::Event;
use valetkey_core::directory::Tenant;
use valetkey_core::ids::TenantId;
use valetkey_core::image::{Image, MOST_BYTES};
use valetkey_core::manage::tenant::{self as commands, NewTenant};
use valetkey_core::outbound::Exchange;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a user directory
    Create(Create),
    /// Show all
    List,
    /// Show one
    Show(One),
    /// Change what is given
    Update(Update),
    /// Switch off: nobody of it gets in, its sessions end and its tokens die at once
    Disable(One),
    /// Switch on again
    Enable(One),
    /// Delete; refused while users or applications belong to it
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// As applications name it in tenant_id: lower-case letters, digits, dots, dashes, underscores
    #[arg(long)]
    id: String,
    /// As people read it on the login page
    #[arg(long)]
    name: String,
    /// A picture for the login page: PNG, JPEG or WebP, at most 100 KiB
    #[arg(long, value_name = "FILE|URL")]
    logo: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The tenant's id
    id: String,
    #[arg(long)]
    name: Option<String>,
    /// A picture for the login page: PNG, JPEG or WebP, at most 100 KiB
    #[arg(long, value_name = "FILE|URL")]
    logo: Option<String>,
    /// Show no picture
    #[arg(long, conflicts_with = "logo")]
    no_logo: bool,
}

/// Where a user who is given by name is looked for.
#[derive(Debug, Clone, Args)]
pub(crate) struct Within {
    /// The user's tenant
    #[arg(long, value_name = "TENANT", default_value = TenantId::DEFAULT)]
    tenant: String,
}

impl Within {
    pub(super) fn tenant(&self) -> TenantId {
        self.tenant.as_str().into()
    }
}

const FIELDS: &[Column] = &[
    ("Id", "id"),
    ("Name", "name"),
    ("Logo", "logo"),
    ("Disabled", "disabled"),
    ("Created", "created_at"),
    ("Changed", "updated_at"),
];
const COLUMNS: &[Column] = &[("id", "id"), ("name", "name"), ("logo", "logo"), ("disabled", "disabled")];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    let tenant = match command {
        Command::Create(create) => {
            let logo = maybe(managed, create.logo.as_deref()).await?;
            commands::create(cx, actor, NewTenant { id: create.id, name: create.name, logo }).await?
        }
        Command::List => {
            let json = cx.catalog().tenants().map(|tenant| to_json(tenant)).collect();
            return Ok(Answer::Many { json, columns: COLUMNS, none: "There are no tenants." });
        }
        Command::Show(one) => {
            let found = cx.tenant(&one.id.as_str().into());
            let tenant = found.with_context(|| format!("there is no tenant `{}`", one.id))?;
            return Ok(Answer::one(to_json(&tenant), FIELDS));
        }
        Command::Update(update) => self::update(managed, &update).await?,
        Command::Disable(one) => commands::disable(cx, &actor, &one.id.as_str().into()).await?,
        Command::Enable(one) => commands::enable(cx, &actor, &one.id.as_str().into()).await?,
        Command::Delete(one) => {
            commands::delete(cx, actor, &one.id.as_str().into()).await?;
            return Ok(Answer::done(&one.id, "Deleted"));
        }
    };
    Ok(Answer::one(to_json(&tenant), FIELDS))
}

async fn update(managed: &Managed, update: &Update) -> Result<Tenant> {
    if update.name.is_none() && update.logo.is_none() && !update.no_logo {
        bail!("say what to change: --name, --logo or --no-logo");
    }
    let logo = maybe(managed, update.logo.as_deref()).await?;
    let edit = |tenant: &mut Tenant| {
        if let Some(name) = &update.name {
            name.trim().clone_into(&mut tenant.name);
        }
        if logo.is_some() || update.no_logo {
            tenant.logo.clone_from(&logo);
        }
    };
    let id = update.id.as_str().into();
    Ok(commands::update(&managed.cx, &Managed::actor(), &id, Event::TenantUpdated, edit).await?)
}

/// Reads a picture, never more of it than one may have. An address is asked once, by the guarded fetcher; what it says of
/// the type counts for nothing.
async fn picture(managed: &Managed, from: &str) -> Result<Image> {
    let bytes = if from.starts_with("https://") || from.starts_with("http://") {
        let asked = Exchange { url: from, form: None, authorization: None, limit: MOST_BYTES };
        let answer = managed.cx.fetcher.exchange(&asked).await;
        let answer = answer.with_context(|| format!("cannot fetch {from}"))?;
        if answer.status != 200 {
            bail!("cannot fetch {from}: it answered with status {}", answer.status);
        }
        answer.body
    } else {
        let file = std::fs::File::open(Path::new(from)).with_context(|| format!("cannot open {from}"))?;
        let mut bytes = Vec::new();
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        file.take(most + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {from}"))?;
        bytes
    };
    Image::read(&bytes).with_context(|| format!("{from} cannot be the logo"))
}

async fn maybe(managed: &Managed, from: Option<&str>) -> Result<Option<Image>> {
    match from {
        Some(from) => picture(managed, from).await.map(Some),
        None => Ok(None),
    }
}

fn to_json(tenant: &Tenant) -> Value {
    json!({
        "id": tenant.id,
        "name": tenant.name,
        "logo": tenant.logo.as_ref().map(|logo| logo.kind.media_type()),
        "disabled": tenant.disabled,
        "created_at": tenant.created_at,
        "updated_at": tenant.updated_at,
    })
}
