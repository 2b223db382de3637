//! RFC 7523 §2.1 — a grant by another issuer's word stands on the person's answer, or brings the consent that it implies

use super::Handle;
use super::fixtures::{CALLERS, NOW, ROUNDS, Scene, consent, gated, pair_mark, race, record, told, user};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::scope::Scope;
use valetkey_core::store::{Beginning, Consent, Grant};

async fn by_word(store: &Handle, grant: &Grant, implied: bool) -> Beginning {
    let noted = record(Event::ConsentGiven);
    let own = record(Event::LoginSucceeded);
    store.begin_by_word(&gated(grant), implied.then_some(&noted), &own).await.unwrap()
}

fn of(scene: &Scene, user: &valetkey_core::directory::User, scope: &str) -> Grant {
    let scope = Scope::parse(scope).unwrap();
    Grant { user: user.id.clone(), session: None, scope, ..scene.code() }
}

async fn newcomer(store: &Handle, name: &str) -> valetkey_core::directory::User {
    let user = user(name);
    super::fixtures::add_user(store, &user).await;
    user
}

pub async fn without_consent_or_beyond_it_nothing_begins(store: Handle) {
    let scene = Scene::new(&store).await;
    let dora = newcomer(&store, "dora").await;
    assert_eq!(by_word(&store, &of(&scene, &dora, "read"), false).await, Beginning::Refused, "no consent");
    // The scene's own person allowed `read`, as every fixture's consent does.
    let allowed = store.consent(&scene.user.id, &scene.client.id).await.unwrap().unwrap().scope;
    let more = allowed.union(&Scope::parse("much-more").unwrap()).to_string();
    for (scope, want) in [(allowed.to_string(), Beginning::Begun), (more, Beginning::Refused)] {
        let grant = of(&scene, &scene.user, &scope);
        assert_eq!(by_word(&store, &grant, false).await, want, "{scope}");
        assert_eq!(store.grant(grant.id).await.unwrap().is_some(), want == Beginning::Begun);
    }
}

pub async fn implied_consent_comes_with_its_grant_and_is_no_answer(store: Handle) {
    let scene = Scene::new(&store).await;
    let dora = newcomer(&store, "dora").await;
    let first = of(&scene, &dora, "read");
    let before = told(&store, Event::ConsentGiven).await;
    assert_eq!(by_word(&store, &first, true).await, Beginning::Begun);
    assert_eq!(by_word(&store, &first, true).await, Beginning::Known);
    let stands = async || store.consent(&dora.id, &scene.client.id).await.unwrap();
    let implied = stands().await.unwrap();
    assert!(implied.implied && implied.scope.to_string() == "read");
    assert_eq!(by_word(&store, &of(&scene, &dora, "read"), false).await, Beginning::Refused, "no answer");
    assert_eq!(by_word(&store, &of(&scene, &dora, "write"), true).await, Beginning::Begun);
    assert_eq!(stands().await.unwrap().scope.to_string(), "read write", "what it implies grows");
    assert_eq!(told(&store, Event::ConsentGiven).await, before + 2);
    // The answer takes its place, from then on, and no word makes it wider.
    let answer = Consent {
        scope: Scope::parse("read").unwrap(),
        granted_at: super::fixtures::later(50),
        updated_at: super::fixtures::later(50),
        ..implied
    };
    assert!(store.record_consent(&answer, &record(Event::ConsentGiven)).await.unwrap());
    assert_eq!(stands().await, Some(Consent { implied: false, ..answer.clone() }));
    assert_eq!(by_word(&store, &of(&scene, &dora, "write"), true).await, Beginning::Refused, "beyond it");
    assert_eq!(by_word(&store, &of(&scene, &dora, "read"), true).await, Beginning::Begun);
    assert_eq!(stands().await, Some(Consent { implied: false, ..answer }));
}

