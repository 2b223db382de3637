//! OIDC Prompt Create §4 — people make accounts for themselves, where the operator lets them
//!
//! A username is there for all to see, so that it is taken is said. Whose an e-mail address is already is not: it is written
//! down unproven like any other, and an unproven address stands for nobody ([`User::is_meant_by`]).

use super::{NewUser, UserFlaw, account, flaws};
use crate::audit::{Actor, Event};
use crate::client::authenticate::Guard;
use crate::context::{Context, Server};
use crate::directory::User;
use crate::error::{Fault, becomes};
use crate::ids::{TenantId, UserId};
use crate::login::throttle;
use crate::secret::Secret;
use crate::settings::{SIGN_UP_BREATH, SIGN_UP_PAUSE};
use crate::store::Write;
use crate::time::Seconds;
use std::net::IpAddr;

/// What a person typed.
#[derive(Debug)]
pub struct SignUp<'a> {
    pub username: &'a str,
    pub name: &'a str,
    pub email: &'a str,
    pub password: &'a Secret,
    pub tenant: &'a TenantId,
}

/// Why there is no account.
#[derive(Debug)]
pub enum NotSignedUp {
    /// The operator does not let people do it, or not in this directory.
    Off,
    /// In the order of the form's fields.
    Flaws(Vec<SignUpFlaw>),
    /// Too many from this address: wait this long.
    Throttled(Seconds),
    Busy,
    Failed(Fault),
}

/// What is wrong with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpFlaw {
    UsernameMissing,
    /// Not of plain letters and digits, or too long.
    UsernameInvalid,
    /// One that would mislead.
    UsernameReserved,
    UsernameTaken,
    EmailMissing,
    PasswordMissing,
    Other(UserFlaw),
}

becomes!(Fault => NotSignedUp::Failed);

/// The longest name of whoever chooses it alone.
const LONGEST: usize = 60;
/// Names by which somebody would seem to speak for the server.
const RESERVED: [&str; 14] = [
    "abuse",
    "admin",
    "administrator",
    "help",
    "hostmaster",
    "operator",
    "owner",
    "postmaster",
    "root",
    "security",
    "support",
    "system",
    "valetkey",
    "webmaster",
];

/// What is wrong with a name that somebody chooses alone: plain characters that cannot be taken for others, never an address,
/// which would be found before its owner's account; never one that speaks for the server, nor the id of an account.
fn flaw_of(name: &str) -> Option<SignUpFlaw> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let ends = |c: char| c.is_ascii_alphanumeric();
    let key = User::lookup_key(name);
    let readable =
        name.len() <= LONGEST && name.bytes().all(plain) && name.starts_with(ends) && name.ends_with(ends);
    if !readable {
        return Some(SignUpFlaw::UsernameInvalid);
    }
    let reserved = key.starts_with(UserId::PREFIX) || RESERVED.contains(&key.as_str());
    reserved.then_some(SignUpFlaw::UsernameReserved)
}

/// Directories in which people shall make accounts for themselves, and which are not there.
pub fn nowhere(server: &Server) -> Vec<&TenantId> {
    server.settings.accounts.sign_up.iter().filter(|id| server.tenant(id).is_none()).collect()
}

/// Makes an account that may nothing special, with an unproven address.
pub async fn sign_up(cx: &Context, asked: &SignUp<'_>) -> Result<User, NotSignedUp> {
    if !cx.takes_sign_ups(asked.tenant) {
        return Err(NotSignedUp::Off);
    }
    let counters = counters(cx);
    if let Some(full) = counters.iter().find(|own| own.guard.is_paused(&own.subject, own.address, cx.now)) {
        return Err(NotSignedUp::Throttled(full.wait));
    }
    let missing = missing(cx, asked);
    if missing.is_empty() {
        for own in &counters {
            own.guard.count_one(&own.subject, own.address, cx.now);
        }
    }
    let new = NewUser {
        username: asked.username.trim().to_owned(),
        name: Some(asked.name.to_owned()),
        email: Some(asked.email.to_owned()),
        tenant: asked.tenant.clone(),
        password: Some(asked.password.clone()),
        admin: false,
    };
    let wrong = wrong(cx, &new, missing);
    if !wrong.is_empty() {
        return Err(NotSignedUp::Flaws(wrong));
    }
    create(cx, new).await
}

/// What a sign-up is counted by.
struct Counter<'a> {
    guard: &'a Guard,
    subject: String,
    address: Option<IpAddr>,
    /// For how long nothing comes through once it is full.
    wait: Seconds,
}

