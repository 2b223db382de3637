//! ASVS 6.3.8, 6.8.1 — a name or an address that anybody could have given himself stands for nobody else's account

use crate::support::{assert_page, assert_refused, furnish, outcome, user_id};
use crate::trusted::{Other, trust};
use serde_json::{Map, Value, json};
use valetkey_core::audit::Actor;
use valetkey_core::client::compat::Compat;
use valetkey_core::federation::Trust;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::TenantId;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::user::{Edit, edit};
use valetkey_core::manage::{ManageError, issuer, user};
use valetkey_core::seal::Kind;
use valetkey_core::secret::Secret;
use valetkey_core::time::Seconds;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

const VICTIM: &str = "victim@corp.example";
const WRONG: &str = "not the password of anybody";
const NEW: &str = "nine wooden boats on a lake";
const DEVICE: &str = "__Host-vk_device";

async fn world(sign_up: bool) -> TestApp {
    let app = furnish(
        TestApp::builder()
            .accounts(|own| own.sign_up = sign_up.then(TenantId::default).into_iter().collect()),
    )
    .await;
    app.user("mallory").await;
    app
}

async fn has(app: &TestApp, username: &str, email: &str, proven: bool) {
    let new = Edit { email: Some(email.to_owned()), email_verified: Some(proven), ..Edit::default() };
    edit(&app.cx(), &Actor::Operator, &user_id(app, username).await, &new).await.unwrap();
}

async fn attempt(browser: &mut Browser<'_>, name: &str, password: &str) -> Reply {
    let page = browser.get("/login").await;
    browser.submit("/login", &page, &[("username", name), ("password", password)]).await
}

async fn by_grant(app: &TestApp, name: &str) -> Reply {
    let fields = [("grant_type", "password"), ("username", name), ("password", PASSWORD), ("scope", "read")];
    app.token("legacy", &fields).await
}

#[tokio::test]
async fn while_people_sign_up_nobody_signs_in_by_an_address_that_they_have_not_proven() {
    for (sign_up, own_is_proven, enters) in
        [(true, false, false), (true, true, true), (false, false, true), (false, true, true)]
    {
        let case = format!("sign_up {sign_up}, proven {own_is_proven}");
        let app = world(sign_up).await;
        app.client(NewClient {
            id: Some("legacy".to_owned()),
            compat: vec![Compat::Password],
            grant_types: vec![GrantType::Password],
            ..NewClient::default()
        })
        .await;
        has(&app, "mallory", VICTIM, own_is_proven).await;
        let reply = attempt(&mut app.browser(), VICTIM, PASSWORD).await;
        let granted = by_grant(&app, VICTIM).await;
        if enters {
            assert_eq!((reply.status.as_u16(), granted.status.as_u16()), (303, 200), "{case}");
        } else {
            assert_page(&reply, 401, "Wrong username or password", &case);
            assert_refused(&granted, 400, "invalid_grant", &case);
        }
        // Always by the username; and what others do never takes that away.
        has(&app, "bob", VICTIM, false).await;
        assert_eq!(attempt(&mut app.browser(), "Mallory", PASSWORD).await.status, 303, "{case}");
        let kept = attempt(&mut app.browser(), VICTIM, PASSWORD).await;
        assert_eq!(kept.status == 303, own_is_proven, "{case}: {}", outcome(&kept));
    }
}

#[tokio::test]
async fn an_own_unproven_address_tells_nothing_of_whoever_else_has_it() {
    let app = world(true).await;
    has(&app, "mallory", VICTIM, false).await;
    let mut told = Vec::new();
    for victim in [None, Some(false), Some(true)] {
        if let Some(proven) = victim {
            has(&app, "alice", VICTIM, proven).await;
        }
        // Mallory's own password, which is not alice's.
        let id = user_id(&app, "mallory").await;
        user::set_password(&app.cx(), &Actor::Operator, &id, &Secret::new(NEW)).await.unwrap();
        let reply = attempt(&mut app.browser(), VICTIM, NEW).await;
        told.push((reply.status.as_u16(), reply.words()));
    }
    assert_eq!(told[0].0, 401);
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
}

/// NIST SP 800-63B §3.2.2: what others may guess at an account is bounded, whatever name it goes by.
#[tokio::test]
async fn a_browser_is_known_for_the_account_it_was_in_and_not_for_whoever_has_the_name_later() {
    let app = world(false).await;
    has(&app, "mallory", VICTIM, false).await;
    let mut cookies = Vec::new();
    for _ in 0..2 {
        let mut browser = app.browser();
        assert_eq!(attempt(&mut browser, VICTIM, PASSWORD).await.status, 303);
        cookies.push(browser.cookies[DEVICE].clone());
    }
    has(&app, "mallory", "", false).await;
    has(&app, "alice", VICTIM, true).await;
    let mut own = app.browser();
    assert_eq!(attempt(&mut own, VICTIM, PASSWORD).await.status, 303);
    own.cookies.retain(|name, _| name == DEVICE);

    let with_cookie = async |cookie: &str, password: &str| {
        let mut browser = app.browser();
        browser.cookies.insert(DEVICE.to_owned(), cookie.to_owned());
        attempt(&mut browser, VICTIM, password).await.status.as_u16()
    };
    for n in 0..11 {
        assert_eq!(with_cookie(&cookies[n % 2], WRONG).await, 401, "attempt {n}");
    }
    assert_eq!(with_cookie(&cookies[0], PASSWORD).await, 429, "as of any stranger");
    assert_eq!(with_cookie(&cookies[1], PASSWORD).await, 429, "with another cookie, too");
    assert_eq!(attempt(&mut own, VICTIM, PASSWORD).await.status, 303, "her own browser is known");

    // A cookie from before accounts were written down in it.
    let cx = app.cx();
    let old = ("default", VICTIM, cx.now + Seconds::days(1), [0_u8; 16]);
    let old = cx.keys().sealing_at(cx.now).unwrap().seal(Kind::KnownDevice, cx.nonce(), &old).unwrap();
    assert_eq!(with_cookie(&old, PASSWORD).await, 429, "an old cookie");
}

