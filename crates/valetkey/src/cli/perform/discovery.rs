//! RFC 8414 §3, OIDC Discovery §4 — finding a server's endpoints

use super::super::http::{self, PATIENCE};
use super::{object, safe};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use url::Url;

/// A server's metadata, of exactly the issuer that was asked for.
#[derive(Debug)]
pub(super) struct Metadata(Value);

impl Metadata {
    pub(super) fn text(&self, member: &str) -> Option<&str> {
        self.0[member].as_str()
    }

    pub(super) fn flag(&self, member: &str) -> bool {
        self.0[member].as_bool().unwrap_or(false)
    }

    pub(super) fn endpoint(&self, member: &'static str) -> Result<Url> {
        safe(self.text(member).with_context(|| format!("the server's metadata has no {member}"))?, member)
    }
}

/// Looks in both well-known places.
pub(super) async fn find(issuer: &str) -> Result<Metadata> {
    let base = safe(issuer, "the issuer")?;
    let path = base.path().trim_end_matches('/');
    // RFC 8414 §3.1 puts the name before the issuer's path, OIDC Discovery §4 after it.
    let places = [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    let mut last = None;
    for place in places {
        let mut url = base.clone();
        url.set_path(&place);
        match http::get(&url, PATIENCE).await {
            Ok(reply) if reply.status.is_success() => return checked(object(&reply)?, issuer),
            Ok(reply) => last = Some(anyhow::anyhow!("no metadata at {url}: {}", reply.status)),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("no metadata")))
}

/// RFC 8414 §3.3: another issuer in the document is somebody else's document.
fn checked(json: Value, issuer: &str) -> Result<Metadata> {
    let own = json["issuer"].as_str().unwrap_or_default();
    if own != issuer {
        bail!("the server calls itself {own:?}: use that as --issuer, letter by letter");
    }
    Ok(Metadata(json))
}
