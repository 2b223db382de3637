//! Alice signs in at the pages, so that there is a token with a user behind it.

use crate::support::World;
use crate::visitor::{ALICE, Browser};

/// An access token of alice for `demo-web`, with every scope that was asked for.
pub(crate) fn token(world: &World) -> String {
    let mut browser = Browser::default();
    let mut target = world.greeting["authorize_link"].as_str().unwrap().replace(&world.issuer, "");
    for _ in 0..8 {
        let reply = browser.open(world, &target);
        let answer = if reply.status == 200 {
            let (page, typed) =
                if target.starts_with("/login") { ("/login", ALICE) } else { ("/consent", "decision=allow") };
            browser.post(world, page, &reply.body, typed)
        } else {
            reply
        };
        assert_eq!(answer.status, 303, "{target}: {answer:?}");
        target = answer.header("location").unwrap().replace(&world.issuer, "");
        if let Some((_, rest)) = target.split_once("/dev/callback?code=") {
            return redeem(world, rest.split('&').next().unwrap());
        }
    }
    panic!("no code after eight steps: {target}");
}

fn redeem(world: &World, code: &str) -> String {
    let verifier = world.greeting["code_verifier"].as_str().unwrap();
    let callback = format!("{}/dev/callback", world.issuer);
    let form = format!(
        "grant_type=authorization_code&client_id=demo-web&client_secret=demo-web-secret-for-development-only&code={code}\
         &code_verifier={verifier}&redirect_uri={callback}"
    );
    let raw = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \
         {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let reply = world.send(raw.as_bytes());
    reply.json()["access_token"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

#[test]
fn a_rule_for_users_wants_a_user_and_the_upstream_is_told_who() {
    let world = World::start(&["GET /open/{*rest} read"]);
    world
        .cli(&[
            "endpoint", "create", "--api", "things", "--method", "GET", "--path", "/mine", "--scope", "read",
            "--user",
        ])
        .unwrap();
    world.follow("users");
    let (alone, alice) = (world.token("read"), token(&world));
    let refused = world.get_with("/things/mine", &alone);
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (403, Some("insufficient_scope")),
        "{refused:?}"
    );
    let reply = world.get("/things/mine", &format!("Authorization: Bearer {alice}\r\nRemote-User: root\r\n"));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.body.contains("remote-user: usr_") && !reply.body.contains("root"), "{}", reply.body);
    assert!(reply.body.contains("remote-client: demo-web\r\n"), "{}", reply.body);
    world.cli(&["user", "disable", "alice"]).unwrap();
    world.follow("disabled");
    assert_eq!(world.get_with("/things/mine", &alice).status, 401, "her tokens end with her account");
}
