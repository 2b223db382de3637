//! Registered applications.

use super::Handle;
use super::fixtures::{
    CALLERS, NOW, ROUNDS, Scene, add_client, any, client, consent, id_at, race, told, until_now,
};
use valetkey_core::audit::Event;
use valetkey_core::client::compat::Compat;
use valetkey_core::client::{Client, ClientSecret};
use valetkey_core::grant::GrantType;
use valetkey_core::interaction::ResponseType;
use valetkey_core::secret::SecretHash;
use valetkey_core::store::{ChangeKind, MarkKind, Page, Redemption, Write};
use valetkey_core::time::Seconds;

pub async fn a_client_reads_back_as_it_was_written(store: Handle) {
    let secret = ClientSecret {
        id: id_at(0),
        hash: SecretHash::of("s"),
        created_at: NOW,
        expires_at: Some(NOW),
        name: "first".to_owned(),
    };
    let full = Client {
        tenant: Some("acme".into()),
        secrets: vec![secret],
        introspect: true,
        access_token_lifetime: Some(Seconds(60)),
        ..client("app")
    };
    add_client(&store, &full).await;
    assert_eq!(store.client(&full.id).await.unwrap(), Some(full));
    assert_eq!(store.client(&"other".into()).await.unwrap(), None);
    assert_eq!(told(&store, Event::ClientCreated).await, 1);
}

pub async fn the_answers_in_use_are_those_of_a_client_that_may_have_them(store: Handle) {
    use GrantType::{AuthorizationCode, Implicit};
    assert_eq!(store.front_answers_in_use().await.unwrap(), []);
    let with = |id: &str, grants: &[GrantType]| Client {
        grant_types: grants.to_vec(),
        compat: vec![Compat::Implicit],
        ..client(id)
    };
    let off = Client { disabled: true, ..with("off", &[AuthorizationCode, Implicit]) };
    let unopted = Client { compat: Vec::new(), ..with("unopted", &[AuthorizationCode, Implicit]) };
    add_client(&store, &off).await;
    add_client(&store, &unopted).await;
    assert_eq!(store.front_answers_in_use().await.unwrap(), []);
    add_client(&store, &with("front", &[Implicit])).await;
    add_client(&store, &with("code", &[AuthorizationCode])).await;
    let front = [ResponseType::Token, ResponseType::IdToken, ResponseType::IdTokenToken];
    assert_eq!(store.front_answers_in_use().await.unwrap(), front, "no client has both");
    add_client(&store, &with("hybrid", &[AuthorizationCode, Implicit])).await;
    assert_eq!(store.front_answers_in_use().await.unwrap().len(), 6);
}

pub async fn what_is_in_use_is_found_among_any_number_of_clients(store: Handle) {
    let names = |id: String, compat: Vec<Compat>| Client {
        // Its document names the grant, and it has it not.
        name: GrantType::Implicit.name().to_owned(),
        compat,
        ..client(&id)
    };
    for at in 0..205 {
        add_client(&store, &names(format!("c{at:03}"), Vec::new())).await;
    }
    let both = [GrantType::AuthorizationCode, GrantType::Implicit];
    assert_eq!(store.grants_in_use(&both[1..]).await.unwrap(), []);
    let last = Client { grant_types: both.to_vec(), ..names("last".to_owned(), vec![Compat::Implicit]) };
    add_client(&store, &last).await;
    assert_eq!(store.grants_in_use(&both[1..]).await.unwrap(), both[1..]);
    assert_eq!(store.front_answers_in_use().await.unwrap().len(), 6);
}

pub async fn a_client_id_is_taken_once(store: Handle) {
    add_client(&store, &client("app")).await;
    let second = Client { name: "Impostor".to_owned(), ..client("app") };
    assert_eq!(store.create_client(&second, &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.client(&second.id).await.unwrap(), Some(client("app")));
}

pub async fn an_update_of_an_older_version_is_refused(store: Handle) {
    add_client(&store, &client("app")).await;
    let renamed = Client { name: "New".to_owned(), disabled: true, ..client("app") };
    assert_eq!(store.update_client(&renamed, None, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.update_client(&client("app"), None, &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.update_client(&client("none"), None, &any()).await.unwrap(), Write::Unknown);
    assert_eq!(store.client(&renamed.id).await.unwrap(), Some(Client { version: 2, ..renamed }));
    let changes = store.changes_since(1).await.unwrap().unwrap();
    assert_eq!(changes.iter().map(|change| change.kind).collect::<Vec<_>>(), [ChangeKind::Client]);
}

pub async fn clients_are_listed_by_id_in_pages(store: Handle) {
    for id in ["c", "a", "d", "b"] {
        add_client(&store, &client(id)).await;
    }
    let list = async |page: Page| -> Vec<String> {
        store.clients(&page).await.unwrap().into_iter().map(|client| client.id.to_string()).collect()
    };
    assert_eq!(list(Page::first(3)).await, ["a", "b", "c"]);
    assert_eq!(list(Page { after: Some("c".to_owned()), limit: 3 }).await, ["d"]);
}

pub async fn deleting_a_client_takes_its_consents_and_grants_along(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    add_client(&store, &client("other")).await;
    assert!(consent(&store, &scene.user.id, &"other".into()).await);
    let mark = until_now(MarkKind::Client, "app");
    assert_eq!(store.delete_client(&scene.client.id, &mark, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.delete_client(&scene.client.id, &mark, &any()).await.unwrap(), Write::Unknown);
    assert_eq!(store.client(&scene.client.id).await.unwrap(), None);
    assert_eq!(store.grant(grant.id).await.unwrap(), None);
    let left = store.consents(&scene.user.id).await.unwrap();
    assert_eq!(left.iter().map(|consent| consent.client.as_str()).collect::<Vec<_>>(), ["other"]);
    assert_eq!(store.revocation(MarkKind::Client, b"app").await.unwrap(), Some(mark));
}

pub async fn a_client_made_again_under_its_old_id_revives_nothing(store: Handle) {
    let scene = Scene::new(&store).await;
    let code = scene.code_at(-1);
    let mark = until_now(MarkKind::Client, "app");
    store.delete_client(&scene.client.id, &mark, &any()).await.unwrap();
    add_client(&store, &scene.client).await;
    assert!(consent(&store, &scene.user.id, &scene.client.id).await);
    assert_eq!(scene.redeem(&code).await, Redemption::Refused);
    assert_eq!(scene.redeem(&scene.code_at(1)).await, Redemption::Redeemed);
}

pub async fn of_two_updates_of_one_version_one_wins(store: Handle) {
    add_client(&store, &client("app")).await;
    for round in 0..ROUNDS {
        let seen = store.client(&"app".into()).await.unwrap().unwrap();
        let outcomes = race(CALLERS, |n| {
            let (store, mut mine) = (store.clone(), seen.clone());
            mine.name = format!("{round}-{n}");
            async move { (store.update_client(&mine, None, &any()).await.unwrap(), mine.name) }
        })
        .await;
        let winners: Vec<_> = outcomes.iter().filter(|(outcome, _)| *outcome == Write::Done).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let now = store.client(&"app".into()).await.unwrap().unwrap();
        assert_eq!((now.version, &now.name), (seen.version + 1, &winners[0].1));
    }
}
