//! CIBA Core §10.2 — tells clients in ping mode that there is an answer, a few times at most
//!
//! Deciding puts a request into the queue, in the same transaction; every node empties it. What is claimed is nobody else's
//! for longer than telling takes, so a node that dies meanwhile loses nothing. A client that is never reached may still ask.

use crate::approval::{self, Handle, HandleKind, Waiting};
use crate::context::Context;
use crate::error::Fault;
use crate::outbound::Unfetched;
use crate::secret::Secret;
use crate::store::Approval;
use crate::time::Seconds;
use serde_json::json;

/// How long whoever claims one has it: longer than the fetcher takes.
const CLAIMED: Seconds = Seconds(60);
/// How many are claimed together.
const AT_ONCE: u32 = 16;
/// How long after the first, second … try the next one comes; after the last it is given up.
const WAITS: [Seconds; 4] = [Seconds(2), Seconds(10), Seconds(30), Seconds::minutes(2)];

/// A client to tell, and for how many times it was tried, this one included.
pub type Claimed = (Approval, i64);

/// Takes what is due. Empty: nothing more for now.
pub async fn claim(cx: &Context) -> Result<Vec<Claimed>, Fault> {
    cx.store.claim_pings(cx.now, cx.now + CLAIMED, AT_ONCE).await
}

/// Tells one client, and settles what becomes of it.
pub async fn tell(cx: &Context, (row, tries): Claimed) -> Result<(), Fault> {
    let id = row.id;
    let client = cx.registered(row.client.as_str()).await?.filter(|client| !client.disabled);
    let endpoint = client.as_ref().and_then(|client| client.profile.cross_device.notified_at());
    let waiting = approval::open(cx, row).filter(|waiting| waiting.row.expires_at > cx.now);
    let (Some(endpoint), Some(waiting)) = (endpoint, waiting) else {
        return cx.store.settle_ping(id, None).await;
    };
    let told = send(cx, endpoint, &waiting).await?;
    let client = waiting.row.client.as_str();
    let again = match told {
        Ok(()) => None,
        Err(why) => {
            let wait = usize::try_from(tries).ok().and_then(|n| WAITS.get(n.saturating_sub(1)));
            let wait = wait.filter(|_| may_pass(why));
            tracing::info!(target: "valetkey::ping", client, tries, %why, given_up = wait.is_none(),
                "a client could not be told that its request was decided");
            wait.map(|wait| cx.now + *wait)
        }
    };
    cx.store.settle_ping(id, again).await
}

/// Whether it may go better next time. A client that answers, and not that it is ill or has too much to do, was told (§10.2):
/// it is not told the same thing twice.
const fn may_pass(why: Unfetched) -> bool {
    match why {
        Unfetched::Status(status) => status >= 500 || matches!(status, 408 | 425 | 429),
        Unfetched::Unresolved | Unfetched::Unreachable | Unfetched::Late | Unfetched::Busy => true,
        _ => false,
    }
}

/// §10.2: 200 or 204; a redirect is followed by nobody.
async fn send(cx: &Context, endpoint: &str, waiting: &Waiting) -> Result<Result<(), Unfetched>, Fault> {
    let handle = Handle::of(&waiting.row, waiting.pending.request.key);
    let body =
        json!({ "auth_req_id": handle.seal(cx, HandleKind::AuthReqId, waiting.row.created_at)? }).to_string();
    let bearer = Secret::new(format!("Bearer {}", waiting.pending.notification_token));
    Ok(match cx.fetcher.tell(endpoint, &bearer, body.as_bytes()).await {
        Ok(status) if (200..300).contains(&status) => Ok(()),
        Ok(status) => Err(Unfetched::Status(status)),
        Err(error) => Err(error),
    })
}
