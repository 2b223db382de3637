//! A reverse proxy asks first: only one that is known, and only if it says what about. And a real nginx that does.

use crate::support::World;
use crate::visitor::{Browser, FETCHES, OPENS, here};
use crate::wire::Reply;
use std::process::{Child, Command, Stdio};

const TRUSTED: (&str, &str) = ("VALETKEY__HTTP__TRUSTED_PROXIES", "[\"127.0.0.1\"]");

/// What each proxy sends about a request.
fn ask(world: &World, proxy: &str, (method, target): (&str, &str), further: &str) -> Reply {
    match proxy {
        "nginx" => world.get(
            "/forward-auth/nginx",
            &format!("X-Original-Method: {method}\r\nX-Original-URI: {target}\r\n{further}"),
        ),
        "envoy" => world.send(
            format!("{method} /forward-auth/envoy{target} HTTP/1.1\r\nHost: x\r\n{further}Connection: close\r\n\r\n").as_bytes(),
        ),
        _ => world.get(
            &format!("/forward-auth/{proxy}"),
            &format!("X-Forwarded-Method: {method}\r\nX-Forwarded-Uri: {target}\r\n{further}"),
        ),
    }
}

const PROXIES: [&str; 4] = ["nginx", "traefik", "caddy", "envoy"];

#[test]
fn every_proxy_gets_the_gateways_decision() {
    let world = World::start_with(&["GET /open/{*rest} read", "* /admin/{*rest} write"], &[TRUSTED], &[]);
    let bearer = format!("Authorization: Bearer {}\r\n", world.token("read"));
    for proxy in PROXIES {
        for (method, target, header, want) in [
            ("GET", "/things/open/x?a=b", &*bearer, 200),
            ("HEAD", "/things/open/x", &bearer, 200),
            ("GET", "/things/open/x", "", 401),
            ("GET", "/things/open/x", "Authorization: Bearer x\r\n", 401),
            ("GET", "/things/admin/x", &bearer, 403),
            ("POST", "/things/open/x", &bearer, 403),
            ("get", "/things/open/x", &bearer, 405),
            ("GET", "/things/open/../admin/x", &bearer, 400),
            ("GET", "/things/open/%2e%2e/admin/x", &bearer, 400),
            ("GET", "/things/open//x", &bearer, 400),
            ("GET", "/other/x", &bearer, 403),
            ("GET", "/", &bearer, 403),
        ] {
            let reply = ask(&world, proxy, (method, target), header);
            let want = if proxy == "nginx" && want != 200 && want != 401 { 403 } else { want };
            // The answer to a HEAD has no body, whatever it says.
            assert_eq!(reply.status, want, "{proxy} {method} {target}: {reply:?}");
            if want == 200 {
                assert_eq!(reply.header("remote-client"), Some("demo-service"), "{proxy}");
                assert_eq!(reply.header("remote-user"), Some(""), "overwrites what a caller said: {proxy}");
                assert!(reply.header("remote-identity").is_some_and(|jwt| jwt.starts_with("ey")), "{proxy}");
            }
            if want == 401 {
                assert!(
                    reply.header("www-authenticate").is_some_and(|c| c.contains("resource_metadata")),
                    "{proxy}"
                );
            }
        }
    }
}

