//! What the files share: a world with people and applications in it, and what every refusal must look like.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use valetkey_core::audit::Actor;
use valetkey_core::client::AuthMethod;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::ClientId;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage;
use valetkey_core::manage::apply::Wanted;
use valetkey_core::manage::client::NewClient;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Api, TokenFormat};
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, Builder, CLIENT_SECRET, Reply, TestApp, redemption};

pub(crate) const ISSUER: &str = "https://id.example";
/// A second verifier, for requests that must not be mixed up with those of `VERIFIER`.
pub(crate) const OTHER_VERIFIER: &str = "another-verifier-of-43-characters-or-more-0123456789";

/// Scopes `read` and `write`; alice and bob; two web clients `app` and `other`, a public `spa` beside them, and `service`,
/// which acts for itself.
pub(crate) async fn world() -> TestApp {
    furnish(TestApp::builder()).await
}

pub(crate) async fn furnish(builder: Builder) -> TestApp {
    let app = builder.start().await;
    app.scope("read", "See your things").await;
    app.scope("write", "Change your things").await;
    app.user("alice").await;
    app.user("bob").await;
    app.web_client("app").await;
    app.web_client("other").await;
    app.client(NewClient {
        id: Some("spa".to_owned()),
        auth_method: Some(AuthMethod::None),
        redirect_uris: vec!["https://spa.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    app.client(NewClient {
        id: Some("service".to_owned()),
        grant_types: vec![GrantType::ClientCredentials],
        scope: Some(Scope::parse("read write").unwrap()),
        ..NewClient::default()
    })
    .await;
    app
}

/// `fields` with one of them replaced, added, or (by `None`) left out.
pub(crate) fn with<'a>(
    fields: &[(&'a str, &'a str)],
    name: &'a str,
    value: Option<&'a str>,
) -> Vec<(&'a str, &'a str)> {
    let others = fields.iter().copied().filter(|(own, _)| *own != name);
    others.chain(value.map(|value| (name, value))).collect()
}

/// RFC 7636 §4.2.
pub(crate) fn challenge_of(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref())
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(jwt: &str) -> Value {
    let part = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

/// A text with its last character changed, to another of the same alphabet.
pub(crate) fn altered(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", if last == "A" { "Q" } else { "A" })
}

pub(crate) fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}"))
}

/// RFC 6749 §5.2: a refusal of a protocol endpoint, whole: status, code, a sentence, JSON that nobody keeps.
#[track_caller]
pub(crate) fn assert_refused(reply: &Reply, status: u16, error: &str, case: &str) {
    assert_eq!(reply.refusal(), (status, error.to_owned()), "{case}: {}", reply.body);
    assert_eq!(reply.header("content-type"), "application/json", "{case}");
    assert_eq!(reply.header("cache-control"), "no-store", "{case}");
    let json = reply.json();
    let sentence = text(&json, "error_description");
    assert!(sentence.len() > 10 && sentence.is_ascii(), "{case}: {sentence}");
    for token in ["access_token", "refresh_token", "id_token"] {
        assert!(json.get(token).is_none(), "{case}: {json}");
    }
    // RFC 6749 §5.2: the challenge belongs to the one who came with the header.
    assert!(status == 401 || reply.header("www-authenticate").is_empty(), "{case}");
}

/// A page in words that leads nowhere by itself.
#[track_caller]
pub(crate) fn assert_page(reply: &Reply, status: u16, words: &str, case: &str) {
    assert_eq!(reply.status, status, "{case}: {}", reply.body);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{case}");
    assert_eq!(reply.header("cache-control"), "no-store", "{case}");
    assert_eq!(reply.location(), "", "{case}");
    assert!(reply.words().contains(words), "{case}: {words:?} is not in {}", reply.words());
}

/// An error page, with the request id that also stands in the header.
#[track_caller]
pub(crate) fn assert_error_page(reply: &Reply, status: u16, words: &str, case: &str) {
    assert_page(reply, status, words, case);
    let id = reply.header("x-request-id");
    assert!(id.len() == 16 && reply.words().contains(id), "{case}: {}", reply.words());
}

/// What the browser ends at: the heading of a page, or the error or `code` that the application gets.
pub(crate) fn outcome(reply: &Reply) -> String {
    if reply.status == 303 {
        let answer = reply.redirected();
        return answer.get("error").cloned().unwrap_or_else(|| "code".to_owned());
    }
    assert_eq!(reply.status, 200, "{}", reply.body);
    let heading = reply.body.split("<h1").nth(1).and_then(|rest| rest.split_once('>')).unwrap().1;
    let heading = heading.split("</h1>").next().unwrap().replace("<bdi>", "").replace("</bdi>", "");
    heading.trim().to_owned()
}

