//! The gate: may this user and this client get tokens now? It stands in every statement that consumes a code or a
//! refresh token.

use super::fixtures::{
    NOW, Scene, add_client, any, client, consent, later, pair_mark, session_of, start, until_now, user,
    user_in,
};
use super::{Handle, fixtures};
use valetkey_core::client::Client;
use valetkey_core::store::{Grant, Mark, MarkKind, Redemption, Rotation, Session, Write};

pub async fn a_code_is_refused_where_the_user_cannot_act(store: Handle) {
    let scene = Scene::new(&store).await;
    scene.change_user(|user| user.disabled = true).await;
    assert_eq!(scene.redeem(&scene.code()).await, Redemption::Refused, "disabled");
    scene.change_user(|user| (user.disabled, user.must_change_password) = (false, true)).await;
    assert_eq!(scene.redeem(&scene.code()).await, Redemption::Refused, "must change the password");
    scene.change_user(|user| user.must_change_password = false).await;
    assert_eq!(scene.redeem(&scene.code()).await, Redemption::Redeemed);
    let mut stranger = scene.code();
    stranger.user = "usr_nobody".into();
    assert_eq!(scene.redeem(&stranger).await, Redemption::Refused, "gone");
}

pub async fn a_code_is_refused_where_the_client_cannot_act(store: Handle) {
    let scene = Scene::new(&store).await;
    scene.change_client(|client| client.disabled = true).await;
    assert_eq!(scene.redeem(&scene.code()).await, Redemption::Refused, "disabled");
    scene.change_client(|client| client.disabled = false).await;
    assert_eq!(scene.redeem(&scene.code()).await, Redemption::Redeemed);
    let mut stranger = scene.code();
    stranger.client = "none".into();
    assert_eq!(scene.redeem(&stranger).await, Redemption::Refused, "gone");
}

pub async fn a_code_is_refused_without_a_standing_consent(store: Handle) {
    let scene = Scene::new(&store).await;
    let (user, client) = (&scene.user.id, &scene.client.id);
    let code = scene.code_at(-1);
    let mark = pair_mark(user, client, NOW.0 * 1000);
    assert!(store.withdraw_consent(user, client, &mark, &any()).await.unwrap());
    assert_eq!(scene.redeem(&code).await, Redemption::Refused);
    assert!(consent(&store, user, client).await);
    assert_eq!(scene.redeem(&code).await, Redemption::Refused, "a new consent is not for an old code");
    assert_eq!(scene.redeem(&scene.code_at(1)).await, Redemption::Redeemed);

    let stranger = fixtures::client("stranger");
    add_client(&store, &stranger).await;
    let never = Grant { client: stranger.id, ..scene.code_at(1) };
    assert_eq!(scene.redeem(&never).await, Redemption::Refused, "none was ever given");
}

pub async fn a_code_is_refused_without_a_live_session_of_its_user(store: Handle) {
    let scene = Scene::new(&store).await;
    let over = Session { expires_at: NOW, ..session_of(&scene.user) };
    let other = Scene::with(&store, user("bob"), scene.client.clone()).await;
    assert!(start(&store, &over).await);
    let code_in = |session| {
        let mut code = scene.code();
        code.session = session;
        code
    };
    assert_eq!(scene.redeem(&code_in(Some(over.id))).await, Redemption::Refused, "expired");
    assert_eq!(scene.redeem(&code_in(Some(other.session.id))).await, Redemption::Refused, "another's");
    assert_eq!(scene.redeem(&code_in(None)).await, Redemption::Redeemed, "none was asked for");
    assert!(store.end_session(scene.session.id, &any()).await.unwrap());
    assert_eq!(scene.redeem(&scene.code()).await, Redemption::Refused, "ended");
}

pub async fn a_code_is_refused_across_tenants(store: Handle) {
    let bound = Client { tenant: Some("acme".into()), ..client("acmes") };
    let wile = Scene::with(&store, user_in("acme", "wile"), bound.clone()).await;
    assert_eq!(wile.redeem(&wile.code()).await, Redemption::Redeemed);
    let mut foreign = wile.code();
    foreign.tenant = "default".into();
    assert_eq!(
        wile.redeem(&foreign).await,
        Redemption::Refused,
        "the code is of another tenant than its user"
    );

    let alice = Scene::with(&store, user("alice"), client("anybodys")).await;
    let mut crossing = alice.code();
    crossing.client = bound.id.clone();
    assert_eq!(alice.redeem(&crossing).await, Redemption::Refused, "the client serves another tenant");
    alice.change_client(|client| client.tenant = Some("acme".into())).await;
    assert_eq!(alice.redeem(&alice.code()).await, Redemption::Refused, "the client moved away");
}

