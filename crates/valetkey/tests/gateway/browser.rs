//! Browser mode: a person signs in and comes back; no token in the browser, no page of another origin in their name.

use crate::support::World;
use crate::visitor::{ALICE, Browser, FETCHES, OPENS, here};

fn world() -> World {
    World::start_with(
        &["GET /open/{*rest} read", "POST /open/{*rest} read", "GET /events read"],
        &[],
        &["--browser"],
    )
}

#[test]
fn a_person_signs_in_comes_back_and_the_upstream_is_told_who() {
    let world = world();
    let mut browser = Browser::default();
    let sent = browser.open(&world, "/things/open/a%20b?q=1&to=%2F");
    assert_eq!((sent.status, world.upstream.received()), (303, 0), "{sent:?}");
    let login = here(&world, &sent);
    assert!(login.starts_with("/login?i=vk_in_"), "{login}");
    let page = browser.open(&world, &login);
    assert!(page.body.contains("Things"), "the page says where it leads: {}", page.body);
    let reply = browser.arrive(&world, "/things/open/a%20b?q=1&to=%2F");
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.body.starts_with("GET /open/a%20b?q=1&to=%2F HTTP/1.1\r\n"), "{}", reply.body);
    for said in ["remote-user: usr_", "remote-client: browser:things\r\n", "remote-scopes: read write\r\n"] {
        assert!(reply.body.contains(said), "{said}: {}", reply.body);
    }
    assert!(reply.body.contains("remote-identity: ey"), "{}", reply.body);
    assert!(!reply.body.to_lowercase().contains("vk_"), "neither cookie nor token goes on: {}", reply.body);
    let kept = format!("{:?}", browser.cookies);
    assert!(!kept.contains("vk_at_") && !kept.contains("vk_rt_") && !kept.contains("eyJ"), "{kept}");
    let fetched = browser.fetch(&world, "/things/open/x");
    assert_eq!(fetched.status, 200, "scripts of its pages have the session too: {fetched:?}");
}

#[test]
fn rfc6265_section_5_1_4_the_cookie_is_for_the_prefix_and_out_of_scripts_reach() {
    let world = world();
    let mut browser = Browser::default();
    browser.arrive(&world, "/things/open/x");
    browser.cookies.retain(|(_, path), _| path == "/");
    let reply = browser.open(&world, "/things/open/x");
    assert_eq!(reply.status, 303, "signed in: straight back, with the cookie");
    assert_eq!(here(&world, &reply), "/things/open/x");
    let cookies: Vec<&str> = reply
        .head
        .lines()
        .filter(|line| line.to_lowercase().starts_with("set-cookie: vk_api_things="))
        .collect();
    let [cookie] = cookies[..] else { panic!("{}", reply.head) };
    for attribute in ["; Path=/things;", "; HttpOnly", "; SameSite=Lax", "; Max-Age="] {
        assert!(cookie.contains(attribute), "{attribute}: {cookie}");
    }
    assert!(reply.header("cache-control").is_some_and(|said| said.contains("no-store")), "{}", reply.head);
}

#[test]
fn without_a_session_only_opening_a_page_leads_to_the_login() {
    let world = world();
    for headers in [
        FETCHES,
        "",
        "Accept: application/json\r\n",
        "Accept: text/html\r\nSec-Fetch-Mode: cors\r\n",
        "Accept: text/html\r\nX-Requested-With: XMLHttpRequest\r\n",
        "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        "Accept: text/html\r\nAuthorization: Bearer x\r\n",
        "Accept: text/html\r\nAuthorization: Basic eDp5\r\n",
    ] {
        let reply = Browser::default().send(&world, "GET /things/open/x", headers, "");
        assert_eq!(reply.status, 401, "{headers}: {reply:?}");
        assert!(
            reply.header("www-authenticate").is_some_and(|said| said.contains("resource_metadata")),
            "{reply:?}"
        );
    }
    for line in ["POST /things/open/x", "HEAD /things/open/x", "DELETE /things/open/x"] {
        let reply = Browser::default().send(&world, line, OPENS, "");
        assert_eq!(reply.status, 401, "{line}: {reply:?}");
    }
    let plain = Browser::default().send(&world, "GET /things/open/x", "Accept: text/html\r\n", "");
    assert_eq!(plain.status, 303, "browsers that do not say more are browsers");
    assert_eq!(world.upstream.received(), 0);
    let closed = World::start(&[]);
    assert_eq!(Browser::default().open(&closed, "/things/x").status, 401, "the API did not opt in");
}

