//! Who is told that somebody signed out, and what ends with a session.

use super::Handle;
use super::fixtures::{
    CALLERS, NOW, Scene, any, client, cookie, later, pair_mark, race, record, session_of, start, told, trail,
    until_now, user, user_in,
};
use valetkey_core::audit::Event;
use valetkey_core::client::Client;
use valetkey_core::directory::{Tenant, User};
use valetkey_core::ids::SessionId;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Grant, Logout, MarkKind, NewSession, Redemption, Write};
use valetkey_core::time::Timestamp;

/// An application that is told by back channel.
fn listener(id: &str) -> Client {
    let mut client = client(id);
    client.profile.logout.backchannel_logout_uri = Some(format!("https://{id}.example/out"));
    client
}

async fn listening(store: &Handle) -> Scene {
    Scene::with(store, user("alice"), listener("app")).await
}

/// A grant that came with an ID token.
async fn signed_in(scene: &Scene, scope: &str) -> Grant {
    let code = Grant { scope: Scope::parse(scope).unwrap(), ..scene.code() };
    assert_eq!(scene.redeem(&code).await, Redemption::Redeemed);
    code
}

async fn claim(store: &Handle, now: Timestamp) -> Vec<Logout> {
    store.claim_logouts(now, later(60), 100).await.unwrap()
}

/// Whom the queue holds: application, person, session.
async fn queued(store: &Handle) -> Vec<(String, String, Option<SessionId>)> {
    let claimed = store.claim_logouts(later(1_000_000), later(0), 100).await.unwrap();
    let mut found: Vec<_> =
        claimed.into_iter().map(|one| (one.client.to_string(), one.user.to_string(), one.session)).collect();
    found.sort();
    found
}

async fn end(store: &Handle, scene: &Scene) {
    assert!(store.end_session(scene.session.id, &record(Event::SessionEnded)).await.unwrap());
}

pub async fn who_got_an_id_token_in_the_session_and_wants_to_know_is_told(store: Handle) {
    let scene = listening(&store).await;
    let (silent, plain) = (scene.at(client("silent")).await, scene.at(listener("plain")).await);
    let off = scene.at(Client { disabled: false, ..listener("off") }).await;
    for at in [&scene, &scene, &silent, &off] {
        signed_in(at, "openid read").await;
    }
    signed_in(&plain, "read openidx").await;
    off.change_client(|client| client.disabled = true).await;
    let other = Scene::with(&store, user("bob"), listener("app")).await;
    signed_in(&other, "openid").await;
    assert_eq!(store.next_logout().await.unwrap(), None);
    let clients = store.clients_in_session(&scene.user.id, scene.session.id).await.unwrap();
    assert_eq!(
        clients.iter().map(valetkey_core::ids::ClientId::as_str).collect::<Vec<_>>(),
        ["app", "off", "silent"]
    );
    end(&store, &scene).await;
    assert_eq!(store.next_logout().await.unwrap(), Some(NOW));
    let user = scene.user.id.to_string();
    assert_eq!(queued(&store).await, [("app".to_owned(), user, Some(scene.session.id))]);
}

pub async fn what_was_not_offered_offline_ends_with_its_session(store: Handle) {
    let scene = listening(&store).await;
    let silent = scene.at(client("silent")).await;
    let ends = signed_in(&scene, "openid read").await;
    let offline = signed_in(&scene, "openid offline_access").await;
    let no_identity = signed_in(&scene, "read").await;
    let not_told = signed_in(&silent, "openid").await;
    let elsewhere = session_of(&scene.user);
    assert!(start(&store, &elsewhere).await);
    let other = Grant { session: Some(elsewhere.id), ..scene.code() };
    let other = Grant { scope: Scope::parse("openid").unwrap(), ..other };
    assert_eq!(scene.redeem(&other).await, Redemption::Redeemed);
    end(&store, &scene).await;
    for (grant, dead) in
        [(&ends, true), (&offline, false), (&no_identity, false), (&not_told, false), (&other, false)]
    {
        assert_eq!(scene.stored(grant).await.revoked_at.is_some(), dead, "{}", grant.scope);
        let marked = store.revocation(MarkKind::Grant, grant.id.0.as_bytes()).await.unwrap();
        assert_eq!(marked.is_some(), dead, "{}", grant.scope);
    }
}

