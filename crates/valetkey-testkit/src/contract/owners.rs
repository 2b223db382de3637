//! Whose applications they are.

use super::Handle;
use super::fixtures::{CALLERS, NOW, ROUNDS, add_client, add_user, any, client, later, race, told, user};
use valetkey_core::audit::{Event, Record};
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::ids::Id;
use valetkey_core::image::Image;
use valetkey_core::store::{MarkKind, Offer, OfferKind, Registered, Removal, Taken, Write};

use super::fixtures::until_now;

async fn two(store: &Handle) -> (User, User) {
    let (alice, bob) = (user("alice"), user("bob"));
    add_user(store, &alice).await;
    add_user(store, &bob).await;
    (alice, bob)
}

async fn register(store: &Handle, id: &str, owner: &User) -> Registered {
    store.register_application(&client(id), &owner.id, 3, &any()).await.unwrap()
}

fn id(n: usize) -> Id {
    Id([u8::try_from(n).unwrap(); 16])
}

fn offer(n: usize, app: &str, from: &User, to: Option<&User>, kind: OfferKind) -> Offer {
    Offer {
        id: id(n),
        client: app.into(),
        username: to.map_or("nobody", |to| to.username.as_str()).to_owned(),
        user: to.map(|to| to.id.clone()),
        kind,
        offered_by: from.id.clone(),
        created_at: NOW,
        expires_at: later(60),
    }
}

fn at(seconds: i64) -> Record {
    Record { at: later(seconds), ..any() }
}

async fn names(store: &Handle, id: &str) -> Vec<String> {
    let owners = store.owners(&id.into()).await.unwrap();
    let mut names: Vec<_> = owners.into_iter().map(|owner| owner.username).collect();
    names.sort();
    names
}

