//! Every route there is: who may call it, by which methods, and what every answer carries
//!
//! `unauthorised` matches on the access class without a wildcard: a new class does not compile until it has its case, and
//! a new route of an old class is tried by what is here.

use crate::support::{assert_error_page, assert_refused, furnish, text};
use std::collections::BTreeSet;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::image::Image;
use valetkey_testkit::{Browser, CLIENT_SECRET, Call, TestApp};
use valetkey_web::router::{Access, FALLBACK, ROUTES, Route};

/// An address that the template matches.
pub(crate) async fn address(app: &TestApp, route: &Route) -> String {
    if route.path == "/assets/{file}" {
        let page = app.get("/login").await;
        let at = page.body.find("/assets/").unwrap();
        return page.body[at..].split('"').next().unwrap().to_owned();
    }
    if route.path == "/assets/{folder}/{file}" {
        return valetkey_web::pages::assets::ASSETS.console.main.path.clone();
    }
    if route.path == "/assets/logos/{file}" {
        return format!("/assets/logos/{}", picture().name());
    }
    route.path.replace("{client_id}", "app").replace("{upstream}", "corp")
}

/// The methods that a route answers, as its 405 says.
pub(crate) async fn methods(app: &TestApp, path: &str) -> BTreeSet<String> {
    let reply = app.call("BREW", path).send().await;
    assert_eq!(reply.status, 405, "{path}");
    let allow = reply.header("allow").split(',').map(|method| method.trim().to_owned());
    allow.filter(|method| !method.is_empty()).collect()
}

/// The call that should not succeed, and how it does not.
#[expect(clippy::too_many_lines, reason = "one arm for each class of access")]
async fn unauthorised(app: &TestApp, route: &Route, method: &str, path: &str) {
    let case = format!("{method} {path}");
    let case = case.as_str();
    let call = || app.call(method, path);
    match route.access {
        // Nobody is shut out; but nobody is recognised either.
        Access::Public => {
            let reply = call().send().await;
            // One leads on to another.
            let onwards = path == "/docs" && reply.location().ends_with("/console");
            assert_eq!(reply.status, if onwards { 303 } else { 200 }, "{case}");
            assert!(reply.cookies().is_empty(), "{case}");
        }
        Access::Request => {
            let reply = call().form(&[("client_id", "nobody")]).send().await;
            let words =
                if method == "GET" { "in a way that we do not understand" } else { "We do not know the app" };
            assert_error_page(&reply, 400, words, case);
        }
        Access::SignOut if method == "GET" => {
            let reply = call().send().await;
            crate::support::assert_page(&reply, 200, "You are signed out", case);
        }
        Access::SignOut => {
            let reply = call().form(&[("state", "x")]).send().await;
            let carried = reply.location().contains("/oauth/logout?request=vk_lr_");
            assert!(carried, "{case}: {}", reply.location());
        }
        Access::Client => unproven_client(&call, case).await,
        Access::ConfidentialClient => {
            unproven_client(&call, case).await;
            let public = [("token", "x"), ("client_id", "spa")];
            assert_refused(&call().form(&public).send().await, 401, "invalid_client", case);
        }
        Access::Bearer => {
            assert_eq!(call().send().await.status, 401, "{case}");
            let reply = call().bearer("vk_at_x").send().await;
            assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()), "{case}");
            let reply = call().basic("app", CLIENT_SECRET).send().await;
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{case}");
        }
        Access::Registration => {
            // Off, unless the operator opened it.
            let reply = call().body("application/json", "{}").send().await;
            assert_refused(&reply, 404, "invalid_request", case);
        }
        Access::Application => {
            for reply in [call().send().await, call().bearer("vk_at_x").send().await] {
                assert_eq!(reply.status, 401, "{case}");
                assert!(reply.header("www-authenticate").starts_with("Bearer"), "{case}");
                assert_eq!(reply.header("content-type"), "application/problem+json", "{case}");
            }
        }
        Access::Service => {
            // Off, unless the operator switched it on.
            for reply in [call().send().await, call().bearer("vk_at_x").send().await] {
                assert_eq!((reply.status.as_u16(), reply.json()["error"].is_string()), (404, true), "{case}");
            }
        }
        Access::RegistrationToken => {
            for token in ["", "x", CLIENT_SECRET] {
                let reply = call().bearer(token).body("application/json", "{}").send().await;
                assert_eq!(
                    reply.refusal(),
                    (401, "invalid_token".to_owned()),
                    "{case} {token}: {}",
                    reply.body
                );
            }
        }
        Access::Interaction => foreign_interaction(app, method, path, case).await,
        // Off, unless the operator lets people in.
        Access::SignUp => {
            let reply = call().form(&[("username", "carol")]).send().await;
            assert_error_page(&reply, 404, "There is no page here", case);
        }
        Access::UserCode if method == "GET" => {
            crate::support::assert_page(&call().send().await, 200, "Enter the code", case);
        }
        Access::UserCode => {
            let reply = call().form(&[("user_code", "BCDF-GHJK"), ("csrf", "x")]).send().await;
            crate::support::assert_page(&reply, 400, "This page was open for too long", case);
        }
        Access::Upstream => {
            let query = format!("{path}?code=x&state={}", "A".repeat(43));
            for reply in [call().send().await, app.get(&query).await] {
                crate::support::assert_page(&reply, 400, "This sign-in cannot go on", case);
            }
        }
        Access::Session => no_session(&call, path, case).await,
        Access::SetupLink => {
            let reply = call().form(&[("i", "x"), ("username", "root")]).send().await;
            crate::support::assert_page(&reply, 400, "This setup link has expired", case);
        }
        Access::Development => {
            let served = furnish(TestApp::builder()).await;
            assert_eq!(served.call(method, path).send().await.status, 404, "{case}: only in development");
            assert_eq!(call().send().await.status, 200, "{case}");
        }
        // No route in the table has these: the gateway's own tests ask the fallback.
        Access::Gateway | Access::Proxy => panic!("{case} is not for the table"),
    }
}

