//! OIDC Core §5.1 — what people say of themselves, as far as the operator lets them

use super::{Told, update};
use crate::audit::{Actor, Event};
use crate::claims::{self, ADDRESS, ClaimFlaw, PersonClaims};
use crate::context::Context;
use crate::directory::User;
use crate::manage::ManageError;
use serde_json::{Map, Value};

/// What is on the postal address of a person beside how all of it reads.
pub const ADDRESS_PARTS: [&str; 5] = ["street_address", "locality", "region", "postal_code", "country"];

/// Whether people may change this claim of themselves.
pub fn may_edit(cx: &Context, name: &str) -> bool {
    claims::is_personal(name) && cx.settings.accounts.lets_edit(name)
}

/// A person's own change of name and address, of what may be changed. A new address is unproven. The caller has seen the
/// password where the address changes.
pub async fn update_profile(
    cx: &Context,
    user: &User,
    name: Option<String>,
    email: Option<String>,
) -> Result<User, ManageError> {
    let renamed = may_edit(cx, "name") && name != user.name;
    let moved = may_edit(cx, "email") && email != user.email;
    let changed = [("name", renamed), ("email", moved)];
    let changed: Vec<_> = changed.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect();
    let told = Told { event: Event::UserUpdated, object: Some(changed.join(" ")) };
    // What the person leaves as it is stays as another has made it meanwhile.
    update(cx, &Actor::User(user.id.clone()), &user.id, told, |own| {
        if renamed {
            own.name.clone_from(&name);
        }
        if moved {
            own.email_verified = own.email_verified && own.email == email;
            own.email.clone_from(&email);
        }
    })
    .await
}

/// What becomes of a person's claims by what they typed: a name and its new value each. What they may not change stays.
pub fn edited(
    cx: &Context,
    before: &PersonClaims,
    typed: &Map<String, Value>,
) -> Result<PersonClaims, Vec<(String, ClaimFlaw)>> {
    let mut own = before.clone();
    let mut flaws = Vec::new();
    for (name, value) in typed.iter().filter(|(name, _)| may_edit(cx, name)) {
        let value = if name == "address" { whole_address(before, value) } else { value.clone() };
        if let Err(flaw) = own.set(name, value) {
            flaws.push((name.clone(), flaw));
        }
    }
    if flaws.is_empty() { Ok(own) } else { Err(flaws) }
}

/// §5.1.1: how all of it reads stays only as long as its parts do.
fn whole_address(before: &PersonClaims, typed: &Value) -> Value {
    let own = before.get("address").and_then(Value::as_object).cloned().unwrap_or_default();
    let part = |from: &Map<String, Value>, name: &str| {
        from.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
    };
    let typed = typed.as_object().cloned().unwrap_or_default();
    if ADDRESS_PARTS.iter().all(|name| part(&own, name) == part(&typed, name)) {
        return Value::Object(own);
    }
    let known = |(name, _): &(String, Value)| ADDRESS.contains(&name.as_str()) && name != "formatted";
    Value::Object(typed.into_iter().filter(known).collect())
}

/// A person's own change of their claims. The caller has seen the password where the phone number changes.
pub async fn update_claims(
    cx: &Context,
    user: &User,
    typed: &Map<String, Value>,
) -> Result<User, ManageError> {
    let changed = |after: &PersonClaims| {
        let names = typed.keys().filter(|name| after.get(name) != user.claims.get(name));
        names.map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    let after = edited(cx, &user.claims, typed).map_err(|flaws| {
        ManageError::Refused(flaws.into_iter().map(|(_, flaw)| flaw.0).collect::<Vec<_>>().join("; "))
    })?;
    if after == user.claims {
        return Ok(user.clone());
    }
    let told = Told { event: Event::UserUpdated, object: Some(changed(&after)) };
    update(cx, &Actor::User(user.id.clone()), &user.id, told, |own| {
        // What another changed at the same moment stays, unless it is the same.
        if let Ok(claims) = edited(cx, &own.claims, typed) {
            own.claims = claims;
        }
    })
    .await
}
