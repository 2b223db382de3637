//! ASVS 16.3 — the trail: each security event leaves its record, with who, what and where from, and without a secret

use crate::support::{api, refresh, service_token, text, user_id, world};
use std::collections::BTreeSet;
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::ids::{ClientId, TenantId};
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::{self, key::Rotate};
use valetkey_core::secret::Secret;
use valetkey_core::store::{ScopeWords, TokenFormat};
use valetkey_core::time::Seconds;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, TestApp, redemption};

const OPERATOR: Actor = Actor::Operator;

/// The records of this moment, in which something was just done; then the clock moves on. Within a moment the trail
/// has no order, so only one thing at a time is looked at where the order counts.
async fn left(app: &TestApp) -> Vec<Record> {
    let now = app.cx().now;
    let records = app.records().await.into_iter().filter(|record| record.at == now).collect();
    app.clock.advance(1);
    records
}

fn events(records: &[Record]) -> Vec<Event> {
    records.iter().map(|record| record.event).collect()
}

#[tokio::test]
async fn what_people_and_applications_do_is_told_with_who_and_where_from() {
    let app = world().await;
    let (alice, client) = (user_id(&app, "alice").await, ClientId::from("app"));
    let by_alice = Actor::User(alice.clone());
    let by_app = Actor::Client(client.clone());
    app.clock.advance(1);
    let mut browser = app.browser().at("198.51.100.7");

    let login = browser.authorize(&Browser::request("app", "openid read")).await;
    for (name, user) in [("alice", Some(&alice)), ("nobody-here", None)] {
        browser.log_in(&login, name, "not the password").await;
        let failed = left(&app).await;
        assert_eq!(events(&failed), [Event::LoginFailed]);
        assert_eq!((&failed[0].actor, failed[0].user.as_ref()), (&Actor::Anonymous, user));
        assert_eq!(failed[0].address, Some([198, 51, 100, 7].into()));
        assert_eq!(
            failed[0].request.as_ref().map(String::len),
            Some(16),
            "the request's name, as in the log"
        );
    }

    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let signed_in = left(&app).await;
    let code = browser.decide(&consent, "allow", &["read"]).await.redirected().remove("code").unwrap();
    let given = left(&app).await;
    assert_eq!(
        (events(&signed_in), events(&given)),
        (vec![Event::LoginSucceeded], vec![Event::ConsentGiven])
    );
    for record in [&signed_in[0], &given[0]] {
        assert_eq!((&record.actor, record.user.as_ref()), (&by_alice, Some(&alice)));
        assert_eq!(record.tenant, Some(TenantId::default()));
    }
    assert_eq!((given[0].client.as_ref(), given[0].object.as_deref()), (Some(&client), Some("openid read")));

    let tokens = app.token("app", &redemption(&code)).await.json();
    refresh(&app, "app", text(&tokens, "refresh_token")).await;
    assert_eq!(events(&left(&app).await), [], "what goes well all day is no event");
    app.clock.advance(10);
    refresh(&app, "app", text(&tokens, "refresh_token")).await;
    let reused = left(&app).await;
    let again = browser.code("app", "openid read", "alice").await;
    app.token("app", &redemption(&again)).await;
    app.token("app", &redemption(&again)).await;
    let replayed = left(&app).await;
    assert_eq!(
        (events(&reused), events(&replayed)),
        (vec![Event::RefreshTokenReused], vec![Event::CodeReplayed])
    );
    for record in [&reused[0], &replayed[0]] {
        let who = (&record.actor, record.user.as_ref(), record.client.as_ref());
        assert_eq!(who, (&by_app, Some(&alice), Some(&client)));
        assert_eq!(record.object.as_ref().map(String::len), Some(26), "the grant's id");
    }
}

#[tokio::test]
async fn what_is_taken_back_or_ended_is_told_with_who_did_it() {
    let app = world().await;
    let by_alice = Actor::User(user_id(&app, "alice").await);
    let mut browser = app.browser();
    let own = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    let tokens = browser.tokens("app", "openid read", "alice").await;
    app.clock.advance(1);
    app.post("/oauth/revoke", Some(("service", CLIENT_SECRET)), &[("token", &own)]).await;
    let token = left(&app).await;
    app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &[("token", text(&tokens, "access_token"))])
        .await;
    let grant = left(&app).await;
    assert_eq!((events(&token), events(&grant)), (vec![Event::TokenRevoked], vec![Event::GrantRevoked]));
    assert_eq!(
        (&token[0].actor, &grant[0].actor),
        (&Actor::Client("service".into()), &Actor::Client("app".into()))
    );

    app.browser().sign_in("alice").await;
    left(&app).await;
    for (path, words, want) in [
        ("/account/apps/revoke", "value=\"app\"", Event::ConsentWithdrawn),
        ("/account/sessions/end", "Sign out", Event::SessionEnded),
        ("/account/sign-out", "Sign out", Event::SessionEnded),
    ] {
        let account = browser.get("/account").await;
        browser.press(&account, path, words).await;
        let records = left(&app).await;
        assert_eq!((events(&records), &records[0].actor), (vec![want], &by_alice), "{path}");
    }
}