#[test]
fn rfc9110_section_9_2_1_what_changes_something_must_come_from_our_own_origin() {
    let world = world();
    let mut browser = Browser::default();
    browser.arrive(&world, "/things/open/x");
    let before = world.upstream.received();
    let own = format!("Origin: {}\r\n", world.issuer);
    for (headers, want) in [
        ("", 403),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
        ("Sec-Fetch-Site: none\r\n", 403),
        ("Origin: https://evil.example\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\nOrigin: https://evil.example\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        (&own, 200),
    ] {
        let reply = browser.send(&world, "POST /things/open/x", headers, "hello");
        assert_eq!(reply.status, want, "{headers}: {reply:?}");
    }
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \
                  dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n";
    let raw =
        format!("GET /things/open/x HTTP/1.1\r\nHost: x\r\n{}{socket}\r\n", browser.header("/things/open/x"));
    assert_eq!(
        world.send(raw.replace("Connection: Upgrade", "Connection: close, Upgrade").as_bytes()).status,
        403
    );
    assert_eq!(world.upstream.received(), before + 2);
    let following =
        browser.send(&world, "GET /things/open/x", &format!("{OPENS}Sec-Fetch-Site: cross-site\r\n"), "");
    assert_eq!(following.status, 200, "a link from elsewhere is followed");
}

#[test]
fn a_cookie_is_nothing_without_its_session_and_at_another_api() {
    let world = world();
    let upstream = world.upstream.url.clone();
    world
        .cli(&[
            "api",
            "create",
            "--id",
            "other",
            "--name",
            "O",
            "--prefix",
            "/other",
            "--upstream",
            &upstream,
            "--browser",
        ])
        .unwrap();
    world.follow("other");
    let mut alice = Browser::default();
    alice.arrive(&world, "/things/open/x");
    let note = alice.cookies[&("vk_api_things".to_owned(), "/things".to_owned())].clone();
    let session = alice.cookies[&("vk_session".to_owned(), "/".to_owned())].clone();
    let mut second = Browser::default();
    second.arrive(&world, "/things/open/x");
    let foreign = second.cookies[&("vk_session".to_owned(), "/".to_owned())].clone();
    let (rest, last) = note.split_at(note.len() - 1);
    let forged = format!("{rest}{}", if last == "A" { "Q" } else { "A" });
    for (target, cookies, want) in [
        ("/things/open/x", format!("vk_api_things={note}; vk_session={session}"), 200),
        ("/things/open/x", format!("vk_api_things={note}"), 401),
        ("/things/open/x", format!("vk_session={session}"), 401),
        ("/things/open/x", format!("vk_api_things={note}; vk_session={foreign}"), 401),
        ("/things/open/x", format!("vk_api_things={forged}; vk_session={session}"), 401),
        ("/things/open/x", format!("vk_api_things={note}; vk_api_things={note}; vk_session={session}"), 401),
        ("/things/open/x", format!("vk_api_things={session}; vk_session={session}"), 401),
        ("/other/x", format!("vk_api_other={note}; vk_session={session}"), 401),
        ("/other/x", format!("vk_api_things={note}; vk_session={session}"), 401),
    ] {
        let reply = world.get(target, &format!("Cookie: {cookies}\r\n{FETCHES}"));
        assert_eq!(reply.status, want, "{target} {cookies}: {reply:?}");
    }
    let as_token = world.get_with("/things/open/x", &note);
    assert_eq!(as_token.status, 401, "the cookie is no token");
}

#[test]
fn the_session_ends_with_a_sign_out_a_revocation_and_the_account() {
    let world = world();
    for ending in ["account", "path", "cli", "disabled"] {
        let mut browser = Browser::default();
        assert_eq!(browser.arrive(&world, "/things/open/x").status, 200, "{ending}");
        let mut stolen = browser.clone();
        match ending {
            "account" => {
                let page = browser.open(&world, "/account");
                let form =
                    page.body.split("/account/sign-out").nth(1).unwrap().split("</form>").next().unwrap();
                assert_eq!(browser.post(&world, "/account/sign-out", form, "").status, 200);
            }
            "path" => {
                let path = "POST /things/.valetkey/sign-out";
                for headers in ["", "Sec-Fetch-Site: cross-site\r\n", "Origin: https://evil.example\r\n"] {
                    assert_eq!(browser.send(&world, path, headers, "").status, 403, "{headers}");
                }
                assert_eq!(browser.open(&world, "/things/.valetkey/sign-out").status, 405);
                assert_eq!(browser.fetch(&world, "/things/open/x").status, 200, "nothing ended yet");
                let gone = browser.send(&world, path, "Sec-Fetch-Site: same-origin\r\n", "");
                assert!(gone.status == 200 && gone.body.contains("signed out"), "{gone:?}");
                assert!(!format!("{:?}", browser.cookies).contains("vk_session"), "{:?}", browser.cookies);
            }
            "cli" => {
                let sessions = world.cli(&["session", "list", "--user", "alice"]).unwrap();
                for session in sessions.as_array().unwrap() {
                    world.cli(&["session", "revoke", session["id"].as_str().unwrap()]).unwrap();
                }
            }
            _ => drop(world.cli(&["user", "disable", "alice"]).unwrap()),
        }
        assert_eq!(stolen.fetch(&world, "/things/open/x").status, 401, "{ending}");
        assert_eq!(stolen.open(&world, "/things/open/x").status, 303, "{ending}");
    }
}

#[test]
fn rules_and_scopes_hold_in_a_browser_too() {
    let world = World::start_with(
        &["GET /open/{*rest} read", "* /admin/{*rest} write"],
        &[],
        &["--browser", "--browser-scope", "read"],
    );
    let mut browser = Browser::default();
    let reply = browser.arrive(&world, "/things/open/x");
    assert!(reply.body.contains("remote-scopes: read\r\n"), "{}", reply.body);
    for (target, want) in [
        ("/things/admin/x", 403),
        ("/things/unknown", 403),
        ("/things/open/../admin/x", 400),
        ("/things/open/%2e%2e/admin/x", 400),
        ("/things//open/x", 400),
        ("/things/Admin/x", 403),
    ] {
        assert_eq!(browser.open(&world, target).status, want, "{target}");
    }
    let forged =
        browser.send(&world, "GET /things/open/x", "Remote-User: root\r\nRemote_Scopes: write\r\n", "");
    assert!(
        forged.status == 200 && !forged.body.contains("root") && !forged.body.contains(": write"),
        "{forged:?}"
    );
    let bearer = world.token("read write");
    assert_eq!(world.get_with("/things/admin/x", &bearer).status, 200, "tokens work beside");
    let both =
        browser.send(&world, "POST /things/admin/x", &format!("Authorization: Bearer {bearer}\r\n"), "");
    assert_eq!(both.status, 200, "a token needs no proof of origin");
    let bad = browser.send(&world, "GET /things/open/x", "Authorization: Bearer x\r\n", "");
    assert_eq!(bad.status, 401, "a bad token is not made good by a session");
    world.cli(&["api", "update", "things", "--browser", "false"]).unwrap();
    world.follow("switched-off");
    assert_eq!(browser.fetch(&world, "/things/open/x").status, 401, "taken back");
    let refusal = world.cli(&["api", "update", "things", "--browser-scope", "unknown"]).unwrap_err();
    assert!(refusal.contains("`unknown` is not a scope"), "{refusal}");
}

#[test]
fn a_sign_in_is_for_the_browser_it_began_in_and_leads_nowhere_else() {
    let world = world();
    let mut attacker = Browser::default();
    let login = here(&world, &attacker.open(&world, "/things/open/x"));
    let page = attacker.open(&world, &login);
    let mut victim = Browser::default();
    assert_ne!(victim.open(&world, &login).status, 200, "another browser does not even get the form");
    let posted = victim.post(&world, "/login", &page.body, ALICE);
    assert_ne!(posted.status, 303, "{posted:?}");
    assert!(!format!("{:?}", victim.cookies).contains("vk_session"), "{:?}", victim.cookies);
    for target in ["//evil.example/x", "/things//evil.example", "/things/..//evil.example", "/things\\evil"] {
        let reply = attacker.open(&world, target);
        assert!((400..=404).contains(&reply.status), "{target}: {reply:?}");
    }
    let tempting =
        "/things/open/x?to=https://evil.example/&redirect_uri=//evil.example&client_id=browser:things";
    assert_eq!(
        here(&world, &{
            let mut browser = Browser::default();
            browser.arrive(&world, "/things/open/x");
            browser.cookies.retain(|(_, path), _| path == "/");
            browser.open(&world, tempting)
        }),
        tempting
    );
    let long = format!("/things/open/x?{}", "a=1&".repeat(1000));
    let reply = attacker.arrive(&world, &long);
    assert!(
        reply.status == 403,
        "too long to come back to: the API's start, for which there is no rule: {reply:?}"
    );
    for client in ["browser:things", "browser%3Athings"] {
        let reply = attacker.open(
            &world,
            &format!("/oauth/authorize?response_type=code&client_id={client}&redirect_uri=https://evil.example&code_challenge=x"),
        );
        assert!(reply.status >= 400 && reply.header("location").is_none(), "{client}: {reply:?}");
    }
    let basic = world.post_token("grant_type=client_credentials&client_id=browser:things&client_secret=x");
    assert!(basic["access_token"].is_null(), "{basic}");
}

#[test]
fn where_addresses_must_be_proven_who_has_not_is_let_in_by_no_session_and_who_no_longer_has_is_out() {
    let demand = [("VALETKEY__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")];
    let world = World::start_with(&["GET /open/{*rest} read"], &demand, &["--browser"]);
    let prove = |proven: &str| world.cli(&["user", "update", "alice", "--email-verified", proven]).unwrap();
    prove("true");
    let mut browser = Browser::default();
    assert_eq!(browser.arrive(&world, "/things/open/x").status, 200);
    prove("false");
    assert_eq!(browser.fetch(&world, "/things/open/x").status, 401, "the cookies that it has");
    let sent = browser.open(&world, "/things/open/x");
    assert_eq!(sent.status, 303, "{sent:?}");
    let page = browser.open(&world, &here(&world, &sent));
    assert_eq!(page.status, 403, "{page:?}");
    assert!(page.body.contains("Your e-mail address is not confirmed yet"), "{}", page.body);
    prove("true");
    assert_eq!(browser.open(&world, "/things/open/x").status, 200);
}
