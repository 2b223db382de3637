//! Document 001: Mastodon's "OAuth details"

use crate::support::{Person, Service, text};
use serde_json::{Value, json};

const OOB: &str = "urn:ietf:wg:oauth:2.0:oob";

/// "If you don't have the two, you need to register the application."
fn registered(service: &Service) -> (String, String) {
    let body = format!(
        "client_name=Reader&redirect_uris={OOB}&scopes=read%20write%20follow&website=https://reader.example"
    );
    let app = service.post("/api/v1/apps", &body).good();
    assert!(app["id"].is_string());
    (text(&app, "client_id").to_owned(), text(&app, "client_secret").to_owned())
}

/// The code on the page.
fn shown(person: &mut Person, service: &Service, address: &str) -> String {
    let page = person.open(service, address);
    assert_eq!(page.status, 200, "{page:?}");
    let code = page.body.split("vk_ac_").nth(1).unwrap_or_else(|| panic!("no code: {}", page.body));
    format!("vk_ac_{}", code.split('<').next().unwrap())
}

// 4. "tell the user to visit /oauth/authorize with parameters scope=read write follow (URL encode the space to %20, of
//    course), response_type=code, redirect_uri=urn:ietf:wg:oauth:2.0:oob …, client_id=<client_key>. … If the user clicks on
//    the right button, they get back a code. Store this code as your refresh_token. Go back to step #2."
// 2. "Refresh by visiting /oauth/token using a POST request with the parameters client_id=<client_key>,
//    client_secret=<client_secret>, grant_type=refresh_token, refresh_token=<refresh_token>. Save the access_token"
// 3. "verify credentials … add the HTTP header Authorization: Bearer <access_token>."
#[test]
fn the_steps_of_the_document() {
    let service = Service::start("mastodon");
    let (key, secret) = registered(&service);
    let address = format!(
        "/oauth/authorize?scope=read%20write%20follow&response_type=code&redirect_uri={OOB}&client_id={key}"
    );
    let stored = shown(&mut Person::default(), &service, &address);
    let refresh =
        format!("client_id={key}&client_secret={secret}&grant_type=refresh_token&refresh_token={stored}");
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let answer = service.post("/oauth/token", &refresh).good();
        assert_eq!(text(&answer, "scope"), "read write follow");
        let token = text(&answer, "access_token").to_owned();
        assert!(!tokens.contains(&token));
        let me = service.call("GET", "/api/v1/accounts/verify_credentials", &token).good();
        assert_eq!(text(&me, "acct"), "alice");
        tokens.push(token);
    }
    // A stale Bearer header beside the credentials is what libraries send.
    let stale = format!("Authorization: Bearer {}\r\n", tokens[0]);
    let kind = crate::support::FORM;
    assert_eq!(service.post_as("/oauth/token", kind, &stale, &refresh).status, 200);
    let wrong = refresh.replace(&secret, "wrong");
    service.post("/oauth/token", &wrong).refused(401, "invalid_client");
    let (other, others) = registered(&service);
    let stolen =
        format!("client_id={other}&client_secret={others}&grant_type=refresh_token&refresh_token={stored}");
    service.post("/oauth/token", &stolen).refused(400, "invalid_grant");
    let app = service.call("GET", "/api/v1/apps/verify_credentials", &tokens[0]).good();
    assert_eq!(app["name"], json!("Reader"));
}

#[test]
fn a_code_exchanged_as_ever_works_too_and_its_refresh_token_lasts() {
    let service = Service::start("mastodon");
    let (key, secret) = registered(&service);
    let own = format!("client_id={key}&client_secret={secret}");
    let address =
        format!("/oauth/authorize?scope=read&response_type=code&redirect_uri={OOB}&client_id={key}");
    let code = shown(&mut Person::default(), &service, &address);
    let body = format!("{own}&grant_type=authorization_code&code={code}&redirect_uri={OOB}");
    let answer = service.post("/oauth/token", &body).good();
    let refresh = text(&answer, "refresh_token");
    for _ in 0..2 {
        let next =
            service.post("/oauth/token", &format!("{own}&grant_type=refresh_token&refresh_token={refresh}"));
        assert_eq!(text(&next.good(), "refresh_token"), refresh);
    }
    service.post("/oauth/token", &body).refused(400, "invalid_grant");
}

// "If you do not specify a scope in your authorization request, the resulting access token will default to read access."
#[test]
fn no_scope_means_read() {
    let service = Service::start("mastodon");
    let (key, secret) = registered(&service);
    let address = format!("/oauth/authorize?response_type=code&redirect_uri={OOB}&client_id={key}");
    let code = shown(&mut Person::default(), &service, &address);
    let body =
        format!("client_id={key}&client_secret={secret}&grant_type=refresh_token&refresh_token={code}");
    assert_eq!(text(&service.post("/oauth/token", &body).good(), "scope"), "read");
}

#[test]
fn who_says_no_sees_a_page_and_an_application_may_have_an_address() {
    let service = Service::start("mastodon");
    let (key, _) = registered(&service);
    let address =
        format!("/oauth/authorize?scope=read&response_type=code&redirect_uri={OOB}&client_id={key}");
    let page = Person { denies: true, ..Person::default() }.open(&service, &address);
    assert!(page.status == 200 && !page.body.contains("vk_ac_"), "{}", page.body);
    let body: Value =
        json!({"client_name": "Web", "redirect_uris": ["https://web.example/cb", OOB], "scopes": "read"});
    let app = service.post_as("/api/v1/apps", "application/json", "", &body.to_string()).good();
    let key = text(&app, "client_id");
    let address = format!(
        "/oauth/authorize?scope=read&response_type=code&redirect_uri=https://web.example/cb&client_id={key}"
    );
    let came = Person { denies: true, ..Person::default() }.comes_back(
        &service,
        &address,
        "https://web.example/cb",
        '?',
    );
    assert_eq!(came["error"], "access_denied");
}

#[test]
fn an_application_that_is_registered_strictly_has_none_of_it() {
    let service = Service::start("mastodon");
    let app = service.app(&["--strict", "--redirect-uri", "https://web.example/cb"]);
    let address = format!(
        "/oauth/authorize?scope=read&response_type=code&redirect_uri=https://web.example/cb&client_id={}",
        app.id
    );
    let came = Person::default().comes_back(&service, &address, "https://web.example/cb", '?');
    assert_eq!(came["error"], "invalid_request", "PKCE");
    let came = Person::default().comes_back(
        &service,
        &format!("{address}&{}", crate::support::CHALLENGE),
        "https://web.example/cb",
        '?',
    );
    let (id, secret, code) = (&app.id, &app.secret, &came["code"]);
    let body = format!("client_id={id}&client_secret={secret}&grant_type=refresh_token&refresh_token={code}");
    service.post("/oauth/token", &body).refused(400, "invalid_grant");
}
