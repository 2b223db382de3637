//! Accounts.

use super::Handle;
use super::fixtures::{
    CALLERS, NOW, ROUNDS, Scene, add_user, any, client, later, race, record, told, until_now, user, user_in,
};
use valetkey_core::audit::Event;
use valetkey_core::claims::PersonClaims;
use valetkey_core::directory::User;
use valetkey_core::ids::{TenantId, UserId};
use valetkey_core::store::{ChangeKind, MarkKind, Page, SetupOutcome, Write};

fn some_claims() -> PersonClaims {
    let mut claims = PersonClaims::default();
    claims.set("given_name", "Alice 'O\"".into()).unwrap();
    claims
}

fn admin(name: &str) -> User {
    User { admin: true, ..user(name) }
}

pub async fn a_user_reads_back_as_it_was_written(store: Handle) {
    let full = User {
        name: Some("Alice Liddell".to_owned()),
        email: Some("Alice@Example.org".to_owned()),
        email_verified: true,
        claims: some_claims(),
        admin: true,
        must_change_password: true,
        disabled: true,
        updated_at: later(5),
        ..user_in("acme", "Alice")
    };
    let bare = User { password: None, ..user("bare") };
    for user in [full, bare] {
        add_user(&store, &user).await;
        assert_eq!(store.user(&user.id).await.unwrap(), Some(user));
    }
    assert_eq!(store.user(&"usr_nobody".into()).await.unwrap(), None);
    let changes = store.changes_since(0).await.unwrap().unwrap();
    assert!(changes.len() == 2 && changes.iter().all(|change| change.kind == ChangeKind::User));
    assert_eq!(told(&store, Event::UserCreated).await, 2);
}

