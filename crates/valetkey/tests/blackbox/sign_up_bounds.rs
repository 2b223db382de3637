//! OIDC Prompt Create — self sign-up has its bounds: which directories take strangers, what strangers' applications get, how many

use crate::portal::{id_of, machine, register, registered, request, secret_of, signed_in};
use crate::support::{apply_tenant, assert_error_page, furnish, outcome, with};
use std::net::IpAddr;
use valetkey_core::audit::Actor;
use valetkey_core::context::{Caller, Context};
use valetkey_core::ids::TenantId;
use valetkey_core::manage::portal;
use valetkey_core::manage::user::sign_up::{NotSignedUp, SignUp, sign_up};
use valetkey_core::secret::Secret;
use valetkey_core::settings::SignUpLimits;
use valetkey_testkit::{Browser, CLIENT_SECRET, TestApp};

const CREATE: &str = "Create an account";
const NEW: &str = "nine wooden boats on a lake";

async fn open(tenants: &[&str]) -> TestApp {
    let tenants = tenants.iter().map(|id| TenantId::from(*id)).collect();
    let app = furnish(TestApp::builder().accounts(|own| own.sign_up = tenants)).await;
    apply_tenant(&app, "house", false).await;
    app
}

fn asking<'a>(tenant: Option<&'a str>, prompt: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    with(&with(&Browser::request("app", "read"), "prompt", prompt), "tenant_id", tenant)
}

async fn creates(app: &TestApp) -> bool {
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    metadata["prompt_values_supported"].as_array().unwrap().contains(&"create".into())
}

#[tokio::test]
async fn prompt_create_section_4_strangers_make_accounts_only_in_the_directories_that_take_them() {
    for (takes, named, shut) in [("default", None, Some("house")), ("house", Some("house"), None)] {
        let app = open(&[takes]).await;
        assert!(creates(&app).await);
        let page = app.browser().authorize(&asking(named, Some("create"))).await;
        assert_eq!(outcome(&page), CREATE, "{takes}");
        let path = |tenant: Option<&str>| match tenant {
            Some(tenant) => format!("/sign-up?tenant_id={tenant}"),
            None => "/sign-up".to_owned(),
        };
        assert_eq!(outcome(&app.browser().get(&path(named)).await), CREATE, "{takes}");

        let refused = app.browser().authorize(&asking(shut, Some("create"))).await;
        assert_eq!(refused.redirected()["error"], "invalid_request", "{takes}");
        let pushed =
            app.post("/oauth/par", Some(("app", CLIENT_SECRET)), &asking(shut, Some("create"))).await;
        assert_eq!(pushed.refusal(), (400, "invalid_request".to_owned()));
        assert_error_page(&app.get(&path(shut)).await, 404, "There is no page here", takes);
        // Nor round by the page that the link would lead to, nor by a form from where it is open.
        let mut browser = app.browser();
        let login = browser.authorize(&asking(shut, None)).await;
        assert!(!login.body.contains("sign-up"), "{}", login.words());
        let plain = app.get(&path(shut).replace("sign-up", "login")).await;
        assert!(!plain.body.contains("sign-up"), "{}", plain.words());
        let i = login.hidden("i").unwrap();
        assert_error_page(
            &browser.get(&format!("/sign-up?i={i}")).await,
            404,
            "There is no page here",
            takes,
        );
        let form = browser.get(&path(named)).await;
        let csrf = form.hidden("csrf").unwrap();
        let mut fields = vec![("csrf", &*csrf), ("username", "carol"), ("password", NEW)];
        fields.extend(shut.map(|shut| ("tenant_id", shut)));
        assert_eq!(browser.post("/sign-up", &fields).await.status, 404, "{takes}");
        let shut = shut.map(TenantId::from).unwrap_or_default();
        assert!(app.server.store.user_by_login(&shut, "carol").await.unwrap().is_none());
        let tried = attempt(&app.cx(), &shut).await;
        assert!(matches!(tried, NotSignedUp::Off), "{tried:?}");
        let linked = app.browser().authorize(&asking(named, None)).await;
        assert!(linked.body.contains("sign-up"), "{takes}: the link is there where it is open");
    }
    assert!(!creates(&open(&["nowhere"]).await).await, "a directory that is not there promises nothing");
}

/// One that never becomes an account, but is counted.
async fn attempt(cx: &Context, tenant: &TenantId) -> NotSignedUp {
    let asked = SignUp { username: ".", name: "", email: "", password: &Secret::new("x"), tenant };
    sign_up(cx, &asked).await.unwrap_err()
}

fn from(app: &TestApp, address: &str) -> Context {
    let address: IpAddr = address.parse().unwrap();
    Context::new(&app.server, Caller { address: Some(address), ..Caller::default() })
}

