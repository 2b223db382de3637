//! Other issuers whose word counts here.

use super::{ManageError, TRIES, changed, created, refused, tenant};
use crate::audit::{Actor, Event};
use crate::client::keys::is_readable;
use crate::context::Context;
use crate::federation::{Trust, TrustedIssuer};
use crate::jose::jwk::{self, Algorithm};
use crate::store::Write;
use serde_json::{Map, Value, json};

const KIND: &str = "issuer";

/// An issuer that is believed about nothing yet.
pub fn blank(cx: &Context, id: &str) -> Result<TrustedIssuer, ManageError> {
    let document = json!({
        "id": id, "issuer": "", "trusted_for": [], "created_at": cx.now, "updated_at": cx.now,
    });
    serde_json::from_value(document).map_err(refused)
}

/// With members replaced, by their names in a file.
pub fn with(issuer: &TrustedIssuer, members: &Map<String, Value>) -> Result<TrustedIssuer, ManageError> {
    let Value::Object(mut document) = json!(issuer) else { return Ok(issuer.clone()) };
    document.extend(members.clone());
    let mut changed: TrustedIssuer = serde_json::from_value(document.into()).map_err(refused)?;
    changed.version = issuer.version;
    Ok(changed)
}

/// The rules of every issuer, whoever registers it.
pub fn check(cx: &Context, issuer: &TrustedIssuer) -> Result<(), ManageError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if issuer.id.is_empty() || issuer.id.len() > 50 || !issuer.id.bytes().all(plain) {
        return Err(refused("an issuer's id has 1 to 50 characters of a–z 0–9 -"));
    }
    let one_line = !issuer.issuer.trim().is_empty() && !issuer.issuer.chars().any(char::is_control);
    if !one_line || issuer.issuer.len() > 500 {
        return Err(refused("issuer: the value of iss, 1 to 500 characters on one line"));
    }
    match (&issuer.jwks, &issuer.jwks_uri) {
        (Some(_), Some(_)) => return Err(refused("an issuer has jwks or jwks_uri, never both")),
        (Some(set), None) if jwk::read_set(set).is_none_or(|keys| keys.is_empty()) => {
            return Err(refused("jwks must be a JWK Set with a public key for signatures"));
        }
        (None, Some(at)) if !is_readable(at) => {
            return Err(refused("jwks_uri must be an https address (http only on this machine)"));
        }
        (None, None) if !is_readable(&issuer.issuer) => {
            return Err(refused("an issuer that is no https address has no metadata: give jwks or jwks_uri"));
        }
        _ => {}
    }
    if let Some(name) = issuer.algorithms.iter().find(|name| Algorithm::parse(name).is_none()) {
        let all = Algorithm::ALL.map(|(name, _)| name).join(", ");
        return Err(refused(format!("there is no algorithm {name} here: there are {all}")));
    }
    if issuer.trusted_for.is_empty() {
        let all = Trust::ALL.map(|(name, _)| name).join(", ");
        return Err(refused(format!("trusted_for: say what its word counts for: {all}")));
    }
    if !issuer.disabled && issuer.mistakes_strangers(&cx.settings.accounts) {
        return Err(refused(
            "match_by: no user names while people sign up by themselves: whoever took one first would be the issuer's person",
        ));
    }
    Ok(())
}

/// Begins to trust an issuer.
pub async fn create(
    cx: &Context,
    actor: Actor,
    issuer: &TrustedIssuer,
) -> Result<TrustedIssuer, ManageError> {
    check(cx, issuer)?;
    tenant::known(cx, &issuer.tenant)?;
    let record = cx.record(Event::IssuerTrusted, actor).object(&issuer.id);
    created(cx.store.create_issuer(issuer, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(issuer.clone())
}

pub async fn show(cx: &Context, id: &str) -> Result<TrustedIssuer, ManageError> {
    let found = cx.store.issuers().await?.into_iter().find(|own| own.id == id);
    found.ok_or(ManageError::Unknown(KIND))
}

/// Changes what is said of an issuer; who it is stays.
pub async fn update(
    cx: &Context,
    actor: &Actor,
    id: &str,
    members: &Map<String, Value>,
) -> Result<TrustedIssuer, ManageError> {
    for _ in 0..TRIES {
        let before = show(cx, id).await?;
        let mut issuer = with(&before, members)?;
        if issuer.issuer != before.issuer || issuer.id != before.id {
            return Err(refused("another iss is another issuer: create it, and delete this one"));
        }
        issuer.updated_at = cx.now;
        check(cx, &issuer)?;
        tenant::known(cx, &issuer.tenant)?;
        let record = cx.record(Event::IssuerUpdated, actor.clone()).object(id);
        match cx.store.update_issuer(&issuer, &record).await? {
            Write::Conflict => {}
            write => {
                changed(write, KIND)?;
                cx.follow_changes().await?;
                issuer.version += 1;
                return Ok(issuer);
            }
        }
    }
    Err(refused("others keep changing this issuer: try again"))
}

/// Trusts it no longer.
pub async fn delete(cx: &Context, actor: Actor, id: &str) -> Result<(), ManageError> {
    let record = cx.record(Event::IssuerDeleted, actor).object(id);
    changed(cx.store.delete_issuer(id, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(())
}
