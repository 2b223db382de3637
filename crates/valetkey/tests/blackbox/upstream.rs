//! OIDC Core §3.1 — two Valetkeys, each the other's provider

use tokio::net::TcpListener;
use valetkey_core::audit::Actor;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::tenant::NewTenant;
use valetkey_core::manage::upstream::NewUpstream;
use valetkey_core::secret::Secret;
use valetkey_core::upstream::{ClaimNames, Provider, Upstream};
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp};

/// Registers `issuer` at `app` as the provider `id`, with `CLIENT_SECRET`.
pub(crate) async fn provider(app: &TestApp, id: &str, issuer: &str) -> Upstream {
    let new = NewUpstream {
        id: id.to_owned(),
        name: format!("The {id}"),
        tenant: TenantId::default(),
        provider: Provider::OpenId { issuer: issuer.to_owned() },
        client_id: "us".to_owned(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        auth_method: None,
        scope: None,
        claims: ClaimNames::default(),
        sign_up: true,
    };
    manage::upstream::create(&app.cx(), Actor::Operator, new).await.unwrap()
}

/// A server on a socket, which may ask others on this machine.
pub(crate) async fn server() -> TestApp {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let app = TestApp::builder().issuer(&issuer).calling_loopback().start().await;
    app.scope("read", "See your things").await;
    app.web_client("app").await;
    app.listen(listener);
    app
}

/// Makes `there` a provider of `here`, called `id`.
pub(crate) async fn trust(here: &TestApp, there: &TestApp, id: &str) {
    let own = provider(here, id, there.server.settings.issuer()).await;
    there
        .client(NewClient {
            id: Some("us".to_owned()),
            redirect_uris: vec![own.redirect_uri(&here.server)],
            ..NewClient::default()
        })
        .await;
}

/// Presses the provider's button: where the browser is sent.
pub(crate) async fn press(browser: &mut Browser<'_>, page: &Reply, id: &str) -> Reply {
    browser.submit(&format!("/login/upstream/{id}"), page, &[]).await
}

/// Signs `username` in at the provider and comes back with its answer: the address it sends the browser to.
pub(crate) async fn at_provider(
    there: &TestApp,
    browser: &mut Browser<'_>,
    way: &Reply,
    username: &str,
) -> String {
    let issuer = there.server.settings.issuer();
    let mut page = browser.get(way.location().strip_prefix(issuer).unwrap()).await;
    page = browser.follow(page).await;
    if page.body.contains("name=\"password\"") {
        page = browser.log_in(&page, username, PASSWORD).await;
    }
    if page.body.contains("name=\"decision\"") {
        page = browser.decide(&page, "allow", &["profile", "email"]).await;
    }
    page.location().to_owned()
}

#[tokio::test]
async fn a_person_signs_in_here_with_the_account_there_and_the_other_way_round() {
    let (one, two) = (server().await, server().await);
    trust(&one, &two, "two").await;
    trust(&two, &one, "one").await;
    for (here, there, id, username) in [(&one, &two, "two", "grace"), (&two, &one, "one", "ada")] {
        there.user(username).await;
        let mut browser = here.browser();
        let login = browser.authorize(&Browser::request("app", "openid read")).await;
        assert!(login.words().contains(&format!("Continue with The {id}")), "{}", login.words());
        let way = press(&mut browser, &login, id).await;
        let answer = at_provider(there, &mut there.browser(), &way, username).await;
        let back = browser.get(&answer).await;
        let consent = browser.follow(back).await;
        assert!(consent.body.contains("name=\"decision\""), "{} {}", consent.status, consent.words());
        assert!(consent.words().contains(username), "{}", consent.words());
        let done = browser.decide(&consent, "allow", &["read"]).await.redirected();
        assert_eq!(done["state"], "the-state");
        let user = crate::support::user_id(here, username).await;
        let user = here.server.store.user(&user).await.unwrap().unwrap();
        // The account has no password, and the address is not proven by being told.
        assert_eq!((user.password, user.email_verified), (None, false));
        assert_eq!(user.email.as_deref(), Some(&*format!("{username}@example.org")));

        // The second time it is the same person, and nobody new.
        let mut again = here.browser();
        let login = again.get("/login").await;
        let way = press(&mut again, &login, id).await;
        let answer = at_provider(there, &mut there.browser(), &way, username).await;
        let back = again.get(&answer).await;
        let account = again.follow(back).await;
        assert!(account.words().contains("Your account") && account.words().contains(username));
        assert_eq!(here.rows().await["users"], 1 + u64::from(id == "one"));
    }
}

#[tokio::test]
async fn the_way_there_carries_state_nonce_and_pkce_and_nothing_of_ours() {
    let (here, there) = (server().await, server().await);
    trust(&here, &there, "corp").await;
    let mut browser = here.browser();
    let login = browser.authorize(&Browser::request("app", "read")).await;
    let way = press(&mut browser, &login, "corp").await;
    let asked = way.redirected();
    assert_eq!(asked["redirect_uri"], here.server.settings.url("/login/upstream/corp/callback"));
    assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
    assert_eq!(asked["scope"], "openid profile email");
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(asked[name].len(), 43, "{name}");
    }
    let cookie = way.cookies().into_iter().find(|(name, _)| name.starts_with("vk_up_")).unwrap();
    assert!(cookie.1.starts_with("vk_ul_") && cookie.1.len() < 3800);
    let line = way.cookie_line(&cookie.0);
    assert!(
        line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Max-Age=900"),
        "{line}"
    );
    // Where freshness is asked for, it is asked for there.
    let fresh = crate::support::with(&Browser::request("app", "read"), "prompt", Some("login"));
    let login = browser.authorize(&fresh).await;
    let asked = press(&mut browser, &login, "corp").await.redirected();
    assert_eq!((asked["prompt"].as_str(), asked["max_age"].as_str()), ("login", "0"));
    // Five tries in one browser: the oldest are let go.
    for _ in 0..5 {
        let login = browser.get("/login").await;
        press(&mut browser, &login, "corp").await;
    }
    assert!(browser.cookies.keys().filter(|name| name.starts_with("vk_up_")).count() <= 4);
}

