//! RFC 9700 §4.10 — every artefact is of one kind, and where another is wanted it is worth nothing

use crate::support::{api, furnish, text, with};
use valetkey_core::approval::{Handle, HandleKind};
use valetkey_core::backup::BackupKey;
use valetkey_core::ids::GrantId;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage;
use valetkey_core::manage::register::initial_access_token;
use valetkey_core::seal::Kind;
use valetkey_core::secret::Secret;
use valetkey_core::settings::DynamicRegistration;
use valetkey_core::store::{Keys, TokenFormat};
use valetkey_core::time::Seconds;
use valetkey_core::token::refresh::RefreshToken;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, redemption};

const SESSION: &str = "__Host-vk_session";
const BROWSER: &str = "__Host-vk_browser";
const DEVICE: &str = "__Host-vk_device";

/// Where something is taken from a caller.
#[derive(Debug, Clone, Copy)]
enum Place {
    Bearer,
    Introspected,
    Code,
    RefreshToken,
    ClientSecret,
    RegistrationBearer,
    LoginInteraction,
    ConsentInteraction,
    DeviceCode,
    ConsentProof,
    AccountProof,
    SignOutProof,
    LoginProof,
    SetupLink,
    SetupForm,
    SessionCookie,
    BrowserCookie,
    DeviceCookie,
}

/// Each place with what it takes; everything else is refused there.
const PLACES: [(Place, &[&str]); 18] = [
    (Place::Bearer, &["access token", "JWT access token"]),
    (Place::Introspected, &["access token", "JWT access token", "refresh token"]),
    (Place::Code, &["code"]),
    (Place::RefreshToken, &["refresh token"]),
    (Place::ClientSecret, &["client secret"]),
    // Nobody has decided: it is known, and that is all.
    (Place::DeviceCode, &["device code"]),
    (Place::RegistrationBearer, &["initial access token"]),
    (Place::LoginInteraction, &["interaction"]),
    (Place::ConsentInteraction, &["interaction"]),
    (Place::ConsentProof, &["form proof of the session"]),
    (Place::AccountProof, &["form proof of the session"]),
    (Place::SignOutProof, &["form proof of the session"]),
    (Place::LoginProof, &["form proof of the browser"]),
    (Place::SetupLink, &["setup link"]),
    (Place::SetupForm, &["setup link"]),
    (Place::SessionCookie, &["session cookie"]),
    (Place::BrowserCookie, &["browser cookie"]),
    (Place::DeviceCookie, &["device cookie"]),
];

