//! Signing in: throttle, hash, gate, session — in that order, alike in answer and time whether or not the user exists

pub mod acr;
pub mod browser_mode;
pub mod browser_state;
pub mod confirm;
pub mod cookie;
mod device;
pub mod draft;
pub mod due;
pub mod form_proof;
mod live;
pub mod password;
mod rehash;
pub mod same_origin;
pub mod throttle;
pub mod upstream;

pub use live::{session, standing};

use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::directory::User;
use crate::error::{Fault, FaultKind};
use crate::ids::{ClientId, SessionId, TenantId};
use crate::outbound::{Busy, HashPermit};
use crate::secret::Secret;
use crate::store::{Attempt, AttemptKey, NewSession, Session};
use crate::time::{Seconds, Timestamp};
use throttle::Through;

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
    /// The password is right, and a new one must be chosen before anything else: [`due`].
    MustChange(Box<User>),
    /// Wrong user name or password, or an account that may not sign in: never said which.
    Refused,
    /// Too many attempts: wait this long.
    Throttled(Seconds),
    /// Every hashing permit is taken: try again in a moment.
    Busy,
}

/// What trying a password came to.
#[derive(Debug)]
pub enum Tried {
    /// It is the account's. Whether the account may do anything is not looked at; whoever lets it clears the counters.
    Right {
        user: Box<User>,
        counters: Vec<AttemptKey>,
    },
    /// It is not, or there is no such account: `failed` tells the trail.
    Wrong(Option<Box<User>>),
    Throttled(Seconds),
    Busy,
}

/// Tries a password against an account: throttled, with a hashing permit, in like time whether or not the account
/// exists. The one way to do it, for the login page and the `password` grant alike.
pub async fn try_password(
    cx: &Context,
    tenant: &TenantId,
    username: &str,
    password: &Secret,
    through: Through<'_>,
) -> Result<Tried, Fault> {
    let key = User::lookup_key(username);
    let Ok(permit) = cx.hasher.reserve().await else { return Ok(Tried::Busy) };
    let found = cx.store.user_by_login(tenant, &key).await?;
    let user = found.filter(|user| user.is_meant_by(&key, &cx.settings.accounts));
    let through = match (through, &user) {
        (Through::Known(text), Some(user)) if device::knows(cx, text, user, &key) => through,
        (Through::Known(_), _) => Through::Browser,
        (through, _) => through,
    };
    let counters = throttle::counters(tenant, &key, cx.caller.address, through);
    if let Attempt::Wait(wait) = cx.store.begin_attempt(&counters, cx.now).await? {
        // Refusals cost no row, or a flood would fill the trail; the failures that led here stand in it.
        tracing::info!(target: "valetkey::login", wait = wait.0, "login attempt throttled");
        return Ok(Tried::Throttled(wait));
    }
    let phc = user.as_ref().and_then(|user| user.password.as_deref());
    let fits = permit.verify(password, phc).await?;
    Ok(match user {
        Some(user) if fits => Tried::Right { user: Box::new(user), counters },
        user => Tried::Wrong(user.map(Box::new)),
    })
}

/// Writes a failed sign-in into the trail.
pub async fn failed(cx: &Context, user: Option<&User>, client: Option<&ClientId>) -> Result<(), Fault> {
    let mut record = cx.record(Event::LoginFailed, Actor::Anonymous);
    if let Some(user) = user {
        record = record.user(&user.id, &user.tenant);
    }
    record.client = client.cloned();
    cx.store.record(&record).await
}

/// Signs a user in by password.
pub async fn password_login(cx: &Context, login: &PasswordLogin<'_>) -> Result<LoginOutcome, Fault> {
    let through = login.known_device.map_or(Through::Browser, Through::Known);
    match try_password(cx, login.tenant, login.username, login.password, through).await? {
        Tried::Right { user, counters } if user.may_sign_in().is_ok() => {
            begin(cx, login, &user, &User::lookup_key(login.username), &counters).await
        }
        Tried::Right { user, counters } if must_change(cx, &user) => {
            cx.store.clear_attempts(&counters).await?;
            Ok(LoginOutcome::MustChange(user))
        }
        Tried::Right { user, .. } | Tried::Wrong(Some(user)) => {
            failed(cx, Some(&user), None).await?;
            Ok(LoginOutcome::Refused)
        }
        Tried::Wrong(None) => {
            failed(cx, None, None).await?;
            Ok(LoginOutcome::Refused)
        }
        Tried::Throttled(wait) => Ok(LoginOutcome::Throttled(wait)),
        Tried::Busy => Ok(LoginOutcome::Busy),
    }
}

