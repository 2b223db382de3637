//! Arguments that are more than text.

use crate::config::values::Span;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::net::SocketAddr;
use valetkey_core::client::AuthMethod;
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::route::Method;
use valetkey_core::scope::Scope;
use valetkey_core::store::TokenFormat;
use valetkey_core::time::Seconds;

/// Which one is meant.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id
    pub(super) id: String,
}

pub(super) fn one_of<T>(found: Option<T>, names: &[&str]) -> Result<T, String> {
    found.ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

pub(super) fn grant(text: &str) -> Result<GrantType, String> {
    // The standard's own name is a mouthful.
    let named = |name: &str| name == text || name.rsplit(':').next() == Some(text);
    let found = GrantType::ALL.into_iter().find(|grant| named(grant.name()));
    one_of(found, &GrantType::ALL.map(GrantType::name))
}

pub(super) fn auth_method(text: &str) -> Result<AuthMethod, String> {
    one_of(AuthMethod::parse(text), &AuthMethod::ALL.map(|(name, _)| name))
}

/// The JSON document in a file.
pub(super) fn json_file(path: &str) -> Result<serde_json::Value, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| format!("not JSON: {error}"))
}

/// Each opt-in with its risk, so that `--help` says it.
pub(super) fn compat() -> impl TypedValueParser<Value = Compat> {
    let known = Compat::ALL.map(|(name, _, risk)| PossibleValue::new(name).help(risk));
    PossibleValuesParser::new(known)
        .try_map(|text| one_of(Compat::parse(&text), &Compat::ALL.map(|(name, ..)| name)))
}

pub(super) fn signing_algorithm(text: &str) -> Result<SigningAlgorithm, String> {
    one_of(SigningAlgorithm::parse(text), &SigningAlgorithm::ALL.map(SigningAlgorithm::name))
}

pub(super) fn token_format(text: &str) -> Result<TokenFormat, String> {
    let found = match text {
        "sealed" => Some(TokenFormat::Sealed),
        "jwt" => Some(TokenFormat::Jwt),
        _ => None,
    };
    one_of(found, &["sealed", "jwt"])
}

pub(super) fn method(text: &str) -> Result<Method, String> {
    one_of(Method::parse(&text.to_ascii_uppercase()), &Method::ALL.map(|(name, _)| name))
}

/// Checked here, so that a slip is a wrong use; read by the configuration, as everywhere else.
pub(super) fn address(text: &str) -> Result<String, String> {
    match text.parse::<SocketAddr>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected an address with a port, such as 127.0.0.1:8080 or [::]:443".to_owned()),
    }
}

pub(super) fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).map_err(|error| error.to_string())
}

pub(super) fn seconds(text: &str) -> Result<Seconds, String> {
    text.parse::<Span>().map(|span| span.0).map_err(|expected| format!("expected {expected}"))
}

/// Several `--scope` flags as one set.
pub(super) fn union(scopes: &[Scope]) -> Scope {
    scopes.iter().fold(Scope::default(), |all, more| all.union(more))
}

/// `NAME=VALUE`.
pub(crate) fn member(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A claim of a person: an object, true, false and null as JSON, all else as it stands.
pub(crate) fn claim(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = member(text)?;
    let is_json = value.starts_with('{') || matches!(value.as_str(), "true" | "false" | "null");
    if !is_json {
        return Ok((name, value.into()));
    }
    serde_json::from_str(&value).map(|value| (name, value)).map_err(|error| format!("not JSON: {error}"))
}