#[tokio::test]
async fn a_provider_that_was_switched_off_or_is_anothers_is_not_offered_and_not_taken() {
    let (here, there) = (server().await, server().await);
    trust(&here, &there, "corp").await;
    let mut browser = here.browser();
    let login = browser.get("/login").await;
    let way = press(&mut browser, &login, "corp").await;
    let set = async |disabled: bool| {
        let edit = |own: &mut Upstream| own.disabled = disabled;
        manage::upstream::update(&here.cx(), &Actor::Operator, "corp", None, edit).await.unwrap();
    };
    set(true).await;
    there.user("grace").await;
    let answer = at_provider(&there, &mut there.browser(), &way, "grace").await;
    assert_eq!(browser.get(&answer).await.status, 404);
    assert!(!browser.get("/login").await.words().contains("Continue with"));
    assert_eq!(press(&mut browser, &login, "corp").await.status, 404);
    assert_eq!(press(&mut browser, &login, "nobody").await.status, 404);
    set(false).await;
    assert!(browser.get("/login").await.words().contains("Continue with The corp"));
}

#[tokio::test]
async fn a_tenants_provider_is_offered_to_its_people_and_to_nobody_else() {
    let (here, there) = (server().await, server().await);
    there.user("grace").await;
    let new = NewTenant { id: "acme".to_owned(), name: "Acme".to_owned(), logo: None };
    manage::tenant::create(&here.cx(), Actor::Operator, new).await.unwrap();
    trust(&here, &there, "corp").await;
    let edit = |own: &mut Upstream| own.tenant = "acme".into();
    manage::upstream::update(&here.cx(), &Actor::Operator, "corp", None, edit).await.unwrap();
    let mut browser = here.browser();
    let login = browser.authorize(&Browser::request("app", "read")).await;
    assert!(!login.words().contains("Continue with"), "{}", login.words());
    assert_eq!(press(&mut browser, &login, "corp").await.status, 400, "an interaction of another directory");
    let request = crate::support::with(&Browser::request("app", "read"), "tenant_id", Some("acme"));
    let login = browser.authorize(&request).await;
    let way = press(&mut browser, &login, "corp").await;
    let answer = at_provider(&there, &mut there.browser(), &way, "grace").await;
    let back = browser.get(&answer).await;
    let consent = browser.follow(back).await;
    assert!(consent.body.contains("name=\"decision\""), "{}", consent.words());
    let grace = manage::user::find(&here.cx(), &"acme".into(), "grace").await.unwrap();
    assert_eq!(grace.tenant.as_str(), "acme");
    assert!(manage::user::find(&here.cx(), &TenantId::default(), "grace").await.is_err());
    // The directory is switched off: nobody comes in this way either.
    manage::tenant::disable(&here.cx(), &Actor::Operator, &"acme".into()).await.unwrap();
    assert_eq!(press(&mut browser, &login, "corp").await.status, 404);
}

#[tokio::test]
async fn r25_a_provider_that_is_away_shuts_its_own_door_and_no_other() {
    let here = server().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    provider(&here, "gone", &issuer).await;
    here.user("alice").await;
    let mut browser = here.browser();
    let login = browser.authorize(&Browser::request("app", "read")).await;
    let page = press(&mut browser, &login, "gone").await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "5"), "{}", page.body);
    assert!(page.words().contains("The gone cannot be reached"), "{}", page.words());
    let body = page.body.replace("&#x2f;", "/");
    let back = body.split("href=\"/login?i=").nth(1).unwrap().split('"').next().unwrap();
    let login = browser.get(&format!("/login?i={back}")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    assert!(consent.body.contains("name=\"decision\""));
}
