//! The developer portal: several owners, handing over, and the operator's review

use crate::portal::{id_of, machine, register, registered, request, secret_of, signed_in};
use crate::support::{furnish, world};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::manage::portal;
use valetkey_testkit::{Browser, Reply, TestApp};

async fn offer(browser: &mut Browser<'_>, id: &str, username: &str, kind: &str) -> Reply {
    let page = browser.get(&format!("/developer/apps/{id}/edit")).await;
    let fields = [("username", username), ("as", kind)];
    browser.submit(&format!("/developer/apps/{id}/owners"), &page, &fields).await
}

/// Answers the first offer on one's own page.
async fn answer(browser: &mut Browser<'_>, decision: &str) -> Reply {
    let page = browser.get("/developer").await;
    let offer = page.hidden("offer").unwrap_or_default();
    browser.submit("/developer/offers", &page, &[("offer", &offer), ("decision", decision)]).await
}

async fn owners(app: &TestApp, id: &str) -> Vec<String> {
    let owners = app.server.store.owners(&id.into()).await.unwrap();
    let mut names: Vec<_> = owners.into_iter().map(|owner| owner.username).collect();
    names.sort();
    names
}

#[tokio::test]
async fn who_accepts_an_offer_owns_it_too_and_may_be_removed_but_never_the_last() {
    let app = world().await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "Shared").await;
    offer(&mut alice, &id, "BOB", "share").await;
    let mut bob = signed_in(&app, "bob").await;
    let list = bob.get("/developer").await.words();
    assert!(list.contains("alice offers to share it"), "{list}");
    assert_eq!(bob.get(&format!("/developer/apps/{id}")).await.status, 404, "not before he accepts");
    let taken = answer(&mut bob, "accept").await;
    assert_eq!(taken.location(), format!("https://id.example/developer/apps/{id}?done=taken"));
    assert_eq!(owners(&app, &id).await, ["alice", "bob"]);
    let page = bob.get(&format!("/developer/apps/{id}/edit")).await;
    let remove = format!("/developer/apps/{id}/owners/remove");
    let alice_id = crate::support::user_id(&app, "alice").await;
    let done = bob.submit(&remove, &page, &[("user", alice_id.as_str())]).await;
    assert_eq!(done.status, 303);
    assert_eq!(alice.get(&format!("/developer/apps/{id}")).await.status, 404);
    let bob_id = crate::support::user_id(&app, "bob").await;
    let refused = bob.submit(&remove, &page, &[("user", bob_id.as_str())]).await;
    assert!(
        refused.status == 400 && refused.words().contains("You are its only owner"),
        "{}",
        refused.words()
    );
    assert_eq!(owners(&app, &id).await, ["bob"]);
    let events: Vec<_> = app.records().await.into_iter().map(|record| record.event).collect();
    for event in [Event::ClientOwnershipOffered, Event::ClientOwnershipTaken, Event::ClientOwnerRemoved] {
        assert!(events.contains(&event), "{event:?}");
    }
}

#[tokio::test]
async fn an_offer_to_nobody_looks_like_one_to_somebody() {
    let app = world().await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "Hers").await;
    let there = offer(&mut alice, &id, "bob", "share").await;
    let nobody = offer(&mut alice, &id, "no-such-person", "share").await;
    assert_eq!((there.status, there.location()), (nobody.status, nobody.location()));
    let words = alice.get(&format!("/developer/apps/{id}/edit")).await.words();
    let about = |name: &str| {
        words.split(name).nth(1).and_then(|rest| rest.split("Withdraw").next()).unwrap_or_default().to_owned()
    };
    assert!(about("bob").contains("offered to share"), "{words}");
    assert_eq!(about("bob"), about("no-such-person"));
    // An address names nobody here, and oneself is refused.
    offer(&mut alice, &id, "bob@example.org", "share").await;
    let offers = app.server.store.offers_of(&id.as_str().into(), app.server.now()).await.unwrap();
    let mut open: Vec<_> = offers.iter().filter(|offer| offer.user.is_some()).collect();
    assert_eq!((offers.len(), open.remove(0).username.as_str(), open.len()), (3, "bob", 0));
    for odd in ["alice", "", "  "] {
        assert_eq!(offer(&mut alice, &id, odd, "share").await.status, 400, "{odd:?}");
    }
}

