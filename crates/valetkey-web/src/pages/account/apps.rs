//! `/account/apps`: every app with a key, found by name and paged.

use super::super::respond::{app, drawn};
use super::super::view::account::below;
use super::super::view::{AccountApps, AppKey, Href, Paging, When};
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
use valetkey_core::params::Params;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Consent, GrantFilter, Page};
use valetkey_core::time::Timestamp;

/// The most grants that are looked at.
const GRANTS: u32 = 1000;
/// How many apps stand on a page.
const PER_PAGE: usize = 20;

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
    let params = Params::parse(call.query()).ok();
    let one = |name| params.as_ref().and_then(|params| params.one(name)).unwrap_or_default();
    let query: String = one("q").trim().chars().take(200).collect();
    let mut apps = all(call, user).await?;
    let total = apps.len();
    let sought = query.to_lowercase();
    apps.retain(|key| key.app.name.to_lowercase().contains(&sought));
    let found = apps.len();
    let number = one("page").parse::<usize>().unwrap_or(1).clamp(1, found.div_ceil(PER_PAGE).max(1));
    let from = (number - 1) * PER_PAGE;
    let apps: Vec<_> = apps.into_iter().skip(from).take(PER_PAGE).collect();
    let paging = paging(&query, number, from, apps.len(), found);
    Ok(AccountApps { csrf: csrf(call)?, query, apps, total, paging })
}

fn paging(query: &str, number: usize, from: usize, shown: usize, found: usize) -> Paging {
    if found <= PER_PAGE {
        return Paging::default();
    }
    let link = |page: usize| {
        let mut words = form_urlencoded::Serializer::new(String::new());
        if !query.is_empty() {
            words.append_pair("q", query);
        }
        words.append_pair("page", &page.to_string());
        below(&format!("apps?{}", words.finish()))
    };
    Paging {
        here: format!("{}–{} of {found}", from + 1, from + shown),
        back: (number > 1).then(|| link(number - 1)),
        on: (from + shown < found).then(|| link(number + 1)),
    }
}
