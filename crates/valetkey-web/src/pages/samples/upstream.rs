//! Samples of signing in at an existing provider, and of the consent page for a client that describes itself.

use super::{CSRF, Cast, PLAIN, Sample, ago};
use crate::pages::view::{
    AccountMethods, ConfirmError, Href, Link, Linked, MethodsNotice, Offer, UpstreamTrouble, WhatWentWrong,
};
use valetkey_core::time::Seconds;

pub(super) fn states() -> Vec<Sample> {
    let mut samples: Vec<_> = WhatWentWrong::ALL
        .into_iter()
        .map(|kind| Sample::new(&format!("upstream-{kind:?}").to_lowercase(), &trouble(kind, &PLAIN)))
        .collect();
    samples.push(Sample::new("account-methods", &methods(&PLAIN)));
    let last = AccountMethods { has_password: false, offers: Vec::new(), ..methods(&PLAIN) };
    let linked = last.linked.iter().take(1).map(|own| Linked { removable: false, ..own.clone() }).collect();
    samples.push(Sample::new("account-methods-last", &AccountMethods { linked, ..last }));
    samples
        .push(Sample::new("account-methods-none", &AccountMethods { linked: Vec::new(), ..methods(&PLAIN) }));
    samples.push(Sample::new(
        "account-methods-confirm",
        &AccountMethods { confirm: Some(ConfirmError::Wrong), ..methods(&PLAIN) },
    ));
    samples.extend(MethodsNotice::ALL.map(|(name, notice)| {
        let page = AccountMethods { notice: Some(notice), ..methods(&PLAIN) };
        Sample::new(&format!("account-methods-done-{name}"), &page)
    }));
    samples
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    vec![
        Sample::new("upstream-has-account", &trouble(WhatWentWrong::HasAccount, cast)),
        Sample::new("account-methods", &methods(cast)),
    ]
}

fn trouble(kind: WhatWentWrong, cast: &Cast) -> UpstreamTrouble {
    let href = Href::local("/login").unwrap_or_else(Href::root);
    UpstreamTrouble {
        kind,
        provider: cast.tenant.to_owned(),
        back: Link::new(href, "Back to the sign-in page"),
        request_id: "06f5z3kq8w2m4xhv".to_owned(),
    }
}

fn methods(cast: &Cast) -> AccountMethods {
    let linked = |provider: &str, label: &str, subject: &str| Linked {
        provider: provider.to_owned(),
        label: label.to_owned(),
        issuer: "https://idp.example.com".to_owned(),
        subject: subject.to_owned(),
        since: ago(Seconds::days(40)),
        removable: true,
    };
    AccountMethods {
        csrf: CSRF.to_owned(),
        username: cast.username.to_owned(),
        has_password: true,
        linked: vec![linked(cast.tenant, cast.email, "1"), linked("https://old.example.com", "alice", "2")],
        offers: vec![
            Offer { id: "corp".to_owned(), name: cast.tenant.to_owned() },
            Offer { id: "github".to_owned(), name: "GitHub".to_owned() },
        ],
        notice: None,
        confirm: None,
    }
}
