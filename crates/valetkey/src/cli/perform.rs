//! `valetkey perform`: acts as a client against any issuer, for trying and scripting.

mod callback;
mod code;
mod device;
mod discovery;

use super::output::{Answer, Column};
use super::{http, input};
use ::http::HeaderValue;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use data_encoding::BASE64;
use discovery::Metadata;
use form_urlencoded::{Serializer, byte_serialize};
use serde_json::{Value, json};
use url::Url;
use valetkey_core::secret::Secret;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The code flow with PKCE: prints a link, and waits on this machine for the browser to come back
    Code(code::Arguments),
    /// A token of the application's own
    ClientCredentials(Simple),
    /// The device flow: prints a code and an address, and waits until somebody has entered it there (RFC 8628)
    Device(device::Arguments),
    /// A new token for a refresh token
    Refresh(Refresh),
    /// Another token for a token (RFC 8693)
    Exchange(Exchange),
}

/// Who asks whom.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// The server, found by its metadata
    #[arg(long, value_name = "URL", default_value = "http://localhost:8080")]
    issuer: String,
    /// Who asks, as registered there
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Other users of this machine can see it while the command runs: better --client-secret-stdin
    #[arg(long, value_name = "SECRET", conflicts_with = "client_secret_stdin")]
    client_secret: Option<String>,
    /// Read the secret from standard input
    #[arg(long)]
    client_secret_stdin: bool,
    /// How the secret is sent
    #[arg(long, value_enum, default_value_t = Method::Basic)]
    auth_method: Method,
    /// What to ask for, such as "openid read"
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// The API that the token is for (RFC 8707); repeat for several
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// client_secret_basic
    Basic,
    /// client_secret_post
    Post,
}

#[derive(Debug, Args)]
pub(crate) struct Simple {
    #[command(flatten)]
    client: Who,
}

#[derive(Debug, Args)]
pub(crate) struct Refresh {
    #[command(flatten)]
    client: Who,
    /// The refresh token; `-` or nothing reads it from standard input
    refresh_token: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Exchange {
    #[command(flatten)]
    client: Who,
    /// The token to exchange; `-` or nothing reads it from standard input
    subject_token: Option<String>,
    /// What it is: access_token, id_token, jwt
    #[arg(long, value_name = "TYPE", default_value = "access_token")]
    subject_type: String,
    /// What is wanted: access_token, jwt, id-jag
    #[arg(long, value_name = "TYPE")]
    requested_type: Option<String>,
    /// Whom the new token is for, by name (an API's id, or another authorization server); repeat for several
    #[arg(long, value_name = "NAME")]
    audience: Vec<String>,
}

impl Exchange {
    async fn run(self) -> Result<Answer> {
        if self.client.client_secret_stdin && self.subject_token.as_deref().is_none_or(|text| text == "-") {
            bail!("standard input can bring one secret: give the token as argument, or use --client-secret");
        }
        let urn = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
        let token = input::token(self.subject_token.as_deref())?;
        let party = Party::find(&self.client).await?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
        form.append_pair("subject_token", token.expose())
            .append_pair("subject_token_type", &urn(&self.subject_type));
        if let Some(name) = &self.requested_type {
            form.append_pair("requested_token_type", &urn(name));
        }
        for name in &self.audience {
            form.append_pair("audience", name);
        }
        party.ask_for(&mut form);
        party.tokens(form).await
    }
}

const FIELDS: &[Column] = &[
    ("Access token", "access_token"),
    ("Type", "token_type"),
    ("Lives (s)", "expires_in"),
    ("Scope", "scope"),
    ("Refresh token", "refresh_token"),
    ("ID token", "id_token"),
    ("Subject", "sub"),
];

pub(crate) async fn run(command: Command) -> Result<Answer> {
    match command {
        Command::Code(arguments) => code::run(arguments).await,
        Command::Device(arguments) => device::run(arguments).await,
        Command::ClientCredentials(simple) => {
            let party = Party::find(&simple.client).await?;
            let mut form = Serializer::new(String::new());
            form.append_pair("grant_type", "client_credentials");
            party.ask_for(&mut form);
            party.tokens(form).await
        }
        Command::Exchange(exchange) => exchange.run().await,
        Command::Refresh(refresh) => {
            if refresh.client.client_secret_stdin
                && refresh.refresh_token.as_deref().is_none_or(|text| text == "-")
            {
                bail!(
                    "standard input can bring one secret: give the refresh token as argument, or use --client-secret"
                );
            }
            let token = input::token(refresh.refresh_token.as_deref())?;
            let party = Party::find(&refresh.client).await?;
            let mut form = Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
            party.ask_for(&mut form);
            party.tokens(form).await
        }
    }
}

/// A client that knows its server.
struct Party<'a> {
    client: &'a Who,
    secret: Option<Secret>,
    metadata: Metadata,
}

impl<'a> Party<'a> {
    async fn find(client: &'a Who) -> Result<Self> {
        let secret = match &client.client_secret {
            Some(secret) => Some(Secret::new(secret.as_str())),
            None if client.client_secret_stdin => Some(input::secret("Who secret")?),
            None => None,
        };
        Ok(Self { client, secret, metadata: discovery::find(&client.issuer).await? })
    }

    fn ask_for(&self, form: &mut Serializer<'_, String>) {
        if let Some(scope) = &self.client.scope {
            form.append_pair("scope", scope);
        }
        for resource in &self.client.resource {
            form.append_pair("resource", resource);
        }
    }

    /// Posts to the token endpoint, authenticated, and returns what came, members and all.
    async fn tokens(&self, form: Serializer<'_, String>) -> Result<Answer> {
        Ok(self.answer(object(&self.post("token_endpoint", form).await?)?))
    }

    fn answer(&self, mut json: Value) -> Answer {
        json["id"] = json!(self.client.client_id);
        Answer::one(json, FIELDS)
    }

    async fn post(&self, endpoint: &'static str, mut form: Serializer<'_, String>) -> Result<http::Reply> {
        let id = &self.client.client_id;
        let mut authorization = None;
        match (&self.secret, self.client.auth_method) {
            (Some(secret), Method::Basic) => authorization = Some(basic(id, secret)?),
            (Some(secret), Method::Post) => {
                form.append_pair("client_id", id).append_pair("client_secret", secret.expose());
            }
            (None, _) => {
                form.append_pair("client_id", id);
            }
        }
        http::post(&self.metadata.endpoint(endpoint)?, form.finish(), authorization).await
    }
}

/// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
fn basic(id: &str, secret: &Secret) -> Result<HeaderValue> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encode(id), encode(secret.expose())));
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64.encode(pair.expose().as_bytes())))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The JSON object of an answer, or the standard's error as one line.
fn object(reply: &http::Reply) -> Result<Value> {
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok().filter(Value::is_object);
    if let Some(error) = json.as_ref().and_then(|json| json["error"].as_str()) {
        let detail =
            json.as_ref().and_then(|json| json["error_description"].as_str()).unwrap_or("no description");
        bail!("{error}: {detail}");
    }
    if !reply.status.is_success() {
        bail!("the server answered {}", reply.status);
    }
    json.context("the server's answer is not a JSON object")
}

/// An https address, or http on this machine.
fn safe(text: &str, what: &str) -> Result<Url> {
    let url = Url::parse(text).with_context(|| format!("{what} is not a URL: {text}"))?;
    let local = url.scheme() == "http" && crate::config::check::is_loopback(&url);
    if url.scheme() != "https" && !local {
        bail!("{what} must be https (http only on this machine): {text}");
    }
    Ok(url)
}