async fn unproven_client<'a>(call: &impl Fn() -> Call<'a>, case: &str) {
    let fields = [("grant_type", "client_credentials"), ("token", "x")];
    assert_refused(&call().form(&fields).send().await, 401, "invalid_client", case);
    let reply = call().basic("app", "wrong").form(&fields).send().await;
    assert_refused(&reply, 401, "invalid_client", case);
    assert!(!reply.header("www-authenticate").is_empty(), "{case}");
}

async fn no_session<'a>(call: &impl Fn() -> Call<'a>, path: &str, case: &str) {
    let reply = call().form(&[("client", "app"), ("session", "others")]).send().await;
    if matches!(path, "/account/sign-out" | "/oauth/logout/confirm") {
        assert_error_page(&reply, 403, "We cannot tell", case);
    } else {
        assert_eq!(reply.status.as_u16(), 303, "{case}");
        let there = reply.location();
        let back = there.strip_prefix("https://id.example/login");
        assert!(back.is_some_and(|rest| rest.is_empty() || rest.starts_with("?next=%2F")), "{case}: {there}");
    }
    let cookie = format!("__Host-vk_session={}", "A".repeat(43));
    let reply = call().header("cookie", &cookie).form(&[("client", "app")]).send().await;
    assert!(matches!(reply.status.as_u16(), 303 | 403), "{case}: {}", reply.status);
}

/// The interaction of another browser.
async fn foreign_interaction(app: &TestApp, method: &str, path: &str, case: &str) {
    let login = app.browser().authorize(&Browser::request("app", "read")).await;
    let i = login.hidden("i").unwrap();
    let words = "Your browser came without our cookie";
    if method == "GET" {
        assert_error_page(&app.get(&format!("{path}?i={i}")).await, 400, words, case);
    } else {
        let fields = [("i", &*i), ("username", "alice"), ("password", "x"), ("decision", "allow")];
        assert_error_page(&app.call(method, path).form(&fields).send().await, 400, words, case);
    }
}

