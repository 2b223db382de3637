//! `valetkey upstream`: existing providers at which people may sign in.

use super::input;
use super::manage::Managed;
use super::output::{Answer, Column};
use super::values::{self, One};
use anyhow::{Result, bail};
use clap::{ArgAction, Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::ids::TenantId;
use valetkey_core::manage::upstream::{self as commands, NewUpstream};
use valetkey_core::upstream::{ClaimNames, OurMethod, Provider, Upstream};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a provider
    Create(Box<Create>),
    /// Show all
    List,
    /// Show one
    Show(One),
    /// Change it
    Update(Box<Update>),
    /// Offer it no longer
    Disable(One),
    /// Offer it again
    Enable(One),
    /// Forget it; people who are linked stay linked
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Stands in the redirect URI to register there: ISSUER/login/upstream/ID/callback
    #[arg(long)]
    id: String,
    /// As people read it on the button
    #[arg(long)]
    name: String,
    /// Of an OpenID Provider: everything else is read from its metadata
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Of a plain OAuth 2 service
    #[arg(long, value_name = "URL", conflicts_with = "issuer", requires_all = ["token_url", "userinfo_url"])]
    authorize_url: Option<String>,
    #[arg(long, value_name = "URL", requires = "authorize_url")]
    token_url: Option<String>,
    #[arg(long, value_name = "URL", requires = "authorize_url")]
    userinfo_url: Option<String>,
    /// What the provider calls us
    #[arg(long)]
    client_id: String,
    /// Read the secret that the provider gave from standard input
    #[arg(long)]
    client_secret_stdin: bool,
    #[command(flatten)]
    more: More,
    /// Whose people sign in with it
    #[arg(long, value_name = "ID", default_value = TenantId::DEFAULT)]
    tenant: String,
}

/// What can be said at any time.
#[derive(Debug, Args)]
pub(crate) struct More {
    /// How we prove ourselves there: client_secret_basic, client_secret_post or none
    #[arg(long, value_name = "METHOD", value_parser = method)]
    auth_method: Option<OurMethod>,
    /// What is asked for there [default: "openid profile email" at OpenID Providers]
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// The claim that names a person for ever [default: sub, or id at plain services]
    #[arg(long, value_name = "NAME")]
    subject_claim: Option<String>,
    /// [default: preferred_username, or login at plain services]
    #[arg(long, value_name = "NAME")]
    username_claim: Option<String>,
    #[arg(long, value_name = "NAME")]
    name_claim: Option<String>,
    #[arg(long, value_name = "NAME")]
    email_claim: Option<String>,
    /// Whether people who are not known yet get an account [default: true]
    #[arg(long, value_name = "true|false", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    sign_up: Option<bool>,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    id: String,
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    client_id: Option<String>,
    /// Read a new secret from standard input
    #[arg(long)]
    client_secret_stdin: bool,
    #[command(flatten)]
    more: More,
}

fn method(text: &str) -> Result<OurMethod, String> {
    values::one_of(OurMethod::parse(text), &OurMethod::ALL.map(|(name, _)| name))
}

const FIELDS: &[Column] = &[
    ("Id", "id"),
    ("Name", "name"),
    ("Tenant", "tenant"),
    ("Issuer", "issuer"),
    ("Authorize URL", "authorize_url"),
    ("Token URL", "token_url"),
    ("Userinfo URL", "userinfo_url"),
    ("Client id", "client_id"),
    ("Method", "auth_method"),
    ("Scope", "scope"),
    ("Subject claim", "subject_claim"),
    ("Username claim", "username_claim"),
    ("Sign-up", "sign_up"),
    ("Disabled", "disabled"),
    ("Redirect URI", "redirect_uri"),
    ("Created", "created_at"),
];
const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("name", "name"),
    ("tenant", "tenant"),
    ("issuer", "issuer"),
    ("sign-up", "sign_up"),
    ("disabled", "disabled"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    let upstream = match command {
        Command::Create(create) => {
            let made = commands::create(cx, actor, new(*create)?).await?;
            let uri = made.redirect_uri(cx);
            return Ok(Answer::one(to_json(managed, &made), FIELDS)
                .note(format!("Register this redirect URI there: {uri}")));
        }
        Command::List => {
            let all = cx.store.upstreams().await?;
            let json = all.iter().map(|own| to_json(managed, own)).collect();
            return Ok(Answer::Many { json, columns: COLUMNS, none: "There are no upstreams." });
        }
        Command::Show(one) => commands::show(cx, &one.id).await?,
        Command::Update(update) => {
            let secret = update.client_secret_stdin.then(|| input::secret("Client secret")).transpose()?;
            commands::update(cx, &actor, &update.id, secret.as_ref(), |own| change(own, &update)).await?
        }
        Command::Disable(one) => {
            commands::update(cx, &actor, &one.id, None, |own| own.disabled = true).await?
        }
        Command::Enable(one) => {
            commands::update(cx, &actor, &one.id, None, |own| own.disabled = false).await?
        }
        Command::Delete(one) => {
            commands::delete(cx, actor, &one.id).await?;
            return Ok(Answer::done(&one.id, "Deleted"));
        }
    };
    Ok(Answer::one(to_json(managed, &upstream), FIELDS))
}

