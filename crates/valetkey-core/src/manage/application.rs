//! An application looks after its own registration, by a token for itself: what it says of itself and where its users come
//! back, and nothing else

use super::{ManageError, client};
use crate::audit::{Actor, Event};
use crate::client::{Client, metadata};
use crate::context::Context;
use crate::error::{Code, Denial, Fault, becomes};
use crate::store::{Api, TokenFormat};
use crate::token::access;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::sync::Arc;

/// Why it was not done.
#[derive(Debug)]
pub enum Declined {
    /// The token is no good, or speaks for a user.
    Denied(Denial),
    /// What was sent is no change of the three members.
    Malformed(&'static str),
    /// It breaks a rule of registration: a sentence.
    Refused(String),
    Failed(Fault),
}

becomes!(Denial => Declined::Denied, Fault => Declined::Failed);

impl From<ManageError> for Declined {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Failed(fault) => Self::Failed(fault),
            ManageError::Unknown(_) => Self::Denied(INVALID),
            other => Self::Refused(other.to_string()),
        }
    }
}

const INVALID: Denial = Code::InvalidToken.because("the access token is unknown, expired or revoked");
const OF_A_USER: Denial = Code::InsufficientScope.because(
    "this needs a token for the application itself (client_credentials): this one speaks for a user",
);

/// What is changed; a member that is not there stays. `null` empties the description or the website.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    #[serde(default, deserialize_with = "given")]
    description: Option<String>,
    /// Also by its name in RFC 7591.
    #[serde(default, deserialize_with = "given", alias = "client_uri")]
    website: Option<String>,
    redirect_uris: Option<Vec<String>>,
}

/// `null` is empty; what is not there is `None`.
fn given<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(input).map(|text: Option<String>| Some(text.unwrap_or_default()))
}

impl Changes {
    pub fn read(body: &[u8]) -> Result<Self, Declined> {
        serde_json::from_slice(body).map_err(|_| {
            Declined::Malformed(
                "send one JSON object with description, website and redirect_uris, or some of them: nothing else can be \
                 changed here",
            )
        })
    }
}

const SEEN: Denial = Code::InsufficientScope.because(
    "an API gets to see this token: ask for one without its resource and scopes to change the registration",
);

/// The application that a token for itself names, and whether an API gets to see this token: then it proves no longer that
/// it is the application itself that speaks.
async fn own(cx: &Context, bearer: &str) -> Result<(Arc<Client>, bool), Declined> {
    cx.hear().await?;
    let verified = access::verify(cx, bearer, cx.now).ok_or(INVALID)?;
    let token = verified.token().filter(|token| token.is_held_by(&cx.caller.shown())).ok_or(INVALID)?;
    if token.user.is_some() || token.grant.is_some() {
        return Err(OF_A_USER.into());
    }
    let shown = |api: &Api| api.pass_token || api.upstream.is_empty() || api.token_format == TokenFormat::Jwt;
    let hears = |api: &Api| token.audience.contains(&api.resource.as_str());
    let seen = cx.catalog().apis().iter().any(|api| shown(api) && hears(api));
    let client = cx.client(token.client).await?.filter(|client| !client.disabled);
    Ok((client.ok_or(INVALID)?, seen))
}

pub async fn show(cx: &Context, bearer: &str) -> Result<Value, Declined> {
    let (client, _) = own(cx, bearer).await?;
    Ok(shown(&client::show(cx, &client.id).await?))
}

pub async fn change(cx: &Context, bearer: &str, changes: &Changes) -> Result<Value, Declined> {
    let (client, seen) = own(cx, bearer).await?;
    if seen {
        return Err(SEEN.into());
    }
    let edit = |client: &mut Client| {
        if let Some(text) = &changes.description {
            client.description.clone_from(text);
        }
        if let Some(text) = &changes.website {
            client.website.clone_from(text);
        }
        if let Some(uris) = &changes.redirect_uris {
            client.redirect_uris.clone_from(uris);
        }
    };
    let actor = Actor::Client(client.id.clone());
    Ok(shown(&client::update(cx, &actor, &client.id, Event::ClientUpdated, edit).await?))
}

/// What an application may know of its registration.
fn shown(client: &Client) -> Value {
    let mut json = metadata::to_json(client);
    if let Some(members) = json.as_object_mut() {
        for name in ["introspect", "compat", "disabled", "secrets"] {
            members.remove(name);
        }
    }
    json["website"] = client.website.as_str().into();
    json
}
