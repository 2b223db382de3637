//! OIDC Prompt Create — people make accounts for themselves, where the operator lets them

use crate::support::{assert_error_page, assert_page, claims, furnish, outcome, text, user_id, with, world};
use std::net::IpAddr;
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::directory::User;
use valetkey_core::ids::TenantId;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, redemption};

const SIGN_UP: &str = "/sign-up";
const CREATE: &str = "Create an account";
const NEW: &str = "nine wooden boats on a lake";

async fn open() -> TestApp {
    furnish(
        TestApp::builder()
            .accounts(|own| own.sign_up = vec![TenantId::default(), "house".into(), "shut".into()]),
    )
    .await
}

fn asking<'a>(scope: &'a str, prompt: &'a str) -> Vec<(&'a str, &'a str)> {
    with(&Browser::request("app", scope), "prompt", Some(prompt))
}

/// Fills in the sign-up page that is shown.
async fn sign_up(browser: &mut Browser<'_>, page: &Reply, fields: &[(&str, &str)]) -> Reply {
    let reply = browser.submit(SIGN_UP, page, fields).await;
    browser.follow(reply).await
}

fn carol() -> Vec<(&'static str, &'static str)> {
    vec![("username", "carol"), ("name", "Carol C"), ("email", "carol@example.org"), ("password", NEW)]
}

async fn found(app: &TestApp, username: &str) -> Option<User> {
    app.server.store.user_by_login(&TenantId::default(), username).await.unwrap()
}

#[tokio::test]
async fn prompt_create_section_4_1_where_nobody_signs_up_it_is_refused_and_not_promised() {
    let app = world().await;
    for path in [SIGN_UP, "/sign-up?i=x"] {
        assert_error_page(&app.get(path).await, 404, "There is no page here", path);
        let reply = app.post(path, None, &carol()).await;
        assert_error_page(&reply, 404, "There is no page here", path);
    }
    let mut browser = app.browser();
    let reply = browser.authorize(&asking("openid", "create")).await;
    let told = reply.redirected();
    assert_eq!((told["error"].as_str(), told["state"].as_str()), ("invalid_request", "the-state"));
    assert!(told["error_description"].contains("prompt=create"), "{told:?}");
    let pushed = app.post("/oauth/par", Some(("app", CLIENT_SECRET)), &asking("openid", "create")).await;
    assert_eq!(pushed.refusal(), (400, "invalid_request".to_owned()));
    let login = browser.authorize(&Browser::request("app", "openid")).await;
    assert!(!login.body.contains("sign-up") && !login.words().contains(CREATE), "{}", login.words());
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert!(!metadata["prompt_values_supported"].as_array().unwrap().contains(&"create".into()));
    assert!(found(&app, "carol").await.is_none());
}

#[tokio::test]
async fn prompt_create_section_4_a_new_person_makes_an_account_and_goes_on_to_the_application() {
    let app = open().await;
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert!(metadata["prompt_values_supported"].as_array().unwrap().contains(&"create".into()));
    for pushed in [false, true] {
        let mut browser = app.browser();
        let mut request = asking("openid profile email read", "create");
        if pushed {
            let reply = app.post("/oauth/par", Some(("app", CLIENT_SECRET)), &request).await;
            let uri = text(&reply.json(), "request_uri").to_owned();
            let uri: &'static str = Box::leak(uri.into_boxed_str());
            request = vec![("client_id", "app"), ("request_uri", uri)];
        }
        let name = if pushed { "dave" } else { "carol" };
        let page = browser.authorize(&request).await;
        assert_page(&page, 200, CREATE, "the first page");
        assert!(page.words().contains("to continue to Photo Printer"), "{}", page.words());
        let email = format!("{name}@example.org");
        let fields = with(&with(&carol(), "username", Some(name)), "email", Some(&email));
        let consent = sign_up(&mut browser, &page, &fields).await;
        assert!(consent.words().contains("Photo Printer wants a key to your account"), "{}", consent.words());
        assert!(consent.words().contains(name), "{}", consent.words());
        let done = browser.decide(&consent, "allow", &["profile", "email", "read"]).await;
        let answer = done.redirected();
        assert_eq!(answer["state"], "the-state");
        let tokens = app.token("app", &redemption(&answer["code"])).await.json();
        let said = claims(text(&tokens, "id_token"));
        assert_eq!(said["auth_time"], app.cx().now.0, "signed in just now");
        let user = found(&app, name).await.unwrap();
        assert_eq!(said["sub"], user.id.as_str());
        assert!(!user.admin && !user.email_verified && !user.must_change_password && !user.disabled);
        let told = app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await.json();
        assert_eq!(told["email"], email);
        assert_eq!((&told["email_verified"], &told["name"]), (&false.into(), &"Carol C".into()));
        let records = app.records().await;
        let own = |own: &&Record| own.user.as_ref() == Some(&user.id) && own.event == Event::UserCreated;
        let made = records.iter().find(own).unwrap();
        assert_eq!(made.actor, Actor::Anonymous);
        assert_eq!(made.object.as_deref(), Some("sign_up"));
        // And the password is theirs.
        let mut other = app.browser();
        let page = other.get("/login").await;
        assert_page(&other.log_in(&page, name, NEW).await, 200, "Your account", "the password");
    }
}

