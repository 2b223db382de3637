//! `valetkey token`: looking into a token, asking whether it holds, taking it back.

use super::input;
use super::manage::Managed;
use super::output::{Answer, Column};
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::client::{AuthMethod, Client, Origin};
use valetkey_core::endpoint::introspect;
use valetkey_core::manage::token as commands;
use valetkey_core::params::Params;
use valetkey_core::secret::Secret;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a token, refresh token or code says, whether or not it holds
    Inspect(One),
    /// Ask as an API would (RFC 7662)
    Introspect(One),
    /// Take a token back, with its grant
    Revoke(One),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The token; `-` or nothing reads it from standard input, where other users of this machine cannot see it
    token: Option<String>,
}

const FIELDS: &[Column] = &[
    ("Id", "id"),
    ("Kind", "kind"),
    ("Format", "format"),
    ("Active", "active"),
    ("Client", "client_id"),
    ("Subject", "sub"),
    ("Tenant", "tenant"),
    ("Grant", "grant"),
    ("Generation", "generation"),
    ("Scope", "scope"),
    ("Audience", "aud"),
    ("Redirect URI", "redirect_uri"),
    ("Type", "token_type"),
    ("Issued", "iat"),
    ("Expires", "exp"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let cx = &managed.cx;
    match command {
        Command::Inspect(one) => {
            let token = read(&one)?;
            Ok(Answer::one(commands::inspect(cx, token.expose())?, FIELDS))
        }
        Command::Introspect(one) => {
            let token = read(&one)?;
            Ok(Answer::one(self::introspect(managed, &token).await?, FIELDS))
        }
        Command::Revoke(one) => {
            let token = read(&one)?;
            let seen = commands::inspect(cx, token.expose())?;
            commands::revoke(cx, Managed::actor(), token.expose()).await?;
            Ok(Answer::done(seen["id"].as_str().unwrap_or_default(), "Revoked"))
        }
    }
}

fn read(one: &One) -> Result<Secret> {
    input::token(one.token.as_deref())
}

/// The operator asks as a client that may introspect everything.
async fn introspect(managed: &Managed, token: &Secret) -> Result<Value> {
    let cx = &managed.cx;
    let operator = Client {
        id: "operator".into(),
        tenant: None,
        name: "operator".to_owned(),
        description: String::new(),
        website: String::new(),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        grant_types: Vec::new(),
        scope: None,
        application_scope: None,
        auth_method: AuthMethod::ClientSecret,
        secrets: Vec::new(),
        jwks: None,
        jwks_uri: None,
        profile: valetkey_core::client::profile::Profile::default(),
        introspect: true,
        compat: Vec::new(),
        access_token_lifetime: None,
        origin: Origin::Operator,
        registration_token: None,
        listing: valetkey_core::client::listing::Listing::default(),
        disabled: false,
        created_at: cx.now,
        updated_at: cx.now,
        version: 0,
    };
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token.expose()).finish();
    let form = Secret::new(form);
    let params = Params::parse(form.expose().as_bytes()).map_err(|denial| anyhow::anyhow!("{denial}"))?;
    let answer = introspect::introspect(cx, introspect::Asker::Client(&operator), &params).await?;
    let mut json: Value = serde_json::from_slice(&answer)?;
    json["id"] = match json.get("jti") {
        Some(id) => id.clone(),
        None => json!("unknown"),
    };
    Ok(json)
}