pub async fn every_way_a_session_ends_tells(store: Handle) {
    for way in ["all", "all but one", "password", "disabled", "deleted", "tenant", "another person"] {
        let person = user_in(&format!("t-{}", way.replace(' ', "-")), "alice");
        let tenant = Tenant { id: person.tenant.clone(), version: 1, ..Tenant::unnamed() };
        assert_eq!(store.create_tenant(&tenant, &any()).await.unwrap(), Write::Done);
        let scene = Scene::with(&store, person, listener("app")).await;
        signed_in(&scene, "openid").await;
        let (user, seen) = (&scene.user, store.user(&scene.user.id).await.unwrap().unwrap());
        let mark = until_now(MarkKind::User, user.id.as_str());
        match way {
            "all" => drop(store.end_sessions(&user.id, None, &any()).await.unwrap()),
            "all but one" => {
                let kept = session_of(user);
                assert!(start(&store, &kept).await);
                store.end_sessions(&user.id, Some(kept.id), &any()).await.unwrap();
            }
            "password" => drop(store.update_user(&seen, None, true, &any()).await.unwrap()),
            "disabled" => {
                let off = User { disabled: true, ..seen };
                store.update_user(&off, Some(&mark), true, &any()).await.unwrap();
            }
            "deleted" => drop(store.delete_user(&user.id, &mark, &any()).await.unwrap()),
            "tenant" => {
                let mark = until_now(MarkKind::Tenant, user.tenant.as_str());
                let off = Tenant { disabled: true, ..tenant };
                assert_eq!(store.update_tenant(&off, Some(&mark), &any()).await.unwrap(), Write::Done);
            }
            _ => {
                let bob = User { tenant: user.tenant.clone(), ..user_in(user.tenant.as_str(), "bob") };
                super::fixtures::add_user(&store, &bob).await;
                let fresh = session_of(&bob);
                let (token, replaces) = (cookie(&fresh), Some(scene.session.id));
                let new = NewSession { session: &fresh, token, replaces, clear: &[] };
                assert!(store.start_session(&new, &any()).await.unwrap());
            }
        }
        // Shut out, a person is signed out wherever the application has them.
        let whole = matches!(way, "disabled" | "deleted");
        let want = ("app".to_owned(), user.id.to_string(), (!whole).then_some(scene.session.id));
        let found = claim(&store, NOW).await;
        assert_eq!(found.len(), 1, "{way}: {found:?}");
        let [one] = found.as_slice() else { panic!("{way}") };
        assert_eq!((one.client.to_string(), one.user.to_string(), one.session), want, "{way}");
        store.finish_logout(one).await.unwrap();
    }
}

pub async fn who_must_hear_of_each_session_does(store: Handle) {
    let mut client = listener("app");
    client.profile.logout.backchannel_logout_session_required = true;
    let scene = Scene::with(&store, user("alice"), client).await;
    signed_in(&scene, "openid").await;
    let over = Grant { session: None, scope: Scope::parse("openid").unwrap(), ..scene.code() };
    assert_eq!(scene.redeem(&over).await, Redemption::Redeemed);
    let mark = until_now(MarkKind::User, scene.user.id.as_str());
    store.delete_user(&scene.user.id, &mark, &any()).await.unwrap();
    let user = scene.user.id.to_string();
    assert_eq!(queued(&store).await, [("app".to_owned(), user, Some(scene.session.id))]);
}

pub async fn an_application_whose_key_is_taken_back_is_told_and_no_other(store: Handle) {
    let scene = listening(&store).await;
    let other = scene.at(listener("other")).await;
    signed_in(&scene, "openid").await;
    signed_in(&other, "openid").await;
    let (user, client) = (&scene.user.id, &scene.client.id);
    let mark = pair_mark(user, client, NOW.0 * 1000);
    assert!(store.withdraw_consent(user, client, &mark, &any()).await.unwrap());
    assert_eq!(queued(&store).await, [("app".to_owned(), user.to_string(), None)]);
}

pub async fn who_signs_in_again_stays_in_the_same_session(store: Handle) {
    let scene = listening(&store).await;
    signed_in(&scene, "openid").await;
    let again = valetkey_core::store::Session { auth_time: later(5), ..scene.session.clone() };
    let token = valetkey_core::secret::SecretHash::of("another cookie");
    let new = NewSession { session: &again, token, replaces: Some(scene.session.id), clear: &[] };
    assert!(store.start_session(&new, &record(Event::LoginSucceeded)).await.unwrap());
    let found = store.session(&token, NOW, Timestamp(0)).await.unwrap().unwrap();
    assert_eq!((found.id, found.auth_time), (scene.session.id, later(5)));
    let before = cookie(&scene.session);
    assert_eq!(store.session(&before, NOW, Timestamp(0)).await.unwrap(), None, "the cookie from before");
    assert_eq!(queued(&store).await, []);
    // Nobody takes another's session by naming its id.
    let bob = user("bob");
    super::fixtures::add_user(&store, &bob).await;
    let stolen = valetkey_core::store::Session { id: scene.session.id, ..session_of(&bob) };
    let token = valetkey_core::secret::SecretHash::of("a thief's");
    let new = NewSession { session: &stolen, token, replaces: Some(scene.session.id), clear: &[] };
    assert!(!store.start_session(&new, &record(Event::LoginSucceeded)).await.unwrap());
}

