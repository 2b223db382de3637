//! The configuration as it stands, in the form in which it can be applied.

use super::form::{self, Members};
use super::settings::{order, shown};
use super::things::all_clients;
use super::upstreams::Written;
use super::{Kind, Refusal};
use crate::context::Context;
use crate::ids::TenantId;
use data_encoding::BASE64URL_NOPAD;

/// What is there.
#[derive(Debug, Default)]
pub struct Export {
    /// By dotted key, in order.
    pub settings: Vec<(String, serde_json::Value)>,
    pub things: Vec<(Kind, Members)>,
}

/// Reads it all. Secrets never leave in clear; `hashes`: their hashes do, so that they open another server too.
pub async fn export(cx: &Context, hashes: bool) -> Result<Export, Refusal> {
    let mut applied = shown(&cx.store.applied().await?.applied);
    let settings = order().into_iter().filter_map(|key| applied.remove(&key).map(|value| (key, value)));
    let mut export = Export { settings: settings.collect(), things: Vec::new() };
    for tenant in cx.store.tenants().await? {
        if tenant.id != TenantId::default() || !tenant.name.is_empty() || tenant.disabled {
            export.things.push((Kind::Tenant, form::shown(Kind::Tenant, &tenant)));
        }
    }
    for upstream in cx.store.upstreams().await? {
        export.things.push((Kind::Upstream, form::shown(Kind::Upstream, &Written::of(&upstream))));
    }
    for issuer in cx.store.issuers().await? {
        export.things.push((Kind::Issuer, form::shown(Kind::Issuer, &issuer)));
    }
    for scope in cx.store.scopes().await? {
        export.things.push((Kind::Scope, form::shown(Kind::Scope, &scope)));
    }
    for api in cx.store.apis().await? {
        let mut members = form::shown(Kind::Api, &api);
        // It follows from the prefix, and so from the server's own name.
        if !api.prefix.is_empty() && api.resource == cx.settings.url(&api.prefix) {
            members.remove("resource");
        }
        export.things.push((Kind::Api, members));
    }
    for client in all_clients(cx).await? {
        let mut members = form::shown(Kind::Client, &client);
        // It is what it says, whatever clients are given where this is applied.
        members.insert("strict".to_owned(), true.into());
        let live = client.secrets.iter().filter(|own| own.expires_at.is_none());
        let words = live.map(|own| format!("sha256:{}", BASE64URL_NOPAD.encode(&own.hash.0)));
        if hashes && !client.secrets.is_empty() {
            members.insert("secret_hashes".to_owned(), words.collect());
        }
        export.things.push((Kind::Client, members));
    }
    Ok(export)
}