/// One place; the network that it is of; the whole server. Where many people are behind a counter it begins anew with each
/// stretch of time, or it would fill up by and by without anybody doing wrong.
fn counters(cx: &Context) -> [Counter<'_>; 3] {
    let counter = |guard, address, stretch: Option<Seconds>| {
        let subject = stretch.map(|own| (cx.now.0.div_euclid(own.0)).to_string()).unwrap_or_default();
        let wait = stretch.map_or(SIGN_UP_PAUSE, |own| Seconds(own.0 - cx.now.0.rem_euclid(own.0)));
        Counter { guard, subject, address, wait }
    };
    let address = cx.caller.address;
    [
        counter(&cx.sign_ups, address, None),
        counter(&cx.sign_ups_near, throttle::network(address), Some(SIGN_UP_PAUSE)),
        counter(&cx.sign_ups_here, None, Some(SIGN_UP_BREATH)),
    ]
}

fn missing(cx: &Context, asked: &SignUp<'_>) -> Vec<SignUpFlaw> {
    let wants_email = cx.settings.accounts.require_verified_email;
    let empty = |text: &str| text.trim().is_empty();
    [
        (empty(asked.username), SignUpFlaw::UsernameMissing),
        (wants_email && empty(asked.email), SignUpFlaw::EmailMissing),
        (asked.password.expose().is_empty(), SignUpFlaw::PasswordMissing),
    ]
    .into_iter()
    .filter_map(|(missing, flaw)| missing.then_some(flaw))
    .collect()
}

/// Every flaw, one a field.
fn wrong(cx: &Context, new: &NewUser, missing: Vec<SignUpFlaw>) -> Vec<SignUpFlaw> {
    let lacks = |flaw: SignUpFlaw| missing.contains(&flaw);
    // How guessable a password is takes a while to find out: not where something is missing anyway.
    let password = new.password.clone().filter(|_| missing.is_empty());
    let judged = NewUser { password, ..new.clone() };
    let mut wrong = Vec::new();
    if !lacks(SignUpFlaw::UsernameMissing) {
        wrong.extend(flaw_of(&new.username));
    }
    let others = flaws(cx, &judged).into_iter().filter(|flaw| *flaw != UserFlaw::Username);
    wrong.extend(others.map(SignUpFlaw::Other));
    wrong.extend(missing);
    wrong.sort_by_key(|flaw| flaw.field());
    wrong
}

impl SignUpFlaw {
    /// Where in the form.
    const fn field(self) -> u8 {
        match self {
            Self::UsernameMissing
            | Self::UsernameInvalid
            | Self::UsernameReserved
            | Self::UsernameTaken
            | Self::Other(UserFlaw::Username) => 0,
            Self::Other(UserFlaw::Name) => 1,
            Self::EmailMissing | Self::Other(UserFlaw::Email) => 2,
            Self::PasswordMissing | Self::Other(UserFlaw::Password(_)) => 3,
        }
    }
}

async fn create(cx: &Context, new: NewUser) -> Result<User, NotSignedUp> {
    let Ok(permit) = cx.hasher.reserve().await else { return Err(NotSignedUp::Busy) };
    let password = match &new.password {
        Some(password) => Some(permit.hash(password).await?),
        None => None,
    };
    let user = account(cx, new, password);
    let record = cx.record(Event::UserCreated, Actor::Anonymous);
    let record = record.user(&user.id, &user.tenant).object("sign_up");
    match cx.store.create_user(&user, &record).await? {
        Write::Done => Ok(user),
        Write::Conflict | Write::Unknown => Err(NotSignedUp::Flaws(vec![SignUpFlaw::UsernameTaken])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_chooses_a_name_alone_cannot_choose_one_that_misleads() {
        let (invalid, reserved) = (Some(SignUpFlaw::UsernameInvalid), Some(SignUpFlaw::UsernameReserved));
        for (name, want) in [
            ("alice", None),
            ("Alice.Liddell-2", None),
            ("a", None),
            ("7of9", None),
            ("", invalid),
            (".alice", invalid),
            ("alice-", invalid),
            ("alice liddell", invalid),
            ("alice@example.org", invalid),
            ("аlice", invalid),
            ("al\u{200b}ice", invalid),
            ("usr_01h", reserved),
            ("USR_01h", reserved),
            ("Admin", reserved),
            ("support", reserved),
            ("supporter", None),
            (&"a".repeat(60), None),
            (&"a".repeat(61), invalid),
        ] {
            assert_eq!(flaw_of(name), want, "{name}");
        }
    }
}
