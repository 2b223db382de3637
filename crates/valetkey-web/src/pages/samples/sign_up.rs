//! Samples of the pages where people make accounts for themselves, and wait for their address to be confirmed.

use super::{CSRF, Cast, INTERACTION, PLAIN, Sample};
use crate::pages::view::{
    Destination, Href, KnownAccount, SetupError, SignUp, SignUpTrouble, Tenant, Unconfirmed,
};

pub(super) fn states() -> Vec<Sample> {
    let page = |name: &str, change: &dyn Fn(&mut SignUp)| {
        let mut page = sign_up(&PLAIN);
        change(&mut page);
        Sample::new(name, &page)
    };
    let trouble = |name: &str, trouble: SignUpTrouble| {
        page(name, &|page| {
            "alice".clone_into(&mut page.username);
            page.trouble = Some(trouble.clone());
        })
    };
    let mut samples = vec![
        page("sign-up", &|_| ()),
        page("sign-up-plain", &|page| {
            (page.i, page.app, page.destination) = (None, None, None);
            (page.tenant, page.tenant_id) = (None, Some("eneco".to_owned()));
        }),
        page("sign-up-signed-in", &|page| {
            (page.signed_in, page.switch) = (Some(known(&PLAIN)), Some(switch()));
        }),
        page("sign-up-signed-in-plain", &|page| {
            (page.i, page.app, page.destination) = (None, None, None);
            page.signed_in = Some(known(&PLAIN));
        }),
        page("sign-up-email-needed", &|page| page.email_needed = true),
        page("sign-up-errors", &|page| {
            page.errors = vec![
                SetupError::UsernameTaken,
                SetupError::NameTooLong,
                SetupError::EmailMissing,
                SetupError::PasswordTooShort,
            ];
        }),
        trouble("sign-up-throttled", SignUpTrouble::Throttled { wait: "1 hour".to_owned() }),
        trouble("sign-up-expired", SignUpTrouble::Expired),
        trouble("sign-up-busy", SignUpTrouble::Busy),
    ];
    samples.extend(
        SetupError::ALL.map(|error| {
            page(&format!("sign-up-{error:?}").to_lowercase(), &|page| page.errors = vec![error])
        }),
    );
    samples.push(Sample::new("unconfirmed", &unconfirmed(&PLAIN)));
    let own = || unconfirmed(&PLAIN);
    let bare = Unconfirmed { i: None, app: None, providers: Vec::new(), not_you: None, ..own() };
    samples.push(Sample::new("unconfirmed-plain", &bare));
    samples.push(Sample::new("unconfirmed-no-address", &Unconfirmed { email: None, ..own() }));
    samples
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    let page = SignUp {
        username: cast.username.to_owned(),
        name: cast.name.to_owned(),
        email: cast.email.to_owned(),
        signed_in: Some(known(cast)),
        switch: Some(switch()),
        errors: vec![SetupError::UsernameInvalid, SetupError::EmailInvalid],
        ..sign_up(cast)
    };
    vec![Sample::new("sign-up", &page), Sample::new("unconfirmed", &unconfirmed(cast))]
}

fn local(path: &str) -> Href {
    Href::local(path).unwrap_or_else(Href::root)
}

fn known(cast: &Cast) -> KnownAccount {
    KnownAccount { session: "0r2mkgn5b2ss5kh5fbzz0w6y4c".to_owned(), person: cast.person() }
}

fn switch() -> Href {
    local(&format!("/login?i={INTERACTION}&switch=1"))
}

fn sign_up(cast: &Cast) -> SignUp {
    SignUp {
        i: Some(INTERACTION.to_owned()),
        csrf: CSRF.to_owned(),
        app: Some(cast.app()),
        tenant: Some(Tenant::new(cast.tenant, None)),
        tenant_id: None,
        destination: Destination::of("https://printer.example.com/callback"),
        next: None,
        sign_in: local(&format!("/login?i={INTERACTION}")),
        signed_in: None,
        switch: None,
        username: String::new(),
        name: String::new(),
        email: String::new(),
        email_needed: false,
        password_min: 15,
        errors: Vec::new(),
        trouble: None,
    }
}

fn unconfirmed(cast: &Cast) -> Unconfirmed {
    Unconfirmed {
        i: Some(INTERACTION.to_owned()),
        csrf: CSRF.to_owned(),
        app: Some(cast.app()),
        person: cast.person(),
        email: Some(cast.email.to_owned()),
        providers: vec![cast.tenant.to_owned(), "Example Corporation".to_owned(), "GitHub".to_owned()],
        again: local(&format!("/login/unconfirmed?i={INTERACTION}")),
        not_you: Some(switch()),
    }
}
