//! `/account/apps`: every app with a key, found by name and paged.

use super::super::paging::Asked;
use super::super::respond::{app, drawn};
use super::super::view::{AccountApps, AppKey, Href, When};
use super::{csrf, visitor};
use crate::extract::Call;
use axum::response::Response;
use http::StatusCode;
use std::collections::BTreeMap;
use url::Url;
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::ClientId;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Consent, GrantFilter, Page};
use valetkey_core::time::Timestamp;

/// The most grants that are looked at.
const GRANTS: u32 = 1000;

/// What one app holds: a standing consent, or grants that came without one, or both.
struct Held {
    scope: Scope,
    since: Timestamp,
    last_used: Option<Timestamp>,
    /// Nobody asked the person: another issuer's word was enough.
    implied: bool,
}

/// Every app that holds a key, the one used last first.
pub(super) async fn all(call: &Call, user: &User) -> Result<Vec<AppKey>, Fault> {
    let cx = &call.cx;
    let mut held: BTreeMap<ClientId, Held> = BTreeMap::new();
    for consent in cx.store.consents(&user.id).await? {
        let Consent { client, scope, granted_at: since, implied, .. } = consent;
        held.insert(client, Held { scope, since, last_used: None, implied });
    }
    let filter = GrantFilter { user: Some(user.id.clone()), ..GrantFilter::default() };
    for grant in cx.store.grants(&filter, &Page::first(GRANTS), cx.now).await? {
        let own = held.entry(grant.client).or_insert_with(|| Held {
            scope: Scope::default(),
            since: grant.created_at,
            last_used: None,
            implied: false,
        });
        own.scope = own.scope.union(&grant.scope);
        own.since = own.since.min(grant.created_at);
        own.last_used = own.last_used.max(Some(grant.last_used_at));
    }
    let mut apps = Vec::new();
    let vouchers = vouchers(call, user);
    for (id, held) in held {
        let Some(client) = cx.registered(id.as_str()).await? else { continue };
        apps.push((held.last_used.unwrap_or(held.since), key(call, &client, &held, &vouchers)));
    }
    apps.sort_by_key(|(used, _)| std::cmp::Reverse(*used));
    Ok(apps.into_iter().map(|(_, key)| key).collect())
}

/// Whom those who run the server let vouch for this person.
fn vouchers(call: &Call, user: &User) -> Vec<String> {
    let name = |issuer: &str| issuer.strip_prefix("https://").unwrap_or(issuer).to_owned();
    let catalog = call.cx.catalog();
    let all = catalog.issuers().iter().filter(|issuer| issuer.vouches_for(&user.tenant));
    all.map(|issuer| name(&issuer.issuer)).collect()
}

fn key(call: &Call, client: &Client, held: &Held, vouchers: &[String]) -> AppKey {
    let catalog = call.cx.catalog();
    let words =
        |name: &str| catalog.scope(name).map_or_else(|| name.to_owned(), |scope| scope.description.clone());
    AppKey {
        client: client.id.to_string(),
        app: app(client),
        open: opening(call, client),
        can: held.scope.iter().map(words).collect(),
        since: When::new(held.since, call.cx.now),
        last_used: held.last_used.map(|at| When::new(at, call.cx.now)),
        vouched: held.implied.then(|| vouchers.to_vec()),
    }
}

/// OIDC Core §4: the application begins its own sign-in, and learns here who sent the person.
fn opening(call: &Call, client: &Client) -> Option<Href> {
    let mut address = Url::parse(client.profile.openid.initiate_login_uri.as_deref()?).ok()?;
    address.query_pairs_mut().append_pair("iss", call.cx.settings.issuer());
    Href::web(address.as_str())
}

pub(crate) async fn get(call: Call) -> Response {
    let user = match visitor(&call).await {
        Ok((_, user)) => user,
        Err(response) => return response,
    };
    drawn(&call, StatusCode::OK, view(&call, &user).await)
}

async fn view(call: &Call, user: &User) -> Result<AccountApps, Fault> {
    let asked = Asked::of(call);
    let mut apps = all(call, user).await?;
    let total = apps.len();
    apps.retain(|key| asked.finds(&key.app.name));
    let (apps, paging) = asked.page("/account/apps", apps);
    Ok(AccountApps { csrf: csrf(call)?, query: asked.query, apps, total, paging })
}
