//! Providers at which people sign in, and letting go of an identity.

use super::{ManageError, TRIES, changed, created, refused, tenant};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::ids::{TenantId, UserId};
use crate::secret::Secret;
use crate::store::{Session, Unlinking, Write};
use crate::upstream::{ClaimNames, LinkedIdentity, OurMethod, Provider, Upstream, seal_secret};
use url::{Host, Url};

const KIND: &str = "upstream";

/// A provider to register.
#[derive(Debug, Clone)]
pub struct NewUpstream {
    pub id: String,
    pub name: String,
    pub tenant: TenantId,
    pub provider: Provider,
    pub client_id: String,
    pub client_secret: Option<Secret>,
    /// `None`: Basic at OpenID Providers, in the body elsewhere, nothing where there is no secret.
    pub auth_method: Option<OurMethod>,
    /// `None`: `openid profile email` at OpenID Providers, nothing elsewhere.
    pub scope: Option<String>,
    pub claims: ClaimNames,
    pub sign_up: bool,
}

/// The rules of every provider, whoever registers it.
pub fn check(upstream: &Upstream) -> Result<(), ManageError> {
    let plain_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if upstream.id.is_empty() || upstream.id.len() > 50 || !upstream.id.bytes().all(plain_id) {
        return Err(refused(
            "an upstream's id has 1 to 50 characters of a–z 0–9 -: it stands in a redirect URI",
        ));
    }
    let one_line = |text: &str, most| {
        !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
    };
    if !one_line(&upstream.name, 60) {
        return Err(refused("the name must have 1 to 60 characters on one line: it stands on a button"));
    }
    if !one_line(&upstream.client_id, 500) {
        return Err(refused("the client id must have 1 to 500 characters on one line"));
    }
    let claims = &upstream.claims;
    let names = [&claims.subject, &claims.username, &claims.name, &claims.email, &claims.email_verified];
    if names.iter().any(|name| !one_line(name, 100)) {
        return Err(refused("a claim's name must have 1 to 100 characters"));
    }
    match &upstream.provider {
        Provider::OpenId { issuer } => {
            check_url("issuer", issuer)?;
            if issuer.contains('?') {
                return Err(refused("an issuer has no query (OIDC Discovery §3)"));
            }
            // OIDC Core §5.7: nothing else of an ID token names a person for ever.
            if claims.subject != "sub" {
                return Err(refused("at an OpenID Provider the subject is always the claim `sub`"));
            }
            if !upstream.scope.split(' ').any(|name| name == "openid") {
                return Err(refused("an OpenID Provider is asked for the scope openid at least"));
            }
        }
        Provider::OAuth { authorize_url, token_url, userinfo_url } => {
            check_url("authorize URL", authorize_url)?;
            check_url("token URL", token_url)?;
            check_url("userinfo URL", userinfo_url)?;
        }
    }
    let secret = upstream.client_secret.is_some();
    match upstream.auth_method {
        OurMethod::None if secret => Err(refused("with the method none there is no client secret")),
        OurMethod::None => Ok(()),
        _ if secret => Ok(()),
        _ => Err(refused("this method needs the client secret that the provider gave")),
    }
}

fn check_url(what: &str, text: &str) -> Result<(), ManageError> {
    let bad = |why: &str| Err(refused(format!("the {what} {why}")));
    let Ok(url) = Url::parse(text) else { return bad("must be an https address") };
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return bad("must be an https address"),
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && here) {
        return bad("must be an https address (http only on this machine)");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return bad("must have no user name, password or fragment");
    }
    Ok(())
}

/// The provider as it would be registered; nothing is written.
pub fn draft(cx: &Context, new: NewUpstream) -> Result<Upstream, ManageError> {
    tenant::known(cx, &new.tenant)?;
    described(cx, new)
}

