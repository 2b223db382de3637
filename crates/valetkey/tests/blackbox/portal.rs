//! The developer portal: registering an application, looking after it, and nobody else's

use crate::support::{assert_error_page, furnish, world};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::manage;
use valetkey_core::manage::user::NewUser;
use valetkey_core::settings::Portal;
use valetkey_testkit::{Browser, CHALLENGE, PASSWORD, Reply, TestApp, VERIFIER};

const CALLBACK: &str = "https://printer.example/cb";

/// A browser in which somebody is signed in.
pub(crate) async fn signed_in<'a>(app: &'a TestApp, username: &str) -> Browser<'a> {
    let mut browser = app.browser();
    browser.sign_in(username).await;
    browser
}

/// Posts the registration form as it is drawn, with these fields.
pub(crate) async fn register(browser: &mut Browser<'_>, fields: &[(&str, &str)]) -> Reply {
    let page = browser.get("/developer/new").await;
    let draft = page.hidden("draft").unwrap_or_default();
    let mut all = vec![("draft", draft.as_str())];
    all.extend(fields);
    browser.submit("/developer/new", &page, &all).await
}

/// An application as its owner knows it just after registering: id and secret.
pub(crate) async fn registered(browser: &mut Browser<'_>, name: &str) -> (String, String) {
    let page = register(browser, &[("name", name), ("redirect_uris", CALLBACK)]).await;
    assert_eq!(page.status, 200, "{}", page.words());
    (id_of(&page), secret_of(&page))
}

/// What stands in the boxes to be copied: the id first, then the secret.
fn copied(page: &Reply) -> Vec<String> {
    let parts = page.body.split("<code class=\"copy\">").skip(1);
    parts.filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
}

pub(crate) fn id_of(page: &Reply) -> String {
    copied(page).into_iter().find(|text| text.starts_with("app_")).unwrap_or_default()
}

pub(crate) fn secret_of(page: &Reply) -> String {
    let shown = page.body.split("<dt>Client secret</dt><dd><code class=\"copy\">").nth(1);
    shown.and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
}

pub(crate) async fn machine(app: &TestApp, id: &str, secret: &str) -> Reply {
    let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    app.post("/oauth/token", None, &fields).await
}

/// The authorization request of an application that `registered` made.
pub(crate) fn request(id: &str) -> [(&str, &str); 5] {
    [
        ("client_id", id),
        ("redirect_uri", "https://printer.example/cb"),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

#[tokio::test]
async fn who_is_signed_out_signs_in_and_comes_back() {
    let app = world().await;
    let mut browser = app.browser();
    let reply = browser.get("/developer/new").await;
    assert_eq!(
        (reply.status.as_u16(), reply.location()),
        (303, "https://id.example/login?next=%2Fdeveloper%2Fnew")
    );
    let login = browser.follow(reply).await;
    let action = "/login?next=%2Fdeveloper%2Fnew";
    assert!(login.body.contains(&format!("action=\"{action}\"")), "{}", login.body);
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let reply = browser.submit(action, &login, &fields).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, "https://id.example/developer/new"));
}

#[tokio::test]
async fn a_sign_in_comes_back_to_no_place_but_our_own() {
    let app = world().await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/developer/../oauth/authorize",
        "/developer/%2e%2e/x",
        "/developerx",
        "/oauth/authorize?client_id=app",
        "javascript:alert(1)",
    ] {
        let mut browser = app.browser();
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let path = format!("/login?{query}");
        let login = browser.get(&path).await;
        assert!(login.body.contains("action=\"/login\""), "{next}");
        let reply = browser.submit(&path, &login, &[("username", "alice"), ("password", PASSWORD)]).await;
        assert_eq!(reply.location(), "https://id.example/account", "{next}");
    }
}