#[tokio::test]
async fn handing_over_takes_it_from_everybody_else_once_it_is_accepted() {
    let app = world().await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "Sold").await;
    offer(&mut alice, &id, "bob", "transfer").await;
    assert_eq!(alice.get(&format!("/developer/apps/{id}")).await.status, 200, "hers until then");
    let mut bob = signed_in(&app, "bob").await;
    answer(&mut bob, "accept").await;
    assert_eq!(owners(&app, &id).await, ["bob"]);
    assert_eq!(alice.get(&format!("/developer/apps/{id}")).await.status, 404);
}

#[tokio::test]
async fn an_offer_ends_by_declining_withdrawing_time_or_the_loss_of_who_made_it() {
    let app = world().await;
    app.user("carol").await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "Hers").await;
    let mut bob = signed_in(&app, "bob").await;
    offer(&mut alice, &id, "bob", "share").await;
    assert_eq!(answer(&mut bob, "decline").await.location(), "https://id.example/developer?done=declined");
    assert_eq!(answer(&mut bob, "accept").await.status, 400, "there is none");

    offer(&mut alice, &id, "bob", "share").await;
    let page = bob.get("/developer").await;
    let open = page.hidden("offer").unwrap();
    // Nobody else's, and not by hand.
    let mut carol = signed_in(&app, "carol").await;
    let carols = carol.get("/developer/new").await;
    let fields = [("offer", open.as_str()), ("decision", "accept")];
    assert_eq!(carol.submit("/developer/offers", &carols, &fields).await.status, 404);
    let edit = alice.get(&format!("/developer/apps/{id}/edit")).await;
    alice.submit(&format!("/developer/apps/{id}/offers/withdraw"), &edit, &[("offer", &open)]).await;
    assert_eq!(bob.submit("/developer/offers", &page, &fields).await.status, 404);

    offer(&mut alice, &id, "bob", "share").await;
    let page = bob.get("/developer").await;
    let open = page.hidden("offer").unwrap();
    app.clock.advance(15 * 86_400);
    let mut bob = signed_in(&app, "bob").await;
    let fields = [("offer", open.as_str()), ("decision", "accept")];
    let page = bob.get("/developer/new").await;
    assert_eq!(bob.submit("/developer/offers", &page, &fields).await.status, 404);
    assert_eq!(owners(&app, &id).await, ["alice"]);
}

#[tokio::test]
async fn an_offer_beyond_what_a_person_may_own_is_not_taken() {
    let app = furnish(TestApp::builder().portal(|portal| portal.max_applications = 1)).await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "Hers").await;
    let mut bob = signed_in(&app, "bob").await;
    registered(&mut bob, "His").await;
    offer(&mut alice, &id, "bob", "share").await;
    let refused = answer(&mut bob, "accept").await;
    assert!(
        refused.status == 400 && refused.words().contains("You own 1 applications"),
        "{}",
        refused.words()
    );
}

/// Whether this person gets to the consent page; else the error that the application is told.
async fn can_sign_in(browser: &mut Browser<'_>, id: &str) -> Result<(), String> {
    let reply = browser.authorize(&request(id)).await;
    if reply.status == 200 {
        assert!(reply.body.contains("name=\"decision\""), "{}", reply.words());
        return Ok(());
    }
    Err(reply.redirected().remove("error").unwrap_or_default())
}

