//! `valetkey client`: registering and changing applications.

use super::input;
use super::manage::Managed;
use super::output::{Answer, Column};
use super::values::{self, One};
use anyhow::{Result, bail};
use clap::{ArgAction, Args, Subcommand};
use serde_json::{Value, json};
use std::sync::LazyLock;
use valetkey_core::audit::Event;
use valetkey_core::client::compat::Compat;
use valetkey_core::client::profile::Profile;
use valetkey_core::client::{AuthMethod, Client, metadata};
use valetkey_core::grant::GrantType;
use valetkey_core::ids::ClientId;
use valetkey_core::manage::client::{self as commands, Created, NewClient};
use valetkey_core::manage::portal;
use valetkey_core::manage::register::initial_access_token;
use valetkey_core::scope::Scope;
use valetkey_core::store::Page;
use valetkey_core::time::Seconds;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register an application
    Create(Create),
    /// Show all
    List,
    /// Show one
    Show(One),
    /// Change what is given; a list given takes the place of the old one
    Update(Update),
    /// Make a new secret
    RotateSecret(Rotate),
    /// Switch off: its tokens die at once
    Disable(One),
    /// Switch on again
    Enable(One),
    /// Delete, with all that users granted it
    Delete(One),
    /// Let the public sign in to an application that waits for review
    Approve(One),
    /// Refuse an application that waits for review: nobody can sign in to it, and its tokens die
    Reject(Reject),
    /// Make a token that lets its bearer register applications over the network (RFC 7591)
    InitialAccessToken(InitialAccess),
}

#[derive(Debug, Args)]
pub(crate) struct Reject {
    /// The client's id
    id: String,
    /// What its owners read in the portal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What users see
    #[arg(long)]
    name: String,
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Where codes may be sent; repeat for several. Any port fits on http://127.0.0.1
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// authorization_code, refresh_token, client_credentials, device_code, ciba, token-exchange, jwt-bearer, password, implicit
    /// [default: the first two]
    #[arg(long, value_name = "GRANT", value_parser = values::grant)]
    grant: Vec<GrantType>,
    /// What it may ask for, such as "read write" [default: every scope]
    #[arg(long, value_name = "SCOPES", value_parser = values::scope)]
    scope: Vec<Scope>,
    /// It cannot keep a secret: an app on a phone or in a browser
    #[arg(long, conflicts_with_all = ["auth_method", "secret_stdin"])]
    public: bool,
    /// client_secret (Basic or body), client_secret_basic, client_secret_post, private_key_jwt,
    /// tls_client_auth, self_signed_tls_client_auth, none
    #[arg(long, value_name = "METHOD", value_parser = values::auth_method)]
    auth_method: Option<AuthMethod>,
    /// Its public keys, a JWK Set, for private_key_jwt
    #[arg(long, value_name = "FILE", value_parser = values::json_file)]
    jwks: Option<Value>,
    /// Where they are to be read instead: an https address
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    jwks_uri: Option<String>,
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// It may introspect any token, not only its own and those for APIs it stands for
    #[arg(long)]
    introspect: bool,
    /// An opt-in to what the standards advise against; repeat for several. It brings the grant that needs it
    #[arg(long, value_name = "FLAG", value_parser = values::compat())]
    compat: Vec<Compat>,
    /// Only what is asked for here: nothing of what a preset gives to every application
    #[arg(long)]
    strict: bool,
    /// The user directory it belongs to
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Its client_id [default: generated]
    #[arg(long)]
    id: Option<String>,
    /// Take the secret from standard input instead of making one
    #[arg(long)]
    secret_stdin: bool,
    /// Such as 10m or 1h [default: the server's]
    #[arg(long, value_name = "DURATION", value_parser = values::seconds)]
    access_token_lifetime: Option<Seconds>,
    #[command(flatten)]
    others: Others,
}

/// Members of RFC 7591 and its extensions that have no flag of their own.
#[derive(Debug, Args)]
pub(crate) struct Others {
    /// Any other member by its standard name, such as id_token_signed_response_alg=ES256; the value is text or JSON
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::member)]
    set: Vec<(String, String)>,
}