async fn trusting(sign_up: bool, more: Value) -> Result<(), ManageError> {
    let app = world(sign_up).await;
    let cx = app.cx();
    let mut members = more.as_object().unwrap().clone();
    members.insert("issuer".to_owned(), json!("https://idp.example"));
    let new = issuer::with(&issuer::blank(&cx, "idp")?, &members)?;
    issuer::create(&cx, Actor::Operator, &new).await.map(|_| ())
}

#[tokio::test]
async fn no_issuer_knows_people_by_user_names_that_strangers_give_themselves() {
    for (sign_up, more, taken) in [
        (true, json!({"match_by": "username", "trusted_for": ["users"]}), false),
        (true, json!({"match_by": "username", "trusted_for": ["workloads", "id_jag"]}), false),
        (false, json!({"match_by": "username", "trusted_for": ["users"]}), true),
        (true, json!({"match_by": "identity", "trusted_for": ["users"]}), true),
        (true, json!({"match_by": "email", "trusted_for": ["users"]}), true),
        (true, json!({"match_by": "username", "trusted_for": ["workloads"]}), true),
        (true, json!({"match_by": "username", "trusted_for": ["users"], "disabled": true}), true),
    ] {
        let told = trusting(sign_up, more.clone()).await;
        assert_eq!(told.is_ok(), taken, "sign_up {sign_up}, {more}: {told:?}");
        let refused = told.err().map(|error| error.to_string());
        assert!(refused.is_none_or(|words| words.starts_with("match_by: ")), "{more}");
    }
}

/// Sign-up is switched on beside an issuer that is there: its word means nobody, until it is told otherwise.
#[tokio::test]
async fn an_issuer_from_before_sign_up_was_on_takes_no_stranger_for_its_person() {
    const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    for sign_up in [false, true] {
        let (app, other) = (world(sign_up).await, Other::new());
        app.client(NewClient {
            id: Some("agent".to_owned()),
            grant_types: vec![GrantType::JwtBearer],
            ..NewClient::default()
        })
        .await;
        trust(&app, &other, &[Trust::Users], json!({"match_by": "identity", "implies_consent": true})).await;
        let cx = app.cx();
        let mut before = issuer::show(&cx, "idp").await.unwrap();
        let by_name = Map::from_iter([("match_by".to_owned(), json!("username"))]);
        before = issuer::with(&before, &by_name).unwrap();
        let record = cx.record(valetkey_core::audit::Event::IssuerUpdated, Actor::Operator);
        cx.store.update_issuer(&before, &record).await.unwrap();
        cx.follow_changes().await.unwrap();
        let assertion = other.about(&app, json!({"preferred_username": "mallory"}));
        let fields = [("grant_type", GRANT), ("assertion", assertion.as_str()), ("scope", "read")];
        let reply = app.token("agent", &fields).await;
        if sign_up {
            assert_refused(&reply, 400, "invalid_grant", "a stranger's name");
        } else {
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
    }
}

#[tokio::test]
async fn what_a_person_leaves_as_it_is_stays_as_the_operator_makes_it_at_the_same_moment() {
    for editable in [None, Some(vec!["name".to_owned()])] {
        let own = editable.clone();
        let app = furnish(TestApp::builder().accounts(move |accounts| accounts.editable_claims = own)).await;
        let read = user::find(&app.cx(), &"default".into(), "alice").await.unwrap();
        has(&app, "alice", VICTIM, true).await;
        let name = Some("Alice L.".to_owned());
        let after = user::update_profile(&app.cx(), &read, name.clone(), read.email.clone()).await.unwrap();
        assert_eq!((after.name, after.email_verified), (name, true), "{editable:?}");
        assert_eq!(after.email.as_deref(), Some(VICTIM), "{editable:?}");
        // And what the person does change is not proven.
        let read = user::find(&app.cx(), &"default".into(), "alice").await.unwrap();
        let other = Some("other@example.org".to_owned());
        let after = user::update_profile(&app.cx(), &read, read.name.clone(), other.clone()).await.unwrap();
        let moved = editable.is_none();
        assert_eq!((after.email == other, after.email_verified), (moved, !moved), "{editable:?}");
    }
}