/// Alice's browser, a consent page in it, and one of everything that ever leaves the server.
async fn everything(app: &TestApp) -> (Browser<'_>, Reply, Vec<(&'static str, String)>) {
    let mut browser = app.browser();
    let sealed = browser.tokens("app", "openid write", "alice").await;
    let jwt = browser.tokens("app", "openid read", "alice").await;
    let code = browser.code("app", "openid", "alice").await;
    let page = browser.authorize(&with(&Browser::request("other", "openid read"), "state", None)).await;
    let account = browser.get("/account").await;
    let mut signed_out = browser.clone();
    signed_out.cookies.remove(SESSION);
    let login = signed_out.get("/login").await;
    let link = manage::setup::link(&app.cx()).await.unwrap().unwrap();
    let stored = app.store.keys().await.unwrap().remove(0);
    let artefacts = vec![
        ("access token", text(&sealed, "access_token").to_owned()),
        ("JWT access token", text(&jwt, "access_token").to_owned()),
        ("refresh token", text(&sealed, "refresh_token").to_owned()),
        ("ID token", text(&sealed, "id_token").to_owned()),
        ("code", code),
        ("pairwise subject", pairwise(app).await.0),
        ("pairwise session", pairwise(app).await.1),
        ("interaction", page.hidden("i").unwrap()),
        ("form proof of the session", account.hidden("csrf").unwrap()),
        ("form proof of the browser", login.hidden("csrf").unwrap()),
        ("setup link", link.split_once("token=").unwrap().1.to_owned()),
        ("initial access token", initial_access_token(&app.cx(), Seconds(600)).unwrap()),
        ("pushed request", pushed_request(app).await),
        ("proof of a password that is due", due_proof(app, &browser).await),
        ("DPoP nonce", valetkey_core::proof::dpop::nonce(&app.cx()).unwrap()),
        ("bound refresh token", bound_refresh_token(app)),
        ("note of a session at an API", note(app, &browser.cookies[SESSION]).await),
        ("secret at a provider", secret_there(app)),
        ("sign-in at a provider", crate::upstream_plain::departed(app, &mut signed_out).await),
        // `portal.rs` shows where it is taken.
        ("draft of a form", valetkey_core::login::draft::make(&app.cx(), &browser.cookies[SESSION]).unwrap()),
        ("device code", device_code(app).await),
        ("request ID of a back channel", handle(app, HandleKind::AuthReqId)),
        ("what a device asked", sealed_record(app, Kind::Pending)),
        ("what a person agreed to", sealed_record(app, Kind::Agreed)),
        ("request to sign out", sealed_record(app, Kind::LogoutRequest)),
        ("lock of a backup", BackupKey::new([7; 32]).lock(&app.server.master, "about", [1; 12]).unwrap()),
        ("session cookie", browser.cookies[SESSION].clone()),
        ("browser cookie", browser.cookies[BROWSER].clone()),
        ("device cookie", browser.cookies[DEVICE].clone()),
        ("client secret", CLIENT_SECRET.to_owned()),
        ("password", PASSWORD.to_owned()),
        ("stored key", String::from_utf8(stored.wrapped).unwrap()),
        ("code verifier", valetkey_testkit::VERIFIER.to_owned()),
    ];
    for kind in Kind::ALL {
        assert!(artefacts.iter().any(|(_, value)| value.starts_with(kind.prefix())), "{kind:?} is not tried");
    }
    (browser, page, artefacts)
}

async fn pairwise(app: &TestApp) -> (String, String) {
    let mut client = (*app.server.registered("app").await.unwrap().unwrap()).clone();
    client.profile.openid.subject_type = Some(valetkey_core::client::profile::SubjectType::Pairwise);
    let alice = crate::support::user_id(app, "alice").await;
    let session = valetkey_core::ids::SessionId(app.cx().new_id());
    (
        valetkey_core::client::subject::of(&app.server, &client, &alice).unwrap(),
        valetkey_core::client::subject::session(&app.server, &client, session).unwrap(),
    )
}

/// `password_change.rs` shows where it is taken.
async fn due_proof(app: &TestApp, browser: &Browser<'_>) -> String {
    let alice = app.server.store.user(&crate::support::user_id(app, "alice").await).await.unwrap().unwrap();
    valetkey_core::login::due::seal(&app.cx(), &alice, &browser.cookies[BROWSER]).unwrap()
}

async fn pushed_request(app: &TestApp) -> String {
    let request = Browser::request("app", "read");
    let reply = app.post("/oauth/par", Some(("app", CLIENT_SECRET)), &request).await.json();
    text(&reply, "request_uri").rsplit_once(':').unwrap().1.to_owned()
}

fn secret_there(app: &TestApp) -> String {
    valetkey_core::upstream::seal_secret(&app.server, &Secret::new(CLIENT_SECRET)).unwrap()
}

/// `device.rs` shows where a true one is taken.
async fn device_code(app: &TestApp) -> String {
    crate::device::tv(app).await;
    crate::device::begin(app, "read").await["device_code"].as_str().unwrap().to_owned()
}

fn handle(app: &TestApp, kind: HandleKind) -> String {
    let cx = app.cx();
    let handle = Handle { id: cx.new_id(), client: "app".to_owned(), key: None, expires_at: cx.now };
    handle.seal(&cx, kind, cx.now).unwrap()
}

