//! RFC 6749 §4.1.2 — a code is used once; and how grants are read

use super::Handle;
use super::fixtures::{
    CALLERS, NOW, ROUNDS, Scene, any, client, consent, gated, grant_mark, later, listed, race, redeem, told,
    user, user_in,
};
use valetkey_core::audit::Event;
use valetkey_core::store::{
    Beginning, Grant, GrantFilter, Mark, MarkKind, Page, Redemption, Rotation, Write,
};

pub async fn a_redeemed_grant_reads_back_as_it_was_written(store: Handle) {
    let scene = Scene::new(&store).await;
    let full = scene.code();
    let bare = Grant { session: None, nonce: None, resources: Vec::new(), generation: 0, ..scene.code() };
    for code in [full, bare] {
        assert_eq!(store.grant(code.id).await.unwrap(), None);
        assert_eq!(scene.redeem(&code).await, Redemption::Redeemed);
        assert_eq!(store.grant(code.id).await.unwrap(), Some(code));
    }
    assert_eq!(told(&store, Event::CodeReplayed).await, 0);
}

pub async fn a_replayed_code_revokes_what_it_gave(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    assert_eq!(scene.redeem(&grant).await, Redemption::Replayed);
    assert_eq!(scene.stored(&grant).await.revoked_at, Some(NOW));
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Unknown);
    let key = grant.id.0.as_bytes();
    assert!(store.revocation(MarkKind::Grant, key).await.unwrap().is_some(), "its access tokens");
    assert_eq!(scene.redeem(&grant).await, Redemption::Replayed, "however often");
    assert_eq!(told(&store, Event::CodeReplayed).await, 1, "told once");

    // Also where the gate would refuse by now.
    let second = scene.granted().await;
    scene.change_user(|user| user.disabled = true).await;
    assert_eq!(scene.redeem(&second).await, Redemption::Replayed);
    assert_eq!(scene.stored(&second).await.revoked_at, Some(NOW));
}

pub async fn a_row_that_a_hybrid_began_is_taken_over_by_its_code_once(store: Handle) {
    let scene = Scene::new(&store).await;
    let code = scene.code();
    let begun = Grant {
        generation: Grant::UNREDEEMED,
        idle_until: later(60),
        expires_at: later(60),
        access_until: later(900),
        ..code.clone()
    };
    assert_eq!(store.begin_grant(&gated(&begun), None).await.unwrap(), Beginning::Begun);
    assert_eq!(scene.stored(&code).await, begun);
    assert_eq!(scene.rotate(&code, Grant::UNREDEEMED, NOW).await, Rotation::Unknown, "nothing to refresh");
    // A gate that does not hold is no replay.
    scene.change_user(|user| user.disabled = true).await;
    assert_eq!(scene.redeem(&code).await, Redemption::Refused);
    scene.change_user(|user| user.disabled = false).await;
    assert_eq!(scene.stored(&code).await, begun);
    assert_eq!(scene.redeem(&code).await, Redemption::Redeemed);
    assert_eq!(scene.stored(&code).await, Grant { access_until: later(900), ..code.clone() });
    assert_eq!(told(&store, Event::CodeReplayed).await, 0);
    assert_eq!(scene.redeem(&code).await, Redemption::Replayed);
    assert_eq!(scene.stored(&code).await.revoked_at, Some(NOW));
    // What was revoked before its code came is not taken over, nor is another client's.
    let late = scene.code();
    let begun = Grant { generation: Grant::UNREDEEMED, ..late.clone() };
    assert_eq!(store.begin_grant(&gated(&begun), None).await.unwrap(), Beginning::Begun);
    let thief = scene.at(client("thief")).await;
    let stolen = Grant { client: thief.client.id.clone(), ..late.clone() };
    assert_eq!(thief.redeem(&stolen).await, Redemption::Refused);
    let outcomes = race(CALLERS, |_| {
        let (store, code) = (store.clone(), late.clone());
        async move { redeem(&store, &code).await }
    })
    .await;
    let won = outcomes.iter().filter(|outcome| **outcome == Redemption::Redeemed).count();
    assert_eq!(won, 1);
}

pub async fn a_code_in_another_clients_hands_revokes_nothing(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    let thief = scene.at(client("thief")).await;
    let stolen = Grant { client: thief.client.id.clone(), ..grant.clone() };
    assert_eq!(thief.redeem(&stolen).await, Redemption::Refused);
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Rotated);
}

