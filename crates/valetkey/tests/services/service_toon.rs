//! Document 002: the ToonAPI's documentation

use crate::support::{App, Person, Service, text};

const CALLBACK: &str = "https://app.example/callback";

/// "During the client registration, the client will specify the application name and a callbackURL."
fn registered(service: &Service) -> App {
    service.app(&["--redirect-uri", CALLBACK])
}

// curl -v -k
//     https://api.toon.eu/authorize?response_type=code
//         &redirect_uri=(redirect_url)
//         &client_id=(client_id)
//         &tenant_id=(name of your utility, e.g eneco, viesgo)
fn code(service: &Service, app: &App, tenant: &str) -> String {
    let id = &app.id;
    let address =
        format!("/authorize?response_type=code&redirect_uri={CALLBACK}&client_id={id}&tenant_id={tenant}");
    let came = Person::default().comes_back(service, &address, CALLBACK, '?');
    came["code"].clone()
}

// curl -k -X POST
//     -H "Content-Type: application/x-www-form-urlencoded"
//     -d  "client_id=(client_id)
//         &client_secret=(client_secret)
//         &grant_type=authorization_code
//         &code=(code)"
//     https://api.toon.eu/token
fn exchange(app: &App, code: &str) -> String {
    let App { id, secret } = app;
    format!(
        "client_id={id}\n        &client_secret={secret}\n        &grant_type=authorization_code\n        &code={code}"
    )
}

// curl -k -X POST … -d "client_id=(client_id)
//         &client_secret=(client_secret)
//         &grant_type=refresh_token
//         &refresh_token=(refresh_token)"
fn refresh(app: &App, token: &str) -> String {
    let App { id, secret } = app;
    format!(
        "client_id={id}\n        &client_secret={secret}\n        &grant_type=refresh_token\n        &refresh_token={token}"
    )
}

#[test]
fn authorization_code_and_refresh_as_printed_over_several_lines_and_on_one() {
    let service = Service::start("toon");
    let app = registered(&service);
    for layout in [true, false] {
        let laid_out = |body: String| if layout { body } else { body.replace("\n        ", "") };
        let code = code(&service, &app, "eneco");
        let answer = service.post("/token", &laid_out(exchange(&app, &code))).good();
        // "The access tokens expire in 30 minutes … it will include the 'expires_in' field"
        assert_eq!(answer["expires_in"], 1800);
        let next = service.post("/token", &laid_out(refresh(&app, text(&answer, "refresh_token")))).good();
        // "You will need to send this token as header (Authorization: Bearer xxxxxxx) when invoking ToonAPI endpoints."
        let reply = service.call("GET", "/toon/v3/agreements", text(&next, "access_token"));
        assert!(reply.status == 200 && reply.body.contains("eneco"), "{reply:?}");
        assert_eq!(service.get("/toon/v3/agreements", "").status, 401);
    }
}

#[test]
fn tenant_id_picks_whose_customers_sign_in() {
    let service = Service::start("toon");
    let app = registered(&service);
    let mut subjects = Vec::new();
    for tenant in ["eneco", "viesgo"] {
        let code = code(&service, &app, tenant);
        let answer = service.post("/token", &exchange(&app, &code)).good();
        let echo = service.call("GET", "/toon/v3/agreements", text(&answer, "access_token")).body;
        assert!(echo.contains(&format!("\"{tenant}\"")), "{echo}");
        subjects.push(echo.split("usr_").nth(1).unwrap().split('"').next().unwrap().to_owned());
    }
    assert_ne!(subjects[0], subjects[1], "one name, two people");
    let id = &app.id;
    let address =
        format!("/authorize?response_type=code&redirect_uri={CALLBACK}&client_id={id}&tenant_id=nowhere");
    let came = Person::default().comes_back(&service, &address, CALLBACK, '?');
    assert_eq!(came["error"], "invalid_request");
}

// curl -v -k
//     https://api.toon.eu/authorize?response_type=token
//         &redirect_uri=(redirect_url)
//         &client_id=(client_id)
//         &tenant_id=
#[test]
fn implicit_where_the_client_secret_is_not_involved() {
    let service = Service::start("toon");
    for flags in [vec!["--redirect-uri", CALLBACK], vec!["--redirect-uri", CALLBACK, "--public"]] {
        let App { id, .. } = service.app(&flags);
        let address =
            format!("/authorize?response_type=token&redirect_uri={CALLBACK}&client_id={id}&tenant_id=");
        let came = Person::default().comes_back(&service, &address, CALLBACK, '#');
        assert_eq!(came["expires_in"], "1800");
        assert_eq!(
            service.call("GET", "/toon/v3/agreements", &came["access_token"]).status,
            200,
            "{flags:?}"
        );
        let other = address.replace(CALLBACK, "https://app.example/callback/");
        assert_eq!(Person::default().open(&service, &other).status, 400);
    }
}

// curl -v -k -X POST -H "Content-Type: application/x-www-form-urlencoded"
//     -d "token=(access_token)
//         &client_id=(client_id)
//         &client_secret=(client_secret)"
//     https://api.toon.eu/revoke
#[test]
fn revoking_the_access_token_invalidates_the_refresh_token_too() {
    let service = Service::start("toon");
    let app = registered(&service);
    let answer = service.post("/token", &exchange(&app, &code(&service, &app, "eneco"))).good();
    let (access, App { id, secret }) = (text(&answer, "access_token"), &app);
    let body = format!("token={access}\n        &client_id={id}\n        &client_secret={secret}");
    assert_eq!(service.post("/revoke", &body).status, 200);
    // "Once revoked, the access token and corresponding refresh token will be invalidated."
    assert_eq!(service.call("GET", "/toon/v3/agreements", access).status, 401);
    service.post("/token", &refresh(&app, text(&answer, "refresh_token"))).refused(400, "invalid_grant");
    // "a user or an admin can revoke it"
    let answer = service.post("/token", &exchange(&app, &code(&service, &app, "eneco"))).good();
    let access = text(&answer, "access_token");
    assert_eq!(service.call("GET", "/toon/v3/agreements", access).status, 200);
    let grants = service.cli(&["grant", "list"]);
    service.cli(&["grant", "revoke", text(&grants[0], "id")]);
    service.until(|| service.call("GET", "/toon/v3/agreements", access).status == 401);
    service.post("/token", &refresh(&app, text(&answer, "refresh_token"))).refused(400, "invalid_grant");
}

#[test]
fn an_application_that_is_registered_strictly_has_none_of_it() {
    let service = Service::start("toon");
    let App { id, .. } = service.app(&["--redirect-uri", CALLBACK, "--strict"]);
    for (kind, error) in [("code", "invalid_request"), ("token", "unsupported_response_type")] {
        let address =
            format!("/authorize?response_type={kind}&redirect_uri={CALLBACK}&client_id={id}&tenant_id=eneco");
        let came = Person::default().comes_back(&service, &address, CALLBACK, '?');
        assert_eq!(came["error"], error);
    }
}