/// These never leave the store: that nobody takes one is all there is to show.
fn sealed_record(app: &TestApp, kind: Kind) -> String {
    let cx = app.cx();
    cx.keys().sealing_at(cx.now).unwrap().seal(kind, cx.nonce(), &"x").unwrap()
}

/// The gateway's own tests show where it is taken.
async fn note(app: &TestApp, cookie: &str) -> String {
    let cx = app.cx();
    let session = valetkey_core::login::session(&cx, cookie).await.unwrap().unwrap();
    let api = cx.catalog().apis()[0].clone();
    let line = valetkey_core::login::browser_mode::cookie(&cx, &api, &session).unwrap();
    line.split(['=', ';']).nth(1).unwrap().to_owned()
}

/// Of a grant that is not there: `dpop.rs` shows where a true one is taken.
fn bound_refresh_token(app: &TestApp) -> String {
    let cx = app.cx();
    let token = RefreshToken { grant: GrantId(cx.new_id()), generation: 1, key: Some([7; 32]) };
    token.seal(&cx, cx.now).unwrap()
}

/// Offers `value` at `place`, with all else as it should be there. Whether it was taken.
async fn takes(place: Place, value: &str, app: &TestApp, browser: &Browser<'_>, page: &Reply) -> bool {
    match place {
        Place::Bearer => app.get_with_token("/oauth/userinfo", value).await.status == 200,
        Place::Introspected => app.is_active("app", value).await,
        Place::Code => app.token("app", &redemption(value)).await.status == 200,
        Place::RefreshToken => crate::support::refresh(app, "app", value).await.status == 200,
        Place::ClientSecret => {
            let fields = [("grant_type", "client_credentials")];
            app.post("/oauth/token", Some(("service", value)), &fields).await.status == 200
        }
        Place::DeviceCode => {
            let reply = crate::device::poll(app, value).await;
            reply.refusal().1 == "authorization_pending"
        }
        Place::RegistrationBearer => {
            let client = r#"{"redirect_uris":["https://new.example/cb"],"client_name":"New"}"#;
            let call = app.call("POST", "/oauth/register").bearer(value);
            call.body("application/json", client).send().await.status == 201
        }
        Place::SessionCookie | Place::BrowserCookie | Place::DeviceCookie => {
            takes_cookie(place, value, browser.clone(), page).await
        }
        _ => takes_on_page(place, value, browser.clone(), page).await,
    }
}

const LOGIN: [(&str, &str); 2] = [("username", "alice"), ("password", PASSWORD)];

async fn takes_on_page(place: Place, value: &str, mut browser: Browser<'_>, page: &Reply) -> bool {
    let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let allow = [("scope", "read"), ("decision", "allow")];
    let to_app = |reply: &Reply| reply.location().starts_with("https://app.example/cb?code=");
    match place {
        Place::LoginInteraction => {
            browser.cookies.remove(SESSION);
            let shown = browser.get(&format!("/login?i={encoded}")).await;
            let posted = browser.post("/login", &[&[("i", value)][..], &LOGIN].concat()).await;
            let taken = posted.location().contains("/consent?i=");
            assert_eq!(shown.status == 200, taken, "{}", shown.body);
            taken
        }
        Place::ConsentInteraction => {
            let shown = browser.get(&format!("/consent?i={encoded}")).await;
            let csrf = page.hidden("csrf").unwrap();
            let fields = [&[("i", value), ("csrf", &*csrf)][..], &allow].concat();
            let taken = to_app(&browser.post("/consent", &fields).await);
            assert_eq!(shown.status == 200, taken, "{}", shown.body);
            taken
        }
        Place::ConsentProof => {
            let i = page.hidden("i").unwrap();
            let fields = [&[("i", &*i), ("csrf", value)][..], &allow].concat();
            to_app(&browser.post("/consent", &fields).await)
        }
        Place::AccountProof => {
            let reply = browser.post("/account/apps/revoke", &[("csrf", value), ("client", "app")]).await;
            assert!(matches!(reply.status.as_u16(), 303 | 403), "{}", reply.status);
            reply.status == 303
        }
        Place::SignOutProof => browser.post("/account/sign-out", &[("csrf", value)]).await.status == 200,
        Place::LoginProof => {
            browser.cookies.remove(SESSION);
            browser.post("/login", &[&[("csrf", value)][..], &LOGIN].concat()).await.status == 303
        }
        Place::SetupLink => browser.get(&format!("/setup?token={encoded}")).await.status == 200,
        Place::SetupForm => {
            let fields = [("i", value), ("username", "root"), ("password", "eleven quiet library stairs")];
            browser.post("/setup", &fields).await.status == 200
        }
        _ => panic!("{place:?} is on no page"),
    }
}

