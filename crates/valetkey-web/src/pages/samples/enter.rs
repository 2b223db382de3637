//! Samples of the pages before a person is in: sign-in and setup.

use super::{CSRF, Cast, INTERACTION, PLAIN, Sample};
use crate::pages::view::{
    Destination, Href, KnownAccount, Login, LoginError, LoginMode, NewPassword, PasswordError, Person, Setup,
    SetupError, SetupForm, Tenant, UpstreamButton,
};

pub(super) fn states() -> Vec<Sample> {
    let login = |name: &str, change: &dyn Fn(&mut Login)| {
        let mut page = asked(&PLAIN);
        change(&mut page);
        Sample::new(name, &page)
    };
    let failed = |name: &str, error: LoginError| {
        login(name, &|page| {
            "alice".clone_into(&mut page.username);
            page.error = Some(error.clone());
        })
    };
    let mut samples = vec![
        Sample::new("login-plain", &plain()),
        login("login", &|_| ()),
        login("login-hint", &|page| "alice".clone_into(&mut page.username)),
        login("login-bare", &|page| (page.forgotten, page.register, page.tenant) = (None, None, None)),
        login("login-loopback", &|page| page.destination = Some(Destination::Loopback)),
        failed("login-wrong", LoginError::WrongCredentials),
        failed("login-throttled", LoginError::Throttled { wait: "2 minutes".to_owned() }),
        failed("login-expired", LoginError::Expired),
        failed("login-busy", LoginError::Busy),
        failed("login-missing-password", LoginError::Missing { username: false, password: true }),
        login("login-missing", &|page| {
            page.error = Some(LoginError::Missing { username: true, password: true });
        }),
        login("login-again", &|page| {
            page.mode = LoginMode::Again;
            "alice".clone_into(&mut page.username);
        }),
        login("login-choose", &|page| page.mode = choose(&PLAIN)),
    ];
    samples.push(login("login-upstreams", &|page| {
        let button = |id: &str, name: &str| UpstreamButton {
            name: name.to_owned(),
            action: Href::local(&format!("/login/upstream/{id}")).unwrap_or_else(Href::root),
        };
        page.upstreams = vec![button("corp", "Example Corporation"), button("github", "GitHub")];
    }));
    samples.push(login("login-app-says-more", &|page| {
        page.app = page.app.take().map(|app| app.with_logo(Href::local("/assets/logos/of.app_1")));
        page.policy = Href::web("https://printer.example.com/privacy");
        page.terms = Href::web("https://printer.example.com/terms");
    }));
    samples.push(login("login-tenant", &|page| {
        page.tenant = Some(Tenant::new("Eneco", Href::local("/assets/logos/eneco.png")));
    }));
    samples.push(Sample::new(
        "login-tenant-plain",
        &Login { tenant: Some(Tenant::new("Eneco", None)), tenant_id: Some("eneco".to_owned()), ..plain() },
    ));
    samples.push(Sample::new("new-password", &new_password(&PLAIN)));
    samples.extend(PasswordError::ALL.map(|error| {
        let page = NewPassword { i: None, app: None, error: Some(error), ..new_password(&PLAIN) };
        Sample::new(&format!("new-password-{error:?}").to_lowercase(), &page)
    }));
    samples.extend(setup());
    samples
}

fn new_password(cast: &Cast) -> NewPassword {
    NewPassword {
        i: Some(INTERACTION.to_owned()),
        tenant: Some(Tenant::new(cast.tenant, None)),
        app: Some(cast.app()),
        ..NewPassword::new("vk_pd_c2VhbGVk", cast.person())
    }
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    let mut login = asked(cast);
    login.mode = choose(cast);
    cast.username.clone_into(&mut login.username);
    login.error = Some(LoginError::WrongCredentials);
    let again = Login { mode: LoginMode::Again, error: None, ..login.clone() };
    let setup = SetupForm {
        name: cast.name.to_owned(),
        email: cast.email.to_owned(),
        ..form(cast.username, &[SetupError::UsernameInvalid])
    };
    vec![
        Sample::new("login", &login),
        Sample::new("login-again", &again),
        Sample::new("new-password", &new_password(cast)),
        Sample::new("setup", &Setup::Form(setup)),
        Sample::new("setup-done", &Setup::Done { username: cast.username.to_owned() }),
    ]
}

fn plain() -> Login {
    Login {
        i: None,
        csrf: Some(CSRF.to_owned()),
        app: None,
        policy: None,
        terms: None,
        tenant: None,
        tenant_id: None,
        destination: None,
        username: String::new(),
        mode: LoginMode::Fresh,
        error: None,
        next: None,
        upstreams: Vec::new(),
        forgotten: None,
        switch: None,
        register: None,
    }
}

fn asked(cast: &Cast) -> Login {
    Login {
        i: Some(INTERACTION.to_owned()),
        csrf: None,
        app: Some(cast.app()),
        tenant: Some(Tenant::new(cast.tenant, None)),
        destination: Destination::of("https://printer.example.com/callback"),
        forgotten: Href::local("/forgotten"),
        register: Href::local("/sign-up"),
        ..plain()
    }
}

fn choose(cast: &Cast) -> LoginMode {
    let account = |session: &str, person: Person| KnownAccount { session: session.to_owned(), person };
    LoginMode::Choose {
        accounts: vec![
            account("ses_1", cast.person()),
            account("ses_2", Person::new("alice.work", None, None)),
        ],
    }
}

fn setup() -> Vec<Sample> {
    let all_four = [
        SetupError::UsernameTaken,
        SetupError::NameTooLong,
        SetupError::EmailInvalid,
        SetupError::PasswordTooShort,
    ];
    let mut samples = vec![
        Sample::new("setup", &Setup::Form(form("", &[]))),
        Sample::new("setup-errors", &Setup::Form(form("alice", &all_four))),
        Sample::new("setup-done", &Setup::Done { username: "alice".to_owned() }),
        Sample::new("setup-used", &Setup::Used),
        Sample::new("setup-expired", &Setup::Expired),
    ];
    samples.extend(SetupError::ALL.iter().map(|error| {
        Sample::new(&format!("setup-{error:?}").to_lowercase(), &Setup::Form(form("alice", &[*error])))
    }));
    samples
}

fn form(username: &str, errors: &[SetupError]) -> SetupForm {
    SetupForm {
        i: INTERACTION.to_owned(),
        username: username.to_owned(),
        name: String::new(),
        email: String::new(),
        password_min: 15,
        errors: errors.to_vec(),
    }
}