pub async fn what_is_claimed_is_nobody_elses_until_its_time(store: Handle) {
    let scene = listening(&store).await;
    for name in ["b", "c", "d", "e"] {
        signed_in(&scene.at(listener(name)).await, "openid").await;
    }
    signed_in(&scene, "openid").await;
    end(&store, &scene).await;
    assert_eq!(store.claim_logouts(later(-1), later(60), 100).await.unwrap(), [], "not due");
    let taken = race(CALLERS, |_| {
        let store = store.clone();
        async move { store.claim_logouts(NOW, later(60), 2).await.unwrap() }
    })
    .await;
    let mut taken: Vec<_> = taken.into_iter().flatten().map(|one| one.client.to_string()).collect();
    taken.extend(claim(&store, NOW).await.into_iter().map(|one| one.client.to_string()));
    taken.sort();
    assert_eq!(taken, ["app", "b", "c", "d", "e"], "each by one");
    assert_eq!(claim(&store, later(59)).await, []);
    let again = claim(&store, later(60)).await;
    assert!(again.len() == 5 && again.iter().all(|one| one.tries == 2), "{again:?}");
}

pub async fn what_came_anew_meanwhile_is_not_lost_with_the_old(store: Handle) {
    let scene = listening(&store).await;
    signed_in(&scene, "openid").await;
    end(&store, &scene).await;
    let first = claim(&store, NOW).await.remove(0);
    assert_eq!((first.tries, first.claimed_until), (1, later(60)));
    let second = session_of(&scene.user);
    assert!(start(&store, &second).await);
    let mark = pair_mark(&scene.user.id, &scene.client.id, 0);
    let withdraw = async || store.withdraw_consent(&scene.user.id, &scene.client.id, &mark, &any()).await;
    assert!(withdraw().await.unwrap());
    let whole = claim(&store, NOW).await.remove(0);
    assert_eq!(whole.session, None);
    assert!(super::fixtures::consent(&store, &scene.user.id, &scene.client.id).await);
    assert!(withdraw().await.unwrap());
    // The row was claimed before it came anew: settling the old claim leaves it.
    store.finish_logout(&whole).await.unwrap();
    store.postpone_logout(&whole, later(500), false).await.unwrap();
    let anew = claim(&store, NOW).await;
    assert_eq!((anew.len(), anew[0].tries), (1, 1));
    store.finish_logout(&anew[0]).await.unwrap();
    store.finish_logout(&first).await.unwrap();
    assert_eq!(store.next_logout().await.unwrap(), None);
}

pub async fn what_cannot_be_told_waits_and_is_given_up_on_the_trail(store: Handle) {
    let scene = listening(&store).await;
    let other = scene.at(listener("other")).await;
    signed_in(&scene, "openid").await;
    signed_in(&other, "openid").await;
    let second = Scene::with(&store, user("bob"), listener("app")).await;
    signed_in(&second, "openid").await;
    end(&store, &scene).await;
    let claimed = claim(&store, NOW).await;
    end(&store, &second).await;
    let app = claimed.iter().find(|one| one.client.as_str() == "app").unwrap();
    store.postpone_logout(app, later(300), true).await.unwrap();
    assert_eq!(claim(&store, later(59)).await, [], "the application's other rows wait too");
    let due = claim(&store, later(60)).await;
    assert!(due.len() == 1 && due[0].client.as_str() == "other", "{due:?}");
    store.give_up_logout(&due[0], &record(Event::LogoutNotDelivered)).await.unwrap();
    store.give_up_logout(&due[0], &record(Event::LogoutNotDelivered)).await.unwrap();
    assert_eq!(told(&store, Event::LogoutNotDelivered).await, 1, "{:?}", trail(&store).await);
    assert_eq!(queued(&store).await.len(), 2);
}

pub async fn a_session_knows_its_applications_as_long_as_it_lives(store: Handle) {
    const DAY: i64 = 86_400;
    let scene = listening(&store).await;
    let long = valetkey_core::store::Session { expires_at: later(20 * DAY), ..session_of(&scene.user) };
    assert!(start(&store, &long).await);
    let made = |second: i64| Grant {
        session: Some(long.id),
        scope: Scope::parse("openid").unwrap(),
        generation: 0,
        idle_until: later(600),
        expires_at: later(600),
        ..scene.code_at(second)
    };
    for second in [0, 1, 2] {
        assert_eq!(scene.redeem(&made(second)).await, Redemption::Redeemed);
    }
    for _ in 0..10 {
        store.sweep(later(5 * DAY), 100).await.unwrap();
    }
    let grants = store.row_counts().await.unwrap().into_iter().find(|(table, _)| table == "grants");
    assert_eq!(grants.unwrap().1, 1, "the last one alone");
    assert!(store.end_session(long.id, &any()).await.unwrap());
    assert_eq!(queued(&store).await.len(), 1);
    for _ in 0..10 {
        store.sweep(later(8 * DAY), 100).await.unwrap();
    }
    let grants = store.row_counts().await.unwrap().into_iter().find(|(table, _)| table == "grants");
    assert_eq!(grants.unwrap().1, 0);
}
