//! ASVS 6.8.1 — which of our people the word of another issuer means

use super::{MatchBy, Statement, TrustedIssuer};
use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::login::upstream::{Whose, person_of, whose};
use crate::upstream::{ClaimNames, OurMethod, Provider, Upstream};
use serde_json::Value;

/// Whom a statement means.
#[derive(Debug)]
pub enum Somebody {
    Known(Box<User>),
    /// Nobody here, and nobody who would get an account.
    Unknown,
}

/// The person whom a statement means, by what its issuer's people are known by here.
pub async fn somebody(cx: &Context, statement: &Statement) -> Result<Somebody, Fault> {
    let issuer = &statement.issuer;
    let found = match issuer.match_by {
        MatchBy::Identity => return by_identity(cx, statement).await,
        MatchBy::Username if issuer.mistakes_strangers(&cx.settings.accounts) => {
            // Refused where it is registered; sign-up was switched on since.
            tracing::warn!(target: "valetkey::federation", issuer = issuer.id, "match_by = username beside sign_up: nobody is known by it");
            None
        }
        MatchBy::Username => by_name(cx, issuer, user_name(statement)).await?,
        MatchBy::Email => {
            let verified = statement.claims.get("email_verified") == Some(&Value::Bool(true));
            let address = statement.text("email").filter(|_| verified);
            let very = |user: &User| address.is_some_and(|address| user.has_address(address));
            by_name(cx, issuer, address).await?.filter(|user| user.email_verified && very(user))
        }
    };
    Ok(found.map_or(Somebody::Unknown, |user| Somebody::Known(Box::new(user))))
}

/// RFC 7523 §3 (2): `sub` names the person where no claim of its own does.
fn user_name(statement: &Statement) -> Option<&str> {
    match statement.claims.get("preferred_username") {
        None => statement.text("sub"),
        Some(_) => statement.text("preferred_username"),
    }
}

async fn by_name(cx: &Context, issuer: &TrustedIssuer, name: Option<&str>) -> Result<Option<User>, Fault> {
    let Some(key) = name.map(User::lookup_key).filter(|key| !key.is_empty()) else { return Ok(None) };
    let found = cx.store.user_by_login(&issuer.tenant, &key).await?;
    // An address never stands for a name, nor the other way round.
    let same = |user: &User| issuer.match_by == MatchBy::Email || User::lookup_key(&user.username) == key;
    Ok(found.filter(same))
}

async fn by_identity(cx: &Context, statement: &Statement) -> Result<Somebody, Fault> {
    let Some(person) = person_of(&statement.claims) else { return Ok(Somebody::Unknown) };
    let from = as_upstream(&statement.issuer);
    Ok(match whose(cx, &from, &person).await? {
        Whose::Known(user) => Somebody::Known(user),
        Whose::Unknown | Whose::HasAccount => Somebody::Unknown,
    })
}

/// The issuer as the provider that it would be for signing in: identities are the same.
fn as_upstream(issuer: &TrustedIssuer) -> Upstream {
    Upstream {
        id: issuer.id.clone(),
        name: issuer.id.clone(),
        tenant: issuer.tenant.clone(),
        provider: Provider::OpenId { issuer: issuer.issuer.clone() },
        client_id: String::new(),
        client_secret: None,
        auth_method: OurMethod::None,
        scope: String::new(),
        claims: ClaimNames::default(),
        sign_up: issuer.sign_up,
        disabled: issuer.disabled,
        created_at: issuer.created_at,
        updated_at: issuer.updated_at,
        version: issuer.version,
    }
}