#[tokio::test]
async fn a_network_of_many_places_has_to_wait_as_one_and_others_have_not() {
    let home = TenantId::default();
    let app = open(&["default"]).await;
    for n in 0..600 {
        let tried = attempt(&from(&app, &format!("2001:db8:0:{:x}::1", n / 50)), &home).await;
        assert!(matches!(tried, NotSignedUp::Flaws(_)), "{n}: {tried:?}");
    }
    let fresh = from(&app, "2001:db8:0:ffff::1");
    let NotSignedUp::Throttled(wait) = attempt(&fresh, &home).await else { panic!("not throttled") };
    assert!((1..=3600).contains(&wait.0), "{wait}");
    assert!(matches!(attempt(&from(&app, "2001:db8:1::1"), &home).await, NotSignedUp::Flaws(_)));
    app.clock.advance(wait.0.unsigned_abs());
    assert!(matches!(attempt(&from(&app, "2001:db8:0:ffff::1"), &home).await, NotSignedUp::Flaws(_)));
}

#[tokio::test]
async fn an_operator_says_how_many_sign_ups_are_too_many() {
    let home = TenantId::default();
    for (limits, addresses, full) in [
        (SignUpLimits { address: 2, ..SignUpLimits::default() }, ["192.0.2.1"; 2], "192.0.2.1"),
        (SignUpLimits { network: 2, ..SignUpLimits::default() }, ["192.0.2.1", "192.0.2.2"], "192.0.2.3"),
        (SignUpLimits { server: 2, ..SignUpLimits::default() }, ["192.0.2.1", "198.51.100.1"], "203.0.113.1"),
    ] {
        let app = furnish(TestApp::builder().accounts(|own| {
            own.sign_up = vec![TenantId::default()];
            own.sign_up_limits = limits;
        }))
        .await;
        for address in addresses {
            let tried = attempt(&from(&app, address), &home).await;
            assert!(matches!(tried, NotSignedUp::Flaws(_)), "{limits:?}: {tried:?}");
        }
        let tried = attempt(&from(&app, full), &home).await;
        assert!(matches!(tried, NotSignedUp::Throttled(_)), "{limits:?}: {tried:?}");
    }
}

#[tokio::test]
async fn the_whole_server_takes_so_many_sign_ups_for_a_while_and_then_goes_on() {
    let home = TenantId::default();
    let app = open(&["default"]).await;
    for n in 0..1_000 {
        let tried = attempt(&from(&app, &format!("10.{}.{}.1", n / 250, n % 250)), &home).await;
        assert!(matches!(tried, NotSignedUp::Flaws(_)), "{n}: {tried:?}");
    }
    let NotSignedUp::Throttled(wait) = attempt(&from(&app, "192.0.2.1"), &home).await else {
        panic!("not throttled")
    };
    assert!((1..=600).contains(&wait.0), "{wait}");
    app.clock.advance(wait.0.unsigned_abs());
    assert!(matches!(attempt(&from(&app, "192.0.2.1"), &home).await, NotSignedUp::Flaws(_)));
}

#[tokio::test]
async fn rfc6749_section_10_2_an_application_registered_where_strangers_sign_up_gets_nothing_unseen() {
    let app = open(&["default"]).await;
    let mut owner = signed_in(&app, "alice").await;
    let page = register(&mut owner, &[("name", "Robot"), ("kind", "machine")]).await;
    let (robot, secret) = (id_of(&page), secret_of(&page));
    assert_eq!(machine(&app, &robot, &secret).await.refusal(), (400, "unauthorized_client".to_owned()));
    // Nor for its owner: a stranger would give himself every scope.
    let (id, _) = registered(&mut owner, "New").await;
    let mut bob = signed_in(&app, "bob").await;
    for browser in [&mut owner, &mut bob] {
        let told = browser.authorize(&request(&id)).await.redirected();
        assert_eq!(told["error"], "unauthorized_client");
    }
    for id in [&robot, &id] {
        portal::approve(&app.cx(), &Actor::Operator, &id.as_str().into()).await.unwrap();
    }
    assert_eq!(machine(&app, &robot, &secret).await.status, 200);
    assert!(owner.authorize(&request(&id)).await.body.contains("name=\"decision\""));

    // Owners out of a directory that takes no strangers try theirs meanwhile.
    let app = open(&["house"]).await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "New").await;
    assert!(alice.authorize(&request(&id)).await.body.contains("name=\"decision\""));
    let mut bob = signed_in(&app, "bob").await;
    assert_eq!(bob.authorize(&request(&id)).await.redirected()["error"], "unauthorized_client");
}
