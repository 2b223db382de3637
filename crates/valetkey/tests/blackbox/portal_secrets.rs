//! The developer portal: several secrets, what an application was refused, its picture

use crate::portal::{id_of, machine, register, registered, secret_of, signed_in};
use crate::support::{assert_error_page, world};
use valetkey_core::audit::Event;
use valetkey_testkit::{Browser, Reply, TestApp};

/// A machine of alice's: id and secret.
async fn robot(browser: &mut Browser<'_>) -> (String, String) {
    let page = register(browser, &[("name", "Robot"), ("kind", "machine")]).await;
    (id_of(&page), secret_of(&page))
}

async fn add(browser: &mut Browser<'_>, id: &str, name: &str, lifetime: &str) -> Reply {
    let page = browser.get(&format!("/developer/apps/{id}")).await;
    let draft = page.hidden("draft").unwrap_or_default();
    let fields = [("draft", draft.as_str()), ("secret_name", name), ("lifetime", lifetime)];
    browser.submit(&format!("/developer/apps/{id}/secrets"), &page, &fields).await
}

/// The id by which the page deletes the secret of a name.
fn named(page: &Reply, name: &str) -> String {
    let row =
        page.body.split("<li>").find(|row| row.contains(&format!("<bdi>{name}</bdi>"))).unwrap_or_default();
    Reply { body: row.to_owned(), ..page.clone() }.hidden("secret").unwrap_or_default()
}

async fn delete(browser: &mut Browser<'_>, id: &str, name: &str, confirm: &[(&str, &str)]) -> Reply {
    let page = browser.get(&format!("/developer/apps/{id}")).await;
    let secret = named(&page, name);
    let mut fields = vec![("secret", secret.as_str())];
    fields.extend(confirm);
    browser.submit(&format!("/developer/apps/{id}/secrets/delete"), &page, &fields).await
}

#[tokio::test]
async fn two_secrets_work_side_by_side_until_one_is_deleted() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let (id, old) = robot(&mut browser).await;
    let made = add(&mut browser, &id, "rotation", "365").await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (200, "no-store"));
    let new = secret_of(&made);
    assert!(new.len() == 43 && new != old);
    for secret in [&old, &new] {
        assert_eq!(machine(&app, &id, secret).await.status, 200, "both work");
    }
    let page = browser.get(&format!("/developer/apps/{id}")).await;
    assert!(!page.body.contains(&new) && page.words().contains("ends 21 November 2027"), "{}", page.words());
    let done = delete(&mut browser, &id, "first secret", &[]).await;
    assert_eq!(done.location(), format!("https://id.example/developer/apps/{id}?done=secret-deleted"));
    assert_eq!(machine(&app, &id, &old).await.refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(machine(&app, &id, &new).await.status, 200);
    let events: Vec<_> = app.records().await.into_iter().map(|record| record.event).collect();
    for event in [Event::ClientSecretAdded, Event::ClientSecretDeleted] {
        assert!(events.contains(&event), "{event:?}");
    }
}

#[tokio::test]
async fn a_secret_that_has_expired_is_refused_and_its_owner_is_told_why() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let (id, first) = robot(&mut browser).await;
    let short = secret_of(&add(&mut browser, &id, "short", "30").await);
    app.clock.advance(29 * 86_400);
    assert_eq!(machine(&app, &id, &short).await.status, 200);
    app.clock.advance(2 * 86_400);
    assert_eq!(machine(&app, &id, &short).await.refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(machine(&app, &id, &first).await.status, 200);
    let mut browser = signed_in(&app, "alice").await;
    let page = browser.get(&format!("/developer/apps/{id}")).await;
    let words = page.words();
    assert!(
        words.contains("The client secret has expired.") && words.contains("Make a new secret here"),
        "{words}"
    );
    assert!(!page.body.contains(&short) && !page.body.contains(&first));
    for lifetime in ["0", "-1", "x", "99999"] {
        assert_eq!(add(&mut browser, &id, "odd", lifetime).await.status, 400, "{lifetime}");
    }
}