pub async fn a_code_from_before_a_revocation_is_refused_and_one_from_after_is_not(store: Handle) {
    for (n, kind) in [MarkKind::User, MarkKind::Client, MarkKind::Tenant].into_iter().enumerate() {
        let tenant = format!("tenant-{n}");
        let scene = Scene::with(&store, user_in(&tenant, "alice"), client(&format!("app-{n}"))).await;
        let key = match kind {
            MarkKind::User => scene.user.id.to_string(),
            MarkKind::Client => scene.client.id.to_string(),
            _ => tenant,
        };
        let (before, after) = (scene.code_at(0), scene.code_at(1));
        store.revoke(&until_now(kind, &key), &any()).await.unwrap();
        assert_eq!(scene.redeem(&before).await, Redemption::Refused, "{kind:?}");
        assert_eq!(scene.redeem(&after).await, Redemption::Redeemed, "{kind:?}");
    }
}

pub async fn a_refresh_token_gives_nothing_while_its_user_or_client_cannot_act(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Rotated);
    let refused = async |why: &str| {
        // Neither the next step nor a retry; and a refusal is no reuse, so the grant is not revoked.
        assert_eq!(scene.rotate(&grant, 2, NOW).await, Rotation::Unknown, "{why}");
        assert_eq!(scene.rotate(&grant, 1, later(5)).await, Rotation::Unknown, "{why}, a retry");
        assert_eq!(scene.stored(&grant).await.revoked_at, None, "{why}");
    };
    scene.change_user(|user| user.disabled = true).await;
    refused("the user is disabled").await;
    scene.change_user(|user| (user.disabled, user.must_change_password) = (false, true)).await;
    refused("the user must change the password").await;
    scene.change_user(|user| user.must_change_password = false).await;
    scene.change_client(|client| client.disabled = true).await;
    refused("the client is disabled").await;
    scene.change_client(|client| client.disabled = false).await;
    assert_eq!(scene.rotate(&grant, 2, NOW).await, Rotation::Rotated);
}

pub async fn a_refresh_token_from_before_a_revocation_is_dead_for_good(store: Handle) {
    let by_user = Scene::new(&store).await;
    let by_client = by_user.at(client("other")).await;
    let (first, second) = (by_user.granted().await, by_client.granted().await);

    // A new password: update and mark in one transaction.
    let user = store.user(&by_user.user.id).await.unwrap().unwrap();
    let mark = until_now(MarkKind::User, user.id.as_str());
    assert_eq!(store.update_user(&user, Some(&mark), false, &any()).await.unwrap(), Write::Done);
    assert_eq!(by_user.rotate(&first, 1, NOW).await, Rotation::Unknown, "the user's password changed");
    assert_eq!(by_user.stored(&first).await.revoked_at, Some(NOW));
    assert_eq!(by_client.rotate(&second, 1, NOW).await, Rotation::Unknown);
    assert_eq!(store.revocation(MarkKind::User, &mark.key).await.unwrap(), Some(mark));

    let third = by_client.code_at(1);
    assert_eq!(by_client.redeem(&third).await, Redemption::Redeemed);
    let client = store.client(&by_client.client.id).await.unwrap().unwrap();
    let mark = until_now(MarkKind::Client, client.id.as_str());
    let mark = Mark { not_after_ms: later(1).0 * 1000, ..mark };
    assert_eq!(store.update_client(&client, Some(&mark), &any()).await.unwrap(), Write::Done);
    assert_eq!(by_client.rotate(&third, 1, later(2)).await, Rotation::Unknown, "the client was reset");
    let fourth = by_client.code_at(2);
    assert_eq!(by_client.redeem(&fourth).await, Redemption::Redeemed);
    assert_eq!(by_client.rotate(&fourth, 1, later(2)).await, Rotation::Rotated);
}