#[tokio::test]
async fn the_sign_in_page_leads_to_the_sign_up_page_and_back_within_the_request() {
    let app = open().await;
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request("app", "openid read")).await;
    let i = login.hidden("i").unwrap();
    assert!(login.words().contains("New here? Create an account"), "{}", login.words());
    let page = browser.get(&format!("{SIGN_UP}?i={i}")).await;
    assert_page(&page, 200, CREATE, "sign-up");
    assert!(page.words().contains("You have an account? Sign in"), "{}", page.words());
    // Whoever has one after all signs in to it, and the request is answered.
    let again = browser.get(&format!("/login?i={i}")).await;
    let consent = browser.log_in(&again, "alice", PASSWORD).await;
    let done = browser.decide(&consent, "allow", &["read"]).await;
    assert!(done.redirected().contains_key("code"));

    let mut plain = app.browser();
    let login = plain.get("/login?next=%2Faccount%2Flog").await;
    assert!(login.body.contains("sign-up?next="), "{}", login.body);
    let page = plain.get("/sign-up?next=%2Faccount%2Flog").await;
    let reply = plain.submit("/sign-up?next=%2Faccount%2Flog", &page, &carol()).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, "https://id.example/account/log"));
    let page = plain.get("/account").await;
    assert!(page.words().contains("carol@example.org not confirmed"), "{}", page.words());
}

/// The button by which whoever is signed in goes on with that account.
fn own_account(page: &Reply) -> &str {
    page.body.split("name=\"account\" value=\"").nth(1).unwrap().split('"').next().unwrap()
}

