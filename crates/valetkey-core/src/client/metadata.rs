//! RFC 7591 §2 — client metadata: what is shown of a client, and the rules every registration passes

use super::compat::Compat;
use super::listing::Review;
use super::profile::Profile;
use super::{AuthMethod, Client, Origin, document, keys, redirect_uri};
use crate::grant::GrantType;
use crate::ids::UserId;
use crate::interaction::ResponseType;
use crate::scope::Scope;
use crate::settings::{LONGEST_ACCESS_TOKEN, LONGEST_OPTED_ACCESS_TOKEN};
use serde_json::{Value, json};
use url::Url;

/// Why a client cannot be registered so, as a sentence for the person who registers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadMetadata(pub String);

const NAME_LIMIT: usize = 200;
const TEXT_LIMIT: usize = 2000;
const REDIRECT_URIS_LIMIT: usize = 50;

/// What those who write an application fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Name,
    Website,
    Description,
    RedirectUris,
}

/// What is wrong with a field, as a sentence for the person who filled it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub field: Field,
    pub words: String,
}

/// The rules of what is filled in, each that is broken.
pub fn flaws(client: &Client) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut add = |field, words: &str| flaws.push(Flaw { field, words: words.to_owned() });
    if client.name.trim().is_empty() || client.name.chars().count() > NAME_LIMIT || has_control(&client.name)
    {
        add(Field::Name, "the name must have 1 to 200 characters on one line");
    }
    if !client.website.is_empty() && !is_web_page(&client.website) {
        add(Field::Website, "the website must be an http or https address");
    }
    if client.description.chars().count() > TEXT_LIMIT {
        add(Field::Description, "the description must have at most 2000 characters");
    }
    if client.redirect_uris.len() > REDIRECT_URIS_LIMIT {
        add(Field::RedirectUris, "at most 50 redirect URIs");
    }
    let oob = client.has(Compat::Oob);
    for uri in client.redirect_uris.iter().take(REDIRECT_URIS_LIMIT) {
        if let Err(bad) = redirect_uri::check_for(uri, oob) {
            add(Field::RedirectUris, &format!("{uri}: {bad}"));
        }
    }
    let redirected = [GrantType::AuthorizationCode, GrantType::Implicit];
    if let Some(grant) = redirected.into_iter().find(|grant| client.allows(*grant))
        && client.redirect_uris.is_empty()
    {
        let words = format!("the {} grant needs at least one redirect URI", grant.name());
        add(Field::RedirectUris, &words);
    }
    flaws
}

/// The rules of every client, however it comes to be registered.
pub fn check(client: &Client) -> Result<(), BadMetadata> {
    let refuse = |text: &str| Err(BadMetadata(text.to_owned()));
    check_id(client)?;
    if let Some(flaw) = flaws(client).into_iter().next() {
        return Err(BadMetadata(flaw.words));
    }
    for uri in &client.post_logout_redirect_uris {
        redirect_uri::check(uri)
            .map_err(|bad| BadMetadata(format!("post_logout_redirect_uris: {uri}: {bad}")))?;
    }
    if client.grant_types.is_empty() {
        return refuse("a client needs at least one grant type");
    }
    check_grants(client)?;
    if let Some(flaw) = keys::flaw(client) {
        return refuse(flaw);
    }
    Profile::check(client)?;
    if client.is_public() && client.allows(GrantType::ClientCredentials) {
        return refuse("a public client cannot use client_credentials: it has nothing to prove itself with");
    }
    if client.is_public() && client.allows(GrantType::Ciba) {
        return refuse("a public client cannot use ciba: it has nothing to prove itself with");
    }
    check_lifetime(client)
}

fn check_grants(client: &Client) -> Result<(), BadMetadata> {
    let missing = |grant: GrantType| Compat::needed_for(grant).filter(|compat| !client.has(*compat));
    let found = client.grant_types.iter().find_map(|grant| missing(*grant).map(|compat| (*grant, compat)));
    if let Some((grant, compat)) = found {
        return Err(BadMetadata(format!("the grant {} needs the opt-in {}", grant.name(), compat.name())));
    }
    // What a secret has to make up for.
    let behind_a_secret = [Compat::NoPkce, Compat::CodeAsRefreshToken];
    match behind_a_secret.into_iter().find(|compat| client.has(*compat)) {
        Some(compat) if client.is_public() => {
            Err(BadMetadata(format!("the opt-in {} is for confidential clients only", compat.name())))
        }
        _ => Ok(()),
    }
}

fn check_lifetime(client: &Client) -> Result<(), BadMetadata> {
    let Some(lifetime) = client.access_token_lifetime else { return Ok(()) };
    let opted = client.has(Compat::LongLivedAccessToken);
    let longest = if opted { LONGEST_OPTED_ACCESS_TOKEN } else { LONGEST_ACCESS_TOKEN };
    if lifetime.0 < 1 || lifetime > longest {
        return Err(BadMetadata(format!(
            "an access token of this client may live from 1 to {} seconds{}",
            longest.0,
            if opted { "" } else { "; longer needs the opt-in long_lived_access_token" }
        )));
    }
    Ok(())
}

