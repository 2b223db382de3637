//! ASVS 6.8.1 — which of our people somebody from elsewhere is: by issuer and subject, never by name or address

use super::id_token::Person;
use crate::audit::{Actor, Event};
use crate::claims::PersonClaims;
use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::ids::{SessionId, UserId};
use crate::login::{Proven, SignedIn, sign_in_by};
use crate::store::{Arrival, Session, Write};
use crate::upstream::{LinkedIdentity, Upstream};

/// Names tried before chance decides.
const NAMES: u32 = 20;

/// What became of somebody who came from a provider.
#[derive(Debug)]
pub enum Arrived {
    SignedIn(Box<SignedIn>),
    /// The account is switched off, or something is due that only its password opens.
    Off,
    /// Nobody here is linked, and the provider's people get no account by themselves.
    Unknown,
    /// An account has the address that the provider vouches for. It is not linked by that: its owner signs in to it first.
    HasAccount,
}

/// Signs in whoever is linked; somebody new gets an account.
pub async fn arrive(
    cx: &Context,
    upstream: &Upstream,
    person: &Person,
    user_agent: &str,
    replaces: Option<SessionId>,
) -> Result<Arrived, Fault> {
    let user = match whose(cx, upstream, person).await? {
        Whose::Known(user) => confirmed(cx, upstream, person, *user).await?,
        Whose::Unknown => return Ok(Arrived::Unknown),
        Whose::HasAccount => return Ok(Arrived::HasAccount),
    };
    let shut = cx.catalog().shuts(upstream.tenant.as_str());
    if user.may_sign_in().is_err() || shut {
        return Ok(Arrived::Off);
    }
    let proven = Proven { amr: Vec::new(), at: person.auth_time.unwrap_or(cx.now) };
    let signed_in = sign_in_by(cx, &user, user_agent, replaces, proven).await?;
    Ok(signed_in.map_or(Arrived::Off, |own| Arrived::SignedIn(Box::new(own))))
}

/// The account, its address proven where the provider vouches for the very same.
async fn confirmed(cx: &Context, upstream: &Upstream, person: &Person, user: User) -> Result<User, Fault> {
    let vouched = person.email.as_deref().filter(|_| person.email_verified);
    if user.email_verified || !vouched.is_some_and(|address| user.has_address(address)) {
        return Ok(user);
    }
    let proven = User { email_verified: true, updated_at: cx.now, ..user.clone() };
    let record = cx.record(Event::EmailVerified, Actor::User(user.id.clone()));
    let record = record.user(&user.id, &user.tenant).object(&upstream.id);
    Ok(match cx.store.update_user(&proven, None, false, &record).await? {
        Write::Done => User { version: user.version + 1, ..proven },
        // Somebody changed the account meanwhile: the next time will tell.
        Write::Conflict | Write::Unknown => user,
    })
}

/// Whose account an identity means.
#[derive(Debug)]
pub enum Whose {
    Known(Box<User>),
    /// Nobody's, and it gets none by itself.
    Unknown,
    /// An account has the address that is vouched for; it is not linked by that.
    HasAccount,
}

/// The account that an identity is linked to; somebody new gets one where the provider's people do.
pub async fn whose(cx: &Context, upstream: &Upstream, person: &Person) -> Result<Whose, Fault> {
    let known = cx.store.linked_user(&upstream.tenant, upstream.issuer(), &person.subject).await?;
    let user = match known {
        Some(id) => cx.store.user(&id).await?,
        None if !upstream.sign_up => None,
        None => {
            let taken = is_taken(cx, upstream, person).await?;
            if taken && person.email_verified {
                return Ok(Whose::HasAccount);
            }
            newcomer(cx, upstream, person, taken).await?
        }
    };
    Ok(user.map_or(Whose::Unknown, |user| Whose::Known(Box::new(user))))
}

async fn is_taken(cx: &Context, upstream: &Upstream, person: &Person) -> Result<bool, Fault> {
    let Some(email) = &person.email else { return Ok(false) };
    // Where strangers make accounts, an address is somebody's who proved it: else whoever typed it first would keep out the
    // person whom it belongs to.
    let proven = cx.settings.accounts.lets_sign_up(&upstream.tenant);
    cx.store.has_email(&upstream.tenant, &User::lookup_key(email), proven).await
}

