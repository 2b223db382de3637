//! User directories.

use super::{ManageError, TRIES, changed, created, mark_now, refused};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::directory::Tenant;
use crate::ids::TenantId;
use crate::image::Image;
use crate::store::{MarkKind, Write};

const KIND: &str = "tenant";

/// A directory to make.
#[derive(Debug, Clone, Default)]
pub struct NewTenant {
    pub id: String,
    pub name: String,
    pub logo: Option<Image>,
}

/// Ids stand in links, headers and tokens, and two that differ in case alone would be taken for one.
pub fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether a directory may look like this.
pub fn check(tenant: &Tenant) -> Result<(), ManageError> {
    if !is_id(tenant.id.as_str()) {
        return Err(refused(
            "a tenant's id has 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begins with a letter or digit",
        ));
    }
    let nameless = tenant.name.trim().is_empty() && tenant.id != TenantId::default();
    if nameless || tenant.name.chars().count() > 100 || tenant.name.chars().any(char::is_control) {
        return Err(refused(
            "a tenant's name has 1 to 100 characters on one line: people read it when they sign in",
        ));
    }
    Ok(())
}

/// The directory of that id, as the running configuration knows it.
pub fn known(cx: &Context, id: &TenantId) -> Result<(), ManageError> {
    cx.tenant(id).map(drop).ok_or_else(|| {
        refused(format!("there is no tenant `{id}`: make it first, with `tenant create --id {id} --name …`"))
    })
}

/// Makes a directory.
pub async fn create(cx: &Context, actor: Actor, new: NewTenant) -> Result<Tenant, ManageError> {
    let tenant = Tenant {
        id: new.id.into(),
        name: new.name.trim().to_owned(),
        logo: new.logo,
        disabled: false,
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    };
    check(&tenant)?;
    if tenant.id == TenantId::default() {
        return Err(refused(
            "the tenant `default` is there already; `tenant update default` gives it a name",
        ));
    }
    let record = record(cx, Event::TenantCreated, actor, &tenant.id);
    created(cx.store.create_tenant(&tenant, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(tenant)
}

fn record(cx: &Context, event: Event, actor: Actor, id: &TenantId) -> crate::audit::Record {
    let mut record = cx.record(event, actor).object(id);
    record.tenant = Some(id.clone());
    record
}

/// Changes a directory: reads it, lets `edit` change it, and writes it unless somebody else did meanwhile.
pub async fn update(
    cx: &Context,
    actor: &Actor,
    id: &TenantId,
    event: Event,
    edit: impl Fn(&mut Tenant) + Send,
) -> Result<Tenant, ManageError> {
    for _ in 0..TRIES {
        let found = cx.store.tenants().await?.into_iter().find(|tenant| tenant.id == *id);
        let Some(mut tenant) = found else {
            if *id != TenantId::default() {
                return Err(ManageError::Unknown(KIND));
            }
            // It has no row yet; whoever else makes it at this moment makes the same.
            let fresh = Tenant { created_at: cx.now, updated_at: cx.now, ..Tenant::unnamed() };
            let record = record(cx, Event::TenantCreated, actor.clone(), id);
            cx.store.create_tenant(&fresh, &record).await?;
            continue;
        };
        edit(&mut tenant);
        tenant.updated_at = cx.now;
        check(&tenant)?;
        let mark = (event == Event::TenantDisabled).then(|| mark_now(cx, MarkKind::Tenant, id.as_str()));
        let record = record(cx, event, actor.clone(), id);
        match cx.store.update_tenant(&tenant, mark.as_ref(), &record).await? {
            Write::Conflict => {}
            write => {
                changed(write, KIND)?;
                cx.follow_changes().await?;
                tenant.version += 1;
                return Ok(tenant);
            }
        }
    }
    Err(refused("others keep changing this tenant: try again"))
}

/// Switches a directory off: nobody of it signs in, its sessions end, and all its tokens die.
pub async fn disable(cx: &Context, actor: &Actor, id: &TenantId) -> Result<Tenant, ManageError> {
    update(cx, actor, id, Event::TenantDisabled, |tenant| tenant.disabled = true).await
}

/// Switches it on again; sessions and tokens from before stay dead.
pub async fn enable(cx: &Context, actor: &Actor, id: &TenantId) -> Result<Tenant, ManageError> {
    update(cx, actor, id, Event::TenantEnabled, |tenant| tenant.disabled = false).await
}

/// Deletes a directory that nobody belongs to.
pub async fn delete(cx: &Context, actor: Actor, id: &TenantId) -> Result<(), ManageError> {
    if *id == TenantId::default() {
        return Err(refused("the tenant `default` stays; `tenant disable default` lets nobody in"));
    }
    if cx.in_force().applied.default_tenant.as_ref() == Some(id) {
        return Err(refused("the applied settings name this tenant as the default one: change them first"));
    }
    match cx.store.delete_tenant(id, &record(cx, Event::TenantDeleted, actor, id)).await? {
        Write::Conflict => Err(refused(
            "users or applications still belong to this tenant: delete them first, or disable it",
        )),
        write => {
            changed(write, KIND)?;
            cx.follow_changes().await?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_lower_case_and_fit_for_links_and_headers() {
        for good in ["eneco", "a", "9", "a.b-c_d", &"a".repeat(63)] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "Eneco", "-a", ".a", "a b", "a/b", "ä", "a\n", "%61", &"a".repeat(64)] {
            assert!(!is_id(bad), "{bad:?}");
        }
    }
}