pub async fn an_application_comes_with_its_owner_and_within_the_most(store: Handle) {
    let (alice, bob) = two(&store).await;
    for id in ["a", "b", "c"] {
        assert_eq!(register(&store, id, &alice).await, Registered::Done);
    }
    assert_eq!(
        register(&store, "c", &alice).await,
        Registered::Exists,
        "sent twice, though there is no room"
    );
    assert_eq!(register(&store, "d", &alice).await, Registered::Full);
    assert_eq!(store.client(&"d".into()).await.unwrap(), None);
    assert_eq!(register(&store, "c", &bob).await, Registered::Exists);
    assert_eq!(register(&store, "e", &bob).await, Registered::Done);
    let mut own: Vec<_> = store.applications(&alice.id).await.unwrap();
    own.sort_by(|a: &Client, b| a.id.cmp(&b.id));
    assert_eq!(own.iter().map(|own| own.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(store.is_owner(&"a".into(), &alice.id).await.unwrap());
    assert!(!store.is_owner(&"a".into(), &bob.id).await.unwrap());
}

pub async fn of_many_registrations_at_once_no_more_than_the_most_succeed(store: Handle) {
    let (alice, _) = two(&store).await;
    let outcomes = race(CALLERS, |n| {
        let (store, alice) = (store.clone(), alice.clone());
        async move { register(&store, &format!("app-{n}"), &alice).await }
    })
    .await;
    assert_eq!(outcomes.into_iter().filter(|outcome| *outcome == Registered::Done).count(), 3.min(CALLERS));
}

pub async fn an_offer_is_taken_once_by_whom_it_is_for_while_it_is_open(store: Handle) {
    let (alice, bob) = two(&store).await;
    register(&store, "app", &alice).await;
    let stranger = offer(1, "app", &bob, Some(&bob), OfferKind::Share);
    assert!(!store.make_offer(&stranger, 5, &any()).await.unwrap(), "only an owner offers");
    let open = offer(2, "app", &alice, Some(&bob), OfferKind::Share);
    assert!(store.make_offer(&open, 5, &any()).await.unwrap());
    assert_eq!(store.offers_to(&bob.id, NOW).await.unwrap(), std::slice::from_ref(&open));
    assert_eq!(store.offers_of(&"app".into(), later(60)).await.unwrap(), [], "open for a time");
    assert_eq!(store.take_offer(open.id, &alice.id, 3, &at(0)).await.unwrap(), Taken::Gone);
    assert_eq!(store.take_offer(open.id, &bob.id, 3, &at(60)).await.unwrap(), Taken::Gone);
    assert_eq!(store.take_offer(open.id, &bob.id, 0, &at(0)).await.unwrap(), Taken::Full);
    assert_eq!(store.take_offer(open.id, &bob.id, 3, &at(0)).await.unwrap(), Taken::Done);
    assert_eq!(store.take_offer(open.id, &bob.id, 3, &at(0)).await.unwrap(), Taken::Gone);
    assert_eq!(names(&store, "app").await, ["alice", "bob"]);
}

pub async fn a_newer_offer_to_a_name_takes_the_older_ones_place_and_there_is_a_most(store: Handle) {
    let (alice, bob) = two(&store).await;
    register(&store, "app", &alice).await;
    for n in [1, 2] {
        assert!(
            store
                .make_offer(&offer(n, "app", &alice, Some(&bob), OfferKind::Share), 1, &any())
                .await
                .unwrap()
        );
    }
    assert!(!store.make_offer(&offer(3, "app", &alice, None, OfferKind::Share), 1, &any()).await.unwrap());
    let open = store.offers_of(&"app".into(), NOW).await.unwrap();
    assert_eq!(open.iter().map(|own| own.id).collect::<Vec<_>>(), [id(2)]);
    assert!(!store.drop_offer(id(2), &"other".into(), None, &any()).await.unwrap());
    assert!(
        !store.drop_offer(id(2), &"app".into(), Some(&alice.id), &any()).await.unwrap(),
        "not hers to decline"
    );
    assert!(store.drop_offer(id(2), &"app".into(), Some(&bob.id), &any()).await.unwrap());
}

pub async fn what_was_handed_over_is_one_persons(store: Handle) {
    let (alice, bob) = two(&store).await;
    register(&store, "app", &alice).await;
    store.make_offer(&offer(1, "app", &alice, None, OfferKind::Share), 5, &any()).await.unwrap();
    store.make_offer(&offer(2, "app", &alice, Some(&bob), OfferKind::Transfer), 5, &any()).await.unwrap();
    assert_eq!(store.take_offer(id(2), &bob.id, 3, &at(0)).await.unwrap(), Taken::Done);
    assert_eq!(names(&store, "app").await, ["bob"]);
    assert_eq!(store.offers_of(&"app".into(), NOW).await.unwrap(), [], "what the others offered is void");
}

pub async fn an_application_is_never_left_without_an_owner(store: Handle) {
    let (alice, bob) = two(&store).await;
    for round in 0..ROUNDS {
        let app = format!("app-{round}");
        store.register_application(&client(&app), &alice.id, 1000, &any()).await.unwrap();
        let open = offer(round + 1, &app, &alice, Some(&bob), OfferKind::Share);
        store.make_offer(&open, 5, &any()).await.unwrap();
        assert_eq!(store.take_offer(open.id, &bob.id, 1000, &at(0)).await.unwrap(), Taken::Done);
        let outcomes = race(2, |n| {
            let (store, who, app) = (
                store.clone(),
                [&alice, &bob][n].id.clone(),
                valetkey_core::ids::ClientId::from(app.as_str()),
            );
            async move { store.remove_owner(&app, &who, &any()).await.unwrap() }
        })
        .await;
        assert!(outcomes.contains(&Removal::Done) && outcomes.contains(&Removal::Last), "{outcomes:?}");
    }
    assert_eq!(store.remove_owner(&"none".into(), &alice.id, &any()).await.unwrap(), Removal::Unknown);
}

pub async fn who_removed_an_owner_removed_their_offers(store: Handle) {
    let (alice, bob) = two(&store).await;
    register(&store, "app", &alice).await;
    store.make_offer(&offer(1, "app", &alice, Some(&bob), OfferKind::Share), 5, &any()).await.unwrap();
    store.take_offer(id(1), &bob.id, 3, &at(0)).await.unwrap();
    let carol = user("carol");
    add_user(&store, &carol).await;
    store.make_offer(&offer(2, "app", &bob, Some(&carol), OfferKind::Share), 5, &any()).await.unwrap();
    assert_eq!(store.remove_owner(&"app".into(), &bob.id, &any()).await.unwrap(), Removal::Done);
    assert_eq!(store.take_offer(id(2), &carol.id, 3, &at(0)).await.unwrap(), Taken::Gone);
}

pub async fn deleting_a_client_or_a_user_takes_ownership_along(store: Handle) {
    let (alice, bob) = two(&store).await;
    register(&store, "app", &alice).await;
    register(&store, "other", &alice).await;
    store.make_offer(&offer(1, "app", &alice, Some(&bob), OfferKind::Share), 5, &any()).await.unwrap();
    let mark = until_now(MarkKind::Client, "app");
    assert_eq!(store.delete_client(&"app".into(), &mark, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.offers_to(&bob.id, NOW).await.unwrap(), []);
    let mark = until_now(MarkKind::User, alice.id.as_str());
    assert_eq!(store.delete_user(&alice.id, &mark, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.owners(&"other".into()).await.unwrap(), []);
    assert!(store.client(&"other".into()).await.unwrap().is_some(), "the application stays");
}

fn png(width: u8) -> Image {
    let head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0".as_slice();
    Image::read(&[head, &[width], b"\0\0\0\x08\x08\x06\0\0\0"].concat()).unwrap()
}

pub async fn a_picture_goes_with_the_update_and_is_found_by_name(store: Handle) {
    let (first, second) = (png(8), png(9));
    add_client(&store, &client("app")).await;
    assert_eq!(store.set_logo(&client("app"), Some(&first), &any()).await.unwrap(), Write::Done);
    assert_eq!(store.set_logo(&client("app"), Some(&second), &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.logo(first.name()).await.unwrap().as_deref(), Some(first.bytes()));
    assert_eq!(store.logo(second.name()).await.unwrap(), None, "a refused update brings no picture");
    let newer = Client { version: 2, ..client("app") };
    assert_eq!(store.set_logo(&newer, Some(&second), &any()).await.unwrap(), Write::Done);
    assert_eq!(store.logo(first.name()).await.unwrap(), None);
    let newest = Client { version: 3, ..client("app") };
    assert_eq!(store.set_logo(&newest, None, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.logo(second.name()).await.unwrap(), None);
    assert!(told(&store, Event::ClientCreated).await == 1);
}