impl Others {
    fn over(&self, profile: &Profile) -> Result<Profile> {
        self.set.iter().try_fold(profile.clone(), |own, (name, text)| {
            let json = serde_json::from_str(text).ok().map(|value: Value| own.with(name, &value));
            Ok(json.and_then(Result::ok).map_or_else(|| own.with(name, &text.as_str().into()), Ok)?)
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The client's id
    id: String,
    #[arg(long)]
    name: Option<String>,
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    #[arg(long, value_name = "GRANT", value_parser = values::grant)]
    grant: Vec<GrantType>,
    #[arg(long, value_name = "SCOPES", value_parser = values::scope)]
    scope: Vec<Scope>,
    /// It may ask for every scope
    #[arg(long, conflicts_with = "scope")]
    any_scope: bool,
    #[arg(long, value_name = "METHOD", value_parser = values::auth_method)]
    auth_method: Option<AuthMethod>,
    /// Its public keys, a JWK Set, for private_key_jwt
    #[arg(long, value_name = "FILE", value_parser = values::json_file)]
    jwks: Option<Value>,
    /// Where they are to be read instead: an https address
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    jwks_uri: Option<String>,
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    #[arg(long, value_name = "true|false", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    introspect: Option<bool>,
    /// The opt-ins to what the standards advise against: these, and no others. Brings or takes the grants that need one
    #[arg(long, value_name = "FLAG", value_parser = values::compat())]
    compat: Vec<Compat>,
    /// Take every opt-in back, and the grants that need one
    #[arg(long, conflicts_with = "compat")]
    no_compat: bool,
    #[arg(long, value_name = "DURATION", value_parser = values::seconds)]
    access_token_lifetime: Option<Seconds>,
    #[command(flatten)]
    others: Others,
}

#[derive(Debug, Args)]
pub(crate) struct InitialAccess {
    /// How long it may be used, such as 24h
    #[arg(long, value_name = "DURATION", value_parser = values::seconds, default_value = "24h")]
    expires_in: Seconds,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The client's id
    id: String,
    /// How long the old secrets still work, such as 24h
    #[arg(long, value_name = "DURATION", value_parser = values::seconds, default_value = "0")]
    overlap: Seconds,
    /// Take the secret from standard input instead of making one
    #[arg(long)]
    secret_stdin: bool,
}

const OWN: &[Column] = &[
    ("Id", "client_id"),
    ("Secret", "client_secret"),
    ("Name", "name"),
    ("Description", "description"),
    ("Website", "client_uri"),
    ("Redirect URIs", "redirect_uris"),
    ("After logout", "post_logout_redirect_uris"),
    ("Grants", "grant_types"),
    ("Scope", "scope"),
    ("Authenticates", "token_endpoint_auth_method"),
    ("Keys", "jwks"),
    ("Keys at", "jwks_uri"),
    ("Introspects", "introspect"),
    ("Opt-ins", "compat"),
    ("Token lifetime", "access_token_lifetime"),
    ("Tenant", "tenant"),
    ("Disabled", "disabled"),
    ("Review", "review"),
    ("Reason", "review_reason"),
    ("Created", "created_at"),
    ("Changed", "updated_at"),
];
/// With those of its profile, under their standard names.
static FIELDS: LazyLock<Vec<Column>> =
    LazyLock::new(|| OWN.iter().copied().chain(Profile::names().iter().map(|name| (*name, *name))).collect());
const COLUMNS: &[Column] = &[
    ("id", "client_id"),
    ("name", "name"),
    ("grants", "grant_types"),
    ("authenticates", "token_endpoint_auth_method"),
    ("disabled", "disabled"),
    ("review", "review"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    match command {
        Command::Create(create) => self::create(managed, create).await,
        Command::List => list(managed).await,
        Command::Show(one) => Ok(shown(&commands::show(cx, &one.id.into()).await?)),
        Command::Update(update) => self::update(managed, update).await,
        Command::RotateSecret(rotate) => {
            let secret = rotate.secret_stdin.then(|| input::secret("Client secret")).transpose()?;
            let id = ClientId::from(rotate.id);
            let made = commands::rotate_secret(cx, &actor, &id, secret, rotate.overlap).await?;
            Ok(with_secret(&made, !rotate.secret_stdin))
        }
        Command::Disable(one) => Ok(shown(&commands::disable(cx, &actor, &one.id.into()).await?)),
        Command::Enable(one) => Ok(shown(&commands::enable(cx, &actor, &one.id.into()).await?)),
        Command::Approve(one) => Ok(shown(&portal::approve(cx, &actor, &one.id.into()).await?)),
        Command::Reject(args) => {
            let reason = args.reason.unwrap_or_default();
            Ok(shown(&portal::reject(cx, &actor, &args.id.into(), &reason).await?))
        }
        Command::Delete(one) => {
            commands::delete(cx, actor, &one.id.as_str().into()).await?;
            Ok(Answer::done(&one.id, "Deleted"))
        }
        Command::InitialAccessToken(args) => {
            let token = initial_access_token(cx, args.expires_in)?;
            let expires_at = cx.now + args.expires_in;
            let json = json!({ "id": "initial_access_token", "initial_access_token": token, "expires_at": expires_at });
            Ok(Answer::one(json, &[("Token", "initial_access_token"), ("Expires", "expires_at")]))
        }
    }
}

async fn create(managed: &Managed, create: Create) -> Result<Answer> {
    let secret = create.secret_stdin.then(|| input::secret("Client secret")).transpose()?;
    let public = create.public.then_some(AuthMethod::None);
    let new = NewClient {
        id: create.id,
        secret,
        name: create.name,
        description: create.description.unwrap_or_default(),
        website: create.website.unwrap_or_default(),
        redirect_uris: create.redirect_uri,
        post_logout_redirect_uris: create.post_logout_redirect_uri,
        grant_types: create.grant,
        scope: (!create.scope.is_empty()).then(|| values::union(&create.scope)),
        auth_method: public.or(create.auth_method),
        jwks: create.jwks,
        jwks_uri: create.jwks_uri,
        profile: create.others.over(&Profile::default())?,
        introspect: create.introspect,
        compat: create.compat,
        strict: create.strict,
        tenant: create.tenant.map(Into::into),
        access_token_lifetime: create.access_token_lifetime,
        ..NewClient::default()
    };
    let made = commands::create(&managed.cx, Managed::actor(), new).await?;
    warn(&[], &made.client);
    Ok(with_secret(&made, !create.secret_stdin))
}

async fn list(managed: &Managed) -> Result<Answer> {
    let (mut json, mut page) = (Vec::new(), Page::first(500));
    loop {
        let some = managed.cx.store.clients(&page).await?;
        json.extend(some.iter().map(metadata::to_json));
        match some.last() {
            Some(last) if some.len() == 500 => page.after = Some(last.id.to_string()),
            _ => return Ok(Answer::Many { json, columns: COLUMNS, none: "No applications are registered." }),
        }
    }
}

async fn update(managed: &Managed, update: Update) -> Result<Answer> {
    let id = ClientId::from(update.id.as_str());
    let before = commands::show(&managed.cx, &id).await?;
    if update.auth_method.is_some_and(AuthMethod::is_by_secret) && !before.auth_method.is_by_secret() {
        bail!("this client has no secret to prove itself with: create a new client, and delete this one");
    }
    let profile = update.others.over(&before.profile)?;
    let edit = |client: &mut Client| {
        apply(&update, client);
        if !update.others.set.is_empty() {
            client.profile.clone_from(&profile);
        }
    };
    let after = commands::update(&managed.cx, &Managed::actor(), &id, Event::ClientUpdated, edit).await?;
    warn(&before.compat, &after);
    Ok(shown(&after))
}

/// Says what can go wrong with each opt-in that was switched on just now.
fn warn(before: &[Compat], client: &Client) {
    for compat in client.compat.iter().filter(|compat| !before.contains(compat)) {
        eprintln!("valetkey: the opt-in {} is on: {}", compat.name(), compat.risk());
    }
    for grant in client.compat.iter().filter_map(|compat| compat.opens()) {
        if !client.allows(grant) {
            eprintln!("valetkey: it does nothing without the grant {}", grant.name());
        }
    }
}

fn apply(update: &Update, client: &mut Client) {
    fn replace<T: Clone>(own: &mut T, new: Option<&T>) {
        if let Some(new) = new {
            own.clone_from(new);
        }
    }
    let given = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    replace(&mut client.name, update.name.as_ref());
    replace(&mut client.website, update.website.as_ref());
    replace(&mut client.description, update.description.as_ref());
    replace(&mut client.redirect_uris, given(&update.redirect_uri).as_ref());
    replace(&mut client.post_logout_redirect_uris, given(&update.post_logout_redirect_uri).as_ref());
    if !update.compat.is_empty() || update.no_compat {
        commands::switch_opt_ins(client, update.compat.clone());
    }
    replace(&mut client.grant_types, Some(&update.grant).filter(|list| !list.is_empty()));
    replace(&mut client.introspect, update.introspect.as_ref());
    replace(&mut client.auth_method, update.auth_method.as_ref());
    if update.jwks.is_some() || update.jwks_uri.is_some() {
        client.jwks.clone_from(&update.jwks);
        client.jwks_uri.clone_from(&update.jwks_uri);
    }
    if update.any_scope {
        client.scope = None;
    } else if !update.scope.is_empty() {
        client.scope = Some(values::union(&update.scope));
    }
    if update.access_token_lifetime.is_some() {
        client.access_token_lifetime = update.access_token_lifetime;
    }
    if !client.auth_method.is_by_secret() {
        client.secrets.clear();
    }
}

fn shown(client: &Client) -> Answer {
    let answer = Answer::one(metadata::to_json(client), &FIELDS);
    client
        .compat
        .iter()
        .fold(answer, |answer, compat| answer.note(format!("Risk of {}: {}", compat.name(), compat.risk())))
}

/// The one time that a secret can be shown; one that came from outside is not repeated to people.
fn with_secret(made: &Created, generated: bool) -> Answer {
    let mut json = metadata::to_json(&made.client);
    let Some(secret) = &made.secret else { return Answer::one(json, &FIELDS) };
    json["client_secret"] = Value::from(secret.expose());
    // RFC 7591 §3.2.1: required beside a secret; 0 means that it does not expire.
    json["client_secret_expires_at"] = json!(0);
    let answer = Answer::one(json, if generated { &FIELDS } else { &FIELDS[2..] });
    if generated {
        answer.note("The secret is shown this once: only a hash of it is stored.")
    } else {
        answer
    }
}