pub async fn a_user_name_is_taken_once_a_tenant_whatever_its_case(store: Handle) {
    add_user(&store, &user("Ålice")).await;
    assert_eq!(store.create_user(&user("åLICE "), &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.create_user(&user_in("acme", "ålice"), &any()).await.unwrap(), Write::Done);
    let first = user("bob");
    add_user(&store, &first).await;
    let same_id = User { id: first.id.clone(), ..user("robert") };
    assert_eq!(store.create_user(&same_id, &any()).await.unwrap(), Write::Conflict);
}

pub async fn a_user_signs_in_by_name_or_address_within_the_tenant(store: Handle) {
    let alice = User { email: Some("Alice@Example.org".to_owned()), ..user("Alice") };
    let wile = User { email: Some("wile@acme.example".to_owned()), ..user_in("acme", "alice") };
    let named = User { ..user("wile@acme.example") };
    for user in [&alice, &wile, &named] {
        add_user(&store, user).await;
    }
    for (tenant, key, want) in [
        ("default", "alice", Some(&alice)),
        ("default", "alice@example.org", Some(&alice)),
        ("acme", "alice", Some(&wile)),
        ("acme", "alice@example.org", None),
        ("acme", "wile@acme.example", Some(&wile)),
        ("default", "wile@acme.example", Some(&named)),
        ("none", "alice", None),
        ("default", "", None),
    ] {
        let found = store.user_by_login(&tenant.into(), key).await.unwrap();
        assert_eq!(found.map(|user| user.id), want.map(|user| user.id.clone()), "{tenant} {key}");
    }
}

pub async fn an_address_of_several_names_only_who_proved_it(store: Handle) {
    let with = |name: &str, email_verified| User {
        email: Some("a@b.example".to_owned()),
        email_verified,
        ..user(name)
    };
    let by_address =
        async || store.user_by_login(&TenantId::default(), "a@b.example").await.unwrap().map(|u| u.username);
    add_user(&store, &with("first", false)).await;
    assert_eq!(by_address().await.as_deref(), Some("first"), "nobody else claims it");
    add_user(&store, &with("second", false)).await;
    assert_eq!(by_address().await, None, "two claim it, neither proved it");
    add_user(&store, &with("third", true)).await;
    assert_eq!(by_address().await.as_deref(), Some("third"));
    add_user(&store, &with("fourth", true)).await;
    assert_eq!(by_address().await, None, "two proved it");
}

pub async fn an_update_is_guarded_by_version_tenant_and_name(store: Handle) {
    let (alice, bob) = (user("alice"), user("bob"));
    add_user(&store, &alice).await;
    add_user(&store, &bob).await;
    let update =
        async |user: &User| store.update_user(user, None, false, &record(Event::UserUpdated)).await.unwrap();
    let renamed = User { username: "Alicia".to_owned(), claims: some_claims(), admin: true, ..alice.clone() };
    assert_eq!(update(&renamed).await, Write::Done);
    assert_eq!(update(&alice).await, Write::Conflict, "an old version");
    let renamed = User { version: 2, ..renamed };
    assert_eq!(store.user(&alice.id).await.unwrap(), Some(renamed.clone()));
    assert_eq!(
        update(&User { username: "BOB".to_owned(), ..renamed.clone() }).await,
        Write::Conflict,
        "a taken name"
    );
    assert_eq!(
        update(&User { tenant: "acme".into(), ..renamed.clone() }).await,
        Write::Unknown,
        "another tenant's"
    );
    assert_eq!(update(&user("nobody")).await, Write::Unknown);
    let by_name =
        async |name| store.user_by_login(&TenantId::default(), name).await.unwrap().map(|user| user.id);
    assert_eq!((by_name("alicia").await, by_name("alice").await), (Some(alice.id), None));
    assert_eq!(
        update(&User { username: "ALICIA".to_owned(), ..renamed }).await,
        Write::Done,
        "its own name again"
    );
    assert_eq!(told(&store, Event::UserUpdated).await, 2);
}

pub async fn users_are_listed_by_tenant_in_pages(store: Handle) {
    let mut ids: Vec<UserId> = Vec::new();
    for n in 0..5 {
        let user = user_in(if n % 2 == 0 { "default" } else { "acme" }, &format!("user-{n}"));
        ids.push(user.id.clone());
        add_user(&store, &user).await;
    }
    let list = async |tenant: Option<&str>, after: Option<&UserId>, limit| -> Vec<UserId> {
        let page = Page { after: after.map(UserId::to_string), limit };
        let tenant = tenant.map(TenantId::from);
        store.users(tenant.as_ref(), &page).await.unwrap().into_iter().map(|user| user.id).collect()
    };
    assert_eq!(list(None, None, 9).await, ids);
    assert_eq!(list(None, Some(&ids[1]), 2).await, ids[2..4]);
    assert_eq!(list(Some("acme"), None, 9).await, [ids[1].clone(), ids[3].clone()]);
    assert_eq!(list(Some("default"), Some(&ids[0]), 1).await, ids[2..3]);
    assert_eq!(list(Some("none"), None, 9).await, []);
}

pub async fn ending_sessions_goes_with_the_update(store: Handle) {
    let scene = Scene::new(&store).await;
    let other = Scene::with(&store, user_in("acme", "alice"), client("app")).await;
    let mut old = scene.user.clone();
    old.version = 9;
    assert_eq!(store.update_user(&old, None, true, &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.sessions(&scene.user.id, NOW).await.unwrap().len(), 1, "a refused update ends nothing");
    assert_eq!(store.update_user(&scene.user, None, true, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.sessions(&scene.user.id, NOW).await.unwrap(), []);
    assert_eq!(store.sessions(&other.user.id, NOW).await.unwrap().len(), 1);
}

pub async fn deleting_a_user_takes_everything_along(store: Handle) {
    let scene = Scene::new(&store).await;
    let other = Scene::with(&store, user_in("acme", "alice"), client("app")).await;
    let (grant, spared) = (scene.granted().await, other.granted().await);
    let mark = until_now(MarkKind::User, scene.user.id.as_str());
    let delete =
        async || store.delete_user(&scene.user.id, &mark, &record(Event::UserDeleted)).await.unwrap();
    assert_eq!((delete().await, delete().await), (Write::Done, Write::Unknown));
    assert_eq!(store.user(&scene.user.id).await.unwrap(), None);
    assert_eq!(store.sessions(&scene.user.id, NOW).await.unwrap(), []);
    assert_eq!(store.consents(&scene.user.id).await.unwrap(), []);
    assert_eq!(store.grant(grant.id).await.unwrap(), None);
    assert!(store.grant(spared.id).await.unwrap().is_some());
    assert_eq!(store.revocation(MarkKind::User, &mark.key).await.unwrap(), Some(mark));
    assert_eq!(told(&store, Event::UserDeleted).await, 1);
}

pub async fn the_first_administrator_is_made_once(store: Handle) {
    let create =
        async |user: &User| store.create_first_admin(user, &record(Event::AdminCreated)).await.unwrap();
    add_user(&store, &user("taken")).await;
    assert!(!store.has_admin().await.unwrap());
    assert_eq!(create(&admin("TAKEN")).await, SetupOutcome::NameTaken);
    let first = admin("root");
    assert_eq!(create(&first).await, SetupOutcome::Created);
    assert!(store.has_admin().await.unwrap());
    assert_eq!(store.user(&first.id).await.unwrap(), Some(first));
    assert_eq!(create(&admin("second")).await, SetupOutcome::AlreadyDone);
    assert_eq!(create(&admin("taken")).await, SetupOutcome::AlreadyDone);
    assert_eq!(told(&store, Event::AdminCreated).await, 1);
}

pub async fn of_many_first_administrators_one_is_made(store: Handle) {
    for round in 0..ROUNDS {
        let outcomes = race(CALLERS, |n| {
            let (store, user) = (store.clone(), admin(&format!("admin-{round}-{n}")));
            async move { (store.create_first_admin(&user, &any()).await.unwrap(), user) }
        })
        .await;
        let made: Vec<_> =
            outcomes.into_iter().filter(|(outcome, _)| *outcome == SetupOutcome::Created).collect();
        assert_eq!(made.len(), 1, "round {round}");
        let mark = until_now(MarkKind::User, made[0].1.id.as_str());
        assert_eq!(store.delete_user(&made[0].1.id, &mark, &any()).await.unwrap(), Write::Done);
    }
}
