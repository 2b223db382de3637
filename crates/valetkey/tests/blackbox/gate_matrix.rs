//! Issue 6.7 — one gate: every grant against every state of the account, the client and the consent, cell by cell
//!
//! A grant without a row of its own fails the test, and a state without its place in `after` does not compile. What stands behind a code, a token or an answer is made while all is
//! well; then the state changes; then it is fetched.

use crate::ciba::{bank, begun, look};
use crate::device::{begin, consent_page, tv};
use crate::support::{disable_client, furnish, text, user_id};
use crate::trusted::{Other, trust};
use serde_json::json;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::compat::Compat;
use valetkey_core::federation::Trust;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::user::Edit;
use valetkey_core::scope::Scope;
use valetkey_testkit::{CLIENT_SECRET, PASSWORD, Reply, TestApp, redemption};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Too many wrong passwords (ADR 0005: that slows down guessing, and nothing that was proven before).
    Throttled,
    Disabled,
    MustChangePassword,
    /// The e-mail address is not proven, where the operator wants that.
    Unverified,
    /// It is.
    Verified,
    /// It is not, and nobody asks.
    UnverifiedUnasked,
    ConsentWithdrawn,
    ClientDisabled,
    TenantDisabled,
}

impl State {
    /// All of them, one after the other.
    fn after(self) -> Option<Self> {
        match self {
            Self::Good => Some(Self::Throttled),
            Self::Throttled => Some(Self::Disabled),
            Self::Disabled => Some(Self::MustChangePassword),
            Self::MustChangePassword => Some(Self::Unverified),
            Self::Unverified => Some(Self::Verified),
            Self::Verified => Some(Self::UnverifiedUnasked),
            Self::UnverifiedUnasked => Some(Self::ConsentWithdrawn),
            Self::ConsentWithdrawn => Some(Self::ClientDisabled),
            Self::ClientDisabled => Some(Self::TenantDisabled),
            Self::TenantDisabled => None,
        }
    }

    fn wants_verified_email(self) -> bool {
        matches!(self, Self::Unverified | Self::Verified)
    }
}

async fn prove(app: &TestApp, proven: bool) {
    let edit = Edit { email_verified: Some(proven), ..Edit::default() };
    let alice = user_id(app, "alice").await;
    manage::user::edit(&app.cx(), &Actor::Operator, &alice, &edit).await.unwrap();
}

/// A request that is good while all is well, by this client.
struct Row {
    client: &'static str,
    /// Whether the client proves itself by its secret.
    secret: bool,
    fields: Vec<(String, String)>,
}

fn row(client: &'static str, secret: bool, fields: &[(&str, &str)]) -> Row {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Row { client, secret, fields }
}