async fn takes_cookie(place: Place, value: &str, mut browser: Browser<'_>, page: &Reply) -> bool {
    match place {
        Place::SessionCookie => {
            browser.cookies.insert(SESSION.to_owned(), value.to_owned());
            browser.get("/account").await.status == 200
        }
        Place::BrowserCookie => {
            browser.cookies.insert(BROWSER.to_owned(), value.to_owned());
            browser.get(&format!("/consent?i={}", page.hidden("i").unwrap())).await.status == 200
        }
        _ => {
            let mut stranger = browser.at("203.0.113.200");
            stranger.cookies = [(DEVICE.to_owned(), value.to_owned())].into();
            let page = stranger.get("/login").await;
            let reply = stranger.submit("/login", &page, &LOGIN).await;
            assert!(matches!(reply.status.as_u16(), 303 | 429), "{}", reply.status);
            reply.status == 303
        }
    }
}

#[tokio::test]
async fn an_artefact_is_taken_where_its_kind_is_wanted_and_nowhere_else() {
    for (place, wanted) in PLACES {
        let app = furnish(TestApp::builder().registration(DynamicRegistration::Token)).await;
        app.api(api("jwts", "read", TokenFormat::Jwt, SigningAlgorithm::EdDsa)).await;
        let (browser, page, artefacts) = everything(&app).await;
        if matches!(place, Place::DeviceCookie) {
            // Only while strangers wait does the cookie matter.
            let mut stranger = app.browser().at("203.0.113.200");
            let login = stranger.get("/login").await;
            for _ in 0..11 {
                stranger.submit("/login", &login, &[("username", "alice"), ("password", "wrong")]).await;
            }
        }
        let (right, wrong): (Vec<_>, Vec<_>) =
            artefacts.into_iter().partition(|(name, _)| wanted.contains(name));
        let before = app.rows().await;
        for (name, value) in wrong {
            assert!(!takes(place, &value, &app, &browser, &page).await, "{place:?} takes a {name}");
        }
        assert_eq!(app.rows().await, before, "{place:?}: refusals change nothing");
        if matches!(place, Place::ClientSecret) {
            // So many wrong secrets in a minute make the client wait.
            app.clock.advance(61);
        }
        assert_eq!(right.len(), wanted.len(), "{place:?}");
        for (name, value) in right {
            assert!(takes(place, &value, &app, &browser, &page).await, "{place:?} refuses its {name}");
        }
    }
}

#[tokio::test]
async fn what_another_server_made_is_worth_nothing_here() {
    let (own, foreign) = (furnish(TestApp::builder()).await, furnish(TestApp::builder().own_keys()).await);
    let tokens = foreign.browser().tokens("app", "openid read", "alice").await;
    let code = foreign.browser().code("app", "openid read", "alice").await;
    let rows = own.rows().await;
    assert_eq!(own.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await.status, 401);
    assert!(!own.is_active("app", text(&tokens, "access_token")).await);
    assert!(!own.is_active("app", text(&tokens, "refresh_token")).await);
    assert_eq!(own.token("app", &redemption(&code)).await.refusal(), (400, "invalid_grant".to_owned()));
    let reply = crate::support::refresh(&own, "app", text(&tokens, "refresh_token")).await;
    assert_eq!(reply.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(own.rows().await, rows);
}