fn new(create: Create) -> Result<NewUpstream> {
    let provider = match (create.issuer, create.authorize_url, create.token_url, create.userinfo_url) {
        (Some(issuer), ..) => Provider::OpenId { issuer },
        (None, Some(authorize_url), Some(token_url), Some(userinfo_url)) => {
            Provider::OAuth { authorize_url, token_url, userinfo_url }
        }
        _ => bail!("give --issuer, or --authorize-url with --token-url and --userinfo-url"),
    };
    let usual = usual_claims(&provider);
    let secret = create.client_secret_stdin.then(|| input::secret("Client secret")).transpose()?;
    Ok(NewUpstream {
        id: create.id,
        name: create.name,
        tenant: create.tenant.into(),
        client_id: create.client_id,
        client_secret: secret,
        auth_method: create.more.auth_method,
        scope: create.more.scope.clone(),
        sign_up: create.more.sign_up.unwrap_or(true),
        claims: claims(&usual, &create.more),
        provider,
    })
}

/// GitHub's words are what most plain services use.
fn usual_claims(provider: &Provider) -> ClaimNames {
    let own = ClaimNames::default();
    match provider {
        Provider::OpenId { .. } => own,
        Provider::OAuth { .. } => {
            ClaimNames { subject: "id".to_owned(), username: "login".to_owned(), ..own }
        }
    }
}

fn claims(before: &ClaimNames, more: &More) -> ClaimNames {
    let or = |asked: &Option<String>, before: &String| asked.clone().unwrap_or_else(|| before.clone());
    ClaimNames {
        subject: or(&more.subject_claim, &before.subject),
        username: or(&more.username_claim, &before.username),
        name: or(&more.name_claim, &before.name),
        email: or(&more.email_claim, &before.email),
        email_verified: before.email_verified.clone(),
    }
}

fn change(own: &mut Upstream, update: &Update) {
    let set = |own: &mut String, asked: &Option<String>| {
        if let Some(text) = asked {
            own.clone_from(text);
        }
    };
    set(&mut own.name, &update.name);
    set(&mut own.client_id, &update.client_id);
    set(&mut own.scope, &update.more.scope);
    own.claims = claims(&own.claims, &update.more);
    own.auth_method = update.more.auth_method.unwrap_or(own.auth_method);
    own.sign_up = update.more.sign_up.unwrap_or(own.sign_up);
}

fn to_json(managed: &Managed, own: &Upstream) -> Value {
    let mut json = json!({
        "id": own.id,
        "name": own.name,
        "tenant": own.tenant,
        "client_id": own.client_id,
        "auth_method": own.auth_method.name(),
        "scope": own.scope,
        "subject_claim": own.claims.subject,
        "username_claim": own.claims.username,
        "name_claim": own.claims.name,
        "email_claim": own.claims.email,
        "sign_up": own.sign_up,
        "disabled": own.disabled,
        "redirect_uri": own.redirect_uri(&managed.cx),
        "created_at": own.created_at,
        "updated_at": own.updated_at,
    });
    match &own.provider {
        Provider::OpenId { issuer } => json["issuer"] = issuer.as_str().into(),
        Provider::OAuth { authorize_url, token_url, userinfo_url } => {
            json["authorize_url"] = authorize_url.as_str().into();
            json["token_url"] = token_url.as_str().into();
            json["userinfo_url"] = userinfo_url.as_str().into();
        }
    }
    json
}