async fn world(state: State) -> TestApp {
    let demanded = state.wants_verified_email();
    let app = furnish(TestApp::builder().accounts(|own| own.require_verified_email = demanded)).await;
    prove(&app, true).await;
    tv(&app).await;
    bank(&app).await;
    let own = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
        GrantType::Password,
        GrantType::TokenExchange,
        GrantType::JwtBearer,
    ];
    app.client(NewClient {
        id: Some("all".to_owned()),
        grant_types: own.to_vec(),
        compat: vec![Compat::Password],
        scope: Some(Scope::parse("read").unwrap()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    app
}

/// The grant's row. Whoever adds a grant writes one.
async fn prepared(app: &TestApp, grant: GrantType) -> Row {
    let mut browser = app.browser();
    match grant {
        GrantType::AuthorizationCode => {
            let code = browser.code("all", "read", "alice").await;
            row("all", true, &redemption(&code))
        }
        GrantType::RefreshToken => {
            let tokens = browser.tokens("all", "read", "alice").await;
            let token = text(&tokens, "refresh_token");
            row("all", true, &[("grant_type", "refresh_token"), ("refresh_token", token)])
        }
        GrantType::ClientCredentials => row("all", true, &[("grant_type", "client_credentials")]),
        GrantType::Password => {
            browser.code("all", "read", "alice").await;
            let fields = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
            row("all", true, &fields)
        }
        GrantType::Implicit => row("all", true, &[("grant_type", "implicit")]),
        GrantType::DeviceCode => {
            let begun = begin(app, "openid read").await;
            let page = consent_page(&mut browser, &begun).await;
            browser.decide(&page, "allow", &["read"]).await;
            row("tv", false, &[("grant_type", grant.name()), ("device_code", text(&begun, "device_code"))])
        }
        GrantType::Ciba => {
            browser.sign_in("alice").await;
            let id = begun(app).await;
            let page = look(&mut browser).await;
            browser.decide(&page, "allow", &["read"]).await;
            row("bank", true, &[("grant_type", grant.name()), ("auth_req_id", &id)])
        }
        GrantType::TokenExchange => {
            let tokens = browser.tokens("all", "read", "alice").await;
            let kind = "urn:ietf:params:oauth:token-type:access_token";
            let token = text(&tokens, "access_token");
            row(
                "all",
                true,
                &[("grant_type", grant.name()), ("subject_token", token), ("subject_token_type", kind)],
            )
        }
        GrantType::JwtBearer => {
            let other = Other::new();
            trust(app, &other, &[Trust::Users], json!({"match_by": "username"})).await;
            browser.code("all", "read", "alice").await;
            let assertion = other.about(app, json!({"preferred_username": "alice"}));
            row("all", true, &[("grant_type", grant.name()), ("assertion", &assertion)])
        }
    }
}

async fn enter(app: &TestApp, state: State, client: &'static str) {
    let (cx, alice) = (app.cx(), user_id(app, "alice").await);
    match state {
        State::Good | State::Verified => {}
        State::Throttled => {
            for _ in 0..15 {
                let wrong = [("grant_type", "password"), ("username", "alice"), ("password", "wrong")];
                app.post("/oauth/token", Some(("all", CLIENT_SECRET)), &wrong).await;
            }
        }
        State::Disabled => {
            manage::user::disable(&cx, &Actor::Operator, &alice).await.unwrap();
        }
        State::MustChangePassword => {
            let mut user = cx.store.user(&alice).await.unwrap().unwrap();
            user.must_change_password = true;
            let record = cx.record(Event::UserUpdated, Actor::Operator);
            cx.store.update_user(&user, None, false, &record).await.unwrap();
        }
        State::Unverified | State::UnverifiedUnasked => prove(app, false).await,
        State::ConsentWithdrawn => {
            // Whoever acts for itself has none.
            let _ = manage::consent::withdraw(&cx, Actor::Operator, &alice, &client.into()).await;
        }
        State::ClientDisabled => disable_client(app, client).await,
        State::TenantDisabled => {
            manage::tenant::disable(&cx, &Actor::Operator, &TenantId::default()).await.unwrap();
        }
    }
    app.server.follow_changes().await.unwrap();
    app.clock.advance(1);
}

async fn ask(app: &TestApp, row: &Row) -> Reply {
    let mut fields: Vec<(&str, &str)> =
        row.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if !row.secret {
        fields.push(("client_id", row.client));
    }
    app.post("/oauth/token", row.secret.then_some((row.client, CLIENT_SECRET)), &fields).await
}

/// What each cell answers.
#[expect(clippy::match_same_arms, reason = "rows of a table, in order")]
fn wanted(grant: GrantType, state: State) -> &'static [&'static str] {
    use State::{ClientDisabled, ConsentWithdrawn, Good, TenantDisabled, Throttled};
    use State::{UnverifiedUnasked, Verified};
    const GIVEN: &[&str] = &["given"];
    match (grant, state) {
        // It is had at the authorization endpoint alone.
        (GrantType::Implicit, ClientDisabled) => &["unsupported_grant_type", "invalid_client"],
        (GrantType::Implicit, _) => &["unsupported_grant_type"],
        (_, Good | Verified | UnverifiedUnasked) => GIVEN,
        (_, ClientDisabled) => &["invalid_client", "unsupported_grant_type"],
        // Nobody's account and nobody's consent stand behind it.
        (GrantType::ClientCredentials, TenantDisabled) => &["unauthorized_client"],
        (GrantType::ClientCredentials, _) => GIVEN,
        (GrantType::Password, Throttled) => &["temporarily_unavailable"],
        (_, Throttled) => GIVEN,
        // Whoever hands over the password answers anew.
        (GrantType::Password, ConsentWithdrawn) => GIVEN,
        (GrantType::TokenExchange, _) => &["invalid_request", "invalid_grant"],
        (_, TenantDisabled) => &["invalid_grant", "unauthorized_client", "invalid_request"],
        _ => &["invalid_grant"],
    }
}

#[tokio::test]
async fn every_grant_passes_the_one_gate_in_every_state() {
    for grant in GrantType::ALL {
        let mut next = Some(State::Good);
        while let Some(state) = next {
            next = state.after();
            let app = world(state).await;
            let row = prepared(&app, grant).await;
            enter(&app, state, row.client).await;
            let reply = ask(&app, &row).await;
            let got = if reply.status == 200 { "given".to_owned() } else { reply.refusal().1 };
            let want = wanted(grant, state);
            assert!(want.contains(&got.as_str()), "{} × {state:?}: {got}: {}", grant.name(), reply.body);
        }
    }
}