#[test]
fn a_stranger_or_a_proxy_that_does_not_say_what_it_asks_is_never_let_through() {
    let stranger = World::start(&[]);
    let bearer = format!("Authorization: Bearer {}\r\n", stranger.token("read"));
    for proxy in PROXIES {
        let reply = ask(&stranger, proxy, ("GET", "/things/x"), &bearer);
        assert_eq!(reply.status, 403, "{proxy}: loopback is not trusted unless it is configured");
        let spoofed =
            ask(&stranger, proxy, ("GET", "/things/x"), &format!("{bearer}X-Forwarded-For: 127.0.0.1\r\n"));
        assert_eq!(spoofed.status, 403, "{proxy}");
    }
    let world = World::start_with(&[], &[TRUSTED], &[]);
    let bearer = format!("Authorization: Bearer {}\r\n", world.token("read"));
    for (path, headers) in [
        ("/forward-auth/nginx", ""),
        ("/forward-auth/nginx", "X-Original-URI: /things/x\r\n"),
        ("/forward-auth/nginx", "X-Original-Method: GET\r\n"),
        ("/forward-auth/nginx", "X-Original-Method: GET\r\nX-Original-URI: \r\n"),
        (
            "/forward-auth/nginx",
            "X-Original-Method: GET\r\nX-Original-URI: /things/x\r\nX-Original-URI: /things/y\r\n",
        ),
        ("/forward-auth/nginx", "X-Original-Method: GET\r\nX-Original-URI: http://x/things/x\r\n"),
        ("/forward-auth/nginx", "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /things/x\r\n"),
        ("/forward-auth/traefik", "X-Original-Method: GET\r\nX-Original-URI: /things/x\r\n"),
        ("/forward-auth/caddy", "X-Forwarded-Uri: /things/x\r\n"),
        ("/forward-auth/envoy", ""),
        ("/forward-auth/envoythings/x", ""),
        ("/forward-auth/", ""),
        ("/forward-auth/other", "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /things/x\r\n"),
    ] {
        let reply = world.get(path, &format!("{bearer}{headers}"));
        assert!((400..=404).contains(&reply.status), "{path} {headers:?}: {reply:?}");
    }
}

#[test]
fn a_token_in_the_query_is_none_where_nobody_can_take_it_out() {
    let world = World::start_with(&[], &[TRUSTED], &["--compat", "query_access_token"]);
    let token = world.token("read");
    assert_eq!(world.get(&format!("/things/x?access_token={token}"), "").status, 200, "the gateway can");
    for proxy in PROXIES {
        let reply = ask(&world, proxy, ("GET", &format!("/things/x?access_token={token}")), "");
        assert_eq!(reply.status, 401, "{proxy}: {reply:?}");
    }
}

#[test]
fn a_person_in_a_browser_is_sent_to_sign_in_by_every_proxy_that_hands_answers_on() {
    let world =
        World::start_with(&["GET /open/{*rest} read", "POST /open/{*rest} read"], &[TRUSTED], &["--browser"]);
    let mut browser = Browser::default();
    assert_eq!(browser.arrive(&world, "/things/open/x").status, 200);
    let cookies = browser.header("/things/open/x");
    assert!(cookies.contains("theme=dark") && cookies.contains("vk_session"), "{cookies}");
    for proxy in PROXIES {
        let reply = ask(&world, proxy, ("GET", "/things/open/x?a=b"), OPENS);
        let want = if proxy == "nginx" { 401 } else { 303 };
        assert_eq!(reply.status, want, "{proxy}: {reply:?}");
        if want == 303 {
            assert!(here(&world, &reply).starts_with("/login?i="), "{proxy}: {reply:?}");
        }
        assert_eq!(ask(&world, proxy, ("GET", "/things/open/x"), FETCHES).status, 401, "{proxy}");
        let reply = ask(&world, proxy, ("GET", "/things/open/x"), &cookies);
        assert_eq!((reply.status, reply.header("cookie")), (200, Some("theme=dark")), "{proxy}: {reply:?}");
        assert!(
            reply.header("remote-user").is_some_and(|user| user.starts_with("usr_")),
            "{proxy}: {reply:?}"
        );
        let forged = ask(
            &world,
            proxy,
            ("POST", "/things/open/x"),
            &format!("{cookies}Origin: https://evil.example\r\n"),
        );
        assert_eq!(forged.status, 403, "{proxy}: {forged:?}");
        let own = format!("{cookies}Origin: {}\r\n", world.issuer);
        assert_eq!(ask(&world, proxy, ("POST", "/things/open/x"), &own).status, 200, "{proxy}");
        let out = ask(&world, proxy, ("POST", "/things/.valetkey/sign-out"), &own);
        assert_eq!(out.status, 403, "200 would let it through: {proxy}: {out:?}");
    }
}

pub(crate) struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// nginx in front of the upstream, with the printed snippet and nothing of ours besides; its directory and its address.
fn nginx(world: &World) -> (Nginx, tempfile::TempDir, String) {
    let snippet = world.cli(&["api", "show", "things", "--snippet", "nginx"]).unwrap();
    let snippet =
        snippet["snippet"].as_str().unwrap().replace(&world.issuer, &format!("http://{}", world.address));
    run_nginx("", &snippet)
}