#[tokio::test]
async fn an_application_is_registered_and_works_and_its_secret_is_shown_once() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let empty = browser.get("/developer").await;
    assert!(empty.words().contains("Register your first application"), "{}", empty.words());
    let page = register(
        &mut browser,
        &[
            ("name", "Photo Printer"),
            ("website", "https://printer.example"),
            ("description", "Prints."),
            (
                "redirect_uris",
                "https://printer.example/cb\r\n\r\n  http://127.0.0.1/cb \r\nhttps://printer.example/cb",
            ),
        ],
    )
    .await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"), "{}", page.words());
    let (id, secret) = (id_of(&page), secret_of(&page));
    assert!(page.words().contains("shown this once"), "{}", page.words());
    let client = app.server.client(&id).await.unwrap().unwrap();
    assert_eq!(client.redirect_uris, [CALLBACK, "http://127.0.0.1/cb"]);
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!((client.introspect, client.compat.len(), client.access_token_lifetime), (false, 0, None));

    let again = browser.get(&format!("/developer/apps/{id}")).await;
    assert!(again.status == 200 && !again.body.contains(&secret), "the secret is not shown again");
    assert!(again.body.contains(&id) && again.words().contains("Photo Printer"));
    let list = browser.get("/developer").await;
    assert!(list.words().contains("Photo Printer") && !list.body.contains(&secret));

    let request = [
        ("client_id", id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "read"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let consent = browser.authorize(&request).await;
    assert!(consent.words().contains("Nobody here has checked this app."), "{}", consent.words());
    let code = browser.decide(&consent, "allow", &["read"]).await.redirected().remove("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = app.post("/oauth/token", None, &fields).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let page = browser.get(&format!("/developer/apps/{id}")).await.words();
    assert!(page.contains("1 person gave it a key") && page.contains("1 sign-in holds"), "{page}");
    assert!(page.contains("last used just now"), "{page}");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_application() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let page = browser.get("/developer/new").await;
    let draft = page.hidden("draft").unwrap();
    let fields = [("draft", draft.as_str()), ("name", "Once"), ("redirect_uris", CALLBACK)];
    let first = browser.submit("/developer/new", &page, &fields).await;
    let second = browser.submit("/developer/new", &page, &fields).await;
    let id = id_of(&first);
    assert_eq!(second.location(), format!("https://id.example/developer/apps/{id}?done=registered"));
    let shown = browser.follow(second).await;
    assert!(!shown.body.contains(&secret_of(&first)) && shown.words().contains("was shown once"));
    // Somebody else's draft names nothing: an application of its own is made.
    let mut bob = signed_in(&app, "bob").await;
    let foreign = bob.get("/developer/new").await;
    let other = bob.submit("/developer/new", &foreign, &fields).await;
    assert!(other.status == 200 && id_of(&other) != id, "{}", other.status);
}

#[tokio::test]
async fn each_kind_gets_what_its_sort_can_keep() {
    use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    for (kind, public, grants) in [
        ("web", false, vec![AuthorizationCode, RefreshToken]),
        ("browser", true, vec![AuthorizationCode, RefreshToken]),
        ("native", true, vec![AuthorizationCode, RefreshToken]),
        ("machine", false, vec![ClientCredentials]),
    ] {
        let page =
            register(&mut browser, &[("name", kind), ("kind", kind), ("redirect_uris", CALLBACK)]).await;
        let client = app.server.client(&id_of(&page)).await.unwrap().unwrap();
        assert_eq!((client.is_public(), &client.grant_types), (public, &grants), "{kind}");
        assert_eq!(secret_of(&page).is_empty(), public, "{kind}");
    }
    let page = register(
        &mut browser,
        &[("name", "x"), ("kind", "device"), ("redirect_uris", "http://127.0.0.1/cb")],
    )
    .await;
    assert!(page.status == 200 && secret_of(&page).is_empty(), "{}", page.words());
    let page = register(&mut browser, &[("name", "x"), ("kind", "toaster")]).await;
    assert_eq!(page.status, 400);
}

#[tokio::test]
async fn a_machine_gets_a_token_for_itself_without_any_callback() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let page = register(&mut browser, &[("name", "Robot"), ("kind", "machine")]).await;
    let (id, secret) = (id_of(&page), secret_of(&page));
    assert_eq!(machine(&app, &id, &secret).await.status, 200);
    assert!(page.words().contains("client_credentials") && page.words().contains("CLIENT_SECRET"));
    assert_eq!(machine(&app, &id, "wrong").await.refusal(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_each_field_and_nothing_typed_is_lost() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let before = app.rows().await;
    let long = "n".repeat(201);
    let page = register(
        &mut browser,
        &[
            ("name", &long),
            ("website", "javascript:alert(1)"),
            (
                "redirect_uris",
                "http://printer.example/cb\nhttps://*.printer.example/cb\nhttps://x.example/#f\nmyapp:/cb",
            ),
            ("description", "keep <me>"),
            ("kind", "web"),
        ],
    )
    .await;
    assert_eq!(page.status, 400);
    let words = page.words();
    for said in [
        "The name must have 1 to 200 characters",
        "The website must be an http or https address",
        "http://printer.example/cb: http is only for 127.0.0.1",
        "without wildcards",
        "must not have a fragment",
        "a reverse domain name",
        "keep <me>",
        "It is not registered yet.",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert_eq!(page.field("website").as_deref(), Some("javascript:alert(1)"));
    assert_eq!(page.field("name").as_deref(), Some(long.as_str()));
    assert!(!page.body.contains("<me>"));
    let page = register(&mut browser, &[("name", "No callback")]).await;
    assert!(
        page.status == 400 && page.words().contains("needs at least one redirect URI"),
        "{}",
        page.words()
    );
    assert_eq!(app.rows().await, before, "nothing was written");
}

#[tokio::test]
async fn hostile_names_are_text_everywhere() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let name = "\"><script>alert(1)</script>{{ 7*7 }}";
    let hostile = "https://printer.example/cb?x=';id;'\"$(id)`id`";
    let page =
        register(&mut browser, &[("name", name), ("redirect_uris", hostile), ("description", name)]).await;
    assert_eq!(page.status, 200, "{}", page.words());
    let id = id_of(&page);
    for path in [
        "/developer",
        &format!("/developer/apps/{id}"),
        &format!("/developer/apps/{id}/edit"),
        &format!("/developer/apps/{id}/delete"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<script>alert"), "{path}");
        assert!(page.words().contains(name), "{path}: {}", page.words());
    }
    // In the shell's sample the address stays one word.
    let words = browser.get(&format!("/developer/apps/{id}")).await.words();
    assert!(
        words.contains("'redirect_uri=https://printer.example/cb?x='\\'';id;'\\''\"$(id)`id`'"),
        "{words}"
    );
}

#[tokio::test]
async fn callbacks_are_edited_by_the_same_rules_and_hold_at_once() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut browser, "Printer").await;
    let path = format!("/developer/apps/{id}/edit");
    let page = browser.get(&path).await;
    let bad = [("name", "Printer 2"), ("redirect_uris", "http://printer.example/new")];
    let refused = browser.submit(&path, &page, &bad).await;
    assert!(
        refused.status == 400 && refused.words().contains("Nothing is changed yet."),
        "{}",
        refused.words()
    );
    assert_eq!(refused.field("name").as_deref(), Some("Printer 2"));
    let new = "https://printer.example/new";
    let done = browser.submit(&path, &page, &[("name", "Printer 2"), ("redirect_uris", new)]).await;
    assert_eq!(done.location(), format!("https://id.example/developer/apps/{id}?done=changed"));
    let request = |uri| {
        vec![
            ("client_id", id.as_str()),
            ("redirect_uri", uri),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
    };
    let page = browser.authorize(&request(new)).await;
    assert!(page.status == 200 && page.words().contains("Printer 2"), "{}", page.words());
    assert_eq!(browser.authorize(&request(CALLBACK)).await.status, 400, "the old one is gone");
}

#[tokio::test]
async fn every_other_persons_application_is_not_there() {
    let app = world().await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "Hers").await;
    let mut bob = signed_in(&app, "bob").await;
    let own = bob.get("/developer").await;
    for id in [id.as_str(), "app", "nothing"] {
        for rest in ["", "/edit", "/delete"] {
            let reply = bob.get(&format!("/developer/apps/{id}{rest}")).await;
            assert_error_page(&reply, 404, "There is no page here", rest);
        }
        for rest in [
            "edit",
            "secrets",
            "secrets/delete",
            "owners",
            "owners/remove",
            "offers/withdraw",
            "switch",
            "review",
            "delete",
        ] {
            let fields = [("name", "Hers"), ("to", "off"), ("username", "bob"), ("redirect_uris", CALLBACK)];
            let reply = bob.submit(&format!("/developer/apps/{id}/{rest}"), &own, &fields).await;
            assert_error_page(&reply, 404, "There is no page here", rest);
        }
    }
    assert!(!own.words().contains("Hers"));
    assert_eq!(alice.get(&format!("/developer/apps/{id}")).await.status, 200);
}

#[tokio::test]
async fn a_form_that_another_page_made_changes_nothing() {
    let app = world().await;
    let mut alice = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut alice, "Hers").await;
    let mut bob = signed_in(&app, "bob").await;
    let bobs = bob.get("/developer/new").await.hidden("csrf").unwrap();
    for proof in ["", "x", &bobs] {
        for (path, fields) in [
            ("/developer/new".to_owned(), vec![("name", "x"), ("redirect_uris", CALLBACK)]),
            (format!("/developer/apps/{id}/delete"), vec![("name", "Hers")]),
            (format!("/developer/apps/{id}/secrets"), vec![]),
        ] {
            let mut all = vec![("csrf", proof)];
            all.extend(fields);
            let reply = alice.post(&path, &all).await;
            assert_error_page(&reply, 403, "We cannot tell", &path);
        }
    }
    let csrf = alice.get("/developer/new").await.hidden("csrf").unwrap();
    let fields = [("csrf", csrf.as_str()), ("name", "Hers")];
    let reply = alice.post_from("cross-site", &format!("/developer/apps/{id}/delete"), &fields).await;
    assert_eq!(reply.status, 403);
    assert_eq!(
        app.server
            .store
            .applications(&app.server.store.owners(&id.as_str().into()).await.unwrap()[0].user)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_person_owns_as_many_as_the_operator_allows() {
    let app = furnish(TestApp::builder().portal(|portal| portal.max_applications = 2)).await;
    let mut browser = signed_in(&app, "alice").await;
    let page = browser.get("/developer/new").await;
    registered(&mut browser, "one").await;
    registered(&mut browser, "two").await;
    let refused =
        browser.submit("/developer/new", &page, &[("name", "three"), ("redirect_uris", CALLBACK)]).await;
    assert!(
        refused.status == 400 && refused.words().contains("You own 2 applications"),
        "{}",
        refused.words()
    );
    assert!(browser.get("/developer/new").await.words().contains("as many as anybody may"));
    registered(&mut signed_in(&app, "bob").await, "bob's own").await;
    let list = browser.get("/developer").await.words();
    assert!(list.contains("You own 2 of at most 2"), "{list}");
}

#[tokio::test]
async fn many_applications_are_found_by_name_and_paged() {
    let app = furnish(TestApp::builder().portal(|portal| portal.max_applications = 100)).await;
    let mut browser = signed_in(&app, "alice").await;
    for n in 1..=23 {
        registered(&mut browser, &format!("Number {n:02}")).await;
        app.clock.advance(1);
    }
    let first = browser.get("/developer").await.words();
    assert!(
        first.contains("1–20 of 23") && first.contains("Number 23") && !first.contains("Number 03"),
        "{first}"
    );
    let second = browser.get("/developer?page=2").await.words();
    assert!(second.contains("21–23 of 23") && second.contains("Number 03"), "{second}");
    let found = browser.get("/developer?q=NUMBER+07").await.words();
    assert!(found.contains("Number 07") && !found.contains("Number 08"), "{found}");
    let none = browser.get("/developer?q=%3Cb%3E").await;
    assert!(none.words().contains("Nothing found by <b>") && !none.body.contains("<b>"), "{}", none.words());
}

#[tokio::test]
async fn a_server_without_a_portal_has_no_such_pages() {
    let app =
        furnish(TestApp::builder().portal(|portal| *portal = Portal { open: false, ..Portal::default() }))
            .await;
    let mut browser = signed_in(&app, "alice").await;
    for path in ["/developer", "/developer/new", "/developer/apps/app"] {
        assert_error_page(&browser.get(path).await, 404, "There is no page here", path);
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_operators_defaults_decide_and_a_developer_cannot_ask_for_more() {
    let app = world().await;
    let given = serde_json::json!({ "grant_types": ["authorization_code", "client_credentials"], "scope": "read", "compat": ["no_pkce"] });
    crate::support::apply_settings(&app, serde_json::json!({ "registration": given })).await;
    let mut browser = signed_in(&app, "alice").await;
    let page = register(
        &mut browser,
        &[
            ("name", "Greedy"),
            ("redirect_uris", CALLBACK),
            ("scope", "read write openid"),
            ("grant_types", "password"),
            ("compat", "implicit"),
            ("introspect", "true"),
            ("access_token_lifetime", "99999999"),
        ],
    )
    .await;
    let client = app.server.client(&id_of(&page)).await.unwrap().unwrap();
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::ClientCredentials]);
    assert_eq!(client.scope.as_ref().unwrap().to_string(), "read");
    assert_eq!((client.compat.as_slice(), client.introspect), ([Compat::NoPkce].as_slice(), false));
    assert!(page.words().contains(Compat::NoPkce.risk()), "an opt-in is shown with its risk");
}

#[tokio::test]
async fn deleting_needs_the_name_and_takes_every_token_along() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let page = register(&mut browser, &[("name", "Robot"), ("kind", "machine")]).await;
    let (id, secret) = (id_of(&page), secret_of(&page));
    let token = machine(&app, &id, &secret).await.json()["access_token"].as_str().unwrap().to_owned();
    app.client(manage::client::NewClient {
        id: Some("observer".to_owned()),
        introspect: true,
        redirect_uris: vec![CALLBACK.to_owned()],
        ..Default::default()
    })
    .await;
    assert!(app.is_active("observer", &token).await);
    let path = format!("/developer/apps/{id}/delete");
    let ask = browser.get(&path).await;
    let wrong = browser.submit(&path, &ask, &[("name", "Robo")]).await;
    assert!(wrong.status == 400 && wrong.words().contains("It is still there."), "{}", wrong.words());
    let done = browser.submit(&path, &ask, &[("name", "Robot")]).await;
    assert_eq!(done.location(), "https://id.example/developer?done=deleted");
    assert!(!app.is_active("observer", &token).await);
    assert_eq!(machine(&app, &id, &secret).await.refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(browser.get(&format!("/developer/apps/{id}")).await.status, 404);
    let events: Vec<_> = app
        .records()
        .await
        .into_iter()
        .filter(|record| record.client.as_ref().is_some_and(|own| own.as_str() == id))
        .map(|record| record.event)
        .collect();
    assert!(events.contains(&Event::ClientDeleted) && events.len() == 2, "{events:?}");
}

#[tokio::test]
async fn an_owner_switches_off_and_on_but_not_what_the_operator_switched_off() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let page = register(&mut browser, &[("name", "Robot"), ("kind", "machine")]).await;
    let (id, secret) = (id_of(&page), secret_of(&page));
    let path = format!("/developer/apps/{id}/switch");
    let page = browser.get(&format!("/developer/apps/{id}")).await;
    browser.submit(&path, &page, &[("to", "off")]).await;
    assert_eq!(machine(&app, &id, &secret).await.status, 401);
    browser.submit(&path, &page, &[("to", "on")]).await;
    assert_eq!(machine(&app, &id, &secret).await.status, 200);
    manage::client::disable(&app.cx(), &Actor::Operator, &id.as_str().into()).await.unwrap();
    browser.submit(&path, &page, &[("to", "off")]).await;
    let refused = browser.submit(&path, &page, &[("to", "on")]).await;
    assert!(
        refused.status == 409 && refused.words().contains("only they can switch it on"),
        "{}",
        refused.words()
    );
    assert_eq!(machine(&app, &id, &secret).await.status, 401);
}

#[tokio::test]
async fn a_developer_of_a_tenant_registers_for_that_tenant_alone() {
    let app = world().await;
    let cx = app.cx();
    let tenant = manage::tenant::NewTenant { id: "acme".to_owned(), name: "Acme".to_owned(), logo: None };
    manage::tenant::create(&cx, Actor::Operator, tenant).await.unwrap();
    let new = NewUser {
        username: "carol".to_owned(),
        name: None,
        email: None,
        tenant: "acme".into(),
        password: Some(valetkey_core::secret::Secret::new(PASSWORD)),
        admin: false,
    };
    manage::user::create(&cx, Actor::Operator, new).await.unwrap();
    let mut carol = app.browser();
    let login = carol.get("/login?tenant_id=acme").await;
    let fields = [("username", "carol"), ("password", PASSWORD), ("tenant_id", "acme")];
    carol.submit("/login", &login, &fields).await;
    let (id, _) = registered(&mut carol, "Inside").await;
    assert_eq!(app.server.client(&id).await.unwrap().unwrap().tenant, Some("acme".into()));
    let (own, _) = registered(&mut signed_in(&app, "alice").await, "For all").await;
    assert_eq!(app.server.client(&own).await.unwrap().unwrap().tenant, None);
}
