//! Samples of the page of what is known of a person beyond name and address.

use super::{CSRF, Cast, PLAIN, Sample};
use crate::pages::view::{AccountDetails, ClaimField, ClaimGroup, ClaimKind, ConfirmError};

pub(super) fn states() -> Vec<Sample> {
    let confirm = |confirm| AccountDetails { confirm: Some(confirm), ..details(&PLAIN) };
    let empty = AccountDetails { groups: Vec::new(), editable: false, phone: false, ..details(&PLAIN) };
    vec![
        Sample::new("account-details", &details(&PLAIN)),
        Sample::new("account-details-empty", &empty),
        Sample::new("account-details-wrong", &wrong_details(&PLAIN)),
        Sample::new("account-details-kept", &kept_details(&PLAIN)),
        Sample::new("account-details-confirm-missing", &confirm(ConfirmError::Missing)),
        Sample::new("account-details-confirm-wrong", &confirm(ConfirmError::Wrong)),
        Sample::new("account-details-confirm-busy", &confirm(ConfirmError::Busy)),
        Sample::new(
            "account-details-confirm-throttled",
            &confirm(ConfirmError::Throttled { wait: "2 minutes".to_owned() }),
        ),
    ]
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    let page = AccountDetails { confirm: Some(ConfirmError::Wrong), ..wrong_details(cast) };
    vec![Sample::new("account-details", &page)]
}

fn details(cast: &Cast) -> AccountDetails {
    let field = |name, label, hint, kind, value: &str| ClaimField {
        name,
        label,
        hint,
        kind,
        autocomplete: "off",
        value: value.to_owned(),
        editable: true,
        error: None,
    };
    AccountDetails {
        csrf: CSRF.to_owned(),
        username: cast.username.to_owned(),
        has_password: true,
        editable: true,
        phone: true,
        groups: vec![
            ClaimGroup {
                legend: "Your names",
                fields: vec![
                    field("given_name", "Given name", "", ClaimKind::Text, cast.name),
                    field("nickname", "Nickname", "", ClaimKind::Text, ""),
                ],
            },
            ClaimGroup {
                legend: "About you",
                fields: vec![field(
                    "zoneinfo",
                    "Time zone",
                    "Such as Europe/Amsterdam.",
                    ClaimKind::Text,
                    "",
                )],
            },
            ClaimGroup {
                legend: "On the web",
                fields: vec![field("website", "Website", "", ClaimKind::Url, "https://alice.example/")],
            },
            ClaimGroup {
                legend: "Where you are reached",
                fields: vec![
                    field(
                        "phone_number",
                        "Phone number",
                        "A new number counts as not confirmed.",
                        ClaimKind::Tel,
                        "",
                    ),
                    field("street_address", "Street and number", "", ClaimKind::Area, cast.maker),
                ],
            },
        ],
        confirm: None,
    }
}

fn wrong_details(cast: &Cast) -> AccountDetails {
    let mut page = details(cast);
    for field in page.groups.iter_mut().flat_map(|group| &mut group.fields) {
        field.error = Some("This must be one line of reasonable length.".to_owned());
    }
    page
}

/// The operator looks after all of it.
fn kept_details(cast: &Cast) -> AccountDetails {
    let mut page = AccountDetails { editable: false, phone: false, ..details(cast) };
    page.groups.iter_mut().flat_map(|group| &mut group.fields).for_each(|field| field.editable = false);
    page
}