pub async fn of_many_redemptions_one_wins_and_the_grant_dies(store: Handle) {
    let scene = Scene::new(&store).await;
    for round in 0..ROUNDS {
        let code = scene.code();
        let outcomes = race(CALLERS, |_| {
            let (store, code) = (store.clone(), code.clone());
            async move { redeem(&store, &code).await }
        })
        .await;
        let count = |want| outcomes.iter().filter(|outcome| **outcome == want).count();
        assert_eq!(
            (count(Redemption::Redeemed), count(Redemption::Replayed)),
            (1, CALLERS - 1),
            "round {round}"
        );
        assert_eq!(scene.stored(&code).await.revoked_at, Some(NOW));
        assert_eq!(told(&store, Event::CodeReplayed).await, round + 1);
    }
}

pub async fn disabling_the_user_while_redeeming_leaves_nothing_alive(store: Handle) {
    let scene = Scene::new(&store).await;
    for round in 0..ROUNDS {
        scene.change_user(|user| user.disabled = false).await;
        let (seen, code) = (store.user(&scene.user.id).await.unwrap().unwrap(), scene.code());
        let outcomes = race(CALLERS, |n| {
            let (store, mut user, mut code) = (store.clone(), seen.clone(), code.clone());
            code.id = scene.code().id;
            async move {
                if n == 0 {
                    user.disabled = true;
                    assert_eq!(store.update_user(&user, None, false, &any()).await.unwrap(), Write::Done);
                    return None;
                }
                let redeemed = redeem(&store, &code).await == Redemption::Redeemed;
                redeemed.then_some(code)
            }
        })
        .await;
        for grant in outcomes.into_iter().flatten() {
            assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Unknown, "round {round}");
        }
        assert_eq!(scene.redeem(&scene.code()).await, Redemption::Refused, "round {round}");
    }
}

pub async fn grants_are_listed_newest_first_by_whose_they_are(store: Handle) {
    let alice = Scene::new(&store).await;
    let other = alice.at(client("other")).await;
    let wile = Scene::with(&store, user_in("acme", "alice"), alice.client.clone()).await;
    let (one, two, three) = (alice.granted().await.id, other.granted().await.id, wile.granted().await.id);
    let of = |user: Option<&Scene>, client: Option<&Scene>| GrantFilter {
        user: user.map(|scene| scene.user.id.clone()),
        client: client.map(|scene| scene.client.id.clone()),
        ended: false,
    };
    assert_eq!(listed(&store, of(None, None)).await, [three, two, one]);
    assert_eq!(listed(&store, of(Some(&alice), None)).await, [two, one]);
    assert_eq!(listed(&store, of(None, Some(&alice))).await, [three, one]);
    assert_eq!(listed(&store, of(Some(&wile), Some(&wile))).await, [three]);
    let page = Page { after: Some(three.to_string()), limit: 1 };
    let next = store.grants(&of(None, None), &page, NOW).await.unwrap();
    assert_eq!(next.into_iter().map(|grant| grant.id).collect::<Vec<_>>(), [two]);
}

pub async fn ended_grants_are_listed_only_when_asked_for(store: Handle) {
    let scene = Scene::new(&store).await;
    let bob = Scene::with(&store, user("bob"), client("bobs")).await;
    let over = Grant { access_until: NOW, expires_at: NOW, ..scene.code() };
    let idle = Grant { access_until: NOW, idle_until: NOW, ..scene.code() };
    let no_refresh = Grant { access_until: NOW, generation: 0, ..scene.code() };
    let last_token = Grant { access_until: later(1), idle_until: NOW, ..scene.code() };
    let (revoked, reset) = (scene.code(), bob.code());
    for code in [&over, &idle, &no_refresh, &last_token, &revoked] {
        assert_eq!(scene.redeem(code).await, Redemption::Redeemed);
    }
    assert_eq!(bob.redeem(&reset).await, Redemption::Redeemed);
    assert!(store.revoke_grant(revoked.id, None, &grant_mark(&revoked), &any()).await.unwrap());
    let key = bob.user.id.as_str().as_bytes().to_vec();
    let mark = Mark { kind: MarkKind::User, key, not_after_ms: NOW.0 * 1000, expires_at: later(9) };
    store.revoke(&mark, &any()).await.unwrap();
    assert!(consent(&store, &bob.user.id, &bob.client.id).await);

    assert_eq!(listed(&store, GrantFilter::default()).await, [last_token.id]);
    let ended = GrantFilter { ended: true, ..GrantFilter::default() };
    assert_eq!(listed(&store, ended).await.len(), 6);
}
