//! Samples of the pages below the account page.

use super::{CSRF, Cast, PLAIN, Sample, ago};
use crate::pages::view::account::below;
use crate::pages::view::{
    AccountApps, AccountDelete, AccountLog, AccountPassword, AccountProfile, App, AppKey, ConfirmError,
    LogEntry, Paging, PasswordError, ProfileError,
};
use valetkey_core::time::Seconds;

const CONFIRM: [ConfirmError; 3] = [ConfirmError::Missing, ConfirmError::Wrong, ConfirmError::Busy];

pub(super) fn states() -> Vec<Sample> {
    let mut samples = vec![
        Sample::new("account-apps", &apps(&PLAIN, "")),
        Sample::new("account-apps-found", &apps(&PLAIN, "photo")),
        Sample::new("account-apps-empty", &AccountApps { apps: Vec::new(), total: 0, ..apps(&PLAIN, "") }),
        Sample::new("account-apps-not-found", &AccountApps { apps: Vec::new(), ..apps(&PLAIN, "zzz") }),
        Sample::new("account-profile", &profile(&PLAIN)),
        Sample::new(
            "account-profile-errors",
            &AccountProfile {
                errors: vec![ProfileError::NameTooLong, ProfileError::EmailInvalid],
                ..profile(&PLAIN)
            },
        ),
        Sample::new(
            "account-profile-no-password",
            &AccountProfile {
                has_password: false,
                errors: vec![ProfileError::EmailNeedsPassword],
                ..profile(&PLAIN)
            },
        ),
        Sample::new(
            "account-profile-kept",
            &AccountProfile { name_editable: false, email_editable: false, ..profile(&PLAIN) },
        ),
        Sample::new("account-password", &password(&PLAIN)),
        Sample::new("account-password-none", &AccountPassword { has_password: false, ..password(&PLAIN) }),
        Sample::new("account-log", &log(&PLAIN)),
        Sample::new("account-log-empty", &AccountLog { entries: Vec::new(), older: None, ..log(&PLAIN) }),
        Sample::new(
            "account-log-end",
            &AccountLog { entries: Vec::new(), newest: false, older: None, ..log(&PLAIN) },
        ),
        Sample::new("account-delete", &delete(&PLAIN)),
        Sample::new("account-delete-admin", &AccountDelete { admin: true, ..delete(&PLAIN) }),
        Sample::new(
            "account-delete-no-password",
            &AccountDelete { has_password: false, apps: Vec::new(), ..delete(&PLAIN) },
        ),
    ];
    let throttled = ConfirmError::Throttled { wait: "2 minutes".to_owned() };
    for (n, confirm) in CONFIRM.into_iter().chain([throttled]).enumerate() {
        let confirm = Some(confirm);
        let profile = AccountProfile { confirm: confirm.clone(), ..profile(&PLAIN) };
        samples.push(Sample::new(&format!("account-profile-confirm-{n}"), &profile));
        let delete = AccountDelete { confirm: confirm.clone(), ..delete(&PLAIN) };
        samples.push(Sample::new(&format!("account-delete-confirm-{n}"), &delete));
        let page = AccountPassword { confirm, ..password(&PLAIN) };
        samples.push(Sample::new(&format!("account-password-confirm-{n}"), &page));
    }
    samples.extend(PasswordError::ALL.map(|error| {
        let page = AccountPassword { error: Some(error), apps_end: true, ..password(&PLAIN) };
        Sample::new(&format!("account-password-{error:?}").to_lowercase(), &page)
    }));
    samples
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    let errors = vec![ProfileError::NameTooLong, ProfileError::EmailInvalid];
    vec![
        Sample::new("account-apps", &apps(cast, cast.app)),
        Sample::new(
            "account-profile",
            &AccountProfile { errors, confirm: Some(ConfirmError::Wrong), ..profile(cast) },
        ),
        Sample::new(
            "account-password",
            &AccountPassword {
                confirm: Some(ConfirmError::Wrong),
                error: Some(PasswordError::Personal),
                ..password(cast)
            },
        ),
        Sample::new("account-log", &log(cast)),
        Sample::new("account-delete", &AccountDelete { confirm: Some(ConfirmError::Wrong), ..delete(cast) }),
    ]
}

fn apps(cast: &Cast, query: &str) -> AccountApps {
    let key = |n: u32, name: &str| AppKey {
        client: format!("app_{n}"),
        app: App::new(name, None),
        open: None,
        can: vec![cast.scope.to_owned()],
        since: ago(Seconds::days(260)),
        last_used: (n == 1).then(|| ago(Seconds(400))),
        vouched: [None, Some(vec![cast.tenant.to_owned(), "other.example".to_owned()]), Some(Vec::new())]
            .into_iter()
            .nth(n as usize - 1)
            .flatten(),
    };
    let paging = Paging {
        here: "21–40 of 57".to_owned(),
        back: Some(below("apps?page=1")),
        on: Some(below("apps?page=3")),
    };
    AccountApps {
        csrf: CSRF.to_owned(),
        query: query.to_owned(),
        apps: vec![key(1, cast.app), key(2, "Calendar"), key(3, "Agent")],
        total: 57,
        paging: if query.is_empty() { paging } else { Paging::default() },
    }
}

fn profile(cast: &Cast) -> AccountProfile {
    AccountProfile {
        csrf: CSRF.to_owned(),
        username: cast.username.to_owned(),
        name: cast.name.to_owned(),
        email: cast.email.to_owned(),
        name_editable: true,
        email_editable: true,
        has_password: true,
        errors: Vec::new(),
        confirm: None,
    }
}

fn password(cast: &Cast) -> AccountPassword {
    AccountPassword {
        csrf: CSRF.to_owned(),
        username: cast.username.to_owned(),
        has_password: true,
        confirm: None,
        error: None,
        apps_end: false,
        password_min: 15,
    }
}

fn log(cast: &Cast) -> AccountLog {
    let entry = |before: &str, app: Option<&str>, after: &str, alarming| LogEntry {
        before: before.to_owned(),
        app: app.map(str::to_owned),
        after: after.to_owned(),
        alarming,
        when: ago(Seconds::hours(3)),
        address: Some("2001:db8:85a3:8d3:1319:8a2e:370:7348".to_owned()),
        browser: app.is_none().then(|| "Firefox on Windows".to_owned()),
    };
    AccountLog {
        csrf: CSRF.to_owned(),
        entries: vec![
            entry("You gave ", Some(cast.app), " a key.", false),
            entry("A wrong password was tried.", None, "", true),
            entry("You signed in.", None, "", false),
        ],
        newest: true,
        older: Some(below("log?before=06f5z3kq8w2m4xhvr9tbnc71de")),
    }
}

fn delete(cast: &Cast) -> AccountDelete {
    AccountDelete {
        csrf: CSRF.to_owned(),
        username: cast.username.to_owned(),
        has_password: true,
        admin: false,
        apps: vec![cast.app(), App::new("Calendar", None)],
        confirm: None,
    }
}