/// The smallest picture there is, as far as it is looked at.
fn picture() -> Image {
    let head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
    Image::read(head).unwrap()
}

/// The world, with the routes of development and a picture.
pub(crate) async fn app() -> TestApp {
    let app = furnish(TestApp::builder().demo()).await;
    crate::device::tv(&app).await;
    crate::ciba::bank(&app).await;
    crate::upstream::provider(&app, "corp", "https://corp.example").await;
    let mut client = app.server.store.client(&"app".into()).await.unwrap().unwrap();
    client.listing.logo = Some(picture().name().to_owned());
    let record = app.cx().record(Event::ClientUpdated, Actor::Operator);
    app.server.store.set_logo(&client, Some(&picture()), &record).await.unwrap();
    app
}

#[tokio::test]
async fn every_route_refuses_an_unauthorised_call_in_its_own_way_and_changes_nothing() {
    let app = app().await;
    let before = app.rows().await;
    for route in &ROUTES {
        let path = address(&app, route).await;
        let methods = methods(&app, &path).await;
        for method in ["GET", "POST", "PUT", "DELETE"] {
            if methods.contains(method) {
                unauthorised(&app, route, method, &path).await;
                // Not to meet the pause of the one before.
                app.clock.advance(60);
            }
        }
    }
    let rows = app.rows().await;
    let changed: Vec<_> = rows.iter().filter(|(table, count)| before[*table] != **count).collect();
    assert!(changed.is_empty(), "{changed:?}");
}

#[tokio::test]
async fn an_address_that_is_not_a_route_is_nothing() {
    let app = app().await;
    for path in [
        "/oauth/token/",
        "/OAUTH/token",
        "//oauth/token",
        "/oauth//token",
        "/oauth/./token",
        "/x/../oauth/token",
        "/oauth%2Ftoken",
        "/admin",
        "/.git/config",
        "/assets/",
        "/assets/../Cargo.toml",
        "/assets/style.css",
    ] {
        let reply = app.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        let call = app.call("GET", path).header("accept", "text/html");
        assert_error_page(&call.send().await, 404, "There is no page here", path);
    }
    let reply = app.get("/nowhere").await;
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(text(&reply.json(), "request_id"), reply.header("x-request-id"));
}

#[tokio::test]
async fn a_further_path_is_the_same_endpoint() {
    let builder = TestApp::builder()
        .alias("token", "/token")
        .alias("authorize", "/authorize")
        .alias("revoke", "/revoke");
    let app = furnish(builder).await;
    let fields = [("grant_type", "client_credentials")];
    assert_eq!(app.post("/token", Some(("service", CLIENT_SECRET)), &fields).await.status, 200);
    assert_refused(&app.post("/token", None, &fields).await, 401, "invalid_client", "/token");
    assert_refused(&app.get("/token").await, 405, "invalid_request", "/token");
    assert_error_page(
        &app.get("/authorize?client_id=nobody").await,
        400,
        "We do not know the app",
        "/authorize",
    );
    let reply = app.post("/revoke", Some(("app", CLIENT_SECRET)), &[("token", "x")]).await;
    assert_eq!(reply.status, 200);
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(
        text(&metadata, "token_endpoint"),
        "https://id.example/oauth/token",
        "the metadata keep to the one"
    );
}

#[test]
fn the_table_and_the_fallback_name_each_path_once() {
    let mut paths: Vec<_> =
        ROUTES.iter().map(|route| route.path).chain(FALLBACK.map(|(path, _)| path)).collect();
    paths.sort_unstable();
    let count = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), count);
    for (path, access) in FALLBACK {
        assert!(matches!(access, Access::Public | Access::Proxy), "{path}");
    }
}
