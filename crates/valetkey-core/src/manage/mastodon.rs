//! Mastodon's `POST /api/v1/apps` — an application registers itself, as RFC 7591 would have it, in Mastodon's words
//!
//! It gets what every application registered now gets, and of the scopes those it asks for. On where the applied settings say
//! `services.mastodon`.

use super::ManageError;
use super::client::{self, NewClient};
use crate::audit::Actor;
use crate::client::{Origin, metadata};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::params::Params;
use crate::scope::Scope;
use crate::time::Seconds;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is read; everything else is ignored.
#[derive(Debug, Default, Deserialize)]
pub struct NewApp {
    #[serde(default)]
    client_name: String,
    #[serde(default)]
    redirect_uris: Uris,
    scopes: Option<String>,
    website: Option<String>,
}

/// One text with an address a line, or a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Uris {
    Lines(String),
    List(Vec<String>),
}

impl Default for Uris {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

/// More redirect URIs than any one application has.
const REDIRECT_URIS: usize = 10;

impl NewApp {
    pub fn of_form(params: &Params<'_>) -> Result<Self, Denial> {
        params.refuse_repeats(&["client_name", "redirect_uris", "scopes", "website"])?;
        let own = |name: &str| params.one(name).map(str::to_owned);
        let lines = own("redirect_uris").into_iter().chain(params.all("redirect_uris[]").map(str::to_owned));
        Ok(Self {
            client_name: own("client_name").unwrap_or_default(),
            redirect_uris: Uris::List(lines.collect()),
            scopes: own("scopes"),
            website: own("website"),
        })
    }

    pub fn of_json(body: &[u8]) -> Result<Self, Denial> {
        serde_json::from_slice(body)
            .map_err(|_| Code::InvalidRequest.because("send one JSON object, or a form"))
    }

    fn redirect_uris(&self) -> Vec<String> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match &self.redirect_uris {
            Uris::Lines(text) => words(text),
            Uris::List(list) => list.iter().flat_map(|text| words(text)).collect(),
        }
    }
}

/// Registers an application. `None`: this server is no Mastodon.
pub async fn register(cx: &Context, new: NewApp) -> Result<Option<Value>, Error> {
    if !cx.in_force().applied.services.mastodon {
        return Ok(None);
    }
    let address = cx.caller.address;
    if cx.registrations.is_paused("", address, cx.now) {
        return Err(Code::TemporarilyUnavailable.because("Too many requests").into());
    }
    let new = new_client(cx, &new)?;
    let made = client::create(cx, Actor::Anonymous, new).await.map_err(refused)?;
    cx.registrations.count_one("", address, cx.now);
    let mut json = metadata::to_mastodon(&made.client);
    if let Some(secret) = &made.secret {
        json["client_secret"] = secret.expose().into();
        json["client_secret_expires_at"] = json!(0);
    }
    json["client_id"] = made.client.id.as_str().into();
    Ok(Some(json))
}

/// For how long whoever registered too many gets no further one.
pub fn wait(cx: &Context) -> Seconds {
    cx.registrations.wait("", cx.caller.address, cx.now)
}

fn refused(error: ManageError) -> Error {
    match error {
        ManageError::Failed(fault) => fault.into(),
        _ => Code::InvalidClientMetadata
            .because("Validation failed: name, website or redirect URI cannot be registered here")
            .into(),
    }
}

fn new_client(cx: &Context, asked: &NewApp) -> Result<NewClient, Denial> {
    let invalid = |detail| Err(Code::InvalidClientMetadata.because(detail));
    if asked.client_name.trim().is_empty() {
        return invalid("Validation failed: Name can't be blank");
    }
    let redirect_uris = asked.redirect_uris();
    if redirect_uris.is_empty() || redirect_uris.len() > REDIRECT_URIS {
        return invalid("Validation failed: Redirect URI must be given, and at most ten of them");
    }
    Ok(NewClient {
        name: asked.client_name.trim().to_owned(),
        website: asked.website.clone().unwrap_or_default(),
        redirect_uris,
        scope: scope(cx, asked.scopes.as_deref())?,
        origin: Origin::Dynamic,
        ..NewClient::default()
    })
}

/// Of what is asked for, what every application may have; unknown names are left out, as newer clients ask for much.
fn scope(cx: &Context, asked: Option<&str>) -> Result<Option<Scope>, Denial> {
    const NONE: Denial = Code::InvalidClientMetadata
        .because("Validation failed: Scopes doesn't match configured on the server.");
    let catalog = cx.catalog();
    let all = || catalog.scopes().map(|words| words.name.as_str()).collect();
    let open = cx.in_force().applied.registration.scope.clone().unwrap_or_else(all);
    let Some(asked) = asked.filter(|text| !text.trim().is_empty()) else { return Ok(Some(open)) };
    let names = asked.split_whitespace().collect::<Vec<_>>().join(" ");
    let scope = Scope::parse(&names).map_err(|_| NONE)?.filter(|name| open.contains(name));
    if scope.is_empty() { Err(NONE) } else { Ok(Some(scope)) }
}