/// A real nginx with one server, once it listens: how it listens (`ssl` or nothing) and what else stands in its block.
pub(crate) fn run_nginx(how: &str, block: &str) -> (Nginx, tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = directory.path().display();
    let configuration = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {at}/a; proxy_temp_path {at}/b; fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;
    server {{
        listen {listen} {how};
{block}
    }}
}}"
    );
    std::fs::write(directory.path().join("nginx.conf"), configuration).unwrap();
    let child = Command::new("/usr/sbin/nginx")
        .args(["-p", directory.path().to_str().unwrap(), "-e", "error.log", "-c", "nginx.conf"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("nginx-light, which scripts/test installs: {error}"));
    let nginx = Nginx(child);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while std::net::TcpStream::connect(listen).is_err() {
        let log = std::fs::read_to_string(directory.path().join("error.log")).unwrap_or_default();
        assert!(std::time::Instant::now() < deadline, "nginx did not start: {log}");
    }
    (nginx, directory, listen.to_string())
}

#[test]
fn nginx_with_the_printed_snippet_sends_browsers_to_sign_in() {
    let world = World::start_with(&["GET /open/{*rest} read"], &[TRUSTED], &["--browser"]);
    let (_nginx, _directory, listen) = nginx(&world);
    let sent = World::send_to(&listen, "/things/open/x?a=b", OPENS);
    assert_eq!((sent.status, world.upstream.received()), (303, 0), "{sent:?}");
    assert!(here(&world, &sent).starts_with("/login?i="), "{sent:?}");
    let refused = World::send_to(&listen, "/things/open/x", FETCHES);
    assert_eq!(refused.status, 401, "{refused:?}");
    assert!(refused.header("www-authenticate").is_some_and(|c| c.starts_with("Bearer")), "{refused:?}");
    let mut browser = Browser::default();
    browser.arrive(&world, "/things/open/x");
    let reply =
        World::send_to(&listen, "/things/open/x", &format!("{OPENS}{}", browser.header("/things/open/x")));
    let said = reply.body.to_lowercase();
    assert!(reply.status == 200 && said.contains("remote-user: usr_"), "{reply:?}");
    assert!(said.contains("cookie: theme=dark") && !said.contains("vk_"), "our cookies stay here: {said}");
}

#[test]
fn nginx_with_the_printed_snippet_protects_the_upstream() {
    let world = World::start_with(&["GET /open/{*rest} read", "* /admin/{*rest} write"], &[TRUSTED], &[]);
    let (_nginx, _directory, listen) = nginx(&world);
    let token = world.token("read");
    let through = |target: &str, headers: &str| World::send_to(&listen, target, headers);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let reply =
        through("/things/open/x?q=1", &format!("{bearer}Remote-User: forged\r\nRemote_User: forged\r\n"));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.body.starts_with("GET /open/x?q=1 HTTP/1.1\r\n"), "{}", reply.body);
    let said = reply.body.to_lowercase();
    assert!(said.contains("remote-client: demo-service") && !said.contains("forged"), "{said}");
    assert!(!reply.body.contains(&token), "{}", reply.body);
    let before = world.upstream.received();
    for (target, headers, want) in [
        ("/things/open/x", "", 401),
        ("/things/open/x", "Authorization: Bearer x\r\n", 401),
        ("/things/admin/x", &*bearer, 403),
        ("/things/open/../admin/x", &bearer, 403),
        ("/things/open/%2e%2e/admin/x", &bearer, 403),
        ("/things/open/..%2fadmin/x", &bearer, 403),
        ("/things//open/x", &bearer, 403),
        ("/things/Admin/x", &bearer, 403),
    ] {
        let reply = through(target, headers);
        assert_eq!(reply.status, want, "{target}: {reply:?}");
        if want == 401 {
            assert!(reply.header("www-authenticate").is_some_and(|c| c.starts_with("Bearer")), "{reply:?}");
        }
    }
    assert_eq!(world.upstream.received(), before);
}