fn check_id(client: &Client) -> Result<(), BadMetadata> {
    let id = client.id.as_str();
    if client.origin == Origin::Document {
        return document::address(id).map(drop).map_err(|bad| BadMetadata(bad.detail.to_owned()));
    }
    let plain = !id.is_empty() && id.len() <= 100 && id.bytes().all(is_plain);
    if !plain {
        return Err(BadMetadata("a client id has 1 to 100 characters of A–Z a–z 0–9 . _ ~ -".to_owned()));
    }
    // RFC 9700 §4.15: a client must not be able to pass for a user.
    if id.starts_with(UserId::PREFIX) {
        return Err(BadMetadata(
            "a client id must not begin with usr_: that is how users are named".to_owned(),
        ));
    }
    Ok(())
}

/// The shortest secret taken from outside; generated ones have 256 bits.
const SECRET_MINIMUM: usize = 16;

/// A secret brought along instead of generated.
pub fn check_secret(secret: &str) -> Result<(), BadMetadata> {
    if secret.len() < SECRET_MINIMUM || secret.len() > 256 || !secret.bytes().all(is_plain) {
        return Err(BadMetadata(
            "a client secret has 16 to 256 characters of A–Z a–z 0–9 . _ ~ -, and must be random".to_owned(),
        ));
    }
    Ok(())
}

/// Characters that no client library encodes differently from another.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._~-".contains(&byte)
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn is_web_page(text: &str) -> bool {
    text.len() <= TEXT_LIMIT && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn response_types(client: &Client) -> Vec<&'static str> {
    let may = |kind: &ResponseType| kind.grants().iter().all(|grant| client.allows(*grant));
    ResponseType::ALL.into_iter().filter(|(_, kind)| may(kind)).map(|(name, _)| name).collect()
}

/// The client as RFC 7591 §3.2.1 shows it, without its secret, and with what operators see beside it.
pub fn to_json(client: &Client) -> Value {
    let method =
        AuthMethod::ALL.into_iter().find(|(_, own)| *own == client.auth_method).map_or("", |(name, _)| name);
    let mut json = json!({
        "id": client.id,
        "client_id": client.id,
        "client_id_issued_at": client.created_at,
        "client_name": client.name,
        "name": client.name,
        "description": client.description,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "grant_types": client.grant_types,
        "response_types": response_types(client),
        "token_endpoint_auth_method": method,
        "introspect": client.introspect,
        "compat": client.compat.iter().map(|compat| compat.name()).collect::<Vec<_>>(),
        "disabled": client.disabled,
        "secrets": client.secrets.iter().map(|s| json!({
            "id": s.id.to_string(), "name": s.name, "created_at": s.created_at, "expires_at": s.expires_at,
        })).collect::<Vec<_>>(),
        "created_at": client.created_at,
        "updated_at": client.updated_at,
    });
    match &client.listing.review {
        Review::NotNeeded => {}
        Review::Pending => json["review"] = "pending".into(),
        Review::Approved => json["review"] = "approved".into(),
        Review::Rejected { reason } => {
            json["review"] = "rejected".into();
            json["review_reason"] = reason.as_str().into();
        }
    }
    // RFC 7591 §3.2.1: what is not registered is left out; client libraries check that a URI is one.
    if !client.website.is_empty() {
        json["client_uri"] = client.website.as_str().into();
    }
    if let Some(scope) = &client.scope {
        json["scope"] = scope.to_string().into();
    }
    if let Some(set) = &client.jwks {
        json["jwks"] = set.clone();
    }
    if let Some(at) = &client.jwks_uri {
        json["jwks_uri"] = at.as_str().into();
    }
    if let Some(scope) = &client.application_scope {
        json["application_scope"] = scope.to_string().into();
    }
    for (name, value) in client.profile.members() {
        json[name] = value;
    }
    if let Some(tenant) = &client.tenant {
        json["tenant"] = tenant.as_str().into();
    }
    if let Some(lifetime) = client.access_token_lifetime {
        json["access_token_lifetime"] = lifetime.0.into();
    }
    json
}

/// Mastodon's Application entity, without its secret.
pub fn to_mastodon(client: &Client) -> Value {
    json!({
        "id": client.id,
        "name": client.name,
        "website": (!client.website.is_empty()).then_some(&client.website),
        "scopes": client.scope.iter().flat_map(Scope::iter).collect::<Vec<_>>(),
        "redirect_uri": client.redirect_uris.join("\n"),
        "redirect_uris": client.redirect_uris,
        // There are no push messages here; clients expect the member.
        "vapid_key": "",
    })
}