/// The same, whoever knows the tenant.
pub(super) fn described(cx: &Context, new: NewUpstream) -> Result<Upstream, ManageError> {
    let openid = matches!(new.provider, Provider::OpenId { .. });
    let usual = match (&new.client_secret, openid) {
        (None, _) => OurMethod::None,
        (Some(_), true) => OurMethod::ClientSecretBasic,
        (Some(_), false) => OurMethod::ClientSecretPost,
    };
    let usual_scope = if openid { "openid profile email" } else { "" };
    let upstream = Upstream {
        id: new.id,
        name: new.name,
        tenant: new.tenant,
        provider: new.provider,
        client_id: new.client_id,
        client_secret: new.client_secret.map(|secret| seal_secret(cx, &secret)).transpose()?,
        auth_method: new.auth_method.unwrap_or(usual),
        scope: new.scope.unwrap_or_else(|| usual_scope.to_owned()),
        claims: new.claims,
        sign_up: new.sign_up,
        disabled: false,
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    };
    check(&upstream)?;
    Ok(upstream)
}

pub async fn create(cx: &Context, actor: Actor, new: NewUpstream) -> Result<Upstream, ManageError> {
    let upstream = draft(cx, new)?;
    let record = cx.record(Event::UpstreamCreated, actor).object(&upstream.id);
    created(cx.store.create_upstream(&upstream, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(upstream)
}

pub async fn show(cx: &Context, id: &str) -> Result<Upstream, ManageError> {
    let found = cx.store.upstreams().await?.into_iter().find(|own| own.id == id);
    found.ok_or(ManageError::Unknown(KIND))
}

/// Changes a provider. `secret`: a new one.
pub async fn update(
    cx: &Context,
    actor: &Actor,
    id: &str,
    secret: Option<&Secret>,
    edit: impl Fn(&mut Upstream) + Send,
) -> Result<Upstream, ManageError> {
    for _ in 0..TRIES {
        let mut upstream = show(cx, id).await?;
        if let Some(secret) = secret {
            upstream.client_secret = Some(seal_secret(cx, secret)?);
        }
        edit(&mut upstream);
        upstream.updated_at = cx.now;
        check(&upstream)?;
        tenant::known(cx, &upstream.tenant)?;
        let record = cx.record(Event::UpstreamUpdated, actor.clone()).object(id);
        match cx.store.update_upstream(&upstream, &record).await? {
            Write::Conflict => {}
            write => {
                changed(write, KIND)?;
                cx.follow_changes().await?;
                upstream.version += 1;
                return Ok(upstream);
            }
        }
    }
    Err(refused("others keep changing this upstream: try again"))
}

/// Deletes a provider. Who is linked stays linked, and comes back with a provider of the same issuer.
pub async fn delete(cx: &Context, actor: Actor, id: &str) -> Result<(), ManageError> {
    let record = cx.record(Event::UpstreamDeleted, actor).object(id);
    changed(cx.store.delete_upstream(id, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(())
}

/// The identities of a person that one could sign in by now: their provider is still one of the directory's.
fn open<'a>(cx: &Context, own: &'a [LinkedIdentity]) -> impl Iterator<Item = &'a LinkedIdentity> {
    let catalog = cx.catalog();
    own.iter().filter(move |own| catalog.upstreams_of(&own.tenant).any(|up| up.issuer() == own.issuer))
}

/// Whether somebody without a password could still come in without this identity.
pub fn is_last(cx: &Context, own: &[LinkedIdentity], issuer: &str, subject: &str) -> bool {
    !open(cx, own).any(|other| other.issuer != issuer || other.subject != subject)
}

/// Lets go of an identity of the session's own account, unless it is the last way in.
pub async fn unlink(
    cx: &Context,
    session: &Session,
    issuer: &str,
    subject: &str,
) -> Result<Unlinking, ManageError> {
    let user = UserId::clone(&session.user);
    let has_password = cx.store.user(&user).await?.is_some_and(|user| user.password.is_some());
    if !has_password && is_last(cx, &cx.store.linked_identities(&user).await?, issuer, subject) {
        return Ok(Unlinking::Last);
    }
    let record = cx.record(Event::IdentityUnlinked, Actor::User(user.clone())).user(&user, &session.tenant);
    Ok(cx.store.unlink_identity(&user, issuer, subject, &record.object(issuer)).await?)
}
