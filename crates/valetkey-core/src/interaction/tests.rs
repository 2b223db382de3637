//! The table of what comes next.

use super::*;
use crate::client::AuthMethod;
use crate::ids::Id;
use crate::time::Seconds;

const NOW: Timestamp = Timestamp(10_000);
const HERE: Here = Here { now: NOW, on_loopback: false, lacking: None };

pub(crate) fn session(auth_time: i64) -> Session {
    Session {
        id: SessionId(Id::new(7, [7; 10])),
        user: "usr_a".into(),
        tenant: "default".into(),
        auth_time: Timestamp(auth_time),
        amr: vec!["pwd".to_owned()],
        address: String::new(),
        user_agent: String::new(),
        created_at: Timestamp(auth_time),
        last_seen_at: Timestamp(auth_time),
        expires_at: Timestamp(i64::MAX),
    }
}

fn client(auth_method: AuthMethod) -> Client {
    Client { auth_method, ..crate::client::tests::client("app") }
}

fn interaction(prompts: &[Prompt], max_age: Option<i64>) -> Interaction {
    Interaction {
        request: AuthorizationRequest {
            details: crate::token::details::Details::default(),
            client: "app".into(),
            redirect_uri: "https://app.example/cb".to_owned(),
            response_type: ResponseType::Code,
            response_mode: ResponseMode::Query,
            state: None,
            scope: Scope::parse("read write").expect("scope"),
            resources: Vec::new(),
            challenge: String::new(),
            key: None,
            nonce: None,
            prompts: prompts.to_vec(),
            max_age: max_age.map(Seconds),
            login_hint: None,
            tenant: "default".into(),
        },
        browser: SecretHash::of("cookie"),
        signed_in: None,
        chosen: None,
        expires_at: Timestamp(i64::MAX),
        approval: None,
    }
}

fn consent(scope: &str) -> Consent {
    let scope = Scope::parse(scope).expect("scope");
    Consent {
        user: "usr_a".into(),
        client: "app".into(),
        scope,
        granted_at: NOW,
        updated_at: NOW,
        implied: false,
    }
}

fn name(step: &Step) -> String {
    match step {
        Step::Login(reason) => format!("login {reason:?}"),
        Step::Consent { held, .. } => format!("consent, held {held}"),
        Step::VerifiedEmail => "verified e-mail".to_owned(),
        Step::Finish => "finish".to_owned(),
        Step::Refuse(denial) => denial.code.as_str().to_owned(),
    }
}

#[test]
fn oidc_core_section_3_1_2_1_prompt_and_max_age_decide_what_is_asked() {
    use Prompt::{Consent as Ask, Create, Login, None as Quiet, SelectAccount};
    let web = client(AuthMethod::ClientSecret);
    for (prompts, max_age, signed_in_at, held, want) in [
        (&[][..], None, None, None, "login SignedOut"),
        (&[Quiet], None, None, None, "login_required"),
        (&[], None, Some(9_000), None, "consent, held "),
        (&[], None, Some(9_000), Some("read"), "consent, held read"),
        (&[], None, Some(9_000), Some("read write other"), "finish"),
        (&[Quiet], None, Some(9_000), Some("read"), "consent_required"),
        (&[Quiet], None, Some(9_000), Some("read write"), "finish"),
        (&[Ask], None, Some(9_000), Some("read write"), "consent, held read write"),
        (&[Login], None, Some(9_999), Some("read write"), "login Again"),
        (&[], Some(1_000), Some(9_000), Some("read write"), "finish"),
        (&[], Some(999), Some(9_000), Some("read write"), "login Again"),
        (&[], Some(0), Some(10_000), Some("read write"), "login Again"),
        (&[Quiet], Some(999), Some(9_000), Some("read write"), "login_required"),
        (&[SelectAccount], None, Some(9_000), Some("read write"), "login Choose"),
        (&[SelectAccount], None, None, Some("read write"), "login SignedOut"),
        (&[Create], None, None, None, "login Create"),
        (&[Create], None, Some(9_000), Some("read write"), "login Create"),
        (&[Create, Login, SelectAccount], Some(0), Some(9_000), Some("read write"), "login Create"),
    ] {
        let session = signed_in_at.map(session);
        let consent = held.map(consent);
        let step = next_step(&interaction(prompts, max_age), &web, session.as_ref(), consent.as_ref(), HERE);
        assert_eq!(name(&step), want, "{prompts:?} {max_age:?} {signed_in_at:?} {held:?}");
    }
}