/// Whether userinfo still takes an access token.
pub(crate) async fn opens_userinfo(app: &TestApp, access: &str) -> bool {
    let reply = app.get_with_token("/oauth/userinfo", access).await;
    assert!(matches!(reply.status.as_u16(), 200 | 401), "{} {}", reply.status, reply.body);
    reply.status == 200
}

pub(crate) async fn refresh(app: &TestApp, client: &str, token: &str) -> Reply {
    app.token(client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

/// An API at `https://ID.example` for these scopes.
pub(crate) fn api(id: &str, scopes: &str, token_format: TokenFormat, signing_alg: SigningAlgorithm) -> Api {
    let scopes = Scope::parse(scopes).unwrap();
    Api { scopes, token_format, signing_alg, ..Api::new(id, format!("https://{id}.example"), Timestamp(0)) }
}

/// A token for `service` itself, asked for with these further fields.
pub(crate) async fn service_token(app: &TestApp, fields: &[(&str, &str)]) -> Reply {
    app.token("service", &[&[("grant_type", "client_credentials")], fields].concat()).await
}

/// What introspection says to `service`, which may see its own tokens.
pub(crate) async fn introspected(app: &TestApp, token: &str) -> Value {
    let reply = app.post("/oauth/introspect", Some(("service", CLIENT_SECRET)), &[("token", token)]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

/// The public client's request.
pub(crate) fn spa_request(scope: &str) -> Vec<(&str, &str)> {
    with(&Browser::request("spa", scope), "redirect_uri", Some("https://spa.example/cb"))
}

/// Redeems a code of the public client.
pub(crate) async fn spa_redeem(app: &TestApp, code: &str) -> Reply {
    let fields = with(&redemption(code), "redirect_uri", Some("https://spa.example/cb"));
    app.post("/oauth/token", None, &with(&fields, "client_id", Some("spa"))).await
}

pub(crate) async fn disable_client(app: &TestApp, id: &str) {
    manage::client::disable(&app.cx(), &Actor::Operator, &ClientId::from(id)).await.unwrap();
}

pub(crate) async fn enable_client(app: &TestApp, id: &str) {
    manage::client::enable(&app.cx(), &Actor::Operator, &ClientId::from(id)).await.unwrap();
}

pub(crate) async fn user_id(app: &TestApp, username: &str) -> valetkey_core::ids::UserId {
    let tenant = valetkey_core::ids::TenantId::default();
    manage::user::find(&app.cx(), &tenant, username).await.unwrap().id
}

/// Applies settings, given as in a file.
pub(crate) async fn apply_settings(app: &TestApp, settings: Value) {
    let Value::Object(settings) = settings else { panic!("{settings}") };
    let wanted = Wanted { settings, ..Wanted::default() };
    manage::apply::apply(&app.cx(), &Actor::Operator, &wanted).await.unwrap();
}

/// Switches a tenant off or on by a file.
pub(crate) async fn apply_tenant(app: &TestApp, id: &str, disabled: bool) {
    let Value::Object(members) = serde_json::json!({"id": id, "name": "House", "disabled": disabled}) else {
        panic!()
    };
    let kind = manage::apply::Kind::Tenant;
    let thing = manage::apply::Thing { kind, id: id.to_owned(), members, secrets: Vec::new(), secret: None };
    let wanted = Wanted { things: vec![thing], ..Wanted::default() };
    manage::apply::apply(&app.cx(), &Actor::Operator, &wanted).await.unwrap();
}

/// Writes down of a person all that can be.
pub(crate) async fn describe(app: &TestApp, username: &str) {
    let claims = serde_json::json!({
        "given_name": "Alice", "family_name": "Liddell", "middle_name": "Pleasance", "nickname": "Al",
        "profile": "https://people.example/alice", "picture": "https://people.example/alice.png",
        "website": "https://alice.example/", "gender": "female", "birthdate": "1852-05-04",
        "zoneinfo": "Europe/London", "locale": "en-GB", "phone_number": "+44 20 7946 0123",
        "phone_number_verified": true,
        "address": {"street_address": "Deanery Garden", "locality": "Oxford", "country": "GB"},
    });
    let Value::Object(claims) = claims else { return };
    let id = user_id(app, username).await;
    let edit = manage::user::Edit { claims, ..manage::user::Edit::default() };
    manage::user::edit(&app.cx(), &Actor::Operator, &id, &edit).await.unwrap();
}
