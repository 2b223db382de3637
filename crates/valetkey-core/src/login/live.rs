//! Whose session a cookie is, and what they allowed

use crate::context::Context;
use crate::error::Fault;
use crate::ids::ClientId;
use crate::secret::SecretHash;
use crate::store::{Session, Standing};
use crate::time::Seconds;
use std::sync::Arc;

/// How stale `last_seen_at` may be before it is written again.
const SEEN_STEP: Seconds = Seconds::minutes(5);

/// 32 random bytes as base64url: anything else was never ours.
const COOKIE_LEN: usize = 43;

/// The live session of a cookie, if any.
pub async fn session(cx: &Context, cookie: &str) -> Result<Option<Session>, Fault> {
    if cookie.len() != COOKIE_LEN {
        return Ok(None);
    }
    let idle_since = cx.now - cx.lifetimes().session_idle;
    let found = cx.store.session(&SecretHash::of(cookie), cx.now, idle_since).await?;
    if let Some(session) = &found {
        seen(cx, session).await?;
    }
    Ok(found)
}

async fn seen(cx: &Context, session: &Session) -> Result<(), Fault> {
    if cx.now - session.last_seen_at > SEEN_STEP {
        cx.store.touch_session(session.id, cx.now).await?;
    }
    Ok(())
}

/// The live session of a cookie with what its user allowed the client: from memory, where what stands there `suffices`.
pub async fn standing(
    cx: &Context,
    cookie: &str,
    client: &ClientId,
    suffices: impl Fn(&Standing) -> bool,
) -> Result<Option<Arc<Standing>>, Fault> {
    if cookie.len() != COOKIE_LEN {
        return Ok(None);
    }
    let token = SecretHash::of(cookie);
    let idle_since = cx.now - cx.lifetimes().session_idle;
    // Before it is read: what is written from here on may not be in it.
    let moment = cx.standings.moment(cx.store.writes(), cx.now_ms);
    if cx.may_remember()
        && let Some(held) = cx.standings.get(&token, client, moment)
        && held.session.is_live(cx.now, idle_since)
        && suffices(&held)
    {
        seen(cx, &held.session).await?;
        return Ok(Some(held));
    }
    let Some(found) = cx.store.standing(&token, client, cx.now, idle_since).await?.map(Arc::new) else {
        return Ok(None);
    };
    seen(cx, &found.session).await?;
    cx.standings.keep(token, client, &found, moment);
    Ok(Some(found))
}