pub async fn where_no_grant_begins_nothing_is_implied(store: Handle) {
    let scene = Scene::new(&store).await;
    let dora = newcomer(&store, "dora").await;
    scene.change_client(|client| client.disabled = true).await;
    let before = told(&store, Event::ConsentGiven).await;
    assert_eq!(by_word(&store, &of(&scene, &dora, "read"), true).await, Beginning::Refused);
    assert_eq!(store.consent(&dora.id, &scene.client.id).await.unwrap(), None);
    scene.change_client(|client| client.disabled = false).await;
    assert_eq!(by_word(&store, &of(&scene, &dora, "read"), true).await, Beginning::Begun);
    // A grant that cannot begin leaves what was implied as it was.
    let never = Grant { tenant: "elsewhere".into(), ..of(&scene, &dora, "write") };
    assert_eq!(by_word(&store, &never, true).await, Beginning::Refused);
    let stands = store.consent(&dora.id, &scene.client.id).await.unwrap().unwrap();
    assert_eq!(stands.scope.to_string(), "read");
    let other = newcomer(&store, "emma").await;
    let never = Grant { tenant: "elsewhere".into(), ..of(&scene, &other, "read") };
    assert_eq!(by_word(&store, &never, true).await, Beginning::Refused);
    assert_eq!(store.consent(&other.id, &scene.client.id).await.unwrap(), None);
    assert_eq!(told(&store, Event::ConsentGiven).await, before + 1);
}

pub async fn what_a_person_took_back_no_word_gives_again_until_they_do(store: Handle) {
    let scene = Scene::new(&store).await;
    for (name, by, lasting) in [("dora", None, true), ("emma", Some(Actor::Operator), false)] {
        let person = newcomer(&store, name).await;
        let (user, client) = (&person.id, &scene.client.id);
        assert_eq!(by_word(&store, &of(&scene, &person, "read"), true).await, Beginning::Begun);
        let mut withdrawn = record(Event::ConsentWithdrawn);
        withdrawn.actor = by.unwrap_or_else(|| Actor::User(user.clone()));
        // Of a moment before every grant of the scene: the mark itself stops none of them.
        let mark = pair_mark(user, client, 0);
        assert!(store.withdraw_consent(user, client, &mark, &withdrawn).await.unwrap());
        let again = by_word(&store, &of(&scene, &person, "read"), true).await;
        assert_eq!(again, if lasting { Beginning::Refused } else { Beginning::Begun }, "{name}");
        assert_eq!(store.consent(user, client).await.unwrap().is_some(), !lasting);
        assert!(consent(&store, user, client).await);
        assert_eq!(by_word(&store, &of(&scene, &person, "read"), true).await, Beginning::Begun, "{name}");
    }
}

pub async fn an_answer_that_is_not_kept_forgets_no_withdrawal(store: Handle) {
    let scene = Scene::new(&store).await;
    let (user, client) = (&scene.user.id, &scene.client.id);
    let mut withdrawn = record(Event::ConsentWithdrawn);
    withdrawn.actor = Actor::User(user.clone());
    assert!(store.withdraw_consent(user, client, &pair_mark(user, client, 0), &withdrawn).await.unwrap());
    scene.change_client(|client| client.disabled = true).await;
    assert!(!consent(&store, user, client).await);
    scene.change_client(|client| client.disabled = false).await;
    assert_eq!(by_word(&store, &of(&scene, &scene.user, "read"), true).await, Beginning::Refused);
}

pub async fn withdrawing_and_implying_at_once_leaves_nothing_alive(store: Handle) {
    let scene = Scene::new(&store).await;
    for round in 0..ROUNDS {
        let person = newcomer(&store, &format!("person{round}")).await;
        assert_eq!(by_word(&store, &of(&scene, &person, "read"), true).await, Beginning::Begun);
        let grants: Vec<Grant> = (0..CALLERS).map(|_| of(&scene, &person, "read")).collect();
        let begun = race(CALLERS, |n| {
            let (store, grant, client) = (store.clone(), grants[n].clone(), scene.client.id.clone());
            async move {
                if n > 0 {
                    return by_word(&store, &grant, true).await == Beginning::Begun;
                }
                let mut withdrawn = record(Event::ConsentWithdrawn);
                withdrawn.actor = Actor::User(grant.user.clone());
                let mark = pair_mark(&grant.user, &client, 0);
                assert!(store.withdraw_consent(&grant.user, &client, &mark, &withdrawn).await.unwrap());
                false
            }
        })
        .await;
        assert_eq!(store.consent(&person.id, &scene.client.id).await.unwrap(), None, "round {round}");
        for (grant, begun) in grants.iter().zip(begun) {
            let stored = store.grant(grant.id).await.unwrap();
            assert_eq!(stored.is_some(), begun, "round {round}");
            assert!(stored.is_none_or(|grant| grant.revoked_at == Some(NOW)), "round {round}");
        }
    }
}
