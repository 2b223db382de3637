//! Where people are signed in.

use super::Handle;
use super::fixtures::{
    CALLERS, NOW, ROUNDS, Scene, add_user, any, client, cookie, later, pair_mark, race, record, refresh,
    session_of, start, told, user, user_in,
};
use valetkey_core::audit::Event;
use valetkey_core::directory::User;
use valetkey_core::ids::SessionId;
use valetkey_core::secret::SecretHash;
use valetkey_core::store::{Attempt, AttemptKey, Limits, NewSession, RefreshBy, Session, Write};
use valetkey_core::time::{Seconds, Timestamp};

async fn found(store: &Handle, session: &Session, now: Timestamp, idle_since: Timestamp) -> Option<Session> {
    store.session(&cookie(session), now, idle_since).await.unwrap()
}

/// Whether the session lives at the present, however long it was idle.
async fn lives(store: &Handle, session: &Session) -> bool {
    found(store, session, NOW, Timestamp(0)).await.is_some()
}

async fn of(store: &Handle, user: &User) -> Vec<SessionId> {
    store.sessions(&user.id, NOW).await.unwrap().into_iter().map(|session| session.id).collect()
}

pub async fn a_session_is_found_by_its_cookie_while_it_lives(store: Handle) {
    let scene = Scene::new(&store).await;
    let session = &scene.session;
    assert_eq!(found(&store, session, NOW, later(-61)).await.as_ref(), Some(session));
    assert_eq!(found(&store, session, NOW, later(-60)).await, None, "idle too long");
    assert_eq!(found(&store, session, later(86_399), later(-61)).await.as_ref(), Some(session));
    assert_eq!(found(&store, session, later(86_400), later(-61)).await, None, "over");
    assert_eq!(store.session(&SecretHash::of("guessed"), NOW, Timestamp(0)).await.unwrap(), None);
    scene.change_user(|user| user.disabled = true).await;
    assert!(!lives(&store, session).await, "its user is disabled");
}

pub async fn a_session_is_found_with_what_its_user_allowed_that_client(store: Handle) {
    let scene = Scene::new(&store).await;
    let (session, token, app) = (&scene.session, cookie(&scene.session), &scene.client.id);
    let standing = async |token: &SecretHash, client: &str, now, idle_since| {
        store.standing(token, &client.into(), now, idle_since).await.unwrap()
    };
    let found = standing(&token, app.as_str(), NOW, later(-61)).await.unwrap();
    assert_eq!(&found.session, session);
    assert_eq!(found.consent, store.consent(&scene.user.id, app).await.unwrap());
    assert!(found.consent.is_some());
    let other = standing(&token, "other", NOW, later(-61)).await.unwrap();
    assert_eq!((other.session, other.consent), (session.clone(), None), "another client was allowed nothing");
    for (case, now, idle_since) in [("idle too long", NOW, later(-60)), ("over", later(86_400), later(-61))] {
        assert_eq!(standing(&token, app.as_str(), now, idle_since).await, None, "{case}");
    }
    let guessed = SecretHash::of("guessed");
    assert_eq!(standing(&guessed, app.as_str(), NOW, Timestamp(0)).await, None);
    scene.change_user(|user| user.disabled = true).await;
    assert_eq!(standing(&token, app.as_str(), NOW, Timestamp(0)).await, None, "its user is disabled");
}

pub async fn what_memory_may_hold_otherwise_is_counted_and_what_gives_tokens_is_not(store: Handle) {
    let scene = Scene::new(&store).await;
    let mut last = store.writes();
    let mut counted = || {
        let now = store.writes();
        std::mem::replace(&mut last, now) != now
    };
    let grant = scene.granted().await;
    refresh(&store, &grant, RefreshBy::Kept(1), Limits { idle_until: later(9), expires_at: later(9) }, NOW)
        .await;
    assert!(!counted(), "a code redeemed, a token refreshed");
    scene.change_user(|user| user.name = Some("Alice".to_owned())).await;
    assert!(counted(), "a person changed");
    scene.change_client(|client| client.name.push_str(" too")).await;
    assert!(counted(), "a client changed");
    let (user, client) = (&scene.user.id, &scene.client.id);
    let mark = pair_mark(user, client, NOW.0 * 1000);
    assert!(store.withdraw_consent(user, client, &mark, &record(Event::ConsentWithdrawn)).await.unwrap());
    assert!(counted(), "a consent withdrawn");
    store.touch_session(scene.session.id, later(5)).await.unwrap();
    assert!(counted(), "a session seen");
    store.end_session(scene.session.id, &record(Event::SessionEnded)).await.unwrap();
    assert!(counted(), "a session ended");
    assert!(start(&store, &session_of(&scene.user)).await && counted(), "a session begun");
    store.end_sessions(user, None, &record(Event::SessionEnded)).await.unwrap();
    assert!(counted(), "all sessions ended");
}

