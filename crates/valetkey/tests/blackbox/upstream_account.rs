//! ASVS 7.5.1, 6.8 — ways to sign in, on the account page: link, unlink, and never the last one

use crate::support::user_id;
use crate::upstream::{at_provider, server, trust};
use valetkey_core::audit::Event;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

async fn world() -> (TestApp, TestApp) {
    let (here, there) = (server().await, server().await);
    trust(&here, &there, "corp").await;
    here.user("alice").await;
    there.user("grace").await;
    (here, there)
}

const METHODS: &str = "/account/methods";

async fn link(browser: &mut Browser<'_>, password: Option<&str>) -> Reply {
    let page = browser.get(METHODS).await;
    let mut fields = vec![("upstream", "corp")];
    fields.extend(password.map(|password| ("password", password)));
    browser.submit("/account/methods/link", &page, &fields).await
}

#[tokio::test]
async fn a_person_links_a_provider_signs_in_with_it_and_lets_it_go() {
    let (here, there) = world().await;
    let mut browser = here.browser();
    let account = browser.sign_in("alice").await;
    assert!(account.body.contains("href=\"/account/methods\""), "the account page leads there");
    for (password, status) in [(None, 400), (Some("wrong"), 401)] {
        let page = link(&mut browser, password).await;
        assert_eq!(page.status, status, "{}", page.words());
        assert!(page.words().contains("Nothing was changed"), "{}", page.words());
    }
    let way = link(&mut browser, Some(PASSWORD)).await;
    let answer = at_provider(&there, &mut there.browser(), &way, "grace").await;
    let back = browser.get(&answer).await;
    assert_eq!(back.location(), here.server.settings.url("/account/methods?done=linked"));
    let page = browser.follow(back).await;
    assert!(page.words().contains("The corp") && page.words().contains("as grace"), "{}", page.words());

    // Another browser: with the account there into the account here.
    let mut other = here.browser();
    let login = other.get("/login").await;
    let way = crate::upstream::press(&mut other, &login, "corp").await;
    let answer = at_provider(&there, &mut there.browser(), &way, "grace").await;
    let back = other.get(&answer).await;
    assert!(other.follow(back).await.words().contains("alice"));
    assert_eq!(here.rows().await["users"], 1);

    let page = browser.get(METHODS).await;
    let own = here.server.store.linked_identities(&user_id(&here, "alice").await).await.unwrap().remove(0);
    let unlink = [("issuer", own.issuer.as_str()), ("subject", own.subject.as_str())];
    // ASVS 7.5.1: who takes a way in away proves once more who they are.
    for (password, status) in [(None, 400), (Some("wrong"), 401)] {
        let fields: Vec<_> = unlink.into_iter().chain(password.map(|own| ("password", own))).collect();
        let refused = browser.submit("/account/methods/unlink", &page, &fields).await;
        assert_eq!(refused.status, status, "{}", refused.words());
        assert!(refused.words().contains("Nothing was changed"), "{}", refused.words());
        assert_eq!(here.rows().await["identities"], 1);
    }
    let fields: Vec<_> = unlink.into_iter().chain([("password", PASSWORD)]).collect();
    let done = browser.submit("/account/methods/unlink", &page, &fields).await;
    let page = browser.follow(done).await;
    assert!(page.words().contains("That way is closed"), "{}", page.words());
    let alice = user_id(&here, "alice").await;
    assert!(here.server.store.linked_identities(&alice).await.unwrap().is_empty());
    let events: Vec<_> = here.records().await.into_iter().map(|record| record.event).collect();
    assert!(events.contains(&Event::IdentityLinked) && events.contains(&Event::IdentityUnlinked));
}

#[tokio::test]
async fn an_identity_of_somebody_else_is_not_taken_over() {
    let (here, there) = world().await;
    here.user("bob").await;
    for (username, done) in [("alice", "linked"), ("bob", "taken")] {
        let mut browser = here.browser();
        browser.sign_in(username).await;
        let way = link(&mut browser, Some(PASSWORD)).await;
        let answer = at_provider(&there, &mut there.browser(), &way, "grace").await;
        assert!(browser.get(&answer).await.location().ends_with(&format!("?done={done}")), "{username}");
    }
    let bob = user_id(&here, "bob").await;
    assert!(here.server.store.linked_identities(&bob).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_link_that_was_begun_goes_to_the_session_that_began_it_and_no_other() {
    let (here, there) = world().await;
    here.user("bob").await;
    let mut browser = here.browser();
    browser.sign_in("alice").await;
    let way = link(&mut browser, Some(PASSWORD)).await;
    let answer = at_provider(&there, &mut there.browser(), &way, "grace").await;
    // Meanwhile somebody else signs in in the same browser.
    browser.cookies.retain(|name, _| !name.contains("session"));
    browser.sign_in("bob").await;
    let reply = browser.get(&answer).await;
    assert_eq!(reply.status, 400, "{}", reply.words());
    for name in ["alice", "bob"] {
        let user = user_id(&here, name).await;
        assert!(here.server.store.linked_identities(&user).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_only_way_in_cannot_be_let_go() {
    let (here, there) = world().await;
    let mut browser = here.browser();
    let login = browser.get("/login").await;
    let way = crate::upstream::press(&mut browser, &login, "corp").await;
    let answer = at_provider(&there, &mut there.browser(), &way, "grace").await;
    let back = browser.get(&answer).await;
    browser.follow(back).await;
    let page = browser.get(METHODS).await;
    assert!(page.words().contains("the only way in") && !page.body.contains("/account/methods/unlink"));
    let grace = user_id(&here, "grace").await;
    let own = here.server.store.linked_identities(&grace).await.unwrap().remove(0);
    let fields = [("issuer", own.issuer.as_str()), ("subject", own.subject.as_str())];
    let reply = browser.submit("/account/methods/unlink", &page, &fields).await;
    assert!(reply.location().ends_with("?done=last"), "{}", reply.location());
    assert_eq!(here.server.store.linked_identities(&grace).await.unwrap().len(), 1);
    // Without a password there is none to ask for: the sign-in must be a fresh one.
    here.clock.advance(601);
    assert!(link(&mut browser, None).await.location().ends_with("?done=again"));
}

#[tokio::test]
async fn forms_of_another_site_or_session_link_and_unlink_nothing() {
    let (here, _there) = world().await;
    let mut browser = here.browser();
    browser.sign_in("alice").await;
    let page = browser.get(METHODS).await;
    let csrf = page.hidden("csrf").unwrap();
    for path in ["/account/methods/link", "/account/methods/unlink"] {
        for fields in [vec![("upstream", "corp")], vec![("upstream", "corp"), ("csrf", "x")]] {
            assert_eq!(browser.post(path, &fields).await.status, 403, "{path}");
        }
        let fields = [("upstream", "corp"), ("csrf", csrf.as_str()), ("password", PASSWORD)];
        assert_eq!(browser.post_from("cross-site", path, &fields).await.status, 403, "{path}");
        assert_eq!(here.browser().post(path, &fields).await.status, 303, "{path}: to the sign-in page");
    }
}
