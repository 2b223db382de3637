//! What a user lets a client do.

use super::Handle;
use super::fixtures::{
    CALLERS, NOW, ROUNDS, Scene, add_client, add_user, any, client, consent, later, pair_mark, race, record,
    rotate, told, user, user_in,
};
use valetkey_core::audit::Event;
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Consent, MarkKind, Rotation};

pub async fn a_consent_is_replaced_and_keeps_its_first_date(store: Handle) {
    let scene = Scene::new(&store).await;
    let (user, client) = (&scene.user.id, &scene.client.id);
    let wider = Consent {
        user: user.clone(),
        client: client.clone(),
        scope: Scope::from_iter(["read", "write"]),
        granted_at: later(50),
        updated_at: later(50),
        implied: false,
    };
    assert!(store.record_consent(&wider, &record(Event::ConsentGiven)).await.unwrap());
    let want = Consent { granted_at: NOW, ..wider };
    assert_eq!(store.consent(user, client).await.unwrap(), Some(want.clone()));
    assert_eq!(store.consents(user).await.unwrap(), [want]);
    assert_eq!(told(&store, Event::ConsentGiven).await, 2);
}

pub async fn a_consent_is_refused_where_user_or_client_cannot_act(store: Handle) {
    add_client(&store, &client("app")).await;
    add_client(&store, &Client { disabled: true, ..client("off") }).await;
    add_client(&store, &Client { tenant: Some("acme".into()), ..client("acmes") }).await;
    let (alice, blocked) = (user("alice"), User { disabled: true, ..user("blocked") });
    let wile = user_in("acme", "wile");
    for user in [&alice, &blocked, &wile] {
        add_user(&store, user).await;
    }
    for (user, client, want) in [
        (&alice.id, "app", true),
        (&alice.id, "off", false),
        (&alice.id, "none", false),
        (&alice.id, "acmes", false),
        (&wile.id, "acmes", true),
        (&wile.id, "app", true),
        (&blocked.id, "app", false),
        (&"usr_nobody".into(), "app", false),
    ] {
        assert_eq!(consent(&store, user, &client.into()).await, want, "{user} {client}");
        assert_eq!(store.consent(user, &client.into()).await.unwrap().is_some(), want, "{user} {client}");
    }
    assert_eq!(told(&store, Event::ConsentGiven).await, 3);
}

pub async fn a_consent_is_each_users_own(store: Handle) {
    let scene = Scene::new(&store).await;
    let bob = user_in("acme", "alice");
    add_user(&store, &bob).await;
    assert_eq!(store.consent(&bob.id, &scene.client.id).await.unwrap(), None);
    assert_eq!(store.consents(&bob.id).await.unwrap(), []);
}

pub async fn withdrawing_forgets_and_revokes_only_that_pair(store: Handle) {
    let scene = Scene::new(&store).await;
    let other = Scene::with(&store, user_in("acme", "alice"), scene.client.clone()).await;
    let elsewhere = scene.at(client("other")).await;
    let third = elsewhere.granted().await;
    let (first, second) = (scene.granted().await, other.granted().await);

    let (user, client) = (&scene.user.id, &scene.client.id);
    let mark = pair_mark(user, client, NOW.0 * 1000);
    let withdrawn = store.withdraw_consent(user, client, &mark, &record(Event::ConsentWithdrawn)).await;
    assert!(withdrawn.unwrap());
    assert_eq!(store.consent(user, client).await.unwrap(), None);
    assert_eq!(scene.stored(&first).await.revoked_at, Some(NOW));
    assert_eq!(scene.rotate(&first, 1, NOW).await, Rotation::Unknown);
    assert_eq!(store.revocation(MarkKind::Consent, &mark.key).await.unwrap(), Some(mark));
    for untouched in [second, third] {
        assert_eq!(rotate(&store, &untouched, 1, NOW).await, Rotation::Rotated);
    }
    assert_eq!(told(&store, Event::ConsentWithdrawn).await, 1);
}

pub async fn withdrawing_nothing_says_so_and_writes_nothing(store: Handle) {
    let scene = Scene::new(&store).await;
    let before = store.row_counts().await.unwrap();
    let nobody = "usr_nobody".into();
    let mark = pair_mark(&nobody, &scene.client.id, NOW.0 * 1000);
    assert!(!store.withdraw_consent(&nobody, &scene.client.id, &mark, &any()).await.unwrap());
    assert_eq!(store.row_counts().await.unwrap(), before);
}

pub async fn withdrawing_and_refreshing_at_once_leaves_nothing_alive(store: Handle) {
    let scene = Scene::new(&store).await;
    for round in 0..ROUNDS {
        assert!(consent(&store, &scene.user.id, &scene.client.id).await);
        let mut code = scene.code_at(1 + i64::try_from(round).unwrap());
        code.created_at = NOW;
        scene.redeem(&code).await;
        let end_ms = code.id.0.millis();
        race(CALLERS, |n| {
            let (store, grant) = (store.clone(), code.clone());
            async move {
                if n == 0 {
                    let mark = pair_mark(&grant.user, &grant.client, end_ms);
                    assert!(store.withdraw_consent(&grant.user, &grant.client, &mark, &any()).await.unwrap());
                } else {
                    let outcome = rotate(&store, &grant, 1, NOW).await;
                    assert_ne!(outcome, Rotation::Reused);
                }
            }
        })
        .await;
        let stored = scene.stored(&code).await;
        assert!(stored.revoked_at.is_some(), "round {round}");
        assert_eq!(scene.rotate(&code, stored.generation, NOW).await, Rotation::Unknown);
    }
}
