//! Document 003: the "Authorization" guide

use crate::support::{App, CHALLENGE, Person, Service, VERIFIER, text};
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example/callback";

fn registered(service: &Service) -> App {
    service.app(&[
        "--redirect-uri",
        CALLBACK,
        "--website",
        "https://app.example/",
        "--description",
        "As registered",
    ])
}

// "An example POST request might look like the following:
// https://oauth.example.com/token?grant_type=client_credentials&client_id=CLIENT_ID&client_secret=CLIENT_SECRET"
fn token(service: &Service, app: &App) -> String {
    let App { id, secret } = app;
    let target = format!("/token?grant_type=client_credentials&client_id={id}&client_secret={secret}");
    text(&service.post(&target, "").good(), "access_token").to_owned()
}

fn patch(service: &Service, token: &str, body: &Value) -> crate::wire::Reply {
    let body = body.to_string();
    service.send(&format!(
        "PATCH /api/developer/v1/application HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

// "Examples of when this might be useful include if an application wants to update its registered description or redirect
// URI, or access other data stored in its service account via the API."
#[test]
fn with_its_own_token_an_application_updates_its_description_and_redirect_uri_and_reads_its_data() {
    let service = Service::start("service-account");
    let app = registered(&service);
    let token = token(&service, &app);
    let own = service.call("GET", "/api/developer/v1/application", &token).good();
    assert_eq!((text(&own, "client_id"), text(&own, "description")), (app.id.as_str(), "As registered"));
    let changes = json!({"description": "Better words", "redirect_uris": ["https://app.example/new"]});
    let after = patch(&service, &token, &changes).good();
    assert_eq!(
        (text(&after, "description"), &after["redirect_uris"][0]),
        ("Better words", &json!("https://app.example/new"))
    );
    assert_eq!(service.cli(&["client", "show", &app.id])["description"], "Better words");
    let reply = service.call("GET", "/v1/data", &token);
    assert!(reply.status == 200 && reply.body.contains(&app.id), "{reply:?}");
    // Nothing else, and nobody else's.
    assert_eq!(patch(&service, &token, &json!({"name": "Other"})).status, 400);
    let other = registered(&service);
    let others = text(
        &service.call("GET", "/api/developer/v1/application", &self::token(&service, &other)).good(),
        "client_id",
    )
    .to_owned();
    assert_eq!(others, other.id);
}

// "The redirect URI is where the service will redirect the user after they authorize (or deny) your application"
#[test]
fn approve_or_deny_comes_back_to_the_callback() {
    let service = Service::start("service-account");
    let app = registered(&service);
    let App { id, secret } = &app;
    let address = format!(
        "/authorize?response_type=code&client_id={id}&redirect_uri={CALLBACK}&scope=read&state=s1&{CHALLENGE}"
    );
    let came = Person { denies: true, ..Person::default() }.comes_back(&service, &address, CALLBACK, '?');
    assert_eq!((came["error"].as_str(), came["state"].as_str()), ("access_denied", "s1"));
    let came = Person::default().comes_back(&service, &address, CALLBACK, '?');
    let code = &came["code"];
    // The credentials may stand in the query for this grant too.
    let target = format!("/token?client_id={id}&client_secret={secret}");
    let body =
        format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}");
    let users = service.post(&target, &body).good();
    // A user's token is not the application's own.
    let reply = service.call("GET", "/api/developer/v1/application", text(&users, "access_token"));
    assert_eq!(reply.status, 403, "{reply:?}");
}

#[test]
fn an_application_that_is_registered_strictly_sends_its_secret_in_the_body() {
    let service = Service::start("service-account");
    let App { id, secret } = service.app(&["--strict", "--grant", "client_credentials"]);
    let query = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    service.post(&format!("/token?{query}"), "").refused(400, "invalid_request");
    assert_eq!(service.post("/token", &query).status, 200);
}
