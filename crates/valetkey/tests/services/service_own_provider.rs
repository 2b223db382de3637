//! Document 004: a provider of your own

use crate::support::{ALICE, App, CHALLENGE, Person, Service, VERIFIER, text};

const CALLBACK: &str = "https://app.example/callback";

fn registered(service: &Service) -> App {
    service.app(&["--redirect-uri", CALLBACK, "--website", "https://app.example/"])
}

// "User credentials: the client application already has the user's login and password."
#[test]
fn user_credentials() {
    let service = Service::start("own-provider");
    let App { id, secret } = registered(&service);
    let (user, password) = ALICE;
    let body = format!(
        "grant_type=password&username={user}&password={password}&client_id={id}&client_secret={secret}"
    );
    let answer = service.post("/oauth/token", &body).good();
    assert_eq!(text(&answer, "scope"), "read-user-profile");
    // "An access token is basically an encrypted string"
    assert!(text(&answer, "access_token").starts_with("vk_at_"));
    assert_eq!(service.call("GET", "/profiles/me", text(&answer, "access_token")).status, 200);
    let wrong = body.replace(password, "wrong");
    service.post("/oauth/token", &wrong).refused(400, "invalid_grant");
}

// "Because a refresh token does not expire, it can be used obtain access tokens over and over again."
#[test]
fn refresh_tokens_over_and_over() {
    let service = Service::start("own-provider");
    let App { id, secret } = registered(&service);
    let own = format!("client_id={id}&client_secret={secret}");
    let (user, password) = ALICE;
    let body = format!("{own}&grant_type=password&username={user}&password={password}");
    let answer = service.post("/oauth/token", &body).good();
    let refresh = format!("{own}&grant_type=refresh_token&refresh_token={}", text(&answer, "refresh_token"));
    let mut tokens = vec![text(&answer, "access_token").to_owned()];
    for _ in 0..3 {
        let next = service.post("/oauth/token", &refresh).good();
        assert_eq!(next["refresh_token"], answer["refresh_token"]);
        assert!(!tokens.contains(&text(&next, "access_token").to_owned()));
        tokens.push(text(&next, "access_token").to_owned());
    }
    assert_eq!(service.post("/oauth/revoke", &format!("{own}&token={}", tokens[3])).status, 200);
    service.post("/oauth/token", &refresh).refused(400, "invalid_grant");
}

// request.get({ url: "", qs: { 'access_token' : 'axb2y-...' }}, function(req, res) { ... } );
#[test]
fn the_access_token_as_a_parameter_of_the_query() {
    let service = Service::start("own-provider");
    let App { id, secret } = registered(&service);
    let (user, password) = ALICE;
    let body = format!(
        "grant_type=password&username={user}&password={password}&client_id={id}&client_secret={secret}"
    );
    let token = text(&service.post("/oauth/token", &body).good(), "access_token").to_owned();
    let reply = service.get(&format!("/profiles/me?access_token={token}"), "");
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(!reply.body.contains(&token), "taken out before the request goes on: {}", reply.body);
    assert_eq!(service.get("/profiles/me?access_token=vk_at_x", "").status, 401);
}

// "access tokens issued by this flow can only access resources that aren't specific to a user"
#[test]
fn client_credentials() {
    let service = Service::start("own-provider");
    let App { id, secret } = registered(&service);
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let status = service.post("/oauth/token", &format!("{body}&scope=status")).good();
    assert_eq!(service.call("GET", "/status", text(&status, "access_token")).status, 200);
    let answer = service.post("/oauth/token", &format!("{body}&scope=read-user-profile")).good();
    assert_eq!(service.call("GET", "/profiles/me", text(&answer, "access_token")).status, 403);
    assert!(answer.get("refresh_token").is_none());
}

// "an application may request the "read-user-profile" scope … it would also request the "write-user-profile" scope … users
// can safely review (and possibly) deny access"
#[test]
fn the_authorization_code_and_scopes_that_are_denied_one_by_one() {
    let service = Service::start("own-provider");
    let App { id, secret } = registered(&service);
    let address = format!(
        "/oauth/authorize?response_type=code&client_id={id}&redirect_uri={CALLBACK}&scope=read-user-profile%20\
         write-user-profile%20mail&{CHALLENGE}"
    );
    let mut person = Person { declines: vec!["write-user-profile"], ..Person::default() };
    let came = person.comes_back(&service, &address, CALLBACK, '?');
    let body = format!(
        "grant_type=authorization_code&code={}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}&client_id={id}&client_secret={secret}",
        came["code"]
    );
    let answer = service.post("/oauth/token", &body).good();
    let mut scopes: Vec<_> = text(&answer, "scope").split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["mail", "read-user-profile"]);
    let token = text(&answer, "access_token");
    // "a single authorization server … multiple resource servers"
    assert_eq!(service.call("GET", "/profiles/me", token).status, 200);
    assert_eq!(service.call("GET", "/mail/inbox", token).status, 200);
    assert_eq!(service.call("PUT", "/profiles/me", token).status, 403);
    // It was not made for that one.
    assert_eq!(service.call("GET", "/calendar/today", token).status, 401);
}

#[test]
fn an_application_that_is_registered_strictly_has_none_of_it() {
    let service = Service::start("own-provider");
    let App { id, secret } = service.app(&["--strict", "--redirect-uri", CALLBACK]);
    let (user, password) = ALICE;
    let body = format!(
        "grant_type=password&username={user}&password={password}&client_id={id}&client_secret={secret}"
    );
    service.post("/oauth/token", &body).refused(400, "unauthorized_client");
}