#[test]
fn a_login_in_this_very_interaction_is_fresh_enough_and_another_session_is_not() {
    let web = client(AuthMethod::ClientSecret);
    let mut own = interaction(&[Prompt::Login, Prompt::SelectAccount], Some(0));
    let (session, consent) = (session(0), consent("read write"));
    own.signed_in = Some(session.id);
    assert_eq!(next_step(&own, &web, Some(&session), Some(&consent), HERE), Step::Finish);
    own.signed_in = Some(SessionId(Id::new(8, [8; 10])));
    assert_eq!(next_step(&own, &web, Some(&session), Some(&consent), HERE), Step::Login(LoginReason::Again));
    // Who has an account and goes on with it has made none; how fresh it must be is asked all the same.
    let mut own = interaction(&[Prompt::Create], None);
    own.chosen = Some(session.id);
    assert_eq!(next_step(&own, &web, Some(&session), Some(&consent), HERE), Step::Finish);
    own.request.max_age = Some(Seconds(0));
    assert_eq!(next_step(&own, &web, Some(&session), Some(&consent), HERE), Step::Login(LoginReason::Again));
}

#[test]
fn rfc8252_section_8_6_public_clients_that_cannot_prove_themselves_are_always_asked_about() {
    let (session, consent) = (session(9_000), consent("read write"));
    for (method, uri, asks) in [
        (AuthMethod::None, "https://app.example/cb", false),
        (AuthMethod::None, "http://127.0.0.1:5000/cb", true),
        (AuthMethod::None, "com.example.app:/cb", true),
        (AuthMethod::ClientSecret, "http://127.0.0.1:5000/cb", false),
    ] {
        let mut own = interaction(&[], None);
        own.request.redirect_uri = uri.to_owned();
        let step = next_step(&own, &client(method), Some(&session), Some(&consent), HERE);
        assert_eq!(step != Step::Finish, asks, "{method:?} {uri}");
    }
}

#[test]
fn rfc9700_section_4_15_a_token_through_the_browser_goes_unasked_only_to_a_confidential_client_at_a_safe_address()
 {
    let (session, consent) = (session(9_000), consent("read write"));
    let (https, loopback) = ("https://app.example/cb", "http://127.0.0.1:5000/cb");
    for (origin, method, uri, on_loopback, asks) in [
        (Origin::Operator, AuthMethod::ClientSecret, https, false, false),
        (Origin::Dynamic, AuthMethod::ClientSecret, https, false, false),
        (Origin::Dynamic, AuthMethod::None, https, false, true),
        (Origin::Operator, AuthMethod::ClientSecret, loopback, false, true),
        // A server that this machine alone reaches.
        (Origin::Operator, AuthMethod::ClientSecret, loopback, true, false),
        (Origin::Operator, AuthMethod::None, loopback, true, true),
        (Origin::Operator, AuthMethod::ClientSecret, "com.example.app:/cb", true, true),
    ] {
        let mut own = interaction(&[], None);
        own.request.redirect_uri = uri.to_owned();
        own.request.response_type = ResponseType::IdToken;
        let (client, here) = (Client { origin, ..client(method) }, Here { on_loopback, ..HERE });
        let step = next_step(&own, &client, Some(&session), Some(&consent), here);
        assert_eq!(step != Step::Finish, asks, "{origin:?} {method:?} {uri} {on_loopback}");
    }
}

#[test]
fn rfc8628_section_5_4_what_was_asked_for_elsewhere_is_asked_about_each_time() {
    let client = client(AuthMethod::ClientSecret);
    let session = session(0);
    let held = consent("read write");
    let here = interaction(&[], None);
    let step = |own: &Interaction| next_step(own, &client, Some(&session), Some(&held), HERE);
    assert_eq!(step(&here), Step::Finish);
    assert!(matches!(step(&here.deciding(crate::ids::Id::default())), Step::Consent { .. }));
}