#[tokio::test]
async fn a_form_for_a_secret_that_is_sent_twice_makes_one() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let (id, _) = robot(&mut browser).await;
    let path = format!("/developer/apps/{id}/secrets");
    let page = browser.get(&format!("/developer/apps/{id}")).await;
    let draft = page.hidden("draft").unwrap();
    let first = browser.submit(&path, &page, &[("draft", &draft)]).await;
    let second = browser.submit(&path, &page, &[("draft", &draft)]).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 303));
    assert_eq!(app.server.client(&id).await.unwrap().unwrap().secrets.len(), 2);
    assert!(!browser.follow(second).await.body.contains(&secret_of(&first)));
}

#[tokio::test]
async fn the_last_secret_that_works_goes_only_if_that_is_meant() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let (id, secret) = robot(&mut browser).await;
    let asked = delete(&mut browser, &id, "first secret", &[]).await;
    assert!(asked.status == 409 && asked.words().contains("Delete its last secret?"), "{}", asked.words());
    assert_eq!(machine(&app, &id, &secret).await.status, 200, "it is still there");
    let done = delete(&mut browser, &id, "first secret", &[("confirm", "yes")]).await;
    assert_eq!(done.status, 303);
    assert_eq!(machine(&app, &id, &secret).await.status, 401);
}

#[tokio::test]
async fn names_of_secrets_are_told_apart_and_there_is_a_most() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let (id, _) = robot(&mut browser).await;
    let refused = add(&mut browser, &id, "first secret", "").await;
    assert!(
        refused.status == 400 && refused.words().contains("give the new one another"),
        "{}",
        refused.words()
    );
    let refused = add(&mut browser, &id, &"n".repeat(61), "").await;
    assert_eq!((refused.status.as_u16(), refused.field("secret_name")), (400, Some("n".repeat(61))));
    for _ in 1..10 {
        assert_eq!(add(&mut browser, &id, "", "").await.status, 200);
    }
    assert_eq!(add(&mut browser, &id, "", "").await.status, 400);
    let spa = [("name", "Spa"), ("kind", "browser"), ("redirect_uris", "https://s.example/cb")];
    let public = id_of(&register(&mut browser, &spa).await);
    let page = browser.get("/developer/new").await;
    let refused = browser.submit(&format!("/developer/apps/{public}/secrets"), &page, &[]).await;
    assert!(refused.status == 400, "a public application has no secret");
}

#[tokio::test]
async fn refusals_and_uses_reach_every_node_and_outlive_a_restart_and_hold_no_secret() {
    let mut app = world().await;
    let (id, secret) = {
        let mut browser = signed_in(&app, "alice").await;
        let (id, secret) = registered(&mut browser, "Printer").await;
        for _ in 0..3 {
            let fields = [
                ("grant_type", "authorization_code"),
                ("client_id", id.as_str()),
                ("client_secret", secret.as_str()),
                ("code", "vk_ac_never-was-a-code-of-ours"),
                ("redirect_uri", "https://printer.example/cb"),
            ];
            assert_eq!(app.post("/oauth/token", None, &fields).await.status, 400);
        }
        let wrong = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", "wrong-secret-0123456789"),
        ];
        app.post("/oauth/token", None, &wrong).await;
        let link = format!(
            "/oauth/authorize?response_type=code&client_id={id}&redirect_uri=https%3A%2F%2Fprinter.example%2Fcb%2F%3Ftoken%3Dhush"
        );
        assert_eq!(app.get(&link).await.status, 400);
        (id, secret)
    };
    let before = app.server.store.failures(&id.as_str().into(), 20).await.unwrap();
    assert!(before.is_empty(), "no write per request");
    app.server.write_notes().await.unwrap();
    app.restart().await;
    let mut browser = signed_in(&app, "alice").await;
    let page = browser.get(&format!("/developer/apps/{id}")).await;
    let words = page.words();
    for said in [
        "invalid_grant",
        "3 times",
        "invalid_client",
        "The client secret is none of this application's.",
        "It sent https://printer.example/cb/",
        "Compare it letter by letter",
        "last used just now",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    for secret in [secret.as_str(), "never-was-a-code", "hush", "wrong-secret"] {
        assert!(!page.body.contains(secret), "{secret}");
    }
    let others = browser.get("/developer").await.words();
    assert!(!others.contains("invalid_grant"));
}

