//! Signing in: throttle, hash, gate, session — in that order, alike in answer and time whether or not the user exists

mod device;
pub mod form_proof;
pub mod password;
pub mod throttle;

use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::directory::User;
use crate::error::{Fault, FaultKind};
use crate::ids::{SessionId, TenantId};
use crate::outbound::{Busy, HashPermit};
use crate::secret::{Secret, SecretHash};
use crate::store::{Attempt, AttemptKey, NewSession, Session};
use crate::time::Seconds;

/// What the login form and its browser brought.
#[derive(Debug)]
pub struct PasswordLogin<'a> {
    pub username: &'a str,
    pub password: &'a Secret,
    pub tenant: &'a TenantId,
    /// The cookie that says this browser has signed this user in before.
    pub known_device: Option<&'a str>,
    /// The session that was live in this browser, which the new one takes the place of.
    pub replaces: Option<SessionId>,
    pub user_agent: &'a str,
}

/// A session just begun, with the cookies that go to the browser.
#[derive(Debug)]
pub struct SignedIn {
    pub session: Session,
    pub cookie: Secret,
    pub known_device: String,
}

/// The answer to a login.
#[derive(Debug)]
pub enum LoginOutcome {
    SignedIn(Box<SignedIn>),
    /// Wrong user name or password, or an account that may not sign in: never said which.
    Refused,
    /// Too many attempts: wait this long.
    Throttled(Seconds),
    /// Every hashing permit is taken: try again in a moment.
    Busy,
}

/// Signs a user in by password.
pub async fn password_login(cx: &Context, login: &PasswordLogin<'_>) -> Result<LoginOutcome, Fault> {
    let key = User::lookup_key(login.username);
    let device = login.known_device.filter(|text| device::knows(cx, text, login.tenant, &key));
    let counters = throttle::counters(login.tenant, &key, cx.caller.address, device);
    let Ok(permit) = cx.hasher.reserve().await else { return Ok(LoginOutcome::Busy) };
    if let Attempt::Wait(wait) = cx.store.begin_attempt(&counters, cx.now).await? {
        // Refusals cost no row, or a flood would fill the trail; the failures that led here stand in it.
        tracing::info!(target: "valetkey::login", wait = wait.0, "login attempt throttled");
        return Ok(LoginOutcome::Throttled(wait));
    }
    let user = cx.store.user_by_login(login.tenant, &key).await?;
    let phc = user.as_ref().and_then(|user| user.password.as_deref());
    let fits = permit.verify(login.password, phc).await?;
    match user {
        Some(user) if fits && user.may_act().is_ok() => begin(cx, login, &user, &key, &counters).await,
        user => {
            let record = cx.record(Event::LoginFailed, Actor::Anonymous);
            let record = match &user {
                Some(user) => record.user(&user.id, &user.tenant),
                None => record,
            };
            cx.store.record(&record).await?;
            Ok(LoginOutcome::Refused)
        }
    }
}

async fn begin(
    cx: &Context,
    login: &PasswordLogin<'_>,
    user: &User,
    key: &str,
    counters: &[AttemptKey],
) -> Result<LoginOutcome, Fault> {
    let begun = start_session(cx, user, login.user_agent, login.replaces, counters).await?;
    let Some((session, cookie)) = begun else { return Ok(LoginOutcome::Refused) };
    let known_device = device::seal(cx, login.tenant, key)?;
    Ok(LoginOutcome::SignedIn(Box::new(SignedIn { session, cookie, known_device })))
}

/// Begins a session for a user who has proven who they are. `None`: the account was switched off meanwhile.
pub async fn start_session(
    cx: &Context,
    user: &User,
    user_agent: &str,
    replaces: Option<SessionId>,
    clear: &[AttemptKey],
) -> Result<Option<(Session, Secret)>, Fault> {
    let cookie = cx.new_secret();
    let session = Session {
        id: SessionId(cx.new_id()),
        user: user.id.clone(),
        tenant: user.tenant.clone(),
        auth_time: cx.now,
        amr: vec!["pwd".to_owned()],
        address: cx.caller.address.map(|ip| ip.to_string()).unwrap_or_default(),
        user_agent: user_agent.chars().take(200).collect(),
        created_at: cx.now,
        last_seen_at: cx.now,
        expires_at: cx.now + cx.settings.lifetimes.session,
    };
    let record = cx.record(Event::LoginSucceeded, Actor::User(user.id.clone()));
    let record = record.user(&user.id, &user.tenant).object(session.id);
    let new = NewSession { session: &session, token: cookie.hash(), replaces, clear };
    Ok(cx.store.start_session(&new, &record).await?.then_some((session, cookie)))
}

/// How stale `last_seen_at` may be before it is written again.
const SEEN_STEP: Seconds = Seconds::minutes(5);

/// The live session of a cookie, if any.
pub async fn session(cx: &Context, cookie: &str) -> Result<Option<Session>, Fault> {
    // 32 random bytes as base64url: anything else was never ours.
    if cookie.len() != 43 {
        return Ok(None);
    }
    let idle_since = cx.now - cx.settings.lifetimes.session_idle;
    let found = cx.store.session(&SecretHash::of(cookie), cx.now, idle_since).await?;
    if let Some(session) = &found
        && cx.now - session.last_seen_at > SEEN_STEP
    {
        cx.store.touch_session(session.id, cx.now).await?;
    }
    Ok(found)
}

/// Takes a hashing permit, or says that the server is busy.
pub async fn reserve(cx: &Context) -> Result<Box<dyn HashPermit>, Fault> {
    cx.hasher
        .reserve()
        .await
        .map_err(|Busy| Fault::bare(FaultKind::Unavailable, "every password hashing permit is taken"))
}