#[tokio::test]
async fn with_review_only_its_owners_sign_in_until_an_operator_approves() {
    let app = furnish(TestApp::builder().portal(|portal| portal.review = true)).await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "New").await;
    let mut bob = signed_in(&app, "bob").await;
    let refused = Err("unauthorized_client".to_owned());
    let words = alice.get(&format!("/developer/apps/{id}")).await.words();
    assert!(words.contains("It waits for review."), "{words}");
    assert_eq!(can_sign_in(&mut alice, &id).await, Ok(()));
    assert_eq!(can_sign_in(&mut bob, &id).await, refused);

    let client = portal::approve(&app.cx(), &Actor::Operator, &id.as_str().into()).await.unwrap();
    assert_eq!(can_sign_in(&mut bob, &client.id.to_string()).await, Ok(()));
    // Another callback is another application to who looks: it waits anew. The same again does not.
    let path = format!("/developer/apps/{id}/edit");
    let page = alice.get(&path).await;
    let same =
        [("name", "New"), ("redirect_uris", "https://printer.example/cb"), ("description", "more words")];
    alice.submit(&path, &page, &same).await;
    assert_eq!(can_sign_in(&mut bob, &id).await, Ok(()));
    let other = [("name", "New"), ("redirect_uris", "https://printer.example/cb\nhttps://evil.example/cb")];
    alice.submit(&path, &page, &other).await;
    assert_eq!(can_sign_in(&mut bob, &id).await, refused);

    portal::reject(&app.cx(), &Actor::Operator, &id.as_str().into(), "Not <yours>").await.unwrap();
    let page = alice.get(&format!("/developer/apps/{id}")).await;
    assert!(page.words().contains("They wrote: Not <yours>"), "{}", page.words());
    assert_eq!(can_sign_in(&mut alice, &id).await, refused, "nor its owners");
    alice.submit(&format!("/developer/apps/{id}/review"), &page, &[]).await;
    assert_eq!(can_sign_in(&mut alice, &id).await, Ok(()));
}

#[tokio::test]
async fn a_machine_that_waits_for_review_gets_no_token() {
    let app = furnish(TestApp::builder().portal(|portal| portal.review = true)).await;
    let mut alice = signed_in(&app, "alice").await;
    let page = register(&mut alice, &[("name", "Robot"), ("kind", "machine")]).await;
    let (id, secret) = (id_of(&page), secret_of(&page));
    assert_eq!(machine(&app, &id, &secret).await.refusal(), (400, "unauthorized_client".to_owned()));
    portal::approve(&app.cx(), &Actor::Operator, &id.as_str().into()).await.unwrap();
    let token = machine(&app, &id, &secret).await.json()["access_token"].as_str().unwrap().to_owned();
    portal::reject(&app.cx(), &Actor::Operator, &id.as_str().into(), "").await.unwrap();
    let fields = [("token", token.as_str()), ("client_id", id.as_str()), ("client_secret", secret.as_str())];
    let seen = app.post("/oauth/introspect", None, &fields).await;
    assert_eq!(seen.json()["active"], false, "what it held is dead");
}

#[tokio::test]
async fn an_application_that_moves_its_callback_by_its_own_token_is_looked_at_again() {
    let app = furnish(TestApp::builder().portal(|portal| portal.review = true)).await;
    let mut alice = signed_in(&app, "alice").await;
    let page = register(&mut alice, &[("name", "Robot"), ("kind", "machine")]).await;
    let (id, secret) = (id_of(&page), secret_of(&page));
    portal::approve(&app.cx(), &Actor::Operator, &id.as_str().into()).await.unwrap();
    let token = machine(&app, &id, &secret).await.json()["access_token"].as_str().unwrap().to_owned();
    let patch = async |body: &str| {
        let call = app.call("PATCH", "/api/developer/v1/application").bearer(&token);
        call.body("application/json", body).send().await.status.as_u16()
    };
    assert_eq!(patch("{\"description\":\"other words\"}").await, 200);
    assert_eq!(machine(&app, &id, &secret).await.status, 200, "words are no other application");
    assert_eq!(patch("{\"redirect_uris\":[\"https://evil.example/cb\"]}").await, 200);
    assert_eq!(machine(&app, &id, &secret).await.refusal(), (400, "unauthorized_client".to_owned()));
}