#[tokio::test]
async fn what_is_sent_in_a_clients_name_makes_no_more_rows_than_there_are_sorts() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut browser, "Printer").await;
    for n in 0..50 {
        let link = format!(
            "/oauth/authorize?response_type=code&client_id={id}&redirect_uri=https%3A%2F%2Fevil.example%2F{n}"
        );
        app.get(&link).await;
    }
    app.server.write_notes().await.unwrap();
    let failures = app.server.store.failures(&id.as_str().into(), 100).await.unwrap();
    assert_eq!(failures.iter().map(|failure| failure.count).collect::<Vec<_>>(), [50]);
}

const BOUNDARY: &str = "----vk-boundary";

fn png(side: u32) -> Vec<u8> {
    let sides = [side.to_be_bytes(), side.to_be_bytes()].concat();
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &sides, b"\x08\x06\0\0\0"].concat()
}

/// Uploads a file as a browser does.
async fn upload(app: &TestApp, browser: &Browser<'_>, id: &str, csrf: &str, file: &[u8]) -> Reply {
    let mut body = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n")
        .into_bytes();
    body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n").into_bytes());
    body.extend(file);
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
    let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    app.call("POST", &format!("/developer/apps/{id}/logo"))
        .header("cookie", &cookies.join("; "))
        .header("sec-fetch-site", "same-origin")
        .body(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
        .send()
        .await
}

#[tokio::test]
async fn a_picture_is_what_its_bytes_say_and_comes_from_our_own_origin() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let (id, _) = registered(&mut browser, "Printer").await;
    let csrf = browser.get("/developer/new").await.hidden("csrf").unwrap();
    for (what, bytes, said) in [
        ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "an SVG can carry scripts"),
        ("a page", b"<!doctype html><script>alert(1)</script>".to_vec(), "is a PNG, JPEG or WebP"),
        ("nothing", Vec::new(), "is a PNG, JPEG or WebP"),
        ("too many bytes", [png(8), vec![0; 100 * 1024]].concat(), "at most 100 KiB"),
        ("too many pixels", png(5000), "at most 2048 pixels"),
    ] {
        let refused = upload(&app, &browser, &id, &csrf, &bytes).await;
        assert!(refused.status == 400 && refused.words().contains(said), "{what}: {}", refused.words());
    }
    assert_eq!(upload(&app, &browser, &id, &csrf, &vec![0; 500_000]).await.status, 413);
    assert_error_page(&upload(&app, &browser, &id, "x", &png(8)).await, 403, "We cannot tell", "no proof");
    let done = upload(&app, &browser, &id, &csrf, &png(8)).await;
    assert_eq!(done.location(), format!("https://id.example/developer/apps/{id}/edit?done=logo"));
    let page = browser.get(&format!("/developer/apps/{id}")).await;
    let path = page
        .body
        .split("src=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap()
        .replace("&#x2f;", "/");
    let logo = app.get(&path).await;
    let headers = ["content-type", "x-content-type-options"].map(|name| logo.header(name));
    assert_eq!((logo.status.as_u16(), headers), (200, ["image/png", "nosniff"]));
    assert!(logo.header("content-security-policy").contains("default-src 'none'"));
    let mut bob = app.browser();
    let fields = [
        ("client_id", id.as_str()),
        ("redirect_uri", "https://printer.example/cb"),
        ("response_type", "code"),
        ("code_challenge", valetkey_testkit::CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let login = bob.authorize(&fields).await;
    let consent = bob.log_in(&login, "bob", valetkey_testkit::PASSWORD).await;
    assert!(consent.body.replace("&#x2f;", "/").contains(&path), "the consent page shows it");
    let bobs = bob.get("/developer/new").await.hidden("csrf").unwrap();
    assert_eq!(upload(&app, &bob, &id, &bobs, &png(9)).await.status, 404, "not his");
}
