//! User directories.

use super::Handle;
use super::fixtures::{
    NOW, Scene, add_client, add_user, any, client, consent, cookie, later, record, session_of, start, told,
    until_now, user, user_in,
};
use valetkey_core::audit::Event;
use valetkey_core::client::Client;
use valetkey_core::directory::Tenant;
use valetkey_core::image::Image;
use valetkey_core::store::{ChangeKind, MarkKind, Redemption, Rotation, Write};
use valetkey_core::time::Timestamp;

fn tenant(id: &str) -> Tenant {
    Tenant {
        id: id.into(),
        name: format!("The {id}"),
        logo: None,
        disabled: false,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

fn logo() -> Image {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0\0\xff";
    Image::read(png).unwrap()
}

async fn add(store: &Handle, tenant: &Tenant) {
    assert_eq!(store.create_tenant(tenant, &record(Event::TenantCreated)).await.unwrap(), Write::Done);
}

async fn switch(store: &Handle, id: &str, disabled: bool) {
    let found = store.tenants().await.unwrap().into_iter().find(|tenant| tenant.id.as_str() == id).unwrap();
    let mark = disabled.then(|| until_now(MarkKind::Tenant, id));
    let event = if disabled { Event::TenantDisabled } else { Event::TenantEnabled };
    let switched = Tenant { disabled, ..found };
    assert_eq!(store.update_tenant(&switched, mark.as_ref(), &record(event)).await.unwrap(), Write::Done);
}

pub async fn a_tenant_reads_back_and_its_id_is_taken_once(store: Handle) {
    let acme = Tenant { logo: Some(logo()), ..tenant("acme") };
    let bare = Tenant { disabled: true, updated_at: later(5), ..tenant("bare") };
    for tenant in [&bare, &acme] {
        add(&store, tenant).await;
    }
    assert_eq!(store.tenants().await.unwrap(), [acme, bare], "in the order of their ids");
    let taken = store.create_tenant(&tenant("acme"), &record(Event::TenantCreated)).await.unwrap();
    assert_eq!(taken, Write::Conflict);
    let changes = store.changes_since(0).await.unwrap().unwrap();
    let keys: Vec<_> = changes.iter().map(|change| (change.kind, change.key.as_slice())).collect();
    assert_eq!(keys, [(ChangeKind::Tenant, b"bare".as_slice()), (ChangeKind::Tenant, b"acme")]);
    assert_eq!(told(&store, Event::TenantCreated).await, 2);
}

pub async fn a_tenants_update_is_guarded_by_version(store: Handle) {
    let acme = tenant("acme");
    add(&store, &acme).await;
    let renamed = Tenant { name: "Acme".to_owned(), logo: Some(logo()), ..acme.clone() };
    let update = async |tenant: &Tenant| store.update_tenant(tenant, None, &any()).await.unwrap();
    assert_eq!(update(&renamed).await, Write::Done);
    assert_eq!(update(&acme).await, Write::Conflict, "an old version");
    assert_eq!(update(&tenant("nobody")).await, Write::Unknown);
    let stored = Tenant { version: 2, ..renamed };
    assert_eq!(store.tenants().await.unwrap(), std::slice::from_ref(&stored));
    assert_eq!(update(&Tenant { logo: None, ..stored.clone() }).await, Write::Done);
    assert_eq!(store.tenants().await.unwrap(), [Tenant { logo: None, version: 3, ..stored }]);
}

pub async fn a_tenant_switched_off_lets_nobody_in_and_spares_the_others(store: Handle) {
    add(&store, &tenant("acme")).await;
    let wile = Scene::with(&store, user_in("acme", "alice"), client("app")).await;
    let alice = Scene::with(&store, user("alice"), client("app")).await;
    let (hers, his) = (alice.granted().await, wile.granted().await);
    let lives = async |scene: &Scene| {
        store.session(&cookie(&scene.session), NOW, Timestamp(0)).await.unwrap().is_some()
    };
    switch(&store, "acme", true).await;
    assert!(!lives(&wile).await && lives(&alice).await, "sessions");
    assert!(!start(&store, &session_of(&wile.user)).await, "a sign-in");
    assert!(start(&store, &session_of(&alice.user)).await);
    assert!(!consent(&store, &wile.user.id, &wile.client.id).await, "a consent");
    let mut fresh = wile.code_at(1);
    fresh.session = None;
    assert_eq!(wile.redeem(&fresh).await, Redemption::Refused, "a code");
    assert_eq!(wile.rotate(&his, 1, NOW).await, Rotation::Unknown, "a refresh");
    assert_eq!(alice.rotate(&hers, 1, NOW).await, Rotation::Rotated);

    switch(&store, "acme", false).await;
    assert!(!lives(&wile).await, "an old session stays dead");
    assert_eq!(wile.rotate(&his, 1, NOW).await, Rotation::Unknown, "and an old grant");
    assert!(start(&store, &session_of(&wile.user)).await);
    assert_eq!(wile.redeem(&fresh).await, Redemption::Redeemed, "what is new is new");
}

pub async fn a_tenant_is_deleted_only_when_nobody_belongs_to_it(store: Handle) {
    for id in ["people", "apps", "empty"] {
        add(&store, &tenant(id)).await;
    }
    let wile = user_in("people", "wile");
    add_user(&store, &wile).await;
    add_client(&store, &Client { tenant: Some("apps".into()), ..client("app") }).await;
    let delete =
        async |id: &str| store.delete_tenant(&id.into(), &record(Event::TenantDeleted)).await.unwrap();
    assert_eq!(delete("people").await, Write::Conflict);
    assert_eq!(delete("apps").await, Write::Conflict);
    assert_eq!(delete("empty").await, Write::Done);
    assert_eq!(delete("empty").await, Write::Unknown);
    let gone =
        store.delete_user(&wile.id, &until_now(MarkKind::User, wile.id.as_str()), &any()).await.unwrap();
    assert_eq!((gone, delete("people").await), (Write::Done, Write::Done));
    assert_eq!(told(&store, Event::TenantDeleted).await, 2);
}