/// Everything that an operator can do, once.
async fn operate(app: &TestApp) {
    let cx = app.cx();
    let client = ClientId::from("app");
    let alice = user_id(app, "alice").await;
    let words = ScopeWords {
        name: "share".to_owned(),
        description: "Share".to_owned(),
        detail: String::new(),
        default: false,
        standard: false,
    };
    manage::client::update(&cx, &OPERATOR, &client, Event::ClientUpdated, |own| own.introspect = true)
        .await
        .unwrap();
    manage::client::rotate_secret(&cx, &OPERATOR, &client, None, Seconds(60)).await.unwrap();
    manage::client::disable(&cx, &OPERATOR, &client).await.unwrap();
    manage::client::enable(&cx, &OPERATOR, &client).await.unwrap();
    manage::client::delete(&cx, OPERATOR, &client).await.unwrap();
    let password = Secret::new("nine other kitchen spoons");
    manage::user::set_password(&cx, &OPERATOR, &alice, &password).await.unwrap();
    manage::user::disable(&cx, &OPERATOR, &alice).await.unwrap();
    manage::user::enable(&cx, &OPERATOR, &alice).await.unwrap();
    manage::user::delete(&cx, OPERATOR, &alice).await.unwrap();
    manage::scope::create(&cx, OPERATOR, words.clone()).await.unwrap();
    manage::scope::update(&cx, OPERATOR, words).await.unwrap();
    manage::scope::delete(&cx, OPERATOR, "share").await.unwrap();
    let photos = api("photos", "read", TokenFormat::Sealed, SigningAlgorithm::EdDsa);
    manage::api::create(&cx, OPERATOR, photos).await.unwrap();
    manage::api::update(&cx, OPERATOR, &"photos".into(), |own| "P".clone_into(&mut own.name)).await.unwrap();
    manage::api::delete(&cx, OPERATOR, &"photos".into()).await.unwrap();
    manage::key::rotate(&cx, OPERATOR, Rotate::Sealing, false).await.unwrap();
    manage::settings::update(&cx, &OPERATOR, |own| own.services.mastodon = true).await.unwrap();
}

#[tokio::test]
async fn what_an_operator_does_is_told_one_record_an_act() {
    let app = world().await;
    app.clock.advance(1);
    operate(&app).await;
    let records = left(&app).await;
    let want = [
        Event::ClientUpdated,
        Event::ClientSecretRotated,
        Event::ClientDisabled,
        Event::ClientEnabled,
        Event::ClientDeleted,
        Event::PasswordSet,
        Event::UserDisabled,
        Event::UserEnabled,
        Event::UserDeleted,
        Event::ScopeCreated,
        Event::ScopeUpdated,
        Event::ScopeDeleted,
        Event::ApiCreated,
        Event::ApiUpdated,
        Event::ApiDeleted,
        Event::KeyRotated,
        Event::SettingsApplied,
    ];
    let sorted = |events: &[Event]| events.iter().map(|event| event.as_str()).collect::<BTreeSet<_>>();
    assert_eq!((records.len(), sorted(&events(&records))), (want.len(), sorted(&want)));
    for record in records {
        assert_eq!(record.actor, OPERATOR, "{record:?}");
        let named = record.client.is_some() || record.user.is_some() || record.object.is_some();
        assert!(named, "what it was done to: {record:?}");
    }
    let begun: BTreeSet<_> = app.records().await.iter().map(|record| record.event.as_str()).collect();
    for event in [Event::ClientCreated, Event::UserCreated, Event::ScopeCreated, Event::KeyCreated] {
        assert!(begun.contains(&event.as_str()), "{event:?}");
    }
}

#[tokio::test]
async fn a_refused_act_leaves_no_record_of_having_been_done() {
    let app = world().await;
    let cx = app.cx();
    let before = app.rows().await;
    let unknown = ClientId::from("nobody");
    assert!(manage::client::disable(&cx, &OPERATOR, &unknown).await.is_err());
    assert!(manage::client::delete(&cx, OPERATOR, &unknown).await.is_err());
    assert!(manage::user::disable(&cx, &OPERATOR, &"usr_nobody".into()).await.is_err());
    assert!(manage::scope::delete(&cx, OPERATOR, "nothing").await.is_err());
    assert!(manage::api::delete(&cx, OPERATOR, &"nothing".into()).await.is_err());
    let weak = Secret::new("short");
    let alice = user_id(&app, "alice").await;
    assert!(manage::user::set_password(&cx, &OPERATOR, &alice, &weak).await.is_err());
    let taken = NewClient { id: Some("app".to_owned()), name: "Twice".to_owned(), ..NewClient::default() };
    assert!(manage::client::create(&cx, OPERATOR, taken).await.is_err());
    assert!(manage::consent::withdraw(&cx, OPERATOR, &alice, &ClientId::from("app")).await.is_err());
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn asvs_16_2_5_no_record_holds_a_secret() {
    let app = world().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    browser.log_in(&page, PASSWORD, PASSWORD).await;
    let tokens = browser.tokens("app", "openid read", "alice").await;
    let code = browser.code("app", "openid read", "alice").await;
    for _ in 0..2 {
        app.token("app", &redemption(&code)).await;
    }
    app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &[("token", text(&tokens, "refresh_token"))])
        .await;
    operate(&app).await;
    let trail = serde_json::to_string(&app.records().await).unwrap();
    let mut secrets = vec![PASSWORD, CLIENT_SECRET, "nine other kitchen spoons", "vk_", "eyJ", "$argon2"];
    secrets.extend(browser.cookies.values().map(String::as_str));
    for secret in secrets {
        assert!(!trail.contains(secret), "{secret} stands in the trail");
    }
}