pub async fn a_session_is_not_started_for_a_user_who_cannot_act(store: Handle) {
    let disabled = User { disabled: true, ..user("disabled") };
    let must_change = User { must_change_password: true, ..user("must") };
    let moved = user_in("acme", "moved");
    for user in [&disabled, &must_change, &moved] {
        add_user(&store, user).await;
    }
    let elsewhere = User { tenant: "default".into(), ..moved };
    for user in [disabled, must_change, elsewhere, user("never written")] {
        let session = session_of(&user);
        assert!(!start(&store, &session).await, "{}", user.username);
        assert!(!lives(&store, &session).await, "{}", user.username);
    }
    assert_eq!(told(&store, Event::LoginSucceeded).await, 0);
}

pub async fn a_new_session_takes_the_old_ones_place_and_clears_the_counters(store: Handle) {
    let scene = Scene::new(&store).await;
    let key = AttemptKey {
        key: [1; 32],
        free: 0,
        wait: Seconds(60),
        longest: Seconds(60),
        spares: 0,
        shared: false,
    };
    store.begin_attempt(&[key], NOW).await.unwrap();
    let fresh = session_of(&scene.user);
    let new = NewSession {
        session: &fresh,
        token: cookie(&fresh),
        replaces: Some(scene.session.id),
        clear: &[key],
    };
    assert!(store.start_session(&new, &record(Event::LoginSucceeded)).await.unwrap());
    assert_eq!(of(&store, &scene.user).await, [fresh.id]);
    assert!(!lives(&store, &scene.session).await && lives(&store, &fresh).await);
    assert_eq!(store.begin_attempt(&[key], NOW).await.unwrap(), Attempt::Allowed);
}

pub async fn touching_only_moves_forward(store: Handle) {
    let scene = Scene::new(&store).await;
    let id = scene.session.id;
    store.touch_session(id, later(5)).await.unwrap();
    store.touch_session(id, later(-30)).await.unwrap();
    let seen = found(&store, &scene.session, NOW, Timestamp(0)).await.unwrap().last_seen_at;
    assert_eq!(seen, later(5));
}

pub async fn ending_a_session_spares_the_others(store: Handle) {
    let scene = Scene::new(&store).await;
    let other = session_of(&scene.user);
    assert!(start(&store, &other).await);
    assert_eq!(of(&store, &scene.user).await, [other.id, scene.session.id], "newest first");
    assert!(store.end_session(scene.session.id, &record(Event::SessionEnded)).await.unwrap());
    assert!(!store.end_session(scene.session.id, &record(Event::SessionEnded)).await.unwrap());
    assert_eq!(of(&store, &scene.user).await, [other.id]);
    assert_eq!(told(&store, Event::SessionEnded).await, 1);
}

pub async fn ending_all_spares_the_one_kept_and_other_users(store: Handle) {
    let scene = Scene::new(&store).await;
    let wile = Scene::with(&store, user_in("acme", "alice"), client("app")).await;
    let others = [session_of(&scene.user), session_of(&scene.user)];
    for session in &others {
        assert!(start(&store, session).await);
    }
    let end =
        async |keep| store.end_sessions(&scene.user.id, keep, &record(Event::SessionEnded)).await.unwrap();
    assert_eq!(end(Some(scene.session.id)).await, 2);
    assert_eq!(of(&store, &scene.user).await, [scene.session.id]);
    assert_eq!((end(None).await, end(None).await), (1, 0));
    assert_eq!(of(&store, &scene.user).await, []);
    assert_eq!(of(&store, &wile.user).await, [wile.session.id]);
    assert_eq!(told(&store, Event::SessionEnded).await, 2, "not when there was none");
}

pub async fn disabling_the_user_while_signing_in_leaves_no_live_session(store: Handle) {
    let scene = Scene::new(&store).await;
    for round in 0..ROUNDS {
        scene.change_user(|user| user.disabled = false).await;
        let seen = store.user(&scene.user.id).await.unwrap().unwrap();
        let started = race(CALLERS, |n| {
            let (store, mut user, session) = (store.clone(), seen.clone(), session_of(&seen));
            async move {
                if n == 0 {
                    user.disabled = true;
                    assert_eq!(store.update_user(&user, None, true, &any()).await.unwrap(), Write::Done);
                } else {
                    start(&store, &session).await;
                }
            }
        })
        .await;
        assert_eq!(started.len(), CALLERS);
        // Not only hidden while the user is disabled: what came before was deleted, what came after was refused.
        assert_eq!(of(&store, &scene.user).await, [], "round {round}");
    }
}