/// Whether the one thing that stands between the account and a sign-in is a new password.
fn must_change(cx: &Context, user: &User) -> bool {
    user.must_change_password && !user.disabled && !cx.catalog().shuts(user.tenant.as_str())
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
    rehash::renew(cx, user, login.password).await;
    let known_device = device::seal(cx, user, key)?;
    Ok(LoginOutcome::SignedIn(Box::new(SignedIn { session, cookie, known_device })))
}

/// Signs in a user who has proven who they are by other means than a password just typed here. `None`: the account was
/// switched off meanwhile.
pub async fn sign_in_as(
    cx: &Context,
    user: &User,
    user_agent: &str,
    replaces: Option<SessionId>,
) -> Result<Option<SignedIn>, Fault> {
    sign_in_by(cx, user, user_agent, replaces, Proven::by_password(cx)).await
}

/// How and when somebody proved who they are.
#[derive(Debug, Clone)]
pub struct Proven {
    /// RFC 8176 values.
    pub amr: Vec<String>,
    pub at: Timestamp,
}

impl Proven {
    /// Just now, here.
    pub fn by_password(cx: &Context) -> Self {
        Self { amr: vec!["pwd".to_owned()], at: cx.now }
    }
}

/// The same with the proof that there was.
pub async fn sign_in_by(
    cx: &Context,
    user: &User,
    user_agent: &str,
    replaces: Option<SessionId>,
    proven: Proven,
) -> Result<Option<SignedIn>, Fault> {
    let begun = begin_session(cx, user, user_agent, (replaces, &[]), proven).await?;
    let Some((session, cookie)) = begun else { return Ok(None) };
    let known_device = device::seal(cx, user, &User::lookup_key(&user.username))?;
    Ok(Some(SignedIn { session, cookie, known_device }))
}

/// Begins a session for a user who has proven who they are. `None`: the account was switched off meanwhile.
pub async fn start_session(
    cx: &Context,
    user: &User,
    user_agent: &str,
    replaces: Option<SessionId>,
    clear: &[AttemptKey],
) -> Result<Option<(Session, Secret)>, Fault> {
    begin_session(cx, user, user_agent, (replaces, clear), Proven::by_password(cx)).await
}

async fn begin_session(
    cx: &Context,
    user: &User,
    user_agent: &str,
    (replaces, clear): (Option<SessionId>, &[AttemptKey]),
    proven: Proven,
) -> Result<Option<(Session, Secret)>, Fault> {
    let cookie = cx.new_secret();
    let session = Session {
        id: session_id(cx, user, replaces).await?,
        user: user.id.clone(),
        tenant: user.tenant.clone(),
        auth_time: proven.at,
        amr: proven.amr,
        address: cx.caller.address.map(|ip| ip.to_string()).unwrap_or_default(),
        user_agent: user_agent.chars().take(200).collect(),
        created_at: cx.now,
        last_seen_at: cx.now,
        expires_at: cx.now + cx.lifetimes().session,
    };
    let record = cx.record(Event::LoginSucceeded, Actor::User(user.id.clone()));
    let record = record.user(&user.id, &user.tenant).object(session.id);
    let new = NewSession { session: &session, token: cookie.hash(), replaces, clear };
    Ok(cx.store.start_session(&new, &record).await?.then_some((session, cookie)))
}

/// Who signs in once more in the same browser goes on in the same session: under a new cookie (ASVS 7.2.4), and with the
/// `sid` by which applications know it.
async fn session_id(cx: &Context, user: &User, replaces: Option<SessionId>) -> Result<SessionId, Fault> {
    if let Some(old) = replaces
        && cx.store.sessions(&user.id, cx.now).await?.iter().any(|own| own.id == old)
    {
        return Ok(old);
    }
    Ok(SessionId(cx.new_id()))
}

/// Takes a hashing permit, or says that the server is busy.
pub async fn reserve(cx: &Context) -> Result<Box<dyn HashPermit>, Fault> {
    cx.hasher
        .reserve()
        .await
        .map_err(|Busy| Fault::bare(FaultKind::Unavailable, "every password hashing permit is taken"))
}
