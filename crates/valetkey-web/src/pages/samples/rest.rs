//! Samples of the other pages: account, home, errors, the ways out, the development callback.

use super::{CSRF, Cast, PLAIN, Sample, ago};
use crate::pages::view::words::device;
use crate::pages::view::{
    Account, App, AppKey, Callback, Came, Destination, DevCallback, ErrorKind, ErrorPage, Field, FormPost,
    Home, Href, Link, Notice, OutOfBand, Person, RequestRow, SessionRow, SignedOut,
};
use valetkey_core::time::Seconds;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const SAFARI: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1";
const REQUEST: &str = "06f5z3kq8w2m4xhvr9tbnc71de";

pub(super) fn states() -> Vec<Sample> {
    let account = |name: &str, change: &dyn Fn(&mut Account)| {
        let mut page = account(&PLAIN);
        change(&mut page);
        Sample::new(name, &page)
    };
    let mut samples = vec![
        account("account", &|_| ()),
        account("account-empty", &|page| {
            page.apps.clear();
            page.sessions.truncate(1);
        }),
        account("account-many", &|page| {
            page.apps = (1..=10).map(numbered).collect();
            page.apps_total = 57;
        }),
        account("account-bare", &|page| {
            page.person = Person::new("alice", None, None);
            (page.has_password, page.tenant) = (false, None);
            page.sessions[1].near = true;
        }),
        account("account-asked", &|page| {
            page.requests = vec![request("Wonderland Bank", "W4SCT"), request("Photo Printer", "")];
        }),
        account("account-held-up", &|page| page.held_up = true),
        account("account-profile-changed", &|page| page.notice = Some(Notice::ProfileChanged)),
        account("account-password-changed", &|page| page.notice = Some(Notice::PasswordChanged)),
        account("account-key-taken", &|page| {
            page.notice = Some(Notice::KeyTaken { app: "Photo Printer".to_owned() });
        }),
        account("account-session-ended", &|page| page.notice = Some(Notice::SessionEnded)),
        account("account-others-ended", &|page| page.notice = Some(Notice::OthersEnded)),
        Sample::new("home", &home(None)),
        Sample::new("home-signed-in", &home(Some(&PLAIN))),
        Sample::new("form-post", &form_post(&PLAIN)),
        Sample::new("out-of-band", &out_of_band(&PLAIN, shown())),
        Sample::new("out-of-band-denied", &out_of_band(&PLAIN, not_shown("access_denied"))),
        Sample::new("out-of-band-error", &out_of_band(&PLAIN, not_shown("invalid_scope"))),
        Sample::new("signed-out", &SignedOut::plain(false)),
        Sample::new("signed-out-back", &signed_out(&PLAIN)),
        Sample::new("signed-out-everywhere", &signed_out_everywhere(&PLAIN)),
        Sample::new("dev-callback", &dev(code("s-42"))),
        Sample::new("dev-callback-nothing", &DevCallback { state: None, iss: None, came: Callback::Nothing }),
    ];
    samples.extend(
        ["access_denied", "login_required", "consent_required", "server_error", "invalid_scope"].map(
            |error| Sample::new(&format!("dev-callback-{}", error.replace('_', "-")), &dev(refused(error))),
        ),
    );
    samples.extend(ErrorKind::ALL.map(|kind| Sample::new(&error_name(kind), &ErrorPage::new(kind, REQUEST))));
    samples.extend(
        ErrorKind::ALL
            .map(|kind| Sample::new(&format!("{}-full", error_name(kind)), &full_error(kind, &PLAIN))),
    );
    samples
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    let account = Account {
        notice: Some(Notice::KeyTaken { app: cast.app.to_owned() }),
        requests: vec![request(cast.app, cast.scope)],
        ..account(cast)
    };
    vec![
        Sample::new("account", &account),
        Sample::new("home", &home(Some(cast))),
        Sample::new("form-post", &form_post(cast)),
        Sample::new("out-of-band", &out_of_band(cast, shown())),
        Sample::new("out-of-band-denied", &out_of_band(cast, not_shown("access_denied"))),
        Sample::new("signed-out", &signed_out(cast)),
        Sample::new("signed-out-everywhere", &signed_out_everywhere(cast)),
        Sample::new("dev-callback", &dev(code(cast.name))),
        Sample::new("dev-callback-error", &dev(refused(cast.app))),
        Sample::new("error", &full_error(ErrorKind::BadRedirectUri, cast)),
    ]
}

fn request(app: &str, message: &str) -> RequestRow {
    RequestRow {
        look: Href::local("/account/requests/06f5z3kq8w2m4xhvr9tbnc71de").unwrap_or_else(Href::root),
        app: App::new(app, None),
        message: message.to_owned(),
        asked: ago(Seconds(20)),
    }
}

