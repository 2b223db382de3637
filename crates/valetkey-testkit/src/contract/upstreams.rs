//! Providers, and who is who there.

use super::Handle;
use super::fixtures::{NOW, ROUNDS, add_user, any, mark, race, user, user_in};
use valetkey_core::directory::User;
use valetkey_core::ids::TenantId;
use valetkey_core::store::{Arrival, ChangeKind, MarkKind, Unlinking, Write};
use valetkey_core::upstream::{ClaimNames, LinkedIdentity, OurMethod, Provider, Upstream};

const ISSUER: &str = "https://idp.example";

fn upstream(id: &str) -> Upstream {
    Upstream {
        id: id.to_owned(),
        name: "Corp".to_owned(),
        tenant: TenantId::default(),
        provider: Provider::OpenId { issuer: ISSUER.to_owned() },
        client_id: "us".to_owned(),
        client_secret: Some("vk_us_sealed".to_owned()),
        auth_method: OurMethod::ClientSecretPost,
        scope: "openid".to_owned(),
        claims: ClaimNames::default(),
        sign_up: true,
        disabled: false,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

fn identity(user: &User, subject: &str) -> LinkedIdentity {
    LinkedIdentity {
        tenant: user.tenant.clone(),
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        user: user.id.clone(),
        label: "octo".to_owned(),
        linked_at: NOW,
    }
}

pub async fn a_provider_is_created_once_changed_and_deleted(store: Handle) {
    let own = upstream("corp");
    assert_eq!(store.create_upstream(&own, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.create_upstream(&upstream("corp"), &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.upstreams().await.unwrap(), std::slice::from_ref(&own));
    let changed = Upstream { disabled: true, ..own };
    assert_eq!(store.update_upstream(&changed, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.update_upstream(&changed, &any()).await.unwrap(), Write::Conflict, "an old version");
    assert_eq!(store.upstreams().await.unwrap(), [Upstream { version: 2, ..changed.clone() }]);
    let other = Upstream { id: "other".to_owned(), ..changed };
    assert_eq!(store.update_upstream(&other, &any()).await.unwrap(), Write::Unknown);
    assert_eq!(store.delete_upstream("corp", &any()).await.unwrap(), Write::Done);
    assert_eq!(store.delete_upstream("corp", &any()).await.unwrap(), Write::Unknown);
    let told = store.changes_since(0).await.unwrap().unwrap();
    assert_eq!(told.iter().filter(|change| change.kind == ChangeKind::Upstream).count(), 3);
}

pub async fn an_identity_is_one_persons_in_its_directory(store: Handle) {
    let alice = User { email: Some("Alice@example.org".to_owned()), ..user("alice") };
    let (bob, far) = (user("bob"), user_in("acme", "alice"));
    let off = User { disabled: true, ..user("off") };
    for user in [&alice, &bob, &far, &off] {
        add_user(&store, user).await;
    }
    let link = async |own: LinkedIdentity| store.link_identity(&own, &any()).await.unwrap();
    assert_eq!(link(identity(&alice, "1")).await, Write::Done);
    assert_eq!(link(identity(&alice, "1")).await, Write::Conflict);
    assert_eq!(link(identity(&bob, "1")).await, Write::Conflict, "it is somebody's");
    assert_eq!(link(identity(&far, "1")).await, Write::Done, "another directory");
    assert_eq!(link(identity(&off, "2")).await, Write::Unknown);
    assert_eq!(link(identity(&user("nobody"), "3")).await, Write::Unknown);
    let foreign = LinkedIdentity { tenant: "acme".into(), ..identity(&alice, "4") };
    assert_eq!(link(foreign).await, Write::Unknown);

    let whose = async |tenant: &str, issuer: &str, subject: &str| {
        store.linked_user(&tenant.into(), issuer, subject).await.unwrap()
    };
    assert_eq!(whose("default", ISSUER, "1").await, Some(alice.id.clone()));
    assert_eq!(whose("acme", ISSUER, "1").await, Some(far.id.clone()));
    assert_eq!(whose("default", "https://other.example", "1").await, None);
    assert_eq!(whose("default", ISSUER, "2").await, None);
    assert_eq!(store.linked_identities(&alice.id).await.unwrap(), [identity(&alice, "1")]);
    let email = alice.email.clone().unwrap();
    let has = async |email: &str, proven| store.has_email(&alice.tenant, email, proven).await.unwrap();
    let email = User::lookup_key(&email);
    assert_eq!((has(&email, false).await, has(&email, true).await), (true, false));
    assert!(!has("nobody@example.org", false).await);
    let proven = User { email: Some("Bob@example.org".to_owned()), email_verified: true, ..bob.clone() };
    assert_eq!(store.update_user(&proven, None, false, &any()).await.unwrap(), Write::Done);
    assert!(has("bob@example.org", true).await);
}

pub async fn an_account_and_its_identity_are_made_together_or_not_at_all(store: Handle) {
    add_user(&store, &user("alice")).await;
    let make = async |user: &User, subject: &str| {
        store.create_linked_user(user, &identity(user, subject), &any()).await.unwrap()
    };
    let other = User { id: "usr_other".into(), ..user("alice") };
    assert_eq!(make(&other, "1").await, Arrival::NameTaken);
    assert_eq!(store.linked_user(&other.tenant, ISSUER, "1").await.unwrap(), None);
    let new = user("octo");
    assert_eq!(make(&new, "1").await, Arrival::Created);
    assert!(store.user(&new.id).await.unwrap().is_some());
    let late = user("late");
    assert_eq!(make(&late, "1").await, Arrival::IdentityTaken);
    assert_eq!(store.user(&late.id).await.unwrap(), None);
    assert_eq!(store.linked_user(&new.tenant, ISSUER, "1").await.unwrap(), Some(new.id));
}

pub async fn the_last_way_in_stays(store: Handle) {
    let with = User { password: Some("phc".to_owned()), ..user("with") };
    let without = User { password: None, ..user("without") };
    for (user, subjects) in [(&with, vec!["a"]), (&without, vec!["b", "c"])] {
        add_user(&store, user).await;
        for subject in subjects {
            store.link_identity(&identity(user, subject), &any()).await.unwrap();
        }
    }
    let unlink = async |user: &User, subject: &str| {
        store.unlink_identity(&user.id, ISSUER, subject, &any()).await.unwrap()
    };
    assert_eq!(unlink(&with, "b").await, Unlinking::Unknown, "another's");
    assert_eq!(unlink(&with, "a").await, Unlinking::Done, "a password remains");
    assert_eq!(unlink(&without, "b").await, Unlinking::Done);
    assert_eq!(unlink(&without, "c").await, Unlinking::Last);
    assert_eq!(store.linked_identities(&without.id).await.unwrap().len(), 1);
}

pub async fn of_two_last_ways_taken_at_once_one_stays(store: Handle) {
    for round in 0..ROUNDS {
        let name = format!("user{round}");
        let own = User { password: None, email: None, ..user(&name) };
        add_user(&store, &own).await;
        for nth in 0..2 {
            store.link_identity(&identity(&own, &format!("{name}-{nth}")), &any()).await.unwrap();
        }
        race(2, |nth| {
            let (store, own, subject) = (store.clone(), own.clone(), format!("{name}-{nth}"));
            async move { store.unlink_identity(&own.id, ISSUER, &subject, &any()).await.unwrap() }
        })
        .await;
        assert_eq!(store.linked_identities(&own.id).await.unwrap().len(), 1, "round {round}");
    }
}

pub async fn a_user_who_goes_takes_the_identities_along(store: Handle) {
    let own = user("alice");
    add_user(&store, &own).await;
    store.link_identity(&identity(&own, "1"), &any()).await.unwrap();
    let mark = mark(MarkKind::User, own.id.as_str().as_bytes(), 0);
    store.delete_user(&own.id, &mark, &any()).await.unwrap();
    assert_eq!(store.linked_user(&own.tenant, ISSUER, "1").await.unwrap(), None);
}
