//! OIDC Back-Channel Logout §2.5–§2.8 — tells applications that somebody signed out, until they answer or for a day
//!
//! The verbs that end sessions fill the queue; every node empties it. A row is claimed for as long as telling may take, so
//! that no two nodes tell at once, and one that dies while it tells loses nothing: the application may hear it twice.

use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::error::Fault;
use crate::outbound::{Exchange, Unfetched};
use crate::store::Logout;
use crate::time::Seconds;
use crate::token::logout_token;

/// How long whoever claims one has it: longer than the fetcher takes.
const CLAIMED: Seconds = Seconds(60);
/// How many are claimed together.
const AT_ONCE: u32 = 16;
/// How long after the first, second … try the next one comes; after the last it is given up.
const WAITS: [Seconds; 7] = [
    Seconds(10),
    Seconds::minutes(1),
    Seconds::minutes(5),
    Seconds::minutes(30),
    Seconds::hours(2),
    Seconds::hours(6),
    Seconds::hours(12),
];
/// The largest answer that is read; nothing in it matters.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Takes what is due. Empty: nothing more for now.
pub async fn claim(cx: &Context) -> Result<Vec<Logout>, Fault> {
    if cx.store.next_logout().await?.is_none_or(|due| due > cx.now) {
        return Ok(Vec::new());
    }
    cx.store.claim_logouts(cx.now, cx.now + CLAIMED, AT_ONCE).await
}

/// Tells one application, and settles what becomes of the row.
pub async fn tell(cx: &Context, logout: &Logout) -> Result<(), Fault> {
    let client = cx.registered(logout.client.as_str()).await?.filter(|client| !client.disabled);
    let Some(client) = client else { return cx.store.finish_logout(logout).await };
    let Some(uri) = client.profile.logout.back_channel() else {
        return cx.store.finish_logout(logout).await;
    };
    match send(cx, &client, uri, logout).await? {
        Ok(()) => cx.store.finish_logout(logout).await,
        Err(why) => failed(cx, logout, why).await,
    }
}

/// §2.8: 200, or 204 from frameworks that see an empty answer.
async fn send(
    cx: &Context,
    client: &Client,
    uri: &str,
    logout: &Logout,
) -> Result<Result<(), Unfetched>, Fault> {
    let token = logout_token::sign(cx, client, &logout.user, logout.session)?;
    let form = [("logout_token", token.as_str())];
    let exchange = Exchange { url: uri, form: Some(&form), authorization: None, limit: ANSWER_LIMIT };
    Ok(match cx.fetcher.exchange(&exchange).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(Unfetched::Status(answer.status)),
        Err(error) => Err(error),
    })
}

async fn failed(cx: &Context, logout: &Logout, why: Unfetched) -> Result<(), Fault> {
    let (client, tries) = (logout.client.as_str(), logout.tries);
    let waited = usize::try_from(tries).ok().and_then(|n| WAITS.get(n.saturating_sub(1)));
    let Some(wait) = waited else {
        tracing::warn!(target: "valetkey::logout", client, tries, %why, "an application could not be told that \
            somebody signed out: given up");
        let record = cx.record(Event::LogoutNotDelivered, Actor::System).client(&logout.client);
        let mut record = logout.session.into_iter().fold(record, crate::audit::Record::object);
        record.user = Some(logout.user.clone());
        return cx.store.give_up_logout(logout, &record).await;
    };
    tracing::info!(target: "valetkey::logout", client, tries, %why, again_in = wait.0, "an application could not be told \
        that somebody signed out");
    // Where nobody answers at all, what else waits for the same server waits too, and costs nobody else's time.
    let away = matches!(
        why,
        Unfetched::Unreachable
            | Unfetched::Late
            | Unfetched::Unresolved
            | Unfetched::Forbidden
            | Unfetched::BadAddress
    );
    cx.store.postpone_logout(logout, cx.now + *wait, away).await
}