fn account(cast: &Cast) -> Account {
    let can = [cast.scope, "See your photos", "Keep working when you are away"].map(str::to_owned).to_vec();
    let bare = AppKey {
        client: "app_2".to_owned(),
        app: App::new("Calendar", None),
        open: None,
        can: Vec::new(),
        since: ago(Seconds(30)),
        last_used: None,
        vouched: Some(vec!["idp.corp.example".to_owned()]),
    };
    Account {
        csrf: CSRF.to_owned(),
        person: cast.person(),
        tenant: Some(cast.tenant.to_owned()),
        email_verified: false,
        held_up: false,
        has_password: true,
        apps_total: 2,
        requests: Vec::new(),
        further: Vec::new(),
        apps: vec![
            AppKey {
                client: "app_1".to_owned(),
                app: cast.app(),
                open: None,
                can,
                since: ago(Seconds::days(260)),
                last_used: Some(ago(Seconds(400))),
                vouched: None,
            },
            bare,
        ],
        sessions: vec![
            session("ses_1", true, FIREFOX, "192.0.2.17"),
            session("ses_2", false, SAFARI, "2001:db8:85a3:8d3:1319:8a2e:370:7348"),
            session("ses_3", false, cast.name, "198.51.100.4"),
        ],
        notice: None,
    }
}

fn session(id: &str, current: bool, agent: &str, address: &str) -> SessionRow {
    SessionRow {
        id: id.to_owned(),
        current,
        near: false,
        device: device(Some(agent)),
        address: address.to_owned(),
        since: ago(Seconds::days(3)),
        last_seen: ago(if current { Seconds(5) } else { Seconds::hours(7) }),
    }
}

fn numbered(n: u32) -> AppKey {
    AppKey {
        client: format!("app_{n}"),
        app: App::new(&format!("App number {n}"), None),
        open: None,
        can: vec!["See your photos".to_owned()],
        since: ago(Seconds::days(10)),
        last_used: Some(ago(Seconds::hours(i64::from(n)))),
        vouched: None,
    }
}

fn home(person: Option<&Cast>) -> Home {
    let link = |path: &str, words: &str, detail: &str| {
        Some(Link { detail: Some(detail.to_owned()), ..Link::new(Href::local(path)?, words) })
    };
    Home {
        issuer: "https://id.example.org".to_owned(),
        person: person.map(Cast::person),
        links: [
            link("/account", "Your account", "Apps with a key, and where you are signed in"),
            link(
                "/.well-known/oauth-authorization-server",
                "Metadata",
                "What apps need to know about this server, as JSON",
            ),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

fn form_post(cast: &Cast) -> FormPost {
    FormPost {
        app: cast.app(),
        destination: Destination::Web { host: "printer.example.com".to_owned() },
        action: Href::web("https://printer.example.com/callback").unwrap_or_else(Href::root),
        fields: vec![
            Field::new("code", "vk_ac_c2VhbGVkLWNvZGU"),
            Field::new("state", cast.name),
            Field::new("iss", "https://id.example.org"),
        ],
    }
}

fn out_of_band(cast: &Cast, came: Came) -> OutOfBand {
    OutOfBand { app: cast.app(), came, lasts: "10 minutes".to_owned() }
}

/// As long as a sealed code is.
fn shown() -> Came {
    Came::Code { code: format!("vk_ac_{}", "c2VhbGVkLWNvZGU".repeat(17)) }
}

fn not_shown(error: &str) -> Came {
    let detail = "ask only for scopes that exist here and that this client was registered for".to_owned();
    Came::Error { denied: error == "access_denied", error: error.to_owned(), detail }
}

fn signed_out(cast: &Cast) -> SignedOut {
    let back = Href::web("https://printer.example.com/")
        .map(|href| Link::new(href, &format!("Back to {}", cast.app)));
    SignedOut { back, ..SignedOut::plain(true) }
}

/// With pages of apps to load, and on to the app that asked.
fn signed_out_everywhere(cast: &Cast) -> SignedOut {
    let web = |address: &str| Href::web(address);
    let frames = [
        web("https://printer.example.com/bye?iss=https%3A%2F%2Fid.example&sid=06f5z3kq"),
        web("https://calendar.example/out"),
    ];
    let next = web("https://printer.example.com/gone?state=s-42").map(|href| Link::new(href, cast.app));
    SignedOut { frames: frames.into_iter().flatten().collect(), next, ..SignedOut::plain(true) }
}

fn full_error(kind: ErrorKind, cast: &Cast) -> ErrorPage {
    ErrorPage {
        code: Some("invalid_request".to_owned()),
        detail: Some("code_challenge is missing: send the S256 hash of a code_verifier".to_owned()),
        app: Some(cast.app()),
        back: Href::local("/").map(|href| Link::new(href, "Go to the home page")),
        wait: Some("5 seconds".to_owned()),
        ..ErrorPage::new(kind, REQUEST)
    }
}

/// `BadRedirectUri` → `error-badredirecturi`
fn error_name(kind: ErrorKind) -> String {
    format!("error-{kind:?}").to_lowercase()
}

fn dev(came: Callback) -> DevCallback {
    let state = matches!(came, Callback::Code { .. }).then(|| "s-42".to_owned());
    DevCallback { state, iss: Some("http://localhost:8080".to_owned()), came }
}

fn code(state: &str) -> Callback {
    let curl = format!(
        "curl -u demo-web:demo-web-secret-for-development-only \\\n  -d grant_type=authorization_code \\\n  -d code=vk_ac_c2VhbGVkLWNvZGU \\\n  -d redirect_uri=http://localhost:8080/dev/callback \\\n  -d code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk \\\n  -d 'x={state}' \\\n  http://localhost:8080/oauth/token"
    );
    Callback::Code { code: format!("vk_ac_{}", "c2VhbGVkLWNvZGU".repeat(12)), curl }
}

fn refused(error: &str) -> Callback {
    Callback::Error {
        error: error.to_owned(),
        description: Some("the resource owner denied the request".to_owned()),
    }
}