/// Makes an account. An address that another account has stays with that one.
async fn newcomer(
    cx: &Context,
    upstream: &Upstream,
    person: &Person,
    taken: bool,
) -> Result<Option<User>, Fault> {
    let base = username(person);
    for nth in 1..=NAMES + 1 {
        let username = match nth {
            1 => base.clone(),
            2..=NAMES => format!("{base}-{nth}"),
            _ => format!("{base}-{}", cx.new_id()),
        };
        let user = User {
            id: UserId::from_id(cx.new_id()),
            tenant: upstream.tenant.clone(),
            username,
            name: person.name.clone().filter(|name| name.chars().count() <= 200),
            email: person.email.clone().filter(|_| !taken),
            email_verified: person.email_verified && !taken,
            claims: PersonClaims::default(),
            admin: false,
            password: None,
            must_change_password: false,
            disabled: false,
            created_at: cx.now,
            updated_at: cx.now,
            version: 1,
        };
        let identity = identity(cx, upstream, person, &user.id);
        let record = cx.record(Event::UserCreated, Actor::Anonymous);
        let record = record.user(&user.id, &user.tenant).object(&upstream.id);
        match cx.store.create_linked_user(&user, &identity, &record).await? {
            Arrival::Created => return Ok(Some(user)),
            Arrival::NameTaken => {}
            // Two tabs at once: the other one made the account.
            Arrival::IdentityTaken => {
                let known =
                    cx.store.linked_user(&upstream.tenant, upstream.issuer(), &person.subject).await?;
                return match known {
                    Some(id) => cx.store.user(&id).await,
                    None => Ok(None),
                };
            }
        }
    }
    Ok(None)
}

fn identity(cx: &Context, upstream: &Upstream, person: &Person, user: &UserId) -> LinkedIdentity {
    let label = person.username.as_ref().or(person.email.as_ref()).unwrap_or(&person.subject);
    LinkedIdentity {
        tenant: upstream.tenant.clone(),
        issuer: upstream.issuer().to_owned(),
        subject: person.subject.clone(),
        user: user.clone(),
        label: label.chars().take(200).collect(),
        linked_at: cx.now,
    }
}

/// A name that is free of what could mislead: plain letters, digits and a few marks, and never that of a subject.
fn username(person: &Person) -> String {
    let mailbox = person.email.as_deref().and_then(|email| email.split('@').next());
    let wished = person.username.as_deref().or(mailbox).unwrap_or_default();
    let wished = wished.split('@').next().unwrap_or_default().to_lowercase();
    let plain = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let name: String = wished.chars().filter(plain).take(60).collect();
    let name = name.trim_matches(['.', '_', '-']);
    if name.is_empty() || name.starts_with(UserId::PREFIX) { "user".to_owned() } else { name.to_owned() }
}

/// Links an identity to the account of a session: from now on it signs in there.
pub async fn link(
    cx: &Context,
    upstream: &Upstream,
    person: &Person,
    session: &Session,
) -> Result<Write, Fault> {
    if session.tenant != upstream.tenant {
        return Ok(Write::Unknown);
    }
    let identity = identity(cx, upstream, person, &session.user);
    let record = cx.record(Event::IdentityLinked, Actor::User(session.user.clone()));
    let record = record.user(&session.user, &session.tenant).object(&upstream.id);
    let linked = cx.store.link_identity(&identity, &record).await?;
    if linked == Write::Done
        && let Some(user) = cx.store.user(&session.user).await?
    {
        confirmed(cx, upstream, person, user).await?;
    }
    Ok(linked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_made_of_plain_characters() {
        for (username_there, email, want) in [
            (Some("Octo.Cat"), None, "octo.cat"),
            (Some("octo@idp.example"), None, "octo"),
            (None, Some("jane@x.example"), "jane"),
            (Some("\u{202e}evil"), None, "evil"),
            (Some("админ"), None, "user"),
            (Some("usr_0123"), None, "user"),
            (Some("--"), None, "user"),
            (Some("a b/c<d>"), None, "abcd"),
            (None, None, "user"),
        ] {
            let person = Person {
                subject: "s".to_owned(),
                username: username_there.map(str::to_owned),
                name: None,
                email: email.map(str::to_owned),
                email_verified: false,
                auth_time: None,
            };
            assert_eq!(username(&person), want, "{username_there:?} {email:?}");
        }
    }
}
