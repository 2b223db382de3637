//! Document 000: Tout's "Authentication Workflow"

use crate::support::{App, Person, Service, text};

const CALLBACK: &str = "https://io.example/docs";
const TWO_YEARS: i64 = 2 * 365 * 86_400;

fn registered(service: &Service) -> App {
    service.app(&["--redirect-uri", CALLBACK])
}

// "You'll want to make a POST request to and make sure to include the following URL query parameters: client_id,
// client_secret, grant_type": POST /oauth/token?client_id=…&client_secret=…&grant_type=client_credentials
#[test]
fn client_credentials_in_the_url_query() {
    let service = Service::start("tout");
    let App { id, secret } = registered(&service);
    let target = format!("/oauth/token?client_id={id}&client_secret={secret}&grant_type=client_credentials");
    let answer = service.post(&target, "").good();
    // "When you make the request … you'll get a response that contains a few attributes: access_token, expires_in, scope,
    // token_type"
    for name in ["access_token", "scope", "token_type"] {
        assert!(!text(&answer, name).is_empty(), "{answer}");
    }
    // "the access_token will last for 2 years"
    assert_eq!(answer["expires_in"], TWO_YEARS);
    let wrong = format!("/oauth/token?client_id={id}&client_secret=nope&grant_type=client_credentials");
    service.post(&wrong, "").refused(401, "invalid_client");
}

// -d client_id=2dde… -d client_secret=8796… -d grant_type=client_credentials
#[test]
fn client_credentials_by_curls_d() {
    let service = Service::start("tout");
    let App { id, secret } = registered(&service);
    let body = format!("client_id={id}&client_secret={secret}&grant_type=client_credentials");
    let answer = service.post("/oauth/token", &body).good();
    assert_eq!((text(&answer, "scope"), &answer["expires_in"]), ("read", &TWO_YEARS.into()));
    // "So now we have an access token we can make successful API read-only requests."
    let token = text(&answer, "access_token");
    assert_eq!(service.call("GET", "/v1/hashtags/rust/touts", token).status, 200);
    for (method, target) in [("POST", "/v1/touts"), ("POST", "/v1/touts/1/likes"), ("GET", "/v1/me/touts")] {
        assert_eq!(service.call(method, target, token).status, 403, "{method} {target}");
    }
    service.post("/oauth/token", &format!("{body}&scope=write")).refused(400, "invalid_scope");
}

// "response_type=token, client_id, redirect_uri, scope … if you include more than one you'll want to separate them with
// a +": GET /oauth/authorize?response_type=token&client_id=…&redirect_uri=…&scope=read+write+share+update_auth
#[test]
fn user_authentication_by_url_redirection() {
    let service = Service::start("tout");
    let App { id, secret } = registered(&service);
    let address = format!(
        "/oauth/authorize?response_type=token&client_id={id}&redirect_uri={CALLBACK}&scope=read+write+share+update_auth"
    );
    // "in the URL will be a fragment (#) followed by access_token=SOMEREALLYLONGSTRING"
    let mut person = Person::default();
    let came = person.comes_back(&service, &address, CALLBACK, '#');
    assert_eq!((came["token_type"].as_str(), came["expires_in"].as_str()), ("Bearer", "63072000"));
    let mut scopes: Vec<_> = came["scope"].split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["read", "share", "update_auth", "write"]);
    assert!(!came.contains_key("refresh_token"));
    let token = &came["access_token"];
    for (method, target) in [("POST", "/v1/touts"), ("GET", "/v1/me/touts"), ("POST", "/v1/users/7/follow")] {
        assert_eq!(service.call(method, target, token).status, 200, "{method} {target}");
    }
    // "Mixed Authentication Workflow": the same application, without its user.
    let query = format!("client_id={id}&client_secret={secret}&grant_type=client_credentials");
    assert_eq!(text(&service.post(&format!("/oauth/token?{query}"), "").good(), "scope"), "read");
    // "Very important notice: Make sure your redirect_uri matches exactly with the one you registered."
    for other in ["https://io.example/docs/", "https://io.example/docs?x=1", "https://io.example/"] {
        let reply = Person::default().open(&service, &address.replace(CALLBACK, other));
        assert_eq!((reply.status, reply.header("location")), (400, None), "{other}");
    }
}

#[test]
fn an_application_that_is_registered_strictly_has_none_of_it() {
    let service = Service::start("tout");
    let flags = [
        "--redirect-uri",
        CALLBACK,
        "--strict",
        "--grant",
        "client_credentials",
        "--grant",
        "authorization_code",
    ];
    let App { id, secret } = service.app(&flags);
    let query = format!("client_id={id}&client_secret={secret}&grant_type=client_credentials");
    service.post(&format!("/oauth/token?{query}"), "").refused(400, "invalid_request");
    assert_eq!(service.post("/oauth/token", &query).good()["expires_in"], 600);
    let address =
        format!("/oauth/authorize?response_type=token&client_id={id}&redirect_uri={CALLBACK}&scope=read");
    let came = Person::default().comes_back(&service, &address, CALLBACK, '?');
    assert_eq!(came["error"], "unsupported_response_type");
}