#[tokio::test]
async fn prompt_create_with_somebody_signed_in_is_one_page_on_which_they_may_stay_who_they_are() {
    let app = open().await;
    let mut browser = app.browser();
    browser.code("app", "read", "alice").await;
    let page = browser.authorize(&asking("read", "create")).await;
    assert_page(&page, 200, CREATE, "signed in");
    assert!(page.words().contains("Go on as alice"), "{}", page.words());
    let i = page.hidden("i").unwrap();
    // Round the page by the address of the next one leads back to it.
    let round = browser.get(&format!("/consent?i={i}")).await;
    assert_eq!(outcome(&browser.follow(round).await), CREATE);
    let forged = browser.submit("/login", &page, &[("account", "0000000000000000000000000")]).await;
    assert_eq!(outcome(&browser.follow(forged).await), CREATE, "nobody's session");
    let reply = browser.submit("/login", &page, &[("account", own_account(&page))]).await;
    assert!(browser.follow(reply).await.redirected().contains_key("code"), "alice goes on, asked once");
    // Who has yet another account signs in to that one.
    let link = format!("/login?i={i}&switch=1");
    assert!(page.body.replace("&amp;", "&").replace("&#x2f;", "/").contains(&link), "{}", page.body);
    let login = browser.get(&link).await;
    assert_eq!(outcome(&login), "Sign in");
    let wrong = browser.log_in(&login, "bob", "wrong wrong wrong").await;
    assert!(wrong.words().contains("do not match") && wrong.field("username").as_deref() == Some("bob"));
    let consent = browser.log_in(&login, "bob", PASSWORD).await;
    assert!(consent.words().contains("bob") && consent.body.contains("name=\"decision\""));

    let page = browser.authorize(&asking("read", "create")).await;
    let consent = sign_up(&mut browser, &page, &carol()).await;
    assert!(consent.words().contains("carol"), "{}", consent.words());
    let account = browser.get("/account").await;
    assert!(account.words().contains("carol") && !account.words().contains("alice"), "{}", account.words());
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_who_goes_on_with_an_account_at_create_has_chosen_it_and_is_asked_only_what_is_left()
 {
    for (prompt, left) in [
        ("create", "code"),
        ("create select_account", "code"),
        ("create login", "Confirm it is you"),
        ("create login select_account", "Confirm it is you"),
    ] {
        let app = open().await;
        let mut browser = app.browser();
        browser.code("app", "read", "alice").await;
        let page = browser.authorize(&asking("read", prompt)).await;
        let reply = browser.submit("/login", &page, &[("account", own_account(&page))]).await;
        let next = browser.follow(reply).await;
        assert_eq!(outcome(&next), left, "{prompt}");
        if left != "code" {
            assert_eq!(next.field("username").as_deref(), Some("alice"));
            assert!(next.words().contains("Sign in as somebody else"), "{}", next.words());
            let i = next.hidden("i").unwrap();
            // Who is somebody else, and slips, is not pressed into the account of before.
            let other = browser.get(&format!("/login?i={i}&switch=1")).await;
            let slip = browser.log_in(&other, "bob", "wrong wrong wrong").await;
            assert_eq!((slip.status.as_u16(), slip.field("username").as_deref()), (401, Some("bob")));
            assert!(!slip.body.contains("readonly"), "{}", slip.body);
            assert_eq!(outcome(&browser.log_in(&next, "alice", PASSWORD).await), "code", "{prompt}");
        }
    }
}

#[tokio::test]
async fn somebody_of_another_directory_is_not_offered_to_go_on_where_they_have_no_account() {
    let app = open().await;
    crate::support::apply_tenant(&app, "house", false).await;
    let mut browser = app.browser();
    browser.code("app", "read", "alice").await;
    let page = browser.authorize(&with(&asking("read", "create"), "tenant_id", Some("house"))).await;
    assert_page(&page, 200, CREATE, "the other directory");
    assert!(!page.words().contains("alice"), "{}", page.words());
}

#[tokio::test]
async fn the_trail_tells_a_sign_up_in_the_order_in_which_it_came() {
    let app = open().await;
    for n in 0..12 {
        let mut browser = app.browser();
        let page = browser.get(SIGN_UP).await;
        let fields = with(&carol(), "username", Some(&*format!("carol{n}").leak()));
        assert_eq!(browser.submit(SIGN_UP, &page, &fields).await.status, 303);
        let id = user_id(&app, &format!("carol{n}")).await;
        let mut own: Vec<Record> =
            app.records().await.into_iter().filter(|own| own.user.as_ref() == Some(&id)).collect();
        own.sort_by_key(|record| record.id);
        let told: Vec<Event> = own.iter().map(|record| record.event).collect();
        assert_eq!(told, [Event::UserCreated, Event::LoginSucceeded], "{n}");
    }
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_create_beside_other_prompts() {
    for (prompt, signed_in, want) in [
        ("none create", false, "invalid_request"),
        ("create none", true, "invalid_request"),
        ("create login", false, CREATE),
        ("create login", true, CREATE),
        ("login create consent", true, CREATE),
        ("create select_account", true, CREATE),
        ("Create", false, "invalid_request"),
    ] {
        let app = open().await;
        let mut browser = app.browser();
        if signed_in {
            browser.code("app", "read", "alice").await;
        }
        let page = browser.authorize(&asking("read", prompt)).await;
        assert_eq!(outcome(&page), want, "{prompt}");
        if want == CREATE {
            // The account made is signed in to just now: nothing is asked again but consent.
            let consent = sign_up(&mut browser, &page, &carol()).await;
            assert!(consent.body.contains("name=\"decision\""), "{prompt}: {}", consent.words());
        }
    }
}

#[tokio::test]
async fn what_cannot_be_an_account_is_said_beside_its_field_and_nothing_typed_is_lost() {
    let app = open().await;
    let mut browser = app.browser();
    let page = browser.authorize(&asking("read", "create")).await;
    let before = app.rows().await;
    for (name, value, words) in [
        ("username", "", "Enter a username"),
        ("username", "alice", "This username is taken"),
        ("username", "ALICE", "This username is taken"),
        ("username", "carol c", "Choose a username of letters"),
        ("username", "alice@example.org", "Choose a username of letters"),
        ("username", "admin", "this one is kept for those who run this server"),
        ("username", "Root", "this one is kept for those who run this server"),
        ("username", "usr_0123", "this one is kept for those who run this server"),
        ("username", "аlice", "Choose a username of letters"),
        ("email", "nonsense", "Enter an e-mail address like"),
        ("email", "a b@example.org", "Enter an e-mail address like"),
        ("name", &*"n".repeat(201), "Shorten the name"),
        ("password", "", "Enter a password"),
        ("password", "short", "15 characters at least"),
        ("password", "passwordpassword", "harder to guess"),
        ("password", "carolcarolcarolcarol", "not made of your name"),
        ("password", &*"long ".repeat(60), "Choose a shorter password"),
    ] {
        let fields = with(&carol(), name, Some(value));
        let reply = browser.submit(SIGN_UP, &page, &fields).await;
        assert_page(&reply, 400, words, &format!("{name}={value}"));
        for (field, typed) in fields.iter().filter(|(field, _)| *field != "password") {
            assert_eq!(reply.field(field).as_deref(), Some(*typed), "{name}={value}");
        }
        assert_eq!(reply.field("password").as_deref(), Some(""), "{name}={value}");
        assert!(!reply.body.contains(NEW));
    }
    let nothing = browser.submit(SIGN_UP, &page, &[]).await;
    assert_page(&nothing, 400, "2 things need a change", "an empty form");
    assert_eq!(app.rows().await, before);
    // What is nobody's business to choose is not read.
    let extra = [("admin", "true"), ("email_verified", "true"), ("tenant", "x"), ("id", "usr_1")];
    sign_up(&mut browser, &page, &[&carol()[..], &extra].concat()).await;
    let carol = found(&app, "carol").await.unwrap();
    assert!(!carol.admin && !carol.email_verified && carol.id.as_str() != "usr_1");
}

#[tokio::test]
async fn a_form_that_is_not_this_browsers_own_makes_no_account() {
    let app = open().await;
    let mut browser = app.browser();
    let page = browser.authorize(&asking("read", "create")).await;
    let (i, csrf) = (page.hidden("i").unwrap(), page.hidden("csrf").unwrap());
    let before = app.rows().await;
    let own = [("i", &*i), ("csrf", &*csrf)];
    let all = [&own[..], &carol()[..]].concat();
    assert_error_page(
        &browser.post_from("cross-site", SIGN_UP, &all).await,
        403,
        "cannot tell",
        "cross-site",
    );
    let twice = [&all[..], &[("username", "mallory")]].concat();
    assert_error_page(&browser.post(SIGN_UP, &twice).await, 403, "cannot tell", "twice");
    let foreign = app.browser().get(SIGN_UP).await.hidden("csrf").unwrap();
    for proof in ["", "x", &foreign, &i] {
        let fields = with(&all, "csrf", Some(proof));
        let reply = browser.post(SIGN_UP, &fields).await;
        assert_page(&reply, 400, "This page was open for too long", proof);
        assert_eq!(reply.field("username").as_deref(), Some("carol"));
    }
    let mut other = app.browser();
    assert_error_page(&other.post(SIGN_UP, &all).await, 400, "without our cookie", "another browser");
    let reply = other.post(SIGN_UP, &all[1..]).await;
    assert_page(&reply, 400, "This page was open for too long", "another browser, without a request");
    app.clock.advance(13 * 3600);
    assert_error_page(&browser.post(SIGN_UP, &all).await, 400, "", "an old page");
    assert_eq!(app.rows().await, before);
}

/// OWASP ASVS 6.3.8: the page does not tell whose an address is already, by words, status or page.
#[tokio::test]
async fn whether_an_address_has_an_account_is_not_told_and_it_stands_for_nobody_before_it_is_proven() {
    let app = open().await;
    let mut told = Vec::new();
    for (username, email) in [("carol", "nobody@example.org"), ("carla", "Alice@example.org")] {
        let mut browser = app.browser();
        let page = browser.get(SIGN_UP).await;
        let fields = with(&with(&carol(), "username", Some(username)), "email", Some(email));
        let reply = sign_up(&mut browser, &page, &fields).await;
        told.push(reply.words().replace(username, "*").replace(email, "*"));
        let user = found(&app, username).await.unwrap();
        assert_eq!((user.email.as_deref(), user.email_verified), (Some(email), false));
        // Nor does signing in by it tell.
        let mut again = app.browser();
        let page = again.get("/login").await;
        let reply = again.log_in(&page, email, NEW).await;
        assert_page(&reply, 401, "Wrong username or password", email);
    }
    assert_eq!(told[0], told[1]);
    // Proven, it is hers alone.
    let mut alice = app.server.store.user(&user_id(&app, "alice").await).await.unwrap().unwrap();
    alice.email_verified = true;
    let record = app.cx().record(Event::UserUpdated, Actor::Operator);
    app.server.store.update_user(&alice, None, false, &record).await.unwrap();
    assert_eq!(found(&app, "alice@example.org").await.unwrap().username, "alice");
}

#[tokio::test]
async fn who_makes_many_accounts_from_one_place_has_to_wait_and_others_have_not() {
    let app = open().await;
    let mut browser = app.browser().at("2001:db8::1");
    let page = browser.get(SIGN_UP).await;
    for n in 0..60 {
        let taken = with(&carol(), "username", Some("alice"));
        let reply = browser.submit(SIGN_UP, &page, &taken).await;
        assert_eq!(reply.status, 400, "{n}");
    }
    // Another address of the same subscriber is no other place.
    let mut near = app.browser().at("2001:db8::2");
    for browser in [&mut browser, &mut near] {
        let page = browser.get(SIGN_UP).await;
        let reply = browser.submit(SIGN_UP, &page, &carol()).await;
        assert_page(&reply, 429, "Too many accounts were made from your address", "60");
        assert_eq!(reply.header("retry-after"), "3600");
    }
    assert!(found(&app, "carol").await.is_none());
    let far: IpAddr = "2001:db8:0:1::1".parse().unwrap();
    let mut far = app.browser().at(&far.to_string());
    let page = far.get(SIGN_UP).await;
    assert_eq!(far.submit(SIGN_UP, &page, &carol()).await.status, 303);
    app.clock.advance(3601);
    let page = browser.get(SIGN_UP).await;
    let again = with(&carol(), "username", Some("dave"));
    assert_eq!(browser.submit(SIGN_UP, &page, &again).await.status, 303);
}

#[tokio::test]
async fn an_account_is_made_in_the_directory_that_the_request_means() {
    let app = open().await;
    crate::support::apply_tenant(&app, "house", false).await;
    crate::support::apply_tenant(&app, "shut", true).await;
    let mut browser = app.browser();
    let request = with(&asking("read", "create"), "tenant_id", Some("house"));
    let page = browser.authorize(&request).await;
    assert!(page.words().contains("at House"), "{}", page.words());
    // Whatever the form says beside it.
    let fields = [&carol()[..], &[("tenant_id", "default")]].concat();
    let consent = sign_up(&mut browser, &page, &fields).await;
    assert!(consent.body.contains("name=\"decision\""), "{}", consent.words());
    assert!(found(&app, "carol").await.is_none());
    let house = TenantId::from("house");
    assert!(app.server.store.user_by_login(&house, "carol").await.unwrap().is_some());
    assert_error_page(&app.get("/sign-up?tenant_id=shut").await, 400, "", "a directory that is off");
    assert_error_page(&app.get("/sign-up?tenant_id=nowhere").await, 400, "", "none");
    let mut plain = app.browser();
    let page = plain.get("/sign-up?tenant_id=house").await;
    let fields = [&with(&carol(), "username", Some("dora"))[..], &[("tenant_id", "house")]].concat();
    assert_eq!(plain.submit(SIGN_UP, &page, &fields).await.status, 303);
    assert!(app.server.store.user_by_login(&house, "dora").await.unwrap().is_some());
}
