//! `valetkey issuer`: other issuers whose word counts here.

use super::manage::Managed;
use super::output::{Answer, Column};
use super::values::{self, One};
use anyhow::Result;
use clap::{ArgAction, Args, Subcommand};
use serde_json::{Map, Value, json};
use valetkey_core::federation::{MatchBy, Trust, TrustedIssuer};
use valetkey_core::manage::issuer as commands;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Trust an issuer
    Create(Box<Create>),
    /// Show all
    List,
    /// Show one
    Show(One),
    /// Change what is given; a list given takes the place of the old one
    Update(Box<Update>),
    /// Believe it nothing for now
    Disable(One),
    /// Believe it again
    Enable(One),
    /// Trust it no longer
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is called here
    #[arg(long)]
    id: String,
    /// `iss` in its tokens, character for character
    #[arg(long, value_name = "ISS")]
    issuer: String,
    #[command(flatten)]
    more: More,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    id: String,
    #[command(flatten)]
    more: More,
}

/// What can be said at any time.
#[derive(Debug, Args)]
pub(crate) struct More {
    /// Its public keys, a JWK Set [default: where its OpenID metadata say]
    #[arg(long, value_name = "FILE", value_parser = values::json_file)]
    jwks: Option<Value>,
    /// Where they are read instead
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    jwks_uri: Option<String>,
    /// What its tokens may be for, beside this server; repeat for several
    #[arg(long, value_name = "AUD")]
    audience: Vec<String>,
    /// By which it may sign: EdDSA, ES256, PS256, RS256 [default: all of these]
    #[arg(long, value_name = "ALG")]
    algorithm: Vec<String>,
    /// What its word counts for: users, id_jag, workloads, software_statements; repeat for several
    #[arg(long, value_name = "WHAT", value_parser = trust)]
    trust: Vec<String>,
    /// Whose people its people are
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// By what its people are known here: identity (iss and sub), username (`preferred_username`, or else sub), email
    /// [default: identity]
    #[arg(long, value_name = "CLAIM", value_parser = match_by)]
    match_by: Option<String>,
    /// Whether people who are not known yet get an account
    #[arg(long, value_name = "true|false", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    sign_up: Option<bool>,
    /// Whether its word stands for the person's consent
    #[arg(long, value_name = "true|false", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    implies_consent: Option<bool>,
}

fn trust(text: &str) -> Result<String, String> {
    let found = Trust::parse(text).map(|_| text.to_owned());
    values::one_of(found, &Trust::ALL.map(|(name, _)| name))
}

fn match_by(text: &str) -> Result<String, String> {
    let found = MatchBy::parse(text).map(|_| text.to_owned());
    values::one_of(found, &MatchBy::ALL.map(|(name, _)| name))
}

const FIELDS: &[Column] = &[
    ("Id", "id"),
    ("Issuer", "issuer"),
    ("Trusted for", "trusted_for"),
    ("Keys", "jwks"),
    ("Keys at", "jwks_uri"),
    ("Audiences", "audiences"),
    ("Algorithms", "algorithms"),
    ("Tenant", "tenant"),
    ("Known by", "match_by"),
    ("Sign-up", "sign_up"),
    ("Implies consent", "implies_consent"),
    ("Disabled", "disabled"),
    ("Created", "created_at"),
];
const COLUMNS: &[Column] =
    &[("id", "id"), ("issuer", "issuer"), ("trusted for", "trusted_for"), ("disabled", "disabled")];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    let switched = |disabled: bool| Map::from_iter([("disabled".to_owned(), json!(disabled))]);
    let issuer = match command {
        Command::Create(create) => {
            let mut new = commands::with(&commands::blank(cx, &create.id)?, &members(&create.more))?;
            new.issuer = create.issuer;
            new.version = 1;
            commands::create(cx, actor, &new).await?
        }
        Command::List => {
            let json = cx.store.issuers().await?.iter().map(to_json).collect();
            return Ok(Answer::Many { json, columns: COLUMNS, none: "No other issuer is trusted." });
        }
        Command::Show(one) => commands::show(cx, &one.id).await?,
        Command::Update(update) => commands::update(cx, &actor, &update.id, &members(&update.more)).await?,
        Command::Disable(one) => commands::update(cx, &actor, &one.id, &switched(true)).await?,
        Command::Enable(one) => commands::update(cx, &actor, &one.id, &switched(false)).await?,
        Command::Delete(one) => {
            commands::delete(cx, actor, &one.id).await?;
            return Ok(Answer::done(&one.id, "Deleted"));
        }
    };
    Ok(Answer::one(to_json(&issuer), FIELDS))
}

/// What was said, by the names that a file has.
fn members(more: &More) -> Map<String, Value> {
    let list = |items: &Vec<String>| (!items.is_empty()).then(|| json!(items));
    // Keys of one kind take the place of the other.
    let keys = more.jwks.is_some() || more.jwks_uri.is_some();
    let said = [
        ("jwks", keys.then(|| json!(more.jwks))),
        ("jwks_uri", keys.then(|| json!(more.jwks_uri))),
        ("audiences", list(&more.audience)),
        ("algorithms", list(&more.algorithm)),
        ("trusted_for", list(&more.trust)),
        ("tenant", more.tenant.as_ref().map(|own| json!(own))),
        ("match_by", more.match_by.as_ref().map(|own| json!(own))),
        ("sign_up", more.sign_up.map(Value::from)),
        ("implies_consent", more.implies_consent.map(Value::from)),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn to_json(issuer: &TrustedIssuer) -> Value {
    json!(issuer)
}
