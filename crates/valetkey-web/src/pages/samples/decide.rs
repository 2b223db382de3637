//! Samples of the pages where a person decides: consent, sign-out.

use super::{CSRF, Cast, INTERACTION, PLAIN, Sample, ago};
use crate::pages::view::{
    Access, Asked, Checked, Consent, Destination, Detail, Field, Held, Href, Lasts, Registered, SignOut,
    Technical,
};
use valetkey_core::time::Seconds;

pub(super) fn states() -> Vec<Sample> {
    let mut all = by_what();
    all.extend(by_whom());
    all.push(Sample::new("sign-out", &sign_out(&PLAIN, false)));
    all.push(Sample::new("sign-out-asked", &sign_out(&PLAIN, true)));
    all
}

fn consent(name: &str, change: &dyn Fn(&mut Consent)) -> Sample {
    let mut page = first(&PLAIN);
    change(&mut page);
    Sample::new(name, &page)
}

/// By what is asked for.
fn by_what() -> Vec<Sample> {
    vec![
        consent("consent", &|_| ()),
        consent("consent-more", &|page| {
            page.held = vec![held("See your photos"), held("Know who you are")];
            page.asked.drain(..1);
            page.asked.iter_mut().for_each(|scope| scope.new = true);
            page.fixed.clear();
        }),
        consent("consent-details", &|page| {
            page.asked.truncate(1);
            page.details = vec![
                Detail {
                    words: "Pay 123.50 EUR to Merchant A".to_owned(),
                    members: vec![
                        ("creditorAccount.iban".to_owned(), "DE02100100109307118603".to_owned()),
                        ("reference".to_owned(), "Ref Number Merchant".to_owned()),
                    ],
                },
                Detail { words: "See the balance of account 7".to_owned(), members: Vec::new() },
            ];
        }),
        consent("consent-again", &|page| {
            page.held = vec![held("See your photos"), held("Add, rename and remove albums")];
            (page.again, page.more) = (true, false);
        }),
        consent("consent-one", &|page| {
            page.asked.truncate(1);
            page.policy = Href::web("https://printer.example.com/privacy");
            page.terms = Href::web("https://printer.example.com/terms");
        }),
        consent("consent-identity", &|page| {
            page.asked.clear();
            page.lasts = Lasts::Once { span: "10 minutes".to_owned() };
        }),
        consent("consent-many", &|page| page.asked = (1..=14).map(numbered).collect()),
        consent("consent-nothing", &|page| {
            page.nothing_selected = true;
            page.asked.iter_mut().for_each(|scope| scope.checked = false);
        }),
    ]
}

/// By who asks, and where the answer goes.
fn by_whom() -> Vec<Sample> {
    vec![
        consent("consent-unchecked", &|page| page.registered.checked = Checked::Nobody),
        consent("consent-self-registered", &|page| {
            page.registered =
                Registered { by: None, since: ago(Seconds(20)), checked: Checked::SelfRegistered };
            page.app.website = None;
            page.destination = Destination::Loopback;
            "http://127.0.0.1:49152/callback".clone_into(&mut page.technical.redirect_uri);
        }),
        consent("consent-document", &|page| {
            let by = Some("agent.example.com".to_owned());
            page.registered = Registered { by, since: ago(Seconds(20)), checked: Checked::Document };
        }),
        consent("consent-scheme", &|page| {
            page.destination = Destination::Scheme { scheme: "com.example.app".to_owned() };
            "com.example.app:/callback".clone_into(&mut page.technical.redirect_uri);
        }),
        consent("consent-out-of-band", &|page| {
            page.destination = Destination::Page;
            page.lasts = Lasts::Forever;
            "urn:ietf:wg:oauth:2.0:oob".clone_into(&mut page.technical.redirect_uri);
        }),
        consent("consent-apis", &|page| {
            page.apis = vec!["Photos".to_owned(), "Albums and sharing".to_owned()];
            page.technical.resources = vec![
                "https://api.example.org/photos".to_owned(),
                "https://api.example.org/albums".to_owned(),
            ];
            page.lasts = Lasts::Lasting { idle: "30 days".to_owned() };
        }),
    ]
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    let mut consent = first(cast);
    consent.held = vec![held(cast.scope)];
    consent.asked.iter_mut().for_each(|scope| scope.new = true);
    consent.details = vec![Detail {
        words: cast.scope.to_owned(),
        members: vec![("a".repeat(120), "b".repeat(400)), (cast.maker.to_owned(), cast.tenant.to_owned())],
    }];
    consent.apis = vec![cast.tenant.to_owned()];
    consent.technical.resources = vec![format!("https://api.example.org/{}", "a".repeat(200))];
    consent.registered.checked = Checked::Nobody;
    consent.nothing_selected = true;
    consent.csrf = Some(CSRF.to_owned());
    vec![Sample::new("consent", &consent), Sample::new("sign-out", &sign_out(cast, true))]
}

pub(super) fn first(cast: &Cast) -> Consent {
    Consent {
        i: INTERACTION.to_owned(),
        csrf: None,
        app: cast.app(),
        person: cast.person(),
        tenant: Some(cast.tenant.to_owned()),
        not_you: Href::local("/login?i=sample&other=1").unwrap_or_else(Href::root),
        asked: vec![
            asked(
                "photos.read",
                "See your photos",
                Some("Albums and pictures, not the hidden ones"),
                Access::Read,
            ),
            asked("albums.write", cast.scope, Some("Add, rename and remove albums"), Access::Change),
            Asked {
                checked: false,
                ..asked(
                    "offline_access",
                    "Keep working when you are away",
                    Some("Until you take the key back, or 30 days unused"),
                    Access::Offline,
                )
            },
        ],
        details: Vec::new(),
        fixed: vec![Held {
            words: "Know who you are".to_owned(),
            detail: Some("A lasting identifier of your account, nothing else".to_owned()),
        }],
        held: Vec::new(),
        more: true,
        again: false,
        apis: Vec::new(),
        registered: Registered {
            by: Some(cast.maker.to_owned()),
            since: ago(Seconds::days(260)),
            checked: Checked::ByOperator,
        },
        destination: Destination::Web { host: "printer.example.com".to_owned() },
        elsewhere: None,
        lasts: Lasts::Either { span: "10 minutes".to_owned(), idle: "30 days".to_owned() },
        policy: None,
        terms: None,
        technical: Technical {
            client_id: "app_06f5z3kq8w2m4xhvr9tbnc71de".to_owned(),
            redirect_uri: "https://printer.example.com/callback".to_owned(),
            scopes: ["openid", "photos.read", "albums.write", "offline_access"].map(str::to_owned).to_vec(),
            resources: Vec::new(),
        },
        nothing_selected: false,
    }
}

fn asked(value: &str, words: &str, detail: Option<&str>, access: Access) -> Asked {
    Asked {
        value: value.to_owned(),
        words: words.to_owned(),
        detail: detail.map(str::to_owned),
        access,
        new: false,
        checked: true,
    }
}

fn numbered(n: u32) -> Asked {
    asked(
        &format!("shelf.{n}"),
        &format!("See what stands on shelf {n}"),
        None,
        if n.is_multiple_of(5) { Access::Plain } else { Access::Read },
    )
}

fn held(words: &str) -> Held {
    Held { words: words.to_owned(), detail: None }
}

fn sign_out(cast: &Cast, asked_by_app: bool) -> SignOut {
    SignOut {
        fields: vec![Field::new("csrf", CSRF)],
        person: cast.person(),
        app: asked_by_app.then(|| cast.app()),
        stay: Href::local("/account").unwrap_or_else(Href::root),
    }
}
